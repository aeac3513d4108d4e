# SPDX-License-Identifier: ISC
"""Idle IMAP connections under TLS 1.3, INBOX with 1,000 messages selected, in IDLE: memory of the server for each, and how
soon each is told of new mail, beside Dovecot, plain and with hibernation."""
import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time

import common
import mail
import servers

OCTETS = 1024           # of a message; their bodies are shared, and not read
LETTER = b"From: sender@client.test\r\nSubject: new\r\n\r\nNew.\r\n"
PROCESS_MAX = 18000     # connections of one load process: it may have 20,000 descriptors
PEERS = {"dovecot": {"LOGIN": "secure"}, "dovecot-hibernate": {"LOGIN": "performance", "HIBERNATE": "2s"}}


# ---- the connections ----

class Load:
    """Connections in IDLE, held by as many processes as their number needs."""

    def __init__(self, port, connections, options):
        self.count, self.processes = connections, []
        share = -(-connections // -(-connections // PROCESS_MAX))
        window = max(1, options.window * share // connections)
        for first in range(0, connections, share):
            self.processes.append(subprocess.Popen(
                [servers.TOOLS / "bench_imap_idle", str(port), str(first), str(min(share, connections - first)),
                 str(options.accounts), str(options.per_source), str(window), servers.DOMAIN, servers.PASSWORD],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        self.took = max(float(self.line(p).split()[1]) for p in self.processes)

    @staticmethod
    def line(process):
        text = process.stdout.readline()
        if not text:
            sys.exit("bench: a load process ended; its reason stands above")
        return text

    def say(self, text):
        for p in self.processes:
            p.stdin.write(text + "\n")
            p.stdin.flush()

    def clear(self):
        self.say("clear")
        for p in self.processes:
            self.line(p)

    def told(self, seconds):
        """{connection: when its EXISTS came, in seconds of the monotonic clock}"""
        self.say(f"wait {seconds}")
        came = {}
        for p in self.processes:
            while not (text := self.line(p)).startswith("got "):
                number, when = map(int, text.split())
                came[number] = when / 1e9
        return came

    def pids(self):
        return [p.pid for p in self.processes]

    def pss(self):
        return sum(map(servers.pss, self.pids()))

    def close(self):
        with contextlib.suppress(OSError):
            self.say("quit")
        for p in self.processes:
            p.wait(60)


# ---- one measurement of one server ----

def warm_up(server, options):
    """What the first few connections load is not what each costs."""
    Load(server.imaps, min(10, options.accounts), options).close()
    time.sleep(options.settle)


def measure(server, options, connections, watch):
    """{memory and kernel: KiB a connection; median and slowest: ms from the 250 to the EXISTS; note}"""
    before, kernel, free = servers.pss(server.pid), servers.kernel_memory(servers.tree(server.pid)), servers.available()
    load = Load(server.imaps, connections, options)
    time.sleep(options.settle)
    after, clients, processes = servers.pss(server.pid), load.pss(), servers.tree(server.pid)
    kernel, free = servers.kernel_memory(processes + load.pids()) - kernel, free - servers.available()
    got = {"memory": (after - before) / connections, "kernel": kernel / connections}
    load.clear()
    answered = mail.deliver(*watch, [f"user{n}@{servers.DOMAIN}" for n in range(options.accounts)], LETTER)
    came = load.told(options.wait)
    if len(came) != connections:
        sys.exit(f"bench: {connections - len(came)} of {connections} connections were not told within {options.wait} s")
    late = [max(0, when - answered[n % options.accounts]) for n, when in came.items()]
    got["median"], got["slowest"] = statistics.median(late) * 1000, max(late) * 1000
    got["note"] = (f"{connections} connections, set up in {load.took:.1f} s: PSS of {len(processes)} server "
                   f"processes {before / 1024:.1f} -> {after / 1024:.1f} MiB, of the load {clients / 1024:.1f} MiB; "
                   f"available memory of the machine went down by {free / 1024:.1f} MiB; "
                   f"{options.accounts} letters answered within {max(answered) - min(answered):.2f} s")
    load.close()
    return got


def measure_ours(folder, options, connections):
    """A server started anew for each run, so that nothing that connections left counts as before."""
    with servers.Letterlock(folder.path, connections=connections) as server:
        warm_up(server, options)
        return measure(server, options, connections, (server.smtp, "EHLO"))


def measure_peer(folder, name, options):
    server = servers.Dovecot(folder.path, name, options.accounts, **PEERS[name])
    if name not in options.filled:
        options.filled.add(name)
        with server:  # it writes its indexes when it first sees a mailbox
            server.fill(options.messages, OCTETS)
            Load(server.imaps, options.accounts, options).close()
    with server:
        warm_up(server, options)
        return measure(server, options, options.accounts, (server.lmtp, "LHLO"))


# ---- the table ----

def arguments():
    parser = argparse.ArgumentParser(prog="script/bench idle", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000, help="and as many connections beside Dovecot; at most 3000")
    parser.add_argument("--messages", type=int, default=1000, help="in each INBOX")
    parser.add_argument("--connections", type=int, default=20000, help="of the large run; 0: none. 100000 takes ten minutes")
    parser.add_argument("--per-source", type=int, default=100, help="connections from one address of 127.0.0.0/8")
    parser.add_argument("--window", type=int, default=12, help="connections that are set up at once")
    parser.add_argument("--settle", type=float, default=5, help="seconds before memory is looked at")
    parser.add_argument("--wait", type=float, default=120, help="seconds for all to be told")
    parser.add_argument("--rounds", type=int, default=common.ROUNDS)
    options = parser.parse_args()
    options.filled = set()
    return options


def add_rows(table, label, ours, peers):
    column = lambda runs, what: [run[what] for run in runs]
    for what, work, unit in (("memory", "memory per connection", "KiB"),
                             ("kernel", "kernel memory per connection, both ends", "KiB"),
                             ("median", "from 250 to EXISTS, median", "ms"), ("slowest", "from 250 to EXISTS, slowest", "ms")):
        table.add(f"{work}, {label}", unit, "lower", column(ours, what),
                  {name: column(runs, what) for name, runs in peers.items()}, {})


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("bench: Dovecot runs in a mount namespace of its own, which needs root")
    table = common.Table("idle", options.rounds)
    with servers.Folder() as folder:
        servers.fill(servers.Letterlock(folder.path).data, options.accounts, options.messages, OCTETS, servers.CHEAP)
        ours, peers = [], {name: [] for name in PEERS}
        for _ in range(options.rounds):
            ours.append(measure_ours(folder, options, options.accounts))
            for name, runs in peers.items():
                runs.append(measure_peer(folder, name, options))
        add_rows(table, f"{options.accounts:,}", ours, peers)
        for name, runs in (("ours", ours), *peers.items()):
            table.note(f"{name}: {runs[-1]['note']}")
        if options.connections > 0:
            connections = servers.connections_max(options.connections)
            many = measure_ours(folder, options, connections)
            add_rows(table, f"{connections:,}", [many], peers)
            table.note(f"ours, one run; the peers with {options.accounts} connections: {many['note']}")
    table.note(f"{options.accounts} accounts with {options.messages} messages in INBOX; memory is PSS of all processes of the "
               "server; passwords are hashed cheaply (Argon2id with 8 KiB, PLAIN in Dovecot), so that setting up takes minutes "
               "and not hours; mail comes over SMTP (LMTP in Dovecot), one letter an account, as fast as it is answered")
    table.write()


main()
