/* SPDX-License-Identifier: ISC */
#include "service/policy/policy.h"

#include <stdarg.h>
#include <stdio.h>

#include "mailauth/policy/sts.h"

static void refuse(struct policy_decision *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
refuse(struct policy_decision *out, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(out->why, sizeof out->why, format, list);
	va_end(list);
	out->permitted = false;
}

static void
name_add(struct policy_decision *out, struct slice name)
{
	for (size_t i = 0; i < out->name_count; i++)
		if (slice_ieq(out->names[i], name))
			return;
	if (name.len > 0 && out->name_count < sizeof out->names / sizeof out->names[0])
		out->names[out->name_count++] = name;
}

static void
source_set(struct policy_decision *out, enum queue_policy policy, const char *text)
{
	out->policy = policy;
	(void)snprintf(out->source, sizeof out->source, "%s", text);
}

/*
 * TLSA records that are usable must match. Those that are not still ask for TLS (RFC 7672 section 2.2), and where they
 * could not be asked nothing is sent.
 */
static void
dane(const struct policy_input *in, struct policy_decision *out)
{
	const struct resolve_host *h = in->host;

	if (h->tlsa == RESOLVE_TLSA_NONE)
		return;
	(void)snprintf(out->source, sizeof out->source, "DANE, TLSA records of %.*s", (int)h->tlsa_base.len,
	    (const char *)h->tlsa_base.data);
	out->policy = QUEUE_POLICY_DANE;
	out->must_tls = true;
	if (h->tlsa == RESOLVE_TLSA_FAILED) {
		refuse(out,
		    "the TLSA records of %.*s could not be asked or are too many, so nobody knows whom to believe "
		    "there",
		    (int)h->name.len, (const char *)h->name.data);
	} else if (h->tlsa == RESOLVE_TLSA_USABLE) {
		out->need = TLS_OUTGOING_DANE;
		out->name_count = 0;
		name_add(out, h->tlsa_base);
		name_add(out, h->name);
		name_add(out, in->domain->domain); /* section 3.2.2: the next hop, where its MX records are secure */
		out->tlsa = h->tlsa_records;
		out->tlsa_count = h->tlsa_count;
	}
}

static bool
sts_has(const struct policy_domain *d, struct slice host)
{
	for (size_t i = 0; i < d->mx_count; i++)
		if (sts_pattern_matches(d->mx[i], host))
			return true;
	return false;
}

static void
sts(const struct policy_input *in, struct policy_decision *out)
{
	const struct policy_domain *d = in->domain;

	if (d->sts == POLICY_STS_NONE)
		return;
	if (d->sts == POLICY_STS_TESTING) {
		out->testing = true;
		return;
	}
	source_set(out, QUEUE_POLICY_MTA_STS, "MTA-STS, mode enforce");
	out->must_tls = true;
	out->need = TLS_OUTGOING_NAME;
	if (!sts_has(d, in->host->name))
		refuse(out, "the domain's MTA-STS policy does not name its mail server %.*s", (int)in->host->name.len,
		    (const char *)in->host->name.data);
}

/* RFC 8689 section 4.2.1: TLS, a name that is valid by DANE or an authority, and a server that goes on so. */
static void
require_tls(const struct policy_input *in, struct policy_decision *out)
{
	out->must_tls = out->must_require_tls = true;
	if (out->need == TLS_OUTGOING_ANY)
		out->need = TLS_OUTGOING_NAME;
	/* An MX record that anybody can have forged names a host that nobody meant. */
	if (!in->sure && out->policy != QUEUE_POLICY_MTA_STS) {
		refuse(out,
		    "the writer wants TLS all the way, and the records that name %.*s are neither signed nor in an "
		    "MTA-STS policy",
		    (int)in->host->name.len, (const char *)in->host->name.data);
		out->for_good = true;
	}
	if (out->policy == QUEUE_POLICY_NONE)
		source_set(out, QUEUE_POLICY_REQUIRE_TLS, "REQUIRETLS of the message");
}

static void
operator_rule(const struct policy_input *in, struct policy_decision *out)
{
	const struct policy_domain *d = in->domain;

	if (d->rule == POLICY_OPERATOR_NONE)
		return;
	out->must_tls = true;
	if (d->rule == POLICY_OPERATOR_DANE) {
		out->no_dane = in->host->tlsa == RESOLVE_TLSA_NONE || in->host->tlsa == RESOLVE_TLSA_BAD;
		if (out->no_dane)
			refuse(out,
			    "by this server's rule only DANE is good enough for %.*s, and %.*s has no usable TLSA "
			    "records",
			    (int)d->domain.len, (const char *)d->domain.data, (int)in->host->name.len,
			    (const char *)in->host->name.data);
		return;
	}
	if (d->rule == POLICY_OPERATOR_PIN) {
		out->need = TLS_OUTGOING_PIN;
		out->pin = slice_of(d->pin, sizeof d->pin);
	} else if (d->rule == POLICY_OPERATOR_VERIFY && out->need == TLS_OUTGOING_ANY) {
		out->need = TLS_OUTGOING_NAME;
	}
	if (out->policy == QUEUE_POLICY_NONE || d->rule == POLICY_OPERATOR_PIN)
		source_set(out, QUEUE_POLICY_OPERATOR, "this server's rule for the domain");
}

void
policy_decide(const struct policy_input *in, struct policy_decision *out)
{
	bool optional = (in->flags & (uint32_t)QUEUE_TLS_OPTIONAL) != 0;
	bool required = (in->flags & (uint32_t)QUEUE_REQUIRE_TLS) != 0;

	*out = (struct policy_decision){ .permitted = true, .need = TLS_OUTGOING_ANY };
	name_add(out, in->host->name);
	/* RFC 8689 section 5: with both the field is ignored. */
	if (!optional || required || in->domain->rule == POLICY_OPERATOR_DANE)
		dane(in, out);
	/* Records that cannot be used authenticate nobody: then another policy still does. */
	if ((!optional || required) && (in->host->tlsa == RESOLVE_TLSA_NONE || in->host->tlsa == RESOLVE_TLSA_BAD))
		sts(in, out);
	if (required)
		require_tls(in, out);
	operator_rule(in, out);
}
