/* SPDX-License-Identifier: ISC */
/*
 * The pages that change something: each shows a form to a GET, and acts on a POST alone. What a letter's link permits is
 * decided by mail (verify.h); here it is asked and said.
 */
#include "http/form.h"
#include "http/multipart.h"
#include "openpgp/cert/cert.h"
#include "service/directory/directory.h"
#include "service/directory/page.h"
#include "service/directory/upload.h"
#include "service/directory/verify.h"
#include "service/web/call.h"
#include "service/web/html.h"
#include "store/store.h"

#define FIELD_MAX 400u /* octets of an address or a fingerprint in a form */

/* ---- small parts ---- */

static int
put_hidden(struct buf *page, const char *name, struct slice value)
{
	(void)buf_putf(page, "<input type=\"hidden\" name=\"%s\" value=\"", name);
	(void)html_text(page, value);
	return html_raw(page, "\">\n");
}

static int
put_hex(struct buf *page, struct slice octets)
{
	for (size_t i = 0; i < octets.len; i++)
		(void)buf_putf(page, "%02X", octets.data[i]);
	return page->err;
}

static int
put_key_link(struct buf *page, struct slice fingerprint)
{
	(void)html_raw(page, "<a href=\"/certificate/");
	(void)put_hex(page, fingerprint);
	(void)html_raw(page, "\">the key <span class=\"fingerprint\">");
	(void)put_hex(page, fingerprint);
	return html_raw(page, "</span></a>");
}

/* A field of the form, of the call's arena. */
static int
take_field(struct web_call *call, const char *name, struct slice *out, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	int rc;

	buf_init(&text, FIELD_MAX);
	rc = http_form_field(call->body_type, call->body, name, &text, e);
	if (rc == 0)
		*out = arena_copy(&call->arena, slice_trim(buf_slice(&text)));
	return rc == ERR_NOT_FOUND ? error_set(e, ERR_SYNTAX, "The form is not whole: '%s' is missing.", name) : rc;
}

static int
find_held(struct web_call *call, struct slice fingerprint, bool held, struct store_certificates *out, struct error *e)
{
	const struct store_certificate_find request = {
		.by = STORE_BY_NAME, .value = fingerprint, .limit = 1, .without_data = true, .held = held
	};
	int rc = store_certificate_find(call->service->ports.store, &request, &call->arena, out, e);

	if (rc == 0 && out->certificate_count == 0)
		rc = error_set(e, ERR_NOT_FOUND, "No key here has this fingerprint.");
	return rc;
}

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
open_form(struct web_call *call, struct buf *out, struct error *e)
{
	static const char *const fields[] = { "file", "keytext" };

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		int rc;

		buf_clear(out);
		rc = http_form_field(call->body_type, call->body, fields[i], out, e);
		if (rc != 0 && rc != ERR_NOT_FOUND)
			return rc;
		if (rc == 0 && slice_trim(buf_slice(out)).len > 0)
			return 0;
	}
	return error_set(e, ERR_SYNTAX, "Choose a file, or paste the text of your public key.");
}

static int
put_verify_form(struct buf *page, struct slice fingerprint, struct slice address)
{
	(void)html_raw(
	    page, "<form action=\"/verify\" method=\"post\">\n<input type=\"hidden\" name=\"fingerprint\" value=\"");
	(void)put_hex(page, fingerprint);
	(void)html_raw(page, "\">\n");
	(void)put_hidden(page, "address", address);
	(void)html_raw(page, "<button>Send a letter to ");
	(void)html_foreign(page, address);
	return html_raw(page, "</button>\n</form>\n");
}

