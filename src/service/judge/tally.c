/* SPDX-License-Identifier: ISC */
#include "service/judge/tally.h"

#include "base/codec.h"
#include "mailauth/dmarc/report.h"
#include "service/judge/internal.h"

_Static_assert(TALLY_DKIM_MAX == MAILAUTH_DKIM_SIGNATURES_MAX, "every signature that is looked at is counted");

static const struct codec_field auth_fields[] = {
	CODEC_FIELD(struct tally_auth, domain, CODEC_BYTES, TALLY_TEXT_MAX),
	CODEC_FIELD(struct tally_auth, selector, CODEC_BYTES, TALLY_TEXT_MAX),
	CODEC_FIELD(struct tally_auth, result, CODEC_BYTES, 32),
};
static const struct codec_schema auth_schema = CODEC_SCHEMA(tally_auth, auth_fields);

static const struct codec_field tally_fields[] = {
	CODEC_FIELD(struct tally, source, CODEC_BYTES, TALLY_TEXT_MAX),
	CODEC_FIELD(struct tally, disposition, CODEC_U32, DMARC_DISPOSITION_REJECT),
	CODEC_FIELD(struct tally, dkim, CODEC_BOOL, 0),
	CODEC_FIELD(struct tally, spf, CODEC_BOOL, 0),
	CODEC_FIELD(struct tally, header_from, CODEC_BYTES, TALLY_TEXT_MAX),
	CODEC_FIELD(struct tally, envelope_from, CODEC_BYTES, TALLY_TEXT_MAX),
	CODEC_FIELD(struct tally, null_sender, CODEC_BOOL, 0),
	CODEC_FIELD(struct tally, reason, CODEC_BYTES, TALLY_TEXT_MAX),
	CODEC_FIELD(struct tally, comment, CODEC_BYTES, TALLY_TEXT_MAX),
	CODEC_FIELD_LIST(struct tally, signatures, signature_count, &auth_schema, TALLY_DKIM_MAX),
	CODEC_FIELD_STRUCT(struct tally, sender, &auth_schema),
	CODEC_FIELD(struct tally, p, CODEC_U32, DMARC_POLICY_REJECT),
	CODEC_FIELD(struct tally, sp, CODEC_U32, DMARC_POLICY_REJECT),
	CODEC_FIELD(struct tally, np, CODEC_U32, DMARC_POLICY_REJECT),
	CODEC_FIELD(struct tally, has_sp, CODEC_BOOL, 0),
	CODEC_FIELD(struct tally, has_np, CODEC_BOOL, 0),
	CODEC_FIELD(struct tally, strict_dkim, CODEC_BOOL, 0),
	CODEC_FIELD(struct tally, strict_spf, CODEC_BOOL, 0),
	CODEC_FIELD(struct tally, testing, CODEC_BOOL, 0),
};
static const struct codec_schema tally_schema = CODEC_SCHEMA(tally, tally_fields);

int
tally_write(const struct tally *t, struct buf *out, struct error *e)
{
	return codec_encode(&tally_schema, t, out, e);
}

int
tally_read(struct slice in, struct arena *a, struct tally *out, struct error *e)
{
	return codec_decode(&tally_schema, in, a, out, e);
}

/* ---- of a message ---- */

static struct slice
domain_of(struct slice address)
{
	size_t at = slice_find_last(address, '@');

	return at == SIZE_MAX ? SLICE_EMPTY : slice_from(address, at + 1);
}

static uint32_t
disposition(const struct judge *j, const struct dmarc_verdict *v)
{
	if (j->verdict.action == JUDGE_REFUSE)
		return DMARC_DISPOSITION_REJECT;
	if (j->verdict.action == JUDGE_JUNK)
		return DMARC_DISPOSITION_QUARANTINE;
	return v->result == DMARC_PASS ? DMARC_DISPOSITION_PASS : DMARC_DISPOSITION_NONE;
}

static struct slice
cut(struct slice text)
{
	return slice_sub(text, 0, TALLY_TEXT_MAX);
}

static void
take_signatures(const struct judge *j, struct tally *out, struct arena *a)
{
	const struct dkim_verify *v = j->lanes[LANE_DKIM].machine;
	struct tally_auth *all = arena_array(a, TALLY_DKIM_MAX, sizeof *all);

	if (v == NULL || all == NULL)
		return;
	for (size_t i = 0; i < dkim_verify_count(v) && out->signature_count < TALLY_DKIM_MAX; i++) {
		const struct dkim_signature *s = dkim_verify_result(v, i);

		if (s->domain.len > 0)
			all[out->signature_count++] = (struct tally_auth){ .domain = cut(s->domain),
				.selector = cut(s->selector),
				.result = slice_str(dkim_result_name(s->result)) };
	}
	out->signatures = all;
}

static void
take_policy(const struct dmarc_record *r, struct tally *out)
{
	out->p = r->p;
	out->sp = r->sp;
	out->np = r->np;
	out->has_sp = r->has_sp;
	out->has_np = r->has_np;
	out->strict_dkim = r->strict_dkim;
	out->strict_spf = r->strict_spf;
	out->testing = r->testing;
}

/* RFC 9990's words for what was not done as the owner wants. */
static void
take_reason(const struct judge *j, const struct dmarc_verdict *v, struct tally *out)
{
	if (j->verdict.why != NULL) {
		out->reason = SLICE("local_policy");
		out->comment = slice_str(j->verdict.why);
	} else if (v->testing && v->result == DMARC_FAIL) {
		out->reason = SLICE("policy_test_mode");
	}
}

bool
judge_tally(const struct judge *j, size_t i, struct tally *out, struct slice *domain_out, struct arena *a)
{
	const struct dmarc *m = j->lanes[LANE_DMARC].machine;
	const struct dmarc_verdict *v = m == NULL || i >= dmarc_verdict_count(m) ? NULL : dmarc_verdict_at(m, i);
	struct sender_found from = judge_from(j);

	if (v == NULL || v->record == NULL || v->record->rua.count == 0 || v->result == DMARC_TEMPERROR)
		return false;
	*out = (struct tally){ .source = cut(j->address),
		.disposition = disposition(j, v),
		.dkim = v->dkim_aligned,
		.spf = v->spf_aligned,
		.header_from = cut(v->author),
		.envelope_from = cut(domain_of(j->from)),
		.null_sender = j->from.len == 0,
		.sender = { .domain = cut(from.domain), .result = slice_str(from.word) } };
	take_signatures(j, out, a);
	take_policy(v->record, out);
	take_reason(j, v, out);
	*domain_out = v->domain;
	return true;
}
