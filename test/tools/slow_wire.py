#!/usr/bin/env python3
"""A wire that takes its time: slow_wire.py INTERFACE INTERFACE MILLISECONDS [PERCENT]

Carries each frame between two interfaces of its namespace after so many milliseconds, and loses so
many per cent of them. For a kernel without netem, at some thousand packets a second. Says `ready`
when it carries; the counts when it ends (TERM)."""
import collections
import random
import select
import signal
import socket
import sys
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4
FRAME_MAX = 65536


def open_end(interface):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    end.bind((interface, 0))
    end.setblocking(False)
    return end


class Wire:
    def __init__(self, interfaces, delay_s, percent):
        self.ends = [open_end(name) for name in interfaces]
        self.delay_s = delay_s
        self.percent = percent
        self.under_way = collections.deque()  # in order of arrival: each waits equally long
        self.carried = self.lost = 0

    def take(self, index):
        while True:
            try:
                frame, address = self.ends[index].recvfrom(FRAME_MAX)
            except BlockingIOError:
                return
            if address[2] == PACKET_OUTGOING:
                continue
            if random.random() * 100 < self.percent:
                self.lost += 1
            else:
                self.under_way.append((time.monotonic() + self.delay_s, 1 - index, frame))

    def give(self):
        while self.under_way and self.under_way[0][0] <= time.monotonic():
            _, index, frame = self.under_way.popleft()
            try:
                self.ends[index].send(frame)
                self.carried += 1
            except OSError:  # the interface is down, or its queue is full: lost, as on a wire
                self.lost += 1

    def run(self):
        while True:
            wait = max(0, self.under_way[0][0] - time.monotonic()) if self.under_way else None
            ready, _, _ = select.select(self.ends, [], [], wait)
            for end in ready:
                self.take(self.ends.index(end))
            self.give()


def main(arguments):
    if len(arguments) not in (3, 4):
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    wire = Wire(arguments[:2], float(arguments[2]) / 1000, float(arguments[3]) if len(arguments) == 4 else 0)

    def end(*_):
        print(f"carried {wire.carried} lost {wire.lost}", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    wire.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
