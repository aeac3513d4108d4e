/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/slice.h"
#include "daemon/process.h"
#include "daemon/records_keys.h"
#include "daemon/verbs.h"
#include "os/file.h"

#ifndef LETTERLOCK_VERSION
#define LETTERLOCK_VERSION "unknown"
#endif

/* clang-format off */
static const char usage_text[] =
    "usage: letterlockd VERB [OPTION]...\n"
    "\n"
    "  run                          serve, until SIGTERM or SIGINT\n"
    "  check [DOMAIN]               read configuration and data folder, compare DNS with what it should say, try\n"
    "                               the ports, and say what is wrong\n"
    "  config                       every setting, and where it comes from\n"
    "  status                       what the running server says of itself, and what somebody should look at\n"
    "  verify                       read all of the data folder and say what is not as it must be\n"
    "  backup FOLDER                copy everything there, or bring the copy there up to date; also while it serves\n"
    "  restore FOLDER               put a backup in the place of the data folder, which is kept beside it\n"
    "  account add ADDRESS          a new account, with a password\n"
    "  account list                 all accounts\n"
    "  account remove ADDRESS       an account, its mail and its certificates\n"
    "  account password ADDRESS     another password\n"
    "  account rename OLD NEW       another address for an account; its mail stays\n"
    "  account app-password add ADDRESS NAME     a random password for one program; it is shown once\n"
    "  account app-password list ADDRESS         which there are, for what, and when they were used\n"
    "  account app-password revoke ADDRESS NAME  one that is taken back\n"
    "  account address add|remove ADDRESS OTHER\n"
    "                               one more address for an account, or one less\n"
    "  account address list ADDRESS all addresses of an account\n"
    "  account import ADDRESS PATH  mail from an mbox file, a Maildir, or a folder of mbox files\n"
    "  account export ADDRESS PATH  mail to a Maildir, or to mbox files\n"
    "  alias add ADDRESS TARGET...  an address that stands for others; @DOMAIN: for what nobody there has\n"
    "  alias list [TARGET]          all aliases, or those that stand for TARGET\n"
    "  alias remove ADDRESS [TARGET...]\n"
    "                               an alias, or some of what it stands for\n"
    "  domain add DOMAIN            one more domain whose mail is kept here, at once\n"
    "  domain list                  all of them\n"
    "  domain tlsa DOMAIN|HOST      the records of the server's key (DANE), before it is changed\n"
    "  domain dkim list [DOMAIN]    the keys that its mail is signed with\n"
    "  domain dkim new|rotate|activate|retire DOMAIN\n"
    "                               the first keys; the next ones; sign with them; let those before go\n"
    "  domain records DOMAIN        the DNS records that it needs, as lines of a zone file\n"
    "  domain reports DOMAIN        what other servers report on it\n"
    "  domain remove DOMAIN         one without addresses and aliases\n"
    "  queue list [WHAT]            mail that waits for other servers, and why; WHAT is a number, a domain,\n"
    "                               a sender's address, or all\n"
    "  queue show NUMBER            one message, and what became of each attempt\n"
    "  queue domains                where it waits to go\n"
    "  queue retry|hold|release|remove WHAT\n"
    "                               try it at once; try it no more; try it again; forget it: nobody is told\n"
    "  queue flush                  try all of it at once\n"
    "  directory ca new|show|export|revoke|off DOMAIN\n"
    "                               a key that certifies verified addresses of a domain, as in\n"
    "                               letterlockd directory ca new example.org\n"
    "  directory mirror [URL]       fetch what changed in another server's key directory, as in\n"
    "                               letterlockd directory mirror https://keys.example.net\n"
    "  directory list [ADDRESS]     certificates of the key directory, and which user IDs are published\n"
    "  directory show FINGERPRINT   one of them\n"
    "  directory add FILE           certificates from a file; their user IDs are held until they are verified\n"
    "  directory publish FINGERPRINT ADDRESS\n"
    "                               an address that you have verified yourself\n"
    "  directory unpublish FINGERPRINT [ADDRESS]\n"
    "                               takes an address, or all, out at once; the bare key and revocations stay\n"
    "  directory remove FINGERPRINT a whole certificate; its addresses do not come back by themselves\n"
    "\n";

