/* SPDX-License-Identifier: ISC */
/* The table of subcommands, version and profiles. */
#include "client/sop/sop.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

static const char help[] = "letterlock sop SUBCOMMAND [OPTION...] [ARGUMENT...]\n"
			   "\n"
			   "The Stateless OpenPGP interface. Data goes from standard input to standard output;\n"
			   "keys, certificates and passwords are files, @FD:N or @ENV:NAME.\n"
			   "\n"
			   "  version [--backend | --extended | --sop-spec | --sopv]\n"
			   "  list-profiles SUBCOMMAND\n"
			   "  generate-key [--no-armor] [--profile=NAME] [--with-key-password=PASSWORD]\n"
			   "               [--signing-only] [USERID...]\n"
			   "  extract-cert [--no-armor]\n"
			   "  sign [--no-armor] [--as=binary|text] [--micalg-out=FILE]\n"
			   "       [--with-key-password=PASSWORD...] KEY...\n"
			   "  verify [--not-before=DATE] [--not-after=DATE] SIGNATURES CERT...\n"
			   "  encrypt [--no-armor] [--as=binary|text] [--for=any|storage|communications]\n"
			   "          [--profile=NAME] [--with-password=PASSWORD...] [--sign-with=KEY...]\n"
			   "          [--with-key-password=PASSWORD...] [--session-key-out=FILE] [CERT...]\n"
			   "  decrypt [--session-key-out=FILE] [--with-session-key=KEY...]\n"
			   "          [--with-password=PASSWORD...] [--with-key-password=PASSWORD...]\n"
			   "          [--verify-with=CERT...] [--verifications-out=FILE]\n"
			   "          [--verify-not-before=DATE] [--verify-not-after=DATE] [KEY...]\n"
			   "  armor\n"
			   "  dearmor\n";

int
sop_fail(int status, const char *fmt, ...)
{
	struct buf b BUF_OWNED = { 0 };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_init(&b, 4 * sizeof text);
	(void)printable_put(&b, slice_str(text), PRINTABLE_LINE, sizeof text);
	(void)fprintf(stderr, "letterlock sop: %.*s\n", (int)b.len, b.len == 0 ? "" : (const char *)b.data);
	return status;
}

int
sop_bad(const struct error *e)
{
	static const int ours[] = { ERR_NOMEM, ERR_CRYPTO, ERR_INTERNAL, ERR_IO, ERR_FULL, ERR_ORDER };
	int status = SOP_BAD_DATA;

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (e->code == ours[i])
			status = SOP_FAILED;
	return sop_fail(status, "%s", e->text);
}

int
sop_options(
    int argc, char **argv, const struct option *options, size_t count, const char *usage, struct option_list *arguments)
{
	struct error e = { 0 };

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			(void)printf("letterlock sop %s\n\n`letterlock sop --help` lists every option.\n", usage);
			return -1;
		}
	}
	if (options_parse(argc, argv, options, count, arguments, &e) != 0)
		return sop_fail(SOP_UNSUPPORTED_OPTION, "%s", e.text);
	return SOP_OK;
}

/* ---- version, list-profiles ---- */

static int
version(int argc, char **argv)
{
	bool backend = false, extended = false, spec = false, sopv = false;
	const struct option options[] = {
		{ "backend", OPTION_FLAG, &backend },
		{ "extended", OPTION_FLAG, &extended },
		{ "sop-spec", OPTION_FLAG, &spec },
		{ "sopv", OPTION_FLAG, &sopv },
	};
	struct option_list arguments = { .count = 0 };
	int rc = sop_options(argc, argv, options, 4, "version [--backend|--extended|--sop-spec|--sopv]", &arguments);

	if (rc != 0)
		return rc;
	if (arguments.count != 0)
		return sop_fail(SOP_UNSUPPORTED_OPTION, "version takes no argument");
	if (backend + extended + spec + sopv > 1)
		return sop_fail(SOP_INCOMPATIBLE_OPTIONS, "choose one of version's options");
	if (spec)
		/* A leading tilde: parts of the revision are not offered. */
		(void)puts("~draft-dkg-openpgp-stateless-cli-15");
	else if (sopv)
		(void)puts("1.0");
	else if (backend)
		(void)puts("letterlock " LETTERLOCK_VERSION);
	else
		(void)puts("letterlock " LETTERLOCK_VERSION);
	if (extended)
		(void)puts("OpenPGP engine of its own (RFC 9580, versions 4 and 6), on OpenSSL's libcrypto");
	return SOP_OK;
}

static int
list_profiles(int argc, char **argv)
{
	struct option_list arguments = { .count = 0 };
	int rc = sop_options(argc, argv, NULL, 0, "list-profiles SUBCOMMAND", &arguments);

	if (rc != 0)
		return rc;
	if (arguments.count != 1)
		return sop_fail(SOP_MISSING_ARG, "list-profiles takes the name of a subcommand");
	if (strcmp(arguments.items[0], "generate-key") == 0)
		(void)puts("rfc9580: version 6, Ed25519 and X25519\n"
			   "rfc4880: version 4, EdDSA and ECDH over Curve25519, read by everyone");
	else if (strcmp(arguments.items[0], "encrypt") == 0)
		(void)puts("rfc9580: SEIPD version 2 with OCB where every recipient reads it\n"
			   "rfc4880: SEIPD version 1");
	else
		return sop_fail(SOP_UNSUPPORTED_PROFILE, "%s has no profiles", arguments.items[0]);
	return SOP_OK;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} subcommands[] = {
	{ "version", version },
	{ "list-profiles", list_profiles },
	{ "generate-key", sop_generate_key },
	{ "extract-cert", sop_extract_cert },
	{ "sign", sop_sign },
	{ "verify", sop_verify },
	{ "encrypt", sop_encrypt },
	{ "decrypt", sop_decrypt },
	{ "armor", sop_armor },
	{ "dearmor", sop_dearmor },
};

int
verb_sop(int argc, char **argv)
{
	int rc;

	/* --debug is the interface's own, before the subcommand; our diagnostics are always there. */
	while (argc > 0 && strcmp(argv[0], "--debug") == 0) {
		argc--;
		argv++;
	}
	if (argc == 0) {
		(void)fputs(help, stderr);
		return SOP_UNSUPPORTED_SUBCOMMAND;
	}
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "help") == 0) {
		(void)fputs(help, stdout);
		return SOP_OK;
	}
	for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
		if (strcmp(argv[0], subcommands[i].name) != 0)
			continue;
		rc = subcommands[i].run(argc - 1, argv + 1);
		return rc < 0 ? SOP_OK : rc;
	}
	return sop_fail(
	    SOP_UNSUPPORTED_SUBCOMMAND, "the subcommand %s is not offered; see letterlock sop --help", argv[0]);
}
