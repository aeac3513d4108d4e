/* SPDX-License-Identifier: ISC */
/* What is read is written and read again as the same, and nothing that claims to be ours is taken for another's. */
#include <stdlib.h>

#include "mailauth/results/results.h"

#define ARENA (1u << 20)
#define NAME (sizeof("Authentication-Results:") - 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Control characters, what is not UTF-8 and what is too long are not kept by writing: then only counts are compared. */
static bool
plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < 32 || s.data[i] > 126)
			return false;
	return s.len <= MAILAUTH_RESULTS_VALUE_MAX;
}

static void
same(struct slice a, struct slice b)
{
	if (plain(a) && !slice_eq(a, b))
		abort();
}

static size_t
written_properties(const struct auth_result *r)
{
	size_t count = 0;

	for (size_t i = 0; i < r->property_count; i++)
		count += r->properties[i].value.len > 0;
	return count;
}

static void
compare(const struct auth_results *a, const struct auth_results *b)
{
	same(a->server, b->server);
	if (a->count != b->count)
		abort();
	for (size_t i = 0; i < a->count; i++) {
		same(a->results[i].method, b->results[i].method);
		same(a->results[i].result, b->results[i].result);
		same(a->results[i].reason, b->results[i].reason);
		if (written_properties(&a->results[i]) != b->results[i].property_count)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth_results r, again;
	struct slice value;
	struct arena a;
	struct buf out;

	arena_init(&a, ARENA);
	buf_init(&out, MAILAUTH_RESULTS_FIELD_MAX);
	if (auth_results_parse(slice_of(data, size), false, &a, &r, NULL) == 0) {
		if (r.server.len == 0 && !auth_results_claims(slice_of(data, size), SLICE("mx.example.org")))
			abort();
		if (slice_ieq_str(r.server, "mx.example.org") &&
		    !auth_results_claims(slice_of(data, size), SLICE("mx.example.org")))
			abort();
		if (auth_results_write(&r, &out, NULL) == 0) {
			value = slice_trim(slice_from(buf_slice(&out), NAME));
			if (auth_results_parse(value, false, &a, &again, NULL) != 0)
				abort();
			compare(&r, &again);
		}
	}
	(void)auth_results_parse(slice_of(data, size), true, &a, &r, NULL);
	buf_done(&out);
	arena_done(&a);
	return 0;
}
