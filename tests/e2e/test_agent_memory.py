# SPDX-License-Identifier: ISC
"""What lies in the agent's memory, looked at as whoever may read it (root, /proc/PID/mem) would.

The agent runs without memfd_secret, which would show nothing at all. While it holds an operation open the secrets are
found (the control: the search would find them); when it is idle, after forgetting, and after a wrong passphrase they are
nowhere: not in the region, the heap, the stack, nor in the launcher.
"""
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from agents import Person, SECONDS, until

PASSPHRASE = "nine violet herons over Tartu"
WRONG = "eight yellow herons over Narva"
HOLD_MS = 2000  # longer than one look for all of RSA's numbers takes
PREKEY = 16384
MARK = b"letterlock vault"
MAPPING_MAX = 1 << 27  # more than this is a sanitizer's shadow, which holds no data

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the agent's memory")


# ---- reading memory ----


def mappings(pid, only=None):
    """only: the name of one; "w": those that can be written."""
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r(.)\S+ \S+ \S+ \S+\s*(.*)", line)
        if m is None or m[4] in ("[vvar]", "[vsyscall]", "[vvar_vclock]") or only not in (None, m[3], m[4]):
            continue
        start, end = int(m[1], 16), int(m[2], 16)
        if end - start <= MAPPING_MAX:
            yield start, end


def contents(pid, only=None):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in mappings(pid, only):
            at = start
            while at < end:
                size = min(end - at, 8 << 20)
                with contextlib.suppress(OSError, OverflowError, ValueError):
                    memory.seek(at)
                    # One piece overlaps the next, for what lies across.
                    yield memory.read(min(size + 4096, end - at))
                at += size


def found(pid, needles, only=None):
    """The names of those that are there."""
    names = set()
    for octets in contents(pid, only):
        names |= {name for name, needle in needles.items() if name not in names and octets.find(needle) >= 0}
    return names


def prekey_of(pid):
    for octets in contents(pid):
        at = octets.find(MARK)
        while at >= 0:
            key = octets[at + len(MARK):at + len(MARK) + PREKEY]
            if len(key) == PREKEY and len(set(key)) > 200:
                return key
            at = octets.find(MARK, at + 1)
    return None


# ---- AES, for its key schedule ----


def aes_schedule(key):
    """FIPS 197 section 5.2: the sixty words of AES-256."""
    box, p, q = [0] * 256, 1, 1
    while True:
        p = (p ^ (p << 1) ^ (0x1b if p & 0x80 else 0)) & 0xff
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xff
        q ^= 0x09 if q & 0x80 else 0
        x = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        box[p] = (x ^ 0x63) & 0xff
        if p == 1:
            break
    box[0] = 0x63
    words, rcon = [list(key[i:i + 4]) for i in range(0, 32, 4)], 1
    for i in range(8, 60):
        t = words[-1]
        if i % 8 == 0:
            t = [box[b] for b in t[1:] + t[:1]]
            t[0] ^= rcon
            rcon <<= 1
        elif i % 8 == 4:
            t = [box[b] for b in t]
        words.append([a ^ b for a, b in zip(words[i - 8], t)])
    return bytes(b for w in words for b in w)


def test_aes_schedule():
    """FIPS 197 appendix A.3."""
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    assert aes_schedule(key)[32:48].hex() == "9ba354118e6925afa51a8b5f2067fcde"
    assert aes_schedule(key)[-16:].hex() == "fe4890d1e6188d0b046df344706c631e"


# ---- keys whose secrets are known ----


def packets(octets):
    while octets:
        tag = octets[0]
        if tag & 0x40:
            kind, first = tag & 0x3f, octets[1]
            if first < 192:
                size, head = first, 2
            elif first < 224:
                size, head = ((first - 192) << 8) + octets[2] + 192, 3
            else:
                size, head = int.from_bytes(octets[2:6], "big"), 6
        else:
            kind, n = (tag >> 2) & 15, 1 << (tag & 3)
            size, head = int.from_bytes(octets[1:1 + n], "big"), 1 + n
        yield kind, octets[head:head + size]
        octets = octets[head + size:]


def mpi(octets):
    size = (int.from_bytes(octets[:2], "big") + 7) // 8
    return octets[2:2 + size], octets[2 + size:]


def secret_values(body):
    """(algorithm, its secret values) of an unprotected secret key packet of version 4 or 6."""
    version, algorithm, rest = body[0], body[5], body[6:]
    if version == 6:
        size = int.from_bytes(rest[:4], "big")
        rest = rest[4 + size:]
        assert rest[0] == 0
        return algorithm, [rest[1:33]]
    for field in {1: "mm", 19: "om", 22: "om", 18: "omk"}[algorithm]:
        if field == "m":
            _, rest = mpi(rest)
        else:
            rest = rest[1 + rest[0]:]
    assert rest[0] == 0
    rest, values = rest[1:-2], []
    while rest:
        value, rest = mpi(rest)
        values.append(value)
    return algorithm, values


