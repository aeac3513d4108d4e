/* SPDX-License-Identifier: ISC */
/*
 * Changes of a key of one's own, as openpgp/cert/change.h makes them: the
 * secret key's file and what the store knows of its certificate are made one,
 * the agent signs, and what comes out is kept: first the file, then the store,
 * each as one step that is on disk before it has its name. Who is interrupted
 * in between finds the change in the file, and the next edit takes it into the
 * store.
 *
 *	rc = key_edit_begin(&d, &c, who);
 *	if (rc == 0)
 *		rc = key_edit_unlock(&d);
 *	if (rc == 0)
 *		rc = pgp_change_…(&d.change, …, &out, &c.error);
 *	if (rc == 0)
 *		rc = key_edit_keep(&d, buf_slice(&out));
 *	key_edit_done(&d);
 */
#ifndef CLIENT_KEY_EDIT_H
#define CLIENT_KEY_EDIT_H

#include "client/key/command.h"
#include "openpgp/cert/change.h"
#include "openpgp/judge/verify.h"

struct key_edit {
	struct key_command *c;
	struct pgp_cert *cert; /* with its secret parts, encrypted */
	struct agent_client *agent;
	struct pgp_change change; /* of cert, by the agent, now */
};

/*
 * who: an address or a fingerprint, of one key of ours; ERR_USAGE, with their fingerprints, when it is several.
 * key_edit_done() also after an error; errors are in c->error.
 */
int key_edit_begin(struct key_edit *d, struct key_command *c, struct slice who);
/* Sees to it that the agent holds the key. */
int key_edit_unlock(struct key_edit *d);
/* Keeps the changed key; cert and change are those of the new one then. */
int key_edit_keep(struct key_edit *d, struct slice changed);
void key_edit_done(struct key_edit *d);

/* Which key of ours is meant, as key_edit_begin() decides. */
int key_own(struct key_command *c, struct slice who, const struct trust_entry **out);
/*
 * The user ID that a person means: all of it, or the address in it, of those that are not revoked first. ERR_NOT_FOUND.
 */
int key_user_id(struct key_edit *d, struct slice meant, struct slice *out);
/* ERR_UNSUPPORTED when a secret part of the key is in a token: what opens it is a PIN, which no file may be locked by. */
int key_edit_not_in_token(struct key_edit *d);
/* Says in one line what was done and what to do for others to see it. */
int key_edit_say(struct key_edit *d, const char *what);

#endif
