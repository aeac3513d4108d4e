/* SPDX-License-Identifier: ISC */
/* letterlockd account app-password add, list, revoke. */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/printable.h"
#include "crypto/secret.h"
#include "daemon/place.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "service/signin/app_password.h"
#include "service/signin/auth.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)

static const struct protocol {
	const char *name;
	uint32_t right;
} protocols[] = {
	{ "imap", STORE_RIGHT_IMAP },
	{ "pop3", STORE_RIGHT_POP3 },
	{ "smtp", STORE_RIGHT_SMTP },
	{ "http", STORE_RIGHT_HTTP },
};
#define PROTOCOLS (sizeof protocols / sizeof protocols[0])

/* "imap,smtp" */
static int
parse_protocols(const char *text, uint32_t *rights_out, struct error *e)
{
	struct slice rest = slice_str(text);
	uint32_t rights = 0;

	while (rest.len > 0) {
		struct slice one = slice_split(rest, ',', &rest);
		uint32_t right = 0;

		for (size_t i = 0; i < PROTOCOLS; i++)
			if (slice_eq_str(one, protocols[i].name))
				right = protocols[i].right;
		if (right == 0)
			return error_set(
			    e, ERR_USAGE, "--protocols takes imap, pop3, smtp and http, with commas between");
		rights |= right;
	}
	*rights_out = rights;
	return rights != 0 ? 0 : error_set(e, ERR_USAGE, "--protocols names none");
}

/* A day ends when it ends in UTC: "2027-01-31" is good until 2027-02-01T00:00:00Z. */
static int
parse_expiry(const char *text, uint64_t now, uint64_t *expires_out, struct error *e)
{
	BUF_OWNED struct buf moment = { 0 };
	int64_t seconds;

	buf_init(&moment, 64);
	(void)buf_putf(&moment, "%sT00:00:00Z", text);
	if (strlen(text) != sizeof "2027-01-31" - 1 || date_parse_rfc3339(buf_slice(&moment), &seconds, NULL) != 0 ||
	    seconds < 0)
		return error_set(
		    e, ERR_USAGE, "--expires takes a day as 2027-01-31; the password is good up to its end in UTC");
	*expires_out = (uint64_t)seconds + DATE_DAY;
	return *expires_out > now ? 0 : error_set(e, ERR_USAGE, "--expires: %s is over", text);
}

static int
list_of(struct place *p, struct slice address, bool verifiers, struct arena *a, uint64_t *account_out,
    struct store_credentials *out, struct error *e)
{
	const struct store_account_get by_address = { .address = address };
	struct store_credential_list request = { .with_verifiers = verifiers };
	struct store_account account;
	int rc = store_account_get(p->port, &by_address, a, &account, e);

	if (rc != 0)
		return rc;
	*account_out = request.account = account.account;
	return store_credential_list(p->port, &request, a, out, e);
}

/* ---- add ---- */

/* A verifier that the account has, which a further one must be like; or empty. */
static struct slice
another_of(const struct store_credentials *all)
{
	return all->row_count == 0 ? SLICE_EMPTY : all->rows[0].verifier;
}

static int
app_add(struct place *p, const struct verb_input *in, struct slice address, struct slice name, struct error *e)
{
	struct store_credential_add request = { .name = name, .rights = STORE_RIGHTS_ALL };
	struct store_credential_id id;
	struct store_credentials all;
	char password[APP_PASSWORD_LEN + 1];
	BUF_OWNED struct buf verifier = { 0 };
	ARENA_OWNED struct arena a = { 0 };
	int rc = 0;

	buf_init(&verifier, STORE_VERIFIER_MAX);
	arena_init(&a, REPLY_BUDGET);
	if (in->protocols != NULL)
		rc = parse_protocols(in->protocols, &request.rights, e);
	if (rc == 0 && in->expires != NULL)
		rc = parse_expiry(in->expires, clock_unix(), &request.expires, e);
	if (rc == 0)
		rc = list_of(p, address, true, &a, &request.account, &all, e);
	if (rc == 0)
		rc = app_password_make(password, e);
	if (rc != 0)
		return rc;
	rc = auth_scram_make(slice_str(password), another_of(&all), in->config->scram_main_password, &verifier, e);
	request.verifier = buf_slice(&verifier);
	if (rc == 0)
		rc = store_credential_add(p->port, &request, &a, &id, e);
	if (rc == 0) {
		(void)fprintf(stderr, "This is shown once. Give it to one program or device only:\n");
		(void)printf("%s\n", password);
	}
	secret_wipe(password, sizeof password);
	return rc;
}

