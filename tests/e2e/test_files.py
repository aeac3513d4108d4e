# SPDX-License-Identifier: ISC
"""encrypt, decrypt, sign and verify of files: a person at her own folder, and gpg, sqop, rnp and GNU tar beside her."""
import contextlib
import hashlib
import json
import os
import pathlib
import pty
import re
import resource
import select
import shutil
import signal
import sqlite3
import stat
import subprocess
import tarfile
import tempfile
import time

import pytest

from conftest import build_folder, pipe_with

ALICE, BOB, PETER = "alice@example.org", "bob@example.org", "peter@example.net"
PASSPHRASE = "a passphrase for keys"
DATA = b"The quick brown fox\njumps over the lazy dog.\n" * 40
MIB = 1 << 20
SECONDS = 180


class Person:
    """A home, an agent, keys, and a folder to work in."""

    def __init__(self, folder, address):
        self.address = address
        self.home = pathlib.Path(folder) / address
        (self.home / "run").mkdir(parents=True, mode=0o700)
        self.env = dict(os.environ, HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"),
                        XDG_DATA_HOME=str(self.home / "data"), XDG_RUNTIME_DIR=str(self.home / "run"), NO_COLOR="1",
                        TZ="UTC", LC_ALL="C")
        self.env.pop("TMPDIR", None)
        self.program = build_folder() / "letterlock"

    def start(self, *words, cwd, secret=PASSPHRASE, password=None, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, **more):
        command, fds = [str(self.program), *map(str, words)], []
        for option, text in (("--passphrase-fd", secret), ("--password-fd", password)):
            if text is not None:
                fds.append(pipe_with(text))
                command += [option, str(fds[-1])]
        try:
            return subprocess.Popen(command, env=self.env, cwd=cwd, pass_fds=fds, stdin=stdin, stdout=stdout,
                                    stderr=subprocess.PIPE, start_new_session=True, **more)
        finally:
            for fd in fds:
                os.close(fd)

    def run(self, *words, cwd, want=0, stdin=None, **more):
        """(standard output, standard error) of a run that must end so."""
        p = self.start(*words, cwd=cwd, **({"stdin": subprocess.PIPE} if stdin is not None else {}), **more)
        out, err = p.communicate(stdin, timeout=SECONDS)
        err = err.decode(errors="replace")
        assert "Sanitizer" not in err and "runtime error" not in err, err
        assert want is None or p.returncode == want, f"{words}: {p.returncode}\n{out.decode(errors='replace')}{err}"
        self.status = p.returncode
        return out, err

    def json(self, *words, **more):
        out, _ = self.run(*words, "--json", **more)
        return json.loads(out)

    def cert(self, folder, name=None):
        path = pathlib.Path(folder) / (name or f"{self.address}.cert")
        path.write_bytes(self.run("key", "export", self.address, cwd=folder, secret=None)[0])
        return path

    def fingerprint(self, who=None):
        return self.json("key", "show", who or self.address, cwd=self.home, secret=None)["fingerprint"]

    def knows(self, *certs, cwd):
        self.run("key", "import", *certs, cwd=cwd, secret=None)


@pytest.fixture(scope="module")
def place():
    folder = tempfile.mkdtemp(prefix="letterlock-files-")
    yield pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def people(place):
    """Alice with a v4 key, Bob with a v6 one; each has imported the other's certificate."""
    both = [Person(place, ALICE), Person(place, BOB)]
    try:
        both[0].run("key", "new", ALICE, "--name", "Alice Archer", cwd=place)
        both[1].run("key", "new", BOB, "--name", "Bob Baker", "--v6", cwd=place)
        certs = [p.cert(place) for p in both]
        both[0].knows(certs[1], cwd=place)
        both[1].knows(certs[0], cwd=place)
        yield both
    finally:
        for p in both:
            p.run("agent", "stop", cwd=place, secret=None, want=None)


@pytest.fixture
def alice(people):
    return people[0]


@pytest.fixture
def bob(people):
    return people[1]


@pytest.fixture
def data(tmp_path):
    (tmp_path / "plan.txt").write_bytes(DATA)
    return tmp_path


def names(folder):
    return sorted(p.name for p in pathlib.Path(folder).iterdir())


def nothing_hidden(folder):
    assert not [n for n in names(folder) if n.startswith(".letterlock")], names(folder)


# ---- peers ----

def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


class Gpg:
    def __init__(self, home):
        need("gpg")
        self.home = home
        home.mkdir(mode=0o700)

    def __call__(self, *words, stdin=b"", want=0, cwd=None):
        done = subprocess.run(["gpg", "--homedir", self.home, "--batch", "--yes", "--pinentry-mode", "loopback",
                               "--trust-model", "always", *map(str, words)], input=stdin, capture_output=True,
                              timeout=SECONDS, cwd=cwd)
        assert want is None or done.returncode == want, (words, done.stderr.decode(errors="replace"))
        return done.stdout


@pytest.fixture(scope="module")
def gpg(place):
    g = Gpg(place / "gnupg")
    g("--passphrase", "", "--quick-generate-key", f"Peter Peer <{PETER}>", "rsa3072", "default", "never")
    fingerprint = [r for r in g("--with-colons", "--list-keys", PETER).decode().split("\n") if r.startswith("fpr")][0].split(":")[9]
    g("--passphrase", "", "--quick-add-key", fingerprint, "rsa3072", "encr", "never")
    yield g
    subprocess.run(["gpgconf", "--homedir", g.home, "--kill", "all"], capture_output=True)


@pytest.fixture(scope="module")
def peter(gpg, place, people):
    """gpg's certificate as a file; Alice has it imported, Bob has not. gpg knows Alice."""
    path = place / "peter.asc"
    path.write_bytes(gpg("--armor", "--export", PETER))
    people[0].knows(path, cwd=place)
    gpg("--import", place / f"{ALICE}.cert")
    return path


# ---- there and back ----

@pytest.mark.parametrize("armor", [(), ("--armor",)])
def test_a_file_is_sealed_and_opened(alice, bob, data, armor):
    alice.run("encrypt", "plan.txt", "--to", BOB, *armor, cwd=data)
    sealed = data / ("plan.txt.asc" if armor else "plan.txt.pgp")
    assert DATA[:20] not in sealed.read_bytes()
    assert sealed.read_bytes().startswith(b"-----BEGIN PGP MESSAGE-----") == bool(armor)
    (data / "plan.txt").unlink()
    out, _ = bob.run("decrypt", sealed.name, cwd=data)
    assert (data / "plan.txt").read_bytes() == DATA
    assert b"Good signature" in out and b"Alice Archer <alice@example.org>" in out and b"You imported it" in out
    nothing_hidden(data)


def test_several_files_have_each_their_own(alice, bob, data):
    (data / "two.txt").write_bytes(b"two")
    said = alice.json("encrypt", "plan.txt", "two.txt", "missing.txt", "--to", BOB, cwd=data, want=1)
    assert [bool(s.get("error")) for s in said] == [False, False, True] and said[2]["error"] == "not-found"
    for name in ("plan.txt", "two.txt"):
        (data / name).rename(data / ("old-" + name))
    bob.run("decrypt", "plan.txt.pgp", "two.txt.pgp", cwd=data)
    assert (data / "two.txt").read_bytes() == b"two" and (data / "plan.txt").read_bytes() == DATA


def test_without_a_recipient_it_is_for_oneself(alice, bob, data):
    alice.run("encrypt", "plan.txt", cwd=data)
    alice.run("decrypt", "plan.txt.pgp", "-o", "again", cwd=data)
    assert (data / "again").read_bytes() == DATA
    _, err = bob.run("decrypt", "plan.txt.pgp", "-o", "bobs", cwd=data, want=1)
    assert "sealed for the key" in err and "which is not here" in err and not (data / "bobs").exists()


def test_standard_streams(alice, bob, data):
    sealed, _ = alice.run("encrypt", "-", "--to", BOB, cwd=data, stdin=DATA)
    out, err = bob.run("decrypt", "-", cwd=data, stdin=sealed)
    assert out == DATA and "Good signature" in err
    assert bob.run("decrypt", "-", "-o", "there", cwd=data, stdin=sealed)[0].startswith(b"Opened: there")
    assert (data / "there").read_bytes() == DATA


def test_certificates_from_files(alice, bob, place, data):
    alice.run("encrypt", "plan.txt", "--to-file", place / f"{BOB}.cert", "--no-sign", cwd=data)
    out, _ = bob.run("decrypt", "plan.txt.pgp", "-o", "again", cwd=data)
    assert (data / "again").read_bytes() == DATA and b"It was not signed" in out


