# SPDX-License-Identifier: ISC
"""Finding by nothing but an address: Web Key Directories that gpg-wks-client and sq made, and OPENPGPKEY records of
hash-slinger's `openpgpkey` in zones that ldnsutils signed, in a network with its own DNS (nsd) and authority.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

from conftest import build_folder
from namespace import ADDRESS, namespace
from test_find import Gpg
from zones import name_server

WKS = "/usr/lib/gnupg/gpg-wks-client"
SERVER = r'''
import http.server, pathlib, ssl, sys, time
root = pathlib.Path(sys.argv[1])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def give(self, status, body, **fields):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        host = self.headers["Host"].split(":")[0]
        with open(root / "asked", "a") as log:
            log.write(f"{host} {self.path}\n")
        path = self.path.partition("?")[0]
        if host == "bad.example":
            local = self.path.rpartition("=")[2]
            if local == "loop":
                return self.give(302, b"", Location=self.path)
            if local == "away":
                return self.give(302, b"", Location="https://direct.example" + self.path)
            if local == "clear":
                return self.give(302, b"", Location="http://bad.example" + self.path)
            if local == "large":
                return self.give(200, b"\x99" + b"A" * (9 << 20))
            if local == "page":
                return self.give(200, b"<html>hello</html>")
            if local == "slow":
                time.sleep(60)
            return self.give(200, (root / "other.pgp").read_bytes())
        file = root / host / path.lstrip("/")
        if ".." in path or not file.is_file():
            return self.give(404, b"no")
        self.give(200, file.read_bytes())
    def log_message(self, *words):
        pass
class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *words):
        pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server = Server((sys.argv[4], 443), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
'''
DOMAINS = ("advanced.example", "direct.example", "signed.example", "unsigned.example", "bogus.example", "bad.example",
           "silent.example")


class World:
    def __init__(self, space, folder, gpg, anchors):
        self.space, self.folder, self.gpg, self.anchors = space, folder, gpg, anchors
        self.prints = {}

    def letterlock(self, home, *words, want=0):
        done = self.space.run(build_folder() / "letterlock", *words, check=False, start_new_session=True, environment={
            "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "XDG_CONFIG_HOME": str(home / "c"), "XDG_DATA_HOME": str(home / "d")})
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Sanitizer" not in err, err
        assert want is None or done.returncode == want, f"{words}: {done.returncode}\n{out}{err}"
        return out, err

    def find(self, home, who, *words, want=0):
        out, err = self.letterlock(home, "key", "find", who, "--json", "--dnssec-anchors", self.anchors, *words, want=want)
        return (json.loads(out) if out else None), err

    def asked(self):
        file = self.folder / "web" / "asked"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines


def record(gpg, address):
    """As hash-slinger makes it."""
    if shutil.which("openpgpkey") is None:
        pytest.skip("no openpgpkey (hash-slinger)")
    said = subprocess.run(["openpgpkey", "--create", "--output", "rfc", address], env=gpg.env, capture_output=True, text=True,
                          check=True).stdout
    (line,) = [row for row in said.splitlines() if "IN OPENPGPKEY" in row]
    return line + "\n"


def make_web(world, folder):
    """The trees, each made by somebody else's program."""
    if not pathlib.Path(WKS).exists() or shutil.which("sq") is None:
        pytest.skip("no gpg-wks-client or no sq")
    gpg, web = world.gpg, folder / "web"
    tree = web / "openpgpkey.advanced.example" / ".well-known" / "openpgpkey"
    (tree / "advanced.example").mkdir(parents=True)
    subprocess.run([WKS, "--directory", tree, "--install-key", world.prints["ann@advanced.example"], "ann@advanced.example"],
                   env=gpg.env, check=True, capture_output=True)
    (folder / "direct.pgp").write_bytes(gpg.export("dan@direct.example", armor=False))
    (web / "direct.example").mkdir()
    subprocess.run(["sq", "wkd", "generate", "--direct-method", web / "direct.example", "direct.example", folder / "direct.pgp"],
                   check=True, capture_output=True)
    (web / "other.pgp").write_bytes(gpg.export("ann@advanced.example", armor=False))


