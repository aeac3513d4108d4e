/* SPDX-License-Identifier: ISC */
#include "daemon/process_authorities.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/log.h"

#define PIECE (64u << 10)

int
authorities_open(const struct config *config)
{
	struct error e;
	int fd;

	if (config->authorities == NULL)
		return -1;
	fd = open(config->authorities, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	(void)error_set_errno(&e, ERR_IO, errno, "cannot open %s", config->authorities);
	log_event(LOG_LEVEL_WARNING, "parent.no_authorities", log_error(&e),
	    log_str("do",
		"install ca-certificates, or set authorities: no server's certificate is valid, and no MTA-STS "
		"policy can be fetched"));
	return -1;
}

void
authorities_read(int fd, struct buf *out)
{
	ssize_t n = 1;

	while (fd >= 0 && n > 0) {
		uint8_t *room = buf_reserve(out, PIECE);

		n = room == NULL ? 0 : read(fd, room, PIECE);
		if (n > 0)
			buf_commit(out, (size_t)n);
	}
}
