# SPDX-License-Identifier: ISC
"""TLS on the way to other servers, clause by clause: DANE (RFC 7672), MTA-STS (RFC 8461), REQUIRETLS and TLS-Required (RFC 8689).
Each row of a table is a domain of its own with what DNS, its policy and its server are; zones are signed by ldns, and
every octet that is said to the servers is looked at by standards_peer.py. What is met by test_transport_policy.py is not
here once more."""
import hashlib
import pathlib
import re
import shutil
import subprocess

import pytest

from keyservers import make_certificate
from standards_peer import ALL, address, eventually, letter, world
from test_transport_policy import STS_ADDRESS, Policies, server_context


# ---- certificates: an authority, what it vouches for, and what nobody does ----

def openssl(*words, **more):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **more).stdout


class Certificates:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj", "/CN=An authority",
                "-keyout", self.folder / "ca.key", "-out", self.folder / "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE")

    def make(self, label, *names, days=30, chain=True):
        """Of the authority; expired with days below 0. The authority's own stands behind it where there is a chain."""
        base = self.folder / label
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a server", "-keyout", f"{base}.key",
                "-out", f"{base}.csr")
        (self.folder / f"{label}.ext").write_text("subjectAltName=" + ",".join(f"DNS:{n}" for n in names) + "\n")
        (self.folder / f"{label}.index").write_text("")
        made = openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key", "-days", days,
                       "-CAcreateserial", "-extfile", f"{base}.ext")
        (self.folder / f"{label}.pem").write_bytes(made + ((self.folder / "ca.pem").read_bytes() if chain else b""))
        return self.folder / f"{label}.pem", self.folder / f"{label}.key"


def association(certificate, selector, matching):
    """The data of a TLSA record for the first certificate of a file (RFC 6698 section 2.1)."""
    if selector:
        der = openssl("pkey", "-pubin", "-outform", "DER", input=openssl("x509", "-in", certificate, "-noout", "-pubkey"))
    else:
        der = openssl("x509", "-in", certificate, "-outform", "DER")
    return der.hex() if matching == 0 else hashlib.new({1: "sha256", 2: "sha512"}[matching], der).hexdigest()


# ---- RFC 7672 ----

NONE, CLEAR = None, "clear"
# name: (TLSA records: (usage, selector, matching, whose), server's certificate or CLEAR, does it arrive, clause)
DANE = {
    "ee-spki": ([(3, 1, 1, "self")], "self", True, "3.1.1: nobody vouches, and the name is wrong"),
    "ee-cert": ([(3, 0, 1, "self")], "self", True, "3.1.1"), "ee-512": ([(3, 1, 2, "self")], "self", True, "6698 2.1.3"),
    "ee-full": ([(3, 0, 0, "self")], "self", True, "3.1.3"), "ee-expired": ([(3, 1, 1, "expired")], "expired", True, "3.1.1: MUST be ignored"),
    "ee-wrong": ([(3, 1, 1, "other")], "self", False, "3.2"), "ee-mixed": ([(3, 1, 1, "other"), (3, 1, 1, "self")], "self", True, "3.2"),
    "ta": ([(2, 0, 1, "ca")], "ta", True, "3.1.2, 3.2.2"), "ta-spki": ([(2, 1, 1, "ca")], "ta-spki", True, "3.1.2"),
    "ta-domain": ([(2, 0, 1, "ca")], "ta-domain", True, "3.2.2: the next-hop domain MUST be a reference identifier"),
    "ta-wild": ([(2, 0, 1, "ca")], "ta-wild", True, "3.2.3: wildcards that match the first label MUST be supported"),
    "ta-name": ([(2, 0, 1, "ca")], "named-other", False, "3.2.2: MUST perform name checks"),
    "ta-expired": ([(2, 0, 1, "ca")], "ta-expired", False, "3.1.2: as PKIX has it"),
    "ta-wrong": ([(2, 0, 1, "other")], "ta-wrong", False, "3.2"), "pkix": ([(1, 1, 1, "other")], "self", True, "3.1.3: unusable: TLS, no authentication"),
    "unusable-clear": ([(1, 1, 1, "other")], CLEAR, False, "2.2: MUST be made via TLS"), "bad-selector": ([(3, 7, 1, "self")], CLEAR, False, "2.2: unusable, but there"),
    "clear": ([(3, 1, 1, "self")], CLEAR, False, "2.2"), "half": ([(1, 1, 1, "other"), (3, 1, 1, "other")], "self", False, "2.2: one is usable"),
    "no-tlsa": ([], CLEAR, True, "2.2: denial of existence"), "no-tlsa-tls": ([], "self", True, "2.2: opportunistic")}
NUMBERS = {name: 300 + i for i, name in enumerate(DANE)}


