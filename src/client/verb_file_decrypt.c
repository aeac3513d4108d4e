/* SPDX-License-Identifier: ISC */
/* `letterlock decrypt FILE...`: files and folders, with our keys or a password. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/file_signers.h"
#include "client/file_stream.h"
#include "client/side_hash.h"
#include "client/sop/hold.h"
#include "client/verbs.h"
#include "openpgp/message/decrypt.h"
#include "os/archive.h"
#include "os/terminal.h"

#define CANDIDATES_MAX 1024u

static const char help[] =
    "letterlock decrypt FILE... [OPTION]...\n"
    "\n"
    "Opens what was sealed for you, and says who signed it. FILE.pgp becomes FILE; a sealed folder becomes a new\n"
    "folder. A name is given only when everything was read to its end and proven; nothing else is left behind.\n"
    "\n"
    "  -o, --output OUT    where to; - is standard output\n"
    "  --to-stdout         the same as --output -\n"
    "  --force             replace a file of that name (never a folder)\n"
    "  --list              only say what a sealed folder holds\n"
    "  --unpack            unpack a tar that another program sealed, too\n"
    "  --no-unpack         keep the tar of a sealed folder\n"
    "  --password          with a password: it is asked, or comes from --password-fd N\n"
    "  --signed-by WHO     only when it was signed by this address or fingerprint\n"
    "  --cert FILE         check signatures against the certificates in this file only\n"
    "  --accept-old RULE   for archives: also what the named rule refuses by now, such as 3des\n"
    "                      or no-mdc; `archive` for all but the worthless\n"
    "  --release-unproven-data\n"
    "                      with --to-stdout: older messages prove themselves only at their end; write them out while\n"
    "                      they come, though anybody may have changed them. The exit status says it when it is too "
    "late\n"
    "  --json, --passphrase-fd N (of your key), --password-fd N (of the message)\n"
    "\n"
    "Examples:\n"
    "  letterlock decrypt plan.pdf.pgp\n"
    "  letterlock decrypt --list photos.tar.pgp\n"
    "  letterlock decrypt photos.tar.pgp -o ~/holiday\n"
    "  letterlock decrypt --to-stdout backup.pgp | mysql\n";

struct opening {
	struct file_command c;
	bool list, unpack, no_unpack, password, unproven;
	const char *signed_by;
	struct option_list certs, accept_old;
	struct pgp_policy policy;
	struct pgp_fingerprint wanted; /* --signed-by */
	struct pgp_keyring_ops keyring;
	const struct pgp_key *keys[CANDIDATES_MAX];
	size_t key_count;
	struct buf passphrase;
	struct slice passphrase_slice;
	bool have_passphrase;
	/* one file */
	struct file_look look;
	struct file_signers signers;
	bool judged;
	struct pgp_plain inner; /* where plaintext goes */
	struct side_hash *hash;
};

/* ---- plaintext on its way ---- */

static int
begin_plain(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct opening *x = ctx;
	struct pgp_literal plain = *literal;

	/* Proven is that nobody changed it; who wrote it shows at the end. */
	plain.held = plain.held || x->signed_by != NULL;
	return x->inner.ops->begin(x->inner.ctx, &plain, e);
}

static int
write_plain(void *ctx, struct slice data, struct error *e)
{
	struct opening *x = ctx;
	int rc = file_check_stopped(e);

	return rc == 0 ? x->inner.ops->write(x->inner.ctx, data, e) : rc;
}

/* Everything is there: who signed it decides, too, whether it is released. */
static int
commit_plain(void *ctx, struct error *e)
{
	struct opening *x = ctx;
	int rc = file_signers_judge(&x->signers, e);

	if (rc != 0)
		return rc;
	x->judged = true;
	if (file_signers_best(&x->signers) == FILE_VERDICT_BAD)
		return error_set(e, ERR_SIGNATURE, "the signature inside is bad: the content was changed");
	if (x->signed_by != NULL && !file_signers_include(&x->signers, &x->wanted))
		return error_set(e, ERR_SIGNATURE, "it is not signed by %.100s", x->signed_by);
	return x->inner.ops->commit(x->inner.ctx, e);
}

