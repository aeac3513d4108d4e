# SPDX-License-Identifier: ISC
"""letterlockd status: what the running server says of itself, and its exit status for a monitor."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

from processes import STATUS, STORE, Processes, Wire, eventually, frame
from test_processes import send


def status(exchange, *words):
    done = exchange.run("status", *words, check=False)
    return done.returncode, done.stdout, done.stderr


def as_json(exchange):
    code, out, _ = status(exchange, "--json")
    return code, json.loads(out)


def certificate(folder, days):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    str(days), "-subj", "/CN=localhost", "-out", folder / "c.pem", "-keyout", folder / "k.pem"],
                   check=True, capture_output=True)
    return {"tls_certificate": f'"{folder}/c.pem"', "tls_key": f'"{folder}/k.pem"'}


def test_what_it_says(fresh_exchange):
    exchange = fresh_exchange({"fronts": "2"})
    of = Processes(exchange)
    send(exchange, "one")
    with exchange.connect("imap") as s:
        assert s.recv(100)
        code, said = as_json(exchange)
        words = status(exchange)[1]
    assert code == 0 and said["warnings"] == []
    assert said["running"] is True and re.fullmatch(r"[\w.+-]+", said["version"])
    assert 0 <= time.time() - said["started"] < 300
    assert {(p["name"], p["pid"]) for p in said["processes"] if not p["name"].startswith("front")} == {
        (kind, of.one(kind)) for kind in ("parent", "mail", "auth", "resolver", "keys", "relay", "mx", "web")}
    assert {p["pid"] for p in said["processes"] if p["name"].startswith("front")} == set(of.all("front"))
    assert all(p["starts"] == 1 and p["started"] >= said["started"] for p in said["processes"])
    assert said["connections"]["imap"] == 1 and said["connections"]["smtp"] == 0
    assert (said["accounts"], said["messages"], said["messages_received"]) == (2, 1, 1) and said["octets"] > 0
    assert 0 < said["disk_free"] <= said["disk_size"] and said["last_backup"] == 0
    assert said["certificate_ends"] > time.time()
    assert "has been running since" in words and f" {of.one('mail')} " in words and "imap 1" in words
    assert "accounts 2, messages 1" in words and "WARNING" not in words
    eventually(lambda: all(p["memory"] > 1 << 20 for p in as_json(exchange)[1]["processes"]), 15)


def test_not_running(tmp_path):
    from conftest import Exchange
    exchange = Exchange(tmp_path, accounts=())
    code, out, error = status(exchange)
    assert code == 3 and out == "" and "no letterlockd runs" in error
    code, said = as_json(exchange)
    assert code == 3 and said == {"running": False}
    assert exchange.run("status", "please", check=False).returncode == 2


@pytest.mark.parametrize("days,warned", [(5, True), (13, True), (60, False)])
def test_the_certificates_end(fresh_exchange, tmp_path, days, warned):
    exchange = fresh_exchange(certificate(tmp_path, days), accounts=())
    code, out, _ = status(exchange)
    said = re.search(r"WARNING: The TLS certificate ends in (\d+) days", out)
    assert code == (1 if warned else 0) and bool(said) == warned, out
    assert not warned or int(said.group(1)) in (days - 1, days)


def test_a_process_that_was_started_anew_or_is_not_there(fresh_exchange):
    exchange = fresh_exchange({"fronts": "1"}, accounts=())
    of = Processes(exchange)
    of.fronts = 1
    of.kill(of.one("mx"))
    eventually(lambda: of.all("mx"))
    eventually(lambda: "The process mx was started 2 times" in status(exchange)[1])
    assert status(exchange)[0] == 1
    # Without the starter nobody starts the resolver again.
    of.kill(of.one("starter"))
    eventually(lambda: "The process resolver is not there" in status(exchange)[1])


def test_a_refused_configuration(fresh_exchange):
    exchange = fresh_exchange(accounts=())
    right = exchange.config.read_text()
    exchange.config.write_text(right + "nonsense = 1\n")
    exchange.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    exchange.config.write_text(right)
    eventually(lambda: "The configuration was refused" in status(exchange)[1])
    assert as_json(exchange)[1]["configuration_taken"] is False
    exchange.process.send_signal(signal.SIGHUP)
    eventually(lambda: status(exchange)[0] == 0)


def test_the_last_backup(fresh_exchange, tmp_path):
    exchange = fresh_exchange()
    exchange.run("backup", tmp_path / "b")
    eventually(lambda: time.time() - as_json(exchange)[1]["last_backup"] < 60, 15)
    assert status(exchange)[0] == 0
    old = time.time() - 9 * 86400
    os.utime(exchange.data / "last-backup", (old, old))
    eventually(lambda: "WARNING: The last backup is 9 days old." in status(exchange)[1], 15)
    # Not a part of what is kept: a verification, another backup and a restore have nothing against it.
    exchange.run("verify")
    exchange.run("backup", tmp_path / "b")
    eventually(lambda: status(exchange)[0] == 0, 15)


# CVE-2025-62875: a bad message on a control socket must never stop the daemon.
NONSENSE = {
    "no octets": b"",
    "half a frame": b"\0\0",
    "a large frame": struct.pack(">I", 0xffffffff),
    "a frame that is too long": frame(STATUS, 1, b"\0" * (1 << 20)),
    "no body": frame(STATUS, 1, b""),
    "more body": frame(STATUS, 1, b"\0" * 999),
    "the number of an answer": frame(STATUS | 0x8000, 1, b"\0"),
    "the next number": frame(STATUS + 1, 1, b"\0"),
    "ticket 0": frame(STATUS, 0, b"\0"),
    "many at once": frame(STATUS, 1, b"\0") * 5000,
    "one ticket twice": frame(STATUS, 7, b"\0") * 2,
    "between others": frame(STORE["info"], 1, b"\0") + frame(STATUS, 2, b"\0") + frame(STORE["append"], 3, b"") + b"\xff" * 64,
}


@pytest.mark.parametrize("what", NONSENSE)
def test_pitfall_server_10_nonsense_on_the_control_socket_stops_nothing(exchange, what):
    before = Processes(exchange).everyone()
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(exchange.data / "control.sock"))
            s.settimeout(5)
            try:
                s.sendall(NONSENSE[what])
                s.shutdown(socket.SHUT_WR)
                while s.recv(1 << 16):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert Processes(exchange).everyone() == before and exchange.process.poll() is None
    assert as_json(exchange)[1]["running"] is True


def test_one_that_asks_and_does_not_read_holds_up_nobody(exchange):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(exchange.data / "control.sock"))
        s.setblocking(False)
        try:
            for ticket in range(1, 20000):
                s.sendall(frame(STATUS, ticket, b"\0"))
        except BlockingIOError:
            pass
        started = time.monotonic()
        assert as_json(exchange)[0] in (0, 1)
        assert time.monotonic() - started < 5
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(exchange.data / "control.sock"))
        wire = Wire(s.detach())
    code, body = wire.ask(STATUS, b"\0")
    wire.close()
    assert code is None and b"letterlock_build_info" in body
