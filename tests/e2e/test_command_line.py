# SPDX-License-Identifier: ISC
"""letterlockd's command line as those meet it who type it wrongly: statuses, sentences, and what becomes of the output."""
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time

import pytest

from conftest import build_folder


def letterlockd(*words, **options):
    return subprocess.run([build_folder() / "letterlockd", *words], text=True, timeout=60,
                          **{"capture_output": True, **options})


@pytest.mark.parametrize("words", [["account", "list"], ["alias", "list"], ["domain", "list"], ["status"], ["config"],
                                   ["check", "--offline"], ["domain", "records", "example.org"], ["account", "list", "--json"],
                                   ["alias", "add", "full@example.org", "alice@example.org"], ["--help"], ["--version"]])
def test_what_could_not_be_printed_is_an_error(exchange, words):
    """A list that a full disk cut off is not to look like the whole one."""
    exchange.run("alias", "add", "office@example.org", exchange.ALICE)
    with open("/dev/full", "wb") as full:
        done = letterlockd(*words, "--config", exchange.config, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (3, "letterlockd: standard output cannot be written: No space left on device\n")


def test_standard_output_that_is_closed_is_an_error_too(exchange):
    """And no file of ours gets what was to be printed."""
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", build_folder() / "letterlockd", "account", "list", "--config",
                           exchange.config], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (3, "letterlockd: standard output cannot be written: Bad file descriptor\n")


@pytest.mark.parametrize("words, option", [
    (["account", "remove", "alice@example.org", "--mailbox", "Old"], "--mailbox"),
    (["account", "list", "--senders", "members"], "--senders"),
    (["alias", "list", "--senders", "members"], "--senders"),
    (["account", "app-password", "add", "alice@example.org", "phone", "--for", "pop3"], "--format"),
    (["account", "export", "alice@example.org", "x", "--again"], "--again"),
    (["account", "address", "add", "alice@example.org", "a@example.org", "--password-fd", "0"], "--password-fd"),
    (["status", "--offline"], "--offline"),
    (["account", "app-password", "list", "alice@example.org", "--expires", "2099-01-01"], "--expires"),
    (["--mailbox", "Old"], "--mailbox"),
])
def test_an_option_of_another_verb_is_refused(exchange, words, option):
    """Passed over, it would leave undone what was meant: an account removed, a password that is good for everything."""
    done = exchange.run(*words, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"letterlockd: {option} is for ") and done.stderr.endswith("; see letterlockd --help\n")
    assert exchange.ALICE in exchange.run("account", "list").stdout
    assert exchange.run("account", "app-password", "list", exchange.ALICE).stdout == ""


def test_help_is_help_and_fits_a_terminal():
    by_word = letterlockd("--help")
    assert by_word.returncode == 0 and letterlockd("-h").stdout == by_word.stdout
    assert all(len(line) <= 110 and line == line.rstrip() for line in by_word.stdout.splitlines())
    alone = letterlockd()
    assert (alone.returncode, alone.stdout, alone.stderr) == (2, "", by_word.stdout)


# ---- whose folder it is ----

def as_user(exchange, *words):
    """letterlockd as the ordinary user nobody."""
    return subprocess.run([exchange.daemon, *words, "--config", exchange.config], capture_output=True, text=True, timeout=60,
                          user="nobody", group="nogroup", extra_groups=[], cwd="/")


@pytest.fixture()
def of_daemon(fresh_exchange):
    """As the unit for systemd has it: the folder is an ordinary user's, the setting 'user' is empty, and root types."""
    if os.geteuid() != 0:
        pytest.skip("only root has folders of other users")
    exchange = fresh_exchange({}, accounts=(), start=False)
    exchange.folder.chmod(0o755)
    exchange.data.mkdir(mode=0o700)
    shutil.chown(exchange.data, "daemon", "daemon")
    return exchange


def owners(folder):
    return {path.owner() for path in folder.rglob("*")}


