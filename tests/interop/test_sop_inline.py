# SPDX-License-Identifier: ISC
"""Signed messages and clearsigned texts, made, checked and taken apart beside gpg, sqop, rnp and OpenPGP.js."""
import os
import re
import subprocess

import pytest

from conftest import build_folder, packets

TEXT = "- Grüße  \nFrom me\n\n--- \nwith trailing tab\t\nlast\n".encode()
FORMS = ["binary", "text", "clearsigned"]


@pytest.fixture(params=["compatibility", "rfc4880", "rfc9580", "security"])
def alice(request, sop):
    return sop.key(request.param, "Alice <alice@example.org>")


@pytest.fixture(params=["compatibility", "rfc4880"])
def alice4(request, sop):
    return sop.key(request.param, "Alice <alice@example.org>")


def without_blanks(text):
    """What the framework signs: no spaces and tabs at line ends."""
    return re.sub(rb"[ \t]+(?=\r?\n|$)", b"", text)


def words_of(text):
    """What programs agree on: some write the framework's own last line end as well, some take one of the text away."""
    return without_blanks(text.replace(b"\r\n", b"\n")).rstrip(b"\n")


@pytest.mark.parametrize("form", FORMS)
def test_round_trip(sop, alice, form):
    message = sop("inline-sign", f"--as={form}", alice[0], stdin=TEXT)
    out = sop.new_name()
    got = sop("inline-verify", f"--verifications-out={out}", alice[1], stdin=message)
    assert got == (without_blanks(TEXT) if form == "clearsigned" else TEXT)
    mode = "binary" if form == "binary" else "text"
    assert len(out.read_text().splitlines()) == 1 and f" mode:{mode} " in out.read_text()


@pytest.mark.parametrize("form", FORMS)
def test_a_changed_message_gives_nothing(sop, alice, form):
    message = sop("inline-sign", f"--as={form}", alice[0], stdin=TEXT)
    if form == "clearsigned":
        changed = message.replace(b"last", b"lost")
    else:
        binary = sop("dearmor", stdin=message)
        changed = binary.replace(b"last", b"lost")
        assert changed != binary
    out = sop.new_name()
    assert sop("inline-verify", f"--verifications-out={out}", alice[1], stdin=changed, status=3) == b""
    assert not out.exists()


@pytest.mark.parametrize("form", FORMS)
def test_detached_it_is_a_detached_signature(sop, alice, form):
    message = sop("inline-sign", f"--as={form}", alice[0], stdin=TEXT)
    for armor in ([], ["--no-armor"]):
        signatures = sop.new_name()
        data = sop("inline-detach", *armor, f"--signatures-out={signatures}", stdin=message)
        # Octet by octet as it was within: other signatures over it may not be those of a text.
        assert data == {"binary": TEXT, "text": TEXT.replace(b"\n", b"\r\n"), "clearsigned": without_blanks(TEXT)}[form]
        assert signatures.read_bytes().startswith(b"-----BEGIN PGP SIGNATURE-----") == (armor == [])
        # In the framework the line end in front of the signatures is nobody's: what is signed is what comes out.
        sop("verify", signatures, alice[1], stdin=data)


@pytest.mark.parametrize("form", FORMS)
def test_several_signers(sop, form):
    pairs = [sop.key(profile, "Alice <alice@example.org>") for profile in ("rfc9580", "compatibility", "security")]
    message = sop("inline-sign", f"--as={form}", *(key for key, _ in pairs), stdin=TEXT)
    for certs, lines in (([c for _, c in pairs], 3), ([pairs[1][1]], 1), ([pairs[2][1], pairs[0][1]], 2)):
        out = sop.new_name()
        sop("inline-verify", f"--verifications-out={out}", *certs, stdin=message)
        assert len(out.read_text().splitlines()) == lines


@pytest.mark.parametrize("form", ["binary", "text"])
def test_armor_and_its_checksum(sop, alice, form):
    """Older programs want a checksum; with a version 6 signature there must be none (RFC 9580 section 6.1)."""
    message = sop("inline-sign", f"--as={form}", alice[0], stdin=TEXT)
    v6 = any(kind == 4 and body[0] == 6 for kind, body in packets(sop("inline-sign", "--no-armor", alice[0], stdin=TEXT)))
    assert (re.search(rb"^=.{4}$", message, re.M) is None) == v6


