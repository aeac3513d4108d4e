/* SPDX-License-Identifier: ISC */
/*
 * A configuration file of `name = value` lines (libconfuse): texts in quotes,
 * whole numbers, true and false, lists in braces; '#' begins a comment. The
 * settings that exist stand in a constant table with their defaults; others
 * are refused with file and line, and so is a number out of its range.
 *
 *   hostname = "mail.example.org"
 *   domains = { "example.org", "example.net" }
 *   port_smtp = 2525
 */
#ifndef OS_SETTINGS_H
#define OS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum setting_kind { SETTING_TEXT, SETTING_LIST, SETTING_NUMBER, SETTING_FLAG };

struct setting {
	const char *name;
	enum setting_kind kind;
	const char *text; /* default; of a list: as in the file, "{\"a\", \"b\"}" */
	long number;      /* default; of a flag: 0 or 1 */
	long min, max;    /* of a number */
};

struct settings;

/*
 * Reads path, or takes only the defaults when it is NULL. ERR_NOT_FOUND,
 * ERR_SYNTAX (with file and line), ERR_USAGE (out of range), ERR_NOMEM. One
 * thread at a time.
 */
int settings_read(
    const char *path, const struct setting *table, size_t count, struct settings **settings_out, struct error *e);
/* NULL is permitted. */
void settings_free(struct settings *s);

/* Names must be in the table, with that kind. Texts live until settings_free(). */
const char *settings_text(const struct settings *s, const char *name);
long settings_number(const struct settings *s, const char *name);
bool settings_flag(const struct settings *s, const char *name);
size_t settings_list_count(const struct settings *s, const char *name);
const char *settings_list_item(const struct settings *s, const char *name, size_t i);

#endif
