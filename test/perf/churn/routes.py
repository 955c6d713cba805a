#!/usr/bin/env python3
"""usage: routes.py RATE SECONDS GATEWAY [GATEWAY...]

Changes routes of the namespace it runs in by netlink, RATE a second: each adds, moves to another gateway or takes away one
of 40,960 prefixes. Half of them are /30s inside 10.40.128.0/17, next to the stable route that covers them, the
others /24s of 10.128.0.0/9. The last seed decides: two runs make the same changes. What the kernel refuses is counted.
"""
import random
import socket
import struct
import sys
import time

TICK = 0.01
AT_ONCE = 64
NEWROUTE, DELROUTE = 24, 25
REQUEST, REPLACE_OR_CREATE = 1, 0x500
MAIN, BOOT, UNIVERSE, NOWHERE, UNICAST = 254, 3, 0, 255, 1
DESTINATION, GATEWAY = 1, 5


def prefixes():
    inside = [(f"10.40.{128 + n // 64}.{n % 64 * 4}", 30) for n in range(8192)]
    outside = [(f"10.{128 + n // 256}.{n % 256}.0", 24) for n in range(32768)]
    return [(socket.inet_aton(address), length) for address, length in inside + outside]


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value


def message(kind, flags, prefix, gateway=None):
    address, length = prefix
    how = (0, NOWHERE, 0) if gateway is None else (BOOT, UNIVERSE, UNICAST)
    body = struct.pack("=8BI", socket.AF_INET, length, 0, 0, MAIN, *how, 0) + attribute(DESTINATION, address)
    if gateway is not None:
        body += attribute(GATEWAY, gateway)
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def changes(gateways):
    dice = random.Random(9)
    names, present = prefixes(), {}
    while True:
        name = dice.choice(names)
        if name in present and dice.random() < 0.5:
            del present[name]
            yield message(DELROUTE, REQUEST, name)
        else:
            present[name] = dice.choice([g for g in gateways if g != present.get(name)] or gateways)
            yield message(NEWROUTE, REQUEST | REPLACE_OR_CREATE, name, present[name])


def refusals(kernel):
    count = 0
    try:
        while True:
            answer = kernel.recv(65536, socket.MSG_DONTWAIT)
            count += len(answer) >= 20 and struct.unpack_from("=i", answer, 16)[0] != 0
    except BlockingIOError:
        return count


def main():
    rate, seconds = int(sys.argv[1]), float(sys.argv[2])
    source = changes([socket.inet_aton(gateway) for gateway in sys.argv[3:]])
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    kernel.bind((0, 0))
    done, refused, started = 0, 0, time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        due = min(int(passed * rate), done + AT_ONCE)
        if due > done:
            kernel.send(b"".join(next(source) for _ in range(due - done)))
            refused += refusals(kernel)
        done = due
        if done == int(passed * rate):
            time.sleep(TICK)
    print(f"{done} changes in {time.monotonic() - started:.1f} s, {refused} refused", file=sys.stderr)
    sys.exit(refused != 0)


if __name__ == "__main__":
    main()