/* ---- list ---- */

static void
put_rights(struct buf *out, uint32_t rights)
{
	const char *before = "";

	for (size_t i = 0; i < PROTOCOLS; i++) {
		if ((rights & protocols[i].right) == 0)
			continue;
		(void)buf_putf(out, "%s%s", before, protocols[i].name);
		before = ",";
	}
}

static void
put_time(struct buf *out, uint64_t seconds, const char *otherwise)
{
	if (seconds == 0)
		(void)buf_put_str(out, otherwise);
	else
		(void)date_write_rfc3339(out, (int64_t)seconds);
}

static void
print_json(const struct store_credential *c)
{
	struct json_value *o = json_value_object(), *list = json_value_list();

	for (size_t i = 0; i < PROTOCOLS; i++)
		if ((c->rights & protocols[i].right) != 0)
			json_value_append_text(list, slice_str(protocols[i].name));
	json_value_set_text(o, "name", c->name);
	json_value_set(o, "protocols", list);
	json_value_set_i64(o, "created", (int64_t)c->created);
	json_value_set_i64(o, "used", (int64_t)c->used);
	json_value_set_i64(o, "expires", (int64_t)c->expires);
	verb_print_json(o);
}

static void
print_row(const struct store_credential *c)
{
	BUF_OWNED struct buf line = { 0 };

	buf_init(&line, 4096);
	(void)printable_put(&line, c->name, PRINTABLE_LINE, 1024);
	(void)buf_put_u8(&line, '\t');
	put_rights(&line, c->rights);
	(void)buf_put_str(&line, "\tcreated ");
	put_time(&line, c->created, "");
	(void)buf_put_str(&line, "\tused ");
	put_time(&line, c->used, "never");
	(void)buf_put_str(&line, "\texpires ");
	put_time(&line, c->expires, "never");
	(void)printf("%.*s\n", (int)line.len, (const char *)line.data);
}

static int
app_list(struct place *p, const struct verb_input *in, struct slice address, struct slice name, struct error *e)
{
	struct store_credentials all;
	ARENA_OWNED struct arena a = { 0 };
	uint64_t account;
	int rc;

	(void)name;
	arena_init(&a, REPLY_BUDGET);
	rc = list_of(p, address, false, &a, &account, &all, e);
	for (size_t i = 0; rc == 0 && i < all.row_count; i++) {
		if (all.rows[i].kind != STORE_CREDENTIAL_APP)
			continue;
		if (in->json)
			print_json(&all.rows[i]);
		else
			print_row(&all.rows[i]);
	}
	return rc;
}

/* ---- revoke ---- */

static int
app_revoke(struct place *p, const struct verb_input *in, struct slice address, struct slice name, struct error *e)
{
	struct store_credential_name request = { .name = name };
	struct store_credentials all;
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	(void)in;
	arena_init(&a, REPLY_BUDGET);
	rc = list_of(p, address, false, &a, &request.account, &all, e);
	if (rc == 0)
		rc = store_credential_remove(p->port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("Nobody can sign in with it any more. Sessions that stand go on until they end.\n");
	return rc;
}

/* ---- */

static const struct {
	const char *name;
	int words; /* behind it */
	bool writes;
	int (*run)(
	    struct place *p, const struct verb_input *in, struct slice address, struct slice name, struct error *e);
} words[] = {
	{ "add", 2, true, app_add },
	{ "list", 1, false, app_list },
	{ "revoke", 2, true, app_revoke },
};

int
verb_app_password(const struct verb_input *in)
{
	struct place p;
	struct error e;
	int rc;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		/* words[0] is app-password itself */
		if (in->word_count != 2 + words[i].words || strcmp(in->words[1], words[i].name) != 0)
			continue;
		rc = place_reach(in->config, words[i].writes, &p, &e);
		if (rc != 0)
			return verb_failed(&e);
		rc = words[i].run(
		    &p, in, slice_str(in->words[2]), words[i].words == 1 ? SLICE_EMPTY : slice_str(in->words[3]), &e);
		place_close(&p);
		return rc == 0 ? EXIT_DONE : verb_failed(&e);
	}
	(void)error_set(
	    &e, ERR_USAGE, "say account app-password add ADDRESS NAME, list ADDRESS or revoke ADDRESS NAME");
	return verb_failed(&e);
}
