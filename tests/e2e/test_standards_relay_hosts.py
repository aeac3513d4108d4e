# SPDX-License-Identifier: ISC
"""Which host mail goes to, clause by clause: RFC 5321 sections 5.1 and 5.2, RFC 7505, RFC 6531 section 3.2, and address literals.
Every octet that is said there is looked at by standards_peer.py as well."""
import re

import pytest

from standards_peer import eventually, path, world


def rules_zone():
    """Domains of which the test is where they lead; addresses 127.0.9.x are taken by whoever needs them."""
    lines = ["order MX 10 a.order", "order MX 20 b.order", "order MX 30 c.order", "a.order A 127.0.9.1", "b.order A 127.0.9.2",
             "c.order A 127.0.9.3",
             "multi MX 10 mx.multi", "mx.multi A 127.0.9.4", "mx.multi A 127.0.9.5",
             "unusable MX 10 nobody.unusable", "unusable A 127.0.9.6",
             "dead MX 10 mx.dead", "mx.dead A 127.0.9.7", "dead A 127.0.9.6",
             "implicit A 127.0.9.8", "mx.alias A 127.0.9.9", "target MX 10 mx.alias", "alias CNAME target",
             "null MX 0 .", "null A 127.0.9.6", "notnull MX 0 .", "notnull MX 10 mx.notnull", "mx.notnull A 127.0.9.10",
             "self MX 10 first.self", "self MX 20 a.host.example.", "self MX 20 second.self", "self MX 30 third.self",
             "first.self A 127.0.9.11", "second.self A 127.0.9.12", "third.self A 127.0.9.12",
             "textonly TXT \"nothing that takes mail\"", "six MX 10 mx.six", "mx.six AAAA ::1",
             "xn--bcher-kva MX 10 mx.implicit2", "mx.implicit2 A 127.0.9.13"]
    lines += [f"equal{i} MX 10 x.equal" for i in range(24)] + [f"equal{i} MX 10 y.equal" for i in range(24)]
    lines += ["x.equal A 127.0.9.14", "y.equal A 127.0.9.15"]
    return "".join(line.replace(" ", " 60 IN ", 1) + "\n" for line in lines)


@pytest.fixture(scope="module")
def rules():
    with world(rules=rules_zone()) as w:
        yield w


@pytest.fixture(autouse=True)
def nothing_wrong(rules):
    """Of no session that a test has caused."""
    before = len(rules.peers)
    yield
    for peer in rules.peers[before:]:
        assert peer.faults == []


# ---- 5.1: where to ----

@pytest.fixture
def host(rules):
    """A server at 127.0.9.x for the length of a test."""
    made = []

    def make(number, **how):
        where = number if isinstance(number, str) else f"127.0.9.{number}"
        made.append(rules.at(where, **how))
        return made[-1]
    yield make
    for peer in made:
        peer.close()


def test_hosts_in_the_order_of_their_preference(rules, host):
    """5.1: lower numbers first; "MUST be able to try each of the relevant addresses in order, until a delivery attempt succeeds"."""
    (a, b, c) = host(1, replies={"GREETING": "421 x"}), host(2, replies={"MAIL": "451 4.3.0 x"}), host(3)
    rules.submit("x@order.rules.example")
    rules.arrives(c)
    assert a.sessions and b.said("MAIL") and rules.answered("x@order.rules.example", "sent")


def test_every_address_of_a_host(rules, host):
    """5.1, multihomed: the other address, whichever is dead."""
    alive = host(5)
    rules.submit("x@multi.rules.example")
    rules.arrives(alive)


def test_hosts_of_one_preference_share_the_load(rules, host):
    """5.1: "the sender-SMTP MUST randomize them". Of 24 domains, all at the same one of two by chance: once in eight million."""
    x, y = host(14), host(15)
    for i in range(24):
        rules.submit(f"x@equal{i}.rules.example")
    eventually(lambda: len(x.letters) + len(y.letters) == 24, rules.tail)
    assert x.letters and y.letters


