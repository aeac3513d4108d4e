# SPDX-License-Identifier: ISC
"""Keys and certificates over their life: passwords, revocation, renewal, merging, certifying, beside gpg, sq and sqop."""
import re
import time

import pytest

from conftest import packets, write_packets

TEXT = b"what was said\n"
ALICE, BOB, CAROL = "Alice <alice@example.org>", "Bob <bob@example.org>", "Carol <carol@example.org>"


def cert_of(sop, key):
    return sop.file(sop("extract-cert", stdin=key.read_bytes()))


def works(sop, key, cert, *passwords):
    """The pair signs, verifies, encrypts and decrypts."""
    words = [f"--with-key-password={p}" for p in passwords]
    signature = sop.file(sop("sign", *words, key, stdin=TEXT))
    sop("verify", signature, cert, stdin=TEXT)
    assert sop("decrypt", *words, key, stdin=sop("encrypt", cert, stdin=TEXT)) == TEXT


def key_types(sop, key):
    return [kind for kind, _ in packets(sop("dearmor", stdin=key.read_bytes()))]


# ---- change-key-password ----

@pytest.mark.parametrize("profile", ["rfc9580", "rfc4880", "compatibility", "security"])
def test_a_password_comes_changes_and_goes(sop, profile):
    key, cert = sop.key(profile, ALICE)
    first, second = sop.file("first one"), sop.file("second one \n")
    locked = sop.file(sop("change-key-password", f"--new-key-password={first}", stdin=key.read_bytes()))
    sop("sign", locked, stdin=TEXT, status=67)
    works(sop, locked, cert, first)
    wrong = sop("change-key-password", f"--old-key-password={second}", stdin=locked.read_bytes(), status=67)
    assert wrong == b""
    again = sop.file(sop("change-key-password", f"--old-key-password={second}", f"--old-key-password={first}",
                         f"--new-key-password={second}", stdin=locked.read_bytes()))
    works(sop, again, cert, second)
    works(sop, again, cert, sop.file("second one"))
    sop("sign", f"--with-key-password={first}", again, stdin=TEXT, status=67)
    opened = sop("change-key-password", "--no-armor", f"--old-key-password={second}", stdin=again.read_bytes())
    assert opened == sop("dearmor", stdin=key.read_bytes())


def test_subkeys_with_passwords_of_their_own(sop):
    """All of the old passwords are tried for each part."""
    key, cert = sop.key("rfc9580", ALICE)
    one, two = sop.file("one"), sop.file("two")
    locked = [packets(sop("change-key-password", "--no-armor", f"--new-key-password={p}", stdin=key.read_bytes()))
              for p in (one, two)]
    mixed = sop.file(write_packets([b if a[0] == 7 else a for a, b in zip(*locked)]))
    sop("change-key-password", f"--old-key-password={one}", stdin=mixed.read_bytes(), status=67)
    sop("change-key-password", f"--old-key-password={two}", stdin=mixed.read_bytes(), status=67)
    whole = sop.file(sop("change-key-password", f"--old-key-password={two}", f"--old-key-password={one}",
                         stdin=mixed.read_bytes()))
    works(sop, whole, cert)


@pytest.mark.parametrize("profile", ["rfc4880", "compatibility"])
def test_gpg_opens_what_we_lock(sop, gpg, profile):
    key, cert = sop.key(profile, ALICE)
    password = sop.file("open sesame")
    gpg("--import", stdin=sop("change-key-password", f"--new-key-password={password}", stdin=key.read_bytes()),
        passphrase="open sesame")
    assert gpg("--decrypt", stdin=sop("encrypt", cert, stdin=TEXT), passphrase="open sesame") == TEXT


