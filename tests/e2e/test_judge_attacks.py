# SPDX-License-Identifier: ISC
"""Letters of somebody who knows how mail is judged: against the daemon, with a zone in nsd.

Whoever the judge overlooks, and a reader is shown, is a forgery that came through. So what is kept is read as others may
read it: by our IMAP's ENVELOPE, and as a reader does that takes any line for a field.
"""
import base64
import contextlib
import hashlib
import imaplib
import json
import re
import smtplib
import socket
import ssl
import subprocess
import threading
import time
import unicodedata

import pytest

from conftest import Exchange, build_folder
from processes import eventually
from test_client import Person
from test_dkim_signing import dns_of, holds, keys_of, newest, signatures
from test_judge import BAD, GOOD, dkim, kept, key, letter, results, send, settings, signed  # noqa: F401 (key is a fixture)
from zones import name_server

BANK = "bank.test"


# ---- the zone ----

def der(*numbers):
    """An RSA public key of these numbers (RFC 8017 appendix A.1.1), in base64."""
    def item(tag, octets):
        size = len(octets)
        length = bytes([size]) if size < 128 else bytes([0x80 + (size.bit_length() + 7) // 8]) + \
            size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag]) + length + octets
    inside = b"".join(item(2, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers)
    return base64.b64encode(item(0x30, inside)).decode()


def quoted(text, size=250):
    return " ".join(f'"{text[i:i + size]}"' for i in range(0, len(text), size))


@pytest.fixture(scope="module")
def weak():
    """{bits: (secret for dkimpy, record)}"""
    out = {}
    for bits in (512, 1024, 4096):
        secret = subprocess.run(["openssl", "genrsa", "-traditional", str(bits)], check=True, capture_output=True).stdout
        public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=secret, check=True,
                                capture_output=True).stdout
        out[bits] = secret, quoted("v=DKIM1; p=" + base64.b64encode(public).decode())
    return out


def evil_zone(record, weak):
    lines = [f"k1._domainkey 60 IN TXT {record}", "@ 60 IN TXT \"v=spf1 +all\"",
             # keys
             *(f"k{bits}._domainkey 60 IN TXT {text}" for bits, (_, text) in weak.items()),
             "one._domainkey 60 IN TXT " + quoted("v=DKIM1; p=" + der((1 << 2047) + 9, 1)),
             "even._domainkey 60 IN TXT " + quoted("v=DKIM1; p=" + der(1 << 2047, 65537)),
             "giant._domainkey 60 IN TXT " + quoted("v=DKIM1; p=" + der((1 << 16383) + 9, 65537)),
             "exponent._domainkey 60 IN TXT " + quoted("v=DKIM1; p=" + der((1 << 2047) + 9, (1 << 2040) + 1)),
             "identity._domainkey 60 IN TXT \"v=DKIM1; k=ed25519; p=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
             "zero._domainkey 60 IN TXT \"v=DKIM1; k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
             "strings._domainkey 60 IN TXT " + quoted(record.replace('" "', "").strip('"'), 4),
             "loop._domainkey 60 IN CNAME loop2._domainkey", "loop2._domainkey 60 IN CNAME loop._domainkey",
             *(f"far{i}._domainkey 60 IN CNAME far{i + 1}._domainkey" for i in range(40)),
             # SPF
             "many 60 IN TXT \"v=spf1 mx -all\"", *(f"many 60 IN MX 10 m{i}.many" for i in range(100)),
             "ring 60 IN TXT \"v=spf1 redirect=ring2.evil.test\"", "ring2 60 IN TXT \"v=spf1 redirect=ring.evil.test\"",
             "wide 60 IN TXT \"v=spf1 " + " ".join(f"include:wide{i}.evil.test" for i in range(9)) + " -all\"",
             *(f"wide{i} 60 IN TXT \"v=spf1 " + " ".join(f"include:wide{k}.evil.test" for k in range(9)) + " -all\""
               for i in range(9)),
             "ptr 60 IN TXT " + quoted("v=spf1 " + " ".join(["ptr:x.evil.test"] * 30) + " -all"),
             "bomb 60 IN TXT " + quoted("v=spf1 " + " ".join(["exists:" + "%{l}%{s}%{d}%{h}" * 12 + ".evil.test"] * 3) + " -all"),
             "p 60 IN TXT \"v=spf1 exists:%{p}.evil.test exists:%{p2r}.evil.test -all\"",
             "twice 60 IN TXT \"v=spf1 -all\"", "twice 60 IN TXT \"v=spf1 +all\"",
             "exp 60 IN TXT \"v=spf1 -all exp=why.evil.test\"",
             "why 60 IN TXT \"\\027[2J%{l}%{h} 250 OK\\013\\010 %{c}\""]
    return "\n".join(lines) + "\n"


