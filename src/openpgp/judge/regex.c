/* SPDX-License-Identifier: ISC */
/* A regular expression becomes a program of small steps; matching follows all of its threads at once. */
#include "openpgp/judge/regex.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "openpgp/limits.h"

enum op { OP_POINT, OP_ANY, OP_RANGE, OP_BEGIN, OP_END, OP_SPLIT, OP_JUMP, OP_MATCH };

struct step {
	uint8_t op;
	bool negated;    /* ranges */
	uint32_t first;  /* code point; ranges: index of the first pair; jumps: the target */
	uint32_t second; /* ranges: how many pairs; splits: the other target */
};

struct pair {
	uint32_t low, high;
};

struct pgp_regex {
	struct step *steps;
	size_t step_count, step_room;
	struct pair *pairs;
	size_t pair_count, pair_room;
};

/* What is not UTF-8 stands for a code point that no expression can name. */
#define MALFORMED 0x110000u

struct parse {
	struct slice in;
	size_t at;
	unsigned depth;
	struct pgp_regex *r;
	int rc;
	struct error *e;
};

static void
fail(struct parse *p, const char *what)
{
	if (p->rc == 0)
		p->rc = error_set_at(p->e, ERR_SYNTAX, p->at, "regular expression: %s", what);
}

static bool
more(const struct parse *p)
{
	return p->rc == 0 && p->at < p->in.len;
}

static bool
next_is(const struct parse *p, char c)
{
	return more(p) && p->in.data[p->at] == (uint8_t)c;
}

static uint32_t
take_point(struct parse *p)
{
	uint32_t point = 0;
	size_t n = utf8_decode(slice_from(p->in, p->at), &point);

	if (n == 0) {
		fail(p, p->at < p->in.len ? "it is not UTF-8" : "it ends too early");
		return 0;
	}
	p->at += n;
	return point;
}

/* One more element of an array; NULL without memory. */
static void *
grow(void **items, size_t *count, size_t *room, size_t size)
{
	if (*count == *room) {
		size_t wanted = *room == 0 ? 16 : *room * 2;
		void *grown = mem_realloc(*items, wanted * size);

		if (grown == NULL)
			return NULL;
		*items = grown;
		*room = wanted;
	}
	return (uint8_t *)*items + (*count)++ * size;
}

static size_t
emit(struct parse *p, struct step s)
{
	void *items = p->r->steps;
	struct step *at = p->rc != 0 ? NULL : grow(&items, &p->r->step_count, &p->r->step_room, sizeof s);

	p->r->steps = items;
	if (at == NULL) {
		if (p->rc == 0)
			p->rc = error_nomem(p->e);
		return 0;
	}
	*at = s;
	return p->r->step_count - 1;
}

/* Makes room for a step in front of those from at; jumps behind it move along. */
static void
insert(struct parse *p, size_t at, struct step s)
{
	struct pgp_regex *r = p->r;

	(void)emit(p, s);
	if (p->rc != 0)
		return;
	memmove(&r->steps[at + 1], &r->steps[at], (r->step_count - 1 - at) * sizeof s);
	r->steps[at] = s;
	for (size_t i = at + 1; i < r->step_count; i++) {
		struct step *moved = &r->steps[i];

		if ((moved->op == OP_SPLIT || moved->op == OP_JUMP) && moved->first >= at)
			moved->first++;
		if (moved->op == OP_SPLIT && moved->second >= at)
			moved->second++;
	}
}

static void
put_pair(struct parse *p, uint32_t low, uint32_t high)
{
	void *items = p->r->pairs;
	struct pair *at = grow(&items, &p->r->pair_count, &p->r->pair_room, sizeof *at);

	p->r->pairs = items;
	if (at != NULL)
		*at = (struct pair){ low, high };
	else if (p->rc == 0)
		p->rc = error_nomem(p->e);
}

