/* SPDX-License-Identifier: ISC */
/* `letterlock inbox`, `read` and `save`: what came. */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "client/journey.h"
#include "client/letters.h"
#include "client/verbs.h"
#include "client/verdict.h"
#include "mime/decode.h"
#include "os/clock.h"
#include "os/terminal.h"

#define SHOWN_USUAL 20u
#define SHOWN_MAX 1000u
#define FIELD_MAX 4096u
#define FROM_COLUMNS 28u
#define TRIES_MAX 1000u /* names tried for one attachment */
#define DECODE_STEP 65536u

static const char inbox_help[] =
    "letterlock inbox [--limit N]\n"
    "\n"
    "Lists the newest letters: number, date, E (encrypted) and S (signed by the sender) or\n"
    "! (closed or broken), sender, subject. Encrypted ones are opened to show their subject.\n"
    "\n"
    "Examples:\n"
    "  letterlock inbox\n"
    "  letterlock inbox --limit 100 --json\n";

static const char read_help[] =
    "letterlock read NUMBER [--journey]\n"
    "\n"
    "Opens a letter and says in plain words whether it was encrypted, who signed it, and why\n"
    "that key is believed to be theirs. Exit status 1 when it cannot be opened or its signature\n"
    "is broken.\n"
    "\n"
    "With --journey instead of the text: which servers it came through, whether it was encrypted\n"
    "between them, and what of that is sure.\n"
    "\n"
    "Examples:\n"
    "  letterlock read 7\n"
    "  letterlock read 7 --journey\n"
    "  letterlock read 7 --json\n";

static const char save_help[] = "letterlock save NUMBER [--to FOLDER]\n"
				"\n"
				"Saves the letter's attachments. A file that is there already is never replaced.\n"
				"\n"
				"Examples:\n"
				"  letterlock save 7\n"
				"  letterlock save 7 --to ~/letters\n";

struct reading {
	struct common common;
	struct option_list arguments;
	uint32_t limit, uid;
	bool journey;
	const char *to;
	struct letters letters;
	struct error error;
};

/* Parses and opens everything. False: it is over, with *status. */
static bool
begin(struct reading *r, int argc, char **argv, size_t words, const char *help, int *status)
{
	const struct option options[] = {
		COMMON_OPTIONS(&r->common),
		{ "limit", OPTION_NUMBER, &r->limit },
		{ "to", OPTION_TEXT, &r->to },
		{ "journey", OPTION_FLAG, &r->journey },
	};
	int rc;

	*r = (struct reading){ .common = COMMON_INIT, .limit = SHOWN_USUAL, .to = "." };
	rc = options_parse(argc, argv, options, sizeof options / sizeof options[0], &r->arguments, &r->error);
	if (rc == 0 && r->common.help) {
		*status = client_help(help);
		return false;
	}
	if (rc == 0 && r->arguments.count != words)
		rc = error_set(&r->error, ERR_USAGE, "%s",
		    words == 0 ? "this takes no words; see --help" : "say one message's number; see --help");
	/* Before anybody is asked for a password. */
	if (rc == 0 && words == 1)
		rc = letters_parse_number(r->arguments.items[0], &r->uid, &r->error);
	if (rc == 0)
		rc = letters_begin(&r->letters, &r->common, &r->error);
	if (rc == 0)
		return true;
	*status = client_fail(&r->error);
	letters_end(&r->letters);
	return false;
}

static int
end(struct reading *r, int rc, int status)
{
	letters_end(&r->letters);
	return rc == 0 ? status : client_fail(&r->error);
}

static bool
date_of(const struct letter_view *v, int64_t *when)
{
	struct slice value;

	return letter_opened_field(v->opened, "Date", &value, NULL) && date_parse_mail(value, when, NULL, NULL) == 0;
}

/* ---- inbox ---- */

/* Escaped, cut and padded to so many columns. */
static void
print_column(struct slice text, size_t columns, bool pad)
{
	BUF_OWNED struct buf b = { .max = FIELD_MAX };
	struct slice cut;

	(void)printable_put(&b, text, PRINTABLE_LINE, FIELD_MAX);
	cut = utf8_cut_columns(buf_slice(&b), columns);
	if (cut.len > 0)
		(void)fwrite(cut.data, 1, cut.len, stdout);
	for (size_t i = utf8_columns(cut); pad && i < columns; i++)
		(void)fputc(' ', stdout);
}

