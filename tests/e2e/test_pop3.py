# SPDX-License-Identifier: ISC
"""POP3 of a running letterlockd: the transcripts, poplib (the plain grammar), curl, bare sockets, IMAP beside it."""
import base64
import imaplib
import poplib
import random
import re
import select
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

from conftest import ROOT, Exchange
from test_smtp_transcripts import play

FOLDER = ROOT / "tests" / "transcripts" / "pop3"
NAMES = sorted(p.name for p in FOLDER.glob("*.txt"))
ONE = (b"Subject: one\r\n\r\n.a line that begins with a dot\r\n..two\r\n.\r\n" + b"x" * 60 + b"\r\n")
TWO = b"Subject: two\r\n\r\n" + b"".join(b"line %d of the letter.\r\n" % n for n in range(1, 9))
assert (len(ONE), len(TWO)) == (120, 200)


def letter(n, lines=3):
    return b"Subject: %d\r\n\r\n" % n + b".line of letter %d\r\n" % n * lines


class Box:
    """Alice's INBOX over IMAP, empty at first."""

    def __init__(self, exchange, *letters):
        self.imap = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60)
        self.imap.login(exchange.ALICE, exchange.password(exchange.ALICE))
        self.imap.select("INBOX")
        self.remove("1:*")
        self.add(*letters)

    def add(self, *letters):
        for one in letters:
            assert self.imap.append("INBOX", None, None, one)[0] == "OK"
        self.imap.noop()

    def remove(self, numbers):
        self.imap.noop()
        if self.imap.select("INBOX")[1] != [b"0"]:
            assert self.imap.store(numbers, "+FLAGS.SILENT", "(\\Deleted)")[0] == "OK"
            assert self.imap.expunge()[0] == "OK"

    def count(self):
        return int(self.imap.select("INBOX")[1][0])

    def close(self):
        self.imap.logout()


@pytest.fixture
def box(exchange):
    """A function that fills alice's INBOX with these letters."""
    made = []

    def make(*letters):
        made.append(Box(exchange, *letters))
        return made[-1]

    yield make
    for one in made:
        one.close()


def sign_in(exchange, address=None, utf8=False, clear=False):
    address = address or exchange.ALICE
    if clear:
        pop = poplib.POP3("localhost", exchange.port("pop3"), timeout=60)
        pop.stls(exchange.tls())
    else:
        pop = poplib.POP3_SSL("localhost", exchange.port("pop3s"), context=exchange.tls(), timeout=60)
    if utf8:
        pop.utf8()
    pop.user(address)
    pop.pass_(exchange.password(address))
    return pop


def text(lines):
    return b"\r\n".join(lines) + b"\r\n"


def refused(call, *arguments):
    with pytest.raises(poplib.error_proto) as caught:
        call(*arguments)
    return caught.value.args[0]


# ---- the transcripts ----

@pytest.fixture(scope="module")
def server():
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    try:
        one = Exchange(folder, accounts=())
        one.PASSWORDS = {Exchange.ALICE: "secret"}
        one.run("account", "add", Exchange.ALICE, secret="secret")
        one.start()
        try:
            yield one
        finally:
            one.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Line:
    """A connection read line by line, from an address of its own: wrong passwords slow each other."""

    count = 0

    def __init__(self, server, listener):
        Line.count += 1
        self.server, self.held = server, b""
        self.socket = socket.create_connection(("127.0.0.1", server.port(listener)), 60, (f"127.9.{Line.count}.1", 0))
        if listener == "pop3s":
            self.start_tls()

    def start_tls(self):
        assert self.held == b"", "answers behind the one to STLS"
        self.socket = self.server.tls().wrap_socket(self.socket, server_hostname="localhost")

    def read(self):
        while b"\n" not in self.held:
            got = self.socket.recv(65536)
            assert got, f"closed after {self.held!r}"
            self.held += got
        line, self.held = self.held.split(b"\n", 1)
        assert line.endswith(b"\r"), line
        return line[:-1].decode()

    def closed(self):
        try:
            return self.held == b"" and self.socket.recv(1) == b""
        except OSError:
            return True

    def say(self, octets, first=b"+OK"):
        self.socket.sendall(octets)
        line = self.read()
        assert line.encode().startswith(first), (octets, line)
        return line


