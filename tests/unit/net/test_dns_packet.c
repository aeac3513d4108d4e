/* SPDX-License-Identifier: ISC */
/* DNS answers as octets: read whole, cut at every length, with every bit flipped; and what names look like as text. */
#include "net/dns_packet.h"

#include "unit.h"

/* SLICE() for static tables. */
#define BYTES(lit) \
	{ \
		(const uint8_t *)("" lit), sizeof(lit) - 1 \
	}
#define HEAD(flags, answers) "\0\7" flags "\0\1" answers "\0\0\0\0"
#define QUESTION(name, type) name type "\0\1"
#define OWNER "\xc0\x0c"
#define A "\0\1\0\1\0\0\1\x2c\0\4"

static const struct row {
	const char *name;
	struct slice packet;
	uint16_t type;
	int rc;
	const char *canonical;
	size_t records;
	uint32_t ttl, rcode;
	struct slice last;
} rows[] = {
	{ "two addresses",
	    BYTES(HEAD("\x81\x80", "\0\2") QUESTION("\3www\3org\0", "\0\1") OWNER A "\xc0\0\2\1" OWNER A "\xc0\0\2\2"),
	    DNS_A, 0, "www.org", 2, 300, 0, BYTES("\xc0\0\2\2") },
	{ "no such name", BYTES(HEAD("\x81\x83", "\0\0") QUESTION("\3www\3org\0", "\0\1")), DNS_A, 0, "www.org", 0, 0,
	    DNS_NXDOMAIN, { 0 } },
	{ "an alias, and the case of its target",
	    BYTES(HEAD("\x81\x80", "\0\2") QUESTION("\1a\3org\0", "\0\1") OWNER "\0\5\0\1\0\0\0\x1e\0\4\1b\xc0\x0e"
										"\1B\3ORG\0" A "\xc0\0\2\1"),
	    DNS_A, 0, "b.org", 1, 30, 0, BYTES("\xc0\0\2\1") },
	{ "an alias asked for",
	    BYTES(HEAD("\x81\x80", "\0\1") QUESTION("\1a\3org\0", "\0\5") OWNER "\0\5\0\1\0\0\0\x1e\0\4\1b\xc0\x0e"),
	    DNS_CNAME, 0, "a.org", 1, 30, 0, BYTES("\1b\3org\0") },
	{ "aliases in a ring",
	    BYTES(HEAD("\x81\x80", "\0\2") QUESTION("\1a\0", "\0\1") OWNER "\0\5\0\1\0\0\0\x1e\0\3\1b\0"
									   "\1b\0"
									   "\0\5\0\1\0\0\0\x1e\0\2\xc0\x0c"),
	    DNS_A, ERR_LIMIT, NULL, 0, 0, 0, { 0 } },
	{ "another's records", BYTES(HEAD("\x81\x80", "\0\1") QUESTION("\1a\0", "\0\1") "\1b\0" A "\xc0\0\2\1"), DNS_A,
	    0, "a", 0, 0, 0, { 0 } },
	{ "another class",
	    BYTES(HEAD("\x81\x80", "\0\1") QUESTION("\1a\0", "\0\1") OWNER "\0\1\0\3\0\0\1\x2c\0\4\xc0\0\2\1"), DNS_A,
	    0, "a", 0, 0, 0, { 0 } },
	{ "a compressed pointer",
	    BYTES(
		HEAD("\x81\x80", "\0\1") QUESTION("\1a\3org\0", "\0\x0c") OWNER "\0\x0c\0\1\0\0\1\x2c\0\4\1m\xc0\x0e"),
	    DNS_PTR, 0, "a.org", 1, 300, 0, BYTES("\1m\3org\0") },
	{ "octets behind a pointer",
	    BYTES(HEAD("\x81\x80", "\0\1") QUESTION("\1a\0", "\0\x0c") OWNER "\0\x0c\0\1\0\0\1\x2c\0\4\1m\0x"), DNS_PTR,
	    ERR_SYNTAX, NULL, 0, 0, 0, { 0 } },
	{ "a mail exchanger",
	    BYTES(HEAD("\x81\x80", "\0\1") QUESTION("\1a\0", "\0\x0f") OWNER "\0\x0f\0\1\0\0\1\x2c\0\4\0\x0a\xc0\x0c"),
	    DNS_MX, 0, "a", 1, 300, 0, BYTES("\0\x0a\1a\0") },
	{ "a pointer to itself",
	    BYTES(HEAD("\x81\x80", "\0\1") QUESTION("\1a\0", "\0\x0c") OWNER "\0\x0c\0\1\0\0\1\x2c\0\2\xc0\x1f"),
	    DNS_PTR, ERR_SYNTAX, NULL, 0, 0, 0, { 0 } },
	{ "a pointer ahead", BYTES(HEAD("\x81\x80", "\0\1") QUESTION("\xc0\x20", "\0\1") OWNER A "\xc0\0\2\1"), DNS_A,
	    ERR_SYNTAX, NULL, 0, 0, 0, { 0 } },
	{ "a label of a kind that is not",
	    BYTES(HEAD("\x81\x80", "\0\0") QUESTION("\x41"
						    "a\0",
		"\0\1")),
	    DNS_A, ERR_SYNTAX, NULL, 0, 0, 0, { 0 } },
	{ "a question, no answer", BYTES(HEAD("\1\0", "\0\0") QUESTION("\1a\0", "\0\1")), DNS_A, ERR_SYNTAX, NULL, 0, 0,
	    0, { 0 } },
	{ "fewer records than said", BYTES(HEAD("\x81\x80", "\0\2") QUESTION("\1a\0", "\0\1") OWNER A "\xc0\0\2\1"),
	    DNS_A, ERR_SYNTAX, NULL, 0, 0, 0, { 0 } },
};

