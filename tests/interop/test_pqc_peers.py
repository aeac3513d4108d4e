# SPDX-License-Identifier: ISC
"""RFC 9980, post-quantum OpenPGP, where libcrypto has ML-KEM and ML-DSA: the RFC's own samples, and both ways with gosop 1.1
and @protontech/openpgp. Elsewhere all of it is skipped: script/test-sid runs it in a Debian sid root.
"""
import re
import shutil
import subprocess

import pytest

from conftest import Sop, build_folder, run
from test_pqc import SAMPLES, TEXT, USER

PROTON = "@protontech/openpgp"


def has_both():
    try:
        program = build_folder() / "letterlock"
    except pytest.skip.Exception:
        return False
    return subprocess.run([program, "sop", "generate-key", "--profile=rfc9980"], capture_output=True).returncode == 0


if not has_both():
    pytest.skip("libcrypto has neither ML-KEM nor ML-DSA: OpenSSL 3.5 or later has, see script/test-sid",
                allow_module_level=True)


@pytest.fixture
def gosop(tmp_path):
    version = run(["gosop", "version"]).decode() if shutil.which("gosop") else ""
    if not re.match(r"gosop [1-9]", version):
        pytest.skip("no gosop that knows RFC 9980 (Debian package gosop, 1.1 of sid)")
    folder = tmp_path / "gosop"
    folder.mkdir()
    return Sop(["gosop"], folder)


@pytest.fixture(params=["ours", "A.3.1", "A.4.1", "A.2.1", "A.1.1"])
def key(request, sop, rfc9980):
    """(secret key, certificate): one that we make, and those of the appendix."""
    if request.param == "ours":
        return sop.key("rfc9980", USER)
    secret = sop.file(rfc9980(request.param))
    return secret, sop.file(sop("extract-cert", stdin=secret.read_bytes()))


# ---- the appendix ----

@pytest.mark.parametrize("name", SAMPLES)
def test_messages_of_the_appendix(sop, rfc9980, name):
    secret, public, messages, _ = SAMPLES[name]
    for section in messages:
        out = sop.new_name()
        text = sop("decrypt", "--verify-with", sop.file(rfc9980(public)), f"--verifications-out={out}",
                   sop.file(rfc9980(secret)), stdin=rfc9980(section))
        assert text == b"Testing\n"
        assert out.read_text().count("\n") == 1


@pytest.mark.parametrize("name", ["ML-DSA-65", "ML-DSA-87"])
def test_detached_signature_of_the_appendix(sop, rfc9980, name):
    _, public, _, signature = SAMPLES[name]
    assert sop("verify", sop.file(rfc9980(signature)), sop.file(rfc9980(public)), stdin="Testing\n").count(b"\n") == 1
    sop("verify", sop.file(rfc9980(signature)), sop.file(rfc9980(public)), stdin="Testing", status=3)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_changed_message_is_refused(sop, rfc9980, name):
    secret, _, messages, _ = SAMPLES[name]
    packets = bytearray(sop("dearmor", stdin=rfc9980(messages[0])))
    key = sop.file(rfc9980(secret))
    for at in (60, 400, 1100, len(packets) - 20):
        packets[at] ^= 4
        done = sop("decrypt", key, stdin=bytes(packets), status=None)
        assert done.returncode in (29, 41) and done.stdout == b"", at
        packets[at] ^= 4


# ---- gosop ----

def test_gosop_verifies_our_signature(sop, gosop, key):
    signature = gosop.file(sop("sign", key[0], stdin=TEXT))
    assert gosop("verify", signature, key[1], stdin=TEXT).count(b"\n") == 1
    gosop("verify", signature, key[1], stdin=TEXT + "x", status=3)


def test_we_verify_gosops_signature(sop, gosop, key):
    signature = sop.file(gosop("sign", key[0], stdin=TEXT))
    assert sop("verify", signature, key[1], stdin=TEXT).count(b"\n") == 1
    sop("verify", signature, key[1], stdin=TEXT + "x", status=3)


@pytest.mark.parametrize("profile", ["rfc9580", "rfc4880"])
def test_gosop_opens_our_message(sop, gosop, key, profile):
    message = sop("encrypt", f"--profile={profile}", "--sign-with", key[0], key[1], stdin=TEXT)
    out = gosop.new_name()
    assert gosop("decrypt", "--verify-with", key[1], f"--verifications-out={out}", key[0], stdin=message) == TEXT.encode()
    assert out.read_text().count("\n") == 1


