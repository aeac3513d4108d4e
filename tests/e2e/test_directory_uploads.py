# SPDX-License-Identifier: ISC
"""Uploads to the key directory and the verification of addresses: by gpg, sq and curl."""
import email
import imaplib
import json
import re
import shutil
import subprocess
import time

import pytest

from conftest import Exchange
from test_directory import Gpg, curl, index, keyserver, lookup, upload

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None or shutil.which("dirmngr") is None,
                                reason="gpg and dirmngr are not installed")


@pytest.fixture
def gpg():
    made = []

    def make():
        made.append(Gpg())
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def ours(fresh_exchange):
    """An exchange of its own: an address is sent one letter an hour."""
    return fresh_exchange()


def binary(gpg, of):
    return gpg.run("--export", of).stdout


def send(exchange, path, data, *options, method="POST", type="application/json"):
    """Status, body, header fields."""
    base = f"https://localhost:{exchange.port('https')}"
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", exchange.certificate, "-i", "-X", method, "-H",
                           f"Content-Type: {type}", "-H", "Expect:", "--data-binary", "@-", *options, base + path],
                          input=data if isinstance(data, bytes) else json.dumps(data).encode(), capture_output=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return int(head.split()[1]), body, head.decode()


def letters(exchange, address, at_least=1):
    """All in the inbox; waits until there are so many."""
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
        imap.login(address, exchange.password(address))
        end = time.monotonic() + 20
        while True:
            count = int(imap.select("INBOX")[1][0])
            if count >= at_least or time.monotonic() > end:
                break
            time.sleep(0.05)
        assert count >= at_least, "no letter came"
        return [email.message_from_bytes(imap.fetch(str(n), "(RFC822)")[1][0][1]) for n in range(1, count + 1)]


def open_letter(gpg, letter):
    assert letter.get_content_type() == "multipart/encrypted" and letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_param("protocol") == "application/pgp-encrypted"
    version, sealed = letter.get_payload()
    assert version.get_payload().strip() == "Version: 1"
    return gpg.run("--decrypt", stdin=sealed.get_payload(decode=True)).stdout.decode()


def token_of(text):
    return re.search(r"(?:/verify/|/manage/|token: )([0-9a-f]{40})\b", text).group(1)


# ---- HKP v2 ----

