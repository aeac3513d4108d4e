/* SPDX-License-Identifier: ISC */
#include "openpgp/frame/armor.h"

#include "base/crc.h"
#include "openpgp/frame/armor_names.h"
#include "openpgp/frame/packet.h"

#define TEXT_FLUSH (256u << 10) /* characters gathered before they go out */
#define TEXT_STEP (96u << 10)   /* octets encoded at a time */
#define TEXT_MAX (1u << 20)
#define FRAME_MAX 256u /* octets around the lines of armor, and slack for the last ones */

const char *const pgp_armor_names[PGP_ARMOR_COUNT] = {
	[PGP_ARMOR_NONE] = "",
	[PGP_ARMOR_MESSAGE] = "MESSAGE",
	[PGP_ARMOR_PUBLIC_KEY] = "PUBLIC KEY BLOCK",
	[PGP_ARMOR_PRIVATE_KEY] = "PRIVATE KEY BLOCK",
	[PGP_ARMOR_SIGNATURE] = "SIGNATURE",
};

static void
put_frame(struct buf *out, const char *which, enum pgp_armor_kind kind)
{
	(void)buf_put_str(out, "-----");
	(void)buf_put_str(out, which);
	(void)buf_put_str(out, " PGP ");
	(void)buf_put_str(out, pgp_armor_names[kind]);
	(void)buf_put_str(out, "-----\n");
}

static void
put_checksum(struct buf *out, uint32_t crc24)
{
	const uint8_t crc[3] = { (uint8_t)(crc24 >> 16), (uint8_t)(crc24 >> 8), (uint8_t)crc24 };

	(void)buf_put_u8(out, '=');
	(void)base64_write(out, slice_of(crc, sizeof crc));
	(void)buf_put_u8(out, '\n');
}

static int
flush(struct pgp_armor_writer *w, size_t above, struct error *e)
{
	int rc;

	if (w->text.err != 0)
		return error_set(e, w->text.err, "there is no memory for armor");
	if (w->text.len <= above)
		return 0;
	rc = pgp_sink_write(w->out, buf_slice(&w->text), e);
	buf_clear(&w->text);
	return rc;
}

int
pgp_armor_writer_init(
    struct pgp_armor_writer *w, enum pgp_armor_kind kind, bool checksum, struct pgp_sink out, struct error *e)
{
	*w = (struct pgp_armor_writer){ .out = out, .kind = kind, .checksum = checksum, .crc = CRC24_INIT };
	buf_init(&w->text, TEXT_MAX);
	base64_encoder_init(&w->encoder, BASE64_LINE_ARMOR, "\n");
	put_frame(&w->text, "BEGIN", kind);
	(void)buf_put_u8(&w->text, '\n');
	return flush(w, SIZE_MAX, e);
}

int
pgp_armor_writer_put(struct pgp_armor_writer *w, struct slice data, struct error *e)
{
	int rc = 0;

	while (data.len > 0 && rc == 0) {
		struct slice part = slice_sub(data, 0, TEXT_STEP);

		data = slice_from(data, part.len);
		if (w->checksum)
			w->crc = crc24(w->crc, part);
		(void)base64_encoder_put(&w->encoder, part, &w->text);
		rc = flush(w, TEXT_FLUSH, e);
	}
	return rc;
}

int
pgp_armor_writer_end(struct pgp_armor_writer *w, struct error *e)
{
	(void)base64_encoder_end(&w->encoder, &w->text);
	if (w->checksum)
		put_checksum(&w->text, w->crc);
	put_frame(&w->text, "END", w->kind);
	return flush(w, 0, e);
}

void
pgp_armor_writer_done(struct pgp_armor_writer *w)
{
	buf_done(&w->text);
}

static int
writer_write(void *ctx, struct slice data, struct error *e)
{
	return pgp_armor_writer_put(ctx, data, e);
}

struct pgp_sink
pgp_armor_writer_sink(struct pgp_armor_writer *w)
{
	return (struct pgp_sink){ writer_write, w };
}

/* Into out itself: nothing is gathered and copied. */
int
pgp_armor_write(enum pgp_armor_kind kind, bool checksum, struct slice data, struct buf *out, struct error *e)
{
	struct base64_encoder encoder;
	size_t len = base64_length(data.len) / BASE64_LINE_ARMOR * (BASE64_LINE_ARMOR + 1) + FRAME_MAX;

	if (len <= out->max / 2 && out->len <= out->max / 2)
		(void)buf_reserve(out, len); /* once, and not in steps; too much is found below */
	put_frame(out, "BEGIN", kind);
	(void)buf_put_u8(out, '\n');
	base64_encoder_init(&encoder, BASE64_LINE_ARMOR, "\n");
	(void)base64_encoder_put(&encoder, data, out);
	(void)base64_encoder_end(&encoder, out);
	if (checksum)
		put_checksum(out, crc24(CRC24_INIT, data));
	put_frame(out, "END", kind);
	return out->err == 0 ? 0 : error_set(e, out->err, "there is no room for armor");
}

enum pgp_armor_kind
pgp_armor_kind_of(struct slice packets)
{
	static const enum pgp_armor_kind kinds[PGP_TYPE_MAX + 1] = {
		[PGP_PUBLIC_KEY] = PGP_ARMOR_PUBLIC_KEY,
		[PGP_SECRET_KEY] = PGP_ARMOR_PRIVATE_KEY,
		[PGP_SIGNATURE] = PGP_ARMOR_SIGNATURE,
	};
	struct pgp_packet p;
	size_t at = 0;

	/* A signature in front of other packets than signatures is the old form of a signed message. */
	if (pgp_packet_next(packets, &at, &p, NULL) != 1 || kinds[p.header.type] == PGP_ARMOR_NONE)
		return PGP_ARMOR_MESSAGE;
	if (p.header.type == PGP_SIGNATURE) {
		struct pgp_packet next;

		while (pgp_packet_next(packets, &at, &next, NULL) == 1) {
			if (next.header.type != PGP_SIGNATURE)
				return PGP_ARMOR_MESSAGE;
		}
		if (at < packets.len)
			return PGP_ARMOR_MESSAGE;
	}
	return kinds[p.header.type];
}
