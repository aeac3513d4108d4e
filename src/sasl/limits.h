/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the sasl floor. Settings may lower them, never lift them.
 */
#ifndef SASL_LIMITS_H
#define SASL_LIMITS_H

#define SASL_TEXT_MAX 12288u    /* characters of one encoded response or challenge (RFC 4954 section 4) */
#define SASL_MESSAGE_MAX 9216u  /* octets of one decoded */
#define SASL_IDENTITY_MAX 1024u /* octets of an identity; RFC 4616 section 2 wants at least 255 */
#define SASL_PASSWORD_MAX 1024u /* likewise */
#define SASL_NAME_MAX 20u       /* characters of a mechanism's name (RFC 4422 section 3.1) */

#endif
