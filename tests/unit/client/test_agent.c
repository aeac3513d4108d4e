/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/machine.h"
#include "client/agent/client.h"
#include "client/agent/server.h"
#include "client/agent/shield.h"
#include "client/agent/vault.h"
#include "crypto/secret.h"
#include "openpgp/cert/cert.h"
#include "openpgp/cert/generate.h"
#include "os/clock.h"
#include "os/file.h"

#define PASSPHRASE SLICE("correct horse")
#define NOW_MS 1000000

static const struct agent_hold minute = { .idle_s = 60, .max_s = 60 }, never = { .idle_s = 0, .max_s = 60 };
static struct buf key_bytes;
static struct pgp_cert *cert;

static int
set_up(void **state)
{
	struct slice id = SLICE("Alice <alice@example.org>");
	struct pgp_generate_spec spec = { .version = 4,
		.user_ids = &id,
		.user_id_count = 1,
		.created = 1700000000,
		.protection = PGP_PROTECT_CFB,
		.passphrase = PASSPHRASE };
	size_t used;

	(void)state;
	buf_init(&key_bytes, 1 << 20);
	return pgp_generate(&spec, &key_bytes, &unit_error) != 0 ||
	    pgp_cert_parse(buf_slice(&key_bytes), &cert, &used, &unit_error) != 0;
}

static int
tear_down(void **state)
{
	(void)state;
	pgp_cert_free(cert);
	buf_done(&key_bytes);
	return 0;
}

static struct slice
fingerprint(size_t n)
{
	const struct pgp_key *k = pgp_cert_key(cert, n);

	return slice_of(k->fingerprint.bytes, k->fingerprint.len);
}

static void
a_key_is_held_until_its_time(void **state)
{
	struct agent_vault *v;
	struct agent_held held[4];
	uint8_t digest[64] = { 1 };
	struct buf out;
	uint32_t n;

	(void)state;
	buf_init(&out, 1000);
	assert_ok(agent_vault_new(NULL, &v, &unit_error));
	assert_int_equal(agent_vault_expire(v, NOW_MS), MACHINE_NEVER);
	assert_int_equal(agent_vault_unlock(v, buf_slice(&key_bytes), SLICE("wrong"), &minute, NOW_MS, &n, &unit_error),
	    ERR_PASSWORD);
	assert_false(agent_vault_holds(v, fingerprint(0), NOW_MS));
	assert_ok(agent_vault_unlock(v, buf_slice(&key_bytes), PASSPHRASE, &minute, NOW_MS, &n, &unit_error));
	assert_int_equal(n, 2);
	assert_int_equal(agent_vault_list(v, NOW_MS + 1500, held, 4), 2);
	assert_int_equal(held[0].seconds, 59);
	assert_ok(agent_vault_sign(v, fingerprint(0), PGP_SHA512, slice_of(digest, 64), NOW_MS, &out, &unit_error));
	assert_true(out.len > 60);
	assert_int_equal(agent_vault_expire(v, NOW_MS), NOW_MS + 60000);
	assert_true(agent_vault_holds(v, fingerprint(1), NOW_MS + 59999));
	assert_false(agent_vault_holds(v, fingerprint(1), NOW_MS + 60000));
	assert_int_equal(
	    agent_vault_sign(v, fingerprint(0), PGP_SHA512, slice_of(digest, 64), NOW_MS + 60000, &out, &unit_error),
	    ERR_NO_KEY);
	assert_int_equal(
	    agent_vault_unlock(v, buf_slice(&key_bytes), PASSPHRASE, &never, NOW_MS, &n, &unit_error), ERR_USAGE);
	agent_vault_free(v);
	agent_vault_free(NULL);
	buf_done(&out);
}

