/* SPDX-License-Identifier: ISC */
#include "service/report/received.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/inflate.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/siphash.h"
#include "crypto/random.h"
#include "mailauth/dmarc/report.h"
#include "mailauth/policy/tlsrpt.h"
#include "mime/decode.h"

#define NAMES_BUDGET (8u << 20) /* addresses, reporters, failures: at most 2700 of 1 KiB each */
#define RATIO_MAX 300u          /* XML of many alike rows comes to 60 */
#define ZIP_STORED 0u           /* as of ZIP_DEFLATED: APPNOTE.TXT 4.4.5 */
#define ZIP_DEFLATED 8u
#define ZIP_ENCRYPTED 1u
#define ZIP_SIZE_LATER 8u /* the size stands behind the file */

struct received {
	struct buf domain;
	uint8_t key[SIPHASH_KEY_SIZE];
	struct arena names;
	struct received_source sources[RECEIVED_SOURCES_MAX + 1];
	struct received_reporter reporters[RECEIVED_REPORTERS_MAX + 1];
	struct received_failure failures[RECEIVED_FAILURES_MAX + 1];
	uint64_t seen[RECEIVED_REPORTS_MAX]; /* hashes of reports */
	size_t seen_count;
	struct received_sums sums;
};

int
received_new(struct slice domain, struct received **out, struct error *e)
{
	struct received *r = mem_alloc(sizeof *r);

	if (r == NULL)
		return error_nomem(e);
	buf_init(&r->domain, 256);
	arena_init(&r->names, NAMES_BUDGET);
	if (buf_put_slice(&r->domain, domain) != 0 || random_bytes(r->key, sizeof r->key, e) != 0) {
		received_free(r);
		return error_nomem(e);
	}
	*out = r;
	return 0;
}

void
received_free(struct received *r)
{
	if (r == NULL)
		return;
	buf_done(&r->domain);
	arena_done(&r->names);
	mem_free(r);
}

/* ---- which letters ---- */

/* By its subject (RFC 8460 section 5.3, RFC 9990 section 3.5.2), loosely: some put a word in front. */
bool
received_may_be(struct slice header)
{
	static const char word[] = "report domain:";
	ARENA_OWNED struct arena a = { 0 };
	const struct mime_field *subject;
	struct mime_header fields;

	arena_init(&a, MIME_ARENA_MAX);
	if (mime_header_parse(header, &a, &fields, NULL) != 0)
		return false;
	if (mime_header_find(&fields, "TLS-Report-Domain") != NULL)
		return true;
	subject = mime_header_find(&fields, "Subject");
	for (size_t i = 0; subject != NULL && i + sizeof word - 1 <= subject->value.len; i++)
		if (slice_ieq_str(slice_sub(subject->value, i, sizeof word - 1), word))
			return true;
	return false;
}

/* ---- out of the letter ---- */

static int
inflate(enum inflate_format format, struct slice in, struct buf *out, struct error *e)
{
	const struct inflater_options options = {
		.format = format, .output_max = MAILAUTH_REPORT_MAX, .ratio_max = RATIO_MAX
	};
	uint8_t piece[16384];
	struct inflater *z;
	size_t n;
	int rc = inflater_new(&options, &z, e);

	if (rc != 0)
		return rc;
	do {
		rc = inflater_step(z, &in, piece, sizeof piece, &n, e);
		if (rc >= 0 && buf_put(out, piece, n) != 0)
			rc = error_set(e, out->err, "it is too large when it is unpacked");
		if (rc == 0 && n == 0 && in.len == 0)
			rc = error_set(e, ERR_TRUNCATED, "what is packed ends too early");
	} while (rc == 0);
	inflater_free(z);
	return rc == 1 ? 0 : rc;
}

/* Numbers in zip archives have their lowest octet first. */
static uint32_t
get_le(struct reader *r, unsigned octets)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < octets; i++)
		v |= (uint32_t)reader_get_u8(r) << 8 * i;
	return v;
}

/* The first file of an archive: reporters put one there. */
static int
unzip(struct slice in, struct buf *out, struct error *e)
{
	struct reader r = reader_of(in);
	uint32_t flags, method, size, name, extra;

	(void)reader_get(&r, 6); /* the magic, and the version that is needed */
	flags = get_le(&r, 2);
	method = get_le(&r, 2);
	(void)reader_get(&r, 8); /* time, date, checksum: the document is read strictly itself */
	size = get_le(&r, 4);
	(void)reader_get(&r, 4);
	name = get_le(&r, 2);
	extra = get_le(&r, 2);
	(void)reader_get(&r, (size_t)name + extra);
	if (r.err != 0)
		return error_set(e, ERR_TRUNCATED, "the zip archive ends too early");
	if ((flags & ZIP_ENCRYPTED) != 0 || (method != ZIP_STORED && method != ZIP_DEFLATED) ||
	    (method == ZIP_STORED && (flags & ZIP_SIZE_LATER) != 0))
		return error_set(e, ERR_UNSUPPORTED, "the zip archive is encrypted, or packed in an unusual way");
	in = reader_rest(&r);
	if (method == ZIP_DEFLATED)
		return inflate(INFLATE_RAW, in, out, e);
	if (size > in.len || buf_put_slice(out, slice_sub(in, 0, size)) != 0)
		return error_set(e, ERR_LIMIT, "the file in the zip archive is too large");
	return 0;
}

