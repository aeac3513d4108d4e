# SPDX-License-Identifier: ISC
"""What our own people write is signed: checked by dkimpy, through the keys' whole life, and while the keys do not answer.

dkimpy (Debian python3-dkim) is told the records that `domain dkim list` says; DNS itself is asked only by `activate` and
`check`, of a name server of our own.
"""
import imaplib
import json
import os
import pathlib
import signal
import smtplib

import pytest

from conftest import Exchange
from processes import Processes, eventually
from zones import check_zone, free_port, name_server

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
ZONE = "example.org"
LETTER = (b"From: Alice <alice@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n"
          b"Date: Fri, 27 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s@example.org>\r\nMIME-Version: 1.0\r\n"
          b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
          b"Some  text, \xc3\xa4nd  trailing space \r\n\r\n.dot\r\n%s\r\n\r\n\r\n")


def keys_of(exchange, domain=ZONE):
    return [json.loads(line) for line in exchange.run("domain", "dkim", "list", domain, "--json").stdout.splitlines()]


def dns_of(keys):
    """As dkimpy wants to ask."""
    records = {key["name"] + ".": key["record"].encode() for key in keys}
    return lambda name, timeout=5: records.get((name.decode() if isinstance(name, bytes) else name))


def submit(exchange, letter, sender=Exchange.ALICE, to=Exchange.BOB, who=Exchange.ALICE):
    with smtplib.SMTP_SSL("localhost", exchange.port("submissions"), context=exchange.tls(), timeout=60) as smtp:
        smtp.login(who, exchange.password(who))
        return smtp.sendmail(sender, [to], letter)


def newest(exchange, who=Exchange.BOB):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
        imap.login(who, exchange.password(who))
        imap.select("INBOX", readonly=True)
        last = imap.search(None, "ALL")[1][0].split()[-1]
        return imap.fetch(last, "(BODY.PEEK[])")[1][0][1]


def header_of(message):
    return message.partition(b"\r\n\r\n")[0] + b"\r\n"


def signatures(message):
    return header_of(message).count(b"\r\nDKIM-Signature:")


def sent(exchange, name, text=b"", **more):
    submit(exchange, LETTER % (name.encode(), text), **more)
    return newest(exchange, more.get("to", Exchange.BOB))


def holds(message, i, dns):
    try:
        return dkim.DKIM(message).verify(idx=i, dnsfunc=dns)
    except dkim.ValidationError:
        return False


def verified(message, dns):
    return [holds(message, i, dns) for i in range(signatures(message))]


@pytest.fixture(scope="module")
def signing(exchange):
    exchange.run("domain", "dkim", "new", ZONE, "--now")
    eventually(lambda: signatures(sent(exchange, "first")) == 2)
    return exchange


def test_a_letter_is_signed_twice_and_right(signing):
    message = sent(signing, "a")
    assert verified(message, dns_of(keys_of(signing))) == [True, True]
    # Behind our trace fields, in front of what the writer wrote; RSA, which everybody reads, on top.
    names = [line.split(b":")[0] for line in header_of(message).split(b"\r\n") if line[:1] not in (b"\t", b" ", b"")]
    assert names[:5] == [b"Return-Path", b"Delivered-To", b"Received", b"DKIM-Signature", b"DKIM-Signature"]
    assert message.index(b"a=rsa-sha256") < message.index(b"a=ed25519-sha256")
    assert all(len(line) <= 80 for line in header_of(message).split(b"\r\n"))


def test_a_changed_letter_is_not(signing):
    message, dns = sent(signing, "changed"), dns_of(keys_of(signing))
    for old, new in ((b"Some", b"Any"), (b"Subject: =", b"Subject: Re: ="), (b"<changed@", b"<other@"),
                     (b"From: Alice <alice@", b"From: Alice <eve@"), (b"text/plain", b"text/html"),
                     (b"\r\nTo:", b"\r\nCc: eve@example.net\r\nTo:")):  # a Cc that was not there: it is signed that none is
        assert old in message and verified(message.replace(old, new, 1), dns) == [False, False], old
    assert verified(message.replace(b"Some  text, ", b"Some text,\t"), dns) == [True, True]  # relaxed


def test_a_large_letter_is_signed_too(signing):
    """Over SERVICE_INLINE_MAX it is staged before it is whole."""
    text = b"".join(b"%d some more of it.\r\n" % i for i in range(40000))
    message = sent(signing, "large", text)
    assert len(message) > 800000 and verified(message, dns_of(keys_of(signing))) == [True, True]


def test_what_was_missing_is_signed(signing):
    submit(signing, b"Subject: no more than this\r\n\r\ntext\r\n")
    message = newest(signing)
    assert b"\r\nDate: " in message and b"\r\nFrom: <alice@example.org>" in message
    assert verified(message, dns_of(keys_of(signing))) == [True, True]


def test_mail_from_strangers_is_not_signed(signing):
    with smtplib.SMTP("localhost", signing.port("smtp"), timeout=60) as smtp:
        smtp.sendmail("eve@example.net", [Exchange.BOB], LETTER % (b"stranger", b""))
    assert b"<stranger@" in newest(signing) and signatures(newest(signing)) == 0


def test_a_header_that_is_none_is_refused(signing):
    with pytest.raises(smtplib.SMTPDataError) as refused:
        submit(signing, b"From: alice@example.org\r\nthis line is no field\r\n\r\ntext\r\n")
    assert refused.value.smtp_code == 554


