# SPDX-License-Identifier: ISC
"""Letters of ours read by gpg, and gpg's PGP/MIME letters opened by us."""
import email
import email.policy
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def find_tool():
    given = os.environ.get("LETTERLOCK_BUILD")
    folders = [pathlib.Path(given)] if given else [HERE.parent.parent / "build/asan", HERE.parent.parent / "build"]
    for folder in folders:
        if (folder / "tests/interop/letter_tool").exists():
            return str(folder / "tests/interop/letter_tool")
    pytest.skip("no letter_tool: build it, or name the build folder in LETTERLOCK_BUILD")


class Bench:
    """gpg in a home of its own with Gina's key, and Ann's key made by us, each knowing the other."""

    def __init__(self, folder):
        self.folder = folder
        self.tool_path = find_tool()
        self.home = folder / "gnupg"
        self.home.mkdir(mode=0o700)
        self.gpg("--quick-generate-key", "Gina <gina@a.test>", "ed25519", "sign", "never")
        fingerprint = self.gpg("--with-colons", "--list-keys").stdout.decode().split("fpr:::::::::")[1].split(":")[0]
        self.gpg("--quick-add-key", fingerprint, "cv25519", "encr", "never")
        self.write("gina.sec", self.gpg("--export-secret-keys").stdout)
        self.write("gina.pub", self.gpg("--export").stdout)
        self.write("ann.sec", self.tool("key", "Ann <ann@a.test>"))
        self.write("ann.pub", self.tool("cert", self.path("ann.sec")))
        self.gpg("--import", self.path("ann.pub"))

    def path(self, name):
        return str(self.folder / name)

    def write(self, name, data):
        (self.folder / name).write_bytes(data)
        return self.path(name)

    def gpg(self, *args, data=b""):
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--pinentry-mode", "loopback",
                   "--passphrase", "", "--trust-model", "always", "--status-fd", "2", *args]
        done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done

    def tool(self, *args, data=b""):
        done = subprocess.run([self.tool_path, *args], input=data, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def open(self, letter, key="gina.sec"):
        return self.tool("open", self.path(key), self.path("ann.pub"), self.path("gina.pub"), data=letter).decode()

    def stop(self):
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False, timeout=30,
                       capture_output=True)


@pytest.fixture(scope="module", name="bench")
def fixture_bench(tmp_path_factory):
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    bench = Bench(tmp_path_factory.mktemp("letter"))
    yield bench
    bench.stop()


TEXT = "Dear Gina,\n\na trailing space \nFrom the mountains, with grüße.\n"


def test_gpg_opens_our_sealed_letter(bench):
    letter = bench.tool("seal", bench.path("ann.sec"), bench.path("gina.pub"), "Geheimes Grün", data=TEXT.encode())
    message = email.message_from_bytes(letter, policy=email.policy.default)
    assert message.get_content_type() == "multipart/encrypted"
    assert message["Subject"] == "[...]"
    parts = list(message.iter_parts())
    assert [p.get_content_type() for p in parts] == ["application/pgp-encrypted", "application/octet-stream"]
    done = bench.gpg("--decrypt", data=parts[1].get_payload(decode=True))
    assert b"DECRYPTION_OKAY" in done.stderr and b"GOODSIG" in done.stderr
    payload = email.message_from_bytes(done.stdout, policy=email.policy.default)
    assert payload["Subject"] == "Geheimes Grün"
    assert payload["From"] == "Ann <ann@a.test>"
    assert payload.get_content_type() == "text/plain"
    assert payload["Content-Type"].params["hp"] == "cipher"
    assert payload.get_content().replace("\r\n", "\n") == TEXT


def test_gpg_verifies_our_signed_letter(bench):
    letter = bench.tool("sign", bench.path("ann.sec"), "Offen", data=TEXT.encode())
    head, rest = letter.split(b"\r\n\r\n", 1)
    boundary = email.message_from_bytes(head).get_boundary().encode()
    parts = rest.split(b"\r\n--" + boundary)
    signed = parts[0].split(b"--" + boundary + b"\r\n", 1)[1]
    signature = bench.write("letter.sig", parts[1].split(b"\r\n\r\n", 1)[1])
    done = bench.gpg("--verify", signature, bench.write("letter.signed", signed))
    assert b"GOODSIG" in done.stderr
    assert b"micalg=pgp-sha512" in head


def gpg_letter(bench, payload, *args):
    cipher = bench.gpg("--armor", "--encrypt", "-r", "ann@a.test", *args, data=payload).stdout
    return (b"From: Gina <gina@a.test>\r\nSubject: ...\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"g\"\r\n\r\n"
            b"--g\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
            b"--g\r\nContent-Type: application/octet-stream\r\n\r\n" + cipher.replace(b"\n", b"\r\n") + b"\r\n--g--\r\n")


PAYLOAD = (b"From: Gina <gina@a.test>\r\nSubject: from gpg\r\n"
           b"Content-Type: text/plain; charset=utf-8; protected-headers=\"v1\"\r\n\r\nHello Ann.\r\n")


def test_we_open_what_gpg_signed_and_encrypted(bench):
    shown = bench.open(gpg_letter(bench, PAYLOAD, "--sign", "-u", "gina@a.test"), "ann.sec")
    assert "status: Encrypted, and signed by the sender.\n" in shown
    assert "subject: from gpg\n" in shown
    assert shown.endswith("\n\nHello Ann.\n")


@pytest.mark.parametrize("how", [["--compress-algo", "zlib"], ["--compress-algo", "none"], ["--compress-algo", "bzip2"],
                                 ["--cipher-algo", "AES128"], ["--throw-keyids"]])
def test_we_open_what_gpg_encrypted(bench, how):
    shown = bench.open(gpg_letter(bench, PAYLOAD, *how), "ann.sec")
    assert "status: Encrypted; nobody vouches for who wrote it.\n" in shown
    assert shown.endswith("Hello Ann.\n")


def test_we_verify_what_gpg_signed(bench):
    signed = b"Content-Type: text/plain; charset=utf-8\r\n\r\nSigned by gpg.\r\n"
    signature = bench.gpg("--armor", "--detach-sign", "-u", "gina@a.test", data=signed).stdout
    for sender, status in (("gina@a.test", "Signed by the sender; not encrypted."),
                           ("ann@a.test", "Neither encrypted nor signed.")):
        letter = (f"From: {sender}\r\nContent-Type: multipart/signed; micalg=pgp-sha512;\r\n"
                  " protocol=\"application/pgp-signature\"; boundary=\"g\"\r\n\r\n--g\r\n").encode() + signed + (
                      b"\r\n--g\r\nContent-Type: application/pgp-signature\r\n\r\n" + signature + b"\r\n--g--\r\n")
        assert f"status: {status}\n" in bench.open(letter)


def test_gpg_and_we_agree_on_a_changed_letter(bench):
    letter = gpg_letter(bench, PAYLOAD, "--sign", "-u", "gina@a.test")
    lines = letter.split(b"\r\n")
    at = next(i for i, line in enumerate(lines) if len(line) == 64) + 4
    lines[at] = lines[at][:10] + (b"A" if lines[at][10:11] != b"A" else b"B") + lines[at][11:]
    shown = bench.open(b"\r\n".join(lines), "ann.sec")
    assert "status: Encrypted, and could not be opened.\n" in shown
    assert "Hello Ann" not in shown
