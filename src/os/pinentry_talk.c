/* SPDX-License-Identifier: ISC */
/* The conversation with pinentry: commands that wait for their OK one after the other. */
#include <string.h>

#include "base/mem.h"
#include "os/pinentry.h"
#include "os/terminal.h"

#define COMMANDS_MAX 8192u
#define ERROR_CANCELLED 99u /* of libgpg-error, in the lower 16 bits of the number */
#define ERROR_NOT_CONFIRMED 114u
#define ERROR_TIMEOUT 62u

struct pinentry_talk {
	enum pinentry_state state;
	bool greeted, asked; /* the last command, whose answer counts, was sent */
	struct buf commands; /* those that were not begun yet */
	struct buf out;      /* the one that is being sent */
	struct buf line;     /* what came of the line that is not whole yet */
	struct buf answer;
};

/* In a command's argument '%' and control characters are escaped. */
static void
put_escaped(struct buf *out, const char *text)
{
	for (size_t n = 0; text[n] != '\0' && n < PINENTRY_TEXT_MAX; n++) {
		uint8_t c = (uint8_t)text[n];

		if (c == '%' || c < 32 || c == 127)
			(void)buf_putf(out, "%%%02X", (unsigned)c);
		else
			(void)buf_put_u8(out, c);
	}
}

static void
put_command(struct buf *out, const char *word, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	(void)buf_put_str(out, word);
	put_escaped(out, text);
	(void)buf_put_u8(out, '\n');
}

static void
put_commands(struct buf *out, const struct pinentry_question *q)
{
	const struct pinentry_seat *s = q->seat;

	put_command(out, "OPTION ttyname=", s->items[SEAT_TTY]);
	put_command(out, "OPTION ttytype=", s->items[SEAT_TERM]);
	put_command(out, "OPTION lc-ctype=", s->items[SEAT_LC_CTYPE]);
	put_command(out, "OPTION lc-messages=", s->items[SEAT_LC_MESSAGES]);
	(void)buf_putf(out, "SETTIMEOUT %u\n", q->seconds == 0 ? PINENTRY_WAIT_S : q->seconds);
	put_command(out, "SETTITLE ", "Letterlock");
	put_command(out, "SETDESC ", q->description);
	put_command(out, "SETERROR ", q->error);
	if (q->kind == PINENTRY_NEW) {
		put_command(out, "SETREPEAT ", "Once more:");
		put_command(out, "SETREPEATERROR ", "These were two different ones.");
	}
	if (q->kind == PINENTRY_CONFIRM) {
		put_command(out, "SETOK ", "Permit");
		put_command(out, "SETCANCEL ", "Refuse");
	} else
		put_command(out, "SETPROMPT ", "Passphrase:");
	(void)buf_put_str(out, q->kind == PINENTRY_CONFIRM ? "CONFIRM\n" : "GETPIN\n");
}

int
pinentry_talk_new(const struct pinentry_question *q, struct pinentry_talk **out, struct error *e)
{
	struct pinentry_talk *t = mem_alloc(sizeof *t);

	if (t == NULL)
		return error_nomem(e);
	buf_init(&t->commands, COMMANDS_MAX);
	buf_init(&t->out, COMMANDS_MAX);
	buf_init(&t->line, PINENTRY_LINE_MAX);
	buf_init(&t->answer, TERMINAL_SECRET_MAX);
	put_commands(&t->commands, q);
	/* Those that hold the secret are as large as they become: growing would leave copies behind. */
	if (t->commands.err != 0 || buf_reserve(&t->line, PINENTRY_LINE_MAX) == NULL ||
	    buf_reserve(&t->answer, TERMINAL_SECRET_MAX) == NULL) {
		pinentry_talk_free(t);
		return error_set(e, ERR_NOMEM, "there is no room for a question");
	}
	*out = t;
	return 0;
}

