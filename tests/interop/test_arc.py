# SPDX-License-Identifier: ISC
"""The Authenticated Received Chain (RFC 8617): the test suite of its drafts, dkimpy and npm's mailauth, both ways."""
import base64
import os
import pathlib
import re
import subprocess

import pytest

from conftest import build_folder, run

NOW = "1700000000"

# The suite is of December 2016. Where it and RFC 8617 (which has RFC 6376's syntax for message signatures, section 4.1.2)
# do not agree, the RFC counts: {case: (what we say, a word of the reason, why)}.
OTHERWISE = {
    "ams_fields_c_na": ("fail", "not right", "without c= the canonical form is simple/simple (RFC 6376 section 3.5)"),
    "ams_fields_h_empty": ("fail", "h=", "h= has to be there, with From in it (RFC 6376 sections 3.5 and 5.4)"),
    "ams_fields_h_mis_hdr": ("fail", "h=", "h= is a list of names, and an empty one is none (RFC 6376 section 3.5)"),
}


@pytest.fixture(scope="module")
def suite():
    yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
    data = os.environ.get("LETTERLOCK_TESTDATA")
    if not data:
        pytest.skip("LETTERLOCK_TESTDATA is not set")
    folder = pathlib.Path(data) / "vectors" / "arc"

    def load(name):
        return list(yaml.safe_load_all((folder / name).read_text()))

    return load


def tool(name):
    path = build_folder() / "tests" / "interop" / name
    if not path.exists():
        pytest.skip(f"{name} is not built")
    return str(path)


@pytest.fixture(scope="module")
def arc_tool():
    return tool("arc_tool")


@pytest.fixture(scope="module")
def zone_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zones")

    def write(records):
        path = folder / str(len(list(folder.iterdir())))
        path.write_text("".join(f"{name}\t{''.join(text.split(chr(10)))}\n" for name, text in records.items()))
        return path

    return write


def wire(message):
    return message.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def verify(arc_tool, zone, message, now=NOW, piece="4096"):
    """[result, sets, oldest pass, failed, temporary, may be sealed, reason], and a list a set."""
    lines = run([arc_tool, "verify", zone, now, piece], message).decode().splitlines()
    return lines[0].split("\t"), [line.split("\t") for line in lines[1:]]


# ---- the suite ----

def test_suite_validation(suite, arc_tool, zone_file):
    seen = set()
    for scenario in suite("arc-draft-validation-tests.yml"):
        zone = zone_file(scenario["txt-records"] or {})
        for name, case in scenario["tests"].items():
            seen.add(name)
            found, reason = verify(arc_tool, zone, wire(case["message"]), "12345", "7")[0][::6]
            # An empty cv: the newest seal says cv=fail itself, and so do we (section 5.2 step 2).
            want, word, _ = OTHERWISE.get(name, (str(case["cv"] or "fail").lower(), "", ""))
            assert found == want, (name, reason)
            assert word in reason, (name, reason)
    assert len(seen) == 171 and set(OTHERWISE) <= seen


def field(name, text):
    return name + ": " + "\r\n ".join(line.strip() for line in text.strip().splitlines()) + "\r\n"


def tags(text):
    pairs = [part.split("=", 1) for part in "".join(text.split()).strip(";").split(";")]
    return {name: value for name, value in pairs}


