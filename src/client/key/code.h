/* SPDX-License-Identifier: ISC */
/*
 * Fingerprints to be compared: as a QR code that other programs read too
 * ("OPENPGP4FPR:" and hexadecimal digits, as OpenKeychain, Delta Chat and others
 * have it; what may follow behind "#" or "?" is left aside), and as words.
 */
#ifndef CLIENT_KEY_CODE_H
#define CLIENT_KEY_CODE_H

#include "base/qr.h"
#include "client/key/command.h"

/* Any case, "%20" and spaces between the digits; what stands behind the digits is passed over. ERR_SYNTAX. */
int key_code_parse(struct slice text, struct pgp_fingerprint *out, struct error *e);
/* End with qr_done(), also after an error. */
int key_code_make(const struct pgp_fingerprint *f, struct qr *out, struct error *e);
/*
 * output NULL: to the terminal; else to a file, an SVG picture when its name ends in .svg, else PNG.
 */
int key_code_show(const struct pgp_fingerprint *f, const char *output, struct error *e);
/* Fingerprint in groups, and as words. */
void key_code_say(const struct pgp_fingerprint *f, bool words);
/* The only fingerprint that a picture's codes have. ERR_NOT_FOUND, ERR_USAGE when there are several. */
int key_code_scan(const char *path, struct pgp_fingerprint *out, struct error *e);

#endif
