# SPDX-License-Identifier: ISC
"""SMTP's extensions against the running daemon with other people's programs: smtplib (SMTPUTF8, DSN), msmtp (AUTH, TLS),
Exim (CHUNKING)."""
import base64
import email.message
import email.policy
import imaplib
import os
import pathlib
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import Exchange
from test_smtp import inbox, signed_in, submission, with_subject

UMLAUT = "b\u00fccher@example.org"
A_LABEL = "xn--bcher-kva.example"
U_LABEL = "b\u00fccher.example"


@pytest.fixture(scope="module")
def server():
    with tempfile.TemporaryDirectory(prefix="letterlock-e2e-") as folder:
        one = Exchange(folder, {"domains": f'{{ "example.org", "{A_LABEL}" }}'})
        one.account_add(UMLAUT, "nine black cats")
        one.account_add(f"carol@{A_LABEL}", "two red foxes")
        one.start()
        try:
            yield one
        finally:
            one.stop()


def test_what_is_announced(server):
    for port, more in (("smtp", {"starttls"}), ("submission", {"starttls"}), ("submissions", {"auth", "requiretls"})):
        connection = submission(server) if port == "submissions" else smtplib.SMTP("localhost", server.port(port), timeout=20)
        with connection as client:
            client.ehlo()
            assert set(client.esmtp_features) == {"pipelining", "size", "8bitmime", "smtputf8", "chunking", "dsn", "limits",
                                                  "enhancedstatuscodes"} | more
            assert client.esmtp_features["limits"] == "RCPTMAX=1000" and client.esmtp_features["smtputf8"] == ""


def test_rcptmax_is_true(server):
    with smtplib.SMTP("localhost", server.port("smtp"), timeout=60) as client:
        client.ehlo()
        client.mail("carol@example.net")
        for _ in range(1000):
            assert client.rcpt("bob@example.org")[0] == 250
        code, text = client.rcpt("bob@example.org")
        assert code == 452 and text.startswith(b"4.5.3")


# ---- SMTPUTF8 ----

def plain(server, address):
    return f"\0{address}\0{server.password(address)}".encode()


def utf8_inbox(server, address):
    with imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=server.tls()) as imap:
        imap.authenticate("PLAIN", lambda _: plain(server, address))
        imap.select("INBOX", readonly=True)
        return [email.message_from_bytes(part[1], policy=email.policy.SMTPUTF8)
                for part in imap.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(part, tuple)]


def test_utf8_by_smtplib(server):
    """An address and a header outside of ASCII, to one that is and one that is not, and back."""
    letter = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
    letter["From"], letter["To"], letter["Subject"] = "alice@example.org", UMLAUT, "\u03b4\u03bf\u03ba"
    letter.set_content("Gr\u00fc\u00dfe\n", cte="8bit")
    with signed_in(server) as client:
        assert client.send_message(letter, to_addrs=[UMLAUT, "bob@example.org"]) == {}
    for address in (UMLAUT, server.BOB):
        (got,) = [m for m in utf8_inbox(server, address) if m["From"] == "alice@example.org"]
        assert " with UTF8SMTPSA id " in got["Received"]
        assert got.get_payload(decode=True).decode().strip() == "Gr\u00fc\u00dfe"
        assert got["Subject"] == "\u03b4\u03bf\u03ba"
    with submission(server) as client:
        client.ehlo()  # Python's login() knows ASCII only
        assert client.docmd("AUTH", "PLAIN " + base64.b64encode(plain(server, UMLAUT)).decode())[0] == 235
        client.command_encoding = "utf-8"
        assert client.mail(UMLAUT)[0] == 550
        assert client.mail(UMLAUT, ["SMTPUTF8", "BODY=8BITMIME"])[0] == 250
        assert client.rcpt(server.ALICE)[0] == 250
        assert client.data(f"From: {UMLAUT}\r\nSubject: back\r\n\r\nx\r\n".encode())[0] == 250
    (got,) = [m for m in utf8_inbox(server, server.ALICE) if m["Subject"] == "back"]
    assert got["Return-Path"] == f"<{UMLAUT}>" and got["From"] == UMLAUT


def test_utf8_domains_are_their_a_labels(server):
    with smtplib.SMTP("localhost", server.port("smtp"), timeout=20) as client:
        client.ehlo()
        client.command_encoding = "utf-8"
        client.mail("dave@example.net", ["SMTPUTF8"])
        for address, code in ((f"carol@{U_LABEL}", 250), (f"carol@{U_LABEL.upper()}", 250), (f"carol@{A_LABEL}", 250),
                              (f"nobody@{U_LABEL}", 550), ("b\u0075\u0308cher@example.org", 250), ("B\u00fccher@example.org", 250)):
            assert client.rcpt(address)[0] == code, address
        assert client.data(b"Subject: labels\r\n\r\nx\r\n")[0] == 250
    assert len(with_subject(server, f"carol@{A_LABEL}", "labels")) == 1


# ---- DSN ----

