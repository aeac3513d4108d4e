/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/verify.h"

#include <stdio.h>
#include <string.h>

#include "base/idn.h"
#include "base/mem.h"
#include "crypto/compare.h"
#include "mailauth/dkim/signature.h"
#include "mailauth/name.h"

#define ARENA_BUDGET (2u << 20)              /* the header, and the table of its fields */
#define HEADER_COPIED (2u * MIME_HEADER_MAX) /* of one that is too large anyway no more */

static const char *const result_names[] = {
	[DKIM_NONE] = "none",
	[DKIM_PASS] = "pass",
	[DKIM_FAIL] = "fail",
	[DKIM_POLICY] = "policy",
	[DKIM_NEUTRAL] = "neutral",
	[DKIM_TEMPERROR] = "temperror",
	[DKIM_PERMERROR] = "permerror",
};

/* One signature. */
struct one {
	struct dkim_parsed parsed;
	struct dkim_signature result;
	const struct mime_field *field;
	bool decided;
};

struct dkim_verify {
	struct dkim_verify_config config;
	struct arena arena;
	struct slice block; /* the header */
	struct dkim_header header;
	struct one ones[MAILAUTH_DKIM_SIGNATURES_MAX];
	size_t count, seen;
	struct dkim_body *bodies[2]; /* by enum dkim_canon; NULL: nobody needs it */
	bool ended;
	struct error body_error; /* of hashing */
	struct buf name;         /* of the question */
	size_t asking;           /* whose key it is */
};

const char *
dkim_result_name(enum dkim_result r)
{
	return result_names[r];
}

static void decide(struct one *o, enum dkim_result r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
decide(struct one *o, enum dkim_result r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(o->result.reason, sizeof o->result.reason, fmt, args);
	va_end(args);
	o->result.result = r;
	o->decided = true;
}

/* ---- what the field says ---- */

static bool
is_printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < ' ' || s.data[i] == 0x7f)
			return false;
	return true;
}

/* For reports: nothing that could break a line there. */
static void
fill_result(struct one *o)
{
	struct slice algorithm = mailauth_tags_value(&o->parsed.tags, "a"), identity = buf_slice(&o->parsed.identity);

	o->result.domain = o->parsed.domain;
	o->result.selector = o->parsed.selector;
	o->result.identity = is_printable(identity) ? identity : SLICE_EMPTY;
	o->result.algorithm = is_printable(algorithm) ? algorithm : SLICE_EMPTY;
	o->result.signature = is_printable(buf_slice(&o->parsed.text)) ? buf_slice(&o->parsed.text) : SLICE_EMPTY;
	o->result.made = o->parsed.made;
	o->result.expires = o->parsed.expires;
}

static void
check_time(const struct dkim_verify *v, struct one *o)
{
	uint64_t now = v->config.now, tolerance = v->config.tolerance;

	if (o->parsed.expiring && o->parsed.expires < now - size_min(now, tolerance))
		decide(o, DKIM_PERMERROR, "The signature has expired.");
	else if (o->parsed.timed && o->parsed.made > now && o->parsed.made - now > tolerance)
		decide(o, DKIM_PERMERROR, "The signature says that it was made in the future.");
}

/* A From that is not signed could have been put there by anybody (RFC 6376 section 8.15). */
static void
check_from(const struct dkim_verify *v, struct one *o)
{
	struct slice rest = o->parsed.names, name;
	struct dkim_choice choice;

	if (mime_header_count(&v->header.mime, "From") == 0) {
		decide(o, DKIM_PERMERROR, "The message has no From.");
		return;
	}
	dkim_choice_init(&choice, &v->header);
	while (mailauth_tags_item(&rest, ':', &name))
		if (slice_ieq_str(name, "from"))
			(void)dkim_choice_take(&choice, name);
	if (dkim_choice_left(&choice, SLICE("From")) > 0)
		decide(o, DKIM_POLICY, "The message has a From that is not signed.");
}

