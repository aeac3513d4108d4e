# SPDX-License-Identifier: ISC
"""POP3 with other people's programs: fetchmail, getmail6 and mpop keep and delete, and know in their second run what they
have; Dovecot answers the same about the same maildrop. What is not installed is skipped."""
import imaplib
import mailbox
import os
import poplib
import shutil
import socket
import ssl
import subprocess

import pytest

from conftest import ROOT

LETTERS = [b"From: a@example.net\r\nTo: alice@example.org\r\nSubject: letter %d\r\nMessage-ID: <%d@example.net>\r\n"
           b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\n.begins with a dot\r\n..\r\n.\r\nFrom here on\r\n" % (n, n) +
           b"line of letter %d\r\n" % n * (n * 400) for n in range(1, 6)]
PEERS = os.environ.get("LETTERLOCK_TESTDATA", str(ROOT.parent / "shared")) + "/peers/dovecot.sh"


def box(exchange):
    imap = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=60)
    imap.login(exchange.ALICE, exchange.password(exchange.ALICE))
    return imap


@pytest.fixture
def full(exchange):
    """Alice's INBOX with LETTERS; a function that counts what is there."""
    imap = box(exchange)
    if imap.select("INBOX")[1] != [b"0"]:
        imap.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        imap.expunge()
    for one in LETTERS:
        imap.append("INBOX", None, None, one)
    imap.logout()

    def count(add=()):
        with box(exchange) as mail:
            for one in add:
                mail.append("INBOX", None, None, one)
            return int(mail.select("INBOX")[1][0])
    return count


def needs(program):
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")


def bodies(folder):
    """What was delivered to a Maildir, by Message-ID, without what the programs put in front."""
    found = {}
    for message in mailbox.Maildir(folder, create=False):
        raw = message.as_bytes()
        found[message["Message-ID"]] = raw.split(b"\n\n", 1)[1]
    return found


