/* SPDX-License-Identifier: ISC */
#include "client/agent/protocol.h"

#include "os/pinentry.h"

static const struct codec_field nothing_fields[] = { CODEC_FIELD(struct agent_nothing, unused, CODEC_U8, 0) };
static const struct codec_schema nothing_schema = CODEC_SCHEMA(agent_nothing, nothing_fields);

static const struct codec_field hello_fields[] = { CODEC_FIELD(struct agent_hello, version, CODEC_U32, 0),
	CODEC_FIELD(struct agent_hello, pid, CODEC_U64, 0) };
static const struct codec_schema hello_schema = CODEC_SCHEMA(agent_hello, hello_fields);

static const struct codec_field unlock_fields[] = { CODEC_FIELD(struct agent_unlock, passphrase, CODEC_BYTES, 1024),
	CODEC_FIELD(struct agent_unlock, key, CODEC_BYTES, AGENT_KEY_OCTETS),
	CODEC_FIELD(struct agent_unlock, seconds, CODEC_U32, AGENT_SECONDS_MAX),
	CODEC_FIELD(struct agent_unlock, confirm, CODEC_BOOL, 0) };
static const struct codec_schema unlock_schema = CODEC_SCHEMA(agent_unlock, unlock_fields);

static const struct codec_field seat_fields[] = { CODEC_FIELD_LIST(
    struct agent_seat, items, item_count, &codec_schema_slice, SEAT_ITEMS) };
static const struct codec_schema seat_schema = CODEC_SCHEMA(agent_seat, seat_fields);

static const struct codec_field ask_fields[] = { CODEC_FIELD(struct agent_ask, key, CODEC_BYTES, AGENT_KEY_OCTETS),
	CODEC_FIELD(struct agent_ask, seconds, CODEC_U32, AGENT_SECONDS_MAX),
	CODEC_FIELD(struct agent_ask, confirm, CODEC_BOOL, 0) };
static const struct codec_schema ask_schema = CODEC_SCHEMA(agent_ask, ask_fields);

static const struct codec_field status_fields[] = { CODEC_FIELD(struct agent_status, pid, CODEC_U64, 0),
	CODEC_FIELD(struct agent_status, memory, CODEC_BYTES, AGENT_TEXT_MAX),
	CODEC_FIELD(struct agent_status, seccomp, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_status, landlock, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_status, launcher, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_status, logind, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_status, locked, CODEC_BOOL, 0), CODEC_FIELD(struct agent_status, keys, CODEC_U32, 0),
	CODEC_FIELD(struct agent_status, passwords, CODEC_U32, 0), CODEC_FIELD(struct agent_status, idle, CODEC_U32, 0),
	CODEC_FIELD(struct agent_status, max, CODEC_U32, 0), CODEC_FIELD(struct agent_status, confirm, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_status, forgot, CODEC_BYTES, AGENT_TEXT_MAX) };
static const struct codec_schema status_schema = CODEC_SCHEMA(agent_status, status_fields);

static const struct codec_field token_key_fields[] = { CODEC_FIELD(
							   struct agent_token_key, token, CODEC_BYTES, AGENT_TEXT_MAX),
	CODEC_FIELD(struct agent_token_key, label, CODEC_BYTES, AGENT_TEXT_MAX),
	CODEC_FIELD(struct agent_token_key, id, CODEC_BYTES, AGENT_TEXT_MAX),
	CODEC_FIELD(struct agent_token_key, kind, CODEC_U8, 0),
	CODEC_FIELD(struct agent_token_key, sign, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_token_key, decrypt, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_token_key, pin, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_token_key, first, CODEC_BYTES, 2048),
	CODEC_FIELD(struct agent_token_key, second, CODEC_BYTES, 2048) };
static const struct codec_schema token_key_schema = CODEC_SCHEMA(agent_token_key, token_key_fields);
static const struct codec_field tokens_fields[] = { CODEC_FIELD_LIST(
    struct agent_tokens, items, item_count, &token_key_schema, AGENT_TOKENS_MAX) };
const struct codec_schema agent_tokens_schema = CODEC_SCHEMA(agent_tokens, tokens_fields);

static const struct codec_field key_fields[] = { CODEC_FIELD(
    struct agent_key, fingerprint, CODEC_BYTES, PGP_FINGERPRINT_MAX) };
static const struct codec_schema key_schema = CODEC_SCHEMA(agent_key, key_fields);

static const struct codec_field count_fields[] = { CODEC_FIELD(struct agent_count, count, CODEC_U32, 0) };
static const struct codec_schema count_schema = CODEC_SCHEMA(agent_count, count_fields);

static const struct codec_field sign_fields[] = { CODEC_FIELD(
						      struct agent_sign, fingerprint, CODEC_BYTES, PGP_FINGERPRINT_MAX),
	CODEC_FIELD(struct agent_sign, hash, CODEC_U8, 0), CODEC_FIELD(struct agent_sign, digest, CODEC_BYTES, 64) };
