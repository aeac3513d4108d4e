# SPDX-License-Identifier: ISC
"""Kills letterlockd, or one of its processes, with SIGKILL at random moments under 50 SMTP and 20 IMAP clients, and compares what
it had answered with what is there, as soon as it serves again (after a start by hand when the parent was killed).

  answered        there once, octet by octet, with its flags and its UID; what was expunged, moved or deleted stays gone
  not answered    there whole, or not at all; for all recipients of a letter and all messages of a command alike
  always          no UID or UIDVALIDITY is used twice, HIGHESTMODSEQ never goes back, `letterlockd verify` finds nothing

LETTERLOCK_KILL_SEED repeats a run's choices (not its timing). script/kill does many rounds.
"""
import collections
import concurrent.futures
import ctypes
import os
import random
import re
import shutil
import socket
import sqlite3
import tempfile
import time

import pytest

from conftest import Exchange
from kill_clients import DELETED, Gate, Gone, Imap, Reader, Sender
from kill_model import Model, Wrong, message_of, wrong_unless
from processes import Processes, eventually

SECONDS = float(os.environ.get("LETTERLOCK_KILL_SECONDS", "10"))
SEED = int(os.environ.get("LETTERLOCK_KILL_SEED", str(time.time_ns() % 1_000_000_000)))
ADDRESSES = [f"{name}@example.org" for name in ("alice", "bob", "carol", "dora", "emil")]
KINDS = ["plain"] * 15 + ["pipelined"] * 15 + ["starttls"] * 10 + ["submission"] * 5 + ["submissions"] * 5
READERS = 20
SETTINGS = {"fronts": "2"}
VICTIMS = ("parent", "mail", "mail", "mx", "front", "front", "starter", "auth", "web", "resolver", "relay", "keys")
BACK_SECONDS = 20  # a process that keeps ending waits 10 s at most (daemon/process_parent.h)
FULL_EVERY, VERIFY_EVERY = 25, 10  # rounds
KEPT = 60  # messages of a mailbox; what is over this after a round goes


