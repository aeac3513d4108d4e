/* SPDX-License-Identifier: ISC */
/* Any line in both states: what parses has only slices of the line, and its error repeats nothing that is no keyword. */
#include <stdlib.h>

#include "pop3/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct slice line, struct slice part)
{
	if (part.len > 0 && (part.data < line.data || part.data + part.len > line.data + line.len))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice line = slice_of(data, size);

	for (uint32_t state = POP3_STATE_AUTHORIZATION; state <= POP3_STATE_TRANSACTION; state++) {
		struct pop3_command c;
		struct error e = { 0 };
		int rc = pop3_command_parse(line, state, &c, &e);

		if (rc != 0 && (rc != e.code || e.text[0] == '\0'))
			abort();
		if (rc == 0 && (c.verb == POP3_VERB_COUNT || !slice_istarts(line, slice_str(pop3_verb_name(c.verb)))))
			abort();
		check_inside(line, c.text);
		check_inside(line, c.initial);
	}
	return 0;
}
