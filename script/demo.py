# SPDX-License-Identifier: ISC
"""A letter's whole way, step by step, each said in one sentence and checked. See script/demo."""
import base64
import email
import email.policy
import hashlib
import imaplib
import json
import os
import pathlib
import quopri
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LETTERLOCK, LETTERLOCKD = ROOT / "build" / "letterlock", ROOT / "build" / "letterlockd"
DOMAIN = "example.org"
PEOPLE = {"alice": "the fish swims at dawn", "bob": "seven grey geese"}
SUBJECT = "The plan for Thursday, in confidence"
TEXT = ("Dear Bob,\n\nthe secret ingredient is cardamom. Nobody but you needs to know.\n"
        "The drawing and the recording are attached.\n\nAlice\n")
SMALL_NAME, LARGE_NAME = "floor-plan-of-the-vault.txt", "recording-of-the-meeting.bin"
LARGE_SIZE = 20 << 20
WAIT = 60


class Failed(Exception):
    """A step that did not hold; its sentence says which."""


def say(sentence):
    print(f"  {sentence}", flush=True)


def must(held, sentence):
    if not held:
        raise Failed(sentence)
    say(sentence)


def pipe_of(text):
    """A descriptor from which a program can read one line: nothing secret on a command line."""
    read, write = os.pipe()
    os.write(write, text.encode() + b"\n")
    os.close(write)
    return read


class Person:
    """One user of this machine, with a home folder and an agent of their own."""

    def __init__(self, place, name):
        self.name, self.address, self.secret = name, f"{name}@{DOMAIN}", PEOPLE[name]
        self.home = place.dir / name
        self.runtime = self.home / "run"
        self.runtime.mkdir(parents=True, mode=0o700)
        self.env = dict(os.environ, HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"),
                        XDG_DATA_HOME=str(self.home / "data"), XDG_RUNTIME_DIR=str(self.runtime),
                        XDG_CACHE_HOME=str(self.home / "cache"), NO_COLOR="1")

    def run(self, *args, stdin="", want=0):
        """Runs letterlock as this person; their secret comes through a descriptor."""
        passphrase, password = pipe_of(self.secret), pipe_of(self.secret)
        argv = [str(LETTERLOCK), *map(str, args)]
        for option, fd in (("--passphrase-fd", passphrase), ("--password-fd", password)):
            if args[0] not in ("agent",):
                argv += [option, str(fd)]
        try:
            done = subprocess.run(argv, input=stdin.encode(), capture_output=True, env=self.env, timeout=300,
                                  pass_fds=[passphrase, password], check=False)
        finally:
            os.close(passphrase)
            os.close(password)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if want is not None and done.returncode != want:
            raise Failed(f"`letterlock {' '.join(map(str, args))}` ended with status {done.returncode}: {err.strip() or out.strip()}")
        return out + err


class Place:
    """The exchange in a fresh folder, and everything that must be stopped and removed at the end."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="letterlock-demo."))
        self.data, self.process, self.ports, self.pin = self.dir / "exchange", None, {}, ""

    def config(self):
        path = self.dir / "letterlockd.conf"
        ports = "".join(f"port_{name} = 0\n" for name in
                        ("smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "hkp", "https", "http"))
        path.write_text(f'hostname = "localhost"\ndomains = {{ "{DOMAIN}" }}\ndata = "{self.data}"\n'
                        f'listen = {{ "127.0.0.1" }}\n{ports}')
        return path

    def start(self):
        config = self.config()
        for name, secret in PEOPLE.items():
            fd = pipe_of(secret)
            subprocess.run([LETTERLOCKD, "account", "add", f"{name}@{DOMAIN}", "--config", config, "--password-fd",
                            str(fd)], pass_fds=[fd], check=True, stdout=subprocess.DEVNULL)
            os.close(fd)
        self.log = open(self.dir / "letterlockd.log", "wb")
        self.process = subprocess.Popen([LETTERLOCKD, "run", "--config", config], stdout=self.log, stderr=self.log)
        ready = self.data / "ports.json"
        for _ in range(WAIT * 10):
            if self.process.poll() is not None:
                raise Failed("the exchange did not start:\n" + (self.dir / "letterlockd.log").read_text())
            if ready.exists():
                break
            time.sleep(0.1)
        self.ports = json.loads(ready.read_text())
        self.pin = self.ports.pop("pin", "")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)


def tls():
    """For the plain mail programs of this demonstration, which do not know the pin."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def mailbox(place, person):
    box = imaplib.IMAP4_SSL("127.0.0.1", place.ports["imaps"], ssl_context=tls())
    box.login(person.address, person.secret)
    box.select("INBOX")
    return box


