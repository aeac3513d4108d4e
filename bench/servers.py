# SPDX-License-Identifier: ISC
"""Servers that a measurement starts: ours with its configuration, Dovecot, and what of /proc tells their cost."""
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import common

DOMAIN = "peer.test"
PROGRAM = common.BUILD / "release" / "letterlockd"
TOOLS = common.BUILD / "release" / "bench"
PORTS = ("smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "hkp", "https", "http")
PASSWORD = "pass"  # the one that the script that starts Dovecot gives its users
KERNEL_STACK_KIB = 16  # of a thread, on x86-64 and arm64
CHEAP = (8, 1, 1)  # Argon2id with 8 KiB and one pass: when it is not the hash that is measured


def verifier_cost(verifier):
    """(memory KiB, passes, lanes) of an Argon2id verifier."""
    return tuple(map(int, re.search(r"\$m=(\d+),t=(\d+),p=(\d+)\$", verifier).groups()))


# ---- our configuration ----

def knows(line):
    """Whether letterlockd has this setting with such a value: a measurement can be run on an older one as well."""
    with tempfile.TemporaryDirectory(prefix="letterlock-bench.") as folder:
        config = pathlib.Path(folder) / "probe.conf"
        config.write_text(f'data = "{folder}/none"\ndomains = {{ "{DOMAIN}" }}\n{line}\n')
        return subprocess.run([PROGRAM, "check", "--offline", "--config", config], capture_output=True, check=False).returncode == 0


def config_text(data, ports, connections=1000, extra=()):
    """Limits that do not limit the load. Of the settings in braces the first that letterlockd knows is taken, if any."""
    lines = [f'data = "{data}"', f'hostname = "mx.{DOMAIN}"', f'domains = {{ "{DOMAIN}" }}', 'listen = { "127.0.0.1" }']
    lines += [f"port_{name} = {port}" for name, port in ports.items()]
    for choices in ((f"connections = {connections + 100}", "connections = 18000"), ("connections_peer = 18000",),
                    (f"connections_prefix = {connections + 100}", "connections_prefix = 18000"),
                    (f"connections_account = {connections + 100}", "connections_account = 18000")):
        lines += [line for line in choices if knows(line)][:1]
    return "\n".join(lines + list(extra)) + "\n"


def connections_max(wanted):
    """So many connections, or what one process may have where letterlockd is only one."""
    return wanted if knows(f"connections = {wanted + 100}") else min(wanted, 17900)


class Letterlock:
    """letterlockd over a data folder that is there already, or is made empty."""

    def __init__(self, folder, name="ours", connections=1000, extra=()):
        self.folder, self.data, self.config = folder, folder / name, folder / f"{name}.conf"
        self.log = open(folder / f"{name}.log", "ab")
        self.ports = {name: free_port() for name in PORTS}
        self.config.write_text(config_text(self.data, self.ports, connections, extra))
        self.process = None

    def start(self):
        self.process = subprocess.Popen([PROGRAM, "run", "--config", self.config], stdout=self.log, stderr=self.log)
        self.pid, self.imaps, self.smtp = self.process.pid, self.ports["imaps"], self.ports["smtp"]
        for name in PORTS:
            wait_for_port(self.ports[name])
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def verifier(self):
        with sqlite3.connect(f"file:{self.data}/store.db?mode=ro", uri=True) as db:
            return bytes(db.execute("SELECT verifier FROM accounts LIMIT 1").fetchone()[0]).decode()

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


def fill(data, accounts, messages, octets, cost):
    """Accounts and their mail, before the server has the folder."""
    done = subprocess.run([TOOLS / "bench_store_fill", data, DOMAIN, str(accounts), str(messages), str(octets), PASSWORD,
                           *map(str, cost)], check=False)
    if done.returncode != 0:
        sys.exit("bench: the data folder could not be filled")


# ---- Dovecot ----

class Dovecot:
    def __init__(self, folder, name, accounts, **settings):
        self.dir, self.script = folder / name, peers_folder("dovecot.sh") / "dovecot.sh"
        self.ports = {word: free_port() for word in ("IMAP", "IMAPS", "POP3", "POP3S", "LMTP")}
        self.env = dict(os.environ, PEER_DIR=str(self.dir), NUSERS=str(accounts), DOMAIN=DOMAIN, **settings,
                        **{word: str(port) for word, port in self.ports.items()})
        self.imaps, self.lmtp, self.accounts = self.ports["IMAPS"], self.ports["LMTP"], accounts
        self.up = False

    def start(self):
        out = subprocess.run([self.script, "up"], env=self.env, capture_output=True, text=True, check=False)
        if out.returncode != 0:
            sys.exit(f"bench: Dovecot did not start: {out.stderr.strip()}")
        self.up = True
        said = dict(word.split("=", 1) for word in out.stdout.strip().splitlines()[-1].split())
        self.pid, self.homes = int(said["PID"]), pathlib.Path(said["HOME_BASE"])
        wait_for_port(self.imaps)
        return self

    def fill(self, messages, octets):
        """Maildirs whose messages are links to one file an account: one body serves them all, as in ours."""
        text = b"From: sender@client.test\r\nSubject: bench\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\n".ljust(octets - 2, b"x")
        users = (self.dir / "conf" / "users").read_text().splitlines()
        for row in users[:self.accounts]:
            _, _, uid, gid, _, home = row.split(":")[:6]
            maildir = pathlib.Path(home) / "maildir"
            for name in ("", "cur", "new", "tmp"):
                (maildir / name).mkdir(parents=True, exist_ok=True)
                os.chown(maildir / name, int(uid), int(gid))
            os.chown(home, int(uid), int(gid))
            first = f"{maildir}/cur/1700000000.M0P1.bench,S={octets}:2,"
            with open(first, "wb") as f:
                f.write(text + b"\r\n")
            os.chown(first, int(uid), int(gid))
            for n in range(1, messages):
                os.link(first, f"{maildir}/cur/1700000000.M{n}P1.bench,S={octets}:2,")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def verifier(self):
        return re.search(r"\{ARGON2ID\}([^:]+):", (self.dir / "conf" / "users").read_text())[1]

    def set_verifier(self, verifier):
        """Dovecot reads its users anew when the file has another time, in whole seconds."""
        users = self.dir / "conf" / "users"
        users.write_text(re.sub(r"\{ARGON2ID\}[^:]+:", lambda _: "{ARGON2ID}" + verifier + ":", users.read_text()))
        time.sleep(1.1)

    def stop(self):
        if self.up:
            for _ in range(20):  # its processes leave with their connections; ending thousands one by one takes a minute
                if len(tree(self.pid)) < 50:
                    break
                time.sleep(1)
            subprocess.run([self.script, "down"], env=self.env, check=False, capture_output=True)
            for _ in range(600):  # the script waits five seconds, which is not enough for one that had much to do
                if not os.path.exists(f"/proc/{self.pid}"):
                    break
                time.sleep(0.1)
            self.up = False


def peers_folder(script):
    base = os.environ.get("LETTERLOCK_TESTDATA", str(common.ROOT.parent / "shared"))
    folder = pathlib.Path(base) / "peers"
    if not (folder / script).exists():
        sys.exit(f"bench: no peers/{script} under LETTERLOCK_TESTDATA; without that peer there is nothing to stand beside")
    return folder


# ---- ports and folders ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"bench: nothing answers on port {port}")


class Folder:
    """A folder for one measurement, gone at its end; what was started in it is stopped before."""

    def __init__(self):
        self.path, self.started = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-bench.")), []
        os.chmod(self.path, 0o755)

    def __enter__(self):
        return self

    def start(self, server):
        self.started.append(server)
        return server.start()

    def __exit__(self, *_):
        for server in reversed(self.started):
            server.stop()
        shutil.rmtree(self.path, ignore_errors=True)


def syncs(folder, octets, seconds=0.5):
    """How often a second so many octets can be appended to a file and synced, by one thread: the disk's limit."""
    path, text = folder / "syncs", b"x" * octets
    fd, count, start = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), 0, time.monotonic()
    while time.monotonic() - start < seconds:
        os.write(fd, text)
        os.fdatasync(fd)
        count += 1
    took = time.monotonic() - start
    os.close(fd)
    os.unlink(path)
    return count / took


