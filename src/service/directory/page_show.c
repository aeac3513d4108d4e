/* SPDX-License-Identifier: ISC */
#include "service/directory/page_show.h"

#include "base/date.h"
#include "base/qr.h"
#include "service/web/html.h"

#define DAY_TEXT 10u /* of "2027-01-02 04:05" */

static int
put_day(struct buf *page, uint64_t seconds)
{
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, 64);
	(void)date_write_short(&text, (int64_t)seconds, 0);
	return buf_put_slice(page, slice_sub(buf_slice(&text), 0, DAY_TEXT));
}

static int
put_hex(struct buf *page, const struct pgp_fingerprint *f)
{
	return pgp_fingerprint_write(f, page);
}

int
page_put_groups(struct buf *page, const struct pgp_fingerprint *f)
{
	for (unsigned i = 0; i < f->len; i++)
		(void)buf_putf(page, i > 0 && i % 2 == 0 ? " %02X" : "%02X", f->bytes[i]);
	return page->err;
}

/* ---- in words ---- */

static int
put_reason(struct buf *page, const struct pgp_component_judgement *c)
{
	if (c->reason[0] == '\0')
		return page->err;
	(void)html_raw(page, " (");
	(void)html_text(page, slice_str(c->reason)); /* may quote what the owner wrote */
	return html_raw(page, ")");
}

static int
put_bad_standing(struct buf *page, const struct pgp_component_judgement *primary, enum pgp_standing standing)
{
	static const char *const words[] = {
		[PGP_STANDING_UNBOUND] = "cannot be used: nothing in it says what it is for",
		[PGP_STANDING_NO_BACK_SIGNATURE] = "cannot be used",
		[PGP_STANDING_EXPIRED] = "has expired",
		[PGP_STANDING_REVOKED_HARD] =
		    "was revoked by its owner; do not use it, and do not trust what it signed",
		[PGP_STANDING_REVOKED_SOFT] = "was revoked by its owner; do not use it any more",
		[PGP_STANDING_NOT_YET] = "is dated in the future",
		[PGP_STANDING_POLICY] = "is too weak to be used",
		[PGP_STANDING_NOT_UNDERSTOOD] = "is of a kind that this server does not know",
	};

	(void)html_raw(page, "<span class=\"bad\">This key ");
	(void)html_raw(page, words[standing]);
	(void)put_reason(page, primary);
	return html_raw(page, ".</span>");
}

int
page_put_standing(struct buf *page, const struct pgp_cert_judgement *j)
{
	const struct pgp_component_judgement *primary = &j->components[0];

	if (j->standing != PGP_STANDING_GOOD)
		return put_bad_standing(page, primary, j->standing);
	(void)html_raw(page, "<span class=\"good\">This key is good");
	if (primary->expires == 0)
		return html_raw(page, "; it does not expire.</span>");
	(void)html_raw(page, " until ");
	(void)put_day(page, primary->expires);
	return html_raw(page, ".</span>");
}

/* ---- user IDs ---- */

static bool
is_user(const struct pgp_component_judgement *c)
{
	return c->component->kind == PGP_COMPONENT_USER_ID;
}

static int
put_user(struct buf *page, const struct pgp_component_judgement *c)
{
	(void)html_raw(page, "<li>");
	(void)html_foreign(page, c->component->packet.body);
	if (c->standing == PGP_STANDING_REVOKED_HARD || c->standing == PGP_STANDING_REVOKED_SOFT)
		(void)html_raw(page, " <span class=\"bad\">– the owner took this back</span>");
	else if (c->standing == PGP_STANDING_EXPIRED)
		(void)html_raw(page, " <span class=\"bad\">– expired</span>");
	return html_raw(page, "</li>\n");
}

static int
put_users(struct buf *page, const struct pgp_cert_judgement *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->count; i++) {
		if (!is_user(&j->components[i]))
			continue;
		(void)html_raw(page, n++ == 0 ? "<ul>\n" : "");
		(void)put_user(page, &j->components[i]);
	}
	return html_raw(page,
	    n > 0 ? "</ul>\n"
		  : "<p>None of this key's addresses is shown here: nobody has proved yet that one of them is theirs, "
		    "or the owner took them away.</p>\n");
}

/* ---- keys ---- */

