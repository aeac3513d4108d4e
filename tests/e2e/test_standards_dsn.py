# SPDX-License-Identifier: ISC
"""Delivery status notifications clause by clause: when there is one (RFC 3461 section 5), what it says (RFC 3464, RFC 3461
section 6, RFC 6522, RFC 6533), and how it goes (RFC 5321 section 6.1, RFC 8689 section 5). All are read by Python's email package."""
import email
import email.policy
import email.utils
import re
import time

import pytest

from standards_peer import ALICE, ALL, BOB, World, eventually, letter, parameters, path, world

STATUS = re.compile(r"[245]\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})")
PER_MESSAGE = ["Original-Envelope-Id", "Reporting-MTA", "DSN-Gateway", "Received-From-MTA", "Arrival-Date"]
PER_RECIPIENT = ["Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date",
                 "Final-Log-ID", "Will-Retry-Until", "SMTP-Remote-Recipient"]
NO_DSN = ("PIPELINING", "8BITMIME", "SIZE")


@pytest.fixture(scope="module")
def rules():
    with world(settings={"queue_warn_seconds": 2}) as w:
        yield w


@pytest.fixture(autouse=True)
def nothing_wrong(rules):
    before = len(rules.peers)
    yield
    for peer in rules.peers[before:]:
        assert peer.faults == []


class Report:
    """A report, its form looked at (3464 section 2, 6522 section 3)."""

    def __init__(self, raw, to=ALICE):
        self.raw = raw
        # The email package takes every message/... for a message in clear; RFC 6533 permits these to be encoded.
        m = self.message = email.message_from_bytes(raw.replace(b"\nContent-Type: message/global", b"\nContent-Type: x-message/global"),
                                                    policy=email.policy.default)
        assert m.get_content_type() == "multipart/report" and m["MIME-Version"] == "1.0"
        assert [a.addr_spec for a in m["To"].addresses] == [to] and len(m["From"].addresses) == 1
        assert m["Date"].datetime.tzinfo and re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", m["Message-ID"].strip()) and m["Subject"]
        assert m["Auto-Submitted"].startswith("auto-")  # RFC 3834 section 5; it answers nobody
        assert all(len(line) <= 998 for line in raw.split(b"\r\n")) and not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
        assert not m.defects and not [d for p in m.walk() for d in p.defects]
        self.parts = list(m.iter_parts())
        assert 2 <= len(self.parts) <= 3 and self.parts[0].get_content_type() in ("text/plain", "multipart/alternative")
        self.kind = self.parts[1].get_content_type().removeprefix("x-")
        assert self.kind in ("message/delivery-status", "message/global-delivery-status")
        assert f"message/{m.get_param('report-type').lower()}" == self.kind  # RFC 6522 section 3
        if self.kind == "message/delivery-status":
            assert self.parts[1].get("Content-Transfer-Encoding", "7bit").lower() == "7bit"
        self.groups = [g for g in self.status().get_payload() if g.items()]
        self.of_message, self.recipients = self.groups[0], self.groups[1:]
        self.check_fields(self.of_message, PER_MESSAGE)
        for group in self.recipients:
            self.check_fields(group, PER_RECIPIENT)
            self.check_recipient(group)
        assert self.recipients

    def status(self):
        """The second part, read as RFC 3464's, whatever encodes it."""
        if self.kind == "message/delivery-status":
            return self.parts[1]
        octets = self.parts[1].get_payload(decode=True)
        return email.message_from_bytes(b"Content-Type: message/delivery-status\r\n\r\n" + octets)

    @staticmethod
    def check_fields(group, known):
        """Each once, and those that are registered; 3464 section 2.1.2: a type, ";" and a text."""
        names = list(group.keys())
        assert len({n.lower() for n in names}) == len(names)
        assert {n.lower() for n in names} <= {n.lower() for n in known} | {n.lower() for n in names if n.lower().startswith("x-")}
        for name in ("Arrival-Date", "Last-Attempt-Date", "Will-Retry-Until"):
            if name in group:
                assert re.search(r" [+-]\d{4}( \(|$)", group[name].strip()) and email.utils.parsedate_to_datetime(group[name])
        for name in ("Reporting-MTA", "Remote-MTA", "Final-Recipient", "Original-Recipient", "Diagnostic-Code"):
            if name in group:
                assert re.match(r"[\w-]+ ?; ?\S", group[name]), group[name]

    @staticmethod
    def check_recipient(group):
        """3461 section 6.3 (d) to (i)."""
        assert group["Final-Recipient"] and STATUS.fullmatch(group["Status"].split(" ")[0])
        assert group["Action"].lower() in ("failed", "delayed", "delivered", "relayed", "expanded")
        assert "Will-Retry-Until" not in group or group["Action"].lower() == "delayed"
        digit = {"delivered": "2", "relayed": "2", "expanded": "2", "delayed": "4"}.get(group["Action"].lower(), group["Status"][0])
        assert group["Status"][0] == digit and digit in "245"

    @property
    def returned(self):
        return self.parts[2] if len(self.parts) > 2 else None

    def text_returned(self):
        """The octets of the third part."""
        return self.returned.as_bytes() if self.returned else b""

    def by_recipient(self):
        return {g["Final-Recipient"].split(";", 1)[1].strip(): g for g in self.recipients}


