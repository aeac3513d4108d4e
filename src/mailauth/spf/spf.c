/* SPDX-License-Identifier: ISC */
#include "mailauth/spf/spf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/idn.h"
#include "base/mem.h"
#include "base/printable.h"
#include "mailauth/name.h"
#include "mailauth/spf/address.h"
#include "mailauth/spf/machine.h"

#define ARENA_BUDGET (32u << 10) /* octets for what is passed in: four texts of MAILAUTH_SPF_SENDER_MAX at most */
#define SENTENCE_MAX (ERROR_TEXT_MAX - 1u)

void
spf_question(struct spf *s, enum state state, enum mailauth_rr type)
{
	s->state = state;
	s->ask = type;
}

/* Records are strangers' text: their words come into the sentence as a terminal may show them. */
static void
set_reason(struct spf *s, const char *sentence)
{
	BUF_OWNED struct buf text = { .max = SENTENCE_MAX };

	(void)printable_put(&text, slice_str(sentence), PRINTABLE_LINE, SENTENCE_MAX);
	memset(s->outcome.reason, 0, sizeof s->outcome.reason);
	if (text.len > 0)
		memcpy(s->outcome.reason, text.data, text.len);
}

void
spf_fail_with(struct spf *s, enum spf_result r, const char *format, ...)
{
	char sentence[2 * ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	s->outcome.result = r;
	set_reason(s, sentence);
	s->state = SPF_FINISHED;
}

void
spf_finish(struct spf *s, enum spf_result r)
{
	static const char *const says[SPF_RESULT_COUNT] = {
		[SPF_PASS] = "permits this server",
		[SPF_FAIL] = "does not permit this server",
		[SPF_SOFTFAIL] = "says that this server is probably not permitted",
		[SPF_NEUTRAL] = "says nothing about this server",
	};
	struct slice domain = s->outcome.record_domain, term = s->outcome.mechanism;

	spf_fail_with(s, r, "The SPF record of %.*s %s%s%.*s%s.", (int)domain.len, domain.data, says[r],
	    term.len > 0 ? " (" : "", (int)size_min(term.len, 80), term.len > 0 ? (const char *)term.data : "",
	    term.len > 0 ? ")" : "");
	if (r == SPF_FAIL && term.len > 0)
		s->state = SPF_EXPLAIN;
}

bool
spf_answer_has_client(const struct spf *s, const struct mailauth_answer *answer, unsigned int bits)
{
	if (answer->found != MAILAUTH_FOUND)
		return false;
	for (size_t i = 0; i < answer->record_count; i++)
		if (answer->records[i].len == s->ip_len && spf_address_within(spf_ip(s), answer->records[i].data, bits))
			return true;
	return false;
}

static bool
is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] > 0x7f)
			return false;
	return true;
}

/* In A-labels; what can be none stays as it came, and will be no name. */
static struct slice
take_domain(struct spf *s, struct slice domain)
{
	BUF_OWNED struct buf ascii = { .max = IDN_NAME_MAX };

	domain = mailauth_name_bare(domain);
	if (!is_ascii(domain) && idn_to_ascii(domain, &ascii, NULL) == 0)
		return arena_copy(&s->arena, buf_slice(&ascii));
	return arena_copy(&s->arena, domain);
}

static int
take_ip(struct spf *s, struct slice ip, struct error *e)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (ip.len != 4 && ip.len != 16)
		return error_set(e, ERR_USAGE, "An IP address has 4 or 16 octets.");
	if (ip.len == 16 && memcmp(ip.data, mapped, sizeof mapped) == 0)
		ip = slice_from(ip, sizeof mapped);
	memcpy(s->ip, ip.data, ip.len);
	s->ip_len = ip.len;
	return 0;
}

