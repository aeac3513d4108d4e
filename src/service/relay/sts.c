/* SPDX-License-Identifier: ISC */
/*
 * The MTA-STS policy of a destination (RFC 8461 section 5.1): what mail
 * remembers of it, then what the resolver finds. A policy that is known goes on
 * until it expires, whatever cannot be asked meanwhile: who stops DNS or the web
 * server does not stop it. It is fetched anew when its id is another, and now
 * and then when it is not, so that it does not expire while it is in use.
 */
#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "service/relay/internal.h"

#define REFRESH_S 86400u

static void
take(struct destination *d, struct slice id, struct slice text)
{
	struct sts_policy p;

	buf_clear(&d->sts_text);
	d->sts = (struct sts_policy){ .mode = STS_NONE };
	if (text.len == 0 || buf_put_slice(&d->sts_text, text) != 0 ||
	    sts_policy_parse(buf_slice(&d->sts_text), &p, NULL) != 0)
		return;
	d->sts = p;
	d->sts_id_len = size_min(id.len, sizeof d->sts_id);
	if (d->sts_id_len > 0)
		memcpy(d->sts_id, id.data, d->sts_id_len);
}

static void
remember(struct destination *d)
{
	struct relay *r = d->relay;
	const struct queue_sts in = { .domain = d->domain,
		.id = slice_of(d->sts_id, d->sts_id_len),
		.text = buf_slice(&d->sts_text),
		.expires = clock_unix() + d->sts.max_age };

	(void)relay_ask(
	    r, r->queue, relay_method(&queue_interface, QUEUE_METHOD_sts_put), &in, relay_ignore, NULL, NULL);
}

static void
on_found(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	const struct resolve_sts_found *in = reply;
	struct destination *d = ctx;

	(void)a;
	if (in != NULL && in->policy.len > 0) {
		take(d, in->id, in->policy);
		remember(d);
	} else if (in == NULL && e->code != ERR_NOT_FOUND && e->code != ERR_UNSUPPORTED) {
		tally_no_sts(d, e);
		log_event(LOG_LEVEL_INFO, "relay.no_policy", log_slice("domain", d->domain), log_error(e),
		    log_str("so", d->sts_text.len > 0 ? "the policy that is known holds" : "none is known"));
	}
	route_ask_hosts(d);
}

static void
on_known(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	const struct queue_sts *in = reply;
	struct destination *d = ctx;
	struct relay *r = d->relay;
	struct resolve_sts q = { .domain = d->domain };
	struct error failed;

	(void)a;
	if (in == NULL) { /* whether there is a policy is not known: nothing goes */
		route_fail(d, e);
		return;
	}
	take(d, in->id, in->text);
	if (d->sts_text.len > 0 &&
	    clock_unix() + d->sts.max_age < in->expires + size_min(REFRESH_S, d->sts.max_age / 2))
		q.known_id = slice_of(d->sts_id, d->sts_id_len);
	if (relay_ask(r, r->resolver, relay_method(&resolve_interface, RESOLVE_METHOD_sts), &q, on_found, d, &failed) !=
	    0)
		route_fail(d, &failed);
}

void
sts_ask(struct destination *d)
{
	struct relay *r = d->relay;
	const struct queue_domain in = { .domain = d->domain };
	struct error e;

	if (relay_ask(r, r->queue, relay_method(&queue_interface, QUEUE_METHOD_sts_get), &in, on_known, d, &e) != 0)
		route_fail(d, &e);
}