static void
put_item(struct web_call *call, const struct pgp_certs *sent, const struct directory_item *item)
{
	const struct slice fingerprint = slice_of(item->fingerprint.bytes, item->fingerprint.len);
	struct store_certificates found;
	struct buf *page = &call->answer;

	if (item->fate == DIRECTORY_INVALID || find_held(call, fingerprint, true, &found, NULL) != 0)
		return;
	(void)html_raw(page, item->fate == DIRECTORY_IGNORED ? "<p>It was here already: " : "<p>It is kept: ");
	(void)put_key_link(page, fingerprint);
	(void)html_raw(page, "</p>\n");
	for (size_t i = 0; i < found.certificates[0].user_count; i++) {
		const struct store_certificate_user *u = &found.certificates[0].users[i];

		if (!directory_upload_has(sent, u->user_id) || u->address.len == 0)
			continue;
		(void)html_raw(page, "<h2>");
		(void)html_foreign(page, u->user_id);
		(void)html_raw(page, "</h2>\n");
		if (u->state == STORE_USER_PUBLISHED) {
			(void)html_raw(page, "<p class=\"good\">Everybody can find the key by this address.</p>\n");
		} else {
			(void)html_raw(page,
			    "<p>This address is not shown yet. Prove that it is yours: you get a letter that only your "
			    "key opens, with a link.</p>\n");
			(void)put_verify_form(page, fingerprint, u->address);
		}
	}
}

static void
work_uploaded(struct web_call *call)
{
	const struct directory_upload *u = call->upload;
	struct pgp_certs sent = { 0 };
	struct error e = u->error;
	BUF_OWNED struct buf octets = { 0 };

	if (u->error.code == 0 && directory_upload_fates(u, DIRECTORY_INVALID) == u->count)
		(void)error_set(&e, ERR_DENIED, "There is no public key in it that can be kept.");
	if (e.code != 0) {
		page_fail(call, &e);
		return;
	}
	buf_init(&octets, DIRECTORY_UPLOAD_MAX);
	if (open_form(call, &octets, NULL) == 0)
		(void)pgp_certs_parse(buf_slice(&octets), &sent, NULL);
	(void)html_begin(&call->answer, "The key is kept");
	for (size_t i = 0; i < u->count; i++)
		put_item(call, &sent, &u->items[i]);
	pgp_certs_done(&sent);
	page_finish(call, 200);
}

/* On any thread: what follows waits for the store. */
static void
uploaded(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_uploaded);
}

void
page_upload(struct web_call *call)
{
	if (call->method == HTTP_POST)
		directory_upload_begin(call, open_form, uploaded);
	else
		show_upload(call);
}

/* ---- a letter is asked for ---- */

static void
say_verdict(struct web_call *call, uint32_t verdict)
{
	page_say(call,
	    verdict == VERIFY_SENT        ? 200
		: verdict == VERIFY_PAUSE ? 429
					  : 422,
	    verdict == VERIFY_SENT ? "Look into your mailbox" : "No letter was sent",
	    slice_str(verify_verdict_text(verdict)));
}

static void
work_ask(struct web_call *call)
{
	struct verify_request question = { .kind = STORE_TOKEN_VERIFY };
	struct verify_answer answer;
	struct pgp_fingerprint f;
	struct slice text;
	struct error e;
	int rc = take_field(call, "fingerprint", &text, &e);

	if (rc == 0)
		rc = pgp_fingerprint_parse(text, &f, &e);
	if (rc == 0)
		rc = take_field(call, "address", &question.address, &e);
	question.fingerprint = slice_of(f.bytes, rc == 0 ? f.len : 0);
	if (rc == 0)
		rc = verify_request(call->service->ports.verify, &question, &call->arena, &answer, &e);
	if (rc != 0)
		page_fail(call, &e);
	else
		say_verdict(call, answer.verdict);
}

/* ---- what a letter's link leads to ---- */

