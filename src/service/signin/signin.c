/* SPDX-License-Identifier: ISC */
#include "service/signin/signin.h"

#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "service/limits.h"
#include "service/permit.h"
#include "service/signin/internal.h"
#include "store/address.h"

/* ---- the end of a check ---- */

void
check_free(struct check *c)
{
	if (c->exchange)
		sasl_server_done(&c->sasl);
	buf_wipe_done(&c->verifier);
	buf_done(&c->owner);
	buf_done(&c->name);
	if (c->credentials != NULL)
		secret_wipe(c->credentials, c->credential_count * sizeof *c->credentials);
	mem_free(c->credentials);
	mem_free(c);
}

static void
count_result(const struct check *c, enum metric_result result)
{
	unsigned set = c->exchange ? SASL_BIT(c->sasl_mechanism) : 0;
	enum metric_mechanism mechanism = METRIC_PASSWORD;

	if ((set & SASL_SET_SCRAM) != 0)
		mechanism = METRIC_SCRAM;
	else if ((set & SASL_SET_TOKEN) != 0)
		mechanism = METRIC_TOKEN;
	metric_add(METRIC_SIGNINS_TOTAL + METRIC_PAIR(mechanism, RESULT, result), 1);
}

/* The job has been answered. */
static void
job_end(struct signin *s)
{
	metric_add(METRIC_SIGNINS_PENDING, -1);
	(void)pthread_mutex_lock(&s->lock);
	s->jobs--;
	(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
check_end(struct check *c)
{
	struct signin *s = c->signin;

	if (c->exchange)
		signin_open_end(c);
	else
		check_free(c);
	job_end(s);
}

static const char *
mechanism_of(const struct check *c)
{
	return c->exchange ? sasl_mechanism_name(c->sasl_mechanism) : "password";
}

static const char *
protocol_of(const struct check *c)
{
	switch (c->protocol) {
	case STORE_RIGHT_IMAP:
		return "imap";
	case STORE_RIGHT_POP3:
		return "pop3";
	case STORE_RIGHT_SMTP:
		return "smtp";
	default:
		return "http";
	}
}

/* Neither the address nor the password: people type one in place of the other. */
static void
say_refused(struct check *c, const struct error *e)
{
	bool ours = e->code == ERR_NOMEM || e->code == ERR_CRYPTO || e->code == ERR_IO || e->code == ERR_CLOSED ||
	    e->code == ERR_INTERNAL;

	/* A wrong channel binding is ERR_INTEGRITY as a broken verifier is: somebody should look at either. */
	if (!c->told)
		log_event(ours                     ? LOG_LEVEL_ERROR
			: e->code == ERR_INTEGRITY ? LOG_LEVEL_WARNING
						   : LOG_LEVEL_INFO,
		    "auth.refused", log_u64("connection", c->connection), log_str("peer", c->peer_text),
		    log_u64("account", c->account), log_str("protocol", protocol_of(c)),
		    log_str("mechanism", mechanism_of(c)), log_error(e));
	c->told = true;
}

static bool
is_scram(const struct check *c)
{
	return (SASL_BIT(c->sasl_mechanism) & SASL_SET_SCRAM) != 0;
}

/* Whether it is the client's fault: for SCRAM also what belongs to another connection, or to another list of mechanisms. */
static bool
is_wrong(const struct check *c, const struct error *e)
{
	return e->code == ERR_PASSWORD || e->code == ERR_SYNTAX || e->code == ERR_POLICY ||
	    e->code == ERR_UNSUPPORTED || (is_scram(c) && e->code == ERR_INTEGRITY);
}

void
check_refuse(struct check *c, const struct error *e)
{
	struct error told = *e;

	say_refused(c, e);
	/* Before the answer: who asks again meets what this one has left. */
	check_count(c, is_wrong(c, e) ? THROTTLE_WRONG : THROTTLE_NONE);
	count_result(c, is_wrong(c, e) ? METRIC_WRONG : e->code == ERR_LIMIT ? METRIC_BUSY : METRIC_FAULT);
	/* Why an exchange failed, when it was not malformed, is for the log. */
	if (c->rounds > 0 && is_wrong(c, e) && e->code != ERR_SYNTAX)
		(void)error_set(&told, ERR_PASSWORD, "wrong address or password");
	if (c->exchange)
		signin_open_leave(c);
	port_fail(c->job, &told);
	check_end(c);
}

void
check_refuse_with(struct check *c, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	check_refuse(c, &e);
}

/*
 * However an address is written, guesses at it are counted together, and its account, or that there is none, is answered
 * alike. What cannot be an address is nobody's, and counts as it is.
 */
bool
check_name(struct check *c)
{
	struct error e;
	int rc;

	buf_clear(&c->name);
	rc = store_address_key(c->address, &c->name, &e);
	if (rc != 0 && rc != ERR_NOMEM) {
		buf_clear(&c->name);
		rc = buf_put_slice(&c->name, c->address) == 0 ? 0 : error_nomem(&e);
	}
	if (rc != 0)
		check_refuse(c, &e);
	return rc == 0;
}

/* ---- the grant ---- */

static void
say_accepted(const struct check *c)
{
	bool app = c->used != NULL && c->used->kind == STORE_CREDENTIAL_APP;

	log_event(LOG_LEVEL_INFO, "auth.accepted", log_u64("connection", c->connection), log_str("peer", c->peer_text),
	    log_u64("account", c->account), log_str("protocol", protocol_of(c)), log_str("mechanism", mechanism_of(c)),
	    log_str("app_password", app ? c->used->name : ""));
}

static void
granted(void *ctx, const void *reply, const struct error *e)
{
	struct check *c = ctx;

	if (reply == NULL && e->code == ERR_NOT_FOUND) {
		check_refuse_with(c, ERR_PASSWORD, "wrong address or password");
		return;
	}
	if (reply == NULL) {
		check_refuse(c, e);
		return;
	}
	say_accepted(c);
	check_count(c, THROTTLE_RIGHT);
	count_result(c, METRIC_OK);
	if (c->exchange) {
		signin_open_leave(c);
		port_reply(c->job, &(struct ask_round){ .connection = c->connection });
	} else {
		/* The directory is to know whose certificate it publishes; front is to know nothing. */
		bool web = process_kind_of(port_job_tag(c->job)) == PROCESS_WEB;

		port_reply(
		    c->job, &(struct ask_handover){ .connection = c->connection, .account = web ? c->account : 0 });
	}
	check_end(c);
}

static void
put_grant(struct check *c)
{
	const struct ask_grant g = { .process = port_job_tag(c->job),
		.connection = c->connection,
		.account = c->account,
		.credential = c->used == NULL ? 0 : c->used->number,
		.protocol = c->protocol };
	struct error e;

	if (ask_grant_submit(c->signin->mail, &g, granted, c, &e) != 0)
		check_refuse(c, &e);
}

/* ---- the account ---- */

/* go_on follows, with what mail says of c->address: perhaps that there is no such account. */
static void
account_found(void *ctx, const void *reply, const struct error *e)
{
	const struct ask_verifier *found = reply;
	struct check *c = ctx;
	struct error nomem;

	if (found == NULL && e->code != ERR_NOT_FOUND)
		check_refuse(c, e);
	else if (found != NULL && check_take_account(c, found, clock_unix(), &nomem) != 0)
		check_refuse(c, &nomem);
	else
		c->go_on(c);
}

static void
find_account(struct check *c, void (*go_on)(struct check *c))
{
	const struct ask_account by_address = { .address = c->address };
	struct error e;

	c->go_on = go_on;
	if (ask_verifier_submit(c->signin->mail, &by_address, account_found, c, &e) != 0)
		check_refuse(c, &e);
}

/* ---- a password ---- */

static void step(struct check *c, int rc, const struct error *e);

void
check_password_done(struct check *c, int rc, const struct error *e)
{
	struct error next = { 0 };

	if (rc != 0 && (rc != ERR_PASSWORD || !c->exchange))
		check_refuse(c, e);
	else if (!c->exchange)
		put_grant(c);
	else
		step(c, sasl_server_checked(&c->sasl, rc == 0, &next), &next);
}

static void
find_verifier(struct check *c)
{
	find_account(c, check_password);
}

/* ---- an exchange ---- */

static void
send_challenge(struct check *c)
{
	const struct ask_round round = {
		.connection = c->connection, .more = true, .challenge = buf_slice(&c->sasl.challenge)
	};
	struct signin *s = c->signin;
	struct port_job *job = c->job;
	BUF_OWNED struct buf challenge = { 0 };

	/* Once it is kept, the next message may come at once; so all that is said is taken out before. */
	buf_init(&challenge, SASL_MESSAGE_MAX);
	if (buf_put_slice(&challenge, round.challenge) != 0) {
		check_refuse_with(c, ERR_NOMEM, "no memory");
		return;
	}
	if (signin_open_keep(c)) {
		port_reply(job,
		    &(struct ask_round){
			.connection = round.connection, .more = true, .challenge = buf_slice(&challenge) });
		job_end(s);
		return;
	}
	check_refuse_with(c, ERR_ORDER, "the client is gone"); /* no fault of ours */
}

/*
 * SCRAM: with what the proof is compared. One who may not act as another is treated as one without a verifier. Whoever has
 * some is told their salt, also where none of them may be used: another one there than elsewhere would say that there
 * is an account, for one that is not there has the same everywhere.
 */
static void
give_verifiers(struct check *c)
{
	struct scram_verifier all[SCRAM_VERIFIERS_MAX];
	bool other = c->authorize.len > 0 && !slice_ieq(c->authorize, c->address);
	size_t count = 0;
	struct error e = { 0 };
	int rc;

	for (; count < c->credential_count && count < SCRAM_VERIFIERS_MAX; count++)
		all[count] = c->credentials[count].verifier;
	if ((other || count == 0) && c->has_like) {
		all[0] = c->like;
		count = 1;
	}
	rc = sasl_server_found(&c->sasl, all, count, buf_slice(&c->name), &e);
	secret_wipe(all, sizeof all);
	step(c, rc, &e);
}

/* What was found took its time to be found: that is not to be heard. */
static void
verifiers_found(struct check *c)
{
	check_hold(c, c->begun + c->signin->lookup_ms, give_verifiers);
}

static void
token_owner_found(struct check *c)
{
	const struct sasl_server_token yes = { .valid = c->account != 0 };
	struct error e = { 0 };
	int rc;

	if (!yes.valid) {
		(void)error_set(&e, ERR_PASSWORD, "the token stands for no account here");
		say_refused(c, &e);
		check_count(c, THROTTLE_WRONG);
	}
	rc = sasl_server_validated(&c->sasl, &yes, &e);
	step(c, rc, &e);
}

static void
refuse_token(struct check *c, const struct token_validator *v, const struct error *why)
{
	const struct sasl_server_token no = { .valid = false,
		.scope = v == NULL ? SLICE_EMPTY : slice_str(v->scope),
		.discovery = v == NULL ? SLICE_EMPTY : slice_str(v->discovery) };
	struct error e = { 0 };
	int rc;

	say_refused(c, why);
	check_count(c, THROTTLE_WRONG);
	rc = sasl_server_validated(&c->sasl, &no, &e);
	step(c, rc, &e);
}

/* The token's owner is who signs in; what the client called itself must be the same. */
static int
take_owner(struct check *c, struct error *e)
{
	const struct sasl_credentials *said = &c->sasl.credentials;

	c->address = buf_slice(&c->owner);
	if ((said->identity.len > 0 && !slice_ieq(said->identity, c->address)) ||
	    (said->authorize.len > 0 && !slice_ieq(said->authorize, c->address)))
		return error_set(e, ERR_PASSWORD, "the token is another's");
	return 0;
}

static void
check_token(struct check *c)
{
	struct signin_tokens *t = &c->signin->tokens;
	const struct token_validator *v;
	struct error e = { 0 };
	int rc = ERR_PASSWORD;

	(void)pthread_rwlock_rdlock(&t->lock);
	v = t->validator;
	if (v == NULL)
		(void)error_set(&e, ERR_PASSWORD, "tokens are not taken here");
	else
		rc = v->check(v->ctx, c->sasl.credentials.token, clock_unix(), &c->owner, &e);
	if (rc == 0)
		rc = take_owner(c, &e);
	if (rc == ERR_PASSWORD)
		refuse_token(c, v, &e);
	(void)pthread_rwlock_unlock(&t->lock);
	if (rc == 0)
		find_account(c, token_owner_found);
	else if (rc != ERR_PASSWORD)
		check_refuse(c, &e);
}

/* What the mechanism wants next. */
static void
step(struct check *c, int rc, const struct error *e)
{
	if (rc < 0) {
		check_refuse(c, e);
		return;
	}
	c->address = c->sasl.credentials.identity;
	c->authorize = c->sasl.credentials.authorize;
	c->password = c->sasl.credentials.password;
	if (c->address.len > SERVICE_IDENTITY_MAX || c->authorize.len > SERVICE_IDENTITY_MAX) {
		check_refuse_with(c, ERR_PASSWORD, "wrong address or password");
		return;
	}
	switch ((enum sasl_step)rc) {
	case SASL_STEP_CHALLENGE:
		send_challenge(c);
		break;
	case SASL_STEP_CHECK:
		check_guard(c, find_verifier);
		break;
	case SASL_STEP_LOOKUP:
		if (check_name(c))
			find_account(c, verifiers_found);
		break;
	case SASL_STEP_TOKEN:
		check_guard(c, check_token);
		break;
	case SASL_STEP_DONE:
		if (c->account == 0) {
			check_refuse_with(c, ERR_PASSWORD, "wrong address or password");
			break;
		}
		put_grant(c);
		break;
	}
}

/* The next message, behind the throttle where it proves something. */
static void
take_message(struct check *c)
{
	struct error e = { 0 };
	int rc = sasl_server_message(&c->sasl, c->message, &e);

	/* "Come again later" is not what to say of these. */
	if (rc == ERR_LIMIT || rc == ERR_ORDER)
		rc = e.code = ERR_SYNTAX;
	if (rc > 0 && c->proving && c->sasl.verifier < c->credential_count) {
		c->used = &c->credentials[c->sasl.verifier];
		/* That it was right is known now: who then says no more holds none of the throttle's places. */
		check_count(c, THROTTLE_RIGHT);
	}
	c->proving = false;
	step(c, rc, &e);
}

/* A message of the client behind its first. */
static void
go_on(struct check *c)
{
	const struct ask_exchange *q = port_job_request(c->job);

	c->message = q->message;
	c->rounds++;
	if (is_scram(c) && c->rounds == 2) {
		c->proving = true;
		check_guard(c, take_message);
	} else {
		take_message(c);
	}
}

static void
begin_mechanism(struct check *c)
{
	const struct ask_exchange *q = port_job_request(c->job);
	struct sasl_server_config config = { .mechanism = c->sasl_mechanism,
		.channel = { .tls = q->tls, .exporter = q->exporter, .end_point = q->end_point },
		.plus_offered = q->exporter.len > 0 || q->end_point.len > 0,
		.fake_key = slice_of(c->signin->salt_key, sizeof c->signin->salt_key),
		.fake_iterations = c->signin->iterations };
	struct error e = { 0 };
	int rc = sasl_server_init(&c->sasl, &config, &e);

	c->message = q->message;
	c->rounds = 1;
	if (rc != 0)
		check_refuse(c, &e);
	else
		take_message(c);
}

static void
salt_key_found(void *ctx, const void *reply, const struct error *e)
{
	const struct ask_salt_key *k = reply;
	struct check *c = ctx;
	struct signin *s = c->signin;

	if (k == NULL) {
		check_refuse(c, e);
		return;
	}
	if (k->key.len != sizeof s->salt_key) {
		check_refuse_with(c, ERR_INTERNAL, "mail's key for salts has another length");
		return;
	}
	(void)pthread_mutex_lock(&s->lock);
	/* All answers are the same; what others may be reading is not written again. */
	if (!s->has_salt_key)
		memcpy(s->salt_key, k->key.data, sizeof s->salt_key);
	s->has_salt_key = true;
	(void)pthread_mutex_unlock(&s->lock);
	begin_mechanism(c);
}

static void
begin(struct check *c)
{
	struct signin *s = c->signin;
	struct error e;
	bool has;
	int rc = signin_open_begin(c, &e);

	if (rc != 0) {
		check_refuse(c, &e);
		return;
	}
	(void)pthread_mutex_lock(&s->lock);
	has = s->has_salt_key;
	(void)pthread_mutex_unlock(&s->lock);
	if (!is_scram(c) || has)
		begin_mechanism(c);
	else if (ask_salt_key_submit(s->mail, &(struct store_nothing){ 0 }, salt_key_found, c, &e) != 0)
		check_refuse(c, &e);
}

/* ---- the questions ---- */

/* The peer's address as front tells it; one that is none is counted with all such. */
static struct peer_key
key_of(const char *text)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any = { .sa_family = AF_UNSPEC } };

	if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1)
		address.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1)
		address.any.sa_family = AF_INET6;
	return peer_key_of(&address.any);
}

