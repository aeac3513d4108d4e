# SPDX-License-Identifier: ISC
"""letterlockd backup and restore: beside a server under load, killed at any moment, without power, without room; and what IMAP
clients see of a store that came back.
"""
import contextlib
import hashlib
import imaplib
import json
import os
import pathlib
import pwd
import random
import re
import resource
import shutil
import signal
import smtplib
import sqlite3
import subprocess
import tempfile
import threading
import time

import pytest

from conftest import Exchange, build_folder
from processes import eventually

SEED = int(os.environ.get("LETTERLOCK_BACKUP_SEED", str(time.time_ns() % 1_000_000_000)))
FINE = "Everything is as it must be"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@contextlib.contextmanager
def imap(exchange, address=Exchange.ALICE):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60) as one:
        one.login(address, exchange.password(address))
        yield one


def text_of(i, size=None):
    return b"Subject: letter %d\r\n\r\n" % i + b"x" * (i * 2999 if size is None else size) + b"\r\n"


def append(exchange, numbers, box="INBOX", size=None):
    with imap(exchange) as one:
        for i in numbers:
            assert one.append(box, None, None, text_of(i, size))[0] == "OK"


def state(exchange, box="INBOX", address=Exchange.ALICE):
    """{name: number} of STATUS."""
    with imap(exchange, address) as one:
        said = one.status(box, "(MESSAGES UIDNEXT UIDVALIDITY)")[1][0].decode()
    return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", said.split("(", 1)[1])}


def messages(exchange, box="INBOX", address=Exchange.ALICE):
    with imap(exchange, address) as one:
        assert one.select(box)[0] == "OK"
        if one.search(None, "ALL")[1] == [b""]:
            return {}
        rows = one.uid("FETCH", "1:*", "(UID BODY.PEEK[])")[1]
    return {int(re.search(rb"UID (\d+)", row[0]).group(1)): row[1] for row in rows if isinstance(row, tuple)}


def subjects(folder):
    """Who has how many messages in a folder that nobody serves: enough to know which of two it is."""
    with contextlib.closing(sqlite3.connect(f"file:{folder}/store.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT account, name, messages, uidnext FROM mailboxes ORDER BY mailbox").fetchall()


def backup(exchange, folder, check=True, **more):
    done = exchange.run("backup", folder, "--json", check=check, **more)
    return json.loads(done.stdout.splitlines()[-1]) if check else done


def spawn(exchange, *words, environment=None, prepare=None):
    return subprocess.Popen([exchange.daemon, *words, "--config", exchange.config], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment, preexec_fn=prepare)


def verify(exchange, folder):
    assert FINE in exchange.run("verify", "--data", folder).stdout


def put_back(exchange, folder, *words, **more):
    return exchange.run("restore", folder, *words, **more)


def put_back_json(exchange, folder):
    return json.loads(exchange.run("restore", folder, "--json").stdout.splitlines()[-1])


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="letterlock-backup-") as folder:
        yield pathlib.Path(folder)


# ---- beside a server under load ----

def restored_elsewhere(exchange, folder, data):
    """Another exchange, with the same accounts, on the restored folder."""
    config = exchange.folder / "elsewhere.conf"
    config.write_text(exchange.config.read_text().replace(f'"{exchange.data}"', f'"{data}"'))
    other = object.__new__(Exchange)
    other.__dict__.update(exchange.__dict__, config=config, data=data, process=None,
                          log_path=exchange.folder / "elsewhere.log")
    put_back(other, folder)
    verify(other, data)
    return other


def message_of(token):
    """Of any size, large ones too, and given by the token alone."""
    line = hashlib.sha256(token.encode()).hexdigest().encode() + b"\r\n"
    size = random.Random(token).choice([200, 3000, 20_000, 20_000, 70_000, 400_000])
    return f"X-Token: {token}\r\nSubject: load\r\n\r\n".encode() + line * (size // len(line) + 1)


class Load:
    """SMTP to both accounts' INBOX, and APPEND and EXPUNGE in their mailboxes `work`, until stopped."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.answered = {(a, box): set() for a in (exchange.ALICE, exchange.BOB) for box in ("INBOX", "work")}
        self.count = 0
        self.stop = threading.Event()
        self.errors = []
        self.threads = [threading.Thread(target=self.run, args=(self.smtp, str(i))) for i in range(3)]
        self.threads += [threading.Thread(target=self.run, args=(self.imap, a)) for a in (exchange.ALICE, exchange.BOB)]
        for thread in self.threads:
            thread.start()

    def run(self, work, which):
        try:
            work(which)
        except Exception as error:
            self.errors.append(f"{work.__name__} {which}: {error!r}")

    def join(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        assert not self.errors, self.errors

    def smtp(self, which):
        with smtplib.SMTP("localhost", self.exchange.port("smtp"), timeout=60) as server:
            server.ehlo("client.example.net")
            while not self.stop.is_set():
                token = f"s{which}-{time.monotonic_ns()}"
                to = [self.exchange.ALICE, self.exchange.BOB]
                assert server.sendmail("sender@example.net", to, message_of(token)) == {}
                for address in to:
                    self.answered[address, "INBOX"].add(token)
                self.count += 1

    def imap(self, address):
        kept = self.answered[address, "work"]
        with imap(self.exchange, address) as one:
            assert one.create("work")[0] == "OK" and one.select("work")[0] == "OK"
            while not self.stop.is_set():
                token = f"i{time.monotonic_ns()}"
                _, said = one.append("work", None, None, message_of(token))
                kept.add(token)
                self.count += 1
                if self.count % 3 == 0:
                    uid = re.search(rb"APPENDUID \d+ (\d+)", said[0]).group(1).decode()
                    kept.discard(token)
                    assert one.uid("STORE", uid, "+FLAGS", r"(\Deleted)")[0] == "OK" and one.expunge()[0] == "OK"


def copied(load):
    return {key: set(tokens) for key, tokens in load.answered.items()}


def check_restored(other, before, after):
    """What was answered before it began and not expunged until it ended is there, whole and once."""
    for (address, box), tokens in before.items():
        there = set()
        for raw in messages(other, box, address).values():
            token = re.search(rb"X-Token: (\S+)\r\n", raw).group(1).decode()
            assert token not in there and raw.endswith(message_of(token))
            there.add(token)
        lost = (tokens & after[address, box]) - there
        assert not lost, f"{box} of {address}: {lost} were answered before the backup began"


def test_under_load(fresh_exchange, place):
    """Killed again and again while mail comes in and goes, and run once more: what was answered before is there."""
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    exchange = fresh_exchange()
    load = Load(exchange)
    try:
        eventually(lambda: load.count > 50 or load.errors, 60)
        killed = 0
        for _ in range(12):
            one = spawn(exchange, "backup", place / "b")
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(0.02 + rng.random() * 0.4)
            killed += one.poll() is None
            one.kill()
            one.communicate()
        before = copied(load)
        assert backup(exchange, place / "b")["online"]
        after = copied(load)
        assert FINE in exchange.run("verify").stdout
    finally:
        load.join()
    assert killed > 0
    verify(exchange, place / "b")
    other = restored_elsewhere(exchange, place / "b", place / "data").start()
    try:
        check_restored(other, before, after)
        assert {"alice@example.org", "bob@example.org"} == {
            json.loads(line)["address"] for line in other.run("account", "list", "--json").stdout.splitlines()}
    finally:
        other.stop()
    print(f"{load.count} answers, {killed} backups killed")


def test_server_ends_meanwhile(fresh_exchange, place):
    """What was read after nobody held it is not believed, and the next backup goes on."""
    exchange = fresh_exchange()
    append(exchange, range(1, 25), size=900_000)
    one = spawn(exchange, "backup", place / "b")
    eventually(lambda: list((place / "b" / "bodies").glob("*")) if (place / "b" / "bodies").exists() else None, 20)
    one.send_signal(signal.SIGSTOP)
    exchange.kill()
    one.send_signal(signal.SIGCONT)
    said = one.communicate(timeout=60)[1].decode()
    assert one.returncode == 3 and "the server ended meanwhile" in said, said
    assert not (place / "b" / "store.db").exists()
    exchange.start()
    done = backup(exchange, place / "b")
    assert done["messages"] == 24 and done["copied"] < done["octets"]
    verify(exchange, place / "b")


def test_one_after_the_other(fresh_exchange, place):
    """Only what is new is copied; expunged mail goes; also without a server, and after a kill."""
    exchange = fresh_exchange()
    append(exchange, range(1, 20))
    append(exchange, [1], size=700_000)
    first = backup(exchange, place / "b")
    assert first["copied"] == first["octets"] > 700_000 and first["accounts"] == 2
    size = sum(f.stat().st_blocks for f in (place / "b" / "bodies").iterdir())
    assert backup(exchange, place / "b")["copied"] == 0
    append(exchange, [30])
    with imap(exchange) as one:
        one.select("INBOX")
        one.store("15:20", "+FLAGS", r"(\Deleted)")
        one.expunge()
    done = backup(exchange, place / "b")
    assert done["messages"] == 15 and 89_000 < done["copied"] < 91_000
    assert sum(f.stat().st_blocks for f in (place / "b" / "bodies").iterdir()) < size / 2
    verify(exchange, place / "b")
    exchange.kill()
    done = backup(exchange, place / "b")
    assert not done["online"] and done["copied"] == 0
    modes = {p.name: p.stat().st_mode & 0o777 for p in (place / "b").rglob("*")}
    assert modes.pop("certificate.pem") == 0o644
    assert set(modes.values()) == {0o600, 0o700} and modes["key.pem"] == modes["store.db"] == 0o600
    mark = json.loads((place / "b" / "backup.json").read_text())
    assert mark["complete"] and mark["schema"] == 5 and mark["messages"] == 15
    assert exchange.run("account", "list", "--data", place / "b").stdout.count("@") == 2
    assert "is a backup" in exchange.run("run", "--data", place / "b", check=False).stderr


# ---- what is refused, and what is told ----

def test_refused(fresh_exchange, place):
    exchange = fresh_exchange(start=False)
    (place / "file").write_text("x")
    (place / "full").mkdir(mode=0o700)
    (place / "full" / "letter").write_text("x")
    (place / "open").mkdir()
    (place / "open").chmod(0o755)
    (place / "unfinished" / "bodies").mkdir(mode=0o700, parents=True)
    (place / "unfinished").chmod(0o700)
    (place / "unfinished" / "backup.json").write_text('{"store": "", "complete": false}')
    for words, status, sentence in [
            (("backup",), 2, "say backup FOLDER"), (("backup", "a", "b"), 2, "say backup"),
            (("restore",), 2, "say restore FOLDER"),
            (("backup", exchange.data), 2, "cannot be in it"), (("backup", exchange.data / "bodies"), 2, "cannot be in it"),
            (("backup", f"{exchange.data}/new/"), 2, "cannot be in it"),
            (("backup", place / "file" / "b"), 3, "is no folder"), (("backup", place / "full"), 3, "is no backup"),
            (("backup", place / "open"), 3, "chmod 700"), (("restore", place / "full"), 3, "no backup.json"),
            (("restore", place / "unfinished"), 3, "unfinished backup"),
            (("verify", "--data", place / "unfinished"), 3, "unfinished backup"),
            (("run", "--data", place / "unfinished"), 3, "unfinished backup"),
            (("backup", place / "unfinished"), 3, "another data folder")]:
        done = exchange.run(*words, check=False)
        assert done.returncode == status and sentence in done.stderr, (words, done)
    assert sorted(p.name for p in (place / "full").iterdir()) == ["letter"]
    backup(exchange, place / "b")
    (place / "other").mkdir()
    other = Exchange(place / "other")
    assert "another data folder" in backup(other, place / "b", check=False).stderr
    exchange.start()
    done = exchange.run("restore", place / "b", check=False)
    assert done.returncode == 3 and "stop it first" in done.stderr


def test_damaged(fresh_exchange, place):
    exchange = fresh_exchange()
    append(exchange, range(1, 6))
    segment = next((exchange.data / "bodies").glob("s*"))
    octets = bytearray(segment.read_bytes())
    octets[-20] ^= 1
    with open(segment, "r+b") as f:
        f.write(octets)
    done = exchange.run("backup", place / "b", check=False)
    assert done.returncode == 1 and "UID 5 in 'INBOX' of alice@example.org" in done.stderr
    assert "look at the disk" in done.stderr and "whole backup" in done.stdout
    lines = [json.loads(s) for s in backup(exchange, place / "b", check=False).stdout.splitlines()]
    assert "UID 5" in lines[0]["finding"] and lines[-1]["damaged"] == 1
    exchange.stop()
    done = put_back(exchange, place / "b", check=False)
    assert done.returncode == 1 and "UID 5" in done.stderr
    exchange.start()
    assert exchange.run("verify", check=False).stdout.count("UID 5 ") == 1
    assert len(messages_but(exchange, 5)) == 4


def messages_but(exchange, uid):
    with imap(exchange) as one:
        one.select("INBOX")
        return [u for u in range(1, 6) if u != uid and one.uid("FETCH", str(u), "(BODY.PEEK[])")[0] == "OK"]


def no_room():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))


def test_no_room(fresh_exchange, place):
    """The earlier one stays whole; with room it is gone on with."""
    exchange = fresh_exchange()
    append(exchange, range(1, 10))
    backup(exchange, place / "b")
    before = subjects(place / "b")
    append(exchange, range(40, 60))
    one = spawn(exchange, "backup", place / "b", prepare=no_room)
    said = one.communicate(timeout=60)[1].decode()
    assert one.returncode == 3 and "File too large" in said, said
    assert subjects(place / "b") == before
    verify(exchange, place / "b")
    assert backup(exchange, place / "b")["messages"] == 29
    verify(exchange, place / "b")


# ---- what clients see ----

def test_uidvalidity(fresh_exchange, place):
    exchange = fresh_exchange()
    with imap(exchange) as one:
        one.create("quiet")
    append(exchange, range(1, 6))
    append(exchange, range(1, 4), "quiet")
    was, quiet, texts = state(exchange), state(exchange, "quiet"), messages(exchange)
    backup(exchange, place / "b")
    exchange.stop()
    done = put_back(exchange, place / "b")
    assert "keep their UIDVALIDITY" in done.stdout
    exchange.start()
    assert state(exchange) == was and state(exchange, "quiet") == quiet and messages(exchange) == texts
    # UID 6 is given out, and must never be another message's.
    append(exchange, [7])
    lost = state(exchange)
    exchange.stop()
    last = put_back_json(exchange, place / "b")
    assert last["uidvalidity_raised"] == 1 and last["mailboxes"] == 3
    assert pathlib.Path(last["before"]).is_dir() and subjects(last["before"])[0][2] == 6
    exchange.start()
    now = state(exchange)
    assert now["UIDVALIDITY"] > lost["UIDVALIDITY"] and now["UIDNEXT"] >= lost["UIDNEXT"] and now["MESSAGES"] == 5
    assert state(exchange, "quiet") == quiet
    assert list(messages(exchange).values()) == list(texts.values())
    append(exchange, [8])
    assert state(exchange)["MESSAGES"] == 6
    assert FINE in exchange.run("verify").stdout
    # The folder is gone: nobody knows what was given out in any of them.
    latest = state(exchange)
    exchange.stop()
    shutil.rmtree(exchange.data)
    while time.time() < latest["UIDVALIDITY"] + 1:  # it is made of the time, in seconds
        time.sleep(0.1)
    last = put_back_json(exchange, place / "b")
    assert last["uidvalidity_raised"] == 3 and "before" not in last
    exchange.start()
    assert state(exchange)["UIDVALIDITY"] > latest["UIDVALIDITY"]
    assert state(exchange, "quiet")["UIDVALIDITY"] > quiet["UIDVALIDITY"]
    # And the backup goes on where it was.
    append(exchange, [9])
    done = backup(exchange, place / "b")
    assert done["messages"] == 9 and 26_000 < done["copied"] < 28_000
    verify(exchange, place / "b")


def test_replaced_is_damaged(fresh_exchange, place):
    """Nothing can be told from it: everything is raised, and it is kept."""
    exchange = fresh_exchange()
    append(exchange, range(1, 4))
    was = state(exchange)
    backup(exchange, place / "b")
    exchange.stop()
    database = exchange.data / "store.db"
    database.write_bytes(b"no database" * 1000)
    last = put_back_json(exchange, place / "b")
    assert last["uidvalidity_raised"] == last["mailboxes"] == 2
    assert pathlib.Path(last["before"], "store.db").read_bytes()[:11] == b"no database"
    exchange.start()
    assert state(exchange)["UIDVALIDITY"] > was["UIDVALIDITY"]


@needs_root
def test_mounted(fresh_exchange, place):
    """A file system of its own is filled when it is empty, and refused when it is not."""
    exchange = fresh_exchange(start=False)
    backup(exchange, place / "b")
    (place / "new").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", place / "new"], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (place / "new" / "lost+found").mkdir()
        for at in (40, 90):
            one = spawn(exchange, "restore", place / "b", "--data", place / "new",
                        environment=recorder(folder=place / "new", log=place / "log", die=at))
            one.communicate(timeout=60)
            assert one.returncode == -signal.SIGKILL
            assert (place / "new" / "restore.json").exists()
        put_back(exchange, place / "b", "--data", place / "new")
        assert sorted(p.name for p in (place / "new").iterdir() if p.name != "tls") == [
            "bodies", "lock", "lost+found", "store.db"]
        verify(exchange, place / "new")
        done = put_back(exchange, place / "b", "--data", place / "new", check=False)
        assert done.returncode == 3 and "a file system is mounted" in done.stderr
    finally:
        subprocess.run(["umount", place / "new"], check=True)


# ---- killed, and without power ----

def recorder(**more):
    library = build_folder() / "tests/power/power_recorder.so"
    if not library.exists():
        pytest.skip("no power_recorder.so: the build has none")
    asan = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
    return {**os.environ, "LD_PRELOAD": str(library), "ASAN_OPTIONS": asan,
            **{f"LETTERLOCK_RECORDER_{name.upper()}": str(value) for name, value in more.items()}}


def test_restore_killed(fresh_exchange, place):
    """At every fifth of its writes and names: the data folder is the old one or the new one, and it can be run again."""
    exchange = fresh_exchange()
    append(exchange, range(1, 4))
    backup(exchange, place / "b")
    append(exchange, [5])
    exchange.stop()
    old = subjects(exchange.data)
    keep = place / "keep"
    shutil.copytree(exchange.data, keep)
    seen = {"old": 0, "new": 0}
    at, ended = 1, False
    while not ended:
        assert at < 3000
        one = spawn(exchange, "restore", place / "b",
                    environment=recorder(folder=exchange.folder, log=place / "log", die=at))
        said = one.communicate(timeout=60)
        ended = one.returncode == 0
        assert one.returncode in (0, -signal.SIGKILL), said
        (place / "log").unlink()
        is_old = subjects(exchange.data) == old
        seen["old" if is_old else "new"] += 1
        assert is_old or subjects(exchange.data)[0][2] == 3
        verify(exchange, exchange.data)
        if not is_old:
            befores = [*exchange.folder.glob("data.before-*"), *exchange.folder.glob("data.restoring")]
            assert [subjects(b) == old for b in befores].count(True) == 1
        put_back(exchange, place / "b")
        assert subjects(exchange.data)[0][2] == 3 and not (exchange.data / "restore.json").exists()
        for left in exchange.folder.glob("data*"):
            shutil.rmtree(left)
        shutil.copytree(keep, exchange.data)
        at += 5
    print(f"killed {seen}")
    assert seen["old"] > 5 and seen["new"] > 0


def test_power(fresh_exchange, place):
    """What a power cut can leave of a backup's folder is a whole backup, the earlier or the new one, and is gone on with."""
    replay = build_folder() / "tests/power/power_replay"
    exchange = fresh_exchange()
    append(exchange, range(1, 12))
    append(exchange, [1], size=500_000)
    backup(exchange, place / "b")
    old = subjects(place / "b")
    append(exchange, range(20, 30))
    append(exchange, [2], size=400_000)
    with imap(exchange) as one:
        one.select("INBOX")
        one.store("3:12", "+FLAGS", r"(\Deleted)")
        one.expunge()
    shutil.copytree(place / "b", place / "image")
    environment = recorder(folder=place / "b", log=place / "log")
    if not replay.exists():
        pytest.skip("no power_replay: the build has none")
    assert spawn(exchange, "backup", place / "b", environment=environment).wait(60) == 0
    new = subjects(place / "b")
    assert new != old
    (place / "disks").mkdir()
    subprocess.run([replay, "--image", place / "image", "--seed", str(SEED), "--emit", "40", place / "log", place / "disks"],
                   check=True, timeout=120, capture_output=True)
    print(f"seed {SEED}")
    disks, seen = sorted(p.parent for p in (place / "disks").rglob("store.db")), {"old": 0, "new": 0}
    assert len(disks) >= 20
    for disk in disks:
        for folder in (disk, disk / "bodies"):
            folder.chmod(0o700)
        shutil.copytree(disk, place / "looked")
        verify(exchange, place / "looked")
        which = subjects(place / "looked")
        assert which in (old, new)
        seen["old" if which == old else "new"] += 1
        shutil.rmtree(place / "looked")
        shutil.copy(place / "b" / "backup.json", disk)
        backup(exchange, disk)
        verify(exchange, disk)
        assert subjects(disk) == new
    print(f"{len(disks)} disks: {seen}")
    assert seen["old"] > 0


# ---- whose it is ----

@needs_root
def test_root_for_another_user(fresh_exchange, place):
    exchange = fresh_exchange({"user": '"daemon"'}, accounts=(), start=False)
    exchange.folder.chmod(0o755)
    exchange.account_add(exchange.ALICE, exchange.PASSWORDS[exchange.ALICE])
    exchange.start()
    append(exchange, range(1, 5))
    append(exchange, [1], size=500_000)
    assert backup(exchange, place / "b")["online"]
    assert (place / "b").stat().st_uid == 0
    verify(exchange, place / "b")
    exchange.stop()
    assert not backup(exchange, place / "b")["online"]
    put_back(exchange, place / "b")
    uid = pwd.getpwnam("daemon").pw_uid
    for path in [exchange.data, *(exchange.data / "bodies").iterdir(), exchange.data / "store.db", exchange.data / "bodies"]:
        assert path.stat().st_uid == uid, path
    assert (exchange.data / "tls" / "key.pem").stat().st_uid == 0
    exchange.start()
    append(exchange, [6])
    assert state(exchange)["MESSAGES"] == 6
    assert FINE in exchange.run("verify").stdout


@needs_root
def test_ordinary_user(fresh_exchange, place):
    nobody = pwd.getpwnam("nobody")
    become = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
    exchange = fresh_exchange({"fronts": "1"}, accounts=(), start=False)
    for folder in (exchange.folder, place):
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def run(*words, **more):
        return subprocess.run([*become, exchange.daemon, *words, "--config", exchange.config], text=True,
                              capture_output=True, timeout=60, **more)

    done = run("account", "add", Exchange.ALICE, "--password-fd", "0", input=Exchange.PASSWORDS[Exchange.ALICE] + "\n")
    if "Permission denied" in done.stderr and "letterlockd" in done.stderr:
        pytest.skip("the build folder is not for other users")
    assert done.returncode == 0, done.stderr
    exchange.start(launcher=become)
    append(exchange, range(1, 5))
    done = run("backup", place / "b")
    assert done.returncode == 0, done.stderr
    (place / "locked").mkdir(mode=0o700)
    done = run("backup", place / "locked" / "b")
    assert done.returncode == 3 and "ermission" in done.stderr, done
    exchange.stop()
    done = run("restore", place / "b")
    assert done.returncode == 0, done.stderr
    exchange.start(launcher=become)
    assert state(exchange)["MESSAGES"] == 4
