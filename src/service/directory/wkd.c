/* SPDX-License-Identifier: ISC */
/* The Web Key Directory (draft-koch-openpgp-webkey-service): on a worker, for it hashes and asks more than once. */
#include <string.h>

#include "base/zbase32.h"
#include "crypto/hash.h"
#include "http/form.h"
#include "service/directory/answer.h"
#include "service/directory/directory.h"
#include "service/web/autoconfig.h"
#include "store/address.h"
#include "store/store.h"

/* The domain of the advanced path, or of the Host field without its port. */
static struct slice
wkd_domain(struct web_call *call, struct slice *rest)
{
	if (slice_starts(*rest, SLICE("hu/")) || slice_eq_str(*rest, "policy"))
		return autoconfig_host_name(call->host);
	return slice_split(*rest, '/', rest);
}

/* Whether hash names this local part: z-base-32 of SHA-1 of it in lower case (draft-koch 3.1). */
static bool
wkd_hash_is(struct slice hash, struct slice local)
{
	uint8_t digest[HASH_SIZE_MAX];
	BUF_OWNED struct buf lower = { 0 }, text = { 0 };

	buf_init(&lower, DIRECTORY_SEARCH_MAX);
	buf_init(&text, 64);
	for (size_t i = 0; i < local.len; i++)
		(void)buf_put_u8(&lower, ascii_lower(local.data[i]));
	return lower.err == 0 && hash_once(HASH_SHA1, buf_slice(&lower), digest, NULL) == 0 &&
	    zbase32_write(&text, slice_of(digest, hash_size(HASH_SHA1))) == 0 && slice_eq(buf_slice(&text), hash);
}

/* The next name in order: one that ends before it ends behind all of the name before. Empty behind the last. */
static struct slice
name_after(const uint8_t name[STORE_ADDRESS_NAME_SIZE], uint8_t out[STORE_ADDRESS_NAME_SIZE])
{
	memcpy(out, name, STORE_ADDRESS_NAME_SIZE);
	for (size_t i = STORE_ADDRESS_NAME_SIZE; i-- > 0;)
		if (++out[i] != 0)
			return slice_of(out, STORE_ADDRESS_NAME_SIZE);
	return SLICE_EMPTY;
}

/* Certificates with that address's user IDs and no others: who asks for one of somebody's addresses learns no other. */
static int
wkd_find(struct web_call *call, struct slice hash, struct slice domain, struct store_bucket *found, struct error *e)
{
	uint8_t name[STORE_ADDRESS_NAME_SIZE], behind[STORE_ADDRESS_NAME_SIZE];
	struct store_bucket_find request = { .version = 4, .limit = DIRECTORY_MATCHES_MAX };
	BUF_OWNED struct buf address = { 0 };
	int rc;

	buf_init(&address, DIRECTORY_SEARCH_MAX);
	rc = http_form_value(call->query, "l", &address, e);
	if (rc == 0 && !wkd_hash_is(hash, buf_slice(&address)))
		rc = error_set(e, ERR_NOT_FOUND, "The name does not fit its hash.");
	(void)buf_put_str(&address, "@");
	(void)buf_put_slice(&address, domain);
	if (rc == 0 && address.err != 0)
		rc = error_set(e, ERR_NOT_FOUND, "Nobody has so long a name.");
	if (rc == 0)
		rc = store_address_name(buf_slice(&address), name, e);
	if (rc != 0)
		return rc;
	request.from = slice_of(name, sizeof name);
	request.upto = name_after(name, behind);
	return store_certificate_bucket(call->service->ports.store, &request, &call->arena, found, e);
}

/* draft-koch 4.5: the file has to be there, and may be empty. Who asks there looks for a domain's directory: ours, or none. */
static void
answer_policy(struct web_call *call, struct slice domain)
{
	const struct store_address_find request = { .address = arena_printf(&call->arena, "policy@%.*s",
							(int)domain.len, (const char *)domain.data) };
	struct store_address_found found = { 0 };

	if (!slice_ieq(domain, call->service->settings.hostname) && request.address.len <= STORE_ADDRESS_MAX)
		(void)store_address_find(call->service->ports.store, &request, &call->arena, &found, NULL);
	if (found.domain_known || slice_ieq(domain, call->service->settings.hostname))
		web_call_finish(call, 200, "text/plain");
	else
		web_call_say(call, 404, "There is nothing here.");
}

static void
answer_key(struct web_call *call, struct slice hash, struct slice domain)
{
	struct store_bucket found;
	struct error e;

	if (wkd_find(call, hash, domain, &found, &e) != 0) {
		web_call_fail(call, &e);
		return;
	}
	for (size_t i = 0; i < found.entry_count; i++)
		(void)buf_put_slice(&call->answer, found.entries[i].data);
	if (found.entry_count == 0)
		directory_say_none(call);
	else
		web_call_finish(call, 200, DIRECTORY_TYPE_BINARY);
}

static void
work_wkd(struct web_call *call)
{
	struct slice rest = slice_from(call->path, strlen("/.well-known/openpgpkey/"));
	struct slice domain = wkd_domain(call, &rest);

	if (slice_eq_str(rest, "policy"))
		answer_policy(call, domain);
	else if (slice_starts(rest, SLICE("hu/")))
		answer_key(call, slice_from(rest, 3), domain);
	else
		web_call_say(call, 404, "There is nothing here.");
}

void
directory_wkd(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_wkd);
}
