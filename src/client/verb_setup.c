/* SPDX-License-Identifier: ISC */
/* `letterlock setup`: find the servers, sign in, make or take the key, publish it. */
#include <stdio.h>
#include <string.h>

#include "client/discover.h"
#include "client/key/keyring.h"
#include "client/mailbox.h"
#include "client/servers.h"
#include "client/verbs.h"
#include "os/terminal.h"
#include "trust/publish/publish.h"

static const char help[] =
    "letterlock setup ADDRESS [--server HOST[:PORT]]... [--pin FINGERPRINT]\n"
    "\n"
    "Finds the servers of the account, signs in, makes a key (or takes the one that is\n"
    "here already), and publishes its certificate in the key directory of the exchange.\n"
    "\n"
    "  --server HOST[:PORT]   a server; without --server it is where the domain says, by its\n"
    "                         autoconfig or in DNS, or else the address's domain itself. With a\n"
    "                         port it may be given for SMTP, IMAP and HTTPS each; which is which\n"
    "                         is found out (or say imaps://HOST:PORT, submissions://, https://)\n"
    "  --pin FINGERPRINT      SHA-256 of the server's public key (SubjectPublicKeyInfo): only a\n"
    "                         server with this key is believed. Without it, a certificate that no\n"
    "                         authority vouches for is shown, and you are asked\n"
    "  --name NAME            your name, for the From line and the key\n"
    "  --v6                   make a version 6 key (RFC 9580); the default, version 4, is read\n"
    "                         by every OpenPGP program\n"
    "  --no-publish           do not give the certificate to the directory\n"
    "  --password-fd N        read the account's password from this descriptor\n"
    "  --passphrase-fd N      read the key's passphrase from this descriptor\n"
    "\n"
    "Examples:\n"
    "  letterlock setup alice@example.org --name 'Alice Archer'\n"
    "  letterlock setup alice@example.org --server mail.example.org --pin 9f86d081...\n";

struct setup {
	struct common common;
	struct option_list arguments, servers;
	const char *pin, *name;
	bool v6, no_publish;
	struct account account;
	struct keyring keyring;
	struct agent_client *agent;
	struct buf password, passphrase;
	struct error error;
};

static int
parse(struct setup *s, int argc, char **argv)
{
	const struct option options[] = {
		COMMON_OPTIONS(&s->common),
		{ "server", OPTION_LIST, &s->servers },
		{ "pin", OPTION_TEXT, &s->pin },
		{ "name", OPTION_TEXT, &s->name },
		{ "v6", OPTION_FLAG, &s->v6 },
		{ "no-publish", OPTION_FLAG, &s->no_publish },
	};
	int rc = options_parse(argc, argv, options, sizeof options / sizeof options[0], &s->arguments, &s->error);

	if (rc != 0 || s->common.help)
		return rc;
	if (s->arguments.count != 1)
		return error_set(&s->error, ERR_USAGE, "say which address: `letterlock setup ADDRESS`");
	return 0;
}

/* ---- the account's servers ---- */

static bool
is_address(struct slice a)
{
	size_t at = slice_find_last(a, '@');

	for (size_t i = 0; i < a.len; i++) {
		if (a.data[i] <= ' ' || a.data[i] == 127 || a.data[i] == '<' || a.data[i] == '>')
			return false;
	}
	return at != SIZE_MAX && at > 0 && at + 1 < a.len;
}

static int
fill_account(struct setup *s)
{
	struct account *a = &s->account;
	const char *address = s->arguments.items[0];

	if (!is_address(slice_str(address)) || strlen(address) >= sizeof a->address)
		return error_set(&s->error, ERR_USAGE, "'%.100s' is no address", address);
	if (s->name != NULL && (strlen(s->name) >= sizeof a->name || strpbrk(s->name, "<>\r\n") != NULL))
		return error_set(&s->error, ERR_USAGE, "this name is too long or has characters that it must not have");
	(void)snprintf(a->address, sizeof a->address, "%s", address);
	(void)snprintf(a->name, sizeof a->name, "%s", s->name == NULL ? "" : s->name);
	if (s->pin == NULL)
		return 0;
	a->pinned = true;
	if (tls_pin_parse(slice_str(s->pin), a->pin, &s->error) != 0)
		return error_set(
		    &s->error, ERR_USAGE, "--pin takes 64 hex digits, or sha256// and 44 base64 characters");
	return 0;
}

