/* SPDX-License-Identifier: ISC */
#include "service/policy/tally.h"

#include <stdio.h>

#include "base/codec.h"
#include "net/tls_outgoing.h"

_Static_assert(TLS_TALLY_LINES_MAX >= STS_MX_MAX + 3 && TLS_TALLY_LINES_MAX >= TLS_OUTGOING_TLSA_MAX,
    "a policy that is heeded is reported");
_Static_assert(TLS_TALLY_LINES_MAX <= TLSRPT_STRINGS_MAX, "and can be read by those who read as we do");

static const struct codec_field line_fields[] = {
	CODEC_FIELD(struct tls_tally_line, text, CODEC_BYTES, TLS_TALLY_LINE_MAX),
};
static const struct codec_schema line_schema = CODEC_SCHEMA(tls_tally_line, line_fields);

static const struct codec_field tally_fields[] = {
	CODEC_FIELD(struct tls_tally, type, CODEC_U32, TLSRPT_STS),
	CODEC_FIELD(struct tls_tally, result, CODEC_U32, TLSRPT_RESULT_LAST),
	CODEC_FIELD(struct tls_tally, mx_name, CODEC_BYTES, TLS_TALLY_TEXT_MAX),
	CODEC_FIELD(struct tls_tally, mx_ip, CODEC_BYTES, TLS_TALLY_TEXT_MAX),
	CODEC_FIELD(struct tls_tally, sending_ip, CODEC_BYTES, TLS_TALLY_TEXT_MAX),
	CODEC_FIELD(struct tls_tally, reason, CODEC_BYTES, TLS_TALLY_TEXT_MAX),
	CODEC_FIELD_LIST(struct tls_tally, lines, line_count, &line_schema, TLS_TALLY_LINES_MAX),
};
static const struct codec_schema tally_schema = CODEC_SCHEMA(tls_tally, tally_fields);

int
tls_tally_write(const struct tls_tally *t, struct buf *out, struct error *e)
{
	return codec_encode(&tally_schema, t, out, e);
}

int
tls_tally_read(struct slice in, struct arena *a, struct tls_tally *out, struct error *e)
{
	return codec_decode(&tally_schema, in, a, out, e);
}

/* ---- policies ---- */

void
tls_tally_sts(struct tls_tally *t, struct slice policy, struct arena *a)
{
	struct tls_tally_line *lines = arena_array(a, TLS_TALLY_LINES_MAX, sizeof *lines);
	size_t total = 0;

	t->lines = lines;
	t->line_count = 0;
	while (lines != NULL && policy.len > 0 && t->line_count < TLS_TALLY_LINES_MAX) {
		struct slice line = slice_sub(slice_trim(slice_split(policy, '\n', &policy)), 0, TLS_TALLY_LINE_MAX);

		total += line.len;
		if (total > TLS_TALLY_POLICY_MAX)
			return;
		if (line.len > 0)
			lines[t->line_count++].text = line;
	}
}

/* "3 1 1 AB12..."; a whole certificate is cut. Empty without memory. */
static struct slice
present(struct slice record, struct arena *a)
{
	char *text = arena_alloc(a, TLS_TALLY_LINE_MAX + 1);
	size_t at;

	if (text == NULL || record.len < 3)
		return SLICE_EMPTY;
	at = (size_t)snprintf(text, TLS_TALLY_LINE_MAX, "%u %u %u ", record.data[0], record.data[1], record.data[2]);
	for (size_t i = 3; i < record.len && at + 2 <= TLS_TALLY_LINE_MAX; i++, at += 2)
		(void)snprintf(text + at, 3, "%02X", record.data[i]);
	return slice_of(text, at);
}

void
tls_tally_tlsa(struct tls_tally *t, const struct slice *records, size_t count, struct arena *a)
{
	struct tls_tally_line *lines = arena_array(a, count > 0 ? count : 1, sizeof *lines);
	size_t total = 0;

	t->lines = lines;
	t->line_count = 0;
	for (size_t i = 0; lines != NULL && i < count && i < TLS_TALLY_LINES_MAX; i++) {
		struct slice line = present(records[i], a);

		total += line.len;
		if (total > TLS_TALLY_POLICY_MAX)
			return;
		if (line.len > 0)
			lines[t->line_count++].text = line;
	}
}
