# SPDX-License-Identifier: ISC
"""Certificates that we make and change, read by GnuPG, Sequoia, RNP and OpenPGP.js; and theirs read by us."""
import shutil
import time

import pytest
from conftest import ROOT, build_folder, run

ALICE = "Alice <alice@example.org>"
WORK = "Alice <alice@work.example>"
BOB = "Bob <bob@example.org>"
DAY = 86400
V4_FAMILIES = ["25519", "nistp256", "nistp384", "nistp521", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
               "rsa3072"]


class Tool:
    def __init__(self, program):
        self.program = program

    def __call__(self, *arguments, stdin=b"", status=0, ago=0):
        """ago: seconds. A self-signature is always newer than the one it replaces, and some take none of the future."""
        return run([self.program, *([f"@{ago}"] if ago else []), *arguments], stdin, status)

    def judge(self, key):
        """(kind, standing, flags, seconds left, approved) of each component."""
        rows = [line.split("|") for line in self("judge", stdin=key).decode().splitlines()]
        return [(int(k), s, int(f, 16), int(e), int(a)) for k, s, f, e, a in rows]


@pytest.fixture
def tool():
    program = build_folder() / "tests" / "interop" / "cert_tool"
    if not program.exists():
        pytest.skip("no cert_tool: build it, or name the build folder in LETTERLOCK_BUILD")
    return Tool(program)


@pytest.fixture
def alice(tool):
    return tool("generate", "4", "25519", "apart", "auth", "--", ALICE, ago=1000)


@pytest.fixture
def bob(tool):
    return tool("generate", "4", "25519", "--", BOB, ago=1000)


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def colons(gpg, *arguments):
    return [line.split(":") for line in gpg("--with-colons", *arguments).decode().splitlines()]


def gpg_signatures(gpg, key):
    """Every signature that gpg keeps: (what it thinks of it, class). It imports whatever it can."""
    gpg("--import", "--import-options", "keep-ownertrust", stdin=key)
    return [(f[1], f[10]) for f in colons(gpg, "--check-signatures") if f[0] in ("sig", "rev")]


def gpg_takes(gpg, key):
    signatures = gpg_signatures(gpg, key)
    assert signatures
    assert all(word == "!" for word, _ in signatures), signatures
    return [kind[:2] for _, kind in signatures]


def sq_takes(key):
    need("sq")
    out = run(["sq", "inspect"], key).decode()
    assert "Invalid" not in out and "not bound" not in out and "Bad Signature" not in out, out
    return out


def rnp_takes(key, tmp_path, count):
    """Imported, and every signature valid."""
    need("rnpkeys")
    home = tmp_path / f"rnp{count}"
    home.mkdir()
    path = tmp_path / f"rnp{count}.key"
    path.write_bytes(key)
    run(["rnpkeys", "--homedir", home, "--import", path])
    listed = run(["rnpkeys", "--homedir", home, "--list-keys", "--with-sigs"]).decode()
    assert "[invalid]" not in listed, listed
    return listed


def armored(sop, data):
    return sop("armor", stdin=data).decode()


# ---- made ----

@pytest.mark.parametrize("family", V4_FAMILIES)
def test_every_v4_family_is_taken(tool, gpg, tmp_path, family):
    key = tool("generate", "4", family, "apart", "auth", "--", ALICE, WORK)
    assert sorted(gpg_takes(gpg, key)) == ["13", "13", "18", "18", "18"]
    flags = {f[0] + f[11].lower() for f in colons(gpg, "--list-keys") if f[0] in ("pub", "sub")}
    assert any(f.startswith("pubc") for f in flags) and {"subs", "sube", "suba"} <= flags
    if not family.startswith("brainpool"):  # Nettle has none of these
        sq_takes(key)
    rnp_takes(key, tmp_path, 1)


@pytest.mark.parametrize("family", V4_FAMILIES)
def test_gpg_works_with_our_key(tool, gpg, family):
    key = tool("generate", "4", family, "apart", "--", ALICE)
    gpg("--import", stdin=key)
    message = gpg("--encrypt", "--sign", "-u", "alice@example.org", "-r", "alice@example.org", stdin=b"hello")
    assert gpg("--decrypt", stdin=message) == b"hello"


