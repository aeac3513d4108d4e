/* SPDX-License-Identifier: ISC */
/* A letter's verdict in plain words, and as JSON. */
#ifndef CLIENT_VERDICT_H
#define CLIENT_VERDICT_H

#include "base/json.h"
#include "client/letters.h"

/* Lines of our own words on standard output; no text of the letter is among them but names and addresses, escaped. */
void verdict_print(const struct letters *l, const struct letter_view *v);
struct json_value *verdict_json(const struct letters *l, const struct letter_view *v);
/* Four characters for a list: "E" encrypted, "S" signed by the sender, "!" closed or broken. */
const char *verdict_mark(const struct letter_verdict *verdict);
/* EXIT_DONE, or EXIT_NO when it could not be opened or its signature is broken. */
int verdict_status(const struct letter_verdict *verdict);

#endif
