/* SPDX-License-Identifier: ISC */
/* Questions of mailauth's machines (mailauth/lookup.h), answered by the audit's resolver. */
#ifndef CLIENT_AUDIT_LOOKUP_H
#define CLIENT_AUDIT_LOOKUP_H

#include "client/audit/audit.h"
#include "mailauth/lookup.h"

/* Memory is the audit's. */
void audit_answer(struct audit *a, const struct mailauth_question *q, struct mailauth_answer *out);

#endif
