# SPDX-License-Identifier: ISC
"""The key directory, asked by gpg with dirmngr and by curl."""
import base64
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import pytest

from conftest import Exchange

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None or shutil.which("dirmngr") is None,
                                reason="gpg and dirmngr are not installed")


class Gpg:
    """gpg with a private folder, its agent and dirmngr ended with it."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="ll-gpg-")
        os.chmod(self.home, 0o700)
        # No Tor, no DNS of strangers: the server is on loopback.
        with open(os.path.join(self.home, "dirmngr.conf"), "w") as f:
            f.write("disable-ipv6\nno-use-tor\nstandard-resolver\n")
        self.env = {**os.environ, "GNUPGHOME": self.home, "LC_ALL": "C"}
        self.env.pop("http_proxy", None)

    def run(self, *words, check=True, stdin=b""):
        done = subprocess.run(["gpg", "--batch", "--no-tty", "--yes", *words], env=self.env, input=stdin,
                              capture_output=True, timeout=60)
        assert not check or done.returncode == 0, f"gpg {words}: {done.stderr.decode()}"
        return done

    def make_key(self, *user_ids):
        self.run("--passphrase", "", "--pinentry-mode", "loopback", "--quick-generate-key", user_ids[0], "ed25519",
                 "cert,sign", "1y")
        fingerprint = self.fingerprint(user_ids[0])
        self.run("--passphrase", "", "--pinentry-mode", "loopback", "--quick-add-key", fingerprint, "cv25519", "encr",
                 "1y")
        for user_id in user_ids[1:]:
            self.run("--passphrase", "", "--pinentry-mode", "loopback", "--quick-add-uid", fingerprint, user_id)
        return fingerprint

    def fingerprint(self, of):
        rows = self.run("--with-colons", "--list-keys", of).stdout.decode().splitlines()
        return next(row.split(":")[9] for row in rows if row.startswith("fpr:"))

    def user_ids(self, of):
        rows = self.run("--with-colons", "--list-keys", of).stdout.decode().splitlines()
        return [row.split(":")[9] for row in rows if row.startswith("uid:")]

    def export(self, of, *options):
        return self.run("--armor", *options, "--export", of).stdout

    def close(self):
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], env=self.env, capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture
def gpg():
    made = []

    def make():
        made.append(Gpg())
        return made[-1]

    yield make
    for one in made:
        one.close()


def curl(exchange, path, *options, tls=True):
    """Status and body."""
    base = f"https://localhost:{exchange.port('https')}" if tls else f"http://127.0.0.1:{exchange.port('hkp')}"
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", exchange.certificate, "-w", "\n%{http_code}",
                           *options, base + path], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def upload(exchange, armored, address=None, password=None, tls=True):
    options = ["--data-urlencode", "keytext@-"]
    if address:
        options += ["-u", f"{address}:{password or exchange.password(address)}"]
    base = f"https://localhost:{exchange.port('https')}" if tls else f"http://127.0.0.1:{exchange.port('hkp')}"
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", exchange.certificate, "-w", "\n%{http_code}",
                           *options, base + "/pks/add"], input=armored, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body.decode()


def lookup(exchange, search, op="get", **options):
    query = urllib.parse.urlencode({"op": op, "search": search, **options})
    return curl(exchange, f"/pks/lookup?{query}", tls=False)


def index(exchange, search):
    status, body = lookup(exchange, search, op="index", options="mr", fingerprint="on")
    return [line.split(":") for line in body.decode().splitlines()] if status == 200 else []


def keyserver(exchange):
    return f"hkp://127.0.0.1:{exchange.port('hkp')}"


def test_an_account_publishes_and_gpg_finds(exchange, gpg):
    alice, bob = gpg(), gpg()
    fingerprint = alice.make_key("Alice Liddell <alice@example.org>")
    status, said = upload(exchange, alice.export(fingerprint), Exchange.ALICE)
    assert status == 200 and "User IDs published: 1" in said

    found = bob.run("--keyserver", keyserver(exchange), "--with-colons", "--search-keys", "alice@example.org",
                    check=False).stdout.decode()
    assert fingerprint in found and "Alice Liddell" in urllib.parse.unquote(found)
    bob.run("--keyserver", keyserver(exchange), "--recv-keys", fingerprint)
    assert bob.user_ids(fingerprint) == ["Alice Liddell <alice@example.org>"]
    bob.run("--trust-model", "always", "--armor", "-r", "alice@example.org", "--encrypt", stdin=b"hello")
    bob.run("--keyserver", keyserver(exchange), "--refresh-keys")

    third = gpg()
    third.run("--keyserver", keyserver(exchange), "--auto-key-locate", "clear,keyserver", "--locate-external-keys",
              "alice@example.org")
    assert third.fingerprint("alice@example.org") == fingerprint


def test_forms_of_search(exchange, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice Forms <alice@example.org>")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    subkey = re.findall(r"^fpr:+([0-9A-F]{40}):", alice.run("--with-colons", "--list-keys", "--with-subkey-fingerprint",
                                                            fingerprint).stdout.decode(), re.M)[1]
    for search in ["0x" + fingerprint, "0x" + fingerprint.lower(), "0x" + fingerprint[-16:], "0x" + subkey,
                   "0x" + subkey[-16:], "alice@example.org", "ALICE@example.org", "Alice Forms <alice@example.org>",
                   fingerprint, fingerprint[-16:].lower(), "0x" + fingerprint[-8:], "0x" + subkey[-8:]]:
        rows = index(exchange, search)
        assert any(row[:2] == ["pub", fingerprint] for row in rows), search
        assert rows[0][:2] == ["info", "1"] and int(rows[0][2]) == sum(row[0] == "pub" for row in rows)
        status, body = lookup(exchange, search)
        assert status == 200 and body.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"), search
    pub = next(row for row in index(exchange, "0x" + fingerprint) if row[0] == "pub")
    assert pub[2] == "22" and pub[4].isdigit() and int(pub[5]) > int(pub[4]) and pub[6] == ""
    uid = next(row for row in index(exchange, "0x" + fingerprint) if row[0] == "uid")
    assert urllib.parse.unquote(uid[1]) == "Alice Forms <alice@example.org>"


@pytest.mark.parametrize("query,status", [
    ("op=get&search=0x" + "00" * 20, 404), ("op=get&search=nobody@example.org", 404), ("op=index&search=zzzzzz", 501),
    ("op=get&search=0x12345678", 404), ("op=get&search=0x123456", 400), ("op=hget&search=" + "0" * 32, 501), ("op=get&search=", 400), ("op=get", 400), ("search=abc", 400), ("", 400),
    ("op=get&search=%zz", 400), ("op=stats", 200), ("op=delete&search=abc", 501), ("op=get&search=" + "x" * 400, 413)])
def test_statuses(exchange, query, status):
    assert curl(exchange, "/pks/lookup?" + query, tls=False)[0] == status


def test_methods_and_pages(exchange):
    assert b"Key directory" in curl(exchange, "/")[1]
    assert curl(exchange, "/nothing")[0] == 404
    assert curl(exchange, "/pks/add")[0] == 405
    assert curl(exchange, "/pks/lookup?op=get&search=abc", "-X", "POST", "-d", "x=y")[0] == 405
    status, body = curl(exchange, "/pks/lookup", "-X", "OPTIONS", "-D", "-")
    assert status == 200 and b"Access-Control-Allow-Origin: *" in body and b"Allow: GET, HEAD" in body
    assert curl(exchange, "/pks/v2/index", "-X", "OPTIONS")[0] == 200
    assert curl(exchange, "/pks/v2/nothing", "-X", "OPTIONS")[0] == 501
    assert curl(exchange, "/pks/lookup?op=get&search=a@example.net", "-I")[0] == 404
    status, body = curl(exchange, "/", "-D", "-")
    assert re.search(rb"^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$", body, re.M)


def test_http2_is_not_needed_and_connections_are_kept(exchange):
    done = subprocess.run(["curl", "-sS", "-v", "--noproxy", "*", "--cacert", exchange.certificate]
                          + [f"https://localhost:{exchange.port('https')}/"] * 3, capture_output=True, timeout=60)
    assert done.stderr.count(b"HTTP/1.1 200") == 3 and done.stderr.count(b"Connected to") == 1


def test_a_stranger_publishes_nothing(exchange, gpg):
    mallory = gpg()
    fingerprint = mallory.make_key("Bob <bob@example.org>")
    mallory.run("--keyserver", keyserver(exchange), "--send-keys", fingerprint)
    assert index(exchange, "bob@example.org") == []
    status, body = lookup(exchange, "0x" + fingerprint)
    assert status == 200 and b"bob" not in subprocess.run(["gpg", "--dearmor"], input=body, capture_output=True).stdout

    bob = gpg()
    own = bob.make_key("Bob <bob@example.org>")
    assert upload(exchange, bob.export(own), Exchange.BOB)[0] == 200
    mallory.run("--keyserver", keyserver(exchange), "--send-keys", fingerprint)
    assert [row[1] for row in index(exchange, "bob@example.org") if row[0] == "pub"] == [own]


def test_only_own_addresses_are_published(exchange, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>", "Bob <bob@example.org>", "Al <al@elsewhere.example>",
                                 "no address at all")
    status, said = upload(exchange, alice.export(fingerprint), Exchange.ALICE)
    assert status == 200 and "User IDs published: 1" in said
    reader = gpg()
    reader.run("--import", stdin=lookup(exchange, "0x" + fingerprint)[1])
    assert reader.user_ids(fingerprint) == ["Alice <alice@example.org>"]


def test_a_key_for_nobody_here_is_refused(exchange, gpg):
    stranger = gpg()
    fingerprint = stranger.make_key("Nobody <nobody@elsewhere.example>", "N <n@elsewhere.example>")
    status, said = upload(exchange, stranger.export(fingerprint))
    assert status == 422 and lookup(exchange, "0x" + fingerprint)[0] == 404


def test_wrong_password_and_password_in_clear(exchange, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    key = alice.export(fingerprint)
    known = upload(exchange, key, Exchange.ALICE, "wrong")
    unknown = upload(exchange, key, "nobody@example.org", "wrong")
    assert known[0] == 401 and known == unknown
    assert upload(exchange, key, Exchange.ALICE, tls=False)[0] == 403
    assert lookup(exchange, "0x" + fingerprint)[0] == 404
    status, body = curl(exchange, "/pks/add", "-D", "-", "-d", "keytext=x", "-u", "alice@example.org:wrong")
    assert status == 401 and b"WWW-Authenticate: Basic" in body


def test_a_secret_key_is_refused(exchange, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    secret = alice.run("--armor", "--passphrase", "", "--pinentry-mode", "loopback", "--export-secret-keys",
                       fingerprint).stdout
    status, said = upload(exchange, secret, Exchange.ALICE)
    assert status == 422 and "SECRET" in said and lookup(exchange, "0x" + fingerprint)[0] == 404


@pytest.mark.parametrize("text", [b"", b"hello", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"])
def test_what_is_no_certificate(exchange, text):
    assert upload(exchange, text)[0] in (400, 422)


def test_uploads_are_bounded(exchange):
    assert upload(exchange, b"A" * (2 << 20))[0] == 413


def test_third_party_signatures_are_left_out_and_floods_are_harmless(exchange, gpg):
    """2019's certificate flooding: only what the key itself signed is kept."""
    alice, other = gpg(), gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    friend = other.make_key("Friend <friend@elsewhere.example>")
    other.run("--import", stdin=alice.export(fingerprint))
    other.run("--passphrase", "", "--pinentry-mode", "loopback", "--quick-sign-key", fingerprint)
    signed = other.export(fingerprint)
    assert friend[-16:] in other.run("--with-colons", "--list-sigs", fingerprint).stdout.decode()
    assert upload(exchange, signed, Exchange.ALICE)[0] == 200
    reader = gpg()
    reader.run("--import-options", "no-self-sigs-only", "--import", stdin=lookup(exchange, "0x" + fingerprint)[1])
    assert friend[-16:] not in reader.run("--with-colons", "--list-sigs", fingerprint).stdout.decode()


