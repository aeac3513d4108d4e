/* SPDX-License-Identifier: ISC */
#include "mailauth/arc/verify.h"

#include <stdio.h>
#include <string.h>

#include "base/idn.h"
#include "base/mem.h"
#include "crypto/compare.h"
#include "mailauth/arc/signed.h"
#include "mailauth/name.h"

#define ARENA_BUDGET (16u << 20)             /* the header, its fields, the sets, and at most 100 names' keys */
#define HEADER_COPIED (2u * MIME_HEADER_MAX) /* of one that is too large anyway no more */

/* What DNS said of one name. */
struct known {
	struct known *next;
	struct slice name;
	enum mailauth_found found;
	struct slice records[MAILAUTH_DKIM_KEYS_MAX];
	size_t count;
};

struct arc_verify {
	struct arc_verify_config config;
	struct arena arena;
	struct dkim_header header;
	struct arc_fields fields;
	struct arc_signed *sets;     /* fields.count */
	struct dkim_body *bodies[2]; /* by enum dkim_canon; NULL: nobody needs it */
	struct arc_verdict verdict;
	bool ended, decided;
	/* What is looked at next: the newest message signature, all seals, older message signatures; each from the newest. */
	enum { MESSAGE, SEALS, OLDER } stage;
	size_t at;         /* the set, from 1 */
	struct buf octets; /* canonical: all sets; cut as the seals are gone through */
	size_t *ends;      /* in octets, by set: what is before its seal */
	struct known *known;
	struct buf name; /* of the question */
};

const char *
arc_result_name(enum arc_result r)
{
	static const char *const names[] = { [ARC_NONE] = "none", [ARC_PASS] = "pass", [ARC_FAIL] = "fail" };

	return names[r];
}

__attribute__((format(printf, 4, 5))) static void
decide(struct arc_verify *v, enum arc_result result, size_t set, const char *format, ...)
{
	char sentence[ERROR_TEXT_MAX];
	struct error clean;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	(void)error_set(&clean, ERR_POLICY, "%s", sentence);
	memcpy(v->verdict.reason, clean.text, sizeof(v->verdict.reason));
	v->verdict.result = result;
	v->verdict.failed = set;
	v->decided = true;
}

/* ---- what the fields say ---- */

static int
take_seals(struct arc_verify *v, struct error *e)
{
	size_t count = v->fields.count;

	for (size_t i = count; i > 0 && !v->decided; i--) {
		struct arc_signed *s = &v->sets[i - 1];
		struct error fault = { 0 };
		int rc = arc_signed_seal(s, &fault);

		if (rc == ERR_NOMEM)
			return error_nomem(e);
		if (rc != 0)
			decide(v, ARC_FAIL, i, "Seal %zu of the chain is not understood: %s", i, fault.text);
		else if (s->told.chain != (i == 1 ? ARC_NONE : ARC_PASS))
			decide(v, ARC_FAIL, i, "Seal %zu of the chain says cv=%s.", i, arc_result_name(s->told.chain));
	}
	return 0;
}

/* ERR_NOMEM, ERR_CRYPTO. */
static int
want_body(struct arc_verify *v, const struct dkim_parsed *p, struct error *fault, struct error *e)
{
	struct dkim_body **body = &v->bodies[p->body_canon];
	int rc = *body == NULL ? dkim_body_new(p->body_canon, body, e) : 0;

	if (rc == 0 && p->length != DKIM_BODY_WHOLE)
		rc = dkim_body_mark(*body, p->length, e);
	if (rc != ERR_LIMIT)
		return rc;
	(void)error_set(fault, ERR_LIMIT, "too many signatures are of a part of the body only");
	return 0;
}

static int
take_messages(struct arc_verify *v, struct error *e)
{
	int rc = 0;

	for (size_t i = v->fields.count; i > 0 && rc == 0 && !v->decided; i--) {
		struct arc_signed *s = &v->sets[i - 1];

		arc_signed_message(s, &v->header, v->config.now);
		if (s->message_fault.code == ERR_NOMEM)
			return error_nomem(e);
		rc = s->message_fault.code == 0 ? want_body(v, &s->message, &s->message_fault, e) : 0;
		if (rc == 0 && i == v->fields.count && s->message_fault.code != 0)
			decide(v, ARC_FAIL, i, "The newest message signature of the chain (%zu) does not hold: %s", i,
			    s->message_fault.text);
	}
	return rc;
}

/* ---- the machine ---- */

