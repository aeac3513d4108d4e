# SPDX-License-Identifier: ISC
"""The agent as a process: who it asks and how, when it forgets, who it answers."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

from agents import PASSPHRASE, SECONDS, Person, until


@pytest.fixture
def alice():
    person = Person()
    yield person
    person.close()


FAKE = """#!/bin/sh
# Answers from the file beside it, one line a question; "-" cancels.
dir=$(dirname "$0")
tr '\\0' ' ' < /proc/self/environ > "$dir/pin-environ"
ls -l /proc/$$/fd > "$dir/pin-fds"
echo OK Pleased
while read -r word rest; do
	echo "$word $rest" >> "$dir/pin-log"
	case $word in
	GETPIN | CONFIRM)
		answer=$(head -n 1 "$dir/pins"); sed -i 1d "$dir/pins"
		case $answer in
		-) echo "ERR 83886179 Operation cancelled" ;;
		sleep) sleep 600 ;;
		*) [ $word = GETPIN ] && echo "D $answer"; echo OK ;;
		esac ;;
	BYE) echo OK; exit 0 ;;
	*) echo OK ;;
	esac
done
"""


def fake_pinentry(person, *answers):
    """A pinentry that says this; its log."""
    program = person.home / "fake-pinentry"
    program.write_text(FAKE)
    program.chmod(0o755)
    (person.home / "pins").write_text("".join(a + "\n" for a in answers))
    (person.home / "pin-log").write_text("")
    person.settings(pinentry=str(program))
    return person.home / "pin-log"


# ---- asking ----


@pytest.mark.parametrize("program", ["pinentry-curses", "pinentry-tty"])
def test_real_pinentry_at_a_terminal(alice, program):
    """The passphrase is typed into Debian's own program, wrong first; nothing of it is shown."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    alice.new_key()
    alice.settings(pinentry=f"/usr/bin/{program}")
    (alice.home / "plan.txt").write_text("a plan\n")
    enter = b"\r" if program == "pinentry-curses" else b"\n"
    shown, status = alice.at_terminal(("sign", "plan.txt"), [
        ("assphrase", b"wrong one" + enter), ("2 tries left", PASSPHRASE.encode() + enter)])
    assert status == 0, shown
    assert (alice.home / "plan.txt.sig").exists() and len(alice.held()) == 2
    assert "alice@example.org" in shown and PASSPHRASE not in shown and "wrong one" not in shown


@pytest.fixture
def display(alice):
    """A screen that nobody sees."""
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("xvfb or xdotool is not installed")
    reading, writing = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-screen", "0", "800x600x24"],
                              pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as number:
        alice.env["DISPLAY"] = ":" + number.readline().strip()
    yield alice.env["DISPLAY"]
    server.kill()
    server.wait()


