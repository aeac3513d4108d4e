# SPDX-License-Identifier: ISC
"""Every classical algorithm with keys that other programs made: what they sign we verify and the other way round, what
they encrypt we open and the other way round. And the secret keys that they locked."""
import contextlib
import os
import pathlib
import shutil

import pytest

from conftest import ROOT, Sop, gpg_home, run

TEXT = b"Dear peer,\nhow are you?\r\nBlob: \x00\x01\xff\n"
WORDS = "Grüße aus der Küche\nzweite Zeile\n"
CURVES = ["nistp256", "nistp384", "nistp521", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"]
LIBRE = ROOT / "tests" / "data" / "libre"


class Pair:
    """A key that gpg made: secret key and certificate in files of sop's folder, its fingerprint."""

    def __init__(self, sop, gpg, sign, encrypt, passphrase=None):
        gpg("--quick-generate-key", "Bob <bob@example.org>", sign, "sign", "never", passphrase=passphrase)
        listed = gpg("--list-keys", "--with-colons", "bob@example.org").decode()
        self.fingerprint = listed.split("fpr:::::::::")[1].split(":")[0]
        gpg("--quick-add-key", self.fingerprint, encrypt, "encr", "never", passphrase=passphrase)
        self.key = sop.file(gpg("--export-secret-keys", self.fingerprint, passphrase=passphrase))
        self.cert = sop.file(gpg("--armor", "--export", self.fingerprint))


class Rnp:
    """Debian's rnp with the keys of one file."""

    def __init__(self, folder, keyfile):
        self.folder = folder
        self.argv = ["rnp", "--homedir", folder, "--keyfile", keyfile, "--notty", "--password", ""]

    def __call__(self, *arguments, stdin, status=0):
        data, out = self.folder / "in", self.folder / "out"
        data.write_bytes(stdin)
        out.unlink(missing_ok=True)
        run([*self.argv, *arguments, data, "--output", out, "--overwrite"], b"", status)
        return out.read_bytes()

    def verify(self, data, signature, status=0):
        source, sig = self.folder / "data", self.folder / "data.sig"
        source.write_bytes(data)
        sig.write_bytes(signature)
        run([*self.argv, "--verify", "--source", source, sig], b"", status)


def refuses(sop, signature, cert, text):
    sop("verify", signature, cert, stdin=text, status=3)


def is_no_recipient(sop, cert):
    """17: the certificate cannot encrypt; 13: nothing is encrypted with its algorithm."""
    done = run([*sop.argv, "encrypt", cert], TEXT, None)
    assert done.returncode in (13, 17) and done.stdout == b"", done.stderr


# ---- gpg: ECDSA and ECDH ----


@pytest.fixture(params=CURVES)
def curve(request, sop, gpg):
    return Pair(sop, gpg, request.param, request.param)


def test_gpg_curves_signatures(sop, gpg, curve):
    signature = sop.file(gpg("--detach-sign", "-u", curve.fingerprint, stdin=TEXT))
    assert curve.fingerprint.encode() in sop("verify", signature, curve.cert, stdin=TEXT)
    refuses(sop, signature, curve.cert, TEXT + b"x")
    ours, data = sop.file(sop("sign", curve.key, stdin=TEXT)), sop.file(TEXT)
    assert "GOODSIG" in gpg.status_of("--verify", ours, data)
    assert "BADSIG" in gpg.status_of("--verify", ours, sop.file(TEXT + b"x"))


def test_gpg_curves_messages(sop, gpg, curve):
    assert sop("decrypt", curve.key, stdin=gpg("--encrypt", "-r", curve.fingerprint, stdin=TEXT)) == TEXT
    assert gpg("--decrypt", stdin=sop("encrypt", curve.cert, stdin=TEXT)) == TEXT


# ---- rnp, with the same keys ----


def test_rnp_curves(sop, curve, tmp_path):
    if shutil.which("rnp") is None:
        pytest.skip("rnp is not installed (Debian package rnp)")
    home = tmp_path / "rnp"
    home.mkdir()
    rnp = Rnp(home, curve.key)
    theirs = sop.file(rnp("--sign", "--detach", "--userid", curve.fingerprint, stdin=TEXT))
    assert curve.fingerprint.encode() in sop("verify", theirs, curve.cert, stdin=TEXT)
    rnp.verify(TEXT, sop("sign", "--no-armor", curve.key, stdin=TEXT))
    rnp.verify(TEXT + b"x", sop("sign", "--no-armor", curve.key, stdin=TEXT), status=1)
    message = rnp("--encrypt", "--recipient", curve.fingerprint, stdin=TEXT)
    assert sop("decrypt", curve.key, stdin=message) == TEXT
    assert rnp("--decrypt", stdin=sop("encrypt", "--no-armor", curve.cert, stdin=TEXT)) == TEXT


# ---- Sequoia and go-crypto, which have NIST's curves ----


@pytest.mark.parametrize("peer", ["sqop", "gosop"])
@pytest.mark.parametrize("curve", CURVES[:3])
def test_stateless_peers_with_nist_curves(request, sop, gpg, peer, curve):
    other, pair = request.getfixturevalue(peer), Pair(sop, gpg, curve, curve)
    theirs = sop.file(other("sign", pair.key, stdin=TEXT))
    assert pair.fingerprint.encode() in sop("verify", theirs, pair.cert, stdin=TEXT)
    ours = sop.file(sop("sign", pair.key, stdin=TEXT))
    assert pair.fingerprint.lower() in other("verify", ours, pair.cert, stdin=TEXT).decode().lower()
    other("verify", ours, pair.cert, stdin=TEXT + b"x", status=3)
    # gosop 2022 makes text of all that it encrypts and decrypts.
    assert sop("decrypt", pair.key, stdin=other("encrypt", pair.cert, stdin=WORDS)) == WORDS.encode()
    assert other("decrypt", pair.key, stdin=sop("encrypt", pair.cert, stdin=WORDS)) == WORDS.encode()


# What its key generation asks, and what is answered: 19 ECDSA and ECDH with a curve, 22 EdDSA, 1 RSA, 16 DSA and ElGamal.
RNP_KEYS = {"nistp521": "19\n3\n", "brainpoolP256r1": "19\n4\n", "brainpoolP512r1": "19\n6\n", "25519": "22\n",
            "rsa": "1\n3072\n", "elgamal": "16\n1024\n1024\n"}


@pytest.mark.parametrize("kind", RNP_KEYS)
def test_keys_that_rnp_made_and_locked(sop, kind, tmp_path):
    if shutil.which("rnpkeys") is None:
        pytest.skip("rnpkeys is not installed (Debian package rnp)")
    keys = ["rnpkeys", "--homedir", tmp_path, "--password", "correct horse"]
    run([*keys, "--generate-key", "--expert", "--userid", "bob"], RNP_KEYS[kind])
    key = sop.file(run([*keys, "--export-key", "bob", "--secret"]))
    cert = sop.file(run([*keys, "--export-key", "bob"]))
    data, message = tmp_path / "data", tmp_path / "message"
    data.write_bytes(TEXT)
    run(["rnp", "--homedir", tmp_path, "--notty", "--encrypt", "--recipient", "bob", data, "--output", message])
    word = ["--with-key-password", sop.file("correct horse")]
    assert sop("decrypt", *word, key, stdin=message.read_bytes()) == TEXT
    sop("decrypt", "--with-key-password", sop.file("wrong"), key, stdin=message.read_bytes(), status=67)
    if kind != "elgamal":
        rnp = Rnp(tmp_path, cert)
        rnp.verify(TEXT, sop("sign", "--no-armor", *word, key, stdin=TEXT))
        rnp.verify(TEXT + b"x", sop("sign", "--no-armor", *word, key, stdin=TEXT), status=1)


# ---- OpenPGP.js: version 4 and 6 ----

# Its Brainpool curves need a module that it does not bring along (eckey-utils): gpg and rnp have them above.
KINDS = [("ecc", "nistP256"), ("ecc", "nistP384"), ("ecc", "nistP521"), ("curve25519", None), ("curve448", None),
         ("rsa", None)]


@pytest.fixture(params=[(kind, v6) for kind in KINDS for v6 in (False, True)],
                ids=lambda p: f"{p[0][1] or p[0][0]}-{'v6' if p[1] else 'v4'}")
def js(request, sop, openpgpjs):
    (kind, name), v6 = request.param
    more = {"curve": name} if name else {"bits": 3072} if kind == "rsa" else {}
    made = openpgpjs("generate", v6=v6, type=kind, **more)
    return {**made, "key_file": sop.file(made["key"]), "cert_file": sop.file(made["cert"])}


def test_openpgpjs_signatures(sop, openpgpjs, js):
    theirs = sop.file(openpgpjs("sign", text=WORDS, key=js["key"])["signature"])
    assert sop("verify", theirs, js["cert_file"], stdin=WORDS).count(b"\n") == 1
    refuses(sop, theirs, js["cert_file"], WORDS + "x")
    ours = sop("sign", "--as=text", js["key_file"], stdin=WORDS).decode()
    got = openpgpjs("verify", text=WORDS, signature=ours, certs=[js["cert"]])
    assert len(got["signatures"]) == 1 and not got["signatures"][0].startswith("bad: ")


def test_openpgpjs_messages(sop, openpgpjs, js):
    theirs = openpgpjs("encrypt", text=WORDS, certs=[js["cert"]])["message"]
    assert sop("decrypt", js["key_file"], stdin=theirs).replace(b"\r\n", b"\n") == WORDS.encode()
    ours = sop("encrypt", js["cert_file"], stdin=WORDS).decode()
    assert openpgpjs("decrypt", message=ours, key=js["key"])["text"].replace("\r\n", "\n") == WORDS


# ---- old mail: DSA and ElGamal ----


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """(gpg, key) of RSA, of a curve, and of DSA and ElGamal: they take long to make, and so are made once."""
    with contextlib.ExitStack() as stack:
        made = []
        for kind in [("rsa3072", "rsa3072"), ("nistp256", "nistp256"), ("dsa2048", "elg2048")]:
            folder = tmp_path_factory.mktemp("pair")
            gpg = stack.enter_context(gpg_home(folder))
            made.append((gpg, Pair(Sop([], folder), gpg, *kind)))
        yield made


def test_gpg_dsa_is_refused_and_elgamal_is_read(sop, pairs):
    gpg, old = pairs[2]
    refuses(sop, sop.file(gpg("--detach-sign", "-u", old.fingerprint, stdin=TEXT)), old.cert, TEXT)
    assert sop("decrypt", old.key, stdin=gpg("--encrypt", "-r", old.fingerprint, stdin=TEXT)) == TEXT
    is_no_recipient(sop, old.cert)
    message = gpg("--encrypt", "--hidden-recipient", old.fingerprint, stdin=TEXT)
    assert sop("decrypt", old.key, stdin=message) == TEXT
    changed = bytearray(gpg("--encrypt", "-r", old.fingerprint, stdin=TEXT))
    changed[40] ^= 1
    # A wrong padding is not told apart from a wrong key: the message just does not come out (section 13.5).
    done = run([*sop.argv, "decrypt", old.key], bytes(changed), None)
    assert done.returncode in (29, 41) and done.stdout == b""


@pytest.mark.parametrize("size", ["dsa1024", "dsa2048", "dsa3072"])
def test_gpg_dsa_is_checked_when_its_rule_is_lifted(sop, gpg, size, tmp_path):
    """Old archives: whoever says so gets the answer of the arithmetic."""
    pair = Pair(sop, gpg, size, "elg1024")
    signature, data = sop.file(gpg("--detach-sign", "-u", pair.fingerprint, stdin=TEXT)), sop.file(TEXT)
    verify = [sop.argv[0], "verify", data, signature, "--cert", pair.cert]
    env = {**os.environ, "HOME": str(tmp_path)}
    refused = run(verify, b"", None, env)
    assert refused.returncode == 1 and b"(rule " in refused.stdout  # dsa; of the old small ones sha1
    run([*verify, "--accept-old", "archive"], b"", 0, env)
    data.write_bytes(TEXT + b"x")
    bad = run([*verify, "--accept-old", "archive"], b"", None, env)
    assert bad.returncode == 1 and b"BAD signature" in bad.stdout


@pytest.mark.parametrize("cipher", ["CAST5", "3DES", "BLOWFISH"])
def test_old_ciphers_are_read_when_their_rules_are_lifted(sop, gpg, cipher, tmp_path):
    message = sop.file(gpg("--symmetric", "--cipher-algo", cipher, stdin=TEXT, passphrase="secret"))
    decrypt = [sop.argv[0], "decrypt", "--to-stdout", "--password", "--password-fd", "0", message]
    env = {**os.environ, "HOME": str(tmp_path)}
    refused = run(decrypt, b"secret\n", None, env)
    assert refused.returncode != 0 and refused.stdout == b""
    opened = run([*decrypt, "--accept-old", cipher.lower()], b"secret\n", 0, env)
    assert opened == TEXT


@pytest.mark.parametrize("cipher", ["3DES", "CAST5", "BLOWFISH", "TWOFISH", "IDEA", "CAMELLIA128", "CAMELLIA256"])
def test_session_keys_of_old_ciphers(sop, pairs, cipher):
    """The wrapped key of every algorithm says its cipher. Camellia is read; the others are refused by their names."""
    for gpg, pair in pairs:
        message = gpg("--cipher-algo", cipher, "--encrypt", "-r", pair.fingerprint, stdin=TEXT)
        done = run([*sop.argv, "decrypt", pair.key], message, None)
        if cipher.startswith("CAMELLIA"):
            assert done.returncode == 0 and done.stdout == TEXT
        else:
            assert done.returncode != 0 and done.stdout == b""
            assert cipher.lower() in done.stderr.decode().lower()


# ---- locked keys ----


@pytest.mark.parametrize("kind", [("ed25519", "cv25519"), ("rsa3072", "rsa3072"), ("nistp384", "nistp384"),
                                  ("dsa2048", "elg2048")], ids="-".join)
def test_keys_that_gpg_locked(sop, gpg, kind):
    pair = Pair(sop, gpg, *kind, passphrase="correct horse")
    message = gpg("--encrypt", "-r", pair.fingerprint, stdin=TEXT)
    word = sop.file("correct horse")
    assert sop("decrypt", "--with-key-password", word, pair.key, stdin=message) == TEXT
    sop("decrypt", "--with-key-password", sop.file("wrong horse"), pair.key, stdin=message, status=67)
    sop("decrypt", pair.key, stdin=message, status=67)


@pytest.mark.parametrize("v6", [False, True], ids=["v4-254", "v6-253"])
@pytest.mark.parametrize("kind", [("curve25519", None), ("curve448", None), ("ecc", "nistP256"), ("rsa", None)],
                         ids=lambda k: k[1] or k[0])
def test_keys_that_openpgpjs_locked(sop, openpgpjs, v6, kind):
    more = {"curve": kind[1]} if kind[1] else {"bits": 3072} if kind[0] == "rsa" else {}
    made = openpgpjs("generate", v6=v6, password="correct horse", type=kind[0], **more)
    message = openpgpjs("encrypt", text=WORDS, certs=[made["cert"]])["message"]
    key, word = sop.file(made["key"]), sop.file("correct horse")
    opened = sop("decrypt", "--with-key-password", word, key, stdin=message)
    assert opened.replace(b"\r\n", b"\n") == WORDS.encode()
    sop("decrypt", "--with-key-password", sop.file("wrong horse"), key, stdin=message, status=67)
    signature = sop("sign", "--as=text", "--with-key-password", word, key, stdin=WORDS).decode()
    got = openpgpjs("verify", text=WORDS, signature=signature, certs=[made["cert"]])
    assert len(got["signatures"]) == 1 and not got["signatures"][0].startswith("bad: ")


def test_a_stub_of_gpg_says_where_the_key_is(sop, gpg):
    pair = Pair(sop, gpg, "ed25519", "cv25519")
    stub = sop.file(gpg("--export-secret-subkeys", pair.fingerprint))
    message = gpg("--encrypt", "-r", pair.fingerprint, stdin=TEXT)
    assert sop("decrypt", stub, stdin=message) == TEXT
    done = run([*sop.argv, "sign", stub], TEXT, None)
    assert done.returncode != 0 and done.stdout == b""


# ---- LibrePGP: what gpg 2.4 writes ----


@pytest.mark.parametrize("name", ["ed448", "v5", "v5rsa"])
def test_librepgp_version_5(sop, name):
    word = ["--with-key-password", sop.file("secret")] if name == "v5rsa" else []
    text = pathlib.Path(LIBRE / f"{name}.txt").read_bytes()
    message = pathlib.Path(LIBRE / f"{name}.message").read_bytes()
    assert sop("decrypt", *word, LIBRE / f"{name}.key", stdin=message) == text
    assert sop("verify", LIBRE / f"{name}.sig", LIBRE / f"{name}.cert", stdin=text).count(b"\n") == 1
    refuses(sop, LIBRE / f"{name}.sig", LIBRE / f"{name}.cert", text + b"x")
    is_no_recipient(sop, LIBRE / f"{name}.cert")
    for at in range(30, len(message), 11):
        changed = bytearray(message)
        changed[at] ^= 1
        done = run([*sop.argv, "decrypt", *word, LIBRE / f"{name}.key"], bytes(changed), None)
        # A pipe gets what its chunk's tag has proven; the last tag says only whether the end is missing.
        assert done.returncode != 0 and (at >= len(message) - 16 or text not in done.stdout)
