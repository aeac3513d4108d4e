/* SPDX-License-Identifier: ISC */
/*
 * App passwords: random ones, for one program or device each, which people
 * copy once and never remember. Seven groups of four characters of z-base-32:
 *
 *   yd7k-3ohq-1xuw-b9ge-m8ac-tf5n-zp6r        140 random bits
 *
 * As nobody can try that many, a verifier that is quick to compute is enough
 * for them (sasl/scram.h).
 */
#ifndef SERVICE_SIGNIN_APP_PASSWORD_H
#define SERVICE_SIGNIN_APP_PASSWORD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"

#define APP_PASSWORD_GROUPS 7u
#define APP_PASSWORD_GROUP 4u
#define APP_PASSWORD_LEN (APP_PASSWORD_GROUPS * (APP_PASSWORD_GROUP + 1) - 1)

/* A new one, NUL-terminated; wipe it after use. ERR_IO, ERR_CRYPTO. */
int app_password_make(char out[APP_PASSWORD_LEN + 1], struct error *e);
/* Whether text has their form, so that it may be one. */
bool app_password_is(struct slice text);

#endif
