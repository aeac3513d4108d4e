# SPDX-License-Identifier: ISC
"""TLS reports between two letterlockd: what one counted in a day is told the other, whose record asks for it.

The days in the first one's store are set back while it is stopped: a report is of a day that is over. JSON is read by
Python, and signatures by dkimpy with the records that `domain dkim list` says.
"""
import contextlib
import gzip
import http.server
import json
import pathlib
import shutil
import sqlite3
import ssl
import tempfile
import threading

import pytest

from conftest import Exchange
from keyservers import make_certificate
from test_relay import CAROL, World, eventually, made, zone
from zones import free_port, name_server

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
DAYS_BACK = 2
WEB_ADDRESS = "127.0.0.41"
RECORD = f'_smtp._tls 60 IN TXT "v=TLSRPTv1; rua=mailto:{CAROL}"'


class Collector:
    """A web server that takes reports, but not the first time."""

    def __init__(self, certificate, key):
        self.got = []  # (path, media type, body)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.path, self.headers["Content-Type"], body))
                self.send_response(503 if len(outer.got) == 1 else 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        try:
            self.server = http.server.ThreadingHTTPServer((WEB_ADDRESS, 443), Handler)
        except OSError as error:
            pytest.skip(f"no web server at {WEB_ADDRESS}:443: {error}")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ll-tr-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        w = World(folder, free_port())
        clear = zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.11")
        dns = stack.enter_context(name_server(folder / "dns", {
            "b.example": zone("@ 60 IN MX 10 mx", "mx 60 IN A 127.0.0.2", RECORD),
            "clear.example": clear + zone(RECORD),
            "silent.example": clear,
            "web.example": clear + zone(f"reports 60 IN A {WEB_ADDRESS}",
                                        '_smtp._tls 60 IN TXT "v=TLSRPTv1; rua=https://reports.web.example/v1/tls?a=b"'),
            "port.example": clear + zone(f"reports 60 IN A {WEB_ADDRESS}",
                                         '_smtp._tls 60 IN TXT "v=TLSRPTv1; rua=https://reports.port.example:8443/"'),
            "other.example": clear + zone('_smtp._tls 60 IN TXT "v=TLSRPTv1; rua=ftp://other.example/"')}))
        web = make_certificate(folder / "web", "reports.web.example")
        w.web = Collector(*web)
        stack.callback(w.web.close)
        common = {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "relay_port": w.port,
                  "authorities": f'"{web[0]}"'}
        w.b = Exchange(made(folder, "b"), {**common, "hostname": '"mx.b.example"', "domains": '{ "b.example" }',
                                           "listen": '{ "127.0.0.2" }', "port_smtp": w.port}, accounts=())
        w.b.account_add(CAROL, "a password of carol")
        w.a = Exchange(made(folder, "a"), {**common, "hostname": '"a.host.example"'})
        for one in (w.b, w.a):
            stack.callback(one.stop)
            one.start()
        w.a.run("domain", "dkim", "new", "example.org", "--now")
        stack.callback(lambda: [p.close() for p in w.peers.values()])
        yield w


def counted(w):
    with contextlib.closing(sqlite3.connect(f"file:{w.a.data}/store.db?mode=ro", uri=True)) as db:
        return dict(db.execute("SELECT domain, sum(count) FROM policy_results WHERE kind = 1 GROUP BY domain"))


def text_of(domain):
    return domain.decode() if isinstance(domain, bytes) else domain


def set_back(w):
    """All that was counted is of a day that is over."""
    w.a.stop()
    with contextlib.closing(sqlite3.connect(w.a.data / "store.db")) as db, db:
        db.execute("UPDATE policy_results SET day = day - ?", (DAYS_BACK,))
    w.a.start()


def reports(w):
    return [m for m in w.inbox(w.b, CAROL) if m["TLS-Report-Domain"]]


def report_of(message):
    packed = [p for p in message.walk() if p.get_content_type() == "application/tlsrpt+gzip"]
    return json.loads(gzip.decompress(packed[0].get_payload(decode=True)))


@pytest.fixture(scope="module")
def sent(world):
    """The reports by domain, of one good session and one without STARTTLS."""
    w = world
    w.peer(11)
    w.send([CAROL], "good")
    w.arrives(w.b, CAROL, "good")
    for domain in ("clear", "silent", "web", "port", "other"):
        w.send([f"x@{domain}.example"], domain)
        w.logged("relay.answered result=sent", f"to=x@{domain}.example")
    eventually(lambda: len(counted(w)) == 6, lambda: str(counted(w)))
    set_back(w)
    eventually(lambda: len(reports(w)) == 2, lambda: w.a.log()[-4000:])
    return {m["TLS-Report-Domain"]: m for m in reports(w)}


def test_a_report_of_success(sent):
    report = report_of(sent["b.example"])
    (policy,) = report["policies"]
    assert policy["policy"] == {"policy-type": "no-policy-found", "policy-domain": "b.example"}
    assert policy["summary"] == {"total-successful-session-count": 1, "total-failure-session-count": 0}
    assert "failure-details" not in policy
    begin, end = report["date-range"]["start-datetime"], report["date-range"]["end-datetime"]
    assert begin[:10] == end[:10] and begin.endswith("T00:00:00Z") and end.endswith("T23:59:59Z")


def test_a_report_of_failure(sent):
    (policy,) = report_of(sent["clear.example"])["policies"]
    assert policy["summary"] == {"total-successful-session-count": 0, "total-failure-session-count": 1}
    (failure,) = policy["failure-details"]
    assert failure == {"result-type": "starttls-not-supported", "sending-mta-ip": "127.0.0.1",
                       "receiving-mx-hostname": "mx.clear.example", "receiving-ip": "127.0.0.11", "failed-session-count": 1}


def test_the_letter(world, sent):
    """Section 5.3: its fields, and who signed it."""
    for domain, m in sent.items():
        report = report_of(m)
        subject = " ".join(m["Subject"].split())
        assert subject == f"Report Domain: {domain} Submitter: example.org Report-ID: <{report['report-id']}>"
        assert m["TLS-Report-Submitter"] == "example.org" and report["contact-info"] == "postmaster@example.org"
        assert m["TLS-Required"] == "No" and m["Return-Path"] == "<>"
        assert m.get_content_type() == "multipart/report" and m.get_param("report-type") == "tlsrpt"
        (name,) = [p.get_filename() for p in m.walk() if p.get_filename()]
        assert name.startswith(f"example.org!{domain}!") and name.endswith(".json.gz")


def test_it_is_signed(world, sent):
    records = [json.loads(line) for line in world.a.run("domain", "dkim", "list", "example.org", "--json").stdout.splitlines()]
    texts = {f"{r['selector']}._domainkey.example.org.": r["record"].encode() for r in records}
    for m in sent.values():
        octets = m.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert dkim.verify(octets, dnsfunc=lambda name, timeout=5: texts.get(name.decode()))


def test_over_https(world, sent):
    """Section 5.4, and 5.5: the server is away at first."""
    eventually(lambda: len(world.web.got) > 1, lambda: world.a.log()[-4000:])
    world.logged("report.post_failed", "domain=web.example", "503")
    world.logged("report.sent", "domain=web.example")
    (path, kind, first), (_, _, again) = world.web.got
    assert path == "/v1/tls?a=b" and kind == "application/tlsrpt+gzip"
    report = json.loads(gzip.decompress(again))
    assert report == json.loads(gzip.decompress(first))
    (policy,) = report["policies"]
    assert policy["policy"]["policy-domain"] == "web.example"
    assert policy["summary"] == {"total-successful-session-count": 0, "total-failure-session-count": 1}


def test_another_port_is_not_for_strangers_to_choose(world, sent):
    world.logged("report.not_sent", "domain=port.example", "port 443")


def test_what_is_not_told_is_forgotten(world, sent):
    """Who asks for none, or wants them where none are sent, has none; and nothing was counted of the reports themselves."""
    world.logged("report.no_address", "domain=other.example")
    eventually(lambda: counted(world) == {}, lambda: str(counted(world)))


def test_once_only(world, sent):
    before = len(reports(world))
    set_back(world)
    world.send([CAROL], "after")
    world.arrives(world.b, CAROL, "after")
    assert len(reports(world)) == before
