/* SPDX-License-Identifier: ISC */
/* The operator's keys for OAuth tokens: read by the parent, used by auth (service/signin/jwt.h). */
#ifndef DAEMON_TOKENS_H
#define DAEMON_TOKENS_H

#include "daemon/config.h"
#include "daemon/process.h"
#include "service/signin/jwt.h"

/*
 * Appends the text of the configured file of keys (which there is), after all that is configured about tokens was tried.
 * keys: with a maximum of JWT_KEYS_TEXT_MAX. Errors name the file.
 */
int tokens_read(const struct config *config, struct buf *keys, struct error *e);
/* What auth is told, for jwt_validator_new(). */
struct jwt_options tokens_options(const struct process_tokens *in);

#endif