def bounce(rules, mail="", options="", text=None, reply="550 5.1.1 no such person", local="x", **how):
    """A letter that is refused: (report, domain)."""
    peer, domain = rules.place(**{"replies": {"RCPT": reply}, **how})
    rules.submit([(f"{local}@{domain}", options)], text, mail)
    return Report(rules.report(domain)), domain


# ---- what it says ----

def test_a_failure(rules):
    """3464 2: to the return address, from who keeps the system, with the null return path (3461 6.1); 3461 6.3: (b) our full
    name as "dns", (c) when it came, (e) rfc822 and the address, (h) Remote-MTA as "dns", (i) Diagnostic-Code as "smtp", and what
    was not given MUST NOT be there: (a) Original-Envelope-Id, (d) Original-Recipient."""
    report, domain = bounce(rules)
    assert report.message["Return-Path"] == "<>" and report.kind == "message/delivery-status"
    assert re.match(r"(?i)postmaster@|mailer-daemon@", report.message["From"].addresses[0].addr_spec)
    assert report.of_message["Reporting-MTA"].replace(" ", "") == f"dns;{World.HOST}"
    assert "Original-Envelope-Id" not in report.of_message and "DSN-Gateway" not in report.of_message
    (group,) = report.recipients
    assert group["Final-Recipient"].replace(" ", "") == f"rfc822;x@{domain}" and group["Action"] == "failed"
    assert "Original-Recipient" not in group and group["Status"] == "5.1.1"
    assert group["Remote-MTA"].replace(" ", "") == f"dns;mx.{domain}"
    assert re.fullmatch(r"smtp; ?550 5\.1\.1 no such person", group["Diagnostic-Code"])
    arrived, tried = (email.utils.parsedate_to_datetime(v) for v in (report.of_message["Arrival-Date"], group["Last-Attempt-Date"]))
    assert abs(time.time() - arrived.timestamp()) < 120 and arrived <= tried


def test_words_for_people(rules):
    """3464 2 (b), 6522 3 (1): the first part says it to a person: who it was for, and why."""
    report, domain = bounce(rules)
    words = report.parts[0].get_content()
    assert f"x@{domain}" in words and "no such person" in words and report.parts[0].get_content_type() == "text/plain"


@pytest.mark.parametrize("reply, status, text", [
    ("550 5.7.1 not you", "5.7.1", "550 5.7.1 not you"), ("550 no code", "5.0.0|5.1.[01]", "550 no code"),
    ("554-5.2.0 first\r\n554-5.2.0 second\r\n554 5.2.0 third", "5.2.0", "first.*second.*third"),
    ("550 4.7.1 a class that does not fit", "5.*", "550"), ("550 5.1.1000 no number", "5.0.0|5.1.[01]", "550"),
    ("550 5.01.1 zero in front", "5.0.0|5.1.[01]", "550"), ("550 5.1.1", "5.1.1", "550"), ("550", "5.0.0|5.1.[01]", "550"),
    ("550 5.1.1 \xff\xe9\x01\x1b[2J\tx", "5.1.1", "550"), ("550 5.1.1 " + "x" * 490, "5.1.1", "550 5.1.1 xxx"),
    ("550 5.1.1 =?utf-8?q?=0aAction:_delivered?= \\ \" (", "5.1.1", "550")])
