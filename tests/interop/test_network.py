# SPDX-License-Identifier: ISC
"""The web of trust beside Sequoia's: every root and user ID of the 27 keyrings that come with sq-wot.

Needs Debian's sq-wot, faketime, and the keyrings out of librust-sequoia-wot-dev, which script/bootstrap test unpacks
into build/peers; without them it is skipped. Their certifications ended in 2026, and some rings are about what
happens in between, so both programs are asked at several times.
"""
import calendar
import os
import pathlib
import re
import subprocess
import time

import pytest

from conftest import ROOT, build_folder, run

RINGS = sorted((ROOT / "build" / "peers").glob("usr/share/cargo/registry/sequoia-wot-*/tests/data/*.pgp"))
SQ_WOT = pathlib.Path("/usr/bin/sq-wot")
FAKETIME = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
TIMES = ["2020-02-15 00:00:00", "2020-08-15 00:00:00", "2022-06-01 00:00:00"]
LINE = re.compile(r"^\[.\] ([0-9A-F]{40}) (.*): (?:fully|partially|marginally) authenticated \((\d+)%\)$")


def theirs(ring, root, when):
    env = dict(os.environ, LD_PRELOAD=str(FAKETIME[0]), FAKETIME=when, FAKETIME_DONT_FAKE_MONOTONIC="1", TZ="UTC")
    done = subprocess.run([SQ_WOT, "-k", ring, "-r", root, "list"], capture_output=True, env=env, timeout=60, text=True)
    found = (LINE.match(line) for line in done.stdout.splitlines())
    return {(m[1], m[2]): min(int(m[3]), 100) for m in found if m}


def ours(ring, when):
    tool = build_folder() / "tests" / "interop" / "network_tool"
    if not tool.exists():
        pytest.skip("network_tool is not built")
    seconds = calendar.timegm(time.strptime(when, "%Y-%m-%d %H:%M:%S"))
    answers = {}
    # Of the large rings a few roots stand for all: their listing takes seconds each.
    step = 60 if ring.stem.startswith(("cliques", "infinity")) else 1
    for line in run([tool, ring, seconds, step]).decode().splitlines():
        root, target, amount, user = line.split(" ", 3)
        answers.setdefault(root, {})
        if int(amount) > 0:
            answers[root][target, user] = int(amount) * 100 // 120
    return answers


@pytest.mark.skipif(not RINGS or not SQ_WOT.exists() or not FAKETIME, reason="no sq-wot with its keyrings, or no faketime")
@pytest.mark.parametrize("ring", RINGS, ids=lambda r: getattr(r, "stem", "none"))
@pytest.mark.parametrize("when", TIMES)
def test_every_root(ring, when):
    answers = ours(ring, when)
    for root in sorted(answers):
        assert theirs(ring, root, when) == answers[root], root
