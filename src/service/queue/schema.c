/* SPDX-License-Identifier: ISC */
/* How the structs of service/queue/queue.h cross: their fields and their maxima. */
#include "service/queue/queue.h"

static const struct codec_field queue_lease_fields[] = {
	CODEC_FIELD(struct queue_lease, messages_max, CODEC_U32, QUEUE_LEASE_MESSAGES_MAX),
	CODEC_FIELD(struct queue_lease, domain_messages_max, CODEC_U32, 0),
	CODEC_FIELD(struct queue_lease, wait_ms, CODEC_U32, QUEUE_WAIT_MS_MAX),
	CODEC_FIELD_LIST(struct queue_lease, full, full_count, &codec_schema_slice, QUEUE_FULL_MAX),
};
static const struct codec_schema queue_lease_schema = CODEC_SCHEMA(queue_lease, queue_lease_fields);

static const struct codec_field queue_recipient_fields[] = {
	CODEC_FIELD(struct queue_recipient, position, CODEC_U32, 0),
	CODEC_FIELD(struct queue_recipient, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct queue_recipient, notify, CODEC_U32, 0),
	CODEC_FIELD(struct queue_recipient, orcpt, CODEC_BYTES, STORE_QUEUE_ORCPT_MAX),
	CODEC_FIELD(struct queue_recipient, attempts, CODEC_U32, 0),
};
static const struct codec_schema queue_recipient_schema = CODEC_SCHEMA(queue_recipient, queue_recipient_fields);

static const struct codec_field queue_entry_fields[] = {
	CODEC_FIELD(struct queue_entry, queue, CODEC_U64, 0),
	CODEC_FIELD(struct queue_entry, lease, CODEC_U64, 0),
	CODEC_FIELD(struct queue_entry, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct queue_entry, sender, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct queue_entry, account, CODEC_U64, 0),
	CODEC_FIELD(struct queue_entry, size, CODEC_U64, 0),
	CODEC_FIELD(struct queue_entry, header_size, CODEC_U32, 0),
	CODEC_FIELD(struct queue_entry, flags, CODEC_U32, 0),
	CODEC_FIELD(struct queue_entry, ret, CODEC_U32, 0),
	CODEC_FIELD(struct queue_entry, envid, CODEC_BYTES, STORE_QUEUE_ENVID_MAX),
	CODEC_FIELD(struct queue_entry, created, CODEC_U64, 0),
	CODEC_FIELD(struct queue_entry, expires, CODEC_U64, 0),
	CODEC_FIELD_LIST(
	    struct queue_entry, recipients, recipient_count, &queue_recipient_schema, QUEUE_LEASE_RECIPIENTS_MAX),
};
static const struct codec_schema queue_entry_schema = CODEC_SCHEMA(queue_entry, queue_entry_fields);

static const struct codec_field queue_leased_fields[] = {
	CODEC_FIELD_LIST(struct queue_leased, entries, entry_count, &queue_entry_schema, QUEUE_LEASE_MESSAGES_MAX),
};
static const struct codec_schema queue_leased_schema = CODEC_SCHEMA(queue_leased, queue_leased_fields);

static const struct codec_field queue_body_fields[] = {
	CODEC_FIELD(struct queue_body, queue, CODEC_U64, 0),
	CODEC_FIELD(struct queue_body, lease, CODEC_U64, 0),
	CODEC_FIELD(struct queue_body, offset, CODEC_U64, 0),
	CODEC_FIELD(struct queue_body, length, CODEC_U32, STORE_PIECE_MAX),
};
static const struct codec_schema queue_body_schema = CODEC_SCHEMA(queue_body, queue_body_fields);

static const struct codec_field queue_body_data_fields[] = {
	CODEC_FIELD(struct queue_body_data, data, CODEC_BYTES, STORE_PIECE_MAX),
};
static const struct codec_schema queue_body_data_schema = CODEC_SCHEMA(queue_body_data, queue_body_data_fields);

static const struct codec_field queue_hold_on_fields[] = {
	CODEC_FIELD(struct queue_hold_on, queue, CODEC_U64, 0),
	CODEC_FIELD(struct queue_hold_on, lease, CODEC_U64, 0),
};
static const struct codec_schema queue_hold_on_schema = CODEC_SCHEMA(queue_hold_on, queue_hold_on_fields);

