# SPDX-License-Identifier: ISC
"""SMTP servers with many faces, for those who look at servers: reads {"log", "listeners": [...]} from the file in argv.

A listener: {"at": [address, port], "face": ..., "certificate", "key", "low", "high" (versions of TLS), "ciphers"}. Faces:
  tls        offers STARTTLS and does it
  none       does not offer it, and refuses it
  hidden     does not offer it, and does it all the same
  masked     offers it under a line of X
  clear      accepts it and goes on in clear
  behind     says more behind the answer to STARTTLS
  broken     accepts it and answers the handshake with an alert
  refuses    offers it and refuses it
  busy       greets with 421
  silent     accepts connections and says nothing
  implicit   TLS from the first octet
"""
import json
import socketserver
import ssl
import sys
import threading

VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3}
OFFERS = {"tls", "clear", "behind", "broken", "refuses"}


def context(listener):
    one = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    one.set_ciphers(listener.get("ciphers", "DEFAULT:@SECLEVEL=0"))
    one.load_cert_chain(listener["certificate"], listener["key"])
    one.minimum_version = VERSIONS[listener.get("low", "1.2")]
    one.maximum_version = VERSIONS[listener.get("high", "1.3")]
    return one


class Handler(socketserver.BaseRequestHandler):
    def note(self, line):
        with self.server.lock, open(self.server.log, "a") as log:
            log.write(f"{self.server.server_address[0]} {self.server.face} {line}\n")

    def say(self, text):
        self.request.sendall(text.encode("latin-1"))

    def hello(self, secure):
        lines = ["faces.example", "PIPELINING"]
        if self.server.face == "masked":
            lines.append("XXXXXXXA")
        elif self.server.face in OFFERS and not secure:
            lines.append("STARTTLS")
        lines.append("8BITMIME")
        self.say("".join(f"250{'-' if i + 1 < len(lines) else ' '}{line}\r\n" for i, line in enumerate(lines)))

    def start_tls(self):
        face = self.server.face
        if face in ("none", "masked", "refuses"):
            self.say("454 4.7.0 no TLS now\r\n")
            return False
        self.say("220 2.0.0 go ahead\r\n" + ("250 injected\r\n" if face == "behind" else ""))
        if face == "clear":
            self.request.recv(4096)
            self.say("500 what?\r\n")
            return False
        if face == "broken":
            self.request.recv(4096)
            self.request.sendall(b"\x15\x03\x01\x00\x02\x02\x28")
            return False
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.lines = self.request.makefile("rb")
        return True

    def handle(self):
        try:
            self.talk()
        except (OSError, ssl.SSLError):
            self.note("broke")

    def talk(self):
        face, secure = self.server.face, False
        if face == "silent":
            self.request.recv(4096)
            return
        if face == "implicit":
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.lines = self.request.makefile("rb")
        self.say("421 4.3.2 too busy\r\n" if face == "busy" else self.server.greeting)
        while line := self.lines.readline():  # after STARTTLS from another stream
            words = line.strip().decode("latin-1").upper()
            self.note(words)
            if words.startswith("EHLO"):
                self.hello(secure)
            elif words == "STARTTLS":
                secure = self.start_tls() or secure
            elif words == "QUIT":
                self.say("221 2.0.0 bye\r\n")
                return
            else:
                self.say("502 5.5.1 no\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    lock = threading.Lock()

    def handle_error(self, *words):
        pass


def main():
    config = json.load(open(sys.argv[1]))
    for listener in config["listeners"]:
        server = Server(tuple(listener["at"]), Handler)
        server.face, server.log = listener["face"], config["log"]
        server.greeting = listener.get("greeting", "220 faces.example ESMTP\r\n")
        server.context = context(listener) if "certificate" in listener else None
        threading.Thread(target=server.serve_forever, daemon=True).start()
    open(config["log"] + ".ready", "w").close()
    threading.Event().wait()


if __name__ == "__main__":
    main()
