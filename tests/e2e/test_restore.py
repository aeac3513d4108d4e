# SPDX-License-Identifier: ISC
"""letterlockd restore, killed more than once, with another backup, by root for another user, and from what is read-only."""
import fcntl
import os
import pwd
import re
import shutil
import signal
import ssl
import subprocess

import pytest

from conftest import Exchange
from test_backup import append, backup, imap, needs_root, place, put_back, recorder, spawn, subjects, verify

__all__ = ["place"]


def killed(exchange, place, folder, at, verb="restore"):
    """A restore (or backup) that is killed at its at-th write or name; whether there was such a one."""
    written = exchange.folder if verb == "restore" else folder
    one = spawn(exchange, verb, folder, environment=recorder(folder=written, log=place / "log", die=at))
    said = one.communicate(timeout=60)
    (place / "log").unlink()
    assert one.returncode in (0, -signal.SIGKILL), said
    return one.returncode != 0


def test_killed_twice(fresh_exchange, place):
    """The first leaves its mark in the new data folder; the second is killed behind the exchange: mail of between stays."""
    exchange = fresh_exchange()
    append(exchange, range(1, 4))
    backup(exchange, place / "b")
    exchange.stop()
    keep = place / "keep"
    shutil.copytree(exchange.data, keep)

    def anew(kept):
        for left in exchange.folder.glob("data*"):
            shutil.rmtree(left)
        shutil.copytree(kept, exchange.data)

    last = 1
    while killed(exchange, place, place / "b", last):
        anew(keep)
        last += 10
    anew(keep)
    for at in range(last, 0, -1):
        if killed(exchange, place, place / "b", at) and (exchange.data / "restore.json").exists() and not (
                exchange.folder / "data.restoring").exists():
            break
        anew(keep)
    mark = (exchange.data / "restore.json").read_bytes()
    exchange.start()
    assert not (exchange.data / "restore.json").exists()
    append(exchange, [5])
    exchange.stop()
    (exchange.data / "restore.json").write_bytes(mark)  # as one of before left it, which did not know of it
    old = subjects(exchange.data)
    for left in exchange.folder.glob("data.*"):
        shutil.rmtree(left)
    marked = place / "marked"
    shutil.copytree(exchange.data, marked)
    assert old[0][2] == 4

    behind = 0
    for at in range(last - 25, last + 1):
        killed(exchange, place, place / "b", at)
        behind += (exchange.folder / "data.restoring" / "store.db-wal").exists() or subjects(exchange.data) != old
        put_back(exchange, place / "b")
        befores = [*exchange.folder.glob("data.before-*")]
        kept = [b for b in befores if subjects(b) == old]
        assert len(kept) == 1, (at, befores)
        assert not (exchange.data / "restore.json").exists() and not (exchange.folder / "data.restoring").exists()
        (kept[0] / "restore.json").unlink(missing_ok=True)
        verify(exchange, kept[0])
        assert subjects(exchange.data)[0][2] == 3
        anew(marked)
    assert behind > 3


def letters(exchange, folder):
    """First lines of all messages in a folder that nobody serves, sorted."""
    out = exchange.folder / "exported"
    exchange.run("account", "export", exchange.ALICE, out, "--data", folder)
    lines = sorted(f.read_text().splitlines()[0] for f in out.rglob("cur/*"))
    shutil.rmtree(out)
    return lines


def filled(fresh_exchange, name):
    exchange = fresh_exchange(accounts=(Exchange.ALICE,))
    for i in range(1, 4):
        append_text(exchange, f"Subject: letter {i} of {name}\r\n\r\n".encode() + b"x" * i * 2999 + b"\r\n")
    append_text(exchange, f"Subject: long letter of {name}\r\n\r\n".encode() + b"x" * 500_000 + b"\r\n")
    exchange.stop()
    return exchange


def append_text(exchange, text):
    with imap(exchange) as one:
        assert one.append("INBOX", None, None, text)[0] == "OK"


