/* SPDX-License-Identifier: ISC */
#include "base/charset.h"

#include <errno.h>
#include <iconv.h>

#include "base/utf8.h"

#define STEP 4096u /* octets of output room for one call of iconv */

struct charset {
	const char *name;  /* as mail says it */
	const char *iconv; /* as iconv says it; NULL: UTF-8 or its part */
};

static const struct charset charsets[] = {
	{ "utf-8", NULL },
	{ "utf8", NULL },
	{ "unicode-1-1-utf-8", NULL },
	{ "us-ascii", NULL },
	{ "ascii", NULL },
	{ "ansi_x3.4-1968", NULL },
	{ "iso-8859-1", "WINDOWS-1252" },
	{ "iso8859-1", "WINDOWS-1252" },
	{ "latin1", "WINDOWS-1252" },
	{ "iso-8859-2", "ISO-8859-2" },
	{ "iso-8859-3", "ISO-8859-3" },
	{ "iso-8859-4", "ISO-8859-4" },
	{ "iso-8859-5", "ISO-8859-5" },
	{ "iso-8859-6", "ISO-8859-6" },
	{ "iso-8859-7", "ISO-8859-7" },
	{ "iso-8859-8", "ISO-8859-8" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-9", "WINDOWS-1254" },
	{ "iso-8859-10", "ISO-8859-10" },
	{ "iso-8859-11", "ISO-8859-11" },
	{ "iso-8859-13", "ISO-8859-13" },
	{ "iso-8859-14", "ISO-8859-14" },
	{ "iso-8859-15", "ISO-8859-15" },
	{ "iso-8859-16", "ISO-8859-16" },
	{ "windows-874", "CP874" },
	{ "windows-1250", "WINDOWS-1250" },
	{ "windows-1251", "WINDOWS-1251" },
	{ "windows-1252", "WINDOWS-1252" },
	{ "cp1252", "WINDOWS-1252" },
	{ "windows-1253", "WINDOWS-1253" },
	{ "windows-1254", "WINDOWS-1254" },
	{ "windows-1255", "WINDOWS-1255" },
	{ "windows-1256", "WINDOWS-1256" },
	{ "windows-1257", "WINDOWS-1257" },
	{ "windows-1258", "WINDOWS-1258" },
	{ "cp1251", "WINDOWS-1251" },
	{ "koi8-r", "KOI8-R" },
	{ "koi8-u", "KOI8-U" },
	{ "tis-620", "CP874" },
	{ "gb2312", "GB18030" },
	{ "gbk", "GB18030" },
	{ "gb18030", "GB18030" },
	{ "big5", "BIG5-HKSCS" },
	{ "euc-jp", "EUC-JP" },
	{ "shift_jis", "CP932" },
	{ "iso-2022-jp", "ISO-2022-JP-2" },
	{ "euc-kr", "CP949" },
	{ "ks_c_5601-1987", "CP949" },
	{ "iso-2022-kr", "ISO-2022-KR" },
	{ "utf-16", "UTF-16" },
	{ "utf-16be", "UTF-16BE" },
	{ "utf-16le", "UTF-16LE" },
	{ "utf-7", "UTF-7" },
	{ "ibm437", "IBM437" },
	{ "ibm850", "IBM850" },
	{ "ibm852", "IBM852" },
	{ "ibm866", "IBM866" },
	{ "cp866", "IBM866" },
	{ "macintosh", "MACINTOSH" },
};

#define COUNT (sizeof charsets / sizeof charsets[0])

static const struct charset *
find(struct slice name)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (slice_ieq_str(name, charsets[i].name))
			return &charsets[i];
	}
	return NULL;
}

bool
charset_known(struct slice name)
{
	return find(name) != NULL;
}

void
charset_open_all(void)
{
	/* Never closed: an open converter keeps its module loaded, so that later opens need no file. */
	static iconv_t kept[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		if (charsets[i].iconv != NULL && kept[i] == NULL)
			kept[i] = iconv_open("UTF-8", charsets[i].iconv);
	}
}

/* One call; returns errno's value or 0. Whatever was converted is in out, *in moves on. */
static int
convert_some(iconv_t cd, struct slice *in, struct buf *out)
{
	/* iconv's signature lacks the const it keeps to */
	union {
		const uint8_t *in;
		char *text;
	} from = { in->data };
	size_t left = in->len, room = size_min(STEP, out->max - out->len), before;
	char *to = room == 0 ? NULL : (char *)buf_reserve(out, room);
	int rc;

	if (to == NULL) {
		out->err = out->err != 0 ? out->err : ERR_LIMIT;
		return ENOMEM;
	}
	before = room;
	rc = iconv(cd, &from.text, &left, &to, &room) == (size_t)-1 ? errno : 0;
	buf_commit(out, before - room);
	if (rc == E2BIG && room == before && out->len == out->max)
		out->err = ERR_LIMIT;
	*in = slice_from(*in, in->len - left);
	return rc;
}

/* Some sets hold a character back until they see what follows. */
static void
convert_end(iconv_t cd, struct buf *out)
{
	char held[16], *to = held;
	size_t room = sizeof held;

	(void)iconv(cd, NULL, NULL, &to, &room);
	(void)buf_put(out, held, sizeof held - room);
}

static int
convert(iconv_t cd, struct slice in, struct buf *out)
{
	while (in.len > 0 && out->err == 0) {
		size_t before = in.len, had = out->len;
		int rc = convert_some(cd, &in, out);

		if (rc == EILSEQ || rc == EINVAL) {
			(void)utf8_put(out, UTF8_REPLACEMENT);
			in = slice_from(in, 1);
		} else if (rc == E2BIG && in.len == before && out->len == had) {
			out->err = ERR_LIMIT; /* not even one character has room */
		}
	}
	if (out->err == 0)
		convert_end(cd, out);
	return out->err;
}

static int
convert_by_iconv(const char *name, struct slice in, struct buf *out, struct error *e)
{
	iconv_t cd = iconv_open("UTF-8", name);
	union {
		intptr_t number;
		iconv_t cd;
	} failed = { -1 };

	if (cd == failed.cd)
		return error_set(e, ERR_UNSUPPORTED, "the system has no converter for the character set %s", name);
	(void)convert(cd, in, out);
	(void)iconv_close(cd);
	return out->err == 0 ? 0 : error_set(e, out->err, "text is longer than permitted here");
}

int
charset_to_utf8(struct slice name, struct slice in, struct buf *out, struct error *e)
{
	const struct charset *c = find(name);
	bool ascii_name = c != NULL &&
	    (slice_istarts(slice_str(c->name), SLICE("us-")) || slice_istarts(slice_str(c->name), SLICE("a")));

	if (c == NULL)
		return error_set(e, ERR_UNSUPPORTED, "the character set %.*s is not known here",
		    (int)size_min(name.len, 40), name.len == 0 ? "" : (const char *)name.data);
	if (c->iconv != NULL)
		return convert_by_iconv(c->iconv, in, out, e);
	if (ascii_name && !utf8_valid(in))
		return convert_by_iconv("WINDOWS-1252", in, out, e);
	if (utf8_put_repaired(out, in) != 0)
		return error_set(e, out->err, "text is longer than permitted here");
	return 0;
}
