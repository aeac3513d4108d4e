# SPDX-License-Identifier: ISC
"""A running letterlockd for every test module: fixture `exchange`.

    def test_something(exchange):
        with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
            imap.login(exchange.ALICE, exchange.password(exchange.ALICE))

The programs come from the build folder in LETTERLOCK_BUILD (default: build/asan, then build). `fresh_exchange` makes
one with settings of its own. Everything lives in a temporary folder and listens on loopback on free ports.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_SECONDS = 30
# LETTERLOCK_PROCESSES=one: what the tests start is one process, in which leaks are looked for.
ALL = {"processes": f'"{os.environ["LETTERLOCK_PROCESSES"]}"'} if "LETTERLOCK_PROCESSES" in os.environ else {}
STOP_SECONDS = 20
# What a sanitizer or the parent says of a process that went wrong by itself: not of one that a test has killed.
CRASH = re.compile(r"ERROR: \w+Sanitizer.*|.*runtime error: .*|.*parent\.child_ended .*signal=(?:4|6|7|8|11) .*")


# Which files take longest: with several workers, each taking a file at a time, these go first.
LONGEST = ["test_signin", "test_agent_memory", "test_run", "test_processes", "test_import", "test_keys", "test_pop3",
           "test_backup", "test_restore", "test_files", "test_imap", "test_client", "test_faults", "test_agent"]
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # what a shell starts in the background ignores it, and so would ours
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    rank = {name: position for position, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))  # else as they were


def build_folder():
    given = os.environ.get("LETTERLOCK_BUILD")
    for folder in [pathlib.Path(given)] if given else [ROOT / "build" / "asan", ROOT / "build"]:
        if (folder / "letterlockd").exists():
            return folder.resolve()
    pytest.skip("no letterlockd: build it, or name its folder in LETTERLOCK_BUILD")


def pipe_with(text):
    """A descriptor from which text can be read once: passwords go to programs like this, never as an argument."""
    reading, writing = os.pipe()
    os.write(writing, text.encode() + b"\n")
    os.close(writing)
    return reading


class Exchange:
    DOMAIN = "example.org"
    ALICE = "alice@example.org"
    BOB = "bob@example.org"
    PASSWORDS = {ALICE: "the fish swims at dawn", BOB: "seven grey geese"}
    PORTS = ("smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "hkp", "https", "http")

    def __init__(self, folder, settings=None, accounts=(ALICE, BOB)):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.config = self.folder / "letterlockd.conf"
        self.log_path = self.folder / "letterlockd.log"
        self.daemon = build_folder() / "letterlockd"
        self.process = None
        self.ports = {}
        self.pin = ""
        self.PASSWORDS = dict(self.PASSWORDS)  # of this one's accounts
        values = {"hostname": '"localhost"', "domains": '{ "example.org" }', "data": f'"{self.data}"',
                  "listen": '{ "127.0.0.1" }', "resolvers": '{ "127.0.0.1@9" }',  # nobody is there: no test asks the net
                  "mail_authentication": "false",  # nor waits for that; test_judge.py has its own name server
                  **{f"port_{name}": "0" for name in self.PORTS}, **ALL, **(settings or {})}
        self.config.write_text("".join(f"{name} = {value}\n" for name, value in values.items()))
        for address in accounts:
            self.account_add(address, self.PASSWORDS[address])

    # ---- the program ----

    def run(self, *words, secret=None, check=True, timeout=60):
        """letterlockd with words; secret comes through --password-fd."""
        command = [self.daemon, *words, "--config", self.config]
        fds = ()
        if secret is not None:
            fds = (pipe_with(secret),)
            command += ["--password-fd", str(fds[0])]
        try:
            done = subprocess.run(command, pass_fds=fds, capture_output=True, text=True, timeout=timeout)
        finally:
            for fd in fds:
                os.close(fd)
        assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def account_add(self, address, secret):
        self.PASSWORDS.setdefault(address, secret)
        return self.run("account", "add", address, secret=secret)

    def start(self, launcher=(), environment=None):
        """launcher: a command in front of letterlockd (faketime, strace)."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*launcher, self.daemon, "run", "--config", self.config], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, env=environment)
        ready = self.data / "ports.json"
        end = time.monotonic() + START_SECONDS
        while not ready.exists():
            assert self.process.poll() is None, f"letterlockd did not start:\n{self.log()}"
            assert time.monotonic() < end, f"letterlockd is not ready:\n{self.log()}"
            time.sleep(0.02)
        self.ports = json.loads(ready.read_text())
        self.pin = self.ports.pop("pin")
        return self

    def stop(self):
        """Ends it as an operator would; the exit status must be 0 (a sanitizer's report is not)."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"letterlockd does not stop:\n{self.log()}")
        self.process = None
        assert status == 0, f"letterlockd ended with {status}:\n{self.log()}"
        self.check_log()

    def kill(self):
        """kill -9, as a crash would; start() may follow."""
        self.process.kill()
        self.process.wait()
        self.process = None
        (self.data / "ports.json").unlink(missing_ok=True)

    def check_log(self):
        """Children crash without the parent's status telling: it starts them anew."""
        crashed = CRASH.findall(self.log())
        assert not crashed, f"{crashed}:\n{self.log()}"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # ---- for clients ----

    def port(self, name):
        return self.ports[name]

    def password(self, address):
        return self.PASSWORDS[address]

    @property
    def certificate(self):
        return self.data / "tls" / "certificate.pem"

    def tls(self):
        """An SSL context that trusts this exchange, for the name localhost."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def connect(self, name, tls=False, timeout=20):
        """A bare socket to a port; with TLS from the first octet when asked."""
        bare = socket.create_connection(("127.0.0.1", self.port(name)), timeout=timeout)
        return self.tls().wrap_socket(bare, server_hostname="localhost") if tls else bare


@pytest.fixture(scope="module")
def exchange():
    """One exchange with alice and bob for the tests of a module."""
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    try:
        running = Exchange(folder).start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_exchange():
    """A function that makes and starts an exchange with these settings (values as in the file); all are stopped after the test."""
    made = []

    def make(settings=None, accounts=(Exchange.ALICE, Exchange.BOB), start=True):
        folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
        made.append((folder, None))
        one = Exchange(folder, settings, accounts)
        made[-1] = (folder, one)
        return one.start() if start else one

    yield make
    try:
        for _, one in made:
            if one is not None:
                one.stop()
    finally:
        for folder, _ in made:
            shutil.rmtree(folder, ignore_errors=True)
