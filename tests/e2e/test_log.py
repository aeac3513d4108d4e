# SPDX-License-Identifier: ISC
"""The log: every event is in doc/log.md with its fields, a connection can be followed by its number, and nobody can write a
line of his own."""
import base64
import contextlib
import imaplib
import re
import smtplib
import time

import pytest

from conftest import ROOT
from processes import Processes, eventually
from test_processes import send

PAGE = ROOT / "doc" / "log.md"
LINE = re.compile(r'^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (debug|info|warning|error|fatal) ([a-z]+\.[a-z_]+)'
                  r'((?: [a-z_]+=(?:"(?:[^"\\]|\\.)*"|[^" \\]*))*)$')


def calls(text):
    """[(event, {fields})] of every log_event() and log_note() of a source file."""
    for begin in re.finditer(r"\blog_(?:event|note)\(", text):
        depth, at = 1, begin.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        call = text[begin.end():at]
        call = re.sub(r'//.*|/\*.*?\*/', "", call, flags=re.S)
        event = re.search(r'"([a-z0-9]+\.[a-z_]+)"', call)
        if event:
            fields = set(re.findall(r'\blog_(?:str|slice|u64|i64)\(\s*"(\w+)"', call))
            yield event.group(1), fields | ({"error"} if "log_error(" in call else set())


def in_source():
    found = {}
    for path in (ROOT / "src").rglob("*.c"):
        if path.parts[-2] not in ("client", "sop"):
            for event, fields in calls(path.read_text()):
                found.setdefault(event, set()).update(fields)
    return found


def in_page():
    return {event: set(re.findall(r"`(\w+)`", fields)) for event, fields in
            re.findall(r"^\| `([a-z0-9]+\.[a-z_]+)` \| [\w, ]+ \|([^|]*)\|", PAGE.read_text(), re.M)}


def test_every_event_is_in_the_page_and_every_one_of_the_page_is_there():
    source, page = in_source(), in_page()
    assert len(source) > 20
    assert set(page) == set(source)
    for event in source:
        assert page[event] - {"process"} == source[event], event


def test_no_call_was_overlooked():
    """Each call has an event of the usual form in it."""
    for path in (ROOT / "src").rglob("*.c"):
        text = path.read_text()
        if path.name not in ("log.c", "db_log.c") and path.parts[-2] not in ("client", "sop"):
            assert len(list(calls(text))) == len(re.findall(r"\blog_(?:event|note|write)\(", text)), path


def lines(exchange):
    return exchange.log().splitlines()


def events(exchange):
    """[(event, {field: value})]"""
    found = []
    for line in lines(exchange):
        m = LINE.match(line)
        assert m, f"no line of ours: {line!r}"
        found.append((m.group(3), dict(re.findall(r' (\w+)=("(?:[^"\\]|\\.)*"|\S*)', m.group(4)))))
    return found


@pytest.fixture
def talkative(fresh_exchange):
    return fresh_exchange({"fronts": "2", "log_level": '"debug"'})


def test_a_connection_can_be_followed_by_its_number(talkative):
    """From front to mx, and over a failed attempt to sign in."""
    send(talkative, "followed")
    with pytest.raises(imaplib.IMAP4.error):
        imaplib.IMAP4_SSL("localhost", talkative.port("imaps"), ssl_context=talkative.tls()).login(talkative.ALICE, "wrong")
    eventually(lambda: any(e == "auth.refused" for e, _ in events(talkative)))
    eventually(lambda: sum(e == "connection.closed" for e, _ in events(talkative)) >= 2)
    found = events(talkative)
    kept = next(f for e, f in found if e == "smtp.kept")
    refused = next(f for e, f in found if e == "auth.refused")
    for fields, process in ((kept, "mx"), (refused, "auth")):
        story = [(e, f["process"]) for e, f in found if f.get("connection") == fields["connection"]]
        assert story[0][0] == "connection.opened" and story[0][1].startswith("front")
        assert ("smtp.kept" if process == "mx" else "auth.refused", process) in story
        assert story[-1] == ("connection.closed", story[0][1])
    # No number is given twice, by whichever front.
    opened = [f["connection"] for e, f in found if e == "connection.opened"]
    assert len(opened) == len(set(opened))


