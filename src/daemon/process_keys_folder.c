/* SPDX-License-Identifier: ISC */
#include "daemon/process_keys_folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/siphash.h"
#include "os/log.h"
#include "os/privileges.h"
#include "os/tree.h"
#include "service/keys/keys.h"

int
keys_folder_path(const struct config *config, char out[FILE_PATH_MAX], struct error *e)
{
	if (config->keys_folder == NULL)
		return path_join(out, config->data, "keys", e);
	if (strlen(config->keys_folder) >= FILE_PATH_MAX)
		return error_set(e, ERR_LIMIT, "the name of keys_folder is too long");
	(void)memcpy(out, config->keys_folder, strlen(config->keys_folder) + 1);
	return 0;
}

int
keys_folder_give(const struct config *config, const char *name, struct error *e)
{
	char folder[FILE_PATH_MAX];
	struct tree t = { .fd = -1 };
	struct stat st;
	int rc;

	if (!privileges_are_roots() || stat(config->data, &st) != 0 || st.st_uid == 0)
		return 0;
	rc = keys_folder_path(config, folder, e);
	if (rc == 0)
		rc = tree_open(&t, folder, e);
	if (rc == 0)
		rc = tree_give(&t, name, st.st_uid, st.st_gid, e);
	if (rc == 0)
		rc = tree_give(&t, "", st.st_uid, st.st_gid, e);
	tree_done(&t);
	return rc;
}

/* ---- whether it changed ---- */

struct looking {
	const char *folder;
	uint64_t stamp;
};

static uint64_t
mix(uint64_t stamp, const void *data, size_t len)
{
	static const uint8_t key[16] = "letterlock keys";

	return siphash(key, slice_of(data, len)) ^ (stamp << 1 | stamp >> 63);
}

/* In no order: what each gives is summed up. */
static int
look_at(void *ctx, const char *name)
{
	struct looking *l = ctx;
	char path[FILE_PATH_MAX];
	struct stat st;
	uint64_t one;

	if (!keys_file_is(slice_str(name)) || path_join(path, l->folder, name, NULL) != 0 || lstat(path, &st) != 0)
		return 0;
	one = mix(1, name, strlen(name));
	one = mix(one, &st.st_ino, sizeof st.st_ino);
	one = mix(one, &st.st_size, sizeof st.st_size);
	one = mix(one, &st.st_ctim.tv_sec, sizeof st.st_ctim.tv_sec);
	l->stamp += mix(one, &st.st_ctim.tv_nsec, sizeof st.st_ctim.tv_nsec);
	return 0;
}

uint64_t
keys_folder_stamp(const struct config *config)
{
	char folder[FILE_PATH_MAX];
	struct looking l = { .folder = folder };

	if (keys_folder_path(config, folder, NULL) == 0)
		(void)dir_each(folder, look_at, &l, NULL);
	return l.stamp;
}

/* ---- telling ---- */

struct telling {
	const char *folder;
	struct child *child;
	counting_tell_fn *tell;
};

static int
open_secret(const char *path, struct error *e)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		(void)error_set(e, ERR_IO, "'%s' cannot be opened", path);
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
		(void)error_set(e, ERR_DENIED, "'%s' may be read by others: nothing is signed with it", path);
	else
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static int
tell_one(void *ctx, const char *name)
{
	const struct telling *t = ctx;
	const struct process_key key = { .name = slice_str(name) };
	char path[FILE_PATH_MAX];
	struct error e;
	int fd;

	if (!keys_file_is(key.name) || path_join(path, t->folder, name, NULL) != 0)
		return 0;
	fd = open_secret(path, &e);
	if (fd < 0) {
		log_event(LOG_LEVEL_ERROR, "parent.key_refused", log_error(&e));
		return 0;
	}
	t->tell(t->child, MESSAGE_KEY, &key, fd);
	(void)close(fd);
	return 0;
}

uint64_t
keys_folder_tell(const struct config *config, struct child *c, counting_tell_fn *tell)
{
	const struct process_nothing nothing = { 0 };
	uint64_t stamp = keys_folder_stamp(config);
	char folder[FILE_PATH_MAX];
	struct telling t = { folder, c, tell };

	tell(c, MESSAGE_KEYS_BEGIN, &nothing, -1);
	if (stamp != 0 && keys_folder_path(config, folder, NULL) == 0)
		(void)dir_each(folder, tell_one, &t, NULL);
	tell(c, MESSAGE_KEYS_END, &nothing, -1);
	return stamp;
}
