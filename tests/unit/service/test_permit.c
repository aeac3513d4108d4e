/* SPDX-License-Identifier: ISC */
/* Who may ask what: all roles against a list of its own, and what is left of a service, asked over a socket. */
#include "service/permit.h"

#include <stdatomic.h>
#include <sys/socket.h>

#include "service/ask.h"
#include "service/directory/verify.h"
#include "service/keys/keys.h"
#include "service/queue/queue.h"
#include "service/resolve.h"
#include "service/status/status.h"
#include "store/store.h"
#include "unit.h"

/* From the table of processes in the design: "asks" and "may touch", by method. */
static const struct {
	const char *from, *to, *interface, *methods;
} expected[] = {
	{ "front", "auth", "ask", "authenticate exchange exchange_end" },
	{ "web", "auth", "ask", "authenticate" },
	{ "auth", "mail", "ask", "verifier salt_key grant" },
	{ "mx", "mail", "ask", "recipient keep body_begin body_append body_abort tally delivered" },
	{ "mx", "resolver", "resolve", "lookup" },
	{ "mail", "resolver", "resolve", "lookup post" },
	{ "relay", "resolver", "resolve", "route sts" },
	{ "relay", "mail", "queue", "lease body renew settle defer_domain sts_get sts_put tally" },
	{ "mail", "keys", "keys", "list certify dkim_sign arc_sign" },
	{ "web", "mail", "store",
	    "address_find domain_list certificate_find certificate_count certificate_put "
	    "certificate_bucket certificate_names directory_changes certificate_look "
	    "certificate_publish certificate_unpublish" },
	{ "web", "mail", "verify", "request look confirm unpublish" },
	{ "control", "mail", "store",
	    "account_create account_remove account_set_verifier account_rename account_get account_list "
	    "address_add address_remove address_find address_resolve alias_add alias_remove alias_list "
	    "domain_add domain_remove domain_list "
	    "queue_get queue_list queue_change queue_domains queue_log queue_totals "
	    "info verify hold credential_add credential_remove credential_list "
	    "mailbox_list mailbox_get mailbox_create subscribe message_list append body_begin body_append body_abort "
	    "body_read certificate_find certificate_count certificate_put certificate_publish certificate_unpublish "
	    "certificate_remove meta_get meta_put" },
	{ "control", "mail", "status", "status" },
};

static const struct port_interface *const interfaces[] = { &ask_interface, &store_interface, &resolve_interface,
	&keys_interface, &status_interface, &verify_interface, &queue_interface };
#define INTERFACES (sizeof interfaces / sizeof interfaces[0])

static bool
has_word(const char *list, const char *word)
{
	struct slice rest = slice_str(list);

	while (rest.len > 0)
		if (slice_eq_str(slice_split(rest, ' ', &rest), word))
			return true;
	return false;
}

static bool
is_expected(enum process_kind from, enum process_kind to, const struct port_interface *interface, const char *method)
{
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		if (strcmp(expected[i].from, process_names[from]) == 0 &&
		    strcmp(expected[i].to, process_names[to]) == 0 &&
		    strcmp(expected[i].interface, interface->name) == 0 && has_word(expected[i].methods, method))
			return true;
	return false;
}

/* Every role, every other, every method; and numbers that are no method. */
static void
table(void **state)
{
	size_t permitted = 0, listed = 0;

	(void)state;
	for (unsigned n = 0; n < PROCESS_ROLES * PROCESS_ROLES * INTERFACES; n++) {
		const struct port_interface *in = interfaces[n % INTERFACES];
		enum process_kind from = (enum process_kind)(n / INTERFACES / PROCESS_ROLES);
		enum process_kind to = (enum process_kind)(n / INTERFACES % PROCESS_ROLES);

		for (size_t m = 0; m < in->method_count; m++) {
			bool got = permit_call(from, to, in, in->methods[m].number);

			permitted += got;
			if (got != is_expected(from, to, in, in->methods[m].name))
				fail_msg("%s -> %s %s.%s", process_names[from], process_names[to], in->name,
				    in->methods[m].name);
		}
		assert_false(permit_call(from, to, in, 0));
		assert_false(permit_call(from, to, in, PORT_METHOD_MAX));
		assert_false(permit_call(from, to, NULL, 1));
	}
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		for (struct slice rest = slice_str(expected[i].methods); rest.len > 0; listed++)
			(void)slice_split(rest, ' ', &rest);
	assert_int_equal(permitted, listed); /* no name in the list is a slip of the pen */
}

static void
numbers(void **state)
{
	(void)state;
	for (unsigned role = 0; role < PROCESS_ROLES; role++) {
		assert_true(process_names[role] != NULL && process_names[role][0] != '\0');
		for (uint64_t serial = 0; serial < (UINT64_C(1) << 40); serial = serial * 3 + 1)
			assert_int_equal(process_kind_of(process_number((enum process_kind)role, serial)), role);
	}
	assert_true(process_number(PROCESS_FRONT, 1) != process_number(PROCESS_FRONT, 2));
}

