/* SPDX-License-Identifier: ISC */
/* Inside service/: the end that answers the machines' questions (ask.c), and what it is told beside them (ask_told.c). */
#ifndef SERVICE_ASK_INTERNAL_H
#define SERVICE_ASK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "service/ask.h"

struct staged { /* a body that an asking end is sending */
	uint64_t handle, peer;
	struct staged *next;
};

struct rules {
	uint8_t separator;
	size_t postmaster_len;
	uint8_t postmaster[STORE_ADDRESS_MAX];
};

struct ask {
	struct port *store;
	struct grants *grants;
	struct queue *queue; /* or NULL */
	struct port_service service;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned jobs; /* under way: each will call us back */
	struct staged *staged;
	struct rules rules;
	atomic_ullong told_hour, told_count; /* reports to strangers */
	atomic_ullong tally_day;             /* the last on which old tallies were removed */
};

/* Every job passes here first; its slot says whose it is. */
struct ask *ask_enter(void *ctx, struct port_job *job);
/* Its end: one of these, on any thread. */
void ask_answer(struct port_job *job, const void *reply);
void ask_refuse(struct port_job *job, const struct error *e);
void ask_fail(struct port_job *job, int code, const char *text);

/* ---- ask_told.c ---- */

void ask_run_tally(void *ctx, struct port_job *job);
void ask_run_delivered(void *ctx, struct port_job *job);

#endif