def test_no_output_is_replaced_without_force(alice, bob, data):
    alice.run("encrypt", "plan.txt", "--to", BOB, cwd=data)
    before = (data / "plan.txt.pgp").read_bytes()
    _, err = alice.run("encrypt", "plan.txt", "--to", BOB, cwd=data, want=1)
    assert "exists already" in err and (data / "plan.txt.pgp").read_bytes() == before
    alice.run("encrypt", "plan.txt", "--to", BOB, "--force", cwd=data)
    assert (data / "plan.txt.pgp").read_bytes() != before
    (data / "plan.txt").write_bytes(b"mine")
    bob.run("decrypt", "plan.txt.pgp", cwd=data, want=1)
    assert (data / "plan.txt").read_bytes() == b"mine"
    bob.run("decrypt", "plan.txt.pgp", "--force", cwd=data)
    assert (data / "plan.txt").read_bytes() == DATA
    nothing_hidden(data)


def test_only_files_are_replaced(alice, data):
    """Not even with --force a device, a FIFO or a folder."""
    os.mkfifo(data / "fifo")
    (data / "folder").mkdir()
    for name in ("fifo", "folder", "/dev/null"):
        for words in (("encrypt", "plan.txt"), ("sign", "plan.txt")):
            _, err = alice.run(*words, "-o", name, "--force", cwd=data, want=1)
            assert "never replaced" in err
    assert os.path.exists("/dev/null") and not os.path.isfile("/dev/null") and (data / "fifo").is_fifo()
    (data / "link").symlink_to("plan.txt")
    alice.run("sign", "plan.txt", "-o", "link", "--force", cwd=data)
    assert (data / "plan.txt").read_bytes() == DATA and not (data / "link").is_symlink()


def test_several_files_are_signed(alice, bob, data):
    (data / "two.txt").write_bytes(b"two")
    said = alice.json("sign", "plan.txt", "two.txt", cwd=data)
    assert [s["output"] for s in said] == ["plan.txt.sig", "two.txt.sig"]
    for name in ("plan.txt", "two.txt"):
        bob.run("verify", name, cwd=data)
    bob.run("verify", "plan.txt", "two.txt.sig", cwd=data, want=1)


def test_signed_by_somebody_else_is_refused(alice, bob, data):
    alice.run("encrypt", "plan.txt", "--to", BOB, cwd=data)
    bob.run("decrypt", "plan.txt.pgp", "-o", "a", "--signed-by", ALICE, cwd=data)
    _, err = bob.run("decrypt", "plan.txt.pgp", "-o", "b", "--signed-by", BOB, cwd=data, want=1)
    assert "not signed by" in err and names(data) == ["a", "plan.txt", "plan.txt.pgp"]


def test_signed_by_somebody_else_gives_nothing_to_a_pipe(alice, bob, data):
    """Also of a message whose chunks are proven: who wrote it shows only at the end."""
    (data / "long").write_bytes(os.urandom(8 * MIB))
    alice.run("encrypt", "long", "--to", BOB, cwd=data)
    alice.run("encrypt", "long", "--to", BOB, "--no-sign", "-o", "unsigned.pgp", cwd=data)
    out, _ = bob.run("decrypt", "long.pgp", "--to-stdout", "--signed-by", ALICE, cwd=data)
    assert out == (data / "long").read_bytes()
    for words in (("long.pgp", "--signed-by", BOB), ("unsigned.pgp", "--signed-by", ALICE)):
        out, err = bob.run("decrypt", *words, "--to-stdout", cwd=data, want=1)
        assert out == b"" and "not signed by" in err


# ---- what goes wrong ----

@pytest.mark.parametrize("closed", [(2,), (1,), (1, 2), (0, 1, 2)])
def test_closed_standard_streams(alice, tmp_path, closed):
    """No file of ours gets the number of one: a warning would go into the sealed file."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "plan.txt").write_bytes(DATA)
    (tmp_path / "folder" / "out").symlink_to("/etc/passwd")
    shell = " ".join(f"{fd}>&-" for fd in closed)
    subprocess.run(["sh", "-c", f'exec "$0" encrypt folder --no-sign {shell}', alice.program], env=alice.env, cwd=tmp_path,
                   timeout=SECONDS, capture_output=True)
    out, _ = alice.run("decrypt", "folder.tar.pgp", "--list", cwd=tmp_path)
    assert b"folder/plan.txt" in out
    done = subprocess.run(["sh", "-c", 'exec "$0" sign folder/plan.txt -o - 1>&-', alice.program], env=alice.env,
                          cwd=tmp_path, timeout=SECONDS, capture_output=True)
    assert done.returncode == 3 and b"standard output" in done.stderr



def flip(path, at):
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def test_reasons_are_told_apart(alice, bob, data):
    """No key, wrong password, damage, a cut: each its own sentence, and nothing is left."""
    alice.run("encrypt", "plan.txt", "--to", BOB, cwd=data)
    alice.run("encrypt", "plan.txt", "--no-sign", "-o", "word.pgp", cwd=data, password="right")
    whole = (data / "plan.txt.pgp").read_bytes()
    (data / "damaged.pgp").write_bytes(whole)
    flip(data / "damaged.pgp", -40)
    (data / "cut.pgp").write_bytes(whole[:-60])
    (data / "other.pgp").write_bytes(b"no message at all\n")
    before = names(data)
    reasons = {}
    for who, name, password in ((alice, "plan.txt.pgp", None), (bob, "word.pgp", "wrong"), (bob, "word.pgp", None),
                                (bob, "damaged.pgp", None), (bob, "cut.pgp", None), (bob, "other.pgp", None)):
        out, err = who.run("decrypt", name, "-o", "out", "--json", cwd=data, want=1, password=password)
        said = json.loads(out)[0]
        reasons[name, password] = (said["error"], said["sentence"])
        assert said["sentence"] in err
    assert names(data) == before
    assert reasons["plan.txt.pgp", None][0] == "no-key" and reasons["word.pgp", None][0] == "no-key"
    assert "password" in reasons["word.pgp", None][1]
    assert reasons["word.pgp", "wrong"][0] == "password"
    assert reasons["damaged.pgp", None][0] == "integrity"
    assert reasons["cut.pgp", None][0] == "truncated"
    assert reasons["other.pgp", None][0] == "syntax"
    assert len(set(r[1] for r in reasons.values())) == len(reasons), reasons


def test_used_wrongly(alice, data):
    for words in (("encrypt",), ("encrypt", "plan.txt", "--nonsense"), ("decrypt", "plan.txt"),
                  ("verify", "a", "b", "c"), ("sign", "plan.txt", "--clear", "--inline"), ("encrypt", ".."),
                  ("decrypt", "plan.txt", "--release-unproven-data", "-o", "x"),
                  ("decrypt", "plan.txt", "--unpack", "--no-unpack")):
        want = 1 if words == ("decrypt", "plan.txt") else 2
        alice.run(*words, cwd=data, want=want)
    for verb in ("encrypt", "decrypt", "sign", "verify"):
        out, _ = alice.run(verb, "--help", cwd=data)
        assert b"Examples:" in out
    assert names(data) == ["plan.txt"]


def test_a_pipe_is_read_once(alice, bob, data):
    """<(...) of a shell: nothing looks into it first."""
    alice.run("encrypt", "plan.txt", "--to", BOB, cwd=data)
    alice.run("sign", "--inline", "plan.txt", "-o", "inline.pgp", cwd=data)
    for name in ("plan.txt.pgp", "inline.pgp"):
        os.mkfifo(data / f"{name}.fifo")
    def feed(name):
        return subprocess.Popen(["sh", "-c", f"cat {name} > {name}.fifo"], cwd=data)
    feeder = feed("plan.txt.pgp")
    bob.run("decrypt", "plan.txt.pgp.fifo", "-o", "out", cwd=data)
    feeder.wait(SECONDS)
    assert (data / "out").read_bytes() == DATA
    _, err = alice.run("verify", "inline.pgp.fifo", cwd=data, want=2)
    assert "pipe" in err
    alice.run("sign", "plan.txt", cwd=data)
    _, err = alice.run("verify", "-", "-", cwd=data, want=2, stdin=(data / "plan.txt.sig").read_bytes())
    assert "both" in err


def test_nobody_can_be_asked_for_the_passphrase(alice, data):
    alice.run("agent", "forget", cwd=data, secret=None)
    for words in (("encrypt", "plan.txt"), ("encrypt", "-"), ("sign", "plan.txt"), ("sign", "--clear", "plan.txt"),
                  ("sign", "--inline", "plan.txt")):
        _, err = alice.run(*words, cwd=data, want=2, secret=None)
        assert "--passphrase-fd" in err, (words, err)
    for text in (b"a\rb\n", b"a\r"):
        (data / "plan.txt").write_bytes(text)
        _, err = alice.run("sign", "--clear", "plan.txt", cwd=data, want=1)
        assert "carriage return" in err and names(data) == ["plan.txt"]


def test_a_folder_that_the_shell_wrote_out(alice, data):
    for i in range(600):
        (data / f"{i}.jpg").write_bytes(b"")
    alice.run("encrypt", *(f"{i}.jpg" for i in range(600)), "--no-sign", "-o", "all.tar.pgp", cwd=data)
    assert alice.run("decrypt", "all.tar.pgp", "--list", cwd=data)[0].count(b".jpg\n") == 600


def test_an_empty_password(alice, data):
    _, err = alice.run("encrypt", "plan.txt", "--no-sign", cwd=data, want=2, password="")
    assert "empty password" in err
    assert names(data) == ["plan.txt"]


def test_unknown_recipient(alice, data):
    _, err = alice.run("encrypt", "plan.txt", "--to", "nobody@example.com", cwd=data, want=1)
    assert "key find" in err and names(data) == ["plan.txt"]


def test_names_are_escaped(alice, data):
    evil = "plan\x1b[31m\u202etxt"
    (data / evil).write_bytes(b"x")
    out, err = alice.run("encrypt", evil, evil + "missing", cwd=data, want=1)
    assert b"\x1b" not in out and "\x1b" not in err and "\u202e".encode() not in out and "\u202e" not in err
    assert (data / (evil + ".pgp")).exists()


def test_a_message_ends_in_the_middle_of_a_pipe(alice, bob, data):
    """Proven chunks come out; the exit status says that the end was not reached."""
    (data / "long").write_bytes(os.urandom(12 * MIB))
    alice.run("encrypt", "long", "--to-file", bob.cert(data), "--no-sign", cwd=data)
    whole = (data / "long.pgp").read_bytes()
    out, err = bob.run("decrypt", "-", cwd=data, stdin=whole[:8 * MIB], want=1)
    assert 0 < len(out) < 8 * MIB and (data / "long").read_bytes().startswith(out)


def test_a_window_asks_where_there_is_no_terminal(alice, bob, data):
    """pinentry: what it says is used, what it refuses is a no; nothing secret is on a command line."""
    (data / "bin").mkdir()
    fake = data / "bin/pinentry"
    fake.write_text("""#!/bin/sh
