# SPDX-License-Identifier: ISC
"""Attacks on what the exchange sends: servers, somebody on the way to them, name servers, and people, all of whom mean harm.
Each test looks at what was delivered (and whether in clear), and at what the queue and its reports say. Every octet that is said
to the servers is looked at by standards_peer.py as well. What test_relay.py, test_transport_policy.py and test_standards_relay*.py
meet already is not here once more."""
import contextlib
import email
import email.policy
import json
import re
import smtplib

import pytest

from keyservers import make_certificate
from standards_peer import ALICE, ALL, BOB, eventually, letter, said, world
from test_transport_policy import server_context


def lying_zone():
    """Domains whose name servers mean harm; 127.0.9.x is taken by whoever needs it."""
    lines = [f"thousand MX {i} h{i}.thousand" for i in range(1000)] + [f"h{i}.thousand A 127.0.9.30" for i in range(1000)]
    lines += ["loop CNAME loop2", "loop2 CNAME loop", "mxloop MX 10 loop", "number MX 10 127.0.9.31.", "odd MX 10 a\\010b\\034x.odd",
              "a\\010b\\034x.odd A 127.0.9.32", "nowhere MX 10 mx.nowhere", "mx.nowhere A 0.0.0.0", "mx.nowhere AAAA ::",
              "mx.nowhere AAAA ::ffff:0.0.0.0", "many MX 10 mx.many"]
    lines += [f"mx.many A 127.0.8.{i}" for i in range(1, 250)]
    return "".join(line.replace(" ", " 60 IN ", 1) + "\n" for line in lines)


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    with world(rules=lying_zone()) as w:
        w.context = server_context(*make_certificate(folder / "self", "nobody.example"))
        yield w


@pytest.fixture(autouse=True)
def nothing_wrong(rules):
    before = len(rules.peers)
    yield
    for peer in rules.peers[before:]:
        assert peer.faults == []
    assert "AddressSanitizer" not in rules.a.log() and "runtime error" not in rules.a.log()


def put_off(rules, peer, domain):
    """Once an attempt there was made, and the queue says so: nobody is told, and it is not taken for delivered."""
    eventually(lambda: peer.sessions and any(re.search(f"queue[.]settled result=deferred.*mx=mx[.]{domain} ", line)
                                             for line in rules.a.log().splitlines()), lambda: f"{peer.heard}{rules.tail()}")
    rules.waits(domain)
    assert rules.reports(domain) == [] and not rules.is_answered(f"@{domain}", "sent")


# ---- NO STARTTLS: what is said in clear counts for nothing behind the handshake ----

def test_what_is_offered_in_clear_is_forgotten(rules):
    """Behind 220, in one packet with it: an answer to EHLO that offers much, and takes one octet at most. The server itself,
    over TLS, offers nothing."""
    injected = "220 2.0.0 go\r\n250-peer.example\r\n250-SIZE 1\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-DSN\r\n250 SMTPUTF8\r\n250 ok"
    peer, got = rules.taken(options="NOTIFY=FAILURE", tls=rules.context, extensions_tls=(), extensions=("SIZE 1", "CHUNKING", "DSN"),
                            replies={"STARTTLS": ("220 2.0.0 go", injected)})
    assert got.tls and peer.heard.count("EHLO a.host.example") == 2
    assert got.options == {} and got.by == "DATA" and "NOTIFY" not in got.rcpts[0]


@pytest.mark.parametrize("code", ["250", "221", "235", "334", "354"])
def test_another_yes_to_starttls_is_no_handshake(rules, code):
    """Whatever it is, nothing is said in clear on that connection behind it but QUIT: the server may wait for a handshake."""
    peer, domain = rules.one(tls=rules.context, replies={"STARTTLS": f"{code} 2.0.0 go"})
    eventually(lambda: peer.letters or "next try" in rules.queued(domain), rules.tail)
    for session in peer.sessions:
        behind = session.heard[session.heard.index("STARTTLS") + 1:] if "STARTTLS" in session.heard else []
        assert behind in ([], ["QUIT"]), session.heard
    assert rules.reports(domain) == []


