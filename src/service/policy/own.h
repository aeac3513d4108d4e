/* SPDX-License-Identifier: ISC */
/*
 * Our own MTA-STS policy (RFC 8461), which is the same for each domain here: its
 * mail servers are our hostname. Served at https://mta-sts.DOMAIN; a TXT record
 * at _mta-sts.DOMAIN says that it is there, with an id that is another one
 * whenever the policy is.
 *
 * Mode none is served too: it takes back what was published before (section
 * 8.3), and nobody looks for it without a record.
 */
#ifndef SERVICE_POLICY_OWN_H
#define SERVICE_POLICY_OWN_H

#include "mailauth/policy/sts.h"

#define OWN_STS_PREFIX "mta-sts."
#define OWN_STS_RECORD_PREFIX "_mta-sts."
#define OWN_STS_PATH "/.well-known/mta-sts.txt"
#define OWN_STS_ENFORCE_AGE 1209600u /* two weeks: longer than any outage of a web server */
#define OWN_STS_OTHER_AGE 86400u     /* what is tried out can be changed tomorrow */

/* Appends the file. Returns out's sticky error; ERR_SYNTAX: the hostname cannot stand in a policy. */
int own_sts_policy(enum sts_mode mode, struct slice hostname, struct buf *out);
/* Appends the text of the record: "v=STSv1; id=...;". The same errors. */
int own_sts_record(enum sts_mode mode, struct slice hostname, struct buf *out);

#endif
