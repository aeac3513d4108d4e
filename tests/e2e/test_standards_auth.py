# SPDX-License-Identifier: ISC
"""Where strangers' mail is from, clause by clause: SPF's results (RFC 7208), what a verifier of DKIM does (RFC 6376, 8301, 8463),
ARC's chain (RFC 8617), DMARC's discovery and alignment (RFC 9989), and the field that says it (RFC 8601).

Records are in nsd; signatures are made here by the RFC's steps (python3-cryptography for the primitives) or by dkimpy, and
each field of results is read by python3-authres, as in test_judge.py."""
import base64
import email
import hashlib
import re
import smtplib
import time

import pytest

from conftest import Exchange
from test_judge import BAD, kept, letter, results, send, settings
from zones import name_server

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
primitives = pytest.importorskip("cryptography.hazmat.primitives", reason="python3-cryptography is not installed")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa  # noqa: E402

ANY = {"fail", "permerror", "policy", "neutral", "temperror"}  # what a signature can be that is not good


# ---- SPF ----

SPF = {  # name: (records, result for 127.0.0.2, clause)
    "pass": (["v=spf1 ip4:127.0.0.2 -all"], "pass", "2.6.3"), "fail": (["v=spf1 -all"], "fail", "2.6.4"),
    "softfail": (["v=spf1 ~all"], "softfail", "2.6.5"), "neutral": (["v=spf1 ?all"], "neutral", "2.6.2"),
    "default": (["v=spf1"], "neutral", "4.7"), "default2": (["v=spf1 ip4:10.0.0.1"], "neutral", "4.7"),
    "none": (["something else"], "none", "2.6.1"), "nothing": ([], "none", "4.5"), "spf10": (["v=spf10 +all"], "none", "4.5"),
    "spf1x": (["v=spf1+all"], "none", "4.5"), "upper": (["V=SPF1 IP4:127.0.0.2 -ALL"], "pass", "4.6.1, 12"),
    "two": (["v=spf1 +all", "v=spf1 -all"], "permerror", "4.5"), "beside": (["v=spf1 +all", "v=spf10 -all", "x"], "pass", "4.5"),
    "strings": (['v=spf1 ip4:127." "0.0.2 -all'], "pass", "3.3"), "spaces": (["v=spf1   ip4:127.0.0.2    -all  "], "pass", "4.5, 12"),
    "unknown": (["v=spf1 ip4:127.0.0.2 what -all"], "permerror", "4.6"), "after": (["v=spf1 +all what:x"], "permerror", "4.6"),
    "modifier": (["v=spf1 what=ever ip4:127.0.0.2 what=again -all"], "pass", "6"), "allx": (["v=spf1 all:x"], "permerror", "4.6"),
    "octet": (["v=spf1 ip4:127.0.0.256 +all"], "permerror", "4.6"), "prefix": (["v=spf1 ip4:127.0.0.2/33 +all"], "permerror", "5.6"),
    "prefix0": (["v=spf1 ip4:10.0.0.0/0 -all"], "pass", "5.6"), "net": (["v=spf1 ip4:127.0.0.77/24 -all"], "pass", "5.6"),
    "six": (["v=spf1 ip6:::1 ip6:::ffff:127.0.0.2 -all"], "fail", "5"), "order": (["v=spf1 -all ip4:127.0.0.2"], "fail", "5.1"),
    "redirect": (["v=spf1 redirect=pass.spf.test"], "pass", "6.1"), "redirectnone": (["v=spf1 redirect=none.spf.test"], "permerror", "6.1"),
    "redirectall": (["v=spf1 redirect=pass.spf.test ?all"], "neutral", "6.1"),
    "redirecttwice": (["v=spf1 redirect=pass.spf.test redirect=pass.spf.test"], "permerror", "6"),
    "exptwice": (["v=spf1 exp=a.spf.test exp=a.spf.test +all"], "permerror", "6"),
    "redirectfirst": (["v=spf1 redirect=fail.spf.test ip4:127.0.0.2"], "pass", "6.1"),
    "include": (["v=spf1 include:pass.spf.test -all"], "pass", "5.2"), "includefail": (["v=spf1 include:fail.spf.test +all"], "pass", "5.2"),
    "includesoft": (["v=spf1 include:softfail.spf.test ?all"], "neutral", "5.2"),
    "includeneutral": (["v=spf1 include:default.spf.test ~all"], "softfail", "5.2"),
    "includenone": (["v=spf1 include:none.spf.test +all"], "permerror", "5.2"),
    "includeperm": (["v=spf1 include:two.spf.test +all"], "permerror", "5.2"),
    "includenot": (["v=spf1 -include:pass.spf.test +all"], "fail", "5.2"),
    "includetemp": (["v=spf1 include:x.unserved.example +all"], "temperror", "5.2"),
    "atemp": (["v=spf1 a:x.unserved.example +all"], "temperror", "5"), "a": (["v=spf1 a -all"], "pass", "5.3"),
    "aother": (["v=spf1 a:a.spf.test/32 -all"], "pass", "5.3"), "anet": (["v=spf1 a:near.spf.test/24//64 -all"], "pass", "5.3"),
    "anot": (["v=spf1 a:near.spf.test -all"], "fail", "5.3"), "anone": (["v=spf1 a:nobody.spf.test -all"], "fail", "5"),
    "mx": (["v=spf1 mx -all"], "pass", "5.4"), "mximplicit": (["v=spf1 mx:a.spf.test -all"], "fail", "5.4"),
    "mxmany": (["v=spf1 mx -all"], "permerror", "4.6.4"),
    "exists": (["v=spf1 exists:%{ir}.%{l}.%{d2}.ex.spf.test -all"], "pass", "5.7, 7"),
    "macros": (["v=spf1 exists:%{l1r-}.%{o}.%{v}.%{h}.ex.spf.test -all"], "pass", "7"),
    "macrobad": (["v=spf1 exists:%{z}.ex.spf.test +all"], "permerror", "7.1"), "percent": (["v=spf1 exists:%x.spf.test +all"], "permerror", "7.1"),
    "ten": (["v=spf1 " + "a:near.spf.test " * 10 + "ip4:127.0.0.2 -all"], "pass", "4.6.4"),
    "eleven": (["v=spf1 " + "a:near.spf.test " * 11 + "ip4:127.0.0.2 -all"], "permerror", "4.6.4"),
    "deep": (["v=spf1 include:ten.spf.test -all"], "permerror", "4.6.4"),
    "early": (["v=spf1 ip4:127.0.0.2 " + "a:near.spf.test " * 11 + "-all"], "pass", "4.6.4"),
    "void2": (["v=spf1 a:n1.spf.test a:n2.spf.test ip4:127.0.0.2 -all"], "pass", "4.6.4"),
    "void3": (["v=spf1 a:n1.spf.test a:n2.spf.test a:n3.spf.test ip4:127.0.0.2 -all"], "permerror", "4.6.4")}


