#!/usr/bin/env python3
"""A pcap file of UDP packets to 10.99.0.0/16 for a port of net_pcap: 7:4:1 of 64, 512 and 1420 bytes, many flows."""
import socket
import struct
import sys

PACKETS = 1024
SIZES = (64, 512, 64, 64, 512, 64, 1420, 64, 512, 64, 512, 64)
MAC = bytes.fromhex("027063617000")  # net_pcap's first device


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def packet(i):
    size = SIZES[i % len(SIZES)]
    udp = struct.pack("!HHHH", 1024 + i, 9, size - 20, 0) + bytes(size - 28)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 17, 0, socket.inet_aton("10.9.0.%d" % (1 + i % 250)),
                       socket.inet_aton("10.99.%d.%d" % (i // 250, 1 + i % 250)))
    return MAC + b"\2\0\0\0\0\1\x08\0" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def main():
    with open(sys.argv[1], "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(PACKETS):
            frame = packet(i)
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


if __name__ == "__main__":
    main()
