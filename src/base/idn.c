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
	rc = put_small(slice_str((const char *)ascii), out, e);
	idn2_free(ascii);
	return rc;
}
