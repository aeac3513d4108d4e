# SPDX-License-Identifier: ISC
"""What is passed on is sealed (RFC 8617): the next server sees what we found out, and may believe us.

Two letterlockd as in test_forward; both judge, b believes example.org's seals and no others. dkimpy (Debian python3-dkim) and
npm's mailauth, where it is installed, look at the same letters.
"""
import contextlib
import os
import re
import shutil
import signal
import smtplib
import tempfile

import pytest

from conftest import Exchange
from processes import Processes
from test_relay import World, eventually, made, zone
from zones import free_port, name_server

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
CAROL, BOB = "carol@b.example", Exchange.BOB
WRITER, WRITERS_HOST = "s@sender.example", "127.0.0.3"
SPF = '@ 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"'


def records_of(exchange, domain):
    return exchange.run("domain", "dkim", "list", domain, "--print").stdout.splitlines()


def zones(a, b):
    """sender.example wants to be refused wherever it is not from its own host; other.example's key nobody believes."""
    return {"org": "", "example": "",  # DMARC asks there, too
            "example.org": zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.1", SPF, *records_of(a, "example.org")),
            "other.example": zone("@ 60 IN MX 10 mx.example.org.", SPF, *records_of(a, "other.example")),
            "keyless.example": zone("@ 60 IN MX 10 mx.example.org.", SPF),
            "host.example": zone("a 60 IN A 127.0.0.1", 'a 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"'),
            "b.example": zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.2", SPF, *records_of(b, "b.example")),
            "plain.example": zone("@ 60 IN MX 10 mx.sender.example.", f'@ 60 IN TXT "v=spf1 ip4:{WRITERS_HOST} -all"'),
            "sender.example": zone("@ 60 IN MX 10 mx", f"mx 60 IN A {WRITERS_HOST}",
                                   f'@ 60 IN TXT "v=spf1 ip4:{WRITERS_HOST} -all"', '_dmarc 60 IN TXT "v=DMARC1; p=reject"')}


class Dns:
    """As dkimpy wants to ask: the records that both exchanges print."""

    def __init__(self, *lines):
        self.records = {}
        for line in lines:
            name, text = line.split(" IN TXT ", 1)
            self.records[name.split()[0].lower()] = "".join(re.findall(r'"([^"]*)"', text)).encode()

    def __call__(self, name, timeout=5):
        return self.records.get((name.decode() if isinstance(name, bytes) else name).lower())


@pytest.fixture(scope="module")
def world():
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port, dns = free_port(), free_port()
        w = World(folder, port)
        common = {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "relay_port": port, "port_smtp": port,
                  "mail_authentication": "true"}
        w.b = Exchange(made(folder, "b"), {**common, "hostname": '"mx.b.example"', "domains": '{ "b.example" }',
                                           "listen": '{ "127.0.0.2" }', "trusted_sealers": '{ "example.org" }'}, accounts=())
        w.b.account_add(CAROL, "a password of " + CAROL)
        w.a = Exchange(made(folder, "a"), {**common, "hostname": '"a.host.example"',
                                           "domains": '{ "example.org", "other.example", "keyless.example" }'})
        for one, domains in ((w.a, ("example.org", "other.example")), (w.b, ("b.example",))):
            for domain in domains:
                one.run("domain", "dkim", "new", domain, "--now")
        for domain in ("example.org", "other.example", "keyless.example"):
            w.a.run("alias", "add", "out@" + domain, CAROL)
        w.a.run("alias", "add", "round@example.org", "back@b.example")
        w.b.run("alias", "add", "back@b.example", BOB)
        w.dns = Dns(*records_of(w.a, "example.org"), *records_of(w.a, "other.example"), *records_of(w.b, "b.example"))
        stack.enter_context(name_server(folder + "/dns", zones(w.a, w.b), port=dns))
        for one in (w.b, w.a):
            stack.callback(one.stop)
            one.start()
        w.peer(3)
        stack.callback(lambda: [p.close() for p in w.peers.values()])
        # Each has heard which keys it has when it seals for the first time.
        eventually(lambda: sealed_by(passed_on(w, "are there keys")), "nothing is sealed")
        yield w


def letter_of(subject, author=WRITER, front="", text="x\r\n"):
    return f"{front}From: {author}\r\nTo: out@example.org\r\nSubject: {subject}\r\n\r\n{text}"


def write(world, to, letter, sender=WRITER):
    with smtplib.SMTP("127.0.0.1", world.port, source_address=(WRITERS_HOST, 0), local_hostname="mx.sender.example",
                      timeout=30) as smtp:
        smtp.sendmail(sender, [to], letter)


def passed_on(world, subject, to="out@example.org", **more):
    write(world, to, letter_of(subject, **more))
    (letter,) = world.arrives(world.b, CAROL, subject)
    return letter


def flat(letter, name):
    return [" ".join(value.split()) for value in letter.get_all(name, [])]


