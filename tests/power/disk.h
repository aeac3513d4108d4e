/* SPDX-License-Identifier: ISC */
/*
 * A disk beneath a page cache, as the recorder's log describes it.
 *
 * What a disk must keep is what was synced: a file's octets and size by a sync
 * of that file that began after they were written, a name by a sync of its
 * folder. Everything else is an item that a power cut may keep or lose, each
 * for itself and in any choice: a write (whole, or some of its sectors), a
 * change of size, a hole, a name made, moved or removed. A rename is one item:
 * a name is moved wholly or not at all. Items of one file, or of one name,
 * that are kept take effect in their order.
 *
 * After a sync of a file that failed, the octets it was for count as clean:
 * programs read them, but no later sync brings them to the disk, unless
 * something is written to the same page again.
 */
#ifndef POWER_DISK_H
#define POWER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

struct disk;

/* image: a folder with what is there, and synced, before the log; NULL: nothing. */
struct disk *disk_new(const char *image);
void disk_free(struct disk *d);

/* One record; path, text and data point into the log, which must stay. */
void disk_take(struct disk *d, const struct log_head *head, const char *path, const char *text, const uint8_t *data);

/* The name that programs see, of a file by its number. */
const char *disk_name(const struct disk *d, uint64_t file);

/* Items that are not synced now, in the order of the log. */
size_t disk_items(const struct disk *d);
/* The octets of a write that is not synced; 0 for another item. */
uint64_t disk_item_octets(const struct disk *d, size_t item);
/* Whose octets; NULL for a change of a name. */
const void *disk_item_file(const struct disk *d, size_t item);
/* For people: "write 4096 at 8192 of store.db-wal". */
void disk_item_text(const struct disk *d, size_t item, char *out, size_t size);

enum keep { KEEP_NOT, KEEP_ALL, KEEP_FIRST_512, KEEP_FIRST_4096, KEEP_SECTORS, KEEP_PAGES };

/* What a power cut leaves, written to an empty folder. keep: for each item. random: chooses sectors and pages. */
void disk_write(const struct disk *d, const uint8_t *keep, bool sizes_first, uint64_t random, const char *folder);

#endif
