/* SPDX-License-Identifier: ISC */
#include "os/pinentry.h"

#include <stdlib.h>
#include <string.h>

#include "os/spawn.h"
#include "os/terminal.h"

#define ANSWER_MAX (8u * TERMINAL_SECRET_MAX) /* octets that it says in all; each of the secret's may be escaped */
#define WAIT_MS (5 * 60 * 1000)

bool
pinentry_can_ask(void)
{
	const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

	return (x != NULL && x[0] != '\0') || (wayland != NULL && wayland[0] != '\0');
}

/* In a command's argument '%' and line ends are escaped. */
static void
put_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '%' || *text == '\n' || *text == '\r')
			(void)buf_putf(out, "%%%02X", (unsigned)(unsigned char)*text);
		else
			(void)buf_put_u8(out, (uint8_t)*text);
	}
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
put_unescaped(struct buf *out, struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.data[i];

		if (c == '%' && i + 2 < line.len && digit(line.data[i + 1]) >= 0 && digit(line.data[i + 2]) >= 0) {
			c = (uint8_t)(digit(line.data[i + 1]) << 4 | digit(line.data[i + 2]));
			i += 2;
		}
		(void)buf_put_u8(out, c);
	}
}

/* "OK" for each command, "D secret" before that of GETPIN, "ERR number words" when the person cancels. */
static int
read_answer(struct slice answer, struct buf *out, struct error *e)
{
	while (answer.len > 0) {
		struct slice line = slice_split(answer, '\n', &answer);

		if (slice_starts(line, SLICE("D ")))
			put_unescaped(out, slice_from(line, 2));
		else if (slice_starts(line, SLICE("ERR ")))
			return error_set(e, ERR_CLOSED, "it was not told: the window was closed");
	}
	return out->err != 0 ? error_set(e, out->err, "the answer is longer than %zu octets", out->max) : 0;
}

int
pinentry_ask_secret(const char *question, struct buf *out, struct error *e)
{
	static const char *const argv[] = { "pinentry", NULL };
	BUF_OWNED struct buf commands = { .max = 4096 };
	struct spawn_result result;
	struct buf answer;
	int rc;

	/* All of it at once, so that growing leaves no copies behind. */
	buf_init(&answer, ANSWER_MAX);
	if (buf_reserve(&answer, ANSWER_MAX) == NULL || buf_reserve(out, out->max - out->len) == NULL)
		return error_nomem(e);
	(void)buf_put_str(&commands, "SETTITLE Letterlock\nSETDESC ");
	put_escaped(&commands, question);
	(void)buf_put_str(&commands, "\nSETPROMPT Letterlock:\nGETPIN\nBYE\n");
	rc = spawn_run(argv, buf_slice(&commands), &answer, WAIT_MS, &result, e);
	if (rc == ERR_NOT_FOUND)
		rc = error_set(e, ERR_USAGE, "there is no terminal to ask at, and no pinentry to ask with");
	if (rc == 0)
		rc = read_answer(buf_slice(&answer), out, e);
	buf_wipe_done(&answer);
	return rc;
}
