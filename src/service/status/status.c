/* SPDX-License-Identifier: ISC */
#include "service/status/status.h"

#include "service/status/metrics.h"

static const struct codec_field question_fields[] = {
	CODEC_FIELD(struct status_question, unused, CODEC_U8, 0),
};
static const struct codec_schema question_schema = CODEC_SCHEMA(status_question, question_fields);

static const struct codec_field answer_fields[] = {
	CODEC_FIELD(struct status_answer, text, CODEC_BYTES, METRICS_TEXT_MAX),
};
static const struct codec_schema answer_schema = CODEC_SCHEMA(status_answer, answer_fields);

static const struct port_method methods[] = { { STATUS_METHOD_status, "status", &question_schema, &answer_schema } };
const struct port_interface status_interface = { "status", methods, sizeof methods / sizeof methods[0] };

static void
run(void *ctx, struct port_job *job)
{
	BUF_OWNED struct buf text = { 0 };
	struct error e;
	int rc;

	(void)ctx;
	buf_init(&text, METRICS_TEXT_MAX);
	rc = metrics_write(&text);
	if (rc == 0) {
		port_reply(job, &(struct status_answer){ buf_slice(&text) });
		return;
	}
	(void)error_set(&e, rc, "the numbers cannot be written down");
	port_fail(job, &e);
}

const struct port_handler status_handler = { STATUS_METHOD_status, run };
