# SPDX-License-Identifier: ISC
"""/metrics: what Prometheus's own checker says of it, that the numbers are those of what was done, and who can reach it."""
import contextlib
import http.client
import imaplib
import re
import shutil
import smtplib
import socket
import subprocess
import time

import pytest

from conftest import ROOT, Exchange
from processes import MESSAGES, Processes, eventually, frame, inject
from test_processes import send

PAGE = ROOT / "doc" / "metrics.md"
MPROTECT = 10


def scrape(exchange, path="/metrics", method="GET"):
    """(status, content type, text)"""
    connection = http.client.HTTPConnection("127.0.0.1", exchange.port("metrics"), timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Content-Type"), text


def numbers(exchange):
    """{"connections{protocol=\\"imap\\"}": 1.0, ...}, without the prefix."""
    status, _, text = scrape(exchange)
    assert status == 200
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name.startswith("letterlock_") and name not in found
            found[name.removeprefix("letterlock_")] = float(value)
    return found


@pytest.fixture(scope="module")
def counted(exchange_with):
    return exchange_with({"port_metrics": "0", "fronts": "2", "connections_peer": "20"})


@pytest.fixture(scope="module")
def exchange_with(tmp_path_factory):
    made = []

    def make(settings):
        made.append(Exchange(tmp_path_factory.mktemp("metrics"), settings).start())
        return made[-1]

    yield make
    for exchange in made:
        exchange.stop()


def imap(exchange, address=None):
    address = address or exchange.ALICE
    session = imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=30)
    session.login(address, exchange.password(address))
    return session