def test_status_and_diagnostic(rules, reply, status, text):
    """3464 2.3.4: no leading zeros; 3461 6.3 (g): 5.0.0 where nothing specific is known (a code of the other class is not); 2.3.6:
    what the other server said, all lines of it; 2.1: ASCII, and nothing of it is a field of its own."""
    report, _ = bounce(rules, reply=reply, leaving_is_right=True)
    (group,) = report.recipients
    assert re.fullmatch(status, group["Status"]) and group["Action"] == "failed", group.items()
    said = " ".join(group["Diagnostic-Code"].split())
    assert said.startswith("smtp;") and re.search(text, said) and said.isprintable() and said.isascii(), said


def test_addresses_and_identifiers_are_kept(rules):
    """3464 2.3.2: the case of the address MUST be preserved; 2.2.1: that of the envelope-id too; 3461 6.3 (a), (d): both are
    taken out of xtext; 4.2: of ORCPT the type stays."""
    report, domain = bounce(rules, "ENVID=Mixed+2BCase+3D+20x", "ORCPT=rfc822;Some+2BBody+40x@Example.COM", local="Mixed.Case")
    assert report.of_message["Original-Envelope-Id"] == "Mixed+Case= x"
    (group,) = report.recipients
    assert group["Final-Recipient"].split(";")[1].strip() == f"Mixed.Case@{domain}"
    assert group["Original-Recipient"].replace("; ", ";") == "rfc822;Some+Body@x@Example.COM"


@pytest.mark.parametrize("orcpt, says", [("x400;/S+3Da+3B/", "x400;/S=a;/"), ("unknown;+28x+29", "unknown;(x)"),
                                         ("rfc822;a+20b@x.test", "rfc822;a b@x.test")])
def test_original_recipients_of_other_kinds(rules, orcpt, says):
    """3461 4.2: they need not conform to the rules of their type."""
    report, _ = bounce(rules, options="ORCPT=" + orcpt)
    assert report.recipients[0]["Original-Recipient"].replace("; ", ";") == says


def test_several_in_one(rules):
    """3464 2.3: a group for each recipient, none for who is not meant; 3461 4.1: each by its own NOTIFY."""
    peer, domain = rules.place(replies={"RCPT": lambda _, line: None if "good" in line else "550 5.1.1 no " + path(line)[0]})
    rules.submit([(f"{name}@{domain}", options) for name, options in (
        ("a", ""), ("good", ""), ("b", "NOTIFY=FAILURE"), ("c", "NOTIFY=NEVER"), ("d", "NOTIFY=SUCCESS"), ("e", "NOTIFY=DELAY"),
        ("f", "NOTIFY=DELAY,FAILURE,SUCCESS"))])
    rules.gone(domain)
    eventually(lambda: rules.reports(domain), rules.tail)
    found = {}
    for raw in rules.reports(domain):
        for name, group in Report(raw).by_recipient().items():
            assert name not in found  # 3464 3: at most one "failed" each
            found[name] = group
    assert {name[0] for name in found} == set("abf")
    assert all(f"no {name[0]}" in group["Diagnostic-Code"] for name, group in found.items())


# ---- what is returned: 3461 4.3, 6.2; 6522 ----

BODY = b"The text that is returned.\r\n.\r\n"


@pytest.mark.parametrize("ret", ["FULL", "full", "HDRS", ""])
def test_what_is_returned(rules, ret):
    """3461 4.3, 6.2: FULL SHOULD have the whole, HDRS only the header; nothing said is either. 6522 3, 4: message/rfc822 is the
    whole and only that, text/rfc822-headers has all fields and no text."""
    report, _ = bounce(rules, ret and f"RET={ret}", text=letter(body=BODY, more=b"X-Mine: yes\r\n"))
    kind = report.returned.get_content_type()
    assert kind in {"": ("message/rfc822", "text/rfc822-headers"), "F": ("message/rfc822",), "H": ("text/rfc822-headers",)}[ret[:1].upper()]
    text = report.raw
    assert b"X-Mine: yes" in text and b"Subject: rules" in text and (BODY in text) == (kind == "message/rfc822")
    if kind == "message/rfc822":
        inner = report.returned.get_payload(0)
        assert inner["X-Mine"] == "yes" and inner["Received"]  # as it was when it could not be delivered
    assert report.returned.get("Content-Transfer-Encoding", "7bit").lower() in ("7bit", "8bit")  # RFC 2046 section 5.2.1


