/* SPDX-License-Identifier: ISC */
/*
 * What kind each operation is and which function does it.
 */
#include "store/internal.h"

static const struct store_content *
deliver_content(const void *request)
{
	return &((const struct store_deliver *)request)->content;
}

static const struct store_content *
append_content(const void *request)
{
	return &((const struct store_append *)request)->content;
}

static const struct store_content *
queue_put_content(const void *request)
{
	return &((const struct store_queue_letter *)request)->content;
}

static const struct store_content *
queue_report_content(const void *request)
{
	return &((const struct store_queue_settle_report *)request)->report.content;
}

#define READ(name, reply) \
	{ \
		STORE_METHOD_##name, OP_READ, sizeof(struct reply), .read = op_##name \
	}
#define WRITE(name, reply) \
	{ \
		STORE_METHOD_##name, OP_WRITE, sizeof(struct reply), .write = op_##name \
	}

const struct op op_table[] = {
	WRITE(account_create, store_account_id),
	WRITE(account_remove, store_nothing),
	WRITE(account_set_verifier, store_nothing),
	WRITE(account_rename, store_nothing),
	READ(account_get, store_account),
	READ(account_list, store_account_rows),
	WRITE(address_add, store_nothing),
	WRITE(address_remove, store_nothing),
	READ(address_find, store_address_found),
	READ(address_resolve, store_address_resolved),
	READ(address_owned, store_owned),
	WRITE(alias_add, store_nothing),
	WRITE(alias_remove, store_nothing),
	READ(alias_list, store_aliases),
	WRITE(domain_add, store_nothing),
	WRITE(domain_remove, store_nothing),
	READ(domain_list, store_domains),
	WRITE(credential_add, store_credential_id),
	WRITE(credential_remove, store_nothing),
	READ(credential_list, store_credentials),
	{ STORE_METHOD_credential_use, OP_RECENT, sizeof(struct store_nothing), .read = op_credential_look,
	    .write = op_credential_use },
	READ(mailbox_list, store_mailbox_rows),
	READ(mailbox_get, store_mailbox_state),
	WRITE(mailbox_create, store_mailbox_id),
	WRITE(mailbox_delete, store_nothing),
	WRITE(mailbox_rename, store_nothing),
	WRITE(subscribe, store_nothing),
	READ(subscription_list, store_names),
	{ STORE_METHOD_recent_take, OP_RECENT, sizeof(struct store_recent), .read = op_recent_look,
	    .write = op_recent_take },
	{ STORE_METHOD_body_begin, OP_STAGE, .run = stage_begin },
	{ STORE_METHOD_body_append, OP_STAGE, .run = stage_append },
	{ STORE_METHOD_body_abort, OP_STAGE, .run = stage_abort },
	READ(body_read, store_body_data),
	{ STORE_METHOD_deliver, OP_WRITE, sizeof(struct store_delivered), .write = op_deliver,
	    .content = deliver_content },
	{ STORE_METHOD_append, OP_WRITE, sizeof(struct store_appended), .write = op_append, .content = append_content },
	READ(message_list, store_message_rows),
	READ(changes, store_changed),
	WRITE(flags, store_flags_done),
	WRITE(expunge, store_expunged),
	WRITE(copy, store_copied),
	{ STORE_METHOD_cache_put, OP_RELAXED, sizeof(struct store_nothing), .write = op_cache_put },
	{ STORE_METHOD_changes_wait, OP_WAIT, .run = notify_wait },
	WRITE(certificate_put, store_certificate_kept),
	READ(certificate_find, store_certificates),
	WRITE(certificate_remove, store_nothing),
	READ(certificate_count, store_certificate_count),
	WRITE(certificate_publish, store_certificate_kept),
	WRITE(certificate_unpublish, store_certificate_kept),
	READ(certificate_bucket, store_bucket),
	READ(certificate_names, store_certificates),
	READ(directory_changes, store_directory_changes),
	READ(certificate_due, store_certificates),
	WRITE(certificate_certified, store_nothing),
	{ STORE_METHOD_queue_put, OP_WRITE, sizeof(struct store_queue_kept), .write = op_queue_put,
	    .content = queue_put_content },
	/* A lease that a crash takes was of a relay that is gone as well. */
	{ STORE_METHOD_queue_lease, OP_RELAXED, sizeof(struct store_queue_leased), .write = op_queue_lease },
	READ(queue_read, store_body_data),
	{ STORE_METHOD_queue_renew, OP_RELAXED, sizeof(struct store_queue_until), .write = op_queue_renew },
	{ STORE_METHOD_queue_release, OP_RELAXED, sizeof(struct store_nothing), .write = op_queue_release },
	WRITE(queue_settle, store_queue_settled),
	{ STORE_METHOD_queue_settle_report, OP_WRITE, sizeof(struct store_queue_settled),
	    .write = op_queue_settle_report, .content = queue_report_content },
	{ STORE_METHOD_queue_defer, OP_RELAXED, sizeof(struct store_queue_until), .write = op_queue_defer },
	READ(queue_get, store_queue_message),
	READ(queue_list, store_queue_messages),
	WRITE(queue_change, store_queue_changed),
	READ(queue_domains, store_queue_domains),
	READ(queue_log, store_queue_events),
	READ(queue_totals, store_queue_totals),
	WRITE(token_put, store_nothing),
	READ(token_look, store_token),
	WRITE(token_take, store_token),
	READ(certificate_look, store_certificates_seen),
	READ(meta_get, store_meta_value),
	WRITE(meta_put, store_nothing),
	READ(policy_get, store_policy),
	{ STORE_METHOD_policy_put, OP_RELAXED, sizeof(struct store_nothing), .write = op_policy_put },
	{ STORE_METHOD_tally_add, OP_RELAXED, sizeof(struct store_nothing), .write = op_tally_add },
	READ(tally_list, store_tallies),
	WRITE(tally_remove, store_nothing),
	READ(info, store_info),
	READ(verify, store_verified),
	{ STORE_METHOD_hold, OP_STAGE, .run = aside_hold },
};
const size_t op_count = sizeof op_table / sizeof op_table[0];

const struct op *
op_find(uint16_t number)
{
	for (size_t i = 0; i < op_count; i++) {
		if (op_table[i].number == number)
			return &op_table[i];
	}
	return NULL;
}
