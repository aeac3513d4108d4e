/* SPDX-License-Identifier: ISC */
/*
 * The end that answers authenticate (service/ask.h): is this the password?
 *
 * A question waits its turn three times: for the delay that service/throttle.h
 * says, for mail's answer with the verifier, and for a thread that computes
 * (Argon2id, tens of milliseconds each). Every queue is bounded and none holds
 * a thread; over a bound the answer is ERR_LIMIT at once. Checks from places
 * that the account does not know are paced (service/pace.h): those that fail
 * take half of one processor at most. For an account that
 * is not there the same is computed. On yes, mail is told whose the connection
 * is (grant) before the asking process hears it.
 */
#ifndef SERVICE_SIGNIN_H
#define SERVICE_SIGNIN_H

#include "base/error.h"
#include "os/port.h"

struct signin;

/*
 * mail: a port to service/ask.h's verifier and grant; stays the caller's.
 * threads: password checks at once; 0: SERVICE_AUTH_THREADS. ERR_NOMEM, ERR_IO.
 */
int signin_new(struct port *mail, unsigned threads, struct signin **signin_out, struct error *e);
/* For port_open_local() or port_server_new(). The tags of its sockets are process numbers (service/permit.h). */
const struct port_service *signin_service(struct signin *s);
/* Ports to it must be closed, and mail still there. What waits is answered ERR_CLOSED. NULL is permitted. */
void signin_free(struct signin *s);

#endif
