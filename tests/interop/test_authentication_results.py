# SPDX-License-Identifier: ISC
"""Authentication-Results (RFC 8601): its examples, python3-authres and npm's mailauth, both ways."""
import os
import pathlib
import re

import pytest

from conftest import build_folder, run


@pytest.fixture(scope="module")
def tool():
    path = build_folder() / "tests" / "interop" / "dmarc_tool"
    if not path.exists():
        pytest.skip("dmarc_tool is not built")
    return str(path)


@pytest.fixture(scope="module")
def authres():
    return pytest.importorskip("authres", reason="python3-authres is not installed")


@pytest.fixture(scope="module")
def examples():
    """The fields in appendix B of the RFC, unindented."""
    data = os.environ.get("LETTERLOCK_TESTDATA")
    if not data:
        pytest.skip("LETTERLOCK_TESTDATA is not set")
    text = (pathlib.Path(data) / "standards" / "rfc8601.txt").read_text(errors="replace")
    text = re.sub(r"(?m)^(Kucherawy .*\[Page \d+\]|RFC 8601 .*2019|\f)\n", "", text)
    text = re.sub(r"\n{4,}", "\n", text[text.index("\nAppendix B.  "):])
    found = re.findall(r"(?m)^( *)Authentication-Results:(.*(?:\n\1 +\S.*)*)", text)
    return [re.sub(r"\n +", "\r\n      ", value) for _, value in found]


def read(tool, value, kind="field"):
    """(server, [(method, result, reason, comment, {property: value})])"""
    lines = run([tool, "read", kind], value.encode()).decode().split("\n")[:-1]
    results = []
    for line in lines[1:]:
        method, result, reason, comment, *properties = line.split("\t")
        results.append((method, result, reason, comment, dict(p.split("=", 1) for p in properties)))
    return lines[0].split("\t")[0], results


def write(tool, server, results, instance=0):
    lines = [f"{server}\t{instance or ''}"]
    for method, result, reason, comment, properties in results:
        lines.append("\t".join([method, result, reason, comment, *(f"{k}={v}" for k, v in properties.items())]))
    return run([tool, "write"], "\n".join(lines) + "\n").decode()


def meant(value):
    """authres leaves the backslashes of quoted pairs where they are."""
    return re.sub(r"\\(.)", r"\1", value or "")


def by_authres(authres, field):
    """The same, as authres reads it; without comments, of which it makes something else."""
    unfolded = re.sub(r"\r\n(?=[ \t])", "", field).rstrip("\r\n")
    parsed = authres.all_features().parse(unfolded)
    return parsed.authserv_id, [
        (r.method, r.result, meant(r.reason), {f"{p.type}.{p.name}": meant(p.value) for p in r.properties})
        for r in parsed.results if r.method != "none"]


def without_comments(results):
    return [(method, result, reason, properties) for method, result, reason, _, properties in results]


def test_the_rfcs_examples(tool, authres, examples):
    assert len(examples) >= 7
    for value in examples:
        server, results = read(tool, value)
        if "Because I like it" in value:  # comments wherever they are permitted, which authres does not understand
            assert server == "foo.example.net"
            assert without_comments(results) == [("dkim", "fail", "", {"policy.expired": "1362471462"})]
            continue
        theirs = by_authres(authres, "Authentication-Results:" + value)
        assert (server, without_comments(results)) == theirs, value
    assert any(len(read(tool, value)[1]) > 1 for value in examples)


PLAIN = [
    ("mx.example.org", []),
    ("mx.example.org", [("spf", "pass", "", "", {"smtp.mailfrom": "a@example.com"})]),
    # Not with a header.s: authres then forgets header.b.
    ("mx.example.org", [("spf", "none", "no record, no result", "",
                         {"smtp.mailfrom": "Q.u+e@example.com", "smtp.helo": "mail.example.com"}),
                        ("dkim", "fail", "the body has changed", "",
                         {"header.d": "example.com", "header.i": "@example.com", "header.b": "ab/cd+e="}),
                        ("dkim", "pass", "", "", {"header.d": "list.example", "header.a": "ed25519-sha256", "header.s": "k1"}),
                        ("dmarc", "fail", "", "", {"header.from": "example.com", "policy.dmarc": "quarantine"}),
                        ("arc", "pass", "", "", {"header.oldest-pass": "0", "smtp.remote-ip": "2001:db8::1"}),
                        ("iprev", "permerror", "a; b=c (d) e", "", {"policy.iprev": "192.0.2.1"})]),
    ("mx.example.org", [("spf", "pass", "", "", {"smtp.mailfrom": "x;dkim=pass header.d=bank.example"})]),
]
HOSTILE = [  # authres writes quotes and backslashes as they are, so that its field is none
    ("mx.example.org", [("spf", "pass", "the \"client\" \\ is right", "", {"smtp.mailfrom": "\"; dkim=pass"})]),
    ("mx.example.org", [("spf", "fail", ") dkim=pass (", "", {"smtp.helo": "a\\"})]),
]
CASES = PLAIN + HOSTILE


@pytest.mark.parametrize("server, results", CASES)
def test_authres_reads_what_we_write(tool, authres, server, results):
    field = write(tool, server, results)
    assert by_authres(authres, field) == (server, without_comments(results))
    assert read(tool, field.split(":", 1)[1].rstrip("\r\n")) == (server, results)


@pytest.mark.parametrize("server, results", PLAIN)
def test_we_read_what_authres_writes(tool, authres, server, results):
    made = authres.AuthenticationResultsHeader(authserv_id=server, results=[
        authres.AuthenticationResult(method, result=result, reason=reason or None, properties=[
            authres.AuthenticationResultProperty(*name.split(".", 1), value=value) for name, value in properties.items()])
        for method, result, reason, _, properties in results])
    theirs, ours = str(made).split(":", 1)[1], (server, without_comments(results))
    server, results = read(tool, theirs)
    assert (server, without_comments(results)) == ours


def test_mailauth_reads_what_we_write(tool, mailauth):
    fields = [write(tool, server, results).rstrip("\r\n") for server, results in CASES[1:]]
    for (server, results), said in zip(CASES[1:], mailauth([{"action": "results", "field": field} for field in fields])):
        parsed = said["parsed"]
        assert parsed["value"] == server
        for method, result, _, _, properties in results:
            theirs = parsed[method] if isinstance(parsed[method], list) else [parsed[method]]
            one = next(t for t in theirs if t["value"] == result)
            for name, value in properties.items():
                type_, rest = name.split(".", 1)
                assert one[type_][rest] == value


def test_arc_payloads(tool):
    field = write(tool, *CASES[2], instance=3)
    assert field.startswith("ARC-Authentication-Results: i=3; mx.example.org;")
    assert read(tool, field.split(":", 1)[1].rstrip("\r\n"), "arc") == CASES[2]