BANK_ZONE = "\n".join([
    "@ 60 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"", "_dmarc 60 IN TXT \"v=DMARC1; p=reject; sp=none; np=reject\"",
    "known 60 IN A 192.0.2.1", "_dmarc.twice 60 IN TXT \"v=DMARC1; p=none\"", "_dmarc.twice 60 IN TXT \"v=DMARC1; p=none; adkim=s\"",
    "_dmarc.case 60 IN TXT \"V = DMARC1 ; P = Reject\"", "_dmarc.test 60 IN TXT \"v=DMARC1; p=reject; t=y\"",
    "_dmarc.a.b.c.d.e.f.g.h.i.j.deep 60 IN TXT \"v=DMARC1; p=none\"", "_dmarc.deep 60 IN TXT \"v=DMARC1; p=reject; sp=reject\"",
    "_dmarc.xn--bcher-kva 60 IN TXT \"v=DMARC1; p=reject\"", "_dmarc.psd 60 IN TXT \"v=DMARC1; p=reject; psd=y\""]) + "\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory, key, weak):  # noqa: F811
    folder = tmp_path_factory.mktemp("judge-attacks")
    with name_server(folder / "nsd", {"test": "", "evil.test": evil_zone(key[1], weak), BANK: BANK_ZONE}) as port:
        (folder / "exchange").mkdir()
        exchange = Exchange(folder / "exchange", settings(f'{{ "127.0.0.1@{port}" }}'))
        exchange.start()
        try:
            with imap_of(exchange) as imap:
                assert imap.create("Junk")[0] == "OK"
            yield exchange
        finally:
            exchange.stop()


# ---- readers ----

def imap_of(exchange):
    imap = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls())
    imap.login(exchange.BOB, exchange.password(exchange.BOB))
    return imap


def attack(exchange, text, sender="a@evil.test", client=GOOD):
    """Refused, or the mailbox with the letter as it is kept, and its ENVELOPE."""
    refused = send(exchange, text, sender=sender, client=client)
    if refused is not None:
        return refused[0], None, b""
    with imap_of(exchange) as imap:
        for mailbox in ("INBOX", "Junk"):
            (number,) = imap.select(mailbox)[1]
            if number == b"0":
                continue
            raw = imap.fetch(number, "(BODY.PEEK[])")[1][0][1]
            shown = b" ".join(part if isinstance(part, bytes) else part[0] + part[1]
                              for part in imap.fetch(number, "(ENVELOPE)")[1])
            imap.store(number, "+FLAGS", r"(\Deleted)")
            imap.expunge()
            return mailbox, raw, shown
    raise AssertionError("it is nowhere")


def lax_fields(raw, name):
    """All fields of that name, for a reader that goes on behind anything and drops what is not printed."""
    block = raw.partition(b"\r\n\r\n")[0]
    out = []
    for field in re.split(rb"\r\n(?![ \t])", block):
        head, colon, value = field.partition(b":")
        if colon and re.sub(rb"[^!-~]", b"", head).lower() == name.lower():
            out.append(re.sub(rb"\r\n", b"", value).strip())
    return out


# ---- From ----

AUTHORS = {
    "plain": b"From: a@bank.test\r\n",
    "case": b"fROM: a@BANK.Test\r\n",
    "dot": b"From: a@bank.test.\r\n",
    "space": b"From : a@bank.test\r\n",
    "folded": b"From:\r\n a\r\n @\r\n bank.test\r\n",
    "folded-name": b"From\r\n : a@bank.test\r\n",
    "twice": b"From: a@evil.test\r\nFrom: a@bank.test\r\n",
    "twice-apart": b"From: a@bank.test\r\nTo: x@y.test\r\nFrom: a@evil.test\r\n",
    "two": b"From: a@evil.test, a@bank.test\r\n",
    "five": b"From: a@a.evil.test, a@b.evil.test, a@c.evil.test, a@d.evil.test, a@bank.test\r\n",
    "many": b"From: a@bank.test, " + b", ".join(b"a@e%d.evil.test" % i for i in range(4000)) + b"\r\n",
    "same-many": b"From: a@bank.test, " + b",".join([b"a@e"] * 60000) + b"\r\n",
    "far-down": b"".join(b"X: %d\r\n" % i for i in range(3000)) + b"From: a@bank.test\r\n",
    "behind-garbage": b"From: a@evil.test\r\ngarbage\r\nFrom: a@bank.test\r\n",
    "only-behind-garbage": b"garbage\r\nFrom: a@bank.test\r\n",
    "mbox": b"From a@evil.test Fri Nov 27 10:00:00 2026\r\nFrom: a@bank.test\r\n",
    "indented": b" From: a@evil.test\r\nFrom: a@bank.test\r\n",
    "group": b"From: Us: a@bank.test;\r\n",
    "comment": b"From: (a@evil.test) a@bank.test\r\n",
    "comment-deep": b"From: " + b"(" * 10000 + b")" * 10000 + b" a@bank.test\r\n",
    "comment-open": b"From: a@bank.test " + b"(" * 10000 + b"\r\n",
    "route": b"From: <@evil.test:a@bank.test>\r\n",
    "angles": b"From: <a@bank.test> <a@evil.test>\r\n",
    "name-is-address": b"From: a@bank.test <a@evil.test>\r\n",
    "glued": b"From: <a@bank.test>a@evil.test\r\n",
    "at-twice": b"From: a@bank.test@evil.test\r\n",
    "quote-open": b"From: \"a <a@bank.test>\r\n",
    "literal": b"From: a@[bank.test]\r\n",
    "control": b"From: a@bank.test\x01\r\n",
    "control-inside": b"From: a@ba\x01nk.te\x7fst\r\n",
    "nul": b"From: a@ba\x00nk.test\r\n",
    "long-before": b"From: <a@" + b"x" * 300 + b"\x01y> a@ba\x01nk.test\r\n",
    "soft-hyphen": "From: a@ba\u00adnk.test\r\n".encode(),
    "no-utf-8": b"From: a@bank.test\xff\r\n",
    "control-name": b"Fr\x02om: a@bank.test\r\n",
    "bom": b"\xef\xbb\xbfFrom: a@bank.test\r\n",
    "full-width": "From: a@ｂank.test\r\n".encode(),
    "subdomain": b"From: a@nothing.bank.test\r\n",  # np=reject
    "umlaut": "From: a@bücher.bank.test\r\n".encode(),
    "umlaut-ascii": b"From: a@XN--bcher-kva.bank.test\r\n",
    "deep": b"From: a@1.2.3.4.5.6.7.8.9.10.11.deep.bank.test\r\n",
    "record-case": b"From: a@case.bank.test\r\n",
    "below-psd": b"From: a@nobody.psd.bank.test\r\n",
    "sender": b"From: a@bank.test\r\nSender: a@evil.test\r\nResent-From: a@evil.test\r\nReply-To: a@evil.test\r\n",
}
TAIL = b"To: bob@example.org\r\nSubject: x\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n\r\nHello\r\n"


