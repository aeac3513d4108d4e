# SPDX-License-Identifier: ISC
"""What a client of SMTP owes other servers by its extensions, clause by clause from the RFCs' texts: SIZE, PIPELINING, STARTTLS,
CHUNKING, 8BITMIME, SMTPUTF8 and DSN's parameters. Every octet is looked at by standards_peer.py as well."""
import email
import email.policy
import re

import pytest

from keyservers import make_certificate
from standards_peer import ALL, eventually, letter, parameters, path, world
from test_transport_policy import server_context


@pytest.fixture(scope="module")
def rules():
    with world() as w:
        yield w


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    """TLS of a server, with a certificate of nobody's."""
    return server_context(*make_certificate(tmp_path_factory.mktemp("tls") / "certificate", "somebody.else.example"))


@pytest.fixture(autouse=True)
def nothing_wrong(rules):
    """Of no session that a test has caused."""
    before = len(rules.peers)
    yield
    for peer in rules.peers[before:]:
        assert peer.faults == []


# ---- RFC 1870 ----

@pytest.mark.parametrize("keyword, known", [("SIZE", False), ("SIZE 0", False), ("SIZE 1000000", True), ("size 18446744073709551615", True)])
def test_size_is_said(rules, keyword, known):
    """6: header, body and line ends, without the dots of DATA; 4: SIZE alone and 0 are no limit."""
    text = letter(body=b".dot\r\n" * 50)
    _, got = rules.taken(text, extensions=(keyword, "DSN"))
    assert int(got.options["SIZE"]) == len(got.text)


def test_what_is_too_large_is_not_sent(rules):
    """6.2 (2), 5: over the limit that was announced it need not be tried at all; it is returned, and no other is hurt."""
    peer, domain = rules.place(extensions=("SIZE 20000", "PIPELINING"))
    rules.submit(f"x@{domain}", letter(body=b"0123456789abcdef\r\n" * 5000))
    assert re.search(rb"Status: 5\.(3\.4|2\.3)", rules.report(domain)) and peer.letters == []
    rules.submit(f"y@{domain}")
    rules.arrives(peer)


@pytest.mark.parametrize("reply, status", [("452 4.3.1 insufficient system storage", None), ("552 5.3.4 too big", b"5.3.4"),
                                           ("552 message exceeds fixed maximum message size", b"5")])
def test_size_refused_in_mail(rules, reply, status):
    """6.2: 452: RSET or QUIT, and later again; 552: RSET or QUIT, and it is returned."""
    how = {"replies": {"MAIL": reply}, "extensions": ("SIZE",)}
    peer, got = rules.refused(**how) if status else rules.deferred(**how)
    assert peer.said("DATA") == [] and (not status or b"Status: " + status in got)


# ---- RFC 2920 ----

def test_answers_are_counted(rules):
    """3.1: "by counting each separate response": they come in one piece, have several lines, and say the opposite in their texts."""
    held = []

    def together(session, line):
        verb = line.split(" ")[0].upper()
        reply = {"MAIL": "250-first\r\n250 550 no", "DATA": "354-550\r\n354 go"}.get(verb) or (
            "550-5.1.1 no\r\n550 250 ok" if "bad" in line else "250-5.1.1 no\r\n250 x")
        held.append(reply)
        if verb != "DATA" and session.more():
            return reply, None
        wire, held[:] = "\r\n".join(held), []
        return reply, wire

    peer, domain = rules.place(replies={verb: together for verb in ("MAIL", "RCPT", "DATA")})
    rules.submit([f"a@{domain}", f"bad1@{domain}", f"b@{domain}", f"bad2@{domain}"])
    (got,) = rules.arrives(peer)
    assert [path(r).split("@")[0] for r in got.rcpts] == ["a", "b"]
    report = email.message_from_bytes(rules.report(domain))
    assert [g["Final-Recipient"] for g in report.get_payload(1).get_payload()[1:]] == [f"rfc822;bad{i}@{domain}" for i in (1, 2)]
    rules.gone(domain)


