# SPDX-License-Identifier: ISC
"""A network and mount namespace with names, a certificate authority and the ports below 1024 of its own.

Programs in it are run through `launcher`. All of them are ended with it.
"""
import contextlib
import os
import pathlib
import signal
import subprocess
import time

import pytest

ADDRESS = "192.0.2.25"  # of nobody (RFC 5737)


class Namespace:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.holder = None
        self.launcher = ()

    # ---- the authority ----

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.folder, check=True, capture_output=True)

    def make_authority(self):
        trusted = self.folder / "trusted"
        trusted.mkdir()
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", "/CN=Authority of the test", "-keyout", "ca.key", "-out", trusted / "ca-certificates.crt",
                     "-addext", "keyUsage=critical,keyCertSign")
        self.openssl("rehash", trusted)

    def make_certificate(self, *names):
        """Paths of certificate and key, vouched for by the authority."""
        (self.folder / "names").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={names[0]}",
                     "-keyout", "server.key", "-out", "server.csr")
        self.openssl("x509", "-req", "-in", "server.csr", "-CA", "trusted/ca-certificates.crt", "-CAkey", "ca.key",
                     "-days", "20", "-extfile", "names", "-out", "server.pem")
        return self.folder / "server.pem", self.folder / "server.key"

    # ---- the namespaces ----

    def begin(self):
        if os.geteuid() != 0:
            pytest.skip("only root makes namespaces")
        self.make_authority()
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n")
        script = (f'ip link set lo up && ip address add {ADDRESS}/32 dev lo && cd "{self.folder}" && '
                  "mount --bind resolv.conf /etc/resolv.conf && mount --bind hosts /etc/hosts && "
                  "mount --bind trusted /etc/ssl/certs && touch ready && exec sleep 3600")
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script],
                                       stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 20
        while not (self.folder / "ready").exists():
            if self.holder.poll() is not None:
                pytest.skip(f"no namespaces here: {self.holder.stderr.read().strip()}")
            assert time.monotonic() < end, "the namespace is not ready"
            time.sleep(0.02)
        self.launcher = ("nsenter", "-t", str(self.holder.pid), "-n", "-m")

    def inside(self):
        """The processes in it."""
        ours = os.readlink(f"/proc/{self.holder.pid}/ns/net")
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and os.readlink(entry / "ns/net") == ours:
                    yield int(entry.name)

    def end(self):
        if self.holder is None:
            return
        for _ in range(50):
            others = [pid for pid in self.inside() if pid != self.holder.pid]
            for pid in others:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not others:
                break
            time.sleep(0.05)
        self.holder.kill()
        self.holder.wait()
        self.holder.stderr.close()

    def run(self, *words, check=True, environment=None, stdin=b"", timeout=120, **more):
        done = subprocess.run([*self.launcher, *map(str, words)], input=stdin, capture_output=True, timeout=timeout,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(environment or {})}, **more)
        assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr.decode()}"
        return done


@contextlib.contextmanager
def namespace(folder):
    one = Namespace(folder)
    try:
        one.begin()
        yield one
    finally:
        one.end()
