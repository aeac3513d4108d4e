/* SPDX-License-Identifier: ISC */
/* Versions and cipher suites. */
#include <stdio.h>

#include "client/audit/audit.h"

#define SUITES_TEXT 300u

/* Those between first and last that are known to be so, with commas. */
static size_t
list_versions(const struct audit_look *look, uint16_t first, uint16_t last, enum audit_known known, struct buf *out)
{
	size_t n = 0;

	for (uint16_t v = first; v <= last; v++)
		if (look->versions[v - PROBE_SSL_3_0] == known)
			(void)buf_putf(out, "%s%s", n++ > 0 ? ", " : "", probe_version_text(v));
	return n;
}

static void
judge_versions(struct audit *a, const struct audit_look *look, struct slice who)
{
	BUF_OWNED struct buf now = { .max = SUITES_TEXT }, old = { .max = SUITES_TEXT };
	size_t good = list_versions(look, PROBE_TLS_1_2, PROBE_TLS_1_3, AUDIT_YES, &now);
	size_t bad = list_versions(look, PROBE_SSL_3_0, PROBE_TLS_1_1, AUDIT_YES, &old);
	bool tls13 = look->versions[PROBE_TLS_1_3 - PROBE_SSL_3_0] == AUDIT_YES;
	bool ssl3 = look->versions[0] == AUDIT_YES;

	if (good > 0)
		audit_find(a, CHECK_VERSIONS, tls13 ? AUDIT_GOOD : AUDIT_NOTE, who, "%.*s", AUDIT_S(buf_slice(&now)));
	else if (bad > 0)
		audit_find(a, CHECK_VERSIONS, AUDIT_BAD, who, "only old ones");
	else
		audit_find(a, CHECK_VERSIONS, AUDIT_UNKNOWN, who, "it did not answer so many questions");
	/* Between mail servers an old version is still better than none: RFC 7435. SSL 3.0 is not. */
	if (bad > 0)
		audit_find(
		    a, CHECK_OLD_VERSIONS, ssl3 ? AUDIT_WEAK : AUDIT_NOTE, who, "%.*s", AUDIT_S(buf_slice(&old)));
	else if (good > 0)
		audit_find(a, CHECK_OLD_VERSIONS, AUDIT_GOOD, who, "none");
}

static void
judge_cipher(struct audit *a, const struct audit_look *look, struct slice who)
{
	const struct probe_seen *s = &look->seen;

	audit_find(a, CHECK_CIPHER, s->forward_secret ? AUDIT_GOOD : AUDIT_WEAK, who, "%s with %s%s%s",
	    probe_version_text(s->version), s->cipher, s->group[0] != '\0' ? ", key exchange by " : "", s->group);
}

static void
judge_weak(struct audit *a, const struct audit_look *look, struct slice who)
{
	BUF_OWNED struct buf broken = { .max = 900 }, kept = { .max = 300 };
	char text[PROBE_SUITE_TEXT];

	for (size_t i = 0; i < look->weak_count; i++) {
		unsigned faults = probe_suite_faults(look->weak[i]);
		struct buf *b = (faults & ~(unsigned)PROBE_STATIC) != 0 ? &broken : &kept;

		(void)buf_putf(b, "%s%s", b->len > 0 ? ", " : "", probe_suite_name(look->weak[i], text));
	}
	if (broken.len > 0)
		audit_find(a, CHECK_WEAK_CIPHERS, AUDIT_WEAK, who, "it agrees to %.*s", AUDIT_S(buf_slice(&broken)));
	if (kept.len > 0)
		audit_find(a, CHECK_WEAK_CIPHERS, AUDIT_NOTE, who,
		    "it agrees to key exchange without forward secrecy, when asked for nothing else: %.*s",
		    AUDIT_S(buf_slice(&kept)));
	if (broken.len + kept.len == 0)
		audit_find(a, CHECK_WEAK_CIPHERS, AUDIT_GOOD, who, "none was agreed to");
}

static void
judge(struct audit *a, const struct audit_host *h, const struct audit_look *look)
{
	struct slice who =
	    h->look_count > 1 ? arena_printf(&a->arena, "%s (%s)", h->name, look->address) : slice_str(h->name);
	bool begun = look->accepted || (look->implicit && look->reached);

	if (!begun || look->tls_failed.code == ERR_INTEGRITY)
		return;
	if (!look->tls)
		audit_find(a, CHECK_HANDSHAKE, AUDIT_BAD, who, "%s", look->tls_failed.text);
	if (look->tls)
		judge_cipher(a, look, who);
	if (look->brief)
		return;
	judge_versions(a, look, who);
	judge_weak(a, look, who);
}

void
audit_tls(struct audit *a)
{
	for (size_t i = 0; i < a->host_count; i++)
		for (size_t k = 0; k < a->hosts[i].look_count; k++)
			judge(a, &a->hosts[i], &a->hosts[i].looks[k]);
}
