/* SPDX-License-Identifier: ISC */
/*
 * One end of a trunk is a script that writes frames as it likes: what cannot
 * come from a program of ours ends that trunk, once, and no other; what may
 * cross on the way does not.
 */
#include "trunk_world.h"

#include <pthread.h>

#include "net/limits.h"

#define BROKEN true
#define NEVER_OPENED 1000 /* more than any number that was opened */

enum step_kind { STEP_NONE, STEP_FRAME, STEP_OPEN, STEP_RAW, STEP_AWAIT };

struct step {
	enum step_kind kind;
	unsigned type;
	uint64_t number;
	const char *text; /* the body, and its length */
	size_t len;
	unsigned times;
};

#define F(t, n, octets) \
	{ \
		.kind = STEP_FRAME, .type = (t), .number = (n), .text = (octets), .len = sizeof(octets) - 1, \
		.times = 1 \
	}
#define ZEROS(t, n, size, count) \
	{ \
		.kind = STEP_FRAME, .type = (t), .number = (n), .len = (size), .times = (count) \
	}
#define OPEN(n) \
	{ \
		.kind = STEP_OPEN, .number = (n), .times = 1 \
	}
#define RAW(octets) \
	{ \
		.kind = STEP_RAW, .text = (octets), .len = sizeof(octets) - 1, .times = 1 \
	}
/* All before is written; waits for such a frame. */
#define AWAIT(t) \
	{ \
		.kind = STEP_AWAIT, .type = (t) \
	}

#define STEPS_MAX 12

struct row {
	const char *name;
	struct step steps[STEPS_MAX];
	bool broken;
	const char *heard; /* when it lives on: the octets of all data frames until then */
	bool secure, bare; /* near end: the client's port */
};

struct script {
	int fd;
	struct buf in, out, heard;
	struct buf frame; /* the body of the last frame */
	uint64_t base;    /* added to each number */
	uint64_t number;  /* of the last frame */
	bool silent;      /* nothing came, not even the end */
};

static void
script_init(struct script *s, int fd)
{
	*s = (struct script){ .fd = fd };
	buf_init(&s->in, 16u << 20);
	buf_init(&s->out, 1u << 20);
	buf_init(&s->heard, 16u << 20);
	buf_init(&s->frame, TRUNK_FRAME_MAX);
}

static void
script_done(struct script *s)
{
	(void)close(s->fd);
	buf_done(&s->in);
	buf_done(&s->out);
	buf_done(&s->heard);
	buf_done(&s->frame);
}

