/* SPDX-License-Identifier: ISC */
/* TLS-RPT: the JSON document, written and read. */
#include "base/date.h"
#include "base/json.h"
#include "mailauth/policy/tlsrpt.h"

/* ---- writing ---- */

static void
set_said(struct json_value *object, const char *name, struct slice text)
{
	if (text.len > 0)
		json_value_set_text(object, name, text);
}

static struct json_value *
write_list(const struct slice *texts, size_t count)
{
	struct json_value *list = json_value_list();

	for (size_t i = 0; i < count; i++)
		json_value_append_text(list, texts[i]);
	return list;
}

static struct json_value *
write_failure(const struct tlsrpt_failure *f)
{
	struct json_value *v = json_value_object();

	json_value_set_text(v, "result-type", f->result);
	set_said(v, "sending-mta-ip", f->sending_ip);
	set_said(v, "receiving-mx-hostname", f->mx_name);
	set_said(v, "receiving-mx-helo", f->mx_hello);
	set_said(v, "receiving-ip", f->mx_ip);
	json_value_set_i64(v, "failed-session-count", (int64_t)f->count);
	set_said(v, "additional-information", f->information);
	set_said(v, "failure-reason-code", f->reason);
	return v;
}

static struct json_value *
write_policy(const struct tlsrpt_policy *p)
{
	struct json_value *v = json_value_object(), *policy = json_value_object(), *summary = json_value_object();
	struct json_value *details;

	json_value_set_text(policy, "policy-type", p->type);
	if (p->string_count > 0)
		json_value_set(policy, "policy-string", write_list(p->strings, p->string_count));
	json_value_set_text(policy, "policy-domain", p->domain);
	if (p->mx_count > 0)
		json_value_set(policy, "mx-host", write_list(p->mx, p->mx_count));
	json_value_set(v, "policy", policy);
	json_value_set_i64(summary, "total-successful-session-count", (int64_t)p->successful);
	json_value_set_i64(summary, "total-failure-session-count", (int64_t)p->failed);
	json_value_set(v, "summary", summary);
	if (p->failure_count == 0)
		return v;
	details = json_value_list();
	for (size_t i = 0; i < p->failure_count; i++)
		json_value_append(details, write_failure(&p->failures[i]));
	json_value_set(v, "failure-details", details);
	return v;
}

static void
set_date(struct json_value *object, const char *name, int64_t at)
{
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, 64);
	(void)date_write_rfc3339(&text, at);
	json_value_set_text(object, name, buf_slice(&text));
}

int
tlsrpt_report_write(const struct tlsrpt_report *r, struct buf *out, struct error *e)
{
	struct json_value *v = json_value_object(), *range = json_value_object(), *policies = json_value_list();
	int rc;

	json_value_set_text(v, "organization-name", r->organization);
	set_date(range, "start-datetime", r->begin);
	set_date(range, "end-datetime", r->end);
	json_value_set(v, "date-range", range);
	json_value_set_text(v, "contact-info", r->contact);
	json_value_set_text(v, "report-id", r->id);
	for (size_t i = 0; i < r->policy_count; i++)
		json_value_append(policies, write_policy(&r->policies[i]));
	json_value_set(v, "policies", policies);
	rc = json_value_write(v, false, out, e);
	json_value_free(v);
	return rc;
}

/* ---- reading: a failed step is remembered, and the others do nothing ---- */

struct reading {
	struct arena *a;
	size_t failures; /* of all policies */
	int rc;
	struct error *e;
};

static void
no_report(struct reading *in, const char *what)
{
	if (in->rc == 0)
		in->rc = error_set(in->e, ERR_SYNTAX, "it is no TLS report: %s", what);
}

static void
too_much(struct reading *in, const char *what)
{
	if (in->rc == 0)
		in->rc = error_set(in->e, ERR_LIMIT, "the TLS report has too many %s", what);
}

static void *
make_room(struct reading *in, size_t count, size_t size)
{
	void *room = in->rc != 0 ? NULL : arena_array(in->a, count, size);

	if (room == NULL && in->rc == 0)
		in->rc = error_set(in->e, in->a->err, "no room for the TLS report");
	return room;
}

/* JSON is UTF-8: it is cut between characters. */
static struct slice
keep(struct reading *in, struct slice s)
{
	if (s.len > TLSRPT_TEXT_MAX) {
		s.len = TLSRPT_TEXT_MAX;
		while (s.len > 0 && (s.data[s.len] & 0xc0) == 0x80)
			s.len--;
	}
	if (in->rc != 0 || s.len == 0)
		return SLICE_EMPTY;
	s = arena_copy(in->a, s);
	if (s.len == 0)
		in->rc = error_set(in->e, in->a->err, "no room for the TLS report");
	return s;
}

/* Empty when it is not there, or no text: nobody's report is lost for that. */
static struct slice
get_text(struct reading *in, const struct json_value *object, const char *name)
{
	struct slice text;

	if (!json_value_get_text(json_value_get(object, name), &text))
		return SLICE_EMPTY;
	return keep(in, text);
}

/* 0 when it is not there. */
static uint64_t
get_count(struct reading *in, const struct json_value *object, const char *name)
{
	const struct json_value *v = json_value_get(object, name);
	int64_t n = 0;

	if (v != NULL && (!json_value_get_i64(v, &n) || n < 0 || n > (int64_t)TLSRPT_COUNT_MAX)) {
		no_report(in, "a number of sessions is none");
		return 0;
	}
	return (uint64_t)n;
}

