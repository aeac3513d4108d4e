# SPDX-License-Identifier: ISC
"""What a client of SMTP owes other servers, clause by clause from the RFCs' texts. Every octet that it says is looked at by
standards_peer.py as well, and a fault there fails the test in which it was made."""
import email
import email.policy
import re

import pytest

from standards_peer import ALICE, ALL, World, eventually, letter, path, said, world


@pytest.fixture(scope="module")
def rules():
    with world() as w:
        yield w


@pytest.fixture(autouse=True)
def nothing_wrong(rules):
    """Of no session that a test has caused."""
    before = len(rules.peers)
    yield
    for peer in rules.peers[before:]:
        assert peer.faults == []


# ---- RFC 5321 section 4.1.1, 4.1.4: the beginning and the end ----

def test_a_session(rules):
    """4.1.1.1, 2.3.5: EHLO with our full name first; 4.1.1.2 to .5 in their order. Of the connection's end: .10, QUIT (which
    is when it was not needed for a time: standards_peer looks at that)."""
    peer, got = rules.taken()
    heard = peer.sessions[0].heard
    assert heard[0] == f"EHLO {World.HOST}" and [h.split(" ")[0] for h in heard[:4]] == ["EHLO", "MAIL", "RCPT", "DATA"]
    assert got.mail.startswith(f"MAIL FROM:<{ALICE}>") and len(got.rcpts) == 1  # no space behind the colon: 4.1.2
    eventually(lambda: peer.sessions[0].ended == "quit", lambda: str(peer.sessions[0].heard))


@pytest.mark.parametrize("reply", ["500 what", "501 no", "502 5.5.1 not implemented", "504 5.5.4 no", "550 5.7.1 not you"])
def test_helo_where_ehlo_is_not_known(rules, reply):
    """3.2, 4.1.1.1: "SHOULD be able to fall back and send HELO"; 2.2.1: and then nothing of any extension. 5321 names 500 and
    502 only of those; of 550 (section 4.1.4) it says nothing, and the mail may be refused or sent by HELO."""
    peer, domain = rules.one(replies={"EHLO": reply})
    if reply.startswith("550"):
        eventually(lambda: rules.reports(domain) or peer.letters, rules.tail)
        return
    (got,) = rules.arrives(peer)
    assert peer.said("HELO") == [f"HELO {World.HOST}"] and got.options == {} and not any(" " in path(r) for r in got.rcpts)
    assert got.rcpts == [f"RCPT TO:<x@{domain}>"]


def test_ehlo_that_is_not_wanted_now(rules):
    """4.2.1: 4yz is for now. HELO would be another thing, and is not said."""
    peer, _ = rules.deferred(replies={"EHLO": "421 4.3.2 peer.example going down"})
    assert peer.said("MAIL") == []


@pytest.mark.parametrize("reply", ["421 4.3.2 not now", "450 x", "554 5.7.1 no mail here"])
def test_a_greeting_that_is_none(rules, reply):
    """3.1: after 554 the server waits for QUIT, and 4.1.1.10: the client says it, but behind 421, which closes.
    No mail is given to who refuses the greeting.
    554 is of this server and not of the mail: waiting is right, and so is giving up."""
    peer, domain = rules.one(replies={"GREETING": reply})
    eventually(lambda: peer.sessions and peer.sessions[0].ended, rules.tail)
    assert [line.upper() for line in peer.heard] in (["QUIT"], []) and (peer.heard or reply.startswith("421")), peer.heard
    if reply.startswith("4"):
        rules.waits(domain)
        assert rules.reports(domain) == []


def test_a_greeting_of_many_lines_and_one_that_drips(rules):
    """4.2: the text may be anything. 4.3.1: nothing is said before its last line."""
    def drips(session, _):
        for piece in ("220-peer.example", "\r\n220-250 ok", "\r\n220-354 go", "\r\n2", "20"):
            session.connection.sendall(piece.encode())
            if session.more():
                session.fault("it speaks before the end of the greeting")
        return " \r\n"
    rules.taken(replies={"GREETING": drips})


# ---- 4.2: replies ----

POSITIONS = ("EHLO", "MAIL", "RCPT", "END", "QUIT")


