/* SPDX-License-Identifier: ISC */
/*
 * The key directory over HTTP: HKP v1 (draft-ietf-openpgp-hkp), a part of HKP
 * v2, and the Web Key Directory (draft-koch-openpgp-webkey-service) of our
 * domains. Its requests come from service/web/web.h.
 *
 *   GET  /pks/lookup?op=get|index|vindex&search=...  v4 certificates only: old clients break on v6
 *   POST /pks/add                                     keytext=...; HTTP Basic of an account, over TLS only
 *   GET  /pks/lookup?op=stats
 *   GET  /pks/v2/certs/by-vfingerprint/06..., .../by-identity/ADDRESS, .../by-keyid/...     binary; version 6 too
 *   GET  /pks/v2/index/ADDRESS                JSON
 *   GET  /pks/v2/prefixlog/2026-02-03         which changed on that day, by eight digits
 *   GET  /vks/v1/by-fingerprint/..., by-keyid/..., by-email/ADDRESS
 *   GET  /pks/private/parameters, by-address/DIGITS, by-fingerprint/DIGITS       doc/private-lookup.md
 *   GET  /.well-known/openpgpkey/hu/HASH?l=LOCAL and /.well-known/openpgpkey/DOMAIN/hu/..., /policy
 *
 * What is published: the primary key, subkeys, their bindings and revocations,
 * and those user IDs whose address belongs to an account here and that this
 * account uploaded itself (or anybody, when the setting directory_open says
 * so and no other certificate has the address yet). A stranger's upload is kept
 * without user IDs until then. Signatures that do not verify as the key's own,
 * other people's signatures, attributes and unknown packets are left out.
 * Merging adds and never takes away; a revocation is never lost.
 */
#ifndef SERVICE_DIRECTORY_H
#define SERVICE_DIRECTORY_H

#include <stdbool.h>

#include "base/slice.h"

#define DIRECTORY_UPLOAD_MAX (1u << 20)        /* octets of an upload, as it is sent */
#define DIRECTORY_CERTIFICATE_MAX (512u << 10) /* octets of a certificate that is kept */
#define DIRECTORY_UPLOAD_CERTIFICATES 16u      /* of one upload */
#define DIRECTORY_MATCHES_MAX 100u             /* certificates in one answer */
#define DIRECTORY_WAITING_MAX 10000u           /* certificates without a published user ID, over all */

struct web_call;

/* Whether there is such a part of HKP v2: what stands behind /pks/v2/. */
bool directory_v2_knows(struct slice path);

/* ---- first stages (service/web/call.h) ---- */

void directory_lookup(struct web_call *call);      /* /pks/lookup */
void directory_certificate(struct web_call *call); /* /pks/v2/certs/... */
void directory_index(struct web_call *call);       /* /pks/v2/index/... */
void directory_prefixlog(struct web_call *call);   /* /pks/v2/prefixlog/... */
void directory_v2_other(struct web_call *call);    /* what else is asked of HKP v2 */
void directory_vks(struct web_call *call);         /* /vks/v1/by-... */
void directory_private(struct web_call *call);     /* /pks/private/... */
void directory_wkd(struct web_call *call);         /* /.well-known/openpgpkey/... */
void directory_add(struct web_call *call);         /* /pks/add */
void directory_certs_post(struct web_call *call);  /* POST /pks/v2/certs */
void directory_sendtoken(struct web_call *call);   /* /pks/v2/sendtoken */
void directory_canonical(struct web_call *call);   /* /pks/v2/canonical/... */
void directory_vks_upload(struct web_call *call);  /* /vks/v1/upload */
void directory_vks_request_verify(struct web_call *call);

#endif
