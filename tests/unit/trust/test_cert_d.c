/* SPDX-License-Identifier: ISC */
/* The certificate directory that programs share. */
#include "trust/cert_d.h"

#include <sys/stat.h>
#include <utime.h>

#include "openpgp/cert/merge.h"
#include "os/clock.h"
#include "trust/records.h"
#include "trust/why.h"
#include "trust_kit.h"

static char shared[64];

static int
set_up_both(void **state)
{
	(void)snprintf(shared, sizeof shared, "/tmp/letterlock-cert-d-XXXXXX");
	return set_up(state) != 0 || mkdtemp(shared) == NULL;
}

static int
remove_shared(void *ctx, const char *name)
{
	char path[FILE_PATH_MAX];
	const char *below = ctx;

	(void)path_join(path, below, name, NULL);
	if (unlink(path) != 0) {
		(void)dir_each(path, remove_shared, path, NULL);
		(void)rmdir(path);
	}
	return 0;
}

static int
tear_down_both(void **state)
{
	(void)dir_each(shared, remove_shared, shared, NULL);
	(void)rmdir(shared);
	return tear_down(state);
}
#define SHARED_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_both, tear_down_both)

static void
file_of(const struct pgp_cert *c, char out[FILE_PATH_MAX])
{
	struct buf b;

	buf_init(&b, 100);
	assert_ok(trust_cert_d_name(&c->primary->fingerprint, &b));
	(void)buf_put_u8(&b, 0);
	assert_ok(path_join(out, shared, (const char *)b.data, &unit_error));
	buf_done(&b);
}

/* As another program would; long ago, so that its time is relied upon. */
static void
other_writes(const struct pgp_cert *named, struct slice content, long ago)
{
	char path[FILE_PATH_MAX], dir[FILE_PATH_MAX];
	time_t then = (time_t)clock_unix() - ago;
	struct utimbuf when = { .actime = then, .modtime = then };

	file_of(named, path);
	(void)snprintf(dir, sizeof dir, "%.*s", (int)strlen(shared) + 3, path);
	assert_ok(dir_make_private(dir, &unit_error));
	assert_ok(file_write_atomic(path, content, 0644, &unit_error));
	assert_int_equal(utime(path, &when), 0);
	assert_int_equal(utime(dir, &when), 0);
}

static void
write_public(const struct pgp_cert *c, struct buf *out)
{
	buf_init(out, 1 << 20);
	assert_ok(pgp_cert_write_public(c, out));
}

static struct trust_cert_d_report
import(struct trust_store *s)
{
	const struct pgp_policy policy = pgp_policy_default(NOW);
	struct trust_cert_d_report r = { 0 };

	assert_ok(trust_cert_d_import(s, shared, &policy, &r, &unit_error));
	return r;
}

static struct trust_cert_d_report export(struct trust_store *s)
{
	struct trust_cert_d_report r = { 0 };

	assert_ok(trust_cert_d_export(s, shared, &r, &unit_error));
	return r;
}

static void
names(void **state)
{
	static const char *const bad[] = { "", "trust-root", "writelock", "_sequoia_ca_example.pgp", "ab/cdef",
		"ABcdef0123456789abcdef0123456789abcdef0123", "AB/cdef0123456789abcdef0123456789abcdef01",
		"ab/CDef0123456789abcdef0123456789abcdef01", "ab/cdef0123456789abcdef0123456789abcdef0123",
		"ab-cdef0123456789abcdef0123456789abcdef01", "../cdef0123456789abcdef0123456789abcdef01" };
	static const char *const good[] = { "ab/cdef0123456789abcdef0123456789abcdef01",
		"00/cdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789" };
	struct pgp_fingerprint f;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(trust_cert_d_parse(slice_str(bad[i]), &f));
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		buf_clear(&b);
		assert_true(trust_cert_d_parse(slice_str(good[i]), &f));
		assert_ok(trust_cert_d_name(&f, &b));
		assert_slice(buf_slice(&b), good[i]);
	}
	buf_done(&b);
}

static void
what_is_there_is_taken_once(void **state)
{
	struct trust_store *s = open_store();
	struct trust_cert_d_report r;
	const struct trust_entry *entry;
	struct fixture bob;
	struct buf bytes;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	write_public(bob.cert, &bytes);
	other_writes(bob.cert, buf_slice(&bytes), 60);
	r = import(s);
	assert_int_equal(r.read, 1);
	assert_int_equal(r.taken, 1);
	entry = trust_store_choose(s, SLICE("bob@example.org"), NULL);
	assert_int_equal(entry->origin, TRUST_CERT_D);
	assert_false(trust_is_believed(entry));
	r = import(s);
	assert_int_equal(r.read, 0);
	buf_done(&bytes);
	fixture_done(&bob);
	trust_store_close(s);
}