def set_up(place, person):
    server = [f"--server=127.0.0.1:{place.ports[name]}" for name in ("submissions", "imaps", "https")]
    person.run("setup", person.address, *server, "--pin", place.pin)
    listed = person.run("key", "list")
    must(person.address in listed, f"{person.name.title()} signs in, makes a key, and the exchange's directory publishes it.")


def forms(text):
    """Every form in which these words could lie on a disk."""
    raw = text.encode()
    found = {raw, text.encode("utf-16-le"), text.encode("utf-16-be"), quopri.encodestring(raw).strip()}
    for lead in range(3):  # base64 at each of the three alignments, without the octets that neighbours touch
        whole = base64.b64encode(b"\0" * lead + raw)
        found.add(whole[4 if lead else 0:len(whole) - 4])
    return found


def nothing_in_clear(place, samples):
    needles = {form: name for name, text in samples.items() for form in forms(text)}
    control = forms(f"bob@{DOMAIN}")  # what must be there: a search that finds nothing at all proves nothing
    seen = False
    for path in place.data.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        seen = seen or any(form in content for form in control)
        for form, name in needles.items():
            if form in content:
                raise Failed(f"{name} lies readable in {path.relative_to(place.dir)}")
    if not seen:
        raise Failed("the search found not even Bob's address in the data folder")
    log = (place.dir / "letterlockd.log").read_bytes()
    if any(form in log for form in needles):
        raise Failed("the log has words of the letter")


