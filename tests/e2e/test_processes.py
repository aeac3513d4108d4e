# SPDX-License-Identifier: ISC
"""The running processes: what each may do, what it may say to which other, and what ends when one of them does.

tests/unit/os/test_sandbox.c has the whole matrix of system calls, tests/unit/service/test_permit.c that of the messages;
here the processes themselves are made to try."""
import base64
import contextlib
import errno
import imaplib
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import struct
import tempfile
import time

import pytest

from conftest import Exchange
from processes import (ASK, CREDIT, DATA, ERR_DENIED, ERR_UNSUPPORTED, IMAP, KEYS, KINDS, MESSAGES, MX, OPEN, QUEUE, RESOLVE, START_TLS, STATUS, STORE,
                       SUBMISSION, TLS, CLOSE, Processes, Wire, alive, authenticate, copied, eventually, frame, inject,
                       VERIFY, octets, sockets_of, status_field, to_store, to_verifier, trunk_open, u64)

# Numbers of x86_64.
(OPEN_FILE, MMAP, MPROTECT, SOCKET, CONNECT, BIND, LISTEN, CLONE, FORK, VFORK, EXECVE, KILL, UNLINK, CHMOD, PTRACE,
 SETUID, PRCTL, CHROOT, TGKILL, OPENAT, UNSHARE, SECCOMP, PIDFD_OPEN, CLONE3, SENDTO) = (
    2, 9, 10, 41, 42, 49, 50, 56, 57, 58, 59, 62, 87, 90, 101, 105, 157, 161, 234, 257, 272, 317, 434, 435, 44)
EVERYONE = ("parent", *KINDS)
FRONTS = {"fronts": "2", "connections_peer": "500"}


@pytest.fixture(scope="module")
def accounts():
    """A data folder with the accounts: passwords are slow to set."""
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    yield Exchange(folder).data
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def of(fresh_exchange, accounts):
    """A server with two fronts, and its processes."""
    exchange = fresh_exchange(FRONTS, accounts=(), start=False)
    shutil.copytree(accounts, exchange.data)
    made = Processes(exchange.start())
    made.fronts = 2
    return made


def address_of(port):
    return f"%0200{port:04x}7f0000010000000000000000"


# ---- what the system refuses ----

def attempts(of, pid, port, folder):
    """{attempt: words for inject}, with what an intruder has: numbers, addresses, and the descriptors that are there."""
    other = next(p for p in of.everyone() if p != pid)
    return {
        "open a file": (OPENAT, -100, f"@{folder}/file", os.O_RDONLY),
        "open a file, the old call": (OPEN_FILE, f"@{folder}/file", os.O_RDONLY),
        "open a file beside the configuration": (OPENAT, -100, f"@{of.exchange.config}", os.O_RDWR),
        "make a file": (OPENAT, -100, f"@{folder}/made", os.O_WRONLY | os.O_CREAT, 0o600),
        "remove a file": (UNLINK, f"@{folder}/file"),
        "change a file's mode": (CHMOD, f"@{folder}/file", 0o777),
        "make a socket": (SOCKET, socket.AF_INET, socket.SOCK_STREAM, 0),
        "make a unix socket": (SOCKET, socket.AF_UNIX, socket.SOCK_STREAM, 0),
        "make a netlink socket": (SOCKET, socket.AF_NETLINK, socket.SOCK_RAW, 0),
        "connect": (CONNECT, 3, address_of(port), 16),
        "send somewhere": (SENDTO, 3, "%00", 1, 0, address_of(port), 16),
        "bind": (BIND, 3, address_of(0), 16),
        "listen": (LISTEN, 3, 5),
        "kill another": (KILL, other, 0),
        "kill another's thread": (TGKILL, other, other, 0),
        "reach another": (PIDFD_OPEN, other, 0),
        "fork": (FORK,),
        "vfork": (VFORK,),
        "clone": (CLONE, signal.SIGCHLD, 0, 0, 0, 0),
        "clone, the new call": (CLONE3, "%" + "00" * 64, 64),
        "become root": (SETUID, 0),
        "change root": (CHROOT, "@/"),
        "make a namespace": (UNSHARE, 0x10000000),
        "be dumpable": (PRCTL, 4, 1, 0, 0, 0),
        "make memory executable": (MMAP, 0, 4096, 7, 0x22, -1, 0),
        "change its filter": (SECCOMP, 1, 0, "%" + "00" * 16),
    }


