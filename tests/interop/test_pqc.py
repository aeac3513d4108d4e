# SPDX-License-Identifier: ISC
"""RFC 9980, post-quantum OpenPGP, with every libcrypto: what can be read without ML-KEM and ML-DSA, and what is said.

What needs them is in test_pqc_peers.py.
"""
import re

import pytest

TEXT = "Der Walnussbaum steht noch.\n"
USER = "Alice <alice@example.org>"
NEEDED = re.compile(r"ML-(KEM|DSA)-[0-9+A-Zx]+.* 3\.5 or later")
# Secret key, certificate, messages, detached signature.
SAMPLES = {
    "v6 ML-KEM-768": ("A.1.1", "A.1.2", ["A.1.3"], None),
    "v4 ML-KEM-768": ("A.2.1", "A.2.2", ["A.2.3", "A.2.4"], None),
    "ML-DSA-65": ("A.3.1", "A.3.2", ["A.3.3"], "A.3.4"),
    "ML-DSA-87": ("A.4.1", "A.4.2", ["A.4.3"], "A.4.4"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_certificate_of_the_appendix(sop, rfc9980, name):
    secret, public, _, _ = SAMPLES[name]
    assert sop("extract-cert", "--no-armor", stdin=rfc9980(secret)) == sop("dearmor", stdin=rfc9980(public))


@pytest.mark.parametrize("name", SAMPLES)
def test_messages_of_the_appendix_by_session_key(sop, rfc9980, name):
    for section in SAMPLES[name][2]:
        session = sop.file("9:" + rfc9980.session_key(section).upper())
        assert sop("decrypt", "--with-session-key", session, stdin=rfc9980(section)) == b"Testing\n"


# ---- without ML-KEM and ML-DSA ----

def sentence(done, status):
    text = done.stderr.decode()
    assert done.returncode == status and done.stdout == b"", (done.returncode, text)
    assert NEEDED.search(text), text


def test_what_is_said_where_it_is_not_here(sop, rfc9980):
    if sop("generate-key", "--profile=rfc9980", status=None).returncode == 0:
        pytest.skip("this libcrypto has ML-KEM and ML-DSA")
    sentence(sop("generate-key", "--profile=rfc9980", USER, status=None), 89)
    for name in SAMPLES:
        secret, public, messages, signature = SAMPLES[name]
        cert, key = sop.file(rfc9980(public)), sop.file(rfc9980(secret))
        sentence(sop("encrypt", cert, stdin=TEXT, status=None), 13)
        sentence(sop("decrypt", key, stdin=rfc9980(messages[0]), status=None), 29)
        if signature:
            sentence(sop("verify", sop.file(rfc9980(signature)), cert, stdin="Testing\n", status=None), 3)
            sentence(sop("sign", key, stdin=TEXT, status=None), 13)


def test_beside_others_nothing_is_spoilt(sop, rfc9980):
    """A recipient and a signer of today, beside post-quantum ones."""
    ours, cert = sop.key("rfc9580", USER)
    keys = sop.file(ours.read_bytes() + rfc9980("A.3.1").encode())
    certs = sop.file(cert.read_bytes() + rfc9980("A.3.2").encode() + rfc9980("A.2.2").encode())
    message = sop("encrypt", cert, stdin=TEXT)
    assert sop("decrypt", keys, stdin=message) == TEXT.encode()
    signature = sop.file(sop("sign", ours, stdin=TEXT))
    assert sop("verify", signature, certs, stdin=TEXT).count(b"\n") == 1
