#!/usr/bin/env python3
"""The picture of the packet path, read from its source: graph.py OUT.c DROPS.h FILE...

A file is a step, with the header of its name. It leads to the file that defines a function it calls, and to the file that
takes from a list it puts packets on; what it drops stands beside it. Writes a C string with DOT in it.
"""
import os
import re
import sys

FUNCTION = r"((?:path|esp|worker|handover|spread|mirror)_\w+)"
LISTS = re.compile(r"path_add\(&path->(\w+)")
CALL = re.compile(r"(?<!\w)" + FUNCTION + r"\(")
DEFINITION = re.compile(r"^[a-z][^\n=;(]*?\b" + FUNCTION + r"\([^;{]*\)\n\{", re.M)
DROP = re.compile(r"CONTRACT_DROP_([A-Z0-9_]+)")
ENDS = {"path_to_mirror": "mirror", "path_punt": "punt"}
TAKES = {"path_tx": "transmit"}  # who calls it takes what that step left
ENTRY = "path_run"  # into the frame; what else path.c has is for all
NAMES = {"path": "receive", "inbound": "esp", "events": "punt"}
HIDDEN = ("address", "select", "mss")  # helpers of a step, no step


def step_of(path):
    name = os.path.basename(path).rsplit(".", 1)[0]
    return NAMES.get(name, name.removeprefix("path_"))


def read(paths):
    steps = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        steps[step_of(path)] = steps.get(step_of(path), "") + text
    return {name: text for name, text in steps.items() if name not in HIDDEN}


def calls(text):
    """Functions that are called: a definition begins at the margin."""
    return CALL.findall("\n".join(line for line in text.splitlines() if line.startswith("\t")))


def home_of(function, home, steps):
    if function in home:
        return home[function]
    return next((step for step in steps if function.startswith("path_%s_" % step)), None)


def edges_of(steps):
    home = {}
    for name, text in steps.items():
        for function in DEFINITION.findall(text):
            home[function] = name
    home.update({function: end for function, end in ENDS.items()})
    found = set()
    for name, text in steps.items():
        for function in calls(text):
            if function in TAKES:
                found.add((TAKES[function], name))
                continue
            target = home_of(function, home, steps)
            if target == "receive" and not function.startswith(ENTRY):
                continue
            if target and target != name and not function.endswith("_row"):
                found.add((name, target))
        for queue in LISTS.findall(text):
            for reader, other in steps.items():
                if reader not in (name, "receive") and re.search(r"path->%s\b" % queue, other) \
                        and "path_add(&path->%s" % queue not in other:
                    found.add((name, reader))
    # The frame calls the steps in their order; what leads to a step is the step before. What waits or is shed is beside them.
    led_to = {end for start, end in found if start not in ("receive", "hold", "shed")}
    return {(start, end) for start, end in found if start != "receive" or end not in led_to}


def dot(steps, texts):
    lines = ["digraph packet_path {", "\trankdir=LR;", "\tnode [shape=box];"]
    lines += ['\t%s [shape=oval];' % end for end in ("mirror", "punt")]
    for start, end in sorted(edges_of(steps)):
        lines.append("\t%s -> %s;" % (start, end))
    for name, text in sorted(steps.items()):
        drops = sorted({texts[d] for d in DROP.findall(text) if d in texts and d != "NONE"})
        if drops:
            lines.append('\t%s_drops [shape=note, label="%s"];' % (name, "\\l".join(drops) + "\\l"))
            lines.append("\t%s -> %s_drops [style=dashed];" % (name, name))
    return lines + ["}"]


def main():
    out, drops, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(drops, encoding="utf-8") as file:
        texts = dict(re.findall(r'X\((\w+), "(\w+)"', file.read()))
    lines = dot(read(files), texts)
    with open(out, "w", encoding="utf-8") as file:
        file.write('#include "graph.h"\n\nconst char graph_dot[] =\n')
        for line in lines:
            file.write('\t"%s\\n"\n' % line.replace("\\", "\\\\").replace('"', '\\"'))
        file.write("\t;\n")


main()
