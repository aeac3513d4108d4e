/* SPDX-License-Identifier: ISC */
/*
 * A domain's CA: an OpenPGP key whose certifications say "this directory has
 * verified that the address belongs to this key". Pure.
 *
 * It certifies user IDs of certificates (RFC 9580 5.2.1.4, type 0x10) whose
 * address is of its own domain, exportable, for CA_CERTIFY_SECONDS, with a
 * notation address-verified@DOMAIN (the domain's own namespace, 5.2.3.24)
 * whose value says how: "account", "mail" or "operator". Nothing else.
 *
 * Its user ID is "DOMAIN key directory <openpgp-ca@DOMAIN>", its key v4
 * Ed25519, which every OpenPGP program reads. Who wants to rely on it makes it
 * a root for "@DOMAIN" only.
 */
#ifndef SERVICE_KEYS_CA_H
#define SERVICE_KEYS_CA_H

#include "openpgp/cert/cert.h"
#include "openpgp/judge/certification.h"
#include "openpgp/key/keyops.h"

#define CA_CERTIFY_SECONDS (90u * 86400) /* a certification is good for */
#define CA_RENEW_SECONDS (30u * 86400)   /* it is made anew so long before its end */
#define CA_LOCAL_PART "openpgp-ca"
#define CA_NOTATION "address-verified"
#define CA_USER_ID_MAX 600u /* octets, with two domains */
#define CA_KEY_MAX (64u << 10)

enum ca_how { CA_HOW_ACCOUNT = 1, CA_HOW_MAIL = 2, CA_HOW_OPERATOR = 3 };
#define CA_HOW_LAST CA_HOW_OPERATOR
/* "account", "mail", "operator"; NULL for others. */
const char *ca_how_name(uint32_t how);

/* A CA with its secret. */
struct ca {
	struct pgp_certs certs; /* one */
	struct pgp_memory_keys *secrets;
	struct slice domain; /* in cert */
};

/* Appends a new secret key, binary: a secret. now: unix seconds. ERR_USAGE: the domain does not fit. */
int ca_new(struct slice domain, uint64_t now, struct buf *secret_out, struct error *e);
/* ERR_SYNTAX: not one of ca_new()'s, or not of that domain. End with ca_close(), also after an error. */
int ca_open(struct slice secret, struct slice domain, struct ca *ca_out, struct error *e);
void ca_close(struct ca *ca);

/*
 * Appends target with a certification of that user ID; one that this CA made before is left out, if it verifies or not.
 * ERR_DENIED: an address of another domain, the CA itself; ERR_NOT_FOUND: no such user ID; ERR_SYNTAX: how; ERR_LIMIT.
 */
int ca_certify(const struct ca *ca, const struct pgp_cert *target, struct slice user_id, uint32_t how, uint64_t now,
    struct buf *out, struct error *e);
/* Until when the CA of that (public) certificate certifies the user ID, unix seconds; 0: it does not. */
int ca_certified_until(const struct pgp_cert *ca, const struct pgp_cert *target, struct slice user_id, uint64_t now,
    uint64_t *until_out, struct error *e);
/* Whether address is of that domain. ASCII case ignored. */
bool ca_is_of(struct slice address, struct slice domain);

#endif
