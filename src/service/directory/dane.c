/* SPDX-License-Identifier: ISC */
#include "service/directory/dane.h"

#include "base/base64.h"
#include "base/idn.h"
#include "crypto/hash.h"
#include "openpgp/cert/merge.h"

#define HASH_OCTETS 28u
#define LOCAL_MAX 256u
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"
#define USAGE_DANE_EE 3u     /* RFC 6698 2.1.1 */
#define SELECTOR_WHOLE 0u    /* the certificate */
#define MATCHING_CONTENTS 0u /* itself, no hash of it */

/* ---- names ---- */

static bool
split(struct slice address, struct slice *local, struct slice *domain)
{
	size_t at = slice_find_last(address, '@');

	if (at == SIZE_MAX || at == 0 || at + 1 == address.len)
		return false;
	*local = slice_sub(address, 0, at);
	*domain = slice_from(address, at + 1);
	return local->len <= LOCAL_MAX;
}

/* Quotes are no part of it, nor is what they quote with (RFC 7929 3, step 2). */
static void
put_local(struct slice local, bool as_written, struct buf *out)
{
	bool quoted = local.len >= 2 && local.data[0] == '"' && local.data[local.len - 1] == '"';

	if (quoted)
		local = slice_sub(local, 1, local.len - 2);
	for (size_t i = 0; i < local.len; i++) {
		if (quoted && local.data[i] == '\\' && i + 1 < local.len)
			i++;
		(void)buf_put_u8(out, as_written ? local.data[i] : ascii_lower(local.data[i]));
	}
}

bool
dane_is_folded(struct slice address)
{
	struct slice local, domain;

	if (split(address, &local, &domain))
		for (size_t i = 0; i < local.len; i++)
			if (ascii_lower(local.data[i]) != local.data[i])
				return true;
	return false;
}

int
dane_name(struct slice address, const char *label, bool as_written, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf canonical = { 0 };
	uint8_t digest[HASH_SIZE_MAX];
	struct slice local, domain;
	int rc;

	if (!split(address, &local, &domain))
		return error_set(e, ERR_SYNTAX, "this is no address");
	buf_init(&canonical, LOCAL_MAX);
	put_local(local, as_written, &canonical);
	rc = hash_once(HASH_SHA256, buf_slice(&canonical), digest, e);
	for (size_t i = 0; i < HASH_OCTETS && rc == 0; i++)
		(void)buf_putf(out, "%02x", digest[i]);
	(void)buf_putf(out, ".%s.", label);
	if (rc == 0)
		rc = idn_to_ascii(domain, out, e);
	return rc != 0 || out->err == 0 ? rc : error_set(e, out->err, "the name of the record is too long");
}

/* ---- what is there ---- */

static int
check_size(const struct buf *out, size_t before, struct error *e)
{
	if (out->err == 0 && out->len - before <= DANE_RDATA_MAX)
		return 0;
	return error_set(e, ERR_LIMIT, "the certificate is too large for a DNS record");
}

int
dane_openpgpkey(struct slice certificate, struct slice address, uint64_t now, struct buf *out, struct error *e)
{
	const struct pgp_policy policy = pgp_policy_default(now);
	const struct pgp_export how = { .newest_only = true,
		.live_only = true,
		.no_attributes = true,
		.third_party = PGP_THIRD_PARTY_DROP,
		.only_address = address,
		.policy = &policy };
	size_t used, before = out->len;
	struct pgp_cert *cert;
	int rc = pgp_cert_parse(certificate, &cert, &used, e);

	if (rc != 0)
		return rc;
	rc = pgp_cert_export(cert, &how, out, e);
	pgp_cert_free(cert);
	return rc != 0 ? rc : check_size(out, before, e);
}

/* The octets between the first BEGIN and its END; lines may have blanks at their ends. */
static int
read_pem(struct slice pem, struct buf *der, struct error *e)
{
	const struct slice begin = SLICE(PEM_BEGIN), end = SLICE(PEM_END);
	size_t from = slice_search(pem, begin), len;
	BUF_OWNED struct buf text = { 0 };
	struct slice body;

	if (from == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "there is no certificate in it: it begins with " PEM_BEGIN);
	body = slice_from(pem, from + begin.len);
	len = slice_search(body, end);
	if (len == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "the certificate in it has no end");
	buf_init(&text, 2 * DANE_RDATA_MAX);
	for (size_t i = 0; i < len; i++)
		if (body.data[i] > ' ')
			(void)buf_put_u8(&text, body.data[i]);
	if (text.err != 0)
		return error_set(e, ERR_LIMIT, "the certificate is too large for a DNS record");
	return base64_parse(buf_slice(&text), der, e);
}

/* An address stands in a certificate as it is (IA5String in RFC 5280 4.2.1.6, or the old emailAddress). */
static bool
names(struct slice der, struct slice address)
{
	for (size_t i = 0; i + address.len <= der.len; i++)
		if (slice_ieq(slice_sub(der, i, address.len), address))
			return true;
	return false;
}

int
dane_smimea(struct slice pem, struct slice address, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf der = { 0 };
	size_t before = out->len;
	int rc;

	buf_init(&der, DANE_RDATA_MAX);
	rc = read_pem(pem, &der, e);
	if (rc == 0 && (der.len < 2 || der.data[0] != 0x30 || !names(buf_slice(&der), address)))
		rc = error_set(
		    e, ERR_SYNTAX, "the certificate is not one of %.*s", (int)address.len, (const char *)address.data);
	if (rc != 0)
		return rc;
	(void)buf_put_u8(out, USAGE_DANE_EE);
	(void)buf_put_u8(out, SELECTOR_WHOLE);
	(void)buf_put_u8(out, MATCHING_CONTENTS);
	(void)buf_put_slice(out, buf_slice(&der));
	return check_size(out, before, e);
}
