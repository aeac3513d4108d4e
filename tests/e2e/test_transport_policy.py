# SPDX-License-Identifier: ISC
"""What a connection to another server must be: DANE, MTA-STS, REQUIRETLS and TLS-Required, each way it can be and be wrong.

Zones are signed by ldns-signzone and served by nsd; the servers are at loopback addresses. What goes wrong is deferred or
refused with a sentence, and never sent in clear.
"""
import contextlib
import hashlib
import http.server
import pathlib
import re
import shutil
import sqlite3
import ssl
import struct
import subprocess
import tempfile
import threading

import pytest

from conftest import Exchange
from keyservers import make_certificate
from test_relay import Peer, World, eventually, made, zone
from zones import free_port, name_server, read_anew

ALICE = Exchange.ALICE
STS_ADDRESS = "127.0.0.40"


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def spki_digest(certificate):
    public = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


class Policies:
    """A web server with MTA-STS policies by host, which can be taken away."""

    def __init__(self, certificate, key):
        self.texts, self.asked = {}, []
        self.heads = {}  # host: (status, {field: value}), in place of the usual
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers.get("Host")
                outer.asked.append(host)
                text = outer.texts.get(host) if self.path == "/.well-known/mta-sts.txt" else None
                status, fields = outer.heads.get(host, (200, {}))
                self.send_response(404 if text is None else status)
                for field, value in {"Content-Type": "text/plain; charset=us-ascii", **fields}.items():
                    self.send_header(field, value)
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *words):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, client_address):
                request.settimeout(30)
                with contextlib.suppress(OSError), context.wrap_socket(request, server_side=True) as tls:
                    super().finish_request(tls, client_address)

        context = server_context(certificate, key)
        try:
            self.server = Server((STS_ADDRESS, 443), Handler)
        except OSError as error:
            pytest.skip(f"no web server at {STS_ADDRESS}:443: {error}")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def expired(pair):
    """The same certificate, until yesterday."""
    certificate, key = pair
    subprocess.run(["openssl", "x509", "-in", certificate, "-signkey", key, "-days", "-1", "-out", certificate], check=True,
                   capture_output=True)
    return pair


def policy(mode, *mx, age=86400):
    return f"version: STSv1\r\nmode: {mode}\r\n" + "".join(f"mx: {m}\r\n" for m in mx) + f"max_age: {age}\r\n"


def host(name, number, tlsa=None, port=None):
    """A host's lines: its address, and TLSA records for it."""
    lines = [f"{name} 60 IN A 127.0.0.{number}"]
    lines += [f"_{port}._tcp.{name} 60 IN TLSA {record}" for record in tlsa or ()]
    return zone(*lines)


