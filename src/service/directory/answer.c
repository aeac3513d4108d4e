/* SPDX-License-Identifier: ISC */
#include "service/directory/answer.h"

#include "openpgp/frame/armor.h"
#include "service/directory/directory.h"
#include "service/directory/fetch.h"

void
directory_find(struct web_call *call, const struct directory_query *q, uint32_t version,
    void (*then)(struct web_call *call, const struct store_certificate_seen *seen))
{
	static const uint32_t by[] = {
		[DIRECTORY_BY_FINGERPRINT] = STORE_BY_FINGERPRINT,
		[DIRECTORY_BY_KEY_ID] = STORE_BY_KEY_ID,
		[DIRECTORY_BY_SHORT_ID] = STORE_BY_SHORT_ID,
		[DIRECTORY_BY_ADDRESS] = STORE_BY_ADDRESS,
	};
	const struct store_certificate_look look = {
		.by = by[q->by],
		.value = q->octet_count > 0 ? slice_of(q->octets, q->octet_count) : q->text,
		.version = version,
		.limit = DIRECTORY_MATCHES_MAX,
	};

	directory_fetch(call, &look, then);
}

void
directory_say_none(struct web_call *call)
{
	web_call_say(call, 404, "No certificate here matches.");
}

static int
armor_many(struct web_call *call, const struct store_certificate_seen *seen, struct error *e)
{
	BUF_OWNED struct buf binary = { 0 };

	buf_init(&binary, WEB_ANSWER_MAX);
	if (seen->more)
		(void)buf_putf(
		    &call->answer, "Only the first %zu of those that match are here.\n", seen->certificate_count);
	for (size_t i = 0; i < seen->certificate_count; i++)
		(void)buf_put_slice(&binary, seen->certificates[i].data);
	return binary.err != 0 ? error_set(e, binary.err, "the answer is too large")
			       : pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, true, buf_slice(&binary), &call->answer, e);
}

void
directory_give_armored(struct web_call *call, const struct store_certificate_seen *seen)
{
	struct error e;
	int rc;

	if (seen->certificate_count == 0) {
		directory_say_none(call);
		return;
	}
	if (seen->certificate_count == 1 && !seen->more)
		rc = pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, true, seen->certificates[0].data, &call->answer, &e);
	else
		rc = armor_many(call, seen, &e);
	if (rc != 0)
		web_call_fail(call, &e);
	else
		web_call_finish(call, 200, DIRECTORY_TYPE_ARMORED);
}

void
directory_give_v2(struct web_call *call, const struct store_certificate_seen *seen)
{
	if (seen->certificate_count == 0) {
		directory_say_none(call);
		return;
	}
	for (size_t i = 0; i < seen->certificate_count; i++)
		(void)buf_put_slice(&call->answer, seen->certificates[i].data);
	web_call_finish(call, 200, DIRECTORY_TYPE_V2);
}

void
directory_keep(struct web_call *call, const struct store_certificate_seen *seen, void (*stage)(struct web_call *call))
{
	struct directory_found *f = call->found;

	if (seen->certificate_count == 0) {
		directory_say_none(call);
		return;
	}
	f->certificates = arena_array(&call->arena, seen->certificate_count, sizeof *f->certificates);
	for (size_t i = 0; f->certificates != NULL && i < seen->certificate_count; i++)
		f->certificates[f->count++] = arena_copy(&call->arena, seen->certificates[i].data);
	f->more = seen->more;
	if (call->arena.err != 0)
		web_call_say(call, 503, "The answer does not fit into memory.");
	else
		web_call_later(call, call->service->workers, stage);
}
