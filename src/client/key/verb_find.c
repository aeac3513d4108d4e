/* SPDX-License-Identifier: ISC */
/* `letterlock key find` */
#include <stdio.h>

#include "client/key/finding.h"
#include "client/key/print.h"
#include "client/key/verbs.h"

static const char help[] =
    "letterlock key find ADDRESS|FINGERPRINT|KEYID|NAME\n"
    "\n"
    "Asks others for somebody's certificate, and keeps what they give beside what is known: your exchange, the Web "
    "Key\n"
    "Directory of the address's domain, its DNS where that is signed, and key servers. Each is said with where it "
    "came\n"
    "from and whether it was known. Nothing becomes believed by that, and nothing replaces what was there. By a name, "
    "or\n"
    "a key ID of 8 digits, servers only list candidates: ask again with the fingerprint that its owner tells you.\n"
    "\n" FINDING_HELP "  --json\n"
    "\n"
    "Examples:\n"
    "  letterlock key find bob@example.org\n"
    "  letterlock key find bob@example.org --source wkd,dns --verbose\n"
    "  letterlock key find 'Bob Baker' --server hkps://keys.example.net\n";

/* ---- as text ---- */

static void
print_result(const struct find_result *r)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	if (r->fingerprint.len > 0)
		(void)pgp_fingerprint_write(&r->fingerprint, &hex);
	else
		(void)buf_putf(&hex, "0x%016llX", (unsigned long long)r->key_id);
	(void)printf("%-9s  %.*s  ", find_outcome_name(r->outcome), (int)hex.len, (const char *)hex.data);
	client_print(slice_str(r->name));
	(void)printf("\n           from %s", finding_source_words(r->source));
	if (r->from[0] != '\0') {
		(void)fputs(r->source == FIND_STORE ? ", where it came from " : ": ", stdout);
		client_print(slice_str(r->from));
	}
	(void)puts(r->private ? " (asked privately)" : "");
}

/* Which one counts now, and that there is another. */
static void
print_choice(struct key_command *c, const struct find_query *q)
{
	const struct trust_entry *rival, *entry;

	if (q->kind != FIND_ADDRESS)
		return;
	entry = trust_store_choose(c->keyring.certs, q->text, &rival);
	if (entry != NULL)
		(void)key_print_cert(c, entry);
	if (rival != NULL)
		(void)fprintf(stderr,
		    "letterlock: there is more than one certificate of this address; the one shown counts. Compare "
		    "fingerprints\nwith the owner, and say which is right: `letterlock key verify`\n");
}

static void
warn_short(const struct find_query *q)
{
	if (q->kind == FIND_SHORT)
		(void)fprintf(stderr,
		    "letterlock: anybody can make a key with these 8 digits: all that have them are listed, and none "
		    "is "
		    "fetched.\nAsk for the whole fingerprint.\n");
}

/* ---- as JSON ---- */

static struct json_value *
result_json(const struct find_result *r)
{
	struct json_value *o = json_value_object();
	BUF_OWNED struct buf hex = { .max = 100 };

	if (r->fingerprint.len > 0)
		(void)pgp_fingerprint_write(&r->fingerprint, &hex);
	json_value_set_text(o, "fingerprint", buf_slice(&hex));
	buf_clear(&hex);
	(void)buf_putf(&hex, "%016llX", (unsigned long long)r->key_id);
	json_value_set_text(o, "key_id", buf_slice(&hex));
	json_value_set_str(o, "source", find_source_name(r->source));
	json_value_set_str(o, "outcome", find_outcome_name(r->outcome));
	json_value_set_bool(o, "private", r->private);
	json_value_set_str(o, "origin", trust_origin_name(r->origin));
	json_value_set_text(o, "from", slice_str(r->from));
	json_value_set_text(o, "name", slice_str(r->name));
	return o;
}

static int
print_json(struct key_command *c, const struct find_query *q, const struct find_report *report)
{
	const struct trust_entry *entry = NULL;
	struct json_value *o, *results = json_value_list(), *failures = json_value_list();

	if (q->kind == FIND_ADDRESS)
		entry = trust_store_choose(c->keyring.certs, q->text, NULL);
	o = entry != NULL ? key_entry_json(c, entry) : json_value_object();
	for (size_t i = 0; i < report->count; i++)
		json_value_append(results, result_json(&report->results[i]));
	for (size_t i = 0; i < report->failure_count; i++) {
		struct json_value *failure = json_value_object();

		json_value_set_str(failure, "source", find_source_name(report->failures[i].source));
		json_value_set_text(failure, "error", slice_str(report->failures[i].error.text));
		json_value_append(failures, failure);
	}
	json_value_set(o, "results", results);
	json_value_set(o, "failures", failures);
	return client_print_json(o, &c->error);
}

static int
say(struct key_command *c, const struct find_query *q, const struct find_report *report, bool verbose)
{
	warn_short(q);
	if (report->count == 0)
		return finding_nothing(report, q->text, &c->error);
	finding_say_failures(report, verbose);
	if (c->common.json)
		return print_json(c, q, report);
	for (size_t i = 0; i < report->count; i++)
		print_result(&report->results[i]);
	print_choice(c, q);
	return 0;
}

/* Without an account there are still the others. */
static int
load_account(struct account *a, const struct account **out, struct error *e)
{
	int rc = account_load(a, e);

	*out = rc == 0 ? a : NULL;
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int
key_find(int argc, char **argv)
{
	static struct find_report report;
	struct finding_options options = { 0 };
	const struct option table[] = { FINDING_OPTIONS(&options) };
	const struct key_syntax syntax = KEY_SYNTAX(help, table, 1, 1);
	const struct account *account;
	struct finding_place place;
	struct find_query query;
	struct account a = { 0 };
	struct key_command c;
	int status, rc;

	if (!key_begin(&c, argc, argv, &syntax, &status))
		return status;
	rc = find_query_parse(key_argument(&c), &query, &c.error);
	if (rc == 0)
		rc = load_account(&a, &account, &c.error);
	if (rc != 0)
		return key_end(&c, rc);
	rc = finding_init(&place, &c.keyring, account, &options, &c.error);
	if (rc == 0)
		rc = find_run(&place.place, &query, &report, &c.error);
	finding_done(&place);
	if (rc == 0)
		rc = say(&c, &query, &report, options.verbose);
	return key_end(&c, rc);
}
