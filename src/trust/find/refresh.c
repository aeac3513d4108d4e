/* SPDX-License-Identifier: ISC */
#include "trust/find/refresh.h"

#include "crypto/random.h"
#include "trust/records.h"

#define DAY 86400u
#define DUE_MAX 100000u
#define DUE_ARENA (64u << 20)

/* ---- chance ---- */

/* Less than n; the bias of a remainder does not matter for times. */
static int
random_below(uint32_t n, uint32_t *out, struct error *e)
{
	int rc = random_bytes(out, sizeof *out, e);

	*out = rc == 0 && n > 0 ? *out % n : 0;
	return rc;
}

/*
 * Half the mean to one and a half of it: what was asked for together is not asked for together again. Sooner when nobody
 * could be asked.
 */
static int
next_due(uint64_t now, bool asked, uint64_t *out, struct error *e)
{
	uint32_t mean = asked ? FIND_REFRESH_DAYS * DAY : DAY, seconds = 0;
	int rc = random_below(mean, &seconds, e);

	*out = now + mean / 2 + seconds;
	return rc;
}

/* ---- one ---- */

static bool
has_changed(const struct find_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		if (report->results[i].outcome == FIND_CHANGED)
			return true;
	}
	return false;
}

/* Where the domain itself gave a certificate, it is asked again for the address. */
static int
ask_domain(const struct find_place *place, const struct trust_entry *entry, struct find_report *report, struct error *e)
{
	BUF_OWNED struct buf address = { .max = TRUST_ADDRESS_MAX };
	struct find_place there = *place;
	struct find_query q = { .kind = FIND_ADDRESS };

	if ((entry->origin != TRUST_WKD && entry->origin != TRUST_DANE) || entry->address_count == 0)
		return 0;
	there.sources &= entry->origin == TRUST_WKD ? FIND_BIT(FIND_WKD) : FIND_BIT(FIND_DNS);
	if (there.sources == 0 || buf_put_slice(&address, entry->addresses[0]) != 0)
		return 0;
	q.text = buf_slice(&address);
	return find_run(&there, &q, report, e);
}

/*
 * The same certificate by its address, where that names nobody: by fingerprint a bucket has it without user IDs, and so
 * without the signatures that tell a version 4 key's expiry.
 */
static int
ask_by_address(
    const struct find_place *place, const struct pgp_fingerprint *f, struct find_report *report, struct error *e)
{
	BUF_OWNED struct buf address = { .max = TRUST_ADDRESS_MAX };
	const struct trust_entry *entry = trust_store_find(place->store, f);
	struct find_place there = *place;
	struct find_query q = { .kind = FIND_ADDRESS };

	if (entry == NULL || entry->address_count == 0 || place->not_private ||
	    buf_put_slice(&address, entry->addresses[0]) != 0)
		return 0;
	q.text = buf_slice(&address);
	there.only_private = true;
	return find_run(&there, &q, report, e);
}

int
find_refresh_one(const struct find_place *place, const struct pgp_fingerprint *f, struct find_report *report,
    struct find_refreshed *out, struct error *e)
{
	const struct trust_entry *entry = trust_store_find(place->store, f);
	struct find_place there = *place;
	struct find_query q = { .kind = FIND_FINGERPRINT, .fingerprint = *f };
	struct trust_refresh r = { .fingerprint = *f, .asked = place->policy->now };
	bool changed, asked;
	int rc;

	if (entry == NULL)
		return error_set(e, ERR_NOT_FOUND, "there is no such certificate here");
	report->count = report->failure_count = 0;
	report->asked = 0;
	rc = ask_domain(place, entry, report, e);
	changed = has_changed(report);
	asked = report->asked != 0;
	there.sources &= FIND_BIT(FIND_EXCHANGE) | FIND_BIT(FIND_SERVER);
	if (rc == 0)
		rc = find_run(&there, &q, report, e);
	changed = changed || has_changed(report);
	asked = asked || report->asked != 0;
	if (rc == 0)
		rc = ask_by_address(&there, f, report, e);
	changed = changed || has_changed(report);
	if (rc == 0)
		rc = next_due(r.asked, asked, &r.due, e);
	if (rc != 0)
		return rc;
	out->certificates++;
	out->changed += changed;
	out->failed += !asked;
	return trust_refresh_set(place->store, &r, e);
}

/* ---- those that are due ---- */

static int
shuffle(struct trust_refresh *rows, size_t n, struct error *e)
{
	int rc = 0;

	for (size_t i = n; i > 1 && rc == 0; i--) {
		struct trust_refresh kept = rows[i - 1];
		uint32_t k = 0;

		rc = random_below((uint32_t)i, &k, e);
		rows[i - 1] = rows[k];
		rows[k] = kept;
	}
	return rc;
}

/* Somewhere in the next days: a new key ring is not asked for as a whole either. */
static int
schedule(struct trust_store *s, struct trust_refresh *r, uint64_t now, struct error *e)
{
	uint32_t seconds = 0;
	int rc = random_below(FIND_REFRESH_DAYS * DAY, &seconds, e);

	r->due = now + seconds;
	return rc == 0 ? trust_refresh_set(s, r, e) : rc;
}

/* Those that were never scheduled get a time, and fall out of rows. */
static int
schedule_new(const struct find_place *place, struct trust_refresh *rows, size_t *n, struct error *e)
{
	size_t kept = 0;
	int rc = trust_store_begin(place->store, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < *n && rc == 0; i++) {
		if (rows[i].due == 0)
			rc = schedule(place->store, &rows[i], place->policy->now, e);
		else
			rows[kept++] = rows[i];
	}
	*n = kept;
	if (rc == 0)
		return trust_store_end(place->store, true, e);
	(void)trust_store_end(place->store, false, NULL);
	return rc;
}

static int
wait_a_little(const struct find_pacing *p, bool *go_on, struct error *e)
{
	uint32_t seconds = 0;
	int rc = random_below(p->pause_max + 1, &seconds, e);

	*go_on = rc == 0 && (p->pause == NULL || p->pause(p->ctx, seconds) == 0);
	return rc;
}

static int
refresh_rows(const struct find_place *place, const struct find_pacing *pacing, struct trust_refresh *rows, size_t n,
    struct find_report *report, struct find_refreshed *out, struct error *e)
{
	bool go_on = true;
	size_t done = 0;
	int rc = shuffle(rows, n, e);

	while (rc == 0 && done < n && done < pacing->max && go_on) {
		rc = find_refresh_one(place, &rows[done].fingerprint, report, out, e);
		done++;
		if (rc == 0 && done < n && done < pacing->max)
			rc = wait_a_little(pacing, &go_on, e);
	}
	out->waiting += n - done;
	return rc;
}

int
find_refresh_due(const struct find_place *place, const struct find_pacing *pacing, struct find_report *report,
    struct find_refreshed *out, struct error *e)
{
	struct trust_refresh *rows = NULL;
	uint64_t at = pacing->all ? UINT64_MAX / 2 : place->policy->now;
	struct arena a;
	size_t n = 0;
	int rc;

	arena_init(&a, DUE_ARENA);
	rc = trust_refresh_due(place->store, at, DUE_MAX, &a, &rows, &n, e);
	if (rc == 0 && !pacing->all)
		rc = schedule_new(place, rows, &n, e);
	if (rc == 0)
		rc = refresh_rows(place, pacing, rows, n, report, out, e);
	arena_done(&a);
	return rc;
}
