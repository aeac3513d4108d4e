/* SPDX-License-Identifier: ISC */
/* Look-ups against a name server on loopback: secure, insecure and bogus, huge, endless, and servers that are silent. */
#include "net/name_server.h"

#include <pthread.h>

#include "os/clock.h"

/* ---- asking and waiting ---- */

struct heard {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned count;
	int code; /* of the last; 0: an answer */
	uint32_t rcode, security, ttl;
	size_t records;
	char canonical[256], reason[DNS_REASON_MAX + 1];
	uint8_t first[32];
};

static struct heard heard = { .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };

static void
hear(void *ctx, const struct dns_answer *a, const struct error *e)
{
	struct heard *h = ctx;

	(void)pthread_mutex_lock(&h->lock);
	h->count++;
	h->code = a == NULL ? e->code : 0;
	if (a != NULL) {
		h->rcode = a->rcode;
		h->security = a->security;
		h->ttl = a->ttl;
		h->records = a->record_count;
		(void)snprintf(
		    h->canonical, sizeof h->canonical, "%.*s", (int)a->canonical.len, (const char *)a->canonical.data);
		(void)snprintf(h->reason, sizeof h->reason, "%.*s", (int)a->reason.len, (const char *)a->reason.data);
		if (a->record_count > 0 && a->records[0].len <= sizeof h->first)
			memcpy(h->first, a->records[0].data, a->records[0].len);
	}
	(void)pthread_cond_broadcast(&h->cond);
	(void)pthread_mutex_unlock(&h->lock);
}

static void
hear_all(unsigned count)
{
	(void)pthread_mutex_lock(&heard.lock);
	while (heard.count < count)
		(void)pthread_cond_wait(&heard.cond, &heard.lock);
	(void)pthread_mutex_unlock(&heard.lock);
}

static void
look_up(struct dns *d, const char *name, uint16_t type)
{
	heard.count = 0;
	assert_ok(dns_lookup(d, slice_str(name), type, hear, &heard, &unit_error));
	hear_all(1);
}

/* ---- answers ---- */

static void
answers(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		int code;
		uint32_t rcode, security;
		size_t records;
		const char *canonical;
	} rows[] = {
		{ "www.signed.test", DNS_A, 0, DNS_NOERROR, DNS_SECURE, 2, "www.signed.test" },
		{ "www.signed.test.", DNS_A, 0, DNS_NOERROR, DNS_SECURE, 2, "www.signed.test" },
		{ "alias.signed.test", DNS_A, 0, DNS_NOERROR, DNS_SECURE, 2, "www.signed.test" },
		{ "signed.test", DNS_MX, 0, DNS_NOERROR, DNS_SECURE, 1, "signed.test" },
		{ "www.signed.test", DNS_AAAA, 0, DNS_NOERROR, DNS_SECURE, 0, "www.signed.test" },
		{ "nothing.signed.test", DNS_A, 0, DNS_NXDOMAIN, DNS_SECURE, 0, "nothing.signed.test" },
		/* As secure as its least secure part. */
		{ "elsewhere.signed.test", DNS_A, 0, DNS_NOERROR, DNS_INSECURE, 1, "www.plain.test" },
		{ "www.plain.test", DNS_A, 0, DNS_NOERROR, DNS_INSECURE, 1, "www.plain.test" },
		{ "nothing.plain.test", DNS_A, 0, DNS_NXDOMAIN, DNS_INSECURE, 0, "nothing.plain.test" },
		{ "7.2.0.192.in-addr.arpa", DNS_PTR, 0, DNS_NOERROR, DNS_INSECURE, 1, "7.2.0.192.in-addr.arpa" },
		/* Of loopback too it is the server that is asked, which knows nothing of it. */
		{ "1.0.0.127.in-addr.arpa", DNS_PTR, ERR_NET, 0, 0, 0, NULL },
		{ "www.bogus.test", DNS_A, 0, DNS_NOERROR, DNS_BOGUS, 0, "" },
		{ "bogus-alias.plain.test", DNS_A, 0, DNS_NOERROR, DNS_BOGUS, 0, "" },
		{ "ring1.signed.test", DNS_A, ERR_NET, 0, 0, 0, NULL },
		{ "huge.plain.test", DNS_TXT, ERR_LIMIT, 0, 0, 0, NULL },
		{ "another.zone", DNS_A, ERR_NET, 0, 0, 0, NULL },
		{ "a..b", DNS_A, ERR_SYNTAX, 0, 0, 0, NULL },
	};
	struct dns *d = name_server_dns();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		look_up(d, rows[i].name, rows[i].type);
		if (heard.code != rows[i].code)
			fail_msg("%s: %d", rows[i].name, heard.code);
		if (heard.code != 0)
			continue;
		if (heard.security != rows[i].security || heard.rcode != rows[i].rcode ||
		    heard.records != rows[i].records || strcmp(heard.canonical, rows[i].canonical) != 0)
			fail_msg("%s: security %u rcode %u records %zu %s", rows[i].name, heard.security, heard.rcode,
			    heard.records, heard.canonical);
		assert_int_equal(heard.reason[0] != '\0', heard.security == DNS_BOGUS);
	}
	look_up(d, "7.2.0.192.in-addr.arpa", DNS_PTR);
	assert_memory_equal(heard.first, "\4mail\5plain\4te", 14);
	assert_in_range(heard.ttl, 1, 300);
	dns_free(d);
}

