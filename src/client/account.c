/* SPDX-License-Identifier: ISC */
#include "client/account.h"

#include <string.h>

#include "base/json.h"
#include "os/paths.h"

#define FILE_OCTETS (64u << 10)

const char *
account_service_name(enum account_service s)
{
	static const char *const names[ACCOUNT_SERVICES] = { "smtp", "imap", "https" };

	return (unsigned)s < ACCOUNT_SERVICES ? names[s] : "unknown";
}

struct slice
account_domain(const struct account *a)
{
	struct slice address = slice_str(a->address);
	size_t at = slice_find_last(address, '@');

	return at == SIZE_MAX ? SLICE_EMPTY : slice_from(address, at + 1);
}

struct slice
account_pin(const struct account *a)
{
	return a->pinned ? slice_of(a->pin, sizeof a->pin) : SLICE_EMPTY;
}

bool
account_exchange(const struct account *a, struct find_server *out)
{
	const struct account_server *s = &a->servers[ACCOUNT_HTTPS];

	_Static_assert(sizeof out->host == sizeof s->host, "one size of host names");
	*out = (struct find_server){ .port = s->port, .pin = account_pin(a) };
	memcpy(out->host, s->host, sizeof out->host);
	return s->host[0] != '\0';
}

static int
file_path(char out[FILE_PATH_MAX], struct error *e)
{
	char folder[FILE_PATH_MAX];
	int rc = paths_config(folder, e);

	if (rc == 0)
		rc = dir_make_private(folder, e);
	return rc == 0 ? path_join(out, folder, "account.json", e) : rc;
}

/* ---- reading ---- */

static bool
get_str(const struct json_value *o, const char *name, char *out, size_t room)
{
	struct slice text;

	if (!json_value_get_text(json_value_get(o, name), &text) || text.len >= room ||
	    slice_find(text, '\0') != SIZE_MAX)
		return false;
	if (text.len > 0)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return true;
}

enum account_sign_in
account_sign_in_of(enum sasl_mechanism by)
{
	if (by == SASL_SCRAM_SHA_256_PLUS)
		return ACCOUNT_SIGN_IN_BOUND;
	return by == SASL_SCRAM_SHA_256 ? ACCOUNT_SIGN_IN_SCRAM : ACCOUNT_SIGN_IN_PASSWORD;
}

static const char *const sign_in_words[] = { [ACCOUNT_SIGN_IN_ANY] = "any",
	[ACCOUNT_SIGN_IN_BOUND] = "scram-plus",
	[ACCOUNT_SIGN_IN_SCRAM] = "scram",
	[ACCOUNT_SIGN_IN_PASSWORD] = "password" };

/* A file of before has none: any. */
static bool
get_sign_in(const struct json_value *v, enum account_sign_in *out)
{
	struct slice word;

	if (v == NULL)
		return true;
	if (!json_value_get_text(v, &word))
		return false;
	for (unsigned i = 0; i < sizeof sign_in_words / sizeof sign_in_words[0]; i++) {
		if (slice_eq_str(word, sign_in_words[i])) {
			*out = (enum account_sign_in)i;
			return true;
		}
	}
	return false;
}

static bool
get_server(const struct json_value *o, struct account_server *out)
{
	int64_t port;

	if (o == NULL)
		return true;
	if (!get_str(o, "host", out->host, sizeof out->host) || !json_value_get_i64(json_value_get(o, "port"), &port) ||
	    !json_value_get_bool(json_value_get(o, "starttls"), &out->start_tls) ||
	    !get_sign_in(json_value_get(o, "signin"), &out->sign_in) || port < 1 || port > 65535)
		return false;
	out->port = (uint16_t)port;
	return true;
}

static bool
get_account(const struct json_value *o, struct account *a)
{
	char text[TLS_PIN_TEXT + 100];

	if (!get_str(o, "address", a->address, sizeof a->address) || !get_str(o, "name", a->name, sizeof a->name))
		return false;
	for (int i = 0; i < ACCOUNT_SERVICES; i++) {
		if (!get_server(json_value_get(o, account_service_name((enum account_service)i)), &a->servers[i]))
			return false;
	}
	if (json_value_get(o, "pin") != NULL) {
		a->pinned = get_str(o, "pin", text, sizeof text) && tls_pin_parse(slice_str(text), a->pin, NULL) == 0;
		if (!a->pinned)
			return false;
	}
	if (json_value_get(o, "key") == NULL)
		return true;
	return get_str(o, "key", text, sizeof text) && pgp_fingerprint_parse(slice_str(text), &a->key, NULL) == 0;
}

int
account_load(struct account *out, struct error *e)
{
	char path[FILE_PATH_MAX];
	BUF_OWNED struct buf text = { .max = FILE_OCTETS };
	struct json_value *o;
	int rc = file_path(path, e);

	*out = (struct account){ 0 };
	if (rc == 0)
		rc = file_read(path, &text, e);
	if (rc == ERR_NOT_FOUND)
		return error_set(e, rc, "no account is set up yet: run `letterlock setup ADDRESS`");
	if (rc == 0)
		rc = json_value_parse(buf_slice(&text), &o, e);
	if (rc != 0)
		return rc == ERR_SYNTAX ? error_context(e, "%s", path) : rc;
	if (!get_account(o, out))
		rc = error_set(e, ERR_SYNTAX, "%s is damaged: run `letterlock setup` again", path);
	json_value_free(o);
	return rc;
}

/* ---- writing ---- */

static struct json_value *
server_value(const struct account_server *s)
{
	struct json_value *o = json_value_object();

	json_value_set_str(o, "host", s->host);
	json_value_set_i64(o, "port", s->port);
	json_value_set_bool(o, "starttls", s->start_tls);
	if (s->sign_in != ACCOUNT_SIGN_IN_ANY)
		json_value_set_str(o, "signin", sign_in_words[s->sign_in]);
	return o;
}

static struct json_value *
account_value(const struct account *a)
{
	struct json_value *o = json_value_object();
	BUF_OWNED struct buf key = { .max = 100 };
	char pin[TLS_PIN_TEXT];

	json_value_set_str(o, "address", a->address);
	json_value_set_str(o, "name", a->name);
	for (int i = 0; i < ACCOUNT_SERVICES; i++) {
		if (a->servers[i].host[0] != '\0')
			json_value_set(o, account_service_name((enum account_service)i), server_value(&a->servers[i]));
	}
	if (a->pinned) {
		tls_pin_text(a->pin, pin);
		json_value_set_str(o, "pin", pin);
	}
	if (a->key.len > 0) {
		(void)pgp_fingerprint_write(&a->key, &key);
		json_value_set_text(o, "key", buf_slice(&key));
	}
	return o;
}

int
account_save(const struct account *a, struct error *e)
{
	char path[FILE_PATH_MAX];
	BUF_OWNED struct buf text = { .max = FILE_OCTETS };
	struct json_value *o = account_value(a);
	int rc = json_value_write(o, true, &text, e);

	json_value_free(o);
	(void)buf_put_u8(&text, '\n');
	if (rc == 0)
		rc = file_path(path, e);
	return rc == 0 ? file_write_atomic(path, buf_slice(&text), 0600, e) : rc;
}
