# SPDX-License-Identifier: ISC
"""SPF beside others: the openspf.org suite of RFC 7208, and python3-spf and npm's mailauth on records of chance."""
import os
import pathlib

import pytest
import yaml

from conftest import build_folder
from spf_peer import TIMEOUT, SpfTool, Zones

DEFAULT = "DEFAULT"  # the suite's word for "no explanation of the domain's"


@pytest.fixture(scope="module")
def spf():
    tool = SpfTool(build_folder() / "tests" / "interop" / "spf_tool")
    yield tool
    tool.close()


def suite():
    folder = os.environ.get("LETTERLOCK_TESTDATA")
    path = pathlib.Path(folder or "/nowhere") / "vectors" / "spf" / "rfc7208-tests.yml"
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) if path.exists() else []


def suite_zones(data):
    """Rows of type SPF stand for TXT where a name has none, as the suite's head says."""
    names = {}
    for name, rows in data.items():
        rows = [TIMEOUT if row == TIMEOUT else next(iter(row.items())) for row in rows]
        has_text = any(row != TIMEOUT and row[0] == "TXT" for row in rows)
        rows += [("TXT", row[1]) for row in rows if row != TIMEOUT and row[0] == "SPF" and not has_text]
        names[str(name)] = [row for row in rows if row == TIMEOUT or (row[0] != "SPF" and row[1] != "NONE")]
    return names


def latin(value):
    """The suite writes octets as characters of Latin-1."""
    if isinstance(value, list):
        return [latin(piece) for piece in value]
    return value.encode("latin-1") if isinstance(value, str) and all(ord(c) < 256 for c in value) else value


CASES = [(scenario, name, case) for scenario in suite() for name, case in scenario["tests"].items()]


def test_there_is_a_suite():
    if not os.environ.get("LETTERLOCK_TESTDATA"):
        pytest.skip("LETTERLOCK_TESTDATA is not set")
    assert len(CASES) == 203


@pytest.mark.parametrize("scenario,name,case", CASES, ids=[name for _, name, _ in CASES])
def test_suite(spf, scenario, name, case):
    zones = suite_zones(scenario["zonedata"])
    zones = Zones({n: [(r if r == TIMEOUT else (r[0], latin(r[1]) if r[0] == "TXT" else r[1])) for r in rows]
                   for n, rows in zones.items()})
    got = spf.check(zones, case["host"], case["helo"], case["mailfrom"] or "")
    wanted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert got["result"] in wanted, (got, zones.asked)
    if "explanation" in case:
        explanation = "" if case["explanation"] == DEFAULT else case["explanation"]
        # Nibbles of IPv6 addresses are small here, as in RFC 7208 section 7.4; in the suite they are large.
        assert got["explanation"].lower() == explanation.lower(), got
