#!/usr/bin/env python3
"""names: what a file exports begins with the name of its module or of its file.

lib/net/addr.c may export net_... and addr_..., lib/control/requests/backlog.c requests_..., request_...
and backlog_.... A header of the same folder
may declare what another of its files defines, under the header's name. Everything else is static. Variables that
can be written are not exported at all: an engine is an object.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree as tree_module  # noqa: E402

NAME = "names"
ABOUT = __doc__


def prefixes(path):
    """Names that may stand before the first underscore: the folder, the file, the file's first word."""
    folder = os.path.basename(os.path.dirname(path))
    stem = os.path.splitext(os.path.basename(path))[0]
    words = {folder, stem, stem.split("_")[0]}
    for word in list(words):
        if word.endswith("s") and len(word) > 3:
            words.add(word[:-1])
    return sorted(words)


def fits(name, allowed):
    return any(name == prefix or name.startswith(prefix + "_") for prefix in allowed)


def check_name(tree, path, line, kind, name, allowed):
    if fits(name, allowed) or tree.excepted(NAME, path, name):
        return
    tree.error(path, line, NAME, f"{kind} {name} is exported",
               "make it static or begin it with " + " or ".join(p + "_" for p in allowed))


def declared(tree):
    """folder -> names that its headers declare; the headers are held to the rule themselves."""
    names = {}
    for path in tree.select(["lib", "app"], [".h"]):
        parsed = tree.parsed(path)
        names.setdefault(os.path.dirname(path), set()).update(
            entry.name for entry in parsed.prototypes + parsed.variables)
    return names


def run(tree):
    by_folder = declared(tree)
    for path in tree.select(["lib", "app"], [".c", ".h"]):
        allowed = prefixes(path)
        parsed = tree.parsed(path)
        header = path.endswith(".h")
        elsewhere = set() if header else by_folder.get(os.path.dirname(path), set())
        for function in parsed.functions:
            macro = function.name.isupper()  # RTE_INIT() and kin make static functions
            if (header or not function.static) and not macro and function.name != "main" \
                    and function.name not in elsewhere:
                check_name(tree, path, function.first, "function", function.name, allowed)
        for prototype in parsed.prototypes if header else []:
            if not prototype.name.isupper():
                check_name(tree, path, prototype.line, "function", prototype.name, allowed)
        for variable in parsed.variables:
            if variable.name not in elsewhere:
                check_name(tree, path, variable.line, "variable", variable.name, allowed)
            if not variable.const and not tree.excepted(NAME, path, variable.name):
                tree.error(path, variable.line, NAME,
                           f"variable {variable.name} can be written by other files",
                           "make it static, or part of an object that is handed over")


if __name__ == "__main__":
    sys.exit(tree_module.main(sys.modules[__name__]))
