/* SPDX-License-Identifier: ISC */
/*
 * Any octets as frames of another process: each one that is a request of some
 * method is carried out by a real store. Whatever they ask, the store answers
 * every call, goes on, and its counts agree with its rows.
 */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/engine.h"
#include "store/store.h"

#define FRAMES_MAX 32u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/letterlock-fuzz-XXXXXX";
static struct store *store;
static struct port *port;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned open_calls;

static void
must(int rc)
{
	if (rc != 0)
		abort();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
store_end(void)
{
	if (store == NULL)
		return;
	port_close(port);
	store_close(store);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	store = NULL;
}

static void
store_begin(void)
{
	static bool once;
	struct store_account_create account = { .address = SLICE("a@fuzz.example"), .verifier = SLICE("verifier") };
	struct store_append mail = { 1, 1, { .data = SLICE("A: b\r\n\r\nbody"), .header_size = 8 }, 0, 0, NULL, 0 };
	struct store_account_id id;
	struct store_appended appended;
	struct store_nothing none;
	struct arena a ARENA_OWNED = { 0 };

	arena_init(&a, 1 << 20);
	folder[sizeof folder - 7] = 0;
	for (size_t i = 0; i < 6; i++)
		folder[sizeof folder - 7 + i] = 'X';
	if (mkdtemp(folder) == NULL)
		abort();
	must(store_open(&(struct store_options){ .folder = folder, .readers = 1 }, &store, NULL));
	must(port_open_local(store_service(store), &port, NULL));
	must(store_domain_add(port, &(struct store_domain){ SLICE("fuzz.example") }, &a, &none, NULL));
	must(store_account_create(port, &account, &a, &id, NULL));
	for (int i = 0; i < 3; i++)
		must(store_append(port, &mail, &a, &appended, NULL));
	if (!once && atexit(store_end) != 0)
		abort();
	once = true;
}

static void
answered(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	if (reply == NULL && (e == NULL || e->code >= 0 || e->code == ERR_INTERNAL))
		abort();
	(void)pthread_mutex_lock(&mutex);
	open_calls--;
	(void)pthread_cond_signal(&changed);
	(void)pthread_mutex_unlock(&mutex);
}

static void
answered_any_time(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

static const struct port_method *
method_of(uint16_t number)
{
	for (size_t i = 0; i < store_interface.method_count; i++) {
		if (store_interface.methods[i].number == number)
			return &store_interface.methods[i];
	}
	return NULL;
}

static void
call(const struct codec_frame *frame, struct arena *a)
{
	const struct port_method *m = method_of(frame->type);
	bool waits = frame->type == STORE_METHOD_changes_wait;
	int rc;
	void *request = m == NULL ? NULL : arena_alloc(a, m->request->size);

	if (request == NULL || codec_decode(m->request, frame->body, a, request, NULL) != 0)
		return;
	(void)pthread_mutex_lock(&mutex);
	open_calls += !waits;
	(void)pthread_mutex_unlock(&mutex);
	rc = port_submit(port, frame->type, request, waits ? answered_any_time : answered, NULL, NULL);
	if (rc != 0 && !(waits && rc == ERR_LIMIT))
		abort();
}

static void
check_mailbox(const struct store_mailbox *m, struct arena *a)
{
	struct store_message_list in = { .account = 1, .mailbox = m->mailbox };
	struct store_message_rows rows;
	uint64_t size = 0;

	must(store_message_list(port, &in, a, &rows, NULL));
	for (size_t i = 0; i < rows.row_count; i++) {
		size += rows.rows[i].size;
		if (rows.rows[i].uid >= m->uidnext || rows.rows[i].modseq > m->highest_modseq)
			abort();
	}
	if (rows.next == 0 && (rows.row_count != m->messages || size != m->size))
		abort();
}

/* False: account 1 was removed. */
static bool
check_store(void)
{
	struct store_account_get get = { .account = 1 };
	struct store_mailbox_list in = { .account = 1 };
	struct store_mailbox_rows rows;
	struct store_account account;
	struct arena a ARENA_OWNED = { 0 };

	arena_init(&a, (size_t)64 << 20);
	if (store_account_get(port, &get, &a, &account, NULL) != 0)
		return false;
	must(store_mailbox_list(port, &in, &a, &rows, NULL));
	for (size_t i = 0; i < rows.row_count; i++)
		check_mailbox(&rows.rows[i], &a);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct codec_frame frame;
	struct arena a ARENA_OWNED = { 0 };
	size_t used;

	arena_init(&a, 1 << 20);
	if (store == NULL)
		store_begin();
	for (size_t i = 0; i < FRAMES_MAX && codec_frame_next(in, &frame, &used, NULL) == 1; i++) {
		call(&frame, &a);
		in = slice_from(in, used);
	}
	(void)pthread_mutex_lock(&mutex);
	while (open_calls > 0)
		(void)pthread_cond_wait(&changed, &mutex);
	(void)pthread_mutex_unlock(&mutex);
	if (!check_store())
		store_end();
	return 0;
}
