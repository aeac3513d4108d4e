/* SPDX-License-Identifier: ISC */
/*
 * Makes certificates for a measurement of the key directory, in a data folder through the store's own door, and as a
 * dump for other key servers.
 *
 *   bench_directory_make FOLDER COUNT NAMES DUMP DUMP_COUNT NEW NEW_COUNT
 *
 * Each is a v4 certificate as most are today: an Ed25519 primary key (EdDSALegacy), a user ID "Person N
 * <personA@directory.test>" with its self-certification, and an X25519 subkey with its binding. All are different and
 * all signatures are right; secrets come from their number, so that a second run makes the same ones. There are
 * ACCOUNTS addresses, whose accounts put them: so each is published by the write that puts it. NAMES gets the
 * fingerprints, 40 hex digits each, DUMP the first DUMP_COUNT certificates one behind the other,
 * and NEW as many more that are not in the folder, to be uploaded.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "store/engine.h"
#include "store/store.h"

#define DOMAIN "directory.test"
#define ACCOUNTS 256u
#define IN_FLIGHT 2000u
#define MAKERS 4u
#define BATCH 256u /* made by one thread in a row */
#define CREATED 1700000000u
#define CERTIFICATE_MAX 1024u

struct made {
	uint8_t octets[CERTIFICATE_MAX];
	size_t len;
	char user[80];
	size_t user_at, user_len; /* its packet and signature */
	uint8_t fingerprint[20], subkey[20];
};

struct make {
	unsigned count, new_count, dump_count; /* new_count: behind count */
	atomic_uint next;
	struct port *port;
	FILE *names, *dump, *new;
	pthread_mutex_t mutex; /* of the files, which are in order of number */
	pthread_cond_t turn;
	unsigned written; /* certificates that are in the files */
	uint64_t accounts[ACCOUNTS];
	sem_t room;
	atomic_uint failures;
};

static void
fail(const char *why)
{
	(void)fprintf(stderr, "bench_directory_make: %s\n", why);
	exit(1);
}

static void
must(int rc, const struct error *e)
{
	if (rc != 0)
		fail(e->text);
}

/* ---- octets ---- */

static void
put(struct made *m, const void *octets, size_t len)
{
	if (m->len + len > sizeof m->octets)
		fail("a certificate is larger than was thought");
	memcpy(m->octets + m->len, octets, len);
	m->len += len;
}

static void
put_number(struct made *m, uint64_t n, size_t octets)
{
	for (size_t i = octets; i-- > 0;)
		put(m, &(uint8_t){ (uint8_t)(n >> 8 * i) }, 1);
}

/* RFC 9580 3.2: without zeros in front. */
static void
put_mpi(struct made *m, const uint8_t *octets, size_t len)
{
	unsigned bits = 8;

	for (; len > 0 && *octets == 0; len--)
		octets++;
	while (len > 0 && (*octets >> (bits - 1)) == 0)
		bits--;
	put_number(m, len == 0 ? 0 : (len - 1) * 8 + bits, 2);
	put(m, octets, len);
}

/* A packet's header with its body's length still to be written; packet_end() writes it. */
static size_t
packet_begin(struct made *m, unsigned type)
{
	put_number(m, 0xc0 | type, 1);
	put_number(m, 255, 1);
	put_number(m, 0, 4);
	return m->len;
}

/* All bodies here are between 192 and 8383 octets, or shorter: the length in its shortest form (RFC 9580 4.2.1). */
static void
packet_end(struct made *m, size_t body)
{
	size_t len = m->len - body, form = len < 192 ? 1 : 2;

	if (form == 1) {
		m->octets[body - 5] = (uint8_t)len;
	} else {
		m->octets[body - 5] = (uint8_t)(((len - 192) >> 8) + 192);
		m->octets[body - 4] = (uint8_t)(len - 192);
	}
	memmove(m->octets + body - 5 + form, m->octets + body, len);
	m->len = body - 5 + form + len;
}

static void
digest(const EVP_MD *md, const uint8_t *in, size_t len, uint8_t *out)
{
	if (EVP_Digest(in, len, out, NULL, md, NULL) != 1)
		fail("libcrypto has no such hash");
}

