/* SPDX-License-Identifier: ISC */
/* Any bytes: what is taken for a revocation is one signature packet, and stays one behind a primary key. */
#include <stdlib.h>

#include "openpgp/cert/cert.h"
#include "service/directory/revocation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The primary key of fuzz/corpus/service_directory_filter/gpg would do; any packet of a version 4 key does. */
static const uint8_t key[] = { 0x98, 0x33, 0x04, 0x60, 0x00, 0x00, 0x00, 0x16, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda,
	0x47, 0x0f, 0x01, 0x01, 0x07, 0x40, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct directory_revocation r;
	struct pgp_cert *cert;
	struct buf joined;
	size_t used;

	buf_init(&joined, 1 << 20);
	if (directory_revocation_parse(slice_of(data, size), &r, NULL) == 0) {
		if (directory_revocation_join(&r, slice_of(key, sizeof key), &joined, NULL) != 0 ||
		    pgp_cert_parse(buf_slice(&joined), &cert, &used, NULL) != 0)
			abort();
		if (used != joined.len || cert->component_count != 1 || cert->components[0].part_count != 1)
			abort();
		pgp_cert_free(cert);
	}
	directory_revocation_done(&r);
	buf_done(&joined);
	return 0;
}
