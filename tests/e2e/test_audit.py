# SPDX-License-Identifier: ISC
"""`letterlock audit` in a network of its own: zones that ldnsutils signed, and servers that do right, do wrong, or have
somebody in between. What it says of versions and ciphers beside sslscan's, of Postfix beside Postfix's posttls-finger.
"""
import contextlib
import hashlib
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import pytest

from conftest import ROOT, build_folder
from namespace import ADDRESS, namespace
from zones import free_port, name_server

EVIL = "\x1b[2J<script>alert(1)</script>\"'\xff"
WEB = r'''
import http.server, pathlib, ssl, sys
root = pathlib.Path(sys.argv[1])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        file = root / self.headers["Host"].split(":")[0] / self.path.partition("?")[0].lstrip("/")
        body = file.read_bytes() if ".." not in self.path and file.is_file() else None
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer((sys.argv[2], 443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[3], sys.argv[4])
server.socket = context.wrap_socket(server.socket, server_side=True)
(root / "ready").touch()
server.serve_forever()
'''


def openssl(*words, stdin=b""):
    return subprocess.run(["openssl", *map(str, words)], input=stdin, check=True, capture_output=True).stdout


def tlsa(certificate):
    """The record that names this certificate's key, by openssl."""
    key = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    return "3 1 1 " + hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", stdin=key)).hexdigest()


class Network:
    """The servers and the zones; each host of a zone has an address of its own in 127/8."""

    def __init__(self, net, folder):
        self.net, self.folder = net, folder
        self.listeners, self.zones, self.hosts = [], {}, 0
        self.log = folder / "smtp.log"
        self.web = folder / "web"
        self.web.mkdir()
        self.certificates = {}

    # ---- certificates ----

    def certificate(self, name, *, ca=True, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), days=20, past=False):
        """Of the authority of the network, or by itself; for one name."""
        certificate, secret, names, request = (self.folder / f"{name}-{len(self.certificates)}.{kind}"
                                               for kind in ("pem", "key", "names", "csr"))
        names.write_text(f"subjectAltName=DNS:{name}")
        openssl("req", "-newkey", *key, "-nodes", "-subj", f"/CN={name}", "-keyout", secret, "-out", request)
        sign = ("-CA", self.net.folder / "trusted/ca-certificates.crt", "-CAkey", self.net.folder / "ca.key",
                "-CAcreateserial") if ca else ("-signkey", secret)
        command = ["openssl", "x509", "-req", "-in", request, *sign, "-days", days, "-extfile", names,
                   "-out", certificate]
        subprocess.run([*(("faketime", "-f", "-60d") if past else ()), *map(str, command)], check=True, capture_output=True)
        self.certificates[certificate] = secret
        return certificate

    # ---- hosts and zones ----

    def server(self, face, certificate=None, port=25, **more):
        """Another server; its address."""
        self.hosts += 1
        address = f"127.0.2.{self.hosts}"
        listener = {"at": [address, port], "face": face, **more}
        if certificate is not None:
            listener |= {"certificate": str(certificate), "key": str(self.certificates[certificate])}
        self.listeners.append(listener)
        return address

    def zone(self, name, *servers, lines=""):
        """A domain whose MX hosts mx1, mx2 … have these addresses."""
        text = "".join(f"@ 60 IN MX {10 * i} mx{i}\nmx{i} 60 IN A {address}\n" for i, address in enumerate(servers, 1))
        self.zones[name] = text + lines

    def policy(self, domain, text):
        folder = self.web / f"mta-sts.{domain}" / ".well-known"
        folder.mkdir(parents=True)
        (folder / "mta-sts.txt").write_text(text)


