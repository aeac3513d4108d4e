# SPDX-License-Identifier: ISC
"""Our own TLSA records and the certificate: a change that DANE would not survive is told before it is made, and after.

The zone is signed by ldns-signzone and served by nsd; certificates and digests are openssl's.
"""
import contextlib
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import Exchange
from keyservers import make_certificate
from test_relay import eventually, made, zone
from zones import free_port, name_server

HOST = "mx.host.example"


def der(certificate, what):
    """The octets that a selector means: 0, all of it; 1, its key."""
    if what == 0:
        return subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], capture_output=True, check=True).stdout
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True, check=True).stdout
    return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout


def tlsa(certificate, usage=3, selector=1, matching=1):
    data = der(certificate, selector)
    text = data.hex() if matching == 0 else (hashlib.sha256 if matching == 1 else hashlib.sha512)(data).hexdigest()
    return f"_25._tcp.mx 60 IN TLSA {usage} {selector} {matching} {text}"


class Site:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.one = make_certificate(folder / "one", HOST)
        self.two = make_certificate(folder / "two", HOST)
        shutil.copy(self.one[0], folder / "used.pem")
        shutil.copy(self.one[1], folder / "used.key")
        self.exchange = Exchange(made(folder, "exchange"), {
            "port_smtp": free_port(), "hostname": f'"{HOST}"', "resolvers": f'{{ "127.0.0.1@{self.port}" }}', "dnssec_anchors": f'"{folder}/anchors"',
            "tls_certificate": f'"{folder}/used.pem"', "tls_key": f'"{folder}/used.key"'})

    def use(self, which):
        """The certificate is changed as an operator does it."""
        shutil.copy(which[0], self.folder / "used.pem")
        shutil.copy(which[1], self.folder / "used.key")

    @contextlib.contextmanager
    def dns(self, *records, signed=True):
        shutil.rmtree(self.folder / "dns", ignore_errors=True)
        wanted = {"host.example": None} if signed else {}
        zones = {"host.example": zone("mx 60 IN A 127.0.0.1", *records), "example.org": "", "127.in-addr.arpa": ""}
        with name_server(self.folder / "dns", zones, port=self.port, signed=wanted):
            (self.folder / "anchors").write_text("".join(wanted.values()))
            yield

    def tlsa_said(self, *words):
        """What check says of the TLSA record."""
        done = self.exchange.run("check", "--json", *words, "example.org", check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        (found,) = [line for line in lines if line.get("type") == "TLSA" and "wanted" in line]
        return found["result"], found.get("why", "")

    def logged(self, event):
        return sum(f" {event} " in line + " " for line in self.exchange.log().splitlines())


@pytest.fixture
def site():
    for program in ("ldns-signzone", "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ll-ot-"))
    (folder / "anchors").touch()
    yield Site(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("usage,selector,matching", [(3, 1, 1), (3, 1, 2), (3, 0, 1), (3, 1, 0), (2, 0, 1)])
def test_it_is_told_before_the_change(site, usage, selector, matching):
    """Whichever record the operator chose; and what both records say may be changed."""
    with site.dns(tlsa(site.one[0], usage, selector, matching)):
        assert site.tlsa_said()[0] == "ok"
        result, why = site.tlsa_said("--certificate", site.two[0])
        assert result == "different" and "publish its record" in why
    with site.dns(tlsa(site.one[0], usage, selector, matching), tlsa(site.two[0])):
        assert site.tlsa_said()[0] == site.tlsa_said("--certificate", site.two[0])[0] == "ok"


def test_it_is_told_after_the_change(site):
    with site.dns(tlsa(site.one[0])):
        site.exchange.start()
        try:
            eventually(lambda: site.logged("tlsa.matches") == 1, lambda: site.exchange.log())
            site.use(site.two)
            site.exchange.process.send_signal(signal.SIGHUP)
            eventually(lambda: site.logged("tlsa.other_key") == 1, lambda: site.exchange.log())
            site.use(site.one)
            site.exchange.process.send_signal(signal.SIGHUP)
            eventually(lambda: site.logged("tlsa.matches") == 2, lambda: site.exchange.log())
        finally:
            site.exchange.stop()


@pytest.mark.parametrize("what", ["no records", "not signed", "unusable"])
def test_nothing_is_told_where_nobody_checks(site, what):
    records = [] if what == "no records" else [tlsa(site.two[0], usage=1 if what == "unusable" else 3)]
    with site.dns(*records, signed=what != "not signed"):
        site.exchange.start()
        try:
            site.exchange.process.send_signal(signal.SIGHUP)
            eventually(lambda: site.logged("daemon.reloaded") == 1, lambda: site.exchange.log())
        finally:
            site.exchange.stop()
        assert site.logged("tlsa.other_key") == site.logged("tlsa.matches") == 0


def test_a_file_that_is_no_certificate(site):
    (site.folder / "none.pem").write_text("nothing\n")
    done = site.exchange.run("check", "--certificate", site.folder / "none.pem", check=False)
    assert done.returncode != 0 and "none.pem" in done.stderr
