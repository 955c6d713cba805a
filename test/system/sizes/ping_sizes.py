#!/usr/bin/env python3
"""Echo requests of every length to a host, by raw socket. With --df lengths up to the link's MTU are sent with DF:
what is too long must be answered with ICMP 3/4 (ICMPv6 2) that names an MTU, and that MTU must then pass. An IPv6
host without --df cuts what it sends itself, as it is told on the way (RFC 8200 section 5)."""
import argparse
import os
import select
import socket
import struct
import sys
import time

WINDOW = 16
ICMP = socket.IPPROTO_ICMP
ICMP6 = socket.IPPROTO_ICMPV6


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def request(ident, sequence, length, six):
    payload = bytes((i * 7 + length) & 0xff for i in range(length - (48 if six else 28)))
    if six:  # Linux knows the addresses and makes the checksum
        return struct.pack("!BBHHH", 128, 0, 0, ident, sequence) + payload
    head = struct.pack("!BBHHH", 8, 0, 0, ident, sequence)
    return struct.pack("!BBHHH", 8, 0, checksum(head + payload), ident, sequence) + payload


class Probe:
    def __init__(self, host, df):
        self.host = host
        self.ident = os.getpid() & 0xffff
        self.six = ":" in host
        self.df = df
        if self.six:
            self.sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, ICMP6)
            # IPV6_MTU_DISCOVER and IPV6_DONTFRAG
            self.sock.setsockopt(socket.IPPROTO_IPV6, 23, 3 if df else 0)
            self.sock.setsockopt(socket.IPPROTO_IPV6, 62, df)
        else:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP)
            # IP_MTU_DISCOVER: 0 DONT (DF clear), 3 PROBE (DF set, whatever path MTU Linux remembers)
            self.sock.setsockopt(socket.IPPROTO_IP, 10, 3 if df else 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sent = {}
        self.good = set()
        self.too_big = {}

    def send(self, length):
        self.sent[length] = request(self.ident, length, length, self.six)
        self.sock.sendto(self.sent[length], (self.host, 0))

    def receive(self, timeout):
        if not select.select([self.sock], [], [], timeout)[0]:
            return False
        packet = self.sock.recv(65535)
        if self.six:
            self.receive6(packet)
            return True
        icmp = packet[(packet[0] & 15) * 4:]
        kind, code, _, _, mtu = struct.unpack("!BBHHH", icmp[:8])
        if kind == 0:
            ident, sequence = struct.unpack("!HH", icmp[4:8])
            if ident == self.ident and sequence in self.sent:
                if icmp[8:] != self.sent[sequence][8:]:
                    raise SystemExit("length %d: the answer is another one" % sequence)
                self.good.add(sequence)
        elif kind == 3 and code == 4:
            inner = icmp[8:]
            ident, sequence = struct.unpack("!HH", inner[(inner[0] & 15) * 4:][4:8])
            if ident == self.ident:
                self.too_big[sequence] = mtu
        return True

    def receive6(self, icmp):
        kind, _, _, number = struct.unpack("!BBHI", icmp[:8])
        if kind == 129:
            ident, sequence = struct.unpack("!HH", icmp[4:8])
            if ident == self.ident and sequence in self.sent:
                if icmp[8:] != self.sent[sequence][8:]:
                    raise SystemExit("length %d: the answer is another one" % sequence)
                self.good.add(sequence)
        elif kind == 2 and self.df and icmp[14] == ICMP6:
            ident, sequence = struct.unpack("!HH", icmp[52:56])
            if ident == self.ident:
                self.too_big[sequence] = number

    def run(self, lengths, tries=3):
        """Each length is sent until it is answered one way or the other, at most `tries` times."""
        for _ in range(tries):
            rest = [n for n in lengths if n not in self.good and n not in self.too_big]
            for at in range(0, len(rest), WINDOW):
                part = rest[at:at + WINDOW]
                for length in part:
                    self.send(length)
                until = time.monotonic() + 1
                while time.monotonic() < until and not all(n in self.good or n in self.too_big for n in part):
                    self.receive(until - time.monotonic())
            if not rest:
                break
        return [n for n in lengths if n not in self.good and n not in self.too_big]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("host")
    arguments.add_argument("--df", action="store_true")
    arguments.add_argument("--step", type=int, default=1)
    a = arguments.parse_args()
    edges = [n + d for n in (28, 576, 1280, 1400, 1438, 1472, 1500, 3000, 9000) for d in range(-3, 4)]
    most = 1500 if a.df else 9000
    least = 48 if ":" in a.host else 28
    lengths = sorted({n for n in list(range(least, most + 1, a.step)) + edges + [most] if least <= n <= most})
    probe = Probe(a.host, a.df)
    lost = probe.run(lengths)
    if lost:
        print("no answer to %d of %d lengths: %s" % (len(lost), len(lengths), lost[:20]))
        return 1
    print("%d lengths, %d answered, %d too big" % (len(lengths), len(probe.good), len(probe.too_big)))
    if not a.df:
        return 1 if probe.too_big else 0
    return check_df(a.host, probe)


def check_df(host, probe):
    if not probe.good:
        return 1
    if not probe.too_big: # the peer's side may cut what it encrypts, as it does without a word
        return 0
    mtus = set(probe.too_big.values())
    longest, shortest = max(probe.good), min(probe.too_big)
    print("MTU told %s, longest that passed %d, shortest that did not %d" % (sorted(mtus), longest, shortest))
    if longest >= shortest or len(mtus) != 1:
        return 1
    mtu = mtus.pop()
    again = Probe(host, True)
    again.run([mtu, mtu + 1])
    print("at the MTU %s, above it %s" % (mtu in again.good, mtu + 1 in again.too_big))
    return 0 if mtu in again.good and mtu + 1 in again.too_big else 1


if __name__ == "__main__":
    sys.exit(main())
