# SPDX-License-Identifier: ISC
"""A person with a home and an agent of their own, for the tests of the agent."""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from conftest import build_folder

PASSPHRASE = "correct horse battery"
SECONDS = 60


def pipe_with(text):
    r, w = os.pipe()
    os.write(w, (text + "\n").encode())
    os.close(w)
    return r


def until(condition, what, seconds=SECONDS):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"in {seconds} seconds: {what}")


class Person:
    """Its runtime folder lies directly in /tmp: the path of a socket must not be long."""

    def __init__(self, address="alice@example.org"):
        self.address = address
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="ll-", dir="/tmp"))
        for name in ("run", "config", "data"):
            (self.home / name).mkdir(mode=0o700)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("DISPLAY", "WAYLAND", "DBUS", "XDG", "LC_", "LANG"))}
        self.env.update(HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"), XDG_DATA_HOME=str(self.home / "data"),
                        XDG_RUNTIME_DIR=str(self.home / "run"), NO_COLOR="1", TZ="UTC", LC_ALL="C", TERM="xterm",
                        DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.home}/no-bus")
        self.program = build_folder() / "letterlock"
        self.server = None

    def run(self, *words, want=0, passphrase=None, stdin=None, env=None):
        command, fds = [str(self.program), *map(str, words)], []
        if passphrase is not None:
            fds.append(pipe_with(passphrase))
            command += ["--passphrase-fd", str(fds[-1])]
        done = subprocess.run(command, env=dict(self.env, **(env or {})), cwd=self.home, pass_fds=fds, capture_output=True,
                              start_new_session=True, timeout=3 * SECONDS, input=stdin or b"", check=False)
        for fd in fds:
            os.close(fd)
        said = (done.stdout + done.stderr).decode(errors="replace")
        assert want is None or done.returncode == want, f"{words}: {done.returncode}\n{said}"
        return said

    def json(self, *words, **more):
        return json.loads(self.run(*words, "--json", **more))

    def status(self):
        return self.json("agent", "status")

    def held(self):
        return self.json("agent", "list")

    def new_key(self, *options, passphrase=PASSPHRASE):
        self.run("key", "new", self.address, *options, passphrase=passphrase)
        return self.json("key", "list")[0]["fingerprint"]

    def settings(self, **values):
        """agent.conf"""
        folder = self.home / "config/letterlock"
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items())
        (folder / "agent.conf").write_text(text)

    def serve(self, *options, env=None):
        """The agent in the foreground: its process."""
        self.server = subprocess.Popen([str(self.program), "agent", "run", *options], env=dict(self.env, **(env or {})),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.home / "log", "ab"),
                                       start_new_session=True)
        until(lambda: (self.home / "run/letterlock/agent").is_socket() and self.run("agent", "list", want=None) != "",
              "the agent listens")
        return self.server.pid

    def agent_pid(self):
        return self.status()["pid"]

    def children(self, pid):
        """{name: process} of those that the agent started."""
        found = {}
        for proc in pathlib.Path("/proc").iterdir():
            if not proc.name.isdigit():
                continue
            with contextlib.suppress(OSError, IndexError):
                stat = (proc / "stat").read_text()
                name, rest = re.search(r"\((.*)\) (.*)", stat).groups()
                parent = int(rest.split()[1])
                if parent == pid or parent in found.values():
                    found[name] = int(proc.name)
        return found

    def sign(self, want=0, passphrase=None, name="plan.txt", **more):
        (self.home / name).write_text("a plan\n")
        with contextlib.suppress(FileNotFoundError):
            (self.home / f"{name}.sig").unlink()
        return self.run("sign", name, passphrase=passphrase, want=want, **more)

    def at_terminal(self, words, answers, seconds=SECONDS):
        """With a terminal of its own: (what was on the screen, exit status). answers: pairs of what is seen and typed."""
        answers = list(answers)
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.home)
            os.execve(str(self.program), [str(self.program), *map(str, words)], self.env)
        shown, seen, end = b"", 0, time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    more = os.read(terminal, 4096)
                except OSError:
                    break
                if not more:
                    break
                shown += more
            if answers and answers[0][0].encode() in shown[seen:]:
                seen = len(shown)
                time.sleep(0.3)  # until it has set the terminal up
                os.write(terminal, answers.pop(0)[1])
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError):
            if time.monotonic() >= end:
                os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return shown.decode(errors="replace"), status

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(SECONDS)
        s.connect(str(self.home / "run/letterlock/agent"))
        return s

    def close(self):
        self.run("agent", "stop", want=None)
        if self.server is not None:
            try:
                self.server.wait(10)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        shutil.rmtree(self.home, ignore_errors=True)
