/* SPDX-License-Identifier: ISC */
/* Hard maxima of the trust floor. */
#ifndef TRUST_LIMITS_H
#define TRUST_LIMITS_H

#define TRUST_CERT_MAX (4u << 20)   /* octets of one certificate that is kept; larger ones were flooded */
#define TRUST_INDEX_MAX (16u << 20) /* octets of the index */
#define TRUST_CERTS_MAX 20000u      /* certificates in one store */
#define TRUST_ADDRESSES_MAX 32u     /* addresses of one certificate that are indexed */
#define TRUST_KEYS_MAX 64u          /* primary and subkeys of one certificate that are indexed */
#define TRUST_ADDRESS_MAX 320u      /* octets of an address */
#define TRUST_FROM_MAX 256u         /* octets of where a certificate came from */
#define TRUST_CANDIDATES_MAX 16u    /* certificates of one address that are looked at */
#define TRUST_ANSWER_MAX (8u << 20) /* octets of a directory's answer */

#endif
