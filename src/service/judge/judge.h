/* SPDX-License-Identifier: ISC */
/*
 * Where a stranger's message is from, and what becomes of it for that: SPF,
 * DKIM, ARC and DMARC (mailauth/), each asking DNS at its own pace, beside each
 * other. One object for each message; nobody waits for it but the answer to
 * the message's end, and that no longer than JUDGE_MS: what is not known by then
 * is "temperror".
 *
 * Whose names are asked about, the sender chooses, and he may have servers that
 * answer slowly, or ask for much. What he can make us wait for must not be what
 * lets his message through. So the clock runs from the message's end, however
 * long that took to come; DMARC has time and look-ups of its own behind the
 * others'; and what was not even asked for, as all was spent, is no doubt in the
 * sender's favour.
 *
 *   judge_new(&in, &j, e)         at DATA: SPF asks from here on
 *   judge_header(j, block)        once, as it came
 *   judge_body(j, piece)
 *   judge_end(j, now)
 *   while (!judge_step(j, now))   the connection is woken when that is worth while
 *           ...
 *   judge_verdict(j)
 *
 * What a failure does is the operator's policy (struct judge_policy). By
 * default a message is refused for one thing alone: that the owner of the
 * domain in its From has said, by DMARC, to refuse what is not from there. But
 * RFC 9989 section 7.4 wants more than that to be looked at: it is accepted when
 * it came by a forwarder whom the operator trusts, by address, or by the seals of
 * a chain that says that it was right before (RFC 8617); and it goes to Junk when
 * it says that it is of a mailing list and SPF or DKIM vouch for somebody else.
 * What names no author, or more than can be judged (section 11.5), goes there too.
 *
 * All but lookups' answers happens on the connection's loop.
 */
#ifndef SERVICE_JUDGE_JUDGE_H
#define SERVICE_JUDGE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "mailauth/arc/verify.h"
#include "mailauth/dmarc/dmarc.h"
#include "mailauth/results/results.h"
#include "os/port.h"

#define JUDGE_POLICY_MS 10000 /* for DMARC's look-ups: two of DNS_LOOKUP_MS; most messages have one or two */
#define JUDGE_MS \
	(20000 + JUDGE_POLICY_MS) /* for all of a message's; RFC 7208 section 4.6.4 wants 20 s at least for SPF's */
#define JUDGE_LOOKUPS_MAX \
	250u /* of SPF (two of RFC 7208's worst would have 222), and of keys (8, 100 of ARC's); honest messages have below 30 */
#define JUDGE_POLICY_LOOKUPS_MAX MAILAUTH_DMARC_QUESTIONS_MAX /* and of DMARC */
#define JUDGE_FIELD_MAX (16u << 10)                           /* octets of the field with the results */
#define JUDGE_TRUSTED_MAX 64u                                 /* sealers and forwarders: CONFIG_LIST_MAX */

enum judge_dmarc { /* what is done when DMARC says "reject" */
	JUDGE_DMARC_OBEY = 0,
	JUDGE_DMARC_QUARANTINE = 1,
	JUDGE_DMARC_IGNORE = 2,
};

enum judge_spf { /* what is done when SPF says "fail", by itself */
	JUDGE_SPF_IGNORE = 0,
	JUDGE_SPF_QUARANTINE = 1,
	JUDGE_SPF_REJECT = 2,
};

struct judge_policy {
	uint32_t dmarc_reject;       /* enum judge_dmarc */
	uint32_t spf_fail;           /* enum judge_spf */
	const struct slice *sealers; /* domains whose seals are believed */
	size_t sealer_count;
	const struct slice
	    *forwarders; /* numeric addresses that forward mail to us, for which SPF and DMARC say nothing */
	size_t forwarder_count;
};

struct conn;
struct resolve_name;

/* Texts are copied; resolver, policy and name must live as long as the judge. */
struct judge_in {
	struct port *resolver; /* may be NULL: all is "temperror" */
	struct conn *wake;     /* may be NULL: it is asked again and again */
	const struct judge_policy *policy;
	struct slice hostname; /* ours: the authserv-id */
	struct slice address;  /* of the client; not numeric: SPF says nothing */
	struct slice hello;
	struct slice from;               /* of the envelope; empty: the null sender */
	const struct resolve_name *name; /* of the client; may be NULL */
	bool goes_on;                    /* it will go to others too, with a seal: the body's hash is wanted */
	uint64_t now;                    /* unix seconds */
};

enum judge_action {
	JUDGE_ACCEPT,
	JUDGE_JUNK,
	JUDGE_REFUSE,
	JUDGE_LATER, /* there was nobody to ask what the policy is: who makes that so must not profit */
};

struct judge_verdict {
	enum judge_action action;
	bool refused_for_spf;          /* REFUSE: else for DMARC */
	struct slice author;           /* the domain that DMARC is about, or of SPF; for the reply */
	struct slice field;            /* Authentication-Results, with its CR LF */
	struct auth_results results;   /* the same, for a seal */
	const struct arc_verdict *arc; /* NULL: nobody looked */
	struct slice body_hash;        /* for a seal: of the relaxed body; empty: not wanted, or it could not be made */
	/* words for the log */
	const char *spf, *dkim, *arc_word, *dmarc;
	const char *why; /* what was done otherwise than DMARC wants; NULL: nothing */
};

struct judge;

int judge_new(const struct judge_in *in, struct judge **out, struct error *e); /* ERR_NOMEM, ERR_CRYPTO */
/* Any thread; look-ups under way are let go. NULL is permitted. */
void judge_free(struct judge *j);
void judge_header(struct judge *j, struct slice block);
void judge_body(struct judge *j, struct slice piece);
void judge_end(struct judge *j, int64_t now_ms);
/* Goes on with what was answered. True: the verdict is there. */
bool judge_step(struct judge *j, int64_t now_ms);
/* When judge_step() is due at the latest; MACHINE_NEVER before the end. */
int64_t judge_deadline(const struct judge *j);
/* Lives as long as j. */
const struct judge_verdict *judge_verdict(const struct judge *j);
/* ---- forged results ---- */

/*
 * Appends the header block without those Authentication-Results fields that
 * claim to be ours (RFC 8601 section 5). Returns how many they were; negative:
 * out's error.
 */
int judge_strip(struct slice header, struct slice hostname, struct buf *out);

#endif