def test_v4_with_a_direct_key_signature_or_without_user_id(tool, gpg, tmp_path):
    key = tool("generate", "4", "25519", "direct", "--", ALICE)
    assert sorted(gpg_takes(gpg, key)) == ["13", "18", "1f"]
    sq_takes(key)
    rnp_takes(key, tmp_path, 1)
    # gpg refuses what has no user ID; others do not.
    sq_takes(tool("generate", "4", "25519"))
    rnp_takes(tool("generate", "4", "25519"), tmp_path, 2)


@pytest.mark.parametrize("family", ["25519", "448", "nistp256", "nistp521", "rsa3072"])
def test_v6_is_taken_by_openpgpjs(tool, sop, openpgpjs, family):
    key = tool("generate", "6", family, "apart", "--", ALICE, WORK)
    seen = openpgpjs("certificate", cert=armored(sop, tool("export", stdin=key)))
    assert seen["primary"] == seen["signs"] == seen["encrypts"] == "good", seen
    assert seen["users"] == ["good"] * 2 and seen["subkeys"] == ["good"] * 2
    assert len(seen["fingerprint"]) == 64


# ---- changed ----

def changes(tool, key):
    """One change after the other, each some seconds behind the last: (name, key)."""
    for n, (name, *arguments) in enumerate([
        ("expire", "expire", "0", str(30 * DAY)),
        ("expire signing subkey", "expire", "1", str(10 * DAY)),
        ("expire encryption subkey", "expire", "2", str(20 * DAY)),
        ("add user", "add-user", WORK),
        ("primary user", "primary-user", WORK),
        ("add subkey", "add-subkey", "encrypt", "nistp256"),
        ("add signing subkey", "add-subkey", "sign", "25519"),
        ("revoke subkey", "revoke-subkey", "2", "1", "newer one"),
        ("revoke user", "revoke-user", WORK, "left"),
        ("update", "update"),
        ("no expiry", "expire", "0", "0"),
    ]):
        key = tool(*arguments, stdin=key, ago=200 - 10 * n)
        yield name, key


def test_every_change_is_taken_by_gpg(tool, gpg, alice):
    """Each self-signature, old and new, verifies; gpg keeps the newest of each kind."""
    for name, key in changes(tool, alice):
        gpg_takes(gpg, key)
        listed = colons(gpg, "--list-keys", "--fixed-list-mode")
        pub = next(f for f in listed if f[0] == "pub")
        subs = [f for f in listed if f[0] == "sub"]
        if name == "expire":
            assert abs(int(pub[6]) - time.time() - 30 * DAY) < 300
        elif name == "expire signing subkey":
            assert abs(int(subs[0][6]) - time.time() - 10 * DAY) < 300
        elif name == "primary user":
            assert [f[9] for f in listed if f[0] == "uid"] == [WORK, ALICE]
        elif name == "revoke subkey":
            assert subs[1][1] == "r"
        elif name == "revoke user":
            assert {f[9]: f[1] for f in listed if f[0] == "uid"}[WORK] == "r"
        elif name == "no expiry":
            assert pub[6] == ""


def test_every_change_is_taken_by_sequoia_and_rnp(tool, alice, tmp_path):
    for n, (name, key) in enumerate(changes(tool, alice)):
        out = sq_takes(key)
        rnp_takes(key, tmp_path, n)
        if name == "expire":
            assert "Expiration time" in out
        elif name == "revoke subkey":
            assert "newer one" in out


@pytest.mark.parametrize("version", ["4", "6"])
def test_every_change_is_taken_by_openpgpjs(tool, sop, openpgpjs, version):
    for name, key in changes(tool, tool("generate", version, "25519", "apart", "auth", "--", ALICE, ago=1000)):
        seen = openpgpjs("certificate", cert=armored(sop, tool("export", stdin=key)))
        assert seen["primary"] == "good", (name, seen)
        assert seen["signs"] == "good" and seen["encrypts"] == "good", (name, seen)
        if name == "expire":
            assert abs(seen["expires"] - time.time() - 30 * DAY) < 300
        elif name == "no expiry":
            assert seen["expires"] == 0
        elif name == "revoke subkey":
            assert "revoked" in seen["subkeys"][1], seen
        elif name == "revoke user":
            assert "revoked" in seen["users"][1], seen