def test_real_pinentry_in_a_window(alice, display):
    """GTK's, typed into as a person would."""
    if shutil.which("pinentry-gtk-2") is None:
        pytest.skip("pinentry-gtk2 is not installed")
    alice.new_key()
    alice.settings(pinentry="/usr/bin/pinentry-gtk-2")
    (alice.home / "plan.txt").write_text("a plan\n")

    def x(*words):
        return subprocess.run(["xdotool", *words], env=alice.env, capture_output=True, timeout=SECONDS, check=False)
    signs = subprocess.Popen([str(alice.program), "sign", "plan.txt"], env=alice.env, cwd=alice.home, start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        window = until(lambda: x("search", "--onlyvisible", "--class", "pinentry").stdout.split(), "a window asks")[-1].decode()
        time.sleep(1)  # until it has the keyboard
        x("windowfocus", window)
        x("type", "--delay", "20", PASSPHRASE)
        x("key", "Return")
        assert signs.wait(SECONDS) == 0, signs.stdout.read().decode()
    finally:
        signs.kill()
        signs.wait()
    assert (alice.home / "plan.txt.sig").exists() and len(alice.held()) == 2


def test_wrong_passphrase_is_asked_again_three_times(alice):
    alice.new_key()
    log = fake_pinentry(alice, "one", "two", "three", PASSPHRASE)
    said = alice.sign(want=1)
    asked = log.read_text()
    assert asked.count("GETPIN") == 3 and "Wrong passphrase, 2 tries left" in asked and "1 try left" in asked
    assert "wrong 3 times" in said and alice.held() == []
    # Only what belongs to the question went to the program: no descriptor, no variable of ours.
    assert alice.address in asked
    environ = (alice.home / "pin-environ").read_text()
    assert "PATH=/usr/bin:/bin" in environ and "XDG_CONFIG_HOME" not in environ
    alice.sign()
    assert len(alice.held()) == 2


def test_cancel_is_cancel(alice):
    alice.new_key()
    log = fake_pinentry(alice, "-")
    assert "cancelled" in alice.sign(want=None)
    assert log.read_text().count("GETPIN") == 1 and alice.held() == []


def test_a_pinentry_that_others_can_change_is_not_asked(alice):
    alice.new_key()
    fake_pinentry(alice, PASSPHRASE)
    (alice.home / "fake-pinentry").chmod(0o777)
    said = alice.sign(want=None)
    assert not (alice.home / "plan.txt.sig").exists() and "terminal" in said
    assert (alice.home / "pin-log").read_text() == ""


def test_each_use_is_asked_for(alice):
    """--confirm: a question says who wants what, with which key; no is no."""
    alice.new_key()
    log = fake_pinentry(alice, "yes", "-", "yes")
    alice.serve("--confirm")
    alice.sign(passphrase=PASSPHRASE)
    assert "SETDESC The process" in log.read_text() and "wants to sign with your key" in log.read_text()
    assert "did not permit" in alice.sign(want=None)
    alice.sign()
    assert log.read_text().count("CONFIRM") == 3 and all(key["confirm"] for key in alice.held())


def test_each_use_of_one_key_is_asked_for(alice):
    """`key confirm`: of that key only, also of one that the agent holds already, and also after its passphrase is typed anew."""
    alice.new_key()
    log = fake_pinentry(alice, "-", "yes", PASSPHRASE)
    alice.serve()
    alice.sign(passphrase=PASSPHRASE)
    assert alice.json("key", "confirm", alice.address, "on") == {"confirm": True} and alice.held() == []
    assert "did not permit" in alice.sign(want=None, passphrase=PASSPHRASE)
    alice.sign()
    assert log.read_text().count("CONFIRM") == 2 and {key["confirm"] for key in alice.held()} == {True}
    assert "on or off" in alice.run("key", "confirm", alice.address, "yes", want=2)
    alice.run("key", "confirm", alice.address, "off")
    alice.sign()
    assert log.read_text().count("GETPIN") == 1 and {key["confirm"] for key in alice.held()} == {False}
    assert log.read_text().count("CONFIRM") == 2


def test_others_are_served_while_one_is_asked(alice):
    """And when who waits goes away, so does the question."""
    alice.new_key()
    fake_pinentry(alice, "sleep", PASSPHRASE)
    alice.serve()
    (alice.home / "plan.txt").write_text("x")
    waits = subprocess.Popen([str(alice.program), "sign", "plan.txt"], env=alice.env, cwd=alice.home, start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: "GETPIN" in (alice.home / "pin-log").read_text(), "it asks")
    begun = time.monotonic()
    assert alice.held() == [] and alice.status()["launcher"]
    assert time.monotonic() - begun < 20
    waits.kill()
    waits.wait()
    alice.sign()
    assert len(alice.held()) == 2


# ---- forgetting ----


def test_a_key_is_forgotten_after_its_times(alice):
    alice.new_key()
    alice.serve("--idle", "2", "--max", "4")
    alice.sign(passphrase=PASSPHRASE)
    assert all(key["seconds"] <= 2 for key in alice.held())
    until(lambda: alice.held() == [], "it is forgotten when it is idle", 10)
    assert alice.status()["forgot"] == "after its time"


def test_settings_are_read_and_checked(alice):
    alice.settings(idle=33, max=44, confirm=True)
    alice.run("agent", "start")
    status = alice.status()
    assert (status["idle"], status["max"], status["confirm"]) == (33, 44, True)
    alice.run("agent", "stop")
    alice.settings(idel=33)
    assert "idle" in alice.run("agent", "start", want=2)
    alice.settings(idle=0)
    alice.run("agent", "start", want=2)


def test_forget_names_whom(alice):
    first = alice.new_key()
    alice.sign(passphrase=PASSPHRASE)
    assert {key["primary"] for key in alice.held()} == {first}
    assert "0 things" in alice.run("agent", "forget", "bob@example.org") and len(alice.held()) == 2
    assert "2 things" in alice.run("agent", "forget", "alice@example.org")
    alice.sign(passphrase=PASSPHRASE)
    assert "2 things" in alice.run("agent", "forget", first)


def test_a_locked_agent_believes_only_a_person(alice):
    """lock: what a script knows is not enough; a typed passphrase opens it again."""
    alice.new_key()
    fake_pinentry(alice, PASSPHRASE)
    alice.sign(passphrase=PASSPHRASE)
    assert "2 things" in alice.run("agent", "lock")
    assert alice.status()["locked"] and "locked" in alice.sign(passphrase=PASSPHRASE, want=1)
    alice.sign()
    assert not alice.status()["locked"] and len(alice.held()) == 2


class Logind:
    """python3-dbusmock's logind on a bus of its own."""

    def __init__(self, folder):
        self.address = f"unix:path={folder}/bus"
        config = folder / "bus.conf"
        config.write_text(f"""<busconfig><type>system</type><listen>{self.address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/>
<allow receive_type="signal"/></policy></busconfig>""")
        self.env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address)
        self.bus = subprocess.Popen(["dbus-daemon", "--config-file", str(config), "--nofork", "--nopidfile"], env=self.env)
        until((folder / "bus").is_socket, "the bus listens")
        self.mock = subprocess.Popen(["/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "logind"], env=self.env,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: self.call("/org/freedesktop/login1", "org.freedesktop.login1.Manager.ListInhibitors", want=None)[0] == 0,
              "logind is there")

    def call(self, path, method, *arguments, want=0):
        done = subprocess.run(["gdbus", "call", "--system", "--dest", "org.freedesktop.login1", "--object-path", path,
                               "--method", method, *arguments], env=self.env, capture_output=True, timeout=SECONDS, check=False)
        assert want is None or done.returncode == want, done.stderr
        return done.returncode, done.stdout.decode()

    def inhibitors(self):
        return self.call("/org/freedesktop/login1", "org.freedesktop.login1.Manager.ListInhibitors")[1]

    def sleep(self, begins):
        self.call("/org/freedesktop/login1", "org.freedesktop.DBus.Mock.EmitSignal", "org.freedesktop.login1.Manager",
                  "PrepareForSleep", "b", f"[<{'true' if begins else 'false'}>]")

    def close(self):
        for p in (self.mock, self.bus):
            p.kill()
            p.wait()


@pytest.fixture
def logind(alice):
    if shutil.which("dbus-daemon") is None or shutil.which("gdbus") is None or \
            subprocess.run(["/usr/bin/python3", "-c", "import dbusmock"], capture_output=True, check=False).returncode != 0:
        pytest.skip("dbus-daemon, gdbus or python3-dbusmock is not installed")
    mock = Logind(alice.home)
    alice.env["DBUS_SYSTEM_BUS_ADDRESS"] = mock.address
    alice.env["XDG_SESSION_ID"] = "c1"
    yield mock
    mock.close()


def test_keys_are_forgotten_before_the_machine_sleeps(alice, logind):
    """The delay inhibitor is held until they are, and taken again afterwards."""
    alice.new_key()
    alice.serve()
    until(lambda: alice.status()["logind"], "it listens to logind")
    assert "('sleep', 'Letterlock'" in logind.inhibitors() and "'delay'" in logind.inhibitors()
    alice.sign(passphrase=PASSPHRASE)
    logind.sleep(True)
    until(lambda: "Letterlock" not in logind.inhibitors(), "the machine may sleep")
    assert alice.held() == [] and alice.status()["forgot"] == "before this machine slept"
    logind.sleep(False)
    until(lambda: "Letterlock" in logind.inhibitors(), "it will be told again")
    alice.sign(passphrase=PASSPHRASE)
    assert len(alice.held()) == 2


@pytest.mark.parametrize("how", ["Lock", "SetLockedHint"])
def test_keys_are_forgotten_when_the_session_is_locked(alice, logind, how):
    session = "/org/freedesktop/login1/session/c1"
    logind.call("/org/freedesktop/login1", "org.freedesktop.DBus.Mock.AddSession", "c1", "seat0", str(os.getuid()), "alice", "true")
    alice.new_key()
    alice.serve()
    until(lambda: alice.status()["logind"], "it listens to logind")
    alice.sign(passphrase=PASSPHRASE)
    logind.call(session, f"org.freedesktop.login1.Session.{how}", *(["true"] if how == "SetLockedHint" else []))
    until(lambda: alice.held() == [], "it forgets")
    assert alice.status()["forgot"] == "when the session was locked"


def test_without_logind_it_says_so(alice):
    alice.serve()
    assert not alice.status()["logind"] and "no logind" in alice.run("agent", "status")


# ---- who is answered, and what cannot be had ----


def test_malformed_frames_end_only_their_connection(alice):
    alice.new_key()
    alice.sign(passphrase=PASSPHRASE)
    for octets in (b"\xff" * 64, struct.pack(">IHQ", 10, 0x77, 1), struct.pack(">IHQ", 10, 0, 1), b"\0" * 32,
                   struct.pack(">IHQ", 1 << 30, 1, 1), struct.pack(">IHQI", 14, 2, 1, 0xffffffff)):
        s = alice.connect()
        s.sendall(octets)
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass
        s.close()
    assert len(alice.held()) == 2


def test_a_flood_of_connections_and_frames_is_survived(alice):
    """Big requests fill the agent's memory, not the machine's: they fail, and all that is held stays."""
    alice.new_key()
    alice.sign(passphrase=PASSPHRASE)
    pid = alice.agent_pid()
    connections = []
    for _ in range(100):
        with contextlib.suppress(OSError):
            s = alice.connect()
            s.setblocking(False)
            connections.append(s)
    frame = struct.pack(">IHQ", 10 + (1 << 20), 2, 1) + b"\0" * (1 << 20)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for s in connections:
            with contextlib.suppress(OSError):
                s.send(frame[:65536])
        time.sleep(0.01)
    for s in connections:
        s.close()
    until(lambda: len(alice.held()) == 2, "it answers again", 30)
    alice.sign()
    assert alice.agent_pid() == pid


def test_another_users_connection_is_closed(alice):
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user")
    alice.new_key()
    alice.sign(passphrase=PASSPHRASE)
    code = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.settimeout(20)\n"
            "try:\n s.connect(sys.argv[1])\n s.sendall(bytes(14))\n print(s.recv(100))\n"
            "except ConnectionError: print(b'')\nexcept PermissionError: print('denied')\n")
    path = alice.home / "run/letterlock/agent"

    def ask():
        return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", code,
                               str(path)], capture_output=True, timeout=SECONDS, check=True).stdout.decode().strip()
    assert ask() == "denied"
    for folder in (alice.home, alice.home / "run", alice.home / "run/letterlock"):
        folder.chmod(0o711)
    path.chmod(0o777)
    try:
        assert ask() == "b''"
    finally:
        for folder in (alice.home, alice.home / "run", alice.home / "run/letterlock"):
            folder.chmod(0o700)
    assert len(alice.held()) == 2


