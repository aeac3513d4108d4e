/* SPDX-License-Identifier: ISC */
#include "daemon/dkim.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "daemon/process_keys_folder.h"
#include "os/clock.h"

#define RSA_BITS 2048u /* its record fits into one answer by UDP everywhere; RFC 8301 asks for no more */
#define SAME_MINUTE 26u

struct reading {
	const char *folder;
	struct slice domain;
	struct arena *a;
	struct dkim_keys *out;
	struct error *e;
	int rc;
};

static int
take_key(struct reading *r, struct slice name, enum keys_dkim_state state, struct slice secret)
{
	struct dkim_kept *kept = &r->out->list[r->out->count];
	BUF_OWNED struct buf record = { 0 };
	struct keys_dkim key;
	int rc = keys_dkim_open(name, secret, &key, r->e);

	buf_init(&record, KEYS_DKIM_RECORD_MAX);
	if (rc == 0)
		rc = keys_dkim_record(&key, &record, r->e);
	if (rc == 0) {
		*kept = (struct dkim_kept){ .selector = arena_copy(r->a, key.selector),
			.state = state,
			.algorithm = keys_dkim_algorithm(&key),
			.record = arena_copy(r->a, buf_slice(&record)) };
		kept->bits = kept->algorithm == DKIM_RSA_SHA256 ? 8 * keys_dkim_signature_size(&key) : 256;
		kept->name = arena_printf(r->a, "%.*s._domainkey.%.*s", (int)kept->selector.len,
		    (const char *)kept->selector.data, (int)r->domain.len, (const char *)r->domain.data);
		r->out->count++;
	}
	keys_dkim_close(&key);
	return rc == 0 && r->a->err != 0 ? error_nomem(r->e) : rc;
}

static int
read_one(void *ctx, const char *name)
{
	struct reading *r = ctx;
	struct slice domain, selector;
	enum keys_dkim_state state = keys_dkim_file(slice_str(name), &domain, &selector);
	char path[FILE_PATH_MAX];
	struct buf secret;

	if (state == KEYS_DKIM_NONE || !slice_ieq(domain, r->domain))
		return 0;
	if (r->out->count == DKIM_KEPT_MAX)
		r->rc = error_set(r->e, ERR_LIMIT, "there are more than %u DKIM keys of one domain", DKIM_KEPT_MAX);
	if (r->rc == 0)
		r->rc = path_join(path, r->folder, name, r->e);
	buf_init(&secret, PEM_SECRET_TEXT_MAX);
	if (r->rc == 0)
		r->rc = file_read(path, &secret, r->e);
	if (r->rc == 0 && (r->rc = take_key(r, slice_str(name), state, buf_slice(&secret))) != 0)
		(void)error_context(r->e, "'%s'", path);
	buf_wipe_done(&secret);
	return r->rc;
}

static void
sort(struct dkim_keys *k)
{
	for (size_t i = 1; i < k->count; i++) {
		struct dkim_kept one = k->list[i];
		size_t at = i;

		for (; at > 0 && slice_cmp(k->list[at - 1].selector, one.selector) > 0; at--)
			k->list[at] = k->list[at - 1];
		k->list[at] = one;
	}
}

int
dkim_keys_read(
    const struct config *config, struct slice domain, struct arena *a, struct dkim_keys *out, struct error *e)
{
	char folder[FILE_PATH_MAX];
	struct reading r = { .folder = folder, .domain = domain, .a = a, .out = out, .e = e };
	int rc = keys_folder_path(config, folder, e);

	out->count = 0;
	if (rc != 0 || !file_exists(folder))
		return rc;
	rc = dir_each(folder, read_one, &r, e);
	sort(out);
	return r.rc != 0 ? r.rc : rc;
}

size_t
dkim_keys_in(const struct dkim_keys *k, enum keys_dkim_state s)
{
	size_t count = 0;

	for (size_t i = 0; i < k->count; i++)
		count += k->list[i].state == s;
	return count;
}

/* ---- new ones ---- */

static const struct kind {
	enum pem_public_kind kind;
	const char *suffix;
} kinds[] = {
	{ PEM_PUBLIC_RSA, "rsa" },
	{ PEM_PUBLIC_ED25519, "ed25519" },
};