@pytest.mark.parametrize("greeting", ["235 2.7.0 you are signed in", "250 ok", "354 go on", "334 "])
def test_a_greeting_that_is_another_answer(rules, greeting):
    """Like IMAP's PREAUTH: nobody is anywhere but at the beginning because of it, and STARTTLS is said all the same."""
    peer, domain = rules.one(tls=rules.context, replies={"GREETING": greeting})
    eventually(lambda: peer.letters or "next try" in rules.queued(domain), rules.tail)
    assert all(got.tls for got in peer.letters)
    assert all(s.heard[:2] in ([], ["QUIT"], ["EHLO a.host.example"], ["EHLO a.host.example", "STARTTLS"]) for s in peer.sessions), peer.heard


@pytest.mark.parametrize("when, ahead", [
    ("GREETING", "220 x\r\n250-x\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"),
    ("EHLO", "250-x\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"),
    ("EHLO", "250 x\r\n250 ok\r\n")])
def test_answers_before_their_questions(rules, when, ahead):
    """Who answers what was not asked yet is believed nothing: the letter is not taken for delivered, and the server is not connected to
    again and again."""
    peer, domain = rules.one(replies={when: ahead if when == "GREETING" else (ahead[:3], ahead)}, leaving_is_right=True)
    put_off(rules, peer, domain)
    assert not any(g.text for g in peer.letters) and len(peer.sessions) <= 2


# ---- answers without end ----

@pytest.mark.parametrize("piece, what", [(b"220-" + b"x" * 60 + b"\r\n", "lines"), (b"2" * 4096, "one line"), (b"\0" * 4096, "NULs"),
                                         (b"\r\n" * 2000, "empty lines")])
@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "END"])
def test_answers_without_end(rules, piece, what, verb):
    """They are read to a bound, and the letter waits."""
    wrote = [0]

    def endless(session, _):
        session.connection.settimeout(20)
        with contextlib.suppress(OSError):
            while wrote[0] < 50 << 20:
                session.connection.sendall(piece.replace(b"220", b"250") if verb != "GREETING" else piece)
                wrote[0] += len(piece)
        return "CLOSE"
    peer, domain = rules.one(replies={verb: endless}, leaving_is_right=True)
    put_off(rules, peer, domain)
    assert wrote[0] < 50 << 20
    assert len(rules.queued(domain)) < 2000


# ---- behind the final dot ----

def test_refused_behind_the_dot_and_gone(rules):
    """Refused for good, and the connection is closed behind it: it is told once and never sent again."""
    def refuse(session, _):
        session.say("554 5.7.1 not that")
        return "CLOSE"
    peer, domain = rules.one(replies={"END": refuse}, leaving_is_right=True)
    assert b"Status: 5.7.1" in rules.report(domain)
    rules.gone(domain)
    assert len(peer.said("MAIL")) == 1 and len(rules.reports(domain)) == 1


def test_taken_behind_the_dot_and_gone(rules):
    """Taken, and the connection breaks before QUIT: it is not sent twice."""
    def take(session, _):
        session.peer.letters.append("taken")
        session.say("250 2.0.0 taken")
        return "CLOSE"
    peer, domain = rules.one(replies={"END": take}, leaving_is_right=True)
    rules.answered(f"@{domain}", "sent")
    rules.gone(domain)
    assert len(peer.said("MAIL")) == 1 and rules.reports(domain) == []


