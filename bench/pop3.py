# SPDX-License-Identifier: ISC
"""POP3 of one client over TLS 1.3, ours beside Dovecot's Maildir: RETR of 10,000 letters of 20 KiB, and their listings."""
import os
import random
import shutil
import socket
import ssl
import sys
import time

import common
import servers

SIZE, MESSAGES, WARM = 20480, 10000, 200
BATCH = 50  # commands in one piece, where they are pipelined
WORDS = ("meeting invoice budget harbour winter signal garden copper letter window planet bridge silver market travel "
         "summer orange river carbon pocket e.g. ...").split()


def letter(number):
    """Of about SIZE octets with LF, in sentences: dots are there, some of them first in a line."""
    pick = random.Random(number)
    lines = [f"From: sender{number % 97}@client.test", f"To: user0@{servers.DOMAIN}", f"Subject: letter {number}",
             "Date: Mon, 23 Nov 2026 12:00:00 +0000", f"Message-ID: <bench.{number}@client.test>", "MIME-Version: 1.0",
             "Content-Type: text/plain; charset=utf-8", ""]
    size = sum(len(line) + 2 for line in lines)
    while size < SIZE - 2:
        line = " ".join(pick.choice(WORDS) for _ in range(10)) + "."
        lines.append(line[:min(74, SIZE - 2 - size)])
        size += len(lines[-1]) + 2
    return ("\n".join(lines) + "\n").encode(), size


def make_maildir(folder):
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    for n in range(MESSAGES):
        text, octets = letter(n)
        (folder / "cur" / f"1700000000.M{n:06}P1.bench,S={len(text)},W={octets}:2,").write_bytes(text)


def give_dovecot(server, maildir):
    row = (server.dir / "conf" / "users").read_text().splitlines()[0].split(":")
    home = server.dir / "home" / "user0"
    shutil.copytree(maildir, home / "maildir")
    for at, folders, files in os.walk(home):
        for path in [at, *(os.path.join(at, name) for name in folders + files)]:
            os.chown(path, int(row[2]), int(row[3]))


class Client:
    def __init__(self, port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        bare = socket.create_connection(("127.0.0.1", port), 120)
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(bare)
        self.room = memoryview(bytearray(1 << 20))
        self.line()
        self.ask(f"USER user0@{servers.DOMAIN}")
        self.ask(f"PASS {servers.PASSWORD}")

    def line(self):
        got = self.socket.recv(65536)
        if not got.startswith(b"+OK") or not got.endswith(b"\r\n"):
            sys.exit(f"bench: the server answered {got!r}")
        return got

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\r\n")
        return self.line()

    def lines(self, commands, answers=1):
        """So many multi-line answers, swallowed; how many octets they had."""
        self.socket.sendall(commands)
        total, tail = 0, b""
        while answers > 0:
            n = self.socket.recv_into(self.room)
            if n == 0:
                sys.exit("bench: the connection was lost")
            seen = tail + bytes(self.room[:n])
            answers -= seen.count(b"\r\n.\r\n")
            total, tail = total + n, seen[-4:]
        return total

    def quit(self):
        self.ask("QUIT")
        self.socket.close()


def measured(server, work):
    used, start = servers.cpu(server.pid), time.monotonic()
    work()
    return time.monotonic() - start, servers.cpu(server.pid) - used


def retrieve(server, port, batch):
    """(messages a second, CPU milliseconds of the server a message)"""
    client, octets = Client(port), 0
    client.lines(b"".join(b"RETR %d\r\n" % n for n in range(1, WARM + 1)), WARM)

    def work():
        nonlocal octets
        for n in range(1, MESSAGES + 1, batch):
            octets += client.lines(b"".join(b"RETR %d\r\n" % k for k in range(n, n + batch)), batch)
    took, used = measured(server, work)
    client.quit()
    if octets < MESSAGES * (SIZE - 100):
        sys.exit("bench: what was retrieved is too little")
    return MESSAGES / took, used * 1000 / MESSAGES


def visit(server, port):
    """(seconds, CPU milliseconds) of a client that looks whether there is anything new: sign in, UIDL, LIST, QUIT."""
    def work():
        client = Client(port)
        client.lines(b"UIDL\r\n")
        client.lines(b"LIST\r\n")
        client.quit()
    took, used = measured(server, work)
    return took, used * 1000


def main():
    if os.geteuid() != 0:
        sys.exit("bench: Dovecot runs in a mount namespace of its own, which needs root")
    table = common.Table("pop3")
    got = {name: {"ours": [], "dovecot": []} for name in ("one", "batch", "visit")}
    with servers.Folder() as folder:
        maildir = folder.path / "maildir"
        make_maildir(maildir)
        ours, dovecot = servers.Letterlock(folder.path), servers.Dovecot(folder.path, "dovecot", 1)
        servers.fill(ours.data, 1, 0, 1024, servers.CHEAP)
        common.run([servers.PROGRAM, "account", "import", f"user0@{servers.DOMAIN}", maildir, "--config", ours.config])
        running = {"ours": (folder.start(ours), ours.ports["pop3s"]),
                   "dovecot": (folder.start(dovecot), dovecot.ports["POP3S"])}
        give_dovecot(dovecot, maildir)
        for server, port in running.values():  # indexes and caches are built
            visit(server, port)
            retrieve(server, port, BATCH)
        for _ in range(common.ROUNDS):
            for who, (server, port) in running.items():
                got["one"][who].append(retrieve(server, port, 1))
                got["batch"][who].append(retrieve(server, port, BATCH))
                got["visit"][who].append(visit(server, port))
    for name, what in (("one", "one after another"), ("batch", f"{BATCH} pipelined")):
        ours, peer = got[name]["ours"], got[name]["dovecot"]
        table.add(f"rate RETR 10,000 x 20 KiB, {what}", "messages/s", "higher", [r[0] for r in ours],
                  {"dovecot": [r[0] for r in peer]}, {})
        table.add(f"server CPU RETR 10,000 x 20 KiB, {what}", "ms/message", "lower", [r[1] for r in ours],
                  {"dovecot": [r[1] for r in peer]}, {})
    ours, peer = got["visit"]["ours"], got["visit"]["dovecot"]
    table.add("elapsed sign in, UIDL, LIST of 10,000, QUIT", "s", "lower", [r[0] for r in ours],
              {"dovecot": [r[0] for r in peer]}, {})
    table.add("server CPU sign in, UIDL, LIST of 10,000, QUIT", "ms", "lower", [r[1] for r in ours],
              {"dovecot": [r[1] for r in peer]}, {})
    table.write()


main()
