/* SPDX-License-Identifier: ISC */
/* The tables: which messages cross between the parent and its children, and who is linked with whom. */
#include "daemon/process.h"

#include "daemon/relaying.h"

#include "net/limits.h"
#include "service/judge/judge.h"
#include "service/keys/keys.h"
#include "service/milter/filter.h"
#include "service/policy/own.h"
#include "service/signin/jwt.h"

static const struct codec_field tokens_fields[] = {
	CODEC_FIELD(struct process_tokens, keys, CODEC_BYTES, JWT_KEYS_TEXT_MAX),
	CODEC_FIELD(struct process_tokens, issuer, CODEC_BYTES, JWT_NAME_MAX),
	CODEC_FIELD(struct process_tokens, audience, CODEC_BYTES, JWT_NAME_MAX),
	CODEC_FIELD(struct process_tokens, claim, CODEC_BYTES, JWT_NAME_MAX),
	CODEC_FIELD(struct process_tokens, type, CODEC_BYTES, JWT_NAME_MAX),
	CODEC_FIELD(struct process_tokens, scope, CODEC_BYTES, JWT_NAME_MAX),
	CODEC_FIELD(struct process_tokens, discovery, CODEC_BYTES, JWT_NAME_MAX),
};
static const struct codec_schema tokens_schema = CODEC_SCHEMA(process_tokens, tokens_fields);

static const struct codec_field relay_fields[] = {
	CODEC_FIELD(struct process_relay, on, CODEC_BOOL, 0),
	CODEC_FIELD(struct process_relay, smarthost, CODEC_BYTES, 320),
	CODEC_FIELD(struct process_relay, user, CODEC_BYTES, CONFIG_ADDRESS_MAX),
	CODEC_FIELD(struct process_relay, password, CODEC_BYTES, RELAYING_PASSWORD_MAX),
	CODEC_FIELD_LIST(struct process_relay, routes, route_count, &codec_schema_slice, CONFIG_LIST_MAX),
	CODEC_FIELD_LIST(struct process_relay, tls, tls_count, &codec_schema_slice, CONFIG_LIST_MAX),
	CODEC_FIELD_LIST(struct process_relay, sources, source_count, &codec_schema_slice, 2),
	CODEC_FIELD_LIST(struct process_relay, here, here_count, &codec_schema_slice, CONFIG_LIST_MAX),
	CODEC_FIELD(struct process_relay, here_port, CODEC_U32, UINT16_MAX),
	CODEC_FIELD(struct process_relay, port, CODEC_U32, UINT16_MAX),
	CODEC_FIELD(struct process_relay, connections, CODEC_U32, 0),
	CODEC_FIELD(struct process_relay, connections_destination, CODEC_U32, 0),
};
static const struct codec_schema relay_schema = CODEC_SCHEMA(process_relay, relay_fields);

static const struct codec_field port_fields[] = {
	CODEC_FIELD(struct process_port, port, CODEC_U32, CONFIG_PORT_COUNT - 1),
	CODEC_FIELD(struct process_port, number, CODEC_U32, UINT16_MAX),
};
static const struct codec_schema port_schema = CODEC_SCHEMA(process_port, port_fields);

