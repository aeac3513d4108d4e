# SPDX-License-Identifier: ISC
"""POP3 clause by clause, from the RFCs' texts: what the transcripts and test_pop3.py do not ask. Every first line of an answer is
looked at by standards.py as well."""
import base64
import random
import re
import time

import pytest

from conftest import Exchange
from standards import PLAIN, Pop, Smtp, Wire
from test_pop3 import Box

UMLAUT = "k\u00fcche@example.org"
ONE = b"Subject: one\r\n\r\n.dot\r\n"
TWO = b"Subject: two\r\n\r\n1\r\n2\r\n3\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Exchange(tmp_path_factory.mktemp("standards"), {"connections_peer": "400", "port_lmtp": "0"})
    one.account_add(UMLAUT, "nein\u00df schw\u00e4rze K\u00e4tzchen")
    one.start()
    yield one
    one.stop()


@pytest.fixture
def box(server):
    made = []

    def make(*letters):
        made.append(Box(server, *letters))
        return made[-1]

    yield make
    for one in made:
        one.close()


# ---- RFC 1939, 2449: states and answers ----

TRANSACTION = [b"STAT", b"LIST", b"LIST 1", b"RETR 1", b"DELE 1", b"NOOP", b"RSET", b"TOP 1 0", b"UIDL", b"UIDL 1"]
AUTHORIZATION = [b"USER alice@example.org", b"PASS x", b"AUTH PLAIN", b"AUTH", b"STLS", b"UTF8", b"APOP a b"]


@pytest.mark.parametrize("port", ["pop3", "pop3s"])
def test_commands_of_the_other_state_are_refused(server, box, port):
    """1939 section 3: -ERR, and the state stays."""
    box(ONE)
    for part in (TRANSACTION[:5], TRANSACTION[5:]):
        with Pop(server, port) as p:
            for command in part:
                p.err(command)
            p.ok(b"CAPA")
            assert p.lines()
            p.ok(b"QUIT")
            assert p.ended()
    with Pop(server, address=server.ALICE) as p:
        for command in AUTHORIZATION:
            p.err(command)
        assert p.ok(b"STAT") == b"+OK 1 %d" % len(ONE)


def test_the_greeting_offers_no_apop(server):
    """1939 section 7, 2449 section 3: a msg-id in the greeting would say that APOP is there."""
    for port in ("pop3", "pop3s"):
        with Pop(server, port) as p:
            assert p.greeting.startswith(b"+OK") and b"<" not in p.greeting and b">" not in p.greeting


def test_user_does_not_say_who_is_there(server):
    """1939 section 7 and 3206 section 5: the same words for everybody; PASS says [AUTH] for both, AUTH too."""
    answers = set()
    for name in (b"alice@example.org", b"nobody@example.org", b"alice", b"x@example.com", UMLAUT.encode()):
        with Pop(server, elsewhere=True) as p:
            first = p.ok(b"USER " + name)
            answers.add((first.replace(name, b""), p.err(b"PASS wrong")))
    assert len(answers) == 1 and next(iter(answers))[1].startswith(b"-ERR [AUTH] ")


def test_what_is_malformed_is_no_matter_of_the_credentials(server):
    """3206 section 6: only errors with AUTH are caused by the credentials."""
    with Pop(server) as p:
        for command in (b"PASS x", b"AUTH NOSUCH", b"AUTH PLAIN !", b"USER", b"AUTH PLAIN ===="):
            assert b"[AUTH]" not in p.err(command), command
        p.send(b"AUTH PLAIN\r\n")
        assert p.line() == b"+ \r\n"
        assert b"[AUTH]" not in p.err(b"*")


def test_cancelled_and_failed_exchanges_leave_nothing(server, box):
    """5034 section 4: the server behaves as if AUTH had not been; the name of a USER before it does not count for a PASS behind it."""
    box(ONE)
    for bad in (b"*", PLAIN[:-1], PLAIN + b"=", b"=" + PLAIN, PLAIN[:10] + b"\t" + PLAIN[10:], b"", b"* "):
        with Pop(server) as p:
            p.send(b"AUTH plain\r\n")
            assert p.line() == b"+ \r\n"
            p.err(bad)
            p.err(b"STAT")
            p.ok(b"AUTH PLAIN " + PLAIN)
            p.err(b"AUTH PLAIN " + PLAIN)
            assert p.ok(b"STAT").startswith(b"+OK 1 ")