/* Behind the [. A ] that is the first of the sequence means itself, and so does a - at either end. */
static void
parse_range(struct parse *p)
{
	struct step s = { .op = OP_RANGE, .negated = next_is(p, '^'), .first = (uint32_t)p->r->pair_count };
	size_t begin = p->at += s.negated ? 1 : 0;

	while (p->rc == 0 && (!next_is(p, ']') || p->at == begin)) {
		uint32_t low = take_point(p), high = low;

		if (next_is(p, '-') && p->at + 1 < p->in.len && p->in.data[p->at + 1] != ']') {
			p->at++;
			high = take_point(p);
		}
		if (high < low)
			fail(p, "a range runs backwards");
		put_pair(p, low, high);
	}
	p->at++;
	s.second = (uint32_t)p->r->pair_count - s.first;
	(void)emit(p, s);
}

static void parse_branches(struct parse *p);

static void
parse_group(struct parse *p)
{
	if (++p->depth > PGP_REGEX_NESTING_MAX) {
		p->rc = error_set(p->e, ERR_LIMIT, "regular expression: too many parentheses in each other");
		return;
	}
	parse_branches(p);
	p->depth--;
	if (next_is(p, ')'))
		p->at++;
	else
		fail(p, "a parenthesis is not closed");
}

static void
parse_atom(struct parse *p)
{
	uint32_t point = take_point(p);

	if (point == '(')
		parse_group(p);
	else if (point == '[')
		parse_range(p);
	else if (point == '.')
		(void)emit(p, (struct step){ .op = OP_ANY });
	else if (point == '^')
		(void)emit(p, (struct step){ .op = OP_BEGIN });
	else if (point == '$')
		(void)emit(p, (struct step){ .op = OP_END });
	else if (point == '*' || point == '+' || point == '?')
		fail(p, "nothing stands before a * + or ?");
	else
		(void)emit(p, (struct step){ .op = OP_POINT, .first = point == '\\' ? take_point(p) : point });
}

static void
parse_piece(struct parse *p)
{
	size_t atom = p->r->step_count;
	size_t behind;

	parse_atom(p);
	behind = p->r->step_count;
	if (next_is(p, '*')) {
		insert(p, atom,
		    (struct step){ .op = OP_SPLIT, .first = (uint32_t)atom + 1, .second = (uint32_t)behind + 2 });
		(void)emit(p, (struct step){ .op = OP_JUMP, .first = (uint32_t)atom });
	} else if (next_is(p, '+')) {
		(void)emit(p, (struct step){ .op = OP_SPLIT, .first = (uint32_t)atom, .second = (uint32_t)behind + 1 });
	} else if (next_is(p, '?')) {
		insert(p, atom,
		    (struct step){ .op = OP_SPLIT, .first = (uint32_t)atom + 1, .second = (uint32_t)behind + 1 });
	} else
		return;
	p->at++;
}

/* a|b: split to a or behind it; a ends with a jump over b, which is filled in when b is known. */
static void
parse_branches(struct parse *p)
{
	size_t begin = p->r->step_count;

	while (more(p) && !next_is(p, '|') && !next_is(p, ')'))
		parse_piece(p);
	if (next_is(p, '|')) {
		size_t jump;

		p->at++;
		insert(p, begin,
		    (struct step){
			.op = OP_SPLIT, .first = (uint32_t)begin + 1, .second = (uint32_t)p->r->step_count + 2 });
		jump = emit(p, (struct step){ .op = OP_JUMP });
		/* As deep as there are branches, which PGP_REGEX_NESTING_MAX bounds too. */
		if (++p->depth > PGP_REGEX_NESTING_MAX) {
			p->rc = error_set(p->e, ERR_LIMIT, "regular expression: too many branches");
			return;
		}
		parse_branches(p);
		p->depth--;
		if (p->rc == 0)
			p->r->steps[jump].first = (uint32_t)p->r->step_count;
	}
}

int
pgp_regex_compile(struct slice pattern, struct pgp_regex **out, struct error *e)
{
	struct parse p = { .in = pattern, .e = e };

	if (pattern.len > PGP_REGEX_MAX)
		return error_set(e, ERR_LIMIT, "a regular expression of %zu octets", pattern.len);
	p.r = mem_alloc(sizeof *p.r);
	if (p.r == NULL)
		return error_nomem(e);
	parse_branches(&p);
	if (p.rc == 0 && p.at < pattern.len)
		fail(&p, "a parenthesis is closed that was not opened");
	(void)emit(&p, (struct step){ .op = OP_MATCH });
	if (p.rc != 0) {
		pgp_regex_free(p.r);
		return p.rc;
	}
	*out = p.r;
	return 0;
}

