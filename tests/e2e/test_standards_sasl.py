# SPDX-License-Identifier: ISC
"""SASL clause by clause, from RFC 4422, 4616, 5802, 7677, by bare sockets over submission and POP3: exchanges that are
cut, doubled, twisted, and what they tell a stranger. gsasl and others are in test_signin.py."""
import base64
import hashlib
import hmac
import re
import subprocess

import pytest

from conftest import Exchange
from standards import Pop, Smtp


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Exchange(tmp_path_factory.mktemp("standards"), {"connections_peer": "400"})
    one.start()
    one.word = one.run("account", "app-password", "add", one.ALICE, "device").stdout.strip()
    # Wrong passwords slow down the next ones of the same account: where many are tried, each has an account of its own.
    one.people = iter(range(1000))
    yield one
    one.stop()


def person(server, device=False):
    """Another account: its address, its password, and an app password when one is wanted."""
    address = f"user{next(server.people)}@example.org"
    server.account_add(address, "four green apples")
    word = server.run("account", "app-password", "add", address, "device").stdout.strip() if device else ""
    return address.encode(), b"four green apples", word


def b64(octets):
    return base64.b64encode(octets)


class Exchanged:
    """One exchange on a new connection: what the server says to each message, decoded; at the end the status line."""

    def __init__(self, server, port, mechanism, first=None):
        self.port = port
        self.wire = Smtp(server, "submissions", sign_in=False, elsewhere=True) if port == "submissions" else Pop(server, elsewhere=True)
        self.wire.send(b"AUTH " + mechanism + (b" " + (b64(first) or b"=") if first is not None else b"") + b"\r\n")
        self.challenge = self.read()

    def read(self):
        line = self.wire.line()
        start = b"334 " if self.port == "submissions" else b"+ "
        self.status = None if line.startswith(start) else line
        return base64.b64decode(line[len(start):], validate=False) if self.status is None else None

    def answer(self, octets):
        self.wire.send(b64(octets) + b"\r\n")
        self.challenge = self.read()
        return self.challenge

    @property
    def good(self):
        return self.status is not None and self.status.startswith((b"235 ", b"+OK"))

    @property
    def bad(self):
        return self.status is not None and self.status.startswith((b"5", b"-ERR"))

    def wrong(self):
        """Refused for the credentials, and not for its form."""
        return self.bad and (b"5.7.8" in self.status or b"[AUTH]" in self.status)

    def malformed(self):
        return self.bad and not self.wrong()

    def close(self):
        self.wire.close()


PORTS = ("submissions", "pop3s")


