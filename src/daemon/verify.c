/* SPDX-License-Identifier: ISC */
/*
 * letterlockd verify: looks at everything that the store promises, page by
 * page, in the running server or in a folder that is opened here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "daemon/place.h"
#include "daemon/verbs.h"
#include "os/terminal.h"
#include "store/store.h"

#define REPLY_BUDGET (16u << 20)
#define LOOK_AGAIN_US 700000u /* by then what was just being written or given back is settled */

struct verification {
	struct port *port;
	bool json;
	uint64_t findings;
	uint64_t octets; /* read */
	uint64_t live, dead, disk;
	struct progress progress;
};

static const char *const titles[STORE_VERIFY_PARTS] = {
	[STORE_VERIFY_DATABASE] = "database",
	[STORE_VERIFY_ACCOUNTS] = "accounts",
	[STORE_VERIFY_REFERENCES] = "references",
	[STORE_VERIFY_MAILBOXES] = "mailboxes",
	[STORE_VERIFY_CERTIFICATES] = "certificates",
	[STORE_VERIFY_BODIES] = "bodies",
	[STORE_VERIFY_SEGMENTS] = "segments",
	[STORE_VERIFY_FILES] = "files",
	[STORE_VERIFY_OCTETS] = "octets",
};

static void
print_finding(struct verification *v, uint32_t part, const struct store_finding *f)
{
	v->findings++;
	progress_done(&v->progress);
	if (v->json) {
		struct json_value *object = json_value_object();

		json_value_set_str(object, "part", titles[part]);
		json_value_set_text(object, "finding", f->text);
		json_value_set_text(object, "advice", f->advice);
		verb_print_json(object);
		return;
	}
	(void)printf("%.*s.\n  To do: %.*s.\n", (int)f->text.len, (const char *)f->text.data, (int)f->advice.len,
	    (const char *)f->advice.data);
}

static bool
is_among(const struct store_finding *f, const struct store_verified *all)
{
	for (size_t i = 0; i < all->finding_count; i++) {
		if (slice_eq(all->findings[i].text, f->text))
			return true;
	}
	return false;
}

/* Files change beside the rows: only what is found twice is one. */
static int
print_findings(
    struct verification *v, const struct store_verify *page, const struct store_verified *found, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	struct store_verified again = *found;
	bool twice = page->part >= STORE_VERIFY_SEGMENTS;
	int rc = 0;

	arena_init(&a, REPLY_BUDGET);
	if (found->finding_count > 0 && twice) {
		(void)usleep(LOOK_AGAIN_US);
		rc = store_verify(v->port, page, &a, &again, e);
	}
	for (size_t i = 0; i < found->finding_count && rc == 0; i++) {
		if (is_among(&found->findings[i], &again))
			print_finding(v, page->part, &found->findings[i]);
	}
	return rc;
}

/* *page becomes the next one. */
static int
look_at_page(struct verification *v, struct store_verify *page, bool *more, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	struct store_verified found;
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_verify(v->port, page, &a, &found, e);
	if (rc == 0)
		rc = print_findings(v, page, &found, e);
	if (rc != 0)
		return rc;
	v->octets += found.octets;
	v->live += found.live;
	v->dead += found.dead;
	v->disk += found.disk;
	if (page->part == STORE_VERIFY_OCTETS)
		progress_show(&v->progress, v->octets);
	*more = found.more;
	page->after = found.after;
	page->behind = found.behind;
	return 0;
}

static int
look_at_all(struct verification *v, struct store_info *info, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_info(v->port, &(struct store_nothing){ 0 }, &a, info, e);
	v->progress = (struct progress){ .label = "reading", .total = info->body_octets };
	for (uint32_t part = 0; part < STORE_VERIFY_PARTS && rc == 0; part++) {
		struct store_verify page = { .part = part };
		bool more = true;

		while (more && rc == 0)
			rc = look_at_page(v, &page, &more, e);
	}
	progress_done(&v->progress);
	return rc;
}

static void
print_end(const struct verification *v, const struct store_info *info)
{
	struct json_value *object;

	if (!v->json) {
		(void)printf("%" PRIu64 " accounts, %" PRIu64 " messages, %" PRIu64 " bodies with %" PRIu64
			     " octets, all read. Segments: %" PRIu64 " octets used, %" PRIu64 " unused, %" PRIu64
			     " on the disk.\n",
		    info->accounts, info->messages, info->bodies, v->octets, v->live, v->dead, v->disk);
		(void)(v->findings == 0 ? printf("Everything is as it must be.\n")
					: printf("%" PRIu64 " findings.\n", v->findings));
		return;
	}
	object = json_value_object();
	json_value_set_i64(object, "findings", (int64_t)v->findings);
	json_value_set_i64(object, "accounts", (int64_t)info->accounts);
	json_value_set_i64(object, "messages", (int64_t)info->messages);
	json_value_set_i64(object, "bodies", (int64_t)info->bodies);
	json_value_set_i64(object, "octets_read", (int64_t)v->octets);
	json_value_set_i64(object, "segments_used", (int64_t)v->live);
	json_value_set_i64(object, "segments_unused", (int64_t)v->dead);
	json_value_set_i64(object, "segments_on_disk", (int64_t)v->disk);
	verb_print_json(object);
}

int
verb_verify(const struct verb_input *in)
{
	struct verification v = { .json = in->json };
	struct store_info info = { 0 };
	struct place p;
	struct error e;
	int rc;

	if (in->word_count > 0) {
		(void)error_set(&e, ERR_USAGE, "verify takes no words, only options");
		return verb_failed(&e);
	}
	rc = place_look(in->config, &p, &e);
	if (rc != 0)
		return verb_failed(&e) == EXIT_USAGE ? EXIT_USAGE : EXIT_COULD_NOT;
	v.port = p.port;
	rc = look_at_all(&v, &info, &e);
	place_close(&p);
	if (rc != 0) {
		(void)verb_failed(&e);
		return EXIT_COULD_NOT;
	}
	print_end(&v, &info);
	return v.findings == 0 ? EXIT_DONE : EXIT_NO;
}
