/* SPDX-License-Identifier: ISC */
/* Inside smtp/: the milter machine (milter.c says, milter_reply.c hears). */
#ifndef SMTP_MILTER_INTERNAL_H
#define SMTP_MILTER_INTERNAL_H

#include "base/arena.h"
#include "mime/header.h"
#include "smtp/milter.h"

#define MILTER_VERSION 6u

enum milter_action { /* SMFIF_*: what it may do */
	MILTER_MAY_ADD = 0x01,
	MILTER_MAY_CHANGE = 0x10,
	MILTER_MAY_QUARANTINE = 0x20,
	MILTER_MAY_LIST_MACROS = 0x100,
	MILTER_MAY_ALL = 0x131,
};

enum milter_bit { /* SMFIP_*: which steps it does not want, or does not answer */
	MILTER_NO_CONNECT = 0x01,
	MILTER_NO_HELO = 0x02,
	MILTER_NO_MAIL = 0x04,
	MILTER_NO_RCPT = 0x08,
	MILTER_NO_BODY = 0x10,
	MILTER_NO_HEADERS = 0x20,
	MILTER_NO_EOH = 0x40,
	MILTER_MUTE_HEADER = 0x80,
	MILTER_NO_UNKNOWN = 0x100,
	MILTER_NO_DATA = 0x200,
	MILTER_SKIPS = 0x400,
	MILTER_MUTE_CONNECT = 0x1000,
	MILTER_MUTE_HELO = 0x2000,
	MILTER_MUTE_MAIL = 0x4000,
	MILTER_MUTE_RCPT = 0x8000,
	MILTER_MUTE_DATA = 0x10000,
	MILTER_MUTE_UNKNOWN = 0x20000,
	MILTER_MUTE_EOH = 0x40000,
	MILTER_MUTE_BODY = 0x80000,
	MILTER_LEADING_SPACE = 0x100000,
	MILTER_BITS_ALL = 0x1FF7FF, /* but for refused recipients, of which it is not told */
};

enum milter_step {
	MILTER_NEGOTIATE,
	MILTER_CONNECT,
	MILTER_HELO,
	MILTER_MAIL,
	MILTER_RCPT,
	MILTER_DATA,
	MILTER_HEADERS,
	MILTER_EOH,
	MILTER_BODY,
	MILTER_EOM,
	MILTER_OVER,
};

struct milter {
	struct arena arena; /* the envelope, the header and the result */
	struct milter_envelope envelope;
	struct mime_header header;
	enum milter_step step;
	size_t at;              /* the next recipient or field */
	bool waits;             /* for the answer to what was said last */
	uint32_t actions, bits; /* as negotiated */
	struct buf in, out, body;
	bool ended; /* no more body comes */
	bool skips; /* it has seen enough of the body */
	uint64_t progress;
	struct milter_result result;
	struct milter_edit *edits;
	size_t edit_octets;
	struct error error; /* its code not 0: FAILED */
};

/* One packet: its command and data. Sets m->waits, m->step, m->result or m->error. */
void milter_heard(struct milter *m, uint8_t command, struct slice data);
/* The conversation has its end. */
void milter_over(struct milter *m, enum milter_verdict verdict);

#endif
