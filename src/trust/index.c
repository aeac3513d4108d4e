/* SPDX-License-Identifier: ISC */
#include "trust/index.h"

#include "base/json.h"

#define VERSION 1

static int
damaged(struct error *e)
{
	return error_set(e, ERR_SYNTAX,
	    "the index of certificates is damaged: restore index.json, or remove it and import "
	    "the certificates again");
}

static bool
get_u64(const struct json_value *o, const char *name, uint64_t *out)
{
	int64_t n;

	if (!json_value_get_i64(json_value_get(o, name), &n) || n < 0)
		return false;
	*out = (uint64_t)n;
	return true;
}

static bool
get_origin(const struct json_value *o, enum trust_origin *out)
{
	struct slice word;

	return json_value_get_text(json_value_get(o, "origin"), &word) && trust_origin_parse(word, out);
}

static bool
get_addresses(const struct json_value *o, struct arena *a, struct trust_entry *entry)
{
	const struct json_value *list = json_value_get(o, "addresses");
	size_t n = json_value_count(list);
	struct slice *addresses = arena_array(a, n, sizeof *addresses), text;

	if (!json_value_is_list(list) || n > TRUST_ADDRESSES_MAX || addresses == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!json_value_get_text(json_value_at(list, i), &text))
			return false;
		addresses[i] = arena_copy(a, text);
	}
	entry->addresses = addresses;
	entry->address_count = n;
	return true;
}

static bool
get_keys(const struct json_value *o, struct arena *a, struct trust_entry *entry)
{
	const struct json_value *list = json_value_get(o, "keys");
	size_t n = json_value_count(list);
	struct pgp_fingerprint *keys = arena_array(a, n, sizeof *keys);
	struct slice text;

	if (!json_value_is_list(list) || n > TRUST_KEYS_MAX || keys == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!json_value_get_text(json_value_at(list, i), &text) ||
		    pgp_fingerprint_parse(text, &keys[i], NULL) != 0)
			return false;
	}
	entry->keys = keys;
	entry->key_count = n;
	return true;
}

static bool
get_entry(const struct json_value *o, struct arena *a, struct trust_entry *entry)
{
	struct slice fingerprint, from;

	if (!json_value_get_text(json_value_get(o, "fingerprint"), &fingerprint) ||
	    pgp_fingerprint_parse(fingerprint, &entry->fingerprint, NULL) != 0)
		return false;
	if (!json_value_get_text(json_value_get(o, "from"), &from))
		return false;
	entry->from = arena_copy(a, from);
	return get_origin(o, &entry->origin) && get_u64(o, "added", &entry->added) &&
	    get_u64(o, "changed", &entry->changed) && get_u64(o, "verified", &entry->verified) &&
	    get_keys(o, a, entry) && get_addresses(o, a, entry);
}

static int
get_entries(const struct json_value *root, struct arena *a, struct trust_entry **entries_out, size_t *count_out,
    struct error *e)
{
	const struct json_value *list = json_value_get(root, "certificates");
	struct trust_entry *entries;
	size_t n = json_value_count(list);
	uint64_t version;

	if (!get_u64(root, "version", &version) || !json_value_is_list(list))
		return damaged(e);
	if (version > VERSION)
		return error_set(
		    e, ERR_UNSUPPORTED, "the index of certificates was written by a newer Letterlock: use that one");
	if (n > TRUST_INDEX_CERTS_MAX)
		return error_set(e, ERR_LIMIT, "the index of certificates holds more than %u", TRUST_INDEX_CERTS_MAX);
	entries = arena_array(a, n, sizeof *entries);
	if (entries == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < n; i++) {
		if (!get_entry(json_value_at(list, i), a, &entries[i]))
			return damaged(e);
	}
	*entries_out = entries;
	*count_out = n;
	return 0;
}

int
trust_index_parse(
    struct slice text, struct arena *a, struct trust_entry **entries_out, size_t *count_out, struct error *e)
{
	struct json_value *root;
	int rc = json_value_parse(text, &root, e);

	if (rc != 0)
		return error_context(e, "the index of certificates");
	rc = get_entries(root, a, entries_out, count_out, e);
	json_value_free(root);
	return rc == 0 && a->err != 0 ? error_set(e, a->err, "the index of certificates is too large") : rc;
}

static struct json_value *
keys_value(const struct trust_entry *entry)
{
	struct json_value *list = json_value_list();
	BUF_OWNED struct buf hex = { .max = 100 };

	for (size_t i = 0; i < entry->key_count; i++) {
		buf_clear(&hex);
		(void)pgp_fingerprint_write(&entry->keys[i], &hex);
		json_value_append_text(list, buf_slice(&hex));
	}
	return list;
}

static struct json_value *
entry_value(const struct trust_entry *entry)
{
	struct json_value *o = json_value_object(), *list = json_value_list();
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(&entry->fingerprint, &hex);
	json_value_set_text(o, "fingerprint", buf_slice(&hex));
	json_value_set_str(o, "origin", trust_origin_name(entry->origin));
	json_value_set_text(o, "from", entry->from);
	json_value_set_i64(o, "added", (int64_t)entry->added);
	json_value_set_i64(o, "changed", (int64_t)entry->changed);
	json_value_set_i64(o, "verified", (int64_t)entry->verified);
	json_value_set(o, "keys", keys_value(entry));
	for (size_t i = 0; i < entry->address_count; i++)
		json_value_append_text(list, entry->addresses[i]);
	json_value_set(o, "addresses", list);
	return o;
}

int
trust_index_write(const struct trust_entry *entries, size_t count, struct buf *out, struct error *e)
{
	struct json_value *root = json_value_object(), *list = json_value_list();
	int rc;

	json_value_set_i64(root, "version", VERSION);
	for (size_t i = 0; i < count; i++)
		json_value_append(list, entry_value(&entries[i]));
	json_value_set(root, "certificates", list);
	rc = json_value_write(root, true, out, e);
	json_value_free(root);
	return rc;
}
