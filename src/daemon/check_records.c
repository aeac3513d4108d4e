/* SPDX-License-Identifier: ISC */
/* The records of daemon/records.h beside those that DNS has. */
#include <string.h>

#include "daemon/check.h"
#include "daemon/records_keys.h"
#include "daemon/resolving.h"
#include "net/tls.h"

#define FOUND_MAX 1024u
#define SHOWN_MAX 4u        /* of the records that were found */
#define CHECK_KEYS_MAX 200u /* certificates of which DNS is asked */
#define UNANSWERED_MAX 3u   /* after so many questions without an answer no more are asked */

static const uint16_t address_types[] = { DNS_A, DNS_AAAA };

/* ---- asking ---- */

/* What comes from a resolver that leaves out DNSSEC's records looks forged too, and then everything does. */
static void
say_bogus(struct check *c, const struct dns_answer *answer, struct error *e)
{
	(void)error_set(e, ERR_INTEGRITY, "forged, or the name server leaves out DNSSEC's records: %.*s",
	    (int)answer->reason.len, (const char *)answer->reason.data);
	if (c->bogus++ == 0)
		check_say(c,
		    &(struct check_line){ .result = CHECK_ADVICE,
			.what = "resolver",
			.why = "If it says so of every record, name one that knows DNSSEC in 'resolvers'" });
}

/* False: it is said, and there is no answer. */
static bool
ask(struct check *c, struct slice name, uint16_t type, struct dns_answer *out)
{
	char text[DNS_TYPE_TEXT];
	struct check_line line = {
		.result = CHECK_UNKNOWN, .what = "record", .name = name, .type = dns_type_text(type, text)
	};
	struct error e = { 0 };

	if (c->unknown >= UNANSWERED_MAX)
		(void)error_set(&e, ERR_TIMEOUT, "not asked any more");
	else if (dns_ask(c->dns, name, type, c->arena, out, &e) == 0 && out->security != DNS_BOGUS)
		return true;
	else if (e.code == 0)
		say_bogus(c, out, &e);
	line.why = e.text;
	check_say(c, &line);
	return false;
}

static struct slice
text_of(struct check *c, uint16_t type, const struct slice *records, size_t count)
{
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, FOUND_MAX);
	for (size_t i = 0; i < count && i < SHOWN_MAX; i++) {
		(void)buf_put_str(&text, i > 0 ? ", " : "");
		if (dns_record_text(type, records[i], &text, NULL) != 0)
			(void)buf_put_str(&text, "what is no record of this type");
	}
	if (count > SHOWN_MAX)
		(void)buf_putf(&text, ", and %zu more", count - SHOWN_MAX);
	return arena_copy(c->arena, buf_slice(&text));
}

/* ---- addresses ---- */

static bool
is_ours(const struct check *c, struct slice address)
{
	for (size_t i = 0; i < c->address_count; i++)
		if (slice_eq(c->addresses[i], address))
			return true;
	return false;
}

static struct slice
joined(struct check *c, struct slice a, struct slice b)
{
	if (a.len == 0 || b.len == 0)
		return a.len == 0 ? b : a;
	return arena_printf(c->arena, "%.*s, %.*s", (int)a.len, (const char *)a.data, (int)b.len, (const char *)b.data);
}

/* All addresses of a name, by whichever records. False: it could not be asked. */
static bool
leads_where(struct check *c, struct slice name, bool *elsewhere, struct slice *found)
{
	*elsewhere = false;
	*found = SLICE_EMPTY;
	for (size_t i = 0; i < sizeof address_types / sizeof address_types[0]; i++) {
		struct dns_answer answer;

		if (!ask(c, name, address_types[i], &answer))
			return false;
		for (size_t k = 0; k < answer.record_count; k++)
			*elsewhere |= !is_ours(c, answer.records[k]);
		*found = joined(c, *found, text_of(c, address_types[i], answer.records, answer.record_count));
	}
	return true;
}

/* ---- one record ---- */

