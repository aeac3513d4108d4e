# SPDX-License-Identifier: ISC
"""Signatures beside other programs: detached, inline and in the cleartext framework, and the tricks played with them."""
import os
import re
import shutil
import subprocess
import zlib

import pytest

from conftest import build_folder, run

TEXT = b"Dear Bob,\n- one\n-- two\nFrom here on\n-----BEGIN PGP MESSAGE-----\n\nlast line\n"
BLANKS = b"blanks \t\nat the end  \r\n \nof lines\t\n"
STRIPPED = b"blanks\nat the end\r\n\nof lines\n"
BINARY = bytes(range(256)) * 300
ALICE = "Alice <alice@example.org>"


@pytest.fixture
def alice(sop):
    return sop.key("rfc4880", ALICE)


@pytest.fixture
def alice6(sop):
    return sop.key("rfc9580", ALICE)


@pytest.fixture(params=["rfc4880", "rfc9580"])
def either(request, sop):
    return sop.key(request.param, ALICE)


@pytest.fixture
def bob(sop, gpg):
    gpg("--quick-generate-key", "Bob <bob@example.org>", "ed25519", "sign", "never")
    return sop.file(gpg("--armor", "--export", "bob@example.org"))


class Rnp:
    def __init__(self, home):
        self.home = home

    def __call__(self, *arguments, stdin=b"", status=0):
        return run(["rnp", "--homedir", self.home, "--notty", "--password", "", *arguments], stdin, status)

    def keys(self, *arguments, stdin=b""):
        return run(["rnpkeys", "--homedir", self.home, "--notty", "--password", "", *arguments], stdin)


@pytest.fixture
def rnp(tmp_path):
    if shutil.which("rnp") is None:
        pytest.skip("rnp is not installed (Debian package rnp)")
    home = tmp_path / "rnp"
    home.mkdir(mode=0o700)
    return Rnp(home)


def lf(text):
    """Text of a message comes out with this system's line ends; a clearsigned one has those that it came with."""
    return text.replace(b"\r\n", b"\n")


def fingerprints(lines):
    return [line.split()[2] for line in lines.decode().splitlines()]


def verify(sop, cert, message, status=0):
    """(text, fingerprints of good signers) of an inline signed message."""
    out = sop.new_name()
    done = sop("inline-verify", f"--verifications-out={out}", cert, stdin=message, status=status)
    return done, fingerprints(out.read_bytes()) if out.exists() else []


# ---- cleartext framework, both ways ----


def test_rfc9580_a6(sop, rfc9580):
    data = os.environ["LETTERLOCK_TESTDATA"]
    lines = open(os.path.join(data, "standards", "rfc9580.txt"), errors="replace").read().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("A.6.  Sample Cleartext"))
    begin = next(i for i in range(at, len(lines)) if "BEGIN PGP SIGNED" in lines[i])
    end = next(i for i in range(begin, len(lines)) if "END PGP SIGNATURE" in lines[i])
    message = "\n".join(line[3:] for line in lines[begin:end + 1]) + "\n"
    text, good = verify(sop, sop.file(rfc9580("A.3")), message)
    assert text == b"What we need from the grocery store:\n\n- tofu\n- vegetables\n- noodles\n"
    assert good == ["CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9"]
    verify(sop, sop.file(rfc9580("A.3")), message.replace("tofu", "tofi"), status=3)


def test_cleartext_round_trip(sop, either):
    for text, same in ((TEXT, TEXT), (BLANKS, STRIPPED), (b"", b""), (b"\n", b"\n"), (b"x", b"x")):
        message = sop("inline-sign", "--as=clearsigned", either[0], stdin=text)
        assert verify(sop, either[1], message)[0] == same


