/* SPDX-License-Identifier: ISC */
#include "daemon/counting.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "net/tls.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/metrics.h"

#define PARENTS_FACTS 0u /* the parent's own row; those of children follow */

static void
set_fact(size_t row, enum metric_fact which, uint64_t value)
{
	if (row < METRICS_PAGES_MAX)
		atomic_store(&atomic_load(&metrics_here)->facts[row][which], value);
}

static size_t
row_of(const struct parent *p, const struct child *c)
{
	return (size_t)(c - p->children) + 1;
}

static void
count_parent(void)
{
	set_fact(PARENTS_FACTS, FACT_KIND, PROCESS_PARENT);
	set_fact(PARENTS_FACTS, FACT_PID, (uint64_t)getpid());
	set_fact(PARENTS_FACTS, FACT_STARTS, 1);
	set_fact(PARENTS_FACTS, FACT_STARTED, clock_unix());
	metric_set(METRIC_STARTED, clock_unix());
}

int
counting_open(struct parent *p, struct error *e)
{
	int rc = 0;

	p->counts = (struct metrics_share){ .fd = -1, .look_fd = -1 };
	if (!p->config->one_process) {
		rc = metrics_share_open(&p->counts, e);
		if (rc == 0)
			rc = metrics_use(p->counts.fd, e);
		for (size_t i = 0; rc == 0 && i < p->count; i++)
			rc = metrics_share_open(&p->children[i].counts, e);
	}
	if (rc == 0) {
		metrics_look_here();
		count_parent();
	}
	return rc;
}

void
counting_close(struct parent *p)
{
	for (size_t i = 0; i < p->count; i++)
		metrics_share_close(&p->children[i].counts);
	/* The parent counts in its own until the end. */
	if (p->counts.page != NULL && p->counts.fd > 0)
		(void)close(p->counts.fd);
	if (p->counts.page != NULL && p->counts.look_fd > 0)
		(void)close(p->counts.look_fd);
}

void
counting_tell(struct parent *p, struct child *c, counting_tell_fn *tell)
{
	const struct process_nothing nothing = { 0 };

	tell(c, MESSAGE_METRICS, &nothing, c->counts.fd);
	if (c->kind != PROCESS_WEB && c->kind != PROCESS_MAIL)
		return;
	tell(c, MESSAGE_METRICS_OF, &nothing, p->counts.look_fd);
	for (size_t i = 0; i < p->count; i++)
		tell(c, MESSAGE_METRICS_OF, &nothing, p->children[i].counts.look_fd);
}

void
counting_started(const struct parent *p, const struct child *c)
{
	size_t row = row_of(p, c);

	set_fact(row, FACT_KIND, c->kind);
	set_fact(row, FACT_INDEX, c->index);
	set_fact(row, FACT_PID, (uint64_t)(p->config->one_process ? getpid() : c->pid));
	set_fact(row, FACT_STARTS, c->starts);
	set_fact(row, FACT_STARTED, clock_unix());
}

void
counting_ended(const struct parent *p, struct child *c)
{
	metrics_share_ended(&c->counts);
	set_fact(row_of(p, c), FACT_PID, 0);
	set_fact(row_of(p, c), FACT_MEMORY, 0);
}

/* ---- what changes by itself ---- */

/* Octets that a process has in memory; 0 when that is not to be seen. */
static uint64_t
memory_of(pid_t pid)
{
	BUF_OWNED struct buf text = { 0 };
	struct slice resident;
	uint64_t pages;
	char name[40];

	(void)snprintf(name, sizeof name, "/proc/%d/statm", (int)pid);
	buf_init(&text, 4096);
	if (file_read(name, &text, NULL) != 0)
		return 0;
	(void)slice_split(buf_slice(&text), ' ', &resident); /* all of its addresses; then what is resident */
	resident = slice_split(resident, ' ', &resident);
	return slice_to_u64(resident, UINT32_MAX, &pages) ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void
look_at_memory(const struct parent *p)
{
	set_fact(PARENTS_FACTS, FACT_MEMORY, memory_of(getpid()));
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].pid > 0)
			set_fact(row_of(p, &p->children[i]), FACT_MEMORY, memory_of(p->children[i].pid));
}

static void
look_at_size(const char *folder, const char *name, unsigned metric)
{
	char path[FILE_PATH_MAX];
	struct stat st;

	if (path_join(path, folder, name, NULL) == 0)
		metric_set(metric, stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0);
}

static void
look_at_backup(const char *folder)
{
	char path[FILE_PATH_MAX];
	struct stat st;

	if (path_join(path, folder, COUNTING_BACKUP, NULL) == 0 && stat(path, &st) == 0 && st.st_mtime > 0)
		metric_set(METRIC_BACKUP, (uint64_t)st.st_mtime);
}

void
counting_look(const struct parent *p)
{
	const char *data = p->config->data;
	struct statvfs disk;

	if (statvfs(data, &disk) == 0) {
		metric_set(METRIC_DISK_BYTES, (uint64_t)disk.f_blocks * disk.f_frsize);
		metric_set(METRIC_DISK_FREE_BYTES, (uint64_t)disk.f_bavail * disk.f_frsize);
	}
	look_at_size(data, "store.db", METRIC_DATABASE_BYTES);
	look_at_size(data, "store.db-wal", METRIC_DATABASE_LOG_BYTES);
	look_at_backup(data);
	look_at_memory(p);
}

void
counting_configured(bool taken, struct slice certificate)
{
	uint64_t ends;

	metric_set(METRIC_RELOAD_OK, taken ? 1 : 0);
	if (!taken)
		return;
	metric_set(METRIC_RELOADED, clock_unix());
	if (tls_certificate_ends(certificate, &ends, NULL) == 0)
		metric_set(METRIC_CERTIFICATE_EXPIRY, ends);
}
