# SPDX-License-Identifier: ISC
"""Every subcommand and option of revision 16 is there, says what it is for, and does something: none is refused."""
import json
import os
import re
import shlex
import subprocess

import pytest

from conftest import build_folder, packets

TEXT = "Grüße\nund mehr\n".encode()
ALICE, BOB = "Alice <alice@example.org>", "Bob <bob@example.org>"

# subcommand -> (standard input, arguments that it needs, options with the words for each). NEW is a fresh name.
INTERFACE = {
    "version": ("", [], ["--backend", "--extended", "--sop-spec", "--sopv"]),
    "list-profiles": ("", ["generate-key"], []),
    "generate-key": ("", [BOB], ["--no-armor", "--profile=rfc4880", "--with-key-password=secret", "--signing-only"]),
    "change-key-password": ("locked.key", ["--old-key-password=secret"], ["--no-armor", "--new-key-password=other"]),
    "revoke-key": ("locked.key", ["--with-key-password=secret"], ["--no-armor"]),
    "extract-cert": ("alice.key", [], ["--no-armor"]),
    "update-key": ("locked.key", ["--with-key-password=secret"], ["--no-armor", "--signing-only", "--no-added-capabilities",
                                                                 "--revoke-deprecated-keys", "--merge-certs=bob.cert"]),
    "merge-certs": ("alice.cert", ["bob.cert"], ["--no-armor"]),
    "certify-userid": ("bob.cert", [f"--userid={BOB}", "--with-key-password=secret", "locked.key"],
                       ["--no-armor", "--no-require-self-sig"]),
    "validate-userid": ("alice.cert", [ALICE, "alice.cert"], ["--validate-at=now"]),
    "sign": ("text", ["--with-key-password=secret", "locked.key"],
             ["--no-armor", "--as=binary", "--as=text", "--micalg-out=NEW"]),
    "verify": ("text", ["signature", "alice.cert"], ["--not-before=-", "--not-before=2001-01-01", "--not-after=now",
                                                     "--not-after=-"]),
    "encrypt": ("text", ["alice.cert", "bob.cert"],
                ["--no-armor", "--as=binary", "--as=text", "--for=any", "--for=storage", "--for=communications",
                 "--profile=rfc9580", "--profile=rfc4880", "--with-password=secret", "--sign-with=alice.key",
                 "--sign-with=alice.key --sign-with=locked.key --with-key-password=secret", "--session-key-out=NEW",
                 "--with-password=secret --with-password=other"]),
    "decrypt": ("message", ["alice.key"],
                ["--session-key-out=NEW", "--with-session-key=session", "--with-password=secret", "--with-key-password=secret",
                 "--verify-with=alice.cert", "--verify-with=alice.cert --verifications-out=NEW",
                 "--verify-with=alice.cert --verify-out=NEW", "--verify-with=alice.cert --verify-not-before=-",
                 "--verify-with=alice.cert --verify-not-after=now"]),
    "inline-sign": ("text", ["--with-key-password=secret", "locked.key"],
                    ["--no-armor", "--as=binary", "--as=text", "--as=clearsigned"]),
    "inline-verify": ("signed", ["alice.cert"], ["--not-before=-", "--not-after=now", "--verifications-out=NEW",
                                                 "--verify-out=NEW"]),
    "inline-detach": ("signed", ["--signatures-out=NEW"], ["--no-armor"]),
    "armor": ("binary", [], []),
    "dearmor": ("alice.cert", [], []),
}
# Those that need other words than the rest of their row.
APART = {
    "validate-userid": [("alice.cert", ["--addr-spec-only", "alice@example.org", "alice.cert"])],
    "decrypt": [("message", ["--with-session-key=session"]), ("message", ["--with-password=secret"])],
    "encrypt": [("text", ["--with-password=secret"])],
    "list-profiles": [("", ["encrypt"])],
    "generate-key": [("", [])],
    "merge-certs": [("alice.cert", [])],
}


