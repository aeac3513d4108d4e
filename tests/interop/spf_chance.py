# SPDX-License-Identifier: ISC
"""Zones, records and senders by chance, from a seed: mostly sound, some with an error of each kind that people make."""
import random

from spf_peer import TIMEOUT

DOMAINS = [f"d{n}.example.com" for n in range(6)]
HOSTS = [f"h{n}.example.com" for n in range(6)] + ["h0.d0.example.com", "h1.d1.example.com"]
CLIENTS = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8::1", "2001:db8:0:1::ff", "::ffff:192.0.2.1"]
OTHERS = ["203.0.113.5", "192.0.2.200", "198.51.100.1"]
OTHERS6 = ["2001:db8::2", "2001:db8:ffff::1"]
LOCALS = ["user", "strong-bad", "a.b.c", "x+tag", "user=list", "A_B"]
MACROS = ["%{d}", "%{d2}", "%{o}", "%{ir}.%{v}.x.example.com", "%{l}.x.example.com", "%{l1r-}.x.example.com", "%{h}",
          "%{i}.%{d2}", "%{lr+-}.y.%{o2}", "%{d1r}.example.com", "%{s}.z.example.com", "%{D}", "%{L}.x.example.com",
          "x%%y.example.com", "%{v}.example.com", "%{dr2}.example.com", "%{d9}"]
BROKEN = ["al", "-all:x.example.com", "ip4:192.0.2", "ip4:192.0.2.1/33", "ip4:192.0.2.1/024", "a:", "a/", "a/33", "include:",
          "include", "exists", "mx//129", "ip6:2001:db8:::1", "%{d}", "a:%{x}.example.com", "a:%(d).example.com", "=x",
          "a:h0", "a:h0.example.1", "exists:%{c}.example.com", "redirect=", "exp=", "ptr/24", "x=%{z}", "a:h0.example.com/8/9",
          "ip6:192.0.2.1", "ip4:2001:db8::1", "--all", "a:h0.example.com//", "1a=b", "ip4", "a:%{d0}.example.com"]


class Chance:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def host(self):
        return self.random.choice(HOSTS + DOMAINS)

    def spec(self):
        roll = self.random.random()
        if roll < 0.25:
            return self.random.choice(MACROS)
        return self.host() + ("." if roll < 0.3 else "")

    def prefix(self):
        return self.random.choice(["", "", "", "/24", "/32", "/0", "/31", "//64", "//128", "/24//64", "/8//0", "/16//32"])

    def mechanism(self):
        kind = self.random.choice(["a", "mx", "ip4", "ip6", "include", "exists", "ptr", "a", "mx", "ip4", "include"])
        if kind in ("a", "mx"):
            return kind + self.random.choice(["", ":" + self.spec()]) + self.prefix()
        if kind == "ip4":
            return "ip4:" + self.random.choice(CLIENTS[:3] + OTHERS) + self.random.choice(["", "/24", "/32", "/25", "/0"])
        if kind == "ip6":
            return "ip6:" + self.random.choice(CLIENTS[3:5] + OTHERS6) + self.random.choice(["", "/64", "/128", "/0", "/47"])
        if kind == "include":
            return "include:" + self.random.choice(DOMAINS + [self.spec()])
        if kind == "exists":
            return "exists:" + self.spec()
        return "ptr" + self.random.choice(["", ":example.com", ":" + self.random.choice(DOMAINS)])

    def term(self):
        term = self.random.choice(["", "", "", "+", "-", "~", "?"]) + self.mechanism()
        return term.upper() if "%" not in term and self.random.random() < 0.05 else term

    def record(self):
        terms = [self.term() for _ in range(self.random.randrange(0, 6))]
        if self.random.random() < 0.08:
            terms.insert(self.random.randrange(len(terms) + 1), self.random.choice(BROKEN))
        roll = self.random.random()
        if roll < 0.6:
            terms.append(self.random.choice(["-all", "~all", "?all", "all", "+all"]))
        elif roll < 0.8:
            terms.append("redirect=" + self.random.choice(DOMAINS + [self.spec()]))
        if self.random.random() < 0.2:
            terms.insert(self.random.randrange(len(terms) + 1), self.random.choice(["unknown=x", "m.x-y_z=%{d}/"]))
        return "v=spf1" + "".join(" " * self.random.choice([1, 1, 1, 2]) + term for term in terms)

    def host_rows(self):
        four = self.random.sample(CLIENTS[:3] + OTHERS, self.random.randrange(0, 3))
        six = self.random.sample(CLIENTS[3:5] + OTHERS6, self.random.randrange(0, 2))
        return [("A", a) for a in four] + [("AAAA", a) for a in six]

    def zones(self):
        names = {host: self.host_rows() for host in HOSTS + DOMAINS}
        for domain in DOMAINS:
            roll = self.random.random()
            if roll < 0.9:
                names[domain].append(("TXT", self.record()))
            if roll < 0.03:
                names[domain].append(("TXT", self.record()))
            if self.random.random() < 0.6:
                hosts = self.random.sample(HOSTS, self.random.randrange(1, 4))
                names[domain] += [("MX", (10 * n, host)) for n, host in enumerate(hosts)]
            if self.random.random() < 0.03:
                names[domain].append(TIMEOUT)
        names.update({name: [("A", "127.0.0.2")] for name in
                      ("user.x.example.com", "1.2.0.192.in-addr.x.example.com", "strong.bad.y.example.com", "x%y.example.com",
                       "d0.example.com.x.example.com")})
        names["1.2.0.192.in-addr.arpa"] = [("PTR", self.random.choice(HOSTS)) for _ in range(2)]
        names["77.2.0.192.in-addr.arpa"] = [("PTR", self.random.choice(HOSTS + DOMAINS))]
        return names

    def asked(self):
        return (self.random.choice(CLIENTS), self.random.choice(HOSTS + ["localhost", "[192.0.2.1]"]),
                self.random.choice(LOCALS) + "@" + self.random.choice(DOMAINS))
