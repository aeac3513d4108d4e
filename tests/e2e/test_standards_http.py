# SPDX-License-Identifier: ISC
"""HTTP clause by clause (RFC 9110, 9112), and the Web Key Directory (draft-koch-openpgp-webkey-service), by bare sockets: on
each port that speaks HTTP."""
import hashlib
import re
import ssl
import time
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import Exchange
from standards import Wire
from test_autoconfig import PROVIDER, WELL_KNOWN
from test_directory import gpg, upload  # noqa: F401 (a fixture)

PORTS = ("http", "https", "hkp", "metrics")
HOST = b"Host: autoconfig.example.org\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Exchange(tmp_path_factory.mktemp("standards"), {"hostname": '"mail.example.org"', "connections_peer": "400", "port_metrics": "0"}, accounts=())
    one.start()
    yield one
    one.stop()


class Web(Wire):
    def __init__(self, exchange, port="http"):
        super().__init__(exchange, port)
        if port == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)

    def answer(self, head=False):
        """Status, fields (names in lower case, in lists), body. What every answer must have is looked at."""
        line = self.line()
        matched = re.fullmatch(rb"HTTP/1\.1 ([1-5]\d\d) [\t\x20-\x7e]*\r\n", line)
        assert matched, line
        status, fields = int(matched.group(1)), {}
        while (line := self.line()) != b"\r\n":
            field = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*?)[ \t]*\r\n", line)
            assert field, line
            fields.setdefault(field.group(1).lower().decode(), []).append(field.group(2).decode())
        if status < 200:
            return status, fields, b""
        assert len(fields.get("date", [])) == 1 and re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", fields["date"][0]), fields
        assert "transfer-encoding" not in fields or "content-length" not in fields
        body = b""
        if not head and status not in (204, 304):
            size = int(fields["content-length"][0])
            while len(self.held) < size:
                got = self.socket.recv(65536)
                assert got
                self.held += got
            body, self.held = self.held[:size], self.held[size:]
        return status, fields, body

    def ask(self, octets, head=False):
        self.send(octets)
        return self.answer(head)


def target(port):
    return {"hkp": b"/pks/lookup?op=index&search=nobody@example.org", "metrics": b"/metrics"}.get(port, PROVIDER.encode())


# ---- RFC 9112: what is refused before it is understood ----

