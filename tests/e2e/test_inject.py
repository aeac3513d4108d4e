# SPDX-License-Identifier: ISC
"""The instrument inject: a running process executes one system call and goes on as if nothing had happened."""
import ctypes
import errno
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from conftest import build_folder
from processes import eventually, status_field

# Numbers of x86_64.
READ, OPEN, CLOSE, GETPID, FORK, EXECVE, EXIT_GROUP, OPENAT, GETPPID, PIPE2 = (
    0, 2, 3, 39, 57, 59, 231, 257, 110, 293)

# Each waits in a call that is restarted in another way, says what the call gave, and ends.
EPOLL = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.epoll_create1(0)
room = ctypes.create_string_buffer(12)
print("waits", flush=True)
print(libc.epoll_wait(fd, room, 1, 3000), ctypes.get_errno(), flush=True)
"""
READING = """
import os
print("waits", flush=True)
print(os.read(0, 10).decode(), flush=True)
"""
THREAD = """
import ctypes, threading, time
def run():
    ctypes.CDLL(None).prctl(15, b"helper", 0, 0, 0)
    time.sleep(30)
t = threading.Thread(target=run, daemon=True)
t.start()
print("waits", flush=True)
input()
"""
BUSY = """
print("waits", flush=True)
n = 0
while n < 30000000:
    n += 1
