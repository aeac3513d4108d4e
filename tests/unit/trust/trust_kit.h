/* SPDX-License-Identifier: ISC */
/* A folder for a store, and certificates to put into it, for the tests of the trust floor. */
#ifndef TESTS_TRUST_KIT_H
#define TESTS_TRUST_KIT_H

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "openpgp/cert/change.h"
#include "openpgp_helpers.h"
#include "os/file.h"
#include "trust/store.h"

#define MADE 1700000000u
#define NOW 1700001000u
#define DAY 86400u

static char folder[64];

static inline int
remove_one(void *ctx, const char *name)
{
	char path[FILE_PATH_MAX];

	(void)ctx;
	(void)path_join(path, folder, name, NULL);
	return unlink(path);
}

/* Each test has a folder of its own. */
static inline int
set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/letterlock-trust-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static inline int
tear_down(void **state)
{
	DIR *d = opendir(folder);
	struct dirent *entry;

	(void)state;
	/* Hidden ones too: who was killed leaves some. */
	while (d != NULL && (entry = readdir(d)) != NULL)
		(void)remove_one(NULL, entry->d_name);
	(void)closedir(d);
	return rmdir(folder);
}
#define TRUST_UNIT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static inline struct trust_store *
open_store(void)
{
	struct trust_store *s;

	assert_ok(trust_store_open(folder, &s, &unit_error));
	trust_store_set_now(s, NOW);
	return s;
}

/* expires: seconds after MADE, 0 never. */
static inline void
make_key(struct fixture *f, const char *user_id, uint32_t expires)
{
	struct slice id = slice_str(user_id);
	struct pgp_generate_spec spec = {
		.version = 4, .user_ids = &id, .user_id_count = 1, .created = MADE, .expires = expires
	};
	struct buf key;

	buf_init(&key, 1 << 16);
	assert_ok(pgp_generate(&spec, &key, &unit_error));
	fixture_from(f, buf_slice(&key));
	buf_wipe_done(&key);
}

/* The same certificate, revoked by its owner. */
static inline struct pgp_cert *__attribute__((unused)) revoked(const struct fixture *f, uint8_t reason, uint64_t now)
{
	const struct pgp_policy policy = pgp_policy_default(now);
	const struct pgp_change change = { f->cert, pgp_memory_keys_ops(f->memory), &policy };
	struct pgp_cert *out;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_ok(pgp_change_revoke(&change, reason, SLICE_EMPTY, &b, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&b), &out, NULL, &unit_error));
	buf_done(&b);
	return out;
}

static inline void
put_for(struct trust_store *s, const struct pgp_cert *c, enum trust_origin origin, const char *address, uint64_t now)
{
	struct trust_put p = { .cert = c,
		.origin = origin,
		.from = SLICE("somewhere"),
		.address = slice_str(address),
		.policy = pgp_policy_default(now) };

	assert_ok(trust_store_put(s, &p, NULL, &unit_error));
}

static inline bool __attribute__((unused)) is_of(const struct trust_entry *entry, const struct fixture *f)
{
	return entry != NULL && pgp_fingerprint_eq(&entry->fingerprint, &f->cert->primary->fingerprint);
}

#endif
