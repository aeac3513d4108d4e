# SPDX-License-Identifier: ISC
"""`letterlock read --journey`: letters that came through Debian's Postfix and Exim, that were made up, and reports."""
import contextlib
import os
import pathlib
import smtplib
import ssl
import subprocess
import tempfile
import time

import pytest

from conftest import Exchange, build_folder
from processes import eventually
from test_client import Person
from zones import free_port, name_server

USER = "user0@example.org"
OURS = "mail.example.org"
EVIL = "\x1b[2J\x07"


@pytest.fixture(scope="module")
def place():
    with tempfile.TemporaryDirectory(prefix="letterlock-journey-", ignore_cleanup_errors=True) as folder:
        pathlib.Path(folder).chmod(0o755)  # Postfix and Exim have users of their own
        yield pathlib.Path(folder)


@pytest.fixture(scope="module")
def make_reader(place):
    """make_reader(hostname, address) -> who reads, at an exchange of that name, whose questions are answered at once."""
    build_folder()
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(name_server(place / "dns", {"example.net": "", "example.com": "", "example": ""}))

        def make(hostname, address):
            folder = place / f"exchange-{hostname}"
            folder.mkdir()
            exchange = Exchange(folder, {"hostname": f'"{hostname}"', "port_lmtp": str(free_port()),
                                         "resolvers": f'{{ "127.0.0.1@{port}" }}'}, accounts=())
            exchange.account_add(address, exchange.PASSWORDS.get(address, "nine white swans"))
            exchange.start()
            stack.callback(exchange.stop)
            person = Person(exchange, folder, address)
            person.setup("--name", "Reader")
            stack.callback(person.stop)
            return person
        yield make


@pytest.fixture(scope="module")
def reader(make_reader):
    return make_reader(OURS, USER)


class Peer:
    """Postfix or Exim, out of its package."""

    def __init__(self, name, folder, **more):
        self.script = pathlib.Path(os.environ.get("LETTERLOCK_TESTDATA", "/nowhere")) / "peers" / f"{name}.sh"
        if not self.script.exists() or os.geteuid() != 0:
            pytest.skip("servers of others are started by scripts in LETTERLOCK_TESTDATA, as root")
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        self.environment = {**os.environ, "PEER_DIR": str(folder), "PORT": str(self.port), "DOMAIN": "example.org",
                            "NUSERS": "1", **more}
        done = subprocess.run([self.script, "up"], env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"{name} does not start: {done.stderr[-300:]}")

    def stop(self):
        subprocess.run([self.script, "down"], env=self.environment, check=True, timeout=60)


def letter(subject, *fields, body="hello"):
    head = [*fields, "From: Carol <carol@example.net>", f"To: {USER}", f"Subject: {subject}"]
    if not any(field.startswith("Date:") for field in fields):
        head.append(time.strftime("Date: %a, %d %b %Y %H:%M:%S +0000", time.gmtime()))
    return ("\r\n".join(head) + "\r\n\r\n" + body + "\r\n").encode("latin-1")


