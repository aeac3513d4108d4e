/* SPDX-License-Identifier: ISC */
#include "trust/publish/publish.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/armor.h"

#define REPLY_MAX (64u << 10)
#define PATH_OCTETS 1100u

int
publish_export(const struct pgp_cert *cert, struct buf *out, struct error *e)
{
	const struct pgp_export how = { .no_later_versions = true };

	return pgp_cert_export(cert, &how, out, e);
}

static int
armored(const struct pgp_cert *cert, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX };
	int rc = publish_export(cert, &bytes, e);

	return rc != 0 ? rc
		       : pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, cert->primary->version == 4, buf_slice(&bytes), out, e);
}

/* What the server said beside its status, one line of it. */
static int
refused(const struct publish_to *to, unsigned status, struct slice reply, struct error *e)
{
	struct json_value *v = NULL;
	struct slice text = reply;
	int code = status == 404 || status == 405 || status == 501 ? ERR_UNSUPPORTED : ERR_DENIED;

	if (json_value_parse(reply, &v, NULL) == 0 && !json_value_get_text(json_value_get(v, "error"), &text))
		text = SLICE_EMPTY;
	text = slice_trim(slice_split(text, '\n', &reply));
	if (slice_starts(text, SLICE("<")))
		text = SLICE_EMPTY;
	(void)error_set(e, code, "%s did not take the certificate (HTTP status %u)%s%.*s", to->server->host, status,
	    text.len > 0 ? ": " : "", (int)size_min(text.len, 150), text.len == 0 ? "" : (const char *)text.data);
	json_value_free(v);
	return code;
}

static int
deliver(const struct publish_to *to, struct find_request *request, struct buf *reply, struct error *e)
{
	unsigned status = 0;
	int rc;

	request->user = to->user;
	request->password = to->password;
	rc = find_server_ask(to->web, to->server, request, reply, &status, e);
	if (rc != 0 || (status >= 200 && status < 300))
		return rc;
	return refused(to, status, buf_slice(reply), e);
}

/* ---- HKP ---- */

/* Old servers break on version 6, and never get it by version 1's door; our own exchange takes both there. */
static int
send_v6(const struct publish_to *to, const struct pgp_cert *cert, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX }, reply = { .max = REPLY_MAX };
	struct find_request r = { .path = "/pks/v2/certs", .content_type = "application/pgp" };
	int rc = publish_export(cert, &bytes, e);

	r.body = buf_slice(&bytes);
	return rc == 0 ? deliver(to, &r, &reply, e) : rc;
}

int
publish_hkp(const struct publish_to *to, const struct pgp_cert *cert, struct error *e)
{
	BUF_OWNED struct buf text = { .max = 2 * TRUST_CERT_MAX }, body = { .max = 6 * TRUST_CERT_MAX },
			     reply = { .max = REPLY_MAX };
	struct find_request r = { .path = "/pks/add", .content_type = "application/x-www-form-urlencoded" };
	int rc;

	if (cert->primary->version != 4 && to->user == NULL)
		return send_v6(to, cert, e);
	rc = armored(cert, &text, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(&body, "keytext=");
	find_escape(&body, buf_slice(&text));
	if (body.err != 0)
		return error_set(e, ERR_LIMIT, "this certificate is too large to be published");
	r.body = buf_slice(&body);
	return deliver(to, &r, &reply, e);
}

int
publish_send_token(const struct publish_to *to, struct slice address, struct error *e)
{
	BUF_OWNED struct buf reply = { .max = REPLY_MAX };
	struct find_request r = { .path = "/pks/v2/sendtoken", .body = address, .content_type = "text/plain" };

	return deliver(to, &r, &reply, e);
}

int
publish_canonical(
    const struct publish_to *to, struct slice address, const struct pgp_cert *cert, const char *token, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX }, reply = { .max = REPLY_MAX },
			     path = { .max = PATH_OCTETS };
	struct find_request r = { .content_type = "application/pgp", .method = "PUT", .bearer = token };
	unsigned status = 0;
	int rc = publish_export(cert, &bytes, e);

	(void)buf_put_str(&path, "/pks/v2/canonical/");
	find_escape(&path, address);
	(void)buf_put_u8(&path, 0);
	if (rc != 0)
		return rc;
	if (path.err != 0)
		return error_set(e, path.err, "this address is too long");
	r.path = (const char *)path.data;
	r.body = buf_slice(&bytes);
	rc = find_server_ask(to->web, to->server, &r, &reply, &status, e);
	if (rc != 0 || (status >= 200 && status < 300))
		return rc;
	if (status == 401)
		return error_set(
		    e, ERR_DENIED, "%s does not accept this token: it is wrong, or too old", to->server->host);
	if (status == 422)
		return error_set(e, ERR_POLICY, "%s says that the certificate is not one of %.*s", to->server->host,
		    (int)size_min(address.len, 200), (const char *)address.data);
	return refused(to, status, buf_slice(&reply), e);
}

