# SPDX-License-Identifier: ISC
"""The key directory's pages for people: by Python's parser of HTML, and in a browser where there is one."""
import html.parser
import imaplib
import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.parse

import pytest

from conftest import ROOT, Exchange, build_folder
from processes import eventually
from test_directory import curl, gpg, upload  # noqa: F401

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
VOID = {"meta", "link", "input", "br", "img"}


class Page(html.parser.HTMLParser):
    """What a strict reader sees: elements that nest, their attributes, and the text."""

    def __init__(self, body):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""
        self.feed(body.decode())
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag == "li" or tag in self.open:
            assert self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def get(exchange, path, *options):
    status, answer = curl(exchange, path, "-D", "-", *options)
    head, _, body = answer.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    fields = {k.lower(): v for k, v in re.findall(r"^([^:\r\n]+): (.*)\r$", head.decode() + "\r\n", re.M)}
    return status, fields, body


def page(exchange, path, *options, status=200):
    got, fields, body = get(exchange, path, *options)
    assert got == status, (got, body.decode())
    assert fields["content-type"] == "text/html; charset=utf-8"
    check_fields(fields)
    seen = Page(body)
    check_page(seen)
    return seen


def check_fields(fields):
    policy = dict(rule.split(" ", 1) for rule in fields["content-security-policy"].split("; "))
    assert policy == {"default-src": "'none'", "style-src": "'self'", "form-action": "'self'", "base-uri": "'none'",
                      "frame-ancestors": "'none'"}
    assert fields["referrer-policy"] == "no-referrer" and fields["x-content-type-options"] == "nosniff"
    assert fields["cache-control"] == "no-store" and "set-cookie" not in fields


def check_page(seen):
    """Readable by everybody: a language, one h1, labels of all fields, and nothing that runs or comes from elsewhere."""
    assert seen.all("html") == [{"lang": "en"}] and len(seen.all("h1")) == 1 and len(seen.all("main")) == 1
    assert len(seen.all("title")) == 1 + len(seen.all("svg")) and any(m.get("name") == "viewport" for m in seen.all("meta"))
    labels = {label["for"] for label in seen.all("label")}
    fields = [a for tag in ("input", "textarea", "select") for a in seen.all(tag) if a.get("type") != "hidden"]
    assert all(a["id"] in labels for a in fields), fields
    assert not seen.all("script") and not seen.all("iframe") and not seen.all("img") and not seen.all("style")
    for tag, attrs in seen.elements:
        assert not any(name.startswith("on") or name == "style" for name in attrs), (tag, attrs)
        for name in ("href", "src", "action"):
            assert attrs.get(name, "/").startswith(("/", "#")) and not attrs.get(name, "/").startswith("//"), attrs


def evil_key(home, user_id):
    """gpg cannot find such a user ID by its whole text."""
    home.run("--passphrase", "", "--pinentry-mode", "loopback", "--charset", "utf-8", "--quick-generate-key",
             user_id, "ed25519", "sign", "1y")
    return home.fingerprint("alice@example.org")


def test_front_page_and_style(exchange):
    seen = page(exchange, "/")
    assert [a["action"] for a in seen.all("form")] == ["/search"] and "Key directory" in seen.text
    assert [a["href"] for a in seen.all("link")] == ["/style.css"]
    status, fields, body = get(exchange, "/style.css")
    assert status == 200 and fields["content-type"] == "text/css; charset=utf-8"
    assert b"prefers-color-scheme:dark" in body and b"url(" not in body and b"@import" not in body
    assert curl(exchange, "/", "-I")[0] == 200 and curl(exchange, "/search", "-X", "POST", "-d", "q=x")[0] == 405


