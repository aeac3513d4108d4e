# SPDX-License-Identifier: ISC
"""`letterlockd domain reports`: reports as large receivers write them, in letters as they send them, and what they come to.

The letters are made by Python's email package and delivered over SMTP; gzip and zip by Python's own modules.
"""
import email.message
import email.policy
import gzip
import io
import json
import random
import smtplib
import time
import zipfile

import pytest

from conftest import Exchange

POSTMASTER, BOB = Exchange.ALICE, Exchange.BOB
NOW = int(time.time())
BEGIN = NOW - NOW % 86400 - 86400


def row(source, count, dkim="pass", spf="pass", disposition="none"):
    return f"""<record><row><source_ip>{source}</source_ip><count>{count}</count><policy_evaluated>
    <disposition>{disposition}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row>
    <identifiers><header_from>example.org</header_from></identifiers>
    <auth_results><spf><domain>example.org</domain><result>{spf}</result></spf></auth_results></record>"""


def dmarc(organization, identifier, *rows, domain="example.org", head='<?xml version="1.0" encoding="UTF-8" ?>\n<feedback>'):
    """In the form of RFC 7489, as most reporters still write."""
    return f"""{head}<report_metadata><org_name>{organization}</org_name><email>noreply@{organization}</email>
    <report_id>{identifier}</report_id><date_range><begin>{BEGIN}</begin><end>{BEGIN + 86399}</end></date_range></report_metadata>
    <policy_published><domain>{domain}</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp><pct>100</pct>
    </policy_published>{"".join(rows)}</feedback>""".encode()


def tls(organization, identifier, good, *failures, domain="example.org"):
    day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BEGIN))
    return json.dumps({
        "organization-name": organization, "report-id": identifier, "contact-info": "x@" + organization,
        "date-range": {"start-datetime": day, "end-datetime": day},
        "policies": [{"policy": {"policy-type": "sts", "policy-domain": domain, "policy-string": ["version: STSv1"]},
                      "summary": {"total-successful-session-count": good,
                                  "total-failure-session-count": sum(n for _, n in failures)},
                      "failure-details": [{"result-type": what, "receiving-mx-hostname": "mx.example.org",
                                           "failed-session-count": n} for what, n in failures]}]}).encode()


def zipped(document, name="report.xml"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, document)
    return out.getvalue()


def letter(subject, data, maintype="application", subtype="gzip", alone=False):
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = "noreply@reporter.example", "postmaster@example.org", subject
    if alone:  # the report is the whole letter, as Google sends it
        m.set_content(data, maintype, subtype, filename="example.xml.zip", cte="base64")
    else:
        m.set_content("A report.")
        m.add_attachment(data, maintype, subtype, filename="report")
    return m.as_bytes()


def deliver(exchange, raw, to="postmaster@example.org"):
    with smtplib.SMTP("localhost", exchange.port("smtp"), timeout=30) as smtp:
        smtp.sendmail("noreply@reporter.example", [to], raw)


SUBJECT = "Report domain: example.org Submitter: %s Report-ID: <%s>"
GOOD = [row("192.0.2.1", 900), row("192.0.2.2", 40, dkim="fail"), row("198.51.100.9", 60, "fail", "fail", "reject")]


@pytest.fixture(scope="module")
def told(exchange):
    one = dmarc("google.example", "g1", *GOOD)
    deliver(exchange, letter(SUBJECT % ("google.example", "g1"), zipped(one), subtype="zip", alone=True))
    deliver(exchange, letter(SUBJECT % ("google.example", "g1"), zipped(one), subtype="zip", alone=True))  # sent again
    deliver(exchange, letter("[Preview] " + SUBJECT % ("ms.example", "m1"), gzip.compress(
        dmarc("ms.example", "m1", row("2001:db8::7", 5, "fail", "fail", "quarantine"), head="<feedback>"))))
    deliver(exchange, letter(SUBJECT % ("plain.example", "p1"), dmarc("plain.example", "p1", row("192.0.2.1", 10)), "text", "xml"))
    deliver(exchange, letter(SUBJECT % ("other.example", "o1"), gzip.compress(
        dmarc("other.example", "o1", row("192.0.2.1", 10), domain="example.net"))))  # on another domain
    deliver(exchange, letter(SUBJECT % ("google.example", "t1"), gzip.compress(
        tls("google.example", "t1", 100, ("certificate-expired", 3), ("starttls-not-supported", 2))), subtype="tlsrpt+gzip"))
    deliver(exchange, letter(SUBJECT % ("ms.example", "t2"), tls("ms.example", "t2", 7), subtype="tlsrpt+json"))
    deliver(exchange, letter("Lunch?", b"no report", subtype="octet-stream"))
    return exchange


