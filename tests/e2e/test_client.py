# SPDX-License-Identifier: ISC
"""The program letterlock against a running exchange: a person sets up, writes, reads, saves."""
import email
import email.policy
import imaplib
import json
import os
import pathlib
import pty
import select
import shutil
import smtplib
import subprocess
import tempfile
import time

import pytest

from conftest import build_folder, pipe_with

TEXT = "Dear Bob,\n\nthe secret ingredient is cardamom.\n.\nFrom here on it is plain.\n\nAlice\n"
SUBJECT = "Grüße, and the plan"
LONG_AGO = "Sun, 22 Nov 2020 10:00:00 +0000"


class Person:
    """A user with a home and an agent of their own."""

    def __init__(self, exchange, folder, address):
        self.exchange, self.address = exchange, address
        self.passphrase = "passphrase of " + address
        self.home = pathlib.Path(folder) / address
        (self.home / "run").mkdir(parents=True, mode=0o700)
        self.env = dict(os.environ, HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"),
                        XDG_DATA_HOME=str(self.home / "data"), XDG_RUNTIME_DIR=str(self.home / "run"), NO_COLOR="1",
                        TZ="UTC", LC_ALL="C.UTF-8")
        self.program = build_folder() / "letterlock"

    def run(self, *words, stdin="", want=0, passphrase=None, password=None, secrets=True, timeout=120,
            stderr=True):
        """Passphrase and password come through descriptors; no terminal is there to be asked at."""
        command, fds = [str(self.program), *map(str, words)], []
        if secrets:
            for option, secret in (("--passphrase-fd", passphrase or self.passphrase),
                                   ("--password-fd", password or self.exchange.password(self.address))):
                fds.append(pipe_with(secret))
                command += [option, str(fds[-1])]
        try:
            done = subprocess.run(command, input=stdin.encode(), env=self.env, pass_fds=fds, capture_output=True,
                                  timeout=timeout, start_new_session=True, check=False)
        finally:
            for fd in fds:
                os.close(fd)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert want is None or done.returncode == want, f"{words}: {done.returncode}\n{out}{err}"
        assert "Sanitizer" not in err, err
        return out + err if stderr else out

    def json(self, *words, **more):
        return json.loads(self.run(*words, "--json", **more))

    def servers(self, names=("submissions", "imaps", "https")):
        return [f"--server=127.0.0.1:{self.exchange.port(name)}" for name in names]

    def setup(self, *more, **options):
        return self.run("setup", self.address, *self.servers(), "--pin", self.exchange.pin, *more, **options)

    def stop(self):
        self.run("agent", "stop", secrets=False, want=None)


@pytest.fixture(scope="module")
def place():
    folder = tempfile.mkdtemp(prefix="letterlock-client-")
    yield pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def people(exchange, place):
    """Alice and Bob, both set up."""
    both = [Person(exchange, place, exchange.ALICE), Person(exchange, place, exchange.BOB)]
    try:
        both[0].setup("--name", "Alice Archer")
        both[1].setup()
        yield both
    finally:
        for person in both:
            person.stop()


@pytest.fixture
def stranger(exchange, tmp_path):
    """A home in which nothing is set up yet."""
    person = Person(exchange, tmp_path, exchange.ALICE)
    yield person
    person.stop()


def newest(person):
    return person.json("inbox")[-1]


def append(exchange, address, raw):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as box:
        box.login(address, exchange.password(address))
        assert box.append("INBOX", None, None, raw)[0] == "OK"


def raw_of(exchange, address, uid):
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as box:
        box.login(address, exchange.password(address))
        box.select("INBOX", readonly=True)
        return box.uid("FETCH", str(uid), "(BODY.PEEK[])")[1][0][1]


def plain_mail(exchange, text, subject="Sunday", sender="Uncle Joe <uncle@example.net>"):
    with smtplib.SMTP("127.0.0.1", exchange.port("smtp")) as old:
        old.sendmail("uncle@example.net", [exchange.BOB], f"From: {sender}\r\nTo: {exchange.BOB}\r\n"
                     f"Subject: {subject}\r\nDate: {LONG_AGO}\r\nMessage-ID: <1@example.net>\r\n\r\n{text}\r\n".encode())


# ---- setting up ----


