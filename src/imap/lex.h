/* SPDX-License-Identifier: ISC */
/*
 * Tokens of one whole command (RFC 3501 section 9): a cursor over its text, in
 * which literals stand in place, "{3}" CRLF and their octets. Every function
 * returns 0 or ERR_SYNTAX / ERR_LIMIT with the offset and a sentence that says
 * what was expected; slices point into the text, or into the arena when an
 * escape had to be undone. Shared by the server's and the client's parsers.
 */
#ifndef IMAP_LEX_H
#define IMAP_LEX_H

#include "base/arena.h"
#include "base/error.h"
#include "imap/command.h"

struct imap_lex {
	struct slice in;
	size_t at;
	struct arena *arena;
	struct error *e;
	unsigned depth; /* open parentheses, NOT and OR */
	unsigned keys;  /* of a SEARCH so far */
};

/* The next octet, or -1 at the end. */
int imap_lex_peek(const struct imap_lex *l);
bool imap_lex_at_end(const struct imap_lex *l);
/* Takes c when it is next. */
bool imap_lex_try(struct imap_lex *l, char c);
/* Takes the word when it is next, in any case, and not followed by another atom character. */
bool imap_lex_try_word(struct imap_lex *l, const char *word);

int imap_lex_fail(struct imap_lex *l, const char *expected);
int imap_lex_char(struct imap_lex *l, char c);
int imap_lex_space(struct imap_lex *l);
int imap_lex_end(struct imap_lex *l);
int imap_lex_atom(struct imap_lex *l, struct slice *out);
/* atom characters and "]": of an astring, a tag, a list-mailbox (with wildcards). */
int imap_lex_astring(struct imap_lex *l, struct slice *out);
int imap_lex_string(struct imap_lex *l, struct slice *out);
/* *nil_out may be NULL: NIL then is an empty slice. */
int imap_lex_nstring(struct imap_lex *l, struct slice *out, bool *nil_out);
int imap_lex_list_mailbox(struct imap_lex *l, struct slice *out);
int imap_lex_number(struct imap_lex *l, uint32_t *out);
int imap_lex_number64(struct imap_lex *l, uint64_t *out);
int imap_lex_set(struct imap_lex *l, struct imap_set *out);
/* A mailbox name, decoded to UTF-8; INBOX in upper case. */
int imap_lex_mailbox(struct imap_lex *l, struct slice *out);
/* "(\Seen word)", or without parentheses when bare. \Recent is refused. */
int imap_lex_flags(struct imap_lex *l, bool bare, struct imap_flags *out);

bool imap_is_atom_char(uint8_t c);
bool imap_is_astring_char(uint8_t c);

#endif
