/* SPDX-License-Identifier: ISC */
/*
 * The folder of the exchange's own secret keys: DATA/keys, or the setting
 * keys_folder. The parent looks at names and times there and hands opened
 * files to keys without reading them; the verbs that make and end keys write
 * there. A file that others may read is no secret, and is refused.
 */
#ifndef DAEMON_PROCESS_KEYS_FOLDER_H
#define DAEMON_PROCESS_KEYS_FOLDER_H

#include "daemon/config.h"
#include "daemon/counting.h"
#include "os/file.h"

/* Its path; it need not exist. */
int keys_folder_path(const struct config *config, char out[FILE_PATH_MAX], struct error *e);
/*
 * Of a file that a verb has put there, and the folder: as root they are given to whose the data is, for he runs the
 * server, and his are its keys.
 */
int keys_folder_give(const struct config *config, const char *name, struct error *e);
/* Another number when a key was put there or taken away; 0: there are none. */
uint64_t keys_folder_stamp(const struct config *config);
/* All keys, to the process that holds them; returns the stamp. */
uint64_t keys_folder_tell(const struct config *config, struct child *c, counting_tell_fn *tell);

#endif
