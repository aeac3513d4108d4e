# SPDX-License-Identifier: ISC
"""The key directory, asked by other people's programs: gpg with dirmngr, sq, and the HKP and WKD clients of OpenPGP.js."""
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

E2E = pathlib.Path(__file__).resolve().parent.parent / "e2e"


def load(name, path):
    """A module of the end-to-end tests: they know how the daemon is started, and how gpg is asked."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(E2E))
    before = sys.modules.get("conftest")
    try:
        if name != "e2e_conftest":
            sys.modules["conftest"] = e2e
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(E2E))
        if before is not None:
            sys.modules["conftest"] = before
    return module


e2e = load("e2e_conftest", E2E / "conftest.py")
directory = load("e2e_test_directory", E2E / "test_directory.py")
ALICE, BOB = e2e.Exchange.ALICE, e2e.Exchange.BOB


@pytest.fixture(scope="module")
def world():
    """An exchange whose domain is searched by name, with a published key of Alice."""
    if shutil.which("gpg") is None or shutil.which("dirmngr") is None:
        pytest.skip("gpg and dirmngr are not installed")
    folder = tempfile.mkdtemp(prefix="letterlock-interop-")
    exchange, alice = e2e.Exchange(folder, {"directory_search": '{ "example.org" }'}).start(), directory.Gpg()
    try:
        exchange.alice = alice
        exchange.fingerprint = alice.make_key("Alice Liddell <alice@example.org>")
        assert directory.upload(exchange, alice.export(exchange.fingerprint), ALICE)[0] == 200
        yield exchange
    finally:
        alice.close()
        exchange.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def gpg():
    made = []

    def make():
        made.append(directory.Gpg())
        return made[-1]

    yield make
    for one in made:
        one.close()


# ---- gpg 2.2 with dirmngr ----

@pytest.mark.parametrize("how", ["name", "address", "key ID", "fingerprint"])
def test_gpg_searches(world, gpg, how):
    what = {"name": "Liddell", "address": ALICE, "key ID": "0x" + world.fingerprint[-16:], "fingerprint": world.fingerprint}[how]
    found = gpg().run("--keyserver", directory.keyserver(world), "--with-colons", "--search-keys", what, check=False)
    assert world.fingerprint in found.stdout.decode(), found.stderr.decode()


@pytest.mark.parametrize("digits", [16, 40])
def test_gpg_receives_and_refreshes(world, gpg, digits):
    bob = gpg()
    bob.run("--keyserver", directory.keyserver(world), "--recv-keys", world.fingerprint[-digits:])
    assert bob.user_ids(world.fingerprint) == ["Alice Liddell <alice@example.org>"]
    assert b"unchanged: 1" in bob.run("--keyserver", directory.keyserver(world), "--refresh-keys").stderr


def test_gpg_sends_and_a_revocation_reaches_who_has_the_key(world, gpg):
    bob, reader = gpg(), gpg()
    fingerprint = bob.make_key("Bob <bob@example.org>")
    assert directory.upload(world, bob.export(fingerprint), BOB)[0] == 200
    reader.run("--keyserver", directory.keyserver(world), "--recv-keys", fingerprint)
    with open(f"{bob.home}/openpgp-revocs.d/{fingerprint}.rev") as f:
        bob.run("--import", stdin=f.read().replace(":-----BEGIN", "-----BEGIN").encode())
    bob.run("--keyserver", directory.keyserver(world), "--send-keys", fingerprint)
    reader.run("--keyserver", directory.keyserver(world), "--refresh-keys")
    rows = reader.run("--with-colons", "--list-keys", fingerprint).stdout.decode()
    assert re.search(r"^pub:r:", rows, re.M)


def test_gpg_says_not_found(world, gpg):
    done = gpg().run("--keyserver", directory.keyserver(world), "--recv-keys", "00" * 20, check=False)
    assert done.returncode != 0 and b"No data" in done.stderr


# ---- sq ----

def sq(world, *words):
    if shutil.which("sq") is None:
        pytest.skip("sq is not installed")
    return subprocess.run(["sq", "--force", "keyserver", "--policy", "insecure", "--server", f"hkp://127.0.0.1:{world.port('hkp')}", *words],
                          capture_output=True, timeout=60)


@pytest.mark.parametrize("what", ["fingerprint", "key ID", "address"])
def test_sq_gets(world, what):
    done = sq(world, "get", {"fingerprint": world.fingerprint, "key ID": world.fingerprint[-16:], "address": ALICE}[what])
    assert done.returncode == 0, done.stderr.decode()
    said = subprocess.run(["gpg", "--list-packets"], input=done.stdout, capture_output=True, check=True).stdout
    assert world.fingerprint[-16:].encode() in said


# ---- npm's @openpgp/hkp-client and @openpgp/wkd-client ----

@pytest.fixture
def node(openpgpjs):
    folder = e2e.build_folder() / "interop-node"

    def call(script, *words):
        done = subprocess.run(["node", "-e", script, *words], cwd=folder, capture_output=True, timeout=60,
                              env={**os.environ, "NO_PROXY": "*"})
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    if not (folder / "node_modules" / "@openpgp" / "hkp-client").exists():
        pytest.skip("npm could not install @openpgp/hkp-client")
    return call


HKP = """
const HKP = require('@openpgp/hkp-client'), openpgp = require('openpgp');
(async () => {
  const [url, kind, what] = process.argv.slice(1);
  const found = await new HKP(url).lookup({ [kind]: what });
  if (found === undefined) return console.log('none');
  for (const key of await openpgp.readKeys({ armoredKeys: found }))
    console.log(key.getFingerprint().toUpperCase(), key.getUserIDs().join());
})();
"""


@pytest.mark.parametrize("kind", ["keyId", "query", "name"])
def test_the_hkp_client(world, node, kind):
    what = {"keyId": world.fingerprint[-16:], "query": ALICE, "name": "liddell"}[kind]
    url = f"http://127.0.0.1:{world.port('hkp')}"
    said = node(HKP, url, "keyId" if kind == "keyId" else "query", what).decode()
    assert f"{world.fingerprint} Alice Liddell <alice@example.org>" in said
    assert node(HKP, url, "query", "nobody@example.org").decode().strip() == "none"


WKD = """
const WKD = require('@openpgp/wkd-client'), openpgp = require('openpgp'), https = require('https'), fs = require('fs');
(async () => {
  const [port, certificate, email, variants] = process.argv.slice(1);
  const wkd = new WKD();
  /* Its names lead here: no DNS in a test. All else of the request is the client's. */
  wkd._fetch = (text) => new Promise((resolve, reject) => {
    const url = new URL(text);
    if (variants === 'direct' && url.hostname.startsWith('openpgpkey.')) return reject(new Error('no such name'));
    https.get({ host: '127.0.0.1', port, path: url.pathname + url.search, headers: { Host: url.host },
                ca: fs.readFileSync(certificate), servername: 'localhost' }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ status: response.statusCode, statusText: response.statusMessage,
                                         arrayBuffer: async () => Buffer.concat(pieces) }));
    }).on('error', reject);
  });
  const key = await openpgp.readKey({ binaryKey: await wkd.lookup({ email }) });
  console.log(key.getFingerprint().toUpperCase(), key.getUserIDs().join());
})();
"""


@pytest.mark.parametrize("variants", ["advanced", "direct"])
def test_the_wkd_client(world, node, variants):
    said = node(WKD, str(world.port("https")), world.certificate, "Alice@example.org", variants).decode()
    assert said.strip() == f"{world.fingerprint} Alice Liddell <alice@example.org>"
