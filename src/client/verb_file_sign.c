/* SPDX-License-Identifier: ISC */
/* `letterlock sign FILE...`: detached signatures, or messages with the signature inside. */
#include <string.h>

#include "client/file_command.h"
#include "client/file_stream.h"
#include "client/verbs.h"
#include "openpgp/frame/armor.h"
#include "openpgp/sig/cleartext.h"
#include "openpgp/message/encrypt.h"

#define SIGNATURES_MAX (1u << 20) /* octets of one signature of ours */

static const char help[] =
    "letterlock sign FILE... [OPTION]...\n"
    "\n"
    "Writes FILE.sig beside each FILE: a detached signature, which is checked with `letterlock verify FILE`.\n"
    "\n"
    "  --armor             text, FILE.asc\n"
    "  --detached          what it does when nothing else is said\n"
    "  --inline            FILE.pgp, a message with the file inside\n"
    "  --clear             FILE.asc, a text that stays readable, with its signature below\n"
    "  --as WHO            which of your keys signs\n"
    "  -o, --output OUT    where to; - is standard output\n"
    "  --force             replace a file of that name\n"
    "  --json, --passphrase-fd N\n"
    "\n"
    "Examples:\n"
    "  letterlock sign release-1.2.tar.gz\n"
    "  sha256sum *.iso > SHA256SUMS && letterlock sign SHA256SUMS -o SHA256SUMS.gpg\n"
    "  letterlock sign --clear statement.txt\n";

struct signing {
	struct file_command c;
	bool armor, inside, clear, detached;
	const struct pgp_cert *own;
	struct pgp_signer signer;
};

static int
new_maker(const struct signing *s, uint8_t type, struct pgp_maker **out, struct error *e)
{
	const struct pgp_maker_spec spec = {
		.signers = &s->signer, .signer_count = 1, .type = type, .created = (uint32_t)s->c.keyring.policy.now
	};

	return pgp_maker_new(out, &spec, e);
}

/* Gives each piece of the file to put(). */
static int
each_piece(const char *path, int (*put)(void *ctx, struct slice piece, struct error *e), void *ctx, struct error *e)
{
	struct file_source in;
	struct slice piece = SLICE("x");
	int rc = file_source_open(&in, path, "Signing", e);

	while (rc == 0 && piece.len > 0) {
		rc = pgp_source_next(file_source_source(&in), &piece, e);
		if (rc == 0 && piece.len > 0)
			rc = put(ctx, piece, e);
	}
	file_source_done(&in);
	return rc;
}

/* ---- the three forms ---- */

static int
feed_maker(void *ctx, struct slice piece, struct error *e)
{
	return pgp_maker_feed(ctx, piece, e);
}

static int
sign_detached(const struct signing *s, const char *path, struct file_writer *w, struct error *e)
{
	BUF_OWNED struct buf packets = { .max = SIGNATURES_MAX }, text = { .max = 2 * SIGNATURES_MAX };
	struct pgp_maker *maker = NULL;
	int rc = new_maker(s, PGP_SIG_BINARY, &maker, e);

	if (rc == 0)
		rc = each_piece(path, feed_maker, maker, e);
	if (rc == 0)
		rc = pgp_maker_finish(maker, false, &packets, e);
	if (rc == 0 && s->armor)
		rc = pgp_armor_write(PGP_ARMOR_SIGNATURE, s->signer.key->version != 6, buf_slice(&packets), &text, e);
	if (rc == 0)
		rc = file_writer_put(w, s->armor ? buf_slice(&text) : buf_slice(&packets), e);
	pgp_maker_free(maker);
	return rc;
}

static int
feed_encryptor(void *ctx, struct slice piece, struct error *e)
{
	return pgp_encryptor_feed(ctx, piece, e);
}

static int
sign_inside(const struct signing *s, const char *path, struct file_writer *w, struct error *e)
{
	struct pgp_encrypt_spec spec = {
		.container = PGP_CONTAINER_NONE, .length = PGP_LENGTH_UNKNOWN, .armor = s->armor
	};
	struct pgp_encryptor *encryptor = NULL;
	int rc = new_maker(s, PGP_SIG_BINARY, &spec.maker, e);

	if (rc == 0)
		rc = pgp_encryptor_new(&spec, file_sink(w), &encryptor, e);
	if (rc == 0)
		rc = each_piece(path, feed_encryptor, encryptor, e);
	if (rc == 0)
		rc = pgp_encryptor_finish(encryptor, e);
	pgp_encryptor_free(encryptor);
	pgp_maker_free(spec.maker);
	return rc;
}

