# SPDX-License-Identifier: ISC
"""Rewritten senders beside Mail::SRS: mail that passes both ways through both comes back to its sender."""
import shutil
import subprocess
import time

import pytest

from conftest import HERE, build_folder
from spf_peer import SpfTool

KEY, DOMAIN, THEIRS = "0123456789abcdef", "ours.example", "theirs.example"
SENDERS = ["a@b.example", "some.one+tag@example.net", "x=y=z@sub.example.net", "o'brien@example.org"]


@pytest.fixture(scope="module")
def tool():
    made = SpfTool(build_folder() / "tests" / "interop" / "spf_tool")
    yield made
    made.close()


@pytest.fixture(scope="module")
def peer():
    if shutil.which("perl") is None or subprocess.run(["perl", "-MMail::SRS", "-e1"], capture_output=True).returncode != 0:
        pytest.skip("Debian package libmail-srs-perl is not installed")
    with subprocess.Popen(["perl", HERE / "srs_peer.pl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as perl:
        def call(*words):
            perl.stdin.write(" ".join(words) + "\n")
            perl.stdin.flush()
            answer = perl.stdout.readline().split()
            return answer[1] if answer[0] == "=" else None

        yield call
        perl.stdin.close()


def ours(tool, verb, address):
    """None: refused."""
    address = address if verb == "forward" else address.rsplit("@", 1)[0]
    return tool.rewrite(verb, KEY, DOMAIN, int(time.time()), address)[0]


@pytest.mark.parametrize("sender", SENDERS)
def test_theirs_then_ours(tool, peer, sender):
    first = peer("forward", sender, THEIRS)
    second = ours(tool, "forward", first)
    assert second.startswith("SRS1=") and second.endswith("@" + DOMAIN)
    assert ours(tool, "reverse", second) == first
    assert peer("reverse", first) == sender


@pytest.mark.parametrize("sender", SENDERS)
def test_ours_then_theirs(tool, peer, sender):
    first = ours(tool, "forward", sender)
    second = peer("forward", first, THEIRS)
    assert second.startswith("SRS1=") and second.endswith("@" + THEIRS)
    assert peer("reverse", second) == first
    assert ours(tool, "reverse", first) == sender


@pytest.mark.parametrize("sender", SENDERS[:2])
def test_three_times(tool, peer, sender):
    """Ours, theirs, ours: the last is an SRS1 whose bounce goes straight to the first."""
    first = ours(tool, "forward", sender)
    third = peer("forward", first, THEIRS)
    assert ours(tool, "reverse", ours(tool, "forward", third)) == first


def test_neither_believes_the_other(tool, peer):
    assert peer("reverse", ours(tool, "forward", SENDERS[0]).replace(DOMAIN, THEIRS)) is None
    assert ours(tool, "reverse", peer("forward", SENDERS[0], DOMAIN)) is None
