/* SPDX-License-Identifier: ISC */
/* A file of detached signatures (RFC 9580 section 10.4). */
#include "openpgp/frame/armor.h"
#include "openpgp/sig/data_sig.h"
#include "openpgp/frame/packet.h"

#define DETACHED_MAX (64u << 20) /* octets: PGP_SIGNATURES_MAX of the largest that anybody makes are less */

/* Never from detached to inline: a message here is an attack or a mistake (PITFALLS: swapped files). */
static int
expect_packets(struct pgp_verifier *v, struct slice packets, size_t *count, struct error *e)
{
	struct pgp_packet p;
	size_t at = 0;
	int rc;

	while ((rc = pgp_packet_next(packets, &at, &p, e)) == 1) {
		if (p.header.type == PGP_MARKER || p.header.type == PGP_PADDING || !pgp_type_critical(p.header.type))
			continue;
		if (p.header.type != PGP_SIGNATURE)
			return error_set(e, ERR_SYNTAX,
			    "a file of signatures must hold nothing else, but there is a packet of type %u in it",
			    p.header.type);
		rc = pgp_verifier_expect(v, p.body, e);
		if (rc != 0)
			return rc;
		++*count;
	}
	return rc;
}

/* A signed text has its signatures within, and they are over that text. */
static bool
is_signed_text(struct slice text)
{
	return slice_starts(text, SLICE("-----BEGIN PGP SIGNED MESSAGE-----")) ||
	    slice_search(text, SLICE("\n-----BEGIN PGP SIGNED MESSAGE-----")) != SIZE_MAX;
}

static int
expect_armored(struct pgp_verifier *v, struct slice text, size_t *count, struct error *e)
{
	struct buf packets BUF_OWNED = { 0 };
	enum pgp_armor_kind kind;
	size_t at = 0;
	int rc;

	if (is_signed_text(text))
		return error_set(
		    e, ERR_SYNTAX, "this is a signed text, not a file of detached signatures: verify it by itself");
	buf_init(&packets, DETACHED_MAX);
	while ((rc = pgp_armor_parse(text, &at, &kind, &packets, e)) == 1)
		continue;
	return rc < 0 ? rc : expect_packets(v, buf_slice(&packets), count, e);
}

int
pgp_verifier_expect_all(struct pgp_verifier *v, struct slice file, struct error *e)
{
	size_t count = 0;
	int rc;

	if (pgp_armor_looks_armored(file))
		rc = expect_armored(v, file, &count, e);
	else
		rc = expect_packets(v, file, &count, e);
	if (rc == 0 && count == 0)
		rc = error_set(e, ERR_SYNTAX, "there is no signature in it");
	return rc;
}