@pytest.fixture(scope="module", name="place")
def make_place(tmp_path_factory):
    """A folder with the files of the table; place(words, stdin) runs there."""
    folder = tmp_path_factory.mktemp("interface")
    program = build_folder() / "letterlock"
    count = iter(range(1000))

    def run(*words, stdin=b"", status=0):
        words = [w.replace("NEW", f"new{next(count)}") for w in words]
        done = subprocess.run([program, "sop", *words], input=stdin, capture_output=True, timeout=60, cwd=folder)
        assert done.returncode == status, (words, done.returncode, done.stderr.decode(errors="replace"))
        return done.stdout

    def put(name, content):
        (folder / name).write_bytes(content)
        return content

    put("secret", b"open sesame\n")
    put("other", b"another one\n")
    put("text", TEXT)
    key = put("alice.key", run("generate-key", ALICE))
    put("alice.cert", run("extract-cert", stdin=key))
    bob = put("bob.key", run("generate-key", "--profile=rfc4880", BOB))
    put("bob.cert", run("extract-cert", stdin=bob))
    put("locked.key", run("generate-key", "--with-key-password=secret", "Locked <locked@example.org>"))
    put("signature", run("sign", "alice.key", stdin=TEXT))
    put("signed", run("inline-sign", "alice.key", stdin=TEXT))
    put("binary", run("dearmor", stdin=(folder / "alice.cert").read_bytes()))
    put("message", run("encrypt", "--session-key-out=session", "--with-password=secret", "--sign-with=alice.key", "alice.cert",
                       stdin=TEXT))
    run.folder = folder
    return run


def content(place, name):
    return (place.folder / name).read_bytes() if name else b""


@pytest.mark.parametrize("subcommand", INTERFACE)
def test_no_option_is_refused(place, subcommand):
    stdin, words, options = INTERFACE[subcommand]
    place(subcommand, *words, stdin=content(place, stdin))
    for option in options:
        place(subcommand, *option.split(), *words, stdin=content(place, stdin))
        place(subcommand, "--debug", *option.split(), *words, stdin=content(place, stdin))
    for stdin, words in APART.get(subcommand, []):
        place("--debug", subcommand, *words, stdin=content(place, stdin))


@pytest.mark.parametrize("subcommand", INTERFACE)
def test_what_is_no_option_is_refused(place, subcommand):
    stdin, words, _ = INTERFACE[subcommand]
    place(subcommand, "--no-such-option", *words, stdin=content(place, stdin), status=37)


def test_help_lists_every_subcommand_and_option(place):
    shown = place("--help").decode()
    assert set(re.findall(r"^  ([a-z][a-z-]+)", shown, re.M)) == set(INTERFACE)
    assert place("help").decode() == shown == place("-h").decode()


@pytest.mark.parametrize("subcommand", INTERFACE)
def test_help_of_a_subcommand_names_its_options(place, subcommand):
    shown = place(subcommand, "--help").decode()
    assert place("help", subcommand).decode() == shown
    _, words, options = INTERFACE[subcommand]
    old_names = {"--verify-out"}
    used = {w.split("=")[0] for o in [*options, *words] for w in o.split() if w.startswith("--")} - old_names
    told = set(re.findall(r"--[a-z-]+", shown))
    assert used <= told, used - told
    assert "Example:" in shown