def send(port, text, tls=True, hello="sender.example.net"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", port, local_hostname=hello, timeout=30) as smtp:
        if tls:
            smtp.starttls(context=context)
        smtp.sendmail("carol@example.net", [USER], text)


def journey(reader, subject, seconds=30):
    """Of the letter with that subject, when it is there: as JSON, and as text."""
    def number():
        return next((m["number"] for m in reader.json("inbox", stderr=False) if m.get("subject") == subject), None)
    end = time.monotonic() + seconds
    while (n := number()) is None:
        assert time.monotonic() < end, "the letter does not come"
        time.sleep(0.2)
    return (reader.json("read", n, "--journey", stderr=False)["journey"],
            reader.run("read", n, "--journey", stderr=False))


def test_through_postfix(reader, place):
    peer = Peer("postfix", place / "postfix", LMTP=f"127.0.0.1:{reader.exchange.port('lmtp')}")
    try:
        subprocess.run([peer.folder / "ns", "postconf", "-c", peer.folder / "conf", "smtpd_tls_received_header=yes"],
                       check=True, timeout=60)
        subprocess.run([peer.folder / "ns", "postfix", "-c", peer.folder / "conf", "reload"], check=True,
                       capture_output=True, timeout=60)

        def seen():
            send(peer.port, letter("by postfix"))
            return True
        eventually(seen)
        told, text = journey(reader, "by postfix")
    finally:
        peer.stop()
    first, last = told["hops"][0], told["hops"][-1]
    assert len(told["hops"]) == 2 and told["our_server"] == OURS
    assert first["from"] == "sender.example.net" and first["from_address"] == "127.0.0.1" and first["by"] == "mx.example.org"
    assert first["with"] == "ESMTPS" and first["encrypted"] and first["tls"] == "TLS 1.3" and first["cipher"].startswith("TLS_")
    assert not first["sure"] and last["sure"] and last["by"] == OURS and last["from"] == "mx.example.org" and last["connected"]
    assert last["with"] == "LMTP" and not last["encrypted"] and last["for"] == USER
    assert f"encrypted with TLS 1.3, {first['cipher']} (ESMTPS)" in text and "only claimed, by mx.example.org" in text
    assert "sure, it is the line of your own server" in text and "sender.example.net (127.0.0.1" in text


def test_through_exim(reader, place):
    """Exim keeps it, and the test carries it on, as a forwarding server would."""
    peer = Peer("exim", place / "exim")
    try:
        send(peer.port, letter("by exim"))
        folder = peer.folder / "mail" / "user0" / "new"
        (kept,) = eventually(lambda: list(folder.iterdir()) if folder.exists() else [])
        text = kept.read_bytes()
    finally:
        peer.stop()
    send(reader.exchange.port("smtp"), text[text.index(b"Received:"):].replace(b"\n", b"\r\n"), hello="mx.example.org")
    told, text = journey(reader, "by exim")
    first, last = told["hops"]
    assert first["with"] == "esmtps" and first["encrypted"] and first["tls"] == "TLS 1.3" and first["cipher"].startswith("TLS_")
    assert first["from"] == "sender.example.net" and first["from_address"] == "127.0.0.1" and first["by"] == "mx.example.org"
    assert first["for"] == USER and not first["sure"]
    assert last["sure"] and last["with"] == "ESMTPS" and last["tls"] == "TLS 1.3" and last["cipher"].startswith("TLS_")
    assert last["from"] == "mx.example.org" and last["connected"] and "2 of them encrypted" in text


def test_what_is_made_up_is_only_claimed(reader):
    """A forger writes lines in our server's name, times that cannot be, and words that would move the cursor."""
    send(reader.exchange.port("smtp"), letter(
        "made up", "Authentication-Results: other.example; dkim=pass header.d=example.com; spf=fail smtp.mailfrom=x@example.com",
        f"Authentication-Results: {OURS}; dkim=pass header.d=bank.example",
        f"Received: from bank.example (bank.example [192.0.2.1]) by {OURS} with ESMTPS id 1 (TLSv1.3 TLS_AES_256_GCM_SHA384);"
        " Fri, 27 Nov 2020 10:00:00 +0000",
        f"Received: from x{EVIL}y (bad{EVIL} [192.0.2.9]) by z{EVIL} with ESMTP{EVIL}; Fri, 27 Nov 2020 11:00:00 +0000",
        "Received: nonsense", "Date: Fri, 27 Nov 2020 09:00:00 +0000"), tls=False, hello="liar.example")
    told, text = journey(reader, "made up")
    hops = told["hops"]
    assert [hop["sure"] for hop in hops] == [False, False, False, True]
    assert [hop["understood"] for hop in hops] == [False, True, True, True]
    forged, ours = hops[2], hops[3]
    assert forged["by"] == OURS and forged["encrypted"] and "behind" in forged["odd"]
    assert ours["from"] == "liar.example" and not ours["encrypted"] and not ours["connected"] and "it took" in ours["odd"]
    assert ours["delay"] > 86400 and "it came from another name than that of the line before" in text
    assert "\x1b" not in text and "\x07" not in text
    for result in told["results"]:  # ours took the one away that was not its own
        assert not result["sure"] or "bank.example" not in str(result), told["results"]
    claimed = [r for r in told["results"] if r["server"] == "other.example"]
    assert [r["sure"] for r in claimed] == [False] and "claimed by other.example:" in text
    assert {x["method"]: x["result"] for x in claimed[0]["results"]} == {"dkim": "pass", "spf": "fail"}
    assert claimed[0]["results"][0]["properties"] == {"header.d": "example.com"}


def test_a_report_on_a_letter_of_ours(reader):
    body = ("--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; bob@example.com\r\nAction: failed\r\n"
            "Status: 5.1.1\r\nRemote-MTA: dns; mx.example.com\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
            "Final-Recipient: rfc822; dave@example.com\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n--b--")
    send(reader.exchange.port("smtp"), letter(
        "report", "MIME-Version: 1.0", "Content-Type: multipart/report; report-type=delivery-status; boundary=b", body=body))
    told, text = journey(reader, "report")
    assert told["reports"] == [
        {"recipient": "bob@example.com", "action": "failed", "status": "5.1.1", "server": "mx.example.com",
         "words": "550 5.1.1 no such user"},
        {"recipient": "dave@example.com", "action": "delayed", "status": "4.4.1"}]
    assert "bob@example.com: failed (5.1.1) at mx.example.com: 550 5.1.1 no such user" in text


def test_nobody_is_sure_where_no_name_is_known(make_reader):
    """An exchange that calls itself localhost, and was set up by an address: its line is no proof."""
    person = make_reader("localhost", Exchange.ALICE)
    with smtplib.SMTP("127.0.0.1", person.exchange.port("smtp"), timeout=30) as smtp:
        smtp.sendmail("carol@example.net", [Exchange.ALICE], letter("unsure"))
    told, text = journey(person, "unsure")
    assert "our_server" not in told and [hop["sure"] for hop in told["hops"]] == [False]
    assert "nothing of this is sure" in text
