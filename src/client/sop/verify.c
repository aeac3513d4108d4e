/* SPDX-License-Identifier: ISC */
/* verify: detached signatures. */
#include "client/sop/keys.h"
#include "os/clock.h"

/* Never from detached to inline: a message here is an attack or a mistake, and ERR_SYNTAX. */
static int
load_signatures(const char *argument, struct pgp_verifier *v)
{
	struct buf file BUF_OWNED = { 0 };
	struct error e = { 0 };
	int rc;

	buf_init(&file, SOP_INPUT_MAX);
	rc = sop_read(argument, &file);
	if (rc == 0 && pgp_verifier_expect_all(v, buf_slice(&file), &e) != 0) {
		(void)error_context(&e, "%.100s", argument);
		rc = sop_bad(&e);
	}
	return rc;
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