def steps_of(name):
    first, *lines = (FOLDER / name).read_text().splitlines()
    return first.removeprefix("listener: "), [(n, line) for n, line in enumerate(lines, 2) if not line.startswith("#")]


@pytest.mark.parametrize("segments", ["whole", "small"])
@pytest.mark.parametrize("name", NAMES)
def test_transcript(server, name, segments):
    Box(server, ONE, TWO).close()
    listener, steps = steps_of(name)
    if segments == "small" and "injection" in name:
        pytest.skip("its point is one segment")

    def send(s, octets):
        size = max(7, len(octets) // 100) if segments == "small" else len(octets) or 1
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(octets), size):
            s.sendall(octets[i:i + size])
    play(Line(server, listener), steps, send)


# ---- poplib ----

@pytest.mark.parametrize("clear", [False, True], ids=["TLS", "STLS"])
def test_poplib(exchange, box, clear):
    letters = [letter(n, n * 100) for n in range(1, 8)] + [ONE]
    mail = box(*letters)
    pop = sign_in(exchange, clear=clear)
    assert pop.stat() == (8, sum(map(len, letters)))
    assert pop.list()[1] == [b"%d %d" % (n, len(one)) for n, one in enumerate(letters, 1)]
    unique = [line.split()[1] for line in pop.uidl()[1]]
    assert len(set(unique)) == 8 and all(re.fullmatch(rb"[\x21-\x7e]{1,70}", one) for one in unique)
    for n, one in enumerate(letters, 1):
        answer, lines, _ = pop.retr(n)
        assert text(lines) == one and answer == b"+OK %d octets" % len(one)
        assert pop.uidl(n) == b"+OK %d %s" % (n, unique[n - 1]) and pop.list(n) == b"+OK %d %d" % (n, len(one))
        assert text(pop.top(n, 2)[1]) == b"\r\n".join(one.split(b"\r\n")[:4]) + b"\r\n"
        assert text(pop.top(n, 0)[1]) == one.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    pop.dele(2)
    pop.dele(8)
    assert pop.stat() == (6, sum(map(len, letters)) - len(letters[1]) - len(ONE))
    assert b"already deleted" in refused(pop.retr, 2)
    pop.rset()
    assert pop.stat()[0] == 8
    for n in (1, 3, 4, 8):
        pop.dele(n)
    assert pop.quit().startswith(b"+OK")
    assert mail.count() == 4
    pop = sign_in(exchange, clear=clear)
    assert [line.split()[1] for line in pop.uidl()[1]] == [unique[n - 1] for n in (2, 5, 6, 7)]
    assert text(pop.retr(1)[1]) == letters[1]
    pop.quit()


def test_flags_are_left_alone(exchange, box):
    mail = box(ONE)
    pop = sign_in(exchange)
    pop.retr(1)
    pop.quit()
    mail.imap.select("INBOX")
    assert b"\\Seen" not in mail.imap.fetch("1", "(FLAGS)")[1][0]


def test_utf8_mode(exchange, box):
    """RFC 6856: as it is in UTF-8 mode, by RFC 6858 without it."""
    mine = "Subject: h\u00e9llo\r\nFrom: J\u00fcrgen <j\u00fcrgen@example.org>\r\nX-Note: \u00e9\r\n\r\nb\u00f6dy\r\n".encode()
    box(mine, ONE)
    pop = sign_in(exchange, utf8=True)
    assert text(pop.retr(1)[1]) == mine and pop.list(1) == b"+OK 1 %d" % len(mine)
    pop.quit()
    pop = sign_in(exchange)
    lines = pop.retr(1)[1]
    header = lines[:lines.index(b"")]
    assert all(line.isascii() for line in header) and lines[lines.index(b"") + 1:] == ["b\u00f6dy".encode()]
    assert header[0] == b"Subject: =?utf-8?B?aMOpbGxv?=" and header[1].endswith(b".invalid>") and len(header) == 2
    assert pop.top(1, 0)[1] == [*header, b""] and pop.top(1, 1)[1] == lines
    assert text(pop.retr(2)[1]) == ONE
    pop.quit()


