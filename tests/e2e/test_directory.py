# SPDX-License-Identifier: ISC
"""The key directory, asked by gpg with dirmngr and by curl."""
import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

import pytest

from conftest import Exchange
from processes import STORE, Wire, u64
from processes import octets as octets_of

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


# ---- HKP v2, VKS, prefixlog ----

def published(exchange, gpg, address=Exchange.ALICE, name="Alice Liddell"):
    """A published key's fingerprint, and its subkey's."""
    one = gpg()
    fingerprint = one.make_key(f"{name} <{address}>")
    assert upload(exchange, one.export(fingerprint), address)[0] == 200
    return fingerprint, re.findall(r"^fpr:+([0-9A-F]{40}):", one.run(
        "--with-colons", "--list-keys", "--with-subkey-fingerprint", fingerprint).stdout.decode(), re.M)[1]


def packets(octets):
    return subprocess.run(["gpg", "--list-packets"], input=octets, capture_output=True, check=True).stdout


def test_hkp_v2(exchange, gpg):
    fingerprint, subkey = published(exchange, gpg)
    for path in [f"by-vfingerprint/04{fingerprint}", f"by-vfingerprint/04/{fingerprint.lower()}", f"by-vfingerprint/04{subkey}",
                 f"by-keyid/{fingerprint[-16:]}", "by-identity/alice@example.org", "by-identity/ALICE%40Example.org"]:
        status, body = curl(exchange, f"/pks/v2/certs/{path}", "-D", "-", tls=False)
        head, _, body = body.partition(b"\r\n\r\n")
        assert status == 200, path
        assert b"Content-Type: application/pgp-keys;armor=no" in head and b"Access-Control-Allow-Origin: *" in head
        assert fingerprint[-16:].encode() in packets(body)
    for path, status in [(f"by-vfingerprint/{fingerprint}", 404), (f"by-vfingerprint/06{fingerprint}", 404),
                         (f"by-keyid/0x{fingerprint[-16:]}", 404), (f"by-keyid/{fingerprint}", 404), ("by-identity/alice", 404),
                         ("by-identity/nobody@example.org", 404), ("by-fingerprint/" + fingerprint, 501), ("by-identity/", 403)]:
        assert curl(exchange, f"/pks/v2/certs/{path}", tls=False)[0] == status, path
    for path, status in [("certs", 403), ("index", 403), ("nothing", 501), ("nothing/else", 501)]:
        assert curl(exchange, f"/pks/v2/{path}", tls=False)[0] in (status, 405), path


def test_hkp_v2_index_is_json(exchange, gpg):
    fingerprint, subkey = published(exchange, gpg)
    status, body = curl(exchange, "/pks/v2/index/alice@example.org", tls=False)
    cert = next(c for c in json.loads(body) if c["fingerprint"] == fingerprint.lower())
    assert status == 200 and cert["version"] == 4 and cert["isRevoked"] is False and cert["algorithm"]["code"] == 22
    assert cert["userIDs"][0]["uidString"] == "Alice Liddell <alice@example.org>"
    assert [s["fingerprint"] for s in cert["subkeys"]] == [subkey.lower()]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", cert["creation"])
    assert curl(exchange, "/pks/v2/index/nobody@example.org", tls=False)[0] == 404


def test_vks(exchange, gpg):
    fingerprint, subkey = published(exchange, gpg)
    for path in [f"by-fingerprint/{fingerprint}", f"by-fingerprint/{subkey}", f"by-keyid/{subkey[-16:]}", "by-email/alice%40example.org"]:
        status, body = curl(exchange, f"/vks/v1/{path}")
        assert status == 200 and body.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"), path
    for path in ["by-email/nobody@example.org", f"by-fingerprint/0x{fingerprint}", "by-name/alice", "", "by-keyid/"]:
        assert curl(exchange, f"/vks/v1/{path}")[0] == 404, path


