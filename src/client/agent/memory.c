/* SPDX-License-Identifier: ISC */
#include "client/agent/memory.h"

#include <sys/resource.h>

#include "base/mem.h"
#include "base/region.h"
#include "crypto/secret.h"

static void
raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_MEMLOCK, &l) != 0)
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &l);
}

int
agent_memory_start(bool no_memfd, enum locked_kind *kind_out, struct error *e)
{
	struct locked memory;
	struct region *r;
	int rc;

	raise_limit();
	rc = locked_new(AGENT_MEMORY, no_memfd, &memory, e);
	if (rc != 0)
		return rc;
	r = region_new(memory.data, memory.size);
	rc = r == NULL ? error_nomem(e) : secret_within(r, e);
	if (rc != 0) {
		locked_free(&memory);
		return rc;
	}
	mem_within(r);
	*kind_out = memory.kind;
	return 0;
}
