/* SPDX-License-Identifier: ISC */
/* Questions to a person: one at a time, while the other connections are served. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/agent/internal.h"
#include "crypto/secret.h"

#define GRACE_MS 5000 /* pinentry keeps the time itself; this much later it is cut off */

static void
end_talk(struct asking *q)
{
	pinentry_talk_free(q->talk);
	q->talk = NULL;
	if (q->fd >= 0)
		(void)close(q->fd);
	q->fd = -1;
}

void
asking_end(struct agent *a, const struct peer *p)
{
	if (a->asking.peer == NULL || a->asking.peer != p)
		return;
	end_talk(&a->asking);
	a->asking = (struct asking){ .fd = -1 };
	secret_wipe_stack();
}

/* The other end of the socket goes to the launcher, which gives it to pinentry. */
static int
start(struct agent *a, const struct pinentry_seat *seat, struct error *e)
{
	struct launcher_message m = { .type = LAUNCHER_PINENTRY, .seat = *seat };
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set_errno(e, ERR_IO, errno, "cannot make a socket");
	rc = launcher_send(a->launcher, &m, pair[1], e);
	(void)close(pair[1]);
	if (rc != 0)
		(void)close(pair[0]);
	else
		a->asking.fd = pair[0];
	return rc;
}

int
asking_begin(struct agent *a, struct peer *p, const struct pinentry_question *q, int64_t now_ms, struct error *e)
{
	struct asking *k = &a->asking;
	uint32_t wrong = k->peer == p ? k->wrong : 0;
	int rc;

	if (k->peer != NULL && k->peer != p) {
		p->wait = WAITS_ITS_TURN;
		return AGENT_LATER;
	}
	end_talk(k);
	*k = (struct asking){ .fd = -1, .wrong = wrong };
	rc = pinentry_talk_new(q, &k->talk, e);
	if (rc == 0)
		rc = start(a, q->seat, e);
	if (rc != 0) {
		end_talk(k);
		return rc;
	}
	k->peer = p;
	k->until_ms = now_ms + (int64_t)PINENTRY_WAIT_S * 1000 + GRACE_MS;
	p->wait = WAITS_FOR_ANSWER;
	return AGENT_LATER;
}

bool
asking_is_over(const struct agent *a, const struct peer *p)
{
	return a->asking.peer == p && a->asking.state != PINENTRY_GOES_ON;
}

void
asking_started(struct agent *a, const struct launcher_message *m)
{
	if (a->asking.peer == NULL || m->code == 0 || a->asking.state != PINENTRY_GOES_ON)
		return;
	(void)error_set(&a->asking.error, m->code, "%s", m->text);
	a->asking.state = PINENTRY_BROKEN;
}

static void
write_some(struct asking *k)
{
	struct slice out = pinentry_talk_output(k->talk);
	ssize_t n = out.len == 0 ? 0 : send(k->fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0)
		pinentry_talk_sent(k->talk, (size_t)n);
	/* That it is gone shows when it is read from. */
}

static void
read_some(struct asking *k)
{
	uint8_t in[512];
	ssize_t n = recv(k->fd, in, sizeof in, MSG_DONTWAIT);

	if (n > 0)
		k->state = pinentry_talk_feed(k->talk, slice_of(in, (size_t)n));
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		k->state = pinentry_talk_end(k->talk);
	secret_wipe(in, sizeof in);
}

void
asking_run(struct agent *a, short ready, int64_t now_ms)
{
	struct asking *k = &a->asking;

	if (k->peer == NULL || k->state != PINENTRY_GOES_ON)
		return;
	if (ready != 0)
		read_some(k);
	if (k->state == PINENTRY_GOES_ON)
		write_some(k);
	if (k->state == PINENTRY_GOES_ON && now_ms > k->until_ms)
		k->state = PINENTRY_CANCELLED;
}
