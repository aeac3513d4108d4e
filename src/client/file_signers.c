/* SPDX-License-Identifier: ISC */
#include "client/file_signers.h"

#include "base/date.h"
#include "base/mem.h"
#include "os/clock.h"
#include "trust/why.h"

#define SIGNERS_MAX 64u /* unknown signers that are looked up for one file */
#define TEXT_MAX 1000u

int
file_signers_begin(struct file_signers *s, const struct file_command *c, const struct option_list *certs,
    const struct pgp_policy *policy, struct error *e)
{
	int rc = 0;

	*s = (struct file_signers){ .command = c, .given = certs != NULL && certs->count > 0 };
	for (size_t i = 0; s->given && i < certs->count && rc == 0; i++)
		rc = file_certs_load(certs->items[i], &s->certs, e);
	return rc == 0 ? pgp_verifier_new(&s->verifier, &s->certs, policy, e) : rc;
}

static void
forget_beliefs(struct file_signers *s)
{
	for (size_t i = 0; i < s->belief_count; i++)
		key_belief_done(&s->beliefs[i]);
	mem_free(s->beliefs);
	s->beliefs = NULL;
	s->belief_count = 0;
}

void
file_signers_done(struct file_signers *s)
{
	forget_beliefs(s);
	pgp_verifier_free(s->verifier);
	pgp_certs_done(&s->certs);
	s->verifier = NULL;
}

/* ---- looking up ---- */

static int
find(struct file_signers *s, const struct pgp_verdict *v, struct error *e)
{
	const struct pgp_fingerprint *f = v->issuer_fpr.len > 0 ? &v->issuer_fpr : NULL;
	const struct trust_store *store = s->command->keyring.certs;
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	struct pgp_cert *cert;
	size_t n;
	int rc = 0;

	if (f == NULL && v->issuer == 0)
		return 0;
	n = trust_store_find_key(store, f, v->issuer, found, TRUST_CANDIDATES_MAX);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = trust_store_load(store, &found[i]->fingerprint, &cert, e);
		if (rc == 0)
			rc = file_certs_add(&s->certs, cert, e);
	}
	return rc;
}

static int
finish(struct file_signers *s, struct error *e)
{
	int rc = pgp_verifier_finish(s->verifier, e);

	return rc == ERR_SYNTAX ? 0 : rc; /* an announced signature is missing: its verdict says so */
}

/* What is believed of each signer: of whoever's certificate is here. */
static int
find_beliefs(struct file_signers *s, struct error *e)
{
	size_t count = pgp_verifier_count(s->verifier);

	forget_beliefs(s);
	s->beliefs = mem_array(count + 1, sizeof *s->beliefs);
	if (s->beliefs == NULL)
		return error_nomem(e);
	for (; s->belief_count < count; s->belief_count++) {
		const struct pgp_verdict *v = pgp_verifier_verdict(s->verifier, s->belief_count);

		if (v->cert != NULL)
			key_believe(&s->command->keyring, &v->cert->primary->fingerprint, SLICE_EMPTY, v->created,
			    &s->beliefs[s->belief_count]);
	}
	return 0;
}

/* Once to learn who signed, and again with their certificates. */
int
file_signers_judge(struct file_signers *s, struct error *e)
{
	int rc = finish(s, e);
	size_t asked = 0;

	for (size_t i = 0; rc == 0 && !s->given && i < pgp_verifier_count(s->verifier) && asked < SIGNERS_MAX; i++) {
		const struct pgp_verdict *v = pgp_verifier_verdict(s->verifier, i);

		if (v->kind != PGP_VERDICT_NO_KEY)
			continue;
		asked++;
		rc = find(s, v, e);
	}
	if (rc == 0 && s->certs.count > 0)
		rc = finish(s, e);
	return rc == 0 ? find_beliefs(s, e) : rc;
}

/* ---- verdicts ---- */

