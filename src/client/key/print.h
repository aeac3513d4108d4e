/* SPDX-License-Identifier: ISC */
/* Certificates of the store, said to a person or to a program. */
#ifndef CLIENT_KEY_PRINT_H
#define CLIENT_KEY_PRINT_H

#include "client/key/command.h"

/* An entry in one line, or as an object. */
void key_print_entry(const struct key_command *c, const struct trust_entry *entry);
struct json_value *key_entry_json(const struct key_command *c, const struct trust_entry *entry);
/* The one or the other, as --json says. */
int key_say_entry(struct key_command *c, const struct trust_entry *entry);
/* The entry in one line, and why it is believed or not. */
void key_print_head(const struct key_command *c, const struct trust_entry *entry);
/* Everything about it in words. */
int key_print_cert(struct key_command *c, const struct trust_entry *entry);

#endif
