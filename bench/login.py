# SPDX-License-Identifier: ISC
"""New TLS 1.3 connections a second (connect, handshake, greeting, LOGOUT), and with LOGIN, beside Dovecot with the same
Argon2id parameters. Limits: the same load on a bare libssl server with our certificate, both ends on this machine, and
that together with the rate of the hash alone on all cores."""
import argparse
import os
import subprocess
import sys

import common
import servers

ACCOUNTS = 100


class Bare:
    """The limit: accept, handshake, one line each way, in as many threads as the load has connections."""

    def __init__(self, tls, threads):
        self.argv = [servers.TOOLS / "bench_tls_bare", tls / "certificate.pem", tls / "key.pem", str(threads)]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid, self.imaps = self.process.pid, int(self.process.stdout.readline().split()[1])
        return self

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(30)
            self.process = None


def load(server, options, window, login):
    """(connections a second, server CPU milliseconds a connection), from one load process a core."""
    who = [str(ACCOUNTS), servers.DOMAIN, servers.PASSWORD] if login else []
    used = servers.cpu(server.pid)
    started = [subprocess.Popen([servers.TOOLS / "bench_tls_login", str(server.imaps), str(options.seconds),
                                 str(max(1, window // options.clients)), str(i << 16), *who],
                                stdout=subprocess.PIPE, text=True) for i in range(options.clients)]
    rate = count = 0
    for process in started:
        said = process.communicate(timeout=options.seconds + 90)[0].split()
        if process.returncode != 0:
            sys.exit("bench: the load of connections failed; its reason stands above")
        rate += int(said[0]) / float(said[1])
        count += int(said[0])
    return rate, (servers.cpu(server.pid) - used) * 1000 / count


def hash_rate(cost, seconds):
    out = subprocess.run([servers.TOOLS / "bench_hash_rate", *map(str, cost), str(seconds), str(os.cpu_count())],
                         stdout=subprocess.PIPE, text=True, check=True)
    return float(out.stdout)


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench login", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--window", type=int, default=32, help="connections at once")
    parser.add_argument("--login-window", type=int, default=8, help="the same when the hash is dear")
    parser.add_argument("--clients", type=int, default=os.cpu_count(), help="load processes")
    parser.add_argument("--rounds", type=int, default=common.ROUNDS)
    return parser.parse_args()


class Side:
    """A server that has the peer's password hash, and how it gets a cheap one, so that the rest of a login is seen."""

    def __init__(self, dear, cheap=None, verifier=None):
        self.dear, self.cheap, self.verifier = dear, cheap or dear, verifier
        self.runs = {"connect": [], "dear": [], "cheap": []}

    def round(self, options):
        self.runs["connect"].append(load(self.dear, options, options.window, False))
        self.runs["dear"].append(load(self.dear, options, options.login_window, True))
        if self.verifier is not None:
            before = self.dear.verifier()
            self.dear.set_verifier(self.verifier)
        self.runs["cheap"].append(load(self.cheap, options, options.window, True))
        if self.verifier is not None:
            self.dear.set_verifier(before)

    def column(self, what, index):
        return [run[index] for run in self.runs[what]]


def measure(sides, bare, costs, options, table):
    limits = {"connect": [], "dear": [], "cheap": []}
    bare_cpu = []
    for _ in range(options.rounds):
        for side in sides.values():
            side.round(options)
        handshake, used = load(bare, options, options.window, False)
        bare_cpu.append(used)
        limits["connect"].append(handshake)
        for what, cost in costs.items():
            limits[what].append(1 / (1 / handshake + 1 / hash_rate(cost, min(3, options.seconds))))
    for what, runs in limits.items():
        work = "TLS 1.3" if what == "connect" else "TLS 1.3 + LOGIN Argon2id m=%u,t=%u,p=%u" % costs[what]
        peers = [name for name in sides if name != "ours"]
        for index, label, unit, better, limit in (
                (0, "rate new", "connections/s", "higher", {"handshake" if what == "connect" else "handshake+hash": runs}),
                (1, "server CPU new", "ms/connection", "lower", {"libssl": bare_cpu} if what == "connect" else {})):
            table.add(f"{label} {work}", unit, better, sides["ours"].column(what, index),
                      {name: sides[name].column(what, index) for name in peers}, limit)


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("bench: Dovecot runs in a mount namespace of its own, which needs root")
    table = common.Table("login", options.rounds)
    with servers.Folder() as folder:
        cheap, ours = servers.Letterlock(folder.path, "cheap"), servers.Letterlock(folder.path, "ours")
        servers.fill(cheap.data, ACCOUNTS, 0, 1024, servers.CHEAP)
        dovecot = {name: folder.start(servers.Dovecot(folder.path, name, ACCOUNTS, SCHEME="ARGON2ID", LOGIN=kind))
                   for name, kind in (("dovecot", "secure"), ("dovecot-shared", "performance"))}
        cost = servers.verifier_cost(dovecot["dovecot"].verifier())
        servers.fill(ours.data, ACCOUNTS, 0, 1024, cost)
        sides = {"ours": Side(folder.start(ours), cheap=folder.start(cheap))}
        sides.update((name, Side(server, verifier=cheap.verifier())) for name, server in dovecot.items())
        bare = folder.start(Bare(ours.data / "tls", options.window))
        measure(sides, bare, {"dear": cost, "cheap": servers.CHEAP}, options, table)
    table.note("connect, handshake, greeting, LOGOUT. dovecot: a process for each login, its default; dovecot-shared: two "
               "for all. handshake: the same load on libssl alone; handshake+hash: 1 / (1 / handshake + 1 / hashes a "
               "second on all cores), with the hash as libargon2 makes it")
    table.write()


main()
