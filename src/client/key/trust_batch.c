/* SPDX-License-Identifier: ISC */
#include "client/key/trust_batch.h"

#include <stdio.h>

#include "base/mem.h"
#include "client/common.h"
#include "openpgp/judge/verify.h"
#include "os/file.h"

#define BATCH_MAX (64u << 20) /* octets of questions */
#define LINE_MAX_OCTETS (64u << 10)
#define BATCH_ROOTS_MAX 1000u

int
trust_root_parse(struct slice word, struct believe_root *out, size_t max, size_t *count, struct error *e)
{
	struct believe_root r = { .amount = 120, .depth = 255, .own = true };
	size_t at = slice_find(word, '=');
	uint64_t amount;

	if (at != SIZE_MAX) {
		if (!slice_to_u64(slice_from(word, at + 1), 120, &amount) || amount == 0)
			return error_set(e, ERR_USAGE, "an amount is between 1 and 120");
		r.amount = (uint8_t)amount;
		r.own = false;
		word = slice_sub(word, 0, at);
	}
	if (pgp_fingerprint_parse(word, &r.fingerprint, NULL) != 0)
		return error_set(e, ERR_USAGE, "a root is named by its whole fingerprint");
	if (*count == max)
		return error_set(e, ERR_LIMIT, "more than %zu roots", max);
	out[(*count)++] = r;
	return 0;
}

/* ---- every certificate ---- */

struct walk {
	struct believer *b;
	struct slice roots; /* as they were given */
	struct json_value *list;
	bool lines;
	struct error *e;
};

static struct json_value *
row_of(const struct walk *w, const struct pgp_cert *c, struct slice user_id, unsigned amount)
{
	BUF_OWNED struct buf hex = { .max = 100 };
	struct json_value *row = json_value_object();

	(void)pgp_fingerprint_write(&c->primary->fingerprint, &hex);
	if (w->lines)
		json_value_set_text(row, "roots", w->roots);
	json_value_set_text(row, "fingerprint", buf_slice(&hex));
	json_value_set_i64(row, "amount", amount);
	json_value_set_text(row, "user_id", user_id);
	return row;
}

static int
print_row(struct json_value *row, struct error *e)
{
	BUF_OWNED struct buf out = { .max = LINE_MAX_OCTETS };
	int rc = json_value_write(row, false, &out, e);

	json_value_free(row);
	if (rc == 0)
		(void)printf("%.*s\n", (int)out.len, (const char *)out.data);
	return rc;
}

static int
say_user_id(const struct walk *w, const struct pgp_cert *c, struct slice user_id, unsigned amount)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	if (w->lines)
		return print_row(row_of(w, c, user_id, amount), w->e);
	if (w->list != NULL) {
		json_value_append(w->list, row_of(w, c, user_id, amount));
		return 0;
	}
	(void)pgp_fingerprint_write(&c->primary->fingerprint, &hex);
	(void)printf("%.*s  %3u  ", (int)hex.len, (const char *)hex.data, amount);
	client_print(user_id);
	(void)fputc('\n', stdout);
	return 0;
}

static int
weigh(const struct walk *w, const struct pgp_cert *c)
{
	int rc = 0;

	for (size_t i = 1; i < c->component_count && rc == 0; i++) {
		struct pgp_network_result r;
		bool again = false;

		if (c->components[i].kind != PGP_COMPONENT_USER_ID)
			continue;
		for (size_t k = 1; k < i; k++)
			again = again || pgp_component_is_same(&c->components[k], &c->components[i]);
		if (again)
			continue;
		rc = believer_weigh(w->b, c, c->components[i].packet.body, &r, w->e);
		if (rc == 0 && r.amount > 0)
			rc = say_user_id(w, c, c->components[i].packet.body, r.amount);
		if (rc == 0)
			pgp_network_result_done(&r);
	}
	return rc;
}

/* ---- of a store: names first, since a question may not come in the middle of a walk ---- */

struct names {
	struct pgp_fingerprint *items;
	size_t count, room;
};

static int
add_name(void *ctx, const struct trust_entry *entry)
{
	struct names *n = ctx;

	if (n->count == n->room) {
		size_t room = 2 * (n->room + 512);
		struct pgp_fingerprint *grown = mem_realloc(n->items, room * sizeof *grown);

		if (grown == NULL)
			return ERR_NOMEM;
		n->items = grown;
		n->room = room;
	}
	n->items[n->count++] = entry->fingerprint;
	return 0;
}

static int
weigh_store(const struct walk *w, const struct trust_store *store)
{
	const struct trust_list all = { 0 };
	struct names names = { 0 };
	int rc = trust_store_list(store, &all, add_name, &names, w->e);

	for (size_t i = 0; i < names.count && rc == 0; i++) {
		const struct pgp_cert *c;

		rc = trust_ring_find(believer_ring(w->b), &names.items[i], &c, w->e);
		if (rc == 0 && c != NULL)
			rc = weigh(w, c);
	}
	mem_free(names.items);
	return rc;
}

static int
weigh_all(const struct walk *w, const struct trust_store *store)
{
	const struct trust_ring *ring = believer_ring(w->b);
	int rc = 0;

	if (store != NULL)
		return weigh_store(w, store);
	for (size_t i = 0; i < trust_ring_count(ring) && rc == 0; i++)
		rc = weigh(w, trust_ring_at(ring, i));
	return rc;
}

int
trust_list_all(struct believer *b, const struct trust_store *store, bool json, struct error *e)
{
	struct walk w = { .b = b, .list = json ? json_value_list() : NULL, .e = e };
	int rc = weigh_all(&w, store);

	if (rc == 0 && json)
		return client_print_json(w.list, e);
	json_value_free(w.list);
	return rc;
}

/* ---- a batch ---- */

static int
answer_line(struct believer *b, const struct trust_store *store, struct slice line, struct error *e)
{
	static struct believe_root roots[BATCH_ROOTS_MAX];
	struct walk w = { .b = b, .lines = true, .e = e };
	struct pgp_fingerprint f;
	const struct pgp_cert *c;
	struct slice target, rest;
	size_t count = 0;
	int rc = 0;

	w.roots = slice_split(line, ' ', &target);
	for (rest = w.roots; rest.len > 0 && rc == 0;)
		rc = trust_root_parse(slice_split(rest, ',', &rest), roots, BATCH_ROOTS_MAX, &count, e);
	if (rc == 0)
		rc = believer_set_roots(b, roots, count, e);
	if (rc != 0)
		return rc;
	if (slice_eq_str(target, "*"))
		return weigh_all(&w, store);
	if (pgp_fingerprint_parse(target, &f, NULL) != 0)
		return error_set(e, ERR_USAGE, "a line is ROOT[=AMOUNT],... FINGERPRINT, or * for all");
	rc = trust_ring_find(believer_ring(b), &f, &c, e);
	return rc == 0 && c != NULL ? weigh(&w, c) : rc;
}

int
trust_batch(struct believer *b, const struct trust_store *store, struct error *e)
{
	BUF_OWNED struct buf in = { .max = BATCH_MAX };
	struct slice rest;
	int rc = file_read("-", &in, e);

	for (rest = buf_slice(&in); rest.len > 0 && rc == 0;) {
		struct slice line = slice_trim(slice_split(rest, '\n', &rest));

		if (line.len > 0)
			rc = answer_line(b, store, line, e);
	}
	return rc;
}