/* Two texts: a compiler need not take more than 4095 characters in one. */
static const char usage_options[] =
    "  --config FILE                " CONFIG_DEFAULT_PATH " when it is there\n"
    "  --data DIR                   the data folder, in place of the configuration's\n"
    "  --port NAME=N                0: any; off: none; NAME is that of a setting port_NAME: smtp, imaps, ...\n"
    "  --password-fd N              read the password from this descriptor, up to the end of its line\n"
    "  --protocols LIST             app-password add: imap, pop3, smtp, http, with commas between; else all\n"
    "  --expires DAY                app-password add: good up to the end of 2027-01-31; else always\n"
    "  --mailbox NAME               import: into it and below it; export: only it and what is below it\n"
    "  --format FORMAT              maildir, mbox; import: mboxrd, mboxo, mboxcl or mboxcl2 too\n"
    "  --again                      import: also what is there already\n"
    "  --offline                    check: ask nobody, neither DNS nor the ports\n"
    "  --openpgpkey                 domain records: OPENPGPKEY of published addresses, in place of the others\n"
    "  --now                        domain dkim new, rotate, activate: sign without looking for the records in DNS\n"
    "  --certificate FILE.pem       domain tlsa: the next one, whose record is printed too\n"
    "                               check: as if that were the certificate\n"
    "  --days N                     domain reports: of so many days; else 30\n"
    "  --print                      domain dkim: only the records, as lines of a zone file\n"
    "  --smimea ADDRESS=FILE.pem    domain records: SMIMEA of that certificate; as often as needed\n"
    "  --senders WHO                alias add: who may write to it: anyone (the default), members, domain\n"
    "  --json                       check, status, verify, backup, restore, all lists, domain records, import,\n"
    "                               export: one JSON object a line\n"
    "  --version, --help\n"
    "\n"
    "letterlockd(8) tells more, and letterlockd.conf(5) has every setting.\n";
/* clang-format on */

static const struct {
	const char *name;
	int (*run)(const struct verb_input *in);
} verbs[] = {
	{ "run", verb_run },
	{ "check", verb_check },
	{ "config", verb_config },
	{ "status", verb_status },
	{ "verify", verb_verify },
	{ "backup", verb_backup },
	{ "restore", verb_restore },
	{ "account", verb_account },
	{ "alias", verb_alias },
	{ "domain", verb_domain },
	{ "queue", verb_queue },
	{ "directory", verb_directory },
};

enum {
	OPTION_CONFIG = 1,
	OPTION_DATA,
	OPTION_PORT,
	OPTION_PASSWORD_FD,
	OPTION_JSON,
	OPTION_MAILBOX,
	OPTION_FORMAT,
	OPTION_AGAIN,
	OPTION_PROTOCOLS,
	OPTION_EXPIRES,
	OPTION_SENDERS,
	OPTION_OFFLINE,
	OPTION_OPENPGPKEY,
	OPTION_SMIMEA,
	OPTION_NOW,
	OPTION_PRINT,
	OPTION_CERTIFICATE,
	OPTION_DAYS,
	OPTION_VERSION,
	OPTION_HELP
};

static const struct option options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "data", required_argument, NULL, OPTION_DATA },
	{ "port", required_argument, NULL, OPTION_PORT },
	{ "password-fd", required_argument, NULL, OPTION_PASSWORD_FD },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "mailbox", required_argument, NULL, OPTION_MAILBOX },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "again", no_argument, NULL, OPTION_AGAIN },
	{ "protocols", required_argument, NULL, OPTION_PROTOCOLS },
	{ "expires", required_argument, NULL, OPTION_EXPIRES },
	{ "senders", required_argument, NULL, OPTION_SENDERS },
	{ "offline", no_argument, NULL, OPTION_OFFLINE },
	{ "openpgpkey", no_argument, NULL, OPTION_OPENPGPKEY },
	{ "smimea", required_argument, NULL, OPTION_SMIMEA },
	{ "now", no_argument, NULL, OPTION_NOW },
	{ "print", no_argument, NULL, OPTION_PRINT },
	{ "certificate", required_argument, NULL, OPTION_CERTIFICATE },
	{ "days", required_argument, NULL, OPTION_DAYS },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 },
};

