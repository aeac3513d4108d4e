/* SPDX-License-Identifier: ISC */
#ifndef POWER_LEDGER_INTERNAL_H
#define POWER_LEDGER_INTERNAL_H

#include "ledger.h"

#define BOXES_MAX 24
#define ACCOUNTS_MAX 8
#define NAMES_MAX 64
#define KEYS_MAX 16

enum there { TRIED, THERE, GONE };

struct message {
	uint64_t token;
	uint64_t modseq;
	uint32_t box;
	uint32_t uid;
	uint32_t flags, flags_begun;
	enum there there;
	bool flags_open;
	bool expunge_open;
	size_t group;  /* that brings it; 0: none is open */
	size_t leaves; /* group of the move that takes it away; 0: none */
	bool seen;     /* in this check, or since a restart */
};

struct group {
	uint64_t number;
	bool done, failed;
	unsigned wanted, present; /* in a check */
	unsigned leaving, left;
};

struct box {
	char address[64], name[64];
	uint32_t uidvalidity;
	uint32_t uid_max;
	uint64_t modseq_max;
	/* of the store that is checked */
	uint64_t account, mailbox;
};

struct name_row {
	char name[64];
	bool there;
	bool open;            /* something that was not answered may have changed it */
	uint32_t uidvalidity; /* 0: not known */
	uint32_t used[64];    /* every UIDVALIDITY that was told for it */
	size_t used_count;
	bool seen;
};

struct account {
	char address[64];
	struct name_row names[NAMES_MAX];
	size_t name_count;
	char ren_from[64], ren_to[64]; /* open, or empty */
};

struct key_row {
	char key[32], value[64], begun[64];
	bool open;
};

struct ledger {
	struct message *messages;
	size_t message_count, message_room;
	struct group *groups; /* from 1 on */
	size_t group_count, group_room;
	struct box boxes[BOXES_MAX];
	size_t box_count;
	struct account accounts[ACCOUNTS_MAX];
	size_t account_count;
	struct key_row keys[KEYS_MAX];
	size_t key_count;
	size_t answers;
	uint32_t *slots; /* hash of box and token: index into messages + 1 */
	size_t slot_count;
};

struct message *ledger_message(struct ledger *l, uint32_t box, uint64_t token);

#endif
