/* SPDX-License-Identifier: ISC */
/* Why, as sentences for a person. Everything out of certificates is peer text and comes out escaped. */
#include "base/date.h"
#include "base/printable.h"
#include "trust/believe/believe_internal.h"
#include "trust/evidence.h"
#include "trust/why.h"

int
believe_say(struct belief *out, const struct buf *sentence)
{
	struct slice s = arena_copy(&out->arena, buf_slice(sentence));

	if (out->reason_count < BELIEVE_REASONS_MAX && out->arena.err == 0)
		out->reasons[out->reason_count++] = s;
	return sentence->err != 0 ? sentence->err : out->arena.err;
}

static void
put_day(struct buf *out, uint64_t when)
{
	struct date d = date_of_unix((int64_t)when, 0);

	(void)buf_putf(out, "%04d-%02u-%02u", d.year, d.month, d.day);
}

static void
put_text(struct buf *out, struct slice peer)
{
	(void)printable_put(out, peer, PRINTABLE_LINE, BELIEVE_NAME_MAX);
}

/* Half a fingerprint in groups of four: enough to tell two people of one name apart, never to decide anything. */
static void
put_short(struct buf *out, const struct pgp_fingerprint *f)
{
	for (size_t i = 0; i < 8 && i < f->len; i++)
		(void)buf_putf(out, "%s%02X", i > 0 && i % 2 == 0 ? " " : "", f->bytes[i]);
	(void)buf_put_str(out, " ...");
}

static struct slice
first_user_id(const struct pgp_cert *c)
{
	for (size_t i = 1; i < c->component_count; i++)
		if (c->components[i].kind == PGP_COMPONENT_USER_ID)
			return c->components[i].packet.body;
	return SLICE_EMPTY;
}

static void
put_name(struct buf *out, const struct pgp_cert *c)
{
	struct slice name = first_user_id(c);

	if (name.len > 0)
		put_text(out, name);
	else
		put_short(out, &c->primary->fingerprint);
}

/* ---- paths ---- */

static void
put_root(struct buf *out, const struct believer *b, const struct pgp_cert *root)
{
	const struct believe_root *r = believer_root(b, &root->primary->fingerprint);

	if (r != NULL && r->own) {
		(void)buf_put_str(out, "Your own key");
		return;
	}
	(void)buf_put_str(out, "Your introducer ");
	put_name(out, root);
	if (r != NULL && r->regex.len > 0) {
		(void)buf_put_str(out, " (for what matches ");
		put_text(out, r->regex);
		(void)buf_put_u8(out, ')');
	}
}

static int
say_path(const struct believer *b, const struct pgp_network_path *p, struct belief *out)
{
	BUF_OWNED struct buf s = { .max = BELIEVE_SENTENCE_MAX };
	const struct pgp_certification *last = p->edges[p->count - 1];

	put_root(&s, b, p->root);
	for (size_t i = 0; i + 1 < p->count; i++) {
		(void)buf_put_str(&s, i == 0 ? " trusts " : ", who trusts ");
		put_name(&s, p->edges[i]->target);
		(void)buf_put_str(&s, " to say whose a key is");
	}
	if (last->self)
		(void)buf_put_str(&s, p->count == 1 ? ": this is its own key" : ", whose own key this is");
	else
		(void)buf_put_str(&s, p->count == 1 ? " certified it on " : ", who certified it on ");
	if (!last->self)
		put_day(&s, last->created);
	(void)buf_putf(&s, ": %u of %u.", p->amount, PGP_NETWORK_FULL);
	return believe_say(out, &s);
}

static int
say_sum(const struct believer *b, struct belief *out)
{
	BUF_OWNED struct buf s = { .max = BELIEVE_SENTENCE_MAX };

	if (b->model == BELIEVE_DIRECT && out->amount > 0)
		(void)buf_putf(&s, "You named it as an introducer: %u of %u.", out->amount, PGP_NETWORK_FULL);
	else if (out->amount > 0 && out->paths.count == 0)
		(void)buf_put_str(&s, "It is one of the keys that you trust yourself.");
	else if (out->amount > 0)
		(void)buf_putf(&s, "So certifications are worth %u of %u by the model \"%s\".", out->amount,
		    PGP_NETWORK_FULL, believe_model_name(b->model));
	else if (b->root_count == 0)
		(void)buf_put_str(
		    &s, "You have no key of your own and named no introducer, so no certification counts.");
	else
		(void)buf_put_str(&s, "Nobody whom you trust certified it.");
	return believe_say(out, &s);
}

int
believe_say_paths(const struct believer *b, struct belief *out)
{
	int rc = 0;

	if (out->cert == NULL || out->user_id.data == NULL)
		return 0;
	for (size_t i = 0; i < out->paths.count && rc == 0 && i < BELIEVE_REASONS_MAX / 2; i++)
		rc = say_path(b, &out->paths.paths[i], out);
	return rc == 0 ? say_sum(b, out) : rc;
}