static bool
is_believed(const struct file_signers *s, size_t n)
{
	return n < s->belief_count && key_is_believed(&s->beliefs[n]);
}

static const struct trust_entry *
entry_of(const struct file_signers *s, const struct pgp_verdict *v)
{
	return v->cert == NULL || s->command->keyring.certs == NULL
	    ? NULL
	    : trust_store_find(s->command->keyring.certs, &v->cert->primary->fingerprint);
}

enum file_verdict
file_signers_verdict(const struct file_signers *s, size_t n)
{
	const struct pgp_verdict *v = pgp_verifier_verdict(s->verifier, n);

	switch (v->kind) {
	case PGP_VERDICT_GOOD:
		if (is_believed(s, n))
			return FILE_VERDICT_GOOD;
		return s->given ? FILE_VERDICT_GIVEN : FILE_VERDICT_DOUBTFUL;
	case PGP_VERDICT_BAD:
		return FILE_VERDICT_BAD;
	case PGP_VERDICT_INVALID:
		return FILE_VERDICT_INVALID;
	case PGP_VERDICT_NO_KEY:
		break;
	}
	return FILE_VERDICT_UNKNOWN;
}

enum file_verdict
file_signers_best(const struct file_signers *s)
{
	enum file_verdict best = FILE_VERDICT_NONE;

	for (size_t i = 0; i < pgp_verifier_count(s->verifier); i++) {
		enum file_verdict v = file_signers_verdict(s, i);

		best = v > best ? v : best;
	}
	return best;
}

bool
file_signers_include(const struct file_signers *s, const struct pgp_fingerprint *f)
{
	for (size_t i = 0; i < pgp_verifier_count(s->verifier); i++) {
		const struct pgp_verdict *v = pgp_verifier_verdict(s->verifier, i);

		if (v->kind == PGP_VERDICT_GOOD && pgp_fingerprint_eq(&v->cert->primary->fingerprint, f))
			return true;
	}
	return false;
}

/* ---- words ---- */

static const char *const names[] = { [FILE_VERDICT_NONE] = "none",
	[FILE_VERDICT_UNKNOWN] = "unknown",
	[FILE_VERDICT_INVALID] = "invalid",
	[FILE_VERDICT_BAD] = "bad",
	[FILE_VERDICT_DOUBTFUL] = "doubtful",
	[FILE_VERDICT_GIVEN] = "given",
	[FILE_VERDICT_GOOD] = "good" };

static const char *const sentences[] = { [FILE_VERDICT_NONE] = "It is not signed",
	[FILE_VERDICT_UNKNOWN] = "Cannot be checked: the key of this signature is not known here",
	[FILE_VERDICT_INVALID] = "The signature does not count",
	[FILE_VERDICT_BAD] = "BAD signature: the file or the signature was changed",
	[FILE_VERDICT_DOUBTFUL] = "The signature fits, but nothing vouches for whose key it is",
	[FILE_VERDICT_GIVEN] = "The signature fits the certificate that you gave",
	[FILE_VERDICT_GOOD] = "Good signature" };

/* What to do next. */
static const char *const advice[] = { [FILE_VERDICT_NONE] = "",
	[FILE_VERDICT_UNKNOWN] =
	    ("Get the certificate from its owner, look at its fingerprint, and say `letterlock key import FILE`;"
	     " or check against a file of it with --cert FILE."),
	[FILE_VERDICT_INVALID] = "",
	[FILE_VERDICT_BAD] = "Do not use the file. Fetch both anew, best from another place.",
	[FILE_VERDICT_DOUBTFUL] =
	    "Compare the fingerprint with its owner, and then say `letterlock key verify FINGERPRINT`.",
	[FILE_VERDICT_GIVEN] = "",
	[FILE_VERDICT_GOOD] = "" };

