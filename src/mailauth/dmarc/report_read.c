/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/utf8.h"
#include "base/xml.h"
#include "mailauth/dmarc/report.h"

#define COUNT_MAX (UINT64_C(1) << 40) /* messages of one row: sums of all rows stay below 2^64 */
#define ROWS_FIRST 16u

/* Where in the document we are. */
enum place {
	ELSEWHERE, /* in what is not known, and all below it */
	DOCUMENT,
	FEEDBACK,
	METADATA,
	DATES,
	POLICY,
	RECORD,
	ROW,
	EVALUATED,
	REASON,
	IDENTIFIERS,
	RESULTS,
	DKIM,
	SPF,
	LEAF,
};

static const struct {
	enum place parent;
	const char *name;
	enum place place;
} places[] = {
	{ DOCUMENT, "feedback", FEEDBACK },
	{ FEEDBACK, "report_metadata", METADATA },
	{ METADATA, "date_range", DATES },
	{ FEEDBACK, "policy_published", POLICY },
	{ FEEDBACK, "record", RECORD },
	{ RECORD, "row", ROW },
	{ ROW, "policy_evaluated", EVALUATED },
	{ EVALUATED, "reason", REASON },
	{ RECORD, "identifiers", IDENTIFIERS },
	{ RECORD, "auth_results", RESULTS },
	{ RESULTS, "dkim", DKIM },
	{ RESULTS, "spf", SPF },
};

struct reading {
	struct arena *arena;
	struct error *e;
	struct dmarc_report report;
	struct dmarc_row *rows;
	size_t capacity;
	/* What is open: */
	enum place path[XML_DEPTH_MAX + 1];
	size_t depth;
	char leaf[32]; /* the name of the innermost, when it is a leaf */
	struct buf text;
	struct dmarc_row row;
	struct dmarc_reason reasons[MAILAUTH_REPORT_RESULTS_MAX];
	struct dmarc_auth_result dkim[MAILAUTH_REPORT_RESULTS_MAX];
	struct dmarc_reason reason;
	struct dmarc_auth_result result;
	bool has_count, has_begin, has_end;
};

static int
no_memory(const struct reading *r)
{
	return r->arena->err == ERR_LIMIT ? error_set(r->e, ERR_LIMIT, "the report is larger than is read")
					  : error_nomem(r->e);
}

static int
no_report(const struct reading *r, const char *what)
{
	return error_set(r->e, ERR_SYNTAX, "the document is no report of DMARC: %s", what);
}

