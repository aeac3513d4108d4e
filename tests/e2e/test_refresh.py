# SPDX-License-Identifier: ISC
"""Refreshing what is known without showing whom one knows, and publishing to other people's servers."""
import contextlib
import datetime
import json
import sqlite3
import struct
import urllib.parse

import pytest

from keyservers import onak, played, sks
from test_find import Gpg, bucket, find, gpg, keys, padded, person, private, server  # noqa: F401 (fixtures)


def today(days=0):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)).strftime("%Y-%m-%d")


def run(person, server, *words, want=0):
    return person.run("key", *words, "--server", server.url, "--ca-file", server.ca, secrets=False, want=want)


def refresh(person, server, *words, want=0):
    return json.loads(person.run("key", "refresh", *words, "--server", server.url, "--ca-file", server.ca, "--json",
                                 secrets=False, want=want, stderr=False))


@pytest.fixture
def known(person, gpg, tmp_path):
    """Three that the person knows: their fingerprints."""
    prints = [gpg.make(f"Somebody <somebody{n}@{tmp_path.name.replace('_', '-')}.example.net>") for n in range(3)]
    for n, print_ in enumerate(prints):
        (tmp_path / f"{n}.asc").write_bytes(gpg.export(print_))
        person.run("key", "import", tmp_path / f"{n}.asc", secrets=False)
    return prints


def served(gpg, prints):
    def answer(handler):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        wanted = query["search"][0].removeprefix("0x")
        return keys(gpg.export(wanted)) if wanted in prints else None
    return answer


# ---- by the log ----

def test_only_what_changed_is_fetched_and_nobody_is_named(private, person, gpg, known):
    """By the log and by bucket: the server sees neither fingerprints nor addresses."""
    log = [f"{n:08X}" for n in range(100)]
    private.routes[f"/pks/v2/prefixlog/{today()}"] = (200, "text/plain", "".join(line + "\r\n" for line in log).encode())
    run(person, private, "refresh", "--source", "keyserver")  # the first time it only begins
    private.asked.clear()
    gpg.revoke(known[1])
    entries = []
    for print_ in known:
        certificate = padded(gpg.export(print_, armor=False))
        entries.append((bytes.fromhex(print_) + b"\0" * 12, struct.pack(">I", len(certificate)) + certificate))
    for digit in "0123456789abcdef":
        private.routes[f"/pks/private/by-fingerprint/{digit}"] = bucket(entries)
    log.append(known[1][:8])
    private.routes[f"/pks/v2/prefixlog/{today()}"] = (200, "text/plain", "".join(line + "\r\n" for line in log).encode())
    done = refresh(person, private)
    assert done == {"certificates": 1, "changed": 1, "failed": 0}
    assert "revoked" in person.run("key", "show", known[1], secrets=False)
    # The day before too: the server's clock may have been behind ours at midnight.
    assert private.asked[:4] == [f"GET /pks/v2/prefixlog/{today()}", f"GET /pks/v2/prefixlog/{today(1)}",
                                 "GET /pks/private/parameters",
                                 f"GET /pks/private/by-fingerprint/{known[1][0].lower()}"]
    # And by address, for what stands at the user ID; never plainly.
    assert [line.rpartition("/")[0] for line in private.asked[4:]] == ["GET /pks/private", "GET /pks/private/by-address"]
    private.asked.clear()
    log.pop()
    private.routes[f"/pks/v2/prefixlog/{today()}"] = (200, "text/plain", "".join(line + "\r\n" for line in log).encode())
    assert refresh(person, private)["certificates"] == 0 and len(private.asked) == 2


