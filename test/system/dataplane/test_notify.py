#!/usr/bin/env python3
"""What the service manager hears: READY when it is ready, WATCHDOG while all workers move, STOPPING;
and silence, with a line that names the worker, its step and packet, when a worker hangs in a step."""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.join(os.environ["VPNGW_BUILD"], "app/dataplane/vpngw-dataplane")
results = []


def skip(what, reason):
    results.append(True)
    print("ok %d - %s # skip" % (len(results), what), flush=True)
    print("# skipped: %s" % reason, flush=True)


def judge(what, good):
    results.append(good)
    print("%s %d - %s" % ("ok" if good else "not ok", len(results), what), flush=True)


def hear(listener, seconds):
    """All that is said within so long."""
    said = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        listener.settimeout(max(0.01, end - time.monotonic()))
        try:
            said += listener.recv(4096).decode().split("\n")
        except TimeoutError:
            break
    return said


def await_word(listener, word, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if word in hear(listener, 0.2):
            return True
    return False


def worker_thread(pid):
    """The thread of lcore 1."""
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, task), encoding="ascii") as file:
            if re.match(r"(lcore-worker-1|rte-worker-1)$", file.read().strip()):
                return int(task)
    return None


def freeze(thread):
    """Stops one thread as a hang would: by ptrace, which stops no other."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt = 0x4206, 0x4207
    if libc.ptrace(seize, thread, None, None) or libc.ptrace(interrupt, thread, None, None):
        return False
    os.waitpid(thread, 0x40000000)  # __WALL
    return True


def thaw(thread):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace(17, thread, None, None)  # PTRACE_DETACH


def step_range(pid):
    """Where the step that classifies is in the program's memory."""
    listed = subprocess.run(["nm", "-S", PROGRAM], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^(\S+) (\S+) T path_classify$", listed, re.M)
    if not found:
        return range(0)
    with open(PROGRAM, "rb") as file:
        fixed = file.read(18)[16] == 2  # ET_EXEC
    with open("/proc/%d/maps" % pid, encoding="utf-8") as file:
        first = next(line for line in file if line.endswith("/vpngw-dataplane\n"))
    base = 0 if fixed else int(first.split("-")[0], 16)
    return range(base + int(found[1], 16), base + int(found[1], 16) + int(found[2], 16))


def stands_at(pid, thread):
    """The next instruction of a stopped thread."""
    with open("/proc/%d/task/%d/syscall" % (pid, thread), encoding="ascii") as file:
        return int(file.read().split()[-1], 16)


def freeze_in(pid, thread, step):
    """Stops it in that step: most of the time it is not there but copies packets out of the pcap."""
    for _ in range(5000):
        if not freeze(thread):
            return False
        if stands_at(pid, thread) in step:
            return True
        thaw(thread)
        time.sleep(0.002)  # it comes round, else it would hang without us
    return False


def hang(pid, listener, log):
    thread = worker_thread(pid)
    judge("the worker has a thread", thread)
    if not freeze(thread):
        skip("a worker that hangs", "ptrace stops no thread here")
        return
    thaw(thread)
    judge("it is stopped in a step", freeze_in(pid, thread, step_range(pid)))
    hear(listener, 2)
    judge("no WATCHDOG while a worker hangs", "WATCHDOG=1" not in hear(listener, 1))
    thaw(thread)
    judge("WATCHDOG when it moves again", await_word(listener, "WATCHDOG=1", 3))
    log.seek(0)
    all_said = list(re.finditer(r"worker 0 has not come round for (\d+) ms (.*)", log.read()))
    said = all_said[-1] if all_said else None  # a busy machine may have kept it away before
    judge("the worker that hung is named, and after a second", said and int(said[1]) < 1500)
    print("# " + said[0] if said else "")
    judge("with its step and packet", said and re.fullmatch(
        r"step=classify packets=[1-9]\d*, the first: "
        r"source=10\.9\.0\.\d+ destination=10\.99\.\d+\.\d+ protocol=17 ports=\d+/9", said[2]))


def run(folder):
    path = os.path.join(folder, "notify")
    load = os.path.join(folder, "load.pcap")
    subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "load_pcap.py"), load], check=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
    environment = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="400000")
    environment.pop("WATCHDOG_PID", None)
    # In a namespace of its own: the mirrors go with it.
    program = subprocess.Popen(
        ["unshare", "--net", PROGRAM, "--no-huge", "--idle", "rest", "--cores", "1", "--socket",
         os.path.join(folder, "s"), "--port", "name=p0,role=private,device=net_pcap0:rx_pcap=%s:infinite_rx=1" % load],
        stderr=log, env=environment)
    try:
        judge("READY", await_word(listener, "READY=1", 10))
        judge("WATCHDOG", hear(listener, 1).count("WATCHDOG=1") >= 2)
        hang(program.pid, listener, log)
        program.send_signal(signal.SIGTERM)
        judge("STOPPING", await_word(listener, "STOPPING=1", 2))
        judge("it ends with 0", program.wait(5) == 0)
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
        log.seek(0)
        if not all(results):
            print("".join("# " + line for line in log))


if os.geteuid() != 0 or not os.path.exists(PROGRAM):
    print("skipped: needs root and vpngw-dataplane")
    sys.exit(77)
with tempfile.TemporaryDirectory(prefix="vpngw-notify") as place:
    run(place)
print("1..%d" % len(results))
sys.exit(not all(results))