REFUSED = {str(-errno.EPERM), str(-errno.EACCES), str(-errno.ENOSYS)}
# What each is granted of the above, as far as the system gives it; all else is refused.
PARENT_MAY = {"open a file", "open a file, the old call", "open a file beside the configuration", "make a file",
              "remove a file", "change a file's mode", "make a socket", "make a unix socket", "bind", "listen",
              "kill another", "kill another's thread", "reach another", "fork", "vfork", "clone", "become root",
              "change root", "be dumpable", "make memory executable", "change its filter", "send somewhere"}


@pytest.mark.parametrize("kind", EVERYONE)
def test_what_is_not_granted_is_refused(of, tmp_path, kind):
    """Files, connections, processes, and what leads to more of them. The file, the port and the other process are there."""
    folder = tmp_path
    folder.chmod(0o777)
    file = folder / "file"
    file.write_text("octets")
    file.chmod(0o666)
    pid = of.one(kind)
    before = of.everyone()
    got = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for name, words in attempts(of, pid, listener.getsockname()[1], folder).items():
            if kind == "parent" and name in PARENT_MAY:
                continue
            got[name] = inject(pid, *words)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    let_through = {name: result for name, result in got.items() if result not in REFUSED}
    assert not let_through, f"{kind}: {let_through}"
    assert len(got) >= 4
    assert file.read_text() == "octets" and file.stat().st_mode & 0o777 == 0o666 and not (folder / "made").exists()
    assert of.everyone() == before
    assert of.complete()


@pytest.mark.parametrize("kind", KINDS)
def test_what_only_an_intruder_does_ends_the_process(of, kind):
    """execve and ptrace: the child ends with SIGSYS, is started again, and nobody else has noticed."""
    for call in ((EXECVE, "@/bin/true", 0, 0), (PTRACE, 16, of.parent, 0, 0)):
        pid = of.one(kind)
        others = set(of.everyone()) - {pid}
        assert inject(pid, *call) == "killed SIGSYS"
        eventually(of.complete)
        assert others < set(of.everyone()) and pid not in of.everyone()
    assert "signal=31" in of.exchange.log()


def test_the_parent_executes_its_own_program_only(of):
    assert inject(of.parent, EXECVE, "@/bin/true", 0, 0) == str(-errno.EACCES)
    assert of.complete()
    children = [pid for _, pid in of.table()]
    process = of.exchange.process
    assert inject(of.parent, PTRACE, 16, children[0], 0, 0) == "killed SIGSYS"
    process.wait()
    eventually(lambda: not any(map(alive, children)), 2)
    (of.exchange.data / "ports.json").unlink(missing_ok=True)
    of.exchange.process = None


def test_a_file_of_the_data_folder_is_mails_alone(of):
    """The control for the refusals above: a granted call goes through the same instrument."""
    for kind in KINDS:
        got = inject(of.one(kind), OPENAT, -100, f"@{of.exchange.data}/lock", os.O_RDONLY)
        assert (int(got) > 0) if kind == "mail" else got == str(-errno.EPERM)


def test_other_threads_are_in_the_sandbox_too(of):
    for kind in KINDS:
        pid = of.one(kind)
        threads = [t for t in os.listdir(f"/proc/{pid}/task") if int(t) != pid]
        assert threads
        for thread in threads:
            assert inject(pid, SOCKET, 2, 1, 0, options=["--thread", thread]) == str(-errno.EPERM)


