/* SPDX-License-Identifier: ISC */
/* `letterlock audit`: the command line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/idn.h"
#include "client/audit/say.h"
#include "client/verbs.h"
#include "os/file.h"
#include "os/terminal.h"

#define HTML_MAX (4u << 20)

static const char help[] =
    "letterlock audit DOMAIN [--html FILE] [--selector NAME]...\n"
    "letterlock audit --server HOST[:PORT]... [DOMAIN]\n"
    "\n"
    "Looks at a domain's mail servers as senders meet them: DNS and DNSSEC, STARTTLS and whether\n"
    "something takes it away, versions and ciphers of TLS, certificates, DANE, MTA-STS, TLS-RPT, SPF,\n"
    "DKIM, DMARC, and where the people's keys are. Says in plain words what to do. Sends no mail.\n"
    "\n"
    "  --html FILE           a page with a picture of the way that letters take\n"
    "  --selector NAME       a DKIM selector to look at; again and again\n"
    "  --server HOST[:PORT]  look at these servers instead of those that DNS names\n"
    "  --resolver ADDR[@PORT] ask this name server; the first one decides, others are compared with it\n"
    "  --dnssec-anchors FILE what answers of DNS are proven by\n"
    "  --ca-file FILE        authorities that vouch for servers, instead of the system's\n"
    "  --hello NAME          our name for EHLO\n"
    "  --port NUMBER         instead of 25\n"
    "  --timeout SECONDS     of the whole, 120 unless it is said\n"
    "\n"
    "Exit status: 0 good, 1 there are weaknesses, 3 it could not be asked.\n"
    "\n"
    "Examples:\n"
    "  letterlock audit example.org\n"
    "  letterlock audit example.org --selector 2026 --html audit.html\n"
    "  letterlock audit example.org --resolver 192.0.2.53 --resolver 198.51.100.53\n"
    "  letterlock audit --server mail.example.org:25 --json\n";

struct audit_command {
	struct common common;
	struct option_list arguments;
	struct audit_settings settings;
	const char *html;
	uint32_t port;
	struct buf domain; /* A-labels and a NUL */
};

static int
parse(struct audit_command *c, int argc, char **argv, struct error *e)
{
	struct audit_settings *s = &c->settings;
	const struct option options[] = {
		COMMON_OPTIONS(&c->common),
		{ "html", OPTION_TEXT, &c->html },
		{ "selector", OPTION_LIST, &s->selectors },
		{ "server", OPTION_LIST, &s->servers },
		{ "resolver", OPTION_LIST, &s->resolvers },
		{ "dnssec-anchors", OPTION_TEXT, &s->anchors },
		{ "ca-file", OPTION_TEXT, &s->ca_file },
		{ "hello", OPTION_TEXT, &s->hello },
		{ "port", OPTION_NUMBER, &c->port },
		{ "timeout", OPTION_NUMBER, &s->seconds },
	};

	return options_parse(argc, argv, options, sizeof options / sizeof options[0], &c->arguments, e);
}

static bool
is_word(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] == 0x7f)
			return false;
	return n > 0 && n <= 255;
}

/* In A-labels, with a NUL behind it. */
static int
take_domain(struct audit_command *c, struct slice domain, struct error *e)
{
	BUF_OWNED struct buf octets = { .max = DNS_NAME_MAX + 1 };

	if (domain.data[domain.len - 1] == '.')
		domain.len--;
	if (idn_to_ascii(domain, &c->domain, e) != 0 || dns_name_put(buf_slice(&c->domain), &octets, e) != 0 ||
	    buf_put_u8(&c->domain, 0) != 0)
		return error_set(e, ERR_USAGE, "'%.100s' is no domain", c->arguments.items[0]);
	c->settings.domain = slice_sub(buf_slice(&c->domain), 0, c->domain.len - 1);
	return 0;
}

static int
check(struct audit_command *c, struct error *e)
{
	struct audit_settings *s = &c->settings;
	struct slice domain = c->arguments.count == 1 ? slice_str(c->arguments.items[0]) : SLICE_EMPTY;

	if (c->arguments.count > 1 || (domain.len == 0 && s->servers.count == 0))
		return error_set(e, ERR_USAGE, "say one domain, or --server HOST; see --help");
	if (s->seconds == 0 || s->seconds > AUDIT_SECONDS_MAX)
		return error_set(e, ERR_USAGE, "--timeout takes 1 to %u seconds", AUDIT_SECONDS_MAX);
	if (c->port == 0 || c->port > 65535)
		return error_set(e, ERR_USAGE, "--port takes 1 to 65535");
	if (!is_word(s->hello))
		return error_set(e, ERR_USAGE, "--hello takes a host name or an address in brackets");
	if (s->selectors.count > AUDIT_SELECTORS_MAX)
		return error_set(e, ERR_USAGE, "at most %u selectors are looked at", AUDIT_SELECTORS_MAX);
	s->port = (uint16_t)c->port;
	return domain.len == 0 ? 0 : take_domain(c, domain, e);
}

static int
write_html(const struct audit *a, const char *path, struct error *e)
{
	BUF_OWNED struct buf page = { .max = HTML_MAX };
	int rc = audit_html(a, &page);

	if (rc != 0)
		return error_set(e, rc, "the page is too large");
	return file_write_atomic(path, buf_slice(&page), 0644, e);
}

static int
run(const struct audit_command *c, struct error *e, int *status)
{
	static struct audit a;
	int rc = audit_begin(&a, &c->settings, e);

	if (rc == 0) {
		audit_run(&a);
		*status = audit_conclude(&a);
		audit_progress(&a, "", SLICE_EMPTY);
		if (c->common.json)
			rc = client_print_json(audit_json(&a), e);
		else
			audit_print(&a);
	}
	if (rc == 0 && c->html != NULL)
		rc = write_html(&a, c->html, e);
	audit_done(&a);
	return rc;
}

int
verb_audit(int argc, char **argv)
{
	static struct audit_command c = { .settings = { .seconds = AUDIT_SECONDS, .hello = "[127.0.0.1]" },
		.common = { .passphrase_fd = -1, .password_fd = -1 },
		.port = AUDIT_PORT,
		.domain = { .max = IDN_NAME_MAX + 1 } };
	struct error e;
	int status = EXIT_DONE, rc = parse(&c, argc, argv, &e);

	if (rc == 0 && c.common.help)
		return client_help(help);
	if (rc == 0)
		rc = check(&c, &e);
	c.settings.say = terminal_is(2) && !c.common.json;
	if (rc == 0)
		rc = run(&c, &e, &status);
	buf_done(&c.domain);
	return rc == 0 ? status : client_fail(&e);
}