def test_capabilities_are_those_of_both_states(server):
    """2449 section 5, 5034 section 3: what is announced before signing in is announced after it, SASL among it."""
    with Pop(server) as p:
        before = p.lines(b"CAPA").split(b"\r\n")
        p.ok(b"AUTH PLAIN " + PLAIN)
        after = p.lines(b"CAPA").split(b"\r\n")
    assert before == after and any(line.startswith(b"SASL ") and b" PLAIN" in line for line in after)
    assert not any(line.startswith((b"STLS", b"APOP", b"LOGIN-DELAY")) for line in after)
    with Pop(server, "pop3") as p:
        clear = p.lines(b"CAPA").split(b"\r\n")
        assert b"STLS" in clear and b"USER" not in clear and not any(b"PLAIN" in line for line in clear)


def test_an_exchange_may_be_longer_than_a_line(server):
    """2449 section 4 and 5034 section 4: commands of 255 octets; responses of any length that the mechanism needs."""
    with Pop(server) as p:
        long = base64.b64encode(b"\0alice@example.org\0" + b"x" * 1000)
        p.send(b"AUTH PLAIN\r\n")
        assert p.line() == b"+ \r\n"
        assert p.err(long).startswith(b"-ERR [AUTH] ")
        p.ok(b"USER " + b"u" * 248)
        p.err(b"USER " + b"u" * 249)
        p.ok(b"USER alice@example.org")


def test_stls_in_its_place(server, box):
    """2595 section 4: only before signing in; what was said before is forgotten; a second one is refused."""
    box(ONE)
    with Pop(server, "pop3") as p:
        p.ok(b"STLS")
        p.start_tls()
        p.ok(b"USER alice@example.org")
        p.err(b"STLS")
        p.ok(b"PASS " + server.password(server.ALICE).encode())
        p.err(b"STLS")
        assert p.ok(b"STAT").startswith(b"+OK 1 ")


# ---- RFC 2449 section 6.6: pipelining over the borders of packets ----

def test_the_answer_is_there_before_the_rest_comes(server, box):
    box(ONE, TWO)
    with Pop(server) as p:
        p.send(b"USER alice@example.org\r\nPA")
        assert p.status().startswith(b"+OK") and p.silent()
        p.send(b"SS " + server.password(server.ALICE).encode() + b"\r")
        assert p.silent()
        p.send(b"\nRETR 1\r\nDELE 1\r\nTOP 2")
        assert p.status().startswith(b"+OK") and p.status().startswith(b"+OK") and p.lines() == ONE and p.status().startswith(b"+OK")
        assert p.silent()
        p.send(b" 1\r\nQ")
        assert p.status().startswith(b"+OK") and p.lines() == b"Subject: two\r\n\r\n1\r\n"
        p.send(b"UIT\r\nNOOP\r\n")
        assert p.status().startswith(b"+OK") and p.ended()


def test_every_cut_of_a_session(server, box):
    box(ONE, TWO)
    whole = b"NOOP\r\nLIST\r\nRETR 2\r\nTOP 1 1\r\nUIDL 1\r\nSTAT\r\n"
    with Pop(server, address=server.ALICE) as p:
        for cut in range(1, len(whole)):
            p.send(whole[:cut])
            p.send(whole[cut:])
            assert p.status().startswith(b"+OK")
            assert p.status().startswith(b"+OK") and p.lines() == b"1 %d\r\n2 %d\r\n" % (len(ONE), len(TWO))
            assert p.status().startswith(b"+OK") and p.lines() == TWO
            assert p.status().startswith(b"+OK") and p.lines() == ONE
            assert p.status().startswith(b"+OK 1 ") and p.status() == b"+OK 2 %d" % (len(ONE) + len(TWO))


# ---- RFC 1939: the messages ----

BODIES = [b"", b"\r\n", b"\r\n.\r\n", b"\r\n..\r\n.\r\n", b"\r\n.x\r\n..x\r\n", b"Subject: only a header\r\n", b"A: b\r\n\r\n",
          b"A: b\r\n\r\n.", b"A: b\r\n\r\nend without CRLF", b"A: b\r\n\r\n\r\n\r\n", b"A: b\r\n\r\n" + b".\r\n" * 300, b"A: b\r\n\r\n" + b"y" * 3000 + b"\r\n.z\r\n",
          b"A: b\r\n \r\nC: d\r\n\r\nx\r\n"]


