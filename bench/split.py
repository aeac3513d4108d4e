# SPDX-License-Identifier: ISC
"""What it costs to be several processes: the same IMAP and SMTP work by letterlockd with processes = "split" and "one",
in CPU of all its processes."""
import argparse
import concurrent.futures
import shutil
import socket
import ssl
import sys

import common
import mail
import servers

OCTETS = 20480
FLAGS_TIMES, SEARCH_TIMES = 50, 10  # CPU is counted in hundredths of a second
BUSY = (
    ("FETCH BODY[]", "FETCH 1:* BODY.PEEK[]", 3),
    ("FETCH FLAGS", "FETCH 1:* FLAGS", FLAGS_TIMES),
    ("SEARCH FROM SUBJECT", 'SEARCH FROM "sender13@" SUBJECT "copper"', SEARCH_TIMES),
)


class Imap:
    """One connection; answers are counted, not parsed: what is measured is the server."""

    def __init__(self, port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 120))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.recv(4096)
        self.ask(f'LOGIN "user0@{servers.DOMAIN}" "{servers.PASSWORD}"')
        self.ask("SELECT INBOX")

    def ask(self, command):
        """Octets of the answer."""
        self.socket.sendall(f"a1 {command}\r\n".encode())
        count, tail = 0, b""
        while True:
            got = self.socket.recv(1 << 20)
            if not got:
                sys.exit("bench: the server closed the connection")
            count, tail = count + len(got), (tail + got)[-300:]
            last = tail[:-2].rsplit(b"\r\n", 1)[-1]
            if tail.endswith(b"\r\n") and last.startswith(b"a1 "):
                if not last.startswith(b"a1 OK"):
                    sys.exit(f"bench: {command}: {last!r}")
                return count

    def close(self):
        self.socket.close()


def imap_work(server, options):
    """{work: CPU milliseconds of the server for one command}; what it remembers about messages it has seen before."""
    imap, used = Imap(server.imaps), {}
    for _, command, _ in BUSY:
        octets = imap.ask(command)
        if command.endswith("BODY.PEEK[]") and octets < options.messages * OCTETS:
            sys.exit("bench: not all of the mail came")
    for label, command, times in BUSY:
        before = servers.cpu(server.pid)
        for _ in range(times):
            imap.ask(command)
        used[f"{label} {options.messages:,} x 20 KiB"] = (servers.cpu(server.pid) - before) * 1000 / times
    imap.close()
    return used


def smtp_work(server, options):
    """CPU milliseconds of the server for one message."""
    letter = mail.letter(OCTETS)
    each = options.accepted // options.connections
    before = servers.cpu(server.pid)
    with concurrent.futures.ThreadPoolExecutor(options.connections) as pool:
        done = [pool.submit(mail.deliver, server.smtp, "EHLO", [f"user{n + 1}@{servers.DOMAIN}"] * each, letter)
                for n in range(options.connections)]
        count = sum(len(d.result()) for d in done)
    return {f"accept {options.connections} connections 20 KiB": (servers.cpu(server.pid) - before) * 1000 / count}


def measure(server, options):
    """A server started anew for each run."""
    with server:
        return {**imap_work(server, options), **smtp_work(server, options)}


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench split", description=__doc__)
    parser.add_argument("--messages", type=int, default=10000, help="of 20 KiB in the INBOX that is read")
    parser.add_argument("--accepted", type=int, default=2000, help="messages of 20 KiB over SMTP")
    parser.add_argument("--connections", type=int, default=10, help="that bring them")
    parser.add_argument("--rounds", type=int, default=common.ROUNDS)
    return parser.parse_args()


def main():
    options = arguments()
    table = common.Table("split", options.rounds)
    kinds = [kind for kind in ("one", "split") if servers.knows(f'processes = "{kind}"')] or ["one"]
    with servers.Folder() as folder:
        sides = {kind: servers.Letterlock(folder.path, kind, extra=[f'processes = "{kind}"'] if len(kinds) > 1 else [])
                 for kind in kinds}
        # The mail that is read is user0's; those that come go to others, so that each round reads the same.
        servers.fill(sides["one"].data, options.connections + 1, 0, OCTETS, servers.CHEAP)
        servers.fill(sides["one"].data, 1, options.messages, OCTETS, servers.CHEAP)
        for kind in kinds[1:]:
            shutil.copytree(sides["one"].data, sides[kind].data)
        runs = {kind: [] for kind in kinds}
        for _ in range(options.rounds):
            for kind, server in sides.items():
                runs[kind].append(measure(server, options))
    for work in runs["one"][0]:
        column = {kind: [run[work] for run in runs[kind]] for kind in kinds}
        unit = "ms/message" if work.startswith("accept") else "ms/command"
        table.add(f"server CPU {work}", unit, "lower", column[kinds[-1]], {}, {"one": column["one"]}, alone=True)
    table.note("ours is split, the limit is one process" if len(kinds) > 1 else "one process only: there is no other yet")
    table.note("IMAP over TLS 1.3, one connection, after the same commands went before; SMTP without TLS")
    table.write()


main()
