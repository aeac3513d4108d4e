/* SPDX-License-Identifier: ISC */
/* Inside service/: one SMTP connection, and its question under way (smtp_session.c, smtp_question.c). */
#ifndef SERVICE_SMTP_SESSION_INTERNAL_H
#define SERVICE_SMTP_SESSION_INTERNAL_H

#include <stdatomic.h>

#include "service/smtp/message.h"
#include "service/smtp/session.h"
#include "smtp/server.h"

struct filter_call;
struct judge;
struct resolve_name;

enum asking {
	ASKING_NOTHING,
	ASKING_SENDER,
	ASKING_RECIPIENT,
	ASKING_FROM,
	ASKING_STAGE,
	ASKING_PIECE,
	ASKING_SIGNATURES,
	ASKING_KEEP,
	ASKING_REPORT,
	ASKING_DELIVERED,
	ASKING_COUNT,
};

/* What came back. Written by the answering thread before `answered` is set. */
struct answer {
	int code; /* 0 or an error */
	uint32_t verdict;
	uint64_t *accounts; /* freed with the session or by the next question */
	size_t account_count;
	bool sends;
	uint64_t handle;
	uint32_t inboxes, sent_on;
};

struct smtp_session {
	struct service *service;
	struct conn *conn;
	enum service_role role;
	struct smtp_server *machine;
	atomic_uint owners; /* the connection, and the question under way */
	bool starting_tls, counted;
	uint64_t account;             /* 0: not authenticated */
	struct resolve_name *name;    /* a stranger's; asked for, and perhaps confirmed */
	struct smtp_message *message; /* the transaction: made by MAIL, replaced whole */
	struct judge *judge;          /* of the message, from DATA on; NULL: it is not judged */
	struct filter_call *filter;   /* likewise: what a milter says of it */
	bool judging;                 /* the message is whole, and waits for it */
	struct buf pending;           /* the address that a question is about */
	struct buf orcpt;             /* what came with it */
	struct buf signatures;        /* as ASKING_SIGNATURES was answered; written before `answered` is set */
	unsigned notify;
	unsigned messages; /* on this connection: part of their numbers */
	char id[48];
	char tls[96];
	uint8_t random[16];
	size_t from_checked;
	enum asking asking;
	atomic_bool answered;
	struct answer answer;
};

/*
 * Puts a question; its answer comes on some other thread, is laid down in
 * s->answer, and the connection is woken. One that cannot even be put is
 * answered at once with the reason.
 */
void smtp_session_ask(struct smtp_session *s, enum asking what, const void *request);
/* The header is whole: from here on its body is hashed for signatures, when our own people write it. */
void smtp_session_begin_signing(struct smtp_session *s);
/* As above, for the signatures of the message, whose text is whole. */
void smtp_session_ask_signatures(struct smtp_session *s);
/* Any thread: the last owner frees. */
void smtp_session_disown(struct smtp_session *s);

#endif
