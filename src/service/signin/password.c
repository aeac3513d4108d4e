/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/mem.h"
#include "crypto/compare.h"
#include "crypto/secret.h"
#include "os/clock.h"
#include "service/signin/app_password.h"
#include "service/signin/auth.h"
#include "service/signin/internal.h"

static bool
is_usable(const struct store_credential *in, uint32_t protocol, uint64_t now)
{
	return protocol != 0 && (in->rights & protocol) == protocol && (in->expires == 0 || in->expires > now);
}

static void
take_like(struct check *c, const struct scram_verifier *v)
{
	if (c->has_like)
		return;
	c->has_like = true;
	c->like = (struct scram_verifier){ .iterations = v->iterations, .salt_len = v->salt_len };
	memcpy(c->like.salt, v->salt, v->salt_len);
}

int
check_take_account(struct check *c, const struct ask_verifier *found, uint64_t now, struct error *e)
{
	c->account = found->account;
	(void)buf_put_slice(&c->verifier, found->verifier);
	c->credentials = mem_array(found->credential_count + 1, sizeof *c->credentials);
	if (c->credentials == NULL || c->verifier.err != 0)
		return error_nomem(e);
	for (size_t i = 0; i < found->credential_count; i++) {
		const struct store_credential *in = &found->credentials[i];
		struct signin_credential *out = &c->credentials[c->credential_count];

		if (scram_verifier_parse(in->verifier, &out->verifier, NULL) != 0)
			continue;
		take_like(c, &out->verifier);
		if (!is_usable(in, c->protocol, now) || in->name.len >= sizeof out->name)
			continue;
		out->number = in->credential;
		out->kind = in->kind;
		if (in->name.len > 0)
			memcpy(out->name, in->name.data, in->name.len);
		out->name[in->name.len] = 0;
		c->credential_count++;
	}
	return 0;
}

/* ---- on a thread of the pool: it computes for some tens of milliseconds ---- */

/*
 * All of an account's verifiers have one salt and count, so this is one PBKDF2, whether there are some or none: an
 * account that is not there, or has no app passwords, costs the same. 0, or ERR_PASSWORD.
 */
static int
compare_apps(struct check *c, struct error *e)
{
	static const uint8_t no_salt[SCRAM_SALT_SIZE];
	struct slice salt = c->has_like ? scram_verifier_salt(&c->like) : slice_of(no_salt, sizeof no_salt);
	struct scram_verifier said;
	int rc;

	rc = scram_verifier_make(c->password, salt, c->has_like ? c->like.iterations : c->signin->iterations, &said, e);
	if (rc != 0)
		return rc == ERR_SYNTAX || rc == ERR_POLICY || rc == ERR_USAGE ? ERR_PASSWORD : rc;
	for (size_t i = 0; i < c->credential_count; i++) {
		const struct signin_credential *k = &c->credentials[i];

		if (k->kind == STORE_CREDENTIAL_APP &&
		    compare_equal(slice_of(k->verifier.stored_key, sizeof said.stored_key),
			slice_of(said.stored_key, sizeof said.stored_key)))
			c->used = k;
	}
	secret_wipe(&said, sizeof said);
	return c->used != NULL ? 0 : error_set(e, ERR_PASSWORD, "wrong address or password");
}

/*
 * Which of the two a password can be is seen in itself, not in the account:
 * what has the form of an app password may be both, all else only the account's.
 */
static int
compare(struct check *c, struct error *e)
{
	int rc = ERR_PASSWORD;

	if (app_password_is(c->password))
		rc = compare_apps(c, e);
	if (rc == ERR_PASSWORD)
		rc = auth_verifier_check(buf_slice(&c->verifier), c->password, e);
	/* Its text is for whoever has the verifier: not a client's fault. */
	if (rc == ERR_SYNTAX || rc == ERR_LIMIT)
		rc = e->code = ERR_INTEGRITY;
	if (rc == 0 && c->authorize.len > 0 && !slice_ieq(c->authorize, c->address))
		rc = error_set(e, ERR_PASSWORD, "wrong address or password");
	return rc;
}

static void
compute(void *ctx)
{
	struct check *c = ctx;
	struct pace *pace = c->ticket.known ? NULL : c->signin->pace;
	int64_t began, took;
	struct error e = { 0 };
	int rc;

	if (pace != NULL)
		pace_wait(pace);
	began = clock_ns();
	took = clock_thread_ns();
	rc = compare(c, &e);
	took = clock_thread_ns() - took;
	if (rc == ERR_PASSWORD && pace != NULL)
		pace_spent(pace, began, took);
	check_password_done(c, rc, &e);
}

void
check_password(struct check *c)
{
	if (pool_submit(c->ticket.known ? c->signin->known : c->signin->checks, compute, c) != 0)
		check_refuse_with(c, ERR_LIMIT, "too many are signing in: try again later");
}
