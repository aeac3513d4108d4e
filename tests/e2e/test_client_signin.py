# SPDX-License-Identifier: ISC
"""How letterlock signs in: by SCRAM bound to the connection where it can, by the password where it must, and what of
that it remembers."""
import json
import re

import pytest

from test_client import Person

PLUS = "SCRAM-SHA-256-PLUS"


@pytest.fixture
def person(exchange, tmp_path):
    one = Person(exchange, tmp_path, exchange.ALICE)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def app(exchange):
    done = exchange.run("account", "app-password", "add", exchange.ALICE, "letterlock", "--protocols", "imap,smtp")
    return done.stdout.strip()


def remembered(person):
    account = json.loads((person.home / "config" / "letterlock" / "account.json").read_text())
    return account["imap"].get("signin"), account["smtp"].get("signin")


def attempts(exchange):
    """(accepted or refused, protocol, mechanism) of each so far."""
    return re.findall(r"auth\.(accepted|refused).*? protocol=(\w+) mechanism=([\w-]+)", exchange.log())


def send(person, **options):
    return person.run("send", "--to", person.address, "--subject", "x", stdin="A word.\n", **options)


def test_scram_bound_and_remembered(exchange, person, app):
    before = len(attempts(exchange))
    person.setup("--no-publish", password=app)
    assert remembered(person) == ("scram-plus", None)
    send(person, password=app)
    assert remembered(person) == ("scram-plus", "scram-plus")
    person.run("inbox", password=app)
    assert attempts(exchange)[before:] == [("accepted", "imap", PLUS), ("accepted", "smtp", PLUS),
                                           ("accepted", "imap", PLUS)]


def test_password_is_not_shown_any_more(exchange, person, app):
    """The account's own password has no SCRAM verifier: right, but it is not what was set up."""
    person.setup("--no-publish", password=app)
    send(person, password=app)
    before = len(attempts(exchange))
    said = person.run("inbox", want=1)
    assert "run `letterlock setup` again" in said
    send(person, want=1)
    assert {mechanism for _, _, mechanism in attempts(exchange)[before:]} == {PLUS}
    assert all(what == "refused" for what, _, _ in attempts(exchange)[before:])


def test_password_where_scram_has_nothing(exchange, person, app):
    """SCRAM is tried once, at setup, and then no more."""
    before = len(attempts(exchange))
    person.setup("--no-publish")
    assert remembered(person) == ("password", "password")
    send(person)
    person.run("inbox")
    assert attempts(exchange)[before:] == [("refused", "imap", PLUS), ("accepted", "imap", "PLAIN"),
                                           ("accepted", "smtp", "PLAIN"), ("accepted", "imap", "PLAIN")]


def test_wrong_password(exchange, person, app):
    person.setup("--no-publish", password="wrong", want=1)
    assert not (person.home / "config" / "letterlock" / "account.json").exists()
