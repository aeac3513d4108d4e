# SPDX-License-Identifier: ISC
"""The settings that mail programs ask for: Thunderbird's, Outlook's and Apple's documents, against what is published of each."""
import json
import os
import pathlib
import plistlib
import re
import shutil
import subprocess
import uuid
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import Exchange

DOMAINS = '{ "example.org", "beispiel.example" }'
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
AUTODISCOVER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    one = Exchange(tmp_path_factory.mktemp("autoconfig"), {"domains": DOMAINS, "hostname": '"mail.example.org"'}).start()
    yield one
    one.stop()


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body


def ask(exchange, host, target, body=None, tls=True, port=None, method=None):
    """With a Host field of our choice, as if DNS led here."""
    name = port or ("https" if tls else "http")
    command = ["curl", "-sS", "-i", "--noproxy", "*", "--path-as-is", "-H", f"Host: {host}"]
    command += ["-k", f"https://127.0.0.1:{exchange.port(name)}{target}"] if tls else [
        f"http://127.0.0.1:{exchange.port(name)}{target}"]
    if body is not None:
        command += ["-H", "Content-Type: text/xml", "--data-binary", "@-"]
    if method:
        command += ["-I"] if method == "HEAD" else ["-X", method]
    done = subprocess.run(command, input=body, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    head, _, rest = done.stdout.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"").partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    return Answer(int(lines[0].split()[1]), fields, rest)


# ---- config-v1.1.xml ----

WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
PROVIDER = "/mail/config-v1.1.xml"


def servers_of(body):
    root = ElementTree.fromstring(body)
    assert root.tag == "clientConfig" and root.get("version") == "1.1"
    return [(s.get("type"), int(s.findtext("port")), s.findtext("socketType"))
            for s in root.find("emailProvider") if s.tag in ("incomingServer", "outgoingServer")]


def grammar(folder):
    """The published grammar as RELAX NG in XML, by trang."""
    data = os.environ.get("LETTERLOCK_TESTDATA")
    source = pathlib.Path(data or "/nonexistent") / "standards" / "draft-ietf-mailmaint-autoconfig.rnc.txt"
    if not source.exists():
        pytest.skip("the grammar is not there: LETTERLOCK_TESTDATA")
    shutil.copy(source, folder / "config.rnc")
    return folder / "config.rnc"


