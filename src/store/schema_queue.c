/* SPDX-License-Identifier: ISC */
/*
 * lint: tables. How the structs of store/types_queue.h cross: their fields and their maxima, in its order.
 */
#include "store/schema_queue.h"

static const struct codec_field store_queue_to_fields[] = {
	CODEC_FIELD(struct store_queue_to, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_to, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_queue_to, notify, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_to, orcpt, CODEC_BYTES, STORE_QUEUE_ORCPT_MAX),
};
static const struct codec_schema store_queue_to_schema = CODEC_SCHEMA(store_queue_to, store_queue_to_fields);

static const struct codec_field store_queue_out_fields[] = {
	CODEC_FIELD(struct store_queue_out, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_out, skip, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_out, front, CODEC_BYTES, STORE_QUEUE_FRONT_MAX),
	CODEC_FIELD(struct store_queue_out, sender, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_out, flags, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_out, ret, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_out, envid, CODEC_BYTES, STORE_QUEUE_ENVID_MAX),
	CODEC_FIELD(struct store_queue_out, lifetime_s, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_out, warn_s, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_out, hour_max, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_out, octets_max, CODEC_U64, 0),
	CODEC_FIELD_LIST(
	    struct store_queue_out, recipients, recipient_count, &store_queue_to_schema, STORE_QUEUE_RECIPIENTS_MAX),
};
static const struct codec_schema store_queue_out_schema = CODEC_SCHEMA(store_queue_out, store_queue_out_fields);

static const struct codec_field store_queue_letter_fields[] = {
	CODEC_FIELD_STRUCT(struct store_queue_letter, content, &store_content_schema),
	CODEC_FIELD(struct store_queue_letter, internal_date, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_letter, envelope, CODEC_BYTES, STORE_ENVELOPE_MAX),
	CODEC_FIELD_LIST(struct store_queue_letter, targets, target_count, &store_target_schema, STORE_TARGETS_MAX),
	CODEC_FIELD_STRUCT(struct store_queue_letter, out, &store_queue_out_schema),
};
const struct codec_schema store_queue_letter_schema = CODEC_SCHEMA(store_queue_letter, store_queue_letter_fields);

static const struct codec_field store_queue_kept_fields[] = {
	CODEC_FIELD(struct store_queue_kept, body, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_kept, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_kept, inboxes, CODEC_U32, 0),
};
const struct codec_schema store_queue_kept_schema = CODEC_SCHEMA(store_queue_kept, store_queue_kept_fields);

static const struct codec_field store_queue_lease_fields[] = {
	CODEC_FIELD(struct store_queue_lease, messages_max, CODEC_U32, STORE_QUEUE_LEASE_MAX),
	CODEC_FIELD(struct store_queue_lease, domain_messages_max, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_lease, lease_s, CODEC_U32, 0),
	CODEC_FIELD_LIST(struct store_queue_lease, full, full_count, &codec_schema_slice, STORE_QUEUE_FULL_MAX),
};
const struct codec_schema store_queue_lease_schema = CODEC_SCHEMA(store_queue_lease, store_queue_lease_fields);

static const struct codec_field store_queue_due_fields[] = {
	CODEC_FIELD(struct store_queue_due, position, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_due, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_due, notify, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_due, orcpt, CODEC_BYTES, STORE_QUEUE_ORCPT_MAX),
	CODEC_FIELD(struct store_queue_due, attempts, CODEC_U32, 0),
};
static const struct codec_schema store_queue_due_schema = CODEC_SCHEMA(store_queue_due, store_queue_due_fields);

static const struct codec_field store_queue_entry_fields[] = {
	CODEC_FIELD(struct store_queue_entry, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_entry, lease, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_entry, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_queue_entry, sender, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_entry, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_entry, size, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_entry, header_size, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_entry, flags, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_entry, ret, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_entry, envid, CODEC_BYTES, STORE_QUEUE_ENVID_MAX),
	CODEC_FIELD(struct store_queue_entry, created, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_entry, expires, CODEC_U64, 0),
	CODEC_FIELD_LIST(
	    struct store_queue_entry, recipients, recipient_count, &store_queue_due_schema, STORE_QUEUE_RECIPIENTS_MAX),
};
static const struct codec_schema store_queue_entry_schema = CODEC_SCHEMA(store_queue_entry, store_queue_entry_fields);

