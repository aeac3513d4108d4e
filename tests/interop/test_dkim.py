# SPDX-License-Identifier: ISC
"""DKIM beside other people's programs, both ways: dkimpy (Debian python3-dkim), OpenDKIM, npm's mailauth, the RFCs' examples.

Ours is tests/interop/dkim_tool.c. DNS is a table of records that every program is given.
"""
import base64
import ctypes
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess

import pytest

from conftest import build_folder, npm_install

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
HERE = pathlib.Path(__file__).resolve().parent
NOW = 1700000000
ZONE = "example.org"
CANONS = ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed")
PLAIN = (b"Received: from a\r\n\tby b; now\r\nFrom: Alice  <alice@example.org>\r\nTo: bob@example.net\r\n"
         b"Subject: one \r\n\tand  another\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n"
         b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n")
BODIES = (b"", b"\r\n", b"\r\n\r\n\r\n", b"one line\r\n", b"no end", b" \t \r\n", b"a  b\tc \r\n\r\n\r\nd\r\n\r\n\r\n",
          b"\r\n\r\nbegins late\r\n", b"trailing \t\r\n \r\n", b"8-bit \xc3\xa4\xff\r\n", b"x" * 5000 + b" \r\n" + b"y " * 3000)


def tool(*words, stdin=b""):
    done = subprocess.run([build_folder() / "tests" / "interop" / "dkim_tool", *map(str, words)], input=stdin,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Keys:
    """Our two keys as files, and all records by name."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.records = {}
        for kind in ("rsa", "ed25519"):
            self.pem(kind).write_bytes(tool("new", kind))
            self.pem(kind).chmod(0o600)
            self.records[f"{kind}._domainkey.{ZONE}"] = tool("record", self.pem(kind)).decode()

    def pem(self, kind):
        return self.folder / f"{kind}.pem"

    def dns(self, name, timeout=5):
        name = (name.decode() if isinstance(name, bytes) else name).rstrip(".")
        return self.records[name].encode() if name in self.records else None

    def seed(self):
        """Of the Ed25519 key, as dkimpy wants it."""
        der = base64.b64decode("".join(self.pem("ed25519").read_text().splitlines()[1:-1]))
        return base64.b64encode(der[-32:])


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("dkim"))


def results(message, records, now=NOW, piece=1000):
    """[(result, reason)] of our own verifying."""
    path = pathlib.Path(os.environ["TMPDIR_DKIM"]) / "records"
    path.write_text("".join(f"{name}\t{record}\n" for name, record in records.items()))
    lines = tool("verify", path, now, piece, stdin=message).decode(errors="replace").splitlines()
    return [(line.split("\t")[0], line.split("\t")[-1]) for line in lines[:-1]]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR_DKIM", str(tmp_path))


def ours(message, keys, *kinds):
    words = [word for kind in kinds for word in (kind, keys.pem(kind))]
    return tool("sign", ZONE, NOW, *words, stdin=message) + message


# ---- the RFCs' own examples ----

def standard(number):
    data = os.environ.get("LETTERLOCK_TESTDATA")
    if not data:
        pytest.skip("LETTERLOCK_TESTDATA is not set")
    text = (pathlib.Path(data) / "standards" / f"rfc{number}.txt").read_text(errors="replace")
    return [line for line in text.split("\n") if not re.match(rf"^(\f|Crocker, |Levine  |RFC {number} )", line)]


def example(lines, first):
    """The message that begins with that line, and all keys in the text."""
    begin = next(i for i, line in enumerate(lines) if line.startswith("   " + first))
    end = next(i for i in range(begin, len(lines)) if lines[i].strip() == "Joe.")
    message = "\r\n".join(line[3:] for line in lines[begin:end + 1]) + "\r\n"
    records = re.findall(r'(\S+?)(?:\._domainkey\S*)?\s+IN\s+TXT\s+\(\s*((?:\s*"[^"]*")+)', "\n".join(lines))
    return message.encode(), {selector: "".join(re.findall(r'"([^"]*)"', text)) for selector, text in records}


def test_the_example_of_rfc_8463_holds_twice():
    message, records = example(standard(8463), "DKIM-Signature: v=1; a=ed25519-sha256")
    named = {f"{selector}._domainkey.football.example.com": text for selector, text in records.items()}
    # A blank line follows the "Joe." line, says the RFC.
    assert [r for r, _ in results(message + b"\r\n", named)] == ["pass", "pass"]
    assert [r for r, _ in results(message.replace(b"Hi.", b"Ha."), named)] == ["fail", "fail"]


def test_the_example_of_rfc_6376_holds():
    """`simple` needs the white space that was signed; as printed (continuations, a space doubled) nobody finds it right."""
    message, records = example(standard(6376), "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane")
    named = {"brisbane._domainkey.example.com": records["brisbane"]}
    assert [r for r, _ in results(message, named)] == ["fail"]
    assert not dkim.verify(message, dnsfunc=lambda name, timeout=5: records["brisbane"].encode())
    signed = re.sub(rb"\r\n {5,}", b"\r\n      ", message).replace(b"game.  Are", b"game. Are")
    assert [r for r, _ in results(signed, named)] == ["pass"]


def test_the_hashes_of_empty_bodies_are_those_of_rfc_6376():
    text = "\n".join(standard(6376))
    for how in ("simple", "relaxed"):
        digest = base64.b64encode(hashlib.sha256(tool("body", how, 1, stdin=b"From: a\r\n\r\n")).digest()).decode()
        assert digest in text


# ---- canonical forms ----

def samples(count):
    """Bodies and headers put together from pieces that canonical forms care about."""
    of = random.Random(6376)
    parts = (b"word", b" ", b"  ", b"\t", b"\r\n", b" \r\n", b"\r\n\r\n", b"x", b"a longer piece of text", b".", b"\r\n \r\n",
             b"\xc3\xa4")
    for _ in range(count):
        yield b"".join(of.choice(parts) for _ in range(of.randrange(1, 60)))


def test_canonical_bodies_are_dkimpys():
    from dkim.canonicalization import Relaxed, Simple
    for i, body in enumerate([*BODIES, *samples(150)]):
        if not body.endswith(b"\r\n"):
            body += b"\r\n"  # dkimpy leaves white space at the end of a line that has no end
        for name, how in (("simple", Simple), ("relaxed", Relaxed)):
            got = tool("body", name, 1 + i % 70, stdin=b"From: a\r\n\r\n" + body)
            want = how.canonicalize_body(body)
            if name == "relaxed" and body.strip(b" \t\r\n") == b"":
                want = b""  # RFC 6376 3.4.4: nothing but empty lines; dkimpy leaves a line end of some
            assert got == want, (name, body)


def test_canonical_headers_are_dkimpys():
    from dkim.canonicalization import Relaxed, Simple
    values = (b"x", b"  x  ", b"a\r\n b", b"a  \r\n\t  b \t", b"", b" ", b"\r\n x", b"\xc3\xa4  \xc3\xa4", b"a:b : c")
    block = [(name, b" " + value + b"\r\n") for value in values for name in (b"Subject", b"sUbject", b"X-Long-Name-")]
    message = b"".join(name + b":" + value for name, value in block) + b"\r\n"
    for how, theirs in (("simple", Simple), ("relaxed", Relaxed)):
        want = b"".join(name + b":" + value for name, value in theirs.canonicalize_headers(block))
        assert tool("header", how, 1, stdin=message) == want


# ---- dkimpy ----

@pytest.mark.parametrize("canon", CANONS)
def test_what_dkimpy_signs_holds(keys, canon):
    how = tuple(part.encode() for part in canon.split("/"))
    for i, body in enumerate(BODIES):
        message = PLAIN + body
        if body and not body.endswith(b"\r\n"):
            message += b"\r\n"  # dkimpy makes lines of it
        rsa = dkim.sign(message, b"rsa", ZONE.encode(), keys.pem("rsa").read_bytes(), canonicalize=how)
        both = dkim.sign(message, b"ed25519", ZONE.encode(), keys.seed(), canonicalize=how,
                         signature_algorithm=b"ed25519-sha256") + rsa + message
        for piece in (1 + i, 100000):
            got = results(both, keys.records, now=4000000000, piece=piece)
            assert [r for r, _ in got] == ["pass", "pass"], (got, body)
        changed = both.replace(b"Message-ID: <1@", b"Message-ID: <2@")
        assert [r for r, _ in results(changed, keys.records, now=4000000000)] == ["fail", "fail"]


def test_what_we_sign_holds_for_dkimpy(keys):
    for body in BODIES:
        message = ours(PLAIN + body, keys, "rsa", "ed25519")
        if body.endswith(b" "):
            continue  # as above
        assert [dkim.DKIM(message).verify(idx=i, dnsfunc=keys.dns) for i in range(2)] == [True, True], body
        assert [r for r, _ in results(message, keys.records)] == ["pass", "pass"]


def test_part_of_a_body_is_not_enough(keys):
    """With l= dkimpy says that it holds; for us it is worth nothing when something was added."""
    message = PLAIN + b"signed\r\n"
    signed = dkim.sign(message, b"rsa", ZONE.encode(), keys.pem("rsa").read_bytes(), length=True) + message
    assert [r for r, _ in results(signed, keys.records, now=4000000000)] == ["pass"]
    added = signed + b"and something of somebody else's\r\n"
    assert dkim.verify(added, dnsfunc=keys.dns)
    (result, reason), = results(added, keys.records, now=4000000000)
    assert result == "policy" and "Only the first 8 of" in reason


def test_weak_keys_are_never_enough(keys, tmp_path):
    message, records = PLAIN + b"text\r\n", {}
    for bits in (512, 1024):
        key = subprocess.run(["openssl", "genrsa", "-traditional", str(bits)], capture_output=True, check=True).stdout
        der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
        records[f"k{bits}._domainkey.{ZONE}"] = "v=DKIM1; p=" + base64.b64encode(der).decode()
        signed = dkim.sign(message, f"k{bits}".encode(), ZONE.encode(), key) + message
        (result, reason), = results(signed, records, now=4000000000)
        assert result == ("policy" if bits < 1024 else "pass"), reason


def test_sha1_is_never_enough(keys):
    message = PLAIN + b"text\r\n"
    signed = dkim.sign(message, b"rsa", ZONE.encode(), keys.pem("rsa").read_bytes(), signature_algorithm=b"rsa-sha1") + message
    assert [r for r, _ in results(signed, keys.records, now=4000000000)] == ["policy"]


# ---- OpenDKIM ----

class LibOpenDkim:
    """libopendkim's signing (its program opendkim-testmsg only knows SHA-1, and writes some of it twice)."""

    SIMPLE, RELAXED, RSA_SHA256 = 0, 1, 1

    def __init__(self):
        try:
            self.lib = ctypes.CDLL("libopendkim.so.11")
        except OSError:
            pytest.skip("libopendkim is not installed")
        for name in ("dkim_init", "dkim_sign"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        self.of = ctypes.c_void_p(self.lib.dkim_init(None, None))

    def sign(self, message, key, selector, canon):
        status, size, header = ctypes.c_int(), ctypes.c_size_t(), ctypes.c_char_p()
        how = [self.RELAXED if one == "relaxed" else self.SIMPLE for one in canon.split("/")]
        one = ctypes.c_void_p(self.lib.dkim_sign(self.of, b"id", None, key, selector, ZONE.encode(), how[0], how[1],
                                                 self.RSA_SHA256, ctypes.c_ssize_t(-1), ctypes.byref(status)))
        assert status.value == 0
        head, _, body = message.partition(b"\r\n\r\n")
        for field in re.split(rb"\r\n(?![ \t])", head):
            assert self.lib.dkim_header(one, field, ctypes.c_size_t(len(field))) == 0
        assert self.lib.dkim_eoh(one) == 0
        assert body == b"" or self.lib.dkim_body(one, body, ctypes.c_size_t(len(body))) == 0
        assert self.lib.dkim_eom(one, None) == 0
        assert self.lib.dkim_getsighdr_d(one, ctypes.c_size_t(16), ctypes.byref(header), ctypes.byref(size)) == 0
        value = header.value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self.lib.dkim_free(one)
        return b"DKIM-Signature: " + value + b"\r\n" + message


@pytest.mark.parametrize("canon", CANONS)
def test_what_opendkim_signs_holds(keys, canon):
    library = LibOpenDkim()
    for body in BODIES:
        if not body.endswith(b"\r\n"):
            continue  # it reads lines
        signed = library.sign(PLAIN + body, keys.pem("rsa").read_bytes(), b"rsa", canon)
        assert [r for r, _ in results(signed, keys.records, now=4000000000)] == ["pass"], (body, signed)


def test_what_we_sign_holds_for_opendkim(keys, tmp_path):
    """Ed25519 it does not know. `opendkim -t` verifies files; TestDNSData is its DNS."""
    program = shutil.which("opendkim", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("opendkim is not installed")
    (tmp_path / "keys").write_text("".join(f"{name} {record}\n" for name, record in keys.records.items()))
    (tmp_path / "conf").write_text(f"Mode v\nTestDNSData {tmp_path}/keys\nSyslog no\nAlwaysAddARHeader yes\n")
    for body in BODIES:
        if not body.endswith(b"\n"):
            continue  # it reads lines
        message = ours(PLAIN + body, keys, "rsa")
        (tmp_path / "message").write_bytes(message)
        (tmp_path / "changed").write_bytes(message.replace(b"bob@", b"eve@"))
        for path, good in (("message", True), ("changed", False)):
            done = subprocess.run([program, "-x", tmp_path / "conf", "-vvv", "-t", tmp_path / path], capture_output=True,
                                  timeout=60)
            said = (done.stdout + done.stderr).decode(errors="replace")
            assert ("dkim=pass" in said) == good, (body, said)


# ---- mailauth ----

@pytest.fixture(scope="module")
def mailauth():
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm is not installed (Debian packages nodejs, npm)")
    folder = npm_install("interop-mailauth", "mailauth", "dkim.mjs")

    def call(jobs):
        done = subprocess.run(["node", "dkim.mjs"], input=json.dumps(jobs).encode(), cwd=folder, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return call


def test_what_we_sign_holds_for_mailauth(keys, mailauth):
    signed = [ours(PLAIN + body, keys, "rsa", "ed25519") for body in BODIES]
    messages = [*signed, *[one.replace(b"Subject: one", b"Subject: two") for one in signed]]
    got = mailauth([{"action": "verify", "keys": keys.records, "message": base64.b64encode(m).decode()} for m in messages])
    assert [sorted(one) for one in got] == [["pass", "pass"]] * len(signed) + [["fail", "fail"]] * len(signed)


def test_what_mailauth_signs_holds(keys, mailauth):
    wanted = [(canon, kind, body) for canon in CANONS for kind in ("rsa", "ed25519") for body in BODIES]
    got = mailauth([{"action": "sign", "canon": canon, "algorithm": f"{kind}-sha256", "now": NOW, "domain": ZONE,
                     "selector": kind, "key": keys.pem(kind).read_text(),
                     "message": base64.b64encode(PLAIN + body).decode()} for canon, kind, body in wanted])
    for (canon, kind, body), signature in zip(wanted, got):
        found = results(signature.encode() + PLAIN + body, keys.records)
        assert [r for r, _ in found] == ["pass"], (canon, kind, body, found)
