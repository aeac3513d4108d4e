/* SPDX-License-Identifier: ISC */
/*
 * The recorder's log: one file, appended to by every process and thread, whose
 * order is the order of what happened. A record is this header, a path, a
 * second path or a text, and the octets that were written.
 */
#ifndef POWER_LOG_H
#define POWER_LOG_H

#include <stdint.h>

enum log_type {
	LOG_CREATE = 1, /* a new file, path: its name, under the folder that is watched */
	LOG_OPEN,       /* a file that was there */
	LOG_MKDIR,
	LOG_WRITE,
	LOG_SIZE,  /* cut or made longer to length */
	LOG_PUNCH, /* a hole from offset on */
	LOG_RENAME,
	LOG_LINK,
	LOG_UNLINK,
	LOG_SYNC_BEGIN, /* offset: a number that LOG_SYNC_END has too. text: the call site */
	LOG_SYNC_END,   /* what was written before its begin is on the disk now */
	LOG_MARK,       /* what a client did or was answered, as text: ledger.h */
	LOG_START,      /* a process */
	LOG_SYNC_FAIL,  /* as LOG_SYNC_END: it failed, and what was to be synced counts as clean from now on */
};

#define LOG_FOLDER 1u /* flag: of a sync: of a folder */

struct log_head {
	uint32_t type;
	uint32_t path_len;
	uint32_t text_len;
	uint32_t flags;
	uint64_t file; /* its inode number: a new one with each LOG_CREATE */
	uint64_t offset;
	uint64_t length; /* of a write: that many octets follow */
};

/* ---- what a run can be told to suffer: an array in a file that the process maps ---- */

enum fault_call { FAULT_READ = 1, FAULT_WRITE = 2, FAULT_SYNC = 4, FAULT_OPEN = 8, FAULT_SIZE = 16 }; /* bits */

enum file_kind { /* bits */
	KIND_DATABASE = 1,
	KIND_LOG = 2, /* SQLite's */
	KIND_SEGMENT = 4,
	KIND_BODY = 8,    /* a large body's file */
	KIND_BODIES = 16, /* the folder of both */
	KIND_FOLDER = 32, /* the data folder */
	KIND_OTHER = 64,
};

#define FAULTS_MAX 8

struct fault {
	uint32_t calls;
	uint32_t kinds;
	int32_t error; /* errno */
	int32_t count; /* so often; -1: always */
	uint32_t hits;
	uint32_t spare;
};

struct faults {
	int64_t clock_seconds; /* the wall clock is off by this */
	struct fault faults[FAULTS_MAX];
};

#endif