def test_we_open_what_gpg_locked(sop, gpg):
    gpg("--quick-generate-key", BOB, "ed25519", "sign", "never", passphrase="from gpg")
    key = gpg("--export-secret-keys", "bob@example.org", passphrase="from gpg")
    opened = sop.file(sop("change-key-password", f"--old-key-password={sop.file('from gpg')}", stdin=key))
    sop("verify", sop.file(sop("sign", opened, stdin=TEXT)), cert_of(sop, opened), stdin=TEXT)


# ---- revoke-key ----

@pytest.mark.parametrize("profile", ["rfc9580", "rfc4880", "compatibility", "security"])
def test_a_revoked_key_is_no_good(sop, profile):
    password = sop.file("open sesame")
    key, cert = sop.key(profile, ALICE, password="open sesame")
    signature = sop.file(sop("sign", f"--with-key-password={password}", key, stdin=TEXT))
    revoked = sop.file(sop("revoke-key", f"--with-key-password={password}", stdin=key.read_bytes()))
    assert revoked.read_bytes().startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    merged = sop.file(sop("merge-certs", revoked, stdin=cert.read_bytes()))
    for c in (merged, revoked):
        sop("encrypt", c, stdin=TEXT, status=17)
        sop("verify", signature, c, stdin=TEXT, status=3)
    kinds = [kind for kind, _ in packets(sop("dearmor", stdin=revoked.read_bytes()))]
    assert kinds[:2] == [6, 2] and (len(kinds) == 2) == (profile in ("rfc9580", "security"))


def test_several_keys_are_revoked_at_once(sop):
    keys = [sop.key(profile, ALICE) for profile in ("rfc9580", "compatibility")]
    revoked = sop.file(sop("revoke-key", stdin=b"".join(key.read_bytes() for key, _ in keys)))
    for _, cert in keys:
        sop("encrypt", sop.file(sop("merge-certs", revoked, stdin=cert.read_bytes())), stdin=TEXT, status=17)


@pytest.mark.parametrize("profile", ["rfc4880", "compatibility"])
def test_gpg_sq_and_sqop_believe_our_revocation(sop, gpg, sq, sqop, profile):
    key, cert = sop.key(profile, ALICE)
    gpg("--import", cert)
    revoked = sop.file(sop("revoke-key", stdin=key.read_bytes()))
    assert b"Revoked" in sq("inspect", revoked)
    signature = sop.file(sop("sign", key, stdin=TEXT))
    sqop("verify", signature, cert, stdin=TEXT)
    sqop("verify", signature, revoked, stdin=TEXT, status=3)
    assert b"\npub:r:" not in gpg("--list-keys", "--with-colons", "alice@example.org")
    gpg("--import", revoked)
    assert b"\npub:r:" in gpg("--list-keys", "--with-colons", "alice@example.org")


def test_openpgpjs_believes_our_revocation(sop, openpgpjs):
    key, cert = sop.key("rfc9580", ALICE)
    revoked = sop("merge-certs", sop.file(sop("revoke-key", stdin=key.read_bytes())), stdin=cert.read_bytes())
    assert openpgpjs("revoked", certs=[cert.read_text(), revoked.decode()])["revoked"] == [False, True]


# ---- update-key ----

def test_a_sha1_key_is_renewed(sop, gpg, sqop):
    gpg("--cert-digest-algo", "SHA1", "--quick-generate-key", BOB, "rsa3072", "sign", "never")
    fpr = re.search(rb"fpr:::::::::([0-9A-F]{40}):", gpg("--list-keys", "--with-colons", "bob@example.org"))[1].decode()
    gpg("--cert-digest-algo", "SHA1", "--quick-add-key", fpr, "rsa3072", "encr", "never")
    old = sop.file(gpg("--export-secret-keys", fpr))
    sop("encrypt", cert_of(sop, old), stdin=TEXT, status=17)
    sop("sign", old, stdin=TEXT, status=79)
    # What these programs do not read is not announced to them.
    new = sop.file(sop("update-key", "--no-added-capabilities", stdin=old.read_bytes()))
    cert = cert_of(sop, new)
    works(sop, new, cert)
    assert sqop("decrypt", new, stdin=sop("encrypt", cert, stdin=TEXT)) == TEXT
    gpg("--import", cert)
    assert gpg("--decrypt", stdin=sop("encrypt", cert, stdin=TEXT)) == TEXT
    # What is up to date stays as it is.
    assert sop("update-key", "--no-added-capabilities", "--no-armor", stdin=new.read_bytes()) == sop("dearmor", stdin=new.read_bytes())


