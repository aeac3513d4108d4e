/* SPDX-License-Identifier: ISC */
/* encrypt: for certificates and passwords, with signatures inside. */
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "client/side_hash.h"
#include "client/sop/keys.h"
#include "client/sop/stream.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/message/negotiate.h"
#include "os/clock.h"

#define RECIPIENTS_MAX 4096u
#define SIDE_HASH_MIN (1u << 20) /* octets of data from which a second thread is worth while */

struct encryption {
	bool text, armor, only_v1;
	uint32_t flags;
	struct sop_ring certs;
	struct sop_passwords passwords;
	struct sop_signers signers;
	struct pgp_maker *maker;
	struct pgp_encryptor *encryptor;
	struct side_hash *hash; /* of a large SEIPDv1 */
	struct sop_text_check check;
	const struct pgp_key *recipients[RECIPIENTS_MAX];
	size_t recipient_count;
	struct pgp_fingerprint intended[RECIPIENTS_MAX];
	struct pgp_negotiation negotiation;
	enum pgp_container container;
	uint8_t cipher, aead;
};

struct encrypt_options {
	bool no_armor;
	const char *as, *purpose, *profile, *session_key_out;
	struct option_list passwords, sign_with, key_passwords;
};

static int
choose_purpose(const char *purpose, uint32_t *flags_out)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} purposes[] = { { "any", PGP_FLAG_ENCRYPT }, { "storage", PGP_FLAG_ENCRYPT_STORAGE },
		{ "communications", PGP_FLAG_ENCRYPT_COMMS } };

	for (size_t i = 0; i < 3; i++) {
		if (strcmp(purposes[i].name, purpose) == 0) {
			*flags_out = purposes[i].flags;
			return SOP_OK;
		}
	}
	return sop_fail(SOP_UNSUPPORTED_OPTION, "--for is any, storage or communications");
}

static int
choose_profile(const char *profile, bool *only_v1_out)
{
	/* The same names as generate-key has. */
	static const struct {
		const char *name;
		bool only_v1;
	} profiles[] = { { "default", false }, { "rfc9580", false }, { "performance", false }, { "security", false },
		{ "rfc4880", true }, { "compatibility", true } };

	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
		if (strcmp(profiles[i].name, profile) == 0) {
			*only_v1_out = profiles[i].only_v1;
			return SOP_OK;
		}
	}
	return sop_fail(SOP_UNSUPPORTED_PROFILE, "the profile %s is unknown; see list-profiles encrypt", profile);
}

/* No key of an algorithm that we can encrypt to, and one of an algorithm that we do not have, is a matter of its own. */
static int
refuse_recipient(const struct pgp_cert *c, struct error *e)
{
	const struct pgp_key *k;
	bool unknown = false;

	(void)error_context(e, "%016llX", (unsigned long long)c->primary->key_id);
	for (size_t i = 0; (k = pgp_cert_key(c, i)) != NULL; i++) {
		if (pgp_key_can_encrypt(k))
			return sop_fail(SOP_CERT_CANNOT_ENCRYPT, "%s", e->text);
		unknown = unknown || !pgp_key_can_verify(k);
	}
	return sop_fail(unknown ? SOP_UNSUPPORTED_ASYMMETRIC : SOP_CERT_CANNOT_ENCRYPT, "%s", e->text);
}

static int
add_recipient(struct encryption *x, const struct pgp_cert *c)
{
	struct pgp_policy policy = pgp_policy_default(clock_unix());
	struct pgp_cert_judgement j;
	struct error e = { 0 };
	size_t n;

	if (pgp_cert_judge(c, &policy, policy.now, &j, &e) != 0)
		return sop_bad(&e);
	n = pgp_judged_keys_for(
	    &j, &policy, x->flags, x->recipients + x->recipient_count, RECIPIENTS_MAX - x->recipient_count, &e);
	pgp_negotiation_add(&x->negotiation, &j);
	pgp_cert_judgement_done(&j);
	if (n == 0)
		return refuse_recipient(c, &e);
	x->recipient_count += n;
	return SOP_OK;
}

static int
make_signatures(struct encryption *x, const struct encrypt_options *o)
{
	struct pgp_maker_spec spec = { .signers = x->signers.signers,
		.type = x->text ? PGP_SIG_TEXT : PGP_SIG_BINARY,
		.created = (uint32_t)clock_unix(),
		.recipients = x->intended };
	struct error e = { 0 };
	int rc;

	if (o->sign_with.count == 0)
		return SOP_OK;
	if (x->certs.certs.count > RECIPIENTS_MAX)
		return sop_fail(SOP_FAILED, "more than %u certificates", RECIPIENTS_MAX);
	for (size_t i = 0; i < x->certs.certs.count; i++)
		x->intended[spec.recipient_count++] = x->certs.certs.items[i]->primary->fingerprint;
	rc = sop_signers_load(&x->signers, &o->sign_with, &o->key_passwords);
	spec.signer_count = x->signers.keys.certs.count;
	if (rc == 0 && pgp_maker_new(&x->maker, &spec, &e) != 0)
		rc = sop_bad_key(&e);
	return rc;
}