static const struct codec_field setup_fields[] = {
	CODEC_FIELD(struct process_setup, number, CODEC_U64, 0),
	CODEC_FIELD(struct process_setup, user, CODEC_BYTES, 256),
	CODEC_FIELD(struct process_setup, jail, CODEC_BYTES, 4096),
	CODEC_FIELD(struct process_setup, hostname, CODEC_BYTES, 255),
	CODEC_FIELD(struct process_setup, data, CODEC_BYTES, 4096),
	CODEC_FIELD_LIST(struct process_setup, domains, domain_count, &codec_schema_slice, CONFIG_LIST_MAX),
	CODEC_FIELD(struct process_setup, message_max, CODEC_U64, 0),
	CODEC_FIELD(struct process_setup, queue_lifetime_s, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, queue_warn_s, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, account_hour, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, queue_max, CODEC_U64, 0),
	CODEC_FIELD(struct process_setup, forward, CODEC_BYTES, 255),
	CODEC_FIELD(struct process_setup, connections, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, connections_peer, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, connections_prefix, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, connections_account, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, connections_here, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, handshake_ms, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, stall_ms, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, idle_ms, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, threads, CODEC_U32, 64),
	CODEC_FIELD(struct process_setup, front, CODEC_U32, 0),
	CODEC_FIELD(struct process_setup, log_level, CODEC_U32, LOG_LEVEL_FATAL),
	CODEC_FIELD(struct process_setup, directory_open, CODEC_BOOL, 0),
	CODEC_FIELD_LIST(
	    struct process_setup, directory_search, directory_search_count, &codec_schema_slice, CONFIG_LIST_MAX),
	CODEC_FIELD(struct process_setup, directory_reads, CODEC_U32, 1000000),
	CODEC_FIELD(struct process_setup, directory_writes, CODEC_U32, 1000000),
	CODEC_FIELD(struct process_setup, directory_query_log, CODEC_BOOL, 0),
	CODEC_FIELD(struct process_setup, postmaster, CODEC_BYTES, CONFIG_ADDRESS_MAX),
	CODEC_FIELD(struct process_setup, separator, CODEC_U32, 127),
	CODEC_FIELD_LIST(struct process_setup, resolvers, resolver_count, &codec_schema_slice, DNS_SERVERS_MAX),
	CODEC_FIELD(struct process_setup, anchors, CODEC_BYTES, DNS_ANCHORS_MAX),
	CODEC_FIELD(struct process_setup, chain, CODEC_BYTES, 96u << 10),
	CODEC_FIELD(struct process_setup, judge, CODEC_BOOL, 0),
	CODEC_FIELD(struct process_setup, dmarc_reject, CODEC_U32, JUDGE_DMARC_IGNORE),
	CODEC_FIELD(struct process_setup, spf_fail, CODEC_U32, JUDGE_SPF_REJECT),
	CODEC_FIELD_LIST(struct process_setup, sealers, sealer_count, &codec_schema_slice, CONFIG_LIST_MAX),
	CODEC_FIELD_LIST(struct process_setup, forwarders, forwarder_count, &codec_schema_slice, CONFIG_LIST_MAX),
	CODEC_FIELD(struct process_setup, dmarc_reports, CODEC_BOOL, 0),
	CODEC_FIELD(struct process_setup, mta_sts, CODEC_U32, STS_ENFORCE),
	CODEC_FIELD(struct process_setup, tls_reports, CODEC_BOOL, 0),
	CODEC_FIELD(struct process_setup, milter, CODEC_BYTES, 256),
	CODEC_FIELD(struct process_setup, milter_failure, CODEC_U32, FILTER_FAILURE_DEFER),
	CODEC_FIELD_STRUCT(struct process_setup, relay, &relay_schema),
	CODEC_FIELD(struct process_setup, tokens, CODEC_BOOL, 0),
	CODEC_FIELD(struct process_setup, scram_main_password, CODEC_BOOL, 0),
	CODEC_FIELD_STRUCT(struct process_setup, oauth, &tokens_schema),
	CODEC_FIELD_LIST(struct process_setup, ports, port_count, &port_schema, CONFIG_PORT_COUNT),
};
static const struct codec_schema setup_schema = CODEC_SCHEMA(process_setup, setup_fields);

static const struct codec_field listener_fields[] = {
	CODEC_FIELD(struct process_listener, port, CODEC_U32, CONFIG_PORT_COUNT - 1),
};
static const struct codec_schema listener_schema = CODEC_SCHEMA(process_listener, listener_fields);

static const struct codec_field certificate_fields[] = {
	CODEC_FIELD(struct process_certificate, certificate, CODEC_BYTES, 96u << 10),
	CODEC_FIELD(struct process_certificate, key, CODEC_BYTES, 24u << 10),
};
static const struct codec_schema certificate_schema = CODEC_SCHEMA(process_certificate, certificate_fields);

static const struct codec_field link_fields[] = {
	CODEC_FIELD(struct process_link, link, CODEC_U32, LINK_COUNT - 1),
	CODEC_FIELD(struct process_link, peer, CODEC_U64, 0),
};
static const struct codec_schema link_schema = CODEC_SCHEMA(process_link, link_fields);

static const struct codec_field failed_fields[] = {
	CODEC_FIELD(struct process_failed, code, CODEC_I64, 0),
	CODEC_FIELD(struct process_failed, text, CODEC_BYTES, ERROR_TEXT_MAX),
};
static const struct codec_schema failed_schema = CODEC_SCHEMA(process_failed, failed_fields);

static const struct codec_field blame_fields[] = {
	CODEC_FIELD(struct process_blame, number, CODEC_U64, 0),
};
static const struct codec_schema blame_schema = CODEC_SCHEMA(process_blame, blame_fields);

static const struct codec_field key_fields[] = {
	CODEC_FIELD(struct process_key, name, CODEC_BYTES, KEYS_DKIM_NAME_MAX),
};
static const struct codec_schema key_schema = CODEC_SCHEMA(process_key, key_fields);

static const struct codec_field nothing_fields[] = {
	CODEC_FIELD(struct process_nothing, unused, CODEC_U8, 0),
};
static const struct codec_schema nothing_schema = CODEC_SCHEMA(process_nothing, nothing_fields);

#define KIND(name) (1u << PROCESS_##name)
#define ALL \
	(KIND(FRONT) | KIND(MX) | KIND(WEB) | KIND(AUTH) | KIND(RESOLVER) | KIND(KEYS) | KIND(RELAY) | KIND(FILTER) | \
	    KIND(MAIL))

