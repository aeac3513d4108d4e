/* SPDX-License-Identifier: ISC */
#include "openpgp/message/decrypt_keys.h"

#include "openpgp/key/algorithm.h"

void
esk_init(struct esk *k)
{
	*k = (struct esk){ 0 };
	buf_init(&k->skesks, PGP_SKESK_MAX * (PGP_ESK_BODY_MAX + PGP_HEADER_MAX));
}

void
esk_list_done(struct esk_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		pgp_session_done(&l->items[i].session);
	l->count = 0;
}

void
esk_done(struct esk *k)
{
	esk_list_done(&k->found);
	buf_done(&k->skesks);
}

/* Takes the session key, also when it fails. */
static int
add(struct esk_list *l, struct pgp_session *session, const struct pgp_key *key, uint8_t version, struct error *e)
{
	if (l->count == PGP_SESSION_CANDIDATES_MAX) {
		pgp_session_done(session);
		return error_set(e, ERR_LIMIT, "the message has too many session keys that could be its own");
	}
	l->items[l->count++] = (struct esk_candidate){ { session->cipher, secret_take(&session->key) }, key, version };
	return 0;
}

/* Which session key packets go with a container: RFC 9580 section 10.3.2.1, and LibrePGP's own. */
static const struct versions {
	enum pgp_container container;
	uint8_t pkesk, skesk;
} rows[] = {
	{ PGP_CONTAINER_SEIPD1, 3, 4 },
	{ PGP_CONTAINER_SEIPD2, 6, 6 },
	{ PGP_CONTAINER_LIBRE, 3, 5 },
	{ PGP_CONTAINER_SED, 3, 4 },
};

static const struct versions *
versions_of(const struct pgp_seipd_head *head)
{
	for (size_t i = 1; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].container == head->container)
			return &rows[i];
	}
	return &rows[0];
}

/* Each try costs an operation with a secret key: nobody may order as many as he likes. */
static int
count_try(struct esk *k, const struct pgp_pkesk *p, struct error *e)
{
	if (p->anonymous && ++k->hidden_tries > PGP_HIDDEN_TRIES_MAX)
		return error_set(e, ERR_LIMIT, "the message hides its recipients, and has too many to try");
	if (++k->tries > PGP_KEY_TRIES_MAX)
		return error_set(e, ERR_LIMIT, "the message has too many session keys for one and the same key");
	return 0;
}

/* RSA and ElGamal answer a wrong packet with a random key; the others wrap so that a right one proves itself. */
static bool
proves_itself(const struct pgp_key *key)
{
	return key->algorithm != PGP_RSA && key->algorithm != PGP_RSA_ENCRYPT && key->algorithm != PGP_ELGAMAL;
}

static int
open_one(struct esk *k, const struct pgp_decrypt_spec *spec, const struct pgp_pkesk *p, const struct pgp_key *key,
    struct error *e)
{
	struct pgp_session session = { 0, SECRET_EMPTY };
	int rc = count_try(k, p, e);

	if (rc != 0)
		return rc;
	rc = pgp_pkesk_open(p, key, spec->keyring, &session, &k->why);
	if (rc == ERR_NOMEM)
		return error_nomem(e);
	if (rc != 0) {
		k->refused = rc;
		return 0;
	}
	k->proven[p->version == 6] = k->proven[p->version == 6] || proves_itself(key);
	return add(&k->found, &session, key, p->version, e);
}

int
esk_pkesk(struct esk *k, const struct pgp_decrypt_spec *spec, struct slice body, struct error *e)
{
	struct pgp_pkesk p;
	int rc = 0;

	k->seen = true;
	if (pgp_pkesk_parse(body, &p, NULL) != 0 || spec->keyring.ops == NULL)
		return 0;
	for (size_t i = 0; rc == 0 && i < spec->key_count && !k->proven[p.version == 6]; i++) {
		if (pgp_pkesk_may_be_for(&p, spec->keys[i]))
			rc = open_one(k, spec, &p, spec->keys[i], e);
	}
	return rc;
}

