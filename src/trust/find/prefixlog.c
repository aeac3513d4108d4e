/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/hex.h"
#include "base/mem.h"
#include "trust/find/refresh.h"
#include "trust/records.h"

#define DAY 86400u
#define DIGITS 8u
#define HTTP_OK 200u
#define KNOWN_MAX 1000000u

int
find_prefixlog_read(struct slice text, find_prefix_fn *each, void *ctx, struct error *e)
{
	int rc = 0;

	while (text.len > 0 && rc == 0) {
		struct slice line = slice_trim(slice_split(text, '\n', &text));
		uint32_t prefix = 0;

		if (line.len == 0)
			continue;
		for (size_t i = 0; i < line.len; i++) {
			int digit = hex_digit(line.data[i]);

			if (line.len != DIGITS || digit < 0)
				return error_set(e, ERR_SYNTAX, "the server's answer is no log of changed keys");
			prefix = prefix << 4 | (uint32_t)digit;
		}
		rc = each(ctx, prefix);
	}
	return 0;
}

/* ---- what we know, by prefix ---- */

struct known {
	struct pgp_fingerprint *items;
	size_t count, room;
	bool *wanted;
};

static uint32_t
prefix_of(const struct pgp_fingerprint *f)
{
	return (uint32_t)f->bytes[0] << 24 | (uint32_t)f->bytes[1] << 16 | (uint32_t)f->bytes[2] << 8 | f->bytes[3];
}

static int
add_known(void *ctx, const struct trust_entry *entry)
{
	struct known *k = ctx;
	size_t room = k->room == 0 ? 64 : 2 * k->room;
	struct pgp_fingerprint *items;

	if (k->count == KNOWN_MAX)
		return ERR_LIMIT;
	if (k->count == k->room) {
		items = mem_realloc(k->items, room * sizeof *items);
		if (items == NULL)
			return ERR_NOMEM;
		k->items = items;
		k->room = room;
	}
	k->items[k->count++] = entry->fingerprint;
	return 0;
}

static int
by_prefix(const void *a, const void *b)
{
	return memcmp(((const struct pgp_fingerprint *)a)->bytes, ((const struct pgp_fingerprint *)b)->bytes, 4);
}

static int
list_known(const struct trust_store *s, struct known *k, struct error *e)
{
	int rc = trust_store_list(s, &(struct trust_list){ 0 }, add_known, k, e);

	if (rc != 0)
		return rc == ERR_NOMEM ? error_nomem(e) : rc;
	k->wanted = mem_array(k->count + 1, sizeof *k->wanted);
	if (k->wanted == NULL)
		return error_nomem(e);
	memset(k->wanted, 0, (k->count + 1) * sizeof *k->wanted);
	if (k->count > 0)
		qsort(k->items, k->count, sizeof *k->items, by_prefix);
	return 0;
}

/* Marks ours among what changed; several may begin the same. */
static int
mark(void *ctx, uint32_t prefix)
{
	struct known *k = ctx;
	size_t low = 0, high = k->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_of(&k->items[middle]) < prefix)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < k->count && prefix_of(&k->items[low]) == prefix; low++)
		k->wanted[low] = true;
	return 0;
}

/* ---- the days ---- */

static void
put_day(uint64_t when, struct buf *out)
{
	struct date d = date_of_unix((int64_t)when, 0);

	(void)buf_putf(out, "%04d-%02d-%02d", d.year, d.month, d.day);
}

static int
ask_day(const struct find_place *place, const struct find_server *s, uint64_t day, struct known *k, bool *offered,
    struct error *e)
{
	BUF_OWNED struct buf path = { .max = 100 }, answer = { .max = FIND_LOG_MAX };
	struct find_request r = { 0 };
	unsigned status = 0;
	int rc;

	(void)buf_put_str(&path, "/pks/v2/prefixlog/");
	put_day(day, &path);
	(void)buf_put_u8(&path, 0);
	r.path = (const char *)path.data;
	rc = find_server_ask(&place->web, s, &r, &answer, &status, e);
	if (rc != 0)
		return rc;
	*offered = status == HTTP_OK;
	return *offered ? find_prefixlog_read(buf_slice(&answer), mark, k, e) : 0;
}

