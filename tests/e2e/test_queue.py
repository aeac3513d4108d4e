# SPDX-License-Identifier: ISC
"""Mail that goes on to others: who may send it, how it waits, what its operator and its sender are told.

Nobody is reached here: what other servers say is tests/e2e/test_relay.py's.
"""
import email
import email.policy
import imaplib
import json
import re
import smtplib
import sqlite3
import time

import pytest

ELSEWHERE = "friend@elsewhere.example"
TEXT = "Subject: hello\r\nFrom: {sender}\r\nTo: x@elsewhere.example\r\n\r\nText of it.\r\n"
WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def held(request):
    """Its destinations are never tried for long: what is put there stays for the test to look at."""
    import shutil
    import tempfile

    from conftest import Exchange

    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    running = Exchange(folder, {"account_messages_hour": "1000", "relay": "false"}).start()
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


def client(exchange, account=None):
    s = smtplib.SMTP_SSL("localhost", exchange.port("submissions"), context=exchange.tls())
    s.login(account or exchange.ALICE, exchange.password(account or exchange.ALICE))
    s.ehlo()
    return s


def submit(exchange, recipients, account=None, text=None, mail_options=(), rcpt_options=()):
    account = account or exchange.ALICE
    with client(exchange, account) as s:
        return s.sendmail(account, recipients, text or TEXT.format(sender=account), list(mail_options), list(rcpt_options))


def stranger(exchange, recipients, sender="someone@stranger.example", text=None):
    with smtplib.SMTP("localhost", exchange.port("smtp")) as s:
        return s.sendmail(sender, recipients, text or TEXT.format(sender=sender))


def queue(exchange, *words):
    out = exchange.run("queue", *words, "--json").stdout
    return [json.loads(line) for line in out.splitlines()]


def messages(exchange, *what):
    return {m["queue"]: m for m in queue(exchange, "list", *what)}


def inbox(exchange, account=None):
    account = account or exchange.ALICE
    with imaplib.IMAP4_SSL("localhost", exchange.port("imaps"), ssl_context=exchange.tls()) as imap:
        imap.login(account, exchange.password(account))
        imap.select("INBOX")
        found = []
        for number in imap.search(None, "ALL")[1][0].split():
            found.append(email.message_from_bytes(imap.fetch(number, "(RFC822)")[1][0][1], policy=email.policy.default))
        return found


def until(condition, what):
    end = time.monotonic() + WAIT_SECONDS
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, what
        time.sleep(0.1)


def reports(exchange, account=None):
    return [m for m in inbox(exchange, account) if m.get_content_type() == "multipart/report"]


def fields(report):
    """The groups of a delivery-status part: of the message, then of each recipient."""
    status = [p for p in report.walk() if p.get_content_type() in ("message/delivery-status",
                                                                     "message/global-delivery-status")]
    assert len(status) == 1
    return [dict(group.items()) for group in status[0].get_payload() if group.items()]


# ---- who may send ----

def test_our_people_send_to_others(held):
    before = set(messages(held))
    assert submit(held, [ELSEWHERE, "other@Example.NET", held.BOB]) == {}
    found = messages(held)
    number = (set(found) - before).pop()
    assert found[number]["sender"] == held.ALICE
    assert {(r["recipient"], r["domain"]) for r in found[number]["recipients"]} == {
        (ELSEWHERE, "elsewhere.example"), ("other@Example.NET", "example.net")}
    assert any(m["Subject"] == "hello" for m in inbox(held, held.BOB))
    assert set(messages(held, "example.net")) >= {number} and set(messages(held, held.ALICE)) >= {number}
    assert number not in messages(held, held.BOB) and number not in messages(held, "nowhere.example")
    assert list(messages(held, str(number))) == [number]


@pytest.mark.parametrize("recipient", [
    ELSEWHERE, "friend%elsewhere.example@localhost", "@example.org:friend@elsewhere.example",
    '"friend@elsewhere.example"@localhost', "friend@[192.0.2.1]", "elsewhere.example!friend@example.org",
    "SRS0=AAAAA=AA=elsewhere.example=friend@example.org", "SRS1=AAAAA=elsewhere.example==h=AA=a.example=b@example.org"])
