/* SPDX-License-Identifier: ISC */
#include "client/key/pieces.h"

#include "base/base32.h"
#include "base/crc.h"
#include "base/hex.h"

#define PREFIX "LLBACKUP1/"
#define GROUP 5u

/* ---- writing ---- */

static size_t
parts(size_t octets, size_t each)
{
	return (octets + each - 1) / each;
}

size_t
pieces_count(size_t octets)
{
	return octets > PIECES_OCTETS_MAX ? 0 : parts(octets, PIECE_OCTETS);
}

int
pieces_write(struct slice whole, size_t n, struct buf *out)
{
	(void)buf_putf(out, PREFIX "%08X/%zu/%zu/", crc32c(0, whole), pieces_count(whole.len), n);
	return base32_write(out, slice_sub(whole, (n - 1) * PIECE_OCTETS, PIECE_OCTETS));
}

/* Ten bits of the line's checksum, over number, check of the whole, and octets. */
static uint32_t
line_check(size_t n, uint32_t check, struct slice data)
{
	const uint8_t head[] = { (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(check >> 24), (uint8_t)(check >> 16),
		(uint8_t)(check >> 8), (uint8_t)check };

	return crc32c(crc32c(0, slice_of(head, sizeof head)), data) & 0x3ffu;
}

static void
put_line(size_t n, uint32_t check, struct slice data, struct buf *out)
{
	BUF_OWNED struct buf text = { .max = 200 };
	uint32_t end = line_check(n, check, data);
	const uint8_t two[] = { (uint8_t)(end >> 2), (uint8_t)(end << 6) };
	BUF_OWNED struct buf tail = { .max = 10 };

	(void)base32_write(&text, data);
	(void)base32_write(&tail, slice_of(two, 2));
	(void)buf_putf(out, "%zu %08X", n, check);
	for (size_t i = 0; i < text.len; i += GROUP) {
		(void)buf_put_u8(out, ' ');
		(void)buf_put_slice(out, slice_sub(buf_slice(&text), i, GROUP));
	}
	(void)buf_putf(out, "  %.2s\n", tail.len < 2 ? "" : (const char *)tail.data);
}

int
pieces_write_lines(struct slice whole, struct buf *out)
{
	size_t total = parts(whole.len, PIECES_LINE_OCTETS);
	uint32_t check = crc32c(0, whole);
	const uint8_t count[] = { (uint8_t)(total >> 8), (uint8_t)total };

	put_line(0, check, slice_of(count, 2), out);
	for (size_t n = 1; n <= total; n++)
		put_line(n, check, slice_sub(whole, (n - 1) * PIECES_LINE_OCTETS, PIECES_LINE_OCTETS), out);
	return out->err;
}

/* ---- reading ---- */

static bool
read_check(struct slice text, uint32_t *out)
{
	uint32_t v = 0;

	if (text.len != 8)
		return false;
	for (size_t i = 0; i < 8; i++) {
		int digit = hex_digit(text.data[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (uint32_t)digit;
	}
	*out = v;
	return true;
}

static int
begin(struct pieces *p, bool typed, uint32_t check, struct error *e)
{
	if (p->begun && (p->check != check || p->typed != typed))
		return error_set(e, ERR_USAGE, "these are parts of two different backups: take one after the other");
	p->begun = true;
	p->typed = typed;
	p->check = check;
	return 0;
}

static int
set_total(struct pieces *p, size_t total, struct error *e)
{
	size_t most = p->typed ? PIECES_LINES_MAX : PIECES_MAX;

	if (total == 0 || total > most || (p->total != 0 && p->total != total))
		return error_set(e, ERR_SYNTAX, "the backup's parts do not agree how many they are");
	p->total = total;
	return 0;
}

/* The same part may be read again and again, as telephones do. */
static int
keep(struct pieces *p, size_t n, const struct buf *data, struct error *e)
{
	struct buf *place = &p->data[n];

	if (place->len > 0)
		return slice_eq(buf_slice(place), buf_slice(data))
		    ? 0
		    : error_set(e, ERR_SYNTAX, "part %zu of the backup is there twice, and differs", n);
	buf_init(place, PIECE_OCTETS);
	if (buf_put_slice(place, buf_slice(data)) != 0)
		return error_nomem(e);
	p->have++;
	return 0;
}

static int
take_piece(struct pieces *p, struct slice text, struct error *e)
{
	BUF_OWNED struct buf data = { .max = PIECE_OCTETS };
	uint64_t total, n;
	uint32_t check;
	int rc;

	if (!read_check(slice_split(text, '/', &text), &check) ||
	    !slice_to_u64(slice_split(text, '/', &text), PIECES_MAX, &total) ||
	    !slice_to_u64(slice_split(text, '/', &text), PIECES_MAX, &n) || n == 0 || n > total ||
	    base32_parse(text, &data, NULL) != 0 || data.len == 0)
		return error_set(e, ERR_SYNTAX, "a code of the backup is damaged");
	rc = begin(p, false, check, e);
	if (rc == 0)
		rc = set_total(p, total, e);
	return rc == 0 ? keep(p, n, &data, e) : rc;
}

int
pieces_take(struct pieces *p, struct slice text, bool *taken_out, struct error *e)
{
	text = slice_trim(text);
	*taken_out = slice_starts(text, SLICE(PREFIX));
	return *taken_out ? take_piece(p, slice_from(text, sizeof PREFIX - 1), e) : 0;
}

/* The last word is the check; what is before it are the octets. */
static bool
read_line(struct slice text, size_t n, uint32_t check, struct buf *data)
{
	BUF_OWNED struct buf tail = { .max = 10 };
	struct slice last;

	text = slice_trim(text);
	if (text.len < 3)
		return false;
	last = slice_from(text, text.len - 2);
	if (base32_parse(slice_sub(text, 0, text.len - 2), data, NULL) != 0 || data->len == 0)
		return false;
	for (size_t i = 0; i < 2; i++)
		(void)buf_put_u8(&tail, ascii_upper(last.data[i]));
	/* Ten bits are two characters and no octets: compared as they are written. */
	{
		uint32_t want = line_check(n, check, buf_slice(data));
		const uint8_t two[] = { (uint8_t)(want >> 2), (uint8_t)(want << 6) };
		BUF_OWNED struct buf good = { .max = 10 };

		return base32_write(&good, slice_of(two, 2)) == 0 &&
		    slice_eq(slice_sub(buf_slice(&good), 0, 2), buf_slice(&tail));
	}
}

static int
take_line(struct pieces *p, struct slice line, uint64_t n, uint32_t check, struct error *e)
{
	BUF_OWNED struct buf data = { .max = PIECES_LINE_OCTETS };
	int rc;

	if (!read_line(line, n, check, &data))
		return error_set(e, ERR_SYNTAX, "line %llu is not as it is on the paper", (unsigned long long)n);
	rc = begin(p, true, check, e);
	if (rc == 0 && n == 0)
		return data.len != 2 ? error_set(e, ERR_SYNTAX, "line 0 is not as it is on the paper")
				     : set_total(p, (size_t)data.data[0] << 8 | data.data[1], e);
	return rc == 0 ? keep(p, n, &data, e) : rc;
}

int
pieces_take_line(struct pieces *p, struct slice line, bool *taken_out, struct error *e)
{
	struct slice rest = slice_trim(line), number = slice_split(rest, ' ', &rest), check;
	uint32_t sum;
	uint64_t n;

	rest = slice_trim(rest);
	check = slice_split(rest, ' ', &rest);
	*taken_out = slice_to_u64(number, PIECES_LINES_MAX, &n) && read_check(check, &sum);
	return *taken_out ? take_line(p, rest, n, sum, e) : 0;
}

static int
missing(const struct pieces *p, struct error *e)
{
	BUF_OWNED struct buf list = { .max = 200 };
	size_t shown = 0;

	if (p->total == 0)
		return error_set(
		    e, ERR_TRUNCATED, p->begun ? "line 0 of the backup is missing" : "there is no backup in it");
	for (size_t n = 1; n <= p->total && shown < 12; n++)
		if (p->data[n].len == 0)
			(void)buf_putf(&list, "%s%zu", shown++ == 0 ? "" : ", ", n);
	return error_set(e, ERR_TRUNCATED, "of %zu %s of the backup these are missing: %.*s%s", p->total,
	    p->typed ? "lines" : "codes", (int)list.len, list.len == 0 ? "" : (const char *)list.data,
	    shown == 12 ? ", ..." : "");
}

int
pieces_finish(const struct pieces *p, struct buf *out, struct error *e)
{
	size_t from = out->len;

	for (size_t n = 1; n <= p->total; n++) {
		if (p->data[n].len == 0)
			return missing(p, e);
		(void)buf_put_slice(out, buf_slice(&p->data[n]));
	}
	if (p->total == 0)
		return missing(p, e);
	if (out->err != 0)
		return error_set(e, out->err, "the backup is too large");
	if (p->have != p->total || crc32c(0, slice_from(buf_slice(out), from)) != p->check) {
		buf_truncate(out, from);
		return error_set(e, ERR_INTEGRITY, "the parts do not make the backup that was printed");
	}
	return 0;
}

void
pieces_done(struct pieces *p)
{
	for (size_t n = 0; n <= PIECES_LINES_MAX; n++)
		buf_wipe_done(&p->data[n]);
	*p = (struct pieces){ .begun = false };
}
