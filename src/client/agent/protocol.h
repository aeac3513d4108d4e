/* SPDX-License-Identifier: ISC */
/*
 * What is said to the agent: frames of base/codec over a unix socket, one
 * request and its reply after the other on a connection. A reply has the
 * request's type and ticket; a failure has AGENT_FAILED added to the type.
 *
 * The agent carries out operations with secret keys. A secret key goes in
 * encrypted, with its passphrase or without (then the agent asks the person),
 * and never comes out: no reply has a field for one. What replies do have:
 *
 *   HELLO, STATUS   what the agent is
 *   UNLOCK, ASK, FORGET, PASSWORD_PUT, HOLDS   a count
 *   SIGN            the signature's public fields
 *   OPEN            one message's session key, which whoever may decrypt must have
 *   LIST, TOKENS    public keys' fingerprints, user IDs, public values, times
 *   PASSWORD_GET    the one secret that does come out: an account's password. The process that signs in must have
 *                   it; any process of this user may ask for it, as it may read that process's own memory
 */
#ifndef CLIENT_AGENT_PROTOCOL_H
#define CLIENT_AGENT_PROTOCOL_H

#include "base/codec.h"
#include "openpgp/key/key.h"

#define AGENT_VERSION 2u
#define AGENT_KEYS_MAX 64u          /* secret keys held, primary and subkeys counted */
#define AGENT_PASSWORDS_MAX 16u     /* account passwords held */
#define AGENT_PASSWORD_OCTETS 512u  /* of one account password */
#define AGENT_SECRET_OCTETS 6144u   /* of one unlocked secret: RSA of 16,384 bits has 5 KiB */
#define AGENT_KEY_OCTETS (1u << 20) /* of a transferable secret key */
#define AGENT_SECONDS_MAX (30u * 86400u)
#define AGENT_SECONDS_USUAL 0u /* as the agent was set */
#define AGENT_TRIES 3u         /* at a passphrase */
#define AGENT_TEXT_MAX 400u    /* octets of a user ID, a path, a reason */
#define AGENT_TOKENS_MAX 64u   /* keys in tokens that are listed */
#define AGENT_FAILED 0x8000u

enum agent_type {
	AGENT_HELLO = 1,
	AGENT_UNLOCK,
	AGENT_HOLDS,
	AGENT_SIGN,
	AGENT_OPEN,
	AGENT_LIST,
	AGENT_FORGET,
	AGENT_PASSWORD_PUT,
	AGENT_PASSWORD_GET,
	AGENT_STOP,
	AGENT_SEAT,
	AGENT_ASK,
	AGENT_LOCK,
	AGENT_STATUS,
	AGENT_TOKENS,
	AGENT_TYPE_COUNT
};

struct agent_nothing {
	uint8_t unused;
};

struct agent_hello {
	uint32_t version;
	uint64_t pid;
};

struct agent_unlock {
	struct slice passphrase; /* first, so that it lies in the front of every buffer */
	struct slice key;        /* transferable secret key, binary */
	uint32_t seconds;        /* until it is forgotten, whatever its use; 0: as the agent was set */
	bool confirm;            /* ask the person before each use */
};

/* Where the person sits (enum seat_item of os/pinentry.h), for this connection. */
struct agent_seat {
	const struct slice *items;
	size_t item_count;
};

/* As agent_unlock, and the agent asks for the passphrase. */
struct agent_ask {
	struct slice key;
	uint32_t seconds;
	bool confirm;
};

struct agent_status {
	uint64_t pid;
	struct slice memory; /* "memfd_secret", "locked", "not locked" */
	bool seccomp, landlock, launcher, logind, locked;
	uint32_t keys, passwords, idle, max;
	bool confirm;
	struct slice forgot; /* why it last forgot something; empty: it did not */
};

struct agent_key {
	struct slice fingerprint; /* AGENT_FORGET: empty for everything, passwords too */
};

struct agent_count {
	uint32_t count;
};

struct agent_sign {
	struct slice fingerprint;
	uint8_t hash; /* enum pgp_hash_id */
	struct slice digest;
};

struct agent_octets {
	struct slice octets;
};

struct agent_open {
	struct slice fingerprint;
	uint8_t version; /* of the PKESK */
	uint8_t algorithm;
	struct slice fields;
};

struct agent_opened {
	struct slice key;
	uint8_t cipher;
};

struct agent_held {
	struct slice fingerprint;
	struct slice primary; /* fingerprint of its certificate */
	struct slice user;    /* its first user ID */
	uint64_t seconds;     /* until it is forgotten */
	bool confirm, token;
};

/* A key in a token. */
struct agent_token_key {
	struct slice token, label, id; /* id: octets */
	uint8_t kind;                  /* enum token_kind */
	bool sign, decrypt, pin;       /* pin: the token wants one */
	struct slice first, second;    /* RSA: modulus and exponent; else the curve's OID and the point */
};

struct agent_tokens {
	const struct agent_token_key *items;
	size_t item_count;
};

struct agent_list {
	const struct agent_held *items;
	size_t item_count;
};

struct agent_password {
	struct slice password;
	struct slice account; /* address */
	uint32_t seconds;
};

struct agent_account {
	struct slice account;
};

struct agent_error {
	struct slice text;
	uint32_t code; /* negated */
};

extern const struct codec_schema agent_error_schema, agent_tokens_schema;

/* Schemas of a request and its reply; NULL for a number that is no type. */
struct agent_schemas {
	const struct codec_schema *request, *reply;
};
const struct agent_schemas *agent_schemas(uint16_t type);

#endif