def test_gpg_reads_our_cleartext(sop, gpg, alice):
    gpg("--import", alice[1])
    for text in (TEXT, BLANKS, b"one line"):
        message = sop("inline-sign", "--as=clearsigned", alice[0], stdin=text)
        assert "GOODSIG" in gpg.status_of("--verify", stdin=message)
        assert "BADSIG" in gpg.status_of("--verify", stdin=message.replace(b"l", b"L", 1))


def test_we_read_gpg_cleartext(sop, gpg, bob):
    for text in (TEXT, STRIPPED, b"one line", b"two\nlines"):
        for digest in ("SHA256", "SHA384", "SHA512"):
            message = gpg("--clearsign", "--digest-algo", digest, stdin=text)
            # GnuPG takes the line end before the signatures from the text.
            assert verify(sop, bob, message)[0] == text.removesuffix(b"\n")
    message = gpg("--clearsign", stdin=BLANKS)
    assert verify(sop, bob, message)[0].replace(b"\r", b"") == STRIPPED.replace(b"\r", b"").removesuffix(b"\n")


def test_sqop_cleartext(sop, sqop, alice):
    for text in (TEXT, b"one line", b"two\nlines"):
        for writer, reader in ((sop, sqop), (sqop, sop)):
            message = writer("inline-sign", "--as=clearsigned", alice[0], stdin=text)
            out = reader("inline-verify", alice[1], stdin=message)
            # Sequoia gives the line end in front of the signatures out, too.
            assert out.replace(b"\r\n", b"\n").rstrip(b"\n") == text.rstrip(b"\n")
            reader("inline-verify", alice[1], stdin=message.replace(b"l", b"L", 1), status=3)


def test_rnp_cleartext(sop, rnp, alice):
    rnp.keys("--import", alice[0])
    for text in (TEXT, b"one line\n", b"two\nlines\n"):
        message = rnp("--clearsign", "-u", "alice@example.org", stdin=text)
        assert verify(sop, alice[1], message)[0].replace(b"\r\n", b"\n").strip(b"\n") == text.strip(b"\n")
        ours = sop("inline-sign", "--as=clearsigned", alice[0], stdin=text)
        rnp("-v", sop.file(ours))
        rnp("-v", sop.file(ours.replace(b"l", b"L", 1)), status=1)


@pytest.mark.parametrize("v6", [False, True])
def test_openpgpjs_cleartext(sop, openpgpjs, v6):
    peer = openpgpjs("generate", v6=v6)
    cert = sop.file(peer["cert"])
    text = TEXT.decode()
    message = openpgpjs("clearsign", text=text, key=peer["key"])["message"]
    assert verify(sop, cert, message)[0].replace(b"\r\n", b"\n") == TEXT
    verify(sop, cert, message.replace("last", "lest"), status=3)
    key, ours = sop.key("rfc9580" if v6 else "rfc4880", ALICE)
    armored = [ours.read_text()]
    message = sop("inline-sign", "--as=clearsigned", key, stdin=TEXT).decode()
    got = openpgpjs("verifyCleartext", message=message, certs=armored)
    assert got["text"].replace("\r\n", "\n") == text and len(got["signatures"]) == 1
    assert not got["signatures"][0].startswith("bad")
    got = openpgpjs("verifyCleartext", message=message.replace("last", "lest"), certs=armored)
    assert got["signatures"][0].startswith("bad")


# ---- signed messages ----


def test_gpg_signed_messages(sop, gpg, bob):
    for data, more in ((BINARY, []), (BINARY, ["--compress-algo", "none"]), (BINARY, ["--armor"]),
                       (BINARY, ["--compress-algo", "bzip2"]), (TEXT, ["--textmode"]), (b"", [])):
        message = gpg("--sign", *more, stdin=data)
        text, good = verify(sop, bob, message)
        assert text.replace(b"\r\n", b"\n") == data.replace(b"\r\n", b"\n") and len(good) == 1
        signatures = sop.new_name()
        detached = sop("inline-detach", f"--signatures-out={signatures}", stdin=message)
        assert lf(detached) == lf(text)
        sop("verify", signatures, bob, stdin=detached)
        assert "GOODSIG" in gpg.status_of("--verify", signatures, sop.file(detached))


