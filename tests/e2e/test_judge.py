# SPDX-License-Identifier: ISC
"""Where strangers' mail is from: SPF, DKIM, ARC, DMARC against a zone in nsd, what is done about it, and what is written.

Every results field is parsed by python3-authres; messages are signed by dkimpy (python3-dkim).
"""
import base64
import email
import imaplib
import json
import re
import shutil
import smtplib
import subprocess
import time

import pytest

from conftest import ROOT, Exchange, build_folder
from test_resolver import NameServer, wait_until
from zones import free_port, name_server

authres = pytest.importorskip("authres", reason="python3-authres is not installed")
dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
from authres.dmarc import DMARCAuthenticationResult  # noqa: E402, F401 (registers itself)

GOOD, BAD = "127.0.0.2", "127.0.0.3"
LETTER = (b"From: %(author)s\r\nTo: bob@example.org\r\nSubject: %(subject)s\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n"
          b"Message-ID: <%(subject)s@sender.test>\r\n%(more)s\r\nHello\r\n")


# ---- keys and zones ----

@pytest.fixture(scope="module")
def key():
    """A secret key for dkimpy, and its record."""
    secret = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=secret, check=True, capture_output=True).stdout
    text = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    return secret, " ".join(f'"{text[i:i + 250]}"' for i in range(0, len(text), 250))


def zone_of(record):
    """Everything is below one zone: names of the tests are its children."""
    lines = [f"@ 60 IN TXT \"v=spf1 ip4:{GOOD} -all\"", "_dmarc 60 IN TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@sender.test\"",
             f"k1._domainkey 60 IN TXT {record}", "quarantine 60 IN TXT \"v=spf1 -all\"",
             "_dmarc.quarantine 60 IN TXT \"v=DMARC1; p=quarantine\"", "_dmarc.none 60 IN TXT \"v=DMARC1; p=none\"",
             "none 60 IN TXT \"v=spf1 -all\"", "loop 60 IN TXT \"v=spf1 include:loop.sender.test -all\"",
             "_dmarc.loop 60 IN TXT \"v=DMARC1; p=none\"", "mail 60 IN A 127.0.0.2",
             "huge 60 IN TXT \"v=spf1 " + " ".join(f"ip4:10.0.{i}.1" for i in range(12)) + " -all\""]
    lines += [f"void{i} 60 IN TXT \"v=spf1 a:x1.void.sender.test a:x2.void.sender.test a:x3.void.sender.test -all\"" for i in "1"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory, key):
    """An exchange whose resolver asks nsd."""
    folder = tmp_path_factory.mktemp("judge")
    other = "@ 60 IN TXT \"v=spf1 ip4:127.0.0.2 ip4:127.0.0.3 -all\"\n" + f"k1._domainkey 60 IN TXT {key[1]}\n"
    with name_server(folder / "nsd", {"test": "", "sender.test": zone_of(key[1]), "other.test": other}) as port:
        (folder / "exchange").mkdir()
        exchange = Exchange(folder / "exchange", settings(f'{{ "127.0.0.1@{port}" }}'))
        exchange.start()
        exchange.name_server = port
        try:
            yield exchange
        finally:
            exchange.stop()


def settings(resolvers, **more):
    return {"mail_authentication": "true", "resolvers": resolvers, "dnssec_anchors": '""', **more}


# ---- mail ----

def letter(subject, author="a@sender.test", more=b""):
    return LETTER % {b"author": author.encode(), b"subject": subject.encode(), b"more": more}


def signed(text, key, domain="sender.test", **options):
    options.setdefault("include_headers", [b"from", b"to", b"subject", b"date"])
    return dkim.sign(text, b"k1", domain.encode(), key[0], canonicalize=(b"relaxed", b"relaxed"), **options) + text


def send(exchange, text, sender="a@sender.test", client=GOOD, timeout=60):
    """None, or (code, text) of a refusal at the end."""
    with smtplib.SMTP("127.0.0.1", exchange.port("smtp"), local_hostname="mail.sender.test", source_address=(client, 0),
                      timeout=timeout) as smtp:
        try:
            smtp.sendmail(sender, [exchange.BOB], text)
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code, refused.smtp_error.decode()
    return None


def kept(exchange, subject, mailbox="INBOX"):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
        imap.login(exchange.BOB, exchange.password(exchange.BOB))
        imap.select(mailbox, readonly=True)
        found = imap.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
        return [imap.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in found]


