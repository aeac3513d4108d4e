/* SPDX-License-Identifier: ISC */
/* The pages that change something: each shows a form to a GET, and acts on a POST alone. */
#include "http/form.h"
#include "http/multipart.h"
#include "service/directory/directory.h"
#include "service/directory/page.h"
#include "service/web/call.h"
#include "service/web/html.h"

/* ---- upload ---- */

static void
show_upload(struct web_call *call)
{
	struct buf *page = &call->answer;

	(void)html_begin(page, "Upload a key");
	(void)html_raw(page,
	    "<p>Give your public key, as a file or as text. Never give your secret key: it begins with "
	    "“PRIVATE KEY”, and is refused.</p>\n"
	    "<form action=\"/upload\" method=\"post\" enctype=\"multipart/form-data\">\n"
	    "<label for=\"file\">File with your public key</label>\n"
	    "<input type=\"file\" id=\"file\" name=\"file\" aria-describedby=\"file-hint\">\n"
	    "<p class=\"hint\" id=\"file-hint\">For example from <code>letterlock key export</code> or "
	    "<code>gpg --export --armor</code>.</p>\n"
	    "<label for=\"keytext\">Or its text</label>\n"
	    "<textarea id=\"keytext\" name=\"keytext\" rows=\"8\" spellcheck=\"false\" autocapitalize=\"none\" "
	    "placeholder=\"-----BEGIN PGP PUBLIC KEY BLOCK-----\"></textarea>\n"
	    "<button>Upload</button>\n</form>\n");
	page_finish(call, 200);
}

/* The first of both that is not empty. */
static int
key_of(struct web_call *call, struct buf *out, struct error *e)
{
	static const char *const fields[] = { "file", "keytext" };
	int rc = ERR_NOT_FOUND;

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		buf_clear(out);
		rc = http_form_field(call->body_type, call->body, fields[i], out, e);
		if (rc != 0 && rc != ERR_NOT_FOUND)
			return rc;
		if (rc == 0 && slice_trim(buf_slice(out)).len > 0)
			return 0;
	}
	return error_set(e, ERR_SYNTAX, "Choose a file, or paste the text of your public key.");
}

/* The directory's answer to a program, as a page. */
static void
dress_upload(struct web_call *call, unsigned status)
{
	struct slice text = arena_copy(&call->arena, buf_slice(&call->answer));

	page_say(call, status, status == 200 ? "The key is kept" : "The key was not taken", slice_trim(text));
}

static void
take_upload(struct web_call *call)
{
	BUF_OWNED struct buf key = { 0 }, form = { 0 };
	struct error e;
	int rc;

	buf_init(&key, DIRECTORY_UPLOAD_MAX);
	buf_init(&form, 3 * DIRECTORY_UPLOAD_MAX + 16);
	rc = key_of(call, &key, &e);
	if (rc != 0) {
		page_fail(call, &e);
		return;
	}
	(void)buf_put_str(&form, "keytext=");
	(void)http_percent_encode(buf_slice(&key), &form);
	call->body = arena_copy(&call->arena, buf_slice(&form));
	if (call->arena.err != 0) {
		page_say(call, 413, "The key was not taken", SLICE("It is too large."));
		return;
	}
	call->dress = dress_upload;
	directory_add(call);
}

void
page_upload(struct web_call *call)
{
	if (call->method == HTTP_POST)
		take_upload(call);
	else
		show_upload(call);
}
