#!/usr/bin/env python3
"""layers: includes point downwards, never across the wings, and each library has its door.

The data is lib/layers.txt. An include of a higher or the same level, of the other wing, of a
third-party library that the folder has no right to, a cycle of includes, a quoted include that is not
a path below lib/, a header without `#pragma once`, a .c that does not include its own header first.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree as tree_module  # noqa: E402

NAME = "layers"
ABOUT = __doc__
LAYERS = "lib/layers.txt"
LIBC_FOLDERS = ("sys/", "net/", "netinet/", "arpa/", "linux/", "asm/", "netpacket/", "bits/")


class Layers:
    def __init__(self, tree):
        self.level, self.may, self.allowed, self.third_party = {}, {}, set(), {}
        for number, line in enumerate(tree.text(LAYERS).splitlines(), 1):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if words[0] == "allow" and len(words) == 3:
                self.allowed.add((words[1], words[2]))
            elif words[0] == "third-party" and len(words) > 2:
                for prefix in words[2:]:
                    self.third_party[prefix] = words[1]
            elif words[0].isdigit() and len(words) > 1:
                self.level[words[1]] = int(words[0])
                self.may[words[1]] = set(words[2:])
            else:
                tree.error(LAYERS, number, "layers", "line not understood",
                           "write: level folder [libraries] | allow from to | third-party name prefix...")

    def library_of(self, header):
        for prefix, name in self.third_party.items():
            if header.startswith(prefix):
                return name
        return None


def folder_of(path):
    """lib/control/ike/x.h and control/ike/x.h -> control/ike; app/cli/x.c -> app/cli."""
    folder = os.path.dirname(path)
    return folder[4:] if folder.startswith("lib/") else folder


def wing(folder):
    if folder.startswith(("dataplane/", "app/dataplane")):
        return "dataplane"
    if folder.startswith(("control/", "app/control", "app/cli")):
        return "control"
    return None


def check_project_include(tree, layers, path, line, target):
    if not os.path.dirname(target):
        beside = os.path.join(os.path.dirname(path), target)
        if path.startswith("lib/"):
            tree.error(path, line, NAME, f'"{target}" is not a path below lib/',
                       f'write "{folder_of(path)}/{target}"')
        return beside if beside in tree.files else None
    full = "lib/" + target
    if full not in tree.files:
        if target not in tree.files:
            tree.error(path, line, NAME, f'"{target}" does not exist below lib/', "mend the path")
        return target if target in tree.files else None
    source, dest = folder_of(path), folder_of(full)
    if source == dest or (source, dest) in layers.allowed:
        return full
    if source not in layers.level or dest not in layers.level:
        missing = source if source not in layers.level else dest
        tree.error(path, line, NAME, f"folder {missing} has no level", f"give it one in {LAYERS}")
    elif wing(source) and wing(dest) and wing(source) != wing(dest):
        tree.error(path, line, NAME, f"{source} includes {target} of the other wing",
                   "go through lib/contract")
    elif layers.level[dest] >= layers.level[source]:
        tree.error(path, line, NAME,
                   f"{source} (level {layers.level[source]}) includes {target} "
                   f"(level {layers.level[dest]})", "declare a hook that the upper module fills in")
    return full


def check_foreign_include(tree, layers, path, line, target, libc):
    name = layers.library_of(target)
    if name:
        folder = folder_of(path)
        if name not in layers.may.get(folder, set()):
            tree.error(path, line, NAME, f"{folder} includes <{target}> of {name}",
                       f"go through the module that is {name}'s door, see {LAYERS}")
    elif "/" in target and not target.startswith(LIBC_FOLDERS):
        tree.error(path, line, NAME, f"<{target}> belongs to no known library",
                   f"add a third-party line to {LAYERS}")
    elif not libc(target):
        tree.error(path, line, NAME, f"<{target}> is neither libc nor a known library",
                   f"add a third-party line to {LAYERS}")


LIBC = set("""assert ctype dirent dlfcn endian errno fcntl float getopt glob grp ifaddrs inttypes
 iso646 libgen limits locale malloc math mqueue netdb poll pthread pty pwd sched semaphore setjmp
 signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string
 strings sysexits syslog termios threads time uchar ucontext unistd utime wchar wctype byteswap
 elf link paths cpuid immintrin x86intrin nmmintrin emmintrin arm_neon features fnmatch search regex wordexp
 error""".split())


def cycles(graph):
    """Every include cycle once, as the list of its files."""
    state, stack, found = {}, [], []

    def visit(node):
        state[node] = 1
        stack.append(node)
        for _, after in graph.get(node, ()):
            if state.get(after) == 1:
                found.append(stack[stack.index(after):] + [after])
            elif after not in state:
                visit(after)
        stack.pop()
        state[node] = 2

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return found


def check_own_header(tree, path, includes):
    own = path[:-2] + ".h"
    if not path.endswith(".c") or own not in tree.files or not includes:
        return
    line, first, quoted = includes[0]
    wanted = own[4:] if own.startswith("lib/") else own
    if not quoted or first not in (wanted, os.path.basename(own)):
        tree.error(path, line, NAME, "does not include its own header first",
                   f'put #include "{wanted}" before the others')


def run(tree):
    sys.setrecursionlimit(10000)
    layers = Layers(tree)
    graph = {}
    for path in tree.select(["lib", "app"], [".c", ".h"]):
        parsed = tree.parsed(path)
        check_own_header(tree, path, parsed.includes)
        if path.endswith(".h") and "#pragma once" not in tree.text(path):
            tree.error(path, 1, NAME, "no #pragma once", "make it the first line")
        for line, target, quoted in parsed.includes:
            if tree.excepted(NAME, path, target):
                continue
            if quoted:
                full = check_project_include(tree, layers, path, line, target)
                if full:
                    graph.setdefault(path, []).append((line, full))
            else:
                check_foreign_include(tree, layers, path, line, target,
                                      lambda t: "/" in t or t.removesuffix(".h") in LIBC)
    for cycle in cycles(graph):
        tree.error(cycle[0], 1, NAME, "include cycle: " + " -> ".join(cycle),
                   "move what both need into a header of its own")


if __name__ == "__main__":
    sys.exit(tree_module.main(sys.modules[__name__]))
