#!/usr/bin/env python3
"""bench dataplane and bench plot: a word that they cannot use is named, in a sentence; a row of a mix is one."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PLOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "perf", "plot.py")
BENCH = sys.argv.pop(1)
ROW = {"direction": "out", "algorithm": "aes-256-gcm", "size": 326, "tunnels": 1, "burst": 256, "pool": 256, "flows": 1,
       "routes": 10, "cycles_median": 300.0, "cycles_min": 290.0, "bare_median": 200.0}


def run(*words):
    out = subprocess.run(words, capture_output=True, text=True, timeout=30)
    return out.returncode, out.stdout, out.stderr


class Words(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, text):
        path = os.path.join(self.folder.name, "rows.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_bench(self):
        for words, named in ((["--only", "nothing"], "nothing"), (["--only"], "--only"), (["--rounds", "abc"], "abc"),
                             (["--rounds", "0"], "0"), (["--rounds", "7x"], "7x"), (["--json"], "--json takes a value"),
                             (["--json", "--quick"], "--json takes a value"), (["--quack"], "--quack")):
            code, out, error = run(BENCH, *words)
            self.assertEqual((code, out), (2, ""), words)
            self.assertIn(named, error)
            self.assertEqual(error.count("\n"), 1, error)

    def test_plot_refuses(self):
        for path in ("/nonexistent", self.file("[{"), self.file("{}"), self.file("[1]"), self.file("[]"), self.file("[{}]")):
            code, out, error = run(sys.executable, PLOT, path)
            self.assertEqual((code, out), (1, ""), path)
            self.assertEqual(error.count("\n"), 1, error)

    def test_plot_names_the_mix(self):
        path = self.file(json.dumps([ROW, dict(ROW, mix="7:4:1")]))
        code, out, error = run(sys.executable, PLOT, path)
        self.assertEqual((code, error), (0, ""))
        self.assertIn("aes-256-gcm 326 B<", out)
        self.assertIn("aes-256-gcm IMIX<", out)


unittest.main()
