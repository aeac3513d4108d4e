# SPDX-License-Identifier: ISC
"""SMTP's extensions clause by clause, from the RFCs' texts: SIZE, 8BITMIME, CHUNKING, DSN, SMTPUTF8, LIMITS, AUTH, submission."""
import base64
import imaplib
import email
import email.policy
import re

import pytest

from conftest import Exchange
from standards import PLAIN, Smtp, nothing_held_back
from test_smtp import inbox, with_subject
from test_standards_smtp import PORTS, letter

MAX = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Exchange(tmp_path_factory.mktemp("standards"), {"port_lmtp": "0", "message_size_max": str(MAX), "connections_peer": "400"})
    one.account_add("b\u00fccher@example.org", "nine black cats")
    one.start(environment=nothing_held_back())
    yield one
    one.stop()


def raw(server, address, subject):
    """The one message of that subject, octet by octet, without what was added in front."""
    with imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=server.tls()) as imap:
        imap.login(address, server.password(address))
        imap.select("INBOX", readonly=True)
        numbers = imap.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
        assert len(numbers) == 1, numbers
        return imap.fetch(numbers[0].decode(), "(BODY.PEEK[])")[1][0][1]


# ---- RFC 1870 ----

def test_size_is_a_number_of_up_to_twenty_digits(server):
    """Section 5: 1*20DIGIT; section 6.1: 552 for what is known to be too much."""
    for port in PORTS:
        with Smtp(server, port) as s:
            assert s.keywords["SIZE"] == [b"%d" % MAX]
            for size, code in ((b"0", 250), (b"1", 250), (b"%d" % MAX, 250), (b"%d" % (MAX + 1), 552), (b"9" * 20, 552), (b"0" * 19 + b"1", 250),
                               (b"9" * 21, 501), (b"1k", 501), (b"-1", 501), (b"+1", 501), (b"", 501), (b" 1", 501)):
                answer = s.say(b"MAIL FROM:<%s> SIZE=%s" % (s.sender, size))
                assert answer.code == code and (code != 552 or answer.enhanced in ("5.3.4", "5.2.3")), (size, answer)
                s.say(b"RSET", 250)


@pytest.mark.parametrize("by", ["DATA", "BDAT"])
def test_size_is_no_end_of_the_text(server, by):
    """Section 6: the parameter is not what ends the text; a message that is longer than was said is taken, up to the limit."""
    with Smtp(server) as s:
        text = letter(s, f"declared {by}", b"a line of text\r\n" * 100)
        s.envelope(options=b" SIZE=3")
        if by == "DATA":
            s.say(b"DATA", 354)
            s.say(text + b".", 250)
        else:
            s.say(b"BDAT %d LAST\r\n%s" % (len(text), text[:-2]), 250)
    assert raw(server, server.BOB, f"declared {by}").endswith(text)