static void
show_peer(const struct tls_peer *p, const struct account_server *server)
{
	char pin[TLS_PIN_TEXT];

	tls_pin_text(p->pin, pin);
	(void)fprintf(stderr,
	    "\nThe server %s port %u shows a certificate that no authority vouches for (%s):\n"
	    "  subject   %s\n  issuer    %s\n  for       %s\n  valid     %s to %s\n  SHA-256 of its public key:\n"
	    "            %s\nCompare this with what the keeper of the server told you.\n",
	    server->host, server->port, p->reason, p->subject, p->issuer, p->names, p->not_before, p->not_after, pin);
}

/* A certificate that no authority vouches for: the person decides, and the key is pinned. */
static int
ask_about_peer(struct setup *s, const struct tls_peer *p, const struct account_server *server)
{
	struct error refused = s->error;
	char pin[TLS_PIN_TEXT];
	bool yes = false;

	tls_pin_text(p->pin, pin);
	show_peer(p, server);
	if (terminal_ask_yes("Believe this server from now on?", &yes, &s->error) != 0)
		return error_set(&s->error, ERR_TLS,
		    "the server is not believed: run this at a terminal, or compare the key and say --pin %s", pin);
	if (!yes) {
		s->error = refused;
		return s->error.code;
	}
	memcpy(s->account.pin, p->pin, sizeof s->account.pin);
	s->account.pinned = true;
	return 0;
}

/* Connects once, only to see whether the server is believed; the answer is the same for every port of it. */
static int
believe_server(struct setup *s, const struct account *probe, enum account_service service)
{
	const struct account_server *server = &probe->servers[service];
	struct tls_peer peer = { .subject = "" };
	struct client *c = NULL;
	int rc;

	if (server->start_tls)
		rc = mailbox_see(probe, &peer, &s->error);
	else
		rc = servers_connect(probe, service, &c, &peer, &s->error);
	client_close(c);
	if (rc == 0)
		return 0;
	if (rc != ERR_TLS || peer.subject[0] == '\0' || s->account.pinned)
		return rc;
	return ask_about_peer(s, &peer, server);
}

/* HOST:PORT, or HOST with the port of IMAP: enough to look at its certificate. */
static int
believe_text(struct setup *s, const char *text)
{
	struct account probe = { .address = "" };

	if (s->account.pinned)
		return 0;
	if (!servers_is_usual(text)) {
		/* An unknown port: as HTTPS, since only the handshake matters. */
		char url[400];

		(void)snprintf(url, sizeof url, "https://%.350s", text);
		if (servers_add(&probe, url, &s->error) != 0)
			return s->error.code;
		return believe_server(s, &probe, ACCOUNT_HTTPS);
	}
	if (servers_add(&probe, text, &s->error) != 0)
		return s->error.code;
	for (int i = ACCOUNT_SERVICES - 1; i >= 0; i--) {
		if (probe.servers[i].host[0] != '\0' && !probe.servers[i].start_tls)
			return believe_server(s, &probe, (enum account_service)i);
	}
	/* Behind STARTTLS it is IMAP that shows the certificate; it is always there. */
	return probe.servers[ACCOUNT_IMAP].host[0] != '\0' ? believe_server(s, &probe, ACCOUNT_IMAP) : 0;
}

static int
ask_about_elsewhere(struct setup *s, const char *who)
{
	const struct account *a = &s->account;
	bool yes = false;
	int rc;

	(void)fprintf(stderr, "\n%s that the servers of %s are %s (IMAP) and %s (SMTP).\n", who, a->address,
	    a->servers[ACCOUNT_IMAP].host, a->servers[ACCOUNT_SMTP].host);
	rc = terminal_ask_yes("Send them your password?", &yes, &s->error);
	if (rc != 0 || yes)
		return rc;
	return error_set(&s->error, ERR_USAGE, "say --server with the server that you mean");
}

