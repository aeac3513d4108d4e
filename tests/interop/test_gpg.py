# SPDX-License-Identifier: ISC
"""GnuPG 2.2 with version 4 keys, both ways."""
import pytest

TEXT = b"Dear gpg,\nhow are you?\r\nBlob: \x00\x01\xff\n"


@pytest.fixture
def ours(sop, gpg):
    key, cert = sop.key("rfc4880", "Alice <alice@example.org>")
    gpg("--import", cert)
    return key, cert


@pytest.fixture(params=["ed25519", "rsa3072"])
def theirs(request, sop, gpg):
    sign, encrypt = ("ed25519", "cv25519") if request.param == "ed25519" else ("rsa3072", "rsa3072")
    gpg("--quick-generate-key", "Bob <bob@example.org>", sign, "sign", "never")
    fingerprint = gpg("--list-keys", "--with-colons", "bob@example.org").decode().split("fpr:::::::::")[1].split(":")[0]
    gpg("--quick-add-key", fingerprint, encrypt, "encr", "never")
    return (sop.file(gpg("--export-secret-keys", fingerprint)), sop.file(gpg("--armor", "--export", fingerprint)))


def test_it_verifies_our_signature(sop, gpg, ours):
    signature = sop.file(sop("sign", ours[0], stdin=TEXT))
    data = sop.file(TEXT)
    assert "GOODSIG" in gpg.status_of("--verify", signature, data)
    data.write_bytes(TEXT + b"x")
    assert "BADSIG" in gpg.status_of("--verify", signature, data)


def test_it_verifies_our_text_signature(sop, gpg, ours):
    signature = sop.file(sop("sign", "--as=text", ours[0], stdin=b"one\ntwo\n"))
    assert "GOODSIG" in gpg.status_of("--verify", signature, sop.file(b"one\r\ntwo\r\n"))


def test_we_verify_its_signature(sop, gpg, theirs):
    for mode in ([], ["--textmode"]):
        signature = sop.file(gpg("--detach-sign", *mode, "-u", "bob@example.org", stdin=TEXT))
        assert sop("verify", signature, theirs[1], stdin=TEXT).count(b"\n") == 1
        sop("verify", signature, theirs[1], stdin=TEXT + b"x", status=3)


def test_it_opens_our_message(sop, gpg, ours, theirs):
    message = sop("encrypt", "--profile=rfc4880", "--sign-with", ours[0], theirs[1], stdin=TEXT)
    assert gpg("--decrypt", stdin=message) == TEXT
    assert "GOODSIG" in gpg.status_of("--decrypt", stdin=message)


def test_it_opens_with_our_exported_key_by_default(sop, gpg, ours):
    gpg("--import", ours[0])
    assert gpg("--decrypt", stdin=sop("encrypt", ours[1], stdin=TEXT)) == TEXT


def test_we_open_its_message(sop, gpg, ours, theirs):
    for compress in ("uncompressed", "zip", "zlib", "bzip2"):
        message = gpg("--encrypt", "--sign", "--compress-algo", compress, "-u", "bob@example.org", "-r",
                      "alice@example.org", "-r", "bob@example.org", stdin=TEXT * 100)
        for key in (ours[0], theirs[0]):
            out = sop.new_name()
            assert sop("decrypt", "--verify-with", theirs[1], f"--verifications-out={out}", key,
                       stdin=message) == TEXT * 100
            assert out.read_text().count("\n") == 1


def test_hidden_recipients(sop, gpg, ours):
    message = gpg("--encrypt", "--throw-keyids", "-r", "alice@example.org", stdin=TEXT)
    assert sop("decrypt", ours[0], stdin=message) == TEXT


def test_our_locked_key_opens_there(sop, gpg):
    key, cert = sop.key("rfc4880", "Carol <carol@example.org>", password="open sesame")
    gpg("--import", key, passphrase="open sesame")
    signature = gpg("--detach-sign", "-u", "carol@example.org", stdin=TEXT, passphrase="open sesame")
    sop("verify", sop.file(signature), cert, stdin=TEXT)


def test_its_locked_key_opens_here(sop, gpg):
    gpg("--quick-generate-key", "Dan <dan@example.org>", "default", "default", "never", passphrase="open sesame")
    key = sop.file(gpg("--export-secret-keys", "dan@example.org", passphrase="open sesame"))
    sop("sign", key, stdin=TEXT, status=67)
    sop("sign", "--with-key-password", sop.file("wrong"), key, stdin=TEXT, status=67)
    signature = sop("sign", "--with-key-password", sop.file("open sesame\n"), key, stdin=TEXT)
    assert "GOODSIG" in gpg.status_of("--verify", sop.file(signature), sop.file(TEXT))


def test_passwords_both_ways(sop, gpg):
    password = sop.file("correct horse")
    message = sop("encrypt", "--profile=rfc4880", "--with-password", password, stdin=TEXT)
    assert gpg("--decrypt", stdin=message, passphrase="correct horse") == TEXT
    message = gpg("--symmetric", "--cipher-algo", "AES256", stdin=TEXT, passphrase="correct horse")
    assert sop("decrypt", "--with-password", password, stdin=message) == TEXT
    sop("decrypt", "--with-password", sop.file("wrong"), stdin=message, status=29)


def test_revoked_key_is_refused(sop, gpg, theirs):
    signature = sop.file(gpg("--detach-sign", "-u", "bob@example.org", stdin=TEXT))
    fingerprint = sop("verify", signature, theirs[1], stdin=TEXT).split()[2].decode()
    revocation = (gpg.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
    gpg("--import", stdin=revocation.replace(":-----BEGIN", "-----BEGIN"))
    revoked = sop.file(gpg("--export", fingerprint))
    sop("verify", signature, revoked, stdin=TEXT, status=3)
    sop("encrypt", revoked, stdin=TEXT, status=17)