/* A use gives it more time, up to the longer bound. */
static void
use_keeps_a_key_for_a_while(void **state)
{
	const struct agent_hold hold = { .idle_s = 10, .max_s = 25, .confirm = true };
	uint8_t digest[64] = { 1 };
	struct agent_held held;
	struct agent_vault *v;
	struct buf out;
	uint32_t n;

	(void)state;
	buf_init(&out, 10000);
	assert_ok(agent_vault_new(NULL, &v, &unit_error));
	assert_ok(agent_vault_unlock(v, buf_slice(&key_bytes), PASSPHRASE, &hold, NOW_MS, &n, &unit_error));
	for (int64_t t = NOW_MS + 9000; t < NOW_MS + 25000; t += 8000) {
		assert_ok(agent_vault_sign(v, fingerprint(0), PGP_SHA512, slice_of(digest, 64), t, &out, &unit_error));
		assert_true(agent_vault_find(v, fingerprint(0), t + 7000, &held) == (t + 7000 < NOW_MS + 25000));
	}
	assert_false(agent_vault_holds(v, fingerprint(0), NOW_MS + 25000));
	assert_false(agent_vault_holds(v, fingerprint(1), NOW_MS + 10000)); /* looking is no use */
	assert_int_equal(agent_vault_why(v), AGENT_TIME);
	assert_ok(agent_vault_unlock(v, buf_slice(&key_bytes), PASSPHRASE, &hold, NOW_MS, &n, &unit_error));
	assert_true(agent_vault_find(v, fingerprint(1), NOW_MS, &held));
	assert_true(held.confirm && !held.token);
	assert_slice(held.user, "Alice <alice@example.org>");
	assert_slices(held.primary, fingerprint(0));
	agent_vault_free(v);
	buf_done(&out);
}

static void
forgetting_is_for_one_or_all(void **state)
{
	struct agent_vault *v;
	struct secret password = SECRET_EMPTY;
	uint32_t n;

	(void)state;
	assert_ok(agent_vault_new(NULL, &v, &unit_error));
	assert_ok(agent_vault_unlock(v, buf_slice(&key_bytes), PASSPHRASE, &minute, NOW_MS, &n, &unit_error));
	assert_ok(agent_vault_password_put(v, SLICE("a@b"), SLICE("secret"), &minute, NOW_MS, &unit_error));
	assert_ok(agent_vault_password_put(v, SLICE("a@b"), SLICE("newer"), &minute, NOW_MS, &unit_error));
	assert_ok(agent_vault_password_get(v, SLICE("a@b"), NOW_MS, &password, &unit_error));
	assert_slice(secret_slice(&password), "newer");
	secret_done(&password);
	assert_int_equal(agent_vault_password_get(v, SLICE("x@b"), NOW_MS, &password, &unit_error), ERR_NO_KEY);
	assert_int_equal(agent_vault_why(v), AGENT_NOT_FORGOTTEN);
	assert_int_equal(agent_vault_forget(v, fingerprint(1), AGENT_TOLD), 1);
	assert_true(agent_vault_holds(v, fingerprint(0), NOW_MS));
	assert_ok(agent_vault_unlock(v, buf_slice(&key_bytes), PASSPHRASE, &minute, NOW_MS, &n, &unit_error));
	assert_int_equal(
	    agent_vault_forget(v, fingerprint(0), AGENT_TOLD), 2); /* its subkey goes with the primary key */
	assert_int_equal(agent_vault_passwords(v, NOW_MS), 1);
	assert_int_equal(agent_vault_forget(v, SLICE_EMPTY, AGENT_SLEPT), 1);
	assert_int_equal(
	    agent_vault_sign(v, fingerprint(0), PGP_SHA512, SLICE_EMPTY, NOW_MS, NULL, &unit_error), ERR_NO_KEY);
	assert_non_null(strstr(unit_error.text, "had slept"));
	assert_int_equal(agent_vault_password_get(v, SLICE("a@b"), NOW_MS, &password, &unit_error), ERR_NO_KEY);
	agent_vault_free(v);
}

static void
sleep_shows_between_the_clocks(void **state)
{
	int64_t ahead = 5000; /* it had slept before */

	(void)state;
	assert_false(agent_slept(&ahead, 105000, 100000));
	assert_false(agent_slept(&ahead, 205000, 200000)); /* time went by, awake */
	assert_false(agent_slept(&ahead, 206900, 200000)); /* no more than two readings of clocks may differ */
	assert_true(agent_slept(&ahead, 266900, 200100));
	assert_false(agent_slept(&ahead, 266950, 200150)); /* said once */
	assert_true(agent_slept(&ahead, 966950, 200200));
}

