#!/usr/bin/python3
"""VPP measured beside ours, when its path is given: scripts/bench peers --vpp PATH.

    vpp.py PROGRAM FOLDER CPU WINDOWS ENGINE ROW...     a row is direction:algorithm:size; an engine is one of VPP's: native, ipsecmb

One worker runs VPP's packet generator: 256 packets of a file again and again, in vectors of 256, from interface pg0 through a
protected ipip tunnel to pg1, or the other way. A script of CLI commands does it all; WINDOWS times the counters of nodes are cleared,
left alone for 20 ms and shown. Cycles a packet are the clocks of all nodes that saw packets, but for the source (pg-input) and
the sink (pgN-tx). What it encrypts is first captured and opened by OpenSSL; a node that drops ends the run. Prints a JSON array.

Not as in `bench dataplane`: inbound there is neither replay window nor extended numbers, because the same packets come again.
"""
import contextlib
import json
import os
import pty
import re
import select
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pktgen"))
import packets  # noqa: E402
from cryptography.exceptions import InvalidTag  # noqa: E402

KEY = bytes(range(36))
INTEGRITY_KEY = bytes(range(64, 96))
PACKETS = 256
WINDOW_S = 0.02
START_S = 30
SOURCE = "pg-input"
SPI = 5
HERE, THERE = "10.7.1.1", "198.51.100.1"  # as packets.py seals
ALGORITHMS = {
    "aes-256-gcm": "crypto-alg aes-gcm-256 crypto-key %s salt 0x%s" % (KEY[:-4].hex(), KEY[-4:].hex()),
    "chacha20-poly1305": "crypto-alg chacha20-poly1305 crypto-key %s salt 0x%s" % (KEY[:-4].hex(), KEY[-4:].hex()),
    "aes-256-cbc-sha256": "crypto-alg aes-cbc-256 crypto-key %s integ-alg sha-256-128 integ-key %s" % (KEY[:32].hex(), INTEGRITY_KEY.hex()),
}
NODE = re.compile(r"^(\S+)\s+([a-z][a-z -]*?)\s+(\d+)\s+(\d+)\s+(\d+)\s+([\d.]+e-?\d+)\s+([\d.]+)\s*$")


class Wrong(Exception):
    """What the user reads."""


def nodes_of(text):
    """Of each thread of one `show runtime`: node -> (vectors, clocks a vector); without those that saw no packet."""
    threads = [{}]
    for line in text.splitlines():
        if line.startswith("Thread "):
            threads.append({})
        match = NODE.match(line)
        if match and int(match.group(4)):
            threads[-1][match.group(1)] = (int(match.group(4)), float(match.group(6)))
    return threads


def cycles_of(text):
    """Cycles a packet of the thread that generated, without source and sink; raises when packets were dropped."""
    working = [nodes for nodes in nodes_of(text) if SOURCE in nodes]
    if len(working) != 1:
        raise Wrong("show runtime has %d threads that generate packets, not one" % len(working))
    nodes = dict(working[0])
    generated = nodes.pop(SOURCE)[0]
    sinks = [name for name in nodes if re.fullmatch(r"pg\d+-tx", name)]
    if "error-drop" in nodes or not sinks:
        raise Wrong("%d of %d packets were dropped; nodes: %s" % (nodes.get("error-drop", (generated, 0))[0], generated, ", ".join(nodes)))
    left = sum(nodes.pop(name)[0] for name in sinks)
    if abs(left - generated) > PACKETS * 2:
        raise Wrong("%d packets were generated and %d left" % (generated, left))
    return sum(vectors * clocks for vectors, clocks in nodes.values()) / generated


def check_engine(text, algorithm, engine):
    """Raises unless the engine is the one that is marked for the algorithm."""
    name = {"aes-256-cbc-sha256": "aes-256-cbc"}.get(algorithm, algorithm)
    rows = re.findall(r"^%s +(?:enc|dec) +(.*)$" % name, re.sub(r"\x1b\[[0-9;]*m", "", text), re.M)
    if not rows or engine + "*" not in rows[0].split("  ")[0]:
        raise Wrong("engine %s is not in use for %s: %s" % (engine, algorithm, rows))


def startup(folder, cpu, script):
    return "\n".join([
        "unix { nodaemon nosyslog nobanner nocolor runtime-dir %s exec %s cli-listen %s }" % (folder, script, os.path.join(folder, "cli.sock")),
        "api-segment { prefix vpngw-%d }" % os.getpid(),
        "cpu { main-core %d corelist-workers %d }" % ((cpu + 1) % os.cpu_count(), cpu),
        "plugins { plugin dpdk_plugin.so { disable } }",
        ""])


def topology(direction, algorithm, engine):
    """pg0 is inside, pg1 outside; what comes out of the file is for the MAC of the interface where it comes in."""
    source = "pg0" if direction == "out" else "pg1"
    return [
        "show version",
        *("create packet-generator interface %s%s" % (name, " hw-addr " + packets.MAC.hex(":") if name == source else "") for name in ("pg0", "pg1")),
        "set interface state pg0 up",
        "set interface state pg1 up",
        "set interface ip address pg0 10.9.0.1/24",
        "set interface ip address pg1 %s/24" % HERE,
        "set ip neighbor pg0 10.9.0.2 02:00:00:00:00:02",
        "set ip neighbor pg1 10.7.1.2 02:00:00:00:00:01",
        "ip route add %s/32 via 10.7.1.2 pg1" % THERE,
        "set crypto handler all simple " + engine,  # also says that it failed, for what the engine has not got
        "show crypto handlers",
        "ipsec sa add 1 spi %d esp %s use-esn" % (SPI, ALGORITHMS[algorithm]),
        "ipsec sa add 2 spi %d esp %s inbound" % (SPI, ALGORITHMS[algorithm]),
        "create ipip tunnel src %s dst %s" % (HERE, THERE),
        "ipsec tunnel protect ipip0 sa-in 2 sa-out 1",
        "set interface state ipip0 up",
        "set interface unnumbered ipip0 use pg1",
        "ip route add 10.253.0.0/16 via ipip0",
        "ip route add 10.254.0.0/16 via 10.9.0.2 pg0",
    ]