WANT = {f"<{n}@example.net>": one.split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n") for n, one in enumerate(LETTERS, 1)}


def maildir(tmp_path):
    folder = tmp_path / "mail"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return folder


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def delivery(tmp_path, folder):
    """A delivery agent that knows nothing: one file a message."""
    mda = private(tmp_path / "mda", f'#!/bin/sh\nexec cat >"$(mktemp {folder}/new/XXXXXXXX)"\n')
    mda.chmod(0o700)
    return mda


# ---- the programs ----

class Fetchmail:
    name = "fetchmail"

    def __init__(self, exchange, tmp_path, tls):
        self.folder = maildir(tmp_path)
        mda = delivery(tmp_path, self.folder)
        port, how = (exchange.port("pop3s"), "ssl") if tls else (exchange.port("pop3"), 'sslproto "TLS1.2+"')
        self.rc = private(tmp_path / "rc", f'''poll localhost service {port} protocol pop3 uidl timeout 60
    user "{exchange.ALICE}" there with password "{exchange.password(exchange.ALICE)}" is "{os.environ.get("USER", "root")}" here
    {how} sslcertck sslcertfile "{exchange.certificate}" mda "{mda}"
''')
        self.env = {**os.environ, "HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)}

    def run(self, keep):
        done = subprocess.run(["fetchmail", "-f", str(self.rc), "--nodetach", "--nosyslog", "-v", "--keep" if keep else "--nokeep",
                               "--pidfile", str(self.rc.parent / "pid")], env=self.env, capture_output=True, timeout=120,
                              check=False)
        assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: there was nothing new
        return done.stdout


class Getmail:
    name = "getmail"

    def __init__(self, exchange, tmp_path, tls):
        self.folder, self.dir = maildir(tmp_path), tmp_path / "getmail"
        self.dir.mkdir(mode=0o700)
        if not tls:
            pytest.skip("getmail6's STLS checks no certificate")
        self.text = f'''[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = {exchange.port("pop3s")}
username = {exchange.ALICE}
password = {exchange.password(exchange.ALICE)}
ca_certs = {exchange.certificate}
[destination]
type = MDA_external
path = {delivery(tmp_path, self.folder)}
allow_root_commands = true
[options]
read_all = false
delivered_to = false
received = false
'''

    def run(self, keep):
        rc = private(self.dir / "rc", self.text + f"delete = {'false' if keep else 'true'}\n")
        done = subprocess.run(["getmail", "--getmaildir", str(self.dir), "--rcfile", str(rc)], capture_output=True, timeout=120,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Mpop:
    name = "mpop"

    def __init__(self, exchange, tmp_path, tls):
        self.folder = maildir(tmp_path)
        port, start = (exchange.port("pop3s"), "off") if tls else (exchange.port("pop3"), "on")
        self.rc = private(tmp_path / "rc", f'''account default
host localhost
port {port}
user {exchange.ALICE}
password {exchange.password(exchange.ALICE)}
tls on
tls_starttls {start}
tls_trust_file {exchange.certificate}
delivery maildir {self.folder}
uidls_file {tmp_path}/uidls
only_new on
received_header off
''')

    def run(self, keep):
        done = subprocess.run(["mpop", f"--file={self.rc}", f"--keep={'on' if keep else 'off'}"], capture_output=True, timeout=120,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "STLS"])
@pytest.mark.parametrize("program", [Fetchmail, Getmail, Mpop], ids=lambda p: p.name)
def test_keep_and_delete(exchange, full, tmp_path, program, tls):
    """Two runs that keep bring every letter once; one that deletes empties the maildrop; a new letter comes alone."""
    needs(program.name)
    client = program(exchange, tmp_path, tls)
    client.run(keep=True)
    assert bodies(client.folder) == WANT and full() == len(LETTERS)
    client.run(keep=True)
    assert len(list((client.folder / "new").iterdir())) == len(LETTERS) and full() == len(LETTERS)
    one = LETTERS[0].replace(b"<1@", b"<new@")
    assert full(add=[one]) == len(LETTERS) + 1
    client.run(keep=True)
    assert bodies(client.folder) == {**WANT, "<new@example.net>": WANT["<1@example.net>"]}
    assert len(list((client.folder / "new").iterdir())) == len(LETTERS) + 1
    client.run(keep=False)
    left = full()
    if program is Fetchmail:  # it deletes what it fetches, and it had these
        assert left in (0, len(LETTERS) + 1)
    else:
        assert left == 0
    assert len(list((client.folder / "new").iterdir())) == len(LETTERS) + 1


@pytest.mark.parametrize("program", [Fetchmail, Getmail, Mpop], ids=lambda p: p.name)
def test_delete_at_once(exchange, full, tmp_path, program):
    needs(program.name)
    client = program(exchange, tmp_path, True)
    client.run(keep=False)
    assert bodies(client.folder) == WANT and full() == 0
    client.run(keep=False)
    assert len(list((client.folder / "new").iterdir())) == len(LETTERS)


# ---- Dovecot ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def dovecot(tmp_path_factory):
    """Dovecot with an empty Maildir; (port of POP3S, its Maildir, what its files must belong to)."""
    if os.geteuid() != 0 or not os.path.exists(PEERS):
        pytest.skip("Dovecot runs in a mount namespace of its own: root and LETTERLOCK_TESTDATA are needed")
    folder = tmp_path_factory.mktemp("dovecot")
    for at in (folder, *folder.parents):
        if str(at).startswith("/tmp/"):
            at.chmod(0o755)
    ports = {name: free_port() for name in ("IMAP", "IMAPS", "POP3", "POP3S", "LMTP")}
    env = dict(os.environ, PEER_DIR=str(folder), NUSERS="1", DOMAIN="peer.test", **{k: str(v) for k, v in ports.items()})
    up = subprocess.run([PEERS, "up"], env=env, capture_output=True, text=True, timeout=300, check=False)
    if up.returncode != 0:
        pytest.skip(f"Dovecot does not start here: {up.stderr.strip()[-200:]}")
    try:
        yield ports["POP3S"], folder
    finally:
        subprocess.run([PEERS, "down"], env=env, capture_output=True, timeout=60, check=False)


def answers(pop, count):
    """Everything that the standard fixes: sums, sizes, octets, lines."""
    said = {"stat": pop.stat(), "list": pop.list()[1], "unique": len({line.split()[1] for line in pop.uidl()[1]})}
    for n in range(1, count + 1):
        said[n] = (pop.list(n).split()[1:], pop.retr(n)[1], [pop.top(n, lines)[1] for lines in (0, 1, 2, 5, 1000)])
    pop.dele(2)
    said["marked"] = (pop.stat(), pop.list()[1])
    for call in (lambda: pop.retr(2), lambda: pop.retr(count + 1), lambda: pop.retr(0), lambda: pop.top(2, 1), lambda: pop.dele(2),
                 lambda: pop.list(2), lambda: pop.uidl(2), lambda: pop._shortcmd("XYZZY"), lambda: pop._shortcmd("STLS"),
                 lambda: pop._shortcmd("USER x"), lambda: pop._shortcmd("RETR"), lambda: pop._shortcmd("TOP 1")):
        with pytest.raises(poplib.error_proto) as caught:
            call()
        assert caught.value.args[0].startswith(b"-ERR")
    pop.rset()
    said["again"] = pop.stat()
    pop.quit()
    return said


def test_dovecot_says_the_same(exchange, full, dovecot, tmp_path):
    port, folder = dovecot
    odd = [b"Subject: x\r\n\r\n", b"Subject: only a header\r\n", b"Subject: x\r\n\r\n.\r\n", b"Subject: x\r\n\r\n\r\n\r\n.\r\n..\r\n\r\n",
           b"Subject: 8bit\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9\xff\r\n", b"Subject: x\r\n\r\n" + b"y" * 1900 + b"\r\n" + b"." * 1900 + b"\r\n"]
    letters = LETTERS + odd
    full(add=odd)
    row = (folder / "conf" / "users").read_text().splitlines()[0].split(":")
    home = folder / "home" / "user0"
    for name in ("", "cur", "new", "tmp"):
        (home / "maildir" / name).mkdir(parents=True, exist_ok=True)
    for n, one in enumerate(letters):
        plain = one.replace(b"\r\n", b"\n")
        (home / "maildir" / "cur" / f"1700000000.M{n:06}P1.test,S={len(plain)},W={len(one)}:2,").write_bytes(plain)
    for at, folders, files in os.walk(home):
        for path in [at, *(os.path.join(at, name) for name in folders + files)]:
            os.chown(path, int(row[2]), int(row[3]))
    said = []
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for where, tls, user, secret in ((exchange.port("pop3s"), exchange.tls(), exchange.ALICE, exchange.password(exchange.ALICE)),
                                     (port, context, "user0@peer.test", "pass")):
        pop = poplib.POP3_SSL("localhost", where, context=tls, timeout=60)
        assert {"TOP", "UIDL", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE", "USER", "SASL"} <= set(pop.capa())
        pop.user(user)
        pop.pass_(secret)
        said.append(answers(pop, len(letters)))
    for what in said[0]:
        assert said[0][what] == said[1][what], what
    assert said[0]["stat"] == (len(letters), sum(map(len, letters)))
