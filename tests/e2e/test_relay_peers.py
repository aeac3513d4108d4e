# SPDX-License-Identifier: ISC
"""Mail from and to servers of others: Debian's Postfix and Exim, over STARTTLS, both ways.

They are started by scripts in LETTERLOCK_TESTDATA, as root; which host is whose says Debian's nsd.
"""
import contextlib
import email
import pathlib
import re
import smtplib
import ssl
import subprocess
import tempfile

import pytest

from conftest import Exchange
from test_dkim_signing import dns_of, keys_of, verified
from test_journey import Peer
from test_relay import World, eventually
from zones import free_port, name_server

ALICE, BOB = Exchange.ALICE, Exchange.BOB
BODY = "caf\N{LATIN SMALL LETTER E WITH ACUTE}, and  spaces \r\n.dot\r\n..two\r\nend\r\n"


def letter(subject, body=BODY, sender=ALICE, to="user0@postfix.example"):
    return (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body).encode()


class Mta(Peer):
    def mailbox(self):
        folder = self.folder / "mail" / "user0" / "new"
        return [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []

    def got(self, subject):
        return [text for text in self.mailbox() if f"\nSubject: {subject}\n".encode() in text]

    def log(self):
        return "".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").iterdir()))

    def command(self, *words):
        done = subprocess.run([self.folder / "ns", words[0], "-c", self.folder / "conf", *words[1:]], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def is_signed(world):
    """From now on: mail hears of new keys a moment later."""
    world.send([BOB], "signed")
    return [m for m in world.inbox(world.a, BOB) if len(m.get_all("DKIM-Signature", [])) == 2]


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="letterlock-peers-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)  # Postfix and Exim have users of their own
        w = World(folder, None)
        w.b = None
        for name in ("postfix", "exim"):
            peer = Mta(name, folder / name, DOMAIN=f"{name}.example")
            stack.callback(peer.stop)
            setattr(w, name, peer)
        dns = stack.enter_context(name_server(folder / "dns", {f"{n}.example": "mx 60 IN A 127.0.0.1\n" for n in ("postfix", "exim")}))
        routes = ", ".join(f'"{n}.example=mx.{n}.example:{getattr(w, n).port}"' for n in ("postfix", "exim"))
        (folder / "a").mkdir()
        w.a = Exchange(folder / "a", {"hostname": '"a.host.example"', "resolvers": f'{{ "127.0.0.1@{dns}" }}',
                                      "dnssec_anchors": '""', "account_messages_hour": 0,
                                      "relay_routes": f"{{ {routes} }}"})
        stack.callback(w.a.stop)
        w.a.start()
        for setting in ("relay_domains=example.org", "relay_transport=smtp", "smtp_tls_security_level=may",
                        "smtpd_tls_received_header=yes", "smtp_tls_loglevel=1",
                        f"transport_maps=inline:{{example.org=smtp:[127.0.0.1]:{w.a.port('smtp')}}}"):
            w.postfix.command("postconf", "-e", setting)
        w.postfix.command("postfix", "reload")
        w.a.run("domain", "dkim", "new", "example.org", "--now")
        eventually(lambda: is_signed(w), "no letter is signed")
        yield w


def told(world, peer, to, subject, data=None, **more):
    """Sent, kept there as it was written; its text, and the line of our log."""
    with smtplib.SMTP_SSL("localhost", world.a.port("submissions"), context=world.tls(world.a), timeout=60) as smtp:
        smtp.login(ALICE, world.a.password(ALICE))
        smtp.sendmail(ALICE, [to], data or letter(subject, to=to), **more)
    (text,) = eventually(lambda: peer.got(subject), lambda: world.a.log()[-4000:] + peer.log()[-4000:])
    return text, world.logged("relay.answered result=sent", "to=" + to)[-1]


@pytest.mark.parametrize("name", ["postfix", "exim"])
def test_ours_to_theirs(world, name):
    """Over STARTTLS, with every octet, and signed so that dkimpy finds it in order behind the other server."""
    peer, to = getattr(world, name), f"user0@{name}.example"
    text, line = told(world, peer, to, f"to {name}", mail_options=["BODY=8BITMIME"])
    assert "tls=TLSv1.3" in line and f"host=mx.{name}.example" in line
    head, _, body = text.partition(b"\n\n")
    assert body == BODY.replace("\r\n", "\n").encode()
    (first, *_) = email.message_from_bytes(text).get_all("Received")
    assert re.search(r"\bwith (esmtps|ESMTPS)\b", first) and "a.host.example" in first, first
    signed = text[text.index(b"DKIM-Signature:"):].replace(b"\n", b"\r\n")
    assert verified(b"X: x\r\n" + signed, dns_of(keys_of(world.a))) == [True, True]
    assert verified(b"X: x\r\n" + signed.replace(b"spaces", b"places"), dns_of(keys_of(world.a))) == [False, False]


@pytest.mark.parametrize("name", ["postfix", "exim"])
def test_a_large_letter(world, name):
    """By BDAT, which both have: in pieces, with what DATA would have to stuff."""
    body = ".\r\n" + "".join(f"{n} .\r\n..\r\n" for n in range(60000))
    text, _ = told(world, getattr(world, name), f"user0@{name}.example", "large", letter("large", body))
    assert text.partition(b"\n\n")[2] == body.replace("\r\n", "\n").encode()
    assert name != "exim" or re.search(r"<= alice@example\.org .*\bK\b", getattr(world, name).log())


def test_letters_of_all_scripts_in_headers(world):
    """SMTPUTF8: Postfix says in its own field that it was asked for."""
    subject = "\N{GREEK CAPITAL LETTER DELTA}elta"
    text, _ = told(world, world.postfix, "user0@postfix.example", subject, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert b"with UTF8SMTPS" in text


def test_one_that_is_not_there(world):
    """The other server's answer comes to the writer as it was."""
    for name in ("postfix", "exim"):
        to = f"nobody@{name}.example"
        world.send([to], "nobody " + name)
        (report,) = world.arrives_at_alice(lambda m: m.get_content_type() == "multipart/report" and to in m.as_string())
        fields = report.get_payload(1).as_string()
        assert re.search(rf"^Final-Recipient: rfc822; *{to}$", fields, re.M | re.I), fields
        assert re.search(r"^Action: failed$", fields, re.M | re.I) and f"Remote-MTA: dns;mx.{name}.example" in fields, fields
        assert re.search(r"^Diagnostic-Code: smtp; ?550 ", fields, re.M | re.I), fields


def reports(world, to, action):
    return [m for m in world.inbox(world.a, ALICE) if m.get_content_type() == "multipart/report" and to in m.as_string() and
            re.search(rf"^Action: {action}", m.get_payload(1).as_string(), re.M | re.I)]


def test_success_is_told(world):
    """Postfix has DSN: it says itself that it delivered, and we say nothing. Exim has it not: we say that it was given on."""
    world.send(["user0@postfix.example"], "dsn", rcpt_options=["NOTIFY=SUCCESS"])
    world.send(["user0@exim.example"], "dsn", rcpt_options=["NOTIFY=SUCCESS"])
    (relayed,) = eventually(lambda: reports(world, "user0@exim.example", "relayed"), lambda: world.a.log()[-6000:])
    assert "mx.exim.example" in relayed.get_payload(1).as_string()
    (delivered,) = eventually(lambda: reports(world, "user0@postfix.example", "delivered"),
                              lambda: world.a.log()[-4000:] + world.postfix.log()[-4000:])
    assert "mx.postfix.example" in delivered.get_payload(1).as_string() and "MAILER-DAEMON@" in delivered["From"]
    assert reports(world, "user0@postfix.example", "relayed") == []


@pytest.mark.parametrize("utf8", [False, True])
def test_theirs_to_ours(world, utf8):
    """Postfix sends on to our MX over STARTTLS, 8BITMIME and SMTPUTF8 as they were asked for."""
    subject = "from postfix " + ("\N{GREEK SMALL LETTER DELTA}" if utf8 else "plain")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", world.postfix.port, local_hostname="sender.example", timeout=30) as smtp:
        smtp.starttls(context=context)
        smtp.sendmail("carol@postfix.example", [ALICE, BOB], letter(subject, sender="carol@postfix.example", to=ALICE),
                      ["BODY=8BITMIME"] + ["SMTPUTF8"] * utf8)

    def arrived(who):
        return [m for m in world.inbox(world.a, who) if str(email.header.make_header(email.header.decode_header(m["Subject"])))
                == subject or subject.encode() in m.as_bytes()]
    for who in (ALICE, BOB):
        (got,) = eventually(lambda: arrived(who), lambda: world.a.log()[-4000:] + world.postfix.log()[-4000:])
        assert got.get_payload(decode=True) == BODY.encode()
        assert got["Return-Path"] == "<carol@postfix.example>"
        ours = got.get_all("Received")[0]
        assert "by a.host.example" in ours and ("with UTF8SMTPS" if utf8 else "with ESMTPS") in ours and "TLS_" in ours, ours
    assert f"TLS connection established to 127.0.0.1[127.0.0.1]:{world.a.port('smtp')}: TLSv1.3" in world.postfix.log()


def test_postfix_bounces_what_we_refuse(world):
    with smtplib.SMTP("127.0.0.1", world.postfix.port, timeout=30) as smtp:
        smtp.sendmail("user0@postfix.example", ["nobody@example.org"], letter("refused", sender="user0@postfix.example"))
    (bounce,) = eventually(lambda: [t for t in world.postfix.mailbox() if b"nobody@example.org" in t and b"MAILER-DAEMON" in t],
                           lambda: world.postfix.log()[-4000:])
    assert b"5.1.1" in bounce
