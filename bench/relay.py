# SPDX-License-Identifier: ISC
"""Sending on: 10,000 letters of 20 KiB to 100 domains that wait in the queue, ours beside Postfix, into Postfix's
smtp-sink; the same while one of the domains accepts connections and says nothing; start and memory with 1,000,000 letters
in the queue; DKIM beside libcrypto.

All is in a network namespace of its own, where every 127.1.0.n is a domain's host with one port. Ours asks Debian's nsd
for MX records and policies; Postfix has a table of its transports and asks nobody. Time is from letting go until the sink
has the last letter. For ours that is the daemon's start; Postfix is up, has all of it deferred (defer_transports), and is
told `postqueue -f`. It runs with its own limits, and tuned ones: TUNED."""
import argparse
import concurrent.futures
import contextlib
import ctypes
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import common
import dkim
import servers

sys.path.insert(0, str(common.ROOT / "tests" / "e2e"))
import zones  # noqa: E402

DOMAINS, SIZE, WAIT = 100, 20480, 600
SILENT = 0  # the number of the domain that says nothing
CLONE_NEWNET = 0x40000000
TUNED = {"default_process_limit": "400", "smtp_destination_concurrency_limit": "50", "initial_destination_concurrency": "20",
         "qmgr_message_active_limit": "40000", "qmgr_message_recipient_limit": "40000"}


def name(n):
    return f"d{n:03}.test"


def host(n):
    return f"127.1.0.{n + 1}"


def environment(source):
    return dict(os.environ, LD_LIBRARY_PATH=f"{source}/usr/lib/postfix", LC_ALL="C")


def alone():
    """From now on in a network namespace with nothing but loopback; children too."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit(f"bench: no network namespace: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


# ---- where it goes ----

class Sink:
    """smtp-sink at every address; and, when it is wanted, one at another port that says nothing. It takes so many connections
    that none waits for another's end: by itself it would let only 256 in."""

    def __init__(self, folder, source, silent=False):
        self.port, self.counted, self.held, self.listener = servers.free_port(), folder / "sink", [], None
        if silent:
            self.listener = socket.create_server((host(SILENT), 0), backlog=1000)
            threading.Thread(target=self.accept, daemon=True).start()
        with open(self.counted, "wb") as out:
            self.process = subprocess.Popen([f"{source}/usr/sbin/smtp-sink", "-c", "-m", "4000", "-u", "nobody", f"0.0.0.0:{self.port}",
                                             "1000"], env=environment(source), stdout=out, stderr=subprocess.DEVNULL)
        servers.wait_for_port(self.port)

    def silent_port(self):
        return self.listener.getsockname()[1] if self.listener is not None else self.port

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.held.append(self.listener.accept()[0])

    def messages(self):
        with open(self.counted, "rb") as f:
            f.seek(max(0, os.path.getsize(self.counted) - 200))
            found = re.findall(rb"mesg=\s*(\d+)", f.read())
        return int(found[-1]) if found else 0

    def wait(self, wanted, start):
        while (got := self.messages()) < wanted:
            if time.monotonic() - start > WAIT:
                sys.exit(f"bench: {got} of {wanted} letters arrived within {WAIT} s")
            time.sleep(0.02)
        return time.monotonic() - start

    def close(self):
        self.process.kill()
        self.process.wait()
        if self.listener is not None:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        for s in self.held:
            s.close()