/* Numbers exactly, names in any case of letters. */
static bool
same(uint16_t type, struct slice a, struct slice b)
{
	size_t numbers = type == DNS_MX ? 2 : type == DNS_SRV ? 6 : 0;

	if (numbers == 0 && type != DNS_CNAME)
		return slice_eq(a, b);
	return a.len == b.len && a.len >= numbers && slice_eq(slice_sub(a, 0, numbers), slice_sub(b, 0, numbers)) &&
	    slice_ieq(slice_from(a, numbers), slice_from(b, numbers));
}

/* The word of a TXT record in front of its first space or semicolon. */
static struct slice
first_word(struct slice rdata)
{
	struct slice text = slice_from(rdata, 1), rest;

	return slice_split(slice_split(text, ';', &rest), ' ', &rest);
}

/* Whoever put it there may have cut it into other strings, and said more. */
static bool
is_same_key(struct slice ours, struct slice theirs)
{
	BUF_OWNED struct buf a = { 0 }, b = { 0 };

	buf_init(&a, KEYS_DKIM_RECORD_MAX);
	buf_init(&b, KEYS_DKIM_RECORD_MAX);
	return records_text_get(ours, &a) == 0 && records_text_get(theirs, &b) == 0 &&
	    keys_dkim_record_is(buf_slice(&a), buf_slice(&b));
}

static bool
fits(const struct record *r, struct slice found)
{
	if (r->rule == RECORD_DKIM)
		return is_same_key(r->rdata, found);
	if (r->rule == RECORD_BEGINS)
		return slice_ieq(first_word(r->rdata), first_word(found));
	return same(r->type, r->rdata, found);
}

static void
look_at_alias(struct check *c, const struct record *r, struct check_line *line)
{
	bool elsewhere;

	if (!leads_where(c, r->name, &elsewhere, &line->found))
		return;
	if (line->found.len == 0)
		line->result = CHECK_MISSING;
	else
		line->result = elsewhere ? CHECK_DIFFERENT : CHECK_OK;
	check_say(c, line);
}

/* What is not there: of what may be left out it is advice. What is there and other: wrong, unless it is the domain's own matter. */
static enum check_result
judge(const struct record *r, const struct dns_answer *answer)
{
	bool others = false;

	for (size_t i = 0; i < answer->record_count; i++) {
		if (fits(r, answer->records[i]))
			return CHECK_OK;
		others |= r->rule != RECORD_BEGINS;
	}
	if (!others)
		return r->need == RECORD_NEEDED ? CHECK_MISSING : CHECK_ADVICE;
	return r->need == RECORD_NEEDED || r->rule == RECORD_OR_NONE ? CHECK_DIFFERENT : CHECK_ADVICE;
}

/* Whichever records the operator chose: what counts is whether they let our chain pass. */
static void
judge_tlsa(const struct check *c, const struct dns_answer *answer, struct check_line *line)
{
	enum tls_tlsa is;

	if (answer->record_count == 0 || c->certificate.len == 0 ||
	    tls_chain_tlsa(c->certificate, answer->records, answer->record_count, &is, NULL) != 0)
		return;
	if (is == TLS_TLSA_MATCHES)
		line->result = CHECK_OK;
	if (is == TLS_TLSA_FAILS) {
		line->result = CHECK_DIFFERENT;
		line->why = "With this certificate senders that check DANE give no mail: publish its record beside the "
			    "others first, and change the certificate when their time to live is over twice";
	}
}

/* The words of a TXT record, without the lengths in front of its strings. */
static struct slice
text_words(struct check *c, struct slice rdata)
{
	BUF_OWNED struct buf words = { 0 };

	buf_init(&words, FOUND_MAX);
	while (rdata.len > 0) {
		(void)buf_put_slice(&words, slice_sub(rdata, 1, rdata.data[0]));
		rdata = slice_from(rdata, 1u + rdata.data[0]);
	}
	return arena_copy(c->arena, buf_slice(&words));
}