@pytest.mark.parametrize("answer", ["CLOSE", "250", "99 no\r\n"])
def test_no_answer_behind_the_dot(rules, answer):
    """Nobody knows whether it has it: it is kept, nobody is told, and it is not tried at another host or in clear at once
    (RFC 5321 section 4.5.4.1; a duplicate is better than a loss, but not one at once)."""
    def half(session, _):
        if answer == "CLOSE":
            return "CLOSE"
        session.connection.sendall(answer.encode())
        return "CLOSE"
    peer, domain = rules.one(replies={"END": [half, None]}, tls=rules.context, leaving_is_right=True)
    put_off(rules, peer, domain)
    assert len(peer.said("MAIL")) == 1, (peer.heard, peer.faults, rules.tail())
    rules.retried(domain, lambda: rules.is_answered(f"@{domain}", "sent"))
    assert [got.tls for got in peer.letters] == [True, True]  # what was not answered, and the one try after it


# ---- what servers say reaches people: reports, the log, the operator's terminal ----

def test_a_reply_writes_no_fields(rules):
    """Control characters, bare CR, and lines that look like fields of a report."""
    evil = ("550-5.1.1 gone\rFinal-Recipient: rfc822;" + ALICE + "\rAction: delivered\r\n550-5.1.1 \x1b[2J\x1b]0;owned\x07\x9b31m\0\r\n"
            "550-\r\n550-Action: delivered\r\n550 5.1.1 Status: 2.0.0\r\n")
    peer, domain = rules.one(replies={"RCPT": ("550", evil)})
    raw = rules.report(domain)
    parts = list(email.message_from_bytes(raw, policy=email.policy.default).walk())
    (status,) = [p for p in parts if p.get_content_type() == "message/delivery-status"]
    groups = status.get_payload()
    assert len(groups) == 2, raw
    assert groups[1].get_all("Action") == ["failed"] and len(groups[1].get_all("Final-Recipient")) == 1
    assert groups[1].get_all("Status") == ["5.1.1"]
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0|\x1b|\x9b|\x07", raw), raw
    lines = [line for line in rules.a.log().splitlines() if domain in line]
    assert lines and not any(re.search("[\x00-\x08\x0e-\x1f\x7f-\x9f]", line) for line in lines)
    assert not any(line.startswith(("Final-Recipient", "Action")) for line in rules.a.log().splitlines())


def test_a_reply_that_waits_drives_no_terminal(rules):
    peer, domain = rules.one(replies={"MAIL": ("451", "451 4.3.0 \x1b[2J\x07\rx\x9b1m\xc2\x9b2m\xe2\x80\xaey\r\n")})
    put_off(rules, peer, domain)
    shown = rules.queued(domain)
    assert "451 4.3.0" in shown and not re.search("[\u202a-\u202e]", shown)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown), shown
    for entry in json.loads(rules.a.run("queue", "list", "--json", domain).stdout):
        assert entry


XTEXT = [("RET=HDRS ENVID=a+0D+0ABcc:+20bob+40example.org", ""), ("", "ORCPT=rfc822;a+0D+0AStatus:+202.0.0"),
         ("ENVID=+0D+0A+2E+0D+0AQUIT", "ORCPT=rfc822;b+0A+0A--x"), ("ENVID=a+00b", "ORCPT=utf-8;a\\x{0D}\\x{0A}X:y")]


@pytest.mark.parametrize("mail, rcpt", XTEXT)
def test_xtext_writes_no_fields(rules, mail, rcpt):
    """What stands encoded in ENVID and ORCPT goes on encoded, or is refused; decoded for a report it begins no line."""
    peer, domain = rules.place(replies={"RCPT": "550 5.1.1 no"})
    with rules.client() as smtp:
        smtp.ehlo()
        if smtp.docmd(f"MAIL FROM:<{ALICE}> {mail}".strip())[0] >= 500:
            return
        if smtp.docmd(f"RCPT TO:<x@{domain}> {rcpt}".strip())[0] >= 500:
            return
        said(smtp.data(letter("xtext")))
    raw = rules.report(domain)
    assert not re.search(rb"(?im)^(Bcc|QUIT|X:y|Status: *2|\.\r)", raw) and b"\0" not in raw, raw
    parts = email.message_from_bytes(raw, policy=email.policy.default)
    (status,) = [p for p in parts.walk() if p.get_content_type() == "message/delivery-status"]
    assert len(status.get_payload()) == 2, raw
    assert parts["To"] and ALICE in parts["To"] and parts["Bcc"] is None


