# SPDX-License-Identifier: ISC
"""One's own keys from their making to their end, by the program letterlock alone: no server is needed."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from conftest import build_folder, pipe_with

ALICE = "alice@example.org"
PASSPHRASE = "the walnut is hollow"


class Keys:
    """A person with a home, an agent, and gpg in the same home."""

    def __init__(self, folder, passphrase=PASSPHRASE):
        self.home, self.passphrase = pathlib.Path(folder), passphrase
        (self.home / "run").mkdir(parents=True, mode=0o700)
        (self.home / "gnupg").mkdir(mode=0o700)
        self.env = dict(os.environ, HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"),
                        XDG_DATA_HOME=str(self.home / "data"), XDG_RUNTIME_DIR=str(self.home / "run"), NO_COLOR="1",
                        GNUPGHOME=str(self.home / "gnupg"), TZ="UTC", LC_ALL="C.UTF-8")
        self.program = str(build_folder() / "letterlock")
        self.files = self.home / "data" / "letterlock"

    def start(self, *words, secrets=None, **more):
        """The process; what is said on --passphrase-fd are lines."""
        fd = pipe_with("\n".join(secrets if secrets is not None else [self.passphrase]))
        try:
            return subprocess.Popen([self.program, "key", *map(str, words), "--passphrase-fd", str(fd)], env=self.env,
                                    pass_fds=(fd,), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, start_new_session=True, text=True, **more)
        finally:
            os.close(fd)

    def __call__(self, *words, want=0, **more):
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=120)
        assert "Sanitizer" not in err, err
        assert want is None or process.returncode == want, f"{words}: {process.returncode}\n{out}{err}"
        return out if want == 0 else out + err

    def json(self, *words, **more):
        return json.loads(self(*words, "--json", **more))

    def new(self, *words, address=ALICE):
        return self.json("new", address, *words)["fingerprint"]

    def gpg(self, *words, stdin=b"", want=0):
        done = subprocess.run(["gpg", "--batch", "--no-tty", *map(str, words)], env=self.env, input=stdin,
                              capture_output=True, timeout=60, check=False)
        assert want is None or done.returncode == want, done.stderr.decode()
        return done.stdout.decode(errors="replace")

    def secret_file(self, fingerprint):
        return self.files / "keys" / f"{fingerprint}.pgp"

    def stop(self):
        for command in ([self.program, "agent", "stop"], ["gpgconf", "--kill", "all"]):
            subprocess.run(command, env=self.env, capture_output=True, check=False, timeout=30)


@pytest.fixture
def alice(tmp_path):
    keys = Keys(tmp_path / "alice")
    yield keys
    keys.stop()


@pytest.fixture
def other(tmp_path):
    keys = Keys(tmp_path / "other", "another passphrase")
    yield keys
    keys.stop()


def primary(keys, who):
    return keys.json("show", who)["components"][0]


def components(keys, who, kind):
    return [c for c in keys.json("show", who)["components"] if c["kind"] == kind]


def wait_a_second():
    """A change in the second of the last one is dated later: others' clocks would not have it yet."""
    time.sleep(1.1)


# ---- making ----

@pytest.mark.parametrize("words,algorithm,version", [
    ([], "EdDSALegacy", 4), (["--v6"], "Ed25519", 6), (["--algorithm", "rsa3072"], "RSA", 4),
    (["--algorithm", "nistp256"], "ECDSA", 4), (["--algorithm", "nistp521"], "ECDSA", 4),
    (["--algorithm", "brainpoolP384r1"], "ECDSA", 4), (["--algorithm", "ed448", "--v6"], "Ed448", 6)])
def test_new_keys_of_all_kinds(alice, words, algorithm, version):
    fingerprint = alice.new(*words)
    of = primary(alice, fingerprint)
    assert (of["algorithm"], of["version"], of["standing"]) == (algorithm, version, "good")
    assert "encrypt" in [c["uses"] for c in components(alice, fingerprint, "subkey")]
    revocation = alice.files / "revocations" / f"{fingerprint}.asc"
    assert revocation.stat().st_mode & 0o777 == 0o600 and "-----BEGIN PGP PUBLIC KEY BLOCK-----" in revocation.read_text()
    if version == 4:
        assert fingerprint in alice.gpg("--show-keys", "--with-colons", "-", stdin=alice("export", fingerprint).encode())


