/* SPDX-License-Identifier: ISC */
/* DANE for SMTP (RFC 7672): what a sender that checks it would do with each server. */
#include "client/audit/audit.h"

/* Where the chain to a secure answer ends, for the person who sets it up. */
static const char *
insecure_words(const struct audit *a, const struct audit_host *h)
{
	if (!a->state.mx_secure)
		return "there are TLSA records, but the domain's MX records are not signed, so nobody uses them";
	return h->secure ? "there are TLSA records, but they are not signed, so nobody uses them"
			 : "there are TLSA records, but the server's address is not signed, so nobody uses them";
}

static struct slice
record_text(struct audit *a, struct slice rdata)
{
	BUF_OWNED struct buf text = { .max = 700 };

	(void)dns_record_text(DNS_TLSA, rdata, &text, NULL);
	return arena_copy(&a->arena, slice_sub(buf_slice(&text), 0, 80));
}

/* Each record: of use now, for a key that is to come, or not usable at all (RFC 7672 section 3.1). */
static void
judge_records(struct audit *a, const struct audit_host *h, const struct audit_look *look, struct slice who)
{
	size_t idle = 0;

	for (size_t i = 0; i < look->tlsa_count; i++) {
		const struct probe_tlsa *t = &look->tlsa[i];

		if (!t->usable)
			audit_find(a, CHECK_DANE_ROLL, AUDIT_NOTE, who, "nobody can use this one: %.*s",
			    AUDIT_S(record_text(a, t->rdata)));
		else if (!t->matches)
			audit_find(a, CHECK_DANE_ROLL, AUDIT_NOTE, who, "this one fits no key of the server now: %.*s",
			    AUDIT_S(record_text(a, t->rdata)));
		idle += !t->matches;
	}
	if (idle == 0)
		audit_find(a, CHECK_DANE_ROLL, AUDIT_GOOD, who, "%zu of %zu fit", h->tlsa_count, h->tlsa_count);
}

static bool
any_usable(const struct audit_look *look)
{
	for (size_t i = 0; i < look->tlsa_count; i++)
		if (look->tlsa[i].usable)
			return true;
	return false;
}

/* True: a sender that checks DANE delivers there. */
static bool
judge_look(struct audit *a, const struct audit_host *h, const struct audit_look *look)
{
	struct slice who =
	    h->look_count > 1 ? arena_printf(&a->arena, "%s (%s)", h->name, look->address) : slice_str(h->name);

	if (look->failed.code != 0)
		return true; /* said already, and no matter of DANE */
	if (!look->tls) {
		audit_find(a, CHECK_DANE_MATCH, AUDIT_BAD, who, "DANE promises TLS, and there is none");
		return false;
	}
	if (!any_usable(look)) {
		audit_find(a, CHECK_DANE_MATCH, AUDIT_WEAK, who, "no record is of a kind that senders use (2 or 3)");
		return true; /* RFC 7672 2.2: then TLS is needed, without checking */
	}
	if (look->seen.dane_good)
		audit_find(a, CHECK_DANE_MATCH, AUDIT_GOOD, who, "the server's key is the one that DNS names");
	else
		audit_find(a, CHECK_DANE_MATCH, AUDIT_BAD, who, "the server's certificate fits none of the records: %s",
		    look->seen.dane_reason);
	judge_records(a, h, look, who);
	return look->seen.dane_good;
}

static void
judge_host(struct audit *a, const struct audit_host *h)
{
	struct slice who = slice_str(h->name);
	bool good = h->look_count > 0;

	switch (h->dane) {
	case AUDIT_DANE_NONE:
		audit_find(a, CHECK_DANE, AUDIT_NOTE, who, "there is no TLSA record");
		return;
	case AUDIT_DANE_INSECURE:
		audit_find(a, CHECK_DANE, AUDIT_WEAK, who, "%s", insecure_words(a, h));
		return;
	case AUDIT_DANE_BOGUS:
		audit_find(a, CHECK_DANE, AUDIT_BAD, who,
		    "its TLSA records have wrong signatures: senders that check DANE do not deliver");
		return;
	case AUDIT_DANE_FAILED:
		/* RFC 7672 section 2.1.1: who cannot learn whether there is one must not go on. */
		audit_find(a, CHECK_DANE, h->secure && a->state.mx_secure ? AUDIT_BAD : AUDIT_NOTE, who,
		    "the name servers do not answer when they are asked for TLSA");
		return;
	case AUDIT_DANE_SECURE:
		break;
	}
	audit_find(a, CHECK_DANE, AUDIT_GOOD, who, "%zu TLSA record%s, by DNSSEC", h->tlsa_count,
	    h->tlsa_count == 1 ? "" : "s");
	for (size_t i = 0; i < h->look_count; i++)
		good &= judge_look(a, h, &h->looks[i]);
	a->state.hosts_dane += good;
}

void
audit_dane(struct audit *a)
{
	if (a->state.null_mx)
		return;
	for (size_t i = 0; i < a->host_count; i++)
		judge_host(a, &a->hosts[i]);
}
