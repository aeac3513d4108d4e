# SPDX-License-Identifier: ISC
"""The clients whose commands are interrupted: 50 that send (plain, pipelined, over TLS, signed in), 20 that work on mailboxes.

Each runs until its connection goes, and begins again. All stop at the gate between rounds. That a connection ends or
a command is refused is right only from the moment of a kill until everything serves again; that an answer does not come is
never right.
"""
import base64
import contextlib
import random
import re
import socket
import threading
import time

from kill_model import SENDER, message_of, wrong_unless

FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft")
DELETED = "\\Deleted"
WAIT_SECONDS = 60  # for one answer; a busy machine is slow, a lost answer never comes


class Gone(Exception):
    """The connection ended, or a command was refused."""


class Gate:
    """Where clients wait while the daemon is looked at, and what they must put up with."""

    def __init__(self):
        self.turn = threading.Condition()
        self.open, self.end, self.waiting = False, False, 0
        self.round = 0
        self.epoch, self.calm = 0, True  # kills so far; everything serves
        self.errors = []
        self.answers = {}  # how many commands of which kind were answered
        self.moved = set()  # clients that did something in this round

    def passed(self, client):
        """Waits while the gate is closed. False: it is over."""
        with self.turn:
            if not self.open and not self.end:
                self.waiting += 1
                self.turn.notify_all()
                self.turn.wait_for(lambda: self.open or self.end)
                self.waiting -= 1
            return not self.end

    def state(self):
        with self.turn:
            return self.epoch, self.calm

    def kill(self):
        """From now on what was connected may end."""
        with self.turn:
            self.epoch, self.calm = self.epoch + 1, False

    def count(self, client, kind, number=1):
        with self.turn:
            self.answers[kind] = self.answers.get(kind, 0) + number
            self.moved.add(client)

    def let(self):
        with self.turn:
            self.open, self.calm, self.round = True, True, self.round + 1
            self.moved = set()
            self.turn.notify_all()

    def close(self, clients):
        with self.turn:
            self.open = False
            ended = self.turn.wait_for(lambda: self.waiting == clients or self.errors, WAIT_SECONDS + 30)
        assert not self.errors, self.errors
        assert ended, f"{clients - self.waiting} clients still wait for something"

    def finish(self):
        with self.turn:
            self.end = True
            self.turn.notify_all()


class Client(threading.Thread):
    pause = 0.1  # at most, after each turn: the server is to be killed, not to be measured

    def __init__(self, gate, exchange, number, seed):
        super().__init__(daemon=True)
        self.gate, self.exchange, self.number = gate, exchange, number
        self.rng = random.Random(seed)
        self.socket = self.file = None
        self.epoch, self.born_calm = -1, False  # the last kill that it has outlived, or that it began after
        self.last, self.heard = "connecting", 0  # command; lines

    def run(self):
        while self.gate.passed(self):
            epoch, calm = self.gate.state()
            try:
                if self.socket is None:
                    self.epoch, self.born_calm = epoch, calm
                    self.connect()
                heard = self.heard
                self.work()
                if calm and self.heard > heard:  # there may have been nothing to do
                    self.epoch, self.born_calm = epoch, True
                time.sleep(self.rng.random() * self.pause)
            except TimeoutError:
                self.failed("no answer came in time")
            except (Gone, OSError, EOFError) as error:
                self.close()
                if self.gate.state() == (self.epoch, True) and self.born_calm:
                    self.failed(f"nothing was killed, and after {self.last}: {error!r}")
                time.sleep(0.02 + self.rng.random() * 0.05)
            except Exception as error:  # what the daemon said wrong, and what is wrong here
                self.failed(repr(error))
        self.close()

    def failed(self, sentence):
        with self.gate.turn:
            self.gate.errors.append(f"{type(self).__name__} {self.number} in round {self.gate.round}: {sentence}")
            self.gate.turn.notify_all()

    def open(self, port, tls):
        # Each from an address of its own: one address may have 50 connections.
        bare = socket.create_connection(("127.0.0.1", self.exchange.port(port)), WAIT_SECONDS, (f"127.0.1.{self.number + 1}", 0))
        self.socket = bare
        if tls:
            self.start_tls()
        self.file = self.socket.makefile("rb")

    def start_tls(self):
        self.socket = self.exchange.context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def close(self):
        for one in (self.file, self.socket):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.close()
        self.socket = self.file = None

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Gone(f"the connection ended in {line!r}")
        self.heard += 1
        return line