def test_the_document_follows_the_published_grammar(served, tmp_path):
    if shutil.which("jing") is None:
        pytest.skip("no jing")
    rnc = grammar(tmp_path)
    document = tmp_path / "config.xml"
    document.write_bytes(ask(served, "autoconfig.example.org", PROVIDER).body)
    done = subprocess.run(["jing", "-c", rnc, document], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    # And the grammar refuses what is no such document.
    document.write_text(document.read_text().replace("<port>", "<port>x"))
    assert subprocess.run(["jing", "-c", rnc, document], capture_output=True, timeout=120).returncode != 0


def test_thunderbird_finds_its_document_at_both_places(served):
    for host, path in [("autoconfig.example.org", PROVIDER + "?emailaddress=alice%40example.org"),
                       ("example.org", WELL_KNOWN + "?emailaddress=alice%40example.org"),
                       ("example.org", WELL_KNOWN), ("AutoConfig.Example.ORG:443", PROVIDER)]:
        for tls in (True, False):
            got = ask(served, host, path, tls=tls)
            assert got.status == 200, (host, path, tls)
            assert got.fields["content-type"].startswith("text/xml")  # or Thunderbird does not parse it
            provider = ElementTree.fromstring(got.body).find("emailProvider")
            assert provider.get("id") == "example.org"
            domains = [d.text for d in provider.findall("domain") if d.get("purpose") is None]
            assert domains == ["example.org"]  # who else has mail here is not told
            assert [d.text for d in provider.findall("domain") if d.get("purpose") == "mx"] == ["example.org"]


def test_it_names_the_ports_that_are_there_and_no_others(served, fresh_exchange):
    port = served.port
    assert [s for s in servers_of(ask(served, "example.org", WELL_KNOWN).body) if s[0] != "pop3"] == [
        ("imap", port("imaps"), "SSL"), ("imap", port("imap"), "STARTTLS"),
        ("smtp", port("submissions"), "SSL"), ("smtp", port("submission"), "STARTTLS")]
    less = fresh_exchange({"port_imap": "-1", "port_submission": "-1", "port_pop3": "-1", "port_pop3s": "-1"}
                          if "pop3" in served.ports else {"port_imap": "-1", "port_submission": "-1"})
    assert servers_of(ask(less, "example.org", WELL_KNOWN).body) == [
        ("imap", less.port("imaps"), "SSL"), ("smtp", less.port("submissions"), "SSL")]


def test_every_server_says_how_to_sign_in(served):
    for server in ElementTree.fromstring(ask(served, "example.org", WELL_KNOWN).body).iter():
        if server.tag in ("incomingServer", "outgoingServer"):
            assert server.findtext("hostname") == "mail.example.org"
            assert server.findtext("username") == "%EMAILADDRESS%"
            assert server.findtext("authentication") == "password-cleartext"


def test_pop3_is_named_where_it_is_spoken(served):
    if "pop3s" not in served.ports:
        pytest.skip("this exchange speaks no POP3")
    found = servers_of(ask(served, "example.org", WELL_KNOWN).body)
    assert [s for s in found if s[0] == "pop3"] == [
        ("pop3", served.port("pop3s"), "SSL"), ("pop3", served.port("pop3"), "STARTTLS")]


def test_a_domain_that_is_not_ours_is_not_found(served):
    for host, target in [("autoconfig.example.net", PROVIDER), ("example.net", WELL_KNOWN), ("127.0.0.1", PROVIDER),
                         ("autoconfig.example.org", PROVIDER + "?emailaddress=alice%40example.net"),
                         ("autoconfig.example.org", PROVIDER + "?emailaddress=nonsense")]:
        assert ask(served, host, target).status == 404, (host, target)


def test_another_of_our_domains_is_found_at_the_host_of_the_first(served):
    """Who looks a domain's mail exchanger up asks there (draft-ietf-mailmaint-autoconfig 4.3)."""
    got = ask(served, "autoconfig.example.org", PROVIDER + "?emailaddress=ute%40beispiel.example")
    assert ElementTree.fromstring(got.body).find("emailProvider").get("id") == "beispiel.example"


def test_a_domain_of_u_labels_is_known_in_both_forms(fresh_exchange):
    one = fresh_exchange()
    one.run("domain", "add", "bücher.example")
    one.account_add("eva@bücher.example", "a quiet afternoon")
    for host, target in [("autoconfig.xn--bcher-kva.example", PROVIDER),
                         ("example.org", WELL_KNOWN + "?emailaddress=eva%40b%C3%BCcher.example"),
                         ("example.org", WELL_KNOWN + "?emailaddress=eva%40xn--bcher-kva.example")]:
        provider = ElementTree.fromstring(ask(one, host, target).body).find("emailProvider")
        assert provider.get("id") == provider.findtext("domain") == "xn--bcher-kva.example"
        assert [d.text for d in provider.findall("domain")] == ["xn--bcher-kva.example"]
    for name in ("bücher.example", "xn--bcher-kva.example"):
        assert "\nxn--bcher-kva.example. 3600 IN MX 10 localhost.\n" in one.run("domain", "records", name).stdout


def request(address, schema=OUTLOOK):
    return (f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{REQUEST}"><Request>'
            f"<EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>{schema}</AcceptableResponseSchema>"
            "</Request></Autodiscover>").encode()


def test_known_and_unknown_addresses_get_the_same(served):
    def texts(address):
        encoded = address.replace("@", "%40")
        answers = [ask(served, "autoconfig.example.org", f"{PROVIDER}?emailaddress={encoded}"),
                   ask(served, "autoconfig.example.org", f"/mail/x.mobileconfig?emailaddress={encoded}"),
                   ask(served, "example.org", "/autodiscover/autodiscover.xml", request(address)),
                   ask(served, "example.org", f"/autodiscover/autodiscover.json?Email={encoded}&Protocol=AutodiscoverV1")]
        assert [a.status for a in answers] == [200] * 4
        # The UUIDs are made from the address.
        return [re.sub(rb"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", b"UUID",
                       a.body.replace(address.encode(), b"ADDRESS")) for a in answers]

    assert texts("alice@example.org") == texts("nobody@example.org")


# ---- Outlook ----

def find(body, path):
    return ElementTree.fromstring(body).find(path, {"a": AUTODISCOVER, "o": OUTLOOK})


def test_outlook_gets_its_settings(served):
    for host, path in [("autodiscover.example.org", "/autodiscover/autodiscover.xml"),
                       ("example.org", "/Autodiscover/Autodiscover.xml"), ("example.org", "/AUTODISCOVER/autodiscover.XML")]:
        got = ask(served, host, path, request("alice@example.org"))
        assert got.status == 200 and got.fields["content-type"].startswith("text/xml")
        account = find(got.body, "o:Response/o:Account")
        assert account.findtext(f"{{{OUTLOOK}}}AccountType") == "email"
        assert account.findtext(f"{{{OUTLOOK}}}Action") == "settings"
        protocols = {}
        for p in account.findall(f"{{{OUTLOOK}}}Protocol"):
            values = {child.tag.split("}")[1]: child.text for child in p}
            assert values["Type"] not in protocols  # Outlook takes one of each
            protocols[values.pop("Type")] = values
        common = {"Server": "mail.example.org", "LoginName": "alice@example.org", "SPA": "off", "SSL": "on",
                  "Encryption": "SSL", "AuthRequired": "on", "DomainRequired": "off"}
        assert protocols["IMAP"] == {**common, "Port": str(served.port("imaps"))}
        assert protocols["SMTP"] == {**common, "Port": str(served.port("submissions")), "UsePOPAuth": "off",
                                     "SMTPLast": "off"}


def error_of(got):
    assert got.status == 200
    return find(got.body, "a:Response/a:Error/a:ErrorCode").text


def test_what_outlook_cannot_have_is_said_in_its_own_words(served):
    path = "/autodiscover/autodiscover.xml"
    mobile = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><Autodiscover><Request><EMailAddress>&b;@example.org</EMailAddress></Request></Autodiscover>'
    for body, code in [(request("alice@example.net"), "500"), (request("alice@example.org", mobile), "601"),
                       (request("no address"), "600"), (b"<Autodiscover>", "600"), (b"", "600"), (bomb, "600"),
                       (b"<a>" * 1000, "600"), (b"x" * 100000, "600")]:
        assert error_of(ask(served, "example.org", path, body)) == code, body[:100]
    assert error_of(ask(served, "example.org", path)) == "600"  # GET


def test_outlook_is_sent_from_json_to_xml(served):
    for target in ["/autodiscover/autodiscover.json?Email=alice%40example.org&Protocol=AutodiscoverV1&RedirectCount=1",
                   "/autodiscover/autodiscover.json/v1.0/alice%40example.org?Protocol=Autodiscoverv1",
                   "/Autodiscover/Autodiscover.json?Email=alice@example.org&Protocol=autodiscoverv1"]:
        got = ask(served, "autodiscover.example.org", target)
        assert got.status == 200 and got.fields["content-type"].startswith("application/json")
        assert json.loads(got.body) == {"Protocol": "AutodiscoverV1", "Url":
                                        f"https://mail.example.org:{served.port('https')}/autodiscover/autodiscover.xml"}
    refused = ask(served, "example.org", "/autodiscover/autodiscover.json?Email=a%40example.org&Protocol=EWS")
    assert refused.status == 400 and json.loads(refused.body)["ErrorCode"] == "InvalidProtocol"
    assert ask(served, "example.org", "/autodiscover/autodiscover.json?Email=a%40example.net&Protocol=x").status == 404


# ---- Apple ----

# https://developer.apple.com/documentation/devicemanagement/mail, and .../toplevel: the names and the types of values.
MAIL_KEYS = {"EmailAccountDescription": str, "EmailAccountName": str, "EmailAccountType": str, "EmailAddress": str,
             "IncomingMailServerAuthentication": str, "IncomingMailServerHostName": str,
             "IncomingMailServerPortNumber": int, "IncomingMailServerUseSSL": bool, "IncomingMailServerUsername": str,
             "OutgoingMailServerAuthentication": str, "OutgoingMailServerHostName": str,
             "OutgoingMailServerPortNumber": int, "OutgoingMailServerUseSSL": bool, "OutgoingMailServerUsername": str,
             "OutgoingPasswordSameAsIncomingPassword": bool}
MAIL_REQUIRED = {"EmailAccountType", "IncomingMailServerAuthentication", "IncomingMailServerHostName",
                 "OutgoingMailServerAuthentication", "OutgoingMailServerHostName"}
PAYLOAD_KEYS = {"PayloadDisplayName": str, "PayloadIdentifier": str, "PayloadType": str, "PayloadUUID": str,
                "PayloadVersion": int}
TOP_KEYS = {**PAYLOAD_KEYS, "PayloadContent": list, "PayloadDescription": str, "PayloadOrganization": str,
            "PayloadRemovalDisallowed": bool}


def profile(exchange, query=""):
    got = ask(exchange, "autoconfig.example.org", f"/mail/profile.mobileconfig{query}")
    assert got.status == 200
    assert got.fields["content-type"] == "application/x-apple-aspen-config"
    return got.body


def test_the_profile_is_what_apple_publishes(served):
    top = plistlib.loads(profile(served, "?emailaddress=alice%40example.org"), fmt=plistlib.FMT_XML)
    (mail,) = top["PayloadContent"]
    for got, known in ((top, TOP_KEYS), (mail, {**MAIL_KEYS, **PAYLOAD_KEYS})):
        for key, value in got.items():
            assert type(value) is known[key], key
        assert PAYLOAD_KEYS.keys() <= got.keys()
    assert MAIL_REQUIRED <= mail.keys()
    assert (top["PayloadType"], mail["PayloadType"]) == ("Configuration", "com.apple.mail.managed")
    assert mail["EmailAccountType"] == "EmailTypeIMAP"
    assert mail["EmailAddress"] == mail["IncomingMailServerUsername"] == "alice@example.org"
    assert mail["IncomingMailServerHostName"] == mail["OutgoingMailServerHostName"] == "mail.example.org"
    assert mail["IncomingMailServerPortNumber"] == served.port("imaps")
    assert mail["OutgoingMailServerPortNumber"] == served.port("submissions")
    assert mail["IncomingMailServerUseSSL"] is True and mail["OutgoingMailServerUseSSL"] is True
    assert "assword" not in "".join(k for k, v in mail.items() if isinstance(v, str))


def test_the_profile_of_an_address_keeps_its_uuid(served):
    """So that a newer one takes the place of the older. Version 5 of RFC 9562, as Python makes it."""
    top = plistlib.loads(profile(served, "?emailaddress=Alice%40example.org"))
    assert top["PayloadUUID"] == str(uuid.uuid5(uuid.NAMESPACE_URL, "mailto:alice@example.org#profile")).upper()
    assert top["PayloadContent"][0]["PayloadUUID"] == str(
        uuid.uuid5(uuid.NAMESPACE_URL, "mailto:alice@example.org#account")).upper()
    assert profile(served) == profile(served)


def test_a_profile_without_an_address_lets_the_device_ask(served):
    (mail,) = plistlib.loads(profile(served))["PayloadContent"]
    assert not {"EmailAddress", "IncomingMailServerUsername", "OutgoingMailServerUsername"} & mail.keys()


def test_libplist_reads_the_profile(served, tmp_path):
    if shutil.which("plistutil") is None:
        pytest.skip("no plistutil")
    (tmp_path / "a.mobileconfig").write_bytes(profile(served, "?emailaddress=al%3Cice%26%40example.org"))
    done = subprocess.run(["plistutil", "-i", tmp_path / "a.mobileconfig", "-o", tmp_path / "a.bin", "-f", "bin"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (mail,) = plistlib.loads((tmp_path / "a.bin").read_bytes())["PayloadContent"]
    assert mail["EmailAddress"] == "al<ice&@example.org"


def test_a_profile_is_refused_for_what_is_no_address_of_ours(served):
    for query, status in [("?emailaddress=alice%40example.net", 404), ("?emailaddress=a%20b%40example.org", 400),
                          ("?emailaddress=alice", 400)]:
        assert ask(served, "autoconfig.example.org", f"/mail/p.mobileconfig{query}").status == status
    assert ask(served, "autoconfig.example.org", "/mail/other").status == 404


# ---- which part answers ----

def test_people_find_a_page(served):
    got = ask(served, "autoconfig.example.org", "/")
    assert got.status == 200 and got.fields["content-type"].startswith("text/html")
    assert f"<td>{served.port('imaps')}<td>SSL/TLS".encode() in got.body
    assert b"Key directory" in ask(served, "mail.example.org", "/").body


def test_without_tls_there_are_only_the_settings_and_the_way_to_tls(served):
    https = served.port("https")
    for host in ("example.org", "autoconfig.example.org", "autodiscover.example.org", "openpgpkey.example.org",
                 "mail.example.org"):
        for target in ("/", "/autodiscover/autodiscover.xml", "/.well-known/openpgpkey/policy", "/pks/lookup?op=get&search=x"):
            got = ask(served, host, target, tls=False)
            assert got.status == 302, (host, target)
            assert got.fields["location"] == f"https://{host}:{https}{target}"
    for host in ("example.net", "evil.example", "autoconfig.evil.example", "x", "127.0.0.1"):
        got = ask(served, host, "/", tls=False)
        assert got.status == 404 and "location" not in got.fields, host
    assert ask(served, "example.org", "//evil.example/x", tls=False).fields["location"].startswith("https://example.org:")
    # What may hold a password is not sent on.
    assert ask(served, "example.org", "/autodiscover/autodiscover.xml", request("a@example.org"), tls=False).status == 405
    assert ask(served, "autoconfig.example.org", PROVIDER, tls=False, method="HEAD").status == 200


def test_the_web_key_directory_is_only_over_tls(served):
    assert ask(served, "example.org", "/.well-known/openpgpkey/policy").status == 200
    assert ask(served, "example.org", "/.well-known/openpgpkey/policy", tls=False, port="hkp").status == 404
    assert ask(served, "example.org", WELL_KNOWN, tls=False, port="hkp").status == 404


def test_methods_that_a_place_has_not_are_refused(served):
    for target, method, allow in [(WELL_KNOWN, "POST", "get, head, options"), ("/pks/add", "GET", "post, options"),
                                  ("/autodiscover/autodiscover.xml", "PUT", "get, head, post, options")]:
        got = ask(served, "example.org", target, method=method, body=b"" if method != "GET" else None)
        assert got.status == 405 and got.fields["allow"] == allow, target