def test_a_weak_subkey_is_revoked_when_asked(sop, gpg):
    gpg("--quick-generate-key", BOB, "rsa3072", "sign", "never")
    fpr = re.search(rb"fpr:::::::::([0-9A-F]{40}):", gpg("--list-keys", "--with-colons", "bob@example.org"))[1].decode()
    gpg("--quick-add-key", fpr, "rsa1024", "encr", "never")
    old = sop.file(gpg("--export-secret-keys", fpr))
    sop("encrypt", cert_of(sop, old), stdin=TEXT, status=17)
    kept = sop.file(sop("update-key", stdin=old.read_bytes()))
    works(sop, kept, cert_of(sop, kept))
    revoked = sop.file(sop("update-key", "--revoke-deprecated-keys", stdin=old.read_bytes()))
    works(sop, revoked, cert_of(sop, revoked))
    gpg("--import", cert_of(sop, kept))
    assert b"\nsub:r:1024:" not in gpg("--list-keys", "--with-colons", fpr)
    gpg("--import", cert_of(sop, revoked))
    listed = gpg("--list-keys", "--with-colons", fpr)
    assert b"\nsub:r:1024:" in listed and listed.count(b"\nsub:") >= 2


@pytest.mark.parametrize("profile", ["rfc9580", "compatibility"])
def test_signing_only_stays_signing_only_when_asked(sop, profile):
    password = sop.file("open sesame")
    key = sop.file(sop("generate-key", f"--profile={profile}", "--signing-only", f"--with-key-password={password}", ALICE))
    words = ["update-key", f"--with-key-password={password}"]
    only = sop.file(sop(*words, "--signing-only", stdin=key.read_bytes()))
    sop("encrypt", cert_of(sop, only), stdin=TEXT, status=17)
    both = sop.file(sop(*words, stdin=key.read_bytes()))
    assert key_types(sop, both).count(7) == key_types(sop, key).count(7) + 1
    works(sop, both, cert_of(sop, both), password)
    # The new subkey is locked as the rest is.
    sop("decrypt", both, stdin=sop("encrypt", cert_of(sop, both), stdin=TEXT), status=67)


def test_capabilities_are_added_unless_told_not_to(sop, gpg):
    """gpg's key announces SEIPDv1 alone: a message to it says which container the updated one asks for."""
    gpg("--quick-generate-key", BOB, "ed25519", "sign", "never")
    fpr = re.search(rb"fpr:::::::::([0-9A-F]{40}):", gpg("--list-keys", "--with-colons", "bob@example.org"))[1].decode()
    gpg("--quick-add-key", fpr, "cv25519", "encr", "never")
    old = gpg("--export-secret-keys", fpr)
    time.sleep(1.1)  # a signature of the same second is outdone by one of the next, which has not come yet
    for options, version in (([], 2), (["--no-added-capabilities"], 1)):
        new = sop.file(sop("update-key", *options, stdin=old))
        message = packets(sop("encrypt", "--no-armor", cert_of(sop, new), stdin=TEXT))
        assert message[-1][0] == 18
        assert message[-1][1][0] == version


def test_update_takes_in_what_others_know(sop):
    key, cert = sop.key("rfc9580", ALICE)
    bob, bob_cert = sop.key("rfc9580", BOB)
    certified = sop.file(sop("certify-userid", f"--userid={ALICE}", bob, stdin=cert.read_bytes()))
    new = sop.file(sop("update-key", f"--merge-certs={certified}", f"--merge-certs={bob_cert}", stdin=key.read_bytes()))
    sop("validate-userid", ALICE, bob_cert, stdin=cert_of(sop, new).read_bytes())
    works(sop, new, cert_of(sop, new))


