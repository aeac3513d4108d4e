# SPDX-License-Identifier: ISC
"""What has gone wrong in other servers: each test is named after the case."""
import base64
import imaplib
import pathlib
import re
import smtplib
import socket
import threading
import time

import pytest

from processes import Processes, Wire, eventually, frame

WIDE = 20000


@pytest.fixture
def box(exchange):
    connection = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60)
    connection.login(exchange.ALICE, exchange.password(exchange.ALICE))
    assert connection.select("INBOX")[0] == "OK"
    yield connection
    connection.logout()


class Lines:
    """A connection that is spoken to line by line."""

    def __init__(self, s):
        self.socket, self.file = s, s.makefile("rb")

    def line(self, begin):
        """The first one that begins so; b"" at the end."""
        while (line := self.file.readline()) and not line.startswith(begin):
            pass
        return line

    def say(self, words, begin):
        self.socket.sendall(words)
        return self.line(begin)

    def tls(self, exchange):
        self.file.close()
        self.socket = exchange.tls().wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()


def deliver(exchange, text):
    with smtplib.SMTP("localhost", exchange.port("smtp"), timeout=60) as server:
        assert server.sendmail("carol@example.net", [exchange.ALICE], text) == {}


def last(box):
    """The newest message, whole."""
    assert box.noop()[0] == "OK"
    return box.fetch("*", "(BODY.PEEK[])")[1][0][1]


def subjects(box):
    assert box.noop()[0] == "OK"
    return b"".join(item[1] for item in box.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (Subject)])")[1]
                    if isinstance(item, tuple))


def test_long_lines_of_text_are_kept(exchange, box):
    """Only command lines are short: real mail has lines far over 998 octets."""
    text = b"Subject: long\r\n\r\n" + b"z" * 200000 + b"\r\n." + b"y" * 70000 + b"\r\n"
    deliver(exchange, text)
    assert last(box).endswith(text)


@pytest.mark.parametrize("words", [b"DATA\r\n", b"BDAT 5000\r\n"])
def test_end_of_tls_in_the_middle_of_a_message(exchange, box, words):
    """CVE-2026-45185: octets in clear behind the end of TLS are the message's end for nobody."""
    t = Lines(exchange.connect("smtp"))
    t.line(b"220 ")
    assert t.say(b"EHLO x\r\n", b"250 ") and t.say(b"STARTTLS\r\n", b"220 ")
    t.tls(exchange)
    assert t.say(b"EHLO x\r\n", b"250 ") and t.say(b"MAIL FROM:<carol@example.net>\r\n", b"250 ")
    assert t.say(b"RCPT TO:<alice@example.org>\r\n", b"250 ")
    name = f"torn off by the end of TLS {words.decode().split()[0]}".encode()
    t.socket.sendall(words)
    if words == b"DATA\r\n":
        assert t.line(b"354 ")
    t.socket.sendall(b"Subject: " + name + b"\r\n\r\nhalf of it")
    said = b""
    try:
        clear = t.socket.unwrap()
        clear.sendall(b"x" * 5000 + b"\r\n.\r\nBDAT 5 LAST\r\nxxxxxNOOP\r\nQUIT\r\n")
        while piece := clear.recv(4096):
            said += piece
    except (OSError, ValueError):
        pass
    assert said == b""
    time.sleep(0.2)
    assert name not in subjects(box)


def test_a_client_that_only_stops_writing_is_answered(exchange, box):
    with exchange.connect("smtp") as s:
        s.sendall(b"EHLO x\r\nMAIL FROM:<carol@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n"
                  b"Subject: half closed\r\n\r\nx\r\n.\r\n")
        s.shutdown(socket.SHUT_WR)
        answers = s.makefile("rb").read().splitlines()
    assert answers[-1].startswith(b"250 2.0.0 ")
    assert b"half closed" in subjects(box)


def test_a_recipient_said_twice_has_it_once(exchange, box):
    with smtplib.SMTP("localhost", exchange.port("smtp"), timeout=60) as server:
        server.ehlo("x.example.net")
        server.mail("carol@example.net")
        for name in ("alice@example.org", "ALICE@example.org", "alice+lists@example.org"):
            assert server.rcpt(name)[0] == 250
        assert server.data(b"Subject: said three times\r\n\r\nx\r\n")[0] == 250
    assert subjects(box).count(b"said three times") == 1


