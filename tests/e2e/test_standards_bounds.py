# SPDX-License-Identifier: ISC
"""What a connection holds before anybody has signed in, on every protocol: lines without an end, commands without an end,
hundreds that say nothing. Memory is looked at; everybody is still answered."""
import time

import pytest

from conftest import Exchange
from standards import Wire, nothing_held_back, resident

COUNT = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Exchange(tmp_path_factory.mktemp("standards"), {"port_lmtp": "0", "connections_peer": "400"})
    one.start(environment=nothing_held_back())
    yield one
    one.stop()


LINES = [("smtp", b"EHLO "), ("smtp", b"EHLO x\r\nMAIL FROM:<a@example.net> ENVID="), ("smtp", b"EHLO x\r\nBDAT "), ("submissions", b"EHLO x\r\nAUTH PLAIN "),
         ("submissions", b"EHLO x\r\nAUTH PLAIN\r\n"), ("lmtp", b"LHLO "), ("pop3", b"USER "), ("pop3s", b"AUTH PLAIN "), ("pop3s", b"AUTH PLAIN\r\n"),
         ("imap", b"a LOGIN "), ("imaps", b"a AUTHENTICATE PLAIN "), ("imaps", b"a AUTHENTICATE PLAIN\r\n"), ("imap", b"a ID ("), ("http", b"GET /"),
         ("http", b"GET / HTTP/1.1\r\nHost: x\r\nX: "), ("https", b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: example.org\r\nContent-Length: 2000000\r\n\r\n")]


@pytest.mark.parametrize("port, first", LINES, ids=[f"{p}-{f[:28].decode()!r}" for p, f in LINES])
def test_lines_without_end(server, port, first):
    """A mebibyte without CR LF from each of many: skipped as it comes, refused, or the end of the connection."""
    kinds = ("front", "mx", "web", "auth", "mail")
    what = first + b"a" * (1 << 20)

    def send(octets):
        connections = [Wire(server, port, tls=port in ("submissions", "pop3s", "imaps", "https")) for _ in range(COUNT)]
        for s in connections:
            try:
                s.send(octets)
            except OSError:
                pass
        return connections

    for s in send(first):  # what is allocated once
        s.close()
    before = resident(server, *kinds)
    held, most = send(what), 0
    for _ in range(4):
        most = max(most, resident(server, *kinds) - before)
        time.sleep(0.05)
    for s in held:
        s.close()
    assert most < COUNT * 224, "kibibytes"
