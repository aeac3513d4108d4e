/* SPDX-License-Identifier: ISC */
/* A row of the table of settings: what it is in the file, where it goes in struct config, and what it must be. */
#ifndef DAEMON_CONFIG_TABLE_H
#define DAEMON_CONFIG_TABLE_H

#include "daemon/config.h"

#define CONFIG_WORDS_MAX 8u /* that a setting has to choose from */

struct config_row {
	struct setting setting;
	bool restart;     /* counts from the next start on; else at once when the file is read again */
	size_t at, size;  /* of the member of struct config */
	size_t count_at;  /* of a list: its size_t */
	size_t count_max; /* of a list: values; 0: CONFIG_LIST_MAX */
	/* Of a text, or each text of a list: what is wrong with it, to stand behind the name; or NULL. */
	const char *(*wrong)(const char *value);
	const char *const *words; /* one of these, NULL behind the last: its number is kept */
};

extern const struct config_row config_table[];
extern const size_t config_table_count;

/* Adds to problems what cannot be together, and what cannot be besides what the rows say. */
void
config_check(const struct config *config, const struct config_overrides *overrides, struct settings_problems *problems);

#endif
