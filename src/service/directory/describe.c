/* SPDX-License-Identifier: ISC */
#include "service/directory/describe.h"

#include "openpgp/cert/cert.h"
#include "service/directory/filter.h"

static void
describe_keys(const struct pgp_cert *cert, struct arena *arena, struct store_certificate *out)
{
	struct store_certificate_key *keys =
	    arena_array(arena, 1 + DIRECTORY_SUBKEYS_MAX, sizeof(struct store_certificate_key));
	const struct pgp_key *key;
	size_t count = 0;

	if (keys == NULL)
		return;
	for (size_t n = 0; count <= DIRECTORY_SUBKEYS_MAX && (key = pgp_cert_key(cert, n)) != NULL; n++)
		if (key->fingerprint.len == 20 || key->fingerprint.len == 32)
			keys[count++] = (struct store_certificate_key){
				.fingerprint =
				    arena_copy(arena, slice_of(key->fingerprint.bytes, key->fingerprint.len)),
				.key_id = key->key_id,
			};
	out->keys = keys;
	out->key_count = count;
}

/* Octets of a user ID with its signatures. */
static uint32_t
component_length(const struct pgp_component *c)
{
	const struct slice *last = &c->packet.raw;

	if (c->part_count > 0)
		last = &c->parts[c->part_count - 1].raw;
	return (uint32_t)(last->data + last->len - c->packet.raw.data);
}

static void
describe_users(const struct pgp_cert *cert, struct arena *arena, struct store_certificate *out)
{
	struct store_certificate_user *users =
	    arena_array(arena, DIRECTORY_USER_IDS_MAX, sizeof(struct store_certificate_user));
	size_t count = 0;

	if (users == NULL)
		return;
	for (size_t i = 0; i < cert->component_count && count < DIRECTORY_USER_IDS_MAX; i++) {
		const struct pgp_component *c = &cert->components[i];
		struct slice id;

		if (c->kind != PGP_COMPONENT_USER_ID)
			continue;
		id = arena_copy(arena, c->packet.body);
		users[count++] = (struct store_certificate_user){ .user_id = id,
			.address = pgp_user_id_address(id),
			.place = (uint32_t)(c->packet.raw.data - cert->raw.data),
			.length = component_length(c) };
	}
	out->users = users;
	out->user_count = count;
}

int
directory_describe(struct slice data, struct arena *arena, struct store_certificate *out, struct error *e)
{
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(data, &cert, &used, e);

	if (rc != 0)
		return rc;
	out->data = arena_copy(arena, data);
	out->version = cert->primary->version;
	out->created = cert->primary->created;
	out->fingerprint =
	    arena_copy(arena, slice_of(cert->primary->fingerprint.bytes, cert->primary->fingerprint.len));
	describe_keys(cert, arena, out);
	describe_users(cert, arena, out);
	pgp_cert_free(cert);
	return arena->err == 0 ? 0 : error_set(e, arena->err, "the certificate does not fit into memory");
}
