/* SPDX-License-Identifier: ISC */
/*
 * Character sets of mail, by iconv, for reading only: everything becomes
 * UTF-8. Only sets that mail uses are converted; the list is charset.c's.
 *
 * As the web does (and as the senders mean it), ISO-8859-1 and US-ASCII with
 * octets above 127 are read as Windows-1252, unless they are valid UTF-8 under
 * the name US-ASCII.
 */
#ifndef BASE_CHARSET_H
#define BASE_CHARSET_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * Loads every converter for good. iconv opens files when it first meets a set:
 * a process that will lose the file system calls this before.
 */
void charset_open_all(void);

bool charset_known(struct slice name);

/*
 * Appends in as UTF-8; what cannot be converted becomes U+FFFD, one an octet.
 * Always valid UTF-8. ERR_UNSUPPORTED when the set is unknown (nothing is
 * appended), or out's error.
 */
int charset_to_utf8(struct slice name, struct slice in, struct buf *out, struct error *e);

#endif
