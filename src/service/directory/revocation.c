/* SPDX-License-Identifier: ISC */
#include "service/directory/revocation.h"

#include "openpgp/frame/armor.h"
#include "openpgp/frame/packet.h"

#define REVOCATION_MAX (64u << 10) /* octets; real ones have a few hundred */

static int
read_octets(struct slice text, struct buf *out, struct error *e)
{
	enum pgp_armor_kind kind;
	size_t at = 0;

	if (!pgp_armor_looks_armored(text))
		return buf_put_slice(out, text);
	return pgp_armor_parse(text, &at, &kind, out, e) == 1 ? 0 : ERR_NOT_FOUND;
}

int
directory_revocation_parse(struct slice text, struct directory_revocation *out, struct error *e)
{
	struct pgp_packet packet;
	size_t at = 0;

	buf_init(&out->octets, REVOCATION_MAX);
	if (read_octets(text, &out->octets, NULL) == 0 &&
	    pgp_packet_next(buf_slice(&out->octets), &at, &packet, NULL) == 1 && packet.header.type == PGP_SIGNATURE &&
	    at == out->octets.len && pgp_sig_parse(packet.body, &out->sig, NULL) == 0 && out->sig.invalid == NULL &&
	    out->sig.type == PGP_SIG_KEY_REVOCATION && out->sig.has_issuer)
		return 0;
	return error_set(e, ERR_NOT_FOUND, "this is no revocation certificate");
}

void
directory_revocation_done(struct directory_revocation *r)
{
	buf_done(&r->octets);
}

int
directory_revocation_join(
    const struct directory_revocation *r, struct slice certificate, struct buf *out, struct error *e)
{
	struct pgp_packet primary;
	size_t at = 0;

	if (pgp_packet_next(certificate, &at, &primary, e) != 1)
		return error_set(e, ERR_INTEGRITY, "a stored certificate cannot be read");
	(void)buf_put_slice(out, primary.raw);
	(void)buf_put_slice(out, buf_slice(&r->octets));
	return out->err;
}
