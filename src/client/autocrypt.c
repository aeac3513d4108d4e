/* SPDX-License-Identifier: ISC */
#include "client/autocrypt.h"

#include <string.h>

#include "base/date.h"
#include "mime/address.h"
#include "mime/autocrypt.h"
#include "mime/param.h"
#include "openpgp/cert/merge.h"
#include "openpgp/judge/verify.h"
#include "trust/find/find.h"

#define ARENA (4u << 20)

/* ---- going out ---- */

static int
put(const struct pgp_cert *cert, const char *name, struct slice address, bool mutual, const struct pgp_policy *policy,
    struct buf *out, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = MIME_AUTOCRYPT_MAX };
	struct mime_autocrypt x = { .addr = address, .mutual = mutual };
	int rc = pgp_cert_export_autocrypt(cert, address, policy, &bytes, e);

	x.keydata = buf_slice(&bytes);
	return rc == 0 ? mime_autocrypt_write(&x, name, out, e) : rc;
}

int
autocrypt_put(
    const struct pgp_cert *own, struct slice address, const struct pgp_policy *policy, struct buf *out, struct error *e)
{
	return put(own, "Autocrypt", address, true, policy, out, e);
}

void
autocrypt_put_gossip(
    const struct pgp_cert *cert, struct slice address, const struct pgp_policy *policy, struct buf *out)
{
	(void)put(cert, "Autocrypt-Gossip", address, false, policy, out, NULL);
}

/* ---- coming in ---- */

/* A certificate that cannot be used is as if it had not come. */
static void
keep(struct keyring *k, const struct mime_autocrypt *x, enum trust_origin origin, struct slice from)
{
	const struct pgp_export only = { .keep_unhashed = true, .only_address = x->addr, .no_attributes = true };
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX };
	struct pgp_cert *c = NULL, *narrow = NULL;
	struct trust_put what = { .origin = origin, .from = from, .address = x->addr, .policy = k->policy };

	if (pgp_cert_parse(x->keydata, &c, NULL, NULL) == 0 && !c->secret && find_is_for(c, x->addr, &k->policy) &&
	    pgp_cert_export(c, &only, &bytes, NULL) == 0 &&
	    pgp_cert_parse(buf_slice(&bytes), &narrow, NULL, NULL) == 0) {
		what.cert = narrow;
		(void)trust_store_put(k->certs, &what, NULL, NULL);
	}
	pgp_cert_free(narrow);
	pgp_cert_free(c);
}

static uint64_t
effective_date(const struct mime_header *h, uint64_t now)
{
	int64_t when = 0;
	int16_t zone;

	if (date_parse_mail(mime_header_value(h, "Date"), &when, &zone, NULL) != 0 || when < 0)
		when = 0;
	return trust_peer_effective_date((uint64_t)when, now);
}

static bool
is_report(const struct mime_header *h, struct arena *a)
{
	struct mime_value v;

	return mime_value_parse(mime_header_value(h, "Content-Type"), a, &v, NULL) == 0 &&
	    slice_eq_str(v.value, "multipart/report");
}

/* The one sender; false when there are several, or it is we. */
static bool
sender(const struct mime_header *h, const char *own, struct arena *a, struct buf *out)
{
	struct mime_address m;

	return mime_header_count(h, "From") == 1 &&
	    mime_address_parse_one(mime_header_value(h, "From"), a, &m, NULL) == 0 && mime_address_spec(&m, out) == 0 &&
	    !slice_ieq_str(buf_slice(out), own);
}

