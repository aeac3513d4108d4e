# SPDX-License-Identifier: ISC
"""Signing in as other people's programs do it: gsasl, msmtp, swaks, curl, imaplib; app passwords and OAuth tokens."""
import base64
import hashlib
import hmac
import imaplib
import json
import os
import poplib
import re
import select
import signal
import smtplib
import socket
import ssl
import subprocess
import threading
import time

import pytest

from conftest import Exchange

GSASL_SECONDS = 30
SCRAM = ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]


def app_password(exchange, name, *options, address=Exchange.ALICE):
    done = exchange.run("account", "app-password", "add", address, name, *options)
    password = done.stdout.strip()
    assert re.fullmatch(r"(?:[a-z0-9]{4}-){6}[a-z0-9]{4}", password), done.stdout
    return password


@pytest.fixture(scope="module")
def app(exchange):
    return app_password(exchange, "gsasl", "--protocols", "imap,smtp")


def eventually(look, seconds=10):
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def have(program):
    if subprocess.run(["which", program], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"no {program} here")


def gsasl(protocol, port, ca, mechanism, address, password, *options):
    """gsasl against a port with STARTTLS: its exit status and all that it said."""
    have("gsasl")
    command = ["gsasl", "--client", f"--{protocol}", f"--connect=localhost:{port}", f"--x509-ca-file={ca}", "-m", mechanism,
               "-a", address, "-p", password, *options]
    if mechanism == "PLAIN":
        command += ["-z", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GSASL_SECONDS, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout + done.stderr


def imap(exchange, address, password):
    """The answer to LOGIN: OK, or NO with its text."""
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as session:
        try:
            return session.login(address, password)[0]
        except imaplib.IMAP4.error as refused:
            return str(refused)


def smtp(exchange, address, password):
    with smtplib.SMTP_SSL("localhost", exchange.port("submissions"), context=exchange.tls()) as session:
        session.ehlo("client.example")
        return session.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{address}\0{password}".encode()).decode())[0]


# ---- gsasl ----

@pytest.mark.parametrize("protocol,port", [("imap", "imap"), ("smtp", "submission")])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", *SCRAM])
def test_gsasl(exchange, app, mechanism, protocol, port):
    options = ["--no-cb"] if mechanism == "SCRAM-SHA-256" else []
    status, said = gsasl(protocol, exchange.port(port), exchange.certificate, mechanism, exchange.ALICE, app, *options)
    assert status == 0, said
    assert "finished (server trusted)" in said
    if mechanism == "SCRAM-SHA-256-PLUS":  # RFC 9266's is what it takes over TLS 1.3
        assert base64.b64encode(b"p=tls-exporter,,n=alice@example.org")[:40].decode() in said
    accepted = [line for line in exchange.log().splitlines() if "auth.accepted" in line][-1]
    assert f"protocol={protocol}" in accepted and f"mechanism={mechanism}" in accepted and "app_password=gsasl" in accepted


@pytest.mark.parametrize("mechanism", SCRAM)
def test_gsasl_wrong(exchange, app, mechanism):
    """An app password that is none, the account's own password (which has no SCRAM verifier), and nobody: all alike."""
    answers = set()
    for address, password in [(exchange.ALICE, "no" + app[2:]), (exchange.ALICE, exchange.password(exchange.ALICE)),
                              ("nobody@example.org", app)]:
        options = ["--no-cb"] if mechanism == "SCRAM-SHA-256" else []
        status, said = gsasl("imap", exchange.port("imap"), exchange.certificate, mechanism, address, password, *options)
        assert status != 0, said
        answers.update(line for line in said.splitlines() if line.startswith(". NO"))
    assert answers == {". NO [AUTHENTICATIONFAILED] Wrong address or password."}


def salt_of(exchange, protocol, name, authorize=""):
    """What SCRAM is told first: salt and count."""
    first = base64.b64encode(f"n,{authorize},n={name},r=abcdefgh".encode())
    with exchange.connect({"imap": "imaps", "smtp": "submissions", "pop3": "pop3s"}[protocol], tls=True) as s:
        lines = s.makefile("rb")
        lines.readline()
        if protocol == "smtp":
            s.sendall(b"EHLO x\r\n")
            while lines.readline()[3:4] == b"-":
                pass
        s.sendall({"imap": b"a AUTHENTICATE SCRAM-SHA-256 ", "smtp": b"AUTH SCRAM-SHA-256 ", "pop3": b"AUTH SCRAM-SHA-256 "}[protocol] +
                  first + b"\r\n")
        line = lines.readline()
        assert line.startswith((b"+ ", b"334 ")), line
        return base64.b64decode(line.split(b" ")[1]).decode().split(",", 1)[1]


def test_pitfall_9_a_salt_is_the_same_everywhere(exchange):
    """One that depended on the spelling, the protocol or whom to act as would tell real accounts from others."""
    app_password(exchange, "phone", "--protocols", "pop3", address=exchange.BOB)
    for spellings in (["nobody@example.org", "NoBody@EXAMPLE.org"], ["nobody@xn--bcher-kva.example", "nobody@b\u00fccher.example"],
                      ["jos\u00e9@example.org", "jose\u0301@example.org"], [exchange.BOB, exchange.BOB.upper()]):
        told = {salt_of(exchange, protocol, name, authorize) for protocol in ("imap", "smtp", "pop3") for name in spellings
                for authorize in ("", "a=someone@example.org")}
        assert len(told) == 1, (spellings, told)
    assert salt_of(exchange, "imap", "nobody@example.org") != salt_of(exchange, "imap", exchange.BOB)


class Middle:
    """Between a client and us, with a certificate of its own that the client believes: TLS ends and begins anew here."""

    def __init__(self, exchange, folder):
        self.ca = folder / "middle.pem"
        key = folder / "middle.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", self.ca],
                       check=True, capture_output=True)
        self.server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_side.load_cert_chain(self.ca, key)
        self.exchange = exchange
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.relay, args=(client,), daemon=True).start()

    def relay(self, client):
        server = self.exchange.connect("imap")
        server.setblocking(True)
        lines = client.makefile("rb"), server.makefile("rb")
        client.sendall(lines[1].readline())
        while line := lines[0].readline():
            server.sendall(line)
            while True:
                answer = lines[1].readline()
                client.sendall(answer)
                if not answer.startswith(b"* "):
                    break
            if b"STARTTLS" in line:
                break
        client = self.server_side.wrap_socket(client, server_side=True)
        server = self.exchange.tls().wrap_socket(server, server_hostname="localhost")
        self.pump(client, server)

    @staticmethod
    def pump(one, other):
        """Both ways in one thread: two must not use one TLS connection."""
        ways = {one: other, other: one}
        try:
            while True:
                for source in select.select(list(ways), [], [])[0]:
                    source.setblocking(False)
                    try:
                        data = source.recv(65536)
                    except ssl.SSLWantReadError:
                        continue
                    finally:
                        source.setblocking(True)
                    if not data:
                        return
                    ways[source].sendall(data)
        except OSError:
            pass
        finally:
            one.close()
            other.close()


