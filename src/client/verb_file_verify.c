/* SPDX-License-Identifier: ISC */
/* `letterlock verify FILE [SIGNATURE]`: a file and who signed it. */
#include <string.h>

#include "client/file_signers.h"
#include "client/file_stream.h"
#include "client/sop/hold.h"
#include "client/verbs.h"
#include "openpgp/sig/cleartext.h"
#include "openpgp/message/decrypt.h"

static const char help[] =
    "letterlock verify FILE [SIGNATURE] [OPTION]...\n"
    "\n"
    "Checks a file and says whose key signed it, and why that key is or is not known. SIGNATURE is found by its\n"
    "name (FILE.sig, FILE.asc, FILE.sign, FILE.gpg), and so is FILE when only the signature is given. A file that has\n"
    "its signature inside (gpg --sign, --clearsign) is checked by itself.\n"
    "\n"
    "Exit status: 0 a good signature of a known key, or of one given with --cert; 1 anything else.\n"
    "\n"
    "  --cert FILE         check against the certificates in this file only\n"
    "  --signed-by WHO     only a signature of this address or fingerprint counts, not of anybody who is known\n"
    "  -o, --output OUT    write what the signature inside covers, only when it is good; - is standard output\n"
    "  --force             replace a file of that name\n"
    "  --accept-old RULE   for archives: also what the named rule refuses by now, such as sha1;\n"
    "                      `archive` for all but the worthless\n"
    "  --json\n"
    "\n"
    "Examples:\n"
    "  letterlock verify program-1.2.tar.gz             # with program-1.2.tar.gz.sig or .asc beside it\n"
    "  letterlock verify program.deb program.deb.asc --cert vendor-key.asc\n"
    "  letterlock verify update.tar --signed-by releases@example.org && ./install update.tar\n"
    "  letterlock verify SHA256SUMS SHA256SUMS.gpg && sha256sum --check --ignore-missing SHA256SUMS\n"
    "  letterlock verify -o data.txt data.txt.gpg       # made by gpg --sign\n";

struct verifying {
	struct file_command c;
	struct option_list certs, accept_old;
	const char *signed_by;
	struct pgp_fingerprint wanted; /* --signed-by */
	struct pgp_policy policy;
	struct file_signers signers;
	bool judged;
	struct pgp_plain inner; /* where what is inside goes; ops NULL: it is only checked */
};

static const struct pgp_fingerprint *
wanted(const struct verifying *v)
{
	return v->signed_by != NULL ? &v->wanted : NULL;
}

/* ---- detached ---- */

static int
read_signatures(struct verifying *v, const char *path, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = FILE_SIGNATURES_MAX };
	int rc = file_read(path, &bytes, e);

	/* Never from detached to inline: a message here is an attack or a mistake. */
	if (rc == 0 && (rc = pgp_verifier_expect_all(v->signers.verifier, buf_slice(&bytes), e)) != 0)
		(void)error_context(e, "%s", path);
	return rc;
}

static int
feed_data(struct verifying *v, const char *path, struct error *e)
{
	struct file_source in;
	struct slice piece = SLICE("x");
	int rc = file_source_open(&in, path, "Checking", e);

	while (rc == 0 && piece.len > 0) {
		rc = pgp_source_next(file_source_source(&in), &piece, e);
		if (rc == 0 && piece.len > 0)
			rc = pgp_verifier_feed(v->signers.verifier, piece, e);
	}
	file_source_done(&in);
	return rc;
}

static int
verify_detached(struct verifying *v, const char *data, const char *signature, struct error *e)
{
	int rc;

	if (v->c.output != NULL)
		return error_set(e, ERR_USAGE, "--output is for files with the signature inside");
	if (strcmp(data, "-") == 0 && strcmp(signature, "-") == 0)
		return error_set(e, ERR_USAGE, "the file and its signature cannot both be standard input");

	if (v->c.said != NULL) {
		json_value_set_text(v->c.said, "data", slice_str(data));
		json_value_set_text(v->c.said, "signature_file", slice_str(signature));
	}
	rc = read_signatures(v, signature, e);
	if (rc == 0)
		rc = feed_data(v, data, e);
	if (rc == 0)
		rc = file_signers_judge(&v->signers, e);
	v->judged = rc == 0;
	if (rc == 0)
		file_say(&v->c, "", slice_str(data), ", by its detached signature:");
	return rc;
}

/* ---- inside ---- */