def test_gpg_reads_our_signed_messages(sop, gpg, alice):
    gpg("--import", alice[1])
    for mode in ("binary", "text"):
        message = sop("inline-sign", f"--as={mode}", alice[0], stdin=TEXT)
        assert "GOODSIG" in gpg.status_of("--verify", stdin=message)
        assert gpg("--decrypt", stdin=message).replace(b"\r\n", b"\n") == TEXT


def test_sqop_signed_messages(sop, sqop, alice):
    for mode in ("binary", "text"):
        for writer, reader in ((sop, sqop), (sqop, sop)):
            message = writer("inline-sign", f"--as={mode}", alice[0], stdin=TEXT)
            assert reader("inline-verify", alice[1], stdin=message).replace(b"\r\n", b"\n") == TEXT
            signatures = reader.new_name()
            data = reader("inline-detach", f"--signatures-out={signatures}", stdin=message)
            writer("verify", signatures, alice[1], stdin=data)


def test_rnp_signed_messages(sop, rnp, alice):
    rnp.keys("--import", alice[0])
    message = rnp("-s", "-u", "alice@example.org", stdin=BINARY)
    assert verify(sop, alice[1], message)[0] == BINARY
    rnp("-v", sop.file(sop("inline-sign", alice[0], stdin=BINARY)))


@pytest.mark.parametrize("v6", [False, True])
def test_openpgpjs_signed_messages(sop, openpgpjs, v6):
    peer = openpgpjs("generate", v6=v6)
    message = openpgpjs("signInline", text="Dear peer\n", key=peer["key"])["message"]
    assert verify(sop, sop.file(peer["cert"]), message)[0].replace(b"\r", b"") == b"Dear peer\n"
    key, cert = sop.key("rfc9580" if v6 else "rfc4880", ALICE)
    message = sop("inline-sign", "--as=text", key, stdin=b"Dear peer\n").decode()
    got = openpgpjs("verifyInline", message=message, certs=[cert.read_text()])
    assert len(got["signatures"]) == 1 and not got["signatures"][0].startswith("bad")


def test_signatures_of_version_5(sop, openpgpjs):
    """LibrePGP's: over the literal packet's name and date, too, and over six zeros where there is none."""
    key = sop("generate-key", "--no-armor", "--profile=compatibility")
    body = key[2:2 + key[1]]
    public, secret = body[6:51], body[52:]
    assert key[0] == 0xc5 and body[0] == 4 and body[5] == 22 and body[51] == 0
    body = b"\5" + body[1:6] + len(public).to_bytes(4, "big") + public + b"\0\0" + (len(secret) - 2).to_bytes(4, "big") + secret
    made = openpgpjs("signVersion5", packet=packet(5, body).hex(), text="hello five\n")
    cert, text = sop.file(made["cert"]), b"hello five\n"
    assert len(fingerprints(sop("verify", sop.file(made["signature"]), cert, stdin=text))[0]) == 64
    sop("verify", sop.file(made["signature"]), cert, stdin=b"hello four\n", status=3)
    for message in (made["message"], made["clear"]):
        assert verify(sop, cert, message)[0].rstrip() == text.rstrip()
    changed = sop("dearmor", stdin=made["message"]).replace(b"a.txt", b"b.txt")
    verify(sop, cert, changed, status=3)
    # Out of its message such a signature would mean something else.
    sop("inline-detach", f"--signatures-out={sop.new_name()}", stdin=made["message"], status=41)


