#!/usr/bin/env python3
"""tokens: calls and comments that have no place here.

Unbounded string functions and kin anywhere; what ends the process outside app/; memcmp on what looks like
a secret; waiting by the clock in lib/ and app/; // comments and notes to oneself.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import source  # noqa: E402
import tree as tree_module  # noqa: E402

NAME = "tokens"
ABOUT = __doc__
ANYWHERE = {
    "strcpy": "use snprintf or struct text",
    "strcat": "use struct text",
    "sprintf": "use snprintf",
    "vsprintf": "use vsnprintf",
    "strtok": "use strsep or a cursor",
    "strtok_r": "use strsep or a cursor",
    "gets": "use getline",
    "alloca": "use a bounded array or the heap",
    "system": "use posix_spawn with an argument vector",
    "popen": "use posix_spawn with an argument vector",
    "tmpnam": "use mkstemp",
    "mktemp": "use mkstemp",
    "atoi": "use strtol and check it",
    "atol": "use strtol and check it",
}
LIB_ONLY = {
    "rte_panic": "return an error to app/",
    "rte_exit": "return an error to app/",
    "abort": "return an error to app/",
    "exit": "return an error to app/",
    "_exit": "return an error to app/",
}
NOT_IN_TESTS = {
    "sleep": "await the event",
    "usleep": "await the event",
    "rand": "use getrandom or a seeded generator",
    "random": "use getrandom or a seeded generator",
}
SECRET_TEXT = re.compile(r"(?:\b|_)(?:secret|psk|passw(?:or)?d|token)s?(?![a-z])")
SECRET_BYTES = re.compile(SECRET_TEXT.pattern + r"|(?:\b|_)(?:icv|digest|hmac|auth_data|skeyseed|nt_hash)"
                          r"s?(?![a-z])|(?:_|\.|->)keys?(?![a-z_])")
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")
NOTE = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def arguments(code, opening):
    return code[opening + 1:source._closing(code, opening)]


def looks_secret(function, text):
    if function == "memcmp":
        return SECRET_BYTES.search(text)
    return '"' not in text and SECRET_TEXT.search(text)  # a keyword is no secret


def check_calls(tree, path, code):
    forbidden = dict(ANYWHERE)
    if path.startswith("lib/"):
        forbidden.update(LIB_ONLY)
    if not path.startswith("test/"):
        forbidden.update(NOT_IN_TESTS)
    for match in CALL.finditer(code):
        name = match.group(1)
        line = code.count("\n", 0, match.start()) + 1
        if name in forbidden:
            before = code[:match.start()].rstrip()
            if before and (before[-1].isalnum() or before[-1] in "_*") \
                    and not re.search(r"\b(?:return|else|do)$", before):
                continue  # a declaration, as of a struct's member function
            if not tree.excepted(NAME, path, name):
                tree.error(path, line, NAME, f"{name}()", forbidden[name])
        elif name in ("memcmp", "strcmp", "strncmp") and not path.startswith("test/"):
            if looks_secret(name, arguments(code, match.end() - 1)) \
                    and not tree.excepted(NAME, path, name):
                tree.error(path, line, NAME, f"{name}() on what looks like a secret",
                           "use secret_equal(); list the file when it is none")


def run(tree):
    for path in tree.select(["lib", "app", "test"], [".c", ".h"]):
        parsed = tree.parsed(path)
        check_calls(tree, path, parsed.code)
        for line, text in parsed.comments:
            if text.startswith("//"):
                tree.error(path, line, NAME, "// comment", "write /* */")
            if NOTE.search(text):
                tree.error(path, line, NAME, "a note to oneself", "do it or open an issue")


if __name__ == "__main__":
    sys.exit(tree_module.main(sys.modules[__name__]))