bool
dmarc_report_is_address(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = ascii_lower(s.data[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.'))
			return false;
	}
	return s.len > 0 && s.len <= MAILAUTH_IP_TEXT_MAX;
}

/* ---- leaves: where the text of an element goes ---- */

enum kind { TEXT, NUMBER, POLICY_WORD, DISPOSITION_WORD, PASS, STRICT, YES };

#define AT(member) offsetof(struct reading, member)
#define NOT_SEEN SIZE_MAX

static const struct leaf {
	enum place parent;
	const char *name;
	enum kind kind;
	size_t value; /* where it goes */
	size_t seen;  /* of a bool that says that it was there */
} leaves[] = {
	{ METADATA, "org_name", TEXT, AT(report.organization), NOT_SEEN },
	{ METADATA, "email", TEXT, AT(report.email), NOT_SEEN },
	{ METADATA, "extra_contact_info", TEXT, AT(report.contact), NOT_SEEN },
	{ METADATA, "report_id", TEXT, AT(report.id), NOT_SEEN },
	{ METADATA, "error", TEXT, AT(report.error), NOT_SEEN },
	{ METADATA, "generator", TEXT, AT(report.generator), NOT_SEEN },
	{ DATES, "begin", NUMBER, AT(report.begin), AT(has_begin) },
	{ DATES, "end", NUMBER, AT(report.end), AT(has_end) },
	{ POLICY, "domain", TEXT, AT(report.domain), NOT_SEEN },
	{ POLICY, "p", POLICY_WORD, AT(report.p), NOT_SEEN },
	{ POLICY, "sp", POLICY_WORD, AT(report.sp), AT(report.has_sp) },
	{ POLICY, "np", POLICY_WORD, AT(report.np), AT(report.has_np) },
	{ POLICY, "fo", TEXT, AT(report.failure), NOT_SEEN },
	{ POLICY, "adkim", STRICT, AT(report.strict_dkim), NOT_SEEN },
	{ POLICY, "aspf", STRICT, AT(report.strict_spf), NOT_SEEN },
	{ POLICY, "testing", YES, AT(report.testing), NOT_SEEN },
	{ ROW, "source_ip", TEXT, AT(row.source), NOT_SEEN },
	{ ROW, "count", NUMBER, AT(row.count), AT(has_count) },
	{ EVALUATED, "disposition", DISPOSITION_WORD, AT(row.disposition), NOT_SEEN },
	{ EVALUATED, "dkim", PASS, AT(row.dkim), NOT_SEEN },
	{ EVALUATED, "spf", PASS, AT(row.spf), NOT_SEEN },
	{ REASON, "type", TEXT, AT(reason.type), NOT_SEEN },
	{ REASON, "comment", TEXT, AT(reason.comment), NOT_SEEN },
	{ IDENTIFIERS, "header_from", TEXT, AT(row.header_from), NOT_SEEN },
	{ IDENTIFIERS, "envelope_from", TEXT, AT(row.envelope_from), AT(row.null_sender) },
	{ IDENTIFIERS, "envelope_to", TEXT, AT(row.envelope_to), NOT_SEEN },
	{ DKIM, "domain", TEXT, AT(result.domain), NOT_SEEN },
	{ DKIM, "selector", TEXT, AT(result.selector), NOT_SEEN },
	{ DKIM, "result", TEXT, AT(result.result), NOT_SEEN },
	{ DKIM, "human_result", TEXT, AT(result.comment), NOT_SEEN },
	{ SPF, "domain", TEXT, AT(result.domain), NOT_SEEN },
	{ SPF, "result", TEXT, AT(result.result), NOT_SEEN },
	{ SPF, "human_result", TEXT, AT(result.comment), NOT_SEEN },
};

static bool
take_policy(struct slice text, enum dmarc_policy *out)
{
	for (int p = DMARC_POLICY_NONE; p <= DMARC_POLICY_REJECT; p++)
		if (slice_ieq_str(text, dmarc_policy_name((enum dmarc_policy)p))) {
			*out = (enum dmarc_policy)p;
			return true;
		}
	return false;
}

static bool
take_disposition(struct slice text, enum dmarc_disposition *out)
{
	for (int d = DMARC_DISPOSITION_NONE; d <= DMARC_DISPOSITION_REJECT; d++)
		if (slice_ieq_str(text, dmarc_disposition_name((enum dmarc_disposition)d))) {
			*out = (enum dmarc_disposition)d;
			return true;
		}
	return false;
}

/* False: a number that is none. Words that are not known are as if they were not there. */
static bool
take_leaf(struct reading *r, const struct leaf *leaf, struct slice text)
{
	void *value = (uint8_t *)r + leaf->value;
	bool seen = true;

	switch (leaf->kind) {
	case TEXT:
		*(struct slice *)value = arena_copy(r->arena, text);
		break;
	case NUMBER:
		seen = slice_to_u64(text, COUNT_MAX, value);
		break;
	case POLICY_WORD:
		seen = take_policy(text, value);
		break;
	case DISPOSITION_WORD:
		seen = take_disposition(text, value);
		break;
	case PASS:
		*(bool *)value = slice_ieq_str(text, "pass");
		break;
	case STRICT:
		*(bool *)value = slice_ieq_str(text, "s");
		break;
	case YES:
		*(bool *)value = slice_ieq_str(text, "y");
		break;
	}
	if (leaf->seen != NOT_SEEN)
		*(bool *)((uint8_t *)r + leaf->seen) = seen;
	return seen || leaf->kind != NUMBER;
}

static int
end_leaf(struct reading *r, enum place parent)
{
	struct slice text = slice_trim(buf_slice(&r->text));

	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		if (leaves[i].parent == parent && strcmp(leaves[i].name, r->leaf) == 0) {
			if (!take_leaf(r, &leaves[i], text))
				return no_report(r, "a number in it is none");
			return r->arena->err == 0 ? 0 : no_memory(r);
		}
	return 0;
}

/* ---- what has parts ---- */

static void *
copy(const struct reading *r, const void *from, size_t count, size_t size)
{
	void *to = count == 0 ? NULL : arena_array(r->arena, count, size);

	if (to != NULL)
		memcpy(to, from, count * size);
	return to;
}

static int
grow(struct reading *r)
{
	size_t capacity = r->capacity == 0 ? ROWS_FIRST : r->capacity * 2;
	struct dmarc_row *rows = arena_array(r->arena, capacity, sizeof(*rows));

	if (rows == NULL)
		return no_memory(r);
	if (r->report.count > 0)
		memcpy(rows, r->rows, r->report.count * sizeof(*rows));
	r->rows = rows;
	r->capacity = capacity;
	return 0;
}

static int
end_record(struct reading *r)
{
	struct dmarc_row *row = &r->row;

	if (!r->has_count || !dmarc_report_is_address(row->source))
		return no_report(r, "a row has no address or no number");
	if (r->report.count == MAILAUTH_REPORT_ROWS_MAX)
		return error_set(r->e, ERR_LIMIT, "the report has over %u rows", MAILAUTH_REPORT_ROWS_MAX);
	if (r->report.count == r->capacity && grow(r) != 0)
		return no_memory(r);
	row->reasons = copy(r, r->reasons, row->reason_count, sizeof(r->reasons[0]));
	row->dkim_results = copy(r, r->dkim, row->dkim_count, sizeof(r->dkim[0]));
	if (r->arena->err != 0)
		return no_memory(r);
	r->rows[r->report.count++] = *row;
	return 0;
}

static int
end_place(struct reading *r, enum place place)
{
	struct dmarc_row *row = &r->row;

	if (place == REASON && row->reason_count < MAILAUTH_REPORT_RESULTS_MAX)
		r->reasons[row->reason_count++] = r->reason;
	if (place == DKIM && row->dkim_count < MAILAUTH_REPORT_RESULTS_MAX)
		r->dkim[row->dkim_count++] = r->result;
	if (place == SPF && !row->has_spf) { /* RFC 7489 had HELO's too, behind it */
		row->has_spf = true;
		row->spf_result = r->result;
	}
	return place == RECORD ? end_record(r) : 0;
}

static void
begin_place(struct reading *r, enum place place)
{
	if (place == RECORD) {
		r->row = (struct dmarc_row){ 0 };
		r->has_count = false;
	}
	if (place == REASON)
		r->reason = (struct dmarc_reason){ 0 };
	if (place == DKIM || place == SPF)
		r->result = (struct dmarc_auth_result){ 0 };
}

/* ---- what the reader of XML calls ---- */

static enum place
place_of(enum place parent, struct slice name)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].parent == parent && slice_eq_str(name, places[i].name))
			return places[i].place;
	return parent == ELSEWHERE || parent == LEAF || parent == DOCUMENT ? ELSEWHERE : LEAF;
}

