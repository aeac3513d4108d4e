/* SPDX-License-Identifier: ISC */
/* How the structs of service/milter/filter.h cross, and what a place of a milter is. */
#include <arpa/inet.h>
#include <string.h>

#include "service/limits.h"
#include "service/milter/filter.h"

_Static_assert(FILTER_HEADER_MAX == SERVICE_HEADER_MAX, "every header that is taken can be shown");

static const struct codec_field filter_begin_fields[] = {
	CODEC_FIELD(struct filter_begin, host, CODEC_BYTES, FILTER_TEXT_MAX),
	CODEC_FIELD(struct filter_begin, address, CODEC_BYTES, FILTER_TEXT_MAX),
	CODEC_FIELD(struct filter_begin, hello, CODEC_BYTES, FILTER_TEXT_MAX),
	CODEC_FIELD(struct filter_begin, sender, CODEC_BYTES, FILTER_TEXT_MAX),
	CODEC_FIELD_LIST(struct filter_begin, recipients, recipient_count, &codec_schema_slice, SERVICE_RECIPIENTS_MAX),
	CODEC_FIELD(struct filter_begin, hostname, CODEC_BYTES, FILTER_TEXT_MAX),
	CODEC_FIELD(struct filter_begin, id, CODEC_BYTES, FILTER_TEXT_MAX),
	CODEC_FIELD(struct filter_begin, tls_version, CODEC_BYTES, FILTER_TEXT_MAX),
	CODEC_FIELD(struct filter_begin, tls_cipher, CODEC_BYTES, FILTER_TEXT_MAX),
	CODEC_FIELD(struct filter_begin, header, CODEC_BYTES, FILTER_HEADER_MAX),
};
static const struct codec_schema filter_begin_schema = CODEC_SCHEMA(filter_begin, filter_begin_fields);

static const struct codec_field filter_handle_fields[] = {
	CODEC_FIELD(struct filter_handle, handle, CODEC_U64, 0),
};
static const struct codec_schema filter_handle_schema = CODEC_SCHEMA(filter_handle, filter_handle_fields);

static const struct codec_field filter_body_fields[] = {
	CODEC_FIELD(struct filter_body, handle, CODEC_U64, 0),
	CODEC_FIELD(struct filter_body, data, CODEC_BYTES, FILTER_PIECE_MAX),
};
static const struct codec_schema filter_body_schema = CODEC_SCHEMA(filter_body, filter_body_fields);

static const struct codec_field filter_taken_fields[] = {
	CODEC_FIELD(struct filter_taken, enough, CODEC_BOOL, 0),
};
static const struct codec_schema filter_taken_schema = CODEC_SCHEMA(filter_taken, filter_taken_fields);

static const struct codec_field milter_edit_fields[] = {
	CODEC_FIELD(struct milter_edit, kind, CODEC_U32, MILTER_CHANGE),
	CODEC_FIELD(struct milter_edit, index, CODEC_U32, 0),
	CODEC_FIELD(struct milter_edit, name, CODEC_BYTES, 500),
	CODEC_FIELD(struct milter_edit, value, CODEC_BYTES, 2 * MILTER_VALUE_MAX + 16),
};
static const struct codec_schema milter_edit_schema = CODEC_SCHEMA(milter_edit, milter_edit_fields);

static const struct codec_field filter_said_fields[] = {
	CODEC_FIELD(struct filter_said, verdict, CODEC_U32, MILTER_DISCARD),
	CODEC_FIELD(struct filter_said, reply, CODEC_BYTES, MILTER_TEXT_MAX),
	CODEC_FIELD(struct filter_said, quarantine, CODEC_BOOL, 0),
	CODEC_FIELD(struct filter_said, reason, CODEC_BYTES, MILTER_TEXT_MAX),
	CODEC_FIELD_LIST(struct filter_said, edits, edit_count, &milter_edit_schema, MILTER_EDITS_MAX),
	CODEC_FIELD(struct filter_said, ignored, CODEC_U32, 0),
};
static const struct codec_schema filter_said_schema = CODEC_SCHEMA(filter_said, filter_said_fields);

static const struct codec_field filter_nothing_fields[] = {
	CODEC_FIELD(struct filter_nothing, unused, CODEC_U8, 0),
};
static const struct codec_schema filter_nothing_schema = CODEC_SCHEMA(filter_nothing, filter_nothing_fields);

#define FILTER_METHOD_ROW(name, number, request, reply) { (number), #name, &request##_schema, &reply##_schema },
static const struct port_method methods[] = { FILTER_METHODS(FILTER_METHOD_ROW) };
#undef FILTER_METHOD_ROW

const struct port_interface filter_interface = {
	.name = "filter",
	.methods = methods,
	.method_count = sizeof methods / sizeof methods[0],
};

/* ---- places ---- */

/* Loopback alone: what goes there is in clear. */
static bool
is_here(const char *address)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, address, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool
filter_place_parse(struct slice text, struct filter_place *out)
{
	size_t colon = slice_find_last(text, ':');
	struct slice address;
	uint64_t port;

	*out = (struct filter_place){ .port = 0 };
	if (slice_find(text, 0) != SIZE_MAX || colon == SIZE_MAX)
		return false;
	if (slice_starts(text, SLICE("unix:/"))) {
		text = slice_from(text, 5);
		memcpy(out->address, text.data, text.len < 108 ? text.len : 0); /* sockaddr_un's sun_path */
		return text.len < 108;
	}
	address = slice_sub(text, 0, colon);
	if (slice_starts(address, SLICE("[")) && slice_ends(address, SLICE("]")))
		address = slice_sub(address, 1, address.len - 2);
	if (!slice_to_u64(slice_from(text, colon + 1), UINT16_MAX, &port) || port == 0 ||
	    address.len >= sizeof out->address)
		return false;
	memcpy(out->address, address.data, address.len);
	out->port = (uint16_t)port;
	return is_here(out->address);
}