static void
abort_plain(void *ctx)
{
	struct opening *x = ctx;

	x->inner.ops->abort(x->inner.ctx);
}

/* ---- decrypting ---- */

static int
decrypt_from(struct opening *x, const char *path, struct pgp_decrypt_result *result, struct error *e)
{
	static const struct pgp_plain_ops ops = { begin_plain, write_plain, commit_plain, abort_plain };
	struct pgp_decrypt_spec spec = { .keys = x->keys,
		.key_count = x->key_count,
		.keyring = x->keyring,
		.passphrases = &x->passphrase_slice,
		.passphrase_count = x->have_passphrase ? 1 : 0,
		.policy = &x->policy,
		.release_unproven = x->unproven,
		.verifier = x->signers.verifier };
	struct file_source in;
	int rc = file_source_open(&in, path, "Opening", e);

	if (x->have_passphrase && x->look.passwords > 0)
		spec.key_count = 0; /* who gives the password is not asked for the passphrase of a key, too */
	if (rc == 0 && (in.r.size == 0 || in.r.size >= FILE_SIDE_HASH_MIN) && side_hash_new(&x->hash, NULL) == 0)
		spec.hasher = side_hash_hasher(x->hash);
	if (rc == 0)
		rc = pgp_decrypt(file_source_source(&in), &spec, (struct pgp_plain){ &ops, x }, result, e);
	side_hash_free(x->hash);
	x->hash = NULL;
	file_source_done(&in);
	return rc;
}

/* A signature made for others than us was passed on by one of them. */
static void
warn_passed_on(const struct opening *x, const struct pgp_decrypt_result *result)
{
	const struct pgp_fingerprint *own = NULL;

	for (size_t i = 0; i < x->c.keys.own.count && result->key != NULL; i++) {
		if (pgp_cert_find_key(x->c.keys.own.items[i], &result->key->fingerprint) != NULL)
			own = &x->c.keys.own.items[i]->primary->fingerprint;
	}
	for (size_t i = 0; own != NULL && i < pgp_verifier_count(x->signers.verifier); i++) {
		const struct pgp_verdict *v = pgp_verifier_verdict(x->signers.verifier, i);

		if (v->kind == PGP_VERDICT_GOOD && v->recipients_named &&
		    !pgp_verifier_names(x->signers.verifier, i, own))
			file_warn("the signer made it for others than you: somebody passed it on", SLICE_EMPTY, "");
	}
}

static void
say_signers(const struct opening *x, const struct pgp_decrypt_result *result)
{
	if (!x->judged)
		return;
	file_signers_say(&x->signers);
	if (file_signers_best(&x->signers) == FILE_VERDICT_NONE)
		file_say(&x->c, "  It was not signed: anybody could have made it.", SLICE_EMPTY, "");
	warn_passed_on(x, result);
	if (result->container == PGP_CONTAINER_SED)
		file_warn("nothing protects this old message from being changed: do not rely on what it says",
		    SLICE_EMPTY, "");
	if (x->c.said == NULL)
		return;
	json_value_set_str(x->c.said, "opened_with", result->key != NULL ? "key" : "password");
	json_value_set_bool(x->c.said, "unprotected", result->container == PGP_CONTAINER_SED);
}

static int
open_into(
    struct opening *x, const char *path, struct pgp_plain inner, struct pgp_decrypt_result *result, struct error *e)
{
	int rc = file_signers_begin(&x->signers, &x->c, &x->certs, &x->policy, e);

	x->judged = false;
	x->inner = inner;
	return rc == 0 ? decrypt_from(x, path, result, e) : rc;
}

static int
open_to_stdout(struct opening *x, const char *path, struct error *e)
{
	struct pgp_decrypt_result result = { 0 };
	struct sop_hold hold;
	int rc;

	sop_hold_init(&hold);
	rc = open_into(x, path, sop_hold_plain(&hold), &result, e);
	sop_hold_done(&hold);
	say_signers(x, &result);
	pgp_session_done(&result.session);
	file_signers_done(&x->signers);
	return rc;
}

/* ---- folders ---- */

