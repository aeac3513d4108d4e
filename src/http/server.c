/* SPDX-License-Identifier: ISC */
#include "http/server.h"

#include <string.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/mem.h"
#include "http/request.h"

#define HEAD_ABOUT 512u /* octets of an answer's head, mostly */

enum state {
	STATE_HEAD,
	STATE_BODY,       /* left octets of a body with a length */
	STATE_CHUNK_SIZE, /* a chunk's size line */
	STATE_CHUNK,      /* left octets of a chunk */
	STATE_CHUNK_END,  /* CR LF behind it */
	STATE_TRAILER,
	STATE_END,  /* all is read */
	STATE_DONE, /* nothing more is read on this connection */
};

struct http_server {
	struct http_server_config config;
	struct buf in, out;
	struct http_head head;
	struct buf head_octets; /* what head points into, while its body passes through in */
	enum state state;
	bool asked;     /* HTTP_REQUEST was given and is not answered */
	bool answered;  /* the rest of the request is dropped */
	bool ended;     /* HTTP_END was given */
	size_t at;      /* octets at the front of in that are used */
	size_t scanned; /* of the rest of in: no end of the head before here */
	uint64_t left;  /* of the body or chunk */
	uint64_t body;  /* octets of it so far */
	uint64_t dropped;
	size_t trailer;
	uint64_t now;     /* unix seconds, as last told */
	uint64_t date_of; /* when date is the field of */
	char date[48];
	int64_t begun_ms, moved_ms; /* this request's first octet; last octet that came */
};

int
http_server_new(const struct http_server_config *config, struct http_server **server_out, struct error *e)
{
	struct http_server *s = mem_alloc(sizeof *s);

	if (s == NULL)
		return error_nomem(e);
	s->config = *config;
	if (s->config.body_max > HTTP_BODY_MAX)
		s->config.body_max = HTTP_BODY_MAX;
	buf_init(&s->in, HTTP_INPUT_MAX);
	buf_init(&s->head_octets, HTTP_HEAD_MAX + 4);
	buf_init(&s->out, HTTP_ANSWER_MAX);
	s->begun_ms = s->moved_ms = MACHINE_NEVER;
	*server_out = s;
	return 0;
}

void
http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	buf_wipe_done(&s->in); /* Authorization fields pass here */
	buf_wipe_done(&s->head_octets);
	buf_done(&s->out);
	mem_free(s);
}

static struct slice
rest_of(const struct http_server *s)
{
	return slice_from(buf_slice(&s->in), s->at);
}

/* Only counted: what many small steps use is moved away once, before more is fed. */
static void
skip(struct http_server *s, size_t n)
{
	s->at += n;
	s->scanned = 0;
}

static void
drop_input(struct http_server *s)
{
	buf_wipe_done(&s->in);
	s->at = 0;
}

/* ---- answers ---- */

const char *
http_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} texts[] = {
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 302, "Found" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Unknown";
}

/* The field Date of one second is written once. */
static void
put_date(struct http_server *s, uint64_t now)
{
	BUF_OWNED struct buf text = { 0 };

	if (now == 0 || now > (uint64_t)DATE_MAX)
		return;
	if (s->date_of != now) {
		buf_init(&text, sizeof s->date - 1);
		(void)buf_put_str(&text, "Date: ");
		(void)date_write_mail(&text, (int64_t)now, 0);
		/* The same form as mail's but for the zone (RFC 9110 5.6.7). */
		if (text.err == 0)
			buf_truncate(&text, text.len - 5);
		(void)buf_put_str(&text, "GMT\r\n");
		if (text.err != 0)
			return;
		memset(s->date, 0, sizeof s->date);
		memcpy(s->date, text.data, text.len);
		s->date_of = now;
	}
	(void)buf_put_str(&s->out, s->date);
}

static void
put_number(struct buf *out, size_t n)
{
	char digits[24];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	(void)buf_put(out, digits + at, sizeof digits - at);
}

static void
put_field(struct buf *out, struct slice name, struct slice value)
{
	(void)buf_put_slice(out, name);
	(void)buf_put(out, ": ", 2);
	(void)buf_put_slice(out, value);
	(void)buf_put(out, "\r\n", 2);
}

