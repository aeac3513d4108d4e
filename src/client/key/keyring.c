/* SPDX-License-Identifier: ISC */
#include "client/key/keyring.h"

#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "client/passphrase.h"
#include "crypto/secret.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/armor.h"
#include "openpgp/judge/verify.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/paths.h"
#include "trust/cert_d.h"
#include "trust/records.h"

#define QUESTION_MAX 400
#define CONFIRM_NAME_MAX 120
#define REVOCATION_MAX (64u << 10) /* octets: one signature, and with v6 the primary key */

static int
data_path(const char *name, char out[FILE_PATH_MAX], struct error *e)
{
	char folder[FILE_PATH_MAX];
	int rc = paths_data(folder, e);

	return rc == 0 ? path_join(out, folder, name, e) : rc;
}

/* When the person wants that. It must not stand in the way of what the person came for. */
static void
watch_shared(struct keyring *k)
{
	char folder[FILE_PATH_MAX];
	struct error e = { 0 };
	int rc = paths_cert_d(folder, &e);

	if (rc == 0)
		rc = trust_cert_d_watch(k->certs, folder, &k->policy, &e);
	if (rc != 0)
		(void)fprintf(stderr, "letterlock: the shared certificate directory: %s\n", e.text);
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
	if (rc != 0)
		return rc;
	trust_store_set_now(k->certs, k->policy.now);
	watch_shared(k);
	return 0;
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
int
keyring_keep(struct keyring *k, struct slice secret_key, struct pgp_fingerprint *fingerprint_out, struct error *e)
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

/* ---- revocations for the drawer ---- */

int
keyring_revocation_path(const struct pgp_fingerprint *f, char *out, struct error *e)
{
	BUF_OWNED struct buf name = { .max = 120 };

	(void)buf_put_str(&name, "revocations/");
	(void)pgp_fingerprint_write(f, &name);
	(void)buf_put(&name, ".asc", 5);
	return name.err != 0 ? error_nomem(e) : data_path((const char *)name.data, out, e);
}

static int
revoke_for_later(
    const struct keyring *k, const struct pgp_cert *key, struct slice passphrase, struct buf *out, struct error *e)
{
	struct secret secret = SECRET_EMPTY;
	struct pgp_memory_keys *memory = NULL;
	int rc = pgp_key_unlock(key->primary, passphrase, &secret, e);

	if (rc == 0)
		rc = pgp_memory_keys_new(&memory, e);
	if (rc == 0)
		rc = pgp_memory_keys_add(memory, key->primary, secret_slice(&secret), e);
	secret_done(&secret);
	if (rc == 0)
		rc = pgp_generate_revocation(
		    key, pgp_memory_keys_ops(memory), PGP_REASON_NONE, SLICE_EMPTY, (uint32_t)k->policy.now, out, e);
	pgp_memory_keys_free(memory);
	return rc;
}

int
keyring_make_revocation(
    const struct keyring *k, const struct pgp_cert *key, struct slice passphrase, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf packets = { .max = REVOCATION_MAX };
	BUF_OWNED struct buf armored = { .max = 2 * REVOCATION_MAX };
	int rc = revoke_for_later(k, key, passphrase, &packets, e);

	if (rc == 0)
		rc =
		    pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, key->primary->version == 4, buf_slice(&packets), &armored, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(out, "The revocation certificate of the key\n\n    ");
	(void)pgp_fingerprint_write(&key->primary->fingerprint, out);
	(void)buf_put_str(out,
	    "\n\nWhoever has it can declare that key void, and nothing else. Keep a copy where you find\n"
	    "it when the key or its passphrase is lost. Then take it in by `letterlock key import FILE`\n"
	    "(or any other OpenPGP program) and publish the key again: others see that it is void.\n"
	    "That cannot be undone.\n\n");
	(void)buf_put_slice(out, buf_slice(&armored));
	return buf_put_u8(out, '\n') == 0 ? 0 : error_nomem(e);
}

int
keyring_keep_revocation(const struct pgp_fingerprint *f, struct slice armored, struct error *e)
{
	char path[FILE_PATH_MAX];
	int rc = data_path("revocations", path, e);

	if (rc == 0)
		rc = dir_make_private(path, e);
	if (rc == 0)
		rc = keyring_revocation_path(f, path, e);
	return rc == 0 ? file_write_atomic(path, armored, 0600, e) : rc;
}

/* ---- new ---- */

/* The revocation first: then there is never a key of ours without one. */
static int
keep_new(struct keyring *k, struct slice key, struct slice passphrase, struct pgp_fingerprint *fingerprint_out,
    struct error *e)
{
	BUF_OWNED struct buf revocation = { .max = 4 * REVOCATION_MAX };
	struct pgp_cert *c;
	size_t used;
	int rc = pgp_cert_parse(key, &c, &used, e);

	if (rc != 0)
		return rc;
	rc = keyring_make_revocation(k, c, passphrase, &revocation, e);
	if (rc == 0)
		rc = keyring_keep_revocation(&c->primary->fingerprint, buf_slice(&revocation), e);
	pgp_cert_free(c);
	return rc == 0 ? keyring_keep(k, key, fingerprint_out, e) : rc;
}

static int
write_user_id(const struct keyring_new *spec, struct buf *out, struct error *e)
{
	if (spec->name != NULL && spec->name[0] != '\0')
		(void)buf_putf(out, "%s <%s>", spec->name, spec->address);
	else
		(void)buf_put_str(out, spec->address);
	return out->err != 0 ? error_set(e, ERR_USAGE, "the name and address are too long for a user ID") : 0;
}

int
keyring_generate(
    struct keyring *k, const struct keyring_new *spec, struct pgp_fingerprint *fingerprint_out, struct error *e)
{
	BUF_OWNED struct buf user_id = { .max = PGP_USER_ID_MAX };
	BUF_OWNED struct buf key = { .max = AGENT_KEY_OCTETS };
	struct slice id;
	struct pgp_generate_spec g = { .version = spec->v6 ? 6 : 4,
		.family = spec->family,
		.user_ids = &id,
		.user_id_count = 1,
		.created = (uint32_t)k->policy.now,
		.expires = spec->expires,
		.protection = PGP_PROTECT_AEAD,
		.passphrase = spec->passphrase };
	int rc = write_user_id(spec, &user_id, e);

	if (rc != 0)
		return rc;
	id = buf_slice(&user_id);
	rc = pgp_generate(&g, &key, e);
	return rc == 0 ? keep_new(k, buf_slice(&key), spec->passphrase, fingerprint_out, e) : rc;
}

/* ---- from elsewhere ---- */

/* Both made one and kept; of secrets that both have those of the first count. */
static int
keep_merged(struct keyring *k, struct slice first, struct slice second, struct error *e)
{
	BUF_OWNED struct buf merged = { .max = AGENT_KEY_OCTETS };
	struct pgp_cert *a = NULL, *b = NULL;
	bool changed;
	size_t used;
	int rc = pgp_cert_parse(first, &a, &used, e);

	if (rc == 0)
		rc = pgp_cert_parse(second, &b, &used, e);
	if (rc == 0)
		rc = pgp_merge(a, b, &merged, &changed, e);
	if (rc == 0)
		rc = keyring_keep(k, buf_slice(&merged), NULL, e);
	pgp_cert_free(a);
	pgp_cert_free(b);
	return rc;
}

static int
keep_beside(struct keyring *k, const struct pgp_fingerprint *f, struct slice key, bool new_first, struct error *e)
{
	BUF_OWNED struct buf here = { .max = AGENT_KEY_OCTETS };
	int rc = keyring_read_secret(k, f, &here, e);

	if (rc == ERR_NOT_FOUND)
		return keyring_keep(k, key, NULL, e);
	if (rc != 0)
		return rc;
	return new_first ? keep_merged(k, key, buf_slice(&here), e) : keep_merged(k, buf_slice(&here), key, e);
}

int
keyring_import_secret(
    struct keyring *k, const struct pgp_cert *c, struct slice passphrase, struct slice new_passphrase, struct error *e)
{
	BUF_OWNED struct buf key = { .max = AGENT_KEY_OCTETS };
	int rc = pgp_cert_protect(c, passphrase, PGP_PROTECT_AEAD, new_passphrase, &key, e);

	return rc == 0 ? keep_beside(k, &c->primary->fingerprint, buf_slice(&key), false, e) : rc;
}

int
keyring_restore_secret(struct keyring *k, const struct pgp_cert *c, struct slice new_passphrase, struct error *e)
{
	BUF_OWNED struct buf key = { .max = AGENT_KEY_OCTETS };
	int rc = pgp_cert_protect(c, SLICE_EMPTY, PGP_PROTECT_AEAD, new_passphrase, &key, e);

	return rc == 0 ? keep_beside(k, &c->primary->fingerprint, buf_slice(&key), true, e) : rc;
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

/* ---- asking before each use ---- */

static int
confirm_setting(const struct pgp_fingerprint *f, struct buf *out, struct error *e)
{
	(void)buf_put_str(out, "confirm ");
	(void)pgp_fingerprint_write(f, out);
	return buf_put_u8(out, 0) == 0 ? 0 : error_nomem(e);
}

int
keyring_confirms(const struct keyring *k, const struct pgp_fingerprint *f, bool *out, struct error *e)
{
	BUF_OWNED struct buf name = { .max = CONFIRM_NAME_MAX }, value = { .max = TRUST_SETTING_MAX };
	int rc = confirm_setting(f, &name, e);

	if (rc == 0)
		rc = trust_setting_get(k->certs, (const char *)name.data, &value, e);
	*out = value.len > 0;
	return rc;
}

int
keyring_set_confirms(struct keyring *k, const struct pgp_fingerprint *f, bool confirm, struct error *e)
{
	BUF_OWNED struct buf name = { .max = CONFIRM_NAME_MAX };
	int rc = confirm_setting(f, &name, e);

	return rc == 0 ? trust_setting_set(k->certs, (const char *)name.data, confirm ? SLICE("yes") : SLICE_EMPTY, e)
		       : rc;
}

/* ---- unlocking ---- */

struct unlocking {
	struct agent_client *agent;
	struct slice key;
	bool confirm;
};

static int
unlock_with(void *ctx, struct slice passphrase, struct error *e)
{
	const struct unlocking *u = ctx;
	uint32_t count;

	return agent_client_unlock(u->agent, u->key, passphrase, AGENT_SECONDS_USUAL, u->confirm, &count, e);
}

int
keyring_unlock(struct keyring *k, const struct common *c, struct agent_client *agent, const struct pgp_fingerprint *f,
    struct error *e)
{
	char question[QUESTION_MAX];
	BUF_OWNED struct buf key = { .max = AGENT_KEY_OCTETS };
	BUF_OWNED struct buf hex = { .max = 100 };
	struct unlocking u = { .agent = agent };
	uint32_t count;
	int rc;

	if (agent_client_holds(agent, f))
		return 0;
	rc = keyring_read_secret(k, f, &key, e);
	if (rc == 0)
		rc = keyring_confirms(k, f, &u.confirm, e);
	if (rc != 0)
		return rc;
	/* The agent asks, where it can; the passphrase then never comes here. */
	rc = c->passphrase_fd >= 0
	    ? ERR_UNSUPPORTED
	    : agent_client_ask(agent, buf_slice(&key), AGENT_SECONDS_USUAL, u.confirm, &count, e);
	if (rc != ERR_UNSUPPORTED)
		return rc;
	(void)pgp_fingerprint_write(f, &hex);
	(void)snprintf(
	    question, sizeof question, "Passphrase of your key %.*s: ", (int)hex.len, (const char *)hex.data);
	u.key = buf_slice(&key);
	return client_passphrase_try(c, question, unlock_with, &u, e);
}
