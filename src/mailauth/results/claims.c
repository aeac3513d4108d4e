/* SPDX-License-Identifier: ISC */
#include "base/idn.h"
#include "mailauth/name.h"
#include "mailauth/results/results.h"
#include "mime/lex.h"

/*
 * Whoever reads the field later reads it in his own way. So this asks of
 * several ways in which the identifier could be read whether it is ours.
 */

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* What may be in a name, U-labels too. */
static bool
is_name_octet(uint8_t c)
{
	uint8_t lower = ascii_lower(c);

	return c >= 0x80 || (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.';
}

/* Both as A-labels, dots at the end aside. Below counts too: what is under our name is ours. */
static bool
is_ours(struct slice name, struct slice server)
{
	BUF_OWNED struct buf ascii = { .max = IDN_NAME_MAX }, ours = { .max = IDN_NAME_MAX };

	while (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len > IDN_NAME_MAX || idn_to_ascii(name, &ascii, NULL) != 0)
		return true; /* no name that we can tell from ours */
	if (idn_to_ascii(mailauth_name_bare(server), &ours, NULL) != 0)
		return true;
	return mailauth_name_below(buf_slice(&ascii), buf_slice(&ours));
}

/* What belongs to the same word as a name, but not to the name. */
static bool
stands_in_word(uint8_t c)
{
	return c > ' ' && c != '=' && c != ';' && c != '(' && c != '"';
}

/* The identifier as the grammar has it, quoted or not, up to the first octet that stands in no name. */
static bool
word_is_ours(struct slice value, struct slice server)
{
	struct mime_lex lex = { .in = value };
	BUF_OWNED struct buf word = { .max = value.len };
	struct slice name;
	size_t len = 0;

	(void)mime_lex_skip(&lex);
	if (mime_lex_peek(&lex) == '"')
		mime_lex_quoted(&lex, &word);
	while (lex.at < lex.in.len && is_name_octet(lex.in.data[lex.at]))
		(void)buf_put_u8(&word, lex.in.data[lex.at++]);
	while (lex.at < lex.in.len && stands_in_word(lex.in.data[lex.at]))
		lex.at++;
	(void)mime_lex_skip(&lex);
	name = slice_trim(buf_slice(&word));
	while (len < name.len && is_name_octet(name.data[len]))
		len++;
	/* Nothing, or the first result in its place, or a comment or quote without end. */
	if (len == 0 || word.err != 0 || lex.broken || mime_lex_peek(&lex) == '=')
		return true;
	return is_ours(slice_sub(name, 0, len), server);
}

/* Another version than 1 is for nobody to read (RFC 8601 section 5). */
static bool
has_version(struct slice value)
{
	struct mime_lex lex = { .in = slice_split(value, ';', &value) };
	uint64_t version = 1;
	size_t start, len = 0;

	(void)mime_lex_skip(&lex);
	while (lex.at < lex.in.len && is_name_octet(lex.in.data[lex.at]))
		lex.at++;
	(void)mime_lex_skip(&lex);
	start = lex.at;
	while (start + len < lex.in.len && is_digit(lex.in.data[start + len]))
		len++;
	return len > 0 && (!slice_to_u64(slice_sub(lex.in, start, len), UINT32_MAX, &version) || version != 1);
}

/* All that stands in front of the first ';', without comments, quotes and spaces; a version behind it aside. */
static bool
squeezed_is_ours(struct slice value, struct slice server)
{
	struct mime_lex lex = { .in = value };
	BUF_OWNED struct buf text = { .max = value.len };
	struct slice name;

	while (lex.at < lex.in.len && lex.in.data[lex.at] != ';') {
		uint8_t c = lex.in.data[lex.at];

		if (mime_lex_skip(&lex))
			continue;
		lex.at++;
		if (is_name_octet(c))
			(void)buf_put_u8(&text, c);
	}
	name = buf_slice(&text);
	if (text.err != 0 || (name.len > 0 && is_ours(name, server)))
		return true;
	while (name.len > 0 && is_digit(name.data[name.len - 1]))
		name.len--;
	return name.len > 0 && is_ours(name, server);
}

bool
auth_results_claims(struct slice value, struct slice server)
{
	return word_is_ours(value, server) || has_version(value) || squeezed_is_ours(value, server);
}
