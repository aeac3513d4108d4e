# SPDX-License-Identifier: ISC
"""The PGP/MIME messages of draft-autocrypt-lamps-protected-headers, which RFC 9788 came from (that RFC and RFC 9787 have
S/MIME samples only). Their keys are in another draft; the session keys are told with them."""
import os
import pathlib
import re

import pytest

NAME = "draft-autocrypt-lamps-protected-headers.md"
COUNT = 6


@pytest.fixture(scope="module")
def samples():
    """(session key, armored message, what it decrypts to) in the order of the draft."""
    data = os.environ.get("LETTERLOCK_TESTDATA")
    if not data:
        pytest.skip("LETTERLOCK_TESTDATA is not set")
    pieces = (pathlib.Path(data) / "standards" / NAME).read_text().split("\n~~~\n")
    found = []
    for i, piece in enumerate(pieces):
        if i % 2 == 1 and "-----BEGIN PGP MESSAGE-----" in piece:
            key = re.findall(r"AES-256 key with value `([0-9a-f]{64})`", pieces[i - 1])[-1]
            armored = piece[piece.index("-----BEGIN"):]
            found.append((key, armored[:armored.index("\n--", 30)] + "\n-----END PGP MESSAGE-----\n", pieces[i + 2]))
    assert len(found) == COUNT
    return found


@pytest.mark.parametrize("n", range(COUNT))
def test_by_session_key(sop, samples, n):
    key, message, text = samples[n]
    session = sop.file("9:" + key.upper())
    got = sop("decrypt", "--with-session-key", session, stdin=message).replace(b"\r\n", b"\n").decode()
    assert got.strip("\n") == text.strip("\n")
    other = sop.file("9:" + key.upper()[::-1])
    done = sop("decrypt", "--with-session-key", other, stdin=message, status=None)
    assert done.returncode in (29, 41) and done.stdout == b""