def test_a_header_that_cannot_be_rewritten_stands_in_nobodys_way(exchange, box):
    """Anybody can send one: in a client without UTF-8 mode it must not block what comes behind it."""
    mine = "Subject: h\u00e9llo\r\nno field\r\nTo: a@example.org\r\n\r\nb\u00f6dy\r\n".encode()
    alices = box()
    with smtplib.SMTP("localhost", exchange.port("smtp"), timeout=20) as server:
        server.sendmail("carol@example.net", [exchange.ALICE], mine)
    alices.add(ONE)
    pop = sign_in(exchange)
    lines = pop.retr(1)[1]
    assert text(lines).endswith(mine.replace("\u00e9".encode(), b"??")) and lines[0] == b"Return-Path: <carol@example.net>"
    assert pop.top(1, 0)[1] == lines[:-1]
    assert text(pop.retr(2)[1]) == ONE
    pop.quit()


def test_messages_with_odd_lines(exchange, box):
    """What other servers' IMAP clients have put there: bare LF and CR, no last CRLF, dots everywhere, long lines, nothing."""
    odd = [b"", b"\r\n", b".", b".\r\n", b"Subject: x", b"Subject: x\r\n\r\nno end", b"Subject: x\r\n\r\na\n.\nb\n", b"Subject: x\r\n\r\n" + b"." * 5000,
           b"Subject: x\r\n\r\na\r.\rb\r", b"Subject: x\r\n\r\n" + b"y" * 300000 + b"\r\n.z", b"\r\n.\r\n..\r\n", b"a\r\n\r\n" + b"\r\n." * 100000]
    kept = []
    mail = box()
    for one in odd:
        if mail.imap.append("INBOX", None, None, one)[0] == "OK":
            kept.append(one)
    assert len(kept) > 5
    line = Line(exchange, "pop3s")
    line.read()
    line.say(b"USER %s\r\n" % exchange.ALICE.encode())
    line.say(b"PASS %s\r\n" % exchange.password(exchange.ALICE).encode())
    stored = []
    mail.imap.select("INBOX")
    for n in range(1, len(kept) + 1):
        stored.append(mail.imap.fetch(str(n), "(BODY.PEEK[])")[1][0][1])
        line.socket.sendall(b"RETR %d\r\nNOOP\r\n" % n)
        assert line.read() == f"+OK {len(stored[-1])} octets"
        raw = line.held
        while not raw.endswith(b"\r\n.\r\n+OK Done\r\n") and raw != b".\r\n+OK Done\r\n":
            got = line.socket.recv(1 << 20)
            assert got
            raw += got
        line.held = b""
        raw = raw.removesuffix(b".\r\n+OK Done\r\n")
        # A client that takes CR LF, one that takes LF, and one that takes CR for the end of a line: none sees an end before.
        assert not re.search(rb"(^|[\r\n])\.([\r\n]|$)", raw)
        plain = re.sub(rb"(^|[\r\n])\.\.", rb"\1.", raw) if not re.search(rb"[\r\n]\.\.?[\r\n]\.", raw) else None
        if plain is not None and re.search(rb"\.\.\.", plain) is None:
            assert plain in (stored[-1], stored[-1] + b"\r\n"), stored[-1][:100]
    line.say(b"QUIT\r\n")


# ---- what others do meanwhile ----

