# SPDX-License-Identifier: ISC
"""A new certificate, a new configuration and a new log file while it runs: what is open goes on, what is wrong changes nothing."""
import contextlib
import os
import pathlib
import signal
import socket
import ssl
import subprocess

import pytest

from processes import Processes, eventually
from test_processes import Talk, send


def make_certificate(folder, name):
    """(certificate, key) as files, for localhost."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    "30", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-out", certificate,
                    "-keyout", key], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def served(fresh_exchange, tmp_path):
    """A server with certificate "old" in files of ours, and `put` that replaces both files."""
    made = {name: make_certificate(tmp_path, name) for name in ("old", "new")}
    certificate, key = tmp_path / "used.pem", tmp_path / "used.key"

    def put(name, key_of=None):
        certificate.write_bytes(made[name][0].read_bytes())
        key.write_bytes(made[key_of or name][1].read_bytes())

    put("old")
    exchange = fresh_exchange({"fronts": "2", "tls_certificate": f'"{certificate}"', "tls_key": f'"{key}"',
                               "log_file": f'"{tmp_path}/own.log"'})
    context = ssl.create_default_context()
    for files in made.values():
        context.load_verify_locations(files[0])
    exchange.tls = lambda: context
    exchange.put, exchange.made, exchange.own_log = put, made, tmp_path / "own.log"
    return exchange


def reload(exchange, result="daemon.reloaded"):
    before = exchange.own_log.read_text().count(result) if exchange.own_log.exists() else 0
    exchange.process.send_signal(signal.SIGHUP)
    eventually(lambda: exchange.own_log.exists() and exchange.own_log.read_text().count(result) > before, 10)


def change(exchange, **settings):
    """Settings that the file has already are replaced."""
    lines = [line for line in exchange.config.read_text().splitlines() if line.split(" =")[0] not in settings]
    exchange.config.write_text("\n".join(lines + [f"{k} = {v}" for k, v in settings.items()]) + "\n")


def shown(exchange, port="imaps"):
    """The names of the certificates that new connections see, on whichever front they come."""
    found = set()
    for _ in range(6):
        with exchange.connect(port, tls=True) as s:
            der = s.getpeercert(binary_form=True)
        found |= {name for name, files in exchange.made.items()
                  if ssl.PEM_cert_to_DER_cert(files[0].read_text()) == der}
    return found


def test_a_new_certificate_is_shown_to_new_connections_only(served):
    """IMAP in IDLE and SMTP in the middle of DATA go on under the old one."""
    of = Processes(served)
    before = of.everyone()
    imap = Talk(of, "imaps", tls=True)
    imap.hear(b"* OK")
    assert imap.say(b'a LOGIN %s "%s"\r\n' % (served.ALICE.encode(), served.password(served.ALICE).encode()), b"a OK")
    assert imap.say(b"b SELECT INBOX\r\n", b"b OK")
    assert imap.say(b"c IDLE\r\n", b"+ ")
    smtp = Talk(of, "smtp")
    assert smtp.hear(b"220 ") and smtp.say(b"EHLO client.example.net\r\n", b"250 ") and smtp.say(b"STARTTLS\r\n", b"220 ")
    smtp.file.close()
    smtp.socket = served.tls().wrap_socket(smtp.socket, server_hostname="localhost")
    smtp.file = smtp.socket.makefile("rb")
    assert smtp.say(b"EHLO client.example.net\r\n", b"250 ") and smtp.say(b"MAIL FROM:<carol@example.net>\r\n", b"250 ")
    assert smtp.say(b"RCPT TO:<alice@example.org>\r\n", b"250 ") and smtp.say(b"DATA\r\n", b"354 ")
    smtp.socket.sendall(b"Subject: over a change\r\n\r\nfirst half\r\n")
    assert shown(served) == {"old"}
    served.put("new")
    reload(served)
    eventually(lambda: shown(served) == {"new"}, 5)
    assert smtp.say(b"second half\r\n.\r\n", b"250 ")
    assert imap.hear(b"* 1 EXISTS")
    assert imap.say(b"DONE\r\n", b"c OK") and imap.say(b"d FETCH 1 BODY[TEXT]\r\n", b"d OK")
    imap.close()
    smtp.close()
    assert of.everyone() == before
    # A process that is started anew has the new one too.
    of.kill(of.all("front")[0])
    of.fronts = 2
    eventually(lambda: len(of.all("front")) == 2)
    assert shown(served) == {"new"}


@pytest.mark.parametrize("what", ["garbage", "half a chain", "another's key", "a key with a passphrase", "no file",
                                  "a wrong line", "a wrong value"])
def test_what_is_wrong_is_refused_and_the_old_stays(served, what):
    before = served.config.read_text()
    certificate = pathlib.Path(served.own_log.parent) / "used.pem"
    if what == "garbage":
        certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    elif what == "half a chain":
        whole = served.made["new"][0].read_text()
        served.put("new")
        certificate.write_text(whole + whole[:len(whole) // 2])
    elif what == "a key with a passphrase":
        served.put("new")
        subprocess.run(["openssl", "pkey", "-in", served.made["new"][1], "-aes256", "-passout", "pass:secret", "-out",
                        certificate.with_suffix(".key")], check=True)
    elif what == "another's key":
        served.put("new", key_of="old")
    elif what == "no file":
        certificate.unlink()
    elif what == "a wrong line":
        served.config.write_text(before + "fronts fronts\n")
    else:
        change(served, connections_peer='"many"')
    reload(served, "daemon.not_reloaded")
    line = [s for s in served.own_log.read_text().splitlines() if "daemon.not_reloaded" in s][-1]
    assert " error " in line and len(line) > 60, line
    assert shown(served) == {"old"}
    # Put right, it is taken.
    served.config.write_text(before)
    served.put("new")
    reload(served)
    eventually(lambda: shown(served) == {"new"}, 5)


def greeted(exchange, count):
    """How many of so many connections at once are served."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(exchange.connect("imap")) for _ in range(count)]
        return sum(s.recv(100).startswith(b"* OK") for s in held)