/* ---- VKS ---- */

static const char *const states[] = { "unpublished", "pending", "published", "revoked", "unknown" };

const char *
publish_state_name(enum publish_state s)
{
	return (unsigned)s < sizeof states / sizeof states[0] ? states[s] : "unknown";
}

static enum publish_state
parse_state(struct slice text)
{
	unsigned i = 0;

	while (i < PUBLISH_UNKNOWN && !slice_eq_str(text, states[i]))
		i++;
	return (enum publish_state)i;
}

static int
add_address(void *ctx, struct slice name, const struct json_value *value)
{
	struct publish_status *out = ctx;
	struct publish_address *a = &out->addresses[out->count];
	struct slice state;

	if (out->count == TRUST_ADDRESSES_MAX || name.len > TRUST_ADDRESS_MAX || name.len == 0 ||
	    !json_value_get_text(value, &state))
		return 0;
	memcpy(a->address, name.data, name.len);
	a->address[name.len] = '\0';
	a->state = parse_state(state);
	out->count++;
	return 0;
}

int
publish_status_parse(struct slice json, struct publish_status *out, struct error *e)
{
	struct json_value *v = NULL;
	struct slice token = SLICE_EMPTY;
	int rc = json_value_parse(json, &v, e);

	if (rc != 0)
		return rc;
	*out = (struct publish_status){ 0 };
	if (json_value_get_text(json_value_get(v, "token"), &token) && token.len > 0 &&
	    token.len <= PUBLISH_TOKEN_MAX && memchr(token.data, 0, token.len) == NULL &&
	    json_value_is_object(json_value_get(v, "status"))) {
		memcpy(out->token, token.data, token.len);
		rc = json_value_each(json_value_get(v, "status"), add_address, out);
	} else {
		rc = error_set(e, ERR_SYNTAX, "the server's answer is none of the verifying interface (VKS)");
	}
	json_value_free(v);
	return rc;
}

static int
ask_vks(const struct publish_to *to, const char *path, struct json_value *question, struct publish_status *out,
    struct error *e)
{
	BUF_OWNED struct buf body = { .max = 4 * TRUST_CERT_MAX }, reply = { .max = REPLY_MAX };
	struct find_request r = { .path = path, .content_type = "application/json" };
	int rc = json_value_write(question, false, &body, e);

	json_value_free(question);
	r.body = buf_slice(&body);
	if (rc == 0)
		rc = deliver(to, &r, &reply, e);
	return rc == 0 ? publish_status_parse(buf_slice(&reply), out, e) : rc;
}

int
publish_vks_upload(
    const struct publish_to *to, const struct pgp_cert *cert, struct publish_status *out, struct error *e)
{
	BUF_OWNED struct buf text = { .max = 2 * TRUST_CERT_MAX };
	struct json_value *o;
	int rc = armored(cert, &text, e);

	if (rc != 0)
		return rc;
	o = json_value_object();
	json_value_set_text(o, "keytext", buf_slice(&text));
	return ask_vks(to, "/vks/v1/upload", o, out, e);
}

/* The answer's state of that address, where it says one; and its token, which may be new. */
static void
take_state(struct publish_address *a, const struct publish_status *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (strcmp(answer->addresses[i].address, a->address) == 0)
			a->state = answer->addresses[i].state;
	}
}

int
publish_vks_verify(const struct publish_to *to, struct publish_status *status, size_t which, struct error *e)
{
	struct json_value *o = json_value_object(), *list = json_value_list();
	struct publish_status *answer = mem_alloc(sizeof *answer);
	int rc;

	json_value_append_text(list, slice_str(status->addresses[which].address));
	json_value_set_str(o, "token", status->token);
	json_value_set(o, "addresses", list);
	if (answer == NULL) {
		json_value_free(o);
		return error_nomem(e);
	}
	rc = ask_vks(to, "/vks/v1/request-verify", o, answer, e);
	if (rc == 0) {
		take_state(&status->addresses[which], answer);
		memcpy(status->token, answer->token, sizeof status->token);
	}
	mem_free(answer);
	return rc;
}
