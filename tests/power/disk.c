/* SPDX-License-Identifier: ISC */
#include "disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "power.h"

#define PAGE 4096u

struct file {
	struct file *next;
	uint64_t number; /* of its inode, as long as nobody else has it */
	uint8_t *synced;
	size_t synced_len;
};

struct name {
	char text[200];
	struct file *file; /* NULL: a folder */
};

struct names {
	struct name *rows;
	size_t count, room;
};

/* What is not synced. */
struct item {
	enum log_type type;
	struct file *file; /* whose octets; or what a name is made for */
	uint64_t serial;
	uint64_t offset, length;
	const uint8_t *data;
	bool clean;              /* its sync failed; it is within one page then */
	char from[200], to[200]; /* a change of names */
};

struct sync {
	uint64_t number;
	uint64_t serial; /* of the item that is next when it begins */
	struct file *file;
};

struct disk {
	struct file *files;
	struct names durable, seen; /* on the disk; to the programs */
	struct item *items;
	size_t item_count, item_room;
	struct sync *syncs;
	size_t sync_count, sync_room;
	uint64_t serial;
};

/* ---- names ---- */

static struct name *
names_find(const struct names *n, const char *text)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->rows[i].text, text) == 0)
			return &n->rows[i];
	return NULL;
}

static void
names_remove(struct names *n, const char *text)
{
	struct name *at = names_find(n, text);

	if (at != NULL)
		*at = n->rows[--n->count];
}

static void
names_set(struct names *n, const char *text, struct file *file)
{
	names_remove(n, text);
	if (n->count == n->room)
		n->rows = power_grow(n->rows, &n->room, sizeof *n->rows);
	(void)snprintf(n->rows[n->count].text, sizeof n->rows[0].text, "%s", text);
	n->rows[n->count++].file = file;
}

/* The folder that a name is in; "" is the data folder. */
static void
folder_of(const char *name, char *out, size_t size)
{
	const char *slash = strrchr(name, '/');

	(void)snprintf(out, size, "%.*s", slash == NULL ? 0 : (int)(slash - name), name);
}

static bool
is_name_item(const struct item *i)
{
	return i->type == LOG_CREATE || i->type == LOG_MKDIR || i->type == LOG_RENAME || i->type == LOG_LINK ||
	    i->type == LOG_UNLINK;
}

/* A rename takes what is there under its old name when it was made: also when the old name never reached the disk. */
static void
names_apply(struct names *n, const struct item *i)
{
	if (i->type == LOG_UNLINK || i->type == LOG_RENAME)
		names_remove(n, i->from);
	if (i->type == LOG_CREATE || i->type == LOG_MKDIR)
		names_set(n, i->from, i->file);
	else if (i->type == LOG_RENAME || i->type == LOG_LINK)
		names_set(n, i->to, i->file);
}

/* ---- files ---- */

static struct file *
file_new(struct disk *d, uint64_t number)
{
	struct file *f;

	for (f = d->files; f != NULL; f = f->next)
		if (f->number == number)
			f->number = 0; /* it is gone, and its number given to another */
	f = power_alloc(sizeof *f);
	f->number = number;
	f->next = d->files;
	d->files = f;
	return f;
}

static struct file *
file_find(const struct disk *d, uint64_t number)
{
	for (struct file *f = d->files; f != NULL; f = f->next)
		if (f->number == number)
			return f;
	return NULL;
}

struct content {
	uint8_t *data;
	size_t len, room;
};

static void
content_size(struct content *c, size_t len)
{
	if (len > c->room) {
		c->room = len + len / 2 + 65536;
		c->data = realloc(c->data, c->room);
		if (c->data == NULL)
			abort();
	}
	if (len > c->len)
		memset(c->data + c->len, 0, len - c->len);
	c->len = len;
}

/* Some sectors of a write, by chance. */
static void
content_write(struct content *c, const struct item *i, enum keep keep, uint64_t random)
{
	uint64_t step = keep == KEEP_SECTORS || keep == KEEP_FIRST_512 ? 512 : 4096, len = i->length;

	if ((keep == KEEP_FIRST_512 || keep == KEEP_FIRST_4096) && len > step)
		len = step;
	if (i->offset + len > c->len)
		content_size(c, i->offset + len);
	if (keep != KEEP_SECTORS && keep != KEEP_PAGES) {
		memcpy(c->data + i->offset, i->data, len);
		return;
	}
	for (uint64_t at = 0; at < len;) {
		uint64_t end = (i->offset + at) / step * step + step - i->offset;

		if (end > len)
			end = len;
		if (power_mix(random + i->serial * 31 + at) % 2 == 0)
			memcpy(c->data + i->offset + at, i->data + at, end - at);
		at = end;
	}
}

