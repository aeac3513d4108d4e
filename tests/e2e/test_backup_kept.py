# SPDX-License-Identifier: ISC
"""What a backup keeps of an earlier one is what the source has; and a backup that is only looked at stays as it is."""
import contextlib
import mailbox
import os
import pwd
import shutil
import sqlite3
import subprocess

import pytest

from conftest import ROOT
from test_backup import backup, needs_root, place, put_back, verify  # noqa: F401  (place is a fixture)

OLD = ROOT / "tests/data/store/schema-1.tar.xz"


def bring_in(exchange, folder, texts, **more):
    """Imports messages into alice's mailbox of the folder's name."""
    path = folder.with_suffix(".in")
    box = mailbox.mbox(path)
    for text in texts:
        box.add(text)
    box.close()
    done = exchange.run("account", "import", exchange.ALICE, path, "--mailbox", folder.name, **more)
    path.unlink()
    return done


def give_out(exchange, folder, *options):
    """All that alice has, as octets."""
    exchange.run("account", "export", exchange.ALICE, folder, *options)
    return b"".join(sorted(p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.parent.name in ("cur", "new")))


def letter(word, size=0):
    return f"Subject: letter\nFrom: a@example.net\n\n{word}\n" + "same\n" * (size // 5)


def copy_of(source, target):
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target)


# ---- a source that went back in time ----

@pytest.mark.parametrize("size", [0, 40_000, 1_500_000, 9_000_000])
def test_went_back(fresh_exchange, place, size):  # noqa: F811
    """Numbers and lengths are given out once more, to others."""
    exchange = fresh_exchange(start=False)
    bring_in(exchange, place / "Box", [letter("before", size)])
    copy_of(exchange.data, place / "earlier")
    bring_in(exchange, place / "Box", [letter("first", size)])
    backup(exchange, place / "b")
    copy_of(place / "earlier", exchange.data)
    bring_in(exchange, place / "Box", [letter("other", size)])
    done = backup(exchange, place / "b")
    assert done["messages"] == 2 and 0 < done["copied"] < done["octets"]
    verify(exchange, place / "b")
    there = give_out(exchange, place / "out", "--data", place / "b")
    assert b"before" in there and b"other" in there and b"first" not in there
    assert backup(exchange, place / "b")["copied"] == 0


@pytest.mark.parametrize("size", [0, 1_500_000])
def test_went_back_unfinished(fresh_exchange, place, size):  # noqa: F811
    """The same with what a backup left that was cut off."""
    exchange = fresh_exchange(start=False)
    bring_in(exchange, place / "Box", [letter("before", size)])
    copy_of(exchange.data, place / "earlier")
    bring_in(exchange, place / "Box", [letter("first", size)])
    backup(exchange, place / "b")
    (place / "b" / "store.db").unlink()
    copy_of(place / "earlier", exchange.data)
    bring_in(exchange, place / "Box", [letter("other", size)])
    done = backup(exchange, place / "b")
    assert 0 < done["copied"] < done["octets"]
    there = give_out(exchange, place / "out", "--data", place / "b")
    assert b"before" in there and b"other" in there and b"first" not in there