def test_what_the_kernel_says_of_each(of):
    """Its name; filters, no new privileges, no capabilities; no descriptor but its own sockets, the log, and mail's files."""
    for kind, pid in of.table():
        assert pathlib.Path(f"/proc/{pid}/comm").read_text() == "letterlockd\n"
        assert status_field(pid, "Seccomp") == "2" and status_field(pid, "NoNewPrivs") == "1"
        if kind != "mail":
            with contextlib.suppress(OSError):
                files = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
                named = {f for f in files if f.startswith("/") and not f.startswith("/dev/null")}
                assert named == {str(of.exchange.log_path)}, f"{kind}: {named}"


# ---- what may be asked of whom ----

PERMITTED = {
    ("front", "auth"): {"authenticate", "exchange", "exchange_end"},
    ("web", "auth"): {"authenticate"},
    ("auth", "mail"): {"verifier", "salt_key", "grant"},
    ("mx", "resolver"): {"lookup"},
    ("mail", "resolver"): {"lookup"},
    ("mail", "keys"): {"list", "certify", "dkim_sign", "arc_sign"},
    ("mx", "mail"): {"recipient", "keep", "body_begin", "body_append", "body_abort", "tally", "delivered"},
    ("relay", "mail"): set(QUEUE),
    ("relay", "resolver"): {"route", "sts"},
    ("web", "mail"): {"address_find", "domain_list", "certificate_find", "certificate_look", "certificate_count",
                      "certificate_bucket", "certificate_names", "directory_changes", "certificate_put",
                      "certificate_publish", "certificate_unpublish"},
    ("web", "mail's verifier"): {"request", "look", "confirm", "unpublish"},
}
CALLS = {"mail": ASK, "auth": ASK, "resolver": RESOLVE, "keys": KEYS, "mail's verifier": VERIFY}


@pytest.mark.parametrize("asking,asked", PERMITTED)
def test_every_call_over_every_link(of, asking, asked):
    """As the process itself would ask: over its own socket. Permitted ones are recognised by another answer than DENIED."""
    methods = STORE if (asking, asked) == ("web", "mail") else QUEUE if asking == "relay" and asked == "mail" else CALLS[asked]
    tell = None if asking != "web" or asked == "auth" else to_store if asked == "mail" else to_verifier
    eventually(of.complete, 30)
    pid, far, got = of.one(asking), of.one(asked.split("'")[0]), {}
    # The links are looked for while the process runs: one that stands still takes none that the parent has for it.
    of.link_numbers(pid, far)
    with of.standing_still(pid), of.link(pid, far, tell) as wire:
        for name, number in methods.items():
            got[name] = wire.ask(number, ticket=(1 << 40) + number)[0]
        assert wire.ask(999)[0] == ERR_UNSUPPORTED
    assert {name for name, code in got.items() if code != ERR_DENIED} == PERMITTED[asking, asked], got
    assert of.complete()


def test_every_call_over_the_control_socket(of):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(of.exchange.data / "control.sock"))
        wire = Wire(s.detach())
    got = {name: wire.ask(number, ticket=number)[0] for name, number in {**STORE, "status": STATUS}.items()}
    wire.close()
    assert {name for name, code in got.items() if code != ERR_DENIED} == {
        "account_create", "account_remove", "account_set_verifier", "account_rename", "account_get", "account_list",
        "address_add", "address_remove", "address_find", "address_resolve", "alias_add", "alias_remove", "alias_list",
        "domain_add", "domain_remove", "domain_list", "certificate_put", "certificate_publish",
        "certificate_find", "certificate_count", "certificate_unpublish", "certificate_remove", "meta_get", "meta_put",
        "info", "verify",
        "queue_list", "queue_get", "queue_change", "queue_domains", "queue_log", "queue_totals",
        "status", "credential_add", "credential_remove", "credential_list",
        "hold",  # backup
        "mailbox_list", "mailbox_get", "mailbox_create", "subscribe", "message_list", "append",  # import, export
        "body_begin", "body_append", "body_abort", "body_read"}


