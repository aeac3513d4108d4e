# SPDX-License-Identifier: ISC
"""A name server of somebody else's (Debian's nsd) with zones of our own."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

NSD = "/usr/sbin/nsd"
START_SECONDS = 20
HEAD = "@ 60 IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n@ 60 IN NS ns.{zone}.\nns 60 IN A {address}\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def sign_zone(folder, zone):
    """Signs the zone's file where it lies (Debian's ldnsutils); its DS record as text."""
    for program in ("ldns-keygen", "ldns-signzone"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}")
    key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone], cwd=folder, check=True, capture_output=True,
                         text=True).stdout.strip()
    subprocess.run(["ldns-signzone", "-f", f"{zone}.zone", f"{zone}.zone", key], cwd=folder, check=True, capture_output=True)
    return (folder / f"{key}.ds").read_text()


@contextlib.contextmanager
def name_server(folder, zones, address="127.0.0.1", port=None, launcher=(), signed=None):
    """zones: {name: lines of a zone file}, each gets its SOA and NS. Gives its port. launcher: a command in front of nsd.

    signed: a dict with the names of zones to sign as keys, which gets their DS records.
    """
    if not pathlib.Path(NSD).exists():
        pytest.skip("no nsd")
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    config = [f'server:\n ip-address: {address}@{port}\n username: ""\n chroot: ""\n zonesdir: "{folder}"\n database: ""\n'
              f' pidfile: ""\n logfile: "{folder}/log"\n xfrdir: "{folder}"\n xfrdfile: ""\n zonelistfile: "{folder}/list"\n'
              " server-count: 1\nremote-control:\n control-enable: no\n"]
    for zone, lines in zones.items():
        (folder / f"{zone}.zone").write_text(f"$ORIGIN {zone}.\n" + HEAD.format(zone=zone, address=address) + lines)
        if signed is not None and zone in signed:
            signed[zone] = sign_zone(folder, zone)
        config.append(f"zone:\n name: {zone}\n zonefile: {zone}.zone\n")
    (folder / "nsd.conf").write_text("".join(config))
    process = subprocess.Popen([*launcher, NSD, "-d", "-c", folder / "nsd.conf"])
    (folder / "pid").write_text(str(process.pid))
    try_it = [*launcher, "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}"]
    try:
        end = time.monotonic() + START_SECONDS
        while subprocess.run(try_it, capture_output=True).returncode != 0:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, "nsd does not start"
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def read_anew(folder):
    """The name server with that folder reads its zones again."""
    os.kill(int((pathlib.Path(folder) / "pid").read_text()), signal.SIGHUP)


def check_zone(folder, zone, lines):
    """What nsd's own program says of such a zone: empty when it is in order."""
    program = shutil.which("nsd-checkzone", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("no nsd-checkzone")
    file = pathlib.Path(folder) / "checked.zone"
    file.write_text(f"$ORIGIN {zone}.\n" + HEAD.format(zone=zone, address="127.0.0.1") + lines)
    done = subprocess.run([program, zone, file], capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr
