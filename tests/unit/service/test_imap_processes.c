/* SPDX-License-Identifier: ISC */
/* The same transcripts with the session in this process and the store in another, over a socket. */
#include "imap_fixture.h"

static void
transcripts_in_two_processes(void **state)
{
	(void)state;
	play_all(true, false);
}

UNIT_MAIN(UNIT_TEST(transcripts_in_two_processes))