int
esk_skesk(struct esk *k, struct slice body, struct error *e)
{
	k->seen = true;
	if (k->skesk_count++ >= PGP_SKESK_MAX)
		return 0;
	if (pgp_packet_write(&k->skesks, PGP_SKESK, body) != 0)
		return error_set(e, k->skesks.err, "there is no room for the message's passphrase packets");
	return 0;
}

/* Whether the session key goes with the container's cipher: a wrong one was planted or damaged. */
static bool
fits(const struct pgp_session *s, const struct pgp_seipd_head *head)
{
	uint8_t cipher = pgp_seipd_is_cfb(head->container) ? s->cipher : head->cipher;

	if (head->container == PGP_CONTAINER_LIBRE && s->cipher != 0 && s->cipher != head->cipher)
		return false;
	return pgp_cipher_key_size(cipher) == s->key.len && s->key.len != 0;
}

/* What a passphrase gave: with CFB only the repeated octets tell a wrong one (ERR_PASSWORD). */
static int
believe(const struct pgp_session *s, const struct pgp_seipd_head *head, struct error *e)
{
	bool right = fits(s, head);
	int rc = 0;

	if (right && pgp_seipd_is_cfb(head->container))
		rc = pgp_seipd_quick_check(head, s, &right, e);
	return rc != 0 || right ? rc : error_set(e, ERR_PASSWORD, "none of the passphrases opens the message");
}

static int
try_passphrases(struct esk *k, const struct pgp_skesk *s, const struct pgp_decrypt_spec *spec,
    const struct pgp_seipd_head *head, struct esk_list *out, struct error *e)
{
	for (size_t i = 0; i < spec->passphrase_count; i++) {
		struct pgp_session found = { 0, SECRET_EMPTY };
		int rc;

		if (++k->guesses > PGP_PASSPHRASE_TRIES_MAX)
			return error_set(e, ERR_LIMIT, "the message has too many passphrase packets to try");
		rc = pgp_skesk_open(s, spec->passphrases[i], &found, e);
		if (rc == 0)
			rc = believe(&found, head, e);
		if (rc == 0)
			return add(out, &found, NULL, s->version, e);
		pgp_session_done(&found);
		if (rc == ERR_NOMEM || rc == ERR_LIMIT)
			return rc;
	}
	return error_set(e, ERR_PASSWORD, "none of the passphrases opens the message");
}

/* All that the passphrase packets ask for, before any of it is done: each alone may be within its bounds. */
static int
bound_work(const struct esk *k, const struct pgp_decrypt_spec *spec, const struct pgp_seipd_head *head, struct error *e)
{
	uint64_t tries = size_min(spec->passphrase_count, PGP_PASSPHRASE_TRIES_MAX), work = 0;
	struct pgp_packet p;
	struct pgp_skesk s;
	size_t at = 0;

	while (pgp_packet_next(buf_slice(&k->skesks), &at, &p, NULL) == 1) {
		if (pgp_skesk_parse(p.body, &s, NULL) == 0 && s.version == versions_of(head)->skesk &&
		    s.s2k.type == PGP_S2K_ARGON2)
			work += tries * s.s2k.passes << (s.s2k.memory_code & 31);
	}
	return work <= PGP_ARGON2_WORK_MAX
	    ? 0
	    : error_set(e, ERR_LIMIT, "to try the passphrases would take minutes: the message asks for too much work");
}

static int
choose_passphrase(struct esk *k, const struct pgp_decrypt_spec *spec, const struct pgp_seipd_head *head,
    struct esk_list *out, struct error *e)
{
	int rc = error_set(e, ERR_NO_KEY, "there is no key here that opens the message");
	struct pgp_packet p;
	struct pgp_skesk s;
	size_t at = 0;

