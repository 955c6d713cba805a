#!/usr/bin/env python3
"""How much passes, and when: send HOST[,HOST...] PORT PAYLOAD PACKETS_PER_S FILE | watch FILE INTERFACE... | rate FILE FROM TO.

The sender goes on until it is told to stop (TERM); then it writes how many it has sent. What it was late for by more than
some milliseconds it leaves out: it sends no bursts. The watcher writes, every 20 ms, the time and how many packets the
interfaces have received. `rate` prints packets a second between two times."""
import os
import signal
import socket
import sys
import time

PAUSE_S = 0.002
FAST_PER_S = 20000 # from here on the kernel cuts several packets out of what is sent at once
AT_ONCE = 8
SOL_UDP, UDP_SEGMENT = 17, 103
LATE_S = 0.005
FAST_LATE_S = 0.05
SAMPLE_S = 0.02


class Stop(Exception):
    pass


def stop(_signal, _frame):
    raise Stop


def send(hosts, port, payload, per_s, path):
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in hosts]
    for sock, host in zip(socks, hosts):
        sock.connect((host, port))
    count = len(socks)
    at_once = AT_ONCE if per_s >= FAST_PER_S else 1
    for sock in socks if at_once > 1 else ():
        sock.setsockopt(SOL_UDP, UDP_SEGMENT, payload)
    body = bytes(payload * at_once)
    due = time.monotonic()
    sent = turn = 0
    try:
        while True:
            now = time.monotonic()
            due = max(due, now - (LATE_S if at_once == 1 else FAST_LATE_S))
            while due < now:
                try:
                    socks[turn % count].send(body)
                    sent += at_once
                    turn += 1
                except ConnectionRefusedError: # of an earlier one; this one was not sent
                    continue
                due += at_once / per_s
            time.sleep(PAUSE_S)
    except Stop:
        pass
    with open(path, "w", encoding="ascii") as file:
        file.write("%d\n" % sent)


def watch(path, interfaces):
    counters = [os.open("/sys/class/net/%s/statistics/rx_packets" % name, os.O_RDONLY) for name in interfaces]
    with open(path, "w", encoding="ascii", buffering=1) as file:
        try:
            while True:
                before = time.time()
                total = sum(int(os.pread(fd, 32, 0)) for fd in counters)
                file.write("%.6f %d\n" % ((before + time.time()) / 2, total))
                time.sleep(SAMPLE_S)
        except Stop:
            pass


def at(samples, when):
    for (t0, n0), (t1, n1) in zip(samples, samples[1:]):
        if t0 <= when <= t1:
            return n0 + (n1 - n0) * (when - t0) / (t1 - t0)
    raise SystemExit("there is no sample at %.3f" % when)


def rate(path, begin, end):
    with open(path, encoding="ascii") as file:
        samples = [(float(t), int(n)) for t, n in (line.split() for line in file if line.endswith("\n"))]
    print("%.1f" % ((at(samples, end) - at(samples, begin)) / (end - begin)))


def main():
    what, *rest = sys.argv[1:]
    signal.signal(signal.SIGTERM, stop)
    if what == "send":
        return send(rest[0].split(","), int(rest[1]), int(rest[2]), int(rest[3]), rest[4])
    if what == "watch":
        return watch(rest[0], rest[1:])
    if what == "rate":
        return rate(rest[0], float(rest[1]), float(rest[2]))
    raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