# ---- merge-certs ----

@pytest.mark.parametrize("profile", ["rfc9580", "compatibility"])
def test_merge_gives_the_union_and_nobody_else(sop, profile):
    _, cert = sop.key(profile, ALICE)
    (bob, bob_cert), (carol, carol_cert) = sop.key(profile, BOB), sop.key("rfc9580", CAROL)
    by_bob = sop("certify-userid", f"--userid={ALICE}", bob, stdin=cert.read_bytes())
    by_carol = sop.file(sop("certify-userid", f"--userid={ALICE}", carol, stdin=cert.read_bytes()))
    merged = sop("merge-certs", by_carol, bob_cert, stdin=by_bob)
    assert [kind for kind, _ in packets(sop("dearmor", stdin=merged))].count(6) == 1
    for authority in (bob_cert, carol_cert):
        sop("validate-userid", ALICE, authority, stdin=merged)
        sop("validate-userid", ALICE, authority, stdin=cert.read_bytes(), status=107)
    # Copies on standard input are one certificate, and the order does not matter.
    assert sop("merge-certs", stdin=by_bob + by_carol.read_bytes() + by_bob).count(b"BEGIN") == 1
    again = sop("merge-certs", "--no-armor", sop.file(merged), stdin=merged)
    assert again == sop("dearmor", stdin=merged)


# ---- certify-userid, validate-userid ----

@pytest.mark.parametrize("profile", ["rfc9580", "rfc4880", "compatibility", "security"])
def test_who_is_certified_is_valid(sop, profile):
    password = sop.file("open sesame")
    alice, alice_cert = sop.key(profile, ALICE, password="open sesame")
    _, bob_cert = sop.key("compatibility", BOB, "Bob at work <bob@work.example>")
    words = ["certify-userid", f"--with-key-password={password}"]
    certified = sop(*words, f"--userid={BOB}", alice, stdin=bob_cert.read_bytes())
    sop("validate-userid", BOB, alice_cert, stdin=certified)
    sop("validate-userid", "--addr-spec-only", "bob@example.org", alice_cert, stdin=certified)
    for words, status in (([BOB, bob_cert], 0), (["Bob at work <bob@work.example>", alice_cert], 107),
                          (["bob@example.org", alice_cert], 107), (["--addr-spec-only", BOB, alice_cert], 107),
                          (["--addr-spec-only", "ob@example.org", alice_cert], 107),
                          (["--validate-at=2001-01-01", BOB, alice_cert], 107), (["--validate-at=now", BOB, alice_cert], 0)):
        sop("validate-userid", *words, stdin=certified, status=status)
    # Every certificate of standard input must be it.
    sop("validate-userid", BOB, alice_cert, stdin=certified + alice_cert.read_bytes(), status=107)


def test_several_certifiers_and_user_ids_in_one_call(sop):
    (alice, alice_cert), (carol, carol_cert) = sop.key("rfc9580", ALICE), sop.key("compatibility", CAROL)
    _, bob_cert = sop.key("rfc9580", BOB, "Robert <robert@example.org>")
    certified = sop("certify-userid", f"--userid={BOB}", "--userid=Robert <robert@example.org>", alice, carol,
                    stdin=bob_cert.read_bytes())
    for cert in (alice_cert, carol_cert):
        for user_id in (BOB, "Robert <robert@example.org>"):
            sop("validate-userid", user_id, cert, stdin=certified)


