/* SPDX-License-Identifier: ISC */
#include "daemon/config.h"

#include <string.h>

#include "base/mem.h"
#include "daemon/config_table.h"
#include "os/file.h"

int
config_override_port(struct config_overrides *o, struct slice text, struct error *e)
{
	struct slice value, name = slice_split(text, '=', &value);
	uint64_t number = 0;

	for (int i = 0; i < CONFIG_PORT_COUNT; i++) {
		if (!slice_eq_str(name, config_port_names[i]))
			continue;
		if (!slice_eq_str(value, "off") && !slice_to_u64(value, 65535, &number))
			return error_set(e, ERR_USAGE, "a port is a number from 0 to 65535, or off: --port %s=N",
			    config_port_names[i]);
		o->port_given[i] = true;
		o->ports[i] = slice_eq_str(value, "off") ? CONFIG_PORT_OFF : (int32_t)number;
		return 0;
	}
	return error_set(e, ERR_USAGE, "--port takes NAME=N with NAME one of %s", config_port_list);
}

/* ---- from the file into the struct ---- */

static void *
member(struct config *c, size_t at)
{
	return (uint8_t *)c + at;
}

static const void *
member_of(const struct config *c, size_t at)
{
	return (const uint8_t *)c + at;
}

/* Of whatever size the member is. */
static void
store_number(struct config *c, const struct config_row *row, long value)
{
	uint8_t small = (uint8_t)value;
	int32_t medium = (int32_t)value;
	int64_t large = value;

	if (row->size == sizeof small)
		memcpy(member(c, row->at), &small, sizeof small);
	else if (row->size == sizeof medium)
		memcpy(member(c, row->at), &medium, sizeof medium);
	else
		memcpy(member(c, row->at), &large, sizeof large);
}

static long
load_number(const struct config *c, const struct config_row *row)
{
	uint8_t small;
	int32_t medium;
	int64_t large;

	if (row->size == sizeof small) {
		memcpy(&small, member_of(c, row->at), sizeof small);
		return small;
	}
	if (row->size == sizeof medium) {
		memcpy(&medium, member_of(c, row->at), sizeof medium);
		return medium;
	}
	memcpy(&large, member_of(c, row->at), sizeof large);
	return large;
}

static void
take_word(struct config *c, const struct config_row *row, const char *value, struct settings_problems *problems)
{
	BUF_OWNED struct buf all = { 0 };

	for (unsigned i = 0; row->words[i] != NULL; i++)
		if (strcmp(value, row->words[i]) == 0) {
			store_number(c, row, (long)i);
			return;
		}
	buf_init(&all, 512);
	for (unsigned i = 0; row->words[i] != NULL; i++)
		(void)buf_putf(&all, "%s\"%s\"", i == 0 ? "" : ", ", row->words[i]);
	settings_problem(c->settings, problems, row->setting.name, ERR_USAGE, "'%s' is one of %.*s, not \"%s\"",
	    row->setting.name, (int)all.len, (const char *)all.data, value);
}

static bool
is_right(const struct config *c, const struct config_row *row, const char *value, struct settings_problems *problems)
{
	const char *wrong = row->wrong == NULL ? NULL : row->wrong(value);

	if (wrong != NULL)
		settings_problem(c->settings, problems, row->setting.name, ERR_USAGE, "'%s' %s%s%s", row->setting.name,
		    wrong, value[0] == '\0' ? "" : ": ", value);
	return wrong == NULL;
}

static void
take_text(struct config *c, const struct config_row *row, struct settings_problems *problems)
{
	const char *value = settings_text(c->settings, row->setting.name);

	value = value == NULL ? "" : value;
	if (row->words != NULL) {
		take_word(c, row, value, problems);
		return;
	}
	if (!is_right(c, row, value, problems) || value[0] == '\0')
		value = NULL;
	memcpy(member(c, row->at), &value, sizeof value);
}

static void
take_list(struct config *c, const struct config_row *row, struct settings_problems *problems)
{
	size_t n = settings_list_count(c->settings, row->setting.name), kept = 0;
	size_t most = row->count_max == 0 ? CONFIG_LIST_MAX : row->count_max;

	if (n > most)
		settings_problem(c->settings, problems, row->setting.name, ERR_USAGE, "'%s' takes at most %zu values",
		    row->setting.name, most);
	for (size_t i = 0; i < n && i < most; i++) {
		const char *value = settings_list_item(c->settings, row->setting.name, i);

		if (is_right(c, row, value, problems))
			memcpy(member(c, row->at + kept++ * sizeof value), &value, sizeof value);
	}
	memcpy(member(c, row->count_at), &kept, sizeof kept);
}

static void
take_row(struct config *c, const struct config_row *row, struct settings_problems *problems)
{
	switch (row->setting.kind) {
	case SETTING_TEXT:
		take_text(c, row, problems);
		break;
	case SETTING_LIST:
		take_list(c, row, problems);
		break;
	case SETTING_NUMBER:
		store_number(c, row, settings_number(c->settings, row->setting.name));
		break;
	case SETTING_FLAG:
		store_number(c, row, settings_flag(c->settings, row->setting.name) ? 1 : 0);
		break;
	}
}

