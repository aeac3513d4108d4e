/* SPDX-License-Identifier: ISC */
/* letterlockd account import and export: the command line around service/transfer. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "daemon/place.h"
#include "daemon/verbs.h"
#include "os/file.h"
#include "os/terminal.h"
#include "service/transfer/export.h"
#include "service/transfer/import.h"
#include "store/store.h"

#define REPLY_BUDGET (1u << 20)

struct telling {
	bool json;
	struct progress progress;
};

/* Names of files and mailboxes are other people's text: no control reaches the terminal, C1 and broken UTF-8 included. */
static void
put_printable(struct buf *out, const char *text)
{
	struct slice rest = slice_str(text);

	while (rest.len > 0) {
		uint32_t point = 0;
		size_t n = utf8_decode(rest, &point);

		if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0))
			(void)buf_put_u8(out, '?');
		else
			(void)buf_put_slice(out, slice_sub(rest, 0, n));
		rest = slice_from(rest, n > 0 ? n : 1);
	}
}

static void
say(void *ctx, enum transfer_say what, const char *where, uint64_t offset, const char *text)
{
	struct telling *t = ctx;
	BUF_OWNED struct buf line = { 0 };

	progress_done(&t->progress);
	if (t->json) {
		struct json_value *object = json_value_object();

		json_value_set_str(object, "where", where);
		if (offset != ERROR_NO_OFFSET)
			json_value_set_i64(object, "offset", (int64_t)offset);
		json_value_set_str(object, what == TRANSFER_PROBLEM ? "problem" : "note", text);
		verb_print_json(object);
		return;
	}
	buf_init(&line, 1 << 16);
	put_printable(&line, where);
	if (offset != ERROR_NO_OFFSET)
		(void)buf_putf(&line, ", octet %" PRIu64, offset);
	(void)buf_put_str(&line, ": ");
	put_printable(&line, text);
	(void)fprintf(stderr, "letterlockd: %.*s\n", (int)line.len, (const char *)line.data);
}

static void
show(void *ctx, uint64_t done, uint64_t total, uint64_t messages)
{
	struct telling *t = ctx;

	t->progress.total = total;
	t->progress.count = messages;
	progress_show(&t->progress, done);
}

static void
print_end(const struct transfer *t, bool json, bool import)
{
	const struct transfer_counts *c = &t->counts;
	struct json_value *object;

	if (!json) {
		(void)printf("%s %" PRIu64 " messages (%" PRIu64 " octets), %" PRIu64 " already there, %" PRIu64
			     " could not be %s.\n",
		    import ? "Imported" : "Exported", c->moved, c->octets, c->already, c->failed,
		    import ? "imported" : "exported");
		if (import && c->passed > 0)
			(void)printf(
			    "%" PRIu64 " files or parts of files hold no mail and were passed over.\n", c->passed);
		return;
	}
	object = json_value_object();
	json_value_set_i64(object, import ? "imported" : "exported", (int64_t)c->moved);
	json_value_set_i64(object, "octets", (int64_t)c->octets);
	json_value_set_i64(object, "already_there", (int64_t)c->already);
	json_value_set_i64(object, "could_not", (int64_t)c->failed);
	json_value_set_i64(object, "passed_over", (int64_t)c->passed);
	verb_print_json(object);
}

static int
take_format(const struct verb_input *in, bool import, enum transfer_format *out, struct error *e)
{
	static const struct {
		const char *name;
		enum transfer_format format;
		bool export;
	} formats[] = {
		{ "maildir", TRANSFER_MAILDIR, true },
		{ "mbox", TRANSFER_MBOX, true },
		{ "mboxrd", TRANSFER_MBOX, true },
		{ "mboxo", TRANSFER_MBOXO, false },
		{ "mboxcl", TRANSFER_MBOXCL, false },
		{ "mboxcl2", TRANSFER_MBOXCL2, false },
	};

	*out = TRANSFER_ANY;
	if (in->format == NULL)
		return 0;
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		if (strcmp(in->format, formats[i].name) != 0 || (!import && !formats[i].export))
			continue;
		*out = formats[i].format;
		return 0;
	}
	return error_set(e, ERR_USAGE, "--format takes %s",
	    import ? "maildir, mbox, mboxrd, mboxo, mboxcl or mboxcl2" : "maildir or mbox (which is mboxrd)");
}

static int
find_account(struct port *port, struct slice address, uint64_t *account_out, struct error *e)
{
	const struct store_account_get request = { .address = address };
	struct store_account reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_account_get(port, &request, &a, &reply, e);
	if (rc == 0)
		*account_out = reply.account;
	return rc;
}

static int
transfer_failed(const struct error *e)
{
	/* A path without mail is the operation's own no. */
	if (e->code != ERR_SYNTAX)
		return verb_failed(e);
	(void)verb_failed(e);
	return EXIT_NO;
}

/* What is there already is known to one import only: two at once would store everything twice. */
static int
import_alone(const struct config *config, struct transfer *t, const struct import_options *o, struct error *e)
{
	char name[64];
	int lock, rc;

	(void)snprintf(name, sizeof name, "import-%" PRIu64 ".lock", t->account);
	rc = place_lock(config, name, &lock, e);
	if (rc == ERR_EXISTS)
		return error_set(
		    e, ERR_ORDER, "mail is being imported into this account already; wait until that has ended");
	if (rc != 0)
		return rc;
	rc = import_run(t, o, e);
	file_unlock(lock);
	return rc;
}

static int
carry_out(const struct verb_input *in, bool import, enum transfer_format format, struct transfer *t, struct error *e)
{
	struct slice mailbox = slice_str(in->mailbox), address = slice_str(in->words[1]);
	const struct import_options taking = {
		.path = in->words[2],
		.mailbox = slice_ieq_str(mailbox, "INBOX") ? SLICE("INBOX") : mailbox,
		.format = format,
		.again = in->again,
		.message_max =
		    in->config->message_size_max < STORE_MESSAGE_MAX ? in->config->message_size_max : STORE_MESSAGE_MAX,
	};
	const struct export_options giving = {
		.path = in->words[2], .mailbox = mailbox, .format = format, .address = address
	};
	int rc = find_account(t->port, address, &t->account, e);

	if (rc != 0)
		return rc;
	return import ? import_alone(in->config, t, &taking, e) : export_run(t, &giving, e);
}

int
verb_transfer(const struct verb_input *in)
{
	bool import = strcmp(in->words[0], "import") == 0;
	struct telling telling = { .json = in->json };
	struct transfer t = {
		.say = say, .progress = show, .ctx = &telling, .wants_total = terminal_is(STDERR_FILENO)
	};
	enum transfer_format format;
	struct place p;
	struct error e;
	int rc;

	telling.progress = (struct progress){ .label = import ? "importing" : "exporting", .things = "messages" };
	rc = take_format(in, import, &format, &e);
	if (rc == 0 && in->word_count != 3)
		rc = error_set(&e, ERR_USAGE, "say account %s ADDRESS PATH", in->words[0]);
	if (rc == 0)
		rc = place_reach(in->config, import, &p, &e);
	if (rc != 0)
		return verb_failed(&e);
	t.port = p.port;
	rc = carry_out(in, import, format, &t, &e);
	place_close(&p);
	progress_done(&telling.progress);
	if (rc == 0 || t.counts.moved + t.counts.already + t.counts.failed > 0)
		print_end(&t, in->json, import);
	if (rc != 0)
		return transfer_failed(&e);
	return t.counts.failed == 0 ? EXIT_DONE : EXIT_NO;
}