def write_zones(port, right):
    wrong = "3 1 1 " + "ab" * 32
    right = f"3 1 1 {right}"
    sts = zone(f"mta-sts 60 IN A {STS_ADDRESS}", '_mta-sts 60 IN TXT "v=STSv1; id=1;"')
    mx = zone("@ 60 IN MX 10 mx")
    return {
        "dane.example": mx + host("mx", 21, [right], port),
        "rolling.example": mx + host("mx", 21, [wrong, right], port),
        "wrong.example": mx + host("mx", 21, [wrong], port),
        "pkix.example": mx + host("mx", 21, ["1 1 1 " + "cd" * 32], port),
        "stripped.example": mx + host("mx", 22, [right], port),
        "two.example": zone("@ 60 IN MX 10 bad", "@ 60 IN MX 20 mx") + host("bad", 22, [right], port) + host("mx", 21, [right], port),
        "bogus.example": mx + host("mx", 21, [right], port),
        # An alias that is signed, and what it leads to is not: the alias's own TLSA records count (RFC 7672 section 2.2.2).
        "aliased.example": mx + zone("mx 60 IN CNAME mx.plain.example.", f"_{port}._tcp.mx 60 IN TLSA {right}"),
        "aliased2.example": mx + zone("mx 60 IN CNAME mx.opportunistic.example.", f"_{port}._tcp.mx 60 IN TLSA {right}"),
        "aliased3.example": mx + zone("mx 60 IN CNAME mx.plain.example."),
        "many.example": mx + host("mx", 21, [right] + ["3 1 1 " + f"{n:064x}" for n in range(16)], port),
        "broken.example": mx + host("mx", 21, ["3 0 0 3000", "3 1 0 3000", "2 0 0 ff"], port),
        "broken2.example": mx + host("mx", 21, ["3 1 0 3000", wrong], port),
        "plain.example": mx + host("mx", 22),
        "opportunistic.example": mx + host("mx", 21),
        "insecure.example": mx + host("mx", 22, [right], port),  # not signed: its TLSA records are nobody's word
        "encrypt.example": mx + host("mx", 22), "verify.example": mx + host("mx", 21), "only.example": mx + host("mx", 21),
        "pinned.example": mx + host("mx", 21), "pinned2.example": mx + host("mx", 21),
        "stsother.example": mx + host("mx", 23) + sts,
        "stsold.example": mx + host("mx", 24) + sts,
        "stsaway.example": mx + host("mx", 21) + sts, "stsnone.example": mx + host("mx", 21) + sts,
        "stsweb.example": mx + host("mx", 21) + sts,
        "sts.example": mx + host("mx", 23) + sts,
        "stsname.example": mx + host("mx", 21) + sts,
        "stsmx.example": mx + host("mx", 23) + sts,
        "ststest.example": mx + host("mx", 22) + sts,
        "stsdane.example": mx + host("mx", 21, [right], port) + sts,
    }


SIGNED = ("aliased", "aliased2", "aliased3", "many", "broken", "broken2", "dane", "rolling", "wrong", "pkix", "stripped", "two", "bogus", "stsdane")


def break_zone(folder):
    """One address is another than the one that was signed."""
    path = folder / "bogus.example.zone"
    path.write_text(re.sub(r"(mx\.bogus\.example\.\s+60\s+IN\s+A\s+)127\.0\.0\.21", r"\g<1>127.0.0.22", path.read_text()))