def spf_zone():
    lines = ["near A 127.0.0.9", "a A 127.0.0.2", "mx MX 10 nobody", "mx MX 20 a", "2.0.0.127.a.spf.test.ex A 127.0.0.1",
             "a.macros.spf.test.in-addr.mail.sender.test.ex A 127.0.0.1"]
    lines += [f"mxmany MX {i} m{i}" for i in range(11)] + [f"m{i} A 127.0.0.9" for i in range(11)]
    lines += [f'{name} TXT "{one}"' for name, (records, _, _) in SPF.items() for one in records]
    return "".join(line.replace(" ", " 60 IN ", 1) + "\n" for line in lines)


# ---- DKIM ----

def rsa_key(bits):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public(key):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        octets = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        octets = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(octets).decode()


KEYS = {"rsa": rsa_key(2048), "small": rsa_key(1024), "tiny": rsa_key(768), "ed": ed25519.Ed25519PrivateKey.generate()}
RECORDS = {  # selector: (records, key, good?, clause)
    "good": (["v=DKIM1; k=rsa; p=%s"], "rsa", True, "3.6.1"), "bare": (["p=%s"], "rsa", True, "3.6.1: v= and k= have defaults"),
    "more": (["v=DKIM1; p=%s; zz=what; n=a note;"], "rsa", True, "3.6.1: other tags MUST be ignored"),
    "folded": (["v = DKIM1 ; k\t=  rsa; p = %s ;"], "rsa", True, "3.2"), "wrong": (["v=DKIM2; p=%s"], "rsa", False, "3.6.1"),
    "version": (["v=DKIM1.0; p=%s"], "rsa", False, "3.6.1: a string comparison"), "late": (["k=rsa; v=DKIM1; p=%s"], "rsa", False, "3.6.1"),
    "revoked": (["v=DKIM1; p="], "rsa", False, "6.1.2 step 7"), "nokey": (["v=DKIM1; k=rsa"], "rsa", False, "6.1.2 step 5"),
    "hash": (["v=DKIM1; h=sha1; p=%s"], "rsa", False, "6.1.2 step 6"), "hashes": (["v=DKIM1; h=what:sha256; p=%s"], "rsa", True, "3.6.1"),
    "type": (["v=DKIM1; k=what; p=%s"], "rsa", False, "3.6.1"), "wrongtype": (["v=DKIM1; k=ed25519; p=%s"], "rsa", False, "6.1.2 step 8"),
    "service": (["v=DKIM1; s=other; p=%s"], "rsa", False, "3.6.1"), "email": (["v=DKIM1; s=other:email; p=%s"], "rsa", True, "3.6.1"),
    "star": (["v=DKIM1; s=*; p=%s"], "rsa", True, "3.6.1"), "garbage": (["v=DKIM1; p=!!!"], "rsa", False, "6.1.2 step 5"),
    "twice": (["v=DKIM1; p=%s; p=%s"], "rsa", False, "3.2: the whole list is invalid"), "text": (["hello world"], "rsa", False, "6.1.2"),
    "small": (["v=DKIM1; p=%s"], "small", True, "RFC 8301 3.2"), "tiny": (["v=DKIM1; p=%s"], "tiny", False, "RFC 8301 3.2"),
    "ed": (["v=DKIM1; k=ed25519; p=%s"], "ed", True, "RFC 8463 3"), "strict": (["v=DKIM1; t=s; p=%s"], "rsa", True, "3.6.1: i= is d= here"),
    "parts": (['v=DKIM1; p=%.100s" "%s'], "rsa", True, "3.6.2.2: strings MUST be concatenated")}