static void
content_apply(struct content *c, const struct item *i, enum keep keep, uint64_t random)
{
	if (i->type == LOG_WRITE) {
		content_write(c, i, keep, random);
	} else if (i->type == LOG_SIZE) {
		content_size(c, i->length);
	} else if (i->type == LOG_PUNCH && i->offset < c->len) {
		uint64_t len = i->offset + i->length > c->len ? c->len - i->offset : i->length;

		memset(c->data + i->offset, 0, len);
	}
}

/* ---- taking records ---- */

static struct item *
item_add(struct disk *d, enum log_type type, struct file *file)
{
	struct item *i;

	if (d->item_count == d->item_room)
		d->items = power_grow(d->items, &d->item_room, sizeof *d->items);
	i = &d->items[d->item_count++];
	*i = (struct item){ .type = type, .file = file, .serial = d->serial++ };
	return i;
}

static void
take_name(struct disk *d, const struct log_head *head, const char *path, const char *text)
{
	struct name *from = names_find(&d->seen, path);
	struct item *i;

	if (head->type == LOG_CREATE)
		i = item_add(d, LOG_CREATE, file_new(d, head->file));
	else if (head->type == LOG_MKDIR)
		i = item_add(d, LOG_MKDIR, NULL);
	else if (from == NULL)
		return; /* what is not recorded: -shm */
	else
		i = item_add(d, (enum log_type)head->type, from->file);
	(void)snprintf(i->from, sizeof i->from, "%s", path);
	(void)snprintf(i->to, sizeof i->to, "%s", text);
	names_apply(&d->seen, i);
}

static void
take_open(struct disk *d, const struct log_head *head, const char *path)
{
	struct name *there = names_find(&d->seen, path);

	if (there == NULL || there->file == NULL) {
		(void)fprintf(stderr, "the log opens %s, which is not there\n", path);
		exit(3);
	}
	if (there->file->number == head->file)
		return;
	for (struct file *f = d->files; f != NULL; f = f->next)
		if (f->number == head->file)
			f->number = 0;
	there->file->number = head->file;
}

static void
take_sync_begin(struct disk *d, const struct log_head *head)
{
	struct sync *s;

	if (d->sync_count == d->sync_room)
		d->syncs = power_grow(d->syncs, &d->sync_room, sizeof *d->syncs);
	s = &d->syncs[d->sync_count++];
	*s =
	    (struct sync){ head->offset, d->serial, (head->flags & LOG_FOLDER) != 0 ? NULL : file_find(d, head->file) };
}

static struct sync
take_sync(struct disk *d, uint64_t number)
{
	struct sync s = { 0 };

	for (size_t i = 0; i < d->sync_count; i++) {
		if (d->syncs[i].number == number) {
			s = d->syncs[i];
			d->syncs[i] = d->syncs[--d->sync_count];
			break;
		}
	}
	return s;
}

/* Something was written later to the page of an item that counts as clean, and it goes to the disk with that; or cut off. */
static bool
is_dirty_again(const struct disk *d, const struct item *clean, const struct sync *s)
{
	for (size_t i = 0; i < d->item_count; i++) {
		const struct item *o = &d->items[i];

		if (is_name_item(o) || o->file != clean->file || o->serial < clean->serial || o->serial >= s->serial)
			continue;
		if (o->type == LOG_SIZE && o->length <= clean->offset)
			return true;
		if (o->type == LOG_WRITE && !o->clean && o->offset / PAGE <= clean->offset / PAGE &&
		    (o->offset + o->length + PAGE - 1) / PAGE > clean->offset / PAGE)
			return true;
	}
	return false;
}

static bool
is_synced(const struct disk *d, const struct item *i, const struct sync *s, bool is_folder, const char *path)
{
	char in[200];

	if (i->serial >= s->serial)
		return false;
	if (!is_folder)
		return !is_name_item(i) && i->file == s->file && s->file != NULL &&
		    (!i->clean || is_dirty_again(d, i, s));
	if (!is_name_item(i))
		return false;
	folder_of(i->from, in, sizeof in);
	return strcmp(in, path) == 0;
}

static bool
has_name(const struct disk *d, const struct file *f)
{
	for (size_t i = 0; i < d->durable.count; i++)
		if (d->durable.rows[i].file == f)
			return true;
	for (size_t i = 0; i < d->item_count; i++)
		if (is_name_item(&d->items[i]) && d->items[i].file == f)
			return true;
	return false;
}

