# SPDX-License-Identifier: ISC
"""Kills letterlockd, or one of its processes, with SIGKILL at random moments under load by smtplib and imaplib, and compares
what it had answered with what is there: after a start by hand when all were killed, otherwise as soon as it serves again.

  answered with 250 or OK     there once, octet by octet, with the same UID; an expunged message stays gone
  not answered                there whole and once, or not at all

LETTERLOCK_KILL_SECONDS says for how long (default 15), LETTERLOCK_KILL_SEED repeats a run's choices (not its timing).
"""
import hashlib
import imaplib
import os
import random
import re
import smtplib
import threading
import time

from processes import Processes, eventually

SECONDS = float(os.environ.get("LETTERLOCK_KILL_SECONDS", "15"))
SEED = int(os.environ.get("LETTERLOCK_KILL_SEED", str(time.time_ns() % 1_000_000_000)))
FLAGS = [r"\Seen", r"\Answered", r"\Flagged", r"\Draft"]
VICTIMS = ("parent", "parent", "mail", "mail", "mx", "front", "auth", "web")
GONE = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error)


def body_of(token):
    """What the message of a token holds after its header: given by the token alone."""
    r = random.Random(token)
    size = r.choice([200, 3000, 20_000, 20_000, 70_000, 600_000])
    line = hashlib.sha256(token.encode()).hexdigest().encode() + b"\r\n"
    return (line * (size // len(line) + 1))[: size - 2] + b"\r\n"


def message_of(token):
    return b"X-Token: " + token.encode() + b"\r\nSubject: kill\r\n\r\n" + body_of(token)


class Message:
    def __init__(self, token):
        self.token = token
        self.there = "maybe"    # until answered: yes; an expunge that began: maybe; answered: no
        self.flags = None       # what it has, when that is certain
        self.flags_begun = None
        self.uid = None         # as first seen


class Mailbox:
    """What is known about one mailbox. One writer for each kind of change, so the lock is only for the table."""

    def __init__(self, address, name):
        self.address, self.name = address, name
        self.messages = {}
        self.lock = threading.Lock()
        self.uidvalidity = None
        self.highest_uid = 0

    def begin(self, token):
        with self.lock:
            return self.messages.setdefault(token, Message(token))

    def known(self):
        with self.lock:
            return [m for m in self.messages.values() if m.there == "yes" and m.uid]


class Load:
    """Threads that work until the daemon goes away under them."""

    def __init__(self, exchange, inboxes, works, rng, number):
        self.exchange, self.inboxes, self.works, self.rng = exchange, inboxes, works, rng
        self.number = number
        self.stop = threading.Event()
        self.killed = threading.Event()
        self.answered = 0
        self.errors = []
        self.threads = [threading.Thread(target=self.run, args=(self.smtp, i, rng.random())) for i in range(3)]
        self.threads += [threading.Thread(target=self.run, args=(self.imap, w, rng.random())) for w in works]
        for t in self.threads:
            t.start()

    def kill(self, victim):
        self.killed.set()
        if victim == "parent":
            self.exchange.kill()
            return
        of = Processes(self.exchange)
        of.kill(self.rng.choice(of.all(victim)))
        time.sleep(self.rng.random() * 0.3)  # those that did not go through it work on

    def run(self, work, *args):
        try:
            work(*args)
        except Exception as error:
            # The daemon being gone is what this is about; anything before, or of another kind, is wrong.
            if not self.killed.is_set() or not isinstance(error, GONE):
                self.errors.append(f"{work.__name__}: {error!r}")

    def join(self):
        self.stop.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive(), "a client hangs though the daemon is gone"
        assert not self.errors, self.errors

    def smtp(self, i, seed):
        rng, n = random.Random(seed), 0
        server = smtplib.SMTP("localhost", self.exchange.port("smtp"), timeout=30)
        server.ehlo("client.example.net")
        while not self.stop.is_set():
            token = f"s{self.number}-{i}-{n}"
            n += 1
            to = [b for b in self.inboxes if rng.random() < 0.6] or [self.inboxes[0]]
            mine = [b.begin(token) for b in to]
            refused = server.sendmail("sender@example.net", [b.address for b in to], message_of(token))
            assert not refused or self.killed.is_set(), refused
            for b, m in zip(to, mine):
                m.there = m.there if b.address in refused else "yes"
            self.answered += len(mine) - len(refused)

    def imap(self, box, seed):
        rng, n = random.Random(seed), 0
        imap = imaplib.IMAP4_SSL("localhost", self.exchange.port("imaps"), ssl_context=self.exchange.tls(), timeout=30)
        imap.login(box.address, self.exchange.password(box.address))
        assert imap.select(box.name)[0] == "OK"
        while not self.stop.is_set():
            known = box.known()
            if not known or rng.random() < 0.5:
                self.append(imap, box, f"i{self.number}-{box.name}-{n}")
                n += 1
            elif rng.random() < 0.6:
                self.flag(imap, rng.choice(known), rng)
            else:
                self.expunge(imap, box, rng.choice(known))
            self.answered += 1

    @staticmethod
    def append(imap, box, token):
        m = box.begin(token)
        m.flags_begun = frozenset()
        assert imap.append(box.name, None, None, message_of(token))[0] == "OK"
        m.there, m.flags = "yes", frozenset()

    @staticmethod
    def flag(imap, m, rng):
        wanted = frozenset(f for f in FLAGS if rng.random() < 0.5)
        m.flags_begun = wanted
        assert imap.uid("STORE", str(m.uid), "FLAGS", f"({' '.join(sorted(wanted))})")[0] == "OK"
        m.flags = wanted

    @staticmethod
    def expunge(imap, box, m):
        m.flags = None
        m.there = "maybe"
        # With it go those that a kill left with the flag.
        going = [m] + [x for x in box.messages.values() if x.there == "maybe" and x.flags and r"\Deleted" in x.flags]
        assert imap.uid("STORE", str(m.uid), "+FLAGS", r"(\Deleted)")[0] == "OK"
        assert imap.expunge()[0] == "OK"
        for x in going:
            x.there = "no"


def rows_of(imap):
    """(uid, flags, octets) of every message in the selected mailbox."""
    status, data = imap.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")
    assert status == "OK"
    for part in data:
        if isinstance(part, tuple):
            head = part[0].decode()
            flags = re.search(r"FLAGS \(([^)]*)\)", head).group(1).split()
            yield int(re.search(r"UID (\d+)", head).group(1)), frozenset(flags) - {r"\Recent"}, part[1]


def check_message(box, m, uid, flags, raw):
    assert raw.endswith(message_of(m.token)), f"{box.name}: {m.token} is not whole"
    assert m.there != "no", f"{box.name}: {m.token} was expunged and is back"
    assert m.uid in (None, uid), f"{box.name}: {m.token} had UID {m.uid} and has {uid}"
    if m.uid is None:
        assert uid > box.highest_uid, f"{box.name}: UID {uid} was used before"
    if m.flags is not None:
        assert flags in (m.flags, m.flags_begun), f"{box.name}: {m.token} has {flags}, not {m.flags} or {m.flags_begun}"
    m.uid, m.there, m.flags = uid, "maybe" if r"\Deleted" in flags else "yes", flags


def check_mailbox(exchange, box):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60) as imap:
        imap.login(box.address, exchange.password(box.address))
        assert imap.select(box.name)[0] == "OK"
        uidvalidity = int(imap.response("UIDVALIDITY")[1][0])
        assert box.uidvalidity in (None, uidvalidity)
        box.uidvalidity = uidvalidity
        seen, highest, last = set(), box.highest_uid, 0
        for uid, flags, raw in rows_of(imap):
            token = re.search(rb"X-Token: (\S+)\r\n", raw).group(1).decode()
            assert uid > last, "UIDs must ascend"
            assert token not in seen, f"{box.name}: {token} is there twice"
            seen.add(token)
            check_message(box, box.messages[token], uid, flags, raw)
            highest, last = max(highest, uid), uid
        box.highest_uid = highest
        for m in box.messages.values():
            assert m.token in seen or m.there != "yes", f"{box.name}: {m.token} was answered and is lost (flags {m.flags}, begun {m.flags_begun})"
            if m.token not in seen:
                m.there = "no"
        return imap_clear(imap, box) if len(seen) > 60 else 0


def imap_clear(imap, box):
    """Everything goes, and must not come back."""
    assert imap.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"
    assert imap.expunge()[0] == "OK"
    for m in box.messages.values():
        m.there = "no"
    return 1


def test_what_was_answered_survives(fresh_exchange):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    exchange = fresh_exchange()
    inboxes = [Mailbox(exchange.ALICE, "INBOX"), Mailbox(exchange.BOB, "INBOX")]
    works = [Mailbox(exchange.ALICE, "work"), Mailbox(exchange.BOB, "work")]
    for box in works:
        with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
            imap.login(box.address, exchange.password(box.address))
            assert imap.create(box.name)[0] == "OK"
    end, rounds, answered, killed = time.monotonic() + SECONDS, 0, 0, []
    while rounds < 3 or time.monotonic() < end:
        load = Load(exchange, inboxes, works, rng, rounds)
        time.sleep(0.3 + rng.random())
        victim = rng.choice(VICTIMS)
        load.kill(victim)
        load.join()
        if victim == "parent":
            exchange.start()
        else:
            assert exchange.process.poll() is None
            eventually(Processes(exchange).signs_in, 30)
        killed.append(victim)
        for box in inboxes + works:
            check_mailbox(exchange, box)
        rounds += 1
        answered += load.answered
    assert "Everything is as it must be" in exchange.run("verify").stdout
    print(f"{rounds} rounds ({' '.join(killed)}), {answered} answers kept")
    assert answered > 0
