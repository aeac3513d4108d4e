/* SPDX-License-Identifier: ISC */
/* What it all comes to: one sentence, and what to do first. */
#include "client/audit/say.h"

static enum audit_result
worst_of(const struct audit *a)
{
	enum audit_result worst = AUDIT_GOOD;

	for (size_t i = 0; i < a->finding_count; i++)
		if (a->findings[i].result != AUDIT_UNKNOWN && a->findings[i].result > worst)
			worst = a->findings[i].result;
	return worst;
}

static size_t
count(const struct audit *a, enum audit_result r)
{
	size_t n = 0;

	for (size_t i = 0; i < a->finding_count; i++)
		n += a->findings[i].result == r;
	return n;
}

/* Without one of these a sender takes what comes. */
static void
judge_enforced(struct audit *a)
{
	const struct audit_state *s = &a->state;

	if (s->hosts_reached == 0 || a->settings->domain.len == 0)
		return;
	if (s->hosts_dane == a->host_count)
		audit_find(a, CHECK_ENFORCED, AUDIT_GOOD, SLICE_EMPTY, "DANE, for every server");
	else if (s->sts_enforced)
		audit_find(a, CHECK_ENFORCED, AUDIT_GOOD, SLICE_EMPTY, "an enforced MTA-STS policy");
	else
		audit_find(a, CHECK_ENFORCED, AUDIT_WEAK, SLICE_EMPTY, "%s",
		    s->hosts_dane > 0  ? "DANE protects only some of the servers"
			: s->sts_found ? "the MTA-STS policy is not enforced, and there is no DANE"
				       : "there is neither DANE nor MTA-STS");
}

static struct slice
mail_words(const struct audit *a)
{
	const struct audit_state *s = &a->state;

	if (s->mx_bogus)
		return SLICE(
		    "What DNS says of this domain is forged or wrongly signed: who looks, as this program does, "
		    "sends it no mail.");
	if (!s->asked)
		return SLICE("Nothing could be asked: neither DNS nor a server answered.");
	if (s->null_mx)
		return SLICE("The domain says that it takes no mail.");
	if (s->no_mail || (a->host_count == 0 && s->mx_known))
		return SLICE("Nobody can write to this domain: it has no mail server.");
	if (s->hosts_stripped > 0)
		return SLICE(
		    "Something on the way takes the encryption away: letters to this domain can be read and changed.");
	if (s->hosts_reached == 0)
		return SLICE("No mail server could be reached from here, so the encryption is not known.");
	if (s->hosts_encrypted == 0)
		return SLICE("Letters to this domain travel in clear: everybody on their way can read them.");
	if (s->hosts_encrypted < s->hosts_reached)
		return SLICE("Letters to this domain travel encrypted to some of its servers, and in clear to others.");
	if (s->hosts_dane == a->host_count || s->sts_enforced)
		return SLICE(
		    "Letters to this domain travel encrypted, and senders can be sure to reach the right server.");
	if (a->settings->domain.len == 0)
		return SLICE("Letters to these servers travel encrypted.");
	return SLICE("Letters to this domain travel encrypted, but whoever is on their way can switch that off.");
}

int
audit_conclude(struct audit *a)
{
	enum audit_result worst;
	size_t bad, weak;

	judge_enforced(a);
	worst = worst_of(a);
	bad = count(a, AUDIT_BAD);
	weak = count(a, AUDIT_WEAK);
	a->verdict = mail_words(a);
	if (bad > 0)
		a->verdict = arena_printf(&a->arena, "%.*s %zu finding%s bad, %zu weak.", AUDIT_S(a->verdict), bad,
		    bad == 1 ? " is" : "s are", weak);
	else if (weak > 0)
		a->verdict = arena_printf(
		    &a->arena, "%.*s %zu finding%s weak.", AUDIT_S(a->verdict), weak, weak == 1 ? " is" : "s are");
	if (worst >= AUDIT_WEAK)
		return EXIT_NO;
	if (!a->state.asked || (a->state.hosts_reached == 0 && !a->state.null_mx))
		return EXIT_COULD_NOT;
	return EXIT_DONE;
}

/* ---- what to do ---- */

size_t
audit_to_do(const struct audit *a, enum audit_check out[CHECK_COUNT], enum audit_result worst[CHECK_COUNT])
{
	static const enum audit_result order[] = { AUDIT_BAD, AUDIT_WEAK, AUDIT_NOTE };
	size_t n = 0;

	for (unsigned c = 0; c < CHECK_COUNT; c++)
		worst[c] = AUDIT_GOOD;
	for (size_t i = 0; i < a->finding_count; i++) {
		const struct audit_finding *f = &a->findings[i];

		if (f->result != AUDIT_UNKNOWN && f->result > worst[f->check])
			worst[f->check] = f->result;
	}
	for (size_t o = 0; o < sizeof order / sizeof order[0]; o++)
		for (unsigned c = 0; c < CHECK_COUNT; c++)
			if (worst[c] == order[o])
				out[n++] = (enum audit_check)c;
	return n;
}

/* ---- the lock ---- */

enum audit_lock
audit_lock_of(const struct audit *a, const struct audit_host *h)
{
	enum audit_lock lock = AUDIT_LOCK_UNKNOWN;

	for (size_t i = 0; i < h->look_count; i++) {
		const struct audit_look *look = &h->looks[i];
		bool sure =
		    look->seen.dane_good || (a->state.sts_enforced && look->seen.chain_good && look->seen.covers_name);
		enum audit_lock one = look->failed.code != 0            ? AUDIT_LOCK_UNKNOWN
		    : !look->tls || (!look->offered && !look->implicit) ? AUDIT_LOCK_OPEN
		    : sure                                              ? AUDIT_LOCK_CLOSED
									: AUDIT_LOCK_LOOSE;

		/* The worst of what is known. */
		if (lock == AUDIT_LOCK_UNKNOWN || (one != AUDIT_LOCK_UNKNOWN && one < lock))
			lock = one;
	}
	return lock;
}

const char *
audit_lock_words(enum audit_lock lock)
{
	static const char *const words[] = { "could not be looked at", "in clear: everybody on the way can read it",
		"encrypted, but it can be switched off on the way", "encrypted, and senders can be sure" };

	return words[lock];
}
