/* SPDX-License-Identifier: ISC */
/* The letter with the link: multipart/encrypted (RFC 3156 section 4), to one certificate and from nobody who signs. */
#include "base/date.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/message/negotiate.h"
#include "service/directory/verify.h"

#define READER_KEYS_MAX 8u /* one for each device of the reader */
#define LETTER_MAX (64u << 10)

struct recipient {
	struct pgp_cert *cert;
	struct pgp_cert_judgement judgement;
	bool judged;
	const struct pgp_key *keys[READER_KEYS_MAX];
	size_t key_count;
};

static void
recipient_done(struct recipient *r)
{
	if (r->judged)
		pgp_cert_judgement_done(&r->judgement);
	pgp_cert_free(r->cert);
}

static int
recipient_open(struct recipient *r, struct slice certificate, uint64_t now, struct error *e)
{
	const struct pgp_policy policy = pgp_policy_default(now);
	size_t used;
	int rc = pgp_cert_parse(certificate, &r->cert, &used, e);

	if (rc == 0)
		rc = pgp_cert_judge(r->cert, &policy, now, &r->judgement, e);
	if (rc != 0)
		return rc;
	r->judged = true;
	r->key_count = pgp_judged_keys_for(&r->judgement, &policy, PGP_FLAG_ENCRYPT, r->keys, READER_KEYS_MAX, e);
	return r->key_count > 0 ? 0
				: error_set(e, ERR_NO_KEY,
				      "no letter can be encrypted to this certificate: it expired, was "
				      "revoked, or has no key for that");
}

int
verify_letter_possible(struct slice certificate, uint64_t now, struct error *e)
{
	struct recipient r = { 0 };
	int rc = recipient_open(&r, certificate, now, e);

	recipient_done(&r);
	return rc;
}

/* Nothing of the peer's may end a line or a pair of angle brackets. */
static int
check_address(struct slice address, struct error *e)
{
	for (size_t i = 0; i < address.len; i++)
		if (address.data[i] <= ' ' || address.data[i] == 0x7f || address.data[i] == '<' ||
		    address.data[i] == '>')
			return error_set(e, ERR_USAGE, "no letter can be sent to such an address");
	return address.len > 0 ? 0 : error_set(e, ERR_USAGE, "an address is needed");
}

static void
put_hex(struct buf *out, struct slice octets)
{
	for (size_t i = 0; i < octets.len; i++)
		(void)buf_putf(out, "%02X", octets.data[i]);
}

static void
put_link(const struct verify_letter *l, const char *path, struct buf *out)
{
	(void)buf_put_str(out, "    https://");
	(void)buf_put_slice(out, l->hostname);
	if (l->https != 0 && l->https != 443)
		(void)buf_putf(out, ":%u", l->https);
	(void)buf_put_str(out, path);
	(void)buf_put_slice(out, l->token);
	(void)buf_put_str(out, "\r\n\r\n");
}

static void
put_text(const struct verify_letter *l, struct buf *out)
{
	(void)buf_put_str(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	(void)buf_put_str(out,
	    l->kind == STORE_TOKEN_MANAGE ? "Somebody asked to take an address out of the key directory of "
					  : "Somebody asked the key directory of ");
	(void)buf_put_slice(out, l->hostname);
	(void)buf_put_str(out,
	    l->kind == STORE_TOKEN_MANAGE ? ".\r\n\r\n    address:     "
					  : " to publish a certificate for your address.\r\n\r\n    address:     ");
	(void)buf_put_slice(out, l->address);
	(void)buf_put_str(out, "\r\n    fingerprint: ");
	put_hex(out, l->fingerprint);
	(void)buf_put_str(out, "\r\n\r\n");
	if (l->kind == STORE_TOKEN_PUT) {
		(void)buf_put_str(out, "The token for your program, good once and for an hour:\r\n\r\n    token: ");
		(void)buf_put_slice(out, l->token);
		(void)buf_put_str(out, "\r\n\r\n");
	} else {
		(void)buf_put_str(
		    out, "If that was you, open this page and confirm. It is good once and for an hour:\r\n\r\n");
		put_link(l, l->kind == STORE_TOKEN_MANAGE ? "/manage/" : "/verify/", out);
	}
	(void)buf_put_str(out, "If it was not you, do nothing: then nothing changes.\r\n");
}

static int
encrypt(const struct recipient *r, struct slice text, struct buf *out, struct error *e)
{
	struct pgp_encrypt_spec spec = { .recipients = r->keys, .recipient_count = r->key_count, .armor = true };
	struct pgp_negotiation n;

	pgp_negotiation_begin(&n, &(struct pgp_negotiation_wishes){ 0 });
	pgp_negotiation_add(&n, &r->judgement);
	pgp_negotiation_end(&n, &spec.container, &spec.cipher, &spec.aead);
	return pgp_encrypt(&spec, text, out, e);
}

static void
put_header(const struct verify_letter *l, const char *boundary, struct buf *out)
{
	(void)buf_put_str(out, "Return-Path: <>\r\nFrom: Key directory <postmaster@");
	(void)buf_put_slice(out, l->hostname);
	(void)buf_put_str(out, ">\r\nTo: <");
	(void)buf_put_slice(out, l->address);
	(void)buf_put_str(out, ">\r\nSubject: Your certificate in the key directory\r\nDate: ");
	(void)date_write_mail(out, (int64_t)l->now, 0);
	(void)buf_putf(out, "\r\nMessage-ID: <%s@", boundary);
	(void)buf_put_slice(out, l->hostname);
	/* RFC 3834 section 5: no answers to it by a program. */
	(void)buf_putf(out,
	    ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: multipart/encrypted;\r\n"
	    " protocol=\"application/pgp-encrypted\"; boundary=\"%s\"\r\n\r\n",
	    boundary);
}

static void
put_parts(struct slice sealed, const char *boundary, struct buf *out)
{
	(void)buf_putf(out,
	    "--%s\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
	    "--%s\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\n\r\n",
	    boundary, boundary);
	while (sealed.len > 0) {
		struct slice line = slice_split(sealed, '\n', &sealed);

		(void)buf_put_slice(
		    out, line.len > 0 && line.data[line.len - 1] == '\r' ? slice_sub(line, 0, line.len - 1) : line);
		(void)buf_put_str(out, "\r\n");
	}
	(void)buf_putf(out, "\r\n--%s--\r\n", boundary);
}

int
verify_letter_write(const struct verify_letter *l, struct buf *out, struct error *e)
{
	struct buf text, sealed BUF_OWNED = { 0 };
	char boundary[2 * sizeof l->random + 3] = "=_";
	struct recipient r = { 0 };
	int rc = check_address(l->address, e);

	buf_init(&text, LETTER_MAX);
	buf_init(&sealed, LETTER_MAX);
	for (size_t i = 0; i < sizeof l->random; i++) {
		boundary[2 + 2 * i] = "0123456789abcdef"[l->random[i] >> 4];
		boundary[3 + 2 * i] = "0123456789abcdef"[l->random[i] & 15];
	}
	put_text(l, &text);
	if (rc == 0)
		rc = recipient_open(&r, l->certificate, l->now, e);
	if (rc == 0)
		rc = encrypt(&r, buf_slice(&text), &sealed, e);
	recipient_done(&r);
	if (rc == 0) {
		put_header(l, boundary, out);
		put_parts(buf_slice(&sealed), boundary, out);
		rc = text.err != 0 ? text.err : sealed.err != 0 ? sealed.err : out->err;
		if (rc != 0)
			(void)error_set(e, rc, "the letter became too long");
	}
	buf_wipe_done(&text);
	return rc;
}
