/* SPDX-License-Identifier: ISC */
/*
 * HKP v2 (draft-ietf-openpgp-hkp): POST /pks/v2/certs, POST /pks/v2/sendtoken,
 * and /pks/v2/canonical/IDENTITY. PUT of an address's certificates goes with
 * the token of a letter, or with the password of the account; DELETE takes the
 * address out of the directory, likewise.
 */
#include "base/json.h"
#include "http/form.h"
#include "service/directory/directory.h"
#include "service/directory/query.h"
#include "service/directory/upload.h"
#include "service/directory/verify.h"
#include "service/web/call.h"
#include "store/store.h"

#define CANONICAL_PATH "/pks/v2/canonical/"
#define TYPE_JSON "application/json"

/* ---- what became of each ---- */

static const char *const fates[DIRECTORY_FATES] = {
	[DIRECTORY_INSERTED] = "inserted",
	[DIRECTORY_UPDATED] = "updated",
	[DIRECTORY_IGNORED] = "ignored",
	[DIRECTORY_INVALID] = "invalid",
};

static struct json_value *
name_of(const struct directory_item *item)
{
	struct json_value *v = json_value_object();
	struct buf text BUF_OWNED = { 0 };

	buf_init(&text, 80);
	(void)pgp_fingerprint_write(&item->fingerprint, &text);
	json_value_set_i64(v, "version", item->version);
	json_value_set_text(v, "fingerprint", buf_slice(&text));
	return v;
}

static void
write_fates(struct web_call *call, const struct directory_upload *u)
{
	struct json_value *all = json_value_object();

	for (size_t f = 0; f < DIRECTORY_FATES; f++) {
		struct json_value *list = json_value_list();

		for (size_t i = 0; i < u->count; i++)
			if (u->items[i].fate == (enum directory_fate)f)
				json_value_append(list, name_of(&u->items[i]));
		json_value_set(all, fates[f], list);
	}
	json_value_set(all, "deleted", json_value_list()); /* nothing goes by an upload */
	buf_clear(&call->answer);
	(void)json_value_write(all, false, &call->answer, NULL);
	json_value_free(all);
}

static void
finish_certs(struct web_call *call)
{
	const struct directory_upload *u = call->upload;

	if (u->count == 0) {
		web_call_fail(call, &u->error);
		return;
	}
	write_fates(call, u);
	if (directory_upload_fates(u, DIRECTORY_INVALID) < u->count)
		web_call_finish(call, 200, TYPE_JSON);
	else
		web_call_finish(call, web_call_status(&u->error), TYPE_JSON);
}

static int
open_binary(struct web_call *call, struct buf *out, struct error *e)
{
	return buf_put_slice(out, call->body) == 0 ? 0 : error_set(e, out->err, "the upload is too large");
}

void
directory_certs_post(struct web_call *call)
{
	directory_upload_begin(call, open_binary, finish_certs);
}

/* ---- a letter with a token ---- */

static void
say_pause(struct web_call *call)
{
	call->fields[call->field_count++] = (struct http_field){ SLICE("Retry-After"), SLICE("3600") };
	web_call_say(call, 429, verify_verdict_text(VERIFY_PAUSE));
}

static void
token_asked(void *ctx, const void *reply, const struct error *e)
{
	struct web_call *call = ctx;
	const struct verify_answer *answer = reply;

	if (answer == NULL)
		web_call_fail(call, e);
	else if (answer->verdict == VERIFY_ELSEWHERE)
		web_call_say(call, 422, verify_verdict_text(VERIFY_ELSEWHERE));
	else if (answer->verdict == VERIFY_PAUSE)
		say_pause(call);
	else
		web_call_finish(call, 200, "text/plain; charset=utf-8"); /* empty, whoever has the address */
	web_call_release(call);
}

void
directory_sendtoken(struct web_call *call)
{
	const struct verify_request question = { .address = slice_trim(call->body), .kind = STORE_TOKEN_PUT };
	struct error e;

	if (question.address.len == 0 || question.address.len > STORE_ADDRESS_MAX ||
	    slice_find(question.address, '@') == SIZE_MAX) {
		web_call_say(call, 400, "The body has to be one address, as text/plain.");
		return;
	}
	(void)atomic_fetch_add(&call->refs, 1);
	if (verify_request_submit(call->service->ports.verify, &question, token_asked, call, &e) == 0)
		return;
	web_call_fail(call, &e);
	web_call_release(call);
}

/* ---- canonical ---- */

struct canonical {
	struct slice address, token;
	struct slice fingerprint; /* that the token is for */
};

static void
say_token_wanted(struct web_call *call)
{
	call->fields[call->field_count++] =
	    (struct http_field){ SLICE("WWW-Authenticate"), SLICE("Bearer realm=\"directory\"") };
	web_call_say(
	    call, 401, "This needs a token from a letter (POST the address to /pks/v2/sendtoken), or signing in.");
}

static struct slice
bearer(struct slice authorization)
{
	const struct slice scheme = SLICE("Bearer ");

	return slice_istarts(authorization, scheme) ? slice_trim(slice_from(authorization, scheme.len)) : SLICE_EMPTY;
}

static int
read_identity(struct web_call *call, struct slice *out, struct error *e)
{
	struct buf text BUF_OWNED = { 0 };
	int rc;

	buf_init(&text, 3 * STORE_ADDRESS_MAX);
	rc = http_percent_decode(slice_from(call->path, sizeof CANONICAL_PATH - 1), false, &text, e);
	if (rc == 0)
		*out = arena_copy(&call->arena, directory_query_address(buf_slice(&text)));
	if (rc == 0 && (out->len == 0 || out->len > STORE_ADDRESS_MAX))
		rc = error_set(e, ERR_SYNTAX, "An address has to stand behind %s", CANONICAL_PATH);
	return rc;
}