def test_search_and_certificate(exchange, gpg):  # noqa: F811
    home = gpg()
    fingerprint = home.make_key("Alice Liddell <alice@example.org>")
    assert upload(exchange, home.export(fingerprint), Exchange.ALICE)[0] == 200
    groups = " ".join(fingerprint[i:i + 4] for i in range(0, 40, 4))
    for text in ["alice@example.org", fingerprint, "0x" + fingerprint, groups, groups.replace(" ", ":"),
                 fingerprint[-16:].lower(), "  <alice@example.org> "]:
        seen = page(exchange, "/search?" + urllib.parse.urlencode({"q": text}))
        assert "Alice Liddell <alice@example.org>" in seen.text and groups in seen.text, text
        assert f"/certificate/{fingerprint}" in [a.get("href") for a in seen.all("a")]
        assert [a["value"] for a in seen.all("input")] == [text.strip() if text.strip() == text else text]
    seen = page(exchange, "/certificate/" + fingerprint)
    assert "Alice Liddell <alice@example.org>" in seen.text and groups in seen.text
    assert re.search(r"This key is good until 20\d\d-\d\d-\d\d\.", seen.text)
    assert len(seen.all("svg")) == 1 and "QR code of this fingerprint" in seen.text
    link = next(a["href"] for a in seen.all("a") if "download" in a)
    status, body = curl(exchange, link)
    assert status == 200 and body.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    other = gpg()
    other.run("--import", stdin=body)
    assert other.fingerprint("alice@example.org") == fingerprint


def test_what_is_not_there(exchange):
    assert "No key here fits" in page(exchange, "/search?q=nobody@example.org").text
    assert "No key here has this" in page(exchange, "/certificate/" + "00" * 20, status=404).text
    page(exchange, "/certificate/xyz", status=400)
    page(exchange, "/search?q=" + "x" * 400, status=400)
    page(exchange, "/search?q=", status=400)
    page(exchange, "/search", status=200)


def test_revoked_and_expired_are_said_in_words(exchange, gpg):  # noqa: F811
    home = gpg()
    fingerprint = home.make_key("Bob <bob@example.org>")
    revocation = (pathlib.Path(home.home) / "openpgp-revocs.d" / f"{fingerprint}.rev").read_bytes()
    home.run("--import", stdin=revocation.replace(b":-----BEGIN", b"-----BEGIN"))
    assert upload(exchange, home.export(fingerprint), Exchange.BOB)[0] == 200
    assert "was revoked by its owner" in page(exchange, "/certificate/" + fingerprint).text


def test_no_markup_of_others_comes_through(exchange, gpg):  # noqa: F811
    """Reflected in the search, stored in a user ID, in a path, and in the name of a file."""
    # Nobody is found by a piece of a name here, and that is said (the setting directory_search).
    seen = page(exchange, "/search?" + urllib.parse.urlencode({"q": EVIL}), status=400)
    assert [a["value"] for a in seen.all("input")] == [EVIL]
    home = gpg()
    fingerprint = evil_key(home, f"{EVIL} \u202eevil <alice@example.org>")
    assert upload(exchange, home.export(fingerprint), Exchange.ALICE)[0] == 200
    for path in ["/search?q=0x" + fingerprint, "/certificate/" + fingerprint]:
        seen = page(exchange, path)
        assert f"{EVIL} \u202eevil <alice@example.org>" in seen.text, seen.text
        assert len(seen.all("bdi")) == 1
    page(exchange, "/certificate/%3Cscript%3E", status=400)
    page(exchange, "/upload", "--form-string", "keytext=<script>alert(1)</script>", "-F",
         "file=;filename=<script>", status=422)


def test_upload_by_file_and_by_text(exchange, gpg, tmp_path):  # noqa: F811
    seen = page(exchange, "/upload")
    assert [(a["method"], a["enctype"]) for a in seen.all("form")] == [("post", "multipart/form-data")]
    home = gpg()
    fingerprint = home.make_key("Alice Form <alice@example.org>")
    (tmp_path / "key;\"a.asc").write_bytes(home.export(fingerprint))
    (tmp_path / "key.pgp").write_bytes(home.run("--export", fingerprint).stdout)
    (tmp_path / "key.asc").write_bytes(home.export(fingerprint))
    for field in [f"file=@{tmp_path}/key.asc", f"file=@{tmp_path}/key.pgp", f"keytext=<{tmp_path}/key.asc"]:
        page(exchange, "/upload", "-F", field, "-F", "other=", status=200)
        assert curl(exchange, "/certificate/" + fingerprint)[0] == 200
    page(exchange, "/upload", "-F", "file=", "-F", "keytext=", status=400)
    page(exchange, "/upload", "-F", "keytext=not a key", status=422)
    page(exchange, "/upload", "-H", "Content-Type: multipart/form-data", "-d", "x", status=400)