/* SPF's last word permits everybody (RFC 7208 section 5.1): without a sign it means "+". */
static bool
permits_all(struct slice words)
{
	size_t space = slice_find_last(words, ' ');
	struct slice last = space == SIZE_MAX ? words : slice_from(words, space + 1);

	return slice_ieq_str(last, "+all") || slice_ieq_str(last, "all");
}

/*
 * What is the domain's own matter and cannot be right all the same: two
 * records where receivers take one (RFC 7208 section 4.5, RFC 9989 section
 * 4.7), and an SPF record that says nothing.
 */
static void
look_at_own_matter(struct check *c, const struct record *r, const struct dns_answer *answer)
{
	struct check_line line = { .result = CHECK_DIFFERENT, .what = "record", .name = r->name, .type = "TXT" };
	size_t count = 0;

	for (size_t i = 0; i < answer->record_count; i++) {
		struct slice words = text_words(c, answer->records[i]);

		if (!fits(r, answer->records[i]))
			continue;
		count++;
		line.found = words;
		line.why = "It permits everybody to send as the domain: let it end in -all";
		if (slice_ieq_str(first_word(answer->records[i]), "v=spf1") && permits_all(slice_trim(words)))
			check_say(c, &line);
	}
	line.found = arena_printf(c->arena, "%zu that begin with %.*s", count, (int)first_word(r->rdata).len,
	    (const char *)first_word(r->rdata).data);
	line.why = "More than one is as good as none: receivers take it for an error";
	if (count > 1)
		check_say(c, &line);
}

static void
look_at(struct check *c, const struct record *r)
{
	char type[DNS_TYPE_TEXT];
	struct dns_answer answer;
	struct check_line line = { .what = "record",
		.name = r->name,
		.type = dns_type_text(r->type, type),
		.wanted = text_of(c, r->type, &r->rdata, 1),
		.why = r->why };

	if (r->rule == RECORD_RESOLVES)
		return; /* our own name: looked at before */
	if (r->rule == RECORD_LEADS_HERE) {
		look_at_alias(c, r, &line);
		return;
	}
	if (!ask(c, r->name, r->type, &answer))
		return;
	line.result = judge(r, &answer);
	if (r->type == DNS_TLSA)
		judge_tlsa(c, &answer, &line);
	if (r->rule != RECORD_BEGINS || line.result == CHECK_OK)
		line.found = text_of(c, r->type, answer.records, answer.record_count);
	check_say(c, &line);
	if (r->rule == RECORD_BEGINS)
		look_at_own_matter(c, r, &answer);
	if (r->type == DNS_TLSA && line.result == CHECK_OK && answer.security != DNS_SECURE)
		check_say(c,
		    &(struct check_line){ .result = CHECK_ADVICE,
			.what = "record",
			.name = r->name,
			.type = line.type,
			.why = "DNSSEC does not vouch for it here, so senders that check DANE pass it over" });
}

/* ---- our own name ---- */

static void
add_addresses(struct check *c, const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->record_count && c->address_count < CHECK_ADDRESSES_MAX; i++)
		c->addresses[c->address_count++] = answer->records[i];
}

/* The name of an address is ours, or others believe our mail less (RFC 1912 2.1). */
static void
look_at_reverse(struct check *c, struct slice rdata)
{
	struct slice text = text_of(c, rdata.len == 4 ? DNS_A : DNS_AAAA, &rdata, 1);
	const char *address = arena_cstr(c->arena, text);
	struct check_line line = { .result = CHECK_ADVICE,
		.what = "reverse",
		.name = text,
		.type = "PTR",
		.wanted = arena_printf(c->arena, "%s.", c->config->hostname),
		.why = "Many servers take mail only from addresses with a name that leads back; who gave the address "
		       "makes it" };
	BUF_OWNED struct buf name = { 0 };
	struct dns_answer answer;

	buf_init(&name, DNS_TEXT_MAX);
	if (address == NULL || dns_reverse_name(address, &name, NULL) != 0 ||
	    !ask(c, buf_slice(&name), DNS_PTR, &answer))
		return;
	line.found = text_of(c, DNS_PTR, answer.records, answer.record_count);
	for (size_t i = 0; i < answer.record_count; i++)
		if (slice_ieq(text_of(c, DNS_PTR, &answer.records[i], 1), line.wanted))
			line.result = CHECK_OK;
	check_say(c, &line);
}

