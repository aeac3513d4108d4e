/* SPDX-License-Identifier: ISC */
#include "service/web/html.h"

#include "base/utf8.h"
#include "base/xml.h"

/* SLICE() is no constant expression. */
#define TEXT(lit) \
	{ \
		(const uint8_t *)(lit), sizeof(lit) - 1 \
	}

const struct http_field html_fields[HTML_FIELD_COUNT] = {
	{ TEXT("Content-Security-Policy"),
	    TEXT("default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'") },
	/* The address of a page may hold a token, and says whom somebody looked for. */
	{ TEXT("Referrer-Policy"), TEXT("no-referrer") },
	{ TEXT("X-Content-Type-Options"), TEXT("nosniff") },
	{ TEXT("Cache-Control"), TEXT("no-store") },
};

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fdfdfb;--soft:#5a5a63;--line:#8a8a92;--act:#1a4f8b;"
    "--good:#1d6330;--bad:#9c1c1c}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e9e9ec;--paper:#17171a;--soft:#b4b4bd;--line:#75757e;"
    "--act:#9cc4f5;--good:#8fd6a1;--bad:#ff9d9d}}\n"
    "*{box-sizing:border-box}\n"
    "html{font:100%/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}\n"
    "body{margin:0 auto;padding:1rem;max-width:46rem;overflow-wrap:anywhere}\n"
    "h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2rem}\n"
    "a{color:var(--act)}\n"
    ".skip{position:absolute;left:-99rem}.skip:focus{position:static}\n"
    "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:0;padding:0}\n"
    "label{display:block;font-weight:600;margin-top:1rem}\n"
    "input,textarea,button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);"
    "border-radius:.3rem;padding:.5rem .7rem;max-width:100%}\n"
    "input[type=text],input[type=search],input[type=email],textarea{width:100%}\n"
    "label.inline{display:inline;font-weight:400}\n"
    "fieldset{border:1px solid var(--line);border-radius:.3rem}\n"
    "textarea{font-family:ui-monospace,monospace}\n"
    "button{margin-top:1rem;background:var(--act);border-color:var(--act);color:var(--paper);font-weight:600;"
    "cursor:pointer}\n"
    ":focus-visible{outline:3px solid var(--act);outline-offset:2px}\n"
    ".hint,footer{color:var(--soft);font-size:.9rem}\n"
    ".good{color:var(--good)}.bad{color:var(--bad)}\n"
    ".fingerprint{font-family:ui-monospace,monospace;font-size:1.1rem;word-spacing:.2rem}\n"
    ".results{padding-left:1.2rem}.results>li{margin-bottom:1rem}\n"
    "dt{font-weight:600;margin-top:.7rem}dd{margin-left:0}\n"
    ".qr{display:block;width:14rem;max-width:100%;height:auto;margin:1rem 0}\n"
    "footer{margin-top:3rem;border-top:1px solid var(--line)}\n";

struct slice
html_style(void)
{
	return slice_of(style, sizeof style - 1);
}

int
html_raw(struct buf *page, const char *markup)
{
	return buf_put_str(page, markup);
}

int
html_text(struct buf *page, struct slice text)
{
	return xml_put_text(page, text);
}

/* At most so many octets, and no half of a character. */
static struct slice
cut(struct slice text)
{
	size_t len = HTML_SHOWN_MAX;

	if (text.len <= len)
		return text;
	while (len > 0 && (text.data[len] & 0xc0) == 0x80)
		len--;
	return slice_sub(text, 0, len);
}

int
html_foreign(struct buf *page, struct slice text)
{
	struct slice shown = cut(text);

	(void)html_raw(page, "<bdi>");
	(void)html_text(page, shown);
	return html_raw(page, shown.len < text.len ? "…</bdi>" : "</bdi>");
}

int
html_begin(struct buf *page, const char *title)
{
	(void)html_raw(page,
	    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<link rel=\"stylesheet\" href=\"" HTML_STYLE_PATH "\">\n<title>");
	(void)html_text(page, slice_str(title));
	(void)html_raw(page,
	    "</title>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
	    "<header><nav aria-label=\"Key directory\"><ul>\n<li><a href=\"/\">Search</a></li>\n"
	    "<li><a href=\"/upload\">Upload a key</a></li>\n<li><a href=\"/manage\">Remove an address</a></li>\n"
	    "</ul></nav></header>\n<main id=\"main\">\n<h1>");
	(void)html_text(page, slice_str(title));
	return html_raw(page, "</h1>\n");
}

int
html_end(struct buf *page)
{
	return html_raw(page,
	    "</main>\n<footer><p>An address is shown here only after its owner has proved that it is theirs. "
	    "Compare fingerprints before you rely on a key.</p></footer>\n</body>\n</html>\n");
}
