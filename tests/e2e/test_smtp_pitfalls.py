# SPDX-License-Identifier: ISC
"""What has gone wrong in other SMTP servers, each test named after the case: rows of doc/pitfalls.md, "Server"."""
import base64
import imaplib
import os
import re
import ssl
import tempfile
import threading
import time

import pytest

from conftest import Exchange
from processes import Processes
from test_smtp import inbox, with_subject

FORMS = [b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r\n.\r", b"\r.\r\n", b"\r.\n", b"\n.\r", b"\r\n.\r\r\n",
         b"\r\n.\0\r\n", b"\r\n\0.\r\n", b"\r\0\n.\r\n"]
PLAIN = base64.b64encode(f"\0{Exchange.ALICE}\0{Exchange.PASSWORDS[Exchange.ALICE]}".encode())


@pytest.fixture(scope="module")
def server():
    with tempfile.TemporaryDirectory(prefix="letterlock-e2e-") as folder:
        one = Exchange(folder, {"port_lmtp": "0", "message_size_max": str(8 << 20), "connections_peer": "200"})
        one.account_add("bombs@example.org", "six black ravens")
        # Under AddressSanitizer what is freed is held back for a while, which is no memory of ours.
        options = [o for o in (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1:thread_local_quarantine_size_kb=64") if o]
        one.start(environment={**os.environ, "ASAN_OPTIONS": ":".join(options)})
        try:
            yield one
        finally:
            one.stop()


class Dialogue:
    """Replies one by one, lines of several as the last one's."""

    def __init__(self, s):
        self.socket, self.file = s, s.makefile("rb")
        assert self.reply().startswith(b"220 ")

    def reply(self):
        while (line := self.file.readline())[3:4] == b"-":
            pass
        return line

    def say(self, octets, *codes):
        """Sends, and expects these codes; gives the last reply."""
        self.socket.sendall(octets)
        got = [self.reply() for _ in codes]
        assert [g[:3] for g in got] == [str(c).encode() for c in codes], (octets[:100], got)
        return got[-1]

    def close(self):
        self.file.close()
        self.socket.close()


def spoken(server, port):
    """A connection on which MAIL may come, and the sender's address."""
    d = Dialogue(server.connect(port, tls=port == "submissions"))
    d.say((b"LHLO" if port == "lmtp" else b"EHLO") + b" client.example.net\r\n", 250)
    if port == "submissions":
        d.say(b"AUTH PLAIN " + PLAIN + b"\r\n", 235)
    return d, b"alice@example.org" if port == "submissions" else b"carol@example.net"


PORTS = ("smtp", "submissions", "lmtp")


# ---- 1. SMTP smuggling ----

@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("by", ["DATA", "BDAT", "BDAT in two", "BDAT octet by octet"])
def test_pitfall_server_1_smuggling(server, port, by):
    """Every form, on every port, by DATA and by BDAT with the cut inside: refused, and the second message is none."""
    d, sender = spoken(server, port)
    for number, form in enumerate(FORMS):
        first = b"From: <%s>\r\nSubject: smuggler %d\r\n\r\nfirst" % (sender, number)
        second = b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nsecond\r\n" % sender
        d.say(b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\n" % sender, 250, 250)
        if by == "DATA":
            d.say(b"DATA\r\n", 354)
            refusal = d.say(first + form + second + b".\r\n", 550)
        else:
            text = first + form + second
            cut = len(first) + len(form) // 2
            pieces = {"BDAT": [text], "BDAT in two": [text[:cut], text[cut:]],
                      "BDAT octet by octet": [text[i:i + 1] for i in range(len(text))]}[by]
            sent = b"".join(b"BDAT %d%s\r\n%s" % (len(p), b" LAST" if i + 1 == len(pieces) else b"", p)
                            for i, p in enumerate(pieces))
            d.socket.sendall(sent)
            while (refusal := d.reply()).startswith(b"250 "):
                assert b"Kept" not in refusal
            if len(pieces) > 2:  # what is in the pipe is refused, and too much of it ends the connection
                d.close()
                d, sender = spoken(server, port)
        assert re.match(rb"550 5\.(5\.2|6\.0) ", refusal), (form, refusal)
        d.socket.sendall(b"RSET\r\n")
        while not (line := d.reply()).startswith(b"250 2.0.0 Forgotten"):
            assert line.startswith(b"503 "), line
    d.close()
    assert not [m for m in inbox(server, server.BOB) if "smuggle" in (m["Subject"] or "")]


def test_pitfall_server_1_lines_over_998_octets_are_kept(server):
    d, sender = spoken(server, "smtp")
    text = b"Subject: long lines\r\n\r\n" + b"x" * 70000 + b"\r\n" + b"y" * 999 + b"\r\n"
    d.say(b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\nBDAT %d LAST\r\n%s" % (sender, len(text), text), 250, 250, 250)
    d.close()
    (got,) = with_subject(server, server.BOB, "long lines")
    assert got.get_payload() == "x" * 70000 + "\r\n" + "y" * 999 + "\r\n"


# ---- 2. STARTTLS ----

@pytest.mark.parametrize("port", ["smtp", "submission", "lmtp"])
def test_pitfall_server_2_starttls_injection(server, port):
    """What came in the segment of STARTTLS is gone, EHLO and MAIL with it; so is half a BDAT."""
    hello = b"LHLO" if port == "lmtp" else b"EHLO"
    for injected in (hello + b" injected.example.net\r\nNOOP\r\n", b"MAIL FROM:<ceo@example.org>\r\nRCPT TO:<bob@example.org>\r\n",
                     b"BDAT 100\r\nSubject: injected\r\n", b"\x16\x03\x01"):
        d = Dialogue(server.connect(port))
        d.say(hello + b" client.example.net\r\n", 250)
        d.say(b"STARTTLS\r\n" + injected, 220)
        d.socket.settimeout(10)
        d.socket = server.tls().wrap_socket(d.socket, server_hostname="localhost")
        d.file = d.socket.makefile("rb")
        d.say(b"NOOP\r\n", 250)
        d.say(b"MAIL FROM:<alice@example.org>\r\n", 503)
        d.say(hello + b" client.example.net\r\n", 250)
        d.close()


@pytest.mark.parametrize("port", ["smtp", "submissions", "lmtp"])
@pytest.mark.parametrize("notify", [True, False])
def test_pitfall_server_2_tls_ends_in_the_middle_of_bdat(server, port, notify):
    """CVE-2026-45185: a TLS close, or clear octets, in the middle of a chunk: the end of the connection and of the text."""
    rest = b"x" * 40 + b"NOOP\r\nQUIT\r\n"
    bare = server.connect("submissions" if port == "submissions" else port, timeout=10)
    if port != "submissions":
        plain = Dialogue(bare)
        plain.say((b"LHLO" if port == "lmtp" else b"EHLO") + b" x\r\n", 250)
        plain.say(b"STARTTLS\r\n", 220)
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.tls().wrap_bio(coming, going, server_hostname="localhost")

    def move(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                bare.sendall(going.read())
                got = bare.recv(65536)
                if not got:
                    coming.write_eof()
                coming.write(got)
            finally:
                if going.pending:
                    bare.sendall(going.read())

    def say(octets, codes):
        tls.write(octets)
        text = b""
        while len(re.findall(rb"^\d{3} .*\r\n", text, re.M)) < codes:
            text += move(lambda: tls.read(65536))
        return text

    move(tls.do_handshake)
    sender = b"alice@example.org" if port == "submissions" else b"carol@example.net"
    if port == "submissions":
        say(b"", 1)
    say((b"LHLO" if port == "lmtp" else b"EHLO") + b" x\r\n", 1)
    if port == "submissions":
        assert say(b"AUTH PLAIN " + PLAIN + b"\r\n", 1).startswith(b"235 ")
    start = b"From: <%s>\r\nSubject: torn tls\r\n\r\n" % sender
    say(b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\n" % sender, 2)
    tls.write(b"BDAT %d LAST\r\n" % (len(start) + 40) + start)
    if notify:
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
    bare.sendall(going.read() + rest)
    answer = b""
    try:
        while got := bare.recv(65536):
            answer += got
    except ConnectionResetError:
        pass
    assert b"250" not in answer and b"220" not in answer  # records of TLS at most, and nothing in clear
    bare.close()
    assert with_subject(server, server.BOB, "torn tls") == []


def test_pitfall_server_2_connection_ends_in_the_middle_of_bdat(server):
    text = b"Subject: torn bdat\r\n\r\nbody\r\n"
    whole = b"EHLO x\r\nMAIL FROM:<carol@example.net>\r\nRCPT TO:<bob@example.org>\r\nBDAT %d\r\n%sBDAT 5 LAST\r\nend\r\n" % (
        len(text), text)
    for cut in range(0, len(whole) - 1, 2):
        with server.connect("smtp") as s:
            s.sendall(whole[:cut])
    assert with_subject(server, server.BOB, "torn bdat") == []


# ---- 3. BDAT ----

def resident(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += int(re.search(r"^Rss:\s+(\d+)", f.read(), re.M).group(1))
    return total


def test_pitfall_server_3_the_limit_holds_over_chunks_without_buffering(server):
    """200 MiB in one chunk and in many, where 8 MiB may come: dropped as they come, 552, and memory stays what it was."""
    pids = [p for kind in ("front", "mx", "mail") for p in Processes(server).all(kind)]
    block = b"x" * (1 << 20)

    def send(chunks):
        d, sender = spoken(server, "smtp")
        d.say(b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\n" % sender, 250, 250)
        for size in chunks:
            d.socket.sendall(b"BDAT %d\r\n" % (size << 20))
            for _ in range(size):
                d.socket.sendall(block)
        codes = [d.reply()[:7] for _ in chunks]
        d.close()
        return codes

    send([4])
    before = resident(pids)
    assert send([200]) == [b"552 5.3"]
    assert send([4, 4, 1, 2]) == [b"250 2.0", b"250 2.0", b"552 5.3", b"503 5.5"]
    assert resident(pids) - before < 24 << 10, "kibibytes"
    assert with_subject(server, server.BOB, "") == []


def test_pitfall_server_3_thousands_of_tiny_chunks(server):
    """60,000 chunks of one octet, pipelined: one message, and the processes that hold it grow by next to nothing."""
    pids = [p for kind in ("front", "mx") for p in Processes(server).all(kind)]
    head, body = b"Subject: tiny\r\n\r\n", b"abcdefghijklmnopqrst\r\n" * 2700
    d, sender = spoken(server, "smtp")
    d.say(b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\nBDAT %d\r\n%s" % (sender, len(head), head), 250, 250, 250)
    before = resident(pids)
    wire = b"".join(b"BDAT 1\r\n%c" % c for c in body)
    thread = threading.Thread(target=d.socket.sendall, args=(wire,))
    thread.start()
    for _ in body:
        assert d.reply().startswith(b"250 2.0.0 ")
    thread.join()
    grown = resident(pids) - before
    d.say(b"BDAT 0 LAST\r\n", 250)
    d.close()
    assert grown < 8 << 10, "kibibytes"
    (got,) = with_subject(server, server.BOB, "tiny")
    assert got.get_payload().encode() == body


# ---- 7. headers that are bombs ----

def test_pitfall_server_7_header_bombs(server):
    """A header over the bound is refused, one below it with thousands of fields, or of nested comments, is kept and read fast."""
    d, sender = spoken(server, "submissions")

    def submit(header):
        text = b"From: alice@example.org\r\n" + header + b"\r\nx\r\n"
        d.say(b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<bombs@example.org>\r\n", 250, 250)
        start = time.monotonic()
        d.socket.sendall(b"BDAT %d LAST\r\n%s" % (len(text), text))
        answer = d.reply()
        assert time.monotonic() - start < 10
        return answer

    assert submit(b"Subject: bomb\r\n" + b"X: y\r\n" * 100000).startswith(b"552 5.3.4 ")
    assert submit(b"Subject: many fields\r\n" + b"X: y\r\n" * 40000).startswith(b"250 ")
    assert submit(b"Subject: comments\r\nTo: " + b"(" * 50000 + b")" * 50000 + b" bombs@example.org\r\n").startswith(b"250 ")
    assert submit(b"Subject: open\r\nTo: " + b"(" * 100000 + b"\r\n").startswith(b"554 5.6.0 ")
    assert submit(b"Sender: " + b"(" * 100000 + b"\r\n").startswith(b"550 5.7.1 ")
    assert submit(b"Sender: alice@example.org\r\n" * 9000).startswith(b"550 5.7.1 ")
    assert submit(b"Delivered-To: a@example.org\r\n" * 8000).startswith(b"554 5.4.6 ")
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(3000))
    assert submit(b"Subject: nested\r\n" + nested).startswith(b"250 ")
    d.close()
    with imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=server.tls()) as imap:
        imap.login("bombs@example.org", server.password("bombs@example.org"))
        assert imap.select("INBOX", readonly=True)[1] == [b"3"]
        for subject in ("many fields", "comments", "nested"):
            start = time.monotonic()
            number = imap.search(None, "HEADER", "SUBJECT", f'"{subject}"')[1][0].decode()
            assert imap.fetch(number, "(ENVELOPE BODYSTRUCTURE)")[0] == "OK" and time.monotonic() - start < 10


# ---- 11. loops ----

@pytest.mark.parametrize("port", PORTS)
def test_pitfall_server_11_loops(server, port):
    d, sender = spoken(server, port)

    def answer(header, by):
        text = b"From: <%s>\r\n%sSubject: in circles\r\n\r\nx\r\n" % (sender, header)
        d.say(b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\n" % sender, 250, 250)
        if by == "DATA":
            d.say(b"DATA\r\n", 354)
            d.socket.sendall(text + b".\r\n")
        else:
            d.socket.sendall(b"BDAT %d LAST\r\n%s" % (len(text), text))
        return d.reply()

    for by in ("DATA", "BDAT"):
        assert answer(b"Received: by hop.example.net; Mon, 03 Feb 2025 04:05:06 +0000\r\n" * 100, by).startswith(b"554 5.4.6 ")
        assert answer(b"Delivered-To: BOB@example.org\r\n", by).startswith(b"554 5.4.6 ")
        assert answer(b"Received: by hop.example.net; Mon, 03 Feb 2025 04:05:06 +0000\r\n" * 99, by).startswith(b"250 ")
        assert answer(b"Delivered-To: alice@example.org\r\n", by).startswith(b"250 ")
    d.close()
    assert len(with_subject(server, server.BOB, "in circles")) == 4 * (1 + PORTS.index(port))


def test_pitfall_server_11_reports_provoke_no_reports(server):
    d, sender = spoken(server, "submissions")
    text = b"From: alice@example.org\r\nSubject: no report\r\n\r\nx\r\n"
    d.say(b"MAIL FROM:<>\r\nRCPT TO:<bob@example.org> NOTIFY=SUCCESS\r\nBDAT %d LAST\r\n%s" % (len(text), text), 250, 250, 250)
    d.close()
    assert not [m for m in inbox(server, server.ALICE) if "no report" in str(m)]


# ---- 12. backscatter ----

@pytest.mark.parametrize("port", PORTS)
def test_pitfall_server_12_recipients_are_decided_at_rcpt(server, port):
    d, sender = spoken(server, port)
    for address, code in ((b"nobody@example.org", b"550 5.1.1 "), (b"dave@example.com", b"250 2.1.5 " if port == "submissions" else b"550 5.7.1 "),
                          ("b\u00fccher@example.org".encode(), b"550 5.1.1 "), (b"bob@example.org", b"250 2.1.5 "),
                          (b"bob+anything@example.org", b"250 2.1.5 ")):
        d.say(b"MAIL FROM:<%s> SMTPUTF8\r\n" % sender, 250)
        d.socket.sendall(b"RCPT TO:<%s>\r\n" % address)
        assert d.reply().startswith(code), address
        d.say(b"RSET\r\n", 250)
    # a stranger who names one of us as the sender and asks for reports gets nobody any mail
    if port == "smtp":
        before = len(inbox(server, server.ALICE))
        d.say(b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE,DELAY\r\n"
              b"RCPT TO:<nobody@example.org> NOTIFY=FAILURE\r\nBDAT 2 LAST\r\n\r\n", 250, 250, 550, 250)
        assert len(inbox(server, server.ALICE)) == before
    d.close()


# ---- 13. open relay ----

RELAY = [b"dave@example.com", b"\"dave@example.com\"@example.org", b"dave%example.com@example.org", b"example.com!dave@example.org",
         b"@example.org:dave@example.com", b"dave@[192.0.2.1]", b"dave@example.com.", b"dave@localhost", b"dave@EXAMPLE.com",
         "dave@ex\u00e4mple.com".encode(), b"|/bin/sh@example.org", b"postmaster@example.com"]


@pytest.mark.parametrize("port", PORTS)
def test_pitfall_server_13_no_open_relay(server, port):
    """Who has signed in may write to other domains; what looks like one of ours is nobody's there, too."""
    d, sender = spoken(server, port)
    for address in RELAY if port != "submissions" else [a for a in RELAY if a.endswith((b"@example.org", b"."))]:
        d.say(b"MAIL FROM:<%s> SMTPUTF8\r\n" % sender, 250)
        d.socket.sendall(b"RCPT TO:<%s>\r\n" % address)
        assert d.reply()[:4] in (b"550 ", b"501 "), address
        d.say(b"RSET\r\n", 250)
    d.close()


def test_pitfall_server_13_only_own_addresses(server):
    """In the envelope, From, Sender, Resent-From and Resent-Sender, by DATA and by BDAT; nothing before authentication."""
    d, sender = spoken(server, "submissions")
    for address in (b"bob@example.org", b"dave@example.com", b"alice@example.com", b"alice.@example.org", b"postmaster@example.org"):
        d.socket.sendall(b"MAIL FROM:<%s>\r\n" % address)
        assert d.reply()[:4] in (b"550 ", b"501 "), address
    d.close()
    own = b"From: alice@example.org\r\n"
    for lines in (b"From: bob@example.org\r\n", own + b"From: bob@example.org\r\n", own + b"Sender: bob@example.org\r\n",
                  own + b"Resent-From: bob@example.org\r\n", own + b"Resent-Sender: \"alice@example.org\" <ceo@example.com>\r\n",
                  b"From: alice@example.org, bob@example.org\r\n", own + b"SENDER : bob@example.org\r\n"):
        text = lines + b"Subject: not mine\r\n\r\nx\r\n"
        d, sender = spoken(server, "submissions")
        d.say(b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\n", 250, 250)
        code, refusal = (554, b"554 5.6.0 ") if lines.count(b"\r\nFrom:") else (550, b"550 5.7.1 ")  # two are one too many
        assert d.say(b"BDAT %d LAST\r\n%s" % (len(text), text), code).startswith(refusal), lines
        d.close()
    assert with_subject(server, server.BOB, "not mine") == []
    for port in ("submission", "submissions"):
        d = Dialogue(server.connect(port, tls=port == "submissions"))
        d.say(b"EHLO x\r\n", 250)
        d.say(b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nBDAT 6 LAST\r\nNOOP\r\nNOOP\r\n", 530, 503, 503, 250)
        d.close()
