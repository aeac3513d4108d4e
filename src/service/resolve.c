/* SPDX-License-Identifier: ISC */
#include "service/resolve.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "net/curl_late.h"
#include "os/clock.h"
#include "service/limits.h"
#include "service/resolve_internal.h"
#include "smtp/path.h"

/* ---- messages ---- */

static const struct codec_field resolve_lookup_fields[] = {
	CODEC_FIELD(struct resolve_lookup, name, CODEC_BYTES, DNS_TEXT_MAX),
	CODEC_FIELD(struct resolve_lookup, type, CODEC_U32, UINT16_MAX),
};
static const struct codec_schema resolve_lookup_schema = CODEC_SCHEMA(resolve_lookup, resolve_lookup_fields);

static const struct codec_field dns_answer_fields[] = {
	CODEC_FIELD(struct dns_answer, rcode, CODEC_U32, DNS_NXDOMAIN),
	CODEC_FIELD(struct dns_answer, security, CODEC_U32, DNS_BOGUS),
	CODEC_FIELD(struct dns_answer, ttl, CODEC_U32, 0),
	CODEC_FIELD(struct dns_answer, canonical, CODEC_BYTES, DNS_TEXT_MAX),
	CODEC_FIELD(struct dns_answer, reason, CODEC_BYTES, DNS_REASON_MAX),
	CODEC_FIELD_LIST(struct dns_answer, records, record_count, &codec_schema_slice, DNS_RECORDS_MAX),
};
static const struct codec_schema dns_answer_schema = CODEC_SCHEMA(dns_answer, dns_answer_fields);

static const struct codec_field resolve_route_fields[] = {
	CODEC_FIELD(struct resolve_route, domain, CODEC_BYTES, SMTP_DOMAIN_MAX),
	CODEC_FIELD(struct resolve_route, port, CODEC_U32, UINT16_MAX),
	CODEC_FIELD(struct resolve_route, direct, CODEC_BOOL, 0),
};
static const struct codec_schema resolve_route_schema = CODEC_SCHEMA(resolve_route, resolve_route_fields);

static const struct codec_field resolve_host_fields[] = {
	CODEC_FIELD(struct resolve_host, name, CODEC_BYTES, SMTP_DOMAIN_MAX),
	CODEC_FIELD(struct resolve_host, preference, CODEC_U32, UINT16_MAX),
	CODEC_FIELD(struct resolve_host, secure, CODEC_BOOL, 0),
	CODEC_FIELD_LIST(struct resolve_host, addresses, address_count, &codec_schema_slice, RESOLVE_ADDRESSES_MAX),
	CODEC_FIELD(struct resolve_host, failure, CODEC_BYTES, ERROR_TEXT_MAX),
	CODEC_FIELD(struct resolve_host, tlsa, CODEC_U32, RESOLVE_TLSA_FAILED),
	CODEC_FIELD(struct resolve_host, tlsa_base, CODEC_BYTES, DNS_TEXT_MAX),
	CODEC_FIELD_LIST(struct resolve_host, tlsa_records, tlsa_count, &codec_schema_slice, RESOLVE_TLSA_MAX),
};
static const struct codec_schema resolve_host_schema = CODEC_SCHEMA(resolve_host, resolve_host_fields);

static const struct codec_field resolve_routed_fields[] = {
	CODEC_FIELD(struct resolve_routed, null_mx, CODEC_BOOL, 0),
	CODEC_FIELD(struct resolve_routed, implicit, CODEC_BOOL, 0),
	CODEC_FIELD(struct resolve_routed, secure, CODEC_BOOL, 0),
	CODEC_FIELD_LIST(struct resolve_routed, hosts, host_count, &resolve_host_schema, RESOLVE_HOSTS_MAX),
};
static const struct codec_schema resolve_routed_schema = CODEC_SCHEMA(resolve_routed, resolve_routed_fields);

static const struct codec_field resolve_sts_fields[] = {
	CODEC_FIELD(struct resolve_sts, domain, CODEC_BYTES, SMTP_DOMAIN_MAX),
	CODEC_FIELD(struct resolve_sts, known_id, CODEC_BYTES, RESOLVE_STS_ID_MAX),
};
static const struct codec_schema resolve_sts_schema = CODEC_SCHEMA(resolve_sts, resolve_sts_fields);

static const struct codec_field resolve_sts_found_fields[] = {
	CODEC_FIELD(struct resolve_sts_found, id, CODEC_BYTES, RESOLVE_STS_ID_MAX),
	CODEC_FIELD(struct resolve_sts_found, policy, CODEC_BYTES, RESOLVE_STS_POLICY_MAX),
};
static const struct codec_schema resolve_sts_found_schema = CODEC_SCHEMA(resolve_sts_found, resolve_sts_found_fields);

