# SPDX-License-Identifier: ISC
"""letterlockd verify: in the running server and on a folder that nobody serves, healthy and damaged."""
import imaplib
import json
import pathlib
import sqlite3

from processes import Processes, alive, eventually


def deliver(exchange, count=5):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
        imap.login(exchange.ALICE, exchange.password(exchange.ALICE))
        for i in range(count):
            text = f"Subject: letter {i}\r\n\r\n".encode() + b"x" * (i * 3000) + b"\r\n"
            assert imap.append("INBOX", r"(\Seen)", None, text)[0] == "OK"


def test_healthy(fresh_exchange):
    exchange = fresh_exchange()
    deliver(exchange)
    for _ in range(2):  # served, then not
        done = exchange.run("verify")
        assert "5 messages" in done.stdout and "Everything is as it must be" in done.stdout
        last = json.loads(exchange.run("verify", "--json").stdout.splitlines()[-1])
        assert last["findings"] == 0 and last["octets_read"] > 30000
        exchange.stop()
    exchange.start()
    mail = Processes(exchange).one("mail")
    exchange.kill()
    eventually(lambda: not alive(mail))  # it ends when its parent is gone, and until then it answers
    assert "Everything is as it must be" in exchange.run("verify").stdout
    assert exchange.run("verify", "more", check=False).returncode == 2


def test_damaged(fresh_exchange):
    exchange = fresh_exchange()
    deliver(exchange)
    exchange.stop()
    segment = next(pathlib.Path(exchange.data, "bodies").glob("s*"))
    octets = bytearray(segment.read_bytes())
    octets[-20] ^= 1
    segment.write_bytes(octets)
    with sqlite3.connect(exchange.data / "store.db") as db:
        db.execute("UPDATE mailboxes SET messages = 6 WHERE mailbox = 1")
    db.close()
    for start in (False, True):
        if start:
            exchange.start()
        done = exchange.run("verify", check=False)
        assert done.returncode == 1
        assert "mailbox 1 of account 1 counts 6 messages" in done.stdout
        assert "UID 5 in 'INBOX' of alice@example.org" in done.stdout and "To do: " in done.stdout
        lines = [json.loads(line) for line in exchange.run("verify", "--json", check=False).stdout.splitlines()]
        assert [line.get("part") for line in lines] == ["accounts", "mailboxes", "octets", None]
        assert lines[-1]["findings"] == 3


def test_cannot(fresh_exchange):
    exchange = fresh_exchange(start=False)
    (exchange.data / "store.db").write_bytes(b"no database" * 1000)
    done = exchange.run("verify", check=False)
    assert done.returncode == 3 and done.stderr.startswith("letterlockd: ")


def test_rename_and_remove(fresh_exchange):
    exchange = fresh_exchange()
    deliver(exchange)
    said = exchange.run("account", "rename", exchange.ALICE, "smith@example.org").stdout
    assert said.startswith("alice@example.org is smith@example.org now")
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
        imap.login("smith@example.org", exchange.password(exchange.ALICE))
        assert imap.select("INBOX")[1] == [b"5"]
    assert exchange.run("account", "rename", exchange.ALICE, "x@example.org", check=False).returncode == 1
    assert exchange.run("account", "rename", "smith@example.org", exchange.BOB, check=False).returncode == 1
    assert exchange.run("account", "rename", "smith@example.org", check=False).returncode == 2
    assert "Everything is as it must be" in exchange.run("verify").stdout
    exchange.run("alias", "add", "postmaster@example.org", exchange.BOB)  # who reads that is not removed
    exchange.run("account", "remove", "smith@example.org")
    last = json.loads(exchange.run("verify", "--json").stdout.splitlines()[-1])
    assert last["findings"] == 0 and last["messages"] == last["bodies"] == last["octets_read"] == 0
