# SPDX-License-Identifier: ISC
"""The SMTP client machine against Debian's Postfix and Exim: by DATA and by BDAT, what they keep is what was sent."""
import os
import pathlib
import socket
import subprocess
import tempfile
import time

import pytest

BUILD = pathlib.Path(os.environ.get("LETTERLOCK_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build" / "asan"))
TEXTS = {"dots": b".\r\n..\r\n.dot\r\n\r\n.\r\nend\r\n", "large": b".a line of text, \xc3\xa4\r\n" * 20000,
         "unix": b"a\nb\r\nc\n.\nd", "nothing": b""}


class Server:
    def __init__(self, name, folder):
        self.script = pathlib.Path(os.environ.get("LETTERLOCK_TESTDATA", "/nowhere")) / "peers" / f"{name}.sh"
        if not self.script.exists() or os.geteuid() != 0:
            pytest.skip("servers of others are started by scripts in LETTERLOCK_TESTDATA, as root")
        self.folder = pathlib.Path(folder)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.environment = {**os.environ, "PEER_DIR": folder, "PORT": str(self.port), "DOMAIN": "peer.test", "NUSERS": "2"}
        done = subprocess.run([self.script, "up"], env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"{name} does not start: {done.stderr[-300:]}")

    def stop(self):
        subprocess.run([self.script, "down"], env=self.environment, check=True, timeout=60)

    def mail(self, user, seconds=30):
        """What came since, and takes it away."""
        place, end = self.folder / "mail" / user / "new", time.monotonic() + seconds
        while not (place.exists() and any(place.iterdir())):
            assert time.monotonic() < end, "nothing came"
            time.sleep(0.1)
        (one,) = place.iterdir()
        text = one.read_bytes()
        one.unlink()
        return text


@pytest.fixture(scope="module", params=["postfix", "exim"])
def server(request):
    with tempfile.TemporaryDirectory(prefix=f"letterlock-{request.param}-", ignore_cleanup_errors=True) as folder:
        one = Server(request.param, folder)
        try:
            yield one
        finally:
            one.stop()


@pytest.mark.parametrize("by", ["data", "bdat"])
@pytest.mark.parametrize("name", list(TEXTS))
def test_what_is_sent_is_what_is_kept(server, by, name):
    tool = BUILD / "tests" / "interop" / "smtp_tool"
    if not tool.exists():
        pytest.skip("no smtp_tool: build it, or name its folder in LETTERLOCK_BUILD")
    done = subprocess.run([tool, str(server.port), by, "carol@example.net", "user0@peer.test", "nobody@peer.test"],
                          input=b"Subject: x\r\n\r\n" + TEXTS[name], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    first, second, sent, chunks = done.stdout.decode().splitlines()
    assert first == "recipient 0 250" and second.startswith("recipient 1 5") and sent == "sent 250"
    assert chunks == "bdat 0" if by == "data" else int(chunks.split()[1]) >= (5 if name == "large" else 1)
    kept = server.mail("user0").replace(b"\r\n", b"\n")  # they keep lines as Unix does
    text = TEXTS[name].replace(b"\r\n", b"\n")
    assert kept[kept.index(b"\n\n") + 2:] == text + (b"" if text.endswith(b"\n") or not text else b"\n")