static void
job_begin(struct signin *s)
{
	metric_add(METRIC_SIGNINS_PENDING, 1);
	(void)pthread_mutex_lock(&s->lock);
	s->jobs++;
	(void)pthread_mutex_unlock(&s->lock);
}

/* NULL: the job is answered. */
static struct check *
check_new(struct signin *s, struct port_job *job, uint64_t connection, uint32_t protocol, struct slice peer)
{
	struct check *c = mem_alloc(sizeof *c);
	struct error e;

	if (c == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return NULL;
	}
	c->signin = s;
	c->job = job;
	c->peer = port_job_peer(job);
	c->connection = connection;
	c->protocol = protocol;
	if (peer.len > 0 && peer.len < sizeof c->peer_text)
		memcpy(c->peer_text, peer.data, peer.len);
	c->place = key_of(c->peer_text);
	c->begun = clock_ms();
	buf_init(&c->verifier, STORE_VERIFIER_MAX);
	buf_init(&c->owner, SERVICE_IDENTITY_MAX);
	buf_init(&c->name, STORE_ADDRESS_KEY_ROOM);
	job_begin(s);
	return c;
}

static void
run_authenticate(void *ctx, struct port_job *job)
{
	const struct ask_authenticate *q = port_job_request(job);
	struct check *c = check_new(ctx, job, q->connection, q->protocol, q->peer);

	if (c == NULL)
		return;
	c->address = q->address;
	c->password = q->password;
	check_guard(c, find_verifier);
}

