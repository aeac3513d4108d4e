/* SPDX-License-Identifier: ISC */
/* Letters that may be reports, and what is attached to them alone: what is summed up is never more than what was said. */
#include <stdlib.h>

#include "service/report/received.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct received_sums *s)
{
	uint64_t messages = s->other_sources.messages;

	if (s->all.passed > s->all.messages || s->source_count > RECEIVED_SOURCES_MAX ||
	    s->reporter_count > RECEIVED_REPORTERS_MAX || s->failure_count > RECEIVED_FAILURES_MAX)
		abort();
	for (size_t i = 0; i < s->source_count; i++) {
		if (s->sources[i].passed > s->sources[i].messages)
			abort();
		if (i > 0 &&
		    s->sources[i].messages - s->sources[i].passed >
			s->sources[i - 1].messages - s->sources[i - 1].passed)
			abort();
		messages =
		    messages > UINT64_MAX - s->sources[i].messages ? UINT64_MAX : messages + s->sources[i].messages;
	}
	if (messages != s->all.messages)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice letter = slice_of(data, size);
	struct received *r;
	int first;

	if (received_new(SLICE("example.org"), &r, NULL) != 0)
		return 0;
	(void)received_may_be(letter);
	first = received_add(r, letter, NULL);
	if (first == 1 && received_add(r, letter, NULL) != 0)
		abort(); /* the same one counts once */
	check(received_sums(r));
	received_free(r);
	return 0;
}