def cheap_verifiers(exchange):
    """The passwords at the least cost that argon2 knows: a round signs in dozens of times, and is not about that."""
    hash_encoded = ctypes.CDLL("libargon2.so.1").argon2id_hash_encoded
    hash_encoded.argtypes = [ctypes.c_uint32] * 3 + [ctypes.c_char_p, ctypes.c_size_t] * 2 + \
        [ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    with sqlite3.connect(exchange.data / "store.db") as db:
        for address in ADDRESSES:
            secret, out = exchange.password(address).encode(), ctypes.create_string_buffer(128)
            assert hash_encoded(1, 8, 1, secret, len(secret), os.urandom(16), 16, 32, out, len(out)) == 0
            db.execute("UPDATE accounts SET verifier = ? WHERE account = (SELECT account FROM addresses WHERE address = ?)",
                       (out.value, address.encode()))
        assert {bytes(v)[:17] for v, in db.execute("SELECT verifier FROM accounts")} == {b"$argon2id$v=19$m="}
    db.close()


class Looker(Imap):
    """The connection through which an account is looked at."""

    def __init__(self, exchange, account):
        self.exchange, self.account = exchange, account
        bare = socket.create_connection(("127.0.0.1", exchange.port("imaps")), 60)
        self.socket = exchange.context.wrap_socket(bare, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        self.login(account.address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Gone("the connection ended")
        return line

    def names(self):
        lines, _ = self.do('LIST "" "*"')
        return [re.search(rb'"/" "?([^"\r]+)"?\r\n$', line).group(1).decode() for line in lines]

    def listing(self, box, name):
        """({uid: flags}, UIDVALIDITY, UIDNEXT), and the octets of those that were not seen yet are read."""
        while True:
            said = b"".join(self.do(f"EXAMINE {name}")[0])
            exists, validity, uidnext = (int(re.search(what, said).group(1)) for what in
                                         (rb"\* (\d+) EXISTS", rb"UIDVALIDITY (\d+)", rb"UIDNEXT (\d+)"))
            rows = re.findall(rb"FETCH \(UID (\d+) FLAGS \(([^)]*)\)", b"".join(self.do("UID FETCH 1:* (FLAGS)")[0])) if exists else []
            found = {int(uid): frozenset(flags.decode().split()) - {"\\Recent"} for uid, flags in rows}
            uids = [int(uid) for uid, _ in rows]
            wrong_unless(uids == sorted(set(uids)), f"{box}: the UIDs do not ascend: {uids}")
            if not uids or uids[-1] < uidnext:  # otherwise one came meanwhile
                break
        self.read(box, [u for u in uids if u not in box.by_uid or not box.by_uid[u].checked])
        return found, validity, uidnext

    def read(self, box, uids):
        for at in range(0, len(uids), 100):
            some = uids[at:at + 100]
            lines, _ = self.do(f"UID FETCH {','.join(map(str, some))} (BODY.PEEK[])")
            for line in lines:
                if head := re.match(rb"\* \d+ FETCH \(UID (\d+) BODY\[\] \{(\d+)\}\r\n", line):
                    box.read(int(head.group(1)), line[head.end():head.end() + int(head.group(2))], self.account.model.digests)
                    some.remove(int(head.group(1)))
            wrong_unless(not some, f"{box}: the octets of UIDs {some} did not come")

    def clear(self, box):
        """The oldest go, and must not come back."""
        entries = sorted(box.certain(), key=lambda e: e.uid)[:-KEPT]
        if len(entries) < KEPT // 2 or box.loose:
            return
        uids = ",".join(str(e.uid) for e in entries)
        self.do(f"SELECT {box.name}")
        self.do(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
        self.do(f"UID EXPUNGE {uids}")
        for e in entries:
            e.gone()


def looked_at(exchange, account):
    """(names, [(box, listing, UIDVALIDITY, UIDNEXT)])"""
    with Looker(exchange, account) as looker:
        names = looker.names()
        return names, [(box, *looker.listing(box, name)) for box, name in account.named(names, False)]


def cleared(exchange, account):
    with Looker(exchange, account) as looker:
        for box in list(account.boxes):
            if box.there == "yes" and not box.loose and len(box.entries) > KEPT:
                looker.clear(box)


class Rounds:
    settle = 10  # seconds that a command may go on which nobody waits for any more

    def __init__(self, exchange, seed, first=()):
        self.exchange, self.rng, self.first = exchange, random.Random(seed), list(first)
        exchange.context = exchange.tls()
        self.model, self.gate = Model(ADDRESSES), Gate()
        self.killed, self.back = collections.Counter(), []
        self.at_work = []
        self.pool = concurrent.futures.ThreadPoolExecutor(len(ADDRESSES))
        seeds = (self.rng.random() for _ in range(len(KINDS) + READERS))
        self.clients = [Sender(self.gate, exchange, i, next(seeds), model=self.model, kind=kind) for i, kind in enumerate(KINDS)]
        parts = READERS // len(ADDRESSES)
        self.clients += [Reader(self.gate, exchange, len(KINDS) + i, next(seeds), account=self.model.accounts[i // parts],
                                part=i % parts, parts=parts) for i in range(READERS)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.gate.finish()
        for client in self.clients:
            client.join(90)
        self.pool.shutdown()

    def each(self, work):
        return list(self.pool.map(lambda account: work(self.exchange, account), self.model.accounts))

    def modseqs(self):
        with sqlite3.connect(f"file:{self.exchange.data}/store.db?mode=ro", uri=True, timeout=30) as db:
            rows = db.execute("SELECT mailbox, modseq, uidvalidity FROM mailboxes").fetchall()
        db.close()
        self.model.modseqs_seen(rows)

    def one(self):
        self.gate.let()
        if self.rng.random() < 0.8:  # all have begun; otherwise also while they sign in
            end = time.monotonic() + 10
            while len(self.gate.moved) < len(self.clients) * 0.9 and time.monotonic() < end and not self.gate.errors:
                time.sleep(0.01)
        time.sleep(self.rng.random() * 0.4)
        self.modseqs()
        of = Processes(self.exchange)
        victim = self.first.pop(0) if self.first else self.rng.choice(VICTIMS)
        if victim != "parent" and not of.all(victim):  # without the starter there is no resolver until the parent starts anew
            victim = "parent"
        self.at_work.append(len(self.gate.moved))
        self.gate.kill()
        self.kill(of, victim)
        self.killed[victim] += 1
        self.gate.close(len(self.clients))
        self.check(final=victim in ("parent", "mail"), full=self.gate.round % FULL_EVERY == 0)
        if self.gate.round % VERIFY_EVERY == 0:
            self.verify()

    def kill(self, of, victim):
        started = time.monotonic()
        if victim == "parent":
            self.exchange.kill()
            self.exchange.start()
        else:
            pid = self.rng.choice(of.all(victim))
            of.kill(pid)
            time.sleep(self.rng.random() * 0.1)  # those that do not go through it work on
            eventually(lambda: of.complete() and len(of.all("starter")) == len(of.all("resolver")), BACK_SECONDS)
            assert self.exchange.process.poll() is None
        self.back.append(time.monotonic() - started)

    def check(self, final, full):
        for box in (b for a in self.model.accounts for b in a.boxes if full):
            for entry in box.entries.values():
                entry.checked = False
        end = time.monotonic() + self.settle
        while True:
            found = self.each(looked_at)
            present = {box.by_uid[uid] for _, boxes in found for box, listing, *_ in boxes for uid in listing}
            torn = self.model.torn(present)
            if not torn or time.monotonic() > end:
                break
            time.sleep(0.05)  # one account was looked at before the other, and a command is still under way
        wrong_unless(not torn, "done in part: " + "; ".join(
            f"{e.box} {e.token} (UID {e.uid}): {e in present}" for g in torn for e, _ in g.parts))
        for account, (names, boxes) in zip(self.model.accounts, found):
            account.named(names, final)
            for box, *seen in boxes:
                box.seen(*seen, final)
        if final:
            self.model.groups.clear()
        self.modseqs()
        self.each(cleared)

    def verify(self):
        done = self.exchange.run("verify", check=False, timeout=300)
        wrong_unless("Everything is as it must be" in done.stdout, done.stdout + done.stderr)

    def summary(self):
        back, at_work = sorted(self.back), sorted(self.at_work)
        return {"rounds": self.gate.round, "killed": dict(sorted(self.killed.items())),
                "answered": dict(sorted(self.gate.answers.items())), "at_work": at_work[len(at_work) // 2],
                "back_median": round(back[len(back) // 2], 2), "back_longest": round(back[-1], 2)}


def make_accounts(exchange):
    for address in ADDRESSES:
        exchange.account_add(address, exchange.PASSWORDS.get(address, f"the secret of {address}"))
    cheap_verifiers(exchange)


def run_rounds(exchange, seed, count, say=lambda rounds: None, end=float("inf"), first=()):
    """exchange: without accounts, not started. So many rounds; three at least, when the time is up. first: who is killed first."""
    make_accounts(exchange)
    exchange.start()
    with Rounds(exchange, seed, first) as rounds:
        while rounds.gate.round < count and (rounds.gate.round < 3 or time.monotonic() < end):
            try:
                rounds.one()
            except Exception as error:
                raise AssertionError(f"seed {seed}, round {rounds.gate.round}, {dict(rounds.killed)}: {error}") from error
            say(rounds)
        rounds.check(final=False, full=True)
        rounds.verify()
        return rounds.summary()


def test_what_was_answered_survives(fresh_exchange):
    print(f"seed {SEED}")
    exchange = fresh_exchange(SETTINGS, accounts=(), start=False)
    summary = run_rounds(exchange, SEED, 1000, end=time.monotonic() + SECONDS, first=("mail", "parent"))
    print(summary)
    assert summary["answered"]["letters"] > 100 and summary["answered"]["APPEND"] > 20


# ---- the comparison finds what is wrong ----

@pytest.fixture(scope="module")
def empty_exchange():
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    exchange = Exchange(folder, SETTINGS, accounts=())
    try:
        make_accounts(exchange)
        exchange.start()
        yield exchange
        exchange.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def emptied(exchange, account):
    with Looker(exchange, account) as looker:
        for name in looker.names():
            if name != "INBOX":
                looker.do(f"DELETE {name}")
        looker.do("SELECT INBOX")
        looker.do("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        looker.do("EXPUNGE")


def alone(exchange):
    """Rounds whose clients do not run, a sender and a reader of which are driven by hand, and letters that are there."""
    rounds = Rounds(exchange, 1)
    rounds.settle = 0
    rounds.each(emptied)
    rounds.gate.round = 1
    sender, reader = rounds.clients[0], rounds.clients[len(KINDS)]
    for client in (sender, reader):
        client.pause = 0
        client.connect()
    for _ in range(12):
        sender.work()
    for _ in range(15):
        reader.work()
    rounds.check(final=False, full=True)
    return rounds, reader


def by_hand(rounds, account, *commands):
    with Looker(rounds.exchange, account) as looker:
        for command in commands:
            looker.do(command)


def some_entry(rounds, count=1):
    box = max((a.inbox for a in rounds.model.accounts), key=lambda b: len(b.entries))
    return (box.account, *box.certain()[:count])


def lose(rounds, reader):
    account, entry = some_entry(rounds)
    by_hand(rounds, account, "SELECT INBOX", f"UID STORE {entry.uid} FLAGS (\\Deleted)", f"UID EXPUNGE {entry.uid}")
    return "was answered and is lost"


def flag(rounds, reader):
    account, entry = some_entry(rounds)
    by_hand(rounds, account, "SELECT INBOX", f"UID STORE {entry.uid} FLAGS ({DELETED} custom)")
    return "which is none of"


def twice(rounds, reader):
    account, entry = some_entry(rounds)
    by_hand(rounds, account, "SELECT INBOX", f"UID COPY {entry.uid} INBOX")
    return "is there as UID"


def back(rounds, reader):
    """Expunged for the model only."""
    _, entry = some_entry(rounds)
    entry.gone()
    return "was expunged and is back"


def half(rounds, reader):
    """Of a letter that was not answered one recipient has it."""
    account, one, other = some_entry(rounds, 2)
    by_hand(rounds, account, "SELECT INBOX", f"UID STORE {one.uid} +FLAGS (\\Deleted)", f"UID EXPUNGE {one.uid}")
    for entry in (one, other):
        entry.there = "maybe"
    rounds.model.group([(one, True), (other, True)])
    return "done in part"


def octets(rounds, reader):
    _, entry = some_entry(rounds)
    entry.token += "x"
    entry.box.entries[entry.token] = entry.box.entries.pop(entry.token[:-1])
    return "was never sent here"


def cut(rounds, reader):
    box = reader.mine[0]
    with Looker(rounds.exchange, reader.account) as looker:
        text = message_of("cut")[:-10]
        looker.send(f"APPEND {box.name} {{{len(text)}}}")
        assert looker.line().startswith(b"+")
        looker.socket.sendall(text + b"\r\n")
        looker.answer()
    box.begin("cut", whole=True)
    return "is not whole"


def new_mailbox(rounds, reader):
    """Deleted and made again under the same name."""
    name = next(b.name for b in reader.mine if b.there == "yes")
    by_hand(rounds, reader.account, f"DELETE {name}", f"CREATE {name}")
    return "UIDVALIDITY was"


def no_mailbox(rounds, reader):
    name = next(b.name for b in reader.mine if b.there == "yes")
    by_hand(rounds, reader.account, f"DELETE {name}")
    return "of the names"


def modseq(rounds, reader):
    rounds.model.modseqs[1] += 10 ** 6
    return "HIGHESTMODSEQ was"


@pytest.mark.parametrize("damage", [lose, flag, twice, back, half, octets, cut, new_mailbox, no_mailbox, modseq])
def test_what_is_wrong_is_found(empty_exchange, damage):
    rounds, reader = alone(empty_exchange)
    rounds.check(final=False, full=False)
    sentence = damage(rounds, reader)
    with pytest.raises(Wrong, match=re.escape(sentence)):
        rounds.check(final=True, full=True)
    for client in rounds.clients:
        client.close()
    rounds.pool.shutdown()