def test_another_backup(fresh_exchange, place):
    """Killed, and then run with the backup of another store, whose bodies have the same numbers and lengths."""
    one, two = filled(fresh_exchange, "one"), filled(fresh_exchange, "two")
    for exchange, name in ((one, "b1"), (two, "b2")):
        backup(exchange, place / name)
        exchange.texts = letters(exchange, place / name)
    assert len(one.texts) == len(two.texts) == 4 and not set(one.texts) & set(two.texts)
    shutil.rmtree(place / "b2" / "tls")
    exchange = fresh_exchange(start=False, accounts=())
    made = exchange.folder / "data.restoring"
    seen, at = 0, 1
    while killed(exchange, place, place / "b1", at):
        seen += made.exists() and any((made / "bodies").glob("s*"))
        put_back(exchange, place / "b2")
        assert letters(exchange, exchange.data) == two.texts, at
        assert not (exchange.data / "tls").exists()
        verify(exchange, exchange.data)
        for left in exchange.folder.glob("data*"):
            shutil.rmtree(left)
        at += 7
    assert seen > 3


def test_begun_is_told_from_replaced(fresh_exchange, place):
    """Killed before it has its mark, the folder of a restore is no data folder of before it."""
    exchange = fresh_exchange(start=False)
    backup(exchange, place / "b")
    made = exchange.folder / "data.restoring"
    made.mkdir(mode=0o700)
    (made / "lock").touch()
    (made / ".letterlock-x7Tq2a").write_text("{")
    done = put_back(exchange, place / "b")
    assert done.stderr == "" and len([*exchange.folder.glob("data.before-*")]) == 1 and not made.exists()


def test_same_backup_goes_on(fresh_exchange, place):
    """What was copied of this backup already is not copied again."""
    exchange = fresh_exchange()
    append(exchange, range(1, 10))
    backup(exchange, place / "b")
    exchange.stop()
    made = exchange.folder / "data.restoring"
    at, first = 1, None
    while killed(exchange, place, place / "b", at):
        segments = [*(made / "bodies").glob("s*")] if made.exists() else []
        if segments and segments[0].stat().st_size > 100_000:
            first = segments[0]
            break
        shutil.rmtree(made, ignore_errors=True)  # what an earlier one left would be more to do before the same point
        at += 1
    inode = first.stat().st_ino
    put_back(exchange, place / "b")
    assert (exchange.data / "bodies" / first.name).stat().st_ino == inode
    verify(exchange, exchange.data)


@pytest.fixture
def for_daemon(fresh_exchange, place):
    """An exchange that root starts for the user `daemon`, and a backup of it."""
    exchange = fresh_exchange({"user": '"daemon"'}, accounts=(), start=False)
    exchange.folder.chmod(0o755)
    exchange.account_add(exchange.ALICE, exchange.PASSWORDS[exchange.ALICE])
    exchange.start()
    append(exchange, range(1, 4))
    append(exchange, [1], size=500_000)
    exchange.stop()
    backup(exchange, place / "b")
    return exchange


@needs_root
def test_given_away(for_daemon, place):
    """Cut off when it has been given to the server's user, who then puts something else in it: root touches nothing of that."""
    exchange = for_daemon
    user = pwd.getpwnam("daemon")
    foreign = place / "foreign"
    foreign.mkdir()
    (foreign / "shadow").write_text("secret")
    made = exchange.folder / "data.restoring"
    at, given = 1, 0
    while killed(exchange, place, place / "b", at):
        if (made / "store.db").exists() and (made / "restore.json").exists():
            given += 1
            (made / "bodies").rename(made / "kept")
            (made / "bodies").symlink_to(foreign)
            shutil.rmtree(made / "tls")
            (made / "tls").symlink_to(foreign)
            (made / "store.db").unlink()
            (made / "store.db").symlink_to(foreign / "shadow")
            os.chown(made, user.pw_uid, user.pw_gid)
        put_back(exchange, place / "b")
        assert [*foreign.iterdir()] == [foreign / "shadow"] and (foreign / "shadow").read_text() == "secret"
        assert (foreign / "shadow").stat().st_uid == foreign.stat().st_uid == 0
        assert sorted(p.name for p in exchange.data.iterdir()) == ["bodies", "lock", "store.db", "tls"]
        assert not (exchange.data / "bodies").is_symlink() and exchange.data.stat().st_uid == user.pw_uid
        verify(exchange, exchange.data)
        for left in exchange.folder.glob("data.*"):
            shutil.rmtree(left)
        at += 5
    assert given > 0