static bool
is_packed(struct slice in, const char *magic, size_t len)
{
	return slice_starts(in, slice_of((const uint8_t *)magic, len));
}

static int
unpack(struct slice in, struct buf *out, struct error *e)
{
	if (is_packed(in, "\x1f\x8b", 2))
		return inflate(INFLATE_GZIP, in, out, e);
	if (is_packed(in, "PK\x03\x04", 4))
		return unzip(in, out, e);
	return buf_put_slice(out, in) == 0 ? 0 : error_set(e, out->err, "it is too large");
}

/* A part that may have a report in it, by what it calls itself: wide, for reporters are creative. */
static bool
may_hold(const struct mime_part *p)
{
	static const char *const types[] = { "application/gzip", "application/x-gzip", "application/zip",
		"application/x-zip-compressed", "application/x-zip", "application/octet-stream", "application/xml",
		"text/xml", "application/tlsrpt+gzip", "application/tlsrpt+json", "application/json" };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (p->kind == MIME_LEAF && mime_part_is(p, types[i]))
			return true;
	return false;
}

/* ---- counting ---- */

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* Of each kind the row of that name, a new one when there is room; else the last, which is for all others and has no name. */
static struct received_source *
source_of(struct received *r, struct slice address)
{
	size_t *count = &r->sums.source_count, at = 0;

	while (at < *count && !slice_eq(r->sources[at].address, address))
		at++;
	if (at == *count && at < RECEIVED_SOURCES_MAX) {
		r->sources[at].address = arena_copy(&r->names, address);
		(*count)++;
	}
	return &r->sources[at];
}

static struct received_reporter *
reporter_of(struct received *r, struct slice name)
{
	size_t *count = &r->sums.reporter_count, at = 0;

	while (at < *count && !slice_eq(r->reporters[at].name, name))
		at++;
	if (at == *count && at < RECEIVED_REPORTERS_MAX) {
		r->reporters[at].name = arena_copy(&r->names, name);
		(*count)++;
	}
	return &r->reporters[at];
}

static struct received_failure *
failure_of(struct received *r, struct slice result, struct slice server)
{
	size_t *count = &r->sums.failure_count, at = 0;

	while (at < *count && !(slice_eq(r->failures[at].result, result) && slice_ieq(r->failures[at].server, server)))
		at++;
	if (at == *count && at < RECEIVED_FAILURES_MAX) {
		r->failures[at].result = arena_copy(&r->names, result);
		r->failures[at].server = arena_copy(&r->names, server);
		(*count)++;
	}
	return &r->failures[at];
}

static void
cover(struct received *r, uint64_t begin, uint64_t end)
{
	if (r->sums.first == 0 || begin < r->sums.first)
		r->sums.first = begin;
	if (end > r->sums.last)
		r->sums.last = end;
}

/* False: it was counted before. Reporters send a report again when they do not know whether it arrived. */
static int
is_new(struct received *r, const char *kind, struct slice organization, struct slice id, struct error *e)
{
	struct buf name BUF_OWNED = { 0 };
	uint64_t hash;

	buf_init(&name, 8192);
	(void)buf_put_str(&name, kind);
	(void)buf_put_slice(&name, organization);
	(void)buf_put_u8(&name, 0);
	(void)buf_put_slice(&name, id);
	hash = siphash(r->key, buf_slice(&name));
	for (size_t i = 0; i < r->seen_count; i++)
		if (r->seen[i] == hash)
			return 0;
	if (r->seen_count == RECEIVED_REPORTS_MAX)
		return error_set(e, ERR_FULL, "there are too many reports; ask about fewer days");
	r->seen[r->seen_count++] = hash;
	return 1;
}

static void
count_row(struct received_source *s, const struct dmarc_row *row)
{
	s->messages = sum(s->messages, row->count);
	s->passed = sum(s->passed, row->dkim || row->spf ? row->count : 0);
	s->dkim = sum(s->dkim, row->dkim ? row->count : 0);
	s->spf = sum(s->spf, row->spf ? row->count : 0);
	s->quarantined = sum(s->quarantined, row->disposition == DMARC_DISPOSITION_QUARANTINE ? row->count : 0);
	s->rejected = sum(s->rejected, row->disposition == DMARC_DISPOSITION_REJECT ? row->count : 0);
}

