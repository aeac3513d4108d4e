/* SPDX-License-Identifier: ISC */
/* Records of bodies as whole octets: read, checked, handed on. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "store/snapshot_internal.h"
#include "store/limits.h"
#include "store/record.h"

#define PIECE_BLOCKS 64u
#define PIECE ((uint64_t)PIECE_BLOCKS * RECORD_BLOCK)
#define PIECE_RAW ((size_t)PIECE_BLOCKS * RECORD_STEP)

/* Appended to out; *got_out is less than len at the end of the file. */
static int
read_some(int fd, uint64_t at, size_t len, struct buf *out, size_t *got_out, struct error *e)
{
	uint8_t *room = buf_reserve(out, len);
	size_t got = 0;

	if (room == NULL)
		return error_nomem(e);
	while (got < len) {
		ssize_t n = pread(fd, room + got, len - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(e, ERR_IO, errno, "a message cannot be read");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	buf_commit(out, got);
	*got_out = got;
	return 0;
}

static int
read_all(int fd, uint64_t at, size_t len, struct buf *out, struct error *e)
{
	size_t got;
	int rc = read_some(fd, at, len, out, &got, e);

	return rc == 0 && got < len ? error_set(e, ERR_TRUNCATED, "a stored body is cut short on disk") : rc;
}

int
snapshot_record_head(int fd, uint64_t at, struct body_place *place_out, struct error *e)
{
	struct buf raw BUF_OWNED = { 0 };
	int rc;

	buf_init(&raw, RECORD_HEAD);
	*place_out = (struct body_place){ .place = at };
	rc = read_all(fd, at, RECORD_HEAD, &raw, e);
	return rc != 0 ? rc : record_get_head(buf_slice(&raw), &place_out->body, &place_out->length, e);
}

static int
pass_head(int fd, const struct body_place *place, snapshot_put_fn *put, void *ctx, struct error *e)
{
	struct buf raw BUF_OWNED = { 0 };
	struct body_place there;
	int rc = snapshot_record_head(fd, place->place, &there, e);

	if (rc == 0 && (there.body != place->body || there.length != place->length))
		rc = error_set(e, ERR_INTEGRITY, "a stored body is not where its row says");
	if (rc != 0 || put == NULL)
		return rc;
	buf_init(&raw, RECORD_HEAD);
	record_put_head(&raw, place->body, place->length);
	return put(ctx, buf_slice(&raw), e);
}

int
snapshot_record(int fd, const struct body_place *place, snapshot_put_fn *put, void *ctx, struct error *e)
{
	struct buf raw BUF_OWNED = { 0 }, octets BUF_OWNED = { 0 };
	int rc;

	buf_init(&raw, PIECE_RAW);
	buf_init(&octets, PIECE + 1);
	if (place->length > STORE_MESSAGE_MAX)
		return error_set(e, ERR_INTEGRITY, "a stored body has an impossible length");
	rc = pass_head(fd, place, put, ctx, e);
	for (uint64_t at = 0; at < place->length && rc == 0; at += PIECE) {
		uint64_t left = place->length - at, n = left < PIECE ? left : PIECE;
		struct record_range range = record_range(place->length, at, n);

		buf_clear(&raw);
		buf_clear(&octets);
		rc = read_all(fd, place->place + range.from, range.octets, &raw, e);
		if (rc == 0)
			rc = record_get_range(buf_slice(&raw), place->body, place->length, at, n, &octets, e);
		if (rc == 0 && put != NULL)
			rc = put(ctx, buf_slice(&raw), e);
	}
	return rc;
}

int
snapshot_record_checks(int fd, const struct body_place *place, struct buf *out, struct error *e)
{
	int rc = 0;

	if (place->length > STORE_MESSAGE_MAX)
		return error_set(e, ERR_INTEGRITY, "a stored body has an impossible length");
	for (uint64_t at = 0, before = RECORD_HEAD; at < place->length && rc == 0; at += RECORD_BLOCK) {
		uint64_t left = place->length - at;

		before += left < RECORD_BLOCK ? left : RECORD_BLOCK;
		rc = read_all(fd, place->place + before, RECORD_CHECK, out, e);
		before += RECORD_CHECK;
	}
	return rc;
}

int
snapshot_record_raw(int fd, const struct body_place *place, snapshot_put_fn *put, void *ctx, struct error *e)
{
	struct buf raw BUF_OWNED = { 0 };
	uint64_t size = place->length > STORE_MESSAGE_MAX ? RECORD_HEAD : record_size(place->length);
	int rc = 0;

	buf_init(&raw, PIECE_RAW);
	for (uint64_t at = 0; at < size && rc == 0; at += PIECE_RAW) {
		size_t n = size - at < PIECE_RAW ? (size_t)(size - at) : PIECE_RAW, got = 0;

		buf_clear(&raw);
		/* A disk that does not read it any more reads perhaps the next piece. */
		if (fd >= 0 && read_some(fd, place->place + at, n, &raw, &got, NULL) != 0)
			buf_clear(&raw);
		while (raw.len < n && raw.err == 0)
			(void)buf_put_u8(&raw, 0);
		rc = raw.err != 0 ? error_nomem(e) : put(ctx, buf_slice(&raw), e);
	}
	return rc;
}

int
snapshot_write(int fd, struct slice data, uint64_t at, struct error *e)
{
	while (data.len > 0) {
		ssize_t n = pwrite(fd, data.data, data.len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set_errno(e,
			    errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO, errno,
			    "a message cannot be written");
		data = slice_from(data, (size_t)n);
		at += (uint64_t)n;
	}
	return 0;
}

int
snapshot_open_file(const char *bodies_folder, const struct body_place *place, int flags)
{
	char path[FILE_PATH_MAX + 32];

	if (place->segment == BODY_OWN_FILE)
		(void)snprintf(path, sizeof path, "%s/b%016" PRIx64, bodies_folder, place->body);
	else
		(void)snprintf(path, sizeof path, "%s/s%08" PRIx32, bodies_folder, place->segment);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}