def test_what_is_returned_in_eight_bits(rules):
    """6522 3: "re-encoded into a legal 7-bit MIME message" or only the header, unless the way takes eight bits: and no encoding of
    message/rfc822 itself. Into a mailbox here it does."""
    eight = "\u00e9\u65e5\r\n".encode()
    more = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    report, _ = bounce(rules, "RET=FULL BODY=8BITMIME", text=letter(body=eight, more=more))
    part = report.returned
    assert part.get("Content-Transfer-Encoding", "7bit").lower() in ("7bit", "8bit")
    assert part.get_content_type() != "message/rfc822" or part.get_payload(0).get_content().split() == ["\u00e9\u65e5"]


def test_a_letter_that_looks_like_a_report(rules):
    """2046 5.1.1: whatever a letter has, its lines are no boundary of the report's."""
    first, _ = bounce(rules)
    inside = first.raw[first.raw.index(b"Content-Type: multipart/report"):]
    kind = inside[:inside.index(b"\r\n\r\n") + 2]
    report, domain = bounce(rules, "RET=FULL", text=letter(body=inside[len(kind):], more=b"MIME-Version: 1.0\r\n" + re.match(
        rb"Content-Type: (?:.|\r\n[ \t])*\r\n", kind)[0]))
    assert list(report.by_recipient()) == [f"x@{domain}"]


# ---- when there is one: 3461 5.2 ----

NOTIFY = ["", "NOTIFY=NEVER", "NOTIFY=SUCCESS", "NOTIFY=FAILURE", "NOTIFY=DELAY", "NOTIFY=SUCCESS,FAILURE", "notify=success,delay",
          "NOTIFY=FAILURE,DELAY"]


def test_success_at_servers_without_dsn(rules):
    """5.2.2 (b), (e), (d): "relayed", only where SUCCESS was asked for; 6.2: with the header only, whatever RET says."""
    places = [rules.place(extensions=NO_DSN) for _ in NOTIFY]
    for (peer, domain), options in zip(places, NOTIFY):
        rules.submit([(f"x@{domain}", options)], letter(body=BODY), "RET=FULL ENVID=relayed")
    for (peer, domain), options in zip(places, NOTIFY):
        rules.answered(f"@{domain}", "sent")
        rules.gone(domain)
        if "SUCCESS" in options.upper():
            report = Report(rules.report(domain))
            (group,) = report.recipients
            assert group["Action"] == "relayed" and group["Status"][0] == "2" and BODY not in report.raw
            assert group["Remote-MTA"].replace(" ", "") == f"dns;mx.{domain}" and report.of_message["Original-Envelope-Id"] == "relayed"
    assert sum(len(rules.reports(domain)) for _, domain in places) == sum("SUCCESS" in o.upper() for o in NOTIFY)


def test_success_at_servers_with_dsn(rules):
    """5.2.1: the next server reports; nothing from here, which would be a second one (3464 section 3)."""
    places = [rules.place(extensions=ALL) for _ in NOTIFY]
    for (_, domain), options in zip(places, NOTIFY):
        rules.submit([(f"x@{domain}", options)])
    for _, domain in places:
        rules.answered(f"@{domain}", "sent")
        rules.gone(domain)
    assert [rules.reports(domain) for _, domain in places] == [[]] * len(places)


@pytest.mark.parametrize("extensions", [ALL, NO_DSN])
@pytest.mark.parametrize("position", ["RCPT", "END"])
def test_failure(rules, extensions, position):
    """5.2.2 (c), (d), (f), 5.2.6: FAILURE and nothing said: "a failed DSN MUST be issued"; any other: MUST NOT."""
    places = [rules.place(extensions=extensions, replies={position: "550 5.7.1 no"}) for _ in NOTIFY]
    for (_, domain), options in zip(places, NOTIFY):
        rules.submit([(f"x@{domain}", options)])
    for (_, domain), options in zip(places, NOTIFY):
        rules.gone(domain)
        if not options or "FAILURE" in options:
            assert Report(rules.report(domain)).recipients[0]["Action"] == "failed"
    assert sum(len(rules.reports(domain)) for _, domain in places) == sum(not o or "FAILURE" in o for o in NOTIFY)


