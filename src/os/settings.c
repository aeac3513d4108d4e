/* SPDX-License-Identifier: ISC */
#include "os/settings.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

struct settings {
	cfg_t *cfg;
};

/* libconfuse reports through a function without a context of its own. */
static struct error *parse_error;

static void __attribute__((format(printf, 2, 0))) on_error(cfg_t *cfg, const char *fmt, va_list args)
{
	char text[ERROR_TEXT_MAX];

	(void)vsnprintf(text, sizeof text, fmt, args);
	(void)error_set(
	    parse_error, ERR_SYNTAX, "%s line %d: %s", cfg->filename == NULL ? "?" : cfg->filename, cfg->line, text);
}

static void
fill(cfg_opt_t *option, const struct setting *from)
{
	static const cfg_type_t types[] = {
		[SETTING_TEXT] = CFGT_STR,
		[SETTING_LIST] = CFGT_STR,
		[SETTING_NUMBER] = CFGT_INT,
		[SETTING_FLAG] = CFGT_BOOL,
	};

	*option = (cfg_opt_t){ .name = from->name,
		.type = types[from->kind],
		.flags = from->kind == SETTING_LIST ? CFGF_LIST : CFGF_NONE };
	option->def.number = from->number;
	option->def.boolean = from->number != 0 ? cfg_true : cfg_false;
	if (from->kind == SETTING_LIST)
		option->def.parsed = (char *)(uintptr_t)from->text; /* only read: cfg_init() makes copies */
	else
		option->def.string = from->text;
}

static cfg_t *
make(const struct setting *table, size_t count)
{
	cfg_opt_t *options = mem_array(count + 1, sizeof *options);
	cfg_t *cfg;

	if (options == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		fill(&options[i], &table[i]);
	options[count] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(options, CFGF_NONE);
	mem_free(options);
	return cfg;
}

static int
parse(cfg_t *cfg, const char *path, struct error *e)
{
	struct error own;
	int rc;

	parse_error = e == NULL ? &own : e;
	(void)cfg_set_error_function(cfg, on_error);
	rc = path == NULL ? CFG_SUCCESS : cfg_parse(cfg, path);
	parse_error = NULL;
	if (rc == CFG_FILE_ERROR)
		return error_set_errno(e, ERR_NOT_FOUND, errno, "the configuration '%s' cannot be read", path);
	return rc == CFG_SUCCESS ? 0 : ERR_SYNTAX;
}

static int
check_ranges(cfg_t *cfg, const struct setting *table, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		long value;

		if (table[i].kind != SETTING_NUMBER)
			continue;
		value = cfg_getint(cfg, table[i].name);
		if (value < table[i].min || value > table[i].max)
			return error_set(e, ERR_USAGE, "'%s' is from %ld to %ld, not %ld", table[i].name, table[i].min,
			    table[i].max, value);
	}
	return 0;
}

int
settings_read(
    const char *path, const struct setting *table, size_t count, struct settings **settings_out, struct error *e)
{
	struct settings *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL || (s->cfg = make(table, count)) == NULL) {
		mem_free(s);
		return error_nomem(e);
	}
	rc = parse(s->cfg, path, e);
	if (rc == 0)
		rc = check_ranges(s->cfg, table, count, e);
	if (rc != 0)
		settings_free(s);
	else
		*settings_out = s;
	return rc;
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	(void)cfg_free(s->cfg);
	mem_free(s);
}

const char *
settings_text(const struct settings *s, const char *name)
{
	return cfg_getstr(s->cfg, name);
}

long
settings_number(const struct settings *s, const char *name)
{
	return cfg_getint(s->cfg, name);
}

bool
settings_flag(const struct settings *s, const char *name)
{
	return cfg_getbool(s->cfg, name) == cfg_true;
}

size_t
settings_list_count(const struct settings *s, const char *name)
{
	return cfg_size(s->cfg, name);
}

const char *
settings_list_item(const struct settings *s, const char *name, size_t i)
{
	return cfg_getnstr(s->cfg, name, (unsigned)i);
}