@pytest.mark.parametrize("text", ["", " ", "-one\r\n{c}-\r\n{c}", "-550 no\r\n{c}-421 {c}\r\n{c} 5.1.1 no", " " + "x" * 506])
def test_the_code_alone_counts(rules, text):
    """4.2: "MUST determine its actions only by the reply code, not by the text"; any text, none at all, and lines up to 512
    octets (4.5.3.1.5) are acceptable; 2920 3.1: nor is a line of one answer taken for another answer."""
    replies = {v: "250" + text.replace("{c}", "250") for v in POSITIONS[1:-1]}
    replies["DATA"] = "354" + text.replace("{c}", "354")
    rules.taken(replies=replies)
    rules.taken(replies=replies, extensions=())


def test_every_2yz_is_success(rules):
    """4.2, 4.3.2: "MUST be prepared to handle codes not specified in this document and MUST do so by interpreting the first
    digit only"."""
    for peer, domain in all_at_once(rules, [{"replies": {position: f"{code} fine"}} for position in (
            "GREETING", "MAIL", "RCPT", "END") for code in (250, 251, 252, 259, 299, 200, 211)]):
        rules.answered(f"@{domain}", "sent")
        assert len(peer.letters) == 1


def test_every_3yz_is_go_on(rules):
    """4.2.1: the first digit of the answer to DATA."""
    rules.taken(replies={"DATA": "399 whatever"})


def all_at_once(rules, hows, options=""):
    """A letter to each of many servers: [(peer, domain)]."""
    places = [rules.place(**how) for how in hows]
    for _, domain in places:
        rules.submit([(f"x@{domain}", options)])
    return places


def test_every_4yz_is_for_now(rules):
    """4.2.1, 4.5.4.1: it MUST be queued and tried again; not at once, and nobody is told that it failed."""
    places = all_at_once(rules, [{"replies": {position: [f"{code} not now", None]}} for position in ("MAIL", "RCPT", "DATA", "END")
                                 for code in (421, 450, 451, 452, 453, 400, 499)])
    for peer, domain in places:
        rules.waits(domain)
        assert len(peer.said("MAIL")) == 1
    rules.retried("all", lambda: all(rules.is_answered(f"@{domain}", "sent") for _, domain in places))
    assert [rules.reports(domain) for _, domain in places] == [[]] * len(places)


def test_every_5yz_is_for_good(rules):
    """4.2.1: "SHOULD NOT repeat the exact request"; 4.2.5 of the end of the text: "MUST NOT make any subsequent attempt";
    6.1: who wrote it is told."""
    for peer, domain in all_at_once(rules, [{"replies": {position: f"{code} never"}} for position in ("MAIL", "RCPT", "DATA", "END")
                                            for code in (500, 550, 554, 555, 521, 599)]):
        assert b"never" in rules.report(domain) and len(peer.said("MAIL")) == 1 and not rules.queued(domain)


NONE = ["354 go on", "100 hm", "150 hm", "000 x", "650 x", "999 x", "2x0 x", "25 x", "2500 x", "hello", " "]


@pytest.mark.parametrize("position", ["MAIL", "RCPT", "END"])
def test_codes_that_are_none(rules, position):
    """4.2: "SHOULD normally treat them as fatal errors and terminate the mail transaction": never for success. And an
    intermediate reply (4.2.1) where none can be is no success."""
    for _, domain in all_at_once(rules, [{"replies": {position: reply}, "leaving_is_right": True} for reply in NONE]):
        eventually(lambda d=domain: rules.reports(d) or "next try" in rules.queued(d), rules.tail)
        assert "relay.answered result=sent" not in "".join(x for x in rules.a.log().splitlines() if f"@{domain}" in x)


@pytest.mark.parametrize("extensions", [ALL, ()])
def test_no_text_before_354(rules, extensions):
    """3.3: without 354 "the client MUST NOT send the message data"."""
    for peer, domain in all_at_once(rules, [{"replies": {"DATA": reply}, "extensions": extensions, "leaving_is_right": True}
                                            for reply in ("250 fine", "200 x", "221 x", "150 x", "hello")]):
        eventually(lambda d=domain: rules.reports(d) or "next try" in rules.queued(d), rules.tail)
        assert not [line for line in peer.heard if line.startswith(("From:", "Received:", "Subject:", "."))]


# ---- 3.3: several recipients ----