/*
 * "20260102-1530": a selector is never used for another key (RFC 6376 section
 * 3.1), and this minute does not come again. prefix_out: 20 octets.
 */
static void
make_prefix(const struct dkim_keys *have, char prefix_out[20])
{
	struct date d = date_of_unix((int64_t)clock_unix(), 0);
	int len = snprintf(prefix_out, 20, "%04d%02d%02d-%02d%02d", (int)d.year % 10000, (int)d.month % 100,
	    (int)d.day % 100, (int)d.hour % 100, (int)d.minute % 100);

	for (unsigned letter = 0; letter < SAME_MINUTE; letter++) {
		bool taken = false;

		for (size_t i = 0; i < have->count; i++)
			taken |= slice_starts(slice_from(have->list[i].selector, strlen(prefix_out)), SLICE("-")) &&
			    slice_starts(have->list[i].selector, slice_str(prefix_out));
		if (!taken)
			return;
		(void)snprintf(prefix_out + len, 20 - (size_t)len, "%c", (char)('a' + letter));
	}
}

static int
path_of(const struct config *config, struct slice domain, struct slice selector, enum keys_dkim_state s,
    char name_out[KEYS_DKIM_NAME_MAX + 1], char path_out[FILE_PATH_MAX], struct error *e)
{
	char folder[FILE_PATH_MAX];
	BUF_OWNED struct buf name = { 0 };
	int rc = keys_folder_path(config, folder, e);

	buf_init(&name, KEYS_DKIM_NAME_MAX);
	if (rc == 0 && keys_dkim_file_name(domain, selector, s, &name) != 0)
		rc = error_set(e, ERR_LIMIT, "the name of a key's file is too long");
	if (rc != 0)
		return rc;
	(void)memcpy(name_out, name.data, name.len);
	name_out[name.len] = '\0';
	return path_join(path_out, folder, name_out, e);
}

static int
make_one(const struct config *config, struct slice domain, const char *selector, enum pem_public_kind kind,
    enum keys_dkim_state s, struct error *e)
{
	SECRET_OWNED struct secret text = SECRET_EMPTY;
	char name[KEYS_DKIM_NAME_MAX + 1], path[FILE_PATH_MAX];
	struct pem_secret *key = NULL;
	int rc = path_of(config, domain, slice_str(selector), s, name, path, e);

	if (rc == 0)
		rc = pem_secret_generate(kind, RSA_BITS, &key, e);
	if (rc == 0)
		rc = pem_secret_write(key, &text, e);
	if (rc == 0)
		rc = file_write_atomic(path, secret_slice(&text), 0600, e);
	pem_secret_free(key);
	return rc != 0 ? rc : keys_folder_give(config, name, e);
}

int
dkim_keys_make(const struct config *config, struct slice domain, const struct dkim_keys *have, enum keys_dkim_state s,
    struct error *e)
{
	char folder[FILE_PATH_MAX], prefix[20], selector[40];
	int rc = keys_folder_path(config, folder, e);

	if (rc == 0)
		rc = dir_make_private(folder, e);
	make_prefix(have, prefix);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && rc == 0; i++) {
		(void)snprintf(selector, sizeof selector, "%s-%s", prefix, kinds[i].suffix);
		rc = make_one(config, domain, selector, kinds[i].kind, s, e);
	}
	return rc;
}

int
dkim_keys_move(const struct config *config, struct slice domain, const struct dkim_kept *k, enum keys_dkim_state to,
    struct error *e)
{
	char name[KEYS_DKIM_NAME_MAX + 1], from_path[FILE_PATH_MAX], to_path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
	int rc = path_of(config, domain, k->selector, k->state, name, from_path, e);

	if (rc != 0 || to == KEYS_DKIM_NONE)
		return rc != 0 ? rc : file_remove(from_path, e);
	rc = path_of(config, domain, k->selector, to, name, to_path, e);
	if (rc == 0)
		rc = keys_folder_path(config, folder, e);
	if (rc != 0)
		return rc;
	if (rename(from_path, to_path) != 0)
		return error_set(e, ERR_IO, "'%s' cannot be renamed", from_path);
	return dir_sync(folder, e);
}
