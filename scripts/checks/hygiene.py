#!/usr/bin/env python3
"""hygiene: the tree holds what it should and nothing of the machine it was written on.

The top level is the agreed one; text files are UTF-8, end with one newline, have no trailing blanks and no
merge marks; no path of this checkout or of a home directory; what starts with #! can be executed and the
other way round; no file over 2 MB; commits that are not on main yet have a subject `module: what it does` of at most 60
characters.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree as tree_module  # noqa: E402

NAME = "hygiene"
ABOUT = __doc__
TOP = {"app", "lib", "config", "scripts", "test", "meson.build", "meson_options.txt",
       "README.md", "LICENSE"}
DATA = ("test/vectors/", "test/fuzz/corpus", "test/fuzz/corpora")
SHARED_ROOTS = {"tmp", "usr", "var", "root", "home", "opt", "srv", "mnt", "builds", "src"}
HOME = re.compile(r"/(?:home|root)/[\w.-]+/")


def checkout_path(root):
    """A pattern for paths below the first folder of this checkout, where that folder is unusual."""
    first = root.strip("/").split("/")[0]
    if first in SHARED_ROOTS or not first:
        return None
    return re.compile(r"(?<![\w./-])/" + re.escape(first) + r"/\w")


def check_lines(tree, path, text, own_path):
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith((" ", "\t", "\r")):
            tree.error(path, number, NAME, "blanks or a carriage return at the end of the line",
                       "remove them")
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            tree.error(path, number, NAME, "a merge mark", "finish the merge")
        if HOME.search(line) or (own_path and own_path.search(line)):
            if not tree.excepted(NAME, path):
                tree.error(path, number, NAME, "a path of one machine", "make it relative or an option")


def check_mode(tree, path, text):
    runs = os.access(os.path.join(tree.root, path), os.X_OK)
    if text.startswith("#!") and not runs:
        tree.error(path, 1, NAME, "starts with #! and cannot be executed", "chmod +x")
    elif runs and not text.startswith("#!"):
        tree.error(path, 1, NAME, "can be executed and does not start with #!", "chmod -x")


def check_commits(tree):
    def git(*words):
        out = subprocess.run(["git", "-C", tree.root, *words], capture_output=True, text=True)
        return out.stdout if out.returncode == 0 else ""
    if not os.path.exists(os.path.join(tree.root, ".git")) or not git("rev-parse", "-q", "--verify", "main"):
        return
    for row in git("log", "--no-merges", "--format=%h %s", "main..HEAD").splitlines():
        commit, _, subject = row.partition(" ")
        if len(subject) > 60:
            tree.error(commit, 0, NAME, f"subject has {len(subject)} characters, limit 60",
                       "git commit --amend or git rebase -i")
        if not re.match(r"[\w.,/+ {}*-]+: \S", subject):
            tree.error(commit, 0, NAME, f"subject '{subject}' names no module",
                       "write: module: what it does")


def run(tree):
    own_path = checkout_path(tree.root)
    for top in sorted({f.split("/")[0] for f in tree.files}):
        if top not in TOP and not top.startswith("."):
            tree.error(top, 0, NAME, "does not belong on the top level", "put it into " +
                       ", ".join(sorted(t for t in TOP if "." not in t and t != "LICENSE")))
    for path in tree.files:
        size = os.path.getsize(os.path.join(tree.root, path))
        if size > 2 * 1024 * 1024 and not tree.excepted(NAME, path):
            tree.error(path, 0, NAME, f"{size} bytes", "keep it below 2 MB")
        if path.startswith(DATA):
            continue
        with open(os.path.join(tree.root, path), "rb") as file:
            raw = file.read()
        if b"\0" in raw[:4096]:
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            tree.error(path, 0, NAME, "not UTF-8", "convert it")
            continue
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            tree.error(path, text.count("\n") + 1, NAME, "does not end with exactly one newline",
                       "mend the end of the file")
        check_lines(tree, path, text, own_path)
        check_mode(tree, path, text)
    check_commits(tree)


if __name__ == "__main__":
    sys.exit(tree_module.main(sys.modules[__name__]))