def test_pitfall_in_the_middle(exchange, app, tmp_path):
    """Somebody between client and server whose certificate the client believes: PLAIN shows him the password; with -PLUS the
    proof is worth nothing on his other connection, and without it the client's word that it could have bound is enough."""
    middle = Middle(exchange, tmp_path)
    status, said = gsasl("imap", middle.port, middle.ca, "PLAIN", exchange.ALICE, app)
    assert status == 0, said
    before = exchange.log().count("auth.accepted")
    status, said = gsasl("imap", middle.port, middle.ca, "SCRAM-SHA-256-PLUS", exchange.ALICE, app)
    assert status != 0 and "NO [AUTHENTICATIONFAILED]" in said, said
    middle.socket.close()
    assert exchange.log().count("auth.accepted") == before
    refused = [line for line in exchange.log().splitlines() if "auth.refused" in line][-1]
    assert "mechanism=SCRAM-SHA-256-PLUS" in refused and "bound to another channel" in refused


# ---- tls-server-end-point, which gsasl does not have: hashlib's SCRAM ----

def scram(session, address, password, kind, data):
    """An AUTHENTICATE of an imaplib session: its tagged answer's type."""
    nonce = base64.b64encode(os.urandom(18)).decode()
    bare = f"n={address},r={nonce}"
    header = f"p={kind},,"
    state = {}

    def step(challenge):
        challenge = challenge.decode()
        if not challenge:
            return (header + bare).encode()
        if challenge.startswith("v="):
            assert challenge[2:] == base64.b64encode(state["server"]).decode()
            return b""
        values = dict(part.split("=", 1) for part in challenge.split(","))
        assert values["r"].startswith(nonce)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(values["s"]), int(values["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        binding = base64.b64encode(header.encode() + data).decode()
        final = f"c={binding},r={values['r']}"
        message = f"{bare},{challenge},{final}".encode()
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.sha256(key).digest(), message, "sha256")))
        state["server"] = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        return f"{final},p={base64.b64encode(proof).decode()}".encode()

    try:
        return session.authenticate("SCRAM-SHA-256-PLUS", step)[0]
    except imaplib.IMAP4.error as refused:
        return str(refused)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_end_point(fresh_exchange, tmp_path, digest):
    """The hash is that of the certificate's signature (RFC 5929 section 4.1)."""
    subprocess.run(["openssl", "req", "-x509", f"-{digest}", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
                   check=True, capture_output=True)
    exchange = fresh_exchange({"tls_certificate": f'"{tmp_path}/cert.pem"', "tls_key": f'"{tmp_path}/key.pem"'})
    password = app_password(exchange, "phone")
    context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    for name, want in [(digest, True), ("sha256" if digest != "sha256" else "sha512", False)]:
        with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=context) as session:
            data = hashlib.new(name, session.sock.getpeercert(binary_form=True)).digest()
            answer = scram(session, exchange.ALICE, password, "tls-server-end-point", data)
            assert (answer == "OK") == want, answer