static int
say_item(void *ctx, const struct archive_item *item, struct error *e)
{
	static const char *const kinds[] = { [ARCHIVE_FILE] = "file  ",
		[ARCHIVE_FOLDER] = "folder",
		[ARCHIVE_LINK] = "link  ",
		[ARCHIVE_HARD_LINK] = "link  ",
		[ARCHIVE_OTHER] = "other " };
	struct opening *x = ctx;
	BUF_OWNED struct buf line = { .max = 3 * ARCHIVE_PATH_MAX };

	(void)e;
	if (x->c.said != NULL) {
		struct json_value *o = json_value_object();

		json_value_set_text(o, "path", item->path);
		json_value_set_i64(o, "size", (int64_t)item->size);
		if (item->target.len > 0)
			json_value_set_text(o, "target", item->target);
		if (item->refused != NULL)
			json_value_set_str(o, "refused", item->refused);
		json_value_append((struct json_value *)x->inner.ctx, o);
		return 0;
	}
	(void)buf_putf(&line, "%s %12llu  ", kinds[item->kind], (unsigned long long)item->size);
	(void)buf_put_slice(&line, item->path);
	if (item->target.len > 0) {
		(void)buf_put_str(&line, " -> ");
		(void)buf_put_slice(&line, item->target);
	}
	if (item->refused != NULL)
		(void)buf_putf(&line, "   REFUSED: %s", item->refused);
	file_say(&x->c, "", buf_slice(&line), "");
	return 0;
}

/* Into a file that gets no name, so that nothing is left of it. */
static int
list_one(struct opening *x, const char *path, struct error *e)
{
	const char *dir = getenv("TMPDIR");
	struct pgp_decrypt_result result = { 0 };
	struct archive_totals totals = { 0 };
	char name[FILE_PATH_MAX];
	struct file_writer w;
	int rc = path_join(name, dir == NULL || *dir == '\0' ? "/tmp" : dir, "letterlock-list", e);

	if (rc == 0)
		rc = file_writer_open_unnamed(&w, name, FILE_REPLACE, e);
	if (rc != 0)
		return rc;
	rc = open_into(x, path, file_plain(&w), &result, e);
	if (rc == 0) {
		struct json_value *list = x->c.said != NULL ? json_value_list() : NULL;

		if (x->c.files.count > 1)
			file_say(&x->c, "", slice_str(path), ":");
		x->inner.ctx = list;
		rc = archive_list(w.fd, say_item, x, &totals, e);
		if (list != NULL)
			json_value_set(x->c.said, "entries", list);
	}
	say_signers(x, &result);
	file_writer_done(&w);
	pgp_session_done(&result.session);
	file_signers_done(&x->signers);
	return rc;
}

static int
unpack(struct opening *x, const struct file_writer *w, const char *to, struct error *e)
{
	static const char *const tar[] = { ".tar", NULL };
	char folder[FILE_PATH_MAX];
	struct archive_unpack spec = { .fd = w->fd, .folder = to, .stopped = file_stopped };
	struct archive_totals totals = { 0 };
	int rc;

	if (x->c.output == NULL && file_name_cut(to, tar, folder))
		spec.folder = folder;
	rc = archive_unpack(&spec, &totals, e);
	if (rc != 0)
		return rc;
	if (x->c.said != NULL) {
		json_value_set_text(x->c.said, "output", slice_str(spec.folder));
		json_value_set_bool(x->c.said, "unpacked", true);
		json_value_set_i64(x->c.said, "entries", (int64_t)totals.entries);
	}
	file_say(&x->c, "Opened: ", slice_str(spec.folder), ", a folder.");
	return 0;
}

/* ---- one file ---- */

static int
release(struct opening *x, struct file_writer *w, const char *to, struct error *e)
{
	int rc;

	if (!x->no_unpack && (x->unpack || archive_is_folder(w->fd)))
		return unpack(x, w, to, e);
	w->exclusive = !x->c.force;
	rc = file_finish(w, FILE_USUAL, e);
	if (rc != 0)
		return rc;
	if (x->c.said != NULL)
		json_value_set_text(x->c.said, "output", slice_str(to));
	file_say(&x->c, "Opened: ", slice_str(to), "");
	return 0;
}