static int
add_dmarc(struct received *r, struct slice document, struct arena *a, struct error *e)
{
	struct received_reporter *by;
	struct dmarc_report in;
	int rc = dmarc_report_read(document, a, &in, e);

	if (rc != 0 || !slice_ieq(in.domain, buf_slice(&r->domain)))
		return rc;
	rc = is_new(r, "dmarc", in.organization, in.id, e);
	if (rc <= 0)
		return rc;
	by = reporter_of(r, in.organization);
	by->reports++;
	r->sums.dmarc_reports++;
	cover(r, in.begin, in.end);
	for (size_t i = 0; i < in.count; i++) {
		const struct dmarc_row *row = &in.rows[i];

		count_row(&r->sums.all, row);
		count_row(source_of(r, row->source), row);
		by->messages = sum(by->messages, row->count);
		by->passed = sum(by->passed, row->dkim || row->spf ? row->count : 0);
	}
	return r->names.err != 0 ? error_nomem(e) : 1;
}

/* A report has policies of several domains at most when somebody made it by hand: each counts by itself. */
static bool
is_about(const struct received *r, const struct tlsrpt_report *in)
{
	for (size_t i = 0; i < in->policy_count; i++)
		if (slice_ieq(in->policies[i].domain, buf_slice(&r->domain)))
			return true;
	return false;
}

static int
add_tls(struct received *r, struct slice document, struct arena *a, struct error *e)
{
	struct received_reporter *by;
	struct tlsrpt_report in;
	int rc = tlsrpt_report_read(document, a, &in, e);

	if (rc != 0 || !is_about(r, &in))
		return rc;
	rc = is_new(r, "tls", in.organization, in.id, e);
	if (rc <= 0)
		return rc;
	by = reporter_of(r, in.organization);
	by->reports++;
	r->sums.tls_reports++;
	cover(r, (uint64_t)(in.begin > 0 ? in.begin : 0), (uint64_t)(in.end > 0 ? in.end : 0));
	for (size_t i = 0; i < in.policy_count; i++) {
		const struct tlsrpt_policy *p = &in.policies[i];
		uint64_t sessions = sum(p->successful, p->failed);

		if (!slice_ieq(p->domain, buf_slice(&r->domain)))
			continue;
		r->sums.sessions = sum(r->sums.sessions, sessions);
		r->sums.failed = sum(r->sums.failed, p->failed);
		by->sessions = sum(by->sessions, sessions);
		by->failed = sum(by->failed, p->failed);
		for (size_t k = 0; k < p->failure_count; k++) {
			struct received_failure *f = failure_of(r, p->failures[k].result, p->failures[k].mx_name);

			f->sessions = sum(f->sessions, p->failures[k].count);
		}
	}
	return r->names.err != 0 ? error_nomem(e) : 1;
}

/* ---- a letter ---- */

static int
add_part(struct received *r, struct slice letter, const struct mime_part *p, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct buf octets BUF_OWNED = { 0 }, document BUF_OWNED = { 0 };
	struct slice text;
	int rc;

	buf_init(&octets, RECEIVED_LETTER_MAX);
	buf_init(&document, MAILAUTH_REPORT_MAX);
	arena_init(&a, MAILAUTH_REPORT_ARENA);
	if (mime_part_decode(letter, p, &octets) != 0)
		return error_set(e, octets.err, "what is attached is too large");
	rc = unpack(buf_slice(&octets), &document, e);
	text = slice_trim(buf_slice(&document));
	if (is_packed(text, "\xef\xbb\xbf", 3)) /* a mark in front of UTF-8 */
		text = slice_from(text, 3);
	if (rc != 0 || text.len == 0)
		return rc;
	if (text.data[0] == '{')
		return add_tls(r, text, &a, e);
	return text.data[0] == '<' ? add_dmarc(r, text, &a, e) : 0;
}

int
received_add(struct received *r, struct slice letter, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	struct mime_part *root;
	int rc;

	arena_init(&a, MIME_ARENA_MAX);
	rc = mime_parse(letter, &a, &root, e);
	for (const struct mime_part *p = root; rc == 0 && p != NULL; p = mime_part_walk(root, p))
		if (may_hold(p))
			rc = add_part(r, letter, p, e);
	if (rc < 0)
		r->sums.unreadable++;
	return rc;
}

/* ---- the sums ---- */

static int
most_failed(const void *a, const void *b)
{
	const struct received_source *x = a, *y = b;
	uint64_t failed = x->messages - x->passed, other = y->messages - y->passed;

	if (failed != other)
		return failed > other ? -1 : 1;
	return x->messages > y->messages ? -1 : x->messages < y->messages;
}

static int
most_reports(const void *a, const void *b)
{
	const struct received_reporter *x = a, *y = b;

	return x->reports > y->reports ? -1 : x->reports < y->reports;
}

static int
most_sessions(const void *a, const void *b)
{
	const struct received_failure *x = a, *y = b;

	return x->sessions > y->sessions ? -1 : x->sessions < y->sessions;
}

const struct received_sums *
received_sums(struct received *r)
{
	struct received_sums *s = &r->sums;

	qsort(r->sources, s->source_count, sizeof *r->sources, most_failed);
	qsort(r->reporters, s->reporter_count, sizeof *r->reporters, most_reports);
	qsort(r->failures, s->failure_count, sizeof *r->failures, most_sessions);
	s->other_sources = r->sources[RECEIVED_SOURCES_MAX];
	s->sources = r->sources;
	s->reporters = r->reporters;
	s->failures = r->failures;
	return s;
}
