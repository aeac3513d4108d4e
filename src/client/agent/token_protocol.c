/* SPDX-License-Identifier: ISC */
#include "client/agent/token_protocol.h"

#include "os/pkcs11.h"

static const struct codec_field use_fields[] = { CODEC_FIELD(struct token_use, data, CODEC_BYTES, PKCS11_VALUE_MAX),
	CODEC_FIELD(struct token_use, key, CODEC_U32, PKCS11_KEYS_MAX) };
const struct codec_schema token_use_schema = CODEC_SCHEMA(token_use, use_fields);

static const struct codec_field octets_fields[] = { CODEC_FIELD(
    struct agent_octets, octets, CODEC_BYTES, PKCS11_VALUE_MAX) };
const struct codec_schema token_octets_schema = CODEC_SCHEMA(agent_octets, octets_fields);
