/* SPDX-License-Identifier: ISC */
/* Where the domain's mail goes: MX records, their hosts, and these hosts' addresses and TLSA records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/audit/audit.h"

#define HOST_MAX 255u
#define MX_HEAD 2u

/* ---- one host ---- */

static struct audit_host *
add_host(struct audit *a, struct slice name, uint16_t preference, uint16_t port)
{
	char *text = arena_cstr(&a->arena, name);
	struct audit_host *h;

	if (a->host_count == AUDIT_HOSTS_MAX || text == NULL || name.len == 0)
		return NULL;
	h = &a->hosts[a->host_count++];
	*h = (struct audit_host){ .name = text, .preference = preference, .port = port };
	return h;
}

static void
add_look(struct audit_host *h, const char *address)
{
	struct audit_look *look;

	h->address_count++;
	if (h->look_count == AUDIT_ADDRESSES_MAX)
		return;
	look = &h->looks[h->look_count++];
	(void)snprintf(look->address, sizeof look->address, "%s", address);
	look->port = h->port;
}

static void
add_addresses(struct audit_host *h, const struct dns_answer *answer, enum dns_type type)
{
	for (size_t i = 0; i < answer->record_count; i++) {
		BUF_OWNED struct buf text = { .max = CONN_PEER_MAX };

		if (dns_record_text((uint16_t)type, answer->records[i], &text, NULL) != 0)
			continue;
		(void)buf_put_u8(&text, 0);
		if (text.err == 0)
			add_look(h, (const char *)text.data);
	}
	h->alias |= !slice_ieq_str(answer->canonical, h->name);
	h->secure &= answer->security == DNS_SECURE;
}

static void
find_addresses(struct audit *a, struct audit_host *h)
{
	/* IPv6 first, that one of each is looked at even where there are many. */
	static const enum dns_type types[] = { DNS_AAAA, DNS_A };
	struct slice name = slice_str(h->name);
	struct error e = { 0 }, why;

	h->secure = true;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct dns_answer answer;
		enum audit_asked asked = audit_ask(a, "", name, types[i], &answer, &why);

		if (asked == ASKED_FOUND)
			add_addresses(h, &answer, types[i]);
		else if (asked == ASKED_BOGUS || asked == ASKED_FAILED)
			e = why;
	}
	h->secure &= h->address_count > 0;
	if (h->alias)
		audit_find(a, CHECK_MX_ALIAS, AUDIT_WEAK, name, "it is another name (CNAME) of some host");
	if (h->address_count > 0)
		audit_find(a, CHECK_MX_RESOLVES, AUDIT_GOOD, name, "%zu address%s%s", h->address_count,
		    h->address_count == 1 ? "" : "es", h->secure ? ", by DNSSEC" : "");
	else if (e.code == ERR_INTEGRITY)
		audit_find(a, CHECK_MX_RESOLVES, AUDIT_BAD, name, "%s", e.text);
	else if (e.code != 0)
		audit_find(a, CHECK_MX_RESOLVES, AUDIT_UNKNOWN, name, "%s", e.text);
	else
		audit_find(a, CHECK_MX_RESOLVES, AUDIT_BAD, name, "it has no address");
}

/* RFC 7672 section 2.2.2: of a host whose addresses are not secure nobody asks for TLSA records. */
static void
find_tlsa(struct audit *a, struct audit_host *h)
{
	struct dns_answer answer;
	char prefix[32];
	enum audit_asked asked;

	(void)snprintf(prefix, sizeof prefix, "_%u._tcp.", h->port);
	asked = audit_ask(a, prefix, slice_str(h->name), DNS_TLSA, &answer, NULL);
	if (asked == ASKED_BOGUS || asked == ASKED_FAILED)
		h->dane = asked == ASKED_BOGUS ? AUDIT_DANE_BOGUS : AUDIT_DANE_FAILED;
	if (asked != ASKED_FOUND)
		return;
	h->tlsa = answer.records;
	h->tlsa_count = size_min(answer.record_count, AUDIT_TLSA_MAX);
	h->dane =
	    answer.security == DNS_SECURE && h->secure && a->state.mx_secure ? AUDIT_DANE_SECURE : AUDIT_DANE_INSECURE;
	for (size_t i = 0; i < h->look_count; i++) {
		struct audit_look *look = &h->looks[i];

		look->tlsa_count = h->tlsa_count;
		for (size_t k = 0; k < h->tlsa_count; k++)
			look->tlsa[k] = (struct probe_tlsa){ .rdata = h->tlsa[k] };
	}
}

