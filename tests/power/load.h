/* SPDX-License-Identifier: ISC */
/* What power_load's files share: the mailboxes as the load knows them, and the works that one of its operations can be. */
#ifndef POWER_LOAD_H
#define POWER_LOAD_H

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "store/store.h"

#define ACCOUNTS 2u
#define BOXES_EACH 3u
#define BOXES (ACCOUNTS * BOXES_EACH)
#define IN_FLIGHT 24
#define PHASE 40 /* operations; some phases bring no message */
#define MESSAGES_MAX 4096u
#define MOVING_MAX 8u
#define CLEARING_MAX 48u
#define KEYS 4u
#define CONTENT_MAX 420000u

struct message {
	uint64_t token;
	uint32_t uid;
	uint32_t flags;
	uint64_t body;
	bool busy;
	bool gone;
};

struct box {
	char word[64]; /* as marks name it */
	const char *name;
	uint64_t account, mailbox;
	struct message messages[MESSAGES_MAX];
	size_t count;
	uint64_t coming[MESSAGES_MAX]; /* tokens that were ever to be copied here */
	size_t coming_count;
};

extern pthread_mutex_t load_mutex; /* of what follows, and of the messages; the callbacks hold it */
extern struct box load_boxes[BOXES];
#define PASSING 4u /* mailboxes that come and go */
extern const char *const load_passing_names[PASSING];
extern bool load_passing[ACCOUNTS][PASSING];
extern struct port *load_port;
extern struct arena load_arena;
extern sem_t load_room; /* for one more operation in flight */

void load_mark(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void load_die(const char *what, const struct error *e);
uint64_t load_pick(uint64_t n);
const char *load_account_word(unsigned account);

/* Tokens, operations and chance of this run. */
void load_works_begin(uint64_t run, uint64_t seed);
/* Waits for room and submits one operation; bodies false: one that brings no message. */
void load_one(bool bodies);
/* The same for a write that may be lost. */
void load_relaxed(void);

#endif