/* Without an anchor nothing is secure, nor bogus. */
static void
without_anchors(void **state)
{
	const struct slice server = slice_str(name_server.server);
	struct dns *d;

	(void)state;
	assert_ok(dns_new(&(struct dns_config){ .servers = &server, .server_count = 1 }, &d, &unit_error));
	assert_ok(dns_start(d, &unit_error));
	look_up(d, "www.signed.test", DNS_A);
	assert_int_equal(heard.security, DNS_INSECURE);
	look_up(d, "www.bogus.test", DNS_A);
	assert_true(heard.security == DNS_INSECURE && heard.records == 1);
	dns_free(d);
}

static void
many_at_once(void **state)
{
	struct dns *d = name_server_dns();

	(void)state;
	heard.count = 0;
	for (unsigned i = 0; i < 500; i++) {
		char name[64];

		(void)snprintf(name, sizeof name, "n%u.%s.test", i, i % 2 == 0 ? "signed" : "plain");
		assert_ok(dns_lookup(d, slice_str(name), DNS_A, hear, &heard, &unit_error));
	}
	hear_all(500);
	assert_int_equal(heard.code, 0);
	dns_free(d);
}

/* ---- servers that do not answer ---- */

static struct dns *
silent_dns(unsigned in_flight, int64_t timeout_ms, int *fd_out)
{
	char text[32];
	struct slice server;
	struct dns *d;

	(void)snprintf(text, sizeof text, "127.0.0.1@%u", name_server_port(fd_out));
	server = slice_str(text);
	assert_ok(dns_new(
	    &(struct dns_config){
		.servers = &server, .server_count = 1, .timeout_ms = timeout_ms, .in_flight = in_flight },
	    &d, &unit_error));
	assert_ok(dns_start(d, &unit_error));
	return d;
}

static void
silence(void **state)
{
	int64_t began = clock_ms();
	struct dns *d;
	int fd;

	(void)state;
	d = silent_dns(0, 300, &fd);
	look_up(d, "www.plain.test", DNS_A);
	assert_int_equal(heard.code, ERR_TIMEOUT);
	assert_in_range(clock_ms() - began, 290, 5000);
	dns_free(d); /* libunbound still has it */
	(void)close(fd);
}

/* Long before a look-up's own time is over; the next one does not wait for it again. */
static void
silence_is_noticed(void **state)
{
	int64_t began = clock_ms();
	struct dns *d;
	int fd;

	(void)state;
	d = silent_dns(0, 600000, &fd);
	for (unsigned i = 0; i < 3; i++) {
		look_up(d, i == 0 ? "www.plain.test" : "other.plain.test", DNS_A);
		assert_int_equal(heard.code, ERR_NET);
	}
	assert_in_range(clock_ms() - began, DNS_ALIVE_ROUNDS * DNS_ALIVE_ROUND_MS, 300000);
	dns_free(d);
	(void)close(fd);
}

/* Who is given up is still counted, and told once. */
static void
too_many(void **state)
{
	struct dns *d;
	int fd;

	(void)state;
	d = silent_dns(3, 200, &fd);
	heard.count = 0;
	for (unsigned i = 0; i < 3; i++)
		assert_ok(dns_lookup(d, SLICE("www.plain.test"), DNS_A, hear, &heard, &unit_error));
	assert_int_equal(dns_lookup(d, SLICE("www.plain.test"), DNS_A, hear, &heard, NULL), ERR_LIMIT);
	hear_all(3);
	assert_int_equal(dns_lookup(d, SLICE("www.plain.test"), DNS_A, hear, &heard, NULL), ERR_LIMIT);
	dns_free(d);
	assert_int_equal(heard.count, 3);
	(void)close(fd);
}

static void
ended_meanwhile(void **state)
{
	struct dns *d;
	int fd;

	(void)state;
	d = silent_dns(0, 60000, &fd);
	heard.count = 0;
	for (unsigned i = 0; i < 20; i++)
		assert_ok(dns_lookup(d, SLICE("www.plain.test"), DNS_A, hear, &heard, &unit_error));
	dns_free(d);
	assert_int_equal(heard.count, 20);
	assert_int_equal(heard.code, ERR_CLOSED);
	(void)close(fd);
}

/* ---- what cannot be ---- */

static void
wrong_settings(void **state)
{
	const struct slice no_server = SLICE("dns.example.org");
	struct dns *d;

	(void)state;
	assert_int_equal(
	    dns_new(&(struct dns_config){ .servers = &no_server, .server_count = 1 }, &d, &unit_error), ERR_USAGE);
	assert_int_equal(dns_new(&(struct dns_config){ .anchors = SLICE("no anchor") }, &d, &unit_error), ERR_USAGE);
	assert_int_equal(
	    dns_new(&(struct dns_config){ .anchors = SLICE("; a comment\n\n. IN A 1.2.3.4") }, &d, &unit_error),
	    ERR_USAGE);
	assert_ok(dns_new(&(struct dns_config){ 0 }, &d, &unit_error));
	assert_int_equal(dns_lookup(d, SLICE(""), DNS_A, hear, &heard, NULL), ERR_SYNTAX);
	assert_int_equal(dns_lookup(d, SLICE("a b"), DNS_A, hear, &heard, NULL), ERR_SYNTAX);
	assert_int_equal(dns_lookup(d, SLICE("a\0b"), DNS_A, hear, &heard, NULL), ERR_SYNTAX);
	dns_free(d); /* never started */
	dns_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(answers), UNIT_TEST(without_anchors), UNIT_TEST(many_at_once),
		UNIT_TEST(silence), UNIT_TEST(silence_is_noticed), UNIT_TEST(too_many), UNIT_TEST(ended_meanwhile),
		UNIT_TEST(wrong_settings) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, name_server_begin, name_server_end);
}
