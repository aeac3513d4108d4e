# SPDX-License-Identifier: ISC
"""Our `letterlock sop` beside other people's programs.

Fixtures: `sop` runs ours, `gpg` is GnuPG with a home of its own, `sqop` Sequoia's, `openpgpjs` OpenPGP.js under Node.
A peer that is not installed skips its tests. The programs come from LETTERLOCK_BUILD (default: build/asan, build).
"""
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 60


def build_folder():
    given = os.environ.get("LETTERLOCK_BUILD")
    for folder in [pathlib.Path(given)] if given else [ROOT / "build" / "asan", ROOT / "build"]:
        if (folder / "letterlock").exists():
            return folder.resolve()
    pytest.skip("no letterlock: build it, or name its folder in LETTERLOCK_BUILD")


def run(argv, stdin=b"", status=0, env=None, **more):
    """Output of a program that must end with this status (None: any); (status, out) then."""
    stdin = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, env=env,
                          **{"timeout": SECONDS, **more})
    if status is None:
        return done
    assert done.returncode == status, (argv, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout


SLOW_PROFILES = ("rfc4880",)  # RSA: a second of processor each
SLOW_KEYS = {}


class Sop:
    """A program with the Stateless OpenPGP interface, its files in one folder."""

    def __init__(self, argv, folder):
        self.argv = argv
        self.folder = folder
        self.count = 0
        self.asked = []  # for keys of slow profiles

    def __call__(self, *arguments, stdin=b"", status=0, **more):
        return run([*self.argv, *arguments], stdin, status, **more)

    def file(self, content, suffix=""):
        self.count += 1
        path = self.folder / f"{self.count}{suffix}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def new_name(self):
        self.count += 1
        return self.folder / f"{self.count}.new"

    def key(self, profile, *user_ids, password=None):
        """(secret key, certificate) as files. What takes long is made once for all tests; two in one test are two."""
        more = ["--with-key-password", self.file(password)] if password else []
        wanted = (*map(str, self.argv), profile, password, *user_ids)
        wanted = (self.asked.count(wanted), *wanted)
        made = SLOW_KEYS.get(wanted) or self("generate-key", f"--profile={profile}", *more, *user_ids)
        if profile in SLOW_PROFILES:
            SLOW_KEYS[wanted] = made
            self.asked.append(wanted[1:])
        key = self.file(made, ".key")
        return key, self.file(self("extract-cert", stdin=made), ".cert")


@pytest.fixture
def sop(tmp_path):
    folder = tmp_path / "sop"
    folder.mkdir()
    return Sop([build_folder() / "letterlock", "sop"], folder)


@pytest.fixture
def sqop(tmp_path):
    if shutil.which("sqop") is None:
        pytest.skip("sqop is not installed (Debian package sqop)")
    folder = tmp_path / "sqop"
    folder.mkdir()
    return Sop(["sqop"], folder)


@pytest.fixture
def gosop(tmp_path):
    if shutil.which("gosop") is None:
        pytest.skip("gosop is not installed (Debian package gosop)")
    folder = tmp_path / "gosop"
    folder.mkdir()
    return Sop(["gosop"], folder)


@pytest.fixture
def sq():
    """Sequoia's sq 0.27: call(arguments) gives its standard output."""
    if shutil.which("sq") is None:
        pytest.skip("sq is not installed (Debian package sq)")
    return lambda *arguments, stdin=b"", status=0: run(["sq", *arguments], stdin, status)


@pytest.fixture
def rnp(tmp_path):
    """RNP with keys in one file: call(keyfile, arguments) gives its standard output."""
    if shutil.which("rnp") is None:
        pytest.skip("rnp is not installed (Debian package rnp)")
    home = tmp_path / "rnp"
    home.mkdir(mode=0o700)

    def call(keyfile, *arguments, stdin=b"", status=0):
        return run(["rnp", "--homedir", home, "--keyfile", keyfile, "--password", "", "--output", "-", *arguments], stdin,
                   status)

    return call


def packets(data):
    """The packets of binary data as (type, body), for objects without partial lengths."""
    found, at = [], 0
    while at < len(data):
        first = data[at]
        assert first & 0x80
        if first & 0x40:
            kind, octet = first & 0x3f, data[at + 1]
            if octet < 192:
                head, length = 2, octet
            elif octet < 224:
                head, length = 3, ((octet - 192) << 8) + data[at + 2] + 192
            else:
                assert octet == 255
                head, length = 6, int.from_bytes(data[at + 2:at + 6], "big")
        else:
            kind, size = first >> 2 & 15, 1 << (first & 3)
            head, length = 1 + size, int.from_bytes(data[at + 1:at + 1 + size], "big")
        found.append((kind, data[at + head:at + head + length]))
        at += head + length
    return found


def write_packets(items):
    return b"".join(bytes([0xc0 | kind, 255]) + len(body).to_bytes(4, "big") + body for kind, body in items)


class Gpg:
    def __init__(self, home):
        self.home = home
        self.env = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C"}

    def __call__(self, *arguments, stdin=b"", status=0, passphrase=None):
        secret = ["--pinentry-mode", "loopback", "--passphrase", passphrase or ""]
        return run(["gpg", "--batch", "--yes", "--trust-model", "always", *secret, *arguments], stdin, status, self.env)

    def status_of(self, *arguments, stdin=b""):
        """The status lines of a run, whatever its end."""
        done = run(["gpg", "--batch", "--status-fd", "2", "--trust-model", "always", *arguments], stdin, None, self.env)
        return done.stderr.decode(errors="replace")


@contextlib.contextmanager
def gpg_home(folder):
    """A GnuPG with a home of its own in this folder, until its end."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed (Debian package gnupg)")
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    # Else it measures how many rounds take a tenth of a second, and then takes them for each step with each key.
    (home / "gpg-agent.conf").write_text("s2k-count 1048576\n")
    yield Gpg(home)
    subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, "GNUPGHOME": str(home)}, check=False, timeout=SECONDS)


@pytest.fixture
def gpg(tmp_path):
    with gpg_home(tmp_path) as made:
        yield made


def npm_install(name, package, script):
    """The folder under the build folder with what the lock file here says, and the script; installed once."""
    folder = build_folder() / name
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:  # several workers may want it
        fcntl.flock(lock, fcntl.LOCK_EX)
        for one in ("package.json", "package-lock.json", script):
            shutil.copy(HERE / one, folder / one)
        if not (folder / "node_modules" / package / "package.json").exists():
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, timeout=180)
            if done.returncode != 0:
                pytest.skip(f"npm could not install {package}: " + done.stderr.decode(errors="replace")[-200:])
    return folder


@pytest.fixture(scope="session")
def openpgpjs():
    """OpenPGP.js, installed once under the build folder by the lock file here: call(action, **values) -> dict."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm is not installed (Debian packages nodejs, npm)")
    folder = npm_install("interop-node", "openpgp", "peer.mjs")

    def call(action, **values):
        out = run(["node", folder / "peer.mjs"], json.dumps({"action": action, **values}), cwd=folder)
        return json.loads(out)

    return call