def letters(exchange, address, home):
    """The links in the letters of an inbox, opened by who has the key; the letters are gone then."""
    links = []
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls(), timeout=30) as imap:
        imap.login(address, exchange.password(address))
        imap.select("INBOX")
        for number in imap.search(None, "ALL")[1][0].split():
            raw = imap.fetch(number, "(BODY.PEEK[])")[1][0][1]
            armored = re.search(rb"-----BEGIN PGP MESSAGE-----.*?-----END PGP MESSAGE-----", raw, re.S).group(0)
            assert b"/verify/" not in raw and b"/manage/" not in raw
            text = home.run("--decrypt", stdin=armored).stdout.decode()
            links += re.findall(r"https://\S+?(/(?:verify|manage)/[0-9a-f]+)", text)
            imap.store(number, "+FLAGS", "\\Deleted")
        imap.expunge()
    return links


def test_an_address_is_proved_and_shown(fresh_exchange, gpg, tmp_path):  # noqa: F811
    """The whole way of a person without a password: upload, letter, confirm. A GET never acts."""
    exchange, home, stranger = fresh_exchange(), gpg(), gpg()
    fingerprint = home.make_key(f"Alice {EVIL} <alice@example.org>")
    (tmp_path / "key").write_bytes(home.export(fingerprint))
    seen = page(exchange, "/upload", "-F", f"file=@{tmp_path}/key")
    assert f"Alice {EVIL} <alice@example.org>" in seen.text and "not shown yet" in seen.text
    asks = [a for a in seen.all("input") if a.get("type") == "hidden"]
    assert {a["name"]: a["value"] for a in asks} == {"fingerprint": fingerprint, "address": "alice@example.org"}
    assert "proved yet that one of them" in page(exchange, "/certificate/" + fingerprint).text
    # Who uploads the bare key learns nothing of the addresses that wait.
    stranger.run("--import", stdin=home.export(fingerprint))
    bare = stranger.run("--export-filter", "drop-subkey=secret == 1", "--export-options", "export-minimal", "--export-filter",
                        "keep-uid=uid =~ nobody", "--armor", "--export", fingerprint).stdout
    (tmp_path / "bare").write_bytes(bare)
    assert "alice@example.org" not in page(exchange, "/upload", "-F", f"file=@{tmp_path}/bare").text

    form = ["--data-urlencode", f"fingerprint={fingerprint}", "--data-urlencode", "address=alice@example.org"]
    assert "letter" in page(exchange, "/verify", *form).text
    page(exchange, "/verify", *form, status=429)
    (link,) = eventually(lambda: letters(exchange, Exchange.ALICE, home))
    for _ in range(2):  # looked at by mail scanners and browsers that fetch ahead
        seen = page(exchange, link)
        assert "alice@example.org" in seen.text and [a["action"] for a in seen.all("form")] == [link]
        curl(exchange, link, "-I")
    assert "No key here fits" in page(exchange, "/search?q=alice@example.org").text
    assert "finds" in page(exchange, link, "-X", "POST").text
    page(exchange, link, "-X", "POST", status=404)
    page(exchange, link, status=404)
    assert fingerprint[-4:] in page(exchange, "/search?q=alice@example.org").text



