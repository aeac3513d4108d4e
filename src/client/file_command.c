/* SPDX-License-Identifier: ISC */
#include "client/file_command.h"

#include <signal.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "client/account.h"
#include "openpgp/judge/verify.h"
#include "os/file.h"
#include "os/terminal.h"

#define SAID_MAX 4096u
#define SIGNING_KEYS_MAX 64u

/* ---- ending early ---- */

static volatile sig_atomic_t stopped;

static void
on_signal(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

/* A second signal ends the process at once. SIGXFSZ: a file that may not grow further is an error of the write. */
static void
watch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		struct sigaction before;

		/* nohup: who asked to ignore it is obeyed */
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
	}
	(void)signal(SIGXFSZ, SIG_IGN);
}

bool
file_stopped(void)
{
	return stopped != 0;
}

int
file_check_stopped(struct error *e)
{
	return stopped != 0 ? error_set(e, ERR_CLOSED, "interrupted") : 0;
}

/* ---- begin and end ---- */

/* Whether data goes there: with a filter what comes from standard input does, unless --output says otherwise. */
static bool
to_stdout(const struct file_command *c)
{
	bool dash = c->to_stdout;

	for (size_t i = 0; c->filter && i < c->files.count && c->output == NULL; i++)
		dash = dash || strcmp(c->files.items[i], "-") == 0;
	return dash || (c->output != NULL && strcmp(c->output, "-") == 0);
}

static int
open_keys(struct file_command *c)
{
	int rc = keyring_open(&c->keyring, &c->error);

	if (rc == 0)
		return lazy_keys_init(&c->keys, &c->keyring, &c->common, &c->error);
	return c->given != NULL && c->given->count > 0 && rc != ERR_NOMEM ? 0 : rc;
}

bool
file_command_begin(struct file_command *c, const char *help, const struct option *options, size_t count, int argc,
    char **argv, int *status)
{
	int rc = options_parse(argc, argv, options, count, &c->files, &c->error);

	c->out = stdout;
	if (rc == 0 && c->common.help) {
		*status = client_help(help);
		return false;
	}
	if (rc == 0 && to_stdout(c)) {
		c->out = stderr;
		if (c->common.json)
			rc = error_set(&c->error, ERR_USAGE, "--json has no place when standard output has the data");
	}
	if (rc == 0 && c->files.count == 0)
		rc = error_set(&c->error, ERR_USAGE, "which file? See --help");
	if (rc == 0)
		rc = open_keys(c);
	if (rc == 0 && c->common.json)
		c->list = json_value_list();
	watch_signals();
	if (rc != 0)
		*status = file_command_end(c, rc, EXIT_DONE);
	return rc == 0;
}

int
file_command_end(struct file_command *c, int rc, int status)
{
	struct error e = { 0 };

	if (rc != 0) {
		(void)client_fail(&c->error);
		status = file_status(rc);
	}
	if (c->list != NULL && json_value_count(c->list) > 0 && c->out == stdout) {
		if (client_print_json(c->list, &e) != 0)
			status = client_fail(&e);
	} else
		json_value_free(c->list);
	lazy_keys_done(&c->keys);
	keyring_close(&c->keyring);
	return status;
}

int
file_status(int code)
{
	return code == ERR_TRUNCATED || code == ERR_LIMIT ? EXIT_NO : client_status(code);
}

static void
say_failed(struct file_command *c, const char *path, int rc)
{
	if (c->said != NULL) {
		json_value_set_str(c->said, "error", error_name(rc));
		json_value_set_str(c->said, "sentence", c->error.text);
	}
	if (slice_search(slice_str(c->error.text), slice_str(path)) == SIZE_MAX)
		(void)error_context(&c->error, "%s", path);
	(void)client_fail(&c->error);
}

static int
run_one(struct file_command *c, const char *path, int (*run)(void *ctx, const char *path, struct error *e), void *ctx)
{
	int rc;

	c->error = (struct error){ 0 };
	if (c->list != NULL) {
		c->said = json_value_object();
		json_value_set_text(c->said, "file", slice_str(path));
	}
	rc = run(ctx, path, &c->error);
	if (rc != 0)
		say_failed(c, path, rc);
	if (c->list != NULL)
		json_value_append(c->list, c->said);
	c->said = NULL;
	return file_status(rc);
}

int
file_command_each(struct file_command *c, int (*run)(void *ctx, const char *path, struct error *e), void *ctx)
{
	int worst = EXIT_DONE;

	for (size_t i = 0; i < c->files.count && !file_stopped(); i++) {
		int status = run_one(c, c->files.items[i], run, ctx);

		worst = status > worst ? status : worst;
	}
	return file_stopped() && worst == EXIT_DONE ? EXIT_COULD_NOT : worst;
}

int
file_command_one(struct file_command *c, int (*run)(void *ctx, const char *path, struct error *e), void *ctx)
{
	return run_one(c, c->files.items[0], run, ctx);
}

/* ---- saying ---- */

