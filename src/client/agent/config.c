/* SPDX-License-Identifier: ISC */
#include "client/agent/config.h"

#include <stdio.h>

#include "client/agent/protocol.h"
#include "os/paths.h"
#include "os/settings.h"

static const struct setting table[] = {
	{ .name = "idle", .kind = SETTING_NUMBER, .number = AGENT_IDLE_S, .min = 1, .max = AGENT_SECONDS_MAX },
	{ .name = "max", .kind = SETTING_NUMBER, .number = AGENT_MAX_S, .min = 1, .max = AGENT_SECONDS_MAX },
	{ .name = "confirm", .kind = SETTING_FLAG, .number = 0 },
	{ .name = "lock", .kind = SETTING_FLAG, .number = 1 },
	{ .name = "pinentry", .kind = SETTING_TEXT, .text = "" },
};

static int
find(char out[FILE_PATH_MAX])
{
	char folder[FILE_PATH_MAX];

	return paths_config(folder, NULL) == 0 && path_join(out, folder, "agent.conf", NULL) == 0 && file_exists(out);
}

int
agent_config_load(struct agent_config *out, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct settings_problems problems = { .count = 0 };
	struct settings *s;
	int rc = settings_read(find(path) ? path : NULL, table, sizeof table / sizeof table[0], &problems, &s, e);

	if (rc != 0)
		return rc;
	*out = (struct agent_config){ .idle_s = (uint32_t)settings_number(s, "idle"),
		.max_s = (uint32_t)settings_number(s, "max"),
		.confirm = settings_flag(s, "confirm"),
		.lock = settings_flag(s, "lock") };
	if ((size_t)snprintf(out->pinentry, sizeof out->pinentry, "%s", settings_text(s, "pinentry")) >=
	    sizeof out->pinentry)
		rc = error_set(e, ERR_LIMIT, "the path of pinentry is too long");
	settings_free(s);
	return rc == 0 && problems.count > 0 ? error_set(e, ERR_USAGE, "%s", problems.list[0].error.text) : rc;
}
