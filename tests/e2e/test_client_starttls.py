# SPDX-License-Identifier: ISC
"""The program letterlock against servers that do not want TLS: it stops, and says nothing secret in clear."""
import base64
import json
import socket
import threading

import pytest

from test_client import Person


class FakeServer:
    """Greets, answers each line by its script, keeps what was said. One connection after the other."""

    def __init__(self, greeting, answer):
        self.greeting, self.answer, self.heard = greeting, answer, b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(20)
                try:
                    peer.sendall(self.greeting)
                    while line := self.read_line(peer):
                        self.heard += line
                        peer.sendall(self.answer(line))
                except OSError:
                    pass

    @staticmethod
    def read_line(peer):
        line = b""
        while not line.endswith(b"\n"):
            octet = peer.recv(1)
            if not octet:
                return line
            line += octet
        return line

    def close(self):
        self.socket.close()


@pytest.fixture
def person(exchange, tmp_path):
    one = Person(exchange, tmp_path, exchange.ALICE)
    yield one
    one.stop()


def secret_forms(person):
    password = person.exchange.password(person.address)
    plain = b"\0" + person.address.encode() + b"\0" + password.encode()
    return [password.encode(), base64.b64encode(plain), base64.b64encode(password.encode())]


def imap_answer(capability, starttls):
    def answer(line):
        tag, _, word = line.strip().partition(b" ")
        word = word.upper().split(b" ")[0]
        if word == b"CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 " + capability + b"\r\n" + tag + b" OK done\r\n"
        if word == b"STARTTLS":
            return tag + starttls
        return tag + b" OK as you wish\r\n"
    return answer


IMAP = {
    "PREAUTH": (b"* PREAUTH you are in already\r\n", imap_answer(b"", b" OK\r\n")),
    "no STARTTLS": (b"* OK hello\r\n", imap_answer(b"AUTH=PLAIN", b" BAD\r\n")),
    "STARTTLS refused": (b"* OK hello\r\n", imap_answer(b"STARTTLS AUTH=PLAIN", b" NO not today\r\n")),
    "STARTTLS nonsense": (b"* OK hello\r\n", imap_answer(b"STARTTLS AUTH=PLAIN", b" OK now\r\n* OK injected\r\n")),
    "BYE": (b"* BYE go away\r\n", imap_answer(b"", b"")),
    "not IMAP": (b"220 hello ESMTP\r\n", lambda line: b"500 what\r\n"),
}


@pytest.mark.parametrize("kind", IMAP)
def test_imap_without_tls(person, kind):
    fake = FakeServer(*IMAP[kind])
    try:
        person.run("setup", person.address, f"--server=imap://127.0.0.1:{fake.port}", "--pin", person.exchange.pin,
                   want=None)
    finally:
        fake.close()
    assert not (person.home / "config" / "letterlock" / "account.json").exists()
    assert not any(form in fake.heard for form in secret_forms(person))
    assert b"LOGIN" not in fake.heard.upper() and b"AUTHENTICATE" not in fake.heard.upper()


def smtp_answer(extensions, starttls):
    def answer(line):
        word = line.upper().split()[0] if line.split() else b""
        if word == b"EHLO":
            return b"".join(b"250-" + e + b"\r\n" for e in extensions) + b"250 SIZE 1000000\r\n"
        if word == b"STARTTLS":
            return starttls
        return b"250 as you wish\r\n"
    return answer


SMTP = {
    "no STARTTLS": smtp_answer([b"hello", b"AUTH PLAIN LOGIN"], b"500 what\r\n"),
    "STARTTLS refused": smtp_answer([b"hello", b"STARTTLS", b"AUTH PLAIN"], b"454 not today\r\n"),
    "STARTTLS injected": smtp_answer([b"hello", b"STARTTLS", b"AUTH PLAIN"], b"220 go\r\n250 injected\r\n"),
}


@pytest.mark.parametrize("kind", SMTP)
def test_smtp_without_tls(person, kind):
    fake = FakeServer(b"220 hello ESMTP\r\n", SMTP[kind])
    person.setup()
    account = person.home / "config" / "letterlock" / "account.json"
    settings = json.loads(account.read_text())
    settings["smtp"] = {"host": "127.0.0.1", "port": fake.port, "starttls": True}
    account.write_text(json.dumps(settings))
    try:
        said = person.run("send", "--to", person.address, "--subject", "x", "--sign-only", stdin="very secret\n", want=None)
    finally:
        fake.close()
    assert "sent to" not in said
    assert not any(form in fake.heard for form in secret_forms(person))
    assert b"very secret" not in fake.heard and b"MAIL" not in fake.heard.upper()
    assert not list((person.home / "data" / "letterlock").glob("outgoing-*"))
