/* SPDX-License-Identifier: ISC */
/* `letterlock key publish` */
#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "client/agent/client.h"
#include "client/key/finding.h"
#include "client/key/print.h"
#include "client/key/verbs.h"
#include "os/file.h"
#include "os/terminal.h"
#include "trust/publish/publish.h"

static const char help[] =
    "letterlock key publish [WHO]\n"
    "\n"
    "Gives your certificate (or that of WHO) to the key directory of your exchange, or to the servers that --server "
    "names:\n"
    "hkps://HOST takes it as it is; vks://HOST shows addresses only once their owner followed a link that it mails; a\n"
    "server of HKP version 2 mails a token (--send-token), which then comes with --token. Certifications that are "
    "marked\n"
    "as local never travel.\n"
    "\n"
    "  --server URL          instead of your exchange; again and again\n"
    "  --address ADDRESS     which of its addresses --send-token and --token are about; without it your account's\n"
    "  --send-token          have the server mail a token to the address\n"
    "  --token FILE          the token from that mail, in a file; - is standard input\n"
    "  --allow-clear, --proxy URL, --ca-file FILE, --password-fd N, --json\n"
    "\n"
    "Examples:\n"
    "  letterlock key publish\n"
    "  letterlock key publish --server vks://keys.example.net\n"
    "  letterlock key publish --server hkps://keys.example.net --token - < token.txt\n";

struct publishing {
	struct key_command c;
	struct finding_options options;
	const char *address, *token_file;
	bool send_token;
	struct account account;
	bool has_account;
	struct finding_place place;
	struct pgp_cert *cert;
	char token[PUBLISH_TOKEN_MAX + 1];
	struct json_value *answers;
};

/* ---- what to publish ---- */

static int
load_cert(struct publishing *p)
{
	struct pgp_fingerprint f = p->account.key;
	const struct trust_entry *entry;
	int rc = 0;

	if (p->c.arguments.count > 0) {
		rc = keyring_resolve(&p->c.keyring, key_argument(&p->c), false, &entry, &p->c.error);
		if (rc == 0)
			f = entry->fingerprint;
	} else if (!p->has_account || f.len == 0) {
		rc = error_set(&p->c.error, ERR_NO_KEY, "say whose certificate, or run `letterlock setup` first");
	}
	return rc == 0 ? trust_store_load(p->c.keyring.certs, &f, &p->cert, &p->c.error) : rc;
}

static int
read_token(struct publishing *p)
{
	BUF_OWNED struct buf text = { .max = PUBLISH_TOKEN_MAX };
	struct slice token;
	int rc;

	if (p->token_file == NULL)
		return 0;
	rc = file_read(p->token_file, &text, &p->c.error);
	if (rc != 0)
		return rc;
	token = slice_trim(buf_slice(&text));
	for (size_t i = 0; i < token.len; i++) {
		if (token.data[i] <= ' ' || token.data[i] >= 0x7f)
			return error_set(
			    &p->c.error, ERR_USAGE, "a token is one word, as it stands in the server's mail");
	}
	if (token.len == 0)
		return error_set(&p->c.error, ERR_USAGE, "there is no token in %s", p->token_file);
	memcpy(p->token, token.data, token.len);
	p->token[token.len] = '\0';
	return 0;
}

static int
which_address(struct publishing *p, struct slice *out)
{
	*out = slice_str(p->address != NULL ? p->address : p->has_account ? p->account.address : NULL);
	return out->len > 0 ? 0 : error_set(&p->c.error, ERR_USAGE, "say which address: --address ADDRESS");
}

/* ---- what is said ---- */

static void
say(struct publishing *p, const struct find_server *s, struct slice address, const char *state, const char *words)
{
	struct json_value *o;

	if (p->c.common.json) {
		o = json_value_object();
		json_value_set_str(o, "server", s->host);
		json_value_set_text(o, "address", address);
		json_value_set_str(o, "state", state);
		json_value_append(p->answers, o);
		return;
	}
	(void)printf("%s: ", s->host);
	client_print(address);
	(void)printf("%s%s\n", address.len > 0 ? ": " : "", words);
}

static void
say_status(struct publishing *p, const struct find_server *s, const struct publish_status *status)
{
	static const char *const words[] = {
		[PUBLISH_UNPUBLISHED] = "not shown: the server has not verified it",
		[PUBLISH_PENDING] = "a mail comes from the server; follow the link in it, then the address is shown",
		[PUBLISH_PUBLISHED] = "published",
		[PUBLISH_REVOKED] = "revoked, and not shown",
		[PUBLISH_UNKNOWN] = "the server says something about it that is not known here",
	};

	for (size_t i = 0; i < status->count; i++)
		say(p, s, slice_str(status->addresses[i].address), publish_state_name(status->addresses[i].state),
		    words[status->addresses[i].state]);
	if (status->count == 0)
		say(p, s, SLICE_EMPTY, "taken", "took the key; it has no address to be found by");
}

/* ---- to one server ---- */

static void
say_refused(const char *address, const struct error *e)
{
	BUF_OWNED struct buf text = { .max = 2000 };

	(void)printable_put(&text, slice_str(address), PRINTABLE_LINE, TRUST_ADDRESS_MAX);
	(void)buf_put_str(&text, ": ");
	(void)printable_put(&text, slice_str(e->text), PRINTABLE_LINE, 1000);
	(void)fprintf(stderr, "letterlock: %.*s\n", (int)text.len, (const char *)text.data);
}