static void
confirmed(void *ctx, const void *reply, const struct error *e)
{
	struct web_call *call = ctx;

	if (reply != NULL)
		finish_certs(call);
	else if (e->code == ERR_NOT_FOUND)
		say_token_wanted(call);
	else
		web_call_fail(call, e);
	web_call_release(call);
}

/* The token is taken when the certificate is on disk: an upload that was refused costs nobody his letter. */
static void
finish_canonical(struct web_call *call)
{
	struct directory_upload *u = call->upload;
	const struct canonical *c = u->own;
	const struct verify_token question = { .token = c->token, .kind = STORE_TOKEN_PUT };
	bool there = false;
	struct error e;

	for (size_t i = 0; i < u->count; i++)
		there |= slice_eq(u->items[i].put.fingerprint, c->fingerprint);
	if (atomic_load(&u->failed)) {
		web_call_fail(call, &u->error);
		return;
	}
	if (c->token.len == 0) {
		finish_certs(call);
		return;
	}
	if (!there) {
		web_call_say(call, 422, "The token was sent for another certificate.");
		return;
	}
	(void)atomic_fetch_add(&call->refs, 1);
	if (verify_confirm_submit(call->service->ports.verify, &question, confirmed, call, &e) == 0)
		return;
	web_call_fail(call, &e);
	web_call_release(call);
}

static int
token_subject(struct web_call *call, struct canonical *c, uint32_t kind, struct error *e)
{
	const struct verify_token question = { .token = c->token, .kind = kind };
	struct verify_subject subject;
	int rc = c->token.len > 64 ? error_set(e, ERR_NOT_FOUND, "That is no token.")
				   : verify_look(call->service->ports.verify, &question, &call->arena, &subject, e);

	if (rc == 0 && !slice_ieq(subject.address, c->address))
		rc = error_set(e, ERR_NOT_FOUND, "The token is for another address.");
	if (rc == 0)
		c->fingerprint = subject.fingerprint;
	return rc;
}

static void
work_put(struct web_call *call)
{
	struct canonical *c = call->upload->own;
	struct error e;
	int rc = token_subject(call, c, STORE_TOKEN_PUT, &e);

	if (rc == ERR_NOT_FOUND)
		say_token_wanted(call);
	else if (rc != 0)
		web_call_fail(call, &e);
	else
		directory_upload_run(call, open_binary, finish_canonical);
}

static void
put_canonical(struct web_call *call, struct canonical *c)
{
	c->token = bearer(call->authorization);
	call->upload->identity = c->address;
	if (c->token.len > 0)
		web_call_later(call, call->service->uploads, work_put);
	else if (call->authorization.len > 0)
		directory_upload_begin(call, open_binary, finish_canonical);
	else
		say_token_wanted(call);
}

/* ---- taking an address out ---- */

static void
taken_back(void *ctx, const void *reply, const struct error *e)
{
	struct web_call *call = ctx;

	if (reply != NULL)
		web_call_say(
		    call, 200, "The address is not in the directory any more. The bare key stays, without names.");
	else if (e->code == ERR_NOT_FOUND)
		say_token_wanted(call);
	else
		web_call_fail(call, e);
	web_call_release(call);
}

static void
delete_canonical(struct web_call *call, struct canonical *c)
{
	struct verify_token question = { .kind = STORE_TOKEN_MANAGE, .addresses = &c->address, .address_count = 1 };
	struct error e;

	c->token = question.token = bearer(call->authorization);
	if (c->token.len == 0 || c->token.len > 64) {
		say_token_wanted(call);
		return;
	}
	(void)atomic_fetch_add(&call->refs, 1);
	if (verify_unpublish_submit(call->service->ports.verify, &question, taken_back, call, &e) == 0)
		return;
	web_call_fail(call, &e);
	web_call_release(call);
}

/* ---- who has it ---- */

static void
work_get(struct web_call *call)
{
	const struct canonical *c = call->upload->own;
	const struct store_certificate_find request = {
		.by = STORE_BY_ADDRESS, .value = c->address, .limit = DIRECTORY_MATCHES_MAX
	};
	struct store_certificates found;
	struct error e;
	int rc = store_certificate_find(call->service->ports.store, &request, &call->arena, &found, &e);

	if (rc == 0 && found.certificate_count == 0)
		rc = error_set(&e, ERR_NOT_FOUND, "No certificate here matches.");
	if (rc != 0) {
		web_call_fail(call, &e);
		return;
	}
	for (size_t i = 0; i < found.certificate_count; i++)
		(void)buf_put_slice(&call->answer, found.certificates[i].data);
	web_call_finish(call, 200, "application/pgp-keys;armor=no");
}

void
directory_canonical(struct web_call *call)
{
	struct canonical *c = arena_alloc(&call->arena, sizeof *c);
	struct error e;
	int rc = 0;

	call->upload = arena_alloc(&call->arena, sizeof *call->upload);
	if (c == NULL || call->upload == NULL)
		rc = error_nomem(&e);
	if (rc == 0)
		rc = read_identity(call, &c->address, &e);
	if (rc != 0) {
		web_call_fail(call, &e);
		return;
	}
	call->upload->own = c;
	if (call->method == HTTP_PUT)
		put_canonical(call, c);
	else if (call->method == HTTP_DELETE)
		delete_canonical(call, c);
	else
		web_call_later(call, call->service->workers, work_get);
}
