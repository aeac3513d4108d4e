# SPDX-License-Identifier: ISC
"""What others may try against a person who uses letterlock: names of files, sockets, keys, a directory that is gone."""
import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import pytest

from test_client import append, newest, people, place, stranger  # noqa: F401  (fixtures)

NAMES = ["../escaped", "../../escaped", "/tmp/letterlock-escaped", "..", ".", "", ".profile", "a/b", "a\\b", "-rf",
         "new\nline", "nul\0byte", "\x1b[31mred", "x" * 400, "con\u202etxt.exe", "~", "$(id)"]


def with_attachments(to, names):
    parts = []
    for name in names:
        encoded = "".join(f"%{octet:02X}" for octet in name.encode())
        parts.append(f"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
                     f"Content-Disposition: attachment; filename*=utf-8''{encoded}\r\n\r\n"
                     + base64.b64encode(name.encode()).decode() + "\r\n")
    return (f"From: uncle@example.net\r\nTo: {to}\r\nSubject: files\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
            + "".join(parts) + "--b--\r\n").encode()


def test_names_of_attachments_stay_in_the_folder(people, exchange, tmp_path):
    """Whatever a file is called, it lies in the folder that was asked for, under a name without surprises."""
    bob, folder = people[1], tmp_path / "outer" / "inner"
    append(exchange, exchange.BOB, with_attachments(exchange.BOB, NAMES))
    number = newest(bob)["number"]
    saved = bob.json("save", number, "--to", folder)
    assert len(saved) == len(NAMES)
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(everything) == len(NAMES)
    for path in everything:
        assert path.parent == folder and path.stat().st_mode & 0o777 == 0o600
        assert not path.name.startswith((".", "-")) and not any(c in path.name for c in "\\\n\x1b\u202e/")
    assert sorted(path.read_bytes() for path in everything) == sorted(name.encode() for name in NAMES)
    assert not pathlib.Path("/tmp/letterlock-escaped").exists()
    said = bob.run("read", number) + bob.run("save", number, "--to", tmp_path / "again")
    assert "\x1b" not in said and "\u202e" not in said


def test_links_in_the_folder_are_not_followed(people, exchange, tmp_path):
    bob, victim = people[1], tmp_path / "victim"
    victim.write_text("mine\n")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "plan.txt").symlink_to(victim)
    (tmp_path / "to" / "plan-2.txt").symlink_to(tmp_path / "nowhere")
    append(exchange, exchange.BOB, with_attachments(exchange.BOB, ["plan.txt"]))
    bob.run("save", newest(bob)["number"], "--to", tmp_path / "to")
    assert victim.read_text() == "mine\n" and not (tmp_path / "nowhere").exists()
    assert (tmp_path / "to" / "plan-3.txt").read_bytes() == b"plan.txt"


# ---- keys ----


def test_sender_known_by_another_key(people, stranger, tmp_path):
    """A letter that a second key signed is not shown as if it were the one that the person compared."""
    alice, bob = people
    alice.run("send", "--to", bob.address, "--subject", "which", "--seal", stdin="x\n")
    letter = newest(bob)
    assert not letter["verdict"]["other_key_known"]
    other = stranger.json("key", "new", alice.address)["fingerprint"]
    stranger.run("key", "export", alice.address, "--output", tmp_path / "other.pgp")
    bob.run("key", "import", tmp_path / "other.pgp")
    bob.run("key", "verify", other)
    assert newest(bob)["verdict"]["other_key_known"]
    said = bob.run("read", letter["number"])
    assert "Beware" in said and other in said and "compared" in said
    bob.run("key", "verify", letter["verdict"]["signer"])


def test_sealing_does_not_hang_on_the_directory(people, exchange):
    """Without its directory a letter for a known person is sealed; for an unknown one --seal refuses."""
    alice, bob = people
    alice.json("key", "find", bob.address)
    account = alice.home / "config" / "letterlock" / "account.json"
    kept, before = account.read_text(), newest(bob)["number"]
    try:
        changed = json.loads(kept)
        changed["https"]["port"] = 1
        account.write_text(json.dumps(changed))
        said = alice.run("send", "--to", "dora@example.org", "--subject", "no", "--seal", stdin="x\n", want=1)
        assert "could not be asked" in said and "not sent" in said
        alice.run("send", "--to", bob.address, "--subject", "yes", "--seal", stdin="x\n")
    finally:
        account.write_text(kept)
    assert newest(bob)["subject"] == "yes" and newest(bob)["number"] == before + 1
    assert newest(bob)["verdict"]["status"] == "sealed"


