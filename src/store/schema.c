/* SPDX-License-Identifier: ISC */
/* lint: a table: the fields of each struct of store/types.h, in its order. */
/*
 * lint: tables. How the structs of store/types.h cross: their fields and their maxima.
 */
#include "store/schema_queue.h"
#include "store/store.h"

static const struct codec_field store_nothing_fields[] = {
	CODEC_FIELD(struct store_nothing, unused, CODEC_U8, 0),
};
static const struct codec_schema store_nothing_schema = CODEC_SCHEMA(store_nothing, store_nothing_fields);

static const struct codec_field store_account_create_fields[] = {
	CODEC_FIELD(struct store_account_create, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_account_create, verifier, CODEC_BYTES, STORE_VERIFIER_MAX),
	CODEC_FIELD(struct store_account_create, scram, CODEC_BYTES, STORE_VERIFIER_MAX),
};
static const struct codec_schema store_account_create_schema =
    CODEC_SCHEMA(store_account_create, store_account_create_fields);

static const struct codec_field store_account_id_fields[] = {
	CODEC_FIELD(struct store_account_id, account, CODEC_U64, 0),
};
static const struct codec_schema store_account_id_schema = CODEC_SCHEMA(store_account_id, store_account_id_fields);

static const struct codec_field store_account_set_verifier_fields[] = {
	CODEC_FIELD(struct store_account_set_verifier, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_account_set_verifier, verifier, CODEC_BYTES, STORE_VERIFIER_MAX),
	CODEC_FIELD(struct store_account_set_verifier, scram, CODEC_BYTES, STORE_VERIFIER_MAX),
};
static const struct codec_schema store_account_set_verifier_schema =
    CODEC_SCHEMA(store_account_set_verifier, store_account_set_verifier_fields);

static const struct codec_field store_credential_add_fields[] = {
	CODEC_FIELD(struct store_credential_add, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_credential_add, name, CODEC_BYTES, STORE_CREDENTIAL_NAME_MAX),
	CODEC_FIELD(struct store_credential_add, verifier, CODEC_BYTES, STORE_VERIFIER_MAX),
	CODEC_FIELD(struct store_credential_add, rights, CODEC_U32, STORE_RIGHTS_ALL),
	CODEC_FIELD(struct store_credential_add, expires, CODEC_U64, INT64_MAX),
};
static const struct codec_schema store_credential_add_schema =
    CODEC_SCHEMA(store_credential_add, store_credential_add_fields);

static const struct codec_field store_credential_id_fields[] = {
	CODEC_FIELD(struct store_credential_id, credential, CODEC_U64, 0),
};
static const struct codec_schema store_credential_id_schema =
    CODEC_SCHEMA(store_credential_id, store_credential_id_fields);

static const struct codec_field store_credential_name_fields[] = {
	CODEC_FIELD(struct store_credential_name, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_credential_name, name, CODEC_BYTES, STORE_CREDENTIAL_NAME_MAX),
};
static const struct codec_schema store_credential_name_schema =
    CODEC_SCHEMA(store_credential_name, store_credential_name_fields);

static const struct codec_field store_credential_list_fields[] = {
	CODEC_FIELD(struct store_credential_list, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_credential_list, with_verifiers, CODEC_BOOL, 0),
};
static const struct codec_schema store_credential_list_schema =
    CODEC_SCHEMA(store_credential_list, store_credential_list_fields);

static const struct codec_field store_credential_fields[] = {
	CODEC_FIELD(struct store_credential, credential, CODEC_U64, 0),
	CODEC_FIELD(struct store_credential, kind, CODEC_U32, STORE_CREDENTIAL_SCRAM),
	CODEC_FIELD(struct store_credential, name, CODEC_BYTES, STORE_CREDENTIAL_NAME_MAX),
	CODEC_FIELD(struct store_credential, verifier, CODEC_BYTES, STORE_VERIFIER_MAX),
	CODEC_FIELD(struct store_credential, rights, CODEC_U32, STORE_RIGHTS_ALL),
	CODEC_FIELD(struct store_credential, created, CODEC_U64, 0),
	CODEC_FIELD(struct store_credential, used, CODEC_U64, 0),
	CODEC_FIELD(struct store_credential, expires, CODEC_U64, 0),
};
static const struct codec_schema store_credential_schema = CODEC_SCHEMA(store_credential, store_credential_fields);

static const struct codec_field store_credentials_fields[] = {
	CODEC_FIELD_LIST(struct store_credentials, rows, row_count, &store_credential_schema, STORE_CREDENTIALS_MAX),
};
static const struct codec_schema store_credentials_schema = CODEC_SCHEMA(store_credentials, store_credentials_fields);

static const struct codec_field store_credential_use_fields[] = {
	CODEC_FIELD(struct store_credential_use, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_credential_use, credential, CODEC_U64, 0),
	CODEC_FIELD(struct store_credential_use, right, CODEC_U32, STORE_RIGHTS_ALL),
};
static const struct codec_schema store_credential_use_schema =
    CODEC_SCHEMA(store_credential_use, store_credential_use_fields);

