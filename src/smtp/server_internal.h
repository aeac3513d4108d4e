/* SPDX-License-Identifier: ISC */
/* Inside smtp/: the server machine's parts. */
#ifndef SMTP_SERVER_INTERNAL_H
#define SMTP_SERVER_INTERNAL_H

#include "base/buf.h"
#include "sasl/relay.h"
#include "smtp/data.h"
#include "smtp/server.h"

enum server_state {          /* bits: a command says in which it may come */
	STATE_START = 1,     /* before EHLO or HELO */
	STATE_READY = 2,     /* no transaction */
	STATE_MAIL = 4,      /* MAIL was accepted */
	STATE_RECIPIENT = 8, /* and at least one RCPT */
	STATE_AUTH = 16,     /* the next line is a response of the exchange */
	STATE_DATA = 32,     /* the next octets are text */
	STATE_OVER = 64,     /* nothing more is read: START_TLS or CLOSE was told */
	STATE_CHUNK = 128,   /* the next octets are a chunk's */
	STATE_CHUNKS = 256,  /* between the chunks of a text */
};
#define STATE_COMMANDS (STATE_START | STATE_READY | STATE_MAIL | STATE_RECIPIENT | STATE_CHUNKS)

/* The chunk of a BDAT command. */
struct server_chunk {
	uint64_t size, left; /* octets */
	bool last;
	enum smtp_reply refusal; /* its octets are dropped, and then this is said */
	enum server_state back;  /* after that */
};

struct smtp_server {
	struct smtp_server_config config;
	struct buf hostname;
	struct buf hello;
	struct buf in;  /* unread from in_at on */
	size_t in_at;   /* octets of in that are done with */
	size_t scanned; /* octets behind in_at where no line ends */
	struct buf out;
	struct sasl_relay sasl;
	struct smtp_data data;
	enum server_state state;
	enum smtp_server_what asked; /* the open question, or SMTP_SERVER_NOTHING */
	enum smtp_reply stop;        /* say this and close when there is a chance */
	bool esmtp;                  /* EHLO, not HELO */
	bool authenticated;
	bool skipping; /* the rest of an over-long line */
	bool too_big;  /* the text passed size_max */
	bool utf8;     /* MAIL had SMTPUTF8 */
	struct server_chunk chunk;
	size_t skipped;    /* octets of that line */
	uint64_t size;     /* octets of the text so far */
	uint64_t progress; /* octets since the time to wait began anew */
	uint32_t recipients;
	uint32_t due; /* answers to END that are still to come */
	unsigned errors, refused, auth_failures;
	int64_t deadline;
};

/* A parsed command. */
struct smtp_command {
	struct slice argument; /* EHLO, HELO: the name; AUTH: the mechanism */
	struct slice response; /* AUTH: the initial response */
	bool has_response;
	struct smtp_path path;
	uint64_t size; /* MAIL; BDAT: of the chunk */
	bool body_8bit;
	bool utf8;        /* MAIL: SMTPUTF8 is given; RCPT: MAIL had it */
	bool require_tls; /* MAIL */
	enum smtp_return ret;
	struct slice envid, orcpt;
	unsigned notify;
	bool last; /* BDAT */
};

/* Parses and carries out one line (without CRLF); fills event when there is something to tell. */
void server_command(struct smtp_server *m, struct slice line, struct smtp_server_event *event);
/* One response of the authentication exchange. */
void server_auth_response(struct smtp_server *m, struct slice line, bool initial, struct smtp_server_event *event);

/* Writes a reply; counts refusals and ends the connection when they are too many. */
void server_reply(struct smtp_server *m, enum smtp_reply reply, struct slice detail);
/* The same for the text of a transaction: in LMTP once for each recipient. */
void server_reply_text(struct smtp_server *m, enum smtp_reply reply);
/* A BDAT command was read, and its chunk is still to come; refusal: what will be said instead of taking it. */
void server_chunk_begin(
    struct smtp_server *m, const struct smtp_command *c, enum smtp_reply refusal, struct smtp_server_event *event);
/* Opens a question. */
void server_ask(struct smtp_server *m, struct smtp_server_event *event, enum smtp_server_what what);

#endif
