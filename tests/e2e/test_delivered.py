# SPDX-License-Identifier: ISC
"""A stranger who asks for it is told that a message is in the inboxes here (RFC 3461, RFC 3464); backscatter is not made of it.

The writer's server only notes what it hears; Debian's nsd says whose addresses SPF vouches for.
"""
import contextlib
import email
import shutil
import smtplib
import tempfile

import pytest

from conftest import Exchange
from test_relay import World, eventually, made, zone
from zones import free_port, name_server

ALICE, BOB = Exchange.ALICE, Exchange.BOB
WRITER, WRITERS_HOST = "s@sender.example", "127.0.0.3"


@pytest.fixture(scope="module")
def world():
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        w = World(folder, free_port())
        dns = stack.enter_context(name_server(folder + "/dns", {
            "sender.example": zone("@ 60 IN MX 10 mx", f"mx 60 IN A {WRITERS_HOST}", f'@ 60 IN TXT "v=spf1 ip4:{WRITERS_HOST} -all"'),
            "example": "", "b.example": zone("@ 60 IN MX 10 mx", f"mx 60 IN A {WRITERS_HOST}")}))
        w.a = Exchange(made(folder, "a"), {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "relay_port": w.port,
                                           "port_smtp": w.port, "hostname": '"a.host.example"', "mail_authentication": "true"})
        w.b = None
        w.a.run("alias", "add", "both@example.org", BOB, "x@b.example")
        stack.callback(w.a.stop)
        w.a.start()
        w.peer(3)
        stack.callback(lambda: [p.close() for p in w.peers.values()])
        yield w


def write(world, subject, recipients, sender=WRITER, source=WRITERS_HOST, options=("RET=HDRS", "ENVID=QQ314159")):
    """recipients: {address: what RCPT says}."""
    with smtplib.SMTP("127.0.0.1", world.port, source_address=(source, 0), local_hostname="mx.sender.example", timeout=30) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("dsn") and smtp.mail(sender, options)[0] == 250
        for address, said in recipients.items():
            assert smtp.rcpt(address, said)[0] == 250
        assert smtp.data(f"From: {WRITER}\r\nTo: {BOB}\r\nSubject: {subject}\r\nX-Own: kept\r\n\r\nthe text\r\n")[0] == 250


def reports(world, subject):
    """Those on a message, as the writer's server got them."""
    found = [email.message_from_bytes(text) for text in world.peers[3].letters if f"Subject: {subject}\r\n".encode() in text]
    return [m for m in found if m.get_content_type() == "multipart/report"]


def fields_of(part):
    return [dict(block.items()) for block in part.get_payload()]


def test_who_asks_is_told(world):
    write(world, "told", {BOB: ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Bob+2B@example.org"], ALICE: ["NOTIFY=NEVER"]})
    (report,) = eventually(lambda: reports(world, "told"), lambda: world.a.log()[-4000:])
    assert report.get_param("report-type") == "delivery-status" and report["To"] == f"<{WRITER}>"
    words, status, original = report.get_payload()
    message, recipient = fields_of(status)
    assert message["Original-Envelope-Id"] == "QQ314159" and "a.host.example" in message["Reporting-MTA"]
    assert recipient["Action"] == "delivered" and recipient["Status"].startswith("2.") and BOB in recipient["Final-Recipient"]
    assert recipient["Original-Recipient"].replace("; ", ";") == "rfc822;Bob+@example.org"
    assert original.get_content_type() == "text/rfc822-headers" and "X-Own: kept" in original.get_payload()
    assert "the text" not in report.as_string() and ALICE not in report.as_string() and BOB in words.get_payload()
    # From the null sender, and nobody is told of the report itself.
    heard = [line for line in world.peers[3].heard if line.startswith("MAIL FROM:")]
    assert heard and all(line.startswith("MAIL FROM:<>") for line in heard)


@pytest.mark.parametrize("what", ["other address", "null sender", "not asked", "no SPF"])
def test_whom_it_would_be_backscatter_to(world, what):
    subject = "silent: " + what
    sender = {"null sender": "", "no SPF": "x@b.example"}.get(what, WRITER)
    write(world, subject, {BOB: [] if what == "not asked" else ["NOTIFY=SUCCESS"]}, sender=sender,
          source="127.0.0.9" if what == "other address" else WRITERS_HOST)
    world.arrives(world.a, BOB, subject)
    if what in ("other address", "no SPF"):
        world.logged("smtp.report_unsent", sender)
    write(world, "after " + what, {BOB: ["NOTIFY=SUCCESS"]})
    eventually(lambda: reports(world, "after " + what), lambda: world.a.log()[-4000:])
    assert not reports(world, subject)


def test_what_goes_on_is_not_said_to_be_there(world):
    """An alias with an inbox here and an address elsewhere: one is delivered now, the other when its server took it."""
    write(world, "both ways", {"both@example.org": ["NOTIFY=SUCCESS"]})
    first = eventually(lambda: reports(world, "both ways"), lambda: world.a.log()[-4000:])[0]
    assert fields_of(first.get_payload()[1])[1]["Action"] in ("delivered", "relayed")
    assert "x@b.example" not in first.as_string(), "where an address of ours leads is not the writer's business"
