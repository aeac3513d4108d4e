# SPDX-License-Identifier: ISC
"""Large messages through letterlock sop and gpg: from plain files and pipes, whole, changed and cut."""
import hashlib
import os
import pathlib
import subprocess
import time

import pytest

LETTERLOCK = pathlib.Path(os.environ.get("LETTERLOCK_BUILD", "build")) / "letterlock"
MIB = 40
DATA_MAX = 32 << 20  # octets: less than the message


def sop(*args, stdin, stdout):
    with open(stdin, "rb") as src, open(stdout, "wb") as dst:
        return subprocess.run([LETTERLOCK, "sop", *map(str, args)], stdin=src, stdout=dst, timeout=120,
                              stderr=subprocess.PIPE, check=False).returncode


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@pytest.fixture(scope="module", name="place")
def make_place(tmp_path_factory):
    place = tmp_path_factory.mktemp("large")
    (place / "empty").touch()
    for version, profile in (("4", "rfc4880"), ("6", "rfc9580")):
        assert sop("generate-key", f"--profile={profile}", "Large <large@example.org>", stdin=place / "empty",
                   stdout=place / f"key{version}") == 0
        assert sop("extract-cert", stdin=place / f"key{version}", stdout=place / f"cert{version}") == 0
    with open(place / "data", "wb") as f:
        for _ in range(MIB):
            f.write(os.urandom(1 << 20))
    for version in "46":
        assert sop("encrypt", "--no-armor", place / f"cert{version}", stdin=place / "data",
                   stdout=place / f"sealed{version}") == 0
    return place


@pytest.mark.parametrize("version", "46")
def test_from_a_plain_file_and_from_a_pipe(place, version):
    sealed, out = place / f"sealed{version}", place / "out"
    assert sop("decrypt", place / f"key{version}", stdin=sealed, stdout=out) == 0
    assert digest(out) == digest(place / "data")
    piped = subprocess.run(f"cat '{sealed}' | '{LETTERLOCK}' sop decrypt '{place / f'key{version}'}' | sha256sum", shell=True,
                           capture_output=True, check=True, timeout=120, text=True)
    assert piped.stdout.split()[0] == digest(place / "data")


@pytest.mark.parametrize("version", "46")
@pytest.mark.parametrize("damage", ["changed", "cut", "behind"])
def test_damage_is_refused_and_nothing_unproven_comes_out(place, version, damage):
    sealed, bad, out = place / f"sealed{version}", place / "bad", place / "out"
    data = bytearray(sealed.read_bytes())
    if damage == "changed":
        data[len(data) // 2] ^= 1
    elif damage == "cut":
        del data[-1:]
    else:
        data += b"more"
    bad.write_bytes(data)
    assert sop("decrypt", place / f"key{version}", stdin=bad, stdout=out) == 41
    got = out.read_bytes()
    if version == "4":
        assert got == b""
    else:
        assert (place / "data").read_bytes().startswith(got)


def test_gpg_reads_ours_and_we_read_gpg(place, tmp_path):
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    env = dict(os.environ, GNUPGHOME=str(home))
    gpg = ["gpg", "--batch", "--quiet", "--yes", "--trust-model", "always"]
    try:
        subprocess.run([*gpg, "--import", place / "key4"], env=env, check=True, timeout=60)
        sop("encrypt", "--profile=rfc4880", place / "cert4", stdin=place / "data", stdout=tmp_path / "ours.asc")
        subprocess.run([*gpg, "-o", tmp_path / "d.gpg", "--decrypt", tmp_path / "ours.asc"], env=env, check=True, timeout=60)
        assert digest(tmp_path / "d.gpg") == digest(place / "data")
        for compress in ("none", "zip", "zlib", "bzip2"):
            subprocess.run([*gpg, "--compress-algo", compress, "-r", "large@example.org", "-o", tmp_path / "e.gpg",
                            "--encrypt", place / "sealed6"], env=env, check=True, timeout=120)
            assert sop("decrypt", place / "key4", stdin=tmp_path / "e.gpg", stdout=tmp_path / "d.ours") == 0
            assert digest(tmp_path / "d.ours") == digest(place / "sealed6")
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=env, check=False, timeout=30)


def test_memory_stays_small(place):
    if b"__asan_init" in LETTERLOCK.read_bytes():
        pytest.skip("a sanitizer build takes memory of its own")
    for version in "46":
        with open(place / f"sealed{version}", "rb") as src:
            subprocess.run(["prlimit", f"--data={DATA_MAX}", LETTERLOCK, "sop", "decrypt", place / f"key{version}"],
                           stdin=src, stdout=subprocess.DEVNULL, check=True, timeout=120)


def test_held_data_is_not_readable_on_disk(place, tmp_path):
    """What waits in a file for the proof of a message that comes through a pipe lies there encrypted and without a name."""
    text = b"a line that everybody would recognise\n"
    with open(place / "lines", "wb") as f:
        f.write(text * ((MIB << 20) // len(text)))
    assert sop("encrypt", "--no-armor", place / "cert4", stdin=place / "lines", stdout=place / "sealed-lines") == 0
    sealed, env = (place / "sealed-lines").read_bytes(), dict(os.environ, TMPDIR=str(tmp_path))
    # Not compressed: that would hide what is looked for.
    assert len(sealed) > MIB << 20
    with open(place / "out", "wb") as out, subprocess.Popen([LETTERLOCK, "sop", "decrypt", place / "key4"], env=env,
                                                            stdin=subprocess.PIPE, stdout=out) as running:
        running.stdin.write(sealed[:-100])
        running.stdin.flush()
        held = []
        for _ in range(200):
            held = [path.read_bytes() for path in pathlib.Path(f"/proc/{running.pid}/fd").iterdir()
                    if os.readlink(path).startswith(str(tmp_path))]
            if held and len(held[0]) > 33 << 20:
                break
            time.sleep(0.05)
        assert len(held) == 1 and len(held[0]) > 33 << 20
        assert text not in held[0] and (place / "out").stat().st_size == 0 and not list(tmp_path.iterdir())
        running.stdin.write(sealed[-100:])
        running.stdin.close()
        assert running.wait(60) == 0
    assert digest(place / "out") == digest(place / "lines") and not list(tmp_path.iterdir())
