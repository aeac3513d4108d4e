/* SPDX-License-Identifier: ISC */
/* What the agent says to the process with the tokens' modules: frames as in protocol.h. A key is its place in the list. */
#ifndef CLIENT_AGENT_TOKEN_PROTOCOL_H
#define CLIENT_AGENT_TOKEN_PROTOCOL_H

#include "client/agent/protocol.h"

enum token_type { TOKEN_LIST = 1, TOKEN_SIGN_IN, TOKEN_SIGN, TOKEN_OPEN, TOKEN_TYPE_COUNT };

struct token_use {
	struct slice data; /* the PIN, what is signed, what is opened */
	uint32_t key;
};

/* Replies: agent_tokens of a list, agent_octets of the others; failures as the agent's. */
extern const struct codec_schema token_use_schema, token_octets_schema;

#endif
