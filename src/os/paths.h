/* SPDX-License-Identifier: ISC */
/*
 * Where a user's things lie (XDG Base Directory Specification): the folder
 * "letterlock" below the configuration, data and runtime folders. A relative
 * path in XDG_* is ignored, as the specification says. Nothing is made here.
 */
#ifndef OS_PATHS_H
#define OS_PATHS_H

#include "base/error.h"
#include "os/file.h"

/* Each fills out (FILE_PATH_MAX octets). ERR_NOT_FOUND without a home, ERR_LIMIT. */
int paths_config(char out[FILE_PATH_MAX], struct error *e); /* XDG_CONFIG_HOME or ~/.config */
int paths_data(char out[FILE_PATH_MAX], struct error *e);   /* XDG_DATA_HOME or ~/.local/share */
/* XDG_RUNTIME_DIR; without one, a folder of this user below /tmp, which the caller must check (dir_check_private()). */
int paths_runtime(char out[FILE_PATH_MAX], struct error *e);

/* The certificate directory that OpenPGP programs share: PGP_CERT_D, or XDG_DATA_HOME/pgp.cert.d. */
int paths_cert_d(char out[FILE_PATH_MAX], struct error *e);

/* The path of the running program, for starting itself again. */
int paths_self(char out[FILE_PATH_MAX], struct error *e);

#endif
