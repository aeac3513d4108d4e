# SPDX-License-Identifier: ISC
"""DMARC reports between two letterlockd: what one saw in a day in a domain's name is told the other, whose record asks for it.

The days in the first one's store are set back while it is stopped: a report is of a day that is over. Reports are read by
Python's XML parser and checked by xmllint against the schema in RFC 9990's text, and signatures by dkimpy.
"""
import contextlib
import gzip
import json
import os
import pathlib
import shutil
import smtplib
import sqlite3
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import Exchange
from test_relay import CAROL, World, eventually, made, zone
from zones import free_port, name_server

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
DAYS_BACK = 2
BOB = Exchange.BOB
NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"
RIGHT, WRONG = "127.0.0.21", "127.0.0.22"
SPF = f'@ 60 IN TXT "v=spf1 ip4:{RIGHT} -all"'


def zones():
    """one.example's reports go to b.example, which wants them; two.example's too, and it does not; three.example asks for none."""
    return {"example": "", "org": "",
            "b.example": zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.2", 'one.example._report._dmarc 60 IN TXT "v=DMARC1"',
                              'five.example._report._dmarc 60 IN TXT "v=DMARC1;"'),
            "one.example": zone(SPF, f'_dmarc 60 IN TXT "v=DMARC1; p=none; sp=reject; adkim=s; rua=mailto:{CAROL}!10m"'),
            "two.example": zone(SPF, f'_dmarc 60 IN TXT "v=DMARC1; p=none; rua=mailto:{CAROL}"'),
            "three.example": zone(SPF, '_dmarc 60 IN TXT "v=DMARC1; p=none"'),
            "four.example": zone(SPF, '_dmarc 60 IN TXT "v=DMARC1; p=none; rua=mailto:%s,mailto:x@gone.test"' % CAROL),
            "five.example": zone(SPF, '_dmarc 60 IN TXT "v=DMARC1; p=reject; t=y; rua=mailto:%s"' % CAROL)}


@pytest.fixture(scope="module")
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ll-dr-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        w = World(folder, free_port())
        dns = stack.enter_context(name_server(folder / "dns", zones()))
        common = {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "relay_port": w.port, "port_smtp": w.port}
        w.b = Exchange(made(folder, "b"), {**common, "hostname": '"mx.b.example"', "domains": '{ "b.example" }',
                                           "listen": '{ "127.0.0.2" }'}, accounts=())
        w.b.account_add(CAROL, "a password of carol")
        w.a = Exchange(made(folder, "a"), {**common, "hostname": '"a.host.example"', "mail_authentication": "true"})
        w.a.run("domain", "dkim", "new", "example.org", "--now")
        for one in (w.b, w.a):
            stack.callback(one.stop)
            one.start()
        yield w


def write(w, domain, source, times=1, sender="s"):
    for _ in range(times):
        with smtplib.SMTP("127.0.0.1", w.port, source_address=(source, 0), local_hostname="mx." + domain, timeout=30) as smtp:
            smtp.sendmail(f"{sender}@{domain}", [BOB], f"From: s@{domain}\r\nTo: {BOB}\r\nSubject: x\r\n\r\nx\r\n")