static void
packets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dns_answer out = { 0 };
		struct arena a;
		int rc;

		arena_init(&a, 1u << 20);
		rc = dns_packet_read(rows[i].packet, rows[i].type, &a, &out, &unit_error);
		if (rc != rows[i].rc)
			fail_msg("%s: %d %s", rows[i].name, rc, unit_error.text);
		if (rc == 0) {
			assert_slice(out.canonical, rows[i].canonical);
			assert_int_equal(out.record_count, rows[i].records);
			assert_int_equal(out.ttl, rows[i].ttl);
			assert_int_equal(out.rcode, rows[i].rcode);
			if (out.record_count > 0)
				assert_slices(out.records[out.record_count - 1], rows[i].last);
		}
		arena_done(&a);
	}
}

/* Nothing is read beyond the end; a sanitizer would tell. */
static void
cut_and_flipped(void **state)
{
	uint8_t octets[256];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t len = rows[i].packet.len;

		for (size_t n = 0; n < len * 9; n++) {
			struct dns_answer out = { 0 };
			struct arena a;
			uint8_t *copy = malloc(len);

			assert_true(copy != NULL && len <= sizeof octets);
			memcpy(copy, rows[i].packet.data, len);
			if (n >= len)
				copy[(n - len) / 8] ^= (uint8_t)(1u << (n - len) % 8);
			copy = n < len ? realloc(copy, n + 1) : copy;
			arena_init(&a, 1u << 20);
			(void)dns_packet_read(slice_of(copy, n < len ? n : len), rows[i].type, &a, &out, NULL);
			arena_done(&a);
			free(copy);
		}
	}
}