def test_only_what_the_owner_says_unless_told_otherwise(sop):
    alice, alice_cert = sop.key("rfc9580", ALICE)
    _, bob_cert = sop.key("rfc9580", BOB)
    words = ["certify-userid", "--userid=Robert <robert@example.org>"]
    sop(*words, alice, stdin=bob_cert.read_bytes(), status=107)
    certified = sop(*words, "--no-require-self-sig", alice, stdin=bob_cert.read_bytes())
    assert b"Robert" in sop("dearmor", stdin=certified)
    # To certify is not to bind: for others it counts once the owner says it himself.
    sop("validate-userid", "Robert <robert@example.org>", alice_cert, stdin=certified, status=107)
    assert sop("encrypt", sop.file(certified), stdin=TEXT)


def test_an_expired_or_revoked_authority_says_nothing(sop, gpg):
    gpg("--quick-generate-key", ALICE, "ed25519", "cert", "seconds=4")
    alice = sop.file(gpg("--export-secret-keys", "alice@example.org"))
    _, bob_cert = sop.key("compatibility", BOB)
    certified = sop("certify-userid", f"--userid={BOB}", alice, stdin=bob_cert.read_bytes())
    sop("validate-userid", BOB, cert_of(sop, alice), stdin=certified)
    time.sleep(5)
    sop("validate-userid", BOB, cert_of(sop, alice), stdin=certified, status=107)
    sop("certify-userid", f"--userid={BOB}", alice, stdin=bob_cert.read_bytes(), status=109)
    revoked = sop.file(sop("revoke-key", stdin=alice.read_bytes()))
    sop("validate-userid", BOB, revoked, stdin=certified, status=107)


@pytest.mark.parametrize("profile", ["rfc9580", "compatibility"])
def test_an_older_copy_of_a_revoked_authority_says_nothing(sop, profile):
    key, cert = sop.key(profile, ALICE)
    revoked = sop.file(sop("merge-certs", sop.file(sop("revoke-key", stdin=key.read_bytes())), stdin=cert.read_bytes()))
    sop("validate-userid", ALICE, cert, stdin=cert.read_bytes())
    sop("validate-userid", ALICE, revoked, stdin=cert.read_bytes(), status=107)


@pytest.mark.parametrize("profile", ["rfc4880", "compatibility"])
def test_gpg_sees_our_certification_and_we_see_gpgs(sop, gpg, profile):
    alice, alice_cert = sop.key(profile, ALICE)
    _, bob_cert = sop.key(profile, BOB)
    gpg("--import", alice)
    gpg("--import", stdin=sop("certify-userid", f"--userid={BOB}", alice, stdin=bob_cert.read_bytes()))
    assert re.search(rb"\nsig:!::[^\n]*Alice", gpg("--check-sigs", "--with-colons", "bob@example.org"))
    _, carol_cert = sop.key(profile, CAROL)
    gpg("--import", carol_cert)
    fpr = re.search(rb"fpr:::::::::([0-9A-F]{40}):", gpg("--list-keys", "--with-colons", "carol@example.org"))[1].decode()
    gpg("--quick-sign-key", fpr)
    sop("validate-userid", CAROL, alice_cert, stdin=gpg("--export", fpr))


def test_sqs_certification_is_valid(sop, sq):
    alice, alice_cert = sop.key("compatibility", ALICE)
    _, bob_cert = sop.key("compatibility", BOB)
    sop("validate-userid", BOB, alice_cert, stdin=sq("certify", alice, bob_cert, BOB))


def test_a_certification_that_was_taken_back(sop, gpg):
    alice, alice_cert = sop.key("compatibility", ALICE)
    _, bob_cert = sop.key("compatibility", BOB)
    gpg("--import", alice)
    gpg("--import", bob_cert)
    fpr = re.search(rb"fpr:::::::::([0-9A-F]{40}):", gpg("--list-keys", "--with-colons", "bob@example.org"))[1].decode()
    gpg("--quick-sign-key", fpr)
    sop("validate-userid", BOB, alice_cert, stdin=gpg("--export", fpr))
    gpg("--quick-revoke-sig", fpr, "alice@example.org")
    sop("validate-userid", BOB, alice_cert, stdin=gpg("--export", fpr), status=107)
