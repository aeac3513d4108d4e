/* SPDX-License-Identifier: ISC */
#include "mailauth/dmarc/destination.h"

#include "base/arena.h"
#include "base/idn.h"
#include "base/mem.h"
#include "mailauth/dmarc/walk.h"
#include "mailauth/name.h"

#define ARENA_MAX (64u << 10) /* for ten URIs, at most twice */

struct dmarc_destination {
	struct arena arena;
	struct dmarc_asking asking;
	struct slice domain;
	struct dmarc_uris uris;
	size_t next; /* of uris */
	struct slice addresses[MAILAUTH_DMARC_URIS_MAX];
	size_t count;
	bool temporary;
};

static int
no_memory(const struct dmarc_destination *d, struct error *e)
{
	return d->arena.err == ERR_LIMIT ? error_set(e, ERR_LIMIT, "the addresses for reports are too large")
					 : error_nomem(e);
}

int
dmarc_destination_new(
    struct slice domain, const struct dmarc_uris *uris, struct dmarc_destination **out, struct error *e)
{
	struct dmarc_destination *d = mem_alloc(sizeof(*d));
	int rc = 0;

	if (d == NULL)
		return error_nomem(e);
	arena_init(&d->arena, ARENA_MAX);
	d->uris = *uris;
	d->domain = arena_copy(&d->arena, mailauth_name_bare(domain));
	for (size_t i = 0; i < uris->count; i++)
		d->uris.mailto[i] = arena_copy(&d->arena, uris->mailto[i]);
	if (d->arena.err != 0) {
		rc = no_memory(d, e);
		dmarc_destination_free(d);
		return rc;
	}
	*out = d;
	return 0;
}

/* ---- one address ---- */

enum consent { WAITS, REFUSED, UNKNOWN, OWN, AGREED };

/* The organizations of the record's domain and of the host: the same, or another's that has to agree. */
static enum consent
ask_organization(struct dmarc_destination *d, struct slice host)
{
	struct dmarc_walk ours, theirs;
	enum dmarc_walked what;

	if (mailauth_name_is(host, d->domain))
		return OWN;
	what = dmarc_walk(&d->asking, d->domain, &ours);
	if (what == DMARC_WALK_DONE && !mailauth_name_below(host, ours.organization))
		return REFUSED;
	if (what == DMARC_WALK_DONE)
		what = dmarc_walk(&d->asking, host, &theirs);
	if (what != DMARC_WALK_DONE)
		return what == DMARC_WALK_WAITS ? WAITS : UNKNOWN;
	return mailauth_name_is(ours.organization, theirs.organization) ? OWN : REFUSED;
}

static enum consent
ask_host(struct dmarc_destination *d, struct slice host, const struct dmarc_asked **asked_out)
{
	BUF_OWNED struct buf prefix = { .max = MAILAUTH_NAME_MAX };
	enum consent consent = ask_organization(d, host);

	if (consent != REFUSED)
		return consent;
	(void)buf_put_slice(&prefix, d->domain);
	if (buf_put_str(&prefix, "._report._dmarc.") != 0)
		return prefix.err == ERR_LIMIT ? REFUSED : UNKNOWN;
	*asked_out = dmarc_ask(&d->asking, MAILAUTH_TXT, buf_slice(&prefix), host);
	if (*asked_out == NULL)
		return WAITS;
	if ((*asked_out)->found == MAILAUTH_FAILED)
		return UNKNOWN;
	return (*asked_out)->records > 0 ? AGREED : REFUSED;
}

static void
add(struct dmarc_destination *d, struct slice uri)
{
	BUF_OWNED struct buf address = { .max = MAILAUTH_ADDRESS_MAX + IDN_NAME_MAX };

	if (dmarc_uri_address(uri, &address, NULL) != 0)
		return;
	for (size_t i = 0; i < d->count; i++)
		if (slice_eq(d->addresses[i], buf_slice(&address)))
			return;
	if (d->count == MAILAUTH_DMARC_URIS_MAX)
		return;
	d->addresses[d->count] = arena_copy(&d->arena, buf_slice(&address));
	d->count += d->addresses[d->count].len > 0;
}

static bool
is_of_host(struct slice uri, struct slice host)
{
	BUF_OWNED struct buf other = { .max = IDN_NAME_MAX };

	return dmarc_uri_host(uri, &other, NULL) == 0 && slice_eq(buf_slice(&other), host);
}

/* What the host names instead; nothing at all if it would send the reports on to another host (section 4, step 9). */
static void
add_agreed(struct dmarc_destination *d, struct slice uri, struct slice host, const struct dmarc_asked *asked)
{
	const struct dmarc_uris *instead = &asked->record.rua;

	if (instead->seen == 0) {
		add(d, uri);
		return;
	}
	for (size_t i = 0; i < instead->count; i++)
		if (!is_of_host(instead->mailto[i], host))
			return;
	for (size_t i = 0; i < instead->count; i++)
		add(d, instead->mailto[i]);
}

/* False: a question is open. */
static bool
decide(struct dmarc_destination *d, struct slice uri)
{
	BUF_OWNED struct buf host = { .max = IDN_NAME_MAX };
	const struct dmarc_asked *asked = NULL;
	enum consent consent;

	if (dmarc_uri_host(uri, &host, NULL) != 0)
		return true;
	consent = ask_host(d, buf_slice(&host), &asked);
	if (consent == OWN)
		add(d, uri);
	else if (consent == AGREED)
		add_agreed(d, uri, buf_slice(&host), asked);
	else if (consent == UNKNOWN)
		d->temporary = true;
	return consent != WAITS;
}

/* ---- the machine ---- */

enum dmarc_destination_what
dmarc_destination_next(struct dmarc_destination *d, struct mailauth_question *question_out)
{
	bool waits = false;

	while (!waits && d->next < d->uris.count) {
		waits = !decide(d, d->uris.mailto[d->next]);
		d->next += !waits;
	}
	if (waits && d->asking.open != NULL) {
		*question_out =
		    (struct mailauth_question){ .type = d->asking.open->type, .name = d->asking.open->name };
		return DMARC_DESTINATION_LOOKUP;
	}
	return DMARC_DESTINATION_DONE;
}

void
dmarc_destination_answer(struct dmarc_destination *d, const struct mailauth_answer *answer)
{
	dmarc_asking_answer(&d->asking, answer);
}

size_t
dmarc_destination_count(const struct dmarc_destination *d)
{
	return d->count;
}

struct slice
dmarc_destination_address(const struct dmarc_destination *d, size_t i)
{
	return i < d->count ? d->addresses[i] : SLICE_EMPTY;
}

bool
dmarc_destination_temporary(const struct dmarc_destination *d)
{
	return d->temporary;
}

void
dmarc_destination_free(struct dmarc_destination *d)
{
	if (d == NULL)
		return;
	dmarc_asking_done(&d->asking);
	arena_done(&d->arena);
	mem_free(d);
}
