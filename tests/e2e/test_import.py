# SPDX-License-Identifier: ISC
"""letterlockd account import and export, while the server runs and while it does not, with Python's mailbox module on the
other side: it writes what is imported and reads what was exported. Dovecot's doveadm does so too when it is there (or
named in LETTERLOCK_DOVEADM)."""
import calendar
import contextlib
import imaplib
import json
import mailbox
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest.mock

import pytest

DATE = 1704164645  # 2024-01-02 03:04:05 UTC
FLAG_OF = {"S": r"\Seen", "R": r"\Answered", "F": r"\Flagged", "T": r"\Deleted", "D": r"\Draft"}


def letter(i, body=b"x\r\n"):
    return b"From: a@example.org\r\nSubject: letter %d\r\n\r\n" % i + body


ODD = {  # what formats trip over
    "quoted": letter(1, b"From here\r\n>From there\r\n>>From everywhere\r\n\r\nFrom a@b Tue Jan  2 03:04:05 2024\r\nA: 1\r\n"),
    "no end": letter(2, b"the last line does not end"),
    "empty lines": letter(3, b"\r\n\r\nx\r\n\r\n\r\n"),
    "no body": letter(4, b""),
    "notes of its own": b"Status: RO\r\nX-Status: D\r\nX-Keywords: a b\r\nContent-Length: 3\r\nX-UID: 9\r\n" + letter(5),
    "a CR of its own": letter(6, b"a\rb\r\r\nc\r\n"),
    "8 bit": letter(7, bytes(range(1, 256)).replace(b"\n", b"") + b"\r\n"),
    "long line": letter(8, b"y" * 300000 + b"\r\n"),
    "large": letter(9, b"0123456789abcdef From\r\n" * 100000 + b"From z\r\n"),
}


@contextlib.contextmanager
def imap_of(exchange, address):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
        imap.login(address, exchange.password(address))
        yield imap


def quoted(name):
    return f'"{name}"'


def dump(imap, name="INBOX"):
    """[(octets, flags and keywords, unix date)] of a mailbox, by UID."""
    status, data = imap.select(quoted(name), readonly=True)
    assert status == "OK", (name, data)
    if data[0] == b"0":
        return []
    out = []
    for part in imap.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]:
        if not isinstance(part, tuple):
            continue
        flags = frozenset(re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1).decode().split()) - {r"\Recent"}
        out.append((part[1], flags, int(time.mktime(imaplib.Internaldate2tuple(part[0])))))
    return out


def mailboxes(imap):
    return {line.decode().split(' "/" ')[1].strip('"') for line in imap.list()[1]}


def put(imap, name, octets, flags=(), date=DATE):
    stamp = time.strftime('"%d-%b-%Y %H:%M:%S +0000"', time.gmtime(date))
    with unittest.mock.patch.object(imaplib, "MapCRLF", re.compile(rb"\r\n")):  # it would change a CR of its own
        assert imap.append(quoted(name), "(" + " ".join(flags) + ")", stamp, octets)[0] == "OK"


def last_json(done):
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(params=["online", "offline"])
def place(request, fresh_exchange):
    """An exchange and a way to look at it: served all the time, or only to look."""
    exchange = fresh_exchange(start=request.param == "online")

    @contextlib.contextmanager
    def look(address=exchange.ALICE):
        if request.param == "offline":
            exchange.start()
        with imap_of(exchange, address) as imap:
            yield imap
        if request.param == "offline":
            exchange.stop()

    exchange.look = look
    return exchange


# ---- what Python writes ----

def test_mbox_by_python(place, tmp_path):
    path = tmp_path / "Old letters.mbox"
    box = mailbox.mbox(path)
    want = []
    for i in range(30):
        octets = letter(i, b"From me\n\nFrom you, too\n".replace(b"\n", b"\r\n") * i)
        m = mailbox.mboxMessage(octets.replace(b"\r\n", b"\n"))
        m.set_from("a@example.org", time.gmtime(DATE + i))
        m.set_flags(["", "R", "RA", "F", "ADFT"][i % 5])
        box.add(m)
        flags = [set(), {r"\Seen"}, {r"\Seen", r"\Answered"}, {r"\Flagged"},
                 {r"\Answered", r"\Deleted", r"\Flagged", r"\Draft"}][i % 5]
        want.append((octets, frozenset(flags), DATE + i))
    box.close()
    done = place.run("account", "import", place.ALICE, path)
    assert done.stdout.startswith("Imported 30 messages (") and "0 already there, 0 could not" in done.stdout
    assert done.stderr == ""
    with place.look() as imap:
        assert dump(imap, "Old letters") == want
        assert '"Old letters"' in str(imap.lsub()[1])
        assert imap.status('"Old letters"', "(UNSEEN)")[1] == [b'"Old letters" (UNSEEN 18)']


def test_maildir_by_python(place, tmp_path):
    root = mailbox.Maildir(tmp_path / "Maildir")
    sub = root.add_folder("Work.2024")
    root.add_folder("Entw&APw-rfe")
    want = {"INBOX": [], "Work/2024": []}
    for i in range(24):
        m = mailbox.MaildirMessage(letter(i, ODD["large"] if i == 5 else b"x\r\n").replace(b"\r\n", b"\n"))
        m.set_flags(["", "S", "RS", "FT", "DFPRST", "ab"][i % 6])
        m.set_subdir("cur" if i % 6 else "new")
        m.set_date(DATE - i)
        key = (sub if i % 2 else root).add(m)
        path = next((tmp_path / "Maildir").rglob(key + "*"))
        # The order is that of the names.
        path.rename(path.with_name(path.name.replace(key, f"{DATE + i}.{i}.host")))
        flags = {FLAG_OF[c] for c in ["", "S", "RS", "FT", "DFRST", ""][i % 6]}
        flags |= {"$Forwarded"} if i % 6 == 4 else set()
        flags |= {"work", "home"} if i % 12 == 5 else {"work"} if i % 6 == 5 else set()
        want["Work/2024" if i % 2 else "INBOX"].append((m.as_bytes().replace(b"\n", b"\r\n"), frozenset(flags), DATE - i))
    (tmp_path / "Maildir" / ".Work.2024" / "dovecot-keywords").write_text("0 work\n1 home\n")
    (tmp_path / "Maildir" / "subscriptions").write_text("Work.2024\nGone\n")
    (tmp_path / "Maildir" / "tmp" / "half").write_text("half a letter")
    (tmp_path / "Maildir" / "dovecot.index.log").write_text("no letter")
    want["Work/2024"] = [(o, f | ({"home", "work"} if "work" in f else set()), d) for o, f, d in want["Work/2024"]]
    done = place.run("account", "import", place.ALICE, tmp_path / "Maildir")
    assert "Imported 24 messages" in done.stdout, done
    with place.look() as imap:
        assert mailboxes(imap) >= {"INBOX", "Work/2024", "Entw&APw-rfe"}
        for name, expected in want.items():
            # What is in new/ comes behind what is in cur/.
            assert sorted(dump(imap, name), key=str) == sorted(expected, key=str)
        subscribed = " ".join(line.decode() for line in imap.lsub()[1])
        assert "Work/2024" in subscribed and "Gone" in subscribed and "APw" not in subscribed