def counted(w):
    with contextlib.closing(sqlite3.connect(f"file:{w.a.data}/store.db?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT domain, sum(count) FROM policy_results WHERE kind = 2 GROUP BY domain").fetchall()
    return {d.decode() if isinstance(d, bytes) else d: n for d, n in rows}


def set_back(w):
    """All that was counted is of a day that is over."""
    w.a.stop()
    with contextlib.closing(sqlite3.connect(w.a.data / "store.db")) as db, db:
        db.execute("UPDATE policy_results SET day = day - ?", (DAYS_BACK,))
    w.a.start()


def letters(w):
    return [m for m in w.inbox(w.b, CAROL) if str(m["Subject"]).startswith("Report Domain:")]


def document_of(message):
    packed = [p for p in message.walk() if p.get_content_type() == "application/gzip"]
    return gzip.decompress(packed[0].get_payload(decode=True))


def domain_of(message):
    return " ".join(message["Subject"].split()).split()[2]


@pytest.fixture(scope="module")
def sent(world):
    w = world
    write(w, "one.example", RIGHT, times=2)
    write(w, "one.example", WRONG)
    for domain in ("two", "three", "four", "five"):
        write(w, domain + ".example", WRONG)
    eventually(lambda: len(counted(w)) == 4, lambda: str(counted(w)))
    assert counted(w)["one.example"] == 3 and "three.example" not in counted(w)
    set_back(w)
    eventually(lambda: len(letters(w)) >= 2, lambda: w.a.log()[-4000:])
    return {domain_of(m): m for m in letters(w)}


def texts(element, *names):
    return [element.findtext(".//" + NAMESPACE + name) for name in names]


def test_what_was_seen(sent):
    report = ElementTree.fromstring(document_of(sent["one.example"]))
    assert texts(report, "org_name", "email", "domain", "p", "sp", "adkim") == [
        "example.org", "postmaster@example.org", "one.example", "none", "reject", "s"]
    begin, end = (int(t) for t in texts(report, "begin", "end"))
    assert end - begin == 86399 and begin % 86400 == 0
    rows = {tuple(texts(r, "source_ip", "count", "disposition", "dkim", "spf")) for r in report.iter(NAMESPACE + "record")}
    assert rows == {(RIGHT, "2", "pass", "fail", "pass"), (WRONG, "1", "none", "fail", "fail")}
    for record in report.iter(NAMESPACE + "record"):
        assert texts(record, "header_from", "envelope_from") == ["one.example", "one.example"]
        assert BOB not in ElementTree.tostring(record).decode()
    assert b"bob" not in document_of(sent["one.example"]), "who got the mail is nobody's business"


def test_a_policy_that_is_tried(sent):
    report = ElementTree.fromstring(document_of(sent["five.example"]))
    assert texts(report, "p", "testing", "type") == ["reject", "y", "policy_test_mode"]


def test_it_is_as_the_schema_says(sent, tmp_path):
    data = os.environ.get("LETTERLOCK_TESTDATA")
    if not data or shutil.which("xmllint") is None:
        pytest.skip("LETTERLOCK_TESTDATA is not set, or there is no xmllint (Debian package libxml2-utils)")
    lines = (pathlib.Path(data) / "standards/rfc9990.txt").read_text().split("\n")
    # The text's pages have headings and feet, and all is set in by three.
    start = next(i for i, line in enumerate(lines) if line.strip() == '<?xml version="1.0"?>' and "<xs:schema" in lines[i + 1])
    end = next(i for i in range(start, len(lines)) if "</xs:schema>" in lines[i])
    schema = tmp_path / "dmarc.xsd"
    schema.write_text("\n".join(line[3:] for line in lines[start:end + 1]
                                if not line.startswith(("RFC 9990", "Brotman")) and "\f" not in line))
    for message in sent.values():
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", schema, "-"], input=document_of(message),
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()


def test_the_letter(sent):
    """RFC 9990 section 3.5.2: the subject, the attachment's name and type; nobody answers it."""
    for domain, m in sent.items():
        document = ElementTree.fromstring(document_of(m))
        identifier, begin, end = texts(document, "report_id", "begin", "end")
        assert " ".join(m["Subject"].split()) == f"Report Domain: {domain} Submitter: example.org Report-ID: <{identifier}>"
        (name,) = [p.get_filename() for p in m.walk() if p.get_filename()]
        assert name == f"example.org!{domain}!{begin}!{end}.xml.gz"
        assert m["Return-Path"] == "<>" and m["Auto-Submitted"] == "auto-generated" and m["TLS-Required"] is None


def test_it_is_signed_by_who_it_is_from(world, sent):
    records = [json.loads(line) for line in world.a.run("domain", "dkim", "list", "example.org", "--json").stdout.splitlines()]
    known = {f"{r['selector']}._domainkey.example.org.": r["record"].encode() for r in records}
    for m in sent.values():
        octets = m.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert dkim.verify(octets, dnsfunc=lambda name, timeout=5: known.get(name.decode()))
        assert "postmaster@example.org" in m["From"] and "d=example.org" in m["DKIM-Signature"]


def test_who_has_not_agreed_gets_none(world, sent):
    """An address of another organization has to want them (section 4)."""
    assert set(sent) == {"one.example", "five.example"}
    world.logged("report.no_address", "domain=two.example")


def test_what_cannot_be_found_out_waits(world, sent):
    """four.example's second address is where DNS does not answer: the counts stay, and it is tried again."""
    world.logged("report.not_sent", "domain=four.example", "so=later")
    eventually(lambda: set(counted(world)) == {"four.example"}, lambda: str(counted(world)))


def test_once_only(world, sent):
    before = len(letters(world))
    set_back(world)
    world.logged("report.not_sent", "domain=four.example", "so=later")
    assert len(letters(world)) == before