static const struct codec_schema sign_schema = CODEC_SCHEMA(agent_sign, sign_fields);

static const struct codec_field octets_fields[] = { CODEC_FIELD(struct agent_octets, octets, CODEC_BYTES, 1 << 16) };
static const struct codec_schema octets_schema = CODEC_SCHEMA(agent_octets, octets_fields);

static const struct codec_field open_fields[] = { CODEC_FIELD(
						      struct agent_open, fingerprint, CODEC_BYTES, PGP_FINGERPRINT_MAX),
	CODEC_FIELD(struct agent_open, version, CODEC_U8, 0), CODEC_FIELD(struct agent_open, algorithm, CODEC_U8, 0),
	CODEC_FIELD(struct agent_open, fields, CODEC_BYTES, 1 << 16) };
static const struct codec_schema open_schema = CODEC_SCHEMA(agent_open, open_fields);

static const struct codec_field opened_fields[] = { CODEC_FIELD(struct agent_opened, key, CODEC_BYTES, 32),
	CODEC_FIELD(struct agent_opened, cipher, CODEC_U8, 0) };
static const struct codec_schema opened_schema = CODEC_SCHEMA(agent_opened, opened_fields);

static const struct codec_field held_fields[] = { CODEC_FIELD(
						      struct agent_held, fingerprint, CODEC_BYTES, PGP_FINGERPRINT_MAX),
	CODEC_FIELD(struct agent_held, primary, CODEC_BYTES, PGP_FINGERPRINT_MAX),
	CODEC_FIELD(struct agent_held, user, CODEC_BYTES, AGENT_TEXT_MAX),
	CODEC_FIELD(struct agent_held, seconds, CODEC_U64, 0), CODEC_FIELD(struct agent_held, confirm, CODEC_BOOL, 0),
	CODEC_FIELD(struct agent_held, token, CODEC_BOOL, 0) };
static const struct codec_schema held_schema = CODEC_SCHEMA(agent_held, held_fields);
static const struct codec_field list_fields[] = { CODEC_FIELD_LIST(
    struct agent_list, items, item_count, &held_schema, AGENT_KEYS_MAX) };
static const struct codec_schema list_schema = CODEC_SCHEMA(agent_list, list_fields);

static const struct codec_field password_fields[] = { CODEC_FIELD(struct agent_password, password, CODEC_BYTES,
							  AGENT_PASSWORD_OCTETS),
	CODEC_FIELD(struct agent_password, account, CODEC_BYTES, 320),
	CODEC_FIELD(struct agent_password, seconds, CODEC_U32, AGENT_SECONDS_MAX) };
static const struct codec_schema password_schema = CODEC_SCHEMA(agent_password, password_fields);

static const struct codec_field account_fields[] = { CODEC_FIELD(struct agent_account, account, CODEC_BYTES, 320) };
static const struct codec_schema account_schema = CODEC_SCHEMA(agent_account, account_fields);

static const struct codec_field error_fields[] = { CODEC_FIELD(struct agent_error, text, CODEC_BYTES, ERROR_TEXT_MAX),
	CODEC_FIELD(struct agent_error, code, CODEC_U32, 1000) };
const struct codec_schema agent_error_schema = CODEC_SCHEMA(agent_error, error_fields);

static const struct agent_schemas schemas[AGENT_TYPE_COUNT] = {
	[AGENT_HELLO] = { &hello_schema, &hello_schema },
	[AGENT_UNLOCK] = { &unlock_schema, &count_schema },
	[AGENT_HOLDS] = { &key_schema, &count_schema },
	[AGENT_SIGN] = { &sign_schema, &octets_schema },
	[AGENT_OPEN] = { &open_schema, &opened_schema },
	[AGENT_LIST] = { &nothing_schema, &list_schema },
	[AGENT_FORGET] = { &key_schema, &count_schema },
	[AGENT_PASSWORD_PUT] = { &password_schema, &count_schema },
	[AGENT_PASSWORD_GET] = { &account_schema, &octets_schema },
	[AGENT_STOP] = { &nothing_schema, &nothing_schema },
	[AGENT_SEAT] = { &seat_schema, &nothing_schema },
	[AGENT_ASK] = { &ask_schema, &count_schema },
	[AGENT_LOCK] = { &nothing_schema, &count_schema },
	[AGENT_STATUS] = { &nothing_schema, &status_schema },
	[AGENT_TOKENS] = { &nothing_schema, &agent_tokens_schema },
};

const struct agent_schemas *
agent_schemas(uint16_t type)
{
	return type > 0 && type < AGENT_TYPE_COUNT ? &schemas[type] : NULL;
}