static void
run_exchange(void *ctx, struct port_job *job)
{
	const struct ask_exchange *q = port_job_request(job);
	struct signin *s = ctx;
	struct check *c;
	struct error e;

	if (q->begin) {
		c = check_new(s, job, q->connection, q->protocol, q->peer);
		if (c == NULL)
			return;
		c->exchange = true;
		c->sasl_mechanism = q->mechanism < SASL_MECHANISM_COUNT ? (enum sasl_mechanism)q->mechanism : SASL_NONE;
		begin(c);
		return;
	}
	c = signin_open_take(s, port_job_peer(job), q->connection);
	if (c == NULL) {
		(void)error_set(&e, ERR_ORDER, "no such exchange is under way");
		port_fail(job, &e);
		return;
	}
	job_begin(s);
	c->job = job;
	go_on(c);
}

static void
run_exchange_end(void *ctx, struct port_job *job)
{
	const struct ask_connection *q = port_job_request(job);

	if (q->connection != 0)
		signin_open_forget(ctx, port_job_peer(job), q->connection);
	port_reply(job, &(struct store_nothing){ 0 });
}

static void
peer_gone(void *ctx, uint64_t peer)
{
	signin_open_forget(ctx, peer, 0);
}

/* ---- life ---- */

static const struct port_handler handlers[] = {
	{ ASK_METHOD_authenticate, run_authenticate },
	{ ASK_METHOD_exchange, run_exchange },
	{ ASK_METHOD_exchange_end, run_exchange_end },
};

