/* SPDX-License-Identifier: ISC */
/* extract-cert, revoke-key: certificates of secret keys. */
#include "client/sop/keys.h"
#include "crypto/secret.h"
#include "openpgp/cert/generate.h"
#include "openpgp/frame/packet.h"
#include "os/clock.h"

/* ---- extract-cert ---- */

int
sop_extract_cert(int argc, char **argv)
{
	static struct sop_ring ring;
	bool no_armor = false;
	const struct option options[] = { { "no-armor", OPTION_FLAG, &no_armor } };
	struct buf out BUF_OWNED = { 0 };
	int rc = sop_options("extract-cert", argc, argv, options, 1, NULL);

	buf_init(&out, SOP_INPUT_MAX);
	if (rc == 0)
		rc = sop_load_input(true, &ring);
	for (size_t i = 0; rc == 0 && i < ring.certs.count; i++)
		if (pgp_cert_write_public(ring.certs.items[i], &out) != 0)
			rc = sop_nomem();
	if (rc == 0)
		rc = sop_put_packets(buf_slice(&out), !no_armor, sop_ring_checksum(&ring));
	sop_ring_done(&ring);
	return rc;
}

/* ---- revoke-key ---- */

/*
 * Version 6 has a form for it: the primary key and its revocation (RFC 9580 section 10.1.2). A version 4 certificate
 * without a user ID is none to older programs, so its revocation stands in the whole of it.
 */
static int
put_revoked(const struct pgp_cert *c, struct slice revocation, struct buf *out)
{
	struct pgp_packet primary;
	struct buf public BUF_OWNED = { 0 };
	size_t at = 0;

	if (c->primary->version == 6)
		return buf_put_slice(out, revocation);
	buf_init(&public, PGP_CERT_MAX);
	if (pgp_cert_write_public(c, &public) != 0 || pgp_packet_next(buf_slice(&public), &at, &primary, NULL) != 1)
		return ERR_NOMEM;
	(void)buf_put_slice(out, primary.raw);
	(void)buf_put_slice(out, revocation);
	return buf_put_slice(out, slice_from(buf_slice(&public), at));
}

static int
revoke(const struct pgp_cert *c, const struct sop_passwords *passwords, struct buf *out)
{
	struct pgp_memory_keys *memory = NULL;
	struct buf revocation BUF_OWNED = { 0 };
	struct error e = { 0 };
	int rc = pgp_memory_keys_new(&memory, &e);

	if (rc != 0)
		return sop_bad(&e);
	buf_init(&revocation, PGP_SIG_BODY_MAX);
	rc = sop_unlock(c->primary, passwords, memory);
	/* No reason at all is the hard kind: whoever asks for it without a word must be safe. */
	if (rc == 0 &&
	    pgp_generate_revocation(c, pgp_memory_keys_ops(memory), PGP_REASON_NONE, SLICE_EMPTY,
		(uint32_t)clock_unix(), &revocation, &e) != 0)
		rc = sop_bad_key(&e);
	if (rc == 0 && put_revoked(c, buf_slice(&revocation), out) != 0)
		rc = sop_nomem();
	pgp_memory_keys_free(memory);
	return rc;
}

int
sop_revoke_key(int argc, char **argv)
{
	static struct sop_ring ring;
	static struct option_list words;
	static struct sop_passwords passwords;
	bool no_armor = false;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "with-key-password", OPTION_LIST, &words },
	};
	struct buf out BUF_OWNED = { 0 };
	int rc = sop_options("revoke-key", argc, argv, options, 2, NULL);

	buf_init(&out, SOP_INPUT_MAX);
	if (rc == 0)
		rc = sop_load_passwords(&words, false, &passwords);
	if (rc == 0)
		rc = sop_load_input(true, &ring);
	for (size_t i = 0; rc == 0 && i < ring.certs.count; i++)
		rc = revoke(ring.certs.items[i], &passwords, &out);
	if (rc == 0)
		rc = sop_put_packets(buf_slice(&out), !no_armor, sop_ring_checksum(&ring));
	sop_passwords_done(&passwords);
	sop_ring_done(&ring);
	return rc;
}