static void
take_all(const struct config_overrides *o, struct config *c, struct settings_problems *problems)
{
	for (size_t i = 0; i < config_table_count; i++)
		take_row(c, &config_table[i], problems);
	if (o->data != NULL)
		c->data = o->data;
	for (int i = 0; i < CONFIG_PORT_COUNT; i++)
		if (o->port_given[i])
			c->ports[i] = o->ports[i];
	config_check(c, o, problems);
}

static int
read_settings(const char *path, struct settings_problems *problems, struct settings **settings_out, struct error *e)
{
	struct setting *rows = mem_array(config_table_count, sizeof *rows);
	int rc;

	if (rows == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < config_table_count; i++)
		rows[i] = config_table[i].setting;
	rc = settings_read(path, rows, config_table_count, problems, settings_out, e);
	mem_free(rows);
	return rc;
}

int
config_load(const struct config_overrides *overrides, struct config *config_out, struct settings_problems *problems_out)
{
	const char *path = overrides->path;
	struct config c = { 0 };
	struct error e;
	int rc;

	problems_out->count = 0;
	if (path == NULL && file_exists(CONFIG_DEFAULT_PATH))
		path = CONFIG_DEFAULT_PATH;
	rc = read_settings(path, problems_out, &c.settings, &e);
	if (rc != 0) {
		problems_out->list[problems_out->count++] = (struct settings_problem){ .error = e };
		return rc;
	}
	take_all(overrides, &c, problems_out);
	if (problems_out->count > 0) {
		config_done(&c);
		return problems_out->list[0].error.code;
	}
	*config_out = c;
	return 0;
}

void
config_done(struct config *config)
{
	settings_free(config->settings);
	*config = (struct config){ 0 };
}

/* ---- what differs ---- */

static const char *
text_at(const struct config *c, size_t at)
{
	const char *text;

	memcpy(&text, member_of(c, at), sizeof text);
	return text == NULL ? "" : text;
}

static size_t
count_at(const struct config *c, size_t at)
{
	size_t count;

	memcpy(&count, member_of(c, at), sizeof count);
	return count;
}

static bool
differs(const struct config *a, const struct config *b, const struct config_row *row)
{
	size_t texts = row->setting.kind == SETTING_LIST ? count_at(a, row->count_at) : 1;

	if (row->setting.kind == SETTING_NUMBER || row->setting.kind == SETTING_FLAG || row->words != NULL)
		return load_number(a, row) != load_number(b, row);
	if (row->setting.kind == SETTING_LIST && texts != count_at(b, row->count_at))
		return true;
	for (size_t i = 0; i < texts; i++)
		if (strcmp(text_at(a, row->at + i * sizeof(char *)), text_at(b, row->at + i * sizeof(char *))) != 0)
			return true;
	return false;
}

void
config_keep_fixed(const struct config *old, struct config *fresh, void (*say)(void *ctx, const char *name), void *ctx)
{
	for (size_t i = 0; i < config_table_count; i++) {
		const struct config_row *row = &config_table[i];

		if (!row->restart)
			continue;
		if (differs(old, fresh, row))
			say(ctx, row->setting.name);
		memcpy(member(fresh, row->at), member_of(old, row->at), row->size);
		if (row->setting.kind == SETTING_LIST)
			memcpy(member(fresh, row->count_at), member_of(old, row->count_at), sizeof(size_t));
	}
}

/* ---- as a file ---- */

static void
write_text(const char *text, struct buf *out)
{
	(void)buf_put_u8(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)buf_put_u8(out, '\\');
		(void)buf_put_u8(out, (uint8_t)*text);
	}
	(void)buf_put_u8(out, '"');
}

static void
write_value(const struct config *c, const struct config_row *row, struct buf *out)
{
	if (row->words != NULL) {
		write_text(row->words[load_number(c, row)], out);
		return;
	}
	switch (row->setting.kind) {
	case SETTING_TEXT:
		write_text(text_at(c, row->at), out);
		break;
	case SETTING_LIST:
		(void)buf_put_u8(out, '{');
		for (size_t i = 0; i < count_at(c, row->count_at); i++) {
			(void)buf_put_str(out, i == 0 ? " " : ", ");
			write_text(text_at(c, row->at + i * sizeof(char *)), out);
		}
		(void)buf_put_str(out, " }");
		break;
	case SETTING_NUMBER:
		(void)buf_putf(out, "%ld", load_number(c, row));
		break;
	case SETTING_FLAG:
		(void)buf_put_str(out, load_number(c, row) != 0 ? "true" : "false");
		break;
	}
}

static bool
is_overridden(const struct config *c, const struct config_overrides *o, const struct config_row *row)
{
	for (int i = 0; i < CONFIG_PORT_COUNT; i++)
		if (o->port_given[i] && member_of(c, row->at) == (const void *)&c->ports[i])
			return true;
	return o->data != NULL && member_of(c, row->at) == (const void *)&c->data;
}

int
config_write(const struct config *config, const struct config_overrides *overrides, struct buf *out)
{
	for (size_t i = 0; i < config_table_count; i++) {
		const struct config_row *row = &config_table[i];
		unsigned line = settings_line(config->settings, row->setting.name);

		(void)buf_putf(out, "%s = ", row->setting.name);
		write_value(config, row, out);
		if (is_overridden(config, overrides, row))
			(void)buf_put_str(out, "  # from the command line\n");
		else if (line > 0)
			(void)buf_putf(out, "  # line %u\n", line);
		else
			(void)buf_put_str(out, "  # default\n");
	}
	return out->err;
}
