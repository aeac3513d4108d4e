/* SPDX-License-Identifier: ISC */
/* Encrypting for the public header. */
#include "base/mem.h"
#include "crypto/secret.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/message/negotiate.h"
#include "openpgp/public/public.h"

struct llk_encrypter {
	struct pgp_policy policy;
	const struct pgp_key **recipients;
	size_t recipient_count, recipient_room;
	struct pgp_fingerprint *intended; /* of each certificate */
	size_t intended_count, intended_room;
	struct secret passwords[LLK_PASSWORDS_MAX];
	struct slice passphrases[LLK_PASSWORDS_MAX];
	size_t password_count;
	struct pgp_signer signers[LLK_SIGNERS_MAX];
	size_t signer_count;
	struct pgp_negotiation negotiation; /* of what all certificates read */
	bool armor, compress, hide, pad;
	uint64_t length;
	struct public_helper helper;
	struct llk_writer out;
	struct pgp_maker *maker;
	struct pgp_encryptor *engine; /* from begin to end, or to the first error */
	bool begun;
};

int
llk_encrypter_new(const struct llk_policy *policy, struct llk_encrypter **out, struct llk_error *error)
{
	struct llk_encrypter *x = mem_alloc(sizeof *x);

	if (x == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	x->policy = policy->policy;
	pgp_negotiation_begin(&x->negotiation, &(struct pgp_negotiation_wishes){ .aead = 0 });
	x->length = PGP_LENGTH_UNKNOWN;
	*out = x;
	return 0;
}

void
llk_encrypter_free(struct llk_encrypter *encrypter)
{
	if (encrypter == NULL)
		return;
	pgp_encryptor_free(encrypter->engine);
	public_helper_done(&encrypter->helper);
	pgp_maker_free(encrypter->maker);
	for (size_t i = 0; i < encrypter->password_count; i++)
		secret_done(&encrypter->passwords[i]);
	mem_free(encrypter->recipients);
	mem_free(encrypter->intended);
	mem_free(encrypter);
}

/* Room for `more` further elements. */
static int
grow(void *array, size_t size, size_t count, size_t more, size_t *room, struct error *e)
{
	void **a = array, *bigger;
	size_t wanted = count + more;

	if (wanted > PGP_RECIPIENTS_MAX)
		return error_set(e, ERR_LIMIT, "more than %u recipients", PGP_RECIPIENTS_MAX);
	if (wanted <= *room)
		return 0;
	wanted = size_min(2 * wanted, PGP_RECIPIENTS_MAX);
	bigger = mem_realloc(*a, wanted * size);
	if (bigger == NULL)
		return error_nomem(e);
	*a = bigger;
	*room = wanted;
	return 0;
}

static int
take_keys(struct llk_encrypter *x, const struct pgp_key *const *keys, size_t n, struct error *e)
{
	int rc = grow(&x->recipients, sizeof(const struct pgp_key *), x->recipient_count, n, &x->recipient_room, e);

	if (rc == 0)
		rc = grow(&x->intended, sizeof *x->intended, x->intended_count, 1, &x->intended_room, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		x->recipients[x->recipient_count++] = keys[i];
	return rc;
}

static int
add_recipient(struct llk_encrypter *x, const struct pgp_cert *c, struct error *e)
{
	const struct pgp_key *keys[LLK_ENCRYPT_KEYS];
	struct pgp_cert_judgement j;
	size_t n;
	int rc = pgp_cert_judge(c, &x->policy, x->policy.now, &j, e);

	if (rc != 0)
		return rc;
	n = pgp_judged_keys_for(&j, &x->policy, PGP_FLAG_ENCRYPT, keys, LLK_ENCRYPT_KEYS, e);
	rc = n == 0 ? e->code : take_keys(x, keys, n, e);
	if (rc == 0) {
		x->intended[x->intended_count++] = c->primary->fingerprint;
		pgp_negotiation_add(&x->negotiation, &j);
	}
	pgp_cert_judgement_done(&j);
	return rc;
}

int
llk_encrypter_recipient(struct llk_encrypter *encrypter, const struct llk_cert *cert, struct llk_error *error)
{
	struct error e = { 0 };

	if (encrypter->begun)
		return public_refuse(error, ERR_ORDER, "the message has begun");
	return add_recipient(encrypter, public_cert_engine(cert), &e) == 0 ? 0 : public_fail(error, &e);
}

int
llk_encrypter_password(struct llk_encrypter *encrypter, struct llk_bytes password, struct llk_error *error)
{
	size_t n = encrypter->password_count;
	struct error e = { 0 };

	if (encrypter->begun)
		return public_refuse(error, ERR_ORDER, "the message has begun");
	if (n == LLK_PASSWORDS_MAX)
		return public_refuse(error, ERR_LIMIT, "too many passwords");
	if (password.len == 0)
		return public_refuse(error, ERR_USAGE, "an empty password protects nothing");
	if (secret_copy(&encrypter->passwords[n], public_slice(password), &e) != 0)
		return public_fail(error, &e);
	encrypter->passphrases[n] = secret_slice(&encrypter->passwords[n]);
	encrypter->password_count++;
	return 0;
}

int
llk_encrypter_signer(
    struct llk_encrypter *encrypter, const struct llk_cert *cert, const struct llk_keys *keys, struct llk_error *error)
{
	struct pgp_signer *s = &encrypter->signers[encrypter->signer_count];
	struct error e = { 0 };

	if (encrypter->begun)
		return public_refuse(error, ERR_ORDER, "the message has begun");
	if (encrypter->signer_count == LLK_SIGNERS_MAX)
		return public_refuse(error, ERR_LIMIT, "too many signers");
	if (public_signing_key(public_cert_engine(cert), &encrypter->policy, keys, &s->key, &e) != 0)
		return public_fail(error, &e);
	s->keys = pgp_memory_keys_ops(keys->memory);
	encrypter->signer_count++;
	return 0;
}

void
llk_encrypter_armor(struct llk_encrypter *encrypter)
{
	encrypter->armor = true;
}

void
llk_encrypter_seipd1(struct llk_encrypter *encrypter)
{
	pgp_negotiation_only_seipd1(&encrypter->negotiation);
}

void
llk_encrypter_compress(struct llk_encrypter *encrypter)
{
	encrypter->compress = true;
}

void
llk_encrypter_hide_recipients(struct llk_encrypter *encrypter)
{
	encrypter->hide = true;
}

void
llk_encrypter_pad(struct llk_encrypter *encrypter)
{
	encrypter->pad = true;
}

void
llk_encrypter_helper(struct llk_encrypter *encrypter, const struct llk_helper *helper)
{
	encrypter->helper.lent = *helper;
}

void
llk_encrypter_length(struct llk_encrypter *encrypter, uint64_t length)
{
	encrypter->length = length;
}

static int
begin(struct llk_encrypter *x, struct error *e)
{
	const struct pgp_maker_spec signatures = { .signers = x->signers,
		.signer_count = x->signer_count,
		.type = PGP_SIG_BINARY,
		.created = (uint32_t)x->policy.now,
		.recipients = x->intended,
		.recipient_count = x->intended_count };
	struct pgp_encrypt_spec spec = {
		.recipients = x->recipients,
		.recipient_count = x->recipient_count,
		.passphrases = x->passphrases,
		.passphrase_count = x->password_count,
		.hide_recipients = x->hide,
		.compression = x->compress ? PGP_ZLIB : PGP_UNCOMPRESSED,
		.armor = x->armor,
		.length = x->length,
		.hasher = public_hasher(&x->helper),
	};
	int rc = x->signer_count == 0 ? 0 : pgp_maker_new(&x->maker, &signatures, e);

	if (rc != 0)
		return rc;
	spec.maker = x->maker;
	pgp_negotiation_end(&x->negotiation, &spec.container, &spec.cipher, &spec.aead);
	/* There is padding in the new container only; the old one has no place where it would be proven. */
	spec.padding = x->pad && spec.container == PGP_CONTAINER_SEIPD2 ? PGP_PAD_PADME : PGP_PAD_NONE;
	return pgp_encryptor_new(&spec, public_sink(&x->out), &x->engine, e);
}

int
llk_encrypter_begin(struct llk_encrypter *encrypter, struct llk_writer out, struct llk_error *error)
{
	struct error e = { 0 };

	if (encrypter->begun)
		return public_refuse(error, ERR_ORDER, "the message has begun");
	if (encrypter->recipient_count + encrypter->password_count == 0)
		return public_refuse(error, ERR_USAGE, "a message needs a recipient or a password");
	if (encrypter->signer_count > 0 && encrypter->policy.now > UINT32_MAX)
		return public_refuse(error, ERR_USAGE, "OpenPGP has no such time");
	encrypter->begun = true;
	encrypter->out = out;
	return begin(encrypter, &e) == 0 ? 0 : public_fail(error, &e);
}

/* What was written is no message, and nothing follows it: the caller's writer may be gone by then. */
static int
give_up(struct llk_encrypter *x, const struct error *e, struct llk_error *error)
{
	pgp_encryptor_free(x->engine);
	x->engine = NULL;
	return public_fail(error, e);
}

int
llk_encrypter_write(struct llk_encrypter *encrypter, struct llk_bytes data, struct llk_error *error)
{
	struct error e = { 0 };

	if (encrypter->engine == NULL)
		return public_refuse(error, ERR_ORDER, "no message has begun, or it has ended with an error");
	return pgp_encryptor_feed(encrypter->engine, public_slice(data), &e) == 0 ? 0 : give_up(encrypter, &e, error);
}

int
llk_encrypter_end(struct llk_encrypter *encrypter, struct llk_error *error)
{
	struct error e = { 0 };

	if (encrypter->engine == NULL)
		return public_refuse(error, ERR_ORDER, "no message has begun, or it has ended with an error");
	if (pgp_encryptor_finish(encrypter->engine, &e) != 0)
		return give_up(encrypter, &e, error);
	pgp_encryptor_free(encrypter->engine);
	encrypter->engine = NULL;
	return 0;
}

int
llk_encrypter_run(struct llk_encrypter *encrypter, struct llk_bytes data, struct llk_data *out, struct llk_error *error)
{
	struct buf result;
	int rc;

	buf_init(&result, LLK_WHOLE_MAX);
	encrypter->length = data.len;
	rc = llk_encrypter_begin(encrypter, (struct llk_writer){ public_append, &result }, error);
	if (rc == 0)
		rc = llk_encrypter_write(encrypter, data, error);
	if (rc == 0)
		rc = llk_encrypter_end(encrypter, error);
	if (rc == 0)
		return public_give(&result, out, error);
	buf_wipe_done(&result);
	return rc;
}
