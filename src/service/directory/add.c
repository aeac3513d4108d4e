/* SPDX-License-Identifier: ISC */
/* POST /pks/add (HKP v1): keytext=..., armored. */
#include "http/form.h"
#include "service/directory/directory.h"
#include "service/directory/upload.h"
#include "service/web/call.h"

static int
open_form(struct web_call *call, struct buf *out, struct error *e)
{
	int rc = http_form_value(call->body, "keytext", out, e);

	return rc == ERR_NOT_FOUND ? error_set(e, ERR_SYNTAX, "the form has no keytext") : rc;
}

static void
finish(struct web_call *call)
{
	const struct directory_upload *u = call->upload;
	size_t published = directory_upload_published(u);

	if (atomic_load(&u->failed)) {
		web_call_fail(call, &u->error);
		return;
	}
	buf_clear(&call->answer);
	(void)buf_putf(&call->answer, "Certificates kept: %zu. User IDs published: %zu.\n", u->count, published);
	if (published == 0)
		(void)buf_put_str(&call->answer, "Nothing can be found by its address until its owner verifies it.\n");
	/* 200 also when nothing is published yet: gpg takes 202 for a failure. */
	web_call_finish(call, 200, "text/plain; charset=utf-8");
}

void
directory_add(struct web_call *call)
{
	directory_upload_begin(call, open_form, finish);
}
