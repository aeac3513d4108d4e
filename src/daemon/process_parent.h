/* SPDX-License-Identifier: ISC */
/*
 * The parent's table of children: it starts them, links them, hears of their
 * end and starts them anew. A child that ends takes only its own links along.
 * It comes back at once; one that keeps ending waits longer each time, up to
 * CHILD_WAIT_MAX_MS.
 */
#ifndef DAEMON_PROCESS_PARENT_H
#define DAEMON_PROCESS_PARENT_H

#include "daemon/listening.h"
#include "daemon/process.h"
#include "daemon/process_starter.h"
#include "daemon/relaying.h"
#include "daemon/resolving.h"
#include "net/peers.h"
#include "os/metrics.h"

#define CHILDREN_BEHIND 7u                                    /* of them, that are no fronts */
#define CHILDREN_MAX (PEERS_FRONTS_MAX + CHILDREN_BEHIND + 1) /* and the filter, if there is a milter */
#define CHILD_WAIT_MAX_MS 10000
#define CHILD_BLAMES_MAX 20u /* of others within CHILD_BLAMES_MS; one that says more is the liar itself */
#define CHILD_BLAMES_MS 60000
#define CHILD_SILENT_MS 60000 /* one that has not answered for so long hangs: it is ended, and started anew */
#define PARENT_TICK_MS 5000   /* how often it looks */
#define CHILD_STEADY_MS 10000 /* one that lived so long begins without waiting again */

struct child {
	enum process_kind kind;
	uint32_t index;  /* of the fronts */
	uint64_t number; /* service/permit.h; another one with each start */
	int control;     /* -1: it is not there */
	pid_t pid;       /* of a process; who connects is the starter's */
	struct process_thread thread;
	bool ready, stopping;
	uint32_t seen; /* messages of it */
	struct metrics_share counts;
	int64_t pinged_at; /* 0: it has answered */
	uint64_t starts;
	int64_t started_at, start_at, wait_ms;
	int64_t blames_since; /* how many of others since then */
	unsigned blames;
};

struct parent {
	const struct config *config; /* the newest */
	struct listening *listening;
	struct process_port ports[CONFIG_PORT_COUNT]; /* of listening, those that are there */
	size_t port_count;
	struct starter starter; /* begun before the sandbox; not with one_process */
	struct resolving resolving;
	struct relaying relaying;
	uint64_t keys_stamp; /* of the folder of keys, as it was told */
	struct child children[CHILDREN_MAX];
	unsigned front_count;
	struct slice sealers[CONFIG_LIST_MAX], forwarders[CONFIG_LIST_MAX];
	size_t count;
	uint64_t serial;
	int peers_fd;
	struct peers *peers;
	struct buf certificate, key; /* PEM */
	struct buf oauth_keys;       /* text of the file */
	struct metrics_share counts; /* its own */
	int64_t tick_at;
	struct slice domains[CONFIG_LIST_MAX], searched[CONFIG_LIST_MAX];
	char jail[FILE_PATH_MAX];
	bool going; /* all were ready once */
	bool failed;
	struct error error; /* with failed: why */
};

/* All children are started. The pointers must outlive the parent. */
int parent_start(struct parent *p, const struct config *config, struct listening *listening, struct error *e);
/*
 * Waits until a child says something or ends, extra_fd is readable, or it is
 * time to start one anew; and does what is to be done. 0; ERR_CLOSED when a
 * child cannot start and none ever ran (p->error says why).
 */
int parent_turn(struct parent *p, int extra_fd);
/* No child hangs, not even one that was to be ended for it. */
bool parent_is_well(const struct parent *p);
/* All children are there. */
bool parent_is_ready(const struct parent *p);
/* They may serve strangers. */
void parent_go(struct parent *p);
/* What may change while running, and a new log descriptor, to all of them. */
void parent_tell_settings(struct parent *p);
/* In order, the outermost first; who does not end in time is killed. */
void parent_stop(struct parent *p);

#endif
