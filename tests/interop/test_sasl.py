# SPDX-License-Identifier: ISC
"""Both sides of SASL beside GNU SASL (gsasl), aiosasl and Python's own stringprep, hashlib and hmac.

sasl_tool is either side of ours on standard input and output, a line of base64 a message.
"""
import asyncio
import base64
import hashlib
import hmac
import random
import re
import shutil
import stringprep
import subprocess
import threading
import unicodedata

import pytest

from conftest import build_folder

SECONDS = 20
EXPORTER = bytes(range(32))
END_POINT = hashlib.sha256(b"a certificate").digest()
USER, PASSWORD = "user@example.org", "pencil with spaces"
PROMPT = re.compile(r"Enter base64 encoded tls-\S+ channel binding: ")


def encode(octets):
    return base64.b64encode(octets).decode()


@pytest.fixture(scope="module")
def tool():
    path = build_folder() / "tests" / "interop" / "sasl_tool"
    if not path.exists():
        pytest.skip("sasl_tool is not built")
    return str(path)


@pytest.fixture(scope="module")
def gsasl():
    if shutil.which("gsasl") is None:
        pytest.skip("gsasl is not installed (Debian package gsasl)")
    return "gsasl"


class Side:
    """A program that says a line and hears a line; killed when it takes too long, and at the end."""

    def __init__(self, *argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.timer = threading.Timer(SECONDS, self.process.kill)
        self.timer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.process.kill()
        self.process.communicate()

    def hears(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # what it says next tells

    def says(self):
        """The next line; None: nothing more."""
        line = PROMPT.sub("", self.process.stdout.readline())
        return line.rstrip("\n") if line else None


class GsaslClient(Side):
    def __init__(self, mechanism, password, exporter=b"", authorize=None):
        more = ["-z", authorize] if authorize else []
        super().__init__("gsasl", "--quiet", "--client", "-m", mechanism, "-a", USER, "-p", password, *more)
        assert self.says() == mechanism
        if mechanism.startswith("SCRAM"):
            self.hears(encode(exporter))
            if not exporter:
                self.hears("")  # tls-unique


class GsaslServer(Side):
    def __init__(self, mechanism, password, exporter=None):
        super().__init__("gsasl", "--quiet", "--server", "-m", mechanism, "-a", USER, "-p", password)
        assert self.says() == mechanism
        assert self.says() == ""  # the server has nothing to say first
        self.exporter = exporter

    def hears(self, line):
        super().hears(line)
        if self.exporter is not None:  # it asks for the data when it sees that the client binds
            super().hears(encode(self.exporter))
            self.exporter = None


def verifier(tool, password, salt=b"0123456789abcdef", count=4096):
    done = subprocess.run([tool, "verifier", password, str(count), encode(salt)], capture_output=True, text=True,
                          timeout=SECONDS, check=True)
    return done.stdout.strip()


def serve(tool, mechanism, client, *options, change=None):
    """Our server with that client. (our last word, what the client said to our proof)"""
    with Side(tool, "server", mechanism, f"identity={USER}", *options) as ours:
        said = client.says()
        while said is not None:
            ours.hears(said)
            heard = ours.says()
            if heard.startswith(("ok ", "no ")):
                return heard, said
            client.hears(change(heard) if change else heard)
            said = client.says()
        return None, said


def scram_options(tool, *passwords):
    return [f"verifier={verifier(tool, p)}" for p in passwords]


# ---- gsasl as client ----

def test_gsasl_client_scram(tool, gsasl):
    with GsaslClient("SCRAM-SHA-256", PASSWORD) as client:
        assert serve(tool, "SCRAM-SHA-256", client, *scram_options(tool, PASSWORD)) == (f"ok {USER} 0", "")


def test_gsasl_client_scram_plus(tool, gsasl):
    with GsaslClient("SCRAM-SHA-256-PLUS", PASSWORD, EXPORTER) as client:
        got = serve(tool, "SCRAM-SHA-256-PLUS", client, f"exporter={EXPORTER.hex()}", "plus_offered=1",
                    *scram_options(tool, PASSWORD))
    assert got == (f"ok {USER} 0", "")


def test_gsasl_client_on_another_channel(tool, gsasl):
    with GsaslClient("SCRAM-SHA-256-PLUS", PASSWORD, EXPORTER[::-1]) as client:
        got = serve(tool, "SCRAM-SHA-256-PLUS", client, f"exporter={EXPORTER.hex()}", *scram_options(tool, PASSWORD))
    assert got[0] == "no integrity"


def test_gsasl_client_binding_of_another_type(tool, gsasl):
    """gsasl binds by tls-exporter; a connection that has only the other type has to refuse."""
    with GsaslClient("SCRAM-SHA-256-PLUS", PASSWORD, EXPORTER) as client:
        got = serve(tool, "SCRAM-SHA-256-PLUS", client, f"end_point={EXPORTER.hex()}", *scram_options(tool, PASSWORD))
    assert got[0] == "no unsupported"


def test_gsasl_client_several_passwords(tool, gsasl):
    for index, password in enumerate(["first", "second", PASSWORD]):
        with GsaslClient("SCRAM-SHA-256", password) as client:
            got = serve(tool, "SCRAM-SHA-256", client, *scram_options(tool, "first", "second", PASSWORD))
        assert got == (f"ok {USER} {index}", "")


@pytest.mark.parametrize("known", [True, False])
def test_gsasl_client_wrong_password(tool, gsasl, known):
    with GsaslClient("SCRAM-SHA-256", "wrong") as client:
        got = serve(tool, "SCRAM-SHA-256", client, *(scram_options(tool, PASSWORD) if known else []))
    assert got[0] == "no password"


def test_gsasl_client_checks_our_proof(tool, gsasl):
    def change(line):
        text = base64.b64decode(line)
        return encode(text[:-3] + (b"A==" if text[-3:] != b"A==" else b"Q==")) if text.startswith(b"v=") else line

    with GsaslClient("SCRAM-SHA-256", PASSWORD) as client:
        assert serve(tool, "SCRAM-SHA-256", client, *scram_options(tool, PASSWORD), change=change) == (None, None)


def test_gsasl_client_prepares(tool, gsasl):
    """U+00BD and a soft hyphen: NFC and NFKC differ (RFC 5802 section 2.2's hint)."""
    with GsaslClient("SCRAM-SHA-256", "\u00bd\u00ad\u00b4 x") as client:
        got = serve(tool, "SCRAM-SHA-256", client, *scram_options(tool, "1\u20442 \u0301 x"))
    assert got[0] == f"ok {USER} 0"


def test_gsasl_client_as_somebody(tool, gsasl):
    for authorize, want in [(USER, f"ok {USER} 0"), ("other@example.org", "no password"), ("a,b=c", "no password")]:
        with GsaslClient("SCRAM-SHA-256", PASSWORD, authorize=authorize) as client:
            assert serve(tool, "SCRAM-SHA-256", client, *scram_options(tool, PASSWORD))[0] == want


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_gsasl_client_passwords(tool, gsasl, mechanism, password):
    with GsaslClient(mechanism, password) as client:
        got = serve(tool, mechanism, client, f"password={PASSWORD}")
    assert got[0].startswith("ok " if password == PASSWORD else "no password")


# ---- gsasl as server ----

def converse(tool, mechanisms, server, *options):
    """Our client with that server. What the server said to our last message, and our last word on ok and no."""
    with Side(tool, "client", mechanisms, f"identity={USER}", *options) as ours:
        said = ours.says()
        while said and not said.startswith(("ok", "no ", "fallback")):
            server.hears(said)
            heard = server.says()
            if heard is None:
                ours.hears("no")
                return ours.says()
            ours.hears(heard)
            said = ours.says()
            if said == "":  # the answer to the server's proof
                ours.hears("ok")
                return ours.says()
        return said


@pytest.mark.parametrize("password,want", [(PASSWORD, "ok"), ("wrong", "no password")])
def test_gsasl_server_scram(tool, gsasl, password, want):
    with GsaslServer("SCRAM-SHA-256", PASSWORD) as server:
        assert converse(tool, "SCRAM-SHA-256", server, f"password={password}") == want


@pytest.mark.parametrize("ours,want", [(EXPORTER, "ok"), (EXPORTER[::-1], "no password")])
def test_gsasl_server_scram_plus(tool, gsasl, ours, want):
    with GsaslServer("SCRAM-SHA-256-PLUS", PASSWORD, EXPORTER) as server:
        got = converse(tool, "SCRAM-SHA-256-PLUS SCRAM-SHA-256", server, f"password={PASSWORD}",
                       f"exporter={ours.hex()}")
    assert got == want


def test_gsasl_server_refuses_and_plain_is_next(tool, gsasl):
    with GsaslServer("SCRAM-SHA-256", "other") as server:
        assert converse(tool, "SCRAM-SHA-256 PLAIN", server, f"password={PASSWORD}") == "fallback"


# ---- aiosasl as client ----

class InMemory:
    """aiosasl's interface to a protocol: our server behind it."""

    def __init__(self, aiosasl, ours):
        self.aiosasl, self.ours = aiosasl, ours

    def turn(self, payload):
        self.ours.hears(encode(payload) if payload else "")
        heard = self.ours.says()
        if heard.startswith("ok "):
            return self.aiosasl.SASLState.SUCCESS, None
        if heard.startswith("no "):
            raise self.aiosasl.SASLFailure(heard)
        return self.aiosasl.SASLState.CHALLENGE, base64.b64decode(heard)

    async def initiate(self, mechanism, payload=None):
        return self.turn(payload)

    async def respond(self, payload):
        return self.turn(payload)

    async def abort(self):
        raise self.aiosasl.SASLFailure("aborted")


def aiosasl_client(tool, mechanism, password, binding, *options):
    aiosasl = pytest.importorskip("aiosasl", reason="aiosasl is not installed (Debian package python3-aiosasl)")

    async def credentials():
        return USER, password

    class Binding(aiosasl.channel_binding.ChannelBindingProvider):
        cb_name = binding[0]

        def extract_cb_data(self):
            return binding[1]

    if mechanism.endswith("-PLUS"):
        client = aiosasl.SCRAMPLUS(credentials, Binding())
    else:
        client = aiosasl.SCRAM(credentials)
    with Side(tool, "server", mechanism, f"identity={USER}", *scram_options(tool, PASSWORD), *options) as ours:
        machine = aiosasl.SASLStateMachine(InMemory(aiosasl, ours))
        try:
            asyncio.run(client.authenticate(machine, client.any_supported([mechanism])))
        except aiosasl.SASLError as e:
            return str(e)
    return "ok"


def test_aiosasl_client(tool):
    assert aiosasl_client(tool, "SCRAM-SHA-256", PASSWORD, (b"", b"")) == "ok"
    assert "no password" in aiosasl_client(tool, "SCRAM-SHA-256", "wrong", (b"", b""))


@pytest.mark.parametrize("name,option,data", [(b"tls-exporter", "exporter", EXPORTER),
                                              (b"tls-server-end-point", "end_point", END_POINT)])
def test_aiosasl_client_plus(tool, name, option, data):
    both = [f"exporter={EXPORTER.hex()}", f"end_point={END_POINT.hex()}", "plus_offered=1"]
    assert aiosasl_client(tool, "SCRAM-SHA-256-PLUS", PASSWORD, (name, data), *both) == "ok"
    assert "no integrity" in aiosasl_client(tool, "SCRAM-SHA-256-PLUS", PASSWORD, (name, data[::-1]), *both)
    other = {"exporter": "end_point", "end_point": "exporter"}[option]
    assert "no unsupported" in aiosasl_client(tool, "SCRAM-SHA-256-PLUS", PASSWORD, (name, data),
                                              f"{other}={data.hex()}")


# ---- verifiers ----

def test_verifier_is_what_python_computes(tool):
    for password, salt, count in [("pencil", b"a", 4096), ("x" * 1024, bytes(64), 5000), ("J\u00e4ger", EXPORTER, 4097)]:
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, count)
        stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
        server = hmac.digest(salted, b"Server Key", "sha256")
        assert verifier(tool, password, salt, count) == (
            f"SCRAM-SHA-256${count}:{encode(salt)}${encode(stored)}:{encode(server)}")


def test_verifier_is_what_gsasl_makes(tool, gsasl):
    salt = b"sixteen octets .."[:16]
    theirs = subprocess.run([gsasl, "-k", "-m", "SCRAM-SHA-256", "-p", PASSWORD, "--iteration-count", "10000", "--salt",
                             encode(salt)], capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    mechanism, count, salt_text, stored, server = re.fullmatch(r"\{(.*)\}(.*),(.*),(.*),(.*)", theirs.strip()).groups()
    assert verifier(tool, PASSWORD, salt, 10000) == f"{mechanism}${count}:{salt_text}${stored}:{server}"


# ---- SASLprep beside Python's tables of RFC 3454 ----

OLD = unicodedata.ucd_3_2_0


def python_saslprep(text, stored):
    """RFC 4013 written out over Python's stringprep; None: refused."""
    # U+200B is in both tables; libidn, and with it gsasl and others, takes it for a space.
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text
                     if stringprep.in_table_c12(c) or not stringprep.in_table_b1(c))
    prepared = OLD.normalize("NFKC", mapped)
    forbidden = (stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4,
                 stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
                 stringprep.in_table_c9)
    if any(table(c) for c in prepared for table in forbidden):
        return None
    if stored and any(stringprep.in_table_a1(c) for c in prepared):
        return None
    right = [stringprep.in_table_d1(c) for c in prepared]
    if any(right) and (any(map(stringprep.in_table_d2, prepared)) or not (right[0] and right[-1])):
        return None
    return prepared


def test_saslprep_agrees_with_python(tool):
    pick = random.Random(4013)
    blocks = [(0x20, 0x7E), (0x80, 0x24F), (0x300, 0x36F), (0x590, 0x6FF), (0x1E00, 0x218F), (0x2460, 0x24FF), (0x3000, 0x30FF),
              (0xAC00, 0xAC80), (0xE000, 0xE010), (0xF900, 0xFFFD), (0x10300, 0x10450), (0x1D400, 0x1D4FF),
              (0x1F600, 0x1F610), (0xE0000, 0xE0080)]
    rows = [chr(c) for c in range(0x1, 0x3400) if not 0xD800 <= c < 0xE000]
    rows += ["".join(chr(pick.randint(*pick.choice(blocks))) for _ in range(pick.randint(2, 6))) for _ in range(4000)]
    asked = [(kind, text) for text in rows for kind in ("stored", "query")]
    lines = "".join(f"{kind} {text.encode().hex()}\n" for kind, text in asked)
    done = subprocess.run([tool, "prepare"], input=lines, capture_output=True, text=True, timeout=120, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(asked)
    refused = 0
    for (kind, text), answer in zip(asked, answers):
        want = python_saslprep(text, kind == "stored")
        refused += want is None
        if want is not None and any(map(stringprep.in_table_a1, text)):
            assert answer != "no policy"  # in what order new accents are put is not for the tables of then to say
            continue
        assert answer == ("no policy" if want is None else want.encode().hex()), (kind, text.encode("unicode_escape"))
    assert refused > 1000