def test_no_open_relay(held, recipient):
    """Strangers reach nobody but our own people, however they write it."""
    before = set(messages(held))
    for sender in ("someone@stranger.example", held.ALICE, ""):
        with smtplib.SMTP("localhost", held.port("smtp")) as s:
            s.ehlo()
            assert s.mail(sender)[0] == 250
            code, text = s.rcpt(f"{recipient}")
            assert 500 <= code < 600, (recipient, code, text)
    assert set(messages(held)) == before


def test_submission_needs_a_password(held):
    with smtplib.SMTP_SSL("localhost", held.port("submissions"), context=held.tls()) as s:
        s.ehlo()
        assert s.mail(held.ALICE)[0] == 530


def test_hour_is_bounded(fresh_exchange):
    one = fresh_exchange({"account_messages_hour": "3", "relay": "false"})
    refused = None
    for _ in range(8):  # the hour may turn once
        try:
            submit(one, [ELSEWHERE])
        except smtplib.SMTPDataError as e:
            refused = e
            break
    assert refused is not None and refused.smtp_code == 451 and b"this hour" in refused.smtp_error
    assert submit(one, [one.BOB]) == {}  # here it counts for nothing
    assert submit(one, [ELSEWHERE], account=one.BOB) == {}


def test_queue_is_bounded(fresh_exchange):
    one = fresh_exchange({"queue_size_max": "65536", "account_messages_hour": "0", "relay": "false"})
    large = TEXT.format(sender=one.ALICE) + "0123456789abcde\r\n" * 2400
    submit(one, [ELSEWHERE], text=large)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        submit(one, [ELSEWHERE], text=large)
    assert refused.value.smtp_code == 452
    assert len(messages(one)) == 1


def test_require_tls(held):
    with client(held) as s:
        assert s.has_extn("requiretls")
        s.sendmail(held.ALICE, ["tls@elsewhere.example"], TEXT.format(sender=held.ALICE), ["REQUIRETLS"])
    submit(held, ["no@elsewhere.example"], text="TLS-Required: No\r\n" + TEXT.format(sender=held.ALICE))
    with smtplib.SMTP("localhost", held.port("smtp")) as s:
        s.ehlo()
        assert not s.has_extn("requiretls")
        assert s.mail("a@b.example", ["REQUIRETLS"])[0] == 555
    with sqlite3.connect(f"file:{held.data}/store.db?mode=ro", uri=True) as db:
        rows = dict(db.execute("SELECT CAST(r.recipient AS TEXT), q.flags FROM queue q JOIN queue_recipients r"
                               " USING (queue)"))
    assert rows["tls@elsewhere.example"] == 4 and rows["no@elsewhere.example"] == 8


def test_what_is_sent_has_no_fields_of_ours(held):
    """Return-Path is for mailboxes alone (RFC 5321 section 4.4); the text comes as it was written."""
    submit(held, ["plain@elsewhere.example", held.BOB], text=TEXT.format(sender=held.ALICE).replace("hello", "plain"))
    with sqlite3.connect(f"file:{held.data}/store.db?mode=ro", uri=True) as db:
        skip, size, header = db.execute("SELECT q.skip, q.size, q.header_size FROM queue q JOIN queue_recipients r"
                                        " USING (queue) WHERE CAST(r.recipient AS TEXT) = 'plain@elsewhere.example'").fetchone()
    got = [m for m in inbox(held, held.BOB) if m["Subject"] == "plain"][0]
    assert got["Return-Path"] == f"<{held.ALICE}>"
    assert skip == len(f"Return-Path: <{held.ALICE}>\r\n") and size > header > 0


# ---- forwarding ----

def test_alias_leads_elsewhere(held):
    held.run("alias", "add", "out@example.org", "Friend.X@elsewhere.example")
    held.run("alias", "add", "both@example.org", held.BOB, "out@example.org")
    before = set(messages(held))
    stranger(held, ["both@example.org"], text=TEXT.format(sender="s@stranger.example").replace("hello", "forwarded"))
    assert any(m["Subject"] == "forwarded" for m in inbox(held, held.BOB))
    number = (set(messages(held)) - before).pop()
    entry = messages(held)[number]
    assert [r["recipient"] for r in entry["recipients"]] == ["Friend.X@elsewhere.example"]
    assert re.fullmatch(r"SRS0=[^=]+=[^=]+=stranger\.example=someone@example\.org", entry["sender"])
    # What bounces comes back, and goes on to who wrote.
    before = set(messages(held))
    stranger(held, [entry["sender"]], sender="")
    back = messages(held)[(set(messages(held)) - before).pop()]
    assert back["sender"] == "" and [r["recipient"] for r in back["recipients"]] == ["someone@stranger.example"]
    # A changed one is nobody's.
    changed = entry["sender"].replace("someone@", "sOmebody@")
    with smtplib.SMTP("localhost", held.port("smtp")) as s:
        s.ehlo()
        s.mail("")
        assert s.rcpt(changed)[0] == 550


