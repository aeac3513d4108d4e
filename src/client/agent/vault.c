/* SPDX-License-Identifier: ISC */
#include "client/agent/vault.h"

#include <string.h>

#include "base/machine.h"
#include "base/mem.h"
#include "client/agent/shield.h"
#include "openpgp/cert/cert.h"

/* Until when: 0 in until_ms is free. */
struct term {
	int64_t until_ms; /* the sooner of the two */
	int64_t last_ms;  /* whatever the use */
	uint32_t idle_s;
};

struct key_slot {
	struct term term;
	uint8_t *body; /* the packet's body without its secret part, which key points into */
	struct pgp_key key;
	struct pgp_fingerprint primary;
	struct buf user;
	size_t secret_len;
	bool confirm, elsewhere;
};

struct password_slot {
	struct term term;
	size_t len;
	struct buf account;
};

/* All that is secret: indexes are those of the slots. The name is for the test that looks for what must not be there. */
struct region {
	char name[16];
	struct agent_shield shield;
	uint8_t keys[AGENT_KEYS_MAX][AGENT_SECRET_OCTETS + AGENT_SHIELD_MORE];
	uint8_t passwords[AGENT_PASSWORDS_MAX][AGENT_PASSWORD_OCTETS + AGENT_SHIELD_MORE];
};

struct agent_vault {
	struct region *region;
	const struct agent_elsewhere *elsewhere;
	enum agent_why why;
	struct key_slot keys[AGENT_KEYS_MAX];
	struct password_slot passwords[AGENT_PASSWORDS_MAX];
};

const char *
agent_why_text(enum agent_why why)
{
	static const char *const texts[] = { "", "when it was told to", "after its time", "before this machine slept",
		"because this machine had slept", "when the session was locked" };

	return texts[why];
}

enum agent_why
agent_vault_why(const struct agent_vault *v)
{
	return v->why;
}

int
agent_vault_new(const struct agent_elsewhere *elsewhere, struct agent_vault **out, struct error *e)
{
	struct agent_vault *v = mem_alloc(sizeof *v);
	int rc;

	if (v == NULL)
		return error_nomem(e);
	v->elsewhere = elsewhere;
	v->region = mem_alloc(sizeof *v->region);
	if (v->region == NULL) {
		mem_free(v);
		return error_nomem(e);
	}
	memcpy(v->region->name, "letterlock vault", sizeof v->region->name);
	for (size_t i = 0; i < AGENT_PASSWORDS_MAX; i++)
		buf_init(&v->passwords[i].account, 320);
	rc = agent_shield_init(&v->region->shield, e);
	if (rc != 0) {
		agent_vault_free(v);
		return rc;
	}
	*out = v;
	return 0;
}

static void
drop_key(struct agent_vault *v, size_t i)
{
	explicit_bzero(v->region->keys[i], sizeof v->region->keys[i]);
	mem_free(v->keys[i].body);
	buf_done(&v->keys[i].user);
	v->keys[i] = (struct key_slot){ .secret_len = 0 };
}

static void
drop_password(struct agent_vault *v, size_t i)
{
	explicit_bzero(v->region->passwords[i], sizeof v->region->passwords[i]);
	buf_done(&v->passwords[i].account);
	v->passwords[i].term = (struct term){ 0 };
	v->passwords[i].len = 0;
}

void
agent_vault_free(struct agent_vault *v)
{
	if (v == NULL)
		return;
	(void)agent_vault_forget(v, SLICE_EMPTY, AGENT_TOLD);
	explicit_bzero(v->region, sizeof *v->region);
	mem_free(v->region);
	mem_free(v);
}

/* ---- time ---- */

static void
use(struct term *t, int64_t now_ms)
{
	int64_t idle = now_ms + (int64_t)t->idle_s * 1000;

	t->until_ms = idle < t->last_ms ? idle : t->last_ms;
}

static struct term
begin(const struct agent_hold *hold, int64_t now_ms)
{
	struct term t = { .last_ms = now_ms + (int64_t)hold->max_s * 1000, .idle_s = hold->idle_s };

	use(&t, now_ms);
	return t;
}

static int
check_hold(const struct agent_hold *hold, struct error *e)
{
	if (hold->idle_s == 0 || hold->max_s == 0 || hold->idle_s > AGENT_SECONDS_MAX ||
	    hold->max_s > AGENT_SECONDS_MAX)
		return error_set(e, ERR_USAGE, "a key is held for 1 to %u seconds", AGENT_SECONDS_MAX);
	return 0;
}