def test_the_prefixlog_names_what_changed_today(exchange, gpg):
    fingerprint, _ = published(exchange, gpg)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    status, body = curl(exchange, f"/pks/v2/prefixlog/{today}", tls=False)
    assert status == 200 and body.endswith(b"\r\n") and fingerprint[:8].lower().encode() in body.split(b"\r\n")
    for day, want in [("2001-01-01", 404), ("2999-01-01", 404), ("2026-02-30", 400), ("today", 400)]:
        assert curl(exchange, f"/pks/v2/prefixlog/{day}", tls=False)[0] == want, day


def test_indexes_for_people_and_short_key_ids(exchange, gpg):
    fingerprint, _ = published(exchange, gpg, name="Alice <b>&quot;")
    status, body = lookup(exchange, "0x" + fingerprint[-8:], op="index")
    text = body.decode()
    assert status == 200 and text.startswith("<!doctype html>") and fingerprint in text and "Anybody can make a key" in text
    assert "<b>" not in text and "&lt;b&gt;" in text
    text = lookup(exchange, "0x" + fingerprint[-8:], op="index", options="mr")[1].decode()
    assert text.startswith("info:1:1\n# Anybody can make a key") and f"pub:{fingerprint}:" in text
    assert json.loads(lookup(exchange, "alice@example.org", op="index", options="json")[1])
    assert json.loads(curl(exchange, "/pks/lookup?op=stats&options=mr", tls=False)[1])["certificates"] >= 1


# ---- by name: only where the operator wants it ----

def test_people_are_found_by_name_only_in_domains_that_say_so(fresh_exchange, gpg):
    """Off by default; and a domain's setting shows nobody of another."""
    exchange = fresh_exchange({"domains": '{ "example.org", "example.net" }', "directory_search": '{ "example.org" }'})
    fingerprint, _ = published(exchange, gpg)
    assert lookup(exchange, "liddell", op="index", options="mr")[0] == 200
    assert [row[1] for row in index(exchange, "alice lid") if row[0] == "pub"] == [fingerprint]
    assert lookup(exchange, "iddel")[1].startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert lookup(exchange, "zzzzz")[0] == 404 and lookup(exchange, "li")[0] == 400
    searcher = gpg()
    found = searcher.run("--keyserver", keyserver(exchange), "--with-colons", "--search-keys", "Liddell", check=False)
    assert fingerprint in found.stdout.decode()


def test_people_are_not_found_by_name_by_default(exchange, gpg):
    published(exchange, gpg)
    assert lookup(exchange, "liddell", op="index", options="mr")[0] == 501
    assert lookup(exchange, "liddell")[0] == 501


# ---- how often ----

def test_who_asks_too_often_is_told_when_to_come_again(fresh_exchange):
    exchange = fresh_exchange({"directory_reads": "5", "directory_writes": "2"})
    statuses = [lookup(exchange, "nobody@example.org")[0] for _ in range(6)]
    assert statuses == [404] * 5 + [429]
    status, head = curl(exchange, "/pks/v2/index/nobody@example.org", "-D", "-", tls=False)
    assert status == 429 and 1 <= int(re.search(rb"^Retry-After: (\d+)\r$", head, re.M)[1]) <= 13
    assert curl(exchange, "/", tls=False)[0] == 200  # what costs nothing is not counted
    assert [upload(exchange, b"x", tls=False)[0] for _ in range(3)] == [422, 422, 429]


def test_look_ups_are_not_logged_unless_a_setting_says_so(fresh_exchange, gpg):
    for on in (False, True):
        exchange = fresh_exchange({"directory_query_log": str(on).lower(), "log_level": '"debug"'})
        lookup(exchange, "whom.i.write.to@example.org")
        curl(exchange, "/pks/v2/certs/by-identity/whom.i.write.to@example.org")
        exchange.stop()
        assert exchange.log().count("whom.i.write.to") == (2 if on else 0)