const struct process_rule process_rules[MESSAGE_COUNT] = {
	[MESSAGE_SETUP] = { "setup", .from_parent = true, .once = true, .kinds = ALL, .schema = &setup_schema },
	[MESSAGE_LOG] = { "log", .from_parent = true, .with_fd = true, .kinds = ALL, .schema = &nothing_schema },
	[MESSAGE_CERTIFICATE] = { "certificate", .from_parent = true, .kinds = KIND(FRONT),
	    .schema = &certificate_schema },
	[MESSAGE_LISTENER] = { "listener", .from_parent = true, .with_fd = true, .kinds = KIND(FRONT),
	    .schema = &listener_schema },
	[MESSAGE_LINK] = { "link", .from_parent = true, .with_fd = true, .kinds = ALL, .schema = &link_schema },
	[MESSAGE_GO] = { "go", .from_parent = true, .once = true, .kinds = KIND(FRONT), .schema = &nothing_schema },
	[MESSAGE_SETTINGS] = { "settings", .from_parent = true, .kinds = ALL, .schema = &setup_schema },
	[MESSAGE_STOP] = { "stop", .from_parent = true, .once = true, .kinds = ALL, .schema = &nothing_schema },
	[MESSAGE_DRAIN] = { "drain", .from_parent = true, .once = true, .kinds = KIND(MAIL),
	    .schema = &nothing_schema },
	[MESSAGE_READY] = { "ready", .once = true, .kinds = ALL, .schema = &nothing_schema },
	[MESSAGE_FAILED] = { "failed", .kinds = ALL, .schema = &failed_schema },
	[MESSAGE_BLAME] = { "blame", .kinds = ALL, .schema = &blame_schema },
	[MESSAGE_METRICS] = { "metrics", .from_parent = true, .once = true, .with_fd = true, .kinds = ALL,
	    .schema = &nothing_schema },
	[MESSAGE_METRICS_OF] = { "metrics_of", .from_parent = true, .with_fd = true, .kinds = KIND(WEB) | KIND(MAIL),
	    .schema = &nothing_schema },
	[MESSAGE_PING] = { "ping", .from_parent = true, .kinds = ALL, .schema = &nothing_schema },
	[MESSAGE_PONG] = { "pong", .kinds = ALL, .schema = &nothing_schema },
	[MESSAGE_KEYS_BEGIN] = { "keys_begin", .from_parent = true, .kinds = KIND(KEYS), .schema = &nothing_schema },
	[MESSAGE_KEY] = { "key", .from_parent = true, .with_fd = true, .kinds = KIND(KEYS), .schema = &key_schema },
	[MESSAGE_KEYS_END] = { "keys_end", .from_parent = true, .kinds = KIND(KEYS), .schema = &nothing_schema },
};

bool
process_permits(uint16_t type, bool from_parent, enum process_kind kind, bool with_fd, uint32_t *seen)
{
	const struct process_rule *r = type < MESSAGE_COUNT ? &process_rules[type] : NULL;

	if (r == NULL || r->name == NULL || r->from_parent != from_parent || (r->kinds >> kind & 1) == 0)
		return false;
	if ((r->once && (*seen >> type & 1) != 0) || (with_fd && !from_parent) || (r->with_fd && !with_fd))
		return false;
	/* The parent begins with the setup. */
	if (from_parent && (type == MESSAGE_SETUP) != ((*seen & 1u << MESSAGE_SETUP) == 0))
		return false;
	*seen |= 1u << type;
	return true;
}

const struct process_link_row process_links[LINK_COUNT] = {
	[LINK_FRONT_MAIL] = { PROCESS_FRONT, PROCESS_MAIL },
	[LINK_FRONT_MX] = { PROCESS_FRONT, PROCESS_MX },
	[LINK_FRONT_WEB] = { PROCESS_FRONT, PROCESS_WEB },
	[LINK_FRONT_AUTH] = { PROCESS_FRONT, PROCESS_AUTH },
	[LINK_WEB_AUTH] = { PROCESS_WEB, PROCESS_AUTH },
	[LINK_AUTH_MAIL] = { PROCESS_AUTH, PROCESS_MAIL },
	[LINK_MX_MAIL] = { PROCESS_MX, PROCESS_MAIL },
	[LINK_WEB_MAIL] = { PROCESS_WEB, PROCESS_MAIL },
	[LINK_WEB_VERIFY] = { PROCESS_WEB, PROCESS_MAIL },
	[LINK_MX_RESOLVER] = { PROCESS_MX, PROCESS_RESOLVER },
	[LINK_MAIL_KEYS] = { PROCESS_MAIL, PROCESS_KEYS },
	[LINK_MX_FILTER] = { PROCESS_MX, PROCESS_FILTER },
	[LINK_RELAY_MAIL] = { PROCESS_RELAY, PROCESS_MAIL },
	[LINK_RELAY_RESOLVER] = { PROCESS_RELAY, PROCESS_RESOLVER },
	[LINK_MAIL_RESOLVER] = { PROCESS_MAIL, PROCESS_RESOLVER },
};
