/* SPDX-License-Identifier: ISC */
/*
 * POST /pks/add. First the password, when there is one (a question to ask);
 * then on a worker the parsing and the rules; then one certificate after the
 * other goes to the store, and the answer waits until the last one is on disk.
 */
#include "http/form.h"
#include "openpgp/cert/cert.h"
#include "service/ask.h"
#include "service/directory/directory.h"
#include "service/web/call.h"
#include "service/directory/filter.h"
#include "service/directory/revocation.h"
#include "store/store.h"

struct directory_upload {
	struct store_certificate puts[DIRECTORY_UPLOAD_CERTIFICATES];
	size_t count, next;
	size_t published; /* user IDs, over all */
	unsigned tries;
};

#define TRIES_MAX 20u /* of an upload whose certificates others put at the same time */

/* ---- whose user IDs may be kept ---- */

struct permission {
	struct web_call *call;
	const struct store_certificate *old; /* NULL: none */
	size_t ours;                         /* user IDs whose address is in a domain of ours */
};

/*
 * All that verify are kept; the store says which are served. Whether an account has the address is not looked at: what a
 * stranger hears must be the same for all addresses of ours.
 */
static bool
permit(void *ctx, struct slice user_id)
{
	struct permission *p = ctx;
	struct store_address_find request = { .address = pgp_user_id_address(user_id) };
	struct store_address_found found;

	if (user_id.len > STORE_USER_ID_MAX || request.address.len > STORE_ADDRESS_MAX)
		return false;
	if (request.address.len > 0 &&
	    store_address_find(p->call->service->ports.store, &request, &p->call->arena, &found, NULL) == 0)
		p->ours += found.domain_known;
	return true;
}

/* ---- one certificate ---- */

static void
describe_keys(struct web_call *call, const struct pgp_cert *cert, struct store_certificate *put)
{
	struct store_certificate_key *keys =
	    arena_array(&call->arena, 1 + DIRECTORY_SUBKEYS_MAX, sizeof(struct store_certificate_key));
	const struct pgp_key *key;

	if (keys == NULL)
		return;
	for (size_t n = 0; put->key_count <= DIRECTORY_SUBKEYS_MAX && (key = pgp_cert_key(cert, n)) != NULL; n++)
		if (key->fingerprint.len == 20 || key->fingerprint.len == 32)
			keys[put->key_count++] = (struct store_certificate_key){
				.fingerprint =
				    arena_copy(&call->arena, slice_of(key->fingerprint.bytes, key->fingerprint.len)),
				.key_id = key->key_id,
			};
	put->keys = keys;
}

/* Octets of a user ID with its signatures. */
static uint32_t
component_length(const struct pgp_component *c)
{
	const struct slice *last = &c->packet.raw;

	if (c->part_count > 0)
		last = &c->parts[c->part_count - 1].raw;
	return (uint32_t)(last->data + last->len - c->packet.raw.data);
}

static void
describe_users(struct web_call *call, const struct pgp_cert *cert, struct store_certificate *put)
{
	struct store_certificate_user *users =
	    arena_array(&call->arena, DIRECTORY_USER_IDS_MAX, sizeof(struct store_certificate_user));

	if (users == NULL)
		return;
	for (size_t i = 0; i < cert->component_count && put->user_count < DIRECTORY_USER_IDS_MAX; i++) {
		const struct pgp_component *c = &cert->components[i];
		struct slice id;

		if (c->kind != PGP_COMPONENT_USER_ID)
			continue;
		id = arena_copy(&call->arena, c->packet.body);
		users[put->user_count++] = (struct store_certificate_user){ .user_id = id,
			.address = pgp_user_id_address(id),
			.place = (uint32_t)(c->packet.raw.data - cert->raw.data),
			.length = component_length(c) };
	}
	put->users = users;
}

/* What the store is to keep, from the filtered octets. */
static int
describe(struct web_call *call, struct slice data, uint64_t revision, struct error *e)
{
	struct directory_upload *u = call->upload;
	struct store_certificate put = { .account = call->account,
		.data = arena_copy(&call->arena, data),
		.revision = revision,
		.publish_free = call->service->settings.directory_open,
		.waiting_max = DIRECTORY_WAITING_MAX };
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(put.data, &cert, &used, e);

	if (rc != 0)
		return rc;
	put.version = cert->primary->version;
	put.created = cert->primary->created;
	put.fingerprint =
	    arena_copy(&call->arena, slice_of(cert->primary->fingerprint.bytes, cert->primary->fingerprint.len));
	describe_keys(call, cert, &put);
	describe_users(call, cert, &put);
	pgp_cert_free(cert);
	if (call->arena.err != 0)
		return error_set(e, call->arena.err, "the upload is too large");
	u->puts[u->count++] = put;
	return 0;
}

