/* SPDX-License-Identifier: ISC */
#include "client/passphrase.h"

#include "os/terminal.h"

#define QUESTION_MAX 400u

static int
use_one(const struct common *c, const char *question, client_passphrase_use *use, void *ctx, struct error *e)
{
	struct buf passphrase;
	int rc;

	buf_init(&passphrase, TERMINAL_SECRET_MAX);
	rc = client_passphrase(c, question, false, &passphrase, e);
	if (rc == 0)
		rc = use(ctx, buf_slice(&passphrase), e);
	buf_wipe_done(&passphrase);
	return rc;
}

int
client_passphrase_try(
    const struct common *c, const char *question, client_passphrase_use *use, void *ctx, struct error *e)
{
	BUF_OWNED struct buf again = { .max = QUESTION_MAX };
	int rc = use_one(c, question, use, ctx, e);

	for (unsigned n = 1; n < CLIENT_PASSPHRASE_TRIES && rc == ERR_PASSWORD && c->passphrase_fd < 0; n++) {
		buf_clear(&again);
		(void)buf_putf(&again, "That was not it (%u of %u). %.320s", n, CLIENT_PASSPHRASE_TRIES, question);
		(void)buf_put_u8(&again, 0);
		rc = again.err != 0 ? error_nomem(e) : use_one(c, (const char *)again.data, use, ctx, e);
	}
	return rc;
}