@pytest.mark.parametrize("form", FORMS)
def test_gpg_checks_ours(sop, gpg, alice4, form):
    gpg("--import", alice4[1])
    message = sop("inline-sign", f"--as={form}", alice4[0], stdin=TEXT)
    assert "GOODSIG" in gpg.status_of("--verify", stdin=message)
    got = gpg("--decrypt", stdin=message)
    assert words_of(got) == words_of(TEXT)


@pytest.mark.parametrize("options", [["--sign"], ["--sign", "--textmode"], ["--clearsign"], ["--sign", "--armor"],
                                     ["--sign", "--compress-algo", "zip"], ["--sign", "--compress-algo", "bzip2"]])
def test_we_check_gpg(sop, gpg, options):
    gpg("--quick-generate-key", "Bob <bob@example.org>", "ed25519", "sign", "never")
    cert = sop.file(gpg("--export", "bob@example.org"))
    message = gpg(*options, "-u", "bob@example.org", stdin=TEXT)
    got = sop("inline-verify", cert, stdin=message)
    assert words_of(got) == words_of(TEXT) if "--clearsign" in options else got == TEXT
    signatures = sop.new_name()
    sop("inline-detach", f"--signatures-out={signatures}", stdin=message)
    assert "GOODSIG" in gpg.status_of("--verify", signatures, sop.file(got))


@pytest.mark.parametrize("form", FORMS)
def test_sqop_both_ways(sop, sqop, alice4, form):
    for maker, judge in ((sop, sqop), (sqop, sop)):
        message = maker("inline-sign", f"--as={form}", alice4[0], stdin=TEXT)
        got = judge("inline-verify", alice4[1], stdin=message)
        assert words_of(got) == words_of(TEXT)
        if judge is sqop and form == "clearsigned":
            continue  # it gives the framework's own line end as well, which nobody signed
        other = judge.new_name()
        data = judge("inline-detach", f"--signatures-out={other}", stdin=message)
        maker("verify", other, alice4[1], stdin=data)


@pytest.mark.parametrize("form", FORMS)
def test_rnp_checks_ours(sop, rnp, alice4, form):
    message = sop.file(sop("inline-sign", f"--as={form}", alice4[0], stdin=TEXT))
    rnp(alice4[1], "--verify", message)
    changed = sop.file(message.read_bytes().replace(b"l", b"L", 1) if form == "clearsigned" else b"x")
    rnp(alice4[1], "--verify", changed, status=1)


@pytest.mark.parametrize("options", [["--sign"], ["--clearsign"]])
def test_we_check_rnp(sop, rnp, alice4, options):
    key = sop.file(sop("dearmor", stdin=alice4[0].read_bytes()))
    message = rnp(key, *options, "-u", "Alice", sop.file(TEXT))
    assert words_of(sop("inline-verify", alice4[1], stdin=message)) == words_of(TEXT)


@pytest.mark.parametrize("profile", ["compatibility", "rfc9580"])
def test_openpgpjs_both_ways(sop, openpgpjs, profile):
    key, cert = sop.key(profile, "Alice <alice@example.org>")
    text = TEXT.decode()
    for clear in (False, True):
        message = sop("inline-sign", f"--as={'clearsigned' if clear else 'binary'}", key, stdin=TEXT).decode()
        told = openpgpjs("verifyCleartext" if clear else "verifyInline", message=message, certs=[cert.read_text()])
        assert len(told["signatures"]) == 1 and not told["signatures"][0].startswith("bad")
        made = openpgpjs("clearsign" if clear else "signInline", text=text, key=key.read_text())["message"]
        got = sop("inline-verify", cert, stdin=made)
        assert words_of(got) == words_of(TEXT)


@pytest.mark.parametrize("text", [b"", b"\n", b"no line end", b"\n\n", b"-", b"- \n-----BEGIN PGP MESSAGE-----\n", b"a\r\nb\r\n",
                                  b"From \nfrom\nFrom", "é".encode() * 9000], ids=lambda t: repr(t[:12]))
def test_odd_texts_stay_what_they_are(sop, gpg, text):
    key, cert = sop.key("compatibility", "Alice <alice@example.org>")
    gpg("--import", cert)
    message = sop("inline-sign", "--as=clearsigned", key, stdin=text)
    assert sop("inline-verify", cert, stdin=message) == without_blanks(text)
    assert "GOODSIG" in gpg.status_of("--verify", stdin=message)


