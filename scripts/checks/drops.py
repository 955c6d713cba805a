#!/usr/bin/env python3
"""drops: every reason for which a packet is dropped has a test.

A row of lib/contract/drops.h is named by its symbol in a test of test/packet or test/unit/dataplane, or by its text in one
of test/system.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree as tree_module  # noqa: E402

NAME = "drops"
ABOUT = __doc__
TABLE = "lib/contract/drops.h"
ROW = re.compile(r'X\(([A-Z0-9_]+), "([a-z0-9_]+)"')


def run(tree):
    if TABLE not in tree.files:
        return
    symbols, texts = set(), set()
    for path in tree.select(["test/packet", "test/unit/dataplane"], [".c"]):
        symbols.update(re.findall(r"\bCONTRACT_DROP_([A-Z0-9_]+)\b", tree.text(path)))
    for path in tree.select(["test/system"], [".sh", ".py"]):
        texts.update(re.findall(r"\b[a-z0-9_]+\b", tree.text(path)))
    for number, line in enumerate(tree.text(TABLE).split("\n"), 1):
        for symbol, text in ROW.findall(line):
            if symbol == "NONE" or symbol in symbols or text in texts:
                continue
            if not tree.excepted(NAME, TABLE, text):
                tree.error(TABLE, number, NAME, f"no test drops a packet as {text}",
                           "write one in test/packet that sees its counter move")


if __name__ == "__main__":
    sys.exit(tree_module.main(sys.modules[__name__]))
