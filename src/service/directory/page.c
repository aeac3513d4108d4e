/* SPDX-License-Identifier: ISC */
/* The pages that show: search and certificate. Look-ups run on a worker, as all reads that wait for the store. */
#include "service/directory/page.h"

#include <stdio.h>

#include "http/form.h"
#include "os/clock.h"
#include "service/directory/directory.h"
#include "service/directory/page_show.h"
#include "service/directory/query.h"
#include "service/directory/search.h"
#include "service/web/call.h"
#include "service/web/html.h"
#include "store/store.h"

#define TYPE_STYLE "text/css; charset=utf-8"

/* ---- finishing ---- */

void
page_finish(struct web_call *call, unsigned status)
{
	(void)html_end(&call->answer);
	for (size_t i = 0; i < HTML_FIELD_COUNT && call->field_count < WEB_ANSWER_FIELDS; i++)
		call->fields[call->field_count++] = html_fields[i];
	web_call_finish(call, status, HTML_TYPE);
}

void
page_say(struct web_call *call, unsigned status, const char *title, struct slice sentence)
{
	buf_clear(&call->answer);
	(void)html_begin(&call->answer, title);
	(void)html_raw(&call->answer, "<p>");
	(void)html_text(&call->answer, sentence);
	(void)html_raw(&call->answer, "</p>\n");
	page_finish(call, status);
}

void
page_fail(struct web_call *call, const struct error *e)
{
	unsigned status = web_call_status(e);

	page_say(call, status, status == 404 ? "Nothing found" : "It could not be done",
	    status == 500 ? SLICE("The directory could not do it; the operator's log says why.") : slice_str(e->text));
}

/* ---- front and style ---- */

static int
put_search_form(struct buf *page, struct slice text)
{
	(void)html_raw(page,
	    "<form action=\"/search\" role=\"search\">\n<label for=\"q\">Address or fingerprint</label>\n"
	    "<input type=\"search\" id=\"q\" name=\"q\" autocapitalize=\"none\" spellcheck=\"false\" required "
	    "maxlength=\"320\" value=\"");
	(void)html_text(page, text);
	return html_raw(page, "\">\n<button>Search</button>\n</form>\n");
}

void
page_front(struct web_call *call)
{
	struct buf *page = &call->answer;

	(void)html_begin(page, "Key directory");
	(void)html_raw(page,
	    "<p>Here are OpenPGP keys of people who receive encrypted mail. Look for the person you want to write "
	    "to.</p>\n");
	(void)put_search_form(page, SLICE_EMPTY);
	(void)html_raw(page,
	    "<h2>Your own key</h2>\n<p><a href=\"/upload\">Upload your key</a>, so that others find it. "
	    "You get a mail, and its link shows your address here. You can "
	    "<a href=\"/manage\">take an address away</a> at any time.</p>\n"
	    "<p>Mail and encryption programs ask this directory over HKP and the Web Key Directory; nobody needs to "
	    "sign in to look somebody up.</p>\n");
	page_finish(call, 200);
}

void
page_style(struct web_call *call)
{
	(void)buf_put_slice(&call->answer, html_style());
	call->fields[call->field_count++] =
	    (struct http_field){ SLICE("Cache-Control"), SLICE("public, max-age=86400") };
	call->fields[call->field_count++] = (struct http_field){ SLICE("X-Content-Type-Options"), SLICE("nosniff") };
	web_call_finish(call, 200, TYPE_STYLE);
}

/* ---- searching ---- */

static bool
is_hex(uint8_t c)
{
	uint8_t d = ascii_lower(c);

	return (d >= '0' && d <= '9') || (d >= 'a' && d <= 'f');
}

/* As people paste a fingerprint: in groups, perhaps with 0x, perhaps with colons. Appends "0x" and the digits; false: it is none. */
static bool
put_fingerprint(struct slice text, struct buf *out)
{
	size_t digits = 0;

	if (slice_istarts(text, SLICE("0x")))
		text = slice_from(text, 2);
	(void)buf_put_str(out, "0x");
	for (size_t i = 0; i < text.len; i++) {
		if (is_hex(text.data[i])) {
			(void)buf_put_u8(out, text.data[i]);
			digits++;
		} else if (text.data[i] != ' ' && text.data[i] != ':' && text.data[i] != '\t') {
			return false;
		}
	}
	return digits == 16 || digits == 40 || digits == 64;
}

/* The same search as a program's. */
static int
parse(struct slice text, struct buf *kept, struct directory_query *q, struct error *e)
{
	BUF_OWNED struct buf search = { 0 }, query = { 0 };

	buf_init(&search, DIRECTORY_SEARCH_MAX + 2);
	buf_init(&query, 64 + 3 * (DIRECTORY_SEARCH_MAX + 2));
	if (!put_fingerprint(text, &search)) {
		buf_clear(&search);
		(void)buf_put_slice(&search, text);
	}
	(void)buf_put_str(&query, "op=index&search=");
	(void)http_percent_encode(buf_slice(&search), &query);
	if (search.err != 0 || query.err != 0)
		return error_set(e, ERR_LIMIT, "Search for at most %u characters.", DIRECTORY_SEARCH_MAX);
	return directory_query_parse(buf_slice(&query), kept, q, e);
}