/* Octets that no disk can show any more: their file was removed. */
static void
forget_removed(struct disk *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->item_count; i++)
		if (is_name_item(&d->items[i]) || has_name(d, d->items[i].file))
			d->items[kept++] = d->items[i];
	d->item_count = kept;
}

static void
take_sync_end(struct disk *d, const struct log_head *head, const char *path)
{
	bool is_folder = (head->flags & LOG_FOLDER) != 0, *synced = power_alloc(d->item_count + 1);
	const struct sync s = take_sync(d, head->offset);
	struct content c = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < d->item_count; i++)
		synced[i] = is_synced(d, &d->items[i], &s, is_folder, path);
	if (s.file != NULL)
		c = (struct content){ s.file->synced, s.file->synced_len, s.file->synced_len };
	for (size_t i = 0; i < d->item_count; i++) {
		struct item *one = &d->items[i];

		if (!synced[i])
			d->items[kept++] = *one;
		else if (is_folder)
			names_apply(&d->durable, one);
		else
			content_apply(&c, one, KEEP_ALL, 0);
	}
	d->item_count = kept;
	free(synced);
	if (is_folder)
		forget_removed(d);
	if (s.file != NULL) {
		s.file->synced = c.data;
		s.file->synced_len = c.len;
	}
}

/* Writes become pieces of one page each, which count as clean. Sizes and holes are the journal's: the next sync has them. */
static void
take_sync_fail(struct disk *d, const struct log_head *head)
{
	const struct sync s = take_sync(d, head->offset);
	struct item *old = d->items;
	size_t count = d->item_count;

	d->items = NULL;
	d->item_count = d->item_room = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t end = old[i].offset + old[i].length;
		bool clean = old[i].type == LOG_WRITE && old[i].file == s.file && old[i].serial < s.serial;

		for (uint64_t at = old[i].offset, next; clean && at < end; at = next) {
			struct item *piece = item_add(d, LOG_WRITE, s.file);

			next = at / PAGE * PAGE + PAGE < end ? at / PAGE * PAGE + PAGE : end;
			*piece = (struct item){ .type = LOG_WRITE,
				.file = s.file,
				.serial = old[i].serial,
				.offset = at,
				.length = next - at,
				.data = old[i].data + (at - old[i].offset),
				.clean = true };
		}
		if (!clean)
			*item_add(d, old[i].type, old[i].file) = old[i];
	}
	free(old);
}

static void
take_octets(struct disk *d, const struct log_head *head, const uint8_t *data)
{
	struct file *f = file_find(d, head->file);
	struct item *i;

	if (f == NULL) {
		(void)fprintf(stderr, "the log writes to a file that was never opened\n");
		exit(3);
	}
	i = item_add(d, (enum log_type)head->type, f);
	i->offset = head->offset;
	i->length = head->length;
	i->data = data;
}

void
disk_take(struct disk *d, const struct log_head *head, const char *path, const char *text, const uint8_t *data)
{
	switch ((enum log_type)head->type) {
	case LOG_CREATE:
	case LOG_MKDIR:
	case LOG_RENAME:
	case LOG_LINK:
	case LOG_UNLINK:
		take_name(d, head, path, text);
		break;
	case LOG_OPEN:
		take_open(d, head, path);
		break;
	case LOG_WRITE:
	case LOG_SIZE:
	case LOG_PUNCH:
		take_octets(d, head, data);
		break;
	case LOG_SYNC_BEGIN:
		take_sync_begin(d, head);
		break;
	case LOG_SYNC_END:
		take_sync_end(d, head, path);
		break;
	case LOG_SYNC_FAIL:
		take_sync_fail(d, head);
		break;
	case LOG_MARK:
	case LOG_START:
		break;
	}
}

/* ---- the image before ---- */