def fill(n):
    """All domains of the tests."""
    mx = n.certificate("mx1.good.example")
    weak = n.certificate("mx1.plain.example", ca=False, key=("rsa:1024",))
    good = n.server("tls", mx)
    n.zone("good.example", good, lines=f"_25._tcp.mx1 60 IN TLSA {tlsa(mx)}\n"
           "_mta-sts 60 IN TXT \"v=STSv1; id=20261127;\"\n_smtp._tls 60 IN TXT \"v=TLSRPTv1; rua=mailto:tls@good.example\"\n"
           "@ 60 IN TXT \"v=spf1 mx -all\"\n_dmarc 60 IN TXT \"v=DMARC1; p=reject; rua=mailto:d@good.example\"\n"
           f"mta-sts 60 IN A {ADDRESS}\nopenpgpkey 60 IN A {ADDRESS}\n")
    n.policy("good.example", "version: STSv1\r\nmode: enforce\r\nmx: mx1.good.example\r\nmax_age: 2419200\r\n")
    (n.web / "openpgpkey.good.example/.well-known/openpgpkey/good.example").mkdir(parents=True)
    (n.web / "openpgpkey.good.example/.well-known/openpgpkey/good.example/policy").write_text("")

    other = "3 1 1 " + "00" * 32
    n.zone("wrong.example", n.server("tls", n.certificate("mx1.wrong.example")), lines=f"_25._tcp.mx1 60 IN TLSA {other}\n")
    rolling = n.certificate("mx1.rolling.example", ca=False)
    n.zone("rolling.example", n.server("tls", rolling),
           lines=f"_25._tcp.mx1 60 IN TLSA {tlsa(rolling)}\n_25._tcp.mx1 60 IN TLSA {other}\n_25._tcp.mx1 60 IN TLSA 1 1 1 "
           + "11" * 32 + "\n")
    unsigned = n.certificate("mx1.unsigned.example")
    n.zone("unsigned.example", n.server("tls", unsigned), lines=f"_25._tcp.mx1 60 IN TLSA {tlsa(unsigned)}\n")
    n.zone("bogus.example", good)
    n.zone("plain.example", n.server("none"), n.server("tls", weak), lines="_dmarc 60 IN TXT \"v=DMARC1; p=none\"\n")
    n.zone("null.example", lines="@ 60 IN MX 0 .\n@ 60 IN TXT \"v=spf1 -all\"\n_dmarc 60 IN TXT \"v=DMARC1; p=reject\"\n")
    n.zone("alias.example", lines="@ 60 IN MX 1 mail\nmail 60 IN CNAME real\n" f"real 60 IN A {good}\n"
           "@ 60 IN MX 2 nowhere\n")
    n.zone("implicit.example", lines=f"@ 60 IN A {good}\n")
    n.zone("nothing.example", lines="")
    n.zone("elsewhere.example", lines="")
    n.zone("example", lines="")  # DMARC's tree walk comes here too
    n.zone("paths.example", lines=f"@ 60 IN MX 1 mx1\nmx1 60 IN A {good}\nmx1 60 IN A {n.server('none')}\n")
    for face in ("hidden", "masked", "clear", "behind", "broken", "refuses"):
        n.zone(f"{face}.example", n.server(face, mx))
    n.zone("busy.example", n.server("busy"))
    n.zone("silent.example", n.server("silent"))
    n.zone("evil.example", n.server("tls", mx, greeting=f"220 {EVIL}\r\n"))
    n.zone("expired.example", n.server("tls", n.certificate("mx1.expired.example", past=True)))
    n.zone("name.example", n.server("tls", n.certificate("else.example")))
    sts = n.certificate("mx1.sts.example")
    n.zone("sts.example", n.server("tls", sts), n.server("tls", n.certificate("mx2.sts.example", ca=False)),
           lines="_smtp._tls 60 IN TXT \"v=TLSRPTv1; rua=ftp://x.example\"\n" f"_mta-sts 60 IN TXT \"v=STSv1; id=1;\"\nmta-sts 60 IN A {ADDRESS}\n")
    n.policy("sts.example", "version: STSv1\nmode: enforce\nmx: mx1.sts.example\nmax_age: 3600\n")
    n.zone("testing.example", n.server("tls", n.certificate("mx1.testing.example")),
           lines="_smtp._tls 60 IN TXT \"v=TLSRPTv1; rua=mailto:a@b.example\"\n"
           "_smtp._tls 60 IN TXT \"v=TLSRPTv1; rua=mailto:c@b.example\"\n" f"_mta-sts 60 IN TXT \"v=STSv1; id=1;\"\nmta-sts 60 IN A {ADDRESS}\n")
    n.policy("testing.example", "version: STSv1\nmode: testing\nmx: *.testing.example\nmax_age: 604800\n")
    many = "v=spf1 " + " ".join(f"a:a{i}.many-spf.example" for i in range(11)) + " -all"
    for name, text in (("all", "v=spf1 +all"), ("maybe", "v=spf1 mx ?all"), ("soft", "v=spf1 mx ~all"), ("many", many),
                       ("broken", "v=spf1 nonsense:x -all"), ("twice", "v=spf1 -all\"\n@ 60 IN TXT \"v=spf1 mx -all")):
        n.zone(f"{name}-spf.example", good, lines=f'@ 60 IN TXT "{text}"\n'
               + "".join(f"a{i} 60 IN A {good}\n" for i in range(11)))
    rsa = n.certificate("key.example", ca=False, key=("rsa:2048",))
    small = n.certificate("key.example", ca=False, key=("rsa:1024",))

    def dkim(certificate):
        text = "".join(openssl("x509", "-in", certificate, "-noout", "-pubkey").decode().split("\n")[1:-2])
        whole = "v=DKIM1; k=rsa; p=" + text
        return " ".join(f'"{whole[i:i + 200]}"' for i in range(0, len(whole), 200))
    n.zone("keys.example", good, lines=f"good._domainkey 60 IN TXT {dkim(rsa)}\nsmall._domainkey 60 IN TXT {dkim(small)}\n"
           "gone._domainkey 60 IN TXT \"v=DKIM1; p=\"\nbroken._domainkey 60 IN TXT \"v=DKIM1; p=!!\"\n"
           "_dmarc 60 IN TXT \"v=DMARC1; p=quarantine; rua=mailto:x@elsewhere.example\"\n"
           "_smtp._tls 60 IN TXT \"v=TLSRPTv1; RUA=mailto:tls@keys.example\"\n"
           f"_submissions._tcp 60 IN SRV 0 1 465 key\n_imaps._tcp 60 IN SRV 0 0 0 .\nkey 60 IN A "
           f"{n.server('implicit', rsa, port=465)}\n")