def test_an_address_is_taken_away(fresh_exchange, gpg):  # noqa: F811
    """By a letter, without a password; with an exchange of its own, for an address is sent one letter an hour."""
    exchange, home = fresh_exchange(), gpg()
    fingerprint = home.make_key("Alice <alice@example.org>")
    assert upload(exchange, home.export(fingerprint), Exchange.ALICE)[0] == 200
    # The same words for addresses that are here and that are not.
    said = {page(exchange, "/manage", "--data-urlencode", f"address={address}").text
            for address in ("alice@example.org", "nobody@example.org", "bob@example.org", "x@example.net")}
    assert len(said) == 1
    (link,) = eventually(lambda: letters(exchange, Exchange.ALICE, home))
    assert link.startswith("/manage/")
    seen = page(exchange, link)
    assert [a["value"] for a in seen.all("input") if a["type"] == "checkbox"] == ["alice@example.org"]
    page(exchange, link, "-d", "x=y", status=400)
    assert fingerprint[-4:] in page(exchange, "/search?q=alice@example.org").text
    page(exchange, link, "--data-urlencode", "address=alice@example.org")
    assert "No key here fits" in page(exchange, "/search?q=alice@example.org").text
    assert page(exchange, "/certificate/" + fingerprint)  # the bare key stays
    page(exchange, link, "--data-urlencode", "address=alice@example.org", status=404)


def test_links_that_are_none(exchange):
    for path in ["/verify/", "/verify/xyz", "/verify/" + "0" * 40, "/verify/" + "0" * 41, "/verify/%3Cscript%3E",
                 "/manage/" + "0" * 40, "/manage/../" + "0" * 37]:
        assert page(exchange, path, "--path-as-is", status=404).all("h1")
    page(exchange, "/verify/" + "0" * 40, "-X", "POST", status=404)
    # Tokens do not go in clear.
    assert curl(exchange, "/verify/" + "0" * 40, tls=False)[0] == 404
    page(exchange, "/verify", "-d", "fingerprint=x&address=y", status=400)
    page(exchange, "/verify", "-d", "address=y", status=400)
    page(exchange, "/manage", "-d", "address=", status=400)
    assert [a["type"] for a in page(exchange, "/manage").all("input")] == ["email"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """look(exchange, {name: path}) -> what a browser saw of each."""
    if not all(map(shutil.which, ("node", "npm", "chromium"))):
        pytest.skip("node, npm or chromium is not installed")
    folder = build_folder() / "page-node"
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", "look.mjs"):
        shutil.copy(ROOT / "tests" / "page" / name, folder / name)
    if not (folder / "node_modules" / "axe-core").exists():
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder,
                              capture_output=True, timeout=180)
        if done.returncode != 0:
            pytest.skip("npm could not install playwright-core and axe-core: " + done.stderr.decode()[-200:])
    shots = pathlib.Path(os.environ.get("LETTERLOCK_SHOTS", tmp_path_factory.mktemp("shots")))

    def look(exchange, pages):
        asked = {"base": f"http://127.0.0.1:{exchange.port('hkp')}", "pages": pages, "folder": str(shots)}
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        done = subprocess.run(["node", "look.mjs"], cwd=folder, input=json.dumps(asked), env=environment, text=True,
                              capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return look


def test_in_a_browser(exchange, gpg, browser):  # noqa: F811
    """Light, dark and 320 points wide: nothing is refused, nothing runs, nothing is too wide, all can be read."""
    home = gpg()
    fingerprint = evil_key(home, f"Alice {EVIL} with a very-long-name-{'x' * 60} <alice@example.org>")
    assert upload(exchange, home.export(fingerprint), Exchange.ALICE)[0] == 200
    seen = browser(exchange, {"front": "/", "search": "/search?q=alice@example.org", "nothing": "/search?q=no@example.net",
                              "certificate": "/certificate/" + fingerprint, "upload": "/upload",
                              "manage": "/manage"})
    for name, what in seen.items():
        assert not what["said"] and not what["cookies"], (name, what["said"])
        assert not what["found"], (name, what["found"])
        assert what["size"]["wide"] <= what["size"]["window"], (name, what["size"])
        assert {urllib.parse.urlsplit(url).port for url in what["asks"]} == {int(exchange.port("hkp"))}, what["asks"]
