/* SPDX-License-Identifier: ISC */
/* `letterlock key expire` */
#include <stdio.h>

#include "base/date.h"
#include "client/key/edit.h"
#include "client/key/verbs.h"
#include "client/key/when.h"

static const char help[] =
    "letterlock key expire WHO WHEN\n"
    "\n"
    "Says anew when a key of yours expires, also when it has expired already: its subkeys with it.\n"
    "WHEN: 2y, 6m, 30d, 2027-06-30 or never. --subkey FINGERPRINT: only that subkey.\n"
    "Options: --subkey FINGERPRINT, --json, --passphrase-fd N\n"
    "\n"
    "Example:\n"
    "  letterlock key expire alice@example.org 1y\n";

/* One key after the other, each on what the last change gave. */
static int
expire_one(struct key_edit *d, const struct pgp_fingerprint *f, uint64_t when, struct buf *out)
{
	const struct pgp_key *key = pgp_cert_find_key(d->cert, f);

	buf_clear(out);
	if (key == NULL)
		return error_set(&d->c->error, ERR_NOT_FOUND, "the key has no such subkey");
	return pgp_change_expiry(&d->change, key, when, out, &d->c->error);
}

/* The parts that are good, but for their age. */
static bool
to_be_extended(const struct pgp_cert_judgement *j, const struct pgp_key *key)
{
	const struct pgp_component_judgement *of = pgp_judged_key(j, key);

	return of != NULL && of->expires != 0 &&
	    (of->standing == PGP_STANDING_GOOD || of->standing == PGP_STANDING_EXPIRED);
}

/* Subkeys that expire by themselves go along; those that only follow the primary key need nothing. */
static int
expire_subkeys(struct key_edit *d, uint64_t when, struct buf *out)
{
	struct pgp_cert_judgement j;
	struct pgp_cert *last = NULL, *first = d->cert;
	const struct pgp_key *key;
	size_t used;
	int rc = pgp_cert_judge(first, &d->c->keyring.policy, d->c->keyring.policy.now, &j, &d->c->error);

	if (rc != 0)
		return rc;
	for (size_t i = 1; rc == 0 && (key = pgp_cert_key(first, i)) != NULL; i++) {
		struct pgp_cert *next = NULL;

		if (!to_be_extended(&j, key))
			continue;
		rc = pgp_cert_parse(buf_slice(out), &next, &used, &d->c->error);
		if (rc != 0)
			break;
		pgp_cert_free(last);
		last = next;
		d->change.cert = d->cert = last;
		rc = expire_one(d, &key->fingerprint, when, out);
	}
	d->change.cert = d->cert = first;
	pgp_cert_free(last);
	pgp_cert_judgement_done(&j);
	return rc;
}

static int
expire(struct key_edit *d, const char *subkey, uint64_t when)
{
	BUF_OWNED struct buf out = { .max = KEY_EXPORT_MAX };
	struct pgp_fingerprint f = d->cert->primary->fingerprint;
	int rc = 0;

	if (subkey != NULL)
		rc = pgp_fingerprint_parse(slice_str(subkey), &f, &d->c->error);
	if (rc == 0)
		rc = expire_one(d, &f, when, &out);
	if (rc == 0 && subkey == NULL)
		rc = expire_subkeys(d, when, &out);
	return rc == 0 ? key_edit_keep(d, buf_slice(&out)) : rc;
}

static int
say(struct key_edit *d, uint64_t when)
{
	BUF_OWNED struct buf day = { .max = 100 };
	char line[100] = "It never expires.";

	(void)date_write_rfc3339(&day, (int64_t)when);
	if (when != 0 && day.len > 10)
		(void)snprintf(line, sizeof line, "It expires on %.10s.", (const char *)day.data);
	return key_edit_say(d, line);
}

int
key_expire(int argc, char **argv)
{
	const char *subkey = NULL;
	const struct option options[] = { { "subkey", OPTION_TEXT, &subkey } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 2, 2);
	struct key_command c;
	struct key_edit d = { .c = NULL };
	uint64_t when = 0;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = key_when_parse(slice_str(c.arguments.items[1]), c.keyring.policy.now, &when, &c.error);
	if (rc == 0)
		rc = key_edit_begin(&d, &c, key_argument(&c));
	if (rc == 0)
		rc = key_edit_unlock(&d);
	if (rc == 0)
		rc = expire(&d, subkey, when);
	if (rc == 0)
		rc = say(&d, when);
	key_edit_done(&d);
	return key_end(&c, rc);
}