/* 32 octets that are nobody else's. */
static void
octets_of(unsigned number, char use, uint8_t out[32])
{
	char text[32];
	int len = snprintf(text, sizeof text, "%c %u", use, number);

	digest(EVP_sha256(), (const uint8_t *)text, (size_t)len, out);
}

/* ---- keys ---- */

static const uint8_t oid_ed25519[] = { 9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01 };
static const uint8_t oid_x25519[] = { 10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01 };
static const uint8_t kdf[] = { 3, 1, 8, 7 }; /* SHA-256, AES-128: RFC 9580 11.5 */

/* The packet, and what is hashed of it and gives the fingerprint (RFC 9580 5.5.4.2). Where that begins in m is returned. */
static struct slice
put_key(struct made *m, bool primary, const uint8_t point[32], uint8_t fingerprint[20])
{
	uint8_t native[33] = { 0x40 }, hashed[3 + 128] = { 0x99 };
	size_t body = packet_begin(m, primary ? 6 : 14), len;
	struct slice key;

	memcpy(native + 1, point, 32);
	put_number(m, 4, 1);
	put_number(m, CREATED, 4);
	put_number(m, primary ? 22 : 18, 1);
	if (primary)
		put(m, oid_ed25519, sizeof oid_ed25519);
	else
		put(m, oid_x25519, sizeof oid_x25519);
	put_mpi(m, native, sizeof native);
	if (!primary)
		put(m, kdf, sizeof kdf);
	len = m->len - body;
	packet_end(m, body);
	key = slice_of(m->octets + m->len - len, len);
	hashed[1] = (uint8_t)(len >> 8);
	hashed[2] = (uint8_t)len;
	memcpy(hashed + 3, key.data, len);
	digest(EVP_sha1(), hashed, 3 + len, fingerprint);
	return key;
}

/* ---- signatures ---- */

struct target {
	struct slice primary, subkey, user; /* one of the two is empty */
	unsigned type, flags;
};

static void
hash_part(EVP_MD_CTX *h, unsigned mark, unsigned length_octets, struct slice part)
{
	uint8_t head[5] = { (uint8_t)mark };

	for (unsigned i = 0; i < length_octets; i++)
		head[1 + i] = (uint8_t)(part.len >> 8 * (length_octets - 1 - i));
	if (EVP_DigestUpdate(h, head, 1 + length_octets) != 1 || EVP_DigestUpdate(h, part.data, part.len) != 1)
		fail("libcrypto does not hash");
}

/* fields: the signature from its version to its hashed subpackets (RFC 9580 5.2.4). */
static void
hash_target(const struct target *t, struct slice fields, uint8_t out[32])
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	uint8_t trailer[6] = { 4, 0xff, 0, 0, (uint8_t)(fields.len >> 8), (uint8_t)fields.len };

	if (h == NULL || EVP_DigestInit_ex(h, EVP_sha256(), NULL) != 1)
		fail("libcrypto does not hash");
	hash_part(h, 0x99, 2, t->primary);
	if (t->subkey.len > 0)
		hash_part(h, 0x99, 2, t->subkey);
	else
		hash_part(h, 0xb4, 4, t->user);
	if (EVP_DigestUpdate(h, fields.data, fields.len) != 1 || EVP_DigestUpdate(h, trailer, sizeof trailer) != 1 ||
	    EVP_DigestFinal_ex(h, out, NULL) != 1)
		fail("libcrypto does not hash");
	EVP_MD_CTX_free(h);
}

static void
sign(EVP_PKEY *key, const uint8_t hash[32], uint8_t out[64])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t len = 64;

	if (c == NULL || EVP_DigestSignInit(c, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(c, out, &len, hash, 32) != 1)
		fail("libcrypto does not sign");
	EVP_MD_CTX_free(c);
}

