/* SPDX-License-Identifier: ISC */
/* `letterlock key certify` */
#include <stdio.h>
#include <string.h>

#include "client/account.h"
#include "client/key/command.h"
#include "client/key/lazy_keys.h"
#include "client/key/verbs.h"
#include "client/key/when.h"
#include "openpgp/cert/certify.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/armor.h"
#include "openpgp/judge/regex.h"
#include "openpgp/judge/verify.h"
#include "os/file.h"
#include "trust/believe/scope.h"

static const char help[] =
    "letterlock key certify WHO [USER ID]...\n"
    "\n"
    "Says with your key that a certificate is whose it says: so others who trust you can believe it, too. Compare\n"
    "the fingerprint with its owner before. WHO is an address or a fingerprint; without a user ID (or an address\n"
    "that stands in one) all those of the address are certified, or with a fingerprint all that are good.\n"
    "\n"
    "  --compared           you have compared the fingerprint (kept, as `letterlock key verify` does)\n"
    "  --local              for yourself only: it never leaves your store\n"
    "  --expires WHEN       2y, 6m, 30d, 2027-06-30; otherwise never\n"
    "  --depth N            also trust WHO to say whose other keys are: 1 WHO alone, 2 whom WHO names so, ...\n"
    "  --amount N           how much that counts: 120 in full (which it is otherwise), 60 partly\n"
    "  --domain DOMAIN      only for addresses there; --regex REGEX only for user IDs that match\n"
    "  --notation NAME=TEXT a remark: tag@domain=text\n"
    "  --revoke             takes back what you said before; --text TEXT says why\n"
    "  --with KEY           which of your keys says it: an address or a fingerprint\n"
    "  --output FILE        writes the certificate with what you said, for its owner\n"
    "\n"
    "Options: --json, --passphrase-fd N\n"
    "\n"
    "Examples:\n"
    "  letterlock key certify bob@example.org --compared --output bob.asc\n"
    "  letterlock key certify ca@example.org --local --depth 1 --domain example.org\n"
    "  letterlock key certify bob@example.org --revoke --text \"the key is not his any more\"\n";

#define USER_IDS_MAX 64u

struct certifying {
	struct key_command c;
	const char *with, *expires, *domain, *regex, *text, *output;
	struct option_list notations;
	uint32_t depth, amount;
	bool compared, local, revoke;
	struct lazy_keys keys;
	const struct pgp_cert *signer;
	struct pgp_cert *target;
	struct slice user_ids[USER_IDS_MAX]; /* of the target as it came: its copy is first */
	size_t user_id_count;
	struct pgp_cert *first;
	struct pgp_notation notes[PGP_NOTATIONS_MAX];
	struct buf scope;
	struct pgp_certify_spec spec;
};

/* ---- what is said ---- */

static int
take_notations(struct certifying *x)
{
	for (size_t i = 0; i < x->notations.count; i++) {
		struct slice word = slice_str(x->notations.items[i]);
		size_t at = slice_find(word, '=');

		if (i == PGP_NOTATIONS_MAX)
			return error_set(&x->c.error, ERR_LIMIT, "more than %u notations", PGP_NOTATIONS_MAX);
		if (at == SIZE_MAX)
			return error_set(&x->c.error, ERR_USAGE, "a notation looks like tag@example.org=text");
		x->notes[i] = (struct pgp_notation){
			.name = slice_sub(word, 0, at), .value = slice_from(word, at + 1), .readable = true
		};
	}
	x->spec.notations = x->notes;
	x->spec.notation_count = x->notations.count;
	return 0;
}

static int
check_trust(struct certifying *x)
{
	bool more = x->domain != NULL || x->regex != NULL || x->amount != UINT32_MAX;

	if (x->domain != NULL && x->regex != NULL)
		return error_set(&x->c.error, ERR_USAGE, "either --domain or --regex");
	if (more && x->depth == 0)
		return error_set(
		    &x->c.error, ERR_USAGE, "--amount, --domain and --regex say how you trust somebody: with --depth");
	if (x->depth > 255 || (x->amount != UINT32_MAX && (x->amount == 0 || x->amount > 120)))
		return error_set(&x->c.error, ERR_USAGE, "--depth is at most 255, --amount between 1 and 120");
	return 0;
}