# ---- smuggling on the way out ----

SMUGGLED = {"dots": b".\r\n..\r\nQUIT\r\n.\r\nMAIL FROM:<x@y.example>\r\n", "no end": b"last\r\n.", "BDAT": b"BDAT 0 LAST\r\nRSET\r\n",
            "long": b"." * 5000 + b"\r\n" + b"x" * 70000 + b"\r\n.\r\n", "edges": (b"x" * 65533 + b"\r\n.") + b"\r\n" + b"y" * 65534 + b"\r\n.\r\nQUIT\r\n"}


@pytest.mark.parametrize("name", SMUGGLED)
def test_by_chunks_to_one_and_by_data_to_another(rules, name):
    """The same text, whatever stands in it, and one transaction for each."""
    one, here = rules.place(extensions=(*ALL, "CHUNKING"))
    two, there = rules.place(extensions=())
    text = letter("smuggled " + name, SMUGGLED[name])
    rules.submit([f"a@{here}", f"b@{there}"], text)
    for peer, by in ((one, "BDAT"), (two, "DATA")):
        (got,) = rules.arrives(peer)
        body = got.text.partition(b"\r\n\r\n")[2]
        assert got.by == by and body.removesuffix(b"\r\n") == SMUGGLED[name].removesuffix(b"\r\n") and len(peer.said("MAIL")) == 1


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\0\r\n", b"\r\r\n.\r\r\n"])
@pytest.mark.parametrize("by", ["DATA", "BDAT"])
def test_what_would_smuggle_is_not_taken(rules, end, by):
    """Nothing of it is sent on, by whichever way it is submitted."""
    peer, domain = rules.place()
    text = letter("smuggle") + b"x" + end + f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<y@{domain}>\r\nDATA\r\nz\r\n".encode()
    with rules.client() as smtp:
        smtp.ehlo()
        said(smtp.docmd(f"MAIL FROM:<{ALICE}>"))
        said(smtp.docmd(f"RCPT TO:<x@{domain}>"))
        if by == "DATA":
            assert smtp.docmd("DATA")[0] == 354
            smtp.send(text + b"\r\n.\r\n")
        else:
            smtp.send(b"BDAT %d LAST\r\n" % len(text) + text)
        assert smtp.getreply()[0] >= 500
    assert peer.sessions == [] and not rules.queued(domain)


# ---- who may send where ----

OPEN = ["x@foreign.example.", "x@FOREIGN.example", "bob%foreign.example@example.org", "foreign.example!bob@example.org", "bob@example.org@foreign.example",
        '"bob@example.org"@foreign.example', '"x@foreign.example"@example.org', "@example.org:x@foreign.example",
        "@example.org,@a.example:x@foreign.example", "bob@example.org.foreign.example", "bob@example.org%foreign.example",
        "bob+x@foreign.example", "x+bob@foreign.example", "bob@[127.0.0.1]", "bob@[IPv6:::1]", "bob@[IPv6:::ffff:127.0.0.1]", "bob@localhost",
        '"bob"%foreign.example@example.org', "bob@foreign\u3002example", "bob@xn--n3h.example", "bob@\uff45xample.org.foreign.example", "bob@example.org\0.foreign.example",
        "SRS0=aaaa=bb=foreign.example=x@example.org", "SRS1=aaaa=foreign.example==bbbb=cc=a.example=x@example.org",
        "srs0+aaaa=bb=foreign.example=x@example.org"]