def test_plain_folders_and_thunderbird(place, tmp_path):
    fs = tmp_path / "fs"
    for name in ["", "Work", "Work/2024"]:
        for part in ("cur", "new", "tmp"):
            (fs / name / part).mkdir(parents=True)
    (fs / "Work/2024/cur/1.x:2,S").write_bytes(letter(1))
    place.run("account", "import", place.ALICE, fs, "--mailbox", "Moved")
    profile = tmp_path / "Local Folders"
    (profile / "Inbox.sbd").mkdir(parents=True)
    stamp = "From - " + time.asctime(time.gmtime(DATE)) + "\r\n"
    mozilla = stamp + "X-Mozilla-Status: 0005\r\nX-Mozilla-Status2: 00000000\r\nX-Mozilla-Keys: $label1 toll          \r\n"
    (profile / "Inbox").write_bytes(mozilla.encode() + letter(1) + b"\r\n" + stamp.encode() + letter(2) + b"\r\n")
    (profile / "Inbox.sbd" / "Tiefer.1").write_bytes(stamp.encode() + letter(3) + b"\r\n")
    (profile / "Inbox.msf").write_text("// an index")
    (profile / "Empty").write_text("")
    (profile / "Empty.msf").write_text("// an index")
    (profile / "msgFilterRules.dat").write_text('version="9"')
    done = place.run("account", "import", place.ALICE, profile, "--json")
    assert last_json(done) == {"imported": 3, "octets": sum(len(letter(i)) for i in (1, 2, 3)), "already_there": 0,
                               "could_not": 0, "passed_over": 3}
    with place.look() as imap:
        assert mailboxes(imap) >= {"Moved", "Moved/Work", "Moved/Work/2024", "INBOX", "INBOX/Tiefer.1", "Empty"}
        assert [m[:2] for m in dump(imap, "Moved/Work/2024")] == [(letter(1), frozenset({r"\Seen"}))]
        assert dump(imap) == [(letter(1), frozenset({r"\Seen", r"\Flagged", "$label1", "toll"}), DATE),
                              (letter(2), frozenset(), DATE)]
        assert [m[0] for m in dump(imap, "INBOX/Tiefer.1")] == [letter(3)]


def test_dialects(place, tmp_path):
    stamp = "From a " + time.asctime(time.gmtime(DATE)) + "\n"
    body = b"From x\n>From y\n\nFrom z " + time.asctime(time.gmtime(DATE)).encode() + b"\nA: 1\n"
    raw = stamp.encode() + b"Subject: a\nContent-Length: %d\n\n" % len(body) + body + b"\n" + stamp.encode() + b"Subject: b\n\n"
    (tmp_path / "cl2").write_bytes(raw)
    quoted_body = b">From x\n>>From y\n>From z\n"
    (tmp_path / "o").write_bytes(stamp.encode() + b"Subject: a\n\n" + quoted_body + b"\n")
    place.run("account", "import", place.ALICE, tmp_path / "cl2", "--format", "mboxcl2")
    place.run("account", "import", place.ALICE, tmp_path / "o", "--format", "mboxo")
    place.run("account", "import", place.ALICE, tmp_path / "o", "--mailbox", "rd")
    assert place.run("account", "import", place.ALICE, tmp_path / "o", "--format", "tar", check=False).returncode == 2
    with place.look() as imap:
        assert [m[0] for m in dump(imap, "cl2")] == [b"Subject: a\r\n\r\n" + body.replace(b"\n", b"\r\n"), b"Subject: b\r\n"]
        assert dump(imap, "o")[0][0].endswith(b"\r\n\r\nFrom x\r\n>>From y\r\nFrom z\r\n")
        assert dump(imap, "rd")[0][0].endswith(b"\r\n\r\nFrom x\r\n>From y\r\nFrom z\r\n")


def test_too_many_keywords(fresh_exchange, tmp_path):
    """A mailbox has 64 different ones; the message is kept, and what is left out is said, but not a thousand times."""
    exchange = fresh_exchange()
    stamp = "From a " + time.asctime(time.gmtime(DATE)) + "\n"
    (tmp_path / "box").write_text("".join(f"{stamp}X-Keywords: word{i} (bad\nSubject: {i}\n\nx\n\n" for i in range(100)))
    done = exchange.run("account", "import", exchange.ALICE, tmp_path / "box")
    assert "Imported 100 messages" in done.stdout and "0 could not" in done.stdout
    assert "'(bad' is left out: IMAP cannot name it" in done.stderr and len(done.stderr.splitlines()) == 21
    with imap_of(exchange, exchange.ALICE) as imap:
        found = dump(imap, "box")
    assert [m[1] for m in found] == [frozenset({f"word{i}"} if i < 64 else ()) for i in range(100)]


def test_many_keywords_of_one_message(fresh_exchange, tmp_path):
    """Repeated ones take no room; each that is beyond the maximum is said."""
    exchange = fresh_exchange(start=False)
    stamp = "From a " + time.asctime(time.gmtime(DATE)) + "\n"
    words = ["again", "AGAIN"] * 40 + [f"word{i}" for i in range(66)]
    (tmp_path / "box").write_text(f"{stamp}X-Keywords: {' '.join(words)}\nSubject: x\n\nx\n\n")
    done = exchange.run("account", "import", exchange.ALICE, tmp_path / "box")
    assert [re.search("'(.*)' is left out", line).group(1) for line in done.stderr.splitlines()] == ["word63", "word64", "word65"]
    exchange.start()
    with imap_of(exchange, exchange.ALICE) as imap:
        assert dump(imap, "box")[0][1] == {"again"} | {f"word{i}" for i in range(63)}


# ---- nothing is lost, nothing is doubled ----

