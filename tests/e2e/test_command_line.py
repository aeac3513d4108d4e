# SPDX-License-Identifier: ISC
"""letterlockd's command line as those meet it who type it wrongly: statuses, sentences, and what becomes of the output."""
import subprocess

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