AS_NOBODY = """
import os, subprocess, sys, pathlib
home, program = sys.argv[1], sys.argv[2]
os.setgid(65534); os.setuid(65534)
env = dict(os.environ, HOME=home, XDG_RUNTIME_DIR=home + "/run", XDG_CONFIG_HOME=home + "/config")
agent = subprocess.Popen([program, "agent", "run"], env=env, stdin=subprocess.DEVNULL)
import time, ctypes, signal
for _ in range(400):
    if os.path.exists(home + "/run/letterlock/agent"): break
    time.sleep(0.05)
time.sleep(0.5)
libc = ctypes.CDLL(None, use_errno=True)
print("ptrace", libc.ptrace(16, agent.pid, 0, 0), ctypes.get_errno())
try:
    open(f"/proc/{agent.pid}/mem", "rb"); print("mem open")
except PermissionError:
    print("mem denied")
def parent(p):
    try:
        return open(f"/proc/{p}/stat").read().rsplit(") ", 1)[1].split()[1]
    except OSError:
        return ""
kids = [p for p in os.listdir("/proc") if p.isdigit() and parent(p) == str(agent.pid)]
for kid in kids:
    try:
        open(f"/proc/{kid}/mem", "rb"); print("launcher open")
    except PermissionError:
        print("launcher denied")
agent.send_signal(signal.SIGSEGV)
try:
    status = agent.wait(20)
except subprocess.TimeoutExpired:
    agent.kill()
    raise
print("core", [str(p) for p in pathlib.Path(home).rglob("core*")], status)
"""