static int
want_body(struct dkim_verify *v, struct one *o, struct error *e)
{
	struct dkim_body **body = &v->bodies[o->parsed.body_canon];
	int rc = *body == NULL ? dkim_body_new(o->parsed.body_canon, body, e) : 0;

	if (rc == 0 && o->parsed.length != DKIM_BODY_WHOLE)
		rc = dkim_body_mark(*body, o->parsed.length, e);
	return rc;
}

static int
take_signature(struct dkim_verify *v, const struct mime_field *field, const struct error *broken, struct error *e)
{
	static const struct dkim_parse_rules rules = { .version = "1", .identity = true };
	struct one *o = &v->ones[v->count++];
	struct error fault;
	int rc = dkim_parse(field->whole, &rules, &o->parsed, &fault);

	o->field = field;
	fill_result(o);
	if (rc == ERR_NOMEM)
		return error_nomem(e);
	if (rc != 0)
		decide(o, rc == ERR_POLICY ? DKIM_PERMERROR : DKIM_NEUTRAL, "%s", fault.text);
	else if (broken->code != 0)
		decide(o, DKIM_PERMERROR, "%s", broken->text);
	else if (o->parsed.algorithm == DKIM_RSA_SHA1)
		decide(o, DKIM_POLICY, "It is made with SHA-1, which proves nothing any more (RFC 8301).");
	else if (o->parsed.body_hash.len != DKIM_BODY_HASH_SIZE)
		decide(o, DKIM_NEUTRAL, "bh= is no SHA-256 hash.");
	else
		check_time(v, o);
	if (!o->decided)
		check_from(v, o);
	return o->decided ? 0 : want_body(v, o, e);
}

static int
take_signatures(struct dkim_verify *v, const struct error *broken, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < v->header.mime.count && rc == 0; i++) {
		const struct mime_field *field = &v->header.mime.fields[i];

		if (!slice_ieq(field->name, v->config.field_name))
			continue;
		if (v->seen++ < MAILAUTH_DKIM_SIGNATURES_MAX)
			rc = take_signature(v, field, broken, e);
	}
	return rc;
}

int
dkim_verify_new(const struct dkim_verify_config *config, struct slice header, struct dkim_verify **out, struct error *e)
{
	struct dkim_verify *v = mem_alloc(sizeof *v);
	struct error broken = { 0 };
	int rc = 0;

	if (v == NULL)
		return error_nomem(e);
	v->config = *config;
	if (v->config.tolerance == 0)
		v->config.tolerance = DKIM_TOLERANCE_SECONDS;
	if (v->config.field_name.len == 0)
		v->config.field_name = SLICE("DKIM-Signature");
	buf_init(&v->name, 4 * MAILAUTH_NAME_MAX);
	arena_init(&v->arena, ARENA_BUDGET);
	v->block = slice_sub(header, 0, HEADER_COPIED);
	if (!v->config.borrowed)
		v->block = arena_copy(&v->arena, v->block);
	if (v->arena.err != 0)
		rc = error_nomem(e);
	else if (dkim_header_parse(v->block, &v->arena, &v->header, &broken) == ERR_NOMEM)
		rc = error_nomem(e);
	else
		rc = take_signatures(v, &broken, e);
	if (rc != 0)
		dkim_verify_free(v);
	else
		*out = v;
	return rc;
}

void
dkim_verify_free(struct dkim_verify *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->count; i++)
		dkim_parsed_done(&v->ones[i].parsed);
	dkim_body_free(v->bodies[DKIM_SIMPLE]);
	dkim_body_free(v->bodies[DKIM_RELAXED]);
	buf_done(&v->name);
	arena_done(&v->arena);
	mem_free(v);
}

/* ---- the body ---- */

void
dkim_verify_body(struct dkim_verify *v, struct slice piece)
{
	for (size_t i = 0; i < 2; i++)
		if (v->bodies[i] != NULL)
			dkim_body_put(v->bodies[i], piece);
}

