# SPDX-License-Identifier: ISC
"""Whose a key is, and why: certifying, introducers, models, pictures, and what sealing and verifying make of it."""
import importlib.util
import json
import os
import pathlib
import subprocess
import time
import xml.etree.ElementTree as xml

import pytest

from conftest import ROOT, build_folder, pipe_with

ALICE, BOB, CAROL, CA = "alice@example.org", "bob@example.net", "carol@example.com", "ca@example.com"
PASSPHRASE = "a passphrase for keys"
FLOOD = 100000
FLOOD_SECONDS = 60  # a second and less by itself; sanitizers and a machine that others use as well take more
SECONDS = 180


class Person:
    """A home with a key of its own."""

    def __init__(self, folder, address, name):
        self.address, self.home = address, pathlib.Path(folder) / address
        (self.home / "run").mkdir(parents=True, mode=0o700)
        self.env = dict(os.environ, HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"),
                        XDG_DATA_HOME=str(self.home / "data"), XDG_RUNTIME_DIR=str(self.home / "run"), NO_COLOR="1",
                        TZ="UTC", LC_ALL="C.UTF-8")
        self.run("key", "new", address, "--name", name)
        self.cert = self.home / "cert.asc"
        self.run("key", "export", address, "--output", self.cert)
        self.fingerprint = json.loads(self.run("key", "show", address, "--json"))["fingerprint"]

    def run(self, *words, want=0):
        """Both outputs as one text."""
        fd = pipe_with(PASSPHRASE)
        try:
            done = subprocess.run([str(build_folder() / "letterlock"), *map(str, words), "--passphrase-fd", str(fd)],
                                  env=self.env, cwd=self.home, pass_fds=[fd], stdin=subprocess.DEVNULL, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
        finally:
            os.close(fd)
        text = done.stdout.decode()
        assert "Sanitizer" not in text and "runtime error" not in text, text
        assert done.returncode == want, (words, done.returncode, text)
        return text

    def trust(self, who, *words, want=0):
        return json.loads(self.run("key", "trust", who, *words, "--json", want=want))[0]

    def meets(self, other):
        """Gets the certificate and compares it."""
        self.run("key", "import", other.cert)
        self.run("key", "verify", other.fingerprint, other.fingerprint)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Alice compared Bob, who says whose key Carol's is; the CA of example.com says it, too."""
    folder = tmp_path_factory.mktemp("trust")
    alice, bob = Person(folder, ALICE, "Alice"), Person(folder, BOB, "Bob")
    carol, ca = Person(folder, CAROL, 'Carol "C" (&)'), Person(folder, CA, "CA")
    yield alice, bob, carol, ca
    for one in (alice, bob, carol, ca):
        one.run("agent", "stop")


def certified(by, whose, name, *words):
    by.run("key", "import", whose.cert)
    out = by.home / name
    by.run("key", "certify", whose.fingerprint, "--compared", "--output", out, *words)
    return out


def test_through_an_introducer(people, tmp_path):
    """Bob certified Carol; Alice lets Bob say whose a key is; and takes that back."""
    alice, bob, carol, _ = people
    of_carol = certified(bob, carol, "carol.asc")
    # She got it with a message, as it were: nothing is known of it but what Bob says.
    alice.run("key", "import", of_carol)
    before = alice.trust(carol.fingerprint, CAROL)
    assert before["amount"] == 0 and before["verdict"] == "partly" and "You imported it" in " ".join(before["reasons"])
    alice.meets(bob)
    text = alice.run("key", "certify", BOB, "--depth", "1", "--amount", "60", "--domain", "example.com")
    assert "Certified: Bob" in text
    half = alice.trust(CAROL, "--graph", tmp_path / "carol.svg")
    assert half["amount"] == 60 and [len(p["certifications"]) for p in half["paths"]] == [2]
    assert "trusts Bob <bob@example.net>" in half["reasons"][0]
    time.sleep(1.1)  # a newer word takes the place of an older one: by its second
    alice.run("key", "certify", BOB, "--depth", "1", "--domain", "example.com")
    assert alice.trust(CAROL)["verdict"] == "fully"
    assert alice.trust(CAROL, "--model", "pgp")["amount"] == 120
    assert alice.trust(CAROL, "--model", "direct")["amount"] == 0
    alice.run("key", "trust", "--set-model", "direct")
    assert alice.trust(CAROL)["amount"] == 0
    alice.run("key", "trust", "--set-model", "sequoia")
    time.sleep(1.1)
    alice.run("key", "certify", BOB, "--revoke")
    assert alice.trust(CAROL)["amount"] == 0


def test_the_picture(people, tmp_path):
    """Well-formed, with all names escaped, both fingerprints, and nothing that runs or is fetched."""
    alice, bob, carol, _ = people
    picture = tmp_path / "of.svg"
    ring = tmp_path / "ring.pgp"
    ring.write_text("".join((p.cert).read_text() for p in (alice, bob, carol)))
    alice.run("key", "trust", "-k", ring, "-k", bob.home / "carol.asc", "--root", bob.fingerprint, carol.fingerprint,
              "--graph", picture)
    tree = xml.fromstring(picture.read_bytes())
    drawn = "".join("".join(e.itertext()) for e in tree.iter())
    assert 'Carol "C" (&)' in drawn
    for one in (bob, carol):
        assert one.fingerprint in drawn.replace(" ", "")
    names = {e.tag.rpartition("}")[2] for e in tree.iter()}
    assert names <= {"svg", "rect", "text", "path", "style", "defs", "marker"}
    assert not any("href" in attribute for e in tree.iter() for attribute in e.attrib)


def test_the_domains_ca(people, tmp_path):
    """The CA of example.com counts for addresses there once Alice takes it as introducer, and for no others."""
    alice, bob, carol, ca = people
    for whose in (bob, carol):
        alice.run("key", "import", certified(ca, whose, f"{whose.address}.asc"))
    alice.run("key", "import", ca.cert)
    assert alice.trust(CAROL)["amount"] == 0
    said = alice.run("key", "trust", "--introducer", CA, "--domain", "example.com")
    assert "only for" in said and CA in said
    mine = alice.trust(CAROL)
    assert mine["verdict"] == "fully" and "Your introducer CA" in mine["reasons"][0]
    assert alice.trust(BOB)["amount"] == 0
    assert "only for" in alice.run("key", "trust", "--roots")
    alice.run("key", "trust", "--no-introducer", CA)
    assert alice.trust(CAROL)["amount"] == 0


def test_only_what_was_compared_is_certified(people):
    alice, _, carol, _ = people
    text = alice.run("key", "certify", CAROL, want=1)
    assert carol.fingerprint in text and "--compared" in text
    assert alice.run("key", "certify", CAROL, "--amount", "60", want=2)
    assert alice.run("key", "certify", CAROL, "--compared", "--local", "--expires", "30d", "--notation", "no", want=2)


def test_what_is_for_oneself_stays_here(people):
    alice, _, _, ca = people
    alice.run("key", "certify", CA, "--compared", "--local", "--output", "ca.asc")
    alice.run("key", "export", ca.fingerprint, "--output", "exported.asc")
    assert "for yourself only" in alice.run("key", "trust", ca.fingerprint, "--certifications")
    here = [alice.home / "ca.asc", alice.home / "exported.asc"]
    for path in here:
        told = alice.run("key", "trust", "-k", path, "-k", alice.cert, "--root", alice.fingerprint, ca.fingerprint,
                         "--certifications", want=1)
        assert "without certifications" in told and alice.fingerprint not in told, path


def test_contradicted(people):
    """Two certificates of one address, and one of them is Carol's for sure."""
    alice, _, carol, _ = people
    alice.run("key", "verify", carol.fingerprint, carol.fingerprint)
    other = Person(alice.home, CAROL, "Carol")
    alice.run("key", "import", other.cert)
    told = alice.trust(other.fingerprint, CAROL, want=1)
    assert told["verdict"] == "contradicted" and not told["enough"]
    assert carol.fingerprint in " ".join(told["reasons"]) and other.fingerprint in told["advice"]
    (alice.home / "plan.txt").write_text("a plan\n")
    other.run("sign", alice.home / "plan.txt")
    text = alice.run("verify", "plan.txt", want=1)
    assert "nothing vouches" in text and carol.fingerprint in text
    assert alice.trust(carol.fingerprint, CAROL)["verdict"] == "fully"
    other.run("agent", "stop")


def floods():
    """bench/flooded.py"""
    spec = importlib.util.spec_from_file_location("flooded", ROOT / "bench" / "flooded.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("whose", ["others", "own"])
def test_pitfall_openpgp_5_a_flooded_certificate_is_answered(people, whose, tmp_path):
    """A hundred thousand signatures beside Bob's own: what is true about Carol stays true, and soon said."""
    alice, bob, carol, _ = people
    plain = tmp_path / "carol.pgp"
    certified(bob, carol, "carol-flood.asc")  # whether an earlier test did or not
    bob.run("key", "export", carol.fingerprint, "--binary", "--output", plain)
    ring = tmp_path / "ring.pgp"
    ring.write_bytes(floods().flood(plain.read_bytes(), FLOOD, whose == "own"))
    began = time.monotonic()
    told = alice.trust(carol.fingerprint, "-k", ring, "-k", bob.cert, "--root", bob.fingerprint)
    assert told["amount"] == 120 and told["verdict"] == "fully"
    assert time.monotonic() - began < FLOOD_SECONDS


def test_pitfall_openpgp_5_a_flood_that_names_the_introducer(people, tmp_path):
    """Newer forgeries in Bob's name: only so many are looked at, and nothing of them counts."""
    alice, bob, carol, _ = people
    module = floods()
    rng, out = module.random.Random(5), []
    for kind, whole, _ in module.packets(binary(carol)):
        out.append(whole)
        if kind == module.USER_ID:
            out += [module.forged(rng, bytes.fromhex(bob.fingerprint), 1700000000 + n) for n in range(FLOOD)]
    ring = tmp_path / "ring.pgp"
    ring.write_bytes(b"".join(out))
    began = time.monotonic()
    told = alice.trust(carol.fingerprint, "-k", ring, "-k", bob.cert, "--root", bob.fingerprint, want=1)
    assert told["amount"] == 0
    assert time.monotonic() - began < FLOOD_SECONDS


def binary(one):
    path = one.home / "binary.pgp"
    one.run("key", "export", one.fingerprint, "--binary", "--output", path)
    return path.read_bytes()


@pytest.mark.parametrize("regex", ["(((a*)*)*)*b", "(a|a)*" * 40 + "b", "(" * 60 + "a" + ")*" * 60 + "$"])
def test_pitfall_openpgp_8_scopes_that_are_bombs(people, regex):
    """A scope in time that grows with its length, or a refusal; never without end."""
    alice, _, _, ca = people
    began = time.monotonic()
    alice.run("key", "trust", "--introducer", ca.fingerprint, "--regex", regex)
    assert alice.trust(CAROL)["amount"] in (0, 120)
    alice.run("key", "trust", "--no-introducer", ca.fingerprint)
    assert time.monotonic() - began < FLOOD_SECONDS


def test_a_malformed_scope_is_refused(people):
    alice, _, _, ca = people
    assert "--regex" not in alice.run("key", "trust", "--introducer", ca.fingerprint, "--regex", "(a", want=1)
    assert ca.fingerprint not in alice.run("key", "trust", "--roots")
