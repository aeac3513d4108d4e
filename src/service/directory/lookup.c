/* SPDX-License-Identifier: ISC */
/*
 * HKP v1: /pks/lookup. By fingerprint, key ID and address nothing here waits; a piece of a name is looked for by a
 * worker, and only in domains whose operator wants that.
 */
#include "service/directory/answer.h"
#include "service/directory/directory.h"
#include "service/directory/search.h"
#include "store/store.h"

static void give(struct web_call *call, const struct store_certificate_seen *seen);

static void
work_search(struct web_call *call)
{
	struct store_certificate_octets octets[DIRECTORY_MATCHES_MAX];
	struct store_certificate_seen seen = { .certificates = octets };
	struct store_certificates found;
	struct error e;

	if (directory_search(call, call->found->query.text, 4, &found, &e) != 0) {
		web_call_fail(call, &e);
		return;
	}
	for (; seen.certificate_count < found.certificate_count; seen.certificate_count++)
		octets[seen.certificate_count].data = found.certificates[seen.certificate_count].data;
	seen.more = found.more;
	give(call, &seen);
}

/* ---- answers ---- */

static void
work_index(struct web_call *call)
{
	const struct directory_query *q = &call->found->query;

	if (q->json)
		directory_index_json(call);
	else if (q->machine_readable)
		directory_index_machine(call);
	else
		directory_index_html(call);
}

static void
give(struct web_call *call, const struct store_certificate_seen *seen)
{
	if (call->found->query.op == DIRECTORY_GET)
		directory_give_armored(call, seen);
	else
		directory_keep(call, seen, work_index);
}

static void
work_stats(struct web_call *call)
{
	const struct directory_query *q = &call->found->query;
	struct store_nothing request = { 0 };
	struct store_certificate_count count;
	struct error e;

	if (store_certificate_count(call->service->ports.store, &request, &call->arena, &count, &e) != 0) {
		web_call_fail(call, &e);
	} else if (q->json || q->machine_readable) {
		(void)buf_putf(&call->answer,
		    "{\"software\":\"Letterlock\",\"version\":\"%s\",\"certificates\":%llu,\"user_ids\":%llu}\n",
		    LETTERLOCK_VERSION, (unsigned long long)count.certificates, (unsigned long long)count.published);
		web_call_finish(call, 200, "application/json");
	} else {
		(void)buf_putf(&call->answer, "Letterlock %s\nCertificates: %llu\nPublished user IDs: %llu\n",
		    LETTERLOCK_VERSION, (unsigned long long)count.certificates, (unsigned long long)count.published);
		web_call_finish(call, 200, DIRECTORY_TYPE_TEXT);
	}
}

static int
read_query(struct web_call *call, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	struct directory_found *f = call->found = arena_alloc(&call->arena, sizeof *f);
	int rc;

	buf_init(&text, 3 * DIRECTORY_SEARCH_MAX);
	rc = f == NULL ? error_nomem(e) : directory_query_parse(call->query, &text, &f->query, e);
	if (rc == 0)
		f->query.text = arena_copy(&call->arena, f->query.text);
	return rc;
}

void
directory_lookup(struct web_call *call)
{
	struct error e;

	if (read_query(call, &e) != 0)
		web_call_fail(call, &e);
	else if (call->found->query.op == DIRECTORY_STATS)
		web_call_later(call, call->service->workers, work_stats);
	else if (call->found->query.by == DIRECTORY_BY_TEXT)
		web_call_later(call, call->service->workers, work_search);
	else
		directory_find(call, &call->found->query, 4, give); /* old clients break on version 6 */
}