echo OK Pleased
while read -r word rest; do
	echo "$word $rest" >> "$PIN_LOG"
	case $word in
	GETPIN) [ -n "$PIN" ] && { echo "D $PIN"; echo OK; } || echo "ERR 83886179 Operation cancelled" ;;
	BYE) echo OK; exit 0 ;;
	*) echo OK ;;
	esac
done
""")
    fake.chmod(0o755)
    alice.run("encrypt", "plan.txt", "--no-sign", cwd=data, password="100% sure", secret=None)
    settings = bob.home / "config/letterlock/agent.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f'pinentry = "{fake}"\n')
    env = dict(bob.env, DISPLAY=":0", PIN_LOG=str(data / "log"), PIN="100%25 sure")
    command = [bob.program, "decrypt", "plan.txt.pgp", "-o", "out"]
    done = subprocess.run(command, cwd=data, env=env, capture_output=True, start_new_session=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert (data / "out").read_bytes() == DATA and "SETDESC Password" in (data / "log").read_text()
    done = subprocess.run(command[:-1] + ["out2"], cwd=data, env=dict(env, PIN=""), capture_output=True, start_new_session=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode != 0 and b"window" in done.stderr and not (data / "out2").exists()
    settings.unlink()


def at_terminal(person, words, answers, cwd):
    """Runs it with a terminal: (what was on the screen, exit status)."""
    command = [str(person.program), *map(str, words)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(command[0], command, dict(person.env, TERM="xterm"))
    shown, end = b"", time.monotonic() + SECONDS
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
        for question, answer in list(answers.items()):
            if question.encode() in shown:
                os.write(terminal, answer.encode() + b"\n")
                del answers[question]
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_terminal_is_asked_and_shows_progress(alice, bob, data):
    """The password is asked where nothing else opens the file, and never shown."""
    alice.run("encrypt", "plan.txt", "--no-sign", cwd=data, password="seven geese")
    shown, status = at_terminal(bob, ("decrypt", "plan.txt.pgp", "-o", "out"), {"Password": "seven geese"}, data)
    assert status == 0 and (data / "out").read_bytes() == DATA
    assert "seven geese" not in shown and "Opening" in shown and "Opened: out" in shown
    _, err = bob.run("decrypt", "plan.txt.pgp", "-o", "quiet", cwd=data, password="seven geese")
    assert "Opening" not in err
    shown, status = at_terminal(bob, ("encrypt", "plan.txt", "--password", "--no-sign", "-o", "x"),
                                {"Password": "one", "Once more": "two"}, data)
    assert status == 2 and not (data / "x").exists()


# ---- disks and kills ----

def half_written(pid):
    """Modes of the plain files that the process writes, that have something in them, and not yet 64 MiB."""
    modes = []
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            st = fd.stat()
            writes = int(re.search(r"flags:\s+(\d+)", pathlib.Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text())[1], 8) & 3
            name = os.readlink(fd)
        except FileNotFoundError:
            continue
        if "/certificates/" in name:  # the store of certificates, which is whole at every moment
            continue
        if stat.S_ISREG(st.st_mode) and writes and 0 < st.st_size < 64 * MIB:
            modes.append(st.st_mode & 0o777)
    return modes


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda kind: kind.name)
@pytest.mark.parametrize("verb", ["encrypt", "decrypt"])
def test_kill_leaves_nothing(alice, bob, data, verb, kind):
    """Not under the final name, nor anything that can be read; what is half written is for nobody else to read."""
    with open(data / "big", "wb") as f:
        for _ in range(64):
            f.write(os.urandom(MIB))
    if verb == "decrypt":
        alice.run("encrypt", "big", "--to", BOB, cwd=data)
    before = names(data)
    for _ in range(5):
        p = alice.start("encrypt", "big", "--to", BOB, cwd=data) if verb == "encrypt" else \
            bob.start("decrypt", "big.pgp", "-o", "out", cwd=data)
        end = time.monotonic() + 60
        modes = []
        while not modes and p.poll() is None:
            assert time.monotonic() < end
            modes = half_written(p.pid) if p.poll() is None else []
        p.send_signal(kind)
        p.communicate(timeout=SECONDS)
        if p.returncode != 0:
            break
        (data / ("big.pgp" if verb == "encrypt" else "out")).unlink()  # it was quicker
    assert p.returncode != 0 and modes == [0o600]
    try:
        os.close(os.open(data, os.O_TMPFILE | os.O_RDWR, 0o600))
    except OSError:  # a file system on which nothing is without a name
        before += [n for n in names(data) if n.startswith(".letterlock") and kind == signal.SIGKILL]
    assert names(data) == sorted(before)


def test_kill_while_a_folder_is_unpacked(alice, tmp_path):
    """The hidden folder is removed by who can; the final name is not there."""
    (tmp_path / "d").mkdir()
    for i in range(3000):
        (tmp_path / f"d/{i}").write_bytes(b"x")
    alice.run("encrypt", "d", cwd=tmp_path)
    p = alice.start("decrypt", "d.tar.pgp", "-o", "out", cwd=tmp_path)
    while p.poll() is None and not any(n.startswith(".letterlock") for n in names(tmp_path)):
        pass
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=SECONDS)
    assert p.returncode != 0 and names(tmp_path) == ["d", "d.tar.pgp"]


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))


def test_a_full_disk_leaves_nothing(alice, bob, data):
    (data / "big").write_bytes(os.urandom(4 * MIB))
    (data / "folder").mkdir()
    shutil.copy(data / "big", data / "folder/big")
    alice.run("encrypt", "big", "folder", "--to", BOB, cwd=data)
    before = names(data)
    for who, words in ((alice, ("encrypt", "big", "--to", BOB, "-o", "x")), (bob, ("decrypt", "big.pgp", "-o", "x")),
                       (bob, ("decrypt", "folder.tar.pgp", "-o", "x")), (alice, ("sign", "--inline", "big", "-o", "x"))):
        who.run(*words, cwd=data, want=3, preexec_fn=small_files)
        assert names(data) == before


def test_a_disk_is_full_while_a_folder_is_unpacked(alice, bob, data):
    """The tar itself fits once; the folder beside it does not."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    (data / "folder").mkdir()
    (data / "folder/big").write_bytes(os.urandom(5 * MIB))
    alice.run("encrypt", "folder", "--to", BOB, cwd=data)
    small = data / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", small], capture_output=True).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        _, err = bob.run("decrypt", "folder.tar.pgp", "-o", small / "x", cwd=data, want=3)
        assert names(small) == []
    finally:
        subprocess.run(["umount", small], check=True)


