/* SPDX-License-Identifier: ISC */
/* What the small programs for mailauth share: whole files, a message's parts, and DNS as lines NAME, tab, record. */
#ifndef TESTS_INTEROP_TOOL_H
#define TESTS_INTEROP_TOOL_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "mailauth/lookup.h"
#include "mailauth/name.h"
#include "mime/header.h"

#define TOOL_FILE_MAX (64u << 20)

static inline void
tool_fail(const struct error *e)
{
	(void)fprintf(stderr, "%s: %s\n", error_name(e->code), e->text);
	exit(1);
}

static inline void
tool_read(FILE *f, struct buf *out)
{
	size_t got;
	uint8_t *to;

	buf_init(out, TOOL_FILE_MAX);
	while ((to = buf_reserve(out, 65536)) != NULL && (got = fread(to, 1, 65536, f)) > 0)
		buf_commit(out, got);
}

static inline void
tool_read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	tool_read(f, out);
	(void)fclose(f);
}

static inline void
tool_split(struct slice message, struct slice *header, struct slice *body)
{
	size_t end = mime_header_length(message);

	*header = slice_sub(message, 0, end);
	*body = slice_from(message, end);
}

static inline void
tool_print(struct slice s)
{
	(void)fwrite(s.data == NULL ? (const uint8_t *)"" : s.data, 1, s.len, stdout);
}

/*
 * The answer of a zone: "FAILED" as a record is nobody's answer. A name without records, but with names below it, is
 * there. records: MAILAUTH_RECORDS_MAX.
 */
static inline void
tool_look_up(struct slice zone, const struct mailauth_question *q, struct slice *records, struct mailauth_answer *out)
{
	*out = (struct mailauth_answer){ .found = MAILAUTH_NO_NAME, .records = records };
	while (zone.len > 0) {
		struct slice record, line = slice_split(zone, '\n', &zone), of = slice_split(line, '\t', &record);

		if (mailauth_name_below(of, q->name) && out->found == MAILAUTH_NO_NAME)
			out->found = MAILAUTH_NONE;
		if (!mailauth_name_is(of, q->name) || q->type != MAILAUTH_TXT)
			continue;
		out->found = slice_eq_str(record, "FAILED") ? MAILAUTH_FAILED : MAILAUTH_FOUND;
		if (out->found == MAILAUTH_FAILED)
			return;
		records[out->record_count++] = record;
	}
}

#endif
