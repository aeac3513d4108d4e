# SPDX-License-Identifier: ISC
"""Sockets, TLS and the program itself, from outside: what a stranger's connection may do to others, and to itself."""
import hashlib
import json
import socket
import ssl
import subprocess
import time

import pytest

from conftest import Exchange


def read_all(s, limit=1 << 20):
    """Until the peer ends, or limit octets; a reset counts as an end."""
    got = b""
    try:
        while len(got) < limit and (piece := s.recv(65536)):
            got += piece
    except ConnectionResetError:
        pass
    return got


def read_line(s):
    got = b""
    while not got.endswith(b"\n"):
        piece = s.recv(1)
        assert piece, f"the connection ended after {got!r}"
        got += piece
    return got


def test_greetings_on_every_port(exchange):
    for name, tls, begin in [("smtp", False, b"220 "), ("submission", False, b"220 "), ("submissions", True, b"220 "),
                             ("imap", False, b"* OK"), ("imaps", True, b"* OK")]:
        with exchange.connect(name, tls) as s:
            assert read_line(s).startswith(begin), name


def test_the_pin_is_the_sha256_of_the_public_key(exchange):
    der = subprocess.run(["openssl", "x509", "-in", exchange.certificate, "-pubkey", "-noout"], check=True,
                         capture_output=True).stdout
    spki = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=der, check=True,
                          capture_output=True).stdout
    assert exchange.pin == hashlib.sha256(spki).hexdigest()
    with exchange.connect("imaps", tls=True) as s:
        assert s.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(exchange.certificate.read_text())


