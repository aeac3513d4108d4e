/* SPDX-License-Identifier: ISC */
/* change-key-password. */
#include "client/sop/keys.h"
#include "openpgp/cert/generate.h"

static int
relock(const struct pgp_cert *c, const struct sop_passwords *old, const struct buf *fresh, struct buf *out)
{
	enum pgp_protection protection = PGP_PROTECT_NONE;
	struct slice passphrase = SLICE_EMPTY;
	struct error e = { 0 };
	int rc;

	if (fresh != NULL) {
		/* What comes out is for any program: older ones know only the old protection. */
		protection = c->primary->version == 4 ? PGP_PROTECT_CFB : PGP_PROTECT_AEAD;
		passphrase = sop_trimmed(buf_slice(fresh));
	}
	rc = pgp_cert_relock(c, old->tries, old->try_count, protection, passphrase, out, &e);
	if (rc == ERR_PASSWORD)
		return sop_fail(SOP_KEY_IS_PROTECTED, "%s", e.text);
	return rc != 0 ? sop_bad(&e) : SOP_OK;
}

int
sop_change_key_password(int argc, char **argv)
{
	static struct sop_ring ring;
	static struct option_list words;
	static struct sop_passwords old;
	const char *new_password = NULL;
	bool no_armor = false;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "new-key-password", OPTION_TEXT, &new_password },
		{ "old-key-password", OPTION_LIST, &words },
	};
	struct buf out, fresh = { .max = SOP_PASSWORD_MAX };
	int rc = sop_options("change-key-password", argc, argv, options, 3, NULL);

	buf_init(&out, SOP_INPUT_MAX);
	if (rc == 0 && new_password != NULL)
		rc = sop_read_password(new_password, true, &fresh);
	if (rc == 0)
		rc = sop_load_passwords(&words, false, &old);
	if (rc == 0)
		rc = sop_load_input(true, &ring);
	for (size_t i = 0; rc == 0 && i < ring.certs.count; i++)
		rc = relock(ring.certs.items[i], &old, new_password != NULL ? &fresh : NULL, &out);
	if (rc == 0)
		rc = sop_put_packets(buf_slice(&out), !no_armor, sop_ring_checksum(&ring));
	buf_wipe_done(&fresh);
	buf_wipe_done(&out);
	sop_passwords_done(&old);
	sop_ring_done(&ring);
	return rc;
}