static int
open_to_file(struct opening *x, const char *path, const char *to, struct error *e)
{
	struct pgp_decrypt_result result = { 0 };
	struct file_writer w;
	/* x.tar may become the folder x: what stands in the way is known only at the end. */
	bool perhaps_folder = slice_ends(slice_str(to), SLICE(".tar"));
	int rc = file_output_open(&w, to, x->c.force || perhaps_folder, e);

	if (rc != 0)
		return rc;
	rc = open_into(x, path, file_plain(&w), &result, e);
	if (rc == 0)
		rc = release(x, &w, to, e);
	say_signers(x, &result);
	file_writer_done(&w);
	pgp_session_done(&result.session);
	file_signers_done(&x->signers);
	return rc;
}

/* What is no encrypted message, with what to do instead. */
static int
check_kind(const struct file_look *look, struct error *e)
{
	switch (look->kind) {
	case FILE_IS_ENCRYPTED:
		return 0;
	case FILE_IS_SIGNED:
	case FILE_IS_CLEARTEXT:
		return error_set(e, ERR_POLICY,
		    "it is signed, not encrypted: `letterlock verify` checks it, and --output there"
		    " writes what is in it");
	case FILE_IS_SIGNATURE:
		return error_set(e, ERR_SYNTAX, "it is a detached signature: `letterlock verify` checks it");
	case FILE_IS_CERT:
		return error_set(e, ERR_SYNTAX, "it is a certificate or a key: `letterlock key import` takes it");
	case FILE_IS_OTHER:
		break;
	}
	return error_set(e, ERR_SYNTAX, "it is no OpenPGP message");
}

/* Asked once for all files. */
static int
want_password(struct opening *x, struct error *e)
{
	int rc = 0;

	if (!x->have_passphrase)
		rc = file_password(&x->c, false, &x->passphrase, e);
	x->have_passphrase = rc == 0;
	x->passphrase_slice = buf_slice(&x->passphrase);
	return rc;
}

/* "no key here opens it" with whose it is. */
static int
no_key(const struct file_look *look, struct error *e)
{
	BUF_OWNED struct buf ids = { .max = 200 };

	for (size_t i = 0; i < look->key_id_count; i++)
		(void)buf_putf(&ids, "%s%016llX", i > 0 ? ", " : "", (unsigned long long)look->key_ids[i]);
	if (ids.len == 0)
		return error_set(e, ERR_NO_KEY, "no key of yours opens it, and it does not say whose it is");
	if (look->recipients == 1)
		return error_set(e, ERR_NO_KEY, "it is sealed for the key %.*s, which is not here", (int)ids.len,
		    (const char *)ids.data);
	return error_set(e, ERR_NO_KEY, "it is sealed for the keys %.*s%s, and none of them is here", (int)ids.len,
	    (const char *)ids.data, look->recipients > look->key_id_count ? ", ..." : "");
}

static int
look_first(struct opening *x, const char *path, struct error *e)
{
	struct file_look *look = &x->look;
	int rc;

	*look = (struct file_look){ .kind = FILE_IS_ENCRYPTED };
	if (file_is_stream(path))
		return 0;
	rc = file_look(path, &x->c.keys.own, look, e);
	if (rc == 0)
		rc = check_kind(look, e);
	if (rc == 0 && look->passwords > 0 && !look->ours && !x->have_passphrase && client_can_ask())
		rc = want_password(x, e);
	return rc;
}

static int
output_name(const struct opening *x, const char *path, char out[FILE_PATH_MAX], struct error *e)
{
	static const char *const suffixes[] = { ".pgp", ".gpg", ".asc", NULL };

	if (file_name_cut(path, suffixes, out))
		return 0;
	return error_set(e, ERR_USAGE, "where to? The name does not end in .pgp, .gpg or .asc: say it with --output%s",
	    x->c.files.count > 1 ? ", one file at a time" : "");
}

