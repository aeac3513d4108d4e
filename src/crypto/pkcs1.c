/* SPDX-License-Identifier: ISC */
#include "crypto/pkcs1.h"

#define PADDING 11u /* 00 02, eight octets at least, 00 */

/* All ones when x is zero, else zero, without a branch. */
static unsigned
mask_zero(unsigned x)
{
	return (unsigned)0 - ((~x & (x - 1)) >> (sizeof x * 8 - 1));
}

/* All ones when the block is 00 02, octets that are not zero, 00, and then len octets. */
static unsigned
padding_mask(struct slice block, size_t len)
{
	unsigned bad = block.data[0] | (unsigned)(block.data[1] ^ 2) | block.data[block.len - len - 1];

	for (size_t i = 2; i < block.len - len - 1; i++)
		bad |= mask_zero(block.data[i]);
	return mask_zero(bad);
}

/* out has the longest length and holds random octets. Takes the message's over it when a padding fits. */
static void
take(struct slice block, const size_t *lengths, size_t count, struct secret *out)
{
	size_t chosen = lengths[count - 1];

	for (size_t i = 0; i < count; i++) {
		unsigned mask = padding_mask(block, lengths[i]);
		size_t wide = (size_t)0 - (size_t)(mask & 1);

		for (size_t k = 0; k < lengths[i]; k++)
			out->data[k] =
			    (uint8_t)((out->data[k] & ~mask) | (block.data[block.len - lengths[i] + k] & mask));
		chosen = (chosen & ~wide) | (lengths[i] & wide);
	}
	secret_cut(out, chosen);
}

int
pkcs1_take(struct slice block, const size_t *lengths, size_t length_count, struct secret *message_out, struct error *e)
{
	size_t longest = length_count == 0 ? 0 : lengths[length_count - 1];
	struct secret message;
	int rc;

	for (size_t i = 0; i < length_count; i++)
		longest = lengths[i] > longest ? lengths[i] : longest;
	if (length_count == 0 || longest + PADDING > block.len)
		return error_set(e, ERR_USAGE, "a key of %zu octets cannot hold a message of %zu", block.len, longest);
	rc = secret_random(&message, longest, e);
	if (rc != 0)
		return rc;
	take(block, lengths, length_count, &message);
	*message_out = message;
	return 0;
}
