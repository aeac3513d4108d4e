# SPDX-License-Identifier: ISC
"""Look-ups by fingerprint in a key directory of a million certificates, beside sks and onak, which get as many of the same
as load in reasonable time: fewer is easier for them. The limit is what our own HTTP side gives for a page that needs no
look-up. And uploads of certificates that are new: their limit is libcrypto checking their signatures and nothing else."""
import argparse
import multiprocessing
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import common
import servers

LUA = pathlib.Path(__file__).parent / "directory.lua"
UPLOADERS = 16
SKS, ONAK, KEYD = "/usr/sbin/sks", "/usr/bin/onak", "/usr/sbin/keyd"
LOOKUP = "/pks/lookup?op=get&options=mr&search=0x"
PAGE = "/?0x"  # a page that is always the same, asked for by the same work of wrk


def wrk(port, options, names, count, lookup=LOOKUP):
    """Answers of 200 a second, each to a request with another certificate's fingerprint behind the text lookup."""
    env = {**os.environ, "NAMES": str(names), "COUNT": str(count), "LOOKUP": lookup}
    out = subprocess.run(["wrk", f"-t{os.cpu_count()}", f"-c{options.connections}", f"-d{options.seconds}s", "-s", LUA,
                          f"http://127.0.0.1:{port}"], capture_output=True, text=True, env=env, check=False)
    said = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", out.stdout)
    if said is None or int(said[1]) == 0:
        sys.exit(f"bench: wrk failed: {out.stderr or out.stdout}")
    requests, microseconds, refused, broken = map(int, said.groups())
    if refused or broken > requests // 100:
        sys.exit(f"bench: of {requests} look-ups {refused} found nothing and {broken} broke off")
    return requests * 1e6 / microseconds


def certificates_of(octets):
    """Single ones of a dump with lengths of one or two octets: each begins with a primary key's packet."""
    begins, at = [], 0
    while at < len(octets):
        if octets[at] == 0xC6:
            begins.append(at)
        first = octets[at + 1]
        at += 2 + first if first < 192 else 3 + ((first - 192) << 8) + octets[at + 2] + 192
    return [octets[a:b] for a, b in zip(begins, begins[1:] + [len(octets)])]


def post(port, certificates):
    """One after the other over one connection; how many were taken."""
    taken = 0
    with socket.create_connection(("127.0.0.1", port)) as s:
        for certificate in certificates:
            s.sendall(b"POST /pks/v2/certs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/pgp-keys\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(certificate) + certificate)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += s.recv(65536)
            head, body = answer.split(b"\r\n\r\n", 1)
            left = int(re.search(rb"Content-Length: (\d+)", head)[1]) - len(body)
            while left > 0:
                left -= len(s.recv(65536))
            taken += head[9:12] in (b"200", b"202")
    return taken


def uploads(port, certificates):
    """Taken a second."""
    with multiprocessing.Pool(UPLOADERS) as pool:
        pool.map(abs, range(UPLOADERS))  # they are all there
        begin = time.monotonic()
        taken = pool.starmap(post, [(port, certificates[i::UPLOADERS]) for i in range(UPLOADERS)], 1)
        elapsed = time.monotonic() - begin
    if sum(taken) != len(certificates):
        sys.exit(f"bench: of {len(certificates)} uploads {sum(taken)} were taken")
    return len(certificates) / elapsed


def libcrypto(seconds):
    """Certificates a second whose two signatures libcrypto could check on all cores."""
    out = subprocess.run(["openssl", "speed", "-seconds", str(seconds), "-multi", str(os.cpu_count()), "ed25519"],
                         capture_output=True, text=True, check=True).stdout
    return float(re.search(r"Ed25519\).*\s([\d.]+)\s*$", out, re.M)[1]) / 2


def pss(pid):
    """KiB of all processes below this one."""
    total = 0
    for process in servers.tree(pid):
        try:
            rollup = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1])
    return total


