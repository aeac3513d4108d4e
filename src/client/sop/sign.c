/* SPDX-License-Identifier: ISC */
/* Detached signatures: sign and verify. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/sop/sop.h"
#include "openpgp/armor.h"
#include "openpgp/packet.h"
#include "os/clock.h"

/* ---- sign ---- */

struct signing {
	struct pgp_certs keys;
	struct sop_passwords passwords;
	struct pgp_memory_keys *memory;
	struct pgp_maker *maker;
	struct sop_text_check check;
	bool text, v6;
};

static int
load_signing(struct signing *s, const struct option_list *files, const struct option_list *passwords)
{
	struct pgp_signer signers[PGP_SIGNATURES_MAX];
	struct pgp_maker_spec spec = { .signers = signers, .created = (uint32_t)clock_unix() };
	struct error e = { 0 };
	int rc = sop_load_passwords(passwords, false, &s->passwords);

	for (size_t i = 0; rc == 0 && i < files->count; i++)
		rc = sop_load(files->items[i], true, &s->keys);
	if (rc == 0 && s->keys.count > PGP_SIGNATURES_MAX)
		rc = sop_fail(SOP_FAILED, "too many keys");
	if (rc == 0 && pgp_memory_keys_new(&s->memory, &e) != 0)
		rc = sop_bad(&e);
	if (rc == 0)
		rc = sop_signers(&s->keys, &s->passwords, s->memory, signers);
	if (rc != 0)
		return rc;
	spec.signer_count = s->keys.count;
	spec.type = s->text ? PGP_SIG_TEXT : PGP_SIG_BINARY;
	for (size_t i = 0; i < s->keys.count; i++)
		s->v6 = s->v6 || signers[i].key->version == 6;
	return pgp_maker_new(&s->maker, &spec, &e) != 0 ? sop_bad(&e) : SOP_OK;
}

static void
signing_done(struct signing *s)
{
	pgp_maker_free(s->maker);
	pgp_memory_keys_free(s->memory);
	sop_passwords_done(&s->passwords);
	pgp_certs_done(&s->keys);
}

static int
feed_maker(void *ctx, struct slice piece)
{
	struct signing *s = ctx;
	struct error e = { 0 };

	if (s->text) {
		sop_text_feed(&s->check, piece);
		if (s->check.bad)
			return sop_fail(SOP_EXPECTED_TEXT, "the data is not UTF-8 text");
	}
	return pgp_maker_feed(s->maker, piece, &e) != 0 ? sop_bad(&e) : SOP_OK;
}

static int
put_micalg(const struct signing *s, const char *file)
{
	char name[32] = "pgp-";
	const char *hash = pgp_hash_text_name(pgp_maker_hash(s->maker));
	size_t n = 4;

	for (; *hash != 0 && n < sizeof name - 1; hash++)
		if (*hash != '-')
			name[n++] = (char)ascii_lower((uint8_t)*hash);
	return sop_write(file, slice_of(name, n));
}

static int
sign_stream(struct signing *s, bool armor, const char *micalg)
{
	struct error e = { 0 };
	struct buf out BUF_OWNED = { 0 };
	int rc = sop_each_block(feed_maker, s);

	buf_init(&out, 64 << 20);
	if (rc == 0 && s->text && !sop_text_good(&s->check))
		rc = sop_fail(SOP_EXPECTED_TEXT, "the data is not UTF-8 text");
	if (rc == 0 && pgp_maker_finish(s->maker, false, &out, &e) != 0)
		rc = sop_bad(&e);
	if (rc == 0 && micalg != NULL)
		rc = put_micalg(s, micalg);
	return rc != 0 ? rc : sop_put_packets(buf_slice(&out), armor, !s->v6);
}

int
sop_sign(int argc, char **argv)
{
	static struct option_list keys, passwords;
	bool no_armor = false;
	const char *as = NULL, *micalg = NULL;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "as", OPTION_TEXT, &as },
		{ "micalg-out", OPTION_TEXT, &micalg },
		{ "with-key-password", OPTION_LIST, &passwords },
	};
	struct signing *s;
	int rc = sop_options(argc, argv, options, 4, "sign [OPTION...] KEY...", &keys);

	if (rc != 0)
		return rc;
	if (keys.count == 0)
		return sop_fail(SOP_MISSING_ARG, "sign needs a secret key");
	s = mem_alloc(sizeof *s);
	if (s == NULL)
		return sop_fail(SOP_FAILED, "no memory");
	rc = sop_as(as, &s->text);
	if (rc == 0)
		rc = sop_check_output(micalg);
	if (rc == 0)
		rc = load_signing(s, &keys, &passwords);
	if (rc == 0)
		rc = sign_stream(s, !no_armor, micalg);
	signing_done(s);
	mem_free(s);
	return rc;
}