static void
put_head(struct http_server *s, const struct http_answer *a)
{
	struct buf *out = &s->out;
	bool body = a->content_type != NULL;

	(void)buf_put_str(out, "HTTP/1.1 ");
	put_number(out, a->status);
	(void)buf_put_u8(out, ' ');
	(void)buf_put_str(out, http_status_text(a->status));
	(void)buf_put(out, "\r\n", 2);
	put_date(s, a->now);
	if (body)
		put_field(out, SLICE("Content-Type"), slice_str(a->content_type));
	/* RFC 9110 8.6: no length with 204. */
	if (a->status != 204) {
		(void)buf_put_str(out, "Content-Length: ");
		put_number(out, body ? a->body.len : (size_t)0);
		(void)buf_put(out, "\r\n", 2);
	}
	for (size_t i = 0; i < a->field_count; i++)
		put_field(out, a->fields[i].name, a->fields[i].value);
	if (!s->head.keep_alive)
		(void)buf_put_str(out, "Connection: close\r\n");
	(void)buf_put(out, "\r\n", 2);
}

static void
put_answer(struct http_server *s, const struct http_answer *a)
{
	struct buf *out = &s->out;

	/* Once, and not in steps; what has no room is found below. */
	if (a->body.len < out->max / 2 - HEAD_ABOUT && out->len < out->max / 2)
		(void)buf_reserve(out, a->body.len + HEAD_ABOUT);
	put_head(s, a);
	if (a->content_type != NULL && s->head.request.method != HTTP_HEAD)
		(void)buf_put_slice(out, a->body);
}

/* Says why and ends: where the next request would begin is not known. */
static void
refuse(struct http_server *s, unsigned status)
{
	const char *text = http_status_text(status);
	const struct http_answer answer = {
		.status = status, .content_type = "text/plain", .body = slice_str(text), .now = s->now
	};

	if (s->state == STATE_HEAD)
		memset(&s->head, 0, sizeof s->head);
	s->state = STATE_DONE;
	s->head.keep_alive = false;
	drop_input(s);
	if (!s->answered) /* an answer that stands is the last word */
		put_answer(s, &answer);
	s->asked = false;
	s->answered = true;
}

static void
begin_next(struct http_server *s)
{
	if (!s->head.keep_alive) {
		s->state = STATE_DONE;
		drop_input(s);
	} else {
		s->state = STATE_HEAD;
	}
	buf_wipe_done(&s->head_octets);
	s->asked = s->answered = s->ended = false;
	s->body = s->dropped = s->trailer = s->scanned = 0;
	s->begun_ms = s->moved_ms = MACHINE_NEVER; /* from the next call on */
}

int
http_server_answer(struct http_server *s, const struct http_answer *answer, struct error *e)
{
	static const struct http_answer too_large = { .status = 500 };
	size_t before = s->out.len;
	int rc = 0;

	if (!s->asked)
		return error_set(e, ERR_ORDER, "there is no request to answer");
	/* A client that waits for our word before it sends, or that would send too much of what nobody wants: the end. */
	if (answer->close ||
	    (s->state != STATE_END && (s->head.expects_continue || (!s->head.chunked && s->left > HTTP_SKIP_MAX))))
		s->head.keep_alive = false;
	put_answer(s, answer);
	if (s->out.err != 0) {
		s->out.err = 0;
		buf_truncate(&s->out, before);
		s->head.keep_alive = false;
		put_answer(s, &too_large);
		rc = error_set(e, ERR_LIMIT, "the answer has more than %u octets", HTTP_ANSWER_MAX);
	}
	s->asked = false;
	s->answered = true;
	if (s->state == STATE_END || !s->head.keep_alive)
		begin_next(s);
	return rc;
}

void
http_server_set_clock(struct http_server *s, uint64_t now)
{
	s->now = now;
}

bool
http_server_is_asked(const struct http_server *s)
{
	return s->asked;
}

bool
http_server_is_done(const struct http_server *s)
{
	return s->state == STATE_DONE;
}

/* ---- the head ---- */

static void
begin_body(struct http_server *s)
{
	if (s->head.chunked)
		s->state = STATE_CHUNK_SIZE;
	else if (s->head.request.has_length && s->head.request.length > 0)
		s->state = STATE_BODY;
	else
		s->state = STATE_END;
	s->left = s->head.request.has_length ? s->head.request.length : 0;
	if (s->state == STATE_END)
		s->head.expects_continue = false;
}

