/* SPDX-License-Identifier: ISC */
#include "os/settings.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/settings_nearest.h"

struct settings {
	cfg_t *cfg;
	struct setting *table; /* a copy of the caller's */
	size_t count;
	unsigned *lines, *calls; /* of each row of the table: where its value is; how often a value of it came */
	char path[FILE_PATH_MAX];
};

/* ---- what is wrong ---- */

static void
problem_at(struct settings_problems *problems, unsigned line, const char *path, int code, const char *text)
{
	size_t at = problems->count;

	if (at == SETTINGS_PROBLEMS_MAX)
		return;
	for (; at > 0 && problems->list[at - 1].line > line; at--)
		problems->list[at] = problems->list[at - 1];
	problems->count++;
	problems->list[at].line = line;
	if (line > 0)
		(void)error_set(&problems->list[at].error, code, "%s line %u: %s", path, line, text);
	else if (path[0] != '\0')
		(void)error_set(&problems->list[at].error, code, "%s: %s", path, text);
	else
		(void)error_set(&problems->list[at].error, code, "%s", text);
}

void
settings_problem(
    const struct settings *s, struct settings_problems *problems, const char *name, int code, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	problem_at(problems, name == NULL ? 0 : settings_line(s, name), s->path, code, text);
}

/* ---- one pass of libconfuse ---- */

/* libconfuse calls functions without a context of their own. */
static struct pass {
	struct settings *s;
	unsigned line;   /* of the first error; 0: none */
	unsigned before; /* a setting that stands there twice: where it was first */
	char text[ERROR_TEXT_MAX];
} * pass;

static void __attribute__((format(printf, 2, 0))) on_error(cfg_t *cfg, const char *fmt, va_list args)
{
	if (pass->line != 0)
		return;
	pass->line = cfg->line > 0 ? (unsigned)cfg->line : 1;
	(void)vsnprintf(pass->text, sizeof pass->text, fmt, args);
}

static size_t
row_of(const struct settings *s, struct slice name)
{
	size_t i = 0;

	while (i < s->count && !slice_eq_str(name, s->table[i].name))
		i++;
	return i;
}

