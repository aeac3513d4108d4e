/* SPDX-License-Identifier: ISC */
/* Whose the certificate is, who vouches for it, until when, and how strong its key is. */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "client/audit/audit.h"

#define SOON_DAYS 14
#define STRENGTH_MIN 112u /* bits: RSA with 2048 (RFC 9325 section 4.5) */

static void
judge_name(struct audit *a, const struct audit_look *look, struct slice who)
{
	const struct probe_seen *s = &look->seen;
	/* Senders without a policy take any certificate: RFC 7435. With DANE's usage 3 the name does not count at all. */
	enum audit_result wrong = s->dane_good ? AUDIT_NOTE : AUDIT_WEAK;

	if (s->covers_name)
		audit_find(a, CHECK_CERT_NAME, AUDIT_GOOD, who, "%s", s->peer.names);
	else
		audit_find(a, CHECK_CERT_NAME, wrong, who, "it is for %s",
		    s->peer.names[0] != '\0' ? s->peer.names : s->peer.subject);
	if (s->chain_good)
		audit_find(a, CHECK_CERT_CHAIN, AUDIT_GOOD, who, "%s", s->peer.issuer);
	else
		audit_find(
		    a, CHECK_CERT_CHAIN, wrong, who, "%s%s", s->own ? "it vouches for itself: " : "", s->chain_reason);
}

static void
judge_time(struct audit *a, const struct audit_look *look, struct slice who)
{
	const struct probe_seen *s = &look->seen;
	int64_t now = (int64_t)a->now, left = (s->ends - now) / DATE_DAY;

	if (now < s->begins)
		audit_find(a, CHECK_CERT_TIME, AUDIT_WEAK, who, "it begins at %s", s->peer.not_before);
	else if (now >= s->ends)
		audit_find(a, CHECK_CERT_TIME, AUDIT_WEAK, who, "it is over since %s", s->peer.not_after);
	else
		audit_find(a, CHECK_CERT_TIME, left < SOON_DAYS ? AUDIT_NOTE : AUDIT_GOOD, who, "for %lld more days",
		    (long long)left);
}

static void
judge_key(struct audit *a, const struct audit_look *look, struct slice who)
{
	const struct probe_seen *s = &look->seen;
	/* Its own signature on itself proves nothing, so its hash does not matter. */
	bool weak = s->key_strength < STRENGTH_MIN || (s->weak_signature && !s->own);

	audit_find(a, CHECK_CERT_KEY, weak ? AUDIT_WEAK : AUDIT_GOOD, who, "%s with %u bits, signed by %s", s->key,
	    s->key_bits, s->signature);
}

static bool
is_same(const struct audit_look *x, const struct audit_look *y)
{
	return x->tls && y->tls && memcmp(x->seen.peer.pin, y->seen.peer.pin, TLS_PIN_SIZE) == 0 &&
	    x->seen.ends == y->seen.ends;
}

static void
judge_host(struct audit *a, const struct audit_host *h)
{
	bool verified = false;

	for (size_t i = 0; i < h->look_count; i++) {
		const struct audit_look *look = &h->looks[i];
		struct slice who =
		    i == 0 ? slice_str(h->name) : arena_printf(&a->arena, "%s (%s)", h->name, look->address);

		if (!look->tls || (i > 0 && is_same(look, &h->looks[0])))
			continue;
		judge_name(a, look, who);
		judge_time(a, look, who);
		judge_key(a, look, who);
		verified = look->seen.dane_good || (look->seen.chain_good && look->seen.covers_name);
	}
	a->state.hosts_verified += verified;
}

void
audit_certificates(struct audit *a)
{
	for (size_t i = 0; i < a->host_count; i++)
		judge_host(a, &a->hosts[i]);
}
