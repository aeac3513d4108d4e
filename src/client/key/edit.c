/* SPDX-License-Identifier: ISC */
#include "client/key/edit.h"

#include <stdio.h>

#include "client/agent/tokens.h"
#include "client/key/print.h"
#include "openpgp/cert/merge.h"

/* ---- which one ---- */

static int
several(struct key_command *c, struct slice who, const struct trust_entry *const *found, size_t n)
{
	BUF_OWNED struct buf list = { .max = 1000 };

	for (size_t i = 0; i < n && i < 3; i++) {
		(void)buf_put_u8(&list, ' ');
		(void)pgp_fingerprint_write(&found[i]->fingerprint, &list);
	}
	return error_set(&c->error, ERR_USAGE, "%zu keys of yours are for %.*s; say which:%.*s%s", n,
	    (int)size_min(who.len, 100), (const char *)who.data, (int)list.len, (const char *)list.data,
	    n > 3 ? " ..." : "");
}

int
key_own(struct key_command *c, struct slice who, const struct trust_entry **out)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	struct pgp_fingerprint f;
	size_t n, own = 0;

	if (pgp_fingerprint_parse(who, &f, NULL) == 0)
		return keyring_resolve(&c->keyring, who, true, out, &c->error);
	n = trust_store_find_address(c->keyring.certs, who, found, TRUST_CANDIDATES_MAX);
	for (size_t i = 0; i < n; i++)
		if (keyring_has_secret(&c->keyring, &found[i]->fingerprint))
			found[own++] = found[i];
	if (own > 1)
		return several(c, who, found, own);
	return keyring_resolve(&c->keyring, who, true, out, &c->error);
}

/* ---- the key ---- */

static int
read_secret(struct key_edit *d, const struct pgp_fingerprint *f, struct pgp_cert **out)
{
	BUF_OWNED struct buf bytes = { .max = AGENT_KEY_OCTETS };
	size_t used;
	int rc = keyring_read_secret(&d->c->keyring, f, &bytes, &d->c->error);

	return rc == 0 ? pgp_cert_parse(buf_slice(&bytes), out, &used, &d->c->error) : rc;
}

/* What only the store has: others' certifications, a revocation that came back from a key server. */
static int
merge(struct key_edit *d, const struct pgp_cert *secret, const struct pgp_cert *known)
{
	BUF_OWNED struct buf merged = { .max = KEY_EXPORT_MAX };
	bool changed;
	size_t used;
	int rc = pgp_merge(secret, known, &merged, &changed, &d->c->error);

	return rc == 0 ? pgp_cert_parse(buf_slice(&merged), &d->cert, &used, &d->c->error) : rc;
}

static void
use(struct key_edit *d)
{
	d->change = (struct pgp_change){ .cert = d->cert, .policy = &d->c->keyring.policy };
	if (d->agent != NULL)
		d->change.keys = agent_keyring(d->agent);
}

int
key_edit_begin(struct key_edit *d, struct key_command *c, struct slice who)
{
	struct pgp_cert *secret = NULL, *known = NULL;
	struct trust_put put = { .origin = TRUST_OWN, .policy = c->keyring.policy };
	const struct trust_entry *entry;
	struct pgp_fingerprint f;
	int rc;

	*d = (struct key_edit){ .c = c };
	rc = key_own(c, who, &entry);
	if (rc != 0)
		return rc;
	f = entry->fingerprint;
	rc = read_secret(d, &f, &secret);
	if (rc == 0)
		rc = trust_store_load(c->keyring.certs, &f, &known, &c->error);
	if (rc == 0)
		rc = merge(d, secret, known);
	pgp_cert_free(secret);
	pgp_cert_free(known);
	if (rc != 0)
		return rc;
	put.cert = d->cert;
	use(d);
	return trust_store_put(c->keyring.certs, &put, NULL, &c->error);
}

int
key_edit_unlock(struct key_edit *d)
{
	int rc = d->agent != NULL ? 0 : agent_client_open(true, &d->agent, &d->c->error);

	if (rc == 0)
		rc = keyring_unlock(
		    &d->c->keyring, &d->c->common, d->agent, &d->cert->primary->fingerprint, &d->c->error);
	if (rc == 0)
		use(d);
	return rc;
}

/* Each change within the second of the last one is dated one second on (change.h), and is to count already. */
static uint64_t
newest_signature(const struct pgp_cert *cert, const struct pgp_policy *policy)
{
	uint64_t newest = policy->now;
	struct pgp_sig s;

	for (size_t n = 0; n < cert->component_count; n++)
		for (size_t i = 0; i < cert->components[n].part_count; i++) {
			const struct pgp_part *part = &cert->components[n].parts[i];

			if (part->type == PGP_SIGNATURE && pgp_sig_parse(part->body, &s, NULL) == 0 &&
			    s.created > newest && s.created <= policy->now + policy->clock_skew)
				newest = s.created;
		}
	return newest;
}

int
key_edit_keep(struct key_edit *d, struct slice changed)
{
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(changed, &cert, &used, &d->c->error);

	if (rc != 0)
		return rc;
	pgp_cert_free(d->cert);
	d->cert = cert;
	d->c->keyring.policy.now = newest_signature(cert, &d->c->keyring.policy);
	use(d);
	return keyring_keep(&d->c->keyring, changed, NULL, &d->c->error);
}

void
key_edit_done(struct key_edit *d)
{
	pgp_cert_free(d->cert);
	agent_client_close(d->agent);
	*d = (struct key_edit){ .c = d->c };
}

/* ---- for verbs ---- */

int
key_user_id(struct key_edit *d, struct slice meant, struct slice *out)
{
	const struct pgp_component *fits = NULL;

	for (size_t i = 0; i < d->cert->component_count; i++) {
		const struct pgp_component *k = &d->cert->components[i];

		if (k->kind != PGP_COMPONENT_USER_ID)
			continue;
		if (slice_eq(k->packet.body, meant)) {
			*out = k->packet.body;
			return 0;
		}
		if (fits == NULL && slice_ieq(pgp_user_id_address(k->packet.body), meant))
			fits = k;
	}
	if (fits == NULL)
		return error_set(&d->c->error, ERR_NOT_FOUND, "this key has no user ID %.*s",
		    (int)size_min(meant.len, 100), (const char *)meant.data);
	*out = fits->packet.body;
	return 0;
}

int
key_edit_not_in_token(struct key_edit *d)
{
	const struct pgp_key *key;

	for (size_t i = 0; (key = pgp_cert_key(d->cert, i)) != NULL; i++) {
		if (tokens_are_meant(key))
			return error_set(&d->c->error, ERR_UNSUPPORTED,
			    "this key is in a token, which has a PIN and no passphrase: subkeys and PINs are made by "
			    "the "
			    "token's own program");
	}
	return 0;
}

int
key_edit_say(struct key_edit *d, const char *what)
{
	const struct trust_entry *entry = trust_store_find(d->c->keyring.certs, &d->cert->primary->fingerprint);

	if (d->c->common.json)
		return client_print_json(key_entry_json(d->c, entry), &d->c->error);
	(void)puts(what);
	(void)puts("Others see it when you publish the key again: letterlock key publish");
	return 0;
}
