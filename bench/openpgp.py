# SPDX-License-Identifier: ISC
"""Whole processes: 256 MiB, one line, and a flooded certificate; ours beside gpg, sq and rnp, with libcrypto's own rate.

  bench/openpgp.py [--mib N] [--only WORDS]    a smaller file; only the works whose name has these words in it
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import common
import flooded

OURS = common.BUILD / "release" / "letterlock"
STAGES = common.BUILD / "release" / "bench" / "openpgp_stages"
LINE_RUNS = 40      # of one line, each round
FORGED = 150_000    # signatures of others on the flooded certificate
USER = "bench@example.org"


class Place:
    """A folder with a key of our own making that all programs use, one of version 6 for us alone, and the data."""

    def __init__(self, folder, mib):
        self.dir = pathlib.Path(folder)
        self.measure = common.run
        self.home, self.rnp_home = self.dir / "gnupg", self.dir / "rnp"
        self.home.mkdir(mode=0o700)
        self.rnp_home.mkdir(mode=0o700)
        self.env = dict(os.environ, GNUPGHOME=str(self.home))
        self.key, self.cert = self.make("compatibility", "v4")
        self.key6, self.cert6 = self.make("rfc9580", "v6")
        self.gpg("--import", str(self.key))
        self.measure(["rnpkeys", "--homedir", self.rnp_home, "--notty", "--import", self.key])
        self.data, self.line, self.small = self.dir / "data", self.dir / "line", self.dir / "small"
        self.line.write_text("One line of text.\n")
        for path, count in ((self.data, mib), (self.small, 1)):
            with open("/dev/urandom", "rb") as src, open(path, "wb") as dst:
                for _ in range(count):
                    dst.write(src.read(1 << 20))

    def make(self, profile, name):
        key, cert = self.dir / f"{name}.key", self.dir / f"{name}.cert"
        self.sop("generate-key", f"--profile={profile}", f"Bench <{USER}>", stdout=key)
        self.sop("extract-cert", stdin=key, stdout=cert)
        return key, cert

    def sop(self, *args, stdin=None, stdout=None):
        return self.measure([OURS, "sop", *args], stdin, stdout)

    def gpg(self, *args, stdin=None, stdout=None):
        return self.measure(["gpg", "--batch", "--yes", "--quiet", "--trust-model", "always", *args], stdin,
                          stdout, self.env)

    def sq(self, *args, stdin=None, stdout=None):
        return self.measure(["sq", "--force", *args], stdin, stdout)

    def rnp(self, *args, stdin=None, stdout=None):
        return self.measure(["rnp", "--homedir", self.rnp_home, "--notty", "--password", "", "--overwrite", *args], stdin,
                          stdout)

    def path(self, name):
        return self.dir / name


def alternate(works, rounds=common.ROUNDS):
    """{who: function} -> {who: [(elapsed, cpu, peak)…]}, in turns so that a slow minute hits all alike."""
    got = {who: [] for who in works}
    for _ in range(rounds):
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
    """What is measured, each as {who: how}. Messages and signatures that are read were made by the first peer."""
    def at(name):
        return p.path(f"{name}.{tag}")
    old = ["--compress-algo", "none", "--cipher-algo", "AES256", "--digest-algo", "SHA512"]
    to, rnp_to = ["-r", USER], ["-r", USER, "-z", "0", "--cipher", "AES256"]
    return {
        "encrypt SEIPDv1": {
            "ours": lambda: p.sop("encrypt", "--profile=rfc4880", "--no-armor", p.cert, stdin=data, stdout=at("e.ours")),
            "gpg": lambda: p.gpg(*old, *to, "--encrypt", stdin=data, stdout=at("e.gpg")),
            "sq": lambda: p.sq("encrypt", "--binary", "--compression", "none", "--recipient-cert", p.cert, "-o",
                               at("e.sq"), data),
            "rnp": lambda: p.rnp(*rnp_to, "--encrypt", "--output", at("e.rnp"), data)},
        "decrypt SEIPDv1": {
            "ours": lambda: p.sop("decrypt", p.key, stdin=at("e.gpg"), stdout=at("d.ours")),
            "gpg": lambda: p.gpg("--decrypt", stdin=at("e.gpg"), stdout=at("d.gpg")),
            "sq": lambda: p.sq("decrypt", "--recipient-key", p.key, "-o", at("d.sq"), at("e.gpg")),
            "rnp": lambda: p.rnp("--decrypt", "--output", at("d.rnp"), at("e.gpg"))},
        "encrypt OCB": {
            "ours": lambda: p.sop("encrypt", "--no-armor", p.cert6, stdin=data, stdout=at("o.ours")),
            "rnp": lambda: p.rnp(*rnp_to, "--aead=OCB", "--encrypt", "--output", at("o.rnp"), data)},
        "decrypt OCB": {
            "ours": lambda: p.sop("decrypt", p.key6, stdin=at("o.ours"), stdout=at("od.ours")),
            "rnp": lambda: p.rnp("--decrypt", "--output", at("od.rnp"), at("o.rnp"))},
        "armored encrypt SEIPDv1": {
            "ours": lambda: p.sop("encrypt", "--profile=rfc4880", p.cert, stdin=data, stdout=at("a.ours")),
            "rnp": lambda: p.rnp(*rnp_to, "--armor", "--encrypt", "--output", at("a.rnp"), data),
            "gpg": lambda: p.gpg(*old, *to, "--armor", "--encrypt", stdin=data, stdout=at("a.gpg"))},
        "armored decrypt SEIPDv1": {
            "ours": lambda: p.sop("decrypt", p.key, stdin=at("a.gpg"), stdout=at("ad.ours")),
            "rnp": lambda: p.rnp("--decrypt", "--output", at("ad.rnp"), at("a.gpg")),
            "gpg": lambda: p.gpg("--decrypt", stdin=at("a.gpg"), stdout=at("ad.gpg"))},
        "sign detached SHA-512": {
            "ours": lambda: p.sop("sign", "--no-armor", p.key, stdin=data, stdout=at("s.ours")),
            "gpg": lambda: p.gpg(*old, "--detach-sign", stdin=data, stdout=at("s.gpg")),
            "sq": lambda: p.sq("sign", "--detached", "--binary", "--signer-key", p.key, "-o", at("s.sq"), data),
            "rnp": lambda: p.rnp("--sign", "--detach", "--hash", "SHA512", "--output", at("s.rnp"), data)},
        "verify detached SHA-512": {
            "ours": lambda: p.sop("verify", at("s.gpg"), p.cert, stdin=data),
            "gpg": lambda: p.gpg("--verify", at("s.gpg"), data),
            "sq": lambda: p.sq("verify", "--signer-cert", p.cert, "--detached", at("s.gpg"), data),
            "rnp": lambda: p.rnp("--verify", at("s.gpg"), "--source", data)},
    }


def limits_of(stages):
    cfb_out, cfb_in = stages["cfb_encrypt_aes256"] + stages["sha1"], stages["cfb_decrypt_aes256"] + stages["sha1"]
    return {
        "encrypt SEIPDv1": cfb_out, "decrypt SEIPDv1": cfb_in,
        "encrypt OCB": stages["ocb_aes256"], "decrypt OCB": stages["ocb_aes256"],
        "armored encrypt SEIPDv1": cfb_out + stages["armor_encode"],
        "armored decrypt SEIPDv1": cfb_in + stages["armor_decode"],
        "sign detached SHA-512": stages["sha512"], "verify detached SHA-512": stages["sha512"],
    }


def lines(table, p, wanted):
    """One line through whole processes, many times: what starting costs."""
    for what, works in works_of(p, p.line, "line").items():
        if "OCB" in what or "armored" in what or not wanted(f"one line {what}"):
            continue
        for work in works.values():
            work()
        got = {who: [] for who in works}
        for _ in range(LINE_RUNS if what != "sign detached SHA-512" else LINE_RUNS // 2):
            for who, work in works.items():
                got[who].append(1000 * work()[0])
        table.add(f"elapsed {what} one line", "ms", "lower", got["ours"],
                  {who: times for who, times in got.items() if who != "ours"},
                  {"process": [1000 * common.run(["true"])[0] for _ in range(LINE_RUNS)]})


def flood(table, p):
    """A certificate with signatures that nobody made: encrypting one line to it. gpg throws them away at its import."""
    bad = p.path("flooded.cert")
    bad.write_bytes(flooded.flood(subprocess.run([OURS, "sop", "dearmor"], input=p.cert.read_bytes(), check=True,
                                                 capture_output=True).stdout, FORGED))
    works = {
        "ours": lambda: p.sop("encrypt", "--profile=rfc4880", "--no-armor", bad, stdin=p.line, stdout=p.path("f.ours")),
        "sq": lambda: p.sq("encrypt", "--binary", "--recipient-cert", bad, "-o", p.path("f.sq"), p.line),
        "rnp": lambda: p.rnp("-f", bad, "-r", USER, "--encrypt", "--output", p.path("f.rnp"), p.line),
    }
    for label, unit, measure in (("elapsed", "s", common.run), ("memory", "MiB", common.peak)):
        p.measure = measure
        got = {who: [r[0] if label == "elapsed" else r for r in rounds] for who, rounds in alternate(works).items()}
        table.add(f"{label} encrypt one line, {FORGED:,} forged signatures", unit, "lower", got.pop("ours"), got, {})
    p.measure = common.run


def memory(table, p, big):
    """The peak of each program: of the whole file, with that of one MiB as the limit."""
    small, large = works_of(p, p.small, "small"), works_of(p, p.data, "big")
    p.measure = common.peak
    small["sign detached SHA-512"]["gpg"]()
    for what in ("encrypt SEIPDv1", "decrypt SEIPDv1", "encrypt OCB", "decrypt OCB", "verify detached SHA-512"):
        least = {who: work() for who, work in small[what].items()}
        got = {who: [work()] for who, work in large[what].items()}
        table.add(f"memory {what} {big}", "MiB", "lower", got.pop("ours"), got, {"ours with 1 MiB": [least["ours"]]})
    p.measure = common.run


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--only", default="")
    args = parser.parse_args()

    def wanted(what):
        return all(word in what for word in args.only.split())

    table = common.Table("openpgp")
    with tempfile.TemporaryDirectory(prefix="letterlock-bench.") as folder:
        p = Place(folder, args.mib)
        size = f"{args.mib} MiB"
        stages = json.loads(
            subprocess.run([STAGES, str(args.mib)], capture_output=True, check=True, text=True).stdout)
        limits = limits_of(stages)
        copy = [common.run(["cp", p.data, p.path("copy")])[0] for _ in range(common.ROUNDS)]
        works = works_of(p, p.data, "big")
        for what in works:
            if wanted(what):
                row(table, what, size, works[what], [limits[what]], copy)
        if not args.only:
            for name in ("d.ours.big", "od.ours.big", "ad.ours.big"):
                if p.path(name).read_bytes() != p.data.read_bytes():
                    raise SystemExit("bench: what was decrypted is not what was encrypted")
            memory(table, p, size)
        lines(table, p, wanted)
        if wanted("flood"):
            flood(table, p)
        shutil.rmtree(p.home / "private-keys-v1.d", ignore_errors=True)
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=p.env, check=False)
    table.write()


main()
