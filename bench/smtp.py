# SPDX-License-Identifier: ISC
"""Durable accept and delivery of 20 KiB letters over 1, 10 and 100 connections: ours beside Postfix, loaded by
Postfix's smtp-source. A message counts when it is in the mailbox; both servers sync before they answer. The limits: how
often the disk can sync, and Postfix's smtp-sink, one process that takes the same load and stores nothing. Then the CPU of
ours over connections that are kept open, plain and with STARTTLS."""
import concurrent.futures
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

import common
import mail
import servers

SIZE, USERS, DOMAIN, WAIT = 20480, 10, servers.DOMAIN, 120
LOADS = {1: 500, 10: 1500, 100: 4000}  # connections: messages
KEPT_OPEN = 2000  # messages over ten connections


class Postfix:
    def __init__(self, folder):
        self.dir, self.script = folder / "postfix", servers.peers_folder("postfix.sh") / "postfix.sh"
        self.env = dict(os.environ, PEER_DIR=str(self.dir), PORT=str(servers.free_port()), NUSERS=str(USERS), DOMAIN=DOMAIN)
        out = subprocess.run([self.script, "up"], env=self.env, capture_output=True, text=True, check=False)
        if out.returncode != 0:
            sys.exit(f"bench: Postfix did not start: {out.stderr.strip()}")
        said = dict(word.split("=", 1) for word in out.stdout.strip().splitlines()[-1].split())
        self.port, self.pid, self.mail = int(said["PORT"]), int(said["PID"]), pathlib.Path(said["MAILDIR"])
        self.source = self.dir / "root"

    def delivered(self):
        return sum(len(os.listdir(d)) for d in self.mail.glob("*/new"))

    def clean(self):
        for d in self.mail.glob("*/new"):
            for name in os.listdir(d):
                os.unlink(d / name)

    def stop(self):
        subprocess.run([self.script, "down"], env=self.env, check=False, capture_output=True)


class Ours(servers.Letterlock):
    def __init__(self, folder):
        super().__init__(folder)
        servers.fill(self.data, USERS, 0, 1024, servers.CHEAP)
        self.start()
        self.port = self.smtp

    def delivered(self):
        with sqlite3.connect(f"file:{self.data}/store.db?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM messages").fetchone()[0]

    def clean(self):
        """Mail stays: what comes later is measured beside more of it."""


def load(source, port, connections, messages):
    """Sends messages over so many connections, spread over the users; returns when the last 250 has come."""
    senders = min(connections, USERS)
    env = dict(os.environ, LD_LIBRARY_PATH=f"{source}/usr/lib/postfix", LC_ALL="C")
    started = [subprocess.Popen([f"{source}/usr/sbin/smtp-source", "-s", str(connections // senders), "-m",
                                 str(messages // senders), "-l", str(SIZE), "-f", "sender@client.test", "-t",
                                 f"user{i}@{DOMAIN}", f"127.0.0.1:{port}"], env=env, stderr=subprocess.PIPE)
               for i in range(senders)]
    for p in started:
        _, said = p.communicate(timeout=WAIT)
        if p.returncode != 0:
            sys.exit(f"bench: smtp-source failed: {said.decode().strip()}")
    return messages // senders * senders


def measure(server, source, connections, messages):
    """(messages accepted a second, messages delivered a second, CPU milliseconds a message)"""
    before, cpu_before, start = server.delivered(), servers.cpu(server.pid), time.monotonic()
    sent = load(source, server.port, connections, messages)
    accepted = time.monotonic() - start
    while server.delivered() - before < sent:
        if time.monotonic() - start > WAIT:
            sys.exit("bench: acknowledged messages did not arrive")
        time.sleep(0.02)
    delivered = time.monotonic() - start
    used = servers.cpu(server.pid) - cpu_before
    server.clean()
    return sent / accepted, sent / delivered, used * 1000 / sent


def sink(source, connections, messages):
    """Messages a second into a server that throws them away."""
    port = servers.free_port()
    env = dict(os.environ, LD_LIBRARY_PATH=f"{source}/usr/lib/postfix", LC_ALL="C")
    with subprocess.Popen([f"{source}/usr/sbin/smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "200"], env=env) as process:
        try:
            servers.wait_for_port(port)
            start = time.monotonic()
            return load(source, port, connections, messages) / (time.monotonic() - start)
        finally:
            process.kill()


def kept_open(server, starttls):
    """CPU milliseconds a message."""
    letter, each = mail.letter(SIZE), KEPT_OPEN // USERS
    before = servers.cpu(server.pid)
    with concurrent.futures.ThreadPoolExecutor(USERS) as pool:
        done = [pool.submit(mail.deliver, server.port, "EHLO", [f"user{n}@{DOMAIN}"] * each, letter, starttls)
                for n in range(USERS)]
        count = sum(len(d.result()) for d in done)
    return (servers.cpu(server.pid) - before) * 1000 / count


def main():
    if os.geteuid() != 0:
        sys.exit("bench: Postfix runs in a mount namespace of its own, which needs root")
    table = common.Table("smtp")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-bench."))
    os.chmod(folder, 0o755)
    running = {}
    try:
        running["postfix"] = Postfix(folder)
        running["ours"] = Ours(folder)
        source = running["postfix"].source
        for connections, messages in LOADS.items():
            got, limits = {"ours": [], "postfix": []}, {"fsync": [], "smtp-sink": []}
            for _ in range(common.ROUNDS):
                for who in got:
                    got[who].append(measure(running[who], source, connections, messages))
                limits["fsync"].append(servers.syncs(folder, SIZE))
                limits["smtp-sink"].append(sink(source, connections, messages))
            for index, label, unit, better, limit in (
                    (0, "rate accept", "messages/s", "higher", limits),
                    (1, "rate deliver", "messages/s", "higher", limits),
                    (2, "server CPU accept", "ms/message", "lower", {})):
                table.add(f"{label} {connections} connections 20 KiB", unit, better, [r[index] for r in got["ours"]],
                          {"postfix": [r[index] for r in got["postfix"]]}, limit)
        kept = {starttls: [kept_open(running["ours"], starttls) for _ in range(common.ROUNDS)] for starttls in (False, True)}
        table.add("server CPU kept open, STARTTLS", "ms/message", "lower", kept[True], {}, {"plain": kept[False]}, alone=True)
    finally:
        for server in running.values():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table.write()


main()