def test_the_examples_of_help_run(place):
    """In the order of help, in one folder: each makes what the next one needs."""
    folder = place.folder / "examples"
    folder.mkdir()
    for name in ("alice.key", "alice.cert", "bob.key", "bob.cert"):
        (folder / name).write_bytes(content(place, name))
    for name, text in (("plan.txt", TEXT), ("secret.txt", b"open sesame\n"), ("alice.pgp", content(place, "binary")),
                       ("found.cert", content(place, "alice.cert")), ("news.cert", content(place, "alice.cert"))):
        (folder / name).write_bytes(text)
    env = {**os.environ, "PATH": f"{build_folder()}:{os.environ['PATH']}"}
    status = {"validate-userid": 107}  # Alice certified nothing of Bob yet
    for subcommand in INTERFACE:
        shown = place(subcommand, "--help").decode()
        example = shown.split("Example:")[1].strip()
        assert shlex.split(example)[:3] == ["letterlock", "sop", subcommand]
        done = subprocess.run(["sh", "-c", example], cwd=folder, env=env, capture_output=True, timeout=60)
        assert done.returncode == status.get(subcommand, 0), (example, done.stderr)
        (folder / "said.txt").unlink(missing_ok=True)
    assert (folder / "plan.txt").read_bytes() == TEXT


def test_versions(place):
    assert re.fullmatch(rb"letterlock \d+\.\d+\.\d+\n", place("version"))
    assert place("version", "--extended").startswith(place("version"))
    assert re.fullmatch(rb"libcrypto \d+\.\d+\.\d+.*\n", place("version", "--backend"))
    assert place("version", "--sop-spec") == b"draft-dkg-openpgp-stateless-cli-16\n"
    assert re.fullmatch(rb"1\.\d+\n", place("version", "--sopv"))


def test_profiles(place):
    keys = [line.split(":")[0] for line in place("list-profiles", "generate-key").decode().splitlines()]
    assert keys[0] == "rfc9580" and {"rfc9580", "rfc4880", "compatibility", "security"} <= set(keys)
    assert len(set(keys)) == len(keys) and "performance" not in keys  # another name of rfc9580, said in its line
    for name in ["default", "performance", *keys]:
        key = place("generate-key", f"--profile={name}", ALICE)
        cert = place("extract-cert", stdin=key)
        (place.folder / "profile.key").write_bytes(key)
        (place.folder / "profile.cert").write_bytes(cert)
        message = place("encrypt", "--sign-with=profile.key", "profile.cert", stdin=TEXT)
        said = place.folder / f"said-{name}"
        assert place("decrypt", "--verify-with=profile.cert", f"--verifications-out={said}", "profile.key", stdin=message) == TEXT
        assert said.read_text().count("\n") == 1
    messages = [line.split(":")[0] for line in place("list-profiles", "encrypt").decode().splitlines()]
    assert messages == ["rfc9580", "rfc4880"]
    for name, version in (("default", 2), ("performance", 2), ("security", 2), ("rfc4880", 1), ("compatibility", 1)):
        sealed = place("encrypt", "--no-armor", f"--profile={name}", "alice.cert", stdin=TEXT)
        container = [body for kind, body in packets(sealed) if kind == 18]
        assert container[0][0] == version and place("decrypt", "alice.key", stdin=sealed) == TEXT


def test_a_verification_says_who_in_json(place):
    """Time, signing key, primary key, mode, and a JSON object that names the arguments as they were given."""
    (place.folder / "both.cert").write_bytes(content(place, "bob.cert") + content(place, "alice.cert"))
    line = place("verify", "signature", "alice.cert", "bob.cert", "both.cert", stdin=TEXT).decode()
    fields = re.fullmatch(r"(\S+Z) ([0-9A-F]{64}) ([0-9A-F]{64}) mode:binary (\{.*\})\n", line)
    assert fields and json.loads(fields[4])["signers"] == ["alice.cert", "both.cert"]


def test_armor_goes_both_ways(place):
    binary = content(place, "binary")
    text = place("armor", stdin=binary)
    assert text.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert place("dearmor", stdin=text) == binary
    assert place("armor", stdin=text) == text
    assert place("armor", stdin=text + text) == text + text
    for cut in (*(binary[:n] for n in (1, 2, 40, len(binary) // 2, len(binary) - 1)), text[:200], text[:-40], text + text[:90]):
        done = subprocess.run([build_folder() / "letterlock", "sop", "armor"], input=cut, capture_output=True, timeout=60)
        assert done.returncode == 41 and re.search(b"middle|cut short", done.stderr), (cut, done)
