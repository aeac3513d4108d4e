/* SPDX-License-Identifier: ISC */
/* Armored keyrings; for cert.c only. */
#ifndef OPENPGP_CERT_ARMOR_H
#define OPENPGP_CERT_ARMOR_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends the octets of every armored block of text, one after the other. ERR_SYNTAX when there is no block. */
int pgp_certs_dearmor(struct slice text, struct buf *out, struct error *e);

#endif
