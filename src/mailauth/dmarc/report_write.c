/* SPDX-License-Identifier: ISC */
#include "base/xml.h"
#include "mailauth/dmarc/report.h"

#define NAMESPACE "urn:ietf:params:xml:ns:dmarc-2.0"

/* ---- what the schema permits ---- */

static bool
is_one_of(struct slice word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (slice_eq_str(word, *words))
			return true;
	return false;
}

static const char *const reason_types[] = { "local_policy", "mailing_list", "other", "policy_test_mode",
	"trusted_forwarder", NULL };
static const char *const dkim_words[] = { "none", "pass", "fail", "policy", "neutral", "temperror", "permerror", NULL };
static const char *const spf_words[] = { "none", "pass", "fail", "softfail", "policy", "neutral", "temperror",
	"permerror", NULL };

static bool
is_row_good(const struct dmarc_row *row)
{
	bool good =
	    dmarc_report_is_address(row->source) && (!row->has_spf || is_one_of(row->spf_result.result, spf_words));

	for (size_t i = 0; good && i < row->reason_count; i++)
		good = is_one_of(row->reasons[i].type, reason_types);
	for (size_t i = 0; good && i < row->dkim_count; i++)
		good = is_one_of(row->dkim_results[i].result, dkim_words);
	return good;
}

/* ---- elements ---- */

static void
put_optional(struct buf *out, unsigned depth, const char *name, struct slice text)
{
	if (text.len > 0)
		(void)xml_put_element(out, depth, name, text);
}

static void
put_word(struct buf *out, unsigned depth, const char *name, const char *word)
{
	(void)xml_put_element(out, depth, name, slice_str(word));
}

static void
put_number(struct buf *out, unsigned depth, const char *name, uint64_t number)
{
	(void)buf_putf(out, "%*s<%s>%llu</%s>\n", (int)depth * 2, "", name, (unsigned long long)number, name);
}

static void
open_element(struct buf *out, unsigned depth, const char *name)
{
	(void)buf_putf(out, "%*s<%s>\n", (int)depth * 2, "", name);
}

static void
close_element(struct buf *out, unsigned depth, const char *name)
{
	(void)buf_putf(out, "%*s</%s>\n", (int)depth * 2, "", name);
}

static void
put_metadata(const struct dmarc_report *r, struct buf *out)
{
	open_element(out, 1, "report_metadata");
	(void)xml_put_element(out, 2, "org_name", r->organization);
	(void)xml_put_element(out, 2, "email", r->email);
	put_optional(out, 2, "extra_contact_info", r->contact);
	(void)xml_put_element(out, 2, "report_id", r->id);
	open_element(out, 2, "date_range");
	put_number(out, 3, "begin", r->begin);
	put_number(out, 3, "end", r->end);
	close_element(out, 2, "date_range");
	put_optional(out, 2, "error", r->error);
	put_optional(out, 2, "generator", r->generator);
	close_element(out, 1, "report_metadata");
}

static void
put_policy(const struct dmarc_report *r, struct buf *out)
{
	open_element(out, 1, "policy_published");
	(void)xml_put_element(out, 2, "domain", r->domain);
	put_word(out, 2, "discovery_method", "treewalk");
	put_word(out, 2, "p", dmarc_policy_name(r->p));
	if (r->has_sp)
		put_word(out, 2, "sp", dmarc_policy_name(r->sp));
	if (r->has_np)
		put_word(out, 2, "np", dmarc_policy_name(r->np));
	put_optional(out, 2, "fo", r->failure);
	put_word(out, 2, "adkim", r->strict_dkim ? "s" : "r");
	put_word(out, 2, "aspf", r->strict_spf ? "s" : "r");
	put_word(out, 2, "testing", r->testing ? "y" : "n");
	close_element(out, 1, "policy_published");
}

static void
put_evaluated(const struct dmarc_row *row, struct buf *out)
{
	open_element(out, 3, "policy_evaluated");
	put_word(out, 4, "disposition", dmarc_disposition_name(row->disposition));
	put_word(out, 4, "dkim", row->dkim ? "pass" : "fail");
	put_word(out, 4, "spf", row->spf ? "pass" : "fail");
	for (size_t i = 0; i < row->reason_count; i++) {
		open_element(out, 4, "reason");
		(void)xml_put_element(out, 5, "type", row->reasons[i].type);
		put_optional(out, 5, "comment", row->reasons[i].comment);
		close_element(out, 4, "reason");
	}
	close_element(out, 3, "policy_evaluated");
}

static void
put_results(const struct dmarc_row *row, struct buf *out)
{
	open_element(out, 2, "auth_results");
	for (size_t i = 0; i < size_min(row->dkim_count, MAILAUTH_REPORT_RESULTS_MAX); i++) {
		const struct dmarc_auth_result *result = &row->dkim_results[i];

		open_element(out, 3, "dkim");
		(void)xml_put_element(out, 4, "domain", result->domain);
		(void)xml_put_element(out, 4, "selector", result->selector);
		(void)xml_put_element(out, 4, "result", result->result);
		put_optional(out, 4, "human_result", result->comment);
		close_element(out, 3, "dkim");
	}
	if (row->has_spf) {
		open_element(out, 3, "spf");
		(void)xml_put_element(out, 4, "domain", row->spf_result.domain);
		put_word(out, 4, "scope", "mfrom");
		(void)xml_put_element(out, 4, "result", row->spf_result.result);
		put_optional(out, 4, "human_result", row->spf_result.comment);
		close_element(out, 3, "spf");
	}
	close_element(out, 2, "auth_results");
}

static void
put_row(const struct dmarc_row *row, struct buf *out)
{
	open_element(out, 1, "record");
	open_element(out, 2, "row");
	(void)xml_put_element(out, 3, "source_ip", row->source);
	put_number(out, 3, "count", row->count);
	put_evaluated(row, out);
	close_element(out, 2, "row");
	open_element(out, 2, "identifiers");
	(void)xml_put_element(out, 3, "header_from", row->header_from);
	if (row->envelope_from.len > 0 || row->null_sender)
		(void)xml_put_element(out, 3, "envelope_from", row->envelope_from);
	put_optional(out, 3, "envelope_to", row->envelope_to);
	close_element(out, 2, "identifiers");
	put_results(row, out);
	close_element(out, 1, "record");
}

int
dmarc_report_write(const struct dmarc_report *r, struct buf *out, struct error *e)
{
	bool good = r->count > 0;

	for (size_t i = 0; good && i < r->count; i++)
		good = is_row_good(&r->rows[i]);
	if (!good)
		return error_set(e, ERR_USAGE, "the report has no rows, or one with words or an address that are none");
	(void)buf_put_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback xmlns=\"" NAMESPACE "\">\n");
	put_word(out, 1, "version", "1.0");
	put_metadata(r, out);
	put_policy(r, out);
	for (size_t i = 0; i < r->count; i++)
		put_row(&r->rows[i], out);
	(void)buf_put_str(out, "</feedback>\n");
	if (out->err == ERR_NOMEM)
		return error_nomem(e);
	return out->err == 0 ? 0 : error_set(e, out->err, "the report is larger than may be sent");
}
