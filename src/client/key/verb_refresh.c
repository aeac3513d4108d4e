/* SPDX-License-Identifier: ISC */
/* `letterlock key refresh` */
#include <stdio.h>
#include <time.h>

#include "client/key/finding.h"
#include "client/key/print.h"
#include "client/key/verbs.h"
#include "os/clock.h"
#include "trust/find/refresh.h"

#define PAUSE_MAX 1800u /* seconds; half of it on average between two certificates */

static const char help[] =
    "letterlock key refresh [WHO...]\n"
    "\n"
    "Asks again for certificates that are known: revocations, new expiry, new subkeys. Without WHO a server that keeps "
    "a\n"
    "log of what changed is asked for that, and only what changed is fetched; others are asked for those that are "
    "due,\n"
    "each at a random time about once a week. So no server sees whom you know. Let it run each hour (cron, a timer), "
    "or\n"
    "with --background.\n"
    "\n"
    "  --all                 what is not due yet too: the servers see the whole list\n"
    "  --background          go on until it is ended, with random pauses (--pause SECONDS at most, 1800)\n"
    "\n" FINDING_HELP "  --json\n"
    "\n"
    "Examples:\n"
    "  letterlock key refresh\n"
    "  letterlock key refresh bob@example.org --verbose\n"
    "  letterlock key refresh --background --proxy socks5h://127.0.0.1:9050\n";

struct refreshing {
	struct key_command c;
	struct finding_options options;
	struct account account;
	struct finding_place place;
	struct find_report report;
	struct find_refreshed done;
	bool all, background;
	uint32_t pause;
};

static int
pause_for(void *ctx, uint32_t seconds)
{
	const struct timespec t = { .tv_sec = seconds };
	struct refreshing *r = ctx;

	(void)fflush(stdout);
	if (nanosleep(&t, NULL) != 0)
		return 1;
	r->c.keyring.policy.now = clock_unix();
	return 0;
}

/* Those that were named: now, and by name where it must be. */
static int
refresh_named(struct refreshing *r)
{
	const struct trust_entry *entry;
	int rc = 0;

	for (size_t i = 0; i < r->c.arguments.count && rc == 0; i++) {
		struct pgp_fingerprint f;

		rc = keyring_resolve(&r->c.keyring, slice_str(r->c.arguments.items[i]), false, &entry, &r->c.error);
		if (rc != 0)
			return rc;
		f = entry->fingerprint;
		rc = find_refresh_one(&r->place.place, &f, &r->report, &r->done, &r->c.error);
		finding_say_failures(&r->report, r->options.verbose);
	}
	return rc;
}

/* True: the server was asked by its log, and need not be asked for each. */
static bool
by_log(struct refreshing *r, const struct find_server *s, int *rc)
{
	struct error e = { 0 };
	bool offered = false;
	int result =
	    s->protocol == FIND_VKS ? 0 : find_refresh_by_log(&r->place.place, s, &r->report, &offered, &r->done, &e);

	if (result == ERR_NOMEM || result == ERR_IO || result == ERR_FULL)
		*rc = error_set(&r->c.error, result, "%s", e.text);
	else if (result != 0)
		(void)fprintf(stderr, "letterlock: %s could not be asked for what changed: %s\n", s->host, e.text);
	else if (offered && r->options.verbose)
		(void)fprintf(stderr, "letterlock: %s was asked for what changed, without naming keys\n", s->host);
	return offered;
}

static int
refresh_once(struct refreshing *r)
{
	const struct find_pacing pacing = { .max = SIZE_MAX,
		.all = r->all,
		.pause_max = r->pause,
		.pause = r->background ? pause_for : NULL,
		.ctx = r };
	struct find_place *place = &r->place.place, rest = *place;
	struct find_server left[FIND_SERVERS_MAX];
	int rc = 0;

	rest.servers = left;
	rest.server_count = 0;
	if (rest.exchange != NULL && (place->sources & FIND_BIT(FIND_EXCHANGE)) != 0 && by_log(r, rest.exchange, &rc))
		rest.exchange = NULL;
	for (size_t i = 0; i < place->server_count && rc == 0; i++) {
		if (!by_log(r, &place->servers[i], &rc))
			left[rest.server_count++] = place->servers[i];
	}
	if (rc != 0 || (rest.exchange == NULL && rest.server_count == 0))
		return rc;
	return find_refresh_due(&rest, &pacing, &r->report, &r->done, &r->c.error);
}

static int
say(struct refreshing *r)
{
	struct json_value *o;

	if (!r->c.common.json) {
		(void)printf("asked for %zu, of which %zu changed", r->done.certificates, r->done.changed);
		if (r->done.failed > 0)
			(void)printf("; for %zu nobody could be asked", r->done.failed);
		(void)fputc('\n', stdout);
		return 0;
	}
	o = json_value_object();
	json_value_set_i64(o, "certificates", (int64_t)r->done.certificates);
	json_value_set_i64(o, "changed", (int64_t)r->done.changed);
	json_value_set_i64(o, "failed", (int64_t)r->done.failed);
	return client_print_json(o, &r->c.error);
}

static int
run(struct refreshing *r)
{
	int rc;

	if (r->c.arguments.count > 0)
		return (rc = refresh_named(r)) == 0 ? say(r) : rc;
	do {
		r->done = (struct find_refreshed){ 0 };
		rc = refresh_once(r);
		if (rc == 0)
			rc = say(r);
	} while (rc == 0 && r->background && pause_for(r, r->pause) == 0);
	return rc;
}

int
key_refresh(int argc, char **argv)
{
	static struct refreshing r = { .pause = PAUSE_MAX };
	const struct option table[] = { FINDING_OPTIONS(&r.options), { "all", OPTION_FLAG, &r.all },
		{ "background", OPTION_FLAG, &r.background }, { "pause", OPTION_NUMBER, &r.pause } };
	const struct key_syntax syntax = KEY_SYNTAX(help, table, 0, OPTIONS_LIST_MAX);
	int status, rc;

	if (!key_begin(&r.c, argc, argv, &syntax, &status))
		return status;
	rc = account_load(&r.account, &r.c.error);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return key_end(&r.c, rc);
	rc = finding_init(&r.place, &r.c.keyring, rc == 0 ? &r.account : NULL, &r.options, &r.c.error);
	if (rc == 0 && r.place.place.exchange == NULL && r.place.place.server_count == 0)
		rc = error_set(&r.c.error, ERR_USAGE, "there is no server to ask: name one with --server");
	if (rc == 0)
		rc = run(&r);
	finding_done(&r.place);
	return key_end(&r.c, rc);
}
