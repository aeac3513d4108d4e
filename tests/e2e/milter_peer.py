# SPDX-License-Identifier: ISC
"""A milter in libmilter's own terms (Debian python3-milter): what it does stands in the Subject of the message.

    milter_peer.py SOCKET LOG
"""
import os
import sys
import time

import Milter


class Test(Milter.Base):
    def __init__(self):
        self.lines = []
        self.subject = ""
        self.octets = 0

    def say(self, *words):
        self.lines.append(" ".join(map(str, words)))

    def connect(self, name, family, address):
        self.say("connect", name, address[0] if isinstance(address, tuple) else address)
        return Milter.CONTINUE

    def hello(self, name):
        self.say("helo", name)
        return Milter.CONTINUE

    def envfrom(self, sender, *parameters):
        self.say("from", sender, self.getsymval("i"))
        return Milter.CONTINUE

    def envrcpt(self, to, *parameters):
        self.say("to", to)
        return Milter.CONTINUE

    def header(self, name, value):
        if name.lower() == "subject":
            self.subject = value
        self.say("header", name, repr(value))
        return Milter.CONTINUE

    def body(self, chunk):
        self.octets += len(chunk)
        return Milter.CONTINUE

    def eom(self):
        self.say("body", self.octets)
        with open(sys.argv[2], "a") as log:
            log.write("\n".join(self.lines) + "\n.\n")
        if "edit" in self.subject:
            self.addheader("X-Added", "one\n\ttwo")
            self.addheader("X-First", "v", 0)
            self.chgheader("X-Old", 2, "changed")
            self.chgheader("X-Old", 1, "")
        if "aside" in self.subject:
            self.quarantine("looks odd")
        if "slow" in self.subject:
            for _ in range(3):
                time.sleep(0.2)
                self.progress()
        if "reply" in self.subject:
            self.setreply("554", "5.7.1", "not here")
            return Milter.REJECT
        return {"later": Milter.TEMPFAIL, "gone": Milter.DISCARD, "no": Milter.REJECT}.get(self.subject, Milter.ACCEPT)


os.umask(0)  # whoever it runs as may connect
Milter.factory = Test
Milter.set_flags(Milter.ADDHDRS + Milter.CHGHDRS + Milter.QUARANTINE)
Milter.runmilter("test", sys.argv[1], 30)