@needs_root
def test_given_from_the_inside_out(for_daemon, place):
    """The folder itself goes last: until then its new owner cannot put anything in the place of what is still to be given."""
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # which a process that is traced cannot look for
    command = ["strace", "-y", "-e", "trace=/.*chown.*", "-o", place / "calls", for_daemon.daemon, "restore", place / "b",
               "--config", for_daemon.config]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    calls = re.findall(r"^\w*chown\w*\(\d+<.*/data\.restoring(.*)>, \d+, \d+\) += 0$", (place / "calls").read_text(), re.M)
    given = calls[-6:]
    assert all(name.startswith("/bodies/") for name in given[:2])
    assert given[2:] == ["/bodies", "/store.db", "/lock", ""]


# ---- key and certificate ----

def tls(folder):
    """The files of its tls/, or None; they belong together."""
    there = folder / "tls"
    if not there.exists():
        return None
    files = {f.name: f.read_bytes() for f in there.iterdir() if not f.name.startswith(".letterlock-")}
    if "key.pem" in files:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(there / "certificate.pem", there / "key.pem")
    return files


def test_key_and_certificate_change_together(fresh_exchange, place):
    """A backup that is whole has one pair or the other at every moment, and none when there is none any more."""
    exchange = fresh_exchange()
    exchange.stop()
    backup(exchange, place / "b")
    old = tls(place / "b")
    shutil.rmtree(exchange.data / "tls")
    exchange.start()
    exchange.stop()
    new = tls(exchange.data)
    assert sorted(old) == ["certificate.pem", "key.pem"] and not set(old.values()) & set(new.values())
    keep = place / "keep"
    shutil.copytree(place / "b", keep)
    for want in (new, None):
        if want is None:
            shutil.rmtree(exchange.data / "tls")
        seen, at, ended = [], 1, False
        while not ended:
            ended = not killed(exchange, place, place / "b", at, "backup")
            seen.append(tls(place / "b"))
            assert seen[-1] in (old, want), at
            assert (place / "b" / "store.db").exists()
            if ended or at % 5 == 0:
                backup(exchange, place / "b")
                assert tls(place / "b") == want and not [*(place / "b").glob("tls.*")]
            shutil.rmtree(place / "b")
            shutil.copytree(keep, place / "b")
            at += 1
        assert seen.count(old) > 3 and seen.count(want) > 3


# ---- in place ----

@needs_root
def test_mail_since(fresh_exchange, place):
    """A restore right into a mounted folder that was cut off at its end: what came since is not pruned by another one."""
    exchange = fresh_exchange()
    append(exchange, range(1, 4))
    backup(exchange, place / "b")
    exchange.stop()
    for left in exchange.folder.glob("data*"):
        shutil.rmtree(left)
    exchange.data.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", exchange.data], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        at, half = 1, 0
        while killed(exchange, place, place / "b", at) and not (exchange.data / "store.db").exists():
            if (exchange.data / "restore.json").exists():
                done = exchange.run("account", "list", check=False)
                assert done.returncode == 3 and "was cut off; run letterlockd restore again" in done.stderr, done
                half += 1
            at += 9
        assert half > 1
        assert (exchange.data / "restore.json").exists()
        exchange.start()
        append(exchange, [5])
        exchange.stop()
        done = put_back(exchange, place / "b", check=False)
        assert done.returncode == 3 and "a file system is mounted" in done.stderr
        assert subjects(exchange.data)[0][2] == 4
        verify(exchange, exchange.data)
    finally:
        subprocess.run(["umount", exchange.data], check=True)


# ---- what is read-only ----

@needs_root
@pytest.mark.parametrize("without", [(), ("lock",)])
def test_read_only(fresh_exchange, place, without):
    exchange = fresh_exchange()
    append(exchange, range(1, 4))
    append(exchange, [1], size=500_000)
    backup(exchange, place / "b")
    exchange.stop()
    for name in without:
        (place / "b" / name).unlink()
    was = subjects(place / "b")
    (place / "read-only").mkdir()
    if subprocess.run(["mount", "--bind", place / "b", place / "read-only"], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place / "read-only"], check=True)
        put_back(exchange, place / "read-only")
        assert subjects(exchange.data) == was
        verify(exchange, exchange.data)
        if not without:
            with open(place / "b" / "lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                done = put_back(exchange, place / "read-only", check=False)
                assert done.returncode == 3 and "in use by another process" in done.stderr
    finally:
        subprocess.run(["umount", place / "read-only"], check=True)
