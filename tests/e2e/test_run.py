# SPDX-License-Identifier: ISC
"""How letterlockd is started and ended: by root for another user, by an ordinary user, by systemd, in one process; and what an
end in order leaves undone, which is nothing."""
import base64
import imaplib
import os
import pathlib
import pwd
import random
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from conftest import ROOT, Exchange, build_folder
from processes import KINDS, Processes, eventually, status_field
from test_processes import Talk, mails, send, talk_http, talk_imap, talk_smtp, talk_submission

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes of other users")


def smoke(of):
    """Every protocol, once."""
    exchange = of.exchange
    send(exchange, "smoke")
    assert "smoke" in mails(exchange)
    talks = [talk(of) for talk in (talk_imap, talk_smtp, talk_submission, talk_http)]
    assert all(t.works() for t in talks)
    for t in talks:
        t.close()


def user_of(pid):
    ids = set(status_field(pid, "Uid").split())
    assert len(ids) == 1 and set(status_field(pid, "Gid").split()) and status_field(pid, "CapEff") in (
        "0" * 16, status_field(1, "CapEff"), status_field(os.getpid(), "CapEff"))
    return int(ids.pop())


# ---- users ----

@needs_root
def test_started_by_root_for_another_user(fresh_exchange):
    """Nobody but the parent is root; all but mail see an empty folder and nothing else; the data are that user's."""
    exchange = fresh_exchange({"user": '"daemon"', "fronts": "2"}, accounts=(), start=False)
    exchange.folder.chmod(0o755)
    exchange.account_add(exchange.ALICE, exchange.PASSWORDS[exchange.ALICE])
    exchange.start()
    of, daemon = Processes(exchange), pwd.getpwnam("daemon")
    assert sorted(kind for kind, _ in of.workers()) == sorted([*KINDS, "front", "relay", "resolver"])
    for kind, pid in of.workers():
        assert user_of(pid) == daemon.pw_uid
        assert int(status_field(pid, "CapEff"), 16) == int(status_field(pid, "CapPrm"), 16) == 0
        assert status_field(pid, "Groups").split() in ([], [str(daemon.pw_gid)])
        root = os.readlink(f"/proc/{pid}/root")
        assert root == ("/" if kind == "mail" else str(exchange.data / "empty"))
    empty = exchange.data / "empty"
    assert not list(empty.iterdir()) and empty.stat().st_mode & 0o222 == 0
    smoke(of)
    for path in [exchange.data, exchange.data / "store.db", exchange.data / "control.sock"]:
        assert path.stat().st_uid == daemon.pw_uid and path.stat().st_mode & 0o077 == 0, path
    assert (exchange.data / "tls" / "key.pem").stat().st_mode & 0o077 == 0
    # A child that comes back is no more than the first was.
    of.kill(of.one("mail"))
    of.fronts = 2
    eventually(of.complete)
    assert all(user_of(pid) == daemon.pw_uid for _, pid in of.workers())
    exchange.account_add("carol@example.org", "still through the control socket")


@needs_root
def test_started_by_root_without_a_user(fresh_exchange):
    exchange = fresh_exchange({"fronts": "1"}, accounts=())
    of, nobody = Processes(exchange), pwd.getpwnam("nobody")
    for kind, pid in of.workers():
        assert user_of(pid) == (0 if kind == "mail" else nobody.pw_uid)
    assert "daemon.mail_is_root" in exchange.log()


@needs_root
def test_a_user_that_is_not_there_is_refused(tmp_path):
    exchange = Exchange(tmp_path, {"user": '"no-such-user"'}, accounts=())
    done = exchange.run("run", check=False)
    assert done.returncode != 0 and "no-such-user" in done.stderr


