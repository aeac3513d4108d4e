/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a host, a route or a TLS rule of the operator's (the first octet says which): what is taken is a part of the
 * text, and written in the plainest way it is read as the same.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "service/relay/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
put_hop(const struct relay_hop *hop, struct buf *out)
{
	(void)buf_put_slice(out, hop->host);
	if (hop->port != 0)
		(void)buf_putf(out, ":%u", hop->port);
}

static bool
same_hop(const struct relay_hop *a, const struct relay_hop *b)
{
	return slice_eq(a->host, b->host) && a->port == b->port;
}

static void
try_hop(struct slice in, struct buf *out)
{
	struct relay_hop first, again;

	if (!relay_hop_parse(in, &first))
		return;
	must(first.host.len > 0 && first.host.len <= in.len);
	put_hop(&first, out);
	must(relay_hop_parse(buf_slice(out), &again) && same_hop(&first, &again));
}

static void
try_rule(struct slice in, struct buf *out)
{
	struct relay_rule first, again;

	if (!relay_rule_parse(in, &first))
		return;
	must(first.domain.len > 0);
	(void)buf_put_slice(out, first.domain);
	(void)buf_put_u8(out, '=');
	put_hop(&first.hop, out);
	must(relay_rule_parse(buf_slice(out), &again) && slice_eq(first.domain, again.domain) &&
	    same_hop(&first.hop, &again.hop));
}

static void
try_tls(struct slice in, struct buf *out)
{
	static const char *const words[] = { [POLICY_OPERATOR_ENCRYPT] = "encrypt",
		[POLICY_OPERATOR_VERIFY] = "verify",
		[POLICY_OPERATOR_DANE] = "dane",
		[POLICY_OPERATOR_PIN] = "pin:" };
	struct relay_tls_rule first, again;

	if (!relay_tls_rule_parse(in, &first))
		return;
	must(first.domain.len > 0 && first.rule != POLICY_OPERATOR_NONE);
	(void)buf_put_slice(out, first.domain);
	(void)buf_putf(out, "=%s", words[first.rule]);
	for (size_t i = 0; first.rule == POLICY_OPERATOR_PIN && i < sizeof first.pin; i++)
		(void)buf_putf(out, "%02x", first.pin[i]);
	must(relay_tls_rule_parse(buf_slice(out), &again) && slice_eq(first.domain, again.domain) &&
	    first.rule == again.rule);
	for (size_t i = 0; i < sizeof first.pin; i++)
		must(first.pin[i] == again.pin[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct slice, struct buf *) = { try_hop, try_rule, try_tls };
	struct buf out BUF_OWNED = { 0 };

	if (size == 0)
		return 0;
	buf_init(&out, size + 128);
	tries[data[0] % 3](slice_from(slice_of(data, size), 1), &out);
	return 0;
}
