/* SPDX-License-Identifier: ISC */
/*
 * The key directory for people: pages of service/web/html.h. Without script
 * and cookies; a GET shows and never acts, so that no program that follows
 * links (a mail scanner, a prefetching browser) confirms or removes anything.
 *
 *   GET  /                        search, and what this is
 *   GET  /search?q=               addresses, fingerprints, names where they may be searched for
 *   GET  /certificate/FINGERPRINT one certificate
 *   GET  /upload, POST /upload    a text area and a file
 *   POST /verify               asks for a letter; GET and POST /verify/TOKEN: what its link does
 *   GET  /manage, POST /manage    likewise, for taking addresses away; GET and POST /manage/TOKEN
 *   GET  /style.css
 */
#ifndef SERVICE_DIRECTORY_PAGE_H
#define SERVICE_DIRECTORY_PAGE_H

#include "base/slice.h"

struct web_call;

/* ---- first stages (service/web/call.h) ---- */

void page_front(struct web_call *call);
void page_style(struct web_call *call);
void page_search(struct web_call *call);
void page_certificate(struct web_call *call);
void page_upload(struct web_call *call);
void page_verify_ask(struct web_call *call);
void page_verify(struct web_call *call);
void page_manage(struct web_call *call);
void page_manage_token(struct web_call *call);

/* ---- for those that make pages ---- */

/* The page in call->answer is whole: sent with the fields that belong to pages. */
void page_finish(struct web_call *call, unsigned status);
/* A page with this title and sentence alone, instead of what was written so far. */
void page_say(struct web_call *call, unsigned status, const char *title, struct slice sentence);
/* The same for an error: the status that belongs to it, and its sentence. */
struct error;
void page_fail(struct web_call *call, const struct error *e);

#endif
