#!/usr/bin/env python3
"""shell: scripts are clean for shellcheck, Python compiles.

While no script changes a second run takes no time: what was clean is remembered in .git.
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree as tree_module  # noqa: E402

NAME = "shell"
ABOUT = __doc__


def interpreter(tree, path):
    first = tree.text(path).split("\n", 1)[0]
    if re.match(r"#!.*\b(?:ba)?sh\b", first) or path.endswith((".sh", ".bash")):
        return "bash"
    if re.match(r"#!.*\bpython3?\b", first) or path.endswith(".py"):
        return "python"
    return None


def check_python(tree, paths):
    for path in paths:
        try:
            compile(tree.text(path), path, "exec")
        except SyntaxError as error:
            tree.error(path, error.lineno or 0, NAME, f"Python: {error.msg}", "mend it")


def check_shell(tree, paths):
    program = shutil.which("shellcheck")
    if not program:
        tree.warn("scripts", 0, NAME, "shellcheck is not installed, nothing was checked",
                  "scripts/setup installs it")
        return
    if not paths:
        return
    # Scripts source each other: one digest for all of them.
    rules = tree.text(".shellcheckrc") if ".shellcheckrc" in tree.files else ""
    digest = hashlib.sha256("\0".join([rules] + [tree.text(p) for p in paths]).encode()).hexdigest()
    if digest in tree.remembered(NAME):
        return
    before = len(tree.errors)
    # As many side by side as there are CPUs: most of the time of all checks is spent here.
    count = min(os.cpu_count() or 1, len(paths))
    started = [subprocess.Popen([program, "--format=gcc", "--severity=style", "--shell=bash", "--external-sources",
                                 "--source-path=SCRIPTDIR", *paths[i::count]],
                                cwd=tree.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
               for i in range(count)]
    said = [process.communicate()[0] for process in started]
    for line in "".join(said).splitlines():
        match = re.match(r"([^:]+):(\d+):\d+: \w+: (.*) \[(SC\d+)\]", line)
        if match:
            tree.error(match.group(1), match.group(2), NAME, match.group(3), f"see {match.group(4)}")
    if all(process.returncode in (0, 1) for process in started) and len(tree.errors) == before:
        tree.remember(NAME, {digest})


def run(tree):
    kinds = {"bash": [], "python": []}
    for path in tree.files:
        if path.endswith((".c", ".h", ".md", ".json", ".txt")) or path.startswith("test/vectors/"):
            continue
        kind = interpreter(tree, path)
        if kind:
            kinds[kind].append(path)
    check_python(tree, kinds["python"])
    check_shell(tree, kinds["bash"])


if __name__ == "__main__":
    sys.exit(tree_module.main(sys.modules[__name__]))
