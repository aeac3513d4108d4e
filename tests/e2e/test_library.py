# SPDX-License-Identifier: ISC
"""libletterlock as others meet it: installed somewhere, found by pkg-config, linked by a program of another folder."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from conftest import ROOT

RELEASE = ROOT / "build" / "release"
SECONDS = 120
DATA = b"Dear Bob, the walnut is hollow.\n" * 50_000


def run(argv, stdin=b"", env=None, status=0, cwd=None):
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, timeout=SECONDS, env=env, cwd=cwd)
    assert done.returncode == status, (argv, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout


class Place:
    def __init__(self, folder):
        self.root = folder / "installed"
        self.work = folder / "elsewhere"
        self.work.mkdir()
        run(["meson", "install", "-C", RELEASE, "--destdir", self.root])
        pc = next(self.root.rglob("letterlock.pc"))
        self.libdir = next(self.root.rglob("libletterlock.so.0")).parent
        self.env = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent), PKG_CONFIG_SYSROOT_DIR=str(self.root),
                        LD_LIBRARY_PATH=str(self.libdir))
        shutil.copy(ROOT / "examples" / "openpgp.c", self.work)

    def pkg_config(self, *options):
        # The folder of headers and libraries is under the destination; what the system has is not.
        text = run(["pkg-config", *options, "letterlock"], env=self.env).decode()
        return [o.replace(f"{self.root}/usr/lib/", "/usr/lib/") if "usr/local" not in o else o
                for o in shlex.split(text)]

    def compile(self, name, *options, compiler="cc"):
        run([compiler, "-Wall", "-Wextra", "-Werror", *self.pkg_config("--cflags"), "openpgp.c", *options, "-o", name],
            cwd=self.work, env=self.env)
        return self.work / name


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    if not (RELEASE / "build.ninja").exists():
        pytest.skip("no release build (script/build makes it)")
    return Place(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module", params=["shared", "static"])
def example(request, place):
    if request.param == "shared":
        return place.compile("shared", *place.pkg_config("--libs"))
    archive = next(place.root.rglob("libletterlock.a"))
    private = [o for o in place.pkg_config("--libs", "--static") if o.startswith("-l") and o != "-lletterlock"]
    return place.compile("static", archive, *private)


def test_it_signs_verifies_encrypts_and_decrypts(example, place, tmp_path):
    key, cert, message, signature = (tmp_path / n for n in ("key", "cert", "message", "signature"))
    tool = lambda *a, **more: run([example, *a], env=place.env, **more)
    key.write_bytes(tool("generate", "Alice <alice@example.org>"))
    cert.write_bytes(tool("certificate", key))
    message.write_bytes(tool("encrypt", cert, stdin=DATA))
    assert DATA[:30] not in message.read_bytes()
    assert tool("decrypt", key, stdin=message.read_bytes()) == DATA
    signature.write_bytes(tool("sign", key, stdin=DATA))
    assert tool("verify", signature, cert, stdin=DATA).endswith(b" good\n")
    assert b"good" not in tool("verify", signature, cert, stdin=DATA + b"!", status=1)

    changed = bytearray(message.read_bytes())
    changed[len(changed) // 2] ^= 1
    assert tool("decrypt", key, stdin=bytes(changed), status=1) == b""

    # And the program of the same house, whose engine is the same, reads what the library wrote.
    ours = RELEASE / "letterlock"
    assert run([ours, "sop", "decrypt", key], message.read_bytes()) == DATA
    run([ours, "sop", "verify", signature, cert], DATA)


def test_only_the_public_names_are_seen(place):
    shared = next(place.root.rglob("libletterlock.so.0"))
    names = re.findall(r" [TDBRV] (\S+)", run(["nm", "-D", "--defined-only", shared]).decode())
    assert len(names) > 50 and all(re.fullmatch(r"llk_\w+@@LETTERLOCK_0\.1", n) for n in names), names
    archive = next(place.root.rglob("libletterlock.a"))
    names = re.findall(r" [TDBRV] (\S+)", run(["nm", "-g", "--defined-only", archive]).decode())
    assert len(names) > 50 and all(n.startswith("llk_") for n in names), names


def test_every_call_of_the_header_is_there(place):
    header = (ROOT / "include" / "letterlock" / "openpgp.h").read_text()
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    declared = set(re.findall(r"\b(llk_\w+)\(", header))
    shared = next(place.root.rglob("libletterlock.so.0"))
    there = set(re.findall(r" T (llk_\w+)@@", run(["nm", "-D", "--defined-only", shared]).decode()))
    assert declared == there


def test_what_the_shared_library_needs(place):
    shared = next(place.root.rglob("libletterlock.so.0"))
    needed = set(re.findall(r"NEEDED.*\[(\S+)\]", run(["readelf", "-d", shared]).decode()))
    # Nothing of TLS, of the net, of stores: it is an engine.
    assert needed <= {"libcrypto.so.3", "libargon2.so.1", "libz.so.1", "libbz2.so.1.0", "libc.so.6",
                      "libunistring.so.2"}, needed


def test_the_header_alone_in_c_and_in_cpp(place):
    for compiler, language in (("cc", "c"), ("c++", "c++")):
        if shutil.which(compiler) is None:
            pytest.skip(f"no {compiler} (Debian package g++)")
        run([compiler, "-x", language, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *place.pkg_config("--cflags"), "-"],
            b"#include <letterlock/openpgp.h>\nint main(void) { return llk_version() == 0; }\n", env=place.env)
