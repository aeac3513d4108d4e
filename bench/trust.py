#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Questions of trust and listings in a store of 10,000 certificates with 100,000 certifications, beside sq-wot and gpg.

Each run is a new process with everything on disk and in the page cache. sq-wot reads the same certificates from a file,
gpg from its keybox, whose trust database was computed before.

  --count N   certificates (10,000)
"""
import argparse
import os
import shutil
import subprocess
import sys

from common import BUILD, ROUNDS, Table, run

PLACE = BUILD / "bench" / "trust"
OURS = BUILD / "letterlock"


def made(count):
    """(file, root, one who is believed, one who is not); made anew when the count is another."""
    ring, names = PLACE / f"ring{count}.pgp", PLACE / f"names{count}"
    if not names.exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        tool = BUILD / "release" / "bench" / "bench_trust_make"
        names.write_bytes(subprocess.run([tool, ring, str(count)], check=True, capture_output=True).stdout)
    return ring, *names.read_text().split()


def our_home(ring, root, count):
    home = PLACE / f"home{count}"
    env = dict(os.environ, HOME=str(home), XDG_DATA_HOME=str(home / "data"), XDG_CONFIG_HOME=str(home / "config"))
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        run([OURS, "key", "import", ring], env=env)
        run([OURS, "key", "trust", "--introducer", root, "--depth", "255"], env=env)
        (home / "ready").touch()
    return env


def gpg_home(ring, count):
    home = PLACE / f"gnupg{count}"
    env = dict(os.environ, GNUPGHOME=str(home))
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True, mode=0o700)
        run(["gpg", "--batch", "--quiet", "--no-auto-check-trustdb", "--import", ring], env=env)
        run(["gpg", "--batch", "--quiet", "--check-trustdb"], env=env)
        (home / "ready").touch()
    return env


def seconds(rounds, ours, theirs):
    """Alternating."""
    mine, other = [], []
    for _ in range(rounds):
        mine.append(run(*ours[0], **ours[1])[0])
        other.append(run(*theirs[0], **theirs[1])[0])
    return mine, other


def answer(argv, env):
    """What a program says, whatever status it says it with."""
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, env=env, check=False).stdout


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=10000)
    count = options.parse_args().count
    for program in ("sq-wot", "gpg"):
        if shutil.which(program) is None:
            sys.exit(f"bench: {program} is not installed: script/bootstrap bench")
    ring, root, known, stranger = made(count)
    env, gnupg = our_home(ring, root, count), gpg_home(ring, count)
    n = answer([OURS, "key", "list"], env).count("\n")
    if n != count:
        sys.exit(f"bench: the store has {n} certificates, not {count}")
    table = Table("trust")
    for what, who, full in (("believed", known, True), ("not believed", stranger, False)):
        ours = [OURS, "key", "trust", who]
        theirs = ["sq-wot", "-k", ring, "-r", root, "identify", who]
        said, told = answer(ours, env), answer(theirs, None)
        if full != ("120 of 120" in said) or full != ("fully authenticated" in told):
            sys.exit(f"bench: the programs do not agree:\n{said}\n{told}")
        wrap = ["sh", "-c", '"$@" >/dev/null 2>&1; exit 0', "sh"]
        mine, other = seconds(ROUNDS, ([wrap + ours], {"env": env}), ([wrap + theirs], {}))
        table.add(f"one question, {what}, {count} certificates", "s", "lower", mine, {"sq-wot": other}, {})
    mine, other = seconds(ROUNDS, ([[OURS, "key", "list"]], {"env": env}),
                          ([["gpg", "--batch", "--no-auto-check-trustdb", "--list-keys"]], {"env": gnupg}))
    table.add(f"a list of {count} certificates", "s", "lower", mine, {"gpg": other}, {})
    table.write()


if __name__ == "__main__":
    main()
