/* SPDX-License-Identifier: ISC */
/* Who checks passwords, in a test of strangers: right is "secret", and what was asked is kept for the test to look at. */
#ifndef TESTS_CHECKER_H
#define TESTS_CHECKER_H

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "sasl/plain.h"
#include "service/ask.h"
#include "service/grants.h"
#include "unit.h"

struct checker {
	struct port_service service;
	struct grants *grants;
	uint64_t front, account;
	unsigned asked;
	int answer;  /* 0: right when the password is "secret" */
	bool forged; /* yes, and no grant */
	bool hold;   /* not answered yet */
	bool wrong_connection;
	struct port_job *held;
	char address[400], password[64], authorize[64], peer[64];
	uint64_t connection;
	unsigned began, rounds, ended; /* of exchanges with rounds */
};

static void
copy(char *to, size_t size, struct slice from)
{
	(void)snprintf(to, size, "%.*s", (int)from.len, (const char *)from.data);
}

static void
check(struct checker *k, struct port_job *job)
{
	const struct grant_in grant = { .process = k->front,
		.connection = k->connection + (k->wrong_connection ? 1000 : 0),
		.account = k->account,
		.counted = true,
		.rights = STORE_RIGHTS_ALL };
	struct error e;
	int rc = k->answer != 0 ? k->answer : strcmp(k->password, "secret") == 0 ? 0 : ERR_PASSWORD;

	(void)error_set(&e, rc, "no");
	if (rc == 0 && !k->forged)
		rc = grants_put(k->grants, &grant, clock_ms(), &e);
	if (rc != 0)
		port_fail(job, &e);
	else if (port_job_method(job) == ASK_METHOD_exchange)
		port_reply(job, &(struct ask_round){ .connection = k->connection });
	else
		port_reply(job, &(struct ask_handover){ .connection = k->connection });
}

static void
take(
    struct checker *k, struct port_job *job, uint64_t connection, const struct sasl_credentials *who, struct slice peer)
{
	k->asked++;
	k->connection = connection;
	copy(k->address, sizeof k->address, who->identity);
	copy(k->password, sizeof k->password, who->password);
	copy(k->authorize, sizeof k->authorize, who->authorize);
	copy(k->peer, sizeof k->peer, peer);
	if (k->hold)
		k->held = job;
	else
		check(k, job);
}

static void
run_authenticate(void *ctx, struct port_job *job)
{
	const struct ask_authenticate *q = port_job_request(job);
	const struct sasl_credentials who = { .identity = q->address, .password = q->password };

	take(ctx, job, q->connection, &who, q->peer);
}

/* Here PLAIN is all that there is; a LOGIN has rounds. */
static void
run_exchange(void *ctx, struct port_job *job)
{
	const struct ask_exchange *q = port_job_request(job);
	struct checker *k = ctx;
	struct sasl_credentials who = { 0 };
	struct error e;

	if (!q->begin) {
		k->rounds++;
		port_reply(
		    job, &(struct ask_round){ .connection = q->connection, .more = true, .challenge = q->message });
	} else if (q->mechanism == SASL_LOGIN) {
		k->began++;
		port_reply(
		    job, &(struct ask_round){ .connection = q->connection, .more = true, .challenge = q->message });
	} else if (plain_parse(q->message, &who, NULL) != 0) {
		(void)error_set(&e, ERR_SYNTAX, "no message of PLAIN");
		port_fail(job, &e);
	} else {
		take(k, job, q->connection, &who, q->peer);
	}
}

static void
run_exchange_end(void *ctx, struct port_job *job)
{
	struct checker *k = ctx;

	k->ended++;
	port_reply(job, &(struct store_nothing){ 0 });
}

static const struct port_handler handlers[] = {
	{ ASK_METHOD_authenticate, run_authenticate },
	{ ASK_METHOD_exchange, run_exchange },
	{ ASK_METHOD_exchange_end, run_exchange_end },
};

#endif