def test_several_signers(sop, sqop, gpg, alice, alice6):
    carol = sop.key("rfc4880", "Carol <carol@example.org>")
    gpg("--import", alice[1], carol[1])
    for mode in ("binary", "text", "clearsigned"):
        message = sop("inline-sign", f"--as={mode}", alice[0], carol[0], stdin=TEXT)
        assert len(verify(sop, alice[1], message)[1]) == 1
        out = sop.new_name()
        sop("inline-verify", f"--verifications-out={out}", alice[1], carol[1], stdin=message)
        assert len(out.read_text().splitlines()) == 2
        assert gpg.status_of("--verify", stdin=message).count("GOODSIG") == 2
        out = sqop.new_name()
        sqop("inline-verify", f"--verifications-out={out}", alice[1], carol[1], stdin=message)
        assert len(out.read_text().splitlines()) == 2
        # Versions 4 and 6 side by side.
        message = sop("inline-sign", f"--as={mode}", alice[0], alice6[0], stdin=TEXT)
        assert len(verify(sop, alice[1], message)[1]) == len(verify(sop, alice6[1], message)[1]) == 1


# ---- detached signatures ----


def gosop(*arguments, stdin=b"", status=0):
    if shutil.which("gosop") is None:
        pytest.skip("gosop is not installed (Debian package golang-github-protonmail-gosop, gosop)")
    return run(["gosop", *arguments], stdin, status)


def test_gosop_detached(sop, alice):
    for mode in ("binary", "text"):
        signature = sop.file(gosop("sign", f"--as={mode}", alice[0], stdin=TEXT))
        assert len(fingerprints(sop("verify", signature, alice[1], stdin=TEXT))) == 1
        signature = sop.file(sop("sign", f"--as={mode}", alice[0], stdin=TEXT))
        gosop("verify", signature, alice[1], stdin=TEXT)
        gosop("verify", signature, alice[1], stdin=TEXT + b"x", status=3)


def test_rnp_detached(sop, rnp, alice):
    rnp.keys("--import", alice[0])
    data = sop.file(BINARY)
    for digest in ("SHA256", "SHA512", "SHA3-256"):
        signature = sop.file(rnp("-s", "--detach", "--hash", digest, "-u", "alice@example.org", "--output", "-", data))
        sop("verify", signature, alice[1], stdin=BINARY)
    ours = sop.file(sop("sign", alice[0], stdin=BINARY))
    rnp("-v", ours, "--source", data)


def test_gpg_notations_and_policies(sop, gpg, bob):
    """What a signature says besides does no harm, unless it is critical and unknown."""
    good = [["--sig-notation", "one@example.org=first", "--sig-notation", "two@example.org=second"],
            ["--sig-policy-url", "https://example.org/policy"], ["--default-sig-expire", "2d"],
            ["--sender", "bob@example.org"], ["--sig-keyserver-url", "hkps://keys.example.org"], ["--include-key-block"]]
    for more in good:
        if more == ["--include-key-block"] and b"include-key-block" not in gpg("--dump-options"):
            continue
        for how in (["--detach-sign"], ["--detach-sign", "--armor"], ["--detach-sign", "--textmode"]):
            signature = sop.file(gpg(*how, *more, stdin=TEXT))
            assert len(fingerprints(sop("verify", signature, bob, stdin=TEXT))) == 1, more
    signature = sop.file(gpg("--detach-sign", "--sig-notation", "!one@example.org=first", stdin=TEXT))
    sop("verify", signature, bob, stdin=TEXT, status=3)
    # A critical policy URI is understood, as far as there is anything to understand.
    signature = sop.file(gpg("--detach-sign", "--sig-policy-url", "!https://example.org/policy", stdin=TEXT))
    sop("verify", signature, bob, stdin=TEXT)


