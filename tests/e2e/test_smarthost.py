# SPDX-License-Identifier: ISC
"""A server behind a provider: all mail goes to the smarthost, which is signed in at over TLS only; routes for some domains,
and the address that is connected from."""
import base64
import contextlib
import pathlib
import shutil
import tempfile

import pytest

from conftest import Exchange
from keyservers import make_certificate
from test_relay import World, eventually, made, zone
from test_transport_policy import server_context
from zones import free_port, name_server

USER, PASSWORD = "customer 7", "the password at the provider"
LOGIN = "AUTH PLAIN " + base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
SMART, ROUTED, DIRECT = 13, 12, 11
SOURCE = "127.0.0.50"


@pytest.fixture(scope="module")
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-e2e-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        w = World(folder, free_port())
        right = make_certificate(folder / "right", "smart.host.example")
        other = make_certificate(folder / "other", "other.host.example")
        (folder / "authorities.pem").write_text(right[0].read_text() + other[0].read_text())
        (folder / "password").write_text(PASSWORD + "\n")
        w.right, w.other = server_context(*right), server_context(*other)
        dns = stack.enter_context(name_server(folder / "dns", {
            "host.example": zone(f"smart 60 IN A 127.0.0.{SMART}"),
            "direct.example": zone("@ 60 IN MX 10 mx", f"mx 60 IN A 127.0.0.{DIRECT}")}))
        w.b, w.a = None, Exchange(made(folder, "a"), {
            "resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "hostname": '"a.host.example"',
            "relay_port": w.port, "authorities": f'"{folder}/authorities.pem"', "account_messages_hour": 0,
            "smarthost": f'"smart.host.example:{w.port}"', "smarthost_user": f'"{USER}"',
            "smarthost_password_file": f'"{folder}/password"', "relay_source": f'{{ "{SOURCE}" }}',
            "relay_routes": f'{{ "routed.example=[127.0.0.{ROUTED}]", ".below.example=[127.0.0.{ROUTED}]:{w.port}", "direct.example=" }}'})
        stack.callback(w.a.stop)
        w.a.start()
        stack.callback(lambda: [p.close() for p in w.peers.values()])
        yield w


def sent(world, to):
    world.send([to], to)
    return world.logged("relay.answered result=sent", "to=" + to)[0]


def waits(world, to, *says):
    """It stays here, and the operator is told why."""
    world.send([to], to)
    world.logged("queue.settled result=deferred", "said=", *says)
    listed = world.a.run("queue", "list", to.split("@")[1]).stdout
    assert to in listed and all(word in listed for word in says), listed
    world.a.run("queue", "remove", "all")


def test_all_mail_goes_there(world):
    """Whatever DNS says of the domain, or does not; and the password is not said before TLS."""
    smart = world.peer(SMART, tls=world.right, login=LOGIN)
    line = sent(world, "x@nowhere.example")
    assert "host=smart.host.example" in line and "tls=TLSv1.3" in line and len(smart.letters) == 1
    heard = [word.split(" ")[0] for word in smart.heard]
    assert heard[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"] and LOGIN in smart.heard, smart.heard
    assert smart.sources == [SOURCE]
    assert PASSWORD not in world.a.log() and LOGIN.split(" ")[2] not in world.a.log()


def test_the_password_is_for_the_right_server_only(world):
    for how, says in (({"tls": world.other}, "smart.host.example"), ({}, "TLS")):
        smart = world.peer(SMART, login=LOGIN, **how)
        waits(world, f"{len(how)}@wrong{len(how)}.example", says)
        assert smart.connections and not smart.letters and not [w for w in smart.heard if w.startswith(("AUTH", "MAIL"))]


def test_a_password_that_is_not_taken_sends_nothing_back(world):
    """The letter is in order: the operator has something to mend, and its writer is not told that it failed."""
    smart = world.peer(SMART, tls=world.right, login=LOGIN + "=")
    waits(world, "x@password.example", "535 5.7.8")
    assert smart.over_tls and not smart.letters
    assert not [m for m in world.inbox(world.a, Exchange.ALICE) if "password.example" in m.as_string()]


def test_routes(world):
    smart, routed, direct = world.peer(SMART, tls=world.right, login=LOGIN), world.peer(ROUTED), world.peer(DIRECT)
    for to in ("x@routed.example", "x@one.below.example"):
        assert f"address=127.0.0.{ROUTED}" in sent(world, to)
    assert f"address=127.0.0.{DIRECT}" in sent(world, "x@direct.example")
    assert "host=smart.host.example" in sent(world, "x@below.example")  # the name itself is not below itself
    assert (len(routed.letters), len(direct.letters)) == (2, 1)
    assert not [w for w in routed.heard + direct.heard if w.startswith("AUTH")]
    assert set(routed.sources + direct.sources) == {SOURCE}
    eventually(lambda: len(smart.letters) == 1, "not at the smarthost")
