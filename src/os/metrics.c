/* SPDX-License-Identifier: ISC */
#include "os/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct metrics_page own;
struct metrics_page *_Atomic metrics_here = &own;

/* ---- the rows ---- */

static const char *const protocols[METRIC_N_PROTOCOL] = { "smtp", "submission", "imap", "directory", "pop3", "lmtp",
	"metrics", "http" };
static const char *const reasons[METRIC_N_REASON] = { "total", "peer", "absent" };
static const char *const mechanisms[METRIC_N_MECHANISM] = { "password", "scram", "token" };
static const char *const results[METRIC_N_RESULT] = { "ok", "wrong", "busy", "fault" };
static const char *const outcomes[METRIC_N_OUTCOME] = { "delivered", "failed", "deferred" };
static const char *const verdicts[METRIC_N_VERDICT] = { "policy", "size", "recipient", "loop", "temporary" };
static const char *const versions[METRIC_N_TLS] = { "1.2", "1.3" };
static const char *const ways[METRIC_N_WAY] = { "none", "1.2", "1.3" };
static const char *const proofs[METRIC_N_PROOF] = { "none", "name", "dane", "pin" };
static const char *const statuses[METRIC_N_STATUS] = { "1xx", "2xx", "3xx", "4xx", "5xx" };

static const struct metric_label NONE = { NULL, NULL, METRIC_N_NONE };
static const struct metric_label PROTOCOL = { "protocol", protocols, METRIC_N_PROTOCOL };
static const struct metric_label REASON = { "reason", reasons, METRIC_N_REASON };
static const struct metric_label MECHANISM = { "mechanism", mechanisms, METRIC_N_MECHANISM };
static const struct metric_label RESULT = { "result", results, METRIC_N_RESULT };
static const struct metric_label OUTCOME = { "outcome", outcomes, METRIC_N_OUTCOME };
static const struct metric_label VERDICT = { "reason", verdicts, METRIC_N_VERDICT };
static const struct metric_label TLS = { "version", versions, METRIC_N_TLS };
static const struct metric_label WAY = { "version", ways, METRIC_N_WAY };
static const struct metric_label PROOF = { "verified", proofs, METRIC_N_PROOF };
static const struct metric_label STATUS = { "status", statuses, METRIC_N_STATUS };
static const struct metric_label SECONDS = { NULL, NULL, METRIC_N_SECONDS };

const uint64_t metric_bounds[METRIC_N_SECONDS - 2] = { 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000,
	500000, 1000000, 2000000, 5000000 };

#define ROW(id, kind, name, help, first, second) { METRIC_##kind, name, help, &(first), &(second), METRIC_##id },
const struct metric_row metrics_table[] = { METRICS(ROW) };
const size_t metrics_table_count = sizeof metrics_table / sizeof metrics_table[0];

void
metric_time(unsigned slot, uint64_t microseconds)
{
	unsigned bucket = 0;

	while (bucket < METRIC_N_SECONDS - 2 && microseconds > metric_bounds[bucket])
		bucket++;
	metric_add(slot + bucket, 1);
	metric_add(slot + METRIC_N_SECONDS - 1, (int64_t)microseconds);
}

/* ---- the parent's end ---- */

