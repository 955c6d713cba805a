#!/usr/bin/env python3
"""What fails by the clock runs once more; it stays a failure when it fails twice, and is named when it does not."""
import contextlib
import io
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "..", "scripts", "test.d"))
import run  # noqa: E402


def entry(result, stdout=""):
    return {"name": "vpngw:system / lab", "result": result, "stdout": stdout, "stderr": ""}


GOOD = entry("OK", "1..2\nok 1 - up\nok 2 - fast\n")
BAD = entry("FAIL", "1..2\nok 1 - up\nnot ok 2 - fast\n")


class Again(unittest.TestCase):
    def outcome(self, suite, *runs):
        """The last lines and the exit code of a suite whose program gives these entries, run by run."""
        waiting, self.words = list(runs), []

        def meson_test(_stage, words, _keep):
            self.words.append(words)
            return "", waiting.pop(0)
        before, run.meson_test = run.meson_test, meson_test
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                report = run.Report()
                run.run_suite(run.STAGES[0], suite, report, False)
                code = report.finish()
        finally:
            run.meson_test = before
        self.assertEqual(waiting, [])
        return said.getvalue().splitlines(), code

    def test_good_once(self):
        lines, code = self.outcome("system", [GOOD])
        self.assertEqual((lines[-1], code), ("2 passed, 0 failed, 0 skipped", 0))

    def test_steady_failure(self):
        lines, code = self.outcome("system", [BAD], [BAD])
        self.assertEqual((lines[-1], code), ("1 passed, 1 failed, 0 skipped", 1))
        self.assertNotIn("unsteady", "".join(lines))

    def test_unsteady_is_named(self):
        lines, code = self.outcome("system", [GOOD, BAD], [GOOD])
        self.assertEqual((lines[-1], code), ("4 passed, 0 failed, 0 skipped", 0))
        self.assertIn("unsteady", lines[-2])
        self.assertIn("not ok 2 - fast", lines[-2])
        self.assertEqual(self.words[1], ["--num-processes", "1", "lab"])

    def test_nothing_ran_again(self):
        for second in (None, []):
            lines, code = self.outcome("system", [BAD], second)
            self.assertEqual((lines[-1], code), ("1 passed, 1 failed, 0 skipped", 1))

    def test_what_has_no_clock_fails_at_once(self):
        lines, code = self.outcome("unit", [BAD])
        self.assertEqual((lines[-1], code), ("1 passed, 1 failed, 0 skipped", 1))


if __name__ == "__main__":
    unittest.main()