def test_expunged_by_imap_meanwhile(exchange, box):
    """Numbers stay, what is gone is refused, also in the middle of a client that reads one after another; nothing is another's."""
    letters = [letter(n) for n in range(1, 21)]
    mail = box(*letters)
    pop = sign_in(exchange)
    for n in range(1, 9):
        assert text(pop.retr(n)[1]) == letters[n - 1]
    mail.remove("9:12")
    time.sleep(0.2)
    for n in range(9, 13):
        assert b"gone" in refused(pop.retr, n)
        assert b"gone" in refused(pop.top, n, 1)
    for n in (13, 14, 1, 20):
        assert text(pop.retr(n)[1]) == letters[n - 1]
    assert pop.stat() == (20, sum(map(len, letters))) and len(pop.list()[1]) == len(pop.uidl()[1]) == 20
    pop.dele(10)
    pop.dele(13)
    assert pop.quit().startswith(b"+OK")
    assert mail.count() == 15


def test_new_mail_is_the_next_sessions(exchange, box):
    mail = box(ONE)
    pop = sign_in(exchange)
    mail.add(TWO, TWO)
    assert pop.stat() == (1, 120) and b"no such message" in refused(pop.retr, 2)
    pop.dele(1)
    pop.quit()
    pop = sign_in(exchange)
    assert pop.stat() == (2, 400)
    pop.quit()


def test_two_sessions_of_one_account(exchange, box):
    """There is no lock: each has its own numbers, and both may delete."""
    mail = box(ONE, TWO, ONE)
    a, b = sign_in(exchange), sign_in(exchange)
    a.dele(1)
    a.quit()
    assert b"gone" in refused(b.top, 1, 0) and b.stat() == (3, 440)
    assert text(b.retr(2)[1]) == TWO
    b.dele(1)
    b.dele(3)
    assert b.quit().startswith(b"+OK")
    assert mail.count() == 1


# ---- unique-ids ----

def test_unique_ids_are_stable_and_never_used_again(fresh_exchange, tmp_path):
    exchange = fresh_exchange()

    def look():
        pop = sign_in(exchange)
        try:
            return [line.split()[1] for line in pop.uidl()[1]]
        finally:
            pop.quit()
    Box(exchange, ONE, TWO, ONE).close()
    first = look()
    exchange.stop()
    exchange.start()
    assert look() == first
    pop = sign_in(exchange)
    for n in (2, 3):
        pop.dele(n)
    pop.quit()
    exchange.stop()
    exchange.start()
    mail = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls())
    mail.login(exchange.ALICE, exchange.password(exchange.ALICE))
    mail.append("INBOX", None, None, TWO)
    mail.logout()
    second = look()
    assert second[0] == first[0] and second[1] not in first
    # Another name of the server, and of the account.
    exchange.stop()
    exchange.config.write_text(exchange.config.read_text().replace('hostname = "localhost"', 'hostname = "pop.example.net"'))
    exchange.run("account", "rename", exchange.ALICE, "carol@example.org")
    exchange.PASSWORDS = {exchange.ALICE: exchange.password(exchange.ALICE), "carol@example.org": exchange.password(exchange.ALICE)}
    exchange.config.write_text(exchange.config.read_text().replace('hostname = "pop.example.net"', 'hostname = "localhost"'))
    exchange.start()
    exchange.run("account", "rename", "carol@example.org", exchange.ALICE)
    assert look() == second
    # A backup that is put back: nothing has been given out since it was made.
    exchange.run("backup", str(tmp_path / "copy"))
    exchange.stop()
    exchange.run("restore", str(tmp_path / "copy"))
    exchange.start()
    assert look() == second


# ---- only QUIT removes ----

@pytest.mark.parametrize("how", ["closes", "resets", "half closes", "half a QUIT", "is told to stop"])
def test_nothing_is_removed_without_quit(fresh_exchange, how):
    exchange = fresh_exchange()
    Box(exchange, ONE, TWO).close()
    pop = sign_in(exchange)
    pop.dele(1)
    pop.dele(2)
    if how == "resets":
        pop.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if how == "half closes":
        pop.sock.shutdown(socket.SHUT_WR)
    if how == "half a QUIT":
        pop.sock.sendall(b"QUIT")
    if how == "is told to stop":
        exchange.stop()
        exchange.start()
    else:
        pop.sock.close()
    time.sleep(0.3)
    pop = sign_in(exchange)
    assert pop.stat() == (2, 320)
    pop.quit()


