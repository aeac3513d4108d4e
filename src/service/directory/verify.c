/* SPDX-License-Identifier: ISC */
/* Mail's end: one thread that makes tokens, writes letters and publishes. */
#include "service/directory/verify.h"

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/pool.h"
#include "service/ask.h"
#include "service/directory/operate.h"
#include "service/queue/queue.h"
#include "smtp/dsn.h"
#include "store/store.h"

#define WORK_BUDGET (16u << 20)
#define LETTER_OCTETS (128u << 10)

struct verifier {
	struct port_service service;
	struct port_handler handlers[4];
	struct port *store, *ask;
	struct queue *queue;
	struct pool *pool;
	struct buf hostname;
	uint16_t https;
};

const char *
verify_verdict_text(uint32_t verdict)
{
	switch ((enum verify_verdict)verdict) {
	case VERIFY_SENT:
		return "If somebody has this address, a letter is in the mailbox: it is encrypted to the certificate, "
		       "and good for "
		       "an hour.";
	case VERIFY_ELSEWHERE:
		return "The address is on another server, and letters are sent only to addresses of this one.";
	case VERIFY_NO_KEY:
		return "No letter can be encrypted to this certificate (it expired, was revoked, or has no key for "
		       "that): sign in "
		       "to upload it instead.";
	case VERIFY_PAUSE:
		break;
	}
	return "A letter was sent to this address less than an hour ago: look there, or come again later.";
}

/* ---- one piece of work on the thread ---- */

struct work {
	struct verifier *v;
	struct port_job *job; /* NULL: answered */
	struct arena arena;
};

static int
hash_token(struct slice token, uint8_t out[HASH_SIZE_MAX], struct error *e)
{
	if (token.len != VERIFY_TOKEN_DIGITS)
		return error_set(e, ERR_NOT_FOUND, "This link was used, or its hour is over: ask for another one.");
	return hash_once(HASH_SHA256, token, out, e);
}

static void
answer_error(struct work *w, const struct error *e)
{
	if (w->job != NULL)
		port_fail(w->job, e);
	w->job = NULL;
}

static void
answer_verdict(struct work *w, uint32_t verdict)
{
	if (w->job != NULL)
		port_reply(w->job, &(struct verify_answer){ .verdict = verdict });
	w->job = NULL;
}

/* ---- the letter ---- */

struct sending {
	struct work *w;
	struct slice fingerprint, address, certificate;
	uint32_t kind;
	bool elsewhere;
	uint8_t token[VERIFY_TOKEN_DIGITS];
};

static int
make_token(struct sending *s, uint32_t pause, struct error *e)
{
	uint8_t octets[VERIFY_TOKEN_DIGITS / 2], hash[HASH_SIZE_MAX] = { 0 };
	struct store_token_put put = { .kind = s->kind,
		.fingerprint = s->fingerprint,
		.address = s->address,
		.lifetime = VERIFY_TOKEN_S,
		.pause = pause };
	struct store_nothing none;
	int rc = random_bytes(octets, sizeof octets, e);

	for (size_t i = 0; i < sizeof octets && rc == 0; i++) {
		s->token[2 * i] = (uint8_t) "0123456789abcdef"[octets[i] >> 4];
		s->token[2 * i + 1] = (uint8_t) "0123456789abcdef"[octets[i] & 15];
	}
	if (rc == 0)
		rc = hash_token(slice_of(s->token, sizeof s->token), hash, e);
	put.token = slice_of(hash, STORE_TOKEN_SIZE);
	return rc == 0 ? store_token_put(s->w->v->store, &put, &s->w->arena, &none, e) : rc;
}

/* Whose inbox it goes into: one account's. An address of many, or of nobody, gets none. */
static int
find_reader(struct sending *s, uint64_t *account_out, struct error *e)
{
	const struct ask_recipient question = { .address = s->address };
	struct ask_answer answer = { 0 };
	int rc = ask_recipient(s->w->v->ask, &question, &s->w->arena, &answer, e);

	if (rc == 0 && (answer.verdict != ASK_OK || answer.account_count != 1))
		rc = error_set(e, ERR_NOT_FOUND, "nobody has this address alone");
	if (rc == 0)
		*account_out = answer.accounts[0];
	return rc;
}

