/* SPDX-License-Identifier: ISC */
/* Autocrypt Level 1: the rules. */
#include "trust/peers.h"

#define STALE (35u * 86400u) /* "more than 35 days older than last_seen" */

uint64_t
trust_peer_effective_date(uint64_t date, uint64_t received)
{
	return date == 0 || date > received ? received : date;
}

bool
trust_peer_update(struct trust_peer *p, const struct trust_peer_mail *m)
{
	bool changed = false;

	if (m->effective_date < p->autocrypt_timestamp)
		return false;
	if (m->effective_date > p->last_seen) {
		p->last_seen = m->effective_date;
		changed = true;
	}
	if (m->key.len == 0)
		return changed;
	changed = changed || p->autocrypt_timestamp != m->effective_date || !slice_eq(p->key, m->key) ||
	    p->mutual != m->mutual;
	p->autocrypt_timestamp = m->effective_date;
	p->key = m->key;
	p->mutual = m->mutual;
	return changed;
}

bool
trust_peer_gossip(struct trust_peer *p, uint64_t effective_date, struct slice key)
{
	bool changed;

	if (key.len == 0 || p->gossip_timestamp > effective_date)
		return false;
	changed = p->gossip_timestamp != effective_date || !slice_eq(p->gossip_key, key);
	p->gossip_timestamp = effective_date;
	p->gossip_key = key;
	return changed;
}

const char *
trust_advice_name(enum trust_advice a)
{
	static const char *const names[] = { "disable", "discourage", "available", "encrypt" };

	return (unsigned)a < sizeof names / sizeof names[0] ? names[a] : "disable";
}

static bool
is_stale(const struct trust_peer *p)
{
	return p->last_seen > p->autocrypt_timestamp && p->last_seen - p->autocrypt_timestamp > STALE;
}

enum trust_advice
trust_peer_advice(const struct trust_peer_question *q, struct slice *key_out)
{
	static const struct trust_peer nobody = { .last_seen = 0 };
	const struct trust_peer *p = q->peer != NULL ? q->peer : &nobody;
	bool key = q->key_usable && p->key.len > 0, gossip = q->gossip_usable && p->gossip_key.len > 0;
	enum trust_advice preliminary = TRUST_ADVICE_AVAILABLE;

	if (key_out != NULL)
		*key_out = key ? p->key : gossip ? p->gossip_key : SLICE_EMPTY;
	if (!key && !gossip)
		return TRUST_ADVICE_DISABLE;
	if (!key || is_stale(p))
		preliminary = TRUST_ADVICE_DISCOURAGE;
	if (q->reply_to_encrypted || (preliminary == TRUST_ADVICE_AVAILABLE && p->mutual && q->mutual))
		return TRUST_ADVICE_ENCRYPT;
	return preliminary;
}

enum trust_advice
trust_peer_advice_all(const enum trust_advice *each, size_t count)
{
	bool all_encrypt = count > 0, discourage = false;

	if (count == 0)
		return TRUST_ADVICE_DISABLE;
	for (size_t i = 0; i < count; i++) {
		if (each[i] == TRUST_ADVICE_DISABLE)
			return TRUST_ADVICE_DISABLE;
		all_encrypt = all_encrypt && each[i] == TRUST_ADVICE_ENCRYPT;
		discourage = discourage || each[i] == TRUST_ADVICE_DISCOURAGE;
	}
	if (all_encrypt)
		return TRUST_ADVICE_ENCRYPT;
	return discourage ? TRUST_ADVICE_DISCOURAGE : TRUST_ADVICE_AVAILABLE;
}
