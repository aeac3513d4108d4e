/* SPDX-License-Identifier: ISC */
/* `letterlock send`: a letter, sealed for everybody whose certificate is known. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "client/autocrypt.h"
#include "client/key/finding.h"
#include "client/key/belief.h"
#include "client/key/lazy_keys.h"
#include "client/submit.h"
#include "client/verbs.h"
#include "crypto/random.h"
#include "letter/seal.h"
#include "mime/address.h"
#include "openpgp/judge/verify.h"
#include "os/clock.h"
#include "os/paths.h"
#include "os/terminal.h"
#include "trust/why.h"

#define TEXT_MAX (16u << 20)
#define RECIPIENTS_MAX 100u
#define ADDRESS_ARENA (4u << 20)

static const char help[] = "letterlock send --to ADDRESS... [--subject TEXT] [--attach FILE]... < TEXT\n"
			   "\n"
			   "Sends a letter whose text comes on standard input. It is signed, and sealed (encrypted)\n"
			   "for every recipient whose certificate is known here or in the directory of your exchange.\n"
			   "Who has none is named, and gets the letter signed but readable on its way; at a terminal\n"
			   "you are asked first.\n"
			   "\n"
			   "  --to, --cc ADDRESS   recipients; may be given again and again\n"
			   "  --subject TEXT       travels inside the sealed letter\n"
			   "  --attach FILE        may be given again and again\n"
			   "  --seal               refuse to send unless it can be sealed for everyone\n"
			   "  --sign-only          do not seal\n"
			   "  --password-fd N, --passphrase-fd N\n"
			   "\n"
			   "Examples:\n"
			   "  echo 'See you at noon.' | letterlock send --to bob@example.org --subject Lunch --seal\n"
			   "  letterlock send --to bob@example.org --attach plan.pdf < letter.txt\n";

struct recipient {
	struct mime_address address;
	struct slice spec;     /* local@domain */
	struct pgp_cert *cert; /* NULL: none is known, or it cannot be encrypted to */
};

struct sending {
	struct common common;
	struct option_list arguments, to, cc, attach;
	const char *subject;
	bool seal, sign_only;
	struct account account;
	struct keyring keyring;
	struct lazy_keys keys;
	struct pgp_cert *sender;
	struct recipient recipients[RECIPIENTS_MAX];
	size_t recipient_count;
	struct buf autocrypt, gossip; /* header lines */
	struct mime_address from;
	struct mime_address *to_list, *cc_list;
	struct buf text;
	struct file_reader *files;
	struct mime_attachment *attachments;
	struct arena arena;
	struct error error;
};

/* ---- what to send, and to whom ---- */

static int
parse(struct sending *s, int argc, char **argv)
{
	const struct option options[] = {
		COMMON_OPTIONS(&s->common),
		{ "to", OPTION_LIST, &s->to },
		{ "cc", OPTION_LIST, &s->cc },
		{ "attach", OPTION_LIST, &s->attach },
		{ "subject", OPTION_TEXT, &s->subject },
		{ "seal", OPTION_FLAG, &s->seal },
		{ "sign-only", OPTION_FLAG, &s->sign_only },
	};
	int rc = options_parse(argc, argv, options, sizeof options / sizeof options[0], &s->arguments, &s->error);

	if (rc != 0 || s->common.help)
		return rc;
	if (s->arguments.count > 0)
		return error_set(&s->error, ERR_USAGE, "'%.60s' is not understood; recipients come with --to",
		    s->arguments.items[0]);
	if (s->to.count + s->cc.count == 0)
		return error_set(&s->error, ERR_USAGE, "say to whom: --to ADDRESS");
	if (s->to.count + s->cc.count > RECIPIENTS_MAX)
		return error_set(&s->error, ERR_USAGE, "a letter goes to at most %u addresses", RECIPIENTS_MAX);
	if (s->seal && s->sign_only)
		return error_set(&s->error, ERR_USAGE, "--seal and --sign-only contradict each other");
	return 0;
}

static bool
is_recipient(const struct sending *s, const struct mime_address *a)
{
	for (size_t i = 0; i < s->recipient_count; i++) {
		if (mime_address_same(&s->recipients[i].address, a))
			return true;
	}
	return false;
}