static uint32_t
header_size(struct slice letter)
{
	for (size_t i = 0; i + 4 <= letter.len; i++)
		if (slice_eq_str(slice_sub(letter, i, 4), "\r\n\r\n"))
			return (uint32_t)(i + 4);
	return (uint32_t)letter.len;
}

static void
sent_on(void *ctx, const struct queue_kept *kept, const struct error *e)
{
	(void)ctx;
	if (kept == NULL)
		log_event(LOG_LEVEL_WARNING, "directory.letter", log_error(e));
}

/* Nobody is told when it does not arrive: who asked may ask again. */
static int
send_on(struct sending *s, const struct store_content *content, struct error *e)
{
	const struct queue_put_recipient to = { .address = s->address, .notify = SMTP_NOTIFY_NEVER };
	const struct queue_letter letter = { .content = *content,
		.skip = VERIFY_LETTER_SKIP,
		.own = true,
		.lifetime_s = VERIFY_TOKEN_S,
		.recipients = &to,
		.recipient_count = 1 };

	return queue_put(s->w->v->queue, &letter, sent_on, NULL, e);
}

static int
deliver(struct sending *s, struct error *e)
{
	struct verifier *v = s->w->v;
	struct buf letter BUF_OWNED = { 0 };
	struct verify_letter in = { .certificate = s->certificate,
		.fingerprint = s->fingerprint,
		.address = s->address,
		.token = slice_of(s->token, sizeof s->token),
		.hostname = buf_slice(&v->hostname),
		.kind = s->kind,
		.https = v->https,
		.now = clock_unix() };
	struct ask_keep keep = { .account_count = 1 };
	struct ask_kept kept;
	uint64_t account = 0;
	int rc;

	buf_init(&letter, LETTER_OCTETS);
	rc = random_bytes(in.random, sizeof in.random, e);
	if (rc == 0 && !s->elsewhere)
		rc = find_reader(s, &account, e);
	if (rc == 0)
		rc = verify_letter_write(&in, &letter, e);
	if (rc != 0)
		return rc;
	keep.accounts = &account;
	keep.content.data = buf_slice(&letter);
	keep.content.header_size = header_size(keep.content.data);
	if (s->elsewhere)
		return send_on(s, &keep.content, e);
	return ask_keep(v->ask, &keep, &s->w->arena, &kept, e);
}

/* After the answer: nobody waits for it. */
static void
deliver_quietly(struct sending *s)
{
	struct error e;
	int rc = deliver(s, &e);

	if (rc != 0 && rc != ERR_NOT_FOUND)
		log_event(LOG_LEVEL_WARNING, "directory.letter", log_error(&e));
}

/* ---- request ---- */

/*
 * Managed is what is published: nobody can publish what another's address is in, so who has such keys sent here, or tries
 * whether an address is in one, gets no letters that way.
 */
static bool
has_address(const struct store_certificate *c, const struct verify_request *in)
{
	for (size_t i = 0; i < c->user_count; i++)
		if (c->users[i].address.len > 0 && slice_ieq(c->users[i].address, in->address) &&
		    (in->kind != STORE_TOKEN_MANAGE || c->users[i].state == STORE_USER_PUBLISHED))
			return true;
	return false;
}

static int
find_certificates(struct work *w, const struct verify_request *in, struct store_certificates *found, struct error *e)
{
	struct store_certificate_find by = { .by = STORE_BY_NAME, .value = in->fingerprint, .held = true, .limit = 64 };
	int rc;

	if (in->fingerprint.len == 0) {
		by.by = STORE_BY_ADDRESS;
		by.value = in->address;
	}
	rc = store_certificate_find(w->v->store, &by, &w->arena, found, e);
	if (rc == 0 && in->fingerprint.len > 0 && found->certificate_count == 0)
		rc = error_set(e, ERR_NOT_FOUND, "No certificate here has that fingerprint.");
	return rc;
}