def test_what_failed_is_wanted_again_the_next_time(private, person, gpg, known):
    """A server that breaks down between its log and the key: the day is not done, however many days go by."""
    private.routes[f"/pks/v2/prefixlog/{today()}"] = (200, "text/plain", b"")
    run(person, private, "refresh", "--source", "keyserver")
    with contextlib.closing(sqlite3.connect(person.home / "data/letterlock/certificates/certificates.db")) as db, db:  # as if it had last been done then
        days = datetime.datetime.now(datetime.timezone.utc).timestamp() // 86400 - 3
        assert db.execute("UPDATE settings SET value = ? WHERE CAST(name AS TEXT) LIKE 'refreshed %'", [b"%d" % days]).rowcount == 1
    private.routes[f"/pks/v2/prefixlog/{today(3)}"] = (200, "text/plain", (known[0][:8] + "\r\n").encode())
    for digit in "0123456789abcdef":
        private.routes[f"/pks/private/by-fingerprint/{digit}"] = (503, "text/plain", b"")
    private.routes["/pks/lookup"] = (503, "text/plain", b"")
    for _ in range(2):
        private.asked.clear()
        refresh(person, private)
        assert any("/pks/private/by-fingerprint/" in line for line in private.asked)


@pytest.mark.parametrize("log", [b"<html>", b"0123456\r\n", b"01234567 01234567\r\n", b"A" * (2 << 20)], ids=range(4))
def test_a_bad_log(server, person, known, log):
    server.routes[f"/pks/v2/prefixlog/{today()}"] = (200, "text/plain", log)
    said = run(person, server, "refresh")
    assert "could not be asked for what changed" in said


# ---- one by one ----

def test_a_key_ring_is_not_asked_for_in_one_go(server, person, gpg, known):
    """The first run gives each a time, and asks for none; --all asks for all."""
    server.routes["/pks/lookup"] = served(gpg, known)
    done = refresh(person, server)
    assert done["certificates"] == 0
    assert not any(print_ in line for line in server.asked for print_ in known)
    gpg.revoke(known[0])
    done = refresh(person, server, "--all", "--by-name")
    assert done == {"certificates": 3, "changed": 1, "failed": 0}
    assert "revoked" in person.run("key", "show", known[0], secrets=False)
    server.asked.clear()
    assert refresh(person, server)["certificates"] == 0  # none is due again


def test_one_that_is_named_is_asked_for_at_once(server, person, gpg, known):
    server.routes["/pks/lookup"] = served(gpg, known)
    assert refresh(person, server, known[2], "--by-name") == {"certificates": 1, "changed": 0, "failed": 0}
    assert not any(print_ in line for line in server.asked for print_ in known[:2])


def test_nothing_is_lost_when_a_server_has_less(server, person, gpg, known):
    """It gives the certificate bare, without its revocation and user ID: what we have stays."""
    gpg.revoke(known[0])
    old = gpg.export(known[0])
    server.routes["/pks/lookup"] = keys(old)
    refresh(person, server, known[0], "--by-name")
    other = Gpg()
    try:
        before = person.home / "before.asc"
        before.write_bytes(old)
        bare = gpg.run("--export-options", "export-minimal", "--export-filter", "keep-uid=uid = nobody", "--export", known[1])
        server.routes["/pks/lookup"] = keys(bare)
        assert refresh(person, server, known[1], "--by-name")["changed"] == 0
    finally:
        other.stop()
    assert "revoked" in person.run("key", "show", known[0], secrets=False)
    assert json.loads(person.run("key", "show", known[1], "--json", secrets=False, stderr=False))["addresses"] != []


def test_a_server_that_is_gone(person, known):
    said = person.run("key", "refresh", known[0], "--server", "hkps://localhost:1", "--json", secrets=False)
    assert '"failed": 1' in said


# ---- publishing ----