def test_a_report_of_delivery(server):
    with signed_in(server) as client:
        client.ehlo()
        client.mail(server.ALICE, ["RET=HDRS", "ENVID=of+2Bmine"])
        client.rcpt("bob+box@example.org", ["NOTIFY=SUCCESS", "ORCPT=rfc822;bob+2Bbox@example.org"])
        client.rcpt(server.ALICE, ["NOTIFY=NEVER"])
        assert client.data(b"From: alice@example.org\r\nSubject: tell me\r\nX-Mine: yes\r\n\r\nsecret text\r\n")[0] == 250
    (report,) = [m for m in inbox(server, server.ALICE) if m.get_content_type() == "multipart/report"]
    assert report["Return-Path"] == "<>" and report["To"] == "<alice@example.org>" and report["Auto-Submitted"] == "auto-generated"
    assert report.get_param("report-type") == "delivery-status" and not report.defects
    words, status, header = report.get_payload()
    assert (words.get_content_type(), status.get_content_type(), header.get_content_type()) == (
        "text/plain", "message/delivery-status", "text/rfc822-headers")
    of_message, of_bob = status.get_payload()
    assert of_message["Original-Envelope-Id"] == "of+mine" and of_message["Reporting-MTA"] == "dns;localhost"
    assert of_bob["Original-Recipient"] == "rfc822;bob+box@example.org" and of_bob["Action"] == "delivered"
    assert of_bob["Final-Recipient"] == "rfc822;bob+box@example.org" and of_bob["Status"].startswith("2.")
    assert "X-Mine: yes" in header.get_payload() and "secret text" not in str(report)


# ---- other people's senders ----

def test_msmtp(server, tmp_path):
    if shutil.which("msmtp") is None:
        pytest.skip("msmtp is not installed")
    for port, start, mechanism in (("submission", "on", "plain"), ("submissions", "off", "plain"), ("submissions", "off", "on")):
        done = subprocess.run(["msmtp", "--host=localhost", f"--port={server.port(port)}", "--tls=on", f"--tls-starttls={start}",
                               f"--tls-trust-file={server.certificate}", f"--auth={mechanism}", f"--user={server.ALICE}",
                               f"--passwordeval=echo '{server.password(server.ALICE)}'", f"--from={server.ALICE}",
                               "--dsn-notify=success,failure", "--dsn-return=headers", server.BOB],
                              input=b"From: alice@example.org\nSubject: by msmtp\n\n.dot\nx\n", capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
    got = with_subject(server, server.BOB, "by msmtp")
    assert len(got) == 3 and all(m.get_payload() == ".dot\r\nx\r\n" for m in got)
    assert all("127.0.0.1" not in str(m) for m in got)
    wrong = subprocess.run(["msmtp", "--host=localhost", f"--port={server.port('submissions')}", "--tls=on", "--tls-starttls=off",
                            f"--tls-trust-file={server.certificate}", "--auth=plain", f"--user={server.ALICE}",
                            "--passwordeval=echo wrong", f"--from={server.ALICE}", server.BOB], input=b"x\n", capture_output=True)
    assert wrong.returncode != 0 and b"535" in wrong.stderr


class Exim:
    """Debian's Exim, beside the system's mail server, as a sender to one port."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.script = pathlib.Path(os.environ.get("LETTERLOCK_TESTDATA", "/nowhere")) / "peers" / "exim.sh"
        if not self.script.exists() or os.geteuid() != 0:
            pytest.skip("Exim is started by a script in LETTERLOCK_TESTDATA, as root")
        self.environment = {**os.environ, "PEER_DIR": folder, "PORT": "0", "NUSERS": "1"}
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.environment["PORT"] = str(s.getsockname()[1])
        done = subprocess.run([self.script, "up"], env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"Exim does not start: {done.stderr[-300:]}")

    def send_to(self, port, sender, recipients, text):
        config = self.folder / "root" / "etc" / "exim4" / "exim4.conf"
        whole = config.read_text()
        head = whole[:whole.index("begin routers")]
        config.write_text(head + f"""begin routers
out:
  driver = manualroute
  transport = out
  route_list = * 127.0.0.1
  self = send
begin transports
out:
  driver = smtp
  port = {port}
  allow_localhost
  hosts_try_chunking = *
begin retry
* * F,1h,15m
""")
        try:
            return subprocess.run([self.folder / "ns", "exim4", "-odf", "-oi", "-f", sender, *recipients], input=text,
                                  capture_output=True, timeout=60)
        finally:
            config.write_text(whole)

    def log(self):
        return (self.folder / "log" / "mainlog").read_text()

    def stop(self):
        subprocess.run([self.script, "down"], env=self.environment, check=True, timeout=60)


def test_exim_sends_by_bdat(server):
    """Small, large, of several recipients with one unknown, with dots that begin lines. K in its log is for CHUNKING."""
    with tempfile.TemporaryDirectory(prefix="letterlock-exim-", ignore_cleanup_errors=True) as folder:
        exim = Exim(folder)
        try:
            bodies = {"small": b"Hello\n.\n..\n.dot\n", "large": b"." + b"a line of text \xc3\xa4\n" * 200000}
            for name, body in bodies.items():
                done = exim.send_to(server.port("smtp"), "dave@example.net", [server.BOB, "nobody@example.org", server.ALICE],
                                    b"From: dave@example.net\nSubject: exim " + name.encode() + b"\n\n" + body)
                assert b"5.1.1" in done.stderr + exim.log().encode()
                for address in (server.BOB, server.ALICE):
                    end = time.monotonic() + 20
                    while not (got := with_subject(server, address, f"exim {name}")):
                        assert time.monotonic() < end, exim.log()
                        time.sleep(0.2)
                    assert got[0].get_payload(decode=True) == body.replace(b"\n", b"\r\n")
            sent = [line for line in exim.log().splitlines() if "=> bob@example.org" in line]
            assert len(sent) == 2 and all(" K " in line for line in sent), exim.log()
        finally:
            exim.stop()
