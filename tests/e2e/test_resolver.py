# SPDX-License-Identifier: ISC
"""The resolver: names of clients in Received, from a name server on loopback that tells the truth, lies or is silent."""
import contextlib
import os
import pathlib
import re
import signal
import smtplib
import socket
import struct
import threading
import time

import pytest

from test_smtp import inbox

A, PTR = 1, 12
NXDOMAIN = 3
CLIENT = "127.0.0.2"
WAIT_SECONDS = 15


# ---- a name server ----

def wire(name):
    """A name of labels; one that is bytes is put there as it is."""
    labels = name.rstrip(".").encode().split(b".") if isinstance(name, str) else name
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


class NameServer:
    """Answers from records {(name, type): [rdata]}; what is not there does not exist. It notes what it is asked.

    silent: it answers nothing. tcp: over UDP it only says that the answer is over TCP.
    """

    def __init__(self, records, silent=False, tcp=False, host="127.0.0.1"):
        self.records = {(name.lower(), kind): datas for (name, kind), datas in records.items()}
        self.silent = silent
        self.tcp = tcp
        self.asked = []
        self.socket, self.listener, port = self.listen(host)
        self.setting = f'{{ "{host}@{port}" }}'
        for serve in (self.serve, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def listen(host):
        """A port that is free over UDP and over TCP: a connection of another test may have taken it over TCP only."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for _ in range(100):
            listener = socket.create_server((host, 0), family=family)
            port = listener.getsockname()[1]
            datagrams = socket.socket(family, socket.SOCK_DGRAM)
            try:
                datagrams.bind((host, port))
            except OSError:
                datagrams.close()
                listener.close()
                continue
            return datagrams, listener, port
        raise OSError("No port was free over both UDP and TCP.")

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, peer = self.socket.recvfrom(4096)
                if self.tcp:
                    self.socket.sendto(query[:2] + b"\x87\x80\0\1\0\0\0\0\0\0" + self.read(query)[2], peer)
                elif (answer := self.answer_to(query)) is not None:
                    self.socket.sendto(answer, peer)

    def serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                with peer, contextlib.suppress(ConnectionError, struct.error):
                    while size := struct.unpack("!H", peer.recv(2))[0]:
                        answer = self.answer_to(peer.recv(size, socket.MSG_WAITALL))
                        peer.sendall(struct.pack("!H", len(answer)) + answer)

    def answer_to(self, query):
        name, kind, question = self.read(query)
        self.asked.append((name, kind))
        return None if self.silent else self.answer(query, question, self.records.get((name, kind)))

    @staticmethod
    def read(query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
            at += 1 + query[at]
        return ".".join(labels), struct.unpack_from("!H", query, at + 1)[0], query[12:at + 5]

    @staticmethod
    def answer(query, question, datas):
        found = datas or []
        kind = question[-4:-2]
        head = query[:2] + struct.pack("!HHHHH", 0x8580 | (0 if datas else NXDOMAIN), 1, len(found), 0, 0)
        return head + question + b"".join(b"\xc0\x0c" + kind + struct.pack("!HIH", 1, 60, len(d)) + d for d in found)

    def wait_for(self, name, kind):
        end = time.monotonic() + WAIT_SECONDS
        while (name.lower(), kind) not in self.asked:
            assert time.monotonic() < end, f"{name} was not asked for, but {self.asked}"
            time.sleep(0.01)
        time.sleep(0.3)  # the answer's way back, when it is short

    def close(self):
        self.socket.close()
        self.listener.close()


TRUE = {(reverse(CLIENT), PTR): [wire("mail.client.example")], ("mail.client.example", A): [socket.inet_aton(CLIENT)]}


@contextlib.contextmanager
def name_server(records, **options):
    server = NameServer(records, **options)
    try:
        yield server
    finally:
        server.close()


def settings(server, **more):
    return {"resolvers": server.setting, "dnssec_anchors": '""', **more}


# ---- mail from a client of an address ----

def deliver(exchange, subject, before_data=lambda: None, client=CLIENT):
    """Its Received field, in one line."""
    with smtplib.SMTP("127.0.0.1", exchange.port("smtp"), local_hostname="helo.example", source_address=(client, 0),
                      timeout=20) as smtp:
        smtp.ehlo()
        before_data()
        smtp.sendmail("carol@example.net", [exchange.BOB], f"Subject: {subject}\r\n\r\nx\r\n")
    (got,) = [m for m in inbox(exchange, exchange.BOB) if m["Subject"] == subject]
    return " ".join(got["Received"].split())


def shown(received):
    """What the field says of where it came from."""
    return re.fullmatch(r"from (.*) by localhost with .*", received).group(1)


def shown_at_last(exchange, subject, server):
    """The same, of the first letter that came later than the name; each is another connection that asks."""
    end, number = time.monotonic() + WAIT_SECONDS, 0
    while True:
        number += 1
        what = shown(deliver(exchange, f"{subject} {number}", lambda: server.wait_for("mail.client.example", A)))
        if what != f"helo.example ([{CLIENT}])" or time.monotonic() > end:
            return what


# ---- processes ----

def children(pid):
    found = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{pid}\n" in status.read_text():
                words = (status.parent / "cmdline").read_bytes().split(b"\0")
                found[words[0].decode()] = int(status.parent.name)
    return found


def starter(exchange):
    return children(exchange.process.pid)["letterlockd: starter"]


def resolver(exchange):
    return children(starter(exchange)).get("letterlockd: resolver")


def status_of(pid, field):
    return re.search(rf"^{field}:\s+(\S+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1)


def wait_until(condition, what):
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


# ---- what is shown ----

@pytest.mark.parametrize("processes", ["split", "one"])
def test_a_confirmed_name_is_shown(fresh_exchange, processes):
    with name_server(TRUE) as server:
        exchange = fresh_exchange(settings(server, processes=f'"{processes}"'))
        assert shown_at_last(exchange, "named", server) == f"helo.example (mail.client.example [{CLIENT}])"


@pytest.mark.parametrize("way", [{"tcp": True}, {"host": "::1"}, {"host": "::1", "tcp": True}], ids=str)
def test_over_tcp_and_ipv6_too(fresh_exchange, way):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with name_server(TRUE, **way) as server:
        exchange = fresh_exchange(settings(server))
        assert shown_at_last(exchange, "other ways", server) == f"helo.example (mail.client.example [{CLIENT}])"


MANY = [wire(f"n{i}.client.example") for i in range(20)]


@pytest.mark.parametrize("why,records", [
    ("it has another address", {(reverse(CLIENT), PTR): TRUE[(reverse(CLIENT), PTR)],
                                ("mail.client.example", A): [socket.inet_aton("127.0.0.9")]}),
    ("there is no such name", {(reverse(CLIENT), PTR): TRUE[(reverse(CLIENT), PTR)]}),
    ("nothing is said of the address", {}),
    ("it would end the comment", {(reverse(CLIENT), PTR): [wire([b"a) by evil (b", b"example"])]}),
    ("it would end the line", {(reverse(CLIENT), PTR): [wire([b"a\r\nX-Evil: b", b"example"])]}),
    ("it is the root", {(reverse(CLIENT), PTR): [b"\0"]}),
    ("the record is cut", {(reverse(CLIENT), PTR): [b"\x3fmail"]}),
    ("it is behind too many others", {(reverse(CLIENT), PTR): MANY}),
])
def test_what_is_not_confirmed_or_no_name_is_not_shown(fresh_exchange, why, records):
    with name_server(records) as server:
        exchange = fresh_exchange(settings(server))
        received = deliver(exchange, "unnamed", lambda: server.wait_for(reverse(CLIENT), PTR))
    assert shown(received) == f"helo.example ([{CLIENT}])", why
    assert sum(kind == A for _, kind in server.asked) <= 3


def test_a_silent_name_server_delays_nothing(fresh_exchange):
    with name_server(TRUE, silent=True) as server:
        exchange = fresh_exchange(settings(server))
        began = time.monotonic()
        received = deliver(exchange, "silent")
        assert time.monotonic() - began < 4.5  # the resolver's own time is 5 s (RESOLVE_NAME_MS)
        assert shown(received) == f"helo.example ([{CLIENT}])"
        server.wait_for(reverse(CLIENT), PTR)


# ---- the processes ----

def test_a_killed_resolver_comes_back(fresh_exchange):
    with name_server(TRUE) as server:
        exchange = fresh_exchange(settings(server))
        first = resolver(exchange)
        os.kill(first, signal.SIGSTOP)
        assert shown(deliver(exchange, "it hangs")) == f"helo.example ([{CLIENT}])"
        os.kill(first, signal.SIGKILL)
        assert "helo.example" in shown(deliver(exchange, "it is gone"))
        wait_until(lambda: resolver(exchange) not in (None, first), "no new resolver")
        os.kill(exchange.process.pid, signal.SIGHUP)
        wait_until(lambda: "daemon.reloaded" in exchange.log(), "not reloaded")
        server.asked.clear()
        assert shown_at_last(exchange, "back again", server) == f"helo.example (mail.client.example [{CLIENT}])"
    assert "parent.child_ended child=resolver" in exchange.log() and "signal=9" in exchange.log()


def test_without_the_starter_mail_goes_on(fresh_exchange):
    with name_server(TRUE) as server:
        exchange = fresh_exchange(settings(server))
        was = resolver(exchange)
        os.kill(starter(exchange), signal.SIGKILL)
        wait_until(lambda: not pathlib.Path(f"/proc/{was}/exe").exists(), "the resolver outlives the starter")
        wait_until(lambda: "parent.starter_ended" in exchange.log(), "nobody says so")
        assert shown(deliver(exchange, "without")) == f"helo.example ([{CLIENT}])"
        os.kill(exchange.process.pid, signal.SIGHUP)
        wait_until(lambda: "daemon.reloaded" in exchange.log(), "not reloaded")
        assert exchange.log().count("parent.cannot_start") == 0


def test_they_end_with_the_parent(fresh_exchange):
    with name_server({}) as server:
        exchange = fresh_exchange(settings(server))
        pids = [starter(exchange), resolver(exchange)]
        exchange.kill()
        for pid in pids:
            wait_until(lambda: not pathlib.Path(f"/proc/{pid}/exe").exists(), "it outlives the parent")


def test_they_are_shut_in(fresh_exchange):
    with name_server({}) as server:
        exchange = fresh_exchange(settings(server))
        above, pid = starter(exchange), resolver(exchange)
        assert status_of(pid, "Seccomp") == "2" and status_of(above, "Seccomp") == "2"
        assert int(status_of(pid, "CapEff"), 16) == 0
        if os.geteuid() == 0:
            assert status_of(pid, "Uid") != "0" and list(pathlib.Path(f"/proc/{pid}/root").iterdir()) == []
            kept = int(status_of(above, "CapEff"), 16)
            assert kept == int(status_of(above, "CapBnd"), 16) == 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 18
        # Neither holds the listening sockets.
        for process in (above, pid):
            sockets = {os.readlink(f) for f in pathlib.Path(f"/proc/{process}/fd").iterdir()}
            listening = {f"socket:[{line.split()[9]}]" for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
                         if line.split()[3] == "0A"}
            assert not sockets & listening


# ---- settings ----

@pytest.mark.parametrize("value", ['{ "dns.example.org" }', '{ "127.0.0.1@0" }', '{ "127.0.0.1:53" }',
                                   '{ ' + ", ".join(f'"192.0.2.{i}"' for i in range(9)) + ' }'])
def test_wrong_resolvers_are_refused(fresh_exchange, value):
    exchange = fresh_exchange({"resolvers": value}, accounts=(), start=False)
    done = exchange.run("run", check=False)
    assert done.returncode == 2 and "resolvers" in done.stderr


def test_without_anchors_it_serves_and_says_so(fresh_exchange):
    exchange = fresh_exchange({"dnssec_anchors": '"/no/such/file"'})
    assert "resolver.not_validating" in exchange.log()
    assert shown(deliver(exchange, "unvalidated")) == f"helo.example ([{CLIENT}])"
