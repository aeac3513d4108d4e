# SPDX-License-Identifier: ISC
"""Certificates in their hard cases, judged by others too.

validity_tool makes the certificates, a signature for each, and says what we make of it. Where another program comes to
something else, the table below says which clause of RFC 9580 makes us right; a row that no longer differs must go.
"""
import os
import subprocess

import pytest

from conftest import SECONDS, build_folder, run

CUTS = "5.2.3.31: superseded or retired, old signatures are still valid; a newer self-signature is the most recent valid"
EXPIRED = "5.2.3.13: the key expires then, not before; signed while it was valid"
LIVE = "5.2.3.18, 5.2.3.10: an expired self-signature is none, and this was signed while there was none"

GPG = {
    "superseded-0": CUTS, "superseded-2": CUTS, "retired-0": CUTS, "retired-2": CUTS,
    "subkey-revoked-soft-0": CUTS, "subkey-revoked-soft-2": CUTS,
    "revocation-expired-0": "5.2.3.18: the revocation was made later, and expired",
    "revocation-expired-2": "5.2.3.18: the revocation was expired",
    "bound-later-0": "10.1.5, 5.2.1.8: nobody had said then that it was this certificate's",
    "binding-expired-1": LIVE,
    "key-expired-0": EXPIRED, "subkey-expired-0": EXPIRED,
    "back-expired-0": "5.2.3.18: the back signature was expired",
    "back-fake-first-0": "5.2.3.34 lets several be embedded, and 5.2.1.8 asks for one that is true",
    "skb-critical-unhashed-0": "13.13: what is not hashed was put in by anybody",
    "skb-fake-issuer-first-0": "5.2.3.9, 13.13: of several issuers any may be true",
    "skb-no-issuer-0": "5.2.3.35 only recommends an issuer",
    "no-flags-0": "5.2.3.29: flags that are not stated are zero",
    "flags-last-0": "5.2.3.9: the last of several",
    "no-user-id-0": "5.2.3.10: a key needs no user ID to be used",
}
SQOP = {
    "extended-0": "5.2.3.10: the self-signature was renewed and the old one thrown away; the key existed",
    "extended-subkey-0": "the same, and the subkey had signed back already",
    "skb-no-issuer-0": "5.2.3.35 only recommends an issuer",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    tool = build_folder() / "tests" / "interop" / "validity_tool"
    if not tool.exists():
        pytest.skip("validity_tool is not built")
    folder = tmp_path_factory.mktemp("validity")
    verdicts = dict(line.split()[:2] for line in run([tool, folder]).decode().splitlines())
    assert len(verdicts) > 65
    return folder, verdicts


def compare(verdicts, theirs, known):
    differ = {name for name, ours in verdicts.items() if theirs(name) != ours}
    assert differ - set(known) == set(), "not known to differ"
    assert set(known) - differ == set(), "no longer differ"


def test_sqop(judged, sqop):
    folder, verdicts = judged

    def theirs(name):
        done = subprocess.run(["sqop", "verify", folder / f"{name}.sig", folder / f"{name}.cert"], input=b"data",
                              capture_output=True, timeout=SECONDS)
        return "good" if done.returncode == 0 else "bad"

    compare(verdicts, theirs, SQOP)


def test_gpg(judged, gpg, tmp_path):
    folder, verdicts = judged

    def theirs(name):
        home = tmp_path / name
        home.mkdir(mode=0o700)
        env = dict(os.environ, GNUPGHOME=str(home))
        run(["gpg", "--batch", "--import", folder / f"{name}.cert"], status=None, env=env)
        done = run(["gpg", "--batch", "--status-fd", "1", "--verify", folder / f"{name}.sig", "-"], b"data", status=None,
                   env=env)
        return "good" if b"] GOODSIG " in done.stdout else "bad"

    compare(verdicts, theirs, GPG)


def test_a_flood_of_forgeries(judged):
    """150,000 of others' and 150,000 in the certificate's own name: bounded memory, and not for long."""
    tool = build_folder() / "tests" / "interop" / "validity_tool"
    words = run([tool, "flood", "150000"]).decode().replace(",", "").split()
    assert words[2].rstrip(":") == "good"