/* Each address that is not shown yet; what the server says against one is no reason not to ask for the next. */
static void
ask_for_mails(const struct publish_to *to, struct publish_status *status)
{
	for (size_t i = 0; i < status->count; i++) {
		struct error e = { 0 };

		if (status->addresses[i].state == PUBLISH_UNPUBLISHED && publish_vks_verify(to, status, i, &e) != 0)
			say_refused(status->addresses[i].address, &e);
	}
}

static int
publish_vks(struct publishing *p, const struct publish_to *to)
{
	static struct publish_status status;
	int rc = publish_vks_upload(to, p->cert, &status, &p->c.error);

	if (rc != 0)
		return rc;
	ask_for_mails(to, &status);
	say_status(p, to->server, &status);
	return 0;
}

static int
publish_v2(struct publishing *p, const struct publish_to *to)
{
	struct slice address;
	int rc = which_address(p, &address);

	if (rc == 0 && p->send_token) {
		rc = publish_send_token(to, address, &p->c.error);
		if (rc == 0)
			say(p, to->server, address, "pending",
			    "a mail with a token comes; give it to `letterlock key publish --token FILE` with this "
			    "server");
	} else if (rc == 0) {
		rc = publish_canonical(to, address, p->cert, p->token, &p->c.error);
		if (rc == 0)
			say(p, to->server, address, "published", "published");
	}
	return rc;
}

static int
publish_at(struct publishing *p, const struct publish_to *to)
{
	int rc;

	if (p->send_token || p->token_file != NULL)
		return publish_v2(p, to);
	if (to->server->protocol == FIND_VKS)
		return publish_vks(p, to);
	rc = publish_hkp(to, p->cert, &p->c.error);
	if (rc == 0)
		say(p, to->server, SLICE_EMPTY, "taken", "took the certificate");
	return rc;
}

/* Our own exchange knows us by our password, and so shows the address at once. */
static int
publish_at_exchange(struct publishing *p)
{
	struct publish_to to = {
		.web = &p->place.place.web, .server = p->place.place.exchange, .user = p->account.address
	};
	struct agent_client *agent = NULL;
	struct buf password;
	int rc;

	if (to.server == NULL)
		return error_set(&p->c.error, ERR_USAGE, "your exchange has no directory; name a server with --server");
	buf_init(&password, TERMINAL_SECRET_MAX + 1);
	rc = p->c.common.password_fd < 0 ? agent_client_open(true, &agent, &p->c.error) : 0;
	if (rc == 0)
		rc = client_password(&p->c.common, agent, p->account.address, &password, &p->c.error);
	if (rc == 0 && buf_put_u8(&password, 0) != 0)
		rc = error_nomem(&p->c.error);
	to.password = (const char *)password.data;
	if (rc == 0)
		rc = publish_at(p, &to);
	buf_wipe_done(&password);
	agent_client_close(agent);
	return rc;
}

static int
publish(struct publishing *p)
{
	int rc = load_cert(p);

	if (rc == 0)
		rc = read_token(p);
	if (rc == 0 && p->send_token && p->token_file != NULL)
		rc = error_set(&p->c.error, ERR_USAGE, "--send-token comes first, --token when the mail is there");
	if (rc == 0 && p->options.servers.count == 0)
		return publish_at_exchange(p);
	for (size_t i = 0; i < p->place.place.server_count && rc == 0; i++) {
		const struct publish_to to = { .web = &p->place.place.web, .server = &p->place.servers[i] };

		rc = publish_at(p, &to);
	}
	return rc;
}

int
key_publish(int argc, char **argv)
{
	static struct publishing p;
	const struct option table[] = { { "server", OPTION_LIST, &p.options.servers },
		{ "allow-clear", OPTION_FLAG, &p.options.allow_clear }, { "proxy", OPTION_TEXT, &p.options.proxy },
		{ "ca-file", OPTION_TEXT, &p.options.ca_file }, { "address", OPTION_TEXT, &p.address },
		{ "send-token", OPTION_FLAG, &p.send_token }, { "token", OPTION_TEXT, &p.token_file } };
	const struct key_syntax syntax = KEY_SYNTAX(help, table, 0, 1);
	int status, rc;

	if (!key_begin(&p.c, argc, argv, &syntax, &status))
		return status;
	rc = account_load(&p.account, &p.c.error);
	p.has_account = rc == 0;
	p.options.sources = "exchange,keyserver";
	if (rc == 0 || rc == ERR_NOT_FOUND)
		rc = finding_init(&p.place, &p.c.keyring, p.has_account ? &p.account : NULL, &p.options, &p.c.error);
	p.answers = json_value_list();
	if (rc == 0)
		rc = publish(&p);
	if (rc == 0 && p.c.common.json) {
		rc = client_print_json(p.answers, &p.c.error);
		p.answers = NULL;
	}
	json_value_free(p.answers);
	finding_done(&p.place);
	pgp_cert_free(p.cert);
	explicit_bzero(p.token, sizeof p.token);
	return key_end(&p.c, rc);
}
