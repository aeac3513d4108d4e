/* SPDX-License-Identifier: ISC */
/* What SMTP sessions count (os/metrics.h). */
#ifndef SERVICE_SMTP_COUNT_H
#define SERVICE_SMTP_COUNT_H

#include <stdint.h>

#include "service/service.h"
#include "smtp/reply.h"

/* A reply to a recipient or a message: counted when it is a refusal. */
void smtp_count_reply(enum smtp_reply reply);
/* Octets of a message's text, kept or not. */
void smtp_count_octets(enum service_role role, uint64_t octets);
void smtp_count_kept(enum service_role role, uint64_t inboxes);

#endif
