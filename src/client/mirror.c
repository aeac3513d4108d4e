/* SPDX-License-Identifier: ISC */
#include "client/mirror.h"

#include <stdio.h>

#include "os/paths.h"
#include "os/terminal.h"

/* The address as a folder's name: what is no plain character becomes '_'. */
static void
folder_name(const char *address, char out[ACCOUNT_ADDRESS_MAX])
{
	size_t i;

	for (i = 0; address[i] != '\0' && i + 1 < ACCOUNT_ADDRESS_MAX; i++) {
		uint8_t c = (uint8_t)address[i], l = ascii_lower(c);
		bool plain =
		    (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '@' || c == '-' || (c == '.' && i > 0);

		out[i] = plain ? (char)c : '_';
	}
	out[i] = '\0';
}

int
mirror_open(struct mirror *m, const struct account *a, const struct mailbox *box, struct error *e)
{
	char data[FILE_PATH_MAX], name[ACCOUNT_ADDRESS_MAX + 40], address[ACCOUNT_ADDRESS_MAX];
	int rc = paths_data(data, e);

	folder_name(a->address, address);
	(void)snprintf(name, sizeof name, "mail/%s/%u", address, imap_client_mailbox(box->imap).uidvalidity);
	if (rc == 0)
		rc = path_join(m->folder, data, name, e);
	return rc == 0 ? dir_make_private(m->folder, e) : rc;
}

struct fetching {
	struct file_writer writer;
	struct progress progress;
	uint64_t size;
};

static int
take(void *ctx, struct slice data, struct error *e)
{
	struct fetching *f = ctx;

	f->size += data.len;
	if (f->size > MIRROR_MESSAGE_MAX)
		return error_set(e, ERR_LIMIT, "a message is longer than %u MiB", MIRROR_MESSAGE_MAX >> 20);
	progress_show(&f->progress, f->size);
	return file_writer_put(&f->writer, data, e);
}

static int
fetch(struct mailbox *box, uint32_t uid, const char *path, struct error *e)
{
	struct fetching f = { .progress = { .label = "Fetching" } };
	int rc = file_writer_open(&f.writer, path, 0600, FILE_REPLACE, e);

	if (rc != 0)
		return rc;
	rc = mailbox_fetch(box, uid, take, &f, e);
	progress_done(&f.progress);
	if (rc == 0)
		rc = file_writer_commit(&f.writer, e);
	file_writer_done(&f.writer);
	return rc;
}

int
mirror_read(struct mirror *m, struct mailbox *box, uint32_t uid, struct buf *out, struct error *e)
{
	char path[FILE_PATH_MAX], name[32];
	int rc;

	(void)snprintf(name, sizeof name, "%u.eml", uid);
	rc = path_join(path, m->folder, name, e);
	if (rc == 0 && !file_exists(path))
		rc = fetch(box, uid, path, e);
	return rc == 0 ? file_read(path, out, e) : rc;
}

struct newest {
	uint32_t *uids;
	size_t max, count;
};

/* The server's order is not promised: the largest are kept, ascending. */
static void
add_uid(struct newest *n, uint32_t uid)
{
	size_t at;

	if (n->count == n->max) {
		if (n->max == 0 || uid <= n->uids[0])
			return;
		for (size_t i = 1; i < n->count; i++)
			n->uids[i - 1] = n->uids[i];
		n->count--;
	}
	for (at = n->count++; at > 0 && n->uids[at - 1] > uid; at--)
		n->uids[at] = n->uids[at - 1];
	n->uids[at] = uid;
}

static int
take_numbers(void *ctx, const struct imap_client_event *event, struct error *e)
{
	(void)e;
	for (size_t i = 0; event->type == IMAP_CLIENT_NUMBERS && i < event->number_count; i++)
		add_uid(ctx, event->numbers[i]);
	return 0;
}

int
mirror_newest(struct mailbox *box, uint32_t *uids_out, size_t max, size_t *count_out, struct error *e)
{
	struct newest n = { .uids = uids_out, .max = max };
	int rc = imap_client_search(box->imap, SLICE("ALL"), e);

	if (rc == 0)
		rc = mailbox_wait(box, take_numbers, &n, e);
	*count_out = n.count;
	return rc;
}
