/* SPDX-License-Identifier: ISC */
#include "base/qr.h"

#include <qrencode.h>
#include <string.h>

#include "base/xml.h"

#define SCALE_MAX 64u

/* Table 5 of the standard: what alphanumeric mode knows. */
static bool
is_alphanumeric(struct slice text)
{
	static const char set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == 0 || strchr(set, text.data[i]) == NULL)
			return false;
	return true;
}

/* The code by the library; NULL when it does not fit or there is no memory. */
static QRcode *
encode(struct slice text, enum qr_level level)
{
	static const QRecLevel levels[] = { [QR_LEVEL_L] = QR_ECLEVEL_L,
		[QR_LEVEL_M] = QR_ECLEVEL_M,
		[QR_LEVEL_Q] = QR_ECLEVEL_Q,
		[QR_LEVEL_H] = QR_ECLEVEL_H };
	QRinput *input = QRinput_new2(0, levels[level]);
	QRcode *code = NULL;

	if (input == NULL)
		return NULL;
	if (QRinput_append(input, is_alphanumeric(text) ? QR_MODE_AN : QR_MODE_8, (int)text.len, text.data) == 0)
		code = QRcode_encodeInput(input);
	QRinput_free(input);
	return code;
}

static int
take_modules(struct qr *q, const QRcode *code, struct error *e)
{
	size_t count = (size_t)code->width * (size_t)code->width;
	uint8_t *modules;

	buf_init(&q->modules, QR_WIDTH_MAX * QR_WIDTH_MAX);
	modules = buf_reserve(&q->modules, count);
	if (modules == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < count; i++)
		modules[i] = code->data[i] & 1; /* the other bits are the library's own */
	buf_commit(&q->modules, count);
	q->width = (unsigned)code->width;
	return 0;
}

int
qr_make(struct slice text, enum qr_level level, struct qr *out, struct error *e)
{
	QRcode *code;
	int rc;

	*out = (struct qr){ .width = 0 };
	if (text.len == 0)
		return error_set(e, ERR_USAGE, "there is nothing to make a QR code of");
	if (text.len > QR_TEXT_MAX)
		return error_set(e, ERR_LIMIT, "a QR code holds at most %u characters", QR_TEXT_MAX);
	code = encode(text, level);
	if (code == NULL)
		return error_set(e, ERR_LIMIT, "%zu characters are too many for one QR code", text.len);
	rc = take_modules(out, code, e);
	QRcode_free(code);
	return rc;
}

void
qr_done(struct qr *q)
{
	buf_wipe_done(&q->modules); /* it may be a secret key's */
	q->width = 0;
}

bool
qr_is_dark(const struct qr *q, unsigned x, unsigned y)
{
	return x < q->width && y < q->width && q->modules.data[(size_t)y * q->width + x] != 0;
}

/* ---- for a page ---- */

static void
put_row(const struct qr *q, unsigned y, struct buf *out)
{
	for (unsigned x = 0, from; x < q->width; x++) {
		if (!qr_is_dark(q, x, y))
			continue;
		for (from = x; qr_is_dark(q, x, y); x++)
			;
		(void)buf_putf(out, "M%u %uh%uv1h-%uz", from + QR_MARGIN, y + QR_MARGIN, x - from, x - from);
	}
}

int
qr_write_svg(const struct qr *q, struct slice title, struct buf *out)
{
	unsigned side = q->width + 2 * QR_MARGIN;

	(void)buf_putf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"qr\" role=\"img\" viewBox=\"0 0 %u %u\" "
	    "shape-rendering=\"crispEdges\">",
	    side, side);
	if (title.len > 0) {
		(void)buf_put_str(out, "<title>");
		(void)xml_put_text(out, title);
		(void)buf_put_str(out, "</title>");
	}
	(void)buf_putf(out, "<path fill=\"#fff\" d=\"M0 0h%uv%uH0z\"/><path fill=\"#000\" d=\"", side, side);
	for (unsigned y = 0; y < q->width; y++)
		put_row(q, y, out);
	return buf_put_str(out, "\"/></svg>");
}

/* ---- for a terminal ---- */

/* Light is what is printed: a terminal's background may be dark, and then the code must not come out inverted. */
static void
put_halves(const struct qr *q, unsigned y, struct buf *out)
{
	static const char *const halves[] = { "\xE2\x96\x88", "\xE2\x96\x80", "\xE2\x96\x84", " " };
	unsigned side = q->width + 2 * QR_MARGIN;

	for (unsigned x = 0; x < side; x++) {
		bool upper = qr_is_dark(q, x - QR_MARGIN, y - QR_MARGIN);
		bool lower = qr_is_dark(q, x - QR_MARGIN, y + 1 - QR_MARGIN);

		(void)buf_put_str(out, halves[(upper ? 2 : 0) + (lower ? 1 : 0)]);
	}
}

int
qr_write_terminal(const struct qr *q, bool colour, struct buf *out)
{
	unsigned side = q->width + 2 * QR_MARGIN;

	for (unsigned y = 0; y < side; y += 2) {
		if (colour)
			(void)buf_put_str(out, "\x1b[97;40m");
		put_halves(q, y, out);
		(void)buf_put_str(out, colour ? "\x1b[0m\n" : "\n");
	}
	return out->err;
}

int
qr_write_grey(const struct qr *q, unsigned scale, struct buf *out, unsigned *side_out)
{
	unsigned side;

	if (scale == 0 || scale > SCALE_MAX)
		scale = scale == 0 ? 1 : SCALE_MAX;
	side = (q->width + 2 * QR_MARGIN) * scale;
	for (unsigned y = 0; y < side; y++)
		for (unsigned x = 0; x < side; x++)
			(void)buf_put_u8(out, qr_is_dark(q, x / scale - QR_MARGIN, y / scale - QR_MARGIN) ? 0 : 255);
	*side_out = side;
	return out->err;
}
