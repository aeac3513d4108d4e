/* SPDX-License-Identifier: ISC */
/* Reads and runs tests/transcripts/TRANSCRIPT_FOLDER/NAME.txt (see the README of smtp there) against whatever answers. */
#ifndef TESTS_UNIT_SMTP_TRANSCRIPT_H
#define TESTS_UNIT_SMTP_TRANSCRIPT_H

#include <dirent.h>
#include <stdio.h>

#include "base/buf.h"
#include "unit.h"

#ifndef TRANSCRIPT_FOLDER
#define TRANSCRIPT_FOLDER "smtp"
#endif

struct transcript_peer {
	/* A new connection to this listener ("mx", "submission", "submissions"). */
	void (*begin)(void *ctx, const char *listener);
	void (*send)(void *ctx, struct slice in);
	/* Everything answered so far; the runner consumes lines from it. */
	struct buf *(*answers)(void *ctx);
	void (*start_tls)(void *ctx);
	bool (*closed)(void *ctx);
	void (*end)(void *ctx);
	void *ctx;
};

static inline bool
transcript_matches(struct slice text, struct slice pattern)
{
	size_t star = slice_find(pattern, '*');

	if (star == SIZE_MAX)
		return slice_eq(text, pattern);
	if (!slice_starts(text, slice_sub(pattern, 0, star)))
		return false;
	text = slice_from(text, star);
	pattern = slice_from(pattern, star + 1);
	for (size_t i = 0; i <= text.len; i++)
		if (transcript_matches(slice_from(text, i), pattern))
			return true;
	return false;
}

static inline uint8_t
transcript_escape(struct slice *in)
{
	uint8_t c = in->data[0];
	unsigned value;
	char hex[3];

	*in = slice_from(*in, 1);
	if (c == 'x' && in->len >= 2) {
		hex[0] = (char)in->data[0];
		hex[1] = (char)in->data[1];
		hex[2] = '\0';
		value = (unsigned)strtoul(hex, NULL, 16);
		*in = slice_from(*in, 2);
		return (uint8_t)value;
	}
	return c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c == 't' ? '\t' : c;
}

static inline void
transcript_text(struct buf *out, struct slice in)
{
	bool end = true;

	while (in.len > 0) {
		uint64_t times = 1;
		struct slice count;
		size_t star = slice_find(in, '*');
		uint8_t c;

		if (in.data[0] == '{' && star != SIZE_MAX &&
		    slice_to_u64(slice_sub(in, 1, star - 1), 1u << 20, &times)) {
			struct slice what = slice_from(in, star + 1);

			count = what;
			(void)slice_split(count, '}', &in);
			c = what.data[0];
			if (c == '\\') {
				what = slice_from(what, 1);
				c = transcript_escape(&what);
			}
		} else if (in.data[0] == '\\' && in.len == 2 && in.data[1] == 'c') {
			end = false;
			break;
		} else if (in.data[0] == '\\' && in.len > 1) {
			in = slice_from(in, 1);
			c = transcript_escape(&in);
		} else {
			c = in.data[0];
			in = slice_from(in, 1);
		}
		for (uint64_t i = 0; i < times; i++)
			(void)buf_put_u8(out, c);
	}
	if (end)
		(void)buf_put_str(out, "\r\n");
}

static inline void
transcript_send(const struct transcript_peer *p, struct buf *waiting, bool octets)
{
	for (size_t i = 0; octets && i < waiting->len; i++)
		p->send(p->ctx, slice_sub(buf_slice(waiting), i, 1));
	if (!octets && waiting->len > 0)
		p->send(p->ctx, buf_slice(waiting));
	buf_clear(waiting);
}

static inline void
transcript_expect(const struct transcript_peer *p, const char *name, unsigned number, struct slice pattern)
{
	struct buf *answers = p->answers(p->ctx);
	struct slice line = buf_slice(answers);
	size_t lf = slice_find(line, '\n');

	if (lf == SIZE_MAX || lf == 0 || line.data[lf - 1] != '\r')
		fail_msg(
		    "%s:%u: no line was answered, only '%.*s'", name, number, (int)line.len, (const char *)line.data);
	line = slice_sub(line, 0, lf - 1);
	if (!transcript_matches(line, pattern))
		fail_msg("%s:%u: '%.*s' does not match '%.*s'", name, number, (int)line.len, (const char *)line.data,
		    (int)pattern.len, (const char *)pattern.data);
	buf_consume(answers, lf + 1);
}

static inline void
transcript_step(const struct transcript_peer *p, const char *name, unsigned number, struct slice line,
    struct buf *waiting, bool octets)
{
	struct slice text = slice_from(line, 3);
	uint8_t kind = line.data[0];

	if (kind == 'C') {
		transcript_text(waiting, text);
		return;
	}
	transcript_send(p, waiting, octets);
	if (kind == 'S') {
		transcript_expect(p, name, number, text);
	} else if (kind == 'T') {
		p->start_tls(p->ctx);
	} else if (kind == 'E') {
		if (p->answers(p->ctx)->len > 0 || !p->closed(p->ctx))
			fail_msg("%s:%u: the connection is not closed", name, number);
	} else if (kind != '#') {
		fail_msg("%s:%u: what is this line?", name, number);
	}
}

static inline void
transcript_run(const struct transcript_peer *p, const char *path, const char *name, bool octets)
{
	static char line[4096];
	char listener[32];
	struct buf waiting;
	unsigned number = 1;
	FILE *f = fopen(path, "r");

	if (f == NULL || fgets(line, sizeof line, f) == NULL || strncmp(line, "listener: ", 10) != 0)
		fail_msg("%s: no first line 'listener: ...'", name);
	(void)snprintf(listener, sizeof listener, "%.*s", (int)strcspn(line + 10, "\n"), line + 10);
	buf_init(&waiting, 1u << 20);
	p->begin(p->ctx, listener);
	while (fgets(line, sizeof line, f) != NULL) {
		size_t len = strcspn(line, "\n");

		number++;
		if (len < 2)
			fail_msg("%s:%u: an empty line", name, number);
		transcript_step(p, name, number, slice_of(line, len), &waiting, octets);
	}
	transcript_send(p, &waiting, octets);
	p->end(p->ctx);
	buf_done(&waiting);
	(void)fclose(f);
}

/* All of them. Tests run in the build folder, where meson left the source's path in __FILE__. */
static inline void
transcript_run_all(const struct transcript_peer *p, bool octets)
{
	char folder[1024], path[2048];
	const char *slash = strstr(__FILE__, "unit/smtp/transcript.h");
	struct dirent *entry;
	unsigned count = 0;
	DIR *d;

	(void)snprintf(folder, sizeof folder, "%.*stranscripts/" TRANSCRIPT_FOLDER, (int)(slash - __FILE__), __FILE__);
	if ((d = opendir(folder)) == NULL)
		fail_msg("no folder %s", folder);
	while ((entry = readdir(d)) != NULL) {
		if (strstr(entry->d_name, ".txt") == NULL)
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		transcript_run(p, path, entry->d_name, octets);
		count++;
	}
	(void)closedir(d);
	assert_true(count > 10);
}

#endif
