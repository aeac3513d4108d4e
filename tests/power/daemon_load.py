# SPDX-License-Identifier: ISC
"""Loads a whole letterlockd that runs above the recorder, and writes what its clients were answered to the recorder's log
as marks (ledger.h). A mark comes after the answer, so it never promises too much."""
import imaplib
import os
import random
import re
import smtplib
import struct
import threading
import time
import zlib

MARK = 12
FLAGS = {r"\Seen": 1, r"\Answered": 2, r"\Flagged": 4, r"\Deleted": 8, r"\Draft": 16}
NAMES = ["p", "q", "r"]


class Marks:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        self.lock = threading.Lock()
        self.last = 0

    def __call__(self, *words):
        text = " ".join(map(str, words)).encode()
        os.write(self.fd, struct.pack("<IIIIQQQ", MARK, 0, len(text), 0, 0, 0, 0) + text)

    def number(self):
        with self.lock:
            self.last += 1
            return self.last

    def close(self):
        os.close(self.fd)


def message(token, rng):
    size = rng.choice([200, 3000] * 8 + [20_000] * 3 + [300_000])
    line = b"%016x" % rng.getrandbits(64) * 4 + b"\r\n"
    content = line * (size // len(line))
    return b"X-Token: %d %d %d\r\n\r\n" % (token, len(content), zlib.crc32(content)) + content


class Load:
    def __init__(self, exchange, log, seed):
        self.exchange, self.mark = exchange, Marks(log)
        self.rng = random.Random(seed)
        self.over = threading.Event()
        self.wrong = []

    def connect(self, address):
        imap = imaplib.IMAP4_SSL("localhost", self.exchange.port("imaps"), ssl_context=self.exchange.tls(), timeout=60)
        imap.login(address, self.exchange.password(address))
        return imap

    def run(self, seconds):
        people = (self.exchange.ALICE, self.exchange.BOB)
        for address in people:
            with self.connect(address) as imap:
                assert imap.create("work")[0] == "OK"
                for name in ("INBOX", "work"):
                    assert imap.select(name)[0] == "OK"
                    self.mark("box", f"{address}:{name}", imap.response("UIDVALIDITY")[1][0].decode())
        works = [(self.smtp, people, self.rng.random()) for _ in range(4)]
        works += [(self.imap, address, self.rng.random()) for address in people]
        works += [(self.names, address, self.rng.random()) for address in people]
        threads = [threading.Thread(target=self.guarded, args=work) for work in works]
        for t in threads:
            t.start()
        time.sleep(seconds)
        self.over.set()
        for t in threads:
            t.join()
        self.mark.close()
        assert not self.wrong, self.wrong

    def guarded(self, work, *args):
        try:
            work(*args)
        except Exception as error:
            self.wrong.append(f"{work.__name__}: {error!r}")

    def smtp(self, people, seed):
        rng = random.Random(seed)
        with smtplib.SMTP("localhost", self.exchange.port("smtp"), timeout=60) as server:
            while not self.over.is_set():
                token, group = self.mark.number(), self.mark.number()
                to = [a for a in people if rng.random() < 0.7] or [people[0]]
                for a in to:
                    self.mark("try", group, f"{a}:INBOX", token, 0)
                assert not server.sendmail("sender@example.net", to, message(token, rng))
                self.mark("done", group)

    def imap(self, address, seed):
        rng, box, known = random.Random(seed), f"{address}:work", {}
        with self.connect(address) as imap:
            assert imap.select("work")[0] == "OK"
            while not self.over.is_set():
                if not known or rng.random() < 0.5:
                    self.append(imap, box, known, rng)
                elif rng.random() < 0.6:
                    self.flag(imap, box, *rng.choice(list(known.items())), sorted(FLAGS)[: rng.randrange(5)])
                else:
                    token, uid = rng.choice(list(known.items()))
                    del known[token]
                    self.flag(imap, box, token, uid, [r"\Deleted"])
                    self.mark("expunge", box, token)
                    assert imap.uid("EXPUNGE", str(uid))[0] == "OK"
                    self.mark("expunged", box, token, 0)

    def append(self, imap, box, known, rng):
        token, group = self.mark.number(), self.mark.number()
        self.mark("try", group, box, token, 0)
        status, data = imap.append("work", None, None, message(token, rng))
        assert status == "OK", data
        known[token] = int(re.search(rb"APPENDUID \d+ (\d+)", data[0]).group(1))
        self.mark("got", box, token, known[token], 0)
        self.mark("done", group)

    def flag(self, imap, box, token, uid, flags):
        bits = sum(FLAGS[one] for one in flags)
        self.mark("flag", box, token, bits)
        assert imap.uid("STORE", str(uid), "FLAGS.SILENT", f"({' '.join(flags)})")[0] == "OK"
        self.mark("flagged", box, token, bits, 0)

    def names(self, address, seed):
        rng, there = random.Random(seed), set()
        with self.connect(address) as imap:
            while not self.over.is_set():
                name = rng.choice(NAMES)
                if name in there:
                    self.mark("drop", address, name)
                    assert imap.delete(name)[0] == "OK"
                    self.mark("dropped", address, name)
                else:
                    self.mark("make", address, name)
                    assert imap.create(name)[0] == "OK"
                    self.mark("made", address, name, 0)
                there ^= {name}
                time.sleep(rng.random() * 0.05)


def check_running(exchange):
    """letterlockd starts on a disk that a power cut left, and every message can be read."""
    read = 0
    for address in (exchange.ALICE, exchange.BOB):
        with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60) as imap:
            imap.login(address, exchange.password(address))
            assert imap.select("INBOX")[0] == "OK"
            status, data = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
            assert status == "OK"
            for text in (part[1] for part in data if isinstance(part, tuple)):
                _, length, crc = re.search(rb"X-Token: (\d+) (\d+) (\d+)\r\n", text).groups()
                assert zlib.crc32(text[len(text) - int(length):]) == int(crc), "a message is not whole"
                read += 1
    with smtplib.SMTP("localhost", exchange.port("smtp"), timeout=60) as server:
        assert not server.sendmail("sender@example.net", [exchange.ALICE], b"Subject: on we go\r\n\r\n")
    return read
