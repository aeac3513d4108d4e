/* SPDX-License-Identifier: ISC */
/* The resolver's end over a socket, on a name server on loopback; and the confirmed names of addresses. */
#include "service/resolve.h"

#include <stdatomic.h>

#include "net/name_server.h"
#include "os/clock.h"
#include "service/limits.h"
#include "service/permit.h"

/* ---- a resolver and its port ---- */

struct resolver {
	struct dns *dns;
	struct resolver_end *end;
	struct port_service service;
	struct permit_service permitted;
	struct port_server *server;
	struct port *port;
};

static void
resolver_begin(struct resolver *r, struct dns *d)
{
	int fds[2];

	r->dns = d;
	assert_ok(resolver_end_new(d, SLICE_EMPTY, &r->end, &unit_error));
	r->service = resolve_service(r->end);
	permit_only(&r->permitted, &r->service, PROCESS_MX, PROCESS_RESOLVER);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_new(&r->service, &r->server, &unit_error));
	assert_ok(port_server_add(r->server, fds[0], &r->permitted.service, 1, &unit_error));
	assert_ok(port_open_socket(&resolve_interface, fds[1], &r->port, &unit_error));
}

static void
resolver_end(struct resolver *r)
{
	port_close(r->port);
	port_server_free(r->server);
	dns_free(r->dns);
	resolver_end_free(r->end);
}

/* ---- look-ups ---- */

static void
lookups(void **state)
{
	struct dns_answer answer;
	struct resolver r;
	struct arena a;

	(void)state;
	arena_init(&a, 1u << 20);
	resolver_begin(&r, name_server_dns());
	assert_ok(resolve_lookup(
	    r.port, &(struct resolve_lookup){ SLICE("alias.signed.test"), DNS_A }, &a, &answer, &unit_error));
	assert_int_equal(answer.security, DNS_SECURE);
	assert_slice(answer.canonical, "www.signed.test");
	assert_int_equal(answer.record_count, 2);
	assert_int_equal(answer.records[0].len, 4);
	assert_ok(resolve_lookup(
	    r.port, &(struct resolve_lookup){ SLICE("www.bogus.test"), DNS_A }, &a, &answer, &unit_error));
	assert_true(answer.security == DNS_BOGUS && answer.record_count == 0 && answer.reason.len > 0);
	assert_int_equal(resolve_lookup(r.port, &(struct resolve_lookup){ SLICE("huge.plain.test"), DNS_TXT }, &a,
			     &answer, &unit_error),
	    ERR_LIMIT);
	assert_int_equal(
	    resolve_lookup(r.port, &(struct resolve_lookup){ SLICE("a b"), DNS_A }, &a, &answer, &unit_error),
	    ERR_SYNTAX);
	resolver_end(&r);
	arena_done(&a);
}

