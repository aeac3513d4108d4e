/* SPDX-License-Identifier: ISC */
#include "base/mem.h"
#include "letter/pgp.h"
#include "openpgp/frame/armor.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/message/negotiate.h"

#define KEYS_OF_ONE 8u /* encryption keys of one certificate that are used: one for each of his devices */

/* LF becomes CR LF on the way to a mail. */
struct crlf {
	struct mime_sink out;
	struct buf text;
	bool cr; /* the last octet was a CR */
};

struct letter_pgp_sealer {
	struct crlf crlf;
	const struct pgp_key **keys;
	size_t key_count;
	struct pgp_negotiation negotiation;
	struct pgp_maker *maker;
	struct pgp_encryptor *encryptor;
};

static int
crlf_write(void *ctx, struct slice data, struct error *e)
{
	struct crlf *c = ctx;

	buf_clear(&c->text);
	while (data.len > 0) {
		size_t lf = slice_find(data, '\n');
		struct slice line = slice_sub(data, 0, lf);

		if (line.len > 0)
			c->cr = line.data[line.len - 1] == '\r';
		(void)buf_put_slice(&c->text, line);
		if (lf == SIZE_MAX)
			break;
		(void)buf_put_str(&c->text, c->cr ? "\n" : "\r\n");
		c->cr = false;
		data = slice_from(data, lf + 1);
	}
	if (c->text.err != 0)
		return error_set(e, c->text.err, "A piece of the sealed letter is too large.");
	return c->text.len == 0 ? 0 : c->out.write(c->out.ctx, buf_slice(&c->text), e);
}

/* For a sentence: the certificate's first user ID. */
static struct slice
name_of(const struct pgp_cert *c)
{
	for (size_t i = 0; i < c->component_count; i++) {
		if (c->components[i].kind == PGP_COMPONENT_USER_ID)
			return slice_sub(c->components[i].packet.body, 0, 80);
	}
	return SLICE("a certificate without a name");
}

static int
context(struct error *e, int rc, const char *what, const struct pgp_cert *c)
{
	struct slice name = name_of(c);

	(void)error_context(e, "%s %.*s", what, (int)name.len, (const char *)name.data);
	return rc;
}

int
letter_pgp_signer(const struct letter_seal_spec *spec, struct pgp_signer *out, struct error *e)
{
	const struct pgp_key *keys[KEYS_OF_ONE];
	struct pgp_cert_judgement j;
	size_t n;
	int rc;

	if (spec->sender == NULL || spec->keys.ops == NULL)
		return error_set(e, ERR_USAGE, "A letter is signed: the sender's certificate and keys are needed.");
	rc = pgp_cert_judge(spec->sender, spec->policy, spec->policy->now, &j, e);
	if (rc != 0)
		return rc;
	rc = error_set(e, ERR_NO_KEY, "The certificate has no key that can sign.");
	n = pgp_judged_keys_for(&j, spec->policy, PGP_FLAG_SIGN, keys, KEYS_OF_ONE, e);
	/* The newest signing key whose secret is at hand. */
	for (size_t i = n; i-- > 0 && rc != 0;) {
		if (spec->keys.ops->holds(spec->keys.ctx, keys[i])) {
			*out = (struct pgp_signer){ keys[i], spec->keys };
			rc = 0;
		}
	}
	if (rc != 0 && n > 0)
		rc = error_set(e, ERR_NO_KEY, "The secret of the signing key is not here.");
	pgp_cert_judgement_done(&j);
	return rc == 0 ? 0 : context(e, rc, "The letter cannot be signed as", spec->sender);
}

static int
add_reader(struct letter_pgp_sealer *s, const struct letter_seal_spec *spec, const struct pgp_cert *c, struct error *e)
{
	struct pgp_cert_judgement j;
	size_t n;
	int rc = pgp_cert_judge(c, spec->policy, spec->policy->now, &j, e);

	if (rc != 0)
		return rc;
	rc = error_set(e, ERR_NO_KEY, "The certificate has no key that can be encrypted to.");
	n = pgp_judged_keys_for(&j, spec->policy, PGP_FLAG_ENCRYPT, s->keys + s->key_count, KEYS_OF_ONE, e);
	s->key_count += n;
	pgp_negotiation_add(&s->negotiation, &j);
	pgp_cert_judgement_done(&j);
	return n > 0 ? 0 : context(e, rc, "The letter cannot be sealed for", c);
}

