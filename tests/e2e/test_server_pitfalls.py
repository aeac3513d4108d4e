# SPDX-License-Identifier: ISC
"""What has gone wrong in other servers: each test is named after the case."""
import imaplib
import smtplib
import socket
import time

import pytest

WIDE = 20000


@pytest.fixture
def box(exchange):
    connection = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60)
    connection.login(exchange.ALICE, exchange.password(exchange.ALICE))
    assert connection.select("INBOX")[0] == "OK"
    yield connection
    connection.logout()


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


def test_end_of_tls_in_the_middle_of_a_message(exchange, box):
    """CVE-2026-45185: octets in clear behind the end of TLS are the message's end for nobody."""
    bare = exchange.connect("smtp")
    file = bare.makefile("rb")
    file.readline()
    bare.sendall(b"EHLO x\r\n")
    while file.readline()[3:4] == b"-":
        pass
    bare.sendall(b"STARTTLS\r\n")
    assert file.readline().startswith(b"220")
    safe = exchange.tls().wrap_socket(bare, server_hostname="localhost")
    safe.sendall(b"EHLO x\r\nMAIL FROM:<carol@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n")
    got = b""
    while b"\n354 " not in got:
        got += safe.recv(4096)
    safe.sendall(b"Subject: torn off by the end of TLS\r\n\r\nhalf of it")
    said = b""
    try:
        clear = safe.unwrap()
        clear.sendall(b"\r\n.\r\nNOOP\r\nQUIT\r\n")
        while piece := clear.recv(4096):
            said += piece
    except (OSError, ValueError):
        pass
    assert said == b""
    time.sleep(0.2)
    assert b"torn off by the end of TLS" not in subjects(box)


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