/* The token behind such a path, when it can be one. */
static int
token_of(struct web_call *call, struct slice below, struct verify_token *out, struct error *e)
{
	out->token = slice_from(call->path, below.len);
	for (size_t i = 0; i < out->token.len; i++) {
		uint8_t c = ascii_lower(out->token.data[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			out->token.len = 0;
	}
	if (out->token.len == VERIFY_TOKEN_DIGITS)
		return 0;
	return error_set(e, ERR_NOT_FOUND, "This link is not whole.");
}

/* Of a token that is none (any more) nobody learns more. */
static void
fail_token(struct web_call *call, const struct error *e)
{
	if (e->code == ERR_NOT_FOUND)
		page_say(call, 404, "This link leads nowhere",
		    SLICE("It was used already, or it is older than an hour. Ask for another letter."));
	else
		page_fail(call, e);
}

static void
show_verify(struct web_call *call, const struct verify_token *t, const struct verify_subject *s)
{
	struct buf *page = &call->answer;

	(void)html_begin(page, "Show this address?");
	(void)html_raw(page, "<p>From now on, everybody who looks for <strong>");
	(void)html_foreign(page, s->address);
	(void)html_raw(page, "</strong> would find ");
	(void)put_key_link(page, s->fingerprint);
	(void)html_raw(page,
	    ".</p>\n<p>If you did not upload this key yourself, close this page: then nothing happens.</p>\n"
	    "<form action=\"/verify/");
	(void)html_text(page, t->token);
	(void)html_raw(page, "\" method=\"post\">\n<button>Yes, show it</button>\n</form>\n");
	page_finish(call, 200);
}

static void
work_verify(struct web_call *call)
{
	struct verify_token t = { .kind = STORE_TOKEN_VERIFY };
	struct verify_subject s;
	struct error e;
	bool acts = call->method == HTTP_POST;
	int rc = token_of(call, SLICE("/verify/"), &t, &e);

	if (rc == 0)
		rc = acts ? verify_confirm(call->service->ports.verify, &t, &call->arena, &s, &e)
			  : verify_look(call->service->ports.verify, &t, &call->arena, &s, &e);
	if (rc != 0) {
		fail_token(call, &e);
		return;
	}
	if (!acts) {
		show_verify(call, &t, &s);
		return;
	}
	(void)html_begin(&call->answer, "The address is shown");
	(void)html_raw(&call->answer, "<p>Who looks for <strong>");
	(void)html_foreign(&call->answer, s.address);
	(void)html_raw(&call->answer, "</strong> finds ");
	(void)put_key_link(&call->answer, s.fingerprint);
	(void)html_raw(&call->answer, ".</p>\n");
	page_finish(call, 200);
}

void
page_verify(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_verify);
}

void
page_verify_ask(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_ask);
}

/* ---- taking an address away ---- */

static void
show_manage(struct web_call *call)
{
	struct buf *page = &call->answer;

	(void)html_begin(page, "Remove an address");
	(void)html_raw(page,
	    "<p>You get a letter that only your key opens, with a link. There you choose which of your addresses are "
	    "not shown any more. The key itself stays, so that others learn when you revoke it.</p>\n"
	    "<form action=\"/manage\" method=\"post\">\n<label for=\"address\">Your address</label>\n"
	    "<input type=\"email\" id=\"address\" name=\"address\" autocomplete=\"email\" required maxlength=\"320\">\n"
	    "<button>Send me a letter</button>\n</form>\n");
	page_finish(call, 200);
}

/* The same answer whether the address is here or not: what differs is in the mailbox alone. */
static void
work_manage_ask(struct web_call *call)
{
	struct store_certificate_find request = {
		.by = STORE_BY_ADDRESS, .limit = VERIFY_LETTERS_MAX, .without_data = true
	};
	struct verify_answer answer = { .verdict = VERIFY_SENT };
	struct store_certificates found = { 0 };
	struct error e;
	int rc = take_field(call, "address", &request.value, &e);

	if (rc == 0 && request.value.len == 0)
		rc = error_set(&e, ERR_SYNTAX, "Say which address is yours.");
	if (rc == 0)
		rc = store_certificate_find(call->service->ports.store, &request, &call->arena, &found, &e);
	for (size_t i = 0; rc == 0 && i < found.certificate_count; i++) {
		const struct verify_request question = { .fingerprint = found.certificates[i].fingerprint,
			.address = request.value,
			.kind = STORE_TOKEN_MANAGE };

		rc = verify_request(call->service->ports.verify, &question, &call->arena, &answer, &e);
	}
	if (rc != 0)
		page_fail(call, &e);
	else
		page_say(call, 200, "Look into your mailbox",
		    SLICE("If this address is shown here, a letter is on its way, one an hour at most: it is encrypted "
			  "to your key, and its link is good for an hour."));
}

