#!/usr/bin/env python3
"""scripts/setup on a made-up /sys and /proc: what it says is missing, and which NICs it takes."""
import os
import subprocess
import tempfile
import unittest

SETUP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scripts", "setup")
VF, MLX = "0000:3b:02.0", "0000:5e:00.0"
CPU = "processor\t: 0\nflags\t\t: sse4_2 aes{}\n\nprocessor\t: 1\nflags\t\t: sse4_2 aes{}\n"


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.write("proc/cpuinfo", CPU.format(" vaes avx512f", " vaes avx512f"))
        self.write("proc/self/ns/net")
        self.write("dev/net/tun")
        self.write("proc/net/route", "Iface\tDestination\n")
        self.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0")
        for driver in ("iavf", "mlx5_core", "vfio-pci"):
            self.write(f"sys/bus/pci/drivers/{driver}/unbind")
        self.write("sys/bus/pci/drivers_probe")
        self.device(VF, "iavf", "ens2")
        self.device(MLX, "mlx5_core", "ens3")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text=""):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="ascii") as file:
            file.write(text)

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="ascii") as file:
            return file.read()

    def device(self, address, driver, interface):
        folder = f"sys/bus/pci/devices/{address}"
        self.write(f"{folder}/class", "0x020000\n")
        self.write(f"{folder}/iommu_group")
        self.write(f"{folder}/driver_override")
        self.write(f"{folder}/net/{interface}/mtu", "1500")
        os.symlink(f"../../drivers/{driver}", os.path.join(self.root, folder, "driver"))

    def run_setup(self, *words):
        out = subprocess.run([SETUP, *words], env=dict(os.environ, SETUP_ROOT=self.root),
                             capture_output=True, text=True)
        return out.returncode, out.stdout + out.stderr

    def test_usage(self):
        for words in (["--what"], ["--for"], ["--for", "fun"], ["--hugepages", "many"]):
            code, text = self.run_setup(*words)
            self.assertEqual(code, 2, text)
            self.assertEqual(text.count("\n"), 1, text)
        self.assertEqual(self.run_setup("--help")[0], 0)

    def test_check_names_what_is_missing_and_why(self):
        self.write("proc/cpuinfo", "processor\t: 0\nflags\t\t: sse4_2\n")
        code, text = self.run_setup("--check", "--for", "run")
        self.assertEqual(code, 1)
        self.assertIn("missing  AES-NI\n         why: ipsec-mb needs it", text)
        self.assertIn("advice   a second CPU", text)
        self.assertIn("advice   hugepages", text)
        self.assertIn(f"NIC      {VF} driver iavf ens2", text)

    def test_check_of_a_nic(self):
        self.assertIn(f"missing  {VF} is bound to iavf", self.run_setup("--check", "--bind", VF)[1])
        self.assertIn(f"good     {MLX} is ready", self.run_setup("--check", "--bind", MLX)[1])
        code, text = self.run_setup("--check", "--bind", "0000:00:1f.0")
        self.assertEqual(code, 1)
        self.assertIn("missing  PCI device 0000:00:1f.0", text)

    def test_bind(self):
        code, text = self.run_setup("--bind", VF)
        self.assertEqual(code, 0, text)
        self.assertEqual(self.read(f"sys/bus/pci/devices/{VF}/driver_override"), "vfio-pci")
        self.assertEqual(self.read("sys/bus/pci/drivers/iavf/unbind"), VF)
        self.assertEqual(self.read("sys/bus/pci/drivers_probe"), VF)

    def test_bind_with_the_rest(self):
        code, text = self.run_setup("--for", "build", "--hugepages", "64", "--bind", VF)
        self.assertEqual(code, 0, text)
        self.assertEqual(self.read("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"), "64")
        self.assertEqual(self.read("sys/bus/pci/drivers_probe"), VF)

    def test_bind_alone_leaves_memory(self):
        code, text = self.run_setup("--bind", VF)
        self.assertEqual(code, 0, text)
        self.assertEqual(self.read("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"), "0")

    def test_bifurcated_driver_is_left(self):
        code, text = self.run_setup("--bind", MLX)
        self.assertEqual(code, 0, text)
        self.assertIn("nothing to bind", text)
        self.assertEqual(self.read("sys/bus/pci/drivers/mlx5_core/unbind"), "")

    def test_the_way_in_is_not_taken(self):
        self.write("proc/net/route", "Iface\tDestination\nens2\t00000000\t0101010A\n")
        code, text = self.run_setup("--bind", VF)
        self.assertEqual(code, 1)
        self.assertIn("ens2 on 0000:3b:02.0 carries the default route", text)
        self.assertEqual(self.read("sys/bus/pci/drivers/iavf/unbind"), "")

    def test_no_iommu(self):
        os.unlink(os.path.join(self.root, f"sys/bus/pci/devices/{VF}/iommu_group"))
        code, text = self.run_setup("--bind", VF)
        self.assertEqual(code, 1)
        self.assertIn("no IOMMU", text)

    def test_addresses_that_are_none(self):
        for address in ("ens2", "0000:00:1f.0", "../../etc"):
            code, text = self.run_setup("--bind", address)
            self.assertEqual(code, 1)
            self.assertIn(address, text)

    def test_unbind(self):
        code, text = self.run_setup("--unbind", VF)
        self.assertEqual(code, 1)
        self.assertIn("is not bound to vfio-pci", text)


if __name__ == "__main__":
    unittest.main()
