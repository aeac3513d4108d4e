/* SPDX-License-Identifier: ISC */
/* What a mail program of the domain's people finds (RFC 6186, RFC 8314): only whether it is there, and its TLS. */
#include <stdio.h>

#include "client/audit/audit.h"

#define SRV_HEAD 6u

static const struct service {
	const char *prefix, *words;
} services[] = {
	{ "_submissions._tcp.", "sending (submissions)" },
	{ "_imaps._tcp.", "reading (IMAPS)" },
};

static bool
find_address(struct audit *a, struct slice host, struct audit_look *look)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		BUF_OWNED struct buf text = { .max = CONN_PEER_MAX };
		struct dns_answer answer;

		if (audit_ask(a, "", host, types[i], &answer, NULL) != ASKED_FOUND ||
		    dns_record_text((uint16_t)types[i], answer.records[0], &text, NULL) != 0)
			continue;
		(void)snprintf(look->address, sizeof look->address, "%.*s", AUDIT_S(buf_slice(&text)));
		return true;
	}
	return false;
}

static void
look_at_target(struct audit *a, const struct service *s, const char *host, uint16_t port)
{
	struct audit_look look = { .port = port, .implicit = true, .brief = true };
	struct slice who = arena_printf(&a->arena, "%s:%u", host, port);
	const struct probe_seen *seen = &look.seen;

	audit_progress(a, "Looking at", slice_str(host));
	if (!find_address(a, slice_str(host), &look)) {
		audit_find(a, CHECK_SERVICES, AUDIT_WEAK, who, "for %s, but it has no address", s->words);
		return;
	}
	audit_look(a, host, &look);
	if (look.failed.code != 0 || !look.tls)
		audit_find(a, CHECK_SERVICES, look.failed.code != 0 ? AUDIT_UNKNOWN : AUDIT_WEAK, who, "for %s: %s",
		    s->words, look.failed.code != 0 ? look.failed.text : look.tls_failed.text);
	else if (seen->chain_good && seen->covers_name && seen->version >= PROBE_TLS_1_2)
		audit_find(a, CHECK_SERVICES, AUDIT_GOOD, who, "for %s: %s, and the certificate is good", s->words,
		    probe_version_text(seen->version));
	else
		audit_find(a, CHECK_SERVICES, AUDIT_WEAK, who, "for %s: %s, and the certificate is %s", s->words,
		    probe_version_text(seen->version),
		    !seen->chain_good       ? seen->chain_reason
			: seen->covers_name ? "good"
					    : "for another name");
}

static void
look_at(struct audit *a, const struct service *s)
{
	BUF_OWNED struct buf name = { .max = DNS_TEXT_MAX + 1 };
	struct dns_answer answer;
	struct slice rdata;

	if (audit_ask(a, s->prefix, a->settings->domain, DNS_SRV, &answer, NULL) != ASKED_FOUND) {
		audit_find(a, CHECK_SERVICES, AUDIT_NOTE, SLICE_EMPTY, "DNS names no server for %s", s->words);
		return;
	}
	rdata = answer.records[0];
	if (rdata.len <= SRV_HEAD || dns_name_text(slice_from(rdata, SRV_HEAD), &name, NULL) != 0)
		return;
	if (slice_eq_str(buf_slice(&name), ".")) {
		audit_find(a, CHECK_SERVICES, AUDIT_NOTE, SLICE_EMPTY, "the domain says that it has no %s", s->words);
		return;
	}
	(void)buf_put_u8(&name, 0);
	if (name.err == 0)
		look_at_target(a, s, (const char *)name.data, (uint16_t)(rdata.data[4] << 8 | rdata.data[5]));
}

void
audit_services(struct audit *a)
{
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
		look_at(a, &services[i]);
}