def test_a_revocation_arrives_from_anybody_and_is_never_lost(exchange, gpg):
    alice, reader = gpg(), gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    before = alice.export(fingerprint)
    assert upload(exchange, before, Exchange.ALICE)[0] == 200
    reader.run("--import", stdin=before)
    with open(f"{alice.home}/openpgp-revocs.d/{fingerprint}.rev") as f:
        alice.run("--import", stdin=f.read().replace(":-----BEGIN", "-----BEGIN").encode())
    assert upload(exchange, alice.export(fingerprint))[0] == 200  # by nobody in particular
    assert upload(exchange, before, Exchange.ALICE)[0] == 200         # and the old one again
    assert next(row for row in index(exchange, "0x" + fingerprint) if row[0] == "pub")[6] == "r"
    reader.run("--keyserver", keyserver(exchange), "--refresh-keys")
    rows = reader.run("--with-colons", "--list-keys", fingerprint).stdout.decode().splitlines()
    assert next(row for row in rows if row.startswith("pub:")).split(":")[1] == "r"


def test_a_bare_revocation_certificate_is_taken(exchange, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    with open(f"{alice.home}/openpgp-revocs.d/{fingerprint}.rev") as f:
        revocation = f.read().partition("\n:")[2].encode()
    assert revocation.startswith(b"-----BEGIN")
    assert upload(exchange, revocation)[0] == 422  # the key is not known yet
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    forged = gpg()
    other = forged.make_key("Mallory <mallory@elsewhere.example>")
    with open(f"{forged.home}/openpgp-revocs.d/{other}.rev") as f:
        assert upload(exchange, f.read().partition("\n:")[2].encode())[0] == 422
    assert next(row for row in index(exchange, "0x" + fingerprint) if row[0] == "pub")[6] == ""
    assert upload(exchange, revocation)[0] == 200
    assert next(row for row in index(exchange, "0x" + fingerprint) if row[0] == "pub")[6] == "r"
    assert [row for row in index(exchange, "0x" + fingerprint) if row[0] == "uid"]


def test_merging_adds_a_new_subkey_and_expiry(exchange, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    alice.run("--passphrase", "", "--pinentry-mode", "loopback", "--quick-add-key", fingerprint, "ed25519", "sign", "1y")
    time.sleep(1.1)  # a newer self-signature needs a newer second
    alice.run("--passphrase", "", "--pinentry-mode", "loopback", "--quick-set-expire", fingerprint, "3y")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    reader = gpg()
    reader.run("--import", stdin=lookup(exchange, "0x" + fingerprint)[1])
    rows = [row.split(":") for row in reader.run("--with-colons", "--list-keys", fingerprint).stdout.decode().splitlines()]
    assert sum(row[0] == "sub" for row in rows) == 2
    pub = next(row for row in rows if row[0] == "pub")
    assert int(pub[6]) - time.time() > 2 * 365 * 86400


def test_web_key_directory(exchange, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    rows = alice.run("--with-wkd-hash", "--list-keys", fingerprint).stdout.decode()
    hashed = re.search(r"([a-z0-9]{32})@example\.org", rows).group(1)
    for path in [f"/.well-known/openpgpkey/example.org/hu/{hashed}?l=alice", f"/.well-known/openpgpkey/hu/{hashed}?l=Alice"]:
        status, body = curl(exchange, path, "-H", "Host: example.org")
        assert status == 200, path
        reader = gpg()
        reader.run("--import", stdin=body)
        assert fingerprint in reader.run("--with-colons", "--list-keys").stdout.decode()
    assert curl(exchange, f"/.well-known/openpgpkey/hu/{hashed}?l=bob", "-H", "Host: example.org")[0] == 404
    assert curl(exchange, "/.well-known/openpgpkey/policy")[0] == 200


def test_an_open_directory_takes_the_first_of_an_address(fresh_exchange, gpg):
    exchange = fresh_exchange({"directory_open": "true"})
    alice, mallory = gpg(), gpg()
    first = alice.make_key("Alice <alice@example.org>")
    second = mallory.make_key("Alice <alice@example.org>")
    alice.run("--keyserver", keyserver(exchange), "--send-keys", first)
    mallory.run("--keyserver", keyserver(exchange), "--send-keys", second)
    assert [row[1] for row in index(exchange, "alice@example.org") if row[0] == "pub"] == [first]


def test_request_smuggling_is_refused_on_the_wire(exchange):
    for head in [b"POST /pks/add HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                 b"GET / HTTP/1.1\nHost: x\n\n"]:
        with exchange.connect("hkp") as s:
            s.sendall(head + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            got = b""
            while piece := s.recv(65536):
                got += piece
        assert got.startswith(b"HTTP/1.1 400") and got.count(b"HTTP/1.1") == 1


def test_a_directory_entry_survives_a_crash(fresh_exchange, gpg):
    exchange = fresh_exchange()
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    exchange.kill()
    exchange.start()
    assert lookup(exchange, "0x" + fingerprint)[0] == 200
    exchange.run("alias", "add", "postmaster@example.org", Exchange.BOB)  # who reads that is not removed
    exchange.run("account", "remove", Exchange.ALICE)
    assert index(exchange, "alice@example.org") == []


def test_it_stops_in_the_middle_of_uploads(fresh_exchange, gpg):
    """Requests that are being carried out when the end comes find everything that they need until they are done."""
    exchange = fresh_exchange()
    alice = gpg()
    form = urllib.parse.urlencode({"keytext": alice.export(alice.make_key("Alice <alice@example.org>"))}).encode()
    basic = base64.b64encode(f"{Exchange.ALICE}:{exchange.password(Exchange.ALICE)}".encode())
    head = b"POST /pks/add HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + basic + b"\r\nContent-Length: %d\r\n\r\n" % len(form)
    held = [exchange.connect("https", tls=True) for _ in range(20)]
    for s in held:
        s.sendall((head + form) * 5)
    assert held[0].recv(12) == b"HTTP/1.1 200"
    exchange.stop()
    for s in held:
        s.close()
