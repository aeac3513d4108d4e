# SPDX-License-Identifier: ISC
"""Sequoia's sqop with version 4 keys: the same commands, both ways."""
import pytest

TEXT = b"Dear sqop,\nwith best regards\n"


@pytest.fixture(params=["ours", "theirs"])
def pair(request, sop, sqop):
    """A key made by one of the two."""
    if request.param == "ours":
        return sop.key("rfc4880", "Alice <alice@example.org>")
    key = sqop.file(sqop("generate-key", "Bob <bob@example.org>"), ".key")
    return key, sqop.file(sqop("extract-cert", stdin=key.read_bytes()), ".cert")


@pytest.mark.parametrize("mode", ["binary", "text"])
def test_detached(sop, sqop, pair, mode):
    key, cert = pair
    for maker, judge in ((sop, sqop), (sqop, sop)):
        signature = maker.file(maker("sign", f"--as={mode}", key, stdin=TEXT))
        line = judge("verify", signature, cert, stdin=TEXT).split()
        assert len(line) >= 3
        judge("verify", signature, cert, stdin=TEXT + b"x", status=3)


def test_messages(sop, sqop, pair):
    key, cert = pair
    for writer, reader in ((sop, sqop), (sqop, sop)):
        message = writer("encrypt", "--sign-with", key, cert, stdin=TEXT)
        out = reader.new_name()
        assert reader("decrypt", "--verify-with", cert, "--verify-out", out, key, stdin=message) == TEXT
        assert out.read_text().count("\n") == 1


def test_passwords(sop, sqop):
    password = sop.file("correct horse")
    message = sop("encrypt", "--profile=rfc4880", "--with-password", password, stdin=TEXT)
    assert sqop("decrypt", "--with-password", password, stdin=message) == TEXT
    message = sqop("encrypt", "--with-password", password, stdin=TEXT)
    assert sop("decrypt", "--with-password", password, stdin=message) == TEXT


def test_session_key(sop, sqop, pair):
    key, cert = pair
    out = sop.new_name()
    message = sop("encrypt", f"--session-key-out={out}", cert, stdin=TEXT)
    assert sqop("decrypt", "--with-session-key", out, stdin=message) == TEXT
    again = sop.new_name()
    sop("decrypt", f"--session-key-out={again}", key, stdin=message)
    assert out.read_text() == again.read_text()


def test_armor_and_dearmor(sop, sqop, pair):
    key, cert = pair
    binary = sop("dearmor", stdin=cert.read_bytes())
    assert binary == sqop("dearmor", stdin=cert.read_bytes())
    assert sop("dearmor", stdin=sqop("armor", stdin=binary)) == binary
    assert sqop("dearmor", stdin=sop("armor", stdin=binary)) == binary
