/* SPDX-License-Identifier: ISC */
#include "client/common.h"

#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "client/agent/client.h"
#include "client/agent/config.h"
#include "os/pinentry.h"
#include "os/terminal.h"

#define LINE_OCTETS 4096u

int
client_status(int code)
{
	static const int no[] = { ERR_INTEGRITY, ERR_SIGNATURE, ERR_NO_KEY, ERR_PASSWORD, ERR_POLICY, ERR_NOT_FOUND,
		ERR_EXISTS, ERR_DENIED, ERR_SYNTAX, ERR_UNSUPPORTED };

	if (code == 0)
		return EXIT_DONE;
	if (code == ERR_USAGE)
		return EXIT_USAGE;
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
		if (code == no[i])
			return EXIT_NO;
	}
	return EXIT_COULD_NOT;
}

int
client_fail(const struct error *e)
{
	BUF_OWNED struct buf b = { .max = LINE_OCTETS };

	(void)printable_put(&b, slice_str(e->text), PRINTABLE_LINE, LINE_OCTETS - 1);
	(void)fflush(stdout);
	(void)fprintf(stderr, "letterlock: %.*s\n", (int)b.len, b.len == 0 ? "" : (const char *)b.data);
	return client_status(e->code);
}

int
client_help(const char *text)
{
	(void)fputs(text, stdout);
	return EXIT_DONE;
}

void
client_print(struct slice text)
{
	BUF_OWNED struct buf b = { .max = LINE_OCTETS };

	(void)printable_put(&b, text, PRINTABLE_LINE, LINE_OCTETS);
	if (b.len > 0)
		(void)fwrite(b.data, 1, b.len, stdout);
}

void
client_say(const char *before, struct slice text, const char *after)
{
	(void)fputs(before, stdout);
	client_print(text);
	(void)fputs(after, stdout);
	(void)fputc('\n', stdout);
}

int
client_print_json(struct json_value *v, struct error *e)
{
	BUF_OWNED struct buf b = { .max = SIZE_MAX };
	int rc = json_value_write(v, true, &b, e);

	json_value_free(v);
	if (rc != 0)
		return rc;
	(void)buf_put_u8(&b, '\n');
	if (fwrite(b.data, 1, b.len, stdout) != b.len || fflush(stdout) != 0)
		return error_set(e, ERR_IO, "cannot write to standard output");
	return 0;
}

/* ---- secrets ---- */

bool
client_can_ask(void)
{
	return terminal_can_ask() || pinentry_can_ask();
}

/* At the terminal, else in a window. */
static int
ask(const char *question, enum pinentry_kind kind, struct buf *out, struct error *e)
{
	struct agent_config config;
	int rc;

	if (terminal_can_ask() || !pinentry_can_ask())
		return terminal_ask_secret(question, out, e);
	rc = agent_config_load(&config, e);
	return rc == 0 ? pinentry_ask_secret(config.pinentry, kind, question, out, e) : rc;
}

static int
ask_twice(const char *question, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf again = { .max = TERMINAL_SECRET_MAX };
	bool window = !terminal_can_ask() && pinentry_can_ask();
	int rc = ask(question, PINENTRY_NEW, out, e); /* a window asks for both and compares them itself */

	if (rc == 0 && !window)
		rc = ask("Once more: ", PINENTRY_PASSPHRASE, &again, e);
	if (rc == 0 && !window && !slice_eq(buf_slice(out), buf_slice(&again)))
		rc = error_set(e, ERR_USAGE, "these were two different passphrases");
	if (again.data != NULL)
		explicit_bzero(again.data, again.cap);
	return rc;
}

int
client_passphrase(const struct common *c, const char *question, bool new, struct buf *out, struct error *e)
{
	int rc;

	if (c->passphrase_fd >= 0)
		rc = secret_from_fd(c->passphrase_fd, out, e);
	else
		rc = new ? ask_twice(question, out, e) : ask(question, PINENTRY_PASSPHRASE, out, e);
	if (rc == 0 && new && out->len == 0)
		return error_set(e, ERR_USAGE, "a key of ours is never kept without a passphrase");
	return rc == ERR_USAGE && c->passphrase_fd < 0 ? error_context(e, "a passphrase is needed (--passphrase-fd N)")
						       : rc;
}

int
client_password(
    const struct common *c, struct agent_client *agent, const char *address, struct buf *out, struct error *e)
{
	char question[400];
	int rc;

	if (c->password_fd >= 0)
		return secret_from_fd(c->password_fd, out, e);
	if (agent != NULL && agent_client_password_get(agent, slice_str(address), out, NULL) == 0)
		return 0;
	(void)snprintf(question, sizeof question, "Password of %.320s: ", address);
	rc = ask(question, PINENTRY_PASSPHRASE, out, e);
	if (rc != 0)
		return error_context(e, "the account's password is needed (--password-fd N)");
	if (agent != NULL)
		(void)agent_client_password_put(agent, slice_str(address), buf_slice(out), AGENT_SECONDS_USUAL, NULL);
	return 0;
}