def peak(person, *words, cwd, **more):
    """MiB of memory at most."""
    p = person.start(*words, cwd=cwd, **more)
    best = 0
    while p.poll() is None:
        try:
            for line in pathlib.Path(f"/proc/{p.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    best = max(best, int(line.split()[1]) >> 10)
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.02)
    p.communicate()
    assert p.returncode == 0
    return best


def test_memory_does_not_grow_with_the_file(alice, bob, place, tmp_path):
    peaks = {}
    for size in (20, 300):
        work = tmp_path / str(size)
        (work / "folder").mkdir(parents=True)
        with open(work / "folder/big", "wb") as f:
            block = os.urandom(MIB)
            for _ in range(size):
                f.write(block)
        os.link(work / "folder/big", work / "big")
        for what, who, words in (("seal", alice, ("encrypt", "big", "--to", BOB)),
                                 ("open", bob, ("decrypt", "big.pgp", "-o", "out")),
                                 ("sign", alice, ("sign", "big")), ("verify", bob, ("verify", "big")),
                                 ("pack", alice, ("encrypt", "folder", "--to", BOB)),
                                 ("unpack", bob, ("decrypt", "folder.tar.pgp", "-o", "folder2"))):
            peaks[what, size] = peak(who, *words, cwd=work)
        assert (work / "folder2/big").stat().st_size == size * MIB
        shutil.rmtree(work)
    for what in ("seal", "open", "sign", "verify", "pack", "unpack"):
        assert peaks[what, 300] < peaks[what, 20] + 40, peaks


# ---- passwords, gpg ----

def test_password_only(alice, bob, data):
    alice.run("encrypt", "plan.txt", "--no-sign", cwd=data, password="seven geese", secret=None)
    bob.run("decrypt", "plan.txt.pgp", "-o", "again", cwd=data, password="seven geese", secret=None)
    assert (data / "again").read_bytes() == DATA


def test_gpg_opens_our_password(alice, gpg, data):
    alice.run("encrypt", "plan.txt", "--compatible", "--no-sign", cwd=data, password="seven geese")
    assert gpg("--passphrase", "seven geese", "-d", data / "plan.txt.pgp") == DATA


def test_we_open_gpgs_password(alice, gpg, data):
    gpg("--passphrase", "seven geese", "-o", data / "plan.txt.gpg", "-c", data / "plan.txt")
    alice.run("decrypt", "plan.txt.gpg", "-o", "again", cwd=data, password="seven geese")
    assert (data / "again").read_bytes() == DATA
    alice.run("decrypt", "plan.txt.gpg", "-o", "no", cwd=data, password="seven ducks", want=1)
    assert not (data / "no").exists()


def test_gpg_opens_ours(alice, gpg, peter, data):
    alice.run("encrypt", "plan.txt", "--to", PETER, cwd=data)
    assert gpg("-d", data / "plan.txt.pgp") == DATA
    alice.run("sign", "plan.txt", cwd=data)
    gpg("--verify", data / "plan.txt.sig", data / "plan.txt")
    alice.run("sign", "plan.txt", "--armor", "-o", "x.asc", cwd=data)
    gpg("--verify", data / "x.asc", data / "plan.txt")
    alice.run("sign", "plan.txt", "--inline", cwd=data, want=1)  # plan.txt.pgp is the sealed one
    alice.run("sign", "plan.txt", "--inline", "--force", cwd=data)
    assert gpg("-d", data / "plan.txt.pgp") == DATA


@pytest.mark.parametrize("how", [("-e",), ("-e", "-s"), ("-e", "-s", "--armor"), ("-e", "-z", "0"),
                                 ("-e", "--disable-mdc", "--rfc2440")])
def test_we_open_gpgs(alice, gpg, peter, data, how):
    name = "plan.txt.asc" if "--armor" in how else "plan.txt.gpg"
    gpg(*how, "-r", ALICE, "-u", PETER, "-o", data / name, data / "plan.txt")
    out, err = alice.run("decrypt", name, "-o", "again", cwd=data, want=None)
    if "--disable-mdc" in how and alice.status != 0:  # gpg 2.2.8 and later ignore the option
        assert not (data / "again").exists()
        return
    assert alice.status == 0, err
    assert (data / "again").read_bytes() == DATA
    assert (b"Peter Peer" in out) == ("-s" in how)


def test_older_messages_prove_themselves_only_at_the_end(alice, gpg, peter, data):
    """SEIPDv1 into a pipe: nothing before the end, unless the option whose name says it."""
    (data / "long").write_bytes(os.urandom(8 * MIB))
    gpg("-e", "-z", "0", "-r", ALICE, "-o", data / "long.gpg", data / "long")
    flip(data / "long.gpg", -30)
    out, _ = alice.run("decrypt", "--to-stdout", "long.gpg", cwd=data, want=1)
    assert out == b""
    out, _ = alice.run("decrypt", "--to-stdout", "--release-unproven-data", "long.gpg", cwd=data, want=1)
    assert len(out) > 4 * MIB


def test_the_name_inside_is_no_path(alice, gpg, peter, data):
    gpg("-e", "-r", ALICE, "--set-filename", "../../evil", "-o", data / "in.gpg", data / "plan.txt")
    alice.run("decrypt", "in.gpg", cwd=data)
    assert (data / "in").read_bytes() == DATA and names(data) == ["in", "in.gpg", "plan.txt"]


# ---- verify ----

@pytest.mark.parametrize("suffix", [".sig", ".asc", ".sign", ".gpg"])
def test_a_download_and_its_signature(alice, gpg, peter, data, suffix):
    gpg(*(("--armor",) if suffix == ".asc" else ()), "-u", PETER, "-o", data / ("plan.txt" + suffix), "-b", data / "plan.txt")
    for words in (("plan.txt",), ("plan.txt", "plan.txt" + suffix), ("plan.txt" + suffix,)):
        out, _ = alice.run("verify", *words, cwd=data)
        assert b"Good signature" in out and PETER.encode() in out and b"You imported it" in out
    said = alice.json("verify", "plan.txt", cwd=data)[0]
    assert said["verified"] and said["verdict"] == "good" and said["signatures"][0]["believed"]
    (data / "plan.txt").write_bytes(DATA + b" ")
    out, err = alice.run("verify", "plan.txt", cwd=data, want=1)
    assert b"BAD signature" in out
    assert alice.json("verify", "plan.txt", cwd=data, want=1)[0]["verdict"] == "bad"


def test_an_unknown_key_says_what_to_do(bob, gpg, peter, data):
    gpg("-u", PETER, "-o", data / "plan.txt.sig", "-b", data / "plan.txt")
    out, err = bob.run("verify", "plan.txt", cwd=data, want=1)
    assert b"not known here" in out and b"key import" in out and b"--cert" in out
    said = bob.json("verify", "plan.txt", cwd=data, want=1)[0]
    assert said["verdict"] == "unknown" and not said["verified"] and len(said["signatures"][0]["fingerprint"]) == 40


def test_against_a_given_certificate(bob, gpg, peter, data):
    gpg("-u", PETER, "-o", data / "plan.txt.sig", "-b", data / "plan.txt")
    out, _ = bob.run("verify", "plan.txt", "--cert", peter, cwd=data)
    assert b"only because you gave" in out
    assert bob.json("verify", "plan.txt", "--cert", peter, cwd=data)[0]["verdict"] == "given"
    out, _ = bob.run("verify", "plan.txt", "--cert", bob.cert(data), cwd=data, want=1)
    assert b"another key" in out and b"key import" not in out
    (data / "plan.txt").write_bytes(b"changed")
    bob.run("verify", "plan.txt", "--cert", peter, cwd=data, want=1)