# ---- others ----

LETTER = "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: x\r\n\r\nx\r\n"


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
def test_msmtp(exchange, app, mechanism):
    have("msmtp")
    if mechanism not in subprocess.run(["msmtp", "--version"], capture_output=True, text=True, check=True).stdout.lower():
        pytest.skip(f"this msmtp has no {mechanism}")
    command = ["msmtp", "--host=localhost", f"--port={exchange.port('submissions')}", "--tls=on", "--tls-starttls=off",
               f"--tls-trust-file={exchange.certificate}", f"--auth={mechanism}", f"--user={exchange.ALICE}",
               f"--passwordeval=echo {app}", f"--from={exchange.ALICE}", exchange.BOB]
    done = subprocess.run(command, input=LETTER.encode(), capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks(exchange, app, mechanism):
    have("swaks")
    command = ["swaks", "--server", "localhost", "--port", str(exchange.port("submission")), "-tls", "--tls-ca-path",
               exchange.certificate, "--auth", mechanism, "--auth-user", exchange.ALICE, "--auth-password", app, "--quit-after",
               "AUTH"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"AUTH {mechanism}" in done.stdout


def curl(exchange, url, *options):
    command = ["curl", "-sS", "--cacert", exchange.certificate, *options, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_curl(exchange, app, mechanism):
    if mechanism.startswith("SCRAM") and "gsasl" not in subprocess.run(["curl", "-V"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("this curl has no SCRAM")
    done = curl(exchange, f"imaps://localhost:{exchange.port('imaps')}/", "-u", f"{exchange.ALICE}:{app}", "--login-options",
                f"AUTH={mechanism}", "-X", "NOOP")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_over_pop3(exchange, app, mechanism):
    """AUTH with an app password; one that is not for POP3 gets nobody in."""
    url = f"pop3s://localhost:{exchange.port('pop3s')}/"
    secret = app_password(exchange, f"pop3 {mechanism}", "--protocols", "pop3")
    done = curl(exchange, url, "-u", f"{exchange.ALICE}:{secret}", "--login-options", f"AUTH={mechanism}")
    assert done.returncode == 0, done.stderr
    accepted = [line for line in exchange.log().splitlines() if "auth.accepted" in line][-1]
    assert "protocol=pop3" in accepted and f"mechanism={mechanism}" in accepted and f'"pop3 {mechanism}"' in accepted
    done = curl(exchange, url, "-u", f"{exchange.ALICE}:{app}", "--login-options", f"AUTH={mechanism}")
    assert done.returncode == 67, done.stderr


def test_poplib(exchange, app):
    secret = app_password(exchange, "pop3", "--protocols", "pop3")
    for password, want in ((secret, True), (app, False), (exchange.password(exchange.ALICE), True)):
        session = poplib.POP3_SSL("localhost", exchange.port("pop3s"), context=exchange.tls())
        session.user(exchange.ALICE)
        try:
            answer = session.pass_(password).decode()
        except poplib.error_proto as refused:
            answer = str(refused)
        assert ("+OK" in answer) == want and ("[AUTH]" in answer) != want, answer
        session.close()


# ---- app passwords ----

def listed(exchange, address=Exchange.ALICE):
    done = exchange.run("account", "app-password", "list", address, "--json")
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("served", [True, False])
def test_app_passwords(fresh_exchange, served):
    exchange = fresh_exchange({"postmaster": '"bob@example.org"'}, start=False)
    if served:
        exchange.start()
    begin = int(time.time())
    phone = app_password(exchange, "phone", "--protocols", "imap")
    printer = app_password(exchange, "printer", "--protocols", "smtp,pop3", "--expires", "2099-12-31")
    if not served:
        exchange.start()
    assert phone != printer
    rows = listed(exchange)
    assert list(rows) == ["phone", "printer"]
    assert rows["phone"]["protocols"] == ["imap"] and rows["printer"]["protocols"] == ["pop3", "smtp"]
    assert rows["phone"]["created"] >= begin and rows["phone"]["used"] == 0 and rows["phone"]["expires"] == 0
    assert time.gmtime(rows["printer"]["expires"])[:4] == (2100, 1, 1, 0)
    assert imap(exchange, exchange.ALICE, phone) == "OK" and smtp(exchange, exchange.ALICE, printer) == 235
    assert "AUTHENTICATIONFAILED" in imap(exchange, exchange.ALICE, printer)
    assert smtp(exchange, exchange.ALICE, phone) == 535
    assert "AUTHENTICATIONFAILED" in imap(exchange, exchange.BOB, phone)
    assert imap(exchange, exchange.ALICE, exchange.password(exchange.ALICE)) == "OK"
    assert listed(exchange)["phone"]["used"] >= begin
    text = exchange.run("account", "app-password", "list", exchange.ALICE).stdout
    assert "phone\timap\tcreated 2" in text and "expires never" in text and phone not in text
    # one is taken back; the other one, and the password, stay
    exchange.run("account", "app-password", "revoke", exchange.ALICE, "phone")
    assert "AUTHENTICATIONFAILED" in imap(exchange, exchange.ALICE, phone)
    assert smtp(exchange, exchange.ALICE, printer) == 235
    assert imap(exchange, exchange.ALICE, exchange.password(exchange.ALICE)) == "OK"
    # a new password leaves them alone
    exchange.run("account", "password", exchange.ALICE, secret="another one")
    assert smtp(exchange, exchange.ALICE, printer) == 235
    log = exchange.log()
    assert "app_password=printer" in log and "protocol=smtp" in log
    for secret in (phone, printer, exchange.password(exchange.ALICE)):
        assert secret not in log
    exchange.run("account", "remove", exchange.ALICE)
    assert smtp(exchange, exchange.ALICE, printer) == 535


def test_a_revoked_one_ends_no_session(exchange):
    """Nobody gets in with it any more; who is in stays until the session ends."""
    password = app_password(exchange, "short")
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as session:
        session.login(exchange.ALICE, password)
        done = exchange.run("account", "app-password", "revoke", exchange.ALICE, "short")
        assert "until they end" in done.stdout
        assert session.noop()[0] == "OK"
        assert "AUTHENTICATIONFAILED" in imap(exchange, exchange.ALICE, password)


BAD_WORDS = [
    (["add", "alice@example.org"], 2, "app-password add ADDRESS NAME"),
    (["add", "nobody@example.org", "x"], 1, "no such account"),
    (["add", "alice@example.org", "x", "--protocols", "imap,telnet"], 2, "imap, pop3, smtp and http"),
    (["add", "alice@example.org", "x", "--protocols", ""], 2, "names none"),
    (["add", "alice@example.org", "x", "--expires", "tomorrow"], 2, "2027-01-31"),
    (["add", "alice@example.org", "x", "--expires", "2026-02-30"], 2, "2027-01-31"),
    (["add", "alice@example.org", "x", "--expires", "2001-01-01"], 2, "is over"),
    (["add", "alice@example.org", ""], 2, "1 to 64 octets"),
    (["add", "alice@example.org", "a\nb"], 2, "control"),
    (["add", "alice@example.org", "gsasl"], 1, "already"),
    (["revoke", "alice@example.org", "x"], 1, "no app password of that name"),
    (["revoke", "alice@example.org"], 2, "revoke ADDRESS NAME"),
]


@pytest.mark.parametrize("words,status,text", BAD_WORDS)
def test_bad_words(exchange, app, words, status, text):
    done = exchange.run("account", "app-password", *words, check=False)
    assert done.returncode == status and text in done.stderr, done.stderr
    assert app not in done.stdout


def test_main_password(fresh_exchange):
    """With scram_main_password the account's own password has a verifier too, which goes with it."""
    exchange = fresh_exchange({"scram_main_password": "true"})
    secret = exchange.password(exchange.ALICE)
    for mechanism in ("SCRAM-SHA-256-PLUS", "PLAIN"):
        status, said = gsasl("imap", exchange.port("imap"), exchange.certificate, mechanism, exchange.ALICE, secret)
        assert status == 0, said
    app = app_password(exchange, "phone")
    for password in (app, secret):
        status, said = gsasl("imap", exchange.port("imap"), exchange.certificate, "SCRAM-SHA-256-PLUS", exchange.ALICE, password)
        assert status == 0, said
    exchange.run("account", "password", exchange.ALICE, secret="quite another")
    for password, want in ((secret, False), ("quite another", True), (app, True)):
        status, said = gsasl("imap", exchange.port("imap"), exchange.certificate, "SCRAM-SHA-256-PLUS", exchange.ALICE, password)
        assert (status == 0) == want, said
    assert list(listed(exchange)) == ["phone"]


# ---- tokens: signed by Python's cryptography and PyJWT ----

ISSUER, AUDIENCE = "https://id.example", "mail.example"


class Issuer:
    def __init__(self, folder):
        self.jwt = pytest.importorskip("jwt")
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # pylint: disable=import-outside-toplevel
        self.keys = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1()),
                     "EdDSA": ed25519.Ed25519PrivateKey.generate()}
        self.folder = folder

    def jwks(self):
        path = self.folder / "keys.json"
        path.write_text(json.dumps({"keys": [self.jwk(name) for name in self.keys]}))
        return path

    def pem(self):
        from cryptography.hazmat.primitives import serialization as s  # pylint: disable=import-outside-toplevel
        path = self.folder / "keys.pem"
        path.write_bytes(b"".join(k.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
                                  for k in self.keys.values()))
        return path

    def jwk(self, name):
        public = self.keys[name].public_key()
        if name == "EdDSA":
            from cryptography.hazmat.primitives import serialization as s  # pylint: disable=import-outside-toplevel
            raw = public.public_bytes(s.Encoding.Raw, s.PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "kid": name, "x": base64.urlsafe_b64encode(raw).decode().rstrip("=")}
        if name == "ES256":
            numbers = public.public_numbers()
            half = [base64.urlsafe_b64encode(n.to_bytes(32, "big")).decode().rstrip("=") for n in (numbers.x, numbers.y)]
            return {"kty": "EC", "crv": "P-256", "kid": name, "x": half[0], "y": half[1], "use": "sig"}
        return {**json.loads(self.jwt.algorithms.RSAAlgorithm.to_jwk(public)), "kid": name}

    def token(self, algorithm="ES256", headers=None, key=None, without=(), **claims):
        now = int(time.time())
        body = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 300, "iat": now, "email": Exchange.ALICE, "sub": "17", **claims}
        for name in without:
            del body[name]
        head = {"typ": "at+jwt", "kid": algorithm, **(headers or {})}
        return self.jwt.encode(body, key or self.keys[algorithm], algorithm=algorithm, headers=head)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer"))


def oauth_settings(keys):
    return {"oauth_keys": f'"{keys}"', "oauth_issuer": f'"{ISSUER}"', "oauth_audience": f'"{AUDIENCE}"',
            "oauth_scope": '"mail"', "oauth_discovery": '"https://id.example/.well-known/openid-configuration"'}


@pytest.fixture(scope="module")
def oauth(issuer, tmp_path_factory):
    one = Exchange(tmp_path_factory.mktemp("oauth"), oauth_settings(issuer.jwks())).start()
    yield one
    one.stop()


def bearer(exchange, mechanism, address, token):
    """By imaplib: the answer, and the server's error challenge."""
    told = []

    def step(challenge):
        if challenge:
            told.append(json.loads(challenge))
            return b"\x01" if mechanism == "OAUTHBEARER" else b""
        if mechanism == "XOAUTH2":
            return f"user={address}\x01auth=Bearer {token}\x01\x01".encode()
        return f"n,a={address},\x01host=localhost\x01port=993\x01auth=Bearer {token}\x01\x01".encode()

    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as session:
        try:
            return session.authenticate(mechanism, step)[0], told
        except imaplib.IMAP4.error as refused:
            return str(refused), told


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_tokens(oauth, issuer, algorithm, mechanism):
    assert bearer(oauth, mechanism, oauth.ALICE, issuer.token(algorithm)) == ("OK", [])
    assert f"mechanism={mechanism}" in [line for line in oauth.log().splitlines() if "auth.accepted" in line][-1]


def tampered(token):
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["email"] = Exchange.BOB
    return ".".join([head, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature])


def unsigned(issuer, algorithm="none"):
    head, body, _ = issuer.token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "at+jwt"}).encode()).decode().rstrip("=")
    return f"{head}.{body}."


