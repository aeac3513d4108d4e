/* SPDX-License-Identifier: ISC */
/* The two messages of tests/transcripts/pop3, and a service of a few lines behind the machines. */
#ifndef TESTS_UNIT_POP3_MAILDROP_H
#define TESTS_UNIT_POP3_MAILDROP_H

#include <stdio.h>

#include "pop3/limits.h"
#include "pop3/server.h"
#include "pop3/write.h"
#include "unit.h"

static const char *const maildrop[] = {
	"Subject: one\r\n\r\n.a line that begins with a dot\r\n..two\r\n.\r\n"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
	"Subject: two\r\n\r\nline 1 of the letter.\r\nline 2 of the letter.\r\nline 3 of the letter.\r\n"
	"line 4 of the letter.\r\nline 5 of the letter.\r\nline 6 of the letter.\r\nline 7 of the letter.\r\n"
	"line 8 of the letter.\r\n",
};

static inline void
maildrop_open(struct pop3_server *m, uint32_t copies)
{
	for (uint32_t i = 0; i < 2 * copies; i++)
		assert_ok(pop3_server_add(m, strlen(maildrop[i % 2]), &unit_error));
	pop3_server_open(m);
}

static inline void
maildrop_send(struct pop3_server *m, const struct pop3_event *ev)
{
	struct slice message = slice_str(maildrop[(ev->message - 1) % 2]);
	size_t header = slice_search(message, SLICE("\r\n\r\n")) + 4;
	struct slice body = slice_from(message, header);
	struct pop3_lines lines;
	struct buf piece;
	uint32_t left = ev->lines;

	assert_int_equal(ev->size, message.len);
	if (!ev->all)
		body = pop3_first_lines(body, &left);
	buf_init(&piece, POP3_PIECE_MAX);
	pop3_lines_init(&lines);
	(void)buf_putf(&piece, "+OK %zu octets\r\n", message.len);
	(void)pop3_lines_put(&lines, slice_sub(message, 0, header), &piece);
	assert_ok(pop3_server_give(m, &piece));
	(void)pop3_lines_put(&lines, body, &piece);
	(void)pop3_lines_end(&lines, &piece);
	assert_ok(pop3_server_give(m, &piece));
	assert_int_equal(piece.len, 0);
	buf_done(&piece);
	pop3_server_end(m);
}

static inline void
maildrop_unique(struct pop3_server *m, const struct pop3_event *ev)
{
	struct buf piece;
	char text[40];

	if (!ev->all) {
		(void)snprintf(text, sizeof text, "%u 7.%u", ev->message, ev->message);
		pop3_server_ok(m, text);
		return;
	}
	buf_init(&piece, POP3_PIECE_MAX);
	(void)buf_put_str(&piece, "+OK follows\r\n");
	for (uint32_t n = ev->message; n <= pop3_server_count(m); n++)
		if (pop3_server_is_listed(m, n))
			(void)buf_putf(&piece, "%u 7.%u\r\n", n, n);
	(void)buf_put_str(&piece, ".\r\n");
	assert_ok(pop3_server_give(m, &piece));
	buf_done(&piece);
	pop3_server_end(m);
}

/* Answers. False when nothing was asked. */
static inline bool
maildrop_answer(struct pop3_server *m, const struct pop3_event *ev)
{
	switch (ev->type) {
	case POP3_EVENT_RETRIEVE:
		maildrop_send(m, ev);
		return true;
	case POP3_EVENT_UNIQUE:
		maildrop_unique(m, ev);
		return true;
	case POP3_EVENT_UPDATE:
		assert_true(pop3_server_marked(m, 1) != 0);
		pop3_server_ok(m, "Bye");
		return true;
	case POP3_EVENT_CLOSE:
	case POP3_EVENT_NONE:
		break;
	}
	return false;
}

#endif
