/* SPDX-License-Identifier: ISC */
#include "client/key/gnupg.h"

#include "base/hex.h"
#include "openpgp/limits.h"
#include "os/spawn.h"

#define FIELDS 12u
#define WORDS_MAX 24u

/* ---- its list ---- */

static size_t
split(struct slice line, struct slice fields[FIELDS])
{
	size_t n = 0;

	while (n < FIELDS && line.len > 0)
		fields[n++] = slice_split(line, ':', &line);
	return n;
}

/* "\x3a" for what cannot stand in a field. */
static void
unescape(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		int high = i + 3 < in.len ? hex_digit(in.data[i + 2]) : -1,
		    low = i + 3 < in.len ? hex_digit(in.data[i + 3]) : -1;

		if (in.data[i] == '\\' && high >= 0 && low >= 0 && in.data[i + 1] == 'x') {
			(void)buf_put_u8(out, (uint8_t)(high << 4 | low));
			i += 3;
		} else {
			(void)buf_put_u8(out, in.data[i]);
		}
	}
}

static char
letter(struct slice field)
{
	return field.len > 0 && field.data[0] >= 'a' && field.data[0] <= 'z' ? (char)field.data[0] : '\0';
}

struct listing {
	struct gnupg_key key;
	struct buf user_id;
	bool begun;
	gnupg_each *each;
	void *ctx;
};

static int
give(struct listing *l, struct error *e)
{
	int rc = 0;

	l->key.user_id = buf_slice(&l->user_id);
	if (l->begun && l->key.fingerprint.len > 0)
		rc = l->each(l->ctx, &l->key, e);
	l->begun = false;
	buf_clear(&l->user_id);
	return rc;
}

static int
take_line(struct listing *l, struct slice line, struct error *e)
{
	struct slice fields[FIELDS];
	size_t n = split(slice_trim(line), fields);
	int rc = 0;

	if (n < 10)
		return 0;
	if (slice_eq_str(fields[0], "pub") || slice_eq_str(fields[0], "sec")) {
		rc = give(l, e);
		l->begun = true;
		l->key = (struct gnupg_key){ .validity = letter(fields[1]),
			.owner_trust = letter(fields[8]),
			.secret = fields[0].data[0] == 's' };
	} else if (l->begun && slice_eq_str(fields[0], "fpr") && l->key.fingerprint.len == 0) {
		(void)pgp_fingerprint_parse(fields[9], &l->key.fingerprint, NULL);
	} else if (l->begun && slice_eq_str(fields[0], "uid") && l->user_id.len == 0) {
		unescape(fields[9], &l->user_id);
	}
	return rc;
}

int
gnupg_list_parse(struct slice text, gnupg_each *each, void *ctx, struct error *e)
{
	struct listing l = { .user_id = { .max = PGP_USER_ID_MAX }, .each = each, .ctx = ctx };
	int rc = 0;

	while (rc == 0 && text.len > 0)
		rc = take_line(&l, slice_split(text, '\n', &text), e);
	if (rc == 0)
		rc = give(&l, e);
	buf_done(&l.user_id);
	return rc;
}

/* ---- running it ---- */

static int
run(const struct gnupg *g, const char *const words[], struct slice in, struct buf *out, struct error *e)
{
	const char *argv[WORDS_MAX] = { "gpg", "--batch", "--no-tty" };
	struct spawn_result result;
	size_t n = 3;
	int rc;

	if (g->home != NULL) {
		argv[n++] = "--homedir";
		argv[n++] = g->home;
	}
	for (size_t i = 0; words[i] != NULL && n + 1 < WORDS_MAX; i++)
		argv[n++] = words[i];
	rc = spawn_run(argv, in, out, GNUPG_MS, &result, e);
	if (rc == ERR_NOT_FOUND)
		return error_set(e, rc, "gpg is not installed here: nothing can be taken from it");
	if (rc == 0 && result.status != 0)
		rc = error_set(e, ERR_IO, "gpg said no, with status %d; what it said stands above", result.status);
	return rc;
}

int
gnupg_list(const struct gnupg *g, bool secret, struct buf *out, struct error *e)
{
	const char *const words[] = { "--with-colons", "--fingerprint", "--fixed-list-mode",
		secret ? "--list-secret-keys" : "--list-keys", NULL };

	return run(g, words, SLICE_EMPTY, out, e);
}

int
gnupg_export(const struct gnupg *g, struct buf *out, struct error *e)
{
	static const char *const words[] = { "--export", NULL };

	return run(g, words, SLICE_EMPTY, out, e);
}

int
gnupg_export_secret(
    const struct gnupg *g, const struct pgp_fingerprint *f, struct slice passphrase, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf hex = { .max = 100 };
	int rc;

	(void)pgp_fingerprint_write(f, &hex);
	(void)buf_put_u8(&hex, 0);
	if (hex.err != 0)
		return error_nomem(e);
	{
		const char *const words[] = { "--pinentry-mode", "loopback", "--passphrase-fd", "0",
			"--export-secret-keys", (const char *)hex.data, NULL };

		rc = run(g, words, passphrase, out, e);
	}
	if (rc == ERR_IO)
		return error_set(e, ERR_PASSWORD, "gpg does not give the secret key with this passphrase");
	return rc;
}
