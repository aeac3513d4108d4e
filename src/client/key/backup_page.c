/* SPDX-License-Identifier: ISC */
#include "client/key/backup_page.h"

#include "base/qr.h"
#include "base/xml.h"
#include "client/key/pieces.h"
#include "client/key/show.h"

#define REVOCATION_CODE_MAX 1500u /* octets: a code of version 30 */

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<title>Backup of an OpenPGP key</title>\n<style>\n"
    "@page { size: A4; margin: 15mm }\n"
    "body { font: 11pt/1.35 sans-serif; color: #000; background: #fff; margin: 0 auto; max-width: 180mm }\n"
    "h1 { font-size: 16pt; margin: 0 0 3mm } h2 { font-size: 12pt; margin: 5mm 0 2mm }\n"
    "code, pre { font-family: monospace } pre { font-size: 8.5pt; line-height: 1.45; white-space: pre-wrap }\n"
    ".print { font-size: 12pt; font-family: monospace; overflow-wrap: anywhere }\n"
    ".box { border: 1px solid #000; padding: 3mm; margin: 3mm 0 } .blank { letter-spacing: 1.5mm }\n"
    "figure { display: inline-block; width: 84mm; margin: 2mm; text-align: center; break-inside: avoid }\n"
    "svg.qr { width: 80mm; height: 80mm } .page { break-before: page }\n"
    "</style>\n</head>\n<body>\n";

static void
put_user_ids(const struct pgp_cert *c, struct buf *out)
{
	(void)buf_put_str(out, "<ul>\n");
	for (size_t i = 0; i < c->component_count; i++) {
		if (c->components[i].kind != PGP_COMPONENT_USER_ID)
			continue;
		(void)buf_put_str(out, "<li>");
		(void)xml_put_text(out, c->components[i].packet.body);
		(void)buf_put_str(out, "</li>\n");
	}
	(void)buf_put_str(out, "</ul>\n");
}

static void
put_first_page(const struct backup_page *p, size_t codes, struct buf *out)
{
	(void)buf_put_str(out, "<h1>Backup of an OpenPGP key</h1>\n<p>Made ");
	key_put_day(p->now, out);
	(void)buf_put_str(out, ". The secret key of</p>\n");
	put_user_ids(p->cert, out);
	(void)buf_put_str(out, "<p>Fingerprint:<br><span class=\"print\">");
	key_put_groups(&p->cert->primary->fingerprint, out);
	(void)buf_putf(out,
	    "</span></p>\n<div class=\"box\"><p>The backup code, which was shown when this page was made, is not on "
	    "it. Write it "
	    "on another paper, or here if this page lies safe:</p>\n"
	    "<p class=\"blank\">____-____-____-____-____-____-____-____-____</p></div>\n"
	    "<h2>To get the key back</h2>\n<ol>\n"
	    "<li>Scan or photograph the pages with the %zu numbered codes (as PNG or JPEG), then<br>"
	    "<code>letterlock key restore PAGE1.png PAGE2.png ...</code></li>\n"
	    "<li>Where that does not work, type the lines below the heading &ldquo;To be typed&rdquo; into a file, in "
	    "any "
	    "order, and<br><code>letterlock key restore FILE</code></li>\n"
	    "<li>It asks for the backup code, and for a new passphrase.</li>\n</ol>\n"
	    "<p>What the codes hold is an OpenPGP message; the code is its password. Each is the text "
	    "<code>LLBACKUP1/checksum/how many/number/</code> and base32 (RFC 4648): these put together and decoded, "
	    "any OpenPGP "
	    "program decrypts it.</p>\n",
	    codes);
}

static int
put_code(struct slice text, enum qr_level level, struct buf *out, struct error *e)
{
	struct qr q;
	int rc = qr_make(text, level, &q, e);

	if (rc == 0)
		(void)qr_write_svg(&q, SLICE_EMPTY, out);
	qr_done(&q);
	return rc;
}

static int
put_codes(const struct backup_page *p, size_t codes, struct buf *out, struct error *e)
{
	int rc = 0;

	(void)buf_put_str(out, "<div class=\"page\">\n<h2>The key</h2>\n");
	for (size_t n = 1; rc == 0 && n <= codes; n++) {
		BUF_OWNED struct buf text = { .max = QR_TEXT_MAX };

		(void)buf_put_str(out, "<figure>");
		(void)pieces_write(p->message, n, &text);
		rc = put_code(buf_slice(&text), QR_LEVEL_M, out, e);
		(void)buf_putf(out, "<figcaption>%zu of %zu</figcaption></figure>\n", n, codes);
	}
	(void)buf_put_str(out, "</div>\n<div class=\"page\">\n<h2>To be typed</h2>\n<pre>");
	(void)pieces_write_lines(p->message, out);
	(void)buf_put_str(out,
	    "</pre>\n<p>0 and O, 1 and I, 8 and B are the same here. The last two letters of a line are its check."
	    "</p>\n</div>\n");
	return rc;
}

static int
put_revocation(const struct backup_page *p, struct buf *out, struct error *e)
{
	size_t at = slice_search(p->revocation, SLICE("-----BEGIN"));
	struct slice armor = at == SIZE_MAX ? SLICE_EMPTY : slice_trim(slice_from(p->revocation, at));
	int rc = 0;

	if (armor.len == 0)
		return 0;
	(void)buf_put_str(out,
	    "<div class=\"page\">\n<h2>The revocation certificate</h2>\n"
	    "<p>Whoever has this can declare the key void, and nothing else. For the day on which key or code are "
	    "lost: type it "
	    "into a file (or read the code with a telephone), import it into any OpenPGP program, and publish the key "
	    "again. "
	    "That cannot be undone.</p>\n<pre>");
	(void)xml_put_text(out, armor);
	(void)buf_put_str(out, "</pre>\n");
	if (armor.len <= REVOCATION_CODE_MAX) {
		(void)buf_put_str(out, "<figure>");
		rc = put_code(armor, QR_LEVEL_L, out, e);
		(void)buf_put_str(out, "<figcaption>Revocation certificate</figcaption></figure>\n");
	}
	(void)buf_put_str(out, "</div>\n");
	return rc;
}

int
backup_page_write(const struct backup_page *p, struct buf *out, struct error *e)
{
	size_t codes = pieces_count(p->message.len);
	int rc;

	if (codes == 0)
		return error_set(e, ERR_LIMIT, "the key is too large for paper: %zu octets, and %u are the most",
		    p->message.len, PIECES_OCTETS_MAX);
	(void)buf_put_str(out, head);
	put_first_page(p, codes, out);
	rc = put_codes(p, codes, out, e);
	if (rc == 0)
		rc = put_revocation(p, out, e);
	(void)buf_put_str(out, "</body>\n</html>\n");
	if (rc == 0 && out->err != 0)
		rc = error_nomem(e);
	return rc;
}