def test_files_of_several_signatures(sop, gpg, bob, alice):
    theirs = gpg("--detach-sign", stdin=TEXT)
    ours = sop("sign", "--no-armor", alice[0], stdin=TEXT)
    armored = gpg("--detach-sign", "--armor", stdin=TEXT), sop("sign", alice[0], stdin=TEXT)
    unknown_version = b"\xc2\x03\x63\x00\x00"
    unknown_algorithm = b"\xc2\x16\x04\x00\x63\x0a\x00\x06\x05\x02\x60\x00\x00\x00\x00\x00" + b"\0\0" + b"\0" * 6
    for content, count in ((theirs + ours, 2), (b"".join(armored), 2), (b"\n\n".join(armored), 2),
                           (b"see below\n" + armored[0], 1), (unknown_version + theirs, 1),
                           (theirs + unknown_algorithm + ours, 2), (unknown_version + ours + unknown_algorithm, 1),
                           (ours + ours, 2), (b"\xca\x03PGP" + ours, 1)):
        lines = sop("verify", sop.file(content), bob, alice[1], stdin=TEXT)
        assert len(fingerprints(lines)) == count, content
    sop("verify", sop.file(unknown_version), alice[1], stdin=TEXT, status=3)
    for bad in (b"", b"nothing here", ours[:-1], ours + b"\xc2"):
        sop("verify", sop.file(bad), alice[1], stdin=TEXT, status=41)


# ---- what a signature says besides ----


@pytest.fixture
def tool():
    program = build_folder() / "tests" / "interop" / "sig_tool"
    if not program.exists():
        pytest.skip("no sig_tool: build the tests, or name the build folder in LETTERLOCK_BUILD")

    def call(verb, stdin=b"", status=0, **values):
        more = [f"{name}={one}" for name, many in values.items() for one in (many if isinstance(many, list) else [many])]
        return run([program, verb, *more], stdin, status)

    return call


SAYS = {"notation": ["one@example.org=f\u00fcr Bob", "two@example.org=zwei"], "policy": "https://example.org/policy",
        "expires": 86400, "user": ALICE}


def test_gpg_reads_what_ours_say(sop, tool, gpg, alice):
    gpg("--import", alice[1])
    data = sop.file(TEXT)
    for form in ("detached", "inline", "clear"):
        signed = sop.file(tool("sign", TEXT, key=alice[0], form=form, text=1, **SAYS))
        lines = gpg.status_of("--verify", signed, *([data] if form == "detached" else []))
        for want in ("GOODSIG", "NOTATION_NAME one@example.org", "NOTATION_DATA f%C3%BCr%20Bob",
                     "NOTATION_NAME two@example.org", "NOTATION_DATA zwei", "POLICY_URL https://example.org/policy"):
            assert want in lines or want.replace("%C3%BC", "\u00fc") in lines, lines
        made, until = re.search(r"VALIDSIG \S+ \S+ (\d+) (\d+)", lines).groups()
        assert int(until) - int(made) == 86400
    critical = sop.file(tool("sign", TEXT, key=alice[0], notation="!three@example.org=x"))
    assert "GOODSIG" not in gpg.status_of("--verify", critical, data)
    assert "GOODSIG" in gpg.status_of("--known-notation", "three@example.org", "--verify", critical, data)


def test_sqop_and_gosop_take_what_ours_say(sop, tool, sqop, alice):
    signature = sop.file(tool("sign", TEXT, key=alice[0], **SAYS))
    sqop("verify", signature, alice[1], stdin=TEXT)
    gosop("verify", signature, alice[1], stdin=TEXT)
    for digest in (8, 9, 10):
        signature = sop.file(tool("sign", TEXT, key=alice[0], hash=digest))
        sqop("verify", signature, alice[1], stdin=TEXT)
        gosop("verify", signature, alice[1], stdin=TEXT)
    signature = sop.file(tool("sign", TEXT, key=alice[0], created=1700000000, expires=60))
    sqop("verify", signature, alice[1], stdin=TEXT, status=3)
    tool("sign", TEXT, key=alice[0], hash=2, status=1)