def number(name, value, needles):
    """As it stands in a packet, and as libcrypto keeps it."""
    if len(value) >= 16:
        needles[name] = value
        needles[name + " as words"] = value[::-1]


def needles_of(transferable):
    needles, seeds = {}, []
    for kind, body in packets(transferable):
        if kind not in (5, 7):
            continue
        algorithm, values = secret_values(body)
        if algorithm == 1:
            d, p, q = (int.from_bytes(v, "big") for v in values[:3])
            for name, n in (("d", d), ("p", p), ("q", q), ("d mod p-1", d % (p - 1)), ("d mod q-1", d % (q - 1))):
                number(f"RSA {kind} {name}", n.to_bytes((n.bit_length() + 7) // 8, "big"), needles)
            continue
        name = {19: "P-256", 22: "EdDSA", 18: "ECDH", 27: "Ed25519", 25: "X25519"}[algorithm] + f" {kind}"
        secret = values[0].rjust(32, b"\0")
        number(name, secret, needles)
        if algorithm in (22, 27):
            seeds.append(secret)
            hashed = hashlib.sha512(secret).digest()
            clamped = bytes([hashed[0] & 248]) + hashed[1:31] + bytes([hashed[31] & 127 | 64])
            needles.update({f"{name} scalar": hashed[:32], f"{name} clamped scalar": clamped, f"{name} prefix": hashed[32:]})
    return needles, seeds


def gpg_key(folder, algorithm, subkey):
    home = folder / "gpg"
    home.mkdir(mode=0o700)
    base = ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]
    try:
        subprocess.run([*base, "--quick-generate-key", "Alice <alice@example.org>", algorithm, "sign", "never"], check=True,
                       capture_output=True, timeout=SECONDS)
        listed = subprocess.run([*base, "--with-colons", "--list-keys"], check=True, capture_output=True, timeout=SECONDS)
        fingerprint = re.search(r"^fpr:+([0-9A-F]+):", listed.stdout.decode(), re.M)[1]
        subprocess.run([*base, "--quick-add-key", fingerprint, subkey, "encr", "never"], check=True, capture_output=True,
                       timeout=SECONDS)
        return subprocess.run([*base, "--export-secret-keys"], check=True, capture_output=True, timeout=SECONDS).stdout
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, timeout=SECONDS)


def sop_key(person):
    return subprocess.run([str(person.program), "sop", "generate-key", "--no-armor", "--profile=rfc9580",
                           "Alice <alice@example.org>"], check=True, capture_output=True, timeout=SECONDS).stdout


MAKERS = {
    "Ed25519 and X25519": lambda p: sop_key(p),
    "EdDSA and Curve25519": lambda p: gpg_key(p.home, "ed25519", "cv25519"),
    "RSA": lambda p: gpg_key(p.home, "rsa2048", "rsa2048"),
    "P-256": lambda p: gpg_key(p.home, "nistp256", "nistp256"),
}


@pytest.fixture
def alice():
    person = Person()
    yield person
    person.close()


def bring(alice, kind):
    """The key in alice's keyring: what to look for."""
    if "sop" not in kind and kind not in MAKERS:
        raise KeyError(kind)
    if kind != "Ed25519 and X25519" and shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    transferable = MAKERS[kind](alice)
    path = alice.home / "key"
    path.write_bytes(transferable)
    alice.run("key", "import", "key", passphrase=PASSPHRASE)
    path.unlink()
    return needles_of(transferable)


def both(alice, pid):
    launcher = until(lambda: alice.children(pid).get("agent-launcher"), "the launcher is there")
    return pid, launcher


def use(alice, passphrase=None):
    """Both keys: signs, and opens what was sealed for it."""
    (alice.home / "plan").write_text("x")
    for name in ("plan.pgp", "out"):
        with contextlib.suppress(FileNotFoundError):
            (alice.home / name).unlink()
    alice.run("encrypt", "plan", "--to", alice.address, passphrase=passphrase)
    alice.run("decrypt", "plan.pgp", "-o", "out", passphrase=passphrase)