def test_top_of_every_kind_of_message(server, box):
    """Section 7: the header, the blank line, so many lines of the body; more than there are is all of it; sizes as LIST says."""
    mail = box()
    kept = [b for b in BODIES if mail.imap.append("INBOX", None, None, b)[0] == "OK"]
    assert len(kept) >= len(BODIES) - 1
    with Pop(server, address=server.ALICE) as p:
        sizes = [int(line.split()[1]) for line in p.lines(b"LIST").splitlines()]
        for n, one in enumerate(kept, 1):
            whole = one if one.endswith(b"\r\n") or not one else one + b"\r\n"
            assert p.lines(b"RETR %d" % n) == whole, one
            assert sizes[n - 1] in (len(one), len(whole)) and p.ok(b"LIST %d" % n) == b"+OK %d %d" % (n, sizes[n - 1])
            header, blank, body = whole.partition(b"\r\n\r\n") if not whole.startswith(b"\r\n") else (b"", b"\r\n", whole[2:])
            lines = body.splitlines(keepends=True)
            for count in (0, 1, 2, len(lines), len(lines) + 1, 1 << 31, 1 << 64):
                got = p.lines(b"TOP %d %d" % (n, count))
                assert got == header + blank + b"".join(lines[:count]), (one, count)
        p.ok(b"DELE 1")
        p.err(b"TOP 1 0")
        p.err(b"DELE 1")
        p.err(b"UIDL 1")
        p.ok(b"RSET")
        p.ok(b"TOP 1 0")
        p.lines()


@pytest.mark.parametrize("by", ["DATA", "BDAT", "BDAT in pieces"])
def test_what_came_by_smtp_goes_out_by_pop3(server, box, by):
    """Octet by octet, whatever dots and octets there are, behind what delivery adds."""
    box()
    eight = bytes(b for b in range(1, 256) if b not in (10, 13))
    text = b"Subject: across\r\n\r\n.\r\n..\r\n...\r\n.x\r\n\r\n." + eight + b"\r\n.\r\n"
    with Smtp(server) as s:
        s.envelope(b"alice@example.org")
        if by == "DATA":
            s.say(b"DATA", 354)
            s.say(re.sub(rb"(?m)^\.", b"..", text) + b".", 250)
        else:
            size = len(text) if by == "BDAT" else 3
            for i in range(0, len(text), size):
                s.send(b"BDAT %d\r\n%s" % (len(text[i:i + size]), text[i:i + size]))
                s.hear(b"BDAT", 250)
            s.say(b"BDAT 0 LAST", 250)
    with Pop(server, address=server.ALICE) as p:
        size = int(p.ok(b"LIST 1").split()[2])
        got = p.lines(b"RETR 1")
        assert got.endswith(text) and len(got) == size and got.startswith(b"Return-Path: <carol@example.net>\r\n")
        assert p.lines(b"TOP 1 1") == got[:got.index(b"\r\n\r\n") + 4] + b".\r\n"


def test_sizes_and_numbers_are_those_of_the_session(server, box):
    """Sections 4, 5: deleted ones are not counted, numbers stay; a UIDL or LIST of none is an empty list."""
    box(ONE, TWO, ONE)
    with Pop(server, address=server.ALICE) as p:
        p.send(b"DELE 2\r\nSTAT\r\nLIST\r\nUIDL\r\nDELE 1\r\nDELE 3\r\nSTAT\r\nLIST\r\nUIDL\r\nLIST 2\r\nRSET\r\nSTAT\r\n")
        assert p.status().startswith(b"+OK") and p.status() == b"+OK 2 %d" % (2 * len(ONE))
        assert p.status().startswith(b"+OK") and [x.split()[0] for x in p.lines().splitlines()] == [b"1", b"3"]
        assert p.status().startswith(b"+OK") and [x.split()[0] for x in p.lines().splitlines()] == [b"1", b"3"]
        assert p.status().startswith(b"+OK") and p.status().startswith(b"+OK") and p.status() == b"+OK 0 0"
        assert p.status().startswith(b"+OK") and p.lines() == b"" and p.status().startswith(b"+OK") and p.lines() == b""
        assert p.status().startswith(b"-ERR") and p.status().startswith(b"+OK") and p.status() == b"+OK 3 %d" % (2 * len(ONE) + len(TWO))


def test_everything_expunged_meanwhile(server, box):
    """Another program empties the mailbox: nothing is shown as another's, QUIT is answered, new mail is the next session's."""
    mail = box(ONE, TWO)
    with Pop(server, address=server.ALICE) as p:
        p.ok(b"DELE 1")
        mail.remove("1:*")
        mail.add(TWO)
        p.err(b"RETR 1")
        p.err(b"RETR 2")
        assert p.ok(b"STAT").startswith(b"+OK 1 ") and len(p.lines(b"UIDL").splitlines()) == 1
        p.ok(b"DELE 2")
        p.ok(b"QUIT")
        assert p.ended()
    assert mail.count() == 1
    with Pop(server, address=server.ALICE) as p:
        assert p.lines(b"RETR 1") == TWO


