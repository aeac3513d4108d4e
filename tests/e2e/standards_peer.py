# SPDX-License-Identifier: ISC
"""For tests from the standards' texts: a server that other servers would be, which looks at every octet that a client says.

Whatever a test is about, a session is wrong (`Peer.faults`, which `World` asserts to be empty) when the client
- says anything before the greeting, or MAIL before EHLO or HELO (RFC 5321 sections 4.3.1 and 4.1.4);
- ends a line with anything but CR LF, or has a bare CR, LF or NUL (2.3.8, RFC 3030 for BDAT's text);
- says a line that is too long (4.5.3.1.4, with what extensions add), or octets that are not ASCII without SMTPUTF8;
- uses an extension that the last EHLO did not offer (2.2.1; RFC 3207 section 4.2: what was offered before TLS is forgotten);
- sends a command before the last one is answered without PIPELINING, or behind one that ends a group (RFC 2920 section 3.1);
- sends octets with the high bit without BODY=8BITMIME (RFC 6152 section 3), or another size than it declared (RFC 1870);
- closes the connection of its own accord without QUIT (5321 section 4.1.1.10).
"""
import contextlib
import email
import email.policy
import imaplib
import pathlib
import re
import shutil
import smtplib
import socket
import ssl
import tempfile
import threading
import time

from conftest import Exchange
from zones import free_port, name_server

WAIT_SECONDS = 30
LOOK_SECONDS = 0.02  # how long it is looked whether a client says more than it may
ALICE, BOB = Exchange.ALICE, Exchange.BOB
ALL = ("PIPELINING", "8BITMIME", "SIZE", "DSN", "ENHANCEDSTATUSCODES")
# Parameters of MAIL and RCPT and what the server must have offered.
PARAMETERS = {"SIZE": "SIZE", "BODY": "8BITMIME", "RET": "DSN", "ENVID": "DSN", "NOTIFY": "DSN", "ORCPT": "DSN",
              "SMTPUTF8": "SMTPUTF8", "REQUIRETLS": "REQUIRETLS", "AUTH": "AUTH"}
LAST_IN_A_GROUP = ("EHLO", "HELO", "DATA", "VRFY", "EXPN", "QUIT", "NOOP", "STARTTLS", "AUTH")


def eventually(condition, what):
    end = time.monotonic() + WAIT_SECONDS
    while not (got := condition()):
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.03)
    return got


class Letter:
    """A transaction that reached the end of its text, with whatever that was answered."""

    def __init__(self, session):
        self.mail, self.rcpts, self.tls = session.mail, list(session.accepted), session.tls
        self.text, self.by, self.answer = b"", "DATA", None

    @property
    def options(self):
        """MAIL's parameters: {keyword: value or None}."""
        return parameters(self.mail)

    def message(self):
        return email.message_from_bytes(self.text, policy=email.policy.default)


def parameters(line):
    words = re.sub(r"^[^<]*<(?:\"(?:\\.|[^\"\\])*\"|[^\">])*> ?", "", line).split(" ")
    return {w.partition("=")[0].upper(): w.partition("=")[2] or None for w in words if w}


def path(line):
    """What stands between MAIL's or RCPT's brackets."""
    return re.match(r"[^<]*<((?:\"(?:\\.|[^\"\\])*\"|[^\">])*)>", line)[1]


