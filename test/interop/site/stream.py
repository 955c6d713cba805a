#!/usr/bin/env python3
"""A stream of TCP whose bytes are known: receive PORT FILE | send HOST PORT FILE. The sender goes on until it is told to stop
(TERM); then both ends write how many bytes there were, and their SHA-256. They come in bursts with a pause behind each, and
what is under way is little (BUFFER), so that no queue on the way has to lose any of it."""
import hashlib
import random
import signal
import socket
import sys
import time

BUFFER = 64 << 10
PIECE = 32 << 10
PAUSE_S = 0.003


def note(path, count, digest):
    with open(path, "w", encoding="ascii") as file:
        file.write("%d %s\n" % (count, digest.hexdigest()))


def receive(port, path):
    digest, count = hashlib.sha256(), 0
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        listener.listen()
        print("ready", flush=True)
        with listener.accept()[0] as peer:
            while piece := peer.recv(PIECE):
                digest.update(piece)
                count += len(piece)
    note(path, count, digest)


def send(host, port, path):
    digest, count, told = hashlib.sha256(), 0, []
    pieces = [random.randbytes(PIECE) for _ in range(16)]
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        peer.connect((host, port))
        while not told:
            piece = pieces[count // PIECE % len(pieces)]
            peer.sendall(piece)
            digest.update(piece)
            count += PIECE
            time.sleep(PAUSE_S)
    note(path, count, digest)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "receive":
        receive(int(rest[0]), rest[1])
    else:
        send(rest[0], int(rest[1]), rest[2])