/* Position behind the head's empty line, SIZE_MAX when it is not there, 0 when it cannot be. Each octet is looked at once. */
static size_t
find_head_end(struct http_server *s)
{
	struct slice in = rest_of(s);

	for (size_t i = s->scanned; i < in.len; i++) {
		if (in.data[i] != '\n')
			continue;
		if (i == 0 || in.data[i - 1] != '\r')
			return 0;
		if (i >= 3 && in.data[i - 2] == '\n')
			return i + 1;
	}
	s->scanned = in.len;
	return SIZE_MAX;
}

static bool
step_head(struct http_server *s, struct http_event *event)
{
	unsigned status;
	size_t end;

	/* RFC 9112 2.2: an empty line before a request is passed over. */
	if (slice_starts(rest_of(s), SLICE("\r\n"))) {
		skip(s, 2);
		return true;
	}
	end = find_head_end(s);
	if (end == SIZE_MAX && rest_of(s).len <= HTTP_HEAD_MAX)
		return false;
	if (end == 0 || end > HTTP_HEAD_MAX) {
		refuse(s, end == 0 ? 400 : slice_find(rest_of(s), '\n') > HTTP_LINE_MAX ? 414 : 431);
		return true;
	}
	(void)buf_put_slice(&s->head_octets, slice_sub(rest_of(s), 0, end));
	skip(s, end);
	status = s->head_octets.err != 0 ? 500 : http_head_parse(buf_slice(&s->head_octets), &s->head);
	if (status == 0 && s->head.request.has_length && s->head.request.length > s->config.body_max)
		status = 413;
	if (status != 0) {
		refuse(s, status);
		return true;
	}
	begin_body(s);
	s->asked = true;
	event->type = HTTP_REQUEST;
	return true;
}

/* ---- bodies ---- */

static bool
give_body(struct http_server *s, enum state then, struct http_event *event)
{
	struct slice in = rest_of(s);
	size_t n = in.len < s->left ? in.len : (size_t)s->left;

	if (n == 0)
		return false;
	s->left -= n;
	s->body += n;
	skip(s, n);
	if (s->left == 0)
		s->state = then;
	if (s->body > s->config.body_max) {
		refuse(s, 413);
		return true;
	}
	if (s->answered) {
		s->dropped += n;
		if (s->dropped > HTTP_SKIP_MAX)
			s->state = STATE_DONE;
		return true;
	}
	event->type = HTTP_BODY;
	event->body = slice_sub(in, 0, n);
	return true;
}

static bool
step_body(struct http_server *s, struct http_event *event)
{
	return give_body(s, STATE_END, event);
}

static bool
step_chunk(struct http_server *s, struct http_event *event)
{
	return give_body(s, STATE_CHUNK_END, event);
}

