/* SPDX-License-Identifier: ISC */
#include "base/words.h"

int
words_write(struct buf *out, struct slice octets)
{
	for (size_t i = 0; i < octets.len; i++) {
		if (i > 0)
			(void)buf_put_u8(out, ' ');
		(void)buf_put_str(out, words_table[octets.data[i]][i % 2]);
	}
	return out->err;
}

static bool
separates(uint8_t c)
{
	return c == ' ' || c == '-' || c == '\n' || c == '\r' || c == '\t';
}

static struct slice
next_word(struct slice text, size_t *at)
{
	size_t from;

	while (*at < text.len && separates(text.data[*at]))
		++*at;
	from = *at;
	while (*at < text.len && !separates(text.data[*at]))
		++*at;
	return slice_sub(text, from, *at - from);
}

bool
words_read(struct slice text, struct buf *out)
{
	struct slice word;
	size_t at = 0, place = 0;

	for (; (word = next_word(text, &at)).len > 0; place++) {
		unsigned octet = 0;

		while (octet < 256 && !slice_ieq_str(word, words_table[octet][place % 2]))
			octet++;
		if (octet == 256 || buf_put_u8(out, (uint8_t)octet) != 0)
			return false;
	}
	return place > 0;
}
