# SPDX-License-Identifier: ISC
"""Messages of every form beside gpg 2.2, sqop, rnp, gosop and OpenPGP.js, both ways: ciphers, modes, compression,
passwords, hidden recipients, lengths, armor. Ours is `message_tool`, which has words for all that the engine does."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import SECONDS, build_folder, run

TEXT = b"Dear peer,\nhow are you?\r\nBlob: \x00\x01\xff\n" * 40
PASSWORDS = ["correct horse", "battery staple", "walnut"]
AES = {7: "AES", 8: "AES192", 9: "AES256"}
CAMELLIA = {11: "CAMELLIA128", 12: "CAMELLIA192", 13: "CAMELLIA256"}
OLD = {2: "3DES", 3: "CAST5", 4: "BLOWFISH"}
COMPRESSION = {0: "uncompressed", 1: "zip", 2: "zlib", 3: "bzip2"}


class Tool:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.count = 0
        self.told = {}

    def __call__(self, verb, stdin=b"", fails=None, **options):
        """Output; self.told is what `read` said. fails: the word of the error that must come."""
        words = []
        for name, values in options.items():
            for value in values if isinstance(values, list) else [values]:
                words.append(f"{name}={value}")
        argv = [self.program, verb, *words]
        done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, timeout=SECONDS)
        said = done.stderr.decode(errors="replace")
        if fails:
            assert done.returncode == 1 and said.startswith(f"error: {fails} "), (argv, said)
            assert done.stdout == b""
            return said
        assert done.returncode == 0, (argv, said)
        self.told = dict(re.findall(r"(\w+)=(\S*)", said))
        return done.stdout

    def file(self, content):
        self.count += 1
        path = self.folder / f"{self.count}"
        path.write_bytes(content)
        return path

    def pair(self, version):
        key = self.file(self("key", version=version))
        return key, self.file(self("cert", key=key))


@pytest.fixture
def tool(tmp_path):
    program = build_folder() / "tests" / "interop" / "message_tool"
    if not program.exists():
        pytest.skip("message_tool is not built")
    folder = tmp_path / "tool"
    folder.mkdir()
    return Tool(program, folder)


@pytest.fixture
def ours(tool, gpg):
    """A v4 key of ours that gpg has, too."""
    key, cert = tool.pair(4)
    gpg("--import", key)
    return key, cert


# ---- GnuPG ----

@pytest.mark.parametrize("cipher", [*AES, *CAMELLIA, *OLD])
def test_gpg_each_cipher(tool, gpg, ours, cipher):
    name = {**AES, **CAMELLIA, **OLD}[cipher]
    for who, mine in ((["-r", "tool@example.org"], {"key": ours[0]}), ([], {"password": PASSWORDS[0]})):
        message = gpg("--cipher-algo", name, "--encrypt" if who else "--symmetric", *who, stdin=TEXT,
                      passphrase=PASSWORDS[0] if not who else None)
        policy = {}
        if cipher in OLD:
            said = tool("read", message, fails="policy", **mine)
            assert name.lower() in said.lower()
            policy = {"policy": f"{name.lower()}:decrypt"}
        assert tool("read", message, **mine, **policy) == TEXT
        assert tool.told["cipher"] == str(cipher) and tool.told["container"] == "1"
    if cipher not in OLD:
        assert gpg("--decrypt", stdin=tool("write", TEXT, container=1, cipher=cipher, password=PASSWORDS[0]),
                   passphrase=PASSWORDS[0]) == TEXT


@pytest.mark.parametrize("name", ["IDEA", "TWOFISH"])
def test_gpg_ciphers_that_nobody_here_has(tool, gpg, ours, name):
    for who, mine in ((["-r", "tool@example.org"], {"key": ours[0]}), ([], {"password": PASSWORDS[0]})):
        message = gpg("--cipher-algo", name, "--encrypt" if who else "--symmetric", *who, stdin=TEXT,
                      passphrase=PASSWORDS[0] if not who else None)
        done = subprocess.run([tool.program, "read", *[f"{k}={v}" for k, v in mine.items()]], input=message,
                              capture_output=True, timeout=SECONDS)
        said = done.stderr.decode()
        assert done.returncode == 1 and re.match(r"error: (policy|unsupported) ", said), said
        assert name.lower() in said.lower() and done.stdout == b""


@pytest.mark.parametrize("compression", COMPRESSION)
def test_gpg_each_compression(tool, gpg, ours, compression):
    message = gpg("--compress-algo", COMPRESSION[compression], "--sign", "--encrypt", "-u", "tool@example.org", "-r",
                  "tool@example.org", stdin=TEXT)
    assert tool("read", message, key=ours[0], cert=ours[1]) == TEXT
    assert tool.told["good"] == "1"
    for length in ("known", "unknown"):
        more = {"length": "unknown"} if length == "unknown" else {}
        message = tool("write", TEXT, container=1, compression=compression, cert=ours[1], sign=ours[0], **more)
        assert gpg("--decrypt", stdin=message) == TEXT
        assert "GOODSIG" in gpg.status_of("--decrypt", stdin=message)
        message = tool("write", TEXT, container=0, compression=compression, sign=ours[0], armor=1, **more)
        assert gpg("--decrypt", stdin=message) == TEXT


def test_gpg_signed_only_with_indeterminate_lengths(tool, gpg, ours):
    for options in ([], ["--compress-algo", "bzip2"], ["--compress-algo", "uncompressed"], ["--armor"]):
        message = gpg("--sign", "-u", "tool@example.org", *options, stdin=TEXT * 500)
        assert tool("read", message, plain=1, cert=ours[1]) == TEXT * 500
        assert tool.told["good"] == "1"
        tool("read", message, fails="policy", cert=ours[1])


@pytest.mark.parametrize("size", [0, 1, 500, 505, 506, 507, 511, 512, 513, 8191, 8192, 8193, 70000, 1 << 20, 3000001])
def test_gpg_partial_lengths(tool, gpg, ours, size):
    data = os.urandom(size)
    message = gpg("--compress-algo", "uncompressed", "--encrypt", "-r", "tool@example.org", stdin=data)
    assert tool("read", message, key=ours[0]) == data
    assert tool("read", message, key=ours[0], piece=1000 if size > 10000 else 1) == data
    for more in ({}, {"length": "unknown"}):
        assert gpg("--decrypt", stdin=tool("write", data, container=1, cert=ours[1], **more)) == data


def test_gpg_hidden_recipients(tool, gpg, ours):
    gpg("--quick-generate-key", "Bob <bob@example.org>", "rsa2048", "encr,cert", "never")
    others = [tool.pair(4) for _ in range(3)]
    for options in (["--throw-keyids", "-r", "tool@example.org", "-r", "bob@example.org"],
                    ["-R", "tool@example.org", "-r", "bob@example.org"],
                    ["-r", "bob@example.org", "-R", "tool@example.org"]):
        message = gpg("--encrypt", *options, stdin=TEXT)
        assert tool("read", message, key=[*[o[0] for o in others], ours[0]]) == TEXT
        assert tool.told["recipients"] == "2"
    message = tool("write", TEXT, container=1, hide=1, cert=[*[o[1] for o in others], ours[1]])
    # It opens the message, and ends with 2 because the packets of others did not open.
    done = gpg("--decrypt", stdin=message, status=None)
    assert done.stdout == TEXT and b"we are the anonymous recipient" in done.stderr
    message = tool("write", TEXT, container=1, hide=1, cert=ours[1])
    assert gpg("--decrypt", stdin=message) == TEXT
    assert b"keyid 0000000000000000" in gpg("--list-packets", stdin=message)


def test_gpg_hidden_rsa_recipients(tool, gpg):
    """RSA answers any packet with some key: the right one of several must be found."""
    keys = []
    for name in ("a", "b", "c"):
        gpg("--quick-generate-key", f"{name} <{name}@example.org>", "rsa2048", "cert", "never")
        fingerprint = re.search(r"fpr:+(\w+):", gpg("--list-keys", "--with-colons", f"{name}@example.org").decode())[1]
        gpg("--quick-add-key", fingerprint, "rsa2048", "encr", "never")
        keys.append(tool.file(gpg("--export-secret-keys", fingerprint)))
    for name in ("a", "b", "c"):
        message = gpg("--encrypt", "-R", f"{name}@example.org", stdin=TEXT)
        assert tool("read", message, key=keys) == TEXT


def test_gpg_old_packet_without_integrity(tool, gpg):
    session = "9:" + "5A" * 32
    message = tool("sed", TEXT, session=session)
    assert gpg("--ignore-mdc-error", "--override-session-key", session, "--decrypt", stdin=message) == TEXT
    tool("read", message, session=session, fails="policy")
    assert tool("read", message, session=session, old=1) == TEXT
    assert tool("read", message, session=session, policy="no-mdc") == TEXT
    old = "2:" + "5B" * 24
    message = tool("sed", TEXT, session=old)
    assert gpg("--ignore-mdc-error", "--override-session-key", old, "--decrypt", stdin=message) == TEXT
    tool("read", message, session=old, old=1, fails="policy")
    assert tool("read", message, session=old, old=1, policy="3des") == TEXT


def test_gpg_session_keys(tool, gpg, ours):
    message = gpg("--encrypt", "-r", "tool@example.org", stdin=TEXT)
    done = subprocess.run(["gpg", "--batch", "--show-session-key", "--decrypt"], input=message, capture_output=True,
                          env=gpg.env, timeout=SECONDS)
    session = re.search(r"session key: '(\d+:[0-9A-F]+)'", done.stderr.decode())[1]
    assert tool("read", message, session=session) == TEXT
    assert tool("read", message, key=ours[0]) == TEXT
    assert tool.told["session"] == session
    message = tool("write", TEXT, container=1, cert=ours[1])
    tool("read", message, key=ours[0])
    assert gpg("--override-session-key", tool.told["session"], "--decrypt", stdin=message) == TEXT


def test_gpg_recipients_and_passwords_mixed(tool, gpg, ours):
    message = gpg("--symmetric", "--encrypt", "-r", "tool@example.org", stdin=TEXT, passphrase=PASSWORDS[1])
    assert tool("read", message, key=ours[0]) == TEXT
    assert tool("read", message, password=PASSWORDS) == TEXT
    tool("read", message, password=PASSWORDS[:1], fails="password")
    message = tool("write", TEXT, container=1, cert=ours[1], password=PASSWORDS)
    assert gpg("--decrypt", stdin=message) == TEXT
    for word in PASSWORDS:
        assert tool("read", message, password=["wrong", word]) == TEXT


@pytest.mark.parametrize("size", [0, 1, 2, 3, 46, 47, 48, 49, 50, 95, 96, 97, 1000, 100000])
def test_gpg_reads_our_armor(tool, gpg, ours, size):
    data = os.urandom(size)
    for container in (0, 1):
        more = {"cert": ours[1]} if container else {"sign": ours[0]}
        message = tool("write", data, container=container, armor=1, **more)
        assert gpg("--decrypt", stdin=message) == data
        assert re.search(rb"\n=[A-Za-z0-9+/]{4}\n-----END", message)


def lines_of(message):
    return message.decode().splitlines()


ARMOR = {
    "CR LF": lambda lines: "\r\n".join(lines) + "\r\n",
    "spaces at line ends": lambda lines: "".join(line + "  \t\n" for line in lines),
    "leading spaces": lambda lines: "".join("   " + line + "\n" for line in lines),
    "no checksum": lambda lines: "".join(line + "\n" for line in lines if not line.startswith("=")),
    "a wrong checksum": lambda lines: "".join(("=AAAA" if line.startswith("=") else line) + "\n" for line in lines),
    "no blank line": lambda lines: "".join(line + "\n" for line in lines if line),
    "headers": lambda lines: "\n".join([lines[0], "Version: 1", "X-Odd: \N{SNOWMAN}", "Comment:"] + lines[1:]) + "\n",
    "text before": lambda lines: "Dear you,\n-- \nnot armor: -----\n" + "\n".join(lines) + "\n",
    "text behind": lambda lines: "\n".join(lines) + "\n-- \nMy footer\n",
    "one long line": lambda lines: "\n".join([*lines[:2], "".join(lines[2:-2]), *lines[-2:]]) + "\n",
    "short lines": lambda lines: "\n".join([*lines[:2], *re.findall(".{1,3}", "".join(lines[2:-2])), *lines[-2:]]),
    "blank lines": lambda lines: "\n\n".join(lines) + "\n",
    "a byte order mark": lambda lines: "\N{ZERO WIDTH NO-BREAK SPACE}" + "\n".join(lines) + "\n",
}

BROKEN = {
    "a part of several": lambda lines: "\n".join(["-----BEGIN PGP MESSAGE, PART 1/2-----", *lines[1:]]) + "\n",
    "binary garbage": lambda lines: "\n".join([*lines[:3], "\1" + lines[3], *lines[4:]]) + "\n",
    "no tail": lambda lines: "\n".join(lines[:-1]) + "\n",
    "another tail": lambda lines: "\n".join([*lines[:-1], "-----END PGP SIGNATURE-----"]) + "\n",
    "twice": lambda lines: ("\n".join(lines) + "\n") * 2,
    "text behind the base64": lambda lines: "\n".join([*lines[:-1], "appended", lines[-1]]) + "\n",
    "a line dropped": lambda lines: "\n".join([*lines[:4], *lines[5:]]) + "\n",
    "a character dropped": lambda lines: "\n".join([*lines[:4], lines[4][1:], *lines[5:]]) + "\n",
    "lines swapped": lambda lines: "\n".join([*lines[:4], lines[5], lines[4], *lines[6:]]) + "\n",
    "quoted": lambda lines: "".join("> " + line + "\n" for line in lines),
}


@pytest.mark.parametrize("kind", ARMOR)
def test_gpg_armor_as_mail_leaves_it(tool, gpg, ours, kind):
    message = lines_of(gpg("--armor", "--encrypt", "-r", "tool@example.org", stdin=os.urandom(700) + TEXT))
    text = tool("read", ARMOR[kind](message).encode(), key=ours[0])
    assert text.endswith(TEXT) and len(text) == 700 + len(TEXT)


@pytest.mark.parametrize("kind", BROKEN)
def test_gpg_armor_that_is_damaged(tool, gpg, ours, kind):
    message = lines_of(gpg("--armor", "--encrypt", "-r", "tool@example.org", stdin=os.urandom(700) + TEXT))
    done = subprocess.run([tool.program, "read", f"key={ours[0]}"], input=BROKEN[kind](message).encode(),
                          capture_output=True, timeout=SECONDS)
    assert done.returncode == 1 and done.stdout == b"", done.stderr


# ---- rnp: its own AEAD packet, several passwords ----

class Rnp:
    def __init__(self, home):
        self.home = home

    def __call__(self, *arguments, stdin=b"", words=None):
        if words is None:
            return run(["rnp", "--homedir", self.home, *arguments], stdin)
        file = self.home / "words"
        file.write_text("\n".join(words) + "\n")
        with open(file, "rb") as f:
            return run(["rnp", "--homedir", self.home, "--pass-fd", f.fileno(), *arguments], stdin, pass_fds=(f.fileno(),))


@pytest.fixture
def rnp(tmp_path):
    if shutil.which("rnp") is None:
        pytest.skip("rnp is not installed (Debian package rnp)")
    home = tmp_path / "rnp"
    home.mkdir(mode=0o700)
    return Rnp(home)


@pytest.fixture
def ours_at_rnp(tool, rnp):
    key, cert = tool.pair(4)
    run(["rnpkeys", "--homedir", rnp.home, "--import-keys", key])
    return key, cert


SIZES = [0, 1, 47, 48, 49, 56, 57, 64, 120, 121, 122, 5000, 300000]  # around the ends of chunks of 64 and 128 octets
LARGE_CHUNK_SIZES = [0, 56, 5000, 300000]


@pytest.mark.parametrize("bits", [0, 1, 6, 10, 16])
@pytest.mark.parametrize("mode", ["eax", "ocb"])
def test_rnp_aead_packet(tool, rnp, ours_at_rnp, mode, bits):
    for size in SIZES if bits < 6 else LARGE_CHUNK_SIZES:
        data = tool.file(os.urandom(size))
        for who, mine in ((["-e", "-r", "tool@example.org"], {"key": ours_at_rnp[0]}),
                          (["-c", "--password", "walnut"], {"password": "walnut"})):
            if "-c" in who and size not in (0, 300000):  # its S2K is slow
                continue
            out = rnp.home / "out"
            out.unlink(missing_ok=True)
            rnp(*who, f"--aead={mode}", f"--aead-chunk-bits={bits}", "--output", out, data)
            message = out.read_bytes()
            assert tool("read", message, **mine) == data.read_bytes()
            assert tool.told["container"] == "3" and tool.told["aead"] == str(["", "eax", "ocb"].index(mode))
    for at in (len(message) - 1, len(message) // 2):
        damaged = bytearray(message)
        damaged[at] ^= 1
        tool("read", bytes(damaged), fails="integrity", **mine)
    tool("read", message[:-16], fails="integrity", **mine)


@pytest.mark.parametrize("cipher", [*AES, *CAMELLIA, *OLD])
def test_rnp_each_cipher(tool, rnp, ours_at_rnp, cipher):
    name = {**AES, **CAMELLIA, **OLD}[cipher].replace("3DES", "TRIPLEDES")
    if cipher == 7:
        name = "AES128"
    out = rnp.home / "out"
    rnp("-e", "-r", "tool@example.org", "--cipher", name, "--output", out, tool.file(TEXT))
    policy = {"policy": OLD[cipher].lower()} if cipher in OLD else {}
    assert tool("read", out.read_bytes(), key=ours_at_rnp[0], **policy) == TEXT
    assert tool.told["cipher"] == str(cipher)
    if cipher not in OLD:
        assert rnp("-d", "--output", "-", tool.file(tool("write", TEXT, container=1, cipher=cipher,
                                                         cert=ours_at_rnp[1]))) == TEXT


@pytest.mark.parametrize("compression", [1, 2, 3])
def test_rnp_each_compression(tool, rnp, ours_at_rnp, compression):
    out = rnp.home / "out"
    rnp("-e", "-r", "tool@example.org", "-z", "6", "--" + ["", "zip", "zlib", "bzip"][compression], "--output", out,
        tool.file(TEXT))
    assert tool("read", out.read_bytes(), key=ours_at_rnp[0]) == TEXT
    for more in ({}, {"length": "unknown"}):
        message = tool("write", TEXT, container=1, compression=compression, cert=ours_at_rnp[1], armor=1, **more)
        assert rnp("-d", "--output", "-", tool.file(message)) == TEXT


@pytest.mark.parametrize("aead", [[], ["--aead=ocb"], ["--aead=eax"]])
def test_rnp_several_passwords(tool, rnp, aead):
    out = rnp.home / "out"
    rnp("-c", "--passwords", "3", *aead, "--output", out, tool.file(TEXT), words=PASSWORDS)
    for word in PASSWORDS:
        assert tool("read", out.read_bytes(), password=["nonsense", word]) == TEXT
    tool("read", out.read_bytes(), password="nonsense", fails="password")


def test_rnp_reads_our_passwords(tool, rnp):
    message = tool.file(tool("write", TEXT, container=1, password=PASSWORDS))
    for word in PASSWORDS:
        assert rnp("-d", "--password", word, "--output", "-", message) == TEXT


# ---- sqop, gosop ----

LINES = "Grüße\nund zwei Zeilen\n".encode()  # gosop of 2022 makes text of whatever it decrypts

@pytest.fixture(params=["sqop", "gosop"])
def other_sop(request, tmp_path):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


def words_of(tool, *words):
    return [f"--with-password={tool.file(word.encode())}" for word in words]


@pytest.mark.parametrize("more", [{}, {"compression": 1}, {"compression": 2}, {"length": "unknown"}, {"armor": 1},
                                  {"cipher": 7}, {"cipher": 8}, {"hide": 1}, {"compression": 3, "not": "gosop"},
                                  {"cipher": 13, "not": "gosop"}])
def test_others_open_ours(tool, other_sop, more):
    more = dict(more)
    if more.pop("not", None) == other_sop:
        pytest.skip(f"{other_sop} has no such algorithm")
    key, cert = tool.pair(4)
    for text in (LINES, LINES * 10000):
        message = tool("write", text, container=1, cert=cert, **more)
        assert run([other_sop, "decrypt", key], message) == text


def test_others_messages(tool, other_sop):
    key, cert = tool.pair(4)
    for text in (b"", TEXT, os.urandom(200000)):
        for more in ([], ["--no-armor"]):
            assert tool("read", run([other_sop, "encrypt", *more, cert], text), key=key) == text


def test_others_passwords(tool, other_sop):
    message = tool("write", LINES, container=1, password=PASSWORDS, armor=1)
    for word in PASSWORDS:
        assert run([other_sop, "decrypt", *words_of(tool, word)], message) == LINES
    words = PASSWORDS if other_sop == "sqop" else PASSWORDS[:1]  # gosop writes for one
    message = run([other_sop, "encrypt", *words_of(tool, *words)], LINES)
    for word in words:
        assert tool("read", message, password=["nonsense", word]).replace(b"\r\n", b"\n") == LINES


# ---- OpenPGP.js: SEIPDv2 ----

JS_TEXT = "Grüße aus der Küche\nzweite Zeile\n" * 200


def same(text):
    """It writes text with CR LF."""
    return (text if isinstance(text, str) else text.decode()).replace("\r\n", "\n") == JS_TEXT


@pytest.mark.parametrize("mode", [1, 2, 3], ids=["EAX", "OCB", "GCM"])
@pytest.mark.parametrize("chunk", [0, 6, 16])
def test_openpgpjs_each_mode_for_a_password(tool, openpgpjs, mode, chunk):
    config = {"aeadProtect": True, "preferredAEADAlgorithm": mode, "aeadChunkSizeByte": chunk}
    message = openpgpjs("encrypt", text=JS_TEXT, certs=[], passwords=PASSWORDS[:2], config=config)["message"]
    for word in PASSWORDS[1::-1]:
        assert same(tool("read", message.encode(), password=word))
        assert tool.told["container"] == "2" and tool.told["aead"] == str(mode)
    message = tool("write", JS_TEXT.encode(), container=2, aead=mode, chunk=chunk, password=PASSWORDS[:2], armor=1)
    assert same(openpgpjs("decrypt", message=message.decode(), passwords=[PASSWORDS[1]])["text"])


@pytest.mark.parametrize("mode", [1, 2, 3], ids=["EAX", "OCB", "GCM"])
@pytest.mark.parametrize("version", [4, 6])
def test_openpgpjs_each_mode_for_a_key(tool, openpgpjs, mode, version):
    made = openpgpjs("generate", v6=version == 6, config={"aeadProtect": True, "preferredAEADAlgorithm": mode})
    key, cert = (tool.file(made[name].encode()) for name in ("key", "cert"))
    message = openpgpjs("encrypt", text=JS_TEXT, certs=[made["cert"]], key=made["key"],
                        config={"preferredAEADAlgorithm": mode})["message"]
    assert same(tool("read", message.encode(), key=key, cert=cert))
    assert tool.told["container"] == "2" and tool.told["good"] == "1" and tool.told["aead"] == str(mode)
    for more in ({}, {"pad": 1}, {"compression": 1}, {"compression": 2, "pad": 1, "length": "unknown"}, {"hide": 1},
                 {"cipher": 7}, {"chunk": 16}):
        message = tool("write", JS_TEXT.encode(), container=2, aead=mode, cert=cert, sign=key, armor=1, **more)
        got = openpgpjs("decrypt", message=message.decode(), key=made["key"], certs=[made["cert"]])
        assert same(got["text"]) and len(got["signatures"]) == 1 and not got["signatures"][0].startswith("bad: ")
        assert not re.search(rb"\n=[A-Za-z0-9+/]{4}\n", message), "SEIPDv2 has no checksum"


@pytest.mark.parametrize("v6", [True, False])
def test_openpgpjs_hidden_recipients_and_compression(tool, openpgpjs, v6):
    key, other = (tool.file(tool("key", version=6 if v6 else 4)) for _ in range(2))
    certs = [tool("cert", key=k, armor=1).decode() for k in (key, other)]
    for compression in (0, 1, 2):
        message = openpgpjs("encrypt", text=JS_TEXT, hidden=True, certs=certs,
                            config={"preferredCompressionAlgorithm": compression})["message"]
        assert same(tool("read", message.encode(), key=other))
        assert same(tool("read", message.encode(), key=key))
        assert tool.told["recipients"] == "2"

