/* SPDX-License-Identifier: ISC */
/* The maxima of this floor. */
#ifndef MAILAUTH_LIMITS_H
#define MAILAUTH_LIMITS_H

#define MAILAUTH_NAME_MAX 255u    /* octets of a domain name as text (RFC 1035 section 2.3.4) */
#define MAILAUTH_RECORDS_MAX 128u /* of one answer */

#endif