def test_a_given_certificate_needs_no_home(bob, gpg, peter, data):
    """A script that checks a download, with an account that has no folder of its own."""
    gpg("-u", PETER, "-o", data / "plan.txt.sig", "-b", data / "plan.txt")
    (data / "file").write_bytes(b"")
    env = {k: v for k, v in bob.env.items() if not k.startswith("XDG_")}
    for home in (data / "file", "/proc/none"):
        done = subprocess.run([bob.program, "verify", "plan.txt", "--cert", peter], env=dict(env, HOME=str(home)), cwd=data,
                              capture_output=True, timeout=SECONDS)
        assert done.returncode == 0 and b"only because you gave" in done.stdout, done.stderr
        done = subprocess.run([bob.program, "verify", "plan.txt"], env=dict(env, HOME=str(home)), cwd=data,
                              capture_output=True, timeout=SECONDS)
        assert done.returncode != 0 and b"folder" in done.stderr


def test_why_is_said(alice, place, gpg, peter, data):
    """Compared beats imported."""
    one = Person(data, "carol@example.org")
    (data / "work").mkdir()
    work = data / "work"
    (work / "f").write_bytes(DATA)
    one.knows(peter, cwd=work)
    gpg("-u", PETER, "-o", work / "f.sig", "-b", work / "f")
    assert b"you have not compared its fingerprint" in one.run("verify", "f", cwd=work, secret=None)[0]
    one.run("key", "verify", PETER, cwd=work, secret=None)
    assert b"You compared its fingerprint" in one.run("verify", "f", cwd=work, secret=None)[0]


def test_gpg_files_with_the_data_inside(alice, gpg, peter, data):
    for more in ((), ("-z", "0"), ("--armor",)):
        gpg(*more, "-u", PETER, "-o", data / "in.gpg", "-s", data / "plan.txt")
        alice.run("verify", "in.gpg", cwd=data)
        alice.run("verify", "in.gpg", "-o", "out", "--force", cwd=data)
        assert (data / "out").read_bytes() == DATA
        (data / "out").unlink()
    gpg("-z", "0", "-u", PETER, "-o", data / "in.gpg", "-s", data / "plan.txt")
    raw = (data / "in.gpg").read_bytes().replace(b"lazy dog", b"lazy cat", 1)
    (data / "in.gpg").write_bytes(raw)
    alice.run("verify", "in.gpg", "-o", "out", cwd=data, want=1)
    assert not (data / "out").exists()
    nothing_hidden(data)


def test_inline_of_an_unknown_signer_is_not_written(bob, gpg, peter, data):
    gpg("-u", PETER, "-o", data / "in.gpg", "-s", data / "plan.txt")
    bob.run("verify", "in.gpg", "-o", "out", cwd=data, want=1)
    assert names(data) == ["in.gpg", "plan.txt"]
    bob.run("verify", "in.gpg", "-o", "out", "--cert", peter, cwd=data)
    assert (data / "out").read_bytes() == DATA


def test_nothing_unproven_goes_to_a_pipe(alice, bob, gpg, peter, data):
    gpg("-z", "0", "-u", PETER, "-o", data / "in.gpg", "-s", data / "plan.txt")
    assert alice.run("verify", "in.gpg", "-o", "-", cwd=data)[0] == DATA
    assert bob.run("verify", "in.gpg", "-o", "-", cwd=data, want=1)[0] == b""
    (data / "in.gpg").write_bytes((data / "in.gpg").read_bytes().replace(b"lazy dog", b"lazy cat", 1))
    assert alice.run("verify", "in.gpg", "-o", "-", cwd=data, want=1)[0] == b""


def only_came_along(person):
    """All certificates that were imported came with a message."""
    with contextlib.closing(sqlite3.connect(person.home / "data/letterlock/certificates/certificates.db")) as db, db:
        for table in ("certificates", "evidence"):
            assert db.execute(f"UPDATE {table} SET origin = 20 WHERE origin = 60").rowcount > 0


def test_a_key_that_only_came_along(gpg, peter, data):
    """Its signature fits, and nothing vouches for whose it is: that is a no, with what to do."""
    one = Person(data, "carol@example.org")
    one.knows(peter, cwd=data)
    only_came_along(one)
    gpg("-u", PETER, "-o", data / "plan.txt.sig", "-b", data / "plan.txt")
    out, _ = one.run("verify", "plan.txt", cwd=data, want=1, secret=None)
    assert b"nothing vouches" in out and b"key verify" in out
    assert one.json("verify", "plan.txt", cwd=data, want=1, secret=None)[0]["verdict"] == "doubtful"
    one.run("key", "verify", PETER, cwd=data, secret=None)
    one.run("verify", "plan.txt", cwd=data, secret=None)


def test_only_one_signer_counts(alice, bob, gpg, peter, data):
    """Bob is known to Alice, and yet not the one who releases Peter's program."""
    bob.run("sign", "plan.txt", cwd=data)
    alice.run("verify", "plan.txt", cwd=data)
    _, err = alice.run("verify", "plan.txt", "--signed-by", PETER, cwd=data, want=1)
    assert "somebody else" in err
    for who in (BOB, alice.fingerprint(BOB)):
        alice.run("verify", "plan.txt", "--signed-by", who, cwd=data)
    gpg("-u", PETER, "-o", data / "in.gpg", "-s", data / "plan.txt")
    alice.run("verify", "in.gpg", "-o", "out", "--signed-by", BOB, cwd=data, want=1)
    assert not (data / "out").exists()
    alice.run("verify", "in.gpg", "-o", "out", "--signed-by", PETER, cwd=data)
    one = Person(data, "carol@example.org")
    one.knows(peter, cwd=data)
    only_came_along(one)
    _, err = one.run("verify", "in.gpg", "--signed-by", PETER, cwd=data, want=1, secret=None)
    assert "nothing vouches" in err
    one.run("verify", "in.gpg", "--signed-by", one.fingerprint(PETER), cwd=data, secret=None)


def test_never_from_detached_to_inline(alice, gpg, peter, data):
    """A good signed message in the place of a detached signature says nothing about the file beside it."""
    (data / "evil.txt").write_bytes(b"another text\n")
    gpg("-u", PETER, "-o", data / "evil.txt.sig", "-s", data / "plan.txt")
    gpg("-u", PETER, "-o", data / "evil.txt.asc", "--clearsign", data / "plan.txt")
    alice.run("verify", "evil.txt", cwd=data, want=1)
    for name in ("evil.txt.sig", "evil.txt.asc"):
        out, _ = alice.run("verify", "evil.txt", name, cwd=data, want=1)
        assert b"Good" not in out


def test_cleartext(alice, gpg, peter, data):
    gpg("-u", PETER, "-o", data / "said.asc", "--clearsign", data / "plan.txt")
    out, _ = alice.run("verify", "said.asc", cwd=data)
    assert b"Good signature" in out
    alice.run("verify", "said.asc", "-o", "out", cwd=data)
    assert (data / "out").read_bytes().rstrip(b"\n") == DATA.rstrip(b"\n")
    (data / "said.asc").write_bytes((data / "said.asc").read_bytes().replace(b"lazy", b"lame", 1))
    alice.run("verify", "said.asc", "-o", "no", cwd=data, want=1)
    assert not (data / "no").exists()


def test_our_cleartext_for_gpg(alice, gpg, peter, data):
    alice.run("sign", "--clear", "plan.txt", cwd=data)
    gpg("--verify", data / "plan.txt.asc")
    (data / "plan.txt").unlink()
    alice.run("verify", "plan.txt.asc", cwd=data)


def test_old_hashes_are_refused_by_rule(alice, gpg, peter, data):
    gpg("-u", PETER, "--digest-algo", "SHA1", "--allow-weak-digest-algos", "-o", data / "plan.txt.sig", "-b", data / "plan.txt")
    out, err = alice.run("verify", "plan.txt", cwd=data, want=1)
    assert b"does not count" in out and b"sha1" in out
    assert alice.json("verify", "plan.txt", cwd=data, want=1)[0]["verdict"] == "invalid"
    alice.run("verify", "plan.txt", "--accept-old", "sha1", cwd=data)
    alice.run("verify", "plan.txt", "--accept-old", "no-such-rule", cwd=data, want=2)


def test_checksums_of_a_release(alice, gpg, peter, data):
    sums = subprocess.run(["sha256sum", "plan.txt"], cwd=data, capture_output=True, check=True).stdout
    (data / "SHA256SUMS").write_bytes(sums)
    gpg("-u", PETER, "-o", data / "SHA256SUMS.gpg", "-b", data / "SHA256SUMS")
    alice.run("verify", "SHA256SUMS", "SHA256SUMS.gpg", cwd=data)
    alice.run("verify", "SHA256SUMS", cwd=data)


def test_lonely_files(alice, gpg, peter, data):
    _, err = alice.run("verify", "plan.txt", cwd=data, want=1)
    assert "none beside it" in err
    gpg("-u", PETER, "-o", data / "alone.sig", "-b", data / "plan.txt")
    _, err = alice.run("verify", "alone.sig", cwd=data, want=1)
    assert "not beside it" in err
    alice.run("encrypt", "plan.txt", cwd=data)
    _, err = alice.run("verify", "plan.txt.pgp", cwd=data, want=1)
    assert "decrypt" in err
    alice.run("encrypt", "plan.txt", "--armor", cwd=data)  # plan.txt.asc, which is no signature
    gpg("-u", PETER, "-o", data / "plan.txt.sign", "-b", data / "plan.txt")
    alice.run("verify", "plan.txt", cwd=data)


def test_data_from_standard_input(alice, gpg, peter, data):
    gpg("-u", PETER, "-o", data / "s", "-b", data / "plan.txt")
    out, err = alice.run("verify", "-", "s", cwd=data, stdin=DATA)
    assert b"Good signature" in out
    alice.run("verify", "-", "s", cwd=data, stdin=DATA + b"x", want=1)
    alice.run("verify", "-", cwd=data, stdin=DATA, want=2)


def test_v6_signatures(alice, bob, data):
    bob.run("sign", "plan.txt", cwd=data)
    out, _ = alice.run("verify", "plan.txt", cwd=data)
    assert b"Bob Baker" in out


def test_a_name_that_is_an_attack_on_the_terminal(alice, data):
    """A user ID is text of a stranger."""
    evil = "Eve \x1b[2J\x1b]0;owned\x07\u202e <eve@example.com>\n  Good signature"
    key = subprocess.run([alice.program, "sop", "generate-key", evil], capture_output=True, check=True).stdout
    (data / "eve.cert").write_bytes(subprocess.run([alice.program, "sop", "extract-cert"], input=key, capture_output=True,
                                                   check=True).stdout)
    (data / "eve.key").write_bytes(key)
    (data / "plan.txt.sig").write_bytes(subprocess.run([alice.program, "sop", "sign", data / "eve.key"], input=DATA,
                                                       capture_output=True, check=True).stdout)
    out, err = alice.run("verify", "plan.txt", "--cert", "eve.cert", cwd=data)
    text = out.decode() + err
    assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text and "\n  Good signature" not in text
    alice.run("encrypt", "plan.txt", "--to-file", "eve.cert", cwd=data)


def carrier(person, folder):
    """(session key packet for this person, the session key in hex): for messages put together by hand."""
    raw = subprocess.run([person.program, "sop", "encrypt", "--no-armor", "--profile=rfc4880", "--session-key-out=session",
                          f"{person.address}.cert"], input=b"x", capture_output=True, check=True, cwd=folder).stdout
    cipher, key = (folder / "session").read_text().strip().split(":")
    assert cipher == "9" and raw[0] == 0xc1 and raw[1] < 224
    return raw[:2 + raw[1] if raw[1] < 192 else 3 + (raw[1] - 192 << 8) + raw[2] + 192], key


def cfb(key, iv, plain):
    return subprocess.run(["openssl", "enc", "-aes-256-cfb", "-K", key, "-iv", iv.hex(), "-nopad"], input=plain,
                          capture_output=True, check=True).stdout


def test_old_messages_without_protection(alice, data):
    """Packet type 9 is refused with the rule's name, which opens it, and then it is said."""
    alice.cert(data)
    head, key = carrier(alice, data)
    first = cfb(key, bytes(16), bytes(range(16)) + bytes([14, 15]))
    literal = b"\xcb" + bytes([6 + 5]) + b"b\x00\x00\x00\x00\x00" + b"hello"
    body = first + cfb(key, first[2:18], literal)
    (data / "old.pgp").write_bytes(head + b"\xc9\xff" + len(body).to_bytes(4, "big") + body)
    _, err = alice.run("decrypt", "old.pgp", cwd=data, want=1)
    assert "no-mdc" in err and not (data / "old").exists()
    _, err = alice.run("decrypt", "old.pgp", "--accept-old", "no-mdc", cwd=data)
    assert (data / "old").read_bytes() == b"hello" and "nothing protects" in err


def test_a_signed_file_that_was_passed_on(alice, gpg, peter, data):
    """Alice signs for Peter; Peter seals what she signed for somebody else, who is told."""
    alice.run("encrypt", "plan.txt", "--to", PETER, cwd=data)
    inner = gpg("--decrypt", "--unwrap", data / "plan.txt.pgp")
    alice.cert(data)
    head, key = carrier(alice, data)
    plain = bytes(range(16)) + bytes([14, 15]) + inner + b"\xd3\x14"
    plain += hashlib.sha1(plain).digest()
    body = b"\x01" + cfb(key, bytes(16), plain)
    (data / "passed.pgp").write_bytes(head + b"\xd2\xff" + len(body).to_bytes(4, "big") + body)
    out, err = alice.run("decrypt", "passed.pgp", cwd=data)
    assert (data / "passed").read_bytes() == DATA and b"Good signature" in out
    assert "made it for others than you" in err
    alice.run("encrypt", "plan.txt", "-o", "mine.pgp", cwd=data)
    assert "others" not in alice.run("decrypt", "mine.pgp", cwd=data)[1]


# ---- other programs ----

@pytest.mark.parametrize("program", ["sqop", "gosop"])
def test_sop_programs_both_ways(alice, program, data):
    need(program)

    def sop(*words, stdin=b""):
        done = subprocess.run([program, *map(str, words)], input=stdin, capture_output=True, timeout=SECONDS, cwd=data)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    (data / "secret.key").write_bytes(sop("generate-key", f"Quentin <q@{program}.example>"))
    (data / "cert").write_bytes(sop("extract-cert", stdin=(data / "secret.key").read_bytes()))
    alice.cert(data)
    alice.run("encrypt", "plan.txt", "--to-file", "cert", cwd=data)
    assert sop("decrypt", "secret.key", stdin=(data / "plan.txt.pgp").read_bytes()) == DATA
    (data / "in.pgp").write_bytes(sop("encrypt", "--sign-with=secret.key", f"{ALICE}.cert", stdin=DATA))
    out, _ = alice.run("decrypt", "in.pgp", "--cert", "cert", cwd=data)
    assert (data / "in").read_bytes() == DATA and b"fits the certificate that you gave" in out
    (data / "plan.txt.asc").write_bytes(sop("sign", "secret.key", stdin=DATA))
    alice.run("verify", "plan.txt", "--cert", "cert", cwd=data)
    alice.run("sign", "plan.txt", cwd=data)
    assert sop("verify", "plan.txt.sig", f"{ALICE}.cert", stdin=DATA)


def test_sq_both_ways(alice, data):
    need("sq")

    def sq(*words):
        done = subprocess.run(["sq", *map(str, words)], capture_output=True, timeout=SECONDS, cwd=data)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    sq("key", "generate", "--userid", "Sequoia <s@example.com>", "--export", "secret.key")
    (data / "cert").write_bytes(sq("key", "extract-cert", "secret.key"))
    alice.cert(data)
    alice.run("encrypt", "plan.txt", "--to-file", "cert", cwd=data)
    sq("decrypt", "--recipient-key", "secret.key", "--signer-cert", f"{ALICE}.cert", "--output", "out", "plan.txt.pgp")
    assert (data / "out").read_bytes() == DATA
    sq("encrypt", "--recipient-cert", f"{ALICE}.cert", "--signer-key", "secret.key", "--output", "in.pgp", "plan.txt")
    assert b"fits the certificate" in alice.run("decrypt", "in.pgp", "--cert", "cert", cwd=data)[0]
    sq("sign", "--signer-key", "secret.key", "--detached", "--output", "plan.txt.sig", "plan.txt")
    alice.run("verify", "plan.txt", "--cert", "cert", cwd=data)
    sq("sign", "--signer-key", "secret.key", "--cleartext-signature", "--output", "clear.txt", "plan.txt")
    alice.run("verify", "clear.txt", "--cert", "cert", cwd=data)
    sq("sign", "--signer-key", "secret.key", "--output", "in.asc", "plan.txt")
    alice.run("verify", "in.asc", "--cert", "cert", "-o", "out2", cwd=data)
    assert (data / "out2").read_bytes() == DATA
    alice.run("sign", "--clear", "plan.txt", cwd=data)
    sq("verify", "--signer-cert", f"{ALICE}.cert", "plan.txt.asc")