static const struct codec_field resolve_post_fields[] = {
	CODEC_FIELD(struct resolve_post, url, CODEC_BYTES, RESOLVE_URL_MAX),
	CODEC_FIELD(struct resolve_post, type, CODEC_BYTES, 64),
	CODEC_FIELD(struct resolve_post, body, CODEC_BYTES, RESOLVE_POST_MAX),
};
static const struct codec_schema resolve_post_schema = CODEC_SCHEMA(resolve_post, resolve_post_fields);

static const struct codec_field resolve_posted_fields[] = {
	CODEC_FIELD(struct resolve_posted, status, CODEC_U32, UINT16_MAX),
};
static const struct codec_schema resolve_posted_schema = CODEC_SCHEMA(resolve_posted, resolve_posted_fields);

#define RESOLVE_METHOD_ROW(name, number, request, reply) { (number), #name, &request##_schema, &reply##_schema },
static const struct port_method methods[] = { RESOLVE_METHODS(RESOLVE_METHOD_ROW) };
#undef RESOLVE_METHOD_ROW

const struct port_interface resolve_interface = {
	.name = "resolve",
	.methods = methods,
	.method_count = sizeof methods / sizeof methods[0],
};

/* ---- the resolver's end ---- */

static void
answered(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct port_job *job = ctx;

	if (answer == NULL)
		port_fail(job, e);
	else
		port_reply(job, answer);
}

static void
run_lookup(void *ctx, struct port_job *job)
{
	const struct resolve_lookup *q = port_job_request(job);
	const struct resolver_end *end = ctx;
	struct error e;

	if (dns_lookup(end->dns, q->name, (uint16_t)q->type, answered, job, &e) == 0)
		return;
	if (e.code == ERR_LIMIT) /* not the same as an answer that is over a limit */
		e.code = ERR_FULL;
	port_fail(job, &e);
}

static void
run_route(void *ctx, struct port_job *job)
{
	resolve_route_run(((struct resolver_end *)ctx)->dns, job);
}

static void
run_sts(void *ctx, struct port_job *job)
{
	resolve_sts_run(ctx, job);
}

static void
run_post(void *ctx, struct port_job *job)
{
	resolve_post_run(ctx, job);
}

static const struct port_handler handlers[] = {
	{ RESOLVE_METHOD_post, run_post },
	{ RESOLVE_METHOD_lookup, run_lookup },
	{ RESOLVE_METHOD_route, run_route },
	{ RESOLVE_METHOD_sts, run_sts },
};

int
resolver_end_new(struct dns *d, struct slice authorities, struct resolver_end **end_out, struct error *e)
{
	struct resolver_end *end;
	uint8_t *copy;

	if (authorities.len > 0 && curl_late(e) == NULL)
		return ERR_NET;
	end = mem_alloc(sizeof *end);
	copy = mem_alloc(authorities.len);
	if (end == NULL || copy == NULL) {
		mem_free(end);
		mem_free(copy);
		return error_nomem(e);
	}
	if (authorities.len > 0)
		memcpy(copy, authorities.data, authorities.len);
	*end = (struct resolver_end){ .dns = d, .authorities = slice_of(copy, authorities.len) };
	*end_out = end;
	return 0;
}

int
resolver_end_start(struct resolver_end *end, struct error *e)
{
	const struct pool_options options = {
		.name = "fetch", .threads = RESOLVE_FETCH_THREADS, .queue_max = RESOLVE_FETCHES_MAX
	};

	return end->authorities.len == 0 ? 0 : pool_new(&options, &end->pool, e);
}

void
resolver_end_free(struct resolver_end *end)
{
	if (end == NULL)
		return;
	pool_free(end->pool);
	mem_free((void *)(uintptr_t)end->authorities.data);
	mem_free(end);
}

struct port_service
resolve_service(struct resolver_end *end)
{
	return (struct port_service){ .interface = &resolve_interface,
		.handlers = handlers,
		.handler_count = sizeof handlers / sizeof handlers[0],
		.ctx = end };
}

/* ---- the confirmed name of an address ---- */

#define HOST_MAX SMTP_DOMAIN_MAX

struct host {
	uint8_t octets[HOST_MAX];
	size_t len;
};

/* It belongs to who began it and to the question under way; only the answering thread writes, before `confirmed`. */
struct resolve_name {
	struct port *port;
	atomic_uint owners;
	int64_t until_ms;
	char address[CONN_PEER_MAX];
	struct host hosts[RESOLVE_NAMES_MAX];
	size_t host_count, asked; /* the last one asked about is hosts[asked - 1] */
	bool unanswered;          /* a host could not be asked about */
	atomic_bool confirmed;
	atomic_uint over; /* how it ended: enum ending */
};

