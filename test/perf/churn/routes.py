#!/usr/bin/env python3
"""usage: routes.py RATE SECONDS GATEWAY [GATEWAY...]

Writes route changes for `ip -batch -` at RATE a second: each adds, moves to another gateway or takes away one
of 40,960 prefixes. Half of them are /30s inside 10.40.128.0/17, next to the stable route that covers them, the
others /24s of 10.128.0.0/9. The last seed decides: two runs make the same changes.
"""
import random
import sys
import time

TICK = 0.05


def prefixes():
    inside = [f"10.40.{128 + n // 64}.{n % 64 * 4}/30" for n in range(8192)]
    outside = [f"10.{128 + n // 256}.{n % 256}.0/24" for n in range(32768)]
    return inside + outside


def changes(gateways):
    dice = random.Random(9)
    names, present = prefixes(), {}
    while True:
        name = dice.choice(names)
        if name in present and dice.random() < 0.5:
            del present[name]
            yield f"route del {name}"
        else:
            present[name] = dice.choice([g for g in gateways if g != present.get(name)] or gateways)
            yield f"route replace {name} via {present[name]}"


def main():
    rate, seconds, gateways = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    source, done, started = changes(gateways), 0, time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        due = int(passed * rate)
        for _ in range(due - done):
            print(next(source))
        done = max(done, due)
        sys.stdout.flush()
        time.sleep(TICK)
    print(f"{done} changes in {time.monotonic() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
