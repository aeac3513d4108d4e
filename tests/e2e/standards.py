# SPDX-License-Identifier: ISC
"""For tests from the standards' texts: a connection that looks at every reply, whatever the test is about.

SMTP and LMTP: three digits, the same on each line, CR LF, 512 octets at most (RFC 5321 sections 4.2 and 4.5.3.1.5), ASCII
(RFC 6531 section 3.7.4.2), no bare code, and but for greetings, HELO and 3xx an enhanced code of the same class on each
line (RFC 2034 section 4). POP3: +OK or -ERR in upper case, 512 octets at most, CR LF (RFC 1939 section 3).
"""
import base64
import os
import re
import socket

from conftest import Exchange
from processes import Processes

SMTP_LINE = re.compile(rb"([2345][0-5]\d)([ -])([\x20-\x7e]*)\r\n")
PLAIN = base64.b64encode(f"\0{Exchange.ALICE}\0{Exchange.PASSWORDS[Exchange.ALICE]}".encode())


def nothing_held_back():
    """An environment in which AddressSanitizer holds little of what is freed: it would count as memory of ours."""
    options = [o for o in (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1:thread_local_quarantine_size_kb=64") if o]
    return {**os.environ, "ASAN_OPTIONS": ":".join(options)}


def resident(exchange, *kinds):
    """Kibibytes that the processes of these kinds have in memory."""
    total = 0
    for kind in kinds:
        for pid in Processes(exchange).all(kind):
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += int(re.search(r"^Rss:\s+(\d+)", f.read(), re.M).group(1))
    return total


class Reply:
    def __init__(self, lines):
        self.lines = [SMTP_LINE.fullmatch(line).group(3) for line in lines]
        self.code, self.text = int(lines[0][:3]), self.lines[-1]

    def __repr__(self):
        return f"{self.code} {b' / '.join(self.lines).decode()}"

    @property
    def enhanced(self):
        return self.text.split(b" ")[0].decode()


class Wire:
    """Octets out, lines in. Whoever is refused by a lost connection sees it as the assertion in line()."""

    places = 0

    def __init__(self, exchange, port, tls=False, elsewhere=False):
        """elsewhere: from an address that nobody has come from, as wrong passwords slow down those from the same."""
        self.exchange, self.port, self.held = exchange, port, b""
        Wire.places += elsewhere
        source = f"127.{80 + Wire.places // 250}.{Wire.places % 250}.1" if elsewhere else ""
        self.socket = socket.create_connection(("127.0.0.1", exchange.port(port)), 20, (source, 0))
        if tls:
            self.start_tls()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        while b"\n" not in self.held:
            got = self.socket.recv(65536)
            assert got, f"closed after {self.held!r}"
            self.held += got
        line, _, self.held = self.held.partition(b"\n")
        assert len(line) < 512 and line.endswith(b"\r"), line
        return line + b"\n"

    def start_tls(self):
        assert self.held == b"", "answers behind the one that starts TLS"
        self.socket = self.exchange.tls().wrap_socket(self.socket, server_hostname="localhost")

    def ended(self):
        """That the server has closed, and said nothing more."""
        try:
            return self.held == b"" and self.socket.recv(100) == b""
        except OSError:
            return True

    def silent(self, seconds=0.1):
        """That no answer comes."""
        self.socket.settimeout(seconds)
        try:
            return self.held == b"" and self.socket.recv(100) == b"never"
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(20)


class Smtp(Wire):
    """With EHLO or LHLO said, unless told otherwise; `sender` is who may send here."""

    def __init__(self, exchange, port="smtp", hello=b"client.example.net", sign_in=True, **options):
        super().__init__(exchange, port, tls=port == "submissions", **options)
        self.greeting = self.reply(enhanced=False)
        self.sender, self.keywords = b"carol@example.net", {}
        if hello is not None:
            self.hello(hello)
        if port == "submissions" and hello is not None and sign_in:
            self.say(b"AUTH PLAIN " + PLAIN, 235)
        if port == "submissions":
            self.sender = b"alice@example.org"

    def reply(self, enhanced=True):
        lines = []
        while not lines or lines[-1][3:4] == b"-":
            lines.append(self.line())
            assert SMTP_LINE.fullmatch(lines[-1]) and lines[-1][:3] == lines[0][:3], lines
        if enhanced and lines[0][:1] != b"3":
            for line in lines:
                assert re.match(rb"%c\.\d{1,3}\.\d{1,3} \S" % lines[0][0], line[4:]), line
        return Reply(lines)

    def hello(self, name=b"client.example.net", word=None):
        self.send((word or (b"LHLO" if self.port == "lmtp" else b"EHLO")) + b" " + name + b"\r\n")
        answer = self.reply(enhanced=False)
        if answer.code == 250:
            self.keywords = {k.split(b" ")[0].decode(): k.split(b" ")[1:] for k in answer.lines[1:]}
        return answer

    def say(self, command, *codes):
        """One command, or several in one piece; gives the last reply, whose codes must be these (or any when none is given)."""
        self.send(command + b"\r\n")
        return self.hear(command, *codes)

    def hear(self, what, *codes):
        got = [self.reply() for _ in codes or (0,)]
        assert not codes or [g.code for g in got] == list(codes), (what[:200], got)
        return got[-1]

    def envelope(self, *recipients, options=b""):
        self.say(b"MAIL FROM:<%s>%s" % (self.sender, options), 250)
        for one in recipients or (b"bob@example.org",):
            self.say(b"RCPT TO:<%s>" % one, 250)

    def data(self, text, *codes, recipients=(b"bob@example.org",), options=b""):
        """A whole transaction; text without its last CR LF . CR LF."""
        self.envelope(*recipients, options=options)
        self.say(b"DATA", 354)
        return self.say(text + b".", *(codes or (250,)))

    def alive(self):
        """That what follows is understood as commands, each with its own answer."""
        self.say(b"RSET\r\nNOOP", 250, 250)


class Pop(Wire):
    def __init__(self, exchange, port="pop3s", address=None, **options):
        super().__init__(exchange, port, tls=port == "pop3s", **options)
        self.greeting = self.status()
        if address:
            self.ok(b"USER " + address.encode())
            self.ok(b"PASS " + exchange.password(address).encode())

    def status(self):
        line = self.line()
        assert re.fullmatch(rb"(\+OK|-ERR)( [^\r\n\0]*)?\r\n", line) and line.isascii(), line
        return line[:-2]

    def ok(self, command):
        self.send(command + b"\r\n")
        got = self.status()
        assert got.startswith(b"+OK"), (command, got)
        return got

    def err(self, command):
        self.send(command + b"\r\n")
        got = self.status()
        assert got.startswith(b"-ERR"), (command, got)
        return got

    def lines(self, command=None):
        """What a multi-line answer holds, its dots taken away, its lines with CR LF."""
        if command:
            self.ok(command)
        got = b""
        while True:
            while b"\r\n" not in self.held:
                more = self.socket.recv(65536)
                assert more, f"closed after {got[-100:]!r}"
                self.held += more
            line, _, self.held = self.held.partition(b"\r\n")
            if line == b".":
                return got
            got += (line[1:] if line.startswith(b".") else line) + b"\r\n"
