/* SPDX-License-Identifier: ISC */
/*
 * VKS, as Hagrid has it: POST /vks/v1/upload and /vks/v1/request-verify, JSON
 * in and JSON out. Its token names the certificate; it is no secret, for all
 * that it permits is to ask for a letter that only the certificate's owner can
 * read.
 */
#include "base/base64.h"
#include "base/json.h"
#include "openpgp/judge/verify.h"
#include "os/clock.h"
#include "service/directory/directory.h"
#include "service/directory/upload.h"
#include "service/directory/verify.h"
#include "service/web/call.h"
#include "store/store.h"

#define TYPE_JSON "application/json"

struct vks {
	struct pgp_fingerprint fingerprint;
	struct slice addresses[VERIFY_ADDRESSES_MAX]; /* request-verify */
	uint32_t verdicts[VERIFY_ADDRESSES_MAX];      /* of each; 0: not asked yet */
	size_t address_count, next;
};

/* ---- answers ---- */

static void
answer_json(struct web_call *call, unsigned status, struct json_value *v)
{
	buf_clear(&call->answer);
	(void)json_value_write(v, false, &call->answer, NULL);
	json_value_free(v);
	web_call_finish(call, status, TYPE_JSON);
}

static void
answer_error(struct web_call *call, unsigned status, const char *text)
{
	struct json_value *v = json_value_object();

	json_value_set_str(v, "error", text);
	answer_json(call, status, v);
}

static void
answer_failure(struct web_call *call, const struct error *e)
{
	answer_error(call, web_call_status(e), e->text);
}

/* Whether the user ID is revoked in the certificate. */
static bool
is_revoked(const struct pgp_cert_judgement *j, struct slice user_id)
{
	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_component_judgement *c = &j->components[i];

		if (c->component->kind == PGP_COMPONENT_USER_ID && slice_eq(c->component->packet.body, user_id))
			return c->standing == PGP_STANDING_REVOKED_HARD || c->standing == PGP_STANDING_REVOKED_SOFT;
	}
	return false;
}

static void
set_status(struct json_value *status, struct slice address, const char *text)
{
	struct buf name BUF_OWNED = { 0 };

	buf_init(&name, STORE_ADDRESS_MAX + 1);
	(void)buf_put_slice(&name, address);
	(void)buf_put_u8(&name, 0);
	if (address.len > 0 && name.err == 0 && slice_find(address, 0) == SIZE_MAX &&
	    json_value_get(status, (const char *)name.data) == NULL)
		json_value_set_str(status, (const char *)name.data, text);
}

static void
put_status(struct json_value *status, const struct vks *vks, const struct store_certificate *c,
    const struct pgp_cert_judgement *j, const struct pgp_certs *sent)
{
	for (size_t i = 0; i < c->user_count; i++) {
		const struct store_certificate_user *u = &c->users[i];

		if (u->state != STORE_USER_PUBLISHED && !directory_upload_has(sent, u->user_id))
			continue;
		set_status(status, u->address,
		    j->standing == PGP_STANDING_REVOKED_HARD || j->standing == PGP_STANDING_REVOKED_SOFT ||
			    is_revoked(j, u->user_id)
			? "revoked"
			: u->state == STORE_USER_PUBLISHED ? "published"
							   : "unpublished");
	}
	/* The same whether the certificate has the address or not. */
	for (size_t i = 0; i < vks->address_count; i++)
		set_status(status, vks->addresses[i], vks->verdicts[i] == VERIFY_SENT ? "pending" : "unpublished");
}

static int
judge(const struct store_certificate *c, struct pgp_cert **cert, struct pgp_cert_judgement *j, struct error *e)
{
	uint64_t now = clock_unix();
	const struct pgp_policy policy = pgp_policy_default(now);
	size_t used;
	int rc = pgp_cert_parse(c->data, cert, &used, e);

	return rc == 0 ? pgp_cert_judge(*cert, &policy, now, j, e) : rc;
}

static int
open_keytext(struct web_call *call, struct buf *out, struct error *e)
{
	struct json_value *v = NULL;
	struct slice text;
	int rc = json_value_parse(call->body, &v, e);

	if (rc == 0 && !json_value_get_text(json_value_get(v, "keytext"), &text))
		rc = error_set(e, ERR_SYNTAX, "the JSON has no keytext");
	if (rc == 0 && slice_starts(slice_trim(text), SLICE("-----BEGIN")))
		rc = buf_put_slice(out, text);
	else if (rc == 0)
		rc = base64_parse(slice_trim(text), out, e);
	if (rc == ERR_TRUNCATED)
		rc = error_set(e, ERR_SYNTAX, "the keytext is neither armor nor whole base64");
	json_value_free(v);
	return rc;
}

static void
parse_sent(struct web_call *call, struct pgp_certs *sent)
{
	struct buf keytext BUF_OWNED = { 0 };

	buf_init(&keytext, DIRECTORY_UPLOAD_MAX);
	if (open_keytext(call, &keytext, NULL) == 0)
		(void)pgp_certs_parse(buf_slice(&keytext), sent, NULL);
}