/* The other end may have gone meanwhile. */
static void
script_flush(struct script *s)
{
	size_t at = 0;

	while (at < s->out.len) {
		ssize_t n = send(s->fd, s->out.data + at, s->out.len - at, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_clear(&s->out);
}

static void
script_put(struct script *s, unsigned type, uint64_t number, struct slice body)
{
	(void)buf_put_u32(&s->out, (uint32_t)(CODEC_FRAME_HEAD - 4 + body.len));
	(void)buf_put_u16(&s->out, (uint16_t)type);
	(void)buf_put_u64(&s->out, number);
	assert_int_equal(buf_put_slice(&s->out, body), 0);
	if (s->out.len > 900000)
		script_flush(s);
}

static void
script_open(struct script *s, uint64_t number, const struct trunk_open *open)
{
	assert_int_equal(codec_frame_put(&s->out, TRUNK_OPEN, number, &trunk_open_schema, open, NULL), 0);
}

/* The type of the next frame; 0: the end. */
static unsigned
script_next(struct script *s)
{
	struct codec_frame frame;
	size_t used;
	uint8_t piece[4096];

	for (;;) {
		int rc = codec_frame_next(buf_slice(&s->in), &frame, &used, NULL);
		ssize_t n;

		assert_true(rc >= 0);
		if (rc > 0)
			break;
		n = recv(s->fd, piece, sizeof piece, 0);
		s->silent = n < 0 && errno == EAGAIN;
		if (n <= 0)
			return 0;
		(void)buf_put(&s->in, piece, (size_t)n);
	}
	buf_clear(&s->frame);
	(void)buf_put_slice(&s->frame, frame.body);
	s->number = frame.ticket;
	if (frame.type == TRUNK_DATA)
		(void)buf_put_slice(&s->heard, frame.body);
	buf_consume(&s->in, used);
	return frame.type;
}

static void
script_await(struct script *s, unsigned type)
{
	unsigned got;

	do
		got = script_next(s);
	while (got != type && got != 0);
}

static void
script_run(struct script *s, const struct step *steps)
{
	const struct trunk_open open = { .peer = SLICE("192.0.2.1"), .can_start_tls = true };
	static const char zeros[TRUNK_DATA_MAX + 1];

	for (size_t i = 0; i < STEPS_MAX; i++) {
		const struct step *step = &steps[i];
		uint64_t number = step->number + s->base;
		const char *text = step->text == NULL ? zeros : step->text;
		struct slice body = slice_of((const uint8_t *)text, step->len);

		for (unsigned n = 0; n < step->times; n++) {
			if (step->kind == STEP_OPEN)
				script_open(s, number, &open);
			else if (step->kind == STEP_RAW)
				(void)buf_put_slice(&s->out, body);
			else
				script_put(s, step->type, number, body);
		}
		if (step->kind == STEP_AWAIT) {
			script_flush(s);
			script_await(s, step->type);
		}
	}
	script_flush(s);
}

#define TLS_ON_TEXT "\1\0\0\0\7TLSv1.3\0\0\0\1X\0\0\1\0"
#define TLS_OFF_TEXT "\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct row far_rows[] = {
	/* ---- what is no frame ---- */
	{ "type 0", { F(0, 1, "") }, BROKEN },
	{ "type 0 for an open number", { OPEN(1), F(0, 1, "") }, BROKEN },
	{ "unknown type", { OPEN(1), F(TRUNK_FRAMES, 1, "") }, BROKEN },
	{ "unknown type, the largest", { OPEN(1), F(65535, 1, "") }, BROKEN },
	{ "over-long, by one", { OPEN(1), RAW("\0\1\0\x0b\0\2") }, BROKEN },
	{ "over-long, by much", { OPEN(1), RAW("\xff\xff\xff\xff") }, BROKEN },
	{ "too short for a head", { OPEN(1), RAW("\0\0\0\x09\0\2\0\0\0\0\0\0\0") }, BROKEN },
	{ "length 0", { OPEN(1), RAW("\0\0\0\0") }, BROKEN },
	{ "garbage", { RAW("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n") }, BROKEN },
	{ "garbage behind frames", { OPEN(1), F(TRUNK_DATA, 1, "a\n"), RAW("\x16\x03\x01\x02\0\1\0\1\xfc") }, BROKEN },
	/* ---- numbers ---- */
	{ "data for no number", { F(TRUNK_DATA, 1, "a\n") }, BROKEN },
	{ "credit for no number", { F(TRUNK_CREDIT, 1, "\0\0\0\1") }, BROKEN },
	{ "end for no number", { OPEN(1), F(TRUNK_END, 2, "") }, BROKEN },
	{ "tls for no number", { OPEN(1), F(TRUNK_TLS, 2, TLS_ON_TEXT) }, BROKEN },
	{ "gone for no number", { OPEN(1), F(TRUNK_GONE, 2, "") }, BROKEN },
	{ "number 0", { OPEN(0) }, BROKEN },
	{ "opened twice", { OPEN(1), OPEN(1) }, BROKEN },
	{ "opened below another", { OPEN(2), OPEN(1) }, BROKEN },
	{ "opened again behind its end", { OPEN(1), F(TRUNK_GONE, 1, ""), OPEN(1) }, BROKEN },
	{ "data behind gone", { OPEN(1), F(TRUNK_GONE, 1, ""), F(TRUNK_DATA, 1, "a\n") }, BROKEN },
	{ "credit behind gone", { OPEN(1), F(TRUNK_GONE, 1, ""), F(TRUNK_CREDIT, 1, "\0\0\0\0") }, BROKEN },
	{ "gone twice", { OPEN(1), F(TRUNK_GONE, 1, ""), F(TRUNK_GONE, 1, "") }, BROKEN },
	{ "a number between, never opened", { OPEN(1), OPEN(3), F(TRUNK_DATA, 2, "a\n") }, BROKEN },
	{ "numbers may be left out", { OPEN(1), OPEN(3), AWAIT(TRUNK_DATA), AWAIT(TRUNK_DATA) }, false,
	    "hello\nhello\n" },
	/* ---- credit ---- */
	{ "data of more than a frame", { OPEN(1), ZEROS(TRUNK_DATA, 1, TRUNK_DATA_MAX + 1, 1) }, BROKEN },
	{ "data of a whole frame", { OPEN(1), ZEROS(TRUNK_DATA, 1, TRUNK_DATA_MAX, 1), AWAIT(TRUNK_DATA) }, false,
	    "hello\n" },
	{ "data over the credit",
	    { OPEN(1), F(TRUNK_DATA, 1, "flood\n"), AWAIT(TRUNK_DATA), ZEROS(TRUNK_DATA, 1, TRUNK_DATA_MAX, 4) },
	    BROKEN },
	{ "all the credit behind close",
	    { OPEN(1), F(TRUNK_DATA, 1, "abort\n"), AWAIT(TRUNK_CLOSE), ZEROS(TRUNK_DATA, 1, TRUNK_DATA_MAX, 1),
		ZEROS(TRUNK_DATA, 1, TRUNK_DATA_MAX - 6, 1), F(TRUNK_GONE, 1, "") },
	    false },
	{ "data over the credit behind close",
	    { OPEN(1), F(TRUNK_DATA, 1, "abort\n"), AWAIT(TRUNK_CLOSE), ZEROS(TRUNK_DATA, 1, TRUNK_DATA_MAX, 3) },
	    BROKEN },
	{ "credit over the window", { OPEN(1), AWAIT(TRUNK_DATA), F(TRUNK_CREDIT, 1, "\0\0\0\7") }, BROKEN },
	{ "credit up to the window", { OPEN(1), AWAIT(TRUNK_DATA), F(TRUNK_CREDIT, 1, "\0\0\0\6") }, false, "hello\n" },
	{ "credit that runs over", { OPEN(1), F(TRUNK_CREDIT, 1, "\xff\xff\xff\xff") }, BROKEN },
	{ "credit without a number", { OPEN(1), F(TRUNK_CREDIT, 1, "") }, BROKEN },
	{ "credit too short", { OPEN(1), F(TRUNK_CREDIT, 1, "\0\0\0") }, BROKEN },
	{ "credit too long", { OPEN(1), F(TRUNK_CREDIT, 1, "\0\0\0\0\0") }, BROKEN },
	/* ---- TLS ---- */
	{ "tls that nobody asked for", { OPEN(1), F(TRUNK_TLS, 1, TLS_ON_TEXT) }, BROKEN },
	{ "tls twice",
	    { OPEN(1), F(TRUNK_DATA, 1, "tls\n"), AWAIT(TRUNK_START_TLS), F(TRUNK_TLS, 1, TLS_ON_TEXT),
		F(TRUNK_TLS, 1, TLS_ON_TEXT) },
	    BROKEN },
	{ "tls without octets", { OPEN(1), F(TRUNK_DATA, 1, "tls\n"), AWAIT(TRUNK_START_TLS), F(TRUNK_TLS, 1, "") },
	    BROKEN },
	{ "tls that is off",
	    { OPEN(1), F(TRUNK_DATA, 1, "tls\n"), AWAIT(TRUNK_START_TLS), F(TRUNK_TLS, 1, TLS_OFF_TEXT) }, BROKEN },
	{ "data that crosses start-tls is thrown away",
	    { OPEN(1), F(TRUNK_DATA, 1, "tls\nEVIL\n"), F(TRUNK_DATA, 1, "EVIL\n"), AWAIT(TRUNK_START_TLS),
		F(TRUNK_DATA, 1, "EVIL\n"), ZEROS(TRUNK_DATA, 1, TRUNK_DATA_MAX, 1), AWAIT(TRUNK_CREDIT),
		F(TRUNK_TLS, 1, TLS_ON_TEXT), F(TRUNK_DATA, 1, "who\n"), AWAIT(TRUNK_DATA) },
	    false, "hello\ngo\n0 192.0.2.1 TLSv1.3 X 256\n" },
	{ "an end that crosses start-tls",
	    { OPEN(1), F(TRUNK_DATA, 1, "tls\n"), AWAIT(TRUNK_START_TLS), F(TRUNK_END, 1, ""), F(TRUNK_GONE, 1, "") },
	    false, "hello\ngo\n" },
	{ "data behind the end, in the handshake",
	    { OPEN(1), F(TRUNK_DATA, 1, "tls\n"), AWAIT(TRUNK_START_TLS), F(TRUNK_END, 1, ""),
		F(TRUNK_DATA, 1, "a\n") },
	    BROKEN },
	/* ---- ends ---- */
	{ "end twice", { OPEN(1), F(TRUNK_END, 1, ""), F(TRUNK_END, 1, "") }, BROKEN },
	{ "data behind the end", { OPEN(1), F(TRUNK_END, 1, ""), F(TRUNK_DATA, 1, "a\n") }, BROKEN },
	{ "end with octets", { OPEN(1), F(TRUNK_END, 1, "x") }, BROKEN },
	{ "gone with octets", { OPEN(1), F(TRUNK_GONE, 1, "x") }, BROKEN },
	{ "credit behind the end", { OPEN(1), F(TRUNK_END, 1, ""), F(TRUNK_CREDIT, 1, "\0\0\0\0"), AWAIT(TRUNK_CLOSE) },
	    false, "hello\n" },
	{ "what crosses close",
	    { OPEN(1), F(TRUNK_DATA, 1, "quit\n"), AWAIT(TRUNK_CLOSE), F(TRUNK_DATA, 1, "a\n"),
		F(TRUNK_CREDIT, 1, "\0\0\0\1"), F(TRUNK_END, 1, ""), F(TRUNK_GONE, 1, "") },
	    false, "hello\nbye\n" },
	{ "tls that crosses close at once",
	    { OPEN(1), F(TRUNK_DATA, 1, "abort\n"), AWAIT(TRUNK_CLOSE), F(TRUNK_TLS, 1, TLS_ON_TEXT),
		F(TRUNK_GONE, 1, "") },
	    false, NULL },
	/* ---- the far end's frames ---- */
	{ "start-tls by the near end", { OPEN(1), F(TRUNK_START_TLS, 1, "") }, BROKEN },
	{ "close by the near end", { OPEN(1), F(TRUNK_CLOSE, 1, "\0") }, BROKEN },
	{ "open without octets", { F(TRUNK_OPEN, 1, "") }, BROKEN },
};

static int
problem(const struct row *row, const char *text)
{
	print_error("%s: %s\n", row->name, text);
	return 1;
}

/* Until the other end closes; when it does not, we do. */
static void
script_drain(struct script *s)
{
	while (script_next(s) != 0) {
	}
	if (s->silent)
		(void)shutdown(s->fd, SHUT_WR);
}

/* What was heard so far stays; a new number is greeted. */
static void
script_lives(struct script *s)
{
	size_t len = s->heard.len;

	script_open(s, 50, &(struct trunk_open){ .peer = SLICE("a") });
	script_flush(s);
	do
		script_await(s, TRUNK_DATA);
	while (s->number != 50 && !s->silent);
	buf_truncate(&s->heard, len);
	(void)shutdown(s->fd, SHUT_WR);
	script_drain(s);
}

static void
a_far_end_knows_what_cannot_come(void **state)
{
	int gone = 0, broken = 0, problems = 0, other;
	struct world w;

	(void)state;
	world_start(&w, NULL, NULL);
	other = bare_socket(w.second);
	hear(other, "hello\n");
	for (size_t i = 0; i < sizeof far_rows / sizeof far_rows[0]; i++) {
		const struct row *row = &far_rows[i];
		struct script s;

		script_init(&s, world_add_far(&w, NULL));
		script_run(&s, row->steps);
		if (row->broken)
			script_drain(&s);
		else
			script_lives(&s);
		if (row->heard != NULL && !slice_eq_str(buf_slice(&s.heard), row->heard))
			problems += problem(row, "something else was heard");
		gone++;
		broken += row->broken ? 1 : 0;
		WAIT_FOR(atomic_load(&w.far_gone) == gone && atomic_load(&open_sessions) == 1);
		if (atomic_load(&w.far_broken) != broken) {
			problems += problem(row, row->broken ? "is permitted" : "broke the trunk");
			broken = atomic_load(&w.far_broken);
		}
		script_done(&s);
		say(other, "still\n");
		hear(other, "still\n");
	}
	(void)close(other);
	world_stop(&w);
	assert_int_equal(atomic_load(&w.far_gone), gone);
	assert_int_equal(problems, 0);
}

static void
an_open_that_is_cut_or_too_long_ends_the_trunk(void **state)
{
	const struct trunk_open open = { .peer = SLICE("192.0.2.1"), .hello = SLICE("h"), .unread = SLICE("u") };
	struct world w;
	struct buf whole;
	int gone = 0;

	(void)state;
	world_start(&w, NULL, NULL);
	buf_init(&whole, 1000);
	assert_int_equal(codec_encode(&trunk_open_schema, &open, &whole, NULL), 0);
	(void)buf_put_u8(&whole, 0);
	for (size_t len = 0; len <= whole.len; len++) {
		struct script s;

		if (len == whole.len - 1)
			continue; /* the right one */
		script_init(&s, world_add_far(&w, NULL));
		script_put(&s, TRUNK_OPEN, 1, slice_sub(buf_slice(&whole), 0, len));
		script_flush(&s);
		assert_int_equal(script_next(&s), 0);
		gone++;
		WAIT_FOR(atomic_load(&w.far_gone) == gone);
		assert_int_equal(atomic_load(&w.far_broken), gone);
		assert_int_equal(atomic_load(&open_sessions), 0);
		script_done(&s);
	}
	buf_done(&whole);
	world_stop(&w);
}

/* ---- the near end ---- */

/* Number 0 is the client's. */
static const struct row near_rows[] = {
	{ "type 0", { F(0, 0, "") }, BROKEN },
	{ "unknown type", { F(TRUNK_FRAMES, 0, "") }, BROKEN },
	{ "unknown type, the largest", { F(65535, 0, "") }, BROKEN },
	{ "over-long, by one", { RAW("\0\1\0\x0b\0\2") }, BROKEN },
	{ "over-long, by much", { RAW("\xff\xff\xff\xff") }, BROKEN },
	{ "too short for a head", { RAW("\0\0\0\x09\0\2\0\0\0\0\0\0\0") }, BROKEN },
	{ "garbage", { RAW("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n") }, BROKEN },
	{ "data for no number", { F(TRUNK_DATA, NEVER_OPENED, "a\n") }, BROKEN },
	{ "credit for no number", { F(TRUNK_CREDIT, NEVER_OPENED, "\0\0\0\1") }, BROKEN },
	{ "start-tls for no number", { F(TRUNK_START_TLS, NEVER_OPENED, "") }, BROKEN },
	{ "close for no number", { F(TRUNK_CLOSE, NEVER_OPENED, "\0") }, BROKEN },
	{ "open by the far end", { OPEN(NEVER_OPENED) }, BROKEN },
	{ "open again by the far end", { OPEN(0) }, BROKEN },
	{ "end by the far end", { F(TRUNK_END, 0, "") }, BROKEN },
	{ "tls by the far end", { F(TRUNK_TLS, 0, TLS_ON_TEXT) }, BROKEN },
	{ "gone by the far end", { F(TRUNK_GONE, 0, "") }, BROKEN },
	{ "data of more than a frame", { ZEROS(TRUNK_DATA, 0, TRUNK_DATA_MAX + 1, 1) }, BROKEN },
	{ "data over the credit", { ZEROS(TRUNK_DATA, 0, TRUNK_DATA_MAX, 2048) }, BROKEN },
	{ "credit over the window", { F(TRUNK_CREDIT, 0, "\0\0\0\1") }, BROKEN },
	{ "credit that runs over", { F(TRUNK_CREDIT, 0, "\xff\xff\xff\xff") }, BROKEN },
	{ "credit too short", { F(TRUNK_CREDIT, 0, "\0\0\0") }, BROKEN },
	{ "credit too long", { F(TRUNK_CREDIT, 0, "\0\0\0\0\0") }, BROKEN },
	{ "start-tls without a certificate", { F(TRUNK_START_TLS, 0, "") }, BROKEN, .bare = true },
	{ "start-tls where TLS stands", { F(TRUNK_START_TLS, 0, "") }, BROKEN, .secure = true },
	{ "start-tls twice", { F(TRUNK_START_TLS, 0, ""), F(TRUNK_START_TLS, 0, "") }, BROKEN },
	{ "start-tls with octets", { F(TRUNK_START_TLS, 0, "x") }, BROKEN },
	{ "start-tls behind close", { F(TRUNK_CLOSE, 0, "\0"), F(TRUNK_START_TLS, 0, "") }, BROKEN },
	{ "close twice", { F(TRUNK_CLOSE, 0, "\0"), F(TRUNK_CLOSE, 0, "\0") }, BROKEN },
	{ "close at once behind close", { F(TRUNK_CLOSE, 0, "\0"), F(TRUNK_CLOSE, 0, "\1") }, BROKEN },
	{ "close without octets", { F(TRUNK_CLOSE, 0, "") }, BROKEN },
	{ "close with two octets", { F(TRUNK_CLOSE, 0, "\0\0") }, BROKEN },
	{ "close with another octet", { F(TRUNK_CLOSE, 0, "\2") }, BROKEN },
	{ "data behind close", { F(TRUNK_CLOSE, 0, "\0"), F(TRUNK_DATA, 0, "a\n") }, BROKEN },
	{ "credit behind close", { F(TRUNK_CLOSE, 0, "\0"), F(TRUNK_CREDIT, 0, "\0\0\0\0") }, BROKEN },
	{ "data behind start-tls", { F(TRUNK_START_TLS, 0, ""), F(TRUNK_DATA, 0, "a\n") }, BROKEN },
	{ "credit behind start-tls", { F(TRUNK_START_TLS, 0, ""), F(TRUNK_CREDIT, 0, "\0\0\0\0") }, false },
	{ "type 0 behind gone", { F(TRUNK_CLOSE, 0, "\1"), AWAIT(TRUNK_GONE), F(0, 0, "") }, BROKEN },
	{ "the near end's frames behind gone", { F(TRUNK_CLOSE, 0, "\1"), AWAIT(TRUNK_GONE), F(TRUNK_END, 0, "") },
	    BROKEN },
	{ "open behind gone", { F(TRUNK_CLOSE, 0, "\1"), AWAIT(TRUNK_GONE), OPEN(0) }, BROKEN },
	{ "the far end's frames cross gone",
	    { F(TRUNK_CLOSE, 0, "\1"), AWAIT(TRUNK_GONE), F(TRUNK_DATA, 0, "a\n"), F(TRUNK_CREDIT, 0, "\0\0\0\1"),
		F(TRUNK_START_TLS, 0, ""), F(TRUNK_CLOSE, 0, "\0") },
	    false },
	{ "data and close", { F(TRUNK_DATA, 0, "bye\n"), F(TRUNK_CLOSE, 0, "\0"), AWAIT(TRUNK_GONE) }, false },
	{ "close in the handshake", { F(TRUNK_START_TLS, 0, ""), F(TRUNK_CLOSE, 0, "\1"), AWAIT(TRUNK_GONE) }, false },
	{ "the trunk's end in the handshake", { F(TRUNK_START_TLS, 0, "") }, false },
};

/* A client on the row's port whose connection the script has been told of. */
static struct client *
near_client(const struct world *w, const struct row *row, struct script *s, int *fd_out)
{
	struct client *c = row->secure ? world_dial(w, true) : NULL;

	*fd_out = row->secure ? -1 : bare_socket(row->bare ? w->bare : w->plain);
	script_await(s, TRUNK_OPEN);
	s->base = s->number;
	return c;
}

static void
near_lives(const struct world *w, struct script *s)
{
	int again = bare_socket(w->plain);

	script_await(s, TRUNK_OPEN);
	script_put(s, TRUNK_DATA, s->number, SLICE("ok\n"));
	script_flush(s);
	hear(again, "ok\n");
	(void)shutdown(s->fd, SHUT_WR);
	hear_end(again);
}

static void
a_near_end_knows_what_cannot_come(void **state)
{
	int gone = 0, broken = 0, problems = 0, other, fd;
	struct world w;

	(void)state;
	world_start(&w, NULL, NULL);
	other = bare_socket(w.second);
	hear(other, "hello\n");
	for (size_t i = 0; i < sizeof near_rows / sizeof near_rows[0]; i++) {
		const struct row *row = &near_rows[i];
		struct timeval wait = { .tv_sec = 3 };
		struct client *c;
		struct script s;
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		(void)setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
		script_init(&s, pair[1]);
		assert_ok(trunk_attach(w.trunks[0], pair[0], &unit_error));
		c = near_client(&w, row, &s, &fd);
		script_run(&s, row->steps);
		if (!row->broken)
			near_lives(&w, &s);
		script_drain(&s);
		gone++;
		broken += row->broken ? 1 : 0;
		WAIT_FOR(atomic_load(&w.near_gone) == gone);
		if (atomic_load(&w.near_broken) != broken) {
			problems += problem(row, row->broken ? "is permitted" : "broke the trunk");
			broken = atomic_load(&w.near_broken);
		}
		if (fd >= 0)
			hear_any_end(fd);
		client_close(c);
		WAIT_FOR(server_connections(w.near) == 1);
		script_done(&s);
		say(other, "still\n");
		hear(other, "still\n");
	}
	(void)close(other);
	world_stop(&w);
	assert_int_equal(atomic_load(&w.near_gone), gone);
	assert_int_equal(problems, 0);
}

#define FLOODS 60
#define SHARE 300000u

/* The near end is slow: what is scarce is the trunk, not the credit of each. */
static void
a_full_trunk_is_shared(void **state)
{
	size_t got[FLOODS + 1] = { 0 }, total = 0;
	struct script s;
	struct world w;

	(void)state;
	world_start(&w, NULL, NULL);
	script_init(&s, world_add_far(&w, NULL));
	for (uint64_t i = 1; i <= FLOODS; i++) {
		script_open(&s, i, &(struct trunk_open){ .peer = SLICE("a") });
		script_put(&s, TRUNK_DATA, i, SLICE("flood\n"));
	}
	script_flush(&s);
	while (total < FLOODS * (size_t)SHARE) {
		unsigned type = script_next(&s);

		assert_int_not_equal(type, 0);
		if (type != TRUNK_DATA)
			continue;
		buf_clear(&s.heard);
		got[s.number] += s.frame.len;
		total += s.frame.len;
		(void)buf_put_u32(&s.out, CODEC_FRAME_HEAD);
		(void)buf_put_u16(&s.out, TRUNK_CREDIT);
		(void)buf_put_u64(&s.out, s.number);
		(void)buf_put_u32(&s.out, (uint32_t)s.frame.len);
		script_flush(&s);
	}
	for (size_t i = 1; i <= FLOODS; i++)
		assert_in_range(got[i], SHARE / 3, SHARE * 3);
	script_done(&s);
	world_stop(&w);
}

/* A far end that says its last words and ends as a process. */
static void
last_words_outlive_the_trunk(void **state)
{
	static uint8_t words[TRUNK_DATA_MAX], got[sizeof words * 3];
	int small = 4096, pair[2], fd;
	struct script s;
	struct world w;

	(void)state;
	world_start(&w, NULL, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	script_init(&s, pair[1]);
	assert_ok(trunk_attach(w.trunks[0], pair[0], &unit_error));
	fd = bare_socket(w.plain);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	script_await(&s, TRUNK_OPEN);
	for (int i = 0; i < 3; i++)
		script_put(&s, TRUNK_DATA, s.number, slice_of(words, sizeof words));
	script_put(&s, TRUNK_CLOSE, s.number, slice_of((const uint8_t *)"", 1));
	script_flush(&s);
	script_done(&s);
	WAIT_FOR(atomic_load(&w.near_gone) == 1);
	assert_int_equal(recv(fd, got, sizeof got, MSG_WAITALL), sizeof got);
	hear_end(fd);
	world_stop(&w);
}

static void
a_handshake_that_is_never_answered_ends_in_time(void **state)
{
	struct script s;
	struct world w;

	(void)state;
	world_start(&w, NULL, &(struct server_limits){ .handshake_ms = 100 });
	script_init(&s, world_add_far(&w, NULL));
	script_open(&s, 1, &(struct trunk_open){ .peer = SLICE("a"), .can_start_tls = true });
	script_put(&s, TRUNK_DATA, 1, SLICE("tls\n"));
	script_flush(&s);
	script_await(&s, TRUNK_START_TLS);
	script_await(&s, TRUNK_CLOSE);
	assert_false(s.silent);
	WAIT_FOR(atomic_load(&open_sessions) == 0);
	script_done(&s);
	world_stop(&w);
}

static void
more_connections_than_there_may_be_end_the_trunk(void **state)
{
	struct script s;
	struct world w;

	(void)state;
	world_start(&w, NULL, NULL);
	script_init(&s, world_add_far(&w, NULL));
	for (uint64_t i = 1; i <= NET_CONNECTIONS + 1; i++) {
		if (i == NET_CONNECTIONS + 1) {
			script_flush(&s);
			for (uint64_t n = 0; n < NET_CONNECTIONS; n++)
				script_await(&s, TRUNK_DATA);
			assert_false(s.silent);
		}
		script_open(&s, i, &(struct trunk_open){ .kind = KIND_ECHO, .peer = SLICE("a") });
		if (s.out.len > 100000)
			script_flush(&s);
	}
	script_flush(&s);
	script_drain(&s);
	assert_false(s.silent);
	WAIT_FOR(atomic_load(&w.far_broken) == 1 && atomic_load(&open_sessions) == 0);
	script_done(&s);
	world_stop(&w);
}

static void *
stop_far(void *ctx)
{
	struct world *w = ctx;

	server_stop(w->far, 10000);
	return NULL;
}

static void
stopping_lets_far_sessions_finish(void **state)
{
	struct script s;
	struct world w;
	pthread_t thread;

	(void)state;
	world_start(&w, NULL, NULL);
	script_init(&s, world_add_far(&w, NULL));
	script_open(&s, 1, &(struct trunk_open){ .peer = SLICE("a") });
	script_put(&s, TRUNK_DATA, 1, SLICE("flood\n"));
	script_flush(&s);
	while (s.heard.len < TRUNK_WINDOW_OUT)
		assert_int_not_equal(script_next(&s), 0);
	/* There is output that waits for credit. */
	atomic_store(&told_of_the_end, 0);
	assert_int_equal(pthread_create(&thread, NULL, stop_far, &w), 0);
	WAIT_FOR(atomic_load(&told_of_the_end) == 1);
	assert_int_equal(atomic_load(&open_sessions), 1);
	script_open(&s, 2, &(struct trunk_open){ .peer = SLICE("a") });
	script_flush(&s);
	do
		script_await(&s, TRUNK_CLOSE); /* nobody is let in any more */
	while (s.number != 2 && !s.silent);
	assert_int_equal(s.number, 2);
	script_put(&s, TRUNK_CREDIT, 1, slice_of((const uint8_t *)"\0\1\0\0", 4));
	script_flush(&s);
	script_await(&s, TRUNK_CLOSE);
	assert_int_equal(s.number, 1);
	assert_int_equal(s.frame.data[0], 0);
	assert_true(s.heard.len > TRUNK_WINDOW_OUT);
	assert_int_equal(pthread_join(thread, NULL), 0);
	script_done(&s);
	assert_int_equal(atomic_load(&open_sessions), 0);
	server_stop(w.near, 500);
	world_free(&w);
}

UNIT_MAIN(UNIT_TEST(a_far_end_knows_what_cannot_come), UNIT_TEST(an_open_that_is_cut_or_too_long_ends_the_trunk),
    UNIT_TEST(a_near_end_knows_what_cannot_come), UNIT_TEST(a_full_trunk_is_shared),
    UNIT_TEST(last_words_outlive_the_trunk), UNIT_TEST(a_handshake_that_is_never_answered_ends_in_time),
    UNIT_TEST(more_connections_than_there_may_be_end_the_trunk), UNIT_TEST(stopping_lets_far_sessions_finish))
