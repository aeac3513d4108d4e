/* SPDX-License-Identifier: ISC */
/*
 * The commands that a client of ours may send after authentication, as typed
 * values (RFC 3501 section 6, with IDLE 2177, NAMESPACE 2342, UNSELECT 3691,
 * UIDPLUS 4315, ENABLE 5161, MOVE 6851, ID 2971). Everything a command points
 * at lives in the arena it was parsed with and in the text it was parsed from.
 */
#ifndef IMAP_COMMAND_H
#define IMAP_COMMAND_H

#include "imap/set.h"

enum imap_verb {
	IMAP_VERB_CAPABILITY,
	IMAP_VERB_NOOP,
	IMAP_VERB_LOGOUT,
	IMAP_VERB_ID,
	IMAP_VERB_STARTTLS,
	IMAP_VERB_LOGIN,
	IMAP_VERB_AUTHENTICATE,
	IMAP_VERB_SELECT,
	IMAP_VERB_EXAMINE,
	IMAP_VERB_CREATE,
	IMAP_VERB_DELETE,
	IMAP_VERB_RENAME,
	IMAP_VERB_SUBSCRIBE,
	IMAP_VERB_UNSUBSCRIBE,
	IMAP_VERB_LIST,
	IMAP_VERB_LSUB,
	IMAP_VERB_STATUS,
	IMAP_VERB_APPEND,
	IMAP_VERB_NAMESPACE,
	IMAP_VERB_ENABLE,
	IMAP_VERB_IDLE,
	IMAP_VERB_CHECK,
	IMAP_VERB_CLOSE,
	IMAP_VERB_UNSELECT,
	IMAP_VERB_EXPUNGE,
	IMAP_VERB_SEARCH,
	IMAP_VERB_FETCH,
	IMAP_VERB_STORE,
	IMAP_VERB_COPY,
	IMAP_VERB_MOVE,
	IMAP_VERB_COUNT,
};

/* Where a command is permitted; bits. */
enum imap_state {
	IMAP_STATE_START = 1,         /* not authenticated */
	IMAP_STATE_AUTHENTICATED = 2, /* no mailbox selected */
	IMAP_STATE_SELECTED = 4,
};

/* System flags (RFC 3501 2.3.2); bits, the same as in store/types.h. */
enum imap_flag {
	IMAP_SEEN = 1,
	IMAP_ANSWERED = 2,
	IMAP_FLAGGED = 4,
	IMAP_DELETED = 8,
	IMAP_DRAFT = 16,
	IMAP_RECENT = 32, /* only in what we send */
};

struct imap_flags {
	uint32_t system;
	struct slice *keywords;
	size_t keyword_count;
};

enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1,
	IMAP_STATUS_RECENT = 2,
	IMAP_STATUS_UIDNEXT = 4,
	IMAP_STATUS_UIDVALIDITY = 8,
	IMAP_STATUS_UNSEEN = 16,
};

enum imap_section_kind {
	IMAP_SECTION_ALL, /* BODY[] or BODY[1.2] */
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,
};

struct imap_section {
	enum imap_section_kind kind;
	uint32_t *part; /* each at least 1 */
	size_t part_count;
	struct slice *fields; /* names of HEADER.FIELDS */
	size_t field_count;
};

enum imap_item_kind {
	IMAP_ITEM_UID,
	IMAP_ITEM_FLAGS,
	IMAP_ITEM_INTERNALDATE,
	IMAP_ITEM_SIZE,
	IMAP_ITEM_ENVELOPE,
	IMAP_ITEM_BODY, /* without extension data */
	IMAP_ITEM_BODYSTRUCTURE,
	IMAP_ITEM_SECTION,       /* BODY[...] */
	IMAP_ITEM_RFC822,        /* as BODY[] */
	IMAP_ITEM_RFC822_HEADER, /* as BODY.PEEK[HEADER] */
	IMAP_ITEM_RFC822_TEXT,   /* as BODY[TEXT] */
};

struct imap_item {
	enum imap_item_kind kind;
	bool peek; /* does not set \Seen */
	bool partial;
	uint32_t offset;             /* of the partial, octets */
	uint32_t length;             /* at least 1 */
	struct imap_section section; /* also filled for the RFC822 forms */
};