static bool
hex_size(struct slice digits, uint64_t *out)
{
	uint64_t value = 0;

	if (digits.len == 0 || digits.len > 15)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		uint8_t c = ascii_lower(digits.data[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*out = value;
	return true;
}

/* A line of at most max octets from in: 1 with its octets, 0 when it is not whole, -1 when it is no line. */
static int
whole_line(struct http_server *s, size_t max, struct slice *line)
{
	struct slice in = slice_sub(rest_of(s), 0, max + 2);
	size_t at = slice_find(in, '\n');

	if (at == SIZE_MAX)
		return in.len > max ? -1 : 0;
	if (at == 0 || in.data[at - 1] != '\r')
		return -1;
	*line = slice_sub(in, 0, at - 1);
	return slice_find(*line, '\r') == SIZE_MAX ? 1 : -1;
}

static bool
step_chunk_size(struct http_server *s, struct http_event *event)
{
	struct slice line, extension;
	int whole = whole_line(s, HTTP_CHUNK_LINE_MAX, &line);

	(void)event;
	if (whole == 0)
		return false;
	/* RFC 9112 7.1.1: an extension that is not known is ignored. */
	if (whole < 0 || !hex_size(slice_split(line, ';', &extension), &s->left)) {
		refuse(s, 400);
		return true;
	}
	s->state = s->left == 0 ? STATE_TRAILER : STATE_CHUNK;
	skip(s, line.len + 2);
	return true;
}

static bool
step_chunk_end(struct http_server *s, struct http_event *event)
{
	(void)event;
	if (rest_of(s).len < 2)
		return false;
	if (!slice_starts(rest_of(s), SLICE("\r\n"))) {
		refuse(s, 400);
		return true;
	}
	skip(s, 2);
	s->state = STATE_CHUNK_SIZE;
	return true;
}

static bool
step_trailer(struct http_server *s, struct http_event *event)
{
	struct slice line;
	int whole = whole_line(s, HTTP_TRAILER_MAX, &line);

	(void)event;
	if (whole == 0)
		return false;
	s->trailer += whole > 0 ? line.len + 2 : 0;
	if (whole < 0 || s->trailer > HTTP_TRAILER_MAX) {
		refuse(s, 400);
		return true;
	}
	if (line.len == 0)
		s->state = STATE_END;
	skip(s, line.len + 2);
	return true;
}

static bool
step_end(struct http_server *s, struct http_event *event)
{
	if (s->answered) {
		begin_next(s);
		return true;
	}
	if (s->ended)
		return false;
	s->ended = true;
	event->type = HTTP_END;
	return true;
}

static bool
step_done(struct http_server *s, struct http_event *event)
{
	(void)s;
	(void)event;
	return false;
}

/* Each does one thing, or returns false when it needs more input or an answer. */
static bool (*const steps[])(struct http_server *s, struct http_event *event) = {
	[STATE_HEAD] = step_head,
	[STATE_BODY] = step_body,
	[STATE_CHUNK_SIZE] = step_chunk_size,
	[STATE_CHUNK] = step_chunk,
	[STATE_CHUNK_END] = step_chunk_end,
	[STATE_TRAILER] = step_trailer,
	[STATE_END] = step_end,
	[STATE_DONE] = step_done,
};

/* ---- the machine ---- */

static int64_t
server_deadline(const void *machine)
{
	const struct http_server *s = machine;
	int64_t piece;

	if (s->moved_ms == MACHINE_NEVER || s->ended || s->state == STATE_DONE || s->out.len > 0)
		return MACHINE_NEVER; /* waiting for the caller, or for the peer to read: net has its own time for that */
	if (s->begun_ms == MACHINE_NEVER)
		return s->moved_ms + HTTP_IDLE_MS;
	piece = s->state == STATE_HEAD ? s->begun_ms + HTTP_HEAD_MS : s->moved_ms + HTTP_BODY_MS;
	return piece < s->begun_ms + HTTP_REQUEST_MS ? piece : s->begun_ms + HTTP_REQUEST_MS;
}

static void
end_if_late(struct http_server *s, int64_t now_ms)
{
	if (now_ms < server_deadline(s))
		return;
	if (s->begun_ms == MACHINE_NEVER || s->answered)
		s->state = STATE_DONE; /* nothing was begun: just the end */
	else
		refuse(s, 408);
}

enum http_event_type
http_server_next(struct http_server *s, int64_t now_ms, struct http_event *event_out)
{
	*event_out = (struct http_event){ .type = HTTP_NONE };
	if (s->asked && s->head.expects_continue && s->state != STATE_END) {
		s->head.expects_continue = false;
		(void)buf_put_str(&s->out, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	while (event_out->type == HTTP_NONE && steps[s->state](s, event_out))
		;
	if (s->moved_ms == MACHINE_NEVER)
		s->moved_ms = now_ms;
	if (s->begun_ms == MACHINE_NEVER && rest_of(s).len > 0)
		s->begun_ms = now_ms;
	if (event_out->type != HTTP_NONE) {
		event_out->request = &s->head.request;
		return event_out->type;
	}
	if (rest_of(s).len == 0)
		drop_input(s); /* given back: an idle connection holds no buffer */
	end_if_late(s, now_ms);
	return HTTP_NONE;
}

static size_t
server_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct http_server *s = machine;
	size_t n;

	if (s->state == STATE_DONE)
		return in.len; /* dropped */
	buf_consume(&s->in, s->at);
	s->at = 0;
	n = size_min(in.len, HTTP_INPUT_MAX - s->in.len);
	if (n == 0 || buf_put(&s->in, in.data, n) != 0)
		return 0;
	s->moved_ms = now_ms;
	if (s->begun_ms == MACHINE_NEVER)
		s->begun_ms = now_ms;
	return n;
}

static struct slice
server_output(void *machine)
{
	return buf_slice(&((struct http_server *)machine)->out);
}

static void
server_sent(void *machine, size_t len)
{
	struct http_server *s = machine;

	if (len >= s->out.len)
		buf_done(&s->out);
	else
		buf_consume(&s->out, len);
}

const struct machine_ops http_server_ops = {
	.feed = server_feed,
	.output = server_output,
	.sent = server_sent,
	.deadline = server_deadline,
};