@pytest.fixture(scope="module")
def network():
    if shutil.which("faketime") is None:
        pytest.skip("no faketime")
    with tempfile.TemporaryDirectory(prefix="letterlock-audit-", ignore_cleanup_errors=True) as text, \
            contextlib.ExitStack() as stack:
        folder = pathlib.Path(text)
        folder.chmod(0o755)
        net = stack.enter_context(namespace(folder / "net" if (folder / "net").mkdir() is None else None))
        n = Network(net, folder)
        fill(n)
        signed = dict.fromkeys(("good.example", "wrong.example", "rolling.example", "bogus.example", "null.example"))
        stack.enter_context(name_server(folder / "dns", n.zones, port=53, launcher=net.launcher, signed=signed))
        # Another resolver, who says something else of one domain.
        stack.enter_context(name_server(folder / "other", {"good.example": "@ 60 IN MX 10 mx.thief.example.\n",
                            "plain.example": n.zones["plain.example"]}, address="127.0.0.2", port=53, launcher=net.launcher))
        digest = signed["bogus.example"].split()[-1]
        signed["bogus.example"] = signed["bogus.example"].replace(digest, ("0" if digest[0] != "0" else "1") + digest[1:])
        (folder / "anchors").write_text("".join(signed.values()))
        web = net.make_certificate("mta-sts.good.example", "mta-sts.sts.example", "mta-sts.testing.example",
                                   "openpgpkey.good.example")
        (folder / "faces.json").write_text(json.dumps({"log": str(n.log), "listeners": n.listeners}))
        (folder / "web.py").write_text(WEB)
        for words, ready in (((ROOT / "tests/e2e/smtp_faces.py", folder / "faces.json"), pathlib.Path(f"{n.log}.ready")),
                             ((folder / "web.py", n.web, ADDRESS, *web), n.web / "ready")):
            process = subprocess.Popen([*net.launcher, sys.executable, *map(str, words)])
            stack.callback(process.wait)
            stack.callback(process.kill)
            end = time.monotonic() + 20
            while not ready.exists():
                assert process.poll() is None and time.monotonic() < end, f"{words} does not start"
                time.sleep(0.05)
        yield n