BOMBS = {
    "fields": b"".join(b"X-%d: v\r\n" % i for i in range(WIDE)) + b"\r\nx\r\n",
    "comments": b"From: " + b"(" * 5 * WIDE + b"\r\n\r\nx\r\n",
    "addresses": b"To: " + b"a@b.c, " * 5 * WIDE + b"\r\n\r\nx\r\n",
    "continuations": b"Content-Type: text/plain; " + b"".join(b"a*%d=x; " % i for i in range(WIDE)) + b"\r\n\r\nx\r\n",
    "words": b"Subject: " + b"=?utf-8?q?a?= " * 2 * WIDE + b"\r\n\r\nx\r\n",
    "parts": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * 5 * WIDE,
    "multiparts": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i)
                           for i in range(2000)) + b"\r\nx\r\n",
    "prefixes": b"".join(b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n" % (b"a" * i, b"a" * i)
                         for i in range(1, 60)) + b"aaaa\r\n" * WIDE,
    "messages": b"Content-Type: message/rfc822\r\n\r\n" * 2000 + b"x\r\n",
    "references": b"References: " + b"".join(b"<%d@x> " % i for i in range(WIDE)) + b"\r\n\r\nx\r\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_header_and_mime_bombs_are_stored_and_served(box, name):
    """CVE-2024-23184, CVE-2024-23185, CVE-2026-27859 and others: never lost, never slow, only not analysed deeper."""
    bomb = BOMBS[name]
    start = time.monotonic()
    assert box.append("INBOX", None, None, bomb)[0] == "OK"
    assert last(box) == bomb
    status, data = box.fetch("*", "(ENVELOPE BODYSTRUCTURE)")
    assert status == "OK" and data[0] is not None
    assert box.search(None, "TEXT", "nowhere", "FROM", "nobody", "SENTSINCE", "1-Jan-2020")[0] == "OK"
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("kind", ["FETCH", "STORE", "SEARCH"])
def test_quadratic_uid_sets(box, kind):
    many = ",".join(["1:*"] * 12000)
    words = {"FETCH": ("FETCH", many, "(FLAGS)"), "STORE": ("STORE", many, "+FLAGS", "(kept)"),
             "SEARCH": ("SEARCH", "UID", many)}
    assert box.append("INBOX", None, None, b"Subject: one\r\n\r\nx\r\n")[0] == "OK"
    start = time.monotonic()
    assert box.uid(*words[kind])[0] == "OK"
    assert time.monotonic() - start < 5


def test_uids_are_never_used_again(fresh_exchange):
    """After a crash, an expunge of the newest, a rename and a mailbox made anew: no {name, UIDVALIDITY, UID} comes twice."""
    exchange = fresh_exchange()
    seen = set()

    def signed_in():
        c = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60)
        c.login(exchange.ALICE, exchange.password(exchange.ALICE))
        return c

    def add(c, name):
        status, data = c.append(name, None, None, b"Subject: x\r\n\r\nx\r\n")
        assert status == "OK"
        validity, uid = data[0].split(b"]")[0].split()[1:]
        assert (name, validity, uid) not in seen
        seen.add((name, validity, uid))

    for turn in range(3):
        c = signed_in()
        for name in ("INBOX", "old"):
            if name != "INBOX":
                assert c.create(name)[0] == "OK"
            add(c, name)
            add(c, name)
            assert c.select(name)[0] == "OK"
            assert c.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"
            assert c.expunge()[0] == "OK"
            assert c.close()[0] == "OK"
            add(c, name)
        assert c.rename("old", f"older{turn}")[0] == "OK"
        assert c.rename("INBOX", f"inbox{turn}")[0] == "OK"
        add(c, "INBOX")
        assert c.create("old")[0] == "OK"
        add(c, "old")
        assert c.delete("old")[0] == "OK"
        exchange.kill()
        exchange.start()


def test_many_search_keys_over_a_large_message(fresh_exchange):
    """A message is read and decoded once for all keys, and a search that nobody waits for ends."""
    exchange = fresh_exchange()
    keys = b" ".join(b"NOT BODY q%d NOT TEXT r%d" % (i, i) for i in range(240))

    def signed_in():
        c = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60)
        c.login(exchange.ALICE, exchange.password(exchange.ALICE))
        assert c.select("INBOX")[0] == "OK"
        return c

    c = signed_in()
    assert c.append("INBOX", None, None, b"Subject: x\r\n\r\n" + b"some words of a text\r\n" * 300000)[0] == "OK"
    assert c.noop()[0] == "OK"
    start = time.monotonic()
    c.sock.sendall(b"x SEARCH " + keys + b"\r\n")
    while not (line := c.readline()).startswith(b"x "):
        assert not line.startswith(b"* SEARCH") or line == b"* SEARCH 1\r\n"
    assert line.startswith(b"x OK")
    assert time.monotonic() - start < 20
    for _ in range(4):
        signed_in().sock.sendall(b"x SEARCH " + keys + b"\r\n")
    start = time.monotonic()
    exchange.stop()
    assert time.monotonic() - start < 10