/* One record more than an answer may have, and one octet more. */
static void
bounds(void **state)
{
	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct dns_answer out = { 0 };
		struct arena a;
		struct buf b;

		arena_init(&a, 1u << 20);
		buf_init(&b, 1u << 17);
		(void)buf_put(&b, "\0\7\x81\x80\0\1", 6);
		(void)buf_put_u16(&b, (uint16_t)(DNS_RECORDS_MAX + over));
		(void)buf_put(&b, "\0\0\0\0\1a\0\0\x10\0\1", 11);
		for (unsigned i = 0; i < DNS_RECORDS_MAX + over; i++)
			(void)buf_put(&b, "\xc0\x0c\0\x10\0\1\0\0\0\1\0\1x", 13);
		assert_int_equal(dns_packet_read(buf_slice(&b), DNS_TXT, &a, &out, NULL), over == 0 ? 0 : ERR_LIMIT);
		buf_clear(&b);
		(void)buf_put(&b, "\0\7\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\x10\0\1\xc0\x0c\0\x10\0\1\0\0\0\1", 29);
		(void)buf_put_u16(&b, (uint16_t)(DNS_RECORDS_OCTETS + over));
		for (unsigned i = 0; i < DNS_RECORDS_OCTETS + over; i++)
			(void)buf_put_u8(&b, 'x');
		assert_int_equal(dns_packet_read(buf_slice(&b), DNS_TXT, &a, &out, NULL), over == 0 ? 0 : ERR_LIMIT);
		buf_done(&b);
		arena_done(&a);
	}
}

