/* SPDX-License-Identifier: ISC */
/* The page for people. */
#include "base/qr.h"
#include "base/xml.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/armor.h"
#include "openpgp/judge/verify.h"
#include "trust/limits.h"
#include "trust/pages/pages_internal.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<title>OpenPGP key</title>\n<style>\n"
    "body { font: 1em/1.5 sans-serif; margin: 2em auto; padding: 0 1em; max-width: 44em }\n"
    "pre, .fingerprint { font-family: monospace; overflow-wrap: anywhere } pre { white-space: pre-wrap }\n"
    ".fingerprint { font-size: 1.2em } svg.qr { width: 16em; max-width: 100%; height: auto }\n"
    "</style>\n</head>\n<body>\n<h1>OpenPGP key</h1>\n";

static void
put_groups(const struct pgp_fingerprint *f, struct buf *out)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(f, &hex);
	for (size_t i = 0; i < hex.len; i += 4) {
		if (i > 0)
			(void)buf_put_u8(out, ' ');
		(void)buf_put_slice(out, slice_sub(buf_slice(&hex), i, 4));
	}
}

static int
put_user_ids(const struct trust_pages *p, struct buf *out, struct error *e)
{
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge(p->cert, p->policy, p->policy->now, &j, e);

	if (rc != 0)
		return rc;
	if (j.standing != PGP_STANDING_GOOD) {
		(void)buf_put_str(out, "<p><strong>Do not use it: it is ");
		(void)xml_put_text(out, slice_str(pgp_standing_name(j.standing)));
		(void)buf_put_str(out, ".</strong></p>\n");
	}
	(void)buf_put_str(out, "<ul>\n");
	for (size_t i = 0; i < j.count; i++) {
		if (j.components[i].component->kind != PGP_COMPONENT_USER_ID ||
		    j.components[i].standing != PGP_STANDING_GOOD)
			continue;
		(void)buf_put_str(out, "<li>");
		(void)xml_put_text(out, j.components[i].component->packet.body);
		(void)buf_put_str(out, "</li>\n");
	}
	(void)buf_put_str(out, "</ul>\n");
	pgp_cert_judgement_done(&j);
	return 0;
}

static int
put_code(const struct pgp_fingerprint *f, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf text = { .max = 200 };
	struct qr q;
	int rc;

	(void)buf_put_str(&text, "OPENPGP4FPR:");
	(void)pgp_fingerprint_write(f, &text);
	rc = qr_make(buf_slice(&text), QR_LEVEL_M, &q, e);
	if (rc == 0)
		(void)qr_write_svg(&q, SLICE("The fingerprint as a QR code"), out);
	qr_done(&q);
	return rc;
}

int
pages_armored(const struct trust_pages *p, struct buf *out, struct error *e)
{
	const struct pgp_export how = { .third_party = PGP_THIRD_PARTY_APPROVED, .policy = p->policy };
	BUF_OWNED struct buf bytes = { .max = TRUST_CERT_MAX };
	int rc = pgp_cert_export(p->cert, &how, &bytes, e);

	return rc != 0
	    ? rc
	    : pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, p->cert->primary->version == 4, buf_slice(&bytes), out, e);
}

int
trust_pages_html(const struct trust_pages *p, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf armored = { .max = 2 * TRUST_CERT_MAX };
	int rc;

	(void)buf_put_str(out, head);
	rc = put_user_ids(p, out, e);
	(void)buf_put_str(
	    out, "<p>Fingerprint, to be compared with what its owner says:</p>\n<p class=\"fingerprint\">");
	put_groups(&p->cert->primary->fingerprint, out);
	(void)buf_put_str(out, "</p>\n<p>");
	if (rc == 0)
		rc = put_code(&p->cert->primary->fingerprint, out, e);
	if (rc == 0)
		rc = pages_armored(p, &armored, e);
	(void)buf_put_str(out, "</p>\n<p>The certificate: <a href=\"key.asc\">key.asc</a></p>\n<pre>");
	(void)xml_put_text(out, buf_slice(&armored));
	(void)buf_put_str(out, "</pre>\n</body>\n</html>\n");
	if (rc == 0 && out->err != 0)
		rc = error_set(e, out->err, "the certificate is too large for a page");
	return rc;
}
