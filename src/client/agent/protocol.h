/* SPDX-License-Identifier: ISC */
/*
 * What is said to the agent: frames of base/codec over a unix socket, one
 * request and its reply after the other on a connection. A reply has the
 * request's type and ticket; a failure has AGENT_FAILED added to the type.
 *
 * The agent carries out operations with secret keys. A secret key goes in
 * encrypted, with its passphrase, and never comes out.
 */
#ifndef CLIENT_AGENT_PROTOCOL_H
#define CLIENT_AGENT_PROTOCOL_H

#include "base/codec.h"
#include "openpgp/key/key.h"

#define AGENT_VERSION 1u
#define AGENT_KEYS_MAX 64u          /* secret keys held, primary and subkeys counted */
#define AGENT_PASSWORDS_MAX 16u     /* account passwords held */
#define AGENT_PASSWORD_OCTETS 512u  /* of one account password */
#define AGENT_SECRET_OCTETS 6144u   /* of one unlocked secret: RSA of 16,384 bits has 5 KiB */
#define AGENT_KEY_OCTETS (1u << 20) /* of a transferable secret key */
#define AGENT_SECONDS_MAX (30u * 86400u)
#define AGENT_SECONDS_USUAL 3600u
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
	uint32_t seconds;        /* until it is forgotten; not renewed by use */
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
	uint64_t seconds; /* until it is forgotten */
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

extern const struct codec_schema agent_error_schema;

/* Schemas of a request and its reply; NULL for a number that is no type. */
struct agent_schemas {
	const struct codec_schema *request, *reply;
};
const struct agent_schemas *agent_schemas(uint16_t type);

#endif
