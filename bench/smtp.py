# SPDX-License-Identifier: ISC
"""Durable accept and delivery of 20 KiB letters over 1, 10 and 100 connections: ours beside Postfix, loaded by
Postfix's smtp-source. A message counts when it is in the mailbox; both servers sync before they answer."""
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

import common
import servers

SIZE, USERS, DOMAIN, WAIT = 20480, 10, servers.DOMAIN, 120
LOADS = {1: 200, 10: 1000, 100: 2000}  # connections: messages


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


def syncs(folder, seconds=0.5):
    fd = os.open(folder / "sync", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    count, start = 0, time.monotonic()
    while time.monotonic() - start < seconds:
        os.write(fd, b"x" * 4096)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    return count / (time.monotonic() - start)


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
            got, sync_rates = {"ours": [], "postfix": []}, []
            for _ in range(common.ROUNDS):
                for who in got:
                    got[who].append(measure(running[who], source, connections, messages))
                sync_rates.append(syncs(folder))
            for index, label, unit, better, limit in (
                    (0, "rate accept", "messages/s", "higher", {"fsync": sync_rates}),
                    (1, "rate deliver", "messages/s", "higher", {"fsync": sync_rates}),
                    (2, "server CPU accept", "ms/message", "lower", {})):
                table.add(f"{label} {connections} connections 20 KiB", unit, better, [r[index] for r in got["ours"]],
                          {"postfix": [r[index] for r in got["postfix"]]}, limit)
    finally:
        for server in running.values():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table.write()


main()
