/* SPDX-License-Identifier: ISC */
/*
 * What an operator, or a mirror, does with the key directory's store, past the
 * process that serves it: everything waits for the store. The same filter as
 * for uploads, but certificates may be of any domain.
 */
#ifndef SERVICE_DIRECTORY_OPERATE_H
#define SERVICE_DIRECTORY_OPERATE_H

#include "os/port.h"
#include "store/types.h"

/*
 * Takes all certificates of a text, armored or binary, into the store: what is
 * new is held. told: of each, after it is on disk; may be NULL.
 * ERR_SYNTAX when there is none; the filter's and the store's.
 */
int directory_operate_add(struct port *store, struct slice text,
    void (*told)(void *ctx, const struct store_certificate *put, const struct store_certificate_kept *kept), void *ctx,
    struct error *e);

/*
 * Publishes (in->how is not 0) or unpublishes. What an older program kept gets
 * the places of its user IDs first. ERR_NOT_FOUND, ERR_POLICY, ERR_DENIED.
 */
int directory_operate_publish(struct port *store, const struct store_certificate_publish *in,
    struct store_certificate_kept *kept, struct error *e);

/* A fingerprint as people type it: with spaces, in any case. ERR_SYNTAX. out: STORE_FINGERPRINT_MAX octets. */
int directory_operate_fingerprint(const char *text, uint8_t *out, struct slice *fingerprint_out, struct error *e);

#endif