	if (bound_work(k, spec, head, e) != 0)
		return ERR_LIMIT;
	while (pgp_packet_next(buf_slice(&k->skesks), &at, &p, NULL) == 1 && spec->passphrase_count > 0) {
		int parsed = pgp_skesk_parse(p.body, &s, &k->why);

		if (parsed != 0)
			k->refused = parsed;
		/* A version that does not go with the container is passed over. */
		if (parsed != 0 || s.version != versions_of(head)->skesk)
			continue;
		rc = try_passphrases(k, &s, spec, head, out, e);
		if (rc != ERR_PASSWORD)
			return rc;
	}
	return rc;
}

static int
choose_known(
    const struct pgp_decrypt_spec *spec, const struct pgp_seipd_head *head, struct esk_list *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < spec->session_count; i++) {
		struct pgp_session copy = { spec->sessions[i].cipher, SECRET_EMPTY };

		if (!fits(&spec->sessions[i], head))
			continue;
		rc = secret_copy(&copy.key, secret_slice(&spec->sessions[i].key), e);
		if (rc == 0)
			rc = add(out, &copy, NULL, 0, e);
	}
	return rc;
}

/* A session key that was opened, for a cipher that nothing here has: its name is told rather than that there is no key. */
static int
refuse_cipher(const struct esk_candidate *c, const struct pgp_policy *policy, struct error *e)
{
	enum cipher_id id;
	int rc = pgp_policy_cipher(policy, c->session.cipher, PGP_USE_DECRYPT, e);

	return rc != 0 ? rc : pgp_cipher_find(c->session.cipher, &id, e);
}

static int
choose_found(struct esk *k, const struct pgp_policy *policy, const struct pgp_seipd_head *head, struct esk_list *out,
    struct error *e)
{
	int rc = 0, refused = 0;

	for (size_t i = 0; rc == 0 && i < k->found.count; i++) {
		struct esk_candidate *c = &k->found.items[i];

		if (c->version != versions_of(head)->pkesk)
			continue;
		if (fits(&c->session, head))
			rc = add(out, &c->session, c->key, c->version, e);
		else if (pgp_seipd_is_cfb(head->container))
			refused = refuse_cipher(c, policy, e);
	}
	return rc == 0 && out->count == 0 ? refused : rc;
}

/* Of several in CFB: the one whose repeated octets are right, else the first, which then fails like any other. */
static int
keep_one(struct esk_list *l, const struct pgp_seipd_head *head, struct error *e)
{
	size_t best = 0;
	int rc = 0;

	for (size_t i = l->count; i-- > 0 && rc == 0;) {
		bool right = false;

		rc = pgp_seipd_quick_check(head, &l->items[i].session, &right, e);
		if (right)
			best = i;
	}
	for (size_t i = 0; i < l->count; i++) {
		if (i != best)
			pgp_session_done(&l->items[i].session);
	}
	if (best != 0) {
		l->items[0] = l->items[best];
		l->items[best] = (struct esk_candidate){ 0 };
	}
	l->count = 1;
	return rc;
}

int
esk_choose(struct esk *k, const struct pgp_decrypt_spec *spec, const struct pgp_policy *policy,
    const struct pgp_seipd_head *head, struct esk_list *out, struct error *e)
{
	int rc = choose_known(spec, head, out, e);

	if (rc == 0 && out->count == 0)
		rc = choose_found(k, policy, head, out, e);
	if (rc == 0 && out->count == 0)
		rc = choose_passphrase(k, spec, head, out, e);
	if (rc == ERR_NO_KEY && k->refused != 0)
		return error_set(e, k->refused == ERR_UNSUPPORTED ? ERR_UNSUPPORTED : ERR_NO_KEY,
		    "no key here opens the message: %s", k->why.text);
	if (rc != 0)
		return rc;
	return pgp_seipd_is_cfb(head->container) && out->count > 1 ? keep_one(out, head, e) : 0;
}
