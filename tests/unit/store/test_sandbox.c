/* SPDX-License-Identifier: ISC */
/* The store in the sandbox that its process will have: what it opens late, it must be permitted to open. */
#include "store/folder.h"

#include <sys/wait.h>

#include "os/sandbox.h"

static void
keep_and_read(void)
{
	struct box b;
	uint64_t account;

	box_new(&b);
	b.options.segment_size = 4096;
	b.options.compact_rate = 1 << 30;
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (uint32_t i = 1; i <= 20; i++)
		(void)box_append(&b, account, 1, SLICE("Subject: x\r\n\r\ny\r\n"), 0);
	box_close(&b);
	/* Opened again: the log of the database is read, the segments are looked through. */
	box_open(&b);
	(void)box_append(&b, account, 1, SLICE("Subject: z\r\n\r\n"), 0);
	/* Space is given back, segments are compacted, everything is verified. */
	for (unsigned i = 0; i < 60; i++)
		folder_append(&b, account, 1, i, 500, NULL);
	folder_expunge(&b, account, 1, 5, 60);
	(void)usleep(300000);
	folder_verify_clean(&b);
	box_close(&b);
	box_free(&b);
}

static void
the_store_lives_in_its_sandbox(void **state)
{
	const char *const write[] = { access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp" };
	const char *const read[] = { "/dev/urandom" };
	const struct sandbox_paths paths = { write, 1, read, 1 };
	struct sandbox_state sandbox;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (sandbox_enter(SANDBOX_MAIL, &paths, &sandbox, &unit_error) != 0)
			_exit(1);
		keep_and_read();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

UNIT_MAIN(UNIT_TEST(the_store_lives_in_its_sandbox))