/* ---- verify ---- */

static int
expect_all(struct pgp_verifier *v, struct slice packets)
{
	struct error e = { 0 };
	struct pgp_packet p;
	size_t at = 0, count = 0;
	int rc;

	while ((rc = pgp_packet_next(packets, &at, &p, &e)) == 1) {
		if (p.header.type == PGP_MARKER || p.header.type == PGP_PADDING)
			continue;
		/* Never from detached to inline: a message here is an attack or a mistake. */
		if (p.header.type != PGP_SIGNATURE)
			return sop_fail(SOP_BAD_DATA, "the signatures' file holds something else than signatures");
		if (pgp_verifier_expect(v, p.body, &e) != 0)
			return sop_bad(&e);
		count++;
	}
	if (rc < 0)
		return sop_bad(&e);
	return count == 0 ? sop_fail(SOP_BAD_DATA, "there is no signature in it") : SOP_OK;
}

static int
load_signatures(const char *argument, struct pgp_verifier *v)
{
	struct buf raw BUF_OWNED = { 0 }, packets BUF_OWNED = { 0 };
	struct error e = { 0 };
	enum pgp_armor_kind kind;
	size_t at = 0;
	int rc;

	buf_init(&raw, 64 << 20);
	buf_init(&packets, 64 << 20);
	rc = sop_read(argument, &raw);
	if (rc != 0)
		return rc;
	if (raw.len > 0 && !pgp_armor_looks_armored(buf_slice(&raw)))
		return expect_all(v, buf_slice(&raw));
	while ((rc = pgp_armor_parse(buf_slice(&raw), &at, &kind, &packets, &e)) == 1)
		continue;
	return rc < 0 ? sop_bad(&e) : expect_all(v, buf_slice(&packets));
}

static int
feed_verifier(void *ctx, struct slice piece)
{
	struct error e = { 0 };

	return pgp_verifier_feed(ctx, piece, &e) != 0 ? sop_bad(&e) : SOP_OK;
}

static int
verify_stream(struct pgp_verifier *v, const struct sop_window *window)
{
	struct error e = { 0 };
	struct buf lines BUF_OWNED = { 0 };
	size_t good = 0;
	int rc = sop_each_block(feed_verifier, v);

	buf_init(&lines, 1 << 20);
	if (rc == 0 && pgp_verifier_finish(v, &e) != 0)
		rc = sop_bad(&e);
	if (rc == 0)
		rc = sop_verifications(v, window, &lines, &good);
	if (rc == 0 && good == 0)
		return sop_fail(SOP_NO_SIGNATURE, "no good signature");
	return rc != 0 ? rc : sop_put(buf_slice(&lines));
}

int
sop_verify(int argc, char **argv)
{
	static struct option_list arguments;
	const char *before = NULL, *after = NULL;
	const struct option options[] = {
		{ "not-before", OPTION_TEXT, &before },
		{ "not-after", OPTION_TEXT, &after },
	};
	struct pgp_policy policy = pgp_policy_default(clock_unix());
	struct pgp_certs certs = { 0 };
	struct pgp_verifier *v = NULL;
	struct sop_window window;
	struct error e = { 0 };
	int rc = sop_options(argc, argv, options, 2, "verify [OPTION...] SIGNATURES CERT...", &arguments);

	if (rc == 0 && arguments.count < 2)
		rc = sop_fail(SOP_MISSING_ARG, "verify needs a file of signatures and a certificate");
	if (rc == 0)
		rc = sop_date(before, 0, &window.not_before);
	if (rc == 0)
		rc = sop_date(after, policy.now + policy.clock_skew, &window.not_after);
	for (size_t i = 1; rc == 0 && i < arguments.count; i++)
		rc = sop_load(arguments.items[i], false, &certs);
	if (rc == 0 && pgp_verifier_new(&v, &certs, &policy, &e) != 0)
		rc = sop_bad(&e);
	if (rc == 0)
		rc = load_signatures(arguments.items[0], v);
	if (rc == 0)
		rc = verify_stream(v, &window);
	pgp_verifier_free(v);
	pgp_certs_done(&certs);
	return rc;
}