static void
take_image(struct disk *d, const char *image, const char *prefix)
{
	char path[600], name[200];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/%s", image, prefix);
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct file *f = NULL;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(name, sizeof name, "%.60s%s%.100s", prefix, prefix[0] == 0 ? "" : "/", entry->d_name);
		(void)snprintf(path, sizeof path, "%s/%s", image, name);
		if (lstat(path, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
			continue;
		if (S_ISREG(st.st_mode)) {
			f = file_new(d, 0);
			f->synced = power_read(path, &f->synced_len);
		}
		names_set(&d->durable, name, f);
		names_set(&d->seen, name, f);
		if (S_ISDIR(st.st_mode))
			take_image(d, image, name);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

struct disk *
disk_new(const char *image)
{
	struct disk *d = power_alloc(sizeof *d);

	if (image != NULL)
		take_image(d, image, "");
	return d;
}

void
disk_free(struct disk *d)
{
	for (struct file *f = d->files, *next; f != NULL; f = next) {
		next = f->next;
		free(f->synced);
		free(f);
	}
	free(d->durable.rows);
	free(d->seen.rows);
	free(d->items);
	free(d->syncs);
	free(d);
}

/* ---- items ---- */

size_t
disk_items(const struct disk *d)
{
	return d->item_count;
}

uint64_t
disk_item_octets(const struct disk *d, size_t item)
{
	return d->items[item].type == LOG_WRITE ? d->items[item].length : 0;
}

const void *
disk_item_file(const struct disk *d, size_t item)
{
	return is_name_item(&d->items[item]) ? NULL : d->items[item].file;
}

static const char *
shown(const struct disk *d, const struct file *f)
{
	for (size_t i = 0; i < d->seen.count; i++)
		if (d->seen.rows[i].file == f)
			return d->seen.rows[i].text;
	return "a file without a name";
}

const char *
disk_name(const struct disk *d, uint64_t file)
{
	return shown(d, file_find(d, file));
}

void
disk_item_text(const struct disk *d, size_t item, char *out, size_t size)
{
	static const char *const types[] = { [LOG_CREATE] = "make",
		[LOG_MKDIR] = "make folder",
		[LOG_RENAME] = "rename",
		[LOG_LINK] = "link",
		[LOG_UNLINK] = "remove",
		[LOG_WRITE] = "write",
		[LOG_SIZE] = "size",
		[LOG_PUNCH] = "hole" };
	const struct item *i = &d->items[item];

	if (is_name_item(i))
		(void)snprintf(out, size, "%s %s %s", types[i->type], i->from, i->to);
	else
		(void)snprintf(out, size, "%s %" PRIu64 " at %" PRIu64 " of %s", types[i->type], i->length, i->offset,
		    shown(d, i->file));
}

/* ---- a state ---- */

static void
write_folders(const struct names *n, const char *folder)
{
	char path[600];

	/* Superiors first: a name sorts behind what it begins with, and there are two levels at most. */
	for (int depth = 0; depth < 2; depth++) {
		for (size_t i = 0; i < n->count; i++) {
			if (n->rows[i].file != NULL || (strchr(n->rows[i].text, '/') != NULL) != (depth == 1))
				continue;
			(void)snprintf(path, sizeof path, "%s/%s", folder, n->rows[i].text);
			(void)mkdir(path, 0700);
		}
	}
}

static void
write_content(const struct name *name, const struct content *c, const char *folder)
{
	char path[600];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name->text);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return; /* its folder did not reach the disk */
	for (size_t at = 0; at < c->len;) {
		ssize_t n = write(fd, c->data + at, c->len - at);

		if (n <= 0) {
			perror(path);
			exit(3);
		}
		at += (size_t)n;
	}
	(void)close(fd);
}

/* sizes_first: the size that a lost write would have made is there, and zeros. */
static void
write_file(const struct disk *d, const struct name *name, const uint8_t *keep, bool sizes_first, uint64_t random,
    const char *folder, struct content *c)
{
	const struct file *f = name->file;

	c->len = 0;
	content_size(c, f->synced_len);
	if (f->synced_len > 0)
		memcpy(c->data, f->synced, f->synced_len);
	for (size_t k = 0; k < d->item_count; k++) {
		const struct item *i = &d->items[k];

		if (i->file != f || is_name_item(i))
			continue;
		if (keep[k] != KEEP_NOT)
			content_apply(c, i, (enum keep)keep[k], random);
		if (sizes_first && i->type == LOG_WRITE && i->offset + i->length > c->len)
			content_size(c, i->offset + i->length);
	}
	write_content(name, c, folder);
}

void
disk_write(const struct disk *d, const uint8_t *keep, bool sizes_first, uint64_t random, const char *folder)
{
	struct names n = { power_alloc((d->durable.count + 1) * sizeof(struct name)), d->durable.count,
		d->durable.count + 1 };
	struct content c = { 0 };

	if (d->durable.count > 0)
		memcpy(n.rows, d->durable.rows, d->durable.count * sizeof(struct name));
	for (size_t k = 0; k < d->item_count; k++)
		if (is_name_item(&d->items[k]) && keep[k] != KEEP_NOT)
			names_apply(&n, &d->items[k]);
	write_folders(&n, folder);
	for (size_t i = 0; i < n.count; i++)
		if (n.rows[i].file != NULL)
			write_file(d, &n.rows[i], keep, sizes_first, random, folder, &c);
	free(c.data);
	free(n.rows);
}
