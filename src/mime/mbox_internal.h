/* SPDX-License-Identifier: ISC */
/* Between the reader and the writer of mbox: the fields in which programs keep their notes. */
#ifndef MIME_MBOX_INTERNAL_H
#define MIME_MBOX_INTERNAL_H

#include "base/slice.h"

enum mbox_field {
	MBOX_FIELD_CONTENT_LENGTH,
	MBOX_FIELD_X_UID,
	MBOX_FIELD_X_IMAPBASE,
	MBOX_FIELD_MOZILLA_STATUS,
	MBOX_FIELD_MOZILLA_STATUS2,
	MBOX_FIELD_MOZILLA_KEYS,
	MBOX_FIELD_X_KEYWORDS,
	MBOX_FIELD_X_STATUS,
	MBOX_FIELD_STATUS, /* the last one that is written: it never has a continuation line */
	MBOX_FIELD_COUNT,
};

#define MBOX_FIELD_NAME_MAX 18u /* octets of the longest name and its colon */

extern const char *const mbox_field_names[MBOX_FIELD_COUNT];

/* Which of them a line of a header is, or MBOX_FIELD_COUNT. */
enum mbox_field mbox_field_of(struct slice line);

#endif