@pytest.mark.parametrize("name", AUTHORS)
def test_no_author_is_shown_that_was_not_judged(world, name):
    where, raw, envelope = attack(world, AUTHORS[name] + TAIL)
    assert where in (550, "Junk"), (where, raw[:2000])
    if where == "Junk":  # whom it is from could not be judged; never because the bank's policy was not found
        assert results(raw)["dmarc"][0][0] == "permerror", raw[:2000]
    elif name in ("plain", "two", "mbox", "same-many", "far-down", "comment-deep"):
        assert where == 550


NOBODY = {
    "none": b"",
    "empty": b"From:\r\n",
    "words": b"From: The Bank\r\n",
    "encoded": b"From: =?utf-8?b?YUBiYW5rLnRlc3Q=?=\r\n",
    "empty-group": b"From: The Bank:;\r\n",
    "only-sender": b"Sender: a@bank.test\r\n",
    "only-resent": b"Resent-From: a@bank.test\r\nReply-To: a@bank.test\r\n",
}


@pytest.mark.parametrize("name", NOBODY)
def test_nobody_is_not_shown_beside_what_was_judged(world, name):
    where, raw, _ = attack(world, NOBODY[name] + TAIL)
    assert where == "Junk" and results(raw)["dmarc"][0][0] == "permerror"
    assert "why=\"whom it is from cannot be judged\"" in world.log()


def test_what_is_accepted_shows_whom_was_judged(world):
    """Display names may say anything; the addresses are the judged ones."""
    for author in (b"\"a@bank.test\" <a@evil.test>", b"=?utf-8?q?a=40bank.test?= <a@evil.test>", b"a@evil.test (a@bank.test)",
                   b"\"a\\\"@bank.test\"@evil.test", b"<@bank.test:a@evil.test>"):
        where, raw, envelope = attack(world, b"From: " + author + b"\r\n" + TAIL)
        assert where == "INBOX" and results(raw)["dmarc"][0][1].get("header.from") == "evil.test"
        assert b'"a" "bank.test"' not in envelope and b'"evil.test"' in envelope


# ---- Authentication-Results in our name ----

NAMES = [b"Authentication-Results", b"AUTHENTICATION-RESULTS", b"authentication-results ", b"Authentication-Results\t",
         b"Authentication-Results\r\n ", b"Authentication\x01-Results", b"\xef\xbb\xbfAuthentication-Results"]
SERVERS = [b"localhost", b"LOCALHOST", b"localhost.", b"localhost..", b"\"localhost\"", b"\"local\\host\"", b"(x) localhost",
           b"(a(b\\)c)d) localhost (e)", b"\r\n localhost\r\n 1", b"localhost 1", b"localhost 2", b"localhost/1", b"localhost(1)",
           b"localhost=1", b"local(x)host", b"local host", b"local\r\n host", b"\"local\" \"host\"", b"localhost:25",
           b"localhost,x", b"localhost x", b"<localhost>", b"'localhost'", b"mx.localhost", "ｌocalhost".encode(), "LOCALHOﬅ".encode(),
           b"=?utf-8?q?localhost?=", b"=?utf-8?b?bG9jYWxob3N0?=", b"localhost\x01", b"\x00localhost".replace(b"\x00", b"\x7f"), b"",
           b"(", b"\"localhost", b"spf=pass (localhost)", b"[localhost]", b"@localhost", b"a@localhost", b"localhost@a",
           b"localhost" + b" " * 500, b"(" * 500 + b")" * 500 + b"localhost"]


def read_server(value):
    """Whose results these are, as the grammar has it (RFC 8601 section 2.2), comments and quotes aside."""
    while (bare := re.sub(rb"\([^()]*\)", b" ", value.replace(b"\\(", b"").replace(b"\\)", b""))) != value:
        value = bare
    return re.sub(rb'[\s"\\]', b"", value.partition(b";")[0]).lower().rstrip(b".12")


