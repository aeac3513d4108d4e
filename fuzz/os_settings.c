/* SPDX-License-Identifier: ISC */
/*
 * A configuration file, whatever is in it: no crash, no leak; every problem has a sentence, in the order of the lines; and
 * what has a problem has its default or is in its range.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct setting table[] = {
	{ .name = "host", .kind = SETTING_TEXT, .text = "localhost" },
	{ .name = "list", .kind = SETTING_LIST, .text = "{\"a\", \"b\"}" },
	{ .name = "port", .kind = SETTING_NUMBER, .number = 25, .min = -1, .max = 65535 },
	{ .name = "open", .kind = SETTING_FLAG },
};
#define ROWS (sizeof table / sizeof table[0])

static void
check(const struct settings *s, const struct settings_problems *problems)
{
	long port = settings_number(s, "port");

	if (port < -1 || port > 65535 || problems->count > SETTINGS_PROBLEMS_MAX)
		abort();
	for (size_t i = 0; i < problems->count; i++) {
		if (problems->list[i].error.text[0] == '\0' || problems->list[i].error.code >= 0)
			abort();
		if (i > 0 && problems->list[i - 1].line > problems->list[i].line)
			abort();
	}
	for (size_t i = 0; i < settings_list_count(s, "list"); i++)
		if (settings_list_item(s, "list", i) == NULL)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings_problems problems;
	struct settings *s = NULL;
	struct error e;
	char path[40];
	int fd = memfd_create("settings", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	problems.count = 0;
	if (settings_read(path, table, ROWS, &problems, &s, &e) == 0)
		check(s, &problems);
	settings_free(s);
	(void)close(fd);
	return 0;
}