static void
check_body(const struct dkim_verify *v, struct one *o)
{
	const struct dkim_body *body = v->bodies[o->parsed.body_canon];
	const uint8_t *hash;

	if (v->body_error.code != 0) {
		decide(o, DKIM_TEMPERROR, "%s", v->body_error.text);
		return;
	}
	hash = dkim_body_hash(body, o->parsed.length);
	if (hash == NULL)
		decide(o, DKIM_PERMERROR, "More octets of the body are said to be signed (l=) than there are.");
	else if (!compare_equal(slice_of(hash, DKIM_BODY_HASH_SIZE), buf_slice(&o->parsed.body_hash)))
		decide(o, DKIM_FAIL, "The body was changed: its hash is another one.");
}

static void
end_body(struct dkim_verify *v)
{
	for (size_t i = 0; i < 2; i++)
		if (v->bodies[i] != NULL && v->body_error.code == 0)
			(void)dkim_body_end(v->bodies[i], &v->body_error);
	for (size_t i = 0; i < v->count; i++)
		if (!v->ones[i].decided)
			check_body(v, &v->ones[i]);
	v->ended = true;
}

/* ---- keys ---- */

/* Of U-labels as A-labels (RFC 8616 section 5). */
static int
write_name(struct dkim_verify *v, const struct one *o)
{
	buf_clear(&v->name);
	if (idn_to_ascii(o->parsed.selector, &v->name, NULL) != 0)
		return ERR_SYNTAX;
	(void)buf_put_str(&v->name, "._domainkey.");
	/* A name that cannot even be asked for must not look as if DNS had failed: then nobody knows, and it may pass. */
	if (idn_to_ascii(o->parsed.domain, &v->name, NULL) != 0 || !mailauth_name_can_be(buf_slice(&v->name)))
		return ERR_SYNTAX;
	return v->name.err;
}

enum dkim_verify_what
dkim_verify_next(struct dkim_verify *v, struct mailauth_question *question_out)
{
	if (!v->ended)
		end_body(v);
	for (size_t i = 0; i < v->count; i++) {
		struct one *o = &v->ones[i];

		if (o->decided)
			continue;
		if (write_name(v, o) != 0) {
			decide(o, DKIM_NEUTRAL, "s= and d= are no name in DNS.");
			continue;
		}
		v->asking = i;
		*question_out = (struct mailauth_question){ .type = MAILAUTH_TXT, .name = buf_slice(&v->name) };
		return DKIM_VERIFY_LOOKUP;
	}
	return DKIM_VERIFY_DONE;
}

static int
write_octets(const struct dkim_verify *v, const struct one *o, struct buf *out)
{
	struct slice rest = o->parsed.names, name;
	const struct mime_field *field;
	struct dkim_choice choice;
	size_t own = (size_t)(o->field - v->header.mime.fields);

	dkim_choice_init(&choice, &v->header);
	choice.taken[own / 8] |= (uint8_t)(1u << own % 8); /* a signature never signs itself as one of h= */
	while (mailauth_tags_item(&rest, ':', &name))
		if ((field = dkim_choice_take(&choice, name)) != NULL)
			(void)dkim_canon_field(o->parsed.header_canon, field->whole, out);
	return dkim_canon_signature(o->parsed.header_canon, o->field->whole, out);
}

static void
check_signature(const struct dkim_verify *v, struct one *o, const struct dkim_key *key)
{
	BUF_OWNED struct buf octets = { 0 };
	uint64_t length = dkim_body_length(v->bodies[o->parsed.body_canon]);
	struct error e;
	int rc;

	buf_init(&octets, MAILAUTH_DKIM_SIGNED_MAX);
	rc = write_octets(v, o, &octets);
	rc = rc != 0
	    ? error_set(&e, rc, "What is signed is too large, or there is no memory for it.")
	    : dkim_key_verify(key, o->parsed.algorithm, buf_slice(&octets), buf_slice(&o->parsed.signature), &e);
	if (rc == ERR_SIGNATURE || rc == ERR_SYNTAX)
		decide(o, DKIM_FAIL, "The header was changed, or another key made the signature.");
	else if (rc == ERR_POLICY)
		decide(o, DKIM_POLICY, "%s", e.text);
	else if (rc == ERR_UNSUPPORTED)
		decide(o, DKIM_PERMERROR, "%s", e.text);
	else if (rc != 0)
		decide(o, DKIM_TEMPERROR, "%s", e.text);
	else if (o->parsed.length < length)
		decide(o, DKIM_POLICY, "Only the first %llu of %llu octets of the body are signed (l=).",
		    (unsigned long long)o->parsed.length, (unsigned long long)length);
	else
		decide(o, DKIM_PASS, "The signature is right.");
}

