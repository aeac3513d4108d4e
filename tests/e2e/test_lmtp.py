# SPDX-License-Identifier: ISC
"""LMTP (RFC 2033): Python's own client, and Debian's Postfix in front, over loopback and over a Unix socket."""
import os
import pathlib
import re
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import Exchange
from test_smtp import inbox, with_subject

LETTER = b"From: carol@example.net\r\nTo: bob@example.org\r\nSubject: %s\r\n\r\nHello\r\n"


@pytest.fixture(scope="module")
def server():
    """With LMTP on both, and users as the Postfix script has them: user2 is Postfix's, and not ours."""
    with tempfile.TemporaryDirectory(prefix="letterlock-lmtp-") as folder:
        os.chmod(folder, 0o755)
        home = pathlib.Path(folder) / "exchange"
        home.mkdir()
        one = Exchange(home, {"port_lmtp": "0", "lmtp_socket": f'"{folder}/lmtp"', "connections_peer": "6"})
        for n in range(2):
            one.account_add(f"user{n}@example.org", "seven white swans")
        one.unix = f"{folder}/lmtp"
        one.start()
        try:
            yield one
        finally:
            one.stop()


def over(server, way):
    return smtplib.LMTP(server.unix) if way == "unix" else smtplib.LMTP("127.0.0.1", server.port("lmtp"))


# ---- Python's client ----

@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_each_recipient_has_its_answer(server, way):
    subject = f"for two {way}".encode()
    with over(server, way) as front:
        front.ehlo()
        assert not front.has_extn("dsn") and not front.has_extn("auth")
        assert front.has_extn("chunking") and front.has_extn("smtputf8") and front.has_extn("limits")
        refused = front.sendmail("carol@example.net", ["bob@example.org", "nobody@example.org", "alice@example.org"],
                                 LETTER % subject)
        code, text = front.getreply()  # the second recipient's, which Python's client leaves there
        assert code == 250 and text.startswith(b"2.0.0 Kept as ")
    assert refused == {"nobody@example.org": (550, b"5.1.1 Nobody here has this address")}
    for address in (server.ALICE, server.BOB):
        (got,) = with_subject(server, address, subject.decode())
        assert got["Return-Path"] == "<carol@example.net>" and " with LMTP id " in got["Received"]
        assert ("([127.0.0.1])" in got["Received"]) == (way == "tcp") and "unknown" not in got["Received"]


