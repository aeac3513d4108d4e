# SPDX-License-Identifier: ISC
"""A bounded flood over loopback, as a program of its own: flood.py KIND SECONDS PORT CERTIFICATE.

Every address of 127.0.0.0/8 is this machine's, so a flood can come from one address (KIND-one) or from very many. It runs
only when a processor has nothing else to do, and no faster than its rate. The last line says how often it did it.
"""
import contextlib
import os
import random
import socket
import ssl
import struct
import sys
import threading
import time

# {kind: (threads, how often a second at most)}
KINDS = {"handshakes": (4, 600), "passwords": (24, 2000), "silent": (4, 1000), "connects": (4, 3000), "nothing": (0, 1)}
HELD = 2000
RESET = struct.pack("ii", 1, 0)


class Flood:
    def __init__(self, kind, seconds, port, certificate):
        self.kind, self.port = kind, port
        self.end = time.monotonic() + seconds
        self.context = ssl.create_default_context(cafile=certificate)
        self.hello = self.client_hello()
        self.held, self.lock, self.count = [], threading.Lock(), 0

    def client_hello(self):
        outgoing = ssl.MemoryBIO()
        tls = self.context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        return outgoing.read()

    def connect(self):
        address = "127.0.0.2" if self.kind.endswith("-one") else \
            f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
        s = socket.socket()
        s.settimeout(5)
        s.bind((address, 0))
        s.connect(("127.0.0.1", self.port))
        return s

    def handshakes(self):
        """The server has made its keys and signed; it hears no more of it."""
        with self.connect() as s:
            s.sendall(self.hello)
            s.recv(4096)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def passwords(self):
        """Guesses at one account and at many that do not exist, each connection from another address."""
        with self.context.wrap_socket(self.connect(), server_hostname="localhost") as s:
            file = s.makefile("rb")
            file.readline()
            for n in range(5):
                name = "alice" if random.random() < 0.2 else f"nobody{random.randrange(10 ** 9)}"
                s.sendall(b'%d LOGIN %s@example.org "wrong %d"\r\n' % (n, name.encode(), n))
                while (line := file.readline()) and not line.startswith(b"%d " % n):
                    pass
                if not line:
                    break
                self.count += n > 0

    def silent(self):
        """Connections that are there and never say anything; the oldest makes way."""
        with self.lock:
            self.held.append(self.connect())
            if len(self.held) > HELD:
                self.held.pop(0).close()

    def connects(self):
        with self.connect() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def run(self, rate):
        work = {"handshakes": self.handshakes, "passwords": self.passwords, "silent": self.silent,
                "connects": self.connects}[self.kind.removesuffix("-one")]
        due = time.monotonic()
        while (now := time.monotonic()) < self.end:
            if now < due:
                time.sleep(due - now)
            due = max(due, now - 0.1) + 1 / rate  # what it missed while it was stopped is not made up for
            with contextlib.suppress(OSError):
                work()
                self.count += 1


def main():
    kind, seconds, port, certificate = sys.argv[1:]
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    flood = Flood(kind, float(seconds), int(port), certificate)
    threads, rate = KINDS[kind.removesuffix("-one")]
    running = [threading.Thread(target=flood.run, args=(rate / threads,), daemon=True) for _ in range(threads)]
    for t in running:
        t.start()
    for t in running:
        t.join(float(seconds) + 10)
    print(flood.count)


main()
