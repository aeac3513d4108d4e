# SPDX-License-Identifier: ISC
"""Aliases, groups, catch-alls, details, several domains and their verbs, beside the running daemon: what smtplib is told at RCPT,
and whose inbox has the letter then."""
import contextlib
import json
import signal
import smtplib

import pytest

from processes import eventually
from test_smtp import LETTER, inbox, with_subject

CAROL = "carol@example.org"
NFC, NFD = "j\u00fcrgen", "ju\u0308rgen"


@pytest.fixture
def exchange(fresh_exchange):
    one = fresh_exchange()
    one.account_add(CAROL, "nine owls")
    return one


def said(done):
    return done.stderr.removeprefix("letterlockd: ").strip()


def refused(exchange, *words, status=1):
    done = exchange.run(*words, check=False)
    assert (done.returncode, done.stdout) == (status, ""), (done.stdout, done.stderr)
    return said(done)


def rows(exchange, *words):
    return [json.loads(line) for line in exchange.run(*words, "--json").stdout.splitlines()]


def stranger(exchange):
    server = smtplib.SMTP("127.0.0.1", exchange.port("smtp"), timeout=20)
    server.ehlo("client.example.net")
    return server


def signed_in(exchange, address):
    server = smtplib.SMTP_SSL("localhost", exchange.port("submissions"), context=exchange.tls(), timeout=20)
    server.login(address, exchange.password(address))
    return server


def rcpt(exchange, *addresses, sender="", server=None):
    """What is said of each, to a stranger unless another connection is given."""
    with contextlib.ExitStack() as stack:
        if server is None:
            server = stack.enter_context(stranger(exchange))
        server.docmd(f"MAIL FROM:<{sender}>")
        answers = [server.docmd(f"RCPT TO:<{address}>") for address in addresses]
        server.docmd("RSET")
    return [(code, text.split(b" ")[0].decode()) for code, text in answers]


def who_has(exchange, subject):
    return sorted(a for a in exchange.PASSWORDS if a.endswith("example.org") and with_subject(exchange, a, subject))


OK, UNKNOWN, DENIED = (250, "2.1.5"), (550, "5.1.1"), (550, "5.7.1")


# ---- aliases ----

def test_an_alias_counts_at_once(exchange):
    assert rcpt(exchange, "sales@example.org") == [UNKNOWN]
    exchange.run("alias", "add", "Sales@example.org", exchange.BOB)
    exchange.run("alias", "add", "all@example.org", "sales@example.org", CAROL, exchange.BOB)
    assert rcpt(exchange, "sales@example.org", "SALES+x@Example.ORG", "all@example.org") == [OK] * 3
    with stranger(exchange) as server:
        server.sendmail("x@example.net", ["all@example.org", exchange.BOB], LETTER % b"for all")
    assert who_has(exchange, "for all") == [exchange.BOB, CAROL]
    assert len(with_subject(exchange, exchange.BOB, "for all")) == 1
    assert rows(exchange, "alias", "list") == [
        {"alias": "all@example.org", "senders": "anyone", "targets": [exchange.BOB, CAROL, "Sales@example.org"], "accounts": 2},
        {"alias": "Sales@example.org", "senders": "anyone", "targets": [exchange.BOB], "accounts": 1}]
    assert exchange.run("alias", "list", exchange.BOB).stdout.splitlines() == [
        f"all@example.org\tanyone\t{exchange.BOB} {CAROL} Sales@example.org", f"Sales@example.org\tanyone\t{exchange.BOB}"]
    exchange.run("alias", "remove", "all@example.org", "sales@example.org", exchange.BOB)
    assert rows(exchange, "alias", "list")[0]["targets"] == [CAROL]
    exchange.run("alias", "remove", "all@example.org")
    assert rcpt(exchange, "all@example.org") == [UNKNOWN]


