/* SPDX-License-Identifier: ISC */
/*
 * A message on its way in: the envelope, and the text as it is to be kept,
 * with our trace fields in front (RFC 5321 section 4.4: Return-Path and
 * Received; Delivered-To for one recipient). The header is held until it is
 * whole, looked at (loops; in submission Date, Message-ID and who it is from), and then
 * the text grows behind it. Who sends the text on takes it away in pieces.
 *
 * Of a message that is judged the header stays here to the end, as what is
 * found out, and what it changes, stands in it: the text is the body alone, and
 * smtp_message_front() makes what is before it.
 */
#ifndef SERVICE_SMTP_MESSAGE_H
#define SERVICE_SMTP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "smtp/dsn.h"
#include "smtp/reply.h"

struct smtp_recipient {
	struct slice address;
	unsigned notify;    /* enum smtp_notify bits; 0: not said */
	struct slice orcpt; /* "type;xtext"; empty: none */
	bool delivered_to;  /* a Delivered-To field says that it was there already */
};

struct smtp_message {
	struct arena arena; /* the envelope */
	struct slice from;  /* empty: the null sender */
	struct smtp_recipient *recipients;
	size_t recipient_count, recipient_room;
	uint64_t *accounts; /* of all recipients, ascending, each once: who gets it */
	size_t account_count, account_room;
	size_t named; /* accounts that recipients stood for, each as often as it was named */
	bool submission;
	bool utf8; /* MAIL had SMTPUTF8 */
	enum smtp_return
	    ret; /* what reports on it shall hold, and the sender's name for it (RFC 3461), for whoever sends on */
	struct slice envid;
	struct buf
	    original; /* its header as it came, for a report on its delivery; empty: none is wanted, or it is too long */
	struct buf head;      /* of the header, until it is whole */
	struct buf front;     /* of a judged message: what stands before the text */
	bool junk;            /* it goes into Junk */
	struct buf text;      /* what is to be kept and was not taken away */
	uint32_t header_size; /* with ours, the empty line included; 0: not whole yet */
	bool header_whole;
	bool judged;                        /* set behind smtp_message_new(): the header stays in head */
	const struct smtp_message_ear *ear; /* set likewise: who hears the text; NULL: nobody */
	void *ear_ctx;
	enum smtp_reply refusal;      /* decided on the way; said at the end */
	struct slice *from_addresses; /* submission: of From, Sender, Resent-From and Resent-Sender */
	size_t from_count;
	uint64_t handle; /* where the store stages it; 0: nowhere */
};

/* Told of a message as it comes. */
struct smtp_message_ear {
	void (*header)(void *ctx, struct slice block); /* once, with its empty line if it has one */
	void (*body)(void *ctx, struct slice piece);
};

/* What Received says. Texts must outlive the message's header. */
struct smtp_trace {
	struct slice hello;    /* what the client called itself */
	const char *peer;      /* its address */
	struct slice name;     /* of the address, confirmed and a valid host name; or empty */
	const char *protocol;  /* "ESMTPS" */
	struct slice hostname; /* ours */
	const char *tls;       /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or NULL */
	struct slice id;       /* of this message */
	uint64_t now;          /* unix seconds */
	uint8_t random[16];    /* for a Message-ID */
};

/* What came with MAIL. Texts are copied. NULL: no memory. */
struct smtp_message_envelope {
	struct slice from;
	bool submission, utf8;
	enum smtp_return ret;
	struct slice envid;
};
struct smtp_message *smtp_message_new(const struct smtp_message_envelope *in);
void smtp_message_free(struct smtp_message *m);

/*
 * One address and the accounts that it stands for (ascending, as ask.h gives
 * them), copied. ERR_NOMEM; ERR_LIMIT: with these the message would have more
 * than SERVICE_RECIPIENTS_MAX accounts. Nothing is added then.
 */
int
smtp_message_recipient(struct smtp_message *m, struct slice address, const uint64_t *accounts, size_t account_count);

/* What the last recipient's RCPT said of reports. Copied. ERR_NOMEM. */
int smtp_message_recipient_reports(struct smtp_message *m, unsigned notify, struct slice orcpt);
/* A recipient's delivery is to be reported, and there is somebody to report it to. */
bool smtp_message_wants_report(const struct smtp_message *m);

/* More of the text. After a refusal it does nothing. */
void smtp_message_put(struct smtp_message *m, struct slice chunk, const struct smtp_trace *trace);
/* No more comes. */
void smtp_message_end(struct smtp_message *m, const struct smtp_trace *trace);
/*
 * Of a judged message, at its end: our trace fields, among them these (whole, each with its CRLF), and header, which is
 * head or what was made of it. Appends, and sets header_size. Returns out's sticky error.
 */
int smtp_message_front(
    struct smtp_message *m, const struct smtp_trace *trace, struct slice fields, struct slice header, struct buf *out);

#endif
