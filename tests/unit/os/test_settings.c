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

static struct settings_problems problems;

static int
read_text(const char *text, struct settings **out, struct error *e)
{
	char path[64];
	int rc;

	(void)snprintf(path, sizeof path, "/tmp/test_settings_%d", (int)getpid());
	assert_ok(file_write_atomic(path, slice_str(text), 0600, &unit_error));
	problems.count = 0;
	rc = settings_read(path, table, sizeof table / sizeof table[0], &problems, out, e);
	(void)unlink(path);
	return rc;
}

static void
defaults_and_values(void **state)
{
	struct settings *s = NULL;

	(void)state;
	assert_ok(settings_read(NULL, table, sizeof table / sizeof table[0], &problems, &s, &unit_error));
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

/* Each line of `said` stands in the problem with its number; there are no others. */
static void
what_cannot_be_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		const char *said[4];
	} rows[] = {
		{ "host = \"x\"\nhots = \"y\"\n", 1,
		    { "line 2: there is no setting 'hots'; 'host' is probably meant" } },
		{ "\n\nsomething = 1\n", 1, { "line 3: there is no setting 'something'; letterlockd.conf(5)" } },
		{ "port = many\n", 1, { "line 1: 'port' is a whole number from -1 to 65535" } },
		{ "port = 1.5\n", 1, { "line 1: 'port' is a whole number" } },
		{ "port = 99999999999999999999\n", 1, { "line 1: 'port' is a whole number" } },
		{ "PORT = 1\n", 1, { "line 1: there is no setting 'PORT'; 'port' is probably meant" } },
		{ "\xef\xbb\xbfhots = \"y\"\n", 1, { "line 1: there is no setting 'hots'; 'host'" } },
		{ "host = \"x\";\n", 1, { "line 1: ';' is no setting: a line is NAME = VALUE" } },
		{ "port = 1\nhost = \"x\nopen = true\n", 1, { "line 2: the quote that begins here has no end" } },
		{ "port = 1\nlist = { \"x\"\n\n", 1, { "line 2: the list that begins here has no '}'" } },
		{ "list = { \"x\"\nport = 1\nopen = true\n", 1, { "line 2: 'port' cannot stand here: is a" } },
		{ "port = 65536\n", 1, { "line 1: 'port' is from -1 to 65535, not 65536" } },
		{ "open = perhaps\n", 1, { "line 1: 'open' is true or false" } },
		{ "list = { \"a\"\n", 1, { "line " } },
		{ "host = \"a\nb\"\nport = 99999\nopen = 2x\n", 2, { "line 3: 'port'", "line 4: " } },
		{ "port = 1\n# port = 2\nport = 3\n", 1, { "line 3: 'port' is set once more; line 1 has it already" } },
		{ "list = { \"a\", \"b\" }\nlist = { \"c\" }\n", 1, { "line 2: 'list' is set once more; line 1" } },
		/* All of them at once, in their order. */
		{ "port = -2\nprot = 3\nhost = \"x\"\nopen = maybe\nopne = true\n", 4,
		    { "line 1: 'port'", "line 2: there is no setting 'prot'", "line 4: ", "line 5: " } },
		/* Behind a list that is not known nothing can be made out. */
		{ "lits = {\n\"a\" }\nport = 70000\n", 1, { "line 1: there is no setting 'lits'; 'list'" } },
		{ "=\n", 1, { "line 1: " } },
		{ "port 25\n", 1, { "line 1: " } },
	};
	struct settings *s = NULL;
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(read_text(rows[i].text, &s, &e), 0);
		if (problems.count != rows[i].count)
			print_message("row %zu: %zu problems, the first: %s\n", i, problems.count,
			    problems.count > 0 ? problems.list[0].error.text : "");
		assert_int_equal(problems.count, rows[i].count);
		for (size_t j = 0; j < rows[i].count; j++)
			if (strstr(problems.list[j].error.text, rows[i].said[j]) == NULL)
				fail_msg("row %zu: %s", i, problems.list[j].error.text);
		settings_free(s);
	}
	assert_int_equal(settings_read("/nonexistent/x", table, 1, &problems, &s, &e), ERR_NOT_FOUND);
}

static void
lines_are_known(void **state)
{
	struct settings *s = NULL;

	(void)state;
	assert_int_equal(read_text("\nlist = {\n\"a\",\n\"b\" }\nopen = true\n", &s, &unit_error), 0);
	assert_int_equal(problems.count, 0);
	assert_in_range(settings_line(s, "list"), 2, 3);
	assert_int_equal(settings_line(s, "open"), 5);
	assert_int_equal(settings_line(s, "port"), 0);
	settings_problem(s, &problems, "open", ERR_USAGE, "not with %s", "that");
	assert_non_null(strstr(problems.list[0].error.text, "line 5: not with that"));
	settings_free(s);
}

static void
there_is_a_bound(void **state)
{
	BUF_OWNED struct buf text = { 0 };
	struct settings *s = NULL;

	(void)state;
	buf_init(&text, 1 << 16);
	for (int i = 0; i < 1000; i++)
		assert_ok(buf_put_str(&text, "wrong = 1\n"));
	assert_ok(buf_put_u8(&text, 0));
	assert_int_equal(read_text((const char *)text.data, &s, &unit_error), 0);
	assert_int_equal(problems.count, SETTINGS_PROBLEMS_MAX);
	settings_free(s);
}

UNIT_MAIN(UNIT_TEST(defaults_and_values), UNIT_TEST(what_cannot_be_is_refused_with_its_line),
    UNIT_TEST(lines_are_known), UNIT_TEST(there_is_a_bound))
