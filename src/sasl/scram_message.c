/* SPDX-License-Identifier: ISC */
#include "sasl/scram_message.h"

#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"

/* ---- values ---- */

int
scram_decode_fixed(struct slice text, uint8_t *out, size_t len, struct error *e)
{
	struct buf b;
	int rc;

	buf_init(&b, len + 3);
	rc = base64_parse(text, &b, e);
	if (rc == 0 && b.len == len)
		memcpy(out, b.data, len);
	else if (rc != ERR_NOMEM)
		rc = error_set(e, ERR_SYNTAX, "a value that is not %zu octets in base64", len);
	buf_wipe_done(&b);
	return rc;
}

int
scram_decode_salt(struct slice text, uint8_t salt_out[SCRAM_SALT_MAX], uint8_t *len_out, struct error *e)
{
	struct buf b;
	int rc;

	if (text.len > base64_length(SCRAM_SALT_MAX))
		return error_set(e, ERR_LIMIT, "a salt over %u octets", SCRAM_SALT_MAX);
	buf_init(&b, SCRAM_SALT_MAX + 3);
	rc = base64_parse(text, &b, e);
	if (rc == 0 && b.len > SCRAM_SALT_MAX)
		rc = error_set(e, ERR_LIMIT, "a salt over %u octets", SCRAM_SALT_MAX);
	else if (rc == 0 && b.len == 0)
		rc = error_set(e, ERR_SYNTAX, "an empty salt");
	else if (rc == ERR_TRUNCATED)
		rc = ERR_SYNTAX;
	if (rc == 0) {
		memcpy(salt_out, b.data, b.len);
		*len_out = (uint8_t)b.len;
	}
	buf_done(&b);
	return rc;
}

bool
scram_count_parse(struct slice text, uint32_t *count_out)
{
	uint64_t n = 0;

	if (text.len == 0 || text.data[0] == '0')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		n = n > UINT32_MAX ? n : n * 10 + (uint64_t)(text.data[i] - '0');
	}
	*count_out = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
	return true;
}

/* c-nonce, s-nonce: visible ASCII without a comma */
static bool
nonce_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] > '~' || s.data[i] == ',')
			return false;
	return s.len > 0;
}

/* ---- attributes ---- */

struct attribute {
	uint8_t name; /* 0: there is none any more */
	struct slice value;
};

/* The next of "x=value,y=value"; a comma at the end is an error. */
static int
next_attribute(struct slice *rest, struct attribute *out, struct error *e)
{
	size_t comma = slice_find(*rest, ',');
	struct slice one = slice_sub(*rest, 0, comma);

	*out = (struct attribute){ 0 };
	if (rest->data == NULL)
		return 0;
	if (one.len < 3 || one.data[1] != '=' || ascii_lower(one.data[0]) < 'a' || ascii_lower(one.data[0]) > 'z')
		return error_set(e, ERR_SYNTAX, "a SCRAM message with something that is no attribute");
	if (one.data[0] == 'm')
		return error_set(e, ERR_UNSUPPORTED, "a SCRAM message with an extension that is not known here");
	*out = (struct attribute){ .name = one.data[0], .value = slice_from(one, 2) };
	*rest = comma == SIZE_MAX ? SLICE_EMPTY : slice_of(rest->data + comma + 1, rest->len - comma - 1);
	return 0;
}

/* The attribute that has to come now. */
static int
want(struct slice *rest, uint8_t name, struct slice *value_out, struct error *e)
{
	struct attribute a;
	int rc = next_attribute(rest, &a, e);

	if (rc != 0)
		return rc;
	if (a.name != name)
		return error_set(e, ERR_SYNTAX, "a SCRAM message without \"%c\" in its place", name);
	*value_out = a.value;
	return 0;
}

static int
want_nonce(struct slice *rest, size_t max, struct slice *value_out, struct error *e)
{
	int rc = want(rest, 'r', value_out, e);

	if (rc != 0)
		return rc;
	if (value_out->len > max)
		return error_set(e, ERR_LIMIT, "a nonce over %zu characters", max);
	return nonce_valid(*value_out) ? 0 : error_set(e, ERR_SYNTAX, "a nonce of other than visible ASCII");
}