def dane_zone(certificates, port):
    lines = []
    for name, (records, _, _, _) in DANE.items():
        lines += [f"{name} MX 10 mx.{name}", f"mx.{name} A {address(NUMBERS[name])}"]
        lines += [f"_{port}._tcp.mx.{name} TLSA {u} {s} {m} {association(certificates[whose][0], s if s < 2 else 1, m)}" for u, s, m, whose in records]
    lines += ["alias MX 10 mx.alias", "mx.alias CNAME mx.ee-spki", "nomx A " + address(NUMBERS["ee-spki"]), "order MX 10 mx.no-tlsa", "order MX 20 mx.ee-spki",
              f"_{port}._tcp.nomx TLSA 3 1 1 {association(certificates['self'][0], 1, 1)}", "skip MX 10 mx.clear", "skip MX 20 mx.ee-spki"]
    return "".join(line.replace(" ", " 60 IN ", 1) + "\n" for line in lines)


# ---- RFC 8461 ----

GOOD = "version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: 86400\n"
# name: (TXT records, policy or None, what the server has: a certificate for its name or CLEAR, does it arrive, clause)
V = "v=STSv1; id=1;"
STS = {
    "good": ([V], GOOD, "named", True, "4"), "clear": ([V], GOOD, CLEAR, False, "5: enforce"), "wrong-name": ([V], GOOD, "other", False, "4.2"),
    "expired": ([V], GOOD, "expired", False, "4.2: MUST not be expired"), "self": ([V], GOOD, "self", False, "4.2: MUST chain"),
    "wild": ([V], GOOD.replace("{mx}", "*.wild.sts.example"), "named", True, "4.1"), "deep": ([V], GOOD.replace("{mx}", "*.sts.example"), "named", False, "4.1: one label"),
    "several": ([V], GOOD.replace("mx: {mx}", "mx: a.example\nmx: {mx}"), "named", True, "3.2"), "mx-other": ([V], GOOD.replace("{mx}", "a.example"), "named", False, "4"),
    "case": ([V], GOOD.replace("{mx}", "MX.Case.STS.example"), "named", True, "4.1, DNS names"), "testing": ([V], GOOD.replace("enforce", "testing"), CLEAR, True, "5"),
    "mode-none": ([V], GOOD.replace("enforce", "none"), CLEAR, True, "5"), "unknown-key": ([V], GOOD + "what: ever\n", CLEAR, False, "3.2: unknown fields SHALL be ignored"),
    "repeated": ([V], GOOD + "mode: none\n", CLEAR, False, "3.2: all but the first SHALL be ignored"), "crlf": ([V], GOOD.replace("\n", "\r\n"), CLEAR, False, "3.2: CRLF too"),
    "txt-more": (["v=STSv1; id=1; what=ever;"], GOOD, CLEAR, False, "3.1: additional fields"), "txt-other": ([V, "v=spf1 -all", "x"], GOOD, CLEAR, False, "3.1: others are discarded"),
    "txt-strings": (['v=STSv1; i" "d=1;'], GOOD, CLEAR, False, "3.1: concatenated"), "txt-two": ([V, "v=STSv1; id=2;"], GOOD, CLEAR, True, "3.1: not one"),
    "txt-none": ([], GOOD, CLEAR, True, "3.1: none"), "txt-bad": (["v=STSv1"], GOOD, CLEAR, True, "3.1: no id"), "txt-version": (["v=STSv2; id=1;"], GOOD, CLEAR, True, "3.1"),
    "no-policy": ([V], None, CLEAR, True, "3.3: MUST continue as though there were none"), "no-mx": ([V], "version: STSv1\nmode: enforce\nmax_age: 86400\n", CLEAR, True, "3.2: mx required"),
    "no-version": ([V], "mode: enforce\nmx: {mx}\nmax_age: 86400\n", CLEAR, True, "3.2"), "no-age": ([V], "version: STSv1\nmode: enforce\nmx: {mx}\n", CLEAR, True, "3.2"),
    "mode-what": ([V], GOOD.replace("enforce", "what"), CLEAR, True, "3.2"), "below.good": ([], None, CLEAR, True, "3.4: MUST NOT fetch from the parent"),
    "redirect": ([V], GOOD, CLEAR, True, "3.3: 3xx MUST NOT be followed"), "html": ([V], GOOD, CLEAR, True, "3.2: the media type SHOULD be validated"), "uncertain": ([V], GOOD, CLEAR, True, "3.3: the web server's certificate names another")}
STS_NUMBERS = {name: 330 + i for i, name in enumerate(STS)}


