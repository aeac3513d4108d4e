/* SPDX-License-Identifier: ISC */
/* `letterlock key trust` */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "client/key/command.h"
#include "client/key/trust_batch.h"
#include "client/key/trust_say.h"
#include "client/key/verbs.h"
#include "openpgp/judge/regex.h"
#include "os/clock.h"
#include "os/file.h"
#include "trust/believe/picture.h"
#include "trust/believe/scope.h"
#include "trust/records.h"

static const char help[] =
    "letterlock key trust WHO [USER ID]\n"
    "letterlock key trust --roots | --list | --introducer WHO | --no-introducer WHO | --set-model MODEL\n"
    "\n"
    "Says whether a key is whose it says, and why: by whom it was certified, and what else is known. WHO is an\n"
    "address or a fingerprint. Ends with 0 when it is believed enough to be used, else with 1.\n"
    "\n"
    "  --graph FILE          draws the paths as a picture (SVG)\n"
    "  --certifications      lists everything that others said of it\n"
    "  --model MODEL         sequoia, pgp or direct, for this question\n"
    "  --time WHEN           as of then: 2025-02-03, or 2025-02-03T04:05:06Z\n"
    "  -k, --keyring FILE    asks about a file of certificates instead of your own store (again and again)\n"
    "  --root KEY[=AMOUNT]   whose certifications count, instead of your own keys and introducers; with an\n"
    "                        amount an introducer, without one as if the key were yours\n"
    "  --list                every user ID that is believed by certifications\n"
    "  --batch               questions from standard input, one a line: ROOT[=AMOUNT],... FINGERPRINT or *\n"
    "\n"
    "What is kept:\n"
    "  --roots               shows the model, your keys, and your introducers\n"
    "  --introducer WHO      lets WHO say whose a key is: with --amount N (60 partly, 120 in full, which it is\n"
    "                        otherwise), --depth N (how far others whom WHO names count as well; 1 otherwise,\n"
    "                        only WHO; 255 without end), --domain DOMAIN (only for addresses there: so one\n"
    "                        accepts the CA of a company), --regex REGEX (only for user IDs that match)\n"
    "  --no-introducer WHO   takes that back\n"
    "  --set-model MODEL     which model decides from now on\n"
    "\n"
    "Options: --json\n"
    "\n"
    "Examples:\n"
    "  letterlock key trust bob@example.org\n"
    "  letterlock key trust bob@example.org --graph bob.svg\n"
    "  letterlock key trust --introducer ca@example.org --domain example.org\n";

struct trust_command {
	struct key_command c;
	struct option_list rings, roots;
	const char *model, *set_model, *time, *graph, *introducer, *no_introducer, *domain, *regex;
	bool certifications, list, batch, show_roots;
	uint32_t amount, depth;
	struct pgp_policy policy;
	struct believer *believer;
	struct believe_root given[TRUST_ROOTS_MAX];
	size_t given_count;
	bool enough; /* of what was asked */
};

static struct error *
error_of(struct trust_command *t)
{
	return &t->c.error;
}

/* ---- what is kept ---- */

static int
set_model(struct trust_command *t)
{
	enum believe_model m;

	if (!believe_model_parse(slice_str(t->set_model), &m))
		return error_set(
		    error_of(t), ERR_USAGE, "the models are sequoia, pgp and direct, not '%.40s'", t->set_model);
	return trust_setting_set(
	    t->c.keyring.certs, TRUST_SETTING_MODEL, slice_str(believe_model_name(m)), error_of(t));
}

static int
check_regex(struct slice regex, struct error *e)
{
	struct pgp_regex *r;
	int rc = regex.len == 0 ? 0 : pgp_regex_compile(regex, &r, e);

	if (regex.len > 0 && rc == 0)
		pgp_regex_free(r);
	return rc;
}

/* regex: room for it, which the root points to then. */
static int
describe_introducer(struct trust_command *t, struct buf *regex, struct trust_root *root)
{
	int rc = 0;

	if (t->domain != NULL && t->regex != NULL)
		return error_set(error_of(t), ERR_USAGE, "either --domain or --regex");
	if (t->amount == 0 || t->amount > 120)
		return error_set(error_of(t), ERR_USAGE, "--amount is between 1 and 120");
	if (t->depth == 0 || t->depth > 255)
		return error_set(error_of(t), ERR_USAGE, "--depth is between 1 and 255");
	root->amount = (uint8_t)t->amount;
	root->depth = (uint8_t)t->depth;
	if (t->domain != NULL)
		rc = believe_domain_scope(t->domain, true, regex, error_of(t));
	else if (t->regex != NULL)
		(void)buf_put_str(regex, t->regex);
	root->regex = buf_slice(regex);
	return rc == 0 ? check_regex(root->regex, error_of(t)) : rc;
}