def test_nobody_traces_reads_or_dumps_it(alice):
    """Not even its own user: ptrace and /proc/PID/mem are refused, and a crash leaves no core."""
    if os.geteuid() != 0:
        pytest.skip("only root can become a user that may not trace")
    folder = alice.home / "other"
    for name in ("", "run", "config"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
        os.chown(folder / name, 65534, 65534)
    alice.home.chmod(0o711)
    program = alice.home / "program"
    shutil.copy(alice.program, program)
    program.chmod(0o755)
    done = subprocess.run(["/usr/bin/python3", "-c", AS_NOBODY, str(folder), str(program)], capture_output=True,
                          timeout=SECONDS, cwd="/", check=False)
    said = done.stdout.decode()
    assert "ptrace -1 1" in said and "mem denied" in said and "launcher denied" in said, said + done.stderr.decode()
    assert "core [] " in said, said


def test_the_launcher_holds_nothing_of_the_agent(alice):
    """Of the agent's descriptors it has the one socket, and not a page of its memory; what it starts has none at all."""
    if os.geteuid() != 0:
        pytest.skip("only root may look")
    alice.new_key()
    fake_pinentry(alice, PASSPHRASE)
    pid = alice.serve()
    launcher = until(lambda: alice.children(pid).get("agent-launcher"), "the launcher is there")
    alice.sign()
    fds = {n: os.readlink(f"/proc/{launcher}/fd/{n}") for n in os.listdir(f"/proc/{launcher}/fd")}
    assert [f for n, f in fds.items() if int(n) > 3 and "secretmem" in f] == [] and fds["3"].startswith("socket:"), fds
    maps = pathlib.Path(f"/proc/{launcher}/maps").read_text()
    ours = pathlib.Path(f"/proc/{pid}/maps").read_text()
    if alice.status()["memory"] == "memfd_secret":
        assert "secretmem" in ours
    assert "secretmem" not in maps
    pin_fds = (alice.home / "pin-fds").read_text()
    assert "agent" not in pin_fds and "secretmem" not in pin_fds
    assert sum(1 for line in pin_fds.splitlines() if "socket:" in line) == 2, pin_fds
    limits = pathlib.Path(f"/proc/{launcher}/limits").read_text()
    assert next(line for line in limits.splitlines() if "core file" in line).split()[4:6] == ["0", "0"]


def test_no_reply_holds_a_key(alice):
    """Everything that the agent can be asked for, and what its replies have: the account's password is the one secret."""
    header = (pathlib.Path(__file__).parents[2] / "src/client/agent/protocol.h").read_text()
    types = header.split("enum agent_type {")[1].split("AGENT_TYPE_COUNT")[0]
    names = {word.strip().split(" ")[0] for word in types.split(",") if word.strip()}
    assert names == {"AGENT_HELLO", "AGENT_UNLOCK", "AGENT_HOLDS", "AGENT_SIGN", "AGENT_OPEN", "AGENT_LIST", "AGENT_FORGET",
                     "AGENT_PASSWORD_PUT", "AGENT_PASSWORD_GET", "AGENT_STOP", "AGENT_SEAT", "AGENT_ASK", "AGENT_LOCK",
                     "AGENT_STATUS", "AGENT_TOKENS"}
    table = (pathlib.Path(__file__).parents[2] / "src/client/agent/protocol.c").read_text()
    replies = dict(line.strip(" \t[},").split("] = { ") for line in table.split("schemas[AGENT_TYPE_COUNT]")[1].splitlines()
                   if "] = { " in line)
    secret = {name for name, row in replies.items() if row.split(", ")[1].strip(" }") in ("&octets_schema", "&opened_schema")}
    assert secret == {"AGENT_SIGN", "AGENT_OPEN", "AGENT_PASSWORD_GET"}
