/* SPDX-License-Identifier: ISC */
/*
 * The client's machine (RFC 3501, RFC 9051): one command at a time against a
 * server that may be hostile. It refuses PREAUTH (nothing is believed before
 * TLS), never signs in without TLS, forgets everything at STARTTLS (make the
 * machine anew), ignores referrals, and holds no more than IMAP_CLIENT_RESPONSE_MAX
 * of a response: the octets of a message come in pieces.
 *
 *   imap_client_new()  ; client_step() ... until READY
 *   imap_client_start_tls() -> START_TLS: client_start_tls(), free, new with tls and no greeting -> READY
 *   imap_client_login() -> DONE, select -> DONE, search -> NUMBERS, DONE, fetch -> FETCH ..., DONE
 *
 * A command is begun only after READY or after the DONE of the one before;
 * otherwise ERR_ORDER. Texts of the server are shown only as the server's
 * words (base/printable.h), and only after TLS.
 */
#ifndef IMAP_CLIENT_H
#define IMAP_CLIENT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/machine.h"
#include "imap/command.h"
#include "sasl/sasl.h"

struct imap_client;

struct imap_client_options {
	bool tls;         /* TLS stands: commands with secrets are permitted */
	bool no_greeting; /* after STARTTLS: the server says nothing by itself */
};

enum imap_client_event_type {
	IMAP_CLIENT_NONE,      /* step on */
	IMAP_CLIENT_READY,     /* greeted, capabilities known */
	IMAP_CLIENT_START_TLS, /* shake hands now */
	IMAP_CLIENT_SEND,      /* APPEND: imap_client_put() the message */
	IMAP_CLIENT_IDLING,    /* IDLE has begun; CHANGED follows, imap_client_idle_end() ends it */
	IMAP_CLIENT_CHANGED,   /* an EXISTS, EXPUNGE or RECENT that was not asked for: see imap_client_mailbox() */
	IMAP_CLIENT_LIST,      /* name, flags */
	IMAP_CLIENT_NUMBERS,   /* of SEARCH */
	IMAP_CLIENT_DATA,      /* octets of the section that imap_client_fetch_body() asked for */
	IMAP_CLIENT_FETCH,     /* one message's data items */
	IMAP_CLIENT_DONE,      /* the command's answer: result, code, text */
	IMAP_CLIENT_CLOSED,    /* the server said BYE, or broke the protocol (error); nothing more will come */
};

/* One data item of a FETCH response, by its name as sent ("RFC822.SIZE", "BODY[HEADER]"). */
struct imap_client_item {
	struct slice name;
	struct slice value; /* strings without quotes; lists and numbers as text */
	bool nil;
	bool streamed; /* its octets came as DATA */
};

struct imap_client_event {
	enum imap_client_event_type type;
	/* All slices and lists live until the next call of imap_client_next(). */
	enum imap_result_word { IMAP_CLIENT_OK, IMAP_CLIENT_NO, IMAP_CLIENT_BAD } result; /* DONE */
	struct slice code;       /* DONE: the response code without brackets, or empty */
	struct slice text;       /* DONE, CLOSED: the server's words, unchecked */
	struct slice data;       /* DATA */
	struct slice name;       /* LIST: the mailbox in UTF-8 (as sent, when it is not modified UTF-7) */
	struct slice list_flags; /* LIST: "\Noselect \Sent" */
	uint8_t separator;       /* LIST: 0 for NIL */
	const uint32_t *numbers; /* NUMBERS */
	size_t number_count;
	uint32_t sequence; /* FETCH: the message's number */
	uint32_t uid;      /* FETCH: 0 when the server did not say */
	bool has_flags;
	uint32_t flags;                       /* FETCH: enum imap_flag bits */
	struct slice flag_list;               /* FETCH: all of them as text */
	uint64_t size;                        /* FETCH: RFC822.SIZE, or 0 */
	const struct imap_client_item *items; /* FETCH: every item */
	size_t item_count;
	uint32_t uidvalidity; /* DONE of an append with APPENDUID */
	uint32_t appended_uid;
	struct error error; /* CLOSED: ERR_CLOSED (BYE), ERR_SYNTAX, ERR_LIMIT, ERR_POLICY (PREAUTH without TLS) */
};

