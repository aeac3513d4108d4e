/* SPDX-License-Identifier: ISC */
/* For armor's own files: what stands behind "-----BEGIN PGP ". */
#ifndef OPENPGP_ARMOR_NAMES_H
#define OPENPGP_ARMOR_NAMES_H

#include "openpgp/frame/armor.h"

extern const char *const pgp_armor_names[PGP_ARMOR_COUNT];

#endif