static int
find(struct web_call *call, const struct directory_query *q, struct store_certificates *found, struct error *e)
{
	static const uint32_t by[] = {
		[DIRECTORY_BY_FINGERPRINT] = STORE_BY_FINGERPRINT,
		[DIRECTORY_BY_KEY_ID] = STORE_BY_KEY_ID,
		[DIRECTORY_BY_ADDRESS] = STORE_BY_ADDRESS,
	};
	const struct store_certificate_find request = { .by = q->by < sizeof by / sizeof by[0] ? by[q->by] : 0,
		.value = q->octet_count > 0 ? slice_of(q->octets, q->octet_count) : q->text,
		.limit = DIRECTORY_MATCHES_MAX };

	if (q->by == DIRECTORY_BY_TEXT)
		return directory_search(call, q->text, 0, found, e);
	if (q->by == DIRECTORY_BY_SHORT_ID)
		return error_set(
		    e, ERR_SYNTAX, "Anybody can make a key with any 8 digits: search for the whole fingerprint.");
	return store_certificate_find(call->service->ports.store, &request, &call->arena, found, e);
}

static void
put_results(struct buf *page, const struct store_certificates *found)
{
	uint64_t now = clock_unix();

	if (found->certificate_count == 0) {
		(void)html_raw(page,
		    "<p>No key here fits. Whoever you look for may not have uploaded one, or may not have proved yet "
		    "that the address is theirs.</p>\n");
		return;
	}
	(void)buf_putf(page, "<h2>%zu %s</h2>\n<ol class=\"results\">\n", found->certificate_count,
	    found->certificate_count == 1 ? "key" : "keys");
	for (size_t i = 0; i < found->certificate_count; i++)
		(void)page_put_result(page, found->certificates[i].data, now);
	(void)html_raw(page, "</ol>\n");
	if (found->more)
		(void)buf_putf(page,
		    "<p>There are more; only the first %u are shown. Search for more of the name.</p>\n",
		    DIRECTORY_MATCHES_MAX);
}

static void
work_search(struct web_call *call)
{
	struct store_certificates found = { 0 };
	struct directory_query q;
	struct buf *page = &call->answer;
	BUF_OWNED struct buf text = { 0 }, kept = { 0 };
	struct error e;
	int rc;

	buf_init(&text, 3 * DIRECTORY_SEARCH_MAX);
	buf_init(&kept, 3 * DIRECTORY_SEARCH_MAX);
	rc = http_form_value(call->query, "q", &text, &e);
	if (rc == 0)
		rc = parse(slice_trim(buf_slice(&text)), &kept, &q, &e);
	if (rc == 0)
		rc = find(call, &q, &found, &e);
	if (rc != 0 && rc != ERR_NOT_FOUND && rc != ERR_SYNTAX && rc != ERR_LIMIT && rc != ERR_UNSUPPORTED) {
		page_fail(call, &e);
		return;
	}
	(void)html_begin(page, "Search");
	(void)put_search_form(page, slice_sub(buf_slice(&text), 0, DIRECTORY_SEARCH_MAX));
	if (rc == 0 || rc == ERR_NOT_FOUND) {
		put_results(page, &found);
	} else {
		(void)html_raw(page, "<p class=\"bad\">");
		(void)html_text(page, slice_str(e.text));
		(void)html_raw(page, "</p>\n");
	}
	page_finish(call, rc == 0 || rc == ERR_NOT_FOUND ? 200 : 400);
}

void
page_search(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_search);
}

/* ---- one certificate ---- */

static int
find_one(struct web_call *call, struct slice name, struct store_certificates *found, struct error *e)
{
	struct pgp_fingerprint f;
	int rc = pgp_fingerprint_parse(name, &f, e);

	if (rc == 0) {
		const struct store_certificate_find request = {
			.by = STORE_BY_NAME, .value = slice_of(f.bytes, f.len), .limit = 1
		};

		rc = store_certificate_find(call->service->ports.store, &request, &call->arena, found, e);
	}
	if (rc == 0 && found->certificate_count == 0)
		rc = error_set(e, ERR_NOT_FOUND, "No key here has this fingerprint.");
	return rc;
}

/* "Key" and the key ID: what the window and the history show. */
static void
title_of(struct slice f, char out[32])
{
	const uint8_t *id = f.len == 20 ? f.data + 12 : f.data;

	(void)snprintf(
	    out, 32, "Key %02X%02X %02X%02X %02X%02X %02X%02X", id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]);
}

static void
work_certificate(struct web_call *call)
{
	const struct slice below = SLICE("/certificate/");
	struct store_certificates found;
	struct error e;
	int rc = find_one(call, slice_from(call->path, below.len), &found, &e);

	if (rc == 0) {
		struct slice f = found.certificates[0].fingerprint;
		char title[32];

		title_of(f, title);
		(void)html_begin(&call->answer, title);
		rc = page_put_certificate(&call->answer, found.certificates[0].data, clock_unix(), &e);
	}
	if (rc != 0)
		page_fail(call, &e);
	else
		page_finish(call, 200);
}

void
page_certificate(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_certificate);
}
