/* SPDX-License-Identifier: ISC */
/*
 * A message on its way in: the envelope, and the text as it is to be kept.
 *
 *   trace    our fields for the mailbox (RFC 5321 section 4.4: Return-Path; Delivered-To for one recipient)
 *   results  Authentication-Results, when it is judged
 *   received our Received field
 *   added    what is found out about it, and signatures: may come when all the rest is known
 *   header   as it came, and in submission what was missing, with its empty line
 *   text     the body, which grows; who sends it on takes it away in pieces
 *
 * The header is held until it is whole, and looked at (loops; in submission
 * Date, Message-ID and who it is from). All that stands in front of the text is
 * put in front of it at the end: smtp_message_front().
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
#include "store/limits.h"

struct arc_verdict;
struct sign;

struct smtp_recipient {
	struct slice address;
	unsigned notify;    /* enum smtp_notify bits; 0: not said */
	struct slice orcpt; /* "type;xtext"; empty: none */
	size_t inboxes;     /* that it stands for */
	bool sends;         /* it leads to others */
	bool delivered_to;  /* a Delivered-To field says that it was there already */
};

struct smtp_message {
	struct arena arena; /* the envelope */
	struct slice from;  /* empty: the null sender */
	struct smtp_recipient *recipients;
	size_t recipient_count, recipient_room;
	size_t send_count;  /* recipients that lead to others */
	uint32_t skip;      /* octets in front that are for our own mailboxes alone */
	bool eight_bit;     /* there are octets above 127 in it */
	bool require_tls;   /* MAIL had REQUIRETLS */
	bool tls_optional;  /* its header says "TLS-Required: No" */
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
	struct buf head; /* of the header, until it is whole */
	struct buf trace, results, received, added, header;
	bool junk;                          /* it goes into Junk */
	bool judged;                        /* set behind smtp_message_new(): a judge hears it and has the last word */
	bool settled;                       /* that word was said */
	struct slice found, body_hash;      /* for a seal (service/ask.h, ask_seal): not ours */
	const struct arc_verdict *chain;    /* likewise */
	const struct smtp_message_ear *ear; /* set likewise: who hears the text; NULL: nobody */
	void *ear_ctx;
	struct buf text;      /* what of the body is to be kept and was not taken away */
	uint32_t header_size; /* 0: what stands in front of the text is not put there yet; then octets of it */
	bool header_whole;
	struct sign *sign;            /* service/sign/sign.h: it is being signed; NULL: it is not */
	bool sign_asked;              /* the signatures are in added, or none are wanted */
	enum smtp_reply refusal;      /* decided on the way; said at the end */
	struct slice *from_addresses; /* submission: of From, Sender, Resent-From and Resent-Sender */
	size_t from_count;
	struct slice from_domain; /* submission: of the first address in From; of what we put there, too. Empty: none */
	uint64_t handle;          /* where the store stages it; 0: nowhere */
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
	bool submission, utf8, require_tls;
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
/* The last recipient leads to others (too). */
void smtp_message_recipient_sends(struct smtp_message *m);

/* What the last recipient's RCPT said of reports. Copied. ERR_NOMEM. */
int smtp_message_recipient_reports(struct smtp_message *m, unsigned notify, struct slice orcpt);
/* A recipient's delivery is to be reported, and there is somebody to report it to. */
bool smtp_message_wants_report(const struct smtp_message *m);

/* More of the text. After a refusal it does nothing. */
void smtp_message_put(struct smtp_message *m, struct slice chunk, const struct smtp_trace *trace);
/* No more comes. */
void smtp_message_end(struct smtp_message *m, const struct smtp_trace *trace);
/* Appends what stands in front of the body: trace, results, received, added, header. Its size is the header's. Returns out's error. */
int smtp_message_front(const struct smtp_message *m, struct buf *out);
/* Nothing is added any more: all that is put in front of the text, header_size is set. For a text nothing was taken from. */
void smtp_message_close(struct smtp_message *m);
/* Octets of it are at most so many: a header, what was missing in it, and ours. */
#define SMTP_MESSAGE_FRONT_MAX STORE_FRONT_MAX

#endif
