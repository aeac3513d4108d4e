/* SPDX-License-Identifier: ISC */
#include "os/locked.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The whole with its guards is taken first, so that nothing else comes to lie beside it. */
static uint8_t *
reserve(size_t size, size_t page)
{
	void *p = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool
map_secret(uint8_t *at, size_t size)
{
	bool mapped = false;
#ifdef SYS_memfd_secret
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd < 0)
		return false;
	mapped = ftruncate(fd, (off_t)size) == 0 &&
	    mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
	(void)close(fd);
#else
	(void)at;
	(void)size;
#endif
	return mapped;
}

static bool
map_usual(uint8_t *at, size_t size)
{
	return mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* All at once where that is permitted: a page is then never without its lock. */
static bool
lock(void *p, size_t size)
{
	return mlock(p, size) == 0 || mlock2(p, size, MLOCK_ONFAULT) == 0;
}

int
locked_new(size_t size, bool no_memfd, struct locked *out, struct error *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
	uint8_t *p = reserve(whole, page);

	if (p == NULL)
		return error_nomem(e);
	*out = (struct locked){ .data = p + page, .size = whole, .kind = LOCKED_SECRET };
	if (no_memfd || !map_secret(out->data, whole)) {
		if (!map_usual(out->data, whole)) {
			(void)munmap(p, whole + 2 * page);
			return error_nomem(e);
		}
		(void)madvise(out->data, whole, MADV_WIPEONFORK);
		out->kind = lock(out->data, whole) ? LOCKED_LOCKED : LOCKED_NOT;
	}
	(void)madvise(out->data, whole, MADV_DONTDUMP);
	(void)madvise(out->data, whole, MADV_DONTFORK);
	return 0;
}

void
locked_free(struct locked *l)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (l->data == NULL)
		return;
	explicit_bzero(l->data, l->size);
	(void)munmap((uint8_t *)l->data - page, l->size + 2 * page);
	*l = (struct locked){ .data = NULL };
}

const char *
locked_kind_name(enum locked_kind kind)
{
	static const char *const names[] = { "memfd_secret", "locked", "not locked" };

	return names[kind];
}
