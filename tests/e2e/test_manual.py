# SPDX-License-Identifier: ISC
"""The manual pages name every setting, verb and option that there is, and scdoc makes pages of them."""
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import build_folder

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOC = ROOT / "doc"
PAGES = ["letterlock.1", "letterlockd.8", "letterlockd.conf.5"]
CLIENT_VERBS = ["", "setup", "send", "inbox", "read", "save", "encrypt", "decrypt", "sign", "verify", "key", "agent", "sop",
                "audit"]


def page(name):
    return (DOC / f"{name}.scd").read_text()


def help_of(program, *words):
    done = subprocess.run([build_folder() / program, *words, "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def options_of(text):
    return set(re.findall(r"--[a-z][a-z0-9-]*", text))


def settings():
    """Name and default of every setting, as the program says them."""
    done = subprocess.run([build_folder() / "letterlockd", "config", "--config", "/dev/null"], capture_output=True, text=True,
                          timeout=30, check=True)
    found = dict(re.findall(r"^(\w+) = (.*)  # default$", done.stdout, re.M))
    return {name: {"{ }": "{}"}.get(value, value.strip('"')) for name, value in found.items()}


def described(setting):
    """What the page says about a setting: the lines that are indented below its name."""
    found = re.search(rf"^\*{setting}\*\n((?:\t.*\n)+)", page("letterlockd.conf.5"), re.M)
    assert found, f"letterlockd.conf(5) does not describe {setting}"
    return found.group(1)


def test_every_setting_is_described_with_its_default():
    found = settings()
    assert len(found) >= 23 and "hostname" in found and "connections" in found
    for name, default in found.items():
        begin = re.match(r'\tDefault: (empty|"[^"]*"|\{[^}]*\}|[\w-]+)', described(name))
        assert begin, f"{name} is described without its default"
        said = begin.group(1)
        want = {"", "{}"} if said == "empty" else {said.strip('"')}
        assert default in want, f"the default of {name} is {default!r}, the page says {said}"


def test_no_setting_is_described_that_does_not_exist():
    named = set(re.findall(r"^\*(\w+)\*$", page("letterlockd.conf.5"), re.M))
    assert named == set(settings())


@pytest.mark.parametrize("verb", CLIENT_VERBS, ids=lambda verb: verb or "all")
def test_every_option_of_the_client_is_named(verb):
    shown = options_of(help_of("letterlock", *verb.split()))
    missing = shown - options_of(page("letterlock.1"))
    assert not missing, f"letterlock(1) lacks {missing}"


def test_every_verb_of_the_client_is_named():
    text = page("letterlock.1")
    for verb in re.findall(r"^  ([a-z]+) ", help_of("letterlock"), re.M):
        assert f"*letterlock {verb}" in text, f"letterlock(1) lacks {verb}"
    for noun in ("key", "agent"):
        for verb in re.findall(rf"^  {noun} ([a-z-]+)", help_of("letterlock", noun), re.M):
            assert f"*letterlock {noun} {verb}*" in text, f"letterlock(1) lacks {noun} {verb}"
    for verb in re.findall(r"^  ([a-z][a-z-]+)", help_of("letterlock", "sop"), re.M):
        assert f"*{verb}*" in text, f"letterlock(1) lacks sop {verb}"


def test_every_verb_and_option_of_the_server_is_named():
    shown, text = help_of("letterlockd"), page("letterlockd.8")
    assert not options_of(shown) - options_of(text)
    for verb in re.findall(r"^  ([a-z]+(?: [a-z-]+)?) ", shown, re.M):
        assert f"*{verb}*" in text, f"letterlockd(8) lacks {verb}"


@pytest.mark.parametrize("program, name", [("letterlock", "letterlock.1"), ("letterlockd", "letterlockd.8")])
def test_no_option_is_described_that_does_not_exist(program, name):
    verbs = CLIENT_VERBS if program == "letterlock" else [""]
    shown = set().union(*(options_of(help_of(program, *verb.split())) for verb in verbs))
    told = set(re.findall(r"^\*(--[a-z][a-z0-9-]*)\*", page(name), re.M))
    assert told <= shown, f"{name} describes {told - shown}, which --help does not show"


@pytest.mark.parametrize("name", PAGES)
def test_scdoc_takes_the_page(name):
    if shutil.which("scdoc") is None:
        pytest.skip("scdoc is not installed (script/bootstrap test)")
    done = subprocess.run(["scdoc"], input=page(name), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(".SH") >= 4
