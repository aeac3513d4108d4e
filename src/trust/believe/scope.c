/* SPDX-License-Identifier: ISC */
#include "trust/believe/scope.h"

#include "openpgp/limits.h"

static bool
is_of_a_domain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c >= 0x80;
}

int
believe_domain_scope(const char *domain, bool with_bare, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf escaped = { .max = PGP_REGEX_MAX };

	for (const char *c = domain; *c != '\0'; c++) {
		uint8_t l = ascii_lower((uint8_t)*c);

		if (!is_of_a_domain(l) || (l == '.' && (c == domain || c[1] == '\0')))
			return error_set(e, ERR_USAGE, "'%.100s' is no domain", domain);
		if (l == '.')
			(void)buf_put_u8(&escaped, '\\');
		(void)buf_put_u8(&escaped, l);
	}
	if (escaped.len == 0 || escaped.err != 0)
		return error_set(e, ERR_USAGE, "'%.100s' is no domain", domain);
	(void)buf_putf(out, "<[^>]+[@.]%.*s>$", (int)escaped.len, (const char *)escaped.data);
	if (with_bare)
		(void)buf_putf(out, "|^[^<>]+[@.]%.*s$", (int)escaped.len, (const char *)escaped.data);
	return out->err != 0 ? error_set(e, ERR_USAGE, "the domain '%.100s' is too long", domain) : 0;
}
