/* SPDX-License-Identifier: ISC */
/*
 * IMAP on a pretended connection from the greeting on, through front and the
 * process behind it, with a real store in a temporary folder: in this process,
 * or in a forked one behind a socket. Passwords are answered by a small end of
 * its own (alice@example.org, "secret").
 *
 * Transcripts (tests/transcripts/imap): "C: " is sent with CR LF, "S: " is the
 * next line that must come, "S~ " the same with '*' for anything; a number
 * behind the letter names one more connection ("C2: "). "{@3}" at the end of a
 * C line is the length of the next three C lines with their line ends, and
 * "{@3+}" the same as a non-synchronizing literal; between them no answer is
 * waited for. "CLOSED" says that the server ends the connection. '#' begins a
 * comment.
 */
#ifndef TESTS_IMAP_FIXTURE_H
#define TESTS_IMAP_FIXTURE_H

#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/port.h"
#include "pretended.h"
#include "sasl/plain.h"
#include "service/ask.h"
#include "service/grants.h"
#include "service/permit.h"
#include "store/engine.h"
#include "store/store.h"

/* ---- the world ---- */

struct world {
	char folder[64];
	struct store *store;
	struct port *port;
	struct port_service auth_end;
	struct port *auth;
	struct ask *ask_end;
	struct port *ask;
	struct grants *grants;
	struct pretended_behind behind;
	struct front front;
	struct front_listener listener;
	pid_t child;
	uint64_t alice;
};

/* Sends a command and gathers everything up to its tagged answer; the answer is the last line of the result. */
static struct slice __attribute__((unused)) conn_ask(struct conn *c, const char *tag, const char *rest, struct buf *all)
{
	struct buf line;
	struct slice end = SLICE_EMPTY;

	buf_clear(all);
	buf_init(&line, 64u << 20);
	conn_send(c, slice_str(tag));
	conn_send(c, SLICE(" "));
	conn_send(c, slice_str(rest));
	conn_send(c, SLICE("\r\n"));
	while (conn_line(c, &line)) {
		size_t from = all->len;

		(void)buf_put_slice(all, buf_slice(&line));
		(void)buf_put_str(all, "\n");
		if (slice_starts(buf_slice(&line), slice_str(tag))) {
			end = slice_from(buf_slice(all), from);
			break;
		}
	}
	buf_done(&line);
	if (end.len == 0)
		fail_msg("no answer to %s %s; got %.*s", tag, rest, (int)all->len, (const char *)all->data);
	return end;
}

/* ---- who checks passwords ---- */

/* As service/signin/signin.h: whose the connection is, is said before the answer. */
static void
fixture_check(struct world *w, struct port_job *job, uint64_t connection, const struct sasl_credentials *who)
{
	const struct grant_in grant = { .process = w->behind.front,
		.connection = connection,
		.account = w->alice,
		.counted = true,
		.rights = STORE_RIGHT_IMAP };
	struct error e;

	(void)error_set(&e, ERR_PASSWORD, "no");
	if (!slice_eq_str(who->identity, "alice@example.org") || !slice_eq_str(who->password, "secret") ||
	    grants_put(w->grants, &grant, clock_ms(), &e) != 0)
		port_fail(job, &e);
	else if (port_job_method(job) == ASK_METHOD_exchange)
		port_reply(job, &(struct ask_round){ .connection = connection });
	else
		port_reply(job, &(struct ask_handover){ .connection = connection });
}

static void
fixture_authenticate(void *ctx, struct port_job *job)
{
	const struct ask_authenticate *ask = port_job_request(job);
	const struct sasl_credentials who = { .identity = ask->address, .password = ask->password };

	fixture_check(ctx, job, ask->connection, &who);
}

/* PLAIN: one message. */
static void
fixture_exchange(void *ctx, struct port_job *job)
{
	const struct ask_exchange *ask = port_job_request(job);
	struct sasl_credentials who;
	struct error e;

	if (plain_parse(ask->message, &who, &e) != 0)
		port_fail(job, &e);
	else
		fixture_check(ctx, job, ask->connection, &who);
}

static const struct port_handler fixture_handlers[] = {
	{ ASK_METHOD_authenticate, fixture_authenticate },
	{ ASK_METHOD_exchange, fixture_exchange },
};

/* ---- setting up ---- */

static void
remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		char inside[512];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
		if (unlink(inside) != 0)
			remove_folder(inside);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(path);
}

/* The store's process: serves one socket until it is closed. */
static void
store_process(struct world *w, int fd)
{
	struct store_options options = { .folder = w->folder };
	struct port_server *server = NULL;
	struct error e;

	if (store_open(&options, &w->store, &e) != 0 || port_server_new(store_service(w->store), &server, &e) != 0 ||
	    port_server_add(server, fd, NULL, 0, &e) != 0)
		_exit(1);
	while (port_server_count(server) > 0)
		(void)usleep(10000);
	port_server_free(server);
	store_close(w->store);
	_exit(0);
}

