/* SPDX-License-Identifier: ISC */
/* Keys, certificates and passwords of a call, and what verifications look like. */
#include <string.h>

#include "base/date.h"
#include "base/printable.h"
#include "client/sop/sop.h"
#include "crypto/secret.h"
#include "os/clock.h"

int
sop_load(const char *argument, bool secret, struct pgp_certs *out)
{
	size_t before = out->count;
	struct error e = { 0 };
	struct buf content;
	int rc;

	buf_init(&content, SOP_INPUT_MAX);
	rc = sop_read(argument, &content);
	if (rc == 0 && pgp_certs_parse(buf_slice(&content), out, &e) != 0)
		rc = sop_bad(&e);
	buf_wipe_done(&content);
	for (size_t i = before; rc == 0 && i < out->count; i++)
		if (secret && !out->items[i]->secret)
			rc = sop_fail(SOP_BAD_DATA, "%s is a certificate, not a secret key", argument);
	return rc;
}

int
sop_load_passwords(const struct option_list *arguments, bool must_be_text, struct sop_passwords *out)
{
	int rc = SOP_OK;

	out->count = 0;
	for (size_t i = 0; rc == 0 && i < arguments->count; i++) {
		if (i >= sizeof out->items / sizeof out->items[0])
			return sop_fail(SOP_FAILED, "too many passwords");
		rc = sop_read_password(arguments->items[i], must_be_text, &out->items[i]);
		out->count++;
	}
	return rc;
}

void
sop_passwords_done(struct sop_passwords *p)
{
	for (size_t i = 0; i < p->count; i++)
		buf_wipe_done(&p->items[i]);
	p->count = 0;
}

struct slice
sop_trimmed(struct slice password)
{
	while (password.len > 0 && memchr(" \t\r\n", password.data[password.len - 1], 4) != NULL)
		password.len--;
	return password;
}

/* As it was given, then without white space at its end, as the interface asks for. */
static int
try_passwords(const struct pgp_key *key, const struct sop_passwords *p, struct secret *out, struct error *e)
{
	int rc = ERR_PASSWORD;

	(void)error_set(e, ERR_PASSWORD, "no password opens key %016llX", (unsigned long long)key->key_id);
	for (size_t i = 0; rc == ERR_PASSWORD && i < p->count; i++) {
		struct slice password = buf_slice(&p->items[i]), trimmed = sop_trimmed(password);

		rc = pgp_key_unlock(key, password, out, e);
		if (rc == ERR_PASSWORD && trimmed.len != password.len)
			rc = pgp_key_unlock(key, trimmed, out, e);
	}
	return rc;
}

int
sop_unlock(const struct pgp_key *key, const struct sop_passwords *passwords, struct pgp_memory_keys *memory)
{
	struct secret s SECRET_OWNED = SECRET_EMPTY;
	struct error e = { 0 };
	int rc = pgp_key_locked(key) ? try_passwords(key, passwords, &s, &e) : pgp_key_unlock(key, SLICE_EMPTY, &s, &e);

	if (rc == ERR_PASSWORD)
		return sop_fail(SOP_KEY_IS_PROTECTED, "%s", e.text);
	if (rc == 0)
		rc = pgp_memory_keys_add(memory, key, secret_slice(&s), &e);
	return rc != 0 ? sop_bad(&e) : SOP_OK;
}

static int
signer_of(const struct pgp_cert *c, const struct sop_passwords *passwords, struct pgp_memory_keys *memory,
    struct pgp_signer *out)
{
	struct pgp_policy policy = pgp_policy_default(clock_unix());
	const struct pgp_key *keys[SOP_KEYS_MAX];
	struct pgp_cert_judgement j;
	struct error e = { 0 };
	size_t n;
	int rc = pgp_cert_judge(c, &policy, policy.now, &j, &e);

	if (rc != 0)
		return sop_bad(&e);
	n = pgp_judged_keys_for(&j, &policy, PGP_FLAG_SIGN, keys, SOP_KEYS_MAX, &e);
	pgp_cert_judgement_done(&j);
	if (n == 0)
		return sop_fail(SOP_KEY_CANNOT_SIGN, "%s", e.text);
	/* The last one: a signing subkey before the primary key. */
	*out = (struct pgp_signer){ keys[n - 1], pgp_memory_keys_ops(memory) };
	return sop_unlock(keys[n - 1], passwords, memory);
}

int
sop_signers(const struct pgp_certs *keys, const struct sop_passwords *passwords, struct pgp_memory_keys *memory,
    struct pgp_signer *signers_out)
{
	int rc = SOP_OK;

	for (size_t i = 0; rc == 0 && i < keys->count; i++)
		rc = signer_of(keys->items[i], passwords, memory, &signers_out[i]);
	return rc;
}

static void
put_line(const struct pgp_verdict *v, struct buf *out)
{
	(void)date_write_rfc3339(out, v->created);
	(void)buf_put_u8(out, ' ');
	(void)pgp_fingerprint_write(&v->key->fingerprint, out);
	(void)buf_put_u8(out, ' ');
	(void)pgp_fingerprint_write(&v->cert->primary->fingerprint, out);
	(void)buf_put_str(out, v->sig_type == PGP_SIG_TEXT ? " mode:text\n" : " mode:binary\n");
}

int
sop_verifications(const struct pgp_verifier *v, const struct sop_window *window, struct buf *out, size_t *count_out)
{
	*count_out = 0;
	for (size_t i = 0; i < pgp_verifier_count(v); i++) {
		const struct pgp_verdict *w = pgp_verifier_verdict(v, i);

		if (w->kind != PGP_VERDICT_GOOD)
			(void)sop_fail(0, "%s", w->reason);
		else if (w->created < window->not_before || w->created > window->not_after)
			(void)sop_fail(0, "a signature was made outside of the time asked for");
		else {
			put_line(w, out);
			++*count_out;
		}
	}
	return out->err != 0 ? sop_fail(SOP_FAILED, "too many signatures") : SOP_OK;
}