def generator(source, file, limit):
    return ["packet-generator new { name load limit %s rate 0 maxframe %d worker 0 source %s pcap %s }" % (limit, PACKETS, source, file),
            "packet-generator enable-stream load"]


class Program:
    """VPP with a script of its own; its output comes by a terminal, so that each line comes at once."""

    def __init__(self, program, folder, cpu, commands):
        script, config = (os.path.join(folder, name) for name in ("vpp.cli", "vpp.conf"))
        with open(script, "w") as file:
            file.write("\n".join([*commands, "show version", "show packet-generator", ""]))
        with open(config, "w") as file:
            file.write(startup(folder, cpu, script))
        self.text = ""
        self.name = program
        self.terminal, theirs = pty.openpty()
        try:
            self.process = subprocess.Popen([program, "-c", config], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=folder)
        except OSError as error:
            os.close(self.terminal)
            raise Wrong("%s cannot be run: %s" % (program, error.strerror)) from error
        finally:
            os.close(theirs)

    def read(self, seconds):
        """False when it ended."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # nobody holds the other end any more
            return False
        self.text += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def run(self, seconds):
        """All that its script printed."""
        end = time.monotonic() + START_S + seconds
        while self.text.count("vpp v") < 2 or "\nName" not in self.text.rpartition("vpp v")[2]:
            alive = self.read(0.1)
            if not alive or time.monotonic() > end:
                what = "is no VPP: it printed no `vpp v...`" if "vpp v" not in self.text else "did not end its script"
                raise Wrong("%s %s%s. Last lines:\n%s" % (self.name, what, "" if alive else " and ended", "\n".join(self.text.splitlines()[-8:])))
        return self.text

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.terminal)


def run(program, folder, cpu, commands, seconds=0):
    vpp = Program(program, folder, cpu, commands)
    try:
        return vpp.run(seconds)
    finally:
        vpp.end()


class Bench:
    def __init__(self, program, folder, cpu, windows, engine):
        self.program, self.folder, self.cpu, self.windows, self.engine = program, folder, cpu, windows, engine

    def path(self, name):
        return os.path.join(self.folder, name)

    def prove(self, algorithm):
        """What it encrypts opens by OpenSSL, each packet once."""
        key = KEY[:32] if algorithm == "aes-256-cbc-sha256" else KEY
        sealed = self.path("vpp-sealed.pcap")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(sealed)  # VPP writes over no file
        run(self.program, self.folder, self.cpu, [
            *topology("out", algorithm, self.engine),
            "packet-generator capture pg1 pcap %s count %d" % (sealed, PACKETS),
            *generator("pg0", self.path("clear.pcap"), PACKETS),
            "wait 0.5",
            "packet-generator capture pg1 disable"])
        try:
            packets.check(self.path("clear.pcap"), algorithm, key.hex(), INTEGRITY_KEY.hex(), sealed)
        except (OSError, ValueError, InvalidTag) as error:
            raise Wrong("what %s encrypted with engine %s is not what OpenSSL opens: %s" % (
                self.program, self.engine, str(error) or type(error).__name__)) from error

    def row(self, direction, algorithm, size):
        key = KEY[:32] if algorithm == "aes-256-cbc-sha256" else KEY
        packets.SIZES = (size,)
        packets.write(self.path("clear.pcap"), [packets.clear_packet(i) for i in range(PACKETS)])
        packets.seal(self.path("clear.pcap"), self.path("answers.pcap"), algorithm, key.hex(), INTEGRITY_KEY.hex(), str(SPI), extended=False)
        if direction == "out":
            self.prove(algorithm)
        source, file = ("pg0", "clear.pcap") if direction == "out" else ("pg1", "answers.pcap")
        text = run(self.program, self.folder, self.cpu, [
            *topology(direction, algorithm, self.engine),
            *generator(source, self.path(file), "1e15"),
            "wait 0.5",
            *(["clear runtime", "wait %g" % WINDOW_S, "show runtime"] * self.windows),
            "packet-generator disable-stream load"], self.windows * WINDOW_S * 5)
        check_engine(text, algorithm, self.engine)
        windows = [cycles_of(window) for window in text.split("waited ")[2:]]
        return {"program": "vpp-" + self.engine, "direction": direction, "algorithm": algorithm, "size": size, "tunnels": 1,
                "burst": PACKETS, "pool": PACKETS, "flows": PACKETS, "routes": 2, "cycles_median": round(statistics.median(windows), 1),
                "cycles_min": round(min(windows), 1), "windows": len(windows)}


def main():
    bench = Bench(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    rows = []
    try:
        for word in sys.argv[6:]:
            direction, algorithm, size = word.split(":")
            rows.append(bench.row(direction, algorithm, int(size)))
    except Wrong as error:
        sys.exit("vpp.py: %s" % error)
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
