# SPDX-License-Identifier: ISC
"""Nothing but a domain's name: keys and settings are found by other people's programs at the ports where the world asks.

In a network and mount namespace with its own DNS (nsd, with the very lines of `domain records`), its own certificate
authority in the system's store, and ports 25 to 993.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import types
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import Exchange, build_folder, pipe_with
from namespace import ADDRESS, namespace
from test_client import answer_at_terminal
from zones import name_server

HOST, ZONE, DIRECT = "mail.example.org", "example.org", "direct.example"
ALICE, DORA = "alice@example.org", "dora@direct.example"
DIRECT_ZONE = f"@ 60 IN A {ADDRESS}\n@ 60 IN MX 10 {HOST}.\n"
# Only DNS says where their servers are: for the first inside of the domain, for the second outside.
ERIK, FAY = "erik@inside.example", "fay@outside.example"
INSIDE_ZONE = (f"mail 60 IN A {ADDRESS}\n_imaps._tcp 60 IN SRV 0 0 0 .\n_imap._tcp 60 IN SRV 5 1 143 mail\n"
               "_submissions._tcp 60 IN SRV 5 0 465 wrong\n_submissions._tcp 60 IN SRV 0 1 465 wrong\n"
               "_submissions._tcp 60 IN SRV 0 9 465 mail\n")
OUTSIDE_ZONE = f"_imaps._tcp 60 IN SRV 0 1 993 {HOST}.\n_submissions._tcp 60 IN SRV 0 1 465 {HOST}.\n"
PASSWORDS = {ALICE: "the fish swims at dawn", DORA: "nine red kites", ERIK: "a pail of cold tea", FAY: "two left shoes"}
REVERSE = "2.0.192.in-addr.arpa"


class World:
    def __init__(self, space, exchange, folder):
        self.space, self.exchange, self.folder = space, exchange, folder
        self.fingerprints = {}

    def gpg(self, home, *words, **more):
        return self.space.run("gpg", "--batch", "--no-tty", "--yes", *words, environment={"GNUPGHOME": str(home)}, **more)

    def gpg_home(self):
        """A short path: its sockets are there."""
        home = pathlib.Path(tempfile.mkdtemp(prefix="ll-wkd-"))
        (home / "dirmngr.conf").write_text("disable-ipv6\nno-use-tor\nstandard-resolver\n")
        return home

    def publish(self, address):
        home = self.gpg_home()
        try:
            self.gpg(home, "--passphrase", "", "--pinentry-mode", "loopback", "--quick-generate-key",
                     f"A Person <{address}>", "ed25519", "cert,sign", "1y")
            rows = self.gpg(home, "--with-colons", "--list-keys").stdout.decode().splitlines()
            self.fingerprints[address] = next(row.split(":")[9] for row in rows if row.startswith("fpr:"))
            armored = self.gpg(home, "--armor", "--export").stdout
        finally:
            shutil.rmtree(home, ignore_errors=True)
        self.space.run("curl", "-sSf", "-u", f"{address}:{PASSWORDS[address]}", "--data-urlencode", "keytext@-",
                       f"https://{HOST}/pks/add", stdin=armored)


@pytest.fixture(scope="module")
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-world-"))
    try:
        with namespace(folder) as space:
            certificate, key = space.make_certificate(HOST, *(f"{p}.{ZONE}" for p in ("autoconfig", "autodiscover", "openpgpkey")),
                                                      ZONE, DIRECT, "mail.inside.example")
            (folder / "exchange").mkdir()
            exchange = Exchange(folder / "exchange", {
                "hostname": f'"{HOST}"', "domains": f'{{ "{ZONE}", "{DIRECT}", "inside.example", "outside.example" }}', "listen": f'{{ "{ADDRESS}" }}',
                "resolvers": "{}", "dnssec_anchors": '""', "tls_certificate": f'"{certificate}"', "tls_key": f'"{key}"'},
                accounts=())
            # The usual ports.
            exchange.config.write_text("".join(line for line in exchange.config.read_text().splitlines(True)
                                               if not line.startswith("port_")))
            for address, password in PASSWORDS.items():
                exchange.account_add(address, password)
            zones = {ZONE: exchange.run("domain", "records", ZONE).stdout, DIRECT: DIRECT_ZONE,
                     "inside.example": INSIDE_ZONE, "outside.example": OUTSIDE_ZONE, REVERSE: f"25 60 IN PTR {HOST}.\n"}
            with name_server(folder / "dns", zones, port=53, launcher=space.launcher):
                exchange.start(launcher=space.launcher)
                try:
                    one = World(space, exchange, folder)
                    for address in (ALICE, DORA):
                        one.publish(address)
                    yield one
                finally:
                    exchange.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def reader(world):
    home = world.gpg_home()
    yield home
    shutil.rmtree(home, ignore_errors=True)


# ---- keys ----

@pytest.mark.parametrize("address", [ALICE, DORA])
def test_gpg_finds_the_key_of_an_address(world, reader, address):
    """Alice by the advanced method; Dora's domain has no openpgpkey, so by the direct one."""
    done = world.gpg(reader, "--auto-key-locate", "clear,wkd", "--locate-keys", address)
    assert world.fingerprints[address] in done.stdout.decode()
    status = world.gpg(reader, "--status-fd", "1", "--auto-key-locate", "clear,nodefault,wkd", "--locate-external-keys",
                       address).stdout.decode()
    assert f"IMPORT_OK 0 {world.fingerprints[address]}" in status or world.fingerprints[address] in status