static void
take(struct keyring *k, const struct mime_header *h, const char *own, struct arena *a)
{
	BUF_OWNED struct buf from = { .max = TRUST_ADDRESS_MAX };
	struct trust_peer_mail mail = { 0 };
	struct mime_autocrypt x;
	bool changed = false;

	if (is_report(h, a) || !sender(h, own, a, &from))
		return;
	mail.effective_date = effective_date(h, k->policy.now);
	if (mime_autocrypt_find(h, buf_slice(&from), a, &x, NULL) == 0) {
		mail.key = x.keydata;
		mail.mutual = x.mutual;
	}
	if (trust_peer_see(k->certs, buf_slice(&from), &mail, &changed, NULL) == 0 && changed && mail.key.len > 0)
		keep(k, &x, TRUST_AUTOCRYPT, buf_slice(&from));
}

void
autocrypt_take(struct keyring *k, struct slice raw, const char *own)
{
	struct mime_header h;
	struct arena a;

	arena_init(&a, ARENA);
	if (mime_header_parse(raw, &a, &h, NULL) == 0)
		take(k, &h, own, &a);
	arena_done(&a);
}

/* ---- gossip ---- */

static bool
is_among(const struct mime_addresses *list, struct slice address)
{
	for (size_t i = 0; i < list->count; i++) {
		BUF_OWNED struct buf spec = { .max = TRUST_ADDRESS_MAX };

		if (mime_address_spec(&list->items[i], &spec) == 0 && slice_ieq(buf_slice(&spec), address))
			return true;
	}
	return false;
}

/* Whether the letter itself names the address among those whom one answers to. */
static bool
is_named(const struct letter_opened *o, struct slice address, struct arena *a)
{
	static const char *const names[] = { "To", "Cc", "Reply-To" };
	struct mime_addresses list;
	struct slice value;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (letter_opened_field(o, names[i], &value, NULL) &&
		    mime_addresses_parse(value, a, &list, NULL) == 0 && is_among(&list, address))
			return true;
	}
	return false;
}

void
autocrypt_take_gossip(struct keyring *k, const struct letter_opened *o, const char *own)
{
	const struct mime_part *root = letter_opened_root(o);
	struct mime_autocrypt *said;
	struct arena a;
	size_t n = 0;

	if (root == NULL || !letter_opened_verdict(o)->encrypted)
		return;
	arena_init(&a, ARENA);
	said = arena_array(&a, MIME_GOSSIP_MAX, sizeof *said);
	if (said != NULL)
		n = mime_autocrypt_gossip(&root->fields, &a, said, MIME_GOSSIP_MAX);
	for (size_t i = 0; i < n; i++) {
		bool changed = false;

		if (slice_ieq_str(said[i].addr, own) || !is_named(o, said[i].addr, &a))
			continue;
		if (trust_peer_hear(k->certs, said[i].addr, effective_date(&root->fields, k->policy.now),
			said[i].keydata, &changed, NULL) == 0 &&
		    changed)
			keep(k, &said[i], TRUST_GOSSIP, SLICE("a letter to several"));
	}
	arena_done(&a);
}

/* ---- the recommendation ---- */

static bool
is_usable(struct keyring *k, struct slice keydata, struct slice address)
{
	struct pgp_cert *c = NULL;
	bool usable =
	    keydata.len > 0 && pgp_cert_parse(keydata, &c, NULL, NULL) == 0 && find_is_for(c, address, &k->policy);

	pgp_cert_free(c);
	return usable;
}

enum trust_advice
autocrypt_advice(struct keyring *k, struct slice address, bool usable)
{
	enum trust_advice advice = usable ? TRUST_ADVICE_AVAILABLE : TRUST_ADVICE_DISABLE;
	struct trust_peer_question q = { .mutual = true };
	struct trust_peer peer;
	struct arena a;

	arena_init(&a, ARENA);
	if (trust_peer_read(k->certs, address, &a, &peer, NULL) == 0) {
		q.peer = &peer;
		q.key_usable = is_usable(k, peer.key, address);
		q.gossip_usable = is_usable(k, peer.gossip_key, address);
		if (q.key_usable || q.gossip_usable)
			advice = trust_peer_advice(&q, NULL);
	}
	arena_done(&a);
	return advice;
}