/* ---- MX ---- */

static int
by_preference(const void *x, const void *y)
{
	const struct slice *a = x, *b = y;

	return memcmp(a->data, b->data, MX_HEAD);
}

static struct slice
exchange(struct audit *a, struct slice rdata)
{
	BUF_OWNED struct buf name = { .max = DNS_TEXT_MAX };

	return dns_name_text(slice_from(rdata, MX_HEAD), &name, NULL) == 0 ? arena_copy(&a->arena, buf_slice(&name))
									   : SLICE_EMPTY;
}

static void
take_mx(struct audit *a, struct dns_answer *answer)
{
	BUF_OWNED struct buf names = { .max = 900 };

	qsort(answer->records, answer->record_count, sizeof answer->records[0], by_preference);
	for (size_t i = 0; i < answer->record_count; i++) {
		struct slice rdata = answer->records[i], name;

		if (rdata.len <= MX_HEAD)
			continue;
		name = exchange(a, rdata);
		if (slice_eq_str(name, ".")) {
			a->state.null_mx = answer->record_count == 1;
			audit_find(a, CHECK_MX, a->state.null_mx ? AUDIT_NOTE : AUDIT_BAD, SLICE_EMPTY, "%s",
			    a->state.null_mx
				? "the domain says that it takes no mail (null MX)"
				: "a null MX stands beside others, which is an error (RFC 7505 section 3)");
			continue;
		}
		(void)add_host(a, name, (uint16_t)(rdata.data[0] << 8 | rdata.data[1]), a->settings->port);
		(void)buf_putf(&names, "%s%.*s", names.len > 0 ? ", " : "", AUDIT_S(name));
	}
	if (a->host_count > 0)
		audit_find(a, CHECK_MX, AUDIT_GOOD, SLICE_EMPTY, "%.*s", AUDIT_S(buf_slice(&names)));
}

/* RFC 5321 section 5.1: without MX records the domain itself is the host. */
static void
take_implicit(struct audit *a)
{
	struct dns_answer answer;

	if (audit_ask(a, "", a->settings->domain, DNS_A, &answer, NULL) != ASKED_FOUND &&
	    audit_ask(a, "", a->settings->domain, DNS_AAAA, &answer, NULL) != ASKED_FOUND) {
		a->state.no_mail = true;
		audit_find(a, CHECK_MX, AUDIT_BAD, SLICE_EMPTY, "there is neither an MX record nor an address");
		return;
	}
	(void)add_host(a, a->settings->domain, 0, a->settings->port);
	audit_find(a, CHECK_MX, AUDIT_WEAK, SLICE_EMPTY,
	    "there is no MX record, only an address: mail goes to the domain itself");
}

static void
find_mx(struct audit *a)
{
	struct dns_answer answer = { 0 };
	struct error e;
	enum audit_asked asked = audit_ask(a, "", a->settings->domain, DNS_MX, &answer, &e);

	if (asked == ASKED_FAILED || asked == ASKED_BOGUS) {
		a->state.mx_bogus = asked == ASKED_BOGUS;
		audit_find(a, CHECK_MX, asked == ASKED_BOGUS ? AUDIT_BAD : AUDIT_UNKNOWN, SLICE_EMPTY, "%s", e.text);
		return;
	}
	a->state.mx_known = true;
	a->state.mx_secure = answer.security == DNS_SECURE;
	audit_find(a, CHECK_DNSSEC, a->state.mx_secure ? AUDIT_GOOD : AUDIT_WEAK, SLICE_EMPTY, "%s",
	    a->state.mx_secure        ? "the MX records are signed, and the signatures are right"
		: a->anchors.len == 0 ? "nothing could be proven here: there are no trust anchors on this machine"
				      : "the MX records are not signed");
	if (asked == ASKED_NO_NAME) {
		a->state.no_mail = true;
		audit_find(a, CHECK_MX, AUDIT_BAD, SLICE_EMPTY, "there is no such domain");
	} else if (asked == ASKED_NONE) {
		take_implicit(a);
	} else {
		take_mx(a, &answer);
	}
}

