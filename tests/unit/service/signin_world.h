/* SPDX-License-Identifier: ISC */
/*
 * The end that signs people in: asked over sockets by a front and by web, with
 * a pretended mail behind that says verifiers and takes grants. The clock is
 * this file's own and stands still, so that a busy machine changes nothing.
 */
#ifndef TESTS_SIGNIN_WORLD_H
#define TESTS_SIGNIN_WORLD_H

#include "service/signin/signin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "crypto/kdf.h"
#include "os/clock.h"
#include "service/ask.h"
#include "service/signin/auth.h"
#include "service/permit.h"
#include "sasl/scram.h"
#include "service/signin/throttle.h"
#include "unit.h"

#define WORLD_FN __attribute__((unused)) static /* a test need not use all of it */

#define ALICE 100
#define EMPTY 200  /* has no password */
#define FULL 300   /* has too many connections */
#define BROKEN 400 /* its verifier is none */
#define BUSY 500   /* its checks take little time each */
#define APPS 600   /* has app passwords beside its password */
#define SOME 700   /* has some, none of which is for POP3 */

/* In their form; as different as random ones. */
#define APP_IMAP "yyyy-yyyy-yyyy-yyyy-yyyy-yyyy-yyyy"
#define APP_SMTP "bbbb-bbbb-bbbb-bbbb-bbbb-bbbb-bbbb"
#define APP_OLD "nnnn-nnnn-nnnn-nnnn-nnnn-nnnn-nnnn"  /* has expired */
#define APP_GONE "dddd-dddd-dddd-dddd-dddd-dddd-dddd" /* mail takes it back between its verifier and the grant */
#define APP_NONE "rrrr-rrrr-rrrr-rrrr-rrrr-rrrr-rrrr" /* nobody's */

enum { CREDENTIAL_IMAP = 71, CREDENTIAL_SMTP, CREDENTIAL_OLD, CREDENTIAL_GONE };

static struct buf alices, busys; /* verifiers: making them takes long */
static struct buf apps[4];       /* SCRAM's, of one salt */

/* ---- os/clock.h: all of it, or the linker would take both ---- */

/* Far behind the system's, so that no wait for a time ends by itself: what is held back is looked at when another check ends. */
static atomic_int_fast64_t now_ms = INT64_C(1) << 40;

int64_t
clock_ms(void)
{
	return atomic_load(&now_ms);
}

int64_t
clock_boot_ms(void)
{
	return clock_ms();
}

int64_t
clock_ns(void)
{
	return clock_ms() * 1000000;
}

/* What each check takes of the processor, by its thread's clock. */
static atomic_int_fast64_t check_ns;

int64_t
clock_thread_ns(void)
{
	static _Thread_local int64_t thread_ns;

	return thread_ns += atomic_load(&check_ns);
}

uint64_t
clock_unix(void)
{
	return (uint64_t)clock_ms() / 1000;
}

int16_t
clock_zone(int64_t unix_seconds)
{
	(void)unix_seconds;
	return 0;
}

/* ---- mail ---- */

struct mail {
	struct port_service service;
	atomic_uint verifiers, grants, salt_keys;
	struct ask_grant last;
	atomic_bool hold; /* answers no question for a verifier until it is told to */
	pthread_mutex_t lock;
	struct port_job *held[512];
	size_t held_count;
};

static const struct {
	const char *address;
	uint64_t account;
	const struct buf *verifier;
	const char *text;
} accounts[] = {
	{ "alice@example.org", ALICE, &alices, NULL },
	{ "empty@example.org", EMPTY, NULL, "" },
	{ "full@example.org", FULL, &alices, NULL },
	{ "broken@example.org", BROKEN, NULL, "letmein" },
	{ "busy@example.org", BUSY, &busys, NULL },
	{ "apps@example.org", APPS, &alices, NULL },
	{ "some@example.org", SOME, &alices, NULL },
};