def test_gpg_finds_no_key_of_who_has_none(world, reader):
    done = world.gpg(reader, "--auto-key-locate", "clear,nodefault,wkd", "--locate-keys", f"nobody@{ZONE}", check=False)
    assert done.returncode != 0


@pytest.mark.parametrize("address", [ALICE, DORA])
def test_sq_finds_the_key_of_an_address(world, address):
    if shutil.which("sq") is None:
        pytest.skip("no sq")
    armored = world.space.run("sq", "wkd", "get", address, environment={"HOME": str(world.folder)}).stdout
    shown = subprocess.run(["sq", "inspect"], input=armored, capture_output=True, check=True).stdout.decode()
    assert world.fingerprints[address] in shown.replace(" ", "")


def urls(address):
    """As sq makes them."""
    if shutil.which("sq") is None:
        pytest.skip("no sq")
    return [subprocess.run(["sq", "wkd", how, address], capture_output=True, text=True, check=True).stdout.strip()
            for how in ("url", "direct-url")]


def test_curl_finds_it_where_the_draft_says(world):
    advanced, direct = urls(ALICE)
    for url in (advanced, direct.replace(ZONE, DIRECT).replace(urls(ALICE)[1].split("/hu/")[1], urls(DORA)[1].split("/hu/")[1])):
        got = world.space.run("curl", "-sS", "-i", url).stdout
        head, _, body = got.partition(b"\r\n\r\n")
        fields = head.decode().lower().split("\r\n")
        assert fields[0].startswith("http/1.1 200")
        assert "content-type: application/octet-stream" in fields and "access-control-allow-origin: *" in fields
        assert body[0] & 0x80 and not body.startswith(b"-----")  # binary (3.1)
        head_only = world.space.run("curl", "-sS", "-I", url).stdout.decode().lower()
        assert head_only.startswith("http/1.1 200") and f"content-length: {len(body)}" in head_only


def test_the_policy_is_there_and_what_is_not_is_404(world):
    def status(url):
        return world.space.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url).stdout.decode()

    assert status(f"https://openpgpkey.{ZONE}/.well-known/openpgpkey/{ZONE}/policy") == "200"
    assert status(f"https://{DIRECT}/.well-known/openpgpkey/policy") == "200"
    for path in (f"{ZONE}/hu/{'y' * 32}?l=nobody", f"{ZONE}/hu/", f"{ZONE}/submission-address", "example.net/policy",
                 f"example.net/hu/{'y' * 32}?l=alice"):
        assert status(f"https://openpgpkey.{ZONE}/.well-known/openpgpkey/{path}") == "404", path
    # A name that belongs to another's hash.
    url = urls(ALICE)[0]
    assert status(url.replace("l=alice", "l=dora")) == "404"
    # In clear it is not served, but led to TLS.
    assert status(url.replace("https", "http")) == "302"


# ---- settings ----

PYTHON = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=30) as answer:
    sys.stdout.write(answer.headers["Content-Type"] + chr(10) + answer.read().decode())