def test_no_results_in_our_name(world):
    """All names with all servers, among others', in the middle of trace fields, and behind what is no field."""
    forged = b"".join(name + b": " + server + b"; spf=pass; dkim=pass; dmarc=pass header.from=bank.test\r\n"
                      for name in NAMES for server in SERVERS)
    other = b"Authentication-Results: mx.other.test; dkim=fail\r\nReceived: from a by b; Fri, 27 Nov 2026 10:00:00 +0000\r\n"
    where, raw, _ = attack(world, other + forged + other + b"From: a@evil.test\r\n" + forged + b"garbage\r\n" + forged + TAIL)
    fields = lax_fields(raw, b"authentication-results")
    ours = [f for f in fields if read_server(f).startswith(b"localhost")]
    assert where == "INBOX" and len(ours) == 1 and b"spf=pass" in ours[0] and b"bank.test" not in ours[0]
    assert raw.count(b"mx.other.test") == 2  # what others said stays
    for field in fields:
        if b"bank.test" in field:  # whatever is left, no reader takes for ours
            assert read_server(field) in (b"=?utf-8?q?localhost?=", b"=?utf-8?b?bg9jywxob3n0?=", b"a@localhost"), field
    assert re.search(r"smtp\.forged_results .*fields=\d{3}", world.log())


def test_thousands_of_forged_results(world):
    forged = b"Authentication-Results: localhost; dmarc=pass\r\n"
    where, raw, _ = attack(world, forged * 5000 + b"From: a@evil.test\r\n" + TAIL)
    assert where == "INBOX" and raw.count(b"Authentication-Results:") == 1


