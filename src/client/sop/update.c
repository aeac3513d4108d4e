/* SPDX-License-Identifier: ISC */
/* update-key. */
#include <poll.h>

#include "client/sop/merge.h"
#include "crypto/secret.h"
#include "openpgp/cert/change.h"
#include "os/clock.h"

struct updating {
	struct sop_ring keys, news;
	struct sop_passwords passwords;
	struct pgp_update_options options;
};

/*
 * The primary key signs anew, and each signing subkey may have to agree anew. What cannot be opened among these is a
 * reason to stop: half an update is none. protection: new subkeys are locked as the primary key is.
 */
static int
open_keys(struct updating *u, const struct pgp_cert *c, struct pgp_memory_keys *memory)
{
	const struct pgp_key *k;
	struct error e = { 0 };

	for (size_t i = 0; (k = pgp_cert_key(c, i)) != NULL; i++) {
		struct secret s SECRET_OWNED = SECRET_EMPTY;
		struct slice password = SLICE_EMPTY;
		int rc;

		if (!k->secret || !pgp_key_can_verify(k))
			continue;
		rc = sop_open_secret(k, &u->passwords, &s, &password, &e);
		if (rc == ERR_PASSWORD)
			return sop_fail(SOP_KEY_IS_PROTECTED, "%s", e.text);
		if (rc == ERR_NO_KEY && i > 0)
			continue; /* a stub */
		if (rc == 0)
			rc = pgp_memory_keys_add(memory, k, secret_slice(&s), &e);
		if (rc != 0)
			return sop_bad_key(&e);
		if (i > 0)
			continue;
		u->options.passphrase = password;
		u->options.protection = PGP_PROTECT_NONE;
		if (pgp_key_locked(k))
			u->options.protection = k->version == 4 ? PGP_PROTECT_CFB : PGP_PROTECT_AEAD;
	}
	return SOP_OK;
}

static bool
was_signed_at(const struct pgp_cert *c, uint64_t when)
{
	struct pgp_sig s;

	for (size_t i = 0; i < c->component_count; i++)
		for (size_t n = 0; n < c->components[i].part_count; n++)
			if (c->components[i].parts[n].type == PGP_SIGNATURE &&
			    pgp_sig_parse(c->components[i].parts[n].body, &s, NULL) == 0 && s.created == when)
				return true;
	return false;
}

/*
 * A key that was made in this very second: what replaces its signatures is later than they are, and must not be later
 * than the clock (change.h).
 */
static void
wait_for_next_second(const struct pgp_cert *c)
{
	uint64_t now = clock_unix();

	if (was_signed_at(c, now))
		while (clock_unix() == now)
			(void)poll(NULL, 0, 10);
}

static int
update(struct updating *u, const struct pgp_cert *c, struct buf *out)
{
	struct pgp_policy policy = pgp_policy_default(clock_unix());
	struct pgp_change change = { .cert = c, .policy = &policy };
	struct pgp_memory_keys *memory = NULL;
	struct error e = { 0 };
	bool changed;
	int rc = pgp_memory_keys_new(&memory, &e);

	if (rc != 0)
		return sop_bad(&e);
	change.keys = pgp_memory_keys_ops(memory);
	rc = open_keys(u, c, memory);
	if (rc == 0 && pgp_change_update(&change, &u->options, out, &changed, &e) != 0)
		rc = e.code == ERR_POLICY ? sop_fail(SOP_PRIMARY_KEY_BAD, "%s", e.text) : sop_bad_key(&e);
	pgp_memory_keys_free(memory);
	return rc;
}

static int
update_all(struct updating *u, struct buf *out)
{
	int rc = SOP_OK;

	for (size_t i = 0; rc == 0 && i < u->keys.certs.count; i++) {
		struct pgp_cert **c = &u->keys.certs.items[i];

		rc = sop_merge_into(c, &u->news.certs);
		if (rc != 0)
			break;
		wait_for_next_second(*c);
		rc = update(u, *c, out);
	}
	return rc;
}

int
sop_update_key(int argc, char **argv)
{
	static struct updating u;
	static struct option_list words, news;
	bool no_armor = false;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "signing-only", OPTION_FLAG, &u.options.sign_only },
		{ "no-added-capabilities", OPTION_FLAG, &u.options.no_added_capabilities },
		{ "revoke-deprecated-keys", OPTION_FLAG, &u.options.revoke_deprecated },
		{ "with-key-password", OPTION_LIST, &words },
		{ "merge-certs", OPTION_LIST, &news },
	};
	struct buf out;
	int rc = sop_options("update-key", argc, argv, options, 6, NULL);

	buf_init(&out, SOP_INPUT_MAX);
	if (rc == 0)
		rc = sop_load_passwords(&words, false, &u.passwords);
	if (rc == 0)
		rc = sop_load_list(&news, 0, false, &u.news);
	if (rc == 0)
		rc = sop_load_input(true, &u.keys);
	if (rc == 0)
		rc = update_all(&u, &out);
	if (rc == 0)
		rc = sop_put_packets(buf_slice(&out), !no_armor, sop_ring_checksum(&u.keys));
	buf_wipe_done(&out);
	sop_passwords_done(&u.passwords);
	sop_ring_done(&u.news);
	sop_ring_done(&u.keys);
	return rc;
}