@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_swaks(server, way):
    if shutil.which("swaks") is None:
        pytest.skip("swaks is not installed")
    place = ["--socket", server.unix] if way == "unix" else ["--server", f"127.0.0.1:{server.port('lmtp')}"]
    done = subprocess.run(["swaks", "--protocol", "LMTP", *place, "--from", "carol@example.net", "--to",
                           f"{server.ALICE},nobody@example.org,{server.BOB}", "--header", f"Subject: swaks {way}"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^<-  250 2\.0\.0 Kept as ", done.stdout, re.M)) == 2 and "550 5.1.1" in done.stdout
    for address in (server.ALICE, server.BOB):
        assert len(with_subject(server, address, f"swaks {way}")) == 1


def test_other_domains_and_nobody(server):
    with over(server, "tcp") as front:
        front.ehlo()
        assert front.mail("carol@example.net")[0] == 250
        code, text = front.rcpt("dave@example.com")
        assert code == 550 and text.startswith(b"5.7.1")
        assert front.docmd("DATA")[0] == 503


def test_starttls(server):
    with over(server, "tcp") as front:
        front.ehlo()
        code, text = front.docmd("STARTTLS")
        assert code == 220 and text.startswith(b"2.0.0")


# ---- who may connect ----

def test_off_unless_asked_for(exchange):
    assert "lmtp" not in exchange.ports


def test_loopback_unless_told_otherwise(fresh_exchange):
    exchange = fresh_exchange({"listen": '{ "0.0.0.0" }', "port_lmtp": "0"}, accounts=())
    socket.create_connection(("127.7.7.7", exchange.port("smtp")), timeout=5).close()
    socket.create_connection(("127.0.0.1", exchange.port("lmtp")), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.7.7.7", exchange.port("lmtp")), timeout=5)
    exchange = fresh_exchange({"port_lmtp": "0", "lmtp_listen": '{ "127.7.7.7" }'}, accounts=())
    socket.create_connection(("127.7.7.7", exchange.port("lmtp")), timeout=5).close()


def test_the_limit_of_an_address_does_not_block_it(server):
    """Six connections are what one address may have here: others use them up, and more than six come by LMTP."""
    held = [server.connect("smtp") for _ in range(6)]
    try:
        for s in held:
            assert s.recv(100).startswith(b"220 ")
        with server.connect("smtp") as late:
            assert late.recv(100).startswith(b"421 ")
        fronts = [over(server, way) for way in ("tcp", "unix") * 10]
        for front in fronts:
            assert front.noop()[0] == 250
            front.close()
    finally:
        for s in held:
            s.close()


def test_many_unknown_recipients_do_not_end_the_connection(server):
    """Who is in front passes on what strangers wrote: after hundreds of unknown addresses it still has its connection."""
    with over(server, "unix") as front:
        front.ehlo()
        for n in range(300):
            front.send(f"MAIL FROM:<carol@example.net>\r\nRCPT TO:<nobody{n}@example.org>\r\nDATA\r\nRSET\r\n")
            assert [front.getreply()[0] for _ in range(4)] == [250, 550, 503, 250]
        assert front.sendmail("carol@example.net", ["bob@example.org"], LETTER % b"after many") == {}
    assert len(with_subject(server, server.BOB, "after many")) == 1


def test_the_socket_is_made_anew(fresh_exchange):
    """What a server that was killed left behind is replaced; what is no socket stays."""
    with tempfile.TemporaryDirectory(prefix="letterlock-lmtp-") as folder:
        path = pathlib.Path(folder) / "lmtp"
        exchange = fresh_exchange({"lmtp_socket": f'"{path}"'}, start=False)
        path.write_text("a file")
        done = exchange.run("run", check=False)
        assert done.returncode != 0 and str(path) in done.stderr and path.read_text() == "a file"
        path.unlink()
        before = os.umask(0o077)
        try:
            exchange.start()
        finally:
            os.umask(before)
        assert path.is_socket() and path.stat().st_mode & 0o777 == 0o666
        exchange.kill()
        exchange.start()
        with smtplib.LMTP(str(path)) as front:
            assert front.sendmail("carol@example.net", [exchange.BOB], LETTER % b"again") == {}


# ---- Postfix in front ----

class Postfix:
    def __init__(self, folder, lmtp):
        script = pathlib.Path(os.environ.get("LETTERLOCK_TESTDATA", "/nowhere")) / "peers" / "postfix.sh"
        if not script.exists():
            pytest.skip("no script that starts Postfix in LETTERLOCK_TESTDATA")
        if os.geteuid() != 0:
            pytest.skip("starting Postfix beside the system's needs root")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder = pathlib.Path(folder)
        self.script = script
        self.environment = {**os.environ, "PEER_DIR": folder, "PORT": str(self.port), "DOMAIN": "example.org", "NUSERS": "3",
                            "LMTP": lmtp}
        done = subprocess.run([script, "up"], env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"Postfix does not start: {done.stderr[-300:]}")

    def command(self, *words):
        subprocess.run([self.folder / "ns", words[0], "-c", self.folder / "conf", *words[1:]], check=True, timeout=60)

    def log(self):
        return (self.folder / "log" / "maillog").read_text()

    def stop(self):
        subprocess.run([self.script, "down"], env=self.environment, check=True, timeout=60)


@pytest.fixture(scope="module")
def postfix(server):
    with tempfile.TemporaryDirectory(prefix="letterlock-postfix-", ignore_cleanup_errors=True) as folder:
        one = Postfix(folder, f"[127.0.0.1]:{server.port('lmtp')}")
        try:
            yield one
        finally:
            one.stop()


def eventually(test, seconds=30):
    end = time.monotonic() + seconds
    while not (got := test()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return got


def test_postfix_in_front(server, postfix):
    """Three recipients that Postfix takes, of which we do not know one: it bounces to the sender, and two have the message."""
    text = b"From: user0@example.org\r\nSubject: through postfix\r\n\r\n" + b"a line of text\r\n" * 20000
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as front:
        assert front.sendmail("user0@example.org", [f"user{n}@example.org" for n in range(3)], text) == {}
    for n in range(2):
        (got,) = eventually(lambda: with_subject(server, f"user{n}@example.org", "through postfix"))
        assert got.get_payload() == "a line of text\r\n" * 20000
        assert got["Return-Path"] == "<user0@example.org>"
        assert any(" with LMTP id " in r for r in got.get_all("Received"))
    (bounce,) = eventually(lambda: [m for m in inbox(server, "user0@example.org") if m.get_content_type() == "multipart/report"])
    assert "5.1.1" in str(bounce) and "user2@example.org" in str(bounce) and bounce["Return-Path"] == "<>"
    assert postfix.log().count("status=sent (250 2.0.0 Kept as") >= 2
    assert "status=bounced" in postfix.log()


def test_postfix_in_front_over_the_socket(server, postfix):
    postfix.command("postconf", "-e", f"virtual_transport=lmtp:unix:{server.unix}")
    postfix.command("postfix", "reload")
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as front:
        front.ehlo()
        front.mail("carol@example.net", ["SMTPUTF8"] if front.has_extn("smtputf8") else [])
        assert front.rcpt("user1@example.org", ["NOTIFY=SUCCESS,FAILURE"])[0] == 250
        assert front.data("From: carol@example.net\r\nSubject: by a socket\r\n\r\n\N{GREEK SMALL LETTER DELTA}\r\n".encode())[0] == 250
    (got,) = eventually(lambda: with_subject(server, "user1@example.org", "by a socket"))
    assert "LMTP id " in got.get_all("Received")[0]