def test_delay(rules):
    """5.2.5: where NOTIFY is there without DELAY it MUST NOT; 3464 2.3.9: Will-Retry-Until; 4.3: only the header is returned."""
    places = [rules.place(replies={"RCPT": "451 4.3.0 later"}) for _ in NOTIFY]
    for (_, domain), options in zip(places, NOTIFY):
        rules.submit([(f"x@{domain}", options)], letter(body=BODY), "RET=FULL")
    wanted = [not o or "DELAY" in o.upper() for o in NOTIFY]
    for ((_, domain), is_wanted) in zip(places, wanted):
        if is_wanted:
            report = Report(rules.report(domain))
            (group,) = report.recipients
            assert group["Action"] == "delayed" and group["Status"] == "4.3.0" and BODY not in report.raw
            assert email.utils.parsedate_to_datetime(group["Will-Retry-Until"]).timestamp() > time.time()
    assert [len(rules.reports(domain)) for _, domain in places] == [int(w) for w in wanted]
    rules.a.run("queue", "remove", "all", check=False)


# ---- to others: 6.1, 5321 6.1, 8689 5 ----

def forwarded(rules, alias, mail="", options="", text=None, how=None, sender_how=None):
    """What a stranger writes to an alias here whose server refuses it: (the stranger's server, its domain, the alias's domain)."""
    peer, domain = rules.place(**{"replies": {"RCPT": "550 5.1.1 no such person"}, **(how or {})})
    back, sender = rules.place(**(sender_how or {}))
    rules.a.run("alias", "add", f"{alias}@example.org", f"x@{domain}")
    text = text or letter(body=BODY).replace(ALICE.encode(), b"s@" + sender.encode())
    rules.stranger([(f"{alias}@example.org", options)], text, f"s@{sender}" if sender_how is not False else "", mail)
    return back, sender, domain


@pytest.mark.parametrize("extensions", [ALL, ()])
def test_the_envelope_of_a_report(rules, extensions):
    """3461 6.1: MAIL FROM:<>, to the return address; RET MUST NOT be used, NOTIFY at most as NEVER; 5321 6.1. SRS is taken off.
    3461 5.2.7.2: of an alias with one address ENVID and ORCPT go along; what is reported is whom the writer wrote to."""
    back, sender, domain = forwarded(rules, f"fwd{len(extensions)}", "ENVID=strange RET=HDRS", "ORCPT=rfc822;O@x.test",
                                     sender_how={"extensions": extensions})
    (got,) = rules.arrives(back)
    assert path(got.mail) == "" and [path(r) for r in got.rcpts] == [f"s@{sender}"] and "RET" not in got.options
    assert parameters(got.rcpts[0]).get("NOTIFY", "NEVER") == "NEVER"
    report = Report(got.text, f"s@{sender}")
    assert "Return-Path" not in report.message and report.of_message["Original-Envelope-Id"] == "strange"
    assert report.recipients[0]["Original-Recipient"].replace(" ", "") == "rfc822;O@x.test" and BODY not in got.text


def test_no_report_of_a_report(rules):
    """3461 5.2, 5321 4.5.4, 6.1: "MUST NOT send" one where the return path is null; and one that cannot be delivered is the end."""
    _, _, domain = forwarded(rules, "nulls", sender_how=False)
    rules.gone(domain)
    back, sender, _ = forwarded(rules, "refusing", sender_how={"replies": {"RCPT": "550 5.1.1 no"}})
    eventually(lambda: back.said("RCPT"), rules.tail)
    rules.gone(sender)
    assert rules.reports(domain) == rules.reports(sender) == [] and len(back.said("MAIL")) == 1
    assert not [m for m in rules.inbox(ALICE, "TEXT", f'"{sender}"')]