/* Those that can be encrypted to come first, the newest of them first of all; how many. */
static size_t
choose(struct store_certificates *found, uint64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < found->certificate_count; i++) {
		struct store_certificate c = found->certificates[i];
		size_t at = n;

		if (verify_letter_possible(c.data, now, NULL) != 0)
			continue;
		for (; at > 0 && found->certificates[at - 1].modified < c.modified; at--)
			found->certificates[at] = found->certificates[at - 1];
		found->certificates[at] = c;
		n++;
	}
	return n < VERIFY_LETTERS_MAX ? n : VERIFY_LETTERS_MAX;
}

static void
send_all(struct work *w, const struct verify_request *in, const struct store_certificates *found, size_t count,
    bool elsewhere)
{
	struct sending s[VERIFY_LETTERS_MAX] = { 0 };
	struct error e;
	int rc = 0;

	/* Without any, a token that nobody gets: the next request hears the same as for an address that somebody has. */
	for (size_t i = 0; rc == 0 && i < (count > 0 ? count : 1); i++) {
		s[i] = (struct sending){ .w = w, .address = in->address, .kind = in->kind, .elsewhere = elsewhere };
		if (count > 0) {
			s[i].fingerprint = found->certificates[i].fingerprint;
			s[i].certificate = found->certificates[i].data;
		}
		rc = make_token(&s[i], i == 0 ? VERIFY_PAUSE_S : 0, &e);
	}
	if (rc == ERR_LIMIT)
		answer_verdict(w, VERIFY_PAUSE);
	else if (rc != 0)
		answer_error(w, &e);
	else
		answer_verdict(w, VERIFY_SENT);
	for (size_t i = 0; rc == 0 && i < count; i++)
		deliver_quietly(&s[i]);
}

static void
work_request(struct work *w, const struct verify_request *in)
{
	struct store_address_find find = { .address = in->address };
	struct store_address_found address = { 0 };
	struct store_certificates found = { 0 };
	struct error e;
	size_t count;
	int rc = store_address_find(w->v->store, &find, &w->arena, &address, &e);

	if (rc == 0 && !address.domain_known && w->v->queue == NULL) {
		answer_verdict(w, VERIFY_ELSEWHERE);
		return;
	}
	if (rc == 0 && in->kind != STORE_TOKEN_PUT && in->fingerprint.len == 0)
		rc = error_set(&e, ERR_USAGE, "a fingerprint is needed");
	if (rc == 0)
		rc = find_certificates(w, in, &found, &e);
	if (rc != 0) {
		answer_error(w, &e);
		return;
	}
	count = choose(&found, clock_unix());
	if (count == 0 && in->fingerprint.len > 0)
		answer_verdict(w, VERIFY_NO_KEY);
	else /* Whether an address is in a certificate that does not show it is nobody's to find out. */
		send_all(w, in, &found, in->fingerprint.len == 0 || has_address(&found.certificates[0], in) ? count : 0,
		    !address.domain_known);
}

/* ---- look, confirm, unpublish ---- */

static int
take(struct work *w, const struct verify_token *in, bool look, struct store_token *out, struct error *e)
{
	uint8_t hash[HASH_SIZE_MAX] = { 0 };
	struct store_token_take question = { .token = slice_of(hash, STORE_TOKEN_SIZE), .kind = in->kind };
	int rc = hash_token(in->token, hash, e);

	if (rc != 0)
		return rc;
	return look ? store_token_look(w->v->store, &question, &w->arena, out, e)
		    : store_token_take(w->v->store, &question, &w->arena, out, e);
}

