/* SPDX-License-Identifier: ISC */
/* Inside letter: what an opened letter holds. */
#ifndef LETTER_OPENED_H
#define LETTER_OPENED_H

#include "letter/open.h"
#include "letter/pgp.h"

enum letter_hp {
	LETTER_HP_NONE,
	LETTER_HP_OLD,    /* protected-headers="v1": perhaps only some fields */
	LETTER_HP_CLEAR,  /* hp="clear" */
	LETTER_HP_CIPHER, /* hp="cipher" */
};

struct letter_opened {
	struct arena arena;
	const struct letter_open_spec *spec; /* only while opening */
	struct slice raw;
	struct mime_part *outer;             /* root of raw */
	struct buf plain[LETTER_LAYERS_MAX]; /* of encryption layers, outermost first */
	size_t plain_count;
	struct slice source;                     /* raw or the last of plain */
	struct mime_part *root;                  /* the payload; NULL when closed */
	struct letter_pgp_signatures signatures; /* of the innermost layer that has any */
	enum letter_hp hp;                       /* as the payload's root says, when an envelope holds */
	bool from_outer;                         /* the outer From is to be shown */
	bool sender_known;                       /* exactly one From address */
	struct letter_verdict verdict;
};

/* Adds a sentence to the verdict; more than LETTER_NOTES_MAX are dropped. */
void letter_note(struct letter_opened *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* After the layers: which header fields count, who signed, the status. */
int letter_judge(struct letter_opened *o, struct error *e);

#endif
