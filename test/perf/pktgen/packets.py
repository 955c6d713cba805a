#!/usr/bin/python3
"""Packets of `scripts/bench pktgen`: makes a file of clear ones, and opens with OpenSSL what became of them.

    packets.py make FILE COUNT [SIZE]
    packets.py seal CLEAR SEALED ALGORITHM KEY INTEGRITY-KEY SPI...
    packets.py count FILE...
    packets.py check CLEAR ALGORITHM KEY INTEGRITY-KEY SEALED...
    packets.py opened CLEAR OPENED...

check: each clear packet must be in exactly one of the sealed ones, byte for byte as a router passes it on, and nothing else.
seal: the answers to these packets as a peer sends them, SPI in turn. opened: they must all be in what was opened.
"""
import hashlib
import hmac
import os
import random
import socket
import struct
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

MAC = bytes.fromhex("000102030401")
SIZES = (64, 512, 1420)
ESP = 50


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def ip_header(size, ttl, source, destination):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, ttl, 17, 0, source, destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:]


def clear_packet(i, size=0):
    size = size or SIZES[i % len(SIZES)]
    udp = struct.pack("!HHHH", 1024 + i, 9, size - 20, 0) + os.urandom(size - 28)
    return ip_header(size, 64, socket.inet_aton("10.254.0.%d" % (1 + i % 250)),
                     socket.inet_aton("10.253.%d.%d" % (random.randrange(4), 1 + i % 250))) + udp


def forwarded(packet):
    return ip_header(len(packet), packet[8] - 1, packet[12:16], packet[16:20]) + packet[20:]


def write(name, packets):
    with open(name, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for packet in packets:
            frame = MAC + b"\2\0\0\0\0\1\x08\0" + packet
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def read(name):
    """The IPv4 packets of a pcap file, without padding behind them."""
    with open(name, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        n = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + n]
        at += 16 + n
        if frame[12:14] == b"\x08\x00":
            yield frame[14:14 + struct.unpack("!H", frame[16:18])[0]]


def text_of(esp, algorithm, key, integrity_key, extended):
    """What an ESP packet has inside; raises when it does not hold. Of an extended number the high half is 0 here."""
    high = bytes(4) if extended else b""
    aad = esp[:4] + high + esp[4:8]
    if algorithm == "aes-256-cbc-sha256":
        made = hmac.new(integrity_key, esp[:-16] + high, hashlib.sha256).digest()[:16]
        if made != esp[-16:]:
            raise ValueError("the ICV does not hold")
        opener = Cipher(algorithms.AES(key), modes.CBC(esp[8:24])).decryptor()
        return opener.update(esp[24:-16]) + opener.finalize()
    kind = ChaCha20Poly1305 if algorithm == "chacha20-poly1305" else AESGCM
    return kind(key[:-4]).decrypt(key[-4:] + esp[8:16], esp[16:], aad)


def inner_of(packet, *how):
    if packet[9] != ESP:
        raise ValueError("a packet left in clear, protocol %d" % packet[9])
    text = text_of(packet[20:], *how)
    padding, next_header = text[-2], text[-1]
    if next_header != 4 or text[-2 - padding:-2] != bytes(range(1, padding + 1)):
        raise ValueError("padding or next header is wrong")
    return text[:-2 - padding]


def answer(packet):
    """What comes back: addresses and ports the other way round."""
    return (ip_header(len(packet), 64, packet[16:20], packet[12:16]) + packet[22:24] + packet[20:22] + packet[24:])


def sealed_text(head, text, algorithm, key, integrity_key, extended):
    high = bytes(4) if extended else b""
    aad = head[:4] + high + head[4:]
    if algorithm == "aes-256-cbc-sha256":
        vector = os.urandom(16)
        sealer = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
        esp = head + vector + sealer.update(text) + sealer.finalize()
        return esp + hmac.new(integrity_key, esp + high, hashlib.sha256).digest()[:16]
    kind = ChaCha20Poly1305 if algorithm == "chacha20-poly1305" else AESGCM
    vector = head[4:].rjust(8, b"\0")
    return head + vector + kind(key[:-4]).encrypt(key[-4:] + vector, text, aad)


def sealed_packet(i, packet, algorithm, key, integrity_key, spis, extended):
    inner = answer(packet)
    block = 16 if algorithm == "aes-256-cbc-sha256" else 4
    padding = -(len(inner) + 2) % block
    text = inner + bytes(range(1, padding + 1)) + bytes([padding, 4])
    turn = i % len(spis)
    head = struct.pack("!II", int(spis[turn], 0), i // len(spis) + 1)
    esp = sealed_text(head, text, algorithm, key, integrity_key, extended)
    outer = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(esp), 0, 0, 64, ESP, 0, socket.inet_aton("198.51.100.%d" % (turn + 1)),
                        socket.inet_aton("10.7.%d.1" % (turn + 1)))
    return outer[:10] + struct.pack("!H", checksum(outer)) + outer[12:] + esp


def seal(clear, sealed, algorithm, key, integrity_key, *spis, extended=True):
    how = (algorithm, bytes.fromhex(key), bytes.fromhex(integrity_key), spis, extended)
    write(sealed, [sealed_packet(i, packet, *how) for i, packet in enumerate(read(clear))])


def opened(clear, *names):
    wanted = [forwarded(answer(packet)) for packet in read(clear)]
    for name in names:
        for packet in read(name):
            if packet not in wanted:
                raise ValueError("a packet that was not sent, or came twice")
            wanted.remove(packet)
    if wanted:
        raise ValueError("%d packets did not come" % len(wanted))


def check(clear, algorithm, key, integrity_key, *sealed, onward=forwarded, extended=True):
    wanted = [onward(packet) for packet in read(clear)]
    how = (algorithm, bytes.fromhex(key), bytes.fromhex(integrity_key), extended)
    for name in sealed:
        for packet in read(name):
            inner = inner_of(packet, *how)
            if inner not in wanted:
                raise ValueError("a packet that was not sent, or came twice")
            wanted.remove(inner)
    if wanted:
        raise ValueError("%d packets did not come" % len(wanted))


def main():
    if sys.argv[1] == "make":
        write(sys.argv[2], [clear_packet(i, int((sys.argv + ["0"])[4])) for i in range(int(sys.argv[3]))])
        return
    if sys.argv[1] == "count":
        print(sum(1 for name in sys.argv[2:] for _ in read(name)))
        return
    try:
        {"check": check, "seal": seal, "opened": opened}[sys.argv[1]](*sys.argv[2:])
    except Exception as error:  # InvalidTag has no text of its own
        sys.exit("packets.py: %s: %s" % (type(error).__name__, error))


if __name__ == "__main__":
    main()
