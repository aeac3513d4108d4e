/* SPDX-License-Identifier: ISC */
/* `letterlock encrypt FILE...`: files and folders, for certificates and a password. */
#include <string.h>

#include "base/mem.h"
#include "client/file_command.h"
#include "client/file_stream.h"
#include "client/key/finding.h"
#include "client/key/belief.h"
#include "client/side_hash.h"
#include "client/verbs.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/message/negotiate.h"
#include "os/archive.h"
#include "os/terminal.h"
#include "os/tree.h"

#define RECIPIENT_KEYS_MAX 4096u /* encryption keys of all recipients together */

static const char help[] =
    "letterlock encrypt FILE... [--to WHO]... [OPTION]...\n"
    "\n"
    "Writes FILE.pgp beside each FILE: sealed for those who are named (without any: for yourself), and signed\n"
    "with your key. A folder becomes one sealed file, FOLDER.tar.pgp; so do several files with --output.\n"
    "\n"
    "  --to WHO            an address or a fingerprint whose certificate is known here; again and again\n"
    "  --to-file FILE      the certificates in this file\n"
    "  --password          also, or only, for who knows a password: it is asked, or comes from --password-fd N\n"
    "  --compatible        with --password alone: in the older form that GnuPG reads\n"
    "  --as WHO            which of your keys signs\n"
    "  --sign, --no-sign   fail when it cannot be signed; do not sign\n"
    "  --armor             text, FILE.asc\n"
    "  -o, --output OUT    where to; - is standard output\n"
    "  --force             replace a file of that name\n"
    "  --json, --passphrase-fd N (of your key), --password-fd N (of the message)\n"
    "\n"
    "Examples:\n"
    "  letterlock encrypt plan.pdf --to bob@example.org\n"
    "  letterlock encrypt photos --to bob@example.org --to carol@example.org\n"
    "  letterlock encrypt taxes.ods notes.txt --password -o papers.tar.pgp\n"
    "  letterlock key find bob@example.org         # when his certificate is not here yet\n";

struct encrypting {
	struct file_command c;
	struct option_list to, to_files;
	bool password, compatible, sign, no_sign, armor;
	struct pgp_certs certs;
	struct buf passphrase;
	struct slice passphrase_slice;
	const struct pgp_key *keys[RECIPIENT_KEYS_MAX];
	size_t key_count;
	struct pgp_negotiation negotiation;
	struct pgp_fingerprint *intended;
	const struct pgp_cert *own;
	struct pgp_signer signer;
	/* one file */
	struct pgp_maker *maker;
	struct pgp_encryptor *encryptor;
	struct side_hash *hash;
	struct progress progress;
	uint64_t fed;
};

/* ---- recipients ---- */

static int
add_recipient(struct encrypting *x, const struct pgp_cert *cert, struct error *e)
{
	const struct pgp_policy *policy = &x->c.keyring.policy;
	struct pgp_cert_judgement j;
	size_t n;
	int rc = pgp_cert_judge(cert, policy, policy->now, &j, e);

	if (rc != 0)
		return rc;
	n = pgp_judged_keys_for(
	    &j, policy, PGP_FLAG_ENCRYPT, x->keys + x->key_count, RECIPIENT_KEYS_MAX - x->key_count, e);
	if (n > 0)
		pgp_negotiation_add(&x->negotiation, &j);
	pgp_cert_judgement_done(&j);
	x->key_count += n;
	return n > 0 ? 0 : e->code != 0 ? e->code : error_set(e, ERR_POLICY, "this certificate cannot be encrypted to");
}

static int
add_entry(struct encrypting *x, const struct trust_entry *entry, struct error *e)
{
	struct pgp_cert *cert;
	int rc = trust_store_load(x->c.keyring.certs, &entry->fingerprint, &cert, e);

	if (rc == 0)
		rc = file_certs_add(&x->certs, cert, e);
	return rc == 0 ? add_recipient(x, cert, e) : rc;
}

/* Without an account there are still the domain itself and the key servers. */
static int
ask_others(struct encrypting *x, struct slice address)
{
	struct account a = { 0 };
	bool has = account_load(&a, NULL) == 0;

	return finding_for_writing(&x->c.keyring, has ? &a : NULL, address, false, NULL);
}