/* Optional ones: they mean nothing to us, but they must be some. */
static int
skip_extensions(struct slice rest, struct error *e)
{
	struct attribute a;
	int rc;

	do
		rc = next_attribute(&rest, &a, e);
	while (rc == 0 && a.name != 0);
	return rc;
}

static int
check_text(struct slice message, struct error *e)
{
	if (message.len > SCRAM_MESSAGE_MAX)
		return error_set(e, ERR_LIMIT, "a SCRAM message over %u octets", SCRAM_MESSAGE_MAX);
	if (!utf8_valid(message) || slice_find(message, 0) != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a SCRAM message that is not UTF-8");
	return 0;
}

/* ---- messages ---- */

int
scram_client_first_parse(struct slice message, struct scram_client_first *out, struct error *e)
{
	struct scram_client_first m;
	struct slice rest;
	int rc = check_text(message, e);

	if (rc == 0)
		rc = gs2_parse(message, &m.header, e);
	if (rc != 0)
		return rc;
	m.header_text = slice_sub(message, 0, m.header.len);
	m.bare = slice_from(message, m.header.len);
	rest = m.bare;
	rc = want(&rest, 'n', &m.name, e);
	if (rc == 0)
		rc = want_nonce(&rest, SCRAM_NONCE_MAX, &m.nonce, e);
	if (rc == 0)
		rc = skip_extensions(rest, e);
	if (rc == 0)
		*out = m;
	return rc;
}

int
scram_server_first_parse(struct slice message, struct scram_server_first *out, struct error *e)
{
	struct scram_server_first m = { .salt_len = 0 };
	struct slice rest = message, salt, count;
	int rc = check_text(message, e);

	if (rc == 0)
		rc = want_nonce(&rest, 2 * (size_t)SCRAM_NONCE_MAX, &m.nonce, e);
	if (rc == 0)
		rc = want(&rest, 's', &salt, e);
	if (rc == 0)
		rc = scram_decode_salt(salt, m.salt, &m.salt_len, e);
	if (rc == 0)
		rc = want(&rest, 'i', &count, e);
	if (rc == 0 && !scram_count_parse(count, &m.iterations))
		rc = error_set(e, ERR_SYNTAX, "a count of iterations that is no number");
	if (rc == 0)
		rc = skip_extensions(rest, e);
	if (rc == 0)
		*out = m;
	return rc;
}

int
scram_client_final_parse(struct slice message, struct scram_client_final *out, struct error *e)
{
	size_t last = slice_find_last(message, ',');
	struct scram_client_final m;
	struct slice rest, proof, end;
	int rc = check_text(message, e);

	if (rc != 0)
		return rc;
	if (last == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a SCRAM message without proof");
	m.without_proof = slice_sub(message, 0, last);
	rest = m.without_proof;
	end = slice_from(message, last + 1);
	rc = want(&rest, 'c', &m.binding, e);
	if (rc == 0)
		rc = want_nonce(&rest, 2 * (size_t)SCRAM_NONCE_MAX, &m.nonce, e);
	if (rc == 0)
		rc = skip_extensions(rest, e);
	if (rc == 0)
		rc = want(&end, 'p', &proof, e);
	if (rc == 0)
		rc = scram_decode_fixed(proof, m.proof, sizeof m.proof, e);
	if (rc == 0)
		*out = m;
	return rc;
}

int
scram_server_final_parse(struct slice message, struct scram_server_final *out, struct error *e)
{
	struct scram_server_final m = { .error = SLICE_EMPTY };
	struct slice rest = message;
	struct attribute a = { 0 };
	int rc = check_text(message, e);

	if (rc == 0)
		rc = next_attribute(&rest, &a, e);
	if (rc == 0 && a.name == 'e')
		m.error = a.value;
	else if (rc == 0 && a.name == 'v')
		rc = scram_decode_fixed(a.value, m.signature, sizeof m.signature, e);
	else if (rc == 0)
		rc = error_set(e, ERR_SYNTAX, "the server's last SCRAM message says neither yes nor no");
	if (rc == 0)
		rc = skip_extensions(rest, e);
	if (rc == 0)
		*out = m;
	return rc;
}