# ---- STARTTLS through the split (NO STARTTLS, 2021; CVE-2021-38542, CVE-2022-28220) ----

CLEAR = {  # port: what leads to STARTTLS, what is injected behind it, its answer, the first words behind the handshake, theirs
    "smtp": (b"EHLO evil\r\n", b"STARTTLS\r\n", b"EHLO evil\r\nMAIL FROM:<evil@example.net>\r\nNOOP\r\n", b"220 ", b"NOOP\r\n"),
    "submission": (b"EHLO evil\r\n", b"STARTTLS\r\n", b"EHLO evil\r\nAUTH PLAIN AGV2aWwAZXZpbA==\r\nNOOP\r\n", b"220 ",
                   b"NOOP\r\n"),
    "imap": (b"a CAPABILITY\r\n", b"b STARTTLS\r\n", b"evil LOGIN evil evil\r\nevil NOOP\r\n", b"b OK", b"c NOOP\r\n"),
}


@pytest.mark.parametrize("port", CLEAR)
@pytest.mark.parametrize("how", ["in one segment", "on the way", "octet by octet"])
def test_starttls_injection(exchange, port, how):
    """What is sent in clear behind STARTTLS is answered by nobody: in the same segment, or while the process behind has not
    yet told front to shake hands, so that it waits between the two."""
    before, starttls, injected, go, first = CLEAR[port]
    of = Processes(exchange)
    t = Lines(exchange.connect(port))
    t.line(b"220 " if port != "imap" else b"* OK")
    assert t.say(before, b"250 " if port != "imap" else b"a OK")
    if how == "in one segment":
        t.socket.sendall(starttls + injected)
    elif how == "octet by octet":
        with of.standing_still(of.one("mx"), of.one("mail")):
            for octet in starttls + injected:
                t.socket.sendall(bytes([octet]))
            time.sleep(0.1)
    else:
        with of.standing_still(of.one("mx"), of.one("mail")):
            t.socket.sendall(starttls)
            if port == "smtp":
                time.sleep(0.1)
                t.socket.sendall(injected)
                time.sleep(0.1)
    assert t.line(go)
    t.tls(exchange)
    t.socket.sendall(first + (b"d LOGOUT\r\n" if port == "imap" else b"QUIT\r\n"))
    said = t.file.read().splitlines()
    t.close()
    assert not any(b"evil" in line for line in said), said
    if port == "imap":
        assert [line.split()[0] for line in said] == [b"c", b"*", b"d"], said
    else:
        assert [line[:3] for line in said] == [b"250", b"221"], said


@pytest.mark.parametrize("port", CLEAR)
def test_what_was_said_before_tls_is_forgotten(exchange, port):
    """RFC 3207 4.2: EHLO; RFC 9051 6.2.1: capabilities."""
    before, starttls, _, go, _ = CLEAR[port]
    t = Lines(exchange.connect(port))
    t.line(b"220 " if port != "imap" else b"* OK")
    clear = t.say(b"x CAPABILITY\r\n", b"* CAPABILITY") if port == "imap" else b""
    assert t.say(before, b"250 " if port != "imap" else b"a OK") and t.say(starttls, go)
    t.tls(exchange)
    if port == "imap":
        secure = t.say(b"c CAPABILITY\r\n", b"* CAPABILITY")
        assert b"STARTTLS" in clear and b"LOGINDISABLED" in clear and b"AUTH=" not in clear
        assert b"STARTTLS" not in secure and b"LOGINDISABLED" not in secure and b"AUTH=PLAIN" in secure
        assert t.say(b"e STARTTLS\r\n", b"e BAD")
    else:
        t.socket.sendall(b"MAIL FROM:<c@example.net>\r\n" if port == "smtp" else b"AUTH PLAIN AGEAYg==\r\n")
        assert t.file.readline().startswith(b"503 ")
        t.socket.sendall(b"EHLO x\r\n")
        offered = [t.file.readline()]
        while offered[-1][3:4] == b"-":
            offered.append(t.file.readline())
        assert not any(b"STARTTLS" in line for line in offered)
        t.socket.sendall(b"STARTTLS\r\n")
        assert t.file.readline()[:1] == b"5"
    t.close()