ATTACKS = {
    "another header": lambda m: m.replace(b"\n\n", b"\nNotDashEscaped: yes\n\n", 1),
    "a comment": lambda m: m.replace(b"\n\n", b"\nComment: hello\n\n", 1),
    "a header with text": lambda m: m.replace(b"\n\n", b"\nHash: SHA512\x0cfrom the president\n\n", 1),
    "an armor line within": lambda m: m.replace(b"one\n", b"one\n-----BEGIN PGP MESSAGE-----\n", 1),
    "two texts": lambda m: m + m,
    "no signature": lambda m: m[:m.index(b"-----BEGIN PGP SIGNATURE")],
    "cut": lambda m: m[:-40],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_pitfall_openpgp_10_what_only_looks_signed(sop, attack):
    key, cert = sop.key("compatibility", "Alice <alice@example.org>")
    message = sop("inline-sign", "--as=clearsigned", key, stdin=b"one\ntwo\n")
    done = sop("inline-verify", cert, stdin=ATTACKS[attack](message), status=None)
    assert done.returncode in (3, 41) and done.stdout == b""


def test_pitfall_openpgp_10_text_around_it_is_not_signed(sop):
    key, cert = sop.key("rfc9580", "Alice <alice@example.org>")
    message = sop("inline-sign", "--as=clearsigned", key, stdin=b"one\n")
    assert sop("inline-verify", cert, stdin=b"before\n" + message + b"after\n") == b"one\n"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_large(sop, form, piped):
    """Over what is held in memory, from files and from pipes."""
    key, cert = sop.key("rfc9580", "Alice <alice@example.org>")
    data = sop.file(os.urandom(1 << 20).hex().encode().replace(b"0", b"\n") * 36 + b"\n")
    signed, out = sop.new_name(), sop.new_name()
    for words, source, target in ((["inline-sign", f"--as={form}", key], data, signed), (["inline-verify", cert], signed, out)):
        command = " ".join(f"'{w}'" for w in [build_folder() / "letterlock", "sop", *words])
        feed = f"cat '{source}' | {command}" if piped else f"{command} < '{source}'"
        done = subprocess.run(f"{feed} > '{target}'", shell=True, timeout=120, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr
    assert out.read_bytes() == data.read_bytes()


def test_texts_travel_with_their_line_ends(sop, gpg):
    """A literal packet of text has CR LF within (RFC 9580 section 5.9), which is what gpg hashes, and LF here."""
    key, cert = sop.key("compatibility", "Alice <alice@example.org>")
    gpg("--import", key)
    for text in (b"one\ntwo\n", b"one\r\ntwo\n", b"one\rtwo\r", b"\r\n" * 3, b"a" * 600 + b"\n"):
        made = sop("inline-sign", "--as=text", "--no-armor", key, stdin=text)
        assert (b"\xcb" in made) and (b"\0\0\0\0" + re.sub(rb"\r?\n", b"\r\n", text) in made or len(text) > 500)
        assert sop("inline-verify", cert, stdin=made) == text.replace(b"\r\n", b"\n")
        assert "GOODSIG" in gpg.status_of("--verify", stdin=made)
        message = sop("encrypt", "--as=text", "--sign-with", key, cert, stdin=text)
        assert sop("decrypt", key, stdin=message) == text.replace(b"\r\n", b"\n")
        assert "GOODSIG" in gpg.status_of("--decrypt", stdin=message)


@pytest.mark.parametrize("cut", [1, 10, 20, 40, 60])
def test_a_pipe_that_trickles(sop, cut):
    """What is read again of a pipe is put aside, wherever its first pieces end; other text may come before."""
    key, cert = sop.key("compatibility", "Alice <alice@example.org>")
    text = b"one\n" * 50000
    message = sop("inline-sign", "--as=clearsigned", key, stdin=text)
    for before in (b"", b"Dear reader,\n-----BEGIN\n" * 9):
        child = subprocess.Popen([build_folder() / "letterlock", "sop", "inline-verify", cert], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        whole = before + message
        for at in range(0, 400, cut):
            child.stdin.write(whole[at:at + cut])
            child.stdin.flush()
        out, said = child.communicate(whole[at + cut:], timeout=60)
        assert child.returncode == 0, said
        assert out == text