/* What the server said of the selected mailbox; kept up to date. */
struct imap_client_mailbox {
	uint32_t exists;
	uint32_t recent;
	uint32_t uidvalidity;
	uint32_t uidnext; /* 0 when not said */
	bool read_only;
};

extern const struct machine_ops imap_client_ops;

/* ERR_NOMEM. */
int imap_client_new(const struct imap_client_options *options, struct imap_client **out, struct error *e);
void imap_client_free(struct imap_client *m); /* NULL is permitted */
void imap_client_next(struct imap_client *m, struct imap_client_event *out);

/* As the server announced it, in any case: "IDLE", "UIDPLUS". */
bool imap_client_can(const struct imap_client *m, const char *capability);
struct imap_client_mailbox imap_client_mailbox(const struct imap_client *m);
/* By which mechanism it signed in; SASL_NONE: not yet, or by the LOGIN command. */
enum sasl_mechanism imap_client_signed_in(const struct imap_client *m);

/*
 * Commands. Names are UTF-8; sets, items, keys and flags are IMAP text that
 * the program made itself: CR, LF and NUL in them are ERR_USAGE. ERR_ORDER
 * while another runs, ERR_POLICY for a secret without TLS.
 */
/* ERR_POLICY when the server does not offer STARTTLS: never go on in clear. */
int imap_client_start_tls(struct imap_client *m, struct error *e);
/*
 * Before imap_client_login(): channel binding data of the connection, borrowed until DONE, and the mechanisms that may
 * be used (SASL_BIT()s; 0: all, and the LOGIN command).
 */
void imap_client_sasl(struct imap_client *m, const struct sasl_channel *channel, unsigned permitted);
/*
 * By the best SASL mechanism that both have (sasl/client.h), else by LOGIN; ERR_UNSUPPORTED when nothing is offered. When
 * SCRAM is refused and PLAIN or LOGIN is permitted too, that is tried, once, before DONE. CLOSED with ERR_INTEGRITY when
 * the server's part in it is not to be believed.
 */
int imap_client_login(struct imap_client *m, struct slice user, struct slice password, struct error *e);
int imap_client_select(struct imap_client *m, struct slice mailbox, bool read_only, struct error *e);
int imap_client_create(struct imap_client *m, struct slice mailbox, struct error *e);
int imap_client_list(struct imap_client *m, struct slice pattern, struct error *e);
/* UID SEARCH keys ("ALL", "UNSEEN SINCE 1-Feb-2025"). */
int imap_client_search(struct imap_client *m, struct slice keys, struct error *e);
/* UID FETCH set items ("1:5", "(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])"). */
int imap_client_fetch(struct imap_client *m, struct slice set, struct slice items, struct error *e);
/* BODY.PEEK[section]<offset.length> of one message as DATA; section may be empty, length 0: to the end. */
int imap_client_fetch_body(
    struct imap_client *m, uint32_t uid, struct slice section, uint32_t offset, uint32_t length, struct error *e);
/* UID STORE set +FLAGS.SILENT (flags). */
int imap_client_store(
    struct imap_client *m, struct slice set, enum imap_store_mode mode, struct slice flags, struct error *e);
int imap_client_copy(struct imap_client *m, struct slice set, struct slice mailbox, struct error *e);
int imap_client_expunge(struct imap_client *m, struct error *e);
/* APPEND of size octets; SEND asks for them. flags: "\Seen", or empty. */
int imap_client_append(struct imap_client *m, struct slice mailbox, struct slice flags, uint64_t size, struct error *e);
/* After SEND: takes octets of the message, as many as there is room for (step, then go on). */
size_t imap_client_put(struct imap_client *m, struct slice data);
int imap_client_noop(struct imap_client *m, struct error *e);
int imap_client_idle(struct imap_client *m, struct error *e);
void imap_client_idle_end(struct imap_client *m);
/* DONE comes after the server's BYE; then close. */
int imap_client_logout(struct imap_client *m, struct error *e);

#endif