static void
put_signature(struct made *m, EVP_PKEY *key, const struct target *t)
{
	size_t body = packet_begin(m, 2), subpackets;
	uint8_t hash[32], signature[64];

	put_number(m, 4, 1);
	put_number(m, t->type, 1);
	put_number(m, 22, 1);
	put_number(m, 8, 1);
	put_number(m, 0, 2);
	subpackets = m->len;
	put_number(m, 22 << 8 | 33, 2); /* issuer fingerprint */
	put_number(m, 4, 1);
	put(m, m->fingerprint, 20);
	put_number(m, 5 << 8 | 2, 2); /* creation time */
	put_number(m, CREATED, 4);
	put_number(m, 2 << 8 | 27, 2); /* key flags */
	put_number(m, t->flags, 1);
	m->octets[subpackets - 1] = (uint8_t)(m->len - subpackets);
	hash_target(t, slice_of(m->octets + body, m->len - body), hash);
	put_number(m, 10, 2);
	put_number(m, 9 << 8 | 16, 2); /* issuer key ID, unhashed as everybody does */
	put(m, m->fingerprint + 12, 8);
	put(m, hash, 2);
	sign(key, hash, signature);
	put_mpi(m, signature, 32);
	put_mpi(m, signature + 32, 32);
	packet_end(m, body);
}

static void
make_one(struct made *m, unsigned number)
{
	uint8_t secret[32], point[32];
	struct target binding = { .type = 0x18, .flags = 0x0c }, certification = { .type = 0x13, .flags = 0x03 };
	EVP_PKEY *key;
	size_t body, len = sizeof point;

	m->len = 0;
	octets_of(number, 's', secret);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof secret);
	if (key == NULL || EVP_PKEY_get_raw_public_key(key, point, &len) != 1)
		fail("libcrypto makes no Ed25519 key");
	(void)snprintf(m->user, sizeof m->user, "Person %u <person%u@" DOMAIN ">", number, number % ACCOUNTS);
	binding.primary = certification.primary = put_key(m, true, point, m->fingerprint);
	certification.user = slice_str(m->user);
	m->user_at = m->len;
	body = packet_begin(m, 13);
	put(m, m->user, strlen(m->user));
	packet_end(m, body);
	put_signature(m, key, &certification);
	m->user_len = m->len - m->user_at;
	octets_of(number, 'x', point); /* every 32 octets are a public key of X25519 */
	binding.subkey = put_key(m, false, point, m->subkey);
	put_signature(m, key, &binding);
	EVP_PKEY_free(key);
}

/* ---- keeping ---- */

static void
stored(void *ctx, const void *reply, const struct error *e)
{
	struct make *k = ctx;

	if (reply == NULL && atomic_fetch_add(&k->failures, 1) == 0)
		(void)fprintf(stderr, "bench_directory_make: %s\n", e->text);
	(void)sem_post(&k->room);
}

static uint64_t
key_id(const uint8_t fingerprint[20])
{
	uint64_t id = 0;

	for (size_t i = 12; i < 20; i++)
		id = id << 8 | fingerprint[i];
	return id;
}

static void
store_one(struct make *k, const struct made *m, unsigned number)
{
	const struct store_certificate_key keys[] = {
		{ { m->fingerprint, 20 }, key_id(m->fingerprint) },
		{ { m->subkey, 20 }, key_id(m->subkey) },
	};
	struct slice user = slice_str(m->user);
	size_t open = slice_find(user, '<') + 1;
	const struct store_certificate_user users[] = { { .user_id = user,
	    .address = slice_sub(user, open, user.len - open - 1),
	    .place = (uint32_t)m->user_at,
	    .length = (uint32_t)m->user_len } };
	const struct store_certificate in = {
		.fingerprint = keys[0].fingerprint,
		.version = 4,
		.account = k->accounts[number % ACCOUNTS],
		.created = CREATED,
		.keys = keys,
		.key_count = 2,
		.users = users,
		.user_count = 1,
		.data = { m->octets, m->len },
	};
	struct error e;

	(void)sem_wait(&k->room);
	must(store_certificate_put_submit(k->port, &in, stored, k, &e), &e);
}

static void
write_name(struct make *k, const struct made *m)
{
	char hex[2 * sizeof m->fingerprint + 1];

	for (size_t i = 0; i < sizeof m->fingerprint; i++)
		(void)snprintf(hex + 2 * i, 3, "%02X", m->fingerprint[i]);
	if (fwrite(hex, sizeof hex - 1, 1, k->names) != 1)
		fail("a file could not be written");
}

