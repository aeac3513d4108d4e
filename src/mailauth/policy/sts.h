/* SPDX-License-Identifier: ISC */
/*
 * MTA-STS (RFC 8461): by which a domain says over HTTPS that its mail servers
 * speak TLS, and which they are. A TXT record at _mta-sts.DOMAIN has an id; the
 * policy itself is a file at https://mta-sts.DOMAIN/.well-known/mta-sts.txt.
 */
#ifndef MAILAUTH_POLICY_STS_H
#define MAILAUTH_POLICY_STS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy {
	enum sts_mode mode;
	uint32_t max_age;            /* seconds; at most STS_MAX_AGE */
	struct slice mx[STS_MX_MAX]; /* patterns, slices of the text: "mail.example.org", "*.example.org" */
	size_t mx_count;
};

/*
 * The id out of a domain's TXT records (section 3.1). false: there is no
 * policy, as there is no such record, or more than one, or it is malformed.
 */
bool sts_record_id(const struct slice *records, size_t count, struct slice *id_out);
/* The file (section 3.2). ERR_SYNTAX: it is none; ERR_LIMIT: more than STS_MX_MAX patterns. The sentence names the line. */
int sts_policy_parse(struct slice text, struct sts_policy *out, struct error *e);
/* Whether the policy names this host; "*" stands for one label (section 4.1). */
bool sts_policy_names(const struct sts_policy *p, struct slice host);
bool sts_pattern_matches(struct slice pattern, struct slice host);
/* Appends the file. Returns out's sticky error. */
int sts_policy_write(const struct sts_policy *p, struct buf *out);
const char *sts_mode_text(enum sts_mode mode);

#endif