# ---- private look-ups: opened with Python's own means, by doc/private-lookup.md ----

def bucket_entries(octets):
    assert octets[:4] == b"LLB1"
    at, found = 4, []
    while at < len(octets):
        name, length = octets[at:at + 32], int.from_bytes(octets[at + 32:at + 36], "big")
        found.append((name, octets[at + 36:at + 36 + length]))
        at += 36 + length
    assert at == len(octets) and found == sorted(found, key=lambda e: e[0])
    return found


def bare(plain):
    length = int.from_bytes(plain[:4], "big")
    assert len(plain) % 1024 == 0 and not any(plain[4 + length:])
    return plain[4:4 + length]


def test_private_look_ups(exchange, gpg):
    """Nothing in a bucket says whose it is to who does not know the address."""
    ciphers = pytest.importorskip("cryptography.hazmat.primitives.ciphers.aead")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    fingerprint, _ = published(exchange, gpg)
    parameters = json.loads(curl(exchange, "/pks/private/parameters")[1])
    assert parameters == {"digits": 0, "least": 50}
    status, octets = curl(exchange, "/pks/private/by-address/")
    entries = bucket_entries(octets)
    name = hashlib.sha256(b"letterlock private address\0alice@example.org").digest()
    mine = [octets for entry, octets in entries if entry == name]
    assert status == 200 and mine and b"alice" not in octets and fingerprint.encode() not in octets.hex().upper().encode()
    certificates = b""
    for entry in mine:
        key = HKDF(hashes.SHA256(), 32, name, b"letterlock private address key").derive(b"alice@example.org")
        certificates += bare(ciphers.AESGCM(key).decrypt(entry[:12], entry[12:], None))
        wrong = HKDF(hashes.SHA256(), 32, name, b"letterlock private address key").derive(b"bob@example.org")
        with pytest.raises(Exception):
            ciphers.AESGCM(wrong).decrypt(entry[:12], entry[12:], None)
    assert fingerprint[-16:].encode() in packets(certificates)
    status, octets = curl(exchange, "/pks/private/by-fingerprint/")
    named = dict(bucket_entries(octets))
    plain = bare(named[bytes.fromhex(fingerprint) + bytes(12)])
    assert status == 200 and fingerprint[-16:].encode() in packets(plain) and b"user ID" not in packets(plain)
    for path, want in [("by-address/0", 400), ("by-fingerprint/zz", 400), ("by-name/", 404), ("", 404)]:
        assert curl(exchange, f"/pks/private/{path}")[0] == want, path


def certificates_by_hand(count):
    """[(fingerprint, address, octets)]: v4 Ed25519 with one user ID (RFC 9580 5.2.4, 5.5.2); gpg would take minutes."""
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    from cryptography.hazmat.primitives import serialization

    def packet(tag, body):
        return bytes([0xc0 | tag, 255]) + len(body).to_bytes(4, "big") + body

    def mpi(octets):
        octets = octets.lstrip(b"\0")
        return (len(octets) * 8 - 8 + octets[0].bit_length()).to_bytes(2, "big") + octets

    made, now = [], int(time.time()) - 60
    for n in range(count):
        secret = ed25519.Ed25519PrivateKey.generate()
        point = b"\x40" + secret.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        key = b"\4" + now.to_bytes(4, "big") + b"\x16\x09" + bytes.fromhex("2b06010401da470f01") + mpi(point)
        start = b"\x99" + len(key).to_bytes(2, "big") + key
        fingerprint, address = hashlib.sha1(start).digest(), f"u{n}@example.org"
        user_id = f"U <{address}>".encode()
        hashed = b"\x05\x02" + now.to_bytes(4, "big") + b"\x02\x1b\x01" + b"\x16\x21\x04" + fingerprint
        head = b"\4\x13\x16\x0a" + len(hashed).to_bytes(2, "big") + hashed
        digest = hashlib.sha512(start + b"\xb4" + len(user_id).to_bytes(4, "big") + user_id + head + b"\4\xff" +
                                len(head).to_bytes(4, "big")).digest()
        signature = secret.sign(digest)
        made.append((fingerprint, address, packet(6, key) + packet(13, user_id) + packet(
            2, head + b"\0\0" + digest[:2] + mpi(signature[:32]) + mpi(signature[32:]))))
    return made


