/* SPDX-License-Identifier: ISC */
/* Inside service/judge/: one message's judge (judge.c), and what is made of its machines' results (verdict.c). */
#ifndef SERVICE_JUDGE_INTERNAL_H
#define SERVICE_JUDGE_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "mailauth/dkim/canon.h"
#include "mailauth/dkim/verify.h"
#include "service/judge/judge.h"
#include "service/judge/lookup.h"
#include "service/judge/sender.h"

enum lane_kind { LANE_HELO, LANE_FROM, LANE_DKIM, LANE_ARC, LANE_DMARC, LANE_COUNT };

/* One machine, its question under way, and whether it has no more. */
struct lane {
	void *machine; /* NULL: there is nothing to find out */
	struct lookup *under_way;
	bool done;
	bool cut; /* something was not asked for: time or look-ups were spent */
};

struct judge {
	struct arena arena;
	struct port *resolver;
	struct conn *wake;
	const struct judge_policy *policy;
	const struct resolve_name *name;
	struct slice hostname, address, from;
	uint64_t now;
	int64_t until_ms; /* for DMARC; the others have JUDGE_POLICY_MS less */
	unsigned lookups, policy_lookups;
	struct lane lanes[LANE_COUNT];
	bool headed, ended, over;
	bool listed; /* it says that it is of a mailing list */
	struct dmarc_authors authors;
	struct dkim_body *body; /* its hash for a seal; NULL: it is not wanted */
	struct judge_verdict verdict;
};

static inline struct sender *
judge_sender(const struct judge *j, enum lane_kind which)
{
	return j->lanes[which].machine;
}

/* SPF of the envelope's sender; without one, of what it called itself (RFC 7208 section 2.4). */
struct sender_found judge_from(const struct judge *j);
/* All lanes are done: fills j->verdict. */
void judge_conclude(struct judge *j);

#endif
