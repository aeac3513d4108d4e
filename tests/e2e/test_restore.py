# SPDX-License-Identifier: ISC
"""letterlockd restore, killed more than once, with another backup, by root for another user, and from what is read-only."""
import shutil
import signal

from conftest import Exchange
from test_backup import append, backup, place, put_back, recorder, spawn, subjects, verify

__all__ = ["place"]


def killed(exchange, place, folder, at):
    """A restore that is killed at its at-th write or name; whether there was such a one."""
    one = spawn(exchange, "restore", folder, environment=recorder(folder=exchange.folder, log=place / "log", die=at))
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
    exchange.start()
    append(exchange, [5])
    exchange.stop()
    old = subjects(exchange.data)
    for left in exchange.folder.glob("data.*"):
        shutil.rmtree(left)
    marked = place / "marked"
    shutil.copytree(exchange.data, marked)
    assert (marked / "restore.json").exists() and old[0][2] == 4

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
