/* SPDX-License-Identifier: ISC */
/*
 * What comes in and goes out: files, descriptors (@FD:n), environment
 * variables (@ENV:name), the standard streams, dates, and whether data is text.
 */
#ifndef CLIENT_SOP_IO_H
#define CLIENT_SOP_IO_H

#include "base/buf.h"
#include "client/sop/sop.h"

#define SOP_PASSWORD_MAX 4096u

/* Appends what an argument stands for: a path, @FD:n, @ENV:name. */
int sop_read(const char *argument, struct buf *out);
/* A password; a line end behind it is cut. must_be_text: SOP_PASSWORD_NOT_HUMAN_READABLE when it is not UTF-8. */
int sop_read_password(const char *argument, bool must_be_text, struct buf *out);
/* Writes a whole result to a new file or to @FD:n. */
int sop_write(const char *argument, struct slice content);
/* Before any work: is the name free? NULL is. */
int sop_check_output(const char *argument);

/* Standard input, block by block: each(ctx, piece) returns 0 or a status. */
int sop_each_block(int (*each)(void *ctx, struct slice piece), void *ctx);
/* Appends all of standard input. */
int sop_read_all(struct buf *out);
/* A whole result to standard output. */
int sop_put(struct slice content);
/* The same, armored or not. v6 objects go without checksum (RFC 9580 section 6.1). */
int sop_put_packets(struct slice packets, bool armor, bool checksum);
/* The same to a file or @FD:n. */
int sop_write_packets(const char *argument, struct slice packets, bool armor, bool checksum);
/* Octets of standard input when it is a plain file, else UINT64_MAX. */
uint64_t sop_input_size(void);

/* ISO 8601 with or without seconds, a day alone, "now" or "-" (no bound: otherwise). NULL is no bound. */
int sop_date(const char *text, uint64_t otherwise, uint64_t *out);

/* "binary" (also NULL) or "text". */
int sop_as(const char *as, bool *text_out);

/* Says whether octets that come in pieces are UTF-8. */
struct sop_text_check {
	uint8_t tail[4];
	size_t tail_len;
	bool bad;
};
void sop_text_feed(struct sop_text_check *t, struct slice piece);
bool sop_text_good(const struct sop_text_check *t);
/* SOP_EXPECTED_TEXT, said. */
int sop_not_text(void);

#endif