static void
put_sets(struct arc_verify *v)
{
	for (size_t i = 0; i < v->fields.count; i++) {
		const struct arc_fields_set *set = v->sets[i].fields;

		(void)dkim_canon_field(DKIM_RELAXED, set->results->whole, &v->octets);
		(void)dkim_canon_field(DKIM_RELAXED, set->message->whole, &v->octets);
		v->ends[i] = v->octets.len;
		(void)dkim_canon_field(DKIM_RELAXED, set->seal->whole, &v->octets);
	}
	if (v->octets.err != 0)
		decide(v, ARC_FAIL, 0, "The chain is too large to be looked at.");
}

static int
take_sets(struct arc_verify *v, struct error *e)
{
	size_t count = v->fields.count;
	int rc;

	v->sets = arena_array(&v->arena, count, sizeof(*v->sets));
	v->ends = arena_array(&v->arena, count, sizeof(*v->ends));
	if (v->sets == NULL || v->ends == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < count; i++) {
		v->sets[i].fields = &v->fields.sets[i];
		v->sets[i].told.results = v->fields.sets[i].results->value;
	}
	v->verdict.count = v->at = count;
	rc = take_seals(v, e);
	if (rc == 0 && !v->decided)
		rc = take_messages(v, e);
	if (rc == 0 && !v->decided)
		put_sets(v);
	return rc;
}

static int
take_header(struct arc_verify *v, struct slice header, struct error *e)
{
	struct error broken = { 0 }, fault = { 0 };
	struct slice block = slice_sub(header, 0, HEADER_COPIED);
	int rc;

	if (!v->config.borrowed)
		block = arena_copy(&v->arena, block);
	rc = v->arena.err != 0 ? ERR_NOMEM : dkim_header_parse(block, &v->arena, &v->header, &broken);
	if (rc == ERR_NOMEM)
		return error_nomem(e);
	(void)arc_fields_collect(&v->header.mime, &v->fields, &fault);
	v->verdict.may_be_sealed =
	    broken.code == 0 && !v->fields.said_fail && v->fields.highest < MAILAUTH_ARC_SETS_MAX;
	if (!v->fields.any)
		decide(v, ARC_NONE, 0, "There is no chain.");
	else if (broken.code != 0)
		decide(v, ARC_FAIL, 0, "%s", broken.text);
	else if (v->fields.said_fail)
		decide(v, ARC_FAIL, v->fields.highest, "The newest seal says that the chain was broken before.");
	else if (fault.code != 0)
		decide(v, ARC_FAIL, 0, "%s", fault.text);
	else
		return take_sets(v, e);
	return 0;
}

int
arc_verify_new(const struct arc_verify_config *config, struct slice header, struct arc_verify **out, struct error *e)
{
	struct arc_verify *v = mem_alloc(sizeof(*v));
	int rc;

	if (v == NULL)
		return error_nomem(e);
	v->config = *config;
	arena_init(&v->arena, ARENA_BUDGET);
	buf_init(&v->octets, MAILAUTH_DKIM_SIGNED_MAX);
	buf_init(&v->name, 4 * MAILAUTH_NAME_MAX);
	rc = take_header(v, header, e);
	if (rc != 0)
		arc_verify_free(v);
	else
		*out = v;
	return rc;
}

void
arc_verify_body(struct arc_verify *v, struct slice piece)
{
	for (size_t i = 0; i < 2; i++)
		if (v->bodies[i] != NULL)
			dkim_body_put(v->bodies[i], piece);
}

void
arc_verify_free(struct arc_verify *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; v->sets != NULL && i < v->fields.count; i++)
		arc_signed_done(&v->sets[i]);
	dkim_body_free(v->bodies[DKIM_SIMPLE]);
	dkim_body_free(v->bodies[DKIM_RELAXED]);
	buf_done(&v->octets);
	buf_done(&v->name);
	arena_done(&v->arena);
	mem_free(v);
}

/* ---- the body ---- */

static void
check_body(const struct arc_verify *v, struct arc_signed *s)
{
	const struct dkim_body *body = v->bodies[s->message.body_canon];
	const uint8_t *hash = dkim_body_hash(body, s->message.length);

	if (hash == NULL || !compare_equal(slice_of(hash, DKIM_BODY_HASH_SIZE), buf_slice(&s->message.body_hash)))
		(void)error_set(&s->message_fault, ERR_SIGNATURE, "the body is another one");
	else if (s->message.length < dkim_body_length(body))
		(void)error_set(&s->message_fault, ERR_POLICY, "it covers only a part of the body");
}