static void
print_row(const struct letter_view *v)
{
	BUF_OWNED struct buf from = { .max = FIELD_MAX };
	BUF_OWNED struct buf subject = { .max = FIELD_MAX };
	BUF_OWNED struct buf day = { .max = 100 };
	unsigned width = terminal_is(1) ? terminal_columns(1) : 1000;
	int64_t when;

	letter_view_field(v, "From", &from);
	letter_view_field(v, "Subject", &subject);
	if (date_of(v, &when))
		(void)date_write_short(&day, when, clock_zone(when));
	(void)printf("%4u  %-16.*s  %s", v->uid, (int)day.len, day.len == 0 ? "" : (const char *)day.data,
	    verdict_mark(letter_opened_verdict(v->opened)));
	print_column(buf_slice(&from), FROM_COLUMNS, true);
	(void)fputs("  ", stdout);
	print_column(buf_slice(&subject), width > 62 ? width - 60 : 20, false);
	(void)fputc('\n', stdout);
}

static struct json_value *
fields_json(const struct letter_view *v)
{
	static const char *const names[][2] = { { "From", "from" }, { "To", "to" }, { "Cc", "cc" },
		{ "Subject", "subject" }, { "Date", "date" }, { "Message-ID", "message_id" } };
	struct json_value *o = json_value_object();

	json_value_set_i64(o, "number", v->uid);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		BUF_OWNED struct buf text = { .max = 1 << 20 };

		letter_view_field(v, names[i][0], &text);
		if (text.len > 0)
			json_value_set_text(o, names[i][1], buf_slice(&text));
	}
	return o;
}

static int
list_one(struct reading *r, uint32_t uid, struct json_value *list)
{
	struct letter_view v;
	struct json_value *o;
	int rc = letters_open(&r->letters, uid, &v, &r->error);

	if (rc == 0 && list == NULL) {
		print_row(&v);
	} else if (rc == 0) {
		o = fields_json(&v);
		json_value_set(o, "verdict", verdict_json(&r->letters, &v));
		json_value_append(list, o);
	}
	letter_view_done(&v);
	return rc;
}

int
verb_inbox(int argc, char **argv)
{
	uint32_t uids[SHOWN_MAX];
	struct json_value *list = NULL;
	struct reading r;
	size_t count = 0;
	int status, rc;

	if (!begin(&r, argc, argv, 0, inbox_help, &status))
		return status;
	rc = mirror_newest(&r.letters.mailbox, uids, r.limit > SHOWN_MAX ? SHOWN_MAX : r.limit, &count, &r.error);
	if (r.common.json)
		list = json_value_list();
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = list_one(&r, uids[i], list);
	if (rc == 0 && count == 0 && !r.common.json)
		(void)puts("There is no letter in the inbox.");
	if (rc == 0 && r.common.json)
		rc = client_print_json(list, &r.error);
	else
		json_value_free(list);
	return end(&r, rc, EXIT_DONE);
}

/* ---- read ---- */

static void
print_fields(const struct letter_view *v)
{
	static const char *const names[] = { "From", "To", "Cc", "Date", "Subject" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		BUF_OWNED struct buf text = { .max = 1 << 20 };

		letter_view_field(v, names[i], &text);
		if (text.len == 0)
			continue;
		(void)printf("%s: ", names[i]);
		client_print(buf_slice(&text));
		(void)fputc('\n', stdout);
	}
}

/* A part's name for people and for saving. */
static void
attachment_name(const struct mime_part *part, size_t n, struct buf *out)
{
	(void)mime_part_filename(part, out);
	if (out->len == 0)
		(void)buf_putf(out, "attachment-%zu", n + 1);
}

