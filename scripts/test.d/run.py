"""Builds and runs the suites for scripts/test, see its head for the options.

A stage is a build folder and the suites that run in it. As many tests run at a time as there are CPUs; of the
suites that need namespaces at most two, and only those that test/system/meson.build lets run beside another.

What runs by the clock (the labs and the packet path) can fail because the machine stood still. Such a program is run
once more, alone, and that run counts; what then passes is named as unsteady above the last line, with the check that
had failed, so that a test or a fault that comes and goes is seen and never mistaken for a clean pass.
Compiling without a warning, the rules of scripts/check and "no DPDK header without the data plane" are tests as
well.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from count import Count, count, reasons  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PURE = ["unit", "vectors", "exchange", "packet", "fuzz"]
LABS = ["system", "interop"]
BY_CLOCK = LABS + ["packet"]
SUITES = ["checks", "builds"] + PURE + LABS


class Stage:
    def __init__(self, folder, compiler, options, suites, slow=1):
        self.folder, self.compiler, self.options = folder, compiler, options
        self.suites, self.slow = suites, slow


STAGES = [
    Stage("build-gcc", "gcc", [], ["unit", "vectors", "exchange", "packet"] + LABS),
    Stage("build-sanitize", "gcc", ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"], PURE, 5),
    Stage("build-control", "gcc", ["-Ddataplane=false"], ["unit"]),
    Stage("build-clang", "clang", [], ["unit"]),
]


class Report:
    def __init__(self):
        self.total, self.failures, self.skips, self.unsteady = Count(), [], {}, []
        self.started = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self.started:5.0f} s] {text}", flush=True)

    def one(self, name, passed, output=""):
        self.total += Count(passed=1) if passed else Count(failed=1)
        if not passed:
            self.failures.append((name, output))
        self.say(f"{name}: {'passed' if passed else 'FAILED'}")

    def entry(self, stage, entry):
        counted = count(entry)
        self.total += counted
        for reason in reasons(entry):
            self.skips.setdefault(reason, []).append(entry["name"])
        if counted.failed:
            output = entry.get("stdout", "") + entry.get("stderr", "")
            self.failures.append((f"{stage.folder}: {entry['name']} ({entry['result']})", output))
        return counted

    def steadied(self, stage, entry):
        """A program that failed and passed when it ran alone."""
        checks = [line for line in entry.get("stdout", "").splitlines() if re.match(r"not ok|\[  FAILED  \]", line)]
        self.unsteady.append(f"{stage.folder}: {entry['name']}: {'; '.join(checks) or entry['result']}")

    def finish(self):
        for name, output in self.failures:
            print(f"\n==== {name}")
            print("\n".join(output.rstrip().splitlines()[-60:]))
        if self.skips:
            print()
        for reason, names in sorted(self.skips.items()):
            print(f"skipped: {reason} ({', '.join(sorted(set(names)))})")
        for line in self.unsteady:
            print(f"unsteady, passed when run again alone: {line}")
        if self.total.passed + self.total.failed == 0:
            print("nothing ran")
        print(self.total)
        return 1 if self.total.failed or not self.total.passed else 0


def execute(words, **extra):
    return subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **extra)


def run_checks(report):
    out = execute([sys.executable, "-B", "scripts/check", "--each"])
    for line in out.stdout.splitlines():
        match = re.match(r"check (\w+): (passed|FAILED)$", line)
        if match:
            report.one(f"check {match.group(1)}", match.group(2) == "passed", out.stdout)
    if out.returncode not in (0, 1):
        report.one("scripts/check", False, out.stdout)


def build(stage, report):
    environment = dict(os.environ, CC=stage.compiler)
    if shutil.which("ccache"):
        environment["CC"] = "ccache " + stage.compiler
    ready = os.path.join(ROOT, stage.folder, "build.ninja")
    if os.path.exists(ready):
        # New folders are found by meson alone.
        out = execute(["meson", "setup", "--reconfigure", stage.folder], env=environment)
        if out.returncode:
            report.one(f"{stage.folder}: meson setup --reconfigure", False, out.stdout)
            return False
    else:
        shutil.rmtree(os.path.join(ROOT, stage.folder), ignore_errors=True)
        out = execute(["meson", "setup", stage.folder, *stage.options], env=environment)
        if out.returncode:
            report.one(f"{stage.folder}: meson setup", False, out.stdout)
            return False
    out = execute(["ninja", "-C", stage.folder], env=environment)
    report.one(f"{stage.folder}: {stage.compiler} {' '.join(stage.options)} without a warning",
               out.returncode == 0, out.stdout)
    return out.returncode == 0


def check_control_alone(stage, report):
    """With -Ddataplane=false no DPDK or ipsec-mb header is opened."""
    out = execute(["ninja", "-C", stage.folder, "-t", "deps"])
    touched = sorted({line.strip() for line in out.stdout.splitlines()
                      if re.search(r"/(?:dpdk/|rte_|intel-ipsec-mb)", line)})
    report.one(f"{stage.folder}: no DPDK header is touched", out.returncode == 0 and not touched,
               "\n".join(touched) or out.stdout)


def meson_test(stage, words, keep):
    """What meson said and the entries of its log, None without a log."""
    folder = os.path.join(ROOT, stage.folder)
    log = os.path.join(folder, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    environment = dict(os.environ, VPNGW_BUILD=folder, LAB_KEEP="1" if keep else "",
                       ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
                       UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    out = execute(["meson", "test", "-C", stage.folder, "--no-rebuild", "--timeout-multiplier", str(stage.slow),
                   *words], env=environment)
    if not os.path.exists(log):
        return out.stdout, None
    with open(log, encoding="utf-8", errors="replace") as file:
        return out.stdout, [json.loads(line) for line in file]


def again(stage, entry, report, keep):
    """The entry of a second run, alone, of a program that failed."""
    report.say(f"{stage.folder}: {entry['name']} failed, runs again alone")
    entries = meson_test(stage, ["--num-processes", "1", entry["name"].split(" / ")[-1]], keep)[1]
    if not entries or len(entries) != 1 or count(entries[0]).failed:
        return entry
    report.steadied(stage, entry)
    return entries[0]


def run_suite(stage, suite, report, keep):
    workers = os.cpu_count() or 1
    if suite in LABS:
        workers = min(workers, 2)
    started = time.monotonic()
    said, entries = meson_test(stage, ["--suite", suite, "--num-processes", str(workers)], keep)
    if entries is None:
        if "No suitable tests defined" not in said and "No tests defined" not in said:
            report.one(f"{stage.folder}: suite {suite}", False, said)
        return
    counted = Count()
    for entry in entries:
        if suite in BY_CLOCK and count(entry).failed:
            entry = again(stage, entry, report, keep)
        counted += report.entry(stage, entry)
    report.say(f"{stage.folder}: {suite}: {counted}, {time.monotonic() - started:.0f} s")


def options(arguments):
    suites, quick, keep = list(SUITES), False, False
    while arguments:
        word = arguments.pop(0)
        if word == "--suite" and arguments:
            suites = arguments.pop(0).split(",")
            unknown = [s for s in suites if s not in SUITES]
            if unknown:
                sys.exit(usage(f"unknown suite {unknown[0]}; known are {', '.join(SUITES)}"))
        elif word == "--quick":
            quick = True
        elif word == "--keep":
            keep = True
        else:
            sys.exit(usage(f"unknown option {word}"))
    return suites, quick, keep


def usage(text):
    print(f"test: {text} (scripts/test --help)", file=sys.stderr)
    return 2


def stages_for(suites, quick):
    """The stages with the suites that are wanted of them; a build alone where `builds` is wanted."""
    chosen = []
    for stage in STAGES[:1] if quick else STAGES:
        wanted = [s for s in stage.suites if s in suites and not (quick and s in LABS)]
        if wanted or "builds" in suites:
            chosen.append((stage, wanted))
    return chosen


def main():
    suites, quick, keep = options(sys.argv[1:])
    report = Report()
    if "checks" in suites:
        run_checks(report)
    for stage, wanted in stages_for(suites, quick):
        if not build(stage, report):
            continue
        if stage.folder == "build-control":
            check_control_alone(stage, report)
        for suite in wanted:
            run_suite(stage, suite, report, keep)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