@pytest.mark.parametrize("port", PORTS)
def test_the_limit_is_exact(server, port):
    """The announced number of octets is taken, with dots that are only the transport's and without the last one; one more is not."""
    with Smtp(server, port) as s:
        start = letter(s, f"exact {port}", b"")
        for extra, code in ((0, 250), (1, 552)):
            body = b"." * 998 + b"\r\n"
            body = (body * (MAX // len(body) + 1))[:MAX - len(start) - 2 + extra] + b"\r\n"
            text = start + body
            assert len(text) == MAX + extra
            s.envelope()
            s.say(b"BDAT %d LAST\r\n%s" % (len(text), text[:-2]), code)
            s.envelope(options=b" SIZE=%d" % MAX)
            s.say(b"DATA", 354)
            s.say(re.sub(rb"(?m)^\.", b"..", text) + b".", code)
    assert len(with_subject(server, server.BOB, f"exact {port}")) == 2


# ---- RFC 6152 ----

EIGHT = bytes(b for b in range(1, 256) if b not in (10, 13))


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("options", [b"", b" BODY=7BIT", b" BODY=8BITMIME"], ids=["none", "7BIT", "8BITMIME"])
def test_octets_with_the_high_bit_are_kept(server, port, options):
    """Said or not: what comes is what is kept, octet by octet, or it is refused; it is never changed (section 3)."""
    with Smtp(server, port) as s:
        name = f"eight {port} {options[6:].decode()}"
        text = letter(s, name, EIGHT + b"\r\n.\xff\r\n")
        s.data(text.replace(b"\r\n.", b"\r\n.."), options=options)
    assert raw(server, server.BOB, name.strip()).endswith(text)


# ---- RFC 3030 ----

@pytest.mark.parametrize("port", PORTS)
def test_chunks_as_the_grammar_has_them(server, port):
    """Section 2: 1*DIGIT, and no message without LAST; text is not unstuffed; an empty message is one."""
    with Smtp(server, port) as s:
        text = letter(s, f"chunks {port}", b".\r\n..\r\n.x\r\n")
        s.envelope()
        s.say(b"BDAT 0", 250)
        s.say(b"BDAT %08d\r\n%sBDAT 0" % (len(text), text), 250, 250)
        s.say(b"bdat 000 last", 250)
        s.envelope()
        s.say(b"BDAT 0 LAST", 250)
        for line in (b"BDAT 1 LAST LAST", b"BDAT 1 FIRST", b"BDAT LAST", b"BDAT 1,LAST"):
            with Smtp(server, port) as bad:
                bad.envelope()
                assert bad.say(line).code in (500, 501)  # and where the next command begins nobody knows
                assert bad.reply().code == 421 and bad.ended()
    assert raw(server, server.BOB, f"chunks {port}").endswith(text)


@pytest.mark.parametrize("port", PORTS)
def test_chunks_behind_a_refused_one(server, port):
    """Section 2: the octets are taken and dropped, what is in the pipe is answered, RSET makes everything good."""
    with Smtp(server, port) as s:
        text = letter(s, f"behind {port}")
        s.envelope()
        s.send(b"BDAT 3\r\na\nbBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nRSET\r\nRSET\r\nNOOP\r\n")
        s.hear(b"chunks", 550, 503, 503, 250, 250)
        s.envelope()
        s.say(b"BDAT %d\r\n%sRSET\r\nBDAT 2 LAST\r\n" % (len(text), text), 250, 250, 503)
        s.say(b"DATA", 503)
        s.envelope()
        s.say(b"BDAT %d\r\n%sDATA\r\nRSET" % (len(text), text), 250, 503, 250)
        s.envelope()
        s.say(b"BDAT %d LAST\r\n%s" % (len(text), text[:-2]), 250)
    assert raw(server, server.BOB, f"behind {port}").endswith(text)


# ---- RFC 3461, 6533 ----

GOOD_MAIL = [b"RET=FULL", b"ret=hdrs", b"ENVID=" + b"e" * 100, b"RET=HDRS ENVID=a+20b+2Bc", b"ENVID=a+3Db RET=FULL"]
BAD_MAIL = [b"ENVID=a+2bc", b"ENVID=a+0D+0AX:+20b", b"ENVID=a+0Ab", b"ENVID=a+00", b"ENVID=a+7F", b"ENVID=a+FF", b"ENVID=a+G0", b"ENVID=a=b",
            b"ENVID=\xc3\xa4", b"ENVID=a\x01", b"ENVID", b"ENVID=a ENVID=a", b"RET", b"RET=", b"RET=FULL,HDRS", b"RET=HDRS RET=FULL"]
GOOD_RCPT = [b"NOTIFY=NEVER", b"NOTIFY=never", b"NOTIFY=DELAY,FAILURE,SUCCESS", b"NOTIFY=Success,Delay", b"ORCPT=rfc822;a+2Bb@example.net",
             b"ORCPT=RFC822;X", b"ORCPT=x400;/S+3Dx/", b"ORCPT=utf-8;a@example.net", b"ORCPT=utf-8;a\\x{2B}b@example.net",
             b"ORCPT=utf-8;\\x{10FFFF}@example.net", b"NOTIFY=FAILURE ORCPT=rfc822;" + b"o" * 490]
BAD_RCPT = [b"NOTIFY=NEVER,SUCCESS", b"NOTIFY=SUCCESS,NEVER", b"NOTIFY=NEVER,NEVER", b"NOTIFY=ALWAYS", b"NOTIFY=SUCCESS,,FAILURE", b"NOTIFY=,SUCCESS",
            b"NOTIFY=SUCCESS NOTIFY=FAILURE", b"NOTIFY=NEVER NOTIFY=NEVER", b"ORCPT=rfc822;a ORCPT=rfc822;a", b"ORCPT", b"ORCPT=;a", b"ORCPT=rfc822",
            b"ORCPT=rfc822;a+0D+0AX:+20b", b"ORCPT=rfc822;a+00", b"ORCPT=rfc822;a+g1", b"ORCPT=rfc822;a=b", b"ORCPT=rf c822;a", b"ORCPT=rfc822;a\x7f"]


@pytest.mark.parametrize("port", ["smtp", "submissions"])
def test_parameters_of_dsn(server, port):
    """3461 4, 5.1 (a) and (b): valid ones change no reply, 501 for the others, and neither changes the state."""
    with Smtp(server, port) as s:
        for one in GOOD_MAIL:
            s.say(b"MAIL FROM:<%s> %s" % (s.sender, one), 250)
            s.say(b"RSET", 250)
        for one in BAD_MAIL:
            answer = s.say(b"MAIL FROM:<%s> %s" % (s.sender, one))
            # A control character makes the whole line none, whatever it stands in.
            assert (answer.code, answer.enhanced) == ((500, "5.5.2") if b"\x01" in one else (501, "5.5.4")), (one, answer)
        s.say(b"MAIL FROM:<%s>" % s.sender, 250)
        for one in GOOD_RCPT:
            s.say(b"RCPT TO:<bob@example.org> " + one, 250)
            s.say(b"RCPT TO:<nobody@example.org> " + one, 550)
    for one in BAD_RCPT:
        with Smtp(server, port) as s:
            s.say(b"MAIL FROM:<%s>" % s.sender, 250)
            answer = s.say(b"RCPT TO:<bob@example.org> " + one)
            assert (answer.code, answer.enhanced) == ((500, "5.5.2") if b"\x7f" in one else (501, "5.5.4")), (one, answer)
            s.say(b"DATA", 503 if answer.code == 250 else 554)


def reports(server, identifier):
    found = []
    for one in inbox(server, server.ALICE):
        if one.get_content_type() == "multipart/report":
            groups = one.get_payload(1).get_payload()
            if groups[0]["Original-Envelope-Id"] == identifier:
                found.append((one, groups[1:]))
    return found


def test_who_gets_a_report_and_what_it_says(server):
    """5.2.3 and 6: for SUCCESS only; Original-Recipient only where ORCPT was; one group a recipient; the text is not returned."""
    with Smtp(server, "submissions") as s:
        s.say(b"MAIL FROM:<alice@example.org> RET=FULL ENVID=first", 250)
        s.say(b"RCPT TO:<bob+one@example.org> NOTIFY=SUCCESS", 250)
        s.say(b"RCPT TO:<bob+two@example.org> NOTIFY=FAILURE,SUCCESS,DELAY ORCPT=utf-8;B\\x{FC}cher@example.net", 250)
        s.say(b"RCPT TO:<bob+three@example.org> NOTIFY=FAILURE,DELAY", 250)
        s.say(b"RCPT TO:<bob+four@example.org> NOTIFY=NEVER ORCPT=rfc822;x", 250)
        s.say(b"RCPT TO:<bob+five@example.org>", 250)
        s.say(b"DATA", 354)
        s.say(letter(s, "report me", b"the secret text\r\n") + b".", 250)
        for number, options in ((b"second", b"NOTIFY=FAILURE,DELAY"), (b"third", b"NOTIFY=NEVER"), (b"fourth", b"")):
            s.say(b"MAIL FROM:<alice@example.org> ENVID=%s" % number, 250)
            s.say(b"RCPT TO:<bob@example.org> " + options, 250)
            s.say(b"DATA", 354)
            s.say(letter(s, "report nothing") + b".", 250)
        s.say(b"MAIL FROM:<alice@example.org>", 250)
        s.say(b"RCPT TO:<bob@example.org> NOTIFY=SUCCESS", 250)
        s.say(b"DATA", 354)
        s.say(letter(s, "no identifier") + b".", 250)
    for identifier in ("second", "third", "fourth"):
        assert reports(server, identifier) == []
    found = reports(server, "first")
    groups = [g for _, gs in found for g in gs]
    by = {g["Final-Recipient"].split(";")[1].strip(): g for g in groups}
    assert sorted(by) == ["bob+one@example.org", "bob+two@example.org"] and len(groups) == 2
    assert by["bob+one@example.org"]["Original-Recipient"] is None
    original = str(by["bob+two@example.org"].get_all("Original-Recipient")[0])
    assert re.fullmatch(r"(?i)utf-8; ?B(\\x\{FC\}|.+)cher@example\.net", original), original
    for report, gs in found:
        assert report["Return-Path"] == "<>" and "secret text" not in str(report)
        assert all(g["Action"] == "delivered" and re.match(r"2\.\d+\.\d+", g["Status"]) for g in gs)
        assert report.get_payload(1).get_payload(0)["Reporting-MTA"].startswith("dns;")
    (without,) = [r for r, _ in reports(server, None)]
    assert "no identifier" in str(without)


def test_a_report_to_and_on_other_scripts(server):
    """6533 sections 3 and 4: utf-8 as the address type, the global media types, and an ORCPT that is no address is copied as it is."""
    address = "b\u00fccher@example.org"
    plain = f"\0{address}\0{server.password(address)}".encode()
    with Smtp(server, "submissions", sign_in=False) as s:
        s.say(b"AUTH PLAIN " + base64.b64encode(plain), 235)
        s.say(f"MAIL FROM:<{address}> SMTPUTF8 ENVID=global".encode(), 250)
        s.say(b"RCPT TO:<bob@example.org> NOTIFY=SUCCESS ORCPT=utf-8;a\\x{D}\\x{A}X:y", 250)
        s.say(f"RCPT TO:<{address}> NOTIFY=SUCCESS ORCPT=utf-8;{address}".encode(), 250)
        s.say(b"RCPT TO:<alice@example.org> NOTIFY=SUCCESS ORCPT=rfc822;x+2By", 250)
        s.say(b"DATA", 354)
        s.say(f"From: {address}\r\nSubject: gr\u00fc\u00df\r\n\r\nx\r\n.".encode(), 250)
    with imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=server.tls()) as imap:
        imap.authenticate("PLAIN", lambda _: plain)
        imap.select("INBOX", readonly=True)
        text = [p[1] for p in imap.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(p, tuple) and b"multipart/report" in p[1]][-1]
    report = email.message_from_bytes(text, policy=email.policy.SMTPUTF8)
    assert report["Return-Path"] == "<>" and report["To"] == address
    parts = [(m.get_content_type(), m.get("Content-Transfer-Encoding")) for m in report.get_payload()]
    assert [t for t, _ in parts[1:]] == ["message/global-delivery-status", "message/global-headers"] and parts[1][1] == "8bit"
    lines = text.decode().splitlines()
    assert f"Final-Recipient: utf-8;{address}" in lines and f"Original-Recipient: utf-8;{address}" in lines
    assert "Original-Recipient: utf-8;a\\x{D}\\x{A}X:y" in lines and "Original-Recipient: rfc822;x+y" in lines
    assert not any(line.startswith("X:y") for line in lines) and "Subject: gr\u00fc\u00df" in lines


# ---- RFC 6531, 6532 ----

@pytest.mark.parametrize("port", PORTS)
def test_utf8_only_where_it_was_asked_for(server, port):
    """3.3 to 3.5, 3.7.4.2: 5.6.7 without the parameter, at MAIL 550 or 553, at RCPT 553; replies stay ASCII; VRFY knows it."""
    with Smtp(server, port) as s:
        answer = s.say("MAIL FROM:<b\u00fccher@example.net>".encode())
        assert answer.code in (550, 553) and answer.enhanced == "5.6.7", answer
        s.say(b"MAIL FROM:<%s>" % s.sender, 250)
        for one in ("b\u00fccher@example.org", "bob@b\u00fccher.example", "\"b\u00fccher\"@example.org"):
            answer = s.say(f"RCPT TO:<{one}>".encode())
            assert answer.code in (550, 553) and answer.enhanced == "5.6.7", (one, answer)
        s.say(b"RSET", 250)
        s.say(b"MAIL FROM:<%s> BODY=8BITMIME smtputf8" % s.sender, 250)
        for one, code in (("b\u00fccher@example.org", 250), ("bu\u0308cher@example.org", 250), ("\"b\u00fccher\"@example.org", 250), ("nobod\u00fd@example.org", 550),
                          ("b\u00fccher@\u00fcber.example", 250 if port == "submissions" else 550)):
            s.say(f"RCPT TO:<{one}>".encode(), code)
        s.say(b"DATA", 354)
        s.send(("From: <%s>\r\nSubject: \u00fcber %s\r\n\r\nx\r\n.\r\n" % (s.sender.decode(), port)).encode())
        s.hear(b"text", *[250] * (3 if port == "lmtp" else 1))
        s.say("VRFY b\u00fccher SMTPUTF8".encode(), 252)
        s.say("NOOP \u00fc".encode())


@pytest.mark.parametrize("address", [b"\xc0\xaf@example.org", b"\xed\xa0\x80@example.org", b"\xf4\x90\x80\x80@example.org", b"\xc3@example.org", b"\xff@example.org",
                                     b"a\xc2\x80b@example.org", b"b\xe2\x80\x8eob@example.org", b"bob@\xe2\x80\x8eexample.org",
                                     b"bob@exam\xc2\xadple.\xff", b"bob@example\xef\xbc\x8eorg\xc0", b"\xe2\x80\xa8@example.org"])
def test_what_is_no_utf8_is_no_address(server, address):
    """3.3: UTF-8 by RFC 3629; controls of the upper half and what changes the direction of text are in no address."""
    for port in ("smtp", "lmtp"):
        with Smtp(server, port) as s:
            s.say(b"MAIL FROM:<> SMTPUTF8", 250)
            answer = s.say(b"RCPT TO:<%s>" % address)
            assert answer.code in (500, 501, 550, 553), answer


# ---- RFC 9422 ----

@pytest.mark.parametrize("port", PORTS)
def test_limits_are_numbers_that_hold(server, port):
    """Section 4: NAME=VALUE with no zero in front; the limit of recipients is the one that holds, and 452 comes behind it."""
    with Smtp(server, port) as s:
        limits = dict(one.split(b"=") for one in s.keywords["LIMITS"])
        assert set(limits) <= {b"RCPTMAX", b"MAILMAX", b"RCPTDOMAINMAX"} and all(re.fullmatch(rb"[1-9]\d{0,5}", v) for v in limits.values())
        most = int(limits[b"RCPTMAX"])
        assert most >= 100  # RFC 5321 section 4.5.3.1.8
        s.say(b"MAIL FROM:<%s>" % s.sender, 250)
        s.send(b"RCPT TO:<bob@example.org>\r\n" * most)
        s.hear(b"recipients", *[250] * most)
        assert s.say(b"RCPT TO:<alice@example.org>", 452).enhanced == "4.5.3"
        assert s.say(b"RCPT TO:<alice@example.org>", 452).enhanced == "4.5.3"
        s.say(b"DATA", 354)
        s.say(letter(s, f"limits {port}") + b".", *[250] * (most if port == "lmtp" else 1))
        if b"MAILMAX" not in limits:
            for _ in range(50):
                s.say(b"MAIL FROM:<%s>\r\nRSET" % s.sender, 250, 250)
    assert len(with_subject(server, server.BOB, f"limits {port}")) == 1
    assert with_subject(server, server.ALICE, f"limits {port}") == []


# ---- RFC 4954 ----

def test_auth_in_its_place(server):
    """Section 4: once, not in a transaction; a failed one changes nothing; EHLO and RSET do not sign out."""
    with Smtp(server, "submissions", sign_in=False) as s:
        assert b"PLAIN" in s.keywords["AUTH"]
        assert s.say(b"MAIL FROM:<alice@example.org>", 530).enhanced == "5.7.0"
        for bad in (b"AUTH PLAIN " + PLAIN[:-1], b"AUTH PLAIN  " + PLAIN, b"AUTH PLAIN " + PLAIN + b" x"):
            answer = s.say(bad)
            if answer.code == 334:
                answer = s.say(b"*")
            assert answer.code in (500, 501), (bad, answer)
        s.say(b"auth plain", 334)
        s.say(b"*", 501)
        for bad in (PLAIN + b"\t", PLAIN + b" ", b" " + PLAIN, b"* ", b"=", b""):
            s.say(b"AUTH PLAIN", 334)
            assert s.say(bad).code in (501, 535), bad
        s.say(b"AUTH plain " + PLAIN + b" \r\nMAIL FROM:<alice@example.org>", 235, 250)
        s.say(b"AUTH PLAIN " + PLAIN, 503)
        s.say(b"RSET", 250)
        s.say(b"AUTH PLAIN " + PLAIN, 503)
        assert s.hello().code == 250
        s.say(b"AUTH PLAIN " + PLAIN, 503)
        s.data(letter(s, "signed in once"))


def test_the_longest_line_of_an_exchange(server):
    """Section 4: 12288 octets with CR LF are taken for what they say; more is 500 5.5.6, and the exchange is over."""
    for size, codes in ((12284, (535, 501)), (12288, (535, 501, 500)), (20000, (500,))):
        with Smtp(server, "submissions", sign_in=False) as s:
            s.say(b"AUTH PLAIN", 334)
            answer = s.say(base64.b64encode(b"\0" + b"a" * (size // 4 * 3 - 2) + b"\0")[:size])
            assert answer.code in codes, (size, answer)
            s.say(b"NOOP", 250)
            assert s.say(b"AUTH PLAIN " + PLAIN, 235).enhanced == "2.7.0"


@pytest.mark.parametrize("port", ["smtp", "submissions"])
def test_the_auth_parameter_of_mail(server, port):
    """Section 5: a mailbox or <> in xtext, from anybody; what it says is believed of nobody."""
    with Smtp(server, port) as s:
        for one, code in ((b"<>", 250), (b"bob@example.org", 250), (b"e+3Dmc2@example.com", 250), (b"\"a+20b\"@example.net", 250), (b"", 501), (b"a+3dmc2@x", 250), (b"a+3@x", 501),
                          (b"a+0D+0A@example.net", 501), (b"a+7f@example.net", 501), (b"+", 501), (b"+3", 501), (b"a=b@example.net", 501), (b"<> AUTH=<>", 501)):
            answer = s.say(b"MAIL FROM:<%s> AUTH=%s" % (s.sender, one))
            assert answer.code == code, (one, answer)
            s.say(b"RSET", 250)


def test_no_password_in_clear_and_the_same_words_for_a_right_one(server):
    """RFC 8314 section 4.1: over a channel in clear a right password and a wrong one are told the same."""
    answers = set()
    for plain in (PLAIN, base64.b64encode(b"\0alice@example.org\0wrong"), b"AAAA"):
        with Smtp(server, "submission") as s:
            assert "AUTH" not in s.keywords
            answer = s.say(b"AUTH PLAIN " + plain)
            assert answer.code in (530, 538)
            answers.add(repr(answer))
    assert len(answers) == 1


# ---- RFC 6409 ----

@pytest.mark.parametrize("port", ["submission", "submissions"])
def test_nothing_before_signing_in(server, port):
    """4.3: 530 by default; also behind STARTTLS."""
    with Smtp(server, port, sign_in=False) as s:
        if port == "submission":
            s.say(b"MAIL FROM:<alice@example.org>", 530)
            s.say(b"STARTTLS", 220)
            s.start_tls()
            s.hello()
        for _ in range(2):
            s.say(b"MAIL FROM:<alice@example.org>", 530)
        s.say(b"MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nNOOP", 530, 503, 503, 250)


@pytest.mark.parametrize("field", [b"To: bob", b"Cc: bob@localdomain", b"To: bob@-x.example", b"To: bob@", b"Reply-To: a@b@c"])
def test_addresses_in_a_submission_are_whole(server, field):
    """4.2 and 5.1: 554 for what is no address, or has a domain that nobody else would know."""
    with Smtp(server, "submissions") as s:
        text = b"From: alice@example.org\r\n%s\r\nSubject: not whole\r\n\r\nx\r\n" % field
        s.envelope()
        s.say(b"DATA", 354)
        answer = s.say(text + b".")
        assert answer.code == 554, answer


def test_a_submission_has_one_from(server):
    """8: what a submission server takes is a message of RFC 5322, which has one From; any form of it is as good as another."""
    with Smtp(server, "submissions") as s:
        for header, code in ((b"From: alice@example.org\r\nFrom: alice@example.org\r\n", 554), (b"From: alice@example.org\r\nX: y\r\nfrom : alice@example.org\r\n", 554),
                             (b"From: \r\n \"al\\ice\" @ example.org (bob@example.org)\r\n", 250), (b"X: y\r\n", 250), (b"From: Nobody:;\r\n", 550), (b"From:\r\n", 550)):
            s.envelope()
            s.say(b"DATA", 354)
            answer = s.say(header + b"Subject: one From\r\n\r\nx\r\n.")
            assert answer.code == code, (header, answer)
    got = with_subject(server, server.BOB, "one From")
    assert len(got) == 2 and all(len(m.get_all("From")) == 1 and "alice" in m["From"].replace("\\", "") for m in got)


def test_a_null_return_path_is_a_return_path(server):
    """3.2: MAIL FROM:<> is no cause for refusing; Date and Message-ID are added, once (8.2, 8.3)."""
    with Smtp(server, "submissions") as s:
        s.say(b"MAIL FROM:<>", 250)
        s.say(b"RCPT TO:<bob@example.org>", 250)
        s.say(b"DATA", 354)
        s.say(b"From: alice@example.org\r\nSubject: null path\r\n\r\nx\r\n.", 250)
    (got,) = with_subject(server, server.BOB, "null path")
    assert got["Return-Path"] == "<>" and len(got.get_all("Date")) == 1 and len(got.get_all("Message-ID")) == 1
    assert "127.0.0.1" not in str(got) and "client.example.net" not in str(got)


# ---- between RCPT and the end of the text ----

@pytest.mark.parametrize("others", [(), (b"bob@example.org",)], ids=["alone", "with another"])
@pytest.mark.parametrize("port", ["smtp", "lmtp"])
def test_an_account_that_goes_between_rcpt_and_the_text(server, port, others):
    """RFC 5321 section 4.2.5: 250 is for what is kept. A temporary refusal, or the mail of who is still there, and nothing else."""
    name = f"gone-{port}-{len(others)}@example.org"
    server.account_add(name, "twelve small moths")
    with Smtp(server, port) as s:
        s.envelope(name.encode(), *others)
        server.run("account", "remove", name)
        s.say(b"DATA", 354)
        s.send(letter(s, f"gone {name}") + b".\r\n")
        codes = [s.reply().code for _ in range(1 + len(others) if port == "lmtp" else 1)]
        assert codes[0] // 100 in (4, 5), codes
        s.alive()
        s.say(b"MAIL FROM:<%s>" % s.sender, 250)
        s.say(b"RCPT TO:<%s>" % name.encode(), 550)
    assert len(with_subject(server, server.BOB, f"gone {name}")) == codes[1:].count(250)
