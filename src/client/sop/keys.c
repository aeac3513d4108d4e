/* SPDX-License-Identifier: ISC */
/* Keys, certificates and passwords of a call. */
#include <string.h>

#include "client/sop/keys.h"
#include "crypto/secret.h"

/* ---- certificates and keys ---- */

static int
add(struct buf *content, const char *argument, bool secret, struct sop_ring *out)
{
	size_t before = out->certs.count;
	struct error e = { 0 };

	if (out->source_count == OPTIONS_LIST_MAX)
		return sop_fail(SOP_FAILED, "more than %u files of certificates or keys", OPTIONS_LIST_MAX);
	if (pgp_certs_take(content, &out->certs, &e) != 0) {
		(void)error_context(&e, "%.100s", argument);
		return sop_bad(&e);
	}
	out->sources[out->source_count].argument = argument;
	out->sources[out->source_count++].end = out->certs.count;
	for (size_t i = before; i < out->certs.count; i++)
		if (secret != out->certs.items[i]->secret)
			return sop_fail(SOP_BAD_DATA,
			    secret ? "%s holds a certificate, not a secret key"
				   : "%s holds a secret key where a certificate belongs; see extract-cert",
			    argument);
	return SOP_OK;
}

int
sop_load(const char *argument, bool secret, struct sop_ring *out)
{
	struct buf content;
	int rc;

	buf_init(&content, SOP_INPUT_MAX);
	rc = sop_read(argument, &content);
	if (rc == 0)
		rc = add(&content, argument, secret, out);
	buf_wipe_done(&content);
	return rc;
}

int
sop_load_list(const struct option_list *arguments, size_t first, bool secret, struct sop_ring *out)
{
	int rc = SOP_OK;

	for (size_t i = first; rc == 0 && i < arguments->count; i++)
		rc = sop_load(arguments->items[i], secret, out);
	return rc;
}

int
sop_load_input(bool secret, struct sop_ring *out)
{
	struct buf content;
	int rc;

	buf_init(&content, SOP_INPUT_MAX);
	rc = sop_read_all(&content);
	if (rc == 0)
		rc = add(&content, "standard input", secret, out);
	buf_wipe_done(&content);
	return rc;
}

void
sop_ring_done(struct sop_ring *r)
{
	pgp_certs_done(&r->certs);
	r->source_count = 0;
}

bool
sop_ring_checksum(const struct sop_ring *r)
{
	for (size_t i = 0; i < r->certs.count; i++)
		if (r->certs.items[i]->primary->version == 6)
			return false;
	return true;
}

/* ---- passwords ---- */

struct slice
sop_trimmed(struct slice password)
{
	while (password.len > 0 && memchr(" \t\r\n", password.data[password.len - 1], 4) != NULL)
		password.len--;
	return password;
}

int
sop_load_passwords(const struct option_list *arguments, bool must_be_text, struct sop_passwords *out)
{
	int rc = SOP_OK;

	out->count = out->try_count = 0;
	for (size_t i = 0; rc == 0 && i < arguments->count; i++) {
		struct buf *b = &out->items[out->count];
		struct slice trimmed;

		if (out->count == SOP_PASSWORDS_MAX)
			return sop_fail(SOP_FAILED, "more than %u passwords", SOP_PASSWORDS_MAX);
		rc = sop_read_password(arguments->items[i], must_be_text, b);
		out->count++;
		/* As it was given, then without white space at its end, as the interface asks for. */
		out->tries[out->try_count++] = buf_slice(b);
		trimmed = sop_trimmed(buf_slice(b));
		if (trimmed.len != b->len)
			out->tries[out->try_count++] = trimmed;
	}
	return rc;
}

void
sop_passwords_done(struct sop_passwords *p)
{
	for (size_t i = 0; i < p->count; i++)
		buf_wipe_done(&p->items[i]);
	p->count = p->try_count = 0;
}

int
sop_open_secret(const struct pgp_key *key, const struct sop_passwords *passwords, struct secret *out,
    struct slice *password_out, struct error *e)
{
	int rc = ERR_PASSWORD;

	if (!pgp_key_locked(key))
		return pgp_key_unlock(key, SLICE_EMPTY, out, e);
	(void)error_set(e, ERR_PASSWORD, "no password opens key %016llX", (unsigned long long)key->key_id);
	for (size_t i = 0; rc == ERR_PASSWORD && i < passwords->try_count; i++) {
		rc = pgp_key_unlock(key, passwords->tries[i], out, e);
		if (rc == 0 && password_out != NULL)
			*password_out = passwords->tries[i];
	}
	return rc;
}

int
sop_unlock(const struct pgp_key *key, const struct sop_passwords *passwords, struct pgp_memory_keys *memory)
{
	struct secret s SECRET_OWNED = SECRET_EMPTY;
	struct error e = { 0 };
	int rc = sop_open_secret(key, passwords, &s, NULL, &e);

	if (rc == ERR_PASSWORD)
		return sop_fail(SOP_KEY_IS_PROTECTED, "%s", e.text);
	if (rc == 0)
		rc = pgp_memory_keys_add(memory, key, secret_slice(&s), &e);
	return rc != 0 ? sop_bad_key(&e) : SOP_OK;
}
