# SPDX-License-Identifier: ISC
"""The units of contrib/systemd: systemd itself reads them and says how exposed the service is, and the server does what it
does within what they leave it."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import ROOT, Exchange, build_folder
from processes import Processes, eventually, status_field
from test_processes import send

UNITS = ROOT / "contrib" / "systemd"
EXPOSURE_MAX = 15  # tenths: 1.5 of 10
EXPOSURE_SEPARATE_MAX = 28  # with root as parent: it makes its children other users


def analyze(*words, cwd):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    return subprocess.run(["systemd-analyze", "--no-pager", *words], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path):
    for source in [*UNITS.glob("*.service"), *UNITS.glob("*.socket")]:
        text = source.read_text().replace("/usr/bin/letterlockd", str(build_folder() / "letterlockd"))
        (tmp_path / source.name).write_text(text)
    return tmp_path


def separate(units):
    """As with the drop-in: what it sets comes behind."""
    unit = units / "letterlockd.service"
    begin, end = unit.read_text().split("[Install]")
    lines = [line for line in (UNITS / "separate-users.conf").read_text().splitlines() if not line.startswith("[")]
    unit.write_text(begin + "\n".join(lines) + "\n[Install]" + end)


def test_systemd_understands_them(units):
    done = analyze("verify", "--man=no", *(str(p) for p in sorted(units.iterdir())), cwd=units)
    # It also complains of this machine's own units.
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "letterlock" in line]
    assert ours == []
    separate(units)
    done = analyze("verify", "--man=no", str(units / "letterlockd.service"), cwd=units)
    assert [line for line in (done.stdout + done.stderr).splitlines() if "letterlock" in line] == []


@pytest.mark.parametrize("most", [EXPOSURE_MAX, EXPOSURE_SEPARATE_MAX])
def test_the_service_is_little_exposed(units, most):
    if most == EXPOSURE_SEPARATE_MAX:
        separate(units)
    done = analyze("security", "--offline=true", f"--threshold={most}", "letterlockd.service", cwd=units)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze knows no --offline")
    assert done.returncode == 0, done.stdout + done.stderr
    # The control: the threshold is not one that everything meets.
    assert analyze("security", "--offline=true", "--threshold=10", "letterlockd.service", cwd=units).returncode != 0


def test_there_is_a_socket_for_every_port_that_is_on():
    done = subprocess.run([build_folder() / "letterlockd", "config", "--config", "/dev/null"], capture_output=True, text=True,
                          check=True, timeout=30)
    ports = {name: int(port) for name, port in re.findall(r"^port_(\w+) = (-?\d+) ", done.stdout, re.M) if int(port) > 0}
    assert len(ports) >= 7
    for name, port in ports.items():
        lines = (UNITS / f"letterlockd-{name}.socket").read_text().splitlines()
        assert f"FileDescriptorName={name}" in lines
        assert [line for line in lines if line.startswith("ListenStream=")] == [
            f"ListenStream=0.0.0.0:{port}", f"ListenStream=[::]:{port}"]
    assert len(list(pathlib.Path(UNITS).glob("*.socket"))) == len(ports)


def test_users_and_folders_are_made(tmp_path):
    for tool, source in (("systemd-sysusers", "letterlock.sysusers"), ("systemd-tmpfiles", "letterlock.tmpfiles")):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}")
        if os.geteuid() != 0:
            pytest.skip("only root makes users")
        root = tmp_path / "root"
        (root / "etc").mkdir(parents=True, exist_ok=True)
        words = ["--create"] if tool == "systemd-tmpfiles" else []
        done = subprocess.run([tool, f"--root={root}", *words, UNITS / source], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    passwd = (root / "etc" / "passwd").read_text()
    number = int(re.search(r"^letterlock:[^:]*:(\d+):", passwd, re.M).group(1))
    data = (root / "var/lib/letterlock").stat()
    assert (data.st_uid, data.st_mode & 0o7777) == (number, 0o700)
    assert (root / "etc/letterlock/tls").stat().st_mode & 0o7777 == 0o750


def allowed(units):
    """The system calls that the service's filter leaves, by systemd's own lists: as an allow list, line after line."""
    lists = analyze("syscall-filter", cwd=units).stdout
    groups, name = {}, None
    for line in lists.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = []
        elif name and line.startswith("    ") and not line.strip().startswith("#"):
            groups[name].append(line.strip())

    def calls(word, seen=()):
        if not word.startswith("@"):
            return {word}
        return set().union(*(calls(w, (*seen, word)) for w in groups[word] if w not in seen))

    found = set(calls("@default"))
    for line in re.findall(r"^SystemCallFilter=(.*)$", (units / "letterlockd.service").read_text(), re.M):
        named = set().union(*(calls(word) for word in line.lstrip("~").split()))
        found = found - named if line.startswith("~") else found | named
    return found


def test_what_the_server_calls_is_left_to_it(units, tmp_path, nobodys):
    """A whole life under strace: what a process asks for that the unit's filter refuses is an error that nobody else sees."""
    if shutil.which("strace") is None or os.geteuid() != 0:
        pytest.skip("no strace, or not root")
    exchange = Exchange(nobodys, {"fronts": "1", "port_metrics": "0"})
    trace = tmp_path / "trace"
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    give(nobodys)
    exchange.start(launcher=("strace", "-f", "-qq", "--signal=none", "-o", trace, *user))
    send(exchange, "one")
    with exchange.connect("imaps", tls=True) as s:
        s.sendall(b'a LOGIN %s "%s"\r\nb SELECT INBOX\r\nc FETCH 1 BODY[]\r\nd LOGOUT\r\n' % (
            exchange.ALICE.encode(), exchange.password(exchange.ALICE).encode()))
        got = b""
        while piece := s.recv(4096):
            got += piece
        assert b"c OK" in got
    said = json.loads(exchange.run("status", "--json", check=False).stdout)
    parent = next(p["pid"] for p in said["processes"] if p["name"] == "parent")  # exchange.process is strace
    os.kill(parent, signal.SIGHUP)
    eventually(lambda: "daemon.reloaded" in exchange.log())
    time.sleep(6)  # it looks around every five seconds
    os.kill(parent, signal.SIGTERM)
    assert exchange.process.wait(60) == 0
    exchange.process = None
    called = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.M))
    assert {"execve", "accept4", "fdatasync", "seccomp", "setpriority"} <= called
    # setpriv's own, before the program; and what libraries try and can do without.
    assert called - allowed(units) <= {"setresuid", "setresgid", "setgroups", "capset", "arch_prctl"}, called - allowed(units)


