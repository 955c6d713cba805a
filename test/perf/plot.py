#!/usr/bin/env python3
"""A picture (SVG, on stdout) of what `scripts/bench dataplane --json` or `peers --json` wrote.

    plot.py FILE.json [FILE.json ...] >picture.svg

A bar for each row: cycles a packet, median; dark is the bare cipher's part, the tick the minimum. Rows of several files, or of
several programs in one, stand below each other, so that before and after are seen at a glance.
"""
import html
import json
import os
import sys

COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2")
BAR, GAP, LEFT, WIDE = 14, 10, 330, 560
KEY = ("direction", "algorithm", "size", "tunnels", "burst", "pool", "flows", "routes")


def row_name(row):
    """What is not as in the base row is said."""
    words = [row["direction"], row["algorithm"], "IMIX" if "mix" in row else "%d B" % row["size"]]
    most = {"tunnels": 1, "pool": 256, "flows": 256, "routes": 10}
    words += ["%d %s" % (row[key], key) for key, value in most.items() if row[key] > value]
    if row["burst"] not in (32, 256):
        words.append("burst %d" % row["burst"])
    return " ".join(words)


def rows_of(name):
    try:
        with open(name, encoding="utf-8") as file:
            rows = json.load(file)
    except OSError as error:
        sys.exit("plot.py: %s: %s" % (name, error.strerror))
    except ValueError as error:
        sys.exit("plot.py: %s is no JSON: %s" % (name, error))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        sys.exit("plot.py: %s is not an array of objects" % name)
    return rows


def read(names):
    """{ row: [(series, row's object)] } in the order of the files."""
    rows, series = {}, []
    for name in names:
        for row in rows_of(name):
            missing = [key for key in KEY + ("cycles_median", "cycles_min", "bare_median") if key not in row]
            if missing:
                sys.exit("plot.py: %s: a row has no %s" % (name, ", ".join(missing)))
            label = row.get("program", "vpngw")
            if len(names) > 1:
                label += " " + os.path.splitext(os.path.basename(name))[0]
            if label not in series:
                series.append(label)
            rows.setdefault(row_name(row), []).append((series.index(label), row))
    return rows, series


def bars(rows, scale):
    y = 30
    for name, values in rows.items():
        yield '<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 8, y + BAR - 3, html.escape(name))
        for series, row in values:
            colour = COLOURS[series % len(COLOURS)]
            bare = min(row["bare_median"], row["cycles_median"])
            yield '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s" fill-opacity="0.5"/>' % (
                LEFT, y, row["cycles_median"] * scale, BAR, colour)
            yield '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (LEFT, y, bare * scale, BAR, colour)
            yield '<path d="M%.1f %dv%d" stroke="#000"/>' % (LEFT + row["cycles_min"] * scale, y, BAR)
            yield '<text x="%.1f" y="%d">%.0f (bare %.0f)</text>' % (
                LEFT + row["cycles_median"] * scale + 5, y + BAR - 3, row["cycles_median"], row["bare_median"])
            y += BAR + 2
        y += GAP


def picture(rows, series):
    most = max(row["cycles_median"] for values in rows.values() for _, row in values)
    height = 40 + sum(len(values) * (BAR + 2) + GAP for values in rows.values())
    yield '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">' % (
        LEFT + WIDE + 140, height)
    yield '<rect width="100%" height="100%" fill="#fff"/>'
    yield '<text x="%d" y="16">TSC cycles a packet: dark the bare cipher, tick the minimum%s</text>' % (
        LEFT, "" if len(series) == 1 else " (" + ", ".join(html.escape(name) for name in series) + ")")
    for i, name in enumerate(series if len(series) > 1 else ()):
        yield '<rect x="%d" y="6" width="10" height="10" fill="%s"/><text x="%d" y="15">%s</text>' % (
            8 + 160 * i, COLOURS[i % len(COLOURS)], 22 + 160 * i, html.escape(name))
    yield from bars(rows, WIDE / most)
    yield "</svg>"


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    rows, series = read(sys.argv[1:])
    if not rows:
        sys.exit("plot.py: no rows")
    print("\n".join(picture(rows, series)))


if __name__ == "__main__":
    main()