def write_letter(place, alice, bob):
    small, large = place.dir / SMALL_NAME, place.dir / LARGE_NAME
    small.write_text("The vault is behind the third bookcase from the window.\n" * 3)
    marker = "a phrase that only this recording holds"
    large.write_bytes(os.urandom(LARGE_SIZE // 2) + marker.encode() + os.urandom(LARGE_SIZE - LARGE_SIZE // 2 - len(marker)))
    alice.run("send", "--to", bob.address, "--subject", SUBJECT, "--seal", "--attach", small, "--attach", large, stdin=TEXT)
    say(f"Alice writes to Bob: a text, a small file, and one of {LARGE_SIZE >> 20} MiB; it is sealed on her side.")
    nothing_in_clear(place, {"the subject": SUBJECT, "the text": "the secret ingredient is cardamom",
                             "a file name": SMALL_NAME, "the other file name": LARGE_NAME,
                             "the small file": "behind the third bookcase", "the large file": marker})
    say("Neither subject, text, file names nor files are anywhere in the exchange's data folder or log, in any form.")
    return small, large


def read_letter(place, bob, files):
    listed = bob.run("inbox")
    must(SUBJECT in listed, "Bob fetches his mail and sees the real subject.")
    said = bob.run("read", "1")
    must("cardamom" in said and "alice@" in said, "Bob opens the letter.")
    must("encrypted" in said.lower() and "signed" in said.lower(), "He is told that it was encrypted, and who signed it.")
    folder = place.dir / "saved"
    bob.run("save", "1", "--to", folder)
    for path in files:
        saved = folder / path.name
        if not saved.exists() or digest(saved) != digest(path):
            raise Failed(f"the attachment {path.name} did not arrive as it was sent")
    say("Both attachments arrive as they were sent, octet for octet.")


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def changed_letter(place, bob):
    box = mailbox(place, bob)
    raw = box.fetch("1", "(BODY.PEEK[])")[1][0][1]
    lines = raw.split(b"\r\n")
    at = next(i for i, line in enumerate(lines) if b"BEGIN PGP MESSAGE" in line) + 40
    lines[at] = lines[at][:10] + (b"A" if lines[at][10:11] != b"A" else b"B") + lines[at][11:]
    box.append("INBOX", None, None, b"\r\n".join(lines))
    box.logout()
    said = bob.run("read", "2", want=1)
    must("cardamom" not in said, "One octet of it changed on the way: Bob's program refuses it and shows none of it.")
    return raw


def plain_mail(place, bob):
    with smtplib.SMTP("127.0.0.1", place.ports["smtp"]) as old:
        old.sendmail("uncle@example.net", [bob.address], "From: Uncle Joe <uncle@example.net>\r\nTo: bob@example.org\r\n"
                     "Subject: Sunday\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.net>\r\n\r\n"
                     "Lunch at noon?\r\n")
    bob.run("inbox")
    said = bob.run("read", "3").lower()
    must("lunch at noon" in said and "not encrypted" in said and "not signed" in said,
         "A plain mail from an old program arrives, and is shown as neither encrypted nor signed.")


def gpg_opens_it(place, alice, bob, raw):
    home = place.dir / "gnupg"
    home.mkdir(mode=0o700)
    env = dict(os.environ, GNUPGHOME=str(home))

    def gpg(*args, data=None):
        return subprocess.run(["gpg", "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", bob.secret, *args],
                              input=data, capture_output=True, env=env, check=False)
    try:
        key = place.dir / "bob.key"
        bob.run("key", "export", "--secret", bob.address, "--output", key)
        gpg("--import", str(key))
        found = subprocess.run(["curl", "-fsk", f"https://127.0.0.1:{place.ports['https']}/pks/lookup?op=get&options=mr&"
                                f"search={alice.address}"], capture_output=True, check=False)
        gpg("--import", data=found.stdout)
        must(alice.address.encode() in gpg("--list-keys").stdout, "gpg has Bob's exported key, and curl finds Alice's in the directory.")
        letter = email.message_from_bytes(raw, policy=email.policy.default)
        sealed = next(part for part in letter.walk() if part.get_content_type() == "application/octet-stream")
        opened = gpg("--decrypt", data=sealed.get_payload(decode=True))
        must(b"cardamom" in base64_texts(opened.stdout) and b"Good signature" in opened.stderr,
             "gpg opens the same letter with it and finds Alice's signature good.")
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=env, check=False)


def base64_texts(raw):
    """The letter's texts, whatever transfer encoding they have."""
    return b"\n".join(part.get_payload(decode=True) or b"" for part in email.message_from_bytes(raw).walk()
                      if part.get_content_maintype() == "text")


def show_how_to_connect(place):
    p = place.ports
    print(f"\nThe exchange keeps running. Any mail program can connect to it on 127.0.0.1:\n"
          f"  IMAP        port {p['imaps']} (TLS), or {p['imap']} with STARTTLS\n"
          f"  SMTP        port {p['submissions']} (TLS), or {p['submission']} with STARTTLS, to send\n"
          f"  key server  hkp://127.0.0.1:{p['hkp']}, or https://127.0.0.1:{p['https']}\n"
          f"  certificate made by itself; SHA-256 of its public key: {place.pin}")
    for name, secret in PEOPLE.items():
        print(f"  user {name}@{DOMAIN}, password \"{secret}\"")
    print("Ctrl-C ends it and removes everything.", flush=True)
    while place.process.poll() is None:
        time.sleep(0.5)


def steps(place):
    place.start()
    must(bool(place.ports), "The exchange runs on loopback, with a certificate that it made itself, and two accounts.")
    alice, bob = Person(place, "alice"), Person(place, "bob")
    try:
        set_up(place, alice)
        set_up(place, bob)
        read_letter(place, bob, write_letter(place, alice, bob))
        raw = changed_letter(place, bob)
        plain_mail(place, bob)
        gpg_opens_it(place, alice, bob, raw)
    finally:
        for person in (alice, bob):
            person.run("agent", "stop", want=None)


def main():
    once = "--once" in sys.argv[1:]
    place = Place()
    try:
        steps(place)
        print("Every step held.", flush=True)
        if not once:
            show_how_to_connect(place)
    except Failed as failed:
        print(f"\nThis did not hold: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    finally:
        place.stop()
    return 0


sys.exit(main())