static int
look_at_host(struct check *c, struct error *e)
{
	struct slice host = slice_str(c->config->hostname);
	struct check_line line = { .result = CHECK_OK, .what = "name", .name = host, .type = "A/AAAA" };
	int rc = 0;

	if (slice_ieq_str(host, "localhost")) {
		line.result = CHECK_DIFFERENT;
		line.why = "The setting 'hostname' is to be the name under which others reach this server";
		check_say(c, &line);
	}
	for (size_t i = 0; i < sizeof address_types / sizeof address_types[0] && rc == 0; i++) {
		struct dns_answer answer;

		rc = dns_ask(c->dns, host, address_types[i], c->arena, &answer, e);
		if (rc == 0 && answer.security == DNS_BOGUS) {
			struct error why;

			say_bogus(c, &answer, &why);
			line.result = CHECK_UNKNOWN;
			line.why = why.text;
			check_say(c, &line);
			return 0;
		}
		if (rc != 0)
			return rc;
		add_addresses(c, &answer);
		line.found = joined(c, line.found, text_of(c, address_types[i], answer.records, answer.record_count));
	}
	if (line.result == CHECK_DIFFERENT)
		return 0;
	line.result = c->address_count > 0 ? CHECK_OK : CHECK_MISSING;
	line.why = "The name of this server has to have an address";
	check_say(c, &line);
	for (size_t i = 0; i < c->address_count; i++)
		look_at_reverse(c, c->addresses[i]);
	return 0;
}

/* Its TLSA record; in a domain of ours it is among that one's records. */
static int
look_at_host_key(struct check *c, const struct slice *domains, size_t domain_count, struct error *e)
{
	const struct records_source source = {
		.config = c->config, .domain = slice_str(c->config->hostname), .pin = c->pin
	};
	struct records *records;
	int rc;

	for (size_t i = 0; i < domain_count; i++)
		if (records_is_inside(source.domain, domains[i]))
			return 0;
	records = arena_array(c->arena, 1, sizeof *records);
	rc = records == NULL ? error_nomem(e) : records_make(&source, c->arena, records, e);
	for (size_t i = 0; rc == 0 && i < records->count; i++)
		if (records->list[i].type == DNS_TLSA)
			look_at(c, &records->list[i]);
	return rc == ERR_SYNTAX ? 0 : rc; /* a hostname like "localhost" was said to be none */
}

/* ---- a domain ---- */

static void
look_at_names(struct check *c, const struct records_source *source)
{
	const char *names[RECORDS_NAMES_MAX];
	size_t count = records_names(source, c->arena, names);

	for (size_t i = 0; i < count && c->certificate.len > 0; i++) {
		struct check_line line = { .what = "certificate",
			.name = slice_str(names[i]),
			.why = "Clients that ask there believe only a certificate with this name" };
		bool covers = false;

		(void)tls_certificate_covers(c->certificate, names[i], &covers, NULL);
		line.result = covers ? CHECK_OK : CHECK_MISSING;
		check_say(c, &line);
	}
}

/* Of an address's key: what DNS does not have is not missed, for nobody need publish keys so. Another one does harm. */
static int
look_at_key(void *ctx, const struct record *r, struct error *e)
{
	struct check *c = ctx;
	char type[DNS_TYPE_TEXT];
	struct dns_answer answer;
	struct check_line line = {
		.what = "record", .name = r->name, .type = dns_type_text(r->type, type), .why = r->why
	};

	(void)e;
	if (!ask(c, r->name, r->type, &answer))
		return ERR_TIMEOUT; /* it is said, and the others are not asked */
	if (answer.record_count == 0)
		return 0;
	line.result = judge(r, &answer);
	if (line.result == CHECK_OK && answer.security != DNS_SECURE) {
		line.result = CHECK_ADVICE;
		line.why = "DNSSEC does not vouch for it here, so nobody believes it";
	} else if (line.result != CHECK_OK) {
		line.why = "It is not the certificate that the directory has: 'letterlockd domain records' with "
			   "--openpgpkey tells it";
	}
	check_say(c, &line);
	return 0;
}

