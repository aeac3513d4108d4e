# SPDX-License-Identifier: ISC
"""Exit statuses, indirect arguments and dates of the interface, and the pitfalls that show there."""
import os

import pytest

TEXT = b"what was said\n"


@pytest.fixture
def alice(sop):
    return sop.key("rfc9580", "Alice <alice@example.org>")


def test_statuses_of_wrong_use(sop, alice):
    key, cert = alice
    sop("no-such-thing", status=69)
    sop("sign", "--no-such-option", key, status=37)
    sop("sign", status=19)
    sop("encrypt", status=19)
    sop("generate-key", "--profile=none", status=89)
    sop("list-profiles", "sign", status=89)
    sop("sign", sop.folder / "nowhere", stdin=TEXT, status=61)
    sop("sign", "@HARDWARE:x", stdin=TEXT, status=71)
    sop("sign", "@ENV:NOT_SET_ANYWHERE", stdin=TEXT, status=61)
    sop("sign", cert, stdin=TEXT, status=41)
    sop("extract-cert", stdin=cert.read_bytes(), status=41)
    sop("sign", "--as=text", key, stdin=b"\xff\xfe", status=53)
    sop("sign", f"--micalg-out={key}", key, stdin=TEXT, status=59)
    sop("encrypt", "--with-password", sop.file(b"\xff\xff"), stdin=TEXT, status=31)
    sop("decrypt", "--verifications-out=x", key, stdin=TEXT, status=23)
    sop("version", "--backend", "--extended", status=83)
    sop("decrypt", key, stdin=b"garbage", status=41)
    sop("verify", sop.file(b"garbage"), cert, stdin=TEXT, status=41)


def test_a_key_only_for_signing_cannot_be_encrypted_to(sop):
    key = sop.file(sop("generate-key", "--signing-only", "Bob <bob@example.org>"))
    sop("encrypt", sop.file(sop("extract-cert", stdin=key.read_bytes())), stdin=TEXT, status=17)


def test_another_key_cannot_decrypt(sop, alice):
    other, _ = sop.key("rfc9580", "Mallory <mallory@example.org>")
    sop("decrypt", other, stdin=sop("encrypt", alice[1], stdin=TEXT), status=29)


def test_indirect_arguments(sop, alice):
    key, cert = alice
    signature = sop.file(sop("sign", "@ENV:ALICE", stdin=TEXT, env={**os.environ, "ALICE": key.read_text()}))
    reading, writing = os.pipe()
    os.write(writing, cert.read_bytes())
    os.close(writing)
    sop("verify", signature, f"@FD:{reading}", stdin=TEXT, pass_fds=(reading,))
    os.close(reading)


def test_dates(sop, alice):
    signature = sop.file(sop("sign", alice[0], stdin=TEXT))
    for option, status in (("--not-before=now", None), ("--not-before=2099-01-01T00:00:00Z", 3),
                           ("--not-after=2001-01-01T00:00:00Z", 3), ("--not-after=-", 0), ("--not-before=-", 0)):
        done = sop("verify", option, signature, alice[1], stdin=TEXT, status=None)
        assert status is None or done.returncode == status


def test_micalg(sop, alice):
    out = sop.new_name()
    sop("sign", f"--micalg-out={out}", alice[0], stdin=TEXT)
    assert out.read_text() == "pgp-sha512"


def test_large_data_streams(sop, alice):
    data = os.urandom(1 << 20) * 5 + b"x"
    for profile in ("rfc9580", "rfc4880"):
        message = sop("encrypt", f"--profile={profile}", "--no-armor", "--sign-with", alice[0], alice[1], stdin=data)
        out = sop.new_name()
        assert sop("decrypt", "--verify-with", alice[1], f"--verifications-out={out}", alice[0], stdin=message) == data
        assert out.read_text().count("\n") == 1


def test_pitfall_openpgp_1_changed_message_gives_no_unproven_text(sop, alice):
    """EFAIL: of SEIPDv1 nothing comes out before all of it is proven."""
    data = b"A" * 300000
    message = bytearray(sop("encrypt", "--profile=rfc4880", "--no-armor", alice[1], stdin=data))
    message[len(message) // 2] ^= 1
    done = sop("decrypt", alice[0], stdin=bytes(message), status=None)
    assert done.returncode == 41 and done.stdout == b""
    whole = sop("encrypt", "--profile=rfc4880", "--no-armor", alice[1], stdin=data)
    done = sop("decrypt", alice[0], stdin=whole[:-30], status=None)
    assert done.returncode == 41 and done.stdout == b""


def test_pitfall_openpgp_7_detached_and_inline_are_not_exchanged(sop, alice):
    message = sop("encrypt", alice[1], stdin=TEXT)
    sop("verify", sop.file(message), alice[1], stdin=TEXT, status=41)
    signature = sop("sign", alice[0], stdin=TEXT)
    sop("decrypt", alice[0], stdin=signature, status=41)


def test_pitfall_openpgp_7_several_blocks_and_trailing_text(sop, alice):
    bob = sop.key("rfc4880", "Bob <bob@example.org>")
    both = sop.file(alice[1].read_bytes() + b"\n" + bob[1].read_bytes())
    message = sop("encrypt", both, stdin=TEXT)
    for key in (alice[0], bob[0]):
        assert sop("decrypt", key, stdin=message) == TEXT
    sop("decrypt", alice[0], stdin=message + message, status=41)
