/* SPDX-License-Identifier: ISC */
/*
 * Who waits for changes. The last NOTIFY_RING changes are kept with a number
 * each; a cursor is the number that its owner has not seen yet, behind a tag
 * of this start of the store. Whoever asks with a cursor that has changes
 * behind it is answered at once, others with the next commit. A cursor that
 * fell out of the ring, or is from before a restart, gets "lost".
 */
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "store/internal.h"

#define NUMBER_BITS 40

struct waiting {
	struct waiting *next;
	struct port_job *job;
	uint64_t number;
};

void
notify_init(struct notify *n)
{
	memset(n, 0, sizeof *n);
	(void)pthread_mutex_init(&n->mutex, NULL);
	n->tag = ((clock_unix() ^ (uint64_t)clock_ns() << 12) & 0x7fffff) + 1;
	n->next = 1;
}

static int
ref_compare(const void *a, const void *b)
{
	const struct store_mailbox_ref *x = a, *y = b;

	if (x->account != y->account)
		return x->account < y->account ? -1 : 1;
	return x->mailbox == y->mailbox ? 0 : x->mailbox < y->mailbox ? -1 : 1;
}

/* With the mutex: changes from number on, each mailbox once. */
static void
fill_answer(struct notify *n, struct arena *a, uint64_t number, struct store_changes_seen *out)
{
	size_t count = (size_t)(n->next - number), kept = 0;
	struct store_mailbox_ref *refs = arena_array(a, count, sizeof *refs);

	out->cursor = n->tag << NUMBER_BITS | n->next;
	out->lost = count > NOTIFY_RING || refs == NULL;
	if (out->lost)
		return;
	for (size_t i = 0; i < count; i++)
		refs[i] = n->ring[(number + i) % NOTIFY_RING];
	qsort(refs, count, sizeof *refs, ref_compare);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || ref_compare(&refs[i], &refs[i - 1]) != 0)
			refs[kept++] = refs[i];
	}
	out->mailboxes = refs;
	out->mailbox_count = kept;
}

static void
answer(struct notify *n, struct port_job *job, uint64_t number)
{
	struct store_changes_seen out = { 0 };
	struct arena *a = port_job_arena(job);

	(void)pthread_mutex_lock(&n->mutex);
	if (n->next - number > NOTIFY_RING) {
		out.lost = true;
		out.cursor = n->tag << NUMBER_BITS | n->next;
	} else {
		fill_answer(n, a, number, &out);
	}
	(void)pthread_mutex_unlock(&n->mutex);
	port_reply(job, &out);
}

void
notify_wait(struct store *s, struct port_job *job)
{
	const struct store_changes_wait *in = port_job_request(job);
	struct notify *n = &s->notify;
	uint64_t number = in->cursor & ((1ull << NUMBER_BITS) - 1);
	struct waiting *w = arena_alloc(port_job_arena(job), sizeof *w);
	struct store_changes_seen out = { 0 };
	bool wait = false;

	(void)pthread_mutex_lock(&n->mutex);
	out.cursor = n->tag << NUMBER_BITS | n->next;
	out.lost = in->cursor != 0 && (in->cursor >> NUMBER_BITS != n->tag || number > n->next || number == 0);
	if (in->cursor != 0 && !out.lost && number == n->next && w != NULL) {
		w->job = job;
		w->number = number;
		w->next = n->waiting;
		n->waiting = w;
		wait = true;
	}
	(void)pthread_mutex_unlock(&n->mutex);
	if (wait)
		return;
	if (in->cursor == 0 || out.lost)
		port_reply(job, &out);
	else
		answer(n, job, number);
}

void
notify_changed(struct store *s, struct slice refs)
{
	struct notify *n = &s->notify;
	const struct store_mailbox_ref *ref = (const void *)refs.data;
	struct waiting *list, *next;

	if (refs.len == 0)
		return;
	(void)pthread_mutex_lock(&n->mutex);
	for (size_t i = 0; i < refs.len / sizeof *ref; i++)
		n->ring[n->next++ % NOTIFY_RING] = ref[i];
	list = n->waiting;
	n->waiting = NULL;
	(void)pthread_mutex_unlock(&n->mutex);
	for (; list != NULL; list = next) {
		next = list->next;
		answer(n, list->job, list->number);
	}
}

/* Takes those of one peer (0: all) out of the list. */
static struct waiting *
take_waiting(struct notify *n, uint64_t peer)
{
	struct waiting *taken = NULL, **at = &n->waiting;

	(void)pthread_mutex_lock(&n->mutex);
	while (*at != NULL) {
		struct waiting *w = *at;

		if (peer != 0 && port_job_peer(w->job) != peer) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = taken;
		taken = w;
	}
	(void)pthread_mutex_unlock(&n->mutex);
	return taken;
}

static void
fail_waiting(struct waiting *list)
{
	struct waiting *next;
	struct error e = { 0 };

	(void)error_set(&e, ERR_CLOSED, "the store is closing");
	for (; list != NULL; list = next) {
		next = list->next;
		port_fail(list->job, &e);
	}
}

void
notify_peer_gone(struct store *s, uint64_t peer)
{
	fail_waiting(take_waiting(&s->notify, peer));
}

void
notify_done(struct notify *n)
{
	fail_waiting(take_waiting(n, 0));
	(void)pthread_mutex_destroy(&n->mutex);
}