def test_recipients_of_one_domain_share_a_copy(rules):
    """4.5.4.1: "only one copy of the message SHOULD be transmitted"; 3.3: each RCPT has its own answer, and each is acted upon:
    taken, for now, for good."""
    replies = {"RCPT": lambda _, line: "450 4.2.1 later" if "later" in line else "550 5.1.1 nobody" if "bad" in line else None}
    peer, domain = rules.place(replies=replies)
    rules.submit([f"{name}@{domain}" for name in ("a", "later1", "b", "bad1", "c", "later2", "bad2", "Dora")])
    (got,) = rules.arrives(peer)
    assert [path(r).split("@")[0] for r in got.rcpts] == ["a", "b", "c", "Dora"]
    rules.waits(domain, "later1", "later2")
    report = email.message_from_bytes(rules.report(domain))
    assert sorted(g["Final-Recipient"] for g in report.get_payload(1).get_payload()[1:]) == [
        f"rfc822;bad{i}@{domain}" for i in (1, 2)]
    peer.replies.clear()
    rules.retried(domain, lambda: len(peer.letters) == 2)
    again = peer.letters[1]
    assert sorted(path(r).split("@")[0] for r in again.rcpts) == ["later1", "later2"]
    rules.gone(domain)


@pytest.mark.parametrize("code", [452, 552])
def test_too_many_recipients(rules, code):
    """4.5.3.1.10: those that were taken are done with, the others are sent again; "the client SHOULD also be prepared for a
    552" in place of 452."""
    peer, domain = rules.place(replies={"RCPT": lambda s, _: f"{code} 4.5.3 too many" if len(s.accepted) >= 3 else None})
    who = [f"r{i}@{domain}" for i in range(7)]
    rules.submit(who)
    rules.retried(domain, lambda: not rules.queued(domain))
    assert sorted(path(r) for got in peer.letters for r in got.rcpts) == who, rules.tail()
    assert rules.reports(domain) == []


@pytest.mark.parametrize("reply", ["354 go on", "503 5.5.1 no", "554 5.5.1 no valid recipients", "451 x"])
@pytest.mark.parametrize("extensions", [ALL, ()])
def test_no_recipient_is_taken(rules, reply, extensions):
    """3.3, 2920 3.1: no text is sent; where DATA went out in the same group and 354 comes all the same, "the client SMTP should
    send a single dot". What became of each is what RCPT was answered, whatever DATA is."""
    peer, report = rules.refused(replies={"RCPT": "550 5.1.1 nobody here", "DATA": reply, "END": "250 taken nothing"},
                           extensions=extensions)
    assert all(got.text == b"" and got.rcpts == [] for got in peer.letters)
    assert b"5.1.1" in report and b"nobody here" in report
    if reply.startswith("354") and peer.said("DATA"):
        rules.arrives(peer)


# ---- 2.3.8, 4.5.2, 4.4, 2.4: the text ----

BODIES = {"dots": b".\r\n..\r\n...x\r\n.x\r\n \r\n.\r\n", "begins with a dot": b".first\r\n", "empty": b"",
          "no line end": b"last line without an end", "long lines": b"x" * 998 + b"\r\n" + b"y" * 3000 + b"\r\n",
          "white space": b" \t \r\n\t\r\n  trailing  \r\n\r\n\r\n", "from": b"From the beginning\r\n>From\r\n",
          "large": b".%07d of a text with dots\r\n" * 1 % 7 + b"".join(b".%07d\r\n" % i for i in range(40000))}


@pytest.mark.parametrize("name", BODIES)
def test_the_text_arrives_as_it_was(rules, name):
    """4.5.2: dots are doubled and taken away again; 3.7.2, 6.4: a relay adds its trace on top and changes nothing else; 4.4:
    Received with BY and WITH, and no Return-Path, which is for the last one; 2.3.8, 4.1.1.4: the last line ends with CR LF.
    4.4 wants FROM too: it is left out of what our own people submit, as others need not learn where they are (7.6)."""
    given = letter(name, BODIES[name], b"X-Odd:  two  spaces\r\n\tand a fold \r\nX-Empty:\r\nx-odd: again\r\n")
    _, got = rules.taken(given)
    text = given if given.endswith(b"\r\n") else given + b"\r\n"
    assert got.text.endswith(text), got.text[-200:]
    trace = email.message_from_bytes(got.text[:-len(text)] + b"\r\n")
    assert set(trace.keys()) <= {"Received", "DKIM-Signature"} and len(trace.get_all("Received")) == 1
    assert re.match(r"(?s)by a\.host\.example\b.*\bwith ESMTPSA\b.*;\s", trace["Received"])