static int
take_scope(struct certifying *x)
{
	struct pgp_regex *r;
	int rc = check_trust(x);

	if (rc != 0)
		return rc;
	x->spec.depth = (uint8_t)x->depth;
	if (x->depth > 0)
		x->spec.amount = x->amount == UINT32_MAX ? 120 : (uint8_t)x->amount;
	if (x->domain != NULL)
		rc = believe_domain_scope(x->domain, false, &x->scope, &x->c.error);
	else if (x->regex != NULL)
		(void)buf_put_str(&x->scope, x->regex);
	x->spec.regex = buf_slice(&x->scope);
	if (rc != 0 || x->spec.regex.len == 0)
		return rc;
	rc = pgp_regex_compile(x->spec.regex, &r, &x->c.error);
	if (rc == 0)
		pgp_regex_free(r);
	return rc;
}

static int
take_spec(struct certifying *x)
{
	uint64_t now = x->c.keyring.policy.now, when = 0;
	int rc = take_scope(x);

	x->spec.created = (uint32_t)now;
	x->spec.local = x->local;
	x->spec.reason = PGP_REASON_USER_ID_INVALID;
	x->spec.reason_text = slice_str(x->text);
	if (rc == 0)
		rc = take_notations(x);
	if (rc == 0 && x->expires != NULL)
		rc = key_when_parse(slice_str(x->expires), now, &when, &x->c.error);
	if (when != 0)
		x->spec.expires = (uint32_t)(when - now);
	return rc == 0 && when > now + UINT32_MAX ? error_set(&x->c.error, ERR_USAGE, "--expires is too far off") : rc;
}

/* ---- who, and whose ---- */

static int
find_signer(struct certifying *x)
{
	const struct trust_entry *entry;
	struct account a;
	int rc = lazy_keys_init(&x->keys, &x->c.keyring, &x->c.common, &x->c.error);

	if (rc != 0)
		return rc;
	if (x->with == NULL && x->keys.own.count == 1) {
		x->signer = x->keys.own.items[0];
		return 0;
	}
	if (x->keys.own.count == 0)
		return error_set(&x->c.error, ERR_NO_KEY,
		    "you have no key of your own to say it with: make one with `letterlock key new`");
	if (x->with == NULL && account_load(&a, NULL) != 0)
		return error_set(&x->c.error, ERR_USAGE, "you have several keys: say which one with --with");
	rc =
	    keyring_resolve(&x->c.keyring, slice_str(x->with != NULL ? x->with : a.address), true, &entry, &x->c.error);
	for (size_t i = 0; rc == 0 && i < x->keys.own.count; i++)
		if (pgp_fingerprint_eq(&x->keys.own.items[i]->primary->fingerprint, &entry->fingerprint))
			x->signer = x->keys.own.items[i];
	return rc == 0 && x->signer == NULL ? error_set(&x->c.error, ERR_NO_KEY, "the secret key is not here") : rc;
}

static bool
was_asked_for(const struct certifying *x, struct slice user_id)
{
	struct slice who = key_argument(&x->c), address = pgp_user_id_address(user_id);
	struct pgp_fingerprint f;

	if (x->c.arguments.count == 1)
		return pgp_fingerprint_parse(who, &f, NULL) == 0 || slice_ieq(address, who);
	for (size_t i = 1; i < x->c.arguments.count; i++)
		if (slice_eq_str(user_id, x->c.arguments.items[i]) || slice_ieq_str(address, x->c.arguments.items[i]))
			return true;
	return false;
}

/* Those that its owner stands by; taking back needs no more than that it is there. */
static void
choose_user_ids(struct certifying *x, const struct pgp_cert_judgement *j)
{
	for (size_t i = 1; i < j->count && x->user_id_count < USER_IDS_MAX; i++) {
		const struct pgp_component *k = j->components[i].component;

		if (k->kind == PGP_COMPONENT_USER_ID && was_asked_for(x, k->packet.body) &&
		    (x->revoke || j->components[i].standing == PGP_STANDING_GOOD))
			x->user_ids[x->user_id_count++] = k->packet.body;
	}
}

