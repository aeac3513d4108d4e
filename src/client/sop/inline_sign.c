/* SPDX-License-Identifier: ISC */
/* inline-sign: signed messages, and texts in the cleartext framework. */
#include <string.h>

#include "base/mem.h"
#include "client/sop/keys.h"
#include "client/sop/stream.h"
#include "openpgp/frame/armor.h"
#include "openpgp/sig/cleartext.h"
#include "openpgp/message/encrypt.h"

struct inline_signing {
	struct sop_signers signers;
	struct pgp_maker *maker;
	struct sop_text_check check;
	bool text, cleartext, armor;
	struct file_writer out;
	struct pgp_armor_writer armor_writer;
	struct pgp_encryptor *message;
	struct pgp_cleartext_writer *framework;
};

static int
load(struct inline_signing *s, const struct option_list *keys, const struct option_list *passwords)
{
	int rc = sop_signers_load(&s->signers, keys, passwords);

	return rc != 0 ? rc : sop_signers_maker(&s->signers, s->text, &s->maker);
}

/* ---- a text ---- */

/* The framework's rules for text are a little narrower than UTF-8's. */
static int
refuse_text(const struct error *e)
{
	return e->code == ERR_USAGE ? sop_fail(SOP_EXPECTED_TEXT, "%s", e->text) : sop_bad_key(e);
}

static int
feed_text(void *ctx, struct slice piece)
{
	struct inline_signing *s = ctx;
	struct error e = { 0 };

	sop_text_feed(&s->check, piece);
	if (s->check.bad)
		return sop_not_text();
	return pgp_cleartext_writer_put(s->framework, piece, &e) != 0 ? refuse_text(&e) : SOP_OK;
}

static int
write_text(struct inline_signing *s)
{
	struct error e = { 0 };
	int rc = pgp_cleartext_writer_new(s->maker, sop_stdout_sink(&s->out), &s->framework, &e);

	rc = rc != 0 ? sop_bad(&e) : sop_each_block(feed_text, s);
	if (rc == 0 && !sop_text_good(&s->check))
		rc = sop_not_text();
	if (rc == 0 && pgp_cleartext_writer_end(s->framework, &e) != 0)
		rc = refuse_text(&e);
	pgp_cleartext_writer_free(s->framework);
	return rc;
}

/* ---- a message ---- */

static int
feed(void *ctx, struct slice piece)
{
	struct inline_signing *s = ctx;
	struct error e = { 0 };

	if (s->text)
		sop_text_feed(&s->check, piece);
	if (s->check.bad)
		return sop_not_text();
	return pgp_encryptor_feed(s->message, piece, &e) != 0 ? sop_bad(&e) : SOP_OK;
}

/* The armor is ours: an older program wants its checksum, and a message with a version 6 signature must not have one. */
static int
begin(struct inline_signing *s, struct error *e)
{
	const struct pgp_encrypt_spec spec = { .container = PGP_CONTAINER_NONE,
		.text = s->text,
		.length = s->text ? PGP_LENGTH_UNKNOWN : sop_input_size(),
		.maker = s->maker };
	struct pgp_sink out = sop_stdout_sink(&s->out);
	int rc = 0;

	if (s->armor) {
		rc = pgp_armor_writer_init(&s->armor_writer, PGP_ARMOR_MESSAGE, !s->signers.v6, out, e);
		out = pgp_armor_writer_sink(&s->armor_writer);
	}
	return rc != 0 ? rc : pgp_encryptor_new(&spec, out, &s->message, e);
}

static int
write_message(struct inline_signing *s)
{
	struct error e = { 0 };
	int rc = begin(s, &e) != 0 ? sop_bad_key(&e) : SOP_OK;

	if (rc == 0)
		rc = sop_each_block(feed, s);
	if (rc == 0 && s->text && !sop_text_good(&s->check))
		rc = sop_not_text();
	if (rc == 0 && pgp_encryptor_finish(s->message, &e) != 0)
		rc = sop_bad_key(&e);
	if (rc == 0 && s->armor && pgp_armor_writer_end(&s->armor_writer, &e) != 0)
		rc = sop_bad(&e);
	pgp_encryptor_free(s->message);
	if (s->armor)
		pgp_armor_writer_done(&s->armor_writer);
	return rc;
}

int
sop_inline_sign(int argc, char **argv)
{
	static struct option_list keys, passwords;
	bool no_armor = false;
	const char *as = NULL;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "as", OPTION_TEXT, &as },
		{ "with-key-password", OPTION_LIST, &passwords },
	};
	struct inline_signing *s;
	int rc = sop_options("inline-sign", argc, argv, options, 3, &keys);

	if (rc != 0)
		return rc;
	if (keys.count == 0)
		return sop_fail(SOP_MISSING_ARG, "inline-sign needs a secret key");
	s = mem_alloc(sizeof *s);
	if (s == NULL)
		return sop_nomem();
	s->armor = !no_armor;
	s->cleartext = as != NULL && strcmp(as, "clearsigned") == 0;
	if (s->cleartext && no_armor)
		rc = sop_fail(SOP_INCOMPATIBLE_OPTIONS, "a clearsigned text is text: it has no form without armor");
	else
		rc = sop_as(s->cleartext ? "text" : as, &s->text);
	if (rc == 0)
		rc = load(s, &keys, &passwords);
	if (rc == 0)
		rc = s->cleartext ? write_text(s) : write_message(s);
	pgp_maker_free(s->maker);
	sop_signers_done(&s->signers);
	mem_free(s);
	return rc;
}
