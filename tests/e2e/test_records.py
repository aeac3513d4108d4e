# SPDX-License-Identifier: ISC
"""`domain records` prints a zone that another's name server takes, and `check` finds what differs from it."""
import base64
import hashlib
import json
import re
import shutil
import subprocess

import pytest

from conftest import Exchange
from keyservers import make_certificate
from test_directory import Gpg
from zones import check_zone, free_port, name_server

HOST = "mail.example.org"
ZONE = "example.org"
REVERSE = "127.in-addr.arpa"


class Site:
    """An exchange on ports of its own, and the name server that it asks."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.dns = free_port()
        ports = {f"port_{name}": str(free_port()) for name in ("smtp", "submission", "submissions", "imap", "imaps", "https",
                                                              "http")}
        values = {"hostname": f'"{HOST}"', "domains": '{ "example.org", "beispiel.example" }',
                  "resolvers": f'{{ "127.0.0.1@{self.dns}" }}', "dnssec_anchors": '""', **ports, **settings}
        (folder / "exchange").mkdir()
        self.exchange = Exchange(folder / "exchange", values, accounts=())

    def records(self, domain=ZONE):
        return self.exchange.run("domain", "records", domain).stdout

    def check(self, *words, zone=None, reverse=f"1.0.0 60 IN PTR {HOST}.\n", **others):
        lines = zone if zone is not None else self.records()
        zones = {ZONE: lines, REVERSE: reverse, "beispiel.example": self.records("beispiel.example"), **others}
        with name_server(self.folder / "dns", zones, port=self.dns):
            done = self.exchange.run("check", "--json", *words, check=False)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    one = Site(tmp_path_factory.mktemp("records"))
    one.exchange.start()
    yield one
    one.exchange.stop()


def wrong(lines):
    return [(line["result"], line.get("name"), line.get("type")) for line in lines if line["result"] in ("missing", "different")]


def parsed(text):
    """{(name, type): [data]} of the lines that are no comments."""
    found = {}
    for line in text.splitlines():
        if not line.startswith(";"):
            name, ttl, cls, kind, data = line.split(" ", 4)
            assert name.endswith(".") and int(ttl) > 0 and cls == "IN"
            found.setdefault((name[:-1], kind), []).append(data)
    return found


def test_the_records_are_a_zone_file(site, tmp_path):
    text = site.records()
    assert check_zone(tmp_path, ZONE, text) == ""
    assert check_zone(tmp_path, ZONE, text + "x IN MX what is this\n") != ""
    assert check_zone(tmp_path, "beispiel.example", site.records("beispiel.example")) == ""


def test_they_name_what_is_there_and_what_is_not(site):
    port = site.exchange.port
    found = parsed(site.records())
    assert found[(ZONE, "MX")] == [f"10 {HOST}."]
    assert found[(HOST, "A")] == ["127.0.0.1"]  # the only address that it listens on
    assert found[(f"_imaps._tcp.{ZONE}", "SRV")] == [f"0 1 {port('imaps')} {HOST}."]
    assert found[(f"_submissions._tcp.{ZONE}", "SRV")] == [f"0 1 {port('submissions')} {HOST}."]
    assert found[(f"_submission._tcp.{ZONE}", "SRV")] == [f"10 1 {port('submission')} {HOST}."]
    for alias in ("autoconfig", "autodiscover", "openpgpkey"):
        assert found[(f"{alias}.{ZONE}", "CNAME")] == [f"{HOST}."]
    if "pop3s" not in site.exchange.ports:  # RFC 6186 3.4
        assert found[(f"_pop3s._tcp.{ZONE}", "SRV")] == ["0 0 0 ."]
    assert found[(ZONE, "TXT")] == ['"v=spf1 mx -all"']


def test_our_own_name_is_only_in_its_own_zone(site):
    found = parsed(site.records("beispiel.example"))
    assert not [key for key in found if not key[0].endswith("beispiel.example")]
    assert found[("beispiel.example", "MX")] == [f"10 {HOST}."]


def test_the_key_is_the_certificates(site):
    """Against openssl: SHA-256 of the SubjectPublicKeyInfo (RFC 6698, 3 1 1)."""
    key = subprocess.run(["openssl", "x509", "-in", site.exchange.certificate, "-noout", "-pubkey"], capture_output=True,
                         check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
    assert parsed(site.records())[(f"_25._tcp.{HOST}", "TLSA")] == [f"3 1 1 {hashlib.sha256(der).hexdigest()}"]


def spki_digest(certificate):
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("name", [HOST, ZONE, "beispiel.example"])
def test_tlsa_now_and_next(site, tmp_path, name):
    fresh, _ = make_certificate(tmp_path / "next", HOST)
    said = site.exchange.run("domain", "tlsa", name, "--certificate", fresh).stdout
    now, then = (f"3 1 1 {spki_digest(one)}" for one in (site.exchange.certificate, fresh))
    assert parsed(said) == {(f"_25._tcp.{HOST}", "TLSA"): [now, then]} and now != then and "Publish both" in said
    rows = [json.loads(line) for line in site.exchange.run("domain", "tlsa", name, "--json", "--certificate", fresh).stdout.splitlines()]
    assert [(r["name"], r["data"], r["next"]) for r in rows] == [(f"_25._tcp.{HOST}", now, False), (f"_25._tcp.{HOST}", then, True)]
    assert parsed(site.exchange.run("domain", "tlsa", name).stdout) == {(f"_25._tcp.{HOST}", "TLSA"): [now]}
    same = site.exchange.run("domain", "tlsa", name, "--certificate", site.exchange.certificate).stdout
    assert "nothing changes" in same


def test_tlsa_of_what_is_not_ours(site, tmp_path):
    (tmp_path / "none.pem").write_text("no certificate\n")
    for words in (("mail.example.net",), (HOST, "--certificate", tmp_path / "none.pem"), (HOST, "--certificate", tmp_path / "away")):
        done = site.exchange.run("domain", "tlsa", *words, check=False)
        assert done.returncode != 0 and done.stdout == "" and done.stderr


def test_json_says_the_same(site):
    rows = [json.loads(line) for line in site.exchange.run("domain", "records", ZONE, "--json").stdout.splitlines()]
    lines = parsed(site.records())
    assert {(r["name"], r["type"]): r["data"] for r in rows} == {key: data[0] for key, data in lines.items()}
    assert all(r["why"] for r in rows)


def test_what_nobody_would_find_is_said(site):
    said = site.records()
    for name, port in (("smtp", 25), ("https", 443), ("http", 80)):
        assert f"; Port {name} is {site.exchange.port(name)} here, and others only come to {port}.\n" in said
    assert "'hostname' is still" not in said


def test_a_domain_that_is_not_ours_is_refused(site):
    for words in (("domain", "records", "example.net"), ("check", "example.net")):
        done = site.exchange.run(*words, check=False)
        assert done.returncode == 1 and "example.net is none of our domains" in done.stderr


def test_what_was_pasted_is_in_order(site):
    status, lines = site.check()
    assert wrong(lines) == [] and status == 0
    checked = {line.get("name") for line in lines if line["result"] == "ok"}
    for name in (ZONE, "beispiel.example", HOST, f"_imaps._tcp.{ZONE}", f"autoconfig.{ZONE}", "openpgpkey.beispiel.example",
                 f"_dmarc.{ZONE}", "imaps", "https", "127.0.0.1"):
        assert name in checked, name
    # Its own certificate has the names, and it is said that nobody vouches for it.
    assert {line["name"] for line in lines if line["check"] == "certificate" and "name" in line} >= {
        HOST, f"autoconfig.{ZONE}", f"autodiscover.{ZONE}", f"openpgpkey.{ZONE}"}
    assert any("vouches for itself" in line.get("why", "") for line in lines)


@pytest.mark.parametrize("old, new, expected", [
    (r"example.org. 3600 IN MX .*", "", ("missing", ZONE, "MX")),
    (r"(IN MX) 10 mail", r"\1 10 other", ("different", ZONE, "MX")),
    (r"(IN SRV 0 1) (\d+ mail)", r"\1 1\2", ("different", f"_submissions._tcp.{ZONE}", "SRV")),
    (r"_imaps._tcp.*\n", "\n", ("missing", f"_imaps._tcp.{ZONE}", "SRV")),
    (r"autoconfig.*CNAME.*", "", ("missing", f"autoconfig.{ZONE}", "CNAME")),
    (r"(openpgpkey.*) CNAME .*", r"\1 A 192.0.2.1", ("different", f"openpgpkey.{ZONE}", "CNAME")),
    (r"(TLSA 3 1 1 )....", r"\g<1>0000", ("different", f"_25._tcp.{HOST}", "TLSA")),
    (r"mail.example.org. 3600 IN A .*", "", ("missing", HOST, "A/AAAA")),
])
def test_what_differs_is_said(site, old, new, expected):
    changed = re.sub(old, new, site.records(), count=1)
    assert changed != site.records()
    status, lines = site.check(ZONE, zone=changed)
    assert status == 1 and expected in wrong(lines)


@pytest.mark.parametrize("old, new", [
    (r".*TLSA.*", ""), (r".*spf1.*", ""), (r".*DMARC.*", ""), (r"_pop3s.*", ""), (r"_autodiscover.*", ""),
    ("v=spf1 mx -all", "v=spf1 include:example.net ~all"), ("v=DMARC1; p=none", "v=DMARC1;p=reject"),
    (r"(autoconfig.*) CNAME .*", r"\1 A 127.0.0.1"), ("MX 10 mail", "MX 10 MAIL"),
    (r"(example.org. 3600 IN MX 10 mail.*)", r"\1\nexample.org. 3600 IN MX 20 backup.example.net."),
])
def test_what_is_the_domains_own_matter_is_no_problem(site, old, new):
    changed = re.sub(old, new, site.records(), count=1)
    assert changed != site.records()
    status, lines = site.check(ZONE, zone=changed)
    assert wrong(lines) == [] and status == 0


def test_an_address_without_our_name_is_advice(site):
    status, lines = site.check(ZONE, reverse="1.0.0 60 IN PTR elsewhere.example.net.\n")
    (line,) = [line for line in lines if line["check"] == "reverse"]
    assert (line["result"], line["found"], line["wanted"]) == ("advice", "elsewhere.example.net.", f"{HOST}.") and status == 0


def test_without_a_name_server_it_is_said_and_what_is_here_is_still_looked_at(site):
    done = site.exchange.run("check", check=False)
    assert done.returncode == 3 and "DNS cannot be asked" in done.stderr and "pin " in done.stdout


def test_answers_that_do_not_prove_themselves_are_unknown(site):
    """Of a name server without DNSSEC all answers look forged: not that our own name has no address."""
    good = site.exchange.config.read_text()
    site.exchange.config.write_text(good.replace('dnssec_anchors = ""', ""))
    try:
        status, lines = site.check(ZONE)
    finally:
        site.exchange.config.write_text(good)
    assert status == 3 and wrong(lines) == []
    (host,) = [line for line in lines if line["check"] == "name"]
    assert host["result"] == "unknown" and "leaves out DNSSEC" in host["why"]
    (advice,) = [line for line in lines if line["check"] == "resolver"]
    assert "'resolvers'" in advice["why"]


def test_texts_that_cannot_be_right(site):
    """Two records of one kind, and an SPF record for everybody; and where the rest can be seen."""
    own = site.records()
    lines = own.replace('"v=spf1 mx -all"', '"v=spf1 mx +all"') + f'_dmarc.{ZONE}. 60 IN TXT "v=DMARC1; p=reject"\n'
    status, said = site.check(ZONE, zone=lines)
    assert status == 1 and wrong(said) == [("different", ZONE, "TXT"), ("different", f"_dmarc.{ZONE}", "TXT")]
    assert [line["found"] for line in said if line["result"] == "different"] == ["v=spf1 mx +all",
                                                                                "2 that begin with v=DMARC1"]
    status, said = site.check(ZONE)
    assert status == 0
    (outside,) = [line for line in said if line["check"] == "outside"]
    assert outside["result"] == "advice" and f"'letterlock audit {ZONE}'" in outside["why"]


def test_offline_asks_nobody(site):
    done = site.exchange.run("check", "--offline")
    assert "is in order" in done.stdout and "MX" not in done.stdout and "port" not in done.stdout


def test_for_people_there_is_one_line_each(site):
    with name_server(site.folder / "dns", {ZONE: site.records(), REVERSE: ""}, port=site.dns):
        done = site.exchange.run("check", ZONE)
    assert re.search(rf"^ok +record {ZONE} MX: 10 {HOST}\.$", done.stdout, re.M)
    assert re.search(r"^advice +reverse 127\.0\.0\.1 PTR: wanted mail\.example\.org\. \(", done.stdout, re.M)
    assert done.stdout.endswith("No problems.\n")


def test_a_port_that_is_not_answered_is_a_problem(tmp_path):
    site = Site(tmp_path)
    site.exchange.start()
    try:
        good = site.exchange.config.read_text()
        site.exchange.config.write_text(re.sub(r"port_imaps = \d+", f"port_imaps = {free_port()}", good))
        status, lines = site.check(ZONE)
        assert status == 1 and [w for w in wrong(lines) if w[1] == "imaps"]
        site.exchange.config.write_text(good)
    finally:
        site.exchange.stop()
    status, lines = site.check(ZONE)
    assert status == 0 and any("No server runs" in line.get("why", "") for line in lines)


# ---- keys of addresses ----

@pytest.fixture
def keys(site, tmp_path):
    """Alice's certificate, published; (her fingerprint, gpg's home)."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    home = Gpg()
    site.exchange.run("account", "remove", "alice@example.org", check=False)
    site.exchange.account_add("alice@example.org", "the fish swims at dawn")
    fingerprint = home.make_key("Alice <alice@example.org>", "Alice Elsewhere <alice@example.net>")
    # Its certificate has the name that its records have, not that of this machine.
    subprocess.run(["curl", "-sSf", "--noproxy", "*", "-k", "-u", "alice@example.org:the fish swims at dawn",
                    "--data-urlencode", "keytext@-", f"https://127.0.0.1:{site.exchange.port('https')}/pks/add"],
                   input=home.export(fingerprint), check=True, timeout=60)
    yield fingerprint, home
    home.close()


