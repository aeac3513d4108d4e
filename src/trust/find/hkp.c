/* SPDX-License-Identifier: ISC */
/* HKP: version 2's paths first, which give all versions of keys, then version 1's. */
#include "trust/find/find_internal.h"
#include "trust/find/index.h"

#define PATH_MAX_OCTETS 2048u
#define HTTP_OK 200u

int
find_ask_path(
    const struct find_server_question *q, const char *path, size_t *taken, unsigned *status_out, struct error *e)
{
	BUF_OWNED struct buf answer = { .max = TRUST_ANSWER_MAX }, where = { .max = TRUST_FROM_MAX };
	const struct find_request request = { .path = path };
	struct find_from from = q->from;
	int rc;

	*status_out = 0;
	find_server_put(q->server, &where);
	(void)buf_put(&where, path, size_min(slice_str(path).len, where.max - size_min(where.len, where.max)));
	from.where = buf_slice(&where);
	find_say(q->f, "asking", from.where);
	rc = find_server_ask(&q->f->place->web, q->server, &request, &answer, status_out, e);
	if (rc != 0 || *status_out != HTTP_OK)
		return rc;
	return find_take(q->f, &from, buf_slice(&answer), taken, e);
}

/* What stands behind the path's fixed part. */
static void
put_query(const struct find_query *q, bool v2, struct buf *out)
{
	const struct pgp_fingerprint *f = &q->fingerprint;

	switch (q->kind) {
	case FIND_ADDRESS:
		(void)buf_put_str(
		    out, v2 ? "/pks/v2/certs/by-identity/" : "/pks/lookup?op=get&options=mr&exact=on&search=");
		find_escape(out, q->text);
		break;
	case FIND_FINGERPRINT:
		if (v2)
			(void)buf_putf(out, "/pks/v2/certs/by-vfingerprint/%02X", f->len == 20 ? 4u : 6u);
		else
			(void)buf_put_str(out, "/pks/lookup?op=get&options=mr&search=0x");
		(void)pgp_fingerprint_write(f, out);
		break;
	case FIND_KEY_ID:
		(void)buf_putf(out, "%s%016llX",
		    v2 ? "/pks/v2/certs/by-keyid/" : "/pks/lookup?op=get&options=mr&search=0x",
		    (unsigned long long)q->key_id);
		break;
	case FIND_SHORT:
	case FIND_NAME:
		(void)buf_put_str(out, "/pks/lookup?op=index&options=mr&fingerprint=on&search=");
		find_escape(out, q->text);
		break;
	}
	(void)buf_put_u8(out, 0);
}

static int
ask(const struct find_server_question *q, bool v2, size_t *taken, struct error *e)
{
	BUF_OWNED struct buf path = { .max = PATH_MAX_OCTETS };
	unsigned status;

	put_query(q->f->query, v2, &path);
	if (path.err != 0)
		return error_set(e, path.err, "this is too long to ask for");
	return find_ask_path(q, (const char *)path.data, taken, &status, e);
}

int
find_hkp(const struct find_server_question *q, struct error *e)
{
	size_t taken = 0;
	int rc = ask(q, true, &taken, e);

	/* An older server knows nothing of version 2, and may say so in any way, with a page for people too. */
	if (taken == 0 && q->f->fatal == 0 && (rc == 0 || rc == ERR_SYNTAX))
		rc = ask(q, false, &taken, e);
	return rc == ERR_SYNTAX ? 0 : rc; /* onak's "not found" is a page with status 200 */
}

int
find_vks(const struct find_server_question *q, struct error *e)
{
	BUF_OWNED struct buf path = { .max = PATH_MAX_OCTETS };
	const struct find_query *query = q->f->query;
	unsigned status;
	size_t taken = 0;

	if (query->kind == FIND_ADDRESS) {
		(void)buf_put_str(&path, "/vks/v1/by-email/");
		find_escape(&path, query->text);
	} else if (query->kind == FIND_FINGERPRINT) {
		(void)buf_put_str(&path, "/vks/v1/by-fingerprint/");
		(void)pgp_fingerprint_write(&query->fingerprint, &path);
	} else if (query->kind == FIND_KEY_ID) {
		(void)buf_putf(&path, "/vks/v1/by-keyid/%016llX", (unsigned long long)query->key_id);
	} else {
		return 0; /* it has no search by name, on purpose */
	}
	(void)buf_put_u8(&path, 0);
	if (path.err != 0)
		return error_set(e, path.err, "this is too long to ask for");
	return find_ask_path(q, (const char *)path.data, &taken, &status, e);
}

/* ---- candidates ---- */

static int
add_candidate(void *ctx, const struct find_candidate *c)
{
	const struct find_from *from = ((void **)ctx)[1];
	struct find_from named = *from;
	struct find_result *r;

	named.only = c->name;
	r = find_add(((void **)ctx)[0], &named);
	if (r == NULL)
		return ERR_LIMIT;
	r->outcome = FIND_CANDIDATE;
	r->fingerprint = c->fingerprint;
	r->key_id = c->key_id;
	return 0;
}

int
find_candidates(const struct find_server_question *q, struct error *e)
{
	BUF_OWNED struct buf path = { .max = PATH_MAX_OCTETS }, answer = { .max = TRUST_ANSWER_MAX },
			     where = { .max = TRUST_FROM_MAX };
	struct find_request request = { 0 };
	struct find_from from = q->from;
	void *ctx[2] = { q->f, &from };
	unsigned status = 0;
	int rc;

	if (q->f->query->kind == FIND_SHORT) {
		(void)buf_putf(&path, "/pks/lookup?op=index&options=mr&fingerprint=on&search=0x%08llX",
		    (unsigned long long)q->f->query->key_id);
		(void)buf_put_u8(&path, 0);
	} else {
		put_query(q->f->query, false, &path);
	}
	if (path.err != 0)
		return error_set(e, path.err, "this is too long to ask for");
	find_server_put(q->server, &where);
	from.where = buf_slice(&where);
	find_say(q->f, "asking for a list at", from.where);
	request.path = (const char *)path.data;
	rc = find_server_ask(&q->f->place->web, q->server, &request, &answer, &status, e);
	if (rc != 0)
		return rc;
	if (status == HTTP_OK)
		return find_index_read(buf_slice(&answer), add_candidate, ctx, e);
	if (status == 404)
		return 0;
	return error_set(e, ERR_UNSUPPORTED, "this server does not search so (HTTP status %u)", status);
}