def made_by_others(sop, gpg, sqop, openpgpjs, maker):
    if maker == "gpg":
        gpg("--quick-generate-key", ALICE, "rsa3072", "default", "1y")
        return gpg("--export-secret-keys", "alice@example.org")
    if maker == "sqop":
        return sqop("generate-key", ALICE)
    if maker == "gosop":
        need("gosop")
        return run(["gosop", "generate-key", ALICE])
    return openpgpjs("generate", v6=maker == "openpgpjs v6")["key"].encode()


@pytest.mark.parametrize("maker", ["gpg", "sqop", "gosop", "openpgpjs v4", "openpgpjs v6"])
def test_keys_of_others_are_changed(tool, sop, gpg, sqop, openpgpjs, tmp_path, maker):
    """What we make of their keys they all take."""
    key = made_by_others(sop, gpg, sqop, openpgpjs, maker)
    time.sleep(1.1)
    key = tool("expire", "0", str(30 * DAY), stdin=key)
    key = tool("add-user", WORK, stdin=key)
    key = tool("add-subkey", "sign", "25519", stdin=key)
    key = tool("update", stdin=key)
    time.sleep(2.1)
    rows = tool.judge(key)
    assert all(r[1] == "good" for r in rows) and abs(rows[0][3] - 30 * DAY) < 60, rows
    seen = openpgpjs("certificate", cert=armored(sop, tool("export", stdin=key)))
    assert seen["primary"] == seen["signs"] == seen["encrypts"] == "good" and set(seen["users"]) == {"good"}, seen
    assert abs(seen["expires"] - time.time() - 30 * DAY) < 60
    if maker != "openpgpjs v6":
        gpg_takes(gpg, key)
        sq_takes(key)
        rnp_takes(key, tmp_path, 1)


def test_a_sha1_key_of_gpg_is_healed(tool, gpg):
    """Sequoia takes none of its signatures before, and gpg all of them after."""
    need("sq")
    gpg("--cert-digest-algo", "SHA1", "--quick-generate-key", ALICE, "rsa3072", "default", "1y")
    fpr = next(f[9] for f in colons(gpg, "--list-keys") if f[0] == "fpr")
    gpg("--cert-digest-algo", "SHA1", "--quick-add-key", fpr, "rsa3072", "encr", "never")
    old = gpg("--export-secret-keys", fpr)
    assert b"digest algo 2," in run(["gpg", "--list-packets"], old)
    time.sleep(1.1)
    new = tool("update", stdin=old)
    minimal = tool("minimise", stdin=new)
    assert b"digest algo 2," not in run(["gpg", "--list-packets"], minimal)
    gpg_takes(gpg, new)
    time.sleep(1.1)
    sq_takes(minimal)
    assert all(r[1] == "good" for r in tool.judge(new))


# ---- revoked ----

@pytest.mark.parametrize("reason", ["0", "1", "2", "3"])
def test_revocations(tool, sop, gpg, openpgpjs, alice, tmp_path, reason):
    key = tool("revoke", reason, "because", stdin=alice)
    assert "20" in gpg_takes(gpg, key)
    assert next(f for f in colons(gpg, "--list-keys") if f[0] == "pub")[1] == "r"
    assert "Revoked" in run(["sq", "inspect"], key).decode()
    assert "REVOKED" in rnp_takes(key, tmp_path, 1)
    v6 = tool("revoke", reason, "because", stdin=tool("generate", "6", "25519", "--", BOB, ago=1000))
    assert openpgpjs("certificate", cert=armored(sop, tool("export", stdin=v6)))["revoked"]


def test_gpg_takes_a_revocation_that_we_made_ahead(tool, sop, gpg, alice):
    revocation = tool("revocation", "2", "lost it", stdin=alice)
    assert b"PUBLIC KEY BLOCK" in revocation
    gpg("--import", stdin=tool("export", stdin=alice))
    gpg("--import", stdin=revocation, status=None)  # it complains about its trust database
    assert next(f for f in colons(gpg, "--list-keys") if f[0] == "pub")[1] == "r"