static int
plain_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	const struct verifying *v = ctx;

	return v->inner.ops == NULL ? 0 : v->inner.ops->begin(v->inner.ctx, literal, e);
}

static int
plain_write(void *ctx, struct slice data, struct error *e)
{
	const struct verifying *v = ctx;

	return v->inner.ops == NULL ? 0 : v->inner.ops->write(v->inner.ctx, data, e);
}

/* Nothing is released that a good signature of a known key does not cover. */
static int
plain_commit(void *ctx, struct error *e)
{
	struct verifying *v = ctx;
	int rc = file_signers_judge(&v->signers, e);

	v->judged = rc == 0;
	if (rc == 0)
		rc = file_signers_result(&v->signers, wanted(v), e);
	return rc != 0 || v->inner.ops == NULL ? rc : v->inner.ops->commit(v->inner.ctx, e);
}

static void
plain_abort(void *ctx)
{
	const struct verifying *v = ctx;

	if (v->inner.ops != NULL)
		v->inner.ops->abort(v->inner.ctx);
}

static const struct pgp_plain_ops plain_ops = { plain_begin, plain_write, plain_commit, plain_abort };

static int
read_message(struct verifying *v, struct file_source *in, struct error *e)
{
	const struct pgp_decrypt_spec spec = {
		.unencrypted = true, .policy = &v->policy, .verifier = v->signers.verifier
	};
	struct pgp_decrypt_result result = { 0 };
	int rc = pgp_decrypt(file_source_source(in), &spec, (struct pgp_plain){ &plain_ops, v }, &result, e);

	pgp_session_done(&result.session);
	if (rc == ERR_NO_KEY || result.container != PGP_CONTAINER_NONE)
		return error_set(
		    e, ERR_POLICY, "it is encrypted: `letterlock decrypt` opens it and checks its signature");
	return rc;
}

static int
again(void *ctx, struct error *e)
{
	return file_source_again(ctx, e);
}

static int
read_cleartext(struct verifying *v, struct file_source *in, struct error *e)
{
	const struct pgp_reread reread = { .source = file_source_source(in), .again = again, .ctx = in };
	struct pgp_cleartext_result result = { 0 };
	int rc = pgp_cleartext_read(reread, v->signers.verifier, (struct pgp_plain){ &plain_ops, v }, &result, e);

	if (rc == 0 && (result.before || result.after))
		file_warn("there is text outside of the signed one, which nobody signed", SLICE_EMPTY, "");
	if (rc == 0 && v->c.said != NULL)
		json_value_set_bool(v->c.said, "text_outside", result.before || result.after);
	return rc;
}

static int
read_inside(struct verifying *v, struct file_source *in, bool cleartext, struct error *e)
{
	return cleartext ? read_cleartext(v, in, e) : read_message(v, in, e);
}

static int
inside_to_file(struct verifying *v, struct file_source *in, bool cleartext, struct error *e)
{
	struct file_writer w;
	int rc = file_output_open(&w, v->c.output, v->c.force, e);

	if (rc != 0)
		return rc;
	v->inner = file_plain(&w);
	rc = read_inside(v, in, cleartext, e);
	if (rc == 0)
		rc = file_finish(&w, FILE_USUAL, e);
	file_writer_done(&w);
	if (rc == 0 && v->c.said != NULL)
		json_value_set_text(v->c.said, "output", slice_str(v->c.output));
	return rc;
}

static int
inside_to_stdout(struct verifying *v, struct file_source *in, bool cleartext, struct error *e)
{
	struct sop_hold hold;
	int rc;

	sop_hold_init(&hold);
	v->inner = sop_hold_plain(&hold);
	rc = read_inside(v, in, cleartext, e);
	sop_hold_done(&hold);
	return rc;
}

static int
verify_inside(struct verifying *v, const char *path, bool cleartext, struct error *e)
{
	struct file_source in;
	int rc = file_source_open(&in, path, "Checking", e);

	if (rc == 0)
		rc = v->c.output == NULL ? read_inside(v, &in, cleartext, e)
		    : v->c.out == stderr ? inside_to_stdout(v, &in, cleartext, e)
					 : inside_to_file(v, &in, cleartext, e);
	v->inner = (struct pgp_plain){ 0 };
	file_source_done(&in);
	if (v->judged)
		file_say(&v->c, "", slice_str(path),
		    cleartext ? ", the signed text in it:" : ", the data that is signed in it:");
	return rc;
}

/* ---- which ---- */

