/* SPDX-License-Identifier: ISC */
/* What is known of the server and of how far the client machine is, and the table that drives it. */
#include "smtp/client_internal.h"

/* ---- what is known, and driving it ---- */

bool
smtp_client_has_8bitmime(const struct smtp_client *m)
{
	return m->body_8bit;
}

bool
smtp_client_has_utf8(const struct smtp_client *m)
{
	return m->has_utf8;
}

bool
smtp_client_has_dsn(const struct smtp_client *m)
{
	return m->has_dsn;
}

bool
smtp_client_has_require_tls(const struct smtp_client *m)
{
	return m->tls && m->has_require_tls;
}

bool
smtp_client_has_start_tls(const struct smtp_client *m)
{
	return m->offered_tls;
}

bool
smtp_client_says_goodbye(const struct smtp_client *m)
{
	return m->goodbye;
}

struct slice
smtp_client_server_name(const struct smtp_client *m)
{
	return buf_slice(&m->server_name);
}

uint64_t
smtp_client_size_max(const struct smtp_client *m)
{
	return m->size_max;
}

struct slice
smtp_client_output(struct smtp_client *m)
{
	return buf_slice(&m->out);
}

void
smtp_client_sent(struct smtp_client *m, size_t len)
{
	buf_consume(&m->out, len);
	if (m->state == STATE_TEXT || m->state == STATE_END)
		m->octets += len;
}

#define MINUTES(n) (INT64_C(60000) * (n))

/* RFC 5321 section 4.5.3.2. */
static int64_t
envelope_patience(const struct smtp_client *m)
{
	bool data = m->answered > m->message.recipient_count;

	return data ? MINUTES(2) : MINUTES(5);
}

int64_t
smtp_client_patience_ms(const struct smtp_client *m)
{
	switch (m->state) {
	case STATE_READY:
	case STATE_OVER: /* last words that the server does not take */
		return m->out.len > 0 ? MINUTES(5) : MACHINE_NEVER;
	case STATE_SHAKING:
	case STATE_QUIT:
		return MINUTES(1); /* nothing hangs on it */
	case STATE_ENVELOPE:
		return envelope_patience(m);
	case STATE_TEXT:
		return MINUTES(3);
	case STATE_END:
		return m->out.len > 0 ? MINUTES(3) : MINUTES(10);
	case STATE_GREETING:
	case STATE_EHLO:
	case STATE_HELO:
	case STATE_STARTTLS:
	case STATE_AUTH:
	case STATE_RESET:
	default:
		return MINUTES(5);
	}
}

uint64_t
smtp_client_steps(const struct smtp_client *m)
{
	return m->answers + m->octets / SMTP_DATA_PROGRESS;
}

bool
smtp_client_is_in_doubt(const struct smtp_client *m)
{
	return m->state == STATE_END && !m->only_end && m->refusal.code == 0;
}

static size_t
ops_feed(void *m, struct slice in, int64_t now_ms)
{
	return smtp_client_feed(m, in, now_ms);
}

static struct slice
ops_output(void *m)
{
	return smtp_client_output(m);
}

static void
ops_sent(void *m, size_t len)
{
	smtp_client_sent(m, len);
}

static int64_t
ops_deadline(const void *m)
{
	(void)m;
	return MACHINE_NEVER;
}

const struct machine_ops smtp_client_ops = {
	.feed = ops_feed,
	.output = ops_output,
	.sent = ops_sent,
	.deadline = ops_deadline,
};