/* The sentence of a failure, by what the file shows from outside. */
static int
explain(const struct opening *x, const char *path, int rc, struct error *e)
{
	const struct file_look *look = &x->look;
	bool foreign = rc == ERR_NO_KEY && !look->ours;

	if ((rc == ERR_INTEGRITY || rc == ERR_TRUNCATED) && !file_is_stream(path) && file_is_cut(path))
		return error_set(e, ERR_TRUNCATED, "the file is cut: it ends before the message does. Fetch it again");
	if (foreign && look->passwords > 0 && !x->have_passphrase)
		return error_set(
		    e, rc, "it is sealed with a password: --password asks for it, --password-fd N gives it");
	return foreign && look->recipients > 0 ? no_key(look, e) : rc;
}

static int
open_looked_at(struct opening *x, const char *path, struct error *e)
{
	char name[FILE_PATH_MAX];
	int rc;

	if (x->list)
		return list_one(x, path, e);
	if (x->c.out == stderr)
		return open_to_stdout(x, path, e);
	/* "~/holiday/" means the folder that is made */
	rc = x->c.output != NULL ? file_name_add(x->c.output, "", name, e) : output_name(x, path, name, e);
	return rc == 0 ? open_to_file(x, path, name, e) : rc;
}

static int
open_one(void *ctx, const char *path, struct error *e)
{
	struct opening *x = ctx;
	int rc = look_first(x, path, e);

	if (rc == 0)
		rc = open_looked_at(x, path, e);
	return rc == 0 ? 0 : explain(x, path, rc, e);
}

/* Every subkey that can decrypt, whatever its standing: old files stay readable after a key's end. */
static void
list_keys(struct opening *x)
{
	const struct pgp_key *k;

	x->keyring = lazy_keys_ops(&x->c.keys);
	for (size_t i = 0; i < x->c.keys.own.count; i++) {
		for (size_t n = 0; (k = pgp_cert_key(x->c.keys.own.items[i], n)) != NULL; n++) {
			if (pgp_key_can_encrypt(k) && x->key_count < CANDIDATES_MAX)
				x->keys[x->key_count++] = k;
		}
	}
}

static int
prepare(struct opening *x, struct error *e)
{
	int rc = file_policy(&x->c, &x->accept_old, &x->policy, e);

	list_keys(x);
	buf_init(&x->passphrase, TERMINAL_SECRET_MAX);
	if (rc == 0 && x->c.output != NULL && x->c.files.count > 1)
		return error_set(e, ERR_USAGE, "--output takes one file at a time");
	if (rc == 0 && x->unpack && x->no_unpack)
		return error_set(e, ERR_USAGE, "--unpack and --no-unpack exclude each other");
	if (rc == 0 && x->unproven && x->c.out != stderr)
		return error_set(e, ERR_USAGE, "--release-unproven-data is for --to-stdout");
	if (rc == 0 && x->signed_by != NULL)
		rc = file_wanted(&x->c, x->signed_by, &x->wanted, e);
	if (rc == 0 && (x->password || x->c.common.password_fd >= 0))
		rc = want_password(x, e);
	return rc;
}

int
verb_decrypt(int argc, char **argv)
{
	static struct opening command = { .c = {
					      .filter = true, .common = { .passphrase_fd = -1, .password_fd = -1 } } };
	struct opening *x = &command;
	const struct option options[] = {
		FILE_OPTIONS(&x->c),
		{ "to-stdout", OPTION_FLAG, &x->c.to_stdout },
		{ "list", OPTION_FLAG, &x->list },
		{ "unpack", OPTION_FLAG, &x->unpack },
		{ "no-unpack", OPTION_FLAG, &x->no_unpack },
		{ "password", OPTION_FLAG, &x->password },
		{ "signed-by", OPTION_TEXT, &x->signed_by },
		{ "cert", OPTION_LIST, &x->certs },
		{ "accept-old", OPTION_LIST, &x->accept_old },
		{ "release-unproven-data", OPTION_FLAG, &x->unproven },
	};
	int status, rc;

	if (!file_command_begin(&x->c, help, options, sizeof options / sizeof options[0], argc, argv, &status))
		return status;
	status = EXIT_DONE;
	rc = prepare(x, &x->c.error);
	if (rc == 0)
		status = file_command_each(&x->c, open_one, x);
	status = file_command_end(&x->c, rc, status);
	buf_wipe_done(&x->passphrase);
	return status;
}
