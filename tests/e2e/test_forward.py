# SPDX-License-Identifier: ISC
"""Mail that is passed on to another domain: SPF holds at the next server, and what bounces comes back to who wrote.

Two letterlockd, each the other's next server, on loopback addresses with one port; Debian's nsd says which is whose, and
both check SPF and refuse what fails it. The writer's own server only notes what it hears.
"""
import contextlib
import re
import shutil
import smtplib
import tempfile

import pytest

from conftest import Exchange
from test_relay import World, eventually, made, zone
from zones import free_port, name_server

CAROL, DORA, BOB = "carol@b.example", "dora@b.example", Exchange.BOB
WRITER, WRITERS_HOST = "s@sender.example", "127.0.0.3"
SRS0 = re.compile(r"SRS0=[A-Z2-7]{5}=[A-Z2-7]{2}=sender\.example=s@example\.org")


def zones():
    """a is example.org's server at 127.0.0.1, b is b.example's at 127.0.0.2. Both connect from 127.0.0.1."""
    spf = '@ 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"'
    return {"example.org": zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.1", spf),
            "host.example": zone("a 60 IN A 127.0.0.1", 'a 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"'),
            "b.example": zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.2", spf, 'mx 60 IN TXT "v=spf1 a ip4:127.0.0.1 -all"'),
            "sender.example": zone("@ 60 IN MX 10 mx", f"mx 60 IN A {WRITERS_HOST}",
                                   f'@ 60 IN TXT "v=spf1 ip4:{WRITERS_HOST} -all exp=why.sender.example"',
                                   'why 60 IN TXT "%{i} is not ours"')}


@pytest.fixture(scope="module")
def world():
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port = free_port()
        w = World(folder, port)
        dns = stack.enter_context(name_server(folder + "/dns", zones()))
        common = {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "relay_port": port, "port_smtp": port,
                  "mail_authentication": "true", "spf_fail": '"reject"'}
        w.b = Exchange(made(folder, "b"), {**common, "hostname": '"mx.b.example"', "domains": '{ "b.example" }',
                                           "listen": '{ "127.0.0.2" }'}, accounts=())
        for who in (CAROL, DORA):
            w.b.account_add(who, "a password of " + who)
        w.a = Exchange(made(folder, "a"), {**common, "hostname": '"a.host.example"'})
        w.a.run("alias", "add", "out@example.org", CAROL)
        w.a.run("alias", "add", "round@example.org", "back@b.example")
        w.b.run("alias", "add", "back@b.example", BOB)
        for one in (w.b, w.a):
            stack.callback(one.stop)
            one.start()
        w.peer(3)
        stack.callback(lambda: [p.close() for p in w.peers.values()])
        yield w


def client(world, server, source):
    host = "127.0.0.2" if server is world.b else "127.0.0.1"
    return smtplib.SMTP(host, world.port, source_address=(source, 0), local_hostname="mx.sender.example", timeout=30)


def write(world, server, to, subject, sender=WRITER, source=WRITERS_HOST):
    with client(world, server, source) as smtp:
        smtp.sendmail(sender, [to], f"From: {WRITER}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nx\r\n")


def sender_of(letter):
    return letter["Return-Path"].strip("<>")


def domain_of(address):
    return address.rpartition("@")[2]


def spf_of(letter):
    """(result, whose) of the SPF results in the field on top."""
    field = " ".join(letter.get_all("Authentication-Results")[0].split())
    return re.findall(r"spf=(\w+)[^;]*? smtp\.(?:mailfrom|helo)=([^ ;]+)", field)


def refusal(world, server, to, source="127.0.0.1"):
    """The code of a bounce's recipient."""
    with client(world, server, source) as smtp:
        smtp.ehlo()
        smtp.mail("")
        return smtp.rcpt(to)[0]


def bounced(world, subject):
    return [text for text in world.peers[3].letters if b"Subject: " + subject in text]


@pytest.fixture(scope="module")
def forwarded(world):
    write(world, world.a, "out@example.org", "passed on")
    (letter,) = world.arrives(world.b, CAROL, "passed on")
    return letter


def test_unchanged_it_would_be_refused(world):
    """What a forwarder without rewriting does: this is what the others are measured by."""
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        write(world, world.b, CAROL, "not rewritten", source="127.0.0.1")
    assert refused.value.smtp_code == 550 and b"5.7.23" in refused.value.smtp_error
    write(world, world.b, CAROL, "direct")
    (letter,) = world.arrives(world.b, CAROL, "direct")
    assert ("pass", domain_of(WRITER)) in spf_of(letter) and sender_of(letter) == WRITER


def test_forwarded_mail_passes_spf(forwarded):
    assert SRS0.fullmatch(sender_of(forwarded)) and ("pass", domain_of(sender_of(forwarded))) in spf_of(forwarded)


def test_a_bounce_goes_to_who_wrote(world, forwarded):
    with client(world, world.a, "127.0.0.2") as smtp:
        smtp.sendmail("", [sender_of(forwarded).lower()], "Subject: bounce one\r\nFrom: <>\r\n\r\nno such\r\n")
    eventually(lambda: bounced(world, b"bounce one"), "the bounce does not come")
    assert f"RCPT TO:<{WRITER}>" in [line.split(" NOTIFY")[0].split(" ORCPT")[0] for line in world.peers[3].heard]
    assert "MAIL FROM:<>" in [line.split("> ")[0] + ">" if "> " in line else line for line in world.peers[3].heard]


def test_only_what_we_made_is_passed_on(world, forwarded):
    right = sender_of(forwarded)
    assert refusal(world, world.a, right) == 250
    for false in (right.replace("=s@", "=t@"), right.replace("sender.example", "bender.example"), right.replace("SRS0", "SRS1"),
                  "SRS0=AAAAA=AA=sender.example=s@example.org", "SRS0=@example.org"):
        assert refusal(world, world.a, false) == 550, false


def test_passed_on_twice(world):
    """By a to b, by b to a: an SRS1, whose bounce b gives to a, and a to who wrote."""
    write(world, world.a, "round@example.org", "round trip")
    (letter,) = world.arrives(world.a, BOB, "round trip")
    sender = sender_of(letter)
    assert re.fullmatch(r"SRS1=[A-Z2-7]{5}=example\.org==[A-Z2-7]{5}=[A-Z2-7]{2}=sender\.example=s@b\.example", sender)
    assert ("pass", domain_of(sender)) in spf_of(letter)
    with client(world, world.b, "127.0.0.1") as smtp:
        smtp.sendmail("", [sender], "Subject: bounce two\r\nFrom: <>\r\n\r\nno such\r\n")
    eventually(lambda: bounced(world, b"bounce two"), "the bounce does not come")


@pytest.mark.parametrize("sender", ["x" * 60 + "@sender.example", '"two words"@sender.example'], ids=["long", "quoted"])
def test_what_cannot_be_rewritten_goes_on_all_the_same(world, sender):
    """From the null sender: then it is our host that SPF is about."""
    subject = "without " + sender[:5].strip('"')
    write(world, world.a, "out@example.org", subject, sender=sender)
    (letter,) = world.arrives(world.b, CAROL, subject)
    assert sender_of(letter) == "" and ("pass", "a.host.example") in spf_of(letter)
