# SPDX-License-Identifier: ISC
"""gosop of Debian 12 (go-crypto) with version 4 keys: the same commands, both ways."""
import pytest

TEXT = "Dear gosop,\nmit besten Grüßen\n".encode()


@pytest.fixture(params=["compatibility", "rfc4880", "theirs"])
def pair(request, sop, gosop):
    """A key made by one of the two."""
    if request.param != "theirs":
        return sop.key(request.param, "Alice <alice@example.org>")
    key = gosop.file(gosop("generate-key", "Bob <bob@example.org>"), ".key")
    return key, gosop.file(gosop("extract-cert", stdin=key.read_bytes()), ".cert")


def test_detached(sop, gosop, pair):
    key, cert = pair
    for maker, judge in ((sop, gosop), (gosop, sop)):
        signature = maker.file(maker("sign", key, stdin=TEXT))
        assert len(judge("verify", signature, cert, stdin=TEXT).split()) >= 3
        assert judge("verify", signature, cert, stdin=TEXT + b"x", status=None).returncode == 3


def test_messages(sop, gosop, pair):
    key, cert = pair
    for writer, reader in ((sop, gosop), (gosop, sop)):
        message = writer("encrypt", "--sign-with", key, cert, stdin=TEXT)
        out = reader.new_name()
        assert reader("decrypt", "--verify-with", cert, "--verify-out", out, key, stdin=message) == TEXT
        assert out.read_text().count("\n") == 1


def test_a_password_and_a_session_key(sop, gosop, pair):
    password = sop.file("correct horse")
    message = sop("encrypt", "--profile=rfc4880", "--with-password", password, stdin=TEXT)
    assert gosop("decrypt", "--with-password", password, stdin=message) == TEXT
    assert sop("decrypt", "--with-password", password, stdin=gosop("encrypt", "--with-password", password, stdin=TEXT)) == TEXT
    out = sop.new_name()
    message = gosop("encrypt", pair[1], stdin=TEXT)
    sop("decrypt", f"--session-key-out={out}", pair[0], stdin=message)
    assert sop("decrypt", f"--with-session-key={out}", stdin=message) == TEXT


def test_keys_that_we_changed(sop, gosop, pair):
    """Unlocked again and brought up to date, it is still a key that gosop knows."""
    key, cert = pair
    password = sop.file("open sesame")
    locked = sop("change-key-password", f"--new-key-password={password}", stdin=key.read_bytes())
    opened = sop("change-key-password", f"--old-key-password={password}", stdin=locked)
    new = sop.file(sop("update-key", "--no-added-capabilities", stdin=opened), ".key")
    fresh = sop.file(sop("extract-cert", stdin=new.read_bytes()), ".cert")
    assert sop("decrypt", new, stdin=gosop("encrypt", fresh, stdin=TEXT)) == TEXT
    assert gosop("decrypt", new, stdin=sop("encrypt", "--profile=rfc4880", fresh, stdin=TEXT)) == TEXT
    sop("verify", gosop.file(gosop("sign", new, stdin=TEXT)), fresh, stdin=TEXT)


def test_armor(sop, gosop, pair):
    binary = sop("dearmor", stdin=pair[1].read_bytes())
    assert gosop("dearmor", stdin=sop("armor", stdin=binary)) == binary
    assert sop("dearmor", stdin=gosop("armor", stdin=binary)) == binary
