/* SPDX-License-Identifier: ISC */
/*
 * Inside imap/: the client machine's state, shared by what reads responses
 * (client.c) and what begins commands (client_command.c).
 */
#ifndef IMAP_CLIENT_INTERNAL_H
#define IMAP_CLIENT_INTERNAL_H

#include "base/buf.h"
#include "imap/client.h"
#include "imap/limits.h"
#include "sasl/client.h"

enum imap_client_phase {
	PHASE_GREETING,
	PHASE_ASKING, /* CAPABILITY was sent by the machine itself */
	PHASE_READY,
	PHASE_COMMAND,
	PHASE_SENDING, /* APPEND: the message goes out */
	PHASE_IDLING,
	PHASE_SHAKING, /* STARTTLS was answered OK; this machine is over */
	PHASE_CLOSED,
};

enum imap_client_command {
	SENT_NOTHING,
	SENT_STARTTLS,
	SENT_LOGIN,
	SENT_SELECT,
	SENT_LIST,
	SENT_SEARCH,
	SENT_FETCH,
	SENT_FETCH_BODY,
	SENT_APPEND,
	SENT_IDLE,
	SENT_LOGOUT,
	SENT_OTHER,
};

struct imap_client {
	struct imap_client_options options;
	enum imap_client_phase phase;
	enum imap_client_command command;
	struct buf out;
	struct buf line; /* one response: literals in place */
	struct buf chunk;
	size_t line_from;
	uint64_t literal_left;
	unsigned literals;
	bool quoted;
	bool escaped;
	bool stream;    /* the literal that is coming goes out as DATA */
	bool streamed;  /* one of this response did */
	bool whole;     /* line is a whole response */
	bool chunk_out; /* chunk is full enough to go out */
	bool told;      /* the last event points into chunk, or into line and arena */
	bool held;      /* an event waits behind the DATA of a section that came as a quoted string */
	struct imap_client_event held_event;
	int fault; /* of the input: ERR_LIMIT, ERR_SYNTAX, ERR_NOMEM */
	struct arena arena;
	unsigned counter;
	unsigned quiet;
	char tag[16];
	struct buf capabilities; /* separated by spaces, one at both ends */
	struct imap_client_mailbox mailbox;
	struct sasl_client sasl;
	struct sasl_credentials credentials;
	struct buf secret; /* what credentials point to */
	struct sasl_channel channel;
	unsigned permitted;               /* mechanisms; 0: all */
	struct error sasl_error;          /* code != 0: why the exchange was given up */
	enum sasl_mechanism signed_in_by; /* after yes */
	uint64_t append_left;
};

void imap_client_forget_secret(struct imap_client *m);
/* AUTHENTICATE with those of the permitted mechanisms that the server offers; secret is there. */
int imap_client_authenticate(struct imap_client *m, unsigned permitted, struct error *e);

#endif
