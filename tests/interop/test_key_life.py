# SPDX-License-Identifier: ISC
"""A key made by each of gpg, sq, rnp and OpenPGP.js goes through `letterlock key`, and back to the program that made it."""
import json
import os
import subprocess

import pytest

from conftest import SECONDS, build_folder, run

CAROL = "Carol <carol@example.org>"
PASSPHRASE = "a passphrase of ours"


class Letterlock:
    def __init__(self, home):
        self.home = home
        (home / "run").mkdir(parents=True, mode=0o700)
        self.env = dict(os.environ, HOME=str(home), XDG_CONFIG_HOME=str(home / "config"), XDG_DATA_HOME=str(home / "data"),
                        XDG_RUNTIME_DIR=str(home / "run"), NO_COLOR="1", LC_ALL="C.UTF-8")

    def __call__(self, *words, status=0):
        reading, writing = os.pipe()
        os.write(writing, PASSPHRASE.encode() + b"\n")
        os.close(writing)
        try:
            return run([build_folder() / "letterlock", "key", *words, "--passphrase-fd", reading], status=status, env=self.env,
                       pass_fds=(reading,))
        finally:
            os.close(reading)

    def components(self, who):
        return json.loads(self("show", who, "--json"))["components"]

    def stop(self):
        subprocess.run([build_folder() / "letterlock", "agent", "stop"], env=self.env, capture_output=True, timeout=SECONDS,
                       check=False)


@pytest.fixture
def ours(tmp_path):
    made = Letterlock(tmp_path / "ours")
    yield made
    made.stop()


def made_by_gpg(request, folder):
    gpg = request.getfixturevalue("gpg")
    gpg("--quick-generate-key", CAROL, "rsa3072", "cert,sign", "1y")
    fingerprint = gpg("--list-keys", "--with-colons").decode().split("fpr:::::::::")[1].split(":")[0]
    gpg("--quick-add-key", fingerprint, "rsa3072", "encr", "1y")
    return gpg("--export-secret-keys", fingerprint)


def made_by_sq(request, folder):
    request.getfixturevalue("sq")("key", "generate", "--userid", CAROL, "--export", folder / "sq.key")
    return (folder / "sq.key").read_bytes()


def made_by_rnp(request, folder):
    request.getfixturevalue("rnp")
    home = folder / "rnpkeys"
    home.mkdir(mode=0o700)
    words = ["rnpkeys", "--homedir", home, "--notty", "--password", ""]
    run([*words, "--generate-key", "--userid", CAROL, "--numbits", "3072"])
    return run([*words, "--export-key", "--secret", "--output", "-", "carol"])


def made_by_openpgpjs(request, folder):
    request.getfixturevalue("openpgpjs")
    script = ("import * as o from 'openpgp'; const k = await o.generateKey({type: 'ecc', curve: 'curve25519Legacy', "
              "userIDs: [{name: 'Carol', email: 'carol@example.org'}], format: 'armored'}); process.stdout.write(k.privateKey)")
    return run(["node", "--input-type=module", "-e", script], cwd=build_folder() / "interop-node")


def taken_by_gpg(request, key, cert):
    gpg = request.getfixturevalue("gpg")
    gpg("--import", cert)
    listed = gpg("--list-keys", "--with-colons", "carol@example.net").decode()
    gpg("--import", key, passphrase=PASSPHRASE)
    return listed


def taken_by_sq(request, key, cert):
    sq = request.getfixturevalue("sq")
    assert b"Secret key: Encrypted" in sq("inspect", key)
    return sq("inspect", cert).decode()


def taken_by_rnp(request, key, cert):
    request.getfixturevalue("rnp")
    home = cert.parent / "rnp-back"
    home.mkdir(mode=0o700)
    run(["rnpkeys", "--homedir", home, "--notty", "--import-keys", key])
    return run(["rnpkeys", "--homedir", home, "--notty", "--list-keys"]).decode()


