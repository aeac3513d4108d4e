# SPDX-License-Identifier: ISC
"""DKIM beside its primitives in libcrypto: rows for script/bench relay.

    dkim.rows(table)

The limit is libcrypto's own rate for the same message: SHA-256 of its octets, and the RSA or Ed25519 operation
(bench/dkim_rate.c measures both by turns).
"""
import subprocess

import common
import servers

OCTETS = 20 << 10
SECONDS = 2


def rate(what, kind, seconds):
    """Messages a second of processor time: ours, libcrypto's."""
    done = subprocess.run([servers.TOOLS / "bench_dkim_rate", what, kind, str(OCTETS), str(seconds)], check=True,
                          capture_output=True, text=True)
    ours, limit = map(float, done.stdout.split())
    return ours, limit


def rows(table, rounds=common.ROUNDS, seconds=SECONDS):
    for what in ("sign", "verify"):
        for kind, name in (("rsa", "RSA-2048"), ("ed25519", "Ed25519")):
            ours, limits = zip(*(rate(what, kind, seconds) for _ in range(rounds)))
            table.add(f"CPU DKIM {what} {name} 20 KiB", "messages/s", "higher", ours, {}, {"libcrypto": limits}, alone=True)
