# SPDX-License-Identifier: ISC
"""SMTP clause by clause, from the RFCs' texts: what the transcripts and the pitfalls do not ask. Every reply is looked at by
standards.py as well."""
import imaplib
import re
import time

import pytest

from conftest import Exchange
from standards import Smtp
from test_smtp import with_subject

PORTS = ("smtp", "submissions", "lmtp")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Exchange(tmp_path_factory.mktemp("standards"), {"port_lmtp": "0", "message_size_max": "1048576", "connections_peer": "400"})
    one.start()
    yield one
    one.stop()


def letter(smtp, subject, body=b"x\r\n"):
    return b"From: <%s>\r\nSubject: %s\r\n\r\n%s" % (smtp.sender, subject.encode(), body)


# ---- RFC 5321: replies and greetings ----

COMMANDS = [b"HELP", b"HELP MAIL", b"VRFY", b"VRFY bob", b"VRFY <bob@example.org>", b"VRFY \xff", b"EXPN", b"EXPN x", b"NOOP", b"NOOP \xc3\xa4",
            b"RSET", b"RSET x", b"ETRN example.org", b"ATRN", b"TURN", b"SEND FROM:<a@example.net>", b"SOML FROM:<a@example.net>",
            b"SAML FROM:<a@example.net>", b"AUTH", b"AUTH X", b"STARTTLS x", b"MAIL", b"MAIL FROM", b"MAIL FROM:", b"MAIL FROM:<",
            b"MAIL FROM:<a@b", b"MAIL FROM:<\xc3\xa4@example.net>", b"RCPT TO:<bob@example.org>", b"RCPT", b"RCPT TO:<\xff@example.org>",
            b"DATA x", b"DATA", b"BDAT 0", b"\xc3\xa4", b"M\xc3\xa4IL FROM:<>", b" ", b"X" * 600, b"QUIT x", b"XCLIENT ADDR=192.0.2.1",
            b"XFORWARD NAME=x", b"EHLO \xff", b"BURL imap://x LAST", b"HELO", b"LHLO"]


@pytest.mark.parametrize("port", ["smtp", "submission", "submissions", "lmtp"])
def test_every_reply_is_a_reply(server, port):
    """RFC 5321 section 4.2, RFC 2034 section 4 and RFC 6531 section 3.7.4.2: looked at by standards.py."""
    for part in (COMMANDS[:20], COMMANDS[20:]):
        for hello in (None, b"client.example.net"):
            for command in part:
                with Smtp(server, port, hello=hello) as s:
                    answer = s.say(command)
                    assert answer.code not in (521, 251, 551), answer  # RFC 6409 section 7; RFC 5321 section 3.4
                    if command[:4] in (b"EHLO", b"HELO", b"LHLO"):
                        assert answer.code >= 500
                    s.alive()


def test_greetings_begin_with_the_servers_name(server):
    """4.2, 4.1.1.1: 220, 221 and 421 and the first line of EHLO's answer have the domain first; HELO's has one line."""
    for port, word in (("smtp", b"EHLO"), ("smtp", b"HELO"), ("submission", b"EHLO"), ("submissions", b"HELO"), ("lmtp", b"LHLO")):
        with Smtp(server, port, hello=None) as s:
            assert s.greeting.code == 220 and re.match(rb"localhost( |$)", s.greeting.text), s.greeting
            answer = s.hello(word=word)
            assert answer.code == 250 and re.match(rb"localhost( |$)", answer.lines[0]), answer
            assert word != b"HELO" or len(answer.lines) == 1
            assert all(re.fullmatch(rb"[A-Z0-9][A-Z0-9-]*( [\x21-\x7e]+)*", k) for k in answer.lines[1:]), answer


