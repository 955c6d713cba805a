#!/usr/bin/python3
"""An independent ESP, scapy's IPsec layer, on the other side of the packet path.

What scapy encrypts we decrypt to the very bytes, what we encrypt scapy decrypts: every algorithm that it has, both
families inside and outside, random sizes, IPv4 options, IPv6 extension headers, fragments, TFC padding left out (it has
none). The ESP packets of the keyed captures (test/vectors/ike-captures) are opened by both.

    others.py PROGRAM CAPTURES      OTHERS_SEED and OTHERS_COUNT choose the packets
"""
import base64
import glob
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

try:
    from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN
    from scapy.layers.ipsec import ESP, SecurityAssociation
except ImportError as error:
    print(f"skipped: scapy is missing ({error}); apt-get install python3-scapy")
    sys.exit(77)

INTEGRITY = {  # ours: (scapy's, key bytes)
    "SHA1_HMAC": ("HMAC-SHA1-96", 20),
    "SHA256_HMAC": ("SHA2-256-128", 32),
    "SHA384_HMAC": ("SHA2-384-192", 48),
    "SHA512_HMAC": ("SHA2-512-256", 64),
    "AES_CMAC": ("AES-CMAC-96", 16),
}
AEAD = {  # ours: (scapy's, key sizes, salt)
    "AES_GCM": ("AES-GCM", (16, 24, 32), 4),
    "AES_CCM": ("AES-CCM", (16, 32), 3),
    "CHACHA20_POLY1305": ("CHACHA20-POLY1305", (32,), 4),
}
CIPHERS = {  # ours: (scapy's, key sizes, salt)
    "AES_CBC": ("AES-CBC", (16, 24, 32), 0),
    "AES_CTR": ("AES-CTR", (16, 24, 32), 4),
    "3DES_CBC": ("3DES", (24,), 0),
    "NULL": ("NULL", (0,), 0),
}


def suites():
    for name, (_, sizes, salt) in AEAD.items():
        for size in sizes:
            yield {"aead_algo": name, "key": size, "salt": salt}
    for name, (_, sizes, salt) in CIPHERS.items():
        for size in sizes:
            for integrity in INTEGRITY:
                yield {"cipher_algo": name, "auth_algo": integrity, "key": size, "salt": salt}


def payload(rng, family):
    data = rng.randbytes(rng.choice((0, 1, 2, 3, rng.randrange(64), rng.randrange(1200))))
    ports = {"sport": rng.randrange(1, 65536), "dport": rng.randrange(1, 65536)}
    # a reset: no SYN, whose segment size would be changed on its way
    kinds = [UDP(**ports) / data, TCP(flags="R", **ports) / data, data]
    if family == 4:
        kinds.append(ICMP() / data)
    return rng.choice(kinds)


def inner(rng, src4, dst4, src6, dst6):
    """A packet that the path carries unchanged but for its TTL."""
    shape = rng.randrange(8)
    if shape < 4:
        ip = IP(src=src4, dst=dst4, ttl=rng.randrange(2, 256), tos=rng.randrange(64) << 2, id=rng.randrange(65536))
        if shape == 1:
            ip.options = [IPOption(rng.choice((b"\x01" * 4, b"\x94\x04\x00\x00", b"\x07\x0b\x04" + bytes(8) + b"\x00")))]
        body = payload(rng, 4)
        if shape == 2:
            ip.flags, ip.frag, ip.proto, body = "MF", 0, 17, rng.randbytes(8 * rng.randrange(2, 100))
        if shape == 3:
            ip.frag, ip.proto, body = rng.randrange(1, 4000), 17, rng.randbytes(rng.randrange(1, 800))
        if isinstance(body, bytes) and shape < 2:
            ip.proto = 253
        return bytes(ip / body)
    ip = IPv6(src=src6, dst=dst6, hlim=rng.randrange(2, 256), tc=rng.randrange(64) << 2, fl=rng.randrange(1 << 20))
    body = payload(rng, 6)
    if isinstance(body, bytes):
        body = UDP(sport=1, dport=2) / body
    if shape == 5:
        ip = ip / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(rng.randrange(30)))])
    if shape == 6:
        ip = ip / IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]) / IPv6ExtHdrDestOpt()
    if shape == 7:
        ip = ip / IPv6ExtHdrFragment(nh=17, offset=rng.randrange(1, 4000), m=0, id=rng.randrange(1 << 32))
        body = rng.randbytes(rng.randrange(1, 800))
    return bytes(ip / body)


