/* SPDX-License-Identifier: ISC */
#include "trust/store.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "openpgp/cert/merge.h"
#include "openpgp/judge/verify.h"
#include "os/file.h"
#include "trust/index.h"

#define ARENA_BUDGET (64u << 20)

struct trust_store {
	char folder[FILE_PATH_MAX];
	struct trust_entry *entries;
	size_t count;
	struct arena arena; /* of the entries */
};

int
trust_address_fold(struct slice address, struct buf *out)
{
	return utf8_fold(out, slice_trim(address));
}

/* ---- reading ---- */

static int
read_index(struct trust_store *s, struct error *e)
{
	char path[FILE_PATH_MAX];
	BUF_OWNED struct buf text = { .max = TRUST_INDEX_MAX };
	int rc = path_join(path, s->folder, "index.json", e);

	arena_done(&s->arena);
	s->entries = NULL;
	s->count = 0;
	if (rc == 0)
		rc = file_read(path, &text, e);
	if (rc == ERR_NOT_FOUND)
		return 0;
	return rc == 0 ? trust_index_parse(buf_slice(&text), &s->arena, &s->entries, &s->count, e) : rc;
}

int
trust_store_open(const char *folder, struct trust_store **out, struct error *e)
{
	struct trust_store *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	arena_init(&s->arena, ARENA_BUDGET);
	rc = path_join(s->folder, folder, "", e);
	if (rc == 0)
		rc = dir_make_private(folder, e);
	if (rc == 0)
		rc = read_index(s, e);
	if (rc != 0) {
		trust_store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
trust_store_close(struct trust_store *s)
{
	if (s == NULL)
		return;
	arena_done(&s->arena);
	mem_free(s);
}

size_t
trust_store_count(const struct trust_store *s)
{
	return s->count;
}

const struct trust_entry *
trust_store_at(const struct trust_store *s, size_t n)
{
	return n < s->count ? &s->entries[n] : NULL;
}

static size_t
find(const struct trust_store *s, const struct pgp_fingerprint *f)
{
	size_t i = 0;

	while (i < s->count && !pgp_fingerprint_eq(&s->entries[i].fingerprint, f))
		i++;
	return i;
}

const struct trust_entry *
trust_store_find(const struct trust_store *s, const struct pgp_fingerprint *f)
{
	return trust_store_at(s, find(s, f));
}

static bool
has_address(const struct trust_entry *entry, struct slice folded)
{
	for (size_t i = 0; i < entry->address_count; i++) {
		if (slice_eq(entry->addresses[i], folded))
			return true;
	}
	return false;
}

/* What the person said counts most. Import and directory are equal, so that neither takes the place of the other. */
enum strength { SEEN, BELIEVED, CHECKED, OURS };

static enum strength
strength(const struct trust_entry *entry)
{
	if (entry->origin == TRUST_OWN)
		return OURS;
	if (entry->verified != 0)
		return CHECKED;
	return entry->origin >= TRUST_IMPORTED ? BELIEVED : SEEN;
}

static bool
comes_before(const struct trust_entry *a, const struct trust_entry *b)
{
	return strength(a) != strength(b) ? strength(a) > strength(b) : a->added < b->added;
}

size_t
trust_store_find_address(const struct trust_store *s, struct slice address, const struct trust_entry **out, size_t max)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	size_t n = 0;

	if (trust_address_fold(address, &folded) != 0)
		return 0;
	for (size_t i = 0; i < s->count && n < max; i++) {
		size_t at = n;

		if (!has_address(&s->entries[i], buf_slice(&folded)))
			continue;
		for (; at > 0 && comes_before(&s->entries[i], out[at - 1]); at--)
			out[at] = out[at - 1];
		out[at] = &s->entries[i];
		n++;
	}
	return n;
}

static bool
has_key(const struct trust_entry *entry, const struct pgp_fingerprint *f, uint64_t key_id)
{
	for (size_t i = 0; i < entry->key_count; i++) {
		if (f != NULL ? pgp_fingerprint_eq(&entry->keys[i], f)
			      : pgp_fingerprint_key_id(&entry->keys[i]) == key_id)
			return true;
	}
	return false;
}

size_t
trust_store_find_key(const struct trust_store *s, const struct pgp_fingerprint *f, uint64_t key_id,
    const struct trust_entry **out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count && n < max; i++) {
		if (has_key(&s->entries[i], f, key_id))
			out[n++] = &s->entries[i];
	}
	return n;
}

