# SPDX-License-Identifier: ISC
"""The units of contrib/systemd: systemd itself reads them and says how exposed the service is."""
import pathlib
import shutil
import subprocess

import pytest

from conftest import ROOT, build_folder

UNITS = ROOT / "contrib" / "systemd"
PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "imap": 143, "imaps": 993, "hkp": 11371, "https": 443}
EXPOSURE_MAX = 28  # tenths: 2.8 of 10; the parent writes what its children may not read into a folder that is not its own


def analyze(*words, cwd):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    return subprocess.run(["systemd-analyze", *words], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path):
    for source in [*UNITS.glob("*.service"), *UNITS.glob("*.socket")]:
        text = source.read_text().replace("/usr/bin/letterlockd", str(build_folder() / "letterlockd"))
        (tmp_path / source.name).write_text(text)
    return tmp_path


def test_systemd_understands_them(units):
    done = analyze("verify", "--man=no", *(str(p) for p in sorted(units.iterdir())), cwd=units)
    # It also complains of this machine's own units.
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "letterlock" in line]
    assert ours == []


def test_the_service_is_little_exposed(units):
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "letterlockd.service", cwd=units)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze knows no --offline")
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_socket_for_every_port():
    for name, port in PORTS.items():
        lines = (UNITS / f"letterlockd-{name}.socket").read_text().splitlines()
        assert f"FileDescriptorName={name}" in lines
        assert [line for line in lines if line.startswith("ListenStream=")] == [
            f"ListenStream=0.0.0.0:{port}", f"ListenStream=[::]:{port}"]
    assert len(list(pathlib.Path(UNITS).glob("*.socket"))) == len(PORTS)