def test_rnp_both_ways(alice, data):
    need("rnp", "rnpkeys")
    home = data / "rnp"
    home.mkdir(mode=0o700)

    def rnp(*words, program="rnp"):
        done = subprocess.run([program, "--homedir", str(home), *map(str, words)], capture_output=True, timeout=SECONDS, cwd=data)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    rnp("--generate-key", "--userid", "rita@example.com", "--password", "", program="rnpkeys")
    (data / "cert").write_bytes(rnp("--export-key", "rita@example.com", program="rnpkeys"))
    rnp("--import", alice.cert(data), program="rnpkeys")
    alice.run("encrypt", "plan.txt", "--to-file", "cert", cwd=data)
    rnp("--decrypt", "plan.txt.pgp", "--output", "out", "--password", "")
    assert (data / "out").read_bytes() == DATA
    rnp("--encrypt", "--sign", "-u", "rita@example.com", "-r", ALICE, "plan.txt", "--output", "in.pgp", "--password", "")
    alice.run("decrypt", "in.pgp", "--cert", "cert", cwd=data)
    assert (data / "in").read_bytes() == DATA
    rnp("--sign", "--detach", "-u", "rita@example.com", "plan.txt", "--output", "plan.txt.sig", "--password", "")
    alice.run("verify", "plan.txt", "--cert", "cert", cwd=data)


# ---- folders ----

def make_folder(at):
    (at / "sub/deeper").mkdir(parents=True)
    (at / "a.txt").write_bytes(b"a")
    (at / "sub/grüße.txt").write_bytes("grüße".encode())
    (at / ("long" * 40)).write_bytes(b"long")
    (at / "sub/deeper" / ("d" * 200)).write_bytes(b"")
    (at / "run").write_bytes(b"#!/bin/sh\n")
    (at / "run").chmod(0o755)
    (at / "sub/up").symlink_to("../a.txt")
    (at / "empty").mkdir()
    os.utime(at / "a.txt", (1e9, 1e9))
    with open(os.path.join(os.fsencode(at), b"latin-\xe9"), "wb") as f:
        f.write(b"x")


def same(a, b):
    walk = [[(os.path.relpath(os.path.join(root, n), top), os.lstat(os.path.join(root, n)).st_mode,
              os.readlink(os.path.join(root, n)) if os.path.islink(os.path.join(root, n)) else
              open(os.path.join(root, n), "rb").read() if os.path.isfile(os.path.join(root, n)) else None)
             for root, folders, files in os.walk(top) for n in folders + files] for top in (os.fsencode(a), os.fsencode(b))]
    assert sorted(walk[0]) == sorted(walk[1])


def test_a_folder_is_sealed_and_opened(alice, bob, tmp_path):
    (tmp_path / "photos").mkdir()
    make_folder(tmp_path / "photos")
    said = alice.json("encrypt", "photos/", "--to", BOB, cwd=tmp_path)[0]
    assert said["output"] == "photos.tar.pgp" and said["entries"] == 11
    listed = bob.json("decrypt", "--list", "photos.tar.pgp", cwd=tmp_path)[0]
    assert len(listed["entries"]) == 11 and names(tmp_path) == ["photos", "photos.tar.pgp"]
    (tmp_path / "photos").rename(tmp_path / "before")
    out, _ = bob.run("decrypt", "photos.tar.pgp", cwd=tmp_path)
    assert b"Good signature" in out
    same(tmp_path / "before", tmp_path / "photos")
    assert (tmp_path / "photos/a.txt").stat().st_mtime == 1e9
    _, err = bob.run("decrypt", "photos.tar.pgp", cwd=tmp_path, want=1)
    assert "exists already" in err
    bob.run("decrypt", "photos.tar.pgp", "-o", "holiday/", cwd=tmp_path)
    same(tmp_path / "before", tmp_path / "holiday")
    nothing_hidden(tmp_path)


def test_a_tar_that_was_sealed_as_a_file_comes_back_as_one(alice, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a").write_bytes(b"a")
    subprocess.run(["tar", "cf", "x.tar", "x"], cwd=tmp_path, check=True)
    raw = (tmp_path / "x.tar").read_bytes()
    alice.run("encrypt", "x.tar", cwd=tmp_path)
    (tmp_path / "x.tar").unlink()
    alice.run("decrypt", "x.tar.pgp", cwd=tmp_path)
    assert (tmp_path / "x.tar").read_bytes() == raw
    alice.run("decrypt", "x.tar.pgp", "--unpack", "-o", "y", cwd=tmp_path)
    assert (tmp_path / "y/a").read_bytes() == b"a"


def test_several_files_become_one(alice, bob, tmp_path):
    (tmp_path / "one").write_bytes(b"1")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/two").write_bytes(b"2")
    alice.run("encrypt", "one", "d", "-o", "both.pgp", "--to", BOB, cwd=tmp_path)
    bob.run("decrypt", "both.pgp", cwd=tmp_path)
    assert names(tmp_path / "both") == ["d", "one"] and (tmp_path / "both/d/two").read_bytes() == b"2"
    alice.run("encrypt", "one", "d/../one", "-o", "x.pgp", "--to", BOB, cwd=tmp_path, want=1)


def test_gnu_tar_opens_ours(alice, bob, tmp_path):
    (tmp_path / "photos").mkdir()
    make_folder(tmp_path / "photos")
    alice.run("encrypt", "photos", "--to", BOB, cwd=tmp_path)
    bob.run("decrypt", "photos.tar.pgp", "--no-unpack", cwd=tmp_path)
    (tmp_path / "there").mkdir()
    done = subprocess.run(["tar", "xpf", "../photos.tar"], cwd=tmp_path / "there", capture_output=True)
    # the name that is no UTF-8 has a keyword that GNU tar does not know and need not
    assert done.returncode == 0 and done.stderr in (b"", b"tar: Ignoring unknown extended header keyword 'hdrcharset'\n")
    same(tmp_path / "photos", tmp_path / "there/photos")


@pytest.mark.parametrize("form", ["gnu", "pax", "ustar"])
def test_we_open_gnu_tars(alice, gpg, peter, tmp_path, form):
    (tmp_path / "photos").mkdir()
    make_folder(tmp_path / "photos")
    if form == "ustar":
        shutil.rmtree(tmp_path / "photos/sub/deeper")
        (tmp_path / "photos" / ("long" * 40)).unlink()
    os.link(tmp_path / "photos/a.txt", tmp_path / "photos/same.txt")
    subprocess.run(["tar", f"--format={form}", "-cf", "x.tar", "photos"], cwd=tmp_path, check=True)
    gpg("-e", "-r", ALICE, "-o", tmp_path / "x.tar.gpg", tmp_path / "x.tar")
    alice.run("decrypt", "x.tar.gpg", "--unpack", cwd=tmp_path)
    same(tmp_path / "photos", tmp_path / "x")
    assert (tmp_path / "x/same.txt").stat().st_nlink == 2


def test_files_with_holes(alice, tmp_path):
    (tmp_path / "d").mkdir()
    with open(tmp_path / "d/disk", "wb") as f:
        f.truncate(64 * MIB)
        f.seek(20 * MIB)
        f.write(b"somewhere")
    subprocess.run(["tar", "-S", "--format=pax", "-cf", "x.tar", "d"], cwd=tmp_path, check=True)
    assert (tmp_path / "x.tar").stat().st_size < MIB
    alice.run("encrypt", "x.tar", cwd=tmp_path)
    alice.run("decrypt", "x.tar.pgp", "--unpack", cwd=tmp_path)
    same(tmp_path / "d", tmp_path / "x")
    assert (tmp_path / "x/disk").stat().st_blocks < 1000


def test_what_cannot_be_packed_is_said(alice, tmp_path):
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "d/fifo")
    (tmp_path / "d/out").symlink_to("../../secret")
    (tmp_path / "d/absolute").symlink_to("/etc/passwd")
    _, err = alice.run("encrypt", "d", cwd=tmp_path)
    assert err.count("left out") == 3
    alice.run("decrypt", "d.tar.pgp", "-o", "e", cwd=tmp_path)
    assert names(tmp_path / "e") == []


def test_what_is_named_is_never_left_out(alice, data):
    os.mkfifo(data / "fifo")
    for name in ("fifo", "/dev/null", "missing", "-"):
        _, err = alice.run("encrypt", "plan.txt", name, "-o", "both.tar.pgp", cwd=data, want=1)
        assert name in err and names(data) == ["fifo", "plan.txt"]