def hmac_confused(issuer):
    """HS256 under the text of the public key, which everybody has."""
    head, body, _ = issuer.token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "at+jwt"}).encode()).decode().rstrip("=")
    mac = hmac.digest(issuer.pem().read_bytes(), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}." + base64.urlsafe_b64encode(mac).decode().rstrip("=")


BAD_TOKENS = {
    "expired": (lambda i: i.token(exp=int(time.time()) - 120), "expired"),
    "no end": (lambda i: i.token(without=["exp"]), "no end"),
    "not yet": (lambda i: i.token(nbf=int(time.time()) + 600), "not valid yet"),
    "issuer": (lambda i: i.token(iss="https://evil.example"), "issuer"),
    "no issuer": (lambda i: i.token(without=["iss"]), "issuer"),
    "audience": (lambda i: i.token(aud=["web.example", "api.example"]), "audience"),
    "no audience": (lambda i: i.token(without=["aud"]), "audience"),
    "no address": (lambda i: i.token(without=["email"]), "address"),
    "no address but a number": (lambda i: i.token(email=17), "address"),
    "not verified": (lambda i: i.token(email_verified=False), "verified"),
    "nobody's": (lambda i: i.token(email="nobody@example.org"), "another"),
    "another's": (lambda i: i.token(email=Exchange.BOB), "another"),
    "identity token": (lambda i: i.token(headers={"typ": "JWT"}), "typ"),
    "crit": (lambda i: i.token(headers={"crit": ["exp"]}), "crit"),
    "tampered": (lambda i: tampered(i.token()), "signed"),
    "none": (unsigned, "signed"),
    "None": (lambda i: unsigned(i, "None"), "signed"),
    "HMAC": (hmac_confused, "signed"),
    "another's key": (lambda i: i.token(key=Issuer(i.folder).keys["ES256"]), "signed"),
    "another kid": (lambda i: i.token(headers={"kid": "RS256"}), "signed"),
    "two parts": (lambda i: i.token().rsplit(".", 1)[0], "parts"),
    "no token": (lambda i: "x", "parts"),
    "exp as text": (lambda i: i.token(exp=str(int(time.time()) + 300)) if False else i.token(nbf="1"), "number"),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_bad_tokens(oauth, issuer, name):
    make, why = BAD_TOKENS[name]
    try:
        token = make(issuer)
    except TypeError:  # PyJWT looks at some itself
        pytest.skip("PyJWT makes no such token")
    answer, told = bearer(oauth, "OAUTHBEARER", oauth.ALICE, token)
    assert "AUTHENTICATIONFAILED" in answer, answer
    assert told == [{"status": "invalid_token", "scope": "mail",
                     "openid-configuration": "https://id.example/.well-known/openid-configuration"}]
    refused = [line for line in oauth.log().splitlines() if "auth.refused" in line][-1]
    assert why in refused and token[:20] not in refused, refused


def test_curl_with_a_token(oauth, issuer):
    for url in (f"imaps://localhost:{oauth.port('imaps')}/", f"smtps://localhost:{oauth.port('submissions')}/client.example"):
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            words = ("-u", oauth.ALICE, "--login-options", f"AUTH={mechanism}", "-X", "NOOP")
            done = curl(oauth, url, *words, "--oauth2-bearer", issuer.token())
            assert done.returncode == 0, done.stderr
            done = curl(oauth, url, *words, "--oauth2-bearer", issuer.token(aud="x"))
            assert done.returncode == 67, done.stderr  # login denied


@pytest.mark.parametrize("mechanism", ["oauthbearer", "xoauth2"])
def test_msmtp_with_a_token(oauth, issuer, mechanism):
    have("msmtp")
    command = ["msmtp", "--host=localhost", f"--port={oauth.port('submissions')}", "--tls=on", "--tls-starttls=off",
               f"--tls-trust-file={oauth.certificate}", f"--auth={mechanism}", f"--user={oauth.ALICE}",
               f"--passwordeval=echo {issuer.token()}", f"--from={oauth.ALICE}", oauth.BOB]
    done = subprocess.run(command, input=LETTER.encode(), capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_offered_only_when_configured(exchange, oauth):
    for one, want in ((exchange, False), (oauth, True)):
        with imaplib.IMAP4_SSL("localhost", one.port("imaps"), ssl_context=one.tls()) as session:
            assert ("AUTH=OAUTHBEARER" in session.capabilities and "AUTH=XOAUTH2" in session.capabilities) == want
            assert "AUTH=SCRAM-SHA-256-PLUS" in session.capabilities
        with smtplib.SMTP("localhost", one.port("submission")) as session:
            session.ehlo("client.example")
            assert "auth" not in session.esmtp_features  # RFC 4954 section 4: not without TLS
            session.starttls(context=one.tls())
            session.ehlo("client.example")
            assert ("OAUTHBEARER" in session.esmtp_features["auth"]) == want


@pytest.mark.parametrize("configured", [False, True])
def test_autoconfig_names_it_only_when_configured(exchange, oauth, configured):
    one = oauth if configured else exchange
    document = curl(one, f"https://localhost:{one.port('https')}/.well-known/autoconfig/mail/config-v1.1.xml").stdout
    servers = re.findall(r"<(?:incoming|outgoing)Server.*?</(?:incoming|outgoing)Server>", document, re.DOTALL)
    want = ["password-cleartext", "OAuth2"] if configured else ["password-cleartext"]
    assert servers and all(re.findall(r"<authentication>(.*?)<", server) == want for server in servers), document


def test_new_keys_at_once(fresh_exchange, issuer, tmp_path):
    """PEM keys; and SIGHUP takes a new file."""
    keys = tmp_path / "keys"
    keys.write_bytes(issuer.pem().read_bytes())
    exchange = fresh_exchange(oauth_settings(keys))
    for algorithm in issuer.keys:
        assert bearer(exchange, "OAUTHBEARER", exchange.ALICE, issuer.token(algorithm))[0] == "OK"
    other = Issuer(tmp_path)
    keys.write_bytes(other.pem().read_bytes())
    exchange.process.send_signal(signal.SIGHUP)
    eventually(lambda: "daemon.reloaded" in exchange.log())
    eventually(lambda: bearer(exchange, "OAUTHBEARER", exchange.ALICE, other.token())[0] == "OK")
    assert "FAILED" in bearer(exchange, "OAUTHBEARER", exchange.ALICE, issuer.token())[0]
    keys.write_text("{")
    exchange.process.send_signal(signal.SIGHUP)
    eventually(lambda: "daemon.not_reloaded" in exchange.log())
    assert bearer(exchange, "OAUTHBEARER", exchange.ALICE, other.token())[0] == "OK"


BAD_KEYS = [("", "PUBLIC KEY"), ("{}", "JWK set"), ('{"keys": []}', "no key"), ('{"keys": [{"kty": "oct", "k": "AAAA"}]}', "no key"),
            ('{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}', "2048"),
            ('{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}', "32 octets"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be read")]


@pytest.mark.parametrize("text,why", BAD_KEYS)
def test_bad_key_files(fresh_exchange, tmp_path, text, why):
    keys = tmp_path / "keys"
    keys.write_text(text)
    exchange = fresh_exchange(oauth_settings(keys), start=False)
    done = exchange.run("run", check=False)
    assert done.returncode != 0 and why in done.stderr and str(keys) in done.stderr, done.stderr
