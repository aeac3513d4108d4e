# SPDX-License-Identifier: ISC
"""Sending on: one letterlockd to another, to servers that refuse, die or are silent, and through kill -9.

All are on loopback addresses with one port, which `relay_port` names; Debian's nsd says which is whose.
"""
import contextlib
import email
import imaplib
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import tempfile
import threading
import time
import urllib.request

import pytest

from conftest import Exchange
from namespace import ADDRESS, namespace
from test_resolver import children, starter
from zones import free_port, name_server

WAIT_SECONDS = 30
ALICE = Exchange.ALICE
CAROL = "carol@b.example"


def eventually(condition, what):
    end = time.monotonic() + WAIT_SECONDS
    while not (got := condition()):
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.05)
    return got


# ---- servers that do what they are told ----

class Peer:
    """A server at an address that notes what it hears. answers: {verb: reply}; die: "text", "end" or "greeting"."""

    def __init__(self, address, port, answers=None, die=None, silent=False, tls=None, login=None, drip=0.0, injected=""):
        self.answers, self.die, self.silent, self.tls, self.login, self.drip = answers or {}, die, silent, tls, login, drip
        self.sources = []  # who connects
        self.injected = injected  # behind the answer to STARTTLS, in clear
        self.heard, self.letters, self.connections, self.over_tls, self.open = [], [], 0, 0, []
        self.listener = socket.create_server((address, port))
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:  # also those that are kept for the next letter
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, source = self.listener.accept()
                self.sources.append(source[0])
                self.connections += 1
                self.open.append(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError, ValueError), connection:
            if self.die == "greeting":
                return
            if self.silent:
                connection.recv(1)
                return
            self.talk(connection)

    def say(self, connection, text):
        for octet in (text + "\r\n") if self.drip else (text + "\r\n",):
            time.sleep(self.drip)
            connection.sendall(octet.encode())

    def talk(self, connection):
        reader = connection.makefile("rb")
        self.say(connection, self.answers.get("greeting", "220 peer ESMTP"))
        extensions = ["peer", "PIPELINING", "8BITMIME", "DSN"]
        while line := reader.readline():
            line = line.decode("latin-1").rstrip("\r\n")
            self.heard.append(line)
            verb = line.split(" ")[0].upper()
            if verb in self.answers:
                self.say(connection, self.answers[verb])
            elif verb == "EHLO":
                offered = extensions + (["STARTTLS"] if self.tls and not isinstance(connection, ssl.SSLSocket) else []) + (
                    ["AUTH PLAIN"] if self.login else [])
                self.say(connection, "\r\n".join("250" + "- "[i + 1 == len(offered)] + e for i, e in enumerate(offered)))
            elif verb == "STARTTLS":
                self.say(connection, "220 go" + self.injected)
                connection = self.tls.wrap_socket(connection, server_side=True)
                reader = connection.makefile("rb")
                self.open.append(connection)
                self.over_tls += 1
            elif verb == "AUTH":
                self.say(connection, "235 2.7.0 yes" if line == self.login else "535 5.7.8 no")
            elif verb == "DATA":
                self.say(connection, "354 go")
                if not self.take_text(connection, reader):
                    return
            else:
                self.say(connection, "221 bye" if verb == "QUIT" else "250 2.0.0 ok")
                if verb == "QUIT":
                    return

    def take_text(self, connection, reader):
        text = b""
        while (line := reader.readline()) != b".\r\n":
            text += line
            if not line or (self.die == "text" and len(text) > 100000):
                return False
        if self.die == "end":
            return False
        self.letters.append(text)
        self.say(connection, self.answers.get("end", "250 2.0.0 taken"))
        return True


# ---- the world ----

