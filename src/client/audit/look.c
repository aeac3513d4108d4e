/* SPDX-License-Identifier: ISC */
/* One address of one server: what it says in clear, what it shows in a handshake, and what it would agree to. */
#include <stdio.h>
#include <string.h>

#include "client/audit/audit.h"
#include "client/audit/talk.h"
#include "crypto/random.h"
#include "os/clock.h"

#define SMTP_OK 220u
#define RANDOM_OCTETS 32u
#define HELLO_WORDS 300u

struct looking {
	const struct audit *a;
	const char *name; /* the host's; a numeric address has none for TLS */
	struct audit_look *out;
};

static struct probe_where
where(const struct looking *l)
{
	return (struct probe_where){
		.address = l->out->address, .port = l->out->port, .wait_ms = AUDIT_WAIT_MS, .until_ms = l->a->until_ms
	};
}

static bool
is_name(const char *name)
{
	return name != NULL && strchr(name, ':') == NULL && !dns_server_valid(slice_str(name));
}

static void
keep(char *out, size_t size, struct slice text)
{
	struct slice rest, line = slice_split(text, '\n', &rest);

	(void)snprintf(
	    out, size, "%.*s", (int)size_min(line.len, size - 1), line.len == 0 ? "" : (const char *)line.data);
}

/* ---- in clear ---- */

static void
keep_hello(struct audit_look *out, struct slice text)
{
	struct slice line = slice_split(text, '\n', &text); /* the server's name */

	out->hello_count = 0;
	out->offered = false;
	while (text.len > 0) {
		line = slice_split(text, '\n', &text);
		if (slice_ieq_str(slice_trim(line), "STARTTLS"))
			out->offered = true;
		if (out->masked[0] == '\0' && talk_is_masked(line))
			keep(out->masked, sizeof out->masked, line);
		if (out->hello_count < AUDIT_HELLO_LINES_MAX)
			keep(out->hello[out->hello_count++], sizeof out->hello[0], line);
	}
}

/* Greeting and EHLO. 0: the server would go on. */
static int
greet(const struct looking *l, struct talk *t, bool keep_it, struct error *e)
{
	char words[HELLO_WORDS];
	struct smtp_answer answer;
	int rc = talk_ask(t, NULL, &answer, e);

	if (rc == 0 && keep_it)
		keep(l->out->greeting, sizeof l->out->greeting, answer.text);
	if (rc == 0 && answer.code != SMTP_OK)
		rc = error_set(e, ERR_POLICY, "it greets with %u: %.*s", answer.code, AUDIT_S(answer.text));
	(void)snprintf(words, sizeof words, "EHLO %s", l->a->settings->hello);
	if (rc == 0)
		rc = talk_ask(t, words, &answer, e);
	if (rc == 0 && answer.code / 100 != 2)
		rc = error_set(e, ERR_POLICY, "it answers EHLO with %u: %.*s", answer.code, AUDIT_S(answer.text));
	if (rc == 0 && keep_it)
		keep_hello(l->out, answer.text);
	return rc;
}

/* As far as the octet before the handshake. ERR_UNSUPPORTED: STARTTLS was refused. */
static int
come_to_tls(const struct looking *l, struct talk *t, bool keep_it, struct error *e)
{
	const struct probe_where w = where(l);
	struct smtp_answer answer;
	int rc = talk_begin(t, &w, e);

	if (rc != 0)
		return rc;
	if (keep_it)
		l->out->reached = true;
	if (l->out->implicit)
		return 0;
	rc = greet(l, t, keep_it, e);
	if (rc != 0)
		return rc;
	/* Also when it was not offered: who answers all the same had the offer taken away. */
	rc = talk_ask(t, "STARTTLS", &answer, e);
	if (rc == 0 && keep_it) {
		l->out->accepted = answer.code == SMTP_OK;
		l->out->more = l->out->accepted && probe_has_more(t->probe);
		if (!l->out->accepted)
			(void)snprintf(l->out->refusal, sizeof l->out->refusal, "%u %.*s", answer.code,
			    (int)size_min(answer.text.len, AUDIT_TEXT - 8),
			    answer.text.len == 0 ? "" : (const char *)answer.text.data);
	}
	if (rc == 0 && answer.code != SMTP_OK)
		rc = error_set(e, ERR_UNSUPPORTED, "STARTTLS is refused with %u", answer.code);
	return rc;
}

/* ---- TLS ---- */