def test_unknown_certificate_is_shown_and_never_accepted_silently(stranger):
    said = stranger.run("setup", stranger.address, *stranger.servers(), want=3)
    assert stranger.exchange.pin in said and "CN=localhost" in said
    assert not (stranger.home / "config" / "letterlock" / "account.json").exists()
    assert "no account is set up" in stranger.run("inbox", want=1)


def test_other_pin_is_refused(stranger):
    stranger.run("setup", stranger.address, *stranger.servers(), "--pin", "00" * 32, want=3)
    assert not (stranger.home / "config" / "letterlock" / "account.json").exists()


def answer_at_terminal(person, words, dialogue, timeout=60):
    """Runs letterlock at a terminal of its own; dialogue: (what it says, what is typed)."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(person.program, [str(person.program), *words], person.env)
    said, end, left = "", time.monotonic() + timeout, list(dialogue)
    try:
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            said += piece.decode()
            if left and left[0][0] in said:
                time.sleep(0.2)
                os.write(terminal, left.pop(0)[1].encode() + b"\n")
                said += "\n<answered>\n"
    finally:
        os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), said


def test_person_is_asked_and_decides(stranger):
    words = ["setup", stranger.address, *stranger.servers()]
    status, said = answer_at_terminal(stranger, words, [("Believe this server", "n")])
    assert status == 3 and stranger.exchange.pin in said
    password = stranger.exchange.password(stranger.address)
    status, said = answer_at_terminal(stranger, words, [
        ("Believe this server", "yes"), ("Password of", password), ("Passphrase for your new key", "a b c"),
        ("Once more", "a b c")])
    assert status == 0, said
    assert password not in said and "a b c" not in said
    assert stranger.exchange.pin in (stranger.home / "config" / "letterlock" / "account.json").read_text()
    # The agent keeps the password for a while: nobody is asked again.
    assert stranger.run("inbox", secrets=False) is not None


def test_certificate_behind_starttls_is_shown_and_asked_about(stranger):
    server = f"--server=imap://127.0.0.1:{stranger.exchange.ports['imap']}"
    said = stranger.run("setup", stranger.address, server, want=3)
    assert stranger.exchange.pin in said and "CN=localhost" in said
    status, said = answer_at_terminal(stranger, ["setup", stranger.address, server], [("Believe this server", "n")])
    assert status == 3 and stranger.exchange.pin in said and "Password" not in said
    assert not (stranger.home / "config" / "letterlock" / "account.json").exists()


def test_wrong_password(stranger):
    said = stranger.setup(want=1, password="wrong")
    assert "does not accept" in said
    assert stranger.run("key", "list", secrets=False) == ""


def test_starttls_servers(stranger):
    ports = stranger.exchange.ports
    stranger.run("setup", stranger.address, f"--server=submission://127.0.0.1:{ports['submission']}",
                 f"--server=imap://127.0.0.1:{ports['imap']}", f"--server=https://127.0.0.1:{ports['https']}",
                 "--pin", stranger.exchange.pin)
    stranger.run("send", "--to", stranger.address, "--subject", "to myself", "--seal", stdin="hello\n")
    assert newest(stranger)["subject"] == "to myself"


def test_files_are_private(people):
    for path in people[0].home.rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o077 == 0 or path.name == "config" or path.is_dir(), path
    key = next((people[0].home / "data" / "letterlock" / "keys").iterdir()).read_bytes()
    assert people[0].passphrase.encode() not in key


# ---- keys ----


def test_published_key_is_found(people, exchange):
    alice, bob = people
    found = alice.json("key", "find", bob.address)
    assert found["addresses"] == [bob.address] and found["origin"] == "directory" and found["believed"]
    assert not found["verified"]
    assert bob.json("key", "list", "--secret")[0]["fingerprint"] == found["fingerprint"]
    assert "compared" in alice.run("key", "show", bob.address)
    alice.run("key", "find", "nobody@example.org", want=1)


def test_gpg_reads_the_exported_key(people, tmp_path):
    alice = people[0]
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    env = dict(os.environ, GNUPGHOME=str(home))

    def gpg(*args, data=None):
        return subprocess.run(["gpg", "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase",
                               alice.passphrase, *args], input=data, capture_output=True, env=env, timeout=60, check=False)
    try:
        alice.run("key", "export", "--secret", alice.address, "--output", tmp_path / "alice.key")
        assert (tmp_path / "alice.key").stat().st_mode & 0o077 == 0
        gpg("--import", str(tmp_path / "alice.key"))
        assert alice.address in gpg("--list-secret-keys").stdout.decode()
        assert b"BEGIN PGP SIGNATURE" in gpg("--armor", "--detach-sign", data=b"x").stdout
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=env, check=False, timeout=60)
    alice.run("key", "export", "--secret", alice.address, passphrase="wrong", want=1)


def test_exported_key_is_imported(people, stranger, tmp_path):
    bob = people[1]
    bob.run("key", "export", "--secret", bob.address, "--output", tmp_path / "bob.key")
    bob.run("key", "export", bob.address, "--output", tmp_path / "bob.pgp")
    stranger.run("key", "import", tmp_path / "bob.pgp")
    assert not stranger.json("key", "show", bob.address)["secret"]
    stranger.run("key", "import", tmp_path / "bob.key", passphrase="wrong", want=1)
    stranger.run("key", "import", tmp_path / "bob.key", passphrase=bob.passphrase)
    assert stranger.json("key", "show", bob.address)["secret"]
    stranger.run("key", "import", __file__, want=1)
    assert stranger.json("key", "import", tmp_path / "bob.pgp")[0]["addresses"] == [bob.address]


@pytest.mark.parametrize("version", ["4", "6"])
def test_new_key(stranger, version):
    more = ["--v6"] if version == "6" else []
    made = stranger.json("key", "new", "carol@example.org", "--name", "Carol", *more)
    assert len(made["fingerprint"]) == (64 if version == "6" else 40)
    assert "carol@example.org" in stranger.run("key", "list")
    stranger.run("key", "new", "no address", want=2)


def test_silent_key_replacement(people, place, exchange, stranger, tmp_path):
    """A second certificate of a known person lies beside the first one and does not take its place."""
    alice, bob = people
    known = alice.json("key", "find", bob.address)["fingerprint"]
    other = stranger.json("key", "new", bob.address)["fingerprint"]
    stranger.run("key", "export", bob.address, "--output", tmp_path / "other.pgp")
    alice.run("key", "import", tmp_path / "other.pgp")
    assert alice.json("key", "show", bob.address)["fingerprint"] == known
    said = alice.run("send", "--to", bob.address, "--subject", "which key", "--seal", stdin="x\n")
    assert "second certificate" in said
    assert newest(bob)["verdict"]["status"] == "sealed"
    alice.run("key", "verify", other)
    assert alice.json("key", "show", bob.address)["fingerprint"] == other
    alice.run("key", "verify", known)
    assert alice.json("key", "show", bob.address)["fingerprint"] == known


# ---- letters ----


@pytest.fixture(scope="module")
def letter(people, place):
    """Alice's sealed letter with two attachments, as Bob's inbox lists it."""
    alice, bob = people
    small, large = place / "floor plan.txt", place / "recording.bin"
    small.write_text("behind the third bookcase\n")
    large.write_bytes(os.urandom(3 << 20))
    said = alice.run("send", "--to", bob.address, "--subject", SUBJECT, "--seal", "--attach", small, "--attach", large,
                     stdin=TEXT)
    assert f"Sealed, signed and sent to {bob.address}" in said
    return newest(bob), small, large


def test_sealed_letter_is_read(people, letter):
    listed, _, _ = letter
    assert listed["subject"] == SUBJECT and listed["from"] == "Alice Archer <alice@example.org>"
    verdict = listed["verdict"]
    assert verdict["status"] == "sealed" and verdict["signature"] == "good" and verdict["headers_protected"]
    assert verdict["signer"] == people[0].json("key", "list", "--secret")[0]["fingerprint"]
    said = people[1].run("read", listed["number"])
    for line in TEXT.splitlines():
        assert line in said.splitlines()
    assert "It was encrypted" in said and "It was signed by the sender" in said and "directory" in said
    assert people[1].json("read", listed["number"])["text"].rstrip() == TEXT.rstrip()
    assert SUBJECT in people[1].run("inbox")


def test_nothing_is_readable_at_the_exchange(exchange, letter):
    needles = [b"cardamom", SUBJECT.encode(), b"third bookcase", b"floor plan", b"recording.bin"]
    for path in exchange.data.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(needle in content for needle in needles), path
    raw = raw_of(exchange, exchange.BOB, letter[0]["number"])
    outer = email.message_from_bytes(raw, policy=email.policy.default)
    assert outer["Subject"] == "[...]" and outer.get_content_type() == "multipart/encrypted"


def test_attachments_are_saved_and_nothing_is_replaced(people, letter, tmp_path):
    listed, small, large = letter
    for _ in range(2):
        people[1].run("save", listed["number"], "--to", tmp_path / "saved")
    names = sorted(path.name for path in (tmp_path / "saved").iterdir())
    assert names == ["floor plan-2.txt", "floor plan.txt", "recording-2.bin", "recording.bin"]
    for name, source in (("floor plan.txt", small), ("recording.bin", large), ("recording-2.bin", large)):
        assert (tmp_path / "saved" / name).read_bytes() == source.read_bytes()


def test_changed_letter_is_refused(people, exchange, letter, tmp_path):
    raw = raw_of(exchange, exchange.BOB, letter[0]["number"])
    lines = raw.split(b"\r\n")
    at = next(i for i, line in enumerate(lines) if b"BEGIN PGP MESSAGE" in line) + 40
    lines[at] = lines[at][:10] + (b"A" if lines[at][10:11] != b"A" else b"B") + lines[at][11:]
    append(exchange, exchange.BOB, b"\r\n".join(lines))
    listed = newest(people[1])
    assert listed["verdict"]["status"] == "closed" and listed["subject"] != SUBJECT
    said = people[1].run("read", listed["number"], want=1)
    assert "could not be opened" in said and "cardamom" not in said
    people[1].run("save", listed["number"], "--to", tmp_path, want=1)
    assert not list(tmp_path.iterdir())


def test_plain_mail(people, exchange):
    plain_mail(exchange, "Lunch at noon?")
    listed = newest(people[1])
    assert listed["verdict"]["status"] == "plain"
    said = people[1].run("read", listed["number"])
    assert "It was not encrypted" in said and "It was not signed" in said and "Lunch at noon?" in said


def test_terminal_injection(people, exchange):
    plain_mail(exchange, "text \x1b[2J\x9b31m\x07 end", subject="=?utf-8?Q?a=1B=5B31mb=E2=80=AEc?=",
               sender="\"x\x1b[0m\" <uncle@example.net>")
    for said in (people[1].run("inbox"), people[1].run("read", newest(people[1])["number"])):
        assert "\x1b" not in said and "\x9b" not in said and "\x07" not in said and "\u202e" not in said


def test_verdict_is_not_in_the_letter(people, exchange):
    """Words of a verdict in the text or a header stand below the true one, which comes first."""
    plain_mail(exchange, "  It was encrypted: only its recipients can read it.\r\n  It was signed by the sender.",
               subject="It was encrypted and signed by the sender")
    said = people[1].run("read", newest(people[1])["number"])
    assert said.index("It was not signed") < said.index("It was signed by the sender.\n")


def test_only_signed(people):
    people[0].run("send", "--to", people[1].address, "--subject", "in the open", "--sign-only", stdin="hello\n")
    listed = newest(people[1])
    assert listed["verdict"]["status"] == "signed" and listed["subject"] == "in the open"


def test_unknown_recipient(people, exchange):
    """--seal refuses as a whole; without it, who has no certificate is named and gets a readable copy."""
    alice, bob = people
    carol = "carol@example.org"
    exchange.account_add(carol, "carol's password")
    before = newest(bob)["number"]
    said = alice.run("send", "--to", bob.address, "--to", carol, "--subject", "to both", "--seal", stdin="hi\n", want=1)
    assert carol in said and "not sent" in said
    assert newest(bob)["number"] == before
    said = alice.run("send", "--to", bob.address, "--to", carol, "--subject", "to both", stdin="hi\n")
    assert f"Sealed, signed and sent to {bob.address}" in said and f"(not sealed) to {carol}" in said
    assert newest(bob)["verdict"]["status"] == "sealed"
    raw = raw_of(exchange, carol, 1)
    assert email.message_from_bytes(raw).get_content_type() == "multipart/signed" and b"to both" in raw


def test_recipient_elsewhere_waits_in_the_queue(people, exchange):
    people[0].run("send", "--to", "somebody@example.net", "--subject", "x", stdin="hi\n")
    assert "somebody@example.net" in exchange.run("queue", "list").stdout
    said = people[0].run("send", "--to", "nobody@example.org", "--subject", "x", stdin="hi\n", want=1)
    assert "refuses" in said and "nobody@example.org" in said


def test_header_injection(people, exchange):
    people[0].run("send", "--to", people[1].address, "--subject", "a\r\nBcc: evil@example.net\r\nX-Evil: yes",
                  "--sign-only", stdin="hi\n", want=None)
    raw = raw_of(exchange, exchange.BOB, newest(people[1])["number"])
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["X-Evil"] is None and message["Bcc"] is None


def test_ends_of_letters(people):
    """Texts that end or begin oddly arrive as they were."""
    for text in ("no end of line", "..\n.\n", "", "\n\n\n", "ü" * 2000 + "\n", " trailing blanks  \n"):
        people[0].run("send", "--to", people[1].address, "--subject", "odd", "--seal", stdin=text)
        listed = newest(people[1])
        assert listed["verdict"]["status"] == "sealed"
        assert people[1].json("read", listed["number"])["text"].rstrip("\n") == text.rstrip("\n")


# ---- the agent ----


def test_agent_forgets(people, letter):
    bob = people[1]
    number = letter[0]["number"]
    bob.run("read", number)
    held = json.loads(bob.run("agent", "list", "--json", secrets=False))
    assert len(held) == 2 and all(0 < key["seconds"] <= 3600 for key in held)
    # Held keys need no passphrase: a wrong one is not even asked for.
    bob.run("read", number, passphrase="wrong")
    assert "2 things" in bob.run("agent", "forget", secrets=False)
    said = bob.run("read", number, passphrase="wrong", want=1)
    assert "cardamom" not in said and "passphrase" in said
    bob.run("read", number)
    bob.stop()
    assert bob.run("agent", "list", secrets=False) == "No agent is running.\n"
    bob.run("read", number)
    assert len(json.loads(bob.run("agent", "list", "--json", secrets=False))) == 2


def test_agent_cannot_be_traced_or_dumped(people, letter):
    bob = people[1]
    bob.run("read", letter[0]["number"])
    agents = [pathlib.Path("/proc") / pid for pid in os.listdir("/proc") if pid.isdigit()]
    ours = []
    for proc in agents:
        try:
            if b"agent\0run" in (proc / "cmdline").read_bytes() and \
                    str(bob.home).encode() in (proc / "environ").read_bytes():
                ours.append(proc)
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            continue
    assert ours or os.geteuid() != 0
    for proc in ours:
        limits = (proc / "limits").read_text()
        assert next(line for line in limits.splitlines() if "core file" in line).split()[4:6] == ["0", "0"]


# ---- the command line ----


@pytest.mark.parametrize("verb", ["setup", "key", "send", "inbox", "read", "save", "agent"])
def test_help_has_examples(stranger, verb):
    said = stranger.run(verb, "--help", secrets=False)
    assert "Examples:" in said and verb in said


@pytest.mark.parametrize("words", [[], ["nonsense"], ["read"], ["read", "x"], ["send"], ["send", "--to"],
                                   ["send", "--to", "not an address"], ["key", "nonsense"], ["inbox", "--unknown"],
                                   ["setup"], ["setup", "no-address"],
                                   ["send", "--to", "a@b", "--seal", "--sign-only"]])
def test_used_wrongly(people, words):
    people[0].run(*words, secrets=False, want=None)
    done = subprocess.run([str(people[0].program), *words], env=people[0].env, capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, start_new_session=True, check=False)
    assert done.returncode in (1, 2), done
    assert done.returncode == 2 or words[0] in ("send",), done
    assert done.stderr


def test_server_gone(people):
    account = people[0].home / "config" / "letterlock" / "account.json"
    kept = account.read_text()
    try:
        account.write_text(kept.replace(str(people[0].exchange.port("imaps")), "1"))
        people[0].run("inbox", want=3)
    finally:
        account.write_text(kept)
