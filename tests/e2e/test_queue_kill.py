# SPDX-License-Identifier: ISC
"""kill -9 of the parent, of mail and of the relay, under writers whose letters go to another server.

What was answered with 250 arrives there, whatever was killed; a letter arrives twice only as often as something was killed
between the other server's answer and our knowing it; and `letterlockd verify` finds nothing.
"""
import collections
import contextlib
import email
import random
import shutil
import smtplib
import tempfile
import threading
import time

import pytest

from conftest import Exchange
from processes import Processes
from test_relay import ALICE, Peer, World, eventually, made, zone
from zones import free_port, name_server

WRITERS, ROUNDS, ROUND_SECONDS = 4, 8, 0.7
CONNECTIONS = 20  # to one destination: relay_connections_destination


class Writer(threading.Thread):
    """Writes one letter after the other; again another one when the server is away."""

    def __init__(self, exchange, number, context):
        super().__init__(daemon=True)
        self.exchange, self.number, self.context = exchange, number, context
        self.kept, self.tried, self.ends = set(), set(), threading.Event()

    def session(self):
        with smtplib.SMTP_SSL("localhost", self.exchange.port("submissions"), context=self.context, timeout=20) as smtp:
            smtp.login(ALICE, self.exchange.password(ALICE))
            while not self.ends.is_set():
                subject = f"letter {self.number}.{len(self.tried)}"
                self.tried.add(subject)
                smtp.sendmail(ALICE, ["k@implicit.example"], f"From: {ALICE}\r\nTo: k@implicit.example\r\nSubject: {subject}\r\n\r\nx\r\n")
                self.kept.add(subject)
                time.sleep(0.02)

    def run(self):
        while not self.ends.is_set():
            with contextlib.suppress(OSError, smtplib.SMTPException, KeyError):
                self.session()
            time.sleep(0.05)


@pytest.fixture
def place():
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port = free_port()
        dns = stack.enter_context(name_server(folder + "/dns", {"implicit.example": zone("@ 60 IN A 127.0.0.11")}))
        peer = Peer("127.0.0.11", port)
        stack.callback(peer.close)
        exchange = Exchange(made(folder, "a"), {
            "resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "relay_port": port, "hostname": '"a.host.example"',
            "account_messages_hour": 0})
        stack.callback(exchange.stop)
        yield exchange.start(), peer


def test_what_was_answered_arrives(place):
    exchange, peer = place
    rng = random.Random(8)
    context = World.tls(exchange)
    writers = [Writer(exchange, n, context) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    victims = ["mail", "relay", "parent"] + rng.choices(["mail", "relay", "parent"], k=ROUNDS - 3)
    for victim in victims:
        time.sleep(rng.random() * ROUND_SECONDS + 0.3)
        of = Processes(exchange)
        if victim == "parent":
            exchange.kill()
            exchange.start()
        else:
            of.kill(of.one(victim))
            eventually(lambda: of.all(victim), exchange.log)
    for writer in writers:
        writer.ends.set()
    for writer in writers:
        writer.join(60)
    kept, tried = (set().union(*(getattr(w, name) for w in writers)) for name in ("kept", "tried"))

    def arrived():
        return collections.Counter(email.message_from_bytes(text)["Subject"] for text in list(peer.letters))
    exchange.run("queue", "flush")
    for _ in range(3):  # the parent waits longer each time before it starts one that ends again
        with contextlib.suppress(AssertionError):
            eventually(lambda: kept <= set(arrived()), "")
            break
    got = arrived()
    assert kept <= set(got), (sorted(kept - set(got))[:5], exchange.run("queue", "list").stdout[-2000:], exchange.log()[-8000:])
    assert set(got) <= tried and len(kept) > ROUNDS * 2
    twice = sum(number - 1 for number in got.values())
    assert twice <= len(victims) * CONNECTIONS and max(got.values()) <= 1 + len(victims), got.most_common(5)
    assert "Everything is as it must be" in exchange.run("verify", timeout=120).stdout
