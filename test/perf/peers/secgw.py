#!/usr/bin/python3
"""ipsec-secgw, DPDK's example of a gateway, measured beside ours: scripts/bench peers.

    secgw.py PROGRAM PRELOAD FOLDER CPU WINDOWS ROW...      a row is direction:algorithm:size

It polls one port of net_pcap, which gives the same packets again and again from memory, and one of net_null, on one core, with
librte_ipsec. Cycles are the process's own processor time by the TSC, so what others take of its CPU
is not in them; WINDOWS of 20 ms, each of more than 20,000 packets where the packets are short. Source and sink by themselves are
measured with testpmd over the same devices and taken off. What leaves is first opened by OpenSSL. Prints a JSON array.

Not as in `bench dataplane`: bursts are 32 (its own), and inbound it has neither replay window nor extended numbers, because the
same packets come again (with extended numbers alone it crashes).
"""
import json
import os
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pktgen"))
import packets  # noqa: E402

KEY = bytes(range(36))
INTEGRITY_KEY = bytes(range(64, 96))
DEVICES = {"aes-256-gcm": "crypto_aesni_gcm0", "aes-256-cbc-sha256": "crypto_aesni_mb0", "chacha20-poly1305": "crypto_aesni_mb0"}
PACKETS = 256
WINDOW_S = 0.02
ASKING_NS = 200000


def colons(data):
    return ":".join("%02x" % byte for byte in data)


def sa_words(algorithm):
    if algorithm == "aes-256-cbc-sha256":
        return "cipher_algo aes-256-cbc cipher_key %s auth_algo sha256-hmac auth_key %s" % (colons(KEY[:32]), colons(INTEGRITY_KEY))
    return "aead_algo %s aead_key %s" % (algorithm, colons(KEY))


def configuration(algorithm):
    """Port 0 is inside, port 1 outside."""
    tail = "mode ipv4-tunnel src 10.7.0.1 dst 10.7.0.2"
    return "\n".join([
        "sp ipv4 out esp protect 5 pri 1 dst 10.253.0.0/16 sport 0:65535 dport 0:65535",
        "sp ipv4 in esp protect 5 pri 1 dst 10.253.0.0/16 sport 0:65535 dport 0:65535",
        "sa out 5 %s %s" % (sa_words(algorithm), tail),
        "sa in 5 %s %s" % (sa_words(algorithm), tail),
        "rt ipv4 dst 10.7.0.2/32 port 1",
        "rt ipv4 dst 10.253.0.0/16 port 0",
        "neigh port 0 02:00:00:00:00:02",
        "neigh port 1 02:00:00:00:00:01",
        ""])


