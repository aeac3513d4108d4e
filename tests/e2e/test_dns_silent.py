# SPDX-License-Identifier: ISC
"""Name servers that do not answer: who waits, for how long, and that nothing is let through for it."""
import contextlib
import time

from test_judge import judged, letter, send, settings
from test_resolver import NameServer, wait_until
from zones import free_port

SPF = {("sender.test", 16): [b"\x1dv=spf1 ip4:127.0.0.2/32 ~all "], ("_dmarc.sender.test", 16): [b"\x12v=DMARC1; p=reject"]}
SOON = 4  # seconds; a look-up alone may take 5


class PartlySilent(NameServer):
    """It answers everything but what is below this."""

    mute = "\0"

    def answer_to(self, query):
        name = self.read(query)[0]
        return None if name.endswith(self.mute) else super().answer_to(query)


@contextlib.contextmanager
def serving(made):
    try:
        yield made
    finally:
        made.close()


def took(exchange, subject, **how):
    """What is said of such a letter, and the seconds it took."""
    begun = time.monotonic()
    got = judged(exchange, letter(subject, **how), subject)
    return got, time.monotonic() - begun


def unknown(got):
    return got["spf"][0][0] == "temperror" and got["dmarc"][0][0] == "temperror"


def test_silent_servers_are_waited_for_once(fresh_exchange):
    with serving(PartlySilent(SPF, silent=True)) as server:
        exchange = fresh_exchange(settings(server.setting))
        got, first = took(exchange, "first")
        assert unknown(got) and first < 3 * SOON
        wait_until(lambda: "resolver.silent" in exchange.log(), "nobody says so")
        for n in range(5):
            got, later = took(exchange, f"later{n}")
            assert unknown(got) and later < SOON, later
        assert exchange.log().count("resolver.silent") == 1
        server.silent = False
        wait_until(lambda: "resolver.answered" in exchange.log(), "it is not heard again")


def test_what_is_remembered_is_still_known(fresh_exchange):
    with serving(PartlySilent(SPF)) as server:
        exchange = fresh_exchange(settings(server.setting))
        got, _ = took(exchange, "known")
        assert got["spf"][0][0] == "pass" and got["dmarc"][0][0] == "pass"
        server.silent = True
        got, _ = took(exchange, "other", author="a@other.test")
        wait_until(lambda: "resolver.silent" in exchange.log(), "nobody says so")
        got, seconds = took(exchange, "still known")
        assert got["spf"][0][0] == "pass" and got["dmarc"][0][0] == "pass" and seconds < SOON
        # A forger's letter in that name is refused as before: that other things are not known is no reason to let it in.
        refused = send(exchange, letter("forged"), client="127.0.0.3")
        assert refused is not None and refused[0] // 100 == 5, refused


def test_servers_of_a_domain_that_are_silent_silence_nobody_else(fresh_exchange):
    """Who sends mail chooses whose servers are asked."""
    with serving(PartlySilent(SPF)) as server:
        server.mute = "lame.test"
        exchange = fresh_exchange(settings(server.setting))
        got, _ = took(exchange, "lame", author="a@lame.test")
        assert got["dmarc"][0][0] == "temperror"
        got, seconds = took(exchange, "not lame")
        assert got["spf"][0][0] == "pass" and got["dmarc"][0][0] == "pass" and seconds < SOON
        assert "resolver.silent" not in exchange.log()


def test_servers_that_are_not_there(fresh_exchange):
    """Nothing listens: each question is refused by the machine itself."""
    exchange = fresh_exchange(settings(f'{{ "127.0.0.1@{free_port()}" }}'))
    for n in range(3):
        got, seconds = took(exchange, f"gone{n}")
        assert unknown(got) and seconds < SOON
    wait_until(lambda: "resolver.silent" in exchange.log(), "nobody says so")
