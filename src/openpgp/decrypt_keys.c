/* SPDX-License-Identifier: ISC */
#include "openpgp/decrypt_keys.h"

#include "openpgp/algorithm.h"

void
esk_init(struct esk *k)
{
	*k = (struct esk){ 0 };
	buf_init(&k->skesks, PGP_SKESK_MAX * (PGP_ESK_BODY_MAX + PGP_HEADER_MAX));
}

void
esk_done(struct esk *k)
{
	pgp_session_done(&k->found[0]);
	pgp_session_done(&k->found[1]);
	buf_done(&k->skesks);
}

/* Which session key packets go with a container: RFC 9580 section 10.3.2.1, and LibrePGP's own. */
static const struct versions {
	enum pgp_container container;
	uint8_t slot; /* of struct esk */
	uint8_t skesk;
} rows[] = {
	{ PGP_CONTAINER_SEIPD1, 0, 4 },
	{ PGP_CONTAINER_SEIPD2, 1, 6 },
	{ PGP_CONTAINER_LIBRE, 0, 5 },
	{ PGP_CONTAINER_SED, 0, 4 },
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

int
esk_pkesk(struct esk *k, const struct pgp_decrypt_spec *spec, struct slice body, struct error *e)
{
	struct pgp_pkesk p;
	size_t slot;

	k->seen = true;
	if (pgp_pkesk_parse(body, &p, NULL) != 0 || spec->keyring.ops == NULL)
		return 0;
	slot = p.version == 3 ? 0 : 1;
	for (size_t i = 0; i < spec->key_count && k->found[slot].key.data == NULL; i++) {
		int rc;

		if (!pgp_pkesk_may_be_for(&p, spec->keys[i]))
			continue;
		rc = count_try(k, &p, e);
		if (rc != 0)
			return rc;
		rc = pgp_pkesk_open(&p, spec->keys[i], spec->keyring, &k->found[slot], &k->why);
		if (rc == ERR_NOMEM)
			return error_nomem(e);
		if (rc == 0)
			k->found_by[slot] = spec->keys[i];
		else
			k->refused = rc;
	}
	return 0;
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

/* What a passphrase gave: with CFB only the repeated octets tell a wrong one. */
static bool
believable(const struct pgp_session *s, const struct pgp_seipd_head *head)
{
	return fits(s, head) && (!pgp_seipd_is_cfb(head->container) || pgp_seipd_quick_check(head, s));
}

static int
try_passphrases(struct esk *k, const struct pgp_skesk *s, const struct pgp_decrypt_spec *spec,
    const struct pgp_seipd_head *head, struct pgp_session *out, struct error *e)
{
	for (size_t i = 0; i < spec->passphrase_count; i++) {
		struct pgp_session found = { 0, SECRET_EMPTY };
		int rc;

		if (++k->guesses > PGP_PASSPHRASE_TRIES_MAX)
			return error_set(e, ERR_LIMIT, "the message has too many passphrase packets to try");
		rc = pgp_skesk_open(s, spec->passphrases[i], &found, e);
		if (rc == 0 && believable(&found, head)) {
			*out = found;
			return 0;
		}
		pgp_session_done(&found);
		if (rc == ERR_NOMEM || rc == ERR_LIMIT)
			return rc;
	}
	return error_set(e, ERR_PASSWORD, "none of the passphrases opens the message");
}

static int
choose_passphrase(struct esk *k, const struct pgp_decrypt_spec *spec, const struct pgp_seipd_head *head,
    struct pgp_session *out, struct error *e)
{
	int rc = error_set(e, ERR_NO_KEY, "there is no key here that opens the message");
	struct pgp_packet p;
	struct pgp_skesk s;
	size_t at = 0;

	while (pgp_packet_next(buf_slice(&k->skesks), &at, &p, NULL) == 1 && spec->passphrase_count > 0) {
		/* A version that does not go with the container is passed over. */
		if (pgp_skesk_parse(p.body, &s, NULL) != 0 || s.version != versions_of(head)->skesk)
			continue;
		rc = try_passphrases(k, &s, spec, head, out, e);
		if (rc != ERR_PASSWORD)
			return rc;
	}
	return rc;
}

int
esk_choose(struct esk *k, const struct pgp_decrypt_spec *spec, const struct pgp_seipd_head *head,
    struct pgp_session *out, const struct pgp_key **key_out, struct error *e)
{
	size_t slot = versions_of(head)->slot;
	int rc;

	*key_out = NULL;
	for (size_t i = 0; i < spec->session_count; i++) {
		const struct pgp_session *s = &spec->sessions[i];

		if (!fits(s, head) ||
		    (pgp_seipd_is_cfb(head->container) && spec->session_count > 1 && !pgp_seipd_quick_check(head, s)))
			continue;
		out->cipher = s->cipher;
		return secret_copy(&out->key, secret_slice(&s->key), e);
	}
	if (fits(&k->found[slot], head)) {
		*key_out = k->found_by[slot];
		*out = (struct pgp_session){ k->found[slot].cipher, secret_take(&k->found[slot].key) };
		return 0;
	}
	rc = choose_passphrase(k, spec, head, out, e);
	if (rc == ERR_NO_KEY && k->refused != 0)
		return error_set(e, ERR_NO_KEY, "no key here opens the message: %s", k->why.text);
	return rc;
}
