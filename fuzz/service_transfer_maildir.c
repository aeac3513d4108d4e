/* SPDX-License-Identifier: ISC */
/* Names inside a Maildir: those that parse can be mailboxes' names, and what is written parses to the same again. */
#include <stdlib.h>

#include "base/utf8.h"
#include "service/transfer/maildir.h"
#include "store/types.h"

static void
check_file(struct slice in)
{
	struct maildir_name n, again;
	struct buf out;

	maildir_name_parse(in, &n);
	if (n.base.len > in.len || (n.flags & ~STORE_FLAGS_ALL) != 0)
		abort();
	(void)maildir_name_time(in);
	buf_init(&out, 16u << 20);
	if (maildir_name_write(&out, &n) != 0)
		abort();
	maildir_name_parse(buf_slice(&out), &again);
	/* A base that itself looks like one with flags is read to its first. */
	if (slice_search(n.base, SLICE("2,")) == SIZE_MAX &&
	    (!slice_eq(again.base, n.base) || again.flags != n.flags || again.keywords != n.keywords ||
		again.forwarded != n.forwarded))
		abort();
	buf_done(&out);
}

static void
check_folder(struct slice in, char separator)
{
	struct buf name, folder, again;
	bool repaired;

	buf_init(&name, 16u << 20);
	buf_init(&folder, 16u << 20);
	buf_init(&again, 16u << 20);
	if (maildir_folder_parse(in, separator, &name, &repaired, NULL) == 0) {
		struct slice n = buf_slice(&name);

		if (n.len == 0 || n.len > STORE_NAME_MAX || !utf8_valid(n) || n.data[0] == '/' ||
		    n.data[n.len - 1] == '/' || slice_search(n, SLICE("//")) != SIZE_MAX ||
		    slice_find(n, '*') != SIZE_MAX || slice_find(n, '\n') != SIZE_MAX)
			abort();
		if (maildir_folder_write(&folder, n, &repaired, NULL) == 0 && folder.len > 0 && !repaired &&
		    (maildir_folder_parse(slice_from(buf_slice(&folder), 1), '.', &again, &repaired, NULL) != 0 ||
			!slice_eq(buf_slice(&again), n)))
			abort();
	}
	buf_done(&name);
	buf_done(&folder);
	buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), line;
	struct maildir_subscriptions s;
	struct maildir_keywords k;
	struct buf out;
	size_t lines = 0;

	check_file(in);
	check_folder(in, '.');
	check_folder(in, '/');
	buf_init(&out, 16u << 20);
	maildir_keywords_parse(in, &k);
	if (maildir_keywords_write(&out, &k) != 0)
		abort();
	buf_done(&out);
	maildir_subscriptions_init(&s, in, '.');
	while (maildir_subscriptions_next(&s, &line))
		lines++;
	if (lines > size)
		abort();
	return 0;
}
