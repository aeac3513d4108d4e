# SPDX-License-Identifier: ISC
"""letterlock publishes to our own exchange by the doors that strangers use: VKS and HKP version 2, with their letters."""
import json

import pytest

from conftest import Exchange
from test_client import Person
from test_directory import lookup
from test_directory_uploads import letters, open_letter, send, token_of
from test_find import Gpg, find


@pytest.fixture
def gpg():
    one = Gpg()
    yield one
    one.stop()


@pytest.fixture
def ours(fresh_exchange):
    """An exchange of its own: an address is sent one letter an hour."""
    return fresh_exchange()


@pytest.fixture
def person(ours, tmp_path):
    one = Person(ours, tmp_path, "dave@example.com")
    yield one
    one.stop()


class Opener:
    """Opens letters of the exchange with gpg, as test_directory_uploads wants it."""

    def __init__(self, gpg):
        self.gpg = gpg

    def run(self, *words, stdin=b""):
        out = self.gpg.run(*words, stdin=stdin)
        return type("Done", (), {"stdout": out})


def server(exchange, scheme="hkps"):
    return f"{scheme}://localhost:{exchange.port('https')}"


def publish(person, exchange, who, *words, scheme="hkps", want=0):
    return person.run("key", "publish", who, "--server", server(exchange, scheme), "--ca-file", exchange.certificate, *words,
                      secrets=False, want=want)


def look(person, exchange, who, *words, want=0):
    return person.run("key", "find", who, "--server", server(exchange), "--ca-file", exchange.certificate, *words,
                      secrets=False, want=want)


@pytest.fixture
def alice(person, gpg, tmp_path):
    """Alice's key, made with gpg, known to letterlock."""
    print_ = gpg.make("Alice <alice@example.org>")
    (tmp_path / "alice.asc").write_bytes(gpg.export(print_))
    person.run("key", "import", tmp_path / "alice.asc", secrets=False)
    return print_


def test_by_vks_comes_a_letter_for_that_key(ours, person, gpg, alice, tmp_path):
    """Until its owner followed the link nobody finds the address."""
    said = publish(person, ours, alice, scheme="vks")
    assert "alice@example.org: a mail comes from the server; follow the link" in said
    stranger = Person(ours, tmp_path / "stranger", "erin@example.com")
    look(stranger, ours, "alice@example.org", want=1)
    stranger.stop()
    [letter] = letters(ours, Exchange.ALICE)
    text = open_letter(Opener(gpg), letter)
    assert alice in text and token_of(text)


def test_an_address_of_another_server_does_not_stop_the_others(ours, person, gpg, tmp_path):
    print_ = gpg.make("Bob <bob@example.org>")
    gpg.run("--quick-add-uid", print_, "Bob <bob@elsewhere.example>")
    (tmp_path / "bob.asc").write_bytes(gpg.export(print_))
    person.run("key", "import", tmp_path / "bob.asc", secrets=False)
    said = publish(person, ours, print_, scheme="vks")
    assert "bob@example.org: a mail comes" in said
    assert "bob@elsewhere.example: a mail comes" in said  # the server sends to others
    assert "bob@elsewhere.example" in ours.run("queue", "list").stdout


def test_by_token(ours, person, gpg, alice, tmp_path):
    publish(person, ours, alice)  # as it is: without an address that is shown
    words = ("--address", "alice@example.org")
    assert "a mail with a token comes" in publish(person, ours, alice, "--send-token", *words)
    (tmp_path / "token").write_text("0" * 40)
    assert "does not accept this token" in publish(person, ours, alice, "--token", tmp_path / "token", *words, want=1)
    (tmp_path / "token").write_text(token_of(open_letter(Opener(gpg), letters(ours, Exchange.ALICE)[0])))
    assert "published" in publish(person, ours, alice, "--token", tmp_path / "token", *words)
    stranger = Person(ours, tmp_path / "stranger", "erin@example.com")
    assert alice in look(stranger, ours, "alice@example.org")
    assert json.dumps(find(stranger, alice, "--source", "store"))
    stranger.stop()


def test_at_our_own_exchange_look_ups_and_refreshing_are_private(ours, tmp_path):
    """It is asked for a bucket, and for the log of what changed, and a new expiry arrives."""
    two = [Person(ours, tmp_path, address) for address in (ours.ALICE, ours.BOB)]
    try:
        for one in two:
            one.setup()
        alice, bob = two
        found = alice.json("key", "find", bob.address, secrets=False, stderr=False)
        (row,) = [r for r in found["results"] if r["source"] == "exchange"]
        assert row["private"] and row["origin"] == "directory" and found["believed"]
        assert "asking privately" in alice.run("key", "find", bob.address, "--verbose", secrets=False)
        bob.run("key", "expire", bob.address, "1y")
        bob.run("key", "publish")
        assert "of which 1 changed" in alice.run("key", "refresh", secrets=False)  # the first time, too
        bob.run("key", "expire", bob.address, "3y")
        bob.run("key", "publish")
        said = alice.run("key", "refresh", "--verbose", secrets=False)
        assert "was asked for what changed, without naming keys" in said and "of which 1 changed" in said, said
    finally:
        for one in two:
            one.stop()


def test_a_certification_is_served_once_its_owner_approved_it(ours, gpg, tmp_path):
    """What Bob said of Alice's key travels with it from then on, and no longer when she takes that back."""
    alice, bob = two = [Person(ours, tmp_path, address) for address in (ours.ALICE, ours.BOB)]
    try:
        for one in two:
            one.setup()
        by = bob.json("key", "show", bob.address, secrets=False, stderr=False)["fingerprint"]
        bob.run("key", "find", alice.address, secrets=False)
        bob.run("key", "certify", alice.address, "--compared", "--output", tmp_path / "signed.asc")
        assert "key import" in alice.run("key", "approve", alice.address, want=1)
        alice.run("key", "import", tmp_path / "signed.asc", secrets=False)
        assert "makers' certificates are not here" in alice.run("key", "approve", alice.address, want=1)
        alice.run("key", "find", bob.address, secrets=False)
        for words, served in ([], False), (["approve", alice.address, bob.address], True), \
                (["approve", alice.address, "--none"], False):
            if words:
                alice.run("key", *words)
            alice.run("key", "publish")
            packets = gpg.run("--list-packets", stdin=lookup(ours, alice.address)[1])
            assert (by[-16:].encode() in packets) == served, words
        alice.run("key", "approve", alice.address, bob.address, "--none", want=2)
    finally:
        for one in two:
            one.stop()
