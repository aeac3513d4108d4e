/* SPDX-License-Identifier: ISC */
/* Inside sasl/: channel binding data (RFC 5056), kept by either side. */
#ifndef SASL_BINDINGS_H
#define SASL_BINDINGS_H

#include "sasl/sasl.h"

#define SASL_BINDING_EXPORTER "tls-exporter"
#define SASL_BINDING_END_POINT "tls-server-end-point"

struct sasl_bindings {
	uint8_t exporter[SASL_BINDING_MAX], end_point[SASL_BINDING_MAX];
	size_t exporter_len, end_point_len;
};

/* ERR_USAGE: too long. */
int sasl_bindings_copy(struct sasl_bindings *b, const struct sasl_channel *channel, struct error *e);
/* The data of a type by its name; empty when it is not at hand. */
struct slice sasl_bindings_find(const struct sasl_bindings *b, struct slice type);

#endif