class Program:
    """A DPDK process with its worker on one CPU, asked by telemetry."""

    def __init__(self, folder, name, command, devices, rest, lcores, preload=""):
        self.prefix = "vpngw-%s-%d" % (name, os.getpid())
        self.log = open(os.path.join(folder, name + ".log"), "w")
        self.huge = os.path.join(folder, "huge")
        words = ["--huge-dir", self.huge, "-m", "320"] if os.path.ismount(self.huge) else ["--no-huge", "-m", "320"]
        words += ["--no-pci", "--lcores", lcores, "--file-prefix", self.prefix]
        for device in devices:
            words += ["--vdev", device]
        self.process = subprocess.Popen([command, *words, "--", *rest], stdin=subprocess.PIPE, stdout=self.log, stderr=self.log,
                                        cwd=folder, env={**os.environ, "LD_PRELOAD": preload})
        self.telemetry = None

    def fail(self, what):
        self.log.flush()
        with open(self.log.name) as log:
            sys.exit("secgw.py: %s %s\n%s" % (self.process.args[0], what, "".join(log.readlines()[-8:])))

    def ready(self, sent):
        """Waits until it has sent so many packets out of either port."""
        end = time.monotonic() + 20
        path = "/var/run/dpdk/%s/dpdk_telemetry.v2" % self.prefix
        while time.monotonic() < end:
            if self.process.poll() is not None:
                self.fail("ended with %d" % self.process.returncode)
            try:
                if not self.telemetry:
                    self.telemetry = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                    self.telemetry.settimeout(5)
                    self.telemetry.connect(path)
                    self.telemetry.recv(16384)
                if self.sent() >= sent:
                    return self
            except (OSError, KeyError, TypeError, ValueError):
                self.telemetry = None
            time.sleep(0.02)
        return self.fail("sent %s packets of %d" % (self.sent() if self.telemetry else "no", sent))

    def sent(self):
        total = 0
        for port in (0, 1):
            self.telemetry.send(b"/ethdev/stats,%d" % port)
            total += json.loads(self.telemetry.recv(16384).decode())["/ethdev/stats"]["opackets"]
        return total

    def cycles(self, windows, hz):
        """Cycles a packet of each window."""
        clock = (~self.process.pid << 3) | 2  # processor time of another process, exact (clock_getcpuclockid)
        values = []
        was = None
        end = time.monotonic() + 20 * windows * WINDOW_S
        while len(values) < windows and time.monotonic() < end:
            time.sleep(WINDOW_S)
            before = time.clock_gettime_ns(clock)
            now = (before, self.sent())
            if time.clock_gettime_ns(clock) - before > ASKING_NS:
                was = None  # it ran on while we were kept from asking
                continue
            if was and now[1] > was[1] and now[0] - was[0] > WINDOW_S * 1e9 / 4:
                values.append((now[0] - was[0]) * hz / 1e9 / (now[1] - was[1]))
            was = now
        if not values:
            self.fail("could not be asked in time: the machine is too busy")
        return values

    def end(self):
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Bench:
    def __init__(self, program, preload, folder, cpu, windows):
        self.program, self.preload, self.folder, self.cpu, self.windows = program, preload, folder, cpu, windows
        self.hz = tsc_hz()

    def path(self, name):
        return os.path.join(self.folder, name)

    def secgw(self, direction, algorithm, inside, outside):
        with open(self.path("secgw.cfg"), "w") as file:
            file.write(configuration(algorithm))
        return Program(self.folder, "secgw", self.program, [DEVICES[algorithm], inside, outside],
                       ["-p", "0x3", "-u", "0x2", "-P", "-l", *(["-e"] if direction == "out" else []), "-f", self.path("secgw.cfg"), "--config", "(0,0,1),(1,0,1)"], "1@%d" % self.cpu, self.preload)

    def sealed(self, direction, algorithm, size):
        """Packets that it encrypts once, proven by OpenSSL."""
        packets.SIZES = (size,)
        packets.write(self.path("clear.pcap"), [packets.clear_packet(i) for i in range(PACKETS)])
        gateway = self.secgw(direction, algorithm, "net_pcap0,rx_pcap=" + self.path("clear.pcap"), "net_pcap1,tx_pcap=" + self.path("sealed.pcap"))
        gateway.ready(PACKETS)
        gateway.end()
        key = KEY[:32] if algorithm == "aes-256-cbc-sha256" else KEY
        packets.check(self.path("clear.pcap"), algorithm, key.hex(), INTEGRITY_KEY.hex(), self.path("sealed.pcap"),
                      onward=lambda packet: packet, extended=direction == "out")  # it leaves the TTL alone

    def row(self, direction, algorithm, size):
        self.sealed(direction, algorithm, size)
        source = "net_pcap0,infinite_rx=1,rx_pcap=" + self.path("clear.pcap" if direction == "out" else "sealed.pcap")
        sink = "net_null0,no-rx=1"
        gateway = self.secgw(direction, algorithm, *((source, sink) if direction == "out" else (sink, source)))
        whole = gateway.ready(100000).cycles(self.windows, self.hz)
        gateway.end()
        mover = Program(self.folder, "testpmd", "dpdk-testpmd", [source, sink],
                        ["--forward-mode=io", "--auto-start", "--nb-cores=1", "--total-num-mbufs=16384"],
                        "0@0,1@%d" % self.cpu)
        ends = mover.ready(100000).cycles(self.windows, self.hz)
        mover.end()
        around = min(ends)
        return {"program": "ipsec-secgw", "direction": direction, "algorithm": algorithm, "size": size, "tunnels": 1, "burst": 32,
                "pool": PACKETS, "flows": PACKETS, "routes": 2, "cycles_median": round(statistics.median(whole) - around, 1),
                "cycles_min": round(min(whole) - around, 1), "source_sink": round(around, 1), "windows": len(whole)}


def tsc_hz():
    """From the CPU's own time: the TSC beside the clock, as the kernel found it at start, else by the model's frequency."""
    with open("/proc/cpuinfo") as info:
        return next(float(line.split(":")[1]) for line in info if line.startswith("cpu MHz")) * 1e6


def main():
    bench = Bench(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    rows = []
    for word in sys.argv[6:]:
        direction, algorithm, size = word.split(":")
        rows.append(bench.row(direction, algorithm, int(size)))
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