static int
on_begin(void *ctx, const struct xml_element *element, struct error *e)
{
	struct reading *r = ctx;
	enum place place = place_of(r->path[r->depth], element->name);

	(void)e;
	if (r->depth == 0 && place != FEEDBACK)
		return no_report(r, "it does not begin with \"feedback\"");
	r->path[++r->depth] = place;
	begin_place(r, place);
	if (place == LEAF) {
		buf_clear(&r->text);
		memset(r->leaf, 0, sizeof(r->leaf));
		if (element->name.len < sizeof(r->leaf))
			memcpy(r->leaf, element->name.data, element->name.len);
	}
	return 0;
}

static int
on_text(void *ctx, struct slice piece, struct error *e)
{
	struct reading *r = ctx;

	(void)e;
	if (r->path[r->depth] != LEAF)
		return 0;
	piece = utf8_cut_octets(piece, MAILAUTH_REPORT_TEXT_MAX - r->text.len);
	return buf_put_slice(&r->text, piece) == 0 ? 0 : no_memory(r);
}

static int
on_end(void *ctx, struct error *e)
{
	struct reading *r = ctx;
	enum place place = r->path[r->depth--];

	(void)e;
	return place == LEAF ? end_leaf(r, r->path[r->depth]) : end_place(r, place);
}

/* ---- the report ---- */

static int
finish(struct reading *r, struct dmarc_report *out)
{
	struct dmarc_report *report = &r->report;

	if (!r->has_begin || !r->has_end)
		return no_report(r, "it does not say of when it is");
	if (report->count == 0 || report->domain.len == 0)
		return no_report(r, "it is about no domain, or has no rows");
	if (!report->has_sp)
		report->sp = report->p;
	if (!report->has_np)
		report->np = report->sp;
	for (size_t i = 0; i < report->count; i++)
		r->rows[i].null_sender = r->rows[i].null_sender && r->rows[i].envelope_from.len == 0;
	report->rows = r->rows;
	*out = *report;
	return 0;
}

int
dmarc_report_read(struct slice document, struct arena *a, struct dmarc_report *out, struct error *e)
{
	static const struct xml_bounds bounds = { MAILAUTH_REPORT_MAX, MAILAUTH_REPORT_ELEMENTS_MAX };
	static const struct xml_handler handler = { on_begin, on_text, on_end, &bounds };
	struct reading *r = arena_alloc(a, sizeof(*r));
	int rc;

	if (r == NULL)
		return a->err == ERR_LIMIT ? error_set(e, ERR_LIMIT, "the report is larger than is read")
					   : error_nomem(e);
	r->arena = a;
	r->e = e;
	r->path[0] = DOCUMENT;
	buf_init(&r->text, MAILAUTH_REPORT_TEXT_MAX);
	rc = xml_read(document, &handler, r, e);
	if (rc == 0)
		rc = finish(r, out);
	buf_done(&r->text);
	return rc;
}