def mails(exchange, address=None):
    """The subjects in an inbox."""
    address = address or exchange.ALICE
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=30) as imap:
        imap.login(address, exchange.password(address))
        assert imap.select("INBOX", readonly=True)[0] == "OK"
        data = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (Subject)])")[1]
    return [re.search(rb"Subject: (.*)\r\n", part[1]).group(1).decode() for part in data if isinstance(part, tuple)]


def send(exchange, subject, to=None):
    with smtplib.SMTP("localhost", exchange.port("smtp"), timeout=30) as server:
        server.ehlo("client.example.net")
        assert server.sendmail("carol@example.net", [to or exchange.ALICE],
                               f"Subject: {subject}\r\n\r\nx\r\n".encode()) == {}


def account_number(of, address):
    """What the control socket, which may, says of an account."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(of.exchange.data / "control.sock"))
        wire = Wire(s.detach())
    code, body = wire.ask(STORE["account_get"], u64(0) + octets(address))
    wire.close()
    assert code is None, body
    return struct.unpack(">Q", body[:8])[0]


def test_what_is_not_permitted_changes_nothing(of):
    """Whole, well-formed calls for which another process would be answered."""
    exchange = of.exchange
    alice, bob = account_number(of, exchange.ALICE), account_number(of, exchange.BOB)
    front, auth, mail, mx, web = map(of.one, ("front", "auth", "mail", "mx", "web"))
    send(exchange, "before")
    with of.standing_still(front), of.link(front, auth) as wire:
        assert wire.ask(ASK["verifier"], octets(exchange.ALICE))[0] == ERR_DENIED
        assert wire.ask(ASK["grant"], u64(1, 1, alice))[0] == ERR_DENIED
        assert wire.ask(STORE["deliver"], octets("x"))[0] in (ERR_DENIED, ERR_UNSUPPORTED)
    with of.standing_still(mx), of.link(mx, mail) as wire:
        assert wire.ask(ASK["grant"], u64(1, 1, alice))[0] == ERR_DENIED
        assert wire.ask(ASK["verifier"], octets(exchange.ALICE))[0] == ERR_DENIED
        assert wire.ask(ASK["authenticate"], authenticate(1, exchange.ALICE, "x"))[0] == ERR_DENIED
        assert wire.ask(STORE["certificate_put"])[0] in (ERR_DENIED, ERR_UNSUPPORTED)
    of.link_numbers(web, mail)
    with of.standing_still(web), of.link(web, mail, to_store) as wire:
        assert wire.ask(STORE["account_get"], u64(0) + octets(exchange.ALICE))[0] == ERR_DENIED
        assert wire.ask(STORE["account_set_verifier"], u64(alice) + octets(""))[0] == ERR_DENIED
        assert wire.ask(STORE["account_remove"], u64(alice))[0] == ERR_DENIED
        assert wire.ask(STORE["mailbox_list"], u64(alice))[0] == ERR_DENIED
        message = octets(b"Subject: forged\r\n\r\nx\r\n")
        content = u64(0) + message + struct.pack(">I", 19) + octets("")
        assert wire.ask(STORE["deliver"], content + u64(0) + octets("") +
                        struct.pack(">I", 1) + u64(alice, 1))[0] == ERR_DENIED
        # It may publish what nobody owns; for an account only who has just signed in there, which it cannot say itself.
        head = octets(b"\xaa" * 20) + struct.pack(">I", 4)
        tail = u64(1, 1) + struct.pack(">II", 0, 0) + octets("x") + u64(0)
        waiting = struct.pack(">I", 10000)
        publish = octets(b"\xaa" * 20) + octets(exchange.BOB)
        # And that anybody may publish is the operator's to say; so is who verified what.
        for method, said in (("certificate_put", head + u64(bob) + tail + b"\0" + waiting),
                             ("certificate_put", head + u64(0) + tail + b"\1" + waiting),
                             ("certificate_publish", publish + struct.pack(">I", 3) + u64(0)),
                             ("certificate_publish", publish + struct.pack(">I", 1) + u64(bob)),
                             ("certificate_unpublish", publish + struct.pack(">I", 0) + u64(0))):
            code, text = wire.ask(STORE[method], said)
            assert code == ERR_DENIED and "signed in" in text, (method, code, text)
    with of.standing_still(auth), of.link(auth, mail) as wire:
        assert wire.ask(ASK["keep"])[0] == ERR_DENIED
    assert of.complete()
    send(exchange, "after")
    assert mails(exchange) == ["before", "after"]


# ---- whose is the connection ----

def claim(of, front, ticket, connection, kind=IMAP, words=b"a CAPABILITY\r\n"):
    """What mail says to a front that opens this connection: {types}, octets."""
    said, data = set(), b""
    with of.link(front, of.one("mail")) as wire:
        wire.send(frame(OPEN, ticket, trunk_open(kind, connection, unread=words)))
        while CLOSE not in said and (answer := wire.next(2)):
            if answer[1] == ticket:
                said.add(answer[0])
                data += answer[2] if answer[0] == DATA else b""
            if b"a OK" in data:
                break
    return said, data


def test_a_forged_claim_is_refused(of):
    """A front names a connection, never an account; mail takes it when auth has spoken for this front's connection, once."""
    exchange = of.exchange
    one, two = of.all("front")
    ticket = iter(range(1 << 50, 1 << 51))
    connection = 1 << 52
    with of.standing_still(one, two):
        for kind in (IMAP, SUBMISSION):
            said, data = claim(of, one, next(ticket), connection, kind)
            assert CLOSE in said and not data
        with of.link(one, of.one("auth")) as wire:
            assert wire.ask(ASK["authenticate"], authenticate(connection, exchange.ALICE, "a guess"))[0] is not None
            assert claim(of, one, next(ticket), connection)[1] == b""
            code, body = wire.ask(ASK["authenticate"],
                                  authenticate(connection, exchange.ALICE, exchange.password(exchange.ALICE)))
        # Not even who it is is told to a front.
        assert code is None and body == u64(connection, 0)
        # It is that front's, for that connection, and for one session.
        assert claim(of, two, next(ticket), connection)[1] == b""
        assert claim(of, one, next(ticket), connection + 1)[1] == b""
        assert b"a OK" in claim(of, one, next(ticket), connection)[1]
        assert claim(of, one, next(ticket), connection)[1] == b""
        # What strangers' processes speak is not spoken by mail, nor by a number that is none.
        for kind in (MX, 0, 77):
            assert claim(of, one, next(ticket), connection, kind)[1] == b""
    assert "service.claim_refused" in exchange.log()
    # These fronts have used numbers that they did not choose: they start anew.
    of.kill(one)
    of.kill(two)
    eventually(of.complete)