/* ---- over a socket ---- */

#define HANDLERS 128u

/* A service that has every method of an interface; each answers that it was reached. */
struct all {
	struct port_handler handlers[HANDLERS];
	struct port_service service;
	atomic_uint reached;
	uint64_t tag;
};

static void
reached(void *ctx, struct port_job *job)
{
	struct all *a = ctx;
	struct error e;

	(void)atomic_fetch_add(&a->reached, 1);
	a->tag = port_job_tag(job);
	(void)error_set(&e, ERR_EXISTS, "reached");
	port_fail(job, &e);
}

static void
all_init(struct all *a, const struct port_interface *interface)
{
	memset(a, 0, sizeof *a);
	assert_true(interface->method_count <= HANDLERS);
	for (size_t i = 0; i < interface->method_count; i++)
		a->handlers[i] = (struct port_handler){ interface->methods[i].number, reached };
	a->service = (struct port_service){
		.interface = interface, .handlers = a->handlers, .handler_count = interface->method_count, .ctx = a
	};
}

static int
call(struct port *p, uint16_t number)
{
	static const union { /* zeros: nothing is named, but all is well formed */
		uint64_t align;
		uint8_t octets[1024];
	} request;
	union {
		uint64_t align;
		uint8_t octets[1024];
	} reply;
	struct arena a;
	struct error e = { 0 };
	int rc;

	arena_init(&a, 1u << 20);
	rc = port_call(p, number, request.octets, &a, reply.octets, &e);
	arena_done(&a);
	return rc;
}

static int
wanted(const struct port_interface *interface, uint16_t number, enum process_kind from, enum process_kind to)
{
	for (size_t i = 0; i < interface->method_count; i++)
		if (interface->methods[i].number == number)
			return is_expected(from, to, interface, interface->methods[i].name) ? ERR_EXISTS : ERR_DENIED;
	return ERR_UNSUPPORTED;
}

/*
 * The asking end knows an interface with a method for every number, so that all requests go out: what is not permitted
 * is refused by the end that is asked.
 */
static const struct port_interface *
forged(const struct port_interface *interface)
{
	static struct port_method methods[HANDLERS];
	static struct port_interface forged;

	forged = (struct port_interface){ interface->name, methods, HANDLERS };
	for (uint16_t n = 0; n < HANDLERS; n++) {
		methods[n] = (struct port_method){ (uint16_t)(n + 1), "forged", interface->methods[0].request,
			interface->methods[0].reply };
		for (size_t i = 0; i < interface->method_count; i++)
			if (interface->methods[i].number == n + 1)
				methods[n] = interface->methods[i];
	}
	return &forged;
}

static void
ask_all(const struct port_interface *interface, enum process_kind from, enum process_kind to)
{
	struct permit_service left;
	struct port_server *server;
	struct all all;
	struct port *port;
	unsigned expected_calls = 0;
	int fds[2];

	all_init(&all, interface);
	permit_only(&left, &all.service, from, to);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	/* The server's own service has everything: the one of the socket counts. */
	assert_ok(port_server_new(&all.service, &server, &unit_error));
	assert_ok(port_server_add(server, fds[0], &left.service, process_number(from, 9), &unit_error));
	assert_ok(port_open_socket(forged(interface), fds[1], &port, &unit_error));
	for (uint16_t n = 1; n <= HANDLERS; n++) {
		int want = wanted(interface, n, from, to), got = call(port, n);

		expected_calls += want == ERR_EXISTS;
		if (got != want)
			fail_msg("%s -> %s %s %u: %d", process_names[from], process_names[to], interface->name, n, got);
	}
	assert_int_equal(atomic_load(&all.reached), expected_calls);
	if (expected_calls > 0)
		assert_int_equal(all.tag, process_number(from, 9));
	port_close(port);
	port_server_free(server);
}

static void
over_a_socket(void **state)
{
	(void)state;
	for (unsigned from = 0; from < PROCESS_ROLES; from++) {
		for (size_t i = 0; i < INTERFACES; i++) {
			ask_all(interfaces[i], (enum process_kind)from, PROCESS_MAIL);
			ask_all(interfaces[i], (enum process_kind)from, PROCESS_AUTH);
			ask_all(interfaces[i], (enum process_kind)from, PROCESS_RESOLVER);
			ask_all(interfaces[i], (enum process_kind)from, PROCESS_KEYS);
		}
	}
}

/* No method is left out for want of room. */
static void
room(void **state)
{
	(void)state;
	for (size_t i = 0; i < INTERFACES; i++)
		assert_true(interfaces[i]->method_count <= PERMIT_HANDLERS_MAX);
}

UNIT_MAIN(UNIT_TEST(table), UNIT_TEST(numbers), UNIT_TEST(over_a_socket), UNIT_TEST(room))
