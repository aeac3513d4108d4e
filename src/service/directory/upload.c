/* SPDX-License-Identifier: ISC */
#include "service/directory/upload.h"

#include "http/form.h"
#include "openpgp/cert/cert.h"
#include "service/ask.h"
#include "service/directory/describe.h"
#include "service/directory/filter.h"
#include "service/directory/introducers.h"
#include "service/directory/revocation.h"
#include "store/store.h"

#define TRIES_MAX 20u /* of an upload whose certificates others put at the same time */

bool
directory_upload_has(const struct pgp_certs *sent, struct slice user_id)
{
	for (size_t i = 0; i < sent->count; i++)
		for (size_t k = 0; k < sent->items[i]->component_count; k++)
			if (sent->items[i]->components[k].kind == PGP_COMPONENT_USER_ID &&
			    slice_eq(sent->items[i]->components[k].packet.body, user_id))
				return true;
	return false;
}

size_t
directory_upload_fates(const struct directory_upload *u, enum directory_fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < u->count; i++)
		n += u->items[i].fate == fate;
	return n;
}

size_t
directory_upload_published(const struct directory_upload *u)
{
	size_t n = 0;

	for (size_t i = 0; i < u->count; i++)
		n += u->items[i].kept.published;
	return n;
}

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

/* Whether the store would keep anything that it has not: what is published without being asked for may change, too. */
static bool
changes(const struct web_call *call, const struct permission *p, struct slice data)
{
	if (p->old == NULL || !slice_eq(p->old->data, data))
		return true;
	for (size_t i = 0; i < p->old->user_count; i++)
		if ((p->old->users[i].state != STORE_USER_PUBLISHED &&
			(call->account != 0 || call->service->settings.directory_open)) ||
		    p->old->users[i].length == 0)
			return true;
	return false;
}

static uint32_t
count_published(const struct store_certificate *c)
{
	uint32_t n = 0;

	for (size_t i = 0; i < c->user_count; i++)
		n += c->users[i].state == STORE_USER_PUBLISHED;
	return n;
}

static int
describe(
    struct web_call *call, struct directory_item *item, const struct permission *p, struct slice data, struct error *e)
{
	item->changed = changes(call, p, data);
	if (!item->changed) {
		item->put = *p->old;
		item->fate = DIRECTORY_IGNORED;
		item->kept.published = count_published(p->old);
		return 0;
	}
	item->fate = p->old != NULL ? DIRECTORY_UPDATED : DIRECTORY_INSERTED;
	item->put = (struct store_certificate){ .account = call->account,
		.revision = p->old != NULL ? p->old->revision : 0,
		.publish_free = call->service->settings.directory_open,
		.waiting_max = DIRECTORY_WAITING_MAX };
	return directory_describe(data, &call->arena, &item->put, e);
}

static int
filter(struct web_call *call, struct directory_item *item, const struct pgp_cert *fresh, const struct pgp_cert *old,
    struct permission *p, struct error *e)
{
	struct directory_introducers introducers = { 0 };
	struct directory_filter_input in = { .fresh = fresh, .old = old, .permit = permit, .ctx = p };
	struct buf kept;
	size_t users = 0;
	/* Of what is kept first: whatever is sent beside it. */
	struct port *store = call->service->ports.store;
	int rc = directory_introducers_add(store, &call->arena, old, &introducers, e);

	if (rc == 0)
		rc = directory_introducers_add(store, &call->arena, fresh, &introducers, e);
	in.introducers = (const struct pgp_cert *const *)introducers.certs;
	in.introducer_count = introducers.count;
	buf_init(&kept, DIRECTORY_CERTIFICATE_MAX);
	if (rc == 0)
		rc = directory_filter(&in, &kept, &users, e);
	directory_introducers_done(&introducers);
	if (rc == 0 && p->ours == 0 && p->old == NULL)
		rc = error_set(e, ERR_DENIED, "No user ID of this key has an address in a domain of this server.");
	if (rc == 0)
		rc = describe(call, item, p, buf_slice(&kept), e);
	buf_done(&kept);
	return rc;
}

