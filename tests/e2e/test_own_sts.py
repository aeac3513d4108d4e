# SPDX-License-Identifier: ISC
"""Our own MTA-STS policy: as curl gets it, as `domain records` names it, and as another letterlockd obeys it."""
import contextlib
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import Exchange
from keyservers import make_certificate
from test_relay import CAROL, World, made, zone
from zones import free_port, name_server

ADDRESS, OTHER = "127.0.0.42", "127.0.0.43"


def get(port, host, path="/.well-known/mta-sts.txt"):
    """curl: (status, media type, text)."""
    done = subprocess.run(["curl", "-sk", "--resolve", f"{host}:{port}:{ADDRESS}", f"https://{host}:{port}{path}", "-w",
                           "\n%{http_code} %{content_type}"], capture_output=True, check=True, timeout=30)
    text, _, tail = done.stdout.decode().rpartition("\n")
    status, _, kind = tail.partition(" ")
    return int(status), kind, text


@pytest.fixture(scope="module")
def world():
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ll-os-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        w = World(folder, free_port())
        certificate, key = make_certificate(folder / "b", "mx.b.example", "mta-sts.b.example")
        w.b = Exchange(made(folder, "exchange"), {
            "hostname": '"mx.b.example"', "domains": '{ "b.example" }', "listen": f'{{ "{ADDRESS}" }}', "port_smtp": w.port,
            "port_https": 443, "tls_certificate": f'"{certificate}"', "tls_key": f'"{key}"', "mta_sts": '"enforce"'},
            accounts=())
        w.b.account_add(CAROL, "a password of carol")
        records = w.b.run("domain", "records", "b.example").stdout
        w.records = [line for line in records.splitlines() if not line.startswith(";")]
        (txt,) = [line for line in w.records if line.startswith("_mta-sts.b.example.")]
        dns = stack.enter_context(name_server(folder / "dns", {"b.example": zone(
            "@ 60 IN MX 20 mx", "@ 60 IN MX 10 other", f"mx 60 IN A {ADDRESS}", f"other 60 IN A {OTHER}",
            "mta-sts 60 IN CNAME mx", txt)}))
        w.a = Exchange(made(folder, "a"), {"resolvers": f'{{ "127.0.0.1@{dns}" }}', "dnssec_anchors": '""', "relay_port": w.port,
                                           "authorities": f'"{certificate}"', "hostname": '"a.host.example"'})
        for one in (w.b, w.a):
            stack.callback(one.stop)
            one.start()
        stack.callback(lambda: [p.close() for p in w.peers.values()])
        yield w


def test_curl_gets_it(world):
    status, kind, text = get(443, "mta-sts.b.example")
    assert (status, kind) == (200, "text/plain; charset=us-ascii")  # RFC 8461 section 3.2
    assert text == "version: STSv1\r\nmode: enforce\r\nmx: mx.b.example\r\nmax_age: 1209600\r\n"


@pytest.mark.parametrize("host", ["mta-sts.c.example", "b.example", "mx.b.example"])
def test_not_under_other_names(world, host):
    assert get(443, host)[0] == 404


def test_records(world):
    found = {line.split(" ")[0]: line for line in world.records}
    assert re.fullmatch(r'_mta-sts\.b\.example\. \d+ IN TXT "v=STSv1; id=[0-9a-f]{16};"', found["_mta-sts.b.example."])
    assert found["mta-sts.b.example."].endswith("IN CNAME mx.b.example.")
    assert found["_smtp._tls.b.example."].endswith('IN TXT "v=TLSRPTv1; rua=mailto:postmaster@b.example"')


def test_another_letterlockd_obeys_it(world):
    """The host that is preferred is not in the policy: it is never given anything, and the letter goes to the one that is."""
    other = world.peer(43)
    world.send([CAROL], "under a policy")
    (line,) = world.logged("queue.settled result=delivered", "mx=mx.b.example")
    assert "verified=name" in line and "MTA-STS, mode enforce" in line
    assert other.connections == 0


@pytest.fixture
def changed(tmp_path):
    def records(mode):
        one = Exchange(made(tmp_path, mode), {"hostname": '"mx.b.example"', "domains": '{ "b.example" }', "mta_sts": f'"{mode}"',
                                             "port_https": free_port()}, accounts=())
        return [line for line in one.run("domain", "records", "b.example").stdout.splitlines() if "mta-sts" in line]
    return records


def test_the_id_changes_with_the_policy(changed):
    """And without one there are no records of it."""
    ids = {re.search("id=([0-9a-f]+)", "".join(changed(mode)))[1] for mode in ("testing", "enforce")}
    assert len(ids) == 2
    assert changed("none") == []