def test_quit_removes_when_the_client_has_hung_up(exchange, box):
    """QUIT was said: that nobody waits for its answer changes nothing."""
    mail = box()
    mail.add(*(letter(n) for n in range(60)))
    pop = sign_in(exchange)
    for n in range(1, 60, 2):
        pop.dele(n)
    pop.sock.sendall(b"QUIT\r\n")
    pop.sock.close()
    end = time.monotonic() + 20
    while mail.count() != 30 and time.monotonic() < end:
        time.sleep(0.05)
    assert mail.count() == 30


# ---- many messages, pipelined ----

def pipeline(pop, commands, last):
    """Sends as much as the server takes, and reads what it says meanwhile, until it ends with last. One thread: two must not
    use one TLS connection."""
    got, sent = bytearray(), 0
    pop.sock.setblocking(False)
    end = time.monotonic() + 120
    while not got.endswith(last):
        assert time.monotonic() < end, bytes(got[-200:])
        try:
            sent += pop.sock.send(commands[sent:sent + 16384]) if sent < len(commands) else 0
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        try:
            piece = pop.sock.recv(1 << 16)
            assert piece, bytes(got[-200:])
            got += piece
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            select.select([pop.sock], [pop.sock] if sent < len(commands) else [], [], 1)
    pop.sock.setblocking(True)
    return bytes(got)


def test_many_messages(fresh_exchange, tmp_path):
    """Ten thousand: listings are whole, a pipeline of RETR and DELE goes through, QUIT removes them in portions."""
    count = 10000
    exchange = fresh_exchange(start=False)
    mbox = tmp_path / "many"
    mbox.write_bytes(b"".join(b"From x@example.net Mon Nov 23 12:00:00 2026\nSubject: %d\n\n.%d\n\n" % (n, n) for n in range(1, count + 1)))
    exchange.run("account", "import", exchange.ALICE, str(mbox), "--mailbox", "INBOX", timeout=300)
    exchange.start()
    pop = sign_in(exchange)
    names = [line.split()[1] for line in pop.uidl()[1]]
    sizes = [int(line.split()[1]) for line in pop.list()[1]]
    assert len(set(names)) == len(sizes) == count and pop.stat() == (count, sum(sizes))
    kept = [n for n in range(1, count + 1) if n % 3]
    got = pipeline(pop, b"".join(b"RETR %d\r\nDELE %d\r\n" % (n, n) for n in kept), b"+OK message %d deleted\r\n" % kept[-1])
    at = 0
    for n in kept:
        answer, letters_end = got.index(b"\r\n", at) + 2, got.index(b"\r\n.\r\n", at) + 2
        assert got.startswith(b"+OK", at) and got[answer:letters_end].endswith(b"\r\n..%d\r\n" % n), n
        assert letters_end - answer - 1 == sizes[n - 1]
        at = letters_end + 3
        assert got.startswith(b"+OK message %d deleted\r\n" % n, at)
        at = got.index(b"\r\n", at) + 2
    assert at == len(got)
    assert pop.quit().startswith(b"+OK")
    pop = sign_in(exchange)
    assert [line.split()[1] for line in pop.uidl()[1]] == names[2::3]
    pop.quit()


def test_a_client_that_reads_slowly_and_wants_much(exchange, box):
    """Commands without end whose answers it does not take: the server does not hold them, and others go on."""
    box(letter(1, 20000), letter(2, 20000))
    slow = sign_in(exchange)
    slow.sock.setblocking(False)
    with pytest.raises(OSError):  # it would block: the server reads no further
        for _ in range(10000):
            slow.sock.send(b"RETR 1\r\nLIST\r\nRETR 2\r\n" * 50)
    pop = sign_in(exchange)
    assert text(pop.retr(1)[1]) == letter(1, 20000)
    pop.quit()
    slow.sock.close()


