# SPDX-License-Identifier: ISC
"""The processes of a running letterlockd, their descriptors, and what crosses between them.

    of = Processes(exchange)
    of.one("mail"), of.all("front")          process ids
    with of.link("front", "mail") as wire:    the front's own end of its socket to mail, as the front itself has it
        wire.send(frame(type, ticket, body))

A link's two ends are found by what the kernel says of each socket's peer (sock_diag), and its descriptor is copied out of
the process (pidfd_getfd); both need root, or the test is skipped.
"""
import contextlib
import ctypes
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

from conftest import build_folder

KINDS = ("front", "mx", "web", "auth", "keys", "mail")
ERROR = 0x8000
ERR_PASSWORD, ERR_DENIED, ERR_UNSUPPORTED = -8, -12, -4
# service/ask.h, store/store.h
ASK = {"authenticate": 1, "recipient": 2, "sender": 3, "keep": 4, "body_begin": 5, "body_append": 6, "body_abort": 7,
       "verifier": 8, "grant": 9, "exchange": 20, "exchange_end": 21, "salt_key": 22, "tally": 23, "delivered": 24}
# service/keys/keys.h
KEYS = {"list": 1, "certify": 2, "dkim_sign": 3, "arc_sign": 4}
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STORE = {name: int(number) for name, number in
         re.findall(r"X\((\w+), (\d+), \w+, \w+\)", (ROOT / "src" / "store" / "store.h").read_text())}
# service/queue/queue.h
QUEUE = {name: int(number) for name, number in
         re.findall(r"X\((\w+), (\d+), queue_\w+, queue_\w+\)", (ROOT / "src" / "service" / "queue" / "queue.h").read_text())}
# service/resolve.h
RESOLVE = {"lookup": 1, "route": 2, "sts": 3}
# daemon/process.h
MESSAGES = {name: number for number, name in enumerate(
    re.findall(r"^\tMESSAGE_(\w+)(?: = 1)?,", (ROOT / "src" / "daemon" / "process.h").read_text(), re.M), 1)}
# service/directory/verify.h
VERIFY = {name: int(number) for name, number in
          re.findall(r"X\((\w+), (\d+), verify_\w+, \w+\)",
                     (ROOT / "src" / "service" / "directory" / "verify.h").read_text())}
# Between which there is more than one: web asks mail's store, and who verifies addresses (daemon/process.c).
LINKS_OF = {frozenset(("web", "mail")): 2}


def to_store(wire):
    return wire.ask(STORE["address_find"])[0] != ERR_UNSUPPORTED


def to_verifier(wire):
    return not to_store(wire)


# service/status/status.h
STATUS = 0x7001
# net/trunk.h
OPEN, DATA, CREDIT, END, TLS, GONE, START_TLS, CLOSE = range(1, 9)
# service/service.h
MX, SUBMISSION, IMAP, DIRECTORY = range(1, 5)


# ---- what crosses (base/codec.h) ----

