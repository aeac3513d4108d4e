# SPDX-License-Identifier: ISC
"""What fails below letterlockd: a full disk, a disk that fails, no descriptors, a clock that jumps.

Each time: new mail is deferred with 452 or 451 and never lost, what is stored stays readable, and service comes back by
itself when the fault is over. After a sync that failed the process of the store is a new one.
"""
import contextlib
import ctypes
import errno
import imaplib
import os
import pathlib
import resource
import smtplib
import subprocess
import time

import pytest

import faults as f
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
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
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
        ballast.unlink()
        assert place.send(LARGE) == 250
        place.check()
        exchange.stop()
