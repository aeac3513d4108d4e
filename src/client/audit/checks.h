/* SPDX-License-Identifier: ISC */
/* What is looked at: one row each, with the words for people. */
#ifndef CLIENT_AUDIT_CHECKS_H
#define CLIENT_AUDIT_CHECKS_H

enum audit_result {
	AUDIT_GOOD,
	AUDIT_NOTE, /* worth knowing; it may stay so */
	AUDIT_WEAK, /* it makes an attack easier */
	AUDIT_BAD,  /* mail is lost, or is read on its way */
	AUDIT_UNKNOWN,
};

enum audit_group {
	AUDIT_NAMES,
	AUDIT_CONNECTION,
	AUDIT_ENCRYPTION,
	AUDIT_CERTIFICATE,
	AUDIT_POLICY,
	AUDIT_SENDERS,
	AUDIT_PEOPLE,
	AUDIT_GROUPS,
};

enum audit_check {
	CHECK_DNSSEC,
	CHECK_MX,
	CHECK_MX_ALIAS,
	CHECK_MX_RESOLVES,
	CHECK_MX_AGREE,
	CHECK_REACH,
	CHECK_STARTTLS,
	CHECK_STRIPPED,
	CHECK_PATHS,
	CHECK_BEHIND,
	CHECK_HANDSHAKE,
	CHECK_VERSIONS,
	CHECK_OLD_VERSIONS,
	CHECK_CIPHER,
	CHECK_WEAK_CIPHERS,
	CHECK_CERT_NAME,
	CHECK_CERT_CHAIN,
	CHECK_CERT_TIME,
	CHECK_CERT_KEY,
	CHECK_DANE,
	CHECK_DANE_MATCH,
	CHECK_DANE_ROLL,
	CHECK_STS,
	CHECK_STS_POLICY,
	CHECK_STS_MODE,
	CHECK_STS_HOSTS,
	CHECK_STS_CERT,
	CHECK_STS_AGE,
	CHECK_TLSRPT,
	CHECK_ENFORCED,
	CHECK_SPF,
	CHECK_SPF_ALL,
	CHECK_SPF_LOOKUPS,
	CHECK_DKIM,
	CHECK_DKIM_KEY,
	CHECK_DMARC,
	CHECK_DMARC_POLICY,
	CHECK_DMARC_REPORTS,
	CHECK_WKD,
	CHECK_KEYSERVER,
	CHECK_SERVICES,
	CHECK_COUNT,
};

struct audit_row {
	const char *id; /* in JSON */
	enum audit_group group;
	const char *title;
	const char *advice; /* what to do when it is not good: sentences */
};

extern const struct audit_row audit_rows[CHECK_COUNT];
extern const char *const audit_group_titles[AUDIT_GROUPS];
const char *audit_result_word(enum audit_result r); /* "good", "note", "weak", "bad", "unknown" */

#endif
