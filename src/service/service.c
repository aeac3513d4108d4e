/* SPDX-License-Identifier: ISC */
#include "service/service.h"

#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "service/directory/fetch.h"
#include "service/directory/rate.h"
#include "service/grants.h"
#include "service/imap/session.h"
#include "service/status/metrics.h"
#include "service/pop3/session.h"
#include "service/smtp/session.h"
#include "service/web/web.h"
#include "service/web/call.h"
#include "store/store.h"

#define MESSAGE_MAX_DEFAULT (50u << 20)
#define IDLE_DEFAULT_MS 300000
#define WORKERS_WAITING 65536u
#define UPLOADS_WAITING 64u /* each may hold WEB_CALL_BUDGET */

static int
copy_settings(struct service *s, const struct service_settings *from, struct error *e)
{
	uint8_t *name;

	if (from->hostname.len == 0 || from->hostname.len > 255 || slice_find(from->hostname, '\r') != SIZE_MAX ||
	    slice_find(from->hostname, '\n') != SIZE_MAX || slice_find(from->hostname, 0) != SIZE_MAX)
		return error_set(e, ERR_USAGE, "the host name has 1 to 255 octets on one line");
	if ((name = mem_alloc(from->hostname.len)) == NULL)
		return error_nomem(e);
	memcpy(name, from->hostname.data, from->hostname.len);
	s->settings = *from;
	s->settings.hostname = slice_of(name, from->hostname.len);
	if (s->settings.message_max == 0)
		s->settings.message_max = MESSAGE_MAX_DEFAULT;
	/* Our trace fields come on top. */
	if (s->settings.message_max > STORE_MESSAGE_MAX - SERVICE_HEADER_MAX)
		s->settings.message_max = STORE_MESSAGE_MAX - SERVICE_HEADER_MAX;
	if (s->settings.recipients_max == 0 || s->settings.recipients_max > SERVICE_RECIPIENTS_MAX)
		s->settings.recipients_max = SERVICE_RECIPIENTS_MAX;
	if (s->settings.idle_ms <= 0)
		s->settings.idle_ms = IDLE_DEFAULT_MS;
	return 0;
}

static int
start_web(struct service *s, struct error *e)
{
	int rc = pool_new(&(struct pool_options){ "uploads", 1, UPLOADS_WAITING }, &s->uploads, e);

	if (rc == 0)
		rc = directory_fetch_new(s->ports.store, &s->fetch, e);
	if (rc == 0)
		rc = rate_new(s->settings.directory_reads, &s->reads, e);
	return rc != 0 ? rc : rate_new(s->settings.directory_writes, &s->writes, e);
}

int
service_new(enum process_kind kind, const struct service_settings *settings, const struct service_ports *ports,
    struct service **service_out, struct error *e)
{
	struct service *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->kind = kind;
	s->ports = *ports;
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->idle, NULL);
	rc = copy_settings(s, settings, e);
	if (rc == 0 && kind != PROCESS_MX)
		rc = pool_new(&(struct pool_options){ "worker", settings->workers, WORKERS_WAITING }, &s->workers, e);
	if (rc == 0 && kind == PROCESS_WEB)
		rc = start_web(s, e);
	if (rc == 0 && kind == PROCESS_MAIL)
		rc = store_watcher_new(ports->store, &s->watcher, e);
	if (rc != 0) {
		service_free(s);
		return rc;
	}
	*service_out = s;
	return 0;
}

/* ---- sessions ---- */

static int
open_mx(struct service *s, struct conn *c, uint64_t account, const struct trunk_open *in, void **session_out,
    struct error *e)
{
	(void)account;
	return smtp_session_open(s, c, (enum service_role)in->kind, session_out, e);
}

static int
open_web(struct service *s, struct conn *c, uint64_t account, const struct trunk_open *in, void **session_out,
    struct error *e)
{
	(void)account;
	return web_session_open(s, c, in->kind, session_out, e);
}

static int
open_metrics(struct service *s, struct conn *c, uint64_t account, const struct trunk_open *in, void **session_out,
    struct error *e)
{
	(void)account;
	(void)in;
	return metrics_session_open(s, c, session_out, e);
}

static const struct kind_row {
	enum service_role role;
	enum process_kind process;
	uint32_t right; /* enum store_right: with which a person has signed in; 0: nobody need have */
	const struct conn_ops *ops;
	int (*open)(struct service *s, struct conn *c, uint64_t account, const struct trunk_open *in,
	    void **session_out, struct error *e);
} kinds[] = {
	{ SERVICE_MX, PROCESS_MX, 0, &smtp_session_ops, open_mx },
	{ SERVICE_LMTP, PROCESS_MX, 0, &smtp_session_ops, open_mx },
	{ SERVICE_SUBMISSION, PROCESS_MAIL, STORE_RIGHT_SMTP, &smtp_session_ops, smtp_session_open_account },
	{ SERVICE_IMAP, PROCESS_MAIL, STORE_RIGHT_IMAP, &imap_session_ops, imap_session_open },
	{ SERVICE_DIRECTORY, PROCESS_WEB, 0, &web_session_ops, open_web },
	{ SERVICE_HTTP, PROCESS_WEB, 0, &web_session_ops, open_web },
	{ SERVICE_POP3, PROCESS_MAIL, STORE_RIGHT_POP3, &pop3_session_ops, pop3_session_open },
	{ SERVICE_METRICS, PROCESS_WEB, 0, &metrics_session_ops, open_metrics },
};

int
service_open(void *ctx, uint64_t process, uint64_t number, struct conn *c, const struct trunk_open *in,
    const struct conn_ops **ops_out, void **session_out, struct error *e)
{
	struct service *s = ctx;
	const struct kind_row *row = NULL;
	uint64_t account = 0;
	int rc;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (kinds[i].role == in->kind && kinds[i].process == s->kind)
			row = &kinds[i];
	if (row == NULL)
		return error_set(e, ERR_DENIED, "that is not spoken here");
	if (row->right != 0 && (account = grants_take(s->ports.grants, process, number, row->right, clock_ms())) == 0) {
		log_event(LOG_LEVEL_WARNING, "service.claim_refused", log_u64("connection", conn_origin(c)),
		    log_str("peer", conn_peer(c)));
		return error_set(e, ERR_DENIED, "nobody has signed in on this connection");
	}
	rc = row->open(s, c, account, in, session_out, e);
	if (rc == 0)
		*ops_out = row->ops;
	else if (account != 0)
		grants_leave(s->ports.grants, account);
	return rc;
}

void
service_session_begun(struct service *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->sessions++;
	(void)pthread_mutex_unlock(&s->lock);
}

void
service_session_ended(struct service *s)
{
	(void)pthread_mutex_lock(&s->lock);
	if (--s->sessions == 0)
		(void)pthread_cond_broadcast(&s->idle);
	(void)pthread_mutex_unlock(&s->lock);
}

void
service_free(struct service *s)
{
	union { /* the name was made here: mem_free() takes it without const */
		const uint8_t *given;
		uint8_t *owned;
	} name;

	if (s == NULL)
		return;
	web_drain();
	(void)pthread_mutex_lock(&s->lock);
	while (s->sessions > 0)
		(void)pthread_cond_wait(&s->idle, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	pool_free(s->uploads);
	pool_free(s->workers);
	store_watcher_free(s->watcher);
	directory_fetch_free(s->fetch);
	rate_free(s->reads);
	rate_free(s->writes);
	name.given = s->settings.hostname.data;
	mem_free(name.owned);
	(void)pthread_cond_destroy(&s->idle);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s);
}
