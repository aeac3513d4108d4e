/* SPDX-License-Identifier: ISC */
/*
 * Loads a store with everything it can be asked for, many calls at once, and
 * says by marks (ledger.h) what it begins and what is answered. Run it under
 * the recorder.
 *
 *   power_load FOLDER RUN OPERATIONS SEED
 *
 * RUN counts from 0. A later run on the same folder finds the store as a
 * process that was killed left it, looks at everything, as a client would,
 * and goes on. With no OPERATIONS it only opens the folder, and so brings an
 * old one to today's schema.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "load.h"
#include "power.h"
#include "store/engine.h"

#define STORM 1200u            /* writes that are not synced by themselves, without another between them */
#define STORM_OPERATIONS 1000u /* a run that is that long has such */

pthread_mutex_t load_mutex = PTHREAD_MUTEX_INITIALIZER;
struct box load_boxes[BOXES];
const char *const load_passing_names[PASSING] = { "p", "p/q", "r", "s/t" };
bool load_passing[ACCOUNTS][PASSING];
struct port *load_port;
struct arena load_arena;
sem_t load_room;
static const char *const box_names[BOXES_EACH] = { "INBOX", "one", "two" };
static void (*to_log)(const char *text);

void
load_mark(const char *fmt, ...)
{
	char text[512];
	va_list list;

	va_start(list, fmt);
	(void)vsnprintf(text, sizeof text, fmt, list);
	va_end(list);
	if (to_log != NULL)
		to_log(text);
}

void
load_die(const char *what, const struct error *e)
{
	(void)fprintf(stderr, "power_load: %s: %s\n", what, e == NULL ? "" : e->text);
	exit(4);
}

const char *
load_account_word(unsigned account)
{
	static const char *const words[ACCOUNTS] = { "a@example.org", "b@example.org" };

	return words[account];
}

/* ---- the whole ---- */

static void
make_account(unsigned number)
{
	struct slice address = slice_str(load_account_word(number));
	struct store_account_id id;
	struct store_nothing none;
	struct error e;

	if (store_domain_add(load_port, &(struct store_domain){ SLICE("example.org") }, &load_arena, &none, &e) != 0 ||
	    store_account_create(load_port,
		&(struct store_account_create){ .address = address, .verifier = SLICE("v") }, &load_arena, &id,
		&e) != 0)
		load_die("account_create", &e);
	for (unsigned i = 1; i < BOXES_EACH; i++) {
		const struct store_mailbox_create in = { .account = id.account, .name = slice_str(box_names[i]) };
		struct store_mailbox_id box;

		if (store_mailbox_create(load_port, &in, &load_arena, &box, &e) != 0)
			load_die("mailbox_create", &e);
	}
}

static struct store_mailbox
find_box(unsigned number)
{
	struct box *b = &load_boxes[number];
	const char *address = load_account_word(number / BOXES_EACH);
	struct store_account_get who = { .address = slice_str(address) };
	struct store_mailbox_get in = { .name = slice_str(box_names[number % BOXES_EACH]) };
	struct store_mailbox_state state;
	struct store_account account;
	struct error e;

	if (store_account_get(load_port, &who, &load_arena, &account, &e) != 0)
		load_die("account_get", &e);
	in.account = b->account = account.account;
	if (store_mailbox_get(load_port, &in, &load_arena, &state, &e) != 0)
		load_die("mailbox_get", &e);
	b->mailbox = state.mailbox.mailbox;
	b->name = box_names[number % BOXES_EACH];
	(void)snprintf(b->word, sizeof b->word, "%s:%s", address, b->name);
	load_mark("box %s %u", b->word, state.mailbox.uidvalidity);
	return state.mailbox;
}

static uint64_t
token_of(const struct store_message *row)
{
	struct arena a ARENA_OWNED = { 0 };
	uint8_t *whole = power_alloc(row->size);
	struct store_body_data out;
	struct error e;
	uint64_t token;

	arena_init(&a, (size_t)16 << 20);
	if (row->size > STORE_PIECE_MAX ||
	    store_body_read(load_port, &(struct store_body_read){ row->body, 0, STORE_PIECE_MAX }, &a, &out, &e) != 0)
		load_die("body_read", &e);
	memcpy(whole, out.data.data, out.data.len);
	if (!message_read(whole, out.data.len, &token))
		load_die("a message is not whole", NULL);
	free(whole);
	return token;
}

/* As a client does that signs in after a restart. */
static void
look(unsigned number, const struct store_mailbox *state)
{
	struct box *b = &load_boxes[number];
	struct store_message_rows rows;
	struct error e;

	if (store_message_list(load_port, &(struct store_message_list){ .account = b->account, .mailbox = b->mailbox },
		&load_arena, &rows, &e) != 0)
		load_die("message_list", &e);
	for (size_t i = 0; i < rows.row_count; i++) {
		const struct store_message *row = &rows.rows[i];
		struct message *m = &b->messages[b->count++];

		*m =
		    (struct message){ .token = token_of(row), .uid = row->uid, .flags = row->flags, .body = row->body };
		load_mark("seen %s %" PRIu64 " %u %u %" PRIu64, b->word, m->token, m->flags, m->uid, row->modseq);
	}
	load_mark("looked %s %u %" PRIu64, b->word, state->uidnext, state->highest_modseq);
}