def test_what_cannot_be_is_refused_in_words(exchange):
    assert "nobody here has the address" in refused(exchange, "alias", "add", "x@example.org", "nobody@example.org")
    assert "the address is taken" in refused(exchange, "alias", "add", exchange.BOB, CAROL)
    assert "domain add" in refused(exchange, "alias", "add", "x@example.net", CAROL)
    exchange.run("alias", "add", "a@example.org", exchange.BOB)
    exchange.run("alias", "add", "b@example.org", "a@example.org")
    assert "circle" in refused(exchange, "alias", "add", "a@example.org", "b@example.org")
    assert "is an alias" in said(exchange.run("account", "add", "A@example.org", secret="pw", check=False))
    assert "b@example.org leads there" in refused(exchange, "alias", "remove", "a@example.org")
    assert "at least one" in refused(exchange, "alias", "remove", "b@example.org", "a@example.org")
    assert "no such alias" in refused(exchange, "alias", "remove", exchange.BOB)
    for senders in (), ("--senders", "members"):
        assert "there is no alias new@example.org yet" in refused(exchange, "alias", "add", "new@example.org", *senders)
    assert "--senders is" in refused(exchange, "alias", "add", "a@example.org", "--senders", "me", status=2)
    assert "say alias add" in refused(exchange, "alias", "add", status=2)
    assert "anyone must" in refused(exchange, "alias", "add", "abuse@example.org", CAROL, "--senders", "domain")


def test_groups_are_for_whom_they_are_for(exchange):
    """By who signed in: a stranger who writes a member's address into the envelope is a stranger."""
    exchange.run("domain", "add", "example.net")
    exchange.account_add("dan@example.net", "four larks")
    exchange.run("alias", "add", "team@example.org", exchange.BOB, CAROL, "--senders", "members")
    for sender in ("x@example.net", exchange.BOB, ""):
        assert rcpt(exchange, "team@example.org", exchange.BOB, sender=sender) == [DENIED, OK]
    for who, team, house in ((exchange.ALICE, DENIED, OK), (exchange.BOB, OK, OK), ("dan@example.net", DENIED, DENIED)):
        exchange.run("alias", "add", "team@example.org", "--senders", "members")
        with signed_in(exchange, who) as server:
            assert rcpt(exchange, "team@example.org", sender=who, server=server) == [team]
        exchange.run("alias", "add", "team@example.org", "--senders", "domain")
        with signed_in(exchange, who) as server:
            assert rcpt(exchange, "team@example.org", sender=who, server=server) == [house]
    with signed_in(exchange, exchange.BOB) as server:
        server.sendmail(exchange.BOB, ["team@example.org"], (LETTER % b"to the team").replace(b"alice@", b"bob@"))
    assert who_has(exchange, "to the team") == [exchange.BOB, CAROL]
    exchange.run("alias", "add", "team@example.org", "--senders", "anyone")
    assert rcpt(exchange, "team@example.org") == [OK]


def test_an_account_sends_as_what_is_its_alone(exchange):
    exchange.run("alias", "add", "info@example.org", exchange.ALICE)
    exchange.run("alias", "add", "both@example.org", exchange.ALICE, exchange.BOB)
    exchange.run("account", "address", "add", exchange.ALICE, "alicia@example.org")
    with signed_in(exchange, exchange.ALICE) as server:
        for address, code in (("alicia@example.org", 250), ("alice+news@example.org", 250), ("info@example.org", 250),
                              ("info+x@example.org", 250), ("both@example.org", 550), (exchange.BOB, 550),
                              ("nobody@example.org", 550), ("postmaster@example.org", 550), ("alice@example.net", 550)):
            assert server.docmd(f"MAIL FROM:<{address}>")[0] == code, address
            server.docmd("RSET")
        letter = (LETTER % b"from info").replace(b"alice@", b"info@")
        assert server.sendmail("alice+x@example.org", [exchange.BOB], letter) == {}
        with pytest.raises(smtplib.SMTPDataError):
            server.sendmail(exchange.ALICE, [exchange.BOB], letter.replace(b"info@", b"both@"))


# ---- details, and all of a domain ----