class Session:
    """One connection. `heard` has its lines, without those of texts."""

    def __init__(self, peer, connection, source):
        self.peer, self.connection, self.source, self.held, self.gone = peer, connection, source, b"", False
        self.tls, self.server_name, self.heard, self.ended = False, None, [], None
        self.offered, self.hello, self.mail, self.accepted = {}, None, None, []
        self.chunks, self.chunk_failed, self.said_goodbye = b"", False, False

    def fault(self, text):
        self.peer.faults.append(f"{text} (heard: {self.heard[-6:]})")

    # ---- octets ----

    def fill(self, seconds):
        """Whether something more came within that time."""
        self.connection.settimeout(seconds)
        try:
            got = self.connection.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            got = b""
        self.held += got
        self.gone |= not got
        return bool(got)

    def more(self):
        return bool(self.held) or self.fill(LOOK_SECONDS)

    def line(self):
        while b"\n" not in self.held:
            if self.gone or not self.fill(60):
                return None
        line, _, self.held = self.held.partition(b"\n")
        return line + b"\n"

    def exactly(self, count):
        while len(self.held) < count:
            if self.gone or not self.fill(60):
                return None
        got, self.held = self.held[:count], self.held[count:]
        return got

    def say(self, text):
        if text == "CLOSE":
            self.said_goodbye = True
            raise ConnectionAbortedError
        if text is None:
            return
        octets = text.encode("latin-1")
        self.connection.settimeout(60)
        self.connection.sendall(octets if octets.endswith(b"\n") else octets + b"\r\n")
        self.said_goodbye |= octets.startswith((b"221", b"421"))

    # ---- commands ----

    def serve(self):
        if self.more():
            self.fault("it speaks before the greeting")
        self.say(self.peer.answer(self, "GREETING", "") or "220 peer.example ESMTP")
        while (octets := self.line()) is not None:
            line = octets.decode("latin-1").rstrip("\r\n")
            self.heard.append(line)
            verb = line.split(" ")[0].upper()
            self.check(octets, line, verb)
            if not self.act(verb, line):
                self.ended = "quit"
                return
        self.ended = "closed"
        if not self.said_goodbye and not self.peer.closing and self.hello and not self.peer.leaving_is_right:
            self.fault("it closes without QUIT")

    def check(self, octets, line, verb):
        if not octets.endswith(b"\r\n") or b"\r" in octets[:-2] or b"\0" in octets:
            self.fault(f"a line that is none: {octets!r}")
        options = parameters(line) if verb in ("MAIL", "RCPT") else {}
        if len(octets) > (512 if not options else 512 + 26 + 20 + 500 + 100 + 500 + 10):
            self.fault(f"a line of {len(octets)} octets")
        utf8 = "SMTPUTF8" in (options if verb == "MAIL" else parameters(self.mail or ""))
        if not octets.isascii() and not (utf8 and verb in ("MAIL", "RCPT")):
            self.fault(f"it is not ASCII: {octets!r}")
        for keyword in options:
            if PARAMETERS.get(keyword, "?") not in self.offered:
                self.fault(f"{keyword} was not offered")
        if verb in ("MAIL", "RCPT", "DATA", "BDAT") and not self.hello:
            self.fault(f"{verb} before EHLO")
        if verb != "BDAT" and ("PIPELINING" not in self.offered or verb in LAST_IN_A_GROUP) and self.more():
            self.fault(f"more comes before the answer to {verb}: {self.held[:60]!r}")

    def act(self, verb, line):
        """Answers; False at the end."""
        if verb == "DATA" or verb == "BDAT":
            return self.data(line) if verb == "DATA" else self.bdat(line)
        reply = self.peer.answer(self, verb, line)
        if verb == "EHLO" and reply is None:
            offered = [e for e in self.peer.extensions if not (self.tls and e == "STARTTLS")]
            if self.tls and self.peer.extensions_tls is not None:
                offered = list(self.peer.extensions_tls)
            lines = ["peer.example greets you", *offered]
            reply = "\r\n".join(f"250{' ' if i + 1 == len(lines) else '-'}{one}" for i, one in enumerate(lines))
        reply = reply or {"QUIT": "221 2.0.0 peer.example bye", "STARTTLS": "220 2.0.0 go"}.get(verb, "250 2.0.0 ok")
        if verb == "RCPT" and self.mail is None:
            reply = "503 5.5.1 MAIL first"
        reply, wire = reply if isinstance(reply, tuple) else (reply, reply)
        good = reply[:1] == "2"
        if verb in ("EHLO", "HELO") and good:
            keywords = [w[4:].split(" ")[0].upper() for w in reply.split("\r\n")[1:]] if verb == "EHLO" else []
            self.hello, self.offered, self.mail, self.accepted = verb, dict.fromkeys(keywords), None, []
        elif verb == "MAIL":
            self.mail, self.accepted, self.chunks, self.chunk_failed = line if good else None, [], b"", False
        elif verb == "RCPT" and good:
            self.accepted.append(line)
        elif verb == "RSET":
            self.mail, self.accepted, self.chunks, self.chunk_failed = None, [], b"", False
        self.say(wire)
        if verb == "STARTTLS" and good:
            self.start_tls()
        return verb != "QUIT" or not good

    def start_tls(self):
        def named(connection, name, _):
            connection.named = name
        self.peer.tls.sni_callback = named  # the same, whose context it is
        self.connection.settimeout(20)
        self.connection = self.peer.tls.wrap_socket(self.connection, server_side=True)
        self.server_name = getattr(self.connection, "named", None)
        self.peer.open.append(self.connection)
        self.tls, self.hello, self.offered, self.held = True, None, {}, b""

    def data(self, line):
        reply = self.peer.answer(self, "DATA", line) or ("354 go on" if self.accepted else "554 5.5.1 no recipients")
        reply, wire = reply if isinstance(reply, tuple) else (reply, reply)
        self.say(wire)
        if reply[:1] != "3":
            return True
        letter, text = Letter(self), b""
        while (octets := self.line()) != b".\r\n":
            if octets is None:
                return False
            text += octets[1:] if octets.startswith(b".") else octets
            if b"\0" in octets or not octets.endswith(b"\r\n") or b"\r" in octets[:-2]:
                self.fault(f"a line of text that is none: {octets[:80]!r}")
        return self.end(letter, text)

    def bdat(self, line):
        words = line.split(" ")
        octets = self.exactly(int(words[1]))
        if octets is None:
            return False
        if "CHUNKING" not in self.offered:
            self.fault("BDAT was not offered")
        if self.chunk_failed and "PIPELINING" not in self.offered:  # with it there may be some on their way already
            self.fault("a chunk behind a refused one")
        reply = self.peer.answer(self, "BDAT", line) or "250 2.0.0 ok"
        self.chunks, self.chunk_failed = self.chunks + octets, reply[0] != "2"
        if self.chunk_failed or words[-1].upper() != "LAST":
            self.say(reply)
            return True
        letter = Letter(self)
        letter.by = "BDAT"
        if re.search(rb"(?<!\r)\n|\r(?!\n)|\0", self.chunks):
            self.fault("chunks with bare CR, LF or NUL")
        return self.end(letter, self.chunks)

    def end(self, letter, text):
        letter.text = text
        options = letter.options if letter.mail else {}
        if letter.rcpts:
            if not text.isascii() and (options.get("BODY") or "").upper() != "8BITMIME":
                self.fault("octets with the high bit and no BODY=8BITMIME")
            if "SIZE" in options and int(options["SIZE"]) < len(text):
                self.fault(f"{len(text)} octets, but SIZE={options['SIZE']}")
        if self.more() and "PIPELINING" not in self.offered:
            self.fault("more comes before the answer to the text")
        letter.answer = self.peer.answer(self, "END", "") or "250 2.0.0 taken"
        self.peer.letters.append(letter)
        self.mail, self.accepted = None, []
        self.say(letter.answer)
        return True


