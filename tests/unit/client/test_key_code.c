/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "client/key/code.h"

#define DIGITS "D1A66E1A23B182C9980F788CFBFCC82A015E7330"

static const struct {
	const char *text;
	int rc;
} rows[] = {
	{ "OPENPGP4FPR:" DIGITS, 0 },
	{ "openpgp4fpr:d1a66e1a23b182c9980f788cfbfcc82a015e7330", 0 },
	{ " OPENPGP4FPR:" DIGITS "\n", 0 },
	{ "OPENPGP4FPR:D1A6 6E1A 23B1 82C9 980F%20788C FBFC C82A 015E 7330", 0 },
	{ "OPENPGP4FPR:" DIGITS "#a=alice%40example.org&n=Alice&i=1&s=2", 0 }, /* Delta Chat */
	{ "OPENPGP4FPR:" DIGITS "?v=1", 0 },
	{ "OPENPGP4FPR:", ERR_SYNTAX },
	{ "OPENPGP4FPR:D1A66E1A", ERR_SYNTAX },
	{ "OPENPGP4FPR:" DIGITS "0", ERR_SYNTAX },
	{ "OPENPGP4FPR:" DIGITS "x", ERR_SYNTAX },
	{ "OPENPGP4FPR:" DIGITS DIGITS, ERR_SYNTAX },
	{ DIGITS, ERR_SYNTAX },
	{ "https://example.org/" DIGITS, ERR_SYNTAX },
	{ "", ERR_SYNTAX },
};

static void
codes(void **state)
{
	struct pgp_fingerprint want;

	(void)state;
	assert_ok(pgp_fingerprint_parse(SLICE(DIGITS), &want, &unit_error));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_fingerprint f;
		int rc = key_code_parse(slice_str(rows[i].text), &f, &unit_error);

		if (rc != rows[i].rc || (rc == 0 && !pgp_fingerprint_eq(&f, &want)))
			fail_msg("%s: %d", rows[i].text, rc);
	}
}

UNIT_MAIN(UNIT_TEST(codes))