@pytest.mark.parametrize("words,days", [([], (730, 732)), (["--for-course"], (28, 31)), (["--expires", "10d"], (10, 10)),
                                        (["--expires", "1y"], (365, 366))])
def test_new_keys_expire(alice, words, days):
    of = primary(alice, alice.new(*words))
    assert days[0] <= round((of["expires"] - of["created"]) / 86400) <= days[1]


def test_new_refuses_what_cannot_be(alice):
    for words in (["--expires", "yesterday"], ["--algorithm", "rot13"], ["--algorithm", "ed448"],
                  ["--for-course", "--expires", "1y"]):
        alice("new", ALICE, *words, want=2)
    assert "expires" not in primary(alice, alice.new("--expires", "never"))


# ---- changing ----

def test_expiry_user_ids_subkeys(alice):
    fingerprint = alice.new()
    wait_a_second()
    alice("expire", ALICE, "5d")
    of = primary(alice, ALICE)
    assert 4 <= (of["expires"] - of["created"]) / 86400 <= 5.1
    alice("user-id", "add", ALICE, "Alice <alice@example.net>", "--primary")
    alice("user-id", "add", ALICE, "Alice <alice@example.net>", want=1)
    alice("user-id", "add", ALICE, "nonsense", want=2)
    wait_a_second()
    assert [c["primary"] for c in components(alice, ALICE, "user ID")] == [False, True]
    alice("user-id", "primary", ALICE, ALICE)
    alice("user-id", "revoke", ALICE, "alice@example.net", "--text", "moved away")
    wait_a_second()
    users = components(alice, ALICE, "user ID")
    assert [c["standing"] for c in users] == ["good", "revoked"] or users[1]["standing"].startswith("revoked")
    assert "moved away" in alice("show", ALICE, "--tree")
    alice("subkey", "add", ALICE, "--for", "sign", "--expires", "1m")
    alice("subkey", "add", ALICE, "--for", "nothing", want=2)
    wait_a_second()
    added = components(alice, ALICE, "subkey")[1]
    assert added["uses"] == "sign" and added["standing"] == "good"
    alice("subkey", "revoke", ALICE, added["fingerprint"], want=2)  # nobody can be asked
    alice("subkey", "revoke", ALICE, added["fingerprint"], "--reason", "retired", "--yes")
    alice("subkey", "revoke", ALICE, fingerprint, "--yes", want=1)  # that is the primary key
    wait_a_second()
    assert components(alice, ALICE, "subkey")[1]["standing"].startswith("revoked")
    listed = alice.gpg("--show-keys", "--with-colons", "-", stdin=alice("export", ALICE).encode())
    assert re.search(r"^uid:r:.*alice@example.net", listed, re.M) and re.search(r"^sub:r:.*:s:", listed, re.M)


def test_a_change_in_the_same_second_counts(alice):
    """The later signature is dated one second on; what is kept of the key must know it already."""
    fingerprint = alice.new()
    for when in ("1y", "2y", "never", "3y", "1y", "never"):
        before = alice.json("list")[0]["expires"]
        alice("expire", fingerprint, when)
        assert alice.json("list")[0]["expires"] != before, when


def test_a_bad_certificate_does_not_keep_the_others_of_a_file_out(alice):
    for user in ("Nobody <alice@example.org", "Bob <bob@example.org>"):
        alice.gpg("--allow-freeform-uid", "--passphrase", "", "--quick-generate-key", user, "ed25519", "default", "never")
    alice.gpg("--output", alice.home / "both.pgp", "--export")
    said = alice("import", alice.home / "both.pgp", want=1)
    assert "1 of 2 certificates were not taken" in said and "nobody whose it is" in said
    assert [k["addresses"] for k in alice.json("list")] == [["bob@example.org"]]


def test_an_expired_key_comes_back(alice):
    alice.new("--expires", "1d")
    late = dict(alice.env, FAKETIME="+3d")
    for word, want in (("show", "expired"), ("expire", None), ("show", "good")):
        fd = pipe_with(PASSPHRASE)
        done = subprocess.run(["faketime", "-f", "+3d", alice.program, "key", word, ALICE, *(["1y"] if word == "expire" else ["--json"]),
                               "--passphrase-fd", str(fd)], env=dict(late, LD_PRELOAD=""), pass_fds=(fd,),
                              capture_output=True, text=True, timeout=60, check=False)
        os.close(fd)
        if "ASan runtime does not come first" in done.stderr:
            pytest.skip("faketime cannot stand before AddressSanitizer")
        assert done.returncode == 0, done.stderr
        assert want is None or json.loads(done.stdout)["components"][0]["standing"] == want