static void
write_octets(FILE *f, const struct made *m)
{
	if (fwrite(m->octets, m->len, 1, f) != 1)
		fail("a file could not be written");
}

static void
write_one(struct make *k, const struct made *m, unsigned number)
{
	if (number >= k->count) {
		write_octets(k->new, m);
		return;
	}
	write_name(k, m);
	if (number < k->dump_count)
		write_octets(k->dump, m);
	store_one(k, m, number);
}

static void
write_batch(struct make *k, const struct made *batch, unsigned first, unsigned count)
{
	(void)pthread_mutex_lock(&k->mutex);
	while (k->written != first)
		(void)pthread_cond_wait(&k->turn, &k->mutex);
	for (unsigned i = 0; i < count; i++)
		write_one(k, &batch[i], first + i);
	k->written = first + count;
	(void)pthread_cond_broadcast(&k->turn);
	(void)pthread_mutex_unlock(&k->mutex);
}

static void *
make_batches(void *arg)
{
	struct make *k = arg;
	struct made *batch = calloc(BATCH, sizeof *batch);
	unsigned first;

	if (batch == NULL)
		fail("out of memory");
	while ((first = atomic_fetch_add(&k->next, BATCH)) < k->count + k->new_count) {
		unsigned left = k->count + k->new_count - first, count = left < BATCH ? left : BATCH;

		for (unsigned i = 0; i < count; i++)
			make_one(&batch[i], first + i);
		write_batch(k, batch, first, count);
	}
	free(batch);
	return NULL;
}

static unsigned
number(const char *text)
{
	uint64_t n;

	if (!slice_to_u64(slice_str(text), 100000000, &n)) {
		(void)fprintf(stderr, "bench_directory_make: '%s' is not a number\n", text);
		exit(2);
	}
	return (unsigned)n;
}

static void
make_accounts(struct make *k)
{
	struct store_nothing none;
	struct arena a ARENA_OWNED = { 0 };
	struct error e;

	arena_init(&a, 4 << 20);
	must(store_domain_add(k->port, &(struct store_domain){ SLICE(DOMAIN) }, &a, &none, &e), &e);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		struct store_account_create in = { .address = arena_printf(&a, "person%u@" DOMAIN, i) };
		struct store_account_id id;

		must(store_account_create(k->port, &in, &a, &id, &e), &e);
		k->accounts[i] = id.account;
	}
}

static FILE *
open_file(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL)
		fail("a file could not be made");
	return f;
}

static void
make_all(struct make *k)
{
	pthread_t threads[MAKERS];

	(void)sem_init(&k->room, 0, IN_FLIGHT);
	(void)pthread_mutex_init(&k->mutex, NULL);
	(void)pthread_cond_init(&k->turn, NULL);
	for (unsigned i = 0; i < MAKERS; i++)
		if (pthread_create(&threads[i], NULL, make_batches, k) != 0)
			fail("no thread");
	for (unsigned i = 0; i < MAKERS; i++)
		(void)pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		(void)sem_wait(&k->room);
}

int
main(int argc, char **argv)
{
	struct make k = { 0 };
	struct store *s = NULL;
	struct error e;

	if (argc != 8) {
		(void)fprintf(stderr, "usage: bench_directory_make FOLDER COUNT NAMES DUMP DUMP_COUNT NEW NEW_COUNT\n");
		return 2;
	}
	k.count = number(argv[2]);
	k.dump_count = number(argv[5]);
	k.names = open_file(argv[3]);
	k.dump = open_file(argv[4]);
	k.new = open_file(argv[6]);
	k.new_count = number(argv[7]);
	must(store_open(&(struct store_options){ .folder = argv[1] }, &s, &e), &e);
	must(port_open_local(store_service(s), &k.port, &e), &e);
	make_accounts(&k);
	make_all(&k);
	port_close(k.port);
	store_close(s);
	return fclose(k.names) != 0 || fclose(k.dump) != 0 || fclose(k.new) != 0 || k.failures > 0;
}