def test_numbers_are_not_used_again_by_a_front_that_is_started_anew(talkative):
    of = Processes(talkative)
    of.fronts = 2
    for _ in range(2):
        for front in of.all("front"):
            of.kill(front)
        eventually(of.complete)
    opened = [f["connection"] for e, f in events(talkative) if e == "connection.opened"]
    assert len(opened) > 10 and len(opened) == len(set(opened))


HOSTILE = ["\r\n2026-01-01T00:00:00Z error parent.child_ended child=mail", "\x1b[2J\x1b[31m", "\x00\x01\x7f", "a\" event=x \"b",
           "\u202e\u2066right to left\u2069", "\xff\xfe".encode("latin-1").decode("latin-1"), "x" * 5000, "\\x0a\\", "\u2028\u2029\x85"]


def test_nobody_writes_a_line_of_his_own(talkative):
    """What strangers say is escaped: names of accounts, senders, words of EHLO, commands, over every protocol."""
    exchange = talkative
    before = len(lines(exchange))
    for text in HOSTILE:
        octets = text.encode("utf-8", "surrogateescape")
        for port, words in (("smtp", b"EHLO " + octets + b"\r\nMAIL FROM:<" + octets + b"@x.example>\r\nRCPT TO:<" + octets + b">\r\n"),
                            ("imap", octets + b" LOGIN " + octets + b"\r\n" + b"a " + octets + b"\r\n"),
                            ("hkp", b"GET /" + octets + b" HTTP/1.1\r\nHost: " + octets + b"\r\n\r\n")):
            with contextlib.suppress(OSError), exchange.connect(port, timeout=5) as s:
                s.settimeout(0.3)
                s.sendall(words)
                with contextlib.suppress(TimeoutError):
                    while s.recv(4096):
                        pass
        with contextlib.suppress(OSError), exchange.connect("imaps", tls=True, timeout=10) as s:
            s.settimeout(3)
            s.sendall(b"a LOGIN {%d+}\r\n%s {%d+}\r\n%s\r\nb LOGOUT\r\n" % (len(octets), octets, len(octets), octets))
            with contextlib.suppress(TimeoutError):
                while s.recv(4096):
                    pass
    with smtplib.SMTP("localhost", exchange.port("smtp"), timeout=30) as server:
        server.ehlo("client.example.net")
        server.sendmail('"a b\\" from=x"@example.net', [exchange.ALICE], b"Subject: x\r\n\r\nx\r\n")
    time.sleep(0.3)
    found = events(exchange)  # each line is one of ours
    assert len(found) > before
    assert not any(e == "parent.child_ended" for e, _ in found)
    text = exchange.log_path.read_bytes()
    assert not re.search(rb"[^\x20-\x7e\n]", text), "only plain ASCII"
    assert max(map(len, text.splitlines())) < 2048


def test_no_secret_is_logged(talkative):
    """Passwords that are right, wrong, in the place of the name, and broken off; in every level."""
    exchange = talkative
    secret = exchange.password(exchange.ALICE)
    with exchange.connect("imaps", tls=True, timeout=10) as s:
        s.sendall(b'a LOGIN "%s" "%s"\r\nb LOGIN "%s" "Sesame, open wide"\r\nc LOGIN %s "%s"\r\nd SELECT "%s"\r\ne %s\r\nf LOGOUT\r\n' % (
            secret.encode(), exchange.ALICE.encode(), exchange.ALICE.encode(), exchange.ALICE.encode(), secret.encode(),
            secret.encode(), secret.encode()))
        s.settimeout(10)
        while s.recv(4096):
            pass
    with exchange.connect("submissions", tls=True, timeout=10) as s:
        s.sendall(b"EHLO x\r\nAUTH PLAIN " + base64.b64encode(b"\0" + exchange.ALICE.encode() + b"\0" + secret.encode()) +
                  b"\r\nQUIT\r\n")
        s.settimeout(10)
        while s.recv(4096):
            pass
    log = exchange.log()
    assert "auth.refused" in log
    for word in (secret, "Sesame", base64.b64encode(secret.encode()).decode()[:16]):
        assert word not in log