@pytest.fixture(scope="session")
def mailauth():
    """npm's mailauth, installed once under the build folder by the lock file here: call(jobs) -> results (mailauth.mjs)."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm is not installed (Debian packages nodejs, npm)")
    folder = npm_install("interop-mailauth", "mailauth", "mailauth.mjs")

    def call(jobs):
        results = json.loads(run(["node", folder / "mailauth.mjs"], json.dumps(jobs), cwd=folder))
        assert [r["error"] for r in results if r and "error" in r] == []
        return results

    return call


@pytest.fixture(scope="session")
def rfc9580():
    """Samples of RFC 9580's appendix A by their section: sample("A.3") is the armored text."""
    data = os.environ.get("LETTERLOCK_TESTDATA")
    if not data:
        pytest.skip("LETTERLOCK_TESTDATA is not set")
    lines = (pathlib.Path(data) / "standards" / "rfc9580.txt").read_text(errors="replace").splitlines()

    def sample(section):
        at = next(i for i, line in enumerate(lines) if re.match(re.escape(section) + r"\.  \S", line))
        begin = next(i for i in range(at, len(lines)) if "-----BEGIN PGP" in lines[i])
        end = next(i for i in range(begin, len(lines)) if "-----END PGP" in lines[i])
        noise = re.compile(r"^(Wouters|RFC 9580)|\f")
        kept = [line.strip() for line in lines[begin:end + 1] if not noise.search(line)]
        comments = [line for line in kept[1:] if ": " in line]
        body = [line for line in kept[1:] if line and line not in comments]
        # A comment may be broken over two lines of the document: what is left of it has a space or is no base64.
        body = [line for line in body if " " not in line or line.startswith("-----")]
        return "\n".join([kept[0], "", *body]) + "\n"

    return sample


@pytest.fixture(scope="session")
def rfc9980():
    """The same of RFC 9980, post-quantum OpenPGP, and sample.session_key("A.1.3") as that RFC tells it."""
    data = os.environ.get("LETTERLOCK_TESTDATA")
    if not data:
        pytest.skip("LETTERLOCK_TESTDATA is not set")
    lines = (pathlib.Path(data) / "standards" / "rfc9980.txt").read_text(errors="replace").splitlines()

    def at(section):
        return next(i for i, line in enumerate(lines) if re.match(re.escape(section) + r"\.  \S", line))

    def sample(section):
        begin = next(i for i in range(at(section), len(lines)) if "-----BEGIN PGP" in lines[i])
        end = next(i for i in range(begin, len(lines)) if "-----END PGP" in lines[i])
        return "\n".join(line.strip() for line in lines[begin:end + 1]) + "\n"

    def session_key(section):
        line = next(i for i in range(at(section), len(lines)) if "session key is" in lines[i])
        return lines[line + 1].strip(" .")

    sample.session_key = session_key
    return sample
