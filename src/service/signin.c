/* SPDX-License-Identifier: ISC */
#include "service/signin.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/pool.h"
#include "os/thread.h"
#include "service/ask.h"
#include "service/auth.h"
#include "service/limits.h"
#include "service/pace.h"
#include "service/permit.h"
#include "service/throttle.h"

struct check {
	struct check *next; /* while it is held back */
	struct signin *signin;
	struct port_job *job;
	struct throttle_ticket ticket;
	int64_t at;          /* not before, monotonic ms */
	bool counted;        /* the throttle waits for what becomes of it */
	uint64_t account;    /* 0: there is none */
	struct buf verifier; /* empty for no account: costs the same */
};

struct signin {
	struct port *mail;
	struct port_service service;
	struct throttle *throttle;
	struct pool *checks;
	struct pace *pace;  /* of these */
	struct pool *known; /* for who signed in from there before: strangers cannot fill its queue */
	pthread_t thread;   /* of what is held back */
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	struct check *held; /* by time */
	unsigned jobs;      /* under way: each will call us back */
	bool stop;
};

/* ---- the end of a check ---- */

/* Before the answer: who asks again meets what this one has left. */
static void
count(struct check *c, enum throttle_result result)
{
	if (c->counted)
		throttle_after(c->signin->throttle, &c->ticket, result, clock_ms());
	c->counted = false;
}

static void
count_result(enum metric_result result)
{
	metric_add(METRIC_SIGNINS_TOTAL + METRIC_PAIR(METRIC_PASSWORD, RESULT, result), 1);
}