static void
a_change_is_seen_and_a_young_file_is_looked_at_again(void **state)
{
	struct trust_store *s = open_store();
	struct trust_cert_d_report r;
	struct pgp_cert *dead;
	struct fixture bob;
	struct buf bytes;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	write_public(bob.cert, &bytes);
	other_writes(bob.cert, buf_slice(&bytes), 60);
	(void)import(s);
	buf_done(&bytes);
	dead = revoked(&bob, PGP_REASON_COMPROMISED, NOW);
	write_public(dead, &bytes);
	other_writes(bob.cert, buf_slice(&bytes), 0);
	r = import(s);
	assert_int_equal(r.taken, 1);
	assert_int_equal(trust_store_choose(s, SLICE("bob@example.org"), NULL)->revoked, TRUST_REVOKED_HARD);
	r = import(s);
	assert_int_equal(r.read, 1);
	assert_int_equal(r.taken, 0);
	buf_done(&bytes);
	pgp_cert_free(dead);
	fixture_done(&bob);
	trust_store_close(s);
}

static void
what_is_not_a_certificate_is_passed_over(void **state)
{
	struct trust_store *s = open_store();
	struct trust_cert_d_report r;
	struct fixture bob, carol, secret;
	char path[FILE_PATH_MAX];
	struct buf bytes;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	make_key(&carol, "Carol <carol@example.org>", 0);
	make_key(&secret, "Dave <dave@example.org>", 0);
	other_writes(bob.cert, SLICE("no certificate"), 60);
	write_public(bob.cert, &bytes);
	other_writes(carol.cert, buf_slice(&bytes), 60); /* Bob's under Carol's name */
	other_writes(secret.cert, secret.cert->raw, 60);
	assert_ok(path_join(path, shared, "trust-root", &unit_error));
	assert_ok(file_write_atomic(path, buf_slice(&bytes), 0600, &unit_error));
	r = import(s);
	assert_int_equal(r.read, 3);
	assert_int_equal(r.skipped, 2);
	assert_int_equal(r.taken, 1);
	assert_int_equal(trust_store_count(s), 1);
	{
		struct pgp_cert *c;

		assert_ok(trust_store_load(s, &secret.cert->primary->fingerprint, &c, &unit_error));
		assert_false(c->secret);
		pgp_cert_free(c);
	}
	buf_done(&bytes);
	fixture_done(&bob);
	fixture_done(&carol);
	fixture_done(&secret);
	trust_store_close(s);
}

static void
what_is_believed_is_given_and_merged(void **state)
{
	struct trust_store *s = open_store();
	struct fixture bob, carol;
	struct pgp_cert *dead, *there;
	struct buf bytes, back;
	char path[FILE_PATH_MAX];
	struct stat st;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	make_key(&carol, "Carol <carol@example.org>", 0);
	put_for(s, bob.cert, TRUST_IMPORTED, "", NOW);
	put_for(s, carol.cert, TRUST_FIRST_USE, "carol@example.org", NOW);
	/* The other program knows of a revocation that we do not. */
	dead = revoked(&bob, PGP_REASON_RETIRED, NOW);
	write_public(dead, &bytes);
	other_writes(bob.cert, buf_slice(&bytes), 60);
	assert_int_equal(export(s).given, 0); /* ours has nothing that theirs has not */
	file_of(carol.cert, path);
	assert_false(file_exists(path)); /* only came along */
	assert_ok(trust_store_verify(s, &carol.cert->primary->fingerprint, NOW, &unit_error));
	assert_int_equal(export(s).given, 1);
	assert_int_equal(export(s).given, 0);
	buf_init(&back, 1 << 20);
	assert_ok(file_read(path, &back, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&back), &there, NULL, &unit_error));
	assert_false(there->secret);
	assert_true(pgp_fingerprint_eq(&there->primary->fingerprint, &carol.cert->primary->fingerprint));
	pgp_cert_free(there);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(import(s).read, 1); /* Bob's; what we wrote ourselves is not read back */
	assert_int_equal(trust_store_choose(s, SLICE("bob@example.org"), NULL)->revoked, TRUST_REVOKED_SOFT);
	assert_ok(path_join(path, shared, "writelock", &unit_error));
	assert_true(file_exists(path));
	buf_done(&back);
	buf_done(&bytes);
	pgp_cert_free(dead);
	fixture_done(&bob);
	fixture_done(&carol);
	trust_store_close(s);
}

static void
only_who_wants_it_is_synced_at_each_opening(void **state)
{
	const struct pgp_policy policy = pgp_policy_default(NOW);
	struct trust_store *s = open_store();
	struct fixture bob;
	struct buf bytes;

	(void)state;
	make_key(&bob, "Bob <bob@example.org>", 0);
	write_public(bob.cert, &bytes);
	other_writes(bob.cert, buf_slice(&bytes), 60);
	assert_ok(trust_cert_d_watch(s, shared, &policy, &unit_error));
	assert_int_equal(trust_store_count(s), 0);
	assert_ok(trust_setting_set(s, TRUST_SETTING_CERT_D, SLICE("sync"), &unit_error));
	assert_ok(trust_cert_d_watch(s, shared, &policy, &unit_error));
	assert_int_equal(trust_store_count(s), 1);
	assert_ok(trust_cert_d_watch(s, "/nonexistent/pgp.cert.d", &policy, &unit_error));
	buf_done(&bytes);
	fixture_done(&bob);
	trust_store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names), SHARED_TEST(what_is_there_is_taken_once),
		SHARED_TEST(a_change_is_seen_and_a_young_file_is_looked_at_again),
		SHARED_TEST(what_is_not_a_certificate_is_passed_over),
		SHARED_TEST(what_is_believed_is_given_and_merged),
		SHARED_TEST(only_who_wants_it_is_synced_at_each_opening) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