def test_we_take_what_gpg_made(tool, gpg, sop):
    """Its key, its expiry change, its subkey, its user ID, its revocation made ahead: each merged into the old copy."""
    gpg("--quick-generate-key", BOB, "ed25519", "default", "1y")
    fpr = next(f[9] for f in colons(gpg, "--list-keys") if f[0] == "fpr")

    def exported():
        return gpg("--export-secret-keys", fpr)

    old = exported()
    time.sleep(1.1)  # gpg makes no self-signature newer within the same second
    gpg("--quick-set-expire", fpr, "2y")
    gpg("--quick-add-key", fpr, "cv25519", "encr", "1m")
    gpg("--quick-add-uid", fpr, WORK)
    new = sop.file(exported())
    both = tool("merge", new, stdin=old)
    rows = tool.judge(both)
    assert [r[0] for r in rows].count(3) == 2 or [r[0] for r in rows].count(3) == 1
    assert all(r[1] == "good" for r in rows), rows
    assert abs(rows[0][3] - 2 * 365 * DAY) < 2 * DAY, rows
    assert sum(r[0] == 1 for r in rows) == 2
    # the other way round, and once more: nothing changes
    again = tool("merge", sop.file(old), stdin=both)
    assert again == both
    assert tool("canonical", stdin=again) == tool("canonical", stdin=tool("merge", sop.file(both), stdin=old))
    gpg("--quick-revoke-uid", fpr, WORK)
    time.sleep(1.1)  # and dates its revocation into the next one
    both = tool("merge", sop.file(exported()), stdin=both)
    assert sorted(r[1] for r in tool.judge(both) if r[0] == 1) == ["good", "revoked since"]
    text = (gpg.home / "openpgp-revocs.d" / f"{fpr}.rev").read_text()
    block = "-----BEGIN" + text.split(":-----BEGIN")[1]
    revocation = sop.file(sop("dearmor", stdin=block))
    assert tool.judge(tool("revoke-with", revocation, stdin=both))[0][1] == "revoked"
    # Ours, on top of its key, is fine with gpg.
    changed = tool("expire", "0", str(3 * 365 * DAY), stdin=both)
    gpg_takes(gpg, changed)
    assert abs(int(next(f for f in colons(gpg, "--list-keys") if f[0] == "pub")[6]) - time.time() - 3 * 365 * DAY) < 60


# ---- secrets ----

def test_gpg_takes_subkeys_without_the_primary_secret(tool, gpg, alice):
    gpg("--import", stdin=tool("offline", "stub", stdin=alice))
    secret = {f[0]: f[14] for f in colons(gpg, "--list-secret-keys") if f[0] in ("sec", "ssb")}
    assert secret["sec"] == "#" and secret["ssb"] == "+"
    message = gpg("--encrypt", "--sign", "-u", "alice@example.org", "-r", "alice@example.org", stdin=b"hello")
    assert gpg("--decrypt", stdin=message) == b"hello"


def test_our_stub_is_the_one_that_gpg_writes(tool, gpg, alice):
    gpg("--import", stdin=alice)
    theirs = gpg("--export-secret-subkeys", "alice@example.org")
    stub = tool("offline", "stub", stdin=alice)
    # Its header is the old one: the body must be there.
    assert stub[2:2 + 59] in theirs


def test_others_take_subkeys_without_the_primary_secret(tool, alice, tmp_path):
    for how in ("stub", "public"):
        part = tool("offline", how, stdin=alice)
        sq_takes(part)
        rows = tool.judge(part)
        assert all(r[1] == "good" for r in rows)
    rnp_takes(tool("offline", "stub", stdin=alice), tmp_path, 1)


# ---- others ----

def test_certifications(tool, gpg, sop, alice, bob, tmp_path):
    signer = sop.file(bob)
    certified = tool("certify", signer, ALICE, stdin=alice)
    limited = tool("certify", signer, ALICE, "local", "2", "60", "<[^>]+[@.]example\\.org>$", stdin=alice)
    gpg("--import", stdin=bob)
    gpg("--import", "--import-options", "import-local-sigs", stdin=limited)
    kinds = [f for f in colons(gpg, "--check-signatures", "alice@example.org") if f[0] == "sig"]
    theirs = next(f for f in kinds if "Bob" in f[9])
    assert theirs[1] == "!" and theirs[10] == "10l" and theirs[7] == "2 60" and "example" in theirs[8], theirs
    gpg("--import", stdin=certified)
    kinds = [f for f in colons(gpg, "--check-signatures", "alice@example.org") if f[0] == "sig"]
    assert "10x" in [f[10] for f in kinds if "Bob" in f[9] and f[1] == "!"]
    sq_takes(certified)
    # v6 may certify v4, which gpg cannot bear
    v6 = sop.file(tool("generate", "6", "25519", "--", BOB))
    mixed = tool("certify", v6, ALICE, stdin=certified)
    assert gpg("--import", stdin=mixed, status=None).returncode != 0
    assert "10" in gpg_takes(gpg, tool("export", "for-gpg", stdin=mixed))
    revoked = tool("uncertify", signer, ALICE, stdin=certified)
    gpg("--import", stdin=revoked)
    assert "rev" in {f[0] for f in colons(gpg, "--check-signatures", "alice@example.org") if len(f) > 9 and "Bob" in f[9]}


