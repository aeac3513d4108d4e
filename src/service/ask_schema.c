/* SPDX-License-Identifier: ISC */
/* How the structs of service/ask.h cross: their fields and their maxima. */
#include "mailauth/arc/verify.h"
#include "mailauth/dkim/canon.h"
#include "service/ask.h"

static const struct codec_field store_nothing_fields[] = {
	CODEC_FIELD(struct store_nothing, unused, CODEC_U8, 0),
};
static const struct codec_schema store_nothing_schema = CODEC_SCHEMA(store_nothing, store_nothing_fields);

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

static const struct codec_field store_content_fields[] = {
	CODEC_FIELD(struct store_content, handle, CODEC_U64, 0),
	CODEC_FIELD(struct store_content, data, CODEC_BYTES, STORE_INLINE_MAX),
	CODEC_FIELD(struct store_content, front, CODEC_BYTES, STORE_FRONT_MAX),
	CODEC_FIELD(struct store_content, header_size, CODEC_U32, 0),
	CODEC_FIELD(struct store_content, cache, CODEC_BYTES, STORE_CACHE_MAX),
};
static const struct codec_schema store_content_schema = CODEC_SCHEMA(store_content, store_content_fields);

static const struct codec_field ask_authenticate_fields[] = {
	CODEC_FIELD(struct ask_authenticate, connection, CODEC_U64, 0),
	CODEC_FIELD(struct ask_authenticate, protocol, CODEC_U32, STORE_RIGHTS_ALL),
	CODEC_FIELD(struct ask_authenticate, address, CODEC_BYTES, SERVICE_IDENTITY_MAX),
	CODEC_FIELD(struct ask_authenticate, password, CODEC_BYTES, SERVICE_PASSWORD_MAX),
	CODEC_FIELD(struct ask_authenticate, peer, CODEC_BYTES, 256),
};
static const struct codec_schema ask_authenticate_schema = CODEC_SCHEMA(ask_authenticate, ask_authenticate_fields);

static const struct codec_field ask_handover_fields[] = {
	CODEC_FIELD(struct ask_handover, connection, CODEC_U64, 0),
	CODEC_FIELD(struct ask_handover, account, CODEC_U64, 0),
};
static const struct codec_schema ask_handover_schema = CODEC_SCHEMA(ask_handover, ask_handover_fields);

static const struct codec_field ask_exchange_fields[] = {
	CODEC_FIELD(struct ask_exchange, connection, CODEC_U64, 0),
	CODEC_FIELD(struct ask_exchange, begin, CODEC_BOOL, 0),
	CODEC_FIELD(struct ask_exchange, mechanism, CODEC_U32, 0),
	CODEC_FIELD(struct ask_exchange, protocol, CODEC_U32, STORE_RIGHTS_ALL),
	CODEC_FIELD(struct ask_exchange, tls, CODEC_BOOL, 0),
	CODEC_FIELD(struct ask_exchange, exporter, CODEC_BYTES, SASL_BINDING_MAX),
	CODEC_FIELD(struct ask_exchange, end_point, CODEC_BYTES, SASL_BINDING_MAX),
	CODEC_FIELD(struct ask_exchange, peer, CODEC_BYTES, 256),
	CODEC_FIELD(struct ask_exchange, message, CODEC_BYTES, SASL_MESSAGE_MAX),
};
static const struct codec_schema ask_exchange_schema = CODEC_SCHEMA(ask_exchange, ask_exchange_fields);

static const struct codec_field ask_round_fields[] = {
	CODEC_FIELD(struct ask_round, connection, CODEC_U64, 0),
	CODEC_FIELD(struct ask_round, more, CODEC_BOOL, 0),
	CODEC_FIELD(struct ask_round, challenge, CODEC_BYTES, SASL_MESSAGE_MAX),
};
static const struct codec_schema ask_round_schema = CODEC_SCHEMA(ask_round, ask_round_fields);

