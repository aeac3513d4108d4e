# SPDX-License-Identifier: ISC
"""Key servers of others for tests: Debian's onak and sks in clear, and one that plays whatever a test writes, over TLS.

    with onak(folder) as port: ...
    with sks(folder, first) as port: ...      first: a certificate, without which it does not begin
    with played(folder, {"/pks/lookup": (200, "application/pgp-keys", b"...")}) as server:
        server.url, server.ca, server.asked
"""
import contextlib
import errno
import http.server
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from zones import free_port

START_SECONDS = 30


def publish_by_hkp(port, armored):
    """As curl would: a form at /pks/add."""
    body = urllib.parse.urlencode({"keytext": armored}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/pks/add", body, timeout=30) as answer:
        return answer.status


def wait_for(port, process=None, log=None):
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process is None or process.poll() is None, log.read_text() if log else ""
            assert time.monotonic() < end, "the key server does not start"
            time.sleep(0.05)


@contextlib.contextmanager
def sks(folder, first):
    program = shutil.which("sks", path="/usr/sbin:/usr/bin:/usr/lib/sks")
    if program is None:
        pytest.skip("no sks")
    folder = pathlib.Path(folder)
    for name in ("run", "log", "lib"):
        (folder / "var" / name / "sks").mkdir(parents=True, exist_ok=True)  # below its base, whatever that is
    (folder / "first.pgp").write_bytes(first)
    subprocess.run([program, "build", "first.pgp", "-basedir", folder, "-n", "1", "-cache", "20", "-stdoutlog"], cwd=folder,
                   check=True, capture_output=True, timeout=60)
    port = free_port()
    log = folder / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen([program, "db", "-basedir", folder, "-hkp_address", "127.0.0.1", "-hkp_port", str(port),
                                    "-stdoutlog"], stdout=out, stderr=out, cwd=folder)
    try:
        wait_for(port, process, log)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def onak(folder, first=None):
    """Its CGI programs, copied: the installed ones change their user."""
    place = pathlib.Path("/usr/lib/cgi-bin/pks")
    if not (place / "lookup").exists():
        pytest.skip("no onak")
    folder = pathlib.Path(folder)
    for name in ("cgi/pks", "db", "config"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in ("lookup", "add"):
        shutil.copyfile(place / name, folder / "cgi/pks" / name)
        (folder / "cgi/pks" / name).chmod(0o755)
    (folder / "config/onak.ini").write_text(
        f"[main]\nbackend=db\nbackends_dir=/usr/lib/x86_64-linux-gnu/onak/backends\nlogfile={folder}/log\nloglevel=3\n"
        f"use_keyd=false\nmax_reply_keys=128\n[verification]\ncheck_sighash=true\n[backend:db]\ntype=db4\nlocation={folder}/db\n")

    class Handler(http.server.BaseHTTPRequestHandler):
        def run_program(self):
            path, _, query = self.path.partition("?")
            name = path.removeprefix("/pks/")
            if name not in ("lookup", "add"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            environment = {"QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_LENGTH": str(len(body)),
                           "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}
            done = subprocess.run([folder / "cgi/pks" / name], input=body, env=environment, capture_output=True, timeout=60)
            head, _, rest = done.stdout.replace(b"\r\n", b"\n", 3).partition(b"\n\n")
            status = 404 if b"No key found" in rest or b"Status: 404" in head else 200
            self.send_response(status)
            for line in head.decode().splitlines():
                if not line.lower().startswith("status"):
                    self.send_header(*line.split(": ", 1))
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest)

        do_GET = do_POST = run_program

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class Played:
    """routes: path (without query) -> (status, type, body[, more fields]) or a function of the handler that gives one."""

    def __init__(self, routes):
        self.routes, self.asked, self.bodies = routes, [], []
        self.url = self.ca = self.host = None


def make_certificate(folder, *names):
    """A certificate that vouches for itself: (certificate, key)."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={names[0]}", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem",
                    "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)], check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"


def both_addresses(make):
    """A server at 127.0.0.1, and a socket that keeps its port at ::1: localhost is that as well, and nobody else is to be there."""
    while True:
        server, other = make(), socket.socket(socket.AF_INET6)
        try:
            other.bind(("::1", server.server_address[1]))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                other.close()
                server.server_close()
                continue
        return server, other


@contextlib.contextmanager
def played(folder, routes):
    one = Played(routes)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            one.asked.append(f"{self.command} {self.path}")
            one.bodies.append((self.headers, body))
            found = one.routes.get(self.path, one.routes.get(self.path.partition("?")[0]))
            found = found(self) if callable(found) else found
            if found is None:
                found = (404, "text/plain", b"no")
            self.send_response(found[0])
            self.send_header("Content-Type", found[1])
            self.send_header("Content-Length", str(len(found[2])))
            for name, value in (found[3] if len(found) > 3 else {}).items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # who has enough goes away
                self.wfile.write(found[2])

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *words):
            pass

    certificate, key = make_certificate(folder, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request, client_address):
            """The handshake in the connection's own thread: who connects and says nothing holds up nobody else."""
            request.settimeout(30)
            with contextlib.suppress(OSError), context.wrap_socket(request, server_side=True) as tls:
                super().finish_request(tls, client_address)

    server, other = both_addresses(lambda: Server(("127.0.0.1", 0), Handler))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    one.ca = certificate
    one.host = f"localhost:{server.server_address[1]}"
    one.url = f"hkps://{one.host}"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        other.close()
        thread.join(10)