def results(raw):
    """Our own field, by authres: {method: [(result, {property: value})]}. It is above our Received."""
    message = email.message_from_bytes(raw)
    names = [name for name, _ in message.items()]
    assert names.index("Authentication-Results") < names.index("Received")
    field = message.get_all("Authentication-Results")[0]
    parsed = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + " ".join(field.split()))
    assert parsed.authserv_id == "localhost"
    out = {}
    for r in parsed.results:
        out.setdefault(r.method, []).append((r.result, {f"{p.type}.{p.name}": p.value for p in r.properties}))
    return out


def judged(exchange, text, subject, **how):
    assert send(exchange, text, **how) is None
    (raw,) = kept(exchange, subject)
    return results(raw)


# ---- what is found out ----

def test_all_is_right(world, key):
    got = judged(world, signed(letter("right"), key), "right")
    assert got["spf"][0] == ("pass", {"smtp.mailfrom": "sender.test"})
    assert got["dkim"][0][0] == "pass" and got["dkim"][0][1]["header.d"] == "sender.test"
    assert got["dmarc"][0][0] == "pass" and got["dmarc"][0][1]["header.from"] == "sender.test"


def test_dmarc_reject_is_obeyed(world):
    code, text = send(world, letter("rejected"), client=BAD)
    assert code == 550 and text.startswith("5.7.26") and "sender.test" in text
    assert kept(world, "rejected") == []


def test_dkim_alone_is_enough(world, key):
    got = judged(world, signed(letter("forwarded"), key), "forwarded", client=BAD)
    assert got["spf"][0][0] == "fail" and got["dkim"][0][0] == "pass" and got["dmarc"][0][0] == "pass"


def test_a_changed_body_fails(world, key):
    code, _ = send(world, signed(letter("changed"), key) + b"More\r\n", client=BAD)
    assert code == 550


def test_unaligned_does_not_help(world, key):
    """SPF and DKIM of somebody else pass, and that is not who From says."""
    text = signed(letter("unaligned"), key, "other.test")
    code, _ = send(world, text, sender="b@other.test", client=BAD)
    assert code == 550


def test_a_mailing_list_goes_to_junk(world, key):
    text = signed(letter("list", more=b"List-Id: <list.other.test>\r\n"), key, "other.test")
    got = judged(world, text, "list", sender="b@other.test", client=BAD)
    assert got["dmarc"][0][0] == "fail"
    assert "why=\"it is from a mailing list\"" in world.log()


def test_quarantine_goes_to_junk(world):
    with imaplib.IMAP4_SSL("localhost", world.port("imaps"), ssl_context=world.tls()) as imap:
        imap.login(world.BOB, world.password(world.BOB))
        assert send(world, letter("inbox", "a@quarantine.sender.test"), "a@quarantine.sender.test") is None
        assert len(kept(world, "inbox")) == 1  # there is no Junk yet
        assert imap.create("Junk")[0] == "OK"
        assert send(world, letter("quarantined", "a@quarantine.sender.test"), "a@quarantine.sender.test") is None
    assert kept(world, "quarantined") == []
    (raw,) = kept(world, "quarantined", "Junk")
    assert results(raw)["dmarc"][0] == ("fail", {"header.from": "quarantine.sender.test", "policy.dmarc": "quarantine"})


def test_none_is_accepted(world):
    got = judged(world, letter("lenient", "a@none.sender.test"), "lenient", sender="a@none.sender.test")
    assert got["spf"][0][0] == "fail" and got["dmarc"][0][0] == "fail"


def test_the_null_sender_is_judged_by_its_hello(world):
    got = judged(world, letter("bounce", "a@none.sender.test"), "bounce", sender="")
    assert got["spf"][0][0] == "none" and got["spf"][0][1] == {"smtp.helo": "mail.sender.test"}


# ---- beside npm's mailauth ----

