# SPDX-License-Identifier: ISC
"""Exit statuses, indirect arguments and dates of the interface, and the pitfalls that show there."""
import os
import re
import subprocess

import pytest

from conftest import build_folder, packets, write_packets

TEXT = b"what was said\n"
ALICE = "Alice <alice@example.org>"

# The table of the interface. Those of hardware belong to programs that know some: here @HARDWARE: itself is unknown (71).
TABLE = {0, 1, 3, 13, 17, 19, 23, 29, 31, 37, 41, 53, 59, 61, 67, 69, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109}
HARDWARE = {97, 101}

STREAMS = {"encrypt", "inline-sign"}  # what was written before the trouble came is no message

KEY, CERT = "KEY", "CERT"  # in a command line: Alice's


@pytest.fixture
def alice(sop):
    return sop.key("rfc9580", ALICE)


def unknown_algorithm(data):
    """The same object with every key of an algorithm (99) that nobody has."""
    keys = {5, 6, 7, 14}
    return write_packets((kind, body[:5] + b"\x63" + body[6:] if kind in keys else body) for kind, body in packets(data))


def revoked_key(sop, key):
    """Alice's secret key with its revocation in it."""
    secret = packets(sop("dearmor", stdin=key.read_bytes()))
    revocation = packets(sop("revoke-key", "--no-armor", stdin=key.read_bytes()))[1]
    assert revocation[0] == 2
    return sop.file(write_packets([secret[0], revocation, *secret[1:]]))


