/* SPDX-License-Identifier: ISC */
/* OPENPGPKEY records (RFC 7929), believed only when DNSSEC proves them (section 5.1). */
#include "base/hex.h"
#include "base/idn.h"
#include "crypto/hash.h"
#include "trust/find/find_internal.h"

#define TYPE_OPENPGPKEY 61u
#define HASH_OCTETS 28u /* of SHA-256 (section 3) */
#define NAME_MAX_OCTETS 400u
#define ARENA (1u << 20)
#define RECORDS_MAX 8u

/* Quotes and backslashes are no part of what is hashed (section 3, step 2). */
static void
put_bare(struct slice local, struct buf *out)
{
	bool quoted = local.len >= 2 && local.data[0] == '"' && local.data[local.len - 1] == '"';

	if (!quoted) {
		(void)buf_put_slice(out, local);
		return;
	}
	for (size_t i = 1; i + 1 < local.len; i++) {
		if (local.data[i] == '\\' && i + 2 < local.len)
			i++;
		(void)buf_put_u8(out, local.data[i]);
	}
}

static int
put_name(struct slice address, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf bare = { .max = TRUST_ADDRESS_MAX };
	uint8_t digest[HASH_SIZE_MAX];
	struct slice local, domain;
	int rc;

	if (!find_split_address(address, &local, &domain))
		return error_set(e, ERR_USAGE, "this is no address");
	put_bare(local, &bare);
	rc = hash_once(HASH_SHA256, buf_slice(&bare), digest, e);
	if (rc != 0)
		return rc;
	(void)hex_write(out, slice_of(digest, HASH_OCTETS));
	(void)buf_put_str(out, "._openpgpkey.");
	return idn_to_ascii(domain, out, e);
}

static int
take(struct finding *f, const struct dns_answer *answer, const struct find_from *from, struct error *e)
{
	size_t taken = 0;
	int rc = 0;

	if (answer->security == DNS_BOGUS)
		return error_set(e, ERR_POLICY, "the answer of DNS is forged or broken: %.*s",
		    (int)size_min(answer->reason.len, 200),
		    answer->reason.len == 0 ? "" : (const char *)answer->reason.data);
	if (answer->record_count == 0)
		return 0;
	if (answer->security != DNS_SECURE)
		return error_set(
		    e, ERR_POLICY, "DNS has a key, but nothing proves it: the domain is not signed (DNSSEC)");
	for (size_t i = 0; i < size_min(answer->record_count, RECORDS_MAX) && rc == 0 && f->fatal == 0; i++)
		rc = find_take(f, from, answer->records[i], &taken, e);
	return rc;
}

int
find_dns(struct finding *f, struct error *e)
{
	BUF_OWNED struct buf name = { .max = NAME_MAX_OCTETS }, where = { .max = NAME_MAX_OCTETS + 10 };
	struct find_from from = { .source = FIND_DNS, .origin = TRUST_DANE, .only = f->query->text };
	struct dns_answer answer;
	struct arena a;
	int rc = put_name(f->query->text, &name, e);

	if (rc != 0)
		return rc;
	(void)buf_put_str(&where, "dns:");
	(void)buf_put_slice(&where, buf_slice(&name));
	from.where = buf_slice(&where);
	find_say(f, "asking", from.where);
	arena_init(&a, ARENA);
	rc = dns_ask(f->place->dns, buf_slice(&name), TYPE_OPENPGPKEY, &a, &answer, e);
	if (rc == 0)
		rc = take(f, &answer, &from, e);
	arena_done(&a);
	return rc;
}
