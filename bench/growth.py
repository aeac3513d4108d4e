# SPDX-License-Identifier: ISC
"""What a delivery, a start after a crash and the memory cost as accounts and messages grow; draws the curves.

Each size is measured in turns with the smallest one, so that what a busy machine does to both is seen beside."""
import argparse
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import chart
import common
import servers

ACCOUNTS = (1, 10, 100, 1000, 10_000)
MESSAGES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 5_000_000)
QUICK_ACCOUNTS, QUICK_MESSAGES = (1, 100, 10_000), (10_000, 100_000, 300_000)
MAILBOXES = 50  # of one body: 100,000 bodies for 5,000,000 messages
LOADS = {1: 500, 100: 5000}  # calls in flight: deliveries of one round
LISTS = 2000
SMTP_MESSAGES, SMTP_SIZE = 3000, 20480
LARGE_LOG = 30 << 20  # octets of a log that is called large
FREE_WANTED = 10 << 30
ROUNDS = 5  # of deliveries: they are short
WAIT = 60


def say(text):
    print(f"  … {text}", file=sys.stderr, flush=True)


class Store:
    """bench_store_grow over a data folder."""

    def __init__(self, folder, name, accounts=0):
        self.folder, self.data = folder, folder / name
        self.open()
        if accounts:
            self.ask(f"accounts {accounts}")

    def open(self):
        self.process = subprocess.Popen([servers.TOOLS / "bench_store_grow", self.data, servers.DOMAIN], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.there = self.answer()

    def answer(self):
        words = self.process.stdout.readline().split()
        if not words:
            sys.exit("bench: bench_store_grow ended")
        return {name: float(value) for name, value in zip(words[::2], words[1::2])}

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        """Returns when everything is in the database."""
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit("bench: bench_store_grow failed")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def deliver(self, in_flight):
        """{what: for one delivery}: microseconds and octets."""
        count = LOADS[in_flight]
        used = self.ask(f"rate {in_flight} {count}")
        return {"elapsed": used["elapsed"] * 1e6 / count, "CPU": used["cpu"] * 1e6 / count,
                "written": used["written"] / count}

    def look(self):
        return self.ask(f"list {LISTS}")["elapsed"] * 1e6 / LISTS

    def limit(self, in_flight, octets):
        """Microseconds for the same octets, appended and synced as one piece for as many deliveries as share a sync."""
        count = 200 if in_flight == 1 else 40
        return self.ask(f"sync {int(in_flight * octets)} {count}")["elapsed"] * 1e6 / count / in_flight

    def pss(self):
        return servers.pss(self.process.pid) / 1024

    def disk(self):
        """MiB of the database, of the bodies."""
        used = lambda paths: sum(os.stat(p).st_blocks for p in paths) * 512 / (1 << 20)
        return used(self.data.glob("store.db*")), used((self.data / "bodies").iterdir())


class Figures:
    """What was measured, for the table and the picture: {curve: [(x, y)]}."""

    def __init__(self):
        self.curves, self.table = {}, common.Table("growth", f"{common.ROUNDS} to {ROUNDS}")

    def add(self, curve, x, work, unit, ours, beside=None, limit=None):
        beside, limit = beside or {}, limit or {}
        self.table.add(work, unit, "lower", ours, beside, limit, alone=True)
        self.curves.setdefault(curve, []).append((x, statistics.median(ours)))
        for name, values in limit.items():
            self.curves.setdefault(f"{curve}, {name}", []).append((x, statistics.median(values)))


def in_turns(stores, in_flight):
    """{what: rounds} for each of the stores; a first round that warms is thrown away."""
    rounds = [[store.deliver(in_flight) for store in stores] for _ in range(ROUNDS + 1)][1:]
    return [{what: [r[i][what] for r in rounds] for what in rounds[0][i]} for i in range(len(stores))]


def note_deliveries(figures, store, x, size, used, smallest, in_flight, name):
    limits = {"elapsed": {"disk": [store.limit(in_flight, statistics.median(used["written"])) for _ in range(common.ROUNDS)]}}
    for what in ("CPU", "elapsed"):
        figures.add(f"{what} {in_flight} by {name}", x, f"{what} deliver {in_flight} in flight {size}", "us/delivery",
                    used[what], {"smallest": smallest[what]}, limits.get(what))
    figures.add(f"written {in_flight} by {name}", x, f"written deliver {in_flight} in flight {size}", "octets/delivery",
                used["written"], {"smallest": smallest["written"]})


# ---- accounts ----

def by_accounts(figures, folder, counts):
    stores = []
    for count in counts:
        stores.append(Store(folder, f"accounts{count}", count))
        stores[-1].ask(f"fill {MESSAGES[0]} {MAILBOXES}")
    for in_flight in LOADS:
        say(f"deliveries, {in_flight} in flight, to one of {counts[0]:,} to {counts[-1]:,} accounts")
        rounds = in_turns(stores, in_flight)
        for count, store, used in zip(counts, stores, rounds):
            note_deliveries(figures, store, count, f"{count:,} accounts", used, rounds[0], in_flight, "accounts")
    for store in stores:
        store.close()
        shutil.rmtree(store.data)


# ---- messages ----

def measure_size(figures, store, folder, size, accounts):
    smallest = Store(folder, "smallest", accounts)
    smallest.ask(f"fill {MESSAGES[0]} {MAILBOXES}")
    for in_flight in LOADS:
        used, beside = in_turns([store, smallest], in_flight)
        note_deliveries(figures, store, size, f"{size:,} messages", used, beside, in_flight, "messages")
    looks, looks_beside = zip(*[(store.look(), smallest.look()) for _ in range(common.ROUNDS)])
    figures.add("look", size, f"elapsed mailbox and its last 50 rows {size:,} messages", "us", looks,
                {"smallest": looks_beside})
    figures.add("memory", size, f"memory of the store's process {size:,} messages", "MiB", [store.pss()],
                {"smallest": [smallest.pss()]})
    smallest.close()
    shutil.rmtree(smallest.data)


def by_messages(figures, folder, sizes, accounts, with_smtp):
    store = Store(folder, "messages", accounts)
    for size in sizes:
        start = time.monotonic()
        store.ask(f"fill {size} {MAILBOXES}")
        say(f"{size:,} messages are there, after {time.monotonic() - start:.0f} s more")
        measure_size(figures, store, folder, size, accounts)
        store.close()
        database, bodies = store.disk()
        figures.add("database", size, f"disk of the database {size:,} messages", "MiB", [database])
        figures.add("bodies", size, f"disk of the bodies {size:,} messages", "MiB", [bodies])
        measure_starts(figures, folder, store, size)
        if with_smtp and size in (sizes[0], sizes[-1]):
            measure_daemon(figures, folder, store, size, accounts, with_smtp)
        store.open()
    store.close()


# ---- the start after a crash ----

def crash(folder, load, until_log, power_cut):
    """Kills a process that delivers; returns the octets of the log that it left."""
    store, log = Store(folder, "crash"), folder / "crash" / "store.db-wal"
    store.process.stdin.write(f"run {load}\n")
    store.process.stdin.flush()
    store.answer()
    deadline = time.monotonic() + WAIT
    while os.path.getsize(log) < until_log and time.monotonic() < deadline:
        store.answer()
    store.kill()
    if power_cut:
        cut_unsynced(store.data)
    return os.path.getsize(log)


def cut_unsynced(data):
    """What a power cut may take of the bodies: everything behind what was synced before the last batch."""
    with sqlite3.connect(f"file:{data}/store.db?mode=ro", uri=True) as db:
        segment, used, synced = db.execute("SELECT segment, used, synced FROM segments WHERE segment < 0x80000000"
                                           " ORDER BY segment DESC LIMIT 1").fetchone()
    db.close()
    if synced >= used:
        sys.exit("bench: nothing was unsynced when the process was killed")
    os.truncate(data / "bodies" / f"s{segment:08x}", synced)


def forget_pages(data):
    """The kernel reads the files from the disk again, as after a power cut."""
    for path in [*data.glob("store.db*"), *(data / "bodies").iterdir()]:
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def ready(port):
    """Whether a recipient is answered with 250: that takes every process a delivery takes."""
    try:
        with socket.create_connection(("127.0.0.1", port), WAIT) as s, s.makefile("rwb") as f:
            f.readline()
            for line in ("HELO client.test", "MAIL FROM:<sender@client.test>", f"RCPT TO:<1user@{servers.DOMAIN}>"):
                f.write(line.encode() + b"\r\n")
                f.flush()
                said = f.readline()
            return said.startswith(b"250")
    except OSError:
        return False


def seconds_to_start(folder, cold):
    """From the program's start until it takes a recipient; it is killed after that."""
    server = servers.Letterlock(folder, "crash")
    if cold:
        forget_pages(server.data)
    start = time.monotonic()
    server.process = subprocess.Popen([servers.PROGRAM, "run", "--config", server.config], stdout=server.log,
                                      stderr=server.log)
    while not ready(server.ports["smtp"]):
        if server.process.poll() is not None or time.monotonic() - start > WAIT:
            sys.exit(f"bench: letterlockd did not start; see {folder}/crash.log")
        time.sleep(0.002)
    took = time.monotonic() - start
    kill_all(server.process)
    server.log.close()
    return took


def kill_all(process):
    """Returns when none of its processes is there any more: one of them has the folder."""
    pids = servers.tree(process.pid)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    deadline = time.monotonic() + WAIT
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        if time.monotonic() > deadline:
            sys.exit("bench: a killed process does not go")
        time.sleep(0.01)


CRASHES = (  # name, load, octets of the log to wait for, whether the disk lost what was not synced
    ("killed", "100 1", 0, False),
    ("killed with a large log", f"20 {MAILBOXES}", LARGE_LOG, False),
    ("power cut", "100 1", 0, True),
)


def measure_starts(figures, folder, store, size):
    subprocess.run(["cp", "-r", "--reflink=auto", store.data, folder / "crash"], check=True)
    for name, load, until_log, power_cut in CRASHES:
        took, logs = [], []
        for _ in range(common.ROUNDS):
            logs.append(crash(folder, load, until_log, power_cut) >> 20)
            took.append(seconds_to_start(folder, power_cut))
        figures.add(f"start, {name}", size, f"start {name} {size:,} messages", "s", took)
        say(f"the log had {min(logs)} to {max(logs)} MiB")
    shutil.rmtree(folder / "crash")
    (folder / "crash.log").unlink()


# ---- the whole daemon ----

def send(source, port, recipient, spread, messages, connections=100):
    argv = [f"{source}/usr/sbin/smtp-source", "-s", str(connections), "-m", str(messages), "-l", str(SMTP_SIZE), "-f",
            "sender@client.test", "-t", recipient, f"127.0.0.1:{port}"]
    if spread:
        argv.insert(1, "-N")  # a number before each recipient
    env = dict(os.environ, LD_LIBRARY_PATH=f"{source}/usr/lib/postfix", LC_ALL="C")
    sent = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if sent.returncode != 0:
        sys.exit(f"bench: smtp-source failed: {sent.stderr.strip()}")


def smtp_round(server, source, spread):
    recipient = f"user@{servers.DOMAIN}" if spread else f"1user@{servers.DOMAIN}"
    before, start = servers.cpu(server.pid), time.monotonic()
    send(source, server.smtp, recipient, spread, SMTP_MESSAGES)
    elapsed = time.monotonic() - start
    return (servers.cpu(server.pid) - before) * 1000 / SMTP_MESSAGES, SMTP_MESSAGES / elapsed


def measure_daemon(figures, folder, store, size, accounts, source):
    """The server's CPU for a letter over 100 connections, to one account and to all of them; and its memory."""
    subprocess.run(["cp", "-r", "--reflink=auto", store.data, folder / "daemon"], check=True)
    server = servers.Letterlock(folder, "daemon").start()
    idle = server_memory(server)
    whose_mail = ((False, "1 account"), (True, f"{chart.short(min(SMTP_MESSAGES, accounts))} accounts"))
    for spread, whose in whose_mail:
        smtp_round(server, source, spread)
        used, rates = zip(*[smtp_round(server, source, spread) for _ in range(common.ROUNDS)])
        figures.add(f"daemon CPU, {whose}", size, f"server CPU accept 100 connections 20 KiB, {whose}, {chart.short(size)}",
                    "ms/message", used)
        figures.table.add(f"rate accept 100 connections 20 KiB, {whose}, {chart.short(size)}", "messages/s", "higher",
                          rates, {}, {}, alone=True)
    figures.add("daemon idle", size, f"memory of the server after its start {size:,} messages", "MiB", [idle])
    figures.add("daemon used", size, f"memory of the server after those letters {size:,} messages", "MiB",
                [server_memory(server)])
    server.stop()
    server.log.close()
    shutil.rmtree(server.data)


def server_memory(server):
    return servers.pss(server.pid) / 1024


def smtp_source(folder):
    """Where Debian's Postfix was unpacked: its smtp-source is the load."""
    script, env = servers.peers_folder("postfix.sh") / "postfix.sh", dict(os.environ, PEER_DIR=str(folder / "postfix"))
    for word in ("up", "down"):
        said = subprocess.run([script, word], env=dict(env, PORT=str(servers.free_port())), capture_output=True, text=True,
                              check=False)
        if said.returncode != 0:
            sys.exit(f"bench: Postfix's smtp-source is not to be had: {said.stderr.strip()}")
    return folder / "postfix" / "root"


# ---- the picture ----

def draw(figures, path):
    def lines(*names):
        return [(shown, figures.curves[curve]) for shown, curve in names if curve in figures.curves]

    deliveries = lambda by, n: lines(("elapsed", f"elapsed {n} by {by}"), ("CPU", f"CPU {n} by {by}"),
                                     ("the disk alone", f"elapsed {n} by {by}, disk"))
    panels = [
        chart.Panel("A delivery, 100 in flight", "accounts", "µs", deliveries("accounts", 100)),
        chart.Panel("A delivery, 100 in flight, 10,000 accounts", "messages", "µs", deliveries("messages", 100)),
        chart.Panel("A delivery alone", "accounts", "µs", deliveries("accounts", 1)),
        chart.Panel("A delivery alone, 10,000 accounts", "messages", "µs", deliveries("messages", 1)),
        chart.Panel("Start after a crash, until a recipient is taken", "messages", "s",
                    lines(*((name, f"start, {name}") for name, *_ in CRASHES)), mark=(1, "one second")),
        chart.Panel("A mailbox and its last 50 rows", "messages", "µs", lines(("elapsed", "look"))),
        chart.Panel("Memory of the process that has the store", "messages", "MiB", lines(("PSS", "memory"))),
        chart.Panel("Disk", "messages", "MiB", lines(("bodies, one for 50 messages", "bodies"), ("database", "database"))),
    ]
    path.write_text(chart.draw(panels))
    print(f"drawn to {path}")


def options():
    parser = argparse.ArgumentParser(prog="script/bench growth", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"up to {QUICK_MESSAGES[-1]:,} messages: two minutes")
    parser.add_argument("--messages", type=lambda text: tuple(map(int, text.split(","))), metavar="N,N,…",
                        help="these sizes and no others")
    parser.add_argument("--keep", action="store_true", help="leave the data folder with all messages there")
    parser.add_argument("--folder", type=pathlib.Path, help="on which disk: a folder to make the data folders in")
    parser.add_argument("--without-smtp", action="store_true", help="only the store, not the server under smtp-source")
    parser.add_argument("--picture", type=pathlib.Path, default=common.BUILD / "bench" / "growth.svg")
    return parser.parse_args()


def main():
    chosen = options()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-bench.", dir=chosen.folder))
    if shutil.disk_usage(folder).free < FREE_WANTED:
        sys.exit(f"bench: {folder} has less than {FREE_WANTED >> 30} GiB free; choose another disk with --folder")
    os.chmod(folder, 0o755)
    figures = Figures()
    counts, sizes = (QUICK_ACCOUNTS, QUICK_MESSAGES) if chosen.quick else (ACCOUNTS, MESSAGES)
    sizes = chosen.messages or sizes
    try:
        source = None if chosen.without_smtp else smtp_source(folder)
        by_accounts(figures, folder, counts)
        by_messages(figures, folder, sizes, counts[-1], source)
        figures.table.write()
        draw(figures, chosen.picture)
    finally:
        if chosen.keep:
            print(f"kept: {folder}/messages")
        else:
            shutil.rmtree(folder, ignore_errors=True)


main()