static int
collect_readers(struct letter_pgp_sealer *s, const struct letter_seal_spec *spec, struct error *e)
{
	int rc = 0;

	if (spec->recipient_count == 0)
		return error_set(e, ERR_USAGE, "A sealed letter needs a recipient.");
	if (spec->recipient_count > LETTER_RECIPIENTS_MAX)
		return error_set(
		    e, ERR_LIMIT, "A letter can be sealed for %u recipients at most.", LETTER_RECIPIENTS_MAX);
	s->keys = mem_array((spec->recipient_count + 1) * KEYS_OF_ONE, sizeof *s->keys);
	if (s->keys == NULL)
		return error_nomem(e);
	pgp_negotiation_begin(&s->negotiation, &(struct pgp_negotiation_wishes){ 0 });
	for (size_t i = 0; i < spec->recipient_count && rc == 0; i++)
		rc = add_reader(s, spec, spec->recipients[i], e);
	return rc == 0 ? add_reader(s, spec, spec->sender, e) : rc;
}

/* All who can open it, the sender too. Not for more than a signature holds: then it names nobody. */
static size_t
name_readers(const struct letter_seal_spec *spec, struct pgp_fingerprint *out)
{
	size_t n = 0;

	if (spec->recipient_count >= LETTER_NAMED_MAX)
		return 0;
	for (size_t i = 0; i < spec->recipient_count; i++)
		out[n++] = spec->recipients[i]->primary->fingerprint;
	out[n++] = spec->sender->primary->fingerprint;
	return n;
}

static int
start(struct letter_pgp_sealer *s, const struct letter_seal_spec *spec, struct error *e)
{
	struct pgp_fingerprint readers[LETTER_NAMED_MAX];
	struct pgp_signer signer;
	struct pgp_maker_spec m = {
		.signers = &signer, .signer_count = 1, .type = PGP_SIG_BINARY, .created = (uint32_t)spec->letter->date
	};
	struct pgp_encrypt_spec x = { .armor = true, .length = PGP_LENGTH_UNKNOWN };
	int rc = letter_pgp_signer(spec, &signer, e);

	if (rc == 0)
		rc = collect_readers(s, spec, e);
	if (rc == 0) {
		m.recipients = readers;
		m.recipient_count = name_readers(spec, readers);
		rc = pgp_maker_new(&s->maker, &m, e);
	}
	if (rc != 0)
		return rc;
	pgp_negotiation_end(&s->negotiation, &x.container, &x.cipher, &x.aead);
	x.recipients = s->keys;
	x.recipient_count = s->key_count;
	x.maker = s->maker;
	return pgp_encryptor_new(&x, (struct pgp_sink){ crlf_write, &s->crlf }, &s->encryptor, e);
}

int
letter_pgp_sealer_new(
    const struct letter_seal_spec *spec, struct mime_sink out, struct letter_pgp_sealer **sealer_out, struct error *e)
{
	struct letter_pgp_sealer *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->crlf.out = out;
	buf_init(&s->crlf.text, 16 << 20);
	rc = start(s, spec, e);
	if (rc != 0) {
		letter_pgp_sealer_free(s);
		return rc;
	}
	*sealer_out = s;
	return 0;
}

int
letter_pgp_sealer_put(struct letter_pgp_sealer *s, struct slice data, struct error *e)
{
	return pgp_encryptor_feed(s->encryptor, data, e);
}

int
letter_pgp_sealer_end(struct letter_pgp_sealer *s, struct error *e)
{
	return pgp_encryptor_finish(s->encryptor, e);
}

void
letter_pgp_sealer_free(struct letter_pgp_sealer *s)
{
	if (s == NULL)
		return;
	pgp_encryptor_free(s->encryptor);
	pgp_maker_free(s->maker);
	buf_done(&s->crlf.text);
	mem_free(s->keys);
	mem_free(s);
}

int
letter_pgp_armor_signature(struct slice packets, struct buf *out, struct error *e)
{
	struct crlf c = { .out = mime_sink_buf(out) };
	BUF_OWNED struct buf text = { 0 };
	int rc;

	buf_init(&text, LETTER_SIGNATURE_MAX);
	buf_init(&c.text, 2 * LETTER_SIGNATURE_MAX);
	rc = pgp_armor_write(PGP_ARMOR_SIGNATURE, true, packets, &text, e);
	if (rc == 0)
		rc = crlf_write(&c, buf_slice(&text), e);
	buf_done(&c.text);
	return rc;
}
