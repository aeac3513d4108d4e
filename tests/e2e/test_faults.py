# SPDX-License-Identifier: ISC
"""What fails below letterlockd: a full disk, a disk that fails, no descriptors, no memory, budgets that are used up, a
clock that jumps.

Each time: new mail is deferred with 452 or 451 and never lost, what is stored stays readable, and service comes back by
itself when the fault is over. After a sync that failed the process of the store is a new one.
"""
import contextlib
import ctypes
import errno
import imaplib
import os
import pathlib
import re
import resource
import signal
import smtplib
import subprocess
import time

import pytest

import faults as f
from conftest import ROOT
from faults import Faults

SMALL, LARGE = 2000, 700_000    # the latter goes to a file of its own
PATIENCE = 20
KIND_NAMES = {f.SEGMENT: "segment", f.LOG: "log", f.DATABASE: "database", f.BODY: "body", f.BODIES: "bodies"}


def letter(token, size=SMALL):
    line = b"0123456789abcdef" * 4 + b"\r\n"
    return b"Subject: " + token.encode() + b"\r\n\r\n" + line * (size // len(line))


class Place:
    """A letterlockd above faults, and what a stranger and alice see of it."""

    def __init__(self, exchange, faults):
        self.exchange, self.faults = exchange, faults
        self.sent, self.doubtful, self.number = [], [], 0

    def send(self, size=SMALL):
        """The reply's code to the octets, or to what was refused before; 250: it must be there from now on."""
        self.number += 1
        token = f"token-{self.number}-"
        code, server = 421, None
        try:
            server = smtplib.SMTP("localhost", self.exchange.port("smtp"), timeout=30)
            server.ehlo("client.example.net")
            code = server.mail("sender@example.net")[0]
            code = server.rcpt(self.exchange.ALICE)[0] if code == 250 else code
            code = server.data(letter(token, size))[0] if code == 250 else code
        except smtplib.SMTPServerDisconnected:
            code = 421
        except smtplib.SMTPResponseException as error:
            code = error.smtp_code
        except OSError:
            code = 421
        finally:
            if server is not None:
                server.close()
        (self.sent if code == 250 else self.doubtful).append(token)
        return code

    @contextlib.contextmanager
    def imap(self):
        with imaplib.IMAP4_SSL("localhost", self.exchange.port("imaps"), ssl_context=self.exchange.tls(),
                               timeout=30) as imap:
            imap.login(self.exchange.ALICE, self.exchange.password(self.exchange.ALICE))
            assert imap.select("INBOX")[0] == "OK"
            yield imap

    def tokens(self):
        """Of every message, each read whole."""
        with self.imap() as imap:
            status, data = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
            assert status == "OK"
            texts = [part[1] for part in data if isinstance(part, tuple)]
        found = []
        for text in texts:
            token = text[text.index(b"Subject: ") + 9:].split(b"\r\n", 1)[0].decode()
            assert any(text.endswith(letter(token, size)) for size in (SMALL, LARGE)), f"{token} is not whole"
            found.append(token)
        return found

    def check(self):
        found = self.tokens()
        assert len(set(found)) == len(found), "a message is there twice"
        assert set(self.sent) <= set(found), f"lost: {sorted(set(self.sent) - set(found))}\n{self.exchange.log()}"
        assert set(found) <= set(self.sent) | set(self.doubtful)

    def comes_back(self):
        """Without anybody's help."""
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                if self.send() == 250:
                    self.check()
                    return
            assert time.monotonic() < end, f"service does not come back:\n{self.exchange.log()}"
            time.sleep(0.2)

    def killed_but_readable(self):
        """The next process of the store comes by itself and has everything."""
        before = self.mail_process()
        os.kill(before, signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                if self.mail_process() not in (None, before):
                    self.check()
                    return
            assert time.monotonic() < end, f"nothing can be read:\n{self.exchange.log()}"
            time.sleep(0.1)

    def mail_process(self):
        for name in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (name / "cmdline").read_bytes().split(b"\0")
                if int((name / "stat").read_text().rsplit(")", 1)[1].split()[1]) == self.exchange.process.pid and \
                        words[0] == b"letterlockd: mail":
                    return int(name.name)
        return None


@pytest.fixture
def place(fresh_exchange, tmp_path):
    with Faults(tmp_path) as faults:
        exchange = fresh_exchange(start=False)
        exchange.start(environment=faults.environment(exchange.data))
        one = Place(exchange, faults)
        for size in (SMALL, LARGE, SMALL):
            assert one.send(size) == 250
        one.check()
        yield one


@pytest.mark.parametrize("kind,size", [(f.SEGMENT, SMALL), (f.LOG, SMALL), (f.BODY, LARGE)], ids=KIND_NAMES.get)
def test_writes_fail(place, kind, size):
    for error, code in (errno.ENOSPC, 452), (errno.EIO, 451):
        assert place.send() == 250      # not looked at yet: who looks first has it as \Recent, which cannot be kept
        with place.faults.failing(f.WRITE, kind, error):
            assert [place.send(size) for _ in range(2)] == [code] * 2
            place.check()
            with place.imap() as imap:
                token = f"append-{code}-"
                status, text = imap.append("INBOX", None, None, letter(token, size))
                assert status == "NO", text
                place.doubtful.append(token)
        assert place.send(size) == 250
        place.check()


@pytest.mark.parametrize("kind,size", [(f.SEGMENT, SMALL), (f.LOG, SMALL), (f.BODY, LARGE), (f.BODIES, LARGE)],
                         ids=KIND_NAMES.get)
def test_a_sync_fails_once(place, kind, size):
    """One failure is enough: the process ends, and the next looks at the disk anew."""
    before = place.mail_process()
    with place.faults.failing(f.SYNC, kind, errno.EIO, count=1):
        assert place.send(size) in (451, 421)
    place.comes_back()
    after = place.mail_process()
    assert after is not None and after != before
    assert "parent.child_failed child=mail" in place.exchange.log()


@pytest.mark.parametrize("call,error,count", [(f.WRITE, errno.ENOSPC, f.ALWAYS), (f.WRITE, errno.EIO, f.ALWAYS),
                                              (f.SYNC, errno.EIO, 1)], ids=["full", "write", "sync"])
def test_a_checkpoint_fails(place, call, error, count):
    """What it moves is in the log already: a write can be tried again, a sync that failed ends the process."""
    before = place.mail_process()
    codes = []
    with place.faults.failing(call, f.DATABASE, error, count):
        end = time.monotonic() + 60
        while place.faults.hits() == 0:
            assert time.monotonic() < end, "there was no checkpoint"
            codes.append(place.send())
        if call == f.WRITE:
            codes += [place.send() for _ in range(3)]
            place.check()
    if call == f.WRITE:
        assert set(codes) == {250}
        assert place.send(LARGE) == 250
        place.check()
        assert place.mail_process() == before
        return
    assert set(codes) <= {250, 451, 421}
    place.comes_back()
    assert place.mail_process() not in (None, before)


@pytest.mark.parametrize("call,kinds,error", [
    (f.OPEN, f.DATABASE | f.LOG, errno.EIO), (f.OPEN, f.DATABASE | f.LOG, errno.EMFILE),
    (f.READ, f.DATABASE | f.LOG, errno.EIO), (f.WRITE, f.LOG, errno.EIO), (f.SYNC, f.LOG | f.FOLDER, errno.EIO)],
    ids=["open", "descriptors", "read", "write", "sync"])
def test_starts_fail(place, call, kinds, error):
    """The process of the store was killed, and for a while none can open, read, write or sync what it needs."""
    with place.imap() as imap:      # so that the log is not empty
        assert imap.uid("STORE", "1", "+FLAGS", r"(\Flagged)")[0] == "OK"
    os.kill(place.mail_process(), signal.SIGKILL)
    with place.faults.failing(call, kinds, error):
        end = time.monotonic() + 1
        while time.monotonic() < end or place.faults.hits() < 2:
            assert place.send() in (451, 421)
            time.sleep(0.1)
    place.comes_back()


def test_syncs_fail_for_a_while(place):
    """Processes come and go, nothing is answered with 250, what is stored can be read when one is there."""
    with place.faults.failing(f.SYNC, f.SEGMENT | f.LOG, errno.EIO):
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert place.send() in (451, 421)
            time.sleep(0.1)
    place.comes_back()


def test_reads_fail(place):
    """Who reads what cannot be read is told so; everybody else goes on, and nothing is restarted."""
    before = place.mail_process()
    with place.faults.failing(f.READ, f.SEGMENT | f.BODY, errno.EIO):
        with place.imap() as imap:
            with contextlib.suppress(imaplib.IMAP4.abort):
                status, data = imap.uid("FETCH", "1", "(BODY.PEEK[])")
                assert status == "NO" or not any(isinstance(part, tuple) for part in data), data
        with place.imap() as imap:
            assert imap.uid("FETCH", "1:*", "(UID FLAGS)")[0] == "OK"
            assert imap.noop()[0] == "OK"
        assert place.send() == 250
    place.check()
    assert place.mail_process() == before


def test_the_database_cannot_be_read(place):
    with place.faults.failing(f.READ, f.DATABASE | f.LOG, errno.EIO):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert place.send() in (250, 451, 421, 454)
    place.comes_back()


def test_no_descriptors(place):
    """The real limit of the running process of the store."""
    pid = place.mail_process()
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with place.imap() as imap:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), before[1]))
        for _ in range(3):
            assert place.send(LARGE) in (451, 452, 421)
            assert imap.noop()[0] == "OK"
        assert imap.uid("FETCH", "1:*", "(FLAGS)")[0] == "OK"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        assert imap.uid("FETCH", "1:*", "(BODY.PEEK[])")[0] == "OK"
    assert place.send(LARGE) == 250
    place.check()
    assert place.mail_process() == pid


