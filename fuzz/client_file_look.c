/* SPDX-License-Identifier: ISC */
/* What a file is, by its beginning: anybody's octets get an answer, and the same one twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/file_stream.h"
#include "openpgp/cert/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pgp_certs none = { 0 };
	struct file_look first, second;
	char path[40];
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	memset(&first, 0, sizeof first);
	memset(&second, 0, sizeof second);
	if (file_look(path, &none, &first, NULL) != 0 || file_look(path, &none, &second, NULL) != 0)
		abort();
	if (first.kind != second.kind || first.recipients != second.recipients || first.ours ||
	    first.key_id_count > FILE_SHOWN_MAX || first.key_id_count > first.recipients)
		abort();
	(void)file_is_cut(path);
	(void)close(fd);
	return 0;
}
