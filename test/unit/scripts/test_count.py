#!/usr/bin/env python3
"""scripts/test must not count a failure as a success, nor lose a test."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "..", "scripts", "test.d"))
from count import Count, count, reasons  # noqa: E402

CMOCKA = """[==========] Running 3 test(s).
[ RUN      ] a
[       OK ] a
[==========] 3 test(s) run.
[  PASSED  ] 2 test(s).
"""


class Counting(unittest.TestCase):
    def entry(self, result, stdout="", stderr=""):
        return {"name": "x", "result": result, "stdout": stdout, "stderr": stderr}

    def counts(self, expected, *arguments):
        self.assertEqual(count(self.entry(*arguments)), expected)

    def test_plain_program(self):
        self.counts(Count(1), "OK")
        self.counts(Count(0, 1), "FAIL")
        self.counts(Count(0, 1), "TIMEOUT")
        self.counts(Count(0, 1), "ERROR")

    def test_cmocka(self):
        self.counts(Count(2), "OK", CMOCKA)
        self.counts(Count(2, 1), "FAIL", CMOCKA, "[  FAILED  ] 1 test(s), listed below:\n")

    def test_cmocka_groups_add_up(self):
        self.counts(Count(4), "OK", CMOCKA + CMOCKA)

    def test_cmocka_skips(self):
        self.counts(Count(2, 0, 1), "OK", CMOCKA + "[  SKIPPED ] 1 test(s), listed below:\n")

    def test_cmocka_that_died(self):
        self.counts(Count(0, 1), "FAIL", "[==========] Running 3 test(s).\n[ RUN      ] a\n")

    def test_failures_hidden_by_the_exit_code(self):
        self.counts(Count(2, 1), "OK", CMOCKA, "[  FAILED  ] 1 test(s), listed below:\n")

    def test_unittest(self):
        self.counts(Count(5), "OK", "", "Ran 5 tests in 0.1s\n\nOK\n")
        self.counts(Count(2, 2, 1), "FAIL", "",
                    "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n")

    def test_tap(self):
        self.counts(Count(1, 1, 1), "FAIL", "1..3\nok 1 a\nnot ok 2 b\nok 3 c # SKIP no root\n")

    def test_skip_tells_why(self):
        skipped = self.entry("SKIP", "skipped: no /dev/net/tun\n")
        self.assertEqual(count(skipped), Count(0, 0, 1))
        self.assertEqual(reasons(skipped), ["no /dev/net/tun"])
        self.assertEqual(reasons(self.entry("SKIP")), ["no reason given"])


if __name__ == "__main__":
    unittest.main()
