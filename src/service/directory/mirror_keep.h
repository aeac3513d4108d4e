/* SPDX-License-Identifier: ISC */
/* What of another directory's certificate is kept here: the end of mirror.c that the store is on. */
#ifndef SERVICE_DIRECTORY_MIRROR_KEEP_H
#define SERVICE_DIRECTORY_MIRROR_KEEP_H

#include "service/directory/mirror.h"

#define MIRROR_CERTIFICATE_MAX (1u << 20)

struct mirror_keep {
	struct port *store;
	struct mirror_result *result;
};

/* What is not to be kept is counted, not an error. The store's errors. */
int mirror_keep_bare(struct mirror_keep *k, struct slice certificate, struct error *e);
/* With its user IDs, of which those are published whose address is not in a domain of ours. */
int mirror_keep_users(struct mirror_keep *k, struct slice certificate, struct error *e);
/* Where the other server has all of it that it shows: /pks/v2/certs/by-vfingerprint/... ERR_SYNTAX. */
int mirror_keep_path(struct slice certificate, char *out, size_t size, struct error *e);

#endif