const struct trust_entry *
trust_store_choose(const struct trust_store *s, struct slice address, const struct trust_entry **rival_out)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	size_t n = trust_store_find_address(s, address, found, TRUST_CANDIDATES_MAX);

	if (rival_out != NULL)
		*rival_out = NULL;
	for (size_t i = 1; i < n && rival_out != NULL; i++) {
		bool rival = strength(found[0]) < CHECKED || strength(found[i]) == strength(found[0]) ||
		    found[i]->added > found[0]->added;

		if (rival && (*rival_out == NULL || found[i]->added > (*rival_out)->added))
			*rival_out = found[i];
	}
	return n == 0 ? NULL : found[0];
}

/* ---- files ---- */

static int
cert_path(const struct trust_store *s, const struct pgp_fingerprint *f, char out[FILE_PATH_MAX], struct error *e)
{
	BUF_OWNED struct buf name = { .max = 100 };

	(void)pgp_fingerprint_write(f, &name);
	(void)buf_put(&name, ".pgp", 5);
	return name.err != 0 ? error_nomem(e) : path_join(out, s->folder, (const char *)name.data, e);
}

int
trust_store_load(const struct trust_store *s, const struct pgp_fingerprint *f, struct pgp_cert **out, struct error *e)
{
	char path[FILE_PATH_MAX];
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX };
	size_t used;
	int rc = cert_path(s, f, path, e);

	if (rc == 0)
		rc = file_read(path, &bytes, e);
	if (rc == ERR_NOT_FOUND)
		return error_set(e, rc, "there is no such certificate here");
	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), out, &used, e);
	return rc;
}

/* ---- changing: always under the lock and on a fresh index ---- */

static int
begin(struct trust_store *s, int *lock_out, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = path_join(path, s->folder, "lock", e);

	if (rc == 0)
		rc = file_lock(path, true, lock_out, e);
	if (rc != 0)
		return rc;
	rc = read_index(s, e);
	if (rc != 0)
		file_unlock(*lock_out);
	return rc;
}

/* Writes the entries and reads them back, so that they live in the store's arena. */
static int
commit(struct trust_store *s, const struct trust_entry *entries, size_t count, struct error *e)
{
	char path[FILE_PATH_MAX];
	BUF_OWNED struct buf text = { .max = TRUST_INDEX_MAX };
	int rc = trust_index_write(entries, count, &text, e);

	if (rc == 0)
		rc = path_join(path, s->folder, "index.json", e);
	if (rc == 0)
		rc = file_write_atomic(path, buf_slice(&text), 0600, e);
	return rc == 0 ? read_index(s, e) : rc;
}

/* Adds the folded address of a user ID that is validly bound. */
static int
add_address(const struct pgp_component_judgement *j, struct arena *a, struct slice *addresses, size_t *count)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	struct slice address;

	if (j->component->kind != PGP_COMPONENT_USER_ID || j->standing != PGP_STANDING_GOOD)
		return 0;
	address = pgp_user_id_address(j->component->packet.body);
	if (address.len == 0 || *count == TRUST_ADDRESSES_MAX || trust_address_fold(address, &folded) != 0)
		return 0;
	for (size_t i = 0; i < *count; i++) {
		if (slice_eq(addresses[i], buf_slice(&folded)))
			return 0;
	}
	addresses[*count] = arena_copy(a, buf_slice(&folded));
	(*count)++;
	return a->err;
}