def letterlock(n, *words, check=None, **more):
    done = n.net.run(build_folder() / "letterlock", "audit", "--dnssec-anchors", n.folder / "anchors", *words, check=False,
                     environment={"HOME": str(n.folder), **more.pop("environment", {})}, **more)
    assert b"Sanitizer" not in done.stderr, done.stderr.decode()
    assert check is None or done.returncode == check, f"{done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}"
    return done


class Audit:
    def __init__(self, n, *words, check=None, **more):
        self.done = letterlock(n, *words, "--json", check=check, **more)
        self.json = json.loads(self.done.stdout)
        self.host = {host["name"]: host for host in self.json["hosts"]}

    def results(self, check, subject=None):
        return [f["result"] for f in self.json["findings"]
                if f["check"] == check and (subject is None or f.get("subject", "").startswith(subject))]

    def found(self, check):
        return [f["found"] for f in self.json["findings"] if f["check"] == check]

    def worst(self):
        return {f["check"]: f["found"] for f in self.json["findings"] if f["result"] in ("bad", "weak")}


def test_a_domain_in_order(network):
    a = Audit(network, "good.example")
    assert not a.worst(), a.worst()
    assert a.done.returncode == 0 and a.json["verdict"].startswith("Letters to this domain travel encrypted, and senders can")
    for check in ("dnssec", "mx", "mx-resolves", "reach", "starttls", "tls-versions", "tls-old-versions", "tls-cipher",
                  "tls-weak-ciphers", "cert-name", "cert-chain", "cert-time", "cert-key", "dane", "dane-match", "dane-rollover",
                  "mta-sts", "mta-sts-policy", "mta-sts-mode", "mta-sts-hosts", "mta-sts-max-age", "tls-rpt", "enforced", "spf", "spf-all", "spf-lookups",
                  "dmarc",
                  "dmarc-policy", "dmarc-reports", "wkd"):
        assert a.results(check) == ["good"], (check, a.found(check))
    host = a.host["mx1.good.example"]
    assert host["lock"] == "closed" and host["dnssec"] and len(host["tlsa"]) == 1
    tls = host["addresses"][0]["tls"]
    assert tls["versions"] == {"SSL 3.0": False, "TLS 1.0": False, "TLS 1.1": False, "TLS 1.2": True, "TLS 1.3": True}
    assert tls["certificate"]["covers_name"] and tls["certificate"]["authorities"] and tls["certificate"]["dane"]
    assert not any("advice" in f for f in a.json["findings"] if f["result"] == "good")


def test_nothing_is_sent_and_goodbye_is_said(network):
    network.log.unlink(missing_ok=True)
    letterlock(network, "plain.example")
    said = [line.split(" ", 2)[2].split()[0] for line in network.log.read_text().splitlines() if line.split()[2] != "broke"]
    assert set(said) == {"EHLO", "STARTTLS", "QUIT"} and said.count("QUIT") == 2  # one of each server; a probe has none


def test_dane(network):
    a = Audit(network, "wrong.example", check=1)
    assert a.results("dane") == ["good"] and a.results("dane-match") == ["bad"] and a.results("enforced") == ["weak"]
    assert a.host["mx1.wrong.example"]["lock"] == "loose"
    a = Audit(network, "rolling.example")
    assert a.results("dane-match") == ["good"] and a.results("dane-rollover") == ["note", "note"], a.found("dane-rollover")
    assert a.results("cert-chain") == ["note"]  # with DANE nobody needs to vouch for it
    assert a.host["mx1.rolling.example"]["lock"] == "closed"
    a = Audit(network, "unsigned.example", check=1)
    assert a.results("dane") == ["weak"] and a.results("dnssec") == ["weak"] and not a.results("dane-match")