void
pgp_regex_free(struct pgp_regex *r)
{
	if (r == NULL)
		return;
	mem_free(r->steps);
	mem_free(r->pairs);
	mem_free(r);
}

/* ---- matching ---- */

/* Threads at one place of the text: each step at most once. seen[i] == mark: it is there. */
struct threads {
	uint32_t *list;
	size_t count;
};

struct run {
	const struct pgp_regex *r;
	uint32_t *seen, *stack;
	uint32_t mark;
	bool at_begin, at_end;
	bool matched;
};

static void
push(struct run *run, size_t *depth, uint32_t step)
{
	if (run->seen[step] == run->mark)
		return;
	run->seen[step] = run->mark;
	run->stack[(*depth)++] = step;
}

/* Follows everything that takes no character. */
static void
follow(struct run *run, struct threads *t, uint32_t from)
{
	size_t depth = 0;

	push(run, &depth, from);
	while (depth > 0) {
		uint32_t i = run->stack[--depth];
		const struct step *s = &run->r->steps[i];

		if (s->op == OP_JUMP || s->op == OP_SPLIT)
			push(run, &depth, s->first);
		if (s->op == OP_SPLIT)
			push(run, &depth, s->second);
		if ((s->op == OP_BEGIN && run->at_begin) || (s->op == OP_END && run->at_end))
			push(run, &depth, i + 1);
		if (s->op == OP_POINT || s->op == OP_ANY || s->op == OP_RANGE)
			t->list[t->count++] = i;
		run->matched |= s->op == OP_MATCH;
	}
}

static bool
in_range(const struct pgp_regex *r, const struct step *s, uint32_t point)
{
	for (size_t i = 0; i < s->second; i++)
		if (point >= r->pairs[s->first + i].low && point <= r->pairs[s->first + i].high)
			return !s->negated;
	return s->negated;
}

static bool
takes(const struct pgp_regex *r, const struct step *s, uint32_t point)
{
	return s->op == OP_ANY || (s->op == OP_POINT && s->first == point) ||
	    (s->op == OP_RANGE && in_range(r, s, point));
}

static void
run_text(struct run *run, struct slice text, struct threads *now, struct threads *next)
{
	size_t at = 0;

	for (;;) {
		uint32_t point = MALFORMED;
		size_t n = utf8_decode(slice_from(text, at), &point);

		run->at_begin = at == 0;
		run->at_end = at == text.len;
		/* A match may begin anywhere. What came here on its way was followed already. */
		follow(run, now, 0);
		if (run->matched || run->at_end)
			return;
		at += n == 0 ? 1 : n;
		run->mark++;
		run->at_begin = false;
		run->at_end = at == text.len;
		next->count = 0;
		for (size_t i = 0; i < now->count; i++)
			if (takes(run->r, &run->r->steps[now->list[i]], point))
				follow(run, next, now->list[i] + 1);
		now->count = next->count;
		memcpy(now->list, next->list, next->count * sizeof *now->list);
	}
}

int
pgp_regex_match(const struct pgp_regex *r, struct slice text, bool *out, struct error *e)
{
	MEM_OWNED uint32_t *memory = NULL;
	struct threads now = { 0 }, next = { 0 };
	struct run run = { .r = r, .mark = 1 };

	if (text.len > PGP_REGEX_TEXT_MAX)
		return error_set(e, ERR_LIMIT, "a text of %zu octets for a regular expression", text.len);
	memory = mem_array(4 * r->step_count, sizeof *memory);
	if (memory == NULL)
		return error_nomem(e);
	run.seen = memory;
	run.stack = memory + r->step_count;
	now.list = memory + 2 * r->step_count;
	next.list = memory + 3 * r->step_count;
	run_text(&run, text, &now, &next);
	*out = run.matched;
	return 0;
}
