/* SPDX-License-Identifier: ISC */
/* `letterlock key proof`: claims of identity, as Ariadne has them (notation proof@ariadne.id). */
#include <stdio.h>

#include "client/key/edit.h"
#include "client/key/verbs.h"
#include "client/verbs.h"

#define NOTATION SLICE("proof@ariadne.id")
#define URI_MAX 1000u

static const char help[] =
    "letterlock key proof add|remove WHO URI | list WHO\n"
    "\n"
    "Says on a key of yours what else is yours: a web page, an account, a domain. Others see that it is so when\n"
    "that place names your key in turn: put openpgp4fpr: and your fingerprint there (keyoxide.org has the list\n"
    "of places and their URIs).\n"
    "\n"
    "  --user-id USER-ID   on this one; without it on the primary one\n"
    "  --json, --passphrase-fd N\n"
    "\n"
    "Example:\n"
    "  letterlock key proof add alice@example.org https://example.org/@alice\n";

/* ---- what is there ---- */

struct proofs {
	struct slice values[PGP_NOTATIONS_MAX];
	size_t count;
};

static void
collect(const struct pgp_component_judgement *of, struct proofs *out)
{
	struct pgp_notation n;

	out->count = 0;
	if (of->sig.len == 0)
		return;
	for (size_t i = 0; pgp_sig_notation(&of->parsed, i, &n) && out->count < PGP_NOTATIONS_MAX; i++)
		if (slice_eq(n.name, NOTATION) && n.readable)
			out->values[out->count++] = n.value;
}

static size_t
find(const struct proofs *p, struct slice uri)
{
	for (size_t i = 0; i < p->count; i++)
		if (slice_eq(p->values[i], uri))
			return i;
	return SIZE_MAX;
}

/* A scheme and something behind it, in printable ASCII: RFC 3986. */
static bool
is_uri(struct slice uri)
{
	size_t colon = slice_find(uri, ':');

	if (colon == SIZE_MAX || colon == 0 || colon + 1 >= uri.len || uri.len > URI_MAX)
		return false;
	for (size_t i = 0; i < uri.len; i++)
		if (uri.data[i] <= ' ' || uri.data[i] >= 127 || uri.data[i] == '<' || uri.data[i] == '>' ||
		    uri.data[i] == '"')
			return false;
	return ascii_lower(uri.data[0]) >= 'a' && ascii_lower(uri.data[0]) <= 'z';
}

/*
 * A change in the second of the last one is dated a second later (openpgp/cert/change.h): it must be seen, or it would be
 * undone by the next.
 */
static int
judge_latest(struct key_command *c, const struct pgp_cert *cert, struct pgp_cert_judgement *j)
{
	const struct pgp_policy *policy = &c->keyring.policy;

	return pgp_cert_judge(cert, policy, policy->now + policy->clock_skew, j, &c->error);
}

/* ---- changing ---- */

static int
change_list(struct key_edit *d, struct proofs *p, struct slice uri, bool add)
{
	size_t at = find(p, uri);

	if (add && at != SIZE_MAX)
		return error_set(&d->c->error, ERR_EXISTS, "the key says so already");
	if (!add && at == SIZE_MAX)
		return error_set(&d->c->error, ERR_NOT_FOUND,
		    "the key does not say so; `letterlock key proof list` shows what it says");
	if (add && p->count == PGP_NOTATIONS_MAX)
		return error_set(&d->c->error, ERR_LIMIT, "%u proofs are the most", PGP_NOTATIONS_MAX);
	if (add)
		p->values[p->count++] = uri;
	else
		p->values[at] = p->values[--p->count];
	return 0;
}

static const struct pgp_component_judgement *
judgement_of(struct key_edit *d, const struct pgp_cert_judgement *j, const char *meant)
{
	struct slice user_id;

	if (meant == NULL && j->primary_user_id != SIZE_MAX)
		return &j->components[j->primary_user_id];
	if (meant == NULL)
		(void)error_set(&d->c->error, ERR_POLICY, "the key has no user ID that is good");
	else if (key_user_id(d, slice_str(meant), &user_id) == 0)
		for (size_t i = 0; i < j->count; i++)
			if (j->components[i].component->kind == PGP_COMPONENT_USER_ID &&
			    slice_eq(j->components[i].component->packet.body, user_id))
				return &j->components[i];
	return NULL;
}

