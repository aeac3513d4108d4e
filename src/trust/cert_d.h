/* SPDX-License-Identifier: ISC */
/*
 * The certificate directory that OpenPGP programs of one person share, as `sq`
 * uses it (draft-nwjw-openpgp-cert-d): each certificate is a file named by its
 * fingerprint in lower case, two digits for the folder and the rest for the
 * file (ab/cdef…), binary; whoever writes holds the lock on the file
 * "writelock" and replaces files as one step. Names that are no fingerprint
 * (trust-root, what begins with an underscore) are other programs' business:
 * they are neither read nor touched.
 *
 * What comes from there is evidence TRUST_CERT_D: other programs put there what
 * they find, so it says nothing about whose a certificate is. Given to it is
 * what the person believes (trust_is_believed()), with local signatures, for the
 * directory is as local as our store. Both sides merge; nothing is removed.
 *
 * Looking again costs a look at each of the at most 256 folders: a file is
 * replaced by renaming, which changes its folder's time. Times of the last
 * seconds are not relied upon.
 */
#ifndef TRUST_CERT_D_H
#define TRUST_CERT_D_H

#include "trust/store.h"

struct trust_cert_d_report {
	size_t read;    /* files that were new or had changed */
	size_t taken;   /* of these had something new for us */
	size_t skipped; /* of these are no certificate, or another than they are named for */
	size_t given;   /* files written */
};

/* What is new there comes into the store. A folder that is not there has nothing. Adds to report. */
int trust_cert_d_import(struct trust_store *s, const char *folder, const struct pgp_policy *policy,
    struct trust_cert_d_report *report, struct error *e);
/* What is new here goes there; the folder is made when missing. ERR_DENIED, ERR_IO, ERR_FULL. */
int trust_cert_d_export(struct trust_store *s, const char *folder, struct trust_cert_d_report *report, struct error *e);
/* Both, when the person wants that always (TRUST_SETTING_CERT_D in records.h); else nothing. For each opening. */
int trust_cert_d_watch(struct trust_store *s, const char *folder, const struct pgp_policy *policy, struct error *e);

/* A fingerprint of a file's path "ab/cdef…" below the directory, and the other way round (both in lower case). */
bool trust_cert_d_parse(struct slice name, struct pgp_fingerprint *out);
int trust_cert_d_name(const struct pgp_fingerprint *f, struct buf *out);

#endif