# ---- row 2: STARTTLS injection ----

@pytest.mark.parametrize("how", ["in one segment", "octet by octet"])
def test_stls_injection(exchange, box, how):
    """CVE-2021-38542 and its kin: what is sent in clear behind STLS is answered by nobody; what was said before is forgotten."""
    mail = box(ONE)
    t = Line(exchange, "pop3")
    t.read()
    t.say(b"CAPA\r\n")
    while t.read() != ".":
        pass
    injected = b"STLS\r\nUSER evil\r\nPASS evil\r\nCAPA\r\nQUIT\r\n"
    if how == "in one segment":
        t.socket.sendall(injected)
    else:
        t.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in injected[:6]:
            t.socket.sendall(bytes([octet]))
    assert t.read() == "+OK Begin TLS negotiation"
    t.start_tls()
    assert "USER comes before" in t.say(b"PASS evil\r\n", b"-ERR")
    t.say(b"CAPA\r\n")
    capabilities = []
    while capabilities[-1:] != ["."]:
        capabilities.append(t.read())
    assert "STLS" not in capabilities and "USER" in capabilities and any(c.startswith("SASL ") for c in capabilities)
    t.say(b"QUIT\r\n")
    assert t.closed() and mail.count() == 1


# ---- row 9: authentication ----

PLAIN = b"\0alice@example.org\0the fish swims at dawn"
GOOD = base64.b64encode(PLAIN)
TRICKS = [GOOD[:8] + b"\t" + GOOD[8:], GOOD[:8] + b"\0" + GOOD[8:], GOOD[:8] + b"====" + GOOD[8:], GOOD + b"====", GOOD + b"AAAA",
          GOOD[:-1], GOOD.rstrip(b"=") + b"=" * (len(GOOD) - len(GOOD.rstrip(b"=")) + 4), GOOD[:8] + b" " + GOOD[8:],
          GOOD[:8] + b"-_" + GOOD[8:], base64.b64encode(PLAIN + b"\0"), base64.b64encode(PLAIN[1:]),
          base64.b64encode(b"bob@example.org" + PLAIN), base64.b64encode(PLAIN.replace(b"\0the", b"\0\0the")), b"=", b"*\0"]


def test_base64_tricks_are_refused(exchange):
    """CVE-2026-33603: tabs, NULs, padding in the middle, characters of other alphabets; and fields that are not PLAIN's."""
    for trick in TRICKS:
        for inline in (True, False):
            t = Line(exchange, "pop3s")
            t.read()
            if inline:
                t.say(b"AUTH PLAIN %s\r\n" % trick, b"-ERR")
            else:
                t.say(b"AUTH PLAIN\r\n", b"+ ")
                t.say(b"%s\r\n" % trick, b"-ERR")
            t.socket.close()
    t = Line(exchange, "pop3s")
    t.read()
    t.say(b"AUTH PLAIN %s\r\n" % GOOD)
    t.socket.close()


def test_no_credentials_in_the_log(fresh_exchange):
    exchange = fresh_exchange({"log_level": '"debug"'}, accounts=(), start=False)
    secret, wrong = "Pw-kYd8-right-Zq1", "Pw-kYd8-wrong-Zq2"
    exchange.account_add("carol@example.org", secret)
    exchange.start()
    for word in (secret, wrong):
        plain = base64.b64encode(f"\0carol@example.org\0{word}".encode())
        for words in (b"USER carol@example.org\r\nPASS " + word.encode(), b"AUTH PLAIN " + plain, b"AUTH PLAIN " + plain + b"!",
                      b"AUTH PLAIN\r\n" + plain, b"USER " + word.encode() + b"\r\nPASS x", word.encode(), b"PASS " + word.encode(),
                      b"APOP carol@example.org " + word.encode(), b"USER carol@example.org\r\nPASS " + word.encode() + b"\r\nLIST " +
                      word.encode()):
            t = Line(exchange, "pop3s")
            t.socket.sendall(words + b"\r\nQUIT\r\n")
            while t.socket.recv(4096):
                pass
    exchange.stop()
    log = exchange.log()
    assert log.count("\n") > 10
    for word in (secret, wrong):
        for form in (word, word[3:], *(base64.b64encode(b"x" * k + word.encode())[4:-4].decode() for k in range(3))):
            assert form not in log, form


