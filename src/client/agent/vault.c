/* SPDX-License-Identifier: ISC */
#include "client/agent/vault.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/machine.h"
#include "base/mem.h"
#include "client/agent/shield.h"
#include "openpgp/cert/cert.h"

struct key_slot {
	int64_t until_ms; /* 0: free */
	uint8_t *body;    /* the packet's body without its secret part, which key points into */
	struct pgp_key key;
	size_t secret_len;
};

struct password_slot {
	int64_t until_ms;
	size_t len;
	struct buf account;
};

/* The part in locked memory: indexes are those of the slots. */
struct region {
	struct agent_shield shield;
	uint8_t keys[AGENT_KEYS_MAX][AGENT_SECRET_OCTETS + AGENT_SHIELD_MORE];
	uint8_t passwords[AGENT_PASSWORDS_MAX][AGENT_PASSWORD_OCTETS + AGENT_SHIELD_MORE];
};

struct agent_vault {
	struct region *region;
	struct key_slot keys[AGENT_KEYS_MAX];
	struct password_slot passwords[AGENT_PASSWORDS_MAX];
};

static void *
map_secret(size_t size)
{
	void *p = MAP_FAILED;
#ifdef SYS_memfd_secret
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		(void)close(fd);
#endif
	return p;
}

static void *
map_locked(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return p;
	(void)mlock(p, size);
	(void)madvise(p, size, MADV_DONTDUMP);
	(void)madvise(p, size, MADV_WIPEONFORK);
	return p;
}

int
agent_vault_new(struct agent_vault **out, struct error *e)
{
	struct agent_vault *v = mem_alloc(sizeof *v);
	void *p;

	if (v == NULL)
		return error_nomem(e);
	p = map_secret(sizeof *v->region);
	if (p == MAP_FAILED)
		p = map_locked(sizeof *v->region);
	if (p == MAP_FAILED) {
		mem_free(v);
		return error_nomem(e);
	}
	v->region = p;
	if (agent_shield_init(&v->region->shield, e) != 0) {
		agent_vault_free(v);
		return ERR_CRYPTO;
	}
	for (size_t i = 0; i < AGENT_PASSWORDS_MAX; i++)
		buf_init(&v->passwords[i].account, 320);
	*out = v;
	return 0;
}

static void
drop_key(struct agent_vault *v, size_t i)
{
	explicit_bzero(v->region->keys[i], sizeof v->region->keys[i]);
	mem_free(v->keys[i].body);
	v->keys[i] = (struct key_slot){ 0 };
}

static void
drop_password(struct agent_vault *v, size_t i)
{
	explicit_bzero(v->region->passwords[i], sizeof v->region->passwords[i]);
	buf_done(&v->passwords[i].account);
	v->passwords[i].until_ms = 0;
	v->passwords[i].len = 0;
}

void
agent_vault_free(struct agent_vault *v)
{
	if (v == NULL)
		return;
	(void)agent_vault_forget(v, SLICE_EMPTY);
	explicit_bzero(v->region, sizeof *v->region);
	(void)munmap(v->region, sizeof *v->region);
	mem_free(v);
}

int64_t
agent_vault_expire(struct agent_vault *v, int64_t now_ms)
{
	int64_t next = MACHINE_NEVER;

	for (size_t i = 0; i < AGENT_KEYS_MAX; i++) {
		if (v->keys[i].until_ms != 0 && v->keys[i].until_ms <= now_ms)
			drop_key(v, i);
		if (v->keys[i].until_ms != 0 && v->keys[i].until_ms < next)
			next = v->keys[i].until_ms;
	}
	for (size_t i = 0; i < AGENT_PASSWORDS_MAX; i++) {
		if (v->passwords[i].until_ms != 0 && v->passwords[i].until_ms <= now_ms)
			drop_password(v, i);
		if (v->passwords[i].until_ms != 0 && v->passwords[i].until_ms < next)
			next = v->passwords[i].until_ms;
	}
	return next;
}

static struct slice
fingerprint_of(const struct pgp_key *k)
{
	return slice_of(k->fingerprint.bytes, k->fingerprint.len);
}

/* The slot of that key, or AGENT_KEYS_MAX. */
static size_t
find_key(struct agent_vault *v, struct slice fingerprint, int64_t now_ms)
{
	(void)agent_vault_expire(v, now_ms);
	for (size_t i = 0; i < AGENT_KEYS_MAX; i++) {
		if (v->keys[i].until_ms != 0 && slice_eq(fingerprint_of(&v->keys[i].key), fingerprint))
			return i;
	}
	return AGENT_KEYS_MAX;
}