/* ---- other resolvers ---- */

static bool
has_host(const struct audit *a, struct slice name)
{
	for (size_t i = 0; i < a->host_count; i++)
		if (slice_ieq_str(name, a->hosts[i].name))
			return true;
	return false;
}

/* The paper's false answers of public resolvers: a server of somebody else in the place of the domain's. */
static void
compare_mx(struct audit *a, size_t n)
{
	struct slice who = slice_str(a->settings->resolvers.items[n]);
	struct dns_answer answer;
	struct error e;
	enum audit_asked asked = audit_ask_of(a, n, "", a->settings->domain, DNS_MX, &answer, &e);
	size_t same = 0;

	if (asked == ASKED_FAILED) {
		audit_find(a, CHECK_MX_AGREE, AUDIT_UNKNOWN, who, "%s", e.text);
		return;
	}
	for (size_t i = 0; asked == ASKED_FOUND && i < answer.record_count; i++) {
		struct slice name = exchange(a, answer.records[i]);

		same += has_host(a, name);
		if (!has_host(a, name) && a->host_count < AUDIT_HOSTS_MAX)
			audit_find(a, CHECK_MX_AGREE, AUDIT_WEAK, who, "only this resolver names %.*s", AUDIT_S(name));
	}
	if (asked == ASKED_BOGUS)
		audit_find(a, CHECK_MX_AGREE, AUDIT_BAD, who, "%s", e.text);
	else if (same == a->host_count && same == (asked == ASKED_FOUND ? answer.record_count : 0))
		audit_find(a, CHECK_MX_AGREE, AUDIT_GOOD, who, "it names the same servers");
	else if (same < a->host_count)
		audit_find(
		    a, CHECK_MX_AGREE, AUDIT_WEAK, who, "it leaves out %zu of the servers", a->host_count - same);
}

/* ---- named by the person ---- */

/* "host", "host:port", "[::1]:25". */
static void
take_named(struct audit *a, const char *text)
{
	struct slice in = slice_str(text), host = in;
	size_t colon = slice_find_last(in, ':');
	uint64_t port = AUDIT_PORT;
	struct audit_host *h;

	if (colon != SIZE_MAX && slice_find(in, ':') == colon && slice_to_u64(slice_from(in, colon + 1), 65535, &port))
		host = slice_sub(in, 0, colon);
	else if (in.len > 2 && in.data[0] == '[' && slice_find(in, ']') != SIZE_MAX) {
		host = slice_sub(in, 1, slice_find(in, ']') - 1);
		(void)slice_to_u64(slice_from(in, slice_find(in, ']') + 2), 65535, &port);
	}
	h = add_host(a, host, 0, (uint16_t)port);
	if (h == NULL)
		return;
	if (a->dns_count == 0 || dns_server_valid(host))
		add_look(h, h->name); /* the system's own resolver */
	else
		find_addresses(a, h);
}

void
audit_hosts_find(struct audit *a)
{
	const struct option_list *named = &a->settings->servers;

	audit_progress(a, "Asking DNS for", a->settings->domain);
	if (a->dns_count > 0)
		find_mx(a);
	if (named->count > 0)
		a->host_count = 0; /* these instead of those that DNS names */
	for (size_t i = 0; i < named->count; i++)
		take_named(a, named->items[i]);
	for (size_t i = 0; named->count == 0 && i < a->host_count; i++)
		find_addresses(a, &a->hosts[i]);
	for (size_t i = 0; a->dns_count > 0 && i < a->host_count; i++)
		find_tlsa(a, &a->hosts[i]);
	for (size_t n = 1; n < a->dns_count && a->state.mx_known && named->count == 0; n++)
		compare_mx(a, n);
}
