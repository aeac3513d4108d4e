/* SPDX-License-Identifier: ISC */
/*
 * IMAP sessions on a pretended connection, with a real store in a temporary
 * folder: in this process, or in a forked one behind a socket. Passwords are
 * answered by a small ask end of its own (alice@example.org, "secret").
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
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/pool.h"
#include "os/port.h"
#include "service/ask.h"
#include "service/imap_session.h"
#include "service/service.h"
#include "store/engine.h"
#include "store/store.h"
#include "store/watch.h"
#include "unit.h"

#define FIXTURE_WAIT_MS 20000

/* ---- the pretended connection: what net/conn.h promises, driven by hand ---- */

struct conn {
	atomic_uint refs;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool woken;
	bool tls;
	bool can_tls;
	bool want_tls;
	bool closing;
	bool aborted;
	bool closed_told;
	bool slow; /* takes no output */
	void *session;
	struct buf in;
	struct buf out; /* what the client has received */
	size_t high;    /* the most output that ever waited */
};

void
conn_hold(struct conn *c)
{
	(void)atomic_fetch_add(&c->refs, 1);
}

void
conn_release(struct conn *c)
{
	if (atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	buf_done(&c->in);
	buf_done(&c->out);
	(void)pthread_mutex_destroy(&c->lock);
	(void)pthread_cond_destroy(&c->cond);
	mem_free(c);
}

void
conn_wake(struct conn *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->woken = true;
	(void)pthread_cond_signal(&c->cond);
	(void)pthread_mutex_unlock(&c->lock);
}

uint64_t
conn_id(const struct conn *c)
{
	return (uint64_t)(uintptr_t)c;
}

const char *
conn_peer(const struct conn *c)
{
	(void)c;
	return "192.0.2.1";
}

uint16_t
conn_port(const struct conn *c)
{
	(void)c;
	return 143;
}

int
conn_start_tls(struct conn *c, struct error *e)
{
	(void)e;
	c->want_tls = true;
	return 0;
}

bool
conn_can_start_tls(const struct conn *c)
{
	return c->can_tls && !c->tls;
}

bool
conn_is_tls(const struct conn *c)
{
	return c->tls;
}

bool
conn_tls_info(const struct conn *c, struct conn_tls_info *info_out)
{
	(void)info_out;
	return c->tls;
}

void
conn_close(struct conn *c)
{
	c->closing = true;
}

void
conn_abort(struct conn *c)
{
	c->aborted = true;
}

/* ---- the world ---- */

struct world {
	char folder[64];
	struct store *store;
	struct port *port;
	struct port *ask_port;
	struct service service;
	struct service_listener listener;
	pid_t child;
	uint64_t alice;
};

static struct conn *
conn_open(struct world *w, bool tls)
{
	struct conn *c = mem_alloc(sizeof *c);

	atomic_init(&c->refs, 1);
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->cond, NULL);
	buf_init(&c->in, 64u << 20);
	buf_init(&c->out, 256u << 20);
	c->tls = tls;
	c->can_tls = true;
	assert_ok(imap_session_open(&w->listener, c, &c->session, &unit_error));
	c->woken = true;
	return c;
}

static void
conn_hang_up(struct conn *c)
{
	if (!c->closed_told)
		imap_session_ops.closed(c->session);
	c->closed_told = true;
	conn_release(c);
}

/* One turn of the loop; true when something moved. */
static bool
conn_turn_once(struct conn *c)
{
	size_t taken = 0;
	struct slice out;
	bool moved;

	if (c->closed_told)
		return false;
	(void)pthread_mutex_lock(&c->lock);
	moved = c->woken;
	c->woken = false;
	(void)pthread_mutex_unlock(&c->lock);
	if (c->in.len > 0 && !c->want_tls)
		taken = imap_session_ops.feed(c->session, buf_slice(&c->in), clock_ms());
	buf_consume(&c->in, taken);
	if (taken > 0 || moved)
		imap_session_ops.run(c->session, c, clock_ms());
	out = imap_session_ops.output(c->session);
	if (out.len > c->high)
		c->high = out.len;
	if (out.len > 0 && !c->slow) {
		assert_int_equal(buf_put_slice(&c->out, out), 0);
		imap_session_ops.sent(c->session, out.len);
		imap_session_ops.run(c->session, c, clock_ms());
		return true;
	}
	if (c->want_tls) {
		c->want_tls = false;
		c->tls = true;
		buf_clear(&c->in); /* what came before the handshake is dropped */
		imap_session_ops.run(c->session, c, clock_ms());
		return true;
	}
	if ((c->closing && out.len == 0) || c->aborted) {
		imap_session_ops.closed(c->session);
		c->closed_told = true;
	}
	return taken > 0 || moved;
}

/* Waits a little for a wake. */
static void
conn_sleep(struct conn *c)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 5000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_mutex_lock(&c->lock);
	if (!c->woken)
		(void)pthread_cond_timedwait(&c->cond, &c->lock, &until);
	(void)pthread_mutex_unlock(&c->lock);
}

static void
conn_send(struct conn *c, struct slice s)
{
	while (c->want_tls)
		(void)conn_turn_once(c);
	assert_int_equal(buf_put_slice(&c->in, s), 0);
}