static int
start(struct signin *s, unsigned threads, struct error *e)
{
	const struct pool_options options = {
		.name = "check",
		.threads = threads == 0 ? SERVICE_AUTH_THREADS : threads,
		.queue_max = SERVICE_AUTH_WAITING,
	};
	int rc = throttle_new(&s->throttle, e);

	if (rc == 0)
		rc = pace_new(&s->pace, e);
	if (rc == 0)
		rc = signin_open_start(s, e);
	if (rc == 0)
		rc = pool_new(&options, &s->checks, e);
	if (rc == 0)
		rc = pool_new(&(struct pool_options){ "known", options.threads, SERVICE_AUTH_WAITING }, &s->known, e);
	return rc == 0 ? signin_held_start(s, e) : rc;
}

static void
locks_init(struct signin *s)
{
	pthread_condattr_t monotonic;

	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->turn, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	(void)pthread_rwlock_init(&s->tokens.lock, NULL);
}

int
signin_new(struct port *mail, const struct signin_options *options, struct signin **signin_out, struct error *e)
{
	struct signin *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->mail = mail;
	s->lookup_ms = options->lookup_ms;
	s->iterations = options->scram_iterations == 0 ? SCRAM_ITERATIONS_RANDOM : options->scram_iterations;
	s->service = (struct port_service){
		.interface = &ask_interface,
		.handlers = handlers,
		.handler_count = sizeof handlers / sizeof handlers[0],
		.ctx = s,
		.peer_gone = peer_gone,
	};
	locks_init(s);
	rc = start(s, options->threads, e);
	if (rc != 0)
		signin_free(s);
	else
		*signin_out = s;
	return rc;
}

const struct port_service *
signin_service(struct signin *s)
{
	return &s->service;
}

static void
validator_free(struct token_validator *v)
{
	if (v == NULL)
		return;
	v->free(v->ctx);
	mem_free(v);
}

void
signin_set_tokens(struct signin *s, struct token_validator *v)
{
	struct token_validator *old;

	(void)pthread_rwlock_wrlock(&s->tokens.lock);
	old = s->tokens.validator;
	s->tokens.validator = v;
	(void)pthread_rwlock_unlock(&s->tokens.lock);
	validator_free(old);
}

void
signin_free(struct signin *s)
{
	if (s == NULL)
		return;
	if (s->pace != NULL)
		pace_stop(s->pace);
	signin_held_stop(s);
	(void)pthread_mutex_lock(&s->lock);
	while (s->jobs > 0)
		(void)pthread_cond_wait(&s->turn, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	pool_free(s->checks);
	pool_free(s->known);
	signin_open_stop(s);
	validator_free(s->tokens.validator);
	pace_free(s->pace);
	throttle_free(s->throttle);
	secret_wipe(s->salt_key, sizeof s->salt_key);
	(void)pthread_rwlock_destroy(&s->tokens.lock);
	(void)pthread_cond_destroy(&s->turn);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s);
}
