/* SPDX-License-Identifier: ISC */
/*
 * A message whose keys are what stands in front of the first line "--". Nothing passes that was not signed with a real
 * key, questions are bounded, and what may be signed names whose it is.
 */
#include <stdlib.h>

#include "mailauth/arc/seal.h"
#include "mailauth/arc/verify.h"
#include "mailauth/name.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_claim(struct slice octets)
{
	struct arc_seal_claim claim;

	if (arc_seal_claim(octets, &claim, NULL) != 0)
		return;
	if (claim.domain.len == 0 || claim.selector.len == 0 || claim.instance == 0 ||
	    claim.instance > MAILAUTH_ARC_SETS_MAX || claim.algorithm == DKIM_RSA_SHA1)
		abort();
}

static void
check_sets(const struct arc_verify *v)
{
	const struct arc_verdict *verdict = arc_verify_verdict(v);
	struct auth_results results;
	struct arena a;

	if (verdict->count > MAILAUTH_ARC_SETS_MAX || verdict->oldest_pass > verdict->count ||
	    verdict->reason[0] == '\0')
		abort();
	if (verdict->result == ARC_PASS && (verdict->count == 0 || !arc_verify_set(v, verdict->count)->message_holds))
		abort();
	arena_init(&a, 1 << 20);
	for (size_t i = 1; i <= verdict->count; i++)
		if (auth_results_parse(arc_verify_set(v, i)->results, true, &a, &results, NULL) == 0 &&
		    results.instance != i)
			abort();
	arena_done(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice mark = { (const uint8_t *)"\n--\n", 4 };
	struct slice in = slice_of(data, size), record = SLICE_EMPTY, header;
	struct arc_verify_config config = { .now = 1700000000 };
	size_t at = slice_search(in, mark), questions = 0;
	struct mailauth_answer answer = { .found = MAILAUTH_FOUND, .records = &record, .record_count = 1 };
	struct mailauth_question question;
	struct arc_verify *v;

	check_claim(in);
	if (at != SIZE_MAX) {
		record = slice_sub(in, 0, at);
		in = slice_from(in, at + mark.len);
	}
	header = slice_sub(in, 0, mime_header_length(in));
	if (arc_verify_new(&config, header, &v, NULL) != 0)
		return 0;
	arc_verify_body(v, slice_from(in, header.len));
	while (arc_verify_next(v, &question) == ARC_VERIFY_LOOKUP) {
		if (++questions > 2 * MAILAUTH_ARC_SETS_MAX || !mailauth_name_can_be(question.name))
			abort();
		arc_verify_answer(v, &answer);
	}
	check_sets(v);
	arc_verify_free(v);
	return 0;
}