def test_while_the_keys_do_not_answer_the_letter_waits(signing):
    of = Processes(signing)
    os.kill(of.one("keys"), signal.SIGSTOP)
    try:
        with pytest.raises(smtplib.SMTPDataError) as later:
            submit(signing, LETTER % (b"waits", b""))
    finally:
        os.kill(of.one("keys"), signal.SIGCONT)
    assert later.value.smtp_code == 451 and b"<waits@" not in newest(signing)
    assert "smtp.not_signed" in signing.log()
    assert signatures(sent(signing, "again")) == 2
    os.kill(of.one("keys"), signal.SIGKILL)  # and it comes back with its keys

    def signed_again():
        try:
            return signatures(sent(signing, "back")) == 2
        except smtplib.SMTPDataError as e:
            assert e.smtp_code == 451
            return False
    eventually(signed_again)


def test_a_domain_without_keys_is_not_signed_and_check_says_so(fresh_exchange):
    exchange = fresh_exchange()
    assert signatures(sent(exchange, "bare")) == 0
    assert "has no DKIM key" in exchange.run("domain", "dkim", "list", ZONE).stdout
    assert "; There is no DKIM key yet" in exchange.run("domain", "records", ZONE).stdout
    done = exchange.run("domain", "dkim", "rotate", ZONE, check=False)
    assert done.returncode == 1 and "domain dkim new" in done.stderr
    assert exchange.run("domain", "dkim", "new", "example.net", check=False).returncode == 1


class Site:
    """An exchange, and a zone that it asks."""

    def __init__(self, folder):
        self.folder, self.dns = pathlib.Path(folder), free_port()
        (self.folder / "exchange").mkdir()
        self.exchange = Exchange(self.folder / "exchange", {
            "resolvers": f'{{ "127.0.0.1@{self.dns}" }}', "dnssec_anchors": '""'})

    def dkim(self, *words, status=0, lines=""):
        with name_server(self.folder / "dns", {ZONE: lines}, port=self.dns):
            done = self.exchange.run("domain", "dkim", *words, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def states(self):
        return [key["state"] for key in keys_of(self.exchange)]

    def signs_with(self):
        """The selectors in a letter that is sent now."""
        header = header_of(sent(self.exchange, "now"))
        return {part.split(b";")[0].strip().decode() for part in header.split(b"s=")[1:] if b"DKIM" in header}


def test_the_life_of_keys(tmp_path):
    site = Site(tmp_path)
    exchange = site.exchange.start()
    try:
        said = site.dkim("new", ZONE)
        assert site.states() == ["waits", "waits"] and "Nothing is signed with them yet" in said
        first = [key["selector"] for key in keys_of(exchange)]
        assert all((exchange.data / "keys" / f"dkim-{ZONE}_{one}.waiting").stat().st_mode & 0o777 == 0o600 for one in first)
        zone = exchange.run("domain", "dkim", "list", ZONE, "--print").stdout
        assert check_zone(tmp_path, ZONE, zone) == "" and zone.count(" IN TXT ") == 2
        assert all(line in exchange.run("domain", "records", ZONE).stdout for line in zone.splitlines())
        # Only one of two records is there, then another key in its place: it does not begin.
        assert "does not have the record" in site.dkim("activate", ZONE, status=1, lines=zone.splitlines()[0] + "\n")
        wrong = zone.replace("p=MII", "p=MIJ")
        assert ", but another one" in site.dkim("activate", ZONE, status=1, lines=wrong)
        assert site.states() == ["waits", "waits"] and signatures(sent(exchange, "unsigned")) == 0
        site.dkim("activate", ZONE, lines=zone)
        assert site.states() == ["signs", "signs"]
        eventually(lambda: signatures(sent(exchange, "signed")) == 2)
        before = newest(exchange)
        with name_server(tmp_path / "dns", {ZONE: zone}, port=site.dns):
            checked = [json.loads(line) for line in exchange.run("check", "--json", ZONE, check=False).stdout.splitlines()]
        assert {"ok"} == {line["result"] for line in checked if "_domainkey" in line.get("name", "") or line["check"] == "dkim"}

        assert site.dkim("new", ZONE, status=1)
        site.dkim("rotate", ZONE)
        assert sorted(site.states()) == ["signs", "signs", "waits", "waits"]
        assert "wait" in site.dkim("rotate", ZONE, status=1)
        assert "is retired" in site.dkim("retire", ZONE, status=1)
        both = exchange.run("domain", "dkim", "list", ZONE, "--print").stdout
        site.dkim("activate", ZONE, lines=both)
        assert sorted(site.states()) == ["retired", "retired", "signs", "signs"]
        dns = dns_of(keys_of(exchange))

        def with_the_new_ones():
            message = sent(exchange, "rotated")
            return signatures(message) == 2 and not any(f"s={one};".encode() in message for one in first)
        eventually(with_the_new_ones)
        # Mail that was under way holds, as the records of both are there.
        assert verified(before, dns) == [True, True] and verified(newest(exchange), dns) == [True, True]
        assert "let" in site.dkim("rotate", ZONE, status=1)
        said = site.dkim("retire", ZONE)
        assert all(one in said for one in first) and site.states() == ["signs", "signs"]
        assert not list((exchange.data / "keys").glob("*.retired"))
    finally:
        exchange.stop()
