/* SPDX-License-Identifier: ISC */
/*
 * Folders that others made, and files in them: mail of another server, or a
 * place for such. Names below a tree are relative, with '/' between their parts.
 * Nothing is reached through a symbolic link, except the tree's own path, and
 * only plain files are opened: a FIFO, a device or a socket is ERR_DENIED.
 *
 * Errors are those of os/file.h; ERR_EXISTS is also a file or a link where a folder should be.
 */
#ifndef OS_TREE_H
#define OS_TREE_H

#include <dirent.h>
#include <stdint.h>

#include "os/file.h"

struct tree {
	int fd;
	char path[FILE_PATH_MAX]; /* for sentences */
};

int tree_open(struct tree *t, const char *path, struct error *e);
void tree_done(struct tree *t);

enum tree_kind { TREE_FILE, TREE_FOLDER, TREE_LINK, TREE_OTHER };

struct tree_entry {
	enum tree_kind kind;
	uint64_t size;
	int64_t mtime; /* unix seconds */
};

/* What a name is; a link is told, not followed. ERR_NOT_FOUND. */
int tree_look(const struct tree *t, const char *name, struct tree_entry *out, struct error *e);
/* The same for a path of its own, whose links are followed. */
int tree_look_at(const char *path, struct tree_entry *out, struct error *e);

/* ---- names of a folder, in no order, without "." and ".." ---- */

struct tree_list {
	DIR *dir;
};

/* name: "" for the tree itself. */
int tree_list_open(struct tree_list *l, const struct tree *t, const char *name, struct error *e);
/* NULL at the end, and with e->code set when it could not be read further. Lives until the next call. */
const char *tree_list_next(struct tree_list *l, struct error *e);
void tree_list_done(struct tree_list *l);

/* ---- reading ---- */

struct tree_file {
	int fd;
	uint64_t size;
	int64_t mtime;
};

int tree_file_open(struct tree_file *f, const struct tree *t, const char *name, struct error *e);
/* A path of its own, whose links are followed. */
int tree_file_open_at(struct tree_file *f, const char *path, struct error *e);
/* Octets read from there on (at most len), 0 at the end, or a negative code. */
ssize_t tree_file_read(const struct tree_file *f, uint64_t offset, void *out, size_t len, struct error *e);
void tree_file_done(struct tree_file *f);

/* ---- writing ---- */

/* Makes the folder and those above it as far as missing, mode 0700. */
int tree_make(const struct tree *t, const char *name, struct error *e);
/* Syncs the folder: the names in it. */
int tree_sync(const struct tree *t, const char *name, struct error *e);
/* Syncs the tree's whole file system: for many files at once, which is much quicker than one by one. */
int tree_sync_all(const struct tree *t, struct error *e);

/* A file in the making, mode 0600, at a name of its own: ERR_EXISTS when that is there. */
struct tree_writer {
	int fd;
};

int tree_writer_open(struct tree_writer *w, const struct tree *t, const char *name, struct error *e);
int tree_writer_put(struct tree_writer *w, struct slice in, struct error *e);
/* Takes back all behind so many octets. */
int tree_writer_cut(struct tree_writer *w, uint64_t octets, struct error *e);
/* The file's time, unix seconds. */
int tree_writer_date(struct tree_writer *w, int64_t mtime, struct error *e);
/* The octets are on disk. */
int tree_writer_sync(struct tree_writer *w, struct error *e);
void tree_writer_done(struct tree_writer *w);
/* ERR_EXISTS when the new name is taken: nothing is replaced. */
int tree_rename(const struct tree *t, const char *from, const char *to, struct error *e);
int tree_replace(const struct tree *t, const char *from, const char *to, struct error *e);
/* 0 also when it was not there. */
int tree_remove(const struct tree *t, const char *name, struct error *e);
/* A file or a link, or a folder with the files in it; ERR_IO when there is a folder in this. 0 also when it was not there. */
int tree_remove_all(const struct tree *t, const char *name, struct error *e);

/*
 * Makes it another user's: a folder ("": the tree itself) or a plain file without a second name, which could be one that
 * lies elsewhere; anything else is ERR_DENIED. For root.
 */
int tree_give(const struct tree *t, const char *name, uid_t user, gid_t group, struct error *e);

#endif