@pytest.fixture(scope="module")
def oracle(world):
    """mailauth's results for a message: {"spf": word, "dkim": [words], "dmarc": word}."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm is not installed (Debian packages nodejs, npm)")
    folder = build_folder() / "interop-judge"
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests" / "interop" / name, folder / name)
    if not (folder / "node_modules" / "mailauth" / "package.json").exists():
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, timeout=180)
        if done.returncode != 0:
            pytest.skip("npm could not install mailauth: " + done.stderr.decode(errors="replace")[-200:])

    def ask(text, sender, client):
        words = ["node", ROOT / "tests" / "e2e" / "judge_oracle.mjs", str(world.name_server), client, "mail.sender.test", sender]
        return json.loads(subprocess.run(words, input=text, cwd=folder, check=True, capture_output=True, timeout=60).stdout)

    return ask


CASES = {  # author, sender, client, who signs, what is added behind the signature
    "o-right": ("a@none.sender.test", "a@sender.test", GOOD, "sender.test", b""),
    "o-unsigned": ("a@none.sender.test", "a@sender.test", GOOD, None, b""),
    "o-foreign": ("a@none.sender.test", "b@other.test", BAD, "other.test", b""),
    "o-changed": ("a@none.sender.test", "a@none.sender.test", BAD, "sender.test", b"More\r\n"),
    "o-no-key": ("a@none.sender.test", "a@none.sender.test", GOOD, "none.sender.test", b""),
    "o-circle": ("a@none.sender.test", "a@loop.sender.test", BAD, None, b""),
    "o-nobody": ("a@none.sender.test", "a@nobody.sender.test", BAD, None, b""),
    "o-bounce": ("a@none.sender.test", "", GOOD, None, b""),
}


@pytest.mark.parametrize("name", CASES)
def test_as_mailauth_sees_it(world, oracle, key, name):
    author, sender, client, signer, added = CASES[name]
    text = letter(name, author)
    text = (signed(text, key, signer) if signer else text) + added
    theirs, ours = oracle(text, sender, client), judged(world, text, name, sender=sender, client=client)
    assert ours["spf"][0][0] == theirs["spf"]
    for (mine, _), other in zip(ours["dkim"], theirs["dkim"] or ["none"], strict=True):
        # It says "neutral" of a body that does not match and of a key that is not there; RFC 8601 section 2.7.1 does not.
        assert mine == other or (other == "neutral" and mine in ("fail", "permerror"))
    assert ours["dmarc"][0][0] == theirs["dmarc"]


# ---- what is written ----

FORGED = [b"Authentication-Results: localhost; spf=pass\r\n", b"authentication-results : LOCALHOST.; dkim=pass\r\n",
          b"Authentication-Results:\r\n (x) \"localhost\" 1; spf=pass\r\n"]


@pytest.mark.parametrize("number", range(len(FORGED)))
def test_forged_results_go_and_others_stay(world, number):
    other = b"Authentication-Results: mx.other.test; spf=pass smtp.mailfrom=x@other.test\r\n"
    text = FORGED[number] + other + letter(f"forged{number}", "a@none.sender.test")
    assert send(world, text, sender="a@none.sender.test") is None
    (raw,) = kept(world, f"forged{number}")
    fields = email.message_from_bytes(raw).get_all("Authentication-Results")
    assert len(fields) == 2 and fields[1].startswith("mx.other.test")


def test_a_stranger_cannot_write_into_the_field(world):
    """Whatever stands in addresses and signatures stays inside its value."""
    evil = b"DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=\"; dmarc=pass header.from=bank.test; i=@x.test;\r\n b=AA; bh=AA; h=from\r\n"
    got = judged(world, evil + letter("evil", "a@none.sender.test"), "evil", sender='"; dmarc=pass"@none.sender.test')
    assert [r for r, _ in got["dmarc"]] == ["fail"]


def test_large_and_small_bodies_alike(world, key):
    """Over 256 KiB the text was handed on before the verdict was there."""
    body = b"".join(b"%07d line of a large letter\r\n" % i for i in range(20000))
    got = judged(world, signed(letter("large") + body, key), "large", client=BAD)
    assert got["dkim"][0][0] == "pass"
    (raw,) = kept(world, "large")
    assert raw.endswith(body) and raw.startswith(b"Return-Path: <a@sender.test>\r\nDelivered-To:")


# ---- bad input is bounded ----

def test_a_thousand_signatures(world, key):
    text = signed(letter("thousand", "a@none.sender.test"), key)
    one = text[:text.index(b"From:")]
    begun = time.monotonic()
    got = judged(world, one * 200 + text, "thousand", sender="a@none.sender.test")
    assert time.monotonic() - begun < 20 and len(got["dkim"]) <= 10


def test_a_part_of_the_body_signed_is_no_pass(world, key):
    text = signed(letter("part"), key, length=True) + b"Added\r\n"
    code, _ = send(world, text, client=BAD)
    assert code == 550


@pytest.mark.parametrize("second", [b"From: b@other.test\r\n", b"from:\r\n b@other.test\r\n"])
def test_from_twice_is_judged_for_both(world, key, second):
    """A signature for one of two authors proves nothing."""
    code, _ = send(world, second + signed(letter("twice"), key, include_headers=[b"from"]), client=BAD)
    assert code == 550


@pytest.mark.parametrize("who", ["loop", "void1"])
def test_spf_that_never_ends(world, who):
    begun = time.monotonic()
    got = judged(world, letter(who, "a@none.sender.test"), who, sender=f"a@{who}.sender.test", client=BAD)
    assert got["spf"][0][0] == "permerror" and time.monotonic() - begun < 20


def test_a_huge_header(world):
    more = b"".join(b"X-%d: %s\r\n" % (i, b"y" * 900) for i in range(250))
    got = judged(world, letter("header", "a@none.sender.test", more), "header", sender="a@none.sender.test")
    assert "dmarc" in got


# ---- DNS that does not help ----

def test_nobody_answers(fresh_exchange):
    exchange = fresh_exchange({"mail_authentication": "true"})  # its resolver is at a port where nobody is
    begun = time.monotonic()
    got = judged(exchange, letter("nobody"), "nobody")
    assert got["spf"][0][0] == "temperror" and got["dmarc"][0][0] == "temperror"
    assert time.monotonic() - begun < 20


def test_silence_is_waited_for_no_longer_than_20_seconds(fresh_exchange):
    server = NameServer({}, silent=True)
    try:
        exchange = fresh_exchange(settings(server.setting))
        begun = time.monotonic()
        got = judged(exchange, letter("silence"), "silence")
        assert got["spf"][0][0] == "temperror" and time.monotonic() - begun < 30
    finally:
        server.close()


def test_a_client_that_goes_away_while_it_is_waited_for(fresh_exchange):
    server = NameServer({}, silent=True)
    try:
        exchange = fresh_exchange(settings(server.setting))
        for _ in range(3):
            smtp = smtplib.SMTP("127.0.0.1", exchange.port("smtp"), local_hostname="mail.sender.test", timeout=20)
            smtp.ehlo()
            smtp.mail("a@sender.test")
            smtp.rcpt(exchange.BOB)
            smtp.putcmd("data")
            smtp.getreply()
            smtp.send(letter("gone") + b".\r\n")
            smtp.sock.close()
        wait_until(lambda: ("sender.test", 16) in server.asked, "SPF is asked for")
    finally:
        server.close()


# ---- settings ----

def test_not_judged_at_all(fresh_exchange):
    exchange = fresh_exchange({"mail_authentication": "false"})
    assert send(exchange, letter("plain")) is None
    (raw,) = kept(exchange, "plain")
    assert b"Authentication-Results" not in raw


@pytest.mark.parametrize("setting, outcome", [({"dmarc_reject": '"ignore"'}, None), ({"dmarc_reject": '"quarantine"'}, None),
                                              ({"trusted_forwarders": f'{{ "{BAD}" }}'}, None),
                                              ({"spf_fail": '"reject"'}, 550)])
def test_the_operators_policy(fresh_exchange, tmp_path, key, setting, outcome):
    with name_server(tmp_path / "nsd", {"test": "", "sender.test": zone_of(key[1])}) as port:
        exchange = fresh_exchange(settings(f'{{ "127.0.0.1@{port}" }}', **setting))
        said = send(exchange, letter("policy"), client=BAD)
        assert (said and said[0]) == outcome
        if outcome is None:
            (raw,) = kept(exchange, "policy")
            assert results(raw)["dmarc"][0][0] == "fail"


def test_what_our_own_people_write_is_not_judged(world):
    with smtplib.SMTP_SSL("localhost", world.port("submissions"), context=world.tls(), timeout=20) as smtp:
        smtp.login(world.ALICE, world.password(world.ALICE))
        smtp.sendmail(world.ALICE, [world.BOB], letter("own", world.ALICE))
    (raw,) = kept(world, "own")
    assert b"Authentication-Results" not in raw
    assert not re.search(r"smtp\.judged .*from=alice@example\.org", world.log())