static size_t
free_key(const struct agent_vault *v)
{
	size_t i = 0;

	while (i < AGENT_KEYS_MAX && v->keys[i].until_ms != 0)
		i++;
	return i;
}

static int64_t
due(uint32_t seconds, int64_t now_ms)
{
	return now_ms + (int64_t)seconds * 1000;
}

/* A copy of the public part, so that the caller's bytes may go. */
static int
hold(struct agent_vault *v, size_t i, const struct pgp_key *key, struct error *e)
{
	struct key_slot *s = &v->keys[i];
	uint8_t *body = mem_alloc(key->public_body.len);
	int rc;

	if (body == NULL)
		return error_nomem(e);
	memcpy(body, key->public_body.data, key->public_body.len);
	rc = pgp_key_parse(
	    slice_of(body, key->public_body.len), key->subkey ? PGP_PUBLIC_SUBKEY : PGP_PUBLIC_KEY, &s->key, e);
	if (rc != 0) {
		mem_free(body);
		return rc;
	}
	s->body = body;
	return 0;
}

static int
hold_in_free_slot(struct agent_vault *v, size_t *i, const struct pgp_key *key, struct error *e)
{
	*i = free_key(v);
	if (*i == AGENT_KEYS_MAX)
		return error_set(e, ERR_LIMIT, "the agent holds %u keys already: let it forget some", AGENT_KEYS_MAX);
	return hold(v, *i, key, e);
}

static int
unlock_one(struct agent_vault *v, const struct pgp_key *key, struct slice passphrase, int64_t until_ms, int64_t now_ms,
    struct error *e)
{
	size_t i = find_key(v, fingerprint_of(key), now_ms);
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	int rc = pgp_key_unlock(key, passphrase, &secret, e);

	if (rc != 0)
		return rc;
	if (secret.len > AGENT_SECRET_OCTETS)
		return error_set(e, ERR_LIMIT, "the agent has no room for so large a secret key");
	if (i == AGENT_KEYS_MAX)
		rc = hold_in_free_slot(v, &i, key, e);
	if (rc != 0)
		return rc;
	rc = agent_shield_close(&v->region->shield, secret_slice(&secret), v->region->keys[i], e);
	if (rc != 0) {
		drop_key(v, i);
		return rc;
	}
	v->keys[i].secret_len = secret.len;
	v->keys[i].until_ms = until_ms;
	return 0;
}

/* A key that cannot be unlocked does not spoil the others; that none could be is the first one's error. */
static int
unlock_all(struct agent_vault *v, const struct pgp_cert *c, struct slice passphrase, uint32_t seconds, int64_t now_ms,
    uint32_t *count_out, struct error *e)
{
	struct error first = { 0 }, later;
	const struct pgp_key *key;
	uint32_t count = 0;

	for (size_t n = 0; (key = pgp_cert_key(c, n)) != NULL; n++) {
		if (!key->secret || !key->understood)
			continue;
		if (unlock_one(v, key, passphrase, due(seconds, now_ms), now_ms, first.code == 0 ? &first : &later) ==
		    0)
			count++;
	}
	*count_out = count;
	if (count > 0)
		return 0;
	if (first.code == 0)
		return error_set(e, ERR_NO_KEY, "there is no secret key in this file that can be used here");
	if (e != NULL)
		*e = first;
	return first.code;
}

int
agent_vault_unlock(struct agent_vault *v, struct slice key, struct slice passphrase, uint32_t seconds, int64_t now_ms,
    uint32_t *count_out, struct error *e)
{
	struct pgp_cert *c;
	size_t used;
	int rc;

	if (seconds == 0 || seconds > AGENT_SECONDS_MAX)
		return error_set(e, ERR_USAGE, "a key is held for 1 to %u seconds", AGENT_SECONDS_MAX);
	rc = pgp_cert_parse(key, &c, &used, e);
	if (rc != 0)
		return rc;
	rc = unlock_all(v, c, passphrase, seconds, now_ms, count_out, e);
	pgp_cert_free(c);
	return rc;
}

bool
agent_vault_holds(struct agent_vault *v, struct slice fingerprint, int64_t now_ms)
{
	return find_key(v, fingerprint, now_ms) != AGENT_KEYS_MAX;
}

static int
open_secret(const struct agent_vault *v, size_t i, struct secret *out, struct error *e)
{
	struct slice shielded = slice_of(v->region->keys[i], v->keys[i].secret_len + AGENT_SHIELD_MORE);

	return agent_shield_open(&v->region->shield, shielded, out, e);
}