def test_requiretls_and_reports(rules):
    """8689 5: "MUST behave as if RET=HDRS was present": RET=FULL MUST be disregarded, whatever it failed for; 4.2.1: 5.7.10 or 5.7.30,
    at once; 4.1: TLS-Required in the header is ignored beside it."""
    peer, domain = rules.place()
    rules.submit(f"x@{domain}", letter(body=BODY, more=b"TLS-Required: No\r\n"), "RET=FULL REQUIRETLS")
    report = Report(rules.report(domain))
    assert report.recipients[0]["Status"] in ("5.7.10", "5.7.30") and BODY not in report.raw and peer.letters == []
    assert report.returned.get_content_type() == "text/rfc822-headers" and peer.said("MAIL") == []


# ---- RFC 6533 ----

def test_addresses_in_utf8(rules):
    """6533 3, 4: message/global-delivery-status with the address in UTF-8 and its type utf-8; unitext of ORCPT is converted (3, "SHOULD
    be converted to the utf-8-address form"); what is returned is message/global or message/global-headers; 6: no charset parameter;
    and 8bit where it stands in a mailbox here."""
    peer, domain = rules.place(extensions=(*ALL, "SMTPUTF8"), replies={"RCPT": "550 5.1.1 no"})
    rules.submit([(f"j\u00fcrgen@{domain}", "ORCPT=utf-8;J\\x{FC}rgen@x.test")], letter(more="X-Name: \u00e9\r\n".encode()),
                 "SMTPUTF8 BODY=8BITMIME RET=HDRS")
    (raw,) = eventually(lambda: [m for m in rules.inbox(ALICE, "TEXT", f'"{domain}"') if b"multipart/report" in m], rules.tail)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    kinds = [p.get_content_type() for p in message.iter_parts()]
    assert kinds[1:] == ["message/global-delivery-status", "message/global-headers"]
    assert all(p.get_param("charset") is None for p in list(message.iter_parts())[1:])
    text = raw.decode()
    assert re.search(f"(?m)^Final-Recipient: ?utf-8; ?j\u00fcrgen@{domain}\r$", text)
    assert re.search("(?m)^Original-Recipient: ?utf-8; ?J\u00fcrgen@x.test\r$", text) and "X-Name: \u00e9" in text


def test_utf8_addresses_in_ascii_reports(rules):
    """6533 3: in message/delivery-status an address with other letters "MUST" be in the 7-bit form, and stays so where it is reported
    by RFC 3464 alone; ORCPT of a message that is ASCII throughout."""
    report, _ = bounce(rules, options="ORCPT=utf-8;J\\x{FC}rgen@x.test")
    got = report.recipients[0]["Original-Recipient"].replace("; ", ";")
    if report.kind == "message/delivery-status":
        assert got == "utf-8;J\\x{FC}rgen@x.test" and report.raw.isascii()
    else:
        assert got == "utf-8;J\u00fcrgen@x.test"


def test_a_report_on_utf8_to_who_does_not_take_it(rules):
    """6533 5, 6531 3.2: the return path's server has no SMTPUTF8: nothing of other letters goes there but encoded, and it does go."""
    back, sender, domain = forwarded(
        rules, "utf8", "SMTPUTF8 BODY=8BITMIME", how={"extensions": (*ALL, "SMTPUTF8"), "replies": {"RCPT": "550 5.1.1 no"}},
        text=letter(body=BODY, more="X-Name: J\u00fcrgen\r\n".encode()), sender_how={"extensions": ("PIPELINING",)})
    (got,) = rules.arrives(back)
    assert "SMTPUTF8" not in got.options and got.text.isascii()
    report = Report(got.text, f"s@{sender}")
    assert report.recipients[0]["Action"] == "failed" and domain in report.recipients[0]["Final-Recipient"]
    assert "J\u00fcrgen" in report.returned.get_payload(decode=True).decode()


def test_bob_is_not_told_what_alice_asked(rules):
    """3464 2: "MUST be addressed to the return address from the transport envelope", whatever the header says."""
    peer, domain = rules.place(replies={"RCPT": "550 5.1.1 no"})
    rules.submit(f"x@{domain}", letter(more=b"Reply-To: <bob@example.org>\r\nErrors-To: <bob@example.org>\r\n"))
    Report(rules.report(domain))
    assert rules.reports(domain, BOB) == []