def test_details_and_catch_all(exchange):
    assert rcpt(exchange, "bob+lists@example.org", "bob+a+b@example.org", "+bob@example.org", "dora@example.org",
                "dora+x@example.org") == [OK, OK, UNKNOWN, UNKNOWN, UNKNOWN]
    exchange.run("alias", "add", "bob+work@example.org", CAROL)
    exchange.run("alias", "add", "@example.org", exchange.ALICE)
    assert rcpt(exchange, "dora@example.org", "x@example.net") == [OK, DENIED]
    with stranger(exchange) as server:
        server.sendmail("x@example.net", ["bob+lists@example.org"], LETTER % b"detail")
        server.sendmail("x@example.net", ["bob+work@example.org"], LETTER % b"work")
        server.sendmail("x@example.net", ["dora@example.org"], LETTER % b"the rest")
    assert (who_has(exchange, "detail"), who_has(exchange, "work"), who_has(exchange, "the rest")) == (
        [exchange.BOB], [CAROL], [exchange.ALICE])


def test_no_detail_opens_a_mailbox(exchange):
    with stranger(exchange) as server:
        server.sendmail("x@example.net", ["bob+Trash@example.org", "bob+new/folder@example.org"], LETTER % b"aside")
    assert len(with_subject(exchange, exchange.BOB, "aside")) == 1


def test_separator_is_a_setting(fresh_exchange):
    exchange = fresh_exchange({"recipient_separator": '"-"'})
    assert rcpt(exchange, "bob-x@example.org", "bob+x@example.org") == [OK, UNKNOWN]
    text = exchange.config.read_text()
    exchange.config.write_text(text.replace('recipient_separator = "-"', 'recipient_separator = ""'))
    exchange.process.send_signal(signal.SIGHUP)
    eventually(lambda: rcpt(exchange, "bob-x@example.org", "bob+x@example.org") == [UNKNOWN, UNKNOWN])
    for wrong in ("a", "++", "@", "."):
        exchange.config.write_text(text.replace('"-"', f'"{wrong}"'))
        assert "recipient_separator" in refused(exchange, "domain", "list", status=2)


# ---- domains ----

def test_domains_come_and_go_while_it_runs(exchange):
    assert rcpt(exchange, "x@example.net") == [DENIED]
    exchange.run("domain", "add", "Example.NET")
    assert rcpt(exchange, "x@example.net") == [UNKNOWN]
    exchange.account_add("dan@example.net", "four larks")
    assert rcpt(exchange, "dan@example.net") == [OK]
    assert rows(exchange, "domain", "list") == [{"domain": "Example.NET", "configured": False},
                                                {"domain": "example.org", "configured": True}]
    # one truth: a start brings nothing back and takes nothing away
    exchange.stop()
    exchange.start()
    assert rcpt(exchange, "dan@example.net") == [OK]
    assert "dan@example.net is an address in it" in refused(exchange, "domain", "remove", "example.net")
    exchange.run("account", "remove", "dan@example.net")
    exchange.run("alias", "add", "x@example.net", CAROL)
    assert "x@example.net is an alias in it" in refused(exchange, "domain", "remove", "example.net")
    exchange.run("alias", "remove", "x@example.net")
    exchange.run("domain", "remove", "example.net")
    assert rcpt(exchange, "dan@example.net") == [DENIED]
    assert "take it out of 'domains'" in refused(exchange, "domain", "remove", "example.org")
    assert "no such domain" in refused(exchange, "domain", "remove", "example.net")
    assert "not a domain" in refused(exchange, "domain", "add", "a b", status=2)
    # out of the configuration it stays until it is removed
    exchange.config.write_text(exchange.config.read_text().replace('domains = { "example.org" }', "domains = {}"))
    exchange.stop()
    exchange.start()
    assert rcpt(exchange, exchange.BOB) == [OK]
    assert "in order" in exchange.run("check", "--offline").stdout