/* What is known of a key that is not believed, and what to do about it. */
static void
warn_unless_believed(const struct encrypting *x, const struct pgp_fingerprint *f, struct slice address, const char *who)
{
	struct key_belief b;

	key_believe(&x->c.keyring, f, address, 0, &b);
	if (!key_is_believed(&b) && b.verdict != BELIEVE_NOT) {
		file_warn("nothing vouches that the certificate is that of ", slice_str(who), ":");
		file_warn("  ", buf_slice(&b.why), "");
		file_warn("  ", buf_slice(&b.advice), "");
	}
	key_belief_done(&b);
}

/* An address means the certificate that counts for it; what speaks against it is said. */
static int
add_by_name(struct encrypting *x, const char *who, struct error *e)
{
	struct trust_choice choice = { 0 };
	const struct trust_entry *entry;
	struct pgp_fingerprint f;
	struct find_query q;
	bool choice_by_name = pgp_fingerprint_parse(slice_str(who), &f, NULL) != 0;
	int rc = 0;

	if (!choice_by_name)
		choice.entry = trust_store_find(x->c.keyring.certs, &f);
	else
		trust_choose(x->c.keyring.certs, slice_str(who), &choice);
	if (choice.entry == NULL && find_query_parse(slice_str(who), &q, NULL) == 0 && q.kind == FIND_ADDRESS &&
	    ask_others(x, q.text) == 0)
		trust_choose(x->c.keyring.certs, q.text, &choice);
	entry = choice.entry;
	if (entry == NULL && trust_store_failed(x->c.keyring.certs, e) != 0)
		return e->code;
	if (entry == NULL)
		return error_set(e, ERR_NOT_FOUND,
		    "there is no certificate of '%.100s' here, and none was found: `letterlock key find --verbose` "
		    "says "
		    "who was asked, and --to-file takes one",
		    who);
	if (choice.dead != NULL)
		file_warn("the certificate that you knew of ", slice_str(who),
		    " is revoked or has expired; another one is used. Compare its fingerprint with its owner, then "
		    "`letterlock key verify`");
	else if (choice.rival != NULL)
		file_warn("there is a second certificate of ", slice_str(who),
		    "; the first one is used. `letterlock key verify` decides");
	f = entry->fingerprint;
	warn_unless_believed(x, &f, choice_by_name ? slice_str(who) : SLICE_EMPTY, who);
	rc = add_entry(x, trust_store_find(x->c.keyring.certs, &f), e);
	return rc == 0 ? 0 : error_context(e, "%.100s", who);
}

static int
add_file(struct encrypting *x, const char *path, struct error *e)
{
	size_t before = x->certs.count;
	int rc = file_certs_load(path, &x->certs, e);

	for (size_t i = before; i < x->certs.count && rc == 0; i++) {
		rc = add_recipient(x, x->certs.items[i], e);
		if (rc != 0)
			return error_context(e, "%.100s", path);
	}
	return rc;
}

static int
add_recipients(struct encrypting *x, struct error *e)
{
	const struct pgp_negotiation_wishes wishes = { .only_seipd1 = x->compatible };
	int rc = 0;

	pgp_negotiation_begin(&x->negotiation, &wishes);
	for (size_t i = 0; i < x->to.count && rc == 0; i++)
		rc = add_by_name(x, x->to.items[i], e);
	for (size_t i = 0; i < x->to_files.count && rc == 0; i++)
		rc = add_file(x, x->to_files.items[i], e);
	if (rc != 0 || x->certs.count > 0 || x->password)
		return rc;
	if (x->own == NULL)
		return error_set(e, ERR_USAGE, "for whom? --to ADDRESS, --to-file FILE, or --password");
	return add_recipient(x, x->own, e);
}

/* ---- signing ---- */

static int
choose_signer(struct encrypting *x, struct error *e)
{
	int rc;

	if (x->sign && x->no_sign)
		return error_set(e, ERR_USAGE, "--sign and --no-sign exclude each other");
	rc = file_own_cert(&x->c, &x->own, e);
	if (rc != 0 && x->no_sign && x->to.count + x->to_files.count > 0)
		return 0; /* it does not matter which */
	if (rc == 0 && x->own == NULL && (x->sign || x->c.as != NULL))
		return error_set(e, ERR_NO_KEY, "you have no key to sign with; `letterlock key new` makes one");
	if (rc == 0 && x->own != NULL && !x->no_sign)
		rc = file_signer(&x->c, x->own, &x->signer, e);
	return rc;
}