enum ending { NOT_OVER, OVER_PASS, OVER_FAIL, OVER_UNKNOWN, OVER_NAMELESS };

const char *
resolve_name_word(const struct resolve_name *n)
{
	static const char *const words[] = { NULL, "pass", "fail", "temperror", "permerror" };

	return n == NULL ? NULL : words[atomic_load(&n->over)];
}

static void
end(struct resolve_name *n, enum ending how)
{
	atomic_store(&n->over, how);
}

void
resolve_name_release(struct resolve_name *n)
{
	if (n != NULL && atomic_fetch_sub(&n->owners, 1) == 1)
		mem_free(n);
}

struct slice
resolve_name_get(const struct resolve_name *n)
{
	const struct host *h;

	if (n == NULL || !atomic_load(&n->confirmed))
		return SLICE_EMPTY;
	h = &n->hosts[n->asked - 1];
	return slice_of(h->octets, h->len);
}

/* The question has an owner of its own; false: it was not asked. */
static bool
ask(struct resolve_name *n, struct slice name, enum dns_type type, port_done_fn *done)
{
	const struct resolve_lookup q = { .name = name, .type = type };

	(void)atomic_fetch_add(&n->owners, 1);
	if (resolve_lookup_submit(n->port, &q, done, n, NULL) == 0)
		return true;
	resolve_name_release(n);
	return false;
}

/* A forged answer has no records. */
static bool
has_address(const struct resolve_name *n, const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->record_count; i++)
		if (dns_address_is(answer->records[i], n->address))
			return true;
	return false;
}

static void next_host(struct resolve_name *n);

static void
on_addresses(void *ctx, const void *reply, const struct error *e)
{
	struct resolve_name *n = ctx;

	(void)e;
	n->unanswered = n->unanswered || reply == NULL || ((const struct dns_answer *)reply)->security == DNS_BOGUS;
	if (reply != NULL && has_address(n, reply)) {
		atomic_store(&n->confirmed, true);
		end(n, OVER_PASS);
	} else {
		next_host(n);
	}
	resolve_name_release(n);
}

static void
next_host(struct resolve_name *n)
{
	enum dns_type type = dns_address_type(n->address);
	const struct host *h;

	if (n->asked == n->host_count || clock_ms() >= n->until_ms) {
		end(n, n->asked < n->host_count || n->unanswered ? OVER_UNKNOWN : OVER_FAIL);
		return;
	}
	h = &n->hosts[n->asked++];
	if (!ask(n, slice_of(h->octets, h->len), type, on_addresses))
		end(n, OVER_UNKNOWN);
}

/* Names that are none of hosts are passed over: they go into header fields and logs. */
static void
take_hosts(struct resolve_name *n, const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->record_count && n->host_count < RESOLVE_NAMES_MAX; i++) {
		struct host *h = &n->hosts[n->host_count];
		struct buf text;

		buf_init(&text, HOST_MAX);
		if (dns_name_text(answer->records[i], &text, NULL) == 0 && smtp_domain_valid(buf_slice(&text))) {
			memcpy(h->octets, text.data, text.len);
			h->len = text.len;
			n->host_count++;
		}
		buf_done(&text);
	}
}

static void
on_pointers(void *ctx, const void *reply, const struct error *e)
{
	struct resolve_name *n = ctx;

	(void)e;
	if (reply != NULL)
		take_hosts(n, reply);
	if (reply == NULL || ((const struct dns_answer *)reply)->security == DNS_BOGUS)
		end(n, OVER_UNKNOWN);
	else if (n->host_count == 0)
		end(n, OVER_NAMELESS);
	else
		next_host(n);
	resolve_name_release(n);
}

struct resolve_name *
resolve_name_begin(struct port *port, const char *address)
{
	struct resolve_name *n;
	struct buf name;

	buf_init(&name, DNS_TEXT_MAX);
	if (port == NULL || strlen(address) >= sizeof n->address || dns_reverse_name(address, &name, NULL) != 0 ||
	    (n = mem_alloc(sizeof *n)) == NULL) {
		buf_done(&name);
		return NULL;
	}
	n->port = port;
	n->until_ms = clock_ms() + RESOLVE_NAME_MS;
	atomic_init(&n->owners, 1);
	memcpy(n->address, address, strlen(address));
	if (!ask(n, buf_slice(&name), DNS_PTR, on_pointers)) {
		resolve_name_release(n);
		n = NULL;
	}
	buf_done(&name);
	return n;
}
