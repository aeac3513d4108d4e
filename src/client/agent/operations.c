/* SPDX-License-Identifier: ISC */
/* What the agent can be asked for: each fills its reply. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/printable.h"
#include "client/agent/internal.h"
#include "client/agent/tokens.h"
#include "crypto/secret.h"
#include "openpgp/cert/cert.h"

#define ARENA_BUDGET (2u << 20)

union reply {
	struct agent_nothing nothing;
	struct agent_hello hello;
	struct agent_count count;
	struct agent_octets octets;
	struct agent_opened opened;
	struct agent_list list;
	struct agent_status status;
	struct agent_tokens tokens;
};

union request {
	struct agent_nothing nothing;
	struct agent_hello hello;
	struct agent_unlock unlock;
	struct agent_key key;
	struct agent_sign sign;
	struct agent_open open;
	struct agent_password password;
	struct agent_account account;
	struct agent_seat seat;
	struct agent_ask ask;
};

struct call {
	struct agent *agent;
	struct peer *peer;
	const void *request;
	struct arena *arena;
	union reply *reply;
	int64_t now_ms;
};

/* ---- what it is ---- */

static int
do_hello(struct call *c, struct error *e)
{
	const struct agent_hello *r = c->request;

	c->reply->hello = (struct agent_hello){ .version = AGENT_VERSION, .pid = (uint64_t)getpid() };
	if (r->version != AGENT_VERSION)
		return error_set(e, ERR_UNSUPPORTED, "the agent speaks version %u: stop it, it starts again by itself",
		    AGENT_VERSION);
	return 0;
}

static int
do_seat(struct call *c, struct error *e)
{
	const struct agent_seat *r = c->request;

	(void)e;
	for (size_t i = 0; i < r->item_count && i < SEAT_ITEMS; i++)
		(void)pinentry_seat_set(&c->peer->seat, (enum seat_item)i, r->items[i]);
	return 0;
}

static int
do_status(struct call *c, struct error *e)
{
	const struct agent *a = c->agent;
	struct agent_held held[AGENT_KEYS_MAX];

	(void)e;
	c->reply->status = (struct agent_status){ .pid = (uint64_t)getpid(),
		.memory = slice_str(locked_kind_name(a->setup.memory)),
		.seccomp = a->sandbox.seccomp,
		.landlock = a->sandbox.landlock_abi > 0,
		.launcher = a->launcher >= 0,
		.logind = a->logind,
		.locked = a->locked,
		.keys = (uint32_t)agent_vault_list(a->vault, c->now_ms, held, AGENT_KEYS_MAX),
		.passwords = agent_vault_passwords(a->vault, c->now_ms),
		.idle = a->setup.config.idle_s,
		.max = a->setup.config.max_s,
		.confirm = a->setup.config.confirm,
		.forgot = slice_str(agent_why_text(agent_vault_why(a->vault))) };
	return 0;
}

/* ---- unlocking ---- */

static struct agent_hold
hold_of(const struct call *c, uint32_t seconds, bool confirm)
{
	const struct agent_config *k = &c->agent->setup.config;
	struct agent_hold h = { .idle_s = k->idle_s, .max_s = k->max_s, .confirm = confirm || k->confirm };

	if (seconds != 0)
		h.max_s = seconds;
	return h;
}

/* A locked agent believes only a person. */
static int
check_unlocked(const struct call *c, struct error *e)
{
	return c->agent->locked
	    ? error_set(e, ERR_DENIED, "the agent is locked: it takes a passphrase from pinentry only")
	    : 0;
}

/* The secret of one of the keys is in a token: it is a PIN that is needed. */
static bool
is_elsewhere(const struct pgp_cert *cert)
{
	const struct pgp_key *key;

	for (size_t n = 0; (key = pgp_cert_key(cert, n)) != NULL; n++) {
		if (tokens_are_meant(key))
			return true;
	}
	return false;
}

/* *in_token: then there is nothing more to do. */
static int
unlock_in_token(
    struct call *c, const struct agent_unlock *r, const struct agent_hold *hold, bool *in_token, struct error *e)
{
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(r->key, &cert, &used, e);

	if (rc != 0)
		return rc;
	*in_token = is_elsewhere(cert);
	if (*in_token) {
		rc = tokens_find(&c->agent->tokens, cert, e);
		if (rc == 0)
			rc = tokens_sign_in(&c->agent->tokens, r->passphrase, e);
		if (rc == 0)
			rc = agent_vault_unlock_elsewhere(
			    c->agent->vault, r->key, hold, c->now_ms, &c->reply->count.count, e);
	}
	pgp_cert_free(cert);
	return rc;
}