@pytest.mark.parametrize("kind", [onak, sks], ids=["onak", "sks"])
def test_publish_to_a_key_server(kind, person, gpg, known, tmp_path):
    """And what is there is found again; what was marked as local stays at home."""
    first = gpg.make("First <first@example.net>")
    signer = gpg.make("Signer <signer@example.net>")
    gpg.run("--local-user", signer, "--quick-lsign-key", known[0])
    (tmp_path / "signed.asc").write_bytes(gpg.run("--armor", "--export-options", "export-local-sigs", "--export", known[0]))
    person.run("key", "import", tmp_path / "signed.asc", secrets=False)
    with kind(tmp_path / "server", gpg.export(first, armor=False)) as port:
        url = f"hkp://127.0.0.1:{port}"
        said = person.run("key", "publish", known[0], "--server", url, "--allow-clear", secrets=False)
        assert "took the certificate" in said
        found = find(person, known[0], "--server", url, "--allow-clear")
        assert found["results"][0]["fingerprint"] == known[0]
        fresh = Gpg()
        try:
            fresh.run("--keyserver", url, "--recv-keys", known[0])
            sigs = fresh.run("--with-colons", "--list-sigs", known[0]).decode()
        finally:
            fresh.stop()
        assert signer[-16:] not in sigs


def test_publish_by_vks(server, person, gpg, known):
    address = json.loads(person.run("key", "show", known[0], "--json", secrets=False, stderr=False))["addresses"][0]
    seen = []

    def upload(handler):
        seen.append(json.loads(server.bodies[-1][1]))
        return (200, "application/json", json.dumps({"token": "t0", "key_fpr": known[0], "status": {address: "unpublished"}}).encode())

    def verify(handler):
        seen.append(json.loads(server.bodies[-1][1]))
        return (200, "application/json", json.dumps({"token": "t1", "key_fpr": known[0], "status": {address: "pending"}}).encode())
    server.routes.update({"/vks/v1/upload": upload, "/vks/v1/request-verify": verify})
    said = person.run("key", "publish", known[0], "--server", "vks://" + server.host, "--ca-file", server.ca, secrets=False)
    assert address in said and "a mail comes from the server; follow the link" in said
    assert seen[0]["keytext"].startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert seen[1] == {"token": "t0", "addresses": [address]}


@pytest.mark.parametrize("answer, says", [
    ((503, "application/json", b'{"error":"down for repair"}'), "down for repair"),
    ((200, "application/json", b"[]"), "none of the verifying interface"),
    ((200, "application/json", b'{"token":"x\\u0000y","status":{}}'), ""),
    ((404, "text/html", b"<html>"), "HTTP status 404"),
], ids=["down", "list", "token", "none"])
def test_vks_answers_badly(server, person, known, answer, says):
    server.routes["/vks/v1/upload"] = answer
    said = person.run("key", "publish", known[0], "--server", "vks://" + server.host, "--ca-file", server.ca, secrets=False, want=None)
    assert says in said and "published\n" not in said


def test_publish_by_token(server, person, known, tmp_path):
    """HKP version 2: a token comes by mail, the certificate follows with it."""
    asked = {}

    def send_token(handler):
        asked["address"] = server.bodies[-1][1]
        return (200, "text/plain", b"")

    def canonical(handler):
        fields, body = server.bodies[-1]
        asked["method"], asked["octets"] = handler.command, body
        return (200 if fields["Authorization"] == "Bearer secret-token" else 401, "application/json", b"{}")
    server.routes.update({"/pks/v2/sendtoken": send_token, "/pks/v2/canonical/me%40example.net": canonical})
    words = ("--address", "me@example.net")
    assert "a mail with a token comes" in run(person, server, "publish", known[0], "--send-token", *words)
    assert asked["address"] == b"me@example.net"
    (tmp_path / "token").write_text("secret-token\n")
    assert "published" in run(person, server, "publish", known[0], "--token", tmp_path / "token", *words)
    assert asked["method"] == "PUT" and asked["octets"][0] & 0x80
    (tmp_path / "token").write_text("another\n")
    assert "does not accept this token" in run(person, server, "publish", known[0], "--token", tmp_path / "token", *words, want=1)
    (tmp_path / "token").write_text("a\r\nX-Injected: b\n")
    assert "one word" in run(person, server, "publish", known[0], "--token", tmp_path / "token", *words, want=2)
    server.routes["/pks/v2/canonical/me%40example.net"] = (422, "text/plain", b"")
    (tmp_path / "token").write_text("secret-token\n")
    assert "not one of me@example.net" in run(person, server, "publish", known[0], "--token", tmp_path / "token", *words, want=1)
