/* SPDX-License-Identifier: ISC */
/* Private look-ups, as requests: which bucket, what is in it, and with whom it is filled up. */
#include <string.h>

#include "service/directory/answer.h"
#include "service/directory/directory.h"
#include "service/directory/private.h"
#include "store/store.h"

struct bucket {
	struct web_call *call;
	bool by_fingerprint;
	unsigned digits;
	struct directory_bucket_range range;
};

static int
digits_now(struct web_call *call, unsigned *digits_out, struct error *e)
{
	struct store_nothing request = { 0 };
	struct store_certificate_count count;
	int rc = store_certificate_count(call->service->ports.store, &request, &call->arena, &count, e);

	if (rc == 0)
		*digits_out = directory_bucket_digits(count.published);
	return rc;
}

/* Entries from one name up to another, at most limit (0: all), behind those that are there. */
static int
gather(struct bucket *b, struct slice from, struct slice upto, size_t limit, struct buf *all, struct error *e)
{
	struct store_bucket_find request = { .by_fingerprint = b->by_fingerprint, .from = from, .upto = upto };
	size_t before = all->len / sizeof(struct store_bucket_entry);
	struct store_bucket page = { .more = true };

	while (page.more) {
		size_t there = all->len / sizeof(struct store_bucket_entry) - before;
		int rc;

		if (limit != 0 && there >= limit)
			break;
		request.limit = limit == 0 ? 0 : (uint32_t)(limit - there);
		rc = store_certificate_bucket(b->call->service->ports.store, &request, &b->call->arena, &page, e);
		if (rc != 0)
			return rc;
		if (page.entry_count == 0)
			break;
		(void)buf_put(all, page.entries, page.entry_count * sizeof *page.entries);
		request.from = page.entries[page.entry_count - 1].name;
		request.after = page.entries[page.entry_count - 1].fingerprint;
	}
	return all->err == 0 ? 0 : error_set(e, all->err, "the bucket is too large");
}

/* The bucket; when it has too few the next ones in order of name, and behind the last the first. */
static int
fill(struct bucket *b, struct buf *own, struct buf *wrapped, struct error *e)
{
	const size_t size = sizeof(struct store_bucket_entry);
	struct slice from = slice_of(b->range.from, b->range.octet_count), first = SLICE_EMPTY;
	struct slice upto = b->range.to_the_end ? SLICE_EMPTY : slice_of(b->range.upto, b->range.octet_count);
	int rc;

	if (b->digits == 0)
		from = upto = SLICE_EMPTY;
	rc = gather(b, from, upto, 0, own, e);
	if (rc == 0 && own->len / size < DIRECTORY_BUCKET_LEAST && upto.len > 0)
		rc = gather(b, upto, SLICE_EMPTY, DIRECTORY_BUCKET_LEAST - own->len / size, own, e);
	if (rc == 0 && own->len / size < DIRECTORY_BUCKET_LEAST && from.len > 0)
		rc = gather(b, first, from, DIRECTORY_BUCKET_LEAST - own->len / size, wrapped, e);
	return rc;
}

static int
put_entries(const struct bucket *b, const struct buf *entries, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < entries->len / sizeof(struct store_bucket_entry) && rc == 0; i++) {
		struct store_bucket_entry x;

		memcpy(&x, entries->data + i * sizeof x, sizeof x);
		rc = b->by_fingerprint ? directory_bucket_put_bare(x.name, x.data, &b->call->answer, e)
				       : directory_bucket_put_sealed(x.name, x.address, x.data, &b->call->answer, e);
	}
	return rc;
}

static void
work_bucket(struct web_call *call)
{
	const struct slice address = SLICE("/pks/private/by-address"),
			   fingerprint = SLICE("/pks/private/by-fingerprint");
	struct bucket b = { .call = call, .by_fingerprint = slice_starts(call->path, fingerprint) };
	struct slice hex = slice_from(call->path, b.by_fingerprint ? fingerprint.len : address.len);
	BUF_OWNED struct buf own = { 0 }, wrapped = { 0 };
	struct error e;
	int rc;

	buf_init(&own, WEB_ANSWER_MAX);
	buf_init(&wrapped, WEB_ANSWER_MAX);
	rc = digits_now(call, &b.digits, &e);
	if (rc == 0)
		rc = directory_bucket_range(slice_from(hex, hex.len > 0 ? 1 : 0), b.digits, &b.range, &e);
	if (rc == 0)
		rc = fill(&b, &own, &wrapped, &e);
	(void)buf_put_str(&call->answer, DIRECTORY_BUCKET_MAGIC);
	if (rc == 0)
		rc = put_entries(&b, &wrapped, &e);
	if (rc == 0)
		rc = put_entries(&b, &own, &e);
	if (rc != 0)
		web_call_fail(call, &e);
	else
		web_call_finish(call, 200, DIRECTORY_TYPE_BINARY);
}

static void
work_parameters(struct web_call *call)
{
	unsigned digits;
	struct error e;

	if (digits_now(call, &digits, &e) != 0) {
		web_call_fail(call, &e);
		return;
	}
	(void)buf_putf(&call->answer, "{\"digits\":%u,\"least\":%u}\n", digits, DIRECTORY_BUCKET_LEAST);
	web_call_finish(call, 200, "application/json");
}

void
directory_private(struct web_call *call)
{
	struct slice rest = slice_from(call->path, strlen("/pks/private/")), name = slice_split(rest, '/', &rest);

	if (slice_eq_str(name, "parameters") && rest.len == 0)
		web_call_later(call, call->service->workers, work_parameters);
	else if (slice_eq_str(name, "by-address") || slice_eq_str(name, "by-fingerprint"))
		web_call_later(call, call->service->workers, work_bucket);
	else
		web_call_say(call, 404, "There is nothing here.");
}
