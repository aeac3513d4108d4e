/* SPDX-License-Identifier: ISC */
/* letterlockd account. The store is asked through the running server, or opened here when none runs. */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/json.h"
#include "daemon/place.h"
#include "daemon/postmaster.h"
#include "daemon/verbs.h"
#include "os/terminal.h"
#include "service/signin/auth.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)

/* ---- passwords ---- */

static int
ask_twice(struct buf *out, struct error *e)
{
	struct buf again;
	int rc;

	buf_init(&again, TERMINAL_SECRET_MAX);
	rc = terminal_ask_secret("Password: ", out, e);
	if (rc == 0)
		rc = terminal_ask_secret("Once more: ", &again, e);
	if (rc == 0 && !slice_eq(buf_slice(out), buf_slice(&again)))
		rc = error_set(e, ERR_PASSWORD, "the two are not the same");
	buf_wipe_done(&again);
	return rc;
}

/* scram: what the setting asks for beside it; like: another SCRAM verifier of the account, or empty. */
static int
make_verifiers(const struct verb_input *in, struct slice like, struct buf *out, struct buf *scram, struct error *e)
{
	struct buf password;
	int rc;

	buf_init(&password, TERMINAL_SECRET_MAX);
	rc = in->password_fd >= 0 ? secret_from_fd(in->password_fd, &password, e) : ask_twice(&password, e);
	if (rc == 0)
		rc = auth_verifier_make(buf_slice(&password), out, e);
	if (rc == 0 && in->config->scram_main_password)
		rc = auth_scram_make(buf_slice(&password), like, true, scram, e);
	buf_wipe_done(&password);
	return rc;
}

static int
find_account(struct place *p, struct slice address, uint64_t *account_out, struct error *e)
{
	const struct store_account_get request = { .address = address };
	struct store_account reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_account_get(p->port, &request, &a, &reply, e);
	if (rc == 0)
		*account_out = reply.account;
	return rc;
}

/* ---- the words behind account ---- */

