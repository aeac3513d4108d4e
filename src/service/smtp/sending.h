/* SPDX-License-Identifier: ISC */
/* What of a message its way to others needs (service/queue/queue.h). */
#ifndef SERVICE_SMTP_SENDING_H
#define SERVICE_SMTP_SENDING_H

#include "service/ask.h"
#include "service/smtp/message.h"

/* Fills what keep is asked for those recipients that lead to others; it lives as long as m. ERR_NOMEM, ERR_LIMIT. */
int smtp_sending_fill(struct smtp_message *m, struct ask_keep *q);

#endif