# status -> the ways to it: (command line, standard input). Files that a row names stand in the fixture below.
WAYS = {
    0: [(["version"], b"")],
    3: [(["verify", "OTHER-SIGNATURE", CERT], TEXT), (["inline-verify", CERT], "OTHER-INLINE"),
        (["verify", "--not-before=2099-01-01T00:00:00Z", "SIGNATURE", CERT], TEXT),
        (["verify", "--not-after=2001-01-01T00:00:00Z", "SIGNATURE", CERT], TEXT),
        (["inline-verify", "--not-after=2001-01-01", CERT], "INLINE")],
    13: [(["sign", "KEY-99"], TEXT), (["inline-sign", "KEY-99"], TEXT), (["encrypt", "CERT-99"], TEXT),
         (["encrypt", "--sign-with=KEY-99", CERT], TEXT),
         (["certify-userid", "--userid=" + ALICE, "KEY-99"], CERT)],
    17: [(["encrypt", "SIGNING-ONLY-CERT"], TEXT), (["encrypt", "REVOKED-CERT"], TEXT)],
    19: [(["sign"], TEXT), (["inline-sign"], TEXT), (["encrypt"], TEXT), (["decrypt"], TEXT), (["verify"], TEXT),
         (["verify", "SIGNATURE"], TEXT), (["inline-verify"], TEXT), (["inline-detach"], "INLINE"), (["list-profiles"], b""),
         (["certify-userid", "KEY"], CERT), (["certify-userid", "--userid=" + ALICE], CERT), (["validate-userid"], CERT),
         (["validate-userid", ALICE], CERT)],
    23: [(["decrypt", "--verifications-out=NEW", KEY], TEXT)],
    29: [(["decrypt", "OTHER-KEY"], "MESSAGE"), (["decrypt", "--with-password=PASSWORD"], "MESSAGE")],
    31: [(["encrypt", "--with-password=LATIN-1"], TEXT), (["generate-key", "--with-key-password=LATIN-1"], b""),
         (["change-key-password", "--new-key-password=LATIN-1"], KEY)],
    37: [(["sign", "--no-such-option", KEY], TEXT), (["sign", "--as=else", KEY], TEXT), (["encrypt", "--for=x", CERT], TEXT),
         (["verify", "--not-before=yesterday", "SIGNATURE", CERT], TEXT), (["armor", "word"], TEXT)],
    41: [(["sign", CERT], TEXT), (["extract-cert"], CERT), (["encrypt", KEY], TEXT), (["decrypt", KEY], b"garbage"),
         (["verify", "GARBAGE", CERT], TEXT), (["verify", "INLINE", CERT], TEXT), (["inline-verify", CERT], "MESSAGE"),
         (["inline-verify", CERT], "SIGNATURE"), (["decrypt", KEY], "SIGNATURE"), (["merge-certs", KEY], CERT),
         (["merge-certs"], KEY), (["update-key"], CERT), (["revoke-key"], CERT), (["change-key-password"], CERT),
         (["inline-detach", "--signatures-out=NEW"], "MESSAGE"), (["armor"], b"garbage"), (["dearmor"], b"garbage"),
         (["decrypt", "--with-session-key=GARBAGE"], "MESSAGE"), (["validate-userid", ALICE, KEY], CERT),
         (["decrypt", KEY], "CHANGED")],
    53: [(["sign", "--as=text", KEY], b"\xff\xfe"), (["inline-sign", "--as=text", KEY], b"\xff\xfe"),
         (["inline-sign", "--as=clearsigned", KEY], b"\xff\xfe"), (["encrypt", "--as=text", CERT], b"\xff\xfe"),
         (["generate-key", b"Alice \xff"], b"")],
    59: [(["sign", "--micalg-out=SIGNATURE", KEY], TEXT), (["encrypt", "--session-key-out=SIGNATURE", CERT], TEXT),
         (["decrypt", "--session-key-out=SIGNATURE", KEY], "MESSAGE"),
         (["decrypt", "--verify-with=CERT", "--verifications-out=SIGNATURE", KEY], "MESSAGE"),
         (["inline-verify", "--verifications-out=SIGNATURE", CERT], "INLINE"),
         (["inline-detach", "--signatures-out=SIGNATURE"], "INLINE")],
    61: [(["sign", "nowhere"], TEXT), (["sign", "@ENV:NOT_SET_ANYWHERE"], TEXT), (["sign", "@FD:x"], TEXT),
         (["sign", "@FD:999"], TEXT), (["sign", "-"], TEXT)],
    67: [(["sign", "LOCKED"], TEXT), (["sign", "--with-key-password=PASSWORD", "LOCKED"], TEXT),
         (["decrypt", "LOCKED"], "LOCKED-MESSAGE"), (["revoke-key"], "LOCKED"), (["update-key"], "LOCKED"),
         (["change-key-password", "--old-key-password=PASSWORD"], "LOCKED"),
         (["certify-userid", "--userid=" + ALICE, "LOCKED"], CERT)],
    69: [(["no-such-thing"], b""), ([], b""), (["help", "no-such-thing"], b"")],
    71: [(["sign", "@HARDWARE:x"], TEXT), (["decrypt", "@HARDWARE:x"], "MESSAGE"), (["sign", "@ELSE:x"], TEXT),
         (["sign", "--micalg-out=@ENV:X", KEY], TEXT), (["sign", "--micalg-out=@HARDWARE:x", KEY], TEXT)],
    73: [(["sign", "@ENV:AMBIGUOUS"], TEXT), (["sign", "--micalg-out=@FD:1", KEY], TEXT)],
    79: [(["sign", "REVOKED-KEY"], TEXT), (["inline-sign", "REVOKED-KEY"], TEXT),
         (["encrypt", "--sign-with=REVOKED-KEY", CERT], TEXT)],
    83: [(["version", "--backend", "--extended"], b""), (["version", "--sopv", "--sop-spec"], b""),
         (["inline-sign", "--as=clearsigned", "--no-armor", KEY], TEXT)],
    89: [(["generate-key", "--profile=none"], b""), (["encrypt", "--profile=none", CERT], TEXT), (["list-profiles", "sign"], b"")],
    103: [(["update-key"], "REVOKED-KEY"), (["update-key", "--merge-certs=REVOKED-CERT"], KEY)],
    107: [(["validate-userid", "Mallory", CERT], CERT), (["validate-userid", ALICE, "OTHER-CERT"], CERT),
          (["certify-userid", "--userid=Mallory", "OTHER-KEY"], CERT),
          (["certify-userid", "--userid=" + ALICE, "OTHER-KEY"], "REVOKED-CERT")],
    109: [(["certify-userid", "--userid=" + ALICE, "REVOKED-KEY"], CERT)],
}