# ---- /proc ----

def tree(pid):
    """A process and all its descendants; one look at /proc, as a peer may have thousands."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(pathlib.Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found, at = [pid], 0
    while at < len(found):
        found += children.get(found[at], [])
        at += 1
    return found


def cpu(pid):
    """CPU seconds of a process, its descendants and those of them that were waited for."""
    total = 0
    for p in tree(pid):
        try:
            fields = pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15]))
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


def pss(pid):
    """KiB of user-space memory of a process and all its descendants; what they share is counted once."""
    total = 0
    for p in tree(pid):
        try:
            text = pathlib.Path(f"/proc/{p}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+)", text, re.M)
        total += int(found[1]) if found else 0
    return total


SLABS = ("TCP", "sock_inode_cache", "filp", "eventpoll_epi", "skbuff_head_cache", "tcp_bind_bucket", "tcp_bind2_bucket")


def kernel_memory(pids):
    """KiB that the kernel holds for sockets (of the whole machine: their objects and what is in their buffers) and for the
    page tables and stacks of some processes. Its totals would count what it remembers of files, and others' processes."""
    info = pathlib.Path("/proc/slabinfo").read_text()
    octets = sum(int(count) * int(size) for name, count, size in re.findall(r"^(\S+) +(\d+) +\d+ +(\d+)", info, re.M)
                 if name in SLABS)
    tcp = int(re.search(r"^TCP:.* mem (\d+)", pathlib.Path("/proc/net/sockstat").read_text(), re.M)[1])
    held = (octets + tcp * os.sysconf("SC_PAGE_SIZE")) // 1024
    for p in pids:
        try:
            status = pathlib.Path(f"/proc/{p}/status").read_text()
        except OSError:
            continue
        tables, threads = re.search(r"^VmPTE:\s+(\d+)", status, re.M), re.search(r"^Threads:\s+(\d+)", status, re.M)
        held += (int(tables[1]) if tables else 0) + int(threads[1]) * KERNEL_STACK_KIB
    return held


def available():
    """KiB of the machine's memory that are left, by its own account."""
    return int(re.search(r"^MemAvailable:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)[1])