def test_what_root_makes_in_a_users_folder_is_the_users(of_daemon, tmp_path):
    """Else the server, which is that user, could not open its own store."""
    exchange = of_daemon
    exchange.account_add(exchange.ALICE, "secret")
    exchange.run("alias", "add", "office@example.org", exchange.ALICE)
    assert owners(exchange.data) == {"daemon"}
    assert exchange.run("check", "--offline").returncode == 0
    exchange.run("backup", tmp_path / "copy")
    exchange.run("restore", tmp_path / "copy")
    assert owners(exchange.data) == {"daemon"} and exchange.data.owner() == "daemon"
    assert exchange.run("alias", "list").stdout.startswith("office@example.org\t")


def test_the_certificate_comes_back_as_the_users(of_daemon, tmp_path):
    exchange = of_daemon
    exchange.account_add(exchange.ALICE, "secret")
    exchange.start(launcher=["setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups"])
    try:
        pin = exchange.pin
        exchange.run("backup", tmp_path / "copy")
    finally:
        exchange.stop()
    exchange.run("restore", tmp_path / "copy")
    assert (exchange.data / "tls" / "key.pem").owner() == "daemon"
    exchange.start(launcher=["setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups"])
    exchange.stop()
    assert exchange.pin == pin


def test_root_does_not_serve_a_users_folder_as_root(of_daemon):
    done = of_daemon.run("run", check=False)
    assert done.returncode == 3 and "start the server as that user, or name the user in the setting 'user'" in done.stderr
    assert list(of_daemon.data.iterdir()) == []


@pytest.mark.parametrize("words", [["status"], ["account", "list"], ["verify"], ["domain", "list"], ["check", "--offline"]])
def test_another_user_is_told_who_may_ask(of_daemon, words):
    """Not that no server runs: one does."""
    exchange = of_daemon
    exchange.config.chmod(0o644)
    exchange.start(launcher=["setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups"])
    try:
        done = as_user(exchange, *words)
    finally:
        exchange.stop()
    assert done.returncode == 3 and "runuser -u USER" in done.stderr


# ---- check ----

def test_check_changes_nothing(fresh_exchange):
    """A domain that was mistyped would be ours for good, though check is there to find it."""
    exchange = fresh_exchange({}, accounts=(), start=False)
    exchange.data.mkdir(mode=0o700)
    assert "is empty yet" in exchange.run("check", "--offline").stdout
    assert list(exchange.data.iterdir()) == []
    exchange.account_add(exchange.ALICE, "secret")
    good = exchange.config.read_text()
    exchange.config.write_text(good.replace('"example.org"', '"example.org", "exmaple.org"'))
    exchange.run("check", "exmaple.org", "--offline")
    exchange.run("verify")
    exchange.config.write_text(good)
    assert exchange.run("domain", "list").stdout == "example.org\tin the configuration\n"


# ---- the question for a password ----

def at_terminal(exchange, words, answers):
    """(status, what stood at the terminal): each answer is typed when what it answers is there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(exchange.daemon, [str(word) for word in (exchange.daemon, *words, "--config", exchange.config)])
    seen, rest = b"", list(answers)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if rest and rest[0][0] in seen.rpartition(b"\n")[2] and not termios.tcgetattr(terminal)[3] & termios.ECHO:
            os.write(terminal, rest.pop(0)[1])
        try:
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 4096)
        except OSError:
            break
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise AssertionError(f"it does not end: {seen}")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


@pytest.mark.parametrize("answers, status, said", [
    ([(b"Password: ", b"\x03")], 3, "interrupted"),
    ([(b"Password: ", b"half of it\x03")], 3, "interrupted"),
    ([(b"Password: ", b"a secret\n"), (b"Once more: ", b"\x03")], 3, "interrupted"),
    ([(b"Password: ", b"a secret\n"), (b"Once more: ", b"another\n")], 1, "the two are not the same"),
    ([(b"Password: ", b"\x04")], 3, "there was no answer"),
    ([(b"Password: ", b"a secret\n"), (b"Once more: ", b"a secret\n")], 0, "carol@example.org has an account now."),
])
def test_a_question_at_the_terminal_ends(fresh_exchange, answers, status, said):
    """Ctrl-C once did nothing until a line was ended behind it."""
    exchange = fresh_exchange({}, accounts=(), start=False)
    done, seen = at_terminal(exchange, ["account", "add", "carol@example.org"], answers)
    assert done == status and said in seen and "secret" not in seen
    assert ("carol" in exchange.run("account", "list").stdout) == (status == 0)
