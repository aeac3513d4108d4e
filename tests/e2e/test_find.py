# SPDX-License-Identifier: ISC
"""Finding certificates: other people's key servers, private look-ups, bad answers."""
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import pytest

from keyservers import onak, played, publish_by_hkp, sks
from test_client import Person, place, people, stranger  # noqa: F401 (fixtures)


class Gpg:
    """Somebody else's program with a home of its own."""

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="ll-gpg-"))
        self.env = dict(os.environ, GNUPGHOME=str(self.home), LC_ALL="C.UTF-8")

    def run(self, *words, stdin=b""):
        done = subprocess.run(["gpg", "--batch", "--no-tty", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", *words],
                              input=stdin, env=self.env, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def make(self, user_id):
        """Its fingerprint: a key that signs, with a subkey that one can encrypt to."""
        self.run("--quick-generate-key", user_id, "ed25519", "sign", "1y")
        print_ = self.fingerprints(user_id)[0]
        self.run("--quick-add-key", print_, "cv25519", "encr", "1y")
        return print_

    def fingerprints(self, who):
        rows = self.run("--with-colons", "--list-keys", who).decode().splitlines()
        return [row.split(":")[9] for row in rows if row.startswith("fpr:")]

    def export(self, who, armor=True):
        return self.run(*(["--armor"] if armor else []), "--export", who)

    def revoke(self, fingerprint):
        """Publishes nothing: the certificate with its revocation, in this home."""
        text = (self.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
        self.run("--import", stdin=text.replace(":-----BEGIN", "-----BEGIN").encode())

    def stop(self):
        subprocess.run(["gpgconf", "--kill", "all"], env=self.env, check=False, timeout=60)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture(scope="module")
def gpg():
    one = Gpg()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def carol(gpg):
    return gpg.make("Carol Example <carol@example.net>")


@pytest.fixture
def person(exchange, tmp_path):
    """Nobody with an account: only the program and a home."""
    one = Person(exchange, tmp_path, "dave@example.com")
    yield one
    one.stop()


def find(person, *words, want=0):
    return json.loads(person.run("key", "find", *words, "--json", secrets=False, want=want, stderr=False))


# ---- Debian's key servers ----

@pytest.fixture(scope="module", params=[onak, sks], ids=["onak", "sks"])
def keyserver(request, gpg, carol, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param.__name__)
    with request.param(folder, gpg.export(carol, armor=False)) as port:
        assert publish_by_hkp(port, gpg.export(carol).decode()) == 200
        yield f"hkp://127.0.0.1:{port}"


def test_by_address_fingerprint_and_key_id(keyserver, person, carol):
    for who in ("carol@example.net", carol, "0x" + carol[-16:]):
        found = find(person, who, "--server", keyserver, "--allow-clear")
        (row,) = [r for r in found["results"] if r["source"] == "keyserver"]
        assert row["fingerprint"] == carol and row["origin"] == "key server" and not row["private"]
    assert row["outcome"] == "known"
    assert not json.loads(person.run("key", "show", "carol@example.net", "--json", secrets=False, stderr=False))["believed"]


def test_in_clear_only_by_permission(keyserver, person):
    assert "in clear" in person.run("key", "find", "carol@example.net", "--server", keyserver, secrets=False, want=1)


def test_by_name_and_short_key_id_there_are_only_candidates(keyserver, person, carol):
    found = find(person, "Carol Example", "--server", keyserver, "--allow-clear")
    (row,) = found["results"]
    assert row["outcome"] == "candidate" and "carol@example.net" in row["name"]
    assert row["key_id"] == carol[-16:]
    said = person.run("key", "find", carol[-8:], "--server", keyserver, "--allow-clear", secrets=False)
    assert "candidate" in said and "anybody can make a key with these 8 digits" in said
    assert json.loads(person.run("key", "list", "--json", secrets=False, stderr=False)) == []


def test_servers_are_set(keyserver, person, carol):
    assert "in clear" in person.run("key", "servers", keyserver, secrets=False, want=1)
    person.run("key", "servers", keyserver, "--allow-clear", secrets=False)
    assert json.loads(person.run("key", "servers", "--json", secrets=False, stderr=False)) == {"servers": [keyserver], "proxy": ""}
    assert find(person, carol, "--source", "keyserver")["results"][0]["fingerprint"] == carol
    person.run("key", "servers", "--proxy", "socks5h://127.0.0.1:1", secrets=False)  # nobody is there
    person.run("key", "find", carol, "--source", "keyserver", secrets=False, want=3)
    person.run("key", "servers", "--none", "--proxy", "none", secrets=False)
    person.run("key", "find", carol, "--source", "keyserver", secrets=False, want=1)


def test_who_is_not_there_is_said(keyserver, person):
    said = person.run("key", "find", "nobody@example.net", "--server", keyserver, "--allow-clear", secrets=False, want=1)
    assert "no certificate of nobody@example.net was found" in said


# ---- what a server may do wrong ----

@pytest.fixture
def server(tmp_path):
    with played(tmp_path / "server", {}) as one:
        yield one


def ask(person, server, who, *more, want=0, url=None):
    return person.run("key", "find", who, "--server", url or server.url, "--ca-file", server.ca, *more, secrets=False, want=want)


def keys(body):
    return (200, "application/pgp-keys", body)


def test_a_strangers_address_is_not_taken(server, person, gpg, carol):
    """The server gives another certificate than the one that was asked for."""
    server.routes["/pks/v2/certs/by-identity/bob%40example.net"] = keys(gpg.export(carol, armor=False))
    assert "no certificate of bob@example.net" in ask(person, server, "bob@example.net", want=1)
    assert json.loads(person.run("key", "list", "--json", secrets=False, stderr=False)) == []


def test_only_the_user_id_that_was_asked_for_is_taken(server, person, gpg):
    two = gpg.make("Erin <erin@example.net>")
    gpg.run("--quick-add-uid", two, "Erin <erin@example.com>")
    server.routes["/pks/lookup"] = keys(gpg.export(two))
    ask(person, server, "erin@example.com")
    assert json.loads(person.run("key", "show", two, "--json", secrets=False, stderr=False))["addresses"] == ["erin@example.com"]


def test_another_fingerprint_is_not_taken(server, person, gpg, carol):
    server.routes["/pks/lookup"] = keys(gpg.export(carol))
    assert "was found" in ask(person, server, "AB" * 20, want=1)


@pytest.mark.parametrize("answer, status, says", [
    ((200, "text/html", b"<html>Welcome</html>"), 1, "no certificate"),
    ((500, "text/plain", b"oops"), 1, "no certificate"),
    ((200, "application/pgp-keys", b"\x99" + b"A" * (9 << 20)), 1, "larger than"),
    ((302, "text/plain", b"", {"Location": "http://127.0.0.1:1/"}), 1, "not https"),
    ((302, "text/plain", b"", {"Location": "/pks/lookup?again"}), 1, "again and again"),
    ((302, "text/plain", b"", {"Location": "https://127.0.0.2:1/"}), 1, "another host"),
], ids=["page", "fault", "oversize", "to http", "loop", "elsewhere"])
def test_bad_answers(server, person, answer, status, says):
    server.routes["/pks/lookup"] = server.routes["/pks/v2/certs/by-identity/bob%40example.net"] = answer
    assert says in ask(person, server, "bob@example.net", want=None)
    assert len(server.asked) < 20


def test_a_certificate_of_nobody_is_no_reason_to_stop(server, person, gpg, carol):
    """One server's fault does not hide what the other has."""
    server.routes["/pks/lookup"] = keys(gpg.export(carol))
    said = person.run("key", "find", "carol@example.net", "--server", "hkps://localhost:1", "--server", server.url, "--ca-file",
                      server.ca, secrets=False)
    assert carol in said and "localhost:1" in said


def test_a_server_that_nobody_vouches_for(server, person):
    assert "certificate" in person.run("key", "find", "carol@example.net", "--server", server.url, secrets=False, want=3)
    assert server.asked == []


def test_through_a_proxy_nothing_goes_beside_it(server, person):
    """There is no proxy: then nobody is asked."""
    ask(person, server, "bob@example.net", "--proxy", "socks5h://127.0.0.1:1", want=3)
    assert server.asked == []


def test_vks(server, person, gpg, carol):
    server.routes["/vks/v1/by-email/carol%40example.net"] = keys(gpg.export(carol))
    server.routes[f"/vks/v1/by-fingerprint/{carol}"] = keys(gpg.export(carol))
    url = "vks://" + server.host
    for who in ("carol@example.net", carol):
        assert carol in ask(person, server, who, url=url)
    assert [line for line in server.asked if "/vks/" not in line] == []


def test_a_revocation_comes_without_user_id(server, person, gpg):
    """What is known learns that it was revoked, also from a server that serves no addresses."""
    frank = gpg.make("Frank <frank@example.net>")
    server.routes["/pks/lookup"] = keys(gpg.export(frank))
    ask(person, server, "frank@example.net")
    gpg.revoke(frank)
    bare = subprocess.run(["gpg", "--export-filter", "keep-uid=uid = nobody", "--export", frank], env=gpg.env,
                          capture_output=True, check=True).stdout
    assert b"frank@" not in bare
    server.routes["/pks/lookup"] = keys(bare)
    said = ask(person, server, frank)
    assert "changed" in said
    assert "revoked" in person.run("key", "show", frank, secrets=False)


# ---- private look-ups ----

def hkdf(secret, salt, info):
    """RFC 5869 with SHA-256, one block."""
    extracted = hmac.new(salt, secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def padded(certificate):
    inner = struct.pack(">I", len(certificate)) + certificate
    return inner + b"\0" * (-len(inner) % 1024)


def seal(address, certificate):
    """One entry by address, as the protocol says; AES-256-GCM by openssl's library through Python's ssl is not there, so by gpg's."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    name = hashlib.sha256(b"letterlock private address\0" + address.encode()).digest()
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(hkdf(address.encode(), name, b"letterlock private address key")).encrypt(nonce, padded(certificate), None)
    return name, struct.pack(">I", len(sealed)) + sealed


def bucket(entries):
    return (200, "application/octet-stream", b"LLB1" + b"".join(name + rest for name, rest in sorted(entries)))


@pytest.fixture
def private(server):
    pytest.importorskip("cryptography")
    server.routes["/pks/private/parameters"] = (200, "application/json", b'{"digits":1,"least":50}')
    return server


def test_a_private_look_up_names_nobody(private, person, gpg, carol):
    others = [seal(f"somebody{n}@example.net", gpg.export(carol, armor=False)) for n in range(50)]
    mine = seal("carol@example.net", gpg.export(carol, armor=False))
    private.routes[f"/pks/private/by-address/{mine[0].hex()[0]}"] = bucket([mine, *others])
    said = ask(person, private, "Carol@Example.NET", "--verbose")
    assert carol in said and "asked privately" in said and "asking privately" in said
    assert private.asked == ["GET /pks/private/parameters", f"GET /pks/private/by-address/{mine[0].hex()[0]}"]
    assert "private" in json.dumps(find(person, carol, "--source", "store"))


def test_a_private_look_up_by_fingerprint(private, person, gpg, carol):
    certificate = padded(gpg.export(carol, armor=False))
    entry = (bytes.fromhex(carol) + b"\0" * 12, struct.pack(">I", len(certificate)) + certificate)
    private.routes[f"/pks/private/by-fingerprint/{carol[0].lower()}"] = bucket([entry])
    private.routes["/pks/lookup"] = keys(gpg.export(carol))
    ask(person, private, carol)  # not known yet: privately it would come without a name
    assert any(carol in line for line in private.asked)
    private.asked.clear()
    assert "asked privately" in ask(person, private, carol)
    assert not any(carol in line for line in private.asked)


def test_who_is_not_in_the_bucket_is_not_asked_for_by_name(private, person, gpg, carol):
    others = [seal(f"somebody{n}@example.net", gpg.export(carol, armor=False)) for n in range(3)]
    for digit in "0123456789abcdef":
        private.routes[f"/pks/private/by-address/{digit}"] = bucket(others)
    ask(person, private, "bob@example.net", want=1)
    assert len(private.asked) == 2 and not any("bob" in line for line in private.asked)
    ask(person, private, "bob@example.net", "--by-name", want=1)
    assert any("bob" in line for line in private.asked)


@pytest.mark.parametrize("body", [b"", b"LLB2", b"LLB1" + b"\0" * 10, b"LLB1" + b"\0" * 32 + b"\xff\xff\xff\xff",
                                  b"LLB1" + (b"\1" * 32 + b"\0\0\0\0") * 10001], ids=range(5))
def test_a_bad_bucket(private, person, body):
    for digit in "0123456789abcdef":
        private.routes[f"/pks/private/by-address/{digit}"] = (200, "application/octet-stream", body)
    assert "bucket" in ask(person, private, "bob@example.net", want=None)
    assert not any("bob" in line for line in private.asked)


def test_an_entry_that_does_not_open(private, person, gpg, carol):
    """Somebody else's, put under the name of the address."""
    name, rest = seal("carol@example.net", gpg.export(carol, armor=False))
    changed = rest[:40] + bytes([rest[40] ^ 1]) + rest[41:]
    private.routes[f"/pks/private/by-address/{name.hex()[0]}"] = bucket([(name, changed)])
    ask(person, private, "carol@example.net", want=1)
    assert json.loads(person.run("key", "list", "--json", secrets=False, stderr=False)) == []


# ---- our own exchange ----

def test_a_new_certificate_does_not_replace_the_old_one(server, person, gpg):
    old, new = gpg.make("Grace <grace@example.net>"), None
    server.routes["/pks/lookup"] = keys(gpg.export(old))
    ask(person, server, "grace@example.net")
    other = Gpg()
    try:
        new = other.make("Grace <grace@example.net>")
        server.routes["/pks/lookup"] = keys(other.export(new))
        said = ask(person, server, "grace@example.net")
    finally:
        other.stop()
    assert f"new        {new}" in said and "more than one certificate" in said
    shown = json.loads(person.run("key", "show", "grace@example.net", "--json", secrets=False, stderr=False))
    assert shown["fingerprint"] == old
