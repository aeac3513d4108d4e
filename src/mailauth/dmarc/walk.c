/* SPDX-License-Identifier: ISC */
#include "mailauth/dmarc/walk.h"

#include <string.h>

#include "base/mem.h"
#include "mailauth/name.h"

static const struct dmarc_asked no_name = { .answered = true, .found = MAILAUTH_NO_NAME };
static const struct dmarc_asked failed = { .answered = true, .found = MAILAUTH_FAILED };

/* ---- questions ---- */

const struct dmarc_asked *
dmarc_ask(struct dmarc_asking *a, enum mailauth_rr type, struct slice prefix, struct slice name)
{
	struct dmarc_asked *asked;
	char octets[MAILAUTH_NAME_MAX] = { 0 };
	struct slice whole = slice_of(octets, prefix.len + name.len);

	if (prefix.len > sizeof(octets) || name.len > sizeof(octets) - prefix.len)
		return &no_name;
	if (prefix.len > 0)
		memcpy(octets, prefix.data, prefix.len);
	if (name.len > 0)
		memcpy(octets + prefix.len, name.data, name.len);
	if (!mailauth_name_can_be(whole))
		return &no_name;
	for (size_t i = 0; i < a->count; i++)
		if (a->asked[i]->type == type && slice_ieq(a->asked[i]->name, whole))
			return a->asked[i]->answered ? a->asked[i] : NULL;
	if (a->open != NULL) /* one at a time */
		return NULL;
	if (a->count == MAILAUTH_DMARC_QUESTIONS_MAX)
		return &failed;
	asked = mem_alloc(sizeof(*asked));
	if (asked == NULL) {
		a->err = ERR_NOMEM;
		return &failed;
	}
	asked->type = type;
	memcpy(asked->name_octets, octets, whole.len);
	asked->name = slice_of(asked->name_octets, whole.len);
	a->asked[a->count++] = asked;
	a->open = asked;
	return NULL;
}

static void
take_text(struct dmarc_asking *a, struct dmarc_asked *asked, struct slice text)
{
	struct dmarc_record record;

	if (!dmarc_record_parse(text, &record) ||
	    (asked->records++ > 0 && (asked->record.rua.seen > 0 || record.rua.seen == 0)))
		return;
	buf_done(&asked->text);
	buf_init(&asked->text, MAILAUTH_DMARC_RECORD_MAX);
	if (buf_put_slice(&asked->text, text) != 0) {
		a->err = ERR_NOMEM;
		asked->found = MAILAUTH_FAILED;
		return;
	}
	(void)dmarc_record_parse(buf_slice(&asked->text), &asked->record);
}

void
dmarc_asking_answer(struct dmarc_asking *a, const struct mailauth_answer *answer)
{
	struct dmarc_asked *asked = a->open;

	if (asked == NULL)
		return;
	a->open = NULL;
	asked->answered = true;
	asked->found = answer->found;
	asked->secure = answer->secure;
	if (asked->type == MAILAUTH_TXT && answer->found == MAILAUTH_FOUND)
		for (size_t i = 0; i < answer->record_count; i++)
			take_text(a, asked, answer->records[i]);
}

void
dmarc_asking_done(struct dmarc_asking *a)
{
	for (size_t i = 0; i < a->count; i++) {
		buf_done(&a->asked[i]->text);
		mem_free(a->asked[i]);
	}
	a->count = 0;
}

const struct dmarc_record *
dmarc_asked_record(const struct dmarc_asked *asked)
{
	return asked->found == MAILAUTH_FOUND && asked->records == 1 ? &asked->record : NULL;
}

/* ---- the walk ---- */

/* The record at the organization itself, if there is one; it goes before the public suffix's. */
static enum dmarc_walked
take_policy(struct dmarc_asking *a, struct slice suffix, const struct dmarc_asked *suffix_asked, struct dmarc_walk *out)
{
	const struct dmarc_asked *own = dmarc_ask(a, MAILAUTH_TXT, SLICE("_dmarc."), out->organization);

	if (own == NULL)
		return DMARC_WALK_WAITS;
	if (own->found == MAILAUTH_FAILED)
		return DMARC_WALK_FAILED;
	if (dmarc_asked_record(own) != NULL) {
		out->policy = own;
		out->policy_domain = out->organization;
	} else if (suffix_asked != NULL) {
		out->policy = suffix_asked;
		out->policy_domain = suffix;
	}
	return DMARC_WALK_DONE;
}

enum dmarc_walked
dmarc_walk(struct dmarc_asking *a, struct slice domain, struct dmarc_walk *out)
{
	struct dmarc_walk walk = { .organization = domain };
	const struct dmarc_asked *asked, *suffix = NULL;
	const struct dmarc_record *record;
	struct slice target = domain;
	enum dmarc_walked what;

	while (target.len > 0) {
		size_t labels = mailauth_name_labels(target);

		asked = dmarc_ask(a, MAILAUTH_TXT, SLICE("_dmarc."), target);
		if (asked == NULL)
			return DMARC_WALK_WAITS;
		if (asked->found == MAILAUTH_FAILED)
			return DMARC_WALK_FAILED;
		record = dmarc_asked_record(asked);
		if (record != NULL && record->psd == DMARC_PSD_YES && target.len < domain.len) {
			walk.organization = mailauth_name_above(domain, mailauth_name_labels(domain) - labels - 1);
			suffix = asked;
			break;
		}
		if (record != NULL)
			walk.organization = target;
		if (record != NULL && record->psd != DMARC_PSD_UNKNOWN)
			break;
		/* From eight labels on, down to seven at once: eight questions at most (steps 3 and 4). */
		target = mailauth_name_above(
		    target, labels < MAILAUTH_DMARC_WALK_MAX ? 1 : labels - MAILAUTH_DMARC_WALK_MAX + 1);
	}
	what = take_policy(a, target, suffix, &walk);
	if (what == DMARC_WALK_DONE)
		*out = walk;
	return what;
}
