/* SPDX-License-Identifier: ISC */
/* What is read from a packet is within its bounds and prints; put into a packet of the plainest kind it is read again. */
#include <stdlib.h>

#include "net/dns_packet.h"

#define BUDGET (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(struct slice text)
{
	if (text.len == 0 || text.len > DNS_TEXT_MAX)
		abort();
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > 126)
			abort();
}

/* As in a zone file: one line of what prints. */
static void
check_records(uint16_t type, const struct dns_answer *answer)
{
	struct buf text;

	for (size_t i = 0; i < answer->record_count; i++) {
		buf_init(&text, 5 * DNS_RECORDS_OCTETS);
		if (dns_record_text(type, answer->records[i], &text, NULL) == 0 && text.len == 0)
			abort();
		for (size_t k = 0; k < text.len; k++)
			if (text.data[k] < ' ' || text.data[k] > 126)
				abort();
		buf_done(&text);
	}
}

/* All names of it are the root. */
static void
put_plain(struct buf *out, uint16_t type, const struct dns_answer *answer)
{
	(void)buf_put_u32(out, 0x00008000u | answer->rcode);
	(void)buf_put_u16(out, 1);
	(void)buf_put_u16(out, (uint16_t)answer->record_count);
	(void)buf_put_u32(out, 0);
	(void)buf_put(out, "\0\0\1\0\1", 5);
	for (size_t i = 0; i < answer->record_count; i++) {
		(void)buf_put_u8(out, 0);
		(void)buf_put_u16(out, type);
		(void)buf_put_u16(out, 1);
		(void)buf_put_u32(out, answer->ttl);
		(void)buf_put_u16(out, (uint16_t)answer->records[i].len);
		(void)buf_put_slice(out, answer->records[i]);
	}
}

static void
check_again(uint16_t type, const struct dns_answer *answer)
{
	struct dns_answer again = { 0 };
	struct arena a;
	struct buf plain;

	arena_init(&a, BUDGET);
	buf_init(&plain, BUDGET);
	put_plain(&plain, type, answer);
	if (plain.err != 0 || dns_packet_read(buf_slice(&plain), type, &a, &again, NULL) != 0 ||
	    again.record_count != answer->record_count || again.rcode != answer->rcode)
		abort();
	for (size_t i = 0; i < again.record_count; i++)
		if (!slice_eq(again.records[i], answer->records[i]))
			abort();
	buf_done(&plain);
	arena_done(&a);
}

/* The first two octets are the type. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_answer answer = { 0 };
	struct arena a;
	uint16_t type;

	if (size < 2)
		return 0;
	type = (uint16_t)(data[0] << 8 | data[1]);
	arena_init(&a, BUDGET);
	if (dns_packet_read(slice_of(data + 2, size - 2), type, &a, &answer, NULL) == 0) {
		check_text(answer.canonical);
		if (answer.record_count > DNS_RECORDS_MAX)
			abort();
		check_records(type, &answer);
		check_again(type, &answer);
	}
	arena_done(&a);
	return 0;
}