REFUSED = [
    (b"GET / HTTP/1.1\r\n\r\n", (400,), "9112 3.2: no Host"),
    (b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n", (400,), "9112 3.2: two Hosts"),
    (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", (400,), "9112 3.2: a Host that is none"),
    (b"GET / HTTP/1.1\r\nHost: x@y\r\n\r\n", (400,), "9112 3.2: userinfo in Host"),
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", (400,), "9112 5.1: white space before the colon"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n", (400,), "9112 5.1: white space before the colon of another"),
    (b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", (400,), "9112 2.2: white space before the first field"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\n\r\n", (400,), "9112 5.2: obs-fold"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", (400,), "9110 5.5: NUL in a value"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", (400,), "9112 2.2: bare CR"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", (400,), "9112 5: no field"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", (400,), "9110 5.1: no name"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX\xc3\xa4: y\r\n\r\n", (400,), "9110 5.1: a name of other letters"),
    (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", (400,), "9112 3: two spaces"),
    (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", (400,), "9112 3.2: white space in the target"),
    (b"GET HTTP/1.1\r\nHost: x\r\n\r\n", (400,), "9112 3: no target"),
    (b"GET a HTTP/1.1\r\nHost: x\r\n\r\n", (400,), "9112 3.2: no form of a target"),
    (b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", (400,), "9112 3: a space behind the version"),
    (b"GET / http/1.1\r\nHost: x\r\n\r\n", (400, 505), "9112 2.3: the name has a case"),
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", (400, 505), "9110 15.6.6: another major version"),
    (b"GET / HTTP/1\r\nHost: x\r\n\r\n", (400, 505), "9112 2.3: half a version"),
    (b"GET / HTTP/11.1\r\nHost: x\r\n\r\n", (400, 505), "9112 2.3: one digit"),
    (b"GET /\r\n\r\n", (400, 505), "HTTP/0.9"),
    (b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", (400, 501), "9110 9.1: no token"),
    (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", (405, 501), "9110 9.1: a method that nobody knows"),
    (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405, 501), "9110 9.1: methods have a case"),
    (b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", (400, 405, 501), "9110 9.3.6: no proxy"),
    (b"TRACE / HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n", (405, 501), "9110 9.3.8: nothing is sent back"),
    (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (400, 414), "9110 15.5.15"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000 + b"\r\n\r\n", (400, 431), "6585 5: one field too large"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n", (400, 431), "6585 5: too many"),
]
BODIES = [
    (b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", (400,), "9112 6.3: two lengths"),
    (b"Content-Length: 4, 5\r\n\r\nabcde", (400,), "9112 6.3: two in one"),
    (b"Content-Length: -1\r\n\r\n", (400,), "9110 8.6"),
    (b"Content-Length: +4\r\n\r\nabcd", (400,), "9110 8.6: a sign"),
    (b"Content-Length: 0x4\r\n\r\nabcd", (400,), "9110 8.6: hexadecimal"),
    (b"Content-Length: 4 4\r\n\r\nabcd", (400,), "9110 8.6: a space"),
    (b"Content-Length: \r\n\r\n", (400,), "9110 8.6: nothing"),
    (b"Content-Length: 18446744073709551617\r\n\r\n", (400, 413), "9110 8.6: overflow"),
    (b"Content-Length: 9999999999\r\n\r\n", (413,), "9110 15.5.14"),
    (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,), "9112 6.1: both"),
    (b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", (400, 501), "9112 6.1: chunked is not the last"),
    (b"Transfer-Encoding: gzip\r\n\r\n", (400, 501), "9112 6.1: unknown"),
    (b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (400, 501), "9112 6.1: unknown first"),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, 501), "9112 6.1: twice"),
    (b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", (400, 501), "9112 6.1: no chunked"),
    (b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", (400, 501), "9110 5.5: no white space"),
    (b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", (400,), "9112 7.1"),
    (b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", (400,), "9112 7.1"),
    (b"Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", (400,), "9112 7.1: a space behind the size"),
    (b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", (400, 413), "9112 7.1: overflow"),
    (b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", (400,), "9112 7.1: more than was said"),
    (b"Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", (400,), "9112 7.1: LF"),
    (b"Expect: something\r\nContent-Length: 1\r\n\r\na", (417,), "9110 10.1.1"),
]


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("octets, statuses, why", REFUSED, ids=[r[2] for r in REFUSED])
def test_requests_that_are_refused(server, port, octets, statuses, why):
    """And where a request ends that is none nobody knows: nothing behind it is taken for another."""
    with Web(server, port) as w:
        method = octets.split(b" ")[0]
        status, fields, body = w.ask(octets)
        assert status in statuses, (status, why)
        assert b"secret" not in body
        if status == 400:
            w.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            assert w.ended(), method


@pytest.mark.parametrize("rest, statuses, why", BODIES, ids=[b[2] + " " + repr(b[0][:30]) for b in BODIES])
def test_bodies_that_are_refused(server, rest, statuses, why):
    for port, where in (("hkp", b"/pks/add"), ("https", b"/autodiscover/autodiscover.xml")):
        with Web(server, port) as w:
            status, fields, _ = w.ask(b"POST " + where + b" HTTP/1.1\r\nHost: example.org\r\nContent-Type: text/xml\r\n" + rest)
            assert status in statuses, (port, status, why)


# ---- RFC 9112, 9110: what is understood ----

def steady(body):
    """Without what grows between two requests: the numbers of the metrics."""
    return re.sub(rb" [-+.e\d]+$", b"", body, flags=re.M) if body.startswith(b"# HELP") else body


@pytest.mark.parametrize("port", PORTS)
def test_one_connection_many_requests(server, port):
    """9112 9.3, 9.3.2: kept, pipelined, answered in order, in pieces; closed when the client says so or is of HTTP/1.0."""
    get = b"GET " + target(port) + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    with Web(server, port) as w:
        first = w.ask(get)
        for octet in get:
            w.send(bytes([octet]))
        again = w.answer()
        assert again[0] == first[0] and steady(again[2]) == steady(first[2])
        w.send(b"\r\n" + get + b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n" + get)  # 9112 2.2: an empty line before a request
        statuses = [w.answer()[0] for _ in range(3)]
        assert statuses[0] == statuses[2] == first[0]
        status, fields, _ = w.ask(get[:-2] + b"connection: keep-alive, CLOSE\r\n\r\n" + get)
        assert status == first[0] and fields["connection"] == ["close"] and w.ended()
    with Web(server, port) as w:
        status, fields, _ = w.ask(b"GET " + target(port) + b" HTTP/1.0\r\n" + HOST + b"\r\n" + get)
        assert status == first[0] and w.ended()
    with Web(server, port) as w:
        assert w.ask(b"GET " + target(port) + b" HTTP/1.9\r\n" + HOST + b"\r\n")[0] == first[0]  # 9110 2.5: a minor version


def around_head(server, port, where):
    """GET, HEAD and GET of one connection, when both GETs have the same body: metrics go on while others' connections end."""
    get = b"GET " + where + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    for _ in range(50):
        with Web(server, port) as w:
            first, head, last = w.ask(get), w.ask(get.replace(b"GET", b"HEAD", 1), head=True), w.ask(get)
        if first[2] == last[2]:
            return first, head, last
        time.sleep(0.1)
    raise AssertionError(f"{where} has never twice the same body")


@pytest.mark.parametrize("port", PORTS)
def test_head_is_get_without_a_body(server, port):
    """9110 9.3.2: the same fields; no body, also of what is not there; the next request is understood."""
    for where in (target(port), b"/nothing", b"/"):
        (status, fields, body), (again, short, _), last = around_head(server, port, where)
        assert again == status == last[0] and set(short) == set(fields)
        assert short.get("content-length") == [str(len(body))]


def test_a_target_in_absolute_form(server):
    """9112 3.2.2: it MUST be accepted, and its host counts in place of Host's."""
    with Web(server) as w:
        status, _, body = w.ask(b"GET http://autoconfig.example.org" + PROVIDER.encode() + b" HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n")
        assert status == 200 and b"<clientConfig" in body
        status, _, other = w.ask(b"GET http://autoconfig.example.org" + PROVIDER.encode() + b" HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert status == 200 and other == body


@pytest.mark.parametrize("port", PORTS)
def test_methods_that_are_known_and_not_for_this(server, port):
    """9110 15.5.6: 405 has Allow; OPTIONS says the same, also of the whole server."""
    with Web(server, port) as w:
        status, fields, _ = w.ask(b"DELETE " + target(port) + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        assert status in (405, 501) and (status == 501 or fields["allow"])
    with Web(server, port) as w:
        status, fields, _ = w.ask(b"OPTIONS " + target(port) + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        assert status in (200, 204) or (port == "metrics" and status == 405 and fields["allow"])
    with Web(server, port) as w:
        assert w.ask(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")[0] in (200, 204) or port == "metrics"


def test_100_continue(server):
    """9110 10.1.1: said before the body is read, not to HTTP/1.0, and not when the answer is a refusal anyway."""
    head = b"POST /autodiscover/autodiscover.xml HTTP/1.%d\r\nHost: example.org\r\nContent-Type: text/xml\r\nExpect: 100-Continue\r\nContent-Length: %d\r\n\r\n"
    with Web(server, "https") as w:
        w.send(head % (1, 4))
        assert w.answer()[0] == 100
        w.send(b"<a/>")
        assert w.answer()[0] >= 200
    with Web(server, "https") as w:
        assert w.ask(head % (1, 1 << 40))[0] == 413
    with Web(server, "https") as w:
        w.send(head % (0, 4))
        assert w.silent()
        w.send(b"<a/>")
        assert w.answer()[0] >= 200


def test_chunks(server):
    """9112 7.1: sizes in any case with zeros in front, extensions, trailers; cut anywhere."""
    body = (b'<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
            b"<EMailAddress>alice@example.org</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/"
            b"autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>")
    head = b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: example.org\r\nContent-Type: text/xml\r\n"
    with Web(server, "https") as w:
        whole = w.ask(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert whole[0] == 200 and b"<Protocol>" in whole[2]
        chunked = (head + b"transfer-encoding: CHUNKED\r\n\r\n1;a=b;c=\"d\"\r\n" + body[:1] + b"\r\n00%X\r\n" % (len(body) - 2) + body[1:-1] +
                   b"\r\n01\r\n" + body[-1:] + b"\r\n0;x\r\nTrailer: x\r\n\r\n")
        assert w.ask(chunked)[::2] == whole[::2]
        for cut in range(len(head), len(chunked), 7):
            w.send(chunked[:cut])
            w.send(chunked[cut:])
            assert w.answer()[::2] == whole[::2]


PATHS = [b"/../../etc/passwd", b"/.well-known/openpgpkey/../../../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/..%2f..%2fetc/passwd",
         b"/.well-known/openpgpkey/hu/../policy", b"/mail/%00config-v1.1.xml", b"/mail//config-v1.1.xml", b"/%", b"/%zz", b"/?%0d%0aX-Evil:%20y",
         b"/%0d%0aX-Evil:%20y", b"/\xff", b"//evil.example/%2f..", b"/\\evil.example"]


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_targets_that_mean_harm(server, port, path):
    """No file, no line of a header, no other server."""
    with Web(server, port) as w:
        status, fields, body = w.ask(b"GET " + path + b" HTTP/1.1\r\nHost: example.org\r\n\r\n")
        assert "x-evil" not in fields and b"root:" not in body and status in (200, 302, 400, 404)
        assert all(re.match(r"https://example\.org(:\d+)?/", one) for one in fields.get("location", []))


REQUEST = b'<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>%s</EMailAddress>'
SCHEMA = (b"<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>"
          b"</Request></Autodiscover>")
DOCUMENTS = {"empty": b"", "half a tag": b"<", "not closed": REQUEST % b"alice@example.org", "NUL": b"\0" * 1000, "UTF-16": "<x/>".encode("utf-16"),
             "entities": b'<!DOCTYPE x [<!ENTITY a "bbbbbbbbbb">' + b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%s;" % (str(i - 1).encode() if i else b"") * 10)
                                                                         for i in range(9)) + b"]>" + REQUEST % b"&a8;@example.org" + SCHEMA,
             "a file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + REQUEST % b"&a;@example.org" + SCHEMA,
             "nested": b"<a>" * 30000, "a long address": REQUEST % (b"a" * 60000 + b"@example.org") + SCHEMA, "CR LF": REQUEST % b"a&#13;&#10;b@example.org" + SCHEMA,
             "a tag": REQUEST % b"&lt;script&gt;@example.org" + SCHEMA, "no UTF-8": REQUEST % b"\xff@example.org" + SCHEMA,
             "another domain": REQUEST % b"alice@evil.example" + SCHEMA, "quotes": REQUEST % b"&quot;a&amp;b&quot;@example.org" + SCHEMA}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_that_mean_harm(server, name):
    """Autodiscover's request is a stranger's: the answer is well-formed, quick, and holds no file and no mark-up of theirs."""
    body = DOCUMENTS[name]
    with Web(server, "https") as w:
        start = time.monotonic()
        status, fields, answer = w.ask(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: example.org\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" %
                                       len(body) + body)
        assert status in (200, 400, 413, 422) and time.monotonic() - start < 5
        assert b"root:" not in answer and b"<script" not in answer and b"evil" not in answer
        if status == 200:
            assert ElementTree.fromstring(answer).tag.endswith("Autodiscover")
        assert w.ask(b"GET " + WELL_KNOWN.encode() + b" HTTP/1.1\r\nHost: example.org\r\n\r\n")[0] == 200


def test_hosts_that_mean_harm(server):
    """A Host that is not ours stands in no answer: no Location, no document; one that is none is refused (9112 3.2)."""
    for host, statuses in ((b"evil.example", (404,)), (b"example.org.evil.example", (404,)), (b"example.org:80:80", (400,)), (b"example.org:x", (400,)),
                           (b"example.org\"onload=x", (400,)), (b"[::1]", (404,)), (b"[::1", (400,)), (b"127.0.0.1", (404,)), (b"EXAMPLE.ORG.", (200, 404)),
                           (b"example.org/x", (400,)), (b"example.org:8080", (200,)), (b"example.org:", (200,)), (b"", (400, 404))):
        with Web(server) as w:
            status, fields, body = w.ask(b"GET " + WELL_KNOWN.encode() + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            assert status in statuses, (host, status)
            assert b"evil" not in body and "evil" not in str(fields) and b"onload" not in body


# ---- the Web Key Directory ----

def wkd_hash(local):
    alphabet = "ybndrfg8ejkmcpqxot1uwisza345h769"
    bits = int.from_bytes(hashlib.sha1(local.encode()).digest(), "big")
    return "".join(alphabet[bits >> shift & 31] for shift in range(155, -1, -5))


def test_the_hash_of_the_draft():
    assert wkd_hash("joe.doe") == "iy9q119eutrkn8s1mk4r39qejnbu3n5q"

@pytest.mark.parametrize("host, path", [("openpgpkey.example.org", "/.well-known/openpgpkey/example.org/"), ("example.org", "/.well-known/openpgpkey/")])
def test_web_key_directory(server, host, path):
    """3.1: GET gives the binary form, HEAD is there, application/octet-stream, the policy file always; the domain has no case."""
    hashed = wkd_hash("nobody")
    with Web(server, "https") as w:
        head = f" HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        status, fields, body = w.ask(f"GET {path}policy".encode() + head)
        assert status == 200 and all(re.match(rb"#|[a-z0-9][a-z0-9-]*(:|$)|$", line) for line in body.splitlines())
        assert w.ask(f"HEAD {path}policy".encode() + head, head=True)[0] == 200
        for address in (f"{path}hu/{hashed}?l=nobody", f"{path}hu/{hashed}", f"{path}hu/", f"{path}hu/x", f"{path}hu/{hashed}?l=%00", f"{path}hu/{hashed[:-1]}",
                        f"{path}hu/{hashed}x?l=nobody", f"{path}submission-address", path):
            status, fields, _ = w.ask(f"GET {address}".encode() + head)
            assert status in (400, 404), address
            assert w.ask(f"HEAD {address}".encode() + head, head=True)[0] == status


def test_a_published_certificate(fresh_exchange, gpg):
    """3.1 and 5: binary, application/octet-stream, the same by HEAD, for both forms and any case of the local-part; of the user IDs
    only the one that was asked for."""
    exchange = fresh_exchange()
    owner = gpg()
    fingerprint = owner.make_key("Alice <alice@example.org>", "Alice <alice@elsewhere.example>", "Alice without an address")
    assert upload(exchange, owner.export(fingerprint), exchange.ALICE)[0] == 200
    advanced, direct = "/.well-known/openpgpkey/example.org/hu/", "/.well-known/openpgpkey/hu/"
    with Web(exchange, "https") as w:
        for host, path in (("openpgpkey.example.org", advanced), ("example.org", direct), ("OpenPGPkey.Example.ORG", advanced)):
            for query in ("?l=alice", "?l=Alice", "?l=%61LICE"):
                target = f"{path}{wkd_hash('alice')}{query}"
                end = f" HTTP/1.1\r\nHost: {host}\r\n\r\n"
                status, fields, body = w.ask(f"GET {target}{end}".encode())
                assert status == 200 and fields["content-type"] == ["application/octet-stream"], (host, target)
                assert body[0] & 0x80 and b"-----BEGIN" not in body
                status, short, _ = w.ask(f"HEAD {target}{end}".encode(), head=True)
                assert status == 200 and short["content-length"] == [str(len(body))]
                reader = gpg() if query == "?l=alice" else None
                if reader:
                    reader.run("--import", stdin=body)
                    assert reader.user_ids(fingerprint) == ["Alice <alice@example.org>"]
        for path in (f"{advanced.replace('example.org', 'elsewhere.example')}{wkd_hash('alice')}?l=alice", f"{advanced}{wkd_hash('bob')}?l=alice",
                     f"{advanced}{wkd_hash('alice')}?l=bob"):
            assert w.ask(f"GET {path} HTTP/1.1\r\nHost: openpgpkey.example.org\r\n\r\n".encode())[0] == 404, path