@pytest.mark.parametrize("port", PORTS)
def test_a_refused_hello_changes_nothing(server, port):
    """4.1.4: 500, 501, 502 or 550, and the state is what it was; one that is taken resets."""
    with Smtp(server, port) as s:
        s.envelope()
        for name in (b"", b" ", b"two words", b"a\tb", b"\xff\xfe", b"[192.0.2", b"x" * 300, b"<x>"):
            answer = s.hello(name)
            assert answer.code in (250, 500, 501, 502, 550), answer
            if answer.code == 250:
                s.envelope()  # MAIL would be refused if nothing had been reset
            s.say(b"RCPT TO:<alice@example.org>", 250)
        assert s.hello(b"[IPv6:2001:db8::1]").code == 250
        s.say(b"RCPT TO:<alice@example.org>", 503)


@pytest.mark.parametrize("port", PORTS)
def test_a_refused_command_changes_nothing(server, port):
    """4.1.4: after 501 and 503 the state is the same; NOOP, VRFY, EXPN and HELP have no effect on any buffer (4.1.1)."""
    with Smtp(server, port) as s:
        s.say(b"MAIL FROM:<broken", 501)
        s.say(b"RCPT TO:<bob@example.org>", 503)
        s.envelope()
        for command, code in ((b"MAIL FROM:<dave@example.net>", 503), (b"RCPT TO:<broken", 501), (b"RCPT TO:<bob@@example.org>", 501),
                              (b"RSET now", 501), (b"DATA now", 501), (b"QUIT now", 501), (b"NOOP", 250), (b"VRFY bob", 252),
                              (b"HELP", 214), (b"FOO", 500), (b"AUTH PLAIN AAAA", 503), (b"STARTTLS", 503)):
            assert s.say(command).code == code, command
        s.say(b"DATA", 354)
        s.say(letter(s, f"unchanged {port}") + b".", 250)
    assert len(with_subject(server, server.BOB, f"unchanged {port}")) == 1


def test_help_and_vrfy_need_no_hello(server):
    """4.1.4: commands that are no part of a transaction, without EHLO."""
    with Smtp(server, hello=None) as s:
        s.say(b"NOOP", 250)
        s.say(b"VRFY bob", 252)
        s.say(b"HELP", 214)
        s.say(b"RSET", 250)
        s.say(b"QUIT", 221)
        assert s.ended()


@pytest.mark.parametrize("port", PORTS)
def test_commands_in_any_case_and_with_space_behind(server, port):
    """2.4 and 4.1.1: white space before CR LF is tolerated, verbs and keywords have no case."""
    with Smtp(server, port) as s:
        s.say(b"noop ", 250)
        s.say(b"RsEt  ", 250)
        s.say(b"mAiL fRoM:<%s> sIzE=10 bOdY=8bItMiMe \r\nrCpT tO:<BOB@EXAMPLE.ORG> " % s.sender.swapcase(), 250, 250)
        s.say(b"dAtA ", 354)
        s.say(letter(s, f"any case {port}") + b".", 250)
        s.say(b"quit  ", 221)
        assert s.ended()
    assert len(with_subject(server, server.BOB, f"any case {port}")) == 1


# ---- RFC 5321: addresses ----

A_DOMAIN = b".".join([b"d" * 60] * 3) + b".xy"  # 186 octets: with 64 in front and the brackets 253 of the path's 256
SENDERS = [b"a@b.example", b"user@[192.0.2.1]", b"user@[IPv6:2001:db8::1]", b"user@[IPv6:::ffff:192.0.2.1]", b"\"\"@example.net",
           b"\"a b\"@example.net", b"\"a\\\"b\"@example.net", b"\"a\\\\\"@example.net", b"\"a@b\"@example.net", b"!#$%&'*+-/=?^_`{|}~@example.net",
           b"a.b.c@example.net", b"1@2.example", b"a@x--y.example", b"a@3com.example", b"l" * 64 + b"@" + A_DOMAIN,
           b"@one.example,@two.example:joe@three.example", b"\">\"@example.net", b"a@example"]
