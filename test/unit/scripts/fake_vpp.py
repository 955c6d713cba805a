#!/usr/bin/python3
"""Stands in for VPP in test_peers_vpp.py: runs the script of CLI commands that it is given as far as a benchmark needs it.

    fake_vpp.py -c FILE         FAKE_VPP: `drops`, `forges`, `keeps`, `mute` or `dies` for one that is at fault
"""
import os
import re
import signal
import struct
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "perf", "pktgen"))
import packets  # noqa: E402

FAULT = os.environ.get("FAKE_VPP", "")


def sealed(packet, i, keys):
    inner = packets.forwarded(packet)
    padding = -(len(inner) + 2) % 16
    text = inner + bytes(range(1, padding + 1)) + bytes([padding, 4])
    algorithm = "aes-256-cbc-sha256" if "integ-key" in keys else "aes-256-gcm"
    key = bytes.fromhex(keys["crypto-key"] + keys.get("salt", ""))
    esp = packets.sealed_text(struct.pack("!II", 5, i + 1), text, algorithm, key, bytes.fromhex(keys.get("integ-key", "")), True)
    if FAULT == "forges":
        esp = esp[:-1] + bytes([esp[-1] ^ 1])
    outer = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(esp), 0, 0, 64, packets.ESP)
    return outer + bytes(2) + packets.socket.inet_aton("10.7.1.1") + packets.socket.inet_aton("198.51.100.1") + esp


def run(script):
    keys = capture = None
    engine = "openssl"
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "vpp_runtime.txt")) as file:
        runtime = file.read()
    if FAULT == "drops":
        runtime = runtime.replace("pg1-tx    ", "error-drop")
    for line in script:
        word = line.split()
        if line.startswith("ipsec sa add 1"):
            keys = dict(re.findall(r"(crypto-key|salt|integ-key) (?:0x)?([0-9a-f]+)", line))
        elif line.startswith("packet-generator capture") and "pcap" in word:
            capture = word[word.index("pcap") + 1]
        elif line.startswith("packet-generator new") and capture:
            packets.write(capture, [sealed(packet, i, keys) for i, packet in enumerate(packets.read(word[word.index("pcap") + 1]))])
        elif line.startswith("wait "):
            print("waited %.3f sec." % float(word[1]))
        elif line.startswith("show version"):
            print("vpp v26.06-release built by nobody on nowhere at never")
        elif line.startswith("set crypto handler all simple ") and FAULT != "keeps":
            engine = word[-1]
        elif line.startswith("show crypto handlers"):
            for name in ("aes-256-cbc", "aes-256-gcm", "chacha20-poly1305"):
                print("\x1b[1;32m%-29s\x1b[0m enc \x1b[0m other \x1b[36m%s*\x1b[0m  \x1b[0m -         \x1b[0m -" % (name, engine))
        elif line.startswith("show runtime"):
            print(runtime)
        elif line.startswith("show packet-generator"):
            print("Name               Enabled        Count     Parameters\nload                 No             256")
        sys.stdout.flush()


def main():
    if FAULT == "dies":
        sys.exit("no hugepages")
    with open(sys.argv[2]) as file:
        script = re.search(r"exec (\S+)", file.read()).group(1)
    if FAULT != "mute":
        with open(script) as file:
            run(file.read().splitlines())
    signal.pause()


if __name__ == "__main__":
    main()