static void
look_at_names(unsigned account)
{
	struct store_mailbox_rows rows;
	struct error e;

	if (store_mailbox_list(load_port,
		&(struct store_mailbox_list){ .account = load_boxes[account * BOXES_EACH].account }, &load_arena, &rows,
		&e) != 0)
		load_die("mailbox_list", &e);
	load_mark("names %s", load_account_word(account));
	for (size_t i = 0; i < rows.row_count; i++) {
		for (size_t k = 0; k < PASSING; k++) {
			if (!slice_eq(rows.rows[i].name, slice_str(load_passing_names[k])) || !rows.rows[i].selectable)
				continue;
			load_passing[account][k] = true;
			load_mark("name %s %s %u", load_account_word(account), load_passing_names[k],
			    rows.rows[i].uidvalidity);
		}
	}
	load_mark("named %s", load_account_word(account));
}

static void
look_at_keys(void)
{
	for (unsigned i = 0; i < KEYS; i++) {
		struct store_meta_value out = { 0 };
		char key[16];
		struct error e;

		(void)snprintf(key, sizeof key, "k%u", i);
		if (store_meta_get(load_port, &(struct store_meta_key){ slice_str(key) }, &load_arena, &out, &e) != 0)
			load_die("meta_get", &e);
		load_mark("has %s %.*s", key, out.value.len == 0 ? 1 : (int)out.value.len,
		    out.value.len == 0 ? "-" : (const char *)out.value.data);
	}
}

static void
begin(unsigned run)
{
	if (run > 0)
		load_mark("restart");
	for (unsigned i = 0; i < ACCOUNTS && run == 0; i++)
		make_account(i);
	for (unsigned i = 0; i < BOXES; i++) {
		const struct store_mailbox state = find_box(i);

		if (run > 0)
			look(i, &state);
	}
	for (unsigned i = 0; i < ACCOUNTS && run > 0; i++)
		look_at_names(i);
	if (run > 0)
		look_at_keys();
}

static void
stopped(void *ctx, const char *why)
{
	(void)ctx;
	(void)fprintf(stderr, "power_load: the store stopped: %s\n", why);
	_exit(5);
}

/*
 * A checkpoint comes to its end only when nobody writes; then the log begins anew. What was written last is of the kind
 * that is not synced by itself.
 */
static void
relax(unsigned in_flight, uint64_t relaxed)
{
	for (unsigned i = 0; i < in_flight; i++)
		(void)sem_wait(&load_room);
	(void)sem_post(&load_room);
	for (uint64_t i = relaxed; i > 0; i--)
		load_relaxed();
	(void)sem_wait(&load_room);
	(void)usleep(15000);
	for (unsigned i = 0; i < in_flight; i++)
		(void)sem_post(&load_room);
}

/* Some; and sometimes so many, in a log that began anew, that a checkpoint meets nothing else. */
static void
pause_a_little(unsigned in_flight, uint64_t operations)
{
	uint64_t kind = load_pick(4);

	relax(in_flight, kind < 2 ? 24 : 3);
	if (kind == 0 && operations >= STORM_OPERATIONS)
		relax(in_flight, STORM);
}

static void
work(uint64_t run, uint64_t operations, uint64_t seed)
{
	unsigned in_flight;

	begin((unsigned)run);
	in_flight = load_pick(3) == 0 ? 1 : load_pick(2) == 0 ? 4 : IN_FLIGHT;
	(void)sem_init(&load_room, 0, in_flight);
	for (uint64_t n = operations; n > 0; n--) {
		load_one(power_mix(seed + run + n / PHASE) % 3 != 0);
		arena_done(&load_arena);
		if (n % PHASE == 0 && load_pick(4) == 0)
			pause_a_little(in_flight, operations);
	}
	/* For the checkpoint of the end. */
	relax(in_flight, operations >= STORM_OPERATIONS ? STORM : 24);
}

int
main(int argc, char **argv)
{
	struct store_options options = { .segment_size = 1 << 17, .stopped = stopped };
	struct store *store;
	struct error e;
	uint64_t run, operations, seed;
	void *found;

	if (argc != 5) {
		(void)fprintf(stderr, "usage: power_load FOLDER RUN OPERATIONS SEED\n");
		return 2;
	}
	options.folder = argv[1];
	run = strtoull(argv[2], NULL, 10);
	operations = strtoull(argv[3], NULL, 10);
	seed = strtoull(argv[4], NULL, 10);
	load_works_begin(run, seed);
	found = dlsym(RTLD_DEFAULT, "power_mark");
	memcpy(&to_log, &found, sizeof to_log);
	arena_init(&load_arena, (size_t)1 << 30);
	if (store_open(&options, &store, &e) != 0 || port_open_local(store_service(store), &load_port, &e) != 0)
		load_die("the store does not open", &e);
	if (operations > 0)
		work(run, operations, seed);
	port_close(load_port);
	store_close(store);
	return 0;
}
