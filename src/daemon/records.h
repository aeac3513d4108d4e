/* SPDX-License-Identifier: ISC */
/*
 * The DNS records that a domain needs for this exchange: `letterlockd domain
 * records` prints them as lines of a zone file, and `letterlockd check`
 * compares them with what DNS says (daemon/check_records.h). Plain values in,
 * plain values out.
 *
 *   MX                                  where its mail goes (RFC 5321 5)
 *   A, AAAA of our own name             only when that is in the domain
 *   SRV _submissions, _imaps, ...       how mail clients find the servers (RFC 6186, RFC 8314 5.1); "." where nothing is
 *   CNAME autoconfig, autodiscover      where other mail clients ask (service/web/autoconfig.h)
 *   SRV _autodiscover                   the same for Outlook
 *   CNAME openpgpkey                    the Web Key Directory, advanced method (draft-koch-openpgp-webkey-service 3.1)
 *   TLSA of port 25                     our key, for senders that believe DNSSEC (RFC 7672)
 *   TXT SELECTOR._domainkey             keys that its mail is signed with (RFC 6376 3.6.1; daemon/dkim.h)
 *   TXT _mta-sts, CNAME mta-sts         our MTA-STS policy, when there is one (RFC 8461; service/policy/own.h)
 *   TXT _smtp._tls                      advice: where others report on TLS (RFC 8460)
 *   TXT SPF, DMARC                      advice: who may send as the domain (RFC 7208, RFC 7489)
 */
#ifndef DAEMON_RECORDS_H
#define DAEMON_RECORDS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "daemon/config.h"
#include "daemon/dkim.h"
#include "daemon/place.h"
#include "daemon/verbs.h"
#include "net/tls.h"

#define RECORDS_MAX 64u
#define RECORDS_TTL 3600u

enum record_need {
	RECORD_NEEDED, /* without it mail does not arrive, or mail clients do not find us */
	RECORD_ADVISED,
};

/* When it is right. */
enum record_rule {
	RECORD_IS,         /* it is among those of its name and type */
	RECORD_LEADS_HERE, /* the name has our addresses, by whichever records */
	RECORD_RESOLVES,   /* there are addresses */
	RECORD_BEGINS,     /* a text that begins with the same word: what is in it is the domain's own matter */
	RECORD_DKIM,       /* one of them has the same key */
	RECORD_OR_NONE,    /* there is none, or it is among them: another one does harm */
};

struct record {
	struct slice name;  /* without last dot */
	uint16_t type;      /* net/dns.h */
	struct slice rdata; /* empty: not known here */
	enum record_need need;
	enum record_rule rule;
	const char *why; /* a sentence without its full stop */
};

struct records {
	struct record list[RECORDS_MAX];
	size_t count;
};

struct records_source {
	const struct config *config;
	struct slice domain;
	const uint8_t *pin;           /* of our certificate; NULL: there is none yet */
	const struct dkim_keys *dkim; /* of the domain; NULL: they are left out */
};

/* A text as RDATA of TXT, in strings of at most 255 octets; and such RDATA as text. Appends; out's error, ERR_SYNTAX. */
int records_text_put(struct slice text, struct buf *rdata_out);
int records_text_get(struct slice rdata, struct buf *text_out);

/* The RDATA of TLSA for a key, "3 1 1". Appends; out's error. */
int records_tlsa_put(const uint8_t pin[TLS_PIN_SIZE], struct buf *rdata_out);

/* The number of a port of the configuration by its name; 0: off, any, or not known. */
uint16_t records_port(const struct config *config, const char *name);
/* The names in the domain under which mail clients reach us over TLS, so that the certificate needs them. At most RECORDS_NAMES_MAX. */
#define RECORDS_NAMES_MAX 5u
size_t records_names(const struct records_source *source, struct arena *a, const char *names_out[RECORDS_NAMES_MAX]);
/* Memory is the arena's. ERR_SYNTAX (a domain that is none), ERR_NOMEM, ERR_LIMIT. */
int records_make(const struct records_source *source, struct arena *a, struct records *out, struct error *e);

/*
 * Which domains are ours, in A-labels: the store's (p NULL: none is there yet), and those of the configuration that the next
 * start or reload puts there. Memory is the arena's.
 */
int records_domains(struct place *p, const struct config *config, struct arena *a, struct slice **domains_out,
    size_t *count_out, struct error *e);
/* Which of them that is, in either form of labels. Empty: none. */
struct slice records_find(const struct slice *domains, size_t count, const char *name);
/* Whether a name is a domain or below it. */
bool records_is_inside(struct slice name, struct slice domain);
/* Whether there is a certificate, and its pin. */
bool records_pin(const struct config *config, uint8_t pin_out[TLS_PIN_SIZE]);

/* `letterlockd domain records DOMAIN`; a row of daemon/domain.c. */
int domain_records(struct place *p, const struct verb_input *in, struct error *e);
/* `letterlockd domain tlsa DOMAIN|HOST`; likewise, in daemon/domain_tlsa.c. */
int domain_tlsa(struct place *p, const struct verb_input *in, struct error *e);
/* `letterlockd domain reports DOMAIN [ADDRESS]`; in daemon/domain_reports.c. */
int domain_reports(struct place *p, const struct verb_input *in, struct error *e);

#endif
