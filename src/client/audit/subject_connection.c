/* SPDX-License-Identifier: ISC */
/* Whether the servers answer, offer STARTTLS, and whether something on the way takes that offer away. */
#include <stdio.h>
#include <string.h>

#include "client/audit/audit.h"

/* "mail.example.org (192.0.2.1)". */
static struct slice
subject(struct audit *a, const struct audit_host *h, const struct audit_look *look)
{
	if (strcmp(h->name, look->address) == 0)
		return arena_printf(&a->arena, "%s", h->name);
	return arena_printf(&a->arena, "%s (%s)", h->name, look->address);
}

/* Four signs: an unreadable line; no offer, and yet it is accepted; clear text where TLS should begin; an offer taken back. */
static bool
is_stripped(struct audit *a, const struct audit_look *look, struct slice who)
{
	if (look->masked[0] != '\0') {
		audit_find(a, CHECK_STRIPPED, AUDIT_BAD, who, "a line of its answer to EHLO was made unreadable: %s",
		    look->masked);
		return true;
	}
	if (!look->offered && look->accepted) {
		audit_find(a, CHECK_STRIPPED, AUDIT_BAD, who, "%s",
		    look->tls
			? "STARTTLS is not among what it offers, but it answers with TLS: the offer was taken away"
			: "STARTTLS is not among what it offers, but it is accepted");
		return true;
	}
	if (look->tls_failed.code == ERR_INTEGRITY) {
		audit_find(a, CHECK_STRIPPED, AUDIT_BAD, who,
		    "STARTTLS is accepted, and then the answers come in clear: %s", look->tls_failed.text);
		return true;
	}
	return false;
}

static void
judge_starttls(struct audit *a, const struct audit_host *h, const struct audit_look *look)
{
	struct slice who = subject(a, h, look);
	bool stripped = is_stripped(a, look, who);

	a->state.hosts_stripped += stripped;
	if (look->more)
		audit_find(a, CHECK_BEHIND, AUDIT_BAD, who, "octets in clear came behind the answer to STARTTLS");
	if (stripped)
		return;
	if (look->offered && look->accepted)
		audit_find(a, CHECK_STARTTLS, AUDIT_GOOD, who, "it offers STARTTLS");
	else if (look->offered)
		audit_find(
		    a, CHECK_STARTTLS, AUDIT_BAD, who, "it offers STARTTLS and then refuses it: %s", look->refusal);
	else
		audit_find(a, CHECK_STARTTLS, AUDIT_BAD, who, "it does not offer STARTTLS");
}

static bool
is_ipv6(const struct audit_look *look)
{
	return strchr(look->address, ':') != NULL;
}

/* Over the same kind of network: many places have no IPv6. */
static bool
any_reached(const struct audit *a, bool ipv6)
{
	for (size_t i = 0; i < a->host_count; i++)
		for (size_t k = 0; k < a->hosts[i].look_count; k++)
			if (a->hosts[i].looks[k].reached && is_ipv6(&a->hosts[i].looks[k]) == ipv6)
				return true;
	return false;
}

static void
judge(struct audit *a, const struct audit_host *h, const struct audit_look *look)
{
	struct slice who = subject(a, h, look);

	a->state.asked |= look->reached;
	if (look->failed.code != 0) {
		/* A server that says no is no unknown. Where nobody can be reached it may be our own network. */
		bool theirs =
		    look->failed.code == ERR_POLICY || (look->failed.code == ERR_NET && any_reached(a, is_ipv6(look)));

		audit_find(a, CHECK_REACH, theirs ? AUDIT_WEAK : AUDIT_UNKNOWN, who, "%s", look->failed.text);
		return;
	}
	if (look->implicit) {
		audit_find(a, CHECK_REACH, AUDIT_GOOD, who, "it answers");
		return;
	}
	audit_find(a, CHECK_REACH, AUDIT_GOOD, who, "it greets: %s", look->greeting);
	judge_starttls(a, h, look);
}

/* Two addresses of one host are two ways to it. */
static void
compare(struct audit *a, const struct audit_host *h)
{
	size_t with = 0, without = 0;

	for (size_t i = 0; i < h->look_count; i++) {
		with += h->looks[i].failed.code == 0 && h->looks[i].offered;
		without += h->looks[i].failed.code == 0 && !h->looks[i].offered;
	}
	if (with > 0 && without > 0)
		audit_find(a, CHECK_PATHS, AUDIT_BAD, slice_str(h->name),
		    "%zu of its addresses offer%s STARTTLS and %zu do%s not", with, with == 1 ? "s" : "", without,
		    without == 1 ? "es" : "");
}

static void
count(struct audit *a, const struct audit_host *h)
{
	bool reached = false, encrypted = true;

	for (size_t i = 0; i < h->look_count; i++) {
		const struct audit_look *look = &h->looks[i];

		if (look->failed.code != 0)
			continue;
		reached = true;
		encrypted &= look->tls && (look->offered || look->implicit);
	}
	a->state.hosts_reached += reached;
	a->state.hosts_encrypted += reached && encrypted;
}

void
audit_connection(struct audit *a)
{
	for (size_t i = 0; i < a->host_count; i++) {
		for (size_t k = 0; k < a->hosts[i].look_count; k++)
			judge(a, &a->hosts[i], &a->hosts[i].looks[k]);
		compare(a, &a->hosts[i]);
		count(a, &a->hosts[i]);
	}
}