def sts_zone():
    lines = []
    for name, (texts, _, _, _, _) in STS.items():
        lines += [f"{name} MX 10 mx.{name}", f"mx.{name} A {address(STS_NUMBERS[name])}", f"mta-sts.{name} A {STS_ADDRESS}"]
        lines += [f'_mta-sts.{name} TXT "{text.replace(";", chr(92) + ";")}"' for text in texts]
    lines += ["delegated MX 10 mx.clear", "_mta-sts.delegated CNAME _mta-sts.clear", f"mta-sts.delegated A {STS_ADDRESS}"]
    return "".join(line.replace(" ", " 60 IN ", 1) + "\n" for line in lines)


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    for program in ("ldns-signzone", "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}")
    folder = tmp_path_factory.mktemp("tls")
    authority = Certificates(folder / "ca")
    made = {"ca": (authority.folder / "ca.pem", None)}
    for name in ("ta", "ta-spki", "ta-wrong"):
        made[name] = authority.make(name, f"mx.{name}.dane.example")
    made["ta-expired"] = authority.make("ta-expired", "mx.ta-expired.dane.example", days=-1)
    made["ta-domain"] = authority.make("ta-domain", "ta-domain.dane.example")
    made["ta-wild"] = authority.make("ta-wild", "*.ta-wild.dane.example")
    made["named-other"] = authority.make("named-other", "somebody.else.example")
    made["expired"] = authority.make("expired", "mx.expired.sts.example", days=-1)
    made["named"] = authority.make("named", *(f"mx.{name}.sts.example" for name in STS if STS[name][2] == "named"))
    made["web"] = authority.make("web", *(f"mta-sts.{name}.sts.example" for name in [*STS, "delegated"] if name != "uncertain"))
    made["self"], made["other"] = (make_certificate(folder / name, "nobody.example") for name in ("self", "other"))
    contexts = {name: server_context(*pair) for name, pair in made.items() if pair[1]}
    signed = {"dane.example": None}
    policies = Policies(*made["web"])
    try:
        with world(zones=lambda port: {"dane.example": dane_zone(made, port), "sts.example": sts_zone()}, signed=signed,
                   settings={"authorities": f'"{made["ca"][0]}"'}) as w:
            w.policies, w.contexts, w.servers = policies, contexts, {}
            for name, (_, have, _, _) in DANE.items():
                w.servers[name] = w.at(address(NUMBERS[name]), tls=contexts.get(have), extensions=ALL, leaving_is_right=True)
            for name, (_, text, have, _, _) in STS.items():
                w.servers["sts-" + name] = w.at(address(STS_NUMBERS[name]), tls=contexts.get("named-other" if have == "other" else have), leaving_is_right=True)
                if text:
                    policies.texts[f"mta-sts.{name}.sts.example"] = text.replace("{mx}", f"mx.{name}.sts.example")
            policies.heads["mta-sts.redirect.sts.example"] = (302, {"Location": "https://mta-sts.several.sts.example/.well-known/mta-sts.txt"})
            policies.heads["mta-sts.html.sts.example"] = (200, {"Content-Type": "text/html"})
            policies.texts["mta-sts.delegated.sts.example"] = GOOD.replace("{mx}", "mx.clear.sts.example")
            yield w
    finally:
        policies.close()


@pytest.fixture(autouse=True)
def nothing_wrong(rules):
    yield
    assert rules.faults() == []


def outcome(rules, domain):
    """True: it was taken; False: it waits or is returned."""
    return eventually(lambda: ("yes" if rules.is_answered(f"@{domain} ", "sent") else
                               "no" if "next try" in rules.queued(domain) or rules.reports(domain) else None), rules.tail) == "yes"


def test_dane(rules):
    """RFC 7672: each row of DANE names its clause. What is not good enough waits, and was never in clear."""
    for name in DANE:
        rules.submit(f"x@{name}.dane.example")
    got = {name: outcome(rules, f"{name}.dane.example") for name in DANE}
    wrong = {name: (got[name], DANE[name][3], rules.queued(f"{name}.dane.example")) for name in DANE if got[name] != DANE[name][2]}
    assert not wrong, wrong
    for name, (records, have, arrives, _) in DANE.items():
        peer = rules.servers[name]
        assert all(one.tls == (have is not CLEAR) for one in peer.letters) and len(peer.letters) == arrives
        assert arrives or not rules.reports(f"{name}.dane.example")  # 2.2: delayed delivery, not returned
        if not arrives:
            assert peer.said("MAIL") == [] and [s for s in peer.sessions]


def test_dane_names_the_host(rules):
    """7672 8.1 and 3.1.2, 8461 7.1: SNI is sent, with the TLSA base domain."""
    rules.submit("sni@ee-spki.dane.example")
    eventually(lambda: len(rules.servers["ee-spki"].letters) >= 1, rules.tail)
    names = {s.server_name for s in rules.servers["ee-spki"].sessions if s.tls}
    assert names == {"mx.ee-spki.dane.example"}