static int
check_compared(struct certifying *x, const struct trust_entry *entry)
{
	struct pgp_fingerprint f = entry->fingerprint;
	BUF_OWNED struct buf hex = { .max = 100 };

	if (x->compared)
		return trust_store_verify(x->c.keyring.certs, &f, x->c.keyring.policy.now, &x->c.error);
	if (entry->verified != 0 || x->revoke)
		return 0;
	(void)pgp_fingerprint_write(&f, &hex);
	return error_set(&x->c.error, ERR_POLICY,
	    "you have not compared the fingerprint of this certificate, and others will believe you: ask its owner "
	    "whether"
	    " it is %.*s, and then say it again with --compared",
	    (int)hex.len, (const char *)hex.data);
}

static int
find_target(struct certifying *x)
{
	const struct pgp_policy *policy = &x->c.keyring.policy;
	const struct trust_entry *entry;
	struct pgp_cert_judgement j;
	int rc = keyring_resolve(&x->c.keyring, key_argument(&x->c), false, &entry, &x->c.error);

	if (rc == 0)
		rc = trust_store_load(x->c.keyring.certs, &entry->fingerprint, &x->first, &x->c.error);
	if (rc == 0)
		rc = pgp_cert_judge(x->first, policy, policy->now, &j, &x->c.error);
	if (rc != 0)
		return rc;
	choose_user_ids(x, &j);
	if (j.standing != PGP_STANDING_GOOD && !x->revoke)
		rc = error_set(&x->c.error, ERR_POLICY, "this certificate is no good: %s", j.components[0].reason);
	else if (x->user_id_count == 0)
		rc = error_set(
		    &x->c.error, ERR_NOT_FOUND, "the certificate has no such user ID that its owner stands by");
	pgp_cert_judgement_done(&j);
	return rc == 0 ? check_compared(x, entry) : rc;
}

/* ---- saying it ---- */

static int
certify_one(struct certifying *x, struct slice user_id)
{
	BUF_OWNED struct buf out = { .max = PGP_CERT_MAX };
	const struct pgp_cert *target = x->target != NULL ? x->target : x->first;
	struct pgp_cert *next;
	int rc = x->revoke
	    ? pgp_certify_revoke(&x->spec, target, user_id, x->signer, lazy_keys_ops(&x->keys), &out, &x->c.error)
	    : pgp_certify_user(&x->spec, target, user_id, x->signer, lazy_keys_ops(&x->keys), &out, &x->c.error);

	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&out), &next, NULL, &x->c.error);
	if (rc != 0)
		return rc;
	pgp_cert_free(x->target);
	x->target = next;
	return 0;
}

static int
check_signer(struct certifying *x)
{
	const struct pgp_policy *policy = &x->c.keyring.policy;
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge(x->signer, policy, policy->now, &j, &x->c.error);

	if (rc != 0)
		return rc;
	if (j.standing != PGP_STANDING_GOOD)
		rc = error_set(&x->c.error, ERR_POLICY, "your key cannot certify: %s", j.components[0].reason);
	else if ((j.components[0].flags & PGP_FLAG_CERTIFY) == 0)
		rc = error_set(&x->c.error, ERR_POLICY, "your key cannot certify: it is made for other uses");
	pgp_cert_judgement_done(&j);
	return rc;
}

static int
keep(struct certifying *x)
{
	const struct trust_entry *entry = trust_store_find(x->c.keyring.certs, &x->first->primary->fingerprint);
	BUF_OWNED struct buf from = { .max = TRUST_FROM_MAX };
	struct trust_put put = { .cert = x->target, .policy = x->c.keyring.policy, .nameless = true };

	if (entry == NULL)
		return error_set(&x->c.error, ERR_NOT_FOUND, "the certificate is not here any more");
	put.origin = entry->origin;
	(void)buf_put_slice(&from, entry->from);
	put.from = buf_slice(&from);
	return trust_store_put(x->c.keyring.certs, &put, NULL, &x->c.error);
}