def test_private_buckets_are_filled_up_and_wrap_around(fresh_exchange):
    """Digits > 0: each bucket has its own, and when those are fewer than 50 the next in order, from the first on again."""
    exchange = fresh_exchange({"directory_reads": "0", "directory_writes": "0"})
    # 50 times 16 on average, but few whose fingerprints begin with 5 or f.
    made, few = certificates_by_hand(1000), {"5": 7, "f": 3}
    first = {digit: [c for c in made if c[0].hex()[0] == digit] for digit in "0123456789abcdef"}
    kept = [c for digit, found in first.items() for c in found[:few.get(digit)]]
    assert len(kept) >= 800
    for at in range(0, len(kept), 16):
        octets = base64.b64encode(b"".join(c[2] for c in kept[at:at + 16])).decode()
        armored = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{octets}\n-----END PGP PUBLIC KEY BLOCK-----\n"
        status, said = upload(exchange, armored.encode())
        assert status == 200, said
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(exchange.data / "control.sock"))
        wire = Wire(s.detach())
    for fingerprint, address, _ in kept:
        said = wire.ask(STORE["certificate_publish"], octets_of(fingerprint) + octets_of(address) + b"\0\0\0\3" + u64(0))
        assert said[0] is None, said
    wire.close()
    assert json.loads(curl(exchange, "/pks/private/parameters")[1]) == {"digits": 1, "least": 50}
    prints = sorted(c[0] + bytes(12) for c in kept)
    names = sorted(hashlib.sha256(b"letterlock private address\0" + c[1].encode()).digest() for c in kept)
    wrapped = 0
    for by, all_names in (("by-fingerprint", prints), ("by-address", names)):
        seen = set()
        for digit in "0123456789abcdef":
            status, octets = curl(exchange, f"/pks/private/{by}/{digit}")
            got = [name for name, _ in bucket_entries(octets)]
            own = [name for name in all_names if name.hex()[0] == digit]
            after = [name for name in all_names if name.hex()[0] > digit] + [n for n in all_names if n.hex()[0] < digit]
            want = sorted(own + after[:max(0, 50 - len(own))])
            assert status == 200 and got == want, (by, digit, len(got), len(want))
            assert len(got) >= 50 and len(set(got)) == len(got)
            wrapped += len(own) < 50 and digit == "f"
            seen |= set(own)
        assert seen == set(all_names)
        assert curl(exchange, f"/pks/private/{by}/")[0] == 400 and curl(exchange, f"/pks/private/{by}/00")[0] == 400
    assert wrapped >= 1


def test_the_web_key_directory_gives_one_address_only(exchange, gpg):
    """And answers HEAD as GET (draft-koch 3.1)."""
    fingerprint, _ = published(exchange, gpg)
    alice = gpg()
    alice.run("--import", stdin=lookup(exchange, "0x" + fingerprint)[1])
    hashed = re.search(r"([a-z0-9]{32})@example\.org", alice.run("--with-wkd-hash", "--list-keys", fingerprint).stdout.decode())[1]
    path = f"/.well-known/openpgpkey/example.org/hu/{hashed}?l=alice"
    status, head = curl(exchange, path, "-I")
    assert status == 200 and b"Content-Type: application/octet-stream" in head and b"Content-Length: 0" not in head
    assert curl(exchange, "/.well-known/openpgpkey/example.org/policy")[0] == 200
    assert curl(exchange, "/.well-known/openpgpkey/elsewhere.example/policy")[0] == 404