# ---- the end of a process ----

class Talk:
    """A client's connection that can be asked whether it still works."""

    def __init__(self, of, port, tls=False):
        self.socket = of.exchange.connect(port, tls, timeout=10)
        self.file = self.socket.makefile("rb")

    def hear(self, begin):
        while line := self.file.readline():
            if line.startswith(begin):
                return line
        return b""

    def say(self, words, begin):
        """The line that begins so; b"" when the connection is no more."""
        try:
            self.socket.sendall(words)
            return self.hear(begin)
        except OSError:
            return b""

    def has_ended(self):
        """Not only silent."""
        try:
            while self.file.readline():
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def close(self):
        with contextlib.suppress(OSError):
            self.file.close()
            self.socket.close()


def talk_imap(of):
    t = Talk(of, "imaps", tls=True)
    t.hear(b"* OK")
    assert t.say(b'a LOGIN %s "%s"\r\n' % (of.exchange.ALICE.encode(),
                                         of.exchange.password(of.exchange.ALICE).encode()), b"a OK")
    assert t.say(b"b SELECT INBOX\r\n", b"b OK")
    t.works = lambda: bool(t.say(b"c NOOP\r\n", b"c "))
    return t


def talk_smtp(of):
    t = Talk(of, "smtp")
    t.hear(b"220 ")
    assert t.say(b"EHLO client.example.net\r\n", b"250 ")
    assert t.say(b"MAIL FROM:<carol@example.net>\r\n", b"250 ")
    assert t.say(b"RCPT TO:<alice@example.org>\r\n", b"250 ")
    t.works = lambda: bool(t.say(b"NOOP\r\n", b"250 "))
    return t


