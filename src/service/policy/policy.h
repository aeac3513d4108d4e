/* SPDX-License-Identifier: ISC */
/*
 * What a connection to another server must be before mail is given to it. In
 * this order, and what decides is named in the facts of the delivery:
 *
 *   1. the operator's rule for the domain: always encrypted, verified, pinned, or only by DANE
 *   2. DANE (RFC 7672), when the way to the host is signed and it has TLSA records
 *   3. MTA-STS (RFC 8461), when there is a policy in mode enforce
 *   4. REQUIRETLS of the message (RFC 8689)
 *   else TLS when the host has it, whoever it is, and clear when it has not
 *
 * A message with "TLS-Required: No" (RFC 8689 section 5) goes whatever 2 and 3
 * say, but not against 1.
 */
#ifndef SERVICE_POLICY_POLICY_H
#define SERVICE_POLICY_POLICY_H

#include "base/error.h"
#include "net/tls_outgoing.h"
#include "service/queue/queue.h"
#include "service/resolve.h"

enum policy_operator { /* the operator's rule for a domain */
	POLICY_OPERATOR_NONE,
	POLICY_OPERATOR_ENCRYPT,
	POLICY_OPERATOR_VERIFY,
	POLICY_OPERATOR_PIN,
	POLICY_OPERATOR_DANE,
};

enum policy_sts { POLICY_STS_NONE, POLICY_STS_TESTING, POLICY_STS_ENFORCE };

#define POLICY_MX_MAX 32u /* patterns of an MTA-STS policy */

/* A domain's, as far as known; borrowed. */
struct policy_domain {
	struct slice domain;
	enum policy_operator rule;
	uint8_t pin[TLS_PIN_SIZE]; /* POLICY_OPERATOR_PIN */
	enum policy_sts sts;
	const struct slice *mx; /* patterns: "mail.example.org", "*.example.org" */
	size_t mx_count;
};

struct policy_input {
	const struct policy_domain *domain;
	const struct resolve_host *host;
	bool sure;      /* the host's name is the domain's word: its MX records are signed, or it has none */
	uint32_t flags; /* of the message: enum queue_flag */
};

struct policy_decision {
	bool permitted; /* false: nothing may be given to this host now; why says the reason. Another host may do */
	char why[200];
	bool for_good;               /* with that: trying again does not help */
	bool no_dane;                /* with that: the operator wants DANE, and the host has none */
	bool must_tls;               /* clear is not enough */
	bool must_require_tls;       /* the host must offer REQUIRETLS, too */
	enum tls_outgoing_need need; /* when TLS is spoken */
	struct slice names[3];       /* as in tls_outgoing_config; slices of host's and domain's */
	size_t name_count;
	const struct slice *tlsa; /* of the host */
	size_t tlsa_count;
	struct slice pin;
	enum queue_policy policy; /* what asked for it */
	char source[96];          /* "DANE, TLSA of mx.example.org"; "MTA-STS, mode enforce" */
	bool
	    testing; /* MTA-STS in mode testing would not have permitted the host, or needs a valid certificate: report it */
};

/* Without effects; any thread. */
void policy_decide(const struct policy_input *in, struct policy_decision *out);

#endif