static const struct codec_field store_queue_leased_fields[] = {
	CODEC_FIELD_LIST(
	    struct store_queue_leased, entries, entry_count, &store_queue_entry_schema, STORE_QUEUE_LEASE_MAX),
	CODEC_FIELD(struct store_queue_leased, next, CODEC_U64, 0),
};
const struct codec_schema store_queue_leased_schema = CODEC_SCHEMA(store_queue_leased, store_queue_leased_fields);

static const struct codec_field store_queue_read_fields[] = {
	CODEC_FIELD(struct store_queue_read, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_read, lease, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_read, offset, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_read, length, CODEC_U32, STORE_PIECE_MAX),
};
const struct codec_schema store_queue_read_schema = CODEC_SCHEMA(store_queue_read, store_queue_read_fields);

static const struct codec_field store_queue_renew_fields[] = {
	CODEC_FIELD(struct store_queue_renew, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_renew, lease, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_renew, lease_s, CODEC_U32, 0),
};
const struct codec_schema store_queue_renew_schema = CODEC_SCHEMA(store_queue_renew, store_queue_renew_fields);

static const struct codec_field store_queue_release_fields[] = {
	CODEC_FIELD(struct store_queue_release, last, CODEC_U64, 0),
};
const struct codec_schema store_queue_release_schema = CODEC_SCHEMA(store_queue_release, store_queue_release_fields);

static const struct codec_field store_queue_until_fields[] = {
	CODEC_FIELD(struct store_queue_until, until, CODEC_U64, 0),
};
const struct codec_schema store_queue_until_schema = CODEC_SCHEMA(store_queue_until, store_queue_until_fields);

static const struct codec_field store_queue_facts_fields[] = {
	CODEC_FIELD(struct store_queue_facts, mx_name, CODEC_BYTES, STORE_QUEUE_WORD_MAX),
	CODEC_FIELD(struct store_queue_facts, mx_address, CODEC_BYTES, STORE_QUEUE_WORD_MAX),
	CODEC_FIELD(struct store_queue_facts, tls_version, CODEC_BYTES, STORE_QUEUE_WORD_MAX),
	CODEC_FIELD(struct store_queue_facts, tls_cipher, CODEC_BYTES, STORE_QUEUE_WORD_MAX),
	CODEC_FIELD(struct store_queue_facts, tls_verified, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_facts, policy, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_facts, policy_source, CODEC_BYTES, STORE_QUEUE_WORD_MAX),
};
static const struct codec_schema store_queue_facts_schema = CODEC_SCHEMA(store_queue_facts, store_queue_facts_fields);

static const struct codec_field store_queue_outcome_fields[] = {
	CODEC_FIELD(struct store_queue_outcome, position, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_outcome, result, CODEC_U32, STORE_QUEUE_RETURNED),
	CODEC_FIELD(struct store_queue_outcome, retry_s, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_outcome, status, CODEC_BYTES, STORE_QUEUE_STATUS_MAX),
	CODEC_FIELD(struct store_queue_outcome, text, CODEC_BYTES, STORE_QUEUE_TEXT_MAX),
	CODEC_FIELD_STRUCT(struct store_queue_outcome, facts, &store_queue_facts_schema),
};
static const struct codec_schema store_queue_outcome_schema =
    CODEC_SCHEMA(store_queue_outcome, store_queue_outcome_fields);

static const struct codec_field store_queue_settle_fields[] = {
	CODEC_FIELD(struct store_queue_settle, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_settle, lease, CODEC_U64, 0),
	CODEC_FIELD_LIST(struct store_queue_settle, outcomes, outcome_count, &store_queue_outcome_schema,
	    STORE_QUEUE_RECIPIENTS_MAX),
	CODEC_FIELD(struct store_queue_settle, look, CODEC_U64, STORE_QUEUE_NEVER),
	CODEC_FIELD(struct store_queue_settle, warned, CODEC_BOOL, 0),
};
const struct codec_schema store_queue_settle_schema = CODEC_SCHEMA(store_queue_settle, store_queue_settle_fields);