static int
add_introducer(struct trust_command *t)
{
	BUF_OWNED struct buf regex = { .max = PGP_REGEX_MAX };
	struct trust_root root = { 0 };
	const struct trust_entry *entry;
	int rc = keyring_resolve(&t->c.keyring, slice_str(t->introducer), false, &entry, error_of(t));

	if (rc != 0)
		return rc;
	root.fingerprint = entry->fingerprint;
	rc = describe_introducer(t, &regex, &root);
	return rc == 0 ? trust_root_set(t->c.keyring.certs, &root, error_of(t)) : rc;
}

static int
remove_introducer(struct trust_command *t)
{
	struct pgp_fingerprint f;
	const struct trust_entry *entry;
	int rc = pgp_fingerprint_parse(slice_str(t->no_introducer), &f, NULL);

	if (rc != 0) {
		rc = keyring_resolve(&t->c.keyring, slice_str(t->no_introducer), false, &entry, error_of(t));
		if (rc == 0)
			f = entry->fingerprint;
	}
	return rc == 0 ? trust_root_remove(t->c.keyring.certs, &f, error_of(t)) : rc;
}

/* ---- a question ---- */

static int
open_rings(struct trust_command *t)
{
	int rc = 0;

	for (size_t i = 0; i < t->rings.count && rc == 0; i++) {
		BUF_OWNED struct buf bytes = { .max = KEY_IMPORT_MAX };
		struct pgp_certs certs = { 0 };

		rc = file_read(t->rings.items[i], &bytes, error_of(t));
		if (rc == 0)
			rc = pgp_certs_take(&bytes, &certs, error_of(t));
		for (size_t k = 0; k < certs.count && rc == 0; k++) {
			rc = trust_ring_add(believer_ring(t->believer), certs.items[k], error_of(t));
			certs.items[k] = NULL;
		}
		pgp_certs_done(&certs);
		if (rc != 0)
			return error_context(error_of(t), "%.200s", t->rings.items[i]);
	}
	return rc;
}

static int
take_time(struct trust_command *t)
{
	int64_t when = (int64_t)clock_unix();
	int rc = t->time == NULL ? 0 : date_parse_rfc3339(slice_str(t->time), &when, error_of(t));

	t->policy = pgp_policy_default((uint64_t)when);
	return rc == 0 && when < 0 ? error_set(error_of(t), ERR_USAGE, "--time is after 1970") : rc;
}

static int
open_believer(struct trust_command *t)
{
	enum believe_model m;
	int rc = take_time(t);

	if (rc == 0)
		rc =
		    believer_new(t->rings.count > 0 ? NULL : t->c.keyring.certs, &t->policy, &t->believer, error_of(t));
	if (rc == 0)
		rc = open_rings(t);
	if (rc == 0 && t->model != NULL) {
		if (!believe_model_parse(slice_str(t->model), &m))
			return error_set(
			    error_of(t), ERR_USAGE, "the models are sequoia, pgp and direct, not '%.40s'", t->model);
		believer_set_model(t->believer, m);
	}
	for (size_t i = 0; i < t->roots.count && rc == 0; i++)
		rc = trust_root_parse(
		    slice_str(t->roots.items[i]), t->given, TRUST_ROOTS_MAX, &t->given_count, error_of(t));
	return rc == 0 && t->roots.count > 0 ? believer_set_roots(t->believer, t->given, t->given_count, error_of(t))
					     : rc;
}

static int
draw(struct trust_command *t, const struct belief *x)
{
	BUF_OWNED struct buf out = { .max = PICTURE_OCTETS_MAX };
	struct file_writer w;
	int rc;

	if (x->cert == NULL)
		return error_set(error_of(t), ERR_NOT_FOUND, "there is nothing to draw: there is no such certificate");
	rc = believe_picture(t->believer, x, &out);
	if (rc != 0)
		return error_set(error_of(t), rc, "the picture would be too large");
	rc = file_writer_open(&w, t->graph, 0644, FILE_REPLACE, error_of(t));
	if (rc != 0)
		return rc;
	rc = file_writer_put(&w, buf_slice(&out), error_of(t));
	if (rc == 0)
		rc = file_writer_commit(&w, error_of(t));
	file_writer_done(&w);
	return rc;
}

/* list: of the answers for a program, NULL for people. */
static int
answer(struct trust_command *t, const struct pgp_fingerprint *f, struct slice asked, struct json_value *list)
{
	struct json_value *o = NULL, *others;
	struct belief x;
	int rc = believe(t->believer, f, asked, &x, error_of(t));

	if (rc != 0)
		return rc;
	t->enough = t->enough || believe_is_enough(x.verdict);
	if (list != NULL) {
		o = trust_say_json(t->believer, &x, asked);
		json_value_append(list, o);
	} else {
		trust_say(&x, asked);
	}
	if (t->certifications && x.cert != NULL) {
		others = o == NULL ? NULL : json_value_list();
		rc = trust_say_certifications(t->believer, &t->policy, x.cert, others, error_of(t));
		if (o != NULL)
			json_value_set(o, "certifications", others);
	}
	if (rc == 0 && t->graph != NULL)
		rc = draw(t, &x);
	belief_done(&x);
	return rc;
}

