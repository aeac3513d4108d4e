/* SPDX-License-Identifier: ISC */
/* inline-verify, inline-detach: signed messages and signed texts. */
#include "client/sop/hold.h"
#include "client/sop/keys.h"
#include "client/sop/stream.h"
#include "client/sop/native.h"
#include "openpgp/sig/inline.h"
#include "openpgp/frame/packet.h"
#include "os/clock.h"

/* Text comes out only when a signature of the wanted time is good. */
struct gate {
	struct sop_hold hold;
	struct sop_native native;
	struct pgp_plain inner;
	struct pgp_verifier *verifier;
	const struct sop_ring *ring;
	struct sop_window window;
	struct buf lines;
	struct pgp_inline_result result;
};

static int
gate_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct gate *g = ctx;
	struct pgp_literal plain = *literal;

	/* A text in the framework was there for people to read, with line ends of the place that it lay in. */
	if (g->result.cleartext)
		plain.format = 'b';
	return g->inner.ops->begin(g->inner.ctx, &plain, e);
}

static int
gate_write(void *ctx, struct slice data, struct error *e)
{
	struct gate *g = ctx;

	return g->inner.ops->write(g->inner.ctx, data, e);
}

static int
gate_commit(void *ctx, struct error *e)
{
	struct gate *g = ctx;
	size_t good = 0;

	if (sop_verifications(g->verifier, g->ring, &g->window, &g->lines, &good) != 0)
		return error_nomem(e);
	if (good == 0)
		return error_set(e, ERR_SIGNATURE, "no good signature");
	return g->inner.ops->commit(g->inner.ctx, e);
}

static void
gate_abort(void *ctx)
{
	struct gate *g = ctx;

	g->inner.ops->abort(g->inner.ctx);
}

static int
refuse(const struct error *e)
{
	return e->code == ERR_SIGNATURE ? sop_fail(SOP_NO_SIGNATURE, "%s", e->text) : sop_bad(e);
}

static int
verify(struct gate *g, const char *out)
{
	static const struct pgp_plain_ops ops = { gate_begin, gate_write, gate_commit, gate_abort };
	struct sop_stdin *in = NULL;
	struct error e = { 0 };
	int rc = sop_stdin_new(&in);

	if (rc != 0)
		return rc;
	sop_hold_init(&g->hold);
	g->inner = sop_native_plain(&g->native, sop_hold_plain(&g->hold));
	if (pgp_inline_verify(sop_stdin_reread(in), g->verifier, (struct pgp_plain){ &ops, g }, &g->result, &e) != 0)
		rc = refuse(&e);
	sop_native_done(&g->native);
	sop_hold_done(&g->hold);
	sop_stdin_free(in);
	return rc != 0 || out == NULL ? rc : sop_write(out, buf_slice(&g->lines));
}

int
sop_inline_verify(int argc, char **argv)
{
	static struct option_list files;
	static struct sop_ring ring;
	static struct gate g;
	const char *before = NULL, *after = NULL, *out = NULL;
	const struct option options[] = {
		{ "not-before", OPTION_TEXT, &before }, { "not-after", OPTION_TEXT, &after },
		{ "verifications-out", OPTION_TEXT, &out }, { "verify-out", OPTION_TEXT, &out }, /* the old name */
	};
	struct pgp_policy policy = pgp_policy_default(clock_unix());
	struct error e = { 0 };
	int rc = sop_options("inline-verify", argc, argv, options, 4, &files);

	g.ring = &ring;
	buf_init(&g.lines, SOP_INPUT_MAX);
	if (rc == 0 && files.count == 0)
		rc = sop_fail(SOP_MISSING_ARG, "inline-verify needs a certificate");
	if (rc == 0)
		rc = sop_check_output(out);
	if (rc == 0)
		rc = sop_window(before, after, &policy, &g.window);
	if (rc == 0)
		rc = sop_load_list(&files, 0, false, &ring);
	if (rc == 0 && pgp_verifier_new(&g.verifier, &ring.certs, &policy, &e) != 0)
		rc = sop_bad(&e);
	if (rc == 0)
		rc = verify(&g, out);
	pgp_verifier_free(g.verifier);
	buf_done(&g.lines);
	sop_ring_done(&ring);
	return rc;
}

/* ---- inline-detach ---- */

/* A checksum belongs to the armor when no signature is of version 6. */
static bool
wants_checksum(struct slice packets)
{
	struct pgp_packet p;
	size_t at = 0;

	while (pgp_packet_next(packets, &at, &p, NULL) == 1)
		if (p.body.len > 0 && p.body.data[0] == 6)
			return false;
	return true;
}

static int
detach(const char *file, bool armor)
{
	struct buf signatures BUF_OWNED = { 0 };
	struct sop_hold hold;
	struct sop_stdin *in = NULL;
	struct pgp_inline_result result;
	struct error e = { 0 };
	int rc = sop_stdin_new(&in);

	if (rc != 0)
		return rc;
	buf_init(&signatures, SOP_INPUT_MAX);
	sop_hold_init(&hold);
	if (pgp_inline_detach(sop_stdin_reread(in), sop_hold_plain(&hold), &signatures, &result, &e) != 0)
		rc = sop_bad(&e);
	sop_hold_done(&hold);
	sop_stdin_free(in);
	if (rc == 0)
		rc = sop_write_packets(file, buf_slice(&signatures), armor, wants_checksum(buf_slice(&signatures)));
	return rc;
}

int
sop_inline_detach(int argc, char **argv)
{
	const char *file = NULL;
	bool no_armor = false;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "signatures-out", OPTION_TEXT, &file },
	};
	int rc = sop_options("inline-detach", argc, argv, options, 2, NULL);

	if (rc == 0 && file == NULL)
		rc = sop_fail(SOP_MISSING_ARG, "inline-detach needs --signatures-out");
	if (rc == 0)
		rc = sop_check_output(file);
	return rc != 0 ? rc : detach(file, !no_armor);
}