"""


def test_python_finds_the_settings_with_nothing_but_the_domain(world):
    for url in (f"https://autoconfig.{ZONE}/mail/config-v1.1.xml?emailaddress=alice%40{ZONE}",
                f"http://autoconfig.{ZONE}/mail/config-v1.1.xml", f"https://{DIRECT}/.well-known/autoconfig/mail/config-v1.1.xml"):
        got = world.space.run("/usr/bin/python3", "-c", PYTHON, url).stdout.decode()
        kind, _, document = got.partition("\n")
        assert kind.startswith("text/xml")
        servers = [(s.findtext("hostname"), int(s.findtext("port"))) for s in ElementTree.fromstring(document.encode())
                   .find("emailProvider") if s.tag in ("incomingServer", "outgoingServer")]
        assert servers[0] == (HOST, 993) and (HOST, 465) in servers
    # From the address that browsers begin with to the page.
    page = world.space.run("/usr/bin/python3", "-c", PYTHON, f"http://autoconfig.{ZONE}/").stdout.decode()
    assert page.startswith("text/html") and "993" in page


def test_the_servers_are_in_dns_as_clients_ask(world):
    """drill asks as himalaya and aerc do: SRV of the service, then the address of its target."""
    if shutil.which("drill") is None:
        pytest.skip("no drill")
    for service, port in (("_imaps", 993), ("_submissions", 465), ("_submission", 587), ("_imap", 143)):
        rows = world.space.run("drill", f"{service}._tcp.{ZONE}", "SRV").stdout.decode().splitlines()
        (answer,) = [row.split() for row in rows if row.startswith(f"{service}._tcp.{ZONE}.\t")]
        assert answer[3:] == ["SRV", answer[4], "1", str(port), f"{HOST}."]


def set_up(world, address, *words, check=True):
    """letterlock setup as a new person; password and passphrase come through descriptors."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="ll-setup-"))
    fds = [pipe_with(PASSWORDS[address]), pipe_with("a passphrase of some length")]
    try:
        return world.space.run(build_folder() / "letterlock", "setup", address, "--json", "--password-fd", fds[0],
                               "--passphrase-fd", fds[1], *words, check=check, pass_fds=fds, start_new_session=True,
                               environment={"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "XDG_CONFIG_HOME": str(home / "c"),
                                            "XDG_DATA_HOME": str(home / "d")})
    finally:
        for fd in fds:
            os.close(fd)
        accounts = list(home.glob("**/account.json"))
        world.account = json.loads(accounts[0].read_text()) if accounts else None
        shutil.rmtree(home, ignore_errors=True)


def servers(world):
    """Host and port of IMAP, SMTP and HTTPS, as they were set up."""
    return {name: (world.account[name]["host"], world.account[name]["port"]) for name in ("imap", "smtp", "https")}


@pytest.mark.parametrize("address", [ALICE, DORA])
def test_letterlock_finds_what_the_domain_publishes(world, address):
    """Alice's at autoconfig, Dora's in the domain itself; it is another's server, but the certificate vouches for that."""
    set_up(world, address, "--no-publish")
    assert servers(world) == {"imap": (HOST, 993), "smtp": (HOST, 465), "https": (HOST, 443)}


def test_letterlock_shows_servers_outside_of_the_domain(world, tmp_path):
    """A name that somebody else has taken over has a certificate as well: who sits at a terminal decides."""
    person = types.SimpleNamespace(program=shutil.which("nsenter"), env={
        "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "dumb",
        **{name: str(tmp_path) for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}})
    for address, asked in ((DORA, True), (ALICE, False)):
        words = [*world.space.launcher[1:], str(build_folder() / "letterlock"), "setup", address, "--no-publish"]
        status, said = answer_at_terminal(person, words, [("Send them your password?", "n") if asked else ("Password of", "wrong")])
        assert status == (2 if asked else 1), said
        assert (f"publishes that the servers of {address} are {HOST} (IMAP) and {HOST} (SMTP)" in said) == asked


def test_letterlock_finds_its_servers_in_dns(world):
    """Of several the first by priority and the heaviest; "." is none."""
    set_up(world, ERIK, "--no-publish")
    assert servers(world) == {"imap": ("mail.inside.example", 143), "smtp": ("mail.inside.example", 465),
                              "https": ("mail.inside.example", 443)}


def test_letterlock_does_not_follow_dns_out_of_the_domain_unasked(world):
    """Who forges DNS would have the password. With a pin, or told by --server, it is another matter."""
    refused = set_up(world, FAY, "--no-publish", check=False)
    assert refused.returncode == 2 and "DNS names servers outside of the domain" in refused.stderr.decode()
    assert world.account is None
    set_up(world, FAY, "--no-publish", "--pin", world.exchange.pin)
    assert servers(world)["imap"] == (HOST, 993)


def test_check_finds_everything_in_order(world):
    done = world.space.run(build_folder() / "letterlockd", "check", ZONE, "--json", "--config", world.exchange.config)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert {line["result"] for line in lines if line["check"] in ("certificate", "port", "name", "reverse")} == {"ok"}
    assert [line for line in lines if line["result"] in ("missing", "different", "unknown")] == []
    # The other domain has only what it needs for the direct method, and that is said.
    done = world.space.run(build_folder() / "letterlockd", "check", DIRECT, "--config", world.exchange.config, check=False)
    assert done.returncode == 1
    assert f"missing    record openpgpkey.{DIRECT} CNAME" in done.stdout.decode()
    assert f"missing    certificate autoconfig.{DIRECT}" in done.stdout.decode()


def test_nothing_is_left_when_it_ends(tmp_path):
    """What a test leaves running in a namespace ends with it."""
    with namespace(tmp_path) as space:
        left = subprocess.Popen([*space.launcher, "sleep", "1000"], start_new_session=True)
        assert subprocess.run([*space.launcher, "true"]).returncode == 0
    assert left.wait(10) != 0
