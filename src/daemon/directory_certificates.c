/* SPDX-License-Identifier: ISC */
/* letterlockd directory add, list, show, publish, unpublish, remove: certificates that are kept. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/printable.h"
#include "daemon/directory.h"
#include "daemon/place.h"
#include "os/file.h"
#include "service/directory/operate.h"
#include "store/store.h"

#define REPLY_BUDGET (64u << 20)
#define FILE_MAX (64u << 20)
#define PAGE 500u

/* ---- what all have in common ---- */

struct named {
	struct place place;
	uint8_t octets[STORE_FINGERPRINT_MAX];
	struct slice fingerprint;
};

static int
used_wrongly(const char *how)
{
	struct error e;

	(void)error_set(&e, ERR_USAGE, "say directory %s", how);
	return verb_failed(&e);
}

static int
finish(struct place *p, int rc, const struct error *e)
{
	place_close(p);
	if (rc == ERR_ORDER || rc == ERR_POLICY || rc == ERR_DENIED)
		return verb_refused(e);
	return rc == 0 ? EXIT_DONE : verb_failed(e);
}

/* The store, and the fingerprint that the first word is. */
static int
reach(const struct verb_input *in, bool to_write, struct named *n, struct error *e)
{
	int rc = directory_operate_fingerprint(in->words[0], n->octets, &n->fingerprint, e);

	return rc == 0 ? place_reach(in->config, to_write, &n->place, e) : rc;
}

static void
put_fingerprint(struct buf *out, struct slice fingerprint)
{
	(void)hex_write_upper(out, fingerprint);
}

/* A user ID is a stranger's text. */
static void
print_text(struct slice text)
{
	struct buf shown BUF_OWNED = { 0 };

	buf_init(&shown, 8 * STORE_USER_ID_MAX);
	(void)printable_put(&shown, text, PRINTABLE_TEXT, 4 * STORE_USER_ID_MAX);
	(void)printf("%.*s", (int)shown.len, (const char *)shown.data);
}

static const char *
state_of(const struct store_certificate_user *u)
{
	static const char *const hows[] = {
		[STORE_HOW_ACCOUNT] = "published (account)",
		[STORE_HOW_MAIL] = "published (mail)",
		[STORE_HOW_OPERATOR] = "published (operator)",
		[STORE_HOW_OPEN] = "published (open directory)",
		[STORE_HOW_MIRROR] = "published (mirror)",
	};

	if (u->state != STORE_USER_PUBLISHED || u->how < STORE_HOW_ACCOUNT || u->how > STORE_HOW_MIRROR)
		return u->state == STORE_USER_PUBLISHED ? "published" : "held";
	return hows[u->how];
}

/* ---- list, show ---- */

static void
print_json(const struct store_certificate *c)
{
	struct json_value *object = json_value_object(), *users = json_value_list();
	struct buf text BUF_OWNED = { 0 };

	buf_init(&text, 2 * STORE_FINGERPRINT_MAX);
	put_fingerprint(&text, c->fingerprint);
	json_value_set_text(object, "fingerprint", buf_slice(&text));
	json_value_set_i64(object, "version", c->version);
	json_value_set_i64(object, "account", (int64_t)c->account);
	json_value_set_i64(object, "modified", (int64_t)c->modified);
	for (size_t i = 0; i < c->user_count; i++) {
		struct json_value *user = json_value_object();

		json_value_set_text(user, "user_id", c->users[i].user_id);
		json_value_set_text(user, "address", c->users[i].address);
		json_value_set_str(user, "state", state_of(&c->users[i]));
		json_value_append(users, user);
	}
	json_value_set(object, "user_ids", users);
	verb_print_json(object);
}

static void
print_certificate(const struct store_certificate *c, bool json)
{
	struct buf text BUF_OWNED = { 0 };

	if (json) {
		print_json(c);
		return;
	}
	buf_init(&text, 2 * STORE_FINGERPRINT_MAX);
	put_fingerprint(&text, c->fingerprint);
	(void)printf("%.*s", (int)text.len, (const char *)text.data);
	if (c->user_count == 0)
		(void)printf("\tno user ID");
	(void)printf("\n");
	for (size_t i = 0; i < c->user_count; i++) {
		(void)printf("\t%s\t", state_of(&c->users[i]));
		print_text(c->users[i].user_id);
		(void)printf("\n");
	}
}

/* Those with this address, or all. */
static int
list(struct port *store, const char *address, bool json, struct error *e)
{
	struct store_certificate_find by = { .by = address != NULL ? STORE_BY_ADDRESS : STORE_BY_ALL,
		.value = slice_str(address),
		.limit = PAGE,
		.held = true,
		.without_data = true };
	uint8_t after[STORE_FINGERPRINT_MAX];
	bool more = true;
	int rc = 0;

	while (more && rc == 0) {
		ARENA_OWNED struct arena a = { 0 };
		struct store_certificates found;

		arena_init(&a, REPLY_BUDGET);
		rc = store_certificate_find(store, &by, &a, &found, e);
		for (size_t i = 0; rc == 0 && i < found.certificate_count; i++)
			print_certificate(&found.certificates[i], json);
		more = rc == 0 && found.more && found.certificate_count > 0;
		if (more) {
			struct slice last = found.certificates[found.certificate_count - 1].fingerprint;

			memcpy(after, last.data, size_min(last.len, sizeof after));
			by.after = slice_of(after, size_min(last.len, sizeof after));
		}
	}
	return rc;
}