# ---- SMTP ----

class Sender(Client):
    """kind: plain, pipelined, starttls, submission, submissions"""

    pause = 0.4

    def __init__(self, *args, model, kind):
        super().__init__(*args)
        self.model, self.kind = model, kind
        self.account = self.rng.choice(model.accounts).address if kind.startswith("submission") else None
        self.sent = 0
        self.ahead = None  # the letter whose envelope is on its way behind the text before

    def connect(self):
        self.ahead = None
        self.open({"submission": "submission", "submissions": "submissions"}.get(self.kind, "smtp"), self.kind == "submissions")
        self.reply(220)
        self.say("EHLO client.example.net", 250)
        if self.kind in ("starttls", "submission"):
            self.say("STARTTLS", 220)
            self.start_tls()
            self.say("EHLO client.example.net", 250)
        if self.account:
            secret = f"\0{self.account}\0{self.exchange.password(self.account)}".encode()
            self.say("AUTH PLAIN " + base64.b64encode(secret).decode(), 235)

    def reply(self, wanted):
        while (line := self.line())[3:4] == b"-":
            pass
        if line[:3] != str(wanted).encode():
            raise Gone(line)

    def say(self, words, wanted):
        self.last = words
        self.socket.sendall(words.encode() + b"\r\n")
        self.reply(wanted)

    def letter(self):
        self.sent += 1
        token = f"s{self.number}-{self.sent}"
        to = self.rng.sample(self.model.accounts, self.rng.choice((1, 1, 2, 3, 4)))
        sender = self.account or SENDER
        return token, to, [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{a.address}>" for a in to), "DATA"], message_of(token, sender)

    def work(self):
        """One letter. Pipelined, the next one's envelope follows the text at once."""
        token, to, envelope, text = self.ahead or self.letter()
        wanted = [250] * (len(envelope) - 1) + [354]
        if self.kind == "plain":
            for words, code in zip(envelope, wanted):
                self.say(words, code)
        else:
            if self.ahead is None:
                self.socket.sendall("\r\n".join(envelope).encode() + b"\r\n")
            for code in wanted:
                self.reply(code)
        entries = [account.inbox.begin(token) for account in to]
        group = self.model.group([(e, True) for e in entries])
        self.ahead = self.letter() if self.kind == "pipelined" and self.rng.random() < 0.7 else None
        after = "\r\n".join(self.ahead[2]).encode() + b"\r\n" if self.ahead else b""
        self.socket.sendall(re.sub(rb"(?m)^\.", b"..", text) + b".\r\n" + after)
        self.reply(250)
        for e in entries:
            e.answered()
        self.model.group_done(group)
        self.gate.count(self, "letters")
        self.gate.count(self, "deliveries", len(entries))


# ---- IMAP ----

class Imap:
    """What clients and the comparison share: commands and their answers. Needs self.socket and line()."""

    tag = 0

    def send(self, command):
        self.tag += 1
        self.last = command
        self.socket.sendall(f"t{self.tag} {command}\r\n".encode())

    def answer(self):
        """All lines before the tagged OK (each with its literals inside), and that line."""
        end, lines = f"t{self.tag} ".encode(), []
        while True:
            line = self.line()
            while m := re.search(rb"\{(\d+)\}\r\n$", line):
                literal = self.file.read(int(m.group(1)))
                if len(literal) != int(m.group(1)):
                    raise Gone("the connection ended in a literal")
                line += literal + self.line()
            if line.startswith(end):
                if not line.startswith(end + b"OK"):
                    raise Gone(line)
                return lines, line
            if line.startswith(b"* BYE"):
                raise Gone(line)
            lines.append(line)

    def do(self, command):
        self.send(command)
        return self.answer()

    def login(self, address):
        if not self.line().startswith(b"* OK"):
            raise Gone("no greeting")
        self.do(f'LOGIN {address} "{self.exchange.password(address)}"')


def numbers_of(text):
    """1,3:5 as a list, in that order."""
    found = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


def set_of(entries):
    return ",".join(str(e.uid) for e in sorted(entries, key=lambda e: e.uid))


class Reader(Client, Imap):
    """Works on the messages of its account's INBOX that are its own (by token), and on mailboxes that nobody else touches."""

    def __init__(self, *args, account, part, parts):
        super().__init__(*args)
        self.account, self.part, self.parts = account, part, parts
        self.serial, self.selected, self.looked = 0, None, 0
        self.mine = []

    def connect(self):
        self.selected = None
        tls = self.number % 2 == 0
        self.open("imaps" if tls else "imap", tls)
        if tls:
            self.login(self.account.address)
            return
        if not self.line().startswith(b"* OK"):
            raise Gone("no greeting")
        self.do("STARTTLS")
        self.start_tls()
        self.do(f'LOGIN {self.account.address} "{self.exchange.password(self.account.address)}"')

    # ---- what there is to work on ----

    def boxes(self):
        self.mine = [b for b in self.mine if b.there != "no" and b in self.account.boxes]
        return [b for b in self.mine if not b.loose]

    def entries(self, box, most):
        """Some of its own in that box whose state is certain."""
        own = [e for e in box.certain() if len(e.flags) == 1 and (box is not self.account.inbox or self.is_mine(e))]
        return self.rng.sample(own, min(len(own), self.rng.randint(1, most)))

    def is_mine(self, entry):
        return sum(entry.token.encode()) % self.parts == self.part

    def select(self, box):
        """What has come since was told to this session when it was asked for anything."""
        if self.selected is not box:
            self.selected = None
            lines, _ = self.do(f"SELECT {box.name}")
            box.validity(int(re.search(rb"UIDVALIDITY (\d+)", b"".join(lines)).group(1)))
            self.selected = box
        elif self.looked != self.gate.round:
            self.do("NOOP")
        self.looked = self.gate.round

    def work(self):
        boxes = self.boxes()
        if len(boxes) < 2:
            self.create()
            return
        kinds = (self.append, self.store, self.copy, self.move, self.expunge, self.create, self.rename, self.delete)
        weights = (30, 22, 12, 12, 12, 3 if len(boxes) < 5 else 0, 4, 3 if len(boxes) > 3 else 0)
        self.rng.choices(kinds, weights)[0]()

    def some_box(self):
        return self.rng.choice([self.account.inbox, *self.boxes()])

    # ---- commands ----

    def append(self):
        box = self.rng.choice(self.boxes())
        self.serial += 1
        token = f"i{self.number}-{self.serial}"
        flags = frozenset(f for f in FLAGS if self.rng.random() < 0.3)
        text = message_of(token)
        self.send(f"APPEND {box.name} ({' '.join(sorted(flags))}) {{{len(text)}}}")
        while not (line := self.line()).startswith(b"+"):
            if not line.startswith(b"* ") or line.startswith(b"* BYE"):
                raise Gone(line)
        entry = box.begin(token, flags, whole=True)
        self.socket.sendall(text + b"\r\n")
        _, line = self.answer()
        validity, uid = map(int, re.search(rb"APPENDUID (\d+) (\d+)", line).groups())
        box.validity(validity)
        entry.answered(uid)
        self.gate.count(self, "APPEND")

    def store(self, entries=None, how=None, flags=None):
        if entries is None:
            box = self.some_box()
            entries = self.entries(box, 5)
            how, flags = self.rng.choice(("", "+", "-")), frozenset(f for f in FLAGS if self.rng.random() < 0.5)
        if not entries:
            return
        box = entries[0].box
        self.select(box)
        after = {}
        for e in entries:
            (before,) = e.flags
            after[e] = flags if how == "" else before | flags if how == "+" else before - flags
            e.loose, e.flags = True, {before, after[e]}
        lines, _ = self.do(f"UID STORE {set_of(entries)} {how}FLAGS ({' '.join(sorted(flags))})")
        told = set(map(int, re.findall(rb"FETCH \(UID (\d+)", b"".join(lines))))
        wrong_unless(told >= {e.uid for e in entries}, f"{box}: STORE {set_of(entries)} told of {told} only")
        for e in entries:
            e.loose, e.flags = False, {after[e]}
        self.gate.count(self, "STORE")

    def expunge(self):
        box = self.some_box()
        entries = self.entries(box, 6 if len(box.entries) < 100 else 40)
        if not entries:
            return
        self.store(entries, "+", frozenset([DELETED]))
        for e in entries:
            e.loose, e.there = True, "maybe"
        group = self.account.model.group([(e, False) for e in entries])
        if box is self.account.inbox or any(DELETED in f for e in box.entries.values() if e not in entries for f in e.flags):
            self.do(f"UID EXPUNGE {set_of(entries)}")
        else:
            self.do("EXPUNGE")
        for e in entries:
            e.gone()
        self.account.model.group_done(group)
        self.gate.count(self, "EXPUNGE")

    def copy(self, verb="COPY"):
        source = self.some_box()
        target = self.rng.choice([b for b in self.boxes() if b is not source])
        entries = sorted((e for e in self.entries(source, 5) if not target.has(e.token)), key=lambda e: e.uid)
        if not entries:
            return
        self.select(source)
        parts, copies = [], []
        for e in entries:
            copies.append(target.begin(e.token, next(iter(e.flags)), e.whole))
            parts.append((copies[-1], True))
            if verb == "MOVE":
                e.loose, e.there = True, "maybe"
                parts.append((e, False))
        group = self.account.model.group(parts)
        lines, line = self.do(f"UID {verb} {set_of(entries)} {target.name}")
        validity, of, to = re.search(rb"COPYUID (\d+) (\S+) ([\d:,]+)", b"".join(lines) + line).groups()
        target.validity(int(validity))
        uids = dict(zip(numbers_of(of.decode()), numbers_of(to.decode())))
        wrong_unless(sorted(uids) == [e.uid for e in entries], f"{source}: {verb} {set_of(entries)} did {sorted(uids)}")
        for e, copied in zip(entries, copies):
            copied.answered(uids[e.uid])
            if verb == "MOVE":
                e.gone()
        self.account.model.group_done(group)
        self.gate.count(self, verb)

    def move(self):
        self.copy("MOVE")

    def new_name(self):
        """Now and then one that was there before."""
        taken = {n for b in self.account.boxes for n in b.names}
        return next(name for n in range(10 ** 6) if (name := f"d{self.number}-{n}") not in taken)

    def create(self):
        name = self.new_name()
        box = self.account.begin(name)
        self.mine.append(box)
        self.do(f"CREATE {name}")
        box.answered()
        self.gate.count(self, "CREATE")

    def rename(self):
        box, name = self.rng.choice(self.boxes()), self.new_name()
        box.loose, box.names = True, {box.name, name}
        self.do(f"RENAME {box.name} {name}")
        box.answered(name)
        self.gate.count(self, "RENAME")

    def delete(self):
        boxes = [b for b in self.boxes() if not any(e.loose for e in b.entries.values())]
        if not boxes:
            return
        box = self.rng.choice(boxes)
        if self.selected is box:
            self.select(self.account.inbox)
        box.loose, box.there = True, "maybe"
        self.do(f"DELETE {box.name}")
        box.there, box.loose = "no", False
        self.mine.remove(box)
        self.gate.count(self, "DELETE")
