/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "client/options.h"
#include "client/servers.h"

struct target {
	bool flag;
	const char *text, *output;
	struct option_list list, rest;
	int fd;
	uint32_t number;
};

static int
parse(struct target *t, int argc, char **argv)
{
	const struct option options[] = {
		{ "flag", OPTION_FLAG, &t->flag },
		{ "text", OPTION_TEXT, &t->text },
		{ "list", OPTION_LIST, &t->list },
		{ "fd", OPTION_FD, &t->fd },
		{ "number", OPTION_NUMBER, &t->number },
		{ "output", OPTION_TEXT, &t->output },
	};

	*t = (struct target){ .fd = -1 };
	return options_parse(argc, argv, options, sizeof options / sizeof options[0], &t->rest, &unit_error);
}

static void
a_line_is_read(void **state)
{
	static char w[][16] = { "one", "--flag", "--text", "t", "--list=a", "--list", "b", "--fd=7", "-", "--number",
		"12", "-o", "out", "--", "--flag" };
	char *argv[sizeof w / sizeof w[0]];
	struct target t;

	(void)state;
	for (size_t i = 0; i < sizeof w / sizeof w[0]; i++)
		argv[i] = w[i];
	assert_ok(parse(&t, (int)(sizeof w / sizeof w[0]), argv));
	assert_true(t.flag);
	assert_string_equal(t.text, "t");
	assert_int_equal(t.list.count, 2);
	assert_string_equal(t.list.items[1], "b");
	assert_int_equal(t.fd, 7);
	assert_int_equal(t.number, 12);
	assert_string_equal(t.output, "out");
	assert_int_equal(t.rest.count, 3);
	assert_string_equal(t.rest.items[1], "-");
	assert_string_equal(t.rest.items[2], "--flag");
}

static void
wrong_lines_are_refused(void **state)
{
	static char w[][2][24] = { { "--unknown", "x" }, { "--text", "" }, { "--fd", "x" }, { "--fd", "-1" },
		{ "--flag=yes", "x" }, { "-x", "y" }, { "x", "-o" }, { "--number", "99999999999" } };

	(void)state;
	for (size_t i = 0; i < sizeof w / sizeof w[0]; i++) {
		char *argv[] = { w[i][0], w[i][1] };
		struct target t;

		if (parse(&t, w[i][1][0] == '\0' ? 1 : 2, argv) != ERR_USAGE)
			fail_msg("taken: %s %s", w[i][0], w[i][1]);
	}
}

static void
servers_are_named(void **state)
{
	static const struct {
		const char *text;
		enum account_service service;
		const char *host;
		unsigned port;
		bool start_tls;
	} rows[] = {
		{ "mail.example.org", ACCOUNT_IMAP, "mail.example.org", 993, false },
		{ "mail.example.org", ACCOUNT_SMTP, "mail.example.org", 465, false },
		{ "mail.example.org", ACCOUNT_HTTPS, "mail.example.org", 443, false },
		{ "imap://h", ACCOUNT_IMAP, "h", 143, true },
		{ "IMAPS://h:1993", ACCOUNT_IMAP, "h", 1993, false },
		{ "submission://[::1]:587", ACCOUNT_SMTP, "::1", 587, true },
		{ "https://[2001:db8::1]", ACCOUNT_HTTPS, "2001:db8::1", 443, false },
		{ "h:465", ACCOUNT_SMTP, "h", 465, false },
		{ "h:143", ACCOUNT_IMAP, "h", 143, true },
	};
	static const char *const bad[] = { "", ":1", "ftp://h", "h:99999", "[::1", "[::1]x", "h:x", "imaps://" };
	struct account a;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct account_server *s = &a.servers[rows[i].service];

		a = (struct account){ 0 };
		assert_ok(servers_add(&a, rows[i].text, &unit_error));
		assert_string_equal(s->host, rows[i].host);
		assert_int_equal(s->port, rows[i].port);
		assert_int_equal(s->start_tls, rows[i].start_tls);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (servers_add(&a, bad[i], NULL) != ERR_USAGE)
			fail_msg("taken: %s", bad[i]);
	}
}

UNIT_MAIN(UNIT_TEST(a_line_is_read), UNIT_TEST(wrong_lines_are_refused), UNIT_TEST(servers_are_named))
