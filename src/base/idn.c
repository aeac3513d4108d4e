/* SPDX-License-Identifier: ISC */
#include "base/idn.h"

#include <idn2.h>
#include <string.h>

#include "base/utf8.h"

static int
put_small(struct slice name, struct buf *out, struct error *e)
{
	for (size_t i = 0; i < name.len; i++)
		(void)buf_put_u8(out, ascii_lower(name.data[i]));
	return out->err == 0 ? 0 : error_set(e, out->err, "the domain does not fit");
}

/*
 * Compatibility forms become ASCII (UTS 46): a fullwidth commercial at becomes an "@", and behind it a name would seem to
 * be another one. An underscore is in names of DNS that are no host's.
 */
static bool
is_name(const char *ascii)
{
	for (; *ascii != '\0'; ascii++) {
		char c = (char)ascii_lower((uint8_t)*ascii);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
			return false;
	}
	return true;
}

int
idn_to_ascii(struct slice name, struct buf *out, struct error *e)
{
	char text[IDN_NAME_MAX + 1];
	uint8_t *ascii = NULL;
	int rc;

	if (utf8_is_ascii(name))
		return put_small(name, out, e);
	if (name.len > IDN_NAME_MAX)
		return error_set(e, ERR_LIMIT, "a domain has at most %u octets", IDN_NAME_MAX);
	if (!utf8_valid(name) || slice_find(name, 0) != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a domain is UTF-8");
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	/* Not transitional: two names that differ must not become one (RFC 5891 section 4.2.2 has sharp s and final sigma). */
	rc = idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc == IDN2_MALLOC)
		return error_nomem(e);
	if (rc != IDN2_OK)
		return error_set(e, ERR_SYNTAX, "no domain can be called so: %s", idn2_strerror(rc));
	if (is_name((const char *)ascii))
		rc = put_small(slice_str((const char *)ascii), out, e);
	else
		rc = error_set(
		    e, ERR_SYNTAX, "no domain can be called so: it has characters that stand for punctuation");
	idn2_free(ascii);
	return rc;
}
