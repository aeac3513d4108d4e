/* SPDX-License-Identifier: ISC */
/*
 * The settings of mail clients, in the documents that they ask for. Plain
 * values in, text out; what is asked over HTTP is autoconfig_call.h.
 *
 *   Thunderbird and others  config-v1.1.xml (draft-ietf-mailmaint-autoconfig)
 *   Outlook                 the answer of Autodiscover, "plain old XML" (MS-OXDSCLI), of IMAP, POP3 and SMTP;
 *                           and its JSON form, which only names the address of that
 *   Apple                   a configuration profile (com.apple.mail.managed), without a password
 *   people                  a page
 *
 * Nothing in them depends on whether an address has an account: what is said
 * of one address of a domain is said of all.
 */
#ifndef SERVICE_WEB_AUTOCONFIG_H
#define SERVICE_WEB_AUTOCONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define AUTOCONFIG_DOCUMENT_MAX (64u << 10) /* octets of a document */
#define AUTOCONFIG_ADDRESS_MAX 320u         /* octets of an address that is asked for (RFC 5321 4.5.3.1) */

/* What listens; 0: nothing does. */
struct autoconfig_ports {
	uint16_t imap, imaps, pop3, pop3s, submission, submissions, https;
};

struct autoconfig {
	struct slice hostname;       /* of all servers */
	struct slice domain;         /* the one that is asked for */
	const struct slice *domains; /* all, in A-labels; the one that is asked for may be among them */
	size_t domain_count;
	struct autoconfig_ports ports;
	bool oauth2; /* OAuth 2.0 is taken too */
};

enum autoconfig_protocol { AUTOCONFIG_IMAP, AUTOCONFIG_POP3, AUTOCONFIG_SMTP };

struct autoconfig_server {
	enum autoconfig_protocol protocol;
	uint16_t port;
	bool start_tls; /* else TLS from the first octet */
};

#define AUTOCONFIG_SERVERS_MAX 6u

/* Those that are there, the better ones of a protocol first. Returns how many. */
size_t autoconfig_servers(const struct autoconfig_ports *ports, struct autoconfig_server out[AUTOCONFIG_SERVERS_MAX]);
/* The best one; false when there is none. */
bool autoconfig_best(
    const struct autoconfig_ports *ports, enum autoconfig_protocol protocol, struct autoconfig_server *server_out);
/* Whether mail can be read and sent with what is there. */
bool autoconfig_is_useful(const struct autoconfig_ports *ports);

/* ---- what is asked for ---- */

/* What stands in front of a domain in the names that clients try. */
#define AUTOCONFIG_PREFIX "autoconfig."
#define AUTODISCOVER_PREFIX "autodiscover."
#define OPENPGPKEY_PREFIX "openpgpkey."

/* The name of a Host field: without port and last dot. */
struct slice autoconfig_host_name(struct slice host);
/*
 * The domain that is asked for, as it stands in the list: the address's (in either form of labels), or, when there is no address, that of the Host
 * field, with or without one of the prefixes; for our own name it is the first. Empty: none of ours.
 */
struct slice autoconfig_domain(const struct autoconfig *a, struct slice address, struct slice host);
/* Whether a name is our own, or one of the domains with or without one of the prefixes. */
bool autoconfig_is_our_name(const struct autoconfig *a, struct slice name);
/* Whether a text can stand for an address: one part, '@', another, without blanks and controls. */
bool autoconfig_is_address(struct slice text);

/* ---- documents, appended; out's sticky error is returned ---- */

int autoconfig_write_thunderbird(const struct autoconfig *a, struct buf *out);
int autoconfig_write_page(const struct autoconfig *a, struct buf *out);

/* address may be empty: then the device asks for it. ERR_CRYPTO, ERR_NOMEM. */
int autoconfig_write_apple(const struct autoconfig *a, struct slice address, struct buf *out, struct error *e);

/* What Outlook asks for. */
struct autoconfig_outlook {
	struct slice address; /* points into the buf */
	bool other_schema;    /* it wants an answer of a kind that we have not (Exchange, ActiveSync) */
};
/*
 * text: born empty with at least AUTOCONFIG_ADDRESS_MAX and 100 more octets; holds what asked_out->address points to.
 * ERR_SYNTAX, ERR_POLICY, ERR_LIMIT: it is no proper request, and is answered with code 600.
 */
int
autoconfig_read_outlook(struct slice document, struct buf *text, struct autoconfig_outlook *asked_out, struct error *e);
int autoconfig_write_outlook(const struct autoconfig *a, struct slice address, struct buf *out);
/* MS-OXDSCLI 2.2.4.1.1.3: 500 (no such address), 600 (no proper request), 601 (no such kind of answer). */
int autoconfig_write_outlook_error(unsigned code, uint64_t now, struct buf *out);
/* protocol: what the client asks for, in any case of letters. False: it is not known, and out has the refusal. */
bool autoconfig_write_outlook_json(const struct autoconfig *a, struct slice protocol, struct buf *out);

#endif
