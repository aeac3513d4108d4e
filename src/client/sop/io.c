/* SPDX-License-Identifier: ISC */
/* What comes in and goes out: files, descriptors, environment variables, standard streams. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "client/sop/io.h"
#include "crypto/secret.h"
#include "openpgp/frame/armor.h"
#include "os/clock.h"
#include "os/file.h"

#define DRAIN_BLOCK (64u << 10)

/* @FD:n; -1 when it is none. */
static int
descriptor_of(const char *argument)
{
	uint64_t n;

	if (strncmp(argument, "@FD:", 4) != 0 || !slice_to_u64(slice_str(argument + 4), 1 << 20, &n))
		return -1;
	return (int)n;
}

/* closed: the status for a descriptor that is not open. */
static int
check_special(const char *argument, int closed)
{
	if (argument[0] != '@')
		return SOP_OK;
	if (strncmp(argument, "@HARDWARE:", 10) == 0)
		return sop_fail(SOP_UNSUPPORTED_SPECIAL_PREFIX, "keys in hardware are not used here");
	if (strncmp(argument, "@FD:", 4) != 0 && strncmp(argument, "@ENV:", 5) != 0)
		return sop_fail(SOP_UNSUPPORTED_SPECIAL_PREFIX, "%s: only @FD: and @ENV: are known", argument);
	if (argument[1] == 'F' && descriptor_of(argument) < 0)
		return sop_fail(SOP_MISSING_INPUT, "%s: no descriptor's number", argument);
	/* Now: later, a file of ours may have that number. */
	if (argument[1] == 'F' && fcntl(descriptor_of(argument), F_GETFD) < 0)
		return sop_fail(closed, "%s: that descriptor is not open", argument);
	if (file_exists(argument))
		return sop_fail(
		    SOP_AMBIGUOUS_INPUT, "a file is named %s: write ./%s if you mean it", argument, argument);
	return SOP_OK;
}

static int
drain(struct file_reader *r, struct buf *out)
{
	uint8_t *block MEM_OWNED = mem_alloc(DRAIN_BLOCK);
	struct error e = { 0 };
	ssize_t n = 1;

	if (block == NULL)
		return sop_nomem();
	while (n > 0) {
		n = file_reader_get(r, block, DRAIN_BLOCK, &e);
		if (n > 0 && buf_put(out, block, (size_t)n) != 0)
			return sop_fail(SOP_FAILED, "%s is too large", r->path);
	}
	/* Keys and passwords come this way. */
	secret_wipe(block, DRAIN_BLOCK);
	return n < 0 ? sop_fail(SOP_MISSING_INPUT, "%s", e.text) : SOP_OK;
}

static int
read_environment(const char *name, struct buf *out)
{
	const char *value = getenv(name);

	if (value == NULL)
		return sop_fail(SOP_MISSING_INPUT, "the environment has no %s", name);
	return buf_put_str(out, value) != 0 ? sop_fail(SOP_FAILED, "%s is too large", name) : SOP_OK;
}

int
sop_read(const char *argument, struct buf *out)
{
	struct file_reader r;
	struct error e = { 0 };
	int rc = check_special(argument, SOP_MISSING_INPUT);

	if (rc != 0)
		return rc;
	if (strncmp(argument, "@ENV:", 5) == 0)
		return read_environment(argument + 5, out);
	if (argument[0] == '@')
		file_reader_fd(&r, descriptor_of(argument), argument);
	else if (strcmp(argument, "-") == 0)
		return sop_fail(SOP_MISSING_INPUT, "standard input is for data, not for keys");
	else if (file_reader_open(&r, argument, &e) != 0)
		return sop_fail(SOP_MISSING_INPUT, "%s", e.text);
	rc = drain(&r, out);
	file_reader_done(&r);
	return rc;
}

int
sop_read_password(const char *argument, bool must_be_text, struct buf *out)
{
	int rc;

	buf_init(out, SOP_PASSWORD_MAX);
	rc = sop_read(argument, out);
	if (rc != 0)
		return rc;
	while (out->len > 0 && memchr("\r\n", out->data[out->len - 1], 2) != NULL)
		buf_truncate(out, out->len - 1);
	if (must_be_text && !utf8_valid(buf_slice(out)))
		return sop_fail(SOP_PASSWORD_NOT_HUMAN_READABLE, "the password in %s is not UTF-8", argument);
	return SOP_OK;
}

int
sop_check_output(const char *argument)
{
	if (argument == NULL)
		return SOP_OK;
	if (argument[0] == '@' && strncmp(argument, "@FD:", 4) != 0)
		return sop_fail(SOP_UNSUPPORTED_SPECIAL_PREFIX, "%s: output goes to a file or @FD:", argument);
	if (argument[0] == '@')
		return check_special(argument, SOP_FAILED);
	if (file_exists(argument))
		return sop_fail(SOP_OUTPUT_EXISTS, "%s exists already", argument);
	return SOP_OK;
}