/* Those of some verbs only. With any other one they were meant to do something that would not be done. */
static const struct {
	int option;
	const char *verbs; /* the words that they begin with, with commas between */
} options_of[] = {
	{ OPTION_PASSWORD_FD, "account add,account password" },
	{ OPTION_MAILBOX, "account import,account export" },
	{ OPTION_FORMAT, "account import,account export" },
	{ OPTION_AGAIN, "account import" },
	{ OPTION_PROTOCOLS, "account app-password add" },
	{ OPTION_EXPIRES, "account app-password add" },
	{ OPTION_SENDERS, "alias add" },
	{ OPTION_OFFLINE, "check" },
	{ OPTION_OPENPGPKEY, "domain records" },
	{ OPTION_SMIMEA, "domain records" },
	{ OPTION_NOW, "domain dkim new,domain dkim rotate,domain dkim activate" },
	{ OPTION_PRINT, "domain dkim" },
	{ OPTION_CERTIFICATE, "domain tlsa,check" },
	{ OPTION_DAYS, "domain reports" },
};

int
verb_failed(const struct error *e)
{
	(void)fprintf(stderr, "letterlockd: %s\n", e->text);
	switch (e->code) {
	case ERR_USAGE:
	case ERR_SYNTAX:
		return EXIT_USAGE;
	case ERR_NOT_FOUND:
	case ERR_EXISTS:
	case ERR_PASSWORD:
		return EXIT_NO;
	default:
		return EXIT_COULD_NOT;
	}
}

int
verb_refused(const struct error *e)
{
	(void)fprintf(stderr, "letterlockd: %s\n", e->text);
	return EXIT_NO;
}

void
verb_print_json(struct json_value *object)
{
	BUF_OWNED struct buf line = { 0 };

	buf_init(&line, 1 << 16);
	if (json_value_write(object, false, &line, NULL) == 0)
		(void)printf("%.*s\n", (int)line.len, (const char *)line.data);
	json_value_free(object);
}

static int
take_smimea(const char *word, struct verb_input *in, struct error *e)
{
	static const char *words[RECORDS_SMIMEA_MAX];

	if (in->smimea_count == RECORDS_SMIMEA_MAX)
		return error_set(e, ERR_USAGE, "at most %u --smimea at once", RECORDS_SMIMEA_MAX);
	words[in->smimea_count++] = word;
	in->smimea = words;
	return 0;
}

static int
take_option(int option, struct config_overrides *o, struct verb_input *in, struct error *e)
{
	uint64_t fd;

	switch (option) {
	case OPTION_CONFIG:
		o->path = optarg;
		return 0;
	case OPTION_DATA:
		o->data = optarg;
		return 0;
	case OPTION_PORT:
		return config_override_port(o, slice_str(optarg), e);
	case OPTION_PASSWORD_FD:
		if (!slice_to_u64(slice_str(optarg), 1000000, &fd))
			return error_set(e, ERR_USAGE, "--password-fd takes the number of an open descriptor");
		in->password_fd = (int)fd;
		return 0;
	case OPTION_JSON:
		in->json = true;
		return 0;
	case OPTION_MAILBOX:
		in->mailbox = optarg;
		return 0;
	case OPTION_FORMAT:
		in->format = optarg;
		return 0;
	case OPTION_AGAIN:
		in->again = true;
		return 0;
	case OPTION_PROTOCOLS:
		in->protocols = optarg;
		return 0;
	case OPTION_EXPIRES:
		in->expires = optarg;
		return 0;
	case OPTION_SENDERS:
		in->senders = optarg;
		return 0;
	case OPTION_OFFLINE:
		in->offline = true;
		return 0;
	case OPTION_OPENPGPKEY:
		in->openpgpkey = true;
		return 0;
	case OPTION_NOW:
		in->now = true;
		return 0;
	case OPTION_PRINT:
		in->print = true;
		return 0;
	case OPTION_CERTIFICATE:
		in->certificate = optarg;
		return 0;
	case OPTION_DAYS:
		in->days = optarg;
		return 0;
	case OPTION_SMIMEA:
		return take_smimea(optarg, in, e);
	default:
		return error_set(e, ERR_USAGE, "see letterlockd --help");
	}
}