/* The addresses that the certificate proves to have at the policy's time. */
static int
find_addresses(const struct pgp_cert *c, const struct pgp_policy *policy, struct arena *a, struct trust_entry *entry,
    struct error *e)
{
	struct slice *addresses = arena_array(a, TRUST_ADDRESSES_MAX, sizeof *addresses);
	struct pgp_cert_judgement j;
	size_t count = 0;
	int rc;

	if (addresses == NULL)
		return error_nomem(e);
	rc = pgp_cert_judge(c, policy, policy->now, &j, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < j.count && rc == 0; i++)
		rc = add_address(&j.components[i], a, addresses, &count);
	pgp_cert_judgement_done(&j);
	entry->addresses = addresses;
	entry->address_count = count;
	return rc == 0 ? 0 : error_nomem(e);
}

/* Primary and subkeys, whatever they are good for: a signature names one of them. */
static int
find_keys(const struct pgp_cert *c, struct arena *a, struct trust_entry *entry, struct error *e)
{
	struct pgp_fingerprint *keys = arena_array(a, TRUST_KEYS_MAX, sizeof *keys);
	const struct pgp_key *key;
	size_t n = 0;

	if (keys == NULL)
		return error_nomem(e);
	for (size_t i = 0; (key = pgp_cert_key(c, i)) != NULL && n < TRUST_KEYS_MAX; i++) {
		if (key->fingerprint.len == 20 || key->fingerprint.len == 32)
			keys[n++] = key->fingerprint;
	}
	entry->keys = keys;
	entry->key_count = n;
	return 0;
}

/* Into out, which has room for TRUST_CERT_MAX; others' signatures are what floods are made of: without them if need be. */
static int
small_bytes(const struct pgp_cert *c, struct buf *out, struct error *e)
{
	const struct pgp_export without = {
		.keep_local = true, .keep_unhashed = true, .third_party = PGP_THIRD_PARTY_DROP
	};
	int rc = pgp_cert_write_public(c, out);

	if (rc == ERR_LIMIT) {
		buf_clear(out);
		rc = pgp_cert_export(c, &without, out, e);
	}
	if (rc == ERR_LIMIT)
		return error_set(e, rc, "this certificate is larger than %u octets: it was flooded", TRUST_CERT_MAX);
	return rc == ERR_NOMEM ? error_nomem(e) : rc;
}

/* The public certificate, with self-signatures where they belong. */
static int
arriving(const struct pgp_cert *c, struct pgp_cert **out, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX }, repaired = { .max = TRUST_CERT_MAX };
	struct pgp_cert *public = NULL;
	bool moved;
	int rc = small_bytes(c, &bytes, e);

	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), &public, NULL, e);
	if (rc == 0)
		rc = pgp_cert_repair(public, &repaired, &moved, e);
	pgp_cert_free(public);
	return rc != 0 ? rc : pgp_cert_parse(buf_slice(&repaired), out, NULL, e);
}

static int
merge(const struct pgp_cert *old, const struct pgp_cert *new, struct buf *out, bool *changed, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = 2 * TRUST_CERT_MAX };
	struct pgp_cert *both = NULL;
	int rc = pgp_merge(old, new, &bytes, changed, e);

	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bytes), &both, NULL, e);
	if (rc == 0)
		rc = small_bytes(both, out, e);
	pgp_cert_free(both);
	return rc;
}

/* The public bytes of what is put, merged with what is there. */
static int
merged_bytes(struct trust_store *s, const struct trust_put *put, struct buf *out, bool *changed, struct error *e)
{
	struct pgp_cert *old = NULL, *new = NULL;
	int rc = arriving(put->cert, &new, e);

	if (rc != 0)
		return rc;
	*changed = true;
	if (trust_store_load(s, &put->cert->primary->fingerprint, &old, NULL) == 0)
		rc = merge(old, new, out, changed, e);
	else
		rc = pgp_cert_write(new, out) == 0 ? 0 : error_nomem(e);
	pgp_cert_free(old);
	pgp_cert_free(new);
	return rc;
}