static int
load(struct encryption *x, const struct encrypt_options *o, const struct option_list *files)
{
	int rc = sop_load_passwords(&o->passwords, true, &x->passwords);

	if (rc == 0)
		rc = sop_load_list(files, 0, false, &x->certs);
	pgp_negotiation_begin(&x->negotiation, &(struct pgp_negotiation_wishes){ .only_seipd1 = x->only_v1 });
	for (size_t i = 0; rc == 0 && i < x->certs.certs.count; i++)
		rc = add_recipient(x, x->certs.certs.items[i]);
	pgp_negotiation_end(&x->negotiation, &x->container, &x->cipher, &x->aead);
	return rc != 0 ? rc : make_signatures(x, o);
}

static int
feed(void *ctx, struct slice piece)
{
	struct encryption *x = ctx;
	struct error e = { 0 };

	if (x->text)
		sop_text_feed(&x->check, piece);
	if (x->check.bad)
		return sop_not_text();
	return pgp_encryptor_feed(x->encryptor, piece, &e) != 0 ? sop_fail(SOP_FAILED, "%s", e.text) : SOP_OK;
}

static int
feed_all(struct encryption *x)
{
	struct error e = { 0 };
	int rc = sop_each_block(feed, x);

	if (rc == 0 && x->text && !sop_text_good(&x->check))
		rc = sop_not_text();
	if (rc == 0 && pgp_encryptor_finish(x->encryptor, &e) != 0)
		rc = sop_fail(SOP_FAILED, "%s", e.text);
	return rc;
}

static int
put_session_key(const struct encryption *x, const char *file)
{
	const struct pgp_session *s = pgp_encryptor_session(x->encryptor);
	struct buf line;
	int rc;

	buf_init(&line, 256);
	(void)buf_putf(&line, "%u:", s->cipher != 0 ? s->cipher : x->cipher);
	(void)hex_write_upper(&line, secret_slice(&s->key));
	(void)buf_put_u8(&line, '\n');
	rc = sop_write(file, buf_slice(&line));
	buf_wipe_done(&line);
	return rc;
}

static int
encrypt_stream(struct encryption *x, const char *session_key_out)
{
	struct slice passphrases[SOP_PASSWORDS_MAX];
	struct pgp_encrypt_spec spec = { .container = x->container,
		.cipher = x->cipher,
		.aead = x->aead,
		.recipients = x->recipients,
		.recipient_count = x->recipient_count,
		.passphrases = passphrases,
		.passphrase_count = x->passwords.count,
		.armor = x->armor,
		.text = x->text,
		.length = x->text ? PGP_LENGTH_UNKNOWN : sop_input_size(),
		.maker = x->maker };
	struct file_writer w;
	struct error e = { 0 };
	int rc = SOP_OK;

	/* As the interface asks: white space at a new password's end does not count. */
	for (size_t i = 0; i < x->passwords.count; i++)
		passphrases[i] = sop_trimmed(buf_slice(&x->passwords.items[i]));
	if (x->container == PGP_CONTAINER_SEIPD1 && spec.length >= SIDE_HASH_MIN && side_hash_new(&x->hash, &e) == 0)
		spec.hasher = side_hash_hasher(x->hash);
	if (pgp_encryptor_new(&spec, sop_stdout_sink(&w), &x->encryptor, &e) != 0)
		return e.code == ERR_UNSUPPORTED ? sop_bad_key(&e) : sop_fail(SOP_FAILED, "%s", e.text);
	rc = feed_all(x);
	if (rc == 0 && session_key_out != NULL)
		rc = put_session_key(x, session_key_out);
	return rc;
}

static void
encryption_free(struct encryption *x)
{
	pgp_encryptor_free(x->encryptor);
	side_hash_free(x->hash);
	pgp_maker_free(x->maker);
	sop_signers_done(&x->signers);
	sop_passwords_done(&x->passwords);
	sop_ring_done(&x->certs);
	mem_free(x);
}

static int
encrypt(const struct encrypt_options *o, const struct option_list *files)
{
	struct encryption *x = mem_alloc(sizeof *x);
	int rc;

	if (x == NULL)
		return sop_nomem();
	x->armor = !o->no_armor;
	rc = sop_as(o->as, &x->text);
	if (rc == 0)
		rc = choose_purpose(o->purpose, &x->flags);
	if (rc == 0)
		rc = choose_profile(o->profile, &x->only_v1);
	if (rc == 0)
		rc = sop_check_output(o->session_key_out);
	if (rc == 0)
		rc = load(x, o, files);
	if (rc == 0)
		rc = encrypt_stream(x, o->session_key_out);
	encryption_free(x);
	return rc;
}

int
sop_encrypt(int argc, char **argv)
{
	static struct encrypt_options o = { .purpose = "any", .profile = "rfc9580" };
	static struct option_list files;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &o.no_armor },
		{ "as", OPTION_TEXT, &o.as },
		{ "for", OPTION_TEXT, &o.purpose },
		{ "profile", OPTION_TEXT, &o.profile },
		{ "with-password", OPTION_LIST, &o.passwords },
		{ "sign-with", OPTION_LIST, &o.sign_with },
		{ "with-key-password", OPTION_LIST, &o.key_passwords },
		{ "session-key-out", OPTION_TEXT, &o.session_key_out },
	};
	int rc = sop_options("encrypt", argc, argv, options, 8, &files);

	if (rc != 0)
		return rc;
	if (files.count == 0 && o.passwords.count == 0)
		return sop_fail(SOP_MISSING_ARG, "encrypt needs a certificate or a password");
	return encrypt(&o, &files);
}
