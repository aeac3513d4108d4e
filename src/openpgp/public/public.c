/* SPDX-License-Identifier: ISC */
/* Errors, octets, streams, policy and armor of the public header. */
#include "openpgp/public/public.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "openpgp/frame/armor.h"

_Static_assert(LLK_ERROR_TEXT_SIZE == ERROR_TEXT_MAX, "a sentence fits");

/* ---- errors ---- */

int
public_fail(struct llk_error *out, const struct error *e)
{
	/* The engine failed and did not say why: that is its fault, and never a success. */
	if (e->code == 0)
		return public_refuse(out, ERR_INTERNAL, "something failed without a reason");
	if (out != NULL) {
		out->code = e->code;
		out->offset = e->offset;
		memcpy(out->text, e->text, sizeof out->text);
	}
	return e->code;
}

int
public_refuse(struct llk_error *out, int code, const char *sentence)
{
	struct error e = { 0 };

	(void)error_set(&e, code, "%s", sentence);
	return public_fail(out, &e);
}

const char *
llk_code_name(int code)
{
	return error_name(code);
}

const char *
llk_version(void)
{
	return LETTERLOCK_VERSION;
}

/* ---- octets ---- */

void
llk_data_free(struct llk_data *d)
{
	if (d == NULL || d->data == NULL)
		return;
	secret_wipe(d->data, d->len);
	mem_free(d->data);
	*d = (struct llk_data){ NULL, 0 };
}

int
public_give(struct buf *b, struct llk_data *out, struct llk_error *error)
{
	int rc = b->err;

	if (rc == 0) {
		*out = (struct llk_data){ b->data, b->len };
		buf_init(b, 0);
		return 0;
	}
	buf_wipe_done(b);
	return public_refuse(error, rc, rc == ERR_NOMEM ? "no memory" : "the result is too large");
}

int
public_give_packets(struct buf *packets, bool armor, bool checksum, struct llk_data *out, struct llk_error *error)
{
	struct buf text;
	struct error e = { 0 };
	int rc;

	if (!armor || packets->err != 0)
		return public_give(packets, out, error);
	buf_init(&text, LLK_WHOLE_MAX);
	rc = pgp_armor_write(pgp_armor_kind_of(buf_slice(packets)), checksum, buf_slice(packets), &text, &e);
	buf_wipe_done(packets);
	if (rc == 0)
		return public_give(&text, out, error);
	buf_wipe_done(&text);
	return public_fail(error, &e);
}

int
public_deliver(int rc, const struct pgp_cert *c, struct buf *packets, bool armor, struct llk_data *out,
    const struct error *e, struct llk_error *error)
{
	if (rc == 0)
		return public_give_packets(packets, armor, c->primary->version != 6, out, error);
	buf_wipe_done(packets);
	return public_fail(error, e);
}

/* ---- streams ---- */

int
public_append(void *ctx, const void *data, size_t len)
{
	return buf_put(ctx, data, len);
}

static int
sink_write(void *ctx, struct slice data, struct error *e)
{
	const struct llk_writer *out = ctx;
	int rc = out->write(out->ctx, data.data, data.len);

	return rc == 0 ? 0 : error_set(e, rc < 0 ? rc : ERR_IO, "the output could not be written");
}

struct pgp_sink
public_sink(struct llk_writer *out)
{
	return (struct pgp_sink){ sink_write, out };
}

int
public_input_init(struct public_input *in, struct llk_reader reader, struct error *e)
{
	in->reader = reader;
	in->piece = mem_alloc(LLK_PIECE);
	return in->piece == NULL ? error_nomem(e) : 0;
}

void
public_input_done(struct public_input *in)
{
	mem_free(in->piece);
	in->piece = NULL;
}

static int
source_next(void *ctx, struct slice *piece_out, struct error *e)
{
	const struct public_input *in = ctx;
	size_t len = 0;
	int rc = in->reader.read(in->reader.ctx, in->piece, LLK_PIECE, &len);

	if (rc != 0)
		return error_set(e, rc < 0 ? rc : ERR_IO, "the input could not be read");
	if (len > LLK_PIECE)
		return error_set(e, ERR_USAGE, "a reader said that it read more than there was room for");
	*piece_out = slice_of(in->piece, len);
	return 0;
}

struct pgp_source
public_source(struct public_input *in)
{
	return (struct pgp_source){ source_next, in };
}

/* ---- policy ---- */

int
llk_policy_new(uint64_t now, struct llk_policy **out, struct llk_error *error)
{
	struct llk_policy *p = mem_alloc(sizeof *p);

	if (p == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	p->policy = pgp_policy_default(now);
	*out = p;
	return 0;
}

int
llk_policy_accept(struct llk_policy *policy, const char *rule, struct llk_error *error)
{
	struct error e = { 0 };
	char known[ERROR_TEXT_MAX] = "";
	size_t len = 0;

	if (pgp_policy_set(&policy->policy, slice_str(rule), PGP_USES_ALL, PGP_ALWAYS, &e) == 0)
		return 0;
	if (e.code != ERR_NOT_FOUND)
		return public_fail(error, &e);
	for (size_t i = 0; pgp_policy_rule(i) != NULL; i++) {
		const char *name = pgp_policy_rule(i)->name;

		if (!pgp_policy_rule(i)->missing && strstr(known, name) == NULL &&
		    len + strlen(name) + 40 < sizeof known)
			len += (size_t)snprintf(known + len, sizeof known - len, " %s", name);
	}
	(void)error_set(&e, ERR_NOT_FOUND, "there is no such rule; there are:%s", known);
	return public_fail(error, &e);
}

void
llk_policy_free(struct llk_policy *policy)
{
	mem_free(policy);
}

/* ---- armor ---- */

int
llk_armor(struct llk_bytes packets, struct llk_data *out, struct llk_error *error)
{
	struct slice in = public_slice(packets);
	struct buf text;
	struct error e = { 0 };

	/* Every packet begins with its highest bit set (section 4.2). */
	if (in.len == 0 || (in.data[0] & 0x80) == 0)
		return public_refuse(error, ERR_SYNTAX, "the data does not begin with an OpenPGP packet");
	buf_init(&text, LLK_WHOLE_MAX);
	if (pgp_armor_write(pgp_armor_kind_of(in), true, in, &text, &e) == 0)
		return public_give(&text, out, error);
	buf_wipe_done(&text);
	return public_fail(error, &e);
}

int
llk_dearmor(struct llk_bytes text, struct llk_data *out, struct llk_error *error)
{
	enum pgp_armor_kind kind;
	struct error e = { 0 };
	struct buf packets;
	size_t at = 0;
	int rc;

	buf_init(&packets, LLK_WHOLE_MAX);
	rc = pgp_armor_parse(public_slice(text), &at, &kind, &packets, &e);
	if (rc == 1)
		return public_give(&packets, out, error);
	buf_wipe_done(&packets);
	return rc < 0 ? public_fail(error, &e) : public_refuse(error, ERR_SYNTAX, "there is no armored block in it");
}