static void
ignored(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

/* Of a name server that says nothing one look-up is under way: there is room for no other, and that is told as such. */
static void
no_room_is_no_answer(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	const struct resolve_lookup one = { SLICE("one.plain.test"), DNS_A }, two = { SLICE("two.plain.test"), DNS_A };
	char text[40];
	struct slice server;
	struct dns_config config = { .servers = &server, .server_count = 1, .timeout_ms = 5000, .in_flight = 1 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct dns_answer answer;
	struct resolver r;
	struct arena a;
	struct dns *d;

	(void)state;
	arena_init(&a, 1u << 20);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	(void)snprintf(text, sizeof text, "127.0.0.1@%u", ntohs(at.sin_port));
	server = slice_str(text);
	assert_ok(dns_new(&config, &d, &unit_error));
	assert_ok(dns_start(d, &unit_error));
	resolver_begin(&r, d);
	assert_ok(resolve_lookup_submit(r.port, &one, ignored, NULL, &unit_error));
	assert_int_equal(resolve_lookup(r.port, &two, &a, &answer, &unit_error), ERR_FULL);
	resolver_end(&r);
	arena_done(&a);
	(void)close(fd);
}

/* ---- confirmed names ---- */

/* The name that is confirmed within a second, or "". */
static const char *
name_of(struct port *port, const char *address)
{
	struct resolve_name *n = resolve_name_begin(port, address);
	static char name[256];

	for (unsigned i = 0; i < 100 && resolve_name_get(n).len == 0; i++)
		(void)usleep(10000);
	(void)snprintf(name, sizeof name, "%.*s", (int)resolve_name_get(n).len, (const char *)resolve_name_get(n).data);
	resolve_name_release(n);
	return name;
}

static void
names(void **state)
{
	static const struct {
		const char *address, *name;
	} rows[] = {
		{ "192.0.2.7", "mail.plain.test" },
		{ "::ffff:192.0.2.7", "mail.plain.test" },
		{ "2001:db8::7", "mail6.plain.test" },
		{ "192.0.2.8", "" },               /* the name has another address */
		{ "192.0.2.9", "" },               /* there is no such name */
		{ "192.0.2.10", "" },              /* its address is forged */
		{ "192.0.2.11", "" },              /* no PTR record */
		{ "192.0.2.1", "www.plain.test" }, /* behind two that are no host names */
		{ "192.0.2.256", "" },
		{ "", "" },
	};
	struct resolver r;

	(void)state;
	resolver_begin(&r, name_server_dns());
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(name_of(r.port, rows[i].address), rows[i].name);
	assert_int_equal(resolve_name_get(NULL).len, 0);
	resolve_name_release(NULL);
	assert_null(resolve_name_begin(NULL, "192.0.2.7"));
	resolver_end(&r);
}

/* Given up before the answer: the question goes on alone, also when the resolver ends under it. */
static void
released_early(void **state)
{
	struct resolver r;

	(void)state;
	resolver_begin(&r, name_server_dns());
	for (unsigned i = 0; i < 100; i++) {
		struct resolve_name *n = resolve_name_begin(r.port, "192.0.2.7");

		assert_non_null(n);
		resolve_name_release(n);
	}
	resolver_end(&r);
}

/* ---- a resolver that lies ---- */

#define LIES 20u

struct liar {
	atomic_uint questions;
	struct slice pointer; /* of every PTR record */
};

/* Any number of names, and no address; it takes no time. */
static void
lie(void *ctx, struct port_job *job)
{
	const struct resolve_lookup *q = port_job_request(job);
	struct liar *l = ctx;
	struct slice records[LIES];
	struct dns_answer out = { .security = DNS_SECURE, .records = records };

	(void)atomic_fetch_add(&l->questions, 1);
	for (size_t i = 0; i < LIES; i++)
		records[i] = q->type == DNS_PTR ? l->pointer : SLICE("\xc0\0\2\1");
	out.record_count = LIES;
	port_reply(job, &out);
}

static void
lies(void **state)
{
	static const struct port_handler handlers[] = { { RESOLVE_METHOD_lookup, lie } };
	struct liar liar = { .pointer = SLICE("\4mail\0") };
	const struct port_service service = {
		.interface = &resolve_interface, .handlers = handlers, .handler_count = 1, .ctx = &liar
	};
	const struct slice no_names[] = { SLICE("\4ma)l\0"), SLICE("\6a\r\nb:c\0"), SLICE("\0"), SLICE("mail"),
		SLICE(""), SLICE("\5-mail\0"), SLICE("\5[::1]\0") };
	struct port *port;

	(void)state;
	assert_ok(port_open_local(&service, &port, &unit_error));
	/* Three names are asked about, of twenty. */
	assert_string_equal(name_of(port, "192.0.2.2"), "");
	assert_int_equal(atomic_load(&liar.questions), 1 + RESOLVE_NAMES_MAX);
	assert_string_equal(name_of(port, "192.0.2.1"), "mail");
	for (size_t i = 0; i < sizeof no_names / sizeof no_names[0]; i++) {
		liar.pointer = no_names[i];
		atomic_store(&liar.questions, 0);
		assert_string_equal(name_of(port, "192.0.2.1"), "");
		assert_int_equal(atomic_load(&liar.questions), 1);
	}
	port_close(port);
}

/* ---- a resolver that is not there, or silent ---- */

static void
gone(void **state)
{
	struct port *port;

	(void)state;
	assert_ok(port_open_waiting(&resolve_interface, &port, &unit_error));
	assert_null(resolve_name_begin(port, "192.0.2.7"));
	port_close(port);
}

static void
silent(void **state)
{
	struct resolve_name *n[1000];
	struct port *port;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_open_socket(&resolve_interface, fds[1], &port, &unit_error));
	for (unsigned i = 0; i < 1000; i++)
		n[i] = resolve_name_begin(port, "192.0.2.7");
	for (unsigned i = 0; i < 1000; i += 2)
		resolve_name_release(n[i]);
	port_close(port);
	for (unsigned i = 1; i < 1000; i += 2) {
		assert_int_equal(resolve_name_get(n[i]).len, 0);
		resolve_name_release(n[i]);
	}
	(void)close(fds[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(lookups), UNIT_TEST(no_room_is_no_answer), UNIT_TEST(names),
		UNIT_TEST(released_early), UNIT_TEST(lies), UNIT_TEST(gone), UNIT_TEST(silent) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, name_server_begin, name_server_end);
}