def test_we_read_what_gpg_says(sop, tool, gpg, bob):
    sig = sop.file(gpg("--detach-sign", "--sig-notation", "one@example.org=first", "--sig-notation",
                       "!two@example.org=second", "--sig-policy-url", "https://example.org/policy",
                       "--sig-keyserver-url", "hkps://keys.example.org", "--default-sig-expire", "2d", "--sender",
                       "bob@example.org", stdin=TEXT))
    got = tool("verify", TEXT, cert=bob, sig=sig, know="two@example.org").decode().splitlines()
    assert got[0].startswith("good")
    assert "expires 172800" in got[1]
    for line in ("notation one@example.org", "text first", "critical two@example.org", "text second",
                 "policy https://example.org/policy", "keyserver hkps://keys.example.org",
                 "user Bob <bob@example.org>"):
        assert line in got or line.replace("user Bob <bob@example.org>", "claims bob@example.org") in got, got
    got = tool("verify", TEXT, cert=bob, sig=sig, know="one@example.org").decode()
    assert got.startswith("invalid") and "critical notation" in got


def test_old_hashes_and_archives(sop, tool, gpg):
    """What standard policy refuses by name an old archive's reader may take."""
    gpg("--quick-generate-key", "Old <old@example.org>", "rsa2048", "sign", "never")
    cert = sop.file(gpg("--export", "old@example.org"))
    sig = sop.file(gpg("--detach-sign", "--digest-algo", "SHA1", stdin=TEXT))
    got = tool("verify", TEXT, cert=cert, sig=sig).decode()
    assert got.startswith("invalid") and "sha1" in got
    assert tool("verify", TEXT, cert=cert, sig=sig, policy="sha1").startswith(b"good")
    sop("verify", sig, cert, stdin=TEXT, status=3)


# ---- forms of a message, put together by hand ----


def packet(kind, body):
    if len(body) < 192:
        return bytes([0xc0 | kind, len(body)]) + body
    return bytes([0xc0 | kind, 255]) + len(body).to_bytes(4, "big") + body


def literal(data, kind=b"b"):
    return packet(11, kind + b"\0" + b"\0\0\0\0" + data)


def compressed(packets):
    return packet(8, b"\2" + zlib.compress(packets))


def split(message):
    """(one-pass packets, literal, signatures) of a message of ours: short headers only."""
    parts, at = [], 0
    while at < len(message):
        first = message[at + 1]
        size, head = ((first, 2) if first < 192 else ((first - 192) * 256 + message[at + 2] + 192, 3))
        parts.append(message[at:at + head + size])
        at += head + size
    return parts


def test_forms_of_a_message(sop, gpg, alice):
    gpg("--import", alice[1])
    one_pass, data, signature = split(sop("inline-sign", "--no-armor", alice[0], stdin=b"short"))
    carol = sop.key("rfc4880", "Carol <carol@example.org>")
    outer, _, last = split(sop("inline-sign", "--no-armor", carol[0], stdin=b"short"))
    marker, padding, private = b"\xca\x03PGP", packet(21, b"\x55" * 9), packet(60, b"x")
    good = [one_pass + data + signature, signature + data, compressed(one_pass + data + signature),
            one_pass + compressed(data) + signature, signature + compressed(data), marker + one_pass + data + signature,
            one_pass + marker + data + padding + signature + private, compressed(signature + data),
            outer + one_pass + data + signature + last, last + one_pass + data + signature,
            outer + signature + data + last, outer + compressed(one_pass + data + signature) + last,
            # Whose key a one-pass packet names is a hint: the pairs are of one kind, and over the same data.
            outer + one_pass + data + last + signature]
    for message in good:
        text, signers = verify(sop, alice[1], message)
        assert text == b"short" and len(signers) == 1
        out = sop.new_name()
        assert sop("inline-detach", f"--signatures-out={out}", stdin=message) == b"short"
        assert len(fingerprints(sop("verify", out, alice[1], carol[1], stdin=b"short"))) == message.count(last) + 1 or \
            b"\2\x78" in message
    for message in good[:2]:
        assert "GOODSIG" in gpg.status_of("--verify", stdin=message)
    bad = {
        "no signature": (data, 3), "signature at the end alone": (data + signature, 41),
        "announced only": (one_pass + data, 41), "two literals": (one_pass + data + data + signature, 41),
        "a literal behind": (one_pass + data + signature + data, 41), "other data": (signature + literal(b"shorx"), 3),
        "a literal behind the old form": (signature + data + literal(b"evil"), 41),
        "an unannounced one behind": (one_pass + data + signature + last, 41),
        "nothing within": (one_pass + signature, 41), "an unknown critical packet": (packet(39, b"x") + signature + data, 41),
        "text behind": (one_pass + data + signature + b"evil", 41), "cut": (one_pass + data + signature[:-1], 41),
        "packed deeply": (compressed(compressed(compressed(compressed(compressed(compressed(signature + data)))))), 41),
    }
    for name, (message, status) in bad.items():
        done = sop("inline-verify", alice[1], stdin=message, status=None)
        assert done.returncode == status and done.stdout == b"", (name, done.returncode, done.stderr)
    for name in set(bad) - {"other data"}:
        out = sop.new_name()
        done = sop("inline-detach", f"--signatures-out={out}", stdin=bad[name][0], status=None)
        assert done.returncode == 41 and done.stdout == b"" and not out.exists(), (name, done.stderr)


