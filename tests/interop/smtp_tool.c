/* SPDX-License-Identifier: ISC */
/*
 * The SMTP client machine against a server of others, without TLS:
 *
 *   smtp_tool PORT data|bdat FROM RECIPIENT... <text
 *
 * Prints a line for each answer: "recipient N CODE", "sent CODE"; and "bdat N", how many chunks it said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/client.h"
#include "smtp/client.h"

#define RECIPIENTS_MAX 20
#define STEP 10000

static struct smtp_client *machine;
static struct client *net;
static unsigned chunks;

/* ---- a look at what goes out ---- */

static size_t
feed(void *m, struct slice in, int64_t now_ms)
{
	return smtp_client_ops.feed(m, in, now_ms);
}

static struct slice
output(void *m)
{
	return smtp_client_ops.output(m);
}

static void
sent(void *m, size_t len)
{
	struct slice out = slice_sub(smtp_client_ops.output(m), 0, len);

	for (size_t at = 0; at < out.len; at++)
		chunks += slice_starts(slice_from(out, at), SLICE("BDAT ")) && (at == 0 || out.data[at - 1] == '\n');
	smtp_client_ops.sent(m, len);
}

static int64_t
deadline(const void *m)
{
	return smtp_client_ops.deadline(m);
}

static const struct machine_ops ops = { .feed = feed, .output = output, .sent = sent, .deadline = deadline };

/* ---- */

static void
give_up(const struct error *e)
{
	(void)fprintf(stderr, "smtp_tool: %s\n", e->text);
	exit(1);
}

static struct smtp_client_event
next(void)
{
	struct smtp_client_event event;
	struct error e;

	while (smtp_client_next(machine, &event) == SMTP_CLIENT_NOTHING)
		if (client_step(net, &ops, machine, &e) != 0)
			give_up(&e);
	if (event.what == SMTP_CLIENT_FAILED)
		give_up(&event.error);
	return event;
}

static void
put_text(void)
{
	static uint8_t piece[STEP];
	struct error e;
	ssize_t n;

	while ((n = read(STDIN_FILENO, piece, sizeof piece)) > 0) {
		struct slice text = slice_of(piece, (size_t)n);

		while (text.len > 0) {
			size_t took = smtp_client_put(machine, text);

			text = slice_from(text, took);
			if (took == 0 && client_step(net, &ops, machine, &e) != 0)
				give_up(&e);
		}
	}
	smtp_client_end(machine);
}

int
main(int argc, char **argv)
{
	struct slice recipients[RECIPIENTS_MAX];
	struct smtp_client_message message = { .recipients = recipients, .body_8bit = true };
	struct smtp_client_event event = { .what = SMTP_CLIENT_NOTHING };
	struct smtp_client_config config = { .hello = SLICE("client.example.net") };
	struct client_config server = { .host = "127.0.0.1" };
	struct error e;

	if (argc < 5 || argc > 4 + RECIPIENTS_MAX)
		return 2;
	server.port = (uint16_t)strtoul(argv[1], NULL, 10);
	config.no_chunking = strcmp(argv[2], "data") == 0;
	message.from = slice_str(argv[3]);
	for (int i = 4; i < argc; i++)
		recipients[message.recipient_count++] = slice_str(argv[i]);
	if (client_connect(&server, &net, NULL, &e) != 0 || smtp_client_new(&config, &machine, &e) != 0)
		give_up(&e);
	while (event.what != SMTP_CLIENT_SENT) {
		event = next();
		if (event.what == SMTP_CLIENT_READY && smtp_client_send(machine, &message, &e) != 0)
			give_up(&e);
		if (event.what == SMTP_CLIENT_RECIPIENT)
			(void)printf("recipient %zu %u\n", event.recipient, event.answer.code);
		if (event.what == SMTP_CLIENT_BODY)
			put_text();
	}
	(void)printf("sent %u\nbdat %u\n", event.answer.code, chunks);
	smtp_client_quit(machine);
	(void)client_flush(net, &ops, machine, NULL);
	smtp_client_free(machine);
	client_close(net);
	return 0;
}
