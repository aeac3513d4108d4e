/* SPDX-License-Identifier: ISC */
/*
 * The question of `letterlockd status` over the control socket, as a message
 * with a schema over os/port.h. The answer is the text of /metrics: what one
 * sees by the one is what one sees by the other, and the program that asks may
 * be older or newer than the one that answers.
 */
#ifndef SERVICE_STATUS_STATUS_H
#define SERVICE_STATUS_STATUS_H

#include "base/slice.h"
#include "os/port.h"

struct status_question {
	uint8_t unused;
};

struct status_answer {
	struct slice text; /* service/status/metrics.h */
};

/* Apart from the store's numbers: both are asked over the control socket. */
#define STATUS_METHOD_status 0x7001

extern const struct port_interface status_interface;
/* Carries it out; needs no context. */
extern const struct port_handler status_handler;

#endif