/* Behind each value that was read, and at the end of a list. */
static int
on_value(cfg_t *cfg, cfg_opt_t *option)
{
	struct settings *s = pass->s;
	size_t row = row_of(s, slice_str(option->name));
	unsigned in_one = s->table[row].kind == SETTING_LIST ? cfg_opt_size(option) + 1 : 1;

	if (++s->calls[row] > in_one) {
		pass->before = s->lines[row];
		cfg_error(cfg, "twice");
		return -1;
	}
	if (s->lines[row] == 0)
		s->lines[row] = (unsigned)cfg->line;
	return 0;
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
parse_once(struct settings *s, const char *text, struct pass *out, struct error *e)
{
	if (s->cfg != NULL)
		(void)cfg_free(s->cfg);
	s->cfg = make(s->table, s->count);
	if (s->cfg == NULL)
		return error_nomem(e);
	*out = (struct pass){ .s = s };
	pass = out;
	memset(s->lines, 0, s->count * sizeof *s->lines);
	memset(s->calls, 0, s->count * sizeof *s->calls);
	(void)cfg_set_error_function(s->cfg, on_error);
	for (size_t i = 0; i < s->count; i++)
		(void)cfg_set_validate_func(s->cfg, s->table[i].name, on_value);
	if (text[0] != '\0' && cfg_parse_buf(s->cfg, text) != CFG_SUCCESS && out->line == 0) {
		out->line = 1;
		(void)snprintf(out->text, sizeof out->text, "it cannot be read");
	}
	pass = NULL;
	return 0;
}

/* ---- all passes ---- */

/* The line, without its end. */
static struct slice
line_of(const struct buf *text, unsigned number)
{
	struct slice rest = buf_slice(text), line = SLICE_EMPTY;

	for (unsigned i = 0; i < number; i++)
		line = slice_split(rest, '\n', &rest);
	return line;
}

static bool
is_name_octet(uint8_t c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static struct slice
first_word(struct slice line)
{
	size_t begin = 0, end;

	while (begin < line.len && (line.data[begin] == ' ' || line.data[begin] == '\t'))
		begin++;
	for (end = begin; end < line.len && is_name_octet(line.data[end]);)
		end++;
	return slice_sub(line, begin, end - begin);
}

static void
say_unknown(const struct settings *s, struct settings_problems *problems, unsigned line, struct slice name)
{
	char text[ERROR_TEXT_MAX];
	const char *nearest = settings_nearest(s->table, s->count, name);

	if (nearest != NULL)
		(void)snprintf(text, sizeof text, "there is no setting '%.*s'; '%s' is probably meant", (int)name.len,
		    (const char *)name.data, nearest);
	else
		(void)snprintf(text, sizeof text, "there is no setting '%.*s'; letterlockd.conf(5) has all",
		    (int)name.len, (const char *)name.data);
	problem_at(problems, line, s->path, ERR_SYNTAX, text);
}

/* Where a quote or a list begins that the file does not end. */
static unsigned
unclosed(const struct buf *text, const char **what_out)
{
	unsigned line = 1, quote_at = 0, list_at = 0;
	uint8_t quote = 0;

	for (size_t i = 0; i < text->len; i++) {
		uint8_t c = text->data[i];

		line += c == '\n' ? 1 : 0;
		if (quote != 0 && c == '\\') {
			i++;
		} else if (quote != 0) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
			quote_at = line;
		} else if (c == '{' || c == '}') {
			list_at = c == '{' ? line : 0;
		}
	}
	*what_out = quote != 0 ? "the quote that begins here has no end" : "the list that begins here has no '}'";
	return quote != 0 ? quote_at : list_at;
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* What libconfuse says of a value or a word, in the words of letterlockd.conf(5). */
static void
say_of_libconfuse(const struct settings *s, struct settings_problems *problems, const struct pass *p, struct slice name,
    const struct buf *whole)
{
	char text[ERROR_TEXT_MAX];
	size_t row = row_of(s, name);
	enum setting_kind kind = row < s->count ? s->table[row].kind : SETTING_TEXT;
	struct slice word;
	const char *what;
	unsigned line = p->line, begun = unclosed(whole, &what);

	(void)slice_split(slice_str(p->text), '\'', &word);
	word = slice_split(word, '\'', &(struct slice){ 0 });
	(void)snprintf(text, sizeof text, "%s", p->text);
	if (begun != 0 && (begins(p->text, "premature end") || begins(p->text, "unterminated"))) {
		line = begun;
		(void)snprintf(text, sizeof text, "%s", what);
	} else if (kind == SETTING_NUMBER && (begins(p->text, "invalid integer") || begins(p->text, "integer value"))) {
		(void)snprintf(text, sizeof text, "'%s' is a whole number from %ld to %ld", s->table[row].name,
		    s->table[row].min, s->table[row].max);
	} else if (kind == SETTING_FLAG && begins(p->text, "invalid boolean")) {
		(void)snprintf(text, sizeof text, "'%s' is true or false", s->table[row].name);
	} else if (begins(p->text, "unexpected token")) {
		(void)snprintf(text, sizeof text,
		    "'%.*s' cannot stand here: is a quote, a comma or a '}' missing before it?", (int)word.len,
		    (const char *)word.data);
	} else if (begins(p->text, "no such option")) {
		(void)snprintf(text, sizeof text, "'%.*s' is no setting: a line is NAME = VALUE", (int)word.len,
		    (const char *)word.data);
	}
	problem_at(problems, line, s->path, ERR_SYNTAX, text);
}

static void
say_problem(const struct settings *s, struct settings_problems *problems, const struct pass *p, struct slice line,
    const struct buf *whole)
{
	char text[ERROR_TEXT_MAX];
	struct slice name = first_word(line);

	if (p->before != 0) {
		(void)snprintf(text, sizeof text, "'%.*s' is set once more; line %u has it already", (int)name.len,
		    (const char *)name.data, p->before);
		problem_at(problems, p->line, s->path, ERR_SYNTAX, text);
	} else if (name.len > 0 && name.len <= SETTINGS_NAME_MAX && row_of(s, name) == s->count) {
		say_unknown(s, problems, p->line, name);
	} else {
		say_of_libconfuse(s, problems, p, name, whole);
	}
}

/*
 * Whether what is behind such a line can be read without it: a whole assignment, of which nothing goes on in the next
 * line.
 */
static bool
can_go_without(struct slice line)
{
	size_t quotes = 0, open = 0, closed = 0;
	bool assigns = false;

	for (size_t i = 0; i < line.len; i++) {
		quotes += line.data[i] == '"' ? 1 : 0;
		open += line.data[i] == '{' ? 1 : 0;
		closed += line.data[i] == '}' ? 1 : 0;
		assigns = assigns || line.data[i] == '=';
	}
	return assigns && quotes % 2 == 0 && open == closed;
}

/* libconfuse 3.3 counts lines wrongly behind a comment: it gets none to see. */
static void
blank_comments(struct buf *text)
{
	uint8_t quote = 0;

	for (size_t i = 0; i < text->len; i++) {
		uint8_t c = text->data[i];

		if (quote != 0 && c == '\\' && i + 1 < text->len)
			i++;
		else if (quote != 0)
			quote = c == quote ? 0 : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '#')
			for (; i + 1 < text->len && text->data[i] != '\n'; i++)
				text->data[i] = ' ';
	}
}

/* A list without values makes no call of on_value(). */
static void
find_empty_lists(struct settings *s, const struct buf *text)
{
	struct slice rest = buf_slice(text), line;

	for (unsigned number = 1; rest.len > 0; number++) {
		size_t row;

		line = slice_split(rest, '\n', &rest);
		row = row_of(s, first_word(line));
		if (row < s->count && s->table[row].kind == SETTING_LIST && s->lines[row] == 0)
			s->lines[row] = number;
	}
}

/* libconfuse ends at the first error: its line is taken out, and it reads once more. */
static int
parse(struct settings *s, struct buf *text, struct settings_problems *problems, struct error *e)
{
	struct pass p = { 0 };
	int rc;

	for (;;) {
		struct slice line;

		rc = parse_once(s, (const char *)text->data, &p, e);
		if (rc == 0 && p.line == 0)
			find_empty_lists(s, text);
		if (rc != 0 || p.line == 0)
			return rc;
		line = line_of(text, p.line);
		say_problem(s, problems, &p, line, text);
		/* An unexpected token belongs to something that began before. */
		if (!can_go_without(line) || begins(p.text, "unexpected token") ||
		    problems->count == SETTINGS_PROBLEMS_MAX)
			break;
		memset(text->data + (line.data - text->data), ' ', line.len);
	}
	/* What was read up to here is not all: no more is said of it than this. */
	return parse_once(s, "", &p, e);
}

static void
check_ranges(const struct settings *s, struct settings_problems *problems)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct setting *row = &s->table[i];
		long value;

		if (row->kind != SETTING_NUMBER)
			continue;
		value = cfg_getint(s->cfg, row->name);
		if (value >= row->min && value <= row->max)
			continue;
		settings_problem(s, problems, row->name, ERR_USAGE, "'%s' is from %ld to %ld, not %ld", row->name,
		    row->min, row->max, value);
		(void)cfg_setint(s->cfg, row->name, row->number);
	}
}

