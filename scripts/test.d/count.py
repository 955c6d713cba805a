"""How many tests a program ran: meson counts programs, people count tests."""
import re

CMOCKA = {kind: re.compile(r"^\[\s+" + word + r"\s*\] (\d+) test\(s\)", re.M)
          for kind, word in (("passed", "PASSED"), ("failed", "FAILED"), ("skipped", "SKIPPED"))}
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_OUTCOME = re.compile(r"(failures|errors|skipped)=(\d+)")
TAP = re.compile(r"^(not )?ok\b[^\n#]*(# *skip\b)?", re.M | re.I)
REASON = re.compile(r"\bskipped:\s*(.+)", re.I)


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __repr__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def _cmocka(text):
    if not any(pattern.search(text) for pattern in CMOCKA.values()):
        return None
    return Count(**{kind: sum(int(n) for n in pattern.findall(text))
                    for kind, pattern in CMOCKA.items()})


def _unittest(text):
    ran = UNITTEST.findall(text)
    if not ran:
        return None
    outcome = {kind: 0 for kind in ("failures", "errors", "skipped")}
    for kind, number in UNITTEST_OUTCOME.findall(text):
        outcome[kind] += int(number)
    failed = outcome["failures"] + outcome["errors"]
    return Count(sum(map(int, ran)) - failed - outcome["skipped"], failed, outcome["skipped"])


def _tap(text):
    if not re.search(r"^\d+\.\.\d+", text, re.M):
        return None
    count = Count()
    for bad, skip in TAP.findall(text):
        if skip:
            count.skipped += 1
        elif bad:
            count.failed += 1
        else:
            count.passed += 1
    return count


def count(entry):
    """Count of one entry of meson's testlog.json. A program that fails has one failure at least."""
    text = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
    result = entry.get("result", "")
    if result == "SKIP":
        return Count(skipped=1)
    inside = _cmocka(text) or _unittest(text) or _tap(text)
    if result in ("OK", "EXPECTEDFAIL"):
        if inside and inside.failed:
            return inside  # a program that hides its failures fails
        return inside if inside and inside.passed + inside.skipped else Count(passed=1)
    inside = inside or Count()
    inside.failed = max(inside.failed, 1)
    return inside


def reasons(entry):
    """Why tests of this entry were skipped."""
    text = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
    found = [match.strip().rstrip("'\"") for match in REASON.findall(text)]
    found = [f for f in found if not re.match(r"\d+ test", f)]
    if found:
        return found
    return ["no reason given"] if entry.get("result") == "SKIP" else []