/* ---- evidence ---- */

static int
say_plainly(struct belief *out, const char *before, struct slice peer, const char *after)
{
	BUF_OWNED struct buf s = { .max = BELIEVE_SENTENCE_MAX };

	(void)buf_put_str(&s, before);
	put_text(&s, peer);
	(void)buf_put_str(&s, after);
	return believe_say(out, &s);
}

static int
say_entry(const struct believe_known *k, struct belief *out)
{
	BUF_OWNED struct buf s = { .max = BELIEVE_SENTENCE_MAX };

	(void)trust_why(k->entry, &s);
	return believe_say(out, &s);
}

static bool
is_of_mail(enum trust_origin o)
{
	return o == TRUST_GOSSIP || o == TRUST_FIRST_USE || o == TRUST_AUTOCRYPT;
}

/* How long and how often it has come with mail: what speaks for a key that nobody vouches for. */
static int
say_history(const struct believer *b, const struct pgp_fingerprint *f, struct belief *out)
{
	BUF_OWNED struct buf s = { .max = BELIEVE_SENTENCE_MAX };
	ARENA_OWNED struct arena a = { .budget = BELIEVE_TEXT_BUDGET };
	struct trust_evidence *rows;
	uint64_t first = UINT64_MAX, last = 0, times = 0;
	size_t count;

	if (trust_evidence_list(b->store, f, &a, &rows, &count, NULL) != 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_of_mail(rows[i].origin))
			continue;
		times += rows[i].count;
		first = rows[i].first < first ? rows[i].first : first;
		last = rows[i].last > last ? rows[i].last : last;
	}
	if (times < 2)
		return 0;
	(void)buf_putf(&s, "It came with mail %llu times, from ", (unsigned long long)times);
	put_day(&s, first);
	(void)buf_put_str(&s, " to ");
	put_day(&s, last);
	(void)buf_put_u8(&s, '.');
	return believe_say(out, &s);
}

static int
say_another(const struct trust_entry *other, const char *how, struct slice address, struct belief *out)
{
	BUF_OWNED struct buf s = { .max = BELIEVE_SENTENCE_MAX };

	(void)buf_put_str(&s, "There is another certificate of ");
	put_text(&s, address);
	(void)buf_put_str(&s, how);
	(void)pgp_fingerprint_write(&other->fingerprint, &s);
	(void)buf_put_u8(&s, '.');
	return believe_say(out, &s);
}

int
believe_say_known(const struct believer *b, const struct believe_known *k, struct slice address, struct belief *out)
{
	int rc = 0;

	if (out->cert == NULL)
		return say_plainly(out, "There is no such certificate here.", SLICE_EMPTY, "");
	if (out->user_id.data == NULL)
		return address.len > 0
		    ? say_plainly(out, "The certificate is not of ", address, ": it has no such user ID.")
		    : say_plainly(out, "The certificate says nobody's name.", SLICE_EMPTY, "");
	if (k->dead != NULL)
		rc = say_plainly(out, k->dead, SLICE_EMPTY, ".");
	if (rc == 0 && k->entry != NULL)
		rc = say_entry(k, out);
	if (rc == 0 && k->entry != NULL)
		rc = say_history(b, &k->entry->fingerprint, out);
	if (rc == 0 && k->other != NULL)
		return say_another(k->other, ", and that one is believed in full: ", address, out);
	return rc == 0 && k->rival != NULL ? say_another(k->rival, ": ", address, out) : rc;
}

int
believe_say_advice(const struct believe_known *k, struct belief *out)
{
	BUF_OWNED struct buf s = { .max = BELIEVE_SENTENCE_MAX };
	BUF_OWNED struct buf hex = { .max = 100 };

	if (believe_is_enough(out->verdict))
		return 0;
	if (out->cert != NULL)
		(void)pgp_fingerprint_write(&out->cert->primary->fingerprint, &hex);
	if (out->cert == NULL)
		(void)buf_put_str(&s, "Look for it with `letterlock key find ADDRESS`, or import it from a file.");
	else if (out->user_id.data == NULL)
		(void)buf_put_str(&s, "Ask its owner for a certificate of that address.");
	else if (k->dead != NULL)
		(void)buf_put_str(&s, "Ask its owner for a new one, or say `letterlock key find` with the address.");
	else if (out->verdict == BELIEVE_CONTRADICTED)
		(void)buf_putf(&s,
		    "Ask its owner, in person or on the telephone, which one is right; if it is this one, compare"
		    " the fingerprint and say `letterlock key verify %.*s`.",
		    (int)hex.len, (const char *)hex.data);
	else
		(void)buf_putf(&s,
		    "Compare the fingerprint with its owner, and then say `letterlock key verify %.*s`; or name"
		    " somebody who certified it as an introducer (`letterlock key trust --introducer`).",
		    (int)hex.len, (const char *)hex.data);
	out->advice = arena_copy(&out->arena, buf_slice(&s));
	return s.err != 0 ? s.err : out->arena.err;
}