static void
world_store(struct world *w, bool two_processes)
{
	struct store_options options = { .folder = w->folder };
	int fds[2];

	if (!two_processes) {
		assert_ok(store_open(&options, &w->store, &unit_error));
		assert_ok(port_open_local(store_service(w->store), &w->port, &unit_error));
		return;
	}
	/* Before any thread is there. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	w->child = fork();
	assert_true(w->child >= 0);
	if (w->child == 0) {
		(void)close(fds[0]);
		store_process(w, fds[1]);
	}
	(void)close(fds[1]);
	assert_ok(port_open_socket(&store_interface, fds[0], &w->port, &unit_error));
}

static void
world_account(struct world *w)
{
	struct store_account_create create = { .address = SLICE("alice@example.org"), .verifier = SLICE("x") };
	struct store_domain domain = { .domain = SLICE("example.org") };
	struct store_account_id id;
	struct store_nothing nothing;
	struct arena a;

	arena_init(&a, 1u << 20);
	assert_ok(store_domain_add(w->port, &domain, &a, &nothing, &unit_error));
	assert_ok(store_account_create(w->port, &create, &a, &id, &unit_error));
	w->alice = id.account;
	arena_done(&a);
}

/* The processes mail and auth, and front before them; the store may be in a real one of its own. */
static struct world *
world_new(bool two_processes)
{
	const struct service_settings settings = {
		.hostname = SLICE("mail.example.org"), .message_max = 8u << 20, .workers = 2
	};
	struct world *w = mem_alloc(sizeof *w);
	struct service_ports ports;

	(void)snprintf(w->folder, sizeof w->folder, "/tmp/letterlock-imap-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	world_store(w, two_processes);
	world_account(w);
	assert_ok(grants_new(1000, &w->grants, &unit_error));
	assert_ok(ask_new(w->port, w->grants, &w->ask_end, &unit_error));
	assert_ok(port_open_local(ask_service(w->ask_end), &w->ask, &unit_error));
	ports = (struct service_ports){ .store = w->port, .ask = w->ask, .grants = w->grants };
	assert_ok(service_new(PROCESS_MAIL, &settings, &ports, &w->behind.mail, &unit_error));
	w->behind.front = process_number(PROCESS_FRONT, 1);
	w->auth_end = (struct port_service){
		.interface = &ask_interface, .handlers = fixture_handlers, .handler_count = 2, .ctx = w
	};
	assert_ok(port_open_local(&w->auth_end, &w->auth, &unit_error));
	w->front = (struct front){
		.settings = settings, .auth = w->auth, .hand_over = pretended_hand_over, .ctx = &w->behind
	};
	w->listener = (struct front_listener){ .front = &w->front, .role = SERVICE_IMAP };
	return w;
}

static void
world_free(struct world *w)
{
	int status = 0;

	port_close(w->auth);
	service_free(w->behind.mail);
	port_close(w->ask);
	ask_free(w->ask_end);
	grants_free(w->grants);
	port_close(w->port);
	if (w->child > 0) {
		assert_int_equal(waitpid(w->child, &status, 0), w->child);
		assert_int_equal(status, 0);
	} else {
		store_close(w->store);
	}
	remove_folder(w->folder);
	mem_free(w);
}

/* Signed in, and past the answer. */
__attribute__((unused)) static struct conn *
conn_signed_in(struct world *w)
{
	struct conn *c = conn_open(&w->listener, true);
	struct buf line;

	buf_init(&line, 65536);
	assert_true(conn_line(c, &line));
	conn_send(c, SLICE("in LOGIN alice@example.org secret\r\n"));
	assert_true(conn_line(c, &line));
	assert_true(slice_starts(buf_slice(&line), SLICE("in OK [CAPABILITY")));
	buf_done(&line);
	return c;
}

/* ---- transcripts ---- */

#define PLAYERS 4

static bool
glob_match(struct slice pattern, struct slice text)
{
	size_t p = 0;
	size_t t = 0;
	size_t star = SIZE_MAX;
	size_t mark = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.len && pattern.data[p] == text.data[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

struct play {
	struct world *world;
	const char *name;
	struct slice text;
	struct conn *players[PLAYERS];
	bool byte_by_byte;
	bool tls;
	unsigned line_number;
};

/* Octets of the next count C lines. */
static size_t
lines_ahead(struct slice rest, unsigned count)
{
	size_t n = 0;

	while (count > 0 && rest.len > 0) {
		struct slice line = slice_split(rest, '\n', &rest);

		if (line.len > 0 && line.data[0] == 'C') {
			struct slice content;

			(void)slice_split(line, ':', &content);
			n += (content.len > 0 ? content.len - 1 : 0) + 2;
			count--;
		}
	}
	return n;
}

static void
play_send(struct play *p, struct conn *c, struct slice content)
{
	struct buf b;
	size_t at = slice_search(content, SLICE("{@"));

	buf_init(&b, 1u << 20);
	if (at != SIZE_MAX) {
		uint64_t count = 0;
		struct slice tail = slice_from(content, at + 2);
		bool plus = slice_ends(tail, SLICE("+}"));

		assert_true(slice_to_u64(slice_sub(tail, 0, tail.len - (plus ? 2 : 1)), 10000, &count));
		(void)buf_put_slice(&b, slice_sub(content, 0, at));
		(void)buf_putf(&b, "{%zu%s}", lines_ahead(p->text, (unsigned)count), plus ? "+" : "");
	} else {
		(void)buf_put_slice(&b, content);
	}
	(void)buf_put_str(&b, "\r\n");
	for (size_t i = 0; p->byte_by_byte && i < b.len; i++) {
		conn_send(c, slice_sub(buf_slice(&b), i, 1));
		(void)conn_turn_once(c);
	}
	if (!p->byte_by_byte)
		conn_send(c, buf_slice(&b));
	buf_done(&b);
}

static void
play_expect(struct play *p, struct conn *c, struct slice want, bool glob)
{
	struct buf line;
	bool ok;

	buf_init(&line, 1u << 20);
	ok = conn_line(c, &line) && (glob ? glob_match(want, buf_slice(&line)) : slice_eq(want, buf_slice(&line)));
	if (!ok)
		fail_msg("%s:%u\nwant %.*s\ngot  %.*s", p->name, p->line_number, (int)want.len, (const char *)want.data,
		    (int)line.len, (const char *)line.data);
	buf_done(&line);
}

static void
play_line(struct play *p, struct slice line)
{
	bool numbered = line.len > 1 && line.data[1] >= '2' && line.data[1] <= '9';
	size_t who = numbered ? (size_t)(line.data[1] - '1') : 0;
	size_t mark = numbered ? 2 : 1;
	struct slice content = slice_from(line, mark + 2);

	if (slice_eq_str(line, "CLEAR")) {
		p->tls = false;
		return;
	}
	assert_true(who < PLAYERS);
	if (p->players[who] == NULL)
		p->players[who] = conn_open(&p->world->listener, p->tls);
	if (slice_eq_str(line, "CLOSED")) {
		struct buf rest;

		buf_init(&rest, 65536);
		if (conn_line(p->players[who], &rest) || !p->players[who]->closed_told)
			fail_msg("%s:%u: not closed, but %.*s", p->name, p->line_number, (int)rest.len,
			    (const char *)rest.data);
		buf_done(&rest);
	} else if (line.data[0] == 'C' && line.data[mark] == ':') {
		play_send(p, p->players[who], content);
	} else if (line.data[0] == 'S' && (line.data[mark] == ':' || line.data[mark] == '~')) {
		play_expect(p, p->players[who], content, line.data[mark] == '~');
	} else {
		fail_msg("%s:%u: not a transcript line", p->name, p->line_number);
	}
}

static void
play_file(struct world *w, const char *path, bool byte_by_byte)
{
	struct play p = { .world = w, .name = path, .byte_by_byte = byte_by_byte, .tls = true };
	static uint8_t text[1u << 20];
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	p.text = slice_of(text, n);
	while (p.text.len > 0) {
		struct slice line = slice_split(p.text, '\n', &p.text);

		p.line_number++;
		if (line.len > 0 && line.data[0] != '#')
			play_line(&p, line);
	}
	for (size_t i = 0; i < PLAYERS; i++) {
		if (p.players[i] == NULL)
			continue;
		(void)conn_settle(p.players[i]);
		conn_hang_up(p.players[i]);
	}
}

/* Plays every transcript, each in a world of its own. */
static void __attribute__((unused)) play_all(bool two_processes, bool byte_by_byte)
{
	char here[1024];
	char folder[2048];
	struct dirent **names = NULL;
	int count;

	(void)snprintf(here, sizeof here, "%s", __FILE__);
	(void)snprintf(folder, sizeof folder, "%s/../../transcripts/imap", dirname(here));
	count = scandir(folder, &names, NULL, alphasort);
	assert_true(count > 2);
	for (int i = 0; i < count; i++) {
		char path[4096];
		struct world *w;

		(void)snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
		/* *.segment.txt say something only when they come in one segment. */
		if (names[i]->d_name[0] != '.' && !(byte_by_byte && strstr(names[i]->d_name, ".segment.") != NULL)) {
			w = world_new(two_processes);
			play_file(w, path, byte_by_byte);
			world_free(w);
		}
		free(names[i]);
	}
	free(names);
}

#endif
