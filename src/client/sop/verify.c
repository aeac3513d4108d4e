/* SPDX-License-Identifier: ISC */
/* verify: detached signatures. */
#include "client/sop/keys.h"
#include "openpgp/armor.h"
#include "openpgp/packet.h"
#include "os/clock.h"

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
verify_stream(struct pgp_verifier *v, const struct sop_ring *ring, const struct sop_window *window)
{
	struct error e = { 0 };
	struct buf lines BUF_OWNED = { 0 };
	size_t good = 0;
	int rc = sop_each_block(feed_verifier, v);

	buf_init(&lines, SOP_INPUT_MAX);
	if (rc == 0 && pgp_verifier_finish(v, &e) != 0)
		rc = sop_bad(&e);
	if (rc == 0)
		rc = sop_verifications(v, ring, window, &lines, &good);
	if (rc == 0 && good == 0)
		return sop_fail(SOP_NO_SIGNATURE, "no good signature");
	return rc != 0 ? rc : sop_put(buf_slice(&lines));
}

int
sop_verify(int argc, char **argv)
{
	static struct option_list arguments;
	static struct sop_ring ring;
	const char *before = NULL, *after = NULL;
	const struct option options[] = {
		{ "not-before", OPTION_TEXT, &before },
		{ "not-after", OPTION_TEXT, &after },
	};
	struct pgp_policy policy = pgp_policy_default(clock_unix());
	struct pgp_verifier *v = NULL;
	struct sop_window window;
	struct error e = { 0 };
	int rc = sop_options("verify", argc, argv, options, 2, &arguments);

	if (rc == 0 && arguments.count < 2)
		rc = sop_fail(SOP_MISSING_ARG, "verify needs a file of signatures and a certificate");
	if (rc == 0)
		rc = sop_window(before, after, &policy, &window);
	if (rc == 0)
		rc = sop_load_list(&arguments, 1, false, &ring);
	if (rc == 0 && pgp_verifier_new(&v, &ring.certs, &policy, &e) != 0)
		rc = sop_bad(&e);
	if (rc == 0)
		rc = load_signatures(arguments.items[0], v);
	if (rc == 0)
		rc = verify_stream(v, &ring, &window);
	pgp_verifier_free(v);
	sop_ring_done(&ring);
	return rc;
}