/* Never what is for oneself only. */
static int
write_output(struct certifying *x)
{
	const struct pgp_export how = { .keep_unhashed = true };
	BUF_OWNED struct buf bytes = { .max = PGP_CERT_MAX }, armored = { .max = 2 * (size_t)PGP_CERT_MAX };
	struct file_writer w;
	int rc = pgp_cert_export(x->target, &how, &bytes, &x->c.error);

	if (rc == 0)
		rc = pgp_armor_write(
		    PGP_ARMOR_PUBLIC_KEY, x->target->primary->version == 4, buf_slice(&bytes), &armored, &x->c.error);
	if (rc == 0)
		rc = file_writer_open(&w, x->output, 0644, FILE_REPLACE, &x->c.error);
	if (rc != 0)
		return rc;
	rc = file_writer_put(&w, buf_slice(&armored), &x->c.error);
	if (rc == 0)
		rc = file_writer_commit(&w, &x->c.error);
	file_writer_done(&w);
	return rc;
}

static struct json_value *
json_of(const struct certifying *x)
{
	struct json_value *o = json_value_object(), *list = json_value_list();
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(&x->first->primary->fingerprint, &hex);
	json_value_set_text(o, "fingerprint", buf_slice(&hex));
	buf_clear(&hex);
	(void)pgp_fingerprint_write(&x->signer->primary->fingerprint, &hex);
	json_value_set_text(o, "by", buf_slice(&hex));
	for (size_t i = 0; i < x->user_id_count; i++)
		json_value_append_text(list, x->user_ids[i]);
	json_value_set(o, "user_ids", list);
	json_value_set_bool(o, "revoked", x->revoke);
	json_value_set_bool(o, "local", x->local);
	json_value_set_i64(o, "expires", x->spec.expires == 0 ? 0 : (int64_t)x->spec.created + x->spec.expires);
	json_value_set_i64(o, "depth", x->spec.depth);
	json_value_set_i64(o, "amount", x->spec.amount);
	return o;
}

static void
say(const struct certifying *x)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	for (size_t i = 0; i < x->user_id_count; i++)
		client_say(x->revoke ? "Taken back: " : "Certified: ", x->user_ids[i], "");
	(void)pgp_fingerprint_write(&x->first->primary->fingerprint, &hex);
	if (x->local)
		(void)puts("It is for yourself only and stays here.");
	else if (x->output != NULL)
		client_say("Send ", slice_str(x->output),
		    " to its owner, who gives it on: key directories take only what the owner has approved.");
	else if (x->revoke)
		client_say(
		    "Tell others with `letterlock key export ", buf_slice(&hex), "`, or send that to its owner.");
	else
		client_say("Give it to its owner with `letterlock key export ", buf_slice(&hex),
		    " --output FILE`: key directories take only what the owner has approved.");
}

static int
certify(struct certifying *x)
{
	int rc = take_spec(x);

	if (rc == 0)
		rc = find_signer(x);
	if (rc == 0)
		rc = check_signer(x);
	if (rc == 0)
		rc = find_target(x);
	for (size_t i = 0; i < x->user_id_count && rc == 0; i++)
		rc = certify_one(x, x->user_ids[i]);
	if (rc == 0)
		rc = keep(x);
	if (rc == 0 && x->output != NULL)
		rc = write_output(x);
	if (rc == 0 && x->c.common.json)
		return client_print_json(json_of(x), &x->c.error);
	if (rc == 0)
		say(x);
	return rc;
}

int
key_certify(int argc, char **argv)
{
	static struct certifying x;
	const struct option options[] = { { "with", OPTION_TEXT, &x.with }, { "expires", OPTION_TEXT, &x.expires },
		{ "domain", OPTION_TEXT, &x.domain }, { "regex", OPTION_TEXT, &x.regex },
		{ "text", OPTION_TEXT, &x.text }, { "output", OPTION_TEXT, &x.output },
		{ "notation", OPTION_LIST, &x.notations }, { "depth", OPTION_NUMBER, &x.depth },
		{ "amount", OPTION_NUMBER, &x.amount }, { "compared", OPTION_FLAG, &x.compared },
		{ "local", OPTION_FLAG, &x.local }, { "revoke", OPTION_FLAG, &x.revoke } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 1, 1 + USER_IDS_MAX);
	int status, rc;

	x.amount = UINT32_MAX;
	buf_init(&x.scope, PGP_REGEX_MAX);
	if (!key_begin(&x.c, argc, argv, &syntax, &status))
		return status;
	rc = certify(&x);
	lazy_keys_done(&x.keys);
	pgp_cert_free(x.target);
	pgp_cert_free(x.first);
	buf_done(&x.scope);
	return key_end(&x.c, rc);
}