def rows_of(exchange, *words):
    lines = [json.loads(line) for line in exchange.run("domain", "reports", "example.org", *words, "--json").stdout.splitlines()]
    return lines[0], {next(iter(line.items())): line for line in lines[1:]}


def test_what_it_comes_to(told):
    total, rows = rows_of(told)
    assert total == {"domain": "example.org", "first": BEGIN, "last": BEGIN + 86399, "dmarc_reports": 3, "tls_reports": 2,
                     "unreadable": 0, "messages": 1015, "passed": 950, "dkim": 910, "spf": 950, "quarantined": 5, "rejected": 60,
                     "sessions": 112, "failed_sessions": 5}
    assert rows["source", "192.0.2.1"]["messages"] == 910 and rows["source", "198.51.100.9"]["rejected"] == 60
    assert rows["source", "2001:db8::7"]["quarantined"] == 5 and ("source", "192.0.2.2") in rows
    assert rows["reporter", "google.example"] == {"reporter": "google.example", "reports": 2, "messages": 1000, "passed": 940,
                                                  "sessions": 105, "failed": 5}
    assert rows["failure", "certificate-expired"] == {"failure": "certificate-expired", "server": "mx.example.org", "sessions": 3}
    # What failed most comes first.
    assert [name for kind, name in rows if kind == "source"][:2] == ["198.51.100.9", "2001:db8::7"]


def test_in_words(told):
    said = told.run("domain", "reports", "example.org").stdout
    assert "3 DMARC and 2 TLS reports on example.org" in said and "1015 messages, of which 950 passed and 65 did not" in said
    assert "198.51.100.9" in said and "passed by nothing" in said and "p=reject" in said
    assert "112, of which 5 failed" in said and "the certificate had ended" in said


def test_of_another_address_and_domain(told):
    assert "No report on example.org" in told.run("domain", "reports", "example.org", BOB).stdout
    for words in (("example.net",), ("example.org", "nobody@example.org"), ("example.org", "--days", "0"), ("example.org", "--days", "x")):
        done = told.run("domain", "reports", *words, check=False)
        assert done.returncode != 0 and done.stderr and not done.stdout, words


def test_reports_that_mean_harm(fresh_exchange):
    """Each is counted as one that cannot be read; none costs more than it may, and the others are summed up."""
    exchange = fresh_exchange()
    bomb = gzip.compress(b"<feedback>" + b" " * (200 << 20))
    entities = (b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><feedback>&b;</feedback>')
    noise = random.Random(1).randbytes(5000)
    encrypted = bytearray(zipped(b"<feedback/>"))
    encrypted[6] |= 1
    harm = [bomb, gzip.compress(entities), gzip.compress(gzip.compress(b"x"))[:20], b"\x1f\x8b" + noise, b"PK\x03\x04" + noise,
            zipped(dmarc("x", "1", row("192.0.2.1", 1)))[:60], bytes(encrypted), gzip.compress(b"<feedback>" * 100000),
            gzip.compress(dmarc("x", "2", row("192.0.2.1", "-5"))), gzip.compress(dmarc("x", "3", row("192.0.2.1", 10 ** 30))),
            gzip.compress(b'{"policies": ' + b"[" * 100000), gzip.compress(b'{"organization-name": 5}')]
    for i, data in enumerate(harm):
        deliver(exchange, letter(SUBJECT % ("x", i), data))
    deliver(exchange, letter(SUBJECT % ("good.example", "g"), gzip.compress(dmarc("good.example", "g", row("192.0.2.1", 1)))))
    total, rows = rows_of(exchange)
    assert total["unreadable"] == len(harm) and total["messages"] == 1 and ("reporter", "good.example") in rows
    assert f"{len(harm)} could not be read" in exchange.run("domain", "reports", "example.org").stdout


def test_a_name_that_is_a_command_to_the_terminal(fresh_exchange):
    exchange = fresh_exchange()
    evil = "evil&#27;[2J\n\n9 DMARC"
    deliver(exchange, letter(SUBJECT % ("x", "1"), gzip.compress(dmarc("evil\x9b2J", "1", row("192.0.2.1", 1)))))
    deliver(exchange, letter(SUBJECT % ("x", "2"), gzip.compress(tls("evil\x1b[2J\r\nforged", "2", 1, ("x\x1b]0;t\x07", 1)))))
    said = exchange.run("domain", "reports", "example.org").stdout
    assert evil not in said and not set(said) & {chr(c) for c in [*range(10), *range(11, 32), *range(127, 160)]}
    assert "\nforged" not in said
