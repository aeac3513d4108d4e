/* SPDX-License-Identifier: ISC */
/* The order of an audit, and the few threads that look at addresses side by side. */
#include <pthread.h>

#include "client/audit/audit.h"
#include "os/thread.h"

struct jobs {
	struct audit *a;
	pthread_mutex_t lock; /* guards next */
	size_t next, count;
	struct audit_look **looks;
	const char *const *names;
};

static void *
work(void *arg)
{
	struct jobs *j = arg;

	for (;;) {
		size_t i;

		(void)pthread_mutex_lock(&j->lock);
		i = j->next < j->count ? j->next++ : j->count;
		if (i < j->count)
			audit_progress(j->a, "Looking at", slice_str(j->names[i]));
		(void)pthread_mutex_unlock(&j->lock);
		if (i == j->count)
			return NULL;
		audit_look(j->a, j->names[i], j->looks[i]);
	}
}

void
audit_look_at(struct audit *a, struct audit_look **looks, const char *const *names, size_t count)
{
	struct jobs j = { .a = a, .lock = PTHREAD_MUTEX_INITIALIZER, .count = count, .looks = looks, .names = names };
	pthread_t threads[AUDIT_SIDE_BY_SIDE];
	size_t n = 0;

	while (n + 1 < size_min(count, AUDIT_SIDE_BY_SIDE) && thread_start(&threads[n], "audit", work, &j, NULL) == 0)
		n++;
	(void)work(&j); /* this thread too: so it goes on when there can be no others */
	while (n > 0)
		(void)pthread_join(threads[--n], NULL);
	(void)pthread_mutex_destroy(&j.lock);
}

static void
look_at_hosts(struct audit *a)
{
	struct audit_look *looks[AUDIT_HOSTS_MAX * AUDIT_ADDRESSES_MAX];
	const char *names[AUDIT_HOSTS_MAX * AUDIT_ADDRESSES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < a->host_count; i++)
		for (size_t k = 0; k < a->hosts[i].look_count; k++) {
			looks[n] = &a->hosts[i].looks[k];
			names[n++] = a->hosts[i].name;
		}
	audit_look_at(a, looks, names, n);
}

void
audit_run(struct audit *a)
{
	static void (*const servers[])(struct audit *) = { audit_connection, audit_tls, audit_certificates };
	static void (*const domain[])(struct audit *) = { audit_dane, audit_sts, audit_tlsrpt, audit_spf, audit_dkim,
		audit_dmarc, audit_keys, audit_services };

	audit_hosts_find(a);
	look_at_hosts(a);
	for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
		servers[i](a);
	if (a->settings->domain.len == 0 || a->state.no_mail || !a->state.mx_known)
		return; /* servers alone, or nothing that could be said */
	for (size_t i = 0; i < sizeof domain / sizeof domain[0]; i++)
		domain[i](a);
}