def test_only_the_parent_has_the_capability(nobodys):
    """An ordinary user with CAP_NET_BIND_SERVICE, as the unit starts it, binds a port below 1024 and gives the right to nobody."""
    if shutil.which("setpriv") is None or os.geteuid() != 0:
        pytest.skip("no setpriv, or not root")
    port = next((n for n in range(1023, 500, -1) if not in_use(n)), None)
    exchange = Exchange(nobodys, {"fronts": "1", "port_smtp": str(port)}, accounts=())
    give(nobodys)
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    exchange.start(launcher=(*user, "--inh-caps=-all,+net_bind_service", "--ambient-caps=+net_bind_service",
                             "--bounding-set=-all,+net_bind_service", "--no-new-privs"))
    try:
        assert exchange.port("smtp") == port
        of = Processes(exchange)
        assert int(status_field(of.parent, "CapEff"), 16) == 1 << 10 and int(status_field(of.parent, "CapAmb"), 16) == 0
        for kind, pid in of.table():
            for what in "CapEff", "CapPrm", "CapAmb":
                assert int(status_field(pid, what), 16) == 0, (kind, what)
        with exchange.connect("smtp") as s:
            assert s.recv(100).startswith(b"220 ")
    finally:
        exchange.stop()


@pytest.fixture
def nobodys():
    """A folder of user 65534's: those of pytest are closed to other users than the one who tests."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-units-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def give(folder):
    subprocess.run(["chown", "-R", "65534:65534", folder], check=True)


def in_use(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
