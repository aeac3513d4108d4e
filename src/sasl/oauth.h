/* SPDX-License-Identifier: ISC */
/*
 * The messages of OAUTHBEARER (RFC 7628) and of XOAUTH2, which it came from:
 * a bearer token in key=value pairs between octets 1, and the server's reason
 * as JSON. XOAUTH2 has no standard; it is as its inventor describes it.
 */
#ifndef SASL_OAUTH_H
#define SASL_OAUTH_H

#include "sasl/sasl.h"
#include "sasl/server.h"

/*
 * The token, which may be empty (a client that asks what scope it needs: RFC 7628 section 4.3), and the identity; host
 * and port when they are there. What is parsed points into the message, the identity into name, which it is put into.
 * ERR_SYNTAX, ERR_LIMIT, ERR_UNSUPPORTED (channel binding, or a token that is not of the type Bearer), ERR_NOMEM.
 */
int
oauth_bearer_parse(struct slice message, struct buf *name, struct sasl_credentials *credentials_out, struct error *e);
int
oauth_xoauth2_parse(struct slice message, struct buf *name, struct sasl_credentials *credentials_out, struct error *e);

/* What the parsers would take is the caller's care. Return out's sticky error. */
int oauth_bearer_write(const struct sasl_credentials *credentials, struct buf *out);
int oauth_xoauth2_write(const struct sasl_credentials *credentials, struct buf *out);

/* The server's reasons. Return out's sticky error. */
int oauth_bearer_refusal_write(const struct sasl_server_token *token, struct buf *out);
int oauth_xoauth2_refusal_write(const struct sasl_server_token *token, struct buf *out);

#endif
