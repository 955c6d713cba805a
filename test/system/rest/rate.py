#!/usr/bin/env python3
"""How much passes, and when: send HOST[,HOST...] PORT PAYLOAD PACKETS_PER_S FILE | watch FILE INTERFACE... | rate FILE FROM TO |
rates FROM SECONDS FILE... | size FILE FROM TO.

The sender goes on until it is told to stop (TERM); then it writes how many it has sent. What it was late for by more than
some milliseconds it leaves out: it sends no bursts. The watcher writes, every 20 ms, the time, how many packets and bytes the
interfaces have received, and how long a hypervisor took the processors away. `rate` prints packets a second between two times,
`rates` a line for each second from a time on with those of each file and how many per cent of the processors were taken away,
once all is over (what looks meanwhile takes the processor that it looks at), `size` the bytes of a frame; all go from the first sample behind the one time to the last before the other, because where the watcher itself had no
processor nobody knows when between two samples packets came."""
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
SHARP_S = 0.001 # a sample that took longer says not when it was
BEHIND_S = 0.1


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


def counters_of(interfaces, what):
    return [os.open("/sys/class/net/%s/statistics/rx_%s" % (name, what), os.O_RDONLY) for name in interfaces]


def total(counters):
    return sum(int(os.pread(fd, 32, 0)) for fd in counters)


def stolen_s(fd):
    return int(os.pread(fd, 256, 0).split()[8]) / os.sysconf("SC_CLK_TCK")


def watch(path, interfaces):
    stat = os.open("/proc/stat", os.O_RDONLY)
    packets = counters_of(interfaces, "packets")
    octets = counters_of(interfaces, "bytes")
    with open(path, "w", encoding="ascii", buffering=1) as file:
        try:
            while True:
                before = time.time()
                counted = total(packets)
                after = time.time()
                if after - before > SHARP_S:
                    continue
                file.write("%.6f %d %d %.2f\n" % ((before + after) / 2, counted, total(octets), stolen_s(stat)))
                time.sleep(SAMPLE_S)
        except Stop:
            pass


def samples_of(path):
    with open(path, encoding="ascii") as file:
        return [tuple(float(word) for word in line.split()) for line in file if line.endswith("\n")]


def gained(samples, begin, end):
    """Seconds, packets, bytes and stolen seconds from the first to the last sample between two times, most of what lies between them."""
    between = [sample for sample in samples if begin <= sample[0] <= end]
    if not between or between[-1][0] - between[0][0] < (end - begin) * 4 / 5:
        raise SystemExit("there are no samples from %.3f to %.3f" % (begin, end))
    return [last - first for first, last in zip(between[0], between[-1])]


def rates(begin, count, paths):
    time.sleep(max(0, begin + count + BEHIND_S - time.time()))
    files = [samples_of(path) for path in paths]
    for at in range(count):
        pairs = [gained(samples, begin + at, begin + at + 1) for samples in files]
        stolen = max(stolen / seconds for seconds, _, _, stolen in pairs) / os.cpu_count()
        print(" ".join("%.1f" % (packets / seconds) for seconds, packets, _, _ in pairs), "%.1f" % (100 * stolen))


def main():
    what, *rest = sys.argv[1:]
    signal.signal(signal.SIGTERM, stop)
    if what == "send":
        return send(rest[0].split(","), int(rest[1]), int(rest[2]), int(rest[3]), rest[4])
    if what == "watch":
        return watch(rest[0], rest[1:])
    if what == "rate":
        seconds, packets, _, _ = gained(samples_of(rest[0]), float(rest[1]), float(rest[2]))
        return print("%.1f" % (packets / seconds))
    if what == "rates":
        return rates(float(rest[0]), int(rest[1]), rest[2:])
    if what == "size":
        _, packets, octets, _ = gained(samples_of(rest[0]), float(rest[1]), float(rest[2]))
        return print("%.1f" % (octets / max(packets, 1)))
    raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