@pytest.fixture
def files(sop, alice):
    key, cert = alice
    other_key, other_cert = sop.key("rfc9580", "Mallory <mallory@example.org>")
    locked, locked_cert = sop.key("rfc9580", "Locked <locked@example.org>", password="open sesame")
    only = sop.file(sop("generate-key", "--signing-only", "Bob <bob@example.org>"))
    message = sop("encrypt", "--no-armor", cert, stdin=TEXT)
    revoked = revoked_key(sop, key)
    (sop.folder / "@ENV:AMBIGUOUS").write_bytes(key.read_bytes())
    (sop.folder / "@FD:1").write_bytes(b"")
    return {
        KEY: key, CERT: cert, "OTHER-KEY": other_key, "OTHER-CERT": other_cert, "LOCKED": locked,
        "SIGNATURE": sop.file(sop("sign", key, stdin=TEXT)), "OTHER-SIGNATURE": sop.file(sop("sign", other_key, stdin=TEXT)),
        "INLINE": sop.file(sop("inline-sign", key, stdin=TEXT)),
        "OTHER-INLINE": sop.file(sop("inline-sign", other_key, stdin=TEXT)),
        "KEY-99": sop.file(unknown_algorithm(sop("dearmor", stdin=key.read_bytes()))),
        "CERT-99": sop.file(unknown_algorithm(sop("dearmor", stdin=cert.read_bytes()))),
        "SIGNING-ONLY-CERT": sop.file(sop("extract-cert", stdin=only.read_bytes())),
        "REVOKED-KEY": revoked, "REVOKED-CERT": sop.file(sop("extract-cert", stdin=revoked.read_bytes())),
        "MESSAGE": sop.file(message), "CHANGED": sop.file(message[:-20] + bytes([message[-20] ^ 1]) + message[-19:]),
        "LOCKED-MESSAGE": sop.file(sop("encrypt", locked_cert, stdin=TEXT)), "PASSWORD": sop.file("wrong"),
        "LATIN-1": sop.file(b"\xe9t\xe9"), "GARBAGE": sop.file(b"garbage"), "NEW": sop.new_name(),
    }


def command(words, files):
    """A row's words with the files that they name in their place."""
    def word(w):
        if isinstance(w, bytes):
            return w
        option, _, value = w.partition("=")
        return f"{option}={files[value]}" if value in files else files.get(w, w)
    return [word(w) for w in words]


@pytest.mark.parametrize("status", sorted(WAYS))
def test_every_status_has_its_reason(sop, files, status):
    for words, data in WAYS[status]:
        argv = [build_folder() / "letterlock", "sop", *command(words, files)]
        stdin = files[data].read_bytes() if isinstance(data, str) else data
        done = subprocess.run(argv, input=stdin, capture_output=True, timeout=60, cwd=sop.folder)
        assert done.returncode == status, (words, done.returncode, done.stderr)
        if status != 0:
            said = done.stderr.decode(errors="replace")
            assert said.startswith("letterlock sop: ") and len(said) > 30, words
            assert done.stdout == b"" or words[0] in STREAMS, words