static void
passwords_are_bounded(void **state)
{
	uint8_t many[AGENT_PASSWORD_OCTETS + 1] = { 0 };
	struct agent_vault *v;
	char name[32];

	(void)state;
	assert_ok(agent_vault_new(NULL, &v, &unit_error));
	assert_int_equal(
	    agent_vault_password_put(v, SLICE("a"), slice_of(many, sizeof many), &minute, NOW_MS, &unit_error),
	    ERR_LIMIT);
	for (unsigned i = 0; i < AGENT_PASSWORDS_MAX; i++) {
		(void)snprintf(name, sizeof name, "user%u", i);
		assert_ok(agent_vault_password_put(v, slice_str(name), SLICE("x"), &minute, NOW_MS, &unit_error));
	}
	assert_int_equal(
	    agent_vault_password_put(v, SLICE("more"), SLICE("x"), &minute, NOW_MS, &unit_error), ERR_LIMIT);
	assert_ok(agent_vault_password_put(v, SLICE("more"), SLICE("x"), &minute, NOW_MS + 60000, &unit_error));
	agent_vault_free(v);
}

static void
secrets_at_rest_are_shielded(void **state)
{
	struct agent_shield s, other;
	struct slice plain = SLICE("a seed of thirty-two octets, say");
	uint8_t a[32 + AGENT_SHIELD_MORE], b[32 + AGENT_SHIELD_MORE];
	struct secret back = SECRET_EMPTY;

	(void)state;
	assert_ok(agent_shield_init(&s, &unit_error));
	assert_ok(agent_shield_close(&s, plain, a, &unit_error));
	assert_ok(agent_shield_close(&s, plain, b, &unit_error));
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(slice_search(slice_of(a, sizeof a), slice_sub(plain, 0, 8)), SIZE_MAX);
	assert_ok(agent_shield_open(&s, slice_of(a, sizeof a), &back, &unit_error));
	assert_slices(secret_slice(&back), plain);
	secret_done(&back);
	other = s;
	other.prekey[AGENT_PREKEY - 1] ^= 1; /* one bit of the pre-key wrong: nothing comes out */
	assert_int_equal(agent_shield_open(&other, slice_of(a, sizeof a), &back, &unit_error), ERR_INTEGRITY);
	a[20] ^= 1;
	assert_int_equal(agent_shield_open(&s, slice_of(a, sizeof a), &back, &unit_error), ERR_INTEGRITY);
	assert_int_equal(agent_shield_open(&s, slice_of(a, 5), &back, &unit_error), ERR_INTERNAL);
}

/* ---- the whole of it, in a process of its own ---- */

static const struct agent_setup setup = {
	.config = { .idle_s = 60, .max_s = 60 }, .memory = LOCKED_NOT, .launcher = -1, .alone = true
};
static char runtime[64];

static pid_t
start_agent(void)
{
	char path[FILE_PATH_MAX];
	pid_t pid;

	(void)snprintf(runtime, sizeof runtime, "/tmp/letterlock-agent-XXXXXX");
	assert_non_null(mkdtemp(runtime));
	assert_int_equal(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
	assert_ok(agent_socket_path(path, &unit_error));
	pid = fork();
	if (pid == 0)
		_exit(agent_server_run(path, &setup, NULL) == 0 ? 0 : 1);
	return pid;
}

static struct agent_client *
connect_agent(void)
{
	struct agent_client *c = NULL;
	int64_t until = clock_ms() + 10000;

	while (agent_client_open(false, &c, &unit_error) != 0 && clock_ms() < until)
		(void)usleep(10000);
	assert_non_null(c);
	return c;
}

static void
clean_runtime(void)
{
	char path[FILE_PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/letterlock/agent.lock", runtime);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/letterlock", runtime);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(runtime), 0);
}

