# SPDX-License-Identifier: ISC
"""SPF beside python3-spf and npm's mailauth (strict), on records by chance. Each kind of difference has its clause.

They differ in what an empty answer is counted for (RFC 7208 section 4.6.4 has "terms for which DNS queries return" one:
python3-spf counts each question, mailauth none of an MX's or the client's names); python3-spf takes an include of a
record by itself for an error before anything is asked (the RFC has no such rule: the limit of ten ends it), and takes
some terms that the grammar of section 4.6.1 does not have, where mailauth agrees with us.
"""
import fcntl
import json
import pathlib
import shutil
import subprocess
import warnings

import pytest

from conftest import HERE, build_folder
from spf_chance import Chance
from spf_peer import TIMEOUT, SpfTool, Zones

SEEDS, SENDERS = 250, 4


@pytest.fixture(scope="module")
def ours():
    tool = SpfTool(build_folder() / "tests" / "interop" / "spf_tool")
    yield tool
    tool.close()


def install(folder):
    """mailauth by the lock file here, in a folder of its own; once for all that run at the same time."""
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (HERE / "package-lock.json").read_bytes()
        done = folder / "installed.json"
        if done.exists() and done.read_bytes() == wanted:
            return
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        ran = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, timeout=180)
        if ran.returncode != 0:
            pytest.skip("npm could not install mailauth: " + ran.stderr.decode(errors="replace")[-200:])
        done.write_bytes(wanted)


@pytest.fixture(scope="module")
def npm_spf():
    """call(names, ip, helo, sender) -> {result, comment}"""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm is not installed (Debian packages nodejs, npm)")
    folder = build_folder() / "interop-mailauth-spf"
    install(folder)
    script = pathlib.Path(shutil.copy(HERE / "mailauth_spf.mjs", folder))
    with subprocess.Popen(["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        def call(names, ip, helo, sender):
            zones = {}
            for name, rows in names.items():
                zone = zones.setdefault(name, {})
                for row in rows:
                    if row == TIMEOUT:
                        zone["TIMEOUT"] = True
                    else:
                        zone.setdefault(row[0], []).append(row[1])
            node.stdin.write(json.dumps({"names": zones, "ip": ip, "helo": helo, "sender": sender}) + "\n")
            node.stdin.flush()
            return json.loads(node.stdout.readline())

        yield call
        node.stdin.close()


@pytest.fixture(scope="module")
def pyspf():
    """call(names, ip, helo, sender) -> (result, code, text)"""
    spf = pytest.importorskip("spf", reason="Debian package python3-spf")

    def call(names, ip, helo, sender):
        zones = Zones(names)

        def look(name, kind, strict=True, timeout=20):
            word, records = zones.ask(name, kind)
            if word == "failed":
                raise spf.TempError("DNS timeout")
            return [((name, kind), [record.encode()] if kind == "TXT" else record) for record in records]

        spf.DNSLookup = look
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return spf.query(i=ip, s=sender, h=helo, receiver="receiver.example", strict=True).check()

    return call


def is_of_void(text):
    return "void" in text.lower() or "not there" in text


def mailauth_explained(our, their):
    return is_of_void(their["comment"]) or is_of_void(our["reason"])


def pyspf_explained(our, their, other):
    return (is_of_void(their[2]) or is_of_void(our["reason"]) or "trivial recursion" in their[2]
            or ("cannot be read" in our["reason"] and other == our["result"] == "permerror"))


def test_beside_others(ours, npm_spf, pyspf):
    seen, differences = {}, 0
    for seed in range(SEEDS):
        chance = Chance(seed)
        names = chance.zones()
        for _ in range(SENDERS):
            asked = chance.asked()
            zones = Zones(names)
            our = ours.check(zones, *asked)
            theirs, pythons = npm_spf(names, *asked), pyspf(names, *asked)
            what = (seed, asked, our, theirs, pythons, names, zones.asked)
            assert our["result"] == theirs["result"] or mailauth_explained(our, theirs), what
            assert our["result"] == pythons[0] or pyspf_explained(our, pythons, theirs["result"]), what
            differences += not our["result"] == theirs["result"] == pythons[0]
            seen[our["result"]] = seen.get(our["result"], 0) + 1
    # The records are worth something: every result comes up, and explanations are for few.
    assert set(seen) == {"pass", "fail", "softfail", "neutral", "none", "permerror", "temperror"}, seen
    assert differences < SEEDS * SENDERS * 0.06, differences
