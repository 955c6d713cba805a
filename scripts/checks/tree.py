"""The tree under check: its files, the listed exceptions, and what a check found.

Every check is a module with NAME, ABOUT and run(tree) -> None, and is a program of its own:
`scripts/checks/sizes.py [--root DIR]`. `scripts/check` runs them all in one process, so that files
are read and parsed once.
"""
import os
import subprocess
import sys

SKIPPED_FOLDERS = {".git", "__pycache__", "subprojects", ".cache"}
EXCEPTIONS = "scripts/checks/exceptions.txt"


class Tree:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.errors = []
        self.warnings = []
        self._texts = {}
        self._parsed = {}
        self._exceptions = self._read_exceptions()
        self._used = set()
        self.files = sorted(self._list())

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            out = subprocess.run(
                ["git", "-C", self.root, "ls-files", "-z", "-c", "-o", "--exclude-standard"],
                capture_output=True)
            if out.returncode == 0:
                names = out.stdout.decode().split("\0")
                return {n for n in names if n and os.path.isfile(os.path.join(self.root, n))}
        found = set()
        for folder, folders, names in os.walk(self.root):
            folders[:] = [d for d in folders
                          if d not in SKIPPED_FOLDERS and not d.startswith("build")]
            for name in names:
                found.add(os.path.relpath(os.path.join(folder, name), self.root))
        return found

    def _read_exceptions(self):
        """Lines `check path[:name] reason...`; a reason is needed."""
        listed = {}
        path = os.path.join(self.root, EXCEPTIONS)
        if not os.path.exists(path):
            return listed
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words = line.split("#", 1)[0].split(None, 2)
                if not words:
                    continue
                if len(words) < 3:
                    self.error(EXCEPTIONS, number, "exceptions",
                               "no reason given", "write: check path[:name] reason")
                    continue
                listed[(words[0], words[1])] = number
        return listed

    def select(self, folders, endings):
        return [f for f in self.files
                if f.endswith(tuple(endings)) and f.startswith(tuple(d + "/" for d in folders))]

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), "rb") as file:
                self._texts[path] = file.read().decode("utf-8", "replace")
        return self._texts[path]

    def parsed(self, path):
        """What source.parse() made of a C file, once."""
        if path not in self._parsed:
            import source
            self._parsed[path] = source.parse(self.text(path))
        return self._parsed[path]

    def excepted(self, check, path, name=None):
        for key in ((check, path), (check, f"{path}:{name}")):
            if key in self._exceptions:
                self._used.add(key)
                return True
        return False

    def _memory(self, check):
        out = subprocess.run(["git", "-C", self.root, "rev-parse", "--absolute-git-dir"],
                             capture_output=True, text=True)
        if out.returncode:
            return None
        return os.path.join(out.stdout.strip(), f"check-{check}-clean")

    def remembered(self, check):
        """Digests of what a slow check found clean before; kept in .git, empty without one."""
        path = self._memory(check)
        if not path or not os.path.exists(path):
            return set()
        with open(path, encoding="ascii") as file:
            return set(file.read().split())

    def remember(self, check, digests):
        path = self._memory(check)
        if path:
            with open(path + ".new", "w", encoding="ascii") as file:
                file.write("\n".join(sorted(digests)))
            os.replace(path + ".new", path)

    def error(self, path, line, rule, what, do):
        self.errors.append(f"{path}:{line}: {rule}: {what}; {do}")

    def warn(self, path, line, rule, what, do):
        self.warnings.append(f"{path}:{line}: warning: {rule}: {what}; {do}")

    def stale_exceptions(self, checks):
        for key, number in self._exceptions.items():
            if key[0] in checks and key not in self._used:
                self.error(EXCEPTIONS, number, "exceptions", f"{key[0]} {key[1]} is not needed",
                           "remove the line")


def main(check):
    """Run one check as a program."""
    arguments = sys.argv[1:]
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    if arguments[:1] == ["--root"] and len(arguments) == 2:
        root = arguments[1]
    elif arguments:
        print(f"usage: {os.path.basename(sys.argv[0])} [--root DIR]\n{check.ABOUT}")
        return 0 if arguments == ["--help"] else 2
    tree = Tree(root)
    check.run(tree)
    tree.stale_exceptions([check.NAME])
    for line in tree.warnings + tree.errors:
        print(line)
    return 1 if tree.errors else 0