def octets(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def u64(*values):
    return struct.pack(f">{len(values)}Q", *values)


def frame(kind, ticket, body=b""):
    return struct.pack(">IHQ", 10 + len(body), kind, ticket) + body


def trunk_open(kind, connection, peer="127.0.0.1", tag="x", hello="x", unread=b""):
    """In the order of the schema."""
    values = {"kind": struct.pack(">I", kind), "connection": u64(connection), "id": u64(connection),
              "port": struct.pack(">H", 143), "can_start_tls": b"\0",
              "tls": b"\0" + octets("") + octets("") + struct.pack(">I", 0), "peer": octets(peer), "tag": octets(tag),
              "hello": octets(hello), "esmtp": b"\0", "pending": octets(""), "unread": octets(unread)}
    source = (ROOT / "src" / "net" / "trunk_io.c").read_text()
    return b"".join(values[name] for name in re.findall(r"struct trunk_open, (\w+)", source))


def authenticate(connection, address, secret, peer="127.0.0.1"):
    return u64(connection) + struct.pack(">I", 1) + octets(address) + octets(secret) + octets(peer)


class Wire:
    """One end of a link: the process's own, and not closed for the process when it is closed here."""

    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.got = b""

    def send(self, data):
        """Whole, though the process has made it non-blocking. What the other end does not want any more is lost."""
        end = time.monotonic() + 10
        while data and time.monotonic() < end:
            try:
                data = data[self.socket.send(data, socket.MSG_NOSIGNAL):]
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                return False
        return True

    def next(self, seconds=5):
        """{type, ticket, body} of what the other end says; None when it says nothing, or is gone. The process itself must
        stand still, or it would hear it first."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if len(self.got) >= 4:
                size = struct.unpack(">I", self.got[:4])[0]
                if len(self.got) >= 4 + size:
                    kind, ticket = struct.unpack(">HQ", self.got[4:14])
                    body, self.got = self.got[14:4 + size], self.got[4 + size:]
                    return kind, ticket, body
            try:
                piece = self.socket.recv(65536, socket.MSG_DONTWAIT)
                if not piece:
                    return None
                self.got += piece
            except BlockingIOError:
                time.sleep(0.005)
            except OSError:
                return None
        return None

    def ask(self, method, body=b"", ticket=1 << 40):
        """The answer to a call: (None, body) or (error code, sentence)."""
        self.send(frame(method, ticket, body))
        while answer := self.next():
            if answer[1] == ticket:
                if answer[0] == method:
                    return None, answer[2]
                assert answer[0] == method | ERROR
                return struct.unpack(">q", answer[2][:8])[0], answer[2][20:].decode()
        return "no answer", ""

    def close(self):
        self.socket.close()


# ---- who is there ----

def unix_peers():
    """{inode: inode of the other end} of every connected unix socket: NETLINK_SOCK_DIAG, UDIAG_SHOW_PEER."""
    found = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as s:
        request = struct.pack("=BBHIII8s", socket.AF_UNIX, 0, 0, 0xffffffff, 0, 4, b"\xff" * 8)
        s.send(struct.pack("=IHHII", 16 + len(request), 20, 0x301, 1, 0) + request)
        while True:
            data = s.recv(1 << 16)
            at = 0
            while at < len(data):
                size, kind = struct.unpack_from("=IH", data, at)
                if kind == 3:
                    return found
                if kind == 2:
                    pytest.skip("the kernel does not tell who is connected with whom")
                inode, field = struct.unpack_from("=I", data, at + 20)[0], at + 32
                while field < at + size:
                    length, what = struct.unpack_from("=HH", data, field)
                    if what == 2:
                        found[inode] = struct.unpack_from("=I", data, field + 4)[0]
                    field += length + 3 & ~3
                at += size + 3 & ~3


def sockets_of(pid):
    """{inode: descriptor}"""
    found = {}
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                m = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
                if m:
                    found[int(m.group(1))] = int(fd)
    return found


def copied(pid, fd):
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        got = libc.syscall(438, pidfd, fd, 0)
    finally:
        os.close(pidfd)
    if got < 0:
        pytest.skip(f"a descriptor of process {pid} cannot be had: {os.strerror(ctypes.get_errno())}")
    return got


def alive(pid):
    try:
        return "State:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def status_field(pid, name):
    return re.search(rf"^{name}:\s*(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1)


def eventually(what, seconds=30):
    """Until it is true; its value."""
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:
        time.sleep(0.05)
    assert value, f"still not after {seconds} s: {what}"
    return value


class Processes:
    def __init__(self, exchange):
        self.exchange = exchange

    @property
    def parent(self):
        return self.exchange.process.pid

    def table(self):
        """[(kind, pid)] of the children, and of the starter's, in the order of their start."""
        rows = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            with contextlib.suppress(OSError):
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
                words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
                if stat[0] != "Z" and words[0].startswith(b"letterlockd: "):
                    rows[int(entry)] = (int(stat[1]), int(stat[19]), words[2].decode())
        ours = {pid for pid, (parent, *_) in rows.items() if parent == self.parent}
        ours |= {pid for pid, (parent, *_) in rows.items() if parent in ours}
        return [(rows[pid][2], pid) for pid in sorted(ours, key=lambda pid: (rows[pid][1], pid))]

    def workers(self):
        """All but the starter, which is root to make its own children others."""
        return [row for row in self.table() if row[0] != "starter"]

    def all(self, kind):
        return [pid for k, pid in self.table() if k == kind]

    def one(self, kind):
        return self.parent if kind == "parent" else self.all(kind)[0]

    def everyone(self):
        return [self.parent, *(pid for _, pid in self.table())]

    def complete(self):
        """All children are there, linked, and clients are served. Waits."""
        kinds = [k for k, _ in self.table()]
        return (all(k in kinds for k in KINDS) and kinds.count("front") == self.fronts
                and kinds.count("starter") == kinds.count("resolver") == kinds.count("relay") and all(self.served()))

    fronts = os.cpu_count()

    def served(self):
        yield self.asks("smtp", b"NOOP\r\nQUIT\r\n", b"250 ")
        yield self.asks("hkp", b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200")
        for _ in range(3):
            yield self.asks("imap", b"a NOOP\r\nb LOGOUT\r\n", b"a OK")
        yield self.signs_in()

    def asks(self, port, words, wanted):
        with contextlib.suppress(OSError):
            with self.exchange.connect(port, timeout=5) as s:
                s.sendall(words)
                got = b""
                while piece := s.recv(4096):
                    got += piece
                return wanted in got
        return False

    def signs_in(self):
        with contextlib.suppress(OSError):
            with self.exchange.connect("imaps", tls=True, timeout=10) as s:
                s.sendall(b'a LOGIN %s "%s"\r\nb LOGOUT\r\n' % (self.exchange.ALICE.encode(),
                                                             self.exchange.password(self.exchange.ALICE).encode()))
                got = b""
                while piece := s.recv(4096):
                    got += piece
                return b"\r\na OK" in got
        return False

    # ---- descriptors ----

    def link_numbers(self, pid, other):
        """The descriptors of the sockets between two processes. With pid's own numbers of them, not the other's."""
        found, wanted = [], LINKS_OF.get(frozenset(k for k, p in [("parent", self.parent), *self.table()]
                                                   if p in (pid, other)), 1)

        def look():
            mine, theirs, peers = sockets_of(pid), sockets_of(other), unix_peers()
            found[:] = [fd for inode, fd in mine.items() if peers.get(inode) in theirs]
            return len(found) == wanted

        # What the kernel lists while sockets come and go may lack some; and who was started anew is linked a moment later.
        try:
            eventually(look, 20)
        except AssertionError:
            raise AssertionError(f"{len(found)} links of {pid} with {other}; {len(unix_peers())} sockets are listed, "
                                 f"{len(sockets_of(pid))} and {len(sockets_of(other))} are theirs") from None
        return found

    @contextlib.contextmanager
    def link(self, pid, other, tell=None):
        """tell: whether a wire is the one that is meant, where two processes have more than one. It asks: pid stands still
        then, and has all its links. Without it any of them."""
        wires = [Wire(copied(pid, number)) for number in self.link_numbers(pid, other)]
        wire = next(w for w in wires if tell is None or tell(w))
        for unwanted in wires:
            if unwanted is not wire:
                unwanted.close()
        try:
            yield wire
        finally:
            wire.close()

    def front_of(self, client):
        """Which process has the other end of a client's TCP socket."""
        mine, theirs = client.getsockname()[1], client.getpeername()[1]
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if int(words[1].split(":")[1], 16) == theirs and int(words[2].split(":")[1], 16) == mine:
                for kind, pid in self.table():
                    if int(words[9]) in sockets_of(pid):
                        return pid
        return None

    # ---- what is done to them ----

    def kill(self, pid, number=signal.SIGKILL):
        os.kill(pid, number)
        if number == signal.SIGKILL:
            eventually(lambda: not alive(pid), 5)

    @contextlib.contextmanager
    def standing_still(self, *pids):
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            eventually(lambda p=pid: status_field(p, "State").startswith("T"), 5)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def inject(pid, *words, options=()):
    """What the system says to that process (tests/e2e/inject.c): a number, or words."""
    program = build_folder() / "tests" / "e2e" / "inject"
    if not program.exists():
        pytest.skip("no inject: the build was made without tests")
    done = subprocess.run([program, *options, str(pid), *map(str, words)], capture_output=True, text=True, timeout=30,
                          check=False)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