def test_again(place, tmp_path):
    stamp = "From a " + time.asctime(time.gmtime(DATE)) + "\n"
    twice = b"".join(stamp.encode() + letter(i).replace(b"\r\n", b"\n") + b"\n" for i in (1, 2, 1, 3))
    (tmp_path / "box").write_bytes(twice)
    assert last_json(place.run("account", "import", place.ALICE, tmp_path / "box", "--json"))["imported"] == 4
    done = last_json(place.run("account", "import", place.ALICE, tmp_path / "box", "--json"))
    assert done["imported"] == 0 and done["already_there"] == 4
    # One more of the same size and date, and of another date.
    other = stamp.replace("03:04:05", "03:04:06")
    with open(tmp_path / "box", "ab") as f:
        f.write(stamp.encode() + letter(4).replace(b"\r\n", b"\n") + b"\n" + other.encode() + letter(1).replace(b"\r\n", b"\n"))
    done = last_json(place.run("account", "import", place.ALICE, tmp_path / "box", "--json"))
    assert done["imported"] == 2 and done["already_there"] == 4
    assert last_json(place.run("account", "import", place.ALICE, tmp_path / "box", "--json", "--again"))["imported"] == 6
    with place.look() as imap:
        assert sorted(m[0] for m in dump(imap, "box")) == sorted([letter(1)] * 6 + [letter(2), letter(3), letter(4)] * 2)


def test_again_without_dates(fresh_exchange, tmp_path):
    """An mbox without any date grows: what was imported is known, though the file's own time is another."""
    exchange = fresh_exchange(start=False)
    box = tmp_path / "box"
    stamp = "From a " + time.asctime(time.gmtime(DATE)) + "\n"
    box.write_text(f"From \nSubject: one\n\nHi\n\n{stamp}Subject: two\n\nHi\n\nFrom \nSubject: three\n\nHi\n\n")
    os.utime(box, (DATE, DATE))
    assert last_json(exchange.run("account", "import", exchange.ALICE, box, "--json"))["imported"] == 3
    with open(box, "a") as f:
        f.write("From \nSubject: four\n\nHi\n\n")
    done = last_json(exchange.run("account", "import", exchange.ALICE, box, "--json"))
    assert done["imported"] == 1 and done["already_there"] == 3
    exchange.start()
    with imap_of(exchange, exchange.ALICE) as imap:
        assert [m[2] for m in dump(imap, "box")] == [1, DATE, DATE, DATE]


def test_again_of_one_size(fresh_exchange, tmp_path):
    """Many of one size and date, in another order, some of them twice: each stands for one."""
    exchange = fresh_exchange(start=False)
    stamp = b"From a " + time.asctime(time.gmtime(DATE)).encode() + b"\n"
    parts = [stamp + b"Subject: %05d\n\nx\n\n" % (i % 700) for i in range(1000)]
    (tmp_path / "box").write_bytes(b"".join(parts))
    exchange.run("account", "import", exchange.ALICE, tmp_path / "box")
    (tmp_path / "box").write_bytes(b"".join(reversed(parts)) + parts[0] + parts[650])
    done = last_json(exchange.run("account", "import", exchange.ALICE, tmp_path / "box", "--json"))
    assert done["imported"] == 2 and done["already_there"] == 1000


def many_letters(path, kind, count=8000):
    """A source of so many letters, and their octets."""
    stamp = "From a " + time.asctime(time.gmtime(DATE)) + "\n"
    octets = [letter(i, b"z" * (i % 700) + b"\r\n") for i in range(count)]
    if kind == "mbox":
        path.write_bytes(b"".join(stamp.encode() + m.replace(b"\r\n", b"\n") + b"\n" for m in octets))
        return octets
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    for i, m in enumerate(octets):
        (path / "cur" / f"{DATE + i}.x:2,S").write_bytes(m.replace(b"\r\n", b"\n"))
    return octets


