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
get_entry(const struct json_value *o, struct arena *a, struct trust_index_entry *entry)
{
	struct slice fingerprint, from;

	if (!json_value_get_text(json_value_get(o, "fingerprint"), &fingerprint) ||
	    pgp_fingerprint_parse(fingerprint, &entry->fingerprint, NULL) != 0)
		return false;
	if (!json_value_get_text(json_value_get(o, "from"), &from))
		return false;
	entry->from = arena_copy(a, from);
	return get_origin(o, &entry->origin) && get_u64(o, "added", &entry->added) &&
	    get_u64(o, "changed", &entry->changed) && get_u64(o, "verified", &entry->verified);
}

static int
get_entries(const struct json_value *root, struct arena *a, struct trust_index_entry **entries_out, size_t *count_out,
    struct error *e)
{
	const struct json_value *list = json_value_get(root, "certificates");
	struct trust_index_entry *entries;
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
    struct slice text, struct arena *a, struct trust_index_entry **entries_out, size_t *count_out, struct error *e)
{
	struct json_value *root;
	int rc = json_value_parse(text, &root, e);

	if (rc != 0)
		return error_context(e, "the index of certificates");
	rc = get_entries(root, a, entries_out, count_out, e);
	json_value_free(root);
	return rc == 0 && a->err != 0 ? error_set(e, a->err, "the index of certificates is too large") : rc;
}