def test_forged_and_missing_names(network):
    a = Audit(network, "bogus.example", check=1)
    assert a.results("mx") == ["bad"] and "DNSSEC" in a.found("mx")[0] and not a.json["hosts"]
    assert a.json["verdict"].startswith("What DNS says of this domain is forged or wrongly signed"), a.json["verdict"]
    a = Audit(network, "null.example", check=0)
    assert a.results("mx") == ["note"] and "takes no mail" in a.json["verdict"]
    a = Audit(network, "alias.example", check=1)
    assert a.results("mx-alias", "mail.alias.example") == ["weak"]
    assert a.results("mx-resolves", "nowhere.alias.example") == ["bad"]
    a = Audit(network, "implicit.example", check=1)
    assert a.results("mx") == ["weak"] and list(a.host) == ["implicit.example"]
    a = Audit(network, "nothing.example", check=1)
    assert a.results("mx") == ["bad"] and a.json["verdict"].startswith("Nobody can write")


def test_resolvers_are_compared(network):
    a = Audit(network, "plain.example", "--resolver", "127.0.0.1", "--resolver", "127.0.0.2", check=1)
    assert a.results("mx-agree") == ["good"]
    a = Audit(network, "unsigned.example", "--resolver", "127.0.0.1", "--resolver", "127.0.0.2", check=1)
    assert a.results("mx-agree") == ["unknown"]  # that one knows no such zone, and refuses
    (network.folder / "none").write_text("")
    a = Audit(network, "good.example", "--dnssec-anchors", network.folder / "none", "--resolver", "127.0.0.1", "--resolver",
              "127.0.0.2", check=1)
    assert a.results("mx-agree") == ["weak", "weak"] and "mx.thief.example" in a.found("mx-agree")[0]


@pytest.mark.parametrize("face", ["hidden", "masked", "clear"])
def test_stripping_is_seen(network, face):
    a = Audit(network, f"{face}.example", check=1)
    assert a.results("starttls-stripped") == ["bad"], a.json["findings"]
    assert a.json["verdict"].startswith("Something on the way takes the encryption away")
    assert a.host[f"mx1.{face}.example"]["lock"] == "open"
    words = {"hidden": "taken away", "masked": "XXXXXXXA", "clear": "500 what?"}[face]
    assert words in a.found("starttls-stripped")[0]


def test_no_tls_or_broken(network):
    a = Audit(network, "plain.example", check=1)
    assert a.results("starttls", "mx1") == ["bad"] and a.results("starttls", "mx2") == ["good"]
    assert "to some of its servers, and in clear to others" in a.json["verdict"]
    assert a.host["mx1.plain.example"]["lock"] == "open" and a.results("cert-key") == ["weak"]
    assert a.results("dmarc-policy") == ["weak"] and a.results("dmarc-reports") == ["note"]
    a = Audit(network, "behind.example", check=1)
    assert a.results("starttls-behind") == ["bad"]
    a = Audit(network, "broken.example", check=1)
    assert a.results("handshake") == ["bad"] and a.host["mx1.broken.example"]["lock"] == "open"
    a = Audit(network, "refuses.example", check=1)
    assert a.results("starttls") == ["bad"] and "454" in a.found("starttls")[0]
    a = Audit(network, "paths.example", check=1)
    assert a.results("starttls-paths") == ["bad"]


def test_certificates(network):
    a = Audit(network, "expired.example", check=1)
    assert a.results("cert-time") == ["weak"] and a.results("cert-name") == ["good"] and a.results("cert-chain") == ["weak"]
    a = Audit(network, "name.example", check=1)
    assert a.results("cert-name") == ["weak"] and "else.example" in a.found("cert-name")[0]
    assert a.results("cert-chain") == ["good"]


def test_mta_sts(network):
    a = Audit(network, "sts.example", check=1)
    assert a.results("mta-sts-hosts", "mx1") == ["good"] and a.results("mta-sts-hosts", "mx2") == ["bad"]
    assert a.results("mta-sts-cert") == ["bad"] and a.results("mta-sts-max-age") == ["weak"]
    assert a.results("enforced") == ["weak"]
    assert Audit(network, "wrong.example").results("tls-rpt") == ["note"]
    assert a.results("tls-rpt") == ["weak"] and "ftp" in a.found("tls-rpt")[0]
    a = Audit(network, "testing.example", check=1)
    assert a.results("tls-rpt") == ["weak"] and "2 records" in a.found("tls-rpt")[0]
    assert a.results("mta-sts-mode") == ["note"] and a.results("mta-sts-hosts") == ["good"]
    assert "not enforced" in a.found("enforced")[0]


