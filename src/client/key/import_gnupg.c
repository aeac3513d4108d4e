/* SPDX-License-Identifier: ISC */
/* Moving in from GnuPG. */
#include <stdio.h>

#include "client/key/gnupg.h"
#include "client/key/import.h"
#include "client/passphrase.h"
#include "os/terminal.h"
#include "trust/records.h"

#define FROM "GnuPG"
/* As sequoia-wot takes GnuPG's words: three marginal introducers make one whole. */
#define AMOUNT_FULL 120u
#define AMOUNT_MARGINAL 40u

struct moving {
	struct importing *i;
	struct gnupg gnupg;
	const struct option_list *words;
	size_t certs, roots, secrets, failed;
};

/* ---- certificates ---- */

static int
take_certs(struct moving *m)
{
	struct key_command *c = m->i->c;
	struct buf bytes = { .max = GNUPG_OUTPUT_MAX };
	struct pgp_certs certs = { 0 };
	int rc = gnupg_export(&m->gnupg, &bytes, &c->error);

	if (rc == 0 && bytes.len > 0)
		rc = pgp_certs_take(&bytes, &certs, &c->error);
	buf_done(&bytes);
	if (rc == 0)
		rc = trust_store_begin(c->keyring.certs, &c->error);
	for (size_t n = 0; rc == 0 && n < certs.count; n++) {
		struct trust_put put = { .cert = certs.items[n],
			.origin = TRUST_IMPORTED,
			.from = SLICE(FROM),
			.policy = c->keyring.policy,
			.nameless = true };

		rc = trust_store_put(c->keyring.certs, &put, NULL, &c->error);
		m->certs += rc == 0;
		/* One that is too large or broken keeps none of the others away. */
		if (rc == ERR_LIMIT || rc == ERR_POLICY || rc == ERR_SYNTAX || rc == ERR_UNSUPPORTED) {
			m->failed++;
			rc = 0;
		}
	}
	if (rc == 0)
		rc = trust_store_end(c->keyring.certs, true, &c->error);
	pgp_certs_done(&certs);
	return rc;
}

/* ---- ownertrust ---- */

/*
 * GnuPG counts an introducer only when his own key is valid: so do we, once, as it is now. Ultimate trust is for keys
 * of the user's own, here or on another machine.
 */
static int
take_root(void *ctx, const struct gnupg_key *key, struct error *e)
{
	struct moving *m = ctx;
	struct trust_root root = { .fingerprint = key->fingerprint, .amount = AMOUNT_FULL, .depth = 1 };
	bool valid = key->validity == 'f' || key->validity == 'u';

	if (key->owner_trust == 'u')
		root.depth = 255;
	else if (key->owner_trust == 'm' && valid)
		root.amount = AMOUNT_MARGINAL;
	else if (key->owner_trust != 'f' || !valid)
		return 0;
	m->roots++;
	return trust_root_set(m->i->c->keyring.certs, &root, e);
}

static int
take_roots(struct moving *m)
{
	BUF_OWNED struct buf list = { .max = GNUPG_OUTPUT_MAX };
	int rc = gnupg_list(&m->gnupg, false, &list, &m->i->c->error);

	return rc == 0 ? gnupg_list_parse(buf_slice(&list), take_root, m, &m->i->c->error) : rc;
}

/* ---- secret keys ---- */

static bool
is_meant(const struct moving *m, const struct gnupg_key *key)
{
	struct slice address = pgp_user_id_address(key->user_id);

	for (size_t n = 0; n < m->words->count; n++) {
		struct slice word = slice_str(m->words->items[n]);
		struct pgp_fingerprint f;

		if (pgp_fingerprint_parse(word, &f, NULL) == 0 ? pgp_fingerprint_eq(&f, &key->fingerprint)
							       : slice_ieq(word, address))
			return true;
	}
	return m->words->count == 0;
}

static void
put_question(const char *before, const struct gnupg_key *key, const char *after, struct buf *out)
{
	(void)buf_put_str(out, before);
	(void)pgp_fingerprint_write(&key->fingerprint, out);
	(void)buf_put_str(out, after);
	(void)buf_put_u8(out, 0);
}