@pytest.mark.parametrize("reason,code", [("superseded", 1), ("compromised", 2), ("retired", 3), ("unspecified", 0)])
def test_revoking(alice, reason, code):
    alice.new()
    wait_a_second()
    alice("revoke", ALICE, want=2)  # nobody can be asked
    assert primary(alice, ALICE)["standing"] == "good"
    alice("revoke", ALICE, "--reason", reason, "--text", "because", "--yes")
    assert primary(alice, ALICE)["standing"].startswith("revoked")
    packets = alice.gpg("--list-packets", stdin=alice("export", ALICE).encode())
    assert f"revocation reason 0x{code:02x} (because)" in packets
    alice("expire", ALICE, "1y", want=1)


def test_the_revocation_from_the_drawer(alice, other):
    fingerprint = alice.new()
    other("import", write(other, "alice.asc", alice("export", ALICE)))
    drawer = alice.files / "revocations" / f"{fingerprint}.asc"
    alice("import", drawer, want=2)  # one's own key: nobody can be asked
    assert primary(alice, ALICE)["standing"] == "good"
    other("import", drawer)
    assert primary(other, ALICE)["standing"].startswith("revoked")
    alice("import", drawer, "--yes")
    assert primary(alice, ALICE)["standing"].startswith("revoked")
    alice.gpg("--import", stdin=alice("export", ALICE).encode())
    assert re.search(r"^pub:r:", alice.gpg("-k", "--with-colons"), re.M)
    other("import", write(other, "bare", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"), want=1)


def write(keys, name, text):
    path = keys.home / name
    path.write_text(text)
    return path


def test_passphrase(alice):
    fingerprint = alice.new()
    before = alice.secret_file(fingerprint).read_bytes()
    alice("passphrase", ALICE, secrets=["wrong", "new"], want=1)
    assert alice.secret_file(fingerprint).read_bytes() == before
    alice("passphrase", ALICE, secrets=[PASSPHRASE, ""], want=2)
    alice("passphrase", ALICE, secrets=[PASSPHRASE, "new"])
    alice("export", ALICE, "--secret", want=1)
    assert "PRIVATE KEY" in alice("export", ALICE, "--secret", secrets=["new"])


def test_a_wrong_passphrase_is_asked_for_again_three_times(alice):
    fingerprint = alice.new()
    for answers, good in ((["no", "neither", PASSPHRASE], True), (["no", "neither", "nor this"], False)):
        process, fd = pty.fork()
        if process == 0:
            os.execve(alice.program, ["letterlock", "key", "export", fingerprint, "--secret", "--output",
                                      str(alice.home / "out.key")], alice.env)
        seen, left = "", list(answers)
        asked = 0
        while True:
            if not select.select([fd], [], [], 60)[0]:
                os.kill(process, signal.SIGKILL)
                pytest.fail(f"it hangs: {seen}")
            try:
                piece = os.read(fd, 4096).decode(errors="replace")
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if seen.count("assphrase of your key") > asked:
                asked += 1
                os.write(fd, left.pop(0).encode() + b"\n")
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        assert asked == 3 and seen.count("That was not it") == 2, seen
        assert (status == 0) == good and (alice.home / "out.key").exists(), seen
        if good:
            continue
        assert status == 1 and "wrong passphrase" in seen


# ---- an interrupted write loses no key ----

def test_kill_while_changing_loses_no_key(alice):
    """kill -9 at many moments of changes: the key opens with its passphrase ever after, and the next change goes on."""
    fingerprint = alice.new()
    alice("user-id", "add", ALICE, "Start <start@example.org>")  # unlocks the key, too
    begun = time.monotonic()
    alice("user-id", "add", ALICE, "Timed <timed@example.org>")
    whole = time.monotonic() - begun
    killed = 0
    for n in range(12):
        process = alice.start("user-id", "add", ALICE, f"User {n} <user{n}@example.org>")
        time.sleep(whole * (n + 0.5) / 12)
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        folder = sorted(p.name for p in (alice.files / "keys").iterdir() if not p.name.startswith("."))
        assert folder == [f"{fingerprint}.pgp"]
    assert killed > 2
    assert "PRIVATE KEY" in alice("export", ALICE, "--secret")
    alice("user-id", "add", ALICE, "End <end@example.org>")
    wait_a_second()
    users = [c["user_id"] for c in components(alice, ALICE, "user ID")]
    assert "Start <start@example.org>" in users and "End <end@example.org>" in users
    # What the file has, the store has after the next change.
    listed = alice.gpg("--list-packets", stdin=alice.secret_file(fingerprint).read_bytes(), want=None)
    in_file = set(re.findall(r'^:user ID packet: "(.*)"$', listed, re.M))
    assert "End <end@example.org>" in in_file and in_file <= set(users)


def test_a_full_disk_loses_no_key(alice):
    fingerprint = alice.new()
    before = alice.secret_file(fingerprint).read_bytes()
    limit = lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_FSIZE, (600, 600))
    process = alice.start("user-id", "add", ALICE, "More <more@example.org>", preexec_fn=limit)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert alice.secret_file(fingerprint).read_bytes() == before
    alice("user-id", "add", ALICE, "More <more@example.org>")


# ---- showing and comparing ----

def test_words_are_the_pgp_word_list(alice):
    lists = pytest.importorskip("wormhole._wordlist", reason="no package magic-wormhole: the word list is not compared")
    fingerprint = alice.new()
    words = alice("show", ALICE, "--words").split("\n", 1)[1].split()
    theirs = {octet.lower(): pair for octet, pair in lists.raw_words.items()}
    want = [theirs[fingerprint[2 * i:2 * i + 2].lower()][i % 2] for i in range(20)]
    assert [w.lower() for w in words] == [w.lower() for w in want]
    # All of both lists, as our table has them.
    table = (pathlib.Path(__file__).resolve().parents[2] / "src/base/words_table.c").read_text()
    rows = re.findall(r'{ "(\w+)", "(\w+)" }', table)
    assert [tuple(w.lower() for w in theirs[f"{n:02x}"]) for n in range(256)] == \
        [tuple(w.lower() for w in row) for row in rows]


def test_comparing_by_code_fingerprint_and_words(alice, other):
    fingerprint, picture = alice.new(), alice.home / "code.png"
    alice("verify", ALICE, "--qr", "--output", picture)
    alice("show", ALICE, "--qr", "--output", alice.home / "code.svg")
    assert "<svg" in (alice.home / "code.svg").read_text()
    other("import", write(other, "a.asc", alice("export", ALICE)))
    words = " ".join(alice("show", ALICE, "--words").split("\n", 1)[1].split())
    for given in (["--scan", picture], [fingerprint], [words]):
        other("verify", ALICE, "--undo")
        assert not other.json("show", ALICE)["verified"]
        other("verify", ALICE, *given)
        assert other.json("show", ALICE)["verified"]
    other("verify", ALICE, "--undo")
    # Somebody else's code for the same address.
    false = alice.new()
    alice("verify", false, "--qr", "--output", picture)
    for given in (["--scan", picture], [false]):
        assert "NOT the fingerprint" in other("verify", ALICE, *given, want=1)
    other("verify", ALICE, fingerprint[-16:], want=2)  # a key ID is no fingerprint
    assert not other.json("show", ALICE)["verified"]
    other("verify", ALICE, "--scan", other.home / "a.asc", want=1)
    other("verify", ALICE, "--scan", other.home / "missing.png", want=None)


def test_a_tree_with_others_signatures(alice, other):
    """Pitfall: terminal injection; and who signed, by certificates that are here or not."""
    fingerprint = alice.new("--name", "Alice \x1b[31mRed")
    alice.gpg("--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", "Bob <bob@example.org>", "ed25519",
              "sign", "never")
    alice.gpg("--import", stdin=alice("export", ALICE).encode())
    alice.gpg("--yes", "--quick-sign-key", fingerprint)
    signed = write(other, "signed.asc", alice.gpg("--armor", "--export", fingerprint))
    other("import", signed)
    tree = other("show", ALICE, "--tree")
    assert "\x1b" not in tree and "its maker's certificate is not here" in tree
    other("import", write(other, "bob.asc", alice.gpg("--armor", "--export", "bob@example.org")))
    tree = other("show", ALICE, "--tree")
    assert re.search(r"generic certification by bob@example.org [0-9A-F]{40}, .*: good", tree), tree
    sigs = components(other, ALICE, "user ID")[0]["signatures"]
    assert [s["own"] for s in sigs].count(False) == 1 and all(s["verdict"].startswith("good") for s in sigs)


def test_proofs(alice):
    alice.new()
    uris = ["https://example.org/@alice", "dns:example.org?type=TXT", "xmpp:alice@example.org"]
    for uri in uris:  # in one second: none may be lost
        alice("proof", "add", ALICE, uri)
    alice("proof", "add", ALICE, uris[0], want=1)
    alice("proof", "add", ALICE, "no uri", want=2)
    assert sorted(p["uri"] for p in alice.json("proof", "list", ALICE)) == sorted(uris)
    alice("proof", "remove", ALICE, uris[0])
    alice("proof", "remove", ALICE, uris[0], want=1)
    assert sorted(p["uri"] for p in alice.json("proof", "list", ALICE)) == sorted(uris[1:])
    packets = alice.gpg("--list-packets", stdin=alice("export", ALICE).encode())
    assert f"notation: proof@ariadne.id={uris[1]}" in packets


def test_a_web_page_of_ones_own(alice):
    fingerprint = alice.new("--name", "Alice & Co")
    web = alice.home / "web"
    alice("export", ALICE, "--web", web)
    page = (web / "key.html").read_text()
    assert "Alice &amp; Co" in page and "<svg" in page and "<script" not in page and "PRIVATE" not in page
    alice.gpg("--import", web / "key.asc")
    name = re.search(r"^\s+(\w{32})@example.org$", alice.gpg("--with-wkd-hash", "-k"), re.M).group(1)
    for folder in ("example.org/.well-known/openpgpkey", "openpgpkey.example.org/.well-known/openpgpkey/example.org"):
        assert (web / folder / "policy").exists()
        file = web / folder / "hu" / name
        assert file.stat().st_mode & 0o777 == 0o644 and file.read_bytes()[0] > 127
        assert fingerprint in alice.gpg("--show-keys", "--with-colons", file)


# ---- the drawer ----

def backup(keys, *words):
    return keys.json("backup", ALICE, *words)["code"]


def pages_of(html, folder, kind="-png", resolution=150):
    """What a printer and a scanner make of the page."""
    for program in ("chromium", "pdftoppm"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}: the page cannot be printed")
    pdf = folder / "page.pdf"
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/chromium",
                    "--no-pdf-header-footer", f"--print-to-pdf={pdf}", f"file://{html}"], check=True, timeout=120,
                   capture_output=True, env=dict(os.environ, HOME=str(folder)))
    subprocess.run(["pdftoppm", "-r", str(resolution), "-gray", kind, pdf, folder / "scan"], check=True, timeout=120)
    return pdf, sorted(folder.glob("scan*"))