/* The signature beside a file: what is encrypted or a certificate there has that name for another reason. */
static bool
find_signature(const struct verifying *v, const char *data, char out[FILE_PATH_MAX])
{
	static const char *const suffixes[] = { ".sig", ".asc", ".sign", ".gpg" };
	struct file_look look;

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		if (file_name_add(data, suffixes[i], out, NULL) != 0 || !file_exists(out))
			continue;
		if (file_look(out, &v->c.keys.own, &look, NULL) != 0 ||
		    (look.kind != FILE_IS_ENCRYPTED && look.kind != FILE_IS_CERT))
			return true;
	}
	return false;
}

static int
verify_found(struct verifying *v, const char *path, struct error *e)
{
	static const char *const suffixes[] = { ".sig", ".asc", ".sign", ".gpg", ".pgp", NULL };
	char other[FILE_PATH_MAX];
	struct file_look look;
	int rc;

	if (file_is_stream(path))
		return error_set(e, ERR_USAGE,
		    "data from standard input or a pipe needs its signature: `letterlock verify - SIGNATURE`");
	rc = file_look(path, &v->c.keys.own, &look, e);
	if (rc != 0)
		return rc;
	if (look.kind == FILE_IS_SIGNATURE) {
		if (file_name_cut(path, suffixes, other) && file_exists(other))
			return verify_detached(v, other, path, e);
		return error_set(e, ERR_NOT_FOUND,
		    "it is a detached signature, and the file that it is over is not beside it:"
		    " say `letterlock verify FILE SIGNATURE`");
	}
	if (find_signature(v, path, other))
		return verify_detached(v, path, other, e);
	switch (look.kind) {
	case FILE_IS_SIGNED:
	case FILE_IS_CLEARTEXT:
		return verify_inside(v, path, look.kind == FILE_IS_CLEARTEXT, e);
	case FILE_IS_ENCRYPTED:
		return error_set(
		    e, ERR_POLICY, "it is encrypted: `letterlock decrypt` opens it and checks its signature");
	case FILE_IS_CERT:
	case FILE_IS_SIGNATURE:
	case FILE_IS_OTHER:
		break;
	}
	return error_set(e, ERR_NOT_FOUND,
	    "there is no signature in it, and none beside it (.sig, .asc, .sign, .gpg):"
	    " say `letterlock verify FILE SIGNATURE`");
}

static int
verify_one(void *ctx, const char *path, struct error *e)
{
	struct verifying *v = ctx;
	const char *signature = v->c.files.count == 2 ? v->c.files.items[1] : NULL;
	int rc = file_signers_begin(&v->signers, &v->c, &v->certs, &v->policy, e);

	v->judged = false;
	if (rc == 0)
		rc = signature != NULL ? verify_detached(v, path, signature, e) : verify_found(v, path, e);
	if (v->judged)
		file_signers_say(&v->signers);
	if (rc == 0)
		rc = file_signers_result(&v->signers, wanted(v), e);
	if (v->c.said != NULL)
		json_value_set_bool(v->c.said, "verified", rc == 0);
	file_signers_done(&v->signers);
	return rc;
}

static int
prepare(struct verifying *v, struct error *e)
{
	int rc;

	if (v->c.files.count > 2)
		return error_set(
		    e, ERR_USAGE, "one file, and perhaps its signature: `letterlock verify FILE [SIGNATURE]`");
	if (v->signed_by != NULL && (rc = file_wanted(&v->c, v->signed_by, &v->wanted, e)) != 0)
		return rc;
	return file_policy(&v->c, &v->accept_old, &v->policy, e);
}

int
verb_verify(int argc, char **argv)
{
	static struct verifying command = { .c = { .given = &command.certs,
						.common = { .passphrase_fd = -1, .password_fd = -1 } } };
	struct verifying *v = &command;
	const struct option options[] = {
		FILE_OPTIONS(&v->c),
		{ "cert", OPTION_LIST, &v->certs },
		{ "signed-by", OPTION_TEXT, &v->signed_by },
		{ "accept-old", OPTION_LIST, &v->accept_old },
	};
	int status, rc;

	if (!file_command_begin(&v->c, help, options, sizeof options / sizeof options[0], argc, argv, &status))
		return status;
	rc = prepare(v, &v->c.error);
	status = EXIT_DONE;
	if (rc == 0)
		status = file_command_one(&v->c, verify_one, v);
	return file_command_end(&v->c, rc, status);
}
