/* SPDX-License-Identifier: ISC */
#include "sasl/mechanism.h"

const struct sasl_mechanism *const sasl_mechanisms[] = { &sasl_plain };
const size_t sasl_mechanism_count = sizeof(sasl_mechanisms) / sizeof(sasl_mechanisms[0]);

const struct sasl_mechanism *
sasl_mechanism_find(struct slice name)
{
	for (size_t i = 0; i < sasl_mechanism_count; i++)
		if (slice_ieq_str(name, sasl_mechanisms[i]->name))
			return sasl_mechanisms[i];
	return NULL;
}