def test_moved_meanwhile(server, box):
    """What IMAP has moved elsewhere is not removed there by a DELE of before, and its number shows nothing else."""
    mail = box(ONE, TWO)
    mail.imap.create("Kept")
    with Pop(server, address=server.ALICE) as p:
        p.ok(b"DELE 1")
        assert mail.imap.uid("MOVE", mail.imap.uid("SEARCH", "1")[1][0].decode(), "Kept")[0] == "OK"
        p.err(b"TOP 1 0")
        p.ok(b"RSET")
        p.err(b"RETR 1")
        p.send(b"DELE 1\r\n")
        p.status()
        assert p.lines(b"RETR 2") == TWO
        p.ok(b"QUIT")
    assert mail.count() == 1 and mail.imap.select("Kept")[1] == [b"1"]
    mail.imap.select("INBOX")
    mail.imap.delete("Kept")


def test_an_inbox_that_is_renamed(server, box):
    """IMAP's RENAME INBOX takes the messages away (RFC 9051 6.3.6): nothing is shown or removed, and no unique-id comes again."""
    mail = box(ONE, TWO)
    with Pop(server, address=server.ALICE) as p:
        before = {line.split()[1] for line in p.lines(b"UIDL").splitlines()}
        p.ok(b"DELE 1")
        assert mail.imap.rename("INBOX", "Elsewhere")[0] == "OK"
        p.err(b"RETR 2")
        p.ok(b"QUIT")
    assert mail.imap.select("Elsewhere")[1] == [b"2"]
    mail.imap.select("INBOX")
    mail.imap.delete("Elsewhere")
    mail.add(ONE, TWO)
    with Pop(server, address=server.ALICE) as p:
        after = {line.split()[1] for line in p.lines(b"UIDL").splitlines()}
        assert len(after) == 2 and not before & after


def test_a_client_that_only_stops_writing(server, box):
    """All that was said is answered, also behind the end of the client's side; without QUIT nothing is removed."""
    mail = box(ONE, TWO)
    for words, answers, left in ((b"DELE 1\r\nRETR 2\r\n", 2, 2), (b"DELE 1\r\nRETR 2\r\nQUIT\r\n", 3, 1)):
        with Wire(server, "pop3s", tls=True) as w:
            w.send(b"USER alice@example.org\r\nPASS " + server.password(server.ALICE).encode() + b"\r\n" + words)
            if answers == 2:
                for _ in range(4):
                    assert w.line().startswith(b"+OK")
            else:
                got = b""
                while piece := w.socket.recv(65536):
                    got += piece
                assert got.count(b"+OK") == 3 + answers and got.endswith(b"\r\n")
        end = time.monotonic() + 10
        while mail.count() != left and time.monotonic() < end:
            time.sleep(0.02)
        assert mail.count() == left


def test_numbers_that_are_none(server, box):
    """Section 3: -ERR for every one, no message shown, the session goes on."""
    box(ONE)
    with Pop(server, address=server.ALICE) as p:
        for n in (b"0", b"00", b"2", b"-1", b"+1", b"1.0", b"0x1", b"1e0", b" 1", b"1,1", b"1:1", b"*", b"%d" % (1 << 32), b"%d" % ((1 << 32) + 1),
                  b"%d" % ((1 << 64) + 1), b"\xd9\xa1"):
            for verb in (b"RETR", b"DELE", b"LIST", b"UIDL"):
                p.err(verb + b" " + n)
            p.ok(b"NOOP")  # too many bad ones in a row would end the session
        assert p.ok(b"STAT") == b"+OK 1 %d" % len(ONE)


# ---- RFC 6856 ----

def test_names_and_passwords_in_utf8(server):
    """2.2: accepted before UTF8 was said, prepared as SASLprep has it; what is no UTF-8 is refused."""
    password = server.password(UMLAUT)
    for name, word in ((UMLAUT, password), (UMLAUT.replace("\u00fc", "u\u0308"), password), (UMLAUT, password.replace("\u00e4", "a\u0308")),
                       (UMLAUT, password.replace(" ", "\u00a0"))):
        with Pop(server) as p:
            p.ok(b"USER " + name.encode())
            p.ok(b"PASS " + word.encode())
            p.ok(b"STAT")
    for name, word in ((b"k\xfcche@example.org", b"x"), (UMLAUT.encode(), b"\xc3"), (UMLAUT.encode(), (password + "\u2028").encode()),
                       ((UMLAUT + "\ue000").encode(), password.encode()), (UMLAUT.encode(), b"\xed\xa0\x80")):
        with Pop(server) as p:
            p.send(b"USER " + name + b"\r\n")
            if p.status().startswith(b"+OK"):
                p.err(b"PASS " + word)
            p.err(b"STAT")


