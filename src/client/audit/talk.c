/* SPDX-License-Identifier: ISC */
#include "client/audit/talk.h"

#include "smtp/limits.h"

#define MASK_MIN 4u

int
talk_begin(struct talk *t, const struct probe_where *where, struct error *e)
{
	t->probe = NULL;
	smtp_answer_reader_init(&t->reader);
	return probe_open(where, &t->probe, e);
}

int
talk_ask(struct talk *t, const char *words, struct smtp_answer *out, struct error *e)
{
	BUF_OWNED struct buf line = { .max = SMTP_LINE_MAX };
	struct slice got;
	int rc = 0;

	if (words != NULL) {
		(void)buf_putf(&line, "%s\r\n", words);
		rc = probe_write(t->probe, buf_slice(&line), e);
	}
	while (rc == 0) {
		rc = probe_line(t->probe, &got, e);
		if (rc == 0)
			rc = smtp_answer_line(&t->reader, got, out, e);
		if (rc == 1)
			return 0;
	}
	return rc;
}

void
talk_end(struct talk *t)
{
	if (t->probe != NULL)
		(void)probe_write(t->probe, SLICE("QUIT\r\n"), NULL);
	probe_close(t->probe);
	t->probe = NULL;
	smtp_answer_reader_done(&t->reader);
}

bool
talk_is_masked(struct slice line)
{
	size_t rest = 0;

	for (size_t i = 0; i < line.len && line.data[i] != ' '; i++)
		if (line.data[i] != line.data[0])
			rest++;
	if (line.len < MASK_MIN || (line.data[0] != 'X' && line.data[0] != 'x' && line.data[0] != '*'))
		return false;
	/* One letter at the end may be left of what was there. */
	return rest == 0 || (rest == 1 && line.data[line.len - 1] != line.data[0]);
}
