/* SPDX-License-Identifier: ISC */
#include "client/key/code.h"

#include <stdio.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/words.h"
#include "client/key/show.h"
#include "os/file.h"
#include "os/picture.h"
#include "os/terminal.h"

#define PREFIX "OPENPGP4FPR:"
#define CODE_TEXT_MAX 4296u
#define SCALE 8u

static bool
is_digit(uint8_t c)
{
	return hex_digit(c) >= 0;
}

int
key_code_parse(struct slice text, struct pgp_fingerprint *out, struct error *e)
{
	BUF_OWNED struct buf digits = { .max = 2 * PGP_FINGERPRINT_MAX };

	text = slice_trim(text);
	if (!slice_istarts(text, SLICE(PREFIX)))
		return error_set(e, ERR_SYNTAX, "the code is not one of an OpenPGP fingerprint");
	text = slice_from(text, sizeof PREFIX - 1);
	while (text.len > 0) {
		if (slice_starts(text, SLICE("%20")))
			text = slice_from(text, 3);
		else if (text.data[0] == ' ')
			text = slice_from(text, 1);
		else if (is_digit(text.data[0]) && buf_put_u8(&digits, text.data[0]) == 0)
			text = slice_from(text, 1);
		else
			break;
	}
	/* Delta Chat and others say more behind it: "#a=address", "?…". Letters would be a longer number cut off. */
	if (text.len > 0 && text.data[0] != '#' && text.data[0] != '?' && text.data[0] != '&')
		return error_set(e, ERR_SYNTAX, "the code's fingerprint has digits that are none");
	return pgp_fingerprint_parse(buf_slice(&digits), out, e);
}

int
key_code_make(const struct pgp_fingerprint *f, struct qr *out, struct error *e)
{
	BUF_OWNED struct buf text = { .max = 200 };

	(void)buf_put_str(&text, PREFIX);
	(void)pgp_fingerprint_write(f, &text);
	return qr_make(buf_slice(&text), QR_LEVEL_M, out, e);
}

static int
write_picture(const struct qr *q, struct slice title, const char *output, struct error *e)
{
	BUF_OWNED struct buf file = { .max = 8u << 20 };
	struct picture p = { .grey = { .max = 8u << 20 } };
	int rc = 0;

	if (slice_ends(slice_str(output), SLICE(".svg"))) {
		(void)qr_write_svg(q, title, &file);
	} else {
		(void)qr_write_grey(q, SCALE, &p.grey, &p.width);
		p.height = p.width;
		rc = p.grey.err != 0 ? error_nomem(e) : picture_write_png(&p, &file, e);
	}
	picture_done(&p);
	if (rc == 0 && file.err != 0)
		rc = error_nomem(e);
	return rc == 0 ? file_write_atomic(output, buf_slice(&file), 0644, e) : rc;
}

int
key_code_show(const struct pgp_fingerprint *f, const char *output, struct error *e)
{
	BUF_OWNED struct buf text = { .max = 64u << 10 };
	struct qr q;
	int rc = key_code_make(f, &q, e);

	if (rc == 0 && output != NULL) {
		key_put_groups(f, &text);
		rc = write_picture(&q, buf_slice(&text), output, e);
	} else if (rc == 0) {
		(void)qr_write_terminal(&q, terminal_colour(STDOUT_FILENO), &text);
		(void)printf("%.*s", (int)text.len, (const char *)text.data);
	}
	qr_done(&q);
	return rc;
}

void
key_code_say(const struct pgp_fingerprint *f, bool words)
{
	BUF_OWNED struct buf text = { .max = 2000 };

	key_put_groups(f, &text);
	client_say("  ", buf_slice(&text), "");
	if (!words)
		return;
	buf_clear(&text);
	/* Ten words a line: an even number, so that each line begins with a word of two syllables. */
	for (size_t i = 0; i < f->len; i += 10) {
		(void)buf_put_str(&text, i == 0 ? "  " : "\n  ");
		(void)words_write(&text, slice_of(f->bytes + i, size_min(f->len - i, 10)));
	}
	(void)printf("%.*s\n", (int)text.len, (const char *)text.data);
}

/* ---- reading one ---- */

struct scanning {
	struct pgp_fingerprint found;
	size_t count;
};

static int
take(void *ctx, struct slice text, struct error *e)
{
	struct scanning *s = ctx;
	struct pgp_fingerprint f;

	(void)e;
	/* Other codes may stand on the same wall. */
	if (key_code_parse(text, &f, NULL) != 0 || (s->count > 0 && pgp_fingerprint_eq(&f, &s->found)))
		return 0;
	s->found = f;
	s->count++;
	return 0;
}

int
key_code_scan(const char *path, struct pgp_fingerprint *out, struct error *e)
{
	BUF_OWNED struct buf file = { .max = PICTURE_FILE_MAX };
	struct scanning s = { .count = 0 };
	struct picture p;
	size_t codes;
	int rc = file_read(path, &file, e);

	if (rc == 0)
		rc = picture_read(buf_slice(&file), &p, e);
	if (rc != 0)
		return error_context(e, "%s", path);
	rc = picture_codes(&p, take, &s, &codes, e);
	picture_done(&p);
	if (rc != 0)
		return rc;
	if (s.count == 0)
		return error_set(e, ERR_NOT_FOUND,
		    codes == 0 ? "no QR code can be read in the picture: closer, straighter, more light"
			       : "the QR code in the picture is not one of an OpenPGP fingerprint");
	if (s.count > 1)
		return error_set(e, ERR_USAGE, "the picture has %zu fingerprints; take one of a single code", s.count);
	*out = s.found;
	return 0;
}
