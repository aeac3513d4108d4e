/* SPDX-License-Identifier: ISC */
/* The event loop, TLS and the blocking client against each other, with a small echo protocol. */
#include "echo.h"

#include <signal.h>
#include <sys/wait.h>

#include "os/sandbox.h"

/* ---- one server for each test ---- */

struct fixture {
	struct server *server;
	struct tls_server *tls;
	uint16_t plain, secure;
	uint8_t pin[TLS_PIN_SIZE];
	char folder[64];
};

static void
write_file(const char *folder, const char *name, struct slice text, char path_out[128])
{
	FILE *f;

	(void)snprintf(path_out, 128, "%s/%s", folder, name);
	f = fopen(path_out, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
}

static void
make_certificate(struct fixture *f)
{
	const char *names[] = { "localhost", "mail.example.org" };
	char certificate[128], key[128];
	struct buf a, b;

	buf_init(&a, 10000);
	buf_init(&b, 10000);
	assert_ok(tls_self_signed(names, 2, (uint64_t)time(NULL), &a, &b, &unit_error));
	assert_ok(tls_certificate_pin(buf_slice(&a), f->pin, &unit_error));
	memcpy(f->folder, "/tmp/test_net_XXXXXX", 21);
	assert_non_null(mkdtemp(f->folder));
	write_file(f->folder, "c.pem", buf_slice(&a), certificate);
	write_file(f->folder, "k.pem", buf_slice(&b), key);
	assert_ok(tls_server_new(certificate, key, &f->tls, &unit_error));
	assert_memory_equal(tls_server_pin(f->tls), f->pin, TLS_PIN_SIZE);
	(void)unlink(key);
	buf_done(&a);
	buf_wipe_done(&b);
}

static void
prepare(struct fixture *f, struct server_limits limits)
{
	struct listener_config config = {
		.address = "127.0.0.1", .ops = &echo_ops, .open = echo_open, .refusal = SLICE("full\n")
	};

	*f = (struct fixture){ 0 };
	make_certificate(f);
	limits.threads = 2;
	assert_ok(server_new(&limits, &f->server, &unit_error));
	config.tls = f->tls;
	assert_ok(server_listen(f->server, &config, &f->plain, &unit_error));
	config.implicit_tls = true;
	assert_ok(server_listen(f->server, &config, &f->secure, &unit_error));
}

static void
start(struct fixture *f, struct server_limits limits)
{
	prepare(f, limits);
	assert_ok(server_start(f->server, &unit_error));
}

static void
stop(struct fixture *f)
{
	char path[128];

	server_stop(f->server, 100);
	assert_int_equal(atomic_load(&open_sessions), 0);
	assert_int_equal(server_connections(f->server), 0);
	server_free(f->server);
	tls_server_free(f->tls);
	(void)snprintf(path, sizeof path, "%s/c.pem", f->folder);
	(void)unlink(path);
	(void)rmdir(f->folder);
}

static struct client *
dial(const struct fixture *f, bool secure)
{
	struct client_config config = { .host = "localhost",
		.port = secure ? f->secure : f->plain,
		.implicit_tls = secure,
		.pin = slice_of(f->pin, TLS_PIN_SIZE) };
	struct client *c = NULL;

	assert_ok(client_connect(&config, &c, NULL, &unit_error));
	return c;
}

/* ---- tests ---- */

static void
a_session_talks_with_and_without_tls(void **state)
{
	struct fixture f;
	struct lines m;

	(void)state;
	start(&f, (struct server_limits){ 0 });
	for (int secure = 0; secure < 2; secure++) {
		struct client *c = dial(&f, secure);

		lines_init(&m);
		talk(c, &m, "", "hello\n");
		talk(c, &m, "a\nb\nc\n", "a\nb\nc\n");
		talk(c, &m, "quit\nnothing after it\n", "bye\n");
		assert_int_equal(client_step(c, &lines_ops, &m, NULL), ERR_CLOSED);
		client_close(c);
		lines_done(&m);
	}
	stop(&f);
}

/* Serves in a process that can do nothing else, until it is killed. */
static void
serve_in_sandbox(int tell)
{
	struct sandbox_state sandbox;
	struct fixture f;
	char path[128];

	prepare(&f, (struct server_limits){ 0 });
	(void)snprintf(path, sizeof path, "%s/c.pem", f.folder);
	(void)unlink(path);
	(void)rmdir(f.folder);
	if (sandbox_enter(SANDBOX_FRONT, NULL, &sandbox, &unit_error) != 0 ||
	    server_start(f.server, &unit_error) != 0 || write(tell, &f, sizeof f) != (ssize_t)sizeof f)
		_exit(1);
	for (;;)
		(void)pause();
}

static void
a_server_lives_in_its_sandbox(void **state)
{
	struct fixture f;
	struct lines m;
	int tell[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(tell), 0);
	pid = fork();
	if (pid == 0)
		serve_in_sandbox(tell[1]);
	(void)close(tell[1]);
	assert_int_equal(read(tell[0], &f, sizeof f), sizeof f);
	(void)close(tell[0]);
	for (int secure = 0; secure < 2; secure++) {
		struct client *c = dial(&f, secure);

		lines_init(&m);
		talk(c, &m, "", "hello\n");
		talk(c, &m, "a\nb\nc\n", "a\nb\nc\n");
		if (!secure) {
			talk(c, &m, "tls\n", "go\n");
			assert_ok(client_start_tls(c, NULL, &unit_error));
			talk(c, &m, "again\n", "again\n");
		}
		client_close(c);
		lines_done(&m);
	}
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
start_tls_drops_what_came_before_it(void **state)
{
	struct client *c;
	struct fixture f;
	struct lines m;

	(void)state;
	start(&f, (struct server_limits){ 0 });
	c = dial(&f, false);
	lines_init(&m);
	talk(c, &m, "", "hello\n");
	assert_false(client_is_tls(c));
	talk(c, &m, "tls\n", "go\n");
	assert_ok(client_start_tls(c, NULL, &unit_error));
	talk(c, &m, "inside\n", "inside\n");
	client_close(c);
	lines_done(&m);
	stop(&f);
}

/* Takes one line at a time, as a machine does that waits for its caller after each answer. */
static size_t
one_line_feed(void *machine, struct slice in, int64_t now_ms)
{
	struct lines *m = machine;
	size_t at = slice_find(in, '\n');
	size_t n = m->in.len > 0 ? 0 : at == SIZE_MAX ? in.len : at + 1;

	(void)now_ms;
	return buf_put_slice(&m->in, slice_sub(in, 0, n)) == 0 ? n : 0;
}

static void
no_starttls_data_before_the_handshake_is_dropped_by_the_client(void **state)
{
	static const struct machine_ops one_line_ops = {
		.feed = one_line_feed, .output = lines_output, .sent = lines_sent, .deadline = lines_deadline
	};
	struct client *c;
	struct fixture f;
	struct lines m;

	(void)state;
	start(&f, (struct server_limits){ 0 });
	c = dial(&f, false);
	lines_init(&m);
	talk(c, &m, "", "hello\n");
	(void)buf_put_str(&m.out, "inject\n");
	while (m.in.len == 0)
		assert_ok(client_step(c, &one_line_ops, &m, &unit_error));
	assert_slice(buf_slice(&m.in), "go\n");
	buf_clear(&m.in);
	assert_ok(client_start_tls(c, NULL, &unit_error));
	talk(c, &m, "after\n", "after\n");
	client_close(c);
	lines_done(&m);
	stop(&f);
}

static void
an_authority_and_the_name_are_believed(void **state)
{
	static const struct {
		const char *host;
		int rc;
	} rows[] = { { "localhost", 0 }, { "127.0.0.1", ERR_TLS } };
	struct client_config config = { .implicit_tls = true };
	char path[128];
	struct fixture f;

	(void)state;
	start(&f, (struct server_limits){ 0 });
	(void)snprintf(path, sizeof path, "%s/c.pem", f.folder);
	config.port = f.secure;
	config.ca_file = path;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct client *c = NULL;

		config.host = rows[i].host;
		assert_int_equal(client_connect(&config, &c, NULL, &unit_error), rows[i].rc);
		client_close(c);
	}
	stop(&f);
}

static void
large_output_to_a_slow_reader_arrives_whole(void **state)
{
	struct client *c;
	struct fixture f;
	struct lines m;

	(void)state;
	start(&f, (struct server_limits){ 0 });
	c = dial(&f, true);
	lines_init(&m);
	talk(c, &m, "", "hello\n");
	(void)buf_put_str(&m.out, "flood\nend\n");
	while (m.in.len < (8u << 20) + 4)
		assert_ok(client_step(c, &lines_ops, &m, &unit_error));
	assert_slice(slice_from(buf_slice(&m.in), 8u << 20), "end\n");
	client_close(c);
	lines_done(&m);
	stop(&f);
}

static void
an_unknown_certificate_is_described_and_refused(void **state)
{
	struct client_config config = { .host = "localhost", .implicit_tls = true };
	uint8_t other[TLS_PIN_SIZE] = { 1 };
	struct client *c = NULL;
	struct tls_peer peer;
	struct fixture f;
	struct error e;

	(void)state;
	start(&f, (struct server_limits){ 0 });
	config.port = f.secure;
	assert_int_equal(client_connect(&config, &c, &peer, &e), ERR_TLS);
	assert_memory_equal(peer.pin, f.pin, TLS_PIN_SIZE);
	assert_string_equal(peer.subject, "CN=localhost");
	assert_string_equal(peer.names, "localhost, mail.example.org");
	assert_true(peer.reason[0] != '\0');
	config.pin = slice_of(other, sizeof other);
	assert_int_equal(client_connect(&config, &c, &peer, &e), ERR_TLS);
	assert_non_null(strstr(e.text, "pinned"));
	stop(&f);
}

static void
half_a_handshake_ends_in_time(void **state)
{
	struct fixture f;
	char octet;
	int fd;

	(void)state;
	start(&f, (struct server_limits){ .handshake_ms = 200 });
	fd = bare_socket(f.secure);
	assert_int_equal(send(fd, "\x16\x03\x01\x02", 4, 0), 4);
	assert_true(recv(fd, &octet, 1, 0) <= 0);
	assert_int_equal(atomic_load(&open_sessions), 0);
	(void)close(fd);
	stop(&f);
}

static void
a_client_that_never_reads_is_ended(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	start(&f, (struct server_limits){ .stall_ms = 200 });
	fd = bare_socket(f.plain);
	assert_int_equal(send(fd, "flood\n", 6, 0), 6);
	for (int i = 0; i < 1200 && (i < 5 || server_connections(f.server) > 0); i++)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_int_equal(server_connections(f.server), 0);
	(void)close(fd);
	stop(&f);
}

static void
too_many_from_one_address_are_told_so(void **state)
{
	struct fixture f;
	char text[16];
	int fds[3];

	(void)state;
	start(&f, (struct server_limits){ .connections_peer = 2 });
	for (int i = 0; i < 3; i++) {
		fds[i] = bare_socket(f.plain);
		memset(text, 0, sizeof text);
		assert_true(recv(fds[i], text, sizeof text - 1, 0) > 0);
		assert_string_equal(text, i < 2 ? "hello\n" : "full\n");
	}
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	stop(&f);
}

static void
input_before_the_end_is_answered(void **state)
{
	struct fixture f;
	char text[64] = "";
	size_t n = 0;
	ssize_t got;
	int fd;

	(void)state;
	start(&f, (struct server_limits){ 0 });
	fd = bare_socket(f.plain);
	assert_int_equal(send(fd, "a\nb\n", 4, 0), 4);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while (n + 1 < sizeof text && (got = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0)
		n += (size_t)got;
	assert_string_equal(text, "hello\na\nb\n");
	(void)close(fd);
	stop(&f);
}

static void
pins_are_read_in_both_forms(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ "0000000000000000000000000000000000000000000000000000000000000001", 0 },
		{ "00:00 00000000000000000000000000000000000000000000000000000000 0001\n", 0 },
		{ "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=", 0 },
		{ "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", ERR_SYNTAX },
		{ "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE", ERR_SYNTAX },
		{ "000000000000000000000000000000000000000000000000000000000000001", ERR_SYNTAX },
		{ "00000000000000000000000000000000000000000000000000000000000000011", ERR_SYNTAX },
		{ "", ERR_SYNTAX },
	};
	char text[TLS_PIN_TEXT];
	uint8_t pin[TLS_PIN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(tls_pin_parse(slice_str(rows[i].text), pin, NULL), rows[i].rc);
		if (rows[i].rc != 0)
			continue;
		tls_pin_text(pin, text);
		assert_string_equal(text, rows[0].text);
	}
}

UNIT_MAIN(UNIT_TEST(a_session_talks_with_and_without_tls), UNIT_TEST(a_server_lives_in_its_sandbox),
    UNIT_TEST(start_tls_drops_what_came_before_it),
    UNIT_TEST(no_starttls_data_before_the_handshake_is_dropped_by_the_client),
    UNIT_TEST(an_authority_and_the_name_are_believed), UNIT_TEST(large_output_to_a_slow_reader_arrives_whole),
    UNIT_TEST(an_unknown_certificate_is_described_and_refused), UNIT_TEST(half_a_handshake_ends_in_time),
    UNIT_TEST(a_client_that_never_reads_is_ended), UNIT_TEST(too_many_from_one_address_are_told_so),
    UNIT_TEST(input_before_the_end_is_answered), UNIT_TEST(pins_are_read_in_both_forms))
