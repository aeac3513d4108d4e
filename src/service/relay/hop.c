/* SPDX-License-Identifier: ISC */
/* Hosts and rules as the operator writes them. */
#include "service/relay/relay.h"

#include <string.h>

#include "smtp/path.h"

bool
relay_hop_parse(struct slice text, struct relay_hop *out)
{
	size_t end = slice_find_last(text, ']'), colon = slice_find_last(text, ':');
	uint64_t port = 0;

	if (end != SIZE_MAX && colon != SIZE_MAX && colon < end)
		colon = SIZE_MAX; /* one of IPv6's */
	if (colon != SIZE_MAX && !slice_to_u64(slice_from(text, colon + 1), UINT16_MAX, &port))
		return false;
	if (colon != SIZE_MAX && port == 0)
		return false;
	*out = (struct relay_hop){ .host = slice_sub(text, 0, colon == SIZE_MAX ? text.len : colon),
		.port = (uint16_t)port };
	return smtp_domain_valid(out->host) || smtp_literal_valid(out->host);
}

bool
relay_rule_parse(struct slice text, struct relay_rule *out)
{
	struct slice hop, plain;

	if (slice_find(text, '=') == SIZE_MAX)
		return false;
	*out = (struct relay_rule){ .domain = slice_trim(slice_split(text, '=', &hop)) };
	plain = out->domain.len > 0 && out->domain.data[0] == '.' ? slice_from(out->domain, 1) : out->domain;
	hop = slice_trim(hop);
	return smtp_domain_valid(plain) && (hop.len == 0 || relay_hop_parse(hop, &out->hop));
}

bool
relay_tls_rule_parse(struct slice text, struct relay_tls_rule *out)
{
	static const struct {
		const char *word;
		enum policy_operator rule;
	} words[] = { { "encrypt", POLICY_OPERATOR_ENCRYPT }, { "verify", POLICY_OPERATOR_VERIFY },
		{ "dane", POLICY_OPERATOR_DANE } };
	const struct slice pin = SLICE("pin:");
	struct slice word, plain;

	*out = (struct relay_tls_rule){ .domain = slice_trim(slice_split(text, '=', &word)) };
	plain = out->domain.len > 0 && out->domain.data[0] == '.' ? slice_from(out->domain, 1) : out->domain;
	word = slice_trim(word);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_eq_str(word, words[i].word))
			out->rule = words[i].rule;
	if (slice_starts(word, pin) && tls_pin_parse(slice_from(word, pin.len), out->pin, NULL) == 0)
		out->rule = POLICY_OPERATOR_PIN;
	return smtp_domain_valid(plain) && out->rule != POLICY_OPERATOR_NONE;
}
