/* SPDX-License-Identifier: ISC */
#include "mailauth/dmarc/report.h"
#include "mailauth/name.h"
#include "mime/lex.h"

static const char *const disposition_names[] = {
	[DMARC_DISPOSITION_NONE] = "none",
	[DMARC_DISPOSITION_PASS] = "pass",
	[DMARC_DISPOSITION_QUARANTINE] = "quarantine",
	[DMARC_DISPOSITION_REJECT] = "reject",
};

const char *
dmarc_disposition_name(enum dmarc_disposition d)
{
	return disposition_names[d];
}

static bool
is_ascii_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] >= 0x80)
			return false;
	return mailauth_name_can_be(s);
}

static int
no_names(struct error *e)
{
	return error_set(e, ERR_USAGE, "a report is named by domains and an identifier, and these are none");
}

int
dmarc_report_file(
    const struct dmarc_report *r, struct slice receiver, unsigned number, struct buf *out, struct error *e)
{
	if (!is_ascii_name(r->domain) || !is_ascii_name(receiver))
		return no_names(e);
	(void)buf_put_slice(out, receiver);
	(void)buf_put_u8(out, '!');
	(void)buf_put_slice(out, r->domain);
	(void)buf_putf(out, "!%llu!%llu", (unsigned long long)r->begin, (unsigned long long)r->end);
	if (number != 0)
		(void)buf_putf(out, "!%u", number);
	return buf_put_str(out, ".xml");
}

/* dot-atom-text ["@" dot-atom-text] (RFC 9990 section 3.5.1) */
static bool
is_report_id(struct slice id)
{
	bool atom = false, at = false;

	for (size_t i = 0; i < id.len; i++) {
		uint8_t c = id.data[i];
		bool mark = c == '.' || c == '@';

		if (c >= 0x80 || (!mark && !mime_is_atext(c)) || (mark && !atom) || (c == '@' && at))
			return false;
		at = at || c == '@';
		atom = !mark;
	}
	return atom && id.len <= MAILAUTH_REPORT_ID_MAX;
}

int
dmarc_report_subject(const struct dmarc_report *r, struct slice receiver, struct buf *out, struct error *e)
{
	if (!is_ascii_name(r->domain) || !is_ascii_name(receiver) || !is_report_id(r->id))
		return no_names(e);
	(void)buf_put_str(out, "Report Domain: ");
	(void)buf_put_slice(out, r->domain);
	(void)buf_put_str(out, " Submitter: ");
	(void)buf_put_slice(out, receiver);
	(void)buf_put_str(out, " Report-ID: <");
	(void)buf_put_slice(out, r->id);
	return buf_put_u8(out, '>');
}

/* ---- what a person wants to know first ---- */

static size_t
count_sources(const struct dmarc_report *r)
{
	size_t sources = 0;

	for (size_t i = 0; i < r->count; i++)
		sources += i == 0 || !slice_ieq(r->rows[i].source, r->rows[i - 1].source);
	return sources;
}

void
dmarc_report_summary(const struct dmarc_report *r, struct dmarc_summary *out)
{
	struct dmarc_summary s = { .sources = count_sources(r) };

	for (size_t i = 0; i < r->count; i++) {
		const struct dmarc_row *row = &r->rows[i];

		s.messages += row->count;
		*(row->dkim ? row->spf ? &s.both : &s.dkim_only : row->spf ? &s.spf_only : &s.neither) += row->count;
		s.quarantined += row->disposition == DMARC_DISPOSITION_QUARANTINE ? row->count : 0;
		s.rejected += row->disposition == DMARC_DISPOSITION_REJECT ? row->count : 0;
	}
	s.passed = s.both + s.dkim_only + s.spf_only;
	*out = s;
}
