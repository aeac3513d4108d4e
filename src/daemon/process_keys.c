/* SPDX-License-Identifier: ISC */
/*
 * keys: has the exchange's own secret keys, and signs with them what mail asks for, as far as the key is for that
 * (service/keys/keys.h). It opens no file and speaks to nobody else: the parent hands it the files of the keys, opened.
 */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "crypto/start.h"
#include "daemon/process_behind.h"
#include "os/log.h"
#include "service/keys/keys.h"

struct holder {
	struct keys *keys;
	struct permit_service mail;
	struct port_server *server;
};

static int
keys_prepare(struct process *p, struct error *e)
{
	struct holder *h = p->self = mem_alloc(sizeof *h);

	crypto_start();
	return h == NULL ? error_nomem(e) : keys_new(&h->keys, e);
}

static int
keys_start(struct process *p, int fd, struct error *e)
{
	struct holder *h = p->self;
	int rc;

	(void)fd;
	permit_only(&h->mail, keys_service(h->keys), PROCESS_MAIL, PROCESS_KEYS);
	rc = port_server_new(keys_service(h->keys), &h->server, e);
	if (rc == 0)
		port_server_on_broken(h->server, behind_asker_broken, p);
	return rc;
}

static int
keys_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct holder *h = p->self;

	return port_server_add(h->server, fd, &h->mail.service, in->peer, e);
}

/* To the end of the file, at most CA_KEY_MAX. */
static int
read_secret(int fd, struct secret *out, struct error *e)
{
	ssize_t got = 0;
	size_t len = 0;
	int rc = secret_new(out, CA_KEY_MAX, e);

	while (
	    rc == 0 && len < CA_KEY_MAX && ((got = read(fd, out->data + len, CA_KEY_MAX - len)) > 0 || errno == EINTR))
		len += got > 0 ? (size_t)got : 0;
	if (rc == 0 && (got < 0 || len == 0 || len == CA_KEY_MAX))
		rc = error_set(e, ERR_IO, "the file of a key cannot be read, or is none");
	if (rc == 0)
		secret_cut(out, len);
	return rc;
}

/* One that is broken does not keep the others from signing. */
static void
take_key(struct holder *h, struct slice name, int fd)
{
	SECRET_OWNED struct secret secret = SECRET_EMPTY;
	struct error e;
	int rc = read_secret(fd, &secret, &e);

	if (rc == 0)
		rc = keys_take(h->keys, name, secret_slice(&secret), &e);
	if (rc != 0)
		log_event(LOG_LEVEL_ERROR, "keys.refused", log_slice("name", name), log_error(&e));
}

static int
keys_key(struct process *p, uint16_t type, const struct process_key *in, int fd, struct error *e)
{
	struct holder *h = p->self;

	(void)e;
	if (type == MESSAGE_KEYS_BEGIN) {
		keys_begin(h->keys);
	} else if (type == MESSAGE_KEY) {
		take_key(h, in->name, fd);
		(void)close(fd);
	} else {
		keys_end(h->keys);
		log_event(LOG_LEVEL_DEBUG, "keys.held", log_u64("count", keys_count(h->keys)));
	}
	return 0;
}

static void
keys_stop(struct process *p)
{
	struct holder *h = p->self;

	port_server_free(h->server);
	keys_free(h->keys);
	mem_free(h);
}

const struct process_ops process_keys_ops = {
	.profile = SANDBOX_WORKER,
	.prepare = keys_prepare,
	.start = keys_start,
	.link = keys_link,
	.key = keys_key,
	.stop = keys_stop,
};