static int
unpublish(struct work *w, const struct verify_token *in, const struct store_token *token, struct error *e)
{
	struct store_certificate_publish one = { .fingerprint = token->fingerprint };
	struct store_certificate_kept kept;
	int rc = in->address_count == 0 ? directory_operate_publish(w->v->store, &one, &kept, e) : 0;

	for (size_t i = 0; i < in->address_count && rc == 0; i++) {
		one.address = in->addresses[i];
		/* An empty one would be all. */
		rc = one.address.len > 0 ? directory_operate_publish(w->v->store, &one, &kept, e) : 0;
	}
	return rc;
}

static void
work_token(struct work *w, const struct verify_token *in, uint16_t method)
{
	struct store_token token;
	struct store_certificate_publish publish;
	struct store_certificate_kept kept;
	struct error e;
	int rc = take(w, in, method == VERIFY_METHOD_look, &token, &e);

	if (rc == 0 && method == VERIFY_METHOD_unpublish)
		rc = in->kind == STORE_TOKEN_MANAGE ? unpublish(w, in, &token, &e)
						    : error_set(&e, ERR_USAGE, "that token does not unpublish");
	if (rc == 0 && method == VERIFY_METHOD_confirm) {
		publish = (struct store_certificate_publish){ token.fingerprint, token.address, STORE_HOW_MAIL, 0 };
		rc = in->kind != STORE_TOKEN_MANAGE ? directory_operate_publish(w->v->store, &publish, &kept, &e)
						    : error_set(&e, ERR_USAGE, "that token does not publish");
	}
	if (rc != 0) {
		answer_error(w, &e);
		return;
	}
	port_reply(w->job, &(struct verify_subject){ token.fingerprint, token.address });
	w->job = NULL;
}

/* ---- the thread ---- */

static void
run_work(void *ctx)
{
	struct work *w = ctx;
	uint16_t method = port_job_method(w->job);

	if (method == VERIFY_METHOD_request) {
		/* The question is gone with its answer, and the letter comes after that. */
		const struct verify_request *q = port_job_request(w->job);
		const struct verify_request in = { arena_copy(&w->arena, q->fingerprint),
			arena_copy(&w->arena, q->address), q->kind };

		work_request(w, &in);
	} else {
		work_token(w, port_job_request(w->job), method);
	}
	arena_wipe_done(&w->arena);
	mem_free(w);
}

static void
run(void *ctx, struct port_job *job)
{
	struct work *w = mem_alloc(sizeof *w);
	struct error e;

	if (w == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return;
	}
	w->v = ctx;
	w->job = job;
	arena_init(&w->arena, WORK_BUDGET);
	if (pool_submit(w->v->pool, run_work, w) == 0)
		return;
	(void)error_set(&e, ERR_FULL, "Too many ask for letters at once; come again in a minute.");
	port_fail(job, &e);
	arena_done(&w->arena);
	mem_free(w);
}

int
verifier_new(const struct verifier_options *options, struct verifier **out, struct error *e)
{
	static const uint16_t methods[] = { VERIFY_METHOD_request, VERIFY_METHOD_look, VERIFY_METHOD_confirm,
		VERIFY_METHOD_unpublish };
	const struct pool_options pool = { .name = "verify", .threads = 1, .queue_max = VERIFY_WAITING_MAX };
	struct verifier *v = mem_alloc(sizeof *v);
	int rc;

	if (v == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		v->handlers[i] = (struct port_handler){ methods[i], run };
	v->service = (struct port_service){ &verify_interface, v->handlers, 4, v, NULL };
	v->store = options->store;
	v->ask = options->ask;
	v->queue = options->queue;
	v->https = options->https;
	buf_init(&v->hostname, STORE_DOMAIN_MAX);
	rc = buf_put_slice(&v->hostname, options->hostname);
	if (rc == 0)
		rc = pool_new(&pool, &v->pool, e);
	if (rc != 0) {
		verifier_free(v);
		return rc;
	}
	*out = v;
	return 0;
}

const struct port_service *
verifier_service(struct verifier *v)
{
	return &v->service;
}

void
verifier_free(struct verifier *v)
{
	if (v == NULL)
		return;
	pool_free(v->pool);
	buf_done(&v->hostname);
	mem_free(v);
}