/* The identity: its local part and domain, and both together as macro s has them. */
static void
take_sender(struct spf *s, const struct spf_config *c)
{
	bool helo = c->identity == SPF_HELO || c->mail_from.len == 0;
	size_t at = helo ? SIZE_MAX : slice_find_last(c->mail_from, '@');
	struct slice local = at == SIZE_MAX ? SLICE_EMPTY : slice_sub(c->mail_from, 0, at);
	struct slice domain = helo ? c->helo : at == SIZE_MAX ? c->mail_from : slice_from(c->mail_from, at + 1);

	s->outcome.local = local.len > 0 ? arena_copy(&s->arena, local) : SLICE("postmaster");
	s->local_ascii = is_ascii(local);
	s->sender_domain = take_domain(s, domain);
	s->sender = arena_printf(&s->arena, "%.*s@%.*s", (int)s->outcome.local.len, s->outcome.local.data,
	    (int)s->sender_domain.len, s->sender_domain.data);
}

static int
take_config(struct spf *s, const struct spf_config *c, struct error *e)
{
	int rc = take_ip(s, c->ip, e);

	if (rc != 0)
		return rc;
	s->now = c->now;
	s->outcome.result = SPF_TEMPERROR;
	set_reason(s, "DNS did not answer in time.");
	if (c->helo.len > MAILAUTH_SPF_SENDER_MAX || c->mail_from.len > MAILAUTH_SPF_SENDER_MAX ||
	    c->receiver.len > MAILAUTH_SPF_SENDER_MAX) {
		spf_fail_with(s, SPF_NONE, "The sender's name is longer than one may be.");
		return 0;
	}
	s->helo = take_domain(s, c->helo);
	s->receiver = c->receiver.len == 0 ? SLICE("unknown") : arena_copy(&s->arena, c->receiver);
	take_sender(s, c);
	if (s->arena.err != 0)
		return error_nomem(e);
	if (!spf_name_valid(s->sender_domain, true)) {
		spf_fail_with(s, SPF_NONE, "The sender's domain is not a full name.");
		return 0;
	}
	s->outcome.domain = s->sender_domain;
	s->depth = 1;
	spf_name_set(&s->frames[0].domain, s->sender_domain);
	s->asked = s->frames[0].domain;
	spf_question(s, SPF_ASK_RECORD, MAILAUTH_TXT);
	return 0;
}

int
spf_new(const struct spf_config *config, struct spf **out, struct error *e)
{
	struct spf *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	arena_init(&s->arena, ARENA_BUDGET);
	for (size_t i = 0; i < FRAMES_MAX; i++)
		buf_init(&s->frames[i].text, MAILAUTH_SPF_RECORD_MAX);
	buf_init(&s->explanation_spec, MAILAUTH_SPF_EXPANDED_MAX);
	buf_init(&s->explanation, MAILAUTH_SPF_EXPANDED_MAX);
	if ((rc = take_config(s, config, e)) != 0) {
		spf_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

enum spf_what
spf_next(struct spf *s, struct mailauth_question *question_out)
{
	while (s->state < SPF_FINISHED) {
		if (s->state == SPF_STEP)
			spf_step(s);
		else if (s->state == SPF_EXPLAIN)
			spf_explain(s);
		else
			spf_explain_write(s);
	}
	if (s->state == SPF_FINISHED)
		return SPF_DONE;
	*question_out = (struct mailauth_question){ .type = s->ask, .name = name_slice(&s->asked) };
	return SPF_LOOKUP;
}

void
spf_answer(struct spf *s, const struct mailauth_answer *answer)
{
	switch (s->state) {
	case SPF_ASK_RECORD:
		spf_record_answer(s, answer);
		break;
	case SPF_ASK_ADDRESS:
	case SPF_ASK_EXISTS:
	case SPF_ASK_MX:
	case SPF_ASK_MX_ADDRESS:
		spf_term_answer(s, answer);
		break;
	case SPF_ASK_PTR:
	case SPF_ASK_PTR_ADDRESS:
		spf_ptr_answer(s, answer);
		break;
	case SPF_ASK_EXPLANATION:
		spf_explain_answer(s, answer);
		break;
	case SPF_STEP:
	case SPF_EXPLAIN:
	case SPF_WRITE_EXPLANATION:
	case SPF_FINISHED:
		break;
	}
}

const struct spf_outcome *
spf_outcome(const struct spf *s)
{
	return &s->outcome;
}

void
spf_free(struct spf *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < FRAMES_MAX; i++)
		buf_done(&s->frames[i].text);
	buf_done(&s->explanation_spec);
	buf_done(&s->explanation);
	arena_done(&s->arena);
	mem_free(s);
}
