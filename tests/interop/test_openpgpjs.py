# SPDX-License-Identifier: ISC
"""OpenPGP.js and Proton's form of it, version 6 above all: keys, signatures and messages both ways."""
import pytest

TEXT = "Grüße aus der Küche\nzweite Zeile\n"


@pytest.fixture(scope="module", params=["openpgp", "@protontech/openpgp"])
def js(request, openpgpjs):
    def call(action, **values):
        return openpgpjs(action, module=request.param, **values)

    return call


@pytest.fixture(params=["rfc9580", "compatibility"])
def ours(request, sop):
    key, cert = sop.key(request.param, "Alice <alice@example.org>")
    return key, cert


@pytest.fixture(params=[True, False], ids=["v6", "v4"])
def theirs(request, js):
    return js("generate", v6=request.param)


def test_it_verifies_our_signature(sop, js, ours):
    signature = sop("sign", "--as=text", ours[0], stdin=TEXT).decode()
    got = js("verify", text=TEXT, signature=signature, certs=[ours[1].read_text()])
    assert len(got["signatures"]) == 1 and not got["signatures"][0].startswith("bad: ")
    got = js("verify", text=TEXT + "x", signature=signature, certs=[ours[1].read_text()])
    assert got["signatures"][0].startswith("bad: ")


def test_we_verify_its_signature(sop, js, theirs):
    signature = sop.file(js("sign", text=TEXT, key=theirs["key"])["signature"])
    cert = sop.file(theirs["cert"])
    assert sop("verify", signature, cert, stdin=TEXT).count(b"\n") == 1
    sop("verify", signature, cert, stdin=TEXT + "x", status=3)


def test_it_opens_our_message(sop, js, ours):
    message = sop("encrypt", "--sign-with", ours[0], ours[1], stdin=TEXT).decode()
    got = js("decrypt", message=message, key=ours[0].read_text(), certs=[ours[1].read_text()])
    assert got["text"].replace("\r\n", "\n") == TEXT
    assert len(got["signatures"]) == 1 and not got["signatures"][0].startswith("bad: ")


def test_it_opens_our_message_to_its_key(sop, js, theirs):
    message = sop("encrypt", sop.file(theirs["cert"]), stdin=TEXT).decode()
    got = js("decrypt", message=message, key=theirs["key"])
    assert got["text"].replace("\r\n", "\n") == TEXT


def test_we_open_its_message(sop, js, ours, theirs):
    got = js("encrypt", text=TEXT, certs=[ours[1].read_text()], key=theirs["key"])
    out = sop.new_name()
    text = sop("decrypt", "--verify-with", sop.file(theirs["cert"]), f"--verifications-out={out}", ours[0],
               stdin=got["message"])
    assert text.decode().replace("\r\n", "\n") == TEXT
    assert out.read_text().count("\n") == 1


def test_several_recipients(sop, js, ours, theirs):
    got = js("encrypt", text=TEXT, certs=[theirs["cert"], ours[1].read_text()])
    for key in (ours[0], sop.file(theirs["key"])):
        assert sop("decrypt", key, stdin=got["message"]).decode().replace("\r\n", "\n") == TEXT


def test_our_locked_key_opens_there(sop, js):
    key, cert = sop.key("rfc9580", "Alice <alice@example.org>", password="open sesame")
    signature = js("sign", text=TEXT, key=key.read_text(), password="open sesame")["signature"]
    sop("verify", sop.file(signature), cert, stdin=TEXT)


@pytest.mark.parametrize("v6", [True, False])
def test_its_locked_key_opens_here(sop, js, v6):
    made = js("generate", v6=v6, password="open sesame")
    key, cert = sop.file(made["key"]), sop.file(made["cert"])
    sop("sign", key, stdin=TEXT, status=67)
    signature = sop("sign", "--with-key-password", sop.file("open sesame\n"), key, stdin=TEXT)
    sop("verify", sop.file(signature), cert, stdin=TEXT)


def test_passwords_both_ways(sop, js):
    password = sop.file("correct horse")
    message = sop("encrypt", "--with-password", password, stdin=TEXT).decode()
    assert js("decrypt", message=message, passwords=["correct horse"])["text"] == TEXT
    message = js("encrypt", text=TEXT, passwords=["correct horse"])["message"]
    assert sop("decrypt", "--with-password", password, stdin=message).decode().replace("\r\n", "\n") == TEXT
