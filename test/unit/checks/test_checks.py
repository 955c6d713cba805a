#!/usr/bin/env python3
"""Each check is fed a small tree with one planted violation and must name file, line and rule; and a
clean tree, on which it must be silent."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
CHECKS = os.path.join(ROOT, "scripts", "checks")
LAYERS = """0 base
1 net
2 contract
4 dataplane/sa dpdk
4 control/config cjson
4 control/metrics
6 control/ikev2
10 app/control
third-party dpdk rte_
third-party cjson cjson/
"""
CLEAN = {
    "lib/layers.txt": LAYERS,
    "lib/net/addr.h": "#pragma once\n\n#include \"base/span.h\"\n\nint net_addr_parse(int a);\n",
    "lib/net/addr.c": "#include \"net/addr.h\"\n\n#include <string.h>\n\n"
                      "static int two(void)\n{\n\treturn 2;\n}\n\n"
                      "int net_addr_parse(int a)\n{\n\treturn a + two();\n}\n",
    "lib/base/span.h": "#pragma once\n\n#include <stddef.h>\n\nstruct span {\n\tsize_t n;\n};\n",
}


class Planted(unittest.TestCase):
    def check(self, name, files, listed=""):
        with tempfile.TemporaryDirectory() as root:
            tree = dict(CLEAN)
            tree.update(files)
            if listed:
                tree["scripts/checks/exceptions.txt"] = listed
            for path, text in tree.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "wb") as file:
                    file.write(text if isinstance(text, bytes) else text.encode())
            shutil.copy(os.path.join(ROOT, ".clang-format"), root)
            out = subprocess.run([sys.executable, "-B", os.path.join(CHECKS, name + ".py"),
                                  "--root", root], capture_output=True, text=True)
            self.assertEqual(out.stderr, "")
            return out.returncode, out.stdout

    def finds(self, name, files, where, what, listed=""):
        code, text = self.check(name, files, listed)
        self.assertEqual(code, 1, text)
        lines = [line for line in text.splitlines() if "warning:" not in line]
        self.assertTrue(any(line.startswith(where) and what in line for line in lines), text)
        self.assertEqual(len(lines), 1, text)

    def passes(self, name, files, listed=""):
        code, text = self.check(name, files, listed)
        self.assertEqual(code, 0, text)
        return text


class Layers(Planted):
    def include(self, path, line):
        return {path: "#pragma once\n#include " + line + "\n"}

    def test_drop_without_a_test(self):
        table = '#pragma once\n#define CONTRACT_DROPS(X) X(NONE, "none", "") X(LIMIT, "limit", "")\n'
        code, out = self.check("drops", {"lib/contract/drops.h": table})
        self.assertEqual(code, 1)
        self.assertIn("lib/contract/drops.h:2: drops: no test drops a packet as limit", out)
        self.assertNotIn("none", out)
        for path, text in (("test/packet/test_a.c", "CONTRACT_DROP_LIMIT;\n"), ("test/system/a.sh", "drop limit=\n")):
            self.assertEqual(self.check("drops", {"lib/contract/drops.h": table, path: text})[0], 0)

    def test_clean(self):
        self.assertEqual(self.passes("layers", {}), "")

    def test_upward(self):
        self.finds("layers", self.include("lib/base/up.h", '"net/addr.h"'), "lib/base/up.h:2:",
                   "base (level 0) includes net/addr.h (level 1)")

    def test_same_level(self):
        files = {"lib/control/metrics/m.h": "#pragma once\n",
                 **self.include("lib/control/config/c.h", '"control/metrics/m.h"')}
        self.finds("layers", files, "lib/control/config/c.h:2:", "(level 4)")
        files["lib/layers.txt"] = LAYERS + "allow control/config control/metrics\n"
        self.passes("layers", files)

    def test_other_wing(self):
        files = {"lib/dataplane/sa/sa.h": "#pragma once\n",
                 **self.include("lib/control/ikev2/i.h", '"dataplane/sa/sa.h"')}
        self.finds("layers", files, "lib/control/ikev2/i.h:2:", "other wing")

    def test_program_of_the_other_wing(self):
        files = {"lib/dataplane/sa/sa.h": "#pragma once\n",
                 **self.include("app/control/a.h", '"dataplane/sa/sa.h"')}
        self.finds("layers", files, "app/control/a.h:2:", "other wing")

    def test_library_without_right(self):
        self.finds("layers", self.include("lib/control/ikev2/i.h", "<cjson/cJSON.h>"),
                   "lib/control/ikev2/i.h:2:", "of cjson")
        self.passes("layers", self.include("lib/control/config/c.h", "<cjson/cJSON.h>"))

    def test_unknown_library(self):
        self.finds("layers", self.include("lib/net/x.h", "<curl/curl.h>"), "lib/net/x.h:2:",
                   "no known library")
        self.finds("layers", self.include("lib/net/x.h", "<zlib.h>"), "lib/net/x.h:2:",
                   "neither libc")

    def test_folder_without_level(self):
        self.finds("layers", self.include("lib/new/x.h", '"base/span.h"'), "lib/new/x.h:2:",
                   "folder new has no level")

    def test_cycle(self):
        files = {**self.include("lib/net/a.h", '"net/b.h"'), **self.include("lib/net/b.h", '"net/a.h"')}
        self.finds("layers", files, "lib/net/a.h:1:", "lib/net/a.h -> lib/net/b.h -> lib/net/a.h")

    def test_no_pragma_once(self):
        self.finds("layers", {"lib/net/x.h": "int net_x;\n"}, "lib/net/x.h:1:", "#pragma once")

    def test_own_header_not_first(self):
        files = {"lib/net/addr.c": "#include <string.h>\n#include \"net/addr.h\"\n"}
        self.finds("layers", files, "lib/net/addr.c:1:", "own header first")

    def test_short_include(self):
        self.finds("layers", self.include("lib/net/x.h", '"addr.h"'), "lib/net/x.h:2:",
                   'write "net/addr.h"')

    def test_include_in_a_comment(self):
        self.passes("layers", {"lib/base/x.h": "#pragma once\n/*\n#include \"net/addr.h\"\n*/\n"})


class Sizes(Planted):
    def function(self, inside, head="int net_f(void)"):
        return {"lib/net/f.c": head + "\n{\n" + inside + "}\n"}

    def test_clean(self):
        self.assertEqual(self.passes("sizes", {}), "")

    def test_long_file(self):
        self.finds("sizes", {"lib/net/x.c": "\n" * 801}, "lib/net/x.c:1:", "801, limit 800")
        self.finds("sizes", {"lib/net/x.h": "\n" * 301}, "lib/net/x.h:1:", "301, limit 300")
        self.finds("sizes", {"test/unit/x.c": "\n" * 801}, "test/unit/x.c:1:", "801, limit 800")

    def test_warning_does_not_fail(self):
        self.assertIn("warning", self.passes("sizes", {"lib/net/x.c": "\n" * 700}))

    def test_long_function(self):
        self.finds("sizes", self.function("\tnet_g();\n" * 98), "lib/net/f.c:1:",
                   "lines of net_f() is 101, limit 100")
        self.passes("sizes", self.function("\tnet_g();\n" * 97))

    def test_branches(self):
        self.finds("sizes", self.function("\tif (a)\n\t\tb();\n" * 21), "lib/net/f.c:1:",
                   "branches in net_f() is 21, limit 20")
        self.passes("sizes", self.function("\tif (a)\n\t\tb();\n" * 20))

    def test_do_while_is_one_branch(self):
        self.passes("sizes", self.function("\tdo {\n\t} while (a);\n" * 20))

    def test_branches_in_text_do_not_count(self):
        self.passes("sizes", self.function('\tsay("if if ? {", \'"\'); /* if } */\n' * 30))

    def test_parameters(self):
        seven = "int net_f(int a, int b, int c, int d, int e, int (*f)(int, int), int g)"
        self.finds("sizes", self.function("", seven), "lib/net/f.c:1:", "is 7, limit 6")
        self.finds("sizes", {"lib/net/f.h": "#pragma once\n" + seven + ";\n"}, "lib/net/f.h:2:", "is 7")
        self.passes("sizes", self.function("", seven.replace(", int g", "")))

    def test_attributes_are_no_parameters(self):
        head = "__attribute__((format(printf, 1, 2))) static int net_f(const char *format, ...)"
        self.passes("sizes", self.function("", head))

    def test_listed(self):
        self.passes("sizes", self.function("\tnet_g();\n" * 98), "sizes lib/net/f.c:net_f a table\n")

    def test_listed_without_reason(self):
        code, text = self.check("sizes", {}, "sizes lib/net/f.c\n")
        self.assertEqual(code, 1)
        self.assertIn("no reason given", text)

    def test_listed_in_vain(self):
        self.finds("sizes", {}, "scripts/checks/exceptions.txt:1:", "is not needed",
                   "sizes lib/net/f.c:net_f a table\n")


class Names(Planted):
    def test_clean(self):
        self.assertEqual(self.passes("names", {}), "")

    def test_function(self):
        self.finds("names", {"lib/net/x.c": "int parse(int a)\n{\n\treturn a;\n}\n"},
                   "lib/net/x.c:1:", "function parse is exported")
        self.passes("names", {"lib/net/x.c": "static int parse(int a)\n{\n\treturn a;\n}\n"})

    def test_prototype(self):
        self.finds("names", {"lib/net/x.h": "#pragma once\nint parse(int a);\n"}, "lib/net/x.h:2:",
                   "function parse")

    def test_inline(self):
        self.finds("names", {"lib/net/x.h": "#pragma once\nstatic inline int parse(int a)\n{\n"
                                            "\treturn a;\n}\n"}, "lib/net/x.h:2:", "function parse")

    def test_file_and_module(self):
        self.passes("names", {"lib/control/ikev2/child_sa.c":
                              "void child_a(void)\n{\n}\nvoid child_sa_b(void)\n{\n}\n"
                              "void ikev2_c(void)\n{\n}\n"})

    def test_declared_by_a_header_beside(self):
        self.passes("names", {"lib/net/x.h": "#pragma once\nint x_two(void);\n",
                              "lib/net/y.c": "int x_two(void)\n{\n\treturn 2;\n}\n"})

    def test_variable(self):
        self.finds("names", {"lib/net/x.c": "const int table[] = { 1, 2 };\n"}, "lib/net/x.c:1:",
                   "variable table")
        self.passes("names", {"lib/net/x.c": "const int net_table[] = { 1, 2 };\n"})

    def test_writable_variable(self):
        self.finds("names", {"lib/net/x.c": "\nstruct thing net_thing;\n"}, "lib/net/x.c:2:",
                   "can be written")

    def test_function_with_a_conditional_head(self):
        self.finds("names", {"lib/net/x.c": "#ifdef A\nint one(void)\n{\n#else\nint one(int a)\n{\n"
                                            "#endif\n\treturn 1;\n}\n"}, "lib/net/x.c:2:", "one")


class Tokens(Planted):
    def call(self, text, path="lib/net/x.c"):
        return {path: "void net_f(void)\n{\n\t" + text + "\n}\n"}

    def test_clean(self):
        self.assertEqual(self.passes("tokens", {}), "")

    def test_forbidden_calls(self):
        for name in ("strcpy", "sprintf", "strtok", "alloca", "system", "rte_panic", "rte_exit",
                     "abort", "usleep"):
            with self.subTest(name):
                self.finds("tokens", self.call(name + "(a);"), "lib/net/x.c:3:", name + "()")

    def test_app_may_exit(self):
        self.passes("tokens", self.call("exit(1);", "app/control/main.c"))
        self.finds("tokens", self.call("system(a);", "app/control/main.c"), "app/control/main.c:3:",
                   "system()")

    def test_compare_of_secrets(self):
        for argument in ("psk", "sa->auth_key", "icv", "want_digest", "user.password"):
            with self.subTest(argument):
                self.finds("tokens", self.call(f"if (memcmp({argument}, b, 16))\n\t\treturn;"),
                           "lib/net/x.c:3:", "looks like a secret")
        self.passes("tokens", self.call("if (memcmp(mac, b, 6))\n\t\treturn;"))
        self.passes("tokens", self.call("if (memcmp(a->key, b, 6))\n\t\treturn;"),
                    "tokens lib/net/x.c:memcmp key of a table\n")
        self.passes("tokens", self.call("if (memcmp(key, b, 6))\n\t\treturn;"))
        self.finds("tokens", self.call("if (strcmp(token, b))\n\t\treturn;"), "lib/net/x.c:3:",
                   "looks like a secret")
        self.passes("tokens", self.call("if (!strcmp(token, \"add\"))\n\t\treturn;"))

    def test_text_and_names_are_free(self):
        self.passes("tokens", self.call('log("system(a)"); /* abort() */ file_system(a); x->system(a);'))

    def test_comments(self):
        self.finds("tokens", self.call("// no"), "lib/net/x.c:3:", "// comment")
        self.finds("tokens", self.call("/* TODO more */"), "lib/net/x.c:3:", "note to oneself")


class Hygiene(Planted):
    def test_clean(self):
        self.assertEqual(self.passes("hygiene", {}), "")

    def test_top_level(self):
        self.finds("hygiene", {"notes/x.txt": "a\n"}, "notes:0:", "top level")

    def test_machine_path(self):
        self.finds("hygiene", {"lib/net/x.txt": "see /ho" "me/someone/x\n"}, "lib/net/x.txt:1:",
                   "path of one machine")

    def test_blanks(self):
        self.finds("hygiene", {"lib/net/x.txt": "a\nb \n"}, "lib/net/x.txt:2:", "blanks")

    def test_end(self):
        self.finds("hygiene", {"lib/net/x.txt": "a"}, "lib/net/x.txt:1:", "one newline")
        self.finds("hygiene", {"lib/net/x.txt": "a\n\n"}, "lib/net/x.txt:3:", "one newline")

    def test_mode(self):
        self.finds("hygiene", {"scripts/x": "#!/bin/sh\n"}, "scripts/x:1:", "cannot be executed")

    def test_merge_mark(self):
        self.finds("hygiene", {"lib/net/x.txt": "<<<<<<< a\n"}, "lib/net/x.txt:1:", "merge mark")

    def test_encoding(self):
        self.finds("hygiene", {"lib/net/x.txt": b"\xff\n"}, "lib/net/x.txt:0:", "not UTF-8")

    def test_commit_subject(self):
        with tempfile.TemporaryDirectory() as root:
            def git(*words):
                subprocess.run(["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@example.org",
                                *words], check=True, capture_output=True)
            git("init", "-q", "-b", "main")
            git("commit", "-q", "--allow-empty", "-m", "anything goes on main")
            git("checkout", "-q", "-b", "topic")
            git("commit", "-q", "--allow-empty", "-m", "net: add a thing")
            run = [sys.executable, "-B", os.path.join(CHECKS, "hygiene.py"), "--root", root]
            self.assertEqual(subprocess.run(run, capture_output=True).returncode, 0)
            git("commit", "-q", "--allow-empty", "-m", "add a thing")
            git("commit", "-q", "--allow-empty", "-m", "net: " + "x" * 56)
            text = subprocess.run(run, capture_output=True, text=True).stdout
            self.assertIn("names no module", text)
            self.assertIn("has 61 characters, limit 60", text)


class Tools(Planted):
    @unittest.skipUnless(shutil.which("clang-format-14"), "clang-format-14 is not installed")
    def test_format(self):
        self.passes("format", {})
        self.finds("format", {"lib/net/x.c": "int net_x(void) { return 1; }\n"}, "lib/net/x.c:1:",
                   "not formatted")

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shell(self):
        self.passes("shell", {"scripts/x": "#!/usr/bin/env bash\necho \"$1\"\n"})
        self.finds("shell", {"scripts/x": "#!/usr/bin/env bash\necho $1\n"}, "scripts/x:2:", "SC2086")

    def test_python(self):
        self.finds("shell", {"scripts/x": "#!/usr/bin/env python3\n\nif:\n"}, "scripts/x:3:", "Python")


if __name__ == "__main__":
    unittest.main()
