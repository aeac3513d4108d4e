/* SPDX-License-Identifier: ISC */
/* The transcripts of tests/transcripts/imap against the session, with the store in this process. */
#include "imap_fixture.h"

static void
transcripts(void **state)
{
	(void)state;
	play_all(false, false);
}

static void
transcripts_byte_by_byte(void **state)
{
	(void)state;
	play_all(false, true);
}

UNIT_MAIN(UNIT_TEST(transcripts), UNIT_TEST(transcripts_byte_by_byte))