void
pinentry_talk_free(struct pinentry_talk *t)
{
	if (t == NULL)
		return;
	buf_done(&t->commands);
	buf_done(&t->out);
	buf_wipe_done(&t->line);
	buf_wipe_done(&t->answer);
	mem_free(t);
}

/* The next command goes out; after the last one the answer is there. */
static void
go_on(struct pinentry_talk *t)
{
	struct slice all = buf_slice(&t->commands), rest, line = slice_split(all, '\n', &rest);

	if (t->asked) {
		t->state = PINENTRY_ANSWERED;
		return;
	}
	buf_clear(&t->out);
	(void)buf_put(&t->out, line.data, line.len);
	(void)buf_put_u8(&t->out, '\n');
	buf_consume(&t->commands, all.len - rest.len);
	t->asked = t->commands.len == 0;
}

/* Commands before the question may be unknown to an older program. */
static void
take_error(struct pinentry_talk *t, struct slice number)
{
	unsigned code = 0;

	if (t->greeted && !t->asked) {
		go_on(t);
		return;
	}
	for (size_t i = 0; i < number.len && number.data[i] >= '0' && number.data[i] <= '9' && i < 9; i++)
		code = code * 10 + (unsigned)(number.data[i] - '0');
	code &= 0xffffu;
	t->state = code == ERROR_CANCELLED || code == ERROR_NOT_CONFIRMED || code == ERROR_TIMEOUT ? PINENTRY_CANCELLED
												   : PINENTRY_BROKEN;
}

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_upper(c);
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void
take_data(struct pinentry_talk *t, struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.data[i];

		if (c == '%' && i + 2 < line.len && digit(line.data[i + 1]) >= 0 && digit(line.data[i + 2]) >= 0) {
			c = (uint8_t)(digit(line.data[i + 1]) << 4 | digit(line.data[i + 2]));
			i += 2;
		}
		(void)buf_put_u8(&t->answer, c);
	}
	if (!t->asked || t->answer.err != 0)
		t->state = PINENTRY_BROKEN;
}

static bool
is_word(struct slice line, const char *word)
{
	struct slice w = slice_str(word);

	return slice_starts(line, w) && (line.len == w.len || line.data[w.len] == ' ');
}

static void
take_line(struct pinentry_talk *t, struct slice line)
{
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (is_word(line, "OK")) {
		t->greeted = true;
		go_on(t);
	} else if (is_word(line, "ERR"))
		take_error(t, slice_from(line, line.len > 4 ? 4 : line.len));
	else if (is_word(line, "D"))
		take_data(t, slice_from(line, line.len > 2 ? 2 : line.len));
	else if (!is_word(line, "S") && line.len > 0 && line.data[0] != '#')
		t->state = PINENTRY_BROKEN; /* it asks back, or is something else */
}

enum pinentry_state
pinentry_talk_feed(struct pinentry_talk *t, struct slice in)
{
	for (size_t i = 0; i < in.len && t->state == PINENTRY_GOES_ON; i++) {
		if (in.data[i] != '\n') {
			if (buf_put_u8(&t->line, in.data[i]) != 0)
				t->state = PINENTRY_BROKEN;
			continue;
		}
		take_line(t, buf_slice(&t->line));
		explicit_bzero(t->line.data, t->line.len);
		buf_clear(&t->line);
	}
	return t->state;
}

enum pinentry_state
pinentry_talk_end(struct pinentry_talk *t)
{
	if (t->state == PINENTRY_GOES_ON)
		t->state = PINENTRY_BROKEN;
	return t->state;
}

struct slice
pinentry_talk_output(const struct pinentry_talk *t)
{
	return buf_slice(&t->out);
}

void
pinentry_talk_sent(struct pinentry_talk *t, size_t len)
{
	buf_consume(&t->out, len);
}

struct slice
pinentry_talk_answer(const struct pinentry_talk *t)
{
	return t->state == PINENTRY_ANSWERED ? buf_slice(&t->answer) : SLICE_EMPTY;
}