def first_field(headers, name):
    found = re.search(rf"(?mis)^{name}:(.*?)\r\n(?![ \t])", headers)
    return found.group(1) if found else None


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """{kind: (file, record, text)}: ours have 2048 bits or more, those of the suite 1024."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for kind in ("rsa", "ed25519"):
        path = folder / f"{kind}.pem"
        path.write_bytes(run([tool("dkim_tool"), "new", kind]))
        made[kind] = (path, run([tool("dkim_tool"), "record", path]).decode(), path.read_text())
    return made


SIGNING = ("arc-draft-sign-tests.yml", "unused_tests.yml")


def signing_cases(suite):
    for name in SIGNING:
        for scenario in suite(name):
            for case_name, case in scenario["tests"].items():
                yield scenario, case_name, case


def unfolded(signature):
    """b= in one piece: the seal covers it as it was, and the suite has folded it for people."""
    return re.sub(r"\bb=[^;]*", lambda found: "".join(found.group(0).split()), signature, count=1)


def test_suite_signing_sets_are_right_for_us(suite, arc_tool, zone_file):
    """The sets that the suite wants made hold for us. Of those that it does not use itself, dkimpy thinks the same."""
    dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
    found = {}
    for scenario, name, case in signing_cases(suite):
        if not case["AS"]:
            continue
        headers = field("ARC-Seal", case["AS"]) + field("ARC-Message-Signature", unfolded(case["AMS"]))
        message = (headers + field("ARC-Authentication-Results", case["AAR"])).encode() + wire(case["message"])
        zone = scenario["txt-records"]
        found[name] = verify(arc_tool, zone_file(zone), message, "12345")[0][0]
        theirs = dkim.arc_verify(message, dnsfunc=lambda n, timeout=5: zone[n.decode().rstrip(".")].encode())[0]
        broken = tags(case["AS"])["cv"] == "fail"  # dkimpy then says nothing
        assert found[name] == ("fail" if broken else theirs.decode()), name
    good = {name for name, result in found.items() if result == "pass"}
    assert len(found) == 23 and len(good) == 15, found


def test_suite_signing_by_us(suite, arc_tool, zone_file, keys):
    """Of the same messages, with a key that we accept: the same tags, and others find our sets right."""
    dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
    path, record, _ = keys["rsa"]
    for scenario, name, case in signing_cases(suite):
        message = wire(case["message"])
        zone = {**scenario["txt-records"], "ours._domainkey.example.org": record}
        argv = [arc_tool, "seal", zone_file(zone), str(case["t"]), "example.org", "ours", path, case["srv-id"], "spf=pass"]
        if not case["AS"]:
            done = run(argv, message, status=None)
            assert done.returncode == 1 and b"policy" in done.stderr, name
            continue
        sealed = run(argv, message)
        headers = sealed[:len(sealed) - len(message)].decode()
        ours, theirs = tags(first_field(headers, "ARC-Seal")), tags(case["AS"])
        for tag in ("i", "cv", "d", "t", "a"):
            assert ours[tag] == theirs[tag], (name, tag)
        assert tags(first_field(headers, "ARC-Message-Signature"))["bh"] == tags(case["AMS"])["bh"], name
        assert first_field(headers, "ARC-Authentication-Results").split()[0] == f"i={theirs['i']};"
        broken = theirs["cv"] == "fail"
        assert verify(arc_tool, zone_file(zone), sealed)[0][0] == ("fail" if broken else "pass"), name
        cv, _, _ = dkim.arc_verify(sealed, dnsfunc=lambda n, timeout=5: zone[n.decode().rstrip(".")].encode())
        assert cv == (None if broken else b"pass"), name


# ---- both ways ----

MESSAGE = wire("""From: Author <author@example.com>
To: list@lists.example
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Date: Thu, 14 Jan 2015 15:00:01 -0800
Message-ID: <1@example.com>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Hello,

this  is a message.\t
.

