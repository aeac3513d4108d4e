/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "os/file.h"
#include "os/settings.h"

static const struct setting table[] = {
	{ .name = "host", .kind = SETTING_TEXT, .text = "localhost" },
	{ .name = "list", .kind = SETTING_LIST, .text = "{\"a\", \"b\"}" },
	{ .name = "port", .kind = SETTING_NUMBER, .number = 25, .min = -1, .max = 65535 },
	{ .name = "open", .kind = SETTING_FLAG },
};

static int
read_text(const char *text, struct settings **out, struct error *e)
{
	char path[64];
	int rc;

	(void)snprintf(path, sizeof path, "/tmp/test_settings_%d", (int)getpid());
	assert_ok(file_write_atomic(path, slice_str(text), 0600, &unit_error));
	rc = settings_read(path, table, sizeof table / sizeof table[0], out, e);
	(void)unlink(path);
	return rc;
}

static void
defaults_and_values(void **state)
{
	struct settings *s = NULL;

	(void)state;
	assert_ok(settings_read(NULL, table, sizeof table / sizeof table[0], &s, &unit_error));
	assert_string_equal(settings_text(s, "host"), "localhost");
	assert_int_equal(settings_list_count(s, "list"), 2);
	assert_string_equal(settings_list_item(s, "list", 1), "b");
	assert_int_equal(settings_number(s, "port"), 25);
	assert_false(settings_flag(s, "open"));
	settings_free(s);
	assert_ok(read_text("# words\nhost = \"x\"\nlist = { \"c\" }\nport = -1\nopen = true\n", &s, &unit_error));
	assert_string_equal(settings_text(s, "host"), "x");
	assert_int_equal(settings_list_count(s, "list"), 1);
	assert_string_equal(settings_list_item(s, "list", 0), "c");
	assert_int_equal(settings_number(s, "port"), -1);
	assert_true(settings_flag(s, "open"));
	settings_free(s);
}

static void
what_cannot_be_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *said;
	} rows[] = {
		{ "host = \"x\"\nhots = \"y\"\n", ERR_SYNTAX, "line 2" },
		{ "port = many\n", ERR_SYNTAX, "line 1" },
		{ "port = 65536\n", ERR_USAGE, "'port'" },
		{ "open = perhaps\n", ERR_SYNTAX, "line 1" },
		{ "list = { \"a\"\n", ERR_SYNTAX, "line" },
	};
	struct settings *s = NULL;
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(read_text(rows[i].text, &s, &e), rows[i].rc);
		assert_non_null(strstr(e.text, rows[i].said));
	}
	assert_int_equal(settings_read("/nonexistent/x", table, 1, &s, &e), ERR_NOT_FOUND);
}

UNIT_MAIN(UNIT_TEST(defaults_and_values), UNIT_TEST(what_cannot_be_is_refused_with_its_line))
