# SPDX-License-Identifier: ISC
"""A domain's CA: what it certifies is verified by gpg and sq, believed by sq-wot, and made anew before it ends."""
import glob
import re
import shutil
import subprocess
import time

import pytest

from conftest import Exchange
from processes import eventually
from test_directory import curl, gpg, upload  # noqa: F401

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
CA_USER_ID = "example.org key directory <openpgp-ca@example.org>"
DAY = 86400


def fingerprint_of(text):
    return re.search(r"^Fingerprint: ([0-9A-F ]+)$", text, re.M).group(1).replace(" ", "")


def certifications(home, fingerprint, issuer):
    """(status, made, ends) of those by issuer: '!' is good."""
    rows = home.run("--with-colons", "--check-sigs", fingerprint).stdout.decode().splitlines()
    return [(row.split(":")[1], int(row.split(":")[5]), int(row.split(":")[6] or 0)) for row in rows
            if row.startswith("sig:") and row.split(":")[4] == issuer[-16:]]


def served(exchange, fingerprint):
    return curl(exchange, f"/pks/lookup?op=get&options=mr&search=0x{fingerprint}")[1]


def fetched(exchange, home, fingerprint, issuer):
    """Into a home with the CA's certificate; gpg leaves out others' certifications from key servers unless told."""
    home.run("--import", stdin=exchange.run("directory", "ca", "export", "example.org").stdout.encode())
    home.run("--import", stdin=served(exchange, fingerprint))
    return certifications(home, fingerprint, issuer)


@pytest.fixture(scope="module")
def ca(exchange):
    said = exchange.run("directory", "ca", "new", "example.org").stdout
    return fingerprint_of(said)


def test_what_is_verified_is_certified(exchange, ca, gpg):  # noqa: F811
    alice, other = gpg(), gpg()
    fingerprint = alice.make_key("Alice Liddell <alice@example.org>", "Alice <alice@example.net>")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    eventually(lambda: fetched(exchange, other, fingerprint, ca))
    (status, made, ends), = certifications(other, fingerprint, ca)
    assert status == "!" and ends - made == 90 * DAY and abs(made - time.time()) < 600
    assert other.user_ids(fingerprint) == ["Alice Liddell <alice@example.org>"]
    listed = other.run("--list-options", "show-notations", "--check-sigs", fingerprint).stdout.decode()
    assert "address-verified@example.org=account" in listed
    # Merging the owner's newer upload keeps or makes it again, and there is never more than one.
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    fresh = gpg()
    eventually(lambda: fetched(exchange, fresh, fingerprint, ca))
    assert len(certifications(fresh, fingerprint, ca)) == 1


def test_sending_it_again_takes_no_certification_away(exchange, ca, gpg):  # noqa: F811
    """By anybody, without the certification, with a newer self-signature or a made-up CA: it is there at once, not anew."""
    alice, stranger, other = gpg(), gpg(), gpg()
    fingerprint = alice.make_key("Alice Twice <alice@example.org>")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    eventually(lambda: fetched(exchange, other, fingerprint, ca))
    before = certifications(other, fingerprint, ca)
    assert upload(exchange, alice.export(fingerprint))[0] == 200
    assert len(certifications_in(served(exchange, fingerprint), ca)) == 1
    alice.run("--quick-set-expire", fingerprint, "1y")
    theirs = stranger.make_key(CA_USER_ID)
    assert upload(exchange, stranger.export(theirs))[0] in (200, 202)
    stranger.run("--import", stdin=alice.export(fingerprint))
    stranger.run("--quick-sign-key", fingerprint)
    assert upload(exchange, stranger.export(fingerprint))[0] == 200
    got = served(exchange, fingerprint)
    assert len(certifications_in(got, ca)) == 1 and not certifications_in(got, theirs)
    fresh = gpg()
    assert fetched(exchange, fresh, fingerprint, ca) == before