static void
say_to(FILE *out, const char *before, struct slice text, const char *after)
{
	BUF_OWNED struct buf b = { .max = SAID_MAX };

	(void)printable_put(&b, text, PRINTABLE_LINE, SAID_MAX);
	(void)fprintf(out, "%s%.*s%s\n", before, (int)b.len, b.len == 0 ? "" : (const char *)b.data, after);
}

void
file_say(const struct file_command *c, const char *before, struct slice text, const char *after)
{
	if (!c->common.json)
		say_to(c->out, before, text, after);
}

void
file_warn(const char *before, struct slice text, const char *after)
{
	(void)fflush(stdout);
	(void)fputs("letterlock: ", stderr);
	say_to(stderr, before, text, after);
}

/* ---- our keys ---- */

static const struct pgp_cert *
own_by_fingerprint(const struct file_command *c, const struct pgp_fingerprint *f)
{
	for (size_t i = 0; i < c->keys.own.count; i++) {
		if (pgp_fingerprint_eq(&c->keys.own.items[i]->primary->fingerprint, f))
			return c->keys.own.items[i];
	}
	return NULL;
}

int
file_own_cert(const struct file_command *c, const struct pgp_cert **out, struct error *e)
{
	const struct trust_entry *entry;
	struct account a;

	*out = NULL;
	if (c->as != NULL) {
		int rc = keyring_resolve(&c->keyring, slice_str(c->as), true, &entry, e);

		if (rc == 0)
			*out = own_by_fingerprint(c, &entry->fingerprint);
		return rc != 0 || *out != NULL ? rc : error_set(e, ERR_NOT_FOUND, "'%.100s' is no key of yours", c->as);
	}
	if (c->keys.own.count > 1 && account_load(&a, NULL) == 0)
		*out = own_by_fingerprint(c, &a.key);
	else if (c->keys.own.count == 1)
		*out = c->keys.own.items[0];
	if (*out == NULL && c->keys.own.count > 0)
		return error_set(e, ERR_USAGE, "you have several keys: say which one with --as ADDRESS|FINGERPRINT");
	return 0;
}

int
file_signer(struct file_command *c, const struct pgp_cert *cert, struct pgp_signer *out, struct error *e)
{
	const struct pgp_policy *policy = &c->keyring.policy;
	const struct pgp_key *keys[SIGNING_KEYS_MAX];
	struct pgp_cert_judgement j;
	size_t n;
	int rc = pgp_cert_judge(cert, policy, policy->now, &j, e);

	if (rc != 0)
		return rc;
	n = pgp_judged_keys_for(&j, policy, PGP_FLAG_SIGN, keys, SIGNING_KEYS_MAX, e);
	pgp_cert_judgement_done(&j);
	if (n == 0)
		return error_context(e, "your key cannot sign");
	/* The last one: a signing subkey before the primary key. */
	*out = (struct pgp_signer){ keys[n - 1], lazy_keys_ops(&c->keys) };
	return 0;
}

/* ---- certificates, passwords ---- */

int
file_certs_add(struct pgp_certs *certs, struct pgp_cert *cert, struct error *e)
{
	struct pgp_cert **items = mem_realloc(certs->items, (certs->count + 1) * sizeof(struct pgp_cert *));

	if (items == NULL) {
		pgp_cert_free(cert);
		return error_nomem(e);
	}
	certs->items = items;
	certs->items[certs->count++] = cert;
	return 0;
}

int
file_certs_load(const char *path, struct pgp_certs *certs, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = FILE_CERTS_MAX };
	int rc = file_read(path, &bytes, e);

	if (rc == 0 && (rc = pgp_certs_parse(buf_slice(&bytes), certs, e)) != 0)
		return error_context(e, "%s", path);
	return rc;
}

int
file_policy(const struct file_command *c, const struct option_list *accept_old, struct pgp_policy *out, struct error *e)
{
	int rc = 0;

	*out = c->keyring.policy;
	for (size_t i = 0; i < accept_old->count && rc == 0; i++)
		rc = pgp_policy_override(out, slice_str(accept_old->items[i]), e);
	return rc == 0 ? 0 : error_context(e, "--accept-old");
}

int
file_password(const struct file_command *c, bool new, struct buf *out, struct error *e)
{
	const struct common from = { .passphrase_fd = c->common.password_fd, .password_fd = -1 };
	bool asked = c->common.password_fd < 0;
	int rc = client_passphrase(&from, "Password of the message: ", new &&asked, out, e);

	if (rc == ERR_USAGE && asked && !client_can_ask())
		return error_set(
		    e, ERR_USAGE, "a password is needed, and nobody can be asked: --password-fd N gives it");
	if (new && out->len == 0 && (rc == 0 || (rc == ERR_USAGE && asked)))
		return error_set(e, ERR_USAGE, "an empty password protects nothing");
	return new &&rc == ERR_USAGE &&asked ? error_set(e, ERR_USAGE, "these were two different passwords") : rc;
}
