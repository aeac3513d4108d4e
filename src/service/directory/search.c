/* SPDX-License-Identifier: ISC */
#include "service/directory/search.h"

#include "service/directory/directory.h"
#include "service/web/call.h"
#include "store/store.h"

#define PAGES_MAX 4u /* of matches that are looked through for those of a domain that may be searched */

static bool
may_search(const struct service_settings *s, struct slice address)
{
	size_t at = slice_find_last(address, '@');

	for (size_t i = 0; at != SIZE_MAX && i < s->directory_search_count; i++)
		if (slice_ieq(slice_from(address, at + 1), s->directory_search[i]))
			return true;
	return false;
}

static bool
contains(struct slice text, struct slice piece)
{
	for (size_t i = 0; i + piece.len <= text.len; i++)
		if (slice_ieq(slice_sub(text, i, piece.len), piece))
			return true;
	return false;
}

/* The user ID that has the text must be of such a domain: another one's name is not found through it. */
static bool
is_shown(const struct service_settings *s, const struct store_certificate *c, struct slice piece)
{
	for (size_t i = 0; i < c->user_count; i++)
		if (may_search(s, c->users[i].address) && contains(c->users[i].user_id, piece))
			return true;
	return false;
}

static void
keep_shown(struct web_call *call, const struct store_certificates *page, struct slice text, uint32_t version,
    struct store_certificates *out)
{
	for (size_t i = 0; i < page->certificate_count && !out->more; i++) {
		const struct store_certificate *c = &page->certificates[i];

		if ((version != 0 && c->version != version) || !is_shown(&call->service->settings, c, text))
			continue;
		out->more = out->certificate_count == DIRECTORY_MATCHES_MAX;
		if (!out->more)
			out->certificates[out->certificate_count++] = *c;
	}
}

int
directory_search(
    struct web_call *call, struct slice text, uint32_t version, struct store_certificates *out, struct error *e)
{
	struct store_certificate_find find = { .value = text, .limit = DIRECTORY_MATCHES_MAX };
	struct store_certificates page = { .more = true };

	if (call->service->settings.directory_search_count == 0)
		return error_set(e, ERR_UNSUPPORTED,
		    "Here people are found by their address, fingerprint or key ID, and not by name.");
	*out = (struct store_certificates){ .certificates = arena_array(
						&call->arena, DIRECTORY_MATCHES_MAX, sizeof *out->certificates) };
	if (out->certificates == NULL)
		return error_nomem(e);
	for (unsigned n = 0; page.more && !out->more; n++) {
		int rc = store_certificate_names(call->service->ports.store, &find, &call->arena, &page, e);

		if (rc != 0)
			return rc;
		keep_shown(call, &page, text, version, out);
		if (page.certificate_count == 0)
			break;
		find.after = page.certificates[page.certificate_count - 1].fingerprint;
		out->more = out->more || (page.more && n + 1 == PAGES_MAX);
	}
	return 0;
}