def test_certs_by_v2_say_what_became_of_each(exchange, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    other = alice.make_key("Al <al@elsewhere.example>")
    one = binary(alice, fingerprint)
    names = [{"version": 4, "fingerprint": fingerprint}]
    for want in ["inserted", "ignored"]:
        status, body, _ = send(exchange, "/pks/v2/certs", one, type="application/pgp-keys")
        said = json.loads(body)
        assert status == 200 and said[want] == names and sorted(said) == ["deleted", "ignored", "inserted", "invalid", "updated"]
    alice.run("--passphrase", "", "--pinentry-mode", "loopback", "--quick-add-key", fingerprint, "ed25519", "sign", "1y")
    status, body, _ = send(exchange, "/pks/v2/certs", binary(alice, fingerprint) + binary(alice, other),
                           type="application/pgp-keys")
    said = json.loads(body)
    assert status == 200 and said["updated"] == names and [one["fingerprint"] for one in said["invalid"]] == [other]
    assert send(exchange, "/pks/v2/certs", b"nothing", type="application/pgp-keys")[0] == 422
    assert send(exchange, "/pks/v2/certs", b"x" * (2 << 20), type="application/pgp-keys")[0] == 413


def test_sq_sends(exchange, gpg):
    """sq speaks HKP over TLS only with certificates that the system knows: so over the port without."""
    if shutil.which("sq") is None:
        pytest.skip("sq is not installed")
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    done = subprocess.run(["sq", "--force", "keyserver", "--policy", "insecure", "--server", keyserver(exchange), "send"],
                          input=alice.export(fingerprint), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert lookup(exchange, "0x" + fingerprint)[0] == 200


# ---- letters ----

def eventually_queued(server, recipient, sender, lifetime):
    end = time.monotonic() + 20
    while True:
        found = [m for m in map(json.loads, server.run("queue", "list", "--json").stdout.splitlines())
                 if m["recipients"][0]["recipient"] == recipient]
        if found:
            assert found[0]["sender"] == sender and found[0]["expires"] - found[0]["created"] == lifetime
            return
        assert time.monotonic() < end, "it waits in the queue"
        time.sleep(0.05)


def test_vks_verifies_by_a_letter_to_that_very_key(ours, gpg):
    alice, mallory = gpg(), gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>", "Al <al@elsewhere.example>")
    status, body, _ = send(ours, "/vks/v1/upload", {"keytext": alice.export(fingerprint).decode()})
    said = json.loads(body)
    assert status == 200 and said["key_fpr"] == fingerprint
    assert said["status"] == {"alice@example.org": "unpublished", "al@elsewhere.example": "unpublished"}
    assert index(ours, "alice@example.org") == []
    status, body, _ = send(ours, "/vks/v1/request-verify", {"token": said["token"], "locale": ["en_GB"],
                                                            "addresses": ["alice@example.org"]})
    assert status == 200 and json.loads(body)["status"]["alice@example.org"] == "pending"
    [letter] = letters(ours, Exchange.ALICE)
    assert mallory.run("--decrypt", stdin=letter.get_payload()[1].get_payload(decode=True), check=False).returncode != 0
    text = open_letter(alice, letter)
    assert fingerprint in text and f"https://localhost:{ours.port('https')}/verify/" in text
    # One an hour; to another server by way of the queue, from the null sender, and no longer than it is good.
    status, body, head = send(ours, "/vks/v1/request-verify", {"token": said["token"], "addresses": ["alice@example.org"]})
    assert status == 429 and "Retry-After: 3600" in head and "error" in json.loads(body)
    status, body, _ = send(ours, "/vks/v1/request-verify", {"token": said["token"], "addresses": ["al@elsewhere.example"]})
    assert status == 200 and json.loads(body)["status"]["al@elsewhere.example"] == "pending"
    eventually_queued(ours, "al@elsewhere.example", sender="", lifetime=3600)
    status, body, _ = send(ours, "/vks/v1/request-verify", {"token": said["token"], "addresses": ["al@elsewhere.example"]})
    assert status == 429


def test_a_link_that_is_only_followed_verifies_nothing(ours, gpg):
    """Mail scanners follow links: a GET changes nothing."""
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    said = json.loads(send(ours, "/vks/v1/upload", {"keytext": alice.export(fingerprint).decode()})[1])
    send(ours, "/vks/v1/request-verify", {"token": said["token"], "addresses": ["alice@example.org"]})
    token = token_of(open_letter(alice, letters(ours, Exchange.ALICE)[0]))
    curl(ours, "/verify/" + token)
    assert index(ours, "alice@example.org") == []


def test_hkp_v2_token_puts_the_canonical_certificate(ours, gpg):
    alice, stranger = gpg(), gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    key = binary(alice, fingerprint)
    path = "/pks/v2/canonical/alice@example.org"
    put = {"method": "PUT", "type": "application/pgp-keys"}
    assert curl(ours, path)[0] == 404
    status, _, head = send(ours, path, key, **put)
    assert status == 401 and "WWW-Authenticate: Bearer" in head
    assert send(ours, path, key, "-H", "Authorization: Bearer " + "0" * 40, **put)[0] == 401
    assert send(ours, "/pks/v2/certs", key, type="application/pgp-keys")[0] == 200
    status, body, _ = send(ours, "/pks/v2/sendtoken", b"alice@example.org", type="text/plain")
    assert status == 200 and body == b""
    token = token_of(open_letter(alice, letters(ours, Exchange.ALICE)[0]))
    bearer = ("-H", f"Authorization: Bearer {token}")
    other = stranger.make_key("Alice <alice@example.org>")
    assert send(ours, path, binary(stranger, other), *bearer, **put)[0] == 422       # not the one of the letter
    elsewhere = alice.make_key("Bob <bob@example.org>")
    assert send(ours, path, binary(alice, elsewhere), *bearer, **put)[0] == 422      # not that address
    assert send(ours, "/pks/v2/canonical/bob@example.org", key, *bearer, **put)[0] == 401
    status, body, _ = send(ours, path, key, *bearer, **put)
    assert status == 200 and json.loads(body)["ignored"][0]["fingerprint"] == fingerprint
    assert send(ours, path, key, *bearer, **put)[0] == 401                           # once
    assert [row[1] for row in index(ours, "alice@example.org") if row[0] == "pub"] == [fingerprint]
    assert curl(ours, path)[0] == 200


def test_known_and_unknown_addresses_hear_the_same(ours, gpg):
    """Enumeration: neither the answer nor what is asked again tells whether somebody has an address."""
    one = gpg()
    heard = []
    for address in ["alice@example.org", "nobody@example.org"]:
        fingerprint = one.make_key(f"Somebody <{address}>")
        said = json.loads(send(ours, "/vks/v1/upload", {"keytext": one.export(fingerprint).decode()})[1])
        asked = {"token": said["token"], "addresses": [address]}
        answers = [send(ours, "/vks/v1/request-verify", asked)[:2] for _ in range(2)]
        answers += [send(ours, "/pks/v2/sendtoken", address.encode(), type="text/plain")[:2]]
        heard.append([(status, body.replace(fingerprint.encode(), b"F").replace(address.encode(), b"A"))
                      for status, body in answers])
    assert heard[0] == heard[1]
    assert [status for status, _ in heard[0]] == [200, 429, 429]
    # And of addresses that no certificate has.
    other = [send(ours, "/pks/v2/sendtoken", a, type="text/plain")[:2] for a in [b"bob@example.org", b"none@example.org"]]
    assert other[0] == other[1] == (200, b"")
    assert send(ours, "/pks/v2/sendtoken", b"a@elsewhere.example", type="text/plain")[0] == 200
    assert send(ours, "/pks/v2/sendtoken", b"no address", type="text/plain")[0] == 400


def test_what_waits_is_told_to_nobody_else(ours, gpg):
    """Who has only the bare key, or its fingerprint, does not hear which addresses wait in it."""
    one = gpg()
    fingerprint = one.make_key("Alice <alice@example.org>")
    whole = one.export(fingerprint).decode()
    said = json.loads(send(ours, "/vks/v1/upload", {"keytext": whole})[1])
    assert said["status"] == {"alice@example.org": "unpublished"}
    bare = lookup(ours, "0x" + fingerprint)[1].decode()
    assert json.loads(send(ours, "/vks/v1/upload", {"keytext": bare})[1])["status"] == {}
    # Asked about by name: the same for one that waits in it and one that does not.
    heard = []
    for address in ["alice@example.org", "bob@example.org"]:
        status, body, _ = send(ours, "/vks/v1/request-verify", {"token": said["token"], "addresses": [address]})
        heard.append((status, body.replace(address.encode(), b"A")))
    assert heard[0] == heard[1] and heard[0][0] == 200
    assert len(letters(ours, Exchange.ALICE)) == 1
    assert letters(ours, Exchange.BOB, at_least=0) == []


def test_a_key_that_cannot_be_encrypted_to_gets_no_letter(ours, gpg):
    alice = gpg()
    alice.run("--passphrase", "", "--pinentry-mode", "loopback", "--quick-generate-key", "Alice <alice@example.org>",
              "ed25519", "cert,sign", "1y")
    said = json.loads(send(ours, "/vks/v1/upload", {"keytext": alice.export("alice@example.org").decode()})[1])
    status, body, _ = send(ours, "/vks/v1/request-verify", {"token": said["token"], "addresses": ["alice@example.org"]})
    assert status == 422 and "encrypted" in json.loads(body)["error"]


def test_guessed_tokens(ours):
    for guess in ["", "0" * 40, "f" * 39, "x" * 40, "0" * 4000]:
        status = send(ours, "/pks/v2/canonical/alice@example.org", b"x", "-H", f"Authorization: Bearer {guess}",
                      method="PUT", type="application/pgp-keys")[0]
        assert status == 401, guess


@pytest.mark.parametrize("path,body,status", [
    ("/vks/v1/upload", b"", 400), ("/vks/v1/upload", b"{", 400), ("/vks/v1/upload", b"[]", 400), ("/vks/v1/upload", b"{}", 400),
    ("/vks/v1/upload", b'{"keytext": 5}', 400), ("/vks/v1/upload", b'{"keytext": "xx"}', 400),
    ("/vks/v1/upload", b'{"keytext": "aGVsbG8="}', 422),
    ("/vks/v1/request-verify", b"{}", 400), ("/vks/v1/request-verify", b'{"token": "zz", "addresses": ["a@b"]}', 400),
    ("/vks/v1/request-verify", b'{"token": "' + b"0" * 40 + b'", "addresses": []}', 400),
    ("/vks/v1/request-verify", b'{"token": "' + b"0" * 40 + b'", "addresses": ["a@example.org"]}', 404),
    ("/vks/v1/request-verify", b'{"token": "' + b"0" * 40 + b'", "addresses": [7]}', 400)])
def test_json_that_is_wrong(exchange, path, body, status):
    got, said, head = send(exchange, path, body)
    assert got == status and set(json.loads(said)) == {"error"} and "application/json" in head


# ---- what is kept ----

def test_a_flood_of_signatures_is_refused_at_once(exchange, gpg):
    """Certificate flooding: a hundred thousand signatures cost nothing but a look, and get a sentence."""
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    key = binary(alice, fingerprint)
    user = re.search(rb"\xb4.Alice <alice@example.org>", key)
    signature = b"\x88\x08\x04\x10\x16\x0a\x00\x00\x00\x00"  # a certification without anything
    flood = key[:user.end()] + signature * 100_000 + key[user.end():]
    for data, status in [(flood[:1 << 20], 422), (flood, 422 if len(flood) <= 1 << 20 else 413)]:
        began = time.monotonic()
        got, said, _ = send(exchange, "/pks/v2/certs", data, type="application/pgp-keys")
        assert got == status and time.monotonic() - began < 2
    status, said = upload(exchange, alice.export(fingerprint))
    assert status == 200


def test_1pa3pc_approved_certifications_are_kept(exchange, gpg, tmp_path):
    """sq makes the owner's approval; without one a friend's certification goes."""
    if shutil.which("sq") is None:
        pytest.skip("sq is not installed")
    for name, user in [("alice", "Alice <alice@example.org>"), ("friend", "Friend <friend@elsewhere.example>")]:
        subprocess.run(["sq", "key", "generate", "--userid", user, "--export", tmp_path / name, "--rev-cert",
                        tmp_path / f"{name}.rev"], check=True, capture_output=True)
    subprocess.run(["sq", "certify", "--output", tmp_path / "signed", tmp_path / "friend", tmp_path / "alice",
                    "Alice <alice@example.org>"], check=True, capture_output=True)
    # sq certify gives the certificate; the secret half joins it again.
    merged = tmp_path / "merged"
    merged.write_bytes(subprocess.run(["sq", "keyring", "merge", tmp_path / "alice", tmp_path / "signed"], check=True,
                                      capture_output=True).stdout)
    approved = subprocess.run(["sq", "key", "attest-certifications", "--all", merged], check=True, capture_output=True).stdout
    public = subprocess.run(["sq", "key", "extract-cert"], input=approved, check=True, capture_output=True).stdout
    plain = subprocess.run(["sq", "key", "extract-cert"], input=merged.read_bytes(), check=True, capture_output=True).stdout
    friend = gpg()
    friend.run("--import", stdin=(tmp_path / "friend").read_bytes())
    key_id = friend.fingerprint("friend@elsewhere.example")[-16:]
    reader = gpg()
    for data, kept in [(plain, False), (public, True), (plain, True)]:
        assert upload(exchange, data, Exchange.ALICE)[0] == 200
        fingerprint = next(row[1] for row in index(exchange, "alice@example.org") if row[0] == "pub")
        body = lookup(exchange, "0x" + fingerprint)[1]
        packets = reader.run("--list-packets", stdin=body).stdout.decode()
        assert (f"keyid {key_id}" in packets) == kept
    exchange.run("directory", "remove", fingerprint)


def test_a_revocation_is_not_hidden_by_newer_ones(exchange, gpg):
    """Who stole the key revokes it softly ten times later: the owner's hard revocation stays."""
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    bare = alice.export(fingerprint)
    with open(f"{alice.home}/openpgp-revocs.d/{fingerprint}.rev") as f:
        hard = f.read().partition("\n:")[2].encode()
    assert upload(exchange, bare, Exchange.ALICE)[0] == 200
    assert upload(exchange, hard)[0] == 200
    thief = gpg()
    thief.run("--import", stdin=alice.run("--passphrase", "", "--pinentry-mode", "loopback", "--export-secret-keys",
                                          fingerprint).stdout)
    for _ in range(10):
        done = subprocess.run(["gpg", "--no-tty", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", "--command-fd",
                               "0", "--status-fd", "2", "--gen-revoke", fingerprint], env=thief.env,
                              input=b"y\n3\n\ny\n", capture_output=True, timeout=60)
        assert b"BEGIN PGP" in done.stdout, done.stderr.decode()
        assert upload(exchange, done.stdout)[0] == 200
        time.sleep(1.05)
    packets = alice.run("--list-packets", stdin=lookup(exchange, "0x" + fingerprint)[1]).stdout.decode()
    reasons = re.findall(r"revocation reason 0x(\w\w)", packets)
    assert "00" in reasons and len(reasons) == 8


# ---- taking back ----

def test_unpublishing_is_at_once_and_stays(ours, gpg):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    key = alice.export(fingerprint)
    assert upload(ours, key, Exchange.ALICE)[0] == 200
    ours.run("directory", "unpublish", fingerprint, "alice@example.org")
    assert index(ours, "alice@example.org") == [] and lookup(ours, "0x" + fingerprint)[0] == 200
    assert b"alice" not in alice.run("--dearmor", stdin=lookup(ours, "0x" + fingerprint)[1]).stdout
    assert upload(ours, key)[0] == 200
    assert index(ours, "alice@example.org") == []
    assert upload(ours, key, Exchange.ALICE)[0] == 200  # verified anew
    assert index(ours, "alice@example.org") != []


def test_the_operator_lists_shows_adds_publishes_and_removes(ours, gpg, tmp_path):
    alice = gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>", "Al <al@elsewhere.example>")
    file = tmp_path / "alice.asc"
    file.write_bytes(alice.export(fingerprint))
    assert fingerprint in ours.run("directory", "add", str(file)).stdout
    assert fingerprint in ours.run("directory", "list").stdout
    shown = ours.run("directory", "show", fingerprint).stdout
    assert "held" in shown and "alice@example.org" in shown
    ours.run("directory", "publish", fingerprint, "al@elsewhere.example")
    assert "published" in ours.run("directory", "show", fingerprint).stdout
    assert [row[1] for row in index(ours, "al@elsewhere.example") if row[0] == "pub"] == [fingerprint]
    ours.run("directory", "remove", fingerprint)
    assert lookup(ours, "0x" + fingerprint)[0] == 404 and fingerprint not in ours.run("directory", "list").stdout
    assert ours.run("directory", "show", fingerprint, check=False).returncode != 0
    assert ours.run("directory", "publish", fingerprint, "al@elsewhere.example", check=False).returncode != 0
    assert "certificate" not in ours.run("verify", check=False).stdout.lower().replace("certificates", "")
