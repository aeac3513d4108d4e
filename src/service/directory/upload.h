/* SPDX-License-Identifier: ISC */
/*
 * Taking certificates, however they are sent: the octets are parsed and
 * filtered on the pool for uploads, what changed goes to the store at once, and
 * when the last is on disk, finish() answers. Who sends a password has it
 * checked first: his own addresses are published then.
 *
 *   directory_upload_begin(call, open, finish)
 *
 * Two uploads of one certificate at once: who comes second merges anew. What
 * would change nothing is not written, and none of its signatures is checked
 * again.
 */
#ifndef SERVICE_DIRECTORY_UPLOAD_H
#define SERVICE_DIRECTORY_UPLOAD_H

#include <stdatomic.h>

#include "openpgp/cert/cert.h"
#include "service/directory/directory.h"
#include "service/web/call.h"
#include "store/types.h"

enum directory_fate {
	DIRECTORY_INSERTED,
	DIRECTORY_UPDATED,
	DIRECTORY_IGNORED, /* all of it was there */
	DIRECTORY_INVALID, /* nothing of it was kept */
	DIRECTORY_FATES,
};

struct directory_item {
	enum directory_fate fate;
	uint32_t version;
	struct pgp_fingerprint fingerprint;
	struct store_certificate put; /* what the store is given, or has already when it is IGNORED */
	struct store_certificate_kept kept;
	bool changed; /* it is to be written */
};

struct directory_upload {
	/* The octets to be parsed, armored or binary, of the request's body; out is born empty. */
	int (*open)(struct web_call *call, struct buf *out, struct error *e);
	void (*finish)(struct web_call *call);
	void *own;             /* of who began it */
	struct slice identity; /* canonical: whose certificates they must be; else empty */
	struct directory_item items[DIRECTORY_UPLOAD_CERTIFICATES];
	size_t count;
	atomic_size_t pending; /* with the store */
	atomic_bool lost;      /* somebody else was faster with one of them */
	atomic_bool failed;    /* with error, which is the first */
	bool tried;
	struct error error;
	unsigned tries;
};

/*
 * First stage of a call. finish() runs on any thread, when everything is on disk or failed: error says why when a
 * certificate could not be kept; INVALID ones have none of their own.
 */
void directory_upload_begin(struct web_call *call, int (*open)(struct web_call *call, struct buf *out, struct error *e),
    void (*finish)(struct web_call *call));
/* The same without a look at the Authorization field, on a worker already. */
void directory_upload_run(struct web_call *call, int (*open)(struct web_call *call, struct buf *out, struct error *e),
    void (*finish)(struct web_call *call));

/* Whether what was sent has the user ID: what others uploaded before of that key is shown to nobody until it is proved. */
bool directory_upload_has(const struct pgp_certs *sent, struct slice user_id);

/* How many of a fate there are; and user IDs that are served now, of all. */
size_t directory_upload_fates(const struct directory_upload *u, enum directory_fate fate);
size_t directory_upload_published(const struct directory_upload *u);

#endif
