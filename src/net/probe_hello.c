/* SPDX-License-Identifier: ISC */
#include "net/probe_hello.h"

#include <stdio.h>
#include <string.h>

#include "base/reader.h"

#define RECORD_ALERT 21u
#define RECORD_HANDSHAKE 22u
#define RECORD_HEAD 5u
#define RECORD_MAX (16u << 10) /* octets of a record in clear (RFC 8446 5.1) */
#define CLIENT_HELLO 1u
#define SERVER_HELLO 2u
#define HANDSHAKE_HEAD 4u
#define RANDOM_SIZE 32u
#define NAME_MAX_OCTETS 255u

#define EXT_NAME 0u
#define EXT_GROUPS 10u
#define EXT_SIGNATURES 13u
#define EXT_VERSIONS 43u
#define EXT_KEY_SHARE 51u

/* The names are IANA's, without TLS_. */
static const struct probe_suite suites[] = {
	{ 0x1301, 0, "AES_128_GCM_SHA256" },
	{ 0x1302, 0, "AES_256_GCM_SHA384" },
	{ 0x1303, 0, "CHACHA20_POLY1305_SHA256" },
	{ 0xc02b, 0, "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc02f, 0, "ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc02c, 0, "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ 0xc030, 0, "ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0xcca9, 0, "ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xcca8, 0, "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0x009e, 0, "DHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009f, 0, "DHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0xc023, 0, "ECDHE_ECDSA_WITH_AES_128_CBC_SHA256" },
	{ 0xc027, 0, "ECDHE_RSA_WITH_AES_128_CBC_SHA256" },
	{ 0xc009, 0, "ECDHE_ECDSA_WITH_AES_128_CBC_SHA" },
	{ 0xc00a, 0, "ECDHE_ECDSA_WITH_AES_256_CBC_SHA" },
	{ 0xc013, 0, "ECDHE_RSA_WITH_AES_128_CBC_SHA" },
	{ 0xc014, 0, "ECDHE_RSA_WITH_AES_256_CBC_SHA" },
	{ 0x0033, 0, "DHE_RSA_WITH_AES_128_CBC_SHA" },
	{ 0x0039, 0, "DHE_RSA_WITH_AES_256_CBC_SHA" },
	{ 0x009c, PROBE_STATIC, "RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009d, PROBE_STATIC, "RSA_WITH_AES_256_GCM_SHA384" },
	{ 0x003c, PROBE_STATIC, "RSA_WITH_AES_128_CBC_SHA256" },
	{ 0x003d, PROBE_STATIC, "RSA_WITH_AES_256_CBC_SHA256" },
	{ 0x002f, PROBE_STATIC, "RSA_WITH_AES_128_CBC_SHA" },
	{ 0x0035, PROBE_STATIC, "RSA_WITH_AES_256_CBC_SHA" },
	{ 0x000a, PROBE_STATIC | PROBE_OLD, "RSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0x0016, PROBE_OLD, "DHE_RSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0xc008, PROBE_OLD, "ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0xc012, PROBE_OLD, "ECDHE_RSA_WITH_3DES_EDE_CBC_SHA" },
	{ 0x0009, PROBE_STATIC | PROBE_OLD, "RSA_WITH_DES_CBC_SHA" },
	{ 0x0015, PROBE_OLD, "DHE_RSA_WITH_DES_CBC_SHA" },
	{ 0x0004, PROBE_STATIC | PROBE_OLD, "RSA_WITH_RC4_128_MD5" },
	{ 0x0005, PROBE_STATIC | PROBE_OLD, "RSA_WITH_RC4_128_SHA" },
	{ 0xc007, PROBE_OLD, "ECDHE_ECDSA_WITH_RC4_128_SHA" },
	{ 0xc011, PROBE_OLD, "ECDHE_RSA_WITH_RC4_128_SHA" },
	{ 0x0003, PROBE_STATIC | PROBE_EXPORT, "RSA_EXPORT_WITH_RC4_40_MD5" },
	{ 0x0006, PROBE_STATIC | PROBE_EXPORT, "RSA_EXPORT_WITH_RC2_CBC_40_MD5" },
	{ 0x0008, PROBE_STATIC | PROBE_EXPORT, "RSA_EXPORT_WITH_DES40_CBC_SHA" },
	{ 0x0014, PROBE_EXPORT, "DHE_RSA_EXPORT_WITH_DES40_CBC_SHA" },
	{ 0x0001, PROBE_STATIC | PROBE_NULL, "RSA_WITH_NULL_MD5" },
	{ 0x0002, PROBE_STATIC | PROBE_NULL, "RSA_WITH_NULL_SHA" },
	{ 0x003b, PROBE_STATIC | PROBE_NULL, "RSA_WITH_NULL_SHA256" },
	{ 0xc006, PROBE_NULL, "ECDHE_ECDSA_WITH_NULL_SHA" },
	{ 0xc010, PROBE_NULL, "ECDHE_RSA_WITH_NULL_SHA" },
	{ 0xc015, PROBE_NULL | PROBE_ANONYMOUS, "ECDH_anon_WITH_NULL_SHA" },
	{ 0x0034, PROBE_ANONYMOUS, "DH_anon_WITH_AES_128_CBC_SHA" },
	{ 0x003a, PROBE_ANONYMOUS, "DH_anon_WITH_AES_256_CBC_SHA" },
	{ 0x00a6, PROBE_ANONYMOUS, "DH_anon_WITH_AES_128_GCM_SHA256" },
	{ 0x00a7, PROBE_ANONYMOUS, "DH_anon_WITH_AES_256_GCM_SHA384" },
	{ 0xc018, PROBE_ANONYMOUS, "ECDH_anon_WITH_AES_128_CBC_SHA" },
	{ 0xc019, PROBE_ANONYMOUS, "ECDH_anon_WITH_AES_256_CBC_SHA" },
};

#define SUITES (sizeof suites / sizeof suites[0])
_Static_assert(SUITES <= PROBE_SUITES_MAX, "a list of suites is an array of that size");

static const struct probe_suite *
find_suite(uint16_t id)
{
	for (size_t i = 0; i < SUITES; i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

const char *
probe_suite_name(uint16_t id, char text_out[PROBE_SUITE_TEXT])
{
	const struct probe_suite *s = find_suite(id);

	if (s != NULL)
		return s->name;
	(void)snprintf(text_out, PROBE_SUITE_TEXT, "0x%04X", id);
	return text_out;
}

unsigned
probe_suite_faults(uint16_t id)
{
	const struct probe_suite *s = find_suite(id);

	return s == NULL ? 0 : s->faults;
}

size_t
probe_suites(unsigned faults, uint16_t *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < SUITES && n < max; i++)
		if (faults == 0 ? suites[i].faults == 0 : (suites[i].faults & faults) != 0)
			out[n++] = suites[i].id;
	return n;
}

const char *
probe_version_text(uint16_t version)
{
	static const char *const texts[] = { "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3" };

	return version >= PROBE_SSL_3_0 && version <= PROBE_TLS_1_3 ? texts[version - PROBE_SSL_3_0] : "unknown";
}

/* ---- writing ---- */

/* A length of 16 bits in front of what follows: where it stands, for end_length(). */
static size_t
begin_length(struct buf *b)
{
	(void)buf_put_u16(b, 0);
	return b->len;
}

static void
end_length(struct buf *b, size_t begin)
{
	size_t len = b->len - begin;

	if (b->err != 0)
		return;
	b->data[begin - 2] = (uint8_t)(len >> 8);
	b->data[begin - 1] = (uint8_t)len;
}

static void
put_list(struct buf *b, uint16_t extension, const uint16_t *values, size_t count, bool short_length)
{
	size_t whole;

	(void)buf_put_u16(b, extension);
	whole = begin_length(b);
	if (short_length)
		(void)buf_put_u8(b, (uint8_t)(2 * count));
	else
		(void)buf_put_u16(b, (uint16_t)(2 * count));
	for (size_t i = 0; i < count; i++)
		(void)buf_put_u16(b, values[i]);
	end_length(b, whole);
}

static void
put_name(struct buf *b, const char *name)
{
	size_t len = strlen(name), whole, list;

	if (len == 0 || len > NAME_MAX_OCTETS)
		return;
	(void)buf_put_u16(b, EXT_NAME);
	whole = begin_length(b);
	list = begin_length(b);
	(void)buf_put_u8(b, 0); /* a host name */
	(void)buf_put_u16(b, (uint16_t)len);
	(void)buf_put(b, name, len);
	end_length(b, list);
	end_length(b, whole);
}

static void
put_extensions(struct buf *b, const struct probe_hello *h)
{
	static const uint16_t groups[] = { 29, 23, 24, 25, 256,
		257 }; /* X25519, P-256, P-384, P-521, ffdhe2048, 3072 */
	static const uint16_t signatures[] = { 0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809,
		0x080a, 0x080b, 0x0401, 0x0501, 0x0601, 0x0201, 0x0203 };
	static const uint16_t version[] = { PROBE_TLS_1_3 };
	size_t whole = begin_length(b);

	if (h->name != NULL)
		put_name(b, h->name);
	put_list(b, EXT_GROUPS, groups, sizeof groups / sizeof groups[0], false);
	(void)buf_put(b, "\x00\x0b\x00\x02\x01\x00", 6); /* ec_point_formats: uncompressed */
	(void)buf_put(b, "\xff\x01\x00\x01\x00", 5);     /* renegotiation_info: none before (RFC 5746) */
	(void)buf_put(b, "\x00\x17\x00\x00", 4);         /* extended_master_secret (RFC 7627) */
	if (h->version >= PROBE_TLS_1_2)
		put_list(b, EXT_SIGNATURES, signatures, sizeof signatures / sizeof signatures[0], false);
	if (h->version == PROBE_TLS_1_3) {
		put_list(b, EXT_VERSIONS, version, 1, true);
		/* No share: the server that takes this version asks for one, and that is the answer (RFC 8446 4.2.8). */
		put_list(b, EXT_KEY_SHARE, NULL, 0, false);
		(void)buf_put(b, "\x00\x2d\x00\x02\x01\x01", 6); /* psk_key_exchange_modes */
	}
	end_length(b, whole);
}

int
probe_hello_write(const struct probe_hello *h, struct buf *out)
{
	uint16_t legacy = h->version > PROBE_TLS_1_2 ? PROBE_TLS_1_2 : h->version;
	size_t record, body, list;

	(void)buf_put_u8(out, RECORD_HANDSHAKE);
	(void)buf_put_u16(out, h->version == PROBE_SSL_3_0 ? PROBE_SSL_3_0 : PROBE_TLS_1_0);
	record = begin_length(out);
	(void)buf_put_u8(out, CLIENT_HELLO);
	(void)buf_put_u8(out, 0);
	body = begin_length(out);
	(void)buf_put_u16(out, legacy);
	(void)buf_put(out, h->random, RANDOM_SIZE);
	/* TLS 1.3 in its disguise as 1.2 (RFC 8446 D.4). */
	(void)buf_put_u8(out, h->version == PROBE_TLS_1_3 ? RANDOM_SIZE : 0);
	if (h->version == PROBE_TLS_1_3)
		(void)buf_put(out, h->random, RANDOM_SIZE);
	list = begin_length(out);
	for (size_t i = 0; i < h->suite_count; i++)
		(void)buf_put_u16(out, h->suites[i]);
	end_length(out, list);
	(void)buf_put(out, "\x01\x00", 2); /* no compression */
	if (h->version != PROBE_SSL_3_0)
		put_extensions(out, h);
	end_length(out, body);
	end_length(out, record);
	return out->err;
}

/* ---- reading ---- */

/* The version that the extension says, when there is one. */
static void
read_extensions(struct slice in, struct probe_answer *out)
{
	struct reader r = reader_of(in);

	while (r.err == 0 && reader_left(&r) > 0) {
		uint16_t type = reader_get_u16(&r);
		struct slice value = reader_get(&r, reader_get_u16(&r));

		if (r.err == 0 && type == EXT_VERSIONS && value.len == 2)
			out->version = (uint16_t)(value.data[0] << 8 | value.data[1]);
	}
}

static int
read_server_hello(struct slice body, struct probe_answer *out, struct error *e)
{
	struct reader r = reader_of(body);

	out->version = reader_get_u16(&r);
	(void)reader_get(&r, RANDOM_SIZE);
	(void)reader_get(&r, reader_get_u8(&r));
	out->suite = reader_get_u16(&r);
	(void)reader_get_u8(&r);
	if (r.err != 0)
		return error_set(e, ERR_SYNTAX, "the server's hello is too short");
	if (reader_left(&r) >= 2)
		read_extensions(reader_get(&r, reader_get_u16(&r)), out);
	if (out->version < PROBE_SSL_3_0 || out->version > PROBE_TLS_1_3)
		return error_set(e, ERR_SYNTAX, "the server's hello has no version that exists");
	out->what = PROBE_AGREED;
	return 0;
}

/* The handshake message that the records so far hold, or PROBE_MORE. */
static int
read_handshake(struct slice message, struct probe_answer *out, struct error *e)
{
	struct reader r = reader_of(message);
	uint32_t len;

	if (message.len < HANDSHAKE_HEAD)
		return 0;
	if (reader_get_u8(&r) != SERVER_HELLO)
		return error_set(e, ERR_SYNTAX, "the server begins with something else than its hello");
	len = (uint32_t)reader_get_u8(&r) << 16;
	len |= reader_get_u16(&r);
	if (len > RECORD_MAX)
		return error_set(e, ERR_SYNTAX, "the server's hello is too long");
	return reader_left(&r) < len ? 0 : read_server_hello(reader_get(&r, len), out, e);
}

static int
read_record(uint8_t type, struct slice content, struct buf *message, struct probe_answer *out, struct error *e)
{
	if (type == RECORD_ALERT) {
		out->what = PROBE_REFUSED;
		out->alert = content.len >= 2 ? content.data[1] : 0;
		return 0;
	}
	if (type != RECORD_HANDSHAKE)
		return error_set(e, ERR_SYNTAX, "the server sends a record that does not belong here");
	if (buf_put_slice(message, content) != 0)
		return error_set(e, ERR_SYNTAX, "the server's hello is too long");
	return read_handshake(buf_slice(message), out, e);
}

int
probe_answer_read(struct slice in, struct probe_answer *out, struct error *e)
{
	BUF_OWNED struct buf message = { .max = PROBE_ANSWER_MAX };
	struct reader r = reader_of(in);
	int rc = 0;

	*out = (struct probe_answer){ .what = PROBE_MORE };
	if (in.len > 0 && in.data[0] != RECORD_HANDSHAKE && in.data[0] != RECORD_ALERT) {
		out->what = PROBE_CLEAR;
		return 0;
	}
	while (rc == 0 && out->what == PROBE_MORE && reader_left(&r) >= RECORD_HEAD) {
		uint8_t type = reader_get_u8(&r), major = reader_get_u8(&r);
		uint16_t len;

		(void)reader_get_u8(&r);
		len = reader_get_u16(&r);
		if (major != 3 || len > RECORD_MAX)
			return error_set(e, ERR_SYNTAX, "the server's answer is no record of TLS");
		if (reader_left(&r) < len)
			return 0;
		rc = read_record(type, reader_get(&r, len), &message, out, e);
	}
	return rc;
}
