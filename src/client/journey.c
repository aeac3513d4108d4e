/* SPDX-License-Identifier: ISC */
#include "client/journey.h"

#include "base/date.h"
#include "mailauth/name.h"
#include "mime/decode.h"
#include "mime/header.h"

#define REPORT_MAX (1u << 20) /* octets of a delivery report that are looked at */
#define REPORT_GROUPS_MAX 1000u

/* ---- the servers ---- */

/* The names by which we know our server: as it is set up, and what is in our own domain. */
static bool
is_known(const struct account *a, struct slice name)
{
	return name.len > 0 &&
	    (mailauth_name_is(name, slice_str(a->servers[ACCOUNT_IMAP].host)) ||
		mailauth_name_is(name, slice_str(a->servers[ACCOUNT_SMTP].host)) ||
		mailauth_name_below(name, account_domain(a)));
}

static bool
same_name(struct slice a, struct slice b)
{
	return a.len > 0 && b.len > 0 && mailauth_name_is(a, b);
}

static void
connect_hops(struct journey *j, const struct mime_header *h)
{
	struct slice date = mime_header_value(h, "Date");
	int64_t last = 0;
	bool timed = date_parse_mail(date, &last, NULL, NULL) == 0;
	struct slice by = SLICE_EMPTY;

	for (size_t i = 0; i < j->hop_count; i++) {
		struct journey_hop *hop = &j->hops[i];

		hop->timed = timed && hop->line.dated;
		if (hop->timed)
			hop->delay = hop->line.when - last;
		if (hop->line.dated) {
			last = hop->line.when;
			timed = true;
		}
		hop->connected = i == 0 || hop->line.local || same_name(hop->line.from, by) ||
		    same_name(hop->line.name, by) || (hop->line.from.len == 0 && hop->line.address.len == 0);
		by = hop->line.by;
	}
}

static void
take_hops(struct journey *j, const struct account *a, const struct mime_header *h)
{
	const struct mime_field *f = mime_header_find(h, "Received");
	size_t n = 0;

	for (; f != NULL && n < JOURNEY_HOPS_MAX; f = mime_header_next(h, f, "Received"))
		n++;
	j->more = f != NULL;
	j->hop_count = n;
	f = mime_header_find(h, "Received");
	for (; n > 0; f = mime_header_next(h, f, "Received")) {
		struct journey_hop *hop = &j->hops[--n];

		hop->read = mime_received_parse(f->value, &j->arena, &hop->line, NULL) == 0;
	}
	if (j->hop_count > 0 && is_known(a, j->hops[j->hop_count - 1].line.by)) {
		j->hops[j->hop_count - 1].sure = true;
		j->ours = j->hops[j->hop_count - 1].line.by;
	}
	connect_hops(j, h);
}

/* ---- what servers found out ---- */

static void
take_results(struct journey *j, const struct mime_header *h)
{
	const struct mime_field *f = mime_header_find(h, "Authentication-Results");

	for (; f != NULL && j->result_count < JOURNEY_RESULTS_MAX;
	     f = mime_header_next(h, f, "Authentication-Results")) {
		struct journey_result *r = &j->results[j->result_count];

		if (auth_results_parse(f->value, false, &j->arena, &r->fields, NULL) != 0)
			continue;
		r->sure = same_name(r->fields.server, j->ours);
		j->result_count++;
	}
}

/* ---- delivery reports ---- */

/* "rfc822; alice@example.org": the kind in front goes. */
static struct slice
typed(const struct mime_header *group, const char *name, struct arena *a)
{
	struct slice value = mime_unfold_copy(mime_header_value(group, name), a), rest;

	(void)slice_split(value, ';', &rest);
	return slice_trim(rest.len > 0 ? rest : value);
}

static void
take_group(struct journey *j, const struct mime_header *group)
{
	struct journey_report *r = &j->reports[j->report_count];

	*r = (struct journey_report){ .recipient = typed(group, "Final-Recipient", &j->arena),
		.action = mime_unfold_copy(mime_header_value(group, "Action"), &j->arena),
		.status = mime_unfold_copy(mime_header_value(group, "Status"), &j->arena),
		.server = typed(group, "Remote-MTA", &j->arena),
		.words = typed(group, "Diagnostic-Code", &j->arena) };
	if (r->recipient.len > 0 && r->action.len > 0)
		j->report_count++;
}

/* Groups of fields with empty lines between them; the first one is about the letter and no recipient. */
static void
take_status(struct journey *j, struct slice text)
{
	for (unsigned n = 0; text.len > 0 && n < REPORT_GROUPS_MAX && j->report_count < JOURNEY_REPORTS_MAX; n++) {
		struct mime_header group;

		if (mime_header_parse(text, &j->arena, &group, NULL) != 0 || group.length == 0)
			return;
		take_group(j, &group);
		text = slice_from(text, group.length);
	}
}

static void
take_report(struct journey *j, const struct letter_view *v)
{
	const struct mime_part *root = letter_opened_root(v->opened), *part;
	BUF_OWNED struct buf text = { .max = REPORT_MAX };
	struct mime_decoder d;

	if (root == NULL || !mime_part_is(root, "multipart/report"))
		return;
	for (part = root->child; part != NULL; part = part->next)
		if (mime_part_is(part, "message/delivery-status"))
			break;
	if (part == NULL)
		return;
	mime_decoder_init(&d, part->encoding);
	if (mime_decoder_feed(&d, mime_part_body(letter_opened_source(v->opened), part), &text) == 0 &&
	    mime_decoder_end(&d, &text) == 0)
		take_status(j, arena_copy(&j->arena, buf_slice(&text)));
}

/* ---- all of it ---- */

int
journey_make(const struct account *account, const struct letter_view *v, struct journey *out, struct error *e)
{
	struct mime_header h;
	int rc;

	*out = (struct journey){ .hop_count = 0 };
	arena_init(&out->arena, JOURNEY_BUDGET);
	rc = mime_header_parse(buf_slice(&v->raw), &out->arena, &h, e);
	if (rc != 0)
		return rc;
	take_hops(out, account, &h);
	take_results(out, &h);
	take_report(out, v);
	return out->arena.err == 0 ? 0 : error_nomem(e);
}

void
journey_done(struct journey *j)
{
	arena_done(&j->arena);
}
