/* SPDX-License-Identifier: ISC */
/* A key's revocation certificate by itself, out of the drawer. */
#include "client/key/import.h"
#include "client/key/reason.h"
#include "openpgp/cert/change.h"
#include "openpgp/frame/armor.h"
#include "openpgp/frame/packet.h"
#include "openpgp/sig/sig.h"

#define REVOCATION_MAX (1u << 20)

/* The packets of a file that has one armored block, or is binary. */
static int
read_packets(struct slice file, struct buf *packets, struct error *e)
{
	enum pgp_armor_kind kind;
	size_t at = 0;
	int rc;

	if (file.len > 0 && file.data[0] > 127)
		return buf_put_slice(packets, file) == 0
		    ? 0
		    : error_set(e, ERR_LIMIT, "it is too large to be a revocation");
	rc = pgp_armor_parse(file, &at, &kind, packets, e);
	return rc == 1 ? 0 : rc == 0 ? error_set(e, ERR_SYNTAX, "there is no OpenPGP key in it") : rc;
}

static int
parse(struct slice packets, struct pgp_sig *sig, struct error *e)
{
	struct pgp_packet p;
	size_t at = 0;

	if (pgp_packet_next(packets, &at, &p, e) != 1 || p.header.type != PGP_SIGNATURE || at != packets.len ||
	    pgp_sig_parse(p.body, sig, e) != 0 || sig->type != PGP_SIG_KEY_REVOCATION)
		return error_set(e, ERR_SYNTAX, "it is neither a key nor a revocation certificate");
	return 0;
}

static int
confirm(struct importing *i, const struct pgp_fingerprint *f)
{
	BUF_OWNED struct buf question = { .max = 300 };

	if (!keyring_has_secret(&i->c->keyring, f))
		return 0;
	(void)buf_put_str(&question, "This revokes YOUR key ");
	(void)pgp_fingerprint_write(f, &question);
	(void)buf_put(&question, ". It cannot be undone. Go on?", sizeof ". It cannot be undone. Go on?");
	return question.err != 0 ? error_nomem(&i->c->error)
				 : key_confirm((const char *)question.data, i->yes, &i->c->error);
}

static int
put(struct importing *i, const struct pgp_cert *cert, struct slice packets)
{
	BUF_OWNED struct buf revoked = { .max = KEY_EXPORT_MAX };
	struct trust_put put = { .origin = TRUST_IMPORTED, .policy = i->c->keyring.policy, .nameless = true };
	struct pgp_cert *changed = NULL;
	size_t used;
	int rc = pgp_cert_revoke_with(cert, packets, &revoked, &i->c->error);

	if (rc == 0)
		rc = confirm(i, &cert->primary->fingerprint);
	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&revoked), &changed, &used, &i->c->error);
	put.cert = changed;
	if (rc == 0)
		rc = trust_store_put(i->c->keyring.certs, &put, NULL, &i->c->error);
	if (rc == 0)
		import_say(i, &changed->primary->fingerprint);
	pgp_cert_free(changed);
	return rc;
}

/* Key IDs collide: it is that certificate's whose key made it. */
static int
put_where_it_fits(struct importing *i, const struct pgp_sig *sig, struct slice packets)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	struct pgp_fingerprint prints[TRUST_CANDIDATES_MAX];
	const struct pgp_fingerprint *f = sig->issuer_fpr.len > 0 ? &sig->issuer_fpr : NULL;
	struct trust_store *store = i->c->keyring.certs;
	size_t n = trust_store_find_key(store, f, sig->issuer, found, TRUST_CANDIDATES_MAX);
	int rc = error_set(&i->c->error, ERR_NOT_FOUND,
	    "it is the revocation of a key whose certificate is not here; import that first");

	for (size_t k = 0; k < n; k++)
		prints[k] = found[k]->fingerprint;
	for (size_t k = 0; k < n && rc != 0 && rc != ERR_DENIED && rc != ERR_USAGE; k++) {
		struct pgp_cert *cert;

		rc = trust_store_load(store, &prints[k], &cert, &i->c->error);
		if (rc != 0)
			continue;
		rc = put(i, cert, packets);
		pgp_cert_free(cert);
	}
	return rc;
}

int
import_revocation(struct importing *i, struct slice file)
{
	BUF_OWNED struct buf packets = { .max = REVOCATION_MAX };
	struct pgp_sig sig;
	int rc = read_packets(file, &packets, &i->c->error);

	if (rc == 0)
		rc = parse(buf_slice(&packets), &sig, &i->c->error);
	return rc == 0 ? put_where_it_fits(i, &sig, buf_slice(&packets)) : rc;
}