/* With a pin only its key is believed anyway. */
static bool
leads_away(const struct setup *s)
{
	return !s->account.pinned && servers_are_elsewhere(&s->account);
}

/*
 * The certificate of the domain's name vouches for what it publishes, so that is enough where nobody can be asked. But a
 * forgotten name in DNS that somebody has taken over has its certificate too: who sits there is to see where it leads
 * (draft-ietf-mailmaint-autoconfig section 5.1).
 */
static int
believe_published(struct setup *s)
{
	int rc = leads_away(s) && terminal_can_ask() ? ask_about_elsewhere(s, "The domain publishes") : 0;

	return rc == 0 ? believe_server(s, &s->account, ACCOUNT_IMAP) : rc;
}

/* DNS names servers of another domain: anybody between could have written that. */
static int
believe_named(struct setup *s)
{
	int rc = 0;

	if (leads_away(s) && !terminal_can_ask())
		return error_set(&s->error, ERR_USAGE,
		    "DNS names servers outside of the domain: run this at a terminal, or say --server %s",
		    s->account.servers[ACCOUNT_IMAP].host);
	if (leads_away(s))
		rc = ask_about_elsewhere(s, "DNS says");
	return rc == 0 ? believe_server(s, &s->account, ACCOUNT_IMAP) : rc;
}

/*
 * First what the provider publishes over HTTPS, where its certificate vouches for it; then DNS. ERR_NOT_FOUND: the domain
 * does not say where its servers are.
 */
static int
find_by_domain(struct setup *s)
{
	int rc = discover_servers(&s->account, &s->error);

	if (rc == 0)
		return believe_published(s);
	rc = servers_by_domain(&s->account, &s->error);
	if (rc == ERR_NET)
		rc = ERR_NOT_FOUND; /* without DNS the domain's own name is not found either, and then that is said */
	return rc == 0 ? believe_named(s) : rc;
}

static int
find_servers(struct setup *s)
{
	char domain[ACCOUNT_ADDRESS_MAX];
	struct slice d = account_domain(&s->account);
	int rc = 0;

	if (s->servers.count == 0 && (rc = find_by_domain(s)) != ERR_NOT_FOUND)
		return rc;
	if (s->servers.count == 0) {
		(void)snprintf(domain, sizeof domain, "%.*s", (int)d.len, (const char *)d.data);
		rc = believe_text(s, domain);
		return rc == 0 ? servers_add(&s->account, domain, &s->error) : rc;
	}
	for (size_t i = 0; i < s->servers.count && rc == 0; i++) {
		rc = believe_text(s, s->servers.items[i]);
		if (rc == 0)
			rc = servers_add(&s->account, s->servers.items[i], &s->error);
	}
	return rc;
}

/*
 * What worked is what is done from now on: SCRAM, and then no server gets to see the password that asks for it; or the
 * password itself, without a failed try of SCRAM before it each time, which a server may count as a wrong password. SMTP
 * may have less than IMAP: how it signs in is remembered when a letter is sent.
 */
static void
remember_sign_in(struct account *a, enum sasl_mechanism by)
{
	enum account_sign_in how = account_sign_in_of(by);

	a->servers[ACCOUNT_IMAP].sign_in = how;
	a->servers[ACCOUNT_SMTP].sign_in = how == ACCOUNT_SIGN_IN_PASSWORD ? how : ACCOUNT_SIGN_IN_ANY;
}

static int
check_password(struct setup *s)
{
	struct mailbox m = { 0 };
	int rc = client_password(&s->common, s->agent, s->account.address, &s->password, &s->error);

	if (rc != 0)
		return rc;
	rc = mailbox_sign_in(&m, &s->account, buf_slice(&s->password), &s->error);
	if (rc == 0)
		remember_sign_in(&s->account, imap_client_signed_in(m.imap));
	mailbox_close(&m);
	return rc;
}

/* What happens on the way: on standard output for people, not between a program's JSON. */
static void
say(const struct setup *s, const char *line)
{
	(void)fprintf(s->common.json ? stderr : stdout, "%s\n", line);
}

/* ---- the key ---- */