static const struct codec_field store_queue_settle_report_fields[] = {
	CODEC_FIELD_STRUCT(struct store_queue_settle_report, settle, &store_queue_settle_schema),
	CODEC_FIELD_STRUCT(struct store_queue_settle_report, report, &store_queue_letter_schema),
};
const struct codec_schema store_queue_settle_report_schema =
    CODEC_SCHEMA(store_queue_settle_report, store_queue_settle_report_fields);

static const struct codec_field store_queue_settled_fields[] = {
	CODEC_FIELD(struct store_queue_settled, left, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_settled, report, CODEC_U64, 0),
};
const struct codec_schema store_queue_settled_schema = CODEC_SCHEMA(store_queue_settled, store_queue_settled_fields);

static const struct codec_field store_queue_defer_fields[] = {
	CODEC_FIELD(struct store_queue_defer, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_queue_defer, retry_s, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_defer, reason, CODEC_BYTES, STORE_QUEUE_TEXT_MAX),
};
const struct codec_schema store_queue_defer_schema = CODEC_SCHEMA(store_queue_defer, store_queue_defer_fields);

static const struct codec_field store_queue_recipient_fields[] = {
	CODEC_FIELD(struct store_queue_recipient, position, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_recipient, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_recipient, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_queue_recipient, notify, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_recipient, orcpt, CODEC_BYTES, STORE_QUEUE_ORCPT_MAX),
	CODEC_FIELD(struct store_queue_recipient, attempts, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_recipient, due, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_recipient, leased, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_queue_recipient, last_time, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_recipient, last_status, CODEC_BYTES, STORE_QUEUE_STATUS_MAX),
	CODEC_FIELD(struct store_queue_recipient, last_text, CODEC_BYTES, STORE_QUEUE_TEXT_MAX),
	CODEC_FIELD(struct store_queue_recipient, last_host, CODEC_BYTES, STORE_QUEUE_WORD_MAX),
	CODEC_FIELD(struct store_queue_recipient, until, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_recipient, reason, CODEC_BYTES, STORE_QUEUE_TEXT_MAX),
};
static const struct codec_schema store_queue_recipient_schema =
    CODEC_SCHEMA(store_queue_recipient, store_queue_recipient_fields);

static const struct codec_field store_queue_message_fields[] = {
	CODEC_FIELD(struct store_queue_message, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_message, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_message, body, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_message, skip, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_message, size, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_message, header_size, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_message, sender, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_message, flags, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_message, ret, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_message, envid, CODEC_BYTES, STORE_QUEUE_ENVID_MAX),
	CODEC_FIELD(struct store_queue_message, created, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_message, expires, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_message, warned, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_queue_message, held, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_message, recipient_total, CODEC_U32, 0),
	CODEC_FIELD_LIST(struct store_queue_message, recipients, recipient_count, &store_queue_recipient_schema,
	    STORE_QUEUE_RECIPIENTS_MAX),
};
const struct codec_schema store_queue_message_schema = CODEC_SCHEMA(store_queue_message, store_queue_message_fields);

static const struct codec_field store_queue_id_fields[] = {
	CODEC_FIELD(struct store_queue_id, queue, CODEC_U64, 0),
};
const struct codec_schema store_queue_id_schema = CODEC_SCHEMA(store_queue_id, store_queue_id_fields);

static const struct codec_field store_queue_list_fields[] = {
	CODEC_FIELD(struct store_queue_list, which, CODEC_U32, STORE_QUEUE_LOOK),
	CODEC_FIELD(struct store_queue_list, value, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_list, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_list, after, CODEC_U64, STORE_QUEUE_NEVER),
	CODEC_FIELD(struct store_queue_list, limit, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_list, recipients_max, CODEC_U32, 0),
};
const struct codec_schema store_queue_list_schema = CODEC_SCHEMA(store_queue_list, store_queue_list_fields);

static const struct codec_field store_queue_messages_fields[] = {
	CODEC_FIELD_LIST(
	    struct store_queue_messages, rows, row_count, &store_queue_message_schema, STORE_QUEUE_PAGE_MAX),
	CODEC_FIELD(struct store_queue_messages, more, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_queue_messages, next, CODEC_U64, 0),
};
const struct codec_schema store_queue_messages_schema = CODEC_SCHEMA(store_queue_messages, store_queue_messages_fields);