static int
change(struct key_edit *d, const char *user_id, struct slice uri, bool add)
{
	BUF_OWNED struct buf out = { .max = KEY_EXPORT_MAX };
	const struct pgp_component_judgement *of;
	struct pgp_cert_judgement j;
	struct proofs p;
	int rc = judge_latest(d->c, d->cert, &j);

	if (rc != 0)
		return rc;
	of = judgement_of(d, &j, user_id);
	rc = of == NULL ? d->c->error.code : 0;
	if (rc == 0) {
		collect(of, &p);
		rc = change_list(d, &p, uri, add);
	}
	if (rc == 0)
		rc = key_edit_unlock(d);
	if (rc == 0)
		rc = pgp_change_notations(
		    &d->change, of->component->packet.body, NOTATION, p.values, p.count, &out, &d->c->error);
	pgp_cert_judgement_done(&j);
	return rc == 0 ? key_edit_keep(d, buf_slice(&out)) : rc;
}

static int
change_proof(int argc, char **argv, bool add)
{
	const char *user_id = NULL;
	const struct option options[] = { { "user-id", OPTION_TEXT, &user_id } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 2, 2);
	struct key_command c;
	struct key_edit d = { .c = NULL };
	struct slice uri;
	int status, rc = 0;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	uri = slice_str(c.arguments.items[1]);
	if (add && !is_uri(uri))
		rc = error_set(&c.error, ERR_USAGE, "'%.100s' is no URI", c.arguments.items[1]);
	if (rc == 0)
		rc = key_edit_begin(&d, &c, key_argument(&c));
	if (rc == 0)
		rc = change(&d, user_id, uri, add);
	if (rc == 0)
		rc = key_edit_say(&d, add ? "The key says so now." : "The key does not say so any more.");
	key_edit_done(&d);
	return key_end(&c, rc);
}

static int
proof_add(int argc, char **argv)
{
	return change_proof(argc, argv, true);
}

static int
proof_remove(int argc, char **argv)
{
	return change_proof(argc, argv, false);
}

/* ---- listing ---- */

static void
list_one(const struct pgp_component_judgement *of, struct json_value *list)
{
	struct proofs p;

	collect(of, &p);
	for (size_t i = 0; i < p.count; i++) {
		struct json_value *o;

		if (list == NULL) {
			client_say("", p.values[i], "");
			continue;
		}
		o = json_value_object();
		json_value_set_text(o, "user_id", of->component->packet.body);
		json_value_set_text(o, "uri", p.values[i]);
		json_value_append(list, o);
	}
}

static int
list_all(struct key_command *c, const struct pgp_cert *cert)
{
	struct json_value *list = c->common.json ? json_value_list() : NULL;
	struct pgp_cert_judgement j;
	int rc = judge_latest(c, cert, &j);

	if (rc != 0) {
		json_value_free(list);
		return rc;
	}
	for (size_t i = 0; i < j.count; i++)
		if (j.components[i].component->kind == PGP_COMPONENT_USER_ID &&
		    j.components[i].standing == PGP_STANDING_GOOD)
			list_one(&j.components[i], list);
	pgp_cert_judgement_done(&j);
	if (c->common.json)
		return client_print_json(list, &c->error);
	(void)puts("That is what the key says; whether these places say the same was not looked at.");
	return 0;
}

static int
proof_list(int argc, char **argv)
{
	const struct key_syntax syntax = { .help = help, .least = 1, .most = 1 };
	const struct trust_entry *entry;
	struct pgp_cert *cert = NULL;
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = keyring_resolve(&c.keyring, key_argument(&c), false, &entry, &c.error);
	if (rc == 0)
		rc = trust_store_load(c.keyring.certs, &entry->fingerprint, &cert, &c.error);
	if (rc == 0)
		rc = list_all(&c, cert);
	pgp_cert_free(cert);
	return key_end(&c, rc);
}

int
key_proof(int argc, char **argv)
{
	static const struct subverb table[] = { { "add", proof_add }, { "remove", proof_remove },
		{ "list", proof_list } };

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}