static void
look_at_signing(struct check *c, struct slice domain, const struct dkim_keys *dkim)
{
	size_t signing = dkim_keys_in(dkim, KEYS_DKIM_SIGNS);
	struct check_line line = { .what = "dkim", .name = domain };

	if (signing > 0)
		line.found = arena_printf(c->arena, "%zu keys sign", signing);
	else if (dkim_keys_in(dkim, KEYS_DKIM_WAITS) > 0)
		line.why = "Its mail is not signed yet: 'letterlockd domain dkim activate' begins, when DNS has the "
			   "records";
	else
		line.why = "Its mail is not signed, and others take it for forged more easily: 'letterlockd domain "
			   "dkim new' makes keys";
	line.result = signing > 0 ? CHECK_OK : CHECK_ADVICE;
	check_say(c, &line);
}

static int
look_at_domain(struct check *c, struct slice domain, struct error *e)
{
	struct dkim_keys dkim;
	const struct records_source source = { .config = c->config, .domain = domain, .pin = c->pin, .dkim = &dkim };
	struct records all;
	int rc = dkim_keys_read(c->config, domain, c->arena, &dkim, e);

	if (rc == 0)
		rc = records_make(&source, c->arena, &all, e);
	for (size_t i = 0; rc == 0 && i < all.count; i++)
		look_at(c, &all.list[i]);
	if (rc == 0)
		look_at_names(c, &source);
	if (rc == 0)
		look_at_signing(c, domain, &dkim);
	if (rc == 0 && c->store != NULL &&
	    (rc = records_openpgpkey(c->store, domain, CHECK_KEYS_MAX, look_at_key, c, e)) == ERR_TIMEOUT)
		rc = 0;
	return rc;
}

/* Nothing here sees what is between a sender and us, and what the sender's own resolver says. */
static void
say_outside(struct check *c, struct slice domain)
{
	struct slice why = arena_printf(c->arena,
	    "What senders meet is only seen from outside: run 'letterlock audit %.*s' on a machine elsewhere",
	    (int)domain.len, (const char *)domain.data);
	char *text = arena_cstr(c->arena, why);

	check_say(c, &(struct check_line){ .result = CHECK_ADVICE, .what = "outside", .name = domain, .why = text });
}

int
check_records(struct check *c, const struct slice *domains, size_t domain_count, struct error *e)
{
	struct resolving resolving;
	struct place place = { 0 };
	int rc;

	/* Of the directory's keys; whether the folder can be looked at has been said before. */
	if (!place_is_empty(c->config) && place_look(c->config, &place, NULL) == 0)
		c->store = place.port;
	resolving_read(c->config, &resolving);
	rc = dns_new(&(struct dns_config){ .servers = resolving.servers,
			 .server_count = resolving.server_count,
			 .anchors = buf_slice(&resolving.anchors) },
	    &c->dns, e);
	if (rc == 0)
		rc = dns_start(c->dns, e);
	if (rc == 0)
		rc = look_at_host(c, e);
	if (rc == 0)
		rc = look_at_host_key(c, domains, domain_count, e);
	for (size_t i = 0; rc == 0 && i < domain_count; i++)
		rc = look_at_domain(c, domains[i], e);
	for (size_t i = 0; rc == 0 && i < domain_count; i++)
		say_outside(c, domains[i]);
	dns_free(c->dns);
	c->dns = NULL;
	resolving_done(&resolving);
	if (c->store != NULL)
		place_close(&place);
	c->store = NULL;
	return rc;
}