NO_SENDERS = [b"a", b"a@", b"@a.example", b"a..b@example.net", b".a@example.net", b"a.@example.net", b"a b@example.net", b"a@b@example.net",
              b"\"a@example.net", b"\"a\"b@example.net", b"a\"b\"@example.net", b"\"a\x01b\"@example.net", b"\"a\x7fb\"@example.net", b"\"a\tb\"@example.net",
              b"\"a\\\x01b\"@example.net", b"a\x01@example.net", b"a@-example.net", b"a@example-.net", b"a@exa_mple.net", b"a@example..net",
              b"a@.example.net", b"a@[192.0.2]", b"a@[192.0.2.256]", b"a@[300.0.0.1]", b"a@[IPv6:zz::1]", b"a@[IPv6:1::2::3]", b"a@[]",
              b"a@[192.0.2.1", b"a@192.0.2.1]", b"a@exam ple.net", b"a@" + b"d" * 64 + b".example", b"a@" + b".".join([b"d" * 60] * 5),
              b"a(comment)@example.net", b"<a@example.net>", b"a@example.net,b@example.net", b"a@example.net>", b"a@ex\x00ample.net"]


@pytest.mark.parametrize("address", SENDERS, ids=lambda a: a[:40].decode("latin-1"))
def test_addresses_that_are_addresses(server, address):
    """4.1.2, 4.1.3, 4.5.3.1.1 to .3: any sender, and as a recipient nobody's, which is no error of syntax."""
    for port in ("smtp", "lmtp"):
        with Smtp(server, port) as s:
            s.say(b"MAIL FROM:<%s>" % address, 250)
            answer = s.say(b"RCPT TO:<%s>" % address)
            assert answer.code == 550, answer


@pytest.mark.parametrize("address", NO_SENDERS, ids=lambda a: repr(a[:40]))
def test_addresses_that_are_none(server, address):
    """4.1.2: what is no address gets 501 and its enhanced code (RFC 5248: 5.1.7 of a sender, 5.1.3 of a recipient)."""
    with Smtp(server) as s:
        answer = s.say(b"MAIL FROM:<%s>" % address)
        assert answer.code in (500, 501) and answer.enhanced in ("5.1.7", "5.5.2", "5.5.4"), answer
        s.say(b"MAIL FROM:<>", 250)
        answer = s.say(b"RCPT TO:<%s>" % address)
        assert answer.code in (500, 501) and answer.enhanced in ("5.1.3", "5.5.2", "5.5.4"), answer
        s.alive()


def test_quoted_forms_are_equivalent(server):
    """4.1.2: all quoted forms of a local-part; 4.5.1: postmaster in any case, with and without a domain."""
    with Smtp(server) as s:
        s.say(b"MAIL FROM:<>", 250)
        for local in (b"bob", b"\"bob\"", b"\"b\\ob\"", b"\"\\b\\o\\b\"", b"BOB", b"\"BOB\""):
            s.say(b"RCPT TO:<%s@example.org>" % local, 250)
        for one in (b"postmaster", b"PostMaster", b"POSTMASTER@EXAMPLE.ORG", b"\"postmaster\"@example.org"):
            s.say(b"RCPT TO:<%s>" % one, 250)
        s.say(b"RCPT TO:<bob>", 501)
        s.say(b"DATA", 354)
        s.say(b"Subject: quoted\r\n\r\nx\r\n.", 250)
    assert len(with_subject(server, server.BOB, "quoted")) == 1


def test_a_line_of_512_octets_and_what_dsn_adds(server):
    """4.5.3.1.4: 512 with CR LF; RFC 3461 section 5.4: 1036 at least."""
    with Smtp(server) as s:
        start = b"MAIL FROM:<%s@example.net> SIZE=1 RET=HDRS BODY=8BITMIME ENVID=%s" % (b"l" * 64, b"e" * 100)
        s.say(start + b" " * (510 - len(start)), 250)
        s.say(b"NOOP " + b"n" * 505, 250)
        start = b"RCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;" + b"o" * 480
        s.say(start + b" " * (1034 - len(start)), 250)


