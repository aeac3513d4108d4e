/* SPDX-License-Identifier: ISC */
#include "daemon/resolving.h"

#include "os/file.h"
#include "os/log.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX (64u << 10)

static void
read_servers(const struct config *config, struct resolving *out)
{
	struct error e;

	for (size_t i = 0; i < config->resolver_count; i++)
		out->servers[out->server_count++] = slice_str(config->resolvers[i]);
	if (out->server_count > 0)
		return;
	if (file_read(RESOLV_CONF, &out->resolv_conf, &e) != 0)
		log_event(LOG_LEVEL_INFO, "resolver.from_root", log_error(&e));
	else
		out->server_count = dns_servers_find(buf_slice(&out->resolv_conf), out->servers);
}

void
resolving_read(const struct config *config, struct resolving *out)
{
	struct error e;

	out->server_count = 0;
	buf_init(&out->resolv_conf, RESOLV_CONF_MAX);
	buf_init(&out->anchors, DNS_ANCHORS_MAX);
	read_servers(config, out);
	if (config->dnssec_anchors == NULL || file_read(config->dnssec_anchors, &out->anchors, &e) == 0)
		return;
	log_event(LOG_LEVEL_WARNING, "resolver.not_validating", log_error(&e),
	    log_str("do", "install dns-root-data, or set dnssec_anchors"));
	buf_clear(&out->anchors);
}

void
resolving_done(struct resolving *r)
{
	buf_done(&r->resolv_conf);
	buf_done(&r->anchors);
	r->server_count = 0;
}
