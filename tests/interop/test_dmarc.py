# SPDX-License-Identifier: ISC
"""DMARC (RFC 9989, 9990): npm's mailauth as another opinion, and reports against the schema in the RFC's text."""
import os
import pathlib
import random
import re
import shutil

import pytest

from conftest import build_folder, run

CASES = int(os.environ.get("LETTERLOCK_DMARC_CASES", "1500"))


@pytest.fixture(scope="module")
def tool():
    path = build_folder() / "tests" / "interop" / "dmarc_tool"
    if not path.exists():
        pytest.skip("dmarc_tool is not built")
    return str(path)


@pytest.fixture(scope="module")
def standard():
    data = os.environ.get("LETTERLOCK_TESTDATA")
    if not data:
        pytest.skip("LETTERLOCK_TESTDATA is not set")

    def section(name, first, last):
        """The lines from one to another one, without page breaks and indentation."""
        text = (pathlib.Path(data) / "standards" / name).read_text(errors="replace")
        part = text[text.index(first):]
        lines = part[:part.index(last) + len(last)].splitlines()
        kept = [line for line in lines if not re.match(r"\S.*\[Page \d+\]|RFC \d+ .*\d{4}$|\f", line)]
        return "\n".join(line[3:] if line.startswith("   ") else line for line in kept)

    return section


# ---- judgements ----

def judge(tool, cases):
    """(result, policy, domain, SPF aligned, DKIM aligned) of each case."""
    lines = "".join("\t".join([c["author"], c["spf"], " ".join(c["dkim"]), *("=".join(r) for r in c["zone"])]) + "\n"
                    for c in cases)
    out = []
    for line in run([tool, "judge"], lines).decode().splitlines():
        result, policy, domain, _, spf, dkim, _ = line.split("\t")
        out.append((result, policy if result == "fail" else None, domain, spf == "1", dkim == "1"))
    return out


def other_opinion(mailauth, cases):
    out = []
    for said in mailauth([{"action": "dmarc", **c} for c in cases]):
        result = said["result"]
        judged = result in ("pass", "fail")
        out.append((result, said["policy"] if result == "fail" else None, said.get("domain") or "",
                    judged and bool(said.get("spf")), judged and bool(said.get("dkim"))))
    return out


def random_name(rng, top=None):
    labels = [rng.choice("abc") for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 5, 6, 7, 9]))]
    return ".".join([*labels, top or rng.choice(["x.com", "y.com", "x.bank", "com"])])


def random_record(rng):
    if rng.random() < 0.05:
        return rng.choice(["v=spf1 -all", "v=DMARC1", "v=dmarc1; p=reject", "v=DMARC1; p=reject; sp=x", "FAILED",
                           "v=DMARC1; p=x; rua=mailto:a@b.example", "p=reject; v=DMARC1", "v=DMARC1; nonsense; p=none"])
    parts = ["v=DMARC1", "p=" + rng.choice(["none", "quarantine", "reject"])]
    for tag, values, chance in (("sp", ["none", "quarantine", "reject"], 0.3), ("np", ["none", "quarantine", "reject"], 0.3),
                                ("adkim", ["r", "s"], 0.2), ("aspf", ["r", "s"], 0.2), ("t", ["y", "n"], 0.2),
                                ("psd", ["y", "n", "u"], 0.25)):
        if rng.random() < chance:
            parts.append(f"{tag}={rng.choice(values)}")
    return rng.choice(["; ", ";", " ; "]).join(parts)


def random_case(rng):
    author = random_name(rng)
    near = [author, ".".join(author.split(".")[1:]) or author, "a." + author, random_name(rng, "x.com"), random_name(rng)]
    owners = {"_dmarc." + ".".join(name.split(".")[-n:]) for name in rng.sample(near, 3) for n in (1, 2, 3, len(name.split(".")))
              if rng.random() < 0.35}
    zone = [[owner, random_record(rng)] for owner in sorted(owners)]
    if rng.random() < 0.3:
        zone.append([rng.choice([author, "x." + author]), "exists"])
    return {"author": author, "spf": rng.choice(["", *near]), "dkim": rng.sample(near, rng.choice([0, 1, 2])), "zone": zone}


def test_judgements_agree_with_mailauth(tool, mailauth):
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    cases = [random_case(rng) for _ in range(CASES)]
    ours, theirs = judge(tool, cases), other_opinion(mailauth, cases)
    assert len(ours) == len(theirs) == CASES
    found = {one[0] for one in ours}
    assert {"pass", "fail", "none", "temperror"} <= found, (seed, found)
    for case, we, they in zip(cases, ours, theirs):
        if we[0] == they[0] == "none":
            continue
        if we[0] == they[0] == "temperror":
            continue
        assert we == they, (seed, case)


# ---- reports ----

@pytest.fixture(scope="module")
def schema(standard, tmp_path_factory):
    if shutil.which("xmllint") is None:
        pytest.skip("xmllint is not installed (Debian package libxml2-utils)")
    path = tmp_path_factory.mktemp("schema") / "dmarc.xsd"
    path.write_text(standard("rfc9990.txt", '<?xml version="1.0"?>\n   <xs:schema', "</xs:schema>"))
    return path


def valid(schema, report):
    run(["xmllint", "--noout", "--nonet", "--schema", schema, "-"], report)


def test_the_rfcs_own_report(tool, schema, standard):
    sample = standard("rfc9990.txt", '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">\n     <version>', "</feedback>")
    valid(schema, sample.encode())
    written = run([tool, "report"], sample.encode())
    valid(schema, written)
    text = written.decode()
    for part in ("<org_name>Sample Reporter</org_name>", "<count>123</count>", "<disposition>pass</disposition>",
                 "<selector>abc123</selector>", "<np>none</np>", "<begin>302832000</begin>"):
        assert part in text
    assert run([tool, "report"], written) == written


OLD = """<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <version>1.0</version>
  <report_metadata>
    <org_name>Reporter &amp; Co. \u20ac</org_name><email>noreply@reporter.example</email>
    <report_id>5 &lt;x&gt;</report_id><date_range><begin>1700000000</begin><end>1700086399</end></date_range>
  </report_metadata>
  <policy_published><domain>example.com</domain><adkim>r</adkim><aspf>s</aspf><p>reject</p><pct>100</pct><fo>1</fo></policy_published>
  <record>
    <row><source_ip>2001:db8::1</source_ip><count>2</count>
      <policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf>
        <reason><type>mailing_list</type><comment>]]&gt; &quot;list&quot;</comment></reason></policy_evaluated></row>
    <identifiers><envelope_to>reporter.example</envelope_to><envelope_from/><header_from>example.com</header_from></identifiers>
    <auth_results><dkim><domain>example.com</domain><result>fail</result><human_result>body</human_result></dkim>
      <spf><domain>list.example</domain><scope>mfrom</scope><result>pass</result></spf></auth_results>
  </record>
  <record>
    <row><source_ip>192.0.2.1</source_ip><count>40</count>
      <policy_evaluated><disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>
    <identifiers><header_from>example.com</header_from></identifiers><auth_results/>
  </record>
</feedback>"""


def test_reports_by_rfc7489_become_valid_ones(tool, schema):
    written = run([tool, "report"], OLD.encode())
    valid(schema, written)
    assert "Reporter &amp; Co. \u20ac" in written.decode() and "<aspf>s</aspf>" in written.decode()


def test_the_schema_is_one_that_can_fail(schema):
    done = run(["xmllint", "--noout", "--nonet", "--schema", schema, "-"], OLD, status=None)
    assert done.returncode != 0