def test_what_is_local_does_not_travel(tool, sop, alice, bob):
    local = tool("certify", sop.file(bob), ALICE, "local", stdin=alice)
    assert tool("export", stdin=local) == tool("export", stdin=alice)
    assert tool("export", stdin=tool("certify", sop.file(bob), ALICE, stdin=alice)) != tool("export", stdin=alice)


def test_approvals_of_sequoia_and_ours_are_the_same(tool, sop, alice, bob, tmp_path):
    need("sq")
    certified = tool("certify", sop.file(bob), ALICE, stdin=alice, ago=300)
    given = sop.file(certified)
    made = tmp_path / "approved.key"
    run(["sq", "--force", "key", "attest-certifications", "--all", "--output", made, given])
    # sq 0.27 puts the approval behind the last subkey, where it does not belong.
    theirs = tool("repair", stdin=made.read_bytes())
    ours = tool("approve", ALICE, stdin=certified, ago=200)
    assert tool.judge(theirs)[1][4] == tool.judge(ours)[1][4] == 1
    dump = [run(["sq", "packet", "dump"], key).decode().split("Attested Certifications:")[1].split()[0]
            for key in (theirs, ours)]
    assert dump[0] == dump[1]
    # Only what is approved goes into the small copy.
    assert b"" != tool("minimise", stdin=ours)
    assert len(tool("minimise", stdin=certified)) < len(tool("minimise", stdin=ours))
    made.write_bytes(ours)
    run(["sq", "--force", "key", "attest-certifications", "--none", "--output", tmp_path / "none.key", made])
    assert tool.judge(tool("repair", stdin=(tmp_path / "none.key").read_bytes()))[1][4] == 0


# ---- flooded ----

@pytest.mark.parametrize("whose", ["others", "own"])
def test_a_flooded_certificate_is_as_good_as_before(tool, sop, alice, tmp_path, whose):
    """As in 2019: 30,000 signatures that nobody made. What is worth anything comes out again."""
    plain = tool("export", stdin=alice)
    cert = tmp_path / "cert"
    cert.write_bytes(plain)
    flooded = run(["python3", ROOT / "bench" / "flooded.py", cert, "30000", whose])
    assert len(flooded) > 3000000
    assert tool.judge(flooded) == tool.judge(plain)
    assert len(tool("merge", sop.file(flooded), stdin=plain)) == len(flooded)
    assert tool("minimise", stdin=flooded) == tool("minimise", stdin=plain)
    assert tool("autocrypt", "alice@example.org", stdin=flooded) == tool("autocrypt", "alice@example.org", stdin=plain)
    message = sop("encrypt", sop.file(flooded), stdin=b"hello")
    assert sop("decrypt", sop.file(alice), stdin=message) == b"hello"


# ---- small copies ----

def test_minimised_certificates_are_taken(tool, sop, gpg, openpgpjs, alice, tmp_path):
    for _, key in changes(tool, alice):
        pass
    small = tool("minimise", stdin=key)
    assert len(small) < len(tool("export", stdin=key))
    gpg_takes(gpg, small)
    sq_takes(small)
    rnp_takes(small, tmp_path, 1)
    header = tool("autocrypt", "alice@example.org", stdin=alice)
    run(["gpg", "--list-packets"], header)
    assert [line.split()[0] for line in run(["gpg", "--list-packets"], header).decode().splitlines()
            if line.startswith(":")] == [":public", ":user", ":signature", ":public", ":signature"]
    gpg_takes(gpg, header)
    v6 = tool("autocrypt", "alice@example.org", stdin=tool("generate", "6", "25519", "--", ALICE))
    seen = openpgpjs("certificate", cert=armored(sop, v6))
    assert seen["primary"] == seen["encrypts"] == "good" and seen["users"] == ["good"]