def test_our_own_sender_is_not_rewritten(held):
    held.run("alias", "add", "own@example.org", "own@elsewhere.example")
    submit(held, ["own@example.org"])
    entry = [m for m in messages(held).values() if m["recipients"][0]["recipient"] == "own@elsewhere.example"]
    assert [m["sender"] for m in entry] == [held.ALICE]


def test_forward_loop_ends(held):
    """What was at our alias before does not go there again."""
    held.run("alias", "add", "circle@example.org", "circle@elsewhere.example")
    text = "Delivered-To: circle@example.org\r\n" + TEXT.format(sender="s@stranger.example")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        stranger(held, ["circle@example.org"], text=text)
    assert refused.value.smtp_code == 554


# ---- the operator ----

def test_verbs(held):
    submit(held, ["verb@verbs.example"])
    number, entry = next(iter(messages(held, "verbs.example").items()))
    assert entry["recipients"][0]["reason"].startswith("verbs.example: ")
    assert f"{number}\t" in held.run("queue", "list", str(number)).stdout
    assert "verbs.example: " in held.run("queue", "show", str(number)).stdout
    assert any(d["domain"] == "verbs.example" and d["recipients"] == 1 for d in queue(held, "domains"))
    assert "1 message held" in held.run("queue", "hold", "verbs.example").stdout
    entry = messages(held, str(number))[number]
    assert entry["held"] and "it is held" in entry["recipients"][0]["reason"]
    assert held.run("queue", "flush").stdout.endswith("tried again at once.\n")
    assert messages(held, str(number))[number]["held"]
    assert "1 message released" in held.run("queue", "release", str(number)).stdout
    assert not messages(held, str(number))[number]["held"]
    assert held.run("queue", "retry", "@verbs.example").stdout.startswith("1 message ")
    assert held.run("queue", "remove", str(number)).stdout.startswith("1 message removed")
    assert messages(held, "verbs.example") == {}
    gone = held.run("queue", "remove", str(number), check=False)
    assert gone.returncode == 1 and "no such message" in gone.stderr
    assert held.run("queue", "show", "many", check=False).returncode == 2
    assert held.run("queue", "list", "x", "y", check=False).returncode == 2


def test_status_and_metrics(held):
    submit(held, ["count@elsewhere.example"])
    said = held.run("status", check=False).stdout
    assert re.search(r"^Queue: \d+ messages, .*, the oldest for ", said, re.M), said
    status = json.loads(held.run("status", "--json", check=False).stdout)
    assert status["queue_messages"] == len(messages(held)) and time.time() - 600 < status["queue_oldest"] <= time.time()


def test_survives_a_kill(fresh_exchange):
    one = fresh_exchange({"relay": "false"})
    submit(one, [ELSEWHERE])
    before = messages(one)
    one.kill()
    time.sleep(0.2)
    one.start()
    assert set(messages(one)) == set(before)
    assert "no problems" in one.run("verify").stdout or one.run("verify", check=False).returncode == 0


# ---- reports ----

@pytest.fixture(scope="module")
def brief():
    """What waits there for three seconds has waited for too long."""
    import shutil
    import tempfile

    from conftest import Exchange

    folder = tempfile.mkdtemp(prefix="letterlock-e2e-")
    running = Exchange(folder, {"queue_lifetime_seconds": "4", "queue_warn_seconds": "1", "relay": "false"}).start()
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


def check_form(report):
    """RFC 3464, 3834 and 5322 by Python's own reader."""
    assert report["Return-Path"] == "<>" and report["Auto-Submitted"] == "auto-generated"
    assert report.get_param("report-type") in ("delivery-status", "global-delivery-status")
    assert not report.defects and all(not p.defects for p in report.walk())
    kinds = [p.get_content_type() for p in report.iter_parts()]
    assert kinds[0] == "text/plain" and "delivery-status" in kinds[1]
    assert all(len(line) <= 998 for line in report.as_bytes().splitlines())


