#!/usr/bin/env python3
"""usage: echo_flows.py COUNT RATE SECONDS [DRAIN]

Sends numbered UDP packets, RATE a second, to the COUNT sites of the crowd in turn (10.X.Y.1, as crowd_config has them), and
counts what comes back. A JSON object: sent, echoed, lost, doubled, sites (that answered), pace_ms (how late the sender was at
most). Exit: 0 whatever was lost."""
import json
import select
import socket
import struct
import sys
import time


def site(number):
    return (f"10.{number // 250}.{number % 250}.1", 7)


def main():
    count, rate, seconds = (int(text) for text in sys.argv[1:4])
    drain = float(sys.argv[4]) if len(sys.argv) > 4 else 3
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, {socket.SO_RCVBUF: 33, socket.SO_SNDBUF: 32}[option], 16 << 20)
    sock.bind(("0.0.0.0", 20000))
    sock.setblocking(False)
    addresses = [site(number) for number in range(count)]
    total = rate * seconds
    seen = bytearray(total)
    sites = set()
    sent = late = 0
    start = time.monotonic()
    end = start + seconds + drain

    while True:
        now = time.monotonic()
        due = min(total, int((now - start) * rate))
        if due > sent:
            late = max(late, (due - sent) / rate)
        while sent < due:
            sock.sendto(struct.pack("!I", sent) + bytes(60), addresses[sent % count])
            sent += 1
        try:
            while True:
                data = sock.recv(2048)
                number = struct.unpack_from("!I", data)[0]
                seen[number] = min(seen[number] + 1, 255)
                sites.add(number % count)
        except BlockingIOError:
            pass
        if now > end:
            break
        select.select([sock], [], [], 0.001)
    echoed = sum(1 for times in seen[:sent] if times)
    print(json.dumps({"sent": sent, "echoed": echoed, "lost": sent - echoed, "doubled": sum(1 for times in seen if times > 1),
                      "sites": len(sites), "pace_ms": round(late * 1000, 1)}))


if __name__ == "__main__":
    main()
