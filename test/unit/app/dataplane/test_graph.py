#!/usr/bin/env python3
"""The picture of the packet path is whole: every step is reached, every drop of the table stands beside one."""
import re
import subprocess
import sys

EXPECTED = {
    ("receive", "classify"), ("classify", "esp_in"), ("classify", "route"), ("classify", "punt"),
    ("classify", "mirror"), ("esp_in", "route"), ("route", "tunnel"), ("route", "transmit"),
    ("tunnel", "transmit"), ("tunnel", "hold"), ("route", "hold"),
    ("loop", "receive"), ("transmit", "loop"), ("loop", "handover"), ("loop", "spread"), ("loop", "mirror"),
    ("classify", "parse"), ("esp_in", "parse"), ("esp_in", "esp"),
}


def main():
    program, drops = sys.argv[1], sys.argv[2]
    dot = subprocess.run([program, "--graph"], check=True, capture_output=True, text=True).stdout
    edges = set(re.findall(r"^\t(\w+) -> (\w+);$", dot, re.M))
    missing = EXPECTED - edges
    reached = {end for _, end in edges}
    lost = {start for start, _ in edges} - reached
    with open(drops, encoding="utf-8") as file:
        names = set(re.findall(r'X\(\w+, "(\w+)"', file.read())) - {"none"}
    shown = set()
    for label in re.findall(r'shape=note, label="([^"]*)"', dot):
        shown |= set(label.split("\\l")) - {""}
    print(dot)
    print("missing edges:", sorted(missing), "steps not reached:", sorted(lost),
          "unknown drops:", sorted(shown - names), "drops not shown:", sorted(names - shown))
    sys.exit(bool(missing or lost or not names or shown != names))


main()