def test_one_domain_for_another(exchange):
    exchange.run("domain", "add", "example.com")
    exchange.run("alias", "add", "@example.com", "@example.org")
    assert rcpt(exchange, "bob@example.com", "bob+x@example.com", "nobody@example.com") == [OK, OK, UNKNOWN]
    with signed_in(exchange, exchange.BOB) as server:
        assert server.docmd("MAIL FROM:<bob@example.com>")[0] == 250
    assert "circle" in refused(exchange, "alias", "add", "@example.org", "@example.com")
    exchange.run("domain", "add", "example.net")
    assert "third one" in refused(exchange, "alias", "add", "@example.net", "@example.com")
    assert "stands for nothing else" in refused(exchange, "alias", "add", "@example.com", CAROL)
    assert "is an alias in it" in refused(exchange, "domain", "remove", "example.com")
    # what it has of its own comes first, and the rest of the other is its rest
    exchange.run("alias", "add", "bob@example.com", CAROL)
    exchange.run("alias", "add", "@example.org", exchange.ALICE)
    with stranger(exchange) as server:
        server.sendmail("x@example.net", ["bob@example.com"], LETTER % b"its own")
        server.sendmail("x@example.net", ["nobody@example.com"], LETTER % b"its rest")
    assert (who_has(exchange, "its own"), who_has(exchange, "its rest")) == ([CAROL], [exchange.ALICE])


def test_addresses_of_other_scripts(exchange):
    """However its characters are put together (RFC 6530 section 10.1), in U-labels or A-labels (RFC 5890)."""
    exchange.run("domain", "add", "b\u00fccher.example")
    exchange.account_add(f"{NFD}@xn--bcher-kva.example", "three moles")
    assert "taken" in said(exchange.run("account", "add", f"{NFC}@B\u00dcCHER.example", secret="pw", check=False))
    with stranger(exchange) as server:
        server.command_encoding = "utf-8"
        assert server.docmd("MAIL FROM:<> SMTPUTF8")[0] == 250
        for local in (NFC, NFD, NFC + "+x", NFC.replace("j", "J")):
            for domain in ("b\u00fccher.example", "bu\u0308cher.example", "xn--bcher-kva.example", "XN--BCHER-KVA.example"):
                assert server.docmd(f"RCPT TO:<{local}@{domain}>")[0] == 250, (local, domain)
        assert server.docmd("RCPT TO:<jurgen@b\u00fccher.example>")[0] == 550
        code, _ = server.data(LETTER % b"umlaut")
        assert code == 250
    assert "Everything is as it must be" in exchange.run("verify").stdout


# ---- postmaster ----

def test_postmaster_is_always_read_by_who_was_chosen(exchange):
    """RFC 5321 section 4.5.1, RFC 2142. Authorities send codes for certificates there: nobody becomes its reader by accident."""
    assert rcpt(exchange, "postmaster", "PostMaster@example.org", "abuse@example.org", "hostmaster@example.org") == [
        OK, OK, OK, UNKNOWN]
    with stranger(exchange) as server:
        server.sendmail("x@example.net", ["postmaster"], LETTER % b"to the first")
    assert who_has(exchange, "to the first") == [exchange.ALICE]
    assert f"ok         postmaster example.org: {exchange.ALICE}\n" in exchange.run("check", "--offline").stdout
    assert "postmaster@example.org" in refused(exchange, "account", "remove", exchange.ALICE)
    exchange.config.write_text(exchange.config.read_text() + f'postmaster = "{exchange.BOB}"\n')
    exchange.process.send_signal(signal.SIGHUP)

    def chosen_has_it():
        with stranger(exchange) as server:
            server.sendmail("x@example.net", ["postmaster"], LETTER % b"to the chosen")
        return exchange.BOB in who_has(exchange, "to the chosen")

    eventually(chosen_has_it)
    with stranger(exchange) as server:
        server.sendmail("x@example.net", ["abuse@example.org"], LETTER % b"a complaint")
    assert who_has(exchange, "a complaint") == [exchange.BOB]
    assert {"check": "postmaster", "result": "ok", "name": "example.org", "found": exchange.BOB} in rows(
        exchange, "check", "--offline")
    exchange.run("alias", "add", "postmaster@example.org", CAROL)
    with stranger(exchange) as server:
        server.sendmail("x@example.net", ["postmaster@example.org"], LETTER % b"to the alias")
    assert who_has(exchange, "to the alias") == [CAROL]
    exchange.run("account", "remove", exchange.ALICE)
    exchange.config.write_text(exchange.config.read_text().replace(exchange.BOB, "gone@example.org"))
    done = exchange.run("check", "--offline", check=False)
    assert done.returncode == 1 and "different  postmaster: found gone@example.org (The setting 'postmaster' is" in done.stdout
    exchange.config.write_text(exchange.config.read_text().replace("gone@example.org", "gone"))
    assert "'postmaster' is an address with its domain" in refused(exchange, "check", "--offline", status=2)


