/* SPDX-License-Identifier: ISC */
/*
 * What a client asks about reports on its message (DSN, RFC 3461 section 4):
 * the values of RET, ENVID, NOTIFY and ORCPT, and xtext. With SMTPUTF8 an
 * ORCPT of the type utf-8 may hold UTF-8 (RFC 6533 section 3). Values are kept
 * as they were given: whoever sends the message on must pass on the same.
 */
#ifndef SMTP_DSN_H
#define SMTP_DSN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "smtp/limits.h"

/* Bits; NEVER stands alone. */
enum smtp_notify {
	SMTP_NOTIFY_NEVER = 1,
	SMTP_NOTIFY_SUCCESS = 2,
	SMTP_NOTIFY_FAILURE = 4,
	SMTP_NOTIFY_DELAY = 8,
};

enum smtp_return {
	SMTP_RETURN_UNSAID,
	SMTP_RETURN_FULL,
	SMTP_RETURN_HEADERS,
};

/* Each: false when the value cannot be; then nothing is set. */
bool smtp_notify_parse(struct slice value, unsigned *notify_out);
/* Appends what smtp_notify_parse() reads; at least one bit. Returns out's sticky error. */
int smtp_notify_write(unsigned notify, struct buf *out);
bool smtp_return_parse(struct slice value, enum smtp_return *ret_out);
/* ENVID: 1 to SMTP_ENVID_MAX octets of xtext that stand for printable ASCII. */
bool smtp_envid_valid(struct slice value);
/* ORCPT: "type;xtext", at most SMTP_ORCPT_MAX octets, for printable ASCII; utf8: or, of the type utf-8, UTF-8. */
bool smtp_orcpt_valid(struct slice value, bool utf8);

/* Appends what xtext stands for. ERR_SYNTAX, or out's sticky error. */
int smtp_xtext_decode(struct slice in, struct buf *out);
/* Appends in with each "\x{C4}" of it as UTF-8 (RFC 6533 section 3). ERR_SYNTAX: one is no character that is shown. */
int smtp_unitext_decode(struct slice in, struct buf *out);
/* The reverse: what is not ASCII becomes "\x{C4}", and the rest stays. ERR_SYNTAX: in is not UTF-8. */
int smtp_unitext_write(struct slice in, struct buf *out);
/* Appends in as xtext. Returns out's sticky error. */
int smtp_xtext_write(struct slice in, struct buf *out);

#endif