def test_files_cannot_be_opened(place):
    with place.faults.failing(f.OPEN, f.SEGMENT | f.BODY | f.BODIES, errno.EMFILE):
        assert place.send(LARGE) in (451, 452)
        with place.imap() as imap:
            assert imap.uid("FETCH", "1:*", "(FLAGS)")[0] == "OK"
            with contextlib.suppress(imaplib.IMAP4.abort):
                imap.uid("FETCH", "1", "(BODY.PEEK[])")
    assert place.send(LARGE) == 250
    place.check()


def test_the_clock_jumps(place):
    """Numbers grow and sessions stay whatever the clock says."""
    year = 365 * 86400
    validities = []
    with place.imap() as imap:
        for i, seconds in enumerate([year, -2 * year, 0, 20 * year, -86400, 0]):
            place.faults.clock(seconds)
            assert place.send() == 250
            assert imap.noop()[0] == "OK"
            assert imap.create("jump")[0] == "OK"
            assert imap.select("jump")[0] == "OK"
            validities.append(int(imap.response("UIDVALIDITY")[1][0]))
            assert imap.select("INBOX")[0] == "OK"
            assert imap.delete("jump")[0] == "OK", i
            # The certificate's time is the client's business: a new session without looking at it.
            place.check()
    place.faults.clock(0)
    assert validities == sorted(set(validities)), "a UIDVALIDITY came again, or went back"
    place.comes_back()


