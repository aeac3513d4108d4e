/* SPDX-License-Identifier: ISC */
/* Where something is known from: names, and their order. */
#include "trust/store.h"

/* The names stand in files and answers: they stay. */
static const struct {
	enum trust_origin origin;
	const char *name;
} origins[TRUST_ORIGINS] = {
	{ TRUST_GOSSIP, "gossip" },
	{ TRUST_FIRST_USE, "first use" },
	{ TRUST_AUTOCRYPT, "autocrypt" },
	{ TRUST_KEYSERVER, "key server" },
	{ TRUST_CERT_D, "pgp.cert.d" },
	{ TRUST_IMPORTED, "imported" },
	{ TRUST_WKD, "wkd" },
	{ TRUST_DANE, "dane" },
	{ TRUST_DIRECTORY, "directory" },
	{ TRUST_CERTIFIED, "certified" },
	{ TRUST_VERIFIED, "verified" },
	{ TRUST_OWN, "own" },
};

enum trust_origin
trust_origin_at(size_t n)
{
	return origins[n < TRUST_ORIGINS ? n : TRUST_ORIGINS - 1].origin;
}

const char *
trust_origin_name(enum trust_origin o)
{
	for (size_t i = 0; i < TRUST_ORIGINS; i++) {
		if (origins[i].origin == o)
			return origins[i].name;
	}
	return "unknown";
}

bool
trust_origin_parse(struct slice name, enum trust_origin *out)
{
	for (size_t i = 0; i < TRUST_ORIGINS; i++) {
		if (slice_eq_str(name, origins[i].name)) {
			*out = origins[i].origin;
			return true;
		}
	}
	return false;
}