/* The user ID that the certificate itself calls its main one; peer text. Empty when there is none. */
static void
put_user_id(const struct file_signers *s, const struct pgp_cert *cert, struct buf *out)
{
	const struct pgp_policy *policy = &s->command->keyring.policy;
	struct pgp_cert_judgement j;

	if (pgp_cert_judge(cert, policy, policy->now, &j, NULL) != 0)
		return;
	if (j.primary_user_id != SIZE_MAX)
		(void)buf_put_slice(
		    out, slice_sub(j.components[j.primary_user_id].component->packet.body, 0, TEXT_MAX));
	pgp_cert_judgement_done(&j);
}

static void
put_key(const struct pgp_verdict *v, struct buf *out)
{
	if (v->cert != NULL)
		(void)pgp_fingerprint_write(&v->cert->primary->fingerprint, out);
	else if (v->issuer_fpr.len > 0)
		(void)pgp_fingerprint_write(&v->issuer_fpr, out);
	else if (v->issuer != 0)
		(void)buf_putf(out, "%016llX", (unsigned long long)v->issuer);
}

/* Why the key is known, or that it is not. */
static void
put_why(const struct file_signers *s, size_t n, struct buf *out)
{
	const struct trust_entry *entry = entry_of(s, pgp_verifier_verdict(s->verifier, n));

	if (s->given && entry == NULL)
		(void)buf_put_str(
		    out, "Its key is known only because you gave the certificate: nothing here says whose it is.");
	else if (n < s->belief_count)
		(void)buf_put_slice(out, buf_slice(&s->beliefs[n].why));
}

static void
put_date(const struct pgp_verdict *v, struct buf *out)
{
	(void)date_write_short(out, (int64_t)v->created, clock_zone((int64_t)v->created));
}

/* Not of a key that was given with --cert. */
static bool
is_of_another(const struct file_signers *s, size_t n)
{
	return s->given && file_signers_verdict(s, n) == FILE_VERDICT_UNKNOWN;
}

static void
say_verdict(const struct file_signers *s, size_t n, struct buf *text)
{
	const struct pgp_verdict *v = pgp_verifier_verdict(s->verifier, n);

	(void)buf_put_str(text,
	    is_of_another(s, n) ? "Cannot be checked: the signature is of another key"
				: sentences[file_signers_verdict(s, n)]);
	if (v->created != 0 && (v->kind == PGP_VERDICT_GOOD || v->kind == PGP_VERDICT_INVALID)) {
		(void)buf_put_str(text, ", made ");
		put_date(v, text);
	}
	file_say(s->command, "  ", buf_slice(text), ".");
	buf_clear(text);
	if (v->kind == PGP_VERDICT_INVALID)
		file_say(s->command, "  ", slice_str(v->reason), "");
}

static void
say_signer(const struct file_signers *s, const struct pgp_verdict *v, struct buf *text)
{
	if (v->cert != NULL) {
		put_user_id(s, v->cert, text);
		file_say(s->command,
		    "  Signer: ", text->len > 0 ? buf_slice(text) : SLICE("a key without a valid name"), "");
		buf_clear(text);
	}
	put_key(v, text);
	if (text->len > 0)
		file_say(s->command, v->cert != NULL ? "  Key:    " : "  Its key says it is ", buf_slice(text), "");
	buf_clear(text);
}

static void
say_one(const struct file_signers *s, size_t n)
{
	const struct pgp_verdict *v = pgp_verifier_verdict(s->verifier, n);
	const char *what = advice[file_signers_verdict(s, n)];
	BUF_OWNED struct buf text = { .max = 10 * TEXT_MAX };

	say_verdict(s, n, &text);
	say_signer(s, v, &text);
	if (v->cert != NULL) {
		put_why(s, n, &text);
		file_say(s->command, "  ", buf_slice(&text), "");
	}
	if (is_of_another(s, n))
		what = "The certificates that you gave with --cert are not of this key.";
	if (what[0] != '\0')
		file_say(s->command, "  ", slice_str(what), "");
}