static int
do_unlock(struct call *c, struct error *e)
{
	const struct agent_unlock *r = c->request;
	struct agent_hold hold = hold_of(c, r->seconds, r->confirm);
	bool in_token = false;
	int rc = check_unlocked(c, e);

	if (rc == 0)
		rc = unlock_in_token(c, r, &hold, &in_token, e);
	if (rc != 0 || in_token)
		return rc;
	return agent_vault_unlock(c->agent->vault, r->key, r->passphrase, &hold, c->now_ms, &c->reply->count.count, e);
}

static void
describe(struct buf *out, struct slice user, struct slice fingerprint)
{
	if (user.len > 0) {
		(void)printable_put(out, user, PRINTABLE_LINE, 200);
		(void)buf_put_u8(out, '\n');
	}
	(void)hex_write_upper(out, fingerprint);
}

static int
cannot_ask(const struct asking *k, struct error *e)
{
	return error_set(e, ERR_UNSUPPORTED, "nobody can be asked: %s",
	    k->error.text[0] != '\0' ? k->error.text : "pinentry does not work here");
}

/* What became of the question, when it is over and was not answered. */
static int
refusal(const struct asking *k, struct error *e)
{
	if (k->state == PINENTRY_CANCELLED)
		return error_set(e, ERR_CLOSED, "it was cancelled");
	return k->state == PINENTRY_BROKEN ? cannot_ask(k, e) : 0;
}

static int
ask_passphrase(struct call *c, const struct pgp_cert *cert, const char *what, const char *wrong, struct error *e)
{
	BUF_OWNED struct buf text = { .max = PINENTRY_TEXT_MAX };
	const struct pgp_fingerprint *f = &cert->primary->fingerprint;
	struct pinentry_question q = { .kind = PINENTRY_PASSPHRASE, .error = wrong, .seat = &c->peer->seat };
	struct slice user = SLICE_EMPTY;

	for (size_t n = 0; n < cert->component_count && user.len == 0; n++) {
		if (cert->components[n].kind == PGP_COMPONENT_USER_ID)
			user = cert->components[n].packet.body;
	}
	(void)buf_putf(&text, "%s\n", what);
	describe(&text, user, slice_of(f->bytes, f->len));
	if (agent_vault_why(c->agent->vault) != AGENT_NOT_FORGOTTEN)
		(void)buf_putf(
		    &text, "\n\nThe agent last forgot keys %s.", agent_why_text(agent_vault_why(c->agent->vault)));
	if (buf_put_u8(&text, 0) != 0)
		return error_set(e, text.err, "there is no room for a question");
	q.description = (const char *)text.data;
	return asking_begin(c->agent, c->peer, &q, c->now_ms, e);
}

static int
wrong_again(struct call *c, const struct pgp_cert *cert, const char *what, const char *secret, struct error *e)
{
	char text[100];
	uint32_t left = AGENT_TRIES - ++c->agent->asking.wrong;

	if (left == 0)
		return error_set(e, ERR_PASSWORD, "the %s was wrong %u times", secret, AGENT_TRIES);
	(void)snprintf(text, sizeof text, "Wrong %s, %u %s left.", secret, left, left == 1 ? "try" : "tries");
	return ask_passphrase(c, cert, what, text, e);
}

static int
unlock_asked(struct call *c, const struct pgp_cert *cert, const struct agent_hold *hold, struct error *e)
{
	static const char what[] = "Letterlock needs the passphrase of your key";
	const struct agent_ask *r = c->request;
	struct asking *k = &c->agent->asking;
	int rc;

	if (!asking_is_over(c->agent, c->peer))
		return ask_passphrase(c, cert, what, NULL, e);
	rc = refusal(k, e);
	if (rc != 0)
		return rc;
	rc = agent_vault_unlock(
	    c->agent->vault, r->key, pinentry_talk_answer(k->talk), hold, c->now_ms, &c->reply->count.count, e);
	if (rc == ERR_PASSWORD)
		return wrong_again(c, cert, what, "passphrase", e);
	if (rc == 0)
		c->agent->locked = false;
	return rc;
}