@needs_root
def test_started_by_an_ordinary_user(fresh_exchange):
    """In sandboxes, though without folders and users of their own: the log says so."""
    nobody = pwd.getpwnam("nobody")
    exchange = fresh_exchange({"fronts": "1"}, accounts=(), start=False)
    os.chown(exchange.folder, nobody.pw_uid, nobody.pw_gid)
    become = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
    done = subprocess.run([*become, build_folder() / "letterlockd", "account", "add", Exchange.ALICE, "--password-fd", "0",
                           "--config", exchange.config], input=Exchange.PASSWORDS[Exchange.ALICE] + "\n", text=True,
                          capture_output=True)
    if "Permission denied" in done.stderr and "letterlockd" in done.stderr:
        pytest.skip("the build folder is not for other users")
    assert done.returncode == 0, done.stderr
    exchange.start(launcher=become)
    of = Processes(exchange)
    assert {user_of(pid) for pid in of.everyone()} == {nobody.pw_uid}
    assert all(status_field(pid, "Seccomp") == "2" for _, pid in of.table())
    assert all(os.readlink(f"/proc/{pid}/root") == "/" for _, pid in of.table())
    line = [s for s in exchange.log().splitlines() if "daemon.not_root" in s]
    assert len(line) == 1 and "sandbox" in line[0] and "folder of its own" in line[0]
    smoke(of)


# ---- one process ----

def test_all_in_one_process(fresh_exchange):
    """For debugging: the same messages between threads; leaks are looked for at its end."""
    exchange = fresh_exchange({"processes": '"one"', "fronts": "2"})
    of = Processes(exchange)
    assert of.table() == [] and "daemon.one_process" in exchange.log()
    smoke(of)
    exchange.account_add("carol@example.org", "another password")
    exchange.process.send_signal(signal.SIGHUP)
    eventually(lambda: "daemon.reloaded" in exchange.log())
    smoke(of)
    exchange.stop()
    assert mails(exchange.start()) == ["smoke", "smoke"]


def test_the_protocols_tests_in_one_process():
    """Some of the other tests with `processes = "one"`, under the sanitizers' watch, which ends with a search for leaks."""
    names = ["test_smtp.py", "test_samples.py"]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
                           *(ROOT / "tests" / "e2e" / name for name in names)], capture_output=True, text=True,
                          env={**os.environ, "LETTERLOCK_PROCESSES": "one"}, timeout=240)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


# ---- systemd ----

LAUNCHER = """
import os, socket, sys
names, words = sys.argv[1].split(":"), sys.argv[2:]
made = [socket.create_server(("127.0.0.1", 0)) for _ in names]
high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(made)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
print("ports", *(s.getsockname()[1] for s in made), file=sys.stderr, flush=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
for s in made:
    if s.fileno() >= 3 + len(names):
        os.close(s.fileno())
os.execv(words[0], words)
"""


def ports_given(exchange):
    line = next(s for s in exchange.log().splitlines() if s.startswith("ports "))
    return [int(word) for word in line.split()[1:]]


def test_sockets_of_the_service_manager(fresh_exchange):
    """They take the place of the configuration's; several may have one name. Ports of other names are bound as usual."""
    exchange = fresh_exchange({"fronts": "2"}, start=False)
    exchange.start(launcher=(sys.executable, "-c", LAUNCHER, "smtp:imaps:imap:smtp"))
    smtp, imaps, imap, second = ports_given(exchange)
    assert (exchange.port("smtp"), exchange.port("imaps"), exchange.port("imap")) == (smtp, imaps, imap)
    smoke(Processes(exchange))
    with socket.create_connection(("127.0.0.1", second)) as s:
        assert s.recv(100).startswith(b"220 ")
    # They are not the parent's only: who comes back has them too.
    of = Processes(exchange)
    of.fronts = 2
    for front in of.all("front"):
        of.kill(front)
    eventually(of.complete)
    smoke(of)
    for _, pid in of.table():
        assert b"LISTEN_FDS" not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()


def test_a_socket_with_a_name_that_is_none(fresh_exchange):
    exchange = fresh_exchange(accounts=(), start=False)
    with pytest.raises(AssertionError, match="gopher"):
        exchange.start(launcher=(sys.executable, "-c", LAUNCHER, "smtp:gopher"))
    assert exchange.process.wait(10) not in (0, None)
    exchange.process = None