class World:
    def __init__(self, folder, port):
        self.port, self.folder = port, folder
        self.peers = {}

    def peer(self, number, **how):
        """A server at 127.0.0.NUMBER in place of the one that was there."""
        if number in self.peers:
            self.peers[number].close()
        self.peers[number] = Peer(f"127.0.0.{number}", self.port, **how)
        return self.peers[number]

    @staticmethod
    def tls(exchange):
        """It is another host's certificate."""
        context = exchange.tls()
        context.check_hostname = False
        return context

    def inbox(self, exchange, who):
        host = "127.0.0.2" if exchange is self.b else "127.0.0.1"
        with imaplib.IMAP4_SSL(host, exchange.port("imaps"), ssl_context=self.tls(exchange)) as imap:
            imap.login(who, exchange.password(who))
            imap.select("INBOX", readonly=True)
            numbers = imap.search(None, "ALL")[1][0].split()
            return [email.message_from_bytes(imap.fetch(n, "(BODY.PEEK[])")[1][0][1]) for n in numbers]

    def send(self, to, subject, text="x\r\n", sender=ALICE, options=(), rcpt_options=()):
        a = self.a
        with smtplib.SMTP_SSL("localhost", a.port("submissions"), context=self.tls(a), timeout=30) as smtp:
            smtp.login(sender, a.password(sender))
            smtp.sendmail(sender, to, f"From: {sender}\r\nTo: x@b.example\r\nSubject: {subject}\r\n\r\n{text}", options, rcpt_options)

    def arrives(self, exchange, who, subject):
        return eventually(lambda: [m for m in self.inbox(exchange, who) if m["Subject"] == subject],
                          lambda: f"{subject} does not come:\n{self.a.log()[-6000:]}")

    def arrives_at_alice(self, wanted):
        return eventually(lambda: [m for m in self.inbox(self.a, ALICE) if wanted(m)],
                          lambda: f"alice is told nothing:\n{self.a.log()[-6000:]}")

    def logged(self, *words):
        return eventually(lambda: [line for line in self.a.log().splitlines() if all(w in line for w in words)],
                          lambda: f"nothing of {words}:\n{self.a.log()[-6000:]}")


def zone(*lines):
    return "".join(line + "\n" for line in lines)


