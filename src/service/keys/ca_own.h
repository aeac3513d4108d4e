/* SPDX-License-Identifier: ISC */
/* A CA's own certificate: what the operator's verbs do with it, and how it gets into the directory. */
#ifndef SERVICE_KEYS_CA_OWN_H
#define SERVICE_KEYS_CA_OWN_H

#include "base/arena.h"
#include "os/port.h"
#include "service/keys/ca.h"

/* Appends the public certificate, binary. */
int ca_public(const struct ca *ca, struct buf *out, struct error *e);
/* The same, revoked: retired (RFC 9580 5.2.3.31), with this text. */
int ca_revoked(const struct ca *ca, struct slice text, uint64_t now, struct buf *out, struct error *e);
/* Appends it in armor. */
int ca_armor(struct slice certificate, struct buf *out, struct error *e);
/* Appends its fingerprint, in groups. */
int ca_fingerprint(struct slice certificate, struct buf *out, struct error *e);
/* Puts it into the directory, published: its address is the directory's own. */
int ca_put(struct port *store, struct slice certificate, struct error *e);

#endif