def taken_by_openpgpjs(request, key, cert):
    request.getfixturevalue("openpgpjs")
    script = ("import * as o from 'openpgp'; import fs from 'fs'; const k = await o.decryptKey({privateKey: await o.readPrivateKey("
              "{armoredKey: fs.readFileSync(process.argv[1], 'utf8')}), passphrase: process.argv[2]}); "
              "const c = await o.readKey({armoredKey: fs.readFileSync(process.argv[3], 'utf8')}); await c.getEncryptionKey(); "
              "process.stdout.write(c.getUserIDs().join('\\n'))")
    return run(["node", "--input-type=module", "-e", script, key, PASSPHRASE, cert], cwd=build_folder() / "interop-node").decode()


PEERS = {"gpg": (made_by_gpg, taken_by_gpg), "sq": (made_by_sq, taken_by_sq), "rnp": (made_by_rnp, taken_by_rnp),
         "openpgpjs": (made_by_openpgpjs, taken_by_openpgpjs)}


@pytest.mark.parametrize("peer", PEERS)
def test_the_whole_life_of_a_key(request, ours, gpg, tmp_path, peer):
    made, taken = PEERS[peer]
    key, cert = tmp_path / "carol.key", tmp_path / "carol.cert"
    key.write_bytes(made(request, tmp_path))
    ours("import", key)
    first = ours.components("carol@example.org")
    assert first[0]["standing"] == "good" and all(c["standing"] == "good" for c in first)
    fingerprint = first[0]["fingerprint"]
    assert b"good, and the one that counts" in ours("show", fingerprint, "--tree")
    # Changed.
    ours("expire", fingerprint, "2y")
    ours("user-id", "add", fingerprint, "Carol <carol@example.net>")
    ours("export", fingerprint, "--output", cert)
    # Certified by somebody who uses gpg.
    gpg("--quick-generate-key", "Bob <bob@example.org>", "ed25519", "sign", "never")
    gpg("--import", cert)
    gpg("--local-user", "bob@example.org", "--quick-sign-key", fingerprint)
    cert.write_bytes(gpg("--armor", "--export", fingerprint))
    ours("import", cert)
    others = [s for c in ours.components(fingerprint) if c["kind"] == "user ID" for s in c["signatures"] if not s["own"]]
    assert len(others) == 2
    # Back to where it came from, secret key and all.
    ours("export", fingerprint, "--output", cert)
    ours("export", fingerprint, "--secret", "--output", key)
    assert "carol@example.net" in taken(request, key, cert)
    # Its end reaches those who have it.
    ours("revoke", fingerprint, "--reason", "retired", "--text", "gone", "--yes")
    gpg("--import", stdin=ours("export", fingerprint))
    assert "pub:r:" in gpg("--list-keys", "--with-colons", fingerprint).decode()
    assert ours.components(fingerprint)[0]["standing"].startswith("revoked")


def new_cert(ours, tmp_path, *words):
    fingerprint = json.loads(ours("new", "carol@example.org", *words, "--json"))["fingerprint"]
    cert = tmp_path / "cert.asc"
    ours("export", fingerprint, "--output", cert)
    return fingerprint, cert


@pytest.mark.parametrize("words", [[], ["--algorithm", "nistp384"]])
def test_others_read_our_keys(ours, gpg, sq, tmp_path, words):
    fingerprint, cert = new_cert(ours, tmp_path, *words)
    packets = gpg("--list-packets", cert).decode()
    assert packets.count(":signature packet:") == 2 and "sigclass 0x13" in packets and "sigclass 0x18" in packets
    assert fingerprint in sq("inspect", cert).decode().replace(" ", "")


def test_openpgpjs_reads_our_v6_key(ours, openpgpjs, tmp_path):
    fingerprint, cert = new_cert(ours, tmp_path, "--v6")
    script = ("import * as o from 'openpgp'; import fs from 'fs'; const c = await o.readKey({armoredKey: "
              "fs.readFileSync(process.argv[1], 'utf8')}); await c.getEncryptionKey(); process.stdout.write(c.getFingerprint())")
    assert run(["node", "--input-type=module", "-e", script, cert], cwd=build_folder() / "interop-node").decode() == \
        fingerprint.lower()