static int
add_recipient(struct sending *s, const char *text, struct mime_address *out)
{
	BUF_OWNED struct buf spec = { .max = ACCOUNT_ADDRESS_MAX };
	struct recipient *r = &s->recipients[s->recipient_count];
	int rc = mime_address_parse_one(slice_str(text), &s->arena, out, &s->error);

	if (rc != 0)
		return error_context(&s->error, "'%.100s'", text);
	if (is_recipient(s, out))
		return 0;
	if (out->domain.len == 0 || mime_address_spec(out, &spec) != 0)
		return error_set(&s->error, ERR_USAGE, "'%.100s' is no address that mail can be sent to", text);
	*r = (struct recipient){ .address = *out, .spec = arena_copy(&s->arena, buf_slice(&spec)) };
	s->recipient_count++;
	return 0;
}

static int
read_recipients(struct sending *s)
{
	int rc = 0;

	s->to_list = arena_array(&s->arena, s->to.count + 1, sizeof *s->to_list);
	s->cc_list = arena_array(&s->arena, s->cc.count + 1, sizeof *s->cc_list);
	if (s->to_list == NULL || s->cc_list == NULL)
		return error_nomem(&s->error);
	for (size_t i = 0; i < s->to.count && rc == 0; i++)
		rc = add_recipient(s, s->to.items[i], &s->to_list[i]);
	for (size_t i = 0; i < s->cc.count && rc == 0; i++)
		rc = add_recipient(s, s->cc.items[i], &s->cc_list[i]);
	return rc;
}

static int
read_from(struct sending *s)
{
	int rc = mime_address_parse_one(slice_str(s->account.address), &s->arena, &s->from, &s->error);

	s->from.name = slice_str(s->account.name);
	s->from.has_name = s->account.name[0] != '\0';
	return rc;
}

static int
read_text(struct sending *s)
{
	int rc;

	if (terminal_is(STDIN_FILENO))
		(void)fputs("Write the letter; Ctrl-D at the beginning of a line ends it.\n", stderr);
	rc = file_read("-", &s->text, &s->error);

	if (rc == 0 && !utf8_valid(buf_slice(&s->text)))
		rc = error_set(&s->error, ERR_USAGE, "the text is not UTF-8: give it as a file with --attach");
	return rc;
}

/* ---- attachments ---- */

static int
read_attachment(void *ctx, uint8_t *to, size_t room, size_t *got_out, struct error *e)
{
	ssize_t n = file_reader_get(ctx, to, room, e);

	*got_out = n < 0 ? 0 : (size_t)n;
	return n < 0 ? (int)n : 0;
}

static struct slice
base_name(const char *path)
{
	struct slice p = slice_str(path);
	size_t slash = slice_find_last(p, '/');

	return slash == SIZE_MAX ? p : slice_from(p, slash + 1);
}

/* Opened anew for each copy of the letter that is written. */
static int
open_attachments(struct sending *s)
{
	int rc = 0;

	for (size_t i = 0; i < s->attach.count && rc == 0; i++) {
		file_reader_done(&s->files[i]);
		rc = file_reader_open(&s->files[i], s->attach.items[i], &s->error);
		s->attachments[i] = (struct mime_attachment){
			.name = base_name(s->attach.items[i]), .read = read_attachment, .ctx = &s->files[i]
		};
	}
	return rc;
}

static int
make_attachments(struct sending *s)
{
	s->files = mem_array(s->attach.count + 1, sizeof *s->files);
	s->attachments = arena_array(&s->arena, s->attach.count + 1, sizeof *s->attachments);
	if (s->files == NULL || s->attachments == NULL)
		return error_nomem(&s->error);
	for (size_t i = 0; i < s->attach.count; i++)
		s->files[i].fd = -1;
	return open_attachments(s);
}

/* ---- certificates ---- */

static void
warn(const char *before, struct slice who, const char *after)
{
	BUF_OWNED struct buf b = { .max = 9000 };

	(void)printable_put(&b, who, PRINTABLE_LINE, 8500);
	(void)fprintf(
	    stderr, "letterlock: %s%.*s%s\n", before, (int)b.len, b.len == 0 ? "" : (const char *)b.data, after);
}

