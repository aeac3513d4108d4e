/* SPDX-License-Identifier: ISC */
/* `letterlock key approve`: which of others' certifications key directories may give on with a key of one's own. */
#include <stdio.h>

#include "client/key/edit.h"
#include "client/key/sig_verdict.h"
#include "client/key/verbs.h"
#include "openpgp/cert/certify.h"

#define CERTIFIERS_MAX 100u

static const char help[] =
    "letterlock key approve WHO [CERTIFIER...]\n"
    "\n"
    "Says which certifications of your key by others may travel with it: key directories leave all others out.\n"
    "First take in what they sent you (letterlock key import), and afterwards publish your key again.\n"
    "Each time takes the place of what you approved before. Without CERTIFIER it is every certification that fits\n"
    "and whose maker's certificate is here; with CERTIFIER (an address or a fingerprint) only theirs.\n"
    "\n"
    "  --none              none any more\n"
    "  --user-id USER-ID   of this user ID; without it of the primary one\n"
    "  --json, --passphrase-fd N\n"
    "\n"
    "Example:\n"
    "  letterlock key approve alice@example.org bob@example.org\n";

struct approving {
	struct key_command c;
	struct key_edit d;
	struct pgp_cert_judgement j;
	const struct pgp_component_judgement *of; /* the user ID, in j */
	struct pgp_fingerprint certifiers[CERTIFIERS_MAX];
	size_t certifier_count;
	const char *user_id;
	bool none;
	size_t approved, unknown; /* unknown: nobody here made them, or they do not fit */
};

static bool
is_wanted(const struct approving *a, const struct pgp_fingerprint *f)
{
	for (size_t i = 0; i < a->certifier_count; i++)
		if (pgp_fingerprint_eq(&a->certifiers[i], f))
			return true;
	return a->certifier_count == 0;
}

/* What nobody here made is not approved: who sends it could be anybody, and could send thousands. */
static bool
choose(void *ctx, const struct pgp_sig *certification)
{
	struct approving *a = ctx;
	const struct pgp_part part = { .type = PGP_SIGNATURE, .body = certification->body };
	struct key_sig s;

	if (a->none)
		return false;
	key_sig_judge(&a->c, &a->j, a->of, &part, &s);
	if (s.issuer == NULL)
		a->unknown++;
	if (s.issuer == NULL || !is_wanted(a, &s.issuer->fingerprint))
		return false;
	a->approved++;
	return true;
}

static int
find_certifiers(struct approving *a)
{
	for (size_t i = 1; i < a->c.arguments.count; i++) {
		const struct trust_entry *entry;
		int rc = keyring_resolve(&a->c.keyring, slice_str(a->c.arguments.items[i]), false, &entry, &a->c.error);

		if (rc != 0)
			return rc;
		a->certifiers[a->certifier_count++] = entry->fingerprint;
	}
	return a->none && a->certifier_count > 0
	    ? error_set(&a->c.error, ERR_USAGE, "either --none or whose certifications")
	    : 0;
}

static int
find_user_id(struct approving *a)
{
	struct slice user_id;
	int rc;

	if (a->user_id == NULL) {
		if (a->j.primary_user_id == SIZE_MAX)
			return error_set(&a->c.error, ERR_POLICY, "the key has no user ID that is good");
		a->of = &a->j.components[a->j.primary_user_id];
		return 0;
	}
	rc = key_user_id(&a->d, slice_str(a->user_id), &user_id);
	for (size_t i = 0; rc == 0 && i < a->j.count; i++)
		if (a->j.components[i].component->kind == PGP_COMPONENT_USER_ID &&
		    slice_eq(a->j.components[i].component->packet.body, user_id))
			a->of = &a->j.components[i];
	return rc == 0 && a->of == NULL ? error_set(&a->c.error, ERR_NOT_FOUND, "the key has no such user ID") : rc;
}

static int
check_something(struct approving *a)
{
	if (a->none || a->approved > 0)
		return 0;
	if (a->unknown > 0)
		return error_set(&a->c.error, ERR_NOT_FOUND,
		    "%zu certifications of this key do not fit, or their makers' certificates are not here: find those "
		    "first with `letterlock key find`; `letterlock key show --tree` shows who they are",
		    a->unknown);
	return error_set(&a->c.error, ERR_NOT_FOUND,
	    "there is no such certification of this key here: take in with `letterlock key import` what its maker sent "
	    "you");
}

static int
approve(struct approving *a)
{
	BUF_OWNED struct buf out = { .max = KEY_EXPORT_MAX };
	const struct pgp_policy *policy = &a->c.keyring.policy;
	int rc = pgp_cert_judge(a->d.cert, policy, policy->now, &a->j, &a->c.error);

	if (rc != 0)
		return rc;
	rc = find_user_id(a);
	if (rc == 0)
		rc = key_edit_unlock(&a->d);
	if (rc == 0)
		rc = pgp_change_approve(&a->d.change, a->of->component->packet.body, choose, a, &out, &a->c.error);
	if (rc == 0)
		rc = check_something(a);
	pgp_cert_judgement_done(&a->j);
	return rc == 0 ? key_edit_keep(&a->d, buf_slice(&out)) : rc;
}

static int
say(struct approving *a)
{
	char line[200];

	if (a->none)
		(void)snprintf(line, sizeof line, "No certification by others is approved any more.");
	else
		(void)snprintf(line, sizeof line, "%zu certification%s by others %s approved.", a->approved,
		    a->approved == 1 ? "" : "s", a->approved == 1 ? "is" : "are");
	if (a->unknown > 0 && !a->c.common.json)
		(void)printf("%zu more do not fit, or their makers' certificates are not here.\n", a->unknown);
	return key_edit_say(&a->d, line);
}

int
key_approve(int argc, char **argv)
{
	static struct approving a;
	const struct option options[] = { { "user-id", OPTION_TEXT, &a.user_id }, { "none", OPTION_FLAG, &a.none } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, 1 + CERTIFIERS_MAX);
	int status, rc;

	if (!key_begin(&a.c, argc, argv, &syntax, &status))
		return status;
	rc = find_certifiers(&a);
	if (rc == 0)
		rc = key_edit_begin(&a.d, &a.c, key_argument(&a.c));
	if (rc == 0)
		rc = approve(&a);
	if (rc == 0)
		rc = say(&a);
	key_edit_done(&a.d);
	return key_end(&a.c, rc);
}