static void
look_at_handshake(const struct looking *l)
{
	struct audit_look *out = l->out;
	const char *domain = (const char *)l->a->settings->domain.data; /* NUL-terminated: verb_audit.c */
	char words[HELLO_WORDS];
	const struct probe_tls how = { .name = is_name(l->name) ? l->name : NULL,
		.ca_file = l->a->settings->ca_file,
		.dane_name = domain,
		.tlsa = out->tlsa,
		.tlsa_count = out->tlsa_count };
	struct smtp_answer answer;
	struct talk t;
	int rc = come_to_tls(l, &t, true, &out->failed);

	if (rc == ERR_UNSUPPORTED)
		out->failed.code = 0; /* it was reached, and that is what it says */
	if (rc == 0) {
		out->failed.code = 0;
		rc = probe_start_tls(t.probe, &how, &out->seen, &out->tls_failed);
		out->tls = rc == 0;
		if (rc != 0) { /* nothing more can be said here */
			probe_close(t.probe);
			t.probe = NULL;
		}
	}
	if (rc == 0 && !out->implicit) {
		(void)snprintf(words, sizeof words, "EHLO %s", l->a->settings->hello);
		(void)talk_ask(&t, words, &answer, NULL);
	}
	if (out->implicit) { /* IMAP or SMTP: it says nothing before, and closing is understood by both */
		probe_close(t.probe);
		t.probe = NULL;
	}
	talk_end(&t);
}

/* One ClientHello on a connection of its own. False: it could not be asked. */
static bool
offer(const struct looking *l, uint16_t version, const uint16_t *suites, size_t count, struct probe_answer *answer)
{
	uint8_t random[RANDOM_OCTETS];
	struct probe_hello hello = { .version = version,
		.suites = suites,
		.suite_count = count,
		.name = is_name(l->name) ? l->name : NULL,
		.random = random };
	struct talk t;
	int rc = come_to_tls(l, &t, false, NULL);

	if (rc == 0)
		rc = random_bytes(random, sizeof random, NULL);
	if (rc == 0)
		rc = probe_hello(t.probe, &hello, answer, NULL);
	if (rc == 0) { /* a handshake that began has no place for QUIT */
		probe_close(t.probe);
		t.probe = NULL;
	}
	talk_end(&t);
	return rc == 0;
}

static void
look_at_version(const struct looking *l, uint16_t version)
{
	uint16_t suites[PROBE_SUITES_MAX];
	struct probe_answer answer = { .what = PROBE_REFUSED };
	size_t n = probe_suites(0, suites, PROBE_SUITES_MAX);

	if (version < PROBE_TLS_1_3)
		n += probe_suites(PROBE_STATIC | PROBE_OLD, suites + n, PROBE_SUITES_MAX - n);
	if (!offer(l, version, suites, n, &answer) || answer.what == PROBE_CLEAR)
		return;
	l->out->versions[version - PROBE_SSL_3_0] =
	    answer.what == PROBE_AGREED && answer.version == version ? AUDIT_YES : AUDIT_NO;
}

static void
remove_suite(uint16_t *suites, size_t *count, uint16_t id)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++)
		if (suites[i] != id)
			suites[kept++] = suites[i];
	*count = kept;
}

/* Those that nobody should agree to, each answer taken off the list until nothing is agreed to. */
static void
look_for_weak(const struct looking *l, uint16_t version, uint16_t *suites, size_t n, size_t max)
{
	struct audit_look *out = l->out;

	while (n > 0 && out->weak_count < max && !audit_is_over(l->a)) {
		struct probe_answer answer = { .what = PROBE_REFUSED };
		size_t before = n;

		if (!offer(l, version, suites, n, &answer) || answer.what != PROBE_AGREED)
			return;
		remove_suite(suites, &n, answer.suite);
		if (n == before)
			return; /* it chose what was not offered */
		out->weak[out->weak_count++] = answer.suite;
	}
}

static void
look_at_suites(const struct looking *l)
{
	uint16_t suites[PROBE_SUITES_MAX];
	uint16_t version = 0;
	size_t n;

	for (unsigned i = 0; i < AUDIT_VERSIONS - 1; i++)
		if (l->out->versions[i] == AUDIT_YES)
			version = (uint16_t)(PROBE_SSL_3_0 + i);
	if (version == 0)
		return; /* only TLS 1.3, which has none of these */
	n = probe_suites(PROBE_OLD | PROBE_EXPORT | PROBE_NULL, suites, PROBE_SUITES_MAX);
	look_for_weak(l, version, suites, n, AUDIT_WEAK_MAX - 1);
	/* One without forward secrecy tells of them all. */
	n = probe_suites(PROBE_STATIC, suites, PROBE_SUITES_MAX);
	for (size_t i = 0; i < n;)
		if ((probe_suite_faults(suites[i]) & ~(unsigned)PROBE_STATIC) != 0)
			remove_suite(suites, &n, suites[i]);
		else
			i++;
	look_for_weak(l, version, suites, n, l->out->weak_count + 1);
}

void
audit_look(const struct audit *a, const char *name, struct audit_look *look)
{
	const struct looking l = { .a = a, .name = name, .out = look };

	look_at_handshake(&l);
	if ((!look->accepted && !look->implicit) || look->brief || look->tls_failed.code == ERR_INTEGRITY)
		return;
	for (unsigned i = AUDIT_VERSIONS; i-- > 0 && !audit_is_over(a);)
		look_at_version(&l, (uint16_t)(PROBE_SSL_3_0 + i));
	look_at_suites(&l);
}
