# SPDX-License-Identifier: ISC
"""The user's store of certificates: lists, and the directory that OpenPGP programs share."""
import fcntl
import os
import subprocess

import pytest

from conftest import build_folder


class User:
    """A home of its own; gpg makes the certificates."""

    def __init__(self, folder):
        self.home = folder
        for name in ("run", "gnupg"):
            (folder / name).mkdir(mode=0o700)
        self.shared = folder / "shared"
        self.env = dict(os.environ, HOME=str(folder), XDG_DATA_HOME=str(folder / "data"), LC_ALL="C.UTF-8",
                        XDG_CONFIG_HOME=str(folder / "config"), XDG_RUNTIME_DIR=str(folder / "run"),
                        GNUPGHOME=str(folder / "gnupg"), PGP_CERT_D=str(self.shared))

    def run(self, *words, stdin=b"", want=0):
        done = subprocess.run([str(build_folder() / "letterlock"), *map(str, words)], input=stdin, env=self.env,
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == want, done.stdout + done.stderr
        return done.stdout.decode()

    def gpg(self, *words):
        return subprocess.run(["gpg", "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", *words],
                              env=self.env, capture_output=True, timeout=120, check=True).stdout

    def certificate(self, user_id):
        """Its octets and its fingerprint."""
        self.gpg("--quick-generate-key", user_id, "ed25519", "default", "1y")
        colons = self.gpg("--with-colons", "--list-keys", f"={user_id}").decode()
        return self.gpg("--export", f"={user_id}"), colons.split("fpr:::::::::")[1][:40]


@pytest.fixture
def user(tmp_path):
    one = User(tmp_path)
    yield one
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=one.env, check=False)


def test_list_is_sorted_and_searched(user):
    for name in ("Carol <carol@example.net>", "Bob Builder <bob@example.org>"):
        user.run("key", "import", "-", stdin=user.certificate(name)[0])
    lines = user.run("key", "list").splitlines()
    assert ["bob@" in line for line in lines] == [True, False] and all(" known " in line for line in lines)
    assert all(" until 20" in line for line in lines)
    assert "bob@example.org" in user.run("key", "list", "BUILDER")
    assert "carol@" in user.run("key", "list", "example.net") and "bob@" not in user.run("key", "list", "example.net")
    assert user.run("key", "list", "nobody") == "" and user.run("key", "list", "--secret") == ""


def test_sync_with_the_shared_directory(user):
    """As sq writes it: two digits and the rest, in lower case, and a lock."""
    bob, bob_is = user.certificate("Bob <bob@example.org>")
    carol, carol_is = user.certificate("Carol <carol@example.org>")
    place = user.shared / bob_is[:2].lower() / bob_is[2:].lower()
    place.parent.mkdir(parents=True)
    place.write_bytes(bob)
    (user.shared / "trust-root").write_bytes(b"another program's")
    user.run("key", "import", "-", stdin=carol)
    user.run("key", "sync")
    assert " seen " in user.run("key", "list", "bob@")
    given = user.shared / carol_is[:2].lower() / carol_is[2:].lower()
    shown = user.gpg("--with-colons", "--show-keys", str(given)).decode()
    assert carol_is in shown and "carol@example.org" in shown
    assert (user.shared / "trust-root").read_bytes() == b"another program's" and place.read_bytes() == bob


def test_the_shared_directory_is_written_under_its_lock(user):
    user.shared.mkdir()
    user.run("key", "import", "-", stdin=user.certificate("Bob <bob@example.org>")[0])
    with open(user.shared / "writelock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen([str(build_folder() / "letterlock"), "key", "sync"], env=user.env,
                                   stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=2)
        assert [p.name for p in user.shared.iterdir()] == ["writelock"]
    assert waiting.wait(timeout=60) == 0
    assert len(list(user.shared.glob("??/*"))) == 1


def test_always_and_never(user):
    user.run("key", "sync", "--always")
    user.run("key", "import", "-", stdin=user.certificate("Bob <bob@example.org>")[0])
    user.run("key", "list")
    assert len(list(user.shared.glob("??/*"))) == 1
    user.run("key", "sync", "--never")
    user.run("key", "import", "-", stdin=user.certificate("Carol <carol@example.org>")[0])
    user.run("key", "list")
    assert len(list(user.shared.glob("??/*"))) == 1