static int
make_key(struct setup *s)
{
	struct keyring_new spec = {
		.name = s->account.name, .address = s->account.address, .v6 = s->v6, .expires = KEYRING_EXPIRES_USUAL
	};
	int rc = client_passphrase(&s->common, "Passphrase for your new key: ", true, &s->passphrase, &s->error);

	spec.passphrase = buf_slice(&s->passphrase);
	if (rc == 0)
		rc = keyring_generate(&s->keyring, &spec, &s->account.key, &s->error);
	if (rc == 0)
		say(s,
		    "A key was made. It expires in two years (letterlock key expire), and its revocation certificate "
		    "lies\n"
		    "beside it (letterlock key show).");
	return rc;
}

static int
find_or_make_key(struct setup *s)
{
	const struct trust_entry *entry;
	int rc = keyring_resolve(&s->keyring, slice_str(s->account.address), true, &entry, &s->error);

	if (rc == ERR_NOT_FOUND)
		return make_key(s);
	if (rc == 0) {
		s->account.key = entry->fingerprint;
		say(s, "Your key is here already.");
	}
	return rc;
}

static int
publish(struct setup *s)
{
	const struct find_web web = { 0 };
	struct find_server exchange;
	struct publish_to to = { .web = &web, .server = &exchange, .user = s->account.address };
	char password[TERMINAL_SECRET_MAX + 1];
	struct pgp_cert *cert;
	int rc;

	if (s->no_publish || !account_exchange(&s->account, &exchange))
		return 0;
	rc = trust_store_load(s->keyring.certs, &s->account.key, &cert, &s->error);
	if (rc != 0)
		return rc;
	(void)snprintf(password, sizeof password, "%.*s", (int)s->password.len,
	    s->password.len == 0 ? "" : (const char *)s->password.data);
	to.password = password;
	rc = publish_hkp(&to, cert, &s->error);
	explicit_bzero(password, sizeof password);
	pgp_cert_free(cert);
	if (rc == 0)
		say(s, "Its certificate is published in the key directory.");
	return rc == 0 ? 0 : error_context(&s->error, "everything else is set up, but the key is not published");
}

static int
say_result(struct setup *s)
{
	BUF_OWNED struct buf hex = { .max = 100 };
	struct json_value *o;

	(void)pgp_fingerprint_write(&s->account.key, &hex);
	if (s->common.json) {
		o = json_value_object();
		json_value_set_str(o, "address", s->account.address);
		json_value_set_text(o, "fingerprint", buf_slice(&hex));
		return client_print_json(o, &s->error);
	}
	client_say("Set up ", slice_str(s->account.address), "");
	client_say("  key  ", buf_slice(&hex), "");
	for (int i = 0; i < ACCOUNT_SERVICES; i++) {
		const struct account_server *server = &s->account.servers[i];

		if (server->host[0] != '\0')
			(void)printf("  %-5s %s port %u%s\n", account_service_name((enum account_service)i),
			    server->host, server->port, server->start_tls ? " (STARTTLS)" : "");
	}
	return 0;
}

static int
run(struct setup *s)
{
	int rc = fill_account(s);

	if (rc == 0)
		rc = agent_client_open(true, &s->agent, &s->error);
	if (rc == 0)
		rc = keyring_open(&s->keyring, &s->error);
	if (rc == 0)
		rc = find_servers(s);
	if (rc == 0)
		rc = check_password(s);
	if (rc == 0)
		rc = find_or_make_key(s);
	if (rc == 0)
		rc = account_save(&s->account, &s->error);
	if (rc == 0)
		rc = publish(s);
	return rc == 0 ? say_result(s) : rc;
}

int
verb_setup(int argc, char **argv)
{
	struct setup s = { .common = COMMON_INIT };
	int rc = parse(&s, argc, argv);

	if (rc == 0 && s.common.help)
		return client_help(help);
	buf_init(&s.password, TERMINAL_SECRET_MAX);
	buf_init(&s.passphrase, TERMINAL_SECRET_MAX);
	if (rc == 0)
		rc = run(&s);
	buf_wipe_done(&s.password);
	buf_wipe_done(&s.passphrase);
	keyring_close(&s.keyring);
	agent_client_close(s.agent);
	return rc == 0 ? EXIT_DONE : client_fail(&s.error);
}