def test_what_has_no_status_of_its_own(sop, alice):
    """1: here, a disk that is full, and a descriptor that is closed."""
    with open("/dev/full", "wb") as full:
        for words in (["sign", alice[0]], ["version"], ["list-profiles", "encrypt"], ["--help"], ["sign", "--help"]):
            argv = [build_folder() / "letterlock", "sop", *words]
            done = subprocess.run(argv, input=TEXT, stdout=full, stderr=subprocess.PIPE, timeout=60)
            assert done.returncode == 1 and b"standard output" in done.stderr, words
    for words in (["decrypt", "--verify-with", alice[1], "--verifications-out=@FD:%d", alice[0]],
                  ["decrypt", "--session-key-out=@FD:%d", alice[0]]):
        for fd in range(3, 9):
            argv = [build_folder() / "letterlock", "sop", *(w % fd if isinstance(w, str) and "%" in w else w for w in words)]
            done = subprocess.run(argv, input=sop("encrypt", alice[1], stdin=TEXT), capture_output=True, timeout=60)
            assert done.returncode == 1 and b"not open" in done.stderr and done.stdout == b"", argv


@pytest.mark.parametrize("words", [["dearmor"], ["decrypt", "KEY"], ["inline-verify", "CERT"]])
def test_input_without_end(sop, alice, words):
    """What is no armor after a megabyte will not become any."""
    argv = [build_folder() / "letterlock", "sop", *({"KEY": alice[0], "CERT": alice[1]}.get(w, w) for w in words)]
    with open("/dev/zero", "rb") as zero:
        done = subprocess.run(argv, stdin=zero, capture_output=True, timeout=60)
    assert done.returncode == 41 and b"neither" in done.stderr


def test_the_file_that_is_wrong_is_named(sop, alice):
    key, cert = alice
    text = sop.file(TEXT)
    for words in (["encrypt", cert, text], ["sign", key, text], ["verify", text, cert]):
        argv = [build_folder() / "letterlock", "sop", *words]
        done = subprocess.run(argv, input=TEXT, capture_output=True, timeout=60)
        assert done.returncode == 41 and str(text).encode() in done.stderr, words
    revoked = revoked_key(sop, key)
    for words, status in ((["encrypt", cert, sop.file(sop("extract-cert", stdin=revoked.read_bytes()))], 17),
                          (["sign", key, revoked], 79)):
        argv = [build_folder() / "letterlock", "sop", *words]
        done = subprocess.run(argv, input=TEXT, capture_output=True, timeout=60)
        assert done.returncode == status and re.search(rb"sop: [0-9A-F]{16}: .*revoked", done.stderr), done.stderr


def test_the_table_is_whole():
    assert set(WAYS) | HARDWARE | {1} == TABLE


def test_indirect_arguments(sop, alice):
    key, cert = alice
    signature = sop.file(sop("sign", "@ENV:ALICE", stdin=TEXT, env={**os.environ, "ALICE": key.read_text()}))
    reading, writing = os.pipe()
    os.write(writing, cert.read_bytes())
    os.close(writing)
    sop("verify", signature, f"@FD:{reading}", stdin=TEXT, pass_fds=(reading,))
    os.close(reading)


def test_a_result_goes_to_a_descriptor(sop, alice):
    reading, writing = os.pipe()
    sop("sign", f"--micalg-out=@FD:{writing}", alice[0], stdin=TEXT, pass_fds=(writing,))
    os.close(writing)
    assert os.read(reading, 100) == b"pgp-sha512"
    os.close(reading)


def test_a_file_whose_name_looks_special(sop, alice):
    (sop.folder / "@ENV:KEY").write_bytes(alice[0].read_bytes())
    sop("sign", "@ENV:KEY", stdin=TEXT, status=73, cwd=sop.folder)
    sop("sign", "./@ENV:KEY", stdin=TEXT, cwd=sop.folder)


@pytest.mark.parametrize("date, good", [
    ("now", True), ("-", True), ("2099-01-01T00:00:00Z", True), ("2099-01-01T00:00Z", True), ("2099-01-01", True),
    ("20990101T000000Z", True), ("20990101", True), ("2099-01-01T02:00+02:00", True), ("2001-01-01", False), ("2001-01-01T00:00Z", False)])