static void
print_attachments(const struct letter_view *v)
{
	const struct mime_part *part;

	for (size_t n = 0; (part = letter_opened_attachment(v->opened, n)) != NULL; n++) {
		BUF_OWNED struct buf name = { .max = FIELD_MAX };

		attachment_name(part, n, &name);
		if (n == 0)
			(void)puts("\nAttachments (`letterlock save` writes them):");
		(void)printf("  %zu  ", n + 1);
		client_print(buf_slice(&name));
		(void)fputs("  ", stdout);
		client_print(part->type.value);
		(void)printf("  %llu octets encoded\n", (unsigned long long)part->body_len);
	}
}

static int
text_of(struct reading *r, const struct letter_view *v, struct buf *out)
{
	const struct mime_part *html = NULL;
	int rc;

	if (letter_opened_root(v->opened) == NULL)
		return 0;
	rc = letter_opened_text(v->opened, out, &html, &r->error);
	if (rc != ERR_NOT_FOUND)
		return rc;
	if (html != NULL)
		(void)buf_put_str(out, "(This letter has only HTML, which is not shown here.)\n");
	return 0;
}

static int
show(struct reading *r, const struct letter_view *v)
{
	BUF_OWNED struct buf text = { .max = LETTER_TEXT_MAX };
	BUF_OWNED struct buf safe = { .max = 8 * LETTER_TEXT_MAX };
	int rc = text_of(r, v, &text);

	if (rc != 0)
		return rc;
	print_fields(v);
	(void)fputc('\n', stdout);
	verdict_print(&r->letters, v);
	(void)fputc('\n', stdout);
	(void)printable_put(&safe, buf_slice(&text), PRINTABLE_TEXT, safe.max);
	if (safe.len > 0)
		(void)fwrite(safe.data, 1, safe.len, stdout);
	if (safe.len > 0 && safe.data[safe.len - 1] != '\n')
		(void)fputc('\n', stdout);
	print_attachments(v);
	return 0;
}

static int
show_json(struct reading *r, const struct letter_view *v)
{
	BUF_OWNED struct buf text = { .max = LETTER_TEXT_MAX };
	struct json_value *o = fields_json(v), *list = json_value_list();
	const struct mime_part *part;
	int rc = text_of(r, v, &text);

	json_value_set(o, "verdict", verdict_json(&r->letters, v));
	json_value_set_text(o, "text", buf_slice(&text));
	for (size_t n = 0; (part = letter_opened_attachment(v->opened, n)) != NULL; n++) {
		struct json_value *a = json_value_object();
		BUF_OWNED struct buf name = { .max = FIELD_MAX };

		attachment_name(part, n, &name);
		json_value_set_text(a, "name", buf_slice(&name));
		json_value_set_text(a, "type", part->type.value);
		json_value_append(list, a);
	}
	json_value_set(o, "attachments", list);
	if (rc == 0)
		return client_print_json(o, &r->error);
	json_value_free(o);
	return rc;
}

/* The way it came, instead of what it says. */
static int
show_journey(struct reading *r, const struct letter_view *v)
{
	struct journey j;
	struct json_value *o;
	int rc = journey_make(&r->letters.account, v, &j, &r->error);

	if (rc == 0 && r->common.json) {
		o = fields_json(v);
		json_value_set(o, "verdict", verdict_json(&r->letters, v));
		json_value_set(o, "journey", journey_json(&j));
		rc = client_print_json(o, &r->error);
	} else if (rc == 0) {
		print_fields(v);
		(void)fputc('\n', stdout);
		verdict_print(&r->letters, v);
		(void)fputc('\n', stdout);
		journey_print(&j);
	}
	journey_done(&j);
	return rc;
}

static int
show_letter(struct reading *r, const struct letter_view *v)
{
	if (r->journey)
		return show_journey(r, v);
	return r->common.json ? show_json(r, v) : show(r, v);
}

int
verb_read(int argc, char **argv)
{
	struct letter_view v = { 0 };
	struct reading r;
	int status, rc;

	if (!begin(&r, argc, argv, 1, read_help, &status))
		return status;
	rc = letters_open(&r.letters, r.uid, &v, &r.error);
	if (rc == 0)
		rc = show_letter(&r, &v);
	if (rc == 0) {
		status = verdict_status(letter_opened_verdict(v.opened));
		(void)mailbox_mark_seen(&r.letters.mailbox, r.uid, NULL);
	}
	letter_view_done(&v);
	return end(&r, rc, status);
}

