/* SPDX-License-Identifier: ISC */
/* `letterlock key servers` */
#include <stdio.h>
#include <string.h>

#include "client/key/command.h"
#include "client/key/finding.h"
#include "client/key/verbs.h"
#include "trust/records.h"

static const char help[] =
    "letterlock key servers [URL...]\n"
    "\n"
    "Says which key servers are asked when a certificate is looked for, and through which proxy; with URLs, these are\n"
    "asked from now on. They are asked last, after the address's own domain, and what they give is not believed.\n"
    "\n"
    "  --none                ask no key server any more\n"
    "  --proxy URL           ask everybody through it, e.g. socks5h://127.0.0.1:9050 for Tor; `none` takes that back\n"
    "  --allow-clear         permit servers without TLS (hkp://)\n"
    "  --json\n"
    "\n"
    "Examples:\n"
    "  letterlock key servers hkps://keys.example.net vks://keys.example.com\n"
    "  letterlock key servers --proxy socks5h://127.0.0.1:9050\n";

struct serving {
	struct key_command c;
	const char *proxy;
	bool none, allow_clear;
};

static int
set_servers(struct serving *s)
{
	BUF_OWNED struct buf text = { .max = TRUST_SETTING_MAX };
	struct find_server server;
	int rc = 0;

	for (size_t i = 0; i < s->c.arguments.count && rc == 0; i++) {
		struct slice url = slice_str(s->c.arguments.items[i]);

		rc = find_server_parse(url, s->allow_clear, &server, &s->c.error);
		(void)buf_put_slice(&text, url);
		(void)buf_put_u8(&text, '\n');
	}
	if (rc == 0 && (text.err != 0 || s->c.arguments.count > FIND_SERVERS_MAX))
		rc = error_set(&s->c.error, ERR_USAGE, "these are too many; at most %u are asked", FIND_SERVERS_MAX);
	if (text.len > 0)
		buf_truncate(&text, text.len - 1);
	return rc == 0 ? trust_setting_set(s->c.keyring.certs, FINDING_SETTING_SERVERS, buf_slice(&text), &s->c.error)
		       : rc;
}

static int
set_proxy(struct serving *s)
{
	bool none = strcmp(s->proxy, "none") == 0;

	if (!none && strncmp(s->proxy, "socks5h://", 10) != 0 && strncmp(s->proxy, "http://", 7) != 0)
		return error_set(
		    &s->c.error, ERR_USAGE, "a proxy is socks5h://HOST:PORT (names are resolved there too) or http://");
	return trust_setting_set(
	    s->c.keyring.certs, FINDING_SETTING_PROXY, none ? SLICE_EMPTY : slice_str(s->proxy), &s->c.error);
}

static int
say(struct serving *s)
{
	BUF_OWNED struct buf servers = { .max = TRUST_SETTING_MAX }, proxy = { .max = TRUST_SETTING_MAX };
	struct json_value *o = NULL, *list = NULL;
	struct slice rest;
	int rc = trust_setting_get(s->c.keyring.certs, FINDING_SETTING_SERVERS, &servers, &s->c.error);

	if (rc == 0)
		rc = trust_setting_get(s->c.keyring.certs, FINDING_SETTING_PROXY, &proxy, &s->c.error);
	if (rc != 0)
		return rc;
	if (s->c.common.json) {
		o = json_value_object();
		list = json_value_list();
	}
	for (rest = buf_slice(&servers); rest.len > 0;) {
		struct slice line = slice_split(rest, '\n', &rest);

		if (list != NULL)
			json_value_append_text(list, line);
		else
			client_say("", line, "");
	}
	if (o == NULL) {
		if (servers.len == 0)
			client_say("no key server is asked", SLICE_EMPTY, "");
		if (proxy.len > 0)
			client_say("through ", buf_slice(&proxy), "");
		return 0;
	}
	json_value_set(o, "servers", list);
	json_value_set_text(o, "proxy", buf_slice(&proxy));
	return client_print_json(o, &s->c.error);
}

int
key_servers(int argc, char **argv)
{
	static struct serving s;
	const struct option table[] = { { "none", OPTION_FLAG, &s.none }, { "proxy", OPTION_TEXT, &s.proxy },
		{ "allow-clear", OPTION_FLAG, &s.allow_clear } };
	const struct key_syntax syntax = KEY_SYNTAX(help, table, 0, OPTIONS_LIST_MAX);
	int status, rc = 0;

	if (!key_begin(&s.c, argc, argv, &syntax, &status))
		return status;
	if (s.none && s.c.arguments.count > 0)
		rc = error_set(&s.c.error, ERR_USAGE, "--none and servers contradict each other");
	if (rc == 0 && (s.none || s.c.arguments.count > 0))
		rc = set_servers(&s);
	if (rc == 0 && s.proxy != NULL)
		rc = set_proxy(&s);
	if (rc == 0)
		rc = say(&s);
	return key_end(&s.c, rc);
}