static int
filter(struct web_call *call, const struct pgp_cert *fresh, const struct pgp_cert *old, struct permission *p,
    struct error *e)
{
	const struct directory_filter_input in = { .fresh = fresh, .old = old, .permit = permit, .ctx = p };
	struct buf kept;
	size_t users = 0;
	int rc;

	buf_init(&kept, DIRECTORY_CERTIFICATE_MAX);
	rc = directory_filter(&in, &kept, &users, e);
	if (rc == 0 && p->ours == 0 && p->old == NULL)
		rc = error_set(e, ERR_DENIED, "No user ID of this key has an address in a domain of this server.");
	if (rc == 0)
		rc = describe(call, buf_slice(&kept), p->old != NULL ? p->old->revision : 0, e);
	buf_done(&kept);
	return rc;
}

static int
take_certificate(struct web_call *call, const struct pgp_cert *fresh, struct error *e)
{
	const struct pgp_fingerprint *f = &fresh->primary->fingerprint;
	const struct store_certificate_find request = {
		.by = STORE_BY_NAME, .value = slice_of(f->bytes, f->len), .limit = 1, .held = true
	};
	struct permission p = { .call = call };
	struct store_certificates found;
	struct pgp_cert *old = NULL;
	size_t used;
	int rc;

	if (f->len != 20 && f->len != 32)
		return error_set(e, ERR_DENIED, "Only keys of version 4 and 6 are kept.");
	rc = store_certificate_find(call->service->ports.store, &request, &call->arena, &found, e);
	if (rc != 0)
		return rc;
	if (found.certificate_count > 0) {
		p.old = &found.certificates[0];
		rc = pgp_cert_parse(p.old->data, &old, &used, e);
	}
	if (rc == 0)
		rc = filter(call, fresh, old, &p, e);
	pgp_cert_free(old);
	return rc;
}

/* ---- storing ---- */

static void
say_kept(struct web_call *call)
{
	const struct directory_upload *u = call->upload;

	buf_clear(&call->answer);
	(void)buf_putf(&call->answer, "Certificates kept: %zu. User IDs published: %zu.\n", u->count, u->published);
	if (u->published == 0)
		(void)buf_put_str(&call->answer, "Nothing can be found by its address until its owner verifies it.\n");
	/* 200 also when nothing is published yet: gpg takes 202 for a failure. */
	web_call_finish(call, 200, "text/plain; charset=utf-8");
}

static void put_next(struct web_call *call);
static void work_add(struct web_call *call);

static void
on_put(void *ctx, const void *reply, const struct error *e)
{
	struct web_call *call = ctx;
	const struct store_certificate_kept *kept = reply;

	if (kept == NULL && e->code == ERR_ORDER && ((struct directory_upload *)call->upload)->tries < TRIES_MAX) {
		web_call_later(call, call->service->uploads, work_add);
	} else if (kept == NULL) {
		web_call_fail(call, e);
	} else {
		((struct directory_upload *)call->upload)->published += kept->published;
		put_next(call);
	}
	web_call_release(call);
}

static void
put_next(struct web_call *call)
{
	struct directory_upload *u = call->upload;
	struct error e;

	if (u->next == u->count) {
		say_kept(call);
		return;
	}
	(void)atomic_fetch_add(&call->refs, 1);
	if (store_certificate_put_submit(call->service->ports.store, &u->puts[u->next++], on_put, call, &e) == 0)
		return;
	web_call_fail(call, &e);
	web_call_release(call);
}

/* ---- a revocation certificate without its key ---- */

static int
revoke(
    struct web_call *call, const struct directory_revocation *r, const struct store_certificate *known, struct error *e)
{
	struct pgp_cert *fresh = NULL;
	struct buf octets;
	size_t used;
	int rc;

	buf_init(&octets, DIRECTORY_CERTIFICATE_MAX);
	rc = directory_revocation_join(r, known->data, &octets, e);
	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&octets), &fresh, &used, e);
	if (rc == 0)
		rc = take_certificate(call, fresh, e);
	pgp_cert_free(fresh);
	buf_done(&octets);
	return rc;
}

/* Key IDs collide: it goes to every certificate that it may be for, and is kept where it verifies. */
static int
take_revocation(struct web_call *call, struct slice keytext, struct error *e)
{
	struct store_certificate_find request = { .by = STORE_BY_KEY_ID, .limit = DIRECTORY_UPLOAD_CERTIFICATES };
	struct store_certificates found;
	struct directory_revocation r;
	uint8_t id[8];
	int rc = directory_revocation_parse(keytext, &r, e);

	for (size_t i = 0; rc == 0 && i < sizeof id; i++)
		id[i] = (uint8_t)(r.sig.issuer >> (56 - 8 * i));
	request.value = slice_of(id, sizeof id);
	if (rc == 0)
		rc = store_certificate_find(call->service->ports.store, &request, &call->arena, &found, e);
	if (rc == 0 && found.certificate_count == 0)
		rc = error_set(e, ERR_DENIED, "The key that this revokes is not known here.");
	for (size_t i = 0; rc == 0 && i < found.certificate_count; i++)
		rc = revoke(call, &r, &found.certificates[i], e);
	directory_revocation_done(&r);
	return rc;
}