def test_what_nobody_verified_is_not_certified(exchange, ca, gpg):  # noqa: F811
    home, other, bob = gpg(), gpg(), gpg()
    fingerprint = home.make_key("Bob <bob@example.org>")
    assert upload(exchange, home.export(fingerprint))[0] == 200
    theirs = bob.make_key("The real Bob <bob@example.org>")
    assert upload(exchange, bob.export(theirs), Exchange.BOB)[0] == 200
    eventually(lambda: fetched(exchange, other, theirs, ca))  # it has been at work since
    assert not certifications_in(served(exchange, fingerprint), ca)


def certifications_in(armored, issuer):
    listed = subprocess.run(["gpg", "--list-packets"], input=armored, capture_output=True).stdout.decode()
    return re.findall(rf"keyid {issuer[-16:]}", listed)


def test_the_cas_own_certificate_is_in_the_directory(exchange, ca, gpg):  # noqa: F811
    for path in ["/pks/lookup?op=get&search=openpgp-ca@example.org", "/pks/lookup?op=get&search=0x" + ca]:
        status, body = curl(exchange, path)
        home = gpg()
        home.run("--import", stdin=body)
        assert status == 200 and home.fingerprint("openpgp-ca@example.org") == ca
        assert home.user_ids(ca) == [CA_USER_ID]
    home = gpg()
    home.run("--import", stdin=served(exchange, ca))
    name = re.search(r"^\s+(\w{32})@example\.org$", home.run("--with-wkd-hash", "-k", ca).stdout.decode(), re.M).group(1)
    status, body = curl(exchange, f"/.well-known/openpgpkey/example.org/hu/{name}?l=openpgp-ca")
    assert status == 200 and body[0] in (0x98, 0x99, 0xc6)
    # Its own user ID is not certified by itself once more.
    assert len(certifications_in(served(exchange, ca), ca)) == len(re.findall("signature packet", subprocess.run(
        ["gpg", "--list-packets"], input=served(exchange, ca), capture_output=True).stdout.decode()))


@pytest.mark.skipif(shutil.which("sq") is None or shutil.which("sq-wot") is None, reason="sq or sq-wot is not installed")
def test_sq_wot_believes_it_within_its_domain_only(exchange, ca, gpg, tmp_path):  # noqa: F811
    """Carol believes the CA, for example.org alone."""
    alice = gpg()
    fingerprint = alice.make_key("Alice Wot <alice@example.org>")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    eventually(lambda: certifications_in(served(exchange, fingerprint), ca))
    (tmp_path / "ca").write_text(exchange.run("directory", "ca", "export", "example.org").stdout)
    (tmp_path / "alice").write_bytes(served(exchange, fingerprint))

    def run(*words, check=True):
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done

    run("sq", "key", "generate", "--userid", "Carol <carol@example.net>", "--export", "carol.key")
    carol = re.search(r"Fingerprint: ([0-9A-F]{40})", run("sq", "inspect", "carol.key").stdout).group(1)
    for name, regex in (("ours", r"<[^>]+[@.]example\.org>$"), ("theirs", r"<[^>]+[@.]example\.com>$")):
        run("sq", "certify", "--depth", "1", "--regex", regex, "carol.key", "ca", CA_USER_ID, "--output", "ca." + name)
        run("sq", "keyring", "join", "--output", name, "carol.key", "ca." + name, "alice")
        believed = run("sq-wot", f"--keyring={name}", f"--trust-root={carol}", "authenticate",
                       "Alice Wot <alice@example.org>", fingerprint, check=False)
        assert (believed.returncode == 0) == (name == "ours"), believed.stdout + believed.stderr