static void
put_choice(struct buf *page, size_t n, struct slice address)
{
	(void)buf_putf(page, "<p><input type=\"checkbox\" id=\"a%zu\" name=\"address\" value=\"", n);
	(void)html_text(page, address);
	(void)buf_putf(page, "\"> <label class=\"inline\" for=\"a%zu\">", n);
	(void)html_foreign(page, address);
	(void)html_raw(page, "</label></p>\n");
}

static void
show_choices(struct web_call *call, const struct verify_token *t, const struct verify_subject *s)
{
	struct store_certificates found;
	struct buf *page = &call->answer;
	struct error e;

	if (find_held(call, s->fingerprint, false, &found, &e) != 0) {
		page_fail(call, &e);
		return;
	}
	(void)html_begin(page, "Which addresses shall go?");
	(void)html_raw(page, "<p>Of ");
	(void)put_key_link(page, s->fingerprint);
	(void)html_raw(page, "</p>\n<form action=\"/manage/");
	(void)html_text(page, t->token);
	(void)html_raw(page, "\" method=\"post\">\n<fieldset>\n<legend>Addresses that are shown</legend>\n");
	for (size_t i = 0; i < found.certificates[0].user_count; i++)
		put_choice(page, i, found.certificates[0].users[i].address);
	(void)html_raw(page, "</fieldset>\n<button>Do not show these any more</button>\n</form>\n");
	page_finish(call, 200);
}

/* All that were chosen. */
static int
take_choices(struct web_call *call, struct slice out[VERIFY_ADDRESSES_MAX], size_t *count_out, struct error *e)
{
	struct slice rest = call->body, name, value;

	*count_out = 0;
	while (http_form_next(&rest, &name, &value)) {
		BUF_OWNED struct buf text = { 0 };

		if (!slice_eq_str(name, "address"))
			continue;
		buf_init(&text, FIELD_MAX);
		if (*count_out == VERIFY_ADDRESSES_MAX)
			return error_set(e, ERR_LIMIT, "At most %u addresses at once.", VERIFY_ADDRESSES_MAX);
		if (http_percent_decode(value, true, &text, e) != 0)
			return e->code;
		out[(*count_out)++] = arena_copy(&call->arena, buf_slice(&text));
	}
	/* None named would mean all of them. */
	return *count_out > 0 ? 0
			      : error_set(e, ERR_SYNTAX, "Choose the addresses that shall go; the link is still good.");
}

static void
unpublish(struct web_call *call, struct verify_token *t)
{
	struct slice addresses[VERIFY_ADDRESSES_MAX];
	struct verify_subject s;
	struct error e;
	int rc = take_choices(call, addresses, &t->address_count, &e);

	t->addresses = addresses;
	if (rc != 0) {
		page_fail(call, &e);
		return;
	}
	if (verify_unpublish(call->service->ports.verify, t, &call->arena, &s, &e) != 0)
		fail_token(call, &e);
	else
		page_say(call, 200, "It is done",
		    SLICE("These addresses are not shown any more, and do not come back by somebody else's upload. You "
			  "can upload your key again and prove them at any time."));
}

static void
work_manage(struct web_call *call)
{
	struct verify_token t = { .kind = STORE_TOKEN_MANAGE };
	struct verify_subject s;
	struct error e;

	if (token_of(call, SLICE("/manage/"), &t, &e) != 0)
		fail_token(call, &e);
	else if (call->method == HTTP_POST)
		unpublish(call, &t);
	else if (verify_look(call->service->ports.verify, &t, &call->arena, &s, &e) != 0)
		fail_token(call, &e);
	else
		show_choices(call, &t, &s);
}

void
page_manage(struct web_call *call)
{
	if (call->method == HTTP_POST)
		web_call_later(call, call->service->workers, work_manage_ask);
	else
		show_manage(call);
}

void
page_manage_token(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_manage);
}
