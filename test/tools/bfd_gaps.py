#!/usr/bin/env python3
"""usage: bfd_gaps.py SENT.pcap ARRIVED.pcap SOURCE DESTINATION

Of BFD's packets between two addresses, as two captures without link headers saw them by the same clock: how many were sent
and arrived, the longest pause of the sender, the longest pause of the receiver, and how long a packet was on its way at
most. Whose pause it was that brought a session down is seen in that. A JSON object; times in ms, with the second of the day
at which each began. Exit: 0, 1 when there is no packet."""
import json
import socket
import struct
import sys

BFD = (3784, 4784)  # one hop, several


def packets(path, source, destination):
    """Times at which packets from source to destination were captured."""
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1e9 if struct.unpack(order + "I", data[:4])[0] == 0xA1B23C4D else 1e6
    at, times = 24, []
    while at + 16 <= len(data):
        second, part, length, _ = struct.unpack(order + "IIII", data[at : at + 16])
        ip = data[at + 16 : at + 16 + length]
        at += 16 + length
        if len(ip) < 28 or ip[0] >> 4 != 4 or ip[9] != socket.IPPROTO_UDP:
            continue
        port = struct.unpack(">H", ip[(ip[0] & 15) * 4 + 2 : (ip[0] & 15) * 4 + 4])[0]
        if port in BFD and ip[12:16] == source and ip[16:20] == destination:
            times.append(second + part / unit)
    return times


def longest(times):
    pauses = [(b - a, a) for a, b in zip(times, times[1:])]
    pause, began = max(pauses, default=(0, 0))
    return round(pause * 1000, 1), round(began % 86400, 3)


def on_the_way(sent, arrived):
    """Each arrival belongs to the first packet sent before it that none before it belonged to; lost ones are skipped
    when a later packet was sent before the arrival and more were lost than arrive."""
    most, began, lost, at = 0, 0, len(sent) - len(arrived), 0
    for time in arrived:
        while lost > 0 and at + 1 < len(sent) and sent[at + 1] <= time and time - sent[at] > 0.2:
            at, lost = at + 1, lost - 1
        if at < len(sent) and time - sent[at] > most:
            most, began = time - sent[at], sent[at]
        at += 1
    return round(most * 1000, 1), round(began % 86400, 3)


def main():
    source, destination = socket.inet_aton(sys.argv[3]), socket.inet_aton(sys.argv[4])
    sent = packets(sys.argv[1], source, destination)
    arrived = packets(sys.argv[2], source, destination)
    if not sent or not arrived:
        print(f"bfd_gaps: no packet from {sys.argv[3]} to {sys.argv[4]}", file=sys.stderr)
        return 1
    answer = {"from": sys.argv[3], "to": sys.argv[4], "sent": len(sent), "arrived": len(arrived)}
    answer["sender_pause_ms"], answer["sender_at"] = longest(sent)
    answer["receiver_pause_ms"], answer["receiver_at"] = longest(arrived)
    answer["way_ms"], answer["way_at"] = on_the_way(sent, arrived)
    print(json.dumps(answer))
    return 0


sys.exit(main())
