#!/usr/bin/env python3
"""Streams and datagrams that are checked: receive PORT BYTES | send HOST PORT BYTES RATE | echo PORT |
datagrams HOST PORT LENGTH..."""
import socket
import sys
import time

CHUNK = bytes(range(256)) * 64


def receive(port, total):
    listener = socket.create_server(("", port))
    peer, _ = listener.accept()
    got = 0
    while True:
        data = peer.recv(65536)
        if not data:
            break
        at = got % len(CHUNK)
        if data != (CHUNK * (len(data) // len(CHUNK) + 2))[at:at + len(data)]:
            raise SystemExit("byte %d or one behind it is wrong" % got)
        got += len(data)
    print("%d of %d bytes" % (got, total))
    return 0 if got == total else 1


def send(host, port, total, rate):
    """At `rate` bytes a second, so that what happens half way happens in mid-stream."""
    peer = socket.create_connection((host, port), timeout=30)
    start = time.monotonic()
    sent = 0
    said = False
    while sent < total:
        at = sent % len(CHUNK)
        sent += peer.send(CHUNK[at:at + total - sent])
        if not said and sent >= total // 2:
            print("half", flush=True)
            said = True
        ahead = sent / rate - (time.monotonic() - start)
        if ahead > 0:
            time.sleep(ahead)  # the rate, nothing is awaited
    peer.shutdown(socket.SHUT_WR)
    return 0 if peer.recv(1) == b"" else 1


def echo(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", port))
    while True:
        data, peer = sock.recvfrom(65535)
        sock.sendto(data, peer)


def datagrams(host, port, lengths):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, 10, 0) # IP_MTU_DISCOVER: DF clear
    sock.settimeout(2)
    for length in lengths:
        data = (CHUNK * (length // len(CHUNK) + 1))[:length]
        for _ in range(3):
            sock.sendto(data, (host, port))
            try:
                if sock.recv(65535) == data:
                    break
            except socket.timeout:
                continue
        else:
            print("%d bytes do not come back" % length)
            return 1
    return 0


def main():
    what, *rest = sys.argv[1:]
    if what == "receive":
        return receive(int(rest[0]), int(rest[1]))
    if what == "send":
        return send(rest[0], int(rest[1]), int(rest[2]), int(rest[3]))
    if what == "echo":
        return echo(int(rest[0]))
    return datagrams(rest[0], int(rest[1]), [int(n) for n in rest[2:]])


if __name__ == "__main__":
    sys.exit(main())