/* Four, for what their names say. */
static void
say_apps(struct port_job *job, struct ask_verifier *v)
{
	struct store_credential rows[4] = {
		{ CREDENTIAL_IMAP, STORE_CREDENTIAL_APP, .name = SLICE("phone"), .rights = STORE_RIGHT_IMAP },
		{ CREDENTIAL_SMTP, STORE_CREDENTIAL_APP, .name = SLICE("printer"), .rights = STORE_RIGHT_SMTP },
		{ CREDENTIAL_OLD, STORE_CREDENTIAL_APP, .name = SLICE("old"), .rights = STORE_RIGHTS_ALL,
		    .expires = 1 },
		{ CREDENTIAL_GONE, STORE_CREDENTIAL_APP, .name = SLICE("gone"), .rights = STORE_RIGHTS_ALL },
	};

	for (size_t i = 0; i < 4; i++)
		rows[i].verifier = buf_slice(&apps[i]);
	v->credentials = rows;
	v->credential_count = v->account == SOME ? 3 : 4;
	port_reply(job, v);
}

static void
say_verifier(struct port_job *job)
{
	const struct ask_account *q = port_job_request(job);
	struct error e;

	if (slice_eq_str(q->address, "trouble@example.org")) {
		(void)error_set(&e, ERR_IO, "the disk has gone");
		port_fail(job, &e);
		return;
	}
	for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
		struct ask_verifier v = { .account = accounts[i].account };

		if (!slice_ieq_str(q->address, accounts[i].address))
			continue;
		v.verifier = accounts[i].text != NULL ? slice_str(accounts[i].text) : buf_slice(accounts[i].verifier);
		if (v.account == APPS || v.account == SOME)
			say_apps(job, &v);
		else
			port_reply(job, &v);
		return;
	}
	(void)error_set(&e, ERR_NOT_FOUND, "no such account");
	port_fail(job, &e);
}

static void
run_verifier(void *ctx, struct port_job *job)
{
	struct mail *m = ctx;

	(void)atomic_fetch_add(&m->verifiers, 1);
	if (!atomic_load(&m->hold)) {
		say_verifier(job);
		return;
	}
	(void)pthread_mutex_lock(&m->lock);
	m->held[m->held_count++] = job;
	(void)pthread_mutex_unlock(&m->lock);
}

static void
run_grant(void *ctx, struct port_job *job)
{
	struct mail *m = ctx;
	const struct ask_grant *q = port_job_request(job);
	struct error e;

	m->last = *q;
	(void)atomic_fetch_add(&m->grants, 1);
	if (q->account == FULL) {
		(void)error_set(&e, ERR_LIMIT, "this account has 10 connections already");
		port_fail(job, &e);
	} else if (q->credential == CREDENTIAL_GONE) {
		(void)error_set(&e, ERR_NOT_FOUND, "no such app password");
		port_fail(job, &e);
	} else {
		port_reply(job, &(struct store_nothing){ 0 });
	}
}

static void
run_salt_key(void *ctx, struct port_job *job)
{
	struct mail *m = ctx;

	(void)atomic_fetch_add(&m->salt_keys, 1);
	port_reply(job, &(struct ask_salt_key){ .key = SLICE("0123456789abcdef0123456789abcdef") });
}

static const struct port_handler mail_handlers[] = {
	{ ASK_METHOD_verifier, run_verifier },
	{ ASK_METHOD_salt_key, run_salt_key },
	{ ASK_METHOD_grant, run_grant },
};

WORLD_FN void
let_go(struct mail *m)
{
	atomic_store(&m->hold, false);
	for (;;) {
		struct port_job *job = NULL;

		(void)pthread_mutex_lock(&m->lock);
		if (m->held_count > 0)
			job = m->held[--m->held_count];
		(void)pthread_mutex_unlock(&m->lock);
		if (job == NULL)
			return;
		say_verifier(job);
	}
}

/* ---- the world ---- */

struct world {
	struct mail mail;
	struct port_server *mail_server, *server;
	struct port *to_mail, *front, *web;
	struct signin *signin;
};

