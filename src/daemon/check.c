/* SPDX-License-Identifier: ISC */
/*
 * letterlockd check: reads the configuration and the data folder, and says what is wrong. Changes nothing. And config:
 * says every setting.
 */
#include <stdio.h>

#include "base/buf.h"
#include "daemon/place.h"
#include "daemon/postmaster.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)

/* The configuration's, or those that were added since. */
static int
check_domains(const struct config *c, struct port *store, struct error *e)
{
	const struct store_nothing none = { 0 };
	struct store_domains domains;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = c->domain_count > 0 ? 0 : store_domain_list(store, &none, &a, &domains, e);
	if (rc == 0 && c->domain_count == 0 && domains.domain_count == 0)
		rc = error_set(e, ERR_USAGE,
		    "'domains' is empty: no mail would be ours. Name them there, or say letterlockd domain add DOMAIN");
	return rc;
}

/* Only looks: neither folder, store nor certificate is made. */
static int
check_folder(const struct config *c, struct error *e)
{
	struct store_nothing request = { 0 };
	struct store_info info;
	ARENA_OWNED struct arena a = { 0 };
	struct place p;
	int rc;

	arena_init(&a, REPLY_BUDGET);
	if (!file_exists(c->data)) {
		(void)printf("'%s' is not there yet; the first run makes it.\n", c->data);
		return 0;
	}
	rc = dir_check_private(c->data, e);
	if (rc == 0)
		rc = place_reach(c, false, &p, e);
	if (rc != 0)
		return rc;
	rc = store_info(p.port, &request, &a, &info, e);
	if (rc == 0)
		rc = check_domains(c, p.port, e);
	if (rc == 0)
		(void)printf("'%s' is in order.\naccounts %llu\ncertificates %llu\n", c->data,
		    (unsigned long long)info.accounts, (unsigned long long)info.certificates);
	if (rc == 0 && info.accounts > 0)
		rc = postmaster_check(p.port, c, e);
	place_close(&p);
	return rc;
}

static int
check_tls(const struct config *c, struct error *e)
{
	BUF_OWNED struct buf certificate = { 0 };
	struct buf key;
	uint8_t pin[TLS_PIN_SIZE];
	char pin_text[TLS_PIN_TEXT];
	int rc;

	if (!place_has_tls(c)) {
		(void)printf("There is no TLS certificate yet; the first run makes one.\n");
		return 0;
	}
	buf_init(&certificate, 1 << 18);
	buf_init(&key, 1 << 16);
	rc = place_tls(c, clock_unix(), &certificate, &key, pin, e);
	buf_wipe_done(&key);
	if (rc != 0)
		return rc;
	tls_pin_text(pin, pin_text);
	(void)printf("pin %s\n", pin_text);
	return 0;
}

static int
check_all(const struct config *c, struct error *e)
{
	int rc = config_check_serving(c, e);

	if (rc != 0)
		return rc;
	rc = check_folder(c, e);
	return rc != 0 ? rc : check_tls(c, e);
}

int
verb_check(const struct verb_input *in)
{
	struct error e;

	if (in->word_count > 0) {
		(void)error_set(&e, ERR_USAGE, "check takes no words, only options");
		return verb_failed(&e);
	}
	return check_all(in->config, &e) == 0 ? EXIT_DONE : verb_failed(&e);
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