class Peer:
    """A server at an address. replies: {verb, GREETING or END: a reply, a list of them one after the other whose last one
    stays, or a function (session, line) of them}; None is the usual one, and CLOSE ends the connection instead. A function may
    give two: what it is, and what is said of it now, which may be None."""

    def __init__(self, address, port, extensions=ALL, extensions_tls=None, replies=None, tls=None, leaving_is_right=False):
        self.address, self.extensions, self.extensions_tls = address, list(extensions), extensions_tls
        self.replies, self.tls, self.leaving_is_right = dict(replies or {}), tls, leaving_is_right
        if tls and "STARTTLS" not in self.extensions:
            self.extensions.append("STARTTLS")
        self.sessions, self.letters, self.faults, self.open, self.closing = [], [], [], [], False
        self.lock = threading.Lock()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family, backlog=100)
        threading.Thread(target=self.accept, daemon=True).start()

    def answer(self, session, verb, line):
        found = self.replies.get(verb)
        if isinstance(found, list):
            with self.lock:
                found = found.pop(0) if len(found) > 1 else found[0]
        return found(session, line) if callable(found) else found

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, source = self.listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.open.append(connection)
                session = Session(self, connection, source[0])
                self.sessions.append(session)
                threading.Thread(target=self.run, args=(session,), daemon=True).start()

    def run(self, session):
        try:
            session.serve()
        except (OSError, ssl.SSLError):
            session.ended = session.ended or "broken"
        except Exception as error:  # of this file: a test must not wait for what never comes
            session.fault(f"{error!r}")
            raise
        finally:
            with contextlib.suppress(OSError):
                session.connection.shutdown(socket.SHUT_RDWR)
            session.connection.close()

    @property
    def heard(self):
        return [line for s in list(self.sessions) for line in list(s.heard)]

    def said(self, verb):
        return [line for line in self.heard if line.upper().startswith(verb)]

    def close(self):
        self.closing = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class World:
    """An exchange that sends on, and places for servers: each test takes domains and addresses that no other has."""

    ZONE, HOST = "rules.example", "a.host.example"

    def __init__(self, folder, port):
        self.folder, self.port, self.placed, self.peers, self.a = pathlib.Path(folder), port, 0, [], None

    # ---- servers ----

    def place(self, **how):
        """A server that is the only host of a domain of its own: (peer, domain)."""
        self.placed += 1
        assert self.placed < PLACES, "PLACES is too small"
        return self.at(address(self.placed), **how), f"d{self.placed}.{self.ZONE}"

    def at(self, where, **how):
        self.peers.append(Peer(where, self.port, **how))
        return self.peers[-1]

    def faults(self):
        return [fault for peer in self.peers for fault in peer.faults]

    # ---- mail ----

    def client(self, who=ALICE):
        smtp = smtplib.SMTP_SSL("localhost", self.a.port("submissions"), context=unnamed(self.a.tls()), timeout=30)
        smtp.login(who, self.a.password(who))
        smtp.command_encoding = "utf-8"
        return smtp

    def submit(self, to, text=None, mail="", subject="rules", who=ALICE):
        """to: addresses, or (address, parameters of RCPT); text: octets with CR LF."""
        text = text if text is not None else letter(subject, who=who)
        with self.client(who) as smtp:
            smtp.ehlo()
            said(smtp.docmd(f"MAIL FROM:<{who}>{mail and ' ' + mail}"))
            for one in [to] if isinstance(to, str) else to:
                where, options = (one, "") if isinstance(one, str) else one
                said(smtp.docmd(f"RCPT TO:<{where}>{options and ' ' + options}"))
            said(smtp.data(text))

    def stranger(self, to, text, sender, mail="", helo="client.example.net"):
        """The same from another server."""
        with smtplib.SMTP("127.0.0.1", self.a.port("smtp"), local_hostname=helo, timeout=30) as smtp:
            smtp.ehlo()
            smtp.command_encoding = "utf-8"
            said(smtp.docmd(f"MAIL FROM:<{sender}>{mail and ' ' + mail}"))
            for one in [to] if isinstance(to, str) else to:
                where, options = (one, "") if isinstance(one, str) else one
                said(smtp.docmd(f"RCPT TO:<{where}>{options and ' ' + options}"))
            said(smtp.data(text))

    def arrives(self, peer, count=1):
        """The letters that a server has taken or refused at their end, once there are so many."""
        eventually(lambda: len(peer.letters) >= count, lambda: f"{peer.heard}\n{peer.faults}\n{self.tail()}")
        return list(peer.letters)

    def tail(self):
        return "".join(line for line in self.a.log().splitlines(True) if re.search("queue[.]|relay[.]|smtp[.]", line))[-6000:]

    def logged(self, *words):
        """What became of it stands in the log: queue.settled and relay.answered."""
        return eventually(lambda: [line for line in self.a.log().splitlines() if all(w in line for w in words)],
                          lambda: f"nothing of {words}:\n{self.tail()}")

    def answered(self, to, result):
        """to: an address, or @domain."""
        return self.logged(f"relay.answered result={result}", to)

    def queued(self, domain):
        """What the operator is told of mail that waits for a domain."""
        return "".join(line for line in self.a.run("queue", "list").stdout.splitlines(True) if f"@{domain}" in line)

    def waits(self, domain, *says):
        """It is neither delivered nor given up, and one attempt at least was made."""
        return eventually(lambda: (q := self.queued(domain)) and "next try" in q and all(w in q for w in says) and q,
                          lambda: f"{self.queued(domain)}\n{self.tail()}")

    def gone(self, domain):
        eventually(lambda: not self.queued(domain), lambda: f"{self.queued(domain)}\n{self.tail()}")

    def retried(self, what, condition):
        """As soon as it is tried again; what was being put off just then is asked for once more."""
        def tried():
            self.a.run("queue", "retry", what, check=False)
            end = time.monotonic() + 2
            while time.monotonic() < end:
                if got := condition():
                    return got
                time.sleep(0.03)
            return None
        return eventually(tried, self.tail)

    def is_answered(self, to, result):
        return any(f"relay.answered result={result}" in line and to in line for line in self.a.log().splitlines())

    def inbox(self, who, *search):
        with imaplib.IMAP4_SSL("localhost", self.a.port("imaps"), ssl_context=unnamed(self.a.tls())) as imap:
            imap.login(who, self.a.password(who))
            imap.select("INBOX", readonly=True)
            numbers = imap.search(None, *(search or ("ALL",)))[1][0].split()
            return [imap.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in numbers]

    def reports(self, domain, who=ALICE):
        """Reports to somebody here of which a group is about an address in that domain: their octets."""
        found = self.inbox(who, "TEXT", f'"{domain}"')
        return [raw for raw in found if b"multipart/report" in raw
                and re.search(rb"(?im)^(Final|Original)-Recipient:.*" + re.escape(domain.encode()), raw)]

    def report(self, domain, who=ALICE):
        """The one report about that domain."""
        (raw,) = eventually(lambda: self.reports(domain, who), lambda: f"no report about {domain}\n{self.tail()}")
        return raw

    # ---- a letter to a server of its own, and what becomes of it ----

    def one(self, text=None, mail="", options="", local="x", **how):
        """A letter to a server that does this: (peer, domain)."""
        peer, domain = self.place(**how)
        self.submit([(f"{local}@{domain}", options)], text, mail)
        return peer, domain

    def taken(self, text=None, mail="", options="", local="x", **how):
        """It takes it: (peer, the one letter)."""
        peer, domain = self.one(text, mail, options, local, **how)
        (got,) = self.arrives(peer)
        self.answered(f"@{domain}", "sent")
        assert self.reports(domain) == []
        return peer, got

    def refused(self, text=None, mail="", options="", **how):
        """It is given up at once: (peer, the report)."""
        peer, domain = self.one(text, mail, options, **how)
        report = self.report(domain)
        assert not self.queued(domain)
        return peer, report

    def deferred(self, **how):
        """It waits, and nobody is told anything: (peer, domain)."""
        peer, domain = self.one(**how)
        self.waits(domain)
        assert self.reports(domain) == []
        return peer, domain


