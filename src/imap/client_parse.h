/* SPDX-License-Identifier: ISC */
/* Inside imap/: what a server's responses say. Everything points into the response or lives in the lexer's arena. */
#ifndef IMAP_CLIENT_PARSE_H
#define IMAP_CLIENT_PARSE_H

#include "imap/client.h"
#include "imap/lex.h"

/* From behind "n FETCH " on. streamed: the response's one literal went out as DATA and NIL stands in its place. */
int imap_parse_fetch(struct imap_lex *l, bool streamed, struct imap_client_event *ev);
/* From behind "LIST " on. */
int imap_parse_list(struct imap_lex *l, struct imap_client_event *ev);
/* From behind "SEARCH" on. */
int imap_parse_numbers(struct imap_lex *l, struct imap_client_event *ev);
/* "[CODE args] text" or "text". */
void imap_parse_text(struct slice in, struct slice *code, struct slice *text);
/* The number behind a code's word: "UIDNEXT 5". 0 when it is another code. */
uint32_t imap_parse_code_number(struct slice code, const char *word);

#endif