def test_prometheus_own_checker_has_nothing_to_say(counted):
    if shutil.which("promtool") is None:
        pytest.skip("no promtool (Debian: prometheus)")
    send(counted, "one")
    done = subprocess.run(["promtool", "check", "metrics"], input=scrape(counted)[2], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stdout + done.stderr == "", done.stdout + done.stderr


def test_what_is_answered(counted):
    status, kind, text = scrape(counted)
    assert status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8" and text.endswith("\n")
    assert scrape(counted, "/")[0] == 404 and scrape(counted, "/metrics/x")[0] == 404 and scrape(counted, "/pks/lookup")[0] == 404
    assert scrape(counted, "/metrics?x=1")[0] == 200 and scrape(counted, method="HEAD")[::2] == (200, "")
    assert scrape(counted, method="POST")[0] == 405 and scrape(counted, method="DELETE")[0] in (405, 501)


def test_many_scrapes_over_one_connection(counted):
    connection = http.client.HTTPConnection("127.0.0.1", counted.port("metrics"), timeout=10)
    for _ in range(50):
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200 and len(answer.read()) > 1000
    connection.close()


def test_every_number_is_in_the_page_and_every_one_of_the_page_is_there(counted):
    text = scrape(counted)[2]
    told = {name.removeprefix("letterlock_"): (kind, " ".join(what.split())) for name, what, kind in
            re.findall(r"^# HELP (\w+) (.*)\n# TYPE \w+ (\w+)$", text, re.M)}
    listed = {name: (kind, what) for name, kind, what in
              re.findall(r"^\| `(\w+)` \| (\w+) \| [^|]* \| (.*) \|$", PAGE.read_text(), re.M)}
    assert told == listed
    labels = {name: {label for _, label in re.findall(rf"^letterlock_{name}{{(.*,)?(\w+)=", text, re.M)} for name in told}
    for name, line in re.findall(r"^\| `(\w+)` \| \w+ \| ([^|]*) \|", PAGE.read_text(), re.M):
        assert labels[name] <= set(re.findall(r"`(\w+)`", line)), name


def test_connections_and_handshakes(counted):
    before = numbers(counted)
    with counted.connect("imaps", tls=True) as s, counted.connect("smtp") as t:
        assert s.recv(100) and t.recv(100)
        now = numbers(counted)
        for protocol in "imap", "smtp":
            label = f'{{protocol="{protocol}"}}'
            assert now["connections" + label] == before["connections" + label] + 1
            assert now["connections_total" + label] == before["connections_total" + label] + 1
        assert now['tls_handshakes_total{version="1.3"}'] == before['tls_handshakes_total{version="1.3"}'] + 1
    eventually(lambda: numbers(counted)['connections{protocol="imap"}'] == before['connections{protocol="imap"}'], 10)
    with counted.connect("imaps") as s:
        s.sendall(b"a NOOP\r\n")  # no TLS
        with contextlib.suppress(ConnectionResetError):
            s.recv(100)
    name = 'tls_handshakes_failed_total{protocol="imap"}'
    eventually(lambda: numbers(counted)[name] == before[name] + 1, 5)
    refused = 'connections_refused_total{protocol="imap",reason="peer"}'
    held = [counted.connect("imap") for _ in range(25)]
    eventually(lambda: [s.recv(100) for s in held])
    for s in held:
        s.close()
    eventually(lambda: scrape(counted)[0] == 200, 10)  # until they are known to be gone, who asks is one too many himself
    eventually(lambda: numbers(counted)[refused] >= before[refused] + 5, 10)


def test_mail_sign_ins_and_the_store(counted):
    before = numbers(counted)
    send(counted, "a message")
    with smtplib.SMTP("localhost", counted.port("smtp"), timeout=30) as server:
        server.ehlo("client.example.net")
        server.mail("carol@example.net")
        assert server.rcpt("nobody@example.org")[0] == 550
    session = imap(counted)
    session.select("INBOX")
    during = numbers(counted)
    session.logout()
    with pytest.raises(imaplib.IMAP4.error):
        imaplib.IMAP4_SSL("localhost", counted.port("imaps"), ssl_context=counted.tls()).login(counted.ALICE, "wrong")
    now = numbers(counted)

    def grew(name, by=1):
        assert now[name] == before[name] + by, (name, before[name], now[name])

    grew('messages_received_total{protocol="smtp"}')
    grew("deliveries_total")
    grew('messages_refused_total{reason="recipient"}')
    grew('signins_total{mechanism="password",result="ok"}')
    grew('signins_total{mechanism="password",result="wrong"}')
    assert now['messages_received_bytes_total{protocol="smtp"}'] > before['messages_received_bytes_total{protocol="smtp"}']
    assert during['sessions{protocol="imap"}'] == before['sessions{protocol="imap"}'] + 1
    assert now['commands_total{protocol="imap"}'] > before['commands_total{protocol="imap"}']
    assert now["commit_batches_total"] > before["commit_batches_total"]
    for histogram in "commit", "sync":
        name = f"{histogram}_duration_seconds"
        assert now[f"{name}_count"] > before[f"{name}_count"] and now[f"{name}_sum"] > before[f"{name}_sum"]
        buckets = [value for n, value in now.items() if n.startswith(f"{name}_bucket")]
        assert buckets == sorted(buckets) and buckets[-1] == now[f"{name}_count"]
    eventually(lambda: numbers(counted)['sessions{protocol="imap"}'] == before['sessions{protocol="imap"}'], 10)
    eventually(lambda: numbers(counted)["signins_pending"] == 0, 5)


def test_every_port_counts_under_its_own_name(counted):
    """One kind more than the list of labels had once counted as SMTP refused."""
    before = numbers(counted)
    for port, label in ("smtp", "smtp"), ("pop3", "pop3"), ("https", "directory"), ("http", "http"):
        with socket.create_connection(("127.0.0.1", counted.port(port)), timeout=10):
            name = f'connections_total{{protocol="{label}"}}'
            eventually(lambda name=name: numbers(counted)[name] == before[name] + 1, 10)
    now = numbers(counted)
    for name in (n for n in now if n.startswith("connections_refused_total")):
        assert now[name] == before[name], name


def test_http_requests_by_their_status(counted):
    before = numbers(counted)
    for path in "/", "/nowhere":
        connection = http.client.HTTPConnection("127.0.0.1", counted.port("hkp"), timeout=10)
        connection.request("GET", path)
        connection.getresponse().read()
        connection.close()
    now = numbers(counted)
    for status in "2xx", "4xx":
        assert now[f'http_requests_total{{status="{status}"}}'] == before[f'http_requests_total{{status="{status}"}}'] + 1


def test_what_the_parent_sees(counted):
    eventually(lambda: numbers(counted)['process_resident_memory_bytes{process="front2"}'] > 1 << 20, 15)
    now = numbers(counted)
    assert 0 <= time.time() - now["start_timestamp_seconds"] < 600
    assert now["tls_certificate_expiry_timestamp_seconds"] > time.time() + 300 * 86400
    assert now["database_size_bytes"] >= (counted.data / "store.db").stat().st_size > 0
    disk = shutil.disk_usage(counted.data)
    assert now["disk_size_bytes"] == disk.total and 0 < now["disk_free_bytes"] <= disk.total
    assert now["config_reload_successful"] == 1
    of = Processes(counted)
    assert now['process_pid{process="mail"}'] == of.one("mail") and now['process_pid{process="parent"}'] == of.parent


def test_nobody_is_named(counted):
    send(counted, "named", to=counted.BOB)
    imap(counted, counted.BOB).logout()
    text = scrape(counted)[2]
    for word in "@", "alice", "bob", "127.0.0.1", "example", "carol":
        assert word not in text
    assert len(text) < 32 << 10


def test_counters_never_go_backwards(exchange_with):
    """A process that is killed takes its gauges along, and leaves its counters."""
    exchange = exchange_with({"port_metrics": "0", "fronts": "1"})
    of = Processes(exchange)
    of.fronts = 1
    send(exchange, "one")
    with exchange.connect("imap") as s:
        assert s.recv(100)
        before = numbers(exchange)
        assert before['connections{protocol="imap"}'] == 1
        for kind in "front", "mx", "mail", "auth":
            of.kill(of.one(kind))
            eventually(of.complete)
    now = numbers(exchange)
    for name, value in before.items():
        if re.search(r"_(total|bucket|count|sum)\b", name):
            assert now[name] >= value, name
    assert now['connections{protocol="imap"}'] == 0
    for kind, starts in (("front1", 2), ("mx", 2), ("mail", 2), ("auth", 2), ("web", 1), ("parent", 1)):
        assert now[f'process_starts_total{{process="{kind}"}}'] == starts, kind


def test_it_is_off_by_default_and_for_this_machine_only(fresh_exchange):
    exchange = fresh_exchange(accounts=())
    assert "metrics" not in exchange.ports
    exchange.stop()
    exchange = fresh_exchange({"port_metrics": "0", "listen": '{ "127.0.0.1", "127.0.0.2" }'}, accounts=())
    with socket.create_connection(("127.0.0.2", exchange.port("imap"))) as s:
        assert s.recv(10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", exchange.port("metrics")))
    assert scrape(exchange)[0] == 200


def test_in_one_process_too(fresh_exchange):
    exchange = fresh_exchange({"port_metrics": "0", "processes": '"one"'})
    send(exchange, "one")
    now = numbers(exchange)
    assert now['messages_received_total{protocol="smtp"}'] == 1 and now['connections_total{protocol="smtp"}'] == 1
    assert now["commit_duration_seconds_count"] > 0 and now['process_pid{process="mail"}'] == exchange.process.pid


def test_a_process_that_was_taken_over_reaches_no_other_page(counted):
    """The pages that web sees cannot be made writable, and no other process has more than its own."""
    of = Processes(counted)

    def pages(pid):
        return [line.split() for line in open(f"/proc/{pid}/maps") if "letterlock-metrics" in line]

    assert len(pages(of.one("front"))) == len(pages(of.one("mx"))) == len(pages(of.one("auth"))) == 1
    children = len([kind for kind, _ in of.table() if kind != "starter"])
    for kind in "web", "mail":
        seen = pages(of.one(kind))
        assert sorted(line[1] for line in seen) == ["r--s"] * (children + 1) + ["rw-s"]
        begin, end = (int(x, 16) for x in next(line for line in seen if line[1] == "r--s")[0].split("-"))
        assert int(inject(of.one(kind), MPROTECT, begin, end - begin, 3)) < 0
        begin, end = (int(x, 16) for x in next(line for line in seen if line[1] == "rw-s")[0].split("-"))
        assert int(inject(of.one(kind), MPROTECT, begin, end - begin, 3)) == 0  # the control
    assert of.complete()


def test_nonsense_in_a_page_ends_nobody(exchange_with):
    exchange = exchange_with({"port_metrics": "0", "fronts": "1"})
    of = Processes(exchange)
    of.fronts = 1
    pid = of.one("mx")
    begin, end = (int(x, 16) for x in next(line for line in open(f"/proc/{pid}/maps") if "letterlock-metrics" in line)
                  .split()[0].split("-"))
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(begin)
        memory.write(b"\xff" * (end - begin))
    status, _, text = scrape(exchange)
    assert status == 200 and len(text) < 64 << 10
    assert 'letterlock_process_pid{process="parent"} %d\n' % of.parent in text, "only the parent says what processes there are"
    if shutil.which("promtool"):
        assert subprocess.run(["promtool", "check", "metrics"], input=text, text=True, timeout=60).returncode == 0
    assert exchange.run("status", check=False).returncode in (0, 1)
    assert of.complete()


def test_a_hanging_process_is_asked(exchange_with):
    """That it is ended after a minute is too long for a test; that it is asked, and that its answer is awaited, is not."""
    exchange = exchange_with({"port_metrics": "0", "fronts": "1"})
    of = Processes(exchange)
    time.sleep(6)
    front = of.one("front")
    with of.standing_still(front):
        time.sleep(6)
    assert of.one("front") == front
    # An answer to what was not asked is a lie.
    before = exchange.log().count("parent.child_lies")
    with of.standing_still(front), of.link(front, of.parent) as wire:
        for _ in range(2):
            wire.send(frame(MESSAGES["PONG"], 0, b"\0"))
        eventually(lambda: exchange.log().count("parent.child_lies") > before)
    eventually(lambda: of.one("front") != front if of.all("front") else False)
