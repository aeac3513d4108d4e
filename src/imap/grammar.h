/* SPDX-License-Identifier: ISC */
/* Inside imap/: the argument parsers that have files of their own. Each continues at the cursor. */
#ifndef IMAP_GRAMMAR_H
#define IMAP_GRAMMAR_H

#include "imap/lex.h"

/* "ALL", one fetch-att, or a list of them; from behind the space after the set. */
int imap_lex_items(struct imap_lex *l, const struct imap_item **items_out, size_t *count_out);
/* [CHARSET astring SP] search-key *(SP search-key) */
int imap_lex_search(struct imap_lex *l, const struct imap_search **search_out, struct slice *charset_out);

#endif