struct clear_text {
	struct pgp_cleartext_writer *writer;
	bool refused;
	uint8_t last; /* octet */
};

static int
feed_text(void *ctx, struct slice piece, struct error *e)
{
	struct clear_text *t = ctx;
	int rc = pgp_cleartext_writer_put(t->writer, piece, e);

	t->refused = rc == ERR_USAGE;
	t->last = piece.data[piece.len - 1];
	return rc;
}

static int
sign_clear(const struct signing *s, const char *path, struct file_writer *w, struct error *e)
{
	struct clear_text text = { .writer = NULL };
	struct pgp_maker *maker = NULL;
	int rc = new_maker(s, PGP_SIG_TEXT, &maker, e);

	if (rc == 0)
		rc = pgp_cleartext_writer_new(maker, file_sink(w), &text.writer, e);
	if (rc == 0)
		rc = each_piece(path, feed_text, &text, e);
	if (rc == 0)
		rc = pgp_cleartext_writer_end(text.writer, e);
	pgp_cleartext_writer_free(text.writer);
	pgp_maker_free(maker);
	/* The key's passphrase that nobody can be asked for is no matter of the text. */
	if (rc == ERR_USAGE && (text.refused || text.last == '\r'))
		return error_set(e, ERR_POLICY,
		    "this is no text that can be signed readably (a carriage return without a line"
		    " feed): sign it without --clear");
	return rc;
}

/* ---- one file ---- */

static int
sign_to(struct signing *s, const char *path, const char *to, struct error *e)
{
	struct file_writer w;
	int rc = file_output_open(&w, to, s->c.force, e);

	if (rc != 0)
		return rc;
	rc = s->clear   ? sign_clear(s, path, &w, e)
	    : s->inside ? sign_inside(s, path, &w, e)
			: sign_detached(s, path, &w, e);
	if (rc == 0)
		rc = file_finish(&w, FILE_USUAL, e);
	file_writer_done(&w);
	if (rc != 0)
		return rc;
	if (s->c.said != NULL)
		json_value_set_text(s->c.said, "output", slice_str(to));
	file_say(&s->c, "Signed: ", slice_str(to), "");
	return 0;
}

static int
sign_one(void *ctx, const char *path, struct error *e)
{
	struct signing *s = ctx;
	const char *suffix = s->clear || s->armor ? ".asc" : s->inside ? ".pgp" : ".sig";
	char to[FILE_PATH_MAX] = "-";
	int rc = 0;

	if (s->c.output == NULL && strcmp(path, "-") != 0)
		rc = file_name_add(path, suffix, to, e);
	return rc == 0 ? sign_to(s, path, s->c.output != NULL ? s->c.output : to, e) : rc;
}

static int
prepare(struct signing *s, struct error *e)
{
	int rc;

	if (s->inside + s->clear + s->detached > 1)
		return error_set(e, ERR_USAGE, "--detached, --inline and --clear exclude each other");
	if (s->c.output != NULL && s->c.files.count > 1)
		return error_set(e, ERR_USAGE, "--output takes one file at a time");
	rc = file_own_cert(&s->c, &s->own, e);
	if (rc == 0 && s->own == NULL)
		rc = error_set(e, ERR_NO_KEY, "you have no key to sign with; `letterlock key new` makes one");
	return rc == 0 ? file_signer(&s->c, s->own, &s->signer, e) : rc;
}

int
verb_sign(int argc, char **argv)
{
	static struct signing command = { .c = {
					      .filter = true, .common = { .passphrase_fd = -1, .password_fd = -1 } } };
	struct signing *s = &command;
	const struct option options[] = {
		FILE_OPTIONS(&s->c),
		{ "armor", OPTION_FLAG, &s->armor },
		{ "detached", OPTION_FLAG, &s->detached },
		{ "inline", OPTION_FLAG, &s->inside },
		{ "clear", OPTION_FLAG, &s->clear },
		{ "as", OPTION_TEXT, &s->c.as },
	};
	int status, rc;

	if (!file_command_begin(&s->c, help, options, sizeof options / sizeof options[0], argc, argv, &status))
		return status;
	status = EXIT_DONE;
	rc = prepare(s, &s->c.error);
	if (rc == 0)
		status = file_command_each(&s->c, sign_one, s);
	return file_command_end(&s->c, rc, status);
}