def test_backup_in_a_file(alice, other):
    fingerprint = alice.new()
    file = alice.home / "backup.asc"
    code = backup(alice, "--output", file)
    assert re.fullmatch(r"(\d{4}-){8}\d{4}", code) and file.stat().st_mode & 0o777 == 0o600
    other("restore", file, "--check", secrets=["1" * 36], want=1)
    other("restore", file, "--check", secrets=["123"], want=1)
    assert other.json("restore", file, "--check", secrets=[code.replace("-", " ")]) == \
        {"fingerprint": fingerprint, "revocation": True}
    other("restore", file, secrets=[code, "new one"])
    assert other.json("show", ALICE, "--secret")["fingerprint"] == fingerprint
    assert "PRIVATE KEY" in other("export", ALICE, "--secret", secrets=["new one"])
    other("import", other.files / "revocations" / f"{fingerprint}.asc", "--yes")
    assert primary(other, ALICE)["standing"].startswith("revoked")
    damaged = write(other, "damaged.asc", re.sub(r"(\n\n.{300}).", r"\1!", file.read_text(), count=1, flags=re.S))
    other("restore", damaged, secrets=[code, "x"], want=1)


def test_gpg_opens_the_backup_and_does_not_revoke(alice, other):
    fingerprint = alice.new()
    file = alice.home / "backup.asc"
    code = backup(alice, "--output", file)
    inside = other.gpg("--pinentry-mode", "loopback", "--passphrase", code, "--decrypt", file)
    other.gpg("--import", stdin=inside.encode())
    assert f"fpr:::::::::{fingerprint}:" in other.gpg("-K", "--with-colons")
    assert not re.search(r"^pub:r:", other.gpg("-k", "--with-colons"), re.M)


