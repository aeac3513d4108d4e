/* SPDX-License-Identifier: ISC */
/*
 * To whom reports about a domain go (RFC 9990 sections 3.5 and 4). An address
 * outside of the domain's organization has to agree, by a TXT record at
 * DOMAIN._report._dmarc.HOST, or else anyone could have others flooded; it may
 * name another address of the same host there.
 *
 *   dmarc_destination_new(domain, &record->rua, &d, e);
 *   while (dmarc_destination_next(d, &question) == DMARC_DESTINATION_LOOKUP)
 *           dmarc_destination_answer(d, &answer);
 *   dmarc_destination_address(d, 0 ... dmarc_destination_count(d) - 1)
 */
#ifndef MAILAUTH_DMARC_DESTINATION_H
#define MAILAUTH_DMARC_DESTINATION_H

#include "mailauth/dmarc/record.h"
#include "mailauth/lookup.h"

enum dmarc_destination_what { DMARC_DESTINATION_DONE, DMARC_DESTINATION_LOOKUP };

struct dmarc_destination;

/* domain: at which the record was found. Both are copied. ERR_NOMEM. */
int dmarc_destination_new(
    struct slice domain, const struct dmarc_uris *uris, struct dmarc_destination **out, struct error *e);
enum dmarc_destination_what dmarc_destination_next(struct dmarc_destination *d, struct mailauth_question *question_out);
void dmarc_destination_answer(struct dmarc_destination *d, const struct mailauth_answer *answer);
/* After DMARC_DESTINATION_DONE: addresses as they are written in a header, each once, in the record's order. */
size_t dmarc_destination_count(const struct dmarc_destination *d);
struct slice dmarc_destination_address(const struct dmarc_destination *d, size_t i);
/* Some could not be asked about now: later there may be more. */
bool dmarc_destination_temporary(const struct dmarc_destination *d);
void dmarc_destination_free(struct dmarc_destination *d); /* NULL is permitted */

#endif
