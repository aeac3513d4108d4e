/* SPDX-License-Identifier: ISC */
/*
 * How SQLite writes its log (the file -wal). Of each page that a transaction
 * changes it writes a head of 24 octets and then the page, one call each: for
 * a letter that is twenty calls, which cost more than running its statements.
 * They follow each other in the file, so this gathers them and writes all at
 * once, when the commit's last page is there (the log's format:
 * https://www.sqlite.org/fileformat2.html#walformat).
 *
 * Nothing is held back that anybody may rely on: what is gathered is written
 * before the log is synced, read, measured, cut or closed, and before SQLite
 * tells readers of the commit. A write that fails then fails the call in
 * which it happens, which is of the same commit.
 *
 * Other files are not touched.
 */
#ifndef STORE_DB_LOG_H
#define STORE_DB_LOG_H

#define DB_LOG_VFS "letterlock-log"

/* Makes DB_LOG_VFS known to SQLite; once a process. An SQLite code. */
int db_log_register(void);

#endif