def old_store(folder):
    """A data folder of schema 1."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    subprocess.run(["tar", "-xf", OLD, "-C", folder], check=True)
    folder.chmod(0o700)
    return folder


def test_no_name(fresh_exchange, place):  # noqa: F811
    """Folders of schema 1 that were never upgraded have no names: one never replaces a backup of another."""
    exchange = fresh_exchange(accounts=(), start=False)
    old_store(exchange.data)
    backup(exchange, place / "b")
    done = backup(exchange, place / "b", check=False)
    assert done.returncode == 3 and "name another folder" in done.stderr
    (place / "b" / "store.db").unlink()
    assert backup(exchange, place / "b")["copied"] == 0


def test_damage_takes_nothing(fresh_exchange, place):  # noqa: F811
    """A source that is damaged later is no other: what was copied from it while it was whole stays."""
    exchange = fresh_exchange(start=False)
    bring_in(exchange, place / "Box", [letter("kept", 40_000)])
    backup(exchange, place / "b")
    segment = next((exchange.data / "bodies").glob("s*"))
    octets = bytearray(segment.read_bytes())
    octets[32 + 16384] ^= 1  # a checksum
    segment.write_bytes(octets)
    assert backup(exchange, place / "b")["copied"] == 0
    verify(exchange, place / "b")
    segment.unlink()
    assert backup(exchange, place / "b")["copied"] == 0
    verify(exchange, place / "b")


def test_files_gone_from_the_backup(fresh_exchange, place):  # noqa: F811
    """What it had in files of their own, and lost, comes again: of a source that is damaged meanwhile, as it is."""
    exchange = fresh_exchange(start=False)
    bring_in(exchange, place / "Box", [letter("one", 9_000_000), letter("two", 9_000_000), letter("three")])
    backup(exchange, place / "b")
    for file in (place / "b" / "bodies").glob("b*"):
        file.unlink()
    first = min((exchange.data / "bodies").glob("b*"))
    with open(first, "r+b") as f:
        f.seek(-20, os.SEEK_END)
        f.write(b"?")
    done = exchange.run("backup", place / "b", check=False)
    assert done.returncode == 1 and done.stderr.count("UID 1 in 'Box'") == 1, done
    done = exchange.run("verify", "--data", place / "b", check=False)
    assert done.returncode == 1 and "1 findings" in done.stdout and "UID 1 in 'Box'" in done.stdout


# ---- looked at ----

def whole(folder):
    """All names in it, with what they hold."""
    return {str(p.relative_to(folder)): (p.stat().st_mode, p.read_bytes() if p.is_file() else None)
            for p in sorted(folder.rglob("*"))}


def look(exchange, folder):
    """Every way there is."""
    verify(exchange, folder)
    assert exchange.run("account", "list", "--data", folder).stdout.count("@") == 2
    assert "is in order" in exchange.run("check", "--offline", "--data", folder).stdout
    out = folder.parent / "given"
    assert b"letter" in give_out(exchange, out, "--data", folder)
    shutil.rmtree(out)


def test_looked_at(fresh_exchange, place):  # noqa: F811
    """Nothing in it changes; what would change it is refused."""
    exchange = fresh_exchange(start=False)
    bring_in(exchange, place / "Box", [letter("one"), letter("two", 1_500_000)])
    folder = place / "b%20?x#y"
    backup(exchange, folder)
    with contextlib.closing(sqlite3.connect(folder / "store.db")) as db:  # as an earlier program's verify left it
        assert db.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    assert not (folder / "store.db-wal").exists()
    before = whole(folder)
    look(exchange, folder)
    exchange.start()
    look(exchange, folder)
    for words in [("add", "carol@example.org"), ("remove", exchange.ALICE), ("password", exchange.ALICE),
                  ("rename", exchange.ALICE, "carol@example.org"), ("import", exchange.ALICE, place / "none")]:
        done = exchange.run("account", *words, "--data", folder, check=False)
        assert done.returncode == 3 and "is a backup, which is only looked at" in done.stderr, (words, done)
    assert whole(folder) == before
    assert backup(exchange, folder)["copied"] == 0


def test_looked_at_between(fresh_exchange, place):  # noqa: F811
    """Beside a whole one, what a later one left that was cut off is not lost, and is no finding."""
    exchange = fresh_exchange(start=False)
    bring_in(exchange, place / "Box", [letter("one")])
    backup(exchange, place / "b")
    copy_of(place / "b", place / "first")
    bring_in(exchange, place / "Box", [letter("two", 40_000), letter("three", 1_500_000)])
    backup(exchange, place / "b")
    (place / "b" / "store.db").rename(place / "b" / "store.db.partial")
    shutil.copy(place / "first" / "store.db", place / "b")
    before = whole(place / "b")
    look(exchange, place / "b")
    assert whole(place / "b") == before
    done = backup(exchange, place / "b")
    assert done["messages"] == 3 and done["copied"] == 0
    verify(exchange, place / "b")


def test_looked_at_earlier_program(fresh_exchange, place):  # noqa: F811
    """A backup of before an upgrade stays what the earlier program can restore."""
    exchange = fresh_exchange(accounts=(), start=False)
    old_store(exchange.data)
    backup(exchange, place / "b")
    before = whole(place / "b")
    for words in (("verify",), ("account", "list")):
        done = exchange.run(*words, "--data", place / "b", check=False)
        assert done.returncode == 3 and "is of an earlier program" in done.stderr, done
    assert whole(place / "b") == before
    put_back(exchange, place / "b", "--data", place / "new")
    verify(exchange, place / "new")
    assert whole(place / "b") == before


# ---- disks ----

@needs_root
def test_read_only(fresh_exchange, place):  # noqa: F811
    """A medium that nobody can write: looked at, restored, and a source."""
    exchange = fresh_exchange(start=False)
    bring_in(exchange, place / "Box", [letter("one"), letter("two", 1_500_000)])
    backup(exchange, place / "b")
    (place / "medium").mkdir()
    if subprocess.run(["mount", "--bind", place / "b", place / "medium"], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place / "medium"], check=True)
        with pytest.raises(OSError):
            (place / "medium" / "lock").touch()
        before = whole(place / "b")
        look(exchange, place / "medium")
        assert put_back(exchange, place / "medium", "--data", place / "new").returncode == 0
        verify(exchange, place / "new")
        exchange.run("backup", place / "again", "--data", place / "medium")
        verify(exchange, place / "again")
        done = exchange.run("backup", place / "medium", check=False)
        assert done.returncode == 3 and "Read-only file system" in done.stderr
        assert whole(place / "b") == before
    finally:
        subprocess.run(["umount", place / "medium"], check=True)


@needs_root
def test_first_one_has_no_room(fresh_exchange, place):  # noqa: F811
    """A disk that is full from the beginning, then has room: what is wrong is said, and the folder is not refused."""
    exchange = fresh_exchange(start=False)
    bring_in(exchange, place / "Box", [letter("one", 200_000), letter("two", 1_500_000)])
    (place / "disk").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=4,mode=700", "tmpfs", place / "disk"],
                      check=False).returncode:
        pytest.skip("nothing can be mounted here")

    def remount(options):
        subprocess.run(["mount", "-o", f"remount,{options}", place / "disk"], check=True)

    folder = place / "disk" / "b"
    try:
        done = backup(exchange, folder, check=False)
        assert done.returncode == 3 and f"no room for the backup '{folder}'; make room" in done.stderr, done
        assert sorted(p.name for p in folder.iterdir()) == ["bodies", "lock"]
        remount("size=1m,nr_inodes=100")
        done = backup(exchange, folder, check=False)
        assert done.returncode == 3 and f"no room for the backup '{folder}'; make room" in done.stderr, done
        remount("size=8m")
        backup(exchange, folder)
        verify(exchange, folder)
    finally:
        subprocess.run(["umount", place / "disk"], check=True)
    # But mail that is there without a mark is somebody's.
    (place / "mail" / "bodies").mkdir(mode=0o700, parents=True)
    (place / "mail").chmod(0o700)
    (place / "mail" / "bodies" / "s00000001").touch()
    done = backup(exchange, place / "mail", check=False)
    assert done.returncode == 3 and "is not empty and is no backup" in done.stderr


def test_link(fresh_exchange, place):  # noqa: F811
    exchange = fresh_exchange(start=False)
    backup(exchange, place / "b")
    (place / "link").symlink_to(place / "b")
    done = backup(exchange, place / "link", check=False)
    assert done.returncode == 2 and "is a symbolic link; name the folder" in done.stderr


@needs_root
def test_key_of_root(fresh_exchange, place):  # noqa: F811
    """The data folder's user cannot read the key that root's server made: that is said first, and what to do."""
    exchange = fresh_exchange({"user": '"nobody"'}, accounts=(), start=False)
    exchange.folder.chmod(0o755)
    exchange.account_add(exchange.ALICE, exchange.PASSWORDS[exchange.ALICE])
    exchange.start()
    exchange.stop()
    assert (exchange.data / "tls" / "key.pem").stat().st_uid == 0
    nobody = pwd.getpwnam("nobody")
    place.chmod(0o755)
    (place / "for").mkdir(mode=0o700)
    os.chown(place / "for", nobody.pw_uid, nobody.pw_gid)
    daemon = shutil.copy(exchange.daemon, place)  # the build folder is perhaps not for others
    config = place / "letterlockd.conf"
    config.write_text(exchange.config.read_text())
    done = subprocess.run(["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", daemon,
                           "backup", place / "for" / "b", "--config", config],
                          text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 3 and "key.pem' cannot be read by this user" in done.stderr, done
    assert "run letterlockd backup as root" in done.stderr and not (place / "for" / "b").exists()
    backup(exchange, place / "for" / "b")