def association(case, outer6, **more):
    aead = AEAD.get(case.get("aead_algo"))
    key = bytes.fromhex(case["enc_key"]) + bytes.fromhex(case["salt"])
    if aead:
        return SecurityAssociation(ESP, spi=int(case["spi"], 0), crypt_algo=aead[0], crypt_key=key,
                                   esn_en=bool(case.get("esn")), **more)
    return SecurityAssociation(ESP, spi=int(case["spi"], 0), crypt_algo=CIPHERS[case["cipher_algo"]][0],
                               crypt_key=key or None, auth_algo=INTEGRITY[case["auth_algo"]][0],
                               auth_key=bytes.fromhex(case["auth_key"]), esn_en=bool(case.get("esn")), **more)


def case_of(rng, suite, number, spi):
    case = {"name": f"{number} {suite}", "proto": "ESP", "spi": f"{spi:#x}", "enc_key": rng.randbytes(suite["key"]).hex(),
            "salt": rng.randbytes(suite["salt"]).hex()}
    case.update({k: v for k, v in suite.items() if k.endswith("_algo")})
    if "auth_algo" in suite:
        case["auth_key"] = rng.randbytes(INTEGRITY[suite["auth_algo"]][1]).hex()
    # scapy leaves the high half out of an HMAC (RFC 4303 section 2.2.1): test_esp.c has that with OpenSSL
    if "aead_algo" in case and rng.randrange(2):
        case["esn"] = "1"
    return case


def sequence_of(rng, case):
    high = rng.randrange(1, 1 << 20) if case.get("esn") else 0
    return high, rng.randrange(1 << 10, 1 << 31)


def sealed_by_scapy(rng, suite, number):
    case = case_of(rng, suite, number, 0x1000 + number)
    high, low = sequence_of(rng, case)
    outer6 = bool(rng.randrange(2))
    header = IPv6(src="2001:db8:ffff::1", dst="2001:db8::1") if outer6 else IP(src="198.18.0.1", dst="192.0.2.1")
    plain = inner(rng, "10.0.1.9", "192.168.1.7", "fd10:1::9", "fd00:1::7")
    packet = IPv6(plain) if plain[0] >> 4 == 6 else IP(plain)
    sa = association(case, outer6, tunnel_header=header)
    options = {"esn": high} if case.get("esn") else {}
    outer = sa.encrypt(packet, seq_num=low, **options)
    case.update(plain_packet=plain.hex(), protected_packet=bytes(outer).hex(), after=str((high << 32) + low - 1))
    return case


def for_scapy(rng, suite, number):
    case = case_of(rng, suite, number, 0x80000001 + number)
    high, low = sequence_of(rng, case)
    case.update(plain_packet=inner(rng, "192.168.1.7", "10.0.1.9", "fd00:1::7", "fd10:1::9").hex(),
                after=str((high << 32) + low - 1), high=high)
    case.update({"outer6": "1"} if rng.randrange(2) else {})
    case.update({"udp": "1"} if rng.randrange(2) else {})
    return case