print(n, flush=True)
"""


def inject(pid, *words, options=()):
    program = build_folder() / "tests" / "e2e" / "inject"
    if not program.exists():
        pytest.skip("no inject: the build was made without tests")
    done = subprocess.run([program, *options, str(pid), *map(str, words)], capture_output=True, text=True, timeout=30,
                          check=False)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def start():
    running = []

    def start_program(source):
        p = subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(p)
        assert p.stdout.readline() == "waits\n"
        if source != BUSY:
            eventually(lambda: status_field(p.pid, "State").startswith("S"))
        return p

    yield start_program
    for p in running:
        p.kill()
        p.wait()
        p.stdin.close()
        p.stdout.close()


def test_a_sleep_goes_on():
    """It ends when it would have ended, and not a whole sleep after the last of the calls."""
    started = time.monotonic()
    with subprocess.Popen(["sleep", "4"]) as sleep:
        eventually(lambda: status_field(sleep.pid, "State").startswith("S"))
        for _ in range(5):
            assert inject(sleep.pid, GETPID) == str(sleep.pid)
            assert inject(sleep.pid, GETPPID) == str(os.getpid())
        while time.monotonic() - started < 1.5:
            assert inject(sleep.pid, GETPID) == str(sleep.pid)
        last = time.monotonic()
        assert sleep.wait() == 0
    assert time.monotonic() - started > 3.9
    assert time.monotonic() - last < 3.9


def test_results_and_texts(start, tmp_path):
    p = start(READING)
    made = tmp_path / "made"
    assert inject(p.pid, CLOSE, 999) == str(-errno.EBADF)
    assert inject(p.pid, OPEN, "@/no/such/file", os.O_RDONLY) == str(-errno.ENOENT)
    fd = inject(p.pid, OPENAT, -100, f"@{made}", os.O_WRONLY | os.O_CREAT, 0o600)
    assert int(fd) > 2 and made.exists()
    assert os.readlink(f"/proc/{p.pid}/fd/{fd}") == str(made)
    assert inject(p.pid, 1, fd, "%41420043", 4) == "4"
    assert made.read_bytes() == b"AB\0C"
    assert p.communicate("on we go\n")[0] == "on we go\n\n"
    assert p.returncode == 0


def test_epoll_wait_does_not_notice(start):
    p = start(EPOLL)
    assert inject(p.pid, GETPID) == str(p.pid)
    assert inject(p.pid, CLOSE, 999) == str(-errno.EBADF)
    assert p.communicate()[0] == "0 0\n"


def test_a_thread_is_chosen_by_number_or_name(start):
    p = start(THREAD)
    gettid = 186
    tid = inject(p.pid, gettid, options=["--thread", "helper"])
    assert tid != str(p.pid) and pathlib.Path(f"/proc/{p.pid}/task/{tid}/comm").read_text() == "helper\n"
    assert inject(p.pid, gettid, options=["--thread", tid]) == tid
    assert inject(p.pid, gettid) == str(p.pid)
    assert p.communicate("\n")[0] == ""
    assert p.returncode == 0


def test_a_process_that_computes(start):
    p = start(BUSY)
    for _ in range(20):
        assert inject(p.pid, GETPID) == str(p.pid)
    assert p.communicate()[0] == "30000000\n"


def test_a_call_that_waits_is_broken_off(start):
    p = start(READING)
    reading = inject(p.pid, PIPE2, "%0000000000000000", 0)
    assert reading == "0"
    ends = sorted(int(n) for n in os.listdir(f"/proc/{p.pid}/fd"))[-2:]
    assert inject(p.pid, READ, ends[0], "%00", 1, options=["--timeout", "200"]) == "blocked"
    assert p.communicate("go on\n")[0] == "go on\n\n"


def test_forks_do_not_survive(start):
    p = start(READING)
    child = int(inject(p.pid, FORK))
    assert child > 0
    status = pathlib.Path(f"/proc/{child}/status")
    assert not status.exists() or "State:\tZ" in status.read_text()
    assert p.communicate("once\n")[0] == "once\n\n"


def test_ends(start):
    p = start(READING)
    assert inject(p.pid, EXIT_GROUP, 7) == "exited 7"
    p = start(READING)
    assert inject(p.pid, EXECVE, "@/bin/true", 0, 0) == "replaced"
    assert p.wait() == 0


def test_a_process_that_is_not_dumpable(start):
    p = start(READING)
    assert inject(p.pid, 157, 4, 0, 0, 0, 0) == "0"  # prctl(PR_SET_DUMPABLE, 0)
    assert inject(p.pid, GETPID) == str(p.pid)
    assert p.communicate("on\n")[0] == "on\n\n"


def test_seccomp_is_seen(start):
    """Strict mode permits read, write and exit, and kills with SIGKILL; a filter that kills says SIGSYS."""
    prctl, strict, no_new_privileges, filtered = 157, 1, 38, 2
    p = start(READING)
    assert inject(p.pid, prctl, 22, strict, 0, 0, 0) == "0"
    assert inject(p.pid, GETPID) == "killed SIGKILL"
    p = start(READING)
    # if (nr == getppid) return KILL_PROCESS; if (nr == getpid) return ERRNO(13); return ALLOW
    program = b"".join(ctypes.string_at(ctypes.addressof(i), 8) for i in (
        insn(0x20, 0, 0, 0), insn(0x15, 2, 0, GETPPID), insn(0x15, 2, 0, GETPID), insn(0x06, 0, 0, 0x7fff0000),
        insn(0x06, 0, 0, 0x80000000), insn(0x06, 0, 0, 0x0005000d)))
    assert inject(p.pid, prctl, no_new_privileges, 1, 0, 0, 0) == "0"
    put_program(p.pid, program, lambda fprog: inject(p.pid, prctl, 22, filtered, fprog))
    assert inject(p.pid, GETPID) == str(-errno.EACCES)
    assert inject(p.pid, GETPPID) == "killed SIGSYS"
    assert p.wait() == -signal.SIGSYS


class Insn(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


def insn(code, jt, jf, k):
    return Insn(code, jt, jf, k)


def put_program(pid, program, load):
    """struct sock_fprog has a pointer to the program: both go to memory that the target maps for it."""
    at = int(inject(pid, 9, 0, 4096, 3, 0x22, -1, 0))
    assert at > 0
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(at)
        memory.write((len(program) // 8).to_bytes(8, "little") + (at + 16).to_bytes(8, "little") + program)
    assert load(at) == "0"
