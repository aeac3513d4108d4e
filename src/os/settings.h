/* SPDX-License-Identifier: ISC */
/*
 * A configuration file of `name = value` lines (libconfuse): texts in quotes,
 * whole numbers, true and false, lists in braces; '#' begins a comment. The
 * settings that exist stand in a constant table with their defaults. All that
 * is wrong is found in one reading: settings that do not exist (with the one
 * that is probably meant), that stand there twice, or whose value is of another
 * kind or out of its range. Each is a sentence with file and line.
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

#define SETTINGS_PROBLEMS_MAX 20u /* that are said of one file; what is behind them is found when they are put right */
#define SETTINGS_FILE_MAX (1u << 20) /* octets */
#define SETTINGS_NAME_MAX 64u        /* of a name that somebody wrote, when the nearest is looked for */

enum setting_kind { SETTING_TEXT, SETTING_LIST, SETTING_NUMBER, SETTING_FLAG };

struct setting {
	const char *name;
	enum setting_kind kind;
	const char *text; /* default; of a list: as in the file, "{\"a\", \"b\"}" */
	long number;      /* default; of a flag: 0 or 1 */
	long min, max;    /* of a number */
};

struct settings;

/* What is wrong, in the order of the lines. */
struct settings_problems {
	struct settings_problem {
		unsigned line;      /* 0: of no line, of something that is missing */
		struct error error; /* "FILE line N: sentence" */
	} list[SETTINGS_PROBLEMS_MAX];
	size_t count;
};

/*
 * Reads path, or takes only the defaults when it is NULL. 0 also when the file
 * has problems: they are added, and such a setting has its default. ERR_NOT_FOUND
 * (it cannot be read), ERR_LIMIT, ERR_NOMEM. One thread at a time.
 */
int settings_read(const char *path, const struct setting *table, size_t count, struct settings_problems *problems,
    struct settings **settings_out, struct error *e);
/* NULL is permitted. */
void settings_free(struct settings *s);

/*
 * Adds what is wrong with the value of name, or with more than one setting: the line is that of name; NULL: no line. One
 * more than fits is dropped. ERR_USAGE, ERR_SYNTAX.
 */
void settings_problem(const struct settings *s, struct settings_problems *problems, const char *name, int code,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The line in which a setting gets its value; 0: it has its default. */
unsigned settings_line(const struct settings *s, const char *name);

/* Names must be in the table, with that kind. Texts live until settings_free(). */
const char *settings_text(const struct settings *s, const char *name);
long settings_number(const struct settings *s, const char *name);
bool settings_flag(const struct settings *s, const char *name);
size_t settings_list_count(const struct settings *s, const char *name);
const char *settings_list_item(const struct settings *s, const char *name, size_t i);

#endif
