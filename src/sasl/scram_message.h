/* SPDX-License-Identifier: ISC */
/*
 * The grammar of SCRAM's four messages (RFC 5802 section 7), as both sides
 * read them. Parsing is total: an attribute out of its place, a mandatory
 * extension, base64 that is not exact, or a value of another length than it
 * must have is an error; optional extensions are skipped.
 */
#ifndef SASL_SCRAM_MESSAGE_H
#define SASL_SCRAM_MESSAGE_H

#include "sasl/gs2.h"
#include "sasl/scram.h"

struct scram_client_first {
	struct gs2_header header;
	struct slice header_text; /* the header as sent */
	struct slice bare;        /* what is behind it, as sent */
	struct slice name;        /* as written: gs2_name_decode() */
	struct slice nonce;
};

struct scram_server_first {
	struct slice nonce; /* both sides' */
	uint32_t iterations;
	uint8_t salt_len;
	uint8_t salt[SCRAM_SALT_MAX];
};

struct scram_client_final {
	struct slice without_proof; /* as sent */
	struct slice binding;       /* "c", encoded */
	struct slice nonce;
	uint8_t proof[SCRAM_KEY_SIZE];
};

struct scram_server_final {
	struct slice error; /* empty: the server says yes */
	uint8_t signature[SCRAM_KEY_SIZE];
};

/* ERR_SYNTAX, ERR_LIMIT, ERR_UNSUPPORTED (a mandatory extension), ERR_NOMEM. Slices point into the message. */
int scram_client_first_parse(struct slice message, struct scram_client_first *out, struct error *e);
int scram_server_first_parse(struct slice message, struct scram_server_first *out, struct error *e);
int scram_client_final_parse(struct slice message, struct scram_client_final *out, struct error *e);
int scram_server_final_parse(struct slice message, struct scram_server_final *out, struct error *e);

/* Exactly len octets of base64. ERR_SYNTAX, ERR_NOMEM. */
int scram_decode_fixed(struct slice text, uint8_t *out, size_t len, struct error *e);
/* A salt: 1 to SCRAM_SALT_MAX octets. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
int scram_decode_salt(struct slice text, uint8_t salt_out[SCRAM_SALT_MAX], uint8_t *len_out, struct error *e);
/* A positive number without leading zeros; UINT32_MAX stands for all that is larger. False when it is none. */
bool scram_count_parse(struct slice text, uint32_t *count_out);

#endif