def talk_submission(of):
    t = Talk(of, "submissions", tls=True)
    t.hear(b"220 ")
    assert t.say(b"EHLO client.example.net\r\n", b"250 ")
    word = base64.b64encode(f"\0{of.exchange.ALICE}\0{of.exchange.password(of.exchange.ALICE)}".encode())
    assert t.say(b"AUTH PLAIN " + word + b"\r\n", b"235 ")
    t.works = lambda: bool(t.say(b"NOOP\r\n", b"250 "))
    return t


def talk_http(of):
    t = Talk(of, "hkp")

    def works():
        try:
            t.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = t.file.readline()
                if not line:
                    return False
                head += line
            t.file.read(int(re.search(rb"Content-Length: (\d+)", head).group(1)))
            return head.startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    t.works = works
    assert t.works()
    return t


TALKS = {"imap": talk_imap, "smtp": talk_smtp, "submission": talk_submission, "http": talk_http}
# Which connections go through a process of that kind; front: those of this front.
THROUGH = {"front": set(TALKS), "mx": {"smtp"}, "web": {"http"}, "auth": set(), "resolver": set(), "keys": set(), "relay": set(),
           "mail": {"imap", "submission"}}


class Clients:
    """One connection of each protocol on each front."""

    def __init__(self, of):
        self.of, self.talks = of, {}
        fronts = of.all("front")
        for front in fronts:
            with of.standing_still(*(f for f in fronts if f != front)):
                for what, talk in TALKS.items():
                    t = self.talks[what, front] = talk(of)
                    assert of.front_of(t.socket) == front

    def check(self, kind, pid):
        """Only what went through that process has ended."""
        for (what, front), t in self.talks.items():
            if what in THROUGH[kind] and (kind != "front" or front == pid):
                assert t.has_ended(), f"{what}: half an end, as {kind} {pid} ended"
            else:
                assert t.works(), f"{what} through front {front} ended with {kind} {pid}"

    def close(self):
        for t in self.talks.values():
            t.close()


@pytest.mark.parametrize("kind", [*KINDS, "resolver"])
def test_a_killed_process_takes_its_own_connections_only(of, kind):
    exchange, pid = of.exchange, of.one(kind)
    for n in range(3):
        send(exchange, f"kept {n}")
    clients = Clients(of)
    others = set(of.everyone()) - {pid}
    started = time.monotonic()
    of.kill(pid)
    clients.check(kind, pid)
    eventually(lambda: of.all(kind) and of.complete(), 8)
    assert time.monotonic() - started < 8
    assert others < set(of.everyone()) and exchange.process.poll() is None
    # A stranger's message that was begun before can be finished, whoever of those behind was gone in between.
    finished = 0
    for (what, front), t in clients.talks.items():
        if what == "smtp" and kind != "mx" and front != pid:
            assert t.say(b"DATA\r\n", b"354")
            assert t.say(b"Subject: begun before\r\n\r\nx\r\n.\r\n", b"250 ")
            finished += 1
    clients.close()
    send(exchange, "after")
    assert mails(exchange) == ["kept 0", "kept 1", "kept 2"] + ["begun before"] * finished + ["after"]