""")
SERVER = "mx.lists.example"
RESULTS = f"Authentication-Results: {SERVER}; spf=pass smtp.mailfrom=author@example.com; arc=%s\r\n"


@pytest.fixture(scope="module")
def world(keys, zone_file):
    """Records of keys of several domains: (dict for Python, file for ours, list for Node)."""
    records = {}
    for domain in ("a.example", "b.example", "c.example"):
        for kind, (_, record, _) in keys.items():
            records[f"{kind}._domainkey.{domain}"] = record
    return records, zone_file(records), [[name, text] for name, text in records.items()]


def seal_by_us(arc_tool, world, keys, message, domain, kind):
    return run([arc_tool, "seal", world[1], NOW, domain, kind, keys[kind][0], SERVER,
                "spf=pass,smtp.mailfrom=author@example.com", "dkim=pass,header.d=example.com,header.b=ab/cd+=="], message)


def seal_by_dkimpy(message, domain, keys, chain):
    dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
    message = (RESULTS % chain).encode() + message
    sets = dkim.arc_sign(message, b"rsa", domain.encode(), keys["rsa"][2].encode(), SERVER.encode(), timestamp=NOW)
    return b"".join(sets) + message


def seal_by_mailauth(mailauth, message, domain, keys, kind, chain):
    job = {"action": "seal", "message": base64.b64encode(message).decode(), "domain": domain, "selector": kind,
           "key": keys[kind][2], "cv": chain, "time": int(NOW) * 1000,
           "results": f"{SERVER}; spf=pass smtp.mailfrom=author@example.com"}
    headers = mailauth([job])[0]["headers"]
    assert "ARC-Seal" in headers
    return headers.encode() + message


def judges(arc_tool, world, mailauth, message):
    """What everyone says about the chain: one word if they agree. dkimpy has no Ed25519 for ARC."""
    dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
    job = {"action": "arc", "message": base64.b64encode(message).decode(), "zone": world[2]}
    said = {verify(arc_tool, world[1], message)[0][0], mailauth([job])[0]["result"]}
    if b"ed25519" not in message:
        said.add(dkim.arc_verify(message, dnsfunc=lambda n, timeout=5: world[0][n.decode().rstrip(".")].encode())[0].decode())
    return " ".join(sorted(said))


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_others_believe_our_chains(arc_tool, world, keys, mailauth, kind):
    message = MESSAGE
    for domain in ("a.example", "b.example", "c.example"):
        message = seal_by_us(arc_tool, world, keys, message, domain, kind)
    assert judges(arc_tool, world, mailauth, message) == "pass"
    changed = message.replace(b"this  is", b"this was")
    assert judges(arc_tool, world, mailauth, changed) == "fail"


def test_we_believe_chains_of_others(arc_tool, world, keys, mailauth):
    assert judges(arc_tool, world, mailauth, seal_by_dkimpy(MESSAGE, "a.example", keys, "none")) == "pass"
    for kind in ("rsa", "ed25519"):
        sealed = seal_by_mailauth(mailauth, MESSAGE, "a.example", keys, kind, "none")
        assert judges(arc_tool, world, mailauth, sealed) == "pass"
        assert verify(arc_tool, world[1], sealed.replace(b"Hello", b"Hallo"))[0][0] == "fail"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_chains_of_several_programs(arc_tool, world, keys, mailauth, kind):
    message = seal_by_mailauth(mailauth, MESSAGE, "a.example", keys, kind, "none")
    message = seal_by_us(arc_tool, world, keys, message, "b.example", "rsa")
    if kind == "rsa":
        message = seal_by_dkimpy(message, "c.example", keys, "pass")
    else:
        message = seal_by_us(arc_tool, world, keys, message, "c.example", kind)
    message = seal_by_us(arc_tool, world, keys, message, "a.example", kind)
    message = seal_by_mailauth(mailauth, message, "b.example", keys, "rsa", "pass")
    assert judges(arc_tool, world, mailauth, message) == "pass"
    verdict, sets = verify(arc_tool, world[1], message)
    assert verdict[1:3] == ["5", "0"]
    assert [s[0] for s in sets] == ["a.example", "b.example", "c.example", "a.example", "b.example"]
    assert [s[2] for s in sets] == ["none", "pass", "pass", "pass", "pass"]


def test_a_list_that_changes_the_subject(arc_tool, world, keys, mailauth):
    """The chain holds, and who changed the message is told: the oldest set that still holds."""
    message = seal_by_us(arc_tool, world, keys, MESSAGE, "a.example", "rsa")
    changed = message.replace(b"Subject: ", b"Subject: [list] ")
    assert verify(arc_tool, world[1], changed)[0][0] == "fail"
    sealed = seal_by_dkimpy(changed, "b.example", keys, "pass")
    verdict, sets = verify(arc_tool, world[1], sealed)
    assert verdict[0] == "pass" and verdict[2] == "2"
    assert [s[6] for s in sets] == ["0", "1"]
