/* SPDX-License-Identifier: ISC */
#include "service/judge/sender.h"

#include <string.h>

#include "base/mem.h"
#include "mailauth/spf/spf.h"
#include "net/dns.h"
#include "net/limits.h"

struct sender {
	struct spf *spf; /* NULL: the client has no address that could be asked about */
};

static bool
put_address(struct slice text, struct buf *out)
{
	char copy[CONN_PEER_MAX];

	if (text.len >= sizeof copy)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return dns_address_put(copy, out) == 0;
}

int
sender_new(const struct sender_in *in, struct sender **out, struct error *e)
{
	struct sender *s = mem_alloc(sizeof *s);
	struct buf ip BUF_OWNED = { 0 };
	int rc = 0;

	if (s == NULL)
		return error_nomem(e);
	buf_init(&ip, 16);
	if (put_address(in->address, &ip))
		rc = spf_new(&(struct spf_config){ .identity = in->helo ? SPF_HELO : SPF_MAIL_FROM,
				 .ip = buf_slice(&ip),
				 .helo = in->hello,
				 .mail_from = in->from,
				 .receiver = in->hostname,
				 .now = in->now },
		    &s->spf, e);
	if (rc != 0)
		mem_free(s);
	else
		*out = s;
	return rc;
}

bool
sender_next(struct sender *s, struct mailauth_question *question_out)
{
	return s->spf != NULL && spf_next(s->spf, question_out) == SPF_LOOKUP;
}

void
sender_answer(struct sender *s, const struct mailauth_answer *answer)
{
	spf_answer(s->spf, answer);
}

struct sender_found
sender_found(const struct sender *s)
{
	const struct spf_outcome *o = s->spf == NULL ? NULL : spf_outcome(s->spf);

	if (o == NULL)
		return (struct sender_found){ .word = spf_result_name(SPF_NONE) };
	return (struct sender_found){ .word = spf_result_name(o->result),
		.reason = slice_str(o->reason),
		.domain = o->domain,
		.pass = o->result == SPF_PASS,
		.fail = o->result == SPF_FAIL,
		.temporary = o->result == SPF_TEMPERROR };
}

void
sender_free(struct sender *s)
{
	if (s == NULL)
		return;
	spf_free(s->spf);
	mem_free(s);
}