int
verb_directory_list(const struct verb_input *in)
{
	struct place p;
	struct error e;
	int rc;

	if (in->word_count > 1)
		return used_wrongly("list [ADDRESS]");
	rc = place_reach(in->config, false, &p, &e);
	if (rc != 0)
		return verb_failed(&e);
	return finish(&p, list(p.port, in->word_count > 0 ? in->words[0] : NULL, in->json, &e), &e);
}

int
verb_directory_show(const struct verb_input *in)
{
	struct store_certificate_find by = {
		.by = STORE_BY_FINGERPRINT, .limit = PAGE, .held = true, .without_data = true
	};
	ARENA_OWNED struct arena a = { 0 };
	struct store_certificates found;
	struct named n;
	struct error e;
	int rc;

	if (in->word_count != 1)
		return used_wrongly("show FINGERPRINT");
	rc = reach(in, false, &n, &e);
	if (rc != 0)
		return verb_failed(&e);
	arena_init(&a, REPLY_BUDGET);
	by.value = n.fingerprint;
	rc = store_certificate_find(n.place.port, &by, &a, &found, &e);
	if (rc == 0 && found.certificate_count == 0)
		rc = error_set(&e, ERR_NOT_FOUND, "no certificate here has that fingerprint");
	for (size_t i = 0; rc == 0 && i < found.certificate_count; i++)
		print_certificate(&found.certificates[i], in->json);
	return finish(&n.place, rc, &e);
}

/* ---- add ---- */

static void
say_added(void *ctx, const struct store_certificate *put, const struct store_certificate_kept *kept)
{
	struct buf text BUF_OWNED = { 0 };

	(void)ctx;
	buf_init(&text, 2 * STORE_FINGERPRINT_MAX);
	put_fingerprint(&text, put->fingerprint);
	(void)printf("%.*s: %s, %u of %zu user IDs published.\n", (int)text.len, (const char *)text.data,
	    kept->inserted ? "new" : "merged", kept->published, put->user_count);
}

int
verb_directory_add(const struct verb_input *in)
{
	struct buf text BUF_OWNED = { 0 };
	struct place p;
	struct error e;
	int rc;

	if (in->word_count != 1)
		return used_wrongly("add FILE");
	buf_init(&text, FILE_MAX);
	rc = file_read(in->words[0], &text, &e);
	if (rc == 0)
		rc = place_reach(in->config, true, &p, &e);
	if (rc != 0)
		return verb_failed(&e);
	return finish(&p, directory_operate_add(p.port, buf_slice(&text), say_added, NULL, &e), &e);
}

/* ---- publish, unpublish, remove ---- */

static int
publish(const struct verb_input *in, uint32_t how, const char *usage, const char *said)
{
	struct store_certificate_publish request = { .how = how };
	struct store_certificate_kept kept;
	struct named n;
	struct error e;
	int rc;

	if (in->word_count < (how != 0 ? 2 : 1) || in->word_count > 2)
		return used_wrongly(usage);
	rc = reach(in, true, &n, &e);
	if (rc != 0)
		return verb_failed(&e);
	request.fingerprint = n.fingerprint;
	request.address = slice_str(in->word_count > 1 ? in->words[1] : NULL);
	rc = directory_operate_publish(n.place.port, &request, &kept, &e);
	if (rc == 0)
		(void)printf("%s %s; user IDs that are published now: %u.\n",
		    in->word_count > 1 ? in->words[1] : "All addresses", said, kept.published);
	return finish(&n.place, rc, &e);
}

int
verb_directory_publish(const struct verb_input *in)
{
	return publish(in, STORE_HOW_OPERATOR, "publish FINGERPRINT ADDRESS", "can be found");
}

int
verb_directory_unpublish(const struct verb_input *in)
{
	return publish(in, 0, "unpublish FINGERPRINT [ADDRESS]", "cannot be found any more");
}

int
verb_directory_remove(const struct verb_input *in)
{
	struct store_certificate_name request = { .tombstones = true };
	ARENA_OWNED struct arena a = { 0 };
	struct store_nothing none;
	struct named n;
	struct error e;
	int rc;

	if (in->word_count != 1)
		return used_wrongly("remove FINGERPRINT");
	rc = reach(in, true, &n, &e);
	if (rc != 0)
		return verb_failed(&e);
	arena_init(&a, REPLY_BUDGET);
	request.fingerprint = n.fingerprint;
	rc = store_certificate_remove(n.place.port, &request, &a, &none, &e);
	if (rc == 0)
		(void)printf("The certificate is removed; none of its addresses comes back by itself.\n");
	return finish(&n.place, rc, &e);
}