/* ---- the upload ---- */

static int
take_all(struct web_call *call, struct slice keytext, struct error *e)
{
	struct pgp_certs certs = { 0 };
	int rc = pgp_certs_parse(keytext, &certs, e);

	if (rc == ERR_SYNTAX) {
		struct error second;

		rc = take_revocation(call, keytext, &second);
		if (rc == ERR_NOT_FOUND)
			rc = ERR_SYNTAX; /* the first sentence stands */
		else if (rc != 0)
			*e = second;
	}
	if (rc == 0 && certs.count > DIRECTORY_UPLOAD_CERTIFICATES)
		rc = error_set(e, ERR_LIMIT, "at most %u certificates at once", DIRECTORY_UPLOAD_CERTIFICATES);
	for (size_t i = 0; rc == 0 && i < certs.count; i++)
		rc = take_certificate(call, certs.items[i], e);
	pgp_certs_done(&certs);
	if (rc == ERR_SYNTAX || rc == ERR_UNSUPPORTED || rc == ERR_TRUNCATED || rc == ERR_INTEGRITY)
		e->code = ERR_DENIED; /* 422: a proper request with a content that is none */
	return rc;
}

static void
work_add(struct web_call *call)
{
	struct error e;
	struct buf keytext;
	int rc;

	buf_init(&keytext, DIRECTORY_UPLOAD_MAX);
	if (call->upload == NULL)
		call->upload = arena_alloc(&call->arena, sizeof *call->upload);
	if (call->upload != NULL)
		*call->upload = (struct directory_upload){ .tries = call->upload->tries + 1 };
	rc = call->upload == NULL ? error_nomem(&e) : http_form_value(call->body, "keytext", &keytext, &e);
	if (rc == ERR_NOT_FOUND)
		rc = error_set(&e, ERR_SYNTAX, "the form has no keytext");
	if (rc == 0)
		rc = take_all(call, buf_slice(&keytext), &e);
	buf_done(&keytext);
	if (rc == 0)
		put_next(call);
	else
		web_call_fail(call, &e);
}

/* ---- who uploads ---- */

static void
say_unauthorized(struct web_call *call)
{
	call->fields[call->field_count++] =
	    (struct http_field){ SLICE("WWW-Authenticate"), SLICE("Basic realm=\"directory\", charset=\"UTF-8\"") };
	web_call_say(call, 401, "Address or password is wrong.");
}

static void
on_authenticated(void *ctx, const void *reply, const struct error *e)
{
	struct web_call *call = ctx;
	const struct ask_handover *handover = reply;

	if (handover != NULL) {
		call->account = handover->account;
		web_call_later(call, call->service->uploads, work_add);
	} else if (e->code == ERR_PASSWORD) {
		say_unauthorized(call);
	} else {
		web_call_fail(call, e);
	}
	web_call_release(call);
}

static int
ask_password(struct web_call *call, struct error *e)
{
	struct ask_authenticate question = {
		.protocol = STORE_RIGHT_HTTP, .connection = conn_id(call->conn), .peer = call->peer
	};
	struct buf text;
	int rc;

	buf_init(&text, SERVICE_IDENTITY_MAX + SERVICE_PASSWORD_MAX + 1);
	rc = http_basic_parse(call->authorization, &text, &question.address, &question.password, e);
	if (rc == 0) {
		(void)atomic_fetch_add(&call->refs, 1);
		rc = ask_authenticate_submit(call->service->ports.auth, &question, on_authenticated, call, e);
		if (rc != 0)
			web_call_release(call);
	}
	buf_wipe_done(&text);
	return rc;
}

void
directory_add(struct web_call *call)
{
	struct error e;
	int rc;

	if (call->authorization.len == 0) {
		web_call_later(call, call->service->uploads, work_add);
		return;
	}
	if (!call->tls) {
		web_call_say(call, 403, "A password went in clear here: change it, and use https.");
		return;
	}
	rc = ask_password(call, &e);
	if (rc == ERR_SYNTAX || rc == ERR_UNSUPPORTED)
		say_unauthorized(call);
	else if (rc == ERR_LIMIT)
		web_call_say(call, 503, "Too many sign in at once; come again in a minute.");
	else if (rc != 0)
		web_call_fail(call, &e);
}
