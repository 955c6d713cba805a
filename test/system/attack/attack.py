#!/usr/bin/env python3
"""Frames of somebody who means no good, on an interface: attack.py IFACE MAC US RATE SECONDS KIND [key=value...]

Kinds are the functions below; each gives the packets that are sent in turn, RATE a second, once SIGUSR1 comes."""
import random
import signal
import socket
import sys
import time

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

POOL = 1024
LIES = 128
ESP = 50


def stranger(rng):
    return "198.18.%d.%d" % (rng.randrange(256), 1 + rng.randrange(254))


def endless(us, rng, _):
    """First and middle fragments of datagrams whose last one never comes, of ESP, IKE and ESP in UDP, from anywhere."""
    for i in range(POOL):
        head = IP(src=stranger(rng), dst=us, id=rng.randrange(65536), flags="MF", frag=0 if i % 3 else 70)
        yield head / (Raw(rng.randbytes(560)) if i % 2 else UDP(sport=4500, dport=rng.choice((500, 4500)), len=2000) /
                      Raw(rng.randbytes(552))), (ESP if i % 2 else 17)


def one_endless(us, rng, _):
    """One datagram that goes on and on: 8 bytes at a time."""
    for i in range(POOL):
        yield IP(src="198.18.0.1", dst=us, id=7, flags="MF", frag=i % 8000) / Raw(rng.randbytes(8)), 17


def overlapping(us, rng, _):
    """The second fragment goes over the end of the first (RFC 5722), inside it, or before it."""
    for i in range(POOL // 2):
        src, ident = stranger(rng), rng.randrange(65536)
        at = (60, 10, 99, 1)[i % 4]
        yield IP(src=src, dst=us, id=ident, flags="MF", frag=0) / Raw(rng.randbytes(800)), ESP
        yield IP(src=src, dst=us, id=ident, flags=0, frag=at) / Raw(rng.randbytes(400)), ESP


def too_long(us, rng, _):
    """Beyond 64 KiB when put together, and pieces of no length that IP allows."""
    for i in range(POOL):
        frag = IP(src=stranger(rng), dst=us, id=i, flags=0 if i % 2 else "MF", frag=8189 if i % 2 else 3)
        yield frag / Raw(rng.randbytes(200 if i % 2 else 13)), 17


def quote(us, peer, spi, port=4500):
    """The beginning of what we sent to the peer, as a router on the way would give it back."""
    udp = UDP(sport=port, dport=port, len=1400, chksum=0) / Raw(spi.to_bytes(4, "big") + bytes(4))
    return IP(src=us, dst=peer, len=1420, ttl=60, proto=17) / udp


def unknown_spi(us, rng, given):
    """Too big, says a router, about ESP that we never sent."""
    for i in range(LIES):
        yield IP(src=stranger(rng), dst=us) / ICMP(type=3, code=4, nexthopmtu=600 + i % 700) / \
            quote(us, given["peer"], rng.randrange(1 << 32)), 1


def wrong_peer(us, rng, given):
    """With an SPI of ours, but said of another peer, another port, other addresses."""
    spi = int(given["spi"], 0)
    for i in range(LIES):
        lie = (quote(us, stranger(rng), spi), quote(stranger(rng), given["peer"], spi),
               quote(us, given["peer"], spi, 4501))[i % 3]
        yield IP(src=stranger(rng), dst=us) / ICMP(type=3, code=4, nexthopmtu=620) / lie, 1


def absurd_mtu(us, rng, given):
    """With all that is right but the MTU."""
    for i in range(LIES):
        yield IP(src=stranger(rng), dst=us) / ICMP(type=3, code=4, nexthopmtu=int(given["mtu"])) / \
            quote(us, given["peer"], int(given["spi"], 0)), 1


def inner(us, rng, given):
    """About packets inside the tunnel, which nobody outside can have seen; and unreachables and redirects about ESP."""
    for i in range(LIES):
        inside = IP(src=given["host_a"], dst=given["host_b"], proto=1) / ICMP() / Raw(bytes(8))
        about, kind = ((inside, dict(type=3, code=4, nexthopmtu=100)), (inside, dict(type=5, code=1, gw="198.18.0.9")),
                       (quote(us, given["peer"], int(given["spi"], 0)), dict(type=3, code=1)),
                       (quote(us, given["peer"], int(given["spi"], 0)), dict(type=5, code=1, gw="198.18.0.9")))[i % 4]
        yield IP(src=stranger(rng), dst=us) / ICMP(**kind) / about, 1


def spoofed(us, rng, given):
    """In clear, from an address that lives behind the tunnel, to the host inside."""
    for i in range(LIES):
        yield IP(src=given["host_b"], dst=given["host_a"]) / ICMP(type=3, code=4, nexthopmtu=100) / \
            IP(src=given["host_a"], dst=given["host_b"], proto=6, len=1500) / Raw(rng.randbytes(8)), 1


KINDS = (endless, one_endless, overlapping, too_long, unknown_spi, wrong_peer, absurd_mtu, inner, spoofed)


def main():
    interface, mac, us, rate, seconds, kind, *rest = sys.argv[1:]
    make = {k.__name__: k for k in KINDS}[kind]
    rng = random.Random(1)
    given = dict(word.split("=", 1) for word in rest)
    frames = []
    for packet, protocol in make(us, rng, given):
        packet.proto = protocol
        frames.append(bytes(Ether(dst=mac, src="02:00:00:00:00:66") / packet))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    print("ready", flush=True)
    signal.sigwait([signal.SIGUSR1])
    sent, begun = 0, time.monotonic()
    while (passed := time.monotonic() - begun) < float(seconds):
        while sent < passed * float(rate):
            try:
                sock.send(frames[sent % len(frames)])
            except OSError:  # the queue is full
                pass
            sent += 1
        time.sleep(0.001)  # the rate, nothing is awaited
    print(sent, "frames")


if __name__ == "__main__":
    main()
