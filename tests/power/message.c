/* SPDX-License-Identifier: ISC */
/* Messages that say themselves whether they are whole: X-Token: TOKEN LENGTH CRC-32 of what follows the header. */
#include <string.h>
#include <zlib.h>

#include "ledger.h"
#include "power.h"

#define HEADER_MAX 8192
static const char mark[] = "X-Token: ";

size_t
message_make(uint64_t token, size_t content, uint8_t *out)
{
	char head[100];
	uint8_t *data = power_alloc(content);
	uint64_t x = power_mix(token);
	size_t len;

	for (size_t i = 0; i < content; i++) {
		if (i % 8 == 0)
			x = x * 6364136223846793005ull + 1442695040888963407ull;
		data[i] = (uint8_t)(x >> (8 * (i % 8)));
	}
	len = (size_t)snprintf(head, sizeof head, "%s%llu %zu %lu\r\n\r\n", mark, (unsigned long long)token, content,
	    crc32(0, data, (unsigned)content));
	if (out != NULL) {
		memcpy(out, head, len);
		memcpy(out + len, data, content);
	}
	free(data);
	return len + content;
}

bool
message_read(const uint8_t *data, size_t len, uint64_t *token_out)
{
	char head[HEADER_MAX + 1], *at, *end;
	size_t head_len = len < HEADER_MAX ? len : HEADER_MAX, content;
	unsigned long sum;
	const uint8_t *body;

	memcpy(head, data, head_len);
	for (size_t i = 0; i < head_len; i++)
		head[i] = head[i] == 0 ? ' ' : head[i];
	head[head_len] = 0;
	at = strstr(head, mark);
	if (at == NULL)
		return false;
	*token_out = strtoull(at + sizeof mark - 1, &end, 10);
	content = strtoull(end, &end, 10);
	sum = strtoul(end, &end, 10);
	end = strstr(end, "\r\n\r\n");
	if (end == NULL || content > len || (size_t)(end + 4 - head) != len - content)
		return false;
	body = data + (end + 4 - head);
	return crc32(0, body, (unsigned)content) == sum;
}