def test_limits_change(served):
    assert greeted(served, 8) == 8
    change(served, connections_peer=3)
    reload(served)
    eventually(lambda: greeted(served, 8) == 3, 5)
    change(served, connections_peer=100)
    reload(served)
    eventually(lambda: greeted(served, 8) == 8, 5)


def test_a_new_domain_is_taken(served):
    def rcpt():
        t = Talk(Processes(served), "smtp")
        t.hear(b"220 ")
        assert t.say(b"EHLO x\r\n", b"250 ") and t.say(b"MAIL FROM:<c@example.net>\r\n", b"250 ")
        t.socket.sendall(b"RCPT TO:<alice@second.example>\r\n")
        said = t.file.readline()
        t.close()
        return said

    assert b"5.1.1" not in rcpt()  # not ours
    change(served, domains='{ "example.org", "second.example" }')
    reload(served)
    eventually(lambda: b"5.1.1" in rcpt(), 5)  # ours, and nobody has this address


def test_after_a_log_rotation_all_processes_write_to_the_new_file(served):
    of = Processes(served)
    old = served.own_log.with_suffix(".1")
    served.own_log.rename(old)
    reload(served)
    size = old.stat().st_size

    def where():
        return [{os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")} for pid in of.everyone()]

    eventually(lambda: all(str(served.own_log) in names for names in where()), 5)
    assert not any(str(old) in names for names in where()), "the old file is still held"
    with served.connect("imaps", tls=True) as s:
        s.sendall(b"a LOGIN alice@example.org wrong\r\nb LOGOUT\r\n")
        while s.recv(4096):
            pass
    assert "process=auth" in served.own_log.read_text()
    # One that is started later writes there too.
    of.kill(of.one("mx"))
    eventually(lambda: served.own_log.read_text().count("process=mx") > 0)
    assert old.stat().st_size == size


WAITING = {"hostname": '"other.example.org"', "fronts": "3", "threads": "2", "message_size_max": "100000",
           "idle_seconds": "99", "handshake_seconds": "9", "stall_seconds": "77", "user": '"daemon"',
           "processes": '"one"', "port_smtp": "2525", "data": '"/nonexistent"'}


def test_what_needs_a_restart_is_named(served):
    before = Processes(served).everyone()
    change(served, **WAITING)
    reload(served)
    said = served.own_log.read_text()
    for name in WAITING:
        assert f"setting={name}" in said, name
    assert Processes(served).everyone() == before
    send(served, "as before")
    with served.connect("smtp") as s:
        assert s.recv(100).startswith(b"220 localhost")


def test_many_reloads_while_clients_come_and_go(served):
    """Also when they come faster than they are carried out, and in the middle of a change of the files."""
    of = Processes(served)
    before = of.everyone()
    for n in range(60):
        served.put("new" if n % 2 else "old")
        served.process.send_signal(signal.SIGHUP)
        with served.connect("imaps", tls=True) as s:
            got = s.recv(100)
            assert got.startswith(b"* OK"), (n, got, served.own_log.read_text()[-3000:])
    served.put("old")
    reload(served)
    eventually(lambda: shown(served) == {"old"}, 5)
    assert of.everyone() == before
    with socket.create_connection(("127.0.0.1", served.port("imap"))) as s:
        assert s.recv(100).startswith(b"* OK")