def sealed_by(letter):
    """[(instance, cv, domain)], newest first."""
    return [re.search(r"i=(\d+); a=\S+; cv=(\w+); d=(\S+);", value).groups() for value in flat(letter, "ARC-Seal")]


def sent_on(letter):
    """What was on the wire: without the fields that the mailbox's own server put on top."""
    raw = letter.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return raw[raw.index(b"ARC-Seal:"):]


def dkimpy_says(world, letter):
    cv, results, reason = dkim.arc_verify(sent_on(letter), dnsfunc=world.dns)
    assert cv in (None, b"pass", b"fail", b"none"), reason
    return cv


def arc_result(letter):
    """None: it has no chain."""
    found = re.search(r"\barc=(\w+)", flat(letter, "Authentication-Results")[0])
    return found and found.group(1)


def test_others_see_that_it_was_right_here(world):
    letter = passed_on(world, "sealed", author="s@plain.example")
    assert sealed_by(letter) == [("1", "none", "example.org")] and arc_result(letter) == "pass"
    (found,) = flat(letter, "ARC-Authentication-Results")
    assert found.startswith("i=1; a.host.example;") and "spf=pass smtp.mailfrom=sender.example" in found
    assert dkimpy_says(world, letter) == b"pass"
    assert sent_on(letter).endswith(letter_of("sealed", author="s@plain.example").encode()), "what was written is not touched"
    changed = sent_on(letter).replace(b"Subject: sealed", b"Subject: sold")
    assert dkim.arc_verify(changed, dnsfunc=world.dns)[0] != b"pass"


def test_a_large_letter_is_sealed_too(world):
    """Over SERVICE_INLINE_MAX it is staged before it is whole."""
    text = "".join(f"{i} some  more of it. \r\n" for i in range(30000)) + "\r\n\r\n"
    letter = passed_on(world, "large", author="s@plain.example", text=text)
    assert arc_result(letter) == "pass" and dkimpy_says(world, letter) == b"pass"


def test_who_believes_the_seal_takes_what_dmarc_would_refuse(world):
    """SPF is the forwarder's now, and there is no signature: by DMARC alone it would be refused."""
    letter = passed_on(world, "believed")
    assert "dmarc=fail" in flat(letter, "Authentication-Results")[0] and arc_result(letter) == "pass"
    write(world, "out@other.example", letter_of("not believed"))
    world.logged("queue.settled", "result=failed", "5.7.")
    assert not [m for m in world.inbox(world.b, CAROL) if m["Subject"] == "not believed"]


def test_two_servers_one_after_the_other(world):
    write(world, "round@example.org", letter_of("twice", author="s@plain.example"))
    (letter,) = world.arrives(world.a, BOB, "twice")
    assert sealed_by(letter) == [("2", "pass", "b.example"), ("1", "none", "example.org")]
    assert arc_result(letter) == "pass" and dkimpy_says(world, letter) == b"pass"


def test_a_domain_without_keys_seals_nothing(world):
    letter = passed_on(world, "keyless", to="out@keyless.example", author="s@plain.example")
    assert sealed_by(letter) == [] and arc_result(letter) is None
    assert "queue.unsealed" not in world.a.log()


def chain(count, cv="none"):
    """Sets of nobody's: they are right in form, and no signature holds."""
    return "".join(f"ARC-Seal: i={i}; a=rsa-sha256; t=1700000000; cv={'none' if i == 1 else 'pass'}; d=nobody.example; s=k; b=aGk=\r\n"
                   f"ARC-Message-Signature: i={i}; a=rsa-sha256; c=relaxed/relaxed; d=nobody.example; s=k; h=from;"
                   " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=aGk=\r\n"
                   f"ARC-Authentication-Results: i={i}; nobody.example; none\r\n" for i in range(count, 0, -1))


def test_a_broken_chain_is_said_to_be_broken_once(world):
    """Section 5.1.2: one set says that it failed, and nobody adds another one to that."""
    write(world, "round@example.org", letter_of("broken", author="s@plain.example", front=chain(1)))
    (letter,) = world.arrives(world.a, BOB, "broken")
    assert re.search(r"i=2; a=\S+; cv=fail; d=example\.org", flat(letter, "ARC-Seal")[0]) and len(flat(letter, "ARC-Seal")) == 2
    assert arc_result(letter) == "fail"


def test_a_full_chain_gets_no_more(world):
    letter = passed_on(world, "full", author="s@plain.example", front=chain(50))
    assert len(flat(letter, "ARC-Seal")) == 50 and "cv=fail" not in str(letter)
    world.logged("queue.unsealed", "example.org")


def test_while_the_keys_do_not_answer_it_goes_on_without(world):
    of = Processes(world.a)
    os.kill(of.one("keys"), signal.SIGSTOP)
    try:
        letter = passed_on(world, "unsealed", author="s@plain.example")
    finally:
        os.kill(of.one("keys"), signal.SIGCONT)
    assert sealed_by(letter) == []
    world.logged("queue.unsealed", "does not answer")