def start_import(exchange, command):
    """Starts it, and returns when some of it is on the disk and it still runs."""
    log = exchange.data / "store.db-wal"
    before = log.stat().st_size if log.exists() else 0
    running = subprocess.Popen([exchange.daemon, *command, "--config", exchange.config], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while running.poll() is None and (not log.exists() or log.stat().st_size < before + (1 << 18)):
        assert time.monotonic() < end
    assert running.poll() is None, "it was quicker than this test"
    return running


def run_again(exchange, command, count):
    done = last_json(exchange.run(*command, "--json", timeout=120))
    assert done["could_not"] == 0 and 0 < done["already_there"] < count, done
    assert done["imported"] + done["already_there"] == count
    assert last_json(exchange.run("verify", "--json"))["findings"] == 0


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_killed(place, tmp_path, kind):
    """The program that imports is killed; when no server runs, it is the one that has the store."""
    octets = many_letters(tmp_path / "box", kind)
    command = ["account", "import", place.ALICE, tmp_path / "box", "--mailbox", "box"]
    running = start_import(place, command)
    running.kill()
    running.communicate()
    run_again(place, command, len(octets))
    with place.look() as imap:
        assert sorted(m[0] for m in dump(imap, "box")) == sorted(octets)


def test_two_at_once(fresh_exchange, tmp_path):
    """The second into the same account is refused: neither would know what the other stores. Another account is free."""
    exchange = fresh_exchange()
    octets = many_letters(tmp_path / "box", "mbox")
    running = start_import(exchange, ["account", "import", exchange.ALICE, tmp_path / "box"])
    done = exchange.run("account", "import", exchange.ALICE, tmp_path / "box", check=False)
    (tmp_path / "one").write_bytes(b"From a\n" + letter(1).replace(b"\r\n", b"\n"))
    other = last_json(exchange.run("account", "import", exchange.BOB, tmp_path / "one", "--json"))
    assert running.poll() is None, "it was quicker than this test"
    assert done.returncode == 3 and "is being imported into this account already" in done.stderr and done.stdout == "", done
    assert other["imported"] == 1
    running.communicate(timeout=120)
    done = last_json(exchange.run("account", "import", exchange.ALICE, tmp_path / "box", "--json", timeout=120))
    assert done["imported"] == 0 and done["already_there"] == len(octets)


def test_server_killed(fresh_exchange, tmp_path):
    exchange = fresh_exchange()
    octets = many_letters(tmp_path / "box", "mbox")
    command = ["account", "import", exchange.ALICE, tmp_path / "box", "--mailbox", "box"]
    running = start_import(exchange, command)
    exchange.kill()
    said = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 3 and said.startswith("letterlockd: "), said
    exchange.start()
    run_again(exchange, command, len(octets))
    with imap_of(exchange, exchange.ALICE) as imap:
        assert sorted(m[0] for m in dump(imap, "box")) == sorted(octets)


def test_export_killed(filled, tmp_path):
    """What stands in cur/ is whole, whenever it was stopped; the next run adds the rest and clears what was half done."""
    with imap_of(filled, filled.ALICE) as imap:
        for i in range(60):
            put(imap, "INBOX", letter(i, b"k" * 200000 + b"\r\n"))
    command = ["account", "export", filled.ALICE, tmp_path / "out"]
    running = subprocess.Popen([filled.daemon, *command, "--config", filled.config], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while running.poll() is None and len(list(tmp_path.glob("out/tmp/*"))) < 20:
        assert time.monotonic() < end
    assert running.poll() is None, "it was quicker than this test"
    running.kill()
    running.wait()
    assert list(tmp_path.glob("out/tmp/*"))
    for path in tmp_path.glob("out/**/cur/*"):
        assert path.stat().st_size == int(re.search(r",S=(\d+)", path.name).group(1))
    filled.run(*command)
    assert not list(tmp_path.glob("out/**/tmp/*"))
    assert len(list(tmp_path.glob("out/**/cur/*"))) == len(ODD) + 62
    done = last_json(filled.run("account", "import", filled.BOB, tmp_path / "out", "--json"))
    assert done["imported"] == len(ODD) + 62
    with imap_of(filled, filled.ALICE) as imap, imap_of(filled, filled.BOB) as other:
        assert dump(imap) == dump(other)


# ---- what cannot be ----

def test_what_cannot_be_imported(fresh_exchange, tmp_path):
    exchange = fresh_exchange({"message_size_max": "2000000"})
    stamp = b"From a " + time.asctime(time.gmtime(DATE)).encode() + b"\n"
    parts = [letter(1), letter(2, b"nul \0 here\r\n"), letter(3, b"w" * 2000000), letter(4)]
    (tmp_path / "box").write_bytes(b"".join(stamp + p.replace(b"\r\n", b"\n") + b"\n" for p in parts))
    done = exchange.run("account", "import", exchange.ALICE, tmp_path / "box", "--json", check=False)
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    at = len(stamp) + len(parts[0].replace(b"\r\n", b"\n")) + 1
    assert lines[0]["offset"] == at and "NUL" in lines[0]["problem"] and lines[0]["where"].endswith("box")
    assert "message_size_max" in lines[1]["problem"]
    assert lines[-1]["imported"] == 2 and lines[-1]["could_not"] == 2
    done = exchange.run("account", "import", exchange.ALICE, tmp_path / "box", check=False)
    assert f"octet {at}: " in done.stderr and "2 already there, 2 could not be imported" in done.stdout
    with imap_of(exchange, exchange.ALICE) as imap:
        assert [m[0] for m in dump(imap, "box")] == [letter(1), letter(4)]


def test_what_is_no_mail(fresh_exchange, tmp_path):
    exchange = fresh_exchange(start=False)
    (tmp_path / "page").write_text("<html>From here")
    (tmp_path / "none").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in [("page", "is no mbox"), ("none", "neither a Maildir"), ("pipe", "neither a file nor a folder"),
                           ("gone", "cannot look at")]:
        done = exchange.run("account", "import", exchange.ALICE, tmp_path / name, check=False)
        assert sentence in done.stderr and done.stdout == "" and done.returncode in (1, 3), done
    assert exchange.run("account", "import", "nobody@example.org", tmp_path / "page", check=False).returncode == 1
    assert exchange.run("account", "import", exchange.ALICE, check=False).returncode == 2
    assert exchange.run("account", "export", exchange.ALICE, tmp_path / "x", "--format", "mboxcl2", check=False).returncode == 2
    # Links, pipes and folders among the letters.
    (tmp_path / "secret").write_bytes(letter(9))
    for part in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    (tmp_path / "Maildir/cur/1.good:2,").write_bytes(letter(1))
    (tmp_path / "Maildir/cur/2.link:2,").symlink_to(tmp_path / "secret")
    (tmp_path / "Maildir/cur/3.folder:2,").mkdir()
    os.mkfifo(tmp_path / "Maildir/new/4.pipe")
    (tmp_path / "Maildir/Linked").symlink_to(tmp_path)
    (tmp_path / "Maildir/.bad*name").mkdir()
    (tmp_path / "Maildir/.bad*name/cur").mkdir()
    done = exchange.run("account", "import", exchange.ALICE, tmp_path / "Maildir", check=False)
    assert done.returncode == 1 and "Imported 1 messages" in done.stdout and "4 could not" in done.stdout
    assert "symbolic link" in done.stderr and "no plain file" in done.stderr and "becomes 'bad_name'" in done.stderr
    exchange.start()
    with imap_of(exchange, exchange.ALICE) as imap:
        assert [m[0] for m in dump(imap)] == [letter(1)]
        assert "bad_name" in mailboxes(imap)


def make_maildir(path, *messages):
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    for i, octets in enumerate(messages):
        (path / "cur" / f"{DATE + i}.x:2,S").write_bytes(octets.replace(b"\r\n", b"\n"))
    return path


def run_bound(exchange, *words):
    """Runs it so that modes of files count: also root may then not read all."""
    bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    if bound and not shutil.which("setpriv"):
        pytest.skip("root reads everything, and there is no setpriv")
    return subprocess.run([*bound, exchange.daemon, *words, "--config", exchange.config], capture_output=True, text=True,
                          timeout=60)


def test_folders_that_cannot_be_read(fresh_exchange, tmp_path):
    """No folder of a Maildir is passed over without a word."""
    exchange = fresh_exchange(start=False)
    root = make_maildir(tmp_path / "m", letter(1))
    make_maildir(root / ".Kept", letter(2))
    make_maildir(root / ".Secret", letter(3))
    make_maildir(tmp_path / "arch", letter(4))
    (root / ".Archive").symlink_to("../arch")
    (root / ".Half").mkdir()
    (root / ".Half/cur").symlink_to("../../arch/cur")
    (root / ".notes").write_text("no folder")
    (root / ".cache").mkdir()
    (root / ".Secret").chmod(0)
    done = run_bound(exchange, "account", "import", exchange.ALICE, root)
    (root / ".Secret").chmod(0o700)
    assert done.returncode == 1 and "Imported 2 messages" in done.stdout and "3 could not" in done.stdout, done
    assert re.search(r"\.Archive: it is a symbolic link", done.stderr) and ".Secret" in done.stderr and ".Half" in done.stderr
    assert "notes" not in done.stderr and "cache" not in done.stderr


def test_what_is_said_is_printable(fresh_exchange, tmp_path):
    """No control of a name reaches the terminal; in JSON, what is broken is repaired."""
    exchange = fresh_exchange(start=False)
    root = make_maildir(tmp_path / "m", letter(1))
    for name in [b".raw\x9bname", b".point\xc2\x9bname", b".&AJs-name", b".escape\x1bname"]:
        make_maildir(root / os.fsdecode(name))
    (root / os.fsdecode(b"link\x9b\xc2\x9b\xc3\xbc")).symlink_to("elsewhere")
    for words in [[], ["--json"]]:
        done = subprocess.run([exchange.daemon, "account", "import", exchange.ALICE, root, *words, "--config", exchange.config],
                              capture_output=True, timeout=60)
        said = done.stdout.decode() + done.stderr.decode()  # it is UTF-8
        assert words or not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", said), said
        assert "symbolic link" in said and "\u00fc" in said and said.count("becomes") == 4, said


def test_one_folder_that_cannot_be_read(fresh_exchange, tmp_path):
    """It is said, and does not keep the others out."""
    exchange = fresh_exchange(start=False)
    root = make_maildir(tmp_path / "m", letter(1))
    make_maildir(root / "Closed", letter(2))
    make_maildir(root / "Open", letter(3))
    (root / "Closed").chmod(0)
    done = run_bound(exchange, "account", "import", exchange.ALICE, root)
    (root / "Closed").chmod(0o700)
    assert done.returncode == 1 and "Imported 2 messages" in done.stdout and "1 could not" in done.stdout, done
    assert "Closed" in done.stderr


@pytest.mark.parametrize("name,lines", [(".Work.2024", "Work.2024\nodd/name\n"), ("Work/2024", "Work/2024\nodd\n")])
def test_subscriptions(fresh_exchange, tmp_path, name, lines):
    """Their separator is that of the folders, whatever else stands in a line."""
    exchange = fresh_exchange(start=False)
    root = make_maildir(tmp_path / "m", letter(1))
    make_maildir(root / name, letter(2))
    (root / "subscriptions").write_text(lines)
    exchange.run("account", "import", exchange.ALICE, root)
    exchange.start()
    with imap_of(exchange, exchange.ALICE) as imap:
        assert b'() "/" Work/2024' in imap.lsub()[1]


def test_maildir_below(fresh_exchange, tmp_path):
    """A Maildir inside the folder that is named, with folders of its own."""
    exchange = fresh_exchange(start=False)
    make_maildir(tmp_path / "home/Maildir", letter(1))
    make_maildir(tmp_path / "home/Maildir/.Sent.2024", letter(2))
    (tmp_path / "home/.profile").symlink_to("elsewhere")
    done = exchange.run("account", "import", exchange.ALICE, tmp_path / "home")
    assert "Imported 2 messages" in done.stdout and ".profile: it is a symbolic link" in done.stderr
    exchange.start()
    with imap_of(exchange, exchange.ALICE) as imap:
        assert [m[0] for m in dump(imap, "Maildir/Sent/2024")] == [letter(2)]


# ---- out, and back in ----

def fill(exchange):
    """Odd letters in several mailboxes of alice."""
    with imap_of(exchange, exchange.ALICE) as imap:
        for name in ["Work", "Work/2024", "Entw&APw-rfe", "Empty"]:
            assert imap.create(quoted(name))[0] == "OK"
        imap.subscribe("Work/2024")
        for i, (name, octets) in enumerate(ODD.items()):
            put(imap, "INBOX", octets, [[], [r"\Seen"], [r"\Seen", r"\Answered", "$Forwarded"], [r"\Flagged", "work"],
                                        [r"\Deleted", r"\Draft", "NonJunk", "work"]][i % 5], DATE + i)
        put(imap, "Work/2024", letter(20), ["toll"], DATE - 10 ** 8)
        put(imap, "Entw&APw-rfe", letter(21), [r"\Draft"], 1)


NAMES = ["INBOX", "Work", "Work/2024", "Entw&APw-rfe", "Empty"]


@pytest.fixture
def filled(fresh_exchange):
    exchange = fresh_exchange({"message_size_max": "10000000"})
    fill(exchange)
    return exchange


@pytest.mark.parametrize("way", ["online", "offline"])
@pytest.mark.parametrize("kind", ["maildir", "mbox"])
def test_round_trip(filled, tmp_path, kind, way):
    with imap_of(filled, filled.ALICE) as imap:
        want = {name: dump(imap, name) for name in NAMES}
    assert sum(len(found) for found in want.values()) == len(ODD) + 2
    if way == "offline":
        filled.stop()
    done = last_json(filled.run("account", "export", filled.ALICE, tmp_path / "out", "--format", kind, "--json"))
    assert done == {"exported": len(ODD) + 2, "octets": done["octets"], "already_there": 0, "could_not": 0, "passed_over": 0}
    done = filled.run("account", "import", filled.BOB, tmp_path / "out")
    assert f"Imported {len(ODD) + 2} messages" in done.stdout and done.stderr == ""
    assert f"{len(ODD) + 2} already there" in filled.run("account", "import", filled.BOB, tmp_path / "out").stdout
    if way == "offline":
        filled.start()
    with imap_of(filled, filled.BOB) as imap:
        assert {name: dump(imap, name) for name in NAMES} == want
        if kind == "maildir":
            assert b"Work/2024" in b"".join(imap.lsub()[1])
    assert last_json(filled.run("verify", "--json"))["findings"] == 0


def test_maildir_read_by_python(filled, tmp_path):
    filled.run("account", "export", filled.ALICE, tmp_path / "out")
    with imap_of(filled, filled.ALICE) as imap:
        want = {name: dump(imap, name) for name in NAMES}
    root = mailbox.Maildir(tmp_path / "out", create=False)
    assert sorted(root.list_folders()) == ["Empty", "Entw&APw-rfe", "Work", "Work.2024"]
    for name in NAMES:
        box = root if name == "INBOX" else root.get_folder(name.replace("/", "."))
        lines = (tmp_path / "out" / ("" if name == "INBOX" else "." + name.replace("/", ".")) / "dovecot-keywords")
        known = dict(line.split() for line in lines.read_text().splitlines()) if lines.exists() else {}
        got = []
        for key in sorted(box.keys(), key=lambda k: int(re.search(r"U(\d+)\.", k).group(1))):
            octets, message = box.get_bytes(key), box.get_message(key)
            flags = {FLAG_OF[c] for c in message.get_flags() if c in FLAG_OF}
            flags |= {known[str(ord(c) - ord("a"))] for c in message.get_flags() if c.islower()}
            assert ("P" in message.get_flags()) == ("$Forwarded" in flags)
            assert int(re.search(r",S=(\d+)", key).group(1)) == len(octets)
            assert not re.search(rb"[^\r]\r\n", octets)  # CRLF only where it keeps a CR of the line's own
            octets = re.sub(rb"(?<!\r)\n", b"\r\n", octets)
            got.append((octets, frozenset(flags), int(message.get_date())))
        assert got == want[name], name


def test_mbox_read_by_python(filled, tmp_path):
    filled.run("account", "export", filled.ALICE, tmp_path / "INBOX.mbox", "--format", "mbox", "--mailbox", "INBOX")
    with imap_of(filled, filled.ALICE) as imap:
        want = dump(imap)
    # It knows neither quoting nor Content-Length, and takes its notes out only when asked.
    got = []
    for message in mailbox.mbox(tmp_path / "INBOX.mbox", create=False):
        flags = {{"R": r"\Seen", "A": r"\Answered", "F": r"\Flagged", "D": r"\Deleted", "T": r"\Draft"}.get(c)
                 for c in message.get_flags()} - {None}
        date = calendar.timegm(time.strptime(message.get_from().split(" ", 1)[1]))
        keywords = set((message["X-Keywords"] or "").split())
        got.append((message["Subject"], frozenset(flags | keywords), date))
    subject = re.compile(rb"Subject: (.*)\r\n")
    assert got == [(subject.search(o).group(1).decode(), f, d) for o, f, d in want]


def test_export_adds_and_overwrites_nothing(filled, tmp_path):
    out = tmp_path / "out"
    filled.run("account", "export", filled.ALICE, out)
    (out / "dovecot-keywords").write_text("3 mine\n" + (out / "dovecot-keywords").read_text())
    files = {p: p.stat().st_ino for p in out.rglob("cur/*")}
    with imap_of(filled, filled.ALICE) as imap:
        put(imap, "INBOX", letter(30), ["another"])
    done = filled.run("account", "export", filled.ALICE, out)
    assert f"Exported 1 messages ({len(letter(30))} octets), {len(ODD) + 2} already there" in done.stdout
    after = {p: p.stat().st_ino for p in out.rglob("cur/*")}
    assert len(after) == len(files) + 1 and all(after[p] == i for p, i in files.items())
    assert "3 mine\n" in (out / "dovecot-keywords").read_text() and "another" in (out / "dovecot-keywords").read_text()
    # An mbox is written once.
    (tmp_path / "box").write_text("somebody's")
    done = filled.run("account", "export", filled.ALICE, tmp_path / "box", "--format", "mbox", "--mailbox", "INBOX", check=False)
    assert done.returncode == 1 and "not overwritten" in done.stderr
    assert (tmp_path / "box").read_text() == "somebody's" and sorted(p.name for p in tmp_path.iterdir()) == ["box", "out"]
    done = filled.run("account", "export", filled.ALICE, tmp_path / "y", "--mailbox", "Nowhere", check=False)
    assert done.returncode == 1 and "no mailbox 'Nowhere'" in done.stderr
    filled.run("account", "export", filled.ALICE, tmp_path / "work", "--mailbox", "Work")
    assert len(list((tmp_path / "work").rglob("cur/*"))) == 1


def test_export_with_a_damaged_body(filled, tmp_path):
    filled.stop()
    segment = next(pathlib.Path(filled.data, "bodies").glob("s*"))
    octets = bytearray(segment.read_bytes())
    octets[octets.index(b"Subject: letter 3")] ^= 1
    segment.write_bytes(octets)
    for kind in ("maildir", "mbox"):
        done = filled.run("account", "export", filled.ALICE, tmp_path / kind, "--format", kind, check=False)
        assert done.returncode == 1 and "UID 3" in done.stderr
        assert f"Exported {len(ODD) + 1} messages" in done.stdout and "1 could not" in done.stdout


@pytest.mark.parametrize("name", ["subscriptions", "dovecot-keywords"])
def test_export_beside_a_long_file(filled, tmp_path, name):
    """What is too long to be extended stays as it is."""
    out = tmp_path / "out"
    out.mkdir()
    long = "".join(f"folder{i}\n" for i in range(100000))
    (out / name).write_text(long)
    filled.stop()
    done = filled.run("account", "export", filled.ALICE, out, check=False)
    assert done.returncode == 1 and "is too long to be extended" in done.stderr, done
    assert (out / name).read_text() == long and (out / ".Work.2024").is_dir()


@pytest.mark.parametrize("kind,name", [("maildir", ".Work"), ("mbox", "Work.sbd")])
def test_export_where_something_is_in_the_way(filled, tmp_path, kind, name):
    """A link or a file where a folder should be: the mailbox is said and left out, and the others are written."""
    filled.stop()
    for way in ("link", "file"):
        out = tmp_path / way
        out.mkdir()
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        if way == "link":
            (out / name).symlink_to(tmp_path / "elsewhere")
        else:
            (out / name).write_text("somebody's")
        done = filled.run("account", "export", filled.ALICE, out, "--format", kind, check=False)
        left = 0 if kind == "maildir" else 1  # Work itself is empty
        assert done.returncode == 1 and f"Exported {len(ODD) + 2 - left} messages" in done.stdout, done
        assert "1 could not" in done.stdout and re.search(r"letterlockd: Work(/2024)?: ", done.stderr), done
        assert not list((tmp_path / "elsewhere").iterdir())


def test_export_while_mail_is_expunged(filled, tmp_path):
    """A large message that goes while it is written leaves nothing half in the mbox, and does not end the export."""
    body = b"".join(b"%078d\r\n" % i for i in range(110000))
    with imap_of(filled, filled.ALICE) as imap:
        for i in range(4):
            put(imap, "Work", letter(i, body))
        running = subprocess.Popen([filled.daemon, "account", "export", filled.ALICE, tmp_path / "box", "--format", "mbox",
                                    "--mailbox", "Work", "--config", filled.config], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        part = tmp_path / "box.letterlock-part"
        end = time.monotonic() + 60
        while running.poll() is None and (not part.exists() or part.stat().st_size < 12 << 20):
            assert time.monotonic() < end
        running.send_signal(signal.SIGSTOP)
        assert imap.select("Work")[0] == "OK"
        assert imap.store("1:*", "+FLAGS", r"(\Deleted)")[0] == "OK" and imap.expunge()[0] == "OK"
        running.send_signal(signal.SIGCONT)
        out, said = running.communicate(timeout=60)
    assert running.returncode == 0 and said == "", said
    whole = list(mailbox.mbox(tmp_path / "box", create=False))
    assert whole and out.startswith(f"Exported {len(whole)} messages")
    for message in whole:
        assert message.get_payload().rstrip("\n").encode() == body.replace(b"\r\n", b"\n").rstrip(b"\n")


def files_are_small():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


@pytest.mark.parametrize("kind", ["maildir", "mbox"])
def test_export_that_cannot_be_written(filled, tmp_path, kind):
    """What is counted as exported is there."""
    out = tmp_path / "out"
    done = subprocess.run([filled.daemon, "account", "export", filled.ALICE, out, "--format", kind, "--config", filled.config],
                          capture_output=True, text=True, timeout=60, preexec_fn=files_are_small)
    there = len(list(out.rglob("cur/*"))) if kind == "maildir" else 1
    assert done.returncode == 3 and done.stderr.startswith("letterlockd: cannot write"), done
    assert f"Exported {there} messages" in done.stdout and there > 0
    if kind == "mbox":
        assert len(list(mailbox.mbox(next(out.glob("Entw*")), create=False))) == there
        assert not (out / "INBOX").exists()


@pytest.mark.parametrize("length,good", [(238, True), (240, True), (255, True), (256, False)])
def test_export_of_a_long_name(fresh_exchange, tmp_path, length, good):
    """As long as the file system permits; a longer one is said."""
    exchange = fresh_exchange(start=False)
    (tmp_path / "box").write_bytes(b"From a\n" + letter(1).replace(b"\r\n", b"\n"))
    exchange.run("account", "import", exchange.ALICE, tmp_path / "box", "--mailbox", "n" * length)
    done = exchange.run("account", "export", exchange.ALICE, tmp_path / "out", "--format", "mbox", check=False)
    assert done.returncode == (0 if good else 1) and ("too long" in done.stderr) is not good, done
    assert {p.name for p in (tmp_path / "out").iterdir()} == ({"INBOX", "n" * length} if good else {"INBOX"})


def large_body(exchange):
    return max(pathlib.Path(exchange.data, "bodies").iterdir(), key=lambda path: (path.name.startswith("b"), path.stat().st_size))


def cut_large(exchange):
    os.truncate(large_body(exchange), large_body(exchange).stat().st_size // 2)


def cut_segment(exchange):
    """The last message of the segment loses its last octets."""
    segment = next(pathlib.Path(exchange.data, "bodies").glob("s*"))
    octets = segment.read_bytes()
    os.truncate(segment, len(octets.rstrip(b"\0")) - 10)


@pytest.mark.parametrize("harm", [cut_large, cut_segment, lambda exchange: large_body(exchange).unlink()],
                         ids=["cut body", "cut segment", "lost body"])
def test_with_a_body_that_is_cut_short(filled, tmp_path, harm):
    """It is left out and said; all others are exported, and imported they are there already."""
    filled.run("account", "export", filled.ALICE, tmp_path / "before")
    filled.stop()
    harm(filled)
    for kind in ("maildir", "mbox"):
        done = filled.run("account", "export", filled.ALICE, tmp_path / kind, "--format", kind, check=False)
        assert done.returncode == 1 and "the message with UID " in done.stderr, done
        assert f"Exported {len(ODD) + 1} messages" in done.stdout and "1 could not" in done.stdout
    done = last_json(filled.run("account", "import", filled.ALICE, tmp_path / "before", "--json"))
    assert done["imported"] == 1 and done["already_there"] == len(ODD) + 1


def test_what_a_stopped_export_left(fresh_exchange, tmp_path):
    """Some of a mailbox is no mailbox of its own."""
    exchange = fresh_exchange(start=False)
    for name in ["Sent", "Sent.letterlock-part"]:
        (tmp_path / name).write_bytes(b"From a\n" + letter(1).replace(b"\r\n", b"\n"))
    done = exchange.run("account", "import", exchange.ALICE, tmp_path)
    assert "Imported 1 messages" in done.stdout and "1 files or parts of files hold no mail" in done.stdout, done
    assert "Sent.letterlock-part: an export that was stopped left it" in done.stderr


def test_names(filled, tmp_path):
    """Names that a folder cannot have are repaired where one sees it, and lead nowhere else."""
    with imap_of(filled, filled.BOB) as imap:
        for i, name in enumerate(["v1.2", "../../escape", ".hidden"]):
            assert imap.create(quoted(name))[0] == "OK"
            put(imap, name, letter(i))
    for kind in ("maildir", "mbox"):
        done = filled.run("account", "export", filled.BOB, tmp_path / kind / "inner", "--format", kind)
        assert "is written as" in done.stderr
        assert [p.name for p in (tmp_path / kind).iterdir()] == ["inner"]
        done = filled.run("account", "import", filled.ALICE, tmp_path / kind / "inner", "--mailbox", kind)
        assert "Imported 3 messages" in done.stdout


def test_two_become_one(fresh_exchange, tmp_path):
    """Mailboxes whose names are the same at the other side: both are whole, and it is said."""
    exchange = fresh_exchange(start=False)
    (tmp_path / "in").mkdir()
    for i, name in enumerate(["Foo", "Foo.mbox", "A.B", "A_B"]):
        (tmp_path / "in" / name).write_bytes(b"From a\n" + letter(i).replace(b"\r\n", b"\n"))
    done = exchange.run("account", "import", exchange.ALICE, tmp_path / "in")
    assert re.search(r"Foo\.mbox: it goes into 'Foo', as '.*/Foo' does", done.stderr) and "Imported 4" in done.stdout, done
    assert len(done.stderr.splitlines()) == 1
    done = exchange.run("account", "export", exchange.ALICE, tmp_path / "out")
    assert "A.B: 'A_B' is written to the same folder" in done.stderr and "Exported 4" in done.stdout, done
    assert len(list((tmp_path / "out" / ".A_B" / "cur").iterdir())) == 2 and len(done.stderr.splitlines()) == 2


# ---- on the way ----

def test_progress(filled, tmp_path):
    """On a terminal one sees how far it is; elsewhere nothing is written."""
    stamp = "From a " + time.asctime(time.gmtime(DATE)) + "\n"
    (tmp_path / "box").write_bytes(b"".join(stamp.encode() + letter(i, b"p" * 2000 + b"\n") + b"\n" for i in range(1000)))
    for words, label in [(["import", filled.ALICE, tmp_path / "box"], "importing"),
                         (["export", filled.ALICE, tmp_path / "out"], "exporting")]:
        near, far = pty.openpty()
        running = subprocess.Popen([filled.daemon, "account", *words, "--config", filled.config], stderr=far,
                                   stdout=subprocess.PIPE)
        os.close(far)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while piece := os.read(near, 4096):
                shown += piece
        os.close(near)
        assert running.wait() == 0 and b"could not" in running.stdout.read()
        assert re.search(rb"\r" + label.encode() + rb"  \d+ of \d+ MiB \(\d+ %\), \d+ messages", shown), shown
        assert shown.endswith(b"\r\x1b[K")


# ---- Dovecot ----

def doveadm():
    return os.environ.get("LETTERLOCK_DOVEADM") or shutil.which("doveadm")


@pytest.fixture
def dovecot():
    """A folder that Dovecot's user may enter, and a function that asks doveadm about the mail at a location."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-dovecot-"))
    folder.chmod(0o755)
    user = 65534 if os.getuid() == 0 else os.getuid()  # it reads no mail as root

    def ask(location, *words):
        config = folder / "dovecot.conf"
        config.write_text(f"mail_location = {location}\nlog_path = /dev/stderr\nmail_uid = {user}\nmail_gid = {user}\n"
                          f"first_valid_uid = 1\nfirst_valid_gid = 0\nssl = no\nbase_dir = {folder}/run\n"
                          f"mbox_write_locks = fcntl\nmail_home = {folder}\n"
                          "namespace inbox {\n inbox = yes\n separator = /\n}\n")
        for path in [folder, *folder.rglob("*")]:
            if os.getuid() == 0:
                os.chown(path, user, user)
        done = subprocess.run([doveadm(), "-c", config, *words], capture_output=True, timeout=60,
                              env={**os.environ, "USER": "someone", "HOME": str(folder), "TZ": "UTC"})
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    yield folder, ask
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not doveadm(), reason="no doveadm: install dovecot-core, or name it in LETTERLOCK_DOVEADM")
@pytest.mark.parametrize("kind", ["maildir", "mbox"])
def test_read_by_dovecot(filled, dovecot, kind):
    folder, ask = dovecot
    out = folder / "mail"
    (folder / "index").mkdir()
    out.mkdir()
    address = filled.ALICE
    if kind == "mbox":
        # It has notes of its own in an mbox, and takes a message's fields of those names for them.
        address = filled.BOB
        with imap_of(filled, filled.ALICE) as imap, imap_of(filled, filled.BOB) as other:
            for octets, flags, date in dump(imap):
                if b"X-UID" not in octets:
                    put(other, "INBOX", octets, flags, date)
    filled.run("account", "export", address, out, "--format", kind)
    location = f"maildir:{out}" if kind == "maildir" else f"mbox:{folder}/index:INBOX={out}/INBOX"
    with imap_of(filled, address) as imap:
        wanted = {name: dump(imap, name) for name in (NAMES if kind == "maildir" else ["INBOX"])}
    for name, want in wanted.items():
        shown = name.replace("&APw-", "\u00fc")
        table = ask(location, "-f", "tab", "fetch", "uid flags date.received", "mailbox", shown, "ALL").decode()
        got = [line.split("\t") for line in table.splitlines()[1:]]
        assert len(got) == len(want), table
        for (uid, flags, date), (sent, want_flags, want_date) in zip(got, want):
            assert uid == str(want.index((sent, want_flags, want_date)) + 1)
            assert frozenset(flags.split()) - {r"\Recent"} == want_flags, (name, uid)
            assert date == time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(want_date)), (name, uid)
            octets = ask(location, "-f", "pager", "fetch", "text", "mailbox", shown, "uid", uid)
            assert octets.startswith(b"text:\n")
            # What doveadm makes of a CR of the line's own is not looked at.
            got_octets, sent = (re.sub(rb"\r+\n", b"\n", o) for o in (octets[6:], sent))
            if not sent.endswith(b"\n"):  # what it does about the last line differs
                got_octets = got_octets.removesuffix(b"\n")
            if kind == "mbox":  # Dovecot does not take quoting away
                sent = re.sub(rb"(?m)^(>*From )", rb">\1", sent)
            assert got_octets == sent, (name, uid)
    if kind == "maildir":
        subscribed = ask(location, "mailbox", "list", "-s").decode().split("\n")
        assert "Work/2024" in subscribed


@pytest.mark.skipif(not doveadm(), reason="no doveadm: install dovecot-core, or name it in LETTERLOCK_DOVEADM")
def test_written_by_dovecot(filled, dovecot, tmp_path):
    """What Dovecot has made of an exported Maildir (its index files, names, subscriptions) comes back whole."""
    folder, ask = dovecot
    filled.run("account", "export", filled.ALICE, folder / "mail")
    (folder / "own").mkdir()
    with imap_of(filled, filled.ALICE) as imap:  # it loses a CR of a line's own
        want = {name: [(o.replace(b"\r\r\n", b"\r\n"), f, d) for o, f, d in dump(imap, name)] for name in NAMES}
    ask(f"maildir:{folder}/mail", "backup", f"maildir:{folder}/own")
    done = filled.run("account", "import", filled.BOB, folder / "own")
    assert f"Imported {len(ODD) + 2} messages" in done.stdout, done
    with imap_of(filled, filled.BOB) as imap:
        for name in NAMES:
            assert sorted(dump(imap, name), key=str) == sorted(want[name], key=str), name
        assert b"Work/2024" in b"".join(imap.lsub()[1])


@pytest.mark.skipif(not doveadm(), reason="no doveadm: install dovecot-core, or name it in LETTERLOCK_DOVEADM")
def test_mbox_written_by_dovecot(filled, dovecot):
    """It quotes nothing, and leads from message to message by Content-Length."""
    folder, ask = dovecot
    filled.run("account", "export", filled.ALICE, folder / "mail")
    (folder / "own").mkdir()
    ask(f"maildir:{folder}/mail", "backup", "-m", "INBOX", f"mbox:{folder}/own:INBOX={folder}/own/box")
    assert b"\nFrom here\n" in (folder / "own" / "box").read_bytes()
    done = filled.run("account", "import", filled.BOB, folder / "own" / "box", "--format", "mboxcl2", "--mailbox", "INBOX")
    with imap_of(filled, filled.ALICE) as imap, imap_of(filled, filled.BOB) as other:
        # It leaves out what would be taken for notes of its own, loses a CR, gives what has no body an empty line, and
        # ends the last line.
        changed = [ODD["notes of its own"], ODD["a CR of its own"], ODD["no body"]]
        want = [(o if o.endswith(b"\r\n") else o + b"\r\n", f, d) for o, f, d in dump(imap) if o not in changed]
        got = dump(other)
    assert f"Imported {len(ODD)} messages" in done.stdout and "1 files or parts of files hold no mail" in done.stdout
    assert len(got) == len(want) + 3
    for one in want:
        assert one in got
