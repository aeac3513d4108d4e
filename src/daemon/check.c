/* SPDX-License-Identifier: ISC */
/*
 * letterlockd check: reads the configuration and the data folder, asks DNS for
 * the domains' records and tries the ports, and says what is wrong. Changes
 * nothing. With --offline it asks nobody. And config: says every setting.
 */
#include "daemon/check.h"

#include <stdio.h>

#include "base/buf.h"
#include "daemon/place.h"
#include "daemon/postmaster.h"
#include "daemon/records.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)
#define ANSWERS_BUDGET (64u << 20)
#define DAY_S 86400u
#define SOON_DAYS 14u

struct look {
	const struct verb_input *in;
	struct check check;
	struct arena arena;
	struct buf certificate;
	uint8_t pin[TLS_PIN_SIZE];
	struct slice *domains;
	size_t domain_count;
};

/* ---- lines ---- */

static const char *const words[] = {
	[CHECK_OK] = "ok",
	[CHECK_MISSING] = "missing",
	[CHECK_DIFFERENT] = "different",
	[CHECK_ADVICE] = "advice",
	[CHECK_UNKNOWN] = "unknown",
};

static void
set_text(struct json_value *o, const char *name, struct slice text)
{
	if (text.len > 0)
		json_value_set_text(o, name, text);
}

static void
say_json(const struct check_line *l)
{
	struct json_value *o = json_value_object();

	json_value_set_str(o, "check", l->what);
	json_value_set_str(o, "result", words[l->result]);
	set_text(o, "name", l->name);
	set_text(o, "type", slice_str(l->type));
	set_text(o, "found", l->found);
	set_text(o, "wanted", l->wanted);
	set_text(o, "why", slice_str(l->why));
	verb_print_json(o);
}

static void
put_part(struct buf *out, const char *before, struct slice text)
{
	if (text.len == 0)
		return;
	(void)buf_put_str(out, before);
	(void)buf_put_slice(out, text);
}

static void
say_line(const struct check_line *l)
{
	BUF_OWNED struct buf out = { 0 };
	bool ok = l->result == CHECK_OK;

	buf_init(&out, 1 << 16);
	(void)buf_putf(&out, "%-10s %s", words[l->result], l->what);
	put_part(&out, " ", l->name);
	put_part(&out, " ", slice_str(l->type));
	if (ok)
		put_part(&out, ": ", l->found.len > 0 ? l->found : l->wanted);
	else if (l->found.len > 0)
		put_part(&out, ": found ", l->found);
	if (!ok)
		put_part(&out, l->found.len > 0 ? ", wanted " : ": wanted ", l->wanted);
	if (!ok && l->why != NULL)
		(void)buf_putf(&out, l->found.len + l->wanted.len > 0 ? " (%s)" : ": %s.", l->why);
	(void)printf("%.*s\n", (int)out.len, (const char *)out.data);
}

void
check_say(struct check *c, const struct check_line *line)
{
	c->problems += line->result == CHECK_MISSING || line->result == CHECK_DIFFERENT;
	c->unknown += line->result == CHECK_UNKNOWN;
	if (c->json)
		say_json(line);
	else
		say_line(line);
}

/* ---- the folder ---- */

/* Those that were named, or all. */
static int
choose_domains(struct look *l, struct error *e)
{
	struct slice found;

	if (l->in->word_count == 0)
		return 0;
	found = records_find(l->domains, l->domain_count, l->in->words[0]);
	if (found.len == 0)
		return error_set(e, ERR_NOT_FOUND,
		    "%s is none of our domains; 'letterlockd domain list' says which are", l->in->words[0]);
	l->domains[0] = found;
	l->domain_count = 1;
	return 0;
}

/* What the store says and what the configuration adds at the next start or reload; of these the one that was named, or all. */
static int
take_domains(struct look *l, struct place *p, struct error *e)
{
	int rc = records_domains(p, l->in->config, &l->arena, &l->domains, &l->domain_count, e);

	if (rc == 0 && l->domain_count == 0)
		rc = error_set(e, ERR_USAGE,
		    "'domains' is empty: no mail would be ours. Name them there, or say letterlockd domain add DOMAIN");
	return rc == 0 ? choose_domains(l, e) : rc;
}

/* Only looks: neither folder, store nor certificate is made. */
static int
check_folder(struct look *l, struct error *e)
{
	const struct config *c = l->in->config;
	struct store_nothing request = { 0 };
	struct store_info info;
	ARENA_OWNED struct arena a = { 0 };
	struct place p;
	int rc;

	arena_init(&a, REPLY_BUDGET);
	if (!file_exists(c->data)) {
		if (!l->in->json)
			(void)printf("'%s' is not there yet; the first run makes it.\n", c->data);
		return take_domains(l, NULL, e);
	}
	rc = place_check_owner(c, e);
	if (rc == 0 && place_is_empty(c)) {
		if (!l->in->json)
			(void)printf("'%s' is empty yet; the first run makes what it needs there.\n", c->data);
		return take_domains(l, NULL, e);
	}
	if (rc == 0)
		rc = place_look(c, &p, e);
	if (rc != 0)
		return rc;
	rc = store_info(p.port, &request, &a, &info, e);
	if (rc == 0 && !l->in->json)
		(void)printf("'%s' is in order.\naccounts %llu\ncertificates %llu\n", c->data,
		    (unsigned long long)info.accounts, (unsigned long long)info.certificates);
	if (rc == 0)
		rc = take_domains(l, &p, e);
	if (rc == 0 && info.accounts > 0)
		rc = postmaster_check(&l->check, p.port, l->domains, l->domain_count, e);
	place_close(&p);
	return rc;
}