/* Who it is for is signed, too, so that nobody can pass it on as if it had been written to somebody else. */
static int
make_signature(struct encrypting *x, struct error *e)
{
	struct pgp_maker_spec spec = { .signers = &x->signer,
		.signer_count = 1,
		.type = PGP_SIG_BINARY,
		.created = (uint32_t)x->c.keyring.policy.now };

	if (x->signer.key == NULL)
		return 0;
	if (x->intended == NULL)
		x->intended = mem_array(x->certs.count + 1, sizeof *x->intended);
	if (x->intended == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < x->certs.count; i++)
		x->intended[spec.recipient_count++] = x->certs.items[i]->primary->fingerprint;
	if (x->certs.count == 0 && x->key_count > 0)
		x->intended[spec.recipient_count++] = x->own->primary->fingerprint;
	spec.recipients = x->intended;
	return pgp_maker_new(&x->maker, &spec, e);
}

static int
prepare(struct encrypting *x, struct error *e)
{
	int rc = choose_signer(x, e);

	x->password = x->password || x->c.common.password_fd >= 0;
	if (rc == 0)
		rc = add_recipients(x, e);
	buf_init(&x->passphrase, TERMINAL_SECRET_MAX);
	if (rc == 0 && x->password)
		rc = file_password(&x->c, true, &x->passphrase, e);
	x->passphrase_slice = buf_slice(&x->passphrase);
	return rc;
}

/* ---- one stream ---- */

static int
begin_stream(struct encrypting *x, uint64_t length, struct pgp_sink out, struct error *e)
{
	struct pgp_encrypt_spec spec = { .recipients = x->keys,
		.recipient_count = x->key_count,
		.passphrases = &x->passphrase_slice,
		.passphrase_count = x->password ? 1 : 0,
		.armor = x->armor,
		.length = length };
	int rc = make_signature(x, e);

	pgp_negotiation_end(&x->negotiation, &spec.container, &spec.cipher, &spec.aead);
	spec.maker = x->maker;
	if (rc == 0 && spec.container == PGP_CONTAINER_SEIPD1 && length >= FILE_SIDE_HASH_MIN &&
	    side_hash_new(&x->hash, NULL) == 0)
		spec.hasher = side_hash_hasher(x->hash);
	return rc == 0 ? pgp_encryptor_new(&spec, out, &x->encryptor, e) : rc;
}

static void
end_stream(struct encrypting *x)
{
	pgp_encryptor_free(x->encryptor);
	side_hash_free(x->hash);
	pgp_maker_free(x->maker);
	x->encryptor = NULL;
	x->hash = NULL;
	x->maker = NULL;
}

static int
seal_file(struct encrypting *x, const char *path, struct file_writer *w, struct error *e)
{
	struct file_source in;
	struct slice piece = SLICE("x");
	uint64_t size = UINT64_MAX;
	int rc = file_source_open(&in, path, "Sealing", e);

	if (rc == 0) {
		size = file_source_size(&in);
		rc = begin_stream(x, size, file_sink(w), e);
	}
	while (rc == 0 && piece.len > 0) {
		rc = pgp_source_next(file_source_source(&in), &piece, e);
		if (rc == 0 && piece.len > 0)
			rc = pgp_encryptor_feed(x->encryptor, piece, e);
	}
	file_source_done(&in);
	if (rc == 0)
		rc = pgp_encryptor_finish(x->encryptor, e);
	/* Not all that is used wrongly: nobody may be there to be asked for the passphrase. */
	if (rc == ERR_USAGE && size != UINT64_MAX && in.done != size)
		return error_set(e, ERR_IO, "%s changed while it was read", path);
	return rc;
}

static int
feed_archive(void *ctx, struct slice data, struct error *e)
{
	struct encrypting *x = ctx;
	int rc = file_check_stopped(e);

	x->fed += data.len;
	progress_show(&x->progress, x->fed);
	return rc == 0 ? pgp_encryptor_feed(x->encryptor, data, e) : rc;
}

static void
say_skipped(void *ctx, const char *path, const char *why)
{
	BUF_OWNED struct buf after = { .max = 200 };

	(void)ctx;
	(void)buf_putf(&after, " is left out: %s", why);
	(void)buf_put_u8(&after, 0);
	file_warn("", slice_str(path), after.err == 0 ? (const char *)after.data : " is left out");
}