enum imap_key {
	IMAP_KEY_ALL,
	IMAP_KEY_AND, /* its children: all of them */
	IMAP_KEY_OR,  /* two children */
	IMAP_KEY_NOT, /* one child */
	IMAP_KEY_SEQUENCE,
	IMAP_KEY_UID,
	IMAP_KEY_FLAG,    /* number: an enum imap_flag bit, IMAP_RECENT too */
	IMAP_KEY_KEYWORD, /* text */
	IMAP_KEY_BEFORE,  /* date; internal date */
	IMAP_KEY_ON,
	IMAP_KEY_SINCE,
	IMAP_KEY_SENTBEFORE, /* date; Date header field */
	IMAP_KEY_SENTON,
	IMAP_KEY_SENTSINCE,
	IMAP_KEY_LARGER, /* number: octets */
	IMAP_KEY_SMALLER,
	IMAP_KEY_HEADER, /* name, text; FROM, TO, CC, BCC and SUBJECT are this too */
	IMAP_KEY_BODY,   /* text */
	IMAP_KEY_TEXT,
};

/* A tree; UNSEEN is NOT (FLAG \Seen), NEW is AND (FLAG \Recent, NOT (FLAG \Seen)). */
struct imap_search {
	enum imap_key key;
	struct slice text;
	struct slice name;
	uint64_t number;
	int64_t date; /* unix seconds of midnight UTC */
	struct imap_set set;
	struct imap_search *child; /* the first */
	struct imap_search *next;  /* its sister */
};

struct imap_pair {
	struct slice name;
	struct slice value;
	bool nil;
};

enum imap_store_mode { IMAP_STORE_SET, IMAP_STORE_ADD, IMAP_STORE_REMOVE }; /* as enum store_flags_mode */

struct imap_append {
	struct imap_flags flags;
	bool has_date;
	uint64_t date; /* unix seconds */
	uint64_t size; /* octets of the message literal */
	bool sync;     /* the client waits for "+" */
};

struct imap_command {
	enum imap_verb verb;
	bool uid; /* the UID form */
	struct slice tag;
	struct slice name;    /* as in the table, "UID FETCH" */
	struct slice mailbox; /* UTF-8; INBOX in upper case */
	struct slice target;  /* RENAME, COPY, MOVE: the other mailbox */
	struct slice pattern; /* LIST, LSUB; UTF-8 */
	struct imap_set set;
	struct imap_flags flags; /* STORE */
	enum imap_store_mode mode;
	bool silent;
	uint32_t status; /* enum imap_status_item bits */
	struct imap_append append;
	const struct imap_item *items;
	size_t item_count;
	struct slice charset; /* empty when none was given */
	const struct imap_search *search;
	const struct imap_pair *pairs; /* ID */
	size_t pair_count;
	const struct slice *words; /* ENABLE */
	size_t word_count;
	struct slice user; /* LOGIN */
	struct slice password;
	struct slice mechanism; /* AUTHENTICATE */
	bool has_initial;
	struct slice initial; /* base64, or "=" */
};

/*
 * Parses the arguments of one whole command: text is the command from its tag
 * on, without the last CRLF, with its literals in place ("{3}" CRLF octets).
 * states: where the client is now, one enum imap_state bit. On failure tag and
 * verb are set as far as they were read (an empty tag: answer untagged).
 * ERR_SYNTAX (BAD), ERR_LIMIT (BAD), ERR_ORDER (a command of another state: BAD),
 * ERR_UNSUPPORTED (no such command: BAD).
 */
int imap_command_parse(struct slice text, uint32_t state, struct arena *a, struct imap_command *out, struct error *e);

/*
 * The same for the part of a command up to and with the "{n}" of a literal
 * that has not come: may it go on? ERR_* as above when the tag, the name or
 * the state are wrong already, so that no octet of the literal is asked for.
 * When the literal is the message of an APPEND, out is the whole command but
 * for append.size and append.sync, and *append_out is true.
 */
int imap_command_peek(
    struct slice text, uint32_t state, struct arena *a, struct imap_command *out, bool *append_out, struct error *e);

/* The name for texts: "FETCH". */
const char *imap_verb_name(enum imap_verb verb);

/* Parses "ALL", "BODY[1.2]<0.5>" ... and search keys alone: for the fuzzers and the client. */
int imap_items_parse(
    struct slice text, struct arena *a, const struct imap_item **items_out, size_t *count_out, struct error *e);
int imap_search_parse(struct slice text, struct arena *a, const struct imap_search **search_out,
    struct slice *charset_out, struct error *e);

#endif