static bool
is_due(const struct term *t, int64_t now_ms)
{
	return t->until_ms != 0 && t->until_ms <= now_ms;
}

static int64_t
sooner(const struct term *t, int64_t next)
{
	return t->until_ms != 0 && t->until_ms < next ? t->until_ms : next;
}

int64_t
agent_vault_expire(struct agent_vault *v, int64_t now_ms)
{
	int64_t next = MACHINE_NEVER;

	for (size_t i = 0; i < AGENT_KEYS_MAX; i++) {
		if (is_due(&v->keys[i].term, now_ms)) {
			drop_key(v, i);
			v->why = AGENT_TIME;
		}
		next = sooner(&v->keys[i].term, next);
	}
	for (size_t i = 0; i < AGENT_PASSWORDS_MAX; i++) {
		if (is_due(&v->passwords[i].term, now_ms))
			drop_password(v, i);
		next = sooner(&v->passwords[i].term, next);
	}
	return next;
}

/* ---- keys ---- */

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
		if (v->keys[i].term.until_ms != 0 && slice_eq(fingerprint_of(&v->keys[i].key), fingerprint))
			return i;
	}
	return AGENT_KEYS_MAX;
}

static size_t
free_key(const struct agent_vault *v)
{
	size_t i = 0;

	while (i < AGENT_KEYS_MAX && v->keys[i].term.until_ms != 0)
		i++;
	return i;
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
slot_for(struct agent_vault *v, size_t *i, const struct pgp_key *key, int64_t now_ms, struct error *e)
{
	*i = find_key(v, fingerprint_of(key), now_ms);
	return *i == AGENT_KEYS_MAX ? hold_in_free_slot(v, i, key, e) : 0;
}

struct unlocking {
	struct agent_vault *v;
	const struct pgp_cert *cert;
	struct slice passphrase;
	bool elsewhere;
	const struct agent_hold *hold;
	int64_t now_ms;
};

static void
settle(const struct unlocking *u, size_t i)
{
	struct key_slot *s = &u->v->keys[i];
	struct slice user = SLICE_EMPTY;

	for (size_t n = 0; n < u->cert->component_count && user.len == 0; n++) {
		if (u->cert->components[n].kind == PGP_COMPONENT_USER_ID)
			user = u->cert->components[n].packet.body;
	}
	buf_done(&s->user);
	buf_init(&s->user, AGENT_TEXT_MAX);
	(void)buf_put_slice(&s->user, slice_sub(user, 0, size_min(user.len, AGENT_TEXT_MAX)));
	s->primary = u->cert->primary->fingerprint;
	s->confirm = u->hold->confirm;
	s->elsewhere = u->elsewhere;
	s->term = begin(u->hold, u->now_ms);
}

static int
unlock_here(const struct unlocking *u, const struct pgp_key *key, struct error *e)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	size_t i;
	int rc = pgp_key_unlock(key, u->passphrase, &secret, e);

	agent_shield_pause();
	if (rc == 0 && secret.len > AGENT_SECRET_OCTETS)
		rc = error_set(e, ERR_LIMIT, "the agent has no room for so large a secret key");
	if (rc == 0)
		rc = slot_for(u->v, &i, key, u->now_ms, e);
	if (rc != 0)
		return rc;
	rc = agent_shield_close(&u->v->region->shield, secret_slice(&secret), u->v->region->keys[i], e);
	if (rc != 0) {
		drop_key(u->v, i);
		return rc;
	}
	u->v->keys[i].secret_len = secret.len;
	settle(u, i);
	return 0;
}

static int
unlock_elsewhere(const struct unlocking *u, const struct pgp_key *key, struct error *e)
{
	const struct agent_elsewhere *x = u->v->elsewhere;
	size_t i;
	int rc = x != NULL && x->ops.holds(x->ctx, key) ? slot_for(u->v, &i, key, u->now_ms, e) : ERR_NO_KEY;

	if (rc == 0)
		settle(u, i);
	return rc == ERR_NO_KEY ? error_set(e, rc, "no token that is here has this key") : rc;
}