class Manager:
    """What listens on NOTIFY_SOCKET."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="letterlock-notify-")
        self.path = f"{self.folder.name}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(10)

    def next(self):
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def close(self):
        self.socket.close()
        self.folder.cleanup()


def test_the_watchdog_hears_and_a_process_that_hangs_is_ended(fresh_exchange):
    """The parent asks every five seconds; who does not answer for a minute is ended and started anew, and the rest goes on."""
    manager = Manager()
    exchange = fresh_exchange({"fronts": "1"}, start=False)
    exchange.start(launcher=("env", f"NOTIFY_SOCKET={manager.path}", "WATCHDOG_USEC=20000000"))
    of = Processes(exchange)
    of.fronts = 1
    before, mx = of.everyone(), of.one("mx")
    os.kill(mx, signal.SIGSTOP)
    said, end = [], time.monotonic() + 90
    while mx in of.everyone() and time.monotonic() < end:
        said.append(manager.next())
    assert sum("WATCHDOG" in s for s in said) >= 10
    eventually(of.complete)
    assert "parent.child_silent child=mx" in exchange.log()
    assert set(before) - set(of.everyone()) == {mx}, "only that one"
    exchange.stop()
    manager.close()


def test_the_service_manager_is_told(fresh_exchange):
    """READY when clients are served, RELOADING and READY again, STOPPING; and by nobody but the parent."""
    manager = Manager()
    exchange = fresh_exchange({"fronts": "1"}, accounts=(), start=False)
    exchange.start(launcher=("env", f"NOTIFY_SOCKET={manager.path}"))
    said = manager.next()
    assert said["READY"] == "1" and said["STATUS"]
    with exchange.connect("imap") as s:
        assert s.recv(100).startswith(b"* OK")
    for _ in range(2):
        started = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        exchange.process.send_signal(signal.SIGHUP)
        said = manager.next()
        assert said["RELOADING"] == "1" and int(said["MONOTONIC_USEC"]) >= started
        assert manager.next()["READY"] == "1"
    # Also after a reload that was refused: the service goes on.
    exchange.config.write_text(exchange.config.read_text() + "nonsense\n")
    exchange.process.send_signal(signal.SIGHUP)
    assert manager.next()["RELOADING"] == "1" and manager.next()["READY"] == "1"
    exchange.process.send_signal(signal.SIGTERM)
    assert manager.next()["STOPPING"] == "1"
    assert exchange.process.wait(10) == 0
    exchange.process = None
    manager.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        manager.next()
    manager.close()


def test_a_service_manager_that_is_not_there_stops_nothing(fresh_exchange):
    exchange = fresh_exchange(accounts=(), start=False)
    exchange.start(launcher=("env", "NOTIFY_SOCKET=/nonexistent/notify"))
    with exchange.connect("imap") as s:
        assert s.recv(100).startswith(b"* OK")


# ---- an end in order ----

def test_the_end_with_open_connections(fresh_exchange):
    """IDLE, the middle of DATA, a password under way, HTTP kept alive, a handshake not finished: status 0 within seconds."""
    exchange = fresh_exchange({"fronts": "2"})
    of = Processes(exchange)
    send(exchange, "acknowledged")
    idle = [talk_imap(of) for _ in range(3)]
    for t in idle:
        assert t.say(b"i IDLE\r\n", b"+ ")
    data = talk_smtp(of)
    assert data.say(b"DATA\r\n", b"354 ")
    data.socket.sendall(b"Subject: never finished\r\n\r\nhalf\r\n")
    others = [talk_submission(of), talk_http(of), Talk(of, "imaps")]
    password = Talk(of, "imaps", tls=True)
    assert password.hear(b"* OK")
    password.socket.sendall(b"p LOGIN alice@example.org wrong\r\n")
    started = time.monotonic()
    exchange.stop()
    assert time.monotonic() - started < 8
    for t in idle:
        assert t.hear(b"* BYE")
    for t in (data, others[0]):
        assert t.hear(b"421 4.3.2 ")
    assert password.hear(b"p NO") and password.hear(b"* BYE")
    for t in [*idle, data, password, *others]:
        assert t.has_ended()
        t.close()
    exchange.start()
    assert mails(exchange) == ["acknowledged"]


@pytest.mark.parametrize("seed", range(3))
def test_the_end_loses_nothing_that_was_answered(fresh_exchange, seed):
    """While four send and two append as fast as they can: what was answered is there, and what is there is there once."""
    exchange = fresh_exchange({"fronts": "2"})
    answered, refused, lock = [], [], threading.Lock()

    def smtp(n):
        with smtplib.SMTP("localhost", exchange.port("smtp"), timeout=20) as server:
            server.ehlo("client.example.net")
            for i in range(100000):
                server.sendmail("carol@example.net", [exchange.ALICE], f"Subject: s{n}-{i}\r\n\r\nx\r\n".encode())
                with lock:
                    answered.append(f"s{n}-{i}")

    def append(n):
        imap = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=20)
        imap.login(exchange.ALICE, exchange.password(exchange.ALICE))
        for i in range(100000):
            status = imap.append("INBOX", None, None, f"Subject: a{n}-{i}\r\n\r\nx\r\n".encode())[0]
            assert status == "OK"
            with lock:
                answered.append(f"a{n}-{i}")

    def run(work, n):
        try:
            work(n)
        except (OSError, EOFError, AssertionError, smtplib.SMTPException, imaplib.IMAP4.error) as e:
            refused.append(e)

    threads = [threading.Thread(target=run, args=(smtp, n)) for n in range(4)]
    threads += [threading.Thread(target=run, args=(append, n)) for n in range(2)]
    for t in threads:
        t.start()
    end = time.monotonic() + 20
    while len(answered) <= 20 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(random.Random(seed).random() * 0.3)
    started = time.monotonic()
    exchange.stop()
    assert time.monotonic() - started < 8
    for t in threads:
        t.join(20)
        assert not t.is_alive()
    exchange.start()
    there = mails(exchange)
    assert len(there) == len(set(there))
    assert set(answered) <= set(there), sorted(set(answered) - set(there))
    # An answer that was under way when the end came was delivered.
    assert set(there) <= set(answered), sorted(set(there) - set(answered))
    assert len(answered) > 20 and len(refused) == 6


def test_a_right_password_under_way_at_the_end(fresh_exchange):
    """It is answered, or the connection is closed with a word; nobody hangs."""
    exchange = fresh_exchange({"fronts": "1"})
    of = Processes(exchange)
    talks = []
    for _ in range(6):
        t = Talk(of, "submissions", tls=True)
        assert t.hear(b"220 ") and t.say(b"EHLO x\r\n", b"250 ")
        talks.append(t)
    word = base64.b64encode(f"\0{exchange.ALICE}\0{exchange.password(exchange.ALICE)}".encode())
    for t in talks:
        t.socket.sendall(b"AUTH PLAIN " + word + b"\r\n")
    exchange.stop()
    for t in talks:
        said = t.file.read()
        assert said == b"" or said[:3] in (b"235", b"454", b"421"), said
        t.close()


def test_a_second_signal_and_one_while_it_starts(fresh_exchange):
    exchange = fresh_exchange({"fronts": "1"}, accounts=())
    exchange.process.send_signal(signal.SIGTERM)
    exchange.process.send_signal(signal.SIGINT)
    exchange.process.send_signal(signal.SIGHUP)
    assert exchange.process.wait(10) == 0
    exchange.process = None
    for wait in (0, 0.02, 0.05, 0.1):
        process = subprocess.Popen([exchange.daemon, "run", "--config", exchange.config], stderr=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, text=True)
        time.sleep(wait)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=15)
        assert process.returncode in (0, -signal.SIGTERM), said
    exchange.start()