@pytest.mark.parametrize("utf8", [False, True])
def test_sizes_of_messages_that_need_utf8(server, box, utf8):
    """2.1: LIST says what RETR sends in UTF-8 mode; without UTF8 no header outside of ASCII is sent, whatever the command."""
    text = "From: J\u00fcrgen <j\u00fcrgen@b\u00fccher.example>\r\nSubject: \u00fcber\r\nTo: alice@example.org\r\nX: \u00e4\r\n\r\nb\u00f6dy\r\n".encode()
    box(text)
    with Pop(server) as p:
        if utf8:
            p.ok(b"UTF8")
        p.ok(b"USER alice@example.org")
        p.ok(b"PASS " + server.password(server.ALICE).encode())
        size = int(p.ok(b"LIST 1").split()[2])
        got, top = p.lines(b"RETR 1"), p.lines(b"TOP 1 0")
    assert (got == text) == utf8 and got.startswith(top) and got.endswith("\r\n\r\nb\u00f6dy\r\n".encode())
    assert utf8 or top.isascii()
    assert not utf8 or len(got) == size


def test_utf8_and_lang_in_their_states(server):
    """2.1, 3.2: UTF8 before signing in only, no argument; LANG in both; what failed changes nothing."""
    with Pop(server) as p:
        p.err(b"UTF8 USER")
        p.ok(b"UTF8")
        p.ok(b"UTF8")
        p.err(b"LANG x-none")
        assert re.fullmatch(rb"\+OK [A-Za-z-]+ .*", p.ok(b"LANG *"))
        listing = p.lines(b"LANG").decode()
        assert all(re.fullmatch(r"[A-Za-z0-9-]+( .+)?", line) for line in listing.splitlines()) and listing
        p.ok(b"AUTH PLAIN " + PLAIN)
        p.err(b"UTF8")
        assert re.fullmatch(rb"\+OK [A-Za-z-]+ .*", p.ok(b"LANG *"))


# ---- large messages, at every border of what is read and sent in pieces ----

def random_text(pick, size):
    """Lines of every short length that are mostly dots, and some that are long, so that dots stand at every border."""
    lines = []
    while size > 0:
        one = b"." * pick.choice((0, 0, 1, 1, 2, 3)) + b"a" * pick.choice((0, 0, 1, 5, 40, 998, 70000 if pick.random() < 0.01 else 3))
        lines.append(one)
        size -= len(one) + 2
    return b"\r\n".join(lines) + b"\r\n"


@pytest.mark.parametrize("by", ["DATA", "BDAT"])
@pytest.mark.parametrize("port", ["smtp", "lmtp"])
def test_large_text_of_dots(server, box, port, by):
    """What goes in by SMTP or LMTP in pieces of any size comes out by RETR and TOP as it was (RFC 5321 4.5.2, 1939 section 3)."""
    box()
    pick = random.Random(f"{port} {by}")
    text = b"Subject: dots\r\n\r\n" + random_text(pick, 1 << 20)
    with Smtp(server, port) as s:
        s.envelope(b"alice@example.org")
        if by == "DATA":
            s.say(b"DATA", 354)
            wire = re.sub(rb"(?m)^\.", b"..", text) + b".\r\n"
            while wire:
                size = pick.choice((1, 2, 3, 1000, 16384, 65536, 100000))
                s.send(wire[:size])
                wire = wire[size:]
        else:
            rest, chunks = text, 0
            while rest:
                size = pick.choice((1, 2, 3, 1000, 16384, 65536, 100000))
                s.send(b"BDAT %d%s\r\n%s" % (len(rest[:size]), b" LAST" if len(rest) <= size else b"", rest[:size]))
                rest, chunks = rest[size:], chunks + 1
            s.hear(b"BDAT", *[250] * (chunks - 1))
        s.hear(b"text", 250)
    with Pop(server, address=server.ALICE) as p:
        size = int(p.ok(b"LIST 1").split()[2])
        got = p.lines(b"RETR 1")
        assert len(got) == size and got.endswith(text)
        lines = text.split(b"\r\n")
        for count in (1, len(lines) // 2, len(lines) - 4, len(lines)):
            top = p.lines(b"TOP 1 %d" % count)
            assert top.endswith(b"\r\n".join(lines[:2 + count]) + b"\r\n" if count < len(lines) - 3 else text), count