def test_spf(network):
    for name, check, result in (("all", "spf-all", "bad"), ("maybe", "spf-all", "weak"), ("soft", "spf-all", "good"),
                                ("twice", "spf", "bad"), ("broken", "spf", "bad"), ("many", "spf-lookups", "bad")):
        a = Audit(network, f"{name}-spf.example", check=1)
        assert a.results(check)[-1:] == [result], (name, [f for f in a.json["findings"] if f["check"].startswith("spf")])
    assert Audit(network, "plain.example").results("spf") == ["weak"]


def test_keys_and_services(network):
    a = Audit(network, "keys.example", *(w for s in ("good", "small", "gone", "broken", "none") for w in ("--selector", s)))
    assert {s: a.results("dkim", s)[0] for s in ("good", "small", "gone", "broken", "none")} == {
        "good": "good", "small": "good", "gone": "note", "broken": "bad", "none": "weak"}
    assert a.results("tls-rpt") == ["weak"] and "as good as none" in a.found("tls-rpt")[0]  # names are in small letters
    assert a.results("dkim-key", "good") == ["good"] and a.results("dkim-key", "small") == ["weak"]
    assert a.results("dmarc-policy") == ["good"] and a.results("dmarc-reports") == ["weak"]  # elsewhere.example did not agree
    assert a.results("services", "key.keys.example:465") == ["weak"] and "note" in a.results("services")
    assert Audit(network, "plain.example").results("dkim") == ["unknown"]


def test_who_cannot_be_asked(network):
    a = Audit(network, "--server", "127.0.9.9", check=3)
    assert a.results("reach") == ["unknown"]
    at = next(x["at"][0] for x in network.listeners if x["face"] == "none")
    a = Audit(network, "--server", "127.0.9.9", "--server", at, check=1)
    assert a.results("reach", "127.0.9.9") == ["weak"]  # the other one was reached from here
    a = Audit(network, "busy.example")
    assert a.results("reach") == ["weak"] and "421" in a.found("reach")[0]
    done = letterlock(network, "good.example", "--resolver", "127.0.9.9", "--timeout", "8", check=3)
    assert b"Nothing could be asked" in done.stdout
    begin = time.monotonic()
    letterlock(network, "--server", "silent.example", "--server", network.listeners[-1]["at"][0] + ":465",
               "--server", next(x["at"][0] for x in network.listeners if x["face"] == "silent"), "--timeout", "2")
    assert time.monotonic() - begin < 8
    for words in ((), ("a", "b"), ("bad..name",), ("x.example", "--timeout", "0"), ("x.example", "--port", "99999"),
                  ("x.example", "--resolver", "name"), ("x.example", "--hello", "a b")):
        letterlock(network, *words, check=2)


def test_servers_by_name_without_dns(network):
    at = next(x["at"][0] for x in network.listeners if x["face"] == "tls")
    a = Audit(network, "--server", f"{at}:25", "--resolver", "127.0.9.9", check=1)  # nobody is asked
    assert a.results("starttls") == ["good"] and not a.results("mx") and not a.results("dmarc")
    assert a.json["verdict"].startswith("Letters to these servers travel encrypted.")


# ---- how it is said ----

