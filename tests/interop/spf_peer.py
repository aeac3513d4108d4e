# SPDX-License-Identifier: ISC
"""Our SPF (`spf_tool`) as something to call, with DNS out of a dictionary."""
import ipaddress
import subprocess

TYPES = {1: "A", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}
TIMEOUT = "TIMEOUT"


def hexed(value):
    value = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return value.hex() or "-"


def unhexed(word):
    return b"" if word == "-" else bytes.fromhex(word)


class Zones:
    """{name: [(type, value) or TIMEOUT]}; values as octets or text. A CNAME is followed, as a resolver does."""

    def __init__(self, names):
        self.names = {name.lower().rstrip("."): rows for name, rows in names.items()}
        self.asked = []

    def ask(self, name, kind):
        """(word, records): "found", "none", "no-name", "failed"."""
        self.asked.append((name, kind))
        rows = self.names.get(name.lower().rstrip("."))
        for _ in range(8):
            target = [row[1] for row in rows or [] if row != TIMEOUT and row[0] == "CNAME"]
            if not target:
                break
            rows = self.names.get(target[0].lower().rstrip("."))
        if rows is None:
            below = any(other.endswith("." + name.lower()) for other in self.names)
            return ("none" if below else "no-name"), []
        found = [row[1] for row in rows if row != TIMEOUT and row[0] == kind]
        if found:
            return "found", found
        return ("failed" if TIMEOUT in rows else "none"), []


def on_wire(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "MX":
        return value[1].encode()
    if kind == "TXT":
        return b"".join(piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogateescape")
                        for piece in (value if isinstance(value, (list, tuple)) else [value]))
    return value.encode()


class SpfTool:
    def __init__(self, path):
        self.process = subprocess.Popen([str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        assert self.process.returncode == 0

    def say(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        assert line.endswith("\n"), "spf_tool has ended"
        return line.split()

    def check(self, zones, ip, helo, mail_from, identity="from", receiver="receiver.example", now=1700000000):
        """{result, mechanism, explanation, lookups, voids, reason}"""
        self.say("check", hexed(identity), ipaddress.ip_address(ip).packed.hex(), hexed(helo), hexed(mail_from),
                 hexed(receiver), hexed(str(now)))
        while (words := self.hear())[0] == "?":
            kind = TYPES[int(words[1])]
            word, records = zones.ask(unhexed(words[2]).decode(), kind)
            if kind == "MX":
                records = sorted(records, key=lambda row: row[0])
            self.say(word, *(hexed(on_wire(kind, record)) for record in records))
        return {"result": words[1], "mechanism": unhexed(words[2]).decode(), "explanation": unhexed(words[3]).decode(),
                "lookups": int(words[4]), "voids": int(words[5]), "reason": unhexed(words[6]).decode()}

    def look(self, *texts):
        """[(gravity, term, sentence)]"""
        self.say("look", *map(hexed, texts))
        rows = [self.hear() for _ in range(int(self.hear()[2]))]
        return [(gravity, unhexed(term).decode(), unhexed(text).decode()) for gravity, term, text in rows]

    def rewrite(self, verb, key, domain, now, address):
        """The address, or None and the reason's word."""
        self.say(verb, hexed(key), hexed(domain), hexed(str(now)), hexed(address))
        words = self.hear()
        return (unhexed(words[1]).decode(), None) if words[0] == "=" else (None, words[1])