int
sop_write(const char *argument, struct slice content)
{
	struct file_writer w;
	struct error e = { 0 };
	int rc = sop_check_output(argument);

	if (rc != 0)
		return rc;
	if (argument[0] == '@')
		file_writer_fd(&w, descriptor_of(argument), argument);
	else {
		rc = file_writer_open(&w, argument, 0600, FILE_NEW, &e);
		if (rc != 0)
			return sop_fail(rc == ERR_EXISTS ? SOP_OUTPUT_EXISTS : SOP_FAILED, "%s", e.text);
	}
	rc = file_writer_put(&w, content, &e);
	if (rc == 0)
		rc = file_writer_commit(&w, &e);
	file_writer_done(&w);
	return rc != 0 ? sop_fail(SOP_FAILED, "%s", e.text) : SOP_OK;
}

int
sop_each_block(int (*each)(void *ctx, struct slice piece), void *ctx)
{
	uint8_t *block MEM_OWNED = mem_alloc(SOP_BLOCK);
	struct file_reader r;
	struct error e = { 0 };
	ssize_t n = 1;
	int rc = SOP_OK;

	if (block == NULL)
		return sop_nomem();
	file_reader_fd(&r, STDIN_FILENO, "standard input");
	while (rc == SOP_OK && n > 0) {
		n = file_reader_get(&r, block, SOP_BLOCK, &e);
		if (n > 0)
			rc = each(ctx, slice_of(block, (size_t)n));
	}
	return n < 0 ? sop_fail(SOP_FAILED, "%s", e.text) : rc;
}

int
sop_read_all(struct buf *out)
{
	struct file_reader r;

	file_reader_fd(&r, STDIN_FILENO, "standard input");
	return drain(&r, out);
}

int
sop_put(struct slice content)
{
	struct file_writer w;
	struct error e = { 0 };
	int rc;

	file_writer_fd(&w, STDOUT_FILENO, "standard output");
	rc = file_writer_put(&w, content, &e);
	file_writer_done(&w);
	return rc != 0 ? sop_fail(SOP_FAILED, "%s", e.text) : SOP_OK;
}

/* To standard output without an argument. */
static int
put_packets(const char *argument, struct slice packets, bool armor, bool checksum)
{
	struct error e = { 0 };
	struct buf text;
	int rc = 0;

	buf_init(&text, 2 * (size_t)SOP_INPUT_MAX);
	if (armor)
		rc = pgp_armor_write(pgp_armor_kind_of(packets), checksum, packets, &text, &e);
	if (armor)
		packets = buf_slice(&text);
	if (rc != 0)
		rc = sop_fail(SOP_FAILED, "%s", e.text);
	else
		rc = argument == NULL ? sop_put(packets) : sop_write(argument, packets);
	buf_wipe_done(&text);
	return rc;
}

int
sop_put_packets(struct slice packets, bool armor, bool checksum)
{
	return put_packets(NULL, packets, armor, checksum);
}

int
sop_write_packets(const char *argument, struct slice packets, bool armor, bool checksum)
{
	return put_packets(argument, packets, armor, checksum);
}

uint64_t
sop_input_size(void)
{
	struct stat st;

	/* Only from its beginning: a shell may have read a part. */
	if (fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode) || lseek(STDIN_FILENO, 0, SEEK_CUR) != 0)
		return UINT64_MAX;
	return (uint64_t)st.st_size;
}

int
sop_date(const char *text, uint64_t otherwise, uint64_t *out)
{
	int64_t t;

	*out = otherwise;
	if (text == NULL || strcmp(text, "-") == 0)
		return SOP_OK;
	if (strcmp(text, "now") == 0) {
		*out = clock_unix();
		return SOP_OK;
	}
	if (date_parse_rfc3339(slice_str(text), &t, NULL) != 0 || t < 0)
		return sop_fail(SOP_UNSUPPORTED_OPTION, "%s is no date: write 2025-02-03T04:05:06Z, now or -", text);
	*out = (uint64_t)t;
	return SOP_OK;
}

int
sop_as(const char *as, bool *text_out)
{
	*text_out = as != NULL && strcmp(as, "text") == 0;
	if (as == NULL || *text_out || strcmp(as, "binary") == 0)
		return SOP_OK;
	return sop_fail(SOP_UNSUPPORTED_OPTION, "--as is binary or text");
}

int
sop_not_text(void)
{
	return sop_fail(SOP_EXPECTED_TEXT, "the data is not UTF-8 text");
}

void
sop_text_feed(struct sop_text_check *t, struct slice piece)
{
	/* A character that the end of the last piece cut. */
	while (t->tail_len > 0 && piece.len > 0 && !t->bad) {
		t->tail[t->tail_len++] = piece.data[0];
		piece = slice_from(piece, 1);
		if (utf8_valid(slice_of(t->tail, t->tail_len)))
			t->tail_len = 0;
		else
			t->bad = t->tail_len == sizeof t->tail;
	}
	for (size_t keep = 0; keep < 4 && keep <= piece.len && !t->bad && t->tail_len == 0; keep++) {
		if (!utf8_valid(slice_sub(piece, 0, piece.len - keep)))
			continue;
		if (keep > 0)
			memcpy(t->tail, piece.data + piece.len - keep, keep);
		t->tail_len = keep;
		return;
	}
	if (piece.len > 0 && t->tail_len == 0)
		t->bad = true;
}

bool
sop_text_good(const struct sop_text_check *t)
{
	return !t->bad && t->tail_len == 0;
}
