/* SPDX-License-Identifier: ISC */
/*
 * The command line of a verb: a table of its options, read in one pass.
 *
 *   --name value, --name=value   OPTION_TEXT, OPTION_LIST, OPTION_FD, OPTION_NUMBER
 *   --name                       OPTION_FLAG
 *   -h, -o, -k                   --help, --output and --keyring, where the verb has them
 *   --                           what follows is no option
 *
 * Everything else is an argument of the verb; "-" is one too.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "base/error.h"
#include "base/slice.h"

#define OPTIONS_LIST_MAX 4096u /* a folder of photos as the shell writes it out */

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char * */
	OPTION_LIST,   /* struct option_list: may be given again and again */
	OPTION_FD,     /* int, a descriptor number */
	OPTION_NUMBER, /* uint32_t */
};

struct option_list {
	const char *items[OPTIONS_LIST_MAX];
	size_t count;
};

struct option {
	const char *name; /* without its dashes */
	enum option_kind kind;
	void *target; /* keeps its value when the option does not come */
};

/*
 * argv[0] is the first word behind the verb. Fills arguments. ERR_USAGE with
 * the sentence for the person; ERR_LIMIT.
 */
int options_parse(
    int argc, char **argv, const struct option *options, size_t count, struct option_list *arguments, struct error *e);

#endif