def test_results_that_are_no_fields_stay(world):
    """In attached letters and in ARC's field they are nobody's word but their writer's; so is Received-SPF."""
    inner = b"Authentication-Results: localhost; dmarc=pass\r\nFrom: a@bank.test\r\n\r\nx\r\n"
    head = (b"From: a@evil.test\r\nReceived-SPF: pass (localhost: domain of bank.test)\r\n"
            b"ARC-Authentication-Results: i=1; localhost; dmarc=pass header.from=bank.test\r\n"
            b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n")
    text = head + TAIL + b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--b--\r\n"
    where, raw, _ = attack(world, text)
    assert where == "INBOX" and raw.endswith(inner + b"--b--\r\n")
    got = results(raw)
    assert got["arc"][0][0] == "fail" and got["dmarc"][0][1]["header.from"] == "evil.test"
    assert len(lax_fields(raw, b"authentication-results")) == 1


# ---- DKIM ----

def ours(raw):
    """[(result, {property: value})] of DKIM, with the reasons that are told."""
    return [(r, p.get("header.s")) for r, p in results(raw)["dkim"]]


@pytest.mark.parametrize("selector, result", [
    ("k512", "policy"), ("k1024", "pass"), ("k4096", "pass"), ("strings", "pass")])
def test_keys_of_all_sizes(world, key, weak, selector, result):  # noqa: F811
    secret = key[0] if selector == "strings" else weak[int(selector[1:])][0]
    text = dkim_signed(b"From: a@evil.test\r\n" + TAIL, secret, selector)
    assert ours(attack(world, text)[1]) == [(result, selector)]


def dkim_signed(text, secret, selector, domain="evil.test", **options):
    options.setdefault("include_headers", [b"from", b"to", b"subject", b"date"])
    options.setdefault("canonicalize", (b"relaxed", b"relaxed"))
    return dkim.sign(text, selector.encode(), domain.encode(), secret, **options) + text


def forge(text, selector, signature, algorithm="rsa-sha256", domain="evil.test", extra=""):
    """A signature field by hand, over a body that is hashed right."""
    body = base64.b64encode(hashlib.sha256(text.partition(b"\r\n\r\n")[2]).digest()).decode()
    return (f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/simple; d={domain}; s={selector}; h=from;{extra}\r\n bh={body};\r\n"
            f" b={base64.b64encode(signature).decode()}\r\n").encode() + text


LETTER = b"From: a@evil.test\r\n" + TAIL


@pytest.mark.parametrize("selector, signature, algorithm", [
    ("one", b"\0" * 256, "rsa-sha256"), ("even", b"\1" * 256, "rsa-sha256"), ("giant", b"\1" * 2048, "rsa-sha256"),
    ("exponent", b"\1" * 256, "rsa-sha256"), ("k4096", b"\1" * 256, "rsa-sha256"), ("k4096", b"\1" * 513, "rsa-sha256"),
    ("k1024", b"", "rsa-sha256"), ("k1024", b"\xff" * 128, "rsa-sha256"), ("k1024", b"\1" * 9000, "rsa-sha256"),
    ("zero", b"\0" * 64, "ed25519-sha256"),
    ("identity", b"\1" + b"\0" * 63, "ed25519-sha256"),
    ("k1024", b"\0" * 64, "ed25519-sha256"), ("loop", b"\1" * 256, "rsa-sha256"), ("far0", b"\1" * 256, "rsa-sha256"),
    ("nobody", b"\1" * 256, "rsa-sha256")], ids=lambda x: x if isinstance(x, str) else str(len(x)))
def test_keys_and_signatures_that_prove_nothing(world, selector, signature, algorithm):
    (result, _), = ours(attack(world, forge(LETTER, selector, signature, algorithm))[1])
    assert result in ("fail", "policy", "permerror", "neutral", "temperror")
    assert result != "temperror" or selector in ("loop", "far0")


def test_an_exponent_of_one_proves_nothing(world):
    """Whatever the modulus is, the padded hash is its own signature."""
    text = forge(LETTER, "one", b"")
    field = text[:text.index(b"From:")].decode()
    value = re.sub(r"\s+", " ", field.partition(":")[2]).strip()
    head = f"from:a@evil.test\r\ndkim-signature:{value}".encode()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(head).digest()
    block = b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
    (result, _), = ours(attack(world, forge(LETTER, "one", block))[1])
    assert result != "pass"


@pytest.mark.parametrize("old, new", [
    (b"d=evil.test", b"d=test"), (b"d=evil.test", b"d=bank.test"), (b"d=evil.test", b"d=evil.test; d=bank.test"),
    (b"d=evil.test", b"D=evil.test"), (b"d=evil.test", b"d=evil.test(.bank.test"), (b"d=evil.test", b"d=evil.test."),
    (b"v=1", b"v=1; v=1"), (b"h=from", b"h=from; h=from"), (b"h=from", b"h=to"), (b"h=from", b"h=" + b":".join([b"from"] * 10000)),
    (b"h=from", b"h=from:dkim-signature"), (b"a=rsa-sha256", b"a=rsa-sha1"), (b"a=rsa-sha256", b"a=ed25519-sha256"),
    (b"a=rsa-sha256", b"a=none"), (b"c=relaxed/relaxed", b"c=simple/relaxed"), (b"c=relaxed/relaxed", b"c=relaxed"),
    (b"v=1", b"v=1; x=1"), (b"v=1", b"v=1; t=99999999999"), (b"v=1", b"v=1; l=0"), (b"v=1", b"v=1; l=99999999999999999999"),
    (b"v=1", b"v=1; i=a@bank.test"), (b"v=1", b"v=1; i=@evil.test.bank.test"), (b"v=1", b"v=1; q=http"),
    (b"s=k1", b"s=k1; s=k1024"), (b"s=k1", b"s=../k1"), (b"v=1", b"")])
def test_a_signature_with_a_tag_changed(world, key, old, new):  # noqa: F811
    text = dkim_signed(LETTER, key[0], "k1", include_headers=[b"from"])
    field, rest = text[:text.index(b"From:")], text[text.index(b"From:"):]
    if old == b"h=from":
        field = re.sub(rb"h=[a-z : \r\n]+;", new + b";", field, count=1)
    else:
        assert old in field, field
        field = field.replace(old, new, 1)
    where, raw, _ = attack(world, field + rest)
    assert all(result != "pass" for result, _ in ours(raw))


def test_replayed_and_added_to(world, key):  # noqa: F811
    """What the signature does not cover is not vouched for; what may be added anywhere is seen."""
    text = dkim_signed(LETTER, key[0], "k1")
    for changed in (b"Subject: y\r\n" + text, b"From: b@evil.test\r\n" + text, text.replace(b"\r\n\r\n", b"\r\nFrom: b@evil.test\r\n\r\n", 1),
                    text.replace(b"Subject: x", b"Subject: y"), text + b"more\r\n", text.replace(b"\r\n\r\n", b"\r\ngarbage\r\n\r\n", 1)):
        raw = attack(world, changed)[1]
        assert [r for r, _ in ours(raw)] != ["pass"] or changed.startswith(b"Subject: y"), changed
    over = dkim_signed(LETTER, key[0], "k1", include_headers=[b"from", b"from", b"subject", b"subject"])
    assert ours(attack(world, over)[1])[0][0] == "pass"
    assert ours(attack(world, b"Subject: y\r\n" + over)[1])[0][0] == "fail"


def test_canonical_forms_at_their_edges(world, key):  # noqa: F811
    """As dkimpy signs them: white space at line ends, empty bodies, line ends behind the last line, folds."""
    for how in ((b"simple", b"simple"), (b"relaxed", b"relaxed"), (b"simple", b"relaxed"), (b"relaxed", b"simple")):
        for body in (b"", b"\r\n", b"\r\n\r\n\r\n", b" \r\n", b"a \t b\t\r\n \r\n", b" a", b"a\r\n \r\n\r\n"):
            if body and not body.endswith(b"\r\n"):
                body += b"\r\n"
            text = b"FROM:  a@evil.test \r\nSubject:\r\n\tx  y\t\r\n z \r\nTo: b@c\r\n\r\n" + body
            raw = attack(world, dkim_signed(text, key[0], "k1", include_headers=[b"from", b"subject"], canonicalize=how))[1]
            assert [r for r, _ in ours(raw)] == ["pass"], (how, body)


# ---- SPF ----

@pytest.mark.parametrize("sender, result", [
    ("a@many.evil.test", "permerror"), ("a@ring.evil.test", "permerror"), ("a@wide.evil.test", "permerror"), ("a@ptr.evil.test", None),
    ("x" * 60 + "@bomb.evil.test", None), ('"%{l}%{d}%s"@bomb.evil.test', None), ("a@p.evil.test", None), ("a@twice.evil.test", "permerror"),
    ('"a b\\\\c"@p.evil.test', None), ('"\\"; dmarc=pass header.from=bank.test"@evil.test', "pass"), ("a@exp.evil.test", "fail")])
def test_records_that_ask_for_much(world, sender, result):
    where, raw, _ = attack(world, LETTER, sender=sender, client=BAD)
    got = results(raw)
    assert got["spf"][0][0] != "temperror" and result in (None, got["spf"][0][0]), got
    assert got["dmarc"][0][0] in ("none", "temperror") and where == "INBOX"
    assert b"\x1b" not in raw


def test_an_explanation_drives_no_terminal(fresh_exchange, tmp_path, key, weak):  # noqa: F811
    """It is in the reply, when the operator has SPF's fail refused: one line, printable."""
    with name_server(tmp_path / "nsd", {"test": "", "evil.test": evil_zone(key[1], weak)}) as port:
        exchange = fresh_exchange(settings(f'{{ "127.0.0.1@{port}" }}', spf_fail='"reject"'))
        code, text = send(exchange, LETTER, sender="a@exp.evil.test", client=BAD)
        assert code == 550 and all(" " <= c <= "~" for c in text), text
        assert "\x1b" not in exchange.log()


# ---- DMARC ----

@pytest.mark.parametrize("author, outcome", [
    ("a@bank.test", 550), ("a@known.bank.test", "INBOX"), ("a@twice.bank.test", "INBOX"), ("a@test.bank.test", "Junk"),
    ("a@case.bank.test", 550), ("a@test", "INBOX"), ("a@localhost", "INBOX"),
    ("a@" + ".".join("x" * 1 for _ in range(100)) + ".bank.test", 550), ("a@psd.bank.test", 550)])
def test_records_and_names_that_are_odd(world, author, outcome):
    where, raw, _ = attack(world, f"From: {author}\r\n".encode() + TAIL)
    assert where == outcome, raw


def test_a_signature_of_the_suffix_or_of_a_neighbour_is_not_aligned(world, key):  # noqa: F811
    for domain in ("evil.test", "bank.test.evil.test"):
        text = dkim_signed(b"From: a@bank.test\r\n" + TAIL, key[0], "k1", domain=domain)
        assert attack(world, text)[0] == 550


# ---- ARC ----

def arc_set(i, cv="pass", domain="evil.test", results_of="bank.test"):
    tags = f"i={i}; a=rsa-sha256; d={domain}; s=k1; t=1"
    return (f"ARC-Seal: {tags}; cv={cv}; b=AAAA\r\n"
            f"ARC-Message-Signature: {tags}; h=from; bh=AAAA; b=AAAA\r\n"
            f"ARC-Authentication-Results: i={i}; localhost; dmarc=pass header.from={results_of}\r\n").encode()


@pytest.mark.parametrize("chain", [
    b"".join(arc_set(i, "none" if i == 1 else "pass") for i in range(1, 51)),
    b"".join(arc_set(i, "none" if i == 1 else "pass") for i in range(1, 60)), arc_set(1, "pass"), arc_set(2) + arc_set(4),
    arc_set(1, "none") * 2, arc_set(0), arc_set(1, "fail"), arc_set(2, "fail") + arc_set(1, "none"),
    arc_set(1, "none").replace(b"ARC-Seal", b"X"), b"ARC-Seal: i=1\r\n" * 3000, arc_set(1, "none").replace(b"i=1", b"i=01")],
    ids=range(11))
def test_chains_that_do_not_hold(world, chain):
    assert attack(world, chain + b"From: a@bank.test\r\n" + TAIL)[0] == 550
    where, raw, _ = attack(world, chain + LETTER)
    assert where == "INBOX" and results(raw)["arc"][0][0] == "fail"


# ---- what is signed ----

CAROL = "carol@example.net"


@pytest.fixture(scope="module")
def signing(tmp_path_factory):
    """Two domains with keys, and somebody in each."""
    folder = tmp_path_factory.mktemp("signing")
    exchange = Exchange(folder, {"domains": '{ "example.org", "example.net" }'})
    exchange.account_add(CAROL, "nine white swans")
    exchange.start()
    try:
        for domain in ("example.org", "example.net"):
            exchange.run("domain", "dkim", "new", domain, "--now")
        eventually(lambda: submitted(exchange, b"From: alice@example.org\r\n" + TAIL) is None and signatures(newest(exchange)) == 2)
        yield exchange
    finally:
        exchange.stop()


def submitted(exchange, text, sender=Exchange.ALICE):
    """Alice sends it: None, or the code of the refusal."""
    with smtplib.SMTP_SSL("localhost", exchange.port("submissions"), context=exchange.tls(), timeout=60) as smtp:
        smtp.login(Exchange.ALICE, exchange.password(Exchange.ALICE))
        try:
            smtp.sendmail(sender, [Exchange.BOB], text)
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as refused:
            return refused.smtp_code
    return None


@pytest.mark.parametrize("head", [
    b"From: carol@example.net\r\n", b"From: alice@example.org\r\nFrom: carol@example.net\r\n",
    b"From: carol@example.net\r\nFrom: alice@example.org\r\n", b"From: alice@example.org, carol@example.net\r\n",
    b"From: carol@example.net, alice@example.org\r\nSender: alice@example.org\r\n", b"From: Us: carol@example.net;\r\n",
    b"From: alice@example.org\r\nSender: carol@example.net\r\n", b"From: alice@example.org\r\nResent-From: carol@example.net\r\n",
    b"From: alice@example.org\r\nResent-Sender: carol@example.net\r\n", b"From: carol@example.net <alice@example.org>\r\n",
    b"From: <carol@example.net> <alice@example.org>\r\n", b"From: <carol@example.net>alice@example.org\r\n",
    b"From: alice@example.org\r\n" + b"".join(b"X: %d\r\n" % i for i in range(3000)) + b"From: carol@example.net\r\n",
    b"From: alice@example.org\r\ngarbage\r\nFrom: carol@example.net\r\n", b"From\r\n : carol@example.net\r\n",
    b"From\x01: carol@example.net\r\n", b"\xef\xbb\xbfFrom: carol@example.net\r\n", b"From: alice@example.org,\r\n carol@example.net\r\n",
    b"From: " + b",".join([b"alice@example.org"] * 5000) + b",carol@example.net\r\n", b"From: @\r\n", b"From: alice@\r\n",
    b"From: alice@example.org\r\n" + b"Sender: alice@example.org\r\n" * 30 + b"Sender: carol@example.net\r\n",
    b"From mbox\r\nFrom: carol@example.net\r\n"], ids=range(23))
def test_nothing_is_signed_in_the_name_of_others(signing, head):
    assert submitted(signing, head + TAIL) in (550, 554)


@pytest.mark.parametrize("head", [
    b"From: =?utf-8?q?carol=40example.net?= <alice@example.org>\r\n", b"From: alice@example.org (carol@example.net)\r\n",
    b"From: \"carol@example.net\" <alice@example.org>\r\n", b"", b"Reply-To: carol@example.net\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=x; h=from; bh=AA; b=AA\r\n",
    b" From: carol@example.net\r\n\r\n"], ids=range(7))
def test_what_is_signed_is_the_writers(signing, head):
    assert submitted(signing, head + TAIL) is None
    raw = newest(signing)
    ours_of = [f for f in lax_fields(raw, b"dkim-signature") if b"bh=AA;" not in f]
    assert len(ours_of) == 2 and all(re.search(rb"\bd=example\.org;", f) for f in ours_of)
    for dns, count in ((dns_of(keys_of(signing)), 2), (dns_of(keys_of(signing, "example.net")), 0)):
        assert sum(holds(raw, i, dns) for i in range(2)) == count
    assert len(lax_fields(raw, b"from")) == 1


def test_the_envelope_is_the_writers_too(signing):
    for sender in (CAROL, "alice@example.net", '"alice@example.org"@example.net'):
        assert submitted(signing, TAIL, sender=sender) is not None


def test_our_own_people_do_not_say_what_we_found_out(signing):
    head = b"Authentication-Results: localhost; dmarc=pass\r\nFrom: alice@example.org\r\n"
    assert submitted(signing, head + TAIL) is None
    raw = newest(signing)
    assert lax_fields(raw, b"authentication-results") == [] and holds(raw, 0, dns_of(keys_of(signing)))


# ---- audit, looked at by a server ----

SHOUT = b"\x1b]0;pwned\x07\x1b[2J\x9b31m\xc2\x9b<script>alert(1)</script>\"'\xe2\x80\xae"


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    """A certificate with thousands of names, issued by somebody who writes to the terminal."""
    folder = tmp_path_factory.mktemp("huge")
    (folder / "conf").write_text("[req]\ndistinguished_name=d\nx509_extensions=x\nprompt=no\nutf8=yes\n[d]\nCN=\x1b[2Jevil<script>\n"
                                 "O=" + "\x1b]0;x\x07" * 8 + "\n[x]\nsubjectAltName=@n\n[n]\n" +
                                 "".join(f"DNS.{i}=h{i}.{'x' * 40}.example\n" for i in range(3000)))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config",
                    folder / "conf", "-keyout", folder / "key", "-out", folder / "certificate", "-days", "3"], check=True,
                   capture_output=True)
    return folder