def dkim_zone():
    lines = []
    for selector, (records, key, _, _) in RECORDS.items():
        text = public(KEYS[key])
        for one in records:
            full = one.replace("%.100s", text[:100]).replace("%s", text[100:] if "%.100s" in one else text)
            full = '" "'.join(part[i:i + 250] for part in full.split('" "') for i in range(0, len(part), 250))
            lines.append(f'{selector}._domainkey 60 IN TXT "{full.replace(";", chr(92) + ";")}"')
    return "\n".join(lines) + "\n"


def relaxed(name, value):
    return name.lower().strip() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip() + b"\r\n"


def body_of(text, canon, length=None):
    body = text.partition(b"\r\n\r\n")[2]
    if canon == "relaxed":
        body = b"".join(re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") + b"\r\n" for line in body.split(b"\r\n"))[:-2]
        body = re.sub(rb"(\r\n)+\Z", b"", body) + b"\r\n"
        body = b"" if body == b"\r\n" else body
    else:
        body = re.sub(rb"(\r\n)*\Z", b"\r\n", body, count=1)
    return body[:length]


def sign(text, headers=("from", "to", "subject", "date"), canon="relaxed/relaxed", key="rsa", fold="\r\n\t", change=None, body=None,
         **tags):
    """RFC 6376 section 3.7, with whatever tags a test wants: None takes one away. change: of the field after it was signed."""
    head, _, body_canon = canon.partition("/")
    digest = hashlib.sha256(body_of(text, body_canon or "simple", body)).digest()
    values = {"v": "1", "a": "ed25519-sha256" if key == "ed" else "rsa-sha256", "c": canon, "d": "dkim.test", "s": key if key == "ed" else "good",
              "h": ":".join(headers), "bh": base64.b64encode(digest).decode(), **tags, "b": ""}
    field = ("DKIM-Signature: " + f";{fold}".join(f"{k}={v}" for k, v in values.items() if v is not None)).encode()
    fields = [(name, value) for name, value in re.findall(rb"(?m)^([^:\r\n \t]+)[ \t]*(:(?:[^\r\n]*\r\n)(?:[ \t][^\r\n]*\r\n)*)",
                                                          text.partition(b"\r\n\r\n")[0] + b"\r\n")]
    signed, left = b"", list(fields)
    for name in (values["h"] or "").split(":"):
        found = [i for i, (n, _) in enumerate(left) if n.lower() == name.strip().lower().encode()]
        if found:
            n, v = left.pop(found[-1])
            signed += relaxed(n, v[1:]) if head == "relaxed" else n + v
    signed += (relaxed(b"DKIM-Signature", field[15:])[:-2]) if head == "relaxed" else field
    if key == "ed":
        made = KEYS[key].sign(hashlib.sha256(signed).digest())
    else:
        made = KEYS[key].sign(signed, padding.PKCS1v15(), hashes.SHA1() if values["a"] == "rsa-sha1" else hashes.SHA256())
    field += base64.b64encode(made)
    return (change(field) if change else field) + b"\r\n" + text


FUTURE, PAST = int(time.time()) + 86400, int(time.time()) - 86400
SIGNATURES = {  # name: (how, good?, clause)
    "plain": ({}, True, "3.7"), "simple": ({"canon": "simple/simple", "fold": " "}, True, "3.4.1, 3.4.3"),
    "mixed": ({"canon": "relaxed/simple"}, True, "3.5 c="), "mixed2": ({"canon": "simple/relaxed", "fold": " "}, True, "3.5 c="),
    "one": ({"canon": "relaxed"}, True, "3.5 c=: the body's is simple then"), "canon": ({"c": "what/ever"}, False, "6.1.1"),
    "unknown-tag": ({"zz": "what"}, True, "3.5: unrecognized tags MUST be ignored"), "semicolon": ({"change": lambda f: f + b" ;"}, False, "it was not signed"),
    "v2": ({"v": "2"}, False, "6.1.1: incompatible version"), "v-none": ({"v": None}, False, "6.1.1"), "V": ({"v": None, "V": "1"}, False, "3.2: case-sensitive"),
    "a-none": ({"a": None}, False, "6.1.1"), "bh-none": ({"bh": None}, False, "6.1.1"), "d-none": ({"d": None}, False, "6.1.1"),
    "s-none": ({"s": None}, False, "6.1.1"), "no-from": ({"headers": ("to", "subject")}, False, "6.1.1: From not signed"),
    "FROM": ({"headers": ("FROM", "To", "SUBJECT")}, True, "6.1.3: case-insensitive"), "absent": ({"headers": ("from", "x-not-there", "from", "subject")}, True, "3.5 h="),
    "spaced": ({"h": "from : to :\r\n\t subject"}, True, "3.5 h=: FWS around the colon"), "empty-h": ({"h": ""}, False, "3.5: MUST NOT be empty"),
    "i": ({"i": "@sub.dkim.test"}, True, "3.5 i="), "i-who": ({"i": "a@dkim.test"}, True, "3.5 i="), "i-other": ({"i": "@other.test"}, False, "6.1.1: domain mismatch"),
    "i-suffix": ({"i": "@notdkim.test"}, False, "6.1.1"), "i-strict": ({"s": "strict", "i": "@sub.dkim.test"}, False, "3.6.1 t=s"),
    "t-x": ({"t": str(PAST), "x": str(FUTURE)}, True, "3.5 x="), "expired": ({"t": str(PAST - 9), "x": str(PAST)}, False, "6.1.1: MAY be ignored, and is"),
    "x-before-t": ({"t": str(FUTURE + 9), "x": str(FUTURE)}, False, "3.5: x MUST be greater than t"), "t-long": ({"t": str(PAST), "x": "9" * 12}, True, "3.5"),
    "q": ({"q": "dns/txt"}, True, "3.5 q="), "q-list": ({"q": "what:dns/txt"}, True, "3.5: unrecognized ones MUST be ignored"),
    "q-other": ({"q": "what"}, False, "3.5 q="), "l": ({"l": "5", "body": 5}, False, "6.1.3: with octets behind it, as if it were invalid"),
    "l-long": ({"l": "9999"}, False, "3.5: MUST NOT be larger than the body"), "sha1": ({"a": "rsa-sha1"}, False, "RFC 8301 3.1"),
    "a-other": ({"a": "what-sha256"}, False, "6.1.1"), "z": ({"z": "From:a=40x|To:b"}, True, "3.5 z="),
    "twice": ({"change": lambda f: f.replace(b"d=dkim.test;", b"d=dkim.test; d=dkim.test;")}, False, "3.2"),
    "no-such-key": ({"s": "nowhere"}, False, "6.1.2 step 3"), "changed": ({"change": lambda f: f[:-8] + b"AAAAAAA="}, False, "6.1.3 step 4"),
    "fws-in-b": ({"change": lambda f: f[:-40] + b"\r\n\t " + f[-40:]}, True, "3.5 b="), "s-dots": ({"s": "a..b"}, False, "3.5"),
    "d-ip": ({"d": "[127.0.0.2]"}, False, "3.5 d=: a valid DNS name"), "self": ({"h": "from:dkim-signature"}, True, "3.5: of others, of which there are none")}


# ---- DMARC ----

DMARC = {  # domain in From: (result or None for none, policy, clause). Records are in dmarc_zone(); nothing is aligned.
    "none.dm.test": ("fail", "none", "4.7 p="), "quarantine.dm.test": ("fail", "quarantine", "4.7"),
    "upper.dm.test": ("fail", "quarantine", "4.7"), "strings.dm.test": ("fail", "quarantine", "4.7"),
    "unknown.dm.test": ("fail", "quarantine", "4.7: unknown tags MUST be ignored"),
    "below.tree.test": ("fail", "quarantine", "4.10.1 sp="), "missing.tree.test": ("fail", "none", "4.10.1 np="),
    "a.b.c.d.e.f.g.h.tree.test": ("fail", "none", "4.10 steps 3 to 7, np="), "inherits.p.test": ("fail", "quarantine", "4.10.1"),
    "nothing.test": ("none", None, "4.10.1: MUST NOT apply"), "two.test": ("none", None, "4.10 step 2"), "late.test": ("none", None, "4.7 v="),
    "case.test": ("none", None, "4.7 v="), "nop.test": ("fail", "none", "4.10.1: rua"), "nopnorua.test": ("none", None, "4.10.1"),
    "badp.test": ("fail", "none", "4.10.1"), "badsp.test": ("fail", "none", "4.10.1"), "testing.test": ("fail", "none", "4.7 t=")}
DMARC_RECORDS = {
    "_dmarc.none.dm.test": "v=DMARC1; p=none", "_dmarc.quarantine.dm.test": "v=DMARC1;p=quarantine;",
    "_dmarc.upper.dm.test": "v=DMARC1; P=Quarantine", "_dmarc.strings.dm.test": 'v=DMARC1; p=quar" "antine',
    "_dmarc.unknown.dm.test": "v=DMARC1; p=quarantine; pct=0; ri=1; zz=what", "_dmarc.tree.test": "v=DMARC1; p=reject; sp=quarantine; np=none",
    "below.tree.test": "here I am", "_dmarc.p.test": "v=DMARC1; p=quarantine", "inherits.p.test": "here", "_dmarc.late.test": "p=quarantine; v=DMARC1",
    "_dmarc.case.test": "v=dmarc1; p=quarantine", "_dmarc.nop.test": "v=DMARC1; rua=mailto:x@nop.test", "_dmarc.nopnorua.test": "v=DMARC1; adkim=s",
    "_dmarc.badp.test": "v=DMARC1; p=what; rua=mailto:x@badp.test", "_dmarc.badsp.test": "v=DMARC1; p=quarantine; sp=what; rua=mailto:x@badsp.test",
    "_dmarc.testing.test": "v=DMARC1; p=quarantine; t=y", "_dmarc.strict.test": "v=DMARC1; p=none; adkim=s; aspf=s",
    "_dmarc.relaxed.test": "v=DMARC1; p=none", "_dmarc.psd.test": "v=DMARC1; p=none; psd=y", "_dmarc.cut.relaxed.test": "v=DMARC1; p=none; psd=n"}


def dmarc_zones():
    zones = {}
    for name, text in DMARC_RECORDS.items():
        zones.setdefault(".".join(name.split(".")[-2:]), []).append(f'{name}. 60 IN TXT "{text.replace(";", chr(92) + ";")}"\n')
    zones.setdefault("two.test", []).extend(f'_dmarc 60 IN TXT "v=DMARC1\\; p={p}"\n' for p in ("quarantine", "reject"))
    return {name: "".join(lines) for name, lines in zones.items()}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("standards")
    zones = {"test": "", "spf.test": spf_zone(), "dkim.test": dkim_zone(), "sender.test": "mail 60 IN A 127.0.0.2\n", **dmarc_zones()}
    for name in ("strict.test", "relaxed.test", "psd.test"):  # a key below each name that signs
        text = public(KEYS["rsa"])
        text = '" "'.join(text[i:i + 250] for i in range(0, len(text), 250))
        zones[name] += "".join(f'good._domainkey{sub} 60 IN TXT "p={text}"\n' for sub in ("", ".one", ".two", ".cut"))
    with name_server(folder / "nsd", zones) as port:
        (folder / "exchange").mkdir()
        exchange = Exchange(folder / "exchange", settings(f'{{ "127.0.0.1@{port}" }}', connections_peer=400))
        exchange.start()
        try:
            yield exchange
        finally:
            exchange.stop()


AUTHOR = "a@nothing.test"  # of whom nobody says anything


def judged(world, text, subject, **how):
    how.setdefault("sender", AUTHOR)
    assert send(world, text, **how) is None
    (raw,) = kept(world, subject)
    return results(raw)


def batch(world, texts):
    """{name: results} of many: {name: (text, sender)}. The subject is the name with a mark in front."""
    for text, sender in texts.values():
        assert send(world, text, sender=sender) is None
    found = {}
    for raw in kept(world, "batch-"):
        found[email.message_from_bytes(raw)["Subject"].removeprefix("batch-")] = results(raw)
    return {name: found[name] for name in texts}


def differences(got, wanted):
    return {name: (got[name], w) for name, w in wanted.items() if not (got[name] == w if isinstance(w, str) else got[name] in w)}


def test_spf_results(world):
    """RFC 7208: each row of SPF names its clause."""
    got = batch(world, {f"spf-{name}": (letter(f"batch-spf-{name}", AUTHOR), f"a@{name}.spf.test") for name in SPF})
    wrong = differences({name: got[f"spf-{name}"]["spf"][0][0] for name in SPF}, {name: row[1] for name, row in SPF.items()})
    assert not wrong, {name: (*w, SPF[name][0], SPF[name][2]) for name, w in wrong.items()}


def test_spf_of_what_is_no_domain(world):
    """7208 4.3: a sender whose domain has one label: "none"."""
    assert judged(world, letter("one label", AUTHOR), "one label", sender="a@single")["spf"][0][0] == "none"


def test_spf_says_the_domain_alone(world):
    """8601 2.7.2: where the record says nothing of local parts, "the pvalue reported SHOULD NOT include the local-part or the
    following @": nobody has vouched for it."""
    got = judged(world, letter("pvalue", AUTHOR), "pvalue", sender="a@pass.spf.test")
    assert got["spf"][0] == ("pass", {"smtp.mailfrom": "pass.spf.test"})


def test_key_records(world):
    """RFC 6376 section 3.6.1 and 6.1.2: each row of RECORDS names its clause."""
    texts = {}
    for selector, (_, key, _, _) in RECORDS.items():
        texts[f"key-{selector}"] = (sign(letter(f"batch-key-{selector}", AUTHOR), key=key, s=selector), AUTHOR)
    got = batch(world, texts)
    wrong = differences({s: got[f"key-{s}"]["dkim"][0][0] for s in RECORDS}, {s: "pass" if row[2] else ANY for s, row in RECORDS.items()})
    assert not wrong, {s: (w[0], RECORDS[s][3]) for s, w in wrong.items()}


def test_signatures(world):
    """RFC 6376 sections 3.2, 3.5, 6.1.1, 6.1.3: each row of SIGNATURES names its clause."""
    texts = {f"sig-{name}": (sign(letter(f"batch-sig-{name}", AUTHOR), **how), AUTHOR) for name, (how, _, _) in SIGNATURES.items()}
    got = batch(world, texts)
    found = {name: got[f"sig-{name}"]["dkim"][0][0] for name in SIGNATURES}
    # One that is no signature at all may as well count as none (6.1.1: "completely ignored").
    wrong = differences(found, {name: "pass" if row[1] else ANY | {"none"} for name, row in SIGNATURES.items()})
    assert not wrong, {name: (w[0], SIGNATURES[name][2]) for name, w in wrong.items()}


BODIES = {"empty": b"", "one line end": b"\r\n", "many": b"x\r\n\r\n\r\n\r\n", "no end": b"x", "spaces": b" a \t b  \r\n \r\n\t\r\n", "only spaces": b"   \r\n"}


@pytest.mark.parametrize("canon", ["simple/simple", "relaxed/relaxed"])
def test_bodies(world, canon):
    """3.4.3, 3.4.4: empty bodies, white space and empty lines at the end."""
    texts = {}
    for i, body in enumerate(BODIES.values()):
        text = letter(f"batch-body-{canon[0]}{i}", AUTHOR).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
        texts[f"body-{canon[0]}{i}"] = (sign(text, canon=canon, fold=" "), AUTHOR)
    got = batch(world, texts)
    assert [r["dkim"][0][0] for r in got.values()] == ["pass"] * len(BODIES), list(BODIES)


def test_headers_from_the_bottom(world):
    """5.4.2: of several fields of a name the last is signed first: one put on top is not covered, and one over the number is (h=
    names it once more)."""
    text = letter("bottom", AUTHOR, b"X-Multi: one\r\nX-Multi: two\r\n")
    once = sign(text, headers=("from", "x-multi"))
    both = sign(letter("bottom2", AUTHOR, b"X-Multi: one\r\nX-Multi: two\r\n"), headers=("from", "x-multi", "x-multi", "x-multi"))
    assert judged(world, b"X-Multi: zero\r\n" + once, "bottom")["dkim"][0][0] == "pass"
    assert judged(world, b"X-Multi: zero\r\n" + both, "bottom2")["dkim"][0][0] == "fail"


def test_one_good_of_several(world):
    """6.1: bad signatures are ignored where another is good; 6.1: the order has no meaning; both algorithms side by side (8463)."""
    text = sign(letter("several", AUTHOR), key="ed")
    for how in ({"v": "2"}, {}, {"s": "nowhere"}):
        text = sign(text, **how)
    got = judged(world, text, "several")
    assert [r for r, _ in got["dkim"]].count("pass") == 2


def test_a_key_that_cannot_be_fetched(world):
    """6.1.2 step 2, 8601 2.7.1: "temperror", and 6.3: no reason for anything by itself."""
    text = sign(letter("unserved", AUTHOR), d="x.unserved.example")
    assert judged(world, text, "unserved")["dkim"][0][0] == "temperror"


def test_a_bad_signature_is_as_none(world):
    """6.1, 6.3: "SHOULD NOT treat a message that has one or more bad signatures and no good signatures differently"."""
    assert send(world, sign(letter("bad one", AUTHOR)) + b"More\r\n", sender=AUTHOR) is None
    assert len(kept(world, "bad one")) == 1


# ---- ARC ----

@pytest.fixture(scope="module")
def pem():
    return KEYS["rsa"].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


def sealed(text, pem, times=1):
    """With ARC sets by dkimpy."""
    for i in range(times):
        results = b"Authentication-Results: lists.test; arc=%s; spf=pass smtp.mailfrom=x.test\r\n" % (b"pass" if i else b"none")
        made = dkim.arc_sign(results + text, b"good", b"dkim.test", pem, b"lists.test", include_headers=[b"from", b"to", b"subject"])
        assert made, "dkimpy made no set"
        text = b"".join(made) + text
    assert not times or dkim.arc_verify(text, dnsfunc=lambda *_, **__: b"p=" + public(KEYS["rsa"]).encode())[0] == b"pass"
    return text


def without(text, field):
    return re.sub(rb"(?mi)^" + field + rb"[^\r\n]*\r\n([ \t][^\r\n]*\r\n)*", b"", text, count=1)


ARC = {  # name: (sets, what is done to it, result, clause of RFC 8617)
    "none": (0, lambda t: t, "none", "5.2 step 1"), "one": (1, lambda t: t, "pass", "5.2"), "two": (2, lambda t: t, "pass", "5.2"),
    "three": (3, lambda t: t, "pass", "5.2"), "body": (1, lambda t: t + b"More\r\n", "fail", "step 4"),
    "no-ams": (1, lambda t: without(t, b"ARC-Message-Signature:"), "fail", "step 3A"), "no-aar": (1, lambda t: without(t, b"ARC-Authentication-Results:"), "fail", "step 3A"),
    "no-seal": (2, lambda t: without(t, b"ARC-Seal:"), "fail", "step 3A"), "gap": (2, lambda t: t.replace(b"i=1;", b"i=3;"), "fail", "step 3B"),
    "aar-changed": (2, lambda t: t.replace(b"mailfrom=x.test", b"mailfrom=y.test"), "fail", "step 6"), "fail": (2, lambda t: t.replace(b"cv=pass", b"cv=fail"), "fail", "step 2"),
    "first-pass": (1, lambda t: t.replace(b"cv=none", b"cv=pass"), "fail", "step 3C"), "zero": (1, lambda t: t.replace(b"i=1;", b"i=0;"), "fail", "4.2.1"),
    "huge": (1, lambda t: t.replace(b"i=1;", b"i=51;"), "fail", "4.2.1, step 1"), "no-d": (1, lambda t: t.replace(b"d=dkim.test;", b""), "fail", "4.1")}


def test_arc_chains(world, pem):
    """RFC 8617 section 5.2: each row of ARC names its step."""
    texts = {f"arc-{name}": (change(sealed(letter(f"batch-arc-{name}", AUTHOR), pem, sets)), AUTHOR) for name, (sets, change, _, _) in ARC.items()}
    got = batch(world, texts)
    found = {name: got[f"arc-{name}"].get("arc", [("none", {})])[0][0] for name in ARC}
    wrong = differences(found, {name: row[2] for name, row in ARC.items()})
    assert not wrong, {name: (*w, ARC[name][3]) for name, w in wrong.items()}


# ---- DMARC ----

def test_dmarc_policies(world):
    """RFC 9989: each row of DMARC names its clause. Nothing is signed and SPF is of another domain."""
    texts = {f"dm-{name}": (letter(f"batch-dm-{name}", f"a@{name}"), "a@pass.spf.test") for name in DMARC}
    got = batch(world, texts)
    found = {}
    for name in DMARC:
        result, values = got[f"dm-{name}"]["dmarc"][0]
        found[name] = (result, values.get("policy.dmarc") if result != "none" else None)
    wrong = {name: (found[name], DMARC[name]) for name in DMARC if found[name] != DMARC[name][:2]}
    assert not wrong, wrong


ALIGNED = [  # From, d= of a good signature, result, clause of RFC 9989
    ("relaxed.test", "relaxed.test", "pass", "4.4.1"), ("one.relaxed.test", "relaxed.test", "pass", "4.4.1 relaxed"),
    ("relaxed.test", "one.relaxed.test", "pass", "4.4.1 relaxed"), ("one.relaxed.test", "two.relaxed.test", "pass", "4.4.1 relaxed"),
    ("strict.test", "strict.test", "pass", "4.7 adkim=s"), ("one.strict.test", "strict.test", "fail", "4.7 adkim=s"),
    ("strict.test", "one.strict.test", "fail", "4.7 adkim=s"), ("one.psd.test", "two.psd.test", "fail", "4.10.2 psd=y"),
    ("one.psd.test", "one.psd.test", "pass", "4.10.2"), ("cut.relaxed.test", "relaxed.test", "fail", "4.10.2 psd=n"),
    ("cut.relaxed.test", "cut.relaxed.test", "pass", "4.10.2"), ("relaxed.test", "dkim.test", "fail", "4.4")]


def test_dmarc_alignment(world):
    """RFC 9989 sections 4.4 and 4.10.2: whose organization it is goes by the tree walk, and strict is strict."""
    texts = {f"al-{i}": (sign(letter(f"batch-al-{i}", f"a@{author}"), d=signer), AUTHOR) for i, (author, signer, _, _) in enumerate(ALIGNED)}
    got = batch(world, texts)
    assert all(r["dkim"][0][0] == "pass" for r in got.values())
    wrong = [(got[f"al-{i}"]["dmarc"][0], row) for i, row in enumerate(ALIGNED) if got[f"al-{i}"]["dmarc"][0][0] != row[2]]
    assert not wrong, wrong


def test_a_policy_of_reject_is_obeyed(world):
    """RFC 9989 sections 5.4 and 7.4: "MUST NOT reject incoming messages solely on the basis of a p=reject policy"; without other
    knowledge "MUST treat such failing mail as if the policy were p=quarantine". Here it is refused, with 550 5.7.26 (RFC 7372),
    unless a mailing list vouches for it or a trusted sealer does: that is the other knowledge there is, a sender who is
    refused is told by its own server, and what lies in Junk is told nobody. dmarc_reject = "quarantine" does what the RFC says."""
    code, text = send(world, letter("refused", "a@tree.test"), sender=AUTHOR, client=BAD)
    assert code == 550 and text.startswith("5.7.26")


# ---- RFC 8601: the field ----

OURS = [b"Authentication-Results: localhost; spf=pass smtp.mailfrom=x.test\r\n", b"AUTHENTICATION-RESULTS: Localhost; none\r\n",
        b"Authentication-Results: localhost 1; dkim=pass\r\n", b"Authentication-Results: localhost 99; dkim=pass\r\n",
        b"Authentication-Results:\r\n\tlocalhost;\r\n dkim=pass\r\n", b"Authentication-Results: (c) localhost (d (e)) ; x=y\r\n",
        b'Authentication-Results: "localhost"; dkim=pass\r\n', b'Authentication-Results: "local\\host"; dkim=pass\r\n',
        b"Authentication-Results : localhost; dkim=pass\r\n", b"Authentication-Results:localhost;dkim=pass\r\n", b"Authentication-Results: localhost\r\n"]
OTHERS = [b"Authentication-Results: mx.other.test; spf=pass\r\n", b"Authentication-Results: localhost.other.test; spf=pass\r\n",
          b"Authentication-Results: other; spf=pass (localhost)\r\n", b"X-Authentication-Results: localhost; spf=pass\r\n",
          b"ARC-Authentication-Results: i=1; localhost; spf=pass\r\n"]


def test_what_claims_to_be_ours_goes(world):
    """5: "MUST delete any discovered instance of this header field that claims, by virtue of its authentication service identifier,
    to have been added within its trust boundary", whatever its version (same section) and however it is written; those of
    others need not go, and nothing else changes."""
    assert send(world, b"".join(OURS) + b"".join(OTHERS) + letter("ours", AUTHOR), sender=AUTHOR) is None
    (raw,) = kept(world, "ours")
    for field in OTHERS:
        assert field in raw
    fields = email.message_from_bytes(raw).get_all("Authentication-Results")
    assert len(fields) == 1 + 3 and sum(f.lower().startswith("localhost;") for f in fields) == 1


def test_what_our_people_claim_goes_too(world):
    """5: a person is no trusted MTA: what is submitted has no such field of ours either."""
    with smtplib.SMTP_SSL("localhost", world.port("submissions"), context=world.tls(), timeout=20) as smtp:
        smtp.login(world.ALICE, world.password(world.ALICE))
        smtp.sendmail(world.ALICE, [world.BOB], OURS[0] + letter("claimed", world.ALICE))
    (raw,) = kept(world, "claimed")
    assert b"localhost; spf=pass" not in raw


def test_where_the_field_stands(world):
    """4, 4.1: on top of all trace fields, our Received among them; 6376 6.2: before DKIM-Signature and older results; what is inside
    the message's parts is left (4.1)."""
    inner = b"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n"
    text = sign(OTHERS[0] + b"Received: from x by y; Fri, 27 Nov 2026 10:00:00 +0000\r\n" + letter("stands", AUTHOR, inner) + OURS[0] + letter("inside"))
    assert send(world, text, sender=AUTHOR) is None
    (raw,) = kept(world, "stands")
    names = [name.lower() for name, _ in email.message_from_bytes(raw).items()]
    assert names.index("authentication-results") < min(names.index(n) for n in ("received", "dkim-signature"))
    assert set(names[:names.index("authentication-results")]) <= {"return-path", "delivered-to"}
    assert raw.endswith(OURS[0] + letter("inside")) and names.count("authentication-results") == 2


def test_whom_it_names(world):
    """2.7.1: header.d of each signature; 2.7.2: smtp.helo where there is no sender; RFC 6008: header.b tells signatures apart."""
    text = sign(sign(letter("names", AUTHOR)), key="ed")
    got = judged(world, text, "names", sender="")
    assert got["spf"][0][1] == {"smtp.helo": "mail.sender.test"}
    assert [v["header.d"] for _, v in got["dkim"]] == ["dkim.test"] * 2 and len({v.get("header.b") for _, v in got["dkim"]}) == 2
