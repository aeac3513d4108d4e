/* SPDX-License-Identifier: ISC */
/* Whatever stands where pinentry should: it ends, in bounds, and the same octet by octet. */
#include <stdlib.h>

#include "os/pinentry.h"
#include "os/terminal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pinentry_talk *
begin(enum pinentry_kind kind)
{
	static const struct pinentry_seat seat = { { "/dev/pts/1" } };
	const struct pinentry_question q = { .kind = kind, .description = "a key\n100%", .seat = &seat };
	struct pinentry_talk *t = NULL;

	if (pinentry_talk_new(&q, &t, NULL) != 0)
		abort();
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum pinentry_kind kind = size > 0 ? (enum pinentry_kind)(data[0] % 3) : PINENTRY_NEW;
	struct pinentry_talk *a = begin(kind), *b = begin(kind);

	(void)pinentry_talk_feed(a, slice_of(data, size));
	for (size_t i = 0; i < size; i++)
		(void)pinentry_talk_feed(b, slice_of(data + i, 1));
	if (pinentry_talk_end(a) != pinentry_talk_end(b) ||
	    !slice_eq(pinentry_talk_answer(a), pinentry_talk_answer(b)) ||
	    pinentry_talk_answer(a).len > TERMINAL_SECRET_MAX)
		abort();
	pinentry_talk_free(a);
	pinentry_talk_free(b);
	return 0;
}