@pytest.fixture(scope="module")
def world():
    for program in ("ldns-signzone", "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ll-tp-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port = free_port()
        own = make_certificate(folder / "own", "somebody.else.example")  # a name that is none of theirs
        named = make_certificate(folder / "named", "mx.sts.example", "mx.stsmx.example")
        web = make_certificate(folder / "web", *(f"mta-sts.{d}.example" for d in ("sts", "stsname", "stsmx", "ststest", "stsdane", "stsother", "stsold",
                                                                                "stsaway", "stsnone")))
        old = expired(make_certificate(folder / "old", "mx.stsold.example"))
        (folder / "authorities.pem").write_text(named[0].read_text() + web[0].read_text() + old[0].read_text())
        w = World(folder, port)
        signed = {f"{name}.example": None for name in SIGNED}
        w.dns_folder = folder / "dns"
        zones = write_zones(port, spki_digest(own[0]))
        dns = stack.enter_context(name_server(w.dns_folder, zones, signed=signed))
        (folder / "anchors").write_text("".join(signed.values()))
        w.policies = Policies(*web)
        stack.callback(w.policies.close)
        w.exchange = {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": f'"{folder}/anchors"', "relay_port": port,
                      "authorities": f'"{folder}/authorities.pem"', "hostname": '"a.host.example"', "account_messages_hour": 0,
                      "relay_tls": f'{{ "encrypt.example=encrypt", "verify.example=verify", "only.example=dane", '
                                   f'"pinned.example=pin:{spki_digest(own[0])}", "pinned2.example=pin:{"ab" * 32}", '
                                   f'"mx.only.example=dane", "named.example=verify" }}',
                      "relay_routes": '{ "to-dane.example=mx.dane.example", "to-wrong.example=mx.wrong.example", '
                                      '"to-plain.example=mx.plain.example", "to-only.example=mx.only.example", '
                                      '"named.example=[127.0.0.21]" }'}
        w.a, w.b = Exchange(made(folder, "a"), w.exchange), None
        stack.callback(w.a.stop)
        w.a.start()
        w.tls21, w.tls23 = server_context(*own), server_context(*named)
        w.peer(21, tls=w.tls21)
        w.peer(22)
        w.peer(23, tls=w.tls23)
        w.peer(24, tls=server_context(*old))
        stack.callback(lambda: [p.close() for p in w.peers.values()])
        yield w


def queued(world):
    """What the operator is told of letters that wait."""
    return world.a.run("queue", "list").stdout


def letters(world, number, subject):
    return [t for t in world.peers[number].letters if f"Subject: {subject}\r\n".encode() in t]


def sent(world, number, domain, subject=None, **more):
    """It reaches that server; over TLS or not."""
    before = world.peers[number].over_tls
    world.send([f"x@{domain}"], subject or domain, **more)
    eventually(lambda: letters(world, number, subject or domain), lambda: domain + world.a.log()[-6000:])
    return world.peers[number].over_tls > before


def not_sent(world, domain, *says, subject=None, **more):
    world.send([f"x@{domain}"], subject or domain, **more)
    line = world.logged("queue.settled result=deferred", domain)
    for number in world.peers:
        assert letters(world, number, subject or domain) == []
    text = queued(world) + "\n".join(line)
    for word in says:
        assert word in text, text


# ---- DANE ----

@pytest.mark.parametrize("name", ["dane", "rolling"])
def test_dane(world, name):
    """The certificate's name is wrong and nobody vouches for it: the TLSA record is enough."""
    assert sent(world, 21, f"{name}.example")
    assert world.logged(f"{name}.example", "DANE")


def test_dane_that_does_not_match(world):
    not_sent(world, "wrong.example", "TLSA")


def test_dane_where_starttls_is_stripped(world):
    not_sent(world, "stripped.example", "TLS")


def test_dane_next_host(world):
    """The first host does not offer STARTTLS; nothing is said to it but that, and the second one takes the letter."""
    heard = len(world.peers[22].heard)
    assert sent(world, 21, "two.example")
    assert not [line for line in world.peers[22].heard[heard:] if line.upper().startswith(("MAIL", "RCPT", "DATA"))]


def test_unusable_tlsa_still_wants_tls(world):
    assert sent(world, 21, "pkix.example")


def test_alias_that_is_signed_leads_to_what_is_not(world):
    """TLS is wanted of who has none, the right key is taken, and without records there is no DANE."""
    not_sent(world, "aliased.example", "TLS")
    assert sent(world, 21, "aliased2.example")
    assert world.logged("queue.settled result=delivered", "aliased2.example", "verified=dane")
    assert not sent(world, 22, "aliased3.example")


def test_more_tlsa_records_than_are_read(world):
    """One of them would match: it waits, and is neither sent unproven nor refused."""
    not_sent(world, "many.example", "TLSA")


def test_certificates_in_records_that_are_none(world):
    """They cannot be used: TLS is wanted all the same, and the others that can decide."""
    assert sent(world, 21, "broken.example")
    not_sent(world, "broken2.example", "TLSA")


def test_bogus_is_not_insecure(world):
    break_zone(world.dns_folder)
    read_anew(world.dns_folder)
    not_sent(world, "bogus.example", "DNSSEC")


def test_tlsa_of_a_zone_that_is_not_signed_is_nobodys_word(world):
    assert not sent(world, 22, "insecure.example")


# ---- nothing is said ----

def test_clear_where_nothing_else_is_offered(world):
    assert not sent(world, 22, "plain.example")


def test_tls_where_it_is_offered_whoever_it_is(world):
    assert sent(world, 21, "opportunistic.example")


# ---- the operator's word ----

@pytest.mark.parametrize("domain, says", [("encrypt.example", "STARTTLS"), ("verify.example", "certificate"),
                                          ("only.example", "only DANE"), ("pinned2.example", "key is not the one")])
def test_the_operators_rule_is_not_met(world, domain, says):
    not_sent(world, domain, says)


def test_the_operators_pin(world):
    assert sent(world, 21, "pinned.example")
    assert world.logged("pinned.example", "verified=pin")


# ---- hosts that the operator named ----

def test_a_named_host_with_dane(world):
    assert sent(world, 21, "to-dane.example")
    number = re.search(r" queue=(\d+) ", world.logged("relay.answered result=sent", "to=x@to-dane.example")[0])[1]
    assert world.logged("queue.settled result=delivered", f" queue={number} ", "verified=dane", "mx=mx.dane.example")


@pytest.mark.parametrize("domain, says", [("to-wrong.example", "TLSA"), ("to-only.example", "only DANE"),
                                          ("named.example", "certificate")])
def test_a_named_host_that_is_not_good_enough(world, domain, says):
    world.send([f"x@{domain}"], domain)
    eventually(lambda: [line for line in queued(world).splitlines() if f"x@{domain}" in line and says in line],
               lambda: queued(world) + world.a.log()[-6000:])
    assert all(letters(world, number, domain) == [] for number in world.peers)


def test_a_named_host_of_which_nothing_is_said(world):
    assert not sent(world, 22, "to-plain.example")


# ---- MTA-STS ----

def test_sts_enforce(world):
    world.policies.texts["mta-sts.sts.example"] = policy("enforce", "mx.sts.example")
    assert sent(world, 23, "sts.example")
    assert world.logged("sts.example", "MTA-STS")


def test_sts_certificate_of_another_name(world):
    world.policies.texts["mta-sts.stsname.example"] = policy("enforce", "*.stsname.example")
    not_sent(world, "stsname.example", "certificate")


def test_sts_certificate_of_another_host(world):
    """Somebody vouches for it, but not as that."""
    world.policies.texts["mta-sts.stsother.example"] = policy("enforce", "mx.stsother.example")
    not_sent(world, "stsother.example", "certificate")


def test_sts_certificate_that_has_expired(world):
    world.policies.texts["mta-sts.stsold.example"] = policy("enforce", "mx.stsold.example")
    not_sent(world, "stsold.example", "certificate")


@pytest.mark.parametrize("domain", ["stsaway", "stsnone", "stsweb"])
def test_sts_policy_that_cannot_be_had(world, domain):
    """Its server has none, something else, or a certificate of another name: as if there were no policy, and it is counted."""
    if domain == "stsnone":
        world.policies.texts["mta-sts.stsnone.example"] = "version: STSv2\r\n"
    assert sent(world, 21, f"{domain}.example")


def test_sts_mx_that_is_not_named(world):
    world.policies.texts["mta-sts.stsmx.example"] = policy("enforce", "other.stsmx.example")
    not_sent(world, "stsmx.example", "MTA-STS")


def test_sts_testing_stops_nothing(world):
    world.policies.texts["mta-sts.ststest.example"] = policy("testing", "nobody.example")
    assert not sent(world, 22, "ststest.example")


def test_dane_wins_over_sts(world):
    world.policies.texts["mta-sts.stsdane.example"] = policy("enforce", "nobody.example")
    assert sent(world, 21, "stsdane.example")


def test_sts_outlives_dns_and_restarts(world):
    """The policy was fetched once; later neither its record nor its web server is there, and the MX is another's."""
    path = world.dns_folder / "sts.example.zone"
    world.a.stop()
    path.write_text(path.read_text().replace('_mta-sts 60 IN TXT "v=STSv1; id=1;"\n', "").replace("127.0.0.23", "127.0.0.22"))
    read_anew(world.dns_folder)
    world.policies.texts.clear()
    world.a.start()
    not_sent(world, "sts.example", "TLS", subject="later")


# ---- the writer's word ----

def test_tls_required_no(world):
    """RFC 8689 section 5: the writer would rather have it arrive."""
    world.send(["x@wrong.example"], "anyway\r\nTLS-Required: No")
    eventually(lambda: letters(world, 21, "anyway"), lambda: world.a.log()[-6000:])


def test_requiretls_of_a_server_that_has_it(world):
    world.peer(21, tls=world.tls21, answers={"EHLO": "250-peer\r\n250-STARTTLS\r\n250 REQUIRETLS"})
    assert sent(world, 21, "dane.example", subject="required", options=["REQUIRETLS"])
    assert [line for line in world.peers[21].heard if line.startswith("MAIL") and "REQUIRETLS" in line]


def test_requiretls_without_tls_is_told_at_once(world):
    """RFC 8689 section 4.2.1: neither deferred nor sent."""
    world.send(["x@stripped.example", "x@plain.example"], "no way", options=["REQUIRETLS"])
    reports = eventually(lambda: [m for m in world.inbox(world.a, ALICE) if "5.7.10" in m.as_string()], lambda: world.a.log()[-6000:])
    eventually(lambda: all(any(d in m.as_string() for m in world.inbox(world.a, ALICE) if "5.7.10" in m.as_string())
                           for d in ("stripped.example", "plain.example")), lambda: str(reports))
    assert letters(world, 22, "no way") == []


def test_requiretls_of_a_server_that_has_it_not(world):
    world.peer(21, tls=world.tls21)
    world.send(["x@dane.example"], "refused", options=["REQUIRETLS"])
    (report,) = eventually(lambda: [m for m in world.inbox(world.a, ALICE) if "5.7.30" in m.as_string()],
                           lambda: world.a.log()[-6000:])
    assert report.get_content_type() == "multipart/report"
    assert letters(world, 21, "refused") == []


# ---- what is counted of it all for TLS reports ----

NO_POLICY, TLSA, STS = range(3)  # enum tlsrpt_policy_type, and some of enum tlsrpt_result
(SUCCESS, NO_STARTTLS, HOST_MISMATCH, EXPIRED, NOT_TRUSTED, FAILURE, TLSA_INVALID, DNSSEC_INVALID, DANE_REQUIRED, FETCH_ERROR,
 STS_INVALID, WEBPKI_INVALID) = range(12)
COUNTED = {"dane": {(TLSA, SUCCESS)}, "rolling": {(TLSA, SUCCESS)}, "wrong": {(TLSA, TLSA_INVALID)},
           "stripped": {(TLSA, NO_STARTTLS)}, "two": {(TLSA, NO_STARTTLS), (TLSA, SUCCESS)}, "pkix": {(TLSA, TLSA_INVALID)},
           "plain": {(NO_POLICY, NO_STARTTLS)}, "opportunistic": {(NO_POLICY, SUCCESS)}, "stsname": {(STS, NOT_TRUSTED)},
           "stsmx": {(STS, FAILURE)}, "ststest": {(STS, NO_STARTTLS)}, "stsdane": {(TLSA, SUCCESS)},
           "stsother": {(STS, HOST_MISMATCH)}, "stsold": {(STS, EXPIRED)}, "only": {(NO_POLICY, DANE_REQUIRED)},
           "bogus": {(TLSA, DNSSEC_INVALID)}, "many": {(TLSA, DNSSEC_INVALID)},
           "stsaway": {(STS, FETCH_ERROR), (NO_POLICY, SUCCESS)}, "stsnone": {(STS, STS_INVALID), (NO_POLICY, SUCCESS)},
           "stsweb": {(STS, WEBPKI_INVALID), (NO_POLICY, SUCCESS)}}


def counted(world):
    with contextlib.closing(sqlite3.connect(f"file:{world.a.data}/store.db?mode=ro", uri=True)) as db:
        found = {}
        for domain, row in db.execute("SELECT domain, result FROM policy_results WHERE kind = 1"):
            name = (domain if isinstance(domain, str) else domain.decode()).removesuffix(".example")
            found.setdefault(name, set()).add(struct.unpack(">II", row[:8]))
        return found


def test_each_is_counted_for_reports(world):
    """Behind all the others; what is tried again is counted again, and is the same."""
    eventually(lambda: COUNTED.items() <= counted(world).items(),
               lambda: str({k: (v, counted(world).get(k)) for k, v in COUNTED.items() if counted(world).get(k) != v}))