# ---- tricks: each of these has fooled some program (gpg.fail, 2025; "Johnny, you are fired", 2019) ----


def test_a_signed_message_is_no_detached_signature(sop, gpg, alice, bob):
    """gpg.fail/detached: --verify with a signed message for its signature checked the message, not the file."""
    for message in (gpg("--sign", stdin=TEXT), gpg("--sign", "--armor", stdin=TEXT), gpg("--clearsign", stdin=TEXT),
                    sop("inline-sign", alice[0], stdin=TEXT),
                    sop("inline-sign", "--as=clearsigned", alice[0], stdin=TEXT)):
        done = sop("verify", sop.file(message), bob, alice[1], stdin=b"something else\n", status=None)
        assert done.returncode == 41 and done.stdout == b""
        done = sop("verify", sop.file(message), bob, alice[1], stdin=TEXT, status=None)
        assert done.returncode == 41 and done.stdout == b""


def test_a_detached_signature_is_no_signed_message(sop, alice):
    signature = sop("sign", alice[0], stdin=TEXT)
    done = sop("inline-verify", alice[1], stdin=signature, status=None)
    assert done.returncode == 41 and done.stdout == b""
    sop("inline-detach", f"--signatures-out={sop.new_name()}", stdin=signature, status=41)


def test_form_feed_injection(sop, gpg, bob):
    """gpg.fail/formfeed: a form feed marked lines that were too long, and what followed was not hashed."""
    message = gpg("--clearsign", stdin=b"pay 1\n").decode()
    for changed in ("pay 1\f", "\fpay 1", "pay 1\f\npay 9", "pay 1\n\f\npay 9", "pay 1" + " " * 30000 + "\f"):
        assert verify(sop, bob, message.replace("pay 1", changed), status=3)[0] == b""
    ours = sop.key("compatibility", ALICE)
    for length in (19993, 19994, 19995, 19996, 20000, 200000):
        line = b"x" * length + b"\f"
        message = sop("inline-sign", "--as=clearsigned", ours[0], stdin=line + b"\ny\n")
        assert verify(sop, ours[1], message)[0] == line + b"\ny\n"
        assert verify(sop, ours[1], message.replace(b"\f\n", b"\fevil\n"), status=3)[0] == b""