static struct json_value *
json_one(const struct file_signers *s, size_t n)
{
	const struct pgp_verdict *v = pgp_verifier_verdict(s->verifier, n);
	BUF_OWNED struct buf text = { .max = 10 * TEXT_MAX };
	struct json_value *o = json_value_object();

	json_value_set_str(o, "verdict", names[file_signers_verdict(s, n)]);
	put_key(v, &text);
	json_value_set_text(o, "fingerprint", buf_slice(&text));
	json_value_set_i64(o, "signed_at", (int64_t)v->created);
	json_value_set_str(o, "reason", v->reason);
	if (v->cert != NULL) {
		buf_clear(&text);
		put_user_id(s, v->cert, &text);
		json_value_set_text(o, "user_id", buf_slice(&text));
		buf_clear(&text);
		put_why(s, n, &text);
		json_value_set_text(o, "why", buf_slice(&text));
		json_value_set_bool(o, "believed", is_believed(s, n));
	}
	return o;
}

void
file_signers_say(const struct file_signers *s)
{
	struct json_value *list = s->command->said != NULL ? json_value_list() : NULL;

	for (size_t i = 0; i < pgp_verifier_count(s->verifier); i++) {
		if (list != NULL)
			json_value_append(list, json_one(s, i));
		else
			say_one(s, i);
	}
	if (list == NULL)
		return;
	json_value_set_str(s->command->said, "verdict", names[file_signers_best(s)]);
	json_value_set(s->command->said, "signatures", list);
}

int
file_wanted(const struct file_command *c, const char *who, struct pgp_fingerprint *out, struct error *e)
{
	const struct trust_entry *entry;
	struct key_belief belief;
	bool believed;

	if (pgp_fingerprint_parse(slice_str(who), out, NULL) == 0)
		return 0;
	entry = c->keyring.certs == NULL ? NULL : trust_store_choose(c->keyring.certs, slice_str(who), NULL);
	if (entry == NULL)
		return error_set(e, ERR_NOT_FOUND, "there is no certificate of '%.100s' here", who);
	*out = entry->fingerprint;
	key_believe(&c->keyring, out, slice_str(who), 0, &belief);
	/* One that has expired may have signed before. */
	believed = key_is_believed(&belief) || (belief.verdict == BELIEVE_NOT && trust_is_believed(entry));
	key_belief_done(&belief);
	if (!believed)
		return error_set(e, ERR_NO_KEY,
		    "nothing vouches that the certificate here is that of '%.80s': compare its fingerprint and say"
		    " `letterlock key verify`",
		    who);
	return 0;
}

/* Whoever signed. */
static int
result_of_best(const struct file_signers *s, struct error *e)
{
	switch (file_signers_best(s)) {
	case FILE_VERDICT_GOOD:
	case FILE_VERDICT_GIVEN:
		return 0;
	case FILE_VERDICT_DOUBTFUL:
		return error_set(e, ERR_NO_KEY, "signed by a key that nothing vouches for");
	case FILE_VERDICT_UNKNOWN:
		return error_set(e, ERR_NO_KEY, "signed by a key that is not known");
	case FILE_VERDICT_INVALID:
		return error_set(e, ERR_POLICY, "the signature does not count");
	case FILE_VERDICT_BAD:
		return error_set(e, ERR_SIGNATURE, "the signature is bad");
	case FILE_VERDICT_NONE:
		break;
	}
	return error_set(e, ERR_SIGNATURE, "it is not signed");
}

int
file_signers_result(const struct file_signers *s, const struct pgp_fingerprint *wanted, struct error *e)
{
	int rc;

	if (wanted != NULL && file_signers_include(s, wanted))
		return 0;
	rc = result_of_best(s, e);
	return rc == 0 && wanted != NULL ? error_set(e, ERR_SIGNATURE, "it is signed by somebody else than asked for")
					 : rc;
}
