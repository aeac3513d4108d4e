/* SPDX-License-Identifier: ISC */
/* Signing for the public header: detached, inline, cleartext. */
#include "base/mem.h"
#include "openpgp/frame/armor.h"
#include "openpgp/sig/cleartext.h"
#include "openpgp/sig/data_sig.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/public/public.h"

#define SIGNATURES_MAX (PGP_SIGNATURES_MAX * (size_t)16384u) /* octets of all that we make for one text */

struct llk_signer {
	enum llk_signature_form form;
	struct pgp_signer signers[LLK_SIGNERS_MAX];
	size_t count;
	struct buf texts[2 * PGP_NOTATIONS_MAX]; /* names and values */
	struct pgp_notation notations[PGP_NOTATIONS_MAX];
	size_t notation_count;
	uint32_t expires;
	bool text, armor, begun;
	bool ended; /* or an error came: nothing is written any more, for the caller's writer may be gone */
	struct llk_writer out;
	struct pgp_maker *maker;
	struct pgp_encryptor *message;         /* inline */
	struct pgp_cleartext_writer *readable; /* cleartext */
};

int
llk_signer_new(enum llk_signature_form form, struct llk_signer **out, struct llk_error *error)
{
	struct llk_signer *s = mem_alloc(sizeof *s);

	if (s == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	s->form = form;
	s->text = form == LLK_CLEARTEXT;
	*out = s;
	return 0;
}

void
llk_signer_free(struct llk_signer *signer)
{
	if (signer == NULL)
		return;
	pgp_cleartext_writer_free(signer->readable);
	pgp_encryptor_free(signer->message);
	pgp_maker_free(signer->maker);
	for (size_t i = 0; i < 2 * signer->notation_count; i++)
		buf_done(&signer->texts[i]);
	mem_free(signer);
}

int
llk_signer_key(struct llk_signer *signer, const struct llk_cert *cert, const struct llk_policy *policy,
    const struct llk_keys *keys, struct llk_error *error)
{
	struct pgp_signer *s = &signer->signers[signer->count];
	struct error e = { 0 };

	if (signer->begun)
		return public_refuse(error, ERR_ORDER, "signing has begun");
	if (signer->count == LLK_SIGNERS_MAX)
		return public_refuse(error, ERR_LIMIT, "too many signers");
	if (public_signing_key(public_cert_engine(cert), &policy->policy, keys, &s->key, &e) != 0)
		return public_fail(error, &e);
	s->keys = pgp_memory_keys_ops(keys->memory);
	signer->count++;
	return 0;
}

void
llk_signer_text(struct llk_signer *signer)
{
	signer->text = true;
}

void
llk_signer_armor(struct llk_signer *signer)
{
	signer->armor = true;
}

int
llk_signer_notation(struct llk_signer *signer, const struct llk_notation *notation, struct llk_error *error)
{
	size_t n = signer->notation_count;
	struct buf *name = &signer->texts[2 * n], *value = &signer->texts[2 * n + 1];

	if (signer->begun)
		return public_refuse(error, ERR_ORDER, "signing has begun");
	if (n == PGP_NOTATIONS_MAX)
		return public_refuse(error, ERR_LIMIT, "too many notations");
	if (notation->name.len > UINT16_MAX || notation->value.len > UINT16_MAX)
		return public_refuse(error, ERR_USAGE, "a notation's name and value are at most 65535 octets long");
	buf_init(name, UINT16_MAX);
	buf_init(value, UINT16_MAX);
	if (buf_put_slice(name, public_slice(notation->name)) != 0 ||
	    buf_put_slice(value, public_slice(notation->value)) != 0) {
		buf_done(name);
		buf_done(value);
		return public_refuse(error, ERR_NOMEM, "no memory");
	}
	signer->notations[n] = (struct pgp_notation){ .name = buf_slice(name),
		.value = buf_slice(value),
		.readable = notation->readable,
		.critical = notation->critical };
	signer->notation_count++;
	return 0;
}

void
llk_signer_expires(struct llk_signer *signer, uint32_t seconds)
{
	signer->expires = seconds;
}

static int
begin(struct llk_signer *s, uint32_t created, struct error *e)
{
	const struct pgp_maker_spec spec = { .signers = s->signers,
		.signer_count = s->count,
		.type = s->text ? PGP_SIG_TEXT : PGP_SIG_BINARY,
		.created = created,
		.expires = s->expires,
		.notations = s->notations,
		.notation_count = s->notation_count };
	struct pgp_encrypt_spec message = {
		.container = PGP_CONTAINER_NONE, .armor = s->armor, .length = PGP_LENGTH_UNKNOWN
	};
	int rc = pgp_maker_new(&s->maker, &spec, e);

	message.maker = s->maker;
	if (rc == 0 && s->form == LLK_INLINE)
		rc = pgp_encryptor_new(&message, public_sink(&s->out), &s->message, e);
	else if (rc == 0 && s->form == LLK_CLEARTEXT)
		rc = pgp_cleartext_writer_new(s->maker, public_sink(&s->out), &s->readable, e);
	return rc;
}

int
llk_signer_begin(struct llk_signer *signer, uint32_t created, struct llk_writer out, struct llk_error *error)
{
	struct error e = { 0 };

	if (signer->begun)
		return public_refuse(error, ERR_ORDER, "signing has begun");
	if (signer->count == 0)
		return public_refuse(error, ERR_USAGE, "nobody signs: give a key first");
	signer->begun = true;
	signer->out = out;
	if (begin(signer, created, &e) == 0)
		return 0;
	signer->ended = true;
	return public_fail(error, &e);
}

int
llk_signer_write(struct llk_signer *signer, struct llk_bytes data, struct llk_error *error)
{
	struct error e = { 0 };
	int rc;

	if (signer->maker == NULL || signer->ended)
		return public_refuse(error, ERR_ORDER, "signing has not begun, or it has ended");
	if (signer->message != NULL)
		rc = pgp_encryptor_feed(signer->message, public_slice(data), &e);
	else if (signer->readable != NULL)
		rc = pgp_cleartext_writer_put(signer->readable, public_slice(data), &e);
	else
		rc = pgp_maker_feed(signer->maker, public_slice(data), &e);
	if (rc == 0)
		return 0;
	signer->ended = true;
	return public_fail(error, &e);
}

static bool
has_v6(const struct llk_signer *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->signers[i].key->version == 6)
			return true;
	return false;
}

