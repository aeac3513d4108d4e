/* SPDX-License-Identifier: ISC */
/*
 * Pages for people. Static HTML: no script, no cookies, nothing from other
 * places. What is not our own text goes in by html_text() only; markup is
 * always a literal of ours.
 *
 *   html_begin(page, "Title", "current path");  <!doctype ...> <main><h1>Title</h1>
 *   html_raw(page, "<p>");  html_text(page, user_id);  html_raw(page, "</p>");
 *   html_end(page);
 *
 * A page is readable without its style sheet and by a screen reader: the
 * language, one h1, labels for all fields, landmarks, a link past the
 * navigation. The policy in html_fields permits the style sheet from here, and
 * forms to here, and nothing else; so markup that got in against all rules
 * would load and run nothing.
 */
#ifndef SERVICE_WEB_HTML_H
#define SERVICE_WEB_HTML_H

#include "base/buf.h"
#include "base/slice.h"
#include "http/server.h"

#define HTML_TYPE "text/html; charset=utf-8"
#define HTML_STYLE_PATH "/style.css"
#define HTML_FIELD_COUNT 4u

/* Fields of every answer that is a page: what it may load, no framing, no address of it to other places, not kept. */
extern const struct http_field html_fields[HTML_FIELD_COUNT];
/* The style sheet, text/css. */
struct slice html_style(void);

/* All append to page and return its sticky error. */

/* Markup of our own, a literal. */
int html_raw(struct buf *page, const char *markup);
/* Any text, as text, also good within an attribute in double quotes. */
int html_text(struct buf *page, struct slice text);
/*
 * Text that somebody chose (a user ID, a search): shown within <bdi>, so that letters which run the other way, and
 * characters that turn the direction, change nothing around it; cut over HTML_SHOWN_MAX octets.
 */
#define HTML_SHOWN_MAX 400u
int html_foreign(struct buf *page, struct slice text);
/* title: ours, or through no markup at all: it is escaped. */
int html_begin(struct buf *page, const char *title);
int html_end(struct buf *page);

#endif
