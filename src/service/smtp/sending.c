/* SPDX-License-Identifier: ISC */
#include "service/smtp/sending.h"

#include "mailauth/arc/verify.h"
#include "service/queue/queue.h"

/* RFC 8689 section 4.1: who requires TLS has the last word. */
static uint32_t
tls_flag(const struct smtp_message *m)
{
	if (m->require_tls)
		return QUEUE_REQUIRE_TLS;
	return m->tls_optional ? QUEUE_TLS_OPTIONAL : 0;
}

int
smtp_sending_fill(struct smtp_message *m, struct ask_keep *q)
{
	struct ask_send *to = arena_array(&m->arena, m->send_count + 1, sizeof *to);
	size_t n = 0;

	if (to == NULL)
		return m->arena.err;
	for (size_t i = 0; i < m->recipient_count && n < m->send_count; i++)
		if (m->recipients[i].sends)
			to[n++] = (struct ask_send){ m->recipients[i].address, m->recipients[i].notify,
				m->recipients[i].orcpt };
	q->sends = to;
	q->send_count = n;
	q->skip = m->skip;
	q->flags = (m->eight_bit ? QUEUE_8BIT : 0u) | (m->utf8 ? QUEUE_UTF8 : 0u) | tls_flag(m);
	q->ret = m->ret;
	q->envid = m->envid;
	if (m->chain != NULL)
		q->seal = (struct ask_seal){ .results = m->found,
			.body_hash = m->body_hash,
			.chain = m->chain->result,
			.sets = (uint32_t)m->chain->count,
			.may_be_sealed = m->chain->may_be_sealed };
	return 0;
}