static int
map(int fd, int protection, struct metrics_page **page_out, struct error *e)
{
	struct stat st;
	void *page;

	if (fstat(fd, &st) != 0 || st.st_size != (off_t)sizeof(struct metrics_page))
		return error_set(e, ERR_USAGE, "this descriptor is no page of numbers");
	page = mmap(NULL, sizeof(struct metrics_page), protection, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return error_set_errno(e, ERR_IO, errno, "a page of numbers cannot be mapped");
	*page_out = page;
	return 0;
}

/* Only to look: opened anew by its name, because a descriptor's rights cannot be taken away. */
static int
open_to_look(int fd)
{
	char name[40];

	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	return open(name, O_RDONLY | O_CLOEXEC);
}

int
metrics_share_open(struct metrics_share *out, struct error *e)
{
	struct metrics_share s = { .look_fd = -1 };
	int rc;

	s.fd = memfd_create("letterlock-metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s.fd < 0 || ftruncate(s.fd, (off_t)sizeof(struct metrics_page)) != 0 ||
	    fcntl(s.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 ||
	    fchmod(s.fd, S_IRUSR | S_IWUSR) != 0 || /* or who may only look opens it anew, as we do */
	    (s.look_fd = open_to_look(s.fd)) < 0)
		rc = error_set_errno(e, ERR_IO, errno, "no shared memory for counting");
	else
		rc = map(s.fd, PROT_READ | PROT_WRITE, &s.page, e);
	if (rc != 0)
		metrics_share_close(&s);
	else
		*out = s;
	return rc;
}

void
metrics_share_close(struct metrics_share *s)
{
	if (s->page != NULL)
		(void)munmap(s->page, sizeof *s->page);
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->look_fd >= 0)
		(void)close(s->look_fd);
	*s = (struct metrics_share){ .fd = -1, .look_fd = -1 };
}

void
metrics_share_ended(struct metrics_share *s)
{
	for (size_t i = 0; s->page != NULL && i < metrics_table_count; i++) {
		const struct metric_row *row = &metrics_table[i];

		for (unsigned n = 0; row->kind == METRIC_GAUGE && n < row->first->count * row->second->count; n++)
			atomic_store(&s->page->values[row->slot + n], 0);
	}
}

/* ---- counting and looking ---- */

int
metrics_use(int fd, struct error *e)
{
	struct metrics_page *page, *before;
	int rc = map(fd, PROT_READ | PROT_WRITE, &page, e);

	if (rc != 0)
		return rc;
	before = atomic_exchange(&metrics_here, page);
	for (size_t i = 0; before == &own && i < METRIC_COUNT; i++) {
		uint64_t so_far = atomic_exchange(&own.values[i], 0);

		if (so_far != 0)
			(void)atomic_fetch_add(&page->values[i], so_far);
	}
	return 0; /* one that was used before stays mapped: another thread may be counting there */
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static const struct metrics_page *pages[METRICS_PAGES_MAX];
static size_t page_count;

static int
look_at(const struct metrics_page *page)
{
	int rc = ERR_LIMIT;

	(void)pthread_mutex_lock(&lock);
	if (page_count < METRICS_PAGES_MAX) {
		pages[page_count++] = page;
		rc = 0;
	}
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

int
metrics_look(int fd, struct error *e)
{
	struct metrics_page *page;
	int rc = map(fd, PROT_READ, &page, e);

	if (rc != 0)
		return rc;
	if (look_at(page) == 0)
		return 0;
	(void)munmap(page, sizeof *page);
	return error_set(e, ERR_LIMIT, "more than %u pages of numbers", METRICS_PAGES_MAX);
}

void
metrics_look_here(void)
{
	const struct metrics_page *page = atomic_load(&metrics_here);
	bool there = false;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < page_count; i++)
		there = there || pages[i] == page;
	(void)pthread_mutex_unlock(&lock);
	if (!there)
		(void)look_at(page);
}

void
metrics_sum(uint64_t out[METRIC_COUNT])
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		out[i] = 0;
	(void)pthread_mutex_lock(&lock);
	for (size_t p = 0; p < page_count; p++)
		for (size_t i = 0; i < METRIC_COUNT; i++)
			out[i] += atomic_load_explicit(&pages[p]->values[i], memory_order_relaxed);
	(void)pthread_mutex_unlock(&lock);
}

bool
metrics_process(size_t i, uint64_t out[FACT_COUNT])
{
	bool found = false;

	(void)pthread_mutex_lock(&lock);
	if (page_count > 0 && i < METRICS_PAGES_MAX) {
		for (size_t f = 0; f < FACT_COUNT; f++)
			out[f] = atomic_load_explicit(&pages[0]->facts[i][f], memory_order_relaxed);
		found = out[FACT_STARTED] != 0;
	}
	(void)pthread_mutex_unlock(&lock);
	return found;
}