/* It has been counted and answered. */
static void
check_end(struct check *c)
{
	struct signin *s = c->signin;

	metric_add(METRIC_SIGNINS_PENDING, -1);

	buf_wipe_done(&c->verifier);
	mem_free(c);
	(void)pthread_mutex_lock(&s->lock);
	s->jobs--;
	(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
refuse(struct check *c, const struct error *e)
{
	const struct ask_authenticate *q = port_job_request(c->job);
	bool wrong = e->code == ERR_PASSWORD;

	/* Neither the address nor the password: people type one in place of the other. */
	log_event(wrong || e->code == ERR_LIMIT ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "auth.refused",
	    log_u64("connection", q->connection), log_slice("peer", q->peer), log_u64("account", c->account),
	    log_error(e));
	count_result(wrong ? METRIC_WRONG : e->code == ERR_LIMIT ? METRIC_BUSY : METRIC_FAULT);
	count(c, wrong ? THROTTLE_WRONG : THROTTLE_NONE);
	port_fail(c->job, e);
	check_end(c);
}

static void
refuse_with(struct check *c, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	refuse(c, &e);
}

/* ---- the grant ---- */

static void
granted(void *ctx, const void *reply, const struct error *e)
{
	struct check *c = ctx;
	const struct ask_authenticate *q = port_job_request(c->job);
	struct ask_handover yes = { .connection = q->connection };

	if (reply == NULL) {
		refuse(c, e);
		return;
	}
	/* The directory is to know whose certificate it publishes; front is to know nothing. */
	if (process_kind_of(port_job_tag(c->job)) == PROCESS_WEB)
		yes.account = c->account;
	count_result(METRIC_OK);
	count(c, THROTTLE_RIGHT);
	port_reply(c->job, &yes);
	check_end(c);
}

static void
put_grant(struct check *c)
{
	const struct ask_authenticate *q = port_job_request(c->job);
	const struct ask_grant g = {
		.process = port_job_tag(c->job), .connection = q->connection, .account = c->account
	};
	struct error e;

	if (ask_grant_submit(c->signin->mail, &g, granted, c, &e) != 0)
		refuse(c, &e);
}

/* ---- the check ---- */

/* On a thread of the pool: it computes for some tens of milliseconds. */
static void
compute(void *ctx)
{
	struct check *c = ctx;
	const struct ask_authenticate *q = port_job_request(c->job);
	int64_t began, took;
	struct error e;
	int rc;

	if (!c->ticket.known)
		pace_wait(c->signin->pace);
	began = clock_ns();
	took = clock_thread_ns();
	rc = auth_verifier_check(buf_slice(&c->verifier), q->password, &e);
	took = clock_thread_ns() - took;

	if (rc == 0 && q->authorize.len > 0 && !slice_ieq(q->authorize, q->address))
		rc = error_set(&e, ERR_PASSWORD, "wrong address or password");
	if (rc == ERR_PASSWORD && !c->ticket.known)
		pace_spent(c->signin->pace, began, took);
	if (rc == 0)
		put_grant(c);
	else
		refuse(c, &e);
}

static void
account_found(void *ctx, const void *reply, const struct error *e)
{
	const struct ask_verifier *found = reply;
	struct check *c = ctx;

	if (found == NULL && e->code != ERR_NOT_FOUND) {
		refuse(c, e);
		return;
	}
	if (found != NULL) {
		c->account = found->account;
		(void)buf_put_slice(&c->verifier, found->verifier);
	}
	if (c->verifier.err != 0 ||
	    pool_submit(c->ticket.known ? c->signin->known : c->signin->checks, compute, c) != 0)
		refuse_with(c, ERR_LIMIT, "too many are signing in: try again later");
}

static void
find_verifier(struct check *c)
{
	const struct ask_authenticate *q = port_job_request(c->job);
	const struct ask_account by_address = { .address = q->address };
	struct error e;

	if (ask_verifier_submit(c->signin->mail, &by_address, account_found, c, &e) != 0)
		refuse(c, &e);
}

/* ---- held back ---- */

static void
hold(struct check *c, int64_t delay_ms)
{
	struct signin *s = c->signin;
	struct check **at = &s->held;

	c->at = clock_ms() + delay_ms;
	(void)pthread_mutex_lock(&s->lock);
	while (*at != NULL && (*at)->at <= c->at)
		at = &(*at)->next;
	c->next = *at;
	*at = c;
	(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
}

/* With the lock: waits until the first one's time, or a change. */
static void
wait_turn(struct signin *s)
{
	struct timespec until;

	if (s->held == NULL) {
		(void)pthread_cond_wait(&s->turn, &s->lock);
		return;
	}
	until = (struct timespec){ .tv_sec = s->held->at / 1000, .tv_nsec = s->held->at % 1000 * 1000000 };
	(void)pthread_cond_timedwait(&s->turn, &s->lock, &until);
}

static void *
holding_main(void *ctx)
{
	struct signin *s = ctx;

	(void)pthread_mutex_lock(&s->lock);
	while (!s->stop || s->held != NULL) {
		struct check *c = s->held;
		bool stop = s->stop;

		if (c == NULL || (!stop && c->at > clock_ms())) {
			wait_turn(s);
			continue;
		}
		s->held = c->next;
		(void)pthread_mutex_unlock(&s->lock);
		if (stop)
			refuse_with(c, ERR_CLOSED, "the server stops");
		else
			find_verifier(c);
		(void)pthread_mutex_lock(&s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- the question ---- */

/* The peer's address as front tells it; one that is none is counted with all such. */
static struct peer_key
key_of(struct slice text)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any = { .sa_family = AF_UNSPEC } };
	char copy[64] = { 0 };

	if (text.len > 0 && text.len < sizeof copy) {
		memcpy(copy, text.data, text.len);
		if (inet_pton(AF_INET, copy, &address.v4.sin_addr) == 1)
			address.any.sa_family = AF_INET;
		else if (inet_pton(AF_INET6, copy, &address.v6.sin6_addr) == 1)
			address.any.sa_family = AF_INET6;
	}
	return peer_key_of(&address.any);
}

static void
run_authenticate(void *ctx, struct port_job *job)
{
	struct signin *s = ctx;
	const struct ask_authenticate *q = port_job_request(job);
	struct check *c = mem_alloc(sizeof *c);
	int64_t delay = 0;
	struct error e;

	if (c == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return;
	}
	c->signin = s;
	c->job = job;
	buf_init(&c->verifier, STORE_VERIFIER_MAX);
	metric_add(METRIC_SIGNINS_PENDING, 1);
	(void)pthread_mutex_lock(&s->lock);
	s->jobs++;
	(void)pthread_mutex_unlock(&s->lock);
	if (q->mechanism != ASK_PLAIN) {
		refuse_with(c, ERR_UNSUPPORTED, "no such authentication mechanism");
	} else if (throttle_before(s->throttle, q->address, key_of(q->peer), clock_ms(), &delay, &c->ticket, &e) != 0) {
		refuse(c, &e);
	} else {
		c->counted = true;
		if (delay > 0)
			metric_add(METRIC_SIGNINS_DELAYED_TOTAL, 1);
		if (delay > 0)
			hold(c, delay);
		else
			find_verifier(c);
	}
}

/* ---- life ---- */

static const struct port_handler handlers[] = { { ASK_METHOD_authenticate, run_authenticate } };

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
		rc = pool_new(&options, &s->checks, e);
	if (rc == 0)
		rc = pool_new(&(struct pool_options){ "known", 1, SERVICE_AUTH_WAITING }, &s->known, e);
	if (rc == 0)
		rc = thread_start(&s->thread, "held", holding_main, s, e);
	s->started = rc == 0;
	return rc;
}

int
signin_new(struct port *mail, unsigned threads, struct signin **signin_out, struct error *e)
{
	struct signin *s = mem_alloc(sizeof *s);
	pthread_condattr_t monotonic;
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->mail = mail;
	s->service = (struct port_service){
		.interface = &ask_interface,
		.handlers = handlers,
		.handler_count = sizeof handlers / sizeof handlers[0],
		.ctx = s,
	};
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->turn, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	rc = start(s, threads, e);
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

void
signin_free(struct signin *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->lock);
	if (s->pace != NULL)
		pace_stop(s->pace);
	if (s->started)
		(void)pthread_join(s->thread, NULL);
	(void)pthread_mutex_lock(&s->lock);
	while (s->jobs > 0)
		(void)pthread_cond_wait(&s->turn, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	pool_free(s->checks);
	pool_free(s->known);
	pace_free(s->pace);
	throttle_free(s->throttle);
	(void)pthread_cond_destroy(&s->turn);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s);
}
