# SPDX-License-Identifier: ISC
"""IMAP of a running letterlockd, with imaplib, curl and bare sockets."""
import imaplib
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SAMPLES = pathlib.Path("/usr/lib/python3.11/test/test_email/data")
SIMPLE = (b"From: Bob <bob@example.org>\r\nTo: alice@example.org\r\nSubject: hello\r\n"
          b"Date: Wed, 17 Jul 1996 02:23:25 -0700\r\nMessage-ID: <x@example.org>\r\n\r\nGood day.\r\n")


@pytest.fixture
def box(exchange):
    """A signed-in connection of imaplib with an empty mailbox of its own selected: (connection, name)."""
    connection = login(exchange)
    name = f"t{time.monotonic_ns()}"
    assert connection.create(name)[0] == "OK"
    assert connection.select(name)[0] == "OK"
    yield connection, name
    try:
        connection.logout()
    except (imaplib.IMAP4.abort, OSError):
        pass


def login(exchange):
    connection = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=30)
    connection.login(exchange.ALICE, exchange.password(exchange.ALICE))
    return connection


def ok(answer):
    assert answer[0] == "OK", answer
    return answer[1]


def as_crlf(octets):
    return re.sub(rb"\r?\n|\r", b"\r\n", octets)


def literal(data):
    """The octets of the first literal of a FETCH answer."""
    return next(item[1] for item in data if isinstance(item, tuple))


class Wire:
    """A bare socket that talks IMAP line by line."""

    def __init__(self, exchange, name="imaps", sign_in=True):
        self.socket = exchange.connect(name, tls=name == "imaps")
        self.file = self.socket.makefile("rb")
        self.line()
        if sign_in:
            self.send(f'in LOGIN {exchange.ALICE} "{exchange.password(exchange.ALICE)}"'.encode())
            assert self.line().startswith(b"in OK")

    def send(self, text):
        self.socket.sendall(text + b"\r\n")

    def line(self):
        got = self.file.readline()
        assert got, "the server ended the connection"
        return got.rstrip(b"\r\n")

    def ask(self, text):
        """Everything up to the tagged answer."""
        self.send(text)
        tag = text.split(b" ")[0] + b" "
        lines = [self.line()]
        while not lines[-1].startswith(tag):
            assert lines[-1] or len(lines) < 1000, lines[-3:]
            lines.append(self.line())
        return lines

    def ended(self):
        """True when the server ends the connection."""
        try:
            while self.file.readline():
                pass
        except OSError:
            pass
        return True

    def close(self):
        self.file.close()
        self.socket.close()


# ---- transcripts ----

def play(exchange, path):
    """A transcript of tests/transcripts/imap as tests/unit/service/imap_fixture.h plays it, over TLS."""
    lines = path.read_text().splitlines()
    players, clear = {}, False
    for at, line in enumerate(lines):
        if not line or line.startswith("#"):
            continue
        if line == "CLEAR":
            clear = True
            continue
        who = line[1] if len(line) > 1 and line[1] in "23456789" else "1"
        if who not in players:
            players[who] = exchange.connect("imap" if clear else "imaps", tls=not clear)
            players[who] = [players[who], players[who].makefile("rb")]
        wire, file = players[who]
        if line == "CLOSED":
            assert file.readline() == b"", f"{path.name}:{at + 1}"
            continue
        kind, mark = line[0], 2 if who != "1" else 1
        text = line[mark + 2:]
        # Transcripts speak of one account and password; here they are the exchange's.
        text = text.replace("alice@example.org secret", f'{exchange.ALICE} "{exchange.password(exchange.ALICE)}"')
        if kind == "C":
            ahead = re.search(r"\{@(\d+)(\+?)\}$", text)
            if ahead:
                size = 0
                count = int(ahead[1])
                for later in lines[at + 1:]:
                    if count > 0 and later.startswith("C"):
                        size += len(later.split(":", 1)[1][1:].encode()) + 2
                        count -= 1
                text = text[:ahead.start()] + "{%d%s}" % (size, ahead[2])
            wire.sendall(text.encode() + b"\r\n")
        else:
            got = file.readline().decode().rstrip("\r\n")
            if line[mark] == "~":
                pattern = ".*".join(re.escape(part) for part in text.split("*"))
                assert re.fullmatch(pattern, got), f"{path.name}:{at + 1}: {got}"
            else:
                assert got == text, f"{path.name}:{at + 1}"
    for wire, file in players.values():
        file.close()
        wire.close()