/* What came with a message only, or has a rival, is used, and said. */
static void
warn_about(struct sending *s, const struct recipient *r, const struct trust_entry *entry)
{
	struct trust_choice choice;
	struct key_belief belief;

	trust_choose(s->keyring.certs, r->spec, &choice);
	if (choice.dead != NULL)
		warn("the certificate that you knew of ", r->spec,
		    " is revoked or has expired; another one is used. Compare its fingerprint with its owner, then "
		    "`letterlock key verify`");
	else if (choice.rival != NULL)
		warn("there is a second certificate of ", r->spec,
		    "; the first one is used. `letterlock key verify` decides");
	if (!trust_is_believed(entry))
		warn("nobody vouches that the certificate is that of ", r->spec,
		    "; `letterlock key show` says where it came from");
	if (autocrypt_advice(&s->keyring, r->spec, r->cert != NULL) == TRUST_ADVICE_DISCOURAGE)
		warn("perhaps this cannot be read by ", r->spec,
		    ": the newest mail from there came without a key, or the key was only passed on by others "
		    "(Autocrypt)");
	key_believe(&s->keyring, &entry->fingerprint, r->spec, 0, &belief);
	if (!key_is_believed(&belief)) {
		warn("nothing vouches that the certificate is that of ", r->spec, ":");
		warn("  ", buf_slice(&belief.why), "");
		warn("  ", buf_slice(&belief.advice), "");
	}
	key_belief_done(&belief);
}

/* The certificate of the entry, when it can be encrypted to now; else *why says why not. */
static int
load_usable(struct sending *s, const struct trust_entry *entry, struct pgp_cert **out, struct error *why)
{
	struct pgp_cert_judgement j;
	const struct pgp_key *key;
	struct pgp_cert *cert;
	int rc = trust_store_load(s->keyring.certs, &entry->fingerprint, &cert, &s->error);

	*out = NULL;
	if (rc != 0)
		return rc;
	rc = pgp_cert_judge(cert, &s->keyring.policy, s->keyring.policy.now, &j, &s->error);
	if (rc == 0 && pgp_judged_keys_for(&j, &s->keyring.policy, PGP_FLAG_ENCRYPT, &key, 1, why) > 0)
		*out = cert;
	else
		pgp_cert_free(cert);
	if (rc == 0)
		pgp_cert_judgement_done(&j);
	return rc;
}

/* What is known here may have expired since: then others are asked once more. */
static int
find_certificate(struct sending *s, struct recipient *r)
{
	const struct trust_entry *entry = NULL;
	struct error why = { 0 };
	int rc = 0;

	for (int again = 0; again < 2 && rc == 0 && r->cert == NULL; again++) {
		int found = finding_for_writing(&s->keyring, &s->account, r->spec, again > 0, &why);

		entry = trust_store_choose(s->keyring.certs, r->spec, NULL);
		if (found != 0 && found != ERR_NOT_FOUND)
			warn(why.text, SLICE_EMPTY, "");
		if (entry == NULL || (found != 0 && again > 0))
			return 0;
		rc = load_usable(s, entry, &r->cert, &why);
	}
	if (rc == 0 && r->cert != NULL)
		warn_about(s, r, entry);
	else if (rc == 0)
		warn(why.text, SLICE_EMPTY, "");
	return rc;
}

static int
find_certificates(struct sending *s)
{
	size_t without = 0;
	bool yes = true;
	int rc = 0;

	for (size_t i = 0; i < s->recipient_count && rc == 0 && !s->sign_only; i++) {
		rc = find_certificate(s, &s->recipients[i]);
		if (rc == 0 && s->recipients[i].cert == NULL) {
			warn("no certificate that can be used is known for ", s->recipients[i].spec, "");
			without++;
		}
	}
	if (rc != 0 || without == 0)
		return rc;
	if (s->seal)
		return error_set(&s->error, ERR_NO_KEY, "the letter cannot be sealed for everyone, so it was not sent");
	if (terminal_can_ask() && s->common.password_fd < 0)
		rc = terminal_ask_yes("Send them the letter signed, but readable on its way?", &yes, &s->error);
	return rc == 0 && !yes ? error_set(&s->error, ERR_POLICY, "nothing was sent") : rc;
}

static int
find_sender(struct sending *s)
{
	int rc;

	if (s->account.key.len == 0)
		return error_set(&s->error, ERR_NO_KEY, "you have no key yet: run `letterlock setup`");
	rc = trust_store_load(s->keyring.certs, &s->account.key, &s->sender, &s->error);
	return rc == 0 ? 0 : error_context(&s->error, "your own certificate");
}

/* ---- writing ---- */

static int
sink_file(void *ctx, struct slice piece, struct error *e)
{
	return file_writer_put(ctx, piece, e);
}

static struct mime_addresses
list_of(const struct mime_address *items, size_t count)
{
	return (struct mime_addresses){ .items = items, .count = count };
}