def test_a_process_that_keeps_ending_comes_back_ever_later(of):
    """The first time at once, then each time after twice as long; meanwhile the others serve."""
    waits, last = [], of.one("web")
    imap = talk_imap(of)
    for _ in range(6):
        started = time.monotonic()
        of.kill(last)
        last = eventually(lambda before=last: [p for p in of.all("web") if p != before], 12)[0]
        waits.append(time.monotonic() - started)
        assert imap.works()
    assert waits[0] < 1.2 and waits[-1] > 1.2 and waits[-1] > waits[0], waits
    eventually(of.complete, 15)
    imap.close()


def test_when_the_parent_is_killed_all_are_gone(fresh_exchange):
    """And the next start has its fixed ports and the folder at once."""
    ports = []
    for name in ("smtp", "imap", "imaps", "hkp"):
        with socket.create_server(("127.0.0.1", 0)) as s:
            ports.append((f"port_{name}", str(s.getsockname()[1])))
    exchange = fresh_exchange({**FRONTS, **dict(ports)})
    for n in range(3):
        of = Processes(exchange)
        of.fronts = 2
        send(exchange, f"kept {n}")
        clients = Clients(of)
        children = [pid for _, pid in of.table()]
        assert len(children) == 10
        exchange.kill()
        eventually(lambda: not any(map(alive, children)), 2)
        started = time.monotonic()
        exchange.start()
        assert time.monotonic() - started < 10
        clients.close()
    assert mails(exchange) == ["kept 0", "kept 1", "kept 2"]


# ---- a process that says what cannot be ----

# near end first: the one that asks, or has the clients
LINKS = [("front", "mail"), ("front", "mx"), ("front", "web"), ("front", "auth"), ("web", "auth"), ("auth", "mail"),
         ("mx", "mail"), ("web", "mail"), ("mx", "resolver"),
         ("mail", "keys"), ("mail", "resolver"), ("relay", "mail"), ("relay", "resolver")]
FAR = 1 << 60  # a connection's number that nobody has opened
GARBAGE = {
    "octets": b"\xff\xfe\xfd" * 400,
    "over-long": struct.pack(">IHQ", 0x7fffffff, 1, 1),
    "shorter than its head": struct.pack(">IH", 2, 1) + b"\0" * 40,
    "text": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}
OUT_OF_ORDER = {  # on a trunk
    "near": {
        "for another's connection": frame(DATA, FAR, b"octets"),
        "credit for another's": frame(CREDIT, FAR, struct.pack(">I", 100)),
        "tls that nobody began": frame(TLS, FAR, b"\0" * 13),
        "opened by the wrong end": frame(START_TLS, FAR),
        "no such type": frame(99, FAR),
        "a call": frame(ASK["verifier"], FAR, octets("alice@example.org")),
        "an opening that is none": frame(OPEN, FAR, b"\0" * 5),
    },
    "far": {
        "for another's connection": frame(DATA, FAR, b"octets"),
        "a start of TLS for another's": frame(START_TLS, FAR),
        "a close of another's": frame(CLOSE, FAR, b"\1"),
        "opened by the wrong end": frame(OPEN, FAR, trunk_open(IMAP, FAR)),
        "no such type": frame(99, FAR),
    },
}


def say_and_see(of, kinds, sender, octets_said, what):
    """The sender ends and comes back; the others stay, with every connection that did not go through it."""
    kind = kinds[sender]
    near, far = of.one(kinds[0]), of.one(kinds[1])
    pid, receiver = (near, far) if sender == 0 else (far, near)
    clients = Clients(of)
    others = set(of.everyone()) - {pid}
    with of.link(pid, receiver) as wire:
        assert wire.send(octets_said)
    eventually(lambda: not alive(pid), 5)
    clients.check(kind, pid)
    clients.close()
    eventually(lambda: of.all(kind) and of.complete(), 12)
    now = set(of.everyone())
    assert others < now and receiver in now and pid not in now, f"{what} from {kind}"


