/* SPDX-License-Identifier: ISC */
/*
 * Encoded words (RFC 2047, with the language of RFC 2231 section 5), in both
 * directions. Reading is tolerant: words that run into text or hold spaces in
 * the Q form are decoded where it is unambiguous; what is no word stays text;
 * 8-bit octets are taken as UTF-8 when they are that, else as Windows-1252.
 */
#ifndef MIME_WORD_H
#define MIME_WORD_H

#include "base/buf.h"
#include "base/slice.h"

/*
 * Appends a field value as UTF-8 on one line: unfolded, trimmed, encoded words
 * decoded, white space between adjacent words dropped, words of the same
 * charset joined before conversion (senders cut inside characters). Returns
 * out's sticky error.
 */
int mime_text_decode(struct slice value, struct buf *out);

/*
 * Appends text (UTF-8; malformed octets are repaired) as a field value: as it
 * is when it is plain printable ASCII that nobody could take for an encoded
 * word, else as encoded words ("=?utf-8?Q?...?=" or B, whichever is shorter)
 * of at most MIME_WORD_MAX characters, cut between characters. Line ends and
 * other controls in text become spaces: no header can be injected. column is
 * the place in the line where writing begins; it folds before MIME_FOLD_MAX
 * where it can. phrase: the stricter rules for display names (RFC 2047 5 (3)).
 */
int mime_text_encode(struct slice text, bool phrase, size_t column, struct buf *out);

#endif