@pytest.mark.parametrize("profile", ["rfc9580", "rfc4880"])
def test_we_open_gosops_message(sop, gosop, key, profile):
    message = gosop("encrypt", f"--profile={profile}", "--sign-with", key[0], key[1], stdin=TEXT)
    out = sop.new_name()
    assert sop("decrypt", "--verify-with", key[1], f"--verifications-out={out}", key[0], stdin=message) == TEXT.encode()
    assert out.read_text().count("\n") == 1


def test_gosop_reads_our_locked_key(sop, gosop):
    key, cert = sop.key("rfc9980", USER, password="walnuts")
    signature = gosop("sign", "--with-key-password", gosop.file("walnuts"), key, stdin=TEXT)
    assert sop("verify", sop.file(signature), cert, stdin=TEXT).count(b"\n") == 1


def test_one_message_for_old_and_new(sop, gosop, key):
    """Both kinds of recipient; gosop's key is of version 6 and Curve25519."""
    old = gosop.file(gosop("generate-key", "--profile=rfc9580", "Bob <bob@example.org>"))
    cert = gosop.file(gosop("extract-cert", stdin=old.read_bytes()))
    message = sop("encrypt", key[1], cert, stdin=TEXT)
    assert gosop("decrypt", old, stdin=message) == TEXT.encode()
    assert gosop("decrypt", key[0], stdin=message) == TEXT.encode()
    assert sop("decrypt", key[0], stdin=message) == TEXT.encode()


# ---- @protontech/openpgp: ML-DSA-65+Ed25519 and ML-KEM-768+X25519 ----

@pytest.fixture
def proton(openpgpjs):
    return lambda action, **values: openpgpjs(action, module=PROTON, **values)


def lines(text):
    return text.decode().replace("\r\n", "\n")


def good(signatures):
    return len(signatures) == 1 and not signatures[0].startswith("bad: ")


@pytest.fixture(params=["ours", "A.3.1", "A.1.1"])
def known(request, sop, rfc9980):
    if request.param == "ours":
        return sop.key("rfc9980", USER)
    secret = sop.file(rfc9980(request.param))
    return secret, sop.file(sop("extract-cert", stdin=secret.read_bytes()))


@pytest.fixture
def theirs(sop, proton):
    made = proton("generate", v6=True, type="pqc")
    return sop.file(made["key"]), sop.file(made["cert"])


def test_proton_reads_what_we_make(sop, proton, known):
    signature = sop("sign", "--as=text", known[0], stdin=TEXT).decode()
    assert good(proton("verify", text=TEXT, signature=signature, certs=[known[1].read_text()])["signatures"])
    assert not good(proton("verify", text=TEXT + "x", signature=signature, certs=[known[1].read_text()])["signatures"])
    # Not signed inside: it does not know the critical subpacket for intended recipients (RFC 9580 section 5.2.3.36).
    message = sop("encrypt", known[1], stdin=TEXT).decode()
    assert proton("decrypt", message=message, key=known[0].read_text())["text"] == TEXT


def test_we_read_what_proton_makes_for_our_key(sop, proton, known):
    got = proton("encrypt", text=TEXT, certs=[known[1].read_text()], key=known[0].read_text())
    out = sop.new_name()
    text = sop("decrypt", "--verify-with", known[1], f"--verifications-out={out}", known[0], stdin=got["message"])
    assert lines(text) == TEXT and out.read_text().count("\n") == 1


def test_protons_key_in_our_hands(sop, proton, theirs):
    signature = sop("sign", "--as=text", theirs[0], stdin=TEXT).decode()
    assert good(proton("verify", text=TEXT, signature=signature, certs=[theirs[1].read_text()])["signatures"])
    signature = sop.file(proton("sign", text=TEXT, key=theirs[0].read_text())["signature"])
    assert sop("verify", signature, theirs[1], stdin=TEXT).count(b"\n") == 1
    message = sop("encrypt", theirs[1], stdin=TEXT).decode()
    assert proton("decrypt", message=message, key=theirs[0].read_text())["text"] == TEXT
    message = proton("encrypt", text=TEXT, certs=[theirs[1].read_text()])["message"]
    assert lines(sop("decrypt", theirs[0], stdin=message)) == TEXT