/* A key that cannot be unlocked does not spoil the others; that none could be is the first one's error. */
static int
unlock_all(const struct unlocking *u, uint32_t *count_out, struct error *e)
{
	struct error first = { 0 }, later;
	const struct pgp_key *key;
	uint32_t count = 0;

	for (size_t n = 0; (key = pgp_cert_key(u->cert, n)) != NULL; n++) {
		struct error *said = first.code == 0 ? &first : &later;

		if (!key->secret || !key->understood)
			continue;
		if ((u->elsewhere ? unlock_elsewhere(u, key, said) : unlock_here(u, key, said)) == 0)
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

static int
unlock(struct unlocking *u, struct slice key, uint32_t *count_out, struct error *e)
{
	struct pgp_cert *c;
	size_t used;
	int rc = check_hold(u->hold, e);

	if (rc == 0)
		rc = pgp_cert_parse(key, &c, &used, e);
	if (rc != 0)
		return rc;
	u->cert = c;
	rc = unlock_all(u, count_out, e);
	pgp_cert_free(c);
	secret_wipe_stack();
	return rc;
}

int
agent_vault_unlock(struct agent_vault *v, struct slice key, struct slice passphrase, const struct agent_hold *hold,
    int64_t now_ms, uint32_t *count_out, struct error *e)
{
	struct unlocking u = { .v = v, .passphrase = passphrase, .hold = hold, .now_ms = now_ms };

	return unlock(&u, key, count_out, e);
}

int
agent_vault_unlock_elsewhere(struct agent_vault *v, struct slice key, const struct agent_hold *hold, int64_t now_ms,
    uint32_t *count_out, struct error *e)
{
	struct unlocking u = { .v = v, .elsewhere = true, .hold = hold, .now_ms = now_ms };

	return unlock(&u, key, count_out, e);
}

static struct agent_held
held_of(const struct agent_vault *v, size_t i, int64_t now_ms)
{
	const struct key_slot *s = &v->keys[i];

	return (struct agent_held){ .fingerprint = fingerprint_of(&s->key),
		.primary = slice_of(s->primary.bytes, s->primary.len),
		.user = buf_slice(&s->user),
		.seconds = (uint64_t)(s->term.until_ms - now_ms + 999) / 1000,
		.confirm = s->confirm,
		.token = s->elsewhere };
}

bool
agent_vault_holds(struct agent_vault *v, struct slice fingerprint, int64_t now_ms)
{
	return find_key(v, fingerprint, now_ms) != AGENT_KEYS_MAX;
}

bool
agent_vault_find(struct agent_vault *v, struct slice fingerprint, int64_t now_ms, struct agent_held *out)
{
	size_t i = find_key(v, fingerprint, now_ms);

	if (i != AGENT_KEYS_MAX)
		*out = held_of(v, i, now_ms);
	return i != AGENT_KEYS_MAX;
}

static int
open_secret(const struct agent_vault *v, size_t i, struct secret *out, struct error *e)
{
	struct slice shielded = slice_of(v->region->keys[i], v->keys[i].secret_len + AGENT_SHIELD_MORE);

	return agent_shield_open(&v->region->shield, shielded, out, e);
}

static int
not_held(const struct agent_vault *v, struct error *e)
{
	if (v->why == AGENT_NOT_FORGOTTEN)
		return error_set(e, ERR_NO_KEY, "the agent does not hold this key: unlock it first");
	return error_set(e, ERR_NO_KEY, "the agent does not hold this key (it last forgot keys %s): unlock it first",
	    agent_why_text(v->why));
}

/* Finds the key and counts the use. */
static int
take_up(struct agent_vault *v, struct slice fingerprint, int64_t now_ms, size_t *i, struct error *e)
{
	*i = find_key(v, fingerprint, now_ms);
	if (*i == AGENT_KEYS_MAX)
		return not_held(v, e);
	use(&v->keys[*i].term, now_ms);
	return 0;
}

int
agent_vault_sign(struct agent_vault *v, struct slice fingerprint, uint8_t hash, struct slice digest, int64_t now_ms,
    struct buf *out, struct error *e)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	size_t i;
	int rc = take_up(v, fingerprint, now_ms, &i, e);

	if (rc == 0 && v->keys[i].elsewhere)
		return v->elsewhere->ops.sign(v->elsewhere->ctx, &v->keys[i].key, hash, digest, out, e);
	if (rc == 0)
		rc = open_secret(v, i, &secret, e);
	if (rc == 0)
		rc = pgp_secret_sign(&v->keys[i].key, secret_slice(&secret), hash, digest, out, e);
	agent_shield_pause();
	secret_done(&secret);
	secret_wipe_stack();
	return rc;
}

int
agent_vault_open(struct agent_vault *v, struct slice fingerprint, const struct pgp_pkesk_fields *pkesk, int64_t now_ms,
    uint8_t *cipher_out, struct secret *session_key_out, struct error *e)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	size_t i;
	int rc = take_up(v, fingerprint, now_ms, &i, e);

	if (rc == 0 && v->keys[i].elsewhere)
		return v->elsewhere->ops.open(
		    v->elsewhere->ctx, &v->keys[i].key, pkesk, cipher_out, session_key_out, e);
	if (rc == 0)
		rc = open_secret(v, i, &secret, e);
	if (rc == 0)
		rc = pgp_secret_open(&v->keys[i].key, secret_slice(&secret), pkesk, cipher_out, session_key_out, e);
	agent_shield_pause();
	secret_done(&secret);
	secret_wipe_stack();
	return rc;
}