def endless(say, line):
    with contextlib.suppress(OSError):
        while True:
            say(line * 100)


FACES = {
    "banners": lambda c: endless(c.sendall, b"220-" + SHOUT + b"\r\n"),
    "one-line": lambda c: endless(c.sendall, b"220 " + b"x" * 1000),
    "drops": lambda c: endless(lambda _: (c.sendall(b"2"), time.sleep(0.2)), b""),
    "greeting": lambda c: c.sendall(b"554 5.7.1 " + SHOUT + b"\r\n"),
    "no-smtp": lambda c: c.sendall(SHOUT * 3 + b"\r\n"),
    "hello": lambda c: (c.sendall(b"220 " + SHOUT + b"\r\n"), c.recv(999), endless(c.sendall, b"250-" + SHOUT + b" 1\r\n")),
    "words": lambda c: (c.sendall(b"220 " + SHOUT + b"\r\n"), c.recv(999),
                        c.sendall(b"250-" + SHOUT + b"\r\n250-XXXXXXXA\r\n250-" + SHOUT + b" X\r\n250 STARTTLS\r\n"), c.recv(999),
                        c.sendall(b"454 " + SHOUT + b"\r\n")),
    "after": lambda c: (c.sendall(b"220 x\r\n"), c.recv(999), c.sendall(b"250-x\r\n250 STARTTLS\r\n"), c.recv(999),
                        c.sendall(b"220 go\r\n" + SHOUT)),
}