/* The certificate that is to be: whether it may be used already is asked before it is. */
static int
read_next(struct look *l, struct error *e)
{
	int rc = file_read(l->in->certificate, &l->certificate, e);

	if (rc == 0)
		rc = tls_certificate_pin(buf_slice(&l->certificate), l->pin, e);
	return rc == 0 ? 0 : error_context(e, "%s", l->in->certificate);
}

static int
check_tls(struct look *l, struct error *e)
{
	const struct config *c = l->in->config;
	struct buf key;
	char pin_text[TLS_PIN_TEXT];
	int rc;

	if (l->in->certificate == NULL && !place_has_tls(c)) {
		if (!l->in->json)
			(void)printf("There is no TLS certificate yet; the first run makes one.\n");
		return 0;
	}
	buf_init(&key, 1 << 16);
	rc =
	    l->in->certificate == NULL ? place_tls(c, clock_unix(), &l->certificate, &key, l->pin, e) : read_next(l, e);
	buf_wipe_done(&key);
	if (rc != 0)
		return rc;
	l->check.certificate = buf_slice(&l->certificate);
	l->check.pin = l->pin;
	tls_pin_text(l->pin, pin_text);
	if (!l->in->json)
		(void)printf("pin %s\n", pin_text);
	return 0;
}

/* ---- what others see ---- */

static void
check_validity(struct look *l)
{
	uint64_t ends = 0, now = clock_unix();
	struct check_line line = { .what = "certificate" };

	if (l->check.certificate.len == 0 || tls_certificate_ends(l->check.certificate, &ends, NULL) != 0)
		return;
	if (ends <= now) {
		line.result = CHECK_DIFFERENT;
		line.found = SLICE("over");
		line.why = "No client believes it any more";
	} else if ((ends - now) / DAY_S < SOON_DAYS) {
		line.result = CHECK_ADVICE;
		line.why = "It is time for the next one";
		line.found = arena_printf(&l->arena, "good for %llu days", (unsigned long long)((ends - now) / DAY_S));
	} else {
		line.found = arena_printf(&l->arena, "good for %llu days", (unsigned long long)((ends - now) / DAY_S));
	}
	check_say(&l->check, &line);
}

static void
check_issuer(struct look *l)
{
	bool own = false;

	if (l->check.certificate.len > 0 && tls_certificate_is_own(l->check.certificate, &own, NULL) == 0 && own)
		check_say(&l->check,
		    &(struct check_line){ .result = CHECK_ADVICE,
			.what = "certificate",
			.why =
			    "It vouches for itself: only clients that were told its pin believe it, and Thunderbird, "
			    "Outlook and the Web Key Directory do not" });
}

static int
check_outside(struct look *l, struct error *e)
{
	int rc;

	check_validity(l);
	check_issuer(l);
	check_ports(&l->check);
	rc = check_records(&l->check, l->domains, l->domain_count, e);
	return rc == ERR_NET || rc == ERR_TIMEOUT
	    ? error_context(e, "DNS cannot be asked, so the records were not looked at (--offline leaves them out)")
	    : rc;
}

static int
check_all(struct look *l, struct error *e)
{
	int rc = config_check_serving(l->in->config, e);

	/* Before the folder, with whose user's rights all that follows is done. */
	if (rc == 0)
		rc = check_tls(l, e);
	if (rc == 0)
		rc = check_folder(l, e);
	return rc != 0 || l->in->offline ? rc : check_outside(l, e);
}

static int
finish(const struct look *l)
{
	const struct check *c = &l->check;

	if (!l->in->json && !l->in->offline)
		(void)printf(c->problems == 0 ? "No problems.\n"
			: c->problems == 1    ? "1 problem.\n"
					      : "%u problems.\n",
		    c->problems);
	if (c->problems > 0)
		return EXIT_NO;
	return c->unknown > 0 ? EXIT_COULD_NOT : EXIT_DONE;
}

int
verb_check(const struct verb_input *in)
{
	struct look l = { .in = in, .check = { .config = in->config, .json = in->json } };
	struct error e;
	int rc;

	if (in->word_count > 1) {
		(void)error_set(&e, ERR_USAGE, "say check, or check DOMAIN");
		return verb_failed(&e);
	}
	arena_init(&l.arena, ANSWERS_BUDGET);
	buf_init(&l.certificate, 1 << 18);
	l.check.arena = &l.arena;
	rc = check_all(&l, &e);
	arena_done(&l.arena);
	buf_done(&l.certificate);
	return rc == 0 ? finish(&l) : verb_failed(&e);
}

/* ---- config ---- */

int
verb_config(const struct verb_input *in)
{
	BUF_OWNED struct buf out = { 0 };
	struct error e;

	if (in->word_count > 0) {
		(void)error_set(&e, ERR_USAGE, "config takes no words, only options");
		return verb_failed(&e);
	}
	buf_init(&out, 1 << 18);
	if (config_write(in->config, in->overrides, &out) != 0) {
		(void)error_nomem(&e);
		return verb_failed(&e);
	}
	return fwrite(out.data, 1, out.len, stdout) == out.len ? EXIT_DONE : EXIT_COULD_NOT;
}
