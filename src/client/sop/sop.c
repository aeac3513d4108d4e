/* SPDX-License-Identifier: ISC */
/* The table of subcommands, their frame, and what went wrong. */
#include "client/sop/sop.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

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
sop_nomem(void)
{
	return sop_fail(SOP_FAILED, "no memory");
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
sop_bad_key(const struct error *e)
{
	return e->code == ERR_UNSUPPORTED ? sop_fail(SOP_UNSUPPORTED_ASYMMETRIC, "%s", e->text) : sop_bad(e);
}

static bool
asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int
sop_options(const char *subcommand, int argc, char **argv, const struct option *options, size_t count,
    struct option_list *arguments)
{
	static struct option_list none;
	struct option all[SOP_OPTIONS_MAX + 1];
	struct option_list *rest = arguments == NULL ? &none : arguments;
	struct error e = { 0 };
	bool debug = false;

	if (asks_for_help(argc, argv)) {
		(void)sop_help(subcommand);
		return -1;
	}
	if (count > SOP_OPTIONS_MAX)
		return sop_fail(SOP_FAILED, "%s has too many options", subcommand);
	/* The interface's own; our diagnostics are always there. */
	all[0] = (struct option){ "debug", OPTION_FLAG, &debug };
	if (count > 0)
		memcpy(all + 1, options, count * sizeof *options);
	if (options_parse(argc, argv, all, count + 1, rest, &e) != 0)
		return sop_fail(SOP_UNSUPPORTED_OPTION, "%s", e.text);
	if (arguments == NULL && rest->count != 0)
		return sop_fail(SOP_UNSUPPORTED_OPTION, "%s reads standard input and takes no argument", subcommand);
	return SOP_OK;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} subcommands[] = {
	{ "version", sop_version },
	{ "list-profiles", sop_list_profiles },
	{ "generate-key", sop_generate_key },
	{ "change-key-password", sop_change_key_password },
	{ "revoke-key", sop_revoke_key },
	{ "extract-cert", sop_extract_cert },
	{ "update-key", sop_update_key },
	{ "merge-certs", sop_merge_certs },
	{ "certify-userid", sop_certify_userid },
	{ "validate-userid", sop_validate_userid },
	{ "sign", sop_sign },
	{ "verify", sop_verify },
	{ "encrypt", sop_encrypt },
	{ "decrypt", sop_decrypt },
	{ "inline-sign", sop_inline_sign },
	{ "inline-verify", sop_inline_verify },
	{ "inline-detach", sop_inline_detach },
	{ "armor", sop_armor },
	{ "dearmor", sop_dearmor },
};

static int
help(int argc, char **argv)
{
	if (sop_help(argc > 1 ? argv[1] : NULL))
		return SOP_OK;
	return sop_fail(SOP_UNSUPPORTED_SUBCOMMAND, "there is no subcommand %s; see letterlock sop --help", argv[1]);
}

int
verb_sop(int argc, char **argv)
{
	int rc;

	while (argc > 0 && strcmp(argv[0], "--debug") == 0) {
		argc--;
		argv++;
	}
	if (argc == 0)
		return sop_fail(SOP_UNSUPPORTED_SUBCOMMAND, "which subcommand? See letterlock sop --help");
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "help") == 0)
		return help(argc, argv);
	for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
		if (strcmp(argv[0], subcommands[i].name) != 0)
			continue;
		rc = subcommands[i].run(argc - 1, argv + 1);
		return rc < 0 ? SOP_OK : rc;
	}
	return sop_fail(SOP_UNSUPPORTED_SUBCOMMAND, "there is no subcommand %s; see letterlock sop --help", argv[0]);
}