# ---- what stays together ----

def test_a_quoted_local_part_is_one_in_json(exchange):
    odd = '"o\\"dd"@example.org'
    exchange.account_add(odd, "two rooks")
    exchange.run("alias", "add", '"q\\"q"@example.org', odd)
    assert odd in [r["address"] for r in rows(exchange, "account", "list")]
    assert rows(exchange, "alias", "list")[0]["targets"] == [odd]
    assert rcpt(exchange, odd, '"q\\"q"@example.org', '"o\\"dd+x"@example.org') == [OK, OK, UNKNOWN]


def test_nobody_has_an_address_that_smtp_does_not_take(exchange):
    """Mail could never come to it."""
    for local in "a" * 65, "a,b", "a..b", ".a", "a.", "a(b", "a b", "a\nb", "<a":
        for words in ("account", "address", "add", exchange.BOB, f"{local}@example.org"), ("alias", "add", f"{local}@example.org",
                                                                                           exchange.BOB):
            refused(exchange, *words, status=2)
        if "\n" not in local:
            assert rcpt(exchange, f"{local}@example.org")[0][0] in (501, 550)
    for local in "a" * 64, "o'neil", "x.y+z", '"a..b"', "jürgen":
        exchange.run("account", "address", "add", exchange.BOB, f"{local}@example.org")
        exchange.run("account", "address", "remove", exchange.BOB, f"{local}@example.org")


def test_accounts_and_what_leads_to_them(exchange):
    exchange.run("account", "address", "add", exchange.BOB, "bobby@example.org")
    assert "taken" in refused(exchange, "account", "address", "add", CAROL, "Bobby@example.org")
    exchange.run("alias", "add", "sales@example.org", exchange.BOB, CAROL)
    exchange.run("alias", "add", "help@example.org", "bobby@example.org")
    assert [r["address"] for r in rows(exchange, "account", "address", "list", exchange.BOB)] == [
        exchange.BOB, "bobby@example.org"]
    text = refused(exchange, "account", "remove", exchange.BOB)
    assert "sales@example.org" in text and "help@example.org" in text
    assert "help@example.org leads there" in refused(exchange, "account", "address", "remove", exchange.BOB, "bobby@example.org")
    assert "only address" in refused(exchange, "account", "address", "remove", CAROL, CAROL)
    exchange.run("account", "rename", exchange.BOB, "robert@example.org")
    assert rcpt(exchange, exchange.BOB, "sales@example.org", "help@example.org") == [UNKNOWN, OK, OK]
    assert [r["targets"] for r in rows(exchange, "alias", "list", "robert@example.org")] == [[CAROL, "robert@example.org"]]
    exchange.run("alias", "remove", "help@example.org")
    exchange.run("alias", "remove", "sales@example.org", "robert@example.org")
    exchange.run("account", "address", "remove", "robert@example.org", "bobby@example.org")
    exchange.run("account", "remove", "robert@example.org")
    assert "Everything is as it must be" in exchange.run("verify").stdout


def test_a_backup_has_them(exchange, tmp_path):
    exchange.run("domain", "add", "example.net")
    exchange.run("alias", "add", "team@example.org", exchange.BOB, CAROL, "--senders", "members")
    exchange.run("alias", "add", "@example.net", "@example.org")
    before = exchange.run("alias", "list").stdout
    exchange.run("backup", tmp_path / "copy")
    exchange.run("alias", "remove", "team@example.org")
    exchange.stop()
    assert exchange.run("alias", "list", "--data", tmp_path / "copy").stdout == before
    assert "is a backup" in refused(exchange, "alias", "remove", "team@example.org", "--data", tmp_path / "copy", status=3)
    exchange.run("restore", tmp_path / "copy")
    exchange.start()
    assert exchange.run("alias", "list").stdout == before
    assert rcpt(exchange, "team@example.org", "bob@example.net") == [DENIED, OK]
    assert "Everything is as it must be" in exchange.run("verify").stdout
