/* SPDX-License-Identifier: ISC */
/* What hostile or unlucky clients do to a session: nothing but to themselves. */
#include "imap_fixture.h"

static void
append(struct conn *c, size_t size, struct buf *all)
{
	struct buf line;

	buf_init(&line, 1u << 20);
	conn_send(c, SLICE("p APPEND INBOX {"));
	(void)buf_putf(all, "%zu}\r\n", size);
	conn_send(c, buf_slice(all));
	buf_clear(all);
	assert_true(conn_line(c, &line));
	assert_slice(buf_slice(&line), "+ Send the message.");
	(void)buf_put_str(all, "Subject: x\r\n\r\n");
	while (all->len < size)
		(void)buf_put_str(all, "y");
	buf_truncate(all, size);
	conn_send(c, buf_slice(all));
	conn_send(c, SLICE("\r\n"));
	do
		assert_true(conn_line(c, &line));
	while (slice_starts(buf_slice(&line), SLICE("* ")));
	assert_true(slice_starts(buf_slice(&line), SLICE("p OK [APPENDUID ")));
	buf_done(&line);
	buf_clear(all);
}

/* One that asks for much and takes nothing: what waits for it stays bounded, and it gets everything in the end. */
static void
a_slow_reader_costs_little(void **state)
{
	struct world *w = world_new(false);
	struct conn *c = conn_signed_in(w);
	struct buf all;

	(void)state;
	buf_init(&all, 64u << 20);
	append(c, 2000000, &all);
	(void)conn_ask(c, "s", "SELECT INBOX", &all);
	c->slow = true;
	c->high = 0;
	for (int i = 0; i < 4; i++)
		conn_send(c, SLICE("f FETCH 1 BODY.PEEK[]\r\n"));
	for (int i = 0; i < 200; i++)
		if (!conn_turn_once(c))
			conn_sleep(c);
	assert_true(c->high > 0 && c->high < (1u << 20));
	c->slow = false;
	conn_wake(c);
	assert_true(slice_starts(conn_ask(c, "n", "NOOP", &all), SLICE("n OK")));
	assert_true(c->high < (1u << 20));
	conn_hang_up(c);
	buf_done(&all);
	world_free(w);
}

/* A connection that goes away in the middle of anything leaves nothing behind (the sanitizer looks). */
static void
gone_in_the_middle(void **state)
{
	static const char *const lasts[] = { "x FETCH 1 BODY[]\r\n", "x SEARCH TEXT nothing\r\n", "x SELECT INBOX\r\n",
		"x STORE 1 +FLAGS (\\Seen)\r\n", "x APPEND INBOX {1000000}\r\n", "x IDLE\r\n", "x COPY 1 INBOX\r\n",
		"x EXPUNGE\r\n", "x LOGIN" };
	struct world *w = world_new(false);
	struct buf all;

	(void)state;
	buf_init(&all, 64u << 20);
	for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
		for (int turns = 0; turns < 6; turns++) {
			struct conn *c = conn_signed_in(w);

			if (i == 0 && turns == 0)
				append(c, 600000, &all);
			(void)conn_ask(c, "s", "SELECT INBOX", &all);
			conn_send(c, slice_str(lasts[i]));
			if (lasts[i][2] == 'A')
				conn_send(c, SLICE("Subject: half\r\n\r\nand no more"));
			for (int k = 0; k < turns; k++) {
				(void)conn_turn_once(c);
				(void)usleep(300);
			}
			conn_hang_up(c);
		}
	}
	buf_done(&all);
	world_free(w);
}

/* The message of a broken APPEND is not kept, staged or not. */
static void
half_an_append_is_nothing(void **state)
{
	struct world *w = world_new(false);
	struct conn *c = conn_signed_in(w);
	struct buf all;

	(void)state;
	buf_init(&all, 64u << 20);
	conn_send(c, SLICE("a APPEND INBOX {300000}\r\n"));
	for (int i = 0; i < 100000; i++)
		conn_send(c, SLICE("abc"));
	conn_send(c, SLICE(" more\r\n"));
	assert_true(slice_starts(conn_ask(c, "b", "STATUS INBOX (MESSAGES)", &all), SLICE("b OK")));
	assert_true(slice_search(buf_slice(&all), SLICE("(MESSAGES 0)")) != SIZE_MAX);
	conn_hang_up(c);
	buf_done(&all);
	world_free(w);
}

UNIT_MAIN(UNIT_TEST(a_slow_reader_costs_little), UNIT_TEST(gone_in_the_middle), UNIT_TEST(half_an_append_is_nothing))
