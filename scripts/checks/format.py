#!/usr/bin/env python3
"""format: clang-format 14 (Debian 12's) would change nothing.

Files that were clean are remembered by their content in .git, so that a second run takes no time.
"""
import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree as tree_module  # noqa: E402

NAME = "format"
ABOUT = __doc__
BATCH = 12


def run(tree):
    program = shutil.which("clang-format-14")
    if not program:
        tree.warn(".clang-format", 0, NAME, "clang-format-14 is not installed, nothing was checked",
                  "scripts/setup installs it")
        return
    style = tree.text(".clang-format") if ".clang-format" in tree.files else ""
    files = tree.select(["lib", "app", "test"], [".c", ".h"])
    digest = {f: hashlib.sha256((style + "\0" + tree.text(f)).encode()).hexdigest() for f in files}
    clean = tree.remembered(NAME)
    todo = [f for f in files if digest[f] not in clean]
    batches = [todo[i:i + BATCH] for i in range(0, len(todo), BATCH)]

    def look(batch):
        return subprocess.run([program, "--style=file", "--dry-run", "-Werror", *batch],
                              cwd=tree.root, capture_output=True, text=True).stderr

    bad = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for output in pool.map(look, batches):
            for line in output.splitlines():
                parts = line.split(":")
                if len(parts) > 3 and "[-Wclang-format-violations]" in line:
                    bad.setdefault(parts[0], parts[1])
    for path, line in sorted(bad.items()):
        tree.error(path, line, NAME, "not formatted", f"clang-format-14 -i {path}")
    tree.remember(NAME, {d for f, d in digest.items() if f not in bad})


if __name__ == "__main__":
    sys.exit(tree_module.main(sys.modules[__name__]))
