/* SPDX-License-Identifier: ISC */
#include "client/key/keyring.h"

#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "openpgp/judge/verify.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/paths.h"
#include "os/terminal.h"

#define QUESTION_MAX 400

static int
data_path(const char *name, char out[FILE_PATH_MAX], struct error *e)
{
	char folder[FILE_PATH_MAX];
	int rc = paths_data(folder, e);

	return rc == 0 ? path_join(out, folder, name, e) : rc;
}

int
keyring_open(struct keyring *k, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc;

	*k = (struct keyring){ .policy = pgp_policy_default(clock_unix()) };
	rc = data_path("keys", path, e);
	if (rc == 0)
		rc = dir_make_private(path, e);
	if (rc == 0)
		rc = data_path("certificates", path, e);
	if (rc == 0)
		rc = trust_store_open(path, &k->certs, e);
	if (rc == 0)
		trust_store_set_now(k->certs, k->policy.now);
	return rc;
}

void
keyring_close(struct keyring *k)
{
	trust_store_close(k->certs);
	k->certs = NULL;
}

static int
secret_path(const struct pgp_fingerprint *f, char out[FILE_PATH_MAX], struct error *e)
{
	BUF_OWNED struct buf name = { .max = 120 };

	(void)buf_put_str(&name, "keys/");
	(void)pgp_fingerprint_write(f, &name);
	(void)buf_put(&name, ".pgp", 5);
	return name.err != 0 ? error_nomem(e) : data_path((const char *)name.data, out, e);
}

bool
keyring_has_secret(const struct keyring *k, const struct pgp_fingerprint *f)
{
	char path[FILE_PATH_MAX];

	(void)k;
	return secret_path(f, path, NULL) == 0 && file_exists(path);
}

int
keyring_read_secret(const struct keyring *k, const struct pgp_fingerprint *f, struct buf *out, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = secret_path(f, path, e);

	(void)k;
	if (rc == 0)
		rc = file_read(path, out, e);
	return rc == ERR_NOT_FOUND ? error_set(e, rc, "the secret part of this key is not here") : rc;
}

/* The secret key's file first: a certificate of ours without its key would be worse than the other way round. */
static int
keep(struct keyring *k, struct slice secret_key, struct pgp_fingerprint *fingerprint_out, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct trust_put put = { .origin = TRUST_OWN, .policy = k->policy };
	struct pgp_cert *c;
	size_t used;
	int rc = pgp_cert_parse(secret_key, &c, &used, e);

	if (rc != 0)
		return rc;
	put.cert = c;
	rc = secret_path(&c->primary->fingerprint, path, e);
	if (rc == 0)
		rc = file_write_atomic(path, secret_key, 0600, e);
	if (rc == 0)
		rc = trust_store_put(k->certs, &put, NULL, e);
	if (rc == 0 && fingerprint_out != NULL)
		*fingerprint_out = c->primary->fingerprint;
	pgp_cert_free(c);
	return rc;
}

int
keyring_generate(
    struct keyring *k, const struct keyring_new *spec, struct pgp_fingerprint *fingerprint_out, struct error *e)
{
	BUF_OWNED struct buf user_id = { .max = PGP_USER_ID_MAX };
	BUF_OWNED struct buf key = { .max = AGENT_KEY_OCTETS };
	struct slice id;
	struct pgp_generate_spec g = { .version = spec->v6 ? 6 : 4,
		.user_ids = &id,
		.user_id_count = 1,
		.created = (uint32_t)k->policy.now,
		.expires = spec->expires,
		.protection = PGP_PROTECT_AEAD,
		.passphrase = spec->passphrase };
	int rc;

	if (spec->name != NULL && spec->name[0] != '\0')
		(void)buf_putf(&user_id, "%s <%s>", spec->name, spec->address);
	else
		(void)buf_put_str(&user_id, spec->address);
	if (user_id.err != 0)
		return error_set(e, ERR_USAGE, "the name and address are too long for a user ID");
	id = buf_slice(&user_id);
	rc = pgp_generate(&g, &key, e);
	return rc == 0 ? keep(k, buf_slice(&key), fingerprint_out, e) : rc;
}

int
keyring_import_secret(
    struct keyring *k, const struct pgp_cert *c, struct slice passphrase, struct slice new_passphrase, struct error *e)
{
	BUF_OWNED struct buf key = { .max = AGENT_KEY_OCTETS };
	int rc = pgp_cert_protect(c, passphrase, PGP_PROTECT_AEAD, new_passphrase, &key, e);

	return rc == 0 ? keep(k, buf_slice(&key), NULL, e) : rc;
}

/* ---- which one ---- */

static int
nobody(struct slice who, bool secret, struct error *e)
{
	BUF_OWNED struct buf b = { .max = 160 };

	(void)printable_put(&b, who, PRINTABLE_LINE, 120);
	return error_set(e, ERR_NOT_FOUND, "there is no %s of %.*s here", secret ? "secret key" : "certificate",
	    (int)b.len, b.len == 0 ? "" : (const char *)b.data);
}

/* The one that counts, as everywhere; of secret keys the first that is here. */
static const struct trust_entry *
resolve_address(const struct keyring *k, struct slice who, bool secret)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	size_t n;

	if (!secret)
		return trust_store_choose(k->certs, who, NULL);
	n = trust_store_find_address(k->certs, who, found, TRUST_CANDIDATES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (keyring_has_secret(k, &found[i]->fingerprint))
			return found[i];
	}
	return NULL;
}

int
keyring_resolve(const struct keyring *k, struct slice who, bool secret, const struct trust_entry **out, struct error *e)
{
	const struct trust_entry *entry;
	struct pgp_fingerprint f;
	int rc;

	if (pgp_fingerprint_parse(who, &f, NULL) == 0) {
		entry = trust_store_find(k->certs, &f);
		if (entry != NULL && secret && !keyring_has_secret(k, &f))
			entry = NULL;
	} else {
		entry = resolve_address(k, who, secret);
	}
	/* What could not be read must not look as if there were nobody. */
	rc = trust_store_failed(k->certs, e);
	if (rc != 0)
		return rc;
	if (entry == NULL)
		return nobody(who, secret, e);
	*out = entry;
	return 0;
}

/* ---- unlocking ---- */

static int
unlock_asking(struct keyring *k, const struct common *c, struct agent_client *agent, const struct pgp_fingerprint *f,
    struct error *e)
{
	char question[QUESTION_MAX];
	BUF_OWNED struct buf key = { .max = AGENT_KEY_OCTETS };
	BUF_OWNED struct buf hex = { .max = 100 };
	struct buf passphrase;
	uint32_t count;
	int rc = keyring_read_secret(k, f, &key, e);

	if (rc != 0)
		return rc;
	(void)pgp_fingerprint_write(f, &hex);
	(void)snprintf(
	    question, sizeof question, "Passphrase of your key %.*s: ", (int)hex.len, (const char *)hex.data);
	buf_init(&passphrase, TERMINAL_SECRET_MAX);
	rc = client_passphrase(c, question, false, &passphrase, e);
	if (rc == 0)
		rc =
		    agent_client_unlock(agent, buf_slice(&key), buf_slice(&passphrase), AGENT_SECONDS_USUAL, &count, e);
	buf_wipe_done(&passphrase);
	return rc;
}

int
keyring_unlock(struct keyring *k, const struct common *c, struct agent_client *agent, const struct pgp_fingerprint *f,
    struct error *e)
{
	if (agent_client_holds(agent, f))
		return 0;
	return unlock_asking(k, c, agent, f, e);
}
