# SPDX-License-Identifier: ISC
"""One exchange mirrors another's key directory: everything at first, then what changed, and never the other way."""
import json
import shutil
import urllib.parse

import pytest

from conftest import Exchange
from test_directory import curl, gpg, lookup, upload  # noqa: F401

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")


class Pair:
    """there: example.org with Alice and Bob. here: example.net with Carol; it mirrors."""

    def __init__(self, fresh, **settings):
        self.there = fresh()
        if curl(self.there, "/pks/private/parameters")[0] == 404:
            pytest.skip("there are no private look-ups yet")
        self.fresh, self.settings = fresh, settings
        self.here = None

    def url(self):
        return f"http://127.0.0.1:{self.there.port('hkp')}"

    def start(self):
        self.here = self.fresh({"domains": '{ "example.net" }', "directory_mirrors": f'{{ "{self.url()}" }}',
                                **self.settings}, accounts=())
        return self.here

    def mirror(self, *words, check=True):
        done = self.here.run("directory", "mirror", *words, "--json", check=check)
        return [json.loads(line) for line in done.stdout.splitlines()]


def pub(exchange, fingerprint):
    status, body = lookup(exchange, "0x" + fingerprint, op="index", options="mr")
    rows = [row.split(":") for row in body.decode().splitlines()] if status == 200 else []
    return next((row for row in rows if row[0] == "pub"), None), [urllib.parse.unquote(row[1]) for row in rows if row[0] == "uid"]


def test_bare_keys_and_revocations_come(fresh_exchange, gpg):  # noqa: F811
    pair = Pair(fresh_exchange)
    alice, bob = gpg(), gpg()
    hers, his = alice.make_key("Alice <alice@example.org>"), bob.make_key("Bob <bob@example.org>")
    assert upload(pair.there, alice.export(hers), Exchange.ALICE)[0] == 200
    here = pair.start()
    (said,) = pair.mirror()
    assert said["first"] and said["changed"] == 1 and said["refused"] == 0 and said["published"] == 0
    row, users = pub(here, hers)
    assert row[1] == hers and row[6] == "" and users == []
    # From then on, only what changed.
    assert upload(pair.there, bob.export(his), Exchange.BOB)[0] == 200
    revocation = open(f"{alice.home}/openpgp-revocs.d/{hers}.rev", "rb").read().replace(b":-----BEGIN", b"-----BEGIN")
    alice.run("--import", stdin=revocation)
    assert upload(pair.there, alice.export(hers), Exchange.ALICE)[0] == 200
    (said,) = pair.mirror()
    assert not said["first"] and said["changed"] == 2
    assert pub(here, hers)[0][6] == "r" and pub(here, his)[0][1] == his
    (said,) = pair.mirror()
    assert said["changed"] == 0
    # Nothing went the other way.
    carol = gpg()
    theirs = carol.make_key("Carol <carol@example.net>")
    assert upload(here, carol.export(theirs))[0] == 200
    pair.mirror()
    assert pub(pair.there, theirs)[0] is None


def test_user_ids_only_when_they_are_wanted(fresh_exchange, gpg):  # noqa: F811
    pair = Pair(fresh_exchange, directory_mirror_user_ids="true")
    alice = gpg()
    hers = alice.make_key("Alice <alice@example.org>", "Alice here <alice@example.net>")
    assert upload(pair.there, alice.export(hers), Exchange.ALICE)[0] == 200
    here = pair.start()
    (said,) = pair.mirror()
    assert said["published"] == 1
    assert pub(here, hers)[1] == ["Alice <alice@example.org>"]
    assert lookup(here, "alice@example.org")[0] == 200 and lookup(here, "alice@example.net")[0] == 404


def test_a_server_that_is_none_or_away(fresh_exchange):
    pair = Pair(fresh_exchange)
    here = pair.start()
    for url in ["ftp://example.org", "https://example.org/", "https://a@example.org", "http://example.org", "example.org"]:
        assert here.run("directory", "mirror", url, check=False).returncode == 2, url
    # A web server without such look-ups.
    done = here.run("directory", "mirror", f"http://127.0.0.1:{pair.there.port('hkp')}/pks", check=False)
    assert done.returncode == 3 and "private look-ups" in done.stderr