def test_words(exchange, ca):
    shown = exchange.run("directory", "ca", "show", "example.org").stdout
    assert fingerprint_of(shown) == ca and "It certifies" in shown
    assert exchange.run("directory", "ca", "new", "example.org", check=False).returncode == 1
    assert exchange.run("directory", "ca", "new", "example.com", check=False).returncode == 1
    assert exchange.run("directory", "ca", "show", "example.com", check=False).returncode == 1
    for words in [["ca"], ["ca", "new"], ["ca", "make", "example.org"], ["ca", "new", "../../x"], ["ca", "new", "a", "b"]]:
        assert exchange.run("directory", *words, check=False).returncode == 2, words
    secret = exchange.data / "keys" / "ca-example.org.pgp"
    assert secret.stat().st_mode & 0o777 == 0o600 and secret.parent.stat().st_mode & 0o777 == 0o700
    exported = exchange.run("directory", "ca", "export", "example.org").stdout
    assert exported.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")


def test_a_key_that_others_may_read_is_not_used(fresh_exchange):
    exchange = fresh_exchange()
    exchange.run("directory", "ca", "new", "example.org")
    (exchange.data / "keys" / "ca-example.org.pgp").chmod(0o644)
    (exchange.data / "keys" / "ca-example.com.pgp").write_bytes(b"no key")
    (exchange.data / "keys" / "ca-example.com.pgp").chmod(0o600)
    eventually(lambda: "parent.key_refused" in exchange.log() and "keys.refused" in exchange.log())


def test_renewed_before_it_ends_and_off_and_revoked(fresh_exchange, gpg):  # noqa: F811
    """The clock goes on by 70 days: what had 90 is certified anew. One process, for faketime needs more than a sandbox has."""
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        pytest.skip("no faketime")
    exchange = fresh_exchange({"processes": '"one"'})
    ca_fingerprint = fingerprint_of(exchange.run("directory", "ca", "new", "example.org").stdout)
    alice, early, late = gpg(), gpg(), gpg()
    fingerprint = alice.make_key("Alice <alice@example.org>")
    assert upload(exchange, alice.export(fingerprint), Exchange.ALICE)[0] == 200
    eventually(lambda: fetched(exchange, early, fingerprint, ca_fingerprint))
    (_, made, _), = certifications(early, fingerprint, ca_fingerprint)
    exchange.stop()
    exchange.start(launcher=["env", f"LD_PRELOAD={library[0]}", "FAKETIME=+70d", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                             "ASAN_OPTIONS=verify_asan_link_order=0"])

    def renewed():
        home = gpg()
        home.run("--import", stdin=exchange.run("directory", "ca", "export", "example.org").stdout.encode())
        home.run("--import", stdin=served(exchange, fingerprint))
        rows = home.run("--with-colons", "--list-sigs", fingerprint).stdout.decode().splitlines()
        times = [int(r.split(":")[5]) for r in rows if r.startswith("sig:") and r.split(":")[4] == ca_fingerprint[-16:]]
        return len(times) == 1 and times[0] - made >= 69 * DAY

    eventually(renewed)
    exchange.stop()
    exchange.start()
    exchange.run("directory", "ca", "off", "example.org")
    assert "It is off" in exchange.run("directory", "ca", "show", "example.org").stdout
    assert exchange.run("directory", "ca", "off", "example.org", check=False).returncode == 1
    assert fingerprint_of(exchange.run("directory", "ca", "new", "example.org").stdout) == ca_fingerprint
    exchange.run("directory", "ca", "revoke", "example.org")
    late.run("--import", stdin=curl(exchange, "/pks/lookup?op=get&search=0x" + ca_fingerprint)[1])
    assert late.run("--with-colons", "--list-keys", ca_fingerprint).stdout.decode().splitlines()[1].startswith("pub:r:")
    assert not list((exchange.data / "keys").iterdir())
    # Another key: what the first one certified is certified anew.
    second = fingerprint_of(exchange.run("directory", "ca", "new", "example.org").stdout)
    assert second != ca_fingerprint
    eventually(lambda: certifications_in(served(exchange, fingerprint), second))