static struct port *
connect_to(struct port_server *server, uint64_t tag)
{
	struct port *port;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_add(server, fds[0], NULL, tag, &unit_error));
	assert_ok(port_open_socket(&ask_interface, fds[1], &port, &unit_error));
	return port;
}

static struct world *
world_new_with(const struct signin_options *options)
{
	struct world *w = mem_alloc(sizeof *w);

	assert_non_null(w);
	(void)pthread_mutex_init(&w->mail.lock, NULL);
	w->mail.service = (struct port_service){
		.interface = &ask_interface, .handlers = mail_handlers, .handler_count = 3, .ctx = &w->mail
	};
	assert_ok(port_server_new(&w->mail.service, &w->mail_server, &unit_error));
	w->to_mail = connect_to(w->mail_server, process_number(PROCESS_AUTH, 1));
	assert_ok(signin_new(w->to_mail, options, &w->signin, &unit_error));
	assert_ok(port_server_new(signin_service(w->signin), &w->server, &unit_error));
	w->front = connect_to(w->server, process_number(PROCESS_FRONT, 3));
	w->web = connect_to(w->server, process_number(PROCESS_WEB, 4));
	return w;
}

static struct world *
world_new(unsigned threads)
{
	return world_new_with(&(struct signin_options){ .threads = threads });
}

static void
world_free(struct world *w)
{
	port_close(w->front);
	port_close(w->web);
	port_server_free(w->server);
	signin_free(w->signin);
	port_close(w->to_mail);
	port_server_free(w->mail_server);
	(void)pthread_mutex_destroy(&w->mail.lock);
	mem_free(w);
}

WORLD_FN struct ask_authenticate
question(const char *address, const char *password, const char *peer)
{
	return (struct ask_authenticate){ .connection = 77,
		.protocol = STORE_RIGHT_IMAP,
		.address = slice_str(address),
		.password = slice_str(password),
		.peer = slice_str(peer) };
}

WORLD_FN int
sign_in(struct port *port, const struct ask_authenticate *q, struct ask_handover *out, struct error *e)
{
	struct arena a;
	int rc;

	arena_init(&a, 65536);
	memset(out, 0, sizeof *out);
	rc = ask_authenticate(port, q, &a, out, e);
	arena_done(&a);
	return rc;
}

/* ---- verifiers ---- */
/* "secret" at a tenth of the cost. */
static bool
make_busy(void)
{
	static const struct kdf_argon2 cost = { AUTH_MEMORY_KIB / 5, 1, 1 };
	uint8_t hash[33]; /* without padding in base64 */

	if (kdf_argon2id(&cost, SLICE("secret"), SLICE("123456789012"), hash, sizeof hash, NULL) != 0)
		return false;
	(void)buf_putf(&busys, "$argon2id$v=19$m=%u,t=1,p=1$", AUTH_MEMORY_KIB / 5);
	(void)base64_write(&busys, SLICE("123456789012"));
	(void)buf_put_u8(&busys, '$');
	(void)base64_write(&busys, slice_of(hash, sizeof hash));
	return busys.err == 0;
}

static bool
make_apps(void)
{
	static const char *const passwords[] = { APP_IMAP, APP_SMTP, APP_OLD, APP_GONE };
	bool ok = true;

	for (size_t i = 0; i < 4; i++) {
		buf_init(&apps[i], 1024);
		ok = ok && auth_scram_make(slice_str(passwords[i]), buf_slice(&apps[0]), false, &apps[i], NULL) == 0;
	}
	return ok;
}

static bool
world_verifiers(void)
{
	buf_init(&alices, 1024);
	buf_init(&busys, 1024);
	return auth_verifier_make(SLICE("secret"), &alices, NULL) == 0 && make_busy() && make_apps();
}

static void
world_verifiers_done(void)
{
	buf_done(&alices);
	buf_done(&busys);
	for (size_t i = 0; i < 4; i++)
		buf_done(&apps[i]);
}

#endif