@pytest.mark.parametrize("kind", MAKERS)
def test_secrets_are_in_memory_only_while_they_are_used(alice, kind):
    needles, _ = bring(alice, kind)
    texts = {"passphrase": PASSPHRASE.encode(), "wrong passphrase": WRONG.encode()}
    pid, launcher = both(alice, alice.serve("--test-locked", "--test-hold", str(HOLD_MS)))
    assert alice.status()["memory"] == "locked", "raise the limit of locked memory"
    prekey = prekey_of(pid)
    assert prekey is not None
    wrap = hashlib.sha256(prekey).digest()
    schedule = aes_schedule(wrap)
    needles.update(texts)
    needles.update({"wrapping key": wrap, "its schedule": schedule[32:64], "its last round": schedule[-32:]})
    assert found(pid, needles) == set() and found(launcher, needles) == set()

    # The control: while it is used.
    seen, over = set(), threading.Event()
    worker = threading.Thread(target=lambda: (use(alice, PASSPHRASE), over.set()))
    worker.start()
    while not over.is_set() and worker.is_alive():
        missing = {name: needle for name, needle in needles.items() if name not in seen}
        seen |= found(pid, missing, only="w")
    worker.join()
    assert over.is_set(), "the key could be used"
    raw = {name for name in needles if not re.search("as words|scalar|prefix|mod|wrong|schedule", name)}
    missed = {name for name in raw if not seen & {name, name + " as words"}}
    assert not missed, f"not found while it was used: {sorted(missed)}"
    assert {"its schedule", "passphrase"} <= seen
    assert len(alice.held()) == 2

    # Idle, and forgotten.
    for _ in range(3):
        assert found(pid, needles) == set() and found(launcher, needles) == set()
        time.sleep(0.2)
    assert "2 things" in alice.run("agent", "forget")
    assert found(pid, needles) == set() and found(launcher, needles) == set()

    # A wrong passphrase leaves nothing, not of itself either.
    assert alice.sign(passphrase=WRONG, want=1) and alice.held() == []
    assert found(pid, needles) == set() and found(launcher, needles) == set()


FAKE = """#!/bin/sh
dir=$(dirname "$0")
echo OK
while read -r word rest; do
	case $word in
	GETPIN) echo "D $(cat "$dir/pin")"; echo OK ;;
	BYE) echo OK; exit 0 ;;
	*) echo OK ;;
	esac
done
"""


def test_what_pinentry_was_told_is_in_nobodys_memory(alice):
    """The answer goes past the launcher, and is gone from the agent once the key is unlocked."""
    needles, _ = bring(alice, "Ed25519 and X25519")
    needles["passphrase"] = PASSPHRASE.encode()
    program = alice.home / "fake-pinentry"
    program.write_text(FAKE)
    program.chmod(0o755)
    (alice.home / "pin").write_text(PASSPHRASE + "\n")
    alice.settings(pinentry=str(program))
    pid, launcher = both(alice, alice.serve("--test-locked", "--test-hold", str(HOLD_MS)))
    seen, over = set(), threading.Event()
    worker = threading.Thread(target=lambda: (use(alice), over.set()))
    worker.start()
    while not over.is_set() and worker.is_alive():
        seen |= found(pid, needles, only="w")
        assert found(launcher, needles, only="w") == set()
    worker.join()
    assert over.is_set() and "passphrase" in seen
    assert found(pid, needles) == set() and found(launcher, needles) == set()
    (alice.home / "pin").write_text(WRONG + "\n")
    needles["wrong"] = WRONG.encode()
    alice.run("agent", "forget")
    alice.sign(want=1)
    assert found(pid, needles) == set() and found(launcher, needles) == set()


def test_the_expanded_seed_is_on_the_stack_only_while_it_signs(alice):
    """Stopped at any moment of many signatures, it has the expansion at some of them; when they are over, nowhere."""
    needles, _ = bring(alice, "Ed25519 and X25519")
    expansion = {name: needle for name, needle in needles.items() if "scalar" in name or "prefix" in name}
    assert len(expansion) == 3
    pid, _ = both(alice, alice.serve("--test-locked"))
    alice.sign(passphrase=PASSPHRASE)
    fingerprint = bytes.fromhex(next(k["fingerprint"] for k in alice.held() if k["fingerprint"] == k["primary"]))
    body = struct.pack(">I", len(fingerprint)) + fingerprint + bytes([10]) + struct.pack(">I", 64) + b"\7" * 64
    frame = struct.pack(">IHQ", 10 + len(body), 4, 1) + body
    s = alice.connect()
    over = threading.Event()

    def pour():
        while not over.is_set():
            s.sendall(frame * 20)
            time.sleep(0)

    def drink():
        with contextlib.suppress(OSError):
            while s.recv(1 << 16):
                pass
    workers = [threading.Thread(target=pour), threading.Thread(target=drink)]
    for w in workers:
        w.start()
    seen, end = set(), time.monotonic() + SECONDS
    while time.monotonic() < end and len(seen) == 0:
        os.kill(pid, signal.SIGSTOP)
        seen = found(pid, expansion, only="[stack]")
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.003)
    over.set()
    workers[0].join()
    s.shutdown(socket.SHUT_RDWR)
    workers[1].join()
    s.close()
    assert seen, "it was never found while it signed"
    assert len(alice.held()) == 2  # whatever was poured is carried out
    assert found(pid, needles) == set()