static int
not_held(struct error *e)
{
	return error_set(e, ERR_NO_KEY, "the agent does not hold this key: unlock it first");
}

int
agent_vault_sign(struct agent_vault *v, struct slice fingerprint, uint8_t hash, struct slice digest, int64_t now_ms,
    struct buf *out, struct error *e)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	size_t i = find_key(v, fingerprint, now_ms);
	int rc = i == AGENT_KEYS_MAX ? not_held(e) : open_secret(v, i, &secret, e);

	return rc == 0 ? pgp_secret_sign(&v->keys[i].key, secret_slice(&secret), hash, digest, out, e) : rc;
}

int
agent_vault_open(struct agent_vault *v, struct slice fingerprint, const struct pgp_pkesk_fields *pkesk, int64_t now_ms,
    uint8_t *cipher_out, struct secret *session_key_out, struct error *e)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	size_t i = find_key(v, fingerprint, now_ms);
	int rc = i == AGENT_KEYS_MAX ? not_held(e) : open_secret(v, i, &secret, e);

	if (rc != 0)
		return rc;
	return pgp_secret_open(&v->keys[i].key, secret_slice(&secret), pkesk, cipher_out, session_key_out, e);
}

size_t
agent_vault_list(struct agent_vault *v, int64_t now_ms, struct agent_held *out, size_t max)
{
	size_t n = 0;

	(void)agent_vault_expire(v, now_ms);
	for (size_t i = 0; i < AGENT_KEYS_MAX && n < max; i++) {
		if (v->keys[i].until_ms == 0)
			continue;
		out[n++] = (struct agent_held){ .fingerprint = fingerprint_of(&v->keys[i].key),
			.seconds = (uint64_t)(v->keys[i].until_ms - now_ms + 999) / 1000 };
	}
	return n;
}

uint32_t
agent_vault_forget(struct agent_vault *v, struct slice fingerprint)
{
	uint32_t count = 0;

	for (size_t i = 0; i < AGENT_KEYS_MAX; i++) {
		if (v->keys[i].until_ms == 0 ||
		    (fingerprint.len > 0 && !slice_eq(fingerprint_of(&v->keys[i].key), fingerprint)))
			continue;
		drop_key(v, i);
		count++;
	}
	for (size_t i = 0; i < AGENT_PASSWORDS_MAX && fingerprint.len == 0; i++) {
		count += v->passwords[i].until_ms != 0;
		drop_password(v, i);
	}
	return count;
}

/* ---- account passwords ---- */

static size_t
find_password(struct agent_vault *v, struct slice account, int64_t now_ms)
{
	size_t i = 0;

	(void)agent_vault_expire(v, now_ms);
	while (i < AGENT_PASSWORDS_MAX &&
	    (v->passwords[i].until_ms == 0 || !slice_eq(buf_slice(&v->passwords[i].account), account)))
		i++;
	return i;
}

static size_t
free_password(const struct agent_vault *v)
{
	size_t i = 0;

	while (i < AGENT_PASSWORDS_MAX && v->passwords[i].until_ms != 0)
		i++;
	return i;
}

int
agent_vault_password_put(struct agent_vault *v, struct slice account, struct slice password, uint32_t seconds,
    int64_t now_ms, struct error *e)
{
	size_t i = find_password(v, account, now_ms);
	struct password_slot *s;
	int rc;

	if (i == AGENT_PASSWORDS_MAX)
		i = free_password(v);
	if (i == AGENT_PASSWORDS_MAX || password.len > AGENT_PASSWORD_OCTETS)
		return error_set(e, ERR_LIMIT, "the agent has no room for this password");
	drop_password(v, i);
	s = &v->passwords[i];
	if (buf_put_slice(&s->account, account) != 0)
		return error_nomem(e);
	rc = agent_shield_close(&v->region->shield, password, v->region->passwords[i], e);
	if (rc != 0)
		return rc;
	s->len = password.len;
	s->until_ms = due(seconds, now_ms);
	return 0;
}

int
agent_vault_password_get(
    struct agent_vault *v, struct slice account, int64_t now_ms, struct secret *out, struct error *e)
{
	size_t i = find_password(v, account, now_ms);

	if (i == AGENT_PASSWORDS_MAX)
		return error_set(e, ERR_NO_KEY, "the agent does not hold the password of this account");
	return agent_shield_open(
	    &v->region->shield, slice_of(v->region->passwords[i], v->passwords[i].len + AGENT_SHIELD_MORE), out, e);
}