PLACES = 400


def address(number):
    return f"127.0.{70 + number // 250}.{1 + number % 250}"


def unnamed(context):
    """It is another host's certificate."""
    context.check_hostname = False
    return context


def said(answer):
    code, text = answer
    assert 200 <= code < 300, (code, text)


def letter(subject="rules", body=b"Text of it.\r\n", more=b"", who=ALICE):
    return (b"From: <%s>\r\nTo: <x@rules.example>\r\nSubject: %s\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n"
            b"Message-ID: <%d@example.org>\r\n%s\r\n%s" % (who.encode(), subject.encode(), time.monotonic_ns(), more, body))


def places_zone():
    return "".join(f"d{n} 60 IN MX 10 mx.d{n}\nmx.d{n} 60 IN A {address(n)}\n" for n in range(1, PLACES))


@contextlib.contextmanager
def world(zones=None, settings=None, rules="", signed=None):
    """zones: {name: lines} beside the places' own, or a function of the port that makes them; rules: lines more of that zone. signed: as in zones.name_server."""
    folder = tempfile.mkdtemp(prefix="ll-st-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        w = World(folder, free_port())
        made = {World.ZONE: places_zone() + rules, "host.example": "a 60 IN A 127.0.0.1\n", **(zones(w.port) if callable(zones) else zones or {})}
        w.dns_folder = w.folder / "dns"
        w.dns = stack.enter_context(name_server(w.dns_folder, made, signed=signed))
        if signed:
            (w.folder / "anchors").write_text("".join(signed.values()))
        (w.folder / "a").mkdir()
        w.a = Exchange(w.folder / "a", {
            "resolvers": f'{{ "127.0.0.1@{w.dns}" }}', "dnssec_anchors": f'"{w.folder}/anchors"' if signed else '""',
            "relay_port": w.port, "hostname": f'"{World.HOST}"', "account_messages_hour": 0, **(settings or {})})
        stack.callback(w.a.stop)
        stack.callback(lambda: [p.close() for p in w.peers])
        w.a.start()
        yield w