def scram(server, port, password, gs2=b"n,,", user=b"alice@example.org", change=None, final=None):
    """A client of RFC 5802 that can be told to change its last message."""
    bare = b"n=" + user + b",r=clientnonce"
    x = Exchanged(server, port, b"SCRAM-SHA-256", gs2 + bare)
    if x.challenge is None:
        return x
    nonce, salt, count = re.fullmatch(rb"r=(clientnonce[\x21-\x2b\x2d-\x7e]{16,}),s=([A-Za-z0-9+/=]+),i=(\d+)", x.challenge).groups()
    assert int(count) >= 4096  # RFC 7677 section 4
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(count))
    key = hmac.digest(salted, b"Client Key", "sha256")
    without = b"c=" + b64(gs2) + b",r=" + nonce
    if change:
        without = change(without)
    message = bare + b"," + x.challenge + b"," + without
    signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    last = without + b",p=" + b64(bytes(a ^ b for a, b in zip(key, signature)))
    x.answer(final(last) if final else last)
    x.server_signature = b"v=" + b64(hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256"))
    return x


@pytest.mark.parametrize("port", PORTS)
def test_scram_of_the_rfc(server, port):
    """5802 section 3: the server proves itself too; 5034 section 4, 4954 section 4: the last message has no answer but an empty one."""
    for gs2 in (b"n,,", b"n,a=alice@example.org,"):
        x = scram(server, port, server.word, gs2)
        assert x.challenge == x.server_signature
        x.answer(b"")
        assert x.good
        x.close()
    x = scram(server, port, server.word)
    assert x.answer(b"more") is None and x.bad  # nothing but nothing is an answer to the server's signature
    x.close()
    x = scram(server, port, server.word)
    x.wire.send(b"*\r\n")
    x.read()
    assert x.malformed()
    x.wire.send(b"NOOP\r\n" if port == "submissions" else b"STAT\r\n")
    assert x.wire.line().startswith(b"250 " if port == "submissions" else b"-ERR")
    x.close()


LAST = {"another nonce": lambda m: m.replace(b"r=clientnonce", b"r=otherclientn"), "a shorter nonce": lambda m: m[:-1],
        "another header": lambda m: m.replace(b"c=biws", b"c=eSws"), "binding that was not said": lambda m: m.replace(b"c=biws", b"c=biwsAAAA"),
        "no header": lambda m: m[m.index(b"r="):]}
FORMS = {"a proof cut": lambda m: m[:-4], "a proof of zeros": lambda m: m[:m.index(b",p=")] + b",p=" + b64(b"\0" * 32), "no proof": lambda m: m[:m.index(b",p=")],
         "two proofs": lambda m: m + m[m.index(b",p="):], "an octet behind it": lambda m: m + b"x", "NUL behind it": lambda m: m + b"\0",
         "a tab in base64": lambda m: m[:-4] + b"\t" + m[-4:], "padding in the middle": lambda m: m[:-8] + b"=" + m[-8:], "the order changed": lambda m: m[m.index(b"r="):] + b"," + m[:6],
         "a critical extension": lambda m: b"m=x," + m, "empty": lambda m: b"", "of 9000 octets": lambda m: m + b"," + b"x" * 9000}


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("name", [*LAST, *FORMS])
def test_scram_messages_that_are_twisted(server, port, name):
    """5802 section 5.1 and 7: each refused, whatever is right in it; the proof counts for the message as it was sent."""
    address, password, word = person(server, device=True)
    x = scram(server, port, word, user=address, change=LAST.get(name), final=FORMS.get(name))
    assert x.bad, (name, x.challenge, x.status)
    x.wire.send(b"AUTH PLAIN " + b64(b"\0" + address + b"\0" + password) + b"\r\n")
    assert x.wire.line().startswith((b"235 ", b"+OK"))
    x.close()


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("first", [b"", b"n", b"n,", b"n,,", b"n,,n=", b"n,,n=alice@example.org", b"n,,r=x,n=alice@example.org", b"n,,n=alice@example.org,r=", b"x,,n=a,r=x",
                                   b"n,b=x,n=a,r=x", b"n,,n=a=2c,r=x", b"n,,n=a=,r=x", b"n,,n=a\0b,r=x", b"n,,n=\xff,r=x", b"n,,n=a,r=x\x7f", b"n,,n=a,r=x y\0", b"p=,,n=a,r=x",
                                   b"p=tls-exporter,,n=a,r=x", b"y,,n=a,r=x", b"n,,m=x,n=a,r=x", b"n,,n=a,r=" + b"r" * 8000, b"n,,n=" + b"a" * 8000 + b",r=x"],
                         ids=lambda f: repr(f[:30]))
def test_scram_beginnings_that_are_none(server, port, first):
    """5802 sections 5.1, 6 and 7: refused at once; "y" too, for the server has -PLUS to offer and somebody has hidden it."""
    x = Exchanged(server, port, b"SCRAM-SHA-256", first)
    assert x.bad, (x.challenge, x.status)
    x.close()


def test_scram_tells_nobody_who_is_there(server):
    """5802 section 9, PITFALLS: of whom there is no account, or no verifier, there is a salt like any other, always the same; and
    who asks for another's mailbox gets the same salt as who does not, or the difference would tell."""
    def salt(user, gs2=b"n,,"):
        x = Exchanged(server, "submissions", b"SCRAM-SHA-256", gs2 + b"n=" + user + b",r=clientnonce")
        x.close()
        return re.sub(rb"r=[^,]*,", b"", x.challenge)

    salts = {}
    for user in (b"alice@example.org", b"bob@example.org", b"nobody@example.org", b"alice", b"alice+x@example.org"):
        salts[user] = salt(user)
        for other in (user, user.upper()):
            for gs2 in (b"n,,", b"n,a=alice@example.org,", b"n,a=bob@example.org,", b"n,a=nobody@example.org,", b"n,a=x,"):
                assert salt(other, gs2) == salts[user], (other, gs2)
    assert len(set(salts.values())) == len(salts) and len({re.sub(rb"s=[^,]+", b"", s) for s in salts.values()}) == 1
    assert len({len(s) for s in salts.values()}) == 1


@pytest.mark.parametrize("port", PORTS)
def test_nobody_acts_as_another(server, port):
    """4422 section 3.6, 4616 section 2: an authorization identity that is another's is refused, with the right password too."""
    for other in (b"bob@example.org", b"nobody@example.org"):
        address, password, word = person(server, device=True)
        x = scram(server, port, word, b"n,a=" + other + b",", address)
        assert x.wrong(), (other, x.challenge, x.status)
        x.close()
        for one in (word.encode(), password):
            x = Exchanged(server, port, b"PLAIN", other + b"\0" + address + b"\0" + one)
            assert x.wrong(), (other, x.status)
            x.close()
        x = Exchanged(server, port, b"PLAIN", address + b"\0" + address + b"\0" + password)
        assert x.good
        x.close()


@pytest.mark.parametrize("port", PORTS)
def test_plain_and_login_as_they_are_written(server, port):
    """4616 section 2: three parts, none but the first empty, UTF-8, no NUL; LOGIN in its two steps, its first with and without."""
    address, word, _ = person(server)
    for message in (b"", b"\0", b"\0\0", address, address + b"\0" + word, b"\0" + address + b"\0" + word + b"\0", b"\0" + address + b"\0",
                    b"\0\0" + word, b"\0" + address + b"\0\0" + word, b"\0" + address + b"\0\xff", b"\0\xff\0" + word, b"\0" + address + b"\0" + b"x" * 1025):
        x = Exchanged(server, port, b"PLAIN", message)
        assert x.bad, (message, x.status)
        x.close()
    for first in (None, address):
        for last, good in ((word, True), (b"", False), (word + b"\0", False)):
            x = Exchanged(server, port, b"login", first)
            if first is None:
                x.answer(address)
            assert x.challenge is not None and x.status is None
            x.answer(last)
            assert x.good == good and x.bad != good, (first, last, x.status)
            x.close()


def test_no_certificate_is_asked_of_clients(server):
    """RFC 8314 section 4.2: a server that signs nobody in by certificate must not ask for one."""
    for port in ("submissions", "imaps", "pop3s", "https"):
        for version in ("-tls1_2", "-tls1_3"):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(port)}", "-msg", version, "-CAfile", server.certificate],
                                  input=b"", capture_output=True, timeout=60)
            assert b"ServerHello" in done.stdout and b"CertificateRequest" not in done.stdout, (port, version)
