/* SPDX-License-Identifier: ISC */
/*
 * Sections of a message as IMAP names them (RFC 3501 section 6.4.5): the
 * offsets of "1.2.HEADER", "1.MIME", "TEXT" in the raw message.
 */
#ifndef MIME_SECTION_H
#define MIME_SECTION_H

#include "mime/part.h"

enum mime_section_kind {
	MIME_SECTION_ALL,    /* [] the message, [1.2] a part's body */
	MIME_SECTION_HEADER, /* also for HEADER.FIELDS: read this range, then mime_header_select() */
	MIME_SECTION_TEXT,
	MIME_SECTION_MIME, /* needs part numbers */
};

struct mime_range {
	uint64_t offset;
	uint64_t length;
};

/*
 * Finds a section. numbers: the part numbers, count of them (0 for the
 * message). Part 1 of a message that is no multipart is its body. HEADER and
 * TEXT behind numbers are those of a message/rfc822 part. ERR_NOT_FOUND when
 * there is no such section: IMAP shows that as NIL. e may be NULL.
 */
int mime_section_find(const struct mime_part *root, const uint32_t *numbers, size_t count, enum mime_section_kind kind,
    struct mime_range *out, struct error *e);

/* The part of these numbers, or NULL. For a message/rfc822 part: that part, not the message in it. */
const struct mime_part *mime_section_part(const struct mime_part *root, const uint32_t *numbers, size_t count);

#endif
