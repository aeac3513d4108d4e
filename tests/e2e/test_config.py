# SPDX-License-Identifier: ISC
"""The configuration: every setting is documented with its default, and what is wrong in a file is said at once, with its line."""
import os
import pathlib
import re
import signal
import subprocess

import pytest

from conftest import ROOT, build_folder
from processes import eventually
from test_manual import described, settings

EXAMPLE = ROOT / "contrib" / "letterlockd.conf"


def letterlockd(*words):
    return subprocess.run([build_folder() / "letterlockd", *map(str, words)], capture_output=True, text=True, timeout=30,
                          check=False)


@pytest.fixture
def conf(tmp_path):
    """Writes a file of these lines and says what `check` says of it: (status, what is on standard error)."""
    path = tmp_path / "x.conf"

    def check(*lines, verb="check", options=()):
        path.write_text("\n".join([f'data = "{tmp_path}/data"', *lines]) + "\n")
        done = letterlockd(verb, "--config", path, *options)
        return done.returncode, done.stderr.replace(str(path), "FILE"), done.stdout

    check.path = path
    return check


# ---- the three places where settings stand ----

def example():
    """{name: default} of the commented lines."""
    return dict(re.findall(r"^#(\w+) = (.*)$", EXAMPLE.read_text(), re.M))


def test_the_example_has_every_setting_with_its_default():
    done = letterlockd("config", "--config", "/dev/null")
    assert done.returncode == 0
    assert example() == dict(re.findall(r"^(\w+) = (.*)  # default$", done.stdout, re.M))


