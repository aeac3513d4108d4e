/* SPDX-License-Identifier: ISC */
#include "daemon/own_tlsa.h"

#include "base/mem.h"
#include "net/tls.h"
#include "os/log.h"

#define CHAIN_MAX (96u << 10) /* octets of PEM */

struct looking {
	struct buf hostname, chain;
};

static void
release(struct looking *l)
{
	buf_done(&l->hostname);
	buf_done(&l->chain);
	mem_free(l);
}

/* What DNSSEC does not vouch for, others pass over too; a name without records has no DANE. */
static void
answered(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct looking *l = ctx;
	enum tls_tlsa is = TLS_TLSA_UNUSABLE;
	struct error why;

	(void)e;
	if (answer != NULL && answer->security == DNS_SECURE && answer->record_count > 0 &&
	    tls_chain_tlsa(buf_slice(&l->chain), answer->records, answer->record_count, &is, &why) != 0)
		is = TLS_TLSA_UNUSABLE;
	if (is == TLS_TLSA_FAILS)
		log_event(LOG_LEVEL_ERROR, "tlsa.other_key", log_slice("hostname", buf_slice(&l->hostname)),
		    log_u64("records", answer->record_count),
		    log_str("so", "servers that check DANE give no mail: publish what 'letterlockd domain tlsa' says"));
	else if (is == TLS_TLSA_MATCHES)
		log_event(LOG_LEVEL_INFO, "tlsa.matches", log_slice("hostname", buf_slice(&l->hostname)),
		    log_u64("records", answer->record_count));
	release(l);
}

void
own_tlsa_look(struct dns *d, struct slice hostname, struct slice chain)
{
	struct looking *l = chain.len == 0 ? NULL : mem_alloc(sizeof *l);
	BUF_OWNED struct buf name = { 0 };

	if (l == NULL)
		return;
	buf_init(&name, DNS_TEXT_MAX);
	buf_init(&l->hostname, DNS_TEXT_MAX);
	buf_init(&l->chain, CHAIN_MAX);
	(void)buf_put_str(&name, "_25._tcp.");
	(void)buf_put_slice(&name, hostname);
	(void)buf_put_slice(&l->hostname, hostname);
	if (buf_put_slice(&l->chain, chain) != 0 || l->hostname.err != 0 || name.err != 0 ||
	    dns_lookup(d, buf_slice(&name), DNS_TLSA, answered, l, NULL) != 0)
		release(l);
}
