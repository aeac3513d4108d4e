/* SPDX-License-Identifier: ISC */
/* The queue of a box, for tests. */
#ifndef TESTS_STORE_QUEUE_H
#define TESTS_STORE_QUEUE_H

#include "store/box.h"

#define QUEUE_LETTER "Return-Path: <a@example.org>\r\nSubject: hello\r\n\r\nText of it\r\n"
#define QUEUE_SKIP 30u
#define QUEUE_SENT "Subject: hello\r\n\r\nText of it\r\n"

/* "local@domain", each; the domain is its destination. */
BOX_FN void
box_queue_recipients(struct store_queue_to *to, const char *const *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct slice a = slice_str(addresses[i]);

		to[i] = (struct store_queue_to){ .address = a, .domain = slice_from(a, slice_find_last(a, '@') + 1) };
	}
}

BOX_FN struct store_queue_letter
box_queue_letter(const struct store_queue_to *to, size_t count)
{
	return (struct store_queue_letter){
		.content = { .data = slice_str(QUEUE_LETTER), .header_size = QUEUE_SKIP + 18 },
		.out = { .account = 1,
		    .skip = QUEUE_SKIP,
		    .sender = SLICE("a@example.org"),
		    .lifetime_s = 86400,
		    .recipients = to,
		    .recipient_count = count },
	};
}

BOX_FN uint64_t
box_queue_put(struct box *b, const char *const *addresses, size_t count)
{
	struct store_queue_to to[16];
	struct store_queue_letter in;
	struct store_queue_kept kept;

	assert_in_range(count, 1, 16);
	box_queue_recipients(to, addresses, count);
	in = box_queue_letter(to, count);
	assert_ok(store_queue_put(b->port, &in, &b->arena, &kept, &unit_error));
	assert_true(kept.queue != 0 && kept.inboxes == 0);
	return kept.queue;
}

BOX_FN struct store_queue_leased
box_queue_lease(struct box *b, uint32_t max, uint32_t of_one, uint32_t seconds)
{
	struct store_queue_lease in = { .messages_max = max, .domain_messages_max = of_one, .lease_s = seconds };
	struct store_queue_leased out;

	assert_ok(store_queue_lease(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

BOX_FN int
box_queue_settle(
    struct box *b, const struct store_queue_entry *entry, size_t recipient, uint32_t result, uint32_t retry_s)
{
	struct store_queue_outcome o = { .position = entry->recipients[recipient].position,
		.result = result,
		.retry_s = retry_s,
		.status = SLICE("4.2.0"),
		.text = SLICE("451 4.2.0 come again"),
		.facts = { .mx_name = SLICE("mx.example"), .tls_version = SLICE("TLSv1.3") } };
	struct store_queue_settle in = {
		.queue = entry->queue, .lease = entry->lease, .outcomes = &o, .outcome_count = 1
	};
	struct store_queue_settled out;

	return store_queue_settle(b->port, &in, &b->arena, &out, &unit_error);
}

BOX_FN struct store_queue_totals
box_queue_totals(struct box *b)
{
	struct store_queue_totals out;

	assert_ok(store_queue_totals(b->port, &(struct store_nothing){ 0 }, &b->arena, &out, &unit_error));
	return out;
}

/* Every promise of the store holds. */
BOX_FN void
box_queue_verify(struct box *b)
{
	for (uint32_t part = 0; part < STORE_VERIFY_PARTS; part++) {
		struct store_verify in = { .part = part };
		struct store_verified out;

		do {
			assert_ok(store_verify(b->port, &in, &b->arena, &out, &unit_error));
			for (size_t i = 0; i < out.finding_count; i++)
				fail_msg(
				    "%.*s", (int)out.findings[i].text.len, (const char *)out.findings[i].text.data);
			in.after = out.after;
			in.behind = out.behind;
		} while (out.more);
	}
}

#endif