def test_certificate_names_key_and_lifetime(exchange):
    text = subprocess.run(["openssl", "x509", "-in", exchange.certificate, "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout
    assert "prime256v1" in text and "DNS:localhost" in text and "DNS:example.org" in text
    assert subprocess.run(["openssl", "x509", "-in", exchange.certificate, "-noout", "-checkend",
                           str(3600 * 24 * 3600)]).returncode == 0
    assert (exchange.data / "tls" / "key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_versions(exchange):
    for version, works in [(ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_2, True),
                           (ssl.TLSVersion.TLSv1_1, False)]:
        context = exchange.tls()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        bare = exchange.connect("imaps")
        if works:
            with context.wrap_socket(bare, server_hostname="localhost") as s:
                assert read_line(s).startswith(b"* OK")
                cipher, _, bits = s.cipher()
                assert bits >= 128 and ("GCM" in cipher or "CHACHA20" in cipher) and s.session.has_ticket is False
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(bare, server_hostname="localhost")
            bare.close()


def test_no_weak_cipher(exchange):
    context = exchange.tls()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:AES256-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    bare = exchange.connect("imaps")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(bare, server_hostname="localhost")
    bare.close()


STARTTLS = [("smtp", b"EHLO x\r\nSTARTTLS\r\n", b"220"), ("imap", b"a STARTTLS\r\n", b"a OK")]


def until(s, begin):
    while not (line := read_line(s)).startswith(begin):
        pass
    return line


@pytest.mark.parametrize("name,words,go", STARTTLS)
def test_starttls(exchange, name, words, go):
    with exchange.connect(name) as s:
        read_line(s)
        s.sendall(words)
        until(s, go)
        with exchange.tls().wrap_socket(s, server_hostname="localhost") as t:
            t.sendall(b"EHLO x\r\n" if name == "smtp" else b"b CAPABILITY\r\n")
            until(t, b"250 " if name == "smtp" else b"b OK")


@pytest.mark.parametrize("name,words,go", STARTTLS)
def test_starttls_injection_is_dropped(exchange, name, words, go):
    """CVE-2021-38542 and others: commands behind STARTTLS in the same segment must not survive the handshake."""
    injected = b"NOOP\r\nNOOP\r\n" if name == "smtp" else b"evil NOOP\r\nevil CAPABILITY\r\n"
    with exchange.connect(name) as s:
        read_line(s)
        s.sendall(words + injected)
        until(s, go)
        with exchange.tls().wrap_socket(s, server_hostname="localhost") as t:
            t.sendall(b"QUIT\r\n" if name == "smtp" else b"c LOGOUT\r\n")
            answers = read_all(t)
    assert b"evil" not in answers
    assert answers.startswith(b"221") if name == "smtp" else answers.startswith(b"* BYE")


def test_half_a_handshake_ends_for_that_client_only(fresh_exchange):
    exchange = fresh_exchange({"handshake_seconds": "1"}, accounts=())
    silent, begun = exchange.connect("imaps"), exchange.connect("imaps")
    begun.sendall(b"\x16\x03\x01\x02\x00\x01")
    started = time.monotonic()
    with exchange.connect("imaps", tls=True) as s:
        assert read_line(s).startswith(b"* OK")
        assert read_all(silent) == b"" and read_all(begun) == b""
        assert 0.5 < time.monotonic() - started < 10
        s.sendall(b"a NOOP\r\n")
        assert read_line(s).startswith(b"a ")
    silent.close()
    begun.close()


def test_garbage_instead_of_a_handshake(exchange):
    for octets in [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"A" * 4000]:
        s = exchange.connect("https")
        try:
            s.sendall(octets)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        assert b"HTTP/1.1 200" not in read_all(s)
        s.close()
    with exchange.connect("imaps", tls=True) as s:
        assert read_line(s).startswith(b"* OK")


def test_a_client_that_never_reads_is_ended(fresh_exchange):
    """Its output is bounded: it stops being served, is closed, and others are served meanwhile."""
    exchange = fresh_exchange({"stall_seconds": "2"}, accounts=())
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", exchange.port("hkp")))
    s.settimeout(1)
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
    sent, closed = 0, False
    end = time.monotonic() + 25
    while not closed and time.monotonic() < end:
        try:
            sent += s.send(request)
        except socket.timeout:
            with exchange.connect("hkp") as other:
                other.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert read_all(other).startswith(b"HTTP/1.1 200")
        except OSError:
            closed = True
    assert closed, f"still open after {sent} octets"
    assert sent < 64 << 20
    s.close()


def test_an_octet_now_and_then_is_served_like_all_at_once(exchange):
    with exchange.connect("hkp") as s:
        for octet in b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
            s.sendall(bytes([octet]))
            time.sleep(0.005)
        assert b"Key directory" in read_all(s)


def test_too_many_from_one_address(fresh_exchange):
    exchange = fresh_exchange({"connections_peer": "3"}, accounts=())
    held = [exchange.connect("imap") for _ in range(3)]
    for s in held:
        assert read_line(s).startswith(b"* OK")
    with exchange.connect("imap") as s:
        assert read_all(s).startswith((b"* BYE", b""))
    with exchange.connect("smtp") as s:
        assert read_all(s).startswith(b"421")
    for s in held:
        s.close()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with exchange.connect("imap") as s:
            if read_line(s).startswith(b"* OK"):
                return
        time.sleep(0.1)
    raise AssertionError("the places were not given back")


def test_many_connections_come_and_go(exchange):
    for _ in range(20):
        held = [exchange.connect("hkp") for _ in range(20)]
        for s in held:
            s.close()
    end = time.monotonic() + 20
    while time.monotonic() < end:  # the last of them may still be counted for a moment
        with exchange.connect("hkp") as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if read_all(s).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.1)
    raise AssertionError("the places were not given back")


# ---- the program ----

def test_accounts_while_it_runs_and_while_not(fresh_exchange):
    exchange = fresh_exchange(accounts=(), start=False)
    exchange.account_add("carol@example.org", "first of three")
    exchange.start()
    exchange.account_add("dora@example.org", "second of three")
    assert exchange.run("account", "add", "dora@example.org", secret="x y z", check=False).returncode == 1
    assert exchange.run("account", "add", "eve@elsewhere.example", secret="x y z", check=False).returncode == 1
    rows = [json.loads(line) for line in exchange.run("account", "list", "--json").stdout.splitlines()]
    assert [row["address"] for row in rows] == ["carol@example.org", "dora@example.org"]
    exchange.run("account", "password", "carol@example.org", secret="another")
    exchange.run("account", "remove", "dora@example.org")
    assert exchange.run("account", "remove", "dora@example.org", check=False).returncode == 1
    assert "accounts 1" in exchange.run("check", "--offline").stdout
    exchange.stop()
    assert "carol@example.org" in exchange.run("account", "list").stdout


def test_a_second_one_on_the_same_folder_is_refused(exchange):
    done = exchange.run("run", check=False)
    assert done.returncode == 3 and exchange.process.poll() is None and (exchange.data / "ports.json").exists()
    with exchange.connect("imaps", tls=True) as s:
        assert read_line(s).startswith(b"* OK")


def test_only_the_owner_reaches_the_folder(exchange):
    assert exchange.data.stat().st_mode & 0o077 == 0
    assert (exchange.data / "control.sock").stat().st_mode & 0o077 == 0


def test_nonsense_on_the_control_socket_stops_nothing(exchange):
    """CVE-2025-62875: a bad message on a control socket must never stop the daemon."""
    for octets in [b"\xff" * 100, b"", b"\x00\x00\x00\x0a" + b"\x00\x01" + b"A" * 8, b"GET / HTTP/1.0\r\n\r\n"]:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(exchange.data / "control.sock"))
            s.settimeout(5)
            s.sendall(octets)
            s.shutdown(socket.SHUT_WR)
            read_all(s)
    assert exchange.process.poll() is None
    assert "alice@example.org" in exchange.run("account", "list").stdout


@pytest.mark.parametrize("line,status,said", [
    ("portsmtp = 25", 2, "line {}"),
    ("port_smtp = 70000", 2, "port_smtp"),
    ("hostname = \"a b\"", 2, "hostname"),
    ("tls_key = \"/x\"", 2, "tls_certificate"),
    ("log_level = \"loud\"", 2, "log_level"),
    ("tls_key = \"/nonexistent\"\ntls_certificate = \"/nonexistent\"", 3, "/nonexistent"),
])
def test_a_wrong_configuration_is_refused_with_a_sentence(tmp_path, line, status, said):
    exchange = Exchange(tmp_path, accounts=())
    before = exchange.config.read_text()
    exchange.config.write_text(before + line + "\n")
    done = exchange.run("check", "--offline", check=False)
    assert done.returncode == status and said.format(1 + before.count("\n")) in done.stderr, done.stderr


def test_usage(tmp_path):
    exchange = Exchange(tmp_path, accounts=())
    for words in [("dance",), ("account",), ("account", "add"), ("run", "fast"), ("check", "--port", "smtp=x"),
                  ("check", "--port", "pop=1"), ("check", "--verbose")]:
        assert exchange.run(*words, check=False).returncode == 2, words
    assert exchange.run("run", "--help").stdout.startswith("usage: letterlockd")


def test_it_restarts_after_a_crash_with_the_same_certificate(fresh_exchange):
    exchange = fresh_exchange()
    pin = exchange.pin
    exchange.kill()
    exchange.start()
    assert exchange.pin == pin
    assert "alice@example.org" in exchange.run("account", "list").stdout


def test_check_makes_nothing(tmp_path):
    exchange = Exchange(tmp_path, accounts=())
    said = exchange.run("check", "--offline").stdout
    assert "first run" in said and not exchange.data.exists()


def test_a_folder_that_others_can_read_is_refused_by_check(fresh_exchange):
    exchange = fresh_exchange(accounts=())
    exchange.data.chmod(0o755)
    try:
        assert exchange.run("check", "--offline", check=False).returncode == 3
    finally:
        exchange.data.chmod(0o700)


def test_both_address_families(fresh_exchange):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    exchange = fresh_exchange({"listen": '{ "127.0.0.1", "::1" }'}, accounts=())
    for address in ("127.0.0.1", "::1"):
        with socket.create_connection((address, exchange.port("imap")), timeout=20) as s:
            assert read_line(s).startswith(b"* OK")


def test_a_port_that_is_taken_is_named(fresh_exchange):
    exchange = fresh_exchange(accounts=())
    other = fresh_exchange({"port_imap": str(exchange.port("imap"))}, accounts=(), start=False)
    done = other.run("run", check=False)
    assert done.returncode == 3 and "imap" in done.stderr and str(exchange.port("imap")) in done.stderr


def test_ports_can_be_off(fresh_exchange):
    exchange = fresh_exchange({"port_smtp": "-1", "port_hkp": "-1"}, accounts=())
    assert sorted(exchange.ports) == ["http", "https", "imap", "imaps", "pop3", "pop3s", "submission", "submissions"]


def test_more_connections_than_the_soft_limit_of_descriptors(fresh_exchange):
    exchange = fresh_exchange({"connections_peer": "2000"}, accounts=(), start=False)
    exchange.start(launcher=("prlimit", "--nofile=300:20000", "--"))
    held = [exchange.connect("imap") for _ in range(600)]
    assert all(read_line(s).startswith(b"* OK") for s in held)
    for s in held:
        s.close()


def test_out_of_descriptors_is_no_end(fresh_exchange):
    """Accepting pauses while none is left, and goes on when some are given back."""
    exchange = fresh_exchange({"connections_peer": "2000"}, accounts=(), start=False)
    exchange.start(launcher=("prlimit", "--nofile=120:120", "--"))
    held = [exchange.connect("imap") for _ in range(150)]
    held[0].settimeout(10)
    assert read_line(held[0]).startswith(b"* OK")
    for s in held:
        s.close()
    with exchange.connect("imaps", tls=True) as s:
        assert read_line(s).startswith(b"* OK")
