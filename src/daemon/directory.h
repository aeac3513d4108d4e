/* SPDX-License-Identifier: ISC */
/* Parts of the verb `directory` that have files of their own. Each gets the words behind its name. */
#ifndef DAEMON_DIRECTORY_H
#define DAEMON_DIRECTORY_H

#include "daemon/verbs.h"

int verb_directory_add(const struct verb_input *in);
int verb_directory_ca(const struct verb_input *in);
int verb_directory_list(const struct verb_input *in);
int verb_directory_mirror(const struct verb_input *in);
int verb_directory_publish(const struct verb_input *in);
int verb_directory_remove(const struct verb_input *in);
int verb_directory_show(const struct verb_input *in);
int verb_directory_unpublish(const struct verb_input *in);

#endif
