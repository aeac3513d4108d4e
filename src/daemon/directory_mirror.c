/* SPDX-License-Identifier: ISC */
/*
 * letterlockd directory mirror: fetches what changed in other servers' key directories. A process of its own beside the
 * server, which it reaches through the control socket: what others send is parsed far from the mail, and a timer of the
 * system says how often (contrib/systemd/letterlockd-mirror.timer).
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/directory.h"
#include "daemon/place.h"
#include "os/clock.h"
#include "service/directory/mirror.h"

static void
say_progress(void *ctx, size_t done, size_t of)
{
	(void)ctx;
	if (isatty(STDERR_FILENO) != 0)
		(void)fprintf(stderr, "\r%zu of %zu buckets", done, of);
}

static void
say(const struct verb_input *in, const char *url, const struct mirror_result *r)
{
	struct json_value *o;

	if (!in->json) {
		(void)printf("%s: %zu certificates looked at%s, %zu new or changed, %zu addresses shown, %zu refused\n",
		    url, r->fetched, r->first ? " (the first time: all)" : "", r->changed, r->published, r->refused);
		return;
	}
	o = json_value_object();
	json_value_set_str(o, "url", url);
	json_value_set_bool(o, "first", r->first);
	json_value_set_i64(o, "fetched", (int64_t)r->fetched);
	json_value_set_i64(o, "changed", (int64_t)r->changed);
	json_value_set_i64(o, "published", (int64_t)r->published);
	json_value_set_i64(o, "refused", (int64_t)r->refused);
	verb_print_json(o);
}

static int
mirror_one(const struct verb_input *in, struct port *store, const char *url, struct error *e)
{
	const struct mirror_options options = { .url = url,
		.store = store,
		.user_ids = in->config->directory_mirror_user_ids,
		.now = clock_unix(),
		.ca_file = in->config->directory_mirror_authorities,
		.progress = say_progress };
	struct mirror_result result;
	int rc = mirror_run(&options, &result, e);

	say(in, url, &result);
	return rc;
}

/* One that does not answer keeps none of the others from being fetched; its sentence comes last. */
static int
mirror_all(const struct verb_input *in, struct port *store, struct error *e)
{
	const struct config *c = in->config;
	int first = 0;

	if (in->word_count == 1)
		return mirror_one(in, store, in->words[0], e);
	if (c->directory_mirror_count == 0)
		return error_set(e, ERR_USAGE, "name a server to mirror, or set directory_mirrors");
	for (size_t i = 0; i < c->directory_mirror_count; i++) {
		struct error one;
		int rc = mirror_one(in, store, c->directory_mirrors[i], &one);

		if (rc != 0 && first == 0)
			*e = one;
		first = first == 0 ? rc : first;
	}
	return first;
}

int
verb_directory_mirror(const struct verb_input *in)
{
	struct place p;
	struct error e;
	int rc;

	if (in->word_count > 1) {
		(void)error_set(&e, ERR_USAGE, "say directory mirror, or directory mirror URL");
		return verb_failed(&e);
	}
	rc = place_reach(in->config, true, &p, &e);
	if (rc != 0)
		return verb_failed(&e);
	rc = mirror_all(in, p.port, &e);
	place_close(&p);
	return rc == 0 ? EXIT_DONE : verb_failed(&e);
}