static const struct codec_field store_queue_change_fields[] = {
	CODEC_FIELD(struct store_queue_change, action, CODEC_U32, STORE_QUEUE_REMOVE),
	CODEC_FIELD(struct store_queue_change, which, CODEC_U32, STORE_QUEUE_SENDER),
	CODEC_FIELD(struct store_queue_change, value, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_change, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_change, after, CODEC_U64, STORE_QUEUE_NEVER),
};
const struct codec_schema store_queue_change_schema = CODEC_SCHEMA(store_queue_change, store_queue_change_fields);

static const struct codec_field store_queue_changed_fields[] = {
	CODEC_FIELD(struct store_queue_changed, changed, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_changed, after, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_changed, more, CODEC_BOOL, 0),
};
const struct codec_schema store_queue_changed_schema = CODEC_SCHEMA(store_queue_changed, store_queue_changed_fields);

static const struct codec_field store_queue_domain_list_fields[] = {
	CODEC_FIELD(struct store_queue_domain_list, after, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_queue_domain_list, limit, CODEC_U32, 0),
};
const struct codec_schema store_queue_domain_list_schema =
    CODEC_SCHEMA(store_queue_domain_list, store_queue_domain_list_fields);

static const struct codec_field store_queue_domain_fields[] = {
	CODEC_FIELD(struct store_queue_domain, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_queue_domain, recipients, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_domain, due, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_domain, until, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_domain, reason, CODEC_BYTES, STORE_QUEUE_TEXT_MAX),
};
static const struct codec_schema store_queue_domain_schema =
    CODEC_SCHEMA(store_queue_domain, store_queue_domain_fields);

static const struct codec_field store_queue_domains_fields[] = {
	CODEC_FIELD_LIST(struct store_queue_domains, rows, row_count, &store_queue_domain_schema, STORE_QUEUE_PAGE_MAX),
	CODEC_FIELD(struct store_queue_domains, more, CODEC_BOOL, 0),
};
const struct codec_schema store_queue_domains_schema = CODEC_SCHEMA(store_queue_domains, store_queue_domains_fields);

static const struct codec_field store_queue_log_fields[] = {
	CODEC_FIELD(struct store_queue_log, queue, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_log, after, CODEC_U64, STORE_QUEUE_NEVER),
};
const struct codec_schema store_queue_log_schema = CODEC_SCHEMA(store_queue_log, store_queue_log_fields);

static const struct codec_field store_queue_event_fields[] = {
	CODEC_FIELD(struct store_queue_event, entry, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_event, position, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_event, happened, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_event, result, CODEC_U32, 0),
	CODEC_FIELD(struct store_queue_event, sender, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_event, recipient, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_queue_event, status, CODEC_BYTES, STORE_QUEUE_STATUS_MAX),
	CODEC_FIELD(struct store_queue_event, text, CODEC_BYTES, STORE_QUEUE_TEXT_MAX),
	CODEC_FIELD_STRUCT(struct store_queue_event, facts, &store_queue_facts_schema),
};
static const struct codec_schema store_queue_event_schema = CODEC_SCHEMA(store_queue_event, store_queue_event_fields);

static const struct codec_field store_queue_events_fields[] = {
	CODEC_FIELD_LIST(struct store_queue_events, rows, row_count, &store_queue_event_schema, STORE_QUEUE_EVENTS_MAX),
	CODEC_FIELD(struct store_queue_events, more, CODEC_BOOL, 0),
};
const struct codec_schema store_queue_events_schema = CODEC_SCHEMA(store_queue_events, store_queue_events_fields);

static const struct codec_field store_queue_totals_fields[] = {
	CODEC_FIELD(struct store_queue_totals, messages, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_totals, recipients, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_totals, octets, CODEC_U64, 0),
	CODEC_FIELD(struct store_queue_totals, oldest, CODEC_U64, 0),
};
const struct codec_schema store_queue_totals_schema = CODEC_SCHEMA(store_queue_totals, store_queue_totals_fields);
