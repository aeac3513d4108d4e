/* SPDX-License-Identifier: ISC */
#include "daemon/tokens.h"

#include "os/file.h"

int
tokens_read(const struct config *config, struct buf *keys, struct error *e)
{
	struct jwt_options options = { .issuer = config_slice(config->oauth_issuer),
		.audience = config_slice(config->oauth_audience),
		.claim = config_slice(config->oauth_claim),
		.type = config_slice(config->oauth_type),
		.scope = config_slice(config->oauth_scope),
		.discovery = config_slice(config->oauth_discovery) };
	struct token_validator *probe = NULL;
	int rc = file_read(config->oauth_keys, keys, e);

	if (rc != 0)
		return rc == ERR_LIMIT
		    ? error_set(e, rc, "'%s' is over %u octets", config->oauth_keys, JWT_KEYS_TEXT_MAX)
		    : rc;
	options.keys = buf_slice(keys);
	rc = jwt_validator_new(&options, &probe, e);
	if (rc != 0)
		return error_context(e, "'%s'", config->oauth_keys);
	jwt_validator_free(probe);
	return 0;
}

struct jwt_options
tokens_options(const struct process_tokens *in)
{
	return (struct jwt_options){ .keys = in->keys,
		.issuer = in->issuer,
		.audience = in->audience,
		.claim = in->claim,
		.type = in->type,
		.scope = in->scope,
		.discovery = in->discovery };
}
