# SPDX-License-Identifier: ISC
"""Keys in a PKCS#11 token (softhsm2): a certificate over them signs and decrypts, and gpg believes what it makes."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from agents import Person, SECONDS, until
from test_agent import fake_pinentry

PIN = "274911"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"

pytestmark = pytest.mark.skipif(not pathlib.Path(MODULE).exists() or shutil.which("pkcs11-tool") is None,
                                reason="softhsm2 or opensc is not installed")


class Token:
    def __init__(self, person):
        self.person = person
        folder = person.home / "tokens"
        folder.mkdir()
        (person.home / "softhsm2.conf").write_text(f"directories.tokendir = {folder}\nobjectstore.backend = file\nlog.level = ERROR\n")
        person.env["SOFTHSM2_CONF"] = str(person.home / "softhsm2.conf")
        self.run("softhsm2-util", "--init-token", "--free", "--label", "course", "--pin", PIN, "--so-pin", "11223344")

    def run(self, *words):
        done = subprocess.run(words, env=self.person.env, capture_output=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout.decode()

    def make(self, kind, number, *more):
        self.run("pkcs11-tool", "--module", MODULE, "--token-label", "course", "--login", "--pin", PIN, "--keypairgen",
                 "--key-type", kind, "--id", f"{number:02d}", *more)


@pytest.fixture
def alice():
    person = Person()
    yield person
    person.close()


KINDS = {
    "RSA": ("rsa:2048", "rsa:2048"),
    "P-256": ("EC:prime256v1", "EC:prime256v1"),
    "P-384": ("EC:secp384r1", "EC:secp384r1"),
    "Ed25519 and P-256": ("EC:edwards25519", "EC:prime256v1"),
}


def token_for(alice, kind):
    token = Token(alice)
    sign, decrypt = KINDS[kind]
    token.make(sign, 1, "--label", "signing", "--usage-sign")
    token.make(decrypt, 2, "--label", "sealing", "--usage-decrypt" if decrypt.startswith("rsa") else "--usage-derive")
    return token


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_signs_and_decrypts(alice, kind, tmp_path):
    token_for(alice, kind)
    log = fake_pinentry(alice, "000000", PIN, PIN, PIN)
    listed = alice.json("agent", "token", "list")
    assert {k["label"] for k in listed} == {"signing", "sealing"} and {k["token"] for k in listed} == {"course"}, listed
    alice.run("key", "import", "--from-token", alice.address, "--name", "Alice Archer", "--label", "signing")
    assert log.read_text().count("GETPIN") == 2 and "Wrong PIN, 2 tries left" in log.read_text()
    assert {k["token"] for k in alice.held()} == {True} and len(alice.held()) == 2
    fingerprint = alice.json("key", "list")[0]["fingerprint"]

    # It signs; Debian's gpg says that this is right.
    alice.run("key", "export", alice.address, "--output", "alice.pgp")
    alice.sign()
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--trust-model", "always"]
    try:
        subprocess.run([*gpg, "--import", "alice.pgp"], cwd=alice.home, check=True, capture_output=True, timeout=SECONDS)
        said = subprocess.run([*gpg, "--status-fd", "1", "--verify", "plan.txt.sig", "plan.txt"], cwd=alice.home, check=True,
                              capture_output=True, timeout=SECONDS).stdout.decode()
        assert f"VALIDSIG {fingerprint}" in said
        # And it opens what gpg sealed for it.
        subprocess.run([*gpg, "--output", "sealed.pgp", "--recipient", fingerprint, "--encrypt", "plan.txt"], cwd=alice.home,
                       check=True, capture_output=True, timeout=SECONDS)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, timeout=SECONDS)
    alice.run("decrypt", "sealed.pgp", "-o", "opened")
    assert (alice.home / "opened").read_text() == "a plan\n"

    # Forgotten, it asks for the PIN again; the fingerprint is what it was.
    alice.run("agent", "forget")
    alice.run("encrypt", "plan.txt", "--to", alice.address, "-o", "again.pgp")
    alice.run("decrypt", "again.pgp", "-o", "opened2")
    assert log.read_text().count("GETPIN") == 3
    alice.run("key", "import", "--from-token", alice.address, "--label", "signing", passphrase=PIN)
    assert alice.json("key", "list")[0]["fingerprint"] == fingerprint


def test_a_key_in_a_token_is_changed_like_any_other(alice):
    """Expiry, user IDs, a revocation of one; what needs the secret itself is refused in words, and the key stays as it was."""
    token_for(alice, "P-256")
    alice.run("key", "import", "--from-token", alice.address, "--label", "signing", passphrase=PIN)
    before = alice.json("key", "list")[0]
    alice.run("agent", "forget")
    alice.run("key", "expire", alice.address, "1y", passphrase=PIN)
    assert alice.json("key", "list")[0]["expires"] != before["expires"]
    alice.run("key", "user-id", "add", alice.address, "Alice <alice@example.net>", passphrase=PIN)
    alice.run("key", "user-id", "revoke", alice.address, "alice@example.net", passphrase=PIN)
    for words in (("passphrase", alice.address), ("backup", alice.address, "--output", "copy"),
                  ("subkey", "add", alice.address, "--for", "sign")):
        # A PIN is short: what a file is locked by it, whoever has the file finds by trying.
        said = alice.run("key", *words, passphrase=PIN + "\nanother one", want=None)
        assert "smart card" in said or "in a token" in said, (words, said)
    alice.run("agent", "forget")
    alice.sign(passphrase=PIN)
    assert alice.json("key", "list")[0]["fingerprint"] == before["fingerprint"] and len(alice.held()) == 2


def test_modules_are_not_in_the_agents_memory(alice):
    """They run in a process of its own, which ends when everything is forgotten; the PIN is gone from the agent."""
    if os.geteuid() != 0:
        pytest.skip("only root may look")
    from test_agent_memory import found
    token_for(alice, "P-256")
    pin = "pin of herons 4711"
    alice_token = subprocess.run(["pkcs11-tool", "--module", MODULE, "--token-label", "course", "--login", "--pin", PIN,
                                  "--change-pin", "--new-pin", pin], env=alice.env, capture_output=True, timeout=SECONDS,
                                 check=False)
    assert alice_token.returncode == 0, alice_token.stderr
    fake_pinentry(alice, pin)
    agent = alice.serve("--test-locked")
    alice.run("key", "import", "--from-token", alice.address, "--label", "signing")
    processes = alice.children(agent)
    tokens = until(lambda: alice.children(agent).get("agent-tokens"), f"the process with the modules is there: {processes}")
    assert "libsofthsm2" in pathlib.Path(f"/proc/{tokens}/maps").read_text()
    for pid in (agent, processes["agent-launcher"]):
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
        assert "softhsm" not in maps and "p11-kit" not in maps
        assert found(pid, {"PIN": pin.encode()}) == set()
    alice.run("agent", "forget")
    until(lambda: "agent-tokens" not in alice.children(agent), "it ends")


def test_a_wrong_pin_is_wrong(alice):
    token_for(alice, "RSA")
    fake_pinentry(alice, "1", "22", "-")
    assert "wrong" in alice.run("key", "import", "--from-token", alice.address, "--label", "signing", passphrase="99999", want=1)
    alice.run("key", "import", "--from-token", alice.address, "--label", "signing", want=None)
    assert alice.json("key", "list") == [] and alice.held() == []


def test_without_a_token_it_says_so(alice):
    assert "no token" in alice.run("key", "import", "--from-token", alice.address, want=1)