def dane_name(local, label):
    return f"{hashlib.sha256(local.encode()).hexdigest()[:56]}.{label}.{ZONE}"


def test_openpgpkey_records(site, keys, tmp_path):
    """RFC 7929: the name, the certificate with that user ID alone; beside what hash-slinger's openpgpkey makes."""
    fingerprint, home = keys
    text = site.exchange.run("domain", "records", ZONE, "--openpgpkey").stdout
    assert dane_name("hugh", "_openpgpkey").startswith("c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6.")
    found = parsed(text)
    (name, kind), (data,) = next(iter(found.items()))
    assert (name, kind) == (dane_name("alice", "_openpgpkey"), "OPENPGPKEY") and len(found) == 1
    other = Gpg()
    other.run("--import", stdin=base64.b64decode(data))
    assert other.fingerprint("alice@example.org") == fingerprint
    assert other.user_ids(fingerprint) == ["Alice <alice@example.org>"]
    other.close()
    generic = re.search(rf"^; {re.escape(name)}\. \d+ IN TYPE61 \\# (\d+) ([0-9a-f]+)$", text, re.M)
    assert bytes.fromhex(generic.group(2)) == base64.b64decode(data) and int(generic.group(1)) == len(generic.group(2)) // 2
    assert check_zone(tmp_path, ZONE, text) == ""
    assert check_zone(tmp_path, ZONE, generic.group(0)[2:] + "\n") == ""
    if shutil.which("openpgpkey") is None:
        pytest.skip("hash-slinger's openpgpkey is not installed")
    done = subprocess.run(["openpgpkey", "--create", "alice@example.org", "--output", "rfc"], env=home.env,
                          capture_output=True, text=True, timeout=60)
    line = next(row for row in done.stdout.splitlines() if "OPENPGPKEY" in row and not row.startswith(";"))
    assert line.split()[0].rstrip(".") == name, done.stdout + done.stderr


