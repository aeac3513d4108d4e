/* SPDX-License-Identifier: ISC */
/* HKP v2 (draft-ietf-openpgp-hkp) and the VKS interface: what is looked up. */
#include <string.h>

#include "os/clock.h"
#include "service/directory/answer.h"
#include "service/directory/directory.h"
#include "store/store.h"

typedef int path_parse(struct slice path, struct buf *text, struct directory_path *out, struct error *e);

/* What the path names, into call->found. */
static int
read_path(struct web_call *call, const char *before, path_parse *parse, uint32_t *version_out, struct error *e)
{
	BUF_OWNED struct buf text = { 0 };
	struct directory_path path;
	struct directory_found *f = call->found = arena_alloc(&call->arena, sizeof *f);
	int rc;

	buf_init(&text, 3 * DIRECTORY_SEARCH_MAX);
	rc = f == NULL ? error_nomem(e) : parse(slice_from(call->path, strlen(before)), &text, &path, e);
	if (rc != 0)
		return rc;
	*version_out = path.version;
	f->query.by = path.by;
	f->query.octet_count = path.octet_count;
	memcpy(f->query.octets, path.octets, sizeof path.octets);
	f->query.text = arena_copy(&call->arena, path.text);
	return 0;
}

/* ERR_DENIED is 422 elsewhere: here it is a path that ends too soon (draft-ietf-openpgp-hkp 5.1.7). */
static void
refuse(struct web_call *call, const struct error *e)
{
	if (e->code == ERR_DENIED)
		web_call_say(call, 403, e->text);
	else
		web_call_fail(call, e);
}

void
directory_certificate(struct web_call *call)
{
	uint32_t version;
	struct error e;

	if (read_path(call, "/pks/v2/certs/", directory_path_v2, &version, &e) != 0)
		refuse(call, &e);
	else
		directory_find(call, &call->found->query, version, directory_give_v2);
}

void
directory_vks(struct web_call *call)
{
	uint32_t version;
	struct error e;

	if (read_path(call, "/vks/v1/", directory_path_vks, &version, &e) != 0)
		refuse(call, &e);
	else
		directory_find(call, &call->found->query, version, directory_give_armored);
}

/* ---- index ---- */

static int
parse_identity(struct slice path, struct buf *text, struct directory_path *out, struct error *e)
{
	*out = (struct directory_path){ .by = DIRECTORY_BY_ADDRESS };
	return directory_path_identity(path, text, &out->text, e);
}

static void
give_index(struct web_call *call, const struct store_certificate_seen *seen)
{
	directory_keep(call, seen, directory_index_json);
}

void
directory_index(struct web_call *call)
{
	uint32_t version;
	struct error e;

	if (read_path(call, "/pks/v2/index/", parse_identity, &version, &e) != 0)
		refuse(call, &e);
	else
		directory_find(call, &call->found->query, version, give_index);
}

/* ---- prefixlog: which certificates changed on a day, without their names ---- */

static int
put_changes(struct web_call *call, uint64_t day, struct error *e)
{
	struct store_directory_day request = { .day = day };
	struct store_directory_changes changes = { .more = true };

	while (changes.more && call->answer.err == 0) {
		int rc = store_directory_changes(call->service->ports.store, &request, &call->arena, &changes, e);

		if (rc != 0)
			return rc;
		for (size_t i = 0; i + 4 <= changes.prefixes.len; i += 4)
			(void)buf_putf(&call->answer, "%02x%02x%02x%02x\r\n", changes.prefixes.data[i],
			    changes.prefixes.data[i + 1], changes.prefixes.data[i + 2], changes.prefixes.data[i + 3]);
		if (changes.prefixes.len < 4)
			break;
		request.after = slice_from(changes.prefixes, changes.prefixes.len - 4);
	}
	return 0;
}

static void
work_prefixlog(struct web_call *call)
{
	uint64_t day = 0, today = clock_unix() / 86400;
	struct error e;
	int rc = directory_path_day(slice_from(call->path, strlen("/pks/v2/prefixlog/")), &day, &e);

	if (rc == 0 && (day > today || day + STORE_DIRECTORY_DAYS < today))
		rc = error_set(&e, ERR_NOT_FOUND, "The log has the last %u days.", STORE_DIRECTORY_DAYS);
	if (rc == 0)
		rc = put_changes(call, day, &e);
	if (rc != 0)
		web_call_fail(call, &e);
	else
		web_call_finish(call, 200, "text/plain");
}

void
directory_prefixlog(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_prefixlog);
}

/* draft-ietf-openpgp-hkp 4.2: what is not known is not implemented; without its last part it is 403 (5.1.7). */
bool
directory_v2_knows(struct slice path)
{
	static const char *const known[] = { "certs", "certs/by-vfingerprint", "certs/by-keyid", "certs/by-identity",
		"index", "prefixlog", "canonical", "sendtoken" };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (slice_eq_str(path, known[i]))
			return true;
	return false;
}

void
directory_v2_other(struct web_call *call)
{
	if (directory_v2_knows(slice_from(call->path, strlen("/pks/v2/"))))
		web_call_say(call, 403, "The path ends before what is looked for.");
	else
		web_call_say(call, 501, "This part of HKP is not here.");
}
