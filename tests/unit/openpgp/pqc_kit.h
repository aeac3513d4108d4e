/* SPDX-License-Identifier: ISC */
/* What the tests of RFC 9980 share. */
#ifndef TESTS_PQC_KIT_H
#define TESTS_PQC_KIT_H

#include "openpgp/frame/packet.h"
#include "openpgp/key/pqc.h"
#include "openpgp/message/session.h"
#include "openpgp_helpers.h"
#include "unit.h"

#define NOW 1764200000u

/* The sentence for a person: which algorithm, and what is needed. */
static inline void __attribute__((unused)) assert_says_what_is_needed(const struct error *e, uint8_t algorithm)
{
	assert_non_null(strstr(e->text, pgp_algorithm_name(algorithm)));
	assert_non_null(strstr(e->text, "3.5 or later"));
}

static inline struct pgp_packet __attribute__((unused)) first_packet(struct slice in, uint8_t type)
{
	struct pgp_packet p;
	size_t at = 0;

	assert_int_equal(pgp_packet_next(in, &at, &p, &unit_error), 1);
	assert_int_equal(p.header.type, type);
	return p;
}

#endif
