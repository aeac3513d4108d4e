/* SPDX-License-Identifier: ISC */
/* Why a key is revoked, and whether it really shall be. */
#ifndef CLIENT_KEY_REASON_H
#define CLIENT_KEY_REASON_H

#include "client/key/command.h"

/* "superseded", "retired", "compromised", "unspecified"; NULL is the last. ERR_USAGE. */
int key_reason_parse(const char *word, uint8_t *out, struct error *e);
/*
 * Asks at the terminal; without one ERR_USAGE unless yes was said on the command line. ERR_DENIED when the answer is no.
 */
int key_confirm(const char *question, bool yes, struct error *e);

#endif