def test_dates(sop, alice, date, good):
    signature = sop.file(sop("sign", alice[0], stdin=TEXT))
    sop("verify", f"--not-after={date}", signature, alice[1], stdin=TEXT, status=0 if good else 3)
    if date not in ("now", "-"):
        sop("verify", f"--not-before={date}", signature, alice[1], stdin=TEXT, status=3 if good else 0)


@pytest.mark.parametrize("date", ["", "2099", "2099-13-01", "yesterday", "2099-01-01T25:00Z", "1969-12-31"])
def test_what_is_no_date(sop, alice, date):
    signature = sop.file(sop("sign", alice[0], stdin=TEXT))
    sop("verify", f"--not-after={date}", signature, alice[1], stdin=TEXT, status=37)


def test_decrypting_does_not_depend_on_signatures(sop, alice):
    """Whether it is signed is said in the verifications alone: an empty file, and nothing is known."""
    _, other = sop.key("rfc9580", "Mallory <mallory@example.org>")
    message = sop("encrypt", "--sign-with", alice[0], alice[1], stdin=TEXT)
    for certs, lines in (([other], 0), ([alice[1]], 1), ([other, alice[1]], 1)):
        out = sop.new_name()
        words = [w for c in certs for w in ("--verify-with", c)]
        assert sop("decrypt", *words, f"--verifications-out={out}", alice[0], stdin=message) == TEXT
        assert out.read_text().count("\n") == lines
    out = sop.new_name()
    sop("decrypt", "--verify-with", alice[1], "--verify-not-after=2001-01-01", f"--verifications-out={out}", alice[0], stdin=message)
    assert out.read_bytes() == b""


def test_micalg(sop, alice):
    out = sop.new_name()
    sop("sign", f"--micalg-out={out}", alice[0], stdin=TEXT)
    assert out.read_text() == "pgp-sha512"


def test_large_data_streams(sop, alice):
    data = os.urandom(1 << 20) * 5 + b"x"
    for profile in ("rfc9580", "rfc4880"):
        message = sop("encrypt", f"--profile={profile}", "--no-armor", "--sign-with", alice[0], alice[1], stdin=data)
        out = sop.new_name()
        assert sop("decrypt", "--verify-with", alice[1], f"--verifications-out={out}", alice[0], stdin=message) == data
        assert out.read_text().count("\n") == 1


def test_pitfall_openpgp_1_changed_message_gives_no_unproven_text(sop, alice):
    """EFAIL: of SEIPDv1 nothing comes out before all of it is proven."""
    data = b"A" * 300000
    message = bytearray(sop("encrypt", "--profile=rfc4880", "--no-armor", alice[1], stdin=data))
    message[len(message) // 2] ^= 1
    done = sop("decrypt", alice[0], stdin=bytes(message), status=None)
    assert done.returncode == 41 and done.stdout == b""
    whole = sop("encrypt", "--profile=rfc4880", "--no-armor", alice[1], stdin=data)
    done = sop("decrypt", alice[0], stdin=whole[:-30], status=None)
    assert done.returncode == 41 and done.stdout == b""


def test_pitfall_openpgp_7_detached_and_inline_are_not_exchanged(sop, alice):
    message = sop("encrypt", alice[1], stdin=TEXT)
    sop("verify", sop.file(message), alice[1], stdin=TEXT, status=41)
    signature = sop("sign", alice[0], stdin=TEXT)
    sop("decrypt", alice[0], stdin=signature, status=41)


def test_pitfall_openpgp_7_several_blocks_and_trailing_text(sop, alice):
    bob = sop.key("rfc4880", "Bob <bob@example.org>")
    both = sop.file(alice[1].read_bytes() + b"\n" + bob[1].read_bytes())
    message = sop("encrypt", both, stdin=TEXT)
    for key in (alice[0], bob[0]):
        assert sop("decrypt", key, stdin=message) == TEXT
    sop("decrypt", alice[0], stdin=message + message, status=41)