/* Canonical (HKP v2): the address has to be in every certificate that is put there. */
static bool
has_identity(const struct pgp_cert *cert, struct slice identity)
{
	for (size_t i = 0; i < cert->component_count && identity.len > 0; i++)
		if (cert->components[i].kind == PGP_COMPONENT_USER_ID &&
		    slice_ieq(pgp_user_id_address(cert->components[i].packet.body), identity))
			return true;
	return identity.len == 0;
}

static int
take_into(struct web_call *call, struct directory_item *item, const struct pgp_cert *fresh, struct error *e)
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
	if (!has_identity(fresh, call->upload->identity))
		return error_set(e, ERR_DENIED, "The address is not in the certificate.");
	rc = store_certificate_find(call->service->ports.store, &request, &call->arena, &found, e);
	if (rc != 0)
		return rc;
	if (found.certificate_count > 0) {
		p.old = &found.certificates[0];
		rc = pgp_cert_parse(p.old->data, &old, &used, e);
	}
	if (rc == 0)
		rc = filter(call, item, fresh, old, &p, e);
	pgp_cert_free(old);
	return rc;
}

/* Ours, not the certificate's: then nothing of the upload goes on. */
static bool
is_our_fault(int rc)
{
	return rc == ERR_NOMEM || rc == ERR_CLOSED || rc == ERR_IO || rc == ERR_FULL;
}

static void
fail_upload(struct directory_upload *u, const struct error *e)
{
	if (!atomic_exchange(&u->failed, true))
		u->error = *e;
}

