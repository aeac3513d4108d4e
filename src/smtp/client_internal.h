/* SPDX-License-Identifier: ISC */
/* Inside smtp/: the client machine's parts. */
#ifndef SMTP_CLIENT_INTERNAL_H
#define SMTP_CLIENT_INTERNAL_H

#include "base/buf.h"
#include "smtp/client.h"
#include "smtp/data.h"

enum client_state {
	STATE_GREETING, /* wait for 220 */
	STATE_EHLO,
	STATE_HELO,
	STATE_STARTTLS,
	STATE_SHAKING, /* START_TLS was told */
	STATE_AUTH,
	STATE_READY,
	STATE_ENVELOPE, /* MAIL, RCPT, DATA */
	STATE_TEXT,     /* BODY was told: put and end */
	STATE_END,      /* wait for the answer to the text */
	STATE_RESET,    /* RSET after a refusal, then SENT was told already */
	STATE_QUIT,
	STATE_OVER,
};

struct smtp_client {
	bool tls, start_tls, if_offered, no_chunking;
	struct buf hello;
	const struct sasl_credentials *credentials;
	struct sasl_client sasl;
	struct sasl_channel channel;
	unsigned permitted;  /* mechanisms; 0: all */
	struct buf response; /* the first one, when it waits for the server's 334 */
	enum sasl_mechanism signed_in_by;
	enum client_state state;
	struct buf in;
	size_t in_at;
	struct buf out;
	struct smtp_answer_reader reader;
	struct smtp_stuffer stuffer;
	bool told_ready;
	/* announced */
	bool pipelining, has_start_tls, body_8bit, has_size, chunking, has_utf8, has_dsn, has_require_tls;
	bool offered_tls; /* in clear */
	uint64_t size_max;
	struct buf mechanisms, server_name;
	/* the transaction: command 0 is MAIL, then each RCPT, then DATA */
	struct smtp_client_message message;
	size_t written, answered, accepted;
	bool goodbye; /* QUIT was the last word of what failed */
	bool mail_refused, only_end, utf8;
	/* the text by BDAT */
	bool by_chunks, reset_said, envelope_answered;
	struct buf chunk; /* of the text, not yet said */
	uint64_t chunks_sent, chunks_answered;
	struct smtp_answer
	    refusal; /* of MAIL, a chunk, or the whole connection: the first one; its text is in refusal_text */
	struct buf refusal_text;
	struct error failure;     /* code != 0: tell it */
	uint64_t answers, octets; /* whole answers; octets of output that went */
};

/* A command: verb, argument, CR LF. */
void smtp_client_say(struct smtp_client *m, const char *verb, struct slice argument);
/* Commands of the envelope: all at once, or the next when the last was answered. */
void smtp_client_write_commands(struct smtp_client *m);
/* A line of the server's, without its end. False: none is there, or it is too long and the machine has failed. */
bool smtp_client_take_line(struct smtp_client *m, struct slice *line);
/* Keeps the first refusal of a transaction, or the last words of the connection. */
void smtp_client_note_refusal(struct smtp_client *m, const struct smtp_answer *a);
/* A whole answer, for the state that the machine is in. */
void smtp_client_answer_came(struct smtp_client *m, const struct smtp_answer *a, struct smtp_client_event *event);

#endif