def zones():
    """MX records: domain n.example has its host at 127.0.0.n, and so on."""
    made = {"b.example": zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.2"),
            "order.example": zone("@ 60 IN MX 20 second", "@ 60 IN MX 10 first", "first 60 IN A 127.0.0.11",
                                  "second 60 IN A 127.0.0.12"),
            "null.example": zone("@ 60 IN MX 0 ."),
            "loop.example": zone("@ 60 IN MX 10 a.host.example.", "@ 60 IN MX 20 other", "other 60 IN A 127.0.0.11"),
            "implicit.example": zone("@ 60 IN A 127.0.0.11"),
            "alias.example": zone("@ 60 IN MX 10 mx", "mx 60 IN CNAME mx.order.example."),
            "host.example": zone("a 60 IN A 127.0.0.1", "smart 60 IN A 127.0.0.13"),
            "silent.example": zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.14")}
    made["order.example"] += zone("mx 60 IN A 127.0.0.12")
    return made


def made(folder, name):
    path = pathlib.Path(folder) / name
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def world():
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port = free_port()
        w = World(folder, port)
        dns = stack.enter_context(name_server(folder + "/dns", zones()))
        common = {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "relay_port": port}
        b = Exchange(made(folder, "b"), {**common, "hostname": '"mx.b.example"', "domains": '{ "b.example" }',
                                     "listen": '{ "127.0.0.2" }', "port_smtp": port}, accounts=())
        b.account_add(CAROL, "a password of carol")
        a = Exchange(made(folder, "a"), {**common, "hostname": '"a.host.example"', "account_messages_hour": 0, "port_metrics": 0})
        w.common = common
        for one in (b, a):
            stack.callback(one.stop)
            one.start()
        w.a, w.b = a, b
        stack.callback(lambda: [p.close() for p in w.peers.values()])
        yield w


def test_a_letter_goes_to_another_letterlockd(world):
    world.send([CAROL], "first", "a letter\r\n.\r\nwith a dot\r\n")
    (letter,) = world.arrives(world.b, CAROL, "first")
    assert letter.get_payload() == "a letter\r\n.\r\nwith a dot\r\n"
    (line,) = world.logged("relay.answered result=sent", "to=" + CAROL)
    assert "tls=TLSv1.3" in line and "host=mx.b.example" in line
    # The operator is told how it went, also after it is gone.
    number = re.search(r" queue=(\d+) ", line)[1]
    shown = eventually(lambda: world.a.run("queue", "show", number, check=False).stdout, "nothing is shown")
    assert re.search(r"\tmx\.b\.example \(TLSv1\.3 TLS_\w+, its certificate unverified\)\n", shown), shown


def number(world, metric):
    """Of the relay's, as Prometheus reads it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{world.a.port('metrics')}/metrics", timeout=30) as page:
        (line,) = [line for line in page.read().decode().splitlines() if line.startswith(f"letterlock_{metric} ")]
    return int(line.split()[-1])


def test_sessions_are_counted(world):
    over_tls, clear = 'relay_sessions_total{version="1.3",verified="none"}', 'relay_sessions_total{version="none",verified="none"}'
    world.send([CAROL], "over TLS")
    world.arrives(world.b, CAROL, "over TLS")
    before = number(world, over_tls), number(world, clear)
    peer = world.peer(11)
    world.send(["x@implicit.example"], "counted")
    world.logged("relay.answered result=sent", "to=x@implicit.example")
    assert number(world, clear) == before[1] + 1 and number(world, over_tls) == before[0] >= 1
    assert number(world, "relay_connections") >= 1
    peer.close()
    eventually(lambda: number(world, "relay_connections") == 0, lambda: world.a.log()[-3000:])


def test_hosts_are_tried_in_order(world):
    """A refusal for now goes to the next host, one for good does not; a dead host is passed over."""
    first, second = world.peer(11, answers={"RCPT": "450 4.2.1 later"}), world.peer(12)
    world.send(["x@order.example"], "order")
    world.logged("relay.answered result=sent", "to=x@order.example", "host=second.order.example")
    assert first.connections == 1 and len(second.letters) == 1
    first = world.peer(11, answers={"RCPT": "550 5.1.1 nobody"})
    world.send(["y@order.example"], "order 2")
    world.logged("relay.answered result=refused", "to=y@order.example", 'reply="550 5.1.1 nobody"')
    assert len(second.letters) == 1
    # The sender is told, once.
    (report,) = [m for m in world.arrives_at_alice(lambda m: "y@order.example" in m.as_string())]
    assert report.get_content_type() == "multipart/report" and "550 5.1.1 nobody" in report.as_string()
    first.close()
    world.send(["z@order.example"], "order 3")
    world.logged("relay.answered result=sent", "to=z@order.example", "host=second.order.example")


def test_what_has_no_way(world):
    for to, status in (("x@null.example", "5.1.10"), ("x@loop.example", "5.4.6")):
        world.send([to], to)
        world.logged("queue.settled result=failed", f"status={status}")


SUBMIT = """
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with smtplib.SMTP_SSL("127.0.0.1", int(sys.argv[1]), context=context, timeout=30) as smtp:
    smtp.login(sys.argv[2], sys.argv[3])
    smtp.sendmail(sys.argv[2], ["x@here.example"], "Subject: here\\r\\n\\r\\nx\\r\\n")
"""


def test_nothing_is_sent_to_ourselves(tmp_path):
    """It takes mail at every address of the machine, and a domain that is none of ours names one of them."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="letterlock-e2e-"))
        net = stack.enter_context(namespace(folder))
        made_of = {"here.example": zone("@ 60 IN MX 10 mx", f"mx 60 IN A {ADDRESS}")}
        dns = stack.enter_context(name_server(folder + "/dns", made_of, launcher=net.launcher))
        a = Exchange(made(folder, "a"), {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "listen": '{ "0.0.0.0" }',
                                         "port_smtp": 25, "hostname": '"other.host.example"'}, accounts=(ALICE,))
        stack.callback(a.stop)
        a.start(launcher=net.launcher)
        net.run("python3", "-c", SUBMIT, a.port("submissions"), ALICE, a.password(ALICE))
        (line,) = eventually(lambda: [line for line in a.log().splitlines() if "queue.settled result=failed" in line], a.log)
        assert "status=5.4.6" in line and "is this server itself" in line, line
        assert f"from={ALICE}" not in "".join(x for x in a.log().splitlines() if f"peer={ADDRESS}" in x)


def test_no_mx_and_an_alias(world):
    peer, other = world.peer(11), world.peer(12)
    world.send(["x@implicit.example"], "implicit")
    world.logged("relay.answered result=sent", "to=x@implicit.example", "address=127.0.0.11")
    world.send(["x@alias.example"], "alias")
    world.logged("relay.answered result=sent", "to=x@alias.example", "address=127.0.0.12")
    assert len(peer.letters) == 1 and len(other.letters) == 1


def test_a_server_that_dies_and_one_that_drips(world):
    world.peer(12).close()
    peer = world.peer(11, die="text")
    world.send(["x@implicit.example"], "dies", "0123456789\r\n" * 60000)
    world.logged("queue.settled result=deferred", "status=4.4.2")
    assert not peer.letters
    peer = world.peer(11, drip=0.01)
    world.send(["drip@implicit.example"], "drips")
    world.logged("relay.answered result=sent", "to=drip@implicit.example")


def test_tls_that_fails_is_done_without(world):
    """A certificate of nobody is enough, and so is none at all: nothing says that there must be one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.b.certificate, world.b.data / "tls" / "key.pem")
    peer = world.peer(11, tls=context)
    world.send(["tls@implicit.example"], "tls")
    (line,) = world.logged("relay.answered result=sent", "to=tls@implicit.example")
    assert "tls=TLSv1.3" in line and peer.over_tls == 1
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(world.b.certificate, world.b.data / "tls" / "key.pem")
    old.set_ciphers("AES128-SHA256")  # no forward secrecy
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for number, how in enumerate(({"tls": old}, {"tls": context, "answers": {"STARTTLS": "454 4.7.0 not now"}})):
        peer = world.peer(11, **how)
        world.send([f"clear{number}@implicit.example"], "clear")
        (line,) = world.logged("relay.answered result=sent", f"to=clear{number}@implicit.example")
        assert "tls=none" in line and peer.connections == 2


def test_what_is_said_in_clear_behind_starttls_is_no_answer(world):
    """Somebody on the way says yes to everything in advance; what the server says by TLS counts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.b.certificate, world.b.data / "tls" / "key.pem")
    peer = world.peer(11, tls=context, answers={"RCPT": "550 5.1.1 nobody"}, injected="\r\n250 2.0.0 ok" * 5)
    world.send(["injected@implicit.example"], "injected")
    (line,) = world.logged("relay.answered result=", "to=injected@implicit.example")
    assert "result=refused" in line and 'reply="550 5.1.1 nobody"' in line and "tls=TLSv1.3" in line, line
    assert peer.over_tls == 1 and peer.heard.count("EHLO a.host.example") == 2 and not any(peer.letters)


