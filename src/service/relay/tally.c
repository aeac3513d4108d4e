/* SPDX-License-Identifier: ISC */
/*
 * What is counted for TLS reports (RFC 8460 section 4.3): one result of each
 * session, when TLS is there or has failed. Times that run out and servers that
 * are busy are no results (section 4.3.4).
 *
 * Only sessions for which nothing but the domain's own policy decides: not over
 * a host that the operator named, not with REQUIRETLS, and not with
 * TLS-Required: No, which reports have themselves, so that none is about the
 * delivery of reports (section 3).
 */
#include "service/relay/internal.h"

#include "os/log.h"
#include "service/policy/tally.h"

#define TALLY_ARENA (32u << 10)

static bool
is_counted(const struct destination *d)
{
	return d->hop.host.len == 0 && d->flags == 0 && d->domain.len > 0 && d->domain.data[0] != '[';
}

static struct slice
cut(struct slice text)
{
	return slice_sub(text, 0, TLS_TALLY_TEXT_MAX);
}

static void
tell(struct destination *d, const struct tls_tally *t)
{
	BUF_OWNED struct buf row = { 0 };
	struct queue_tally in = { .domain = d->domain, .count = 1 };
	struct relay *r = d->relay;
	struct error e;
	int rc;

	buf_init(&row, TLS_TALLY_ROW_MAX);
	rc = tls_tally_write(t, &row, &e);
	in.row = buf_slice(&row);
	if (rc == 0)
		rc = relay_ask(
		    r, r->queue, relay_method(&queue_interface, QUEUE_METHOD_tally), &in, relay_ignore, NULL, &e);
	if (rc != 0)
		log_event(LOG_LEVEL_DEBUG, "relay.not_counted", log_slice("domain", d->domain), log_error(&e));
}

/* Which policy it was, and its text. */
static void
take_policy(const struct destination *d, const struct policy_decision *p, struct tls_tally *t, struct arena *a)
{
	if (p != NULL && p->policy == QUEUE_POLICY_DANE) {
		t->type = TLSRPT_TLSA;
		tls_tally_tlsa(t, p->tlsa, p->tlsa_count, a);
	} else if (d->sts.mode != STS_NONE) {
		t->type = TLSRPT_STS;
		tls_tally_sts(t, buf_slice(&d->sts_text), a);
	}
}

/* ---- sessions ---- */

static const enum tlsrpt_result of_fault[] = {
	[TLS_OUTGOING_NO_FAULT] = TLSRPT_VALIDATION_FAILURE,
	[TLS_OUTGOING_FAULT_NAME] = TLSRPT_HOST_MISMATCH,
	[TLS_OUTGOING_FAULT_EXPIRED] = TLSRPT_EXPIRED,
	[TLS_OUTGOING_FAULT_TRUST] = TLSRPT_NOT_TRUSTED,
	[TLS_OUTGOING_FAULT_TLSA] = TLSRPT_TLSA_INVALID,
	[TLS_OUTGOING_FAULT_OTHER] = TLSRPT_VALIDATION_FAILURE,
};

/* Over TLS that stands, or whose other end was found wanting. */
static void
judge_certificate(const struct link *l, struct tls_tally *t)
{
	const struct tls_outgoing_facts *facts = dial_tls_facts(l->conn);
	const struct route_host *h = &l->route->hosts[l->at.host];
	const struct destination *d = l->destination;

	if (t->type == TLSRPT_TLSA && h->decision.tlsa_count == 0) {
		t->result = TLSRPT_TLSA_INVALID; /* none of its records can be used: encrypted, and nobody is known */
		t->reason = SLICE("no TLSA record is usable for SMTP");
	} else if (t->type != TLSRPT_NO_POLICY && facts->verified == TLS_OUTGOING_UNVERIFIED) {
		t->result = of_fault[facts->fault];
		t->reason = cut(slice_str(facts->reason));
	} else if (t->type == TLSRPT_STS && !sts_policy_names(&d->sts, h->name)) {
		t->result = TLSRPT_VALIDATION_FAILURE;
		t->reason = SLICE("the MTA-STS policy does not name this server");
	}
}

static void
judge_session(const struct link *l, struct tls_tally *t)
{
	if (dial_tls_facts(l->conn)->version != NULL) {
		judge_certificate(l, t);
	} else if (l->m == NULL || !smtp_client_has_start_tls(l->m)) {
		t->result = TLSRPT_STARTTLS_NOT_SUPPORTED;
	} else {
		t->result = TLSRPT_VALIDATION_FAILURE;
		t->reason = cut(slice_str(l->failure.text));
	}
}

void
tally_session(struct link *l)
{
	const struct route_host *h = &l->route->hosts[l->at.host];
	struct destination *d = l->destination;
	struct tls_tally t = { .result = TLSRPT_SUCCESS };
	struct arena a;

	if (l->counted || l->at.clear || !is_counted(d))
		return;
	l->counted = true;
	arena_init(&a, TALLY_ARENA);
	take_policy(d, &h->decision, &t, &a);
	judge_session(l, &t);
	if (t.result != TLSRPT_SUCCESS) {
		t.mx_name = cut(h->name);
		t.mx_ip = cut(slice_str(h->addresses[l->at.address]));
		t.sending_ip = cut(slice_str(dial_local(l->conn)));
	}
	tell(d, &t);
	arena_done(&a);
}

/* ---- what comes to no session ---- */

void
tally_not_permitted(struct destination *d, const struct route_host *h)
{
	struct tls_tally t = { .mx_name = cut(h->name), .reason = cut(slice_str(h->decision.why)) };
	struct arena a;

	if (!is_counted(d) || (h->decision.policy == QUEUE_POLICY_NONE && !h->decision.no_dane))
		return;
	arena_init(&a, TALLY_ARENA);
	take_policy(d, &h->decision, &t, &a);
	t.result = h->decision.no_dane ? TLSRPT_DANE_REQUIRED
	    : t.type == TLSRPT_TLSA    ? TLSRPT_DNSSEC_INVALID
				       : TLSRPT_VALIDATION_FAILURE;
	tell(d, &t);
	arena_done(&a);
}

void
tally_no_sts(struct destination *d, const struct error *e)
{
	struct tls_tally t = { .type = TLSRPT_STS, .reason = cut(slice_str(e->text)) };

	if (!is_counted(d))
		return;
	t.result = e->code == ERR_TLS                       ? TLSRPT_STS_WEBPKI_INVALID
	    : e->code == ERR_SYNTAX || e->code == ERR_LIMIT ? TLSRPT_STS_INVALID
							    : TLSRPT_STS_FETCH_ERROR;
	tell(d, &t);
}
