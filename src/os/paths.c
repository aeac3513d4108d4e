/* SPDX-License-Identifier: ISC */
#include "os/paths.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME "letterlock"

static const char *
home(void)
{
	const char *h = secure_getenv("HOME");
	struct passwd *p;

	if (h != NULL && h[0] == '/')
		return h;
	p = getpwuid(geteuid());
	return p != NULL && p->pw_dir != NULL && p->pw_dir[0] == '/' ? p->pw_dir : NULL;
}

static int
below(char out[FILE_PATH_MAX], const char *variable, const char *from_home, const char *name, struct error *e)
{
	const char *folder = secure_getenv(variable), *h;
	int n;

	if (folder != NULL && folder[0] == '/')
		return path_join(out, folder, name, e);
	h = home();
	if (h == NULL)
		return error_set(e, ERR_NOT_FOUND, "there is no home folder: set HOME or %s", variable);
	n = snprintf(out, FILE_PATH_MAX, "%s/%s/%s", h, from_home, name);
	return n > 0 && n < (int)FILE_PATH_MAX ? 0 : error_set(e, ERR_LIMIT, "the path of the home folder is too long");
}

int
paths_config(char out[FILE_PATH_MAX], struct error *e)
{
	return below(out, "XDG_CONFIG_HOME", ".config", NAME, e);
}

int
paths_data(char out[FILE_PATH_MAX], struct error *e)
{
	return below(out, "XDG_DATA_HOME", ".local/share", NAME, e);
}

int
paths_runtime(char out[FILE_PATH_MAX], struct error *e)
{
	const char *folder = secure_getenv("XDG_RUNTIME_DIR");

	if (folder != NULL && folder[0] == '/')
		return path_join(out, folder, NAME, e);
	(void)snprintf(out, FILE_PATH_MAX, "/tmp/" NAME "-%u", (unsigned)geteuid());
	return 0;
}

int
paths_cert_d(char out[FILE_PATH_MAX], struct error *e)
{
	const char *folder = secure_getenv("PGP_CERT_D");

	if (folder == NULL || folder[0] == '\0')
		return below(out, "XDG_DATA_HOME", ".local/share", "pgp.cert.d", e);
	return path_join(out, folder, "", e);
}

int
paths_self(char out[FILE_PATH_MAX], struct error *e)
{
	ssize_t n = readlink("/proc/self/exe", out, FILE_PATH_MAX - 1);

	if (n < 0)
		return error_set_errno(e, ERR_NOT_FOUND, errno, "cannot find the running program");
	out[n] = '\0';
	return 0;
}