static int64_t
get_date(struct reading *in, const struct json_value *range, const char *name)
{
	struct slice text;
	int64_t at = 0;

	if (!json_value_get_text(json_value_get(range, name), &text) || date_parse_rfc3339(text, &at, NULL) != 0)
		no_report(in, "it does not say of which time it is");
	return at;
}

/* A list of texts, or one text. */
static const struct slice *
get_list(struct reading *in, const struct json_value *v, size_t *count_out)
{
	struct slice text, *all;
	bool single = json_value_get_text(v, &text);
	size_t n = single ? 1 : json_value_count(v);

	*count_out = 0;
	if (n > TLSRPT_STRINGS_MAX)
		too_much(in, "lines of a policy");
	all = n == 0 ? NULL : make_room(in, n, sizeof *all);
	if (all == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (single || json_value_get_text(json_value_at(v, i), &text))
			all[(*count_out)++] = keep(in, text);
	return all;
}

static void
read_failures(struct reading *in, const struct json_value *list, struct tlsrpt_policy *out)
{
	size_t n = json_value_count(list);
	struct tlsrpt_failure *all;

	if (n > TLSRPT_FAILURES_MAX - in->failures)
		too_much(in, "kinds of failure");
	all = n == 0 ? NULL : make_room(in, n, sizeof *all);
	if (all == NULL)
		return;
	for (size_t i = 0; i < n && in->rc == 0; i++) {
		const struct json_value *v = json_value_at(list, i);

		if (!json_value_is_object(v))
			no_report(in, "a failure is none");
		all[i] = (struct tlsrpt_failure){ .result = get_text(in, v, "result-type"),
			.sending_ip = get_text(in, v, "sending-mta-ip"),
			.mx_name = get_text(in, v, "receiving-mx-hostname"),
			.mx_hello = get_text(in, v, "receiving-mx-helo"),
			.mx_ip = get_text(in, v, "receiving-ip"),
			.information = get_text(in, v, "additional-information"),
			.reason = get_text(in, v, "failure-reason-code"),
			.count = get_count(in, v, "failed-session-count") };
	}
	in->failures += n;
	out->failures = all;
	out->failure_count = n;
}

static void
read_policy(struct reading *in, const struct json_value *v, struct tlsrpt_policy *out)
{
	const struct json_value *policy = json_value_get(v, "policy"), *summary = json_value_get(v, "summary");

	*out = (struct tlsrpt_policy){ .string_count = 0 };
	if (!json_value_is_object(policy) || !json_value_is_object(summary)) {
		no_report(in, "a policy has no name or no sum");
		return;
	}
	out->type = get_text(in, policy, "policy-type");
	out->domain = get_text(in, policy, "policy-domain");
	out->strings = get_list(in, json_value_get(policy, "policy-string"), &out->string_count);
	out->mx = get_list(in, json_value_get(policy, "mx-host"), &out->mx_count);
	out->successful = get_count(in, summary, "total-successful-session-count");
	out->failed = get_count(in, summary, "total-failure-session-count");
	read_failures(in, json_value_get(v, "failure-details"), out);
}

static void
read_policies(struct reading *in, const struct json_value *list, struct tlsrpt_report *out)
{
	size_t n = json_value_count(list);
	struct tlsrpt_policy *all;

	if (!json_value_is_list(list))
		no_report(in, "it has no policies");
	if (n > TLSRPT_POLICIES_MAX)
		too_much(in, "policies");
	all = n == 0 ? NULL : make_room(in, n, sizeof *all);
	if (all == NULL)
		return;
	for (size_t i = 0; i < n && in->rc == 0; i++)
		read_policy(in, json_value_at(list, i), &all[i]);
	out->policies = all;
	out->policy_count = n;
}

int
tlsrpt_report_read(struct slice document, struct arena *a, struct tlsrpt_report *out, struct error *e)
{
	struct reading in = { .a = a, .e = e };
	struct tlsrpt_report r = { .policy_count = 0 };
	const struct json_value *range;
	struct json_value *v;
	int rc;

	if (document.len > TLSRPT_REPORT_MAX)
		return error_set(e, ERR_LIMIT, "the TLS report is larger than %u octets", TLSRPT_REPORT_MAX);
	rc = json_value_parse(document, &v, e);
	if (rc != 0)
		return rc;
	range = json_value_get(v, "date-range");
	r.organization = get_text(&in, v, "organization-name");
	r.contact = get_text(&in, v, "contact-info");
	r.id = get_text(&in, v, "report-id");
	r.begin = get_date(&in, range, "start-datetime");
	r.end = get_date(&in, range, "end-datetime");
	read_policies(&in, json_value_get(v, "policies"), &r);
	json_value_free(v);
	if (in.rc == 0)
		*out = r;
	return in.rc;
}

void
tlsrpt_report_summary(const struct tlsrpt_report *r, struct tlsrpt_summary *out)
{
	*out = (struct tlsrpt_summary){ .kinds = 0 };
	for (size_t i = 0; i < r->policy_count; i++) {
		out->successful += r->policies[i].successful;
		out->failed += r->policies[i].failed;
		out->kinds += r->policies[i].failure_count;
	}
}