static const struct codec_field queue_facts_fields[] = {
	CODEC_FIELD(struct queue_facts, mx_name, CODEC_BYTES, QUEUE_HOST_MAX),
	CODEC_FIELD(struct queue_facts, mx_address, CODEC_BYTES, QUEUE_TLS_TEXT_MAX),
	CODEC_FIELD(struct queue_facts, tls_version, CODEC_BYTES, QUEUE_TLS_TEXT_MAX),
	CODEC_FIELD(struct queue_facts, tls_cipher, CODEC_BYTES, QUEUE_TLS_TEXT_MAX),
	CODEC_FIELD(struct queue_facts, tls_verified, CODEC_U32, QUEUE_TLS_PIN),
	CODEC_FIELD(struct queue_facts, policy, CODEC_U32, QUEUE_POLICY_OPERATOR),
	CODEC_FIELD(struct queue_facts, policy_source, CODEC_BYTES, QUEUE_SOURCE_MAX),
};
static const struct codec_schema queue_facts_schema = CODEC_SCHEMA(queue_facts, queue_facts_fields);

static const struct codec_field queue_outcome_fields[] = {
	CODEC_FIELD(struct queue_outcome, position, CODEC_U32, 0),
	CODEC_FIELD(struct queue_outcome, result, CODEC_U32, QUEUE_RETURNED),
	CODEC_FIELD(struct queue_outcome, retry_s, CODEC_U32, 0),
	CODEC_FIELD(struct queue_outcome, status, CODEC_BYTES, QUEUE_STATUS_MAX),
	CODEC_FIELD(struct queue_outcome, text, CODEC_BYTES, QUEUE_TEXT_MAX),
	CODEC_FIELD(struct queue_outcome, from_remote, CODEC_BOOL, 0),
	CODEC_FIELD(struct queue_outcome, passed_dsn, CODEC_BOOL, 0),
	CODEC_FIELD_STRUCT(struct queue_outcome, facts, &queue_facts_schema),
};
static const struct codec_schema queue_outcome_schema = CODEC_SCHEMA(queue_outcome, queue_outcome_fields);

static const struct codec_field queue_settle_fields[] = {
	CODEC_FIELD(struct queue_settle, queue, CODEC_U64, 0),
	CODEC_FIELD(struct queue_settle, lease, CODEC_U64, 0),
	CODEC_FIELD_LIST(
	    struct queue_settle, outcomes, outcome_count, &queue_outcome_schema, QUEUE_LEASE_RECIPIENTS_MAX),
};
static const struct codec_schema queue_settle_schema = CODEC_SCHEMA(queue_settle, queue_settle_fields);

static const struct codec_field queue_defer_domain_fields[] = {
	CODEC_FIELD(struct queue_defer_domain, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct queue_defer_domain, retry_s, CODEC_U32, 0),
	CODEC_FIELD(struct queue_defer_domain, reason, CODEC_BYTES, QUEUE_TEXT_MAX),
	CODEC_FIELD_STRUCT(struct queue_defer_domain, facts, &queue_facts_schema),
};
static const struct codec_schema queue_defer_domain_schema =
    CODEC_SCHEMA(queue_defer_domain, queue_defer_domain_fields);

static const struct codec_field queue_domain_fields[] = {
	CODEC_FIELD(struct queue_domain, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
};
static const struct codec_schema queue_domain_schema = CODEC_SCHEMA(queue_domain, queue_domain_fields);

static const struct codec_field queue_sts_fields[] = {
	CODEC_FIELD(struct queue_sts, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct queue_sts, id, CODEC_BYTES, QUEUE_POLICY_ID_MAX),
	CODEC_FIELD(struct queue_sts, text, CODEC_BYTES, QUEUE_POLICY_TEXT_MAX),
	CODEC_FIELD(struct queue_sts, expires, CODEC_U64, 0),
};
static const struct codec_schema queue_sts_schema = CODEC_SCHEMA(queue_sts, queue_sts_fields);

static const struct codec_field queue_tally_fields[] = {
	CODEC_FIELD(struct queue_tally, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct queue_tally, row, CODEC_BYTES, STORE_TALLY_MAX),
	CODEC_FIELD(struct queue_tally, count, CODEC_U32, 0),
};
static const struct codec_schema queue_tally_schema = CODEC_SCHEMA(queue_tally, queue_tally_fields);

static const struct codec_field queue_until_fields[] = {
	CODEC_FIELD(struct queue_until, until, CODEC_U64, 0),
};
static const struct codec_schema queue_until_schema = CODEC_SCHEMA(queue_until, queue_until_fields);

static const struct codec_field queue_nothing_fields[] = {
	CODEC_FIELD(struct queue_nothing, unused, CODEC_U8, 0),
};
static const struct codec_schema queue_nothing_schema = CODEC_SCHEMA(queue_nothing, queue_nothing_fields);

#define METHOD(method, number, in, out) { (number), #method, &in##_schema, &out##_schema },

static const struct port_method methods[] = { QUEUE_METHODS(METHOD) };

const struct port_interface queue_interface = { "queue", methods, sizeof methods / sizeof methods[0] };
