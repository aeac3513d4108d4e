/* SPDX-License-Identifier: ISC */
/* decrypt: with keys, passwords and session keys, and what signed it. */
#include "base/hex.h"
#include "base/mem.h"
#include "client/sop/hold.h"
#include "client/sop/keys.h"
#include "client/sop/stream.h"
#include "client/sop/native.h"
#include "client/sop/twice.h"
#include "openpgp/message/decrypt.h"
#include "openpgp/key/pqc.h"
#include "os/clock.h"

#define DECRYPTION_KEYS_MAX 1024u
#define SESSION_KEYS_MAX 32u

struct decrypt_options {
	const char *session_key_out, *verifications_out, *verify_out, *not_before, *not_after;
	struct option_list session_keys, passwords, key_passwords, verify_with;
};

struct decryption {
	struct sop_ring keys, certs;
	struct sop_passwords passwords, key_passwords;
	struct pgp_memory_keys *memory;
	struct pgp_policy policy;
	struct pgp_verifier *verifier;
	struct sop_window window;
	struct pgp_session sessions[SESSION_KEYS_MAX];
	size_t session_count;
	const struct pgp_key *candidates[DECRYPTION_KEYS_MAX];
	size_t candidate_count;
	bool locked;          /* some key did not open */
	struct error missing; /* why a key cannot decrypt with this libcrypto; code 0: all can */
};

/* "9:HEX" */
static int
load_session_key(struct decryption *d, const char *argument)
{
	struct buf text, key;
	struct slice hex;
	uint64_t cipher = 0;
	int rc;

	buf_init(&text, 256);
	buf_init(&key, 64);
	rc = sop_read(argument, &text);
	if (rc == 0) {
		struct slice number = slice_split(slice_trim(buf_slice(&text)), ':', &hex);
		struct error e = { 0 };

		if (!slice_to_u64(number, 255, &cipher) || hex_parse(slice_trim(hex), &key, &e) != 0 || key.len == 0)
			rc = sop_fail(SOP_BAD_DATA, "a session key is written as 9:HEX");
		else if (secret_copy(&d->sessions[d->session_count].key, buf_slice(&key), &e) != 0)
			rc = sop_bad(&e);
		else
			d->sessions[d->session_count++].cipher = (uint8_t)cipher;
	}
	buf_wipe_done(&text);
	buf_wipe_done(&key);
	return rc;
}

/*
 * Every subkey that can decrypt, whatever its standing: old mail stays readable
 * after a key's end. One that does not open matters only when nothing else
 * does.
 */
static int
add_candidates(struct decryption *d, const struct pgp_cert *c)
{
	const struct pgp_key *k;

	for (size_t i = 0; (k = pgp_cert_key(c, i)) != NULL; i++) {
		struct secret s SECRET_OWNED = SECRET_EMPTY;
		struct error e = { 0 };
		int rc;

		if (k->secret && pgp_pqc_decrypts(k->algorithm) && pgp_pqc_available(k->algorithm, &e) != 0)
			d->missing = e;
		if (!k->secret || !pgp_key_can_decrypt(k) || d->candidate_count == DECRYPTION_KEYS_MAX)
			continue;
		rc = sop_open_secret(k, &d->key_passwords, &s, NULL, &e);
		if (rc == 0)
			rc = pgp_memory_keys_add(d->memory, k, secret_slice(&s), &e);
		if (rc == ERR_NOMEM)
			return sop_nomem();
		if (rc == 0)
			d->candidates[d->candidate_count++] = k;
		else if (rc == ERR_PASSWORD)
			d->locked = true;
		else
			(void)sop_fail(0, "%s", e.text);
	}
	return SOP_OK;
}

/* Passwords and session keys. */
static int
load_secrets(struct decryption *d, const struct decrypt_options *o)
{
	int rc = sop_load_passwords(&o->passwords, false, &d->passwords);

	if (rc == 0)
		rc = sop_load_passwords(&o->key_passwords, false, &d->key_passwords);
	if (rc == 0 && o->session_keys.count > SESSION_KEYS_MAX)
		rc = sop_fail(SOP_FAILED, "too many session keys");
	for (size_t i = 0; rc == 0 && i < o->session_keys.count; i++)
		rc = load_session_key(d, o->session_keys.items[i]);
	return rc;
}

static int
load(struct decryption *d, const struct decrypt_options *o, const struct option_list *files)
{
	struct error e = { 0 };
	int rc = load_secrets(d, o);

	if (rc == 0)
		rc = sop_load_list(files, 0, true, &d->keys);
	if (rc == 0)
		rc = sop_load_list(&o->verify_with, 0, false, &d->certs);
	if (rc == 0 && pgp_memory_keys_new(&d->memory, &e) != 0)
		rc = sop_bad(&e);
	for (size_t i = 0; rc == 0 && i < d->keys.certs.count; i++)
		rc = add_candidates(d, d->keys.certs.items[i]);
	if (rc == 0 && o->verify_with.count > 0 && pgp_verifier_new(&d->verifier, &d->certs.certs, &d->policy, &e) != 0)
		rc = sop_bad(&e);
	return rc;
}

static int
refuse(const struct decryption *d, const struct error *e)
{
	static const int cannot[] = { ERR_NO_KEY, ERR_PASSWORD };

	for (size_t i = 0; i < 2; i++) {
		if (e->code != cannot[i])
			continue;
		if (d->locked)
			return sop_fail(SOP_KEY_IS_PROTECTED, "no password opens the secret key");
		if (e->code == ERR_NO_KEY && d->missing.code != 0)
			return sop_fail(SOP_CANNOT_DECRYPT, "%s", d->missing.text);
		return sop_fail(SOP_CANNOT_DECRYPT, "%s", e->text);
	}
	return sop_bad(e);
}