static void
fill_entry(struct trust_entry *entry, const struct trust_put *put, bool new, bool changed)
{
	struct slice from = slice_sub(put->from, 0, TRUST_FROM_MAX);

	if (new) {
		entry->fingerprint = put->cert->primary->fingerprint;
		entry->added = put->policy.now;
	}
	if (new || put->origin > entry->origin) {
		entry->origin = put->origin;
		entry->from = from;
	}
	if (new || changed)
		entry->changed = put->policy.now;
}

static int
write_cert(struct trust_store *s, const struct trust_put *put, struct slice bytes, struct arena *a,
    struct trust_entry *entry, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct pgp_cert *c;
	size_t used, known = entry->address_count;
	int rc = pgp_cert_parse(bytes, &c, &used, e);

	if (rc != 0)
		return rc;
	rc = find_addresses(c, &put->policy, a, entry, e);
	if (rc == 0)
		rc = find_keys(c, a, entry, e);
	pgp_cert_free(c);
	if (rc == 0 && entry->address_count == 0 && known == 0)
		rc = error_set(e, ERR_POLICY,
		    "this certificate has no valid user ID with an address: there is nobody whose it is");
	if (rc == 0)
		rc = cert_path(s, &entry->fingerprint, path, e);
	return rc == 0 ? file_write_atomic(path, bytes, 0600, e) : rc;
}

static int
put_locked(struct trust_store *s, const struct trust_put *put, bool *changed_out, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX };
	ARENA_OWNED struct arena a = { .budget = ARENA_BUDGET };
	size_t at = find(s, &put->cert->primary->fingerprint), count = s->count + (at == s->count);
	struct trust_entry *entries = arena_array(&a, count, sizeof *entries);
	bool new = at == s->count;
	int rc;

	if (entries == NULL)
		return error_nomem(e);
	if (count > TRUST_INDEX_CERTS_MAX)
		return error_set(e, ERR_LIMIT, "there are %u certificates here already", TRUST_INDEX_CERTS_MAX);
	if (s->count > 0)
		memcpy(entries, s->entries, s->count * sizeof *entries);
	rc = merged_bytes(s, put, &bytes, changed_out, e);
	if (rc == 0)
		fill_entry(&entries[at], put, new, *changed_out);
	if (rc == 0)
		rc = write_cert(s, put, buf_slice(&bytes), &a, &entries[at], e);
	return rc == 0 ? commit(s, entries, count, e) : rc;
}

int
trust_store_put(struct trust_store *s, const struct trust_put *put, bool *changed_out, struct error *e)
{
	bool changed = false;
	int lock, rc = begin(s, &lock, e);

	if (rc != 0)
		return rc;
	rc = put_locked(s, put, &changed, e);
	file_unlock(lock);
	if (rc == 0 && changed_out != NULL)
		*changed_out = changed;
	return rc;
}

static int
not_there(struct error *e)
{
	return error_set(e, ERR_NOT_FOUND, "there is no such certificate here");
}

int
trust_store_verify(struct trust_store *s, const struct pgp_fingerprint *f, uint64_t now, struct error *e)
{
	int lock, rc = begin(s, &lock, e);
	size_t at;

	if (rc != 0)
		return rc;
	at = find(s, f);
	if (at == s->count) {
		rc = not_there(e);
	} else {
		s->entries[at].verified = now;
		rc = commit(s, s->entries, s->count, e);
	}
	file_unlock(lock);
	return rc;
}

int
trust_store_remove(struct trust_store *s, const struct pgp_fingerprint *f, struct error *e)
{
	char path[FILE_PATH_MAX];
	int lock, rc = begin(s, &lock, e);
	size_t at;

	if (rc != 0)
		return rc;
	at = find(s, f);
	rc = at == s->count ? not_there(e) : cert_path(s, f, path, e);
	if (rc == 0) {
		s->entries[at] = s->entries[s->count - 1];
		rc = commit(s, s->entries, s->count - 1, e);
	}
	if (rc == 0)
		rc = file_remove(path, e);
	file_unlock(lock);
	return rc;
}