static int
unlock_token(struct call *c, const struct pgp_cert *cert, const struct agent_hold *hold, struct error *e)
{
	static const char what[] = "Letterlock needs the PIN of the token with your key";
	const struct agent_ask *r = c->request;
	struct asking *k = &c->agent->asking;
	int rc;

	if (!asking_is_over(c->agent, c->peer)) {
		rc = tokens_find(&c->agent->tokens, cert, e);
		if (rc == 0 && tokens_need_pin(&c->agent->tokens))
			return ask_passphrase(c, cert, what, NULL, e);
	} else
		rc = refusal(k, e);
	if (rc == 0)
		rc =
		    tokens_sign_in(&c->agent->tokens, k->talk == NULL ? SLICE_EMPTY : pinentry_talk_answer(k->talk), e);
	if (rc == ERR_PASSWORD)
		return wrong_again(c, cert, what, "PIN", e);
	if (rc == 0)
		rc = agent_vault_unlock_elsewhere(c->agent->vault, r->key, hold, c->now_ms, &c->reply->count.count, e);
	if (rc == 0)
		c->agent->locked = false;
	return rc;
}

static int
do_ask(struct call *c, struct error *e)
{
	const struct agent_ask *r = c->request;
	struct agent_hold hold = hold_of(c, r->seconds, r->confirm);
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(r->key, &cert, &used, e);

	if (rc != 0)
		return rc;
	rc = is_elsewhere(cert) ? unlock_token(c, cert, &hold, e) : unlock_asked(c, cert, &hold, e);
	pgp_cert_free(cert);
	return rc;
}

/* ---- keys ---- */

static int
do_holds(struct call *c, struct error *e)
{
	const struct agent_key *r = c->request;

	(void)e;
	c->reply->count.count = agent_vault_holds(c->agent->vault, r->fingerprint, c->now_ms);
	return 0;
}

/* 0: it may be used. A key that is not held is refused by the operation itself. */
static int
permit(struct call *c, struct slice fingerprint, const char *what, struct error *e)
{
	BUF_OWNED struct buf text = { .max = PINENTRY_TEXT_MAX };
	struct pinentry_question q = { .kind = PINENTRY_CONFIRM, .seat = &c->peer->seat };
	struct agent_held held;

	if (!agent_vault_find(c->agent->vault, fingerprint, c->now_ms, &held) || !held.confirm)
		return 0;
	if (asking_is_over(c->agent, c->peer))
		return c->agent->asking.state == PINENTRY_CANCELLED
		    ? error_set(e, ERR_DENIED, "you did not permit the use of your key")
		    : refusal(&c->agent->asking, e);
	(void)buf_putf(&text, "The process %ld wants to %s with your key\n", (long)c->peer->pid, what);
	describe(&text, held.user, held.fingerprint);
	if (buf_put_u8(&text, 0) != 0)
		return error_set(e, text.err, "there is no room for a question");
	q.description = (const char *)text.data;
	return asking_begin(c->agent, c->peer, &q, c->now_ms, e);
}

static int
do_sign(struct call *c, struct error *e)
{
	const struct agent_sign *r = c->request;
	BUF_OWNED struct buf fields = { .max = 1 << 16 };
	int rc = permit(c, r->fingerprint, "sign", e);

	if (rc == 0)
		rc = agent_vault_sign(c->agent->vault, r->fingerprint, r->hash, r->digest, c->now_ms, &fields, e);
	c->reply->octets.octets = rc == 0 ? arena_copy(c->arena, buf_slice(&fields)) : SLICE_EMPTY;
	return rc;
}

static int
do_open(struct call *c, struct error *e)
{
	const struct agent_open *r = c->request;
	struct pgp_pkesk_fields p = { .version = r->version, .algorithm = r->algorithm, .fields = r->fields };
	SECRET_OWNED struct secret key = SECRET_EMPTY;
	uint8_t cipher = 0;
	int rc = permit(c, r->fingerprint, "open something", e);

	if (rc == 0)
		rc = agent_vault_open(c->agent->vault, r->fingerprint, &p, c->now_ms, &cipher, &key, e);
	if (rc == 0)
		c->reply->opened =
		    (struct agent_opened){ .cipher = cipher, .key = arena_copy(c->arena, secret_slice(&key)) };
	return rc;
}