def test_smimea_records(site, tmp_path):
    """RFC 8162: 3 0 0 and the certificate, under _smimecert; a certificate of somebody else is refused."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=Alice", "-addext", "subjectAltName=email:Alice@example.org", "-keyout", tmp_path / "key", "-out",
                    tmp_path / "a.pem"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "x509", "-in", tmp_path / "a.pem", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    text = site.exchange.run("domain", "records", ZONE, "--smimea", f"Alice@example.org={tmp_path}/a.pem").stdout
    found = parsed(text)
    assert found == {(dane_name(local, "_smimecert"), "SMIMEA"): [f"3 0 0 {der.hex()}"] for local in ("alice", "Alice")}
    assert check_zone(tmp_path, ZONE, text) == ""
    for word in [f"bob@example.org={tmp_path}/a.pem", f"alice@example.com={tmp_path}/a.pem", "alice@example.org",
                 f"alice@example.org={tmp_path}/key"]:
        assert site.exchange.run("domain", "records", ZONE, "--smimea", word, check=False).returncode == 2, word
    assert site.exchange.run("domain", "list", "--openpgpkey", check=False).returncode == 2


def test_check_compares_keys(site, keys):
    """None is no problem; the same is none either; another one is."""
    others = site.records()
    ours = site.exchange.run("domain", "records", ZONE, "--openpgpkey").stdout

    def keys_in(zone):
        return [(line["result"], line["type"]) for line in site.check(ZONE, zone=zone)[1] if line.get("type") == "OPENPGPKEY"]

    assert keys_in(others) == []
    assert keys_in(others + ours) == [("advice", "OPENPGPKEY")]  # DNSSEC does not vouch for it
    assert keys_in(others + re.sub(r"OPENPGPKEY .*", "OPENPGPKEY " + base64.b64encode(b"another").decode(), ours)) == [
        ("different", "OPENPGPKEY")]


def test_a_resolver_finds_the_key_and_dnssec_vouches_for_it(site, keys, tmp_path):
    """The zone signed by ldns-signzone, checked by ldns-verify-zone, which knows the type."""
    if shutil.which("ldns-signzone") is None:
        pytest.skip("no ldns-signzone")
    head = f"$ORIGIN {ZONE}.\n@ 60 IN SOA ns.{ZONE}. x.{ZONE}. 1 3600 600 86400 60\n@ 60 IN NS ns.{ZONE}.\nns 60 IN A 127.0.0.1\n"
    (tmp_path / "zone").write_text(head + site.exchange.run("domain", "records", ZONE, "--openpgpkey").stdout)
    key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", ZONE], cwd=tmp_path, capture_output=True, text=True,
                         check=True).stdout.strip()
    subprocess.run(["ldns-signzone", "-o", ZONE, "-f", "signed", "zone", key], cwd=tmp_path, check=True, capture_output=True)
    assert "TYPE61" in (tmp_path / "signed").read_text() or "OPENPGPKEY" in (tmp_path / "signed").read_text()
    done = subprocess.run(["ldns-verify-zone", "signed"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
