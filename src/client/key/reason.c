/* SPDX-License-Identifier: ISC */
#include "client/key/reason.h"

#include "os/terminal.h"

int
key_reason_parse(const char *word, uint8_t *out, struct error *e)
{
	static const struct {
		const char *word;
		uint8_t reason;
	} reasons[] = { { "unspecified", PGP_REASON_NONE }, { "superseded", PGP_REASON_SUPERSEDED },
		{ "retired", PGP_REASON_RETIRED }, { "compromised", PGP_REASON_COMPROMISED } };

	*out = PGP_REASON_NONE;
	if (word == NULL)
		return 0;
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (slice_ieq_str(slice_str(word), reasons[i].word)) {
			*out = reasons[i].reason;
			return 0;
		}
	}
	return error_set(
	    e, ERR_USAGE, "'%.40s' is no reason: say superseded, retired, compromised or unspecified", word);
}

int
key_confirm(const char *question, bool yes, struct error *e)
{
	bool answer = false;
	int rc;

	if (yes)
		return 0;
	if (!terminal_can_ask())
		return error_set(e, ERR_USAGE, "nobody can be asked whether it shall be so; --yes says that it shall");
	rc = terminal_ask_yes(question, &answer, e);
	if (rc == 0 && !answer)
		rc = error_set(e, ERR_DENIED, "nothing was changed");
	return rc;
}