static int
put_uses(struct buf *page, uint32_t flags)
{
	static const struct {
		uint32_t flags;
		const char *words;
	} uses[] = {
		{ PGP_FLAG_CERTIFY, "certifying" },
		{ PGP_FLAG_SIGN, "signing" },
		{ PGP_FLAG_ENCRYPT_COMMS | PGP_FLAG_ENCRYPT_STORAGE, "receiving encrypted mail" },
		{ PGP_FLAG_AUTHENTICATE, "signing in" },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
		if ((flags & uses[i].flags) != 0)
			(void)buf_putf(page, "%s%s", n++ == 0 ? ", for " : ", ", uses[i].words);
	return page->err;
}

static int
put_key(struct buf *page, const struct pgp_component_judgement *c)
{
	const struct pgp_key *k = c->component->key;
	const char *name = pgp_algorithm_name(k->algorithm);

	(void)html_raw(page, "<li>");
	(void)html_raw(page, name != NULL ? name : "unknown algorithm");
	(void)buf_putf(page, ", %u bits", pgp_key_bits(k));
	(void)put_uses(page, c->flags);
	(void)html_raw(page, ", made on ");
	(void)put_day(page, k->created);
	if (c->standing != PGP_STANDING_GOOD) {
		(void)html_raw(page, " <span class=\"bad\">– ");
		(void)html_text(page, slice_str(pgp_standing_name(c->standing)));
		(void)html_raw(page, "</span>");
	} else if (c->expires != 0) {
		(void)html_raw(page, ", good until ");
		(void)put_day(page, c->expires);
	}
	return html_raw(page, "</li>\n");
}

static int
put_keys(struct buf *page, const struct pgp_cert_judgement *j)
{
	(void)html_raw(page, "<ul>\n");
	for (size_t i = 0; i < j->count; i++)
		if (j->components[i].component->key != NULL)
			(void)put_key(page, &j->components[i]);
	return html_raw(page, "</ul>\n");
}

/* ---- the whole ---- */

/* Where it can be downloaded: HKP v1 has only keys of version 4. */
static int
put_download(struct buf *page, const struct pgp_key *primary)
{
	(void)html_raw(page, "<p><a download=\"key.");
	(void)html_raw(page,
	    primary->version == 4 ? "asc\" href=\"/pks/lookup?op=get&amp;options=mr&amp;search=0x"
				  : "pgp\" href=\"/pks/v2/certs/by-vfingerprint/06");
	(void)put_hex(page, &primary->fingerprint);
	return html_raw(page, "\">Download this key</a></p>\n");
}

/* To scan: a program reads the fingerprint so (and none errs in a digit). */
static int
put_qr(struct buf *page, const struct pgp_fingerprint *f)
{
	BUF_OWNED struct buf uri = { 0 };
	struct qr qr;

	buf_init(&uri, 128);
	(void)buf_put_str(&uri, "OPENPGP4FPR:");
	(void)put_hex(&uri, f);
	if (qr_make(buf_slice(&uri), QR_LEVEL_M, &qr, NULL) == 0)
		(void)qr_write_svg(&qr, SLICE("QR code of this fingerprint"), page);
	qr_done(&qr);
	return page->err;
}

static int
put_fingerprint(struct buf *page, const struct pgp_fingerprint *f)
{
	(void)html_raw(page,
	    "<h2>Fingerprint</h2>\n<p>Compare it with what the owner tells you in person or by telephone. When every "
	    "digit is the same, the key is theirs.</p>\n<p class=\"fingerprint\">");
	(void)page_put_groups(page, f);
	(void)html_raw(page, "</p>\n");
	return put_qr(page, f);
}

static int
put_body(struct buf *page, const struct pgp_cert_judgement *j)
{
	const struct pgp_key *primary = j->cert->primary;

	(void)html_raw(page, "<p>");
	(void)page_put_standing(page, j);
	(void)html_raw(page, "</p>\n<h2>Names and addresses</h2>\n");
	(void)put_users(page, j);
	(void)put_fingerprint(page, &primary->fingerprint);
	(void)put_download(page, primary);
	(void)html_raw(page, "<h2>What it is made of</h2>\n");
	return put_keys(page, j);
}

static int
put_entry(struct buf *page, const struct pgp_cert_judgement *j)
{
	const struct pgp_fingerprint *f = &j->cert->primary->fingerprint;
	size_t shown = 0;

	(void)html_raw(page, "<li>\n<a href=\"/certificate/");
	(void)put_hex(page, f);
	(void)html_raw(page, "\">");
	for (size_t i = 0; i < j->count; i++) {
		if (!is_user(&j->components[i]))
			continue;
		(void)html_raw(page, shown++ > 0 ? "<br>\n" : "");
		(void)html_foreign(page, j->components[i].component->packet.body);
	}
	(void)html_raw(page, shown > 0 ? "</a><br>\n" : "A key without a proved address</a><br>\n");
	(void)page_put_standing(page, j);
	(void)html_raw(page, "<br>\n<span class=\"fingerprint\">");
	(void)page_put_groups(page, f);
	return html_raw(page, "</span>\n</li>\n");
}

static int
with_judgement(struct buf *page, struct slice certificate, uint64_t now,
    int (*put)(struct buf *page, const struct pgp_cert_judgement *j), struct error *e)
{
	const struct pgp_policy policy = pgp_policy_default(now);
	struct pgp_cert_judgement j;
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(certificate, &cert, &used, e);

	if (rc != 0)
		return rc;
	rc = pgp_cert_judge(cert, &policy, now, &j, e);
	if (rc == 0) {
		rc = put(page, &j);
		pgp_cert_judgement_done(&j);
	}
	pgp_cert_free(cert);
	return rc;
}

int
page_put_result(struct buf *page, struct slice certificate, uint64_t now)
{
	(void)with_judgement(page, certificate, now, put_entry, NULL);
	return page->err;
}

int
page_put_certificate(struct buf *page, struct slice certificate, uint64_t now, struct error *e)
{
	return with_judgement(page, certificate, now, put_body, e);
}