size_t
agent_vault_list(struct agent_vault *v, int64_t now_ms, struct agent_held *out, size_t max)
{
	size_t n = 0;

	(void)agent_vault_expire(v, now_ms);
	for (size_t i = 0; i < AGENT_KEYS_MAX && n < max; i++) {
		if (v->keys[i].term.until_ms != 0)
			out[n++] = held_of(v, i, now_ms);
	}
	return n;
}

static bool
is_meant(const struct key_slot *s, struct slice fingerprint)
{
	return s->term.until_ms != 0 &&
	    (fingerprint.len == 0 || slice_eq(fingerprint_of(&s->key), fingerprint) ||
		slice_eq(slice_of(s->primary.bytes, s->primary.len), fingerprint));
}

uint32_t
agent_vault_forget(struct agent_vault *v, struct slice fingerprint, enum agent_why why)
{
	uint32_t count = 0;

	for (size_t i = 0; i < AGENT_KEYS_MAX; i++) {
		if (!is_meant(&v->keys[i], fingerprint))
			continue;
		drop_key(v, i);
		count++;
	}
	for (size_t i = 0; i < AGENT_PASSWORDS_MAX && fingerprint.len == 0; i++) {
		count += v->passwords[i].term.until_ms != 0;
		drop_password(v, i);
	}
	if (count > 0)
		v->why = why;
	return count;
}

bool
agent_vault_uses_elsewhere(const struct agent_vault *v)
{
	for (size_t i = 0; i < AGENT_KEYS_MAX; i++) {
		if (v->keys[i].term.until_ms != 0 && v->keys[i].elsewhere)
			return true;
	}
	return false;
}

uint32_t
agent_vault_passwords(struct agent_vault *v, int64_t now_ms)
{
	uint32_t n = 0;

	(void)agent_vault_expire(v, now_ms);
	for (size_t i = 0; i < AGENT_PASSWORDS_MAX; i++)
		n += v->passwords[i].term.until_ms != 0;
	return n;
}

/* ---- account passwords ---- */

static size_t
find_password(struct agent_vault *v, struct slice account, int64_t now_ms)
{
	size_t i = 0;

	(void)agent_vault_expire(v, now_ms);
	while (i < AGENT_PASSWORDS_MAX &&
	    (v->passwords[i].term.until_ms == 0 || !slice_eq(buf_slice(&v->passwords[i].account), account)))
		i++;
	return i;
}

static size_t
free_password(const struct agent_vault *v)
{
	size_t i = 0;

	while (i < AGENT_PASSWORDS_MAX && v->passwords[i].term.until_ms != 0)
		i++;
	return i;
}

int
agent_vault_password_put(struct agent_vault *v, struct slice account, struct slice password,
    const struct agent_hold *hold, int64_t now_ms, struct error *e)
{
	size_t i = find_password(v, account, now_ms);
	struct password_slot *s;
	int rc = check_hold(hold, e);

	if (rc != 0)
		return rc;
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
	s->term = begin(hold, now_ms);
	return 0;
}

int
agent_vault_password_get(
    struct agent_vault *v, struct slice account, int64_t now_ms, struct secret *out, struct error *e)
{
	size_t i = find_password(v, account, now_ms);

	if (i == AGENT_PASSWORDS_MAX)
		return error_set(e, ERR_NO_KEY, "the agent does not hold the password of this account");
	use(&v->passwords[i].term, now_ms);
	return agent_shield_open(
	    &v->region->shield, slice_of(v->region->passwords[i], v->passwords[i].len + AGENT_SHIELD_MORE), out, e);
}
