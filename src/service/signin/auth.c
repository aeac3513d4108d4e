/* SPDX-License-Identifier: ISC */
#include "service/signin/auth.h"

#include "base/base64.h"
#include "base/saslprep.h"
#include "crypto/compare.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "sasl/scram.h"
#include "service/limits.h"

struct verifier {
	struct kdf_argon2 cost;
	uint8_t salt[64];
	size_t salt_len;
	uint8_t hash[64];
	size_t hash_len;
};

static const struct kdf_argon2 our_cost = { AUTH_MEMORY_KIB, AUTH_PASSES, AUTH_LANES };

/* Base64 without its padding, as PHC strings have it. */
static void
put_unpadded(struct buf *out, const uint8_t *data, size_t len)
{
	(void)base64_write(out, slice_of(data, len));
	while (out->len > 0 && out->data[out->len - 1] == '=')
		buf_truncate(out, out->len - 1);
}

static int
parse_unpadded(struct slice text, uint8_t *out, size_t max, size_t *len_out)
{
	struct buf padded, decoded;
	int rc;

	buf_init(&padded, 256);
	buf_init(&decoded, max);
	(void)buf_put_slice(&padded, text);
	while (padded.len % 4 != 0 && padded.err == 0)
		(void)buf_put_u8(&padded, '=');
	rc = padded.err != 0 ? padded.err : base64_parse(buf_slice(&padded), &decoded, NULL);
	if (rc == 0)
		for (*len_out = 0; *len_out < decoded.len; ++*len_out)
			out[*len_out] = decoded.data[*len_out];
	buf_done(&padded);
	buf_done(&decoded);
	return rc == 0 ? 0 : ERR_SYNTAX;
}

/* "m=19456" */
static bool
parse_number(struct slice in, const char *prefix, uint32_t *out)
{
	uint64_t number;
	struct slice p = slice_str(prefix);

	if (!slice_starts(in, p) || !slice_to_u64(slice_from(in, p.len), UINT32_MAX, &number))
		return false;
	*out = (uint32_t)number;
	return true;
}

/* "m=19456,t=2,p=1" */
static bool
parse_cost(struct slice in, struct kdf_argon2 *out)
{
	return parse_number(slice_split(in, ',', &in), "m=", &out->memory_kib) &&
	    parse_number(slice_split(in, ',', &in), "t=", &out->passes) && parse_number(in, "p=", &out->lanes);
}

static bool
parse_parts(struct slice in, struct verifier *out)
{
	struct slice part[6];

	for (int i = 0; i < 6; i++)
		part[i] = slice_split(in, '$', &in);
	return in.len == 0 && part[0].len == 0 && slice_eq_str(part[1], "argon2id") && slice_eq_str(part[2], "v=19") &&
	    parse_cost(part[3], &out->cost) &&
	    parse_unpadded(part[4], out->salt, sizeof out->salt, &out->salt_len) == 0 &&
	    parse_unpadded(part[5], out->hash, sizeof out->hash, &out->hash_len) == 0;
}

static int
parse(struct slice in, struct verifier *out, struct error *e)
{
	if (!parse_parts(in, out) || out->salt_len < 8 || out->hash_len < 16)
		return error_set(e, ERR_SYNTAX, "the stored password verifier is malformed: set the password again");
	if (out->cost.memory_kib > AUTH_MEMORY_KIB_MAX || out->cost.passes > AUTH_PASSES_MAX ||
	    out->cost.lanes > AUTH_LANES_MAX)
		return error_set(e, ERR_LIMIT, "the stored password verifier costs too much: set the password again");
	return 0;
}

/*
 * The hash of a password in its one form, so that it is right however a keyboard composes its letters (RFC 4616 section
 * 2, RFC 6856 section 2.2). What has no such form counts octet by octet.
 */
static int
hash_password(
    const struct kdf_argon2 *cost, struct slice password, struct slice salt, uint8_t *hash, size_t len, struct error *e)
{
	struct buf form;
	int rc;

	buf_init(&form, SASLPREP_OUTPUT_MAX);
	rc = saslprep(password, false, &form, NULL);
	if (rc == ERR_NOMEM)
		rc = error_nomem(e);
	else
		rc = kdf_argon2id(cost, rc == 0 && form.len > 0 ? buf_slice(&form) : password, salt, hash, len, e);
	buf_wipe_done(&form);
	return rc;
}

int
auth_verifier_make(struct slice password, struct buf *out, struct error *e)
{
	uint8_t salt[AUTH_SALT_SIZE], hash[AUTH_HASH_SIZE];
	int rc;

	if (password.len == 0 || password.len > SERVICE_PASSWORD_MAX || slice_find(password, 0) != SIZE_MAX)
		return error_set(e, ERR_USAGE, "a password has 1 to %u octets and no NUL", SERVICE_PASSWORD_MAX);
	if ((rc = random_bytes(salt, sizeof salt, e)) != 0 ||
	    (rc = hash_password(&our_cost, password, slice_of(salt, sizeof salt), hash, sizeof hash, e)) != 0)
		return rc;
	(void)buf_putf(out, "$argon2id$v=19$m=%u,t=%u,p=%u$", our_cost.memory_kib, our_cost.passes, our_cost.lanes);
	put_unpadded(out, salt, sizeof salt);
	(void)buf_put_u8(out, '$');
	put_unpadded(out, hash, sizeof hash);
	return out->err != 0 ? error_set(e, out->err, "no room for the password verifier") : 0;
}

static int
wrong(struct error *e)
{
	return error_set(e, ERR_PASSWORD, "wrong address or password");
}

int
auth_verifier_check(struct slice verifier, struct slice password, struct error *e)
{
	/* What stands for an account that does not exist: no password gives this hash. */
	struct verifier v = { .cost = our_cost, .salt_len = AUTH_SALT_SIZE, .hash_len = AUTH_HASH_SIZE };
	uint8_t hash[sizeof v.hash];
	bool equal;
	int rc;

	if (verifier.len > 0 && (rc = parse(verifier, &v, e)) != 0)
		return rc;
	if (password.len > SERVICE_PASSWORD_MAX)
		return wrong(e);
	rc = hash_password(&v.cost, password, slice_of(v.salt, v.salt_len), hash, v.hash_len, e);
	if (rc != 0)
		return rc;
	equal = compare_equal(slice_of(hash, v.hash_len), slice_of(v.hash, v.hash_len));
	return equal && verifier.len > 0 ? 0 : wrong(e);
}

/* ---- SCRAM ---- */

uint32_t
auth_scram_iterations(bool chosen)
{
	return chosen ? AUTH_SCRAM_CHOSEN : SCRAM_ITERATIONS_RANDOM;
}

int
auth_scram_make(struct slice password, struct slice like, bool chosen, struct buf *out, struct error *e)
{
	uint32_t iterations = auth_scram_iterations(chosen);
	struct scram_verifier made = { 0 }, other;
	struct slice salt = SLICE_EMPTY;
	int rc;

	if (like.len > 0 && scram_verifier_parse(like, &other, NULL) == 0) {
		salt = scram_verifier_salt(&other);
		iterations = other.iterations;
	}
	rc = scram_verifier_make(password, salt, iterations, &made, e);
	if (rc == ERR_SYNTAX || rc == ERR_POLICY)
		rc = e != NULL ? (e->code = ERR_USAGE) : ERR_USAGE;
	if (rc == 0 && scram_verifier_write(&made, out) != 0)
		rc = error_set(e, out->err, "no room for the password verifier");
	secret_wipe(&made, sizeof made);
	return rc;
}