# ---- RFC 5321: trace, and what is not ours to judge ----

def test_received_says_how_it_came(server):
    """4.4: FROM, BY, WITH, ID, one FOR or none, and the time; RFC 3848 and RFC 6531 section 4.3: which WITH."""
    def received(subject):
        (got,) = with_subject(server, server.BOB, subject)
        field = " ".join(got.get_all("Received")[0].split())
        assert re.fullmatch(r"from \S+( \(.*\))? by localhost( \(.*\))? with \w+ id \S+( \(.*\))?( for <\S+@\S+>)?; "
                            r"\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", field), field
        return field, got

    with Smtp(server, hello=None) as s:
        s.hello(b"old.example.net", b"HELO")
        s.data(letter(s, "by HELO"))
        assert " with SMTP id " in received("by HELO")[0] and "old.example.net" in received("by HELO")[0]
        s.hello(b"[192.0.2.9]")
        s.data(letter(s, "by EHLO"), recipients=(b"bob@example.org", b"alice@example.org"))
        field, got = received("by EHLO")
        assert " with ESMTP id " in field and " for " not in field and "alice" not in str(got)
        s.data(letter(s, "by UTF8"), options=b" SMTPUTF8")
        assert " with UTF8SMTP id " in received("by UTF8")[0]
        s.say(b"STARTTLS", 220)
        s.start_tls()
        s.hello()
        s.data(letter(s, "by TLS"))
        assert " with ESMTPS id " in received("by TLS")[0] and " for <bob@example.org>;" in received("by TLS")[0]
        s.data(letter(s, "by TLS and UTF8"), options=b" SMTPUTF8")
        assert " with UTF8SMTPS id " in received("by TLS and UTF8")[0]


def test_received_and_return_path_stand_on_top_and_nothing_else_changes(server):
    """4.4: added at the beginning; what was there stays as it is, also Received lines that nobody understands."""
    text = (b"Return-Path: <mallory@example.net>\r\nReceived: odd\r\nX:1\r\nsubject:trace  kept \r\nTO:\tsomebody\r\n  folded\r\n"
            b"Resent-To: x\r\n\r\n\r\n body \t\r\n\r\n\r\n")
    with Smtp(server) as s:
        s.data(text)
    with imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=server.tls()) as imap:
        imap.login(server.BOB, server.password(server.BOB))
        imap.select("INBOX", readonly=True)
        number = imap.search(None, "SUBJECT", '"trace  kept"')[1][0].split()[-1].decode()
        got = imap.fetch(number, "(BODY.PEEK[])")[1][0][1]
    assert got.startswith(b"Return-Path: <carol@example.net>\r\n")
    head, tail = got[:-len(text)], got[-len(text):]
    assert tail == text or tail == text.replace(b"Return-Path: <mallory@example.net>\r\n", b"")[-len(tail):]
    assert re.search(rb"^Received: from ", head, re.M)


@pytest.mark.parametrize("text", [b"", b"\r\n", b"no header at all\r\n", b": no name\r\n\r\nx\r\n", b" folded first\r\n\r\nx\r\n", b"From: \xff\xfe\r\n\r\n\x80\r\n",
                                  b"Date: yesterday\r\nMessage-ID: none\r\nFrom: <<>>\r\nTo: @\r\n\r\n", b"Resent-To: x\r\nResent-Cc: y\r\n\r\nx\r\n",
                                  b"Received: \r\n\r\n", b"From: a@b\r\nFrom: c@d\r\nSubject: a\r\nSubject: b\r\n\r\n", b"X" * 990 + b"\r\n", b"...\r\n..\r\n"],
                         ids=lambda t: repr(t[:24]))