@pytest.fixture(scope="module")
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-find-"))
    gpg = Gpg()
    server = None
    try:
        with namespace(folder) as space:
            certificate, key = space.make_certificate("openpgpkey.advanced.example", "openpgpkey.silent.example", *DOMAINS)
            signed = {"signed.example": "", "bogus.example": ""}
            world = World(space, folder, gpg, folder / "anchors")
            for address in ("ann@advanced.example", "dan@direct.example", "sue@signed.example", "una@unsigned.example",
                            "bo@bogus.example"):
                world.prints[address] = gpg.make(f"Somebody <{address}>")
            make_web(world, folder)
            records = {zone: record(gpg, address) for address in world.prints for zone in [address.partition("@")[2]]}
            zones = {zone: f"@ 60 IN A {ADDRESS}\n" for zone in DOMAINS}
            zones["advanced.example"] += f"openpgpkey 60 IN A {ADDRESS}\n"
            zones["silent.example"] += "openpgpkey 60 IN A 192.0.2.99\n"
            for zone in ("signed.example", "unsigned.example", "bogus.example"):
                zones[zone] += records[zone]
            with name_server(folder / "dns", zones, port=53, launcher=space.launcher, signed=signed):
                # The end of another digest: what the zone says is not what its parent has promised.
                ds = signed["bogus.example"].rstrip()
                signed["bogus.example"] = ds[:-1] + ("1" if ds.endswith("0") else "0") + "\n"
                world.anchors.write_text("".join(signed.values()))
                server = subprocess.Popen([*space.launcher, "/usr/bin/python3", "-c", SERVER, folder / "web", certificate, key,
                                           ADDRESS], stdout=subprocess.PIPE, text=True)
                assert server.stdout.readline() == "ready\n"
                yield world
    finally:
        if server is not None:
            server.kill()
            server.wait()
            server.stdout.close()
        gpg.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(world, tmp_path):
    world.asked()
    return tmp_path


def rows(found, source):
    return [row for row in found["results"] if row["source"] == source]


def test_the_advanced_method(world, home):
    found, _ = world.find(home, "Ann@Advanced.Example")
    (row,) = rows(found, "wkd")
    assert row["fingerprint"] == world.prints["ann@advanced.example"] and row["outcome"] == "new"
    assert row["from"].startswith("https://openpgpkey.advanced.example/.well-known/openpgpkey/advanced.example/hu/")
    assert found["addresses"] == ["ann@advanced.example"] and not found["verified"]
    (asked,) = world.asked()  # and not by the direct method too
    assert asked.endswith("?l=Ann")
    found, _ = world.find(home, "ann@advanced.example")
    assert {row["outcome"] for row in found["results"]} == {"known"} and rows(found, "store")


def test_the_direct_method_where_there_is_no_such_host(world, home):
    found, _ = world.find(home, "dan@direct.example")
    (row,) = rows(found, "wkd")
    assert row["fingerprint"] == world.prints["dan@direct.example"]
    assert row["from"].startswith("https://direct.example/.well-known/openpgpkey/hu/")


def test_a_host_that_does_not_answer_is_no_reason_to_fall_back(world, home):
    """Draft, section 3.1."""
    world.find(home, "sam@silent.example", "--source", "wkd", want=None)
    assert world.asked() == []


@pytest.mark.parametrize("local, says", [("loop", "again and again"), ("away", "another host"), ("clear", "not https"),
                                         ("large", "larger than"), ("page", ""), ("other", "")])
def test_a_directory_that_does_wrong(world, home, local, says):
    """Among these: it gives somebody else's certificate."""
    found, err = world.find(home, f"{local}@bad.example", "--source", "wkd", want=None)
    assert found is None and says in err
    assert len(world.asked()) <= 5
    assert json.loads(world.letterlock(home, "key", "list", "--json")[0]) == []


def test_a_directory_that_is_slow(world, home):
    start = time.monotonic()
    world.find(home, "slow@bad.example", "--source", "wkd", want=None)
    assert time.monotonic() - start < 40


def test_dns_that_is_signed(world, home):
    found, _ = world.find(home, "sue@signed.example")
    (row,) = rows(found, "dns")
    assert row["fingerprint"] == world.prints["sue@signed.example"] and row["outcome"] == "new"
    assert row["from"].startswith("dns:") and "_openpgpkey.signed.example" in row["from"]
    shown = json.loads(world.letterlock(home, "key", "show", "sue@signed.example", "--json")[0])
    assert not shown["verified"]


def test_dns_that_is_not_signed_is_not_believed(world, home):
    found, err = world.find(home, "una@unsigned.example", want=None)
    assert found is None and "nothing proves it" in err
    assert json.loads(world.letterlock(home, "key", "list", "--json")[0]) == []


def test_dns_that_is_forged_is_not_believed(world, home):
    found, err = world.find(home, "bo@bogus.example", want=None)
    assert found is None and "forged or broken" in err


def test_who_goes_through_a_proxy_does_not_ask_dns(world, home):
    _, err = world.find(home, "sue@signed.example", "--proxy", "socks5h://127.0.0.1:1", "--verbose", want=None)
    assert "dns:" not in err
    assert world.asked() == []


def test_files_are_sealed_for_somebody_who_is_found_now(world, home):
    """encrypt --to ADDRESS looks, and says where."""
    (home / "plan.txt").write_text("the plan")
    _, err = world.letterlock(home, "encrypt", home / "plan.txt", "--to", "ann@advanced.example")
    assert "the domain's Web Key Directory" in err
    (sealed,) = [path for path in home.iterdir() if path.name.startswith("plan.txt.")]
    opened = subprocess.run(["gpg", "--batch", "--decrypt", sealed], env=world.gpg.env, capture_output=True, check=True).stdout
    assert b"the plan" in opened