# ---- a disk that is really full ----

@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of that size, in a mount namespace of this process and its children."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(0x00020000) != 0:    # CLONE_NEWNS
        pytest.skip("no file systems can be mounted")
    if subprocess.run(["mount", "--make-rprivate", "/"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("the root is no mount point (a chroot?), so what is mounted would show elsewhere")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_the_disk_is_full(fresh_exchange, tmp_path):
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", "16m"):
        data = tmp_path / "disk" / "data"
        exchange = fresh_exchange({"data": f'"{data}"'}, start=False)
        exchange.data = data
        exchange.start()
        place = Place(exchange, None)
        codes = [place.send(LARGE if i % 2 else SMALL) for i in range(6)]
        assert codes == [250] * 6
        ballast = tmp_path / "disk" / "ballast"
        with open(ballast, "wb", buffering=0) as out, contextlib.suppress(OSError):
            while True:
                out.write(bytes(4096))
        for size in (LARGE, SMALL, LARGE):
            assert place.send(size) == 452 or size == SMALL
        end = time.monotonic() + 10
        while place.send() == 250:      # until nothing at all has room
            assert time.monotonic() < end
        assert place.send() == 452
        place.check()
        with place.imap() as imap:
            assert imap.append("INBOX", None, None, letter("append-", LARGE))[0] == "NO"
            assert imap.uid("STORE", "1", "+FLAGS", r"(\Seen)")[0] in ("OK", "NO")
        place.doubtful.append("append-")
        place.killed_but_readable()     # also what starts on a full disk can be read
        assert place.send() in (452, 451)
        ballast.unlink()
        assert place.send(LARGE) == 250
        place.check()
        exchange.stop()


# ---- budgets ----

RECEIVING_MAX = 4096    # src/service/limits.h


@contextlib.contextmanager
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20000, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def replies(sockets, lines, code):
    """Each has said so many lines, the last of them with this code."""
    for one in sockets:
        said = b""
        while said.count(b"\n") < lines or said[-1:] != b"\n":
            part = one.recv(4096)
            assert part, said
            said += part
        last = said.splitlines()[-1]
        assert last.startswith(code + b" "), said


def begin_messages(exchange, count):
    """Connections of which each has begun a message and stays."""
    held = []
    while len(held) < count:
        some = [exchange.connect("smtp", timeout=60) for _ in range(min(256, count - len(held)))]
        held += some
        replies(some, 1, b"220")
        for one in some:
            one.sendall(b"HELO client.example.net\r\n")
        replies(some, 1, b"250")
        for one in some:
            one.sendall(b"MAIL FROM:<sender@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n")
        replies(some, 3, b"354")
        for one in some:
            one.sendall(b"Subject: held\r\n")
    return held


def test_everybody_sends_at_once(fresh_exchange):
    """As many messages as can be received at once are under way: one more is deferred, what is stored stays readable."""
    with many_descriptors():
        exchange = fresh_exchange({"connections": "6000", "connections_peer": "6000", "idle_seconds": "600"})
        place = Place(exchange, None)
        assert [place.send(), place.send(LARGE)] == [250] * 2
        before = place.mail_process()
        held = begin_messages(exchange, RECEIVING_MAX)
        try:
            assert [place.send() for _ in range(3)] == [451] * 3
            place.check()
            # One of them comes to its end, and so there is room for one.
            held[0].sendall(letter("held")[len("Subject: held\r\n"):] + b".\r\n")
            replies(held[:1], 1, b"250")
            place.sent.append("held")
            assert place.send() == 250
        finally:
            for one in held:
                one.close()
        place.comes_back()
        assert place.mail_process() == before


def without_sanitizers(daemon):
    """A sanitizer needs terabytes of address space: then the release build's program."""
    if b"__asan_init" not in daemon.read_bytes():
        return daemon
    release = ROOT / "build/release/letterlockd"
    if not release.exists():
        pytest.skip("no release build: memory cannot be limited under a sanitizer")
    return release


def make_full(imap, doubled=13):
    """So many letters that a view of the mailbox is more than what a process has free by chance."""
    assert imap.create("Full")[0] == "OK" and imap.append("Full", None, None, b"x\r\n")[0] == "OK"
    imap.select("Full")
    for _ in range(doubled):
        assert imap.copy("1:*", "Full")[0] == "OK" and imap.noop()[0] == "OK"
    imap.unselect()


def test_no_memory(fresh_exchange):
    """The process of the store gets no more from the system: who asks for too much is told so, nobody is cut off."""
    exchange = fresh_exchange(start=False)
    exchange.daemon = without_sanitizers(exchange.daemon)
    exchange.start()
    place = Place(exchange, None)
    assert [place.send(size) for size in (SMALL, LARGE)] == [250] * 2
    pid = place.mail_process()
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=30) as imap:
        imap.login(exchange.ALICE, exchange.password(exchange.ALICE))
        make_full(imap)
        # What is writable counts, not the address space: the allocator has reserved much of that for each thread.
        before = resource.prlimit(pid, resource.RLIMIT_DATA)
        status = (pathlib.Path("/proc") / str(pid) / "status").read_text()
        now = int(re.search(r"VmData:\s+(\d+) kB", status)[1]) * 1024
        resource.prlimit(pid, resource.RLIMIT_DATA, (now, before[1]))
        refused = 0
        for size in (SMALL, LARGE) * 3:
            code = place.send(size)
            assert code in (250, 451, 452)
            status, text = imap.select("Full")
            refused += status == "NO"
            assert status == "OK" or text[0].startswith(b"[UNAVAILABLE]"), text
            assert imap.noop()[0] == "OK"
        assert refused > 0, "there was memory: nothing was tested"
        resource.prlimit(pid, resource.RLIMIT_DATA, before)
        assert imap.select("Full")[0] == "OK"
    place.check()
    assert place.send(LARGE) == 250
    assert place.mail_process() == pid