@pytest.mark.parametrize("domain", ["unusable", "dead"])
def test_addresses_of_a_domain_with_mx_are_not_used(rules, host, domain):
    """5.1: "If MX records are present, but none of them are usable, this situation MUST be reported as an error", and address
    records of the name MUST NOT be used. A host without an address is an error now, a dead one when its time is over."""
    other = host(6)
    rules.submit(f"x@{domain}.rules.example")
    if domain == "dead":
        rules.waits("dead.rules.example")
    else:
        eventually(lambda: rules.reports(f"{domain}.rules.example") or "next try" in rules.queued(f"{domain}.rules.example"), rules.tail)
    assert other.sessions == []


def test_no_such_domain(rules):
    """5.1: "If a non-existent domain error is returned, this situation MUST be reported as an error": at once (5.1.2 in RFC 3463)."""
    rules.submit("x@nowhere.rules.example")
    assert b"Status: 5.1.2" in rules.report("nowhere.rules.example")


def test_a_domain_without_hosts(rules):
    """5.1: an empty list of MX is an implicit one, and "the implicit MX is unusable" MUST be reported."""
    rules.submit("x@textonly.rules.example")
    assert re.search(rb"Status: 5\.\d", rules.report("textonly.rules.example"))


def test_dns_that_does_not_answer(rules):
    """5.1: "If a temporary error is returned, the message MUST be queued and retried later"."""
    rules.submit("x@nobody.answers.example")  # the name server does not have that zone
    rules.waits("nobody.answers.example")
    assert rules.reports("nobody.answers.example") == []


def test_implicit_mx_and_alias(rules, host):
    """5.1: no MX is the domain itself with preference 0; of a CNAME, "the resulting name is processed as if it were the initial
    name". The recipient is said as it was written."""
    implicit, target = host(8), host(9)
    rules.submit("x@Implicit.RULES.example")
    rules.submit("x@alias.rules.example")
    assert path(rules.arrives(implicit)[0].rcpts[0]).lower() == "x@implicit.rules.example"
    assert path(rules.arrives(target)[0].rcpts[0]) == "x@alias.rules.example"


def test_ourselves_among_the_hosts(rules, host):
    """5.1: our own name, and all of that preference and of higher ones, "MUST be discarded from consideration"."""
    first, others = host(11, replies={"GREETING": "421 x"}), host(12)
    rules.submit("x@self.rules.example")
    rules.waits("self.rules.example")
    assert first.sessions and others.sessions == []


def test_null_mx(rules, host):
    """RFC 7505 section 3 and 4.1: nobody is connected to, also not by an address of the name, and it is told at once, with 5.1.10.
    A "." beside others (which "MUST NOT" be there) does not say so: the others are used."""
    trap, beside = host(6), host(10)
    rules.submit("x@null.rules.example")
    assert b"Status: 5.1.10" in rules.report("null.rules.example") and trap.sessions == []
    rules.submit("x@notnull.rules.example")
    rules.arrives(beside)


def test_address_literals(rules, host):
    """4.1.3, 2.3.5: "[127.0.9.20]" is that host, without any question; the recipient is said as it was written."""
    literal = host(20)
    rules.submit("x@[127.0.9.20]")
    assert path(rules.arrives(literal)[0].rcpts[0]) == "x@[127.0.9.20]"


def test_ipv6(rules, host):
    """5.2: AAAA as A; RFC 5321 section 4.1.3: the literal's tag."""
    try:
        six = host("::1")
    except OSError as error:
        print(f"# skipped: no IPv6 here: {error}")
        return
    rules.submit("x@six.rules.example")
    rules.arrives(six)
    rules.submit("x@[IPv6:::1]")
    (_, got) = rules.arrives(six, 2)
    assert path(got.rcpts[0]) == "x@[IPv6:::1]"


def test_a_domain_in_u_labels(rules, host):
    """3.2, 3.7.1: to DNS as A-labels. The local part is ASCII, so where SMTPUTF8 is not offered the A-labels are an address that
    may be sent."""
    peer = host(13)
    rules.submit("x@b\u00fccher.rules.example", mail="SMTPUTF8")
    (got,) = rules.arrives(peer)
    assert path(got.rcpts[0]) == "x@xn--bcher-kva.rules.example" and "SMTPUTF8" not in got.options
