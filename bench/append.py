# SPDX-License-Identifier: ISC
"""IMAP APPEND from one client, durable: letters of 20 KiB one after another over TLS 1.3, ours beside Dovecot's sdbox."""
import os
import ssl
import socket
import sys
import time

import common
import mail
import servers

SIZE, MESSAGES, WARM = 20480, 1500, 200


class Client:
    """Appends as a mail program does: the literal when the server has asked for it (RFC 3501 section 6.3.11)."""

    def __init__(self, port, mailbox):
        self.mailbox = mailbox
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 60))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.stream.readline()
        self.ask(f'LOGIN "user0@{servers.DOMAIN}" "{servers.PASSWORD}"')
        self.ask(f"CREATE {mailbox}")

    def until(self, word):
        while not (line := self.stream.readline()).startswith(word):
            if not line or line.startswith((b"a1 NO", b"a1 BAD")):
                sys.exit(f"bench: the server answered {line!r}")
        return line

    def ask(self, command):
        self.socket.sendall(f"a1 {command}\r\n".encode())
        self.until(b"a1 OK")

    def append(self, letter):
        self.socket.sendall(f"a1 APPEND {self.mailbox} {{{len(letter)}}}\r\n".encode())
        self.until(b"+")
        self.socket.sendall(letter + b"\r\n")
        self.until(b"a1 OK")

    def count(self):
        self.socket.sendall(f"a1 STATUS {self.mailbox} (MESSAGES)\r\n".encode())
        line = self.until(b"* STATUS")
        self.until(b"a1 OK")
        return int(line.split(b"MESSAGES ")[1].split(b")")[0])

    def close(self):
        self.socket.close()


def measure(server, letter, mailbox):
    """(messages a second, CPU milliseconds of the server a message)"""
    client = Client(server.imaps, mailbox)
    for _ in range(WARM):
        client.append(letter)
    used, start = servers.cpu(server.pid), time.monotonic()
    for _ in range(MESSAGES):
        client.append(letter)
    took, used = time.monotonic() - start, servers.cpu(server.pid) - used
    if client.count() != WARM + MESSAGES:
        sys.exit("bench: what was appended is not there")
    client.close()
    return MESSAGES / took, used * 1000 / MESSAGES


def main():
    if os.geteuid() != 0:
        sys.exit("bench: Dovecot runs in a mount namespace of its own, which needs root")
    table, got, syncs = common.Table("append"), {"ours": [], "dovecot-sdbox": []}, []
    letter = mail.letter(SIZE)
    with servers.Folder() as folder:
        ours = servers.Letterlock(folder.path)
        servers.fill(ours.data, 1, 0, 1024, servers.CHEAP)
        running = {"ours": folder.start(ours),
                   "dovecot-sdbox": folder.start(servers.Dovecot(folder.path, "dovecot", 1, FORMAT="sdbox"))}
        for n in range(common.ROUNDS):
            for who, server in running.items():
                got[who].append(measure(server, letter, f"Bench{n}"))
            syncs.append(servers.syncs(folder.path, SIZE))
    peer = got["dovecot-sdbox"]
    table.add("rate APPEND 1 connection 20 KiB", "messages/s", "higher", [r[0] for r in got["ours"]],
              {"dovecot-sdbox": [r[0] for r in peer]}, {"append and fdatasync of 20 KiB": syncs})
    table.add("server CPU APPEND 20 KiB", "ms/message", "lower", [r[1] for r in got["ours"]],
              {"dovecot-sdbox": [r[1] for r in peer]}, {})
    table.write()


main()
