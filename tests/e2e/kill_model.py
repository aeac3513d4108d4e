# SPDX-License-Identifier: ISC
"""What must be there after a kill: kept beside the load, compared with what IMAP says.

A message in a mailbox is an Entry. What its last answered command left is certain; a command that was begun and not answered
leaves several possibilities, and nobody touches the entry until they are settled: when the process that has the store was
killed since (what it had not done then is never done), or when what was asked for can be seen. What one command did
together is a Group: all of it is there or none.
"""
import hashlib
import random
import re
import threading

LINES = (b"..", b".", b"", b"a line of a text that says little", b"\tindented", b"=3D, From here on, 8bit: \xc3\xa4")
SIZES = (200, 3000, 20_000, 20_000, 70_000)
LARGE = (263_000, 600_000)  # over 256 KiB: a file of its own
SENDER = "sender@example.net"


class Wrong(AssertionError):
    """A promise that was not kept."""


def wrong_unless(kept, sentence):
    if not kept:
        raise Wrong(sentence)


def message_of(token, sender=SENDER):
    """All octets of the message of a token."""
    rng = random.Random(token)
    size = rng.choice(LARGE if rng.random() < 0.04 else SIZES)
    block = hashlib.sha256(token.encode()).hexdigest().encode() + b"\r\n" + b"\r\n".join(LINES) + b"\r\n"
    head = (f"X-Token: {token}\r\nFrom: <{sender}>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{token}@x>\r\n"
            "Subject: kill\r\n\r\n")
    return head.encode() + (block * (size // len(block) + 1))[:size - 2].rstrip(b"\r\n") + b"\r\n"


class Entry:
    def __init__(self, box, token, flags, whole):
        self.box, self.token, self.whole = box, token, whole  # whole: the message has nothing in front
        self.uid = None
        self.there = "maybe"  # yes, maybe, no
        self.flags = {flags}  # the possible ones
        self.checked = False  # its octets were compared
        self.loose = True     # a command is under way, or was not answered

    def answered(self, uid=None):
        self.there, self.loose = "yes", False
        if uid is not None:
            self.box.used(uid, self)

    def gone(self):
        self.there, self.loose = "no", False


class Group:
    """[(entry, whether it is there when the command was done)]"""

    def __init__(self, parts):
        self.parts = parts


class Box:
    def __init__(self, account, name):
        self.account, self.name, self.names = account, name, {name}
        self.there = "maybe"
        self.loose = True
        self.entries, self.by_uid = {}, {}
        self.gone_tokens, self.used_uids = set(), set()
        self.uidvalidity, self.uidnext = None, 1
        self.lock = threading.Lock()

    def answered(self, name=None):
        self.there, self.loose = "yes", False
        if name is not None:
            self.name, self.names = name, {name}

    def begin(self, token, flags=frozenset(), whole=False):
        with self.lock:
            entry = self.entries[token] = Entry(self, token, flags, whole)
            self.gone_tokens.discard(token)
        return entry

    def has(self, token):
        with self.lock:
            return token in self.entries

    def used(self, uid, entry):
        wrong_unless(uid not in self.used_uids, f"{self}: UID {uid} is used again, for {entry.token}")
        wrong_unless(uid >= self.uidnext, f"{self}: UID {uid} for {entry.token} is below UIDNEXT {self.uidnext}")
        self.used_uids.add(uid)
        self.by_uid[uid] = entry
        entry.uid = uid

    def validity(self, number):
        if self.uidvalidity is None:
            wrong_unless(number not in self.account.uidvalidities, f"{self}: UIDVALIDITY {number} was another mailbox's")
            self.account.uidvalidities.add(number)
            self.uidvalidity = number
        wrong_unless(number == self.uidvalidity, f"{self}: UIDVALIDITY was {self.uidvalidity} and is {number}")

    def certain(self):
        with self.lock:
            return [e for e in self.entries.values() if e.there == "yes" and not e.loose and e.uid]

    def __str__(self):
        return f"{self.account.address} {self.name}"

    # ---- the comparison ----

    def seen(self, listing, uidvalidity, uidnext, final):
        """listing: {uid: flags}, of which all unknown ones were given to read()."""
        self.validity(uidvalidity)
        wrong_unless(uidnext >= self.uidnext and uidnext > max(self.used_uids, default=0),
                     f"{self}: UIDNEXT is {uidnext} after {self.uidnext}, {max(self.used_uids, default=0)} was used")
        self.uidnext = uidnext
        for uid, flags in listing.items():
            entry = self.by_uid[uid]
            wrong_unless(entry.there != "no", f"{self}: {entry.token} (UID {uid}) was expunged and is back")
            wrong_unless(flags in entry.flags, f"{self}: {entry.token} has {set(flags)}, which is none of {entry.flags}")
        for entry in list(self.entries.values()):
            here = entry.uid in listing
            wrong_unless(here or entry.there != "yes", f"{self}: {entry.token} (UID {entry.uid}) was answered and is lost")
            if final and here:
                entry.answered()
                entry.flags = {listing[entry.uid]}
            elif final or entry.there == "no":
                self.forget(entry)

    def forget(self, entry):
        with self.lock:
            del self.entries[entry.token]
        self.by_uid.pop(entry.uid, None)
        self.gone_tokens.add(entry.token)

    def read(self, uid, raw, digests):
        """The octets of one whose octets were not compared yet, or are compared again."""
        found = re.search(rb"^X-Token: (\S+)\r$", raw, re.M)
        wrong_unless(found, f"{self}: UID {uid} is no message of ours: {raw[:200]}")
        token = found.group(1).decode()
        entry = self.entries.get(token)
        wrong_unless(entry, f"{self}: {token} (UID {uid}) {'is back' if token in self.gone_tokens else 'was never sent here'}")
        wrong_unless(entry.uid in (None, uid), f"{self}: {token} is there as UID {uid} and was UID {entry.uid}")
        if entry.uid is None:
            self.used(uid, entry)
        wanted = message_of(token, re.search(rb"^From: <(.*)>\r$", raw, re.M).group(1).decode())
        front = raw[:-len(wanted)]
        wrong_unless(raw.endswith(wanted), f"{self}: {token} is not whole: {len(raw)} octets, {len(wanted)} were sent")
        wrong_unless(not front if entry.whole else front.startswith(b"Return-Path: <"), f"{self}: {token} begins with {front!r}")
        digest = hashlib.sha256(raw).digest()
        wrong_unless(digests.setdefault(token, digest) == digest, f"{self}: {token} has other octets than elsewhere or before")
        entry.checked = True


class Account:
    def __init__(self, model, address):
        self.model, self.address = model, address
        self.boxes = []
        self.uidvalidities = set()
        self.lock = threading.Lock()
        self.inbox = self.begin("INBOX")
        self.inbox.answered()

    def begin(self, name):
        box = Box(self, name)
        with self.lock:
            self.boxes.append(box)
        return box

    def named(self, names, final):
        """names: all that LIST says. [(box, its name)] of those that are there."""
        left, found = set(names), []
        for box in list(self.boxes):
            here = box.names & left
            wrong_unless(len(here) == 1 or (not here and box.there != "yes"),
                         f"{box}: of the names {box.names} there are {here} ({box.there})")
            wrong_unless(not here or box.there != "no", f"{box} was deleted and is back")
            left -= here
            if here:
                found.append((box, next(iter(here))))
            if final and here:
                box.answered(next(iter(here)))
            elif final or box.there == "no":
                self.boxes.remove(box)
        wrong_unless(not left, f"{self.address}: nobody made the mailboxes {left}")
        return found


class Model:
    def __init__(self, addresses):
        self.accounts = [Account(self, a) for a in addresses]
        self.groups, self.lock = [], threading.Lock()
        self.digests = {}
        self.modseqs = {}
        self.uidvalidity_of = {}

    def group(self, parts):
        with self.lock:
            self.groups.append(Group(parts))
            return self.groups[-1]

    def group_done(self, group):
        with self.lock:
            self.groups.remove(group)

    def torn(self, present):
        """The groups of which only some is there. present: the entries that are."""
        return [g for g in self.groups if len({(e in present) == there for e, there in g.parts}) > 1]

    def modseqs_seen(self, rows):
        """rows: (mailbox number, highest mod-sequence, UIDVALIDITY) at one moment."""
        for mailbox, modseq, uidvalidity in rows:
            wrong_unless(modseq >= self.modseqs.get(mailbox, 0),
                         f"mailbox {mailbox}: HIGHESTMODSEQ was {self.modseqs.get(mailbox)} and is {modseq}")
            self.modseqs[mailbox] = modseq
            wrong_unless(self.uidvalidity_of.setdefault(mailbox, uidvalidity) == uidvalidity,
                         f"mailbox {mailbox}: UIDVALIDITY is {uidvalidity} and was {self.uidvalidity_of[mailbox]}")