static void
check_key(const struct dkim_verify *v, struct one *o, const struct dkim_key *key)
{
	struct slice identity = buf_slice(&o->parsed.identity);
	struct slice of = slice_from(identity, slice_find_last(identity, '@') + 1);

	o->result.key_bits = dkim_key_bits(key);
	o->result.testing = key->testing;
	if (key->revoked)
		decide(o, DKIM_PERMERROR, "The key was revoked.");
	else if (!key->email)
		decide(o, DKIM_PERMERROR, "The key is not for mail (s=).");
	else if (!key->sha256)
		decide(o, DKIM_PERMERROR, "The key is not for SHA-256 (h=).");
	else if (key->strict && !mailauth_name_is(of, o->parsed.domain))
		decide(o, DKIM_PERMERROR, "The key is not for domains below its own (t=s), and i= is of one.");
	else
		check_signature(v, o, key);
}

/* Of several records the one that makes it pass counts, otherwise the first that is a key at all. */
static void
try_records(const struct dkim_verify *v, struct one *o, const struct mailauth_answer *answer)
{
	struct one first = { .decided = false };
	size_t count = size_min(answer->record_count, MAILAUTH_DKIM_KEYS_MAX);

	for (size_t i = 0; i < count; i++) {
		struct dkim_key key;
		struct error e;
		int rc = dkim_key_parse(answer->records[i], &key, &e);

		if (rc == 0)
			check_key(v, o, &key);
		dkim_key_done(&key);
		if (rc == 0 && (o->result.result == DKIM_PASS || count == 1))
			return;
		if (rc != 0)
			decide(o, rc == ERR_NOMEM ? DKIM_TEMPERROR : DKIM_PERMERROR, "%s", e.text);
		if (!first.decided || (first.result.key_bits == 0 && rc == 0))
			first = *o;
	}
	*o = first;
}

static void
take_answer(const struct dkim_verify *v, struct one *o, const struct mailauth_answer *answer)
{
	o->result.secure = answer->secure;
	if (answer->found == MAILAUTH_FAILED)
		decide(o, DKIM_TEMPERROR, "DNS did not say what the key is.");
	else if (answer->found != MAILAUTH_FOUND || answer->record_count == 0)
		decide(o, DKIM_PERMERROR, "There is no key of that name in DNS.");
	else
		try_records(v, o, answer);
}

void
dkim_verify_answer(struct dkim_verify *v, const struct mailauth_answer *answer)
{
	const struct one *asked = &v->ones[v->asking];

	for (size_t i = v->count; i-- > v->asking;) {
		struct one *o = &v->ones[i];

		if (!o->decided && mailauth_name_is(o->parsed.domain, asked->parsed.domain) &&
		    mailauth_name_is(o->parsed.selector, asked->parsed.selector))
			take_answer(v, o, answer);
	}
}

/* ---- results ---- */

size_t
dkim_verify_count(const struct dkim_verify *v)
{
	return v->count;
}

size_t
dkim_verify_seen(const struct dkim_verify *v)
{
	return v->seen;
}

const struct dkim_signature *
dkim_verify_result(const struct dkim_verify *v, size_t i)
{
	return &v->ones[i].result;
}

enum dkim_result
dkim_verify_best(const struct dkim_verify *v)
{
	static const enum dkim_result order[] = { DKIM_PASS, DKIM_TEMPERROR, DKIM_FAIL, DKIM_POLICY, DKIM_PERMERROR,
		DKIM_NEUTRAL };

	for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
		for (size_t i = 0; i < v->count; i++)
			if (v->ones[i].result.result == order[k])
				return order[k];
	return DKIM_NONE;
}