static int
fill_letter(struct sending *s, struct mime_letter *l, struct buf *id)
{
	uint8_t random[MIME_RANDOM_LEN];
	int rc;

	*l = (struct mime_letter){ .from = list_of(&s->from, 1),
		.to = list_of(s->to_list, s->to.count),
		.cc = list_of(s->cc_list, s->cc.count),
		.subject = slice_str(s->subject),
		.date = (int64_t)s->keyring.policy.now,
		.text = buf_slice(&s->text),
		.attachments = s->attachments,
		.attachment_count = s->attach.count };
	rc = random_bytes(l->random, sizeof l->random, &s->error);
	if (rc == 0)
		rc = random_bytes(random, sizeof random, &s->error);
	if (rc == 0)
		rc = mime_message_id(slice_of(random, sizeof random), account_domain(&s->account), id, &s->error);
	l->message_id = buf_slice(id);
	return rc;
}

/* Sealed for those who have a certificate, or signed for the others. */
static int
write_letter(struct sending *s, const struct mime_letter *letter, bool sealed, struct file_writer *w)
{
	const struct pgp_cert *certs[RECIPIENTS_MAX];
	struct letter_seal_spec spec = { .letter = letter,
		.recipients = certs,
		.sender = s->sender,
		.keys = lazy_keys_ops(&s->keys),
		.policy = &s->keyring.policy,
		.outer_lines = buf_slice(&s->autocrypt),
		.sealed_lines = buf_slice(&s->gossip) };
	struct mime_sink sink = { .write = sink_file, .ctx = w };
	int rc = open_attachments(s);

	for (size_t i = 0; i < s->recipient_count && sealed; i++) {
		if (s->recipients[i].cert != NULL)
			certs[spec.recipient_count++] = s->recipients[i].cert;
	}
	if (rc == 0)
		rc = random_bytes(spec.random, sizeof spec.random, &s->error);
	if (rc != 0)
		return rc;
	return sealed ? letter_seal(&spec, sink, &s->error) : letter_sign(&spec, sink, &s->error);
}

/* The finished letter, in a file that only this run knows. */
static int
write_copy(struct sending *s, const struct mime_letter *letter, bool sealed, char path[FILE_PATH_MAX])
{
	char folder[FILE_PATH_MAX], name[64];
	struct file_writer w = { .fd = -1 };
	int rc = paths_data(folder, &s->error);

	(void)snprintf(name, sizeof name, "outgoing-%ld-%s.eml", (long)getpid(), sealed ? "sealed" : "signed");
	if (rc == 0)
		rc = dir_make_private(folder, &s->error);
	if (rc == 0)
		rc = path_join(path, folder, name, &s->error);
	if (rc == 0)
		rc = file_writer_open(&w, path, 0600, FILE_REPLACE, &s->error);
	if (rc == 0)
		rc = write_letter(s, letter, sealed, &w);
	if (rc == 0)
		rc = file_writer_commit(&w, &s->error);
	file_writer_done(&w);
	return rc;
}

/* ---- sending ---- */

struct copies {
	char paths[2][FILE_PATH_MAX];
	struct slice recipients[2][RECIPIENTS_MAX];
	struct submit_letter letters[2];
	size_t count;
};

static int
add_copy(struct sending *s, const struct mime_letter *letter, bool sealed, struct copies *c)
{
	struct submit_letter *l = &c->letters[c->count];
	struct slice *to = c->recipients[c->count];
	int rc;

	*l = (struct submit_letter){ .path = c->paths[c->count], .recipients = to };
	for (size_t i = 0; i < s->recipient_count; i++) {
		if ((s->recipients[i].cert != NULL) == sealed)
			to[l->recipient_count++] = s->recipients[i].spec;
	}
	if (l->recipient_count == 0)
		return 0;
	rc = write_copy(s, letter, sealed, c->paths[c->count]);
	if (rc == 0)
		c->count++;
	return rc;
}

static int
submit_copies(struct sending *s, const struct copies *c)
{
	struct buf password;
	size_t sent = 0;
	bool learnt = false;
	int rc = s->common.password_fd < 0 ? lazy_keys_agent(&s->keys, &s->error) : 0;

	buf_init(&password, TERMINAL_SECRET_MAX);
	if (rc == 0)
		rc = client_password(&s->common, s->keys.agent, s->account.address, &password, &s->error);
	if (rc == 0)
		rc = submit(&s->account, buf_slice(&password), c->letters, c->count, &sent, &learnt, &s->error);
	if (learnt)
		(void)account_save(&s->account, NULL); /* next time then */
	buf_wipe_done(&password);
	if (rc != 0 && sent > 0)
		(void)error_context(&s->error, "it was sent to those whom it is sealed for, but not to the others");
	return rc;
}

