# SPDX-License-Identifier: ISC
"""256 MiB through whole processes: ours, gpg and sq, on the same algorithms, with libcrypto's own rate."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import common

MIB = 256
OURS = common.BUILD / "release" / "letterlock"
STAGES = common.BUILD / "release" / "bench" / "openpgp_stages"


class Place:
    """A folder with a key of our own making that all three programs use, and the data."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.home = self.dir / "gnupg"
        self.home.mkdir(mode=0o700)
        self.env = dict(os.environ, GNUPGHOME=str(self.home))
        self.key, self.cert = self.dir / "key", self.dir / "cert"
        self.sop("generate-key", "--profile=compatibility", "Bench <bench@example.org>", stdout=self.key)
        self.sop("extract-cert", stdin=self.key, stdout=self.cert)
        self.gpg("--import", str(self.key))
        self.data = self.dir / "data"
        with open("/dev/urandom", "rb") as src, open(self.data, "wb") as dst:
            for _ in range(MIB):
                dst.write(src.read(1 << 20))

    def sop(self, *args, stdin=None, stdout=None):
        return common.run([OURS, "sop", *args], stdin, stdout)

    def gpg(self, *args, stdin=None, stdout=None):
        return common.run(["gpg", "--batch", "--yes", "--quiet", "--trust-model", "always", *args], stdin,
                          stdout, self.env)

    def sq(self, *args, stdin=None, stdout=None):
        return common.run(["sq", "--force", *args], stdin, stdout)

    def path(self, name):
        return self.dir / name


def alternate(works):
    """{who: function} -> {who: [(elapsed, cpu, peak)…]}, in turns so that a slow minute hits all alike."""
    got = {who: [] for who in works}
    for _ in range(common.ROUNDS):
        for who, work in works.items():
            got[who].append(work())
    return got


def row(table, what, size, works, cpu_limit, copy):
    got = alternate(works)
    peers = [who for who in works if who != "ours"]
    for index, label, limit in ((0, "elapsed", {"copy": copy}), (1, "CPU", {"libcrypto": cpu_limit})):
        table.add(f"{label} {what} {size}", "s", "lower", [r[index] for r in got["ours"]],
                  {p: [r[index] for r in got[p]] for p in peers},
                  limit)


def works_of(p, data, tag):
    def at(name):
        return p.path(f"{name}.{tag}")
    common_gpg = ["--compress-algo", "none", "--cipher-algo", "AES256", "--digest-algo", "SHA512"]
    recipient = ["-r", "bench@example.org"]
    return {
        "encrypt SEIPDv1": {
            "ours": lambda: p.sop("encrypt", "--profile=rfc4880", "--no-armor", p.cert, stdin=data, stdout=at("e.ours")),
            "gpg": lambda: p.gpg(*common_gpg, *recipient, "--encrypt", stdin=data, stdout=at("e.gpg")),
            "sq": lambda: p.sq("encrypt", "--binary", "--compression", "none", "--recipient-cert", p.cert, "-o",
                               at("e.sq"), data)},
        "decrypt SEIPDv1": {
            "ours": lambda: p.sop("decrypt", p.key, stdin=at("e.gpg"), stdout=at("d.ours")),
            "gpg": lambda: p.gpg("--decrypt", stdin=at("e.gpg"), stdout=at("d.gpg")),
            "sq": lambda: p.sq("decrypt", "--recipient-key", p.key, "-o", at("d.sq"), at("e.gpg"))},
        "sign detached SHA-512": {
            "ours": lambda: p.sop("sign", "--no-armor", p.key, stdin=data, stdout=at("s.ours")),
            "gpg": lambda: p.gpg(*common_gpg, "--detach-sign", stdin=data, stdout=at("s.gpg")),
            "sq": lambda: p.sq("sign", "--detached", "--binary", "--signer-key", p.key, "-o", at("s.sq"), data)},
        "verify detached SHA-512": {
            "ours": lambda: p.sop("verify", at("s.gpg"), p.cert, stdin=data),
            "gpg": lambda: p.gpg("--verify", at("s.gpg"), data),
            "sq": lambda: p.sq("verify", "--signer-cert", p.cert, "--detached", at("s.gpg"), data)},
    }


def main():
    table = common.Table("openpgp")
    with tempfile.TemporaryDirectory(prefix="letterlock-bench.") as folder:
        p = Place(folder)
        stages = json.loads(subprocess.run([STAGES, str(MIB)], capture_output=True, check=True, text=True).stdout)
        limits = {
            "encrypt SEIPDv1": [stages["cfb_encrypt_aes256"] + stages["sha1"]],
            "decrypt SEIPDv1": [stages["cfb_decrypt_aes256"] + stages["sha1"]],
            "sign detached SHA-512": [stages["sha512"]],
            "verify detached SHA-512": [stages["sha512"]],
        }
        copy = [common.run(["cp", p.data, p.path("copy")])[0] for _ in range(common.ROUNDS)]
        for what, works in works_of(p, p.data, "big").items():
            row(table, what, f"{MIB} MiB", works, limits[what], copy)
        if p.path("d.ours.big").read_bytes() != p.data.read_bytes():
            raise SystemExit("bench: what was decrypted is not what was encrypted")
        shutil.rmtree(p.home / "private-keys-v1.d", ignore_errors=True)
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=p.env, check=False)
    table.write()


main()