def forwarded(plain):
    """The same packet one hop on."""
    if plain[0] >> 4 == 6:
        return plain[:7] + bytes([plain[7] - 1]) + plain[8:]
    size = (plain[0] & 15) * 4
    head = plain[:8] + bytes([plain[8] - 1]) + plain[9:10] + b"\0\0" + plain[12:size]
    total = sum(struct.unpack(f"!{size // 2}H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = ~(total + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack("!H", total) + head[12:] + plain[size:]


def opened_by_scapy(case, outer):
    outer6 = outer[0] >> 4 == 6
    at = (40 if outer6 else 20) + (8 if case.get("udp") else 0)
    # plain ESP in an IPv4 header of its own: how the outer header looks is not scapy's to judge
    packet = IP(src="198.51.100.1", dst="198.51.100.2", proto=50) / ESP(outer[at:])
    sa = association(case, False, tunnel_header=IP(src="198.51.100.1", dst="198.51.100.2"))
    options = {"esn": case["high"]} if case.get("esn") else {}
    return bytes(sa.decrypt(IP(bytes(packet)), **options))


def captures(folder):
    """ESP of the keyed captures, opened by scapy: all that the index says there is."""
    cases = []
    with open(os.path.join(folder, "INDEX.json"), encoding="utf-8") as file:
        index = json.load(file)
    for row in index:
        path = os.path.join(folder, row["name"])
        with open(path + ".keys.json", encoding="utf-8") as file:
            keys = sas_of_capture(json.load(file))
        with open(path + ".pcap", "rb") as file:
            found = list(esp_of_capture(row["name"], keys, file.read()))
        if len(found) != row["esp"]:
            sys.exit(f"{row['name']}: {len(found)} ESP packets with keys, not {row['esp']}")
        cases += found
    beside = len(glob.glob(os.path.join(folder, "*.pcap")))
    if beside != len(index) or len(cases) < 88:
        sys.exit(f"{beside} captures and {len(cases)} ESP packets are not all that there are")
    return cases


def suite_of_capture(conf):
    proposal = conf.split("esp_proposals=")[1].split()[0].split("-")[0:2]
    ciphers = {"aes128": "AES_CBC", "aes256": "AES_CBC", "3des": "3DES_CBC"}
    hashes = {"sha1": "SHA1_HMAC", "sha256": "SHA256_HMAC", "sha384": "SHA384_HMAC", "sha512": "SHA512_HMAC"}
    if proposal[0] in ("aes128gcm16", "aes256gcm16"):
        return {"aead_algo": "AES_GCM", "salt": 4}
    if proposal[0] == "chacha20poly1305":
        return {"aead_algo": "CHACHA20_POLY1305", "salt": 4}
    return {"cipher_algo": ciphers[proposal[0]], "auth_algo": hashes[proposal[1]], "salt": 0}


def sas_of_capture(keys):
    """By SPI; the rows after the keys name the receiver of the initiator's and of the responder's traffic."""
    sas, current = {}, {}
    if "esp_proposals=" not in keys.get("initiator_conf", ""):
        return sas
    suite = suite_of_capture(keys["initiator_conf"])
    for row in keys["log_secrets"]["initiator"]:
        if row["item"].strip() == "ESP SA":
            side = "initiator" if row["src"] == "192.0.2.1" else "responder"
            cut = suite["salt"] and -suite["salt"]
            key = current.get(f"encryption {side} key", "")
            case = {k: v for k, v in suite.items() if k.endswith("_algo")}
            case.update(proto="ESP", spi="0x" + row["spi"], enc_key=key[: 2 * cut] if cut else key,
                        salt=key[2 * cut:] if cut else "", auth_key=current.get(f"integrity {side} key", ""))
            sas[row["spi"]] = case
        else:
            current[row["item"].strip()] = row.get("hex", "")
    return sas


def esp_of_capture(name, sas, data):
    at = 24
    while at < len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        ip, at = data[at + 16 + 14:at + 16 + size], at + 16 + size
        esp = ip[28:] if ip[9] == 17 and ip[22:24] == b"\x11\x94" else b""
        case = dict(sas.get(esp[:4].hex(), {}))
        if not case:
            continue
        number = struct.unpack("!I", esp[4:8])[0]
        plain = opened_by_scapy(case | {"udp": "1"}, ip)
        case.update(name=f"{name} {case['spi']} {number}", plain_packet=plain.hex(), protected_packet=ip.hex(),
                    after=str(number - 1))
        yield case


def run(program, arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:])
        sys.exit(1)


def write(path, cases):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"origin": "others.py", "tests": cases}, file)


def main():
    program, folder = sys.argv[1:3]
    seed = int(os.environ.get("OTHERS_SEED", "1"))
    count = int(os.environ.get("OTHERS_COUNT", "8"))
    rng = random.Random(seed)
    each = [suite for suite in suites() for _ in range(count)]
    with tempfile.TemporaryDirectory() as scratch:
        path, answer = os.path.join(scratch, "cases.json"), os.path.join(scratch, "sent")
        cases = [sealed_by_scapy(rng, suite, i) for i, suite in enumerate(each)]
        write(path, cases)
        run(program, [path])
        print(f"{len(cases)} packets of scapy opened, seed {seed}")
        cases = [for_scapy(rng, suite, i) for i, suite in enumerate(each)]
        write(path, cases)
        run(program, ["--seal", path, answer])
        with open(answer, encoding="utf-8") as file:
            for case, line in zip(cases, file, strict=True):
                got, want = opened_by_scapy(case, bytes.fromhex(line)), forwarded(bytes.fromhex(case["plain_packet"]))
                if got != want:
                    sys.exit(f"{case['name']}: scapy reads {got.hex()}, not {want.hex()}")
        print(f"{len(cases)} packets opened by scapy")
        cases = captures(folder)
        write(path, cases)
        run(program, [path])
        print(f"{len(cases)} ESP packets of captures opened")


main()