static int
read_all(struct settings *s, const char *path, struct settings_problems *problems, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	struct pass p;
	int rc;

	if (path == NULL)
		return parse_once(s, "", &p, e);
	(void)snprintf(s->path, sizeof s->path, "%s", path);
	buf_init(&text, SETTINGS_FILE_MAX);
	rc = file_read(path, &text, e);
	if (rc == 0 && buf_put_u8(&text, '\0') != 0)
		rc = error_set(e, text.err, "'%s' is too large", path);
	if (rc == 0 && strlen((const char *)text.data) != text.len - 1)
		rc = error_set(e, ERR_SYNTAX, "'%s' is no text", path);
	if (rc != 0)
		return error_context(e, "the configuration cannot be read");
	if (slice_starts(buf_slice(&text), SLICE("\xef\xbb\xbf")))
		memset(text.data, ' ', 3); /* as some editors begin every text */
	/* libconfuse prints one that nothing follows; in a quote without an end it makes no difference. */
	if (text.len > 1 && text.data[text.len - 2] == '\\')
		text.data[text.len - 2] = ' ';
	blank_comments(&text);
	rc = parse(s, &text, problems, e);
	if (rc == 0)
		check_ranges(s, problems);
	return rc;
}

int
settings_read(const char *path, const struct setting *table, size_t count, struct settings_problems *problems,
    struct settings **settings_out, struct error *e)
{
	struct settings *s = mem_alloc(sizeof *s);
	struct error own;
	int rc;

	if (s == NULL)
		return error_nomem(e);
	*s = (struct settings){ .count = count,
		.table = mem_array(count, sizeof *s->table),
		.lines = mem_array(count, sizeof *s->lines),
		.calls = mem_array(count, sizeof *s->calls) };
	if (s->table == NULL || s->lines == NULL || s->calls == NULL) {
		rc = error_nomem(e);
	} else {
		memcpy(s->table, table, count * sizeof *table);
		rc = read_all(s, path, problems, e == NULL ? &own : e);
	}
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
	if (s->cfg != NULL)
		(void)cfg_free(s->cfg);
	mem_free(s->table);
	mem_free(s->lines);
	mem_free(s->calls);
	mem_free(s);
}

unsigned
settings_line(const struct settings *s, const char *name)
{
	size_t row = row_of(s, slice_str(name));

	return row < s->count ? s->lines[row] : 0;
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
