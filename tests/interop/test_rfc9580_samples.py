# SPDX-License-Identifier: ISC
"""The sample keys and messages of RFC 9580, appendix A; A.6 is in test_signatures.py, and what stands in between in
tests/unit/openpgp/test_samples.c."""
import pytest

HELLO = b"Hello, world!"


def test_a3_and_a4_are_one_key(sop, rfc9580):
    assert sop("extract-cert", "--no-armor", stdin=rfc9580("A.4")) == sop("dearmor", stdin=rfc9580("A.3"))


def test_a5_opens_with_its_passphrase(sop, rfc9580):
    """Each of both keys costs an Argon2 of 2 GiB; without the passphrase it is A.4's, octet by octet."""
    password = sop.file("correct horse battery staple")
    sop("sign", sop.file(rfc9580("A.5")), stdin=HELLO, status=67)
    clear = sop("change-key-password", "--no-armor", "--old-key-password", password, stdin=rfc9580("A.5"),
                timeout=240)
    assert clear == sop("dearmor", stdin=rfc9580("A.4"))


def test_a7_inline_signed(sop, rfc9580):
    out = sop.new_name()
    cert = sop.file(rfc9580("A.3"))
    text = sop("inline-verify", f"--verifications-out={out}", cert, stdin=rfc9580("A.7"))
    assert text == b"What we need from the grocery store:\n\n- tofu\n- vegetables\n- noodles\n"
    line = out.read_text().split()
    assert line[0] == "2022-12-13T16:08:03Z" and line[3] == "mode:text"
    assert line[2] == "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9"


def test_a8_x25519_and_ocb(sop, rfc9580):
    assert sop("decrypt", sop.file(rfc9580("A.4")), stdin=rfc9580("A.8.5")) == HELLO


@pytest.mark.parametrize("section", ["A.9.5", "A.10.5", "A.11.5", "A.12.1", "A.12.2", "A.12.3"])
def test_password_messages(sop, rfc9580, section):
    assert sop("decrypt", "--with-password", sop.file("password"), stdin=rfc9580(section)) == HELLO


def test_one_changed_character_is_refused(sop, rfc9580):
    text = rfc9580("A.10.5").splitlines()
    text[3] = text[3][:20] + ("A" if text[3][20] != "A" else "B") + text[3][21:]
    done = sop("decrypt", "--with-password", sop.file("password"), stdin="\n".join(text) + "\n", status=None)
    assert done.returncode in (29, 41) and done.stdout == b""