def test_a_folder_is_not_packed_into_itself(alice, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a").write_bytes(b"a")
    alice.run("encrypt", ".", "-o", "d/all.pgp", cwd=tmp_path)
    entries = alice.json("decrypt", "--list", "d/all.pgp", cwd=tmp_path)[0]["entries"]
    assert len(entries) == 3 and not any("letterlock" in e["path"].rsplit("/")[-1] for e in entries)


def test_the_umask_counts_and_setuid_is_dropped(alice, tmp_path):
    tar = entry(tarfile.REGTYPE, "d/evil", b"x", mode=0o6777)
    sealed_tar(alice, tmp_path, tar)
    before = os.umask(0o027)
    try:
        alice.run("decrypt", "x.pgp", "--unpack", cwd=tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "x/evil").stat().st_mode & 0o7777 == 0o750


# ---- attacks by tar ----

def entry(kind, name, content=b"", link="", mode=0o644, size=None, form=tarfile.PAX_FORMAT, pax=None):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    info.size = len(content) if size is None else size
    if pax:
        info.pax_headers = pax
    raw = info.tobuf(form, "utf-8", "surrogateescape")
    return raw + content + bytes(-len(content) % 512)


def sealed_tar(who, folder, *entries):
    (folder / "t.tar").write_bytes(b"".join(entries) + bytes(1024))
    who.run("encrypt", "t.tar", "-o", "x.pgp", "--force", cwd=folder)


FILE, FOLDER, SYMLINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
ATTACKS = {
    "absolute path": [entry(FILE, "/tmp/letterlock-evil", b"x")],
    "dot dot": [entry(FILE, "../evil", b"x")],
    "dot dot inside": [entry(FILE, "d/../../evil", b"x")],
    "dot dot that stays inside": [entry(FILE, "d/../evil", b"x")],
    "dot dot in a pax header": [entry(FILE, "good", b"x", pax={"path": "../evil"})],
    "absolute link": [entry(SYMLINK, "l", link="/etc")],
    "link out": [entry(SYMLINK, "l", link="../evil")],
    "link out from a folder": [entry(FOLDER, "d", mode=0o755), entry(SYMLINK, "d/l", link="../../evil")],
    "link out by way of another link": [entry(FOLDER, "d/e", mode=0o755), entry(SYMLINK, "d/e/up", link="../.."),
                                        entry(SYMLINK, "d/l", link="e/up/../evil")],
    "write through a link": [entry(SYMLINK, "l", link="."), entry(FILE, "l/evil", b"x")],
    "write through a link out": [entry(SYMLINK, "l", link="/tmp"), entry(FILE, "l/letterlock-evil", b"x")],
    "file over a link": [entry(SYMLINK, "l", link="target"), entry(FILE, "l", b"x")],
    "link over a file": [entry(FILE, "l", b"x"), entry(SYMLINK, "l", link="target")],
    "hard link out": [entry(HARD, "h", link="../plan.txt")],
    "absolute hard link": [entry(HARD, "h", link="/etc/passwd")],
    "hard link to nothing": [entry(HARD, "h", link="later"), entry(FILE, "later", b"x")],
    "hard link to a link": [entry(SYMLINK, "l", link="a"), entry(FILE, "a", b"x"), entry(HARD, "h", link="l")],
    "hard link to a folder": [entry(FOLDER, "d", mode=0o755), entry(HARD, "h", link="d")],
    "character device": [entry(tarfile.CHRTYPE, "null")],
    "block device": [entry(tarfile.BLKTYPE, "sda")],
    "fifo": [entry(tarfile.FIFOTYPE, "fifo")],
    "doubled name": [entry(FILE, "a", b"1"), entry(FILE, "a", b"2")],
    "doubled name in other words": [entry(FILE, "d/a", b"1"), entry(FILE, "./d//a", b"2")],
    "doubled link": [entry(SYMLINK, "l", link="a"), entry(SYMLINK, "l", link="b")],
    "file where a folder is": [entry(FOLDER, "d", mode=0o755), entry(FILE, "d", b"x")],
    "folder where a file is": [entry(FILE, "d", b"x"), entry(FILE, "d/a", b"x")],
    "too deep": [entry(FILE, "d/" * 200 + "a", b"x")],
    "name too long": [entry(FILE, "n" * 300, b"x")],
    "path too long": [entry(FILE, "/".join(["n" * 200] * 30), b"x")],
    "a link to a path too long": [entry(SYMLINK, "l", link="n/" * 3000)],
    "no name": [entry(FILE, "./", b"x", form=tarfile.USTAR_FORMAT)],
    "a file that is cut": [entry(FILE, "a", b"x" * 100, size=100000)],
    "a hole that claims 8 TiB": [entry(FILE, "a", b"x" * 512, pax={"GNU.sparse.major": "0", "GNU.sparse.minor": "1",
                                       "GNU.sparse.name": "a", "GNU.sparse.size": str(1 << 43),
                                       "GNU.sparse.realsize": str(1 << 43), "GNU.sparse.map": "0,512"})],
    "no tar": [b"this is no tar, only text. " * 100],
}


@pytest.mark.parametrize("name", ATTACKS, ids=[n.replace(" ", "_") for n in ATTACKS])
def test_attack_by_tar(alice, data, name):
    (data / "plan.txt").chmod(0o600)
    sealed_tar(alice, data, entry(FILE, "first", b"harmless"), *ATTACKS[name])
    before = names(data)
    _, err = alice.run("decrypt", "x.pgp", "--unpack", cwd=data, want=1)
    assert names(data) == before and (data / "plan.txt").stat().st_nlink == 1, err
    assert not os.path.lexists("/tmp/letterlock-evil") and not os.path.lexists(data.parent / "evil")
    alice.run("decrypt", "x.pgp", "--list", cwd=data, want=None)


def test_attack_by_many_entries(alice, gpg, peter, tmp_path):
    """More entries than limits.h permits, out of a small message, are refused and leave nothing."""
    with subprocess.Popen(["gpg", "--homedir", gpg.home, "--batch", "--trust-model", "always", "-e", "-r", ALICE, "-o",
                           tmp_path / "x.gpg"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        block = entry(FOLDER, "d", mode=0o755) * 4096
        for _ in range((1 << 20) // 4096):
            p.stdin.write(block)
        p.stdin.write(block + bytes(1024))
        p.stdin.close()
    assert p.returncode == 0 and (tmp_path / "x.gpg").stat().st_size < 8 * MIB
    _, err = alice.run("decrypt", "x.gpg", "--unpack", cwd=tmp_path, want=1)
    assert "more than 1048576" in err and names(tmp_path) == ["x.gpg"]


def test_links_that_stay_inside_are_good(alice, tmp_path):
    sealed_tar(alice, tmp_path, entry(FOLDER, "d/e", mode=0o755), entry(FILE, "d/a", b"a"), entry(SYMLINK, "d/e/up", link="../a"),
               entry(SYMLINK, "d/same", link="e"), entry(SYMLINK, "d/none", link="nothing"), entry(HARD, "d/h", link="d/a"))
    alice.run("decrypt", "x.pgp", "--unpack", cwd=tmp_path)
    assert (tmp_path / "x/same/up").read_bytes() == b"a" and (tmp_path / "x/h").read_bytes() == b"a"


def test_a_link_out_of_the_only_folder_keeps_that_folder(alice, tmp_path):
    """d/l leads to the archive's top: were d given the new name itself, it would lead out of it."""
    sealed_tar(alice, tmp_path, entry(FILE, "d/a", b"a"), entry(SYMLINK, "d/l", link="../x"))
    alice.run("decrypt", "x.pgp", "--unpack", "-o", "out", cwd=tmp_path)
    assert names(tmp_path / "out") == ["d"] and os.readlink(tmp_path / "out/d/l") == "../x"


def test_listing_is_escaped(alice, tmp_path):
    sealed_tar(alice, tmp_path, entry(FILE, "a\x1b]0;evil\x07\n\u202eb", b"x"))
    out, _ = alice.run("decrypt", "x.pgp", "--list", cwd=tmp_path)
    assert b"\x1b" not in out and b"\x07" not in out and "\u202e".encode() not in out


def test_nothing_is_unpacked_before_everything_is_proven(alice, bob, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a").write_bytes(os.urandom(3 * MIB))
    alice.run("encrypt", "d", "--to", BOB, cwd=tmp_path)
    flip(tmp_path / "d.tar.pgp", -40)
    bob.run("decrypt", "d.tar.pgp", "-o", "out", cwd=tmp_path, want=1)
    bob.run("decrypt", "d.tar.pgp", "--list", cwd=tmp_path, want=1)
    assert names(tmp_path) == ["d", "d.tar.pgp"]
