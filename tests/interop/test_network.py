# SPDX-License-Identifier: ISC
"""What is believed beside Sequoia's and GnuPG's programs: every root and user ID of the 27 keyrings that come with sq-wot.

`letterlock key trust` answers for all roots of a keyring in one process (--batch). Needs Debian's sq-wot, gpg,
faketime, and the keyrings out of librust-sequoia-wot-dev, which script/bootstrap test unpacks into build/peers; without
them it is skipped. Their certifications ended in 2026, and some rings are about what happens in between, so all
programs are asked as of several times.
"""
import calendar
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from conftest import ROOT, build_folder

RINGS = sorted((ROOT / "build" / "peers").glob("usr/share/cargo/registry/sequoia-wot-*/tests/data/*.pgp"))
SQ_WOT = pathlib.Path("/usr/bin/sq-wot")
GPG = shutil.which("gpg")
FAKETIME = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
TIMES = ["2020-02-15 00:00:00", "2020-08-15 00:00:00", "2022-06-01 00:00:00"]
# gpg counts signatures that are made later than its clock as well: so only times behind all that a ring's story tells.
GPG_TIMES = ["2020-08-15 00:00:00", "2022-06-01 00:00:00", "2027-06-01 00:00:00"]
# Of the large rings some roots stand for all: sq-wot needs seconds for each.
LARGE = {"cliques": 3, "cliques-local-optima": 11, "cliques-local-optima-2": 11, "infinity-and-beyond": 120}
LINE = re.compile(r"^\[.\] ([0-9A-F]{40}) (.*): (?:fully|partially|marginally) authenticated \((\d+)%\)$")
SECONDS = 120

needed = pytest.mark.skipif(not RINGS or not FAKETIME, reason="no keyrings of sq-wot, or no faketime")
rings = pytest.mark.parametrize("ring", RINGS, ids=lambda r: getattr(r, "stem", "none"))


def env_at(when):
    return dict(os.environ, LD_PRELOAD=str(FAKETIME[0]), FAKETIME=when, FAKETIME_DONT_FAKE_MONOTONIC="1", TZ="UTC")


def trust(folder, ring, when, stdin, *options):
    home = dict(os.environ, XDG_DATA_HOME=str(folder / "data"), XDG_CONFIG_HOME=str(folder / "config"), HOME=str(folder))
    argv = [build_folder() / "letterlock", "key", "trust", "-k", ring, "--time", when.replace(" ", "T") + "Z", *options]
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, text=True, env=home, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ours(folder, ring, when, roots, *options):
    """{root: {(fingerprint, user ID): amount}}; roots as --batch takes them."""
    answers = collections.defaultdict(dict)
    for line in trust(folder, ring, when, "".join(f"{r} *\n" for r in roots), "--batch", *options).splitlines():
        row = json.loads(line)
        answers[row["roots"]][row["fingerprint"], row["user_id"]] = row["amount"]
    return answers


def fingerprints(folder, ring):
    done = subprocess.run([GPG, "--homedir", folder, "--batch", "--with-colons", "--show-keys", ring], capture_output=True,
                          text=True, env=env_at(TIMES[2]), timeout=SECONDS, check=True)
    found, primary = [], False
    for line in done.stdout.splitlines():
        field = line.split(":")
        if field[0] == "fpr" and primary:
            found.append(field[9])
        primary = field[0] == "pub"
    return sorted(set(found))


@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o700)
    yield tmp_path
    subprocess.run(["gpgconf", "--homedir", tmp_path, "--kill", "all"], capture_output=True, check=False)


# ---- Sequoia ----

def theirs(ring, root, when):
    done = subprocess.run([SQ_WOT, "-k", ring, "-r", root, "list"], capture_output=True, env=env_at(when), timeout=SECONDS,
                          text=True)
    found = (LINE.match(line) for line in done.stdout.splitlines())
    return {(m[1], m[2]): min(int(m[3]), 100) for m in found if m}


@needed
@pytest.mark.skipif(not SQ_WOT.exists(), reason="no sq-wot")
@rings
@pytest.mark.parametrize("when", TIMES)
def test_every_root_beside_sq_wot(ring, when, folder):
    roots = fingerprints(folder, ring)[::LARGE.get(ring.stem, 1)]
    answers = ours(folder, ring, when, roots)
    assert roots
    for root in roots:
        percent = {who: amount * 100 // 120 for who, amount in answers[root].items()}
        assert percent == theirs(ring, root, when), root


# ---- GnuPG ----

LEVELS = {"own": 6, "fully": 5, "marginally": 4}  # of --import-ownertrust
AMOUNTS = {"fully": "=120", "marginally": "=60"}
UNESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def gpg(folder, when, *arguments, stdin=""):
    done = subprocess.run([GPG, "--homedir", folder, "--batch", "--no-auto-check-trustdb", "--no-tty", *arguments],
                          input=stdin, capture_output=True, text=True, env=env_at(when), timeout=SECONDS, check=False)
    assert done.returncode in (0, 2), done.stderr
    return done.stdout


def gpg_believes(folder, when, model, owners):
    """{(fingerprint, user ID): u, f or m}; without keys that are made later, which gpg shows as valid when they are one's own."""
    now = calendar.timegm(time.strptime(when, "%Y-%m-%d %H:%M:%S"))
    for old in folder.glob("trustdb.gpg*"):
        old.unlink()
    gpg(folder, when, "--import-ownertrust", stdin="".join(f"{f}:{LEVELS[level]}:\n" for f, level in owners.items()))
    gpg(folder, when, "--trust-model", model, "--check-trustdb")
    found, primary = {}, None
    for line in gpg(folder, when, "--trust-model", model, "-k", "--with-colons").splitlines():
        field = line.split(":")
        if field[0] == "pub":
            primary, made = None, int(field[5])
        elif field[0] == "fpr" and primary is None:
            primary = field[9]
        elif field[0] == "uid" and field[1] in "ufm" and made <= now:
            found[primary, UNESCAPE.sub(lambda m: chr(int(m[1], 16)), field[9])] = field[1]
    return found


def scenarios(roots):
    """Oneself alone; oneself, and everybody else's word counts; and that partly."""
    for root in roots:
        yield {root: "own"}
        yield dict.fromkeys(roots, "fully") | {root: "own"}
        yield dict.fromkeys(roots, "marginally") | {root: "own"}


def batch_of(owners):
    return ",".join(f + AMOUNTS.get(level, "") for f, level in owners.items())


def letter_of(amount):
    return "f" if amount == 120 else "m"


@needed
@pytest.mark.skipif(not GPG, reason="no gpg")
@rings
@pytest.mark.parametrize("when", GPG_TIMES)
@pytest.mark.parametrize("model", ["pgp", "direct"])
def test_models_beside_gpg(model, ring, when, folder):
    roots = fingerprints(folder, ring)[::5 * LARGE[ring.stem] if ring.stem in LARGE else 1]
    gpg(folder, when, "--allow-non-selfsigned-uid", "--import-options", "import-local-sigs", "--import", ring)
    asked = {batch_of(owners): owners for owners in scenarios(roots)}
    answers = ours(folder, ring, when, asked, "--model", model)
    believed = 0
    for line, owners in asked.items():
        told = {who: "f" if letter == "u" else letter for who, letter in gpg_believes(folder, when, model, owners).items()}
        assert {who: letter_of(amount) for who, amount in answers[line].items()} == told, owners
        believed += len(told)
    assert believed > 0 or when != GPG_TIMES[1], "gpg believes nothing: the test says nothing"