/* ---- save ---- */

/* name, then name-2, name-3 before its extension: whatever is free. */
static int
open_free_name(struct reading *r, struct slice name, struct file_writer *w)
{
	char path[FILE_PATH_MAX], candidate[600];
	size_t dot = slice_find_last(name, '.');
	int rc = ERR_EXISTS;

	if (dot == SIZE_MAX || dot == 0)
		dot = name.len;
	for (unsigned n = 1; n <= TRIES_MAX && rc == ERR_EXISTS; n++) {
		char number[16] = "";

		if (n > 1)
			(void)snprintf(number, sizeof number, "-%u", n);
		(void)snprintf(candidate, sizeof candidate, "%.*s%s%.*s", (int)dot, (const char *)name.data, number,
		    (int)(name.len - dot), (const char *)name.data + dot);
		rc = path_join(path, r->to, candidate, &r->error);
		if (rc == 0)
			rc = file_writer_open(w, path, 0600, FILE_NEW, &r->error);
	}
	return rc;
}

static int
write_decoded(struct reading *r, const struct letter_view *v, const struct mime_part *part, struct file_writer *w)
{
	struct slice body = mime_part_body(letter_opened_source(v->opened), part);
	BUF_OWNED struct buf out = { .max = 4 * DECODE_STEP };
	struct mime_decoder d;
	int rc = 0;

	mime_decoder_init(&d, part->encoding);
	for (; body.len > 0 && rc == 0; body = slice_from(body, DECODE_STEP)) {
		buf_clear(&out);
		if (mime_decoder_feed(&d, slice_sub(body, 0, DECODE_STEP), &out) != 0)
			return error_nomem(&r->error);
		rc = file_writer_put(w, buf_slice(&out), &r->error);
	}
	buf_clear(&out);
	(void)mime_decoder_end(&d, &out);
	if (rc == 0)
		rc = file_writer_put(w, buf_slice(&out), &r->error);
	return rc == 0 ? file_writer_commit(w, &r->error) : rc;
}

static int
save_one(
    struct reading *r, const struct letter_view *v, const struct mime_part *part, size_t n, struct json_value *list)
{
	BUF_OWNED struct buf name = { .max = 300 };
	struct file_writer w = { .fd = -1 };
	int rc;

	attachment_name(part, n, &name);
	rc = open_free_name(r, buf_slice(&name), &w);
	if (rc == 0)
		rc = write_decoded(r, v, part, &w);
	if (rc == 0 && list != NULL)
		json_value_append_text(list, slice_str(w.path));
	else if (rc == 0)
		client_say("Saved ", slice_str(w.path), "");
	file_writer_done(&w);
	return rc;
}

static int
save_all(struct reading *r, const struct letter_view *v)
{
	struct json_value *list;
	const struct mime_part *part;
	int rc = 0;
	size_t n;

	if (letter_opened_verdict(v->opened)->status == LETTER_CLOSED)
		return error_set(&r->error, letter_opened_verdict(v->opened)->closed_reason,
		    "this letter could not be opened: nothing of it is saved");
	rc = dir_make_private(r->to, &r->error);
	list = r->common.json ? json_value_list() : NULL;
	for (n = 0; rc == 0 && (part = letter_opened_attachment(v->opened, n)) != NULL; n++)
		rc = save_one(r, v, part, n, list);
	if (rc == 0 && r->common.json)
		return client_print_json(list, &r->error);
	json_value_free(list);
	if (rc == 0 && n == 0)
		(void)puts("This letter has no attachments.");
	return rc;
}

int
verb_save(int argc, char **argv)
{
	struct letter_view v = { 0 };
	struct reading r;
	int status, rc;

	if (!begin(&r, argc, argv, 1, save_help, &status))
		return status;
	rc = letters_open(&r.letters, r.uid, &v, &r.error);
	if (rc == 0)
		rc = save_all(&r, &v);
	letter_view_done(&v);
	return end(&r, rc, EXIT_DONE);
}