/* On a worker: what the directory has of it now. */
static void
work_answer(struct web_call *call)
{
	const struct vks *vks = call->upload->own;
	struct slice name = slice_of(vks->fingerprint.bytes, vks->fingerprint.len);
	const struct store_certificate_find request = { .by = STORE_BY_NAME, .value = name, .limit = 1, .held = true };
	struct json_value *v, *status;
	struct store_certificates found;
	struct pgp_cert_judgement j;
	struct pgp_certs sent = { 0 };
	struct pgp_cert *cert = NULL;
	struct buf text BUF_OWNED = { 0 };
	struct error e;
	int rc = store_certificate_find(call->service->ports.store, &request, &call->arena, &found, &e);

	if (rc == 0 && found.certificate_count == 0)
		rc = error_set(&e, ERR_NOT_FOUND, "No certificate here has that fingerprint.");
	if (rc == 0)
		rc = judge(&found.certificates[0], &cert, &j, &e);
	if (rc != 0) {
		pgp_cert_free(cert);
		answer_failure(call, &e);
		return;
	}
	buf_init(&text, 80);
	(void)pgp_fingerprint_write(&vks->fingerprint, &text);
	v = json_value_object();
	status = json_value_object();
	if (vks->address_count == 0)
		parse_sent(call, &sent);
	put_status(status, vks, &found.certificates[0], &j, &sent);
	pgp_certs_done(&sent);
	json_value_set_text(v, "key_fpr", buf_slice(&text));
	json_value_set(v, "status", status);
	json_value_set_text(v, "token", buf_slice(&text));
	pgp_cert_judgement_done(&j);
	pgp_cert_free(cert);
	answer_json(call, 200, v);
}

/* ---- upload ---- */

static void
finish_upload(struct web_call *call)
{
	struct directory_upload *u = call->upload;

	if (atomic_load(&u->failed)) {
		answer_failure(call, &u->error);
		return;
	}
	if (u->count != 1) {
		answer_error(call, 422, "One certificate at a time, please: the others were kept, too.");
		return;
	}
	((struct vks *)u->own)->fingerprint = u->items[0].fingerprint;
	web_call_later(call, call->service->workers, work_answer);
}

static struct vks *
begin(struct web_call *call)
{
	struct vks *vks = arena_alloc(&call->arena, sizeof *vks);

	call->upload = arena_alloc(&call->arena, sizeof *call->upload);
	if (vks == NULL || call->upload == NULL) {
		answer_error(call, 503, "The server is busy; come again in a minute.");
		return NULL;
	}
	call->upload->own = vks;
	return vks;
}

void
directory_vks_upload(struct web_call *call)
{
	if (begin(call) != NULL)
		directory_upload_begin(call, open_keytext, finish_upload);
}

/* ---- request-verify ---- */

static int
read_request(struct web_call *call, struct vks *vks, struct error *e)
{
	struct json_value *v = NULL;
	const struct json_value *list;
	struct slice token, address;
	int rc = json_value_parse(call->body, &v, e);

	if (rc == 0 && !json_value_get_text(json_value_get(v, "token"), &token))
		rc = error_set(e, ERR_SYNTAX, "the JSON has no token");
	if (rc == 0)
		rc = pgp_fingerprint_parse(token, &vks->fingerprint, e);
	list = json_value_get(v, "addresses");
	if (rc == 0 && (json_value_count(list) == 0 || json_value_count(list) > VERIFY_ADDRESSES_MAX))
		rc = error_set(e, ERR_SYNTAX, "the JSON needs 1 to %u addresses", VERIFY_ADDRESSES_MAX);
	for (size_t i = 0; rc == 0 && i < json_value_count(list); i++) {
		if (!json_value_get_text(json_value_at(list, i), &address) || address.len == 0 ||
		    address.len > STORE_ADDRESS_MAX)
			rc = error_set(e, ERR_SYNTAX, "an address is a text");
		else
			vks->addresses[vks->address_count++] = arena_copy(&call->arena, address);
	}
	json_value_free(v);
	return rc;
}

/* When no letter was sent: why. */
static void
finish_requests(struct web_call *call)
{
	const struct vks *vks = call->upload->own;

	for (size_t i = 0; i < vks->address_count; i++)
		if (vks->verdicts[i] == VERIFY_SENT) {
			web_call_later(call, call->service->workers, work_answer);
			return;
		}
	if (vks->verdicts[0] == VERIFY_PAUSE)
		call->fields[call->field_count++] = (struct http_field){ SLICE("Retry-After"), SLICE("3600") };
	answer_error(call, vks->verdicts[0] == VERIFY_PAUSE ? 429 : 422, verify_verdict_text(vks->verdicts[0]));
}

static void ask_next(struct web_call *call);

static void
asked(void *ctx, const void *reply, const struct error *e)
{
	struct web_call *call = ctx;
	struct vks *vks = call->upload->own;
	const struct verify_answer *answer = reply;

	if (answer == NULL) {
		answer_failure(call, e);
	} else {
		vks->verdicts[vks->next++] = answer->verdict;
		ask_next(call);
	}
	web_call_release(call);
}

static void
ask_next(struct web_call *call)
{
	struct vks *vks = call->upload->own;
	struct verify_request question = { .fingerprint = slice_of(vks->fingerprint.bytes, vks->fingerprint.len),
		.kind = STORE_TOKEN_VERIFY };
	struct error e;

	if (vks->next == vks->address_count) {
		finish_requests(call);
		return;
	}
	question.address = vks->addresses[vks->next];
	(void)atomic_fetch_add(&call->refs, 1);
	if (verify_request_submit(call->service->ports.verify, &question, asked, call, &e) == 0)
		return;
	answer_failure(call, &e);
	web_call_release(call);
}

static void
work_request(struct web_call *call)
{
	struct error e;

	if (read_request(call, call->upload->own, &e) != 0)
		answer_failure(call, &e);
	else
		ask_next(call);
}

void
directory_vks_request_verify(struct web_call *call)
{
	if (begin(call) != NULL)
		web_call_later(call, call->service->workers, work_request);
}