@pytest.mark.parametrize("words,kind", [(["--algorithm", "25519"], "-png"), (["--v6"], "-jpeg"),
                                        (["--algorithm", "rsa4096"], "-png")])
def test_backup_on_paper(alice, other, words, kind, tmp_path):
    fingerprint = alice.new(*words)
    paper = alice.home / "paper.html"
    code = backup(alice, "--paper", paper)
    text = paper.read_text()
    assert code not in text and "<script" not in text and "REVOCATION" not in text and "revocation certificate" in text
    pdf, scans = pages_of(paper, tmp_path, kind)
    other("restore", *reversed(scans), secrets=[code, "new one"])
    assert "PRIVATE KEY" in other("export", fingerprint, "--secret", secrets=["new one"])
    with_codes = [s for s in scans if "restore_of" not in s.name]
    assert "missing" in other("restore", *with_codes[3:], "--check", secrets=[code], want=None) or len(with_codes) <= 5
    # The same typed, with one slip.
    typed = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, text=True).stdout
    lines = re.findall(r"^\s*(\d+ [0-9A-F]{8} .*)$", typed, re.M)
    file = write(other, "typed", "\n".join(reversed(lines)).lower())
    assert other.json("restore", file, "--check", secrets=[code])["fingerprint"] == fingerprint
    bad = lines[3][:14] + ("a" if lines[3][14] not in "aA" else "b") + lines[3][15:]
    file.write_text("\n".join(lines[:3] + [bad] + lines[4:]))
    assert re.search(rf"line {lines[3].split()[0]} is not as it is on the paper", other("restore", file, "--check", secrets=[code], want=1))