# ---- the agent ----

ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
try:
    s.connect(sys.argv[1])
    s.sendall(b"\\0" * 4)
    print("closed" if s.recv(100) == b"" else "answered")
except ConnectionError:
    print("closed")
except PermissionError:
    print("denied")
"""


def test_agent_is_for_one_user(people):
    alice = people[0]
    alice.run("inbox")
    alice.run("send", "--to", alice.address, "--subject", "self", "--seal", stdin="x\n")
    path = next((alice.home / "run").rglob("agent"))
    assert path.is_socket() and path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", ASK]

    def ask(where):
        return subprocess.run([*nobody, str(where)], capture_output=True, timeout=60, check=True).stdout.decode().strip()
    assert ask(path) == "denied"
    # Let in by file modes, the other user is still turned away.
    folders, modes = [path, *path.parents[:-1]], {}
    try:
        for folder in folders:
            modes[folder] = folder.stat().st_mode & 0o7777
            folder.chmod(0o777 if folder == path else modes[folder] | 0o011)
        assert ask(path) == "closed"
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)
    assert json.loads(alice.run("agent", "list", "--json", secrets=False))


def test_an_agent_of_another_user_gets_nothing(stranger):
    """A socket that somebody else serves in our place is not spoken to."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user")
    folder = stranger.home / "run" / "letterlock"
    folder.mkdir(mode=0o700)
    listener = socket.socket(socket.AF_UNIX)
    code = ("import os, socket, sys\nos.setresuid(65534, 65534, 0)\ns = socket.socket(fileno=int(sys.argv[1]))\n"
            "s.listen(1)\ns.settimeout(30)\nprint('ready', flush=True)\nc = s.accept()[0]\nc.settimeout(30)\n"
            "print(len(c.recv(100000)), flush=True)\n")
    listener.bind(str(folder / "agent"))
    other = subprocess.Popen([sys.executable, "-c", code, str(listener.fileno())], pass_fds=[listener.fileno()],
                             stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"ready\n"
        said = stranger.setup(want=None)
        assert "another user" in said
        assert other.stdout.readline() == b"0\n"
    finally:
        other.kill()
        other.wait()
        listener.close()
        (folder / "agent").unlink()


# ---- answers for programs ----


def test_every_verb_answers_in_json(people, stranger, tmp_path):
    """Standard output of each verb with --json is one JSON value and nothing else."""
    alice, bob = people

    def ask(person, *words, **more):
        return json.loads(person.run(*words, "--json", stderr=False, **more))
    assert ask(stranger, "setup", stranger.address, *stranger.servers(), "--pin", stranger.exchange.pin,
               "--no-publish")["address"] == stranger.address
    assert ask(alice, "send", "--to", bob.address, "--subject", "json", "--seal", stdin="x\n")["sealed_for"] == [
        bob.address]
    assert isinstance(ask(bob, "inbox"), list)
    number = newest(bob)["number"]
    assert ask(bob, "read", number)["verdict"]["status"] == "sealed"
    assert ask(bob, "save", number, "--to", tmp_path) == []
    assert ask(alice, "key", "find", bob.address)["believed"]
    assert ask(alice, "key", "show", bob.address)["addresses"] == [bob.address]
    assert isinstance(ask(alice, "key", "list"), list)
    assert ask(stranger, "key", "new", "eve@example.org")["fingerprint"]
    assert ask(stranger, "key", "verify", "eve@example.org")["verified"]
    stranger.run("key", "export", "eve@example.org", "--output", tmp_path / "eve.pgp")
    assert ask(alice, "key", "import", tmp_path / "eve.pgp")[0]["addresses"] == ["eve@example.org"]
    assert isinstance(ask(stranger, "agent", "list", secrets=False), list)
    assert isinstance(ask(stranger, "agent", "forget", secrets=False), int)
    assert ask(stranger, "agent", "stop", secrets=False) is True


def test_import_of_several_answers_in_json(people, stranger, tmp_path):
    for name in ("f@example.org", "g@example.org"):
        stranger.run("key", "new", name)
        stranger.run("key", "export", name, "--output", tmp_path / name)
    answer = json.loads(people[0].run("key", "import", tmp_path / "f@example.org", tmp_path / "g@example.org", "--json"))
    assert [entry["addresses"] for entry in answer] == [["f@example.org"], ["g@example.org"]]
