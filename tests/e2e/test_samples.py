# SPDX-License-Identifier: ISC
"""The sample messages of Python's e-mail tests (package libpython3.11-testsuite), made CRLF: by IMAP they come out as they
went in, and through SMTP they are the same but for our own trace fields in front."""
import imaplib
import pathlib
import re
import smtplib

import pytest

SAMPLES = pathlib.Path("/usr/lib/python3.11/test/test_email/data")
NAMES = sorted(p.name for p in SAMPLES.glob("*.txt")) if SAMPLES.is_dir() else []

pytestmark = pytest.mark.skipif(not NAMES, reason="package libpython3.11-testsuite is not installed")


def sample(name):
    """With CRLF at every line end, whatever the file had; the last line ended too."""
    raw = re.sub(rb"\r\n|\r|\n", b"\r\n", (SAMPLES / name).read_bytes())
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


@pytest.fixture(scope="module")
def box(exchange):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
        imap.login(exchange.ALICE, exchange.password(exchange.ALICE))
        yield imap


def whole(imap, mailbox):
    """The newest message of a mailbox."""
    count = int(imap.select(mailbox)[1][0])
    answer = imap.fetch(str(count), "(BODY.PEEK[])")
    assert answer[0] == "OK"
    return answer[1][0][1]


@pytest.mark.parametrize("name", NAMES)
def test_append_gives_back_the_same_octets(box, name):
    raw = sample(name)
    box.create("samples")
    assert box.append("samples", None, None, raw)[0] == "OK"
    assert whole(box, "samples") == raw


def without_trace(raw):
    """Without the fields that delivery puts in front: Return-Path, Delivered-To, and one Received with its folded lines."""
    for field in (b"Return-Path", b"Delivered-To", b"Received"):
        m = re.match(rb"(?:" + field + rb"):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", raw)
        if m:
            raw = raw[m.end():]
    return raw


@pytest.mark.parametrize("name", NAMES)
def test_delivery_adds_trace_fields_only(exchange, box, name):
    raw = sample(name)
    with smtplib.SMTP("localhost", exchange.port("smtp")) as server:
        server.ehlo("client.example.net")
        assert server.mail("sender@example.net", ["BODY=8BITMIME"])[0] == 250
        assert server.rcpt(exchange.ALICE)[0] == 250
        code, text = server.data(raw)
        assert code == 250, text
    got = whole(box, "INBOX")
    assert got.startswith((b"Return-Path:", b"Received:", b"Delivered-To:"))
    assert without_trace(got) == raw