class Hostile:
    def __init__(self, folder):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "certificate", folder / "key")
        self.listeners = {}
        for face in (*FACES, "certificate"):
            self.listeners[face] = listener = socket.create_server(("127.0.0.1", 0))
            threading.Thread(target=self.serve, args=(listener, face), daemon=True).start()

    def serve(self, listener, face):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.talk, args=(listener.accept()[0], face), daemon=True).start()

    def talk(self, client, face):
        with client, contextlib.suppress(OSError):
            client.settimeout(20)
            if face in FACES:
                FACES[face](client)
                client.recv(999)
                return
            client.sendall(b"220 x\r\n")
            client.recv(999)
            client.sendall(b"250-x\r\n250 STARTTLS\r\n")
            client.recv(999)
            client.sendall(b"220 go\r\n")
            with self.context.wrap_socket(client, server_side=True) as secret:
                secret.recv(999)

    def close(self):
        for listener in self.listeners.values():
            listener.close()


@pytest.fixture(scope="module")
def hostile(huge):
    server = Hostile(huge)
    yield server
    server.close()


@pytest.mark.parametrize("face", (*FACES, "certificate"))
def test_an_audit_of_a_server_that_hits_back(hostile, tmp_path, face):
    """It ends in time, whatever is said; and nothing of that drives the terminal or the page."""
    at = f"127.0.0.1:{hostile.listeners[face].getsockname()[1]}"
    page, begun = tmp_path / "page.html", time.monotonic()
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin", "LANG": "C.UTF-8", "ASAN_OPTIONS": "detect_leaks=0"}
    command = [build_folder() / "letterlock", "audit", "--server", at, "--timeout", "6", "--html", page]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert time.monotonic() - begun < 20 and done.returncode in (1, 3), done.stderr
    told = subprocess.run([*command[:-2], "--json"], env=environment, capture_output=True, timeout=60)
    assert isinstance(json.loads(told.stdout), dict) and b"\x1b" not in told.stdout + told.stderr
    assert b"pwned" in done.stdout or face not in ("greeting", "words")
    for text in (done.stdout, done.stderr.replace(b"\r\x1b[K", b"")):
        shown = text.decode()  # UTF-8, all of it
        assert not any(unicodedata.category(c) in ("Cc", "Cf") and c != "\n" for c in shown), shown
    html = page.read_text()
    assert "<script" not in html.lower() and not any(unicodedata.category(c) in ("Cc", "Cf") and c != "\n" for c in html)
    assert len(done.stdout) < 20000 and len(html) < 60000