static int
put_session_key(const struct pgp_decrypt_result *r, const char *file)
{
	struct buf line;
	int rc;

	buf_init(&line, 256);
	(void)buf_putf(&line, "%u:", r->session.cipher != 0 ? r->session.cipher : r->cipher);
	(void)hex_write_upper(&line, secret_slice(&r->session.key));
	(void)buf_put_u8(&line, '\n');
	rc = sop_write(file, buf_slice(&line));
	buf_wipe_done(&line);
	return rc;
}

static int
put_verifications(struct decryption *d, const char *file)
{
	struct buf lines BUF_OWNED = { 0 };
	struct error e = { 0 };
	size_t good;
	int rc;

	buf_init(&lines, SOP_INPUT_MAX);
	/* A signature that is missing at the end is one that is not good, no more. */
	if (pgp_verifier_finish(d->verifier, &e) != 0 && e.code != ERR_SYNTAX)
		return sop_bad(&e);
	rc = sop_verifications(d->verifier, &d->certs, &d->window, &lines, &good);
	return rc != 0 || file == NULL ? rc : sop_write(file, buf_slice(&lines));
}

static int
decrypt_once(const struct pgp_decrypt_spec *spec, struct pgp_decrypt_result *result, struct error *e)
{
	struct sop_stdin *in = NULL;
	struct sop_native native;
	struct sop_hold hold;
	int rc;

	if (sop_stdin_new(&in) != 0)
		return error_nomem(e);
	sop_hold_init(&hold);
	rc = pgp_decrypt(sop_stdin_source(in), spec, sop_native_plain(&native, sop_hold_plain(&hold)), result, e);
	sop_native_done(&native);
	sop_hold_done(&hold);
	sop_stdin_free(in);
	return rc;
}

static int
decrypt_stream(struct decryption *d, const struct decrypt_options *o)
{
	const struct pgp_decrypt_spec spec = { .keys = d->candidates,
		.key_count = d->candidate_count,
		.keyring = pgp_memory_keys_ops(d->memory),
		.passphrases = d->passwords.tries,
		.passphrase_count = d->passwords.try_count,
		.sessions = d->sessions,
		.session_count = d->session_count,
		.verifier = d->verifier };
	struct pgp_decrypt_result result = { 0 };
	struct error e = { 0 };
	int rc = SOP_OK;

	if ((sop_twice_fits() ? sop_twice(&spec, &result, &e) : decrypt_once(&spec, &result, &e)) != 0)
		rc = refuse(d, &e);
	if (rc == 0 && o->session_key_out != NULL)
		rc = put_session_key(&result, o->session_key_out);
	if (rc == 0 && d->verifier != NULL)
		rc = put_verifications(d, o->verifications_out);
	pgp_session_done(&result.session);
	return rc;
}

static int
check_options(struct decrypt_options *o, struct decryption *d)
{
	int rc;

	/* The old name that some drivers still use. */
	if (o->verifications_out == NULL)
		o->verifications_out = o->verify_out;
	if (o->verifications_out != NULL && o->verify_with.count == 0)
		return sop_fail(SOP_INCOMPLETE_VERIFICATION, "--verifications-out needs --verify-with");
	rc = sop_check_output(o->session_key_out);
	if (rc == 0)
		rc = sop_check_output(o->verifications_out);
	return rc != 0 ? rc : sop_window(o->not_before, o->not_after, &d->policy, &d->window);
}

static void
decryption_free(struct decryption *d)
{
	pgp_verifier_free(d->verifier);
	pgp_memory_keys_free(d->memory);
	for (size_t i = 0; i < d->session_count; i++)
		pgp_session_done(&d->sessions[i]);
	sop_passwords_done(&d->passwords);
	sop_passwords_done(&d->key_passwords);
	sop_ring_done(&d->keys);
	sop_ring_done(&d->certs);
	mem_free(d);
}

int
sop_decrypt(int argc, char **argv)
{
	static struct decrypt_options o;
	static struct option_list files;
	const struct option options[] = {
		{ "session-key-out", OPTION_TEXT, &o.session_key_out },
		{ "with-session-key", OPTION_LIST, &o.session_keys },
		{ "with-password", OPTION_LIST, &o.passwords },
		{ "with-key-password", OPTION_LIST, &o.key_passwords },
		{ "verify-with", OPTION_LIST, &o.verify_with },
		{ "verifications-out", OPTION_TEXT, &o.verifications_out },
		{ "verify-out", OPTION_TEXT, &o.verify_out },
		{ "verify-not-before", OPTION_TEXT, &o.not_before },
		{ "verify-not-after", OPTION_TEXT, &o.not_after },
	};
	struct decryption *d;
	int rc = sop_options("decrypt", argc, argv, options, 9, &files);

	if (rc != 0)
		return rc;
	if (files.count == 0 && o.passwords.count == 0 && o.session_keys.count == 0)
		return sop_fail(SOP_MISSING_ARG, "decrypt needs a key, a password or a session key");
	d = mem_alloc(sizeof *d);
	if (d == NULL)
		return sop_nomem();
	d->policy = pgp_policy_default(clock_unix());
	rc = check_options(&o, d);
	if (rc == 0)
		rc = load(d, &o, &files);
	if (rc == 0)
		rc = decrypt_stream(d, &o);
	decryption_free(d);
	return rc;
}
