#!/usr/bin/env python3
"""usage: bfd_gaps.py SENT.pcap ARRIVED.pcap SOURCE DESTINATION

Of BFD's packets between two addresses, as two captures without link headers saw them by the same clock: how many were sent
and arrived, and the longest pauses of the sender and of the receiver while the session was up, with the time of day at
which each began; `expired` is when the sender itself gave the other end up (RFC 5880, diagnostic 1), not told by it, `expired_at`
the same in seconds since 1970. Whose pause it was that brought a session down is seen in that. A JSON object. Exit: 0, 1 when
there is no packet."""
import json
import socket
import struct
import sys
import time

BFD = (3784, 4784)  # one hop, several
UP = 3
EXPIRED = 1


def packets(path, source, destination):
    """(time, state, diagnostic) of what was captured from source to destination."""
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1e9 if struct.unpack(order + "I", data[:4])[0] == 0xA1B23C4D else 1e6
    at, found = 24, []
    while at + 16 <= len(data):
        second, part, length, _ = struct.unpack(order + "IIII", data[at : at + 16])
        ip = data[at + 16 : at + 16 + length]
        at += 16 + length
        if len(ip) < 20 or ip[0] >> 4 != 4 or ip[9] != socket.IPPROTO_UDP:
            continue
        udp = ip[(ip[0] & 15) * 4 :]
        if len(udp) >= 10 and struct.unpack(">H", udp[2:4])[0] in BFD and ip[12:16] == source and ip[16:20] == destination:
            found.append((second + part / unit, udp[9] >> 6, udp[8] & 31))
    return found


def clock(when):
    return time.strftime("%H:%M:%S", time.gmtime(when)) + f"{when % 1:.3f}"[1:]


def longest(found, count=4):
    """Pauses that began while the session was up."""
    pauses = sorted(((b[0] - a[0], a[0]) for a, b in zip(found, found[1:]) if a[1] == UP), reverse=True)
    return [[round(pause * 1000), clock(began)] for pause, began in pauses[:count]]


def main():
    source, destination = socket.inet_aton(sys.argv[3]), socket.inet_aton(sys.argv[4])
    sent = packets(sys.argv[1], source, destination)
    arrived = packets(sys.argv[2], source, destination)
    if not sent or not arrived:
        print(f"bfd_gaps: no packet from {sys.argv[3]} to {sys.argv[4]}", file=sys.stderr)
        return 1
    expired = [b[0] for a, b in zip(sent, sent[1:]) if a[1] == UP and b[1] != UP and b[2] == EXPIRED]
    print(json.dumps({"from": sys.argv[3], "to": sys.argv[4], "sent": len(sent), "arrived": len(arrived),
                      "sender_pauses_ms": longest(sent), "receiver_pauses_ms": longest(arrived), "expired": [clock(when) for when in expired],
                      "expired_at": [round(when, 3) for when in expired]}))
    return 0


sys.exit(main())