def test_restoring_beside_a_newer_key_loses_nothing(alice):
    """A subkey that was added since the backup stays."""
    alice.new()
    file = alice.home / "backup.asc"
    code = backup(alice, "--output", file)
    wait_a_second()
    alice("subkey", "add", ALICE, "--for", "sign")
    alice("restore", file, secrets=[code, "forgotten no more"])
    wait_a_second()
    assert len(components(alice, ALICE, "subkey")) == 2
    secret = alice.gpg("--list-packets", stdin=alice.secret_file(primary(alice, ALICE)["fingerprint"]).read_bytes(), want=None)
    assert secret.count(":secret sub key packet:") == 2
    alice("user-id", "add", ALICE, "Al <al@example.org>", secrets=["forgotten no more"])


# ---- from GnuPG ----

def test_moving_in_from_gnupg(alice):
    gpg = lambda *words, **more: alice.gpg("--pinentry-mode", "loopback", *words, **more)
    gpg("--passphrase", "gpg's own", "--quick-generate-key", "Carol <carol@example.org>", "ed25519", "sign", "1y")
    carol = re.search(r"^fpr:::::::::(\w+):", alice.gpg("-k", "--with-colons"), re.M).group(1)
    gpg("--passphrase", "gpg's own", "--quick-add-key", carol, "cv25519", "encr", "1y")
    gpg("--passphrase", "", "--quick-generate-key", "Dave <dave@example.org>", "rsa3072", "sign", "never")
    alice("import", "--from-gnupg")
    assert {a for k in alice.json("list") for a in k["addresses"]} == {"carol@example.org", "dave@example.org"}
    assert alice.json("list", "--secret") == []
    alice("import", "--from-gnupg", "--secret", want=2)  # which?
    alice("import", "--from-gnupg", "--secret", "carol@example.org", secrets=["wrong"], want=1)
    alice("import", "--from-gnupg", "--secret", "nobody@example.org", want=1)
    alice("import", "--from-gnupg", "--secret", "carol@example.org", secrets=["gpg's own"])
    alice("import", "--from-gnupg", "--secret", "dave@example.org", secrets=["", "a first one"])
    assert len(alice.json("list", "--secret")) == 2
    alice("user-id", "add", carol, "Carol <carol@example.net>", secrets=["gpg's own"])
    assert "PRIVATE KEY" in alice("export", "dave@example.org", "--secret", secrets=["a first one"])
    roots = subprocess.run([alice.program, "key", "trust", "--roots"], env=alice.env, capture_output=True, text=True,
                           timeout=60, check=True).stdout
    assert re.search(rf"{carol}  amount 120, depth 255", roots)
