# SPDX-License-Identifier: ISC
"""Autocrypt Level 1: what our letters carry, and what is learnt from those of others."""
import base64
import email
import email.policy
import json
import subprocess
import time
from email.utils import formatdate

import pytest

from conftest import Exchange
from test_client import Person, append, newest, place, raw_of  # noqa: F401 (fixtures)
from test_find import Gpg, gpg  # noqa: F401

CAROL = "carol@example.org"


@pytest.fixture(scope="module")
def three(exchange, place):  # noqa: F811
    exchange.account_add(CAROL, "a green glass door")
    people = [Person(exchange, place, address) for address in (exchange.ALICE, exchange.BOB, CAROL)]
    try:
        for person in people:
            person.setup()
        yield people
    finally:
        for person in people:
            person.stop()


def fields(raw, name):
    return [value for key, value in email.message_from_bytes(raw, policy=email.policy.compat32).items() if key.lower() == name.lower()]


def attributes(value):
    pairs = [part.strip().partition("=")[::2] for part in " ".join(value.split()).split(";")]
    return {name: text for name, text in pairs}


def keydata(value):
    return base64.b64decode(attributes(value)["keydata"].replace(" ", ""), validate=True)


def packets(octets):
    """What gpg says stands in it."""
    said = subprocess.run(["gpg", "--batch", "--list-packets"], input=octets, capture_output=True, check=True).stdout.decode()
    return [line.split()[0].strip(":") + " " + line.split()[1] for line in said.splitlines() if line.startswith(":")]


def autocrypt_mail(sender, key, date=None, extra="", kind="text/plain", more="", prefer=True):
    data = base64.b64encode(key).decode()
    folded = "".join(f"\r\n {data[i:i + 76]}" for i in range(0, len(data), 76))
    header = f"Autocrypt: addr={sender}; {'prefer-encrypt=mutual; ' if prefer else ''}{extra}keydata={folded}\r\n" if key else ""
    return (f"From: {sender}\r\nTo: bob@example.org\r\nSubject: hello\r\nDate: {formatdate(date or time.time())}\r\n{header}{more}"
            f"Content-Type: {kind}\r\n\r\nhello\r\n").encode()


def minimal(gpg, who):  # noqa: F811
    return gpg.run("--export-options", "export-minimal", "--export", who)


def shown(person, address):
    done = person.run("key", "show", address, "--json", secrets=False, want=None, stderr=False)
    return json.loads(done) if done else None


def test_our_letters_carry_the_key_and_gpg_reads_it(exchange, three):
    alice, bob, _ = three
    for words in (("--seal",), ("--sign-only",)):
        alice.run("send", "--to", bob.address, "--subject", "with a key", *words, stdin="x\n")
        raw = raw_of(exchange, bob.address, newest(bob)["number"])
        (value,) = fields(raw, "Autocrypt")
        assert attributes(value)["addr"] == alice.address and attributes(value)["prefer-encrypt"] == "mutual"
        assert list(attributes(value))[-1] == "keydata"
        key = keydata(value)
        assert packets(key) == ["public key", "user ID", "signature packet", "public sub", "signature packet"] or len(packets(key)) == 5
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert fields(raw, "Autocrypt-Gossip") == []
        assert b"Autocrypt-Gossip" not in raw


def test_who_gets_a_letter_to_several_learns_their_keys(exchange, three, tmp_path):
    """Gossip stands in the sealed payload only, and Bob learns Carol's key from it."""
    alice, bob, carol = three
    bob.run("read", newest(bob)["number"])
    assert shown(bob, carol.address) is None
    alice.run("send", "--to", bob.address, "--cc", carol.address, "--subject", "you two", "--seal", stdin="x\n")
    letter = newest(bob)
    assert b"Autocrypt-Gossip" not in raw_of(exchange, bob.address, letter["number"])
    bob.run("read", letter["number"])
    known = shown(bob, carol.address)
    assert known["origin"] == "gossip" and not known["believed"]
    assert known["fingerprint"] == carol.json("key", "list", "--secret")[0]["fingerprint"]


@pytest.fixture
def erin(exchange, three, gpg, request):  # noqa: F811
    """Somebody with gpg whose mail comes in: address, certificate."""
    address = f"erin-{request.node.name.replace('_', '-').split('[')[0][-30:]}@example.net"
    return address, minimal(gpg, gpg.make(f"<{address}>"))


def receive(exchange, bob, raw):
    append(exchange, bob.address, raw)
    bob.run("read", newest(bob)["number"], want=None)


def test_a_stranger_is_answered_sealed(exchange, three, erin, gpg):  # noqa: F811
    """His mail brought the key; that it may not be his is said."""
    _, bob, _ = three
    address, key = erin
    receive(exchange, bob, autocrypt_mail(address, key))
    known = shown(bob, address)
    assert known["origin"] == "autocrypt" and not known["believed"]


@pytest.mark.parametrize("spoil", ["critical", "address", "twice", "report", "oversize"])
def test_what_does_not_count(exchange, three, erin, spoil):
    _, bob, _ = three
    address, key = erin[0].replace("erin", f"erin-{spoil}"), erin[1]
    raw = autocrypt_mail(erin[0], key)
    if spoil == "critical":
        raw = autocrypt_mail(erin[0], key, extra="v=2; ")
    elif spoil == "address":
        raw = raw.replace(f"From: {erin[0]}".encode(), f"From: {address}".encode())
    elif spoil == "twice":
        head = raw[raw.index(b"Autocrypt:"):raw.index(b"Content-Type")]
        raw = raw.replace(head, head + head)
    elif spoil == "report":
        raw = autocrypt_mail(erin[0], key, kind='multipart/report; boundary="x"')
    elif spoil == "oversize":
        raw = autocrypt_mail(erin[0], key, extra="_x=" + "y" * 10300 + "; ")
    receive(exchange, bob, raw)
    assert shown(bob, erin[0]) is None and shown(bob, address) is None


def test_a_forged_header_replaces_nothing(exchange, three, erin):
    """Silent key replacement: Mallory writes with the address of somebody who is known."""
    _, bob, _ = three
    address, key = erin
    receive(exchange, bob, autocrypt_mail(address, key, date=time.time() - 1000))
    known = shown(bob, address)["fingerprint"]
    mallory = Gpg()
    try:
        forged = minimal(mallory, mallory.make(f"<{address}>"))
    finally:
        mallory.stop()
    receive(exchange, bob, autocrypt_mail(address, forged))
    assert shown(bob, address)["fingerprint"] == known
    assert len(json.loads(bob.run("key", "list", address, "--json", secrets=False, stderr=False))) == 2


def test_a_peer_who_stopped_is_written_to_with_a_warning(exchange, three, erin):
    """35 days of mail without a key: perhaps he cannot read sealed letters any more."""
    alice, bob, _ = three
    address, key = erin
    receive(exchange, bob, autocrypt_mail(address, key, date=time.time() - 60 * 86400))
    receive(exchange, bob, autocrypt_mail(address, b"", date=time.time() - 1000))
    said = bob.run("send", "--to", address, "--subject", "still there?", "--seal", stdin="x\n", want=None)
    assert "perhaps this cannot be read" in said
    _ = alice