def test_no_open_relay(rules):
    """A stranger, whoever he says to be: of nobody else's addresses one is taken, however it is written."""
    for sender in ("", "x@foreign.example", ALICE, f"SRS0=aaaa=bb=foreign.example=x@{BOB.partition('@')[2]}"):
        with smtplib.SMTP("127.0.0.1", rules.a.port("smtp"), timeout=30) as smtp:
            smtp.command_encoding = "utf-8"
            for recipient in OPEN:
                if not smtp.sock:
                    smtp.connect("127.0.0.1", rules.a.port("smtp"))
                smtp.ehlo()
                said(smtp.docmd(f"MAIL FROM:<{sender}> SMTPUTF8"))
                try:
                    smtp.send(f"RCPT TO:<{recipient}>\r\n".encode())
                    code, text = smtp.getreply()
                except smtplib.SMTPServerDisconnected:
                    continue
                assert code >= 500 or code == 421, (recipient, code, text)
                if code == 421:
                    smtp.close()
    assert "foreign" not in rules.a.run("queue", "list").stdout


def test_our_people_are_only_themselves(rules):
    """In the envelope: neither others here, nor strangers, nor an address that is written so that it looks like theirs."""
    with rules.client() as smtp:
        for sender in (BOB, "x@foreign.example", f'"{ALICE}"@foreign.example', f"{ALICE}.foreign.example", f"@foreign.example:{BOB}",
                       "SRS0=aaaa=bb=foreign.example=x@example.org"):
            smtp.ehlo()
            code = smtp.docmd(f"MAIL FROM:<{sender}>")[0]
            code = smtp.docmd(f"RCPT TO:<x@{rules.ZONE}>")[0] if code < 300 else code
            assert code >= 500, sender


# ---- backscatter ----

def test_strangers_cause_no_reports(rules):
    """A forged sender at a server of ours: who is not here is refused while he is there, however much is asked to be told."""
    peer, domain = rules.place()
    with smtplib.SMTP("127.0.0.1", rules.a.port("smtp"), timeout=30) as smtp:
        smtp.ehlo()
        said(smtp.docmd(f"MAIL FROM:<victim@{domain}> RET=FULL ENVID=x"))
        for recipient in ("nobody@example.org", "nobody@foreign.example", f"SRS0=a=b=c=d@{BOB.partition('@')[2]}"):
            assert smtp.docmd(f"RCPT TO:<{recipient}> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;victim@{domain}")[0] >= 500
        said(smtp.docmd(f"RCPT TO:<{BOB}> NOTIFY=SUCCESS,FAILURE,DELAY"))
        said(smtp.data(letter("backscatter", who=f"victim@{domain}")))
    eventually(lambda: rules.inbox(BOB, "SUBJECT", "backscatter"), rules.tail)
    assert peer.letters == [] and not rules.queued(domain)


# ---- name servers that lie ----

@pytest.mark.parametrize("name", ["loop", "mxloop", "number", "nowhere"])
def test_domains_that_lead_nowhere(rules, name):
    """It waits or is returned, and nobody is connected to by mistake."""
    trap = rules.at("127.0.9.31") if name == "number" else None
    rules.submit(f"x@{name}.rules.example")
    eventually(lambda: rules.reports(f"{name}.rules.example") or "next try" in rules.queued(f"{name}.rules.example"), rules.tail)
    assert trap is None or trap.sessions == []


def test_a_host_whose_name_drives_terminals(rules):
    rules.submit("x@odd.rules.example")
    eventually(lambda: rules.reports("odd.rules.example") or "next try" in rules.queued("odd.rules.example")
               or rules.is_answered("@odd.rules", "sent"), rules.tail)
    assert not any(line.startswith('b"x') or line.startswith("b\\") for line in rules.a.log().splitlines())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", rules.queued("odd.rules.example"))


def test_hosts_and_addresses_without_end(rules):
    """A thousand hosts of one address, and a host of very many: a few are tried for one letter."""
    peer = rules.at("127.0.9.30", replies={"GREETING": "421 4.3.2 not now"})
    rules.submit("x@thousand.rules.example")
    rules.submit("x@many.rules.example")
    for name in ("thousand", "many"):
        rules.waits(f"{name}.rules.example")
    assert len(peer.sessions) <= 5