# ---- authentication ----

def sign_in(exchange, address, secret, source="127.0.0.1"):
    """The last line of the answer over SMTP."""
    s = socket.create_connection(("127.0.0.1", exchange.port("submissions")), 30, (source, 0))
    t = Lines(exchange.tls().wrap_socket(s, server_hostname="localhost"))
    assert t.line(b"220 ") and t.say(b"EHLO x\r\n", b"250 ")
    t.socket.sendall(b"AUTH PLAIN " + base64.b64encode(b"\0" + address + b"\0" + secret) + b"\r\n")
    line = t.file.readline()
    t.close()
    return line


def processor_ns(pid):
    """What all threads of a process have taken of a processor."""
    total = 0
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((thread / "schedstat").read_text().split()[0])
    return total


def test_an_unknown_account_is_answered_like_a_wrong_password(exchange):
    """
    The same words at the same cost, be it one that has app passwords or none; each from an address of its own, so that
    nothing is slowed. The cost is auth's time on a processor: how long it waits for one says nothing.
    """
    exchange.run("account", "app-password", "add", "bob@example.org", "one")
    names = {"known": b"alice@example.org", "with app passwords": b"bob@example.org", "unknown": b"nobody-there@example.org",
             "elsewhere": b"alice@elsewhere.example"}
    auth = Processes(exchange).one("auth")
    for secret in (b"no such password", b"yd7k-3ohq-1xuw-b9ge-m8ac-tf5n-zp6r"):
        words, times = set(), {name: [] for name in names}
        for n in range(6):
            for k, (name, address) in enumerate(names.items()):
                before = processor_ns(auth)
                words.add(sign_in(exchange, address, secret, f"127.{n + 60 + len(secret)}.{k + 1}.1"))
                times[name].append(processor_ns(auth) - before)
        assert len(words) == 1 and next(iter(words)).startswith(b"535 "), words
        # What else runs here only adds.
        cost = {name: min(t) for name, t in times.items()}
        assert min(cost.values()) > 5_000_000 and max(cost.values()) < 1.4 * min(cost.values()), cost


PLAIN = b"\0alice@example.org\0the fish swims at dawn"
GOOD = base64.b64encode(PLAIN)
TRICKS = [GOOD[:8] + b"\t" + GOOD[8:], GOOD[:8] + b"\0" + GOOD[8:], GOOD[:8] + b"====" + GOOD[8:], GOOD + b"====", GOOD + b"AAAA",
          GOOD[:-1], GOOD.rstrip(b"=") + b"=" * (len(GOOD) - len(GOOD.rstrip(b"=")) + 4), GOOD[:8] + b" " + GOOD[8:], GOOD[:8] + b"-_" + GOOD[8:],
          base64.b64encode(PLAIN + b"\0"), base64.b64encode(PLAIN[1:]), base64.b64encode(b"bob@example.org" + PLAIN),
          base64.b64encode(PLAIN.replace(b"\0the", b"\0\0the")), b"=", b"", b"*\0"]


@pytest.mark.parametrize("port", ["submissions", "imaps"])
def test_base64_tricks_are_refused(exchange, port):
    """CVE-2026-33603: tabs, NULs, padding in the middle, characters of other alphabets; and fields that are not PLAIN's."""
    good = {"submissions": b"AUTH PLAIN %s\r\n", "imaps": b"a AUTHENTICATE PLAIN %s\r\n"}[port]

    def answer(n, words):
        # From an address of its own: wrong passwords slow each other.
        s = socket.create_connection(("127.0.0.1", exchange.port(port)), 30, (f"127.{n + 100}.{len(port)}.1", 0))
        t = Lines(exchange.tls().wrap_socket(s, server_hostname="localhost"))
        t.line(b"220 " if port == "submissions" else b"* OK")
        if port == "submissions":
            t.say(b"EHLO x\r\n", b"250 ")
        t.socket.sendall(words)
        line = t.file.readline()
        while line.startswith((b"334", b"+")):
            t.socket.sendall(b"*\r\n")
            line = t.file.readline()
        t.close()
        return line

    for n, trick in enumerate(TRICKS):
        said = answer(n, good % trick)
        assert said[:1] in (b"5", b"") if port == "submissions" else said.startswith((b"a BAD", b"a NO", b"* BYE")) or not said, (
            trick, said)
    assert answer(99, good % GOOD)[:5] in (b"235 2", b"a OK ", b"* CAP")