def test_messages_are_not_judged_by_their_header(server, text):
    """3.3, 6.4: a receiver does not reject for what it takes for defects of the header; an empty message is a message."""
    for port in ("smtp", "lmtp"):
        with Smtp(server, port) as s:
            s.data(text)
            text_by_bdat = text.replace(b"..", b".")
            s.envelope()
            s.say(b"BDAT %d LAST\r\n%s" % (len(text_by_bdat), text_by_bdat + b"NOOP"), 250, 250)


# ---- RFC 2920: pipelining over the borders of packets ----

@pytest.mark.parametrize("port", PORTS)
def test_the_answer_is_there_before_the_rest_comes(server, port):
    """3.2 (7): all pending answers go out as soon as the input is empty, also with half a command in it."""
    with Smtp(server, port) as s:
        s.send(b"MAIL FROM:<%s>\r\nRCPT TO:<bo" % s.sender)
        s.hear(b"MAIL", 250)
        assert s.silent()
        s.send(b"b@example.org>\r\nRCPT TO:<nobody@example.org>\r\nDATA\r")
        s.hear(b"RCPT", 250, 550)
        assert s.silent()
        s.send(b"\n")
        s.hear(b"DATA", 354)
        s.send(letter(s, f"borders {port}") + b".\r")
        assert s.silent()
        s.send(b"\nNOOP\r\nN")
        s.hear(b"text", 250, 250)
        s.send(b"OOP\r\nBDAT 4 LAST\r\nab")
        s.hear(b"NOOP", 250)
        assert s.silent()
        s.send(b"cdNOOP\r\n")
        s.hear(b"BDAT", 503, 250)
    assert len(with_subject(server, server.BOB, f"borders {port}")) == 1


@pytest.mark.parametrize("port", PORTS)
def test_a_message_cut_at_every_octet(server, port):
    """The end of the text, and dots, in every two pieces that there can be."""
    with Smtp(server, port) as s:
        whole = b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n" % s.sender
        text = letter(s, f"cut {port}", b"..\r\n...a\r\n..\r\n")
        end = b"\r\n..\r\n.\r\nNOOP\r\n"
        for cut in range(len(end)):
            s.send(whole)
            s.hear(whole, 250, 250, 354)
            s.send(text[:-2] + end[:cut])
            time.sleep(0.002)
            s.send(end[cut:])
            s.hear(end, 250, 250)
    got = with_subject(server, server.BOB, f"cut {port}")
    assert len(got) == len(end) and all(m.get_payload() == ".\r\n..a\r\n.\r\n.\r\n" for m in got)
    with Smtp(server, port) as s:
        chunks = (b"MAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\n" % s.sender)
        text = letter(s, f"chunk {port}", b".\r\n")
        end = b"BDAT %d\r\n%sBDAT 3 LAST\r\n.\r\nNOOP\r\n" % (len(text), text)
        for cut in range(1, len(end), 3):
            s.send(chunks)
            s.hear(chunks, 250, 250)
            s.send(end[:cut])
            time.sleep(0.002)
            s.send(end[cut:])
            s.hear(end, 250, 250, 250)
    got = with_subject(server, server.BOB, f"chunk {port}")
    assert len(got) == len(range(1, len(end), 3)) and all(m.get_payload() == ".\r\n.\r\n" for m in got)


@pytest.mark.parametrize("port", PORTS)
def test_quit_in_the_middle_and_421_say_what_they_do(server, port):
    """4.1.1.10: QUIT at any time, the transaction is none; 5321 says 221 and the end of the connection, behind it nothing counts."""
    with Smtp(server, port) as s:
        s.envelope()
        text = letter(s, "never quit")
        s.say(b"BDAT %d\r\n%sQUIT\r\nBDAT 0 LAST\r\nNOOP" % (len(text), text), 250, 221)
        assert s.ended()
    assert with_subject(server, server.BOB, "never quit") == []