static int
say_sent(struct sending *s, struct slice message_id)
{
	struct json_value *o, *sealed, *clear;

	if (s->common.json) {
		o = json_value_object();
		sealed = json_value_list();
		clear = json_value_list();
		for (size_t i = 0; i < s->recipient_count; i++)
			json_value_append_text(s->recipients[i].cert != NULL ? sealed : clear, s->recipients[i].spec);
		json_value_set_text(o, "message_id", message_id);
		json_value_set(o, "sealed_for", sealed);
		json_value_set(o, "signed_for", clear);
		return client_print_json(o, &s->error);
	}
	for (size_t i = 0; i < s->recipient_count; i++)
		client_say(
		    s->recipients[i].cert != NULL ? "Sealed, signed and sent to " : "Signed and sent (not sealed) to ",
		    s->recipients[i].spec, "");
	return 0;
}

/* A certificate that is too large for a header is no reason not to write. */
static void
write_autocrypt(struct sending *s)
{
	const struct pgp_policy *policy = &s->keyring.policy;
	struct error e = { 0 };
	size_t sealed = 0;

	if (autocrypt_put(s->sender, slice_str(s->account.address), policy, &s->autocrypt, &e) != 0)
		warn("the letter goes without an Autocrypt header: ", slice_str(e.text), "");
	for (size_t i = 0; i < s->recipient_count; i++)
		sealed += s->recipients[i].cert != NULL;
	for (size_t i = 0; i < s->recipient_count && sealed > 1; i++) {
		if (s->recipients[i].cert != NULL)
			autocrypt_put_gossip(s->recipients[i].cert, s->recipients[i].spec, policy, &s->gossip);
	}
}

static int
compose_and_send(struct sending *s)
{
	BUF_OWNED struct buf id = { .max = 1000 };
	struct copies *c = mem_alloc(sizeof *c);
	struct mime_letter letter;
	int rc = c == NULL ? error_nomem(&s->error) : fill_letter(s, &letter, &id);

	write_autocrypt(s);
	if (rc == 0)
		rc = add_copy(s, &letter, true, c);
	if (rc == 0)
		rc = add_copy(s, &letter, false, c);
	if (rc == 0)
		rc = submit_copies(s, c);
	for (size_t i = 0; c != NULL && i < c->count; i++)
		(void)file_remove(c->paths[i], NULL);
	mem_free(c);
	return rc == 0 ? say_sent(s, buf_slice(&id)) : rc;
}

static int
run(struct sending *s)
{
	int rc = account_load(&s->account, &s->error);

	if (rc == 0)
		rc = keyring_open(&s->keyring, &s->error);
	if (rc == 0)
		rc = lazy_keys_init(&s->keys, &s->keyring, &s->common, &s->error);
	if (rc == 0)
		rc = find_sender(s);
	if (rc == 0)
		rc = read_from(s);
	if (rc == 0)
		rc = read_recipients(s);
	if (rc == 0)
		rc = make_attachments(s);
	if (rc == 0)
		rc = find_certificates(s);
	if (rc == 0)
		rc = read_text(s);
	return rc == 0 ? compose_and_send(s) : rc;
}

static void
release(struct sending *s)
{
	for (size_t i = 0; i < s->recipient_count; i++)
		pgp_cert_free(s->recipients[i].cert);
	for (size_t i = 0; s->files != NULL && i < s->attach.count; i++)
		file_reader_done(&s->files[i]);
	mem_free(s->files);
	pgp_cert_free(s->sender);
	lazy_keys_done(&s->keys);
	keyring_close(&s->keyring);
	buf_wipe_done(&s->text);
	buf_done(&s->autocrypt);
	buf_done(&s->gossip);
	arena_done(&s->arena);
}

int
verb_send(int argc, char **argv)
{
	struct sending s = { .common = COMMON_INIT };
	int rc = parse(&s, argc, argv);

	if (rc == 0 && s.common.help)
		return client_help(help);
	arena_init(&s.arena, ADDRESS_ARENA);
	buf_init(&s.text, TEXT_MAX);
	buf_init(&s.autocrypt, AUTOCRYPT_LINES_MAX);
	buf_init(&s.gossip, AUTOCRYPT_LINES_MAX);
	if (rc == 0)
		rc = run(&s);
	release(&s);
	return rc == 0 ? EXIT_DONE : client_fail(&s.error);
}
