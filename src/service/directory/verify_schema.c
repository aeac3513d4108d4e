/* SPDX-License-Identifier: ISC */
/* How the structs of service/directory/verify.h cross: their fields and their maxima. */
#include "service/directory/verify.h"

#define TOKEN_MAX 64u /* octets: what is longer is none */

static const struct codec_field verify_request_fields[] = {
	CODEC_FIELD(struct verify_request, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct verify_request, address, CODEC_BYTES, STORE_ADDRESS_MAX),
	CODEC_FIELD(struct verify_request, kind, CODEC_U32, STORE_TOKEN_PUT),
};
static const struct codec_schema verify_request_schema = CODEC_SCHEMA(verify_request, verify_request_fields);

static const struct codec_field verify_answer_fields[] = {
	CODEC_FIELD(struct verify_answer, verdict, CODEC_U32, VERIFY_PAUSE),
};
static const struct codec_schema verify_answer_schema = CODEC_SCHEMA(verify_answer, verify_answer_fields);

static const struct codec_field verify_token_fields[] = {
	CODEC_FIELD(struct verify_token, token, CODEC_BYTES, TOKEN_MAX),
	CODEC_FIELD(struct verify_token, kind, CODEC_U32, STORE_TOKEN_PUT),
	CODEC_FIELD_LIST(struct verify_token, addresses, address_count, &codec_schema_slice, VERIFY_ADDRESSES_MAX),
};
static const struct codec_schema verify_token_schema = CODEC_SCHEMA(verify_token, verify_token_fields);

static const struct codec_field verify_subject_fields[] = {
	CODEC_FIELD(struct verify_subject, fingerprint, CODEC_BYTES, STORE_FINGERPRINT_MAX),
	CODEC_FIELD(struct verify_subject, address, CODEC_BYTES, STORE_ADDRESS_MAX),
};
static const struct codec_schema verify_subject_schema = CODEC_SCHEMA(verify_subject, verify_subject_fields);

#define VERIFY_METHOD_ROW(name, number, request, reply) { (number), #name, &request##_schema, &reply##_schema },
static const struct port_method verify_methods[] = { VERIFY_METHODS(VERIFY_METHOD_ROW) };
#undef VERIFY_METHOD_ROW

const struct port_interface verify_interface = {
	.name = "verify",
	.methods = verify_methods,
	.method_count = sizeof verify_methods / sizeof verify_methods[0],
};