static int
account_add(struct place *p, const struct verb_input *in, struct slice address, struct error *e)
{
	struct store_account_create request = { .address = address };
	struct store_account_id reply;
	BUF_OWNED struct buf verifier = { 0 }, scram = { 0 };
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	buf_init(&verifier, 4096);
	buf_init(&scram, STORE_VERIFIER_MAX);
	arena_init(&a, REPLY_BUDGET);
	rc = make_verifiers(in, SLICE_EMPTY, &verifier, &scram, e);
	request.verifier = buf_slice(&verifier);
	request.scram = buf_slice(&scram);
	if (rc == 0)
		rc = store_account_create(p->port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("%.*s has an account now.\n", (int)address.len, (const char *)address.data);
	return rc;
}

static int
account_remove(struct place *p, const struct verb_input *in, struct slice address, struct error *e)
{
	struct store_account_id request;
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc = find_account(p, address, &request.account, e);

	arena_init(&a, REPLY_BUDGET);
	if (rc == 0)
		rc = postmaster_may_go(p->port, in->config, request.account, e);
	if (rc == 0)
		rc = store_account_remove(p->port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("%.*s has no account any more.\n", (int)address.len, (const char *)address.data);
	return rc;
}

/* Of an app password of the account, if there is one. */
static int
another_scram(struct place *p, uint64_t account, struct arena *a, struct slice *out, struct error *e)
{
	const struct store_credential_list request = { .account = account, .with_verifiers = true };
	struct store_credentials all;
	int rc = store_credential_list(p->port, &request, a, &all, e);

	for (size_t i = 0; rc == 0 && i < all.row_count; i++)
		if (all.rows[i].kind == STORE_CREDENTIAL_APP)
			*out = all.rows[i].verifier;
	return rc;
}

static int
account_password(struct place *p, const struct verb_input *in, struct slice address, struct error *e)
{
	struct store_account_set_verifier request = { 0 };
	struct store_nothing reply;
	struct slice like = SLICE_EMPTY;
	BUF_OWNED struct buf verifier = { 0 }, scram = { 0 };
	ARENA_OWNED struct arena a = { 0 };
	int rc = find_account(p, address, &request.account, e);

	buf_init(&verifier, 4096);
	buf_init(&scram, STORE_VERIFIER_MAX);
	arena_init(&a, REPLY_BUDGET);
	if (rc == 0)
		rc = another_scram(p, request.account, &a, &like, e);
	if (rc == 0)
		rc = make_verifiers(in, like, &verifier, &scram, e);
	request.verifier = buf_slice(&verifier);
	request.scram = buf_slice(&scram);
	if (rc == 0)
		rc = store_account_set_verifier(p->port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("%.*s has a new password.\n", (int)address.len, (const char *)address.data);
	return rc;
}

static int
account_rename(struct place *p, const struct verb_input *in, struct slice address, struct error *e)
{
	struct store_account_rename request = { .from = address, .to = slice_str(in->words[2]) };
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc = find_account(p, address, &request.account, e);

	arena_init(&a, REPLY_BUDGET);
	if (rc == 0)
		rc = store_account_rename(p->port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("%.*s is %.*s now, with the same mail and the same password.\n", (int)address.len,
		    (const char *)address.data, (int)request.to.len, (const char *)request.to.data);
	return rc;
}

static void
print_account(const struct store_account_row *row, bool json)
{
	BUF_OWNED struct buf created = { 0 };
	struct json_value *object;

	if (json) {
		object = json_value_object();
		json_value_set_text(object, "address", row->address);
		json_value_set_i64(object, "created", (int64_t)row->created);
		verb_print_json(object);
		return;
	}
	buf_init(&created, 100);
	(void)date_write_rfc3339(&created, (int64_t)row->created);
	(void)printf("%.*s\t%.*s\n", (int)row->address.len, (const char *)row->address.data, (int)created.len,
	    (const char *)created.data);
}

static int
account_list(struct place *p, const struct verb_input *in, struct slice address, struct error *e)
{
	struct store_account_list request = { 0 };
	bool more = true;

	(void)address;
	while (more) {
		struct store_account_rows reply;
		ARENA_OWNED struct arena a = { 0 };
		int rc;

		arena_init(&a, REPLY_BUDGET);
		rc = store_account_list(p->port, &request, &a, &reply, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < reply.row_count; i++)
			print_account(&reply.rows[i], in->json);
		more = reply.more && reply.row_count > 0;
		if (more)
			request.after = reply.rows[reply.row_count - 1].account;
	}
	return 0;
}

static const struct {
	const char *name;
	int words; /* behind it */
	bool writes;
	int (*run)(struct place *p, const struct verb_input *in, struct slice address, struct error *e);
} words[] = {
	{ "add", 1, true, account_add },
	{ "list", 0, false, account_list },
	{ "remove", 1, true, account_remove },
	{ "password", 1, true, account_password },
	{ "rename", 2, true, account_rename },
};

int
verb_account(const struct verb_input *in)
{
	struct place p;
	struct error e;
	int rc;

	if (in->word_count > 0 && (strcmp(in->words[0], "import") == 0 || strcmp(in->words[0], "export") == 0))
		return verb_transfer(in);
	if (in->word_count > 0 && strcmp(in->words[0], "app-password") == 0)
		return verb_app_password(in);
	if (in->word_count > 0 && strcmp(in->words[0], "address") == 0) {
		struct verb_input behind = *in;

		behind.words++;
		behind.word_count--;
		return verb_account_address(&behind);
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (in->word_count != 1 + words[i].words || strcmp(in->words[0], words[i].name) != 0)
			continue;
		rc = place_reach(in->config, words[i].writes, &p, &e);
		if (rc != 0)
			return verb_failed(&e);
		rc = words[i].run(&p, in, words[i].words == 0 ? SLICE_EMPTY : slice_str(in->words[1]), &e);
		place_close(&p);
		if (rc == ERR_ORDER)
			return verb_refused(&e);
		return rc == 0 ? EXIT_DONE : verb_failed(&e);
	}
	(void)error_set(&e, ERR_USAGE,
	    "say account add ADDRESS, list, remove ADDRESS, password ADDRESS, rename OLD NEW, address add|list|remove, "
	    "app-password add|list|revoke, import ADDRESS PATH or export ADDRESS PATH");
	return verb_failed(&e);
}