/* The certificates of an address, in the file or in the store; the one that counts first. */
static size_t
find_address(struct trust_command *t, struct slice address, struct pgp_fingerprint found[TRUST_CANDIDATES_MAX])
{
	const struct trust_entry *entries[TRUST_CANDIDATES_MAX];
	const struct trust_ring *ring = believer_ring(t->believer);
	size_t n = 0;

	if (t->rings.count == 0) {
		n = trust_store_find_address(t->c.keyring.certs, address, entries, TRUST_CANDIDATES_MAX);
		for (size_t i = 0; i < n; i++)
			found[i] = entries[i]->fingerprint;
		return n;
	}
	for (size_t i = 0; i < trust_ring_count(ring) && n < TRUST_CANDIDATES_MAX; i++) {
		const struct pgp_cert *c = trust_ring_at(ring, i);
		bool has = false;

		for (size_t k = 1; k < c->component_count; k++)
			has = has ||
			    (c->components[k].kind == PGP_COMPONENT_USER_ID &&
				slice_ieq(pgp_user_id_address(c->components[k].packet.body), address));
		if (has)
			found[n++] = c->primary->fingerprint;
	}
	return n;
}

static int
ask(struct trust_command *t)
{
	struct slice who = key_argument(&t->c);
	struct slice asked = t->c.arguments.count > 1 ? slice_str(t->c.arguments.items[1]) : who;
	struct json_value *list = t->c.common.json ? json_value_list() : NULL;
	struct pgp_fingerprint found[TRUST_CANDIDATES_MAX];
	size_t n = 1;
	int rc = 0;

	if (pgp_fingerprint_parse(who, &found[0], NULL) == 0)
		asked = t->c.arguments.count > 1 ? asked : SLICE_EMPTY;
	else
		n = find_address(t, who, found);
	if (n == 0)
		rc = error_set(error_of(t), ERR_NOT_FOUND,
		    "there is no certificate of '%.100s' here: look for it with `letterlock key find`",
		    t->c.arguments.items[0]);
	else if (n > 1 && t->graph != NULL)
		n = 1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = answer(t, &found[i], asked, list);
	if (rc == 0 && list != NULL)
		return client_print_json(list, error_of(t));
	json_value_free(list);
	return rc;
}

static int
show_roots(struct trust_command *t)
{
	if (t->c.common.json)
		return client_print_json(trust_say_roots_json(t->believer), error_of(t));
	trust_say_roots(t->believer);
	return 0;
}

static int
change(struct trust_command *t)
{
	int rc = 0;

	if (t->set_model != NULL)
		rc = set_model(t);
	if (rc == 0 && t->introducer != NULL)
		rc = add_introducer(t);
	if (rc == 0 && t->no_introducer != NULL)
		rc = remove_introducer(t);
	return rc;
}

static int
run(struct trust_command *t)
{
	const struct trust_store *store = t->rings.count > 0 ? NULL : t->c.keyring.certs;
	bool changes = t->set_model != NULL || t->introducer != NULL || t->no_introducer != NULL;
	int rc = change(t);

	if (rc == 0)
		rc = open_believer(t);
	if (rc != 0)
		return rc;
	if (t->batch)
		return trust_batch(t->believer, store, error_of(t));
	if (t->list)
		return trust_list_all(t->believer, store, t->c.common.json, error_of(t));
	if (t->show_roots || (changes && t->c.arguments.count == 0))
		return show_roots(t);
	if (t->c.arguments.count == 0)
		return error_set(error_of(t), ERR_USAGE, "whose key? See `letterlock key trust --help`");
	rc = ask(t);
	return rc == 0 && !t->enough ? TRUST_NOT_ENOUGH : rc;
}

int
key_trust(int argc, char **argv)
{
	static struct trust_command t;
	const struct option options[] = { { "keyring", OPTION_LIST, &t.rings }, { "root", OPTION_LIST, &t.roots },
		{ "model", OPTION_TEXT, &t.model }, { "set-model", OPTION_TEXT, &t.set_model },
		{ "time", OPTION_TEXT, &t.time }, { "graph", OPTION_TEXT, &t.graph },
		{ "introducer", OPTION_TEXT, &t.introducer }, { "no-introducer", OPTION_TEXT, &t.no_introducer },
		{ "amount", OPTION_NUMBER, &t.amount }, { "depth", OPTION_NUMBER, &t.depth },
		{ "domain", OPTION_TEXT, &t.domain }, { "regex", OPTION_TEXT, &t.regex },
		{ "certifications", OPTION_FLAG, &t.certifications }, { "list", OPTION_FLAG, &t.list },
		{ "batch", OPTION_FLAG, &t.batch }, { "roots", OPTION_FLAG, &t.show_roots } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 0, 2);
	int status, rc;

	t.amount = 120;
	t.depth = 1;
	if (!key_begin(&t.c, argc, argv, &syntax, &status))
		return status;
	rc = run(&t);
	believer_free(t.believer);
	status = key_end(&t.c, rc == TRUST_NOT_ENOUGH ? 0 : rc);
	return rc == TRUST_NOT_ENOUGH ? (int)EXIT_NO : status;
}