def test_one_that_is_silent_slows_nobody(world):
    silent = world.peer(14, silent=True)
    for i in range(10):
        world.send([f"s{i}@silent.example"], "silence")
    eventually(lambda: silent.connections > 0, "nobody connects")
    began = time.monotonic()
    world.send([CAROL], "not slowed")
    world.arrives(world.b, CAROL, "not slowed")
    assert time.monotonic() - began < 15 and silent.connections <= 2


def test_connections_that_wait_make_room(world, tmp_path):
    """With four connections for eight domains, all that are kept make room at once; and what nobody needs ends."""
    many = [f"d{n}.example" for n in range(8)]
    routes = ", ".join(f'"{d}=[127.0.0.{20 + n}]:{world.port}"' for n, d in enumerate(many))
    peers = [world.peer(20 + n) for n in range(8)]
    c = Exchange(made(tmp_path, "c"), {**world.common, "hostname": '"c.host.example"', "relay_connections": 4,
                                       "relay_routes": f"{{ {routes} }}"}, accounts=(ALICE,))
    c.start()
    try:
        with smtplib.SMTP_SSL("localhost", c.port("submissions"), context=world.tls(c), timeout=30) as smtp:
            smtp.login(ALICE, c.password(ALICE))
            began = time.monotonic()
            for d in many:
                smtp.sendmail(ALICE, [f"x@{d}"], f"From: {ALICE}\r\nSubject: room\r\n\r\nx\r\n")
        eventually(lambda: all(p.letters for p in peers), lambda: f"{[len(p.letters) for p in peers]}\n{c.log()[-6000:]}")
        eventually(lambda: all("QUIT" in p.heard for p in peers), lambda: f"{[p.heard[-1:] for p in peers]}")
        assert time.monotonic() - began < WAIT_SECONDS
    finally:
        c.stop()


def test_kill_9_loses_nothing(world):
    """The relay is killed again and again while letters go: each arrives, and twice only what was under way then."""
    subjects = [f"killed {i}" for i in range(30)]
    peer, kills = world.peer(11), 0
    for number, subject in enumerate(subjects):
        world.send(["k@implicit.example"], subject)
        if number % 8 == 0:
            with contextlib.suppress(KeyError, ProcessLookupError):
                os.kill(children(starter(world.a))["letterlockd: relay"], signal.SIGKILL)
                kills += 1

    def got():
        return [email.message_from_bytes(text)["Subject"] for text in list(peer.letters)]
    for _ in range(3):  # the parent waits longer each time before it starts one that ends again
        with contextlib.suppress(AssertionError):
            eventually(lambda: set(subjects) <= set(got()), "")
            break
    assert set(subjects) <= set(got()), world.a.run("queue", "list").stdout + world.a.log()[-20000:]
    assert kills >= 2 and all(got().count(subject) <= 1 + kills for subject in subjects)