@pytest.mark.parametrize("name, at, tls", [("alias", "ee-spki", True), ("nomx", "ee-spki", True), ("order", "no-tlsa", False), ("skip", "ee-spki", True)])
def test_dane_and_the_order_of_hosts(rules, name, at, tls):
    """7672 2.2.1: MX preferences MUST take precedence over security (order); 2.2.2: TLSA at the end of a CNAME, and without MX at the
    domain itself; 2.1.2, 2.2: a host that is not good enough falls back to the next one (skip)."""
    peer, before = rules.servers[at], len(rules.servers[at].letters)
    rules.submit(f"{name}@{name}.dane.example")
    eventually(lambda: len(peer.letters) > before, rules.tail)
    assert peer.letters[-1].tls == tls


def test_sts(rules):
    """RFC 8461: each row of STS names its clause."""
    for name in STS:
        rules.submit(f"x@{name}.sts.example")
    got = {name: outcome(rules, f"{name}.sts.example") for name in STS}
    wrong = {name: (got[name], STS[name][4], rules.queued(f"{name}.sts.example")) for name in STS if got[name] != STS[name][3]}
    assert not wrong, wrong
    for name, (_, _, have, arrives, _) in STS.items():
        peer = rules.servers["sts-" + name]
        assert len(peer.letters) == arrives and (arrives or peer.said("MAIL") == [])
        assert not rules.reports(f"{name}.sts.example")  # 5: "SHOULD treat such failures as transient errors"
    assert "mta-sts.good.sts.example" in rules.policies.asked and "mta-sts.below.good.sts.example" not in rules.policies.asked


def test_sts_names_the_host(rules):
    """8461 7.1: "the SNI extension MUST contain the MX hostname"."""
    eventually(lambda: rules.servers["sts-good"].sessions, rules.tail)
    assert {s.server_name for s in rules.servers["sts-good"].sessions if s.tls} <= {"mx.good.sts.example"}


def test_sts_by_way_of_an_alias(rules):
    """8461 3.1: CNAME of the record MUST be followed; the policy is fetched at the domain's own name (8.2)."""
    rules.submit("x@delegated.sts.example")
    assert not outcome(rules, "delegated.sts.example")
    assert "mta-sts.delegated.sts.example" in rules.policies.asked


# ---- RFC 8689 ----

REQUIRE = [  # domain, the server over TLS has REQUIRETLS, status or None, clause
    ("ee-cert.dane.example", True, None, "4.2.1"), ("ee-512.dane.example", False, "5.7.30", "4.2.1 step 5"),
    ("clear.dane.example", True, "5.7.10", "4.2.1 step 4"), ("ee-wrong.dane.example", True, "5.7.10", "4.2.1 step 4"),
    ("several.sts.example", True, None, "4.2.1 step 2"), ("txt-none.sts.example", True, "5.7.10", "4.2.1 step 2"),
    ("testing.sts.example", True, "5.7.10", "4.2.1 step 2: the policy is validated all the same")]


@pytest.mark.parametrize("domain, has, status, clause", REQUIRE, ids=[r[0] for r in REQUIRE])
def test_requiretls(rules, domain, has, status, clause):
    """8689 4.2.1: REQUIRETLS goes along where all is met; else it is returned at once, and never sent."""
    name = domain.removesuffix(".dane.example") if "dane" in domain else "sts-" + domain.removesuffix(".sts.example")
    peer = rules.servers[name]
    peer.extensions_tls = (*ALL, "REQUIRETLS") if has else ALL
    before = len(peer.letters)
    rules.submit(f"required@{domain}", letter("required"), "REQUIRETLS")
    if status is None:
        eventually(lambda: len(peer.letters) > before, rules.tail)
        assert peer.letters[-1].tls and "REQUIRETLS" in peer.letters[-1].options
    else:
        (raw,) = eventually(lambda: rules.reports(f"required@{domain}"), rules.tail)
        assert re.search(rb"Status: " + status.encode(), raw) and len(peer.letters) == before, clause


@pytest.mark.parametrize("field, arrives", [(b"TLS-Required: No\r\n", True), (b"tls-required:  no \r\n", True), (b"TLS-Required: Yes\r\n", False)])
def test_tls_required_no(rules, field, arrives):
    """8689 4.2.2, 3: with "No" (in any case) it does not fail where TLS does; any other value says nothing."""
    peer = rules.servers["half"]
    before = len(peer.letters)
    rules.submit("optional@half.dane.example", letter("optional", more=field))
    if arrives:
        eventually(lambda: len(peer.letters) > before, rules.tail)
        assert field.strip() in peer.letters[-1].text  # it goes along
    else:
        eventually(lambda: "optional@half" in rules.queued("half.dane.example"), rules.tail)
        assert len(peer.letters) == before
