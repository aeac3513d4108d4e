/* SPDX-License-Identifier: ISC */
#include "service/directory/mirror.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "crypto/hash.h"
#include "net/fetch.h"
#include "service/directory/mirror_keep.h"
#include "store/store.h"
#include "trust/find/bucket.h"
#include "trust/find/refresh.h"

#define DAY 86400u
#define PARAMETERS_MAX 1024u
#define LOG_MAX (4u << 20)
#define HTTP_OK 200u
#define HTTP_TOO_MANY 429u
#define HTTP_SERVER 500u
#define META_NAME "directory.mirror."
#define META_BUDGET (1u << 20)
#define SAVE_EVERY 16u /* buckets */

struct mirror {
	const struct mirror_options *o;
	struct mirror_result *result;
	struct mirror_keep keep;
	char meta[sizeof META_NAME + 16];
	unsigned digits;
	/* What is kept in the store. */
	bool whole;    /* the first copy is done */
	uint64_t next; /* of it: the next bucket; of digits at that time */
	uint64_t day;  /* from which on the logs are to be read */
};

/* ---- how far it came ---- */

static int
name_meta(struct mirror *m, struct error *e)
{
	uint8_t digest[HASH_SIZE_MAX];
	int rc = hash_once(HASH_SHA256, slice_str(m->o->url), digest, e);

	if (rc == 0)
		(void)snprintf(m->meta, sizeof m->meta, META_NAME "%02x%02x%02x%02x%02x%02x%02x%02x", digest[0],
		    digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
	return rc;
}

/* "WHOLE DIGITS NEXT DAY". Anything else is a beginning. */
static int
load(struct mirror *m, struct error *e)
{
	const struct store_meta_key key = { slice_str(m->meta) };
	struct store_meta_value value;
	ARENA_OWNED struct arena a = { 0 };
	uint64_t whole, digits;
	struct slice rest;
	int rc;

	m->day = m->o->now / DAY;
	arena_init(&a, META_BUDGET);
	rc = store_meta_get(m->o->store, &key, &a, &value, e);
	if (rc != 0 || !value.found)
		return rc;
	rest = value.value;
	if (!slice_to_u64(slice_split(rest, ' ', &rest), 1, &whole) ||
	    !slice_to_u64(slice_split(rest, ' ', &rest), MIRROR_DIGITS_MAX, &digits) ||
	    !slice_to_u64(slice_split(rest, ' ', &rest), UINT32_MAX, &m->next) ||
	    !slice_to_u64(rest, m->o->now / DAY, &m->day)) {
		m->next = 0;
		m->day = m->o->now / DAY;
		return 0;
	}
	m->whole = whole == 1 && m->o->now / DAY - m->day <= MIRROR_DAYS_MAX;
	if (!m->whole && (whole == 1 || digits != m->digits)) {
		m->next = 0; /* buckets of another size, or nobody knows what came meanwhile */
		m->day = m->o->now / DAY;
	}
	return 0;
}

static int
save(const struct mirror *m, struct error *e)
{
	struct store_nothing nothing;
	ARENA_OWNED struct arena a = { 0 };
	struct store_meta_put put = { .key = slice_str(m->meta) };

	arena_init(&a, META_BUDGET);
	put.value = arena_printf(&a, "%d %u %llu %llu", m->whole ? 1 : 0, m->digits, (unsigned long long)m->next,
	    (unsigned long long)m->day);
	return store_meta_put(m->o->store, &put, &a, &nothing, e);
}

/* ---- asking ---- */

static bool
is_worth_a_try(int rc, unsigned status)
{
	return rc == ERR_NET || rc == ERR_TIMEOUT || (rc == 0 && (status == HTTP_TOO_MANY || status >= HTTP_SERVER));
}

/* 404 is an empty answer. */
static int
ask(const struct mirror *m, const char *path, struct buf *out, struct error *e)
{
	char url[MIRROR_URL_MAX + 128];
	const struct fetch_request request = {
		.url = url, .ca_file = m->o->ca_file, .allow_http = strncmp(m->o->url, "http://127.0.0.1", 16) == 0
	};
	unsigned status = 0;
	int rc = 0;

	(void)snprintf(url, sizeof url, "%s%s", m->o->url, path);
	for (unsigned i = 0; i < MIRROR_TRIES; i++) {
		buf_clear(out);
		rc = fetch(&request, out, &status, e);
		if (!is_worth_a_try(rc, status) || i + 1 == MIRROR_TRIES)
			break;
		(void)nanosleep(&(struct timespec){ .tv_sec = (time_t)1 << i }, NULL);
	}
	if (rc == 0 && status == 404)
		buf_clear(out);
	else if (rc == 0 && status != HTTP_OK)
		rc = error_set(e, ERR_NET, "%s answers %u", url, status);
	return rc;
}

static int
ask_parameters(struct mirror *m, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	unsigned least;
	int rc;

	buf_init(&text, PARAMETERS_MAX);
	rc = ask(m, "/pks/private/parameters", &text, e);
	if (rc == 0 && text.len == 0)
		rc = error_set(
		    e, ERR_UNSUPPORTED, "%s has no private look-ups, by which it could be mirrored", m->o->url);
	if (rc == 0)
		rc = find_bucket_parameters(buf_slice(&text), &m->digits, &least, e);
	if (rc == 0 && m->digits > MIRROR_DIGITS_MAX)
		rc = error_set(e, ERR_LIMIT, "%s has buckets of %u digits", m->o->url, m->digits);
	return rc;
}

/* ---- buckets ---- */

/* The user IDs that it shows of one certificate. */
static int
ask_user_ids(struct mirror *m, struct slice bare, struct error *e)
{
	char path[128];
	BUF_OWNED struct buf octets = { 0 };
	int rc = mirror_keep_path(bare, path, sizeof path, e);

	buf_init(&octets, MIRROR_CERTIFICATE_MAX);
	if (rc == 0)
		rc = ask(m, path, &octets, e);
	return rc != 0 || octets.len == 0 ? rc : mirror_keep_users(&m->keep, buf_slice(&octets), e);
}

static int
take_bucket(struct mirror *m, struct slice octets, struct error *e)
{
	struct find_bucket b;
	struct slice name, entry, bare;
	int more = 0, rc = find_bucket_begin(octets, &b, e);

	while (rc == 0 && (more = find_bucket_next(&b, &name, &entry, e)) == 1) {
		rc = find_bucket_bare(entry, &bare, e);
		if (rc == 0)
			rc = mirror_keep_bare(&m->keep, bare, e);
		if (rc == 0 && m->o->user_ids)
			rc = ask_user_ids(m, bare, e);
	}
	return rc != 0 ? rc : more;
}

static int
ask_bucket(struct mirror *m, uint64_t number, struct error *e)
{
	char path[64];
	BUF_OWNED struct buf octets = { 0 };
	int rc;

	if (m->digits == 0)
		(void)snprintf(path, sizeof path, "/pks/private/by-fingerprint/");
	else
		(void)snprintf(path, sizeof path, "/pks/private/by-fingerprint/%0*llx", (int)m->digits,
		    (unsigned long long)number);
	buf_init(&octets, FIND_BUCKET_MAX);
	rc = ask(m, path, &octets, e);
	return rc != 0 || octets.len == 0 ? rc : take_bucket(m, buf_slice(&octets), e);
}

/* ---- the first copy ---- */

static int
copy_all(struct mirror *m, struct error *e)
{
	uint64_t count = 1ull << 4 * m->digits;
	int rc = 0;

	m->result->first = true;
	while (m->next < count && rc == 0) {
		rc = ask_bucket(m, m->next, e);
		if (rc != 0)
			break;
		m->next++;
		if (m->o->progress != NULL)
			m->o->progress(m->o->ctx, (size_t)m->next, (size_t)count);
		if (m->next % SAVE_EVERY == 0)
			rc = save(m, e);
	}
	m->whole = rc == 0;
	return rc != 0 ? rc : save(m, e);
}

/* ---- the days since ---- */

struct changes {
	struct mirror *m;
	uint64_t last; /* bucket; UINT64_MAX: none yet */
	size_t count;
	int rc;
	struct error *e;
};

/* In the log they ascend, so that each bucket is asked for once. */
static int
take_change(void *ctx, uint32_t prefix)
{
	struct changes *c = ctx;
	uint64_t bucket = c->m->digits == 0 ? 0 : prefix >> (32 - 4 * c->m->digits);

	if (c->rc != 0 || bucket == c->last)
		return c->rc;
	if (++c->count > MIRROR_CHANGES_MAX)
		c->rc = error_set(c->e, ERR_LIMIT, "more than %u certificates changed in a day", MIRROR_CHANGES_MAX);
	else
		c->rc = ask_bucket(c->m, bucket, c->e);
	c->last = bucket;
	return c->rc;
}

static int
copy_day(struct mirror *m, uint64_t day, struct error *e)
{
	const struct date d = date_of_unix((int64_t)(day * DAY), 0);
	struct changes c = { .m = m, .last = UINT64_MAX, .e = e };
	char path[64];
	BUF_OWNED struct buf log = { 0 };
	int rc;

	(void)snprintf(path, sizeof path, "/pks/v2/prefixlog/%04d-%02u-%02u", (int)d.year, d.month, d.day);
	buf_init(&log, LOG_MAX);
	rc = ask(m, path, &log, e);
	if (rc == 0)
		rc = find_prefixlog_read(buf_slice(&log), take_change, &c, e);
	return rc != 0 ? rc : c.rc;
}

/* Today is looked at again next time: it is not over. */
static int
copy_days(struct mirror *m, struct error *e)
{
	int rc = 0;

	for (uint64_t day = m->day; day <= m->o->now / DAY && rc == 0; day++) {
		rc = copy_day(m, day, e);
		if (rc == 0) {
			m->day = day;
			rc = save(m, e);
		}
	}
	return rc;
}

static bool
url_is_good(const char *url)
{
	struct slice u = slice_str(url);

	for (size_t i = 0; i < u.len; i++)
		if (u.data[i] <= ' ' || u.data[i] >= 0x7f || u.data[i] == '?' || u.data[i] == '#' || u.data[i] == '@')
			return false;
	return u.len <= MIRROR_URL_MAX && !slice_ends(u, SLICE("/")) &&
	    (slice_starts(u, SLICE("https://")) || slice_starts(u, SLICE("http://127.0.0.1:")));
}

int
mirror_run(const struct mirror_options *options, struct mirror_result *result_out, struct error *e)
{
	struct mirror m = { .o = options, .result = result_out };
	bool was_whole;
	int rc;

	*result_out = (struct mirror_result){ 0 };
	m.keep = (struct mirror_keep){ .store = options->store, .result = result_out };
	if (!url_is_good(options->url))
		return error_set(
		    e, ERR_USAGE, "a directory to mirror is named like https://keys.example.net: %s", options->url);
	rc = name_meta(&m, e);
	if (rc == 0)
		rc = ask_parameters(&m, e);
	if (rc == 0)
		rc = load(&m, e);
	was_whole = m.whole;
	if (rc == 0 && !was_whole)
		rc = copy_all(&m, e);
	else if (rc == 0)
		rc = copy_days(&m, e);
	if (rc != 0)
		(void)save(&m, NULL);
	return rc;
}