def load(source, port, messages, to, connections=10):
    """smtp-source to those addresses, spread over them."""
    def one(address, count):
        return subprocess.run([f"{source}/usr/sbin/smtp-source", "-d", "-s", "1", "-m", str(count), "-l", str(SIZE), "-f",
                               "user0@bench.test", "-t", address, f"127.0.0.1:{port}"], env=environment(source),
                              check=True, stderr=subprocess.PIPE)
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        list(pool.map(one, to, [messages // len(to)] * len(to)))


# ---- who sends ----

class Ours(servers.Letterlock):
    def __init__(self, folder, sink, resolver):
        shutil.rmtree(folder / "ours", ignore_errors=True)
        route = () if sink.listener is None else (f'relay_routes = {{ "{name(SILENT)}=[{host(SILENT)}]:{sink.silent_port()}" }}',)
        super().__init__(folder, extra=(*route, f"relay_port = {sink.port}", f'resolvers = {{ "127.0.0.1@{resolver}" }}',
                                        'dnssec_anchors = ""', 'log_level = "warning"'))

    def fill(self, messages, octets=SIZE):
        subprocess.run([servers.TOOLS / "bench_queue_fill", self.data, str(DOMAINS), str(messages), str(octets)], check=True)

    def begin(self):
        """When it began, and how long until it was ready."""
        start = time.monotonic()
        self.process = subprocess.Popen([servers.PROGRAM, "run", "--config", self.config], stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        while not (self.data / "ports.json").exists():
            if self.process.poll() is not None or time.monotonic() - start > WAIT:
                sys.exit(f"bench: letterlockd did not start; see {self.log.name}")
            time.sleep(0.002)
        return start, time.monotonic() - start

    def waiting(self):
        with sqlite3.connect(f"file:{self.data}/store.db?mode=ro", uri=True) as db:
            return db.execute("SELECT messages FROM queue_totals").fetchone()[0]


class Postfix:
    """What it is given stays deferred until go()."""

    def __init__(self, folder):
        self.dir, self.script = folder / "postfix", servers.peers_folder("postfix.sh") / "postfix.sh"
        self.env = dict(os.environ, PEER_DIR=str(self.dir), PORT=str(servers.free_port()), NUSERS="1", DOMAIN="peer.test")
        self.source, self.port = self.dir / "root", int(self.env["PORT"])

    def up(self):
        done = subprocess.run([self.script, "up"], env=self.env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"bench: Postfix did not start: {done.stderr.strip()}")
        self.pid = int((self.dir / "pid").read_text())

    def down(self):
        subprocess.run([self.script, "down"], env=self.env, check=False, capture_output=True)

    def inside(self, *words):
        subprocess.run(["nsenter", "-t", str(self.pid), "-m", *words], check=True, capture_output=True)

    def settings(self, **values):
        self.inside("postconf", "-c", str(self.dir / "conf"), *(f"{k}={v}" for k, v in values.items()))
        self.inside("postfix", "-c", str(self.dir / "conf"), "reload")

    def fill(self, messages, sink, tuned):
        table = self.dir / "conf" / "transport"
        table.write_text("".join(f"{name(n)} smtp:[{host(n)}]:{sink.silent_port() if n == SILENT else sink.port}\n" for n in range(DOMAINS)))
        self.inside("postmap", "-c", str(self.dir / "conf"), f"hash:{table}")
        self.settings(transport_maps=f"hash:{table}", relay_domains=", ".join(map(name, range(DOMAINS))),
                      defer_transports="smtp", smtp_tls_security_level="may", relay_recipient_maps="",
                      **(TUNED if tuned else {}))
        load(self.source, self.port, messages, [f"user{n}@{name(n)}" for n in range(DOMAINS)])
        end = time.monotonic() + WAIT
        while self.count("deferred") < messages and time.monotonic() < end:
            time.sleep(0.1)

    def count(self, *queues):
        return sum(len(files) for q in queues for _, _, files in os.walk(self.dir / "spool" / q))

    def go(self):
        self.settings(defer_transports="")
        start = time.monotonic()
        self.inside("postqueue", "-c", str(self.dir / "conf"), "-f")
        return start

    def empty(self):
        self.inside("postsuper", "-c", str(self.dir / "conf"), "-d", "ALL")


# ---- the measurements ----

def send_ours(folder, source, messages, resolver, silent):
    """(seconds until the last has come, CPU milliseconds a message, with what is told to the queue)"""
    sink = Sink(folder, source, silent)
    ours = Ours(folder, sink, resolver)
    wanted = messages - (messages // DOMAINS if silent else 0)
    try:
        ours.fill(messages)
        start, _ = ours.begin()
        took = sink.wait(wanted, start)
        while ours.waiting() > messages - wanted and time.monotonic() - start < WAIT:
            time.sleep(0.02)
        return took, servers.cpu(ours.pid) * 1000 / wanted
    finally:
        ours.stop()
        sink.close()


def send_postfix(folder, postfix, messages, silent, tuned):
    sink = Sink(folder, postfix.source, silent)
    try:
        postfix.up()
        postfix.fill(messages, sink, tuned)
        before = servers.cpu(postfix.pid)
        start = postfix.go()
        took = sink.wait(messages - (messages // DOMAINS if silent else 0), start)
        used = servers.cpu(postfix.pid) - before
        postfix.empty()
        return took, used * 1000 / messages
    finally:
        postfix.down()
        sink.close()


def sink_alone(folder, source, messages):
    sink = Sink(folder, source)
    try:
        start = time.monotonic()
        load(source, sink.port, messages, [f"user{n}@{name(n)}" for n in range(DOMAINS)], 20)
        return messages // DOMAINS * DOMAINS / (time.monotonic() - start)
    finally:
        sink.close()


def sending(table, folder, postfix, resolver, messages, rounds):
    times = {}
    for silent in (False, True):
        got = {"ours": [], "postfix": [], "postfix-tuned": []}
        limit = []
        for _ in range(rounds):
            got["ours"].append(send_ours(folder, postfix.source, messages, resolver, silent))
            got["postfix"].append(send_postfix(folder, postfix, messages, silent, False))
            got["postfix-tuned"].append(send_postfix(folder, postfix, messages, silent, True))
            limit.append(sink_alone(folder, postfix.source, messages))
        what = f"{messages:,} x 20 KiB to {DOMAINS} domains" + (", one silent" if silent else "")
        sent = messages - (messages // DOMAINS if silent else 0)
        peers = [who for who in got if who != "ours"]
        table.add(f"rate relay {what}", "messages/s", "higher", [sent / r[0] for r in got["ours"]],
                  {w: [sent / r[0] for r in got[w]] for w in peers}, {"smtp-sink": limit})
        table.add(f"CPU relay {what}", "ms/message", "lower", [r[1] for r in got["ours"]],
                  {w: [r[1] for r in got[w]] for w in peers}, {})
        times[silent] = got
    for who, runs in times[True].items():
        table.note(f"{who}: one silent domain makes the others take "
                   f"{sorted(r[0] for r in runs)[rounds // 2] / sorted(r[0] for r in times[False][who])[rounds // 2]:.2f} x as long")


def many(table, folder, source, resolver, messages, sent):
    """Start and memory with so many in the queue, beside a queue of a thousandth of them."""
    for count in (messages // 1000, messages):
        sink = Sink(folder, source)
        ours = Ours(folder, sink, resolver)
        try:
            began = time.monotonic()
            ours.fill(count, 512)
            table.note(f"{count:,} letters were put into the queue in {time.monotonic() - began:.1f} s")
            start, ready = ours.begin()
            time.sleep(1)
            first = servers.pss(ours.pid) / 1024
            took = sink.wait(min(sent, count), start)
            table.add(f"start, {count:,} queued", "s", "lower", [ready], {}, {}, alone=True)
            table.add(f"memory after the start, {count:,} queued", "MiB", "lower", [first], {}, {}, alone=True)
            table.add(f"memory after {min(sent, count):,} of {count:,} were sent", "MiB", "lower",
                      [servers.pss(ours.pid) / 1024], {}, {}, alone=True)
            table.add(f"rate of those {min(sent, count):,}", "messages/s", "higher", [min(sent, count) / took], {}, {}, alone=True)
        finally:
            ours.stop()
            sink.close()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=10000)
    options.add_argument("--queued", type=int, default=1000000)
    options.add_argument("--rounds", type=int, default=common.ROUNDS)
    options.add_argument("--quick", action="store_true", help="1,000 messages, 20,000 queued, one round")
    options.add_argument("--only", choices=("sending", "many", "dkim"), action="append")
    o = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: ended"))  # what was started is ended then
    if o.quick:
        o.messages, o.queued, o.rounds = 1000, 20000, 1
    only = o.only or ("sending", "many", "dkim")
    if os.geteuid() != 0:
        sys.exit("bench: Postfix and the network run in namespaces of their own, which needs root")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-bench."))
    os.chmod(folder, 0o755)
    postfix = Postfix(folder)
    postfix.up()  # which fetches the package
    postfix.down()
    alone()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    table = common.Table("relay", o.rounds)
    lines = "".join(f"{name(n)[:-5]} 60 IN MX 10 mx.{name(n)[:-5]}\nmx.{name(n)[:-5]} 60 IN A {host(n)}\n" for n in range(DOMAINS))
    try:
        with zones.name_server(folder / "dns", {"test": lines}) as resolver:
            if "sending" in only:
                sending(table, folder, postfix, resolver, o.messages, o.rounds)
            if "many" in only:
                many(table, folder, postfix.source, resolver, o.queued, o.queued // 50)
        if "dkim" in only:
            dkim.rows(table, o.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table.write()


main()