def test_words_of_others_do_no_harm(network):
    page = network.folder / "evil.html"
    for environment in ({"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}):
        text = letterlock(network, "evil.example", "--html", page, environment=environment).stdout
        assert b"\x1b" not in text and b"\xff" not in text and b"it greets:" in text
        assert ("✔".encode() in text) == (environment["LC_ALL"] != "C")
        assert all(len(line) <= 100 for line in text.decode().splitlines())
    assert "\x1b" not in json.dumps(Audit(network, "evil.example").json, ensure_ascii=False).replace("\\u001b", "")

    class Strict(html.parser.HTMLParser):
        open, seen = [], []

        def handle_starttag(self, tag, attrs):
            assert not any(name.startswith("on") or name in ("style", "href", "src") for name, _ in attrs), (tag, attrs)
            self.seen.append(tag)
            if tag not in ("meta", "rect", "circle", "path"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            if tag not in ("rect", "circle", "path"):
                assert self.open.pop() == tag
    strict = Strict()
    strict.feed(page.read_text())
    strict.close()
    assert not strict.open and "script" not in strict.seen and strict.seen.count("svg") == 1


@pytest.fixture(scope="module")
def browser():
    """look(file) -> what a browser saw of that page."""
    if not all(map(shutil.which, ("node", "npm", "chromium"))):
        pytest.skip("node, npm or chromium is not installed")
    folder = build_folder() / f"audit-node-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", "look.mjs"):
        shutil.copy(ROOT / "tests" / "page" / name, folder / name)
    ready = build_folder() / "page-node" / "node_modules"
    if (ready / "axe-core").exists():
        (folder / "node_modules").symlink_to(ready)
    else:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, capture_output=True,
                              timeout=180)
        if done.returncode != 0:
            pytest.skip("npm could not install playwright-core and axe-core: " + done.stderr.decode()[-200:])

    def look(pages):
        asked = {"base": "file://", "pages": {name: str(path) for name, path in pages.items()},
                 "folder": os.environ.get("LETTERLOCK_SHOTS", str(folder))}
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        done = subprocess.run(["node", "look.mjs"], cwd=folder, input=json.dumps(asked), env=environment, text=True,
                              capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    yield look
    shutil.rmtree(folder, ignore_errors=True)


def test_the_page_in_a_browser(network, browser):
    """Light, dark and 320 points wide: nothing runs, nothing is fetched, nothing is too wide, all can be read."""
    pages = {}
    for domain in ("plain.example", "evil.example"):
        pages[domain.partition(".")[0]] = network.folder / f"{domain}.html"
        letterlock(network, domain, "--html", network.folder / f"{domain}.html")
        pages[domain.partition(".")[0]].chmod(0o644)
    for name, seen in browser(pages).items():
        assert not seen["found"], (name, seen["found"])
        assert seen["size"]["wide"] <= seen["size"]["window"], (name, seen["size"])
        assert not [text for text in seen["said"] if "Content Security" not in text], (name, seen["said"])
        assert all(url.startswith("file://") for url in seen["asks"]), seen["asks"]


# ---- beside others ----

@pytest.mark.parametrize("low,high,ciphers", [("1.0", "1.0", "DEFAULT:@SECLEVEL=0"), ("1.0", "1.3", "ALL:@SECLEVEL=0"),
                                              ("1.1", "1.2", "DEFAULT:@SECLEVEL=0"), ("1.2", "1.2", "AES128-GCM-SHA256"),
                                              ("1.2", "1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
                                              ("1.3", "1.3", "DEFAULT"), ("1.2", "1.2", "NULL-SHA256:@SECLEVEL=0")])
def test_versions_beside_sslscan(tmp_path, low, high, ciphers):
    if shutil.which("sslscan") is None:
        pytest.skip("no sslscan")
    port, key = free_port(), tmp_path / "key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=localhost", "-keyout", key, "-out",
            tmp_path / "pem")
    (tmp_path / "faces.json").write_text(json.dumps({"log": str(tmp_path / "log"), "listeners": [
        {"at": ["127.0.0.1", port], "face": "tls", "certificate": str(tmp_path / "pem"), "key": str(key), "low": low,
         "high": high, "ciphers": ciphers}]}))
    process = subprocess.Popen([sys.executable, ROOT / "tests/e2e/smtp_faces.py", tmp_path / "faces.json"])
    try:
        end = time.monotonic() + 20
        while not (tmp_path / "log.ready").exists():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.05)
        done = subprocess.run([build_folder() / "letterlock", "audit", "--server", f"localhost:{port}", "--json"],
                              capture_output=True, timeout=60, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
        look = json.loads(done.stdout)["hosts"][0]["addresses"][0]
        scan = subprocess.run(["sslscan", "--starttls-smtp", "--no-colour", f"--xml={tmp_path / 'xml'}", f"localhost:{port}"],
                              capture_output=True, timeout=120)
        assert scan.returncode == 0, scan.stderr
    finally:
        process.kill()
        process.wait()
    root = xml.etree.ElementTree.parse(tmp_path / "xml").getroot()
    theirs = {f"TLS {p.get('version')}": p.get("enabled") == "1" for p in root.iter("protocol") if p.get("type") == "tls"}
    suites = {int(c.get("id"), 16) for c in root.iter("cipher")}
    if "NULL" in ciphers:  # libssl makes no such connection, and the hello of our own is answered
        assert look["tls_error"] and "RSA_WITH_NULL_SHA256" in done.stdout.decode()
        return
    # A version without a suite that fits is none: sslscan names what the server has in principle.
    accepted = {f"TLS {c.get('sslversion')[4:]}" for c in root.iter("cipher")}
    ours = {name for name, yes in look["tls"]["versions"].items() if yes}
    assert ours == accepted and accepted <= {name for name, yes in theirs.items() if yes}
    static = {0x009c, 0x009d, 0x002f, 0x0035, 0x003c, 0x003d} & suites
    assert bool(look["tls"]["weak_ciphers"]) == bool(static), (look["tls"]["weak_ciphers"], static)


@pytest.fixture(scope="module")
def postfix():
    script = pathlib.Path(os.environ.get("LETTERLOCK_TESTDATA", "/nowhere")) / "peers" / "postfix.sh"
    if not script.exists() or os.geteuid() != 0:
        pytest.skip("servers of others are started by scripts in LETTERLOCK_TESTDATA, as root")
    with tempfile.TemporaryDirectory(prefix="letterlock-postfix-", ignore_cleanup_errors=True) as folder:
        environment = {**os.environ, "PEER_DIR": folder, "PORT": str(free_port()), "DOMAIN": "peer.test", "NUSERS": "1"}
        done = subprocess.run([script, "up"], env=environment, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"Postfix does not start: {done.stderr[-300:]}")
        try:
            yield pathlib.Path(folder), int(environment["PORT"])
        finally:
            subprocess.run([script, "down"], env=environment, check=True, timeout=60)


def test_postfix_beside_posttls_finger(postfix, tmp_path):
    folder, port = postfix
    words = [build_folder() / "letterlock", "audit", "--server", f"localhost:{port}", "--json"]
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    with_tls = json.loads(subprocess.run(words, capture_output=True, env=environment, timeout=60).stdout)
    look = with_tls["hosts"][0]["addresses"][0]
    env = {**os.environ, "MAIL_CONFIG": str(folder / "conf")}
    finger = subprocess.run([folder / "ns", "posttls-finger", "-c", "-L", "summary", "-l", "may", "-d", "sha256",
                             f"[127.0.0.1]:{port}"], capture_output=True, text=True, timeout=60, env=env)
    said = finger.stdout + finger.stderr
    assert f"{look['tls']['version'].replace(' ', 'v')} with cipher {look['tls']['cipher']}" in said, said
    certificate = subprocess.run([folder / "ns", "posttls-finger", "-c", "-L", "certmatch,summary", "-l", "fingerprint", "-d",
                                  "sha256", f"[127.0.0.1]:{port}"], capture_output=True, text=True, timeout=60, env=env)
    assert look["tls"]["certificate"]["pin"].upper() in (certificate.stdout + certificate.stderr).replace(":", ""), certificate
    assert "STARTTLS" in look["hello"] and look["starttls_offered"] and look["greeting"].startswith("mx.peer.test ESMTP")
    with_findings = {f["check"]: f["result"] for f in with_tls["findings"]}
    assert with_findings["starttls"] == "good" and with_findings["tls-versions"] == "good"

    subprocess.run([folder / "ns", "postconf", "-c", folder / "conf", "smtpd_tls_security_level=none"], check=True, timeout=60)
    subprocess.run([folder / "ns", "postfix", "-c", folder / "conf", "reload"], check=True, capture_output=True, timeout=60)
    end = time.monotonic() + 20
    while True:
        without = json.loads(subprocess.run(words, capture_output=True, env=environment, timeout=60).stdout)
        if not without["hosts"][0]["addresses"][0]["starttls_offered"]:
            break
        assert time.monotonic() < end, "Postfix goes on with STARTTLS"
        time.sleep(0.2)
    assert {f["check"]: f["result"] for f in without["findings"]}["starttls"] == "bad"
    assert "travel in clear" in without["verdict"]