static void
end_body(struct arc_verify *v)
{
	struct error fault = { 0 };
	struct arc_signed *newest;

	v->ended = true;
	for (size_t i = 0; i < 2; i++)
		if (v->bodies[i] != NULL && fault.code == 0)
			(void)dkim_body_end(v->bodies[i], &fault);
	if (v->decided)
		return;
	if (fault.code != 0) {
		decide(v, ARC_FAIL, 0, "%s", fault.text);
		return;
	}
	for (size_t i = 0; i < v->fields.count; i++)
		if (v->sets[i].message_fault.code == 0)
			check_body(v, &v->sets[i]);
	newest = &v->sets[v->fields.count - 1];
	if (newest->message_fault.code != 0)
		decide(v, ARC_FAIL, v->fields.count,
		    "The newest message signature of the chain (%zu) does not hold: %s", v->fields.count,
		    newest->message_fault.text);
}

/* ---- keys ---- */

/* Of U-labels as A-labels (RFC 8617 section 4.1.4). Empty: it is no name in DNS. */
static struct slice
write_name(struct arc_verify *v, struct slice selector, struct slice domain)
{
	buf_clear(&v->name);
	if (idn_to_ascii(selector, &v->name, NULL) != 0)
		return SLICE_EMPTY;
	(void)buf_put_str(&v->name, "._domainkey.");
	if (idn_to_ascii(domain, &v->name, NULL) != 0 || !mailauth_name_can_be(buf_slice(&v->name)))
		return SLICE_EMPTY;
	return buf_slice(&v->name);
}

static const struct known *
known_of(const struct arc_verify *v, struct slice name)
{
	const struct known *k = v->known;

	while (k != NULL && !slice_ieq(k->name, name))
		k = k->next;
	return k;
}

void
arc_verify_answer(struct arc_verify *v, const struct mailauth_answer *answer)
{
	struct known *k = arena_alloc(&v->arena, sizeof(*k));

	if (k == NULL) {
		decide(v, ARC_FAIL, 0, "There is no memory for the keys of the chain.");
		return;
	}
	*k = (struct known){
		.next = v->known, .name = arena_copy(&v->arena, buf_slice(&v->name)), .found = answer->found
	};
	for (size_t i = 0;
	     answer->found == MAILAUTH_FOUND && i < size_min(answer->record_count, MAILAUTH_DKIM_KEYS_MAX); i++)
		if (answer->records[i].len <= MAILAUTH_TAG_LIST_MAX)
			k->records[k->count++] = arena_copy(&v->arena, answer->records[i]);
	v->known = k;
	if (v->arena.err != 0)
		decide(v, ARC_FAIL, 0, "There is no memory for the keys of the chain.");
}

static int
try_key(struct slice record, enum dkim_algorithm a, struct slice octets, struct slice signature, struct error *e)
{
	struct dkim_key key;
	int rc = dkim_key_parse(record, &key, e);

	if (rc == 0 && (key.revoked || !key.email || !key.sha256))
		rc = error_set(e, ERR_POLICY, "its key is revoked, or not for this use");
	if (rc == 0)
		rc = dkim_key_verify(&key, a, octets, signature, e);
	dkim_key_done(&key);
	return rc;
}

static int
try_keys(const struct known *k, enum dkim_algorithm a, struct slice octets, struct slice signature, struct error *e)
{
	struct error fault = { 0 };
	int rc = ERR_NO_KEY;

	for (size_t i = 0; i < k->count && rc != 0; i++)
		rc = try_key(k->records[i], a, octets, signature, &fault);
	if (rc != 0)
		(void)error_set(e, rc, "%s",
		    k->count > 0                      ? fault.text
			: k->found == MAILAUTH_FAILED ? "DNS did not say what its key is"
						      : "there is no key of its name in DNS");
	return rc;
}

/* ---- one step ---- */

static void
put_message(const struct arc_verify *v, const struct arc_signed *s, struct buf *out)
{
	struct slice rest = s->message.names, name;
	const struct mime_field *field;
	struct dkim_choice choice;
	size_t own = (size_t)(s->fields->message - v->header.mime.fields);

	dkim_choice_init(&choice, &v->header);
	choice.taken[own / 8] |= (uint8_t)(1u << own % 8); /* a signature never signs itself as one of h= */
	while (mailauth_tags_item(&rest, ':', &name))
		if ((field = dkim_choice_take(&choice, name)) != NULL)
			(void)dkim_canon_field(s->message.header_canon, field->whole, out);
	(void)dkim_canon_signature(s->message.header_canon, s->fields->message->whole, out);
}