# ---- the journey of a letter, told by letters ----

def test_made_up_journey(world, tmp_path):
    """Lines and results of a stranger's are never the reader's own server's, and never the terminal's."""
    person = Person(world, tmp_path, Exchange.BOB)
    try:
        person.setup("--name", "Bob")
        lines = b"".join(b"Received: from " + SHOUT + b" ([127.0.0.%d]) by localhost%s with ESMTPS (TLS1.3 " % (i % 250, SHOUT) +
                         SHOUT + b") id " + SHOUT + b" for <bob@example.org>; Fri, 27 Nov 2026 10:00:00 +0000\r\n" for i in range(40))
        made_up = (b"Received: from bank.test by localhost with ESMTPS (TLSv1.3); Fri, 27 Nov 2026 10:00:00 +0000\r\n"
                   b"Authentication-Results: localhost; dmarc=pass header.from=bank.test\r\n"
                   b"Authentication-Results: mx.example.org; dmarc=pass header.from=bank.test\r\n"
                   b"Authentication-Results: x" + SHOUT.replace(b"<", b"").replace(b"\"", b"") + b"; dmarc=pass reason=\"" + SHOUT[:20] + b"\"\r\n")
        assert send(world, made_up + lines + b"From: a@evil.test\r\n" + TAIL.replace(b"Subject: x", b"Subject: made up"),
                    sender="a@evil.test") is None
        number = next(m["number"] for m in person.json("inbox", stderr=False) if m.get("subject") == "made up")
        text, told = (person.run("read", number, "--journey", stderr=False), person.json("read", number, "--journey", stderr=False))
        assert not any(unicodedata.category(c) in ("Cc", "Cf") and c not in "\n" for c in text), text
        sure = [r for r in told["journey"]["results"] if r["sure"]]
        assert len(sure) <= 1 and "bank.test" not in json.dumps(sure)
        assert sum(hop["sure"] for hop in told["journey"]["hops"]) <= 1 and not any(
            hop["sure"] for hop in told["journey"]["hops"] if hop.get("from") == "bank.test")
    finally:
        person.stop()