static int
put_detached(struct llk_signer *s, struct error *e)
{
	struct buf packets BUF_OWNED = { 0 }, text BUF_OWNED = { 0 };
	int rc;

	buf_init(&packets, SIGNATURES_MAX);
	buf_init(&text, 2 * SIGNATURES_MAX);
	rc = pgp_maker_finish(s->maker, false, &packets, e);
	if (rc != 0)
		return rc;
	if (!s->armor)
		return pgp_sink_write(public_sink(&s->out), buf_slice(&packets), e);
	rc = pgp_armor_write(PGP_ARMOR_SIGNATURE, !has_v6(s), buf_slice(&packets), &text, e);
	return rc != 0 ? rc : pgp_sink_write(public_sink(&s->out), buf_slice(&text), e);
}

int
llk_signer_end(struct llk_signer *signer, struct llk_error *error)
{
	struct error e = { 0 };
	int rc;

	if (signer->maker == NULL || signer->ended)
		return public_refuse(error, ERR_ORDER, "signing has not begun, or it has ended");
	signer->ended = true;
	if (signer->message != NULL)
		rc = pgp_encryptor_finish(signer->message, &e);
	else if (signer->readable != NULL)
		rc = pgp_cleartext_writer_end(signer->readable, &e);
	else
		rc = put_detached(signer, &e);
	return rc == 0 ? 0 : public_fail(error, &e);
}

int
llk_signer_run(
    struct llk_signer *signer, uint32_t created, struct llk_bytes data, struct llk_data *out, struct llk_error *error)
{
	struct buf result;
	int rc;

	buf_init(&result, LLK_WHOLE_MAX);
	rc = llk_signer_begin(signer, created, (struct llk_writer){ public_append, &result }, error);
	if (rc == 0)
		rc = llk_signer_write(signer, data, error);
	if (rc == 0)
		rc = llk_signer_end(signer, error);
	if (rc == 0)
		return public_give(&result, out, error);
	buf_wipe_done(&result);
	return rc;
}