static int
seal_archive(struct encrypting *x, const char *const *paths, size_t count, struct file_writer *w, struct error *e)
{
	const struct archive_pack pack = {
		.paths = paths, .count = count, .own_fd = w->fd, .write = feed_archive, .skipped = say_skipped, .ctx = x
	};
	struct archive_totals totals = { 0 };
	int rc = begin_stream(x, PGP_LENGTH_UNKNOWN, file_sink(w), e);

	x->fed = 0;
	x->progress = (struct progress){ .label = "Sealing" };
	if (rc == 0)
		rc = archive_pack(&pack, &totals, e);
	progress_done(&x->progress);
	if (rc == 0)
		rc = pgp_encryptor_finish(x->encryptor, e);
	if (rc == 0 && x->c.said != NULL)
		json_value_set_i64(x->c.said, "entries", (int64_t)totals.entries);
	return rc;
}

/* ---- outputs ---- */

static void
say_sealed(const struct encrypting *x, const char *to)
{
	const char *after = x->signer.key != NULL ? ", signed by you." : ", not signed.";

	if (x->c.said != NULL) {
		json_value_set_text(x->c.said, "output", slice_str(to));
		json_value_set_bool(x->c.said, "signed", x->signer.key != NULL);
		json_value_set_i64(
		    x->c.said, "recipients", (int64_t)(x->certs.count > 0 ? x->certs.count : x->key_count > 0));
		json_value_set_bool(x->c.said, "password", x->password);
	}
	file_say(&x->c, "Sealed: ", slice_str(to), after);
}

static int
seal_to(struct encrypting *x, const char *const *paths, size_t count, bool archive, const char *to, struct error *e)
{
	struct file_writer w;
	int rc = file_output_open(&w, to, x->c.force, e);

	if (rc != 0)
		return rc;
	rc = archive ? seal_archive(x, paths, count, &w, e) : seal_file(x, paths[0], &w, e);
	end_stream(x);
	if (rc == 0)
		rc = file_finish(&w, FILE_USUAL, e);
	file_writer_done(&w);
	if (rc == 0)
		say_sealed(x, to);
	return rc;
}

static bool
is_folder(const char *path)
{
	struct tree_entry entry;

	return strcmp(path, "-") != 0 && tree_look_at(path, &entry, NULL) == 0 && entry.kind == TREE_FOLDER;
}

static int
seal_one(void *ctx, const char *path, struct error *e)
{
	struct encrypting *x = ctx;
	bool folder = is_folder(path);
	char to[FILE_PATH_MAX] = "-";
	int rc = 0;

	if (x->c.output == NULL && strcmp(path, "-") != 0)
		rc = file_name_add(path,
		    folder         ? x->armor ? ".tar.asc" : ".tar.pgp"
			: x->armor ? ".asc"
				   : ".pgp",
		    to, e);
	return rc == 0 ? seal_to(x, &path, 1, folder, x->c.output != NULL ? x->c.output : to, e) : rc;
}

static int
seal_together(struct encrypting *x)
{
	int rc;

	if (x->c.list != NULL)
		x->c.said = json_value_object();
	rc = seal_to(x, x->c.files.items, x->c.files.count, true, x->c.output, &x->c.error);
	if (x->c.said != NULL)
		json_value_append(x->c.list, x->c.said);
	x->c.said = NULL;
	return rc;
}

static void
encrypting_done(struct encrypting *x)
{
	buf_wipe_done(&x->passphrase);
	pgp_certs_done(&x->certs);
	mem_free(x->intended);
}

int
verb_encrypt(int argc, char **argv)
{
	static struct encrypting command = { .c = { .filter = true,
						 .common = { .passphrase_fd = -1, .password_fd = -1 } } };
	struct encrypting *x = &command;
	const struct option options[] = {
		FILE_OPTIONS(&x->c),
		{ "to", OPTION_LIST, &x->to },
		{ "to-file", OPTION_LIST, &x->to_files },
		{ "password", OPTION_FLAG, &x->password },
		{ "compatible", OPTION_FLAG, &x->compatible },
		{ "as", OPTION_TEXT, &x->c.as },
		{ "sign", OPTION_FLAG, &x->sign },
		{ "no-sign", OPTION_FLAG, &x->no_sign },
		{ "armor", OPTION_FLAG, &x->armor },
	};
	int status, rc;

	if (!file_command_begin(&x->c, help, options, sizeof options / sizeof options[0], argc, argv, &status))
		return status;
	status = EXIT_DONE;
	rc = prepare(x, &x->c.error);
	if (rc == 0 && x->c.output != NULL && x->c.files.count > 1)
		rc = seal_together(x);
	else if (rc == 0)
		status = file_command_each(&x->c, seal_one, x);
	status = file_command_end(&x->c, rc, status);
	encrypting_done(x);
	return status;
}