@pytest.mark.parametrize("name", ["errors", "mailboxes", "messages", "sessions"])
def test_transcripts(fresh_exchange, name):
    play(fresh_exchange(), ROOT / "tests" / "transcripts" / "imap" / f"{name}.txt")


# ---- every command with imaplib ----

def test_every_command(exchange, box):
    imap, name = box
    ok(imap.capability())
    ok(imap.noop())
    ok(imap.check())
    ok(imap.append(name, r"(\Flagged $mark)", imaplib.Time2Internaldate(1000000000), SIMPLE))
    ok(imap.select(name))
    assert ok(imap.search(None, "ALL")) == [b"1"]
    assert b"INTERNALDATE \" 9-Sep-2001 01:46:40 +0000\"" in ok(imap.fetch("1", "(INTERNALDATE)"))[0]
    assert b"FLAGS (\\Flagged" in ok(imap.fetch("1", "(FLAGS)"))[0]
    ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
    ok(imap.create(name + "/sub"))
    assert b"COPYUID" in ok(imap.copy("1", name + "/sub"))[0]
    ok(imap.expunge())
    assert ok(imap.search(None, "ALL")) == [b""]
    ok(imap.subscribe(name))
    assert any(name.encode() in line for line in ok(imap.lsub()))
    ok(imap.unsubscribe(name))
    assert any(b"\\HasChildren" in line for line in ok(imap.list('""', name)))
    assert b"MESSAGES 1" in ok(imap.status(name + "/sub", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT)"))[0]
    ok(imap.select(name + "/sub", readonly=True))
    assert imap.store("1", "+FLAGS", r"(\Seen)")[0] == "NO"
    ok(imap.close())
    ok(imap.rename(name + "/sub", name + "/other"))
    ok(imap.delete(name + "/other"))
    ok(imap.namespace())
    ok(imap.xatom("ID", "NIL"))
    ok(imap.enable("X"))
    assert imap.select('"no such mailbox"')[0] == "NO"


def test_uid_forms(box):
    imap, name = box
    for _ in range(5):
        ok(imap.append(name, None, None, SIMPLE))
    ok(imap.select(name))
    ok(imap.store("2:3", "+FLAGS.SILENT", r"\Deleted"))
    ok(imap.uid("EXPUNGE", "3"))
    assert ok(imap.uid("SEARCH", "ALL")) == [b"1 2 4 5"]
    assert ok(imap.uid("FETCH", "3", "(FLAGS)")) == [None]
    assert ok(imap.uid("FETCH", "100:*", "(UID)")) == [b"4 (UID 5)"]
    assert b"UID 4" in ok(imap.uid("STORE", "4", "FLAGS", r"(\Answered)"))[0]
    ok(imap.uid("COPY", "1,4", name))
    ok(imap.uid("MOVE", "1", "INBOX"))
    assert ok(imap.uid("SEARCH", "UID 4:*")) == [b"4 5 6 7"]


SECTIONS = (b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=AA\r\n\r\npreamble\r\n"
            b"--AA\r\nContent-Type: text/plain\r\n\r\none\r\n"
            b"--AA\r\nContent-Type: message/rfc822\r\n\r\n"
            b"Subject: inner\r\nContent-Type: multipart/alternative; boundary=BB\r\n\r\n"
            b"--BB\r\n\r\nplain\r\n--BB\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n--BB--\r\n"
            b"--AA--\r\n")


@pytest.mark.parametrize("section, want", [
    ("", SECTIONS),
    ("HEADER", SECTIONS[:SECTIONS.index(b"preamble")]),
    ("TEXT", SECTIONS[SECTIONS.index(b"preamble"):]),
    ("1", b"one"),
    ("1.MIME", b"Content-Type: text/plain\r\n\r\n"),
    ("2.HEADER", b"Subject: inner\r\nContent-Type: multipart/alternative; boundary=BB\r\n\r\n"),
    ("2.HEADER.FIELDS (SUBJECT)", b"Subject: inner\r\n\r\n"),
    ("2.HEADER.FIELDS.NOT (SUBJECT)", b"Content-Type: multipart/alternative; boundary=BB\r\n\r\n"),
    ("2.1", b"plain"),
    ("2.2", b"<b>html</b>"),
    ("2.2.MIME", b"Content-Type: text/html\r\n\r\n"),
])
def test_sections_and_partials(box, section, want):
    imap, name = box
    ok(imap.append(name, None, None, SECTIONS))
    ok(imap.noop())
    assert literal(ok(imap.fetch("1", f"(BODY.PEEK[{section}])"))) == want
    assert b"\\Seen" not in ok(imap.fetch("1", "(FLAGS)"))[0]
    for offset, length in [(0, 1), (1, 3), (2, 100000), (len(want) - 1, 5), (len(want), 1), (len(want) + 9, 4)]:
        got = literal(ok(imap.fetch("1", f"(BODY.PEEK[{section}]<{offset}.{length}>)")))
        assert got == want[offset:offset + length]
    ok(imap.fetch("1", "(BODY[1])"))
    assert b"\\Seen" in ok(imap.fetch("1", "(FLAGS)"))[0]


def test_no_such_section_is_nil(box):
    imap, name = box
    ok(imap.append(name, None, None, SECTIONS))
    ok(imap.noop())
    assert b"BODY[9] NIL" in ok(imap.fetch("1", "(BODY.PEEK[9] BODY.PEEK[1.HEADER])"))[0]


# ---- messages come out as they went in ----

@pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs Debian's libpython3.11-testsuite")
def test_sample_messages_are_identical(box):
    imap, name = box
    sent = []
    for path in sorted(SAMPLES.glob("msg_*")):
        octets = as_crlf(path.read_bytes())
        if b"\0" in octets:
            continue
        ok(imap.append(name, None, None, octets))
        sent.append((path.name, octets))
    assert len(sent) > 40
    ok(imap.select(name))
    for number, (file, octets) in enumerate(sent, 1):
        data = ok(imap.fetch(str(number), "(RFC822.SIZE BODY.PEEK[])"))
        assert literal(data) == octets, file
        assert b"RFC822.SIZE %d" % len(octets) in data[0][0], file
        header = literal(ok(imap.fetch(str(number), "(BODY.PEEK[HEADER])")))
        text = literal(ok(imap.fetch(str(number), "(BODY.PEEK[TEXT])")))
        assert header + text == octets, file
        # Analysed without complaint, whatever is wrong with it.
        assert imap.fetch(str(number), "(ENVELOPE BODYSTRUCTURE BODY)")[0] == "OK", file
    for key in ("TEXT test", "BODY e", "FROM barry", "SENTSINCE 1-Jan-1990", "HEADER Content-Type multipart"):
        ok(imap.search(None, key))


def test_a_large_message(box):
    imap, name = box
    octets = SIMPLE + b"".join(b"%070d\r\n" % i for i in range(200000))
    assert b"APPENDUID" in ok(imap.append(name, None, None, octets))[0]
    ok(imap.noop())
    assert literal(ok(imap.fetch("1", "(BODY.PEEK[])"))) == octets
    assert literal(ok(imap.fetch("1", "(BODY.PEEK[]<7000000.100>)"))) == octets[7000000:7000100]


def test_a_message_over_the_limit_is_refused(exchange):
    wire = Wire(exchange)
    answer = wire.ask(b"a APPEND INBOX {999999999}")[-1]
    assert answer.startswith(b"a NO [TOOBIG]")
    assert wire.ask(b"b NOOP")[-1].startswith(b"b OK")
    wire.close()


def test_nul_is_refused(box):
    imap, name = box
    status, text = imap.append(name, None, None, b"Subject: x\r\n\r\na\0b\r\n")
    assert status == "NO" and b"NUL" in text[0]


# ---- search ----

@pytest.mark.parametrize("keys, want", [
    ("ALL", b"1 2 3"), ("1,3", b"1 3"), ("*", b"3"), ("ANSWERED", b"2"), ("UNANSWERED", b"1 3"), ("BCC x", b""),
    ("BEFORE 2-Jan-2020", b"1"), ("ON 2-Jan-2020", b"2"), ("SINCE 2-Jan-2020", b"2 3"), ("BODY gr", b"2"),
    ("CC carol", b"2"), ("DELETED", b""), ("DRAFT", b"3"), ("FLAGGED", b"1"), ("FROM \"bob@\"", b"1 2"),
    ("HEADER X-Kind Red", b"1"), ("HEADER X-Kind \"\"", b"1 2"), ("KEYWORD $k", b"1"), ("UNKEYWORD $k", b"2 3"),
    ("LARGER 150", b"2"), ("SMALLER 150", b"1 3"), ("NEW", b""), ("OLD", b"1 2 3"), ("NOT 1", b"2 3"), ("OR 1 2", b"1 2"),
    ("RECENT", b""), ("SEEN", b""), ("UNSEEN", b"1 2 3"), ("SENTBEFORE 5-May-2019", b"1"), ("SENTON 5-May-2019", b"2"),
    ("SENTSINCE 5-May-2019", b"2"), ("SUBJECT \"two\"", b"2"), ("TEXT carol", b"2"), ("TEXT LETTER", b"1"), ("TO alice", b"1"),
    ("UID 2:9", b"2 3"), ("UNDELETED UNDRAFT UNFLAGGED", b"2"), ("(FROM bob (NOT FLAGGED))", b"2"),
])
def test_search(box, keys, want):
    imap, name = box
    messages = [
        (r"(\Flagged $k)", '"01-Jan-2020 10:00:00 +0000"', b"From: bob@example.org\r\nTo: Alice <alice@example.org>\r\n"
         b"X-Kind: red\r\nDate: Sat, 4 May 2019 23:59:59 -0500\r\n\r\na letter\r\n"),
        (r"(\Answered)", '"02-Jan-2020 23:00:00 +0000"', b"From: BOB@example.org\r\nCc: =?utf-8?q?C=61rol?= <c@example.org>\r\n"
         b"X-Kind: blue\r\nSubject: =?utf-8?b?VHdv?=\r\nDate: Sun, 5 May 2019 00:00:01 +0900\r\n"
         b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n"),
        (r"(\Draft)", '"03-Jan-2020 00:00:00 +0000"', b"Subject: three\r\n\r\nx\r\n"),
    ]
    for flags, date, octets in messages:
        ok(imap.append(name, flags, date, octets))
    ok(imap.select(name))
    assert ok(imap.search(None, keys)) == [want]


def test_search_in_utf8(box):
    imap, name = box
    ok(imap.append(name, None, None, "Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                   "Κόσμος\r\n".encode()))
    ok(imap.noop())
    for text, want in [("grüße", b"1"), ("GRÜSSE", b""), ("GRÜ", b"1")]:
        imap.literal = text.encode()
        assert ok(imap.search("UTF-8", "SUBJECT")) == [want]
    imap.literal = "ΚΌΣΜΟΣ".encode()
    assert ok(imap.search("UTF-8", "BODY")) == [b"1"]
    assert imap.search("X-NONE", "ALL")[0] == "NO"


# ---- several sessions ----

def test_expunge_while_another_fetches(exchange, box):
    imap, name = box
    for i in range(30):
        ok(imap.append(name, None, None, SIMPLE + b"x" * 200000))
    one, two = Wire(exchange), Wire(exchange)
    for wire in (one, two):
        wire.ask(b"s SELECT " + name.encode())
    one.socket.settimeout(60)
    one.send(b"f FETCH 1:30 (UID BODY.PEEK[])")
    two.ask(b"d STORE 20:30 +FLAGS.SILENT (\\Deleted)")
    assert two.ask(b"e EXPUNGE")[-1].startswith(b"e OK")
    got, gone = [], 0
    while True:
        line = one.line()
        gone += line.endswith(b"BODY[] NIL)")
        if line.startswith(b"f "):
            break
        assert b" EXPUNGE" not in line
        if b" FETCH (" in line:
            got.append(int(line.split(b" ")[1]))
    assert got == list(range(1, len(got) + 1)) and len(got) >= 19
    assert line.startswith(b"f OK") if len(got) == 30 and not gone else line.startswith(b"f NO [EXPUNGEISSUED]")
    assert sum(b" EXPUNGE" in text for text in one.ask(b"n NOOP")) == 11
    one.close()
    two.close()


def test_store_on_what_is_gone(exchange, box):
    imap, name = box
    ok(imap.append(name, None, None, SIMPLE))
    one, two = Wire(exchange), Wire(exchange)
    for wire in (one, two):
        wire.ask(b"s SELECT " + name.encode())
    two.ask(b"d STORE 1 +FLAGS (\\Deleted)")
    two.ask(b"e EXPUNGE")
    assert one.ask(b"a STORE 1 +FLAGS (\\Seen)")[-1].startswith(b"a NO")
    assert one.ask(b"b UID STORE 1 +FLAGS (\\Seen)")[-1].startswith(b"b OK")
    one.close()
    two.close()


def test_idle_sees_delivery_and_flags(exchange, box):
    imap, name = box
    wire = Wire(exchange)
    wire.ask(b"s SELECT " + name.encode())
    wire.send(b"i IDLE")
    assert wire.line() == b"+ idling"
    ok(imap.append(name, None, None, SIMPLE))
    assert wire.line() == b"* 1 EXISTS"
    assert wire.line().endswith(b" RECENT")
    ok(imap.noop())
    ok(imap.store("1", "+FLAGS", r"(\Flagged)"))
    assert b"\\Flagged" in wire.line()
    ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
    assert b"\\Deleted" in wire.line()
    ok(imap.expunge())
    assert wire.line() == b"* 1 EXPUNGE"
    wire.send(b"DONE")
    assert wire.line().startswith(b"i OK")
    wire.close()


def test_uid_fetch_sees_what_another_session_moved_in(exchange, box):
    imap, name = box
    ok(imap.append("INBOX", None, None, SIMPLE))
    other = login(exchange)
    ok(other.select("INBOX"))
    last = ok(other.uid("SEARCH", "*"))[0].decode()
    for _ in range(3):
        ok(other.uid("COPY", last, name))
        uid = ok(imap.uid("SEARCH", "UID 1:*"))[0].split()[-1].decode()
        assert uid.encode() in ok(imap.uid("FETCH", f"{uid}:*", "(UID)"))[-1]
    other.logout()


def test_many_sessions_at_once(exchange, box):
    imap, name = box
    failures = []

    def work(number):
        try:
            mine = login(exchange)
            ok(mine.select(name))
            for i in range(10):
                ok(mine.append(name, None, None, SIMPLE))
                ok(mine.uid("FETCH", "1:*", "(FLAGS)"))
                ok(mine.uid("STORE", "1:*", "+FLAGS.SILENT", rf"(k{number})"))
            mine.logout()
        except Exception as e:
            failures.append(repr(e))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert not failures
    ok(imap.noop())
    assert len(ok(imap.search(None, "ALL"))[0].split()) == 80


# ---- hostile clients ----

def test_literals_over_the_limit(exchange):
    wire = Wire(exchange)
    assert wire.ask(b"a SELECT {70000}")[-1].startswith(b"a BAD [TOOBIG]")
    wire.send(b"b SELECT {5000+}")
    assert wire.line().startswith(b"b BAD [TOOBIG]")
    assert wire.line().startswith(b"* BYE")
    assert wire.ended()


def test_before_login_bounds_are_small(exchange):
    wire = Wire(exchange, sign_in=False)
    assert wire.ask(b"a LOGIN {5000}")[-1].startswith(b"a BAD")
    assert wire.ask(b"b SEARCH " + b"(" * 5000)[-1].startswith(b"b BAD")
    wire.send(b"c ID (" + b"x" * 20000)
    assert wire.line().startswith(b"* BYE")
    assert wire.ended()


def test_deep_parentheses(exchange, box):
    _, name = box
    wire = Wire(exchange)
    wire.ask(b"s SELECT " + name.encode())
    assert wire.ask(b"a SEARCH " + b"(" * 30000 + b"ALL" + b")" * 30000)[-1].startswith(b"a BAD")
    assert wire.ask(b"b SEARCH " + b"NOT " * 5000 + b"ALL")[-1].startswith(b"b BAD")
    assert wire.ask(b"c NOOP")[-1].startswith(b"c OK")
    wire.close()


def test_wrong_order(exchange):
    wire = Wire(exchange, sign_in=False)
    assert wire.ask(b"a SELECT INBOX")[-1].startswith(b"a BAD")
    assert wire.ask(b"b FETCH 1 ALL")[-1].startswith(b"b BAD")
    wire.close()
    wire = Wire(exchange)
    assert wire.ask(b"a FETCH 1 ALL")[-1].startswith(b"a BAD")
    assert wire.ask(b"b LOGIN x y")[-1].startswith(b"b BAD")
    assert wire.ask(b"c STARTTLS")[-1].startswith(b"c BAD")
    wire.close()


def test_password_in_clear_is_refused(exchange):
    wire = Wire(exchange, "imap", sign_in=False)
    assert b"LOGINDISABLED" in wire.ask(b"a CAPABILITY")[0]
    secret = f'LOGIN {exchange.ALICE} "{exchange.password(exchange.ALICE)}"'.encode()
    assert wire.ask(b"b " + secret)[-1].startswith(b"b NO [PRIVACYREQUIRED]")
    wire.close()


def test_wrong_password_and_unknown_account_sound_alike(exchange):
    said = []
    for who in (exchange.ALICE, "nobody@example.org"):
        wire = Wire(exchange, sign_in=False)
        said.append(wire.ask(f"a LOGIN {who} wrong".encode())[-1])
        wire.close()
    assert said[0] == said[1] and said[0].startswith(b"a NO [AUTHENTICATIONFAILED]")


def test_starttls_with_imaplib(exchange):
    imap = imaplib.IMAP4("localhost", exchange.port("imap"), timeout=30)
    ok(imap.starttls(exchange.tls()))
    ok(imap.login(exchange.ALICE, exchange.password(exchange.ALICE)))
    ok(imap.select())
    imap.logout()


def test_authenticate_plain(exchange):
    imap = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=30)
    ok(imap.authenticate("PLAIN", lambda _: b"\0" + exchange.ALICE.encode() + b"\0" + exchange.password(exchange.ALICE).encode()))
    ok(imap.select())
    imap.logout()


def test_a_slow_reader_holds_nobody_up(exchange, box):
    """One asks for 20 MB and does not read: others are served, and it gets everything when it reads."""
    imap, name = box
    octets = SIMPLE + b"y" * 1000000
    ok(imap.append(name, None, None, octets))
    slow = Wire(exchange)
    slow.ask(b"s SELECT " + name.encode())
    for i in range(20):
        slow.send(b"f%d FETCH 1 BODY.PEEK[]" % i)
    time.sleep(0.5)
    began = time.monotonic()
    for _ in range(20):
        ok(imap.noop())
        ok(imap.search(None, "SUBJECT hello"))
    assert time.monotonic() - began < 10
    slow.socket.settimeout(120)
    answered = 0
    total = 0
    while answered < 20:
        line = slow.file.readline()
        assert line
        total += len(line)
        answered += re.match(rb"f\d+ OK", line) is not None
    assert total > 20 * 1000000
    slow.close()


def test_pipelined_commands(exchange, box):
    _, name = box
    wire = Wire(exchange)
    wire.socket.sendall(b"a SELECT %s\r\n" % name.encode() + b"".join(b"b%d NOOP\r\n" % i for i in range(500)))
    seen = [wire.line() for _ in range(500 + 7)]
    assert seen[-1].startswith(b"b499 OK")
    wire.close()


# ---- curl ----

def test_curl_reads_and_appends(exchange, box, tmp_path):
    imap, name = box
    letter = tmp_path / "letter.eml"
    letter.write_bytes(SIMPLE)
    url = f"imaps://localhost:{exchange.port('imaps')}/{name}"
    user = f"{exchange.ALICE}:{exchange.password(exchange.ALICE)}"
    curl = ["curl", "--silent", "--show-error", "--max-time", "60", "--cacert", str(exchange.certificate), "--config", "-"]

    def run(*words):
        return subprocess.run([*curl, *words], input=f'user = "{user}"\n'.encode(), capture_output=True, check=True).stdout

    run("--upload-file", str(letter), url)
    ok(imap.noop())
    assert run(f"{url};UID=1") == SIMPLE
    assert run(f"{url};UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)") == b"Subject: hello\r\n\r\n"
    assert b"SEARCH 1" in run(f"{url}?SUBJECT%20hello")
    assert b"STATUS" in run("--request", f"STATUS {name} (MESSAGES)", f"imaps://localhost:{exchange.port('imaps')}/")


@pytest.mark.parametrize("wait", [1.0, 1.6, 2.2])
def test_it_stops_in_the_middle_of_appends(fresh_exchange, wait):
    """What is at the store when the end comes finds everything that it needs until it is answered."""
    exchange = fresh_exchange()

    def append_for_ever(size):
        try:
            wire = Wire(exchange)
            while True:
                wire.socket.sendall(b"m APPEND INBOX {%d}\r\n" % size)
                if not wire.file.readline().startswith(b"+"):
                    return
                wire.socket.sendall((b"x" * 998 + b"\r\n") * (size // 1000) + b"\r\n")
                wire.file.readline()
        except (OSError, AssertionError):
            pass

    clients = [threading.Thread(target=append_for_ever, args=(size,)) for size in [8000000, 300000] * 15]
    for client in clients:
        client.start()
    time.sleep(wait)
    exchange.stop()
    for client in clients:
        client.join(30)
        assert not client.is_alive()