def test_pipelining_is_what_the_last_ehlo_says(rules, contexts):
    """3207 section 4.2: what was offered before TLS is forgotten; standards_peer.py looks whether any of it is used."""
    _, got = rules.taken(letter(body="\u00e9\r\n".encode()), "BODY=8BITMIME RET=HDRS ENVID=x", "NOTIFY=FAILURE", tls=contexts, extensions=ALL,
                   extensions_tls=("8BITMIME",))
    assert got.tls and set(got.options) == {"BODY"}


def test_what_tls_offers_is_used(rules, contexts):
    """The same the other way: SIZE and DSN are offered only there."""
    peer, got = rules.taken(tls=contexts, extensions=(), extensions_tls=ALL, mail="ENVID=y")
    assert got.tls and {"SIZE", "ENVID"} <= set(got.options)
    heard = [h.split(" ")[0] for h in peer.sessions[0].heard]
    assert heard[:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


@pytest.mark.parametrize("reply", ["454 4.7.0 not now", "501 5.5.4 what", "220 CLOSE"])
def test_starttls_that_fails(rules, contexts, reply):
    """3207 section 4: the client decides; where nothing says that there must be TLS, mail goes on without it (7672 section 2.2:
    "MAY retry in cleartext")."""
    peer, _ = rules.place(tls=contexts)
    def fails(session, _):
        if reply == "220 CLOSE":
            session.say("220 go")
            return "CLOSE"
        return reply
    peer.replies["STARTTLS"], peer.leaving_is_right = fails, True
    rules.submit(f"x@{_}")
    (got,) = rules.arrives(peer)
    assert not got.tls and peer.said("STARTTLS")


# ---- RFC 3030 ----

def test_chunks(rules):
    """2, 3: where BDAT is used: as many octets as were said, one LAST, text with CR LF; DATA stays right (1, 5). Looked at by
    standards_peer.py. BODY=BINARYMIME is not said, as nothing binary is taken."""
    text = letter(body=b".x\r\n.\r\n" + b"0123456789abcdef\r\n" * 30000)
    _, got = rules.taken(text, extensions=(*ALL, "CHUNKING", "BINARYMIME"))
    assert got.text.endswith(text) and (got.options.get("BODY") or "8BITMIME").upper() in ("8BITMIME", "7BIT")


@pytest.mark.parametrize("reply, now", [("452 4.3.1 full", False), ("552 5.3.4 too big", True), ("554 5.6.0 no", True)])
def test_chunks_that_are_refused(rules, reply, now):
    """2: "the sender-SMTP MUST NOT send any additional BDAT segments", "A RSET command MUST be issued" before any other command;
    whoever uses DATA is refused at its end."""
    peer, domain = rules.one(letter(body=b"0123456789abcdef\r\n" * 30000), replies={"BDAT": reply, "END": reply},
                       extensions=(*ALL, "CHUNKING"))
    if now:
        rules.report(domain)
    else:
        rules.waits(domain)
    if "DATA" not in peer.heard:
        rules.submit(f"y@{domain}")
        eventually(lambda: len(peer.said("MAIL")) >= 2, rules.tail)
        verbs = [h.split(" ")[0] for s in peer.sessions for h in s.heard]
        assert not re.search("BDAT MAIL", " ".join(verbs))


# ---- RFC 6152 ----

EIGHT = "Gr\u00fc\u00dfe, \u65e5\u672c\r\n.\u00e9\r\n"
MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"


def decoded(octets):
    return email.message_from_bytes(octets, policy=email.policy.default).get_content()


def test_eight_bits_where_they_are_taken(rules):
    """3: the octets as they are, and BODY says so."""
    text = letter(body=EIGHT.encode(), more=MIME)
    _, got = rules.taken(text, "BODY=8BITMIME")
    assert got.options["BODY"].upper() == "8BITMIME" and got.text.endswith(text)


@pytest.mark.parametrize("mail", ["BODY=8BITMIME", "", "BODY=7BIT"])
@pytest.mark.parametrize("ehlo", [None, "502 no"])
def test_eight_bits_where_they_are_not_taken(rules, mail, ehlo):
    """3: "must not, under any circumstances, attempt to transfer a content that contains characters outside of the US-ASCII octet
    range": it is made 7-bit MIME without a loss, or returned as a permanent error. Looked at by standards_peer.py too."""
    peer, domain = rules.one(letter(body=EIGHT.encode(), more=MIME), mail, extensions=("SIZE", "DSN"), replies={"EHLO": ehlo})
    eventually(lambda: peer.letters or rules.reports(domain), rules.tail)
    if peer.letters:
        assert peer.letters[0].text.isascii() and decoded(peer.letters[0].text) == EIGHT.replace("\r\n", "\n")
    else:
        assert re.search(rb"Status: 5\.6\.\d", rules.report(domain))


# ---- RFC 6531 ----

UTF8 = (*ALL, "SMTPUTF8")


def test_smtputf8_where_it_is_needed(rules):
    """3.4: "MUST supply the SMTPUTF8 parameter"; 3.2: the address as it is, the domain to DNS as A-labels; 3.1 item 3: parameters of
    the keyword are ignored; 3.7.1: EHLO in ASCII."""
    text = letter(more="X-Name: J\u00fcrgen\r\n".encode())
    peer, got = rules.taken(text, "SMTPUTF8 BODY=8BITMIME", local="j\u00fcrgen", extensions=(*ALL, "SMTPUTF8 what=ever"))
    assert "SMTPUTF8" in got.options and got.options["BODY"].upper() == "8BITMIME"
    assert path(got.rcpts[0]).encode("latin-1").decode().startswith("j\u00fcrgen@") and got.text.endswith(text)
    peer, got = rules.taken(text, "SMTPUTF8 BODY=8BITMIME", extensions=UTF8)
    assert "SMTPUTF8" in got.options  # for its header alone


def test_smtputf8_where_it_is_not_needed(rules):
    """3.4: "it SHOULD NOT supply the SMTPUTF8 parameter", and it goes to servers that do not have it."""
    _, got = rules.taken(mail="SMTPUTF8", extensions=UTF8)
    assert "SMTPUTF8" not in got.options
    rules.taken(mail="SMTPUTF8")


@pytest.mark.parametrize("what", ["address", "header", "inner header"])
def test_no_utf8_to_who_does_not_take_it(rules, what):
    """3.2, 3.5: "MUST NOT transmit an internationalized email address" nor such header fields "at any level within its MIME
    structure"; it is returned, with 5.6.7 for the address and 5.6.9 for the text (RFC 5248, section 3.5)."""
    inner = "J\u00fcrgen".encode()
    text = {"address": letter(), "header": letter(more=b"X-Name: " + inner + b"\r\n"),
            "inner header": letter(more=b"MIME-Version: 1.0\r\nContent-Type: message/global\r\n",
                                   body=b"From: " + inner + b" <j@example.net>\r\n\r\nx\r\n")}[what]
    peer, domain = rules.one(text, "SMTPUTF8 BODY=8BITMIME", local="j\u00fcrgen" if what == "address" else "x")
    report = rules.report(domain)
    assert peer.letters == [] and re.search(rb"Status: 5\.6\.[79]", report)


# ---- RFC 3461 section 5.2: what goes along ----

ENVELOPES = {  # MAIL's and RCPT's parameters
    "all": ("RET=HDRS ENVID=QQ+2B3D+3Dx", "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;Some+2BOne@Example.ORG"),
    "none": ("", ""), "envid": ("ENVID=Mixed-CASE", ""), "ret": ("RET=FULL", ""), "never": ("", "NOTIFY=NEVER"),
    "delay": ("", "NOTIFY=DELAY"), "other type": ("", "ORCPT=x400;/S+3DA/+28b+29/"), "unknown type": ("", "ORCPT=unknown;x"),
    "longest": ("ENVID=" + "e" * 100, "ORCPT=rfc822;" + "o" * 480 + "@x.test")}


@pytest.mark.parametrize("name", ENVELOPES)
def test_parameters_go_along(rules, name):
    """5.2.1: "MUST also appear, with the same associated esmtp-value", and what was not there MUST NOT be supplied; (d): ORCPT
    identical, to the case of its letters. One that was not there MAY be added, with the address of RCPT."""
    mail, options = ENVELOPES[name]
    _, got = rules.taken(None, mail, options)
    wanted, had = parameters("MAIL FROM:<x> " + mail), parameters("RCPT TO:<x> " + options)
    rcpt = parameters(got.rcpts[0])
    assert {k: v for k, v in got.options.items() if k in ("RET", "ENVID")} == wanted
    if "ORCPT" not in had and "ORCPT" in rcpt:
        assert rcpt.pop("ORCPT") == "rfc822;" + path(got.rcpts[0])
    notify = rcpt.pop("NOTIFY", None)
    assert set((notify or "").split(",")) == set((had.pop("NOTIFY", None) or "").split(",")) and rcpt == had


def test_each_recipient_has_its_own(rules):
    """5.2.1 (c), (d): in one transaction."""
    peer, domain = rules.place()
    rules.submit([(f"a@{domain}", "NOTIFY=NEVER"), (f"b@{domain}", ""), (f"c@{domain}", "NOTIFY=FAILURE ORCPT=rfc822;C@x.test")])
    got = {path(r)[0]: parameters(r) for letter in rules.arrives(peer) for r in letter.rcpts}
    eventually(lambda: len({path(r)[0]: 0 for letter in peer.letters for r in letter.rcpts}) == 3, rules.tail)
    assert got["a"].get("NOTIFY") == "NEVER" and "NOTIFY" not in got["b"] and got["c"] == {"NOTIFY": "FAILURE", "ORCPT": "rfc822;C@x.test"}


def test_no_parameters_to_who_does_not_know_them(rules):
    """5.2.2 (a): ENVID, NOTIFY, RET, ORCPT "MUST NOT be issued". (What is reported then: test_standards_dsn.py.)"""
    peer, domain = rules.one(None, "RET=HDRS ENVID=x", "NOTIFY=FAILURE ORCPT=rfc822;x@x.test", extensions=("PIPELINING", "SIZE"))
    (got,) = rules.arrives(peer)
    assert set(got.options) == {"SIZE"} and parameters(got.rcpts[0]) == {}


@pytest.mark.parametrize("local, options", [("j\u00fcrgen", "ORCPT=utf-8;j\u00fcrgen@x.test"), ("x", "ORCPT=utf-8;j\\x{FC}rgen@x.test")])
def test_orcpt_in_utf8(rules, local, options):
    """RFC 6533 section 3: utf-8 addresses natively only where SMTPUTF8 is offered and used, in xtext or unitext elsewhere."""
    if local == "x":
        _, got = rules.taken(None, "", options)
        assert parameters(got.rcpts[0])["ORCPT"] == "utf-8;j\\x{FC}rgen@x.test"
    else:
        _, got = rules.taken(None, "SMTPUTF8", options, local, extensions=UTF8)
        assert parameters(got.rcpts[0])["ORCPT"].encode("latin-1").decode() in ("utf-8;j\u00fcrgen@x.test", "utf-8;j\\x{FC}rgen@x.test")
        _, got = rules.taken(None, "SMTPUTF8", options)  # to a server without it
        assert parameters(got.rcpts[0])["ORCPT"] == "utf-8;j\\x{FC}rgen@x.test"