LOCAL_PARTS = ["Mixed.Case", '"quoted local"', '"a@b"', '"a\\"b\\\\c"', "!#$%&'*+-/=?^_`{|}~", "x" * 64, '"<>"', '".."']


@pytest.mark.parametrize("local", LOCAL_PARTS)
def test_local_parts_are_not_ours_to_change(rules, local):
    """2.4: their case MUST be preserved; 2.3.11: they "MUST be interpreted and assigned semantics only by the host specified in
    the domain part". Only what is quoted needlessly may lose its quotes (4.1.2)."""
    peer, got = rules.taken(local=local)
    assert path(got.rcpts[0]).rpartition("@")[0] == local


def test_a_source_route_is_not_passed_on(rules):
    """3.6.1, 4.1.1.3: "clients SHOULD NOT utilize source routes": what was submitted with one goes without."""
    peer, domain = rules.place()
    with rules.client() as smtp:
        smtp.ehlo()
        said(smtp.docmd(f"MAIL FROM:<{ALICE}>"))
        code, _ = smtp.docmd(f"RCPT TO:<@hop.example,@second.example:x@{domain}>")
        if code >= 500:
            return  # 4.1.1.3: "or reject"
        said(smtp.data(letter()))
    (got,) = rules.arrives(peer)
    assert path(got.rcpts[0]) == f"x@{domain}"


# ---- 4.5.4 and 6: errors on the way ----

def test_a_connection_that_is_lost(rules):
    """3.8, 4.1.1.10: "the client SHOULD treat" it as if 451 came; 4.5.4.1: queued, and tried again, but not at once."""
    places = all_at_once(rules, [{"replies": {v: ["CLOSE", None]}} for v in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "END")])
    for peer, domain in places:
        rules.waits(domain)
        assert rules.reports(domain) == [] and len(peer.sessions) <= 2
    rules.retried("all", lambda: all(rules.is_answered(f"@{domain}", "sent") for _, domain in places))


def test_421_in_the_middle(rules):
    """3.8: 421 may be the answer to any command; what was not answered is tried later, and over another connection."""
    peer, domain = rules.place(replies={"RCPT": [None, "421 4.3.2 peer.example shutting down", "CLOSE", None]})
    rules.submit([f"a@{domain}", f"b@{domain}", f"c@{domain}"])
    eventually(lambda: peer.sessions and peer.sessions[0].ended, rules.tail)
    rules.waits(domain)
    peer.replies.clear()
    rules.retried(domain, lambda: not rules.queued(domain))
    assert sorted(path(r).split("@")[0] for got in peer.letters if got.answer.startswith("2") for r in got.rcpts) == ["a", "b", "c"]
    assert rules.reports(domain) == []


def test_a_refused_sender_is_not_remembered(rules):
    """4.5.4.1: "5yz responses to the MAIL command MUST NOT be cached"."""
    peer, domain = rules.place(replies={"MAIL": ["550 5.7.1 no", None]})
    rules.submit(f"x@{domain}")
    rules.report(domain)
    rules.submit(f"y@{domain}")
    (got,) = rules.arrives(peer)
    assert path(got.rcpts[0]) == f"y@{domain}"


def test_a_refused_transaction_is_no_end_of_the_next(rules):
    """4.1.1.5, 4.1.4: whatever a refused transaction leaves, the next one on the same connection begins with MAIL, and RSET
    before where MAIL was taken."""
    peer, domain = rules.place(replies={"RCPT": lambda _, line: "550 5.1.1 no" if "bad" in line else None})
    for i in range(6):
        rules.submit(f"{'bad' if i % 2 else 'good'}{i}@{domain}")
    eventually(lambda: len(peer.said("RCPT")) == 6, rules.tail)
    rules.gone(domain)
    for session in peer.sessions:
        left = False
        for line in session.heard:
            verb = line.split(" ")[0]
            assert not (verb == "MAIL" and left), session.heard
            left = verb == "RCPT" and "bad" in line or (left and verb not in ("RSET", "EHLO"))
    assert len(peer.letters) >= 3