/* All that is wrong with it is said. */
static int
load(const struct config_overrides *o, struct config *config_out)
{
	struct settings_problems problems;
	int rc = config_load(o, config_out, &problems), status = EXIT_DONE;

	if (rc == 0) {
		config_check_machine(config_out, &problems);
		if (problems.count > 0)
			config_done(config_out);
	}
	for (size_t i = 0; i < problems.count; i++)
		status = verb_failed(&problems.list[i].error);
	return status;
}

static int
run_verb(const struct config_overrides *o, struct verb_input *in)
{
	struct config config;
	struct error e;
	int status;

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(in->words[0], verbs[i].name) != 0)
			continue;
		status = load(o, &config);
		if (status != EXIT_DONE)
			return status;
		in->config = &config;
		in->overrides = o;
		in->words++;
		in->word_count--;
		status = verbs[i].run(in);
		config_done(&config);
		return status;
	}
	(void)error_set(&e, ERR_USAGE, "there is no verb '%s'; see letterlockd --help", in->words[0]);
	return verb_failed(&e);
}

static const char *
option_name(int option)
{
	size_t i = 0;

	while (options[i].name != NULL && options[i].val != option)
		i++;
	return options[i].name;
}

/* Whether the words on the command line begin with these. */
static bool
words_begin(const struct verb_input *in, struct slice wanted)
{
	int i = 0;

	for (; wanted.len > 0; i++)
		if (i == in->word_count || !slice_eq_str(slice_split(wanted, ' ', &wanted), in->words[i]))
			return false;
	return true;
}

/* given: a bit for each option. */
static int
check_options(const struct verb_input *in, uint32_t given, struct error *e)
{
	for (size_t i = 0; i < sizeof options_of / sizeof options_of[0]; i++) {
		struct slice rest = slice_str(options_of[i].verbs);
		bool fits = (given & 1u << options_of[i].option) == 0;

		while (!fits && rest.len > 0)
			fits = words_begin(in, slice_split(rest, ',', &rest));
		if (!fits)
			return error_set(e, ERR_USAGE, "--%s is for %s only; see letterlockd --help",
			    option_name(options_of[i].option), options_of[i].verbs);
	}
	return 0;
}

/* What was printed must have arrived: a list that is cut off by a full disk would look whole. */
static int
finish(int status)
{
	struct error e;

	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return status;
	(void)error_set_errno(&e, ERR_IO, errno, "standard output cannot be written");
	return verb_failed(&e);
}

int
main(int argc, char **argv)
{
	uint32_t given = 0;
	struct config_overrides overrides = { 0 };
	struct verb_input in = { .password_fd = -1 };
	struct error e;
	int option;

	if (!file_keep_standard_streams())
		return EXIT_COULD_NOT;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			option = OPTION_HELP;
		if (option == OPTION_VERSION || option == OPTION_HELP) {
			(void)fputs(
			    option == OPTION_HELP ? usage_text : "letterlockd " LETTERLOCK_VERSION "\n", stdout);
			if (option == OPTION_HELP)
				(void)fputs(usage_options, stdout);
			return finish(EXIT_DONE);
		}
		if (take_option(option, &overrides, &in, &e) != 0)
			return verb_failed(&e);
		given |= 1u << option;
	}
	in.words = argv + optind;
	in.word_count = argc - optind;
	/* Not for people: how the server starts its own parts (daemon/process.h). */
	if (in.word_count == 2 && strcmp(in.words[0], "process") == 0)
		return process_main(in.words[1]);
	if (check_options(&in, given, &e) != 0)
		return verb_failed(&e);
	if (in.word_count > 0)
		return finish(run_verb(&overrides, &in));
	(void)fputs(usage_text, stderr);
	(void)fputs(usage_options, stderr);
	return EXIT_USAGE;
}