static int
check_message_signature(const struct arc_verify *v, struct arc_signed *s, const struct known *k, struct error *e)
{
	BUF_OWNED struct buf octets = { .max = MAILAUTH_DKIM_SIGNED_MAX };

	put_message(v, s, &octets);
	if (octets.err != 0)
		return error_set(e, octets.err, "what it covers is too large");
	return try_keys(k, s->message.algorithm, buf_slice(&octets), buf_slice(&s->message.signature), e);
}

static void
step_message(struct arc_verify *v, const struct known *k)
{
	struct arc_signed *s = &v->sets[v->at - 1];
	struct error fault = { 0 };

	if (check_message_signature(v, s, k, &fault) == 0) {
		s->told.message_holds = true;
		v->stage = SEALS;
		return;
	}
	v->verdict.temporary = k->found == MAILAUTH_FAILED;
	decide(
	    v, ARC_FAIL, v->at, "The newest message signature of the chain (%zu) does not hold: %s", v->at, fault.text);
}

/* From the newest to the oldest, so that what is signed only becomes shorter. */
static void
step_seal(struct arc_verify *v, const struct known *k)
{
	struct arc_signed *s = &v->sets[v->at - 1];
	struct error fault = { 0 };

	buf_truncate(&v->octets, v->ends[v->at - 1]);
	(void)dkim_canon_signature(DKIM_RELAXED, s->fields->seal->whole, &v->octets);
	if (v->octets.err != 0)
		(void)error_set(&fault, v->octets.err, "what it covers is too large");
	else
		(void)try_keys(k, s->seal_algorithm, buf_slice(&v->octets), buf_slice(&s->seal_signature), &fault);
	if (fault.code != 0) {
		v->verdict.temporary = k->found == MAILAUTH_FAILED;
		decide(v, ARC_FAIL, v->at, "Seal %zu of the chain does not hold: %s", v->at, fault.text);
	} else if (--v->at == 0) {
		v->stage = OLDER;
		v->at = v->fields.count - 1;
	}
}

static void
step_older(struct arc_verify *v, const struct known *k)
{
	struct arc_signed *s = &v->sets[v->at - 1];

	if (k != NULL && s->message_fault.code == 0 && check_message_signature(v, s, k, &s->message_fault) == 0) {
		s->told.message_holds = true;
		v->at--;
		return;
	}
	v->verdict.oldest_pass = v->at + 1;
	decide(v, ARC_PASS, 0, "The chain of %zu holds; the message was changed before %.*s had it (set %zu).",
	    v->fields.count, (int)v->sets[v->at].told.seal_domain.len,
	    (const char *)v->sets[v->at].told.seal_domain.data, v->at + 1);
}

static void
step(struct arc_verify *v, const struct known *k)
{
	switch (v->stage) {
	case MESSAGE:
		step_message(v, k);
		break;
	case SEALS:
		step_seal(v, k);
		break;
	case OLDER:
		step_older(v, k);
		break;
	}
}

enum arc_verify_what
arc_verify_next(struct arc_verify *v, struct mailauth_question *question_out)
{
	if (!v->ended)
		end_body(v);
	while (!v->decided) {
		static const struct known nowhere = { .found = MAILAUTH_NO_NAME };
		const struct arc_signed *s;
		const struct known *k;
		struct slice name;

		if (v->at == 0) {
			decide(v, ARC_PASS, 0, "The chain of %zu holds.", v->fields.count);
			break;
		}
		s = &v->sets[v->at - 1];
		name = v->stage == SEALS ? write_name(v, s->told.seal_selector, s->told.seal_domain)
					 : write_name(v, s->message.selector, s->message.domain);
		k = name.len == 0 || (v->stage == OLDER && s->message_fault.code != 0) ? &nowhere : known_of(v, name);
		if (k == NULL) {
			*question_out = (struct mailauth_question){ .type = MAILAUTH_TXT, .name = name };
			return ARC_VERIFY_LOOKUP;
		}
		step(v, k);
	}
	return ARC_VERIFY_DONE;
}

/* ---- results ---- */

const struct arc_verdict *
arc_verify_verdict(const struct arc_verify *v)
{
	return &v->verdict;
}

const struct arc_set *
arc_verify_set(const struct arc_verify *v, size_t instance)
{
	return instance > 0 && instance <= v->verdict.count ? &v->sets[instance - 1].told : NULL;
}
