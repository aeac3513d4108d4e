/* SPDX-License-Identifier: ISC */
/* letterlockd directory: what the operator does with the key directory. */
#include "daemon/directory.h"

#include <string.h>

static const struct {
	const char *name;
	int (*run)(const struct verb_input *in);
} words[] = {
	{ "add", verb_directory_add },
	{ "ca", verb_directory_ca },
	{ "list", verb_directory_list },
	{ "mirror", verb_directory_mirror },
	{ "publish", verb_directory_publish },
	{ "remove", verb_directory_remove },
	{ "show", verb_directory_show },
	{ "unpublish", verb_directory_unpublish },
};

int
verb_directory(const struct verb_input *in)
{
	struct verb_input rest = *in;
	struct error e;

	for (size_t i = 0; i < sizeof words / sizeof words[0] && in->word_count > 0; i++) {
		if (strcmp(in->words[0], words[i].name) != 0)
			continue;
		rest.words++;
		rest.word_count--;
		return words[i].run(&rest);
	}
	(void)error_set(&e, ERR_USAGE,
	    "say directory add, list, show, publish, unpublish, remove, ca or mirror; see letterlockd --help");
	return verb_failed(&e);
}