static int
do_list(struct call *c, struct error *e)
{
	struct agent_held *items = arena_array(c->arena, AGENT_KEYS_MAX, sizeof *items);

	if (items == NULL)
		return error_nomem(e);
	c->reply->list.items = items;
	c->reply->list.item_count = agent_vault_list(c->agent->vault, c->now_ms, items, AGENT_KEYS_MAX);
	return 0;
}

static int
do_tokens(struct call *c, struct error *e)
{
	return tokens_list(&c->agent->tokens, c->arena, &c->reply->tokens, e);
}

static int
do_forget(struct call *c, struct error *e)
{
	const struct agent_key *r = c->request;

	(void)e;
	c->reply->count.count = agent_vault_forget(c->agent->vault, r->fingerprint, AGENT_TOLD);
	if (r->fingerprint.len == 0)
		tokens_stop(&c->agent->tokens);
	return 0;
}

static int
do_lock(struct call *c, struct error *e)
{
	(void)e;
	c->reply->count.count = agent_vault_forget(c->agent->vault, SLICE_EMPTY, AGENT_TOLD);
	tokens_stop(&c->agent->tokens);
	c->agent->locked = true;
	return 0;
}

/* ---- passwords of accounts ---- */

static int
do_password_put(struct call *c, struct error *e)
{
	const struct agent_password *r = c->request;
	struct agent_hold hold = hold_of(c, r->seconds, false);
	int rc = check_unlocked(c, e);

	c->reply->count.count = 1;
	return rc == 0 ? agent_vault_password_put(c->agent->vault, r->account, r->password, &hold, c->now_ms, e) : rc;
}

static int
do_password_get(struct call *c, struct error *e)
{
	const struct agent_account *r = c->request;
	SECRET_OWNED struct secret password = SECRET_EMPTY;
	int rc = agent_vault_password_get(c->agent->vault, r->account, c->now_ms, &password, e);

	if (rc == 0)
		c->reply->octets.octets = arena_copy(c->arena, secret_slice(&password));
	return rc;
}

static int
do_stop(struct call *c, struct error *e)
{
	(void)e;
	(void)agent_vault_forget(c->agent->vault, SLICE_EMPTY, AGENT_TOLD);
	c->agent->stopping = true;
	return 0;
}

static int (*const operations[AGENT_TYPE_COUNT])(struct call *, struct error *) = {
	[AGENT_HELLO] = do_hello,
	[AGENT_UNLOCK] = do_unlock,
	[AGENT_HOLDS] = do_holds,
	[AGENT_SIGN] = do_sign,
	[AGENT_OPEN] = do_open,
	[AGENT_LIST] = do_list,
	[AGENT_FORGET] = do_forget,
	[AGENT_PASSWORD_PUT] = do_password_put,
	[AGENT_PASSWORD_GET] = do_password_get,
	[AGENT_STOP] = do_stop,
	[AGENT_SEAT] = do_seat,
	[AGENT_ASK] = do_ask,
	[AGENT_LOCK] = do_lock,
	[AGENT_STATUS] = do_status,
	[AGENT_TOKENS] = do_tokens,
};

/* ---- one request ---- */

static int
put_failure(struct peer *p, const struct codec_frame *f, const struct error *error)
{
	struct agent_error reply = { .code = (uint32_t)-error->code, .text = slice_str(error->text) };

	return codec_frame_put(&p->out, f->type | AGENT_FAILED, f->ticket, &agent_error_schema, &reply, NULL);
}

int
agent_carry_out(struct agent *a, struct peer *p, const struct codec_frame *f, int64_t now_ms)
{
	const struct agent_schemas *s = agent_schemas(f->type);
	struct error error = { 0 };
	union request request = { 0 };
	union reply reply = { 0 };
	struct arena arena;
	struct call c = {
		.agent = a, .peer = p, .request = &request, .arena = &arena, .reply = &reply, .now_ms = now_ms
	};
	int rc;

	if (s == NULL)
		return error_set(NULL, ERR_SYNTAX, "no such operation");
	arena_init(&arena, ARENA_BUDGET);
	rc = codec_decode(s->request, f->body, &arena, &request, &error);
	if (rc == 0)
		rc = operations[f->type](&c, &error);
	if (rc != AGENT_LATER) {
		p->wait = WAITS_NOT;
		asking_end(a, p);
		rc = rc == 0 ? codec_frame_put(&p->out, f->type, f->ticket, s->reply, &reply, NULL)
			     : put_failure(p, f, &error);
	}
	arena_wipe_done(&arena);
	return rc;
}