static int
end_of(pid_t pid)
{
	int status = -1;

	for (int i = 0; i < 1000 && waitpid(pid, &status, WNOHANG) == 0; i++)
		(void)usleep(10000);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
operations_cross_the_socket(void **state)
{
	struct agent_nothing nothing = { 0 }, answer;
	const struct pgp_key *primary = pgp_cert_key(cert, 0);
	uint8_t digest[64] = { 2 };
	struct agent_client *c;
	struct pgp_keyring_ops ops;
	struct arena a;
	struct buf out;
	uint32_t n;
	pid_t pid = start_agent();

	(void)state;
	c = connect_agent();
	arena_init(&a, 1 << 20);
	buf_init(&out, 1000);
	ops = agent_keyring(c);
	assert_false(ops.ops->holds(ops.ctx, primary));
	assert_int_equal(
	    ops.ops->sign(ops.ctx, primary, PGP_SHA512, slice_of(digest, 64), &out, &unit_error), ERR_NO_KEY);
	assert_int_equal(
	    agent_client_unlock(c, buf_slice(&key_bytes), SLICE("wrong"), 60, false, &n, &unit_error), ERR_PASSWORD);
	assert_ok(agent_client_unlock(c, buf_slice(&key_bytes), PASSPHRASE, 60, false, &n, &unit_error));
	assert_int_equal(n, 2);
	assert_true(ops.ops->holds(ops.ctx, primary));
	assert_ok(ops.ops->sign(ops.ctx, primary, PGP_SHA512, slice_of(digest, 64), &out, &unit_error));
	assert_ok(agent_client_password_put(c, SLICE("a@b"), SLICE("secret"), 60, &unit_error));
	buf_clear(&out);
	assert_ok(agent_client_password_get(c, SLICE("a@b"), &out, &unit_error));
	assert_slice(buf_slice(&out), "secret");
	assert_ok(agent_client_call(c, AGENT_STOP, &nothing, &a, &answer, &unit_error));
	agent_client_close(c);
	assert_int_equal(end_of(pid), 0);
	clean_runtime();
	arena_done(&a);
	buf_done(&out);
}

static int
raw_connection(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/letterlock/agent", runtime);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void
nonsense_ends_only_its_connection(void **state)
{
	struct agent_nothing nothing = { 0 }, answer;
	static const char nonsense[] = "\xff\xff\xff\xff this is no frame";
	static const char unknown[] = "\0\0\0\x0a\x00\x77\0\0\0\0\0\0\0\1";
	uint8_t octet;
	struct agent_client *c;
	struct arena a;
	pid_t pid = start_agent();
	int fd;

	(void)state;
	c = connect_agent();
	arena_init(&a, 1 << 20);
	fd = raw_connection();
	assert_int_equal(write(fd, nonsense, sizeof nonsense), sizeof nonsense);
	assert_int_equal(read(fd, &octet, 1), 0);
	(void)close(fd);
	fd = raw_connection();
	assert_int_equal(write(fd, unknown, sizeof unknown - 1), sizeof unknown - 1);
	assert_int_equal(read(fd, &octet, 1), 0);
	(void)close(fd);
	fd = raw_connection();
	assert_int_equal(write(fd, unknown, 5), 5); /* half a frame waits */
	assert_false(agent_client_holds(c, &pgp_cert_key(cert, 0)->fingerprint));
	assert_ok(agent_client_call(c, AGENT_STOP, &nothing, &a, &answer, &unit_error));
	agent_client_close(c);
	(void)close(fd);
	assert_int_equal(end_of(pid), 0);
	clean_runtime();
	arena_done(&a);
}

static void
one_agent_a_folder_and_it_ends_without_its_socket(void **state)
{
	char path[FILE_PATH_MAX];
	struct agent_client *c;
	pid_t pid = start_agent();

	(void)state;
	c = connect_agent();
	assert_ok(agent_socket_path(path, &unit_error));
	assert_int_equal(agent_server_run(path, &setup, &unit_error), ERR_EXISTS);
	agent_client_close(c);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(agent_client_open(false, &c, &unit_error), ERR_NOT_FOUND);
	clean_runtime();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(a_key_is_held_until_its_time),
		UNIT_TEST(use_keeps_a_key_for_a_while), UNIT_TEST(forgetting_is_for_one_or_all),
		UNIT_TEST(passwords_are_bounded), UNIT_TEST(sleep_shows_between_the_clocks),
		UNIT_TEST(secrets_at_rest_are_shielded), UNIT_TEST(operations_cross_the_socket),
		UNIT_TEST(nonsense_ends_only_its_connection),
		UNIT_TEST(one_agent_a_folder_and_it_ends_without_its_socket) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