def test_the_example_can_be_used_as_it_is_and_with_every_line_in_force(tmp_path):
    for text in EXAMPLE.read_text(), re.sub(r"^#(\w+ = )", r"\1", EXAMPLE.read_text(), flags=re.M):
        path = tmp_path / "letterlockd.conf"
        path.write_text(text)
        done = letterlockd("config", "--config", path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("# default") == (0 if "\nhostname" in text else len(example()))


def test_the_page_says_what_counts_at_once():
    """The manual's list of settings that change while running is the table's."""
    source = (ROOT / "src/daemon/config_table.c").read_text()
    now = set(re.findall(r'^\t[A-Z]+\(NOW, "(\w+)"', source, re.M))
    page = (ROOT / "doc/letterlockd.conf.5.scd").read_text()
    listed = re.search(r"These count at once:((?:.|\n)*?)\. The others", page).group(1)
    assert set(re.findall(r"\*(\w+)\*", listed)) == now
    assert now < set(settings())


def test_what_is_in_force_is_said_with_where_it_comes_from(conf):
    status, _, said = conf('hostname = "mail.example.org"', "# a comment", "fronts = 2", verb="config",
                           options=("--port", "imap=1143", "--port", "smtp=off"))
    assert status == 0
    assert 'hostname = "mail.example.org"  # line 2\n' in said and "fronts = 2  # line 4\n" in said
    assert "port_imap = 1143  # from the command line\n" in said and "port_smtp = -1  # from the command line\n" in said
    assert 'log_level = "info"  # default\n' in said


def test_what_config_says_is_a_configuration(conf):
    status, _, said = conf('domains = { "a.example", "b.example" }', "directory_open = true", 'log_file = "/x \\"y\\" z"',
                           verb="config")
    assert status == 0
    conf.path.write_text(said)
    again = letterlockd("config", "--config", conf.path).stdout
    assert re.sub("  #.*", "", again) == re.sub("  #.*", "", said) and "/x" in again


# ---- what is refused ----

WRONG = [
    ('port_metrics = 9110\n\nmetrics_listen = { }', "line 4: 'port_metrics' is set and 'metrics_listen' is empty"),
    ('lmtp_listen = { }\n\nport_lmtp = 2424', "line 4: 'port_lmtp' is set and 'lmtp_listen' is empty"),
    ('metrics_listen = { "*" }', "line 2: 'metrics_listen' has what is not a numeric address: *"),
    ('port_smpt = 25', "line 2: there is no setting 'port_smpt'; 'port_smtp' is probably meant"),
    ('domain = { "x.example" }', "line 2: there is no setting 'domain'; 'domains' is probably meant"),
    ('zebra = 1', "line 2: there is no setting 'zebra'; letterlockd.conf(5) has all"),
    ('port_smtp = 65536', "line 2: 'port_smtp' is from -1 to 65535, not 65536"),
    ('port_smtp = "x"', "line 2: "),
    ('directory_open = perhaps', "line 2: "),
    ('connections = 0', "line 2: 'connections' is from 1 to 1000000, not 0"),
    ('message_size_max = 99999999999', "line 2: 'message_size_max' is from 65536 to 4294967296"),
    ('hostname = "a b"', "line 2: 'hostname' is not a host name: a b"),
    ('hostname = ""', "line 2: 'hostname' is not a host name"),
    ('hostname = "mail.-x.example"', "line 2: 'hostname' is not a host name: mail.-x.example"),
    ('domains = { "x-.example" }', "line 2: 'domains' has what is not a domain: x-.example"),
    ('domains = { "x.example", "-_-" }', "line 2: 'domains' has what is not a domain: -_-"),
    ('domains = { "x.example", "X.example" }', "line 2: 'domains' has X.example twice"),
    ('listen = { "localhost" }', "line 2: 'listen' has what is not a numeric address: localhost"),
    ('listen = { "::1", "::1" }', "line 2: 'listen' has ::1 twice"),
    ('# one\n# two\nport_imap = 2143\n# three\nport_imaps = 2143', "line 6: 'port_imap' and 'port_imaps' are both 2143"),
    ('port_imap = 25', "line 2: 'port_smtp' and 'port_imap' are both 25 on one address"),
    ('tls_key = "/x"', "line 2: 'tls_certificate' and 'tls_key' go together"),
    ('\ntls_certificate = "/x"', "line 3: 'tls_certificate' and 'tls_key' go together"),
    ('resolvers = { "ns.example" }', "line 2: 'resolvers' takes numeric addresses"),
    ('resolvers = { %s }' % ", ".join('"192.0.2.%d"' % i for i in range(9)), "line 2: 'resolvers' takes at most 8 values"),
    ('domains = { %s }' % ", ".join('"d%d.example"' % i for i in range(65)), "line 2: 'domains' takes at most 64 values"),
    ('log_level = "loud"', "line 2: 'log_level' is one of "),
    ('processes = "two"', "line 2: 'processes' is one of \"split\", \"one\", not \"two\""),
    ('user = "no-such-user-here"', "line 2: 'user': there is no user no-such-user-here"),
    ('fronts = 1\nfronts = 2', "line 3: 'fronts' is set once more; line 2 has it already"),
    ('nonsense', "line "),
    ('hostname = "unfinished', "line "),
]


@pytest.mark.parametrize("lines,said", WRONG, ids=[w[0].splitlines()[-1][:30] for w in WRONG])
@pytest.mark.parametrize("verb", ["check", "run"])
def test_it_is_refused_with_its_line(conf, verb, lines, said):
    status, error, _ = conf(*lines.split("\n"), verb=verb)
    assert status == 2
    assert f"letterlockd: FILE {said}" in error, error
    assert error.count("\n") == 1, error


def test_all_problems_are_said_in_the_order_of_their_lines(conf):
    status, error, _ = conf('tls_key = "/x"', "fronts = 65", 'port_hpk = 1', 'log_level = "x"', "threads = x", "port_imap = 25")
    assert status == 2
    assert [int(n) for n in re.findall(r"FILE line (\d+):", error)] == [2, 3, 4, 5, 6, 7]


def test_addresses_of_two_families_do_not_meet(conf):
    """One port twice is wrong only where both would listen on one address."""
    meet = 'listen = { "127.0.0.1", "::1" }', "port_metrics = 2143", "port_imap = 2143"
    assert conf(*meet, 'metrics_listen = { "127.0.0.1" }', verb="config")[0] == 2
    assert conf(*meet, 'metrics_listen = { "0.0.0.0" }', verb="config")[0] == 2
    assert conf(*meet, 'metrics_listen = { "127.0.0.2" }', verb="config")[0] == 0
    assert conf(*meet, 'metrics_listen = { "::2" }', verb="config")[0] == 0
    assert conf(*meet, "metrics_listen = { }", verb="config")[0] == 2


def test_ports_of_the_command_line_can_be_wrong_too(conf):
    status, error, _ = conf('domains = { "x.example" }', options=("--port", "imap=25"))
    assert status == 2 and "'port_smtp' and 'port_imap' are both 25" in error


def test_without_domains_no_mail_is_ours(conf):
    status, error, _ = conf("fronts = 1")
    assert status == 2 and "'domains' is empty" in error, error


def test_no_file_no_text_no_end(conf, tmp_path):
    assert letterlockd("check", "--config", tmp_path / "none").returncode == 1
    (tmp_path / "binary").write_bytes(b"fronts = 1\n\0\n")
    done = letterlockd("check", "--config", tmp_path / "binary")
    assert done.returncode == 2 and "is no text" in done.stderr
    (tmp_path / "long").write_bytes(b"#" * (2 << 20))
    done = letterlockd("check", "--config", tmp_path / "long")
    assert done.returncode == 3 and done.stderr
    assert letterlockd("check", "--config", tmp_path).returncode == 3


def test_what_others_wrote_cannot_crash_it(conf):
    for lines in ['domains = { "a', "} = {", "{", "}", "domains = {", "= 1", '"x" = 1', "a=b=c=d", "domains = { } }", "\\",
                  "hostname = hostname", "hostname = 'x'", "domains += { \"x.example\" }", "x {\n y = 1\n}", "\xff\xfe = 1"]:
        assert conf(*lines.split("\n"))[0] in (0, 1, 2), lines


def test_a_refused_file_changes_nothing_and_every_problem_is_logged(fresh_exchange, tmp_path):
    exchange = fresh_exchange({"log_file": f'"{tmp_path}/own.log"'})
    log = tmp_path / "own.log"
    right = exchange.config.read_text()
    exchange.config.write_text(right + 'porst = 1\ndirectory_open = maybe\n')
    exchange.process.send_signal(signal.SIGHUP)
    eventually(lambda: "daemon.not_reloaded" in log.read_text(), 10)
    lines = log.read_text().splitlines()
    wrong = [line for line in lines if " daemon.wrong_setting " in line]
    count = len(right.splitlines())
    assert [f"line {count + 1}" in wrong[0], f"line {count + 2}" in wrong[1], len(wrong)] == [True, True, 2]
    assert "there is no setting" in [line for line in lines if "daemon.not_reloaded" in line][0]
    with exchange.connect("imap") as s:
        assert s.recv(100).startswith(b"* OK")
    exchange.config.write_text(right)
    exchange.process.send_signal(signal.SIGHUP)
    eventually(lambda: "daemon.reloaded" in log.read_text(), 10)
    assert os.path.exists(exchange.data / "control.sock")


# What a reload does not take, as another value than that of the test's server.
OTHERS = {"directory_search": '{ "example.org" }', "hostname": '"other.example"', "data": '"/nonexistent"', "user": '"daemon"', "processes": '"one"',
          "resolvers": '{ "192.0.2.1" }', "listen": '{ "127.0.0.3" }', "lmtp_listen": '{ "127.0.0.3" }',
          "metrics_listen": '{ "127.0.0.3" }', "dmarc_reject": '"ignore"', "spf_fail": '"reject"', "mta_sts": '"testing"',
          "trusted_sealers": '{ "other.example" }', "trusted_forwarders": '{ "192.0.2.1" }',
          "milter": '"unix:/nonexistent"', "milter_failure": '"defer"',
          "smarthost": '"mail.example.net:587"', "relay_tls": '{ "example.net=verify" }', "relay_routes": '{ "example.net=[192.0.2.1]:25" }', "relay_source": '{ "192.0.2.1" }'}


def other(name, value):
    if name in OTHERS:
        return OTHERS[name]
    if value in ("true", "false"):
        return "false" if value == "true" else "true"
    return str(int(value) + 1 if int(value) < 60 else int(value) - 1) if re.fullmatch(r"-?\d+", value) else '"/nonexistent"'


def test_every_setting_that_waits_is_named_and_no_other(fresh_exchange, tmp_path):
    """All of them are changed at once: those that count from the next start on are named, and nothing of them is done."""
    exchange = fresh_exchange({"log_file": f'"{tmp_path}/own.log"', "fronts": "1"}, accounts=())
    source = (ROOT / "src/daemon/config_table.c").read_text()
    waits = set(re.findall(r'^\t[A-Z]+\(RESTART, "(\w+[a-z])"', source, re.M)) | {n for n in settings() if n.startswith("port_")}
    before = dict(re.findall(r"^(\w+) = (.*?)  #", exchange.run("config").stdout, re.M))
    assert waits < set(before) and "port_imap" in waits and "fronts" in waits
    fresh = {name: other(name, value) if name in waits else value for name, value in before.items()}
    for n, name in enumerate(sorted(n for n in waits if n.startswith("port_"))):
        fresh[name] = str(20000 + n)
    fresh["connections_peer"] = "77"
    fresh["oauth_issuer"] = fresh["oauth_audience"] = '"x"'  # without these no oauth_keys
    exchange.config.write_text("".join(f"{name} = {value}\n" for name, value in fresh.items()))
    exchange.process.send_signal(signal.SIGHUP)
    log = tmp_path / "own.log"
    eventually(lambda: re.search("daemon.(not_)?reloaded", log.read_text()), 10)
    assert "daemon.reloaded" in log.read_text(), log.read_text()[-2000:]
    assert set(re.findall(r"daemon\.needs_restart setting=(\w+)", log.read_text())) == waits
    with exchange.connect("imap") as s:
        assert s.recv(100).startswith(b"* OK")


def test_every_description_is_a_sentence():
    for name in settings():
        assert described(name).rstrip().endswith("."), name
    assert pathlib.Path(EXAMPLE).stat().st_size < 1 << 16
