# SPDX-License-Identifier: ISC
"""The SMTP transcripts of tests/transcripts/smtp against the running daemon: over the listener they name, and those of the
plain MX listener over STARTTLS too."""
import re
import shutil
import socket
import ssl
import tempfile

import pytest

from conftest import ROOT, Exchange

FOLDER = ROOT / "tests" / "transcripts" / "smtp"
NAMES = sorted(p.name for p in FOLDER.glob("*.txt"))
PORTS = {"mx": "smtp", "submission": "submission", "submissions": "submissions", "lmtp": "lmtp"}
ESCAPES = {"r": b"\r", "n": b"\n", "0": b"\0", "t": b"\t", "\\": b"\\"}


@pytest.fixture(scope="module")
def server():
    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    try:
        one = Exchange(folder, {"hostname": '"mail.example.org"', "message_size_max": "65536", "port_lmtp": "0"}, accounts=())
        for address in (Exchange.ALICE, Exchange.BOB):
            one.run("account", "add", address, secret="secret")
        one.start()
        try:
            yield one
        finally:
            one.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wire(text):
    """What a C: line stands for."""
    out, i, end = b"", 0, b"\r\n"
    while i < len(text):
        repeat = re.match(r"\{(\d+)\*(\\?.)\}", text[i:])
        if repeat:
            out += int(repeat.group(1)) * (ESCAPES[repeat.group(2)[1]] if len(repeat.group(2)) == 2 else
                                           repeat.group(2).encode())
            i += repeat.end()
        elif text[i:] == "\\c":
            end, i = b"", len(text)
        elif text[i:i + 2] == "\\x":
            out += bytes([int(text[i + 2:i + 4], 16)])
            i += 4
        elif text[i] == "\\":
            out += ESCAPES[text[i + 1]]
            i += 2
        else:
            out += text[i].encode()
            i += 1
    return out + end


class Line:
    """A connection read line by line."""

    def __init__(self, server, listener):
        self.socket = socket.create_connection(("127.0.0.1", server.port(PORTS[listener])), timeout=20)
        self.held = b""
        if listener == "submissions":
            self.start_tls()

    def start_tls(self):
        assert self.held == b"", "answers behind the one to STARTTLS"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def read(self):
        while b"\n" not in self.held:
            got = self.socket.recv(65536)
            assert got, f"closed after {self.held!r}"
            self.held += got
        line, self.held = self.held.split(b"\n", 1)
        assert line.endswith(b"\r"), line
        return line[:-1].decode()

    def closed(self):
        try:
            return self.held == b"" and self.socket.recv(1) == b""
        except (ConnectionResetError, ssl.SSLEOFError):
            return True


def matches(line, pattern):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), line)


def play(line, steps, send):
    waiting = b""
    for number, step in steps:
        kind, text = step[0], step[3:]
        if kind == "C":
            waiting += wire(text)
            continue
        send(line.socket, waiting)
        waiting = b""
        if kind == "S":
            got = line.read()
            assert matches(got, text), f"line {number}: {got!r} is not {text!r}"
        elif kind == "T":
            line.start_tls()
        elif kind == "E":
            assert line.closed(), f"line {number}: not closed"
    line.socket.close()


def steps_of(name):
    first, *lines = (FOLDER / name).read_text().splitlines()
    steps = [(n, text) for n, text in enumerate(lines, 2) if not text.startswith("#")]
    return first.removeprefix("listener: "), steps


@pytest.mark.parametrize("name", NAMES)
def test_transcript(server, name):
    listener, steps = steps_of(name)
    play(Line(server, listener), steps, lambda s, octets: s.sendall(octets))


@pytest.mark.parametrize("name", NAMES)
def test_transcript_in_small_segments(server, name):
    listener, steps = steps_of(name)

    def send(s, octets):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        size = max(7, len(octets) // 200)
        for i in range(0, len(octets), size):
            s.sendall(octets[i:i + size])

    if name == "starttls-injection.txt":
        pytest.skip("its point is one segment")
    play(Line(server, listener), steps, send)


@pytest.mark.parametrize("name", [n for n in NAMES if steps_of(n)[0] == "mx" and "T:" not in dict(steps_of(n)[1]).values()])
def test_transcript_behind_starttls(server, name):
    _, steps = steps_of(name)
    line = Line(server, "mx")
    line.read()
    for command in (b"EHLO first.example.net\r\n", b"STARTTLS\r\n"):
        line.socket.sendall(command)
        while re.match(r"\d+-", line.read()):
            pass
    line.start_tls()
    read = line.read
    line.read = lambda: next(text for text in iter(read, None) if text != "250-REQUIRETLS")  # only here (RFC 8689)
    rest = [step for step in steps[1:] if step[1] not in ("S: 250-STARTTLS", "C: STARTTLS", "S: 503 5.5.1 EHLO first")]
    if name.endswith("order.txt"):
        pytest.skip("it counts on every command's own answer")
    play(line, rest, lambda s, octets: s.sendall(octets))