static int
take_certificate(struct web_call *call, const struct pgp_cert *fresh, struct error *e)
{
	struct directory_upload *u = call->upload;
	struct directory_item *item = &u->items[u->count];
	int rc;

	*item = (struct directory_item){ .version = fresh->primary->version,
		.fingerprint = fresh->primary->fingerprint,
		.fate = DIRECTORY_INVALID };
	rc = take_into(call, item, fresh, e);
	u->count++;
	if (rc == 0)
		return 0;
	item->fate = DIRECTORY_INVALID;
	item->changed = false;
	if (rc == ERR_SYNTAX || rc == ERR_UNSUPPORTED || rc == ERR_TRUNCATED || rc == ERR_INTEGRITY)
		e->code = ERR_DENIED; /* 422: a proper request with a content that is none */
	fail_upload(u, e);
	return is_our_fault(rc) ? rc : 0;
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
parse(struct web_call *call, struct buf *keytext, struct pgp_certs *certs, struct error *e)
{
	struct error second;
	int rc = pgp_certs_parse(buf_slice(keytext), certs, e);

	if (rc != ERR_SYNTAX)
		return rc;
	rc = take_revocation(call, buf_slice(keytext), &second);
	if (rc == ERR_NOT_FOUND)
		return ERR_SYNTAX; /* the first sentence stands */
	if (rc != 0)
		*e = second;
	return rc;
}

static int
take_all(struct web_call *call, struct buf *keytext, struct error *e)
{
	struct pgp_certs certs = { 0 };
	int rc = parse(call, keytext, &certs, e);

	if (rc == 0 && certs.count > DIRECTORY_UPLOAD_CERTIFICATES)
		rc = error_set(e, ERR_LIMIT, "at most %u certificates at once", DIRECTORY_UPLOAD_CERTIFICATES);
	for (size_t i = 0; rc == 0 && i < certs.count; i++)
		rc = take_certificate(call, certs.items[i], e);
	pgp_certs_done(&certs);
	if (rc == ERR_SYNTAX || rc == ERR_UNSUPPORTED || rc == ERR_TRUNCATED || rc == ERR_INTEGRITY)
		e->code = ERR_DENIED;
	return rc;
}

static void work_upload(struct web_call *call);

static void
one_less(struct web_call *call)
{
	struct directory_upload *u = call->upload;

	if (atomic_fetch_sub(&u->pending, 1) != 1)
		return;
	if (atomic_load(&u->lost) && u->tries < TRIES_MAX)
		web_call_later(call, call->service->uploads, work_upload);
	else
		u->finish(call);
}

struct putting {
	struct web_call *call;
	struct directory_item *item;
};

static void
on_put(void *ctx, const void *reply, const struct error *e)
{
	struct putting *p = ctx;
	struct web_call *call = p->call;

	if (reply != NULL) {
		p->item->kept = *(const struct store_certificate_kept *)reply;
	} else {
		p->item->fate = DIRECTORY_INVALID;
		if (e->code == ERR_ORDER)
			atomic_store(&call->upload->lost, true);
		if (e->code != ERR_ORDER || call->upload->tries >= TRIES_MAX)
			fail_upload(call->upload, e);
	}
	one_less(call);
	web_call_release(call);
}

/* All at once: the store writes them in one batch. */
static void
put_all(struct web_call *call)
{
	struct directory_upload *u = call->upload;
	struct error e;

	atomic_store(&u->pending, 1);
	for (size_t i = 0; i < u->count; i++) {
		struct putting *p;

		if (!u->items[i].changed)
			continue;
		p = arena_alloc(&call->arena, sizeof *p);
		if (p == NULL) {
			(void)error_nomem(&e);
			fail_upload(u, &e);
			continue;
		}
		*p = (struct putting){ call, &u->items[i] };
		(void)atomic_fetch_add(&call->refs, 1);
		(void)atomic_fetch_add(&u->pending, 1);
		if (store_certificate_put_submit(call->service->ports.store, &u->items[i].put, on_put, p, &e) == 0)
			continue;
		fail_upload(u, &e);
		u->items[i].fate = DIRECTORY_INVALID;
		(void)atomic_fetch_sub(&u->pending, 1);
		web_call_release(call);
	}
	one_less(call);
}

static void
begin_anew(struct directory_upload *u)
{
	u->count = 0;
	u->tries++;
	atomic_store(&u->lost, false);
	atomic_store(&u->failed, false);
}

static void
work_upload(struct web_call *call)
{
	struct directory_upload *u = call->upload;
	struct buf keytext;
	struct error e;
	int rc;

	begin_anew(u);
	buf_init(&keytext, DIRECTORY_UPLOAD_MAX);
	rc = u->open(call, &keytext, &e);
	if (rc == 0)
		rc = take_all(call, &keytext, &e);
	buf_done(&keytext);
	if (rc == 0) {
		put_all(call);
		return;
	}
	fail_upload(u, &e);
	u->count = 0;
	u->finish(call);
}

static bool
prepare(struct web_call *call, int (*open)(struct web_call *call, struct buf *out, struct error *e),
    void (*finish)(struct web_call *call))
{
	if (call->upload == NULL)
		call->upload = arena_alloc(&call->arena, sizeof *call->upload);
	if (call->upload == NULL) {
		web_call_say(call, 503, "The server is busy; come again in a minute.");
		return false;
	}
	call->upload->open = open;
	call->upload->finish = finish;
	return true;
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
		web_call_later(call, call->service->uploads, work_upload);
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
directory_upload_run(struct web_call *call, int (*open)(struct web_call *call, struct buf *out, struct error *e),
    void (*finish)(struct web_call *call))
{
	if (prepare(call, open, finish))
		work_upload(call);
}

void
directory_upload_begin(struct web_call *call, int (*open)(struct web_call *call, struct buf *out, struct error *e),
    void (*finish)(struct web_call *call))
{
	struct error e;
	int rc;

	if (!prepare(call, open, finish))
		return;
	if (call->authorization.len == 0) {
		web_call_later(call, call->service->uploads, work_upload);
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