def test_not_dash_escaped(sop, gpg, bob):
    """gpg.fail/notdash: a header that nobody signed switched off how the text is read."""
    message = gpg("--not-dash-escaped", "--clearsign", stdin=b"- pay 1\n-pay 2\n")
    assert b"NotDashEscaped" in message
    assert verify(sop, bob, message, status=41)[0] == b""
    for header in ("NotDashEscaped: You need GnuPG to verify this message", "Charset: x", "Comment: pay 9", "pay 9"):
        changed = gpg("--clearsign", stdin=b"pay 1\n").decode().replace("\n\n", f"\n{header}\n\n", 1)
        assert verify(sop, bob, changed, status=41)[0] == b""


def test_text_in_the_hash_header(sop, gpg, bob):
    """CVE-2019-11841: what stands in the Hash header looks as if it were signed."""
    message = gpg("--clearsign", "--digest-algo", "SHA512", stdin=b"pay 1\n").decode()
    for header in ("Hash: SHA512\r\rpay 9", "Hash: SHA512, pay 9", "Hash: SHA512\f", "Hash: SHA512\x0b", "Hash: pay"):
        assert verify(sop, bob, message.replace("Hash: SHA512", header), status=41)[0] == b""
    # Well formed it says nothing (RFC 9580 section 6.2.2.3).
    for header in ("Hash: SHA1", "Hash: SHA256,SHA512", "Hash: SHA3-256"):
        assert verify(sop, bob, message.replace("Hash: SHA512", header))[0] == b"pay 1"


def test_only_the_signed_text_comes_out(sop, gpg, bob):
    message = gpg("--clearsign", stdin=b"pay 1\n")
    for around in (b"pay 9\n" + message, message + b"pay 9\n", b"x\n\n" + message + b"\n\nx\n"):
        assert verify(sop, bob, around)[0] == b"pay 1"
    for bad in (message + message, b"-----BEGIN PGP MESSAGE-----\n" + message, message[:-5],
                message.replace(b"pay 1\n", b"pay 1\n-----BEGIN PGP SIGNED MESSAGE-----\n\npay 1\n")):
        assert verify(sop, bob, bad, status=41)[0] == b""


def test_signature_types_are_not_mistaken(sop, gpg, bob):
    """A certification is no signature over data, though the same key made it."""
    certs = gpg("--export", "bob@example.org")
    done = sop("verify", sop.file(certs), bob, stdin=TEXT, status=None)
    assert done.returncode == 41
    packets = subprocess.run(["gpg", "--list-packets", "--verbose"], input=certs, capture_output=True, check=True,
                             env=gpg.env).stdout.decode()
    at = [int(m[1]) for m in re.finditer(r"# off=(\d+) ctb=\S+ tag=2 ", packets)]
    size = [int(m[1]) + int(m[2]) for m in re.finditer(r"tag=2 hlen=(\d+) plen=(\d+)", packets)]
    for start, length in zip(at, size):
        sop("verify", sop.file(certs[start:start + length]), bob, stdin=TEXT, status=3)


def test_encrypted_messages_are_not_inline_signed(sop, alice):
    message = sop("encrypt", "--sign-with", alice[0], alice[1], stdin=TEXT)
    done = sop("inline-verify", alice[1], stdin=message, status=None)
    assert done.returncode == 41 and done.stdout == b"" and b"encrypted" in done.stderr
    sop("inline-detach", f"--signatures-out={sop.new_name()}", stdin=message, status=41)


def test_large_texts(sop, gpg, alice, bob):
    """Far beyond what is held in memory, from a file and through a pipe."""
    line = b"a line of text that stands for many others, as lines of text do\n"
    text = line * (80 * 1024 * 1024 // len(line))
    message = sop.file(sop("inline-sign", "--as=clearsigned", alice[0], stdin=text))
    with open(message, "rb") as f:
        done = subprocess.run([*map(str, sop.argv), "inline-verify", str(alice[1])], stdin=f, capture_output=True,
                              timeout=120, check=True)
    assert done.stdout == text
    assert sop("inline-verify", alice[1], stdin=message.read_bytes()) == text