def test_delayed_then_failed(brief):
    submit(brief, ["late@elsewhere.example"], mail_options=["ENVID=QQ314159", "RET=HDRS"],
           rcpt_options=["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;Late+2Bx@elsewhere.example"])
    def both():
        found = [r for r in reports(brief) if "QQ314159" in str(fields(r))]
        return found if len(found) >= 2 else None
    found = until(both, "a warning and a failure")
    by_action = {fields(r)[1]["Action"]: r for r in found}
    assert sorted(by_action) == ["delayed", "failed"]
    for action, report in by_action.items():
        check_form(report)
        message, recipient = fields(report)
        assert message["Original-Envelope-Id"] == "QQ314159" and message["Reporting-MTA"] == "dns;localhost"
        assert recipient["Original-Recipient"] == "rfc822;Late+x@elsewhere.example"
        assert recipient["Final-Recipient"] == "rfc822;late@elsewhere.example"
        assert recipient["Status"].startswith("4." if action == "delayed" else "5.4.7")
        assert "Text of it" not in report.as_string() and "Subject: hello" in report.as_string()
    words = by_action["failed"].get_body().get_content()
    assert "not delivered" in words and "late@elsewhere.example" in words and "will not be tried again" in words
    assert "    The reason: it was not tried yet" in words, words
    assert "Will-Retry-Until" in fields(by_action["delayed"])[1]
    assert "need not send it once more" in by_action["delayed"].get_body().get_content()
    assert "late@elsewhere.example" not in str(messages(brief))


def test_whole_message_where_it_was_asked_for(brief):
    submit(brief, ["whole@elsewhere.example"], account=brief.BOB, mail_options=["RET=FULL"], rcpt_options=["NOTIFY=FAILURE"])
    report = until(lambda: reports(brief, brief.BOB), "a failure")[0]
    check_form(report)
    original = [p for p in report.walk() if p.get_content_type() == "message/rfc822"]
    assert len(original) == 1 and "Text of it" in original[0].as_string()
    assert fields(report)[1]["Action"] == "failed"


def test_never_is_never(brief):
    before = len(reports(brief))
    submit(brief, ["quiet@elsewhere.example"], rcpt_options=["NOTIFY=NEVER"])
    until(lambda: "quiet@" not in str(messages(brief)), "it expires")
    assert not any("quiet@" in r.as_string() for r in reports(brief)[before:])


def test_null_sender_is_never_told(brief):
    """A report that cannot be delivered goes nowhere."""
    brief.run("alias", "add", "gone@example.org", "gone@elsewhere.example")
    stranger(brief, ["gone@example.org"], sender="")
    until(lambda: messages(brief) != {} or True, "")
    until(lambda: "gone@elsewhere" not in str(messages(brief)), "it expires")
    time.sleep(0.5)
    assert messages(brief) == {} or all(m["sender"] != "" or "gone" not in str(m) for m in messages(brief).values())


def test_forwarder_is_not_told_but_the_writer(brief):
    """A forwarded message that fails: its report goes to who wrote, by way of the queue, from the null sender."""
    brief.run("alias", "add", "away@example.org", "away@elsewhere.example")
    stranger(brief, ["away@example.org"], sender="writer@stranger.example")
    found = until(lambda: [m for m in messages(brief).values() if m["sender"] == "" and
                           m["recipients"][0]["recipient"] == "writer@stranger.example"], "a report on its way")
    assert found[0]["recipient_count"] == 1


def test_other_peoples_reader(brief):
    """flufl.bounce, which mailing lists use, finds who failed."""
    scan = pytest.importorskip("flufl.bounce", reason="python3-flufl.bounce").scan_message
    failed = [r for r in reports(brief) if fields(r)[1]["Action"] == "failed"]
    assert failed
    for report in failed:
        recipient = fields(report)[1]
        assert {a.decode() for a in scan(email.message_from_bytes(report.as_bytes()))} == {
            recipient.get("Original-Recipient", recipient["Final-Recipient"]).split(";")[1]}
