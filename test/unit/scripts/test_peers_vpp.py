#!/usr/bin/python3
"""`scripts/bench peers --vpp`: what is read out of `show runtime`, and each sentence of a program that is at fault.

vpp_runtime.txt has the form of VPP's src/vlib/node_cli.c; no VPP has made it, Debian has none (v26.06 prints the same form).
"""
import importlib.util
import os
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FAKE = os.path.join(HERE, "fake_vpp.py")
HAS_CRYPTOGRAPHY = importlib.util.find_spec("cryptography") is not None
# of the worker without pg-input and pg1-tx; ip4-lookup sees each packet twice
CYCLES = 3.10 + 113 + 11.5 + 12.1 + 6.25 + 2 * 10.4 + 12.2 + 9.85 + 3.4 + 4.12
# An older VPP, as its own page on CPU load shows it
OLDER = """Thread 1 vpp_wk_0 (lcore 9)
Time 6152.9, average vectors/node 1.00, last 128 main loops 0.00 per node 0.00
  vector rates in 1.3073e2, out 1.3073e2, drop 6.5009e-4, punt 0.0000e0
             Name                 State         Calls          Vectors        Suspends         Clocks       Vectors/Call
acl-plugin-fa-cleaner-process  event wait                0               0               1          3.66e4            0.00
ip4-lookup                       active             804394          804394               0          5.71e2            1.00
unix-epoll-input                 polling            835722               0               0         3.03e-3            0.00
"""


def module():
    spec = importlib.util.spec_from_file_location("vpp", os.path.join(HERE, "..", "..", "perf", "peers", "vpp.py"))
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def runtime():
    with open(os.path.join(HERE, "vpp_runtime.txt")) as file:
        return file.read()


@unittest.skipUnless(HAS_CRYPTOGRAPHY, "python3-cryptography is missing")
class Runtime(unittest.TestCase):
    def test_cycles(self):
        self.assertAlmostEqual(module().cycles_of(runtime()), CYCLES, 2)

    def test_nodes(self):
        threads = module().nodes_of(runtime())
        self.assertEqual([len(nodes) for nodes in threads], [0, 0, 12])
        self.assertEqual(module().nodes_of(OLDER), [{}, {"ip4-lookup": (804394, 571.0)}])

    def test_faults(self):
        vpp = module()
        for text, says in ((runtime().replace("pg1-tx    ", "error-drop"), "dropped"), ("", "0 threads"),
                           (runtime().replace("          256000               0          3.34e1", "          128000               0          3.34e1"),
                            "128000 left")):
            with self.assertRaisesRegex(vpp.Wrong, says):
                vpp.cycles_of(text)


@unittest.skipUnless(HAS_CRYPTOGRAPHY, "python3-cryptography is missing")
class Harness(unittest.TestCase):
    def row(self, program, direction="out", algorithm="aes-256-gcm", fault=""):
        self.vpp = module()
        self.vpp.START_S = 2 if fault == "mute" else 20
        os.environ["FAKE_VPP"] = fault
        with tempfile.TemporaryDirectory() as folder:
            return self.vpp.Bench(program, folder, 1, 3, "native").row(direction, algorithm, 512)

    def test_rows(self):
        for direction in ("out", "in"):
            for algorithm in ("aes-256-gcm", "chacha20-poly1305", "aes-256-cbc-sha256"):
                if algorithm == "chacha20-poly1305" and direction == "out":
                    continue  # the stand-in seals with two
                row = self.row(FAKE, direction, algorithm)
                self.assertEqual((row["program"], row["windows"], row["size"]), ("vpp-native", 3, 512))
                self.assertAlmostEqual(row["cycles_median"], CYCLES, 0)

    def test_faults(self):
        for program, fault, says in ((FAKE, "mute", "is no VPP"), (FAKE, "dies", "is no VPP.*ended.*\n.*no hugepages"), ("/bin/true", "", "is no VPP"),
                                     (FAKE, "drops", "were dropped"), (FAKE, "forges", "OpenSSL"),
                                     (FAKE, "keeps", "engine native is not in use for aes-256-gcm.*openssl"), ("/nowhere/vpp", "", "cannot be run")):
            with self.subTest(program=program, fault=fault):
                with self.assertRaises(Exception) as raised:
                    self.row(program, fault=fault)
                self.assertIsInstance(raised.exception, self.vpp.Wrong)
                self.assertRegex(str(raised.exception), "(?s)" + says)


if __name__ == "__main__":
    unittest.main()
