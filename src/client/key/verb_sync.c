/* SPDX-License-Identifier: ISC */
/* `letterlock key sync` */
#include <stdio.h>

#include "client/key/command.h"
#include "client/key/verbs.h"
#include "os/paths.h"
#include "trust/cert_d.h"
#include "trust/records.h"

static const char help[] =
    "letterlock key sync [import|export]\n"
    "\n"
    "With the certificate directory that OpenPGP programs such as sq share (PGP_CERT_D, else pgp.cert.d in the data\n"
    "folder of the user): takes what is new there, and gives what you believe here. What comes from there is not\n"
    "believed because of that. import, export: only the one or the other.\n"
    "--always: from now on at each start; --never: no more (as it is at first).\n"
    "Options: --always, --never, --json\n"
    "\n"
    "Examples:\n"
    "  letterlock key sync\n"
    "  letterlock key sync --always\n";

struct syncing {
	struct key_command c;
	bool always, never, import, export;
	char folder[FILE_PATH_MAX];
	struct trust_cert_d_report report;
};

static int
understand(struct syncing *s)
{
	struct slice what = key_argument(&s->c);

	s->import = what.len == 0 || slice_eq_str(what, "import");
	s->export = what.len == 0 || slice_eq_str(what, "export");
	if (!s->import && !s->export)
		return error_set(&s->c.error, ERR_USAGE, "it is `key sync`, `key sync import` or `key sync export`");
	if (s->always && s->never)
		return error_set(&s->c.error, ERR_USAGE, "--always and --never exclude each other");
	if ((s->always || s->never) && what.len > 0)
		return error_set(&s->c.error, ERR_USAGE, "--always and --never are about both ways");
	return paths_cert_d(s->folder, &s->c.error);
}

static int
sync_now(struct syncing *s)
{
	struct trust_store *certs = s->c.keyring.certs;
	int rc = 0;

	if (s->import)
		rc = trust_cert_d_import(certs, s->folder, &s->c.keyring.policy, &s->report, &s->c.error);
	if (rc == 0 && s->export)
		rc = trust_cert_d_export(certs, s->folder, &s->report, &s->c.error);
	return rc;
}

static int
say(struct syncing *s)
{
	const struct trust_cert_d_report *r = &s->report;
	struct json_value *o;

	if (!s->c.common.json) {
		(void)printf("%s: %zu read, %zu of them with something new, %zu written\n", s->folder, r->read,
		    r->taken, r->given);
		if (r->skipped > 0)
			(void)printf(
			    "%zu of them hold no certificate, or another than they are named for\n", r->skipped);
		return 0;
	}
	o = json_value_object();
	json_value_set_str(o, "folder", s->folder);
	json_value_set_i64(o, "read", (int64_t)r->read);
	json_value_set_i64(o, "new", (int64_t)r->taken);
	json_value_set_i64(o, "skipped", (int64_t)r->skipped);
	json_value_set_i64(o, "written", (int64_t)r->given);
	return client_print_json(o, &s->c.error);
}

int
key_sync(int argc, char **argv)
{
	struct syncing s = { .always = false };
	const struct option options[] = { { "always", OPTION_FLAG, &s.always }, { "never", OPTION_FLAG, &s.never } };
	const struct key_syntax syntax = KEY_SYNTAX(help, options, 0, 1);
	int status, rc;

	if (!key_begin(&s.c, argc, argv, &syntax, &status))
		return status;
	rc = understand(&s);
	if (rc == 0 && (s.always || s.never))
		rc = trust_setting_set(
		    s.c.keyring.certs, TRUST_SETTING_CERT_D, s.always ? SLICE("sync") : SLICE_EMPTY, &s.c.error);
	if (rc == 0 && !s.never)
		rc = sync_now(&s);
	if (rc == 0 && !s.never)
		rc = say(&s);
	return key_end(&s.c, rc);
}