/* The next line the client gets, without CR LF, in line (valid until the next call); false when none comes. */
static bool
conn_line(struct conn *c, struct buf *line)
{
	int64_t limit = clock_ms() + FIXTURE_WAIT_MS;

	for (;;) {
		size_t at = slice_search(buf_slice(&c->out), SLICE("\r\n"));

		if (at != SIZE_MAX) {
			buf_clear(line);
			(void)buf_put(line, c->out.data, at);
			buf_consume(&c->out, at + 2);
			return true;
		}
		if (c->closed_told || clock_ms() > limit)
			return false;
		if (!conn_turn_once(c))
			conn_sleep(c);
	}
}

/* Runs until nothing moves for a moment and nothing is in flight. */
static void __attribute__((unused)) conn_settle(struct conn *c)
{
	int64_t limit = clock_ms() + FIXTURE_WAIT_MS;

	while (!c->closed_told && clock_ms() < limit) {
		if (conn_turn_once(c))
			continue;
		if (!imap_session_ops.busy(c->session) && c->in.len == 0)
			return;
		conn_sleep(c);
	}
}

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

/* ---- the ask end ---- */

static uint64_t fixture_account;

static void
fixture_authenticate(void *ctx, struct port_job *job)
{
	const struct ask_authenticate *ask = port_job_request(job);
	struct ask_handover h = { .connection = ask->connection, .account = fixture_account, .address = ask->address };
	struct error e;

	(void)ctx;
	if (slice_eq_str(ask->address, "alice@example.org") && slice_eq_str(ask->password, "secret")) {
		port_reply(job, &h);
		return;
	}
	(void)error_set(&e, ERR_PASSWORD, "no");
	port_fail(job, &e);
}

static const struct codec_field fixture_ask_fields[] = {
	CODEC_FIELD(struct ask_authenticate, connection, CODEC_U64, 0),
	CODEC_FIELD(struct ask_authenticate, mechanism, CODEC_U32, 0),
	CODEC_FIELD(struct ask_authenticate, authorize, CODEC_BYTES, 1024),
	CODEC_FIELD(struct ask_authenticate, address, CODEC_BYTES, 1024),
	CODEC_FIELD(struct ask_authenticate, password, CODEC_BYTES, 1024),
	CODEC_FIELD(struct ask_authenticate, peer, CODEC_BYTES, 1024),
};
static const struct codec_schema fixture_ask_schema = CODEC_SCHEMA(ask_authenticate, fixture_ask_fields);
static const struct codec_field fixture_handover_fields[] = {
	CODEC_FIELD(struct ask_handover, connection, CODEC_U64, 0),
	CODEC_FIELD(struct ask_handover, account, CODEC_U64, 0),
	CODEC_FIELD(struct ask_handover, address, CODEC_BYTES, 1024),
};
static const struct codec_schema fixture_handover_schema = CODEC_SCHEMA(ask_handover, fixture_handover_fields);
static const struct port_method fixture_methods[] = {
	{ ASK_METHOD_authenticate, "authenticate", &fixture_ask_schema, &fixture_handover_schema },
};
static const struct port_interface fixture_interface = { "ask", fixture_methods, 1 };
static const struct port_handler fixture_handlers[] = { { ASK_METHOD_authenticate, fixture_authenticate } };
static const struct port_service fixture_ask = { &fixture_interface, fixture_handlers, 1, NULL, NULL };

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

static struct world *
world_new(bool two_processes)
{
	struct world *w = mem_alloc(sizeof *w);
	struct pool_options pool = { .name = "imap", .threads = 2, .queue_max = 100 };
	struct store_account_create create = { .address = SLICE("alice@example.org"), .verifier = SLICE("x") };
	struct store_domain domain = { .domain = SLICE("example.org") };
	struct store_account_id id;
	struct store_nothing nothing;
	struct arena a;

	(void)snprintf(w->folder, sizeof w->folder, "/tmp/letterlock-imap-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	world_store(w, two_processes);
	arena_init(&a, 1u << 20);
	assert_ok(store_domain_add(w->port, &domain, &a, &nothing, &unit_error));
	assert_ok(store_account_create(w->port, &create, &a, &id, &unit_error));
	w->alice = fixture_account = id.account;
	arena_done(&a);
	assert_ok(port_open_local(&fixture_ask, &w->ask_port, &unit_error));
	assert_ok(pool_new(&pool, &w->service.workers, &unit_error));
	w->service.store = w->port;
	w->service.ask = w->ask_port;
	w->service.settings.hostname = SLICE("mail.example.org");
	w->service.settings.message_max = 8u << 20;
	assert_ok(store_watcher_new(w->port, &w->service.watcher, &unit_error));
	w->listener = (struct service_listener){ .service = &w->service, .role = SERVICE_IMAP };
	return w;
}

static void
world_free(struct world *w)
{
	int status = 0;

	pool_free(w->service.workers);
	store_watcher_free(w->service.watcher);
	port_close(w->ask_port);
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
	struct conn *c = conn_open(w, true);
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
		p->players[who] = conn_open(p->world, p->tls);
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
		conn_settle(p.players[i]);
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