static const struct codec_field ask_connection_fields[] = {
	CODEC_FIELD(struct ask_connection, connection, CODEC_U64, 0),
};
static const struct codec_schema ask_connection_schema = CODEC_SCHEMA(ask_connection, ask_connection_fields);

static const struct codec_field ask_account_fields[] = {
	CODEC_FIELD(struct ask_account, address, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema ask_account_schema = CODEC_SCHEMA(ask_account, ask_account_fields);

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

static const struct codec_field ask_verifier_fields[] = {
	CODEC_FIELD(struct ask_verifier, account, CODEC_U64, 0),
	CODEC_FIELD(struct ask_verifier, verifier, CODEC_BYTES, STORE_VERIFIER_MAX),
	CODEC_FIELD_LIST(
	    struct ask_verifier, credentials, credential_count, &store_credential_schema, STORE_CREDENTIALS_MAX),
};
static const struct codec_schema ask_verifier_schema = CODEC_SCHEMA(ask_verifier, ask_verifier_fields);

static const struct codec_field ask_salt_key_fields[] = {
	CODEC_FIELD(struct ask_salt_key, key, CODEC_BYTES, ASK_SALT_KEY_SIZE),
};
static const struct codec_schema ask_salt_key_schema = CODEC_SCHEMA(ask_salt_key, ask_salt_key_fields);

static const struct codec_field ask_grant_fields[] = {
	CODEC_FIELD(struct ask_grant, process, CODEC_U64, 0),
	CODEC_FIELD(struct ask_grant, connection, CODEC_U64, 0),
	CODEC_FIELD(struct ask_grant, account, CODEC_U64, 0),
	CODEC_FIELD(struct ask_grant, credential, CODEC_U64, 0),
	CODEC_FIELD(struct ask_grant, protocol, CODEC_U32, STORE_RIGHTS_ALL),
};
static const struct codec_schema ask_grant_schema = CODEC_SCHEMA(ask_grant, ask_grant_fields);

static const struct codec_field ask_recipient_fields[] = {
	CODEC_FIELD(struct ask_recipient, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct ask_recipient, account, CODEC_U64, 0),
};
static const struct codec_schema ask_recipient_schema = CODEC_SCHEMA(ask_recipient, ask_recipient_fields);

static const struct codec_field ask_sender_fields[] = {
	CODEC_FIELD(struct ask_sender, account, CODEC_U64, 0),
	CODEC_FIELD(struct ask_sender, address, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema ask_sender_schema = CODEC_SCHEMA(ask_sender, ask_sender_fields);

static const struct codec_field ask_answer_fields[] = {
	CODEC_FIELD(struct ask_answer, verdict, CODEC_U32, ASK_DENIED),
	CODEC_FIELD_LIST(struct ask_answer, accounts, account_count, &codec_schema_u64, ASK_ACCOUNTS_MAX),
	CODEC_FIELD(struct ask_answer, sends, CODEC_BOOL, 0),
};
static const struct codec_schema ask_answer_schema = CODEC_SCHEMA(ask_answer, ask_answer_fields);

static const struct codec_field ask_send_fields[] = {
	CODEC_FIELD(struct ask_send, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct ask_send, notify, CODEC_U32, 0),
	CODEC_FIELD(struct ask_send, orcpt, CODEC_BYTES, STORE_QUEUE_ORCPT_MAX),
};
static const struct codec_schema ask_send_schema = CODEC_SCHEMA(ask_send, ask_send_fields);

static const struct codec_field ask_seal_fields[] = {
	CODEC_FIELD(struct ask_seal, results, CODEC_BYTES, ASK_RESULTS_MAX),
	CODEC_FIELD(struct ask_seal, body_hash, CODEC_BYTES, DKIM_BODY_HASH_SIZE),
	CODEC_FIELD(struct ask_seal, chain, CODEC_U32, ARC_FAIL),
	CODEC_FIELD(struct ask_seal, sets, CODEC_U32, MAILAUTH_ARC_SETS_MAX),
	CODEC_FIELD(struct ask_seal, may_be_sealed, CODEC_BOOL, 0),
};
static const struct codec_schema ask_seal_schema = CODEC_SCHEMA(ask_seal, ask_seal_fields);

static const struct codec_field ask_keep_fields[] = {
	CODEC_FIELD_STRUCT(struct ask_keep, content, &store_content_schema),
	CODEC_FIELD(struct ask_keep, from, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD_LIST(struct ask_keep, accounts, account_count, &codec_schema_u64, SERVICE_RECIPIENTS_MAX),
	CODEC_FIELD_LIST(struct ask_keep, sends, send_count, &ask_send_schema, SERVICE_RECIPIENTS_MAX),
	CODEC_FIELD(struct ask_keep, account, CODEC_U64, 0),
	CODEC_FIELD(struct ask_keep, skip, CODEC_U32, 0),
	CODEC_FIELD(struct ask_keep, flags, CODEC_U32, 0),
	CODEC_FIELD(struct ask_keep, ret, CODEC_U32, 0),
	CODEC_FIELD(struct ask_keep, envid, CODEC_BYTES, STORE_QUEUE_ENVID_MAX),
	CODEC_FIELD(struct ask_keep, junk, CODEC_BOOL, 0),
	CODEC_FIELD_STRUCT(struct ask_keep, seal, &ask_seal_schema),
};
static const struct codec_schema ask_keep_schema = CODEC_SCHEMA(ask_keep, ask_keep_fields);

static const struct codec_field ask_tally_row_fields[] = {
	CODEC_FIELD(struct ask_tally_row, domain, CODEC_BYTES, STORE_DOMAIN_MAX),
	CODEC_FIELD(struct ask_tally_row, row, CODEC_BYTES, STORE_TALLY_MAX),
};
static const struct codec_schema ask_tally_row_schema = CODEC_SCHEMA(ask_tally_row, ask_tally_row_fields);

static const struct codec_field ask_tally_fields[] = {
	CODEC_FIELD_LIST(struct ask_tally, rows, row_count, &ask_tally_row_schema, ASK_TALLIES_MAX),
};
static const struct codec_schema ask_tally_schema = CODEC_SCHEMA(ask_tally, ask_tally_fields);

static const struct codec_field ask_told_fields[] = {
	CODEC_FIELD(struct ask_told, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct ask_told, orcpt, CODEC_BYTES, STORE_QUEUE_ORCPT_MAX),
};
static const struct codec_schema ask_told_schema = CODEC_SCHEMA(ask_told, ask_told_fields);

static const struct codec_field ask_delivered_fields[] = {
	CODEC_FIELD(struct ask_delivered, from, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct ask_delivered, envid, CODEC_BYTES, STORE_QUEUE_ENVID_MAX),
	CODEC_FIELD(struct ask_delivered, original, CODEC_BYTES, SERVICE_REPORT_HEADER_MAX),
	CODEC_FIELD(struct ask_delivered, utf8, CODEC_BOOL, 0),
	CODEC_FIELD_LIST(struct ask_delivered, recipients, recipient_count, &ask_told_schema, SERVICE_RECIPIENTS_MAX),
};
static const struct codec_schema ask_delivered_schema = CODEC_SCHEMA(ask_delivered, ask_delivered_fields);

static const struct codec_field ask_kept_fields[] = {
	CODEC_FIELD(struct ask_kept, body, CODEC_U64, 0),
	CODEC_FIELD(struct ask_kept, inboxes, CODEC_U32, 0),
	CODEC_FIELD(struct ask_kept, sent_on, CODEC_U32, 0),
};
static const struct codec_schema ask_kept_schema = CODEC_SCHEMA(ask_kept, ask_kept_fields);

#define ASK_METHOD_ROW(name, number, request, reply) { (number), #name, &request##_schema, &reply##_schema },
static const struct port_method ask_methods[] = { ASK_METHODS(ASK_METHOD_ROW) };
#undef ASK_METHOD_ROW

const struct port_interface ask_interface = {
	.name = "ask",
	.methods = ask_methods,
	.method_count = sizeof ask_methods / sizeof ask_methods[0],
};
