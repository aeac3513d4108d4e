# SPDX-License-Identifier: ISC
"""Others' programs judge strangers' mail: rspamd, and a milter of libmilter's (Debian rspamd, python3-milter)."""
import contextlib
import email
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

from test_judge import kept, letter, send
from test_resolver import children, starter, wait_until
from zones import free_port

HERE = pathlib.Path(__file__).resolve().parent
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
GTUBE_HEADER = b"YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"


def connects(family, address):
    with socket.socket(family) as s:
        return s.connect_ex(address) == 0


@contextlib.contextmanager
def program(words, is_there, log):
    with open(log, "ab") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or is_there(), "the milter does not start")
        assert process.poll() is None, pathlib.Path(log).read_text()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def rspamd(folder):
    """With its built-in test patterns alone; gives its milter's port."""
    if shutil.which("rspamd") is None:
        pytest.skip("no rspamd")
    port = free_port()
    (folder / "tld").write_text("test\norg\n")  # its own list takes half a minute to compile
    (folder / "rspamd.conf").write_text(f"""
options {{ pidfile = "{folder}/pid"; filters = []; url_tld = "{folder}/tld"; enable_test_patterns = true; temp_dir = "{folder}"; hs_cache_dir = "{folder}";
  control_socket = "{folder}/control mode=0600"; dns {{ nameserver = ["127.0.0.1:9:1"]; timeout = 0.1s; retransmits = 1; }} }}
logging {{ type = "file"; filename = "{folder}/rspamd.log"; level = "info"; }}
actions {{ reject = 15; add_header = 6; }}
worker "rspamd_proxy" {{ bind_socket = "127.0.0.1:{port}"; milter = yes; timeout = 20s; count = 1;
  upstream "local" {{ default = yes; self_scan = yes; }} }}
""")
    words = ["rspamd", "-f", "-i", "-c", str(folder / "rspamd.conf")]
    with program(words, lambda: connects(socket.AF_INET, ("127.0.0.1", port)), folder / "out"):
        yield port


@contextlib.contextmanager
def other_milter(folder):
    """Gives the path of its socket, and of what it heard."""
    pytest.importorskip("Milter", reason="python3-milter is not installed")
    path, log = folder / "m.sock", folder / "heard"
    log.touch()
    words = [sys.executable, str(HERE / "milter_peer.py"), f"unix:{path}", str(log)]
    with program(words, lambda: connects(socket.AF_UNIX, str(path)), folder / "out"):
        yield path, log


@pytest.fixture
def short(tmp_path_factory):
    """A socket's path has 107 octets."""
    import tempfile
    with tempfile.TemporaryDirectory(prefix="ll-milter-") as folder:
        pathlib.Path(folder).chmod(0o755)
        yield pathlib.Path(folder)


def make(fresh_exchange, milter, **more):
    return fresh_exchange({"milter": f'"{milter}"', **more})


# ---- rspamd ----

def test_rspamd_refuses_and_marks(fresh_exchange, short):
    with rspamd(short) as port:
        exchange = make(fresh_exchange, f"127.0.0.1:{port}")
        assert "letterlockd: filter" in children(starter(exchange))
        assert send(exchange, letter("fine")) is None
        assert len(kept(exchange, "fine")) == 1
        code, text = send(exchange, letter("bad") + GTUBE)
        assert code >= 500 and kept(exchange, "bad") == [], text
        assert send(exchange, letter("marked") + GTUBE_HEADER) is None
        (raw,) = kept(exchange, "marked")
        assert email.message_from_bytes(raw)["X-Spam"] == "Yes"


# ---- libmilter ----

@pytest.mark.parametrize("processes", ["split", "one"])
def test_what_a_milter_is_told_and_does(fresh_exchange, short, processes):
    with other_milter(short) as (path, log):
        exchange = make(fresh_exchange, f"unix:{path}", processes=f'"{processes}"')
        old = b"X-Old: 1\r\nX-Old: 2\r\n a\r\n"
        assert send(exchange, letter("edit", more=old)) is None
        (raw,) = kept(exchange, "edit")
        message = email.message_from_bytes(raw)
        assert " ".join(message["X-Added"].split()) == "one two" and message.get_all("X-Old") == ["changed"]
        names = [name for name, _ in message.items()]
        assert names.index("X-First") == names.index("From") - 1 and names.index("Received") < names.index("X-First")
        heard = log.read_text()
        assert "connect [127.0.0.2] 127.0.0.2\nhelo mail.sender.test\nfrom <a@sender.test>" in heard
        assert "to <bob@example.org>\n" in heard and "header X-Old '2\\n a'\n" in heard and heard.endswith("body 7\n.\n")


@pytest.mark.parametrize("subject, code", [("no", 550), ("later", 451), ("reply", 550)])
def test_a_milter_refuses(fresh_exchange, short, subject, code):
    with other_milter(short) as (path, _):
        exchange = make(fresh_exchange, f"unix:{path}")
        said, text = send(exchange, letter(subject))
        assert said == code and kept(exchange, subject) == []
        assert subject != "reply" or text == "5.7.1 not here"


def test_a_milter_drops_puts_aside_and_takes_time(fresh_exchange, short):
    with other_milter(short) as (path, log):
        exchange = make(fresh_exchange, f"unix:{path}")
        for subject, there in ("gone", 0), ("aside", 1), ("slow", 1):
            assert send(exchange, letter(subject)) is None
            assert len(kept(exchange, subject)) == there
        body = b"x" * 76 + b"\r\n"
        assert send(exchange, letter("large") + body * 20000) is None
        (raw,) = kept(exchange, "large")
        assert raw.endswith(body * 20000) and f"body {7 + 78 * 20000}\n" in log.read_text()


# ---- milters that are none ----

@contextlib.contextmanager
def fake(answer):
    """Says this to whoever connects, and reads on."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                peer.sendall(answer)
                held.append(peer)

    held = []
    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        listener.close()
        for peer in held:
            peer.close()


@pytest.mark.parametrize("answer", [b"220 hello\r\n", b"\0\0\0\0", b"\xff\xff\xff\xffO", b"\0\0\0\1a"])
@pytest.mark.parametrize("failure", ["accept", "defer"])
def test_what_is_no_milter(fresh_exchange, answer, failure):
    with fake(answer) as port:
        exchange = make(fresh_exchange, f"127.0.0.1:{port}", milter_failure=f'"{failure}"')
        said = send(exchange, letter("strange"))
        assert (said is None) == (failure == "accept") and (said is None or said[0] == 451)
        assert len(kept(exchange, "strange")) == (said is None)
        assert "smtp.milter_silent" in exchange.log()


def test_nobody_is_there(fresh_exchange, short):
    exchange = make(fresh_exchange, f"unix:{short}/nobody")
    begun = time.monotonic()
    assert send(exchange, letter("alone")) is None
    assert time.monotonic() - begun < 10 and len(kept(exchange, "alone")) == 1


def test_no_process_without_a_milter(fresh_exchange):
    exchange = fresh_exchange()
    assert "letterlockd: filter" not in children(starter(exchange))