static const struct codec_field store_address_fields[] = {
	CODEC_FIELD(struct store_address, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_address, address, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema store_address_schema = CODEC_SCHEMA(store_address, store_address_fields);

static const struct codec_field store_account_rename_fields[] = {
	CODEC_FIELD(struct store_account_rename, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_account_rename, from, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_account_rename, to, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema store_account_rename_schema =
    CODEC_SCHEMA(store_account_rename, store_account_rename_fields);

static const struct codec_field store_account_get_fields[] = {
	CODEC_FIELD(struct store_account_get, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_account_get, address, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema store_account_get_schema = CODEC_SCHEMA(store_account_get, store_account_get_fields);

static const struct codec_field store_account_fields[] = {
	CODEC_FIELD(struct store_account, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_account, verifier, CODEC_BYTES, STORE_VERIFIER_MAX),
	CODEC_FIELD_LIST(struct store_account, addresses, address_count, &codec_schema_slice, STORE_ADDRESSES_MAX),
	CODEC_FIELD(struct store_account, created, CODEC_U64, 0),
	CODEC_FIELD(struct store_account, messages, CODEC_U64, 0),
	CODEC_FIELD(struct store_account, octets, CODEC_U64, 0),
};
static const struct codec_schema store_account_schema = CODEC_SCHEMA(store_account, store_account_fields);

static const struct codec_field store_account_list_fields[] = {
	CODEC_FIELD(struct store_account_list, after, CODEC_U64, 0),
	CODEC_FIELD(struct store_account_list, limit, CODEC_U32, 0),
};
static const struct codec_schema store_account_list_schema =
    CODEC_SCHEMA(store_account_list, store_account_list_fields);

static const struct codec_field store_account_row_fields[] = {
	CODEC_FIELD(struct store_account_row, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_account_row, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_account_row, created, CODEC_U64, 0),
};
static const struct codec_schema store_account_row_schema = CODEC_SCHEMA(store_account_row, store_account_row_fields);

static const struct codec_field store_account_rows_fields[] = {
	CODEC_FIELD_LIST(struct store_account_rows, rows, row_count, &store_account_row_schema, STORE_PAGE_MAX),
	CODEC_FIELD(struct store_account_rows, more, CODEC_BOOL, 0),
};
static const struct codec_schema store_account_rows_schema =
    CODEC_SCHEMA(store_account_rows, store_account_rows_fields);

static const struct codec_field store_address_find_fields[] = {
	CODEC_FIELD(struct store_address_find, address, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema store_address_find_schema =
    CODEC_SCHEMA(store_address_find, store_address_find_fields);

static const struct codec_field store_address_found_fields[] = {
	CODEC_FIELD(struct store_address_found, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_address_found, domain_known, CODEC_BOOL, 0),
};
static const struct codec_schema store_address_found_schema =
    CODEC_SCHEMA(store_address_found, store_address_found_fields);

static const struct codec_field store_alias_add_fields[] = {
	CODEC_FIELD(struct store_alias_add, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD_LIST(struct store_alias_add, targets, target_count, &codec_schema_slice, STORE_ALIAS_TARGETS_MAX),
	CODEC_FIELD(struct store_alias_add, senders, CODEC_U32, STORE_SENDERS_DOMAIN),
};
static const struct codec_schema store_alias_add_schema = CODEC_SCHEMA(store_alias_add, store_alias_add_fields);

static const struct codec_field store_alias_remove_fields[] = {
	CODEC_FIELD(struct store_alias_remove, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD_LIST(
	    struct store_alias_remove, targets, target_count, &codec_schema_slice, STORE_ALIAS_TARGETS_MAX),
};
static const struct codec_schema store_alias_remove_schema =
    CODEC_SCHEMA(store_alias_remove, store_alias_remove_fields);

static const struct codec_field store_alias_list_fields[] = {
	CODEC_FIELD(struct store_alias_list, after, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_alias_list, target, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_alias_list, limit, CODEC_U32, 0),
};
static const struct codec_schema store_alias_list_schema = CODEC_SCHEMA(store_alias_list, store_alias_list_fields);

static const struct codec_field store_alias_fields[] = {
	CODEC_FIELD(struct store_alias, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_alias, senders, CODEC_U32, STORE_SENDERS_DOMAIN),
	CODEC_FIELD_LIST(struct store_alias, targets, target_count, &codec_schema_slice, STORE_ALIAS_TARGETS_MAX),
	CODEC_FIELD(struct store_alias, accounts, CODEC_U32, STORE_ALIAS_ACCOUNTS_MAX),
};
static const struct codec_schema store_alias_schema = CODEC_SCHEMA(store_alias, store_alias_fields);

static const struct codec_field store_aliases_fields[] = {
	CODEC_FIELD_LIST(struct store_aliases, rows, row_count, &store_alias_schema, STORE_ALIAS_PAGE_MAX),
	CODEC_FIELD(struct store_aliases, more, CODEC_BOOL, 0),
};
static const struct codec_schema store_aliases_schema = CODEC_SCHEMA(store_aliases, store_aliases_fields);

static const struct codec_field store_address_resolve_fields[] = {
	CODEC_FIELD(struct store_address_resolve, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_address_resolve, writer, CODEC_U64, 0),
	CODEC_FIELD(struct store_address_resolve, separator, CODEC_U32, 127),
	CODEC_FIELD(struct store_address_resolve, postmaster, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema store_address_resolve_schema =
    CODEC_SCHEMA(store_address_resolve, store_address_resolve_fields);

static const struct codec_field store_address_resolved_fields[] = {
	CODEC_FIELD(struct store_address_resolved, resolution, CODEC_U32, STORE_NOT_FOR),
	CODEC_FIELD_LIST(
	    struct store_address_resolved, accounts, account_count, &codec_schema_u64, STORE_ALIAS_ACCOUNTS_MAX),
	CODEC_FIELD_LIST(
	    struct store_address_resolved, elsewhere, elsewhere_count, &codec_schema_slice, STORE_QUEUE_RECIPIENTS_MAX),
};
static const struct codec_schema store_address_resolved_schema =
    CODEC_SCHEMA(store_address_resolved, store_address_resolved_fields);

static const struct codec_field store_address_owned_fields[] = {
	CODEC_FIELD(struct store_address_owned, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_address_owned, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_address_owned, separator, CODEC_U32, 127),
	CODEC_FIELD(struct store_address_owned, postmaster, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema store_address_owned_schema =
    CODEC_SCHEMA(store_address_owned, store_address_owned_fields);

static const struct codec_field store_owned_fields[] = {
	CODEC_FIELD(struct store_owned, owned, CODEC_BOOL, 0),
};
static const struct codec_schema store_owned_schema = CODEC_SCHEMA(store_owned, store_owned_fields);

static const struct codec_field store_domain_fields[] = {
	CODEC_FIELD(struct store_domain, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
};
static const struct codec_schema store_domain_schema = CODEC_SCHEMA(store_domain, store_domain_fields);

static const struct codec_field store_domains_fields[] = {
	CODEC_FIELD_LIST(struct store_domains, domains, domain_count, &codec_schema_slice, CODEC_LIST_MAX),
};
static const struct codec_schema store_domains_schema = CODEC_SCHEMA(store_domains, store_domains_fields);

static const struct codec_field store_mailbox_fields[] = {
	CODEC_FIELD(struct store_mailbox, mailbox, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox, name, CODEC_BYTES, STORE_NAME_MAX),
	CODEC_FIELD(struct store_mailbox, selectable, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_mailbox, subscribed, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_mailbox, has_children, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_mailbox, special_use, CODEC_U32, 0),
	CODEC_FIELD(struct store_mailbox, uidvalidity, CODEC_U32, 0),
	CODEC_FIELD(struct store_mailbox, uidnext, CODEC_U32, 0),
	CODEC_FIELD(struct store_mailbox, messages, CODEC_U32, 0),
	CODEC_FIELD(struct store_mailbox, unseen, CODEC_U32, 0),
	CODEC_FIELD(struct store_mailbox, deleted, CODEC_U32, 0),
	CODEC_FIELD(struct store_mailbox, recent, CODEC_U32, 0),
	CODEC_FIELD(struct store_mailbox, size, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox, highest_modseq, CODEC_U64, 0),
};
static const struct codec_schema store_mailbox_schema = CODEC_SCHEMA(store_mailbox, store_mailbox_fields);

static const struct codec_field store_keyword_fields[] = {
	CODEC_FIELD(struct store_keyword, name, CODEC_BYTES, STORE_KEYWORD_MAX),
};
static const struct codec_schema store_keyword_schema = CODEC_SCHEMA(store_keyword, store_keyword_fields);

static const struct codec_field store_mailbox_get_fields[] = {
	CODEC_FIELD(struct store_mailbox_get, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox_get, mailbox, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox_get, name, CODEC_BYTES, STORE_NAME_MAX),
};
static const struct codec_schema store_mailbox_get_schema = CODEC_SCHEMA(store_mailbox_get, store_mailbox_get_fields);

static const struct codec_field store_mailbox_state_fields[] = {
	CODEC_FIELD_STRUCT(struct store_mailbox_state, mailbox, &store_mailbox_schema),
	CODEC_FIELD_LIST(
	    struct store_mailbox_state, keywords, keyword_count, &store_keyword_schema, STORE_KEYWORDS_MAX),
};
static const struct codec_schema store_mailbox_state_schema =
    CODEC_SCHEMA(store_mailbox_state, store_mailbox_state_fields);

static const struct codec_field store_mailbox_list_fields[] = {
	CODEC_FIELD(struct store_mailbox_list, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox_list, after, CODEC_BYTES, STORE_NAME_MAX),
	CODEC_FIELD(struct store_mailbox_list, limit, CODEC_U32, 0),
};
static const struct codec_schema store_mailbox_list_schema =
    CODEC_SCHEMA(store_mailbox_list, store_mailbox_list_fields);

static const struct codec_field store_mailbox_rows_fields[] = {
	CODEC_FIELD_LIST(struct store_mailbox_rows, rows, row_count, &store_mailbox_schema, STORE_PAGE_MAX),
	CODEC_FIELD(struct store_mailbox_rows, more, CODEC_BOOL, 0),
};
static const struct codec_schema store_mailbox_rows_schema =
    CODEC_SCHEMA(store_mailbox_rows, store_mailbox_rows_fields);

static const struct codec_field store_mailbox_create_fields[] = {
	CODEC_FIELD(struct store_mailbox_create, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox_create, name, CODEC_BYTES, STORE_NAME_MAX),
	CODEC_FIELD(struct store_mailbox_create, special_use, CODEC_U32, 0),
	CODEC_FIELD(struct store_mailbox_create, subscribe, CODEC_BOOL, 0),
};
static const struct codec_schema store_mailbox_create_schema =
    CODEC_SCHEMA(store_mailbox_create, store_mailbox_create_fields);

static const struct codec_field store_mailbox_id_fields[] = {
	CODEC_FIELD(struct store_mailbox_id, mailbox, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox_id, uidvalidity, CODEC_U32, 0),
};
static const struct codec_schema store_mailbox_id_schema = CODEC_SCHEMA(store_mailbox_id, store_mailbox_id_fields);

static const struct codec_field store_mailbox_delete_fields[] = {
	CODEC_FIELD(struct store_mailbox_delete, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox_delete, name, CODEC_BYTES, STORE_NAME_MAX),
};
static const struct codec_schema store_mailbox_delete_schema =
    CODEC_SCHEMA(store_mailbox_delete, store_mailbox_delete_fields);

static const struct codec_field store_mailbox_rename_fields[] = {
	CODEC_FIELD(struct store_mailbox_rename, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox_rename, from, CODEC_BYTES, STORE_NAME_MAX),
	CODEC_FIELD(struct store_mailbox_rename, to, CODEC_BYTES, STORE_NAME_MAX),
};
static const struct codec_schema store_mailbox_rename_schema =
    CODEC_SCHEMA(store_mailbox_rename, store_mailbox_rename_fields);

static const struct codec_field store_subscribe_fields[] = {
	CODEC_FIELD(struct store_subscribe, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_subscribe, name, CODEC_BYTES, STORE_NAME_MAX),
	CODEC_FIELD(struct store_subscribe, subscribed, CODEC_BOOL, 0),
};
static const struct codec_schema store_subscribe_schema = CODEC_SCHEMA(store_subscribe, store_subscribe_fields);

static const struct codec_field store_subscription_list_fields[] = {
	CODEC_FIELD(struct store_subscription_list, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_subscription_list, after, CODEC_BYTES, STORE_NAME_MAX),
	CODEC_FIELD(struct store_subscription_list, limit, CODEC_U32, 0),
};
static const struct codec_schema store_subscription_list_schema =
    CODEC_SCHEMA(store_subscription_list, store_subscription_list_fields);

static const struct codec_field store_names_fields[] = {
	CODEC_FIELD_LIST(struct store_names, names, name_count, &codec_schema_slice, STORE_PAGE_MAX),
	CODEC_FIELD(struct store_names, more, CODEC_BOOL, 0),
};
static const struct codec_schema store_names_schema = CODEC_SCHEMA(store_names, store_names_fields);

static const struct codec_field store_body_handle_fields[] = {
	CODEC_FIELD(struct store_body_handle, handle, CODEC_U64, 0),
};
static const struct codec_schema store_body_handle_schema = CODEC_SCHEMA(store_body_handle, store_body_handle_fields);

static const struct codec_field store_body_append_fields[] = {
	CODEC_FIELD(struct store_body_append, handle, CODEC_U64, 0),
	CODEC_FIELD(struct store_body_append, data, CODEC_BYTES, STORE_PIECE_MAX),
};
static const struct codec_schema store_body_append_schema = CODEC_SCHEMA(store_body_append, store_body_append_fields);

static const struct codec_field store_body_length_fields[] = {
	CODEC_FIELD(struct store_body_length, length, CODEC_U64, 0),
};
static const struct codec_schema store_body_length_schema = CODEC_SCHEMA(store_body_length, store_body_length_fields);

static const struct codec_field store_body_read_fields[] = {
	CODEC_FIELD(struct store_body_read, body, CODEC_U64, 0),
	CODEC_FIELD(struct store_body_read, offset, CODEC_U64, 0),
	CODEC_FIELD(struct store_body_read, length, CODEC_U32, STORE_PIECE_MAX),
};
static const struct codec_schema store_body_read_schema = CODEC_SCHEMA(store_body_read, store_body_read_fields);

static const struct codec_field store_body_data_fields[] = {
	CODEC_FIELD(struct store_body_data, data, CODEC_BYTES, STORE_PIECE_MAX),
	CODEC_FIELD(struct store_body_data, length, CODEC_U64, 0),
};
static const struct codec_schema store_body_data_schema = CODEC_SCHEMA(store_body_data, store_body_data_fields);

static const struct codec_field store_content_fields[] = {
	CODEC_FIELD(struct store_content, handle, CODEC_U64, 0),
	CODEC_FIELD(struct store_content, data, CODEC_BYTES, STORE_INLINE_MAX),
	CODEC_FIELD(struct store_content, front, CODEC_BYTES, STORE_FRONT_MAX),
	CODEC_FIELD(struct store_content, header_size, CODEC_U32, 0),
	CODEC_FIELD(struct store_content, cache, CODEC_BYTES, STORE_CACHE_MAX),
};
const struct codec_schema store_content_schema = CODEC_SCHEMA(store_content, store_content_fields);

static const struct codec_field store_target_fields[] = {
	CODEC_FIELD(struct store_target, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_target, mailbox, CODEC_U64, 0),
	CODEC_FIELD(struct store_target, use, CODEC_U32, 0),
	CODEC_FIELD(struct store_target, flags, CODEC_U32, 0),
};
const struct codec_schema store_target_schema = CODEC_SCHEMA(store_target, store_target_fields);

static const struct codec_field store_deliver_fields[] = {
	CODEC_FIELD_STRUCT(struct store_deliver, content, &store_content_schema),
	CODEC_FIELD(struct store_deliver, internal_date, CODEC_U64, 0),
	CODEC_FIELD(struct store_deliver, envelope, CODEC_BYTES, STORE_ENVELOPE_MAX),
	CODEC_FIELD_LIST(struct store_deliver, targets, target_count, &store_target_schema, STORE_TARGETS_MAX),
};
static const struct codec_schema store_deliver_schema = CODEC_SCHEMA(store_deliver, store_deliver_fields);

static const struct codec_field store_stored_fields[] = {
	CODEC_FIELD(struct store_stored, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_stored, mailbox, CODEC_U64, 0),
	CODEC_FIELD(struct store_stored, uidvalidity, CODEC_U32, 0),
	CODEC_FIELD(struct store_stored, uid, CODEC_U32, 0),
	CODEC_FIELD(struct store_stored, modseq, CODEC_U64, 0),
};
static const struct codec_schema store_stored_schema = CODEC_SCHEMA(store_stored, store_stored_fields);

static const struct codec_field store_delivered_fields[] = {
	CODEC_FIELD(struct store_delivered, body, CODEC_U64, 0),
	CODEC_FIELD_LIST(struct store_delivered, stored, stored_count, &store_stored_schema, STORE_TARGETS_MAX),
};
static const struct codec_schema store_delivered_schema = CODEC_SCHEMA(store_delivered, store_delivered_fields);

static const struct codec_field store_append_fields[] = {
	CODEC_FIELD(struct store_append, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_append, mailbox, CODEC_U64, 0),
	CODEC_FIELD_STRUCT(struct store_append, content, &store_content_schema),
	CODEC_FIELD(struct store_append, internal_date, CODEC_U64, 0),
	CODEC_FIELD(struct store_append, flags, CODEC_U32, 0),
	CODEC_FIELD_LIST(struct store_append, keywords, keyword_count, &codec_schema_slice, STORE_KEYWORDS_MAX),
	CODEC_FIELD(struct store_append, name, CODEC_BYTES, STORE_NAME_MAX),
};
static const struct codec_schema store_append_schema = CODEC_SCHEMA(store_append, store_append_fields);

static const struct codec_field store_appended_fields[] = {
	CODEC_FIELD(struct store_appended, body, CODEC_U64, 0),
	CODEC_FIELD_STRUCT(struct store_appended, stored, &store_stored_schema),
};
static const struct codec_schema store_appended_schema = CODEC_SCHEMA(store_appended, store_appended_fields);

static const struct codec_field store_message_fields[] = {
	CODEC_FIELD(struct store_message, uid, CODEC_U32, 0),
	CODEC_FIELD(struct store_message, flags, CODEC_U32, 0),
	CODEC_FIELD(struct store_message, keywords, CODEC_U64, 0),
	CODEC_FIELD(struct store_message, modseq, CODEC_U64, 0),
	CODEC_FIELD(struct store_message, size, CODEC_U64, 0),
	CODEC_FIELD(struct store_message, header_size, CODEC_U32, 0),
	CODEC_FIELD(struct store_message, internal_date, CODEC_U64, 0),
	CODEC_FIELD(struct store_message, save_date, CODEC_U64, 0),
	CODEC_FIELD(struct store_message, body, CODEC_U64, 0),
	CODEC_FIELD(struct store_message, cache, CODEC_BYTES, STORE_CACHE_MAX),
};
static const struct codec_schema store_message_schema = CODEC_SCHEMA(store_message, store_message_fields);

static const struct codec_field store_message_list_fields[] = {
	CODEC_FIELD(struct store_message_list, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_message_list, mailbox, CODEC_U64, 0),
	CODEC_FIELD(struct store_message_list, first, CODEC_U32, 0),
	CODEC_FIELD(struct store_message_list, last, CODEC_U32, 0),
	CODEC_FIELD(struct store_message_list, limit, CODEC_U32, 0),
	CODEC_FIELD(struct store_message_list, with_cache, CODEC_BOOL, 0),
};
static const struct codec_schema store_message_list_schema =
    CODEC_SCHEMA(store_message_list, store_message_list_fields);

static const struct codec_field store_message_rows_fields[] = {
	CODEC_FIELD_LIST(struct store_message_rows, rows, row_count, &store_message_schema, STORE_PAGE_MAX),
	CODEC_FIELD(struct store_message_rows, next, CODEC_U32, 0),
	CODEC_FIELD(struct store_message_rows, uidnext, CODEC_U32, 0),
	CODEC_FIELD(struct store_message_rows, messages, CODEC_U32, 0),
	CODEC_FIELD(struct store_message_rows, highest_modseq, CODEC_U64, 0),
	CODEC_FIELD(struct store_message_rows, keyword_count, CODEC_U32, 0),
};
static const struct codec_schema store_message_rows_schema =
    CODEC_SCHEMA(store_message_rows, store_message_rows_fields);

static const struct codec_field store_changes_fields[] = {
	CODEC_FIELD(struct store_changes, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_changes, mailbox, CODEC_U64, 0),
	CODEC_FIELD(struct store_changes, since, CODEC_U64, 0),
	CODEC_FIELD(struct store_changes, limit, CODEC_U32, 0),
};
static const struct codec_schema store_changes_schema = CODEC_SCHEMA(store_changes, store_changes_fields);

static const struct codec_field store_changed_fields[] = {
	CODEC_FIELD_LIST(struct store_changed, rows, row_count, &store_message_schema, STORE_PAGE_MAX),
	CODEC_FIELD_LIST(struct store_changed, expunged, expunged_count, &codec_schema_u32, STORE_PAGE_MAX),
	CODEC_FIELD(struct store_changed, upto, CODEC_U64, 0),
	CODEC_FIELD(struct store_changed, more, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_changed, uidnext, CODEC_U32, 0),
	CODEC_FIELD(struct store_changed, messages, CODEC_U32, 0),
	CODEC_FIELD(struct store_changed, keyword_count, CODEC_U32, 0),
};
static const struct codec_schema store_changed_schema = CODEC_SCHEMA(store_changed, store_changed_fields);

static const struct codec_field store_range_fields[] = {
	CODEC_FIELD(struct store_range, first, CODEC_U32, 0),
	CODEC_FIELD(struct store_range, last, CODEC_U32, 0),
};
static const struct codec_schema store_range_schema = CODEC_SCHEMA(store_range, store_range_fields);

static const struct codec_field store_flags_fields[] = {
	CODEC_FIELD(struct store_flags, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_flags, mailbox, CODEC_U64, 0),
	CODEC_FIELD_LIST(struct store_flags, ranges, range_count, &store_range_schema, STORE_RANGES_MAX),
	CODEC_FIELD(struct store_flags, mode, CODEC_U32, 0),
	CODEC_FIELD(struct store_flags, flags, CODEC_U32, 0),
	CODEC_FIELD_LIST(struct store_flags, keywords, keyword_count, &codec_schema_slice, STORE_KEYWORDS_MAX),
	CODEC_FIELD(struct store_flags, conditional, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_flags, unchanged_since, CODEC_U64, 0),
};
static const struct codec_schema store_flags_schema = CODEC_SCHEMA(store_flags, store_flags_fields);

static const struct codec_field store_flags_row_fields[] = {
	CODEC_FIELD(struct store_flags_row, uid, CODEC_U32, 0),
	CODEC_FIELD(struct store_flags_row, flags, CODEC_U32, 0),
	CODEC_FIELD(struct store_flags_row, keywords, CODEC_U64, 0),
	CODEC_FIELD(struct store_flags_row, modseq, CODEC_U64, 0),
};
static const struct codec_schema store_flags_row_schema = CODEC_SCHEMA(store_flags_row, store_flags_row_fields);

static const struct codec_field store_flags_done_fields[] = {
	CODEC_FIELD_LIST(struct store_flags_done, rows, row_count, &store_flags_row_schema, STORE_TOUCH_MAX),
	CODEC_FIELD_LIST(struct store_flags_done, modified, modified_count, &codec_schema_u32, STORE_TOUCH_MAX),
	CODEC_FIELD(struct store_flags_done, next, CODEC_U32, 0),
	CODEC_FIELD(struct store_flags_done, keyword_count, CODEC_U32, 0),
	CODEC_FIELD(struct store_flags_done, highest_modseq, CODEC_U64, 0),
};
static const struct codec_schema store_flags_done_schema = CODEC_SCHEMA(store_flags_done, store_flags_done_fields);

static const struct codec_field store_expunge_fields[] = {
	CODEC_FIELD(struct store_expunge, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_expunge, mailbox, CODEC_U64, 0),
	CODEC_FIELD_LIST(struct store_expunge, ranges, range_count, &store_range_schema, STORE_RANGES_MAX),
	CODEC_FIELD(struct store_expunge, even_undeleted, CODEC_BOOL, 0),
};
static const struct codec_schema store_expunge_schema = CODEC_SCHEMA(store_expunge, store_expunge_fields);

static const struct codec_field store_expunged_fields[] = {
	CODEC_FIELD_LIST(struct store_expunged, uids, uid_count, &codec_schema_u32, STORE_TOUCH_MAX),
	CODEC_FIELD(struct store_expunged, next, CODEC_U32, 0),
	CODEC_FIELD(struct store_expunged, highest_modseq, CODEC_U64, 0),
};
static const struct codec_schema store_expunged_schema = CODEC_SCHEMA(store_expunged, store_expunged_fields);

static const struct codec_field store_copy_fields[] = {
	CODEC_FIELD(struct store_copy, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_copy, mailbox, CODEC_U64, 0),
	CODEC_FIELD_LIST(struct store_copy, ranges, range_count, &store_range_schema, STORE_RANGES_MAX),
	CODEC_FIELD(struct store_copy, target, CODEC_U64, 0),
	CODEC_FIELD(struct store_copy, move, CODEC_BOOL, 0),
};
static const struct codec_schema store_copy_schema = CODEC_SCHEMA(store_copy, store_copy_fields);

static const struct codec_field store_copied_fields[] = {
	CODEC_FIELD(struct store_copied, uidvalidity, CODEC_U32, 0),
	CODEC_FIELD_LIST(struct store_copied, from, from_count, &codec_schema_u32, STORE_COPY_MAX),
	CODEC_FIELD_LIST(struct store_copied, to, to_count, &codec_schema_u32, STORE_COPY_MAX),
	CODEC_FIELD(struct store_copied, highest_modseq, CODEC_U64, 0),
};
static const struct codec_schema store_copied_schema = CODEC_SCHEMA(store_copied, store_copied_fields);

static const struct codec_field store_recent_take_fields[] = {
	CODEC_FIELD(struct store_recent_take, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_recent_take, mailbox, CODEC_U64, 0),
	CODEC_FIELD(struct store_recent_take, look, CODEC_BOOL, 0),
};
static const struct codec_schema store_recent_take_schema = CODEC_SCHEMA(store_recent_take, store_recent_take_fields);

static const struct codec_field store_recent_fields[] = {
	CODEC_FIELD(struct store_recent, first, CODEC_U32, 0),
	CODEC_FIELD(struct store_recent, uidnext, CODEC_U32, 0),
};
static const struct codec_schema store_recent_schema = CODEC_SCHEMA(store_recent, store_recent_fields);

static const struct codec_field store_cache_put_fields[] = {
	CODEC_FIELD(struct store_cache_put, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_cache_put, body, CODEC_U64, 0),
	CODEC_FIELD(struct store_cache_put, cache, CODEC_BYTES, STORE_CACHE_MAX),
};
static const struct codec_schema store_cache_put_schema = CODEC_SCHEMA(store_cache_put, store_cache_put_fields);

static const struct codec_field store_changes_wait_fields[] = {
	CODEC_FIELD(struct store_changes_wait, cursor, CODEC_U64, 0),
};
static const struct codec_schema store_changes_wait_schema =
    CODEC_SCHEMA(store_changes_wait, store_changes_wait_fields);

static const struct codec_field store_mailbox_ref_fields[] = {
	CODEC_FIELD(struct store_mailbox_ref, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_mailbox_ref, mailbox, CODEC_U64, 0),
};
static const struct codec_schema store_mailbox_ref_schema = CODEC_SCHEMA(store_mailbox_ref, store_mailbox_ref_fields);

static const struct codec_field store_changes_seen_fields[] = {
	CODEC_FIELD(struct store_changes_seen, cursor, CODEC_U64, 0),
	CODEC_FIELD(struct store_changes_seen, lost, CODEC_BOOL, 0),
	CODEC_FIELD_LIST(
	    struct store_changes_seen, mailboxes, mailbox_count, &store_mailbox_ref_schema, STORE_CHANGES_MAX),
};
static const struct codec_schema store_changes_seen_schema =
    CODEC_SCHEMA(store_changes_seen, store_changes_seen_fields);

static const struct codec_field store_certificate_key_fields[] = {
	CODEC_FIELD(struct store_certificate_key, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_certificate_key, key_id, CODEC_U64, 0),
};
static const struct codec_schema store_certificate_key_schema =
    CODEC_SCHEMA(store_certificate_key, store_certificate_key_fields);

static const struct codec_field store_certificate_user_fields[] = {
	CODEC_FIELD(struct store_certificate_user, user_id, CODEC_BYTES, STORE_USER_ID_MAX),
	CODEC_FIELD(struct store_certificate_user, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_certificate_user, state, CODEC_U32, STORE_USER_PUBLISHED),
	CODEC_FIELD(struct store_certificate_user, how, CODEC_U32, STORE_HOW_MIRROR),
	CODEC_FIELD(struct store_certificate_user, verified, CODEC_U64, INT64_MAX),
	CODEC_FIELD(struct store_certificate_user, place, CODEC_U32, STORE_CERTIFICATE_MAX),
	CODEC_FIELD(struct store_certificate_user, length, CODEC_U32, STORE_CERTIFICATE_MAX),
};
static const struct codec_schema store_certificate_user_schema =
    CODEC_SCHEMA(store_certificate_user, store_certificate_user_fields);

static const struct codec_field store_certificate_fields[] = {
	CODEC_FIELD(struct store_certificate, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_certificate, version, CODEC_U32, 0),
	CODEC_FIELD(struct store_certificate, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_certificate, created, CODEC_U64, 0),
	CODEC_FIELD(struct store_certificate, modified, CODEC_U64, 0),
	CODEC_FIELD_LIST(
	    struct store_certificate, keys, key_count, &store_certificate_key_schema, STORE_CERTIFICATE_KEYS_MAX),
	CODEC_FIELD_LIST(
	    struct store_certificate, users, user_count, &store_certificate_user_schema, STORE_CERTIFICATE_USERS_MAX),
	CODEC_FIELD(struct store_certificate, data, CODEC_BYTES, STORE_CERTIFICATE_MAX),
	CODEC_FIELD(struct store_certificate, revision, CODEC_U64, INT64_MAX),
	CODEC_FIELD(struct store_certificate, publish_free, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_certificate, waiting_max, CODEC_U32, 0),
};
static const struct codec_schema store_certificate_schema = CODEC_SCHEMA(store_certificate, store_certificate_fields);

static const struct codec_field store_certificate_find_fields[] = {
	CODEC_FIELD(struct store_certificate_find, by, CODEC_U32, 0),
	CODEC_FIELD(struct store_certificate_find, value, CODEC_BYTES, STORE_USER_ID_MAX),
	CODEC_FIELD(struct store_certificate_find, account, CODEC_U64, 0),
	CODEC_FIELD(struct store_certificate_find, after, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_certificate_find, limit, CODEC_U32, 0),
	CODEC_FIELD(struct store_certificate_find, without_data, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_certificate_find, held, CODEC_BOOL, 0),
};
static const struct codec_schema store_certificate_find_schema =
    CODEC_SCHEMA(store_certificate_find, store_certificate_find_fields);

static const struct codec_field store_certificates_fields[] = {
	CODEC_FIELD_LIST(
	    struct store_certificates, certificates, certificate_count, &store_certificate_schema, STORE_PAGE_MAX),
	CODEC_FIELD(struct store_certificates, more, CODEC_BOOL, 0),
};
static const struct codec_schema store_certificates_schema =
    CODEC_SCHEMA(store_certificates, store_certificates_fields);

static const struct codec_field store_certificate_look_fields[] = {
	CODEC_FIELD(struct store_certificate_look, by, CODEC_U32, 0),
	CODEC_FIELD(struct store_certificate_look, value, CODEC_BYTES, STORE_USER_ID_MAX),
	CODEC_FIELD(struct store_certificate_look, version, CODEC_U32, 0),
	CODEC_FIELD(struct store_certificate_look, limit, CODEC_U32, 0),
};
static const struct codec_schema store_certificate_look_schema =
    CODEC_SCHEMA(store_certificate_look, store_certificate_look_fields);

static const struct codec_field store_certificate_looks_fields[] = {
	CODEC_FIELD_LIST(
	    struct store_certificate_looks, looks, look_count, &store_certificate_look_schema, STORE_LOOKS_MAX),
};
static const struct codec_schema store_certificate_looks_schema =
    CODEC_SCHEMA(store_certificate_looks, store_certificate_looks_fields);

static const struct codec_field store_certificate_octets_fields[] = {
	CODEC_FIELD(struct store_certificate_octets, data, CODEC_BYTES, STORE_CERTIFICATE_MAX),
};
static const struct codec_schema store_certificate_octets_schema =
    CODEC_SCHEMA(store_certificate_octets, store_certificate_octets_fields);

static const struct codec_field store_certificate_seen_fields[] = {
	CODEC_FIELD_LIST(struct store_certificate_seen, certificates, certificate_count,
	    &store_certificate_octets_schema, STORE_PAGE_MAX),
	CODEC_FIELD(struct store_certificate_seen, more, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_certificate_seen, later, CODEC_BOOL, 0),
};
static const struct codec_schema store_certificate_seen_schema =
    CODEC_SCHEMA(store_certificate_seen, store_certificate_seen_fields);

static const struct codec_field store_certificates_seen_fields[] = {
	CODEC_FIELD_LIST(
	    struct store_certificates_seen, seen, seen_count, &store_certificate_seen_schema, STORE_LOOKS_MAX),
};
static const struct codec_schema store_certificates_seen_schema =
    CODEC_SCHEMA(store_certificates_seen, store_certificates_seen_fields);

static const struct codec_field store_certificate_name_fields[] = {
	CODEC_FIELD(struct store_certificate_name, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_certificate_name, tombstones, CODEC_BOOL, 0),
};
static const struct codec_schema store_certificate_name_schema =
    CODEC_SCHEMA(store_certificate_name, store_certificate_name_fields);

static const struct codec_field store_certificate_kept_fields[] = {
	CODEC_FIELD(struct store_certificate_kept, inserted, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_certificate_kept, changed, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_certificate_kept, published, CODEC_U32, 0),
	CODEC_FIELD(struct store_certificate_kept, revision, CODEC_U64, 0),
};
static const struct codec_schema store_certificate_kept_schema =
    CODEC_SCHEMA(store_certificate_kept, store_certificate_kept_fields);

static const struct codec_field store_certificate_publish_fields[] = {
	CODEC_FIELD(struct store_certificate_publish, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_certificate_publish, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_certificate_publish, how, CODEC_U32, STORE_HOW_MIRROR),
	CODEC_FIELD(struct store_certificate_publish, account, CODEC_U64, 0),
};
static const struct codec_schema store_certificate_publish_schema =
    CODEC_SCHEMA(store_certificate_publish, store_certificate_publish_fields);

static const struct codec_field store_certificate_due_fields[] = {
	CODEC_FIELD(struct store_certificate_due, domain, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_certificate_due, before, CODEC_U64, INT64_MAX),
	CODEC_FIELD(struct store_certificate_due, limit, CODEC_U32, 0),
};
static const struct codec_schema store_certificate_due_schema =
    CODEC_SCHEMA(store_certificate_due, store_certificate_due_fields);

static const struct codec_field store_certificate_certified_fields[] = {
	CODEC_FIELD(struct store_certificate_certified, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_certificate_certified, revision, CODEC_U64, INT64_MAX),
	CODEC_FIELD(struct store_certificate_certified, user_id, CODEC_BYTES, STORE_USER_ID_MAX),
	CODEC_FIELD(struct store_certificate_certified, domain, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_certificate_certified, until, CODEC_U64, INT64_MAX),
};
static const struct codec_schema store_certificate_certified_schema =
    CODEC_SCHEMA(store_certificate_certified, store_certificate_certified_fields);

static const struct codec_field store_bucket_find_fields[] = {
	CODEC_FIELD(struct store_bucket_find, by_fingerprint, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_bucket_find, version, CODEC_U32, 0),
	CODEC_FIELD(struct store_bucket_find, from, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_bucket_find, upto, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_bucket_find, after, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_bucket_find, limit, CODEC_U32, 0),
};
static const struct codec_schema store_bucket_find_schema = CODEC_SCHEMA(store_bucket_find, store_bucket_find_fields);

static const struct codec_field store_bucket_entry_fields[] = {
	CODEC_FIELD(struct store_bucket_entry, name, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_bucket_entry, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_bucket_entry, version, CODEC_U32, 0),
	CODEC_FIELD(struct store_bucket_entry, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_bucket_entry, data, CODEC_BYTES, STORE_CERTIFICATE_MAX),
};
static const struct codec_schema store_bucket_entry_schema =
    CODEC_SCHEMA(store_bucket_entry, store_bucket_entry_fields);

static const struct codec_field store_bucket_fields[] = {
	CODEC_FIELD_LIST(struct store_bucket, entries, entry_count, &store_bucket_entry_schema, STORE_BUCKET_MAX),
	CODEC_FIELD(struct store_bucket, more, CODEC_BOOL, 0),
};
static const struct codec_schema store_bucket_schema = CODEC_SCHEMA(store_bucket, store_bucket_fields);

static const struct codec_field store_directory_day_fields[] = {
	CODEC_FIELD(struct store_directory_day, day, CODEC_U64, INT64_MAX),
	CODEC_FIELD(struct store_directory_day, after, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_directory_day, limit, CODEC_U32, 0),
};
static const struct codec_schema store_directory_day_schema =
    CODEC_SCHEMA(store_directory_day, store_directory_day_fields);

static const struct codec_field store_directory_changes_fields[] = {
	CODEC_FIELD(struct store_directory_changes, prefixes, CODEC_BYTES, 4 * STORE_PAGE_MAX),
	CODEC_FIELD(struct store_directory_changes, more, CODEC_BOOL, 0),
};
static const struct codec_schema store_directory_changes_schema =
    CODEC_SCHEMA(store_directory_changes, store_directory_changes_fields);

static const struct codec_field store_token_put_fields[] = {
	CODEC_FIELD(struct store_token_put, token, CODEC_BYTES, STORE_TOKEN_SIZE),
	CODEC_FIELD(struct store_token_put, kind, CODEC_U32, STORE_TOKEN_PUT),
	CODEC_FIELD(struct store_token_put, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_token_put, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct store_token_put, lifetime, CODEC_U32, 0),
	CODEC_FIELD(struct store_token_put, pause, CODEC_U32, 0),
};
static const struct codec_schema store_token_put_schema = CODEC_SCHEMA(store_token_put, store_token_put_fields);

static const struct codec_field store_token_take_fields[] = {
	CODEC_FIELD(struct store_token_take, token, CODEC_BYTES, STORE_TOKEN_SIZE),
	CODEC_FIELD(struct store_token_take, kind, CODEC_U32, STORE_TOKEN_PUT),
};
static const struct codec_schema store_token_take_schema = CODEC_SCHEMA(store_token_take, store_token_take_fields);

static const struct codec_field store_token_fields[] = {
	CODEC_FIELD(struct store_token, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct store_token, address, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema store_token_schema = CODEC_SCHEMA(store_token, store_token_fields);

static const struct codec_field store_tally_fields[] = {
	CODEC_FIELD(struct store_tally, kind, CODEC_U32, STORE_TALLY_DMARC),
	CODEC_FIELD(struct store_tally, day, CODEC_U64, UINT32_MAX),
	CODEC_FIELD(struct store_tally, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_tally, result, CODEC_BYTES, STORE_TALLY_MAX),
	CODEC_FIELD(struct store_tally, count, CODEC_U64, UINT32_MAX),
};
static const struct codec_schema store_tally_schema = CODEC_SCHEMA(store_tally, store_tally_fields);

static const struct codec_field store_tally_list_fields[] = {
	CODEC_FIELD(struct store_tally_list, kind, CODEC_U32, STORE_TALLY_DMARC),
	CODEC_FIELD(struct store_tally_list, before, CODEC_U64, UINT32_MAX),
	CODEC_FIELD(struct store_tally_list, after_day, CODEC_U64, UINT32_MAX),
	CODEC_FIELD(struct store_tally_list, after_domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_tally_list, after_result, CODEC_BYTES, STORE_TALLY_MAX),
};
static const struct codec_schema store_tally_list_schema = CODEC_SCHEMA(store_tally_list, store_tally_list_fields);

static const struct codec_field store_tallies_fields[] = {
	CODEC_FIELD_LIST(struct store_tallies, rows, row_count, &store_tally_schema, STORE_TALLY_PAGE_MAX),
	CODEC_FIELD(struct store_tallies, more, CODEC_BOOL, 0),
};
static const struct codec_schema store_tallies_schema = CODEC_SCHEMA(store_tallies, store_tallies_fields);

static const struct codec_field store_tally_day_fields[] = {
	CODEC_FIELD(struct store_tally_day, kind, CODEC_U32, STORE_TALLY_DMARC),
	CODEC_FIELD(struct store_tally_day, day, CODEC_U64, UINT32_MAX),
	CODEC_FIELD(struct store_tally_day, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
};
static const struct codec_schema store_tally_day_schema = CODEC_SCHEMA(store_tally_day, store_tally_day_fields);

static const struct codec_field store_meta_key_fields[] = {
	CODEC_FIELD(struct store_meta_key, key, CODEC_BYTES, STORE_KEY_MAX),
};
static const struct codec_schema store_meta_key_schema = CODEC_SCHEMA(store_meta_key, store_meta_key_fields);

static const struct codec_field store_policy_key_fields[] = {
	CODEC_FIELD(struct store_policy_key, kind, CODEC_U32, STORE_POLICY_STS),
	CODEC_FIELD(struct store_policy_key, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
};
static const struct codec_schema store_policy_key_schema = CODEC_SCHEMA(store_policy_key, store_policy_key_fields);

static const struct codec_field store_policy_fields[] = {
	CODEC_FIELD(struct store_policy, found, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_policy, kind, CODEC_U32, STORE_POLICY_STS),
	CODEC_FIELD(struct store_policy, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct store_policy, version, CODEC_BYTES, STORE_KEY_MAX),
	CODEC_FIELD(struct store_policy, value, CODEC_BYTES, STORE_POLICY_MAX),
	CODEC_FIELD(struct store_policy, fetched, CODEC_U64, 0),
	CODEC_FIELD(struct store_policy, expires, CODEC_U64, 0),
};
static const struct codec_schema store_policy_schema = CODEC_SCHEMA(store_policy, store_policy_fields);

static const struct codec_field store_meta_put_fields[] = {
	CODEC_FIELD(struct store_meta_put, key, CODEC_BYTES, STORE_KEY_MAX),
	CODEC_FIELD(struct store_meta_put, value, CODEC_BYTES, STORE_VALUE_MAX),
};
static const struct codec_schema store_meta_put_schema = CODEC_SCHEMA(store_meta_put, store_meta_put_fields);

static const struct codec_field store_meta_value_fields[] = {
	CODEC_FIELD(struct store_meta_value, found, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_meta_value, value, CODEC_BYTES, STORE_VALUE_MAX),
};
static const struct codec_schema store_meta_value_schema = CODEC_SCHEMA(store_meta_value, store_meta_value_fields);

static const struct codec_field store_info_fields[] = {
	CODEC_FIELD(struct store_info, schema_version, CODEC_U32, 0),
	CODEC_FIELD(struct store_info, accounts, CODEC_U64, 0),
	CODEC_FIELD(struct store_info, messages, CODEC_U64, 0),
	CODEC_FIELD(struct store_info, bodies, CODEC_U64, 0),
	CODEC_FIELD(struct store_info, body_octets, CODEC_U64, 0),
	CODEC_FIELD(struct store_info, certificates, CODEC_U64, 0),
	CODEC_FIELD(struct store_info, commits, CODEC_U64, 0),
	CODEC_FIELD(struct store_info, writes, CODEC_U64, 0),
};
static const struct codec_schema store_info_schema = CODEC_SCHEMA(store_info, store_info_fields);

static const struct codec_field store_certificate_count_fields[] = {
	CODEC_FIELD(struct store_certificate_count, certificates, CODEC_U64, 0),
	CODEC_FIELD(struct store_certificate_count, accounts, CODEC_U64, 0),
	CODEC_FIELD(struct store_certificate_count, waiting, CODEC_U64, 0),
	CODEC_FIELD(struct store_certificate_count, published, CODEC_U64, 0),
};
static const struct codec_schema store_certificate_count_schema =
    CODEC_SCHEMA(store_certificate_count, store_certificate_count_fields);

static const struct codec_field store_verify_fields[] = {
	CODEC_FIELD(struct store_verify, part, CODEC_U32, 0),
	CODEC_FIELD(struct store_verify, after, CODEC_U64, 0),
	CODEC_FIELD(struct store_verify, behind, CODEC_U64, 0),
};
static const struct codec_schema store_verify_schema = CODEC_SCHEMA(store_verify, store_verify_fields);

static const struct codec_field store_finding_fields[] = {
	CODEC_FIELD(struct store_finding, text, CODEC_BYTES, STORE_FINDING_TEXT_MAX),
	CODEC_FIELD(struct store_finding, advice, CODEC_BYTES, STORE_FINDING_TEXT_MAX),
};
static const struct codec_schema store_finding_schema = CODEC_SCHEMA(store_finding, store_finding_fields);

static const struct codec_field store_verified_fields[] = {
	CODEC_FIELD_LIST(struct store_verified, findings, finding_count, &store_finding_schema, STORE_FINDINGS_MAX),
	CODEC_FIELD(struct store_verified, more, CODEC_BOOL, 0),
	CODEC_FIELD(struct store_verified, after, CODEC_U64, 0),
	CODEC_FIELD(struct store_verified, behind, CODEC_U64, 0),
	CODEC_FIELD(struct store_verified, octets, CODEC_U64, 0),
	CODEC_FIELD(struct store_verified, live, CODEC_U64, 0),
	CODEC_FIELD(struct store_verified, dead, CODEC_U64, 0),
	CODEC_FIELD(struct store_verified, disk, CODEC_U64, 0),
};
static const struct codec_schema store_verified_schema = CODEC_SCHEMA(store_verified, store_verified_fields);

#define METHOD(method, number, in, out) { (number), #method, &in##_schema, &out##_schema },

static const struct port_method methods[] = { STORE_METHODS(METHOD) };

const struct port_interface store_interface = { "store", methods, sizeof methods / sizeof methods[0] };