/* The setting that keeps the last day of a server, as days since 1970. */
static void
put_setting(const struct find_server *s, struct buf *out)
{
	(void)buf_put_str(out, "refreshed ");
	find_server_put(s, out);
	(void)buf_put_u8(out, 0);
}

static int
last_day(const struct find_place *place, const char *setting, uint64_t *out, struct error *e)
{
	BUF_OWNED struct buf text = { .max = TRUST_SETTING_MAX };
	int rc = trust_setting_get(place->store, setting, &text, e);

	if (rc == 0 && !slice_to_u64(buf_slice(&text), UINT32_MAX, out))
		*out = 0;
	return rc;
}

static int
keep_day(const struct find_place *place, const char *setting, uint64_t day, struct error *e)
{
	BUF_OWNED struct buf text = { .max = 40 };

	(void)buf_putf(&text, "%llu", (unsigned long long)day);
	return trust_setting_set(place->store, setting, buf_slice(&text), e);
}

/* Today's first, which says whether there is a log. Of a day that it has no log of (any more) nothing is learnt. */
static int
ask_days(const struct find_place *place, const struct find_server *s, uint64_t from, uint64_t today, struct known *k,
    bool *offered, struct error *e)
{
	bool has = false;
	int rc = ask_day(place, s, today * DAY, k, offered, e);

	for (uint64_t day = from; day < today && rc == 0 && *offered; day++)
		rc = ask_day(place, s, day * DAY, k, &has, e);
	return rc;
}

static bool
server_failed(const struct find_report *report)
{
	for (size_t i = 0; i < report->failure_count; i++)
		if (report->failures[i].source == FIND_EXCHANGE || report->failures[i].source == FIND_SERVER)
			return true;
	return false;
}

/* At this server only. *whole_out: it answered for each. */
static int
fetch_wanted(const struct find_place *place, const struct known *k, struct find_report *report,
    struct find_refreshed *out, bool *whole_out, struct error *e)
{
	int rc = 0;

	*whole_out = true;
	for (size_t i = 0; i < k->count && rc == 0; i++) {
		if (!k->wanted[i])
			continue;
		rc = find_refresh_one(place, &k->items[i], report, out, e);
		*whole_out = *whole_out && !server_failed(report);
	}
	return rc;
}

int
find_refresh_by_log(const struct find_place *place, const struct find_server *s, struct find_report *report,
    bool *offered_out, struct find_refreshed *out, struct error *e)
{
	BUF_OWNED struct buf setting = { .max = 400 };
	uint64_t last = 0, today = place->policy->now / DAY;
	struct find_place there = *place;
	struct known k = { 0 };
	bool whole = false;
	int rc;

	put_setting(s, &setting);
	if (setting.err != 0)
		return error_nomem(e);
	there.servers = s;
	there.server_count = s == place->exchange ? 0 : 1;
	there.exchange = s == place->exchange ? s : NULL;
	rc = last_day(place, (const char *)setting.data, &last, e);
	if (rc == 0)
		rc = list_known(place->store, &k, e);
	if (rc == 0 && last + FIND_LOG_DAYS_MAX < today)
		rc = ask_days(place, s, today, today, &k, offered_out, e); /* it only begins, with what changed today */
	else if (rc == 0) /* and the day before it: its clock may have been behind ours at midnight */
		rc = ask_days(place, s, last - 1, today, &k, offered_out, e);
	if (rc == 0 && *offered_out)
		rc = fetch_wanted(&there, &k, report, out, &whole, e);
	/* What failed is wanted the next time, too: it may be a revocation. */
	if (rc == 0 && *offered_out && whole)
		rc = keep_day(place, (const char *)setting.data, today, e);
	if (last + FIND_LOG_DAYS_MAX < today)
		*offered_out = false; /* so that all is asked for one by one this time */
	mem_free(k.items);
	mem_free(k.wanted);
	return rc;
}