def test_bad_input_of_one_does_not_hurt_another(exchange):
    """While some send base64 that is none, and end in the middle of it, others sign in."""
    stop, problems = threading.Event(), []

    def bad(n):
        while not stop.is_set():
            try:
                s = socket.create_connection(("127.0.0.1", exchange.port("submissions")), 30, (f"127.200.{n}.1", 0))
                t = Lines(exchange.tls().wrap_socket(s, server_hostname="localhost"))
                t.line(b"220 ")
                t.say(b"EHLO x\r\n", b"250 ")
                t.say(b"AUTH PLAIN " + TRICKS[n % len(TRICKS)] + b"\r\n", b"5")
                t.socket.sendall(b"AUTH PLAIN " + GOOD[:20])
                t.close()
            except OSError:
                pass

    threads = [threading.Thread(target=bad, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for _ in range(15):
        line = sign_in(exchange, b"alice@example.org", b"the fish swims at dawn")
        if not line.startswith(b"235 "):
            problems.append(line)
    stop.set()
    for t in threads:
        t.join()
    assert not problems, problems


def test_held_back_in_both_ways(fresh_exchange):
    """A guess by AUTHENTICATE and one by LOGIN, held back at once, are two: nobody else notices when they are answered."""
    exchange = fresh_exchange()

    def say(words, source):
        t = Lines(exchange.tls().wrap_socket(socket.create_connection(("127.0.0.1", exchange.port("imaps")), 30, (source, 0)),
                                             server_hostname="localhost"))
        t.line(b"* OK")
        t.socket.sendall(words + b"\r\n")
        return t

    def plain(address, secret):
        return b"a AUTHENTICATE PLAIN " + base64.b64encode(f"\0{address}\0{secret}".encode())

    for _ in range(3):
        assert say(plain(exchange.ALICE, "wrong"), "127.5.0.1").file.readline().startswith(b"a NO")
    held = [say(plain(exchange.ALICE, "wrong"), "127.5.0.1")]
    time.sleep(0.1)
    held.append(say(b"a LOGIN alice@example.org wrong", "127.5.0.1"))
    assert [t.file.readline()[:4] for t in held] == [b"a NO", b"a NO"]
    for n in range(5):
        assert say(plain(exchange.BOB, exchange.password(exchange.BOB)), f"127.6.{n}.1").file.readline().startswith(b"a OK")


def test_no_credentials_in_the_log(fresh_exchange):
    """At the most talkative level: right and wrong ones, in every mechanism, whole and broken, and in the wrong field."""
    exchange = fresh_exchange({"log_level": '"debug"'}, accounts=(), start=False)
    secret, wrong = "Pw-kYd8-right-Zq1", "Pw-kYd8-wrong-Zq2"
    exchange.account_add("carol@example.org", secret)
    exchange.start()
    exchange.run("account", "password", "carol@example.org", secret=secret)
    for n, word in enumerate((secret, wrong)):
        plain = base64.b64encode(f"\0carol@example.org\0{word}".encode())
        sign_in(exchange, b"carol@example.org", word.encode(), f"127.1.{n}.1")
        sign_in(exchange, word.encode(), b"carol@example.org", f"127.2.{n}.1")
        for words in (b'a LOGIN carol@example.org "%s"' % word.encode(), b"a AUTHENTICATE PLAIN " + plain,
                      b"a AUTHENTICATE PLAIN " + plain + b"!", b"a LOGIN %s" % word.encode(), b"%s LOGIN x y" % word.encode(),
                      b"a LOGIN carol@example.org {%d+}\r\n%s" % (len(word), word.encode())):
            t = Lines(exchange.connect("imaps", tls=True))
            t.socket.sendall(words + b"\r\nz LOGOUT\r\n")
            t.file.read()
            t.close()
        with exchange.connect("hkp") as s:
            s.sendall(b"POST /pks/add HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " +
                      base64.b64encode(f"carol@example.org:{word}".encode()) +
                      b"\r\nContent-Length: 3\r\nConnection: close\r\n\r\nx=y")
            while s.recv(4096):
                pass
    exchange.stop()
    log = exchange.log()
    assert log.count("\n") > 20
    for word in (secret, wrong):
        for form in (word, word[3:], *(base64.b64encode(b"x" * k + word.encode())[4:-4].decode() for k in range(3))):
            assert form not in log, form


# ---- text between processes (OpenSMTPD 7.8.0p1, Postfix 2026-08, Dovecot) ----

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (debug|info|warning|error|fatal) [a-z]+\.[a-z_]+( [a-z_]+=(\"([^\"\\]|\\.)*\"|\S*))*")
INJECTED = b"\r\n2026-01-01T00:00:00Z error forged.line process=mail\ttab\0nul\x1b[31m"


def test_texts_of_clients_make_no_line_and_no_frame(fresh_exchange):
    """Line ends, NULs, tabs and escapes in user names, EHLO names, tags and addresses; nobody ends, no line is theirs."""
    exchange = fresh_exchange({"log_level": '"debug"', "fronts": "2"})
    of = Processes(exchange)
    before = of.everyone()
    sign_in(exchange, b"alice" + INJECTED, b"x", "127.3.0.1")
    sign_in(exchange, b"alice@example.org", b"x" + INJECTED, "127.3.0.2")
    for words in (b'a LOGIN {%d+}\r\n%s x' % (len(INJECTED), INJECTED), b"a" + INJECTED + b" LOGIN a b", b"a\t NOOP", b"a\0 NOOP",
                  b'a LOGIN "alice' + INJECTED[1:40].replace(b"\n", b"") + b'" x', b"a ID (\"name\" \"x\ty\x01\")",
                  b"a SELECT {%d+}\r\n%s" % (len(INJECTED), INJECTED)):
        for signed_in in (False, True):
            t = Lines(exchange.connect("imaps", tls=True))
            if signed_in:
                assert t.say(b'l LOGIN alice@example.org "the fish swims at dawn"\r\n', b"l OK")
            t.socket.sendall(words + b"\r\nz LOGOUT\r\n")
            t.file.read()
            t.close()
    for port in ("smtp", "submission"):
        for words in (b"EHLO x" + INJECTED, b"EHLO x\ty", b"EHLO x\0y", b"HELO x\x1b[31m", b"EHLO x\r\nMAIL FROM:<a\tb@example.net>",
                      b"EHLO x\r\nMAIL FROM:<\"a\x01\0b\"@example.net>", b"EHLO x\r\nMAIL FROM:<c@example.net>\r\nRCPT TO:<\"a\tb\"@example.org>",
                      b"EHLO \"forged=x\r\nMAIL FROM:<\"a forged=y\"@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n"
                      b"Subject: a\0b\x1b\r\n\r\nx\r\n."):
            with exchange.connect(port) as s:
                s.sendall(words + b"\r\nQUIT\r\n")
                s.settimeout(2)
                try:
                    while s.recv(4096):
                        pass
                except OSError:
                    pass
    with exchange.connect("hkp") as s:
        s.sendall(b"GET /pks/lookup?op=index&search=%0d%0a2026%09%00 HTTP/1.1\r\nHost: x\tforged\r\nConnection: close\r\n\r\n")
        while s.recv(4096):
            pass
    assert of.everyone() == before
    assert of.signs_in()
    for line in exchange.log().splitlines():
        assert LINE.fullmatch(line), line
        assert line.isprintable() and not re.search(r"(Z error|^| )forged\.line", line), line


def test_bad_messages_on_the_control_socket_end_only_themselves(exchange):
    """CVE-2025-62875: also many, half ones, and calls that are answered with an error."""
    of = Processes(exchange)
    before = of.everyone()
    for n, octets in enumerate([b"\xff" * 3000, b"\0" * 14, b"\x7f\xff\xff\xff\0\1", b"\0\0\0\2\0\1", b"\n\t\r\n" * 50, b"",
                                *(frame(kind, 1, b"\xff" * 40) for kind in (0, 1, 2, 3, 4, 30, 60, 72, 999, 0x8001, 0xffff))] * 3):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(exchange.data / "control.sock"))
            s.settimeout(5)
            try:
                s.sendall(octets)
                if n % 2:
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(4096):
                        pass
            except OSError:
                pass
    # One that holds its places does not keep the next out for good.
    held = []
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(exchange.data / "control.sock"))
        held.append(s)
    for s in held:
        s.close()
    eventually(lambda: "alice@example.org" in exchange.run("account", "list", check=False).stdout, 10)
    assert of.everyone() == before and of.signs_in()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(exchange.data / "control.sock"))
        wire = Wire(s.detach())
    assert wire.ask(11, b"\0")[0] is None
    wire.close()
