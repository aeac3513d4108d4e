/* SPDX-License-Identifier: ISC */
#include "sasl/bindings.h"

#include <string.h>

int
sasl_bindings_copy(struct sasl_bindings *b, const struct sasl_channel *channel, struct error *e)
{
	if (channel->exporter.len > SASL_BINDING_MAX || channel->end_point.len > SASL_BINDING_MAX)
		return error_set(e, ERR_USAGE, "channel binding data over %u octets", SASL_BINDING_MAX);
	*b = (struct sasl_bindings){ .exporter_len = channel->exporter.len, .end_point_len = channel->end_point.len };
	if (channel->exporter.len > 0)
		memcpy(b->exporter, channel->exporter.data, channel->exporter.len);
	if (channel->end_point.len > 0)
		memcpy(b->end_point, channel->end_point.data, channel->end_point.len);
	return 0;
}

struct slice
sasl_bindings_find(const struct sasl_bindings *b, struct slice type)
{
	if (slice_eq_str(type, SASL_BINDING_EXPORTER))
		return slice_of(b->exporter, b->exporter_len);
	if (slice_eq_str(type, SASL_BINDING_END_POINT))
		return slice_of(b->end_point, b->end_point_len);
	return SLICE_EMPTY;
}