class Sks:
    """The one process that answers look-ups: `sks db`, over Berkeley DB files that `sks build` made of a dump."""

    def __init__(self, folder, dump):
        self.dir, self.port, self.process = folder / "sks", servers.free_port(), None
        (self.dir / "dump").mkdir(parents=True)
        for name in ("var/lib/sks", "var/run/sks", "var/spool/sks", "run/sks"):  # Debian's paths are below its base
            (self.dir / name).mkdir(parents=True)
        shutil.copy(dump, self.dir / "dump" / "dump-0000.pgp")
        done = subprocess.run([SKS, "build", *self.options(), "-n", "10", "-cache", "100", "dump/dump-0000.pgp"],
                              cwd=self.dir, capture_output=True, text=True, check=False)
        if done.returncode != 0 or "Exiting" in done.stdout:
            sys.exit(f"bench: sks could not take the certificates: {done.stderr[-500:]} {done.stdout[-500:]}")

    def options(self):
        return ["-basedir", self.dir, "-hkp_address", "127.0.0.1", "-hkp_port", str(self.port), "-recon_address", "127.0.0.1",
                "-recon_port", str(servers.free_port()), "-disable_mailsync", "-stdoutlog"]

    def start(self):
        self.process = subprocess.Popen([SKS, "db", *self.options()], cwd=self.dir, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        servers.wait_for_port(self.port)
        return self

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None


class Onak:
    """Its CGI program behind Apache, with `keyd`, which keeps the database open: faster than without."""

    def __init__(self, folder, dump):
        self.dir, self.port, self.processes = folder / "onak", servers.free_port(), []
        (self.dir / "db").mkdir(parents=True)
        self.config = self.dir / "onak.ini"
        self.write(False)
        done = subprocess.run([ONAK, "-c", self.config, "-b", "add"], stdin=open(dump, "rb"), capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(f"bench: onak could not take the certificates: {done.stderr[-500:]}")
        self.write(True)

    def write(self, keyd):
        backends = subprocess.run(["dpkg", "-L", "onak"], capture_output=True, text=True, check=True).stdout
        where = re.search(r"^(\S+/onak/backends)$", backends, re.M)[1]
        self.config.write_text(f"[main]\nbackend=ours\nbackends_dir={where}\nlogfile={self.dir}/log\nloglevel=7\n"
                               f"use_keyd={'true' if keyd else 'false'}\nsock_dir={self.dir}\n[verification]\n"
                               f"check_sighash=false\n[backend:ours]\ntype=db4\nlocation={self.dir}/db\n")

    def start(self):
        apache = self.dir / "apache.conf"
        apache.write_text(f"""
ServerRoot {self.dir}
PidFile {self.dir}/apache.pid
ErrorLog {self.dir}/apache.log
Listen 127.0.0.1:{self.port}
ServerName localhost
User nobody
Group nogroup
KeepAlive On
MaxKeepAliveRequests 0
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
ScriptSock {self.dir}/cgi.sock
SetEnv XDG_CONFIG_HOME {self.dir}
ScriptAlias /pks/lookup /usr/lib/cgi-bin/pks/lookup
<Directory />
Require all granted
</Directory>
""")
        self.processes.append(subprocess.Popen([KEYD, "-f", "-c", self.config], stderr=subprocess.DEVNULL))
        time.sleep(1)
        for there in [self.dir, *self.dir.iterdir()]:  # the CGI programs are nobody's
            there.chmod(there.stat().st_mode | 0o777)
        self.processes.append(subprocess.Popen(["apache2", "-f", apache, "-DFOREGROUND"], stderr=subprocess.DEVNULL))
        servers.wait_for_port(self.port)
        return self

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        self.processes = []


def ours(folder, options):
    """A server whose data folder has all the certificates, the files of their names, the peers' dump, and new ones."""
    names, dump, new = folder / "names", folder / "dump.pgp", folder / "new.pgp"
    made = subprocess.run([servers.TOOLS / "bench_directory_make", folder / "ours", str(options.certificates), names, dump,
                           str(min(options.peers, options.certificates)), new, str(options.uploads * options.rounds)], check=False)
    if made.returncode != 0:
        sys.exit("bench: the certificates could not be made")
    # The load comes from one address.
    server = servers.Letterlock(folder, connections=options.connections, extra=("directory_reads = 0", "directory_writes = 0"))
    return server, names, dump, certificates_of(new.read_bytes())


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench directory", description=__doc__)
    parser.add_argument("--certificates", type=int, default=1000000)
    parser.add_argument("--peers", type=int, default=5000, help="certificates that sks and onak get")
    parser.add_argument("--uploads", type=int, default=3000, help="of each run; as many as wait for verification at most, in all")
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=common.ROUNDS)
    return parser.parse_args()


def main():
    options = arguments()
    table = common.Table("directory", options.rounds)
    with servers.Folder() as folder:
        folder = folder.path
        server, names, dump, new = ours(folder, options)
        peers_count = min(options.peers, options.certificates)
        rates, pages, memory = [], [], []
        peers = {"sks": Sks(folder, dump), "onak": Onak(folder, dump)}
        found = {name: [] for name in peers}
        try:
            server.start()
            wrk(server.ports["hkp"], options, names, options.certificates)  # what comes from the disk the first time
            for _ in range(options.rounds):
                memory.append(pss(server.pid))
                rates.append(wrk(server.ports["hkp"], options, names, options.certificates))
                pages.append(wrk(server.ports["hkp"], options, names, options.certificates, PAGE))
                for name, peer in peers.items():
                    peer.start()
                    found[name].append(wrk(peer.port, options, names, peers_count))
                    peer.stop()
            memory.append(pss(server.pid))
            taken, checked = [], []
            for i in range(options.rounds):
                taken.append(uploads(server.ports["hkp"], new[i * options.uploads:(i + 1) * options.uploads]))
                checked.append(libcrypto(options.seconds))
        finally:
            server.stop()
            for peer in peers.values():
                peer.stop()
    table.note(f"sks and onak have {peers_count} of our {options.certificates} certificates")
    table.add(f"rate look-up by fingerprint {options.certificates:,} certificates", "1/s", "higher", rates, found,
              {"fixed answer": pages})
    table.add("rate upload of new certificates with two signatures", "1/s", "higher", taken, {}, {"libcrypto's checks": checked},
              alone=True)
    table.note(f"memory of all our processes (PSS): {memory[0] // 1024} MiB before, {memory[-1] // 1024} MiB after")
    if memory[-1] > memory[0] * 1.2 + 16 * 1024:
        sys.exit("bench: memory grew with look-ups")
    table.write()


if __name__ == "__main__":
    main()
