/* SPDX-License-Identifier: ISC */
#include "service/service.h"

#include <string.h>

#include "base/mem.h"
#include "service/ask.h"
#include "service/directory.h"
#include "store/store.h"

#define MESSAGE_MAX_DEFAULT (50u << 20)
#define IDLE_DEFAULT_MS 300000
#define WORKERS_WAITING 65536u
#define UPLOADS_WAITING 64u /* each may hold DIRECTORY_CALL_BUDGET */

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

int
service_new(const struct service_settings *settings, struct port *store, struct service **service_out, struct error *e)
{
	struct service *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->store = store;
	rc = copy_settings(s, settings, e);
	if (rc == 0)
		rc = pool_new(&(struct pool_options){ "worker", settings->workers, WORKERS_WAITING }, &s->workers, e);
	if (rc == 0)
		rc = pool_new(&(struct pool_options){ "uploads", 1, UPLOADS_WAITING }, &s->uploads, e);
	if (rc == 0)
		rc = ask_new(store, settings->auth_threads, &s->ask_end, e);
	if (rc == 0)
		rc = port_open_local(ask_service(s->ask_end), &s->ask, e);
	if (rc == 0)
		rc = store_watcher_new(store, &s->watcher, e);
	if (rc != 0) {
		service_free(s);
		return rc;
	}
	*service_out = s;
	return 0;
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
	directory_drain();
	pool_free(s->uploads);
	pool_free(s->workers);
	store_watcher_free(s->watcher);
	port_close(s->ask);
	ask_free(s->ask_end);
	name.given = s->settings.hostname.data;
	mem_free(name.owned);
	mem_free(s);
}
