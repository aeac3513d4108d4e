/* SPDX-License-Identifier: ISC */
/* A store in a folder of its own, for tests. */
#ifndef TESTS_STORE_BOX_H
#define TESTS_STORE_BOX_H

#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/engine.h"
#include "store/store.h"

struct box {
	char folder[64];
	struct store_options options;
	struct store *store;
	struct port_server *server;
	struct port *port;
	struct arena arena;
	char said[2048]; /* what the store said at its start, one line each */
	unsigned stops;
};

#define BOX_FN static inline __attribute__((unused))

BOX_FN void
box_say(void *ctx, const char *line)
{
	struct box *b = ctx;
	size_t at = strlen(b->said);

	(void)snprintf(b->said + at, sizeof b->said - at, "%s\n", line);
}

BOX_FN void
box_stopped(void *ctx, const char *why)
{
	struct box *b = ctx;

	(void)why;
	b->stops++;
}

BOX_FN int
box_try(struct box *b, struct error *e)
{
	b->said[0] = 0;
	b->options.folder = b->folder;
	b->options.say = box_say;
	b->options.stopped = box_stopped;
	b->options.ctx = b;
	return store_open(&b->options, &b->store, e);
}

BOX_FN void
box_open(struct box *b)
{
	assert_ok(box_try(b, &unit_error));
	assert_ok(port_open_local(store_service(b->store), &b->port, &unit_error));
}

/* The same, with the store's calls over a socket. */
BOX_FN void
box_open_socket(struct box *b)
{
	int fds[2];

	assert_ok(box_try(b, &unit_error));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_new(store_service(b->store), &b->server, &unit_error));
	assert_ok(port_server_add(b->server, fds[0], NULL, 0, &unit_error));
	assert_ok(port_open_socket(&store_interface, fds[1], &b->port, &unit_error));
}

BOX_FN void
box_close(struct box *b)
{
	port_close(b->port);
	port_server_free(b->server);
	store_close(b->store);
	b->port = NULL;
	b->server = NULL;
	b->store = NULL;
}

BOX_FN void
box_new(struct box *b)
{
	/* In memory where that is possible: no test waits for a disk's syncs, and none depends on them. */
	const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	memset(b, 0, sizeof *b);
	(void)snprintf(b->folder, sizeof b->folder, "%s/letterlock-store-XXXXXX", place);
	assert_non_null(mkdtemp(b->folder));
	arena_init(&b->arena, (size_t)256 << 20);
}

BOX_FN int
box_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

BOX_FN void
box_free(struct box *b)
{
	box_close(b);
	(void)nftw(b->folder, box_unlink, 16, FTW_DEPTH | FTW_PHYS);
	arena_done(&b->arena);
}

/* A new account; its domain is made. */
BOX_FN uint64_t
box_account(struct box *b, const char *address)
{
	struct store_nothing none;
	struct store_account_id id;
	struct slice a = slice_str(address);

	assert_ok(store_domain_add(b->port, &(struct store_domain){ slice_from(a, slice_find_last(a, '@') + 1) },
	    &b->arena, &none, &unit_error));
	assert_ok(
	    store_account_create(b->port, &(struct store_account_create){ .address = a, .verifier = SLICE("verifier") },
		&b->arena, &id, &unit_error));
	return id.account;
}

BOX_FN struct store_mailbox
box_mailbox(struct box *b, uint64_t account, const char *name)
{
	struct store_mailbox_get in = { .account = account, .name = slice_str(name) };
	struct store_mailbox_state state;

	assert_ok(store_mailbox_get(b->port, &in, &b->arena, &state, &unit_error));
	return state.mailbox;
}

BOX_FN uint64_t
box_create(struct box *b, uint64_t account, const char *name)
{
	struct store_mailbox_create in = { .account = account, .name = slice_str(name) };
	struct store_mailbox_id id;

	assert_ok(store_mailbox_create(b->port, &in, &b->arena, &id, &unit_error));
	return id.mailbox;
}

BOX_FN struct store_appended
box_append(struct box *b, uint64_t account, uint64_t mailbox, struct slice data, uint32_t flags)
{
	struct store_append in = { account, mailbox, { .data = data }, 1234567, flags, NULL, 0 };
	struct store_appended out;

	assert_ok(store_append(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

BOX_FN struct slice
box_body(struct box *b, uint64_t body)
{
	struct store_body_read in = { body, 0, STORE_PIECE_MAX };
	struct store_body_data out;

	assert_ok(store_body_read(b->port, &in, &b->arena, &out, &unit_error));
	return out.data;
}

BOX_FN struct store_message_rows
box_list(struct box *b, uint64_t account, uint64_t mailbox)
{
	struct store_message_list in = { .account = account, .mailbox = mailbox, .with_cache = true };
	struct store_message_rows out;

	assert_ok(store_message_list(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

#endif