static void
names(void **state)
{
	static const struct {
		struct slice wire;
		const char *text; /* NULL: it is no name */
	} names[] = {
		{ BYTES("\4mail\7example\3org\0"), "mail.example.org" },
		{ BYTES("\0"), "." },
		{ BYTES("\5a.b\nc\1\\\0"), "a\\.b\\010c.\\\\" },
		{ BYTES("\2a \0"), "a\\032" },
		{ BYTES("\1a"), NULL },
		{ BYTES(""), NULL },
		{ BYTES("\1a\0x"), NULL },
		{ BYTES("\xc0\0"), NULL },
		{ BYTES("\7short\0"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct buf out;
		int rc;

		buf_init(&out, DNS_TEXT_MAX);
		rc = dns_name_text(names[i].wire, &out, NULL);
		assert_int_equal(rc, names[i].text == NULL ? ERR_SYNTAX : 0);
		if (rc == 0)
			assert_slice(buf_slice(&out), names[i].text);
		buf_done(&out);
	}
}

static void
addresses(void **state)
{
	static const struct {
		const char *address, *name;
		struct slice record;
	} addresses[] = {
		{ "192.0.2.1", "1.2.0.192.in-addr.arpa", BYTES("\xc0\0\2\1") },
		{ "::ffff:192.0.2.1", "1.2.0.192.in-addr.arpa", BYTES("\xc0\0\2\1") },
		{ "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
		    BYTES("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1") },
		{ "mail.example.org", NULL, BYTES("") },
		{ "", NULL, BYTES("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		struct buf out;
		int rc;

		buf_init(&out, DNS_TEXT_MAX);
		rc = dns_reverse_name(addresses[i].address, &out, NULL);
		assert_int_equal(rc, addresses[i].name == NULL ? ERR_SYNTAX : 0);
		if (rc == 0)
			assert_slice(buf_slice(&out), addresses[i].name);
		assert_int_equal(dns_address_is(addresses[i].record, addresses[i].address), rc == 0);
		assert_false(dns_address_is(SLICE("\xc0\0\2\2"), addresses[i].address));
		buf_done(&out);
	}
}

static void
records_as_text(void **state)
{
	static const struct {
		uint16_t type;
		struct slice rdata;
		const char *text; /* NULL: it is none of this type */
	} forms[] = {
		{ DNS_A, BYTES("\xc0\0\2\1"), "192.0.2.1" },
		{ DNS_A, BYTES("\xc0\0\2"), NULL },
		{ DNS_AAAA, BYTES("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "2001:db8::1" },
		{ DNS_AAAA, BYTES("\xc0\0\2\1"), NULL },
		{ DNS_MX, BYTES("\0\x0a\4mail\1a\0"), "10 mail.a." },
		{ DNS_MX, BYTES("\0"), NULL },
		{ DNS_MX, BYTES("\0\0\0"), "0 ." },
		{ DNS_SRV, BYTES("\0\0\0\1\3\xe1\1a\0"), "0 1 993 a." },
		{ DNS_SRV, BYTES("\0\0\0\0\0\0\0"), "0 0 0 ." },
		{ DNS_SRV, BYTES("\0\0\0\0\0\0"), NULL },
		{ DNS_CNAME, BYTES("\3a b\0"), "a\\032b." },
		{ DNS_TXT, BYTES("\3a\"\\\2b\n"), "\"a\\\"\\\\\" \"b\\010\"" },
		{ DNS_TXT, BYTES("\0"), "\"\"" },
		{ DNS_TXT, BYTES("\5a"), NULL },
		{ DNS_TXT, BYTES(""), NULL },
		{ DNS_TLSA, BYTES("\3\1\1\xab\xcd"), "3 1 1 abcd" },
		{ DNS_TLSA, BYTES("\3\1\1"), NULL },
		{ DNS_SMIMEA, BYTES("\3\0\0\xab\xcd"), "3 0 0 abcd" },
		{ DNS_OPENPGPKEY, BYTES("\x99\1\2"), "mQEC" },
		{ DNS_OPENPGPKEY, BYTES(""), NULL },
		{ 65, BYTES("\1\xff"), "\\# 2 01ff" },
		{ 65, BYTES(""), "\\# 0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		struct buf out;

		buf_init(&out, 1000);
		(void)buf_put_str(&out, "=");
		assert_int_equal(
		    dns_record_text(forms[i].type, forms[i].rdata, &out, NULL), forms[i].text == NULL ? ERR_SYNTAX : 0);
		assert_slice(slice_from(buf_slice(&out), 1), forms[i].text == NULL ? "" : forms[i].text);
		buf_done(&out);
	}
}

static void
names_as_octets(void **state)
{
	static const struct {
		const char *name;
		struct slice octets; /* empty: it is none */
	} wires[] = {
		{ "mail.example.org", BYTES("\4mail\7example\3org\0") },
		{ "_imaps._tcp.a.", BYTES("\6_imaps\4_tcp\1a\0") },
		{ ".", BYTES("\0") },
		{ "a..b", BYTES("") },
		{ ".a", BYTES("") },
		{ "a b", BYTES("") },
		{ "a;b", BYTES("") },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", BYTES("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
		struct buf out;

		buf_init(&out, 1000);
		assert_int_equal(
		    dns_name_put(slice_str(wires[i].name), &out, NULL), wires[i].octets.len == 0 ? ERR_SYNTAX : 0);
		if (wires[i].octets.len > 0)
			assert_slices(buf_slice(&out), wires[i].octets);
		buf_done(&out);
	}
}

static void
servers(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} texts[] = { { "192.0.2.1", true }, { "192.0.2.1@5353", true }, { "2001:db8::1", true }, { "::1@53", true },
		{ "", false }, { "dns.example.org", false }, { "192.0.2.1@", false }, { "192.0.2.1@0", false },
		{ "192.0.2.1@65536", false }, { "192.0.2.1@53@53", false }, { "192.0.2.1:53", false }, { "@53", false },
		{ "192.0.2.256", false } };
	struct slice out[DNS_SERVERS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (dns_server_valid(slice_str(texts[i].text)) != texts[i].valid)
			fail_msg("%s", texts[i].text);
	assert_int_equal(dns_servers_find(SLICE("# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\n"
						"nameserver\t2001:db8::1 # the other\nnameserver fe80::1%eth0\n"
						"nameserver8.8.8.8\nnameserver\noptions edns0"),
			     out),
	    2);
	assert_slice(out[0], "192.0.2.1");
	assert_slice(out[1], "2001:db8::1");
	assert_int_equal(dns_servers_find(SLICE(""), out), 0);
}

UNIT_MAIN(UNIT_TEST(packets), UNIT_TEST(cut_and_flipped), UNIT_TEST(bounds), UNIT_TEST(names), UNIT_TEST(addresses),
    UNIT_TEST(records_as_text), UNIT_TEST(names_as_octets), UNIT_TEST(servers))
