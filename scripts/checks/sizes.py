#!/usr/bin/env python3
"""sizes: files and functions stay readable.

                 warns   fails
  .c file          600     800   lines
  .h file          200     300   lines
  script           600     800   lines
  function          70     100   lines
  branches          15      20   if, for, while, switch and ?: in a function
  parameters         6       7

Tests are held to the same file sizes and function lengths. An exception is a line in
scripts/checks/exceptions.txt: `sizes path reason` or `sizes path:function reason`.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree as tree_module  # noqa: E402

NAME = "sizes"
ABOUT = __doc__
FILE_LIMITS = {".c": (600, 800), ".h": (200, 300), ".py": (600, 800), ".sh": (600, 800)}


def judge(tree, path, line, name, what, value, limits, do):
    """limits: (warn above, fail above)."""
    if value > limits[1]:
        if not tree.excepted(NAME, path, name):
            tree.error(path, line, NAME, f"{what} is {value}, limit {limits[1]}", do)
    elif value > limits[0]:
        tree.warn(path, line, NAME, f"{what} is {value}, aim for at most {limits[0]}", do)


def check_function(tree, path, function, in_test):
    where = f"lines of {function.name}()"
    judge(tree, path, function.first, function.name, where, function.lines, (70, 100),
          "split it into named steps")
    if in_test:
        return
    judge(tree, path, function.first, function.name, f"branches in {function.name}()",
          function.branches, (15, 20), "split it or make it a table")
    judge(tree, path, function.first, function.name, f"parameters of {function.name}()",
          function.parameters, (5, 6), "hand over a struct")


def run(tree):
    for path in tree.select(["lib", "app", "test", "scripts"], list(FILE_LIMITS)):
        ending = os.path.splitext(path)[1]
        lines = tree.text(path).count("\n")
        judge(tree, path, 1, None, "length in lines", lines, FILE_LIMITS[ending],
              "split it by what changes together")
        if ending not in (".c", ".h"):
            continue
        parsed = tree.parsed(path)
        in_test = path.startswith("test/")
        for function in parsed.functions:
            check_function(tree, path, function, in_test)
        for prototype in parsed.prototypes if ending == ".h" else []:
            judge(tree, path, prototype.line, prototype.name, f"parameters of {prototype.name}()",
                  prototype.parameters, (5, 6), "hand over a struct")


if __name__ == "__main__":
    sys.exit(tree_module.main(sys.modules[__name__]))