# ---- curl ----

def test_curl(exchange, box, tmp_path):
    mail = box(ONE, TWO, letter(3, 30000))
    user = f'user = "{exchange.ALICE}:{exchange.password(exchange.ALICE)}"\n'

    def curl(url, *words):
        return subprocess.run(["curl", "--silent", "--show-error", "--max-time", "60", "--cacert", str(exchange.certificate), "--config",
                               "-", *words, url], input=user.encode(), capture_output=True, check=True).stdout
    for base, words in ((f"pop3s://localhost:{exchange.port('pop3s')}/", ()),
                        (f"pop3://localhost:{exchange.port('pop3')}/", ("--ssl-reqd",)),
                        (f"pop3s://localhost:{exchange.port('pop3s')}/", ("--login-options", "AUTH=PLAIN")),
                        (f"pop3s://localhost:{exchange.port('pop3s')}/", ("--login-options", "AUTH=PLAIN", "--sasl-ir"))):
        assert curl(base, *words).splitlines() == [b"1 120", b"2 200", b"3 %d" % len(letter(3, 30000))]
        assert curl(base + "1", *words) == ONE and curl(base + "2", *words) == TWO and curl(base + "3", *words) == letter(3, 30000)
        assert len(curl(base, *words, "--request", "UIDL").splitlines()) == 3
        assert curl(base, *words, "--request", "TOP 2 1") == b"Subject: two\r\n\r\nline 1 of the letter.\r\n"
    curl(base + "2", "--request", "DELE", "--head")
    assert mail.count() == 2


# ---- many at once, and the end ----

def test_sessions_while_mail_comes_and_goes(fresh_exchange):
    """Clients that fetch and delete, IMAP that expunges, mail that arrives: no answer is another message's, nothing is lost."""
    exchange = fresh_exchange({"connections_peer": "200"})
    mail = Box(exchange, *(letter(n) for n in range(200)))
    problems, stop = [], threading.Event()

    def fetch(seed):
        pick = random.Random(seed)
        try:
            while not stop.is_set():
                pop = sign_in(exchange)
                names = {}
                for line in pop.uidl()[1]:
                    n, name = line.split()
                    names[int(n)] = name
                for n in list(names)[:20]:
                    try:
                        got = text(pop.retr(n)[1])
                    except poplib.error_proto as e:
                        if b"gone" not in e.args[0]:
                            problems.append(e)
                        continue
                    with lock:
                        if seen.setdefault(names[n], got) != got:
                            problems.append((names[n], got))
                    if pick.random() < 0.2:
                        pop.dele(n)
                pop.quit()
        except Exception as e:  # noqa: B902
            problems.append(e)

    seen, lock = {}, threading.Lock()
    threads = [threading.Thread(target=fetch, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for n in range(200, 260):
        mail.add(letter(n))
        if n % 5 == 0 and mail.count() > 3:
            mail.imap.store("1,3", "+FLAGS.SILENT", "(\\Deleted)")  # NO when a POP3 session was sooner
            mail.imap.expunge()
    stop.set()
    for t in threads:
        t.join()
    assert not problems, problems[:3]
    mail.close()


def test_it_stops_while_messages_go_out(fresh_exchange):
    exchange = fresh_exchange()
    Box(exchange, *(letter(n, 5000) for n in range(20))).close()
    pops = [sign_in(exchange) for _ in range(4)]
    for pop in pops:
        pop.sock.sendall(b"".join(b"RETR %d\r\n" % (n % 20 + 1) for n in range(200)))
    time.sleep(0.2)
    exchange.stop()