/* Which of them, when nobody said so on the command line. */
static int
ask_whether(const struct moving *m, const struct gnupg_key *key, bool *yes, struct error *e)
{
	BUF_OWNED struct buf question = { .max = 300 };

	*yes = true;
	if (m->words->count > 0 || m->i->yes)
		return 0;
	if (!terminal_can_ask())
		return error_set(e, ERR_USAGE, "which secret keys? name them, or say --yes for all");
	client_say("", key->user_id, "");
	put_question("Take the secret key ", key, "?", &question);
	return terminal_ask_yes(question.err != 0 ? "Take it?" : (const char *)question.data, yes, e);
}

/* gpg encrypts what it gives with the passphrase that opened it. One without any gets the one that was said, or a new one. */
static int
take_exported(struct moving *m, const struct pgp_cert *cert, struct slice passphrase, struct error *e)
{
	struct buf new;
	int rc;

	if (pgp_key_locked(cert->primary) || passphrase.len > 0)
		return keyring_import_secret(&m->i->c->keyring, cert, passphrase, passphrase, e);
	buf_init(&new, TERMINAL_SECRET_MAX);
	rc = client_passphrase(&m->i->c->common, "It has no passphrase; a new one: ", true, &new, e);
	if (rc == 0)
		rc = keyring_import_secret(&m->i->c->keyring, cert, SLICE_EMPTY, buf_slice(&new), e);
	buf_wipe_done(&new);
	return rc;
}

struct taking {
	struct moving *m;
	const struct gnupg_key *key;
};

static int
take_with(void *ctx, struct slice passphrase, struct error *e)
{
	struct taking *t = ctx;
	struct pgp_certs certs = { 0 };
	struct buf bytes;
	int rc;

	buf_init(&bytes, AGENT_KEY_OCTETS);
	rc = gnupg_export_secret(&t->m->gnupg, &t->key->fingerprint, passphrase, &bytes, e);
	if (rc == 0)
		rc = pgp_certs_parse(buf_slice(&bytes), &certs, e);
	if (rc == 0 && (certs.count != 1 || !certs.items[0]->secret))
		rc = error_set(e, ERR_SYNTAX, "gpg did not give one secret key");
	if (rc == 0)
		rc = take_exported(t->m, certs.items[0], passphrase, e);
	pgp_certs_done(&certs);
	buf_wipe_done(&bytes);
	return rc;
}

static int
take_secret(void *ctx, const struct gnupg_key *key, struct error *e)
{
	struct moving *m = ctx;
	struct taking t = { m, key };
	BUF_OWNED struct buf question = { .max = 300 };
	bool yes;
	int rc;

	if (!is_meant(m, key))
		return 0;
	rc = ask_whether(m, key, &yes, e);
	if (rc != 0 || !yes)
		return rc;
	put_question("GnuPG's passphrase of ", key, ": ", &question);
	if (question.err != 0)
		return error_nomem(e);
	rc = client_passphrase_try(&m->i->c->common, (const char *)question.data, take_with, &t, e);
	if (rc != 0)
		return rc;
	m->secrets++;
	import_say(m->i, &key->fingerprint);
	return 0;
}

static int
take_secrets(struct moving *m)
{
	BUF_OWNED struct buf list = { .max = GNUPG_OUTPUT_MAX };
	struct error *e = &m->i->c->error;
	int rc = gnupg_list(&m->gnupg, true, &list, e);

	if (rc == 0)
		rc = gnupg_list_parse(buf_slice(&list), take_secret, m, e);
	if (rc == 0 && m->secrets == 0 && m->words->count > 0)
		rc = error_set(e, ERR_NOT_FOUND, "gpg has no such secret key");
	return rc;
}

int
import_gnupg(struct importing *i, const struct option_list *words)
{
	struct moving m = { .i = i, .gnupg = { .home = i->gnupg_home }, .words = words };
	int rc = take_certs(&m);

	if (rc == 0)
		rc = take_roots(&m);
	if (rc == 0 && i->secret)
		rc = take_secrets(&m);
	if (rc == 0 && i->list == NULL) {
		(void)printf(
		    "From GnuPG: %zu certificates, %zu introducers, %zu secret keys.\n", m.certs, m.roots, m.secrets);
		if (m.failed > 0)
			(void)printf("%zu certificates were not taken: they have no valid user ID, or are too large.\n",
			    m.failed);
		if (!i->secret)
			(void)puts("Your secret keys: letterlock key import --from-gnupg --secret");
	}
	return rc;
}