@pytest.mark.parametrize("near,far", LINKS)
def test_garbage_on_a_link_ends_who_sent_it(of, near, far):
    trunk = near == "front" and far != "auth"
    names = list(GARBAGE)
    at = LINKS.index((near, far))
    for sender in (0, 1):
        name = names[(at + sender) % len(names)]
        say_and_see(of, (near, far), sender, GARBAGE[name], name)
        if trunk:
            rows = list(OUT_OF_ORDER["near" if sender == 0 else "far"].items())
            for name, said in (rows[2 * at % len(rows)], rows[(2 * at + 1) % len(rows)]):
                say_and_see(of, (near, far), sender, said, name)
    assert of.exchange.log().count("parent.blamed") >= (6 if trunk else 2)


def test_answers_to_what_nobody_asked_are_dropped(of):
    before = of.everyone()
    for near, far in (("front", "auth"), ("mx", "mail"), ("web", "mail"), ("auth", "mail")):
        with of.link(of.one(far), of.one(near)) as wire:
            assert wire.send(frame(1, 1 << 61, b"") + frame(0x8001, 1 << 61, b"x"))
    assert of.complete() and of.everyone() == before, of.exchange.log()


def test_a_client_of_another_front_cannot_be_named(of):
    """A connection's number counts on its own front's socket only."""
    one, two = of.all("front")
    with of.standing_still(two):
        imap = talk_imap(of)
    assert of.front_of(imap.socket) == one
    with of.link(two, of.one("mail")) as wire:
        assert wire.send(b"".join(frame(DATA, number, b"x LOGOUT\r\n") for number in range(1, 50)))
    eventually(lambda: not alive(two), 5)
    assert imap.works()
    imap.close()
    eventually(of.complete)


# ---- to the parent, and from it ----

# The parent's own, and: ready, which has been said; no message at all; one that nobody knows.
NOT_A_CHILDS = [*(n for n in MESSAGES.values() if n < MESSAGES["READY"]), MESSAGES["READY"], 0, MESSAGES["COUNT"]]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_child_may_not_say_to_the_parent_ends_it(of, kind):
    """Each message that is the parent's own, and garbage; the parent hears it and goes on."""
    at = KINDS.index(kind)
    said = [frame(m, 0, b"\0") for m in NOT_A_CHILDS[at::len(KINDS)]] + [b"\xff" * 200]
    for packet in said:
        pid = of.one(kind)
        others = set(of.everyone()) - {pid}
        with of.link(pid, of.parent) as wire:
            assert wire.send(packet)
        eventually(lambda: not alive(pid), 5)
        eventually(of.complete, 12)
        assert others < set(of.everyone())
    assert "parent.child_lies" in of.exchange.log()


def test_a_child_can_blame_only_who_is_there(of):
    before = of.everyone()
    with of.link(of.one("mx"), of.parent) as wire:
        assert wire.send(frame(MESSAGES["BLAME"], 0, u64(0xdeadbeef)))
    time.sleep(0.2)
    assert of.complete() and of.everyone() == before, of.exchange.log()


def test_a_child_that_hears_nonsense_from_its_parent_ends(of):
    for kind in KINDS:
        pid = of.one(kind)
        others = set(of.everyone()) - {pid}
        number = next(fd for inode, fd in sockets_of(of.parent).items() if fd == of.link_numbers(of.parent, pid)[0])
        wire = Wire(copied(of.parent, number))
        assert wire.send(frame(1, 0, b"\0" * 20))
        wire.close()
        eventually(lambda: not alive(pid), 5)
        eventually(of.complete, 12)
        assert others < set(of.everyone())
